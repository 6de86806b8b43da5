//===- AttachedMachine.h - The machine of a module ---------------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_TRANSFORMS_ATTACHEDMACHINE_H
#define SPRINT_DIALECT_SPRINT_TRANSFORMS_ATTACHEDMACHINE_H

#include "SprintRuntime/Machine.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::sprint {

/// Reads the description of the machine that `module` is compiled for. Fails, with an error on the
/// module, where it has no `sprint.machine`, where the description cannot be read, or where its
/// structure is another than the attribute's.
FailureOr<::sprint::Machine> getAttachedMachine(ModuleOp module);

} // namespace mlir::sprint

#endif // SPRINT_DIALECT_SPRINT_TRANSFORMS_ATTACHEDMACHINE_H
