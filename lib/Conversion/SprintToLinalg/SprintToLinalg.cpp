//===- SprintToLinalg.cpp - Sprint ops in upstream dialects -----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "Sprint/Conversion/Passes.h"
#include "SprintRuntime/NumericsConstants.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_CONVERTSPRINTTOLINALG
#include "Sprint/Conversion/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

/// Checks that the scores of an op fit the integers they are computed in.
static LogicalResult verifyHeadDim(RecomputeOp op) {
  int64_t headDim = cast<ShapedType>(op.getQuery().getType()).getDimSize(1);
  if (ShapedType::isDynamic(headDim) || headDim <= ::sprint::kMaxChannels)
    return success();
  return op.emitOpError() << "expected a head dimension of at most " << ::sprint::kMaxChannels
                          << ", got " << headDim;
}

namespace {

struct ConvertSprintToLinalg
    : mlir::sprint::impl::ConvertSprintToLinalgBase<ConvertSprintToLinalg> {
  using ConvertSprintToLinalgBase::ConvertSprintToLinalgBase;

  void runOnOperation() override {
    WalkResult checked = getOperation().walk([](RecomputeOp op) {
      return failed(verifyHeadDim(op)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (checked.wasInterrupted())
      return signalPassFailure();

    for (auto program : getOperation().getOps<ProgramOp>())
      if (!program.getBody().getOps<sprint_isa::ProgramOp>().empty()) {
        program.emitOpError("expected no commands in its body; run sprint-finalize-programs first");
        return signalPassFailure();
      }

    if (failed(lowering::lowerPrograms(getOperation())))
      return signalPassFailure();
    getOperation().walk([&](Operation *op) {
      if (isa<SprintDialect>(op->getDialect()) && !isa<LaunchOp, CreateCacheOp, CachedLaunchOp>(op))
        ++numLowered;
    });

    RewritePatternSet patterns(&getContext());
    lowering::populateAttentionPatterns(patterns);
    lowering::populateQuantizationPatterns(patterns);
    lowering::populateSelectionPatterns(patterns);
    lowering::populateRecomputePatterns(patterns);

    ConversionTarget target(getContext());
    target.addIllegalDialect<SprintDialect>();
    // Those of commands.
    target.addLegalOp<LaunchOp, CreateCacheOp, CachedLaunchOp>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
