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

#include <cmath>

using namespace mlir;
using namespace mlir::sprint;

using Kind = Axis::Kind;

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
  FailureOr<View> view = matchLastContraction(contraction, probabilities);
  if (failed(view))
    return failure();
  FailureOr<View> logits = matchSoftmax(std::move(*view), contraction);
  if (failed(logits) || failed(matchFirstContraction(std::move(*logits))))
    return failure();
  matched.value = cleanOperand(std::move(matched.value), /*withFactors=*/false);

  for (const View *operand : {&matched.query, &matched.key, &matched.value}) {
    auto type = cast<RankedTensorType>(operand->value.getType());
    if (!type.getElementType().isF32())
      return fail("expected tensors of f32, got " + debugString(type.getElementType()));
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

/// What keeps the op from being a contraction of its element type over one loop that starts from
/// zero; null if nothing does.
static const char *getContractionFault(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics())
    return "is not on tensors";
  if (op.getNumReductionLoops() != 1)
    return "sums over several dimensions";
  // A multiplication, an addition and the end.
  if (!llvm::hasNItems(op.getBlock()->getOperations(), 3))
    return "casts its operands";
  if (!isZero(op.getDpsInitOperand(0)->get()))
    return "does not start from zero";
  return nullptr;
}

FailureOr<View> AttentionMatcher::matchLastContraction(linalg::LinalgOp contraction,
                                                       unsigned probabilities) {
  if (const char *fault = getContractionFault(contraction))
    return fail(Twine("the contraction with the values ") + fault);
  FailureOr<linalg::ContractionDimensions> dims = linalg::inferContractionDims(contraction);
  if (failed(dims) || dims->m.size() != 1 || dims->n.size() != 1 || dims->k.size() != 1)
    return fail("the contraction with the values does not have one dimension of queries, one of "
                "keys and one of channels");

  // `m` are the loops of the first input alone, `n` those of the second.
  LoopAxes loops(contraction.getNumLoops());
  loops[probabilities == 0 ? dims->m[0] : dims->n[0]] = Axis{Kind::Row};
  loops[probabilities == 0 ? dims->n[0] : dims->m[0]] = Axis{Kind::Column};
  loops[dims->k[0]] = Axis{Kind::Inner};
  OpOperand *init = contraction.getDpsInitOperand(0);
  AffineMap resultMap = contraction.getMatchingIndexingMap(init);
  for (auto [place, expr] : llvm::enumerate(resultMap.getResults())) {
    std::optional<Axis> &loop = loops[cast<AffineDimExpr>(expr).getPosition()];
    if (!loop)
      loop = Axis{Kind::Batch, static_cast<int64_t>(place)};
  }
  std::optional<View> result = viewFromLoops(contraction->getResult(0), resultMap, loops);

  // Of the probabilities the columns are the keys, of the values the rows.
  LoopAxes probabilityLoops = loops, valueLoops = loops;
  auto rename = [](LoopAxes &loops, Kind from, Kind to) {
    for (std::optional<Axis> &loop : loops)
      if (loop && loop->kind == from)
        loop->kind = to;
  };
  rename(probabilityLoops, Kind::Inner, Kind::Column);
  rename(valueLoops, Kind::Inner, Kind::Row);
  OpOperand *probabilityOperand = contraction.getDpsInputOperand(probabilities);
  OpOperand *valueOperand = contraction.getDpsInputOperand(1 - probabilities);
  std::optional<View> weights =
      viewFromLoops(probabilityOperand->get(),
                    contraction.getMatchingIndexingMap(probabilityOperand), probabilityLoops);
  std::optional<View> value = viewFromLoops(
      valueOperand->get(), contraction.getMatchingIndexingMap(valueOperand), valueLoops);
  if (!result || !weights || !value)
    return fail("the contraction with the values has dimensions of unknown meaning");
  if (countAxes(weights->axes) != countAxes(result->axes) ||
      countAxes(value->axes) != countAxes(result->axes))
    return fail("the values and the probabilities do not have the same batch dimensions");
  matched.result = std::move(*result);
  matched.value = std::move(*value);
  return std::move(*weights);
}

LogicalResult AttentionMatcher::matchFirstContraction(View logits) {
  while (succeeded(lookThroughView(logits)) || succeeded(lookThroughFactor(logits)))
    ;
  auto contraction = logits.value.getDefiningOp<linalg::LinalgOp>();
  if (!contraction || !linalg::isaContractionOpInterface(contraction)) {
    Operation *arithmetic = nullptr;
    if (linalg::LinalgOp op = getElementwiseDefinition(logits.value))
      arithmetic = getYielded(op).getDefiningOp();
    if (isa_and_nonnull<arith::AddFOp>(arithmetic))
      return fail("a mask or bias is added to the scores");
    if (isa_and_nonnull<arith::SelectOp>(arithmetic))
      return fail("a mask selects among the scores");
    if (isa_and_nonnull<arith::MulFOp, arith::DivFOp>(arithmetic))
      return fail("the scale is not a constant");
    return fail("the scores are not a contraction times a constant");
  }
  if (const char *fault = getContractionFault(contraction))
    return fail(Twine("the contraction of query and key ") + fault);

  LoopAxes loops(contraction.getNumLoops());
  OpOperand *init = contraction.getDpsInitOperand(0);
  SmallVector<unsigned> reductions;
  contraction.getReductionDims(reductions);
  if (failed(labelLoops(contraction.getMatchingIndexingMap(init), logits.axes, loops)))
    return fail("the contraction of query and key has dimensions of unknown meaning");
  loops[reductions.front()] = Axis{Kind::Inner};
  std::optional<View> operands[2];
  for (unsigned index = 0; index < 2; ++index) {
    OpOperand *operand = contraction.getDpsInputOperand(index);
    operands[index] =
        viewFromLoops(operand->get(), contraction.getMatchingIndexingMap(operand), loops);
    if (!operands[index] || countAxes(operands[index]->axes) != countAxes(logits.axes))
      return fail("query and key do not have the same batch dimensions");
  }
  if (operands[0]->has(Kind::Column))
    std::swap(operands[0], operands[1]);
  auto [query, key] = operands;
  if (!query->has(Kind::Row) || query->has(Kind::Column) || !key->has(Kind::Column) ||
      key->has(Kind::Row))
    return fail("the scores are not a contraction of queries with keys");

  // Of both operands the rows are the tokens and the columns the channels.
  for (View *operand : {&*query, &*key})
    for (Axis &axis : operand->axes) {
      if (axis.kind == Kind::Column)
        axis.kind = Kind::Row;
      else if (axis.kind == Kind::Inner)
        axis.kind = Kind::Column;
    }
  keepConditions(logits);
  matched.query = cleanOperand(std::move(*query), /*withFactors=*/true);
  matched.key = cleanOperand(std::move(*key), /*withFactors=*/true);
  matched.scale = logits.factor * matched.query.factor * matched.key.factor;
  return success();
}

View AttentionMatcher::cleanOperand(View operand, bool withFactors) {
  // A factor always leaves the operand. Apart from that the operand is the tensor furthest up that
  // has the shape of an attention's operand, or else the first with its order of dimensions: beyond
  // may lie the projection's layout, which only another transpose would bring back.
  auto rate = [](const View &view) { return view.isInOrder() + view.isFourDimensional(); };
  View best = operand;
  while (true) {
    if (succeeded(lookThroughView(operand))) {
      if (rate(operand) > rate(best) || operand.isFourDimensional())
        best = operand;
    } else if (withFactors && succeeded(lookThroughFactor(operand))) {
      best = operand;
    } else {
      return best;
    }
  }
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
  Value left = op->getOperand(0), right = op->getOperand(1);
  return (left == element && right == accumulator) || (left == accumulator && right == element);
}

FailureOr<View> AttentionMatcher::matchRowReduction(View row,
                                                    function_ref<bool(Value, Value, Value)> isBody,
                                                    function_ref<bool(Value)> isInit) {
  lookThroughViews(row);
  auto op = row.value.getDefiningOp<linalg::LinalgOp>();
  if (!op || !op.hasPureTensorSemantics() || op.getNumDpsInputs() != 1 ||
      op.getNumReductionLoops() != 1)
    return failure();
  unsigned number = cast<OpResult>(row.value).getResultNumber();
  OpOperand *init = op.getDpsInitOperand(number), *input = op.getDpsInputOperand(0);
  if (!isBody(getYielded(op, number), op.getMatchingBlockArgument(input),
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
      viewFromLoops(input->get(), op.getMatchingIndexingMap(input), loops);
  if (!reduced)
    return failure();
  reduced->conditions = row.conditions;
  lookThroughViews(*reduced);
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
  Value score = compare.getLhs();
  if (auto extend = score.getDefiningOp<arith::ExtFOp>())
    score = extend.getIn();
  std::optional<unsigned> input = getInputIndex(test, score);
  if (!bound || !bound->isInfinity() || !bound->isNegative() || !input)
    return fail(kWrongCondition);
  tested = viewOfInput(*flags, *input);
  if (!tested)
    return fail(kWrongCondition);
  lookThroughViews(*tested);
  probabilities = std::move(*softmax);
  return success();
}

FailureOr<View> AttentionMatcher::matchDecomposedSoftmax(const View &probabilities) {
  linalg::LinalgOp division = getElementwiseDefinition(probabilities.value);
  auto divide = division ? getYielded(division).getDefiningOp<arith::DivFOp>() : nullptr;
  if (!divide)
    return fail("the probabilities are not exp(x - max) / sum");
  std::optional<unsigned> numerator = getInputIndex(division, divide.getLhs());
  std::optional<unsigned> denominator = getInputIndex(division, divide.getRhs());
  if (!numerator || !denominator)
    return fail("the probabilities are not exp(x - max) / sum");
  std::optional<View> exponents = viewOfInput(probabilities, *numerator);
  std::optional<View> sums = viewOfInput(probabilities, *denominator);
  if (!exponents || !sums)
    return fail("the division of the softmax has dimensions of unknown meaning");
  if (sums->has(Kind::Column))
    return fail("the softmax does not run over the keys");
  lookThroughViews(*exponents);
  FailureOr<View> summed =
      matchRowReduction(std::move(*sums), isReductionBy<arith::AddFOp>, isZero);
  if (failed(summed))
    return fail("the denominator is not the sum over the keys, starting from zero");
  if (!summed->isSameAs(*exponents))
    return fail("the denominator is not the sum of the numerators over the keys");
  keepConditions(*summed);

  linalg::LinalgOp exponential = getElementwiseDefinition(exponents->value);
  auto exp = exponential ? getYielded(exponential).getDefiningOp<math::ExpOp>() : nullptr;
  std::optional<unsigned> exponent =
      exp ? getInputIndex(exponential, exp.getOperand()) : std::nullopt;
  if (!exponent)
    return fail("the numerator is not an exponential to base e");
  std::optional<View> shifted = viewOfInput(*exponents, *exponent);
  if (shifted)
    lookThroughViews(*shifted);
  linalg::LinalgOp subtraction = shifted ? getElementwiseDefinition(shifted->value) : nullptr;
  auto subtract = subtraction ? getYielded(subtraction).getDefiningOp<arith::SubFOp>() : nullptr;
  std::optional<unsigned> minuend =
      subtract ? getInputIndex(subtraction, subtract.getLhs()) : std::nullopt;
  std::optional<unsigned> subtrahend =
      subtract ? getInputIndex(subtraction, subtract.getRhs()) : std::nullopt;
  if (!minuend || !subtrahend)
    return fail("no maximum is subtracted from the scores");
  std::optional<View> scores = viewOfInput(*shifted, *minuend);
  std::optional<View> maxima = viewOfInput(*shifted, *subtrahend);
  if (!scores || !maxima)
    return fail("the subtraction of the maximum has dimensions of unknown meaning");
  if (maxima->has(Kind::Column))
    return fail("what is subtracted from the scores is not their maximum over the keys");
  lookThroughViews(*scores);
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
      if (failed(checkOnlyUser(probabilities.value, user)))
        return failure();
      user = probabilities.value.getDefiningOp();
    } while (succeeded(lookThroughView(probabilities)));
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
    lookThroughViews(*scores);
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
  }
  return scores;
}
