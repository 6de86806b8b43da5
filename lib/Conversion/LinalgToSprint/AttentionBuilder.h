//===- AttentionBuilder.h - From a match to sprint.attention -----*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONBUILDER_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONBUILDER_H

#include "AttentionMatcher.h"
#include "MaskAnalysis.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Builders.h"

#include <array>
#include <optional>
#include <string>

namespace mlir::sprint {

/// Puts a `sprint.attention` in the place of a matched one.
class AttentionBuilder {
public:
  /// `matcher` has matched it. An empty `name` is none.
  AttentionBuilder(AttentionMatcher &matcher, const MatchedAttention &matched, StringRef name)
      : matcher(matcher), matched(matched), last(matched.result.value.getDefiningOp()),
        builder(last), loc(last->getLoc()), name(name) {}

  /// Finds out what the terms between scores and softmax are to `sprint.attention`. Fails, with
  /// `getReason`, where the op cannot say it; then nothing has changed.
  LogicalResult analyze();
  StringRef getReason() const { return reason; }

  /// Replaces all uses of the result. The old ops stay, unused.
  void replace();

private:
  /// The sizes of a view's batch axes as `[B, H]`.
  using Heads = std::array<TensorSize, 2>;

  /// How the stack of matrices divides into batch and heads: as in the first of some tensors that
  /// is four-dimensional, else the outermost of several axes is the batch.
  Heads chooseHeads();
  LogicalResult fail(const Twine &why);
  /// What masks and biases are, and what scales rows.
  LogicalResult analyzeLogits();
  /// The same of the mask of an attention that is one already.
  LogicalResult analyzeMask();

  /// Whether the stack of the view, outermost dimension first in `order`, is divided as `heads`
  /// does.
  bool isDividedAs(const Heads &heads, const View &view, ArrayRef<int64_t> order) const;

  Value transpose(Value tensor, ArrayRef<int64_t> permutation);
  Value expand(Value tensor, ArrayRef<ReassociationIndices> groups, ArrayRef<TensorSize> sizes);
  /// An elementwise op on `[B, H, rows, columns]`. Where the second input has size 1 it is the same
  /// for all.
  Value mapElements(ValueRange inputs, Type elementType,
                    function_ref<Value(Location, ValueRange)> body);
  /// The tensor in f32.
  Value extend(Value tensor);
  /// The view with its repeated axes as axes of a new tensor.
  View repeat(View view);
  /// The view with the batch axis that is merged with its rows as a dimension of its own.
  View splitRows(View view);
  /// The view with rows and columns of size 1 where it has none.
  View addMatrixAxes(View view);
  /// The operand as `[B, G, rows, columns]`, where groups of `group` heads share a matrix.
  Value toFourDimensions(View view, int64_t group = 1);
  /// How many heads share a key and a value.
  int64_t getGroupSize();
  /// From `[B, H, rows, columns]` to the shape of the view.
  Value fromFourDimensions(Value tensor, const View &view);
  Value castTo(Value tensor, Type type);
  /// A size divided by one that divides it.
  TensorSize divide(const TensorSize &size, const TensorSize &by);
  /// The size as a value in front of the old ops' last, one for equal sizes.
  Value materialize(const TensorSize &size);
  void assertConditions(ArrayRef<SizeEquality> conditions);
  /// `[B, H, rows, columns]` with each row multiplied with, or divided by, a factor.
  Value multiply(Value tensor, Expr factor, bool divides);
  /// The query, with the factors that only the program knows.
  Value buildQuery();
  /// The attention's result with the factors of the probabilities.
  Value scaleRows(Value attention);
  /// Asserts what masks take for granted.
  void assertChecks();
  /// Asserts that no allowed logit is as low as that of masked keys.
  void assertLogits(Value query, Value key);
  /// The largest Euclidean norm of the rows of a tensor of f32.
  Value getLargestNorm(Value tensor);
  /// All elements of a tensor as one scalar.
  Value reduceAll(Value tensor, TypedAttr start,
                  function_ref<Value(Location, Value, Value)> combine);
  /// Replaces results of reshapes of the old result that have the attention's own shape.
  void replaceReshapes(Value attention);

  AttentionMatcher &matcher;
  const MatchedAttention &matched;
  Operation *last;
  OpBuilder builder;
  Location loc;
  StringRef name;
  Heads heads;
  /// The finest division of the stack that a tensor between the contractions shows.
  SmallVector<TensorSize> stack;
  LogitShape shape;
  /// Where there are masks, biases or factors.
  std::optional<MaskAnalysis> mask;
  SmallVector<ScoreFactor> scoreFactors;
  RowFactors rowFactors;
  SmallVector<std::pair<TensorSize, Value>> materialized;
  std::string reason;
};

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONBUILDER_H
