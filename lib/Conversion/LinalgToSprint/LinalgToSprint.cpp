//===- LinalgToSprint.cpp - Raise attentions from linalg ------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "AttentionMatcher.h"
#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/Sprint.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_CONVERTLINALGTOSPRINT
#include "Sprint/Conversion/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

namespace {
/// An op that may be the last one of an attention: a contraction, or an attention already.
struct Candidate {
  Operation *op;
  /// The contraction's inputs that come from a softmax of another contraction's result.
  SmallVector<unsigned, 2> probabilities;
};

/// Finds softmaxes between two contractions, however they are spelled: those that the matcher
/// refuses deserve a remark. One walk over the module notes for each op what its results are made
/// of, back to the nearest contractions.
class CandidateFinder {
public:
  SmallVector<Candidate> find(Operation *root) {
    root->walk([&](Operation *op) { visit(op); });
    return std::move(candidates);
  }

private:
  enum Trace : uint8_t {
    /// An exponential itself, reshaped or cast at most.
    Exponential = 1,
    /// Divided by, or made of, a sum of exponentials over a dimension; or a named softmax.
    Sum = 2,
    /// The result of a contraction.
    Contraction = 4,
  };

  uint8_t traceOf(Value value) const { return traces.lookup(value.getDefiningOp()); }

  void visit(Operation *op) {
    // The body of a structured op is visited before the op.
    if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      if (auto parent = dyn_cast<linalg::LinalgOp>(op->getParentOp()))
        traces[parent] |= traceOf(extract.getTensor());
      return;
    }
    if (isa<tm_tensor::AttentionOp>(op)) {
      candidates.push_back({op, {}});
      traces[op] = Contraction;
      return;
    }
    uint8_t trace = traces.lookup(op);
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
      if (linalg::isaContractionOpInterface(linalgOp)) {
        visitContraction(linalgOp);
        return;
      }
      trace |= traceStructuredOp(linalgOp);
    } else if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op)) {
      trace |= traceOf(softmax.getInput()) | Sum;
    } else if (isa_and_nonnull<tensor::TensorDialect>(op->getDialect())) {
      for (Value operand : op->getOperands())
        trace |= traceOf(operand);
    }
    if (trace)
      traces[op] = trace;
  }

  /// What an op other than a contraction makes of its inputs.
  uint8_t traceStructuredOp(linalg::LinalgOp op) {
    uint8_t trace = 0;
    for (OpOperand *input : op.getDpsInputOperands())
      trace |= traceOf(input->get());
    Operation *yielded = stripFloatCasts(getYielded(op)).getDefiningOp();
    bool isSum = isa_and_nonnull<arith::AddFOp>(yielded);
    if (op.getNumReductionLoops() > 0) {
      // A sum over probabilities, such as a mean over tokens, is no probability.
      if (isSum && (trace & Exponential))
        return (trace & ~Exponential) | Sum;
      return trace & Contraction;
    }
    if (getExponential(op, getYielded(op)))
      return (trace & Contraction) | Exponential;
    // Probabilities that something else is added to, as in a residual, are none any more.
    if (isSum)
      return trace & Contraction;
    return yielded ? trace & ~Exponential : trace;
  }

  void visitContraction(linalg::LinalgOp contraction) {
    Candidate candidate{contraction, {}};
    for (unsigned input = 0; input < 2; ++input) {
      uint8_t trace = traceOf(contraction.getDpsInputOperand(input)->get());
      if ((trace & Sum) && (trace & Contraction))
        candidate.probabilities.push_back(input);
    }
    if (!candidate.probabilities.empty())
      candidates.push_back(std::move(candidate));
    traces[contraction] = Contraction;
  }

  llvm::DenseMap<Operation *, uint8_t> traces;
  SmallVector<Candidate> candidates;
};

//===----------------------------------------------------------------------===//
// Rewriting
//===----------------------------------------------------------------------===//

/// Puts a `sprint.attention` in the place of a matched one.
class AttentionBuilder {
public:
  AttentionBuilder(const MatchedAttention &matched)
      : matched(matched), last(matched.result.value.getDefiningOp()), builder(last),
        loc(last->getLoc()) {}

  /// Finds out what the terms between scores and softmax are to `sprint.attention`. Fails, with
  /// `getReason`, where the op cannot say it; then nothing has changed.
  LogicalResult analyze();
  StringRef getReason() const { return reason; }

  /// Replaces all uses of the result. The old ops stay, unused.
  void replace();

private:
  /// The sizes of a view's batch axes as `[B, H]`.
  using Heads = std::array<TensorSize, 2>;

  /// How the stack of matrices divides into batch and heads: as in the first of some tensors that
  /// is four-dimensional, else the outermost of several axes is the batch.
  Heads chooseHeads();
  /// What the term is to the mask analysis. Its tensor is split where the stack is.
  FailureOr<MaskTerm> toMaskTerm(const ScoreTerm &term);
  LogicalResult analyzeTerms();

  /// Whether the stack of the view, outermost dimension first in `order`, is divided as `heads`
  /// does.
  bool isDividedAs(const Heads &heads, const View &view, ArrayRef<int64_t> order) const;

  Value transpose(Value tensor, ArrayRef<int64_t> permutation);
  Value expand(Value tensor, ArrayRef<ReassociationIndices> groups, ArrayRef<TensorSize> sizes);
  /// An elementwise op on `[B, H, rows, columns]`. Where the second input has size 1 it is the same
  /// for all.
  Value mapElements(ValueRange inputs, Type elementType,
                    function_ref<Value(Location, ValueRange)> body);
  /// The tensor in f32.
  Value extend(Value tensor);
  /// The view with its repeated axes as axes of a new tensor.
  View repeat(View view);
  /// The view with the batch axis that is merged with its rows as a dimension of its own.
  View splitRows(View view);
  /// The view with rows and columns of size 1 where it has none.
  View addMatrixAxes(View view);
  /// The operand as `[B, G, rows, columns]`, where groups of `group` heads share a matrix.
  Value toFourDimensions(View view, int64_t group = 1);
  /// How many heads share a key and a value.
  int64_t getGroupSize();
  /// From `[B, H, rows, columns]` to the shape of the view.
  Value fromFourDimensions(Value tensor, const View &view);
  Value castTo(Value tensor, Type type);
  /// A size divided by one that divides it.
  TensorSize divide(const TensorSize &size, const TensorSize &by);
  /// The size as a value in front of the old ops' last, one for equal sizes.
  Value materialize(const TensorSize &size);
  void assertConditions(ArrayRef<SizeEquality> conditions);
  /// The query, with the factors that only the program knows.
  Value buildQuery();
  /// Replaces results of reshapes of the old result that have the attention's own shape.
  void replaceReshapes(Value attention);

  const MatchedAttention &matched;
  Operation *last;
  OpBuilder builder;
  Location loc;
  Heads heads;
  /// The finest division of the stack that a tensor between the contractions shows.
  SmallVector<TensorSize> stack;
  std::optional<MaskAnalysis> mask;
  SmallVector<std::pair<TensorSize, Value>> materialized;
  std::string reason;
};
} // namespace

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

/// The sizes of the view's batch axes, those repeated among them, outermost first.
static SmallVector<TensorSize> getStack(const View &view) {
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

/// Which axes of the stack `fine` each axis of `coarse`, another division of the same stack, is
/// made of: where the next one's begin.
static FailureOr<SmallVector<unsigned>> refine(ArrayRef<TensorSize> coarse,
                                               ArrayRef<TensorSize> fine) {
  SmallVector<unsigned> ends;
  unsigned next = 0;
  for (auto [index, size] : llvm::enumerate(coarse)) {
    // The last one is all that is left, because both stacks have one number of matrices.
    if (index + 1 == coarse.size()) {
      if (next == fine.size())
        return failure();
      next = fine.size();
      ends.push_back(next);
      break;
    }
    if (next == fine.size())
      return failure();
    if (fine[next] == size) {
      ends.push_back(++next);
      continue;
    }
    int64_t product = 1;
    while (next < fine.size() && fine[next].isConstant() && size.isConstant() &&
           product < size.constant && !llvm::MulOverflow(product, fine[next].constant, product))
      ++next;
    if (!size.isConstant()) {
      // A length not known as a number takes what the axes inside of it leave.
      unsigned inside = coarse.size() - index - 1;
      if (fine.size() - next <= inside)
        return failure();
      next = fine.size() - inside;
    } else if (product != size.constant) {
      return failure();
    }
    ends.push_back(next);
  }
  if (next != fine.size())
    return failure();
  return ends;
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

FailureOr<MaskTerm> AttentionBuilder::toMaskTerm(const ScoreTerm &term) {
  MaskTerm result;
  result.kind = term.kind;
  result.otherwise = term.otherwise;
  if (term.kind == MaskTerm::Kind::LowerBound)
    return result;
  View view = splitRows(term.view);
  FailureOr<SmallVector<unsigned>> ends = refine(getStack(view), stack);
  if (failed(ends))
    return failure();
  SmallVector<ReassociationIndices> groups;
  SmallVector<TensorSize> sizes;
  auto append = [&](std::optional<unsigned> dimension, const TensorSize &size) {
    groups.back().push_back(sizes.size());
    sizes.push_back(size);
    result.dimensions.push_back(dimension);
  };
  for (auto [index, axis] : llvm::enumerate(view.axes)) {
    groups.emplace_back();
    if (!axis.isBatch()) {
      std::optional<unsigned> dimension;
      if (axis.kind == Axis::Kind::Row)
        dimension = stack.size();
      else if (axis.kind == Axis::Kind::Column)
        dimension = stack.size() + 1;
      append(dimension, sizeOf(view.value, index));
      continue;
    }
    unsigned begin = axis.place == 0 ? 0 : (*ends)[axis.place - 1];
    for (unsigned place = begin, end = (*ends)[axis.place]; place < end; ++place)
      append(place, end - begin == 1 ? sizeOf(view.value, index) : stack[place]);
  }
  result.factor = view.factor;
  result.tensor = sizes.size() == view.axes.size() ? view.value : expand(view.value, groups, sizes);
  return result;
}

LogicalResult AttentionBuilder::analyzeTerms() {
  LogitShape shape;
  shape.batch = heads[0];
  shape.heads = heads[1];
  auto getNumTokens = [](const View &view) {
    for (auto [index, axis] : llvm::enumerate(view.axes))
      if (axis.kind == Axis::Kind::Row)
        return sizeOf(view.value, index);
    return constantSize(1);
  };
  shape.queries = getNumTokens(matched.query);
  if (matched.query.merged)
    shape.queries = divide(shape.queries, matched.query.merged->size);
  shape.keys = getNumTokens(matched.key);
  shape.stack = stack;
  mask.emplace(std::move(shape), builder.getContext());
  for (const ScoreTerm &term : llvm::reverse(matched.terms)) {
    FailureOr<MaskTerm> maskTerm = toMaskTerm(term);
    if (failed(maskTerm)) {
      reason = "the batch dimensions of a mask are not those of the scores";
      return failure();
    }
    if (failed(mask->add(*maskTerm))) {
      reason = mask->getReason().str();
      return failure();
    }
  }
  if (failed(mask->finish(matched.softmax))) {
    reason = mask->getReason().str();
    return failure();
  }
  return success();
}

LogicalResult AttentionBuilder::analyze() {
  stack = getStack(matched.divided ? *matched.divided : matched.result);
  for (const ScoreTerm &term : matched.terms)
    if (term.view.value)
      if (SmallVector<TensorSize> other = getStack(term.view); other.size() > stack.size())
        stack = std::move(other);
  Operation *before = last->getPrevNode();
  heads = chooseHeads();
  if (matched.terms.empty() || succeeded(analyzeTerms()))
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
  if (view.merged) {
    // Of the old result split only the type and the sizes count.
    View split = splitRows(view);
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

Value AttentionBuilder::buildQuery() {
  Value query = extend(toFourDimensions(matched.query));
  for (const RowFactor &factor : matched.rowFactors) {
    Value by = extend(toFourDimensions(addMatrixAxes(repeat(factor.view))));
    query = mapElements({query, by}, builder.getF32Type(),
                        [&](Location loc, ValueRange elements) -> Value {
                          if (factor.divides)
                            return arith::DivFOp::create(builder, loc, elements[0], elements[1]);
                          return arith::MulFOp::create(builder, loc, elements[0], elements[1]);
                        });
  }
  return query;
}

void AttentionBuilder::replace() {
  assertConditions(matched.conditions);
  MaskAnalysis::Operands operands;
  MaskAnalysis::Attributes attributes;
  if (mask) {
    attributes = mask->getAttributes();
    operands = mask->materialize(builder, loc);
  }
  Value query = buildQuery();
  int64_t group = getGroupSize();
  Value key = extend(toFourDimensions(matched.key, group));
  Value value = extend(toFourDimensions(matched.value, group));

  SmallVector<int64_t> shape;
  SmallVector<Value> dynamicSizes;
  for (auto [tensor, dimension] :
       {std::pair(query, 0), std::pair(query, 1), std::pair(query, 2), std::pair(value, 3)}) {
    shape.push_back(cast<RankedTensorType>(tensor.getType()).getDimSize(dimension));
    if (ShapedType::isDynamic(shape.back()))
      dynamicSizes.push_back(materialize(sizeOf(tensor, dimension)));
  }
  Value init = tensor::EmptyOp::create(builder, loc, shape, builder.getF32Type(), dynamicSizes);
  Value attention =
      AttentionOp::create(
          builder, loc, init.getType(), query, key, value, operands.keyValid, operands.mask,
          operands.bias, init, builder.getF64FloatAttr(matched.scale), attributes.band,
          EmptyRowAttr::get(builder.getContext(), attributes.emptyRow), DenseF32ArrayAttr())
          .getResult();
  replaceReshapes(attention);
  if (matched.result.value.use_empty())
    return;
  builder.setInsertionPoint(last);
  last->getResult(0).replaceAllUsesWith(fromFourDimensions(attention, matched.result));
}

/// Erases `root`, which is unused, and what only it used. Adds what was erased to `erased`.
static void eraseDeadOps(Operation *root, llvm::DenseSet<Operation *> &erased) {
  llvm::SetVector<Operation *> worklist;
  worklist.insert(root);
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val();
    if (!isOpTriviallyDead(op))
      continue;
    op->walk([&](Operation *nested) {
      for (Value operand : nested->getOperands())
        if (Operation *definition = operand.getDefiningOp())
          if (!op->isAncestor(definition))
            worklist.insert(definition);
    });
    erased.insert(op);
    op->erase();
  }
}

/// Erases ops whose results are not used, as arg-maxima that come along with maxima, so that they
/// do not count as uses of what they read.
static void eraseUnusedOps(Operation *root) {
  root->walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
}

/// Raises the candidate, or says why not.
static LogicalResult raise(const Candidate &candidate, std::string &reason) {
  AttentionMatcher matcher;
  auto build = [&](FailureOr<MatchedAttention> matched) -> LogicalResult {
    std::string why;
    if (failed(matched)) {
      why = matcher.getReason().str();
    } else {
      AttentionBuilder attention(*matched);
      if (succeeded(attention.analyze())) {
        attention.replace();
        return success();
      }
      why = attention.getReason().str();
    }
    if (reason.empty())
      reason = std::move(why);
    return failure();
  };
  if (auto attention = dyn_cast<tm_tensor::AttentionOp>(candidate.op))
    return build(matcher.match(attention));
  auto contraction = cast<linalg::LinalgOp>(candidate.op);
  return success(llvm::any_of(candidate.probabilities, [&](unsigned probabilities) {
    return succeeded(build(matcher.match(contraction, probabilities)));
  }));
}

namespace {
struct ConvertLinalgToSprint
    : public sprint::impl::ConvertLinalgToSprintBase<ConvertLinalgToSprint> {
  void runOnOperation() override {
    eraseUnusedOps(getOperation());
    llvm::DenseSet<Operation *> erased;
    for (const Candidate &candidate : CandidateFinder().find(getOperation())) {
      if (erased.contains(candidate.op))
        continue;
      std::string reason;
      if (failed(raise(candidate, reason))) {
        candidate.op->emitRemark() << "attention not raised: " << reason;
        ++numRefused;
        continue;
      }
      eraseDeadOps(candidate.op, erased);
      ++numRaised;
    }
  }
};
} // namespace
