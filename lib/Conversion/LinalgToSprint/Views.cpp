//===- Views.cpp - Looking through operands -------------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::sprint;

using Kind = Axis::Kind;

bool View::has(Kind kind) const {
  return llvm::any_of(axes, [&](const Axis &axis) { return axis.kind == kind; });
}

bool View::isInOrder() const {
  if (axes.size() < 2 || axes[axes.size() - 2].kind != Kind::Row ||
      axes.back().kind != Kind::Column)
    return false;
  int64_t nextPlace = 0;
  return llvm::all_of(ArrayRef(axes).drop_back(2), [&](const Axis &axis) {
    return axis.isUnit() || (axis.isBatch() && axis.place == nextPlace++);
  });
}

int64_t sprint::countAxes(ArrayRef<Axis> axes) {
  return llvm::count_if(axes, [](const Axis &axis) { return !axis.isUnit(); });
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
  llvm::sort(places);
  for (Axis &axis : view.axes)
    if (axis.isBatch())
      axis.place = llvm::lower_bound(places, axis.place) - places.begin();
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
      if (constant.getValue() != 0 || !axis.isUnit())
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

std::optional<View> sprint::viewFromLoops(Value value, AffineMap map, const LoopAxes &loops) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !map.isProjectedPermutation(/*allowZeroInResults=*/true))
    return std::nullopt;
  View view{value, {}, 1.0, {}};
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
      viewFromLoops(operand->get(), op.getMatchingIndexingMap(operand), loops);
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

std::optional<APFloat> sprint::getConstantFloat(linalg::LinalgOp op, Value inBody) {
  if (std::optional<unsigned> input = getInputIndex(op, inBody))
    return getSplatFloat(op.getDpsInputOperand(*input)->get());
  APFloat constant(0.0);
  if (matchPattern(inBody, m_ConstantFloat(&constant)))
    return constant;
  // The factor of a softmax is an f64 that the body casts; what counts is the number after the
  // cast.
  Operation *conversion = inBody.getDefiningOp();
  auto type = dyn_cast<FloatType>(inBody.getType());
  if (!type || !isa_and_nonnull<arith::TruncFOp, arith::ExtFOp>(conversion) ||
      !matchPattern(conversion->getOperand(0), m_ConstantFloat(&constant)))
    return std::nullopt;
  bool losesInfo = false;
  constant.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
  return constant;
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

std::optional<APFloat> sprint::getSplatFloat(Value tensor) {
  if (auto number = dyn_cast_or_null<FloatAttr>(getSplat(tensor)))
    return number.getValue();
  return std::nullopt;
}

std::optional<APInt> sprint::getSplatInteger(Value tensor) {
  if (auto number = dyn_cast_or_null<IntegerAttr>(getSplat(tensor)))
    return number.getValue();
  return std::nullopt;
}

bool sprint::isZero(Value tensor) {
  std::optional<APFloat> number = getSplatFloat(tensor);
  return number && number->isZero();
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

/// A collapsed group: of batch dimensions, whose row-major order is that of the stack; or of one
/// dimension and others of size 1.
static LogicalResult throughCollapse(View &view) {
  auto op = view.value.getDefiningOp<tensor::CollapseShapeOp>();
  if (!op)
    return failure();
  RankedTensorType sourceType = op.getSrcType();
  int64_t rank = sourceType.getRank();
  SmallVector<Axis> axes(rank);
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
    if (numLarge > 1)
      return failure();
    axes[numLarge == 0 ? group.front() : *llvm::find_if(group, isLarge)] = axis;
  }
  view.value = op.getSrc();
  view.axes = std::move(axes);
  normalize(view);
  return success();
}

/// An expanded dimension: into batch dimensions that follow one another in the stack, or into one
/// dimension and others of size 1.
static LogicalResult throughExpand(View &view) {
  auto op = view.value.getDefiningOp<tensor::ExpandShapeOp>();
  if (!op)
    return failure();
  SmallVector<Axis> axes;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    Axis merged;
    int64_t lastPlace = 0;
    for (int64_t dimension : group) {
      const Axis &axis = view.axes[dimension];
      if (axis.isUnit())
        continue;
      if (merged.isUnit())
        merged = axis;
      else if (!merged.isBatch() || !axis.isBatch() || axis.place != lastPlace + 1)
        return failure();
      lastPlace = axis.place;
    }
    axes.push_back(merged);
  }
  view.value = op.getSrc();
  view.axes = std::move(axes);
  normalize(view);
  return success();
}

/// `tensor.reshape`, which says nothing about groups. Where the matrices keep their size, the
/// number of matrices is the same too, because the number of elements is; so the stack is only
/// indexed differently.
static LogicalResult throughReshape(View &view) {
  auto op = view.value.getDefiningOp<tensor::ReshapeOp>();
  if (!op)
    return failure();
  auto sourceType = dyn_cast<RankedTensorType>(op.getSource().getType());
  if (!sourceType)
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

  View source = view;
  source.value = op.getSource();
  source.axes.clear();
  for (int64_t place = 0; place < numOuter; ++place)
    source.axes.push_back({Kind::Batch, place});
  for (auto [index, axis] : llvm::enumerate(inner)) {
    source.axes.push_back(axis);
    if (failed(require(source, sizeOf(view.value, outer.size() + index),
                       sizeOf(source.value, numOuter + index))))
      return failure();
  }
  normalize(source);
  view = std::move(source);
  return success();
}

/// `linalg.transpose`, or any structured op that copies its input with dimensions permuted.
static LogicalResult throughPermutation(View &view) {
  linalg::LinalgOp op = getElementwiseDefinition(view.value);
  if (!op || op.getNumDpsInputs() != 1 || getInputIndex(op, getYielded(op)) != 0u)
    return failure();
  std::optional<View> source = viewOfInput(view, 0);
  // A broadcast has fewer axes.
  if (!source || countAxes(source->axes) != countAxes(view.axes) ||
      getElementTypeOrSelf(source->value) != getElementTypeOrSelf(view.value))
    return failure();
  view = std::move(*source);
  return success();
}

/// Whether `index`, in the body of `op`, is the place of loop `loop` in a dimension of the given
/// size of a tensor that is broadcast along dimensions of size 1.
static bool isBroadcastIndex(linalg::GenericOp op, Value index, int64_t loop,
                             const TensorSize &size) {
  auto isLoopIndex = [&](Value candidate) {
    auto loopIndex = candidate.getDefiningOp<linalg::IndexOp>();
    return loopIndex && loopIndex->getBlock() == op.getBody() &&
           static_cast<int64_t>(loopIndex.getDim()) == loop;
  };
  if (isLoopIndex(index))
    return true;
  if (matchPattern(index, m_Zero()))
    return size.isConstant() && size.constant == 1;
  auto select = index.getDefiningOp<arith::SelectOp>();
  if (!select || !matchPattern(select.getTrueValue(), m_Zero()) ||
      !isLoopIndex(select.getFalseValue()))
    return false;
  auto compare = select.getCondition().getDefiningOp<arith::CmpIOp>();
  return compare && compare.getPredicate() == arith::CmpIPredicate::eq &&
         matchPattern(compare.getRhs(), m_One()) && sizeFrom(compare.getLhs()) == size;
}

/// torch-mlir's broadcast to a dynamic shape: a `linalg.generic` without inputs that extracts, in
/// each dimension, element `select(size == 1, 0, index)` of the source. Where the result has the
/// size of the source the index is the identity, also when both are 1, because 0 is then the only
/// index. The equality is proven or becomes a condition.
static LogicalResult throughBroadcastToOwnShape(View &view) {
  auto op = view.value.getDefiningOp<linalg::GenericOp>();
  if (!op || !getElementwiseDefinition(view.value) || op.getNumDpsInputs() != 0 ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return failure();
  auto extract =
      getYielded(cast<linalg::LinalgOp>(op.getOperation())).getDefiningOp<tensor::ExtractOp>();
  if (!extract || extract->getBlock() != op.getBody() ||
      extract.getTensor().getType().getRank() != static_cast<int64_t>(view.axes.size()))
    return failure();
  View source = view;
  source.value = extract.getTensor();
  for (auto [dimension, index] : llvm::enumerate(extract.getIndices())) {
    TensorSize size = sizeOf(source.value, dimension);
    if (!isBroadcastIndex(op, index, dimension, size) ||
        failed(require(source, sizeOf(view.value, dimension), size)))
      return failure();
  }
  normalize(source);
  view = std::move(source);
  return success();
}

/// The steps that change what a tensor looks like, and none of its elements.
static constexpr LogicalResult (*kViewSteps[])(View &) = {
    throughCast,    throughCollapse,    throughExpand,
    throughReshape, throughPermutation, throughBroadcastToOwnShape,
};

LogicalResult sprint::lookThroughView(View &view) {
  return success(llvm::any_of(kViewSteps, [&](auto step) { return succeeded(step(view)); }));
}

void sprint::lookThroughViews(View &view) {
  while (succeeded(lookThroughView(view)))
    ;
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
  std::optional<unsigned> input = getInputIndex(op, scaled);
  if (!constant || !input)
    return failure();
  std::optional<View> source = viewOfInput(view, *input);
  if (!source || countAxes(source->axes) != countAxes(view.axes))
    return failure();
  bool losesInfo = false;
  constant->convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  double number = constant->convertToDouble();
  source->factor = isa<arith::MulFOp>(arithmetic) ? view.factor * number : view.factor / number;
  view = std::move(*source);
  return success();
}
