//===- Algorithms.cpp - How schedules are found ---------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Scheduling/Algorithms.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::sprint;
using sprint_isa::Residency;

/// Blocks of `queries` queries of one head, one of them selected ahead; every tensor goes through
/// ReRAM.
template <int64_t queries, Residency residency>
static ScheduleAttr solve(MLIRContext *context, const FetchProblem &problem) {
  return ScheduleAttr::get(context, /*heads=*/1, queries, /*ahead=*/1, residency,
                           problem.getInputs());
}

static constexpr SchedulingAlgorithm kAlgorithms[] = {
    // MICRO 2022: one query at a time, the keys of the previous one reused.
    {"paper", solve<1, Residency::PreviousQuery>},
    // The paper's baseline: what fits is pinned for the whole head, the rest fetched for every
    // query.
    {"resident", solve<1, Residency::Pinned>},
    // The union of a block's keys is fetched once.
    {"blocked", solve<4, Residency::PreviousQuery>}};

ArrayRef<SchedulingAlgorithm> mlir::sprint::getSchedulingAlgorithms() { return kAlgorithms; }

const SchedulingAlgorithm *mlir::sprint::lookupSchedulingAlgorithm(StringRef name) {
  const auto *it = llvm::find_if(
      kAlgorithms, [&](const SchedulingAlgorithm &known) { return known.name == name; });
  return it == std::end(kAlgorithms) ? nullptr : it;
}
