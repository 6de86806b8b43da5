//===- Constants.h - Weights that stay where they are ------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_EXECUTION_CONSTANTS_H
#define SPRINT_LIB_EXECUTION_CONSTANTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Support/LLVM.h"

#include <optional>

namespace mlir::sprint {

/// The elements of `attribute` in memory as compiled code reads them; nothing where they are a
/// splat, few enough for an instruction, or packed in another way.
std::optional<ArrayRef<char>> getRawElements(ElementsAttr attribute);

/// Whether the bytes are what compiled code reads as i1.
bool areBooleans(ArrayRef<char> bytes);

} // namespace mlir::sprint

#endif // SPRINT_LIB_EXECUTION_CONSTANTS_H
