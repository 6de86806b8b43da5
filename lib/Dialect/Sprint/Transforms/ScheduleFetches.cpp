//===- ScheduleFetches.cpp - Order of queries and what stays on chip ------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/Transforms/Passes.h"
#include "Sprint/Scheduling/Schedules.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTSCHEDULEFETCHES
#include "Sprint/Dialect/Sprint/Transforms/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

namespace {

struct ScheduleFetches : mlir::sprint::impl::SprintScheduleFetchesBase<ScheduleFetches> {
  using SprintScheduleFetchesBase::SprintScheduleFetchesBase;

  void runOnOperation() override {
    const Schedule *chosen = lookupSchedule(schedule);
    if (!chosen) {
      InFlightDiagnostic diagnostic = getOperation().emitError()
                                      << "unknown schedule '" << schedule << "'; known are ";
      llvm::interleaveComma(getSchedules(), diagnostic,
                            [&](const Schedule &known) { diagnostic << "'" << known.name << "'"; });
      return signalPassFailure();
    }
    auto attr =
        ScheduleAttr::get(&getContext(), chosen->queryBlock, chosen->lookahead, chosen->residency);
    WalkResult result = getOperation().walk([&](RecomputeOp op) {
      auto loop = dyn_cast<scf::ForOp>(op->getParentOp());
      if (!loop) {
        op.emitOpError("expected to stand in a loop over queries");
        return WalkResult::interrupt();
      }
      loop->setAttr(SprintDialect::kScheduleAttrName, attr);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
