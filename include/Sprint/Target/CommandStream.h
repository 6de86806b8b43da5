//===- CommandStream.h - Programs from and to command streams ----*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A command stream and its text, the sprint_isa dialect (docs/stream.md).
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_TARGET_COMMANDSTREAM_H
#define SPRINT_TARGET_COMMANDSTREAM_H

#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"
#include "SprintRuntime/CommandStream.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/OwningOpRef.h"

namespace mlir::sprint_isa {

/// The runtime's form of `program`, whose commands are distributed over units.
::sprint::Program translateProgram(ProgramOp program);

/// The stream of all programs of `module`; what else is in it stays behind. Every stream that this
/// gives can be serialised and parsed. Fails, with an error at the program, where there is none or
/// one exceeds a limit of the stream.
FailureOr<::sprint::CommandStream> translateToCommandStream(ModuleOp module);

/// A module with the programs of a well-formed `stream`, whose translation back is `stream` again.
/// Null, with an error at `location`, for a stream of which that does not hold, as its expressions
/// are written in a way of their own. The context of `location` has loaded the sprint_isa dialect.
OwningOpRef<ModuleOp> translateFromCommandStream(const ::sprint::CommandStream &stream,
                                                 Location location);

/// Registers --sprint-isa-to-stream.
void registerToCommandStreamTranslation();

/// Registers --stream-to-sprint-isa.
void registerFromCommandStreamTranslation();

} // namespace mlir::sprint_isa

#endif // SPRINT_TARGET_COMMANDSTREAM_H
