//===- IRFiles.cpp - IR that tools read and write -------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Support/IRFiles.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::sprint;

/// What stands for a standard stream.
static constexpr StringLiteral kStandardStream = "-";

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> mlir::sprint::openFile(StringRef path) {
  if (path != kStandardStream) {
    llvm::sys::fs::file_status status;
    // Where there is no file, opening it says so.
    if (!llvm::sys::fs::status(path, status) && !llvm::sys::fs::is_regular_file(status) &&
        !llvm::sys::fs::is_directory(status))
      return llvm::createStringError(path + ": not a regular file");
  }
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> file = openInputFile(path, &message);
  if (!file)
    return llvm::createStringError(message);
  return file;
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> mlir::sprint::openIRFile(StringRef path) {
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> file = openFile(path);
  if (file)
    if (llvm::Error error = checkText((*file)->getBuffer(), path))
      return std::move(error);
  return file;
}

llvm::Error mlir::sprint::checkText(StringRef text, StringRef name) {
  // Far more than any producer prints; four times as many regions have been seen to fit on a stack
  // of 8 MiB, and 30,000 not to.
  constexpr int64_t kMaxNesting = 512;
  if (isBytecode(llvm::MemoryBufferRef(text, name)))
    return llvm::Error::success();
  auto fail = [&](size_t index, const Twine &message) {
    return llvm::createStringError(name + ":" + Twine(text.take_front(index).count('\n') + 1) +
                                   ": " + message);
  };
  // Lines are printed with what is wrong in them.
  size_t control = text.find_if([](char c) {
    return llvm::isASCII(c) && !llvm::isPrint(c) && c != '\n' && c != '\t' && c != '\r';
  });
  if (control != StringRef::npos)
    return fail(control, "expected text or bytecode, got a control character");
  int64_t depth = 0;
  for (size_t index = 0; index < text.size(); ++index) {
    switch (text[index]) {
    case '"':
      // To the end of the string.
      for (++index; index < text.size() && text[index] != '"' && text[index] != '\n'; ++index)
        index += text[index] == '\\';
      break;
    case '/':
      if (text.substr(index).starts_with("//"))
        index = std::min(text.find('\n', index), text.size());
      break;
    case '<':
    case '(':
    case '[':
    case '{':
      // Not a comparison.
      if (!text.substr(index).starts_with("<=") && ++depth > kMaxNesting)
        return fail(index, "expected brackets at most " + Twine(kMaxNesting) + " deep, got more");
      break;
    case '>':
      // Nor an arrow.
      if (index > 0 && (text[index - 1] == '-' || text[index - 1] == '='))
        break;
      if (text.substr(index).starts_with(">="))
        break;
      [[fallthrough]];
    case ')':
    case ']':
    case '}':
      depth = std::max<int64_t>(depth - 1, 0);
      break;
    default:
      break;
    }
  }
  return llvm::Error::success();
}

llvm::Expected<IROutput> IROutput::plan(StringRef path, StringRef input) {
  IROutput output;
  output.path = path.str();
  if (path == kStandardStream)
    return output;
  output.files = std::make_unique<::sprint::OutputFiles>();
  if (input != kStandardStream)
    output.files->addInput(input.str());
  std::string error;
  if (!output.files->plan(output.path, error))
    return llvm::createStringError(error);
  return output;
}

llvm::Error IROutput::write(StringRef bytes) {
  if (!files) {
    llvm::outs() << bytes;
    return flushOuts();
  }
  std::string error;
  if (!files->add(path, std::string_view(bytes), error) || !files->commit(error))
    return llvm::createStringError(error);
  return llvm::Error::success();
}

llvm::Error mlir::sprint::flushOuts() {
  llvm::outs().flush();
  std::error_code code = llvm::outs().error();
  if (!code)
    return llvm::Error::success();
  llvm::outs().clear_error();
  return llvm::createStringError(::sprint::standardOutputFault(code.value()));
}
