//===- Algorithms.cpp - How schedules are found ---------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Scheduling/Algorithms.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::sprint;
using sprint_isa::Residency;

/// MICRO 2022: one query at a time, the next one selected meanwhile, the keys of the previous one
/// reused; every tensor goes through ReRAM.
static ScheduleAttr solvePaper(MLIRContext *context, const FetchProblem &problem) {
  return ScheduleAttr::get(context, /*heads=*/1, /*queries=*/1, /*ahead=*/1,
                           Residency::PreviousQuery, problem.getInputs());
}

/// The paper's baseline: what fits is pinned for the whole head, the rest fetched for every query.
static ScheduleAttr solveResident(MLIRContext *context, const FetchProblem &problem) {
  return ScheduleAttr::get(context, /*heads=*/1, /*queries=*/1, /*ahead=*/1, Residency::Pinned,
                           problem.getInputs());
}

/// Four queries of one head at a time, the union of their keys fetched once.
static ScheduleAttr solveBlocked(MLIRContext *context, const FetchProblem &problem) {
  return ScheduleAttr::get(context, /*heads=*/1, /*queries=*/4, /*ahead=*/1,
                           Residency::PreviousQuery, problem.getInputs());
}

static constexpr SchedulingAlgorithm kAlgorithms[] = {
    {"paper", solvePaper}, {"resident", solveResident}, {"blocked", solveBlocked}};

ArrayRef<SchedulingAlgorithm> mlir::sprint::getSchedulingAlgorithms() { return kAlgorithms; }

const SchedulingAlgorithm *mlir::sprint::lookupSchedulingAlgorithm(StringRef name) {
  const auto *it = llvm::find_if(
      kAlgorithms, [&](const SchedulingAlgorithm &known) { return known.name == name; });
  return it == std::end(kAlgorithms) ? nullptr : it;
}
