//===- FloatPasses.cpp - Arithmetic as the host computes it --------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RewriteCounter.h"
#include "Sprint/Execution/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTHOSTAPPROXIMATEMATH
#define GEN_PASS_DEF_SPRINTHOSTKEEPROUNDINGS
#include "Sprint/Execution/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

namespace {

struct SprintHostKeepRoundings
    : mlir::sprint::impl::SprintHostKeepRoundingsBase<SprintHostKeepRoundings> {
  void runOnOperation() override {
    auto keep = [&](auto cast) {
      if (!cast.getFastmath())
        return;
      cast.setFastmath(std::nullopt);
      ++numKept;
    };
    getOperation()->walk([&](arith::ExtFOp op) { keep(op); });
    getOperation()->walk([&](arith::TruncFOp op) { keep(op); });
  }
};

struct SprintHostApproximateMath
    : mlir::sprint::impl::SprintHostApproximateMathBase<SprintHostApproximateMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return llvm::is_contained({math::ErfOp::getOperationName(), math::ExpOp::getOperationName(),
                                 math::TanhOp::getOperationName()},
                                name);
    });
    RewriteCounter counter(numApproximated);
    GreedyRewriteConfig config;
    config.setListener(&counter);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};

} // namespace
