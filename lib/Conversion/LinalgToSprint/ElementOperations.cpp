//===- ElementOperations.cpp - Operations on expressions ------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementExpr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;

Expr ElementExprFactory::operation(StringRef name, Type type, ArrayRef<Expr> operands,
                                   Type integerType) {
  ElementExpr expr = ElementExpr::make(Kind::Operation, type);
  expr.name = OperationName(name, context);
  expr.operands.assign(operands.begin(), operands.end());
  expr.integerType = integerType;
  return intern(std::move(expr));
}

Expr ElementExprFactory::reduce(Combiner combiner, Expr element) {
  if (combiner != Combiner::Sum && !element->dependsOn(Position::Key))
    return element;
  ElementExpr expr = ElementExpr::make(Kind::Reduction, element->type);
  expr.combiner = combiner;
  expr.operands = {element};
  return intern(std::move(expr));
}

Expr ElementExprFactory::replace(Expr expr, Expr part, Expr replacement) {
  llvm::DenseMap<Expr, Expr> known{{part, replacement}};
  return replaceKnown(expr, known);
}

Expr ElementExprFactory::replaceKnown(Expr expr, llvm::DenseMap<Expr, Expr> &known) {
  if (auto found = known.find(expr); found != known.end())
    return found->second;
  SmallVector<Expr> operands;
  for (Expr operand : expr->operands) {
    operands.push_back(replaceKnown(operand, known));
    if (!operands.back())
      return nullptr;
  }
  auto rebuild = [&]() -> Expr {
    switch (expr->kind) {
    case Kind::Affine: {
      Expr sum = integer(expr->constant);
      for (const AffineTerm &term : expr->terms) {
        Expr atom = replaceKnown(term.atom, known);
        Expr scaled = atom ? scale(atom, term.coefficient) : nullptr;
        sum = scaled ? add(sum, scaled) : nullptr;
        if (!sum)
          return nullptr;
      }
      return sum;
    }
    case Kind::Load:
      return load(expr->value, operands);
    case Kind::Operation: {
      if (ArrayRef(operands) == ArrayRef(expr->operands))
        return expr;
      SmallVector<Type> types;
      for (Expr operand : expr->operands)
        types.push_back(operand->isInteger() && expr->integerType ? expr->integerType
                                                                  : operand->type);
      return applyOp(*expr->name, expr->attribute, types, expr->type, operands);
    }
    case Kind::Select:
      return select(operands[0], operands[1], operands[2]);
    case Kind::And:
      return conjunction(operands);
    case Kind::Or:
      return disjunction(operands);
    case Kind::Not:
      return negate(operands[0]);
    case Kind::NonNegative:
      return isNonNegative(operands[0]);
    case Kind::Zero:
      return isZero(operands[0]);
    case Kind::Product: {
      Expr product = operands.front();
      for (Expr size : ArrayRef(operands).drop_front())
        product = product ? multiply(product, size) : nullptr;
      return product;
    }
    case Kind::Reduction:
      return reduce(expr->combiner, operands[0]);
    case Kind::Float:
    case Kind::Position:
    case Kind::Index:
    case Kind::Size:
    case Kind::Scalar:
      return expr;
    }
    llvm_unreachable("all kinds are above");
  };
  Expr result = rebuild();
  known[expr] = result;
  return result;
}

Expr ElementExprFactory::applyOp(OperationName name, Attribute attributes, TypeRange operandTypes,
                                 Type type, ArrayRef<Expr> operands) {
  // An op of values that only have a type.
  Location loc = UnknownLoc::get(context);
  Block block;
  OperationState state(loc, name);
  for (Type operandType : operandTypes)
    state.operands.push_back(block.addArgument(operandType, loc));
  if (attributes)
    state.addAttributes(cast<DictionaryAttr>(attributes).getValue());
  state.types.push_back(type);
  Operation *op = Operation::create(state);
  Expr result = apply(op, operands);
  op->destroy();
  return result;
}

Expr ElementExprFactory::applyToElements(Operation *op, ArrayRef<Expr> operands) {
  SmallVector<Type> types;
  for (Type type : op->getOperandTypes())
    types.push_back(getElementTypeOrSelf(type));
  return applyOp(op->getName(), op->getAttrDictionary(), types,
                 getElementTypeOrSelf(op->getResult(0)), operands);
}

Expr ElementExprFactory::fold(Operation *op, ArrayRef<Expr> operands) {
  SmallVector<Attribute> constants;
  for (auto [operand, value] : llvm::zip_equal(operands, op->getOperands())) {
    if (!operand->isConstant())
      return nullptr;
    if (operand->isTruth())
      constants.push_back(BoolAttr::get(context, operand->isTrue()));
    else if (operand->isFloat())
      constants.push_back(operand->attribute);
    else
      constants.push_back(IntegerAttr::get(value.getType(), operand->constant));
  }
  // Folding may change an op in place.
  Operation *copy = op->clone();
  SmallVector<OpFoldResult> results;
  LogicalResult folded = copy->fold(constants, results);
  copy->destroy();
  if (failed(folded) || results.size() != 1)
    return nullptr;
  Attribute result = dyn_cast<Attribute>(results.front());
  if (auto number = dyn_cast_or_null<FloatAttr>(result))
    return floating(number);
  auto number = dyn_cast_or_null<IntegerAttr>(result);
  if (!number || number.getValue().getBitWidth() > 64)
    return nullptr;
  if (number.getType().isInteger(1))
    return truth(!number.getValue().isZero());
  return integer(number.getValue().getSExtValue());
}

Expr ElementExprFactory::compareIntegers(arith::CmpIPredicate predicate, Expr left, Expr right) {
  using Predicate = arith::CmpIPredicate;
  bool isUnsigned = predicate >= Predicate::ult;
  if (isUnsigned && (getBounds(left).min < 0 || getBounds(right).min < 0))
    return nullptr;
  auto isAtLeast = [&](Expr large, Expr small, int64_t distance) -> Expr {
    Expr difference = subtract(large, small);
    if (difference)
      difference = add(difference, integer(-distance));
    return difference ? isNonNegative(difference) : nullptr;
  };
  auto isSame = [&]() -> Expr {
    Expr difference = subtract(left, right);
    return difference ? isZero(difference) : nullptr;
  };
  switch (predicate) {
  case Predicate::eq:
    return isSame();
  case Predicate::ne: {
    Expr same = isSame();
    return same ? negate(same) : nullptr;
  }
  case Predicate::slt:
  case Predicate::ult:
    return isAtLeast(right, left, 1);
  case Predicate::sle:
  case Predicate::ule:
    return isAtLeast(right, left, 0);
  case Predicate::sgt:
  case Predicate::ugt:
    return isAtLeast(left, right, 1);
  case Predicate::sge:
  case Predicate::uge:
    return isAtLeast(left, right, 0);
  }
  llvm_unreachable("all predicates are above");
}

Expr ElementExprFactory::compareFloats(arith::CmpFPredicate predicate, Expr left, Expr right) {
  using Predicate = arith::CmpFPredicate;
  Expr first = getExactInteger(left), second = getExactInteger(right);
  if (!first || !second)
    return nullptr;
  switch (predicate) {
  case Predicate::OEQ:
  case Predicate::UEQ:
    return compareIntegers(arith::CmpIPredicate::eq, first, second);
  case Predicate::ONE:
  case Predicate::UNE:
    return compareIntegers(arith::CmpIPredicate::ne, first, second);
  case Predicate::OLT:
  case Predicate::ULT:
    return compareIntegers(arith::CmpIPredicate::slt, first, second);
  case Predicate::OLE:
  case Predicate::ULE:
    return compareIntegers(arith::CmpIPredicate::sle, first, second);
  case Predicate::OGT:
  case Predicate::UGT:
    return compareIntegers(arith::CmpIPredicate::sgt, first, second);
  case Predicate::OGE:
  case Predicate::UGE:
    return compareIntegers(arith::CmpIPredicate::sge, first, second);
  default:
    return nullptr;
  }
}

/// The largest number up to which every integer is a number of the type.
static int64_t getExactLimit(Type type) {
  unsigned precision = llvm::APFloat::semanticsPrecision(cast<FloatType>(type).getFloatSemantics());
  return int64_t(1) << std::min(precision, 62u);
}

Expr ElementExprFactory::getExactInteger(Expr number) {
  int64_t limit = getExactLimit(number->type);
  if (std::optional<APFloat> constant = number->getConstantFloat()) {
    llvm::APSInt integer(64, /*isUnsigned=*/false);
    bool isExact = false;
    if (constant->convertToInteger(integer, APFloat::rmTowardZero, &isExact) != APFloat::opOK ||
        !isExact || integer.getExtValue() < -limit || integer.getExtValue() > limit)
      return nullptr;
    return this->integer(integer.getExtValue());
  }
  if (!number->isOperation("arith.sitofp"))
    return nullptr;
  Expr integer = number->operands.front();
  return integer->isInteger() && getBounds(integer).isWithin(-limit, limit) ? integer : nullptr;
}

Expr ElementExprFactory::getExactFloat(Expr integer, Type type) {
  int64_t limit = getExactLimit(type);
  if (!integer || !getBounds(integer).isWithin(-limit, limit))
    return nullptr;
  if (std::optional<int64_t> constant = integer->getConstantInteger()) {
    APFloat number(cast<FloatType>(type).getFloatSemantics());
    number.convertFromAPInt(APInt(64, *constant, /*isSigned=*/true), /*IsSigned=*/true,
                            APFloat::rmNearestTiesToEven);
    return floating(FloatAttr::get(type, number));
  }
  return operation("arith.sitofp", type, {integer}, IntegerType::get(context, 64));
}

Expr ElementExprFactory::applyToTruths(Operation *op, ArrayRef<Expr> operands) {
  Type type = op->getResult(0).getType();
  auto chooseInteger = [&](int64_t ifTrue) {
    return select(operands[0], integer(ifTrue), integer(0));
  };
  auto chooseFloat = [&](double ifTrue) {
    return select(operands[0], floating(FloatAttr::get(type, ifTrue)),
                  floating(FloatAttr::get(type, 0.0)));
  };
  auto isExclusive = [&](Expr left, Expr right) {
    return disjunction({conjunction({left, negate(right)}), conjunction({negate(left), right})});
  };
  return llvm::TypeSwitch<Operation *, Expr>(op)
      .Case([&](arith::AndIOp) { return conjunction(operands); })
      .Case([&](arith::MulIOp) { return conjunction(operands); })
      .Case([&](arith::OrIOp) { return disjunction(operands); })
      .Case([&](arith::XOrIOp) { return isExclusive(operands[0], operands[1]); })
      .Case([&](arith::ExtUIOp) { return chooseInteger(1); })
      .Case([&](arith::ExtSIOp) { return chooseInteger(-1); })
      .Case([&](arith::IndexCastOp) { return chooseInteger(-1); })
      .Case([&](arith::IndexCastUIOp) { return chooseInteger(1); })
      .Case([&](arith::UIToFPOp) { return chooseFloat(1.0); })
      .Case([&](arith::SIToFPOp) { return chooseFloat(-1.0); })
      .Case([&](arith::CmpIOp compare) -> Expr {
        if (compare.getPredicate() == arith::CmpIPredicate::ne)
          return isExclusive(operands[0], operands[1]);
        if (compare.getPredicate() == arith::CmpIPredicate::eq)
          return negate(isExclusive(operands[0], operands[1]));
        return nullptr;
      })
      .Default(nullptr);
}

Expr ElementExprFactory::applyToIntegers(Operation *op, ArrayRef<Expr> operands) {
  Type type = op->getResult(0).getType();
  // A result that does not fit the type wraps, and is not the number it is meant to be.
  auto fitted = [&](Expr result) -> Expr {
    IntegerRange range = rangeOf(type);
    return result && getBounds(result).isWithin(range.min, range.max) ? result : nullptr;
  };
  auto isNonNegativeOperand = [&](Expr operand) { return getBounds(operand).min >= 0; };
  auto pickExtreme = [&](bool isMin) -> Expr {
    Expr difference = subtract(operands[0], operands[1]);
    IntegerRange bounds = difference ? getBounds(difference) : IntegerRange{INT64_MIN, INT64_MAX};
    if (bounds.max <= 0)
      return operands[isMin ? 0 : 1];
    if (bounds.min >= 0)
      return operands[isMin ? 1 : 0];
    IntegerRange left = getBounds(operands[0]), right = getBounds(operands[1]);
    ElementExpr expr = ElementExpr::make(Kind::Operation, IndexType::get(context));
    expr.name = OperationName(isMin ? "arith.minsi" : "arith.maxsi", context);
    expr.operands.assign(operands.begin(), operands.end());
    expr.integerType = IndexType::get(context);
    expr.range = isMin ? IntegerRange{std::min(left.min, right.min), std::min(left.max, right.max)}
                       : IntegerRange{std::max(left.min, right.min), std::max(left.max, right.max)};
    return intern(std::move(expr));
  };
  auto divide = [&](bool isQuotient) -> Expr {
    std::optional<int64_t> divisor = operands[1]->getConstantInteger();
    if (!divisor || *divisor <= 0)
      return nullptr;
    return isQuotient ? floorDivide(operands[0], *divisor) : remainder(operands[0], *divisor);
  };
  auto areNonNegative = [&] { return llvm::all_of(operands, isNonNegativeOperand); };
  return llvm::TypeSwitch<Operation *, Expr>(op)
      .Case([&](arith::AddIOp) { return fitted(add(operands[0], operands[1])); })
      .Case([&](arith::SubIOp) { return fitted(subtract(operands[0], operands[1])); })
      .Case([&](arith::MulIOp) -> Expr {
        for (unsigned side : {0, 1})
          if (std::optional<int64_t> factor = operands[side]->getConstantInteger())
            return fitted(scale(operands[1 - side], *factor));
        return nullptr;
      })
      .Case<arith::IndexCastOp, arith::ExtSIOp>([&](auto) { return fitted(operands[0]); })
      .Case<arith::IndexCastUIOp, arith::ExtUIOp>([&](auto) -> Expr {
        return isNonNegativeOperand(operands[0]) ? fitted(operands[0]) : nullptr;
      })
      .Case([&](arith::TruncIOp) -> Expr {
        if (!type.isInteger(1))
          return fitted(operands[0]);
        return getBounds(operands[0]).isWithin(0, 1) ? negate(isZero(operands[0])) : nullptr;
      })
      .Case([&](arith::MinSIOp) { return pickExtreme(/*isMin=*/true); })
      .Case([&](arith::MaxSIOp) { return pickExtreme(/*isMin=*/false); })
      .Case([&](arith::MinUIOp) { return areNonNegative() ? pickExtreme(true) : nullptr; })
      .Case([&](arith::MaxUIOp) { return areNonNegative() ? pickExtreme(false) : nullptr; })
      .Case([&](arith::FloorDivSIOp) { return divide(/*isQuotient=*/true); })
      .Case<arith::DivSIOp, arith::DivUIOp>(
          [&](auto) { return isNonNegativeOperand(operands[0]) ? divide(true) : nullptr; })
      .Case<arith::RemSIOp, arith::RemUIOp>(
          [&](auto) { return isNonNegativeOperand(operands[0]) ? divide(false) : nullptr; })
      .Case([&](math::AbsIOp) -> Expr {
        IntegerRange bounds = getBounds(operands[0]);
        if (bounds.min >= 0)
          return operands[0];
        if (bounds.max <= 0)
          return fitted(scale(operands[0], -1));
        if (bounds.min == INT64_MIN)
          return nullptr;
        ElementExpr expr = ElementExpr::make(Kind::Operation, IndexType::get(context));
        expr.name = op->getName();
        expr.operands = {operands[0]};
        expr.integerType = IndexType::get(context);
        expr.range = {0, std::max(-bounds.min, bounds.max)};
        return intern(std::move(expr));
      })
      .Case([&](arith::CmpIOp compare) {
        return compareIntegers(compare.getPredicate(), operands[0], operands[1]);
      })
      .Case([&](arith::SIToFPOp) { return getExactFloat(operands[0], type); })
      .Case([&](arith::UIToFPOp) {
        return isNonNegativeOperand(operands[0]) ? getExactFloat(operands[0], type) : nullptr;
      })
      .Default(nullptr);
}

Expr ElementExprFactory::applyToFloats(Operation *op, ArrayRef<Expr> operands) {
  Type type = op->getResult(0).getType();
  auto exact = [&](function_ref<Expr(Expr, Expr)> combined) -> Expr {
    Expr left = getExactInteger(operands[0]), right = getExactInteger(operands[1]);
    Expr result = left && right ? combined(left, right) : nullptr;
    return result ? getExactFloat(result, type) : nullptr;
  };
  auto isConstant = [&](unsigned operand, double number) {
    std::optional<APFloat> constant = operands[operand]->getConstantFloat();
    return constant && constant->convertToDouble() == number;
  };
  return llvm::TypeSwitch<Operation *, Expr>(op)
      .Case([&](arith::AddFOp) -> Expr {
        if (isConstant(1, 0.0))
          return operands[0];
        if (isConstant(0, 0.0))
          return operands[1];
        return exact([&](Expr left, Expr right) { return add(left, right); });
      })
      .Case([&](arith::SubFOp) -> Expr {
        if (isConstant(1, 0.0))
          return operands[0];
        return exact([&](Expr left, Expr right) { return subtract(left, right); });
      })
      .Case([&](arith::MulFOp) -> Expr {
        if (isConstant(1, 1.0))
          return operands[0];
        if (isConstant(0, 1.0))
          return operands[1];
        return exact([&](Expr left, Expr right) -> Expr {
          if (std::optional<int64_t> factor = right->getConstantInteger())
            return scale(left, *factor);
          std::optional<int64_t> factor = left->getConstantInteger();
          return factor ? scale(right, *factor) : nullptr;
        });
      })
      .Case([&](arith::DivFOp) { return isConstant(1, 1.0) ? operands[0] : nullptr; })
      .Case([&](arith::NegFOp) -> Expr {
        Expr integer = getExactInteger(operands[0]);
        return integer ? getExactFloat(scale(integer, -1), type) : nullptr;
      })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto) -> Expr {
        // Also where the number is not one of the narrower type, which the op's folder leaves.
        if (std::optional<APFloat> constant = operands[0]->getConstantFloat()) {
          bool losesInfo = false;
          constant->convert(cast<FloatType>(type).getFloatSemantics(), APFloat::rmNearestTiesToEven,
                            &losesInfo);
          return floating(FloatAttr::get(type, *constant));
        }
        Expr integer = getExactInteger(operands[0]);
        return integer ? getExactFloat(integer, type) : nullptr;
      })
      .Case([&](arith::FPToSIOp) -> Expr {
        Expr integer = getExactInteger(operands[0]);
        IntegerRange range = rangeOf(type);
        return integer && getBounds(integer).isWithin(range.min, range.max) ? integer : nullptr;
      })
      .Case([&](arith::CmpFOp compare) {
        return compareFloats(compare.getPredicate(), operands[0], operands[1]);
      })
      .Default(nullptr);
}

Expr ElementExprFactory::apply(Operation *op, ArrayRef<Expr> operands) {
  if (isa<arith::SelectOp>(op))
    return select(operands[0], operands[1], operands[2]);
  if (Expr constant = fold(op, operands))
    return constant;
  if (Expr pushed = pushThroughSelects(op, operands))
    return pushed;
  Expr simple = nullptr;
  if (llvm::all_of(operands, [](Expr operand) { return operand->isTruth(); }))
    simple = applyToTruths(op, operands);
  else if (llvm::all_of(operands, [](Expr operand) { return operand->isInteger(); }))
    simple = applyToIntegers(op, operands);
  else if (llvm::all_of(operands, [](Expr operand) { return operand->isFloat(); }))
    simple = applyToFloats(op, operands);
  if (simple)
    return simple;

  ElementExpr expr = ElementExpr::make(Kind::Operation, op->getResult(0).getType());
  expr.name = op->getName();
  expr.attribute = op->getAttrDictionary();
  expr.operands.assign(operands.begin(), operands.end());
  for (Type type : op->getOperandTypes())
    if (isa<IntegerType, IndexType>(type) && !type.isInteger(1))
      expr.integerType = type;
  // An i8 that is widened without its sign.
  if (isa<arith::ExtUIOp, arith::IndexCastUIOp>(op))
    if (auto narrowType = dyn_cast<IntegerType>(op->getOperand(0).getType());
        narrowType && narrowType.getWidth() < 63)
      expr.range = {0, (int64_t(1) << narrowType.getWidth()) - 1};
  return intern(std::move(expr));
}
