//===- Contractions.cpp - Sums of products of two tensors -----------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Contractions.h"

#include "Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::sprint;

bool Contraction::reads(unsigned operand, unsigned loop) const {
  return maps[operand].isFunctionOfDim(loop);
}

bool Contraction::yields(unsigned loop) const { return resultMap.isFunctionOfDim(loop); }

/// The one input of a sum; null where the op is no sum of it.
static OpOperand *getSummed(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 1)
    return nullptr;
  auto sum = stripFloatCasts(getYielded(op)).getDefiningOp<arith::AddFOp>();
  if (!sum)
    return nullptr;
  OpOperand *input = op.getDpsInputOperand(0);
  Value element = op.getMatchingBlockArgument(input);
  Value accumulator = op.getMatchingBlockArgument(op.getDpsInitOperand(0));
  Value left = stripFloatCasts(sum.getLhs()), right = stripFloatCasts(sum.getRhs());
  bool isSum =
      (left == element && right == accumulator) || (left == accumulator && right == element);
  return isSum ? input : nullptr;
}

std::optional<Contraction> sprint::getContraction(Operation *candidate) {
  auto op = dyn_cast_or_null<linalg::LinalgOp>(candidate);
  if (!op || !op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() == 0 || op->getNumResults() != 1 ||
      !isa<FloatType>(getElementTypeOrSelf(op->getResult(0))))
    return std::nullopt;
  Contraction contraction;
  contraction.op = op;
  OpOperand *init = op.getDpsInitOperand(0);
  contraction.init = init->get();
  contraction.resultMap = op.getMatchingIndexingMap(init);
  op.getReductionDims(contraction.reduced);

  if (linalg::isaContractionOpInterface(op)) {
    for (Operation &inBody : op.getBlock()->without_terminator())
      if (!isa<arith::MulFOp, arith::AddFOp, arith::ExtFOp, arith::TruncFOp>(inBody))
        return std::nullopt;
    for (unsigned index : {0, 1}) {
      OpOperand *operand = op.getDpsInputOperand(index);
      contraction.operands[index] = operand->get();
      contraction.maps[index] = op.getMatchingIndexingMap(operand);
    }
    return contraction;
  }

  OpOperand *summed = getSummed(op);
  linalg::LinalgOp product = summed ? getElementwiseDefinition(summed->get()) : nullptr;
  auto multiplication =
      product ? stripFloatCasts(getYielded(product)).getDefiningOp<arith::MulFOp>() : nullptr;
  if (!multiplication)
    return std::nullopt;
  // From the loops of the sum to those of the product.
  AffineMap productMap = product.getMatchingIndexingMap(product.getDpsInitOperand(0));
  AffineMap summedMap = op.getMatchingIndexingMap(summed);
  if (!productMap.isPermutation() || !summedMap.isProjectedPermutation())
    return std::nullopt;
  AffineMap toProduct = inversePermutation(productMap).compose(summedMap);
  for (unsigned index : {0, 1}) {
    std::optional<unsigned> input =
        getInputIndex(product, stripFloatCasts(multiplication->getOperand(index)));
    if (!input)
      return std::nullopt;
    OpOperand *operand = product.getDpsInputOperand(*input);
    if (!isa<RankedTensorType>(operand->get().getType()))
      return std::nullopt;
    contraction.operands[index] = operand->get();
    contraction.maps[index] = product.getMatchingIndexingMap(operand).compose(toProduct);
  }
  return contraction;
}
