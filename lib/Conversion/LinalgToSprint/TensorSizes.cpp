//===- TensorSizes.cpp - What the IR tells about sizes --------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorSizes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

#include <optional>

using namespace mlir;
using namespace mlir::sprint;

/// Steps after which a size is not looked into any further.
static constexpr unsigned kMaxSteps = 64;

static TensorSize constantSize(int64_t size) { return {size, Value(), -1}; }

static TensorSize reduceInteger(Value integer, unsigned steps);

static TensorSize reduceFoldResult(OpFoldResult size, unsigned steps) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return constantSize(*constant);
  return reduceInteger(cast<Value>(size), steps);
}

static TensorSize reduceDimension(Value tensor, int64_t dimension, unsigned steps) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dimension))
    return constantSize(type.getDimSize(dimension));
  TensorSize same{ShapedType::kDynamic, tensor, dimension};
  Operation *op = tensor.getDefiningOp();
  if (!op || steps == 0)
    return same;
  --steps;

  // A result in destination style has the shape of its destination.
  if (auto destinationOp = dyn_cast<DestinationStyleOpInterface>(op))
    return reduceDimension(destinationOp.getTiedOpOperand(cast<OpResult>(tensor))->get(), dimension,
                           steps);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return reduceFoldResult(empty.getMixedSizes()[dimension], steps);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return reduceFoldResult(expand.getMixedOutputShape()[dimension], steps);
  if (auto cast = dyn_cast<tensor::CastOp>(op)) {
    if (isa<RankedTensorType>(cast.getSource().getType()))
      return reduceDimension(cast.getSource(), dimension, steps);
    return same;
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    // The size of a group is that of its one member that is not statically 1.
    std::optional<int64_t> member;
    for (int64_t index : collapse.getReassociationIndices()[dimension]) {
      if (collapse.getSrcType().getDimSize(index) == 1)
        continue;
      if (member)
        return same;
      member = index;
    }
    return member ? reduceDimension(collapse.getSrc(), *member, steps) : constantSize(1);
  }
  if (auto reshape = dyn_cast<tensor::ReshapeOp>(op))
    if (auto shape = reshape.getShape().getDefiningOp<tensor::FromElementsOp>())
      return reduceInteger(shape.getElements()[dimension], steps);
  return same;
}

/// Whether a comparison of sizes is known to be true or false. Dimensions are not negative.
static std::optional<bool> evaluate(Value condition, unsigned steps) {
  auto compare = condition.getDefiningOp<arith::CmpIOp>();
  if (!compare)
    return std::nullopt;
  TensorSize left = reduceInteger(compare.getLhs(), steps);
  TensorSize right = reduceInteger(compare.getRhs(), steps);
  if (left.isConstant() && right.isConstant())
    return arith::applyCmpPredicate(compare.getPredicate(), APInt(64, left.constant),
                                    APInt(64, right.constant));
  bool isDimensionAgainstZero = left.dimension >= 0 && right == constantSize(0);
  switch (compare.getPredicate()) {
  case arith::CmpIPredicate::slt:
    return isDimensionAgainstZero || left == right ? std::optional(false) : std::nullopt;
  case arith::CmpIPredicate::sge:
    return isDimensionAgainstZero || left == right ? std::optional(true) : std::nullopt;
  case arith::CmpIPredicate::eq:
    return left == right ? std::optional(true) : std::nullopt;
  case arith::CmpIPredicate::ne:
    return left == right ? std::optional(false) : std::nullopt;
  default:
    return std::nullopt;
  }
}

static TensorSize reduceInteger(Value integer, unsigned steps) {
  TensorSize same{ShapedType::kDynamic, integer, -1};
  APInt constant;
  if (matchPattern(integer, m_ConstantInt(&constant)) && constant.getSignificantBits() <= 64)
    return constantSize(constant.getSExtValue());
  Operation *op = integer.getDefiningOp();
  if (!op || steps == 0)
    return same;
  --steps;

  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    std::optional<int64_t> index = dim.getConstantIndex();
    auto type = dyn_cast<RankedTensorType>(dim.getSource().getType());
    if (index && type && *index >= 0 && *index < type.getRank())
      return reduceDimension(dim.getSource(), *index, steps);
    return same;
  }
  // Between index and i64 nothing is lost; a narrower integer might wrap.
  if (auto cast = dyn_cast<arith::IndexCastOp>(op)) {
    Type other = cast.getIn().getType().isIndex() ? cast.getType() : cast.getIn().getType();
    return other.isInteger(64) ? reduceInteger(cast.getIn(), steps) : same;
  }
  if (auto select = dyn_cast<arith::SelectOp>(op))
    if (std::optional<bool> condition = evaluate(select.getCondition(), steps / 2))
      return reduceInteger(*condition ? select.getTrueValue() : select.getFalseValue(), steps / 2);
  return same;
}

TensorSize sprint::sizeOf(Value tensor, int64_t dimension) {
  return reduceDimension(tensor, dimension, kMaxSteps);
}

TensorSize sprint::sizeFrom(Value integer) { return reduceInteger(integer, kMaxSteps); }

Value sprint::materializeSize(OpBuilder &builder, Location loc, const TensorSize &size) {
  if (size.isConstant())
    return arith::ConstantIndexOp::create(builder, loc, size.constant);
  if (size.dimension >= 0)
    return tensor::DimOp::create(builder, loc, size.value, size.dimension);
  if (size.value.getType().isIndex())
    return size.value;
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), size.value);
}
