//===- AttachedMachine.h - The machine of a module ---------------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_TRANSFORMS_ATTACHEDMACHINE_H
#define SPRINT_DIALECT_SPRINT_TRANSFORMS_ATTACHEDMACHINE_H

#include "SprintRuntime/Machine.h"
#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>

namespace mlir::sprint {

/// Reads the description of the machine that `module` is compiled for. Fails, with an error on the
/// module, where it has no `sprint.machine`, where the description cannot be read, or where its
/// structure is another than the attribute's.
FailureOr<::sprint::Machine> getAttachedMachine(ModuleOp module);

/// Sizes of the heads of an attention, each ShapedType::kDynamic where it is not static.
struct HeadSizes {
  int64_t headDim, valueDim, keys;
};

/// Why no launch on `machine` can have heads of these sizes, in the form "expected ..., got ...";
/// nothing where one can.
std::optional<std::string> findCapacityObstacle(const ::sprint::Machine &machine,
                                                const HeadSizes &sizes);

} // namespace mlir::sprint

#endif // SPRINT_DIALECT_SPRINT_TRANSFORMS_ATTACHEDMACHINE_H
