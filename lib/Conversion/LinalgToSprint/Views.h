//===- Views.h - Looking through operands ------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A frontend wraps the operands of an attention in reshapes, transposes, broadcasts and scale
// factors. A View says what the dimensions of a tensor mean to the attention; each look-through
// step moves it from the result of such an op to the operand. A new spelling is one new step.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_VIEWS_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_VIEWS_H

#include "TensorSizes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace mlir::sprint {

/// What a dimension of a tensor means: part of the stack of matrices (batch and heads), a row or a
/// column of the matrix, the summed dimension of a contraction, or nothing because its size is 1.
struct Axis {
  enum class Kind { Unit, Batch, Row, Column, Inner };
  Kind kind = Kind::Unit;
  /// Place of a batch axis among the batch axes, the outermost being 0; of one of several axes that
  /// together are the rows or columns, among these.
  int64_t place = 0;

  bool isUnit() const { return kind == Kind::Unit; }
  bool isBatch() const { return kind == Kind::Batch; }
  bool operator==(const Axis &other) const = default;
};

/// A batch axis that a tensor does not have: its matrices are the same all along it.
struct RepeatedAxis {
  /// Place among the batch axes, counted together with those the tensor has.
  int64_t place = 0;
  TensorSize size;

  bool operator==(const RepeatedAxis &other) const = default;
};

/// A batch axis that shares a dimension with the rows: heads of a group, which read the same keys,
/// as further rows of one product.
struct MergedAxis {
  /// Place among the batch axes.
  int64_t place = 0;
  TensorSize size;
  /// Whether the dimension counts the rows faster than this axis.
  bool isOuter = true;

  bool operator==(const MergedAxis &other) const = default;
};

/// A tensor seen as a stack of matrices. The stack's index is the row-major index of the batch
/// axes, those repeated among them, in order of their places; no step changes it, so matrices of
/// two views with one index belong together.
struct View {
  Value value;
  /// One for each dimension of `value`.
  SmallVector<Axis> axes;
  /// The batch axes that `value` does not have, in order of their places.
  SmallVector<RepeatedAxis> repeats;
  /// The batch axis in the dimension of the rows, if there is one.
  std::optional<MergedAxis> merged;
  /// What the tensor's elements have to be multiplied with.
  double factor = 1.0;
  /// What has to hold when the program runs for the view to be right.
  SmallVector<SizeEquality> conditions;

  /// Whether both are the same tensor with the same meaning. What a dimension of size 1 means makes
  /// no difference.
  bool isSameAs(const View &other) const;
  /// Whether the tensor has an axis of this kind.
  bool has(Axis::Kind kind) const;
  /// Whether it has one that is not of size 1.
  bool spans(Axis::Kind kind) const;
  /// Whether the dimensions are in the order batch, rows, columns, as in the operands of
  /// `sprint.attention`.
  bool isInOrder() const;
  /// Whether the tensor is `[B, H, rows, columns]`, the shape of those operands.
  bool isFourDimensional() const { return axes.size() == 4 && isInOrder(); }
  /// How many matrices of the stack, one after the other, are one matrix of the tensor: the heads
  /// of a group that share a key. Not known where others are repeated too.
  std::optional<int64_t> getGroupSize() const;
};

/// Steps after which a view is not moved any further.
inline constexpr unsigned kMaxViewSteps = 1024;

/// Makes places of batch axes consecutive and drops those of size 1.
void normalize(View &view);

/// Moves `view` up through one reshape, transpose, broadcast or the like. Fails where there is
/// none.
LogicalResult lookThroughView(View &view);

/// Moves `view` up through one multiplication with, or division by, a constant. Fails where there
/// is none.
LogicalResult lookThroughFactor(View &view);

/// Moves `view` up through one cast to a wider float type, which keeps the numbers. Fails where
/// there is none.
LogicalResult lookThroughExtension(View &view);

/// Moves `view` up through one cast to a narrower float type. Fails where there is none.
LogicalResult lookThroughTruncation(View &view);

/// The view of the result of `user`, a reshape or an elementwise op that reads `view`: its elements
/// are seen as those of `view` at the same place. Nothing where that is not known.
std::optional<View> viewOfUser(const View &view, Operation *user);

//===----------------------------------------------------------------------===//
// Structured ops
//===----------------------------------------------------------------------===//

/// What each loop of a structured op means; nothing yet for a loop not seen.
using LoopAxes = SmallVector<std::optional<Axis>>;

/// Gives loops the meaning of the dimensions that `map` indexes with them. Fails on a
/// contradiction.
LogicalResult labelLoops(AffineMap map, ArrayRef<Axis> axes, LoopAxes &loops);

/// The view of the tensor `value`, indexed by `map`, that the loops' meanings imply. Batch axes of
/// `whole`, another view of the same op, that the tensor does not have are repeated.
std::optional<View> viewFromLoops(Value value, AffineMap map, const LoopAxes &loops,
                                  const View *whole = nullptr);

/// The structured op without reductions that defines `value`, or null.
linalg::LinalgOp getElementwiseDefinition(Value value);

/// The view of input `input` of the elementwise op that defines `result`.
std::optional<View> viewOfInput(const View &result, unsigned input);

/// The value that the op's body yields for a result.
Value getYielded(linalg::LinalgOp op, unsigned result = 0);

/// Which input tensor of the op a value in its body is an element of.
std::optional<unsigned> getInputIndex(linalg::LinalgOp op, Value inBody);

/// The float operand of casts between float types, in the body of a structured op; `value` itself
/// where there are none.
Value stripFloatCasts(Value value);

/// The constant that a value in the op's body always has, in the value's own precision. Looks
/// through arithmetic of constants, such as the square root of the number of channels.
std::optional<APFloat> getConstantFloat(linalg::LinalgOp op, Value inBody);

/// An exponential to a constant base.
struct Exponential {
  Value exponent;
  /// The natural logarithm of the base.
  double logarithm = 1.0;
};

/// The exponential that a value in the op's body is, perhaps cast.
std::optional<Exponential> getExponential(linalg::LinalgOp op, Value inBody);

/// The number that all elements of a tensor have.
std::optional<APFloat> getSplatFloat(Value tensor);

/// The number in f64; nearly all that occur are exact in it.
double toDouble(APFloat number);

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_VIEWS_H
