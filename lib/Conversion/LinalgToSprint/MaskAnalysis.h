//===- MaskAnalysis.h - Masks and biases of an attention ---------*- C++ -*-===//
//
// Part of the Sprint project.
//
// Between its scores and its softmax an attention adds tensors and selects constants. Frontends
// build those tensors from iotas, comparisons and the padding of the tokens, of the full size
// queries times keys. Here they become what `sprint.attention` takes: a band, which costs nothing;
// which keys are valid; a boolean mask and a bias, over no more dimensions than they need.
//
// The terms are evaluated symbolically for one logit (b, h, i, j) (ElementEvaluator.h). What is
// added then splits into a condition, under which it is not a masking value, and a bias. The
// condition is a conjunction, of which each part goes to the cheapest operand that can say it:
// bounds of j - i to the band, what depends on b and j alone to `key_valid`, the rest to `mask`.
// What is not understood stays the tensor it was.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_MASKANALYSIS_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_MASKANALYSIS_H

#include "TensorSizes.h"

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/APFloat.h"

#include <memory>
#include <optional>
#include <string>

namespace mlir::sprint {

/// The dimensions of the logits.
struct LogitShape {
  /// What `sprint.attention` calls them.
  TensorSize batch, heads, queries, keys;
  /// The dimensions over which the source stacks the matrices of logits, outermost first: batch
  /// and heads, both in one, heads split into groups. Their row-major index is `b * heads + h`.
  SmallVector<TensorSize> stack;
};

/// One step between the scores and the softmax.
struct MaskTerm {
  enum class Kind {
    /// logit = logit + factor * tensor, with a tensor of floats and a factor of either sign.
    Added,
    /// logit = tensor ? logit : otherwise, with a tensor of i1.
    AllowedWhereTrue,
    /// logit = tensor ? otherwise : logit, with a tensor of i1.
    AllowedWhereFalse,
    /// logit = max(logit, otherwise); there is no tensor.
    LowerBound,
  };
  Kind kind = Kind::Added;
  Value tensor;
  /// For each dimension of the tensor the dimension of the logits, seen as
  /// `[stack..., queries, keys]`, that it runs along; nothing where it is of size 1.
  SmallVector<std::optional<unsigned>> dimensions;
  double factor = 1.0;
  std::optional<APFloat> otherwise;
};

/// The softmax that follows: what it yields for a row of minus infinities is NaN or zeros.
enum class SoftmaxKind { Plain, Safe };

/// Turns the terms of one attention into operands and attributes of `sprint.attention`.
///
/// - *Masking values.* A constant of -2^20 or less, minus infinity among them, masks, as in a bias
/// of
///   `sprint.attention`. Constants down from -10,000 mask too: a key that far down weighs nothing,
///   exp(-9000) being zero in f32 and in f64. Where such a constant is added and a row may have no
///   other key, it stays a bias, because what counts in that row are the scores.
/// - *Empty rows* follow the source. With the masking value minus infinity: NaN, or zeros where
///   the softmax is safe. With a finite one: the mean over all keys, because adding the lowest
///   number absorbs the score. Where no row can be empty: zeros, which cost nothing. In an empty
///   row masked keys with another masking value, or with the sum of two, would weigh differently,
///   which no attribute says: `finish` fails where there may be both.
/// - *A bias read from memory* may hold masking values, unless it is a constant that does not. Rows
///   that it masks follow the constants that mask too; without any, the softmax where it is safe,
///   and otherwise finite ones.
class MaskAnalysis {
public:
  MaskAnalysis(LogitShape shape, MLIRContext *context);
  ~MaskAnalysis();

  /// Adds a step, that nearest to the scores first. Fails, with `getReason`, on one that is neither
  /// a mask nor a bias, such as a selected constant that is not a masking value.
  LogicalResult add(const MaskTerm &term);

  /// After the last `add`: finds the operands. Creates no IR. A tensor that is not understood is an
  /// operand as it is. Fails, with `getReason`, where a mask runs over batch and heads in a way
  /// that is not, and where a row without a key is none that `EmptyRow` describes.
  LogicalResult finish(SoftmaxKind softmax);

  /// Results of `finish`.
  struct Attributes {
    /// Null where nothing bounds j - i.
    BandAttr band;
    EmptyRow emptyRow = EmptyRow::Zero;
  };
  const Attributes &getAttributes() const { return attributes; }

  /// Operands of `sprint.attention`; null where there is none.
  struct Operands {
    /// `[batch, keys]`, i1.
    Value keyValid;
    /// `[batch or 1, heads or 1, queries or 1, keys]`, i1.
    Value mask;
    /// The same of f32.
    Value bias;
  };
  /// Creates what the operands need that is not yet a tensor in the IR. The insertion point has to
  /// be after every term's tensor.
  Operands materialize(OpBuilder &builder, Location loc);

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
