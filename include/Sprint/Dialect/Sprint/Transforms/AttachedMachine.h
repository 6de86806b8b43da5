//===- AttachedMachine.h - The machine of a module ---------------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_TRANSFORMS_ATTACHEDMACHINE_H
#define SPRINT_DIALECT_SPRINT_TRANSFORMS_ATTACHEDMACHINE_H

#include "Sprint/Dialect/Sprint/IR/MachineAttributes.h"

#include <optional>
#include <string>

namespace mlir::sprint {

/// The machine that the module around `op` is compiled for; fails, with an error on `op`, where it
/// has no `sprint.machine`.
FailureOr<MachineAttr> getMachine(Operation *op);

/// What commands cost on that machine; fails, with an error on `op`, where the module around it has
/// no `sprint.costs`.
FailureOr<CostsAttr> getCosts(Operation *op);

/// Sizes of the heads of an attention, each ShapedType::kDynamic where it is not static.
struct HeadSizes {
  int64_t headDim, valueDim, keys;
};

/// Why no launch on the machine named `machine` can have heads of these sizes, in the form
/// "expected ..., got ..."; nothing where one can.
std::optional<std::string> findCapacityObstacle(const ::sprint::Structure &structure,
                                                StringRef machine, const HeadSizes &sizes);

} // namespace mlir::sprint

#endif // SPRINT_DIALECT_SPRINT_TRANSFORMS_ATTACHEDMACHINE_H
