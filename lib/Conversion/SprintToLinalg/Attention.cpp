//===- Attention.cpp - Attention in floats --------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
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

/// Loops over batch, head, query, key and channel.
constexpr int64_t b = 0, h = 1, i = 2, j = 3, c = 4;

/// Which keys the queries of an attention may attend to.
class AllowedKeys {
public:
  template <typename OpTy>
  AllowedKeys(ImplicitLocOpBuilder &builder, OpTy op, OpFoldResult queries, OpFoldResult keys)
      : keyValid(op.getKeyValid()), mask(op.getMask()), bias(op.getBias()),
        querySegments(op.getQuerySegments()), keySegments(op.getKeySegments()),
        band(op.getBandAttr()), keys(keys), offset(createBandOffset(builder, band, keys, queries)) {
  }

  /// Whether tensors restrict the keys.
  bool hasOperands() const { return keyValid || mask || bias || querySegments; }
  BandAttr getBand() const { return band; }
  OpFoldResult getKeys() const { return keys; }

  /// Whether it depends on the batch, head or query.
  bool dependsOn(int64_t dim) const {
    return (dim == b && (keyValid || querySegments)) || (dim == i && (band || querySegments)) ||
           llvm::any_of(ArrayRef{mask, bias}, [&](Value tensor) {
             return tensor && cast<ShapedType>(tensor.getType()).getDimSize(dim) != 1;
           });
  }

  /// Appends the operands that `test` wants, for a generic whose loops over batch, head, query and
  /// key are `loops`.
  void addTo(SmallVectorImpl<Indexed> &inputs, ArrayRef<int64_t> loops) const {
    if (keyValid)
      inputs.push_back({keyValid, {loops[b], loops[j]}});
    if (querySegments)
      inputs.append({{querySegments, {loops[b], loops[i]}}, {keySegments, {loops[b], loops[j]}}});
    for (Value tensor : {mask, bias}) {
      if (!tensor)
        continue;
      SmallVector<int64_t, 4> dims(loops);
      for (int64_t dim : {b, h, i})
        if (cast<ShapedType>(tensor.getType()).getDimSize(dim) == 1)
          dims[dim] = kBroadcast;
      inputs.push_back({tensor, dims});
    }
  }

  /// What `test` finds out.
  struct Verdict {
    Scalar allowed;
    /// The bias of the key; none where there is no bias.
    std::optional<Scalar> bias;
  };

  /// Looks at the key of the loops; takes its operands from the front of `elements`.
  Verdict test(ImplicitLocOpBuilder &body, ArrayRef<Scalar> &elements,
               ArrayRef<int64_t> loops) const {
    Scalar allowed(body, arith::ConstantOp::create(body, body.getBoolAttr(true)));
    if (band)
      allowed = isAllowed(band, loopCounter(body, loops[i]) + Scalar(body, offset),
                          loopCounter(body, loops[j]));
    if (keyValid)
      allowed = allowed & elements.consume_front();
    if (querySegments)
      allowed = allowed & (elements.consume_front() == elements.consume_front());
    if (mask)
      allowed = allowed & elements.consume_front();
    if (!bias)
      return {allowed, std::nullopt};
    Scalar element = elements.consume_front();
    // NaN does not mask: it shall come out.
    Scalar masks = element.constant(double(::sprint::kMaskingBias)) >= element;
    return {allowed & (masks == 0), element};
  }

  /// Whether the band alone allows any key for a query.
  Scalar bandAllowsAny(ImplicitLocOpBuilder &body, Scalar query) const {
    Scalar diagonal = query + Scalar(body, offset);
    Scalar last = query.with(getValueOrCreateConstantIndexOp(body, body.getLoc(), keys)) - 1;
    Scalar first = query.constant(int64_t(0));
    if (std::optional<Scalar> lowest = band.getFirstKey(diagonal))
      first = first.max(*lowest);
    if (std::optional<Scalar> highest = band.getLastKey(diagonal))
      return (last >= first) & (*highest >= first);
    return last >= first;
  }

private:
  Value keyValid, mask, bias, querySegments, keySegments;
  BandAttr band;
  OpFoldResult keys;
  Value offset;
};

//===----------------------------------------------------------------------===//
// sprint.attention
//===----------------------------------------------------------------------===//

/// Sums of products of a tensor of heads and one of the key heads that groups of them share, which
/// are read where they are.
class Contraction {
public:
  Contraction(ImplicitLocOpBuilder &builder, OpFoldResult keyHeads, OpFoldResult group)
      : builder(builder), keyHeads(keyHeads), group(group) {}

  /// A tensor of `sizes` over `loops`, of the sums over the other loops. The loop over heads runs
  /// over the key heads of `right`, too.
  Value create(const Indexed &left, const Indexed &right, SmallVector<OpFoldResult> sizes,
               const SmallVector<int64_t, 4> &loops) {
    TypedAttr zero = builder.getF32FloatAttr(0);
    // Views with two new dynamic sizes are more than upstream passes take.
    if (!isOneToOne(group) && getConstantIntValue(keyHeads)) {
      sizes[h] = keyHeads;
      sizes.insert(sizes.begin() + h + 1, group);
      Value sums = createGeneric(builder, {{expand(left.tensor), grouped(left.loops)}, right},
                                 {createFilled(builder, sizes, zero), grouped(loops)},
                                 [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                                   return elements[2] + elements[0] * elements[1];
                                 });
      int64_t rank = loops.size();
      return tensor::CollapseShapeOp::create(builder, sums, reassociation(rank));
    }
    KeyHeadOperand shared(right.tensor, right.loops, group);
    SmallVector<Indexed> inputs = {left};
    shared.addTo(inputs);
    return createGeneric(builder, inputs, {createFilled(builder, sizes, zero), loops},
                         [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                           Scalar factor = elements.consume_front();
                           Scalar other = shared.take(body, elements);
                           return elements.front() + factor * other;
                         });
  }

private:
  /// Loop over the heads of a group.
  static constexpr int64_t member = 5;

  /// Loops of a tensor of heads when it is one of groups: `[B, G, H / G, ...]`.
  static SmallVector<int64_t, 4> grouped(SmallVector<int64_t, 4> loops) {
    loops.insert(loops.begin() + h + 1, member);
    return loops;
  }

  /// Dimensions of a tensor of groups for each of the `rank` of the one of heads.
  static SmallVector<ReassociationIndices> reassociation(int64_t rank) {
    SmallVector<ReassociationIndices> groups = {{b}, {h, h + 1}};
    for (int64_t dim = h + 1; dim < rank; ++dim)
      groups.push_back({dim + 1});
    return groups;
  }

  /// A tensor of heads as one of groups.
  Value expand(Value tensor) {
    auto type = cast<RankedTensorType>(tensor.getType());
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, builder.getLoc(), tensor);
    sizes[h] = keyHeads;
    sizes.insert(sizes.begin() + h + 1, group);
    SmallVector<int64_t> shape;
    SmallVector<Value> dynamic;
    dispatchIndexOpFoldResults(sizes, dynamic, shape);
    return tensor::ExpandShapeOp::create(builder, type.clone(shape), tensor,
                                         reassociation(type.getRank()), sizes);
  }

  ImplicitLocOpBuilder &builder;
  OpFoldResult keyHeads, group;
};

struct AttentionLowering : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  /// An attention with a masked_logit becomes one without.
  void initialize() { setHasBoundedRewriteRecursion(); }

  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Value query = op.getQuery(), key = op.getKey(), value = op.getValue();
    if (FloatAttr maskedLogit = op.getMaskedLogitAttr()) {
      Value output = AttentionOp::create(
          builder, op.getType(), query, key, value, op.getOptionalInputs(), op.getInit(),
          op.getScaleAttr(), op.getBandAttr(), EmptyRowAttr::get(op.getContext(), EmptyRow::Zero),
          op.getThresholdsAttr());
      rewriter.replaceOpWithNewOp<FillEmptyRowsOp>(
          op, op.getType(), query, key, value, op.getOptionalInputs(), output, op.getBandAttr(),
          op.getEmptyRowAttr(), op.getScaleAttr(), maskedLogit);
      return success();
    }
    SmallVector<OpFoldResult> rows;
    for (int64_t dim : {b, h, i})
      rows.push_back(sizeOf(builder, query, dim));
    OpFoldResult keyHeads = sizeOf(builder, key, h);
    Contraction contraction(builder, keyHeads, createGroup(builder, rows[h], keyHeads));

    SmallVector<OpFoldResult> sizes(rows);
    sizes.push_back(sizeOf(builder, key, 2));
    Value products =
        contraction.create({query, {b, h, i, c}}, {key, {b, h, j, c}}, sizes, {b, h, i, j});
    AllowedKeys allowed(builder, op, rows[i], sizes.back());
    Value weights = createWeights(builder, op, products, allowed, rows);
    TypedAttr zero = rewriter.getF32FloatAttr(0);
    Value sums = createGeneric(builder, {{weights, {b, h, i, j}}},
                               {createFilled(builder, rows, zero), {b, h, i}},
                               [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                                 return elements[1] + elements[0];
                               });
    sizes.back() = sizeOf(builder, value, 3);
    Value weighted =
        contraction.create({weights, {b, h, i, j}}, {value, {b, h, j, c}}, sizes, {b, h, i, c});

    constexpr int64_t channel = 3;
    bool isZero = op.getEmptyRow() == EmptyRow::Zero;
    Value output = createGeneric(builder, {{weighted, {b, h, i, channel}}, {sums, {b, h, i}}},
                                 {op.getInit(), {b, h, i, channel}},
                                 [&](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                                   Scalar sum = elements[1], zero = sum.constant(0.0);
                                   // 0 / 0 of an empty row is NaN.
                                   Scalar quotient = elements[0] / sum;
                                   return isZero ? select(sum == zero, zero, quotient) : quotient;
                                 });
    rewriter.replaceOp(op, output);
    return success();
  }

private:
  /// Exponentials of the logits less the maximum of their row, in the place of the products: 0 for
  /// keys that are not allowed; in a row without any, 1 for all keys where the row shall be their
  /// mean.
  static Value createWeights(ImplicitLocOpBuilder &builder, AttentionOp op, Value products,
                             const AllowedKeys &keys, ArrayRef<OpFoldResult> rows) {
    constexpr int64_t loops[] = {b, h, i, j};
    double scale = op.getScale().convertToDouble();
    double minusInfinity = -std::numeric_limits<double>::infinity();
    SmallVector<Indexed> inputs;
    keys.addTo(inputs, loops);
    Value logits =
        createGeneric(builder, inputs, {products, {b, h, i, j}},
                      [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                        AllowedKeys::Verdict verdict = keys.test(body, elements, loops);
                        Scalar product = elements.front();
                        Scalar logit = product * product.constant(scale);
                        if (verdict.bias)
                          logit = logit + *verdict.bias;
                        return select(verdict.allowed, logit, product.constant(minusInfinity));
                      });

    TypedAttr lowest = builder.getF32FloatAttr(minusInfinity);
    Value maxima = createGeneric(builder, {{logits, {b, h, i, j}}},
                                 {createFilled(builder, rows, lowest), {b, h, i}},
                                 [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                                   return elements[1].max(elements[0]);
                                 });

    // A row without an allowed key has no finite maximum; shifted by zero its exponentials are
    // zeros.
    bool isUniform = op.getEmptyRow() == EmptyRow::Uniform;
    return createGeneric(builder, {{maxima, {b, h, i}}}, {logits, {b, h, i, j}},
                         [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                           Scalar maximum = elements[0], logit = elements[1];
                           Scalar none = maximum == maximum.constant(minusInfinity);
                           Scalar shift = select(none, maximum.constant(0.0), maximum);
                           Scalar weight = logit.with(math::ExpOp::create(body, logit - shift));
                           return isUniform ? select(none, weight.constant(1.0), weight) : weight;
                         });
  }
};

//===----------------------------------------------------------------------===//
// sprint.fill_empty_rows
//===----------------------------------------------------------------------===//

/// Computes rows without an allowed key from the logits of `masked_logit`.
class SourceRows {
public:
  SourceRows(ImplicitLocOpBuilder &builder, FillEmptyRowsOp op)
      : builder(builder), op(op), keys(sizeOf(builder, op.getValue(), 2)),
        offset(createBandOffset(builder, op.getBandAttr(), keys, sizeOf(builder, op.getInit(), i))),
        group(createGroup(builder, sizeOf(builder, op.getInit(), h),
                          sizeOf(builder, op.getValue(), h))) {}

  /// The op's init with the rows of which `any`, over its loops, is false.
  Value create(const Indexed &any) { return loopOver(b, {}, any, op.getInit()); }

private:
  /// Loops of the generics of one row.
  static constexpr int64_t key = 0, channel = 1;

  Value loopOver(int64_t dim, SmallVector<Value> counters, const Indexed &any, Value output) {
    if (dim > i)
      return createUnlessAny(counters, any, output);
    Value zero = arith::ConstantIndexOp::create(builder, 0);
    Value one = arith::ConstantIndexOp::create(builder, 1);
    Value extent = toValue(sizeOf(builder, op.getInit(), dim));
    auto loop = scf::ForOp::create(builder, zero, extent, one, output);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    counters.push_back(loop.getInductionVar());
    scf::YieldOp::create(builder, loopOver(dim + 1, counters, any, loop.getRegionIterArg(0)));
    return loop.getResult(0);
  }

  Value createUnlessAny(ArrayRef<Value> counters, const Indexed &any, Value output) {
    SmallVector<Value> indices;
    for (int64_t dim : any.loops)
      indices.push_back(counters[dim]);
    Value hasKey = tensor::ExtractOp::create(builder, any.tensor, indices);
    auto branch = scf::IfOp::create(builder, output.getType(), hasKey, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(builder, output);
    builder.setInsertionPointToStart(branch.elseBlock());
    SmallVector<OpFoldResult> position(counters.begin(), counters.end());
    Value row = createRow(position);
    SmallVector<OpFoldResult> offsets(position), sizes(3, builder.getIndexAttr(1)),
        strides(4, builder.getIndexAttr(1));
    offsets.push_back(builder.getIndexAttr(0));
    sizes.push_back(sizeOf(builder, op.getValue(), 3));
    Value inserted = tensor::InsertSliceOp::create(builder, row, output, offsets, sizes, strides);
    scf::YieldOp::create(builder, inserted);
    return branch.getResult(0);
  }

  /// The row of a query: `[Dv]`.
  Value createRow(ArrayRef<OpFoldResult> position) {
    Scalar head(builder, toValue(position[h]));
    OpFoldResult keyHead = isOneToOne(group) ? position[h] : OpFoldResult(keyHeadOf(head, group));
    Value weights = createWeights(createLogits(position, keyHead));
    TypedAttr zero = builder.getF32FloatAttr(0);
    Value sum = createGeneric(builder, {{weights, {key}}}, {createFilled(builder, {}, zero), {}},
                              [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                                return elements[1] + elements[0];
                              });
    Value values = slice(op.getValue(), {position[b], keyHead});
    Value weighted =
        createGeneric(builder, {{weights, {key}}, {values, {key, channel}}},
                      {createFilled(builder, sizeOf(builder, values, channel), zero), {channel}},
                      [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                        return elements[2] + elements[0] * elements[1];
                      });
    bool isZero = op.getEmptyRow() == EmptyRow::Zero;
    return createGeneric(builder, {{sum, {}}}, {weighted, {0}},
                         [&](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                           Scalar sum = elements[0], zero = sum.constant(0.0);
                           // 0 / 0 is NaN.
                           Scalar quotient = elements[1] / sum;
                           return isZero ? select(sum == zero, zero, quotient) : quotient;
                         });
  }

  /// Logits of all keys for a query, as the source rounds them: `[Sk]`.
  Value createLogits(ArrayRef<OpFoldResult> position, OpFoldResult keyHead) {
    Value query = slice(op.getQuery(), position);
    Value keyRows = slice(op.getKey(), {position[b], keyHead});
    Value products = createGeneric(builder, {{query, {channel}}, {keyRows, {key, channel}}},
                                   {createFilled(builder, keys, builder.getF32FloatAttr(0)), {key}},
                                   [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                                     return elements[2] + elements[0] * elements[1];
                                   });
    SmallVector<Indexed> inputs;
    if (Value keyValid = op.getKeyValid())
      inputs.push_back({slice(keyValid, position[b]), {key}});
    for (Value tensor : {op.getMask(), op.getBias()})
      if (tensor)
        inputs.push_back({slice(tensor, position), {key}});
    if (op.getQuerySegments())
      inputs.append({{slice(op.getQuerySegments(), {position[b], position[i]}), {}},
                     {slice(op.getKeySegments(), position[b]), {key}}});
    double scale = op.getScale()->convertToDouble();
    double masked = op.getMaskedLogitAttr().getValueAsDouble();
    return createGeneric(builder, inputs, {products, {key}},
                         [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                           Scalar product = elements.consume_back();
                           Scalar logit = round(product * product.constant(scale));
                           Scalar diagonal =
                               Scalar(body, toValue(position[i])) + Scalar(body, offset);
                           Scalar allowed =
                               isAllowed(op.getBandAttr(), diagonal, loopCounter(body, key));
                           for (Value tensor : {Value(op.getKeyValid()), Value(op.getMask())})
                             if (tensor)
                               allowed = allowed & elements.consume_front();
                           if (op.getBias())
                             logit = round(logit + elements.consume_front());
                           if (op.getQuerySegments())
                             allowed = allowed & (elements[0] == elements[1]);
                           return select(allowed, logit, round(logit + logit.constant(masked)));
                         });
  }

  /// Exponentials of logits less their maximum, in their place; where that is minus infinity, 0.
  Value createWeights(Value logits) {
    double minusInfinity = -std::numeric_limits<double>::infinity();
    Value maximum =
        createGeneric(builder, {{logits, {key}}},
                      {createFilled(builder, {}, builder.getF32FloatAttr(minusInfinity)), {}},
                      [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                        return elements[1].max(elements[0]);
                      });
    return createGeneric(builder, {{maximum, {}}}, {logits, {key}},
                         [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                           Scalar maximum = elements[0], logit = elements[1];
                           Scalar none = maximum == maximum.constant(minusInfinity);
                           Scalar shift = select(none, maximum.constant(0.0), maximum);
                           return logit.with(math::ExpOp::create(body, logit - shift));
                         });
  }

  /// An f32 rounded to the type of the source.
  Scalar round(Scalar number) {
    Type type = op.getMaskedLogitAttr().getType();
    if (type == number.getType())
      return number;
    Scalar rounded = number.with(arith::TruncFOp::create(number.getBuilder(), type, number));
    return rounded.extend(number.getType());
  }

  /// What lies at `position` of the first dimensions of a tensor, which of size 1 are the same for
  /// all.
  Value slice(Value tensor, ArrayRef<OpFoldResult> position) {
    auto type = cast<RankedTensorType>(tensor.getType());
    SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0)),
        sizes(offsets.size(), builder.getIndexAttr(1)), strides(sizes);
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (dim >= static_cast<int64_t>(position.size()))
        sizes[dim] = sizeOf(builder, tensor, dim);
      else if (type.getDimSize(dim) != 1)
        offsets[dim] = position[dim];
    }
    Type part = type.clone(type.getShape().drop_front(position.size()));
    return tensor::ExtractSliceOp::create(builder, cast<RankedTensorType>(part), tensor, offsets,
                                          sizes, strides);
  }

  Value toValue(OpFoldResult number) {
    return getValueOrCreateConstantIndexOp(builder, builder.getLoc(), number);
  }

  ImplicitLocOpBuilder &builder;
  FillEmptyRowsOp op;
  OpFoldResult keys;
  Value offset;
  OpFoldResult group;
};

struct FillEmptyRowsLowering : OpRewritePattern<FillEmptyRowsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(FillEmptyRowsOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    AllowedKeys keys(builder, op, sizeOf(builder, op.getInit(), 2),
                     sizeOf(builder, op.getValue(), 2));
    // Without restrictions every query has a key, as numbers of keys are not zero.
    if (!keys.hasOperands() && !keys.getBand()) {
      rewriter.replaceOp(op, op.getInit());
      return success();
    }
    constexpr int64_t channel = 3;
    Indexed any = createAnyAllowed(builder, op, keys);
    if (op.getMaskedLogitAttr()) {
      rewriter.replaceOp(op, SourceRows(builder, op).create(any));
      return success();
    }
    SmallVector<Indexed> inputs = {any};
    OpFoldResult group =
        createGroup(builder, sizeOf(builder, op.getInit(), h), sizeOf(builder, op.getValue(), h));
    std::optional<KeyHeadOperand> means;
    if (op.getEmptyRow() == EmptyRow::Uniform) {
      means.emplace(createMeans(builder, op, keys.getKeys()),
                    SmallVector<int64_t, 4>{b, h, channel}, group);
      means->addTo(inputs);
    }
    double constant =
        op.getEmptyRow() == EmptyRow::NaN ? std::numeric_limits<double>::quiet_NaN() : 0;
    Value output =
        createGeneric(builder, inputs, {op.getInit(), {b, h, i, channel}},
                      [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                        Scalar any = elements.consume_front(), element = elements.consume_back();
                        Scalar filling =
                            means ? means->take(body, elements) : element.constant(constant);
                        return select(any, element, filling);
                      });
    rewriter.replaceOp(op, output);
    return success();
  }

private:
  /// Whether each query has an allowed key, over those of batch, head and query that it depends on.
  static Indexed createAnyAllowed(ImplicitLocOpBuilder &builder, FillEmptyRowsOp op,
                                  const AllowedKeys &keys) {
    SmallVector<int64_t, 4> dims;
    SmallVector<OpFoldResult> sizes;
    // The generic has loops for these dimensions only, then one over keys.
    SmallVector<int64_t> loops(4, kBroadcast);
    for (int64_t dim : {b, h, i})
      if (keys.dependsOn(dim)) {
        loops[dim] = dims.size();
        dims.push_back(dim);
        sizes.push_back(sizeOf(builder, op.getInit(), dim));
      }
    loops[j] = dims.size();
    Indexed any = {createFilled(builder, sizes, builder.getBoolAttr(false)), {}};
    for (int64_t loop = 0; loop < loops[j]; ++loop)
      any.loops.push_back(loop);

    SmallVector<Indexed> inputs;
    keys.addTo(inputs, loops);
    any.tensor = createGeneric(builder, inputs, any,
                               [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                                 if (!keys.hasOperands())
                                   return keys.bandAllowsAny(body, loopCounter(body, loops[i]));
                                 Scalar sofar = elements.consume_back();
                                 return sofar | keys.test(body, elements, loops).allowed;
                               });
    return {any.tensor, dims};
  }

  /// Means of the values of all keys: `[B, G, Dv]`.
  static Value createMeans(ImplicitLocOpBuilder &builder, FillEmptyRowsOp op, OpFoldResult keys) {
    Value value = op.getValue();
    constexpr int64_t g = 1, channel = 2, token = 3;
    SmallVector<OpFoldResult> sizes = {sizeOf(builder, value, 0), sizeOf(builder, value, 1),
                                       sizeOf(builder, value, 3)};
    Value sums =
        createGeneric(builder, {{value, {b, g, token, channel}}},
                      {createFilled(builder, sizes, builder.getF32FloatAttr(0)), {b, g, channel}},
                      [](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                        return elements[1] + elements[0];
                      });
    Value count = arith::IndexCastOp::create(
        builder, builder.getI64Type(),
        getValueOrCreateConstantIndexOp(builder, builder.getLoc(), keys));
    Value divisor = arith::SIToFPOp::create(builder, builder.getF32Type(), count);
    return createGeneric(builder, {}, {sums, {b, g, channel}},
                         [&](ImplicitLocOpBuilder &body, ArrayRef<Scalar> elements) -> Value {
                           return elements[0] / Scalar(body, divisor);
                         });
  }
};

} // namespace

void lowering::populateAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<AttentionLowering, FillEmptyRowsLowering>(patterns.getContext());
}
