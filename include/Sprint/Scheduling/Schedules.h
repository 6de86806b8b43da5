//===- Schedules.h - The named schedules -------------------------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_SCHEDULING_SCHEDULES_H
#define SPRINT_SCHEDULING_SCHEDULES_H

#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace mlir::sprint {

/// How a loop over queries uses the machine; see ScheduleAttr.
struct Schedule {
  llvm::StringLiteral name;
  /// Whether keys are pruned in memory; otherwise every allowed key is kept.
  bool prunes;
  int64_t queryBlock;
  int64_t lookahead;
  sprint_isa::Residency residency;
};

/// All schedules, in the order they are documented.
llvm::ArrayRef<Schedule> getSchedules();

/// The schedule of that name, or null.
const Schedule *lookupSchedule(llvm::StringRef name);

} // namespace mlir::sprint

#endif // SPRINT_SCHEDULING_SCHEDULES_H
