//===- ElementTruths.cpp - Expressions of truth values --------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementExpr.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;
/// Operands of a conjunction or disjunction that are compared with one another.
static constexpr size_t kMaxCompared = 32;

Expr ElementExprFactory::splitNonNegative(Expr integer) {
  auto [constant, terms] = integer->getSum();
  for (auto [index, term] : llvm::enumerate(terms)) {
    Expr atom = term.atom;
    bool isPositive = term.coefficient > 0;
    SmallVector<AffineTerm> rest(terms);
    rest.erase(rest.begin() + index);
    Expr others = affine(constant, rest);
    auto withPart = [&](Expr part, int64_t factor) -> Expr {
      Expr scaled = scale(part, factor);
      Expr sum = scaled ? add(others, scaled) : nullptr;
      return sum ? isNonNegative(sum) : nullptr;
    };
    auto junctionOf = [&](bool isAll, Expr left, Expr right) -> Expr {
      if (!left || !right)
        return nullptr;
      return isAll ? conjunction({left, right}) : disjunction({left, right});
    };
    Expr split = nullptr;
    if (atom->kind == Kind::Select && rest.empty() &&
        atom->countLeaves() <= ElementExpr::kMaxLeaves) {
      Expr ifTrue = withPart(atom->operands[1], term.coefficient);
      Expr ifFalse = withPart(atom->operands[2], term.coefficient);
      if (ifTrue && ifFalse)
        split = select(atom->operands[0], ifTrue, ifFalse);
    } else if (atom->isOperation("math.absi")) {
      split = junctionOf(!isPositive, withPart(atom->operands[0], term.coefficient),
                         withPart(atom->operands[0], -term.coefficient));
    } else if (atom->isOperation("arith.minsi") || atom->isOperation("arith.maxsi")) {
      split = junctionOf(atom->isOperation("arith.minsi") == isPositive,
                         withPart(atom->operands[0], term.coefficient),
                         withPart(atom->operands[1], term.coefficient));
    }
    if (split)
      return split;
  }
  return nullptr;
}

/// The greatest common divisor of the coefficients.
static int64_t getDivisor(ArrayRef<AffineTerm> terms) {
  uint64_t divisor = 0;
  for (const AffineTerm &term : terms) {
    uint64_t coefficient = term.coefficient;
    divisor = std::gcd(divisor, term.coefficient < 0 ? -coefficient : coefficient);
  }
  return divisor > static_cast<uint64_t>(INT64_MAX) ? 1 : divisor;
}

Expr ElementExprFactory::isNonNegative(Expr integer) {
  if (Expr known = nonNegative.lookup(integer))
    return known;
  Expr result = makeNonNegative(integer);
  nonNegative[integer] = result;
  return result;
}

Expr ElementExprFactory::makeNonNegative(Expr integer) {
  IntegerRange bounds = getBounds(integer);
  if (bounds.min >= 0 || bounds.max < 0)
    return truth(bounds.min >= 0);
  auto [constant, terms] = integer->getSum();
  if (int64_t divisor = getDivisor(terms); divisor > 1) {
    for (AffineTerm &term : terms)
      term.coefficient /= divisor;
    integer = affine(llvm::divideFloorSigned(constant, divisor), terms);
  }
  if (Expr split = isExhausted() ? nullptr : splitNonNegative(integer))
    return split;
  ElementExpr expr = ElementExpr::make(Kind::NonNegative, IntegerType::get(context, 1));
  expr.operands = {integer};
  return intern(std::move(expr));
}

Expr ElementExprFactory::isZero(Expr integer) {
  IntegerRange bounds = getBounds(integer);
  if (bounds.min > 0 || bounds.max < 0)
    return truth(false);
  if (bounds.isConstant())
    return truth(true);
  auto [constant, terms] = integer->getSum();
  int64_t divisor = getDivisor(terms);
  if (constant % divisor != 0)
    return truth(false);
  if (terms.size() == 1 && terms.front().atom->countLeaves() <= ElementExpr::kMaxLeaves) {
    Expr choice = terms.front().atom;
    auto isZeroWith = [&](Expr part) -> Expr {
      Expr scaled = scale(part, terms.front().coefficient);
      Expr sum = scaled ? add(affine(constant, {}), scaled) : nullptr;
      return sum ? isZero(sum) : nullptr;
    };
    Expr ifTrue = isZeroWith(choice->operands[1]), ifFalse = isZeroWith(choice->operands[2]);
    if (ifTrue && ifFalse)
      return select(choice->operands[0], ifTrue, ifFalse);
  }
  // One form of the two that differ in the sign.
  if (terms.front().coefficient < 0 && constant != INT64_MIN)
    divisor = -divisor;
  for (AffineTerm &term : terms)
    term.coefficient /= divisor;
  ElementExpr expr = ElementExpr::make(Kind::Zero, IntegerType::get(context, 1));
  expr.operands = {affine(constant / divisor, terms)};
  return intern(std::move(expr));
}

Expr ElementExprFactory::negate(Expr truth) {
  if (truth->kind == Kind::Not)
    return truth->operands.front();
  if (Expr known = negated.lookup(truth))
    return known;
  Expr result = nullptr;
  if (truth->kind == Kind::And || truth->kind == Kind::Or) {
    SmallVector<Expr> parts =
        llvm::map_to_vector(truth->operands, [&](Expr part) { return negate(part); });
    result = truth->kind == Kind::And ? disjunction(parts) : conjunction(parts);
  } else if (truth->kind == Kind::NonNegative) {
    // The integer is between its bounds, so the sum fits wherever its bounds do.
    Expr opposite = scale(truth->operands.front(), -1);
    if (Expr below = opposite ? add(opposite, integer(-1)) : nullptr)
      result = isNonNegative(below);
  }
  if (!result) {
    ElementExpr expr = ElementExpr::make(Kind::Not, truth->type);
    expr.operands = {truth};
    result = intern(std::move(expr));
  }
  negated[truth] = result;
  return result;
}

static bool isBefore(Expr left, Expr right) { return left->number < right->number; }

Expr ElementExprFactory::junction(Kind kind, ArrayRef<Expr> truths) {
  bool isAll = kind == Kind::And;
  SmallVector<Expr> parts;
  for (Expr part : truths) {
    if (part->kind == kind)
      llvm::append_range(parts, part->operands);
    else
      parts.push_back(part);
  }
  llvm::sort(parts, isBefore);
  parts.erase(llvm::unique(parts), parts.end());
  Expr absorbing = truth(!isAll);
  if (llvm::is_contained(parts, absorbing))
    return absorbing;

  if (parts.size() <= kMaxCompared) {
    // Of two bounds of one sum the stricter stays in a conjunction, the looser in a disjunction;
    // opposite bounds may exclude one another, or cover everything.
    SmallVector<Expr> kept;
    for (Expr part : parts) {
      bool isImplied = false;
      for (Expr &other : kept) {
        if (part->kind != Kind::NonNegative || other->kind != Kind::NonNegative)
          continue;
        Expr sum = add(part->operands.front(), other->operands.front());
        std::optional<int64_t> total = sum ? sum->getConstantInteger() : std::nullopt;
        if (total && (isAll ? *total < 0 : *total >= -1))
          return absorbing;
        Expr difference = subtract(part->operands.front(), other->operands.front());
        if (!difference || !difference->getConstantInteger())
          continue;
        isImplied = true;
        if ((*difference->getConstantInteger() < 0) == isAll)
          other = part;
      }
      if (!isImplied)
        kept.push_back(part);
    }
    parts = std::move(kept);
    for (Expr part : parts) {
      // Negating the others would take them apart once more.
      bool isLeaf =
          part->kind == Kind::Not || part->kind == Kind::Zero || part->kind == Kind::NonNegative;
      if (isLeaf && llvm::is_contained(parts, negate(part)))
        return absorbing;
    }
    if (isAll) {
      // What the other parts decide goes out of a disjunction.
      for (Expr &part : parts) {
        if (part->kind != Kind::Or)
          continue;
        if (llvm::any_of(part->operands,
                         [&](Expr choice) { return llvm::is_contained(parts, choice); })) {
          part = truth(true);
          continue;
        }
        SmallVector<Expr> open = llvm::filter_to_vector(part->operands, [&](Expr choice) {
          return choice->kind == Kind::And || !llvm::is_contained(parts, negate(choice));
        });
        if (open.size() != part->operands.size()) {
          SmallVector<Expr> again(parts);
          *llvm::find(again, part) = disjunction(open);
          return conjunction(again);
        }
      }
      llvm::erase_if(parts, [](Expr part) { return part->isTrue(); });
    } else if (parts.size() > 1) {
      SmallVector<Expr> common = parts.front()->getConjuncts();
      for (Expr part : ArrayRef(parts).drop_front()) {
        SmallVector<Expr> conjuncts = part->getConjuncts();
        llvm::erase_if(common, [&](Expr shared) { return !llvm::is_contained(conjuncts, shared); });
      }
      if (!common.empty()) {
        SmallVector<Expr> rests = llvm::map_to_vector(parts, [&](Expr part) {
          SmallVector<Expr> rest = part->getConjuncts();
          llvm::erase_if(rest, [&](Expr own) { return llvm::is_contained(common, own); });
          return conjunction(rest);
        });
        common.push_back(disjunction(rests));
        return conjunction(common);
      }
    }
  }
  if (parts.size() == 1)
    return parts.front();
  llvm::sort(parts, isBefore);
  ElementExpr expr = ElementExpr::make(kind, IntegerType::get(context, 1));
  expr.operands.assign(parts.begin(), parts.end());
  return intern(std::move(expr));
}

Expr ElementExprFactory::conjunction(ArrayRef<Expr> truths) { return junction(Kind::And, truths); }

Expr ElementExprFactory::disjunction(ArrayRef<Expr> truths) { return junction(Kind::Or, truths); }
