//===- Help.h - What tools say of themselves ---------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_SUPPORT_HELP_H
#define SPRINT_SUPPORT_HELP_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"

namespace mlir::sprint {

/// Whether --help or -h is among the arguments. LLVM's own help has hundreds of options of its
/// code generators before those of a tool.
bool asksForHelp(int argc, char **argv);

/// Prints the help of a tool of LLVM's command line, and where the rest of its options stand.
llvm::Error printHelp(StringRef help);

} // namespace mlir::sprint

#endif // SPRINT_SUPPORT_HELP_H
