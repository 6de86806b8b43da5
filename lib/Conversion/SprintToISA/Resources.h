//===- Resources.h - Capacities that rows take and give back -----*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_SPRINTTOISA_RESOURCES_H
#define SPRINT_LIB_CONVERSION_SPRINTTOISA_RESOURCES_H

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "SprintRuntime/Machine.h"

namespace mlir::sprint {

/// Room of the machine that is taken before the first command of a body that uses it, and given
/// back behind the last.
struct Resource {
  llvm::StringLiteral name;
  /// Whether a value form uses it first, or last.
  bool (*isFirst)(Operation *op);
  bool (*isLast)(Operation *op);
  /// How often it is there.
  int64_t (*credits)(const ::sprint::Structure &structure, ScheduleAttr schedule);
};

/// All resources, in the order in which those of one place are taken.
ArrayRef<Resource> getResources();

/// Whether `region` is written once for all heads of a batch element, which share it; key_valid
/// always was written once a head.
bool isWrittenForBatch(sprint_isa::MemoryRegion region);

/// The first of the commands of `command`'s unit that lead to it in its body: what is reserved for
/// it is reserved before these, so that a unit holds nothing back while it waits.
Operation *findBeginOfChain(Operation *command);

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_SPRINTTOISA_RESOURCES_H
