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

/// Bytecode begins at a multiple of this, so that its resources do not have to be moved: those that
/// sprint-attach-weights has named are aligned to it, and few others to more than a vector.
static constexpr auto kBytecodeAlignment = llvm::Align::Constant<64>();

/// Where there is no file, opening it says so.
static llvm::Error checkRegular(StringRef path) {
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(path, status) && !llvm::sys::fs::is_regular_file(status) &&
      !llvm::sys::fs::is_directory(status))
    return llvm::createStringError(path + ": not a regular file");
  return llvm::Error::success();
}

/// Opens a file to be mapped, which a byte behind its end would prevent for some sizes.
static llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> mapFile(StringRef path) {
  return llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false,
                                     /*IsVolatile=*/false, kBytecodeAlignment);
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> mlir::sprint::openFile(StringRef path) {
  if (path != kStandardStream)
    if (llvm::Error error = checkRegular(path))
      return std::move(error);
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> file = openInputFile(path, &message);
  if (!file)
    return llvm::createStringError(message);
  return file;
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> mlir::sprint::openIRFile(StringRef path) {
  if (path != kStandardStream) {
    if (llvm::Error error = checkRegular(path))
      return std::move(error);
    if (auto mapped = mapFile(path); mapped && isBytecode(**mapped))
      return std::move(*mapped);
  }
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> file = openFile(path);
  if (!file)
    return file;
  if (llvm::Error error = checkText((*file)->getBuffer(), path))
    return std::move(error);
  if (isBytecode(**file))
    return copyIR((*file)->getBuffer(), (*file)->getBufferIdentifier());
  return file;
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> mlir::sprint::openDataFile(StringRef path) {
  if (llvm::Error error = checkRegular(path))
    return std::move(error);
  auto mapped = mapFile(path);
  if (!mapped)
    return llvm::createStringError(path + ": " + mapped.getError().message());
  return std::move(*mapped);
}

std::unique_ptr<llvm::MemoryBuffer> mlir::sprint::copyIR(StringRef bytes, StringRef name) {
  auto copy =
      llvm::WritableMemoryBuffer::getNewUninitMemBuffer(bytes.size(), name, kBytecodeAlignment);
  llvm::copy(bytes, copy->getBufferStart());
  return copy;
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

namespace {
/// A stream into the file that was added to a set last.
class OutputStream : public raw_ostream {
public:
  OutputStream(::sprint::OutputFiles &files, const std::string &path) : files(files), path(path) {
    constexpr size_t kBufferSize = 1 << 20;
    SetBufferSize(kBufferSize);
  }
  ~OutputStream() override { flush(); }

  /// Why it could not be written; empty where it could.
  const std::string &getError() const { return error; }

private:
  void write_impl(const char *bytes, size_t size) override {
    position += size;
    if (error.empty())
      (void)files.append(path, {bytes, size}, error);
  }
  uint64_t current_pos() const override { return position; }

  ::sprint::OutputFiles &files;
  const std::string &path;
  std::string error;
  uint64_t position = 0;
};
} // namespace

llvm::Expected<LogicalResult> IROutput::write(function_ref<LogicalResult(raw_ostream &)> print) {
  if (!files) {
    std::string text;
    llvm::raw_string_ostream os(text);
    if (failed(print(os)))
      return failure();
    if (llvm::Error error = write(text))
      return std::move(error);
    return success();
  }
  std::string error;
  if (!files->add(path, "", error))
    return llvm::createStringError(error);
  OutputStream os(*files, path);
  if (failed(print(os)))
    return failure();
  os.flush();
  if (!os.getError().empty())
    return llvm::createStringError(os.getError());
  if (!files->commit(error))
    return llvm::createStringError(error);
  return success();
}

llvm::Error mlir::sprint::flushOuts() {
  llvm::outs().flush();
  std::error_code code = llvm::outs().error();
  if (!code)
    return llvm::Error::success();
  llvm::outs().clear_error();
  return llvm::createStringError(::sprint::standardOutputFault(code.value()));
}
