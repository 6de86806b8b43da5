//===- Contractions.h - Sums of products handed to a library -----*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_EXECUTION_CONTRACTIONS_H
#define SPRINT_LIB_EXECUTION_CONTRACTIONS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::sprint {

/// Whether `op` adds products of the elements of two inputs to an output, all of them floats, at
/// indices that are linear in the loops: matrix products, convolutions, and generics that are one.
bool isContraction(linalg::LinalgOp op);

} // namespace mlir::sprint

#endif // SPRINT_LIB_EXECUTION_CONTRACTIONS_H
