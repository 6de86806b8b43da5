//===- ElementEmitter.cpp - Expressions as tensors ------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;

namespace {
/// Emits one expression as the body of a `linalg.generic`.
class BodyEmitter {
public:
  BodyEmitter(OpBuilder &builder, Location loc, const ElementEvaluator &evaluator,
              ArrayRef<EmittedDimension> dimensions)
      : builder(builder), loc(loc), evaluator(evaluator), dimensions(dimensions) {}

  Value emit(Expr expr);

private:
  /// The tensor that is read instead of computing `expr`; null where it is computed.
  const HoldingTensor *getInput(Expr expr) const {
    ArrayRef<HoldingTensor> holders = evaluator.getHolders(expr);
    bool isWorthReading = expr->hasLoad || expr->isFloat() || expr->kind == Kind::Reduction;
    return isWorthReading && !holders.empty() ? &holders.front() : nullptr;
  }
  /// Finds what the body needs from outside: inputs, and sizes and scalars as values.
  void collect(Expr expr);
  AffineMap getMap(const HoldingTensor &input) const;

  /// The expression in the body: integers as `index`.
  Value emitElement(Expr expr);
  Value computeElement(Expr expr);
  Value emitIndex(int64_t number) { return arith::ConstantIndexOp::create(builder, loc, number); }
  Value emitTruth(bool value) {
    return arith::ConstantOp::create(builder, loc, builder.getBoolAttr(value));
  }
  Value asType(Value value, Type type) {
    if (value.getType() == type)
      return value;
    // Back to what it was before it became an index.
    if (auto cast = value.getDefiningOp<arith::IndexCastOp>();
        cast && cast.getIn().getType() == type)
      return cast.getIn();
    return arith::IndexCastOp::create(builder, loc, type, value);
  }
  Value asIndex(Value value) {
    bool isWide = isa<IntegerType>(value.getType()) && !value.getType().isInteger(1);
    return isWide ? asType(value, builder.getIndexType()) : value;
  }

  OpBuilder &builder;
  Location loc;
  const ElementEvaluator &evaluator;
  ArrayRef<EmittedDimension> dimensions;
  SmallVector<Expr> inputs;
  llvm::DenseMap<Expr, Value> values;
  llvm::DenseSet<Expr> collected;
};
} // namespace

void BodyEmitter::collect(Expr expr) {
  if (!collected.insert(expr).second)
    return;
  if (getInput(expr)) {
    inputs.push_back(expr);
    return;
  }
  if (expr->kind == Kind::Size)
    values[expr] =
        materializeSize(builder, loc, {ShapedType::kDynamic, expr->value, expr->dimension});
  else if (expr->kind == Kind::Scalar)
    values[expr] = asIndex(expr->value);
  if (expr->kind == Kind::Reduction)
    return collect(evaluator.getLoad(expr));
  for (Expr operand : expr->operands)
    collect(operand);
  for (const AffineTerm &term : expr->terms)
    collect(term.atom);
}

AffineMap BodyEmitter::getMap(const HoldingTensor &input) const {
  SmallVector<AffineExpr> results;
  for (Expr index : input.indices) {
    AffineExpr result = builder.getAffineConstantExpr(0);
    if (index->kind == Kind::Position)
      for (auto [loop, dimension] : llvm::enumerate(dimensions))
        if (dimension.position == index->position)
          result = builder.getAffineDimExpr(loop);
    results.push_back(result);
  }
  return AffineMap::get(dimensions.size(), /*symbolCount=*/0, results, builder.getContext());
}

Value BodyEmitter::computeElement(Expr expr) {
  switch (expr->kind) {
  case Kind::Affine: {
    Value sum;
    for (const AffineTerm &term : expr->terms) {
      Value summand = emitElement(term.atom);
      if (term.coefficient != 1)
        summand = arith::MulIOp::create(builder, loc, summand, emitIndex(term.coefficient));
      sum = sum ? arith::AddIOp::create(builder, loc, sum, summand) : summand;
    }
    if (!sum)
      return emitIndex(expr->constant);
    return expr->constant == 0
               ? sum
               : arith::AddIOp::create(builder, loc, sum, emitIndex(expr->constant));
  }
  case Kind::Float:
    return arith::ConstantOp::create(builder, loc, cast<FloatAttr>(expr->attribute));
  case Kind::Position:
    for (auto [loop, dimension] : llvm::enumerate(dimensions))
      if (dimension.position == expr->position)
        return linalg::IndexOp::create(builder, loc, loop);
    llvm_unreachable("the expression depends on no other position");
  case Kind::Load: {
    SmallVector<Value> indices =
        llvm::map_to_vector(expr->operands, [&](Expr index) { return emitElement(index); });
    return asIndex(tensor::ExtractOp::create(builder, loc, expr->value, indices));
  }
  case Kind::Operation: {
    OperationState state(loc, *expr->name);
    for (Expr operand : expr->operands) {
      Value value = emitElement(operand);
      state.operands.push_back(operand->isInteger() ? asType(value, expr->integerType) : value);
    }
    if (expr->attribute)
      state.addAttributes(cast<DictionaryAttr>(expr->attribute).getValue());
    state.types.push_back(expr->type);
    return asIndex(builder.create(state)->getResult(0));
  }
  case Kind::Select:
    return arith::SelectOp::create(builder, loc, emitElement(expr->operands[0]),
                                   emitElement(expr->operands[1]), emitElement(expr->operands[2]));
  case Kind::And:
  case Kind::Or: {
    Value result;
    for (Expr operand : expr->operands) {
      Value part = emitElement(operand);
      if (!result)
        result = part;
      else if (expr->kind == Kind::And)
        result = arith::AndIOp::create(builder, loc, result, part);
      else
        result = arith::OrIOp::create(builder, loc, result, part);
    }
    return result ? result : emitTruth(expr->isTrue());
  }
  case Kind::Not:
    return arith::XOrIOp::create(builder, loc, emitElement(expr->operands[0]), emitTruth(true));
  case Kind::NonNegative:
  case Kind::Zero:
    return arith::CmpIOp::create(builder, loc,
                                 expr->kind == Kind::Zero ? arith::CmpIPredicate::eq
                                                          : arith::CmpIPredicate::sge,
                                 emitElement(expr->operands[0]), emitIndex(0));
  case Kind::Product: {
    Value product;
    for (Expr operand : expr->operands) {
      Value factor = emitElement(operand);
      product = product ? arith::MulIOp::create(builder, loc, product, factor) : factor;
    }
    return product;
  }
  case Kind::Reduction:
    return emitElement(evaluator.getLoad(expr));
  case Kind::Index:
  case Kind::Size:
  case Kind::Scalar:
    break;
  }
  llvm_unreachable("indices stay inside the evaluator, sizes and scalars come from outside");
}

Value BodyEmitter::emitElement(Expr expr) {
  if (Value known = values.lookup(expr))
    return known;
  Value value = computeElement(expr);
  values[expr] = value;
  return value;
}

/// The sizes of the tensor to make, for `tensor.empty`.
static SmallVector<OpFoldResult> getSizes(OpBuilder &builder, Location loc,
                                          ArrayRef<EmittedDimension> dimensions) {
  return llvm::map_to_vector(dimensions, [&](const EmittedDimension &dimension) -> OpFoldResult {
    if (!dimension.position)
      return builder.getIndexAttr(1);
    if (dimension.size.isConstant())
      return builder.getIndexAttr(dimension.size.constant);
    return materializeSize(builder, loc, dimension.size);
  });
}

Value BodyEmitter::emit(Expr expr) {
  collect(expr);
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (Expr input : inputs) {
    const HoldingTensor *holder = getInput(input);
    operands.push_back(holder->tensor);
    maps.push_back(getMap(*holder));
  }
  maps.push_back(builder.getMultiDimIdentityMap(dimensions.size()));
  Value init =
      tensor::EmptyOp::create(builder, loc, getSizes(builder, loc, dimensions), expr->type);
  SmallVector<utils::IteratorType> loops(dimensions.size(), utils::IteratorType::parallel);
  auto generic =
      linalg::GenericOp::create(builder, loc, init.getType(), operands, init, maps, loops,
                                [&](OpBuilder &, Location, ValueRange arguments) {
                                  for (auto [input, argument] : llvm::zip(inputs, arguments))
                                    values[input] = asIndex(argument);
                                  Value element = asType(emitElement(expr), expr->type);
                                  linalg::YieldOp::create(builder, loc, element);
                                });
  return generic.getResult(0);
}

/// Groups the dimensions for a reshape that keeps those listed and drops the others, of size 1.
static SmallVector<ReassociationIndices> groupAround(ArrayRef<int64_t> kept, int64_t rank) {
  SmallVector<ReassociationIndices> groups(kept.size());
  for (int64_t dimension = 0; dimension < rank; ++dimension) {
    auto next = llvm::upper_bound(kept, dimension);
    groups[next == kept.begin() ? 0 : next - kept.begin() - 1].push_back(dimension);
  }
  return groups;
}

/// A tensor in the IR as one with the given dimensions; null where it is
/// not, or, unless `asItIs`, does not become one by dropping and adding dimensions of size 1.
static Value reshape(OpBuilder &builder, Location loc, const HoldingTensor &holder,
                     ArrayRef<EmittedDimension> dimensions, bool asItIs) {
  SmallVector<int64_t> kept;
  SmallVector<Position> order, wanted;
  for (auto [dimension, index] : llvm::enumerate(holder.indices)) {
    if (index->kind != Kind::Position)
      continue;
    kept.push_back(dimension);
    order.push_back(index->position);
  }
  SmallVector<int64_t> places;
  for (auto [place, dimension] : llvm::enumerate(dimensions)) {
    // Along a position of size 1 an expression does not vary, nor has its tensor an index there.
    if (!dimension.position || (dimension.size.isConstant() && dimension.size.constant == 1))
      continue;
    wanted.push_back(*dimension.position);
    places.push_back(place);
  }
  if (order != wanted || kept.empty())
    return nullptr;
  if (holder.indices.size() == dimensions.size() && kept == places)
    return holder.tensor;
  if (asItIs)
    return nullptr;
  Value tensor = holder.tensor;
  auto type = cast<RankedTensorType>(tensor.getType());
  if (static_cast<int64_t>(kept.size()) != type.getRank())
    tensor =
        tensor::CollapseShapeOp::create(builder, loc, tensor, groupAround(kept, type.getRank()));
  if (kept.size() == dimensions.size())
    return tensor;
  SmallVector<int64_t> shape(dimensions.size(), 1);
  for (auto [from, to] : llvm::zip_equal(kept, places))
    shape[to] = type.getDimSize(from);
  return tensor::ExpandShapeOp::create(builder, loc,
                                       RankedTensorType::get(shape, type.getElementType()), tensor,
                                       groupAround(places, dimensions.size()));
}

Value sprint::emitTensor(OpBuilder &builder, Location loc, const ElementEvaluator &evaluator,
                         Expr expr, ArrayRef<EmittedDimension> dimensions) {
  for (bool asItIs : {true, false})
    for (const HoldingTensor &holder : evaluator.getHolders(expr))
      if (Value tensor = reshape(builder, loc, holder, dimensions, asItIs))
        return tensor;
  return BodyEmitter(builder, loc, evaluator, dimensions).emit(expr);
}
