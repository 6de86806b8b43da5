//===- MachineAttributes.h - Machines of the runtime in IR -------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Between the attributes and what the runtime's library calculates with. Not part of Sprint.h, as
// the runtime's namespace hides the one of the dialect from users of both.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_IR_MACHINEATTRIBUTES_H
#define SPRINT_DIALECT_SPRINT_IR_MACHINEATTRIBUTES_H

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "SprintRuntime/Machine.h"

namespace mlir::sprint {

/// The attribute of a machine of that name, whose structure must have no fault (MachineFields.h),
/// and its structure.
MachineAttr makeMachineAttr(MLIRContext *context, StringRef name,
                            const ::sprint::Structure &structure);
::sprint::Structure getStructure(MachineAttr machine);

/// The attribute of a machine's costs, each of which must be within its range (MachineFields.h).
CostsAttr makeCostsAttr(MLIRContext *context, const ::sprint::Machine &machine);

/// The machine that has both, by its name in `machine`.
::sprint::Machine makeMachine(MachineAttr machine, CostsAttr costs);

} // namespace mlir::sprint

#endif // SPRINT_DIALECT_SPRINT_IR_MACHINEATTRIBUTES_H
