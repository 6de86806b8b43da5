//===- Version.h - What tools say of themselves ------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_SUPPORT_VERSION_H
#define SPRINT_SUPPORT_VERSION_H

#include "mlir/Support/LLVM.h"

namespace mlir::sprint {

/// Prints the version of this project, that of LLVM, and where bugs are reported; a line each.
void printVersion(raw_ostream &os);

/// Makes that what `--version` prints in tools whose command line is LLVM's, and makes a crash ask
/// for a report in the same place. Tools call it before they read their command line.
void registerVersion();

} // namespace mlir::sprint

#endif // SPRINT_SUPPORT_VERSION_H
