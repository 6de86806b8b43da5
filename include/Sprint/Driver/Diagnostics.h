//===- Diagnostics.h - Diagnostics as values ---------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DRIVER_DIAGNOSTICS_H
#define SPRINT_DRIVER_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace mlir::sprint {

/// `FILE:LINE:COLUMN` of the first place in a file that `location` knows, with its name where it
/// has one; or all that it knows.
std::string describeLocation(Location location);

/// A diagnostic of the compiler, which outlives its context.
struct CompilerDiagnostic {
  DiagnosticSeverity severity;
  /// The place (describeLocation).
  std::string location;
  std::string message;
  std::vector<CompilerDiagnostic> notes;

  explicit CompilerDiagnostic(const Diagnostic &diagnostic);

  /// Prints `LOCATION: SEVERITY: MESSAGE`, a line each for it and its notes.
  void print(raw_ostream &os) const;
};

/// The errors with which a step of the compiler failed; at least one.
class CompileError : public llvm::ErrorInfo<CompileError> {
public:
  static char ID;

  explicit CompileError(std::vector<CompilerDiagnostic> diagnostics)
      : diagnostics(std::move(diagnostics)) {}

  ArrayRef<CompilerDiagnostic> getDiagnostics() const { return diagnostics; }

  void log(raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

private:
  std::vector<CompilerDiagnostic> diagnostics;
};

/// Collects the errors that a context emits while this lives. They go on to the handlers that were
/// there before.
class ErrorCollector {
public:
  explicit ErrorCollector(MLIRContext *context);

  /// The error of a step that has failed: what was collected.
  llvm::Error takeError();

  /// Success, or the error of a step.
  llvm::Error check(LogicalResult result) {
    return succeeded(result) ? llvm::Error::success() : takeError();
  }

private:
  std::vector<CompilerDiagnostic> diagnostics;
  ScopedDiagnosticHandler handler;
};

} // namespace mlir::sprint

#endif // SPRINT_DRIVER_DIAGNOSTICS_H
