//===- RuntimeChecks.h - What can fail while compiled code runs --*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_EXECUTION_RUNTIMECHECKS_H
#define SPRINT_LIB_EXECUTION_RUNTIMECHECKS_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"

#include <memory>

namespace mlir {
class Pass;
} // namespace mlir

namespace mlir::sprint {

/// Name of the C function that compiled code calls with a message when a check fails; it does not
/// return.
constexpr llvm::StringLiteral kFailureSymbol = "sprintFailExecution";

/// Name of the C function that compiled code calls with a truth value and a message, and that
/// returns if the value is not 0.
constexpr llvm::StringLiteral kCheckSymbol = "sprintCheckExecution";

/// On tensors: asserts, before each op that MLIR knows how to verify at run time, that its sizes
/// and indices fit, except where they are known to; and before each division of integers that it
/// has a result.
std::unique_ptr<Pass> createRuntimeAssertsPass();

/// Replaces each cf.assert by a call of kFailureSymbol or kCheckSymbol, where upstream would abort
/// the process.
std::unique_ptr<Pass> createLowerAssertsPass();

} // namespace mlir::sprint

#endif // SPRINT_LIB_EXECUTION_RUNTIMECHECKS_H
