//===- Run.h - Memory of a run -----------------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_EXECUTION_RUN_H
#define SPRINT_LIB_EXECUTION_RUN_H

#include <cstddef>

namespace mlir::sprint {

/// Memory that the run under way owns: it is freed with the run at the latest. Without memory the
/// run ends. Only for compiled code and what it calls.
void *allocateBuffer(size_t size);

/// Frees what allocateBuffer returned.
void freeBuffer(void *buffer);

} // namespace mlir::sprint

#endif // SPRINT_LIB_EXECUTION_RUN_H
