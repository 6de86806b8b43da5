//===- Expressions.cpp - Expressions of counters and parameters -----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/SprintISA/IR/Expressions.h"
#include "SprintRuntime/CommandStream.h"
#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::sprint_isa;

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

ParseResult mlir::sprint_isa::parseExpression(AsmParser &parser, ExprAttr &expression) {
  MLIRContext *context = parser.getContext();
  static constexpr StringLiteral kCounterNames[] = {"i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7"};
  static_assert(std::size(kCounterNames) == ::sprint::kMaxLoopDepth);
  SmallVector<std::pair<StringRef, AffineExpr>> symbols;
  for (auto [index, name] : llvm::enumerate(kCounterNames))
    symbols.emplace_back(name, getAffineDimExpr(index, context));
  for (auto [index, parameter] : llvm::enumerate(::sprint::launchParameters))
    symbols.emplace_back(parameter.name, getAffineSymbolExpr(index, context));

  SMLoc loc = parser.getCurrentLocation();
  SmallVector<AffineExpr> expressions;
  auto parseOne = [&] { return parser.parseAffineExpr(symbols, expressions.emplace_back()); };
  Combine combine = Combine::Only;
  if (succeeded(parser.parseOptionalKeyword(stringifyCombine(Combine::Min))))
    combine = Combine::Min;
  else if (succeeded(parser.parseOptionalKeyword(stringifyCombine(Combine::Max))))
    combine = Combine::Max;
  if (combine == Combine::Only
          ? parseOne()
          : parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, parseOne))
    return failure();
  if (failed(ExprAttr::verify([&] { return parser.emitError(loc); }, combine, expressions)))
    return failure();
  expression = ExprAttr::get(context, combine, expressions);
  return success();
}

Attribute ExprAttr::parse(AsmParser &parser, Type type) {
  ExprAttr expression;
  if (parser.parseLess() || parseExpression(parser, expression) || parser.parseGreater())
    return {};
  return expression;
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static void printAffine(raw_ostream &os, AffineExpr expression);

/// Prints an operand that binds tighter than its surroundings.
static void printOperand(raw_ostream &os, AffineExpr expression) {
  if (!isa<AffineBinaryOpExpr>(expression))
    return printAffine(os, expression);
  os << "(";
  printAffine(os, expression);
  os << ")";
}

/// Prints `rhs` behind the sum before it, with its sign as the operator.
static void printSummand(raw_ostream &os, AffineExpr rhs) {
  if (auto constant = dyn_cast<AffineConstantExpr>(rhs); constant && constant.getValue() < 0) {
    os << " - " << -constant.getValue();
    return;
  }
  if (auto product = dyn_cast<AffineBinaryOpExpr>(rhs);
      product && product.getKind() == AffineExprKind::Mul && product.getRHS() == -1) {
    os << " - ";
    return printOperand(os, product.getLHS());
  }
  os << " + ";
  if (rhs.getKind() == AffineExprKind::Add)
    return printOperand(os, rhs);
  printAffine(os, rhs);
}

static void printAffine(raw_ostream &os, AffineExpr expression) {
  switch (expression.getKind()) {
  case AffineExprKind::Constant:
    os << cast<AffineConstantExpr>(expression).getValue();
    return;
  case AffineExprKind::DimId:
    os << "i" << cast<AffineDimExpr>(expression).getPosition();
    return;
  case AffineExprKind::SymbolId:
    os << ::sprint::launchParameters[cast<AffineSymbolExpr>(expression).getPosition()].name;
    return;
  default:
    break;
  }
  auto binary = cast<AffineBinaryOpExpr>(expression);
  if (binary.getKind() == AffineExprKind::Add) {
    printAffine(os, binary.getLHS());
    return printSummand(os, binary.getRHS());
  }
  printOperand(os, binary.getLHS());
  switch (binary.getKind()) {
  case AffineExprKind::FloorDiv:
    os << " floordiv ";
    break;
  case AffineExprKind::CeilDiv:
    os << " ceildiv ";
    break;
  case AffineExprKind::Mod:
    os << " mod ";
    break;
  default:
    os << " * ";
    break;
  }
  printOperand(os, binary.getRHS());
}

void mlir::sprint_isa::printExpression(AsmPrinter &printer, ExprAttr expression) {
  raw_ostream &os = printer.getStream();
  if (expression.getCombine() == Combine::Only)
    return printAffine(os, expression.getExpressions().front());
  os << stringifyCombine(expression.getCombine()) << "(";
  llvm::interleaveComma(expression.getExpressions(), os,
                        [&](AffineExpr operand) { printAffine(os, operand); });
  os << ")";
}

void ExprAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printExpression(printer, *this);
  printer << ">";
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

/// Whether `divisor` is a number that is at least 1; one that is no launch parameter is judged
/// where it stands.
static bool isPositive(AffineExpr divisor) {
  if (auto constant = dyn_cast<AffineConstantExpr>(divisor))
    return constant.getValue() >= 1;
  auto parameter = dyn_cast<AffineSymbolExpr>(divisor);
  return parameter && (parameter.getPosition() >= ::sprint::kNumLaunchParameters ||
                       ::sprint::launchParameters[parameter.getPosition()].least() > 0);
}

/// Checks an affine expression and counts its nodes down from `budget`, so that one that shares its
/// parts takes no longer.
static LogicalResult verifyAffine(function_ref<InFlightDiagnostic()> emitError,
                                  AffineExpr expression, uint64_t &budget) {
  if (budget-- == 0)
    return emitError() << "expected an expression of at most " << ::sprint::kMaxExprNodes
                       << " nodes";
  if (auto constant = dyn_cast<AffineConstantExpr>(expression)) {
    int64_t value = constant.getValue();
    if (value < -::sprint::kMaxMagnitude || value > ::sprint::kMaxMagnitude)
      return emitError() << "expected constants of magnitude up to " << ::sprint::kMaxMagnitude
                         << ", got " << value;
    return success();
  }
  if (auto counter = dyn_cast<AffineDimExpr>(expression)) {
    if (counter.getPosition() >= static_cast<unsigned>(::sprint::kMaxLoopDepth))
      return emitError() << "expected at most " << ::sprint::kMaxLoopDepth
                         << " loop counters, got i" << counter.getPosition();
    return success();
  }
  if (auto parameter = dyn_cast<AffineSymbolExpr>(expression)) {
    if (parameter.getPosition() >= ::sprint::kNumLaunchParameters)
      return emitError() << "expected at most " << ::sprint::kNumLaunchParameters
                         << " launch parameters, got number " << parameter.getPosition();
    return success();
  }
  auto binary = cast<AffineBinaryOpExpr>(expression);
  if (binary.getKind() != AffineExprKind::Add && binary.getKind() != AffineExprKind::Mul) {
    if (!isPositive(binary.getRHS())) {
      SmallString<32> divisor;
      llvm::raw_svector_ostream os(divisor);
      printAffine(os, binary.getRHS());
      return emitError()
             << "expected to divide by a positive constant or a launch parameter that is "
                "never zero, got "
             << divisor;
    }
  }
  return success(succeeded(verifyAffine(emitError, binary.getLHS(), budget)) &&
                 succeeded(verifyAffine(emitError, binary.getRHS(), budget)));
}

LogicalResult ExprAttr::verify(function_ref<InFlightDiagnostic()> emitError, Combine combine,
                               ArrayRef<AffineExpr> expressions) {
  if (combine == Combine::Only ? expressions.size() != 1 : expressions.size() < 2)
    return emitError() << "expected "
                       << (combine == Combine::Only ? "one expression" : "two expressions or more")
                       << ", got " << expressions.size();
  uint64_t budget = ::sprint::kMaxExprNodes - (expressions.size() - 1);
  if (expressions.size() > ::sprint::kMaxExprNodes)
    budget = 0;
  for (AffineExpr expression : expressions)
    if (failed(verifyAffine(emitError, expression, budget)))
      return failure();
  return success();
}

unsigned ExprAttr::getLoopDepth() const {
  unsigned depth = 0;
  for (AffineExpr part : getExpressions())
    part.walk([&](AffineExpr node) {
      if (auto counter = dyn_cast<AffineDimExpr>(node))
        depth = std::max(depth, counter.getPosition() + 1);
    });
  return depth;
}
