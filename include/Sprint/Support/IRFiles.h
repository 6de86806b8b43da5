//===- IRFiles.h - IR that tools read and write ------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_SUPPORT_IRFILES_H
#define SPRINT_SUPPORT_IRFILES_H

#include "SprintRuntime/OutputFiles.h"
#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>

namespace mlir::sprint {

/// Opens a file to read, or standard input, which is `-`. What is no regular file, as a pipe or a
/// device, is refused, as it could keep the reader waiting for ever. Errors begin with the path.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> openFile(StringRef path);

/// The same for a file of IR, whose text `checkText` may refuse. Bytecode is mapped, or lies where
/// its resources are aligned.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> openIRFile(StringRef path);

/// A copy of text or bytecode in memory, as openIRFile would give it.
std::unique_ptr<llvm::MemoryBuffer> copyIR(StringRef bytes, StringRef name);

/// Maps a file of data that IR refers to. What is no regular file is refused. Errors begin with the
/// path.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> openDataFile(StringRef path);

/// An error, which begins with `name` and the line, where a text of IR has control characters, or
/// brackets nested deeper than what follows IR, and calls itself for each level, has room for on
/// its stack. Says nothing of bytecode.
llvm::Error checkText(StringRef text, StringRef name);

/// The one output of a tool, standard output where `path` is `-`. Destroys nothing before it is
/// whole.
class IROutput {
public:
  /// Refuses a place where no file can be written, or that of the input. Errors begin with the
  /// path.
  static llvm::Expected<IROutput> plan(StringRef path, StringRef input);

  /// Writes the output.
  llvm::Error write(StringRef bytes);

  /// Writes the output as `print` does, which fails where it has reported why. Nothing that is
  /// large is kept in memory, but for standard output.
  llvm::Expected<LogicalResult> write(function_ref<LogicalResult(raw_ostream &)> print);

private:
  std::string path;
  std::unique_ptr<::sprint::OutputFiles> files;
};

/// Writes out what LLVM's standard output still holds. An error where that, or anything before,
/// could not be written.
llvm::Error flushOuts();

} // namespace mlir::sprint

#endif // SPRINT_SUPPORT_IRFILES_H
