//===- Programs.h - The programs that a pass is for --------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_TRANSFORMS_PROGRAMS_H
#define SPRINT_DIALECT_SPRINT_TRANSFORMS_PROGRAMS_H

#include "Sprint/Dialect/Sprint/IR/Sprint.h"

#include "mlir/IR/BuiltinOps.h"

namespace mlir::sprint {

/// Whether a pass for programs of `Program` runs on ops of that name: on one, or on a module, whose
/// programs it then takes one after another.
template <typename Program> bool isModuleOrProgram(RegisteredOperationName name) {
  StringRef text = name.getStringRef();
  return text == ModuleOp::getOperationName() || text == Program::getOperationName();
}

/// Fails, with an error on it, where an attention of `module` is neither in a program nor left to
/// the host: passes for programs would not see it.
LogicalResult checkOutlined(ModuleOp module);

/// Calls `run` for the program `root`, or for each program of the module `root`, until it fails.
/// Fails, too, where checkOutlined does for the module.
template <typename Program>
LogicalResult forEachProgram(Operation *root, function_ref<LogicalResult(Program)> run) {
  if (auto program = dyn_cast<Program>(root))
    return run(program);
  auto module = cast<ModuleOp>(root);
  if (failed(checkOutlined(module)))
    return failure();
  for (auto program : llvm::make_early_inc_range(module.getOps<Program>()))
    if (failed(run(program)))
      return failure();
  return success();
}

} // namespace mlir::sprint

#endif // SPRINT_DIALECT_SPRINT_TRANSFORMS_PROGRAMS_H
