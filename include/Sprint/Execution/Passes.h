//===- Passes.h - From tensors to code of the host ---------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_EXECUTION_PASSES_H
#define SPRINT_EXECUTION_PASSES_H

#include "Sprint/Support/PassStatistic.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::sprint {

#define GEN_PASS_DECL
#include "Sprint/Execution/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "Sprint/Execution/Passes.h.inc"

/// Adds the passes from arith, cf, func, linalg, math, scf and tensor to the LLVM dialect. What the
/// code needs to be defined: the functions that sprint-host-lower-asserts and
/// sprint-host-lower-contractions call, and the constants of the module's `sprint.host_constants`.
/// Function `entry`, if there is one, takes its tensors as sprint-host-pack-boundary says.
void buildHostPipeline(OpPassManager &passManager, StringRef entry = {});

} // namespace mlir::sprint

#endif // SPRINT_EXECUTION_PASSES_H
