//===- ElementExprTest.cpp - The factory of expressions -------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Conversion/LinalgToSprint/ElementExpr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"

#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

#include <functional>
#include <map>
#include <random>

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;

namespace {

using Numbers = std::map<Expr, int64_t>;

/// What an expression of integers or truth values, 0 or 1, is for some numbers in the place of its
/// indices and sizes.
int64_t compute(Expr expr, const Numbers &numbers) {
  auto found = numbers.find(expr);
  if (found != numbers.end())
    return found->second;
  switch (expr->kind) {
  case Kind::Affine: {
    int64_t sum = expr->constant;
    for (const AffineTerm &term : expr->terms)
      sum += term.coefficient * compute(term.atom, numbers);
    return sum;
  }
  case Kind::Product: {
    int64_t product = 1;
    for (Expr operand : expr->operands)
      product *= compute(operand, numbers);
    return product;
  }
  case Kind::Operation: {
    EXPECT_TRUE(expr->isOperation("arith.floordivsi"));
    int64_t left = compute(expr->operands[0], numbers), right = compute(expr->operands[1], numbers);
    return left / right - (left % right < 0);
  }
  case Kind::Select:
    return compute(expr->operands[compute(expr->operands[0], numbers) ? 1 : 2], numbers);
  case Kind::And:
    return llvm::all_of(expr->operands, [&](Expr part) { return compute(part, numbers); });
  case Kind::Or:
    return llvm::any_of(expr->operands, [&](Expr part) { return compute(part, numbers); });
  case Kind::Not:
    return !compute(expr->operands[0], numbers);
  case Kind::NonNegative:
    return compute(expr->operands[0], numbers) >= 0;
  case Kind::Zero:
    return compute(expr->operands[0], numbers) == 0;
  default:
    ADD_FAILURE() << "a kind without a number";
    return 0;
  }
}

class ElementExprTest : public ::testing::Test {
protected:
  ElementExprTest() : factory(&context) {
    context.loadDialect<arith::ArithDialect, math::MathDialect>();
  }

  Expr index(int64_t extent) { return factory.index(factory.integer(extent)); }

  MLIRContext context;
  ElementExprFactory factory;
};

/// Makes random expressions of a few indices, and beside each what it is to be.
class RandomExprs {
public:
  /// An expression, and its number for some numbers in the place of the indices.
  struct Known {
    Expr expr;
    std::function<int64_t(const Numbers &)> value;
  };

  RandomExprs(ElementExprFactory &factory, unsigned seed) : factory(factory), random(seed) {
    for (int64_t extent : {2, 3, 4})
      indices.push_back({factory.index(factory.integer(extent)), extent});
  }

  /// A sum of indices, with choices among its summands.
  Known integer(int depth) {
    int64_t constant = pick(-4, 4);
    Known sum{factory.integer(constant), [=](const Numbers &) { return constant; }};
    for (auto [index, extent] : indices) {
      Known summand{index, [index = index](const Numbers &numbers) { return numbers.at(index); }};
      if (depth > 0 && pick(0, 2) == 0)
        summand = choice(truth(depth - 1), summand, integer(depth - 1));
      int64_t factor = pick(-2, 2);
      sum = {factory.add(sum.expr, factory.scale(summand.expr, factor)),
             [=](const Numbers &numbers) {
               return sum.value(numbers) + factor * summand.value(numbers);
             }};
    }
    return sum;
  }

  Known truth(int depth) {
    int64_t kind = pick(0, depth > 0 ? 5 : 1);
    if (kind <= 1) {
      Known number = integer(depth);
      bool isZero = kind == 0;
      return {isZero ? factory.isZero(number.expr) : factory.isNonNegative(number.expr),
              [=](const Numbers &numbers) -> int64_t {
                return isZero ? number.value(numbers) == 0 : number.value(numbers) >= 0;
              }};
    }
    Known left = truth(depth - 1), right = truth(depth - 1);
    if (kind == 2)
      return {factory.negate(left.expr),
              [=](const Numbers &numbers) -> int64_t { return !left.value(numbers); }};
    if (kind == 3)
      return choice(truth(depth - 1), left, right);
    bool isAll = kind == 4;
    return {isAll ? factory.conjunction({left.expr, right.expr})
                  : factory.disjunction({left.expr, right.expr}),
            [=](const Numbers &numbers) -> int64_t {
              bool isLeft = left.value(numbers), isRight = right.value(numbers);
              return isAll ? isLeft && isRight : isLeft || isRight;
            }};
  }

  /// Expects that the expression is what it is to be, whatever the indices are.
  void check(const Known &known) {
    Numbers numbers;
    std::function<void(size_t)> loop = [&](size_t place) {
      if (place == indices.size()) {
        ASSERT_EQ(compute(known.expr, numbers), known.value(numbers));
        return;
      }
      for (int64_t number = 0; number < indices[place].second; ++number) {
        numbers[indices[place].first] = number;
        loop(place + 1);
      }
    };
    loop(0);
  }

private:
  int64_t pick(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % (high - low + 1));
  }
  Known choice(Known condition, Known ifTrue, Known ifFalse) {
    return {factory.select(condition.expr, ifTrue.expr, ifFalse.expr), [=](const Numbers &numbers) {
              return condition.value(numbers) ? ifTrue.value(numbers) : ifFalse.value(numbers);
            }};
  }

  ElementExprFactory &factory;
  std::mt19937 random;
  /// Each with its extent.
  std::vector<std::pair<Expr, int64_t>> indices;
};

TEST_F(ElementExprTest, TruthValuesAndSelectsAreThoseOfTheirParts) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    // Of a fresh factory, as one of many expressions takes nothing apart.
    ElementExprFactory fresh(&context);
    RandomExprs exprs(fresh, seed);
    exprs.check(exprs.truth(3));
    exprs.check(exprs.integer(3));
    if (HasFatalFailure())
      return;
  }
}

TEST_F(ElementExprTest, EqualTruthValuesAreOne) {
  Expr i = index(8), j = index(8);
  Expr isBehind = factory.isNonNegative(factory.subtract(i, j));
  Expr isFirst = factory.isZero(j);
  // not (a and b) = not a or not b
  EXPECT_EQ(factory.negate(factory.conjunction({isBehind, isFirst})),
            factory.disjunction({factory.negate(isFirst), factory.negate(isBehind)}));
  EXPECT_TRUE(factory.disjunction({isBehind, factory.negate(isBehind)})->isTrue());
  EXPECT_TRUE(factory.conjunction({isFirst, factory.negate(isFirst)})->isFalse());
  // Of two bounds the stricter one; 2 (i - j) >= 1 is i - j >= 1.
  Expr isFarBehind = factory.isNonNegative(
      factory.add(factory.scale(factory.subtract(i, j), 2), factory.integer(-1)));
  EXPECT_EQ(factory.conjunction({isBehind, isFarBehind}), isFarBehind);
  EXPECT_EQ(factory.disjunction({isBehind, isFarBehind}), isBehind);
  // j == 0 and i - j both have one form, whatever the sign.
  EXPECT_EQ(factory.isZero(factory.scale(j, -3)), isFirst);
}

TEST_F(ElementExprTest, SelectsFollowTheirConditions) {
  Expr i = index(8), j = index(8);
  Expr isFirst = factory.isZero(j);
  // Where j is 0, it is 0.
  EXPECT_EQ(factory.select(isFirst, j, i), factory.select(isFirst, factory.integer(0), i));
  EXPECT_EQ(factory.select(isFirst, factory.integer(0), j), j);
  EXPECT_EQ(factory.select(factory.negate(isFirst), i, j), factory.select(isFirst, j, i));
  // A choice of one condition in another of the same is none.
  Expr inner = factory.select(isFirst, i, factory.integer(5));
  EXPECT_EQ(factory.select(isFirst, inner, factory.integer(7)),
            factory.select(isFirst, i, factory.integer(7)));
  // A bound of a choice is one of its arms.
  Expr choice = factory.select(isFirst, factory.integer(1), factory.integer(-1));
  EXPECT_EQ(factory.isNonNegative(choice), isFirst);
}

TEST_F(ElementExprTest, QuotientsAndRemaindersAreThoseOfIntegers) {
  std::mt19937 random(3);
  auto pick = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % (high - low + 1));
  };
  for (int trial = 0; trial < 300; ++trial) {
    Expr sum = factory.integer(pick(-20, 20));
    std::vector<std::pair<Expr, int64_t>> atoms;
    for (int64_t count = pick(1, 4); count > 0; --count) {
      int64_t extent = pick(2, 5);
      atoms.push_back({index(extent), extent});
      sum = factory.add(sum, factory.scale(atoms.back().first, pick(-24, 24)));
    }
    int64_t divisor = pick(1, 24);
    Expr quotient = factory.floorDivide(sum, divisor), rest = factory.remainder(sum, divisor);
    for (int sample = 0; sample < 40; ++sample) {
      Numbers numbers;
      for (auto [atom, extent] : atoms)
        numbers[atom] = pick(0, extent - 1);
      int64_t number = compute(sum, numbers);
      int64_t floor = number / divisor - (number % divisor < 0);
      ASSERT_EQ(compute(quotient, numbers), floor) << number << " / " << divisor;
      ASSERT_EQ(compute(rest, numbers), number - floor * divisor);
    }
  }
}

// (b * 4 + h) * 16 + j, as an element of [8, 16], [2, 64] and [2, 4, 16].
TEST_F(ElementExprTest, IndicesComeBack) {
  Expr b = index(2), h = index(4), j = index(16);
  Expr head = factory.add(factory.scale(b, 4), h);
  Expr linear = factory.add(factory.scale(head, 16), j);
  EXPECT_EQ(factory.floorDivide(linear, 16), head);
  EXPECT_EQ(factory.remainder(linear, 16), j);
  EXPECT_EQ(factory.floorDivide(linear, 64), b);
  EXPECT_EQ(factory.floorDivide(factory.remainder(linear, 64), 16), h);
}

// What the quotient does not see is left out before it is formed.
TEST_F(ElementExprTest, QuotientsDependOnNoMoreThanTheyHaveTo) {
  Expr p = index(8), j = index(16);
  Expr quotient = factory.floorDivide(factory.add(factory.scale(p, 16), j), 64);
  EXPECT_EQ(quotient, factory.floorDivide(p, 4));
  EXPECT_FALSE(quotient->contains(j));
}

TEST_F(ElementExprTest, SizesDivideWhatTheyMultiply) {
  OpBuilder builder(&context);
  Location loc = builder.getUnknownLoc();
  Block block;
  Value rows = block.addArgument(builder.getIndexType(), loc);
  Value columns = block.addArgument(builder.getIndexType(), loc);
  Expr sizes[] = {factory.positiveSize({ShapedType::kDynamic, rows, 0}),
                  factory.positiveSize({ShapedType::kDynamic, columns, 0})};
  Expr i = factory.index(sizes[0]), j = factory.index(sizes[1]), h = index(4);
  // ((h * rows) + i) * columns + j
  Expr head = factory.add(factory.multiply(h, sizes[0]), i);
  Expr linear = factory.add(factory.multiply(head, sizes[1]), j);
  auto matrix = factory.divide(linear, sizes[1]);
  ASSERT_TRUE(matrix);
  EXPECT_EQ(matrix->first, head);
  EXPECT_EQ(matrix->second, j);
  auto row = factory.divide(matrix->first, sizes[0]);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->first, h);
  EXPECT_EQ(row->second, i);
  Numbers numbers{{sizes[0], 5}, {sizes[1], 7}, {h, 3}, {i, 4}, {j, 6}};
  EXPECT_EQ(compute(linear, numbers), (3 * 5 + 4) * 7 + 6);
  // The rest may be larger than the other size.
  EXPECT_FALSE(factory.divide(linear, sizes[0]));
}

TEST_F(ElementExprTest, ReductionsDoNotDependOnTheKey) {
  Expr key = factory.position(Position::Key, factory.integer(16));
  Expr query = factory.position(Position::Query, factory.integer(8));
  Expr isCausal = factory.isNonNegative(factory.subtract(query, key));
  Expr all = factory.reduce(Combiner::All, isCausal);
  EXPECT_TRUE(all->dependsOn(Position::Query));
  EXPECT_FALSE(all->dependsOn(Position::Key));
  EXPECT_EQ(all, factory.reduce(Combiner::All, isCausal));
  // Of what is the same for all keys all but a sum is that.
  Expr isFirst = factory.isZero(query);
  EXPECT_EQ(factory.reduce(Combiner::All, isFirst), isFirst);
}

TEST_F(ElementExprTest, PartsAreReplacedAndSimplified) {
  Expr i = index(8), j = index(8);
  Expr condition = factory.isNonNegative(factory.subtract(i, j));
  EXPECT_TRUE(factory.replace(condition, j, factory.integer(0))->isTrue());
  EXPECT_EQ(factory.replace(condition, i, factory.integer(8)), factory.truth(true));
  EXPECT_EQ(factory.replace(condition, index(3), i), condition);
}

} // namespace
