//===- Contractions.h - Sums of products of two tensors ----------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_CONTRACTIONS_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_CONTRACTIONS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace mlir::sprint {

/// `result = init + sum over some loops of scale * left * right`, of floats: one op, or an
/// elementwise product and its sum.
struct Contraction {
  /// The op with the sum, whose loops the maps are over.
  linalg::LinalgOp op;
  /// The op that reads the operands.
  Operation *reader = nullptr;
  Value operands[2];
  AffineMap maps[2];
  Value init;
  AffineMap resultMap;
  double scale = 1.0;
  /// The loops that are summed over.
  SmallVector<unsigned, 2> reduced;

  /// Whether the operand depends on the loop.
  bool reads(unsigned operand, unsigned loop) const { return maps[operand].isFunctionOfDim(loop); }
};

/// The contraction that an op is, or ends; nothing where it is none.
std::optional<Contraction> getContraction(Operation *op);

/// A sum of products of the elements of one tensor, the values, and of what its body makes of
/// others.
struct WeightedSum {
  linalg::LinalgOp op;
  /// Which input the values are.
  unsigned values;
  /// A constant among the factors.
  double scale;
  /// What else is multiplied, or divides, in the body.
  SmallVector<Value> factors, divisors;
};

/// The weighted sum that an op is; nothing where it is a contraction of two tensors, or none.
std::optional<WeightedSum> getWeightedSum(Operation *op);

/// Puts an elementwise op, which makes the weights, and their contraction with the values in front
/// of a weighted sum, which stays. Gives the contraction; the weights are its first operand.
linalg::GenericOp splitWeightedSum(const WeightedSum &sum);

/// Puts a contraction whose summed dimensions are one, of reshaped operands, in front of one that
/// sums over several dimensions, which stays. Gives null where they do not follow one another.
linalg::GenericOp flattenSummedDimensions(const Contraction &contraction);

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_CONTRACTIONS_H
