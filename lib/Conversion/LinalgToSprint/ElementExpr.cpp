//===- ElementExpr.cpp - What one element of a tensor is ------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "ElementExpr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;
/// Holds any sum of products that is formed here.
using Wide = __int128;

/// No tensor has more elements along a dimension: addresses have 48 bits.
static constexpr int64_t kMaxSize = int64_t(1) << 47;
/// Constant leaves of the trees of selects through which an op is pushed.
static constexpr unsigned kMaxLeaves = 16;
/// Operands of a conjunction or disjunction that are compared with one another.
static constexpr size_t kMaxCompared = 32;

static std::optional<int64_t> narrow(Wide number) {
  if (number < INT64_MIN || number > INT64_MAX)
    return std::nullopt;
  return static_cast<int64_t>(number);
}

static int64_t saturate(Wide number) {
  return static_cast<int64_t>(std::clamp<Wide>(number, INT64_MIN, INT64_MAX));
}

IntegerRange sprint::rangeOf(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer || integer.getWidth() >= 64)
    return {INT64_MIN, INT64_MAX};
  return {llvm::minIntN(integer.getWidth()), llvm::maxIntN(integer.getWidth())};
}

ElementExpr ElementExpr::make(Kind kind, Type type) {
  ElementExpr expr;
  expr.kind = kind;
  expr.type = type;
  expr.range = rangeOf(type);
  return expr;
}

void ElementExpr::Profile(llvm::FoldingSetNodeID &id) const {
  id.AddInteger(static_cast<unsigned>(kind));
  id.AddPointer(type.getAsOpaquePointer());
  id.AddPointer(integerType.getAsOpaquePointer());
  id.AddInteger(constant);
  for (const AffineTerm &term : terms) {
    id.AddPointer(term.atom);
    id.AddInteger(term.coefficient);
  }
  for (Expr operand : operands)
    id.AddPointer(operand);
  id.AddPointer(value.getAsOpaquePointer());
  id.AddInteger(dimension);
  id.AddPointer(attribute.getAsOpaquePointer());
  id.AddPointer(name ? name->getAsOpaquePointer() : nullptr);
  id.AddInteger(static_cast<unsigned>(position));
  id.AddInteger(static_cast<unsigned>(combiner));
}

bool sprint::anyPart(Expr expr, llvm::function_ref<bool(Expr)> is) {
  SmallVector<Expr> worklist{expr};
  llvm::SmallDenseSet<Expr> seen{expr};
  auto push = [&](Expr part) {
    if (seen.insert(part).second)
      worklist.push_back(part);
  };
  while (!worklist.empty()) {
    Expr part = worklist.pop_back_val();
    if (is(part))
      return true;
    llvm::for_each(part->operands, push);
    for (const AffineTerm &term : part->terms)
      push(term.atom);
  }
  return false;
}

bool ElementExpr::contains(Expr part) const {
  // A part is made before the whole.
  return number >= part->number && anyPart(this, [&](Expr other) { return other == part; });
}

Expr ElementExprFactory::intern(ElementExpr candidate) {
  llvm::FoldingSetNodeID id;
  candidate.Profile(id);
  void *place = nullptr;
  if (ElementExpr *existing = unique.FindNodeOrInsertPos(id, place))
    return existing;
  candidate.number = nodes.size();
  candidate.hasLoad = candidate.kind == Kind::Load;
  if (candidate.kind == Kind::Position)
    candidate.positions = setOf(candidate.position);
  auto include = [&](Expr part) {
    candidate.positions |= part->positions;
    candidate.hasLoad |= part->hasLoad;
    candidate.depth = std::max(candidate.depth, part->depth + 1);
  };
  llvm::for_each(candidate.operands, include);
  for (const AffineTerm &term : candidate.terms)
    include(term.atom);
  if (candidate.kind == Kind::Reduction)
    candidate.positions &= ~setOf(Position::Key);
  maxDepth = std::max(maxDepth, candidate.depth);
  nodes.push_back(std::move(candidate));
  unique.InsertNode(&nodes.back(), place);
  return &nodes.back();
}

//===----------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------===//

Expr ElementExprFactory::integer(int64_t number) { return affine(number, {}); }

Expr ElementExprFactory::floating(FloatAttr number) {
  ElementExpr expr = ElementExpr::make(Kind::Float, number.getType());
  expr.attribute = number;
  return intern(std::move(expr));
}

Expr ElementExprFactory::truth(bool value) {
  return intern(ElementExpr::make(value ? Kind::And : Kind::Or, IntegerType::get(context, 1)));
}

Expr ElementExprFactory::position(Position position, Expr extent) {
  if (extent->getConstantInteger() == 1)
    return integer(0);
  ElementExpr expr = ElementExpr::make(Kind::Position, IndexType::get(context));
  expr.position = position;
  expr.extent = extent;
  expr.range = {0, std::min(extent->range.max, kMaxSize) - 1};
  return intern(std::move(expr));
}

Expr ElementExprFactory::index(Expr extent) {
  ElementExpr expr = ElementExpr::make(Kind::Index, IndexType::get(context));
  expr.constant = static_cast<int64_t>(nodes.size());
  expr.extent = extent;
  expr.range = {0, std::clamp<int64_t>(extent->range.max, 1, kMaxSize) - 1};
  return intern(std::move(expr));
}

static ElementExpr blankSize(MLIRContext *context, const TensorSize &size, int64_t min) {
  ElementExpr expr = ElementExpr::make(Kind::Size, IndexType::get(context));
  expr.value = size.value;
  expr.dimension = size.dimension;
  expr.range = {min, kMaxSize};
  return expr;
}

Expr ElementExprFactory::size(const TensorSize &size) {
  return size.isConstant() ? integer(size.constant) : intern(blankSize(context, size, 0));
}

Expr ElementExprFactory::positiveSize(const TensorSize &size) {
  return size.isConstant() ? integer(size.constant) : intern(blankSize(context, size, 1));
}

Expr ElementExprFactory::scalar(Value value) {
  ElementExpr expr = ElementExpr::make(Kind::Scalar, value.getType());
  expr.value = value;
  return intern(std::move(expr));
}

Expr ElementExprFactory::load(Value tensor, ArrayRef<Expr> indices) {
  ElementExpr expr =
      ElementExpr::make(Kind::Load, cast<RankedTensorType>(tensor.getType()).getElementType());
  expr.value = tensor;
  expr.operands.assign(indices.begin(), indices.end());
  return intern(std::move(expr));
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

/// The sum that an integer is: its constant and its terms.
static std::pair<int64_t, SmallVector<AffineTerm>> getSum(Expr integer) {
  if (integer->kind == Kind::Affine)
    return {integer->constant, llvm::to_vector(integer->terms)};
  return {0, {AffineTerm{integer, 1}}};
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
  auto sum = combine(getSum(left), 1, getSum(right));
  return sum && fits(*sum) ? affine(sum->first, sum->second) : nullptr;
}

Expr ElementExprFactory::subtract(Expr left, Expr right) {
  auto sum = combine(getSum(left), -1, getSum(right));
  return sum && fits(*sum) ? affine(sum->first, sum->second) : nullptr;
}

Expr ElementExprFactory::scale(Expr integer, int64_t factor) {
  auto sum = combine({0, {}}, factor, getSum(integer));
  return sum && fits(*sum) ? affine(sum->first, sum->second) : nullptr;
}

Expr ElementExprFactory::floorDivide(Expr integer, int64_t divisor) {
  auto [constant, terms] = getSum(integer);
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
  auto [constant, terms] = getSum(index);
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
    expr.range = {0, kMaxSize};
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
  auto [constant, terms] = getSum(integer);
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
  auto [constant, terms] = getSum(integer);
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
        auto last = getSum(term.atom->extent);
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

//===----------------------------------------------------------------------===//
// Truth values
//===----------------------------------------------------------------------===//

/// Number of leaves of a tree of selects; more than `limit` where that is so, or where a leaf is no
/// constant.
static unsigned countLeaves(Expr expr, unsigned limit = kMaxLeaves) {
  if (expr->isConstant())
    return 1;
  if (expr->kind != Kind::Select || limit < 2)
    return limit + 1;
  unsigned left = countLeaves(expr->operands[1], limit - 1);
  return left >= limit ? limit + 1 : left + countLeaves(expr->operands[2], limit - left);
}

Expr ElementExprFactory::splitNonNegative(Expr integer) {
  auto [constant, terms] = getSum(integer);
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
    if (atom->kind == Kind::Select && rest.empty() && countLeaves(atom) <= kMaxLeaves) {
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
  auto [constant, terms] = getSum(integer);
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
  auto [constant, terms] = getSum(integer);
  int64_t divisor = getDivisor(terms);
  if (constant % divisor != 0)
    return truth(false);
  if (terms.size() == 1 && countLeaves(terms.front().atom) <= kMaxLeaves) {
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

/// The parts whose conjunction a truth value is.
static SmallVector<Expr> getConjuncts(Expr truth) {
  if (truth->kind == Kind::And)
    return llvm::to_vector<6>(truth->operands);
  return {truth};
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
      SmallVector<Expr> common = getConjuncts(parts.front());
      for (Expr part : ArrayRef(parts).drop_front()) {
        SmallVector<Expr> conjuncts = getConjuncts(part);
        llvm::erase_if(common, [&](Expr shared) { return !llvm::is_contained(conjuncts, shared); });
      }
      if (!common.empty()) {
        SmallVector<Expr> rests = llvm::map_to_vector(parts, [&](Expr part) {
          SmallVector<Expr> rest = getConjuncts(part);
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

//===----------------------------------------------------------------------===//
// Selects
//===----------------------------------------------------------------------===//

/// The one atom of a sum and what it is where the sum is zero.
static std::optional<std::pair<Expr, int64_t>> getRoot(Expr integer) {
  auto [constant, terms] = getSum(integer);
  if (terms.size() != 1 || constant == INT64_MIN ||
      (terms.front().coefficient != 1 && terms.front().coefficient != -1))
    return std::nullopt;
  return std::pair(terms.front().atom, -constant * terms.front().coefficient);
}

bool ElementExprFactory::areEqualWhere(Expr condition, Expr left, Expr right) {
  Expr difference = left->isInteger() && right->isInteger() ? subtract(left, right) : nullptr;
  if (!difference)
    return false;
  return llvm::any_of(getConjuncts(condition), [&](Expr part) {
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
    leaves *= countLeaves(operand);
    if (leaves > kMaxLeaves)
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
