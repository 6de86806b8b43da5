//===- AttentionMatcher.h - The structure of an attention --------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONMATCHER_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONMATCHER_H

#include "Contractions.h"
#include "ElementEvaluator.h"
#include "ScoreTerms.h"
#include "Views.h"

#include "Sprint/Dialect/TMTensor/IR/TMTensor.h"

#include <string>

namespace mlir::sprint {

/// The element of a row of logits at which tensors are evaluated.
struct LogitPlace {
  /// Along the batch axes of the probabilities, outermost first.
  SmallVector<Expr> stack;
  Expr query, key;
};

/// What the probabilities of an attention are, at one place.
struct Logits {
  Softmax softmax;
  Scores scores;
};

/// An attention found in linalg: `softmax(scale * query key^T, after some terms) value`.
struct MatchedAttention {
  /// Rows are tokens, columns channels; of f32 or a narrower float type. Groups of matrices of
  /// query may share one of key and value.
  View query, key, value;
  /// What the attention takes the place of; rows are queries, columns channels.
  View result;
  /// The tensor whose elements are the probabilities, or their numerators; rows are queries,
  /// columns keys. Without a value where the source is an attention already.
  View probabilities;
  /// Where the contraction of query and key stands; without a value where the source is an
  /// attention already.
  std::optional<Location> scores;
  /// The result of the last contraction, where `result` is that divided.
  Value undivided;
  /// What scales the product of query and key, beside what is on the way to the softmax.
  double scale = 1.0;
  /// What scales the product of probabilities and values.
  double resultScale = 1.0;
  /// A tensor between the contractions as `[B, H, Sq, Sk]`, which tells batch and heads apart.
  std::optional<View> divided;
  /// How many matrices of one batch axis follow one another as heads, where only masks tell; 0
  /// where none do.
  int64_t heads = 0;
  /// The mask of an attention that is one already; its dimensions are those of the query.
  Value mask;
  /// Whether sizes that reshapes keep have to be equal for the logits to be what they are.
  bool assumesSizes = false;
  /// Whether there is anything between the scores and the softmax, or a factor of the result.
  bool hasTerms = false;
  /// What has to hold when the program runs for the match to be right.
  SmallVector<SizeEquality> conditions;
};

/// Matches the structure of an attention around the meaning of its probabilities:
///
///   result = probabilities * value         a contraction over the keys
///   probabilities = softmax(logits)        SoftmaxAnalysis.h
///   logits = scale * query * key^T         a contraction over the channels after some steps,
///                                          ScoreTerms.h
///
/// Above the operands, the look-through steps of Views.h. Casts between float types are looked
/// through: what is raised computes in f32.
class AttentionMatcher {
public:
  /// Matches the attention whose probabilities are operand `probabilities` of `contraction`. On
  /// failure `getReason` tells the condition that did not hold.
  FailureOr<MatchedAttention> match(const Contraction &contraction, unsigned probabilities);

  /// The same for torch-mlir's own op, which is an attention already.
  FailureOr<MatchedAttention> match(tm_tensor::AttentionOp attention);

  /// What the probabilities of a matched attention are at a place.
  FailureOr<Logits> evaluate(const MatchedAttention &matched, ElementExprFactory &factory,
                             ElementEvaluator &evaluator, const LogitPlace &place);

  StringRef getReason() const { return reason; }

private:
  LogicalResult fail(const Twine &why);
  /// Adds the conditions of a view that became part of the match.
  void keepConditions(const View &view);
  /// Cleans the operands and checks what has to hold of every match.
  FailureOr<MatchedAttention> finish();

  /// Labels the last contraction; sets the match's `result` and `value` and gives the view of the
  /// probabilities.
  FailureOr<View> matchLastContraction(const Contraction &contraction, unsigned probabilities);
  /// Moves the probabilities to the tensor furthest up that is only a reshape away.
  LogicalResult matchProbabilities(View probabilities, Operation *user);
  /// From probabilities whose rows are those of several heads to the tensor that has these heads as
  /// an axis: makes it an axis of the result too, and repeats the values along it.
  LogicalResult splitRows(View &probabilities);
  /// Checks that nothing but `user` reads the elements of `value`.
  LogicalResult checkOnlyUser(Value value, Operation *user);
  /// Finds the logits, and the tensor that is the result where a division follows the product.
  LogicalResult matchLogits();
  LogicalResult matchLogitsOnce();
  /// From an element of the scores at a place to the view of the tensor.
  FailureOr<View> viewOfScores(ElementExprFactory &factory, ElementEvaluator &evaluator,
                               Expr element, const LogitPlace &place);
  /// From the scores to the query and the key.
  LogicalResult matchFirstContraction(const Contraction &contraction, const View &scores);
  /// Makes one dimension of several rows that follow one another, by an op in front of `before`.
  LogicalResult mergeRows(View &view, Operation *before);
  /// Moves a query, key or value up to the best tensor to take as operand.
  View cleanOperand(View operand, bool withFactors);

  MatchedAttention matched;
  /// What reads the probabilities.
  Operation *reader = nullptr;
  std::string reason;
};

/// The sizes of the view's batch axes, outermost first; those repeated and the one merged with the
/// rows are among them.
SmallVector<TensorSize> getStack(const View &view);

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ATTENTIONMATCHER_H
