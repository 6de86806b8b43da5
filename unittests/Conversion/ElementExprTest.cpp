//===- ElementExprTest.cpp - Indices as expressions -----------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Conversion/LinalgToSprint/ElementExpr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"

#include "gtest/gtest.h"

#include <map>
#include <random>

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;

namespace {

/// What an expression of integers is for some numbers in the place of its indices and sizes.
int64_t compute(Expr expr, const std::map<Expr, int64_t> &numbers) {
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
      std::map<Expr, int64_t> numbers;
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
  std::map<Expr, int64_t> numbers{{sizes[0], 5}, {sizes[1], 7}, {h, 3}, {i, 4}, {j, 6}};
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
