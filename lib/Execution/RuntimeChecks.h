//===- RuntimeChecks.h - What can fail while compiled code runs --*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_EXECUTION_RUNTIMECHECKS_H
#define SPRINT_LIB_EXECUTION_RUNTIMECHECKS_H

#include "llvm/ADT/StringRef.h"

namespace mlir::sprint {

/// Name of the C function that compiled code calls with a message when a check fails; it does not
/// return.
constexpr llvm::StringLiteral kFailureSymbol = "sprintFailExecution";

/// Name of the C function that compiled code calls with a truth value and a message, and that
/// returns if the value is not 0.
constexpr llvm::StringLiteral kCheckSymbol = "sprintCheckExecution";

} // namespace mlir::sprint

#endif // SPRINT_LIB_EXECUTION_RUNTIMECHECKS_H
