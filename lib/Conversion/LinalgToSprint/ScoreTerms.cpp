//===- ScoreTerms.cpp - From logits to scores -----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScoreTerms.h"

#include "Views.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;
using Predicate = arith::CmpFPredicate;

/// Steps that a search takes between softmax and scores, those taken back included.
static constexpr unsigned kMaxSteps = 1024;

static constexpr char kNoContraction[] = "the scores are not a contraction times a constant";

namespace {
class ScoreFinder {
public:
  ScoreFinder(ElementExprFactory &factory, llvm::function_ref<std::optional<Expr>(Expr)> getStart)
      : factory(factory), getStart(getStart) {}

  LogicalResult find(Expr expr, double scale);

  LogicalResult fail(const Twine &why) {
    reason = why.str();
    return failure();
  }

  Scores scores;
  std::string reason;

private:
  LogicalResult findInSum(Expr sum, double scale);
  LogicalResult findInProduct(Expr product, double scale);
  LogicalResult findInSelect(Expr select, double scale);
  LogicalResult findUnderBound(Expr bounded, std::optional<double> bound, double scale);
  LogicalResult add(ScoreTerm term);

  ElementExprFactory &factory;
  llvm::function_ref<std::optional<Expr>(Expr)> getStart;
  unsigned budget = kMaxSteps;
};
} // namespace

LogicalResult ScoreFinder::add(ScoreTerm term) {
  if (!scores.factors.empty())
    return fail("masked or biased scores are multiplied with a tensor");
  scores.terms.push_back(term);
  return success();
}

LogicalResult ScoreFinder::findInSum(Expr sum, double scale) {
  Scores before = scores;
  std::string firstReason;
  for (unsigned side : {0, 1}) {
    // What is subtracted would be the negated scores.
    if (side == 1 && sum->isOperation("arith.subf"))
      break;
    double sign = sum->isOperation("arith.subf") ? -1.0 : 1.0;
    ScoreTerm term{ScoreTerm::Kind::Added, sum->operands[1 - side], scale * sign, std::nullopt,
                   sum->type};
    if (succeeded(add(term)) && succeeded(find(sum->operands[side], scale)))
      return success();
    scores = before;
    if (side == 0)
      firstReason = reason;
  }
  if (firstReason != kNoContraction)
    reason = std::move(firstReason);
  return failure();
}

LogicalResult ScoreFinder::findInProduct(Expr product, double scale) {
  bool divides = product->isOperation("arith.divf");
  for (unsigned side : {1, 0}) {
    if (side == 0 && divides)
      break;
    if (std::optional<double> number = getConstant(product->operands[side]))
      return find(product->operands[1 - side], divides ? scale / *number : scale * *number);
  }
  // A factor that only the program knows scales the queries instead, if it is one for each row.
  for (unsigned side : {1, 0}) {
    if (side == 0 && divides)
      break;
    if (product->operands[side]->dependsOn(Position::Key))
      continue;
    scores.factors.push_back({product->operands[side], divides});
    return find(product->operands[1 - side], scale);
  }
  return fail("the scores are multiplied with a tensor that differs from key to key");
}

/// Whether `condition` says that `scores` are the smaller of scores and bound.
static bool isBelow(Expr condition, Expr scores, Expr bound, bool isNegated) {
  Expr comparison = condition;
  if (condition->kind == Kind::Not) {
    comparison = condition->operands.front();
    isNegated = !isNegated;
  }
  if (!comparison->isOperation("arith.cmpf") ||
      stripCasts(comparison->operands[0]) != stripCasts(scores) ||
      getConstant(comparison->operands[1]) != getConstant(bound))
    return false;
  auto predicate =
      cast<DictionaryAttr>(comparison->attribute).getAs<arith::CmpFPredicateAttr>("predicate");
  static constexpr Predicate kBelow[] = {Predicate::OLT, Predicate::ULT, Predicate::OLE,
                                         Predicate::ULE};
  static constexpr Predicate kAbove[] = {Predicate::OGT, Predicate::UGT, Predicate::OGE,
                                         Predicate::UGE};
  return predicate &&
         llvm::is_contained(isNegated ? ArrayRef(kAbove) : ArrayRef(kBelow), predicate.getValue());
}

LogicalResult ScoreFinder::findInSelect(Expr select, double scale) {
  Expr condition = select->operands[0], ifTrue = select->operands[1], ifFalse = select->operands[2];
  std::optional<double> whenTrue = getConstant(ifTrue), whenFalse = getConstant(ifFalse);
  if (whenTrue.has_value() == whenFalse.has_value())
    return fail("what a mask selects instead of the scores is not a constant");
  Expr chosen = whenTrue ? ifFalse : ifTrue;
  if (isBelow(condition, chosen, whenTrue ? ifTrue : ifFalse, /*isNegated=*/!whenTrue))
    return findUnderBound(chosen, whenTrue ? whenTrue : whenFalse, scale);
  ScoreTerm term;
  term.kind = ScoreTerm::Kind::AllowedWhereTrue;
  term.element = whenTrue ? factory.negate(condition) : condition;
  term.otherwise = (whenTrue ? *whenTrue : *whenFalse) * scale;
  term.type = select->type;
  if (failed(add(term)))
    return failure();
  return find(chosen, scale);
}

LogicalResult ScoreFinder::findUnderBound(Expr bounded, std::optional<double> bound, double scale) {
  if (!bound)
    return fail("the lower bound of the scores is not a constant");
  ScoreTerm term;
  term.kind = ScoreTerm::Kind::LowerBound;
  term.otherwise = *bound * scale;
  term.type = bounded->type;
  if (failed(add(term)))
    return failure();
  return find(bounded, scale);
}

LogicalResult ScoreFinder::find(Expr expr, double scale) {
  if (budget == 0)
    return fail("there are too many steps between the contractions");
  --budget;
  expr = stripCasts(expr);
  if (expr->kind == Kind::Load) {
    std::optional<Expr> start = expr->dependsOn(Position::Key) ? getStart(expr) : std::nullopt;
    if (!start) {
      Operation *definition = expr->value.getDefiningOp();
      if (isa_and_nonnull<tensor::ConcatOp, tensor::InsertSliceOp, tensor::PadOp>(definition))
        return fail("the scores are joined with others, such as attention sinks");
      return fail(kNoContraction);
    }
    scores.product = expr;
    scores.scale = scale;
    // An addition that starts from a bias.
    std::optional<double> number = getConstant(*start);
    if (number == 0.0)
      return success();
    return add({ScoreTerm::Kind::Added, *start, scale, std::nullopt, expr->type});
  }
  if (expr->isOperation("arith.addf") || expr->isOperation("arith.subf"))
    return findInSum(expr, scale);
  if (expr->isOperation("arith.mulf") || expr->isOperation("arith.divf"))
    return findInProduct(expr, scale);
  if (expr->isOperation("arith.negf"))
    return find(expr->operands[0], -scale);
  if (expr->kind == Kind::Select)
    return findInSelect(expr, scale);
  if (expr->isOperation("arith.maximumf") || expr->isOperation("arith.maxnumf")) {
    unsigned bounded = getConstant(expr->operands[0]) ? 1 : 0;
    return findUnderBound(expr->operands[bounded], getConstant(expr->operands[1 - bounded]), scale);
  }
  if (expr->isOperation("arith.sitofp") || expr->isOperation("arith.uitofp"))
    return fail("the scores are computed of integers, as in a quantised model");
  if (expr->isOperation("math.roundeven") || expr->isOperation("math.round"))
    return fail("the scores are rounded, as by fake quantisation");
  if (expr->isOperation("math.tanh"))
    return fail("the scores are capped by a hyperbolic tangent");
  return fail(kNoContraction);
}

FailureOr<Scores> sprint::findScores(ElementExprFactory &factory, const Softmax &softmax,
                                     llvm::function_ref<std::optional<Expr>(Expr)> getStart,
                                     std::string &reason) {
  std::string firstReason;
  for (auto [index, logit] : llvm::enumerate(softmax.logit)) {
    ScoreFinder finder(factory, getStart);
    // Keys that the exponentials leave out have a logit of minus infinity.
    if (!softmax.allowed->isTrue())
      finder.scores.terms.push_back({ScoreTerm::Kind::AllowedWhereTrue, softmax.allowed, 1.0,
                                     -std::numeric_limits<double>::infinity(), logit.value->type});
    // The other exponentials of a product are summands of the logit.
    for (auto [other, term] : llvm::enumerate(softmax.logit))
      if (other != index)
        finder.scores.terms.push_back(
            {ScoreTerm::Kind::Added, term.value, term.factor, std::nullopt, term.value->type});
    if (succeeded(finder.find(logit.value, logit.factor)))
      return std::move(finder.scores);
    if (firstReason.empty() || firstReason == kNoContraction)
      firstReason = finder.reason;
  }
  reason = firstReason;
  return failure();
}
