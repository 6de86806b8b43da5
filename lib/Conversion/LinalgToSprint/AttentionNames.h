//===- AttentionNames.h - What attentions are called -------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONNAMES_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONNAMES_H

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::sprint {

/// What a producer calls the module that all `parts` of an attention are in, the one with the
/// values first, as a name that a command stream may hold. Of the paths of the parts, which `.` and
/// `/` divide, it is what all have in common; that of the first part where they have nothing in
/// common, or only it has any. Empty where the producer does not name the first part's place.
std::string findName(ArrayRef<Location> parts);

/// Gives every attention of `module` a name that neither another one nor a symbol has
/// (docs/raising.md, "Names"). Those that have one keep it as far as it is unique.
void nameAttentions(ModuleOp module);

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONNAMES_H
