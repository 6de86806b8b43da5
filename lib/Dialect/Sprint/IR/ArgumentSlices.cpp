//===- ArgumentSlices.cpp - Which parts of arguments values are -----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/IR/ArgumentSlices.h"

#include "Sprint/Dialect/Sprint/IR/LaunchTensors.h"
#include "SprintRuntime/CommandStream.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::sprint;
using ::sprint::Dimension;
using ::sprint::LaunchParameter;

/// The launch parameter that is the size of `dimension`.
static std::optional<LaunchParameter> getParameterOf(Dimension dimension) {
  for (auto [index, info] : llvm::enumerate(::sprint::launchParameters))
    if (info.dimension == dimension && !info.divisor)
      return static_cast<LaunchParameter>(index);
  return std::nullopt;
}

/// A launch parameter in an expression.
static AffineExpr getSymbol(LaunchParameter parameter, MLIRContext *context) {
  return getAffineSymbolExpr(static_cast<unsigned>(parameter), context);
}

/// Whether a command takes all of `dimension` at once.
static bool isTakenWhole(Dimension dimension) {
  return dimension == Dimension::Sk || dimension == Dimension::D || dimension == Dimension::Dv;
}

/// The argument of a program that `value` is, or null.
static BlockArgument getProgramArgument(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && isa<ProgramOp>(argument.getOwner()->getParentOp()) ? argument
                                                                        : BlockArgument();
}

AffineExpr ArgumentSlices::evaluate(OpFoldResult value) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return getAffineConstantExpr(*constant, program.getContext());
  auto number = cast<Value>(value);
  if (auto counter = dyn_cast<BlockArgument>(number))
    return counter.getOwner()->getParentOp() == rows ? counters[counter.getArgNumber()]
                                                     : AffineExpr();
  if (auto apply = number.getDefiningOp<affine::AffineApplyOp>()) {
    SmallVector<AffineExpr> operands;
    for (Value operand : apply.getMapOperands())
      if (!operands.emplace_back(evaluate(operand)))
        return {};
    AffineMap map = apply.getAffineMap();
    return simplifyAffineExpr(
        map.getResult(0).replaceDimsAndSymbols(ArrayRef(operands).take_front(map.getNumDims()),
                                               ArrayRef(operands).drop_front(map.getNumDims())),
        ::sprint::kMaxLoopDepth, ::sprint::kNumLaunchParameters);
  }
  auto size = number.getDefiningOp<tensor::DimOp>();
  std::optional<int64_t> dim = size ? size.getConstantIndex() : std::nullopt;
  BlockArgument argument = size ? getProgramArgument(size.getSource()) : BlockArgument();
  auto type = argument ? cast<RankedTensorType>(argument.getType()) : RankedTensorType();
  if (!dim || !type || *dim < 0 || *dim >= type.getRank())
    return {};
  // A static one may be 1 for what has the parameter's size elsewhere.
  if (!type.isDynamicDim(*dim))
    return getAffineConstantExpr(type.getDimSize(*dim), program.getContext());
  std::optional<LaunchParameter> parameter =
      getParameterOf(getLaunchTensor(program.getInput(argument)).dimensions[*dim].dimension);
  return parameter ? getSymbol(*parameter, program.getContext()) : AffineExpr();
}

bool ArgumentSlices::isWhole(OpFoldResult size, int64_t staticSize, Dimension dimension) {
  AffineExpr number = evaluate(size);
  if (!ShapedType::isDynamic(staticSize) &&
      number == getAffineConstantExpr(staticSize, program.getContext()))
    return true;
  std::optional<LaunchParameter> parameter = getParameterOf(dimension);
  return parameter && number == getSymbol(*parameter, program.getContext());
}

std::optional<ArgumentSlice> ArgumentSlices::resolve(Value operand) {
  while (isa_and_nonnull<tensor::CastOp, tensor::CollapseShapeOp>(operand.getDefiningOp()))
    operand = operand.getDefiningOp()->getOperand(0);
  auto slice = operand.getDefiningOp<tensor::ExtractSliceOp>();
  BlockArgument argument = slice ? getProgramArgument(slice.getSource()) : BlockArgument();
  if (!argument || !slice.hasUnitStride())
    return std::nullopt;
  ArgumentSlice result{program.getInput(argument), {}};
  for (auto [index, dimension, offset, size] :
       llvm::enumerate(getLaunchTensor(result.input).dimensions, slice.getMixedOffsets(),
                       slice.getMixedSizes())) {
    if (isTakenWhole(dimension.dimension)) {
      if (!isConstantIntValue(offset, 0) ||
          !isWhole(size, slice.getSourceType().getDimSize(index), dimension.dimension))
        return std::nullopt;
      continue;
    }
    if (!result.position.emplace_back(evaluate(offset)))
      return std::nullopt;
    if (dimension.dimension == Dimension::Sq)
      result.queries = getConstantIntValue(size).value_or(ShapedType::kDynamic);
    else if (!isConstantIntValue(size, 1))
      return std::nullopt;
  }
  return result;
}
