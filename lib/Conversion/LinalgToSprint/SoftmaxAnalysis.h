//===- SoftmaxAnalysis.h - What makes an expression a softmax ----*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An element of the probabilities is an expression over (row, key) with reductions over the keys.
// It is a softmax where it is
//
//   exp(x - c) / (sum of exp(x - c) over the keys)
//
// for any `c` that does not depend on the key, in whatever order and spelling: the maximum, or
// none; a division, a product with the reciprocal, the difference to a logarithm; now or after the
// product with the values; the exponential computed once or again. So the expression is taken apart
// into factors, those of the sums too, and what does not depend on the key cancels.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_SOFTMAXANALYSIS_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_SOFTMAXANALYSIS_H

#include "ElementExpr.h"

#include "llvm/ADT/MapVector.h"

#include <string>

namespace mlir::sprint {

/// A summand of a logit: `factor * value`, which depends on the key.
struct LogitTerm {
  Expr value;
  double factor;

  bool operator==(const LogitTerm &other) const = default;
};

/// Factors of a probability that do not depend on the key, and so are factors of the result.
struct RowFactors {
  double constant = 1.0;
  /// With the power of each, which is not zero.
  SmallVector<std::pair<Expr, int>> factors;

  bool isOne() const { return constant == 1.0 && factors.empty(); }
};

/// A softmax found in an expression.
struct Softmax {
  /// The sum of these is the logit.
  SmallVector<LogitTerm> logit;
  /// Where it is false, the key takes no part: its exponential is replaced by zero in the numerator
  /// and in the sum.
  Expr allowed;
  /// Where it is false, the probability is replaced by zero; the sum does not know. So the key has
  /// to be masked in the logit too.
  Expr remaining;
  /// Conditions of the row under which the probabilities are replaced by zeros; those that say that
  /// all logits are minus infinity are not among them.
  SmallVector<Expr> zeroRows;
  /// Whether probabilities that are NaN are zeros where `remaining` is false.
  bool replacesNaN = true;
  /// Whether the probabilities of a row whose exponentials have no sum are zeros rather than NaN;
  /// or only those of a row whose logits are all minus infinity.
  bool isSafe = false, isSafeOfInfinities = false;
  /// Whether the maximum of the row's logits is subtracted, so that a row of large negative numbers
  /// has a sum.
  bool subtractsMaximum = false;
  RowFactors rowFactors;
};

/// What an expression is as a product; see SoftmaxAnalysis.cpp.
struct WeightFactors;

/// Takes an expression apart.
class SoftmaxAnalysis {
public:
  explicit SoftmaxAnalysis(ElementExprFactory &factory) : factory(factory) {}

  /// The softmax that an element of the probabilities is. Where it has no divisor, `later` is an
  /// element of a tensor that was made of the product with the values, and `product` the element of
  /// that product in it; null where there is none. On failure `getReason` tells the condition that
  /// did not hold.
  FailureOr<Softmax> analyze(Expr probability, Expr later = nullptr, Expr product = nullptr);

  /// The reason where there are exponentials and no divisor.
  static constexpr char kUndivided[] =
      "nothing divides the exponentials by their sum over the keys";
  /// The reason where `later` is another function of the product.
  static constexpr char kNoMultiple[] =
      "what follows the product with the values is not a multiple of it";

  StringRef getReason() const { return reason; }

private:
  /// The part that varies: with the key, or with the product.
  bool varies(Expr expr) const;

  LogicalResult fail(const Twine &why);
  /// Counts one step; false when there is none left.
  bool spend();
  LogicalResult takeApart(Expr expr, int power, WeightFactors &into);
  LogicalResult takeSelect(Expr select, int power, WeightFactors &into);
  /// The same of an expression that does not vary.
  void takeRow(Expr expr, int power, WeightFactors &into);
  void takeSum(Expr sum, int power, WeightFactors &into);
  /// `exp(factor * exponent)`.
  LogicalResult takeExponent(Expr exponent, double factor, WeightFactors &into);
  void takeRowExponent(Expr exponent, double factor, WeightFactors &into);
  /// `exponent` without the parts that do not depend on the key, which go to `into`.
  Expr splitExponent(Expr exponent, double factor, WeightFactors &into);
  /// Whether a number of each key is a positive multiple of its logit, shifted along with the row.
  bool isMultipleOf(Expr number, ArrayRef<LogitTerm> logit);
  /// Whether the condition of a row says that all its logits are minus infinity.
  bool isTestOfLogits(Expr condition, ArrayRef<LogitTerm> logit);
  /// Whether `maximum` is that of the logits of the row, perhaps replaced in rows without any.
  bool isMaximumOf(Expr maximum, ArrayRef<LogitTerm> logit);
  FailureOr<Softmax> finish(WeightFactors &weight);

  ElementExprFactory &factory;
  /// What varies; null for the key.
  Expr product = nullptr;
  std::string reason;
  unsigned budget = 0;
};

/// The operand of casts between float types; `expr` itself where there are none.
Expr stripCasts(Expr expr);

/// The number that a constant float is, perhaps cast.
std::optional<double> getConstant(Expr expr);

/// Whether scores are still what they are after `number` was added to all of them in a float type,
/// where the sum is scaled by `factor` afterwards.
bool leavesScores(double number, Type type, double factor = 1.0);

/// Half the distance between two numbers of a float type as large as `number`: what is added to it
/// and is smaller has no effect.
double getHalfStep(double number, Type type);

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_SOFTMAXANALYSIS_H
