//===- Lowering.cpp - What the lowerings of Sprint ops share ----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint::lowering;

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Scalar Scalar::constant(int64_t number) const {
  if (isa<FloatType>(getType()))
    return constant(static_cast<double>(number));
  return with(arith::ConstantOp::create(*builder, builder->getIntegerAttr(getType(), number)));
}

Scalar Scalar::constant(double number) const {
  return with(arith::ConstantOp::create(*builder, builder->getFloatAttr(getType(), number)));
}

Scalar Scalar::extend(Type type) const {
  if (getType() == type)
    return *this;
  if (isa<FloatType>(type))
    return with(arith::ExtFOp::create(*builder, type, value, arith::FastMathFlagsAttr()));
  return with(builder->createOrFold<arith::ExtSIOp>(type, value));
}

Scalar Scalar::truncate(Type type) const {
  return with(builder->createOrFold<arith::TruncIOp>(type, value));
}

Scalar Scalar::floorDiv(Scalar divisor) const {
  return with(builder->createOrFold<arith::FloorDivSIOp>(value, divisor));
}

Scalar Scalar::atMost(int64_t bound) const {
  if (isa<FloatType>(getType()))
    return with(builder->createOrFold<arith::MinimumFOp>(value, constant(bound)));
  return with(builder->createOrFold<arith::MinSIOp>(value, constant(bound)));
}

Scalar Scalar::atLeast(int64_t bound) const { return max(constant(bound)); }

Scalar Scalar::max(Scalar other) const {
  if (isa<FloatType>(getType()))
    return with(builder->createOrFold<arith::MaximumFOp>(value, other));
  return with(builder->createOrFold<arith::MaxSIOp>(value, other));
}

Scalar Scalar::elementOf(Value tensor, ValueRange indices) const {
  return with(tensor::ExtractOp::create(*builder, tensor, indices));
}

/// The op for the operands' type: `IntegerOp` or `FloatOp`.
template <typename IntegerOp, typename FloatOp> static Scalar createBinary(Scalar lhs, Scalar rhs) {
  ImplicitLocOpBuilder &builder = lhs.getBuilder();
  if (isa<FloatType>(lhs.getType()))
    return lhs.with(builder.createOrFold<FloatOp>(lhs, rhs));
  return lhs.with(builder.createOrFold<IntegerOp>(lhs, rhs));
}

static Scalar createCompare(Scalar lhs, Scalar rhs, arith::CmpIPredicate integers,
                            arith::CmpFPredicate floats) {
  ImplicitLocOpBuilder &builder = lhs.getBuilder();
  if (isa<FloatType>(lhs.getType()))
    return lhs.with(builder.createOrFold<arith::CmpFOp>(floats, lhs, rhs));
  return lhs.with(builder.createOrFold<arith::CmpIOp>(integers, lhs, rhs));
}

namespace mlir::sprint::lowering {

Scalar operator+(Scalar lhs, Scalar rhs) {
  return createBinary<arith::AddIOp, arith::AddFOp>(lhs, rhs);
}
Scalar operator-(Scalar lhs, Scalar rhs) {
  return createBinary<arith::SubIOp, arith::SubFOp>(lhs, rhs);
}
Scalar operator*(Scalar lhs, Scalar rhs) {
  return createBinary<arith::MulIOp, arith::MulFOp>(lhs, rhs);
}
Scalar operator/(Scalar lhs, Scalar rhs) {
  return createBinary<arith::DivUIOp, arith::DivFOp>(lhs, rhs);
}
Scalar operator<<(Scalar lhs, Scalar rhs) {
  return lhs.with(lhs.getBuilder().createOrFold<arith::ShLIOp>(lhs, rhs));
}
Scalar operator>>(Scalar lhs, Scalar rhs) {
  return lhs.with(lhs.getBuilder().createOrFold<arith::ShRSIOp>(lhs, rhs));
}
Scalar operator&(Scalar lhs, Scalar rhs) {
  return lhs.with(lhs.getBuilder().createOrFold<arith::AndIOp>(lhs, rhs));
}
Scalar operator|(Scalar lhs, Scalar rhs) {
  return lhs.with(lhs.getBuilder().createOrFold<arith::OrIOp>(lhs, rhs));
}
Scalar operator>=(Scalar lhs, Scalar rhs) {
  return createCompare(lhs, rhs, arith::CmpIPredicate::sge, arith::CmpFPredicate::OGE);
}
Scalar operator<(Scalar lhs, Scalar rhs) {
  return createCompare(lhs, rhs, arith::CmpIPredicate::slt, arith::CmpFPredicate::OLT);
}
Scalar operator==(Scalar lhs, Scalar rhs) {
  return createCompare(lhs, rhs, arith::CmpIPredicate::eq, arith::CmpFPredicate::OEQ);
}

Scalar select(Scalar condition, Scalar ifTrue, Scalar ifFalse) {
  return condition.with(
      condition.getBuilder().createOrFold<arith::SelectOp>(condition, ifTrue, ifFalse));
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Indexed indexRows(Value matrix, int64_t row, int64_t column) {
  bool isShared = cast<RankedTensorType>(matrix.getType()).getDimSize(0) == 1;
  return {matrix, {isShared ? kBroadcast : row, column}};
}

SmallVector<Value> createGeneric(ImplicitLocOpBuilder &builder, ArrayRef<Indexed> inputs,
                                 ArrayRef<Indexed> outputs, BodyBuilder body) {
  int64_t numLoops = 0;
  for (ArrayRef<Indexed> operands : {inputs, outputs})
    for (const Indexed &operand : operands)
      for (int64_t loop : operand.loops)
        numLoops = std::max(numLoops, loop + 1);

  SmallVector<AffineMap> maps;
  SmallVector<Value> inputTensors, outputTensors;
  SmallVector<Type> types;
  SmallVector<utils::IteratorType> iterators(numLoops, utils::IteratorType::reduction);
  auto addMap = [&](const Indexed &operand) {
    SmallVector<AffineExpr> dims;
    for (int64_t loop : operand.loops)
      dims.push_back(loop == kBroadcast ? builder.getAffineConstantExpr(0)
                                        : builder.getAffineDimExpr(loop));
    maps.push_back(AffineMap::get(numLoops, 0, dims, builder.getContext()));
  };
  for (const Indexed &input : inputs) {
    addMap(input);
    inputTensors.push_back(input.tensor);
  }
  for (const Indexed &output : outputs) {
    addMap(output);
    outputTensors.push_back(output.tensor);
    types.push_back(output.tensor.getType());
    for (int64_t loop : output.loops)
      iterators[loop] = utils::IteratorType::parallel;
  }
  auto generic =
      linalg::GenericOp::create(builder, types, inputTensors, outputTensors, maps, iterators,
                                [&](OpBuilder &nested, Location loc, ValueRange arguments) {
                                  ImplicitLocOpBuilder bodyBuilder(loc, nested);
                                  SmallVector<Scalar> elements;
                                  for (Value argument : arguments)
                                    elements.emplace_back(bodyBuilder, argument);
                                  linalg::YieldOp::create(bodyBuilder, body(bodyBuilder, elements));
                                });
  return generic.getResults();
}

Value createGeneric(ImplicitLocOpBuilder &builder, ArrayRef<Indexed> inputs, const Indexed &output,
                    function_ref<Value(ImplicitLocOpBuilder &, ArrayRef<Scalar>)> body) {
  return createGeneric(builder, inputs, ArrayRef<Indexed>(output),
                       [&](ImplicitLocOpBuilder &b, ArrayRef<Scalar> elements) {
                         return SmallVector<Value>{body(b, elements)};
                       })
      .front();
}

Scalar loopCounter(ImplicitLocOpBuilder &body, int64_t loop) {
  return {body, linalg::IndexOp::create(body, loop)};
}

OpFoldResult sizeOf(ImplicitLocOpBuilder &builder, Value tensor, int64_t dim) {
  return tensor::getMixedSize(builder, builder.getLoc(), tensor, dim);
}

Value createEmpty(ImplicitLocOpBuilder &builder, ArrayRef<OpFoldResult> sizes, Type elementType) {
  return tensor::EmptyOp::create(builder, sizes, elementType);
}

Value createFilled(ImplicitLocOpBuilder &builder, ArrayRef<OpFoldResult> sizes, TypedAttr element) {
  Value constant = arith::ConstantOp::create(builder, element);
  Value empty = createEmpty(builder, sizes, element.getType());
  return linalg::FillOp::create(builder, constant, empty).getResult(0);
}

Value castTo(ImplicitLocOpBuilder &builder, Value value, Type type) {
  return value.getType() == type ? value : tensor::CastOp::create(builder, type, value);
}

//===----------------------------------------------------------------------===//
// Numerics that several ops need
//===----------------------------------------------------------------------===//

void createAssertAll(ImplicitLocOpBuilder &builder, Value tensor,
                     function_ref<Scalar(Scalar element)> check, StringRef message) {
  SmallVector<int64_t, 4> loops =
      llvm::to_vector<4>(llvm::seq<int64_t>(0, cast<ShapedType>(tensor.getType()).getRank()));
  Value all = createGeneric(builder, {{tensor, loops}},
                            {createFilled(builder, {}, builder.getBoolAttr(true)), {}},
                            [&](ImplicitLocOpBuilder &, ArrayRef<Scalar> elements) -> Value {
                              return elements[1] & check(elements[0]);
                            });
  cf::AssertOp::create(builder, tensor::ExtractOp::create(builder, all, ValueRange()), message);
}

OpFoldResult createGroup(ImplicitLocOpBuilder &builder, OpFoldResult heads, OpFoldResult keyHeads) {
  std::optional<int64_t> numHeads = getConstantIntValue(heads),
                         numKeyHeads = getConstantIntValue(keyHeads);
  if (numHeads && numKeyHeads)
    return builder.getIndexAttr(*numKeyHeads == 0 ? 1 : *numHeads / *numKeyHeads);
  Location loc = builder.getLoc();
  Scalar count(builder, getValueOrCreateConstantIndexOp(builder, loc, heads));
  Scalar keyCount = count.with(getValueOrCreateConstantIndexOp(builder, loc, keyHeads));
  Scalar group = count / keyCount;
  cf::AssertOp::create(builder, group * keyCount == count,
                       "expected the key heads to divide the heads");
  return OpFoldResult(Value(group));
}

bool isOneToOne(OpFoldResult group) { return isConstantIntValue(group, 1); }

Scalar keyHeadOf(Scalar head, OpFoldResult group) {
  if (std::optional<int64_t> size = getConstantIntValue(group))
    return *size == 1 ? head : head / *size;
  return head / head.with(cast<Value>(group));
}

Scalar KeyHeadOperand::take(ImplicitLocOpBuilder &body, ArrayRef<Scalar> &elements) const {
  if (isOneToOne(group))
    return elements.consume_front();
  SmallVector<Value> indices;
  for (auto [dim, loop] : llvm::enumerate(indexed.loops)) {
    Scalar counter = loopCounter(body, loop);
    indices.push_back(dim == 1 ? keyHeadOf(counter, group) : counter);
  }
  return Scalar(body, indices.front()).elementOf(indexed.tensor, indices);
}

Scalar tableIndex(Scalar delta, Value multiplier, Value shift) {
  Scalar half = (delta.constant(int64_t(1)) << delta.with(shift)) >> 1;
  return (delta * delta.with(multiplier) + half) >> delta.with(shift);
}

Value createBandOffset(ImplicitLocOpBuilder &builder, BandAttr band, OpFoldResult keys,
                       OpFoldResult queries) {
  if (!band || band.getAlign() == Align::Start)
    return arith::ConstantIndexOp::create(builder, 0);
  Location loc = builder.getLoc();
  return builder.createOrFold<arith::SubIOp>(
      getValueOrCreateConstantIndexOp(builder, loc, keys),
      getValueOrCreateConstantIndexOp(builder, loc, queries));
}

Scalar isAllowed(BandAttr band, Scalar diagonal, Scalar key) {
  if (band)
    if (std::optional<Scalar> allowed = band.allows(key - diagonal))
      return *allowed;
  ImplicitLocOpBuilder &builder = key.getBuilder();
  return key.with(arith::ConstantOp::create(builder, builder.getBoolAttr(true)));
}

} // namespace mlir::sprint::lowering
