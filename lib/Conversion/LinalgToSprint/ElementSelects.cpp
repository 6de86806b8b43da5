//===- ElementSelects.cpp - Choices between expressions -------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementExpr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;

/// The one atom of a sum and what it is where the sum is zero.
static std::optional<std::pair<Expr, int64_t>> getRoot(Expr integer) {
  auto [constant, terms] = integer->getSum();
  if (terms.size() != 1 || constant == INT64_MIN ||
      (terms.front().coefficient != 1 && terms.front().coefficient != -1))
    return std::nullopt;
  return std::pair(terms.front().atom, -constant * terms.front().coefficient);
}

bool ElementExprFactory::areEqualWhere(Expr condition, Expr left, Expr right) {
  Expr difference = left->isInteger() && right->isInteger() ? subtract(left, right) : nullptr;
  if (!difference)
    return false;
  return llvm::any_of(condition->getConjuncts(), [&](Expr part) {
    if (part->kind != Kind::Zero && part->kind != Kind::NonNegative)
      return false;
    Expr integer = part->operands.front();
    // An integer that is never positive is zero where it is not negative.
    if (part->kind == Kind::NonNegative && getBounds(integer).max != 0)
      return false;
    std::optional<std::pair<Expr, int64_t>> root = getRoot(integer);
    if (!root)
      return false;
    IntegerRange bounds = getBoundsWhere(difference, root->first, root->second);
    return bounds.min == 0 && bounds.max == 0;
  });
}

/// The constant that `value` is where `condition` is true, because that says so; else `value`.
static Expr replaceWhere(ElementExprFactory &factory, Expr condition, Expr value) {
  if (condition->kind == Kind::Zero) {
    std::optional<std::pair<Expr, int64_t>> root = getRoot(condition->operands.front());
    return root && root->first == value ? factory.integer(root->second) : value;
  }
  // Floats that are equal, or not unequal: neither is NaN.
  bool isNegated = condition->kind == Kind::Not;
  Expr comparison = isNegated ? condition->operands.front() : condition;
  if (!comparison->isOperation("arith.cmpf") || comparison->operands[0] != value ||
      comparison->operands[1]->kind != Kind::Float)
    return value;
  auto predicate =
      cast<DictionaryAttr>(comparison->attribute).getAs<arith::CmpFPredicateAttr>("predicate");
  arith::CmpFPredicate equal = isNegated ? arith::CmpFPredicate::UNE : arith::CmpFPredicate::OEQ;
  return predicate && predicate.getValue() == equal ? comparison->operands[1] : value;
}

Expr ElementExprFactory::select(Expr condition, Expr ifTrue, Expr ifFalse) {
  if (condition->isTrue() || ifTrue == ifFalse)
    return ifTrue;
  if (condition->isFalse())
    return ifFalse;
  if (ifTrue->isTruth())
    return disjunction(
        {conjunction({condition, ifTrue}), conjunction({negate(condition), ifFalse})});
  if (condition->kind == Kind::Not)
    return select(condition->operands.front(), ifFalse, ifTrue);
  if (ifTrue->kind == Kind::Select && ifTrue->operands[0] == condition)
    return select(condition, ifTrue->operands[1], ifFalse);
  if (ifFalse->kind == Kind::Select && ifFalse->operands[0] == condition)
    return select(condition, ifTrue, ifFalse->operands[2]);
  Expr opposite = negate(condition);
  if (areEqualWhere(condition, ifTrue, ifFalse))
    return ifFalse;
  if (areEqualWhere(opposite, ifTrue, ifFalse))
    return ifTrue;
  ifTrue = replaceWhere(*this, condition, ifTrue);
  ifFalse = replaceWhere(*this, opposite, ifFalse);
  if (ifTrue == ifFalse)
    return ifTrue;
  bool isInteger = ifTrue->isInteger();
  ElementExpr expr =
      ElementExpr::make(Kind::Select, isInteger ? IndexType::get(context) : ifTrue->type);
  expr.operands = {condition, ifTrue, ifFalse};
  if (isInteger)
    expr.range = {std::min(ifTrue->range.min, ifFalse->range.min),
                  std::max(ifTrue->range.max, ifFalse->range.max)};
  return intern(std::move(expr));
}

/// `expr` where `condition` is known.
static Expr choose(Expr expr, Expr condition, bool value) {
  return expr->kind == Kind::Select && expr->operands[0] == condition
             ? expr->operands[value ? 1 : 2]
             : expr;
}

Expr ElementExprFactory::pushThroughSelects(Operation *op, ArrayRef<Expr> operands) {
  unsigned leaves = 1;
  for (Expr operand : operands) {
    leaves *= operand->countLeaves();
    if (leaves > ElementExpr::kMaxLeaves)
      return nullptr;
  }
  auto choice = llvm::find_if(operands, [](Expr part) { return part->kind == Kind::Select; });
  if (choice == operands.end())
    return nullptr;
  Expr condition = (*choice)->operands[0];
  Expr arms[2];
  for (bool value : {false, true})
    arms[value] = apply(op, llvm::map_to_vector(operands, [&](Expr operand) {
                          return choose(operand, condition, value);
                        }));
  return select(condition, arms[true], arms[false]);
}
