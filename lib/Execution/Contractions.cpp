//===- Contractions.cpp - Sums of products handed to a library --------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Contractions.h"

#include "ContractionKernel.h"
#include "Sprint/Execution/Passes.h"

#include "mlir/Analysis/FlatLinearValueConstraints.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTHOSTFOLDINTOCONTRACTIONS
#define GEN_PASS_DEF_SPRINTHOSTLOWERCONTRACTIONS
#include "Sprint/Execution/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

//===----------------------------------------------------------------------===//
// Recognition
//===----------------------------------------------------------------------===//

static std::optional<FloatFormat> getFormat(Type type) {
  if (type.isF16())
    return FloatFormat::F16;
  if (type.isBF16())
    return FloatFormat::BF16;
  if (type.isF32())
    return FloatFormat::F32;
  if (type.isF64())
    return FloatFormat::F64;
  return std::nullopt;
}

/// Whether `value` is an argument of the block, possibly extended; its number is written to
/// `number`.
static bool isArgument(Value value, Block *body, unsigned &number) {
  if (auto extension = value.getDefiningOp<arith::ExtFOp>())
    value = extension.getIn();
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getOwner() != body)
    return false;
  number = argument.getArgNumber();
  return true;
}

/// Whether the body adds the product of its first two arguments to the third.
static bool addsProduct(Block *body) {
  auto isPair = [&](Value first, Value second) {
    unsigned left, right;
    return isArgument(first, body, left) && isArgument(second, body, right) && left + right == 1;
  };
  auto sum = body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum)
    return false;
  for (auto [addend, product] :
       {std::pair(sum.getLhs(), sum.getRhs()), std::pair(sum.getRhs(), sum.getLhs())}) {
    auto multiplication = product.getDefiningOp<arith::MulFOp>();
    if (addend == body->getArgument(2) && multiplication &&
        isPair(multiplication.getLhs(), multiplication.getRhs()))
      return true;
  }
  return false;
}

namespace {
/// An index that is linear in the loops.
struct LinearIndex {
  /// A coefficient for each loop, then the constant.
  SmallVector<int64_t> coefficients;
};
} // namespace

/// The results of `map`, if all are linear.
static FailureOr<SmallVector<LinearIndex>> getLinearIndices(AffineMap map) {
  SmallVector<LinearIndex> indices;
  for (AffineExpr result : map.getResults()) {
    LinearIndex index;
    // Floor divisions and remainders add columns of their own.
    if (map.getNumSymbols() != 0 ||
        failed(getFlattenedAffineExpr(result, map.getNumDims(), 0, &index.coefficients)) ||
        index.coefficients.size() != map.getNumDims() + 1)
      return failure();
    indices.push_back(std::move(index));
  }
  return indices;
}

bool sprint::isContraction(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getNumLoops() > kMaxContractionLoops || op->getNumRegions() != 1)
    return false;
  for (Value operand : op->getOperands()) {
    auto shaped = dyn_cast<ShapedType>(operand.getType());
    if (!shaped || !getFormat(shaped.getElementType()))
      return false;
  }
  auto getWidth = [&](unsigned operand) {
    return cast<ShapedType>(op->getOperand(operand).getType()).getElementTypeBitWidth();
  };
  if (getWidth(0) > getWidth(2) || getWidth(1) > getWidth(2) || !addsProduct(op.getBlock()))
    return false;
  return llvm::all_of(op.getIndexingMapsArray(),
                      [](AffineMap map) { return succeeded(getLinearIndices(map)); });
}

//===----------------------------------------------------------------------===//
// Transposes and broadcasts
//===----------------------------------------------------------------------===//

/// For an op that only moves elements: the tensor that it reads, and where an element of its result
/// comes from.
static std::optional<std::pair<Value, AffineMap>> getMove(Value value) {
  auto op = value.getDefiningOp<linalg::LinalgOp>();
  if (!op || op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() != 0)
    return std::nullopt;
  Block *body = op.getBlock();
  AffineMap source = op.getMatchingIndexingMap(op.getDpsInputOperand(0));
  AffineMap target = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (!target.isPermutation() || source.getNumSymbols() != 0 ||
      body->getTerminator()->getOperand(0) != body->getArgument(0) ||
      !llvm::hasSingleElement(*body))
    return std::nullopt;
  return std::pair(op.getDpsInputOperand(0)->get(), source.compose(inversePermutation(target)));
}

namespace {

/// Reads an input of a contraction where a transpose or broadcast took it from.
struct FoldMove : OpInterfaceRewritePattern<linalg::LinalgOp> {
  FoldMove(MLIRContext *context, PassStatistic &numFolded)
      : OpInterfaceRewritePattern(context), numFolded(numFolded) {}

  LogicalResult matchAndRewrite(linalg::LinalgOp op, PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics() || !isContraction(op))
      return rewriter.notifyMatchFailure(op, "expected a contraction of tensors");
    SmallVector<Value> inputs = op.getDpsInputs();
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    bool isChanged = false;
    for (auto [input, map] : llvm::zip(inputs, maps)) {
      std::optional<std::pair<Value, AffineMap>> move = getMove(input);
      if (!move)
        continue;
      AffineMap composed = move->second.compose(map);
      AffineMap previous = std::exchange(map, composed);
      // The sizes of the operands have to tell the trip counts of all loops.
      if (failed(getLinearIndices(composed)) ||
          !inversePermutation(concatAffineMaps(maps, op.getContext()))) {
        map = previous;
        continue;
      }
      input = move->first;
      isChanged = true;
      ++numFolded;
    }
    if (!isChanged)
      return rewriter.notifyMatchFailure(op, "expected a transposed or broadcast input");
    auto generic = linalg::GenericOp::create(rewriter, op.getLoc(), op->getResultTypes(), inputs,
                                             op.getDpsInits(), maps, op.getIteratorTypesArray());
    rewriter.cloneRegionBefore(op->getRegion(0), generic.getRegion(), generic.getRegion().end());
    rewriter.replaceOp(op, generic.getResults());
    return success();
  }

  PassStatistic &numFolded;
};

struct SprintHostFoldIntoContractions
    : mlir::sprint::impl::SprintHostFoldIntoContractionsBase<SprintHostFoldIntoContractions> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldMove>(&getContext(), numFolded);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

namespace {

/// Writes the Contraction of one op and calls the kernel with it.
class CallBuilder {
public:
  CallBuilder(linalg::LinalgOp op, func::FuncOp callee)
      : op(op), callee(callee), builder(op.getLoc(), op) {}

  void build() {
    int64_t numLoops = op.getNumLoops();
    constexpr int64_t kHeaderWords = offsetof(Contraction, loops) / sizeof(int64_t);
    constexpr int64_t kLoopWords = sizeof(ContractionLoop) / sizeof(int64_t);
    auto type = MemRefType::get({kHeaderWords + numLoops * kLoopWords}, builder.getI64Type());
    {
      // On the stack once, however often the op runs.
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(&op->getParentOfType<func::FuncOp>().getBody().front());
      words = memref::AllocaOp::create(builder, type);
    }

    bool overwrites = eraseZeroFill();
    SmallVector<SmallVector<Value>> strides;
    for (OpOperand &operand : op->getOpOperands())
      strides.push_back(writeOperand(operand));
    write(overwrites ? 1 : 0);
    write(numLoops);
    SmallVector<Range> ranges =
        cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(builder, op.getLoc());
    for (int64_t loop = 0; loop < numLoops; ++loop) {
      write(getValueOrCreateConstantIndexOp(builder, op.getLoc(), ranges[loop].size));
      for (ArrayRef<Value> operandStrides : strides)
        write(operandStrides[loop]);
    }
    Value pointer = memref::ExtractAlignedPointerAsIndexOp::create(builder, words);
    func::CallOp::create(builder, callee, toI64(pointer));
    op->erase();
  }

private:
  Value toI64(Value value) {
    return value.getType().isIndex()
               ? arith::IndexCastOp::create(builder, builder.getI64Type(), value).getResult()
               : value;
  }

  void write(Value value) {
    Value position = arith::ConstantIndexOp::create(builder, nextWord++);
    memref::StoreOp::create(builder, toI64(value), words, position);
  }
  void write(int64_t value) { write(arith::ConstantIntOp::create(builder, value, 64).getResult()); }

  /// Writes an operand; the number of elements by which it advances with each loop.
  SmallVector<Value> writeOperand(OpOperand &operand) {
    auto type = cast<MemRefType>(operand.get().getType());
    int64_t bytes = type.getElementTypeBitWidth() / 8;
    auto metadata = memref::ExtractStridedMetadataOp::create(builder, operand.get());
    FailureOr<SmallVector<LinearIndex>> indices =
        getLinearIndices(op.getMatchingIndexingMap(&operand));

    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(builder, value);
    };
    auto addScaled = [&](Value sum, Value stride, int64_t coefficient) -> Value {
      if (coefficient == 0)
        return sum;
      Value term = arith::MulIOp::create(builder, stride, constant(coefficient));
      return arith::AddIOp::create(builder, sum, term);
    };
    SmallVector<Value> strides(op.getNumLoops());
    for (auto [loop, stride] : llvm::enumerate(strides)) {
      stride = constant(0);
      for (auto [index, dimStride] : llvm::zip(*indices, metadata.getStrides()))
        stride = addScaled(stride, dimStride, index.coefficients[loop]);
    }
    Value offset = metadata.getOffset();
    for (auto [index, dimStride] : llvm::zip(*indices, metadata.getStrides()))
      offset = addScaled(offset, dimStride, index.coefficients.back());
    Value base = memref::ExtractAlignedPointerAsIndexOp::create(builder, operand.get());
    Value byteOffset = arith::MulIOp::create(builder, offset, constant(bytes));
    write(static_cast<int64_t>(*getFormat(type.getElementType())));
    write(arith::AddIOp::create(builder, base, byteOffset));
    return strides;
  }

  /// Whether the op before has filled the output with zeros; then that op is erased, as BLAS writes
  /// without reading.
  bool eraseZeroFill() {
    AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
    auto fill = dyn_cast_if_present<linalg::FillOp>(op->getPrevNode());
    if (!fill || fill.getDpsInits()[0] != op.getDpsInits()[0] || !map.isProjectedPermutation() ||
        !matchPattern(fill.getDpsInputs()[0], m_AnyZeroFloat()))
      return false;
    fill->erase();
    return true;
  }

  linalg::LinalgOp op;
  func::FuncOp callee;
  ImplicitLocOpBuilder builder;
  Value words;
  int64_t nextWord = 0;
};

struct SprintHostLowerContractions
    : mlir::sprint::impl::SprintHostLowerContractionsBase<SprintHostLowerContractions> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> contractions;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (op.hasPureBufferSemantics() && isContraction(op))
        contractions.push_back(op);
    });
    if (contractions.empty())
      return;
    ImplicitLocOpBuilder builder(getOperation().getLoc(), getOperation().getBodyRegion());
    auto callee = func::FuncOp::create(builder, kContractionSymbol,
                                       builder.getFunctionType(builder.getI64Type(), {}));
    callee.setPrivate();
    for (linalg::LinalgOp op : contractions)
      CallBuilder(op, callee).build();
    numLowered += contractions.size();
  }
};

} // namespace
