//===- AttentionMatcher.h - The structure of an attention --------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONMATCHER_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONMATCHER_H

#include "Views.h"

#include <string>

namespace mlir::sprint {

/// An attention found in linalg: `softmax(scale * query key^T) value`, all of f32.
struct MatchedAttention {
  /// Rows are tokens, columns channels.
  View query, key, value;
  /// The result of the last contraction; rows are queries, columns channels.
  View result;
  double scale = 1.0;
  /// What has to hold when the program runs for the match to be right.
  SmallVector<SizeEquality> conditions;
};

/// Matches the structure of an attention from its last contraction upwards:
///
///   result = probabilities * value         a contraction over the keys
///   probabilities = softmax(logits)        decomposed or `linalg.softmax`, perhaps the safe
///   softmax of torch logits = scale * query * key^T         a contraction over the channels,
///   constant factors anywhere
///
/// Between any two, and above the operands, the look-through steps of Views.h.
class AttentionMatcher {
public:
  /// Matches the attention whose probabilities are input `probabilities` of `contraction`. On
  /// failure `getReason` tells the condition that did not hold.
  FailureOr<MatchedAttention> match(linalg::LinalgOp contraction, unsigned probabilities);

  StringRef getReason() const { return reason; }

private:
  LogicalResult fail(const Twine &why);
  /// Adds the conditions of a view that became part of the match.
  void keepConditions(const View &view);

  /// Labels the last contraction; sets the match's `result` and `value` and gives the view of the
  /// probabilities.
  FailureOr<View> matchLastContraction(linalg::LinalgOp contraction, unsigned probabilities);
  /// Checks that nothing but `user` reads the elements of `value`.
  LogicalResult checkOnlyUser(Value value, Operation *user);
  /// From the probabilities to the logits.
  FailureOr<View> matchSoftmax(View probabilities, Operation *user);
  /// From `select(every logit of the row is -inf, 0, p)` to `p`; gives the view whose elements are
  /// compared with -inf in `tested`.
  LogicalResult matchSafeSelect(View &probabilities, std::optional<View> &tested);
  /// From `exp(x - max x) / sum` to `x`.
  FailureOr<View> matchDecomposedSoftmax(const View &probabilities);
  /// From the reduction of a row over its columns to what is reduced. `isBody` judges the value
  /// yielded, given the element and the accumulator; `isInit` the initial tensor.
  FailureOr<View> matchRowReduction(View row, function_ref<bool(Value, Value, Value)> isBody,
                                    function_ref<bool(Value)> isInit);
  /// From the logits to the scale, the query and the key.
  LogicalResult matchFirstContraction(View logits);
  /// Moves a query, key or value up to the best tensor to take as operand.
  View cleanOperand(View operand, bool withFactors);

  MatchedAttention matched;
  std::string reason;
};

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONMATCHER_H
