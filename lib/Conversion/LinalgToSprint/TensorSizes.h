//===- TensorSizes.h - What the IR tells about sizes -------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// torch-mlir computes dynamic sizes in i64, through casts, clamps of negative numbers and
// selects. Two sizes that are one length look different; here they are reduced to a common form.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_TENSORSIZES_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_TENSORSIZES_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

namespace mlir {
class Location;
class OpBuilder;
} // namespace mlir

namespace mlir::sprint {

/// The size of a dimension, reduced as far as the IR allows: a constant, a dimension of a tensor,
/// or an integer that is not looked into. Equal objects are equal sizes; unequal ones may be equal
/// too, unless both are constants.
struct TensorSize {
  int64_t constant = ShapedType::kDynamic;
  /// The tensor whose dimension it is, or the integer; null for a constant.
  Value value;
  /// Which dimension of the tensor; -1 for an integer.
  int64_t dimension = -1;

  bool isConstant() const { return !value; }
  bool operator==(const TensorSize &other) const = default;
};

/// Two sizes that have to be equal.
struct SizeEquality {
  TensorSize left, right;
  bool operator==(const SizeEquality &other) const = default;
};

/// The size of one dimension of a ranked tensor.
TensorSize sizeOf(Value tensor, int64_t dimension);

/// The size that an integer or index value stands for.
TensorSize sizeFrom(Value integer);

/// The size as a value of type index.
Value materializeSize(OpBuilder &builder, Location loc, const TensorSize &size);

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_TENSORSIZES_H
