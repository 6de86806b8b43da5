//===- SprintISAOps.cpp - Assembly and verifiers of programs --------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/SprintISA/IR/Expressions.h"
#include "Sprint/Dialect/SprintISA/IR/LogitParameters.h"

#include "SprintRuntime/CommandStream.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::sprint_isa;

//===----------------------------------------------------------------------===//
// Assembly
//===----------------------------------------------------------------------===//

static ParseResult parseExpr(OpAsmParser &parser, ExprAttr &expression) {
  return parseExpression(parser, expression);
}

static void printExpr(OpAsmPrinter &printer, Operation * /*op*/, ExprAttr expression) {
  printExpression(printer, expression);
}

/// Whether text leaves out a launch parameter that the launch brings: those of the first version
/// always stand there.
static bool isLeftOut(const ::sprint::LaunchParameterInfo &parameter) {
  return parameter.since > 1;
}

/// parameters ::= (name `=` (integer | `?`)) for each launch parameter, in their order
static ParseResult parseParameters(OpAsmParser &parser, DenseI64ArrayAttr &parameters) {
  SmallVector<int64_t> values;
  for (const ::sprint::LaunchParameterInfo &parameter : ::sprint::launchParameters) {
    if (isLeftOut(parameter) ? failed(parser.parseOptionalComma())
                             : !values.empty() && parser.parseComma()) {
      if (!isLeftOut(parameter))
        return failure();
      values.push_back(::sprint::Program::kDynamic);
      continue;
    }
    if (parser.parseKeyword(StringRef(parameter.name)) || parser.parseEqual())
      return failure();
    if (succeeded(parser.parseOptionalQuestion()))
      values.push_back(::sprint::Program::kDynamic);
    else if (parser.parseInteger(values.emplace_back()))
      return failure();
  }
  parameters = parser.getBuilder().getDenseI64ArrayAttr(values);
  return success();
}

static void printParameters(OpAsmPrinter &printer, Operation * /*op*/,
                            DenseI64ArrayAttr parameters) {
  StringRef separator = "";
  for (auto [info, value] : llvm::zip(::sprint::launchParameters, parameters.asArrayRef())) {
    bool isDynamic = value == ::sprint::Program::kDynamic;
    if (isDynamic && isLeftOut(info))
      continue;
    printer << separator << StringRef(info.name) << " = ";
    if (isDynamic)
      printer << "?";
    else
      printer << value;
    separator = ", ";
  }
}

/// count ::= integer-literal
static ParseResult parseCount(OpAsmParser &parser, IntegerAttr &count) {
  int64_t value = 0;
  if (parser.parseInteger(value))
    return failure();
  count = parser.getBuilder().getI64IntegerAttr(value);
  return success();
}

static void printCount(OpAsmPrinter &printer, Operation * /*op*/, IntegerAttr count) {
  printer << count.getInt();
}

/// enumerant ::= keyword
template <typename EnumAttr>
static ParseResult parseEnumerant(OpAsmParser &parser, EnumAttr &enumerant) {
  using Enum = decltype(enumerant.getValue());
  SMLoc loc = parser.getCurrentLocation();
  StringRef keyword;
  if (parser.parseKeyword(&keyword))
    return failure();
  std::optional<Enum> value = symbolizeEnum<Enum>(keyword);
  if (!value)
    return parser.emitError(loc) << "expected a " << EnumAttr::getMnemonic() << ", got '" << keyword
                                 << "'";
  enumerant = EnumAttr::get(parser.getContext(), *value);
  return success();
}

/// The attribute's own printer begins with a space.
template <typename EnumAttr>
static void printEnumerant(OpAsmPrinter &printer, Operation * /*op*/, EnumAttr enumerant) {
  printer << stringifyEnum(enumerant.getValue());
}

/// inputs ::= region (`,` region)*
static ParseResult parseInputs(OpAsmParser &parser, ArrayAttr &inputs) {
  SmallVector<Attribute> regions;
  auto parseRegion = [&] {
    MemoryRegionAttr region;
    if (parseEnumerant(parser, region))
      return failure();
    regions.push_back(region);
    return success();
  };
  if (parser.parseCommaSeparatedList(parseRegion))
    return failure();
  inputs = parser.getBuilder().getArrayAttr(regions);
  return success();
}

static void printInputs(OpAsmPrinter &printer, Operation *op, ArrayAttr inputs) {
  llvm::interleaveComma(inputs.getAsRange<MemoryRegionAttr>(), printer,
                        [&](MemoryRegionAttr region) { printEnumerant(printer, op, region); });
}

#define GET_OP_CLASSES
#include "Sprint/Dialect/SprintISA/IR/SprintISAOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Queues
//===----------------------------------------------------------------------===//

LogicalResult CountingQueueOp::verify() {
  int64_t credits = getCredits();
  if (credits < 0 || credits > ::sprint::kMaxQueueCapacity)
    return emitOpError() << "expected credits between 0 and " << ::sprint::kMaxQueueCapacity
                         << ", got " << credits;
  return success();
}

LogicalResult IndexQueueOp::verify() {
  int64_t depth = getDepth();
  if (depth < 1 || depth > ::sprint::kMaxQueueCapacity)
    return emitOpError() << "expected a depth between 1 and " << ::sprint::kMaxQueueCapacity
                         << ", got " << depth;
  return success();
}

LogicalResult ReserveOp::verify() {
  int64_t credits = getCredits();
  if (credits < 1 || credits > ::sprint::kMaxQueueCapacity)
    return emitOpError() << "expected credits between 1 and " << ::sprint::kMaxQueueCapacity
                         << ", got " << credits;
  return success();
}

//===----------------------------------------------------------------------===//
// ProgramOp
//===----------------------------------------------------------------------===//

bool ProgramOp::isNest() {
  return llvm::any_of(getBody().front(), llvm::IsaPred<LoopOp, UnitCommandOpInterface>);
}

LogicalResult ProgramOp::verify() {
  if (getMachine().empty())
    return emitOpError() << "expected the name of a machine, got an empty string";
  StringRef structure = getStructure();
  if (structure.size() != 16 ||
      !llvm::all_of(structure, [](char c) { return llvm::isHexDigit(c) && !llvm::isUpper(c); }))
    return emitOpError() << "expected the hash of the structure as 16 hexadecimal digits, got \""
                         << structure << "\"";

  ArrayRef<int64_t> parameters = getParameters();
  if (parameters.size() != ::sprint::kNumLaunchParameters)
    return emitOpError() << "expected " << ::sprint::kNumLaunchParameters
                         << " launch parameters, got " << parameters.size();
  for (auto [info, value] : llvm::zip(::sprint::launchParameters, parameters))
    if (value != ::sprint::Program::kDynamic &&
        (value < info.least() || value > ::sprint::kMaxMagnitude))
      return emitOpError() << "expected the launch parameter '" << StringRef(info.name)
                           << "' between " << info.least() << " and " << ::sprint::kMaxMagnitude
                           << ", got " << value;

  if (std::optional<ArrayAttr> inputs = getInputs()) {
    // The others come with every launch.
    auto previous = static_cast<MemoryRegion>(::sprint::kNumRequiredInputs - 1);
    for (auto input : inputs->getAsRange<MemoryRegionAttr>()) {
      if (input.getValue() <= previous)
        return emitOpError() << "expected inputs among " << ::sprint::optionalInputNames
                             << ", each once and in this order, got "
                             << stringifyMemoryRegion(input.getValue()) << " after "
                             << stringifyMemoryRegion(previous);
      previous = input.getValue();
    }
    auto isThere = [&](::sprint::MemoryRegion region) {
      return llvm::is_contained(
          *inputs, MemoryRegionAttr::get(getContext(), static_cast<MemoryRegion>(region)));
    };
    if (std::optional<::sprint::MemoryRegion> alone = ::sprint::findWithoutPartner(isThere))
      return emitOpError() << "expected '" << ::sprint::inputOf(*alone).partner
                           << "' among its inputs beside '" << ::sprint::inputOf(*alone).name
                           << "', got none";
    if (inputs->empty())
      return emitOpError() << "expected at least one input where there are inputs, got none";
  }

  int64_t heads = parameters[static_cast<size_t>(::sprint::LaunchParameter::Heads)];
  if (failed(verifyScale(*this, getScale())))
    return failure();
  return verifyThresholds(*this, getThresholds(),
                          heads == ::sprint::Program::kDynamic ? std::nullopt
                                                               : std::optional(heads));
}

/// Checks that `operand` of `op` names a queue of the kind of `QueueOp` in the program.
template <typename QueueOp>
static LogicalResult verifyQueue(Operation *op, std::string_view operand, StringAttr name,
                                 SymbolTable &symbols) {
  Operation *queue = symbols.lookup(name);
  if (isa_and_nonnull<QueueOp>(queue))
    return success();
  InFlightDiagnostic diagnostic = op->emitOpError()
                                  << "expected operand '" << StringRef(operand) << "' to name a '"
                                  << QueueOp::getOperationName() << "', got @" << name.getValue();
  if (queue)
    diagnostic.attachNote(queue->getLoc()) << "which is a '" << queue->getName() << "'";
  return diagnostic;
}

/// Checks that operand `name` of `op`, inside `depth` loops, reads counters of these alone.
static LogicalResult verifyCounters(Operation *op, StringRef name, unsigned depth) {
  auto operand = op->getAttrOfType<ExprAttr>(name);
  unsigned needed = operand ? operand.getLoopDepth() : 0;
  if (needed <= depth)
    return success();
  return op->emitOpError() << "expected operand '" << name << "' to read counters of the " << depth
                           << " enclosing loops, got i" << needed - 1;
}

/// Checks the operands of a command inside `depth` loops.
static LogicalResult verifyOperands(Operation *op, const ::sprint::CommandInfo &info,
                                    unsigned depth, SymbolTable &symbols) {
  for (const ::sprint::CommandField &field : info.fields) {
    Attribute operand = op->getAttr(StringRef(field.name));
    switch (field.kind) {
    case ::sprint::FieldKind::Expr:
    case ::sprint::FieldKind::OptionalExpr:
      if (failed(verifyCounters(op, field.name, depth)))
        return failure();
      break;
    case ::sprint::FieldKind::Queue:
      if (failed(verifyQueue<CountingQueueOp>(op, field.name,
                                              cast<FlatSymbolRefAttr>(operand).getAttr(), symbols)))
        return failure();
      break;
    case ::sprint::FieldKind::IndexQueue:
      if (failed(verifyQueue<IndexQueueOp>(op, field.name,
                                           cast<FlatSymbolRefAttr>(operand).getAttr(), symbols)))
        return failure();
      break;
    default:
      break; // An enumerant, whose attribute has verified itself.
    }
  }
  return success();
}

/// Checks the commands of a block inside `depth` loops.
static LogicalResult verifyCommands(Block &block, ::sprint::MachineUnit unit, unsigned depth,
                                    SymbolTable &symbols) {
  for (Operation &op : block) {
    const ::sprint::CommandInfo *info = nullptr;
    if (isa_and_nonnull<SprintISADialect>(op.getDialect()))
      info = ::sprint::findCommand(std::string_view(op.getName().stripDialect()));
    if (!info)
      return op.emitOpError() << "expected a command of unit '"
                              << StringRef(::sprint::toString(unit)) << "'";
    if (!::sprint::isAllowedOn(*info, unit))
      return op.emitOpError() << "expected a command of unit '"
                              << StringRef(::sprint::toString(unit)) << "', got '"
                              << StringRef(info->mnemonic) << "'";
    if (failed(verifyOperands(&op, *info, depth, symbols)))
      return failure();
    if (auto loop = dyn_cast<LoopOp>(op)) {
      if (depth == static_cast<unsigned>(::sprint::kMaxLoopDepth))
        return op.emitOpError() << "expected at most " << ::sprint::kMaxLoopDepth
                                << " nested loops";
      if (failed(verifyCommands(loop.getBody().front(), unit, depth + 1, symbols)))
        return failure();
    }
  }
  return success();
}

/// Checks the loops, value forms and capacities of a block inside `depth` loops of a nest.
static LogicalResult verifyNest(Block &block, unsigned depth) {
  for (Operation &op : block) {
    if (auto loop = dyn_cast<LoopOp>(op)) {
      if (depth == static_cast<unsigned>(::sprint::kMaxLoopDepth))
        return op.emitOpError() << "expected at most " << ::sprint::kMaxLoopDepth
                                << " nested loops";
      if (failed(verifyCounters(&op, "trip", depth)) ||
          failed(verifyNest(loop.getBody().front(), depth + 1)))
        return failure();
      continue;
    }
    auto command = dyn_cast<UnitCommandOpInterface>(op);
    if (!command)
      return op.emitOpError() << "expected loops, value forms and capacities in a nest";
    const ::sprint::CommandInfo *info =
        ::sprint::findCommand(std::string_view(SprintISADialect::getValueFormCommand(&op)));
    if (!info)
      continue;
    auto unit = static_cast<::sprint::MachineUnit>(command.getUnit());
    if (!::sprint::isAllowedOn(*info, unit))
      return op.emitOpError() << "expected a unit that may run it, got '"
                              << StringRef(::sprint::toString(unit)) << "'";
    for (const ::sprint::CommandField &field : info->fields) {
      bool isExpression = field.kind == ::sprint::FieldKind::Expr ||
                          field.kind == ::sprint::FieldKind::OptionalExpr;
      if (isExpression && failed(verifyCounters(&op, field.name, depth)))
        return failure();
    }
  }
  return success();
}

LogicalResult ProgramOp::verifyRegions() {
  if (isNest())
    return verifyNest(getBody().front(), /*depth=*/0);
  mlir::SymbolTable symbols(getOperation());
  std::array<UnitOp, ::sprint::kNumMachineUnits> units;
  size_t countingQueues = 0, indexQueues = 0;
  for (Operation &op : getBody().front()) {
    if (isa<CountingQueueOp>(op)) {
      ++countingQueues;
      continue;
    }
    if (isa<IndexQueueOp>(op)) {
      ++indexQueues;
      continue;
    }
    auto unit = dyn_cast<UnitOp>(op);
    if (!unit)
      return op.emitOpError() << "expected a queue or a unit in a program";
    UnitOp &previous = units[static_cast<size_t>(unit.getUnit())];
    if (previous) {
      InFlightDiagnostic diagnostic = op.emitOpError()
                                      << "expected each unit once, got a second '"
                                      << stringifyMachineUnit(unit.getUnit()) << "'";
      diagnostic.attachNote(previous.getLoc()) << "the first one is here";
      return diagnostic;
    }
    previous = unit;
    if (failed(verifyCommands(unit.getBody().front(),
                              static_cast<::sprint::MachineUnit>(unit.getUnit()), /*depth=*/0,
                              symbols)))
      return failure();
  }
  if (countingQueues > ::sprint::kMaxQueues || indexQueues > ::sprint::kMaxQueues)
    return emitOpError() << "expected at most " << ::sprint::kMaxQueues << " queues of a kind, got "
                         << std::max(countingQueues, indexQueues);
  return success();
}
