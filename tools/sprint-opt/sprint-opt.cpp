//===- sprint-opt.cpp - Runs passes on modules ----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Pipelines/Pipelines.h"
#include "Sprint/Support/Help.h"
#include "Sprint/Support/IRFiles.h"
#include "Sprint/Support/Messages.h"
#include "Sprint/Support/PassStatistic.h"
#include "Sprint/Support/Version.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
using namespace mlir::sprint;

/// What stands before the machines, schedules and levels.
static constexpr StringLiteral kHelp = R"(
Runs passes over a module of linalg on tensors, or of any level below.

usage: sprint-opt [FILE] [PASSES] [-o FILE]

Examples:
  sprint-opt model.mlir --sprint-compile="arch=s schedule=paper level=stream" -o stream.mlir
  sprint-opt model.mlir --sprint-compile=level=scheduled
  sprint-opt model.mlir --convert-linalg-to-sprint --sprint-outline-programs

)";

static LogicalResult fail(llvm::Error error) {
  llvm::WithColor::error(messages(), "sprint-opt") << llvm::toString(std::move(error)) << "\n";
  return failure();
}

/// As MLIR's own MlirOptMain, but for the files.
static LogicalResult optimizeFile(StringRef input, StringRef output, DialectRegistry &registry,
                                  const MlirOptMainConfig &config) {
  llvm::Expected<IROutput> file = IROutput::plan(output, input);
  if (!file)
    return fail(file.takeError());
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> buffer = openIRFile(input);
  if (!buffer)
    return fail(buffer.takeError());
  llvm::Expected<LogicalResult> result = file->write(
      [&](raw_ostream &os) { return MlirOptMain(os, std::move(*buffer), registry, config); });
  if (isAskedForPassStatistics())
    printPassStatistics(llvm::errs());
  if (!result)
    return fail(result.takeError());
  return *result;
}

int main(int argc, char **argv) {
  endWhenExhausted("sprint-opt");
  ::sprint::OutputFiles::prepareProcess();
  llvm::InitLLVM init(argc, argv, /*InstallPipeSignalExitHandler=*/false);
  if (asksForHelp(argc, argv)) {
    llvm::Error error = printHelp((kHelp + describeChoices() +
                                   "\n"
                                   "  --list-passes  all passes\n"
                                   "  -o FILE        the file of the result, else standard output")
                                      .str());
    return asMainReturnCode(error ? fail(std::move(error)) : success());
  }
  registerDebugCLOptions();
  registerVersion();
  mlir::registerAllPasses();
  mlir::sprint::registerAllPasses();
  // Registering a pass makes one.
  forgetPassStatistics();
  DialectRegistry registry;
  registerAllDialects(registry);
  auto [input, output] =
      registerAndParseCLIOptions(argc, argv, "Sprint optimizer driver\n", registry);
  MlirOptMainConfig config = MlirOptMainConfig::createFromCLOptions();
  // What says what there is reads no file.
  if (config.shouldShowDialects() || config.shouldListPasses())
    return asMainReturnCode(MlirOptMain(argc, argv, input, output, registry));
  return asMainReturnCode(optimizeFile(input, output, registry, config));
}
