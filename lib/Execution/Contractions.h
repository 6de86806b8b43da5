//===- Contractions.h - Sums of products handed to a library -----*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_EXECUTION_CONTRACTIONS_H
#define SPRINT_LIB_EXECUTION_CONTRACTIONS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <memory>

namespace mlir {
class Pass;
} // namespace mlir

namespace mlir::sprint {

/// Whether `op` adds products of the elements of two inputs to an output, all of them floats, at
/// indices that are linear in the loops: matrix products, convolutions, and generics that are one.
bool isContraction(linalg::LinalgOp op);

/// On tensors: contractions read through transposes and broadcasts of their inputs, so that no copy
/// of a weight is made.
std::unique_ptr<Pass> createFoldIntoContractionsPass();

/// On buffers: replaces contractions by calls of kContractionSymbol.
std::unique_ptr<Pass> createLowerContractionsPass();

} // namespace mlir::sprint

#endif // SPRINT_LIB_EXECUTION_CONTRACTIONS_H
