//===- Pipelines.cpp - Everything that tools register ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Pipelines/Pipelines.h"

#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Dialect/Sprint/Transforms/Passes.h"
#include "Sprint/Dialect/SprintISA/Transforms/Passes.h"
#include "Sprint/Dialect/TMTensor/IR/TMTensor.h"
#include "Sprint/Execution/Passes.h"
#include "Sprint/Scheduling/Algorithms.h"

#include "SprintRuntime/Machine.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::sprint;

static constexpr LevelInfo kLevels[] = {
    {Level::Attention, "attention", "attentions raised to one op each, floats", true},
    {Level::Outlined, "outlined", "integer attentions in programs, cut from the host", false},
    {Level::Scheduled, "scheduled", "integer attentions in programs, scheduled", true},
    {Level::Tiled, "tiled", "cut into the blocks of their schedule", true},
    {Level::Lowered, "lowered", "commands in their value form, one nest", false},
    {Level::Distributed, "distributed", "commands by units, with the queues between them", false},
    {Level::Stream, "stream", "commands of the machine", true},
};

ArrayRef<LevelInfo> mlir::sprint::getLevels() { return kLevels; }

std::string mlir::sprint::describeChoices(bool onlyWhatRuns) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "Machines:  " << llvm::join(::sprint::builtinMachines(), ", ")
     << ", or a description, FILE.yaml\nSchedules: ";
  for (const SchedulingAlgorithm &algorithm : getSchedulingAlgorithms())
    os << algorithm.name << ", ";
  os << kDenseSchedule << "\nLevels:    ";
  auto levels = llvm::make_filter_range(
      getLevels(), [&](const LevelInfo &info) { return info.runs || !onlyWhatRuns; });
  llvm::interleaveComma(levels, os, [&](const LevelInfo &info) { os << info.name; });
  os << "\n";
  return text;
}

void mlir::sprint::addPassesTo(Level level, OpPassManager &pm, StringRef arch, StringRef schedule) {
  switch (level) {
  case Level::Attention:
    pm.addPass(createConvertLinalgToSprint());
    return;
  case Level::Outlined:
    pm.addPass(createSprintAttachMachine({arch.str()}));
    pm.addPass(createSprintOutlinePrograms());
    return;
  case Level::Scheduled: {
    bool isDense = schedule == kDenseSchedule;
    pm.addNestedPass<ProgramOp>(
        createSprintScheduleFetches({isDense ? "resident" : schedule.str(), /*all=*/isDense}));
    return;
  }
  case Level::Tiled:
    pm.addNestedPass<ProgramOp>(createSprintTileToCrossbar());
    return;
  case Level::Lowered:
    pm.addNestedPass<ProgramOp>(createConvertSprintToISA());
    return;
  case Level::Distributed:
    pm.addNestedPass<ProgramOp>(createSprintDistributeUnits());
    return;
  case Level::Stream:
    pm.addPass(createSprintFinalizePrograms());
    pm.addNestedPass<sprint_isa::ProgramOp>(sprint_isa::createSprintCheckPrograms());
    return;
  }
}

void mlir::sprint::buildCompilePipeline(OpPassManager &pm, const CompileOptions &options) {
  for (const LevelInfo &info : kLevels)
    if (info.level <= options.level)
      addPassesTo(info.level, pm, options.arch, options.schedule);
}

void mlir::sprint::buildHostConversions(OpPassManager &pm) {
  pm.addPass(createConvertSprintToLinalg());
  pm.addPass(createConvertSprintLaunchToCall());
  pm.addPass(createConvertTMTensorToLinalg());
}

void mlir::sprint::registerSprintDialects(DialectRegistry &registry) {
  registry.insert<SprintDialect, sprint_isa::SprintISADialect, tm_tensor::TMTensorDialect>();
}

void mlir::sprint::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registerSprintDialects(registry);
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
                             [](OpPassManager &pm) { buildHostPipeline(pm); });
}
