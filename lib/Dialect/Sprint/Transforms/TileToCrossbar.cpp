//===- TileToCrossbar.cpp - Fit approximate scores to the arrays ----------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/Transforms/AttachedMachine.h"
#include "Sprint/Dialect/Sprint/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTTILETOCROSSBAR
#include "Sprint/Dialect/Sprint/Transforms/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

/// A rectangle of a matrix.
static Value extractRectangle(OpBuilder &builder, Location loc, Value matrix,
                              ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(builder, loc, matrix, offsets, sizes, strides);
}

/// Puts `score` on the arrays of the machine.
static LogicalResult tile(RewriterBase &rewriter, CrossbarScoreOp score,
                          const ::sprint::Structure &structure) {
  Location loc = score.getLoc();
  int64_t channels = cast<RankedTensorType>(score.getQuery().getType()).getDimSize(1);
  if (ShapedType::isDynamic(channels))
    return score.emitOpError("expected a static head dimension to tile");
  int64_t keysPerArray = structure.keysPerArray(channels);
  if (keysPerArray < 1)
    return score.emitOpError("expected a head dimension of at most ")
           << structure.arrayRows * structure.arrayColumns << ", one key to an array, got "
           << channels;

  rewriter.setInsertionPoint(score);
  OpFoldResult rows = tensor::getMixedSize(rewriter, loc, score.getQuery(), 0);
  OpFoldResult keys = tensor::getMixedSize(rewriter, loc, score.getKey(), 0);
  AffineExpr d0, s0;
  bindDims(rewriter.getContext(), d0);
  bindSymbols(rewriter.getContext(), s0);
  OpFoldResult arrays =
      affine::makeComposedFoldedAffineApply(rewriter, loc, s0.ceilDiv(keysPerArray), {keys});

  auto forall = scf::ForallOp::create(rewriter, loc, ArrayRef<OpFoldResult>{arrays},
                                      ValueRange{score.getInit()}, /*mapping=*/std::nullopt);
  rewriter.setInsertionPointToStart(forall.getBody());
  OpFoldResult array = forall.getInductionVar(0);
  OpFoldResult first =
      affine::makeComposedFoldedAffineApply(rewriter, loc, d0 * keysPerArray, {array});
  // The last array holds what is left.
  AffineMap held =
      AffineMap::get(1, 1, {getAffineConstantExpr(keysPerArray, rewriter.getContext()), s0 - d0},
                     rewriter.getContext());
  OpFoldResult count = affine::makeComposedFoldedAffineMin(rewriter, loc, held, {first, keys});

  OpFoldResult zero = rewriter.getIndexAttr(0);
  SmallVector<OpFoldResult> offsets = {zero, first}, sizes = {rows, count};
  Value sums = extractRectangle(rewriter, loc, forall.getRegionIterArgs()[0], offsets, sizes);
  for (int64_t channel = 0; channel < channels; channel += structure.arrayRows) {
    OpFoldResult from = rewriter.getIndexAttr(channel);
    OpFoldResult width = rewriter.getIndexAttr(std::min(structure.arrayRows, channels - channel));
    Value query = extractRectangle(rewriter, loc, score.getQuery(), {zero, from}, {rows, width});
    Value key = extractRectangle(rewriter, loc, score.getKey(), {first, from}, {count, width});
    sums =
        CrossbarScoreOp::create(rewriter, loc, sums.getType(), query, key, sums, score.getNibble());
  }
  rewriter.setInsertionPointToStart(forall.getTerminator().getBody());
  SmallVector<OpFoldResult> strides(2, rewriter.getIndexAttr(1));
  tensor::ParallelInsertSliceOp::create(rewriter, loc, sums, forall.getRegionIterArgs()[0], offsets,
                                        sizes, strides);
  rewriter.replaceOp(score, forall.getResults());
  return success();
}

namespace {

struct TileToCrossbar : mlir::sprint::impl::SprintTileToCrossbarBase<TileToCrossbar> {
  using SprintTileToCrossbarBase::SprintTileToCrossbarBase;

  void runOnOperation() override {
    SmallVector<CrossbarScoreOp> scores;
    SmallVector<RecomputeOp> recomputes;
    getOperation().walk([&](Operation *op) {
      if (auto score = dyn_cast<CrossbarScoreOp>(op))
        scores.push_back(score);
      else if (auto recompute = dyn_cast<RecomputeOp>(op))
        recomputes.push_back(recompute);
    });
    if (scores.empty() && recomputes.empty())
      return;
    FailureOr<MachineAttr> machine = getMachine(getOperation());
    if (failed(machine))
      return signalPassFailure();
    ::sprint::Structure structure = getStructure(*machine);
    IRRewriter rewriter(&getContext());
    for (CrossbarScoreOp score : scores)
      if (failed(tile(rewriter, score, structure)))
        return signalPassFailure();
    for (RecomputeOp recompute : recomputes)
      recompute.setCorelets(structure.corelets);
  }
};

} // namespace
