//===- SprintDialect.cpp - The Sprint dialect and its attributes ----------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "SprintRuntime/Machine.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::sprint;

#include "Sprint/Dialect/Sprint/IR/SprintDialect.cpp.inc"
#include "Sprint/Dialect/Sprint/IR/SprintEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "Sprint/Dialect/Sprint/IR/SprintAttributes.cpp.inc"

void SprintDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Sprint/Dialect/Sprint/IR/SprintAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Sprint/Dialect/Sprint/IR/SprintOps.cpp.inc"
      >();
}

LogicalResult SprintDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  StringRef name = attribute.getName();
  if (name == kMachineAttrName || name == kCostsAttrName) {
    bool isMachine = name == kMachineAttrName;
    if (!isa<ModuleOp>(op))
      return op->emitOpError() << "expected '" << name << "' on a module only";
    if (isMachine ? !isa<MachineAttr>(attribute.getValue()) : !isa<CostsAttr>(attribute.getValue()))
      return op->emitOpError() << "expected '" << name << "' to be a #" << name << ", got "
                               << attribute.getValue();
    return success();
  }
  if (name == kScheduleAttrName) {
    if (!isa<LoopLikeOpInterface>(op))
      return op->emitOpError() << "expected '" << name << "' on a loop only";
    if (!isa<ScheduleAttr>(attribute.getValue()))
      return op->emitOpError() << "expected '" << name << "' to be a #sprint.schedule, got "
                               << attribute.getValue();
    return success();
  }
  return op->emitOpError() << "expected '" << kMachineAttrName << "', '" << kCostsAttrName
                           << "' or '" << kScheduleAttrName << "', got unknown attribute '" << name
                           << "'";
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

LogicalResult BandAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               std::optional<int64_t> lower, std::optional<int64_t> upper,
                               Align /*align*/) {
  if (lower && upper && *lower > *upper)
    return emitError() << "expected the band's lower bound to be at most its upper bound " << *upper
                       << ", got " << *lower;
  return success();
}

LogicalResult WidthsAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t exponentFraction, int64_t sum, int64_t probability,
                                 int64_t accumulator) {
  ::sprint::Widths widths{.exponentFractionBits = exponentFraction,
                          .sumBits = sum,
                          .probabilityBits = probability,
                          .accumulatorBits = accumulator};
  if (std::string error = widths.check(); !error.empty())
    return emitError() << error;
  return success();
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t queryBlock,
                                   int64_t lookahead, sprint_isa::Residency /*residency*/) {
  if (queryBlock < 1)
    return emitError() << "expected 'query_block' to be at least 1, got " << queryBlock;
  if (lookahead < 0)
    return emitError() << "expected 'lookahead' to be at least 0, got " << lookahead;
  return success();
}
