//===- ElementIntegers.cpp - Expressions of integers ----------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementExpr.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;
/// Holds any sum of products that is formed here.
using Wide = __int128;

static std::optional<int64_t> narrow(Wide number) {
  if (number < INT64_MIN || number > INT64_MAX)
    return std::nullopt;
  return static_cast<int64_t>(number);
}

static int64_t saturate(Wide number) {
  return static_cast<int64_t>(std::clamp<Wide>(number, INT64_MIN, INT64_MAX));
}

/// `constant + sum of terms`, saturated where it is out of the range of 64 bits.
static std::pair<Wide, Wide> getInterval(int64_t constant, ArrayRef<AffineTerm> terms) {
  Wide min = constant, max = constant;
  for (const AffineTerm &term : terms) {
    Wide low = Wide(term.coefficient) * term.atom->range.min;
    Wide high = Wide(term.coefficient) * term.atom->range.max;
    min += std::min(low, high);
    max += std::max(low, high);
    // Far out of range is out of range: keeps the sums from overflowing themselves.
    constexpr Wide kFar = Wide(1) << 120;
    min = std::clamp(min, -kFar, kFar);
    max = std::clamp(max, -kFar, kFar);
  }
  return {min, max};
}

Expr ElementExprFactory::affine(int64_t constant, ArrayRef<AffineTerm> terms) {
  if (constant == 0 && terms.size() == 1 && terms.front().coefficient == 1)
    return terms.front().atom;
  ElementExpr expr = ElementExpr::make(Kind::Affine, IndexType::get(context));
  expr.constant = constant;
  expr.terms.assign(terms.begin(), terms.end());
  auto [min, max] = getInterval(constant, terms);
  expr.range = {saturate(min), saturate(max)};
  return intern(std::move(expr));
}

/// `left + factor * right`; nothing where a coefficient does not fit.
static std::optional<std::pair<int64_t, SmallVector<AffineTerm>>>
combine(std::pair<int64_t, SmallVector<AffineTerm>> left, int64_t factor,
        const std::pair<int64_t, SmallVector<AffineTerm>> &right) {
  std::optional<int64_t> constant = narrow(Wide(left.first) + Wide(factor) * right.first);
  if (!constant)
    return std::nullopt;
  SmallVector<AffineTerm> terms;
  auto before = left.second.begin(), beforeEnd = left.second.end();
  auto other = right.second.begin(), otherEnd = right.second.end();
  while (before != beforeEnd || other != otherEnd) {
    if (other == otherEnd || (before != beforeEnd && before->atom->number < other->atom->number)) {
      terms.push_back(*before++);
      continue;
    }
    Wide coefficient = Wide(factor) * other->coefficient;
    Expr atom = other->atom;
    ++other;
    if (before != beforeEnd && before->atom == atom)
      coefficient += (before++)->coefficient;
    std::optional<int64_t> narrowed = narrow(coefficient);
    if (!narrowed)
      return std::nullopt;
    if (*narrowed != 0)
      terms.push_back({atom, *narrowed});
  }
  return std::pair(*constant, std::move(terms));
}

/// Whether every value of the sum fits in 64 bits.
static bool fits(const std::pair<int64_t, SmallVector<AffineTerm>> &sum) {
  auto [min, max] = getInterval(sum.first, sum.second);
  return narrow(min) && narrow(max);
}

Expr ElementExprFactory::add(Expr left, Expr right) {
  auto sum = combine(left->getSum(), 1, right->getSum());
  return sum && fits(*sum) ? affine(sum->first, sum->second) : nullptr;
}

Expr ElementExprFactory::subtract(Expr left, Expr right) {
  auto sum = combine(left->getSum(), -1, right->getSum());
  return sum && fits(*sum) ? affine(sum->first, sum->second) : nullptr;
}

Expr ElementExprFactory::scale(Expr integer, int64_t factor) {
  auto sum = combine({0, {}}, factor, integer->getSum());
  return sum && fits(*sum) ? affine(sum->first, sum->second) : nullptr;
}

Expr ElementExprFactory::floorDivide(Expr integer, int64_t divisor) {
  auto [constant, terms] = integer->getSum();
  SmallVector<AffineTerm> multiples, rest;
  for (const AffineTerm &term : terms) {
    if (term.coefficient % divisor == 0)
      multiples.push_back({term.atom, term.coefficient / divisor});
    else
      rest.push_back(term);
  }
  int64_t quotient = llvm::divideFloorSigned(constant, divisor);
  Expr remaining = affine(constant - quotient * divisor, rest);
  Expr whole = affine(quotient, multiples);
  IntegerRange bounds = getBounds(remaining);
  if (bounds.isWithin(0, divisor - 1))
    return whole;
  // `(g x + r) floordiv (g c)` is `x floordiv c` where r is within 0 .. g - 1.
  for (const AffineTerm &term : rest) {
    int64_t common = std::gcd(term.coefficient, divisor);
    if (common <= 1)
      continue;
    SmallVector<AffineTerm> divisible, others;
    for (const AffineTerm &other : rest) {
      if (other.coefficient % common == 0)
        divisible.push_back({other.atom, other.coefficient / common});
      else
        others.push_back(other);
    }
    int64_t start = constant - quotient * divisor, outer = llvm::divideFloorSigned(start, common);
    if (!getBounds(affine(start - outer * common, others)).isWithin(0, common - 1))
      continue;
    Expr inner = floorDivide(affine(outer, divisible), divisor / common);
    return inner ? add(whole, inner) : nullptr;
  }
  ElementExpr division = ElementExpr::make(Kind::Operation, IndexType::get(context));
  division.name = OperationName("arith.floordivsi", context);
  division.operands = {remaining, this->integer(divisor)};
  division.integerType = IndexType::get(context);
  division.range = {llvm::divideFloorSigned(bounds.min, divisor),
                    llvm::divideFloorSigned(bounds.max, divisor)};
  return add(whole, intern(std::move(division)));
}

Expr ElementExprFactory::remainder(Expr integer, int64_t divisor) {
  Expr quotient = floorDivide(integer, divisor);
  Expr multiple = quotient ? scale(quotient, divisor) : nullptr;
  return multiple ? subtract(integer, multiple) : nullptr;
}

Expr ElementExprFactory::multiply(Expr index, Expr size) {
  if (std::optional<int64_t> factor = size->getConstantInteger())
    return scale(index, *factor);
  auto [constant, terms] = index->getSum();
  Expr sum = scale(size, constant);
  for (const AffineTerm &term : terms) {
    if (!sum)
      return nullptr;
    ElementExpr expr = ElementExpr::make(Kind::Product, IndexType::get(context));
    if (term.atom->kind == Kind::Product)
      expr.operands = term.atom->operands;
    else
      expr.operands.push_back(term.atom);
    expr.operands.push_back(size);
    // The index first, as it is what varies; sizes in the order in which they were made.
    std::sort(expr.operands.begin() + 1, expr.operands.end(),
              [](Expr left, Expr right) { return left->number < right->number; });
    if (term.atom->range.min < 0 || size->range.min < 0)
      return nullptr;
    // An element has an address, so no product that indexes one is larger.
    expr.range = {0, kMaxDimSize};
    Expr scaled = scale(intern(std::move(expr)), term.coefficient);
    sum = scaled ? add(sum, scaled) : nullptr;
  }
  return sum;
}

std::optional<std::pair<Expr, Expr>> ElementExprFactory::divide(Expr integer, Expr size) {
  if (std::optional<int64_t> divisor = size->getConstantInteger()) {
    if (*divisor <= 0)
      return std::nullopt;
    Expr quotient = floorDivide(integer, *divisor), rest = remainder(integer, *divisor);
    if (!quotient || !rest)
      return std::nullopt;
    return std::pair(quotient, rest);
  }
  auto [constant, terms] = integer->getSum();
  Expr quotient = this->integer(0), rest = this->integer(constant);
  for (const AffineTerm &term : terms) {
    Expr part = term.atom;
    Expr &sum = term.atom->kind == Kind::Product && llvm::is_contained(part->operands, size)
                    ? quotient
                    : rest;
    if (&sum == &quotient) {
      SmallVector<Expr, 3> others(part->operands);
      others.erase(llvm::find(others, size));
      part = others.front();
      for (Expr other : ArrayRef(others).drop_front())
        part = part ? multiply(part, other) : nullptr;
    } else if (part == size) {
      return std::nullopt;
    }
    Expr scaled = part ? scale(part, term.coefficient) : nullptr;
    sum = scaled ? add(sum, scaled) : nullptr;
    if (!sum)
      return std::nullopt;
  }
  if (!isWithin(rest, this->integer(0), size))
    return std::nullopt;
  return std::pair(quotient, rest);
}

IntegerRange ElementExprFactory::getBoundsWhere(Expr integer, Expr atom, int64_t value) {
  auto [constant, terms] = integer->getSum();
  auto substitute = [&](Wide &sum, SmallVector<AffineTerm> &left) {
    llvm::erase_if(left, [&](const AffineTerm &term) {
      if (term.atom != atom)
        return false;
      sum += Wide(term.coefficient) * value;
      return true;
    });
  };
  Wide start = constant;
  substitute(start, terms);
  std::optional<int64_t> narrowed = narrow(start);
  if (!narrowed)
    return {INT64_MIN, INT64_MAX};
  auto [min, max] = getInterval(*narrowed, terms);

  // An index stands for its last value, an expression of sizes, where that is the extreme: sizes
  // may cancel.
  for (bool isUpper : {false, true}) {
    std::optional<std::pair<int64_t, SmallVector<AffineTerm>>> sum{{*narrowed, {}}};
    for (const AffineTerm &term : terms) {
      if (!term.atom->extent) {
        sum = combine(std::move(*sum), term.coefficient, {0, {AffineTerm{term.atom, 1}}});
      } else if ((term.coefficient > 0) == isUpper) {
        auto last = term.atom->extent->getSum();
        if (last.first == INT64_MIN)
          return {saturate(min), saturate(max)};
        --last.first;
        sum = combine(std::move(*sum), term.coefficient, last);
      }
      if (!sum)
        return {saturate(min), saturate(max)};
    }
    Wide reached = sum->first;
    substitute(reached, sum->second);
    if (!narrow(reached))
      continue;
    auto [low, high] = getInterval(static_cast<int64_t>(reached), sum->second);
    if (isUpper)
      max = std::min(max, high);
    else
      min = std::max(min, low);
  }
  return {saturate(min), saturate(max)};
}

IntegerRange ElementExprFactory::getBounds(Expr integer) {
  return getBoundsWhere(integer, nullptr, 0);
}

bool ElementExprFactory::isWithin(Expr integer, Expr low, Expr high) {
  Expr above = subtract(integer, low), below = subtract(high, integer);
  return above && below && getBounds(above).min >= 0 && getBounds(below).min >= 1;
}
