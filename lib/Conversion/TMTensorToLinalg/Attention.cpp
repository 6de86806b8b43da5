//===- Attention.cpp - tm_tensor.attention as matmuls and a softmax ---------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace mlir::sprint::tm_tensor;

static int64_t rankOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getRank(); }

/// A constant of a float type.
static Value createFloat(ImplicitLocOpBuilder &builder, Type type, double value) {
  return arith::ConstantOp::create(builder, builder.getFloatAttr(type, value));
}

/// A float in another float type.
static Value convertTo(ImplicitLocOpBuilder &builder, Value value, Type type) {
  return convertScalarToDtype(builder, builder.getLoc(), value, type, /*isUnsignedCast=*/false);
}

static double minusInfinity() { return -std::numeric_limits<double>::infinity(); }

static Value createFilled(ImplicitLocOpBuilder &builder, ArrayRef<OpFoldResult> sizes, Type type,
                          double value) {
  Value empty = tensor::EmptyOp::create(builder, sizes, type);
  return linalg::FillOp::create(builder, createFloat(builder, type, value), empty).getResult(0);
}

/// The products of two batches of matrices, summed in `type`.
static Value createBatchMatmul(ImplicitLocOpBuilder &builder, Value lhs, Value rhs, Type type) {
  int64_t rank = rankOf(lhs), row = rank - 2, column = rank - 1, summed = rank;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, builder.getLoc(), lhs);
  sizes.back() = tensor::getMixedSize(builder, builder.getLoc(), rhs, column);
  Value zeros = createFilled(builder, sizes, type, 0);
  if (rank == 3)
    return linalg::BatchMatmulOp::create(builder, zeros.getType(), ValueRange{lhs, rhs}, zeros)
        .getResult(0);

  // Upstream has no name for more dimensions than that.
  SmallVector<AffineMap> maps;
  for (auto [rows, columns] :
       {std::pair(row, summed), std::pair(summed, column), std::pair(row, column)}) {
    SmallVector<unsigned> loops = llvm::to_vector(llvm::seq<unsigned>(0, rank));
    loops[row] = rows;
    loops[column] = columns;
    maps.push_back(AffineMap::getMultiDimMapWithTargets(rank + 1, loops, builder.getContext()));
  }
  SmallVector<utils::IteratorType> iterators(rank + 1, utils::IteratorType::parallel);
  iterators[summed] = utils::IteratorType::reduction;
  return linalg::GenericOp::create(
             builder, zeros.getType(), ValueRange{lhs, rhs}, zeros, maps, iterators,
             [&](OpBuilder &nested, Location loc, ValueRange elements) {
               ImplicitLocOpBuilder body(loc, nested);
               Value product = arith::MulFOp::create(body, convertTo(body, elements[0], type),
                                                     convertTo(body, elements[1], type));
               linalg::YieldOp::create(body,
                                       Value(arith::AddFOp::create(body, elements[2], product)));
             })
      .getResult(0);
}

/// An op on the elements of tensors of one shape; inputs of a rank one lower have no columns. Where
/// the output has none it is a reduction of the rows.
static Value
createElementwise(ImplicitLocOpBuilder &builder, ValueRange inputs, Value output,
                  function_ref<Value(ImplicitLocOpBuilder &, ValueRange elements)> body) {
  int64_t numLoops = rankOf(output);
  for (Value input : inputs)
    numLoops = std::max(numLoops, rankOf(input));
  SmallVector<AffineMap> maps;
  SmallVector<Value> operands = llvm::to_vector(inputs);
  operands.push_back(output);
  for (Value operand : operands)
    maps.push_back(AffineMap::getMultiDimIdentityMap(numLoops, builder.getContext())
                       .getMajorSubMap(rankOf(operand)));
  SmallVector<utils::IteratorType> iterators(numLoops, utils::IteratorType::parallel);
  if (rankOf(output) < numLoops)
    iterators.back() = utils::IteratorType::reduction;
  return linalg::GenericOp::create(builder, output.getType(), inputs, output, maps, iterators,
                                   [&](OpBuilder &nested, Location loc, ValueRange elements) {
                                     ImplicitLocOpBuilder bodyBuilder(loc, nested);
                                     linalg::YieldOp::create(bodyBuilder,
                                                             body(bodyBuilder, elements));
                                   })
      .getResult(0);
}

/// What the op multiplies the scores by, of float type `type`.
static Value createScale(ImplicitLocOpBuilder &builder, AttentionOp op, Type type) {
  if (std::optional<double> scale = op.getStaticScale())
    return createFloat(builder, type, *scale);
  Value channels = sizeOf(builder, op.getQuery(), rankOf(op.getQuery()) - 1);
  Value integer = arith::IndexCastOp::create(builder, builder.getI64Type(), channels);
  Value root = math::SqrtOp::create(builder, arith::SIToFPOp::create(builder, type, integer));
  return arith::DivFOp::create(builder, createFloat(builder, type, 1), root);
}

namespace {

struct AttentionLowering : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Type elementType = getElementTypeOrSelf(op.getQuery());
    Type type = elementType.isF64() ? elementType : builder.getF32Type();

    Value scores = createBatchMatmul(builder, op.getQuery(), transpose(builder, op.getKey()), type);
    scores = scaleAndMask(builder, op, scores);

    SmallVector<OpFoldResult> rows = tensor::getMixedSizes(builder, builder.getLoc(), scores);
    rows.pop_back();
    Value maxima =
        createElementwise(builder, scores, createFilled(builder, rows, type, minusInfinity()),
                          [](ImplicitLocOpBuilder &body, ValueRange elements) -> Value {
                            return arith::MaximumFOp::create(body, elements[0], elements[1]);
                          });
    // Where every key is out the maximum is minus infinity; shifted by zero instead, the
    // exponentials are zeros and not NaN.
    Value exponentials = createElementwise(
        builder, maxima, scores, [&](ImplicitLocOpBuilder &body, ValueRange elements) -> Value {
          Value maximum = elements[0], zero = createFloat(body, type, 0);
          Value none = arith::CmpFOp::create(body, arith::CmpFPredicate::OEQ, maximum,
                                             createFloat(body, type, minusInfinity()));
          Value shift = arith::SelectOp::create(body, none, zero, maximum);
          return math::ExpOp::create(body, arith::SubFOp::create(body, elements[1], shift));
        });
    Value sums = createElementwise(builder, exponentials, createFilled(builder, rows, type, 0),
                                   [](ImplicitLocOpBuilder &body, ValueRange elements) -> Value {
                                     return arith::AddFOp::create(body, elements[1], elements[0]);
                                   });

    Value weighted = createBatchMatmul(builder, exponentials, op.getValue(), type);
    Value result =
        createElementwise(builder, {weighted, sums}, op.getInit(),
                          [&](ImplicitLocOpBuilder &body, ValueRange elements) -> Value {
                            Value sum = elements[1], zero = createFloat(body, type, 0);
                            Value none =
                                arith::CmpFOp::create(body, arith::CmpFPredicate::OEQ, sum, zero);
                            Value quotient = arith::DivFOp::create(body, elements[0], sum);
                            Value element = arith::SelectOp::create(body, none, zero, quotient);
                            return convertTo(body, element, elementType);
                          });

    rewriter.replaceOp(op, result);
    return success();
  }

private:
  static Value transpose(ImplicitLocOpBuilder &builder, Value key) {
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, builder.getLoc(), key);
    SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, rankOf(key)));
    std::swap(sizes.back(), sizes.rbegin()[1]);
    std::swap(permutation.back(), permutation.rbegin()[1]);
    Value empty = tensor::EmptyOp::create(builder, sizes, getElementTypeOrSelf(key));
    return linalg::TransposeOp::create(builder, key, empty, permutation)->getResult(0);
  }

  static Value scaleAndMask(ImplicitLocOpBuilder &builder, AttentionOp op, Value scores) {
    Type type = getElementTypeOrSelf(scores);
    Value scale = createScale(builder, op, type);
    SmallVector<Value> inputs;
    if (op.getAttnMask())
      inputs.push_back(op.getAttnMask());
    return createElementwise(
        builder, inputs, scores, [&](ImplicitLocOpBuilder &body, ValueRange elements) -> Value {
          Value scaled = arith::MulFOp::create(body, elements.back(), scale);
          if (inputs.empty())
            return scaled;
          Value mask = elements.front();
          if (mask.getType().isInteger(1))
            return arith::SelectOp::create(body, mask, scaled,
                                           createFloat(body, type, minusInfinity()));
          return arith::AddFOp::create(body, scaled, convertTo(body, mask, type));
        });
  }
};

} // namespace

void sprint::tm_tensor::populateAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<AttentionLowering>(patterns.getContext());
}
