//===- Selection.cpp - Which keys a block of queries keeps ------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// docs/numerics.md, section 4.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "SprintRuntime/NumericsConstants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint::lowering;

namespace {

/// Which keys a block's rows may keep, for generics whose first loops run over rows and keys.
class AllowedKeys {
public:
  template <typename OpTy>
  AllowedKeys(ImplicitLocOpBuilder &builder, OpTy op, OpFoldResult rows, OpFoldResult keys)
      : band(op.getBandAttr()), queries(op.getQueries()), masks(op.getMasks()),
        querySegments(op.getQuerySegments()), keySegments(op.getKeySegments()), bias(op.getBias()),
        multiplier(op.getMultiplier()), shift(op.getShift()) {
    offset = createBandOffset(builder, band, keys, op.getOf());
    if (!bias)
      return;
    Scalar channels(
        builder, builder.createOrFold<arith::IndexCastOp>(builder.getI64Type(), op.getChannels()));
    spread = channels << ::sprint::kScoreSpreadBits;
    SmallVector<Indexed> inputs;
    addRestrictions(inputs);
    largestBias = createGeneric(
        builder, inputs,
        {createFilled(builder, rows, builder.getI32IntegerAttr(::sprint::kMaskedBias)), {row}},
        [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
          Scalar largest = elements.consume_back(), code = elements.back();
          return select(testRestrictions(body, elements), largest.max(code), largest);
        });
  }

  /// Appends the operands that `test` wants.
  void addTo(SmallVectorImpl<Indexed> &inputs) const {
    addRestrictions(inputs);
    if (bias)
      inputs.push_back({largestBias, {row}});
  }

  /// Whether the key of the loops is allowed; takes its operands from the front of `elements`.
  Scalar test(ImplicitLocOpBuilder &body, ArrayRef<Scalar> &elements) const {
    if (!bias)
      return testRestrictions(body, elements);
    Scalar code = elements[masks.size() + (querySegments ? 2 : 0)];
    Scalar allowed = testRestrictions(body, elements);
    // Far below the row's largest no score lifts the key to a weight.
    Type i64 = body.getI64Type();
    Scalar largest = elements.consume_front().extend(i64);
    Scalar delta = largest - code.extend(i64) - Scalar(body, spread);
    Scalar ofRow = loopCounter(body, row);
    return allowed & (tableIndex(delta, ofRow.elementOf(multiplier, {ofRow}),
                                 ofRow.elementOf(shift, {ofRow})) < ::sprint::kZeroTableIndex);
  }

private:
  static constexpr int64_t row = 0, key = 1;

  /// Appends the operands that `testRestrictions` wants.
  void addRestrictions(SmallVectorImpl<Indexed> &inputs) const {
    for (Value mask : masks)
      inputs.push_back(indexRows(mask, row, key));
    if (querySegments)
      inputs.append({{querySegments, {row}}, {keySegments, {key}}});
    if (bias)
      inputs.push_back(indexRows(bias, row, key));
  }

  /// Whether the band, the masks and the bias of the key of the loops each allow it.
  Scalar testRestrictions(ImplicitLocOpBuilder &body, ArrayRef<Scalar> &elements) const {
    Scalar ofRow = loopCounter(body, row);
    Scalar diagonal = ofRow.elementOf(queries, {ofRow}) + Scalar(body, offset);
    Scalar allowed = isAllowed(band, diagonal, loopCounter(body, key));
    for ([[maybe_unused]] Value mask : masks)
      allowed = allowed & elements.consume_front();
    if (querySegments)
      allowed = allowed & (elements.consume_front() == elements.consume_front());
    if (bias)
      allowed = allowed & (int64_t(::sprint::kMaskedBias) < elements.consume_front());
    return allowed;
  }

  BandAttr band;
  /// Which query each row is, and what the band adds to find its diagonal.
  Value queries, offset;
  ValueRange masks;
  Value querySegments, keySegments, bias, multiplier, shift;
  /// With a bias, what scores can differ by, and the largest code of each row's allowed keys.
  Value spread, largestBias;
};

struct CrossbarScoreLowering : OpRewritePattern<CrossbarScoreOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CrossbarScoreOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    constexpr int64_t i = 0, j = 1, c = 2;
    int64_t rounding = op.getNibble() == Nibble::Centred ? ::sprint::kCentring : 0;
    Value scores = createGeneric(
        builder, {{op.getQuery(), {i, c}}, {op.getKey(), {j, c}}}, {op.getInit(), {i, j}},
        [&](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
          Scalar sum = elements[2];
          auto high = [&](Scalar code) {
            return (code.extend(sum.getType()) + rounding) >> ::sprint::kLowNibbleBits;
          };
          return sum + high(elements[0]) * high(elements[1]);
        });
    rewriter.replaceOp(op, scores);
    return success();
  }
};

struct PruneLowering : OpRewritePattern<PruneOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PruneOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Value scores = op.getScores();
    OpFoldResult rows = sizeOf(builder, scores, 0), keys = sizeOf(builder, scores, 1);
    Type i64 = rewriter.getI64Type();
    AllowedKeys allowed(builder, op, rows, keys);
    if (op.getBias())
      scores = addBias(builder, scores, op.getBias());

    // Where a row has no allowed key its maximum is meaningless, and nothing reads it.
    IntegerAttr lowest = rewriter.getI32IntegerAttr(std::numeric_limits<int32_t>::min());
    SmallVector<Indexed> inputs = {{scores, {i, j}}};
    allowed.addTo(inputs);
    Value maxima =
        createGeneric(builder, inputs, {createFilled(builder, rows, lowest), {i}},
                      [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                        Scalar score = elements.consume_front(), maximum = elements.consume_back();
                        return select(allowed.test(body, elements), maximum.max(score), maximum);
                      });

    // The number of retries is the bit length of what the maximum lacks.
    Value thresholds = createGeneric(
        builder, {{maxima, {i}}, {op.getThreshold(), {i}}}, {createEmpty(builder, rows, i64), {i}},
        [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
          Scalar threshold = elements[1].extend(i64);
          Scalar lack = (threshold - elements[0].extend(i64)).atLeast(0);
          Scalar leadingZeros = lack.with(math::CountLeadingZerosOp::create(body, lack));
          Scalar retries = 64 - leadingZeros;
          return threshold - ((lack.constant(int64_t(1)) << retries) - 1);
        });

    inputs = {{scores, {i, j}}, {thresholds, {i}}};
    allowed.addTo(inputs);
    Value kept = createGeneric(
        builder, inputs, {createEmpty(builder, {rows, keys}, rewriter.getI1Type()), {i, j}},
        [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
          Scalar score = elements.consume_front(), threshold = elements.consume_front();
          return allowed.test(body, elements) & (score.extend(i64) >= threshold);
        });
    rewriter.replaceOp(op, castTo(builder, kept, op.getType()));
    return success();
  }

private:
  static constexpr int64_t i = 0, j = 1;

  /// The approximate scores with the bias, of which a unit of theirs is kApproximateUnit.
  static Value addBias(ImplicitLocOpBuilder &builder, Value scores, Value bias) {
    constexpr int bits = 2 * ::sprint::kLowNibbleBits;
    SmallVector<OpFoldResult> sizes = {sizeOf(builder, scores, 0), sizeOf(builder, scores, 1)};
    return createGeneric(builder, {{scores, {i, j}}, indexRows(bias, i, j)},
                         {createEmpty(builder, sizes, builder.getI32Type()), {i, j}},
                         [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                           constexpr int64_t half = ::sprint::kApproximateUnit / 2;
                           return elements[0] + ((elements[1] + half) >> bits);
                         });
  }
};

struct AllowLowering : OpRewritePattern<AllowOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AllowOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    constexpr int64_t i = 0, j = 1;
    SmallVector<OpFoldResult> sizes = {sizeOf(builder, op.getQueries(), 0),
                                       getAsOpFoldResult(op.getKeys())};
    AllowedKeys allowed(builder, op, sizes[0], sizes[1]);
    SmallVector<Indexed> inputs;
    allowed.addTo(inputs);
    Value kept =
        createGeneric(builder, inputs, {createEmpty(builder, sizes, rewriter.getI1Type()), {i, j}},
                      [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                        return allowed.test(body, elements);
                      });
    rewriter.replaceOp(op, castTo(builder, kept, op.getType()));
    return success();
  }
};

struct GatherLowering : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    constexpr int64_t i = 0, j = 1;
    Value kept = op.getKept();
    OpFoldResult rows = sizeOf(builder, kept, 0), keys = sizeOf(builder, kept, 1);

    Value any = createGeneric(builder, {{kept, {i, j}}},
                              {createFilled(builder, keys, rewriter.getBoolAttr(false)), {j}},
                              [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                                return elements[0] | elements[1];
                              });

    // Every key goes to the end of the list, which grows past it only if it is kept: the list is
    // never longer than the keys seen, so this stays in bounds.
    Value zero = arith::ConstantIndexOp::create(builder, 0);
    Value one = arith::ConstantIndexOp::create(builder, 1);
    Value list = createEmpty(builder, keys, rewriter.getIndexType());
    Value numKeys = getValueOrCreateConstantIndexOp(builder, builder.getLoc(), keys);
    auto loop = scf::ForOp::create(
        builder, zero, numKeys, one, ValueRange{list, zero},
        [&](OpBuilder &nested, Location loc, Value key, ValueRange carried) {
          ImplicitLocOpBuilder body(loc, nested);
          Value extended = tensor::InsertOp::create(body, key, carried[0], carried[1]);
          Value isKept = tensor::ExtractOp::create(body, any, key);
          Value longer = arith::AddIOp::create(body, carried[1], one);
          Value length = arith::SelectOp::create(body, isKept, longer, carried[1]);
          scf::YieldOp::create(body, ValueRange{extended, length});
        });
    OpFoldResult length = loop.getResult(1);
    Value indices = tensor::ExtractSliceOp::create(builder, loop.getResult(0),
                                                   OpFoldResult(rewriter.getIndexAttr(0)), length,
                                                   OpFoldResult(rewriter.getIndexAttr(1)));

    constexpr int64_t n = 1;
    Value owners =
        createGeneric(builder, {{indices, {n}}},
                      {createEmpty(builder, {rows, length}, rewriter.getI1Type()), {i, n}},
                      [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                        return elements[0].elementOf(kept, {loopCounter(body, i), elements[0]});
                      });
    rewriter.replaceOp(op, {castTo(builder, indices, op.getIndices().getType()),
                            castTo(builder, owners, op.getOwners().getType())});
    return success();
  }
};

} // namespace

void lowering::populateSelectionPatterns(RewritePatternSet &patterns) {
  patterns.add<CrossbarScoreLowering, PruneLowering, AllowLowering, GatherLowering>(
      patterns.getContext());
}
