//===- MaskAnalysis.h - Masks and biases of an attention ---------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Between its scores and its softmax an attention adds tensors and selects constants. Frontends
// build those tensors from iotas, comparisons and the padding of the tokens, of the full size
// queries times keys. Here they become what `sprint.attention` takes: a band, which costs nothing;
// which keys are valid; a boolean mask and a bias, over no more dimensions than they need.
//
// The terms are evaluated symbolically for one logit (b, h, i, j) (ElementEvaluator.h). What is
// added then splits into a condition, under which it is not a masking value, and a bias. The
// condition is a conjunction, of which each part goes to the cheapest operand that can say it. What
// is not understood stays the tensor it was.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_MASKANALYSIS_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_MASKANALYSIS_H

#include "ElementEvaluator.h"
#include "ScoreTerms.h"

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "mlir/IR/Builders.h"

#include <memory>
#include <optional>
#include <string>

namespace mlir::sprint {

/// The dimensions of the logits.
struct LogitShape {
  TensorSize batch, heads, queries, keys;
};

/// Turns the terms of one attention into operands and attributes of `sprint.attention`.
///
/// - *Masking values.* A constant masks where the source's own arithmetic makes the exponential of
///   such a logit zero beside that of any other: minus infinity, and constants down from -8,192,
///   which -10,000 is in every type (exp(-8,000) is zero even in f64, and no trained model's logits
///   differ by a thousand). A constant down to there that is selected instead of the score is
///   checked when the program runs (`getCheckedLogit`): no allowed score may be that low.
/// - *Empty rows* follow the source. With the masking value minus infinity: NaN, or zeros where
///   the softmax is safe. With a finite one: the mean over all keys, where adding it absorbs the
///   score or where it is selected; where it does not absorb it, what counts in that row are the
///   scores, as the source rounds them (`maskedLogit`). Where masked keys may have different
///   values, or the sum of two, they would weigh differently in such a row: then only minus
///   infinity masks, and finite values stay biases. Where no row can be empty: zeros, which cost
///   nothing.
/// - *A bias read from memory* may hold masking values, unless it is a constant that does not; the
///   logits of rows that it masks are computed as the source does.
class MaskAnalysis {
public:
  MaskAnalysis(LogitShape shape, MLIRContext *context);
  ~MaskAnalysis();

  ElementExprFactory &getFactory();
  ElementEvaluator &getEvaluator();

  /// From now on the first size is the second: the IR's semantics say that they are equal. Not
  /// after the first position was asked for.
  void setEqual(const TensorSize &size, const TensorSize &same);
  Expr getPosition(Position position);
  /// The indices, along dimensions of these sizes, of the matrix of logits of a batch element and
  /// head, whose row-major index is `b * heads + h`. Fails where they have no expressions.
  FailureOr<SmallVector<Expr>> getStackIndices(ArrayRef<TensorSize> stack);

  /// Adds a step, that nearest to the scores first. Fails, with `getReason`, on one that is neither
  /// a mask nor a bias, such as a selected constant that is not a masking value.
  LogicalResult add(const ScoreTerm &term);

  /// After the last `add`: finds the operands. Creates no IR. A tensor that is not understood is an
  /// operand as it is. Fails, with `getReason`, where what `softmax` replaces by zeros is not what
  /// is masked, and where a row without a key is none that `EmptyRow` describes.
  LogicalResult finish(const Softmax &softmax);

  /// Conditions of a row, other than that it is empty, under which its result is zero.
  ArrayRef<Expr> getZeroRows() const;

  /// Results of `finish`.
  struct Attributes {
    /// Null where nothing bounds j - i.
    BandAttr band;
    EmptyRow emptyRow = EmptyRow::Zero;
    /// Null where `emptyRow` says it all.
    FloatAttr maskedLogit;
  };
  const Attributes &getAttributes() const { return attributes; }

  /// The optional inputs of `sprint.attention`, in the order of their regions; null where there are
  /// none. Creates what is not yet a tensor in the IR. The insertion point has to be after every
  /// term's tensor.
  SmallVector<Value> materialize(OpBuilder &builder, Location loc);

  /// A logit that no allowed key may have for the masks to be right, because it is what masked keys
  /// have; nothing where none has to be checked.
  std::optional<double> getCheckedLogit() const;
  /// A tensor of truth values that all have to be true for the masks to be right.
  struct Check {
    Value holds;
    StringRef message;
  };
  SmallVector<Check> materializeChecks(OpBuilder &builder, Location loc);
  /// A tensor `[batch, heads, queries, 1]` that holds `expr`, which does not depend on the key;
  /// dimensions that it does not depend on are of size 1.
  Value materializeForRows(OpBuilder &builder, Location loc, Expr expr);

  StringRef getReason() const { return reason; }

private:
  struct Implementation;

  LogicalResult fail(const Twine &why);

  std::unique_ptr<Implementation> implementation;
  Attributes attributes;
  std::string reason;
};

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_MASKANALYSIS_H
