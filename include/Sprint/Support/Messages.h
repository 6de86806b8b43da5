//===- Messages.h - Where tools print what is wrong --------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_SUPPORT_MESSAGES_H
#define SPRINT_SUPPORT_MESSAGES_H

#include "mlir/Support/LLVM.h"

namespace mlir::sprint {

/// Standard error for messages that repeat what stands in a user's files: control characters, which
/// could do anything to a terminal, are printed as `?`.
raw_ostream &messages();

/// Has a tool end with an error where there is not enough memory, or no thread can be started,
/// instead of with a crash. `tool` is its name.
void endWhenExhausted(const char *tool);

} // namespace mlir::sprint

#endif // SPRINT_SUPPORT_MESSAGES_H
