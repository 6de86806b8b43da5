//===- sprint-run.cpp - Run a model on the machine ------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"
#include "Session.h"

#include "Sprint/Support/Messages.h"
#include "Sprint/Support/PassStatistic.h"
#include "Sprint/Support/Version.h"
#include "SprintRuntime/OutputFiles.h"

#include "mlir/InitAllPasses.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/Support/InitLLVM.h"

using namespace mlir;
using namespace mlir::sprint;

int main(int argc, char **argv) {
  endWhenExhausted("sprint-run");
  ::sprint::OutputFiles::prepareProcess();
  llvm::InitLLVM init(argc, argv, /*InstallPipeSignalExitHandler=*/false);
  registerVersion();
  // Options name passes.
  mlir::registerAllPasses();
  mlir::sprint::registerAllPasses();
  // Registering a pass makes one.
  forgetPassStatistics();
  registerPassManagerCLOptions();
  registerDefaultTimingManagerCLOptions();
  registerDebugCLOptions();
  std::optional<RunOptions> options = parseRunOptions(argc, argv);
  if (!options)
    return EXIT_FAILURE;
  // All pass managers are timed as one.
  DefaultTimingManager timing;
  applyDefaultTimingManagerCLOptions(timing);
  TimingScope scope = timing.getRootScope();
  LogicalResult result = runSession(*options, [&](PassManager &passes) {
    passes.enableTiming(scope);
    return applyPassManagerCLOptions(passes);
  });
  if (isAskedForPassStatistics())
    printPassStatistics(llvm::errs());
  return succeeded(result) ? EXIT_SUCCESS : EXIT_FAILURE;
}
