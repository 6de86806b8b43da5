//===- Session.h - One run of sprint-run -------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_TOOLS_SPRINTRUN_SESSION_H
#define SPRINT_TOOLS_SPRINTRUN_SESSION_H

#include "Options.h"

#include "Sprint/Driver/Model.h"

namespace mlir::sprint {

/// Does what `options` ask for: reads, compiles, runs, prints the report, writes the files. Every
/// pass manager is given to `configure`. Where anything fails, one message says what, and no file
/// is written.
LogicalResult runSession(const RunOptions &options, const ConfigurePasses &configure);

} // namespace mlir::sprint

#endif // SPRINT_TOOLS_SPRINTRUN_SESSION_H
