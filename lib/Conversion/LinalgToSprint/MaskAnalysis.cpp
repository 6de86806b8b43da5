//===- MaskAnalysis.cpp - Masks and biases of an attention ----------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "MaskAnalysis.h"

#include "ElementEmitter.h"
#include "ElementEvaluator.h"
#include "SprintRuntime/NumericsConstants.h"
#include "Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;

/// A logit this far below the others has no weight: exp(-9000) is zero in every type, and no
/// trained model's logits differ by a thousand.
static constexpr double kWeightlessLogit = -10000.0;
/// Sums and selects that are taken apart to find masking values.
static constexpr unsigned kMaxSplits = 2000;

namespace {
/// The lowest and the highest of some masking values.
struct MaskingValues {
  double lowest, highest;
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
      : shape(std::move(shape)), factory(context), evaluator(factory) {}

  LogitShape shape;
  SmallVector<MaskTerm> terms;
  ElementExprFactory factory;
  ElementEvaluator evaluator;

  /// Where `finish` puts the conditions that no band can say, and the bias. Null for none.
  Expr keyValid = nullptr, mask = nullptr, bias = nullptr;

  /// Expressions that `splitValue` took apart. An operand that is used twice is taken apart twice.
  unsigned numSplits = 0;
  /// Whether it met a masking value that only counts as one where no row is empty.
  bool metWeightless = false;

  Expr batch, head, query, key;
  /// Size of keys less that of queries.
  Expr offset;

  void makePositions();
  FailureOr<SmallVector<Expr>> getStackIndices();

  /// Splits `factor * value`, where constants of `masking` or less mask.
  Split splitValue(Expr value, double factor, double masking);
  Split splitTerms(ArrayRef<Expr> elements, double masking);
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
  /// Whether every query has a key that the band allows.
  bool hasKeyForEveryQuery(BandAttr band);
  SmallVector<EmittedDimension> getDimensions(PositionSet positions) const;
};

//===----------------------------------------------------------------------===//
// Terms as expressions
//===----------------------------------------------------------------------===//

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

FailureOr<SmallVector<Expr>> MaskAnalysis::Implementation::getStackIndices() {
  SmallVector<Expr> sizes = llvm::map_to_vector(
      shape.stack, [&](const TensorSize &size) { return evaluator.evaluateSize(size); });
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
  return factory.operation("arith.mulf", type,
                           {toF32(bias), factory.floating(FloatAttr::get(type, factor))}, Type());
}

static std::optional<MaskingValues> unite(std::optional<MaskingValues> left,
                                          std::optional<MaskingValues> right) {
  if (!left || !right)
    return left ? left : right;
  return MaskingValues{std::min(left->lowest, right->lowest),
                       std::max(left->highest, right->highest)};
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
                                         left.masked->highest + right.masked->highest});
  return masked;
}

Split MaskAnalysis::Implementation::splitValue(Expr value, double factor, double masking) {
  Split whole{factory.truth(true), value};
  if (factory.isExhausted() || numSplits++ >= kMaxSplits)
    return whole;
  if (std::optional<APFloat> constant = value->getConstantFloat()) {
    if (constant->isZero())
      return {whole.allowed, nullptr};
    double logit = toDouble(*constant) * factor;
    // NaN is not below anything.
    if (!(logit <= masking))
      return whole;
    metWeightless |= logit > double(::sprint::kMaskingBias);
    return {factory.truth(false), nullptr, MaskingValues{logit, logit}};
  }
  if (value->kind == Kind::Select) {
    Expr condition = value->operands[0];
    Split ifTrue = splitValue(value->operands[1], factor, masking);
    Split ifFalse = splitValue(value->operands[2], factor, masking);
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
    Split left = splitValue(value->operands[0], factor, masking);
    Split right = splitValue(value->operands[1], factor, masking);
    bool isWhole = left.bias == value->operands[0] && right.bias == value->operands[1];
    return {factory.conjunction({left.allowed, right.allowed}),
            isWhole ? value : addBiases(left.bias, right.bias), addMasked(left, right)};
  }
  if (value->isOperation("arith.extf") || value->isOperation("arith.truncf")) {
    Split inner = splitValue(value->operands[0], factor, masking);
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
      Split inner = splitValue(other, factor * scale, masking);
      inner.bias = inner.bias == other ? value : scaleBias(inner.bias, scale);
      return inner;
    }
  }
  return whole;
}

Split MaskAnalysis::Implementation::splitTerms(ArrayRef<Expr> elements, double masking) {
  numSplits = 0;
  metWeightless = false;
  Split sum{factory.truth(true), nullptr};
  for (auto [term, element] : llvm::zip_equal(terms, elements)) {
    switch (term.kind) {
    case MaskTerm::Kind::Added: {
      Split split = splitValue(element, term.factor, masking);
      sum.masked = addMasked(sum, split);
      sum.allowed = factory.conjunction({sum.allowed, split.allowed});
      sum.bias = addBiases(sum.bias, scaleBias(split.bias, term.factor));
      break;
    }
    case MaskTerm::Kind::AllowedWhereTrue:
    case MaskTerm::Kind::AllowedWhereFalse: {
      Expr condition =
          term.kind == MaskTerm::Kind::AllowedWhereTrue ? element : factory.negate(element);
      if (condition->isTrue())
        break;
      if (areDisjoint(factory.negate(sum.allowed), condition))
        sum.masked = std::nullopt;
      double logit = toDouble(*term.otherwise);
      sum.masked = unite(sum.masked, MaskingValues{logit, logit});
      sum.allowed = factory.conjunction({sum.allowed, condition});
      break;
    }
    case MaskTerm::Kind::LowerBound:
      if (sum.masked) {
        double bound = toDouble(*term.otherwise);
        sum.masked = MaskingValues{std::max(sum.masked->lowest, bound),
                                   std::max(sum.masked->highest, bound)};
      }
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

BandAttr MaskAnalysis::Implementation::distribute(Expr allowed) {
  SmallVector<Expr> conditions{allowed};
  if (allowed->kind == Kind::And)
    conditions.assign(allowed->operands.begin(), allowed->operands.end());
  Band startBand, endBand;
  llvm::erase_if(conditions,
                 [&](Expr condition) { return addToBand(condition, startBand, endBand); });
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
  int64_t lower = band.getLower().value_or(INT64_MIN), upper = band.getUpper().value_or(INT64_MAX);
  Expr shift = band.getAlign() == Align::End ? offset : factory.integer(0);
  if (!shift || lower > upper)
    return false;
  Expr keys = evaluator.evaluateSize(shape.keys);
  auto isKey = [&](Expr candidate) {
    return candidate && factory.isWithin(candidate, factory.integer(0), keys);
  };
  // The key on the diagonal, or the nearest one that the band has.
  int64_t nearest = std::clamp<int64_t>(0, lower, upper);
  Expr diagonal = factory.add(query, shift);
  if (diagonal && isKey(factory.add(diagonal, factory.integer(nearest))))
    return true;
  // The first key, where it is never too far up.
  Expr distance = diagonal ? factory.scale(diagonal, -1) : nullptr;
  return distance && lower == INT64_MIN && factory.getBounds(distance).max <= upper;
}

//===----------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------===//

MaskAnalysis::MaskAnalysis(LogitShape shape, MLIRContext *context)
    : implementation(std::make_unique<Implementation>(std::move(shape), context)) {}

MaskAnalysis::~MaskAnalysis() = default;

LogicalResult MaskAnalysis::fail(const Twine &why) {
  reason = why.str();
  return failure();
}

LogicalResult MaskAnalysis::add(const MaskTerm &term) {
  const LogitShape &shape = implementation->shape;
  bool isAdded = term.kind == MaskTerm::Kind::Added;
  if (isAdded && !(std::isfinite(term.factor) && term.factor != 0.0))
    return fail("expected a mask that is scaled by a finite number other than zero");
  if (!isAdded) {
    if (!term.otherwise || term.otherwise->isNaN())
      return fail("expected a constant as the logit of masked keys");
    double logit = toDouble(*term.otherwise);
    bool isBound = term.kind == MaskTerm::Kind::LowerBound;
    double limit = isBound ? double(::sprint::kMaskingBias) : kWeightlessLogit;
    if (logit > limit)
      return fail(
          llvm::formatv("expected a logit of masked keys of {0} or less, got {1}", limit, logit)
              .str());
  }
  if (term.kind != MaskTerm::Kind::LowerBound) {
    auto type = dyn_cast<RankedTensorType>(term.tensor.getType());
    if (!type || type.getRank() != static_cast<int64_t>(term.dimensions.size()))
      return fail("expected a mask of which every dimension is known");
    Type element = type.getElementType();
    if (isAdded ? !isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(element)
                : !element.isInteger(1))
      return fail(Twine("expected a mask of ") + (isAdded ? "floats" : "truth values"));
    for (auto [index, dimension] : llvm::enumerate(term.dimensions)) {
      if (!dimension)
        continue;
      size_t place = *dimension;
      if (place >= shape.stack.size() + 2)
        return fail("expected a mask over dimensions of the logits");
      const TensorSize &size = place < shape.stack.size()    ? shape.stack[place]
                               : place == shape.stack.size() ? shape.queries
                                                             : shape.keys;
      TensorSize own = sizeOf(term.tensor, index);
      if (own.isConstant() && size.isConstant() && own.constant != size.constant)
        return fail(Twine("expected a mask of size ") + Twine(size.constant) + " along dimension " +
                    Twine(index) + ", got " + Twine(own.constant));
      implementation->evaluator.setEqual(own, size);
    }
  }
  implementation->terms.push_back(term);
  return success();
}

LogicalResult MaskAnalysis::finish(SoftmaxKind softmax) {
  Implementation &analysis = *implementation;
  ElementExprFactory &factory = analysis.factory;
  analysis.makePositions();
  FailureOr<SmallVector<Expr>> stack = analysis.getStackIndices();
  SmallVector<Expr> elements;
  for (const MaskTerm &term : analysis.terms) {
    SmallVector<Expr> indices;
    for (std::optional<unsigned> dimension : term.dimensions) {
      size_t place = dimension.value_or(0), stackSize = analysis.shape.stack.size();
      if (!dimension)
        indices.push_back(factory.integer(0));
      else if (place >= stackSize)
        indices.push_back(place == stackSize ? analysis.query : analysis.key);
      else if (succeeded(stack))
        indices.push_back((*stack)[place]);
      else
        return fail("expected masks over batch and heads, got dimensions of unknown meaning");
    }
    elements.push_back(term.tensor ? analysis.evaluator.evaluate(term.tensor, indices) : nullptr);
  }

  // Constants that only have no weight count as masking where no row is made of them.
  Split split = analysis.splitTerms(elements, kWeightlessLogit);
  BandAttr band = analysis.distribute(split.allowed);
  // A number read from memory may be a masking one.
  auto mayMask = [&](Expr bias) {
    return bias && bias->hasLoad &&
           analysis.evaluator.getLowerBound(bias).value_or(double(::sprint::kMaskingBias)) <=
               double(::sprint::kMaskingBias);
  };
  auto mayBeEmpty = [&] {
    return analysis.keyValid || analysis.mask || !analysis.hasKeyForEveryQuery(band) ||
           mayMask(split.bias);
  };
  if (analysis.metWeightless && mayBeEmpty()) {
    split = analysis.splitTerms(elements, double(::sprint::kMaskingBias));
    band = analysis.distribute(split.allowed);
  }
  attributes.band = band;
  analysis.bias = split.bias ? analysis.toF32(split.bias) : nullptr;
  if (!mayBeEmpty()) {
    attributes.emptyRow = EmptyRow::Zero;
    return success();
  }
  if (split.masked && split.masked->lowest != split.masked->highest)
    return fail(llvm::formatv("expected one logit of masked keys where a query may have no other "
                              "key, got logits from {0:E} to {1:E}",
                              split.masked->lowest, split.masked->highest)
                    .str());
  bool isFinite =
      split.masked ? std::isfinite(split.masked->highest)
                   : llvm::any_of(analysis.terms, [](const MaskTerm &term) {
                       return term.kind == MaskTerm::Kind::LowerBound && term.otherwise->isFinite();
                     });
  if (isFinite)
    attributes.emptyRow = EmptyRow::Uniform;
  else if (softmax == SoftmaxKind::Safe)
    attributes.emptyRow = EmptyRow::Zero;
  else
    attributes.emptyRow = split.masked ? EmptyRow::NaN : EmptyRow::Uniform;
  return success();
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

MaskAnalysis::Operands MaskAnalysis::materialize(OpBuilder &builder, Location loc) {
  Implementation &analysis = *implementation;
  auto emit = [&](Expr expr, ArrayRef<EmittedDimension> dimensions) -> Value {
    return expr ? emitTensor(builder, loc, analysis.evaluator, expr, dimensions) : Value();
  };
  auto emitFull = [&](Expr expr) {
    return emit(expr, analysis.getDimensions(expr ? expr->positions : 0));
  };
  Operands operands;
  operands.keyValid = emit(analysis.keyValid, {{Position::Batch, analysis.shape.batch},
                                               {Position::Key, analysis.shape.keys}});
  operands.mask = emitFull(analysis.mask);
  operands.bias = emitFull(analysis.bias);
  return operands;
}
