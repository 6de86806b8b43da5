//===- Pipelines.cpp - Everything that tools register ---------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Pipelines/Pipelines.h"

#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Dialect/Sprint/Transforms/Passes.h"
#include "Sprint/Dialect/SprintISA/Transforms/Passes.h"
#include "Sprint/Dialect/TMTensor/IR/TMTensor.h"
#include "Sprint/Execution/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace mlir::sprint;

llvm::cl::ValuesClass CompileOptions::levelValues() {
  return llvm::cl::values(
      clEnumValN(Level::Attention, "attention", "attentions raised to one op each, floats"),
      clEnumValN(Level::Scheduled, "scheduled", "integer attentions in programs, scheduled"),
      clEnumValN(Level::Tiled, "tiled", "cut into the blocks of their schedule"),
      clEnumValN(Level::Stream, "stream", "commands of the machine"));
}

void mlir::sprint::buildCompilePipeline(OpPassManager &pm, const CompileOptions &options) {
  pm.addPass(createConvertLinalgToSprint());
  if (options.level == Level::Attention)
    return;
  pm.addPass(createSprintAttachMachine({options.arch}));
  bool isDense = options.schedule == kDenseSchedule;
  pm.addPass(createSprintOutlinePrograms({/*all=*/isDense}));
  auto &programs = pm.nest<ProgramOp>();
  programs.addPass(createSprintScheduleFetches(
      {isDense ? std::string("resident") : options.schedule.getValue()}));
  if (options.level == Level::Scheduled)
    return;
  programs.addPass(createSprintTileToCrossbar());
  if (options.level == Level::Tiled)
    return;
  programs.addPass(createConvertSprintToISA());
  programs.addPass(createSprintDistributeUnits());
  pm.addPass(createSprintFinalizePrograms());
  pm.addNestedPass<sprint_isa::ProgramOp>(sprint_isa::createSprintCheckPrograms());
}

void mlir::sprint::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<SprintDialect, sprint_isa::SprintISADialect, tm_tensor::TMTensorDialect>();
}

void mlir::sprint::registerAllPasses() {
  registerSprintTransformsPasses();
  registerSprintConversionPasses();
  registerSprintExecutionPasses();
  sprint_isa::registerSprintISATransformsPasses();
  PassPipelineRegistration<CompileOptions>("sprint-compile",
                                           "From linalg on tensors to the commands of a machine",
                                           buildCompilePipeline);
  PassPipelineRegistration<>("sprint-compile-host",
                             "From linalg on tensors to the LLVM dialect, for the host",
                             buildHostPipeline);
}
