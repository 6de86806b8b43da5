//===- ElementExpr.h - What one element of a tensor is -----------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Expressions over the position (b, h, i, j) of one logit, sizes, constants, elements of tensors
// that are not looked into, and reductions over the keys of a row. They are immutable and unique:
// equal expressions are one object. The factory simplifies as it builds; whatever it does is exact
// for every position that exists.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ELEMENTEXPR_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ELEMENTEXPR_H

#include "TensorSizes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/FoldingSet.h"
#include "llvm/ADT/SmallVector.h"

#include <deque>
#include <optional>
#include <utility>

namespace mlir::sprint {

/// The four indices of a logit.
enum class Position : unsigned { Batch, Head, Query, Key };
inline constexpr unsigned kNumPositions = 4;

/// What a reduction over the keys of a row makes of one expression for each key.
enum class Combiner : unsigned { Sum, Maximum, All };

/// A set of positions.
using PositionSet = unsigned;
inline PositionSet setOf(Position position) { return 1u << static_cast<unsigned>(position); }

class ElementExpr;
/// Equal expressions are equal pointers. The factory owns them.
using Expr = const ElementExpr *;

/// Bounds of an integer, both inclusive.
struct IntegerRange {
  int64_t min, max;

  bool isConstant() const { return min == max; }
  bool isNonNegative() const { return min >= 0; }
  bool isWithin(int64_t low, int64_t high) const { return low <= min && max <= high; }
};

/// A summand of an affine expression.
struct AffineTerm {
  Expr atom;
  int64_t coefficient;

  bool operator==(const AffineTerm &other) const = default;
};

/// One expression. Integers of all types stand for the number they hold, signed; `index` and i64
/// are not told apart. Truth values are the expressions of type i1.
class ElementExpr : public llvm::FoldingSetNode {
public:
  enum class Kind {
    /// Integer `constant + sum of terms`; a constant where there are no terms. Never overflows.
    Affine,
    /// A constant float, `attribute`.
    Float,
    /// Index `position` of the logit.
    Position,
    /// Any index from 0 to below `extent`; no two are the same.
    Index,
    /// The size `size`.
    Size,
    /// A scalar `value` of the function around, not looked into.
    Scalar,
    /// Element `operands` of the tensor `value`.
    Load,
    /// What operation `name` with `attributes` makes of `operands`.
    Operation,
    /// `operands[0] ? operands[1] : operands[2]`, not of truth values.
    Select,
    /// All of `operands`; true without any.
    And,
    /// Any of `operands`; false without any.
    Or,
    /// Not `operands[0]`, which is no And, Or, Not or NonNegative.
    Not,
    /// `operands[0] >= 0`, an affine integer.
    NonNegative,
    /// `operands[0] == 0`, an affine integer.
    Zero,
    /// An index times sizes: `operands`, the index first.
    Product,
    /// `combiner` over all keys of the row of `operands[0]`, which may depend on the key.
    Reduction,
  };

  /// An expression of which nothing but the type is known yet.
  static ElementExpr make(Kind kind, Type type);

  Kind kind;
  /// Counts the expressions of a factory, and so orders them.
  unsigned number = 0;
  Type type;
  /// Type of the integers that an Operation takes.
  Type integerType;
  int64_t constant = 0;
  SmallVector<AffineTerm, 2> terms;
  SmallVector<Expr, 3> operands;
  Value value;
  int64_t dimension = -1;
  Attribute attribute;
  std::optional<OperationName> name;
  Position position = Position::Batch;
  Combiner combiner = Combiner::Sum;
  /// Of integers, as far as it is known without extents.
  IntegerRange range{INT64_MIN, INT64_MAX};
  /// Number of elements along an index; of Position and Index.
  Expr extent = nullptr;
  /// Of the longest chain of operands.
  unsigned depth = 0;
  /// The positions it depends on.
  PositionSet positions = 0;
  /// Whether it reads a tensor.
  bool hasLoad = false;

  bool dependsOn(Position candidate) const { return (positions & setOf(candidate)) != 0; }

  bool isInteger() const {
    auto integerType = dyn_cast<IntegerType>(type);
    return type.isIndex() ||
           (integerType && integerType.getWidth() > 1 && integerType.getWidth() <= 64);
  }
  bool isTruth() const { return type.isInteger(1); }
  bool isFloat() const { return isa<FloatType>(type); }
  bool isTrue() const { return kind == Kind::And && operands.empty(); }
  bool isFalse() const { return kind == Kind::Or && operands.empty(); }
  bool isConstant() const {
    return kind == Kind::Float || isTrue() || isFalse() || (kind == Kind::Affine && terms.empty());
  }
  /// The number, where it is a constant integer.
  std::optional<int64_t> getConstantInteger() const {
    return kind == Kind::Affine && terms.empty() ? std::optional(constant) : std::nullopt;
  }
  /// The number, where it is a constant float.
  std::optional<APFloat> getConstantFloat() const {
    return kind == Kind::Float ? std::optional(cast<FloatAttr>(attribute).getValue())
                               : std::nullopt;
  }
  bool isOperation(StringRef candidate) const {
    return kind == Kind::Operation && name->getStringRef() == candidate;
  }
  bool isReduction(Combiner candidate) const {
    return kind == Kind::Reduction && combiner == candidate;
  }

  /// Constant leaves of the trees of selects that are taken apart, at most.
  static constexpr unsigned kMaxLeaves = 16;

  /// The sum that an integer is: its constant and its terms.
  std::pair<int64_t, SmallVector<AffineTerm>> getSum() const;
  /// The parts whose conjunction a truth value is.
  SmallVector<Expr> getConjuncts() const;
  /// Number of leaves of a tree of selects; more than `limit` where that is so, or where a leaf is
  /// no constant.
  unsigned countLeaves(unsigned limit = kMaxLeaves) const;
  /// Whether `part` is the expression, or a part of it.
  bool contains(Expr part) const;

  void Profile(llvm::FoldingSetNodeID &id) const;
};

/// No tensor has more elements along a dimension: addresses have 48 bits.
inline constexpr int64_t kMaxDimSize = int64_t(1) << 47;

/// The numbers that a type of integers holds.
IntegerRange rangeOf(Type type);

/// Whether `is` holds of the expression or a part of it. Each part is looked at once.
bool anyPart(Expr expr, llvm::function_ref<bool(Expr)> is);

/// Makes expressions. Bounded: after `isExhausted`, callers stop looking into tensors.
class ElementExprFactory {
public:
  explicit ElementExprFactory(MLIRContext *context) : context(context) {}

  MLIRContext *getContext() const { return context; }
  /// Whether the expressions are so many or so deep that the analysis should end.
  bool isExhausted() const { return nodes.size() > kMaxExpressions || maxDepth > kMaxDepth; }

  //===--------------------------------------------------------------------===//
  // Leaves
  //===--------------------------------------------------------------------===//

  Expr integer(int64_t number);
  Expr floating(FloatAttr number);
  Expr truth(bool value);
  /// Index `position` along a dimension of the given size; 0 where that is 1. A position has one
  /// extent.
  Expr position(Position position, Expr extent);
  /// An index of its own, from 0 to below `extent`.
  Expr index(Expr extent);
  /// A size that TensorSizes.h does not reduce: a dimension of a tensor.
  Expr size(const TensorSize &size);
  /// The same of a dimension along which there is an element, because a position runs over it.
  Expr positiveSize(const TensorSize &size);
  Expr scalar(Value value);
  Expr load(Value tensor, ArrayRef<Expr> indices);

  //===--------------------------------------------------------------------===//
  // Integers
  //===--------------------------------------------------------------------===//

  /// Sum, difference and product as integers without a width; null where 64 bits might not do.
  Expr add(Expr left, Expr right);
  Expr subtract(Expr left, Expr right);
  Expr scale(Expr integer, int64_t factor);
  /// Quotient rounded down and remainder of a division by a positive constant.
  Expr floorDivide(Expr integer, int64_t divisor);
  Expr remainder(Expr integer, int64_t divisor);
  /// An index times a size; null where 64 bits might not do.
  Expr multiply(Expr index, Expr size);
  /// The same division by any positive size; nothing where the quotient is no expression.
  std::optional<std::pair<Expr, Expr>> divide(Expr integer, Expr size);
  /// Bounds, also through the extents of indices: `i - n` is below 0 where i is an index below n.
  IntegerRange getBounds(Expr integer);
  /// Whether `low <= integer < high` for every position.
  bool isWithin(Expr integer, Expr low, Expr high);

  //===--------------------------------------------------------------------===//
  // Truth values
  //===--------------------------------------------------------------------===//

  Expr isNonNegative(Expr integer);
  Expr isZero(Expr integer);
  Expr negate(Expr truth);
  Expr conjunction(ArrayRef<Expr> truths);
  Expr disjunction(ArrayRef<Expr> truths);

  //===--------------------------------------------------------------------===//
  // All types
  //===--------------------------------------------------------------------===//

  /// `condition ? ifTrue : ifFalse`.
  Expr select(Expr condition, Expr ifTrue, Expr ifFalse);
  /// What `op`, a pure op of scalars with one result, makes of `operands`.
  Expr apply(Operation *op, ArrayRef<Expr> operands);
  /// What `op`, an elementwise op of tensors, makes of one element of each.
  Expr applyToElements(Operation *op, ArrayRef<Expr> operands);
  /// The same for an op without attributes that takes integers of type `integerType`. Does not
  /// simplify.
  Expr operation(StringRef name, Type type, ArrayRef<Expr> operands, Type integerType = Type());
  /// `combiner` of `element` over all keys of the row; there is at least one.
  Expr reduce(Combiner combiner, Expr element);
  /// `expr` with `replacement` in the place of every `part`; null where that has no expression.
  Expr replace(Expr expr, Expr part, Expr replacement);

private:
  /// Expressions of one analysis; the masks of a decoder take some hundreds.
  static constexpr size_t kMaxExpressions = 20000;
  /// Bounds the recursion over an expression.
  static constexpr unsigned kMaxDepth = 1000;

  Expr intern(ElementExpr candidate);
  Expr affine(int64_t constant, ArrayRef<AffineTerm> terms);
  Expr junction(ElementExpr::Kind kind, ArrayRef<Expr> truths);
  /// Bounds of `integer` where `atom`, unless it is null, has the given value.
  IntegerRange getBoundsWhere(Expr integer, Expr atom, int64_t value);
  /// Whether both are the same wherever `condition` is true.
  bool areEqualWhere(Expr condition, Expr left, Expr right);
  Expr makeNonNegative(Expr integer);
  /// `expr` with what `known` has for parts of it; notes there what it finds.
  Expr replaceKnown(Expr expr, llvm::DenseMap<Expr, Expr> &known);
  /// What an op of scalars, which is not in the IR, makes of `operands` of these types.
  Expr applyOp(OperationName name, Attribute attributes, TypeRange operandTypes, Type type,
               ArrayRef<Expr> operands);
  /// `isNonNegative` of an integer in which something can be taken apart; null where nothing can.
  Expr splitNonNegative(Expr integer);

  /// Each gives null where it has nothing simpler than the op itself.
  Expr fold(Operation *op, ArrayRef<Expr> operands);
  Expr pushThroughSelects(Operation *op, ArrayRef<Expr> operands);
  Expr applyToIntegers(Operation *op, ArrayRef<Expr> operands);
  Expr applyToTruths(Operation *op, ArrayRef<Expr> operands);
  Expr applyToFloats(Operation *op, ArrayRef<Expr> operands);
  Expr compareIntegers(arith::CmpIPredicate predicate, Expr left, Expr right);
  Expr compareFloats(arith::CmpFPredicate predicate, Expr left, Expr right);
  /// The integer that a float stands for exactly.
  Expr getExactInteger(Expr number);
  /// The float that stands for an integer exactly.
  Expr getExactFloat(Expr integer, Type type);

  MLIRContext *context;
  std::deque<ElementExpr> nodes;
  llvm::FoldingSet<ElementExpr> unique;
  /// Results of `negate` and `isNonNegative`.
  llvm::DenseMap<Expr, Expr> negated, nonNegative;
  unsigned maxDepth = 0;
};

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ELEMENTEXPR_H
