//===- AttentionMatcher.cpp - The structure of an attention ---------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "AttentionMatcher.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Support/DebugStringHelper.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace mlir::sprint;

using Kind = Axis::Kind;

/// Steps that a match takes between the contractions, those taken back included.
static constexpr unsigned kMaxScoreSteps = 1024;

static constexpr char kTooManySteps[] = "there are too many steps between the contractions";

static constexpr char kNoContraction[] = "the scores are not a contraction times a constant";

LogicalResult AttentionMatcher::fail(const Twine &why) {
  reason = why.str();
  return failure();
}

void AttentionMatcher::keepConditions(const View &view) {
  for (const SizeEquality &condition : view.conditions)
    if (!llvm::is_contained(matched.conditions, condition))
      matched.conditions.push_back(condition);
}

FailureOr<MatchedAttention> AttentionMatcher::match(linalg::LinalgOp contraction,
                                                    unsigned probabilities) {
  matched = MatchedAttention();
  reason.clear();
  budget = kMaxScoreSteps;
  FailureOr<View> view = matchLastContraction(contraction, probabilities);
  if (failed(view))
    return failure();
  FailureOr<View> logits = matchSoftmax(std::move(*view), contraction);
  if (failed(logits) || failed(matchScores(std::move(*logits))))
    return failure();
  return finish();
}

FailureOr<MatchedAttention> AttentionMatcher::match(tm_tensor::AttentionOp attention) {
  matched = MatchedAttention();
  reason.clear();
  auto see = [](Value value) {
    View view;
    view.value = value;
    int64_t numBatch = cast<RankedTensorType>(value.getType()).getRank() - 2;
    for (int64_t place = 0; place < numBatch; ++place)
      view.axes.push_back({Kind::Batch, place});
    view.axes.push_back({Kind::Row});
    view.axes.push_back({Kind::Column});
    return view;
  };
  std::optional<double> scale = attention.getStaticScale();
  if (!scale)
    return fail("the scale depends on the number of channels, which is dynamic");
  matched.scale = *scale;
  matched.query = see(attention.getQuery());
  matched.key = see(attention.getKey());
  matched.value = see(attention.getValue());
  matched.result = see(attention.getResult());
  matched.softmax = SoftmaxKind::Safe;
  if (Value mask = attention.getAttnMask()) {
    bool isBoolean = getElementTypeOrSelf(mask).isInteger(1);
    ScoreTerm term{MaskTerm::Kind::Added, see(mask), std::nullopt};
    if (isBoolean) {
      term.kind = MaskTerm::Kind::AllowedWhereTrue;
      term.otherwise = APFloat::getInf(APFloat::IEEEsingle(), /*Negative=*/true);
    }
    normalize(term.view);
    matched.terms.push_back(std::move(term));
  }
  for (View *view : {&matched.query, &matched.key, &matched.value, &matched.result})
    normalize(*view);
  return finish();
}

FailureOr<MatchedAttention> AttentionMatcher::finish() {
  matched.query = cleanOperand(std::move(matched.query), /*withFactors=*/true);
  matched.key = cleanOperand(std::move(matched.key), /*withFactors=*/true);
  matched.value = cleanOperand(std::move(matched.value), /*withFactors=*/false);
  matched.scale *= matched.query.factor * matched.key.factor;

  for (const View *operand : {&matched.query, &matched.key, &matched.value}) {
    auto type = cast<RankedTensorType>(operand->value.getType());
    Type elementType = type.getElementType();
    if (!isa<FloatType>(elementType) || elementType.getIntOrFloatBitWidth() > 32)
      return fail("expected tensors of f32 or a narrower float type, got " +
                  debugString(elementType));
    if (type.getEncoding())
      return fail("expected tensors without an encoding, got " + debugString(type));
    keepConditions(*operand);
  }
  // The negated comparison refuses NaN too.
  if (!(matched.scale >= std::ldexp(1.0, -100) && matched.scale <= std::ldexp(1.0, 100)))
    return fail("expected a positive scale in 2^-100 .. 2^100, got " +
                std::to_string(matched.scale));
  return std::move(matched);
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

/// What keeps the op from being a contraction of floats over one loop; null if nothing does.
static const char *getContractionFault(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics())
    return "is not on tensors";
  if (op.getNumReductionLoops() != 1)
    return "sums over several dimensions";
  for (Operation &inBody : op.getBlock()->without_terminator())
    if (!isa<arith::MulFOp, arith::AddFOp, arith::ExtFOp, arith::TruncFOp>(inBody))
      return "is not of floats";
  return nullptr;
}

FailureOr<View> AttentionMatcher::matchLastContraction(linalg::LinalgOp contraction,
                                                       unsigned probabilities) {
  if (const char *fault = getContractionFault(contraction))
    return fail(Twine("the contraction with the values ") + fault);
  if (!isZero(contraction.getDpsInitOperand(0)->get()))
    return fail("the contraction with the values does not start from zero");
  FailureOr<linalg::ContractionDimensions> dims = linalg::inferContractionDims(contraction);
  SmallVector<unsigned, 2> rows, columns;
  if (succeeded(dims)) {
    // `m` are the loops of the first input alone, `n` those of the second.
    rows = probabilities == 0 ? dims->m : dims->n;
    columns = probabilities == 0 ? dims->n : dims->m;
  }
  if (failed(dims) || rows.empty() || columns.size() != 1 || dims->k.size() != 1)
    return fail("the contraction with the values does not have dimensions of queries, one of keys "
                "and one of channels");

  // Where several loops are of the probabilities alone, the innermost are the queries; the others
  // are heads that share values.
  OpOperand *probabilityOperand = contraction.getDpsInputOperand(probabilities);
  OpOperand *valueOperand = contraction.getDpsInputOperand(1 - probabilities);
  AffineMap probabilityMap = contraction.getMatchingIndexingMap(probabilityOperand);
  unsigned row = rows.front();
  for (AffineExpr expr : probabilityMap.getResults())
    if (auto dim = dyn_cast<AffineDimExpr>(expr);
        dim && llvm::is_contained(rows, dim.getPosition()))
      row = dim.getPosition();

  LoopAxes loops(contraction.getNumLoops());
  loops[row] = Axis{Kind::Row};
  loops[columns[0]] = Axis{Kind::Column};
  OpOperand *init = contraction.getDpsInitOperand(0);
  AffineMap resultMap = contraction.getMatchingIndexingMap(init);
  for (auto [place, expr] : llvm::enumerate(resultMap.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      return fail("the contraction with the values has dimensions of unknown meaning");
    std::optional<Axis> &loop = loops[dim.getPosition()];
    if (!loop)
      loop = Axis{Kind::Batch, static_cast<int64_t>(place)};
  }
  std::optional<View> result = viewFromLoops(contraction->getResult(0), resultMap, loops);
  // The result's view counts places without axes of size 1.
  loops.assign(loops.size(), std::nullopt);
  if (!result || failed(labelLoops(resultMap, result->axes, loops)))
    return fail("the contraction with the values has dimensions of unknown meaning");

  // Of the probabilities the columns are the keys, of the values the rows.
  LoopAxes probabilityLoops = loops, valueLoops = loops;
  probabilityLoops[columns[0]] = std::nullopt;
  probabilityLoops[dims->k[0]] = Axis{Kind::Column};
  valueLoops[row] = std::nullopt;
  valueLoops[dims->k[0]] = Axis{Kind::Row};
  std::optional<View> weights =
      viewFromLoops(probabilityOperand->get(), probabilityMap, probabilityLoops, &*result);
  std::optional<View> value = viewFromLoops(
      valueOperand->get(), contraction.getMatchingIndexingMap(valueOperand), valueLoops, &*result);
  if (!weights || !value)
    return fail("the contraction with the values has dimensions of unknown meaning");
  if (!weights->repeats.empty())
    return fail("the values have batch dimensions that the probabilities do not have");
  matched.result = std::move(*result);
  matched.value = std::move(*value);
  return std::move(*weights);
}

LogicalResult AttentionMatcher::splitRows(View &probabilities) {
  auto collapse = probabilities.value.getDefiningOp<tensor::CollapseShapeOp>();
  int64_t row = 0, rank = probabilities.axes.size();
  while (row < rank && probabilities.axes[row].kind != Kind::Row)
    ++row;
  if (!collapse || probabilities.merged || row == rank)
    return failure();
  ReassociationIndices group = collapse.getReassociationIndices()[row];
  ArrayRef<int64_t> shape = collapse.getSrcType().getShape();
  llvm::erase_if(group, [&](int64_t dimension) { return shape[dimension] == 1; });
  if (group.size() != 2)
    return failure();
  // Either may be the queries; groups of heads are the fewer.
  bool isOuter = ShapedType::isDynamic(shape[group[1]]) || shape[group[0]] <= shape[group[1]];
  int64_t heads = group[isOuter ? 0 : 1];
  int64_t place = 0;
  for (const Axis &axis : probabilities.axes)
    place += axis.isBatch();
  probabilities.merged = MergedAxis{place, sizeOf(collapse.getSrc(), heads), isOuter};
  matched.result.merged = probabilities.merged;
  matched.value.repeats.push_back({place, probabilities.merged->size});
  return lookThroughView(probabilities);
}

LogicalResult AttentionMatcher::matchFirstContraction(linalg::LinalgOp contraction,
                                                      const View &scores) {
  if (const char *fault = getContractionFault(contraction))
    return fail(Twine("the contraction of query and key ") + fault);

  LoopAxes loops(contraction.getNumLoops());
  OpOperand *init = contraction.getDpsInitOperand(0);
  SmallVector<unsigned> reductions;
  contraction.getReductionDims(reductions);
  if (failed(labelLoops(contraction.getMatchingIndexingMap(init), scores.axes, loops)))
    return fail("the contraction of query and key has dimensions of unknown meaning");
  if (!scores.repeats.empty())
    return fail("the scores are the same for several heads");
  loops[reductions.front()] = Axis{Kind::Inner};
  std::optional<View> operands[2];
  for (unsigned index = 0; index < 2; ++index) {
    OpOperand *operand = contraction.getDpsInputOperand(index);
    operands[index] =
        viewFromLoops(operand->get(), contraction.getMatchingIndexingMap(operand), loops, &scores);
    if (!operands[index])
      return fail("query and key have dimensions of unknown meaning");
  }
  if (operands[0]->has(Kind::Column))
    std::swap(operands[0], operands[1]);
  auto [query, key] = operands;
  if (!query->has(Kind::Row) || query->has(Kind::Column) || !key->has(Kind::Column) ||
      key->has(Kind::Row))
    return fail("the scores are not a contraction of queries with keys");
  // An addition that starts from a bias.
  if (!isZero(init->get())) {
    View bias = scores;
    bias.value = init->get();
    if (failed(addTerm({MaskTerm::Kind::Added, std::move(bias), std::nullopt})))
      return failure();
  }

  // Of both operands the rows are the tokens and the columns the channels.
  for (View *operand : {&*query, &*key})
    for (Axis &axis : operand->axes) {
      if (axis.kind == Kind::Column)
        axis.kind = Kind::Row;
      else if (axis.kind == Kind::Inner)
        axis.kind = Kind::Column;
    }
  keepConditions(scores);
  matched.query = std::move(*query);
  matched.key = std::move(*key);
  matched.scale = scores.factor;
  return success();
}

View AttentionMatcher::cleanOperand(View operand, bool withFactors) {
  // A factor always leaves the operand, and so does a repetition of heads that share a key. Apart
  // from that the operand is the tensor furthest up that has the shape of an attention's operand,
  // or else the first with its order of dimensions: beyond may lie the projection's layout, which
  // only another transpose would bring back.
  auto rate = [](const View &view) {
    return view.isInOrder() + view.isFourDimensional() + (view.repeats.empty() ? 0 : 3);
  };
  View best = operand;
  for (unsigned step = 0; step < kMaxViewSteps; ++step) {
    if (succeeded(lookThroughView(operand)) || succeeded(lookThroughExtension(operand))) {
      if (!operand.has(Kind::Row) || !operand.has(Kind::Column))
        break;
      if (operand.getGroupSize() && (rate(operand) > rate(best) || operand.isFourDimensional()))
        best = operand;
    } else if (withFactors && succeeded(lookThroughFactor(operand))) {
      if (!operand.has(Kind::Row) || !operand.has(Kind::Column))
        break;
      if (operand.getGroupSize())
        best = operand;
    } else {
      break;
    }
  }
  return best;
}

//===----------------------------------------------------------------------===//
// Between the contractions
//===----------------------------------------------------------------------===//

LogicalResult AttentionMatcher::matchScores(View scores) {
  while (true) {
    if (budget == 0)
      return fail(kTooManySteps);
    --budget;
    if (!matched.divided && scores.axes.size() == 4 && scores.isInOrder())
      matched.divided = scores;
    if (failed(lookThroughView(scores)) && failed(lookThroughExtension(scores)) &&
        failed(lookThroughTruncation(scores)))
      break;
  }
  auto op = scores.value.getDefiningOp<linalg::LinalgOp>();
  if (op && linalg::isaContractionOpInterface(op))
    return matchFirstContraction(op, scores);
  if (!getElementwiseDefinition(scores.value)) {
    if (isa_and_nonnull<tensor::ConcatOp, tensor::InsertSliceOp, tensor::PadOp>(
            scores.value.getDefiningOp()))
      return fail("the scores are joined with others, such as attention sinks");
    return fail(kNoContraction);
  }
  Value yielded = getYielded(op);
  return matchScoresInBody(std::move(scores), yielded);
}

LogicalResult AttentionMatcher::matchScoresInBody(View result, Value inBody) {
  auto op = result.value.getDefiningOp<linalg::LinalgOp>();
  inBody = stripFloatCasts(inBody);
  if (std::optional<unsigned> input = getInputIndex(op, inBody)) {
    std::optional<View> source = viewOfInput(result, *input);
    if (!source)
      return fail("the scores have dimensions of unknown meaning");
    return matchScores(std::move(*source));
  }
  Operation *arithmetic = inBody.getDefiningOp();
  if (isa_and_nonnull<arith::AddFOp, arith::SubFOp>(arithmetic))
    return matchSum(result, arithmetic);
  if (isa_and_nonnull<arith::MulFOp, arith::DivFOp>(arithmetic))
    return matchProduct(std::move(result), arithmetic);
  if (auto select = dyn_cast_or_null<arith::SelectOp>(arithmetic))
    return matchSelect(result, select);
  if (isa_and_nonnull<arith::MaximumFOp, arith::MaxNumFOp>(arithmetic)) {
    Value bounded = arithmetic->getOperand(0), bound = arithmetic->getOperand(1);
    if (getConstantFloat(op, bounded))
      std::swap(bounded, bound);
    return matchLowerBound(result, bounded, bound);
  }
  if (isa_and_nonnull<math::TanhOp>(arithmetic))
    return fail("the scores are capped by a hyperbolic tangent");
  return fail(kNoContraction);
}

LogicalResult AttentionMatcher::matchSum(const View &result, Operation *sum) {
  MatchedAttention before = matched;
  std::string firstReason;
  for (unsigned side : {0, 1}) {
    // What is subtracted would be the negated scores.
    if (side == 1 && isa<arith::SubFOp>(sum))
      break;
    double sign = isa<arith::SubFOp>(sum) ? -1.0 : 1.0;
    if (succeeded(addTerm(result, sum->getOperand(1 - side), sign)) &&
        succeeded(matchScoresInBody(result, sum->getOperand(side))))
      return success();
    matched = before;
    if (side == 0)
      firstReason = reason;
  }
  if (firstReason != kNoContraction)
    reason = std::move(firstReason);
  return failure();
}

LogicalResult AttentionMatcher::matchProduct(View result, Operation *product) {
  auto op = result.value.getDefiningOp<linalg::LinalgOp>();
  bool divides = isa<arith::DivFOp>(product);
  for (unsigned side : {1, 0}) {
    if (side == 0 && divides)
      break;
    Value by = product->getOperand(side), scaled = product->getOperand(1 - side);
    if (std::optional<APFloat> constant = getConstantFloat(op, by)) {
      double number = toDouble(*constant);
      result.factor = divides ? result.factor / number : result.factor * number;
      return matchScoresInBody(std::move(result), scaled);
    }
  }
  // A factor that only the program knows scales the queries instead, if it is one for each row.
  for (unsigned side : {1, 0}) {
    if (side == 0 && divides)
      break;
    std::optional<unsigned> input = getInputIndex(op, stripFloatCasts(product->getOperand(side)));
    std::optional<View> factor = input ? viewOfInput(result, *input) : std::nullopt;
    if (!factor || factor->has(Kind::Column))
      continue;
    // The factor of the logits around it is not its own.
    factor->factor = 1.0;
    matched.rowFactors.push_back({std::move(*factor), divides});
    return matchScoresInBody(std::move(result), product->getOperand(1 - side));
  }
  return fail("the scores are multiplied with a tensor that differs from key to key");
}

LogicalResult AttentionMatcher::matchSelect(const View &result, arith::SelectOp select) {
  auto op = result.value.getDefiningOp<linalg::LinalgOp>();
  std::optional<APFloat> whenTrue = getConstantFloat(op, select.getTrueValue());
  std::optional<APFloat> whenFalse = getConstantFloat(op, select.getFalseValue());
  if (whenTrue.has_value() == whenFalse.has_value())
    return fail("what a mask selects instead of the scores is not a constant");
  Value scores = whenTrue ? select.getFalseValue() : select.getTrueValue();
  Value bound = whenTrue ? select.getTrueValue() : select.getFalseValue();
  // The larger of the two: whichever of them the comparison selects when it holds.
  using Predicate = arith::CmpFPredicate;
  auto isOneOf = [](arith::CmpFOp compare, ArrayRef<Predicate> predicates) {
    return llvm::is_contained(predicates, compare.getPredicate());
  };
  if (auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
      compare && compare.getLhs() == scores && compare.getRhs() == bound &&
      (whenTrue
           ? isOneOf(compare, {Predicate::ULT, Predicate::OLT, Predicate::ULE, Predicate::OLE})
           : isOneOf(compare, {Predicate::UGT, Predicate::OGT, Predicate::UGE, Predicate::OGE})))
    return matchLowerBound(result, scores, bound);
  std::optional<unsigned> condition = getInputIndex(op, select.getCondition());
  std::optional<View> mask = condition ? viewOfInput(result, *condition) : std::nullopt;
  if (!mask)
    return fail("the condition that selects among the scores is not a tensor of booleans");
  ScoreTerm term;
  term.kind = whenTrue ? MaskTerm::Kind::AllowedWhereFalse : MaskTerm::Kind::AllowedWhereTrue;
  term.view = std::move(*mask);
  term.otherwise = whenTrue ? whenTrue : whenFalse;
  if (failed(addTerm(std::move(term))))
    return failure();
  return matchScoresInBody(result, scores);
}

LogicalResult AttentionMatcher::matchLowerBound(const View &result, Value bounded, Value bound) {
  auto op = result.value.getDefiningOp<linalg::LinalgOp>();
  ScoreTerm term;
  term.kind = MaskTerm::Kind::LowerBound;
  term.otherwise = getConstantFloat(op, bound);
  if (!term.otherwise)
    return fail("the lower bound of the scores is not a constant");
  term.view.factor = result.factor;
  if (failed(addTerm(std::move(term))))
    return failure();
  return matchScoresInBody(result, bounded);
}

LogicalResult AttentionMatcher::addTerm(View result, Value inBody, double sign) {
  auto op = result.value.getDefiningOp<linalg::LinalgOp>();
  result.factor *= sign;
  while (true) {
    inBody = stripFloatCasts(inBody);
    // A number added to all scores changes no probability.
    if (std::optional<APFloat> constant = getConstantFloat(op, inBody);
        constant && constant->isFinite())
      return success();
    if (std::optional<unsigned> input = getInputIndex(op, inBody)) {
      std::optional<View> view = viewOfInput(result, *input);
      if (!view)
        return fail("what is added to the scores has dimensions of unknown meaning");
      return addTerm({MaskTerm::Kind::Added, std::move(*view), std::nullopt});
    }
    Operation *product = inBody.getDefiningOp();
    if (!isa_and_nonnull<arith::MulFOp, arith::DivFOp>(product))
      return fail("what is added to the scores is not a tensor times a constant");
    std::optional<APFloat> constant = getConstantFloat(op, product->getOperand(1));
    inBody = product->getOperand(0);
    if (!constant && isa<arith::MulFOp>(product)) {
      constant = getConstantFloat(op, product->getOperand(0));
      inBody = product->getOperand(1);
    }
    if (!constant)
      return fail("what is added to the scores is not a tensor times a constant");
    double number = toDouble(*constant);
    result.factor = isa<arith::MulFOp>(product) ? result.factor * number : result.factor / number;
  }
}

LogicalResult AttentionMatcher::addTerm(ScoreTerm term) {
  if (!matched.rowFactors.empty())
    return fail("masked or biased scores are multiplied with a tensor");
  if (term.otherwise && term.view.factor != 1.0)
    term.otherwise = APFloat(toDouble(*term.otherwise) * term.view.factor);
  keepConditions(term.view);
  matched.terms.push_back(std::move(term));
  return success();
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

LogicalResult AttentionMatcher::checkOnlyUser(Value value, Operation *user) {
  for (Operation *other : value.getUsers())
    if (!user->isAncestor(other) && !isa<tensor::DimOp>(other) && !isOpTriviallyDead(other))
      return fail("the probabilities are also used elsewhere, by " +
                  other->getName().getStringRef());
  return success();
}

/// Whether all elements of a tensor are minus infinity or the type's lowest number, from which a
/// maximum may start.
static bool isLowest(Value tensor) {
  std::optional<APFloat> number = getSplatFloat(tensor);
  return number && number->isNegative() && (number->isInfinity() || number->isLargest());
}

/// Whether `yielded` is one of the commutative ops applied to `element` and `accumulator`.
template <typename... Ops>
static bool isReductionBy(Value yielded, Value element, Value accumulator) {
  Operation *op = yielded.getDefiningOp();
  if (!isa_and_nonnull<Ops...>(op))
    return false;
  Value left = stripFloatCasts(op->getOperand(0)), right = stripFloatCasts(op->getOperand(1));
  return (left == element && right == accumulator) || (left == accumulator && right == element);
}

FailureOr<View> AttentionMatcher::matchRowReduction(View row,
                                                    function_ref<bool(Value, Value, Value)> isBody,
                                                    function_ref<bool(Value)> isInit) {
  lookThroughViewsAndCasts(row);
  auto op = row.value.getDefiningOp<linalg::LinalgOp>();
  if (!op || !op.hasPureTensorSemantics() || op.getNumDpsInputs() != 1 ||
      op.getNumReductionLoops() != 1)
    return failure();
  unsigned number = cast<OpResult>(row.value).getResultNumber();
  OpOperand *init = op.getDpsInitOperand(number), *input = op.getDpsInputOperand(0);
  if (!isBody(stripFloatCasts(getYielded(op, number)), op.getMatchingBlockArgument(input),
              op.getMatchingBlockArgument(init)) ||
      !isInit(init->get()))
    return failure();

  LoopAxes loops(op.getNumLoops());
  SmallVector<unsigned> reductions;
  op.getReductionDims(reductions);
  if (failed(labelLoops(op.getMatchingIndexingMap(init), row.axes, loops)) ||
      loops[reductions.front()])
    return failure();
  loops[reductions.front()] = Axis{Kind::Column};
  std::optional<View> reduced =
      viewFromLoops(input->get(), op.getMatchingIndexingMap(input), loops, &row);
  if (!reduced)
    return failure();
  reduced->conditions = row.conditions;
  lookThroughViewsAndCasts(*reduced);
  return std::move(*reduced);
}

LogicalResult AttentionMatcher::matchSafeSelect(View &probabilities, std::optional<View> &tested) {
  linalg::LinalgOp op = getElementwiseDefinition(probabilities.value);
  auto select = op ? getYielded(op).getDefiningOp<arith::SelectOp>() : nullptr;
  if (!select)
    return success();
  std::optional<unsigned> condition = getInputIndex(op, select.getCondition());
  std::optional<unsigned> otherwise = getInputIndex(op, select.getFalseValue());
  std::optional<APFloat> zero = getConstantFloat(op, select.getTrueValue());
  if (!condition || !otherwise || !zero || !zero->isZero())
    return fail("the probabilities are selected, but not as select(condition, 0, probability)");
  std::optional<View> every = viewOfInput(probabilities, *condition);
  std::optional<View> softmax = viewOfInput(probabilities, *otherwise);
  if (!every || !softmax)
    return fail("the select of the safe softmax has dimensions of unknown meaning");

  static constexpr char kWrongCondition[] =
      "the probabilities are zeroed, but not where every score of the row is -inf";
  FailureOr<View> flags =
      matchRowReduction(std::move(*every), isReductionBy<arith::AndIOp>, [](Value init) {
        std::optional<APInt> flag = getSplatInteger(init);
        return flag && flag->isOne();
      });
  linalg::LinalgOp test = succeeded(flags) ? getElementwiseDefinition(flags->value) : nullptr;
  auto compare = test ? getYielded(test).getDefiningOp<arith::CmpFOp>() : nullptr;
  if (!compare || compare.getPredicate() != arith::CmpFPredicate::OEQ)
    return fail(kWrongCondition);
  std::optional<APFloat> bound = getConstantFloat(test, compare.getRhs());
  std::optional<unsigned> input = getInputIndex(test, stripFloatCasts(compare.getLhs()));
  if (!bound || !bound->isInfinity() || !bound->isNegative() || !input)
    return fail(kWrongCondition);
  tested = viewOfInput(*flags, *input);
  if (!tested)
    return fail(kWrongCondition);
  lookThroughViewsAndCasts(*tested);
  probabilities = std::move(*softmax);
  return success();
}

FailureOr<View> AttentionMatcher::matchDecomposedSoftmax(const View &probabilities) {
  linalg::LinalgOp division = getElementwiseDefinition(probabilities.value);
  auto divide =
      division ? stripFloatCasts(getYielded(division)).getDefiningOp<arith::DivFOp>() : nullptr;
  if (!divide) {
    if (isa_and_nonnull<tensor::ExtractSliceOp>(probabilities.value.getDefiningOp()))
      return fail("the softmax runs over more than the keys, such as attention sinks");
    return fail("the probabilities are not exp(x - max) / sum");
  }
  std::optional<unsigned> numerator = getInputIndex(division, stripFloatCasts(divide.getLhs()));
  std::optional<unsigned> denominator = getInputIndex(division, stripFloatCasts(divide.getRhs()));
  if (!numerator || !denominator)
    return fail("the probabilities are not exp(x - max) / sum");
  std::optional<View> exponents = viewOfInput(probabilities, *numerator);
  std::optional<View> sums = viewOfInput(probabilities, *denominator);
  if (!exponents || !sums)
    return fail("the division of the softmax has dimensions of unknown meaning");
  if (sums->spans(Kind::Column))
    return fail("the softmax does not run over the keys");
  lookThroughViewsAndCasts(*exponents);
  FailureOr<View> summed =
      matchRowReduction(std::move(*sums), isReductionBy<arith::AddFOp>, isZero);
  if (failed(summed))
    return fail("the denominator is not the sum over the keys, starting from zero");
  if (!summed->isSameAs(*exponents))
    return fail("the denominator is not the sum of the numerators over the keys");
  keepConditions(*summed);

  linalg::LinalgOp exponential = getElementwiseDefinition(exponents->value);
  std::optional<Exponential> exp =
      exponential ? getExponential(exponential, getYielded(exponential)) : std::nullopt;
  std::optional<unsigned> exponent =
      exp ? getInputIndex(exponential, stripFloatCasts(exp->exponent)) : std::nullopt;
  if (!exponent)
    return fail("the numerator is not an exponential");
  std::optional<View> shifted = viewOfInput(*exponents, *exponent);
  if (!shifted)
    return fail("the exponential has dimensions of unknown meaning");
  // b^x = exp(x ln b), and what scales the difference scales the scores.
  shifted->factor *= exp->logarithm;
  for (unsigned step = 0; step < kMaxViewSteps; ++step) {
    lookThroughViewsAndCasts(*shifted);
    if (failed(lookThroughFactor(*shifted)))
      break;
  }
  linalg::LinalgOp subtraction = getElementwiseDefinition(shifted->value);
  auto subtract = subtraction
                      ? stripFloatCasts(getYielded(subtraction)).getDefiningOp<arith::SubFOp>()
                      : nullptr;
  std::optional<unsigned> minuend =
      subtract ? getInputIndex(subtraction, stripFloatCasts(subtract.getLhs())) : std::nullopt;
  std::optional<unsigned> subtrahend =
      subtract ? getInputIndex(subtraction, stripFloatCasts(subtract.getRhs())) : std::nullopt;
  if (!minuend || !subtrahend)
    return fail("no maximum is subtracted from the scores");
  std::optional<View> scores = viewOfInput(*shifted, *minuend);
  std::optional<View> maxima = viewOfInput(*shifted, *subtrahend);
  if (!scores || !maxima)
    return fail("the subtraction of the maximum has dimensions of unknown meaning");
  if (maxima->spans(Kind::Column))
    return fail("what is subtracted from the scores is not their maximum over the keys");
  lookThroughViewsAndCasts(*scores);
  FailureOr<View> compared = matchRowReduction(
      std::move(*maxima), isReductionBy<arith::MaximumFOp, arith::MaxNumFOp>, isLowest);
  if (failed(compared) || !compared->isSameAs(*scores))
    return fail("what is subtracted from the scores is not their maximum over the keys");
  keepConditions(*compared);
  return std::move(*scores);
}

FailureOr<View> AttentionMatcher::matchSoftmax(View probabilities, Operation *user) {
  auto lookThroughOnlyUses = [&]() -> LogicalResult {
    do {
      if (budget == 0)
        return fail(kTooManySteps);
      --budget;
      if (failed(checkOnlyUser(probabilities.value, user)))
        return failure();
      user = probabilities.value.getDefiningOp();
    } while (succeeded(lookThroughView(probabilities)) ||
             succeeded(lookThroughExtension(probabilities)) ||
             succeeded(lookThroughTruncation(probabilities)) ||
             succeeded(splitRows(probabilities)));
    return success();
  };
  if (failed(lookThroughOnlyUses()))
    return failure();

  FailureOr<View> scores;
  if (auto named = probabilities.value.getDefiningOp<linalg::SoftmaxOp>()) {
    if (probabilities.axes[named.getDimension()].kind != Kind::Column)
      return fail("the softmax does not run over the keys");
    scores = probabilities;
    scores->value = named.getInput();
    lookThroughViewsAndCasts(*scores);
    return scores;
  }

  std::optional<View> tested;
  if (failed(matchSafeSelect(probabilities, tested)))
    return failure();
  if (tested && failed(lookThroughOnlyUses()))
    return failure();
  scores = matchDecomposedSoftmax(probabilities);
  if (failed(scores))
    return failure();
  if (tested) {
    if (!tested->isSameAs(*scores))
      return fail("the safe softmax tests other scores than those of the softmax");
    keepConditions(*tested);
    matched.softmax = SoftmaxKind::Safe;
  }
  return scores;
}
