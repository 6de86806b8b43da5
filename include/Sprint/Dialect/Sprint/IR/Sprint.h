//===- Sprint.h - In-memory pruned attention ---------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_IR_SPRINT_H
#define SPRINT_DIALECT_SPRINT_IR_SPRINT_H

#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

#include <optional>
#include <string>

#include "Sprint/Dialect/Sprint/IR/SprintDialect.h.inc"
#include "Sprint/Dialect/Sprint/IR/SprintEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "Sprint/Dialect/Sprint/IR/SprintAttributes.h.inc"

#define GET_TYPEDEF_CLASSES
#include "Sprint/Dialect/Sprint/IR/SprintTypes.h.inc"

namespace mlir::sprint {

/// The region of `input`; nothing for what the launch derives.
std::optional<sprint_isa::MemoryRegion> getRegion(ProgramInput input);
/// The argument of programs that holds `region`.
ProgramInput getProgramInput(sprint_isa::MemoryRegion region);

/// Regions of the tensors that an attention may do without, in their order.
ArrayRef<sprint_isa::MemoryRegion> getOptionalRegions();

/// Leaves `op` to the host: sets its `sprint.refused`, and says the same as a remark. An empty name
/// is none.
void refuse(Operation *op, RefusedBy by, StringRef reason, StringRef name = {});
/// Why `op` was left to the host; null where it was not.
RefusalAttr getRefusal(Operation *op);

} // namespace mlir::sprint

#define GET_OP_CLASSES
#include "Sprint/Dialect/Sprint/IR/SprintOps.h.inc"

#endif // SPRINT_DIALECT_SPRINT_IR_SPRINT_H
