//===- Attention.cpp - sprint.attention as a softmax of floats --------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint::lowering;

namespace {

struct AttentionLowering : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    // Loops over batch, head, query, key and channel.
    constexpr int64_t b = 0, h = 1, i = 2, j = 3, c = 4;
    Value query = op.getQuery(), key = op.getKey(), value = op.getValue();
    OpFoldResult batches = sizeOf(builder, query, 0), heads = sizeOf(builder, query, 1);
    OpFoldResult queries = sizeOf(builder, query, 2), keys = sizeOf(builder, key, 2);
    Attribute zero = rewriter.getF32FloatAttr(0);
    Attribute minusInfinity = rewriter.getF32FloatAttr(-std::numeric_limits<float>::infinity());

    Value products = createGeneric(
        builder, {{query, {b, h, i, c}}, {key, {b, h, j, c}}},
        {createFilled(builder, {batches, heads, queries, keys}, cast<TypedAttr>(zero)),
         {b, h, i, j}},
        [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
          return elements[2] + elements[0] * elements[1];
        });

    BandAttr mask = op.getMaskAttr();
    Value offset = createBandOffset(builder, mask, keys, queries);
    double scale = op.getScale().convertToDouble();
    Value logits =
        createGeneric(builder, {}, {products, {b, h, i, j}},
                      [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                        Scalar product = elements[0];
                        Scalar diagonal = loopCounter(body, i) + Scalar(body, offset);
                        return select(isAllowed(mask, diagonal, loopCounter(body, j)),
                                      product * product.constant(scale),
                                      product.constant(-std::numeric_limits<double>::infinity()));
                      });

    SmallVector<OpFoldResult> rows = {batches, heads, queries};
    Value maxima =
        createGeneric(builder, {{logits, {b, h, i, j}}},
                      {createFilled(builder, rows, cast<TypedAttr>(minusInfinity)), {b, h, i}},
                      [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                        return elements[1].max(elements[0]);
                      });

    // A row without an allowed key has no finite maximum; shifted by zero its exponentials are
    // zeros.
    Value exponentials =
        createGeneric(builder, {{maxima, {b, h, i}}}, {logits, {b, h, i, j}},
                      [](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                        Scalar maximum = elements[0], logit = elements[1];
                        Scalar none =
                            maximum == maximum.constant(-std::numeric_limits<double>::infinity());
                        Scalar shift = select(none, maximum.constant(0.0), maximum);
                        return math::ExpOp::create(body, logit - shift);
                      });

    Value sums = createGeneric(builder, {{exponentials, {b, h, i, j}}},
                               {createFilled(builder, rows, cast<TypedAttr>(zero)), {b, h, i}},
                               [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                                 return elements[1] + elements[0];
                               });

    Value weighted =
        createGeneric(builder, {{exponentials, {b, h, i, j}}, {value, {b, h, j, c}}},
                      {createFilled(builder, {batches, heads, queries, sizeOf(builder, value, 3)},
                                    cast<TypedAttr>(zero)),
                       {b, h, i, c}},
                      [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                        return elements[2] + elements[0] * elements[1];
                      });

    constexpr int64_t channel = 3;
    Value output = createGeneric(builder, {{weighted, {b, h, i, channel}}, {sums, {b, h, i}}},
                                 {op.getInit(), {b, h, i, channel}},
                                 [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                                   Scalar sum = elements[1], zero = sum.constant(0.0);
                                   return select(sum == zero, zero, elements[0] / sum);
                                 });
    rewriter.replaceOp(op, output);
    return success();
  }
};

} // namespace

void lowering::populateAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<AttentionLowering>(patterns.getContext());
}
