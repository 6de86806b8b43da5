//===- ElementEmitter.h - Expressions as tensors -----------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ELEMENTEMITTER_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ELEMENTEMITTER_H

#include "ElementEvaluator.h"

#include "mlir/IR/Builders.h"

namespace mlir::sprint {

/// A dimension of a tensor to make: the position along it, and its size. Without a position the
/// size is 1.
struct EmittedDimension {
  std::optional<Position> position;
  TensorSize size;
};

/// A tensor with the given dimensions that holds `expr` everywhere; `expr` depends on no other
/// position. Where a tensor in the IR holds it already, that is used, reshaped; otherwise one
/// `linalg.generic` computes it from those that hold its parts.
Value emitTensor(OpBuilder &builder, Location loc, const ElementEvaluator &evaluator, Expr expr,
                 ArrayRef<EmittedDimension> dimensions);

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ELEMENTEMITTER_H
