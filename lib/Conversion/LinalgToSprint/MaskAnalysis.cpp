//===- MaskAnalysis.cpp - Masks and biases of an attention ----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskAnalysis.h"

#include "ElementEmitter.h"
#include "ElementEvaluator.h"
#include "SprintRuntime/NumericsConstants.h"
#include "Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Support/DebugStringHelper.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;

/// A logit this far below the others has no weight: exp(-7000) is zero in every type, and no
/// trained model's logits differ by a thousand.
static constexpr double kWeightlessLogit = -8192.0;
/// What a constant is multiplied with that is above minus the second, so that f32 absorbs scores.
static constexpr double kFarFactor = 0x1p20;
static constexpr double kFarBias = 0x1p29;
/// Where a sum is rounded to more than twice this, the scores of a trained model do not count.
static constexpr double kAbsorbed = 4096.0;
/// Sums and selects that are taken apart to find masking values.
static constexpr unsigned kMaxSplits = 2000;

namespace {
/// The lowest and the highest of some masking values.
struct MaskingValues {
  double lowest, highest;
  /// Whether nothing is left of the scores they are added to, or that they replace.
  bool absorb = true;
  /// Whether some are finite and replace the scores.
  bool replace = false;
  bool areOne() const { return lowest == highest; }
};

/// Which masking values make a key no key. The others stay in the bias.
enum class Masking { Any, Infinite };

/// How a value takes part in logits.
struct Use {
  double factor;
  /// The type in which the source adds it to the scores.
  Type type;
  Masking masking;

  Use scaled(double by) const { return {factor * by, type, masking}; }
};

/// A sum of terms, split: where `allowed` is true it is `bias`, elsewhere one of `masked`.
struct Split {
  Expr allowed;
  /// Null for zero.
  Expr bias;
  /// Nothing where no masking value was met.
  std::optional<MaskingValues> masked = std::nullopt;
};

/// Bounds of `key - query - offset`.
struct Band {
  std::optional<int64_t> lower, upper;
};
} // namespace

struct MaskAnalysis::Implementation {
  explicit Implementation(LogitShape shape, MLIRContext *context)
      : shape(shape), factory(context), evaluator(factory) {}

  LogitShape shape;
  SmallVector<ScoreTerm> terms;
  ElementExprFactory factory;
  ElementEvaluator evaluator;

  /// Where `finish` puts the conditions that no band can say, and the bias. Null for none.
  Expr keyValid = nullptr, mask = nullptr, bias = nullptr;
  /// Integers of (b, i) and of (b, j) that have to be equal. Null for none.
  Expr querySegment = nullptr, keySegment = nullptr;

  /// Expressions that `splitValue` took apart. An operand that is used twice is taken apart twice.
  unsigned numSplits = 0;
  /// Integers that are taken to be 0 or 1.
  llvm::SmallSetVector<Expr, 2> flags;
  SmallVector<Expr> zeroRows;
  /// The highest logit of masked keys that an allowed one might have.
  std::optional<double> checkedLogit;

  /// Null until the first is asked for.
  Expr batch = nullptr, head, query, key;
  /// Size of keys less that of queries.
  Expr offset;

  /// The type in which masks are added; f32 where none are, or in a wider one.
  Type getLogitType() const;

  void makePositions();

  /// Splits what a term adds.
  Split splitValue(Expr value, const Use &use);
  /// The same of a value that depends on one integer, which is 0 or 1 where one of both masks.
  std::optional<Split> splitFlag(Expr value, const Use &use);
  Split splitTerms(Masking masking);
  /// A constant of a bias that masks as the given one does, and any other by as much, in f32.
  Expr getFarBias(double logit, double factor);
  /// The masking values in a sum.
  std::optional<MaskingValues> addMasked(const Split &left, const Split &right);
  /// Whether the conditions are never true together, as far as that is known.
  bool areDisjoint(Expr left, Expr right) { return factory.conjunction({left, right})->isFalse(); }
  Expr addBiases(Expr left, Expr right);
  Expr scaleBias(Expr bias, double factor);
  Expr toF32(Expr value);

  /// Moves the conjuncts of `allowed` to the band and the operands.
  BandAttr distribute(Expr allowed);
  bool addToBand(Expr condition, Band &startBand, Band &endBand);
  /// Sets the segments to what `condition` says is equal; false where that is nothing of that kind,
  /// or they are set.
  bool setSegments(Expr condition);
  /// Whether every query has a key that the band allows.
  bool hasKeyForEveryQuery(BandAttr band);
  /// Whether every query is allowed the key at its own position.
  bool allowsOwnKey(Expr allowed);
  SmallVector<EmittedDimension> getDimensions(PositionSet positions) const;
};

//===----------------------------------------------------------------------===//
// Terms as expressions
//===----------------------------------------------------------------------===//

Type MaskAnalysis::Implementation::getLogitType() const {
  for (const ScoreTerm &term : terms)
    if (term.kind == ScoreTerm::Kind::Added && term.type.getIntOrFloatBitWidth() <= 32)
      return term.type;
  return Float32Type::get(factory.getContext());
}

void MaskAnalysis::Implementation::makePositions() {
  auto extentOf = [&](const TensorSize &size) {
    // A logit has a place along each dimension, so none of them is empty.
    if (!size.isConstant() && size.dimension >= 0)
      factory.positiveSize(size);
    return evaluator.evaluateSize(size);
  };
  Expr queries = extentOf(shape.queries), keys = extentOf(shape.keys);
  batch = factory.position(Position::Batch, extentOf(shape.batch));
  head = factory.position(Position::Head, extentOf(shape.heads));
  query = factory.position(Position::Query, queries);
  key = factory.position(Position::Key, keys);
  offset = factory.subtract(keys, queries);
}

//===----------------------------------------------------------------------===//
// Masking values and biases
//===----------------------------------------------------------------------===//

Expr MaskAnalysis::Implementation::addBiases(Expr left, Expr right) {
  if (!left || !right)
    return left ? left : right;
  return factory.operation("arith.addf", toF32(left)->type, {toF32(left), toF32(right)}, Type());
}

Expr MaskAnalysis::Implementation::toF32(Expr value) {
  Type type = Float32Type::get(factory.getContext());
  if (value->type == type)
    return value;
  if (std::optional<APFloat> constant = value->getConstantFloat()) {
    bool losesInfo = false;
    constant->convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &losesInfo);
    return factory.floating(FloatAttr::get(type, *constant));
  }
  bool isWider = value->type.getIntOrFloatBitWidth() > 32;
  return factory.operation(isWider ? "arith.truncf" : "arith.extf", type, {value}, Type());
}

Expr MaskAnalysis::Implementation::scaleBias(Expr bias, double factor) {
  if (!bias || factor == 1.0)
    return bias;
  Type type = Float32Type::get(factory.getContext());
  // Two constant factors are one.
  if (bias->isOperation("arith.mulf"))
    for (unsigned side : {0, 1})
      if (std::optional<APFloat> constant = bias->operands[side]->getConstantFloat())
        return scaleBias(bias->operands[1 - side], factor * toDouble(*constant));
  return factory.operation("arith.mulf", type,
                           {toF32(bias), factory.floating(FloatAttr::get(type, factor))}, Type());
}

static std::optional<MaskingValues> unite(std::optional<MaskingValues> left,
                                          std::optional<MaskingValues> right) {
  if (!left || !right)
    return left ? left : right;
  return MaskingValues{std::min(left->lowest, right->lowest),
                       std::max(left->highest, right->highest), left->absorb && right->absorb,
                       left->replace || right->replace};
}

std::optional<MaskingValues> MaskAnalysis::Implementation::addMasked(const Split &left,
                                                                     const Split &right) {
  if (!left.masked || !right.masked)
    return left.masked ? left.masked : right.masked;
  Expr leftMasks = factory.negate(left.allowed), rightMasks = factory.negate(right.allowed);
  std::optional<MaskingValues> masked;
  if (!areDisjoint(leftMasks, right.allowed))
    masked = left.masked;
  if (!areDisjoint(left.allowed, rightMasks))
    masked = unite(masked, right.masked);
  // Which sums of finite numbers overflow is left open: it depends on the type of the logits.
  if (!areDisjoint(leftMasks, rightMasks))
    masked = unite(masked, MaskingValues{-std::numeric_limits<double>::infinity(),
                                         left.masked->highest + right.masked->highest,
                                         left.masked->absorb || right.masked->absorb,
                                         left.masked->replace || right.masked->replace});
  return masked;
}

/// The one element of a tensor of integers that an expression reads; null where it reads others, or
/// varies with anything else.
static Expr getOnlyInteger(Expr expr) {
  Expr only = nullptr;
  bool isOther = anyPart(expr, [&](Expr part) {
    if (part->kind == Kind::Load && part->isInteger() && (!only || only == part)) {
      only = part;
      return false;
    }
    // What is not part of an index has to be arithmetic.
    return part->kind == Kind::Load || part->kind == Kind::Select || part->kind == Kind::Scalar ||
           part->isTruth();
  });
  return isOther ? nullptr : only;
}

std::optional<Split> MaskAnalysis::Implementation::splitFlag(Expr value, const Use &use) {
  Expr integer = getOnlyInteger(value);
  if (!integer || integer == value)
    return std::nullopt;
  Expr whenZero = factory.replace(value, integer, factory.integer(0));
  Expr whenOne = factory.replace(value, integer, factory.integer(1));
  std::optional<APFloat> zero = whenZero ? whenZero->getConstantFloat() : std::nullopt;
  std::optional<APFloat> one = whenOne ? whenOne->getConstantFloat() : std::nullopt;
  auto masks = [&](const APFloat &number) {
    return toDouble(number) * use.factor <= kWeightlessLogit;
  };
  if (!zero || !one || masks(*zero) == masks(*one))
    return std::nullopt;
  flags.insert(integer);
  return splitValue(factory.select(factory.isZero(integer), whenZero, whenOne), use);
}

Split MaskAnalysis::Implementation::splitValue(Expr value, const Use &use) {
  Split whole{factory.truth(true), value};
  if (factory.isExhausted() || numSplits++ >= kMaxSplits)
    return whole;
  if (std::optional<APFloat> constant = value->getConstantFloat()) {
    if (constant->isZero())
      return {whole.allowed, nullptr};
    double logit = toDouble(*constant) * use.factor;
    // NaN is not below anything.
    if (!(logit <= kWeightlessLogit))
      return whole;
    bool absorbs = std::isinf(logit) ||
                   getHalfStep(toDouble(*constant), use.type) * std::abs(use.factor) >= kAbsorbed;
    if (use.masking == Masking::Infinite && std::isfinite(logit))
      return absorbs ? Split{whole.allowed, getFarBias(logit, use.factor)} : whole;
    return {factory.truth(false), nullptr, MaskingValues{logit, logit, absorbs}};
  }
  if (std::optional<Split> flag = splitFlag(value, use))
    return *flag;
  if (value->kind == Kind::Select) {
    Expr condition = value->operands[0];
    Split ifTrue = splitValue(value->operands[1], use);
    Split ifFalse = splitValue(value->operands[2], use);
    Expr allowed = factory.select(condition, ifTrue.allowed, ifFalse.allowed);
    std::optional<MaskingValues> masked = unite(ifTrue.masked, ifFalse.masked);
    // What the bias is where the key is masked does not matter.
    if (ifTrue.allowed->isFalse())
      return {allowed, ifFalse.bias, masked};
    if (ifFalse.allowed->isFalse())
      return {allowed, ifTrue.bias, masked};
    if (ifTrue.bias == value->operands[1] && ifFalse.bias == value->operands[2])
      return {allowed, value, masked};
    if (!ifTrue.bias && !ifFalse.bias)
      return {allowed, nullptr, masked};
    Expr zero = factory.floating(FloatAttr::get(value->type, 0.0));
    Expr left = ifTrue.bias ? ifTrue.bias : zero, right = ifFalse.bias ? ifFalse.bias : zero;
    return {allowed, factory.select(condition, toF32(left), toF32(right)), masked};
  }
  if (value->isOperation("arith.addf")) {
    Split left = splitValue(value->operands[0], use);
    Split right = splitValue(value->operands[1], use);
    bool isWhole = left.bias == value->operands[0] && right.bias == value->operands[1];
    return {factory.conjunction({left.allowed, right.allowed}),
            isWhole ? value : addBiases(left.bias, right.bias), addMasked(left, right)};
  }
  if (value->isOperation("arith.extf") || value->isOperation("arith.truncf")) {
    Split inner = splitValue(value->operands[0], use);
    if (inner.bias == value->operands[0])
      inner.bias = value;
    return inner;
  }
  if (value->isOperation("arith.mulf")) {
    for (unsigned side : {0, 1}) {
      std::optional<APFloat> constant = value->operands[side]->getConstantFloat();
      if (!constant || !constant->isFiniteNonZero())
        continue;
      double scale = toDouble(*constant);
      Expr other = value->operands[1 - side];
      Split inner = splitValue(other, use.scaled(scale));
      inner.bias = inner.bias == other ? value : scaleBias(inner.bias, scale);
      return inner;
    }
  }
  return whole;
}

Expr MaskAnalysis::Implementation::getFarBias(double logit, double factor) {
  // Where a row has no other key, f32 has to absorb the scores as the source's type does.
  double far = logit > -kFarBias ? logit * kFarFactor : logit;
  Type type = Float32Type::get(factory.getContext());
  return factory.floating(FloatAttr::get(type, far / factor));
}

Split MaskAnalysis::Implementation::splitTerms(Masking masking) {
  numSplits = 0;
  flags.clear();
  Split sum{factory.truth(true), nullptr};
  for (const ScoreTerm &term : terms) {
    switch (term.kind) {
    case ScoreTerm::Kind::Added: {
      Split split = splitValue(term.element, {term.factor, term.type, masking});
      sum.masked = addMasked(sum, split);
      sum.allowed = factory.conjunction({sum.allowed, split.allowed});
      sum.bias = addBiases(sum.bias, scaleBias(split.bias, term.factor));
      break;
    }
    case ScoreTerm::Kind::AllowedWhereTrue:
      if (term.element->isTrue())
        break;
      if (masking == Masking::Infinite && std::isfinite(*term.otherwise)) {
        Expr far = getFarBias(*term.otherwise, 1.0);
        Expr zero = factory.floating(FloatAttr::get(far->type, 0.0));
        sum.bias = factory.select(term.element, sum.bias ? toF32(sum.bias) : zero, far);
        break;
      }
      if (areDisjoint(factory.negate(sum.allowed), term.element))
        sum.masked = std::nullopt;
      sum.masked = unite(sum.masked, MaskingValues{*term.otherwise, *term.otherwise,
                                                   /*absorb=*/true,
                                                   /*replace=*/std::isfinite(*term.otherwise)});
      sum.allowed = factory.conjunction({sum.allowed, term.element});
      break;
    case ScoreTerm::Kind::LowerBound:
      if (sum.masked)
        sum.masked = MaskingValues{std::max(sum.masked->lowest, *term.otherwise),
                                   std::max(sum.masked->highest, *term.otherwise),
                                   sum.masked->absorb, sum.masked->replace};
      break;
    }
  }
  // The same number for all keys of a query changes no softmax.
  if (sum.bias && sum.bias->isConstant())
    sum.bias = nullptr;
  return sum;
}

//===----------------------------------------------------------------------===//
// The band
//===----------------------------------------------------------------------===//

static void bound(Band &band, bool isUpper, int64_t number) {
  std::optional<int64_t> &bound = isUpper ? band.upper : band.lower;
  if (!bound)
    bound = number;
  else
    bound = isUpper ? std::min(*bound, number) : std::max(*bound, number);
}

bool MaskAnalysis::Implementation::addToBand(Expr condition, Band &startBand, Band &endBand) {
  if (condition->kind != Kind::NonNegative && condition->kind != Kind::Zero)
    return false;
  Expr integer = condition->operands.front();
  if (integer->kind != Kind::Affine)
    return false;
  auto getCoefficient = [&](Expr atom) -> int64_t {
    for (const AffineTerm &term : integer->terms)
      if (term.atom == atom)
        return term.coefficient;
    return 0;
  };
  int64_t sign = getCoefficient(key);
  if ((sign != 1 && sign != -1) || getCoefficient(query) != -sign)
    return false;
  // sign * (key - query) + rest >= 0
  Expr distance = factory.subtract(key, query);
  Expr scaled = distance ? factory.scale(distance, sign) : nullptr;
  Expr rest = scaled ? factory.subtract(integer, scaled) : nullptr;
  if (!rest)
    return false;
  auto addBounds = [&](Band &band, int64_t constant) {
    if (condition->kind == Kind::Zero || sign < 0)
      bound(band, /*isUpper=*/true, -sign * constant);
    if (condition->kind == Kind::Zero || sign > 0)
      bound(band, /*isUpper=*/false, -sign * constant);
    return true;
  };
  if (std::optional<int64_t> constant = rest->getConstantInteger())
    return addBounds(startBand, *constant);
  // key - query - offset is bounded where the rest has the offset in it.
  Expr shift = offset ? factory.scale(offset, sign) : nullptr;
  Expr remaining = shift ? factory.add(rest, shift) : nullptr;
  std::optional<int64_t> constant = remaining ? remaining->getConstantInteger() : std::nullopt;
  return constant && addBounds(endBand, *constant);
}

/// The two integers of which `condition` says that they are equal: the first does not depend on the
/// key where one does not. Nothing where it says something else.
static std::optional<std::pair<Expr, Expr>> getEqualIntegers(ElementExprFactory &factory,
                                                             Expr condition) {
  // Integers whose difference may not fit in 64 bits are compared as they stand in the IR.
  auto compares = [](Expr test, arith::CmpIPredicate predicate) {
    if (!test->isOperation("arith.cmpi") || !test->operands.front()->isInteger())
      return false;
    auto attributes = cast<DictionaryAttr>(test->attribute);
    return attributes.getAs<arith::CmpIPredicateAttr>("predicate").getValue() == predicate;
  };
  bool isNegated = condition->kind == Kind::Not;
  Expr test = isNegated ? condition->operands.front() : condition;
  if (compares(test, isNegated ? arith::CmpIPredicate::ne : arith::CmpIPredicate::eq)) {
    std::pair sides(test->operands[0], test->operands[1]);
    if (sides.first->dependsOn(Position::Key))
      std::swap(sides.first, sides.second);
    return sides;
  }
  if (condition->kind != Kind::Zero || condition->operands.front()->kind != Kind::Affine)
    return std::nullopt;
  // query - key + constant == 0
  Expr sum = condition->operands.front();
  Expr ofQuery = factory.integer(sum->constant), ofKey = factory.integer(0);
  for (const AffineTerm &term : sum->terms) {
    bool isOfKey = term.atom->dependsOn(Position::Key);
    Expr &side = isOfKey ? ofKey : ofQuery;
    Expr summand = factory.scale(term.atom, term.coefficient);
    if (summand)
      side = isOfKey ? factory.subtract(side, summand) : factory.add(side, summand);
    if (!summand || !side)
      return std::nullopt;
  }
  return std::pair(ofQuery, ofKey);
}

bool MaskAnalysis::Implementation::setSegments(Expr condition) {
  auto sides = querySegment ? std::nullopt : getEqualIntegers(factory, condition);
  auto isOf = [](Expr side, Position position) {
    PositionSet others = side->positions & ~(setOf(Position::Batch) | setOf(position));
    return side->dependsOn(position) && others == 0;
  };
  if (!sides || !isOf(sides->first, Position::Query) || !isOf(sides->second, Position::Key))
    return false;
  std::tie(querySegment, keySegment) = *sides;
  return true;
}

// Bounds of j - i go to the band, what depends on b and j alone to key_valid, an equality of
// something of (b, i) with something of (b, j) to the segments, the rest to the mask.
BandAttr MaskAnalysis::Implementation::distribute(Expr allowed) {
  SmallVector<Expr> conditions{allowed};
  if (allowed->kind == Kind::And)
    conditions.assign(allowed->operands.begin(), allowed->operands.end());
  Band startBand, endBand;
  llvm::erase_if(conditions,
                 [&](Expr condition) { return addToBand(condition, startBand, endBand); });
  querySegment = keySegment = nullptr;
  llvm::erase_if(conditions, [&](Expr condition) { return setSegments(condition); });
  // The attribute has one alignment; bounds of the other become part of the mask.
  bool isEnd = endBand.lower || endBand.upper;
  if (isEnd && (startBand.lower || startBand.upper)) {
    Expr distance = factory.subtract(key, query);
    if (startBand.lower)
      conditions.push_back(
          factory.isNonNegative(factory.subtract(distance, factory.integer(*startBand.lower))));
    if (startBand.upper)
      conditions.push_back(
          factory.isNonNegative(factory.subtract(factory.integer(*startBand.upper), distance)));
  }
  SmallVector<Expr> ofKey, ofAll;
  for (Expr condition : conditions) {
    bool isOfKey = (condition->positions & ~(setOf(Position::Batch) | setOf(Position::Key))) == 0;
    (isOfKey ? ofKey : ofAll).push_back(condition);
  }
  auto all = [&](ArrayRef<Expr> parts) -> Expr {
    Expr whole = factory.conjunction(parts);
    return whole->isTrue() ? nullptr : whole;
  };
  keyValid = all(ofKey);
  mask = all(ofAll);
  const Band &band = isEnd ? endBand : startBand;
  if (!band.lower && !band.upper)
    return nullptr;
  return BandAttr::get(factory.getContext(), band.lower, band.upper,
                       isEnd ? Align::End : Align::Start);
}

bool MaskAnalysis::Implementation::hasKeyForEveryQuery(BandAttr band) {
  if (!band)
    return true;
  Expr shift = band.getAlign() == Align::End ? offset : factory.integer(0);
  std::optional<int64_t> nearest = band.findNearestDistance();
  if (!shift || !nearest)
    return false;
  Expr keys = evaluator.evaluateSize(shape.keys);
  auto isKey = [&](Expr candidate) {
    return candidate && factory.isWithin(candidate, factory.integer(0), keys);
  };
  // The key on the diagonal, or the nearest one that the band has.
  Expr diagonal = factory.add(query, shift);
  if (diagonal && isKey(factory.add(diagonal, factory.integer(*nearest))))
    return true;
  // The first key, where it is never too far up.
  Expr distance = diagonal ? factory.scale(diagonal, -1) : nullptr;
  return distance && !band.getLower() && factory.getBounds(distance).max <= *band.getUpper();
}

bool MaskAnalysis::Implementation::allowsOwnKey(Expr allowed) {
  if (evaluator.evaluateSize(shape.queries) != evaluator.evaluateSize(shape.keys))
    return false;
  Expr own = factory.replace(allowed, key, query);
  return own && own->isTrue();
}

//===----------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------===//

MaskAnalysis::MaskAnalysis(LogitShape shape, MLIRContext *context)
    : implementation(std::make_unique<Implementation>(shape, context)) {}

MaskAnalysis::~MaskAnalysis() = default;

LogicalResult MaskAnalysis::fail(const Twine &why) {
  reason = why.str();
  return failure();
}

ElementExprFactory &MaskAnalysis::getFactory() { return implementation->factory; }

ElementEvaluator &MaskAnalysis::getEvaluator() { return implementation->evaluator; }

void MaskAnalysis::setEqual(const TensorSize &size, const TensorSize &same) {
  implementation->evaluator.setEqual(size, same);
}

Expr MaskAnalysis::getPosition(Position position) {
  if (!implementation->batch)
    implementation->makePositions();
  switch (position) {
  case Position::Batch:
    return implementation->batch;
  case Position::Head:
    return implementation->head;
  case Position::Query:
    return implementation->query;
  case Position::Key:
    return implementation->key;
  }
  llvm_unreachable("all positions are above");
}

FailureOr<SmallVector<Expr>> MaskAnalysis::getStackIndices(ArrayRef<TensorSize> stack) {
  ElementExprFactory &factory = implementation->factory;
  ElementEvaluator &evaluator = implementation->evaluator;
  const LogitShape &shape = implementation->shape;
  Expr batch = getPosition(Position::Batch), head = getPosition(Position::Head);
  SmallVector<Expr> sizes = llvm::map_to_vector(
      stack, [&](const TensorSize &size) { return evaluator.evaluateSize(size); });
  // Batch and heads as they are, perhaps among dimensions of size 1.
  SmallVector<Expr> wanted{evaluator.evaluateSize(shape.batch),
                           evaluator.evaluateSize(shape.heads)};
  SmallVector<Expr> positions{batch, head};
  SmallVector<Expr> indices(sizes.size(), factory.integer(0));
  size_t next = 0;
  bool isSame = true;
  for (auto [size, index] : llvm::zip_equal(sizes, indices)) {
    if (size->getConstantInteger() == 1)
      continue;
    while (next < 2 && wanted[next]->getConstantInteger() == 1)
      ++next;
    isSame &= next < 2 && wanted[next] == size;
    if (!isSame)
      break;
    index = positions[next++];
  }
  if (isSame)
    return indices;

  std::optional<int64_t> heads = wanted[1]->getConstantInteger();
  Expr matrix = heads ? factory.scale(batch, *heads) : nullptr;
  if (matrix)
    matrix = factory.add(matrix, head);
  std::optional<SmallVector<Expr>> split =
      matrix ? evaluator.delinearize(matrix, sizes) : std::nullopt;
  if (!split)
    return failure();
  return *split;
}

LogicalResult MaskAnalysis::add(const ScoreTerm &term) {
  if (term.kind == ScoreTerm::Kind::Added) {
    if (!(std::isfinite(term.factor) && term.factor != 0.0))
      return fail("expected a mask that is scaled by a finite number other than zero");
    // The same number for all keys changes no softmax, as long as it leaves the scores what they
    // are.
    if (std::optional<APFloat> constant = term.element->getConstantFloat()) {
      double number = toDouble(*constant);
      if (!leavesScores(number, term.type, term.factor))
        return fail(llvm::formatv("the scores are rounded away: {0:E} is added to all of them in "
                                  "{1}",
                                  number, debugString(term.type))
                        .str());
      return success();
    }
    implementation->terms.push_back(term);
    return success();
  }
  double logit = *term.otherwise;
  if (!(logit <= kWeightlessLogit))
    return fail(llvm::formatv("expected a logit of masked keys of {0} or less, got {1}",
                              kWeightlessLogit, logit)
                    .str());
  // No number of the type is lower than its lowest.
  double lowest = toDouble(
      APFloat::getLargest(cast<FloatType>(term.type).getFloatSemantics(), /*Negative=*/true));
  if (logit > std::max(double(::sprint::kMaskingBias), lowest))
    implementation->checkedLogit = std::max(implementation->checkedLogit.value_or(logit), logit);
  implementation->terms.push_back(term);
  return success();
}

LogicalResult MaskAnalysis::finish(const Softmax &softmax) {
  Implementation &analysis = *implementation;
  ElementExprFactory &factory = analysis.factory;
  getPosition(Position::Key);

  Split split = analysis.splitTerms(Masking::Any);
  BandAttr band = analysis.distribute(split.allowed);
  if (factory.conjunction({split.allowed, softmax.remaining}) != split.allowed)
    return fail("the probabilities of other keys than the masked ones are replaced by zero");
  bool isZero = false;
  Expr isEmpty = factory.reduce(Combiner::All, factory.negate(split.allowed));
  for (Expr condition : softmax.zeroRows) {
    if (condition == isEmpty)
      isZero = true;
    else
      analysis.zeroRows.push_back(condition);
  }

  // A number read from memory may be a masking one.
  auto mayMask = [&](Expr bias) {
    return bias && bias->hasLoad &&
           analysis.evaluator.getLowerBound(bias).value_or(double(::sprint::kMaskingBias)) <=
               double(::sprint::kMaskingBias);
  };
  bool biasMayMask = mayMask(split.bias);
  bool isBandAlone = !analysis.keyValid && !analysis.mask && !analysis.querySegment;
  bool mayBeEmpty = biasMayMask || !((isBandAlone && analysis.hasKeyForEveryQuery(band)) ||
                                     analysis.allowsOwnKey(split.allowed));
  // Where what the probabilities are replaced by is zero in just those rows, it is zero in all of
  // them.
  if (!softmax.remaining->isTrue() && mayBeEmpty) {
    if (softmax.remaining != split.allowed || biasMayMask)
      return fail("other probabilities are replaced by zero than those of masked keys, and a query "
                  "may have no other key");
    isZero |= softmax.replacesNaN || (split.masked && std::isfinite(split.masked->highest));
  }
  attributes.emptyRow = EmptyRow::Zero;
  if (mayBeEmpty && !isZero) {
    // What the logits of a row without a key are rounded to.
    Type type = analysis.getLogitType();
    double infinite = -std::numeric_limits<double>::infinity();
    double logit = split.masked ? split.masked->highest : infinite;
    auto getWithoutSum = [&](bool areInfinite) {
      bool isZero = softmax.isSafe || (areInfinite && softmax.isSafeOfInfinities);
      return isZero ? EmptyRow::Zero : EmptyRow::NaN;
    };
    EmptyRow withoutSum = getWithoutSum(/*areInfinite=*/true);
    bool areOne = !split.masked || split.masked->areOne();
    bool isMixed = split.masked && !split.masked->absorb && split.masked->replace;
    if (!softmax.allowed->isTrue()) {
      // The exponentials of masked keys are zeros themselves.
      bool isTested = softmax.isSafeOfInfinities && !softmax.isSafe;
      if (softmax.allowed != split.allowed || biasMayMask || isTested)
        return fail("the exponentials of other keys are replaced by zero than those that are "
                    "masked, and a query may have no other key");
      attributes.emptyRow = getWithoutSum(/*areInfinite=*/false);
    } else if (!softmax.subtractsMaximum || (areOne && !biasMayMask && std::isinf(logit))) {
      // Exponentials of large negative numbers vanish, too.
      attributes.emptyRow = getWithoutSum(std::isinf(logit));
    } else if (areOne && !isMixed && !biasMayMask && split.masked->absorb) {
      attributes.emptyRow = EmptyRow::Uniform;
    } else if (areOne && !isMixed) {
      attributes.maskedLogit = FloatAttr::get(type, logit);
      attributes.emptyRow = withoutSum;
    } else {
      // Keys that are masked otherwise weigh otherwise, so each keeps its number.
      if (isMixed || !(split.masked->absorb || type.isF32()))
        return fail(llvm::formatv("expected one logit of masked keys where a query may have no "
                                  "other key, got logits from {0:E} to {1:E}",
                                  split.masked->lowest, split.masked->highest)
                        .str());
      split = analysis.splitTerms(Masking::Infinite);
      band = analysis.distribute(split.allowed);
      attributes.maskedLogit = FloatAttr::get(Float32Type::get(factory.getContext()), infinite);
      attributes.emptyRow = withoutSum;
    }
  }
  attributes.band = band;
  analysis.bias = split.bias ? analysis.toF32(split.bias) : nullptr;
  return success();
}

std::optional<double> MaskAnalysis::getCheckedLogit() const { return implementation->checkedLogit; }

ArrayRef<Expr> MaskAnalysis::getZeroRows() const { return implementation->zeroRows; }

SmallVector<MaskAnalysis::Check> MaskAnalysis::materializeChecks(OpBuilder &builder, Location loc) {
  ElementExprFactory &factory = implementation->factory;
  SmallVector<Check> checks;
  auto check = [&](Expr holds, StringRef message) {
    SmallVector<EmittedDimension> dimensions = implementation->getDimensions(holds->positions);
    if (!holds->dependsOn(Position::Key))
      dimensions.back() = {std::nullopt, {}};
    checks.push_back(
        {emitTensor(builder, loc, implementation->evaluator, holds, dimensions), message});
  };
  for (Expr flag : implementation->flags) {
    // Nothing but the lowest bit is set.
    Expr higher =
        factory.operation("arith.shrui", flag->type, {flag, factory.integer(1)}, flag->type);
    check(factory.isZero(higher), "expected a mask of zeros and ones");
  }
  Type i64 = IntegerType::get(factory.getContext(), 64);
  for (Expr segment : {implementation->querySegment, implementation->keySegment}) {
    if (!segment || factory.getBounds(segment).isWithin(INT32_MIN, INT32_MAX))
      continue;
    // Counted from the lowest number of 32 bits.
    Expr distance =
        factory.operation("arith.subi", i64, {segment, factory.integer(INT32_MIN)}, i64);
    Expr higher = factory.operation("arith.shrui", i64, {distance, factory.integer(32)}, i64);
    check(factory.isZero(higher), "expected segments that 32 bits hold");
  }
  return checks;
}

Value MaskAnalysis::materializeForRows(OpBuilder &builder, Location loc, Expr expr) {
  SmallVector<EmittedDimension> dimensions = implementation->getDimensions(expr->positions);
  dimensions.back() = {std::nullopt, {}};
  return emitTensor(builder, loc, implementation->evaluator, expr, dimensions);
}

SmallVector<EmittedDimension>
MaskAnalysis::Implementation::getDimensions(PositionSet positions) const {
  SmallVector<EmittedDimension> dimensions;
  const TensorSize *sizes[kNumPositions] = {&shape.batch, &shape.heads, &shape.queries,
                                            &shape.keys};
  for (unsigned place = 0; place < kNumPositions; ++place) {
    Position position = static_cast<Position>(place);
    // Only the keys are always there.
    bool isNeeded = position == Position::Key || (positions & setOf(position));
    dimensions.push_back({isNeeded ? std::optional(position) : std::nullopt, *sizes[place]});
  }
  return dimensions;
}

SmallVector<Value> MaskAnalysis::materialize(OpBuilder &builder, Location loc) {
  Implementation &analysis = *implementation;
  ElementExprFactory &factory = analysis.factory;
  auto emit = [&](Expr expr, ArrayRef<EmittedDimension> dimensions) -> Value {
    return expr ? emitTensor(builder, loc, analysis.evaluator, expr, dimensions) : Value();
  };
  auto emitFull = [&](Expr expr) {
    return emit(expr, analysis.getDimensions(expr ? expr->positions : 0));
  };
  Value keyValid = emit(analysis.keyValid, {{Position::Batch, analysis.shape.batch},
                                            {Position::Key, analysis.shape.keys}});
  Value mask = emitFull(analysis.mask);
  Value bias = emitFull(analysis.bias);
  auto emitSegments = [&](Expr segment, Position position, const TensorSize &size) -> Value {
    Type i32 = IntegerType::get(factory.getContext(), 32);
    if (segment && segment->type != i32)
      segment = factory.operation("arith.trunci", i32, {segment},
                                  IntegerType::get(factory.getContext(), 64));
    return emit(segment, {{Position::Batch, analysis.shape.batch}, {position, size}});
  };
  Value querySegments =
      emitSegments(analysis.querySegment, Position::Query, analysis.shape.queries);
  Value keySegments = emitSegments(analysis.keySegment, Position::Key, analysis.shape.keys);
  return {keyValid, mask, bias, querySegments, keySegments};
}
