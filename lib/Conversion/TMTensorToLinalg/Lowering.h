//===- Lowering.h - What the lowerings of tm_tensor share --------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_TMTENSORTOLINALG_LOWERING_H
#define SPRINT_LIB_CONVERSION_TMTENSORTOLINALG_LOWERING_H

#include "Sprint/Dialect/TMTensor/IR/TMTensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::sprint::tm_tensor {

/// Computes what `body` yields for `arguments`, at the builder's place.
Value inlineBody(ImplicitLocOpBuilder &builder, Region &body, ValueRange arguments);

/// Size of a dimension, an index.
Value sizeOf(ImplicitLocOpBuilder &builder, Value tensor, int64_t dim);

/// A constant index.
Value createIndex(ImplicitLocOpBuilder &builder, int64_t value);

/// Builds what a loop does at `position` with the values it carries, and returns them for the next
/// position.
using LoopBody = function_ref<SmallVector<Value>(ImplicitLocOpBuilder &builder, Value position,
                                                 ValueRange carried)>;

/// An scf.for from `lower` to `upper`.
SmallVector<Value> createLoop(ImplicitLocOpBuilder &builder, Value lower, Value upper, Value step,
                              ValueRange carried, LoopBody body);

/// An scf.for from 0 to `size` in steps of 1.
SmallVector<Value> createLoop(ImplicitLocOpBuilder &builder, Value size, ValueRange carried,
                              LoopBody body);

/// A line of a tensor along one dimension, at a position of the others.
struct Line {
  int64_t dimension;
  /// Positions in the other dimensions, in order.
  SmallVector<Value> others;

  /// Indices of the element of the line at `position`.
  SmallVector<Value> at(Value position) const;
};

/// Builds what is done for a line with the values that the loops around it carry.
using LineBody = function_ref<SmallVector<Value>(ImplicitLocOpBuilder &builder, const Line &line,
                                                 ValueRange carried)>;

/// Loops over all lines of `tensor` along `dimension`.
SmallVector<Value> createLoopsOverLines(ImplicitLocOpBuilder &builder, Value tensor,
                                        int64_t dimension, ValueRange carried, LineBody body);

/// Patterns for tm_tensor.attention.
void populateAttentionPatterns(RewritePatternSet &patterns);
/// Patterns for tm_tensor.scan and tm_tensor.scatter.
void populateLoopPatterns(RewritePatternSet &patterns);
/// Patterns for tm_tensor.sort and tm_tensor.topk.
void populateSortPatterns(RewritePatternSet &patterns);

} // namespace mlir::sprint::tm_tensor

#endif // SPRINT_LIB_CONVERSION_TMTENSORTOLINALG_LOWERING_H
