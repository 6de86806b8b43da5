//===- AttentionMatcher.h - The structure of an attention --------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONMATCHER_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONMATCHER_H

#include "MaskAnalysis.h"
#include "Views.h"

#include "Sprint/Dialect/TMTensor/IR/TMTensor.h"

#include <string>
#include <vector>

namespace mlir::sprint {

/// A step between the scores and the softmax, as MaskTerm has it, whose tensor is seen in the
/// logits' stack of matrices: rows are queries, columns keys. The tensor may lack any of the axes.
struct ScoreTerm {
  MaskTerm::Kind kind = MaskTerm::Kind::Added;
  /// Without a value where the kind has no tensor. Its factor is part of the term.
  View view;
  std::optional<APFloat> otherwise;
};

/// A tensor without columns that the scores of each row are multiplied with, or divided by.
struct RowFactor {
  View view;
  bool divides = false;
};

/// An attention found in linalg: `softmax(scale * query key^T, after some terms) value`.
struct MatchedAttention {
  /// Rows are tokens, columns channels; of f32 or a narrower float type. Groups of matrices of
  /// query may share one of key and value.
  View query, key, value;
  /// The result of the last contraction; rows are queries, columns channels.
  View result;
  double scale = 1.0;
  /// What the query has to be scaled by beside `scale`: factors that only the program knows.
  std::vector<RowFactor> rowFactors;
  /// From the softmax towards the scores.
  std::vector<ScoreTerm> terms;
  SoftmaxKind softmax = SoftmaxKind::Plain;
  /// A tensor between the contractions as `[B, H, Sq, Sk]`, which tells batch and heads apart.
  std::optional<View> divided;
  /// What has to hold when the program runs for the match to be right.
  SmallVector<SizeEquality> conditions;
};

/// Matches the structure of an attention from its last contraction upwards:
///
///   result = probabilities * value         a contraction over the keys
///   probabilities = softmax(logits)        decomposed or `linalg.softmax`, perhaps the safe
///                                          softmax of torch
///   logits = scale * query * key^T         a contraction over the channels, constant factors
///                                          anywhere, terms added and selected between
///
/// Between any two, and above the operands, the look-through steps of Views.h. Casts between float
/// types are looked through: what is raised computes in f32.
class AttentionMatcher {
public:
  /// Matches the attention whose probabilities are input `probabilities` of `contraction`. On
  /// failure `getReason` tells the condition that did not hold.
  FailureOr<MatchedAttention> match(linalg::LinalgOp contraction, unsigned probabilities);

  /// The same for torch-mlir's own op, which is an attention already.
  FailureOr<MatchedAttention> match(tm_tensor::AttentionOp attention);

  StringRef getReason() const { return reason; }

private:
  LogicalResult fail(const Twine &why);
  /// Adds the conditions of a view that became part of the match.
  void keepConditions(const View &view);
  /// Cleans the operands and checks what has to hold of every match.
  FailureOr<MatchedAttention> finish();

  /// Labels the last contraction; sets the match's `result` and `value` and gives the view of the
  /// probabilities.
  FailureOr<View> matchLastContraction(linalg::LinalgOp contraction, unsigned probabilities);
  /// From probabilities whose rows are those of several heads to the tensor that has these heads as
  /// an axis: makes it an axis of the result too, and repeats the values along it.
  LogicalResult splitRows(View &probabilities);
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
  /// From a tensor of scores, through factors and terms, to the first contraction.
  LogicalResult matchScores(View scores);
  /// The same from a value in the body of the elementwise op that defines `result`.
  LogicalResult matchScoresInBody(View result, Value inBody);
  /// From a sum in the body to the operand that leads to the contraction; the other is a term. One
  /// of both may be subtracted.
  LogicalResult matchSum(const View &result, Operation *sum);
  LogicalResult matchProduct(View result, Operation *product);
  LogicalResult matchSelect(const View &result, arith::SelectOp select);
  LogicalResult matchLowerBound(const View &result, Value bounded, Value bound);
  /// Adds the term `inBody`, of the body of the op that defines `result`.
  LogicalResult addTerm(View result, Value inBody, double sign);
  LogicalResult addTerm(ScoreTerm term);
  /// From the scores to the scale, the query and the key.
  LogicalResult matchFirstContraction(linalg::LinalgOp contraction, const View &scores);
  /// Moves a query, key or value up to the best tensor to take as operand.
  View cleanOperand(View operand, bool withFactors);

  MatchedAttention matched;
  std::string reason;
  /// Steps left between the contractions.
  unsigned budget = 0;
};

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONMATCHER_H
