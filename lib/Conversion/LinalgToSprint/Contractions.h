//===- Contractions.h - Sums of products of two tensors ----------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_CONTRACTIONS_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_CONTRACTIONS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace mlir::sprint {

/// `result = init + sum over some loops of left * right`, of floats: one op, or an elementwise
/// product and its sum.
struct Contraction {
  /// The op with the sum, whose loops the maps are over.
  linalg::LinalgOp op;
  Value operands[2];
  AffineMap maps[2];
  Value init;
  AffineMap resultMap;
  /// The loops that are summed over.
  SmallVector<unsigned, 2> reduced;

  /// Whether the operand depends on the loop.
  bool reads(unsigned operand, unsigned loop) const;
  bool yields(unsigned loop) const;
};

/// The contraction that an op is, or ends; nothing where it is none.
std::optional<Contraction> getContraction(Operation *op);

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_CONTRACTIONS_H
