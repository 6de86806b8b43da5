//===- Passes.h - Passes on programs of the machine --------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINTISA_TRANSFORMS_PASSES_H
#define SPRINT_DIALECT_SPRINTISA_TRANSFORMS_PASSES_H

#include "Sprint/Support/PassStatistic.h"

#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"
#include "mlir/Pass/Pass.h"

namespace mlir::sprint_isa {

#define GEN_PASS_DECL
#include "Sprint/Dialect/SprintISA/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "Sprint/Dialect/SprintISA/Transforms/Passes.h.inc"

} // namespace mlir::sprint_isa

#endif // SPRINT_DIALECT_SPRINTISA_TRANSFORMS_PASSES_H
