//===- DecomposeAttention.cpp - From one attention to integer steps -------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/Transforms/AttachedMachine.h"
#include "Sprint/Dialect/Sprint/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTDECOMPOSEATTENTION
#include "Sprint/Dialect/Sprint/Transforms/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

/// Size of dimension `dim` of a tensor, or ShapedType::kDynamic.
static int64_t sizeOf(Value tensor, int64_t dim) {
  return cast<RankedTensorType>(tensor.getType()).getDimSize(dim);
}

/// Why `attention` cannot run on `machine`; nothing where it can.
static std::optional<std::string> findObstacle(AttentionOp attention, ModuleOp module,
                                               const ::sprint::Machine &machine) {
  auto function = attention->getParentOfType<FunctionOpInterface>();
  if (!function || function->getParentOp() != module)
    return "expected it in a function of the outermost module";
  for (Value operand : {attention.getQuery(), attention.getKey(), attention.getValue()})
    if (llvm::is_contained(cast<RankedTensorType>(operand.getType()).getShape(), 0))
      return llvm::formatv("expected no size of zero, got {0}", operand.getType());
  int64_t heads = sizeOf(attention.getQuery(), 1), keyHeads = sizeOf(attention.getKey(), 1);
  if (ShapedType::isDynamic(heads) || ShapedType::isDynamic(keyHeads))
    return llvm::formatv("expected static numbers of heads, got {0} and {1}",
                         attention.getQuery().getType(), attention.getKey().getType());
  return findCapacityObstacle(machine, {/*headDim=*/sizeOf(attention.getKey(), 3),
                                        /*valueDim=*/sizeOf(attention.getValue(), 3),
                                        /*keys=*/sizeOf(attention.getKey(), 2)});
}

/// Whether the band of `attention` alone leaves every query a key, whatever the sizes may be where
/// they are not static.
static bool bandLeavesKeys(AttentionOp attention) {
  BandAttr band = attention.getBandAttr();
  if (!band)
    return true;
  // The first query is the one that the upper bound may leave without a key, the last query the one
  // for the lower bound.
  int64_t queries = sizeOf(attention.getQuery(), 2), keys = sizeOf(attention.getKey(), 2);
  bool areStatic = !ShapedType::isDynamic(queries) && !ShapedType::isDynamic(keys);
  bool isEnd = band.getAlign() == Align::End;
  std::optional<int64_t> lower = band.getLower(), upper = band.getUpper();
  bool lowerLeavesKey = !lower || (isEnd ? *lower <= 0 : areStatic && *lower <= keys - queries);
  bool upperLeavesKey = !upper || (isEnd ? areStatic && *upper >= queries - keys : *upper >= 0);
  return lowerLeavesKey && upperLeavesKey;
}

/// Whether a query of `attention` may be without any allowed key.
static bool mayHaveEmptyRows(AttentionOp attention) {
  return attention.getKeyValid() || attention.getMask() || attention.getBias() ||
         !bandLeavesKeys(attention);
}

namespace {

/// Builds the decomposition of one attention for one machine.
class Decomposition {
public:
  Decomposition(RewriterBase &rewriter, AttentionOp attention, const ::sprint::Widths &widths,
                bool dense)
      : rewriter(rewriter), attention(attention), loc(attention.getLoc()), widths(widths),
        dense(dense) {}

  /// Replaces the attention.
  void run() {
    rewriter.setInsertionPoint(attention);
    auto [queryCodes, queryStep] = quantize(attention.getQuery());
    auto [keyCodes, keyStep] = quantize(attention.getKey());
    auto [valueCodes, valueStep] = quantize(attention.getValue());
    query = queryCodes, key = keyCodes, value = valueCodes;

    auto perHead = cast<RankedTensorType>(queryStep.getType());
    Type thresholds = perHead.clone(rewriter.getI32Type());
    Type factors = perHead.clone(rewriter.getI64Type());
    parameters =
        ParametersOp::create(rewriter, loc, thresholds, factors, factors, queryStep, keyStep,
                             attention.getScaleAttr(), attention.getThresholdsAttr());
    if (attention.getBias())
      bias = quantizeBias(queryStep, keyStep);

    auto resultType = cast<RankedTensorType>(attention.getType());
    SmallVector<OpFoldResult> sizes = {size(query, 0), size(query, 1), size(query, 2),
                                       size(value, 3)};
    Value codes = tensor::EmptyOp::create(rewriter, loc, sizes, rewriter.getI32Type());
    codes = loopOver(0, {}, codes);
    Value output =
        DequantizeOp::create(rewriter, loc, resultType, codes, valueStep, attention.getInit());
    // The machine leaves zeros; which rows these are follows from the masks alone.
    FloatAttr maskedLogit = attention.getMaskedLogitAttr();
    bool isZero = attention.getEmptyRow() == EmptyRow::Zero && !maskedLogit;
    if (!isZero && mayHaveEmptyRows(attention))
      output = FillEmptyRowsOp::create(
          rewriter, loc, resultType, maskedLogit ? attention.getQuery() : Value(),
          maskedLogit ? attention.getKey() : Value(), attention.getValue(),
          attention.getOptionalInputs(), output, attention.getBandAttr(),
          attention.getEmptyRowAttr(), maskedLogit ? attention.getScaleAttr() : FloatAttr(),
          maskedLogit);
    rewriter.replaceOp(attention, output);
  }

private:
  std::pair<Value, Value> quantize(Value operand) {
    auto type = cast<RankedTensorType>(operand.getType());
    auto codes = type.clone(rewriter.getI8Type());
    auto step = RankedTensorType::get(type.getShape().take_front(2), type.getElementType());
    Nibble nibble = getNibble();
    auto op = QuantizeOp::create(rewriter, loc, codes, step, operand, nibble);
    return {op.getCodes(), op.getStep()};
  }

  /// Codes of the bias for each batch element and head, as their steps differ.
  Value quantizeBias(Value queryStep, Value keyStep) {
    auto type = cast<RankedTensorType>(attention.getBias().getType());
    auto heads = cast<RankedTensorType>(queryStep.getType());
    SmallVector<int64_t> shape(type.getShape());
    llvm::copy(heads.getShape(), shape.begin());
    return QuantizeBiasOp::create(
        rewriter, loc, RankedTensorType::get(shape, rewriter.getI32Type()), attention.getBias(),
        queryStep, keyStep, attention.getScaleAttr());
  }

  Nibble getNibble() const {
    return widths.nibble == ::sprint::Nibble::Centred ? Nibble::Centred : Nibble::Truncated;
  }

  OpFoldResult size(Value tensor, int64_t dim) {
    return tensor::getMixedSize(rewriter, loc, tensor, dim);
  }

  /// Loops over dimension `dim` of the query (batch, head, query), inside the loops with
  /// `counters`; returns the output codes.
  Value loopOver(int64_t dim, SmallVector<Value> counters, Value codes) {
    if (dim == 3)
      return computeRow(counters, codes);
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    Value extent = getValueOrCreateConstantIndexOp(rewriter, loc, size(query, dim));
    auto loop = scf::ForOp::create(rewriter, loc, zero, extent, one, codes);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(loop.getBody());
    counters.push_back(loop.getInductionVar());
    if (dim == 1)
      loadHead(counters);
    Value updated = loopOver(dim + 1, counters, loop.getRegionIterArg(0));
    scf::YieldOp::create(rewriter, loc, updated);
    return loop.getResult(0);
  }

  /// Slices of the keys and values of one head, and its parameters.
  void loadHead(ArrayRef<Value> counters) {
    int64_t heads = sizeOf(query, 1), keyHeads = sizeOf(key, 1);
    OpFoldResult keyHead = counters[1];
    if (heads != keyHeads) {
      AffineExpr head;
      bindDims(rewriter.getContext(), head);
      keyHead = affine::makeComposedFoldedAffineApply(
          rewriter, loc, head.floorDiv(heads / keyHeads), {counters[1]});
    }
    OpFoldResult zero = rewriter.getIndexAttr(0);
    headKey = slice(key, {counters[0], keyHead, zero}, size(key, 2));
    headValue = slice(value, {counters[0], keyHead, zero}, size(value, 2));
    auto extract = [&](Value perHead) -> Value {
      return tensor::ExtractOp::create(rewriter, loc, perHead, counters);
    };
    threshold = extract(parameters.getThreshold());
    multiplier = extract(parameters.getMultiplier());
    shift = extract(parameters.getShift());
  }

  /// Offsets, sizes and strides of `rows` tokens of one head from `position`: batch, head, token.
  void tokens(Value tensor, ArrayRef<OpFoldResult> position, OpFoldResult rows,
              SmallVector<OpFoldResult> &offsets, SmallVector<OpFoldResult> &sizes,
              SmallVector<OpFoldResult> &strides) {
    OpFoldResult zero = rewriter.getIndexAttr(0), one = rewriter.getIndexAttr(1);
    offsets = {position[0], position[1], position[2], zero};
    sizes = {one, one, rows, size(tensor, 3)};
    strides = {one, one, one, one};
  }

  /// The part of `tensor` with these offsets and sizes as a matrix of its last two dimensions, the
  /// others of which have size 1.
  Value sliceMatrix(Value tensor, ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes) {
    auto source = cast<RankedTensorType>(tensor.getType());
    SmallVector<int64_t> shape;
    SmallVector<Value> dynamic;
    dispatchIndexOpFoldResults(sizes.take_back(2), dynamic, shape);
    auto matrix = RankedTensorType::get(shape, source.getElementType());
    SmallVector<OpFoldResult> strides(sizes.size(), rewriter.getIndexAttr(1));
    return tensor::ExtractSliceOp::create(rewriter, loc, matrix, tensor, offsets, sizes, strides);
  }

  /// A matrix of tokens of one head.
  Value slice(Value tensor, ArrayRef<OpFoldResult> position, OpFoldResult rows) {
    SmallVector<OpFoldResult> offsets, sizes, strides;
    tokens(tensor, position, rows, offsets, sizes, strides);
    return sliceMatrix(tensor, offsets, sizes);
  }

  /// The row of a mask or of bias codes that belongs to a query, over `keys` keys.
  Value sliceRow(Value tensor, ArrayRef<OpFoldResult> position, OpFoldResult keys) {
    OpFoldResult zero = rewriter.getIndexAttr(0), one = rewriter.getIndexAttr(1);
    SmallVector<OpFoldResult> offsets(position);
    // What has size 1 is the same for all.
    for (auto [dim, offset] : llvm::enumerate(offsets))
      if (sizeOf(tensor, dim) == 1)
        offset = zero;
    offsets.push_back(zero);
    return sliceMatrix(tensor, offsets, {one, one, one, keys});
  }

  /// The steps of one query; returns the output codes with its row.
  Value computeRow(ArrayRef<Value> counters, Value codes) {
    Value row = counters[2];
    OpFoldResult zero = rewriter.getIndexAttr(0), one = rewriter.getIndexAttr(1);
    SmallVector<OpFoldResult> position(counters.begin(), counters.end());
    Value block = slice(query, position, one);
    OpFoldResult keys = size(headKey, 0);
    Value queries = getValueOrCreateConstantIndexOp(rewriter, loc, size(query, 2));
    SmallVector<Value> masks;
    if (Value keyValid = attention.getKeyValid())
      masks.push_back(sliceMatrix(keyValid, {position[0], zero}, {one, keys}));
    if (Value mask = attention.getMask())
      masks.push_back(sliceRow(mask, position, keys));
    Value biasRow, biasMultiplier, biasShift, channels;
    if (bias) {
      biasRow = sliceRow(bias, position, keys);
      biasMultiplier = multiplier;
      biasShift = shift;
      channels = getValueOrCreateConstantIndexOp(rewriter, loc, size(query, 3));
    }

    Value kept;
    if (dense) {
      Value rows = arith::ConstantIndexOp::create(rewriter, loc, 1);
      auto type = RankedTensorType::get(
          {1, cast<RankedTensorType>(headKey.getType()).getDimSize(0)}, rewriter.getI1Type());
      kept = AllowOp::create(
          rewriter, loc, type, rows, getValueOrCreateConstantIndexOp(rewriter, loc, keys), row,
          queries, masks, biasRow, biasMultiplier, biasShift, channels, attention.getBandAttr());
    } else {
      Value empty =
          tensor::EmptyOp::create(rewriter, loc, ArrayRef{one, keys}, rewriter.getI32Type());
      Value zero = arith::ConstantIntOp::create(rewriter, loc, rewriter.getI32Type(), 0);
      Value zeros = linalg::FillOp::create(rewriter, loc, zero, empty).getResult(0);
      Value scores = CrossbarScoreOp::create(rewriter, loc, zeros.getType(), block, headKey, zeros,
                                             getNibble());
      auto type = cast<RankedTensorType>(scores.getType()).clone(rewriter.getI1Type());
      kept = PruneOp::create(rewriter, loc, type, scores, threshold, row, queries, masks, biasRow,
                             biasMultiplier, biasShift, channels, attention.getBandAttr());
    }

    auto indices = RankedTensorType::get({ShapedType::kDynamic}, rewriter.getIndexType());
    auto owners = RankedTensorType::get({1, ShapedType::kDynamic}, rewriter.getI1Type());
    auto gather = GatherOp::create(rewriter, loc, indices, owners, kept);

    Value init = slice(codes, position, one);
    auto widthsAttr =
        WidthsAttr::get(rewriter.getContext(), widths.exponentFractionBits, widths.sumBits,
                        widths.probabilityBits, widths.accumulatorBits);
    Value output = RecomputeOp::create(rewriter, loc, init.getType(), block, headKey, headValue,
                                       gather.getIndices(), gather.getOwners(), multiplier, shift,
                                       biasRow, init, widthsAttr, /*corelets=*/IntegerAttr());
    SmallVector<OpFoldResult> offsets, sizes, strides;
    tokens(codes, position, one, offsets, sizes, strides);
    return tensor::InsertSliceOp::create(rewriter, loc, output, codes, offsets, sizes, strides);
  }

  RewriterBase &rewriter;
  AttentionOp attention;
  Location loc;
  const ::sprint::Widths &widths;
  bool dense;

  /// Codes of the operands; no bias where the attention has none.
  Value query, key, value, bias;
  ParametersOp parameters;
  /// The head that the innermost loops work on.
  Value headKey, headValue, threshold, multiplier, shift;
};

struct DecomposeAttention : mlir::sprint::impl::SprintDecomposeAttentionBase<DecomposeAttention> {
  using SprintDecomposeAttentionBase::SprintDecomposeAttentionBase;

  void runOnOperation() override {
    SmallVector<AttentionOp> attentions;
    getOperation().walk([&](AttentionOp op) { attentions.push_back(op); });
    if (attentions.empty())
      return;
    FailureOr<::sprint::Machine> machine = getAttachedMachine(getOperation());
    if (failed(machine))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    for (AttentionOp attention : attentions) {
      if (std::optional<std::string> obstacle = findObstacle(attention, getOperation(), *machine)) {
        attention.emitRemark("attention stays on the host: ") << *obstacle;
        ++numOnHost;
        continue;
      }
      Decomposition(rewriter, attention, machine->structure.widths, dense).run();
      ++numDecomposed;
    }
  }
};

} // namespace
