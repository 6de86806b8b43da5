//===- Contractions.cpp - Sums of products of two tensors -----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Contractions.h"

#include "Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::sprint;

/// Factors of the body of a sum that are looked at.
static constexpr size_t kMaxFactors = 16;

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

namespace {
/// What a body sums up, as a product.
struct SummedProduct {
  double scale = 1.0;
  SmallVector<Value> factors, divisors;
};
} // namespace

/// What is added to the accumulator; null where the body is no sum.
static Value getSummand(linalg::LinalgOp op) {
  auto sum = stripFloatCasts(getYielded(op)).getDefiningOp<arith::AddFOp>();
  if (!sum)
    return {};
  Value accumulator = op.getMatchingBlockArgument(op.getDpsInitOperand(0));
  if (stripFloatCasts(sum.getRhs()) == accumulator)
    return sum.getLhs();
  return stripFloatCasts(sum.getLhs()) == accumulator ? sum.getRhs() : Value();
}

/// Takes a value in the body apart; fails where there are too many factors.
static LogicalResult takeApart(linalg::LinalgOp op, Value value, bool divides,
                               SummedProduct &product) {
  value = stripFloatCasts(value);
  if (std::optional<APFloat> constant = getConstantFloat(op, value)) {
    double number = toDouble(*constant);
    product.scale = divides ? product.scale / number : product.scale * number;
    return success();
  }
  Operation *definition = value.getDefiningOp();
  if (isa_and_nonnull<arith::MulFOp, arith::DivFOp>(definition) &&
      definition->getBlock() == op.getBlock()) {
    bool inverts = isa<arith::DivFOp>(definition);
    if (failed(takeApart(op, definition->getOperand(0), divides, product)))
      return failure();
    return takeApart(op, definition->getOperand(1), divides != inverts, product);
  }
  SmallVector<Value> &list = divides ? product.divisors : product.factors;
  list.push_back(value);
  return success(list.size() <= kMaxFactors);
}

static std::optional<SummedProduct> getSummedProduct(linalg::LinalgOp op) {
  Value summand = getSummand(op);
  SummedProduct product;
  if (!summand || failed(takeApart(op, summand, /*divides=*/false, product)))
    return std::nullopt;
  return product;
}

/// The op if it may be a sum of floats over some loops; null otherwise.
static linalg::LinalgOp getSum(Operation *candidate) {
  auto op = dyn_cast_or_null<linalg::LinalgOp>(candidate);
  if (!op || !op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() == 0 || op->getNumResults() != 1 ||
      !isa<FloatType>(getElementTypeOrSelf(op->getResult(0))))
    return nullptr;
  return op;
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

std::optional<Contraction> sprint::getContraction(Operation *candidate) {
  linalg::LinalgOp op = getSum(candidate);
  if (!op)
    return std::nullopt;
  Contraction contraction;
  contraction.op = op;
  OpOperand *init = op.getDpsInitOperand(0);
  contraction.init = init->get();
  contraction.resultMap = op.getMatchingIndexingMap(init);
  op.getReductionDims(contraction.reduced);

  // The product may be an op of its own.
  Value summand = getSummand(op);
  std::optional<unsigned> summed =
      summand ? getInputIndex(op, stripFloatCasts(summand)) : std::nullopt;
  linalg::LinalgOp producer = op;
  AffineMap toProducer = AffineMap::getMultiDimIdentityMap(op.getNumLoops(), op->getContext());
  std::optional<SummedProduct> product;
  if (summed && op.getNumDpsInputs() == 1) {
    OpOperand *input = op.getDpsInputOperand(0);
    producer = getElementwiseDefinition(input->get());
    if (!producer)
      return std::nullopt;
    AffineMap outMap = producer.getMatchingIndexingMap(producer.getDpsInitOperand(0));
    AffineMap inMap = op.getMatchingIndexingMap(input);
    if (!outMap.isPermutation() || !inMap.isProjectedPermutation())
      return std::nullopt;
    toProducer = inversePermutation(outMap).compose(inMap);
    product.emplace();
    if (failed(takeApart(producer, getYielded(producer), /*divides=*/false, *product)))
      return std::nullopt;
  } else {
    product = getSummedProduct(op);
  }
  if (!product || product->factors.size() != 2 || !product->divisors.empty())
    return std::nullopt;
  contraction.reader = producer;
  contraction.scale = product->scale;
  for (unsigned index : {0, 1}) {
    std::optional<unsigned> input = getInputIndex(producer, product->factors[index]);
    OpOperand *operand = input ? producer.getDpsInputOperand(*input) : nullptr;
    if (!operand || !isa<RankedTensorType>(operand->get().getType()))
      return std::nullopt;
    contraction.operands[index] = operand->get();
    contraction.maps[index] = producer.getMatchingIndexingMap(operand).compose(toProducer);
  }
  // A sum of squares is none.
  if (contraction.operands[0] == contraction.operands[1] &&
      contraction.maps[0] == contraction.maps[1])
    return std::nullopt;
  return contraction;
}

linalg::GenericOp sprint::flattenSummedDimensions(const Contraction &contraction) {
  linalg::LinalgOp op = contraction.op;
  ArrayRef<unsigned> reduced = contraction.reduced;
  MLIRContext *context = op->getContext();
  // The first of the summed loops stands for all of them.
  unsigned numLoops = op.getNumLoops() - (reduced.size() - 1);
  SmallVector<AffineExpr> renamed(op.getNumLoops());
  SmallVector<utils::IteratorType> iterators;
  for (auto [loop, iterator] : llvm::enumerate(op.getIteratorTypesArray())) {
    if (llvm::is_contained(reduced.drop_front(), loop))
      continue;
    renamed[loop] = getAffineDimExpr(iterators.size(), context);
    iterators.push_back(iterator);
  }
  OpBuilder builder(op);
  Location loc = op.getLoc();
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  auto rename = [&](ArrayRef<AffineExpr> exprs) {
    SmallVector<AffineExpr> results = llvm::map_to_vector(exprs, [&](AffineExpr expr) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      return dim ? renamed[dim.getPosition()] : expr;
    });
    maps.push_back(AffineMap::get(numLoops, 0, results, context));
  };
  for (unsigned index : {0, 1}) {
    ArrayRef<AffineExpr> exprs = contraction.maps[index].getResults();
    SmallVector<ReassociationIndices> groups;
    SmallVector<AffineExpr> kept;
    for (size_t place = 0; place < exprs.size(); ++place) {
      groups.push_back({static_cast<int64_t>(place)});
      kept.push_back(exprs[place]);
      if (exprs[place] != getAffineDimExpr(reduced.front(), context))
        continue;
      for (unsigned loop : reduced.drop_front()) {
        if (++place == exprs.size() || exprs[place] != getAffineDimExpr(loop, context))
          return nullptr;
        groups.back().push_back(static_cast<int64_t>(place));
      }
    }
    if (kept.size() + reduced.size() - 1 != exprs.size())
      return nullptr;
    operands.push_back(
        tensor::CollapseShapeOp::create(builder, loc, contraction.operands[index], groups));
    rename(kept);
  }
  rename(contraction.resultMap.getResults());
  return linalg::GenericOp::create(
      builder, loc, op->getResultTypes(), operands, contraction.init, maps, iterators,
      [&](OpBuilder &nested, Location nestedLoc, ValueRange elements) {
        Type type = elements[2].getType();
        auto widen = [&](Value element) -> Value {
          return element.getType() == type
                     ? element
                     : arith::ExtFOp::create(nested, nestedLoc, type, element).getResult();
        };
        Value product =
            arith::MulFOp::create(nested, nestedLoc, widen(elements[0]), widen(elements[1]));
        Value sum = arith::AddFOp::create(nested, nestedLoc, product, elements[2]);
        linalg::YieldOp::create(nested, nestedLoc, sum);
      });
}

//===----------------------------------------------------------------------===//
// Weighted sums
//===----------------------------------------------------------------------===//

/// Adds the inputs that a value in the body is made of.
static void collectInputs(linalg::LinalgOp op, Value value, llvm::SmallDenseSet<unsigned> &inputs,
                          llvm::SmallDenseSet<Value> &seen) {
  if (!seen.insert(value).second)
    return;
  if (std::optional<unsigned> input = getInputIndex(op, value)) {
    inputs.insert(*input);
    return;
  }
  if (Operation *definition = value.getDefiningOp();
      definition && definition->getBlock() == op.getBlock())
    for (Value operand : definition->getOperands())
      collectInputs(op, operand, inputs, seen);
}

std::optional<WeightedSum> sprint::getWeightedSum(Operation *candidate) {
  linalg::LinalgOp op = getSum(candidate);
  std::optional<SummedProduct> product = op ? getSummedProduct(op) : std::nullopt;
  if (!product || getContraction(op) || product->factors.size() + product->divisors.size() < 2)
    return std::nullopt;
  for (auto [place, factor] : llvm::enumerate(product->factors)) {
    std::optional<unsigned> values = getInputIndex(op, factor);
    if (!values)
      continue;
    WeightedSum sum{op, *values, product->scale, {}, {}};
    llvm::append_range(sum.factors, product->factors);
    sum.factors.erase(sum.factors.begin() + place);
    sum.divisors = product->divisors;
    llvm::SmallDenseSet<unsigned> inputs;
    llvm::SmallDenseSet<Value> seen;
    for (Value weight : llvm::concat<Value>(sum.factors, sum.divisors))
      collectInputs(op, weight, inputs, seen);
    // The values alone have the channels.
    AffineMap map = op.getMatchingIndexingMap(op.getDpsInputOperand(*values));
    bool isApart = false;
    for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
      isApart |=
          map.isFunctionOfDim(loop) && llvm::none_of(inputs, [&](unsigned input) {
            return op.getMatchingIndexingMap(op.getDpsInputOperand(input)).isFunctionOfDim(loop);
          });
    if (isApart && !inputs.contains(*values) && !inputs.empty())
      return sum;
  }
  return std::nullopt;
}

linalg::GenericOp sprint::splitWeightedSum(const WeightedSum &sum) {
  linalg::LinalgOp op = sum.op;
  OpBuilder builder(op);
  Location loc = op.getLoc();
  MLIRContext *context = op->getContext();
  llvm::SmallDenseSet<unsigned> inputs;
  llvm::SmallDenseSet<Value> seen;
  for (Value weight : llvm::concat<const Value>(sum.factors, sum.divisors))
    collectInputs(op, weight, inputs, seen);
  SmallVector<unsigned> order(inputs.begin(), inputs.end());
  llvm::sort(order);

  // The weights run over the loops of what they are made of.
  SmallVector<AffineExpr> renamed(op.getNumLoops()), results;
  SmallVector<OpFoldResult> sizes;
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
    for (unsigned input : order) {
      OpOperand *operand = op.getDpsInputOperand(input);
      std::optional<unsigned> dimension =
          op.getMatchingIndexingMap(operand).getResultPosition(getAffineDimExpr(loop, context));
      if (!dimension)
        continue;
      renamed[loop] = getAffineDimExpr(results.size(), context);
      results.push_back(getAffineDimExpr(loop, context));
      sizes.push_back(tensor::getMixedSize(builder, loc, operand->get(), *dimension));
      break;
    }
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (unsigned input : order) {
    OpOperand *operand = op.getDpsInputOperand(input);
    operands.push_back(operand->get());
    maps.push_back(
        op.getMatchingIndexingMap(operand).replaceDimsAndSymbols(renamed, {}, results.size(), 0));
  }
  maps.push_back(AffineMap::getMultiDimIdentityMap(results.size(), context));
  Type type = getElementTypeOrSelf(op->getResult(0));
  Value empty = tensor::EmptyOp::create(builder, loc, sizes, type);
  SmallVector<utils::IteratorType> parallel(results.size(), utils::IteratorType::parallel);
  auto weights = linalg::GenericOp::create(
      builder, loc, empty.getType(), operands, empty, maps, parallel,
      [&](OpBuilder &nested, Location nestedLoc, ValueRange elements) {
        IRMapping mapping;
        for (auto [input, element] : llvm::zip(order, elements))
          mapping.map(op.getMatchingBlockArgument(op.getDpsInputOperand(input)), element);
        for (Operation &inBody : op.getBlock()->without_terminator())
          if (llvm::all_of(inBody.getResults(), [&](Value value) { return seen.contains(value); }))
            nested.clone(inBody, mapping);
        auto convert = [&](Value factor) -> Value {
          Value value = mapping.lookupOrDefault(factor);
          unsigned width = value.getType().getIntOrFloatBitWidth();
          if (value.getType() == type)
            return value;
          if (width < type.getIntOrFloatBitWidth())
            return arith::ExtFOp::create(nested, nestedLoc, type, value);
          return arith::TruncFOp::create(nested, nestedLoc, type, value);
        };
        Value product =
            arith::ConstantOp::create(nested, nestedLoc, nested.getFloatAttr(type, sum.scale));
        for (Value factor : sum.factors)
          product = arith::MulFOp::create(nested, nestedLoc, product, convert(factor));
        for (Value divisor : sum.divisors)
          product = arith::DivFOp::create(nested, nestedLoc, product, convert(divisor));
        linalg::YieldOp::create(nested, nestedLoc, product);
      });

  OpOperand *values = op.getDpsInputOperand(sum.values);
  AffineMap contractionMaps[] = {AffineMap::get(op.getNumLoops(), 0, results, context),
                                 op.getMatchingIndexingMap(values),
                                 op.getMatchingIndexingMap(op.getDpsInitOperand(0))};
  return linalg::GenericOp::create(
      builder, loc, op->getResultTypes(), ValueRange{weights.getResult(0), values->get()},
      op.getDpsInits(), contractionMaps, op.getIteratorTypesArray(),
      [&](OpBuilder &nested, Location nestedLoc, ValueRange elements) {
        Value value = elements[1];
        if (value.getType() != type)
          value = arith::ExtFOp::create(nested, nestedLoc, type, value);
        Value product = arith::MulFOp::create(nested, nestedLoc, elements[0], value);
        Value next = arith::AddFOp::create(nested, nestedLoc, product, elements[2]);
        linalg::YieldOp::create(nested, nestedLoc, next);
      });
}
