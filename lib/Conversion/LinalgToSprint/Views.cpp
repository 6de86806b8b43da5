//===- Views.cpp - Looking through operands -------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace mlir::sprint;

using Kind = Axis::Kind;

bool View::has(Kind kind) const {
  return llvm::any_of(axes, [&](const Axis &axis) { return axis.kind == kind; });
}

bool View::spans(Kind kind) const {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  return llvm::any_of(llvm::zip_equal(axes, shape), [&](auto dimension) {
    auto [axis, size] = dimension;
    return axis.kind == kind && size != 1;
  });
}

bool View::isInOrder() const {
  if (merged || axes.size() < 2 || axes[axes.size() - 2].kind != Kind::Row ||
      axes.back().kind != Kind::Column)
    return false;
  int64_t nextPlace = 0;
  return llvm::all_of(ArrayRef(axes).drop_back(2), [&](const Axis &axis) {
    return axis.isUnit() || (axis.isBatch() && axis.place == nextPlace++);
  });
}

bool View::isSameAs(const View &other) const {
  if (value != other.value || repeats != other.repeats || merged != other.merged)
    return false;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  return llvm::all_of(llvm::zip_equal(axes, other.axes, shape), [](auto dimension) {
    auto [axis, otherAxis, size] = dimension;
    return axis == otherAxis || size == 1;
  });
}

std::optional<int64_t> View::getGroupSize() const {
  int64_t place = llvm::count_if(axes, [](const Axis &axis) { return axis.isBatch(); });
  place += merged.has_value();
  int64_t product = 1;
  for (const RepeatedAxis &repeat : repeats)
    if (repeat.place != place++ || !repeat.size.isConstant() || repeat.size.constant <= 0 ||
        llvm::MulOverflow(product, repeat.size.constant, product))
      return std::nullopt;
  return product;
}

void sprint::normalize(View &view) {
  auto type = cast<RankedTensorType>(view.value.getType());
  SmallVector<int64_t> places;
  for (auto [axis, size] : llvm::zip_equal(view.axes, type.getShape())) {
    if (axis.isBatch() && size == 1)
      axis = Axis{};
    if (axis.isBatch())
      places.push_back(axis.place);
  }
  llvm::erase_if(view.repeats, [](const RepeatedAxis &repeat) {
    return repeat.size.isConstant() && repeat.size.constant == 1;
  });
  for (const RepeatedAxis &repeat : view.repeats)
    places.push_back(repeat.place);
  if (view.merged)
    places.push_back(view.merged->place);
  llvm::sort(places);
  for (Axis &axis : view.axes)
    if (axis.isBatch())
      axis.place = llvm::lower_bound(places, axis.place) - places.begin();
  if (view.merged)
    view.merged->place = llvm::lower_bound(places, view.merged->place) - places.begin();
  for (RepeatedAxis &repeat : view.repeats)
    repeat.place = llvm::lower_bound(places, repeat.place) - places.begin();
  llvm::sort(view.repeats, [](const RepeatedAxis &left, const RepeatedAxis &right) {
    return left.place < right.place;
  });
}

/// Repeats the batch axes of `whole` that `view` does not have. Both count places alike.
static void repeatMissingAxes(View &view, const View &whole) {
  view.repeats = whole.repeats;
  for (auto [index, axis] : llvm::enumerate(whole.axes))
    if (axis.isBatch() && !llvm::is_contained(view.axes, axis))
      view.repeats.push_back({axis.place, sizeOf(whole.value, index)});
  if (!whole.merged)
    return;
  if (view.has(Kind::Row))
    view.merged = whole.merged;
  else
    view.repeats.push_back({whole.merged->place, whole.merged->size});
}

/// Adds a condition to a view. Fails when it never holds.
static LogicalResult require(View &view, const TensorSize &left, const TensorSize &right) {
  if (left == right)
    return success();
  if (left.isConstant() && right.isConstant())
    return failure();
  SizeEquality equality{left, right};
  if (!llvm::is_contained(view.conditions, equality))
    view.conditions.push_back(equality);
  return success();
}

//===----------------------------------------------------------------------===//
// Structured ops
//===----------------------------------------------------------------------===//

LogicalResult sprint::labelLoops(AffineMap map, ArrayRef<Axis> axes, LoopAxes &loops) {
  if (map.getNumResults() != axes.size())
    return failure();
  for (auto [expr, axis] : llvm::zip_equal(map.getResults(), axes)) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
      if (constant.getValue() != 0 || axis.isBatch())
        return failure();
      continue;
    }
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      return failure();
    std::optional<Axis> &loop = loops[dim.getPosition()];
    if (loop && *loop != axis)
      return failure();
    loop = axis;
  }
  return success();
}

std::optional<View> sprint::viewFromLoops(Value value, AffineMap map, const LoopAxes &loops,
                                          const View *whole) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !map.isProjectedPermutation(/*allowZeroInResults=*/true))
    return std::nullopt;
  View view;
  view.value = value;
  for (auto [index, expr] : llvm::enumerate(map.getResults())) {
    if (isa<AffineConstantExpr>(expr)) {
      if (type.getDimSize(index) != 1)
        return std::nullopt;
      view.axes.push_back(Axis{});
      continue;
    }
    std::optional<Axis> loop = loops[cast<AffineDimExpr>(expr).getPosition()];
    if (!loop)
      return std::nullopt;
    view.axes.push_back(*loop);
  }
  if (whole)
    repeatMissingAxes(view, *whole);
  normalize(view);
  return view;
}

linalg::LinalgOp sprint::getElementwiseDefinition(Value value) {
  auto op = value.getDefiningOp<linalg::LinalgOp>();
  if (!op || !op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops())
    return nullptr;
  return op;
}

std::optional<View> sprint::viewOfInput(const View &result, unsigned input) {
  auto op = result.value.getDefiningOp<linalg::LinalgOp>();
  LoopAxes loops(op.getNumLoops());
  if (failed(labelLoops(op.getMatchingIndexingMap(op.getDpsInitOperand(0)), result.axes, loops)))
    return std::nullopt;
  OpOperand *operand = op.getDpsInputOperand(input);
  std::optional<View> view =
      viewFromLoops(operand->get(), op.getMatchingIndexingMap(operand), loops, &result);
  if (view) {
    view->factor = result.factor;
    view->conditions = result.conditions;
  }
  return view;
}

Value sprint::getYielded(linalg::LinalgOp op, unsigned result) {
  return op.getBlock()->getTerminator()->getOperand(result);
}

std::optional<unsigned> sprint::getInputIndex(linalg::LinalgOp op, Value inBody) {
  auto argument = dyn_cast<BlockArgument>(inBody);
  if (!argument || argument.getOwner() != op.getBlock() ||
      argument.getArgNumber() >= op.getNumDpsInputs())
    return std::nullopt;
  return argument.getArgNumber();
}

Value sprint::stripFloatCasts(Value value) {
  while (true) {
    Operation *op = value.getDefiningOp();
    if (!isa_and_nonnull<arith::ExtFOp, arith::TruncFOp>(op))
      return value;
    value = op->getOperand(0);
  }
}

/// A number rounded to a float type.
static APFloat roundTo(APFloat number, Type type) {
  bool losesInfo = false;
  number.convert(cast<FloatType>(type).getFloatSemantics(), APFloat::rmNearestTiesToEven,
                 &losesInfo);
  return number;
}

double sprint::toDouble(APFloat number) {
  bool losesInfo = false;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  return number.convertToDouble();
}

/// Depth to which constant arithmetic is followed.
static constexpr unsigned kMaxConstantDepth = 16;

static std::optional<APFloat> evaluateSplat(Value tensor, unsigned depth);

/// The constant that a float in the body of `op`, which is null outside of bodies, always has.
static std::optional<APFloat> evaluateFloat(linalg::LinalgOp op, Value value, unsigned depth) {
  auto type = dyn_cast<FloatType>(value.getType());
  if (!type || depth == 0)
    return std::nullopt;
  APFloat constant(0.0);
  if (matchPattern(value, m_ConstantFloat(&constant)))
    return constant;
  if (op)
    if (std::optional<unsigned> input = getInputIndex(op, value)) {
      Value source = op.getDpsInputOperand(*input)->get();
      return isa<RankedTensorType>(source.getType()) ? evaluateSplat(source, depth - 1)
                                                     : evaluateFloat(nullptr, source, depth - 1);
    }
  Operation *definition = value.getDefiningOp();
  if (!definition)
    return std::nullopt;
  if (isa<arith::SIToFPOp, arith::UIToFPOp>(definition)) {
    APInt integer;
    if (!matchPattern(definition->getOperand(0), m_ConstantInt(&integer)))
      return std::nullopt;
    APFloat number(type.getFloatSemantics());
    number.convertFromAPInt(integer, isa<arith::SIToFPOp>(definition),
                            APFloat::rmNearestTiesToEven);
    return number;
  }
  if (auto extract = dyn_cast<tensor::ExtractOp>(definition))
    return evaluateSplat(extract.getTensor(), depth - 1);
  if (!isa<arith::ExtFOp, arith::TruncFOp, math::SqrtOp, math::RsqrtOp, arith::MulFOp,
           arith::DivFOp>(definition))
    return std::nullopt;
  std::optional<APFloat> left = evaluateFloat(op, definition->getOperand(0), depth - 1);
  if (!left)
    return std::nullopt;
  if (isa<arith::ExtFOp, arith::TruncFOp>(definition))
    return roundTo(*left, type);
  if (isa<math::SqrtOp>(definition))
    return roundTo(APFloat(std::sqrt(toDouble(*left))), type);
  if (isa<math::RsqrtOp>(definition))
    return roundTo(APFloat(1.0 / std::sqrt(toDouble(*left))), type);
  std::optional<APFloat> right = evaluateFloat(op, definition->getOperand(1), depth - 1);
  if (!right)
    return std::nullopt;
  return isa<arith::MulFOp>(definition) ? *left * *right : *left / *right;
}

/// The one element of a constant kept as a resource, such as a buffer of a module.
static std::optional<APFloat> getResourceScalar(Value tensor) {
  auto constant = tensor.getDefiningOp<arith::ConstantOp>();
  auto elements = constant ? dyn_cast<DenseResourceElementsAttr>(constant.getValue()) : nullptr;
  if (!elements || elements.getNumElements() != 1)
    return std::nullopt;
  AsmResourceBlob *blob = elements.getRawHandle().getBlob();
  if (!blob)
    return std::nullopt;
  ArrayRef<char> data = blob->getData();
  auto read = [&](auto number) -> std::optional<APFloat> {
    if (data.size() != sizeof(number))
      return std::nullopt;
    std::memcpy(&number, data.data(), sizeof(number));
    return APFloat(number);
  };
  if (elements.getElementType().isF32())
    return read(0.0f);
  if (elements.getElementType().isF64())
    return read(0.0);
  return std::nullopt;
}

std::optional<APFloat> sprint::getConstantFloat(linalg::LinalgOp op, Value inBody) {
  return evaluateFloat(op, inBody, kMaxConstantDepth);
}

std::optional<Exponential> sprint::getExponential(linalg::LinalgOp op, Value inBody) {
  Operation *definition = stripFloatCasts(inBody).getDefiningOp();
  if (isa_and_nonnull<math::ExpOp>(definition))
    return Exponential{definition->getOperand(0), 1.0};
  if (isa_and_nonnull<math::Exp2Op>(definition))
    return Exponential{definition->getOperand(0), llvm::numbers::ln2};
  auto power = dyn_cast_or_null<math::PowFOp>(definition);
  std::optional<APFloat> base = power ? getConstantFloat(op, power.getLhs()) : std::nullopt;
  if (!base || !(toDouble(*base) > 1.0) || !base->isFinite())
    return std::nullopt;
  return Exponential{power.getRhs(), std::log(toDouble(*base))};
}

/// The attribute of the scalar that all elements of a tensor have: a constant, a filled tensor, or
/// a broadcast of either.
static Attribute getSplat(Value tensor) {
  // A chain of broadcasts is short; a longer one is not worth the search.
  for (unsigned step = 0; step < 8; ++step) {
    if (DenseElementsAttr elements; matchPattern(tensor, m_Constant(&elements)))
      return elements.isSplat() ? elements.getSplatValue<Attribute>() : Attribute();
    Value scalar;
    linalg::LinalgOp op = getElementwiseDefinition(tensor);
    if (!op)
      return {};
    Value yielded = getYielded(op);
    if (std::optional<unsigned> input = getInputIndex(op, yielded)) {
      Value source = op.getDpsInputOperand(*input)->get();
      if (isa<RankedTensorType>(source.getType())) {
        tensor = source;
        continue;
      }
      scalar = source;
    } else {
      scalar = yielded;
    }
    Attribute constant;
    return matchPattern(scalar, m_Constant(&constant)) ? constant : Attribute();
  }
  return {};
}

static std::optional<APFloat> evaluateSplat(Value tensor, unsigned depth) {
  if (auto number = dyn_cast_or_null<FloatAttr>(getSplat(tensor)))
    return number.getValue();
  if (std::optional<APFloat> number = getResourceScalar(tensor))
    return number;
  if (depth == 0)
    return std::nullopt;
  if (linalg::LinalgOp op = getElementwiseDefinition(tensor))
    return evaluateFloat(op, getYielded(op), depth - 1);
  Operation *definition = tensor.getDefiningOp();
  if (isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(definition))
    return evaluateSplat(definition->getOperand(0), depth - 1);
  if (auto elements = dyn_cast_or_null<tensor::FromElementsOp>(definition);
      elements && elements.getElements().size() == 1)
    return evaluateFloat(nullptr, elements.getElements().front(), depth - 1);
  return std::nullopt;
}

std::optional<APFloat> sprint::getSplatFloat(Value tensor) {
  return evaluateSplat(tensor, kMaxConstantDepth);
}

//===----------------------------------------------------------------------===//
// Look-through steps
//===----------------------------------------------------------------------===//

/// A cast between a static and a dynamic shape: the same tensor.
static LogicalResult throughCast(View &view) {
  auto op = view.value.getDefiningOp<tensor::CastOp>();
  if (!op || !isa<RankedTensorType>(op.getSource().getType()))
    return failure();
  view.value = op.getSource();
  return success();
}

/// A collapsed group: of batch dimensions, whose row-major order is that of the stack; of rows and
/// the batch axis merged with them; or of one dimension and others of size 1.
static LogicalResult throughCollapse(View &view) {
  auto op = view.value.getDefiningOp<tensor::CollapseShapeOp>();
  if (!op)
    return failure();
  RankedTensorType sourceType = op.getSrcType();
  int64_t rank = sourceType.getRank();
  SmallVector<Axis> axes(rank);
  std::optional<MergedAxis> merged = view.merged;
  for (auto [axis, group] : llvm::zip_equal(view.axes, op.getReassociationIndices())) {
    if (axis.isUnit())
      continue;
    if (axis.isBatch()) {
      for (auto [index, dimension] : llvm::enumerate(group))
        axes[dimension] = {Kind::Batch, axis.place * rank + static_cast<int64_t>(index)};
      continue;
    }
    auto isLarge = [&](int64_t dimension) { return sourceType.getDimSize(dimension) != 1; };
    int64_t numLarge = llvm::count_if(group, isLarge);
    if (numLarge == 2 && merged && axis.kind == Kind::Row) {
      int64_t outer = *llvm::find_if(group, isLarge);
      int64_t inner = *llvm::find_if(llvm::reverse(group), isLarge);
      int64_t batch = merged->isOuter ? outer : inner;
      if (sizeOf(op.getSrc(), batch) != merged->size)
        return failure();
      axes[batch] = {Kind::Batch, merged->place * rank};
      axes[merged->isOuter ? inner : outer] = axis;
      merged.reset();
      continue;
    }
    if (numLarge > 1)
      return failure();
    axes[numLarge == 0 ? group.front() : *llvm::find_if(group, isLarge)] = axis;
  }
  view.value = op.getSrc();
  view.axes = std::move(axes);
  for (RepeatedAxis &repeat : view.repeats)
    repeat.place *= rank;
  view.merged = merged;
  if (view.merged)
    view.merged->place *= rank;
  normalize(view);
  return success();
}

/// An expanded dimension: into batch dimensions that follow one another in the stack, into rows and
/// a batch dimension, or into one dimension and others of size 1.
static LogicalResult throughExpand(View &view) {
  auto op = view.value.getDefiningOp<tensor::ExpandShapeOp>();
  if (!op)
    return failure();
  SmallVector<Axis> axes;
  std::optional<MergedAxis> merged = view.merged;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    Axis whole, single;
    int64_t last = -1;
    for (int64_t dimension : group) {
      const Axis &axis = view.axes[dimension];
      if (op.getType().getDimSize(dimension) == 1) {
        single = axis.isUnit() ? single : axis;
        continue;
      }
      if (axis.isUnit())
        continue;
      if (whole.isUnit()) {
        whole = axis;
      } else if (!merged && whole.isBatch() && axis.kind == Kind::Row) {
        merged = MergedAxis{whole.place, sizeOf(view.value, last), /*isOuter=*/true};
        whole = axis;
      } else if (!merged && whole.kind == Kind::Row && axis.isBatch()) {
        merged = MergedAxis{axis.place, sizeOf(view.value, dimension), /*isOuter=*/false};
      } else if (!whole.isBatch() || !axis.isBatch() || axis.place != view.axes[last].place + 1) {
        return failure();
      }
      last = dimension;
    }
    axes.push_back(whole.isUnit() ? single : whole);
  }
  view.merged = merged;
  view.value = op.getSrc();
  view.axes = std::move(axes);
  normalize(view);
  return success();
}

/// `tensor.reshape`, which says nothing about groups. Where the matrices keep their size, the
/// number of matrices is the same too, because the number of elements is; so the stack is only
/// indexed differently. Only repeats inside of it stay what they are.
static LogicalResult throughReshape(View &view) {
  auto op = view.value.getDefiningOp<tensor::ReshapeOp>();
  if (!op)
    return failure();
  auto sourceType = dyn_cast<RankedTensorType>(op.getSource().getType());
  if (!sourceType || view.merged)
    return failure();
  ArrayRef<Axis> axes = view.axes;
  auto isOuter = [](const Axis &axis) { return axis.isUnit() || axis.isBatch(); };
  ArrayRef<Axis> outer = axes.take_while(isOuter), inner = axes.drop_front(outer.size());
  int64_t numOuter = sourceType.getRank() - static_cast<int64_t>(inner.size());
  if (llvm::any_of(inner, isOuter) || numOuter < 0)
    return failure();
  int64_t nextPlace = 0;
  for (const Axis &axis : outer)
    if (axis.isBatch() && axis.place != nextPlace++)
      return failure();
  if (llvm::any_of(view.repeats,
                   [&](const RepeatedAxis &repeat) { return repeat.place < nextPlace; }))
    return failure();

  View source = view;
  source.value = op.getSource();
  source.axes.clear();
  for (int64_t place = 0; place < numOuter; ++place)
    source.axes.push_back({Kind::Batch, place});
  for (auto [index, axis] : llvm::enumerate(inner)) {
    source.axes.push_back(axis);
    // What is of size 1 in the source has not become a length.
    TensorSize size = sizeOf(view.value, outer.size() + index);
    TensorSize sourceSize = sizeOf(source.value, numOuter + index);
    if ((sourceSize.isConstant() && sourceSize.constant == 1 && size != sourceSize) ||
        failed(require(source, size, sourceSize)))
      return failure();
  }
  for (RepeatedAxis &repeat : source.repeats)
    repeat.place += numOuter - nextPlace;
  normalize(source);
  view = std::move(source);
  return success();
}

/// A slice that is the whole tensor.
static LogicalResult throughWholeSlice(View &view) {
  auto op = view.value.getDefiningOp<tensor::ExtractSliceOp>();
  if (!op || op.getType().getRank() != op.getSourceType().getRank() || !op.hasUnitStride() ||
      !op.hasZeroOffset())
    return failure();
  for (int64_t index = 0, rank = op.getType().getRank(); index < rank; ++index)
    if (sizeOf(op.getResult(), index) != sizeOf(op.getSource(), index))
      return failure();
  view.value = op.getSource();
  return success();
}

/// `linalg.transpose`, `linalg.broadcast`, or any structured op that copies its input with
/// dimensions permuted or repeated.
static LogicalResult throughCopy(View &view) {
  linalg::LinalgOp op = getElementwiseDefinition(view.value);
  if (!op || op.getNumDpsInputs() != 1 || getInputIndex(op, getYielded(op)) != 0u)
    return failure();
  std::optional<View> source = viewOfInput(view, 0);
  if (!source || getElementTypeOrSelf(source->value) != getElementTypeOrSelf(view.value))
    return failure();
  view = std::move(*source);
  return success();
}

/// The loop of `op` whose index `index`, in its body, is.
static std::optional<int64_t> getLoopOfIndex(linalg::GenericOp op, Value index) {
  auto loopIndex = index.getDefiningOp<linalg::IndexOp>();
  if (!loopIndex || loopIndex->getBlock() != op.getBody())
    return std::nullopt;
  return static_cast<int64_t>(loopIndex.getDim());
}

/// The loop whose index `index` is in a dimension of the given size of a tensor that is broadcast
/// along dimensions of size 1: `select(size == 1, 0, index)`.
static std::optional<int64_t> getLoopOfBroadcastIndex(linalg::GenericOp op, Value index,
                                                      const TensorSize &size) {
  auto select = index.getDefiningOp<arith::SelectOp>();
  if (!select)
    return getLoopOfIndex(op, index);
  auto compare = select.getCondition().getDefiningOp<arith::CmpIOp>();
  if (!compare || compare.getPredicate() != arith::CmpIPredicate::eq ||
      !matchPattern(compare.getRhs(), m_One()) || sizeFrom(compare.getLhs()) != size ||
      !matchPattern(select.getTrueValue(), m_Zero()))
    return std::nullopt;
  return getLoopOfIndex(op, select.getFalseValue());
}

/// torch-mlir's broadcast to a dynamic shape: a `linalg.generic` without inputs that extracts, in
/// each dimension, element `select(size == 1, 0, index)` of the source. Where the result has the
/// size of the source the index is the identity, also when both are 1, because 0 is then the only
/// index. The equality is proven or becomes a condition.
static LogicalResult throughIndexedBroadcast(View &view) {
  auto op = view.value.getDefiningOp<linalg::GenericOp>();
  if (!op || view.merged || !getElementwiseDefinition(view.value) || op.getNumDpsInputs() != 0 ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return failure();
  auto extract =
      getYielded(cast<linalg::LinalgOp>(op.getOperation())).getDefiningOp<tensor::ExtractOp>();
  if (!extract || extract->getBlock() != op.getBody())
    return failure();
  View source = view;
  source.value = extract.getTensor();
  source.axes.assign(extract.getTensor().getType().getRank(), Axis{});
  // Dimensions of both are counted from the innermost.
  int64_t added = static_cast<int64_t>(view.axes.size() - source.axes.size());
  for (auto [dimension, index] : llvm::enumerate(extract.getIndices())) {
    TensorSize size = sizeOf(source.value, dimension);
    bool isUnit = size.isConstant() && size.constant == 1;
    int64_t place = static_cast<int64_t>(dimension) + added;
    if (isUnit && matchPattern(index, m_Zero())) {
      if (place >= 0 && sizeOf(view.value, place) == size)
        source.axes[dimension] = view.axes[place];
      continue;
    }
    std::optional<int64_t> loop = getLoopOfBroadcastIndex(op, index, size);
    if (!loop || *loop != place || failed(require(source, sizeOf(view.value, place), size)))
      return failure();
    source.axes[dimension] = view.axes[place];
  }
  repeatMissingAxes(source, view);
  normalize(source);
  view = std::move(source);
  return success();
}

/// The steps that change what a tensor looks like, and none of its elements.
static constexpr LogicalResult (*kViewSteps[])(View &) = {
    throughCast,       throughCollapse, throughExpand,           throughReshape,
    throughWholeSlice, throughCopy,     throughIndexedBroadcast,
};

LogicalResult sprint::lookThroughView(View &view) {
  return success(llvm::any_of(kViewSteps, [&](auto step) { return succeeded(step(view)); }));
}

/// Casts between float types, by an elementwise op of nothing else.
template <typename CastOp> static LogicalResult throughFloatCast(View &view) {
  linalg::LinalgOp op = getElementwiseDefinition(view.value);
  auto conversion = op ? getYielded(op).getDefiningOp<CastOp>() : nullptr;
  std::optional<unsigned> input = conversion ? getInputIndex(op, conversion.getIn()) : std::nullopt;
  std::optional<View> source = input ? viewOfInput(view, *input) : std::nullopt;
  if (!source)
    return failure();
  view = std::move(*source);
  return success();
}

LogicalResult sprint::lookThroughExtension(View &view) {
  return throughFloatCast<arith::ExtFOp>(view);
}

LogicalResult sprint::lookThroughTruncation(View &view) {
  return throughFloatCast<arith::TruncFOp>(view);
}

/// A multiplication with a constant, on either side, or a division by one: the constant goes into
/// the view's factor. The product of the factors is formed in f64, of constants as the body has
/// them.
LogicalResult sprint::lookThroughFactor(View &view) {
  linalg::LinalgOp op = getElementwiseDefinition(view.value);
  if (!op)
    return failure();
  Operation *arithmetic = getYielded(op).getDefiningOp();
  if (!isa_and_nonnull<arith::MulFOp, arith::DivFOp>(arithmetic) ||
      arithmetic->getBlock() != op.getBlock())
    return failure();
  Value scaled = arithmetic->getOperand(0), by = arithmetic->getOperand(1);
  std::optional<APFloat> constant = getConstantFloat(op, by);
  if (!constant && isa<arith::MulFOp>(arithmetic)) {
    std::swap(scaled, by);
    constant = getConstantFloat(op, by);
  }
  // A body may widen what it scales.
  if (auto extension = scaled.getDefiningOp<arith::ExtFOp>())
    scaled = extension.getIn();
  std::optional<unsigned> input = getInputIndex(op, scaled);
  if (!constant || !input)
    return failure();
  std::optional<View> source = viewOfInput(view, *input);
  if (!source)
    return failure();
  double number = toDouble(*constant);
  source->factor = isa<arith::MulFOp>(arithmetic) ? view.factor * number : view.factor / number;
  view = std::move(*source);
  return success();
}

//===----------------------------------------------------------------------===//
// Downwards
//===----------------------------------------------------------------------===//

/// The axes of a tensor that has the elements of `view` in the same order: groups of dimensions of
/// equal size are the same, and only batch axes are split or joined.
static std::optional<View> viewOfReshaped(const View &view, Value tensor) {
  auto getLarge = [](Value value) {
    SmallVector<int64_t> dimensions;
    for (auto [dimension, size] :
         llvm::enumerate(cast<RankedTensorType>(value.getType()).getShape()))
      if (size != 1)
        dimensions.push_back(static_cast<int64_t>(dimension));
    return dimensions;
  };
  auto getSize = [](Value value, int64_t dimension) {
    TensorSize size = sizeOf(value, dimension);
    return size.isConstant() ? size.constant : -1;
  };
  SmallVector<int64_t> from = getLarge(view.value), to = getLarge(tensor);
  View result;
  result.value = tensor;
  result.repeats = view.repeats;
  result.conditions = view.conditions;
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  result.axes.assign(rank, Axis{});
  size_t left = 0, right = 0;
  while (left < from.size() && right < to.size()) {
    size_t leftEnd = left + 1, rightEnd = right + 1;
    if (sizeOf(view.value, from[left]) != sizeOf(tensor, to[right])) {
      // The smallest groups with one product.
      int64_t leftSize = getSize(view.value, from[left]), rightSize = getSize(tensor, to[right]);
      while (leftSize != rightSize) {
        bool isLeft = leftSize < rightSize;
        size_t &end = isLeft ? leftEnd : rightEnd;
        if (leftSize < 0 || rightSize < 0 || end == (isLeft ? from : to).size())
          return std::nullopt;
        int64_t size = isLeft ? getSize(view.value, from[end]) : getSize(tensor, to[end]);
        int64_t &product = isLeft ? leftSize : rightSize;
        if (size < 0 || llvm::MulOverflow(product, size, product))
          return std::nullopt;
        ++end;
      }
    }
    const Axis &first = view.axes[from[left]];
    if (leftEnd - left > 1 || rightEnd - right > 1)
      for (size_t place = left; place < leftEnd; ++place)
        if (const Axis &axis = view.axes[from[place]];
            !axis.isBatch() || axis.place != first.place + static_cast<int64_t>(place - left))
          return std::nullopt;
    for (size_t place = right; place < rightEnd; ++place) {
      Axis axis = first;
      if (axis.isBatch())
        axis.place = axis.place * rank + static_cast<int64_t>(place - right);
      result.axes[to[place]] = axis;
    }
    left = leftEnd;
    right = rightEnd;
  }
  if (left != from.size() || right != to.size())
    return std::nullopt;
  for (RepeatedAxis &repeat : result.repeats)
    repeat.place *= rank;
  // A row or column of size 1 is some dimension of size 1.
  for (Kind kind : {Kind::Row, Kind::Column})
    if (view.has(kind) && !result.has(kind))
      for (auto [dimension, axis] : llvm::enumerate(result.axes))
        if (axis.isUnit() && getSize(tensor, static_cast<int64_t>(dimension)) == 1) {
          axis.kind = kind;
          break;
        }
  normalize(result);
  return result;
}

std::optional<View> sprint::viewOfUser(const View &view, Operation *user) {
  if (user->getNumResults() != 1 || !isa<RankedTensorType>(user->getResult(0).getType()) ||
      view.merged)
    return std::nullopt;
  Value tensor = user->getResult(0);
  if (isa<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp>(user)) {
    // What goes through one dimension is seen at the end.
    if (std::optional<View> result = viewOfReshaped(view, tensor))
      return result;
    Operation *next = tensor.hasOneUse() ? *tensor.user_begin() : nullptr;
    return isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(next)
               ? viewOfReshaped(view, next->getResult(0))
               : std::nullopt;
  }
  linalg::LinalgOp op = getElementwiseDefinition(tensor);
  if (!op)
    return std::nullopt;
  LoopAxes loops(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands())
    if (operand.get() == view.value &&
        failed(labelLoops(op.getMatchingIndexingMap(&operand), view.axes, loops)))
      return std::nullopt;
  return viewFromLoops(tensor, op.getMatchingIndexingMap(op.getDpsInitOperand(0)), loops, &view);
}
