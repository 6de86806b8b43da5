//===- Constants.h - Weights that stay where they are ------------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_EXECUTION_CONSTANTS_H
#define SPRINT_LIB_EXECUTION_CONSTANTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Support/LLVM.h"

#include <memory>
#include <string>

namespace mlir {
class Pass;
} // namespace mlir

namespace mlir::sprint {

/// The elements of `attribute` in memory as compiled code reads them; nothing where they are a
/// splat, few enough for an instruction, or packed in another way.
std::optional<ArrayRef<char>> getRawElements(ElementsAttr attribute);

/// A constant that compiled code finds by name.
struct ExternalConstant {
  std::string name;
  const void *data;
};

/// On tensors: replaces constants with many elements by declarations of globals, which the caller
/// defines at the addresses put into `constants`. LLVM never sees their elements.
std::unique_ptr<Pass> createExternalizeConstantsPass(std::vector<ExternalConstant> &constants);

} // namespace mlir::sprint

#endif // SPRINT_LIB_EXECUTION_CONSTANTS_H
