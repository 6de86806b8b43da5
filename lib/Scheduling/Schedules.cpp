//===- Schedules.cpp - The named schedules --------------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Scheduling/Schedules.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir::sprint;
using mlir::sprint_isa::Residency;

static constexpr Schedule kSchedules[] = {
    // MICRO 2022: one query at a time, the next one thresholded meanwhile, the previous one's keys
    // reused.
    {"paper", /*prunes=*/true, /*queryBlock=*/1, /*lookahead=*/1, Residency::PreviousQuery},
    // The paper's baseline: what fits is pinned for the whole head, the rest fetched for every
    // query.
    {"dense", /*prunes=*/false, /*queryBlock=*/1, /*lookahead=*/1, Residency::Pinned},
};

llvm::ArrayRef<Schedule> mlir::sprint::getSchedules() { return kSchedules; }

const Schedule *mlir::sprint::lookupSchedule(llvm::StringRef name) {
  const auto *it = llvm::find_if(kSchedules, [&](const Schedule &s) { return s.name == name; });
  return it == std::end(kSchedules) ? nullptr : it;
}
