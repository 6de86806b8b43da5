//===- Algorithms.h - How schedules are found --------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_SCHEDULING_ALGORITHMS_H
#define SPRINT_SCHEDULING_ALGORITHMS_H

#include "Sprint/Scheduling/FetchProblem.h"

namespace mlir::sprint {

/// A way to solve a FetchProblem.
struct SchedulingAlgorithm {
  llvm::StringLiteral name;
  /// Solves a problem that `check` accepts.
  ScheduleAttr (*solve)(MLIRContext *context, const FetchProblem &problem);
};

/// All algorithms, in the order they are documented.
ArrayRef<SchedulingAlgorithm> getSchedulingAlgorithms();

/// The algorithm of that name, or null.
const SchedulingAlgorithm *lookupSchedulingAlgorithm(StringRef name);

} // namespace mlir::sprint

#endif // SPRINT_SCHEDULING_ALGORITHMS_H
