//===- SoftmaxAnalysis.cpp - What makes an expression a softmax -----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SoftmaxAnalysis.h"

#include "Views.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;
using Predicate = arith::CmpFPredicate;

/// Parts of expressions that are taken apart.
static constexpr unsigned kMaxSteps = 4096;

static constexpr char kTooManySteps[] = "there are too many steps between the contractions";

/// A number added to the divisor against a division by zero is at most this: a sum of exponentials
/// is 1 at least where the maximum is subtracted.
static constexpr double kMaxEpsilon = 0x1p-16;
/// A constant factor this close to 1 is the rounding of constants that cancel.
static constexpr double kUnity = 1e-9;
/// Half of a step to which scores may be rounded and still are what they are.
static constexpr double kMaxRounding = 0x1p-7;

static constexpr char kNoSoftmax[] =
    "the probabilities are not exp(x - c) over its sum over the keys";
static constexpr char kOtherDimension[] = "the softmax does not run over the keys";

namespace mlir::sprint {
/// `allowed ? constant * product of factors * exp(sum of logs) : 0`.
struct WeightFactors {
  double constant = 1.0;
  /// What varies, as an exponent.
  SmallVector<LogitTerm> logit;
  /// What does not, as exponents and as factors with their powers.
  llvm::SmallMapVector<Expr, double, 4> rowLogs;
  llvm::SmallMapVector<Expr, int, 4> rowFactors;

  /// Sums of exponentials over the keys.
  struct Sum {
    SmallVector<LogitTerm> logit;
    Expr allowed;
    int power;
    Expr expr;
  };
  SmallVector<Sum, 2> sums;

  /// Conditions under which the weight is not replaced by zero, with the weight.
  SmallVector<std::pair<Expr, Expr>> conditions;
  /// Conditions of the row under which it is.
  SmallVector<Expr> emptyTests;
  bool isNaNReplaced = false;
  /// Whether a divisor of zero is replaced.
  bool isSumGuarded = false;
  /// What was subtracted in exponents.
  SmallVector<Expr> shifts;
  /// How often the product with the values is a factor.
  int products = 0;
};
} // namespace mlir::sprint

//===----------------------------------------------------------------------===//
// Parts of expressions
//===----------------------------------------------------------------------===//

Expr sprint::stripCasts(Expr expr) {
  while (expr->isOperation("arith.extf") || expr->isOperation("arith.truncf"))
    expr = expr->operands.front();
  return expr;
}

double sprint::getHalfStep(double number, Type type) {
  if (number == 0 || !std::isfinite(number))
    return 0;
  int precision = APFloat::semanticsPrecision(cast<FloatType>(type).getFloatSemantics());
  return std::ldexp(1.0, std::ilogb(number) - precision);
}

bool sprint::leavesScores(double number, Type type, double factor) {
  return std::isfinite(number) && getHalfStep(number, type) * std::abs(factor) <= kMaxRounding;
}

std::optional<double> sprint::getConstant(Expr expr) {
  std::optional<APFloat> number = stripCasts(expr)->getConstantFloat();
  return number ? std::optional(toDouble(*number)) : std::nullopt;
}

static bool isConstant(Expr expr, double number) { return getConstant(expr) == number; }

static bool isInfinite(Expr expr) {
  std::optional<double> number = getConstant(expr);
  return number && std::isinf(*number);
}

/// The comparison that a truth value is, perhaps negated.
static std::optional<Predicate> getComparison(Expr truth) {
  bool isNegated = truth->kind == Kind::Not;
  Expr comparison = isNegated ? truth->operands.front() : truth;
  if (!comparison->isOperation("arith.cmpf"))
    return std::nullopt;
  auto attribute =
      cast<DictionaryAttr>(comparison->attribute).getAs<arith::CmpFPredicateAttr>("predicate");
  if (!attribute)
    return std::nullopt;
  // Only the equalities are asked for.
  if (!isNegated)
    return attribute.getValue();
  switch (attribute.getValue()) {
  case Predicate::OEQ:
    return Predicate::UNE;
  case Predicate::UNE:
    return Predicate::OEQ;
  case Predicate::ONE:
    return Predicate::UEQ;
  case Predicate::UEQ:
    return Predicate::ONE;
  case Predicate::ORD:
    return Predicate::UNO;
  case Predicate::UNO:
    return Predicate::ORD;
  case Predicate::OGT:
    return Predicate::ULE;
  case Predicate::UGT:
    return Predicate::OLE;
  default:
    return std::nullopt;
  }
}

static ArrayRef<Expr> getCompared(Expr truth) {
  return (truth->kind == Kind::Not ? truth->operands.front() : truth)->operands;
}

/// What is compared with minus infinity, in a truth value that says that they are equal; null for
/// any other.
static Expr getComparedWithLowest(Expr truth) {
  std::optional<Predicate> predicate = getComparison(truth);
  if (!predicate ||
      !llvm::is_contained({Predicate::OEQ, Predicate::UEQ, Predicate::OLE, Predicate::ULE},
                          *predicate))
    return nullptr;
  ArrayRef<Expr> compared = getCompared(truth);
  for (unsigned side : {0, 1}) {
    std::optional<double> number = getConstant(compared[side]);
    bool isEquality = *predicate == Predicate::OEQ || *predicate == Predicate::UEQ;
    if (number && std::isinf(*number) && *number < 0 && (side == 1 || isEquality))
      return compared[1 - side];
  }
  return nullptr;
}

/// Whether `expr` has been computed of a whole row, such as its maximum. What has not, such as a
/// mask of queries, may hold numbers beside which the scores do not count.
static bool isStatistic(Expr expr) {
  return anyPart(expr, [](Expr part) {
    if (part->kind != Kind::Load)
      return part->kind == Kind::Reduction;
    auto op = part->value.getDefiningOp<linalg::LinalgOp>();
    return op && op.getNumReductionLoops() > 0 && !linalg::isaContractionOpInterface(op);
  });
}

bool SoftmaxAnalysis::spend() {
  if (budget > 0)
    --budget;
  return budget > 0;
}

bool SoftmaxAnalysis::varies(Expr expr) const {
  return product ? expr->contains(product) : expr->dependsOn(Position::Key);
}

LogicalResult SoftmaxAnalysis::fail(const Twine &why) {
  reason = why.str();
  return failure();
}

//===----------------------------------------------------------------------===//
// Factors
//===----------------------------------------------------------------------===//

/// The base of an exponential as its logarithm, and the exponent.
static std::optional<std::pair<double, Expr>> getLogBaseAndExponent(Expr expr) {
  if (expr->isOperation("math.exp"))
    return std::pair(1.0, expr->operands[0]);
  if (expr->isOperation("math.exp2"))
    return std::pair(llvm::numbers::ln2, expr->operands[0]);
  if (!expr->isOperation("math.powf"))
    return std::nullopt;
  std::optional<double> base = getConstant(expr->operands[0]);
  if (!base || !(*base > 1.0) || !std::isfinite(*base))
    return std::nullopt;
  return std::pair(std::log(*base), expr->operands[1]);
}

/// The base of a power with the exponent 1 or -1, with that.
static std::optional<std::pair<Expr, int>> getPower(Expr expr) {
  if (!expr->isOperation("math.powf"))
    return std::nullopt;
  std::optional<double> exponent = getConstant(expr->operands[1]);
  if (exponent != 1.0 && exponent != -1.0)
    return std::nullopt;
  return std::pair(expr->operands[0], static_cast<int>(*exponent));
}

void SoftmaxAnalysis::takeSum(Expr sum, int power, WeightFactors &into) {
  if (budget == 0)
    return;
  // What is summed varies with the key whatever is looked at around.
  WeightFactors inner;
  Expr outerProduct = product;
  std::string outerReason = reason;
  product = nullptr;
  LogicalResult taken = takeApart(sum->operands.front(), 1, inner);
  product = outerProduct;
  reason = std::move(outerReason);
  if (failed(taken) || inner.logit.empty() || !inner.emptyTests.empty() || inner.isNaNReplaced) {
    into.rowFactors[sum] += power;
    return;
  }
  into.constant *= std::pow(inner.constant, power);
  for (auto [log, factor] : inner.rowLogs)
    into.rowLogs[log] += factor * power;
  for (auto [factor, inPower] : inner.rowFactors)
    into.rowFactors[factor] += inPower * power;
  Expr allowed = factory.conjunction(llvm::map_to_vector(
      inner.conditions, [](const std::pair<Expr, Expr> &condition) { return condition.first; }));
  inner.sums.push_back({inner.logit, allowed, 1, sum});
  for (const WeightFactors::Sum &part : inner.sums) {
    auto same = llvm::find_if(into.sums, [&](const WeightFactors::Sum &other) {
      return other.logit == part.logit && other.allowed == part.allowed;
    });
    if (same == into.sums.end())
      into.sums.push_back({part.logit, part.allowed, part.power * power, part.expr});
    else
      same->power += part.power * power;
  }
}

void SoftmaxAnalysis::takeRow(Expr expr, int power, WeightFactors &into) {
  if (!spend())
    return;
  expr = stripCasts(expr);
  if (std::optional<double> number = getConstant(expr)) {
    into.constant *= std::pow(*number, power);
    return;
  }
  if (expr->isOperation("arith.mulf") || expr->isOperation("arith.divf")) {
    takeRow(expr->operands[0], power, into);
    takeRow(expr->operands[1], expr->isOperation("arith.mulf") ? power : -power, into);
    return;
  }
  if (auto exponential = getLogBaseAndExponent(expr)) {
    takeRowExponent(exponential->second, power * exponential->first, into);
    return;
  }
  if (auto base = getPower(expr)) {
    takeRow(base->first, power * base->second, into);
    return;
  }
  if (expr->isReduction(Combiner::Sum)) {
    takeSum(expr, power, into);
    return;
  }
  // A divisor that is kept from being zero.
  auto isSum = [](Expr candidate) { return stripCasts(candidate)->isReduction(Combiner::Sum); };
  if (power < 0 && (expr->isOperation("arith.addf") || expr->isOperation("arith.maximumf") ||
                    expr->isOperation("arith.maxnumf")))
    for (unsigned side : {0, 1}) {
      std::optional<double> epsilon = getConstant(expr->operands[side]);
      if (!epsilon || !(*epsilon >= 0 && *epsilon <= kMaxEpsilon) ||
          !isSum(expr->operands[1 - side]))
        continue;
      into.isSumGuarded = true;
      takeRow(expr->operands[1 - side], power, into);
      return;
    }
  if (power < 0 && expr->kind == Kind::Select)
    for (unsigned side : {1, 2}) {
      std::optional<double> number = getConstant(expr->operands[side]);
      Expr sum = stripCasts(expr->operands[3 - side]);
      std::optional<Predicate> predicate = getComparison(expr->operands[0]);
      if (!number || !isSum(sum) || !predicate)
        continue;
      ArrayRef<Expr> compared = getCompared(expr->operands[0]);
      bool isEqual = *predicate == Predicate::OEQ || *predicate == Predicate::UEQ;
      bool isUnequal = *predicate == Predicate::UNE || *predicate == Predicate::ONE;
      if ((side == 1 ? !isEqual : !isUnequal) || stripCasts(compared[0]) != sum ||
          !isConstant(compared[1], 0.0))
        continue;
      into.isSumGuarded = true;
      takeRow(sum, power, into);
      return;
    }
  into.rowFactors[expr] += power;
}

LogicalResult SoftmaxAnalysis::takeSelect(Expr select, int power, WeightFactors &into) {
  Expr condition = select->operands[0];
  std::optional<Predicate> predicate = getComparison(condition);
  if (predicate) { // Probabilities are never infinite, and NaN only in rows of minus infinities.
    auto isPartOfWeight = [&](Expr tested, Expr weight) {
      tested = stripCasts(tested);
      return varies(tested) && weight->contains(tested) &&
             anyPart(tested, [](Expr part) { return part->isReduction(Combiner::Sum); });
    };
    ArrayRef<Expr> compared = getCompared(condition);
    bool isEquality = *predicate == Predicate::OEQ || *predicate == Predicate::UEQ;
    if (isEquality && (isInfinite(compared[0]) || isInfinite(compared[1])) &&
        isPartOfWeight(compared[isInfinite(compared[0]) ? 1 : 0], select->operands[2]))
      return takeApart(select->operands[2], power, into);
    bool isOfItself =
        stripCasts(compared[0]) == stripCasts(compared[1]) && isPartOfWeight(compared[0], select);
    bool saysNaN = *predicate == Predicate::UNE || *predicate == Predicate::UNO;
    bool saysNumber = *predicate == Predicate::OEQ || *predicate == Predicate::ORD;
    if (isOfItself && (saysNaN || saysNumber)) {
      if (!isConstant(select->operands[saysNaN ? 1 : 2], 0.0))
        return fail("the probabilities are replaced where they are NaN, but not by zero");
      into.isNaNReplaced = true;
      return takeApart(select->operands[saysNaN ? 2 : 1], power, into);
    }
  }
  for (unsigned side : {1, 2}) {
    if (!isConstant(select->operands[side], 0.0) || power != 1)
      continue;
    Expr weight = select->operands[3 - side];
    if (varies(condition))
      into.conditions.push_back({side == 2 ? condition : factory.negate(condition), weight});
    else
      into.emptyTests.push_back(side == 1 ? condition : factory.negate(condition));
    return takeApart(weight, power, into);
  }
  return fail("the probabilities are selected, but not as select(condition, 0, probability)");
}

LogicalResult SoftmaxAnalysis::takeApart(Expr expr, int power, WeightFactors &into) {
  if (!spend())
    return fail(kTooManySteps);
  if (!varies(expr)) {
    takeRow(expr, power, into);
    return success();
  }
  expr = stripCasts(expr);
  if (expr == product) {
    into.products += power;
    return success();
  }
  if (expr->isOperation("arith.mulf") || expr->isOperation("arith.divf")) {
    int right = expr->isOperation("arith.mulf") ? power : -power;
    if (failed(takeApart(expr->operands[0], power, into)))
      return failure();
    return takeApart(expr->operands[1], right, into);
  }
  if (expr->isOperation("arith.negf")) {
    into.constant = -into.constant;
    return takeApart(expr->operands[0], power, into);
  }
  if (auto exponential = getLogBaseAndExponent(expr))
    return takeExponent(exponential->second, power * exponential->first, into);
  if (auto base = getPower(expr))
    return takeApart(base->first, power * base->second, into);
  if (expr->kind == Kind::Select)
    return takeSelect(expr, power, into);
  if (expr->kind == Kind::Load) {
    auto softmax = expr->value.getDefiningOp<linalg::SoftmaxOp>();
    if (softmax && expr->operands[softmax.getDimension()]->dependsOn(Position::Key))
      return fail("the softmax runs over other elements than the keys, or over more, such as "
                  "attention sinks");
    if (softmax || isStatistic(expr))
      return fail(kOtherDimension);
  }
  if (!into.logit.empty())
    return fail("the probabilities are multiplied with a tensor that differs from key to key, as "
                "random dropout does");
  return fail(kNoSoftmax);
}

//===----------------------------------------------------------------------===//
// Exponents
//===----------------------------------------------------------------------===//

void SoftmaxAnalysis::takeRowExponent(Expr exponent, double factor, WeightFactors &into) {
  if (!spend())
    return;
  exponent = stripCasts(exponent);
  if (std::optional<double> number = getConstant(exponent)) {
    into.constant *= std::exp(*number * factor);
    return;
  }
  if (exponent->isOperation("arith.addf") || exponent->isOperation("arith.subf")) {
    takeRowExponent(exponent->operands[0], factor, into);
    takeRowExponent(exponent->operands[1], exponent->isOperation("arith.addf") ? factor : -factor,
                    into);
    return;
  }
  if (exponent->isOperation("arith.negf"))
    return takeRowExponent(exponent->operands[0], -factor, into);
  if (exponent->isOperation("arith.mulf"))
    for (unsigned side : {0, 1})
      if (std::optional<double> number = getConstant(exponent->operands[side]))
        return takeRowExponent(exponent->operands[1 - side], factor * *number, into);
  // exp(ln y) and, for exponentials to the base of two, exp(ln 2 * log2 y).
  auto isAbout = [](double left, double right) { return std::abs(left - right) < kUnity; };
  if (exponent->isOperation("math.log") || exponent->isOperation("math.log2")) {
    double base = exponent->isOperation("math.log") ? 1.0 : llvm::numbers::ln2;
    for (int power : {1, -1})
      if (isAbout(factor, power * base))
        return takeRow(exponent->operands[0], power, into);
  }
  into.rowLogs[exponent] += factor;
}

Expr SoftmaxAnalysis::splitExponent(Expr exponent, double factor, WeightFactors &into) {
  if (!spend())
    return exponent;
  auto rebuild = [&](ArrayRef<Expr> operands) {
    if (operands == ArrayRef(exponent->operands))
      return exponent;
    if (exponent->kind == Kind::Select)
      return factory.select(operands[0], operands[1], operands[2]);
    return factory.operation(exponent->name->getStringRef(), exponent->type, operands);
  };
  if (exponent->isOperation("arith.extf") || exponent->isOperation("arith.truncf") ||
      exponent->isOperation("arith.negf")) {
    double sign = exponent->isOperation("arith.negf") ? -1.0 : 1.0;
    return rebuild({splitExponent(exponent->operands[0], factor * sign, into)});
  }
  if (exponent->isOperation("arith.addf") || exponent->isOperation("arith.subf")) {
    double right = exponent->isOperation("arith.addf") ? factor : -factor;
    Expr summands[] = {exponent->operands[0], exponent->operands[1]};
    double factors[] = {factor, right};
    for (unsigned side : {0, 1}) {
      std::optional<double> number = getConstant(summands[side]);
      bool isDropped =
          number ? leavesScores(*number, exponent->type)
                 : !summands[side]->dependsOn(Position::Key) && isStatistic(summands[side]);
      if (!isDropped || !summands[1 - side]->dependsOn(Position::Key))
        continue;
      // The difference of what does not vary and the rest has the rest negated.
      if (side == 0 && right != factor)
        continue;
      if (!number)
        into.shifts.push_back(summands[side]);
      takeRowExponent(summands[side], factors[side], into);
      return splitExponent(summands[1 - side], factors[1 - side], into);
    }
    return rebuild(
        {splitExponent(summands[0], factor, into), splitExponent(summands[1], right, into)});
  }
  if (exponent->isOperation("arith.mulf"))
    for (unsigned side : {0, 1})
      if (std::optional<double> number = getConstant(exponent->operands[side])) {
        SmallVector<Expr> operands = llvm::to_vector<6>(exponent->operands);
        operands[1 - side] = splitExponent(operands[1 - side], factor * *number, into);
        return rebuild(operands);
      }
  if (exponent->isOperation("arith.divf"))
    if (std::optional<double> number = getConstant(exponent->operands[1]))
      return rebuild(
          {splitExponent(exponent->operands[0], factor / *number, into), exponent->operands[1]});
  // Minus infinity stays what it is.
  if (exponent->kind == Kind::Select)
    for (unsigned side : {1, 2})
      if (isInfinite(exponent->operands[side]) &&
          exponent->operands[3 - side]->dependsOn(Position::Key)) {
        SmallVector<Expr> operands = llvm::to_vector<6>(exponent->operands);
        operands[3 - side] = splitExponent(operands[3 - side], factor, into);
        return rebuild(operands);
      }
  return exponent;
}

/// `factor * value` with constant factors of the value in the factor.
static LogitTerm getTerm(Expr value, double factor) {
  value = stripCasts(value);
  while (value->isOperation("arith.mulf") || value->isOperation("arith.divf")) {
    bool divides = value->isOperation("arith.divf");
    std::optional<double> number = getConstant(value->operands[1]);
    Expr other = value->operands[0];
    if (!number && !divides) {
      number = getConstant(value->operands[0]);
      other = value->operands[1];
    }
    if (!number)
      break;
    factor = divides ? factor / *number : factor * *number;
    value = stripCasts(other);
  }
  return {value, factor};
}

LogicalResult SoftmaxAnalysis::takeExponent(Expr exponent, double factor, WeightFactors &into) {
  if (product)
    return fail(kNoSoftmax);
  LogitTerm term = getTerm(splitExponent(exponent, factor, into), factor);
  // One form of a product of several exponentials.
  auto place = llvm::find_if(into.logit, [&](const LogitTerm &other) {
    return other.value->number >= term.value->number;
  });
  if (place != into.logit.end() && place->value == term.value) {
    place->factor += term.factor;
    if (place->factor == 0)
      into.logit.erase(place);
  } else {
    into.logit.insert(place, term);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

bool SoftmaxAnalysis::isMultipleOf(Expr number, ArrayRef<LogitTerm> logit) {
  if (logit.size() != 1)
    return false;
  // What does not depend on the key shifts both.
  WeightFactors parts;
  LogitTerm term = getTerm(splitExponent(stripCasts(number), 1.0, parts), 1.0);
  return term.value == logit.front().value && term.factor * logit.front().factor > 0;
}

bool SoftmaxAnalysis::isTestOfLogits(Expr condition, ArrayRef<LogitTerm> logit) {
  if (condition->isReduction(Combiner::All)) {
    Expr tested = getComparedWithLowest(condition->operands.front());
    return tested && isMultipleOf(tested, logit);
  }
  Expr maximum = getComparedWithLowest(condition);
  maximum = maximum ? stripCasts(maximum) : nullptr;
  return maximum && maximum->isReduction(Combiner::Maximum) &&
         isMultipleOf(maximum->operands.front(), logit);
}

bool SoftmaxAnalysis::isMaximumOf(Expr maximum, ArrayRef<LogitTerm> logit) {
  return anyPart(maximum, [&](Expr part) {
    // How an element of another op's result was computed is not known.
    if (part->kind == Kind::Load)
      return isStatistic(part);
    return part->isReduction(Combiner::Maximum) && isMultipleOf(part->operands.front(), logit);
  });
}

FailureOr<Softmax> SoftmaxAnalysis::finish(WeightFactors &weight) {
  if (weight.logit.empty())
    return fail(kNoSoftmax);
  llvm::erase_if(weight.sums, [](const WeightFactors::Sum &sum) { return sum.power == 0; });
  if (weight.sums.empty()) {
    bool isDivided = llvm::any_of(weight.rowFactors, [](auto factor) { return factor.second < 0; });
    return fail(isDivided ? "the exponentials are divided by something else than their sum over "
                            "the keys, such as a sum with attention sinks"
                          : kUndivided);
  }
  const WeightFactors::Sum &sum = weight.sums.front();
  if (sum.power != -1)
    return fail(kNoSoftmax);
  if (weight.sums.size() != 1 || sum.logit != weight.logit)
    return fail("the denominator is not the sum of the numerators over the keys");
  for (auto [log, factor] : weight.rowLogs)
    if (std::abs(factor) > kUnity)
      return fail("numerator and denominator of the softmax are shifted by different numbers");

  Softmax softmax;
  softmax.logit = weight.logit;
  SmallVector<Expr> conditions;
  bool isMaskedAfter = false;
  for (auto [condition, masked] : weight.conditions) {
    conditions.push_back(condition);
    bool isAround = masked->contains(sum.expr);
    isMaskedAfter |= isAround;
    // A product of NaN and zero is NaN.
    softmax.replacesNaN &= isAround;
  }
  Expr nonzero = factory.conjunction(conditions);
  if (nonzero != sum.allowed && !sum.allowed->isTrue())
    return fail("the sum over the keys leaves out others than the probabilities");
  softmax.allowed = sum.allowed;
  softmax.remaining = nonzero == sum.allowed ? factory.truth(true) : nonzero;

  // Of minus infinities the maximum is one, and their difference NaN, which no guard of the sum
  // replaces; exponentials that are replaced themselves are zero.
  bool hasNaN = false;
  for (Expr shift : weight.shifts) {
    bool isMaximum = isMaximumOf(shift, softmax.logit);
    softmax.subtractsMaximum |= isMaximum;
    hasNaN |= isMaximum && stripCasts(shift)->kind != Kind::Select && sum.allowed->isTrue();
  }
  softmax.isSafe = weight.isNaNReplaced || (isMaskedAfter && softmax.remaining->isTrue()) ||
                   (weight.isSumGuarded && !hasNaN);
  for (Expr test : weight.emptyTests) {
    if (isTestOfLogits(test, softmax.logit))
      softmax.isSafeOfInfinities = true;
    else
      softmax.zeroRows.push_back(test);
  }

  if (std::abs(weight.constant - 1.0) > kUnity)
    softmax.rowFactors.constant = weight.constant;
  for (auto [factor, power] : weight.rowFactors)
    if (power != 0)
      softmax.rowFactors.factors.push_back({factor, power});
  return softmax;
}

FailureOr<Softmax> SoftmaxAnalysis::analyze(Expr probability, Expr later, Expr product) {
  reason.clear();
  budget = kMaxSteps;
  this->product = nullptr;
  WeightFactors weight;
  if (failed(takeApart(probability, 1, weight)))
    return failure();
  if (later) {
    this->product = product;
    LogicalResult taken = takeApart(later, 1, weight);
    this->product = nullptr;
    if (failed(taken))
      return fail(kNoMultiple);
    if (weight.products != 1)
      return fail(kNoMultiple);
  }
  if (budget == 0)
    return fail(kTooManySteps);
  return finish(weight);
}
