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
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
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
/// A contraction that may be the last one of an attention.
struct Candidate {
  linalg::LinalgOp contraction;
  /// Its inputs that come from a softmax of another contraction's result.
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
    /// An exponential.
    Exponential = 1,
    /// A sum of exponentials over a dimension, or a named softmax.
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
    uint8_t trace = traces.lookup(op);
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
      if (linalg::isaContractionOpInterface(linalgOp)) {
        visitContraction(linalgOp);
        return;
      }
      for (OpOperand *input : linalgOp.getDpsInputOperands())
        trace |= traceOf(input->get());
      for (Operation &inBody : *linalgOp.getBlock()) {
        if (isa<math::ExpOp, math::Exp2Op>(inBody))
          trace |= Exponential;
        if (isa<arith::AddFOp>(inBody) && linalgOp.getNumReductionLoops() > 0 &&
            (trace & Exponential))
          trace |= Sum;
      }
    } else if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op)) {
      trace |= traceOf(softmax.getInput()) | Sum;
    } else if (isa_and_nonnull<tensor::TensorDialect>(op->getDialect())) {
      for (Value operand : op->getOperands())
        trace |= traceOf(operand);
    }
    if (trace)
      traces[op] = trace;
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
      : matched(matched), contraction(matched.result.value.getDefiningOp()), builder(contraction),
        loc(contraction->getLoc()) {}

  /// Replaces all uses of the result. The old ops stay, unused.
  void replace();

private:
  /// The sizes of a view's batch axes as `[B, H]`.
  using Heads = std::array<TensorSize, 2>;

  /// How the stack of matrices divides into batch and heads: as in the first operand that is
  /// four-dimensional, else everything is heads.
  Heads chooseHeads();
  /// Whether the stack of the view, outermost dimension first in `order`, is divided as `heads`
  /// does.
  bool isDividedAsHeads(const View &view, ArrayRef<int64_t> order) const;

  Value transpose(Value tensor, ArrayRef<int64_t> permutation);
  Value expand(Value tensor, ArrayRef<ReassociationIndices> groups, ArrayRef<TensorSize> sizes);
  /// The operand as `[B, H, rows, columns]`.
  Value toFourDimensions(const View &view);
  /// From `[B, H, rows, columns]` to the shape of the view.
  Value fromFourDimensions(Value tensor, const View &view);
  Value castTo(Value tensor, Type type);
  /// The size as a value in front of the contraction, one for equal sizes.
  Value materialize(const TensorSize &size);
  /// Replaces results of reshapes of the old result that have the attention's own shape.
  void replaceReshapes(Value attention);

  const MatchedAttention &matched;
  Operation *contraction;
  OpBuilder builder;
  Location loc;
  Heads heads;
  SmallVector<std::pair<TensorSize, Value>> materialized;
};
} // namespace

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
  for (const View *view : {&matched.query, &matched.key, &matched.value})
    if (view->isFourDimensional())
      return {sizeOf(view->value, 0), sizeOf(view->value, 1)};
  SmallVector<int64_t> batch = getBatchDimensions(matched.result);
  TensorSize one{1, Value(), -1};
  switch (batch.size()) {
  case 0:
    return {one, one};
  case 1:
    return {one, sizeOf(matched.result.value, batch[0])};
  default: {
    // Everything but the outermost axis is heads, as in [batch, groups, heads of a group].
    Value count;
    int64_t constant = 1;
    for (int64_t dimension : llvm::drop_begin(batch)) {
      TensorSize size = sizeOf(matched.result.value, dimension);
      if (int64_t product = 0;
          size.isConstant() && !llvm::MulOverflow(constant, size.constant, product)) {
        constant = product;
        continue;
      }
      Value factor = materialize(size);
      count = count ? arith::MulIOp::create(builder, loc, count, factor) : factor;
    }
    TensorSize outer = sizeOf(matched.result.value, batch[0]);
    if (!count)
      return {outer, TensorSize{constant, Value(), -1}};
    Value scale = arith::ConstantIndexOp::create(builder, loc, constant);
    count = arith::MulIOp::create(builder, loc, count, scale);
    return {outer, TensorSize{ShapedType::kDynamic, count, -1}};
  }
  }
}

bool AttentionBuilder::isDividedAsHeads(const View &view, ArrayRef<int64_t> order) const {
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

Value AttentionBuilder::toFourDimensions(const View &view) {
  SmallVector<int64_t> order = getCanonicalOrder(view);
  Value tensor = transpose(view.value, order);
  if (isDividedAsHeads(view, order))
    return tensor;
  int64_t outer = static_cast<int64_t>(order.size()) - 2;
  if (outer == 0)
    return expand(tensor, {{0, 1, 2}, {3}},
                  {heads[0], heads[1], sizeOf(tensor, 0), sizeOf(tensor, 1)});
  if (outer > 1)
    tensor = tensor::CollapseShapeOp::create(builder, loc, tensor, getOuterGroups(outer));
  return expand(tensor, getOuterGroups(2),
                {heads[0], heads[1], sizeOf(tensor, 1), sizeOf(tensor, 2)});
}

Value AttentionBuilder::fromFourDimensions(Value tensor, const View &view) {
  SmallVector<int64_t> order = getCanonicalOrder(view);
  int64_t outer = static_cast<int64_t>(order.size()) - 2;
  if (outer == 0) {
    tensor = tensor::CollapseShapeOp::create(builder, loc, tensor,
                                             ArrayRef<ReassociationIndices>{{0, 1, 2}, {3}});
  } else if (!isDividedAsHeads(view, order)) {
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
  for (Operation *user : llvm::make_early_inc_range(matched.result.value.getUsers())) {
    if (!isa<tensor::ExpandShapeOp, tensor::ReshapeOp>(user))
      continue;
    // Seen as the attention's own result, the reshape must lead back to the old result.
    View reshaped{user->getResult(0), {}, 1.0, {}};
    if (cast<RankedTensorType>(reshaped.value.getType()).getRank() != 4)
      continue;
    reshaped.axes = {
        {Axis::Kind::Batch, 0}, {Axis::Kind::Batch, 1}, {Axis::Kind::Row}, {Axis::Kind::Column}};
    normalize(reshaped);
    View source = reshaped;
    if (failed(lookThroughView(source)) || !source.isSameAs(matched.result) ||
        !source.conditions.empty() || !isDividedAsHeads(reshaped, {0, 1, 2, 3}))
      continue;
    builder.setInsertionPoint(user);
    reshaped.value.replaceAllUsesWith(castTo(attention, reshaped.value.getType()));
    user->erase();
  }
}

void AttentionBuilder::replace() {
  heads = chooseHeads();
  for (const SizeEquality &condition : matched.conditions) {
    Value left = materialize(condition.left);
    Value right = materialize(condition.right);
    Value equal = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, left, right);
    cf::AssertOp::create(builder, loc, equal,
                         "expected equal sizes, as in the attention that was raised");
  }
  Value query = toFourDimensions(matched.query);
  Value key = toFourDimensions(matched.key);
  Value value = toFourDimensions(matched.value);

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
      AttentionOp::create(builder, loc, init.getType(), query, key, value, init,
                          builder.getF64FloatAttr(matched.scale), BandAttr(), DenseF32ArrayAttr())
          .getResult();
  replaceReshapes(attention);
  if (matched.result.value.use_empty())
    return;
  builder.setInsertionPoint(contraction);
  contraction->getResult(0).replaceAllUsesWith(fromFourDimensions(attention, matched.result));
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

namespace {
struct ConvertLinalgToSprint
    : public sprint::impl::ConvertLinalgToSprintBase<ConvertLinalgToSprint> {
  void runOnOperation() override {
    AttentionMatcher matcher;
    llvm::DenseSet<Operation *> erased;
    for (const Candidate &candidate : CandidateFinder().find(getOperation())) {
      Operation *contraction = candidate.contraction;
      if (erased.contains(contraction))
        continue;
      std::string reason;
      FailureOr<MatchedAttention> matched = failure();
      for (unsigned probabilities : candidate.probabilities) {
        matched = matcher.match(candidate.contraction, probabilities);
        if (succeeded(matched))
          break;
        if (reason.empty())
          reason = matcher.getReason();
      }
      if (failed(matched)) {
        contraction->emitRemark() << "attention not raised: " << reason;
        ++numRefused;
        continue;
      }
      AttentionBuilder(*matched).replace();
      eraseDeadOps(contraction, erased);
      ++numRaised;
    }
  }
};
} // namespace
