//===- LaunchTensors.h - What the tensors of a launch are --------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_IR_LAUNCHTENSORS_H
#define SPRINT_DIALECT_SPRINT_IR_LAUNCHTENSORS_H

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "SprintRuntime/Commands.h"

namespace mlir::sprint {

/// What SprintISALaunch.td says of a tensor that programs take.
const ::sprint::LaunchTensor &getLaunchTensor(ProgramInput input);

/// The static size of what `dimension` counts in the arguments of `program`, or
/// ShapedType::kDynamic.
int64_t getSizeOf(ProgramOp program, ::sprint::Dimension dimension);

/// The type of that name.
Type getElementType(MLIRContext *context, ::sprint::ElementType type);

} // namespace mlir::sprint

#endif // SPRINT_DIALECT_SPRINT_IR_LAUNCHTENSORS_H
