//===- AttachedMachine.h - The machine of a module ---------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_TRANSFORMS_ATTACHEDMACHINE_H
#define SPRINT_DIALECT_SPRINT_TRANSFORMS_ATTACHEDMACHINE_H

#include "Sprint/Dialect/Sprint/IR/MachineAttributes.h"

namespace mlir::sprint {

/// The machine that the module around `op` is compiled for; fails, with an error on `op`, where it
/// has no `sprint.machine`.
FailureOr<MachineAttr> getMachine(Operation *op);

/// What commands cost on that machine; fails, with an error on `op`, where the module around it has
/// no `sprint.costs`.
FailureOr<CostsAttr> getCosts(Operation *op);

} // namespace mlir::sprint

#endif // SPRINT_DIALECT_SPRINT_TRANSFORMS_ATTACHEDMACHINE_H
