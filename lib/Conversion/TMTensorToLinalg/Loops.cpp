//===- Loops.cpp - tm_tensor.scan and tm_tensor.scatter as loops ------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::sprint::tm_tensor;

namespace {

/// Each line from its first element to its last, with the last value in a register.
struct ScanLowering : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ScanOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Value size = sizeOf(builder, op.getInput(), op.getDimension());
    auto scanLine = [&](ImplicitLocOpBuilder &builder, const Line &line,
                        ValueRange carried) -> SmallVector<Value> {
      Value start = tensor::ExtractOp::create(builder, carried[1], line.others);
      SmallVector<Value> scanned = createLoop(
          builder, size, {carried[0], start},
          [&](ImplicitLocOpBuilder &builder, Value position, ValueRange carried) {
            Value value = createStep(builder, op, line, position, /*running=*/carried[1]);
            Value output = tensor::InsertOp::create(builder, value, carried[0], line.at(position));
            return SmallVector<Value>{output, value};
          });
      Value last = tensor::InsertOp::create(builder, scanned[1], carried[1], line.others);
      return {scanned[0], last};
    };
    rewriter.replaceOp(op, createLoopsOverLines(builder, op.getInput(), op.getDimension(),
                                                {op.getOutput(), op.getAccumulator()}, scanLine));
    return success();
  }

private:
  /// The scan's value at `position`; `running` is the one before, or the accumulator.
  static Value createStep(ImplicitLocOpBuilder &builder, ScanOp op, const Line &line,
                          Value position, Value running) {
    auto element = [&](ImplicitLocOpBuilder &builder, Value at) -> Value {
      return tensor::ExtractOp::create(builder, op.getInput(), line.at(at));
    };
    Value isFirst =
        arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, position, createIndex(builder, 0));
    return scf::IfOp::create(
               builder, isFirst,
               [&](OpBuilder &nested, Location loc) {
                 ImplicitLocOpBuilder first(loc, nested);
                 scf::YieldOp::create(first,
                                      op.getInclusive() ? element(first, position) : running);
               },
               [&](OpBuilder &nested, Location loc) {
                 ImplicitLocOpBuilder next(loc, nested);
                 Value at = op.getInclusive()
                                ? position
                                : arith::SubIOp::create(next, position, createIndex(next, 1));
                 scf::YieldOp::create(next,
                                      inlineBody(next, op.getBody(), {running, element(next, at)}));
               })
        .getResult(0);
  }
};

/// One update after the other, so that repeated indices need nothing of their own.
struct ScatterLowering : OpRewritePattern<ScatterOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ScatterOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    auto updatesType = cast<RankedTensorType>(op.getUpdates().getType());
    int64_t rank = cast<RankedTensorType>(op.getOriginal().getType()).getRank();
    int64_t sliceRank = updatesType.getRank() - 1;

    SmallVector<OpFoldResult> updateSizes =
        tensor::getMixedSizes(builder, builder.getLoc(), op.getUpdates());
    Slice slice;
    slice.type =
        RankedTensorType::get(updatesType.getShape().drop_front(), updatesType.getElementType());
    slice.sizes.assign(rank - sliceRank, builder.getIndexAttr(1));
    llvm::append_range(slice.sizes, ArrayRef(updateSizes).drop_front());
    SmallVector<Value> limits = createLimits(builder, op, slice);
    updateSizes.front() = builder.getIndexAttr(1);

    SmallVector<Value> results = createLoop(
        builder, sizeOf(builder, op.getUpdates(), 0), op.getOriginal(),
        [&](ImplicitLocOpBuilder &builder, Value number, ValueRange carried) {
          SmallVector<OpFoldResult> updateOffsets(sliceRank + 1, builder.getIndexAttr(0));
          updateOffsets.front() = number;
          SmallVector<OpFoldResult> updateStrides(sliceRank + 1, builder.getIndexAttr(1));
          Value update = tensor::ExtractSliceOp::create(builder, slice.type, op.getUpdates(),
                                                        updateOffsets, updateSizes, updateStrides);

          SmallVector<OpFoldResult> offsets = createOffsets(builder, op, number, limits);
          SmallVector<OpFoldResult> strides(rank, builder.getIndexAttr(1));
          Value current = tensor::ExtractSliceOp::create(builder, slice.type, carried[0], offsets,
                                                         slice.sizes, strides);
          Value combined = combine(builder, op, update, current);
          Value result = tensor::InsertSliceOp::create(builder, combined, carried[0], offsets,
                                                       slice.sizes, strides);
          return SmallVector<Value>{result};
        });
    rewriter.replaceOp(op, results);
    return success();
  }

private:
  /// What an update meets.
  struct Slice {
    RankedTensorType type;
    /// In every dimension of the original.
    SmallVector<OpFoldResult> sizes;
  };

  /// The largest offset in each dimension of the original at which a slice still fits.
  static SmallVector<Value> createLimits(ImplicitLocOpBuilder &builder, ScatterOp op,
                                         const Slice &slice) {
    SmallVector<Value> limits;
    for (auto [dim, size] : llvm::enumerate(slice.sizes)) {
      Value original = sizeOf(builder, op.getOriginal(), dim);
      limits.push_back(builder.createOrFold<arith::SubIOp>(
          original, getValueOrCreateConstantIndexOp(builder, builder.getLoc(), size)));
    }
    return limits;
  }

  /// Where the slice of update `number` starts; asserts that it lies inside the original.
  static SmallVector<OpFoldResult> createOffsets(ImplicitLocOpBuilder &builder, ScatterOp op,
                                                 Value number, ArrayRef<Value> limits) {
    SmallVector<Value> offsets(limits.size(), createIndex(builder, 0));
    for (auto [place, dim] : llvm::enumerate(op.getDimensionMap())) {
      Value index = tensor::ExtractOp::create(builder, op.getIndices(),
                                              ValueRange{number, createIndex(builder, place)});
      offsets[dim] = arith::IndexCastOp::create(builder, builder.getIndexType(), index);
    }
    for (auto [dim, offset, limit] : llvm::enumerate(offsets, limits)) {
      Value notBefore = builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sge, offset,
                                                            createIndex(builder, 0));
      Value notBehind =
          builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sle, offset, limit);
      cf::AssertOp::create(builder, builder.createOrFold<arith::AndIOp>(notBefore, notBehind),
                           "expected every update of " + op->getName().getStringRef().str() +
                               " inside dimension " + Twine(dim).str() +
                               " of the original, got an index outside");
    }
    return getAsOpFoldResult(offsets);
  }

  static Value combine(ImplicitLocOpBuilder &builder, ScatterOp op, Value update, Value current) {
    int64_t rank = cast<RankedTensorType>(current.getType()).getRank();
    SmallVector<AffineMap> maps(2, builder.getMultiDimIdentityMap(rank));
    SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
    return linalg::GenericOp::create(builder, current.getType(), update, current, maps, iterators,
                                     [&](OpBuilder &nested, Location loc, ValueRange elements) {
                                       ImplicitLocOpBuilder body(loc, nested);
                                       linalg::YieldOp::create(
                                           body, inlineBody(body, op.getBody(), elements));
                                     })
        .getResult(0);
  }
};

} // namespace

void sprint::tm_tensor::populateLoopPatterns(RewritePatternSet &patterns) {
  patterns.add<ScanLowering, ScatterLowering>(patterns.getContext());
}
