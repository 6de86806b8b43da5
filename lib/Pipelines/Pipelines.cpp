//===- Pipelines.cpp - Everything that tools register ---------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Pipelines/Pipelines.h"

#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Dialect/Sprint/Transforms/Passes.h"
#include "Sprint/Dialect/TMTensor/IR/TMTensor.h"
#include "Sprint/Scheduling/Schedules.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace mlir::sprint;

llvm::cl::ValuesClass CompileOptions::levelValues() {
  return llvm::cl::values(
      clEnumValN(Level::Attention, "attention", "attentions raised to one op each, floats"),
      clEnumValN(Level::Ops, "ops", "the integer steps of the machine"),
      clEnumValN(Level::Tiled, "tiled", "scores fitted to the crossbar arrays"),
      clEnumValN(Level::Scheduled, "scheduled", "with the schedule decided"),
      clEnumValN(Level::Stream, "stream", "commands of the machine"));
}

void mlir::sprint::buildCompilePipeline(OpPassManager &pm, const CompileOptions &options) {
  pm.addPass(createConvertLinalgToSprint());
  if (options.level == Level::Attention)
    return;
  pm.addPass(createSprintAttachMachine({options.arch}));
  const Schedule *schedule = lookupSchedule(options.schedule);
  // An unknown schedule is reported by the pass that chooses it.
  pm.addPass(createSprintDecomposeAttention({/*dense=*/schedule && !schedule->prunes}));
  if (options.level == Level::Ops)
    return;
  pm.addPass(createSprintTileToCrossbar());
  if (options.level == Level::Tiled)
    return;
  pm.addPass(createSprintScheduleFetches({options.schedule}));
  if (options.level == Level::Scheduled)
    return;
  pm.addPass(createSprintOutlinePrograms());
  pm.addPass(createConvertSprintToISA());
}

void mlir::sprint::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<SprintDialect, sprint_isa::SprintISADialect, tm_tensor::TMTensorDialect>();
}

void mlir::sprint::registerAllPasses() {
  registerSprintTransformsPasses();
  registerSprintConversionPasses();
  PassPipelineRegistration<CompileOptions>("sprint-compile",
                                           "From linalg on tensors to the commands of a machine",
                                           buildCompilePipeline);
}
