//===- AttentionMatcher.cpp - The structure of an attention ---------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionMatcher.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Support/DebugStringHelper.h"
#include "llvm/ADT/SetVector.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace mlir::sprint;

using Kind = Axis::Kind;

static constexpr char kOnlineRecurrence[] = ", as in an online recurrence over blocks of keys";

/// Reshapes between a softmax and the contraction that reads it.
static constexpr unsigned kMaxReshapes = 64;
/// Ops between a product with the values and its division.
static constexpr unsigned kMaxLaterOps = 16;
/// Ops that are looked at for what a mask is computed from.
static constexpr size_t kMaxReadOps = 256;
/// Batch axes of which every order is tried.
static constexpr size_t kMaxPermuted = 6;

LogicalResult AttentionMatcher::fail(const Twine &why) {
  reason = why.str();
  return failure();
}

void AttentionMatcher::keepConditions(const View &view) {
  for (const SizeEquality &condition : view.conditions)
    if (!llvm::is_contained(matched.conditions, condition))
      matched.conditions.push_back(condition);
}

SmallVector<TensorSize> sprint::getStack(const View &view) {
  SmallVector<std::pair<int64_t, TensorSize>> sizes;
  for (auto [index, axis] : llvm::enumerate(view.axes))
    if (axis.isBatch())
      sizes.emplace_back(axis.place, sizeOf(view.value, index));
  for (const RepeatedAxis &repeat : view.repeats)
    sizes.emplace_back(repeat.place, repeat.size);
  if (view.merged)
    sizes.emplace_back(view.merged->place, view.merged->size);
  llvm::sort(sizes, llvm::less_first());
  return llvm::to_vector(llvm::make_second_range(sizes));
}

FailureOr<MatchedAttention> AttentionMatcher::match(const Contraction &contraction,
                                                    unsigned probabilities) {
  matched = MatchedAttention();
  reason.clear();
  FailureOr<View> view = matchLastContraction(contraction, probabilities);
  if (failed(view) || failed(matchProbabilities(std::move(*view), contraction.reader)))
    return failure();
  if (failed(matchLogits())) {
    // Numerators are summed up from block to block, and divided after the last.
    bool isInLoop = contraction.op->getParentOfType<LoopLikeOpInterface>() != nullptr;
    return isInLoop && reason == SoftmaxAnalysis::kUndivided
               ? fail(Twine(reason) + kOnlineRecurrence)
               : failure();
  }
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
  matched.mask = attention.getAttnMask();
  matched.hasTerms = static_cast<bool>(matched.mask);
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

FailureOr<View> AttentionMatcher::matchLastContraction(const Contraction &contraction,
                                                       unsigned probabilities) {
  linalg::LinalgOp op = contraction.op;
  std::optional<APFloat> start = getSplatFloat(contraction.init);
  if (!start || !start->isZero())
    return fail(Twine("the contraction with the values does not start from zero") +
                kOnlineRecurrence);
  if (contraction.reduced.size() != 1)
    return fail("the contraction with the values sums over several dimensions");
  unsigned key = contraction.reduced.front(), values = 1 - probabilities;
  SmallVector<unsigned, 2> rows, columns;
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop) {
    if (loop == key)
      continue;
    if (!contraction.reads(values, loop))
      rows.push_back(loop);
    else if (!contraction.reads(probabilities, loop))
      columns.push_back(loop);
  }
  if (columns.size() != 1 || !contraction.reads(probabilities, key) ||
      !contraction.reads(values, key))
    return fail("the contraction with the values does not have one dimension of keys and one of "
                "channels");

  // Where several loops are of the probabilities alone, the innermost are the queries; the others
  // are heads that share values.
  AffineMap probabilityMap = contraction.maps[probabilities];
  std::optional<unsigned> row;
  for (AffineExpr expr : probabilityMap.getResults())
    if (auto dim = dyn_cast<AffineDimExpr>(expr);
        dim && llvm::is_contained(rows, dim.getPosition()))
      row = dim.getPosition();

  static constexpr char kUnknown[] =
      "the contraction with the values has dimensions of unknown meaning";
  LoopAxes loops(op.getNumLoops());
  if (row)
    loops[*row] = Axis{Kind::Row};
  loops[columns[0]] = Axis{Kind::Column};
  for (auto [place, expr] : llvm::enumerate(contraction.resultMap.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      continue;
    std::optional<Axis> &loop = loops[dim.getPosition()];
    if (!loop)
      loop = Axis{Kind::Batch, static_cast<int64_t>(place)};
  }
  std::optional<View> result = viewFromLoops(op->getResult(0), contraction.resultMap, loops);
  // The result's view counts places without axes of size 1.
  loops.assign(loops.size(), std::nullopt);
  if (!result || failed(labelLoops(contraction.resultMap, result->axes, loops)))
    return fail(kUnknown);

  // Of the probabilities the columns are the keys, of the values the rows.
  LoopAxes probabilityLoops = loops, valueLoops = loops;
  probabilityLoops[columns[0]] = std::nullopt;
  probabilityLoops[key] = Axis{Kind::Column};
  if (row)
    valueLoops[*row] = std::nullopt;
  valueLoops[key] = Axis{Kind::Row};
  std::optional<View> weights = viewFromLoops(contraction.operands[probabilities], probabilityMap,
                                              probabilityLoops, &*result);
  std::optional<View> value =
      viewFromLoops(contraction.operands[values], contraction.maps[values], valueLoops, &*result);
  if (!weights || !value)
    return fail(kUnknown);
  if (!weights->repeats.empty())
    return fail("the values have batch dimensions that the probabilities do not have");
  matched.result = std::move(*result);
  matched.value = std::move(*value);
  matched.resultScale = contraction.scale;
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
  MergedAxis merged{place, sizeOf(collapse.getSrc(), heads), isOuter};
  probabilities.merged = merged;
  if (failed(lookThroughView(probabilities)))
    return failure();
  matched.result.merged = merged;
  matched.value.repeats.push_back({place, merged.size});
  return success();
}

LogicalResult AttentionMatcher::matchFirstContraction(const Contraction &contraction,
                                                      const View &scores) {
  static constexpr char kUnknown[] = "query and key have dimensions of unknown meaning";
  linalg::LinalgOp op = contraction.op;
  if (contraction.reduced.size() != 1)
    return fail("the contraction of query and key sums over several dimensions");
  LoopAxes loops(op.getNumLoops());
  if (failed(labelLoops(contraction.resultMap, scores.axes, loops)))
    return fail("the contraction of query and key has dimensions of unknown meaning");
  loops[contraction.reduced.front()] = Axis{Kind::Inner};
  std::optional<View> operands[2];
  for (unsigned index = 0; index < 2; ++index) {
    operands[index] =
        viewFromLoops(contraction.operands[index], contraction.maps[index], loops, &scores);
    if (!operands[index])
      return fail(kUnknown);
    // An operand may be repeated along the other's tokens.
    while (operands[index]->has(Kind::Row) && operands[index]->has(Kind::Column) &&
           succeeded(lookThroughView(*operands[index])))
      ;
  }
  if (operands[0]->has(Kind::Column))
    std::swap(operands[0], operands[1]);
  auto [query, key] = operands;
  if (query->has(Kind::Column) || !key->has(Kind::Column) || key->spans(Kind::Row) ||
      !query->has(Kind::Inner) || !key->has(Kind::Inner))
    return fail("the scores are not a contraction of queries with keys");
  // A single query may have an axis, of size 1, that the scores' view does not tell.
  llvm::for_each(key->axes, [](Axis &axis) { axis = axis.kind == Kind::Row ? Axis{} : axis; });

  // Of both operands the rows are the tokens and the columns the channels.
  for (View *operand : {&*query, &*key})
    for (Axis &axis : operand->axes) {
      if (axis.kind == Kind::Column)
        axis.kind = Kind::Row;
      else if (axis.kind == Kind::Inner)
        axis.kind = Kind::Column;
    }
  if (failed(mergeRows(*key, op)))
    return fail("the dimensions of the keys do not follow one another");
  keepConditions(scores);
  matched.query = std::move(*query);
  matched.key = std::move(*key);
  return success();
}

LogicalResult AttentionMatcher::mergeRows(View &view, Operation *before) {
  auto isRow = [](const Axis &axis) { return axis.kind == Kind::Row; };
  if (llvm::count_if(view.axes, isRow) <= 1)
    return success();
  SmallVector<ReassociationIndices> groups;
  SmallVector<Axis> axes;
  for (auto [dimension, axis] : llvm::enumerate(view.axes)) {
    if (!axes.empty() && isRow(axis) && isRow(axes.back()) &&
        axis.place == static_cast<int64_t>(groups.back().size())) {
      groups.back().push_back(static_cast<int64_t>(dimension));
      continue;
    }
    groups.push_back({static_cast<int64_t>(dimension)});
    axes.push_back(axis);
  }
  if (llvm::count_if(axes, isRow) != 1 || llvm::find_if(axes, isRow)->place != 0)
    return failure();
  OpBuilder builder(before);
  view.value = tensor::CollapseShapeOp::create(builder, before->getLoc(), view.value, groups);
  view.axes = std::move(axes);
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
// Probabilities and scores
//===----------------------------------------------------------------------===//

LogicalResult AttentionMatcher::checkOnlyUser(Value value, Operation *user) {
  for (Operation *other : value.getUsers())
    if (!user->isAncestor(other) && !isa<tensor::DimOp>(other) && !isOpTriviallyDead(other))
      return fail("the probabilities are also used elsewhere, by " +
                  other->getName().getStringRef());
  return success();
}

LogicalResult AttentionMatcher::matchProbabilities(View probabilities, Operation *user) {
  for (unsigned step = 0;; ++step) {
    if (step == kMaxReshapes)
      return fail("there are too many reshapes between the softmax and the values");
    if (!matched.divided && probabilities.axes.size() == 4 && probabilities.isInOrder())
      matched.divided = probabilities;
    View above = probabilities;
    if (failed(lookThroughView(above)) && failed(lookThroughExtension(above)) &&
        failed(lookThroughTruncation(above)) && failed(splitRows(above)))
      break;
    // The evaluation sees what is left as one expression.
    if (!above.has(Kind::Column) || above.merged || !above.repeats.empty())
      break;
    if (failed(checkOnlyUser(probabilities.value, user)))
      return failure();
    user = probabilities.value.getDefiningOp();
    probabilities = std::move(above);
  }
  matched.probabilities = std::move(probabilities);
  reader = user;
  return success();
}

/// The first element of a tensor that an expression reads; null where it reads none.
static Expr findLoad(Expr expr, Value tensor) {
  Expr found = nullptr;
  anyPart(expr, [&](Expr part) {
    bool isFound = part->kind == ElementExpr::Kind::Load && part->value == tensor;
    found = isFound ? part : nullptr;
    return isFound;
  });
  return found;
}

/// Whether a tensor that an expression reads is computed from the result of `op`, as far as some
/// ops tell.
static bool readsResultOf(Expr expr, Operation *op) {
  llvm::SetVector<Value> values;
  anyPart(expr, [&](Expr part) {
    if (part->kind == ElementExpr::Kind::Load)
      values.insert(part->value);
    return false;
  });
  for (size_t next = 0; next < values.size() && next < kMaxReadOps; ++next) {
    Operation *definition = values[next].getDefiningOp();
    if (definition == op)
      return true;
    if (definition && definition->getBlock() == op->getBlock() && op->isBeforeInBlock(definition))
      values.insert(definition->operand_begin(), definition->operand_end());
  }
  return false;
}

/// The indices of a view's element; null for an axis that has none.
static SmallVector<Expr> getIndices(ElementExprFactory &factory, const View &view,
                                    ArrayRef<Expr> stack, Expr row, Expr column) {
  return llvm::map_to_vector(view.axes, [&](const Axis &axis) -> Expr {
    switch (axis.kind) {
    case Kind::Unit:
      return factory.integer(0);
    case Kind::Batch:
      return stack[axis.place];
    case Kind::Row:
      return row;
    case Kind::Column:
      return column;
    case Kind::Inner:
      break;
    }
    return nullptr;
  });
}

FailureOr<Logits> AttentionMatcher::evaluate(const MatchedAttention &matched,
                                             ElementExprFactory &factory,
                                             ElementEvaluator &evaluator, const LogitPlace &place) {
  evaluator.setKey(place.key);
  if (matched.assumesSizes)
    evaluator.assumeSizes();
  const View &probabilities = matched.probabilities;
  Expr probability = evaluator.evaluate(
      probabilities.value, getIndices(factory, probabilities, place.stack, place.query, place.key));
  if (factory.isExhausted())
    return fail("there are too many steps between the contractions");

  Expr later = nullptr, product = nullptr, channel = nullptr;
  if (matched.undivided) {
    auto evaluateSizes = [&](const View &view) {
      return llvm::map_to_vector(
          getStack(view), [&](const TensorSize &size) { return evaluator.evaluateSize(size); });
    };
    Expr linear = evaluator.linearize(place.stack, evaluateSizes(probabilities));
    std::optional<SmallVector<Expr>> stack =
        linear ? evaluator.delinearize(linear, evaluateSizes(matched.result)) : std::nullopt;
    if (!stack)
      return fail("the division after the product with the values has dimensions of unknown "
                  "meaning");
    auto column = llvm::find_if(matched.result.axes,
                                [](const Axis &axis) { return axis.kind == Kind::Column; });
    channel = factory.index(
        evaluator.evaluateSize(matched.result.value, column - matched.result.axes.begin()));
    later = evaluator.evaluate(matched.result.value,
                               getIndices(factory, matched.result, *stack, place.query, channel));
    product = findLoad(later, matched.undivided);
  }
  SoftmaxAnalysis analysis(factory);
  FailureOr<Softmax> softmax = analysis.analyze(probability, product ? later : nullptr, product);
  if (failed(softmax))
    return fail(analysis.getReason());
  softmax->rowFactors.constant *= matched.resultScale;
  auto dependsOnChannel = [&](const std::pair<Expr, int> &factor) {
    return channel && factor.first->contains(channel);
  };
  if (llvm::any_of(softmax->rowFactors.factors, dependsOnChannel))
    return fail("the result is multiplied with a tensor that differs from channel to channel");
  auto getStart = [&](Expr element) -> std::optional<Expr> {
    std::optional<Contraction> contraction = getContraction(element->value.getDefiningOp());
    if (!contraction)
      return std::nullopt;
    return evaluator.evaluate(contraction->init, element->operands);
  };
  std::string why;
  FailureOr<Scores> scores = findScores(factory, *softmax, getStart, why);
  if (failed(scores))
    return fail(why);
  for (const ScoreTerm &term : scores->terms)
    if (term.element && readsResultOf(term.element, scores->product->value.getDefiningOp()))
      return fail("what is added to the scores, or masks them, is computed from them");
  for (const auto &[factor, power] : softmax->rowFactors.factors)
    if (readsResultOf(factor, scores->product->value.getDefiningOp()))
      return fail("the probabilities are multiplied with what is computed from the scores");
  for (Expr condition : softmax->zeroRows)
    if (readsResultOf(condition, scores->product->value.getDefiningOp()))
      return fail("the probabilities are zeroed, but not where every score of the row is -inf");
  return Logits{std::move(*softmax), std::move(*scores)};
}

/// What an index is divided by somewhere in an expression; 0 where it is not.
static int64_t findDivisor(Expr expr, Expr index) {
  int64_t divisor = 0;
  anyPart(expr, [&](Expr part) {
    if (!part->isOperation("arith.floordivsi") || part->operands[0] != index)
      return false;
    divisor = part->operands[1]->getConstantInteger().value_or(0);
    return true;
  });
  return divisor;
}

LogicalResult AttentionMatcher::matchLogits() {
  if (succeeded(matchLogitsOnce()))
    return success();
  std::string before = reason;
  matched.assumesSizes = true;
  if (succeeded(matchLogitsOnce()))
    return success();
  reason = std::move(before);
  return failure();
}

LogicalResult AttentionMatcher::matchLogitsOnce() {
  ElementExprFactory factory(matched.probabilities.value.getContext());
  ElementEvaluator evaluator(factory);
  auto evaluateExtent = [&](const TensorSize &size) {
    if (!size.isConstant() && size.dimension >= 0)
      factory.positiveSize(size);
    return evaluator.evaluateSize(size);
  };
  LogitPlace place;
  place.query = factory.integer(0);
  place.key = nullptr;
  for (auto [index, axis] : llvm::enumerate(matched.probabilities.axes)) {
    if (axis.kind == Kind::Row)
      place.query = factory.position(Position::Query,
                                     evaluateExtent(sizeOf(matched.probabilities.value, index)));
    else if (axis.kind == Kind::Column)
      place.key = factory.position(Position::Key,
                                   evaluateExtent(sizeOf(matched.probabilities.value, index)));
  }
  if (!place.key || !place.key->dependsOn(Position::Key))
    return fail("there is only one key");
  for (const TensorSize &size : getStack(matched.probabilities))
    place.stack.push_back(factory.index(evaluateExtent(size)));

  FailureOr<Logits> logits = evaluate(matched, factory, evaluator, place);
  // The division may follow the product with the values.
  View later = matched.result, undivided = later;
  for (unsigned step = 0; failed(logits) && step < kMaxLaterOps; ++step) {
    Operation *user = nullptr;
    for (Operation *candidate : later.value.getUsers()) {
      if (isa<tensor::DimOp>(candidate) || isOpTriviallyDead(candidate))
        continue;
      if (user)
        return failure();
      user = candidate;
    }
    std::optional<View> next = user ? viewOfUser(later, user) : std::nullopt;
    if (!next)
      return failure();
    later = std::move(*next);
    if (!getElementwiseDefinition(later.value))
      continue;
    std::string before = reason;
    matched.undivided = undivided.value;
    matched.result = later;
    logits = evaluate(matched, factory, evaluator, place);
    if (failed(logits)) {
      // An op that is no division says nothing of the attention.
      if (reason == SoftmaxAnalysis::kNoMultiple)
        reason = std::move(before);
      matched.undivided = {};
      matched.result = undivided;
    }
  }
  if (failed(logits))
    return failure();
  // Exponentials that are divided later are summed up too.
  if (!matched.undivided && failed(checkOnlyUser(matched.probabilities.value, reader)))
    return failure();

  std::optional<Contraction> contraction =
      getContraction(logits->scores.product->value.getDefiningOp());
  FailureOr<View> scores = viewOfScores(factory, evaluator, logits->scores.product, place);
  if (failed(scores) || failed(matchFirstContraction(*contraction, *scores)))
    return failure();
  matched.scores = contraction->op.getLoc();
  if (!matched.divided && scores->axes.size() == 4 && scores->isInOrder())
    matched.divided = *scores;
  for (const SizeEquality &assumption : evaluator.getAssumptions())
    if (!llvm::is_contained(matched.conditions, assumption))
      matched.conditions.push_back(assumption);
  matched.scale = logits->scores.scale * contraction->scale;
  if (place.stack.size() == 1)
    for (const ScoreTerm &term : logits->scores.terms)
      if (term.element && matched.heads == 0)
        matched.heads = findDivisor(term.element, place.stack.front());
  const Softmax &softmax = logits->softmax;
  matched.hasTerms = !logits->scores.terms.empty() || !logits->scores.factors.empty() ||
                     !softmax.rowFactors.isOne() || !softmax.remaining->isTrue() ||
                     !softmax.zeroRows.empty();
  return success();
}

namespace {
/// An index of the scores that depends on the batch alone.
struct BatchIndex {
  Expr index, size;
  /// Of the scores; -1 for the axis that is merged with the rows.
  int64_t dimension;
};
} // namespace

FailureOr<View> AttentionMatcher::viewOfScores(ElementExprFactory &factory,
                                               ElementEvaluator &evaluator, Expr element,
                                               const LogitPlace &place) {
  static constexpr char kUnknown[] =
      "the contraction of query and key has dimensions of unknown meaning";
  View view;
  view.value = element->value;
  SmallVector<TensorSize> stack = getStack(matched.probabilities);
  SmallVector<Expr> sizes = llvm::map_to_vector(
      stack, [&](const TensorSize &size) { return evaluator.evaluateSize(size); });
  // Rows that count an axis of the batch, too.
  auto findMerged = [&](Expr index) -> std::optional<MergedAxis> {
    for (auto [number, atom] : llvm::enumerate(place.stack))
      for (bool isOuter : {true, false}) {
        Expr indices[] = {atom, place.query}, extents[] = {sizes[number], place.query->extent};
        if (!isOuter) {
          std::swap(indices[0], indices[1]);
          std::swap(extents[0], extents[1]);
        }
        if (evaluator.linearize(indices, extents) == index)
          return MergedAxis{static_cast<int64_t>(number), stack[number], isOuter};
      }
    return std::nullopt;
  };
  SmallVector<BatchIndex> batch;
  SmallVector<Expr> keys, keySizes;
  for (auto [dimension, index] : llvm::enumerate(element->operands)) {
    Axis axis;
    if (index->dependsOn(Position::Key)) {
      // The keys, or one of several dimensions that together are the keys, in their order.
      axis = {Kind::Column, static_cast<int64_t>(keys.size())};
      keys.push_back(index);
      keySizes.push_back(evaluator.evaluateSize(view.value, dimension));
    } else if (index->getConstantInteger() == 0) {
      axis.kind = Kind::Unit;
    } else if (index == place.query) {
      axis.kind = Kind::Row;
    } else if (index->dependsOn(Position::Query)) {
      std::optional<MergedAxis> merged = findMerged(index);
      if (!merged || view.merged)
        return fail(kUnknown);
      batch.push_back({place.stack[merged->place], sizes[merged->place], -1});
      view.merged = merged;
      axis.kind = Kind::Row;
    } else {
      axis.kind = Kind::Batch;
      batch.push_back(
          {index, evaluator.evaluateSize(view.value, dimension), static_cast<int64_t>(dimension)});
    }
    view.axes.push_back(axis);
  }

  if (evaluator.linearize(keys, keySizes) != place.key)
    return fail(kUnknown);
  // The order of the batch axes is that in which they count the matrices as the probabilities do.
  Expr matrix = evaluator.linearize(place.stack, sizes);
  SmallVector<unsigned> order = llvm::to_vector(llvm::seq<unsigned>(0, batch.size()));
  auto isOrder = [&] {
    SmallVector<Expr> indices, extents;
    for (unsigned number : order) {
      indices.push_back(batch[number].index);
      extents.push_back(batch[number].size);
    }
    Expr linear = evaluator.linearize(indices, extents);
    return linear && linear == matrix;
  };
  bool isKnown = isOrder();
  while (!isKnown && batch.size() <= kMaxPermuted &&
         std::next_permutation(order.begin(), order.end()))
    isKnown = isOrder();
  if (!isKnown)
    return fail("the scores are the same for several heads, or of other heads than the "
                "probabilities");
  for (auto [rank, number] : llvm::enumerate(order)) {
    if (batch[number].dimension < 0)
      view.merged->place = static_cast<int64_t>(rank);
    else
      view.axes[batch[number].dimension].place = static_cast<int64_t>(rank);
  }
  normalize(view);
  return view;
}
