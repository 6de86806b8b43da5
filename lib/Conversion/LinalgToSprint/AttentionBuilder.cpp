//===- AttentionBuilder.cpp - From a match to sprint.attention ------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionBuilder.h"

#include "Sprint/Dialect/Sprint/IR/Sprint.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AffineMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::sprint;

/// A logit that is lower than another by this has no weight in f32.
static constexpr double kWeightless = 128.0;

static TensorSize constantSize(int64_t size) { return {size, Value(), -1}; }

/// The dimensions of the view's batch axes, outermost first.
static SmallVector<int64_t> getBatchDimensions(const View &view) {
  SmallVector<int64_t> dimensions;
  for (auto [index, axis] : llvm::enumerate(view.axes))
    if (axis.isBatch())
      dimensions.push_back(index);
  llvm::sort(dimensions, [&](int64_t left, int64_t right) {
    return view.axes[left].place < view.axes[right].place;
  });
  return dimensions;
}

/// The order of the view's dimensions in which those of size 1 come first, then the batch's, then
/// rows and columns.
static SmallVector<int64_t> getCanonicalOrder(const View &view) {
  SmallVector<int64_t> order;
  auto append = [&](Axis::Kind kind) {
    for (auto [index, axis] : llvm::enumerate(view.axes))
      if (axis.kind == kind)
        order.push_back(index);
  };
  append(Axis::Kind::Unit);
  llvm::append_range(order, getBatchDimensions(view));
  append(Axis::Kind::Row);
  append(Axis::Kind::Column);
  return order;
}

/// `[[0 .. outer - 1], [outer], [outer + 1]]`.
static SmallVector<ReassociationIndices> getOuterGroups(int64_t outer) {
  SmallVector<ReassociationIndices> groups(3);
  groups[0] = llvm::to_vector<2>(llvm::seq<int64_t>(0, outer));
  groups[1] = {outer};
  groups[2] = {outer + 1};
  return groups;
}

AttentionBuilder::Heads AttentionBuilder::chooseHeads() {
  const View *divided = matched.divided ? &*matched.divided : nullptr;
  for (const View *view : {&matched.query, divided, &matched.key, &matched.value})
    if (view && view->isFourDimensional() && view->repeats.empty())
      return {sizeOf(view->value, 0), sizeOf(view->value, 1)};
  if (stack.size() == 1 && stack.front().isConstant() && matched.heads > 0 &&
      stack.front().constant % matched.heads == 0)
    return {constantSize(stack.front().constant / matched.heads), constantSize(matched.heads)};
  if (stack.size() < 2)
    return {constantSize(1), stack.empty() ? constantSize(1) : stack.front()};
  // Everything but the outermost axis is heads, as in [batch, groups, heads of a group].
  Value count;
  int64_t constant = 1;
  for (const TensorSize &size : ArrayRef(stack).drop_front()) {
    if (int64_t product = 0;
        size.isConstant() && !llvm::MulOverflow(constant, size.constant, product)) {
      constant = product;
      continue;
    }
    Value factor = materialize(size);
    count = count ? arith::MulIOp::create(builder, loc, count, factor) : factor;
  }
  if (!count)
    return {stack.front(), constantSize(constant)};
  Value scale = arith::ConstantIndexOp::create(builder, loc, constant);
  count = arith::MulIOp::create(builder, loc, count, scale);
  return {stack.front(), TensorSize{ShapedType::kDynamic, count, -1}};
}

LogicalResult AttentionBuilder::fail(const Twine &why) {
  reason = why.str();
  return failure();
}

/// The number of rows of a view.
static TensorSize getNumRows(const View &view) {
  for (auto [index, axis] : llvm::enumerate(view.axes))
    if (axis.kind == Axis::Kind::Row)
      return sizeOf(view.value, index);
  return constantSize(1);
}

LogicalResult AttentionBuilder::analyzeLogits() {
  const View &probabilities = matched.probabilities;
  for (auto [index, axis] : llvm::enumerate(probabilities.axes)) {
    TensorSize size = sizeOf(probabilities.value, index);
    if (axis.kind == Axis::Kind::Row)
      mask->setEqual(size, shape.queries);
    else if (axis.kind == Axis::Kind::Column)
      mask->setEqual(size, shape.keys);
  }
  FailureOr<SmallVector<Expr>> place = mask->getStackIndices(getStack(probabilities));
  if (failed(place))
    return fail("expected masks over batch and heads, got dimensions of unknown meaning");
  FailureOr<Logits> logits = matcher.evaluate(
      matched, mask->getFactory(), mask->getEvaluator(),
      {std::move(*place), mask->getPosition(Position::Query), mask->getPosition(Position::Key)});
  if (failed(logits))
    return fail(matcher.getReason());
  for (const ScoreTerm &term : llvm::reverse(logits->scores.terms))
    if (failed(mask->add(term)))
      return fail(mask->getReason());
  if (failed(mask->finish(logits->softmax)))
    return fail(mask->getReason());
  scoreFactors = std::move(logits->scores.factors);
  rowFactors = std::move(logits->softmax.rowFactors);
  return success();
}

LogicalResult AttentionBuilder::analyzeMask() {
  auto type = cast<RankedTensorType>(matched.mask.getType());
  // The dimensions of the mask are those of the query, or of size 1.
  SmallVector<TensorSize> stack;
  for (int64_t dimension = 0; dimension < type.getRank() - 2; ++dimension)
    stack.push_back(sizeOf(matched.result.value, dimension));
  FailureOr<SmallVector<Expr>> indices = mask->getStackIndices(stack);
  if (failed(indices))
    return fail("expected masks over batch and heads, got dimensions of unknown meaning");
  indices->push_back(mask->getPosition(Position::Query));
  indices->push_back(mask->getPosition(Position::Key));
  for (auto [dimension, index] : llvm::enumerate(*indices))
    if (type.getDimSize(dimension) == 1)
      index = mask->getFactory().integer(0);
  ScoreTerm term;
  term.element = mask->getEvaluator().evaluate(matched.mask, *indices);
  term.type = builder.getF32Type();
  if (type.getElementType().isInteger(1)) {
    term.kind = ScoreTerm::Kind::AllowedWhereTrue;
    term.otherwise = -std::numeric_limits<double>::infinity();
  }
  Softmax softmax;
  softmax.allowed = softmax.remaining = mask->getFactory().truth(true);
  softmax.isSafe = softmax.subtractsMaximum = true;
  if (failed(mask->add(term)) || failed(mask->finish(softmax)))
    return fail(mask->getReason());
  return success();
}

LogicalResult AttentionBuilder::analyze() {
  stack = getStack(matched.divided ? *matched.divided : matched.result);
  Operation *before = last->getPrevNode();
  heads = chooseHeads();
  shape.batch = heads[0];
  shape.heads = heads[1];
  shape.queries = getNumRows(matched.query);
  if (matched.query.merged)
    shape.queries = divide(shape.queries, matched.query.merged->size);
  shape.keys = getNumRows(matched.key);
  if (!matched.hasTerms)
    return success();
  mask.emplace(shape, builder.getContext());
  if (succeeded(matched.mask ? analyzeMask() : analyzeLogits()))
    return success();
  while (last->getPrevNode() != before)
    last->getPrevNode()->erase();
  return failure();
}

bool AttentionBuilder::isDividedAs(const Heads &heads, const View &view,
                                   ArrayRef<int64_t> order) const {
  if (order.size() != 4)
    return false;
  bool same[2];
  for (int64_t index : {0, 1})
    same[index] = sizeOf(view.value, order[index]) == heads[index];
  if (same[0] && same[1])
    return true;
  // The numbers of matrices are equal, so one equal size makes the other equal.
  auto isPositive = [](const TensorSize &size) { return size.isConstant() && size.constant > 0; };
  return (same[0] && isPositive(heads[0])) || (same[1] && isPositive(heads[1]));
}

Value AttentionBuilder::materialize(const TensorSize &size) {
  for (const auto &[known, value] : materialized)
    if (known == size)
      return value;
  return materialized.emplace_back(size, materializeSize(builder, loc, size)).second;
}

TensorSize AttentionBuilder::divide(const TensorSize &size, const TensorSize &by) {
  if (size.isConstant() && by.isConstant() && by.constant > 0)
    return constantSize(size.constant / by.constant);
  Value quotient = arith::DivUIOp::create(builder, loc, materialize(size), materialize(by));
  return {ShapedType::kDynamic, quotient, -1};
}

Value AttentionBuilder::transpose(Value tensor, ArrayRef<int64_t> permutation) {
  if (isIdentityPermutation(permutation))
    return tensor;
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<OpFoldResult> sizes =
      applyPermutation(tensor::getMixedSizes(builder, loc, tensor), permutation);
  Value init = tensor::EmptyOp::create(builder, loc, sizes, type.getElementType());
  return linalg::TransposeOp::create(builder, loc, tensor, init, permutation)->getResult(0);
}

Value AttentionBuilder::expand(Value tensor, ArrayRef<ReassociationIndices> groups,
                               ArrayRef<TensorSize> sizes) {
  SmallVector<int64_t> shape;
  SmallVector<OpFoldResult> outputShape;
  for (const TensorSize &size : sizes) {
    shape.push_back(size.constant);
    outputShape.push_back(size.isConstant() ? OpFoldResult(builder.getIndexAttr(size.constant))
                                            : OpFoldResult(materialize(size)));
  }
  // The op wants a dimension to be dynamic exactly when one that it expands to is.
  SmallVector<int64_t> sourceShape;
  for (const ReassociationIndices &group : groups) {
    int64_t product = 1;
    for (int64_t dimension : group)
      if (ShapedType::isDynamic(shape[dimension]) ||
          llvm::MulOverflow(product, shape[dimension], product)) {
        product = ShapedType::kDynamic;
        break;
      }
    sourceShape.push_back(product);
  }
  Type elementType = getElementTypeOrSelf(tensor);
  tensor = castTo(tensor, RankedTensorType::get(sourceShape, elementType));
  return tensor::ExpandShapeOp::create(builder, loc, RankedTensorType::get(shape, elementType),
                                       tensor, groups, outputShape);
}

Value AttentionBuilder::mapElements(ValueRange inputs, Type elementType,
                                    function_ref<Value(Location, ValueRange)> body) {
  auto type = cast<RankedTensorType>(inputs.front().getType());
  SmallVector<AffineMap> maps;
  for (Value input : inputs) {
    SmallVector<AffineExpr> exprs;
    for (auto [dim, size] : llvm::enumerate(cast<RankedTensorType>(input.getType()).getShape())) {
      bool isSame = size == 1 && type.getDimSize(dim) != 1;
      exprs.push_back(isSame ? builder.getAffineConstantExpr(0) : builder.getAffineDimExpr(dim));
    }
    maps.push_back(AffineMap::get(type.getRank(), 0, exprs, builder.getContext()));
  }
  maps.push_back(builder.getMultiDimIdentityMap(type.getRank()));
  SmallVector<OpFoldResult> sizes;
  for (int64_t dimension = 0; dimension < type.getRank(); ++dimension) {
    TensorSize size = sizeOf(inputs.front(), dimension);
    sizes.push_back(size.isConstant() ? OpFoldResult(builder.getIndexAttr(size.constant))
                                      : OpFoldResult(materialize(size)));
  }
  Value init = tensor::EmptyOp::create(builder, loc, sizes, elementType);
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(builder, loc, init.getType(), inputs, init, maps, iterators,
                                   [&](OpBuilder &nested, Location nestedLoc, ValueRange elements) {
                                     OpBuilder::InsertionGuard guard(builder);
                                     builder.setInsertionPoint(nested.getInsertionBlock(),
                                                               nested.getInsertionPoint());
                                     Value result = body(nestedLoc, elements);
                                     linalg::YieldOp::create(builder, nestedLoc, result);
                                   })
      .getResult(0);
}

Value AttentionBuilder::extend(Value tensor) {
  if (getElementTypeOrSelf(tensor).isF32())
    return tensor;
  Type f32 = builder.getF32Type();
  return mapElements(tensor, f32, [&](Location loc, ValueRange elements) -> Value {
    return arith::ExtFOp::create(builder, loc, f32, elements.front());
  });
}

View AttentionBuilder::repeat(View view) {
  if (view.repeats.empty())
    return view;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, view.value);
  SmallVector<int64_t> added;
  for (const RepeatedAxis &axis : view.repeats) {
    added.push_back(sizes.size());
    sizes.push_back(axis.size.isConstant() ? OpFoldResult(builder.getIndexAttr(axis.size.constant))
                                           : OpFoldResult(materialize(axis.size)));
    view.axes.push_back({Axis::Kind::Batch, axis.place});
  }
  view.repeats.clear();
  Value init = tensor::EmptyOp::create(builder, loc, sizes, getElementTypeOrSelf(view.value));
  view.value = linalg::BroadcastOp::create(builder, loc, view.value, init, added)->getResult(0);
  return view;
}

View AttentionBuilder::splitRows(View view) {
  if (!view.merged)
    return view;
  SmallVector<ReassociationIndices> groups;
  SmallVector<TensorSize> sizes;
  SmallVector<Axis> axes;
  auto append = [&](const Axis &axis, const TensorSize &size) {
    groups.back().push_back(sizes.size());
    sizes.push_back(size);
    axes.push_back(axis);
  };
  Axis batch{Axis::Kind::Batch, view.merged->place};
  for (auto [index, axis] : llvm::enumerate(view.axes)) {
    groups.emplace_back();
    TensorSize size = sizeOf(view.value, index);
    if (axis.kind != Axis::Kind::Row) {
      append(axis, size);
      continue;
    }
    if (view.merged->isOuter)
      append(batch, view.merged->size);
    append(axis, divide(size, view.merged->size));
    if (!view.merged->isOuter)
      append(batch, view.merged->size);
  }
  view.merged.reset();
  view.axes = std::move(axes);
  view.value = expand(view.value, groups, sizes);
  return view;
}

View AttentionBuilder::addMatrixAxes(View view) {
  if (view.has(Axis::Kind::Row) && view.has(Axis::Kind::Column))
    return view;
  SmallVector<ReassociationIndices> groups;
  SmallVector<TensorSize> sizes;
  for (int64_t index = 0, rank = view.axes.size(); index < rank; ++index) {
    groups.push_back({index});
    sizes.push_back(sizeOf(view.value, index));
  }
  for (Axis::Kind kind : {Axis::Kind::Row, Axis::Kind::Column}) {
    if (view.has(kind))
      continue;
    if (!groups.empty())
      groups.back().push_back(sizes.size());
    sizes.push_back(constantSize(1));
    view.axes.push_back({kind});
  }
  view.value = expand(view.value, groups, sizes);
  return view;
}

int64_t AttentionBuilder::getGroupSize() {
  std::optional<int64_t> group = matched.key.getGroupSize();
  bool divides = group && heads[1].isConstant() && heads[1].constant % *group == 0;
  return divides && group == matched.value.getGroupSize() ? *group : 1;
}

Value AttentionBuilder::toFourDimensions(View view, int64_t group) {
  view = splitRows(std::move(view));
  Heads own = heads;
  if (group != 1)
    own[1] = constantSize(heads[1].constant / group);
  else
    view = repeat(std::move(view));
  SmallVector<int64_t> order = getCanonicalOrder(view);
  Value tensor = transpose(view.value, order);
  if (isDividedAs(own, view, order))
    return tensor;
  int64_t outer = static_cast<int64_t>(order.size()) - 2;
  if (outer == 0)
    return expand(tensor, {{0, 1, 2}, {3}}, {own[0], own[1], sizeOf(tensor, 0), sizeOf(tensor, 1)});
  if (outer > 1)
    tensor = tensor::CollapseShapeOp::create(builder, loc, tensor, getOuterGroups(outer));
  return expand(tensor, getOuterGroups(2), {own[0], own[1], sizeOf(tensor, 1), sizeOf(tensor, 2)});
}

Value AttentionBuilder::fromFourDimensions(Value tensor, const View &view) {
  if (view.merged || !view.has(Axis::Kind::Row)) {
    // Of the old result split only the type and the sizes count.
    View split = view.merged ? splitRows(view) : addMatrixAxes(view);
    tensor = fromFourDimensions(tensor, split);
    auto expansion = split.value.getDefiningOp<tensor::ExpandShapeOp>();
    tensor =
        tensor::CollapseShapeOp::create(builder, loc, tensor, expansion.getReassociationIndices());
    expansion.erase();
    return castTo(tensor, view.value.getType());
  }
  if (Type elementType = getElementTypeOrSelf(view.value); !elementType.isF32())
    tensor = mapElements(tensor, elementType, [&](Location loc, ValueRange elements) -> Value {
      if (elementType.getIntOrFloatBitWidth() > 32)
        return arith::ExtFOp::create(builder, loc, elementType, elements.front());
      return arith::TruncFOp::create(builder, loc, elementType, elements.front());
    });
  SmallVector<int64_t> order = getCanonicalOrder(view);
  int64_t outer = static_cast<int64_t>(order.size()) - 2;
  if (outer == 0) {
    tensor = tensor::CollapseShapeOp::create(builder, loc, tensor,
                                             ArrayRef<ReassociationIndices>{{0, 1, 2}, {3}});
  } else if (!isDividedAs(heads, view, order)) {
    tensor = tensor::CollapseShapeOp::create(builder, loc, tensor, getOuterGroups(2));
    if (outer > 1) {
      SmallVector<TensorSize> sizes;
      for (int64_t dimension : ArrayRef(order).take_front(outer))
        sizes.push_back(sizeOf(view.value, dimension));
      sizes.push_back(sizeOf(tensor, 1));
      sizes.push_back(sizeOf(tensor, 2));
      tensor = expand(tensor, getOuterGroups(outer), sizes);
    }
  }
  return castTo(transpose(tensor, invertPermutationVector(order)), view.value.getType());
}

Value AttentionBuilder::castTo(Value tensor, Type type) {
  if (tensor.getType() == type)
    return tensor;
  // Static sizes may only contradict where the program is wrong already: leave that to a check when
  // it runs.
  if (!tensor::CastOp::areCastCompatible(tensor.getType(), type)) {
    auto ranked = cast<RankedTensorType>(type);
    SmallVector<int64_t> shape(ranked.getRank(), ShapedType::kDynamic);
    tensor = tensor::CastOp::create(builder, loc, ranked.clone(shape), tensor);
  }
  return tensor::CastOp::create(builder, loc, type, tensor);
}

void AttentionBuilder::replaceReshapes(Value attention) {
  if (!getElementTypeOrSelf(matched.result.value).isF32() || matched.result.merged)
    return;
  for (Operation *user : llvm::make_early_inc_range(matched.result.value.getUsers())) {
    if (!isa<tensor::ExpandShapeOp, tensor::ReshapeOp>(user))
      continue;
    // Seen as the attention's own result, the reshape must lead back to the old result.
    View reshaped;
    reshaped.value = user->getResult(0);
    if (cast<RankedTensorType>(reshaped.value.getType()).getRank() != 4)
      continue;
    reshaped.axes = {
        {Axis::Kind::Batch, 0}, {Axis::Kind::Batch, 1}, {Axis::Kind::Row}, {Axis::Kind::Column}};
    normalize(reshaped);
    View source = reshaped;
    if (failed(lookThroughView(source)) || !source.isSameAs(matched.result) ||
        !source.conditions.empty() || !isDividedAs(heads, reshaped, {0, 1, 2, 3}))
      continue;
    builder.setInsertionPoint(user);
    reshaped.value.replaceAllUsesWith(castTo(attention, reshaped.value.getType()));
    user->erase();
  }
}

void AttentionBuilder::assertConditions(ArrayRef<SizeEquality> conditions) {
  for (const SizeEquality &condition : conditions) {
    Value left = materialize(condition.left);
    Value right = materialize(condition.right);
    Value equal = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, left, right);
    cf::AssertOp::create(builder, loc, equal,
                         "expected equal sizes, as in the attention that was raised");
  }
}

Value AttentionBuilder::multiply(Value tensor, Expr factor, bool divides) {
  Value by = extend(mask->materializeForRows(builder, loc, factor));
  return mapElements({tensor, by}, builder.getF32Type(),
                     [&](Location loc, ValueRange elements) -> Value {
                       if (divides)
                         return arith::DivFOp::create(builder, loc, elements[0], elements[1]);
                       return arith::MulFOp::create(builder, loc, elements[0], elements[1]);
                     });
}

Value AttentionBuilder::buildQuery() {
  Value query = extend(toFourDimensions(addMatrixAxes(matched.query)));
  for (const ScoreFactor &factor : scoreFactors)
    query = multiply(query, factor.factor, factor.divides);
  return query;
}

Value AttentionBuilder::scaleRows(Value attention) {
  for (auto [factor, power] : rowFactors.factors)
    for (int count = 0; count < std::abs(power); ++count)
      attention = multiply(attention, factor, /*divides=*/power < 0);
  if (mask)
    for (Expr condition : mask->getZeroRows()) {
      Value isZero = mask->materializeForRows(builder, loc, condition);
      attention = mapElements(
          {attention, isZero}, builder.getF32Type(),
          [&](Location loc, ValueRange elements) -> Value {
            Value zero = arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0.0f));
            return arith::SelectOp::create(builder, loc, elements[1], zero, elements[0]);
          });
    }
  if (rowFactors.constant == 1.0)
    return attention;
  return mapElements(
      attention, builder.getF32Type(), [&](Location loc, ValueRange elements) -> Value {
        Value constant =
            arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(rowFactors.constant));
        return arith::MulFOp::create(builder, loc, elements[0], constant);
      });
}

void AttentionBuilder::assertChecks() {
  for (const MaskAnalysis::Check &check : mask->materializeChecks(builder, loc)) {
    Value all = reduceAll(check.holds, builder.getBoolAttr(true),
                          [&](Location loc, Value element, Value accumulator) -> Value {
                            return arith::AndIOp::create(builder, loc, element, accumulator);
                          });
    cf::AssertOp::create(builder, loc, all, check.message);
  }
}

Value AttentionBuilder::getLargestNorm(Value tensor) {
  // Of each row the sum of squares, then their maximum.
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, tensor);
  Value zero = arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0.0f));
  Value empty =
      tensor::EmptyOp::create(builder, loc, ArrayRef(sizes).drop_back(), type.getElementType());
  Value zeros = linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
  Value squares =
      linalg::ReduceOp::create(
          builder, loc, tensor, zeros, type.getRank() - 1,
          [&](OpBuilder &nested, Location loc, ValueRange elements) {
            Value square = arith::MulFOp::create(nested, loc, elements[0], elements[0]);
            linalg::YieldOp::create(
                nested, loc, arith::AddFOp::create(nested, loc, square, elements[1]).getResult());
          })
          ->getResult(0);
  Value largest = reduceAll(squares, builder.getF32FloatAttr(0.0f),
                            [&](Location loc, Value element, Value accumulator) -> Value {
                              return arith::MaximumFOp::create(builder, loc, element, accumulator);
                            });
  return math::SqrtOp::create(builder, loc, largest);
}

Value AttentionBuilder::reduceAll(Value tensor, TypedAttr start,
                                  function_ref<Value(Location, Value, Value)> combine) {
  auto type = cast<RankedTensorType>(tensor.getType());
  auto scalarType = RankedTensorType::get({}, type.getElementType());
  Value init = arith::ConstantOp::create(builder, loc,
                                         DenseElementsAttr::get(scalarType, {Attribute(start)}));
  SmallVector<int64_t> dimensions = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  Value reduced =
      linalg::ReduceOp::create(
          builder, loc, tensor, init, dimensions,
          [&](OpBuilder &nested, Location loc, ValueRange elements) {
            OpBuilder::InsertionGuard guard(builder);
            builder.setInsertionPoint(nested.getInsertionBlock(), nested.getInsertionPoint());
            linalg::YieldOp::create(builder, loc, combine(loc, elements[0], elements[1]));
          })
          ->getResult(0);
  return tensor::ExtractOp::create(builder, loc, reduced, ValueRange());
}

void AttentionBuilder::assertLogits(Value query, Value key) {
  std::optional<double> logit = mask->getCheckedLogit();
  if (!logit)
    return;
  // No score is larger than the product of the largest norms.
  Value product = arith::MulFOp::create(builder, loc, getLargestNorm(query), getLargestNorm(key));
  double limit = (-*logit - kWeightless) / matched.scale;
  Value bound = arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(limit));
  // The comparison is true of NaN too, of which the quantisation says more.
  Value isWithin = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::ULE, product, bound);
  cf::AssertOp::create(builder, loc, isWithin,
                       "scores may be as low as the number that stands for masked keys");
}

void AttentionBuilder::replace() {
  assertConditions(matched.conditions);
  SmallVector<Value> optionalInputs(getOptionalRegions().size());
  MaskAnalysis::Attributes attributes;
  if (mask) {
    attributes = mask->getAttributes();
    optionalInputs = mask->materialize(builder, loc);
    assertChecks();
  }
  Value query = buildQuery();
  int64_t group = getGroupSize();
  Value key = extend(toFourDimensions(matched.key, group));
  Value value = extend(toFourDimensions(matched.value, group));
  if (mask)
    assertLogits(query, key);

  SmallVector<int64_t> shape;
  SmallVector<Value> dynamicSizes;
  for (auto [tensor, dimension] :
       {std::pair(query, 0), std::pair(query, 1), std::pair(query, 2), std::pair(value, 3)}) {
    shape.push_back(cast<RankedTensorType>(tensor.getType()).getDimSize(dimension));
    if (ShapedType::isDynamic(shape.back()))
      dynamicSizes.push_back(materialize(sizeOf(tensor, dimension)));
  }
  Value init = tensor::EmptyOp::create(builder, loc, shape, builder.getF32Type(), dynamicSizes);
  Location place = name.empty() ? loc : NameLoc::get(builder.getStringAttr(name), loc);
  Value attention =
      AttentionOp::create(builder, place, init.getType(), query, key, value, optionalInputs, init,
                          builder.getF64FloatAttr(matched.scale), attributes.band,
                          EmptyRowAttr::get(builder.getContext(), attributes.emptyRow),
                          DenseF32ArrayAttr(), attributes.maskedLogit)
          .getResult();
  attention = scaleRows(attention);
  replaceReshapes(attention);
  if (matched.result.value.use_empty())
    return;
  builder.setInsertionPoint(last);
  last->getResult(0).replaceAllUsesWith(fromFourDimensions(attention, matched.result));
}
