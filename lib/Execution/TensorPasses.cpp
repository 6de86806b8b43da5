//===- TensorPasses.cpp - What is done before there are buffers -------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "TensorPasses.h"

#include "Contractions.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace mlir::sprint;

namespace {

/// Replaces an op by those that it is said to stand for.
struct DecomposeAggregate : OpInterfaceRewritePattern<linalg::AggregatedOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::AggregatedOpInterface op,
                                PatternRewriter &rewriter) const override {
    FailureOr<SmallVector<Value>> results = op.decomposeOperation(rewriter);
    if (failed(results))
      return rewriter.notifyMatchFailure(op, "expected an op that decomposes");
    rewriter.replaceOp(op, *results);
    return success();
  }
};

struct DecomposeTensorOps : PassWrapper<DecomposeTensorOps, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(DecomposeTensorOps)

  StringRef getName() const override { return "DecomposeTensorOps"; }

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<DecomposeAggregate>(&getContext());
    tensor::populateDecomposeTensorConcatPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

/// Whether each element of the operand's producer is read in one iteration of one op only.
bool isReadOnce(OpOperand *operand) {
  auto consumer = cast<linalg::LinalgOp>(operand->getOwner());
  return consumer.getMatchingIndexingMap(operand).isPermutation() &&
         llvm::all_of(operand->get().getUsers(), [&](Operation *user) { return user == consumer; });
}

struct FuseElementwise : PassWrapper<FuseElementwise, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FuseElementwise)

  StringRef getName() const override { return "FuseElementwise"; }

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, [](OpOperand *operand) {
      return isReadOnce(operand) && !isContraction(cast<linalg::LinalgOp>(operand->getOwner()));
    });
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

struct SplitFills : PassWrapper<SplitFills, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SplitFills)

  StringRef getName() const override { return "SplitFills"; }

  void runOnOperation() override {
    SmallVector<linalg::FillOp> fills;
    getOperation()->walk([&](linalg::FillOp fill) {
      if (fill.hasPureTensorSemantics() && fill.getOutputs()[0].getDefiningOp<tensor::EmptyOp>())
        fills.push_back(fill);
    });
    for (linalg::FillOp fill : fills)
      for (OpOperand &use : llvm::make_early_inc_range(fill->getUses())) {
        // Elsewhere it may be needed where its user does not run.
        if (use.getOwner()->getBlock() != fill->getBlock())
          continue;
        OpBuilder builder(use.getOwner());
        IRMapping mapping;
        builder.clone(*fill.getOutputs()[0].getDefiningOp(), mapping);
        use.set(builder.clone(*fill, mapping)->getResult(0));
      }
  }
};

} // namespace

std::unique_ptr<Pass> sprint::createDecomposeTensorOpsPass() {
  return std::make_unique<DecomposeTensorOps>();
}

std::unique_ptr<Pass> sprint::createFuseElementwisePass() {
  return std::make_unique<FuseElementwise>();
}

std::unique_ptr<Pass> sprint::createSplitFillsPass() { return std::make_unique<SplitFills>(); }
