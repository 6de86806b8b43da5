//===- SprintISATest.cpp - Assembly of expressions ------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/AffineExpr.h"

#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace mlir::sprint_isa;

namespace {

/// A random affine expression that the dialect allows, of up to 2^depth leaves.
AffineExpr makeAffine(std::mt19937 &random, int depth, MLIRContext &context) {
  auto divisor = [&] {
    return random() % 2 ? getAffineConstantExpr(1 + random() % 9, &context)
                        : getAffineSymbolExpr(random() % 6, &context);
  };
  switch (depth == 0 ? random() % 3 : random() % 9) {
  case 0:
    return getAffineConstantExpr(static_cast<int64_t>(random() % 21) - 10, &context);
  case 1:
    return getAffineDimExpr(random() % 8, &context);
  case 2:
    return getAffineSymbolExpr(random() % 6, &context);
  case 3:
  case 4:
    return makeAffine(random, depth - 1, context) + makeAffine(random, depth - 1, context);
  case 5:
    return makeAffine(random, depth - 1, context) * divisor();
  case 6:
    return makeAffine(random, depth - 1, context).floorDiv(divisor());
  case 7:
    return makeAffine(random, depth - 1, context).ceilDiv(divisor());
  default:
    return makeAffine(random, depth - 1, context) % divisor();
  }
}

TEST(SprintISATest, expressionsReadBackAsPrinted) {
  MLIRContext context;
  context.loadDialect<SprintISADialect>();
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    SmallVector<AffineExpr> parts;
    auto combine = static_cast<Combine>(random() % 3);
    unsigned count = combine == Combine::Only ? 1 : 2 + random() % 2;
    for (unsigned i = 0; i < count; ++i)
      parts.push_back(makeAffine(random, 4, context));
    auto expression = ExprAttr::get(&context, combine, parts);
    std::string text;
    llvm::raw_string_ostream os(text);
    os << expression;
    EXPECT_EQ(parseAttribute(text, &context), expression) << text;
  }
}

} // namespace
