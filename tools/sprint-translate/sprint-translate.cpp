//===- sprint-translate.cpp - Programs from and to command streams --------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Pipelines/Pipelines.h"
#include "Sprint/Support/Help.h"
#include "Sprint/Support/IRFiles.h"
#include "Sprint/Support/Messages.h"
#include "Sprint/Support/Version.h"
#include "Sprint/Target/CommandStream.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;

static constexpr llvm::StringLiteral kHelp = R"(
Translates the programs of a module to a command stream, and back.

usage: sprint-translate (--sprint-isa-to-stream | --stream-to-sprint-isa) [FILE] [-o FILE]

  --sprint-isa-to-stream  encodes the programs of a module as a command stream
  --stream-to-sprint-isa  prints a command stream as a module
  -o FILE                 the file of the result, else standard output

Examples:
  sprint-opt model.mlir --sprint-compile=arch=s | sprint-translate --sprint-isa-to-stream -o model.stream
  sprint-translate --stream-to-sprint-isa model.stream

Machines and schedules are chosen when a model is compiled (sprint-opt --help).
)";

static LogicalResult fail(const llvm::Twine &message) {
  llvm::WithColor::error(mlir::sprint::messages(), "sprint-translate") << message << "\n";
  return failure();
}

/// Translates a whole file before any of the output is written.
static LogicalResult translateFile(const Translation &translation, bool isFromIR, StringRef input,
                                   StringRef output) {
  llvm::Expected<mlir::sprint::IROutput> written = mlir::sprint::IROutput::plan(output, input);
  if (!written)
    return fail(llvm::toString(written.takeError()));
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> file =
      isFromIR ? mlir::sprint::openIRFile(input) : mlir::sprint::openFile(input);
  if (!file)
    return fail(llvm::toString(file.takeError()));
  DialectRegistry registry;
  mlir::sprint::registerAllDialects(registry);
  MLIRContext context(registry);
  context.printOpOnDiagnostic(false);
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(*file), SMLoc());
  SourceMgrDiagnosticHandler diagnostics(*sources, &context, mlir::sprint::messages());
  std::string result;
  llvm::raw_string_ostream os(result);
  if (failed(translation(sources, os, &context)))
    return failure();
  if (llvm::Error error = written->write(result))
    return fail(llvm::toString(std::move(error)));
  return success();
}

int main(int argc, char **argv) {
  mlir::sprint::endWhenExhausted("sprint-translate");
  ::sprint::OutputFiles::prepareProcess();
  llvm::InitLLVM init(argc, argv, /*InstallPipeSignalExitHandler=*/false);
  if (mlir::sprint::asksForHelp(argc, argv)) {
    llvm::Error error = mlir::sprint::printHelp(kHelp);
    return failed(error ? fail(llvm::toString(std::move(error))) : success());
  }
  mlir::sprint::registerVersion();
  sprint_isa::registerToCommandStreamTranslation();
  sprint_isa::registerFromCommandStreamTranslation();
  llvm::cl::opt<std::string> input(llvm::cl::Positional, llvm::cl::desc("<input file>"),
                                   llvm::cl::init("-"));
  llvm::cl::opt<std::string> output("o", llvm::cl::desc("Output file"),
                                    llvm::cl::value_desc("file"), llvm::cl::init("-"));
  llvm::cl::opt<const Translation *, false, TranslationParser> translation(
      "", llvm::cl::desc("Translation to perform"), llvm::cl::init(nullptr));
  llvm::cl::ParseCommandLineOptions(argc, argv, "Command streams from and to their text\n");
  if (!translation)
    return failed(fail("expected --sprint-isa-to-stream or --stream-to-sprint-isa"));
  TranslationParser &parser = translation.getParser();
  auto named = [&](StringRef name) -> const Translation * {
    const llvm::cl::GenericOptionValue &value = parser.getOptionValue(parser.findOption(name));
    return static_cast<const llvm::cl::OptionValue<const Translation *> &>(value).getValue();
  };
  bool isFromIR = translation == named("sprint-isa-to-stream");
  return failed(translateFile(*translation, isFromIR, input, output));
}
