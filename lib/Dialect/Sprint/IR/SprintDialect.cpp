//===- SprintDialect.cpp - The Sprint dialect and its attributes ----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/Machine.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>

using namespace mlir;
using namespace mlir::sprint;

#include "Sprint/Dialect/Sprint/IR/SprintDialect.cpp.inc"
#include "Sprint/Dialect/Sprint/IR/SprintEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "Sprint/Dialect/Sprint/IR/SprintAttributes.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "Sprint/Dialect/Sprint/IR/SprintTypes.cpp.inc"

void SprintDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Sprint/Dialect/Sprint/IR/SprintAttributes.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "Sprint/Dialect/Sprint/IR/SprintTypes.cpp.inc"
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
  if (name == kHostConstantsAttrName) {
    auto constants = dyn_cast<DictionaryAttr>(attribute.getValue());
    if (!isa<ModuleOp>(op))
      return op->emitOpError() << "expected '" << name << "' on a module only";
    if (!constants || !llvm::all_of(constants, [](NamedAttribute constant) {
          return isa<ElementsAttr>(constant.getValue());
        }))
      return op->emitOpError() << "expected '" << name << "' to be a dictionary of elements, got "
                               << attribute.getValue();
    return success();
  }
  if (name == kRefusedAttrName) {
    if (!isa<RefusalAttr>(attribute.getValue()))
      return op->emitOpError() << "expected '" << name << "' to be a #sprint.refusal, got "
                               << attribute.getValue();
    return success();
  }
  return op->emitOpError() << "expected '" << kMachineAttrName << "', '" << kCostsAttrName << "', '"
                           << kRefusedAttrName << "' or '" << kHostConstantsAttrName
                           << "', got unknown attribute '" << name << "'";
}

void mlir::sprint::refuse(Operation *op, RefusedBy by, StringRef reason, StringRef name) {
  MLIRContext *context = op->getContext();
  auto refusal = RefusalAttr::get(context, by, reason,
                                  name.empty() ? StringAttr() : StringAttr::get(context, name));
  op->setDiscardableAttr(SprintDialect::kRefusedAttrName, refusal);
  InFlightDiagnostic remark = op->emitRemark();
  if (!name.empty())
    remark << "'" << name << "': ";
  remark << refusal.getMessage();
}

RefusalAttr mlir::sprint::getRefusal(Operation *op) {
  return dyn_cast_or_null<RefusalAttr>(op->getDiscardableAttr(SprintDialect::kRefusedAttrName));
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

bool BandAttr::leavesEveryQueryAKey(int64_t queries, int64_t keys) const {
  // The first query is the one that the upper bound may leave without a key, the last query the one
  // for the lower bound.
  bool areStatic = !ShapedType::isDynamic(queries) && !ShapedType::isDynamic(keys);
  bool isEnd = getAlign() == Align::End;
  std::optional<int64_t> lower = getLower(), upper = getUpper();
  bool lowerLeavesKey = !lower || (isEnd ? *lower <= 0 : areStatic && *lower <= keys - queries);
  bool upperLeavesKey = !upper || (isEnd ? areStatic && *upper >= queries - keys : *upper >= 0);
  return lowerLeavesKey && upperLeavesKey;
}

AffineExpr BandAttr::getDiagonal(AffineExpr query, AffineExpr queries, AffineExpr keys) const {
  return getAlign() == Align::End ? query + keys - queries : query;
}

std::optional<int64_t> BandAttr::findNearestDistance() const {
  int64_t lower = getLower().value_or(INT64_MIN), upper = getUpper().value_or(INT64_MAX);
  return lower <= upper ? std::optional(std::clamp<int64_t>(0, lower, upper)) : std::nullopt;
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

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t heads,
                                   int64_t queries, int64_t ahead,
                                   sprint_isa::Residency /*residency*/,
                                   ArrayRef<sprint_isa::MemoryRegion> writes) {
  for (auto [name, value, least] : {std::tuple(StringRef("heads"), heads, int64_t(1)),
                                    {StringRef("queries"), queries, int64_t(1)},
                                    {StringRef("ahead"), ahead, int64_t(0)}})
    if (value < least || value > ::sprint::kMaxQueueCapacity)
      return emitError() << "expected '" << name << "' between " << least << " and "
                         << ::sprint::kMaxQueueCapacity << ", got " << value;
  for (auto [index, region] : llvm::enumerate(writes))
    if (llvm::is_contained(writes.take_front(index), region))
      return emitError() << "expected each tensor once in 'writes', got "
                         << stringifyMemoryRegion(region) << " twice";
  return success();
}

std::string RefusalAttr::getMessage() const {
  StringRef what =
      getBy() == RefusedBy::Raising ? "attention not raised: " : "attention stays on the host: ";
  return (what + getReason()).str();
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

LogicalResult CacheType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t batches,
                                int64_t heads, int64_t keyHeads, int64_t headDim,
                                int64_t valueDim) {
  for (auto [name, size] : {std::pair(StringRef("batches"), batches),
                            {StringRef("heads"), heads},
                            {StringRef("key_heads"), keyHeads},
                            {StringRef("head_dim"), headDim},
                            {StringRef("value_dim"), valueDim}})
    if (size < 1 || size > ::sprint::kMaxMagnitude)
      return emitError() << "expected '" << name << "' between 1 and " << ::sprint::kMaxMagnitude
                         << ", got " << size;
  if (heads % keyHeads != 0)
    return emitError() << "expected heads to be a multiple of " << keyHeads << " key heads, got "
                       << heads;
  return success();
}
