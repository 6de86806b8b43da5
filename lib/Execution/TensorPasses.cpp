//===- TensorPasses.cpp - What is done before there are buffers -------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Contractions.h"
#include "RewriteCounter.h"
#include "Sprint/Execution/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTHOSTDECOMPOSETENSORS
#define GEN_PASS_DEF_SPRINTHOSTFUSEELEMENTWISE
#define GEN_PASS_DEF_SPRINTHOSTSPLITDESTINATIONS
#define GEN_PASS_DEF_SPRINTHOSTSPLITREADERS
#include "Sprint/Execution/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

namespace {

/// Replaces an op by those that it is said to stand for.
struct DecomposeAggregate : OpInterfaceRewritePattern<linalg::AggregatedOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::AggregatedOpInterface op,
                                PatternRewriter &rewriter) const override {
    FailureOr<SmallVector<Value>> results = op.decomposeOperation(rewriter);
    if (failed(results))
      return rewriter.notifyMatchFailure(op, "expected an op that decomposes");
    rewriter.replaceOp(op, *results);
    return success();
  }
};

/// Reads the elements of a gather one by one; upstream has no lowering of it.
struct LowerGather : OpRewritePattern<tensor::GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::GatherOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value source = op.getSource(), indices = op.getIndices();
    RankedTensorType type = op.getResultType();
    ArrayRef<int64_t> gathered = op.getGatherDims();
    int64_t numBatchDims = op.getIndicesType().getRank() - 1;
    // The dimension of the result that each of the source is, where there is one: those that are
    // gathered may be missing.
    bool isReduced = numBatchDims + op.getSourceType().getRank() != type.getRank();
    SmallVector<std::optional<int64_t>> places;
    int64_t next = numBatchDims;
    for (int64_t dim = 0; dim < op.getSourceType().getRank(); ++dim)
      places.push_back(isReduced && llvm::is_contained(gathered, dim) ? std::nullopt
                                                                      : std::optional(next++));
    SmallVector<Value> sizes;
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (!type.isDynamicDim(dim))
        continue;
      bool isOfIndices = dim < numBatchDims;
      int64_t of = isOfIndices ? dim : std::distance(places.begin(), llvm::find(places, dim));
      sizes.push_back(
          tensor::DimOp::create(rewriter, loc, isOfIndices ? indices : source, of).getResult());
    }
    Value empty = tensor::EmptyOp::create(rewriter, loc, type, sizes);
    SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
    auto generic = linalg::GenericOp::create(
        rewriter, loc, type, ValueRange(), empty, rewriter.getMultiDimIdentityMap(type.getRank()),
        iterators, [&](OpBuilder &builder, Location loc, ValueRange) {
          auto indexOf = [&](int64_t dim) -> Value {
            return linalg::IndexOp::create(builder, loc, dim);
          };
          SmallVector<Value> batch = llvm::map_to_vector(llvm::seq(numBatchDims), indexOf);
          SmallVector<Value> place;
          for (auto [dim, own] : llvm::enumerate(places)) {
            auto found = llvm::find(gathered, static_cast<int64_t>(dim));
            if (found == gathered.end()) {
              place.push_back(indexOf(*own));
              continue;
            }
            batch.push_back(arith::ConstantIndexOp::create(builder, loc,
                                                           std::distance(gathered.begin(), found)));
            Value index = tensor::ExtractOp::create(builder, loc, indices, batch);
            batch.pop_back();
            if (!index.getType().isIndex())
              index = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), index);
            place.push_back(index);
          }
          Value element = tensor::ExtractOp::create(builder, loc, source, place);
          linalg::YieldOp::create(builder, loc, element);
        });
    rewriter.replaceOp(op, generic.getResults());
    return success();
  }
};

/// Reinterprets each element by itself; upstream bufferizes no such op.
struct LowerBitcast : OpRewritePattern<tensor::BitcastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::BitcastOp op, PatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op.getType());
    auto isNumber = [](Type tensor) { return getElementTypeOrSelf(tensor).isSignlessIntOrFloat(); };
    if (!type || !isNumber(type) || !isNumber(op.getSource().getType()))
      return rewriter.notifyMatchFailure(op, "expected elements that arith can reinterpret");
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, type, op.getSource());
    return success();
  }
};

/// Tells what a float is by a comparison; upstream lowers only some of these ops.
struct LowerIsInf : OpRewritePattern<math::IsInfOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::IsInfOp op, PatternRewriter &rewriter) const override {
    Type type = op.getOperand().getType();
    auto element = dyn_cast<FloatType>(getElementTypeOrSelf(type));
    if (!element)
      return rewriter.notifyMatchFailure(op, "expected floats");
    TypedAttr infinity =
        rewriter.getFloatAttr(element, APFloat::getInf(element.getFloatSemantics()));
    if (auto shaped = dyn_cast<ShapedType>(type)) {
      if (!shaped.hasStaticShape())
        return rewriter.notifyMatchFailure(op, "expected a static shape");
      infinity = SplatElementsAttr::get(shaped, infinity);
    }
    Value magnitude = math::AbsFOp::create(rewriter, op.getLoc(), op.getOperand());
    Value constant = arith::ConstantOp::create(rewriter, op.getLoc(), infinity);
    rewriter.replaceOpWithNewOp<arith::CmpFOp>(op, arith::CmpFPredicate::OEQ, magnitude, constant);
    return success();
  }
};

/// The lower of the upper bound and what is at least the lower bound; upstream's expansion takes
/// the operands in another order.
struct LowerClamp : OpRewritePattern<math::ClampFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::ClampFOp op, PatternRewriter &rewriter) const override {
    Value raised = arith::MaximumFOp::create(rewriter, op.getLoc(), op.getValue(), op.getMin());
    rewriter.replaceOpWithNewOp<arith::MinimumFOp>(op, raised, op.getMax());
    return success();
  }
};

/// Pads, reshapes and transposes instead of packing.
struct LowerPack : OpRewritePattern<linalg::PackOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::PackOp op, PatternRewriter &rewriter) const override {
    return linalg::lowerPack(rewriter, op);
  }
};

/// Transposes, reshapes and slices instead of unpacking.
struct LowerUnPack : OpRewritePattern<linalg::UnPackOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::UnPackOp op, PatternRewriter &rewriter) const override {
    return linalg::lowerUnPack(rewriter, op);
  }
};

/// Rounds f64 to bf16 by way of f32, as PyTorch does; neither the host nor its library does it at
/// once.
struct LowerTruncation : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    if (!op.getIn().getType().isF64() || !op.getType().isBF16())
      return rewriter.notifyMatchFailure(op, "expected f64 and bf16");
    Value single =
        arith::TruncFOp::create(rewriter, op.getLoc(), rewriter.getF32Type(), op.getIn());
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(), single);
    return success();
  }
};

struct SprintHostDecomposeTensors
    : mlir::sprint::impl::SprintHostDecomposeTensorsBase<SprintHostDecomposeTensors> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<DecomposeAggregate, LowerBitcast, LowerClamp, LowerGather, LowerIsInf, LowerPack,
                 LowerTruncation, LowerUnPack>(&getContext());
    linalg::populateElementwiseToLinalgConversionPatterns(patterns);
    tensor::populateDecomposeTensorConcatPatterns(patterns);
    RewriteCounter counter(numDecomposed);
    GreedyRewriteConfig config;
    config.setListener(&counter);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};

/// Whether each element of the operand's producer is read in one iteration of one op only.
bool isReadOnce(OpOperand *operand) {
  auto consumer = cast<linalg::LinalgOp>(operand->getOwner());
  return consumer.getMatchingIndexingMap(operand).isPermutation() &&
         llvm::all_of(operand->get().getUsers(), [&](Operation *user) { return user == consumer; });
}

struct SprintHostFuseElementwise
    : mlir::sprint::impl::SprintHostFuseElementwiseBase<SprintHostFuseElementwise> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, [](OpOperand *operand) {
      return isReadOnce(operand) && !isContraction(cast<linalg::LinalgOp>(operand->getOwner()));
    });
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    RewriteCounter counter(numRewritten);
    GreedyRewriteConfig config;
    config.setListener(&counter);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};

struct SprintHostSplitDestinations
    : mlir::sprint::impl::SprintHostSplitDestinationsBase<SprintHostSplitDestinations> {
  void runOnOperation() override {
    SmallVector<linalg::FillOp> fills;
    SmallVector<LoopLikeOpInterface> loops;
    SmallVector<tensor::EmptyOp> empties;
    getOperation()->walk([&](Operation *op) {
      if (auto empty = dyn_cast<tensor::EmptyOp>(op); empty && !empty->use_empty())
        empties.push_back(empty);
      auto fill = dyn_cast<linalg::FillOp>(op);
      if (fill && fill.hasPureTensorSemantics() &&
          fill.getOutputs()[0].getDefiningOp<tensor::EmptyOp>())
        fills.push_back(fill);
      if (auto loop = dyn_cast<LoopLikeOpInterface>(op))
        loops.push_back(loop);
    });
    for (linalg::FillOp fill : fills)
      for (OpOperand &use : llvm::make_early_inc_range(fill->getUses())) {
        // Elsewhere it may be needed where its user does not run.
        if (use.getOwner()->getBlock() != fill->getBlock())
          continue;
        OpBuilder builder(use.getOwner());
        IRMapping mapping;
        builder.clone(*fill.getOutputs()[0].getDefiningOp(), mapping);
        use.set(builder.clone(*fill, mapping)->getResult(0));
        ++numSplit;
      }
    for (tensor::EmptyOp empty : empties) {
      SmallVector<OpOperand *> destinations;
      for (OpOperand &use : empty->getUses())
        if (auto user = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
            user && user.isDpsInit(&use) && empty->getBlock()->findAncestorOpInBlock(*user))
          destinations.push_back(&use);
      if (destinations.empty())
        continue;
      // The list begins with the use that was added last.
      std::reverse(destinations.begin(), destinations.end());
      for (OpOperand *use : llvm::drop_begin(destinations)) {
        OpBuilder builder(empty->getBlock()->findAncestorOpInBlock(*use->getOwner()));
        use->set(builder.clone(*empty)->getResult(0));
        ++numSplit;
      }
    }
    for (LoopLikeOpInterface loop : loops)
      for (OpOperand &init : loop.getInitsMutable()) {
        auto empty = init.get().getDefiningOp<tensor::EmptyOp>();
        if (!empty || empty->hasOneUse())
          continue;
        OpBuilder builder(loop);
        init.set(builder.clone(*empty)->getResult(0));
        ++numSplit;
      }
  }
};

/// What `tensor` is a part or another shape of, as far as is known.
Value getViewed(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  while (isa_and_nonnull<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp,
                         tensor::ExtractSliceOp>(op)) {
    tensor = op->getOperand(0);
    op = tensor.getDefiningOp();
  }
  return tensor;
}

/// Whether nobody may write to the memory that a tensor will have.
bool isReadOnly(Value tensor) {
  Value viewed = getViewed(tensor);
  if (auto argument = dyn_cast<BlockArgument>(viewed)) {
    auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
    if (!function || !argument.getOwner()->isEntryBlock() ||
        !isa<RankedTensorType>(argument.getType()))
      return false;
    auto writable = function.getArgAttrOfType<BoolAttr>(
        argument.getArgNumber(), bufferization::BufferizationDialect::kWritableAttrName);
    return writable && !writable.getValue();
  }
  if (auto toTensor = viewed.getDefiningOp<bufferization::ToTensorOp>())
    return !toTensor.getWritable();
  return viewed.getDefiningOp<arith::ConstantOp>() != nullptr;
}

struct SprintHostSplitReaders
    : mlir::sprint::impl::SprintHostSplitReadersBase<SprintHostSplitReaders> {
  using SprintHostSplitReadersBase::SprintHostSplitReadersBase;

  void runOnOperation() override {
    SmallVector<Value> tensors;
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      for (Region &region : op->getRegions())
        for (Block &block : region)
          llvm::append_range(tensors, block.getArguments());
      llvm::append_range(tensors, op->getResults());
    });
    // Views come first: each one that is made is a reader of what it is a view of.
    for (Value tensor : llvm::reverse(tensors))
      if (isa<RankedTensorType, UnrankedTensorType>(tensor.getType()) &&
          tensor.hasNUsesOrMore(maxReaders + 1) && isReadOnly(tensor))
        split(tensor);
  }

  void split(Value tensor) {
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfterValue(tensor);
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : tensor.getUses())
      uses.push_back(&use);
    // The list begins with the use that was added last.
    std::reverse(uses.begin(), uses.end());
    auto argument = dyn_cast<BlockArgument>(tensor);
    Value buffer;
    if (argument) {
      auto type = cast<RankedTensorType>(tensor.getType());
      buffer = bufferization::ToBufferOp::create(
          builder, tensor.getLoc(), MemRefType::get(type.getShape(), type.getElementType()), tensor,
          /*read_only=*/true);
    }
    for (unsigned index = argument ? 0 : maxReaders; index < uses.size(); index += maxReaders) {
      Value another;
      if (argument)
        another = bufferization::ToTensorOp::create(builder, tensor.getLoc(), tensor.getType(),
                                                    buffer, /*restrict=*/true);
      else
        another = builder.clone(*tensor.getDefiningOp())->getResult(0);
      for (OpOperand *use : ArrayRef(uses).drop_front(index).take_front(maxReaders))
        use->set(another);
      ++numSplit;
    }
  }
};

} // namespace
