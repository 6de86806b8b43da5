//===- AttendTiling.cpp - How an attention of codes is cut up -------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TilingInterface of sprint.attend. A tile is a block of rows that share a key head, as the ops
// that the machine has for it.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::sprint;

/// Dimensions of the iteration space.
enum : unsigned { kBatch, kKeyHead, kMember, kQuery, kNumLoops };

namespace {

/// Builds the ops of one tile: `members` heads of a group and `queries` queries of each, the rows
/// of a head one behind the other.
class TileBuilder {
public:
  TileBuilder(OpBuilder &opBuilder, AttendOp op, ArrayRef<OpFoldResult> offsets,
              ArrayRef<OpFoldResult> sizes)
      : builder(op.getLoc(), opBuilder), op(op), zero(builder.getIndexAttr(0)),
        one(builder.getIndexAttr(1)), members(sizes[kMember]), queries(sizes[kQuery]),
        offsets(offsets) {
    hasOneRow = isConstantIntValue(members, 1) && isConstantIntValue(queries, 1);
  }

  /// Where the rows of the tile are in tensors of heads and queries.
  void getPosition(SmallVector<OpFoldResult> &position, SmallVector<OpFoldResult> &extent) {
    position = {offsets[kBatch], getHead(), offsets[kQuery], zero};
    extent = {one, members, queries, sizeOf(op.getValue(), 3)};
  }

  TilingResult build() {
    OpFoldResult head = getHead(), keys = sizeOf(op.getKey(), 2);
    Value query = sliceRows(op.getQuery(), head, sizeOf(op.getQuery(), 3));
    Value key = sliceKeyHead(op.getKey()), value = sliceKeyHead(op.getValue());
    Value multiplier = sliceHeads(op.getMultiplier(), head);
    Value shift = sliceHeads(op.getShift(), head);

    SmallVector<Value> masks;
    if (Value keyValid = op.getKeyValid())
      masks.push_back(slice(keyValid, {offsets[kBatch], zero}, {one, keys}, 2));
    if (Value mask = op.getMask())
      masks.push_back(sliceRows(mask, head, keys));
    Value querySegments, keySegments;
    if (op.getQuerySegments()) {
      querySegments = sliceQueries(op.getQuerySegments());
      keySegments = slice(op.getKeySegments(), {offsets[kBatch], zero}, {one, keys}, 1);
    }
    Value bias, biasMultiplier, biasShift, channels;
    if (op.getBias()) {
      bias = sliceRows(op.getBias(), head, keys);
      biasMultiplier = multiplier;
      biasShift = shift;
      channels = toValue(sizeOf(op.getQuery(), 3));
    }

    OpFoldResult rows = affine::makeComposedFoldedAffineApply(
        builder, builder.getLoc(), builder.getAffineSymbolExpr(0) * builder.getAffineSymbolExpr(1),
        {members, queries});
    Value numQueries = toValue(sizeOf(op.getQuery(), 2)), positions = createQueries(rows);
    RankedTensorType keptType = getType({rows, keys}, builder.getI1Type());
    Value kept;
    if (op.getSelect() == Select::All) {
      kept = AllowOp::create(builder, keptType, toValue(keys), positions, numQueries, masks,
                             querySegments, keySegments, bias, biasMultiplier, biasShift, channels,
                             op.getBandAttr());
    } else {
      Value empty = tensor::EmptyOp::create(builder, ArrayRef{rows, keys}, builder.getI32Type());
      Value none = arith::ConstantIntOp::create(builder, builder.getI32Type(), 0);
      Value zeros = linalg::FillOp::create(builder, none, empty).getResult(0);
      Value scores =
          CrossbarScoreOp::create(builder, zeros.getType(), query, key, zeros, op.getNibbleAttr());
      kept = PruneOp::create(builder, keptType, scores, sliceHeads(op.getThreshold(), head),
                             positions, numQueries, masks, querySegments, keySegments, bias,
                             biasMultiplier, biasShift, channels, op.getBandAttr());
    }

    auto indices = RankedTensorType::get({ShapedType::kDynamic}, builder.getIndexType());
    auto owners =
        RankedTensorType::get({keptType.getDimSize(0), ShapedType::kDynamic}, builder.getI1Type());
    auto gather = GatherOp::create(builder, indices, owners, kept);
    Value init = sliceRows(op.getInit(), head, sizeOf(op.getInit(), 3));
    auto recompute =
        RecomputeOp::create(builder, init.getType(), query, key, value, gather.getIndices(),
                            gather.getOwners(), multiplier, shift, bias, init, op.getWidthsAttr());
    return {{recompute}, {unflatten(recompute.getResult())}, {}};
  }

private:
  Value toValue(OpFoldResult number) {
    return getValueOrCreateConstantIndexOp(builder, builder.getLoc(), number);
  }
  OpFoldResult sizeOf(Value tensor, int64_t dim) {
    return tensor::getMixedSize(builder, builder.getLoc(), tensor, dim);
  }

  static RankedTensorType getType(ArrayRef<OpFoldResult> sizes, Type elementType) {
    SmallVector<int64_t> shape;
    SmallVector<Value> dynamic;
    dispatchIndexOpFoldResults(sizes, dynamic, shape);
    return RankedTensorType::get(shape, elementType);
  }

  /// First query head of the tile: its key head times the size of the group, plus the member.
  OpFoldResult getHead() {
    AffineExpr keyHead = builder.getAffineSymbolExpr(0), group = builder.getAffineSymbolExpr(1),
               member = builder.getAffineSymbolExpr(2);
    return affine::makeComposedFoldedAffineApply(
        builder, builder.getLoc(), keyHead * group + member,
        {offsets[kKeyHead], op.getGroup(builder), offsets[kMember]});
  }

  /// A part of `tensor`, of which the last `rank` dimensions stay.
  Value slice(Value tensor, ArrayRef<OpFoldResult> from, ArrayRef<OpFoldResult> sizes,
              int64_t rank) {
    RankedTensorType type = getType(sizes.take_back(rank), getElementTypeOrSelf(tensor));
    SmallVector<OpFoldResult> strides(sizes.size(), one);
    return tensor::ExtractSliceOp::create(builder, type, tensor, from, sizes, strides);
  }

  /// The tokens of the tile's key head: a matrix.
  Value sliceKeyHead(Value tensor) {
    return slice(tensor, {offsets[kBatch], offsets[kKeyHead], zero, zero},
                 {one, one, sizeOf(tensor, 2), sizeOf(tensor, 3)}, 2);
  }

  /// The rows of the tile in a tensor of batch elements, heads, queries and `columns`: a matrix
  /// with a row for each, or one row where all share it.
  Value sliceRows(Value tensor, OpFoldResult head, OpFoldResult columns) {
    SmallVector<OpFoldResult> from = {offsets[kBatch], head, offsets[kQuery], zero};
    SmallVector<OpFoldResult> sizes = {one, members, queries, columns};
    // A size of 1 beside a larger one of the queries is the same for all.
    auto type = cast<RankedTensorType>(tensor.getType());
    auto all = cast<RankedTensorType>(op.getQuery().getType());
    for (unsigned dim = 0; dim < 3; ++dim)
      if (type.getDimSize(dim) == 1 && all.getDimSize(dim) != 1) {
        from[dim] = zero;
        sizes[dim] = one;
      }
    if (isConstantIntValue(sizes[1], 1) && isConstantIntValue(sizes[2], 1))
      return slice(tensor, from, sizes, 2);
    return flatten(slice(tensor, from, sizes, 3), columns);
  }

  /// Numbers of the tile's heads, one a row.
  Value sliceHeads(Value perHead, OpFoldResult head) {
    Value numbers = slice(perHead, {offsets[kBatch], head}, {one, members}, 1);
    return isConstantIntValue(queries, 1) ? numbers : repeat(numbers, /*along=*/1);
  }

  /// Numbers of the tile's queries, which its heads share, one a row.
  Value sliceQueries(Value perQuery) {
    Value numbers = slice(perQuery, {offsets[kBatch], offsets[kQuery]}, {one, queries}, 1);
    return isConstantIntValue(members, 1) ? numbers : repeat(numbers, /*along=*/0);
  }

  /// Numbers of heads, or of queries, for all rows; they are the same along a dimension of the two.
  Value repeat(Value numbers, int64_t along) {
    Value empty = tensor::EmptyOp::create(builder, ArrayRef{members, queries},
                                          cast<ShapedType>(numbers.getType()).getElementType());
    Value repeated = linalg::BroadcastOp::create(builder, numbers, empty, ArrayRef<int64_t>{along})
                         .getResult()[0];
    return tensor::CollapseShapeOp::create(builder, repeated,
                                           ArrayRef<ReassociationIndices>{{0, 1}});
  }

  /// A tensor `[members or 1, queries or 1, columns]` as a matrix of all rows.
  Value flatten(Value tensor, OpFoldResult columns) {
    auto type = cast<RankedTensorType>(tensor.getType());
    bool sharesHeads = type.getDimSize(0) == 1 && !isConstantIntValue(members, 1);
    bool sharesQueries = type.getDimSize(1) == 1 && !isConstantIntValue(queries, 1);
    if (sharesHeads || sharesQueries) {
      int64_t shared = sharesHeads ? 0 : 1;
      SmallVector<ReassociationIndices> dropped = {{0, 1}, {2}};
      Value row = tensor::CollapseShapeOp::create(builder, tensor, dropped);
      Value empty = tensor::EmptyOp::create(builder, ArrayRef{members, queries, columns},
                                            type.getElementType());
      tensor = linalg::BroadcastOp::create(builder, row, empty, ArrayRef<int64_t>{shared})
                   .getResult()[0];
    }
    return tensor::CollapseShapeOp::create(builder, tensor,
                                           ArrayRef<ReassociationIndices>{{0, 1}, {2}});
  }

  /// The matrix of the tile's output rows with its heads apart, as far as there are several.
  Value unflatten(Value rows) {
    if (isConstantIntValue(members, 1))
      return rows;
    SmallVector<OpFoldResult> sizes = {members, queries, sizeOf(rows, 1)};
    return tensor::ExpandShapeOp::create(builder, getType(sizes, getElementTypeOrSelf(rows)), rows,
                                         ArrayRef<ReassociationIndices>{{0, 1}, {2}}, sizes);
  }

  /// Which query each row is.
  Value createQueries(OpFoldResult rows) {
    Value first = toValue(offsets[kQuery]);
    if (hasOneRow)
      return tensor::FromElementsOp::create(builder, first);
    Value queriesOfHead = toValue(queries);
    SmallVector<Value> sizes;
    if (auto size = dyn_cast<Value>(rows))
      sizes.push_back(size);
    return tensor::GenerateOp::create(
        builder, getType({rows}, builder.getIndexType()), sizes,
        [&](OpBuilder &nested, Location loc, ValueRange row) {
          Value index = arith::RemUIOp::create(nested, loc, row[0], queriesOfHead);
          tensor::YieldOp::create(nested, loc, arith::AddIOp::create(nested, loc, first, index));
        });
  }

  ImplicitLocOpBuilder builder;
  AttendOp op;
  OpFoldResult zero, one, members, queries;
  SmallVector<OpFoldResult> offsets;
  bool hasOneRow;
};

} // namespace

OpFoldResult AttendOp::getGroup(OpBuilder &builder) {
  AffineExpr heads = builder.getAffineSymbolExpr(0), keyHeads = builder.getAffineSymbolExpr(1);
  return affine::makeComposedFoldedAffineApply(
      builder, getLoc(), heads.floorDiv(keyHeads),
      {tensor::getMixedSize(builder, getLoc(), getQuery(), 1),
       tensor::getMixedSize(builder, getLoc(), getKey(), 1)});
}

SmallVector<utils::IteratorType> AttendOp::getLoopIteratorTypes() {
  return SmallVector<utils::IteratorType>(kNumLoops, utils::IteratorType::parallel);
}

SmallVector<Range> AttendOp::getIterationDomain(OpBuilder &builder) {
  OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
  auto size = [&](Value tensor, int64_t dim) {
    return tensor::getMixedSize(builder, getLoc(), tensor, dim);
  };
  return {{zero, size(getQuery(), 0), one},
          {zero, size(getKey(), 1), one},
          {zero, getGroup(builder), one},
          {zero, size(getQuery(), 2), one}};
}

LogicalResult AttendOp::getResultTilePosition(OpBuilder &builder, unsigned /*resultNumber*/,
                                              ArrayRef<OpFoldResult> offsets,
                                              ArrayRef<OpFoldResult> sizes,
                                              SmallVector<OpFoldResult> &resultOffsets,
                                              SmallVector<OpFoldResult> &resultSizes) {
  TileBuilder(builder, *this, offsets, sizes).getPosition(resultOffsets, resultSizes);
  return success();
}

FailureOr<TilingResult> AttendOp::getTiledImplementation(OpBuilder &builder,
                                                         ArrayRef<OpFoldResult> offsets,
                                                         ArrayRef<OpFoldResult> sizes) {
  if (!isConstantIntValue(sizes[kBatch], 1) || !isConstantIntValue(sizes[kKeyHead], 1))
    return emitOpError("expected tiles of one batch element and one key head");
  return TileBuilder(builder, *this, offsets, sizes).build();
}
