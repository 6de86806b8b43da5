//===- Recompute.cpp - Exact softmax over the kept keys ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// docs/numerics.md, section 5.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "SprintRuntime/ExponentTables.h"
#include "SprintRuntime/NumericsConstants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint::lowering;

using ::sprint::kOutputFractionBits;

namespace {

/// Builds the recompute of one block. N in the names of the shapes is the number of kept keys.
class RecomputeBuilder {
public:
  RecomputeBuilder(ImplicitLocOpBuilder &builder, RecomputeOp op)
      : builder(builder), op(op), rows(sizeOf(builder, op.getQuery(), 0)),
        kept(sizeOf(builder, op.getIndices(), 0)), i32(builder.getI32Type()),
        i64(builder.getI64Type()) {}

  Value build() {
    Value exponents = createExponents(createScores());
    Value sums = createSums(exponents);
    bool late = op.getWidths().getProbability() == 0;
    Value weights = late ? exponents : createProbabilities(exponents, sums);
    Value weighted = createWeightedValues(weights);
    return late ? divideLate(weighted, sums) : alignProbabilities(weighted);
  }

private:
  /// Loops over rows of the block, kept keys and channels.
  static constexpr int64_t i = 0, n = 1, c = 2;

  /// Rows `indices` of a matrix of codes: `[N, channels]`.
  Value gatherRows(Value codes) {
    constexpr int64_t token = 0, channel = 1;
    Value empty = createEmpty(builder, {kept, sizeOf(builder, codes, 1)}, builder.getI8Type());
    return createGeneric(builder, {{op.getIndices(), {token}}}, {empty, {token, channel}},
                         [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                           return elements[0].elementOf(codes,
                                                        {elements[0], loopCounter(body, channel)});
                         });
  }

  /// Step 1: `[B, N]`, i32. A bias that masks its key makes the score meaningless; its row does not
  /// own that key.
  Value createScores() {
    Value init = op.getBias() ? gatherBiases()
                              : createFilled(builder, {rows, kept}, builder.getI32IntegerAttr(0));
    return createGeneric(builder, {{op.getQuery(), {i, c}}, {gatherRows(op.getKey()), {n, c}}},
                         {init, {i, n}},
                         [&](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                           return elements[2] + elements[0].extend(i32) * elements[1].extend(i32);
                         });
  }

  /// Biases of the kept keys: `[B, N]`, i32.
  Value gatherBiases() {
    return createGeneric(
        builder, {{op.getIndices(), {n}}}, {createEmpty(builder, {rows, kept}, i32), {i, n}},
        [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
          bool isShared = cast<RankedTensorType>(op.getBias().getType()).getDimSize(0) == 1;
          Scalar row = isShared ? elements[0].constant(int64_t(0)) : loopCounter(body, i);
          return elements[0].elementOf(op.getBias(), {row, elements[0]});
        });
  }

  /// Steps 2 to 4: `[B, N]`, i64; 0 where the row does not keep the key.
  Value createExponents(Value scores) {
    IntegerAttr lowest = builder.getI32IntegerAttr(std::numeric_limits<int32_t>::min());
    Value maxima =
        createGeneric(builder, {{scores, {i, n}}, {op.getOwners(), {i, n}}},
                      {createFilled(builder, rows, lowest), {i}},
                      [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                        return select(elements[1], elements[2].max(elements[0]), elements[2]);
                      });

    Value high = createTable(::sprint::exponentTableHigh),
          low = createTable(::sprint::exponentTableLow);
    int64_t dropped = ::sprint::kExponentProductBits - op.getWidths().getExponentFraction();
    return createGeneric(
        builder,
        {{scores, {i, n}},
         {op.getOwners(), {i, n}},
         {maxima, {i}},
         {op.getMultiplier(), {i}},
         {op.getShift(), {i}}},
        {createEmpty(builder, {rows, kept}, i64), {i, n}},
        [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
          Scalar isOwned = elements[1];
          Scalar zero(body, arith::ConstantIntOp::create(body, i64, 0));
          // Keys of other rows may score above this row's maximum: a negative index into the
          // tables.
          Scalar delta = select(isOwned, elements[2].extend(i64) - elements[0].extend(i64), zero);
          Scalar index =
              tableIndex(delta, elements[3], elements[4]).atMost(::sprint::kMaxTableIndex);
          auto lookUp = [&](Value table, Scalar entry) {
            Value position = arith::IndexCastOp::create(body, body.getIndexType(), Value(entry));
            return entry.elementOf(table, position);
          };
          constexpr int bits = ::sprint::kTableIndexBits;
          Scalar product =
              lookUp(high, index >> bits) * lookUp(low, index & ((int64_t(1) << bits) - 1));
          Scalar exponent = (product + (int64_t(1) << (dropped - 1))) >> dropped;
          return select(isOwned, exponent, zero);
        });
  }

  /// Step 5: `[B]`, i64; 0 where a row keeps nothing.
  Value createSums(Value exponents) {
    Value sums = createGeneric(builder, {{exponents, {i, n}}},
                               {createFilled(builder, rows, builder.getI64IntegerAttr(0)), {i}},
                               [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                                 return elements[1] + elements[0];
                               });
    int64_t largest = (int64_t(1) << op.getWidths().getSum()) - 1;
    return createGeneric(builder, {}, {sums, {i}},
                         [&](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                           return elements[0].atMost(largest);
                         });
  }

  /// Step 6, early division: `[B, N]`, i64.
  Value createProbabilities(Value exponents, Value sums) {
    int64_t bits = op.getWidths().getProbability();
    return createGeneric(builder, {{sums, {i}}}, {exponents, {i, n}},
                         [&](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                           Scalar sum = elements[0].atLeast(1);
                           // floor(x + 1/2) of a fraction is floor of the doubled fraction plus
                           // one, halved.
                           Scalar rounded = ((elements[1] << (bits + 1)) + sum) / (sum << 1);
                           return rounded.atMost((int64_t(1) << bits) - 1);
                         });
  }

  /// Step 6, the weighted sum: `[B, Dv]`, i64.
  Value createWeightedValues(Value weights) {
    Value values = gatherRows(op.getValue());
    Value zeros =
        createFilled(builder, {rows, sizeOf(builder, values, 1)}, builder.getI64IntegerAttr(0));
    return createGeneric(builder, {{weights, {i, n}}, {values, {n, c}}}, {zeros, {i, c}},
                         [&](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                           return elements[2] + elements[0] * elements[1].extend(i64);
                         });
  }

  /// Step 6, late division, into the op's init.
  Value divideLate(Value weighted, Value sums) {
    constexpr int64_t channel = 1;
    return createGeneric(
        builder, {{weighted, {i, channel}}, {sums, {i}}}, {op.getInit(), {i, channel}},
        [&](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
          Scalar numerator = elements[0];
          Scalar sum = elements[1].atLeast(1);
          // The whole part first: the numerator has too few bits to spare for the fraction's.
          Scalar whole = numerator.floorDiv(sum);
          Scalar rest = numerator - whole * sum;
          Scalar fraction = ((rest << (kOutputFractionBits + 1)) + sum) / (sum << 1);
          return ((whole << kOutputFractionBits) + fraction).truncate(i32);
        });
  }

  /// Step 6, early division: saturation and alignment, into the op's init.
  Value alignProbabilities(Value weighted) {
    constexpr int64_t channel = 1;
    int64_t bound = int64_t(1) << (op.getWidths().getAccumulator() - 1);
    int64_t alignment = kOutputFractionBits - op.getWidths().getProbability();
    return createGeneric(builder, {{weighted, {i, channel}}}, {op.getInit(), {i, channel}},
                         [&](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                           Scalar saturated = elements[0].atLeast(-bound).atMost(bound - 1);
                           return (saturated << alignment).truncate(i32);
                         });
  }

  /// A table of the runtime as a constant.
  template <typename Table> Value createTable(const Table &table) {
    SmallVector<int64_t> entries(table.begin(), table.end());
    auto type = RankedTensorType::get(entries.size(), i64);
    return arith::ConstantOp::create(builder,
                                     DenseElementsAttr::get(type, ArrayRef<int64_t>(entries)));
  }

  ImplicitLocOpBuilder &builder;
  RecomputeOp op;
  OpFoldResult rows, kept;
  Type i32, i64;
};

struct RecomputeLowering : OpRewritePattern<RecomputeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RecomputeOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    rewriter.replaceOp(op, RecomputeBuilder(builder, op).build());
    return success();
  }
};

} // namespace

void lowering::populateRecomputePatterns(RewritePatternSet &patterns) {
  patterns.add<RecomputeLowering>(patterns.getContext());
}
