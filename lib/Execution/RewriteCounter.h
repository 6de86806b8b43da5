//===- RewriteCounter.h - A statistic of patterns ----------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_EXECUTION_REWRITECOUNTER_H
#define SPRINT_LIB_EXECUTION_REWRITECOUNTER_H

#include "Sprint/Support/PassStatistic.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace mlir::sprint {

/// Counts the rewrites of patterns, as the listener of what applies them.
struct RewriteCounter : RewriterBase::Listener {
  explicit RewriteCounter(PassStatistic &statistic) : statistic(statistic) {}

  void notifyPatternEnd(const Pattern &pattern, LogicalResult status) override {
    if (succeeded(status))
      ++statistic;
  }

  PassStatistic &statistic;
};

} // namespace mlir::sprint

#endif // SPRINT_LIB_EXECUTION_REWRITECOUNTER_H
