//===- LogitParameters.cpp - Scales and thresholds of ops -----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/SprintISA/IR/LogitParameters.h"
#include "SprintRuntime/CommandStream.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;

ParseResult sprint_isa::parseScale(OpAsmParser &parser, FloatAttr &scale) {
  return parser.parseAttribute(scale, parser.getBuilder().getF64Type());
}

void sprint_isa::printScale(OpAsmPrinter &printer, Operation * /*op*/, FloatAttr scale) {
  printer.printAttributeWithoutType(scale);
}

ParseResult sprint_isa::parseThresholds(OpAsmParser &parser, DenseF32ArrayAttr &thresholds) {
  SmallVector<float> values;
  auto parseOne = [&]() -> ParseResult {
    FloatAttr value;
    if (parser.parseAttribute(value, parser.getBuilder().getF32Type()))
      return failure();
    values.push_back(value.getValue().convertToFloat());
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseOne))
    return failure();
  thresholds = parser.getBuilder().getDenseF32ArrayAttr(values);
  return success();
}

void sprint_isa::printThresholds(OpAsmPrinter &printer, Operation *op,
                                 DenseF32ArrayAttr thresholds) {
  Builder builder(op->getContext());
  printer << "[";
  llvm::interleaveComma(thresholds.asArrayRef(), printer, [&](float value) {
    printer.printAttributeWithoutType(builder.getF32FloatAttr(value));
  });
  printer << "]";
}

LogicalResult sprint_isa::verifyScale(Operation *op, const APFloat &scale) {
  double value = scale.convertToDouble();
  if (value >= ::sprint::kMinScale && value <= ::sprint::kMaxScale)
    return success();
  return op->emitOpError() << "expected a scale between 2^-100 and 2^100, got " << value;
}

LogicalResult sprint_isa::verifyThresholds(Operation *op, std::optional<ArrayRef<float>> thresholds,
                                           std::optional<int64_t> heads) {
  if (!thresholds)
    return success();
  std::string fault =
      ::sprint::findThresholdFault(*thresholds, heads.value_or(::sprint::Program::kDynamic));
  return fault.empty() ? success() : LogicalResult(op->emitOpError() << fault);
}
