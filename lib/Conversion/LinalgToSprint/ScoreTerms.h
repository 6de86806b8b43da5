//===- ScoreTerms.h - From logits to scores ----------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_SCORETERMS_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_SCORETERMS_H

#include "SoftmaxAnalysis.h"

#include <string>

namespace mlir::sprint {

/// One step between the scores and the softmax.
struct ScoreTerm {
  enum class Kind {
    /// logit = logit + factor * element, of floats, with a factor of either sign.
    Added,
    /// logit = element ? logit : otherwise, of truth values.
    AllowedWhereTrue,
    /// logit = max(logit, otherwise).
    LowerBound,
  };
  Kind kind = Kind::Added;
  /// Null for a lower bound.
  Expr element = nullptr;
  double factor = 1.0;
  std::optional<double> otherwise;
  /// The type in which the source adds or selects.
  Type type;
};

/// A factor of the scores of a row, or a divisor.
struct ScoreFactor {
  Expr factor;
  bool divides = false;
};

/// What logits are made of: scores, an element of a product of queries and keys, after some steps.
struct Scores {
  /// A Load of a tensor that is the product.
  Expr product = nullptr;
  double scale = 1.0;
  SmallVector<ScoreFactor> factors;
  /// From the softmax towards the scores.
  SmallVector<ScoreTerm> terms;
};

/// Finds the scores in the logits of a softmax. `getStart` gives, for an element of a tensor that
/// may be a product of queries and keys, what the product is added to; nothing for other tensors.
/// On failure `reason` tells the condition that did not hold.
FailureOr<Scores> findScores(ElementExprFactory &factory, const Softmax &softmax,
                             llvm::function_ref<std::optional<Expr>(Expr)> getStart,
                             std::string &reason);

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_SCORETERMS_H
