//===- ScheduleFetches.cpp - Order of rows and what stays on chip ---------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/Transforms/AttachedMachine.h"
#include "Sprint/Dialect/Sprint/Transforms/Passes.h"
#include "Sprint/Dialect/Sprint/Transforms/Programs.h"
#include "Sprint/Scheduling/Algorithms.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTSCHEDULEFETCHES
#include "Sprint/Dialect/Sprint/Transforms/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

namespace {

struct ScheduleFetches : mlir::sprint::impl::SprintScheduleFetchesBase<ScheduleFetches> {
  using SprintScheduleFetchesBase::SprintScheduleFetchesBase;

  LogicalResult initialize(MLIRContext *context) override {
    algorithm = lookupSchedulingAlgorithm(schedule);
    if (algorithm)
      return success();
    InFlightDiagnostic error = emitError(UnknownLoc::get(context))
                               << "unknown schedule '" << schedule << "'; known are ";
    llvm::interleaveComma(getSchedulingAlgorithms(), error, [&](const SchedulingAlgorithm &known) {
      error << "'" << known.name << "'";
    });
    return error;
  }

  bool canScheduleOn(RegisteredOperationName name) const override {
    return isModuleOrProgram<ProgramOp>(name);
  }

  void runOnOperation() override {
    if (failed(forEachProgram<ProgramOp>(getOperation(),
                                         [&](ProgramOp program) { return run(program); })))
      signalPassFailure();
  }

private:
  LogicalResult run(ProgramOp program) {
    FailureOr<MachineAttr> machine = getMachine(program);
    FailureOr<CostsAttr> costs = getCosts(program);
    if (failed(machine) || failed(costs))
      return failure();
    WalkResult result = program.walk([&](AttendOp attend) {
      if (all)
        attend.setSelect(Select::All);
      FetchProblem problem(attend, *machine, *costs);
      std::string error;
      if (problem.check(error)) {
        // What was decided by hand stays.
        if (!attend.getScheduleAttr()) {
          attend.setScheduleAttr(algorithm->solve(&getContext(), problem));
          ++numScheduled;
        }
        if (problem.verify(attend.getScheduleAttr(), error))
          return WalkResult::advance();
      }
      attend.emitOpError() << error;
      return WalkResult::interrupt();
    });
    return failure(result.wasInterrupted());
  }

  const SchedulingAlgorithm *algorithm = nullptr;
};

} // namespace
