//===- DecomposeAttention.cpp - From one attention to integer steps -------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/Transforms/AttachedMachine.h"
#include "Sprint/Dialect/Sprint/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTDECOMPOSEATTENTION
#include "Sprint/Dialect/Sprint/Transforms/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

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

    auto resultType = cast<RankedTensorType>(attention.getType());
    SmallVector<OpFoldResult> sizes = {size(query, 0), size(query, 1), size(query, 2),
                                       size(value, 3)};
    Value codes = tensor::EmptyOp::create(rewriter, loc, sizes, rewriter.getI32Type());
    codes = loopOver(0, {}, codes);
    rewriter.replaceOpWithNewOp<DequantizeOp>(attention, resultType, codes, valueStep,
                                              attention.getInit());
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
    headKey = slice(key, counters, {}, size(key, 2));
    headValue = slice(value, counters, {}, size(value, 2));
    auto extract = [&](Value perHead) -> Value {
      return tensor::ExtractOp::create(rewriter, loc, perHead, counters);
    };
    threshold = extract(parameters.getThreshold());
    multiplier = extract(parameters.getMultiplier());
    shift = extract(parameters.getShift());
  }

  /// Offsets, sizes and strides of `rows` tokens from `row` of one head; all tokens where there is
  /// no row.
  void tokens(Value tensor, ArrayRef<Value> counters, std::optional<Value> row, OpFoldResult rows,
              SmallVector<OpFoldResult> &offsets, SmallVector<OpFoldResult> &sizes,
              SmallVector<OpFoldResult> &strides) {
    OpFoldResult zero = rewriter.getIndexAttr(0), one = rewriter.getIndexAttr(1);
    offsets = {counters[0], counters[1], row ? OpFoldResult(*row) : zero, zero};
    sizes = {one, one, rows, size(tensor, 3)};
    strides = {one, one, one, one};
  }

  /// A matrix of tokens of one head.
  Value slice(Value tensor, ArrayRef<Value> counters, std::optional<Value> row, OpFoldResult rows) {
    SmallVector<OpFoldResult> offsets, sizes, strides;
    tokens(tensor, counters, row, rows, offsets, sizes, strides);
    auto source = cast<RankedTensorType>(tensor.getType());
    SmallVector<int64_t> shape;
    SmallVector<Value> dynamic;
    dispatchIndexOpFoldResults({sizes[2], sizes[3]}, dynamic, shape);
    auto matrix = RankedTensorType::get(shape, source.getElementType());
    return tensor::ExtractSliceOp::create(rewriter, loc, matrix, tensor, offsets, sizes, strides);
  }

  /// The steps of one query; returns the output codes with its row.
  Value computeRow(ArrayRef<Value> counters, Value codes) {
    Value row = counters[2];
    OpFoldResult one = rewriter.getIndexAttr(1);
    Value block = slice(query, counters, row, one);
    OpFoldResult keys = size(headKey, 0);
    Value queries = getValueOrCreateConstantIndexOp(rewriter, loc, size(query, 2));

    Value kept;
    if (dense) {
      Value rows = arith::ConstantIndexOp::create(rewriter, loc, 1);
      auto type = RankedTensorType::get(
          {1, cast<RankedTensorType>(headKey.getType()).getDimSize(0)}, rewriter.getI1Type());
      kept = AllowOp::create(rewriter, loc, type, rows,
                             getValueOrCreateConstantIndexOp(rewriter, loc, keys), row, queries,
                             attention.getMaskAttr());
    } else {
      Value empty =
          tensor::EmptyOp::create(rewriter, loc, ArrayRef{one, keys}, rewriter.getI32Type());
      Value zero = arith::ConstantIntOp::create(rewriter, loc, rewriter.getI32Type(), 0);
      Value zeros = linalg::FillOp::create(rewriter, loc, zero, empty).getResult(0);
      Value scores = CrossbarScoreOp::create(rewriter, loc, zeros.getType(), block, headKey, zeros,
                                             getNibble());
      auto type = cast<RankedTensorType>(scores.getType()).clone(rewriter.getI1Type());
      kept = PruneOp::create(rewriter, loc, type, scores, threshold, row, queries,
                             attention.getMaskAttr());
    }

    auto indices = RankedTensorType::get({ShapedType::kDynamic}, rewriter.getIndexType());
    auto owners = RankedTensorType::get({1, ShapedType::kDynamic}, rewriter.getI1Type());
    auto gather = GatherOp::create(rewriter, loc, indices, owners, kept);

    Value init = slice(codes, counters, row, one);
    auto widthsAttr =
        WidthsAttr::get(rewriter.getContext(), widths.exponentFractionBits, widths.sumBits,
                        widths.probabilityBits, widths.accumulatorBits);
    Value output = RecomputeOp::create(rewriter, loc, init.getType(), block, headKey, headValue,
                                       gather.getIndices(), gather.getOwners(), multiplier, shift,
                                       init, widthsAttr, /*corelets=*/IntegerAttr());
    SmallVector<OpFoldResult> offsets, sizes, strides;
    tokens(codes, counters, row, one, offsets, sizes, strides);
    return tensor::InsertSliceOp::create(rewriter, loc, output, codes, offsets, sizes, strides);
  }

  RewriterBase &rewriter;
  AttentionOp attention;
  Location loc;
  const ::sprint::Widths &widths;
  bool dense;

  /// Codes of the operands.
  Value query, key, value;
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
      for (Value operand : {attention.getQuery(), attention.getKey(), attention.getValue()})
        if (llvm::is_contained(cast<RankedTensorType>(operand.getType()).getShape(), 0)) {
          attention.emitOpError("expected no size of zero, got ") << operand.getType();
          return signalPassFailure();
        }
      Decomposition(rewriter, attention, machine->structure.widths, dense).run();
      ++numDecomposed;
    }
  }
};

} // namespace
