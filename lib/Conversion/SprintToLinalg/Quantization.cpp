//===- Quantization.cpp - Floats to codes and back --------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// docs/numerics.md, sections 2 and 3, and step 7 of section 5.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "SprintRuntime/Machine.h"
#include "SprintRuntime/NumericsConstants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint::lowering;

/// Largest magnitude of a code.
static int64_t getLimit(Nibble nibble) {
  ::sprint::Widths widths;
  widths.nibble =
      nibble == Nibble::Centred ? ::sprint::Nibble::Centred : ::sprint::Nibble::Truncated;
  return widths.codeLimit();
}

/// The codes of `input`, `[B, H, S, D]`, at `steps`, `[B, H]`.
static Value createCodes(ImplicitLocOpBuilder &builder, Value input, Value steps, int64_t limit) {
  constexpr int64_t b = 0, h = 1, token = 2, c = 3;
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim = 0; dim < 4; ++dim)
    sizes.push_back(sizeOf(builder, input, dim));
  return createGeneric(builder, {{input, {b, h, token, c}}, {steps, {b, h}}},
                       {createEmpty(builder, sizes, builder.getI8Type()), {b, h, token, c}},
                       [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                         Scalar quotient = elements[0] / elements[1];
                         Scalar code = quotient.with(math::RoundEvenOp::create(body, quotient));
                         return arith::FPToSIOp::create(body, body.getI8Type(),
                                                        code.atLeast(-limit).atMost(limit));
                       });
}

/// Ends the run where numbers, whose largest magnitudes are `maxima`, are not finite.
static void createFiniteAssert(ImplicitLocOpBuilder &builder, Value maxima) {
  // A maximum hands NaN on.
  createAssertAll(
      builder, maxima,
      [](Scalar maximum) {
        return maximum < maximum.constant(std::numeric_limits<double>::infinity());
      },
      "expected finite numbers, got NaN or infinity");
}

/// The largest magnitude of each head of `input`, `[B, H]`.
static Value createMaxima(ImplicitLocOpBuilder &builder, Value input) {
  constexpr int64_t b = 0, h = 1, token = 2, c = 3;
  SmallVector<OpFoldResult> heads = {sizeOf(builder, input, b), sizeOf(builder, input, h)};
  return createGeneric(builder, {{input, {b, h, token, c}}},
                       {createFilled(builder, heads, builder.getF32FloatAttr(0)), {b, h}},
                       [](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                         return elements[1].max(
                             elements[1].with(math::AbsFOp::create(body, elements[0])));
                       });
}

namespace {

struct QuantizeAtLowering : OpRewritePattern<QuantizeAtOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeAtOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    createFiniteAssert(builder, createMaxima(builder, op.getInput()));
    Value codes = createCodes(builder, op.getInput(), op.getStep(), getLimit(op.getNibble()));
    rewriter.replaceOp(op, castTo(builder, codes, op.getType()));
    return success();
  }
};

struct QuantizeLowering : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    constexpr int64_t b = 0, h = 1;
    Value input = op.getInput();
    SmallVector<OpFoldResult> heads = {sizeOf(builder, input, b), sizeOf(builder, input, h)};
    int64_t limit = getLimit(op.getNibble());
    Value maxima = createMaxima(builder, input);
    createFiniteAssert(builder, maxima);

    Value steps = createGeneric(
        builder, {{maxima, {b, h}}}, {createEmpty(builder, heads, rewriter.getF32Type()), {b, h}},
        [&](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
          Scalar step = elements[0] / limit;
          Scalar smallest = step.constant(double(std::numeric_limits<float>::min()));
          return select(step < smallest, step.constant(1.0), step);
        });

    Value codes = createCodes(builder, input, steps, limit);
    rewriter.replaceOp(op, {castTo(builder, codes, op.getCodes().getType()),
                            castTo(builder, steps, op.getStep().getType())});
    return success();
  }
};

/// lambda of docs/numerics.md, section 3, from steps of f32: an f64.
Scalar createLambda(const APFloat &scale, Scalar queryStep, Scalar keyStep) {
  Type f64 = queryStep.getBuilder().getF64Type();
  Scalar query = queryStep.extend(f64), key = keyStep.extend(f64);
  return (query.constant(scale.convertToDouble()) * query) * key;
}

struct QuantizeBiasLowering : OpRewritePattern<QuantizeBiasOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeBiasOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    constexpr int64_t b = 0, h = 1, i = 2, j = 3;
    Value bias = op.getBias(), querySteps = op.getQueryStep();
    createAssertAll(
        builder, bias,
        [](Scalar element) {
          return element < element.constant(std::numeric_limits<double>::infinity());
        },
        "expected finite numbers or minus infinity in the bias, got NaN or plus infinity");

    OpFoldResult heads = sizeOf(builder, querySteps, 1);
    OpFoldResult group = createGroup(builder, heads, sizeOf(builder, op.getKeyStep(), 1));
    KeyHeadOperand keySteps(op.getKeyStep(), {b, h}, group);
    auto type = cast<RankedTensorType>(bias.getType());
    auto loopOrBroadcast = [&](int64_t dim) {
      return type.getDimSize(dim) == 1 ? kBroadcast : dim;
    };
    SmallVector<Indexed> inputs = {{bias, {loopOrBroadcast(b), loopOrBroadcast(h), i, j}},
                                   {querySteps, {b, h}}};
    keySteps.addTo(inputs);
    SmallVector<OpFoldResult> sizes = {sizeOf(builder, querySteps, 0), heads,
                                       sizeOf(builder, bias, 2), sizeOf(builder, bias, 3)};
    Type i32 = rewriter.getI32Type(), f64 = rewriter.getF64Type();
    Value codes = createGeneric(
        builder, inputs, {createEmpty(builder, sizes, i32), {b, h, i, j}},
        [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
          Scalar element = elements.consume_front(), queryStep = elements.consume_front();
          Scalar lambda = createLambda(op.getScale(), queryStep, keySteps.take(body, elements));
          Scalar quotient = element.extend(f64) / lambda;
          Scalar rounded = quotient.with(math::RoundEvenOp::create(body, quotient));
          constexpr int64_t bound = ::sprint::kMaxBias;
          Scalar code = element.with(
              arith::FPToSIOp::create(body, i32, rounded.atLeast(-bound).atMost(bound)));
          return select(element.constant(double(::sprint::kMaskingBias)) >= element,
                        code.constant(int64_t(::sprint::kMaskedBias)), code);
        });
    rewriter.replaceOp(op, castTo(builder, codes, op.getType()));
    return success();
  }
};

struct ParametersLowering : OpRewritePattern<ParametersOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ParametersOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    constexpr int64_t b = 0, h = 1;
    Value querySteps = op.getQueryStep();
    SmallVector<OpFoldResult> sizes = {sizeOf(builder, querySteps, 0),
                                       sizeOf(builder, querySteps, 1)};

    OpFoldResult group = createGroup(builder, sizes[1], sizeOf(builder, op.getKeyStep(), 1));
    KeyHeadOperand keySteps(op.getKeyStep(), {b, h}, group);
    SmallVector<Indexed> inputs = {{querySteps, {b, h}}};
    keySteps.addTo(inputs);
    ArrayRef<float> thresholds = {};
    if (std::optional<ArrayRef<float>> given = op.getThresholds())
      thresholds = *given;
    if (thresholds.size() > 1) {
      auto type = RankedTensorType::get(thresholds.size(), rewriter.getF32Type());
      Value constants =
          arith::ConstantOp::create(builder, DenseElementsAttr::get(type, thresholds));
      inputs.push_back({constants, {h}});
    }
    float shared =
        thresholds.empty() ? -std::numeric_limits<float>::infinity() : thresholds.front();

    Type i32 = rewriter.getI32Type(), i64 = rewriter.getI64Type(), f64 = rewriter.getF64Type();
    SmallVector<Indexed> outputs;
    for (Type type : {i32, i64, i64})
      outputs.push_back({createEmpty(builder, sizes, type), {b, h}});
    SmallVector<Value> results = createGeneric(
        builder, inputs, outputs,
        [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> SmallVector<Value> {
          Scalar queryStep = elements.consume_front();
          Scalar lambda = createLambda(op.getScale(), queryStep, keySteps.take(body, elements));
          Scalar theta = thresholds.size() > 1 ? elements.front().extend(f64)
                                               : lambda.constant(double(shared));
          Scalar unit = lambda * ::sprint::kApproximateUnit;
          Scalar ceiling = theta.with(math::CeilOp::create(body, theta / unit));
          constexpr int64_t bound = ::sprint::kMaxThreshold;
          Value threshold =
              arith::FPToSIOp::create(body, i32, ceiling.atLeast(-bound).atMost(bound));

          Scalar bits = lambda.with(arith::BitcastOp::create(body, i64, lambda));
          constexpr int64_t one = int64_t(1) << ::sprint::kMantissaBits;
          Scalar exponent = (bits >> ::sprint::kMantissaBits) & 0x7ff;
          Scalar fraction = bits & (one - 1);
          constexpr int dropped = ::sprint::kDroppedMantissaBits;
          Scalar multiplier = ((fraction + one) + (int64_t(1) << (dropped - 1))) >> dropped;
          Scalar shift = (::sprint::kShiftBase - exponent).atLeast(0).atMost(::sprint::kMaxShift);
          return {threshold, multiplier, shift};
        });
    for (auto [result, type] : llvm::zip_equal(results, op->getResultTypes()))
      result = castTo(builder, result, type);
    rewriter.replaceOp(op, results);
    return success();
  }
};

struct DequantizeLowering : OpRewritePattern<DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DequantizeOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    constexpr int64_t b = 0, h = 1, token = 2, c = 3;
    OpFoldResult group =
        createGroup(builder, sizeOf(builder, op.getCodes(), 1), sizeOf(builder, op.getStep(), 1));
    KeyHeadOperand steps(op.getStep(), {b, h}, group);
    SmallVector<Indexed> inputs = {{op.getCodes(), {b, h, token, c}}};
    steps.addTo(inputs);
    Value output = createGeneric(
        builder, inputs, {op.getInit(), {b, h, token, c}},
        [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
          Scalar codes = elements.consume_front(), step = steps.take(body, elements);
          Scalar code = step.with(arith::SIToFPOp::create(body, step.getType(), codes));
          return (code * code.constant(1.0 / (1 << ::sprint::kOutputFractionBits))) * step;
        });
    rewriter.replaceOp(op, output);
    return success();
  }
};

} // namespace

void lowering::populateQuantizationPatterns(RewritePatternSet &patterns) {
  patterns.add<QuantizeLowering, QuantizeAtLowering, QuantizeBiasLowering, ParametersLowering,
               DequantizeLowering>(patterns.getContext());
}
