//===- RowReductions.cpp - Reductions over the keys as expressions --------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementEvaluator.h"

#include "Contractions.h"
#include "Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::sprint;

namespace {
/// How a body goes on from its accumulator.
struct Accumulation {
  Combiner combiner;
  /// What is combined with the accumulator.
  Value element;
  /// Whether any true element makes the result true, instead of all.
  bool isAny = false;
};
} // namespace

/// The op other than a cast that defines `value`.
static Operation *getDefinition(Value value) { return stripFloatCasts(value).getDefiningOp(); }

/// Whether a comparison says that `large` is the larger of two, whichever way it is written and
/// whatever it says of equal numbers and NaN.
static bool isGreater(arith::CmpFOp compare, Value large, Value small) {
  using Predicate = arith::CmpFPredicate;
  Value left = stripFloatCasts(compare.getLhs()), right = stripFloatCasts(compare.getRhs());
  switch (compare.getPredicate()) {
  case Predicate::OGT:
  case Predicate::OGE:
  case Predicate::UGT:
  case Predicate::UGE:
    return left == large && right == small;
  case Predicate::OLT:
  case Predicate::OLE:
  case Predicate::ULT:
  case Predicate::ULE:
    return left == small && right == large;
  default:
    return false;
  }
}

/// Whether a condition selects the larger of two numbers; that one of them is NaN may be among what
/// it tests.
static bool selectsGreater(Value condition, Value large, Value small) {
  if (auto either = condition.getDefiningOp<arith::OrIOp>())
    return selectsGreater(either.getLhs(), large, small) ||
           selectsGreater(either.getRhs(), large, small);
  auto compare = condition.getDefiningOp<arith::CmpFOp>();
  return compare && isGreater(compare, large, small);
}

static std::optional<Accumulation> getAccumulation(Value yielded, Value accumulator) {
  Operation *op = getDefinition(yielded);
  if (auto select = dyn_cast_or_null<arith::SelectOp>(op)) {
    Value ifTrue = stripFloatCasts(select.getTrueValue());
    Value ifFalse = stripFloatCasts(select.getFalseValue());
    if ((ifTrue == accumulator) == (ifFalse == accumulator) ||
        !selectsGreater(select.getCondition(), ifTrue, ifFalse))
      return std::nullopt;
    return Accumulation{Combiner::Maximum, ifTrue == accumulator ? ifFalse : ifTrue};
  }
  Accumulation result{Combiner::Sum, {}};
  if (isa_and_nonnull<arith::MaximumFOp, arith::MaxNumFOp>(op))
    result.combiner = Combiner::Maximum;
  else if (isa_and_nonnull<arith::AndIOp, arith::OrIOp>(op) &&
           op->getResult(0).getType().isInteger(1))
    result = {Combiner::All, {}, isa<arith::OrIOp>(op)};
  else if (!isa_and_nonnull<arith::AddFOp>(op))
    return std::nullopt;
  for (unsigned side : {0, 1}) {
    if (stripFloatCasts(op->getOperand(side)) != accumulator)
      continue;
    result.element = op->getOperand(1 - side);
    return result;
  }
  return std::nullopt;
}

/// Whether an input that is not the same everywhere, such as ones that make a product a sum, varies
/// along a loop.
static bool variesAlong(linalg::LinalgOp op, unsigned loop) {
  return llvm::any_of(op.getDpsInputOperands(), [&](OpOperand *input) {
    return op.getMatchingIndexingMap(input).isFunctionOfDim(loop) && !getSplatFloat(input->get());
  });
}

Expr ElementEvaluator::evaluateReduction(linalg::LinalgOp op, OpResult result,
                                         ArrayRef<Expr> indices) {
  // A contraction is not looked into.
  if (!key || getContraction(op))
    return nullptr;
  unsigned number = result.getResultNumber();
  OpOperand *init = op.getDpsInitOperand(number);
  std::optional<Accumulation> accumulation =
      getAccumulation(getYielded(op, number), op.getMatchingBlockArgument(init));
  if (!accumulation)
    return nullptr;

  SmallVector<Expr> loops(op.getNumLoops()), place(indices);
  for (auto [expr, index] : llvm::zip_equal(op.getMatchingIndexingMap(init).getResults(), place)) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      continue;
    if (!variesAlong(op, dim.getPosition()))
      index = factory.integer(0);
    if (index->dependsOn(Position::Key))
      return nullptr;
    loops[dim.getPosition()] = index;
  }
  // Together the loops that are summed over have one iteration for each key.
  SmallVector<unsigned> reduced;
  op.getReductionDims(reduced);
  SmallVector<Expr> sizes;
  for (unsigned loop : reduced)
    for (OpOperand *input : op.getDpsInputOperands()) {
      std::optional<unsigned> dimension = op.getMatchingIndexingMap(input).getResultPosition(
          getAffineDimExpr(loop, factory.getContext()));
      if (!dimension || sizes.size() == reduced.size())
        continue;
      sizes.push_back(evaluateSize(input->get(), *dimension));
      break;
    }
  if (sizes.size() != reduced.size())
    return nullptr;
  Expr count = factory.integer(1);
  for (Expr size : sizes)
    count = count ? factory.multiply(count, size) : nullptr;
  std::optional<SmallVector<Expr>> keys =
      count == key->extent ? delinearize(key, sizes) : std::nullopt;
  if (!keys)
    return nullptr;
  for (auto [loop, index] : llvm::zip_equal(reduced, *keys))
    loops[loop] = index;

  Expr element = evaluateBody(op, result, loops, accumulation->element);
  Expr start = element ? evaluate(init->get(), place) : nullptr;
  if (!start)
    return nullptr;
  // Only what starts from the neutral element is the reduction alone.
  std::optional<APFloat> constant = start->getConstantFloat();
  bool isNeutral = false;
  switch (accumulation->combiner) {
  case Combiner::All:
    isNeutral = accumulation->isAny ? start->isFalse() : start->isTrue();
    break;
  case Combiner::Maximum:
    isNeutral =
        constant && (constant->isNaN() ||
                     (constant->isNegative() && (constant->isInfinity() || constant->isLargest())));
    break;
  case Combiner::Sum:
    isNeutral = constant && constant->isZero();
    break;
  }
  if (!isNeutral)
    return nullptr;
  Expr here = factory.load(result, place);
  Expr reduction = factory.reduce(accumulation->combiner,
                                  accumulation->isAny ? factory.negate(element) : element);
  reductions.try_emplace(reduction, accumulation->isAny ? factory.negate(here) : here);
  return accumulation->isAny ? factory.negate(reduction) : reduction;
}
