//===- SprintOps.cpp - Verifiers and assembly of the Sprint ops -----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/IR/LaunchTensors.h"
#include "Sprint/Dialect/SprintISA/IR/Expressions.h"
#include "Sprint/Dialect/SprintISA/IR/LogitParameters.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::sprint;

using sprint_isa::parseScale;
using sprint_isa::parseThresholds;
using sprint_isa::printScale;
using sprint_isa::printThresholds;
using sprint_isa::verifyScale;
using sprint_isa::verifyThresholds;

/// enumerant ::= keyword
template <typename EnumAttr>
static ParseResult parseEnumerant(OpAsmParser &parser, EnumAttr &enumerant) {
  enumerant = llvm::dyn_cast_or_null<EnumAttr>(EnumAttr::parse(parser, Type()));
  return success(static_cast<bool>(enumerant));
}

/// Without the space that the generated printer puts in front.
template <typename EnumAttr>
static void printEnumerant(OpAsmPrinter &printer, Operation * /*op*/, EnumAttr enumerant) {
  printer << stringifyEnum(enumerant.getValue());
}

//===----------------------------------------------------------------------===//
// Tensors of a launch
//===----------------------------------------------------------------------===//

const ::sprint::LaunchTensor &mlir::sprint::getLaunchTensor(ProgramInput input) {
  if (std::optional<sprint_isa::MemoryRegion> region = getRegion(input))
    return ::sprint::launchInputs[static_cast<size_t>(*region)];
  return ::sprint::headTensors[static_cast<size_t>(input) - ::sprint::kNumRequiredInputs];
}

// Arguments are the required inputs, the head parameters, the optional inputs.
std::optional<sprint_isa::MemoryRegion> mlir::sprint::getRegion(ProgramInput input) {
  auto index = static_cast<size_t>(input);
  if (index >= ::sprint::kNumRequiredInputs) {
    if (index < ::sprint::kNumRequiredInputs + ::sprint::headTensors.size())
      return std::nullopt;
    index -= ::sprint::headTensors.size();
  }
  return static_cast<sprint_isa::MemoryRegion>(index);
}

ProgramInput mlir::sprint::getProgramInput(sprint_isa::MemoryRegion region) {
  auto index = static_cast<size_t>(region);
  bool isOptional = index >= ::sprint::kNumRequiredInputs;
  return static_cast<ProgramInput>(isOptional ? index + ::sprint::headTensors.size() : index);
}

ArrayRef<sprint_isa::MemoryRegion> mlir::sprint::getOptionalRegions() {
  static const auto regions = llvm::map_to_vector(
      llvm::seq(::sprint::kNumRequiredInputs, ::sprint::launchInputs.size()),
      [](size_t index) { return static_cast<sprint_isa::MemoryRegion>(index); });
  return regions;
}

Type mlir::sprint::getElementType(MLIRContext *context, ::sprint::ElementType type) {
  switch (type) {
  case ::sprint::ElementType::I1:
    return IntegerType::get(context, 1);
  case ::sprint::ElementType::I8:
    return IntegerType::get(context, 8);
  case ::sprint::ElementType::I32:
    return IntegerType::get(context, 32);
  case ::sprint::ElementType::I64:
    return IntegerType::get(context, 64);
  case ::sprint::ElementType::F32:
    return Float32Type::get(context);
  }
  llvm_unreachable("all types are handled");
}

#define GET_OP_CLASSES
#include "Sprint/Dialect/Sprint/IR/SprintOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Checks that several ops share
//===----------------------------------------------------------------------===//

namespace {
/// A tensor of an op and the names of its dimensions. Dimensions of one name
/// have one size.
struct NamedShape {
  NamedShape(StringRef name, Type type, ArrayRef<StringRef> dimensions, size_t numBroadcast = 0)
      : name(name), type(type), dimensions(dimensions) {
    for (size_t index = 0; index < dimensions.size(); ++index)
      mayBeOne.push_back(index < numBroadcast);
  }
  /// `type` is that of `tensor`, or null.
  NamedShape(const ::sprint::LaunchTensor &tensor, Type type) : name(tensor.name), type(type) {
    for (const ::sprint::TensorDimension &dimension : tensor.dimensions) {
      dimensions.push_back(::sprint::toString(dimension.dimension));
      mayBeOne.push_back(dimension.mayBeOne);
    }
  }

  StringRef name;
  Type type;
  SmallVector<StringRef, 4> dimensions;
  SmallVector<bool, 4> mayBeOne;
};

/// A static size, and the tensor that it was first seen in.
struct KnownSize {
  int64_t size;
  StringRef tensor;
};
} // namespace

/// Name of the dimension of key heads, of which each is shared by a group of the query heads.
static constexpr StringRef kKeyHeadDim = "G";
static constexpr StringRef kHeadDim = "H";

/// Checks that dimensions of the same name agree, and that G divides H; a dynamic dimension agrees
/// with any. Tensors of no type, which the op does not have, are skipped.
static LogicalResult verifyShapes(Operation *op, ArrayRef<NamedShape> shapes) {
  llvm::StringMap<KnownSize> known;
  for (const NamedShape &shape : shapes) {
    if (!shape.type)
      continue;
    ArrayRef<int64_t> sizes = cast<ShapedType>(shape.type).getShape();
    for (auto [index, size, dimension] : llvm::enumerate(sizes, shape.dimensions)) {
      bool mayBroadcast = shape.mayBeOne[index];
      if (ShapedType::isDynamic(size) || (mayBroadcast && size == 1))
        continue;
      auto [it, inserted] = known.try_emplace(dimension, KnownSize{size, shape.name});
      if (!inserted && it->second.size != size)
        return op->emitOpError() << "expected dimension " << index << " (" << dimension << ") of "
                                 << shape.name << " to be " << (mayBroadcast ? "1 or " : "")
                                 << it->second.size << " as in " << it->second.tensor << ", got "
                                 << size;
    }
  }
  auto heads = known.find(kHeadDim), keyHeads = known.find(kKeyHeadDim);
  if (heads == known.end() || keyHeads == known.end())
    return success();
  int64_t numHeads = heads->second.size, numKeyHeads = keyHeads->second.size;
  if (numKeyHeads == 0 ? numHeads == 0 : numHeads % numKeyHeads == 0)
    return success();
  return op->emitOpError() << "expected the " << numHeads << " heads of " << heads->second.tensor
                           << " to be a multiple of those of " << keyHeads->second.tensor
                           << ", got " << numKeyHeads;
}

/// Type of an optional operand; none where the op does not have it.
static Type typeOf(Value operand) { return operand ? operand.getType() : Type(); }

/// A size, if it is static.
static std::optional<int64_t> getStatic(int64_t size) {
  return ShapedType::isDynamic(size) ? std::nullopt : std::optional(size);
}

// Names of the dimensions that the ops' descriptions use.
static constexpr StringRef kOutputDims[] = {"B", kHeadDim, "Sq", "Dv"};
static constexpr StringRef kHeadDims[] = {"B", kHeadDim};
static constexpr StringRef kKeyHeadDims[] = {"B", kKeyHeadDim};

/// Checks that no input is there, as `isThere` says, without the one that it comes with.
static LogicalResult verifyPartners(Operation *op,
                                    function_ref<bool(sprint_isa::MemoryRegion)> isThere) {
  std::optional<::sprint::MemoryRegion> alone =
      ::sprint::findWithoutPartner([&](::sprint::MemoryRegion region) {
        return isThere(static_cast<sprint_isa::MemoryRegion>(region));
      });
  if (!alone)
    return success();
  const ::sprint::LaunchTensor &input = ::sprint::inputOf(*alone);
  return op->emitOpError() << "expected '" << input.partner << "' beside '" << input.name
                           << "', got none";
}

/// Checks the floats of an attention, as far as there are any, and the tensor that is written.
template <typename OpTy> static LogicalResult verifyAttentionShapes(OpTy op) {
  SmallVector<NamedShape> shapes;
  for (auto [region, input] : llvm::enumerate(::sprint::launchInputs))
    shapes.emplace_back(input, typeOf(op.getInput(static_cast<sprint_isa::MemoryRegion>(region))));
  shapes.emplace_back("init", op.getInit().getType(), kOutputDims);
  if (failed(verifyPartners(op, [&](auto region) { return bool(op.getInput(region)); })))
    return failure();
  return verifyShapes(op, shapes);
}

/// Adds the operands of an op on floats that are not null, each a group of its own.
static void addOperands(OperationState &state, MutableArrayRef<int32_t> groupSizes,
                        ArrayRef<Value> required, ArrayRef<Value> optionalInputs, Value init) {
  SmallVector<Value> operands(required);
  llvm::append_range(operands, optionalInputs);
  operands.push_back(init);
  for (auto [operand, size] : llvm::zip_equal(operands, groupSizes)) {
    size = operand ? 1 : 0;
    if (operand)
      state.addOperands(operand);
  }
}

/// Checks what a query without an allowed key yields.
static LogicalResult verifyEmptyRow(Operation *op, EmptyRow emptyRow, FloatAttr maskedLogit) {
  if (!maskedLogit)
    return success();
  Type type = maskedLogit.getType();
  if (!isa<Float16Type, BFloat16Type, Float32Type>(type))
    return op->emitOpError() << "expected 'masked_logit' of f16, bf16 or f32, got " << type;
  // NaN is not negative.
  if (!(maskedLogit.getValueAsDouble() < 0))
    return op->emitOpError() << "expected a negative 'masked_logit', got " << maskedLogit;
  if (emptyRow == EmptyRow::Uniform)
    return op->emitOpError() << "expected 'empty_row' to be zero or nan beside 'masked_logit', got "
                             << stringifyEmptyRow(emptyRow);
  return success();
}

//===----------------------------------------------------------------------===//
// One attention
//===----------------------------------------------------------------------===//

void AttentionOp::build(OpBuilder & /*builder*/, OperationState &state, Type result, Value query,
                        Value key, Value value, ArrayRef<Value> optionalInputs, Value init,
                        FloatAttr scale, BandAttr band, EmptyRowAttr emptyRow,
                        DenseF32ArrayAttr thresholds, FloatAttr maskedLogit) {
  auto &properties = state.getOrAddProperties<Properties>();
  addOperands(state, properties.operandSegmentSizes, {query, key, value}, optionalInputs, init);
  properties.scale = scale;
  properties.band = band;
  properties.empty_row = emptyRow;
  properties.thresholds = thresholds;
  properties.masked_logit = maskedLogit;
  state.addTypes(result);
}

LogicalResult AttentionOp::verify() {
  if (getName() && getName()->empty())
    return emitOpError("expected a name of at least one character, got an empty one");
  if (failed(verifyAttentionShapes(*this)) || failed(verifyScale(*this, getScale())) ||
      failed(verifyEmptyRow(*this, getEmptyRow(), getMaskedLogitAttr())))
    return failure();
  std::optional<int64_t> heads;
  for (Value tensor : {getQuery(), getInit()})
    if (!heads)
      heads = getStatic(cast<ShapedType>(tensor.getType()).getDimSize(1));
  return verifyThresholds(*this, getThresholds(), heads);
}

//===----------------------------------------------------------------------===//
// Around the device
//===----------------------------------------------------------------------===//

LogicalResult QuantizeOp::verify() {
  static constexpr StringRef kDims[] = {"B", "H", "S", "D"};
  return verifyShapes(*this, {{"input", getInput().getType(), kDims},
                              {"codes", getCodes().getType(), kDims},
                              {"step", getStep().getType(), kHeadDims}});
}

LogicalResult QuantizeAtOp::verify() {
  static constexpr StringRef kDims[] = {"B", "H", "S", "D"};
  return verifyShapes(*this, {{"input", getInput().getType(), kDims},
                              {"step", getStep().getType(), kHeadDims},
                              {"codes", getCodes().getType(), kDims}});
}

LogicalResult QuantizeBiasOp::verify() {
  static constexpr StringRef kBiasDims[] = {"B", kHeadDim, "R", "Sk"};
  constexpr size_t numBroadcast = 2;
  if (failed(verifyShapes(*this, {{"query_step", getQueryStep().getType(), kHeadDims},
                                  {"key_step", getKeyStep().getType(), kKeyHeadDims},
                                  {"bias", getBias().getType(), kBiasDims, numBroadcast},
                                  {"codes", getCodes().getType(), kBiasDims}})))
    return failure();
  return verifyScale(*this, getScale());
}

LogicalResult ParametersOp::verify() {
  if (failed(verifyShapes(*this, {{"query_step", getQueryStep().getType(), kHeadDims},
                                  {"key_step", getKeyStep().getType(), kKeyHeadDims},
                                  {"threshold", getThreshold().getType(), kHeadDims},
                                  {"multiplier", getMultiplier().getType(), kHeadDims},
                                  {"shift", getShift().getType(), kHeadDims}})) ||
      failed(verifyScale(*this, getScale())))
    return failure();
  return verifyThresholds(*this, getThresholds(),
                          getStatic(cast<ShapedType>(getQueryStep().getType()).getDimSize(1)));
}

LogicalResult DequantizeOp::verify() {
  return verifyShapes(*this, {{"codes", getCodes().getType(), kOutputDims},
                              {"step", getStep().getType(), kKeyHeadDims},
                              {"init", getInit().getType(), kOutputDims}});
}

void FillEmptyRowsOp::build(OpBuilder & /*builder*/, OperationState &state, Type result,
                            Value query, Value key, Value value, ArrayRef<Value> optionalInputs,
                            Value init, BandAttr band, EmptyRowAttr emptyRow, FloatAttr scale,
                            FloatAttr maskedLogit) {
  auto &properties = state.getOrAddProperties<Properties>();
  addOperands(state, properties.operandSegmentSizes, {query, key, value}, optionalInputs, init);
  properties.band = band;
  properties.empty_row = emptyRow;
  properties.scale = scale;
  properties.masked_logit = maskedLogit;
  state.addTypes(result);
}

LogicalResult FillEmptyRowsOp::verify() {
  bool hasLogits = getMaskedLogitAttr() != nullptr;
  if (hasLogits != bool(getQuery()) || hasLogits != bool(getKey()) ||
      hasLogits != bool(getScaleAttr()))
    return emitOpError("expected query, key and 'scale' where there is a 'masked_logit', and only "
                       "there");
  if (failed(verifyAttentionShapes(*this)) ||
      failed(verifyEmptyRow(*this, getEmptyRow(), getMaskedLogitAttr())))
    return failure();
  return hasLogits ? verifyScale(*this, *getScale()) : success();
}

//===----------------------------------------------------------------------===//
// One attention of codes
//===----------------------------------------------------------------------===//

void AttendOp::build(OpBuilder & /*builder*/, OperationState &state, ArrayRef<Value> inputs,
                     Value init, Select select, BandAttr band, Nibble nibble, WidthsAttr widths) {
  auto &properties = state.getOrAddProperties<Properties>();
  addOperands(state, properties.operandSegmentSizes, inputs, {}, init);
  MLIRContext *context = init.getContext();
  properties.select = SelectAttr::get(context, select);
  properties.band = band;
  properties.nibble = NibbleAttr::get(context, nibble);
  properties.widths = widths;
  state.addTypes(init.getType());
}

LogicalResult AttendOp::verify() {
  SmallVector<NamedShape> shapes;
  for (unsigned value = 0; value <= getMaxEnumValForProgramInput(); ++value) {
    auto input = static_cast<ProgramInput>(value);
    shapes.emplace_back(getLaunchTensor(input), typeOf(getInput(input)));
  }
  shapes.emplace_back("init", getInit().getType(), kOutputDims);
  if (failed(verifyPartners(*this,
                            [&](auto region) { return bool(getInput(getProgramInput(region))); })))
    return failure();
  return verifyShapes(*this, shapes);
}

/// rows ::= `(` counters `)` `to` `(` expressions `)` `step` `(` integers `)`
///          (`outs` `(` (carried `=` init `:` type)* `)`)? `schedule` `(` schedule `)` region
ParseResult RowsOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> inits;
  SmallVector<Attribute> extents;
  SmallVector<int64_t> steps;
  SmallVector<Type> types;
  ScheduleAttr schedule;
  auto parseExtent = [&] {
    sprint_isa::ExprAttr extent;
    if (sprint_isa::parseExpression(parser, extent))
      return failure();
    extents.push_back(extent);
    return success();
  };
  auto parseCarried = [&] {
    return failure(parser.parseArgument(arguments.emplace_back()) || parser.parseEqual() ||
                   parser.parseOperand(inits.emplace_back()) ||
                   parser.parseColonType(arguments.back().type));
  };
  constexpr auto paren = OpAsmParser::Delimiter::Paren;
  if (parser.parseArgumentList(arguments, paren) || parser.parseKeyword("to") ||
      parser.parseCommaSeparatedList(paren, parseExtent) || parser.parseKeyword("step") ||
      parser.parseCommaSeparatedList(paren,
                                     [&] { return parser.parseInteger(steps.emplace_back()); }))
    return failure();
  for (OpAsmParser::Argument &counter : arguments)
    counter.type = builder.getIndexType();
  size_t counters = arguments.size();
  if (succeeded(parser.parseOptionalKeyword("outs")) &&
      parser.parseCommaSeparatedList(paren, parseCarried))
    return failure();
  for (const OpAsmParser::Argument &carried : ArrayRef(arguments).drop_front(counters))
    types.push_back(carried.type);
  if (parser.parseKeyword("schedule") || parser.parseLParen() ||
      parser.parseCustomAttributeWithFallback(schedule) || parser.parseRParen() ||
      parser.resolveOperands(inits, types, parser.getNameLoc(), result.operands) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
      parser.parseRegion(*result.addRegion(), arguments))
    return failure();
  ensureTerminator(*result.regions.front(), builder, result.location);
  result.addTypes(types);
  result.addAttribute(getExtentsAttrName(result.name), builder.getArrayAttr(extents));
  result.addAttribute(getStepsAttrName(result.name), builder.getDenseI64ArrayAttr(steps));
  result.addAttribute(getScheduleAttrName(result.name), schedule);
  return success();
}

void RowsOp::print(OpAsmPrinter &printer) {
  printer << " (";
  llvm::interleaveComma(getCounters(), printer);
  printer << ") to (";
  llvm::interleaveComma(getExtents().getAsRange<sprint_isa::ExprAttr>(), printer,
                        [&](auto extent) { sprint_isa::printExpression(printer, extent); });
  printer << ") step (";
  llvm::interleaveComma(getSteps(), printer);
  printer << ")";
  if (!getInits().empty()) {
    printer << " outs(";
    llvm::interleaveComma(llvm::zip_equal(getRegionIterArgs(), getInits()), printer,
                          [&](auto pair) {
                            auto [carried, init] = pair;
                            printer << carried << " = " << init << " : " << init.getType();
                          });
    printer << ")";
  }
  printer << " schedule(";
  printer.printStrippedAttrOrType(getSchedule());
  printer << ")";
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {getExtentsAttrName(), getStepsAttrName(), getScheduleAttrName()});
  printer << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false,
                      /*printBlockTerminators=*/!getInits().empty());
}

SmallVector<Region *> RowsOp::getLoopRegions() { return {&getBody()}; }

MutableArrayRef<OpOperand> RowsOp::getInitsMutable() { return getOutsMutable(); }

Block::BlockArgListType RowsOp::getRegionIterArgs() {
  return getBody().getArguments().drop_front(getSteps().size());
}

std::optional<MutableArrayRef<OpOperand>> RowsOp::getYieldedValuesMutable() {
  return cast<YieldOp>(getBody().front().getTerminator()).getOperandsMutable();
}

std::optional<ResultRange> RowsOp::getLoopResults() { return getResults(); }

LogicalResult RowsOp::verify() {
  if (getExtents().empty() || getExtents().size() != getSteps().size())
    return emitOpError() << "expected as many steps as extents and at least one, got "
                         << getSteps().size() << " and " << getExtents().size();
  for (int64_t step : getSteps())
    if (step < 1)
      return emitOpError() << "expected steps of at least 1, got " << step;
  for (auto extent : getExtents().getAsRange<sprint_isa::ExprAttr>())
    if (extent.getLoopDepth() != 0)
      return emitOpError() << "expected extents that read launch parameters alone, got " << extent;
  // The interface compares inits, carried tensors, what is yielded and results.
  SmallVector<Type> expected(getSteps().size(), IndexType::get(getContext()));
  llvm::append_range(expected, getInits().getTypes());
  if (!llvm::equal(getBody().front().getArgumentTypes(), expected))
    return emitOpError() << "expected its body to take " << getSteps().size()
                         << " counters, then tensors of the types of its inits";
  return success();
}

void YieldOp::build(OpBuilder & /*builder*/, OperationState & /*state*/) {}

LogicalResult YieldOp::verify() {
  if (!llvm::equal(getOperandTypes(), (*this)->getParentOp()->getResultTypes()))
    return emitOpError("expected operands of the types that 'sprint.rows' carries");
  return success();
}

//===----------------------------------------------------------------------===//
// A block of rows that share a key head
//===----------------------------------------------------------------------===//

static constexpr StringRef kBlockQueryDims[] = {"B", "D"};
static constexpr StringRef kBlockKeyDims[] = {"Sk", "D"};
static constexpr StringRef kBlockScoreDims[] = {"B", "Sk"};

LogicalResult CrossbarScoreOp::verify() {
  return verifyShapes(*this, {{"query", getQuery().getType(), kBlockQueryDims},
                              {"key", getKey().getType(), kBlockKeyDims},
                              {"init", getInit().getType(), kBlockScoreDims}});
}

/// Of masks and biases the first dimension may be 1: then all rows share them.
static constexpr size_t kRowBroadcast = 1;
static constexpr StringRef kRowDims[] = {"B"};
static constexpr StringRef kKeyDims[] = {"Sk"};

/// Checks what restricts a block's keys against `scores` or, where there are none, the result.
template <typename OpTy> static LogicalResult verifySelection(OpTy op, Type scores) {
  SmallVector<NamedShape> shapes = {{"scores", scores, kBlockScoreDims},
                                    {"kept", op.getKept().getType(), kBlockScoreDims},
                                    {"queries", op.getQueries().getType(), kRowDims},
                                    {"bias", typeOf(op.getBias()), kBlockScoreDims, kRowBroadcast},
                                    {"multiplier", typeOf(op.getMultiplier()), kRowDims},
                                    {"shift", typeOf(op.getShift()), kRowDims},
                                    {"query_segments", typeOf(op.getQuerySegments()), kRowDims},
                                    {"key_segments", typeOf(op.getKeySegments()), kKeyDims}};
  for (Value mask : op.getMasks())
    shapes.push_back({"a mask", mask.getType(), kBlockScoreDims, kRowBroadcast});
  bool hasBias = bool(op.getBias());
  if (hasBias != bool(op.getMultiplier()) || hasBias != bool(op.getShift()) ||
      hasBias != bool(op.getChannels()))
    return op.emitOpError(
        "expected multiplier, shift and channels where there is a bias, and only there");
  if (bool(op.getQuerySegments()) != bool(op.getKeySegments()))
    return op.emitOpError("expected segments of both queries and keys, or of neither");
  return verifyShapes(op, shapes);
}

LogicalResult PruneOp::verify() {
  if (failed(verifyShapes(*this, {{"scores", getScores().getType(), kBlockScoreDims},
                                  {"threshold", getThreshold().getType(), kRowDims}})))
    return failure();
  return verifySelection(*this, getScores().getType());
}

LogicalResult AllowOp::verify() {
  int64_t columns = cast<RankedTensorType>(getKept().getType()).getDimSize(1);
  APInt keys;
  if (!ShapedType::isDynamic(columns) && matchPattern(getKeys(), m_ConstantInt(&keys)) &&
      keys.getSExtValue() != columns)
    return emitOpError() << "expected keys to be " << columns << " as in the result, got "
                         << keys.getSExtValue();
  return verifySelection(*this, Type());
}

LogicalResult GatherOp::verify() {
  static constexpr StringRef kIndicesDims[] = {"N"};
  static constexpr StringRef kOwnersDims[] = {"B", "N"};
  return verifyShapes(*this, {{"kept", getKept().getType(), kBlockScoreDims},
                              {"indices", getIndices().getType(), kIndicesDims},
                              {"owners", getOwners().getType(), kOwnersDims}});
}

LogicalResult RecomputeOp::verify() {
  static constexpr StringRef kValueDims[] = {"Sk", "Dv"};
  static constexpr StringRef kIndicesDims[] = {"N"};
  static constexpr StringRef kOwnersDims[] = {"B", "N"};
  static constexpr StringRef kOutputDims[] = {"B", "Dv"};
  return verifyShapes(*this, {{"query", getQuery().getType(), kBlockQueryDims},
                              {"key", getKey().getType(), kBlockKeyDims},
                              {"value", getValue().getType(), kValueDims},
                              {"indices", getIndices().getType(), kIndicesDims},
                              {"owners", getOwners().getType(), kOwnersDims},
                              {"multiplier", getMultiplier().getType(), kRowDims},
                              {"shift", getShift().getType(), kRowDims},
                              {"bias", typeOf(getBias()), kBlockScoreDims, kRowBroadcast},
                              {"init", getInit().getType(), kOutputDims}});
}

//===----------------------------------------------------------------------===//
// Host and device
//===----------------------------------------------------------------------===//

/// Names of all arguments that programs may have, in their order.
static std::string allInputNames() {
  return llvm::join(
      llvm::map_range(
          llvm::seq(0u, getMaxEnumValForProgramInput() + 1),
          [](unsigned input) { return stringifyProgramInput(static_cast<ProgramInput>(input)); }),
      ", ");
}

/// The attribute that names the arguments of a program.
static ArrayAttr createInputNames(Builder &builder, ArrayRef<ProgramInput> inputs) {
  return builder.getArrayAttr(llvm::map_to_vector(inputs, [&](ProgramInput input) -> Attribute {
    return ProgramInputAttr::get(builder.getContext(), input);
  }));
}

void ProgramOp::build(OpBuilder &builder, OperationState &state, StringRef name, FunctionType type,
                      ArrayRef<ProgramInput> inputs, FloatAttr scale,
                      DenseF32ArrayAttr thresholds) {
  auto &properties = state.getOrAddProperties<Properties>();
  properties.sym_name = builder.getStringAttr(name);
  properties.function_type = TypeAttr::get(type);
  properties.input_names = createInputNames(builder, inputs);
  properties.scale = scale;
  properties.thresholds = thresholds;
  state.addRegion();
}

/// program ::= `sprint.program` symbol-name `(` (argument (`,` argument)*)? `)` (`->` types)?
///             `scale` `(` scale `)` (`thresholds` `(` thresholds `)`)? `resident_cache`?
///             (`attributes` attr-dict)? region
/// argument ::= keyword ssa-id `:` type attr-dict?
ParseResult ProgramOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  auto &properties = result.getOrAddProperties<Properties>();
  SmallVector<ProgramInput> inputs;
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<Type> results;
  auto parseArgument = [&]() -> ParseResult {
    SMLoc loc = parser.getCurrentLocation();
    StringRef keyword;
    if (failed(parser.parseOptionalKeyword(&keyword)) || !symbolizeProgramInput(keyword))
      return parser.emitError(loc) << "expected the name of an argument, one of " << allInputNames()
                                   << (keyword.empty() ? "" : ", got '" + keyword + "'");
    inputs.push_back(*symbolizeProgramInput(keyword));
    return parser.parseArgument(arguments.emplace_back(), /*allowType=*/true, /*allowAttrs=*/true);
  };
  if (parser.parseSymbolName(properties.sym_name) ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, parseArgument) ||
      parser.parseOptionalArrowTypeList(results) || parser.parseKeyword("scale") ||
      parser.parseLParen() || parseScale(parser, properties.scale) || parser.parseRParen())
    return failure();
  if (succeeded(parser.parseOptionalKeyword("thresholds")) &&
      (parser.parseLParen() || parseThresholds(parser, properties.thresholds) ||
       parser.parseRParen()))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("resident_cache")))
    properties.resident_cache = builder.getUnitAttr();
  auto types = llvm::map_to_vector(arguments, [](const auto &argument) { return argument.type; });
  properties.function_type = TypeAttr::get(builder.getFunctionType(types, results));
  properties.input_names = createInputNames(builder, inputs);
  call_interface_impl::addArgAndResultAttrs(builder, result, arguments, /*resultAttrs=*/{},
                                            getArgAttrsAttrName(result.name),
                                            getResAttrsAttrName(result.name));
  return failure(parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
                 parser.parseRegion(*result.addRegion(), arguments));
}

void ProgramOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  printer << '(';
  llvm::interleaveComma(getInputNames().getAsRange<ProgramInputAttr>(), printer,
                        [&, index = 0u](ProgramInputAttr input) mutable {
                          printer << stringifyProgramInput(input.getValue()) << ' ';
                          printer.printRegionArgument(
                              getArgument(index),
                              function_interface_impl::getArgAttrs(*this, index));
                          ++index;
                        });
  printer << ')';
  printer.printOptionalArrowTypeList(getResultTypes());
  printer << " scale(";
  printScale(printer, *this, getScaleAttr());
  printer << ')';
  if (DenseF32ArrayAttr thresholds = getThresholdsAttr()) {
    printer << " thresholds(";
    printThresholds(printer, *this, thresholds);
    printer << ')';
  }
  if (getResidentCache())
    printer << " resident_cache";
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {getSymNameAttrName(), getFunctionTypeAttrName(), getArgAttrsAttrName(),
                            getInputNamesAttrName(), getScaleAttrName(), getThresholdsAttrName(),
                            getResidentCacheAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

void ProgramOp::getAsmBlockArgumentNames(Region & /*region*/, OpAsmSetValueNameFn setName) {
  for (auto [input, argument] :
       llvm::zip(getInputNames().getAsRange<ProgramInputAttr>(), getBody().getArguments()))
    setName(argument, stringifyProgramInput(input.getValue()));
}

std::optional<unsigned> ProgramOp::getArgumentIndex(ProgramInput input) {
  for (auto [index, name] : llvm::enumerate(getInputNames().getAsRange<ProgramInputAttr>()))
    if (name.getValue() == input)
      return index;
  return std::nullopt;
}

RankedTensorType ProgramOp::getArgumentType(ProgramInput input) {
  std::optional<unsigned> index = getArgumentIndex(input);
  return index ? cast<RankedTensorType>(getFunctionType().getInput(*index)) : RankedTensorType();
}

ProgramInput ProgramOp::getInput(BlockArgument argument) {
  return cast<ProgramInputAttr>(getInputNames()[argument.getArgNumber()]).getValue();
}

int64_t mlir::sprint::getSizeOf(ProgramOp program, ::sprint::Dimension dimension) {
  for (auto [name, type] : llvm::zip_equal(program.getInputNames().getAsRange<ProgramInputAttr>(),
                                           program.getFunctionType().getInputs()))
    for (auto [index, other] : llvm::enumerate(getLaunchTensor(name.getValue()).dimensions)) {
      int64_t size = cast<RankedTensorType>(type).getDimSize(index);
      if (other.dimension == dimension && !other.mayBeOne && !ShapedType::isDynamic(size))
        return size;
    }
  return ShapedType::kDynamic;
}

BlockArgument ProgramOp::getArgument(ProgramInput input) {
  std::optional<unsigned> index = getArgumentIndex(input);
  return index ? getBody().getArgument(*index) : BlockArgument();
}

/// Checks that `type` is a tensor of the given rank and type of elements.
static LogicalResult verifySignatureType(ProgramOp program, StringRef name, Type type, int64_t rank,
                                         Type elementType) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (tensor && tensor.getRank() == rank && tensor.getElementType() == elementType)
    return success();
  return program.emitOpError() << "expected " << name << " to be a tensor of rank " << rank
                               << " of " << elementType << ", got " << type;
}

/// Checks the names of the arguments and of which types these are, and that there is one result.
static LogicalResult verifySignature(ProgramOp program) {
  FunctionType type = program.getFunctionType();
  auto names = program.getInputNames().getAsRange<ProgramInputAttr>();
  if (program.getInputNames().size() != type.getNumInputs())
    return program.emitOpError() << "expected " << type.getNumInputs()
                                 << " names of arguments, got " << program.getInputNames().size();
  std::optional<ProgramInput> previous;
  for (auto [name, argument] : llvm::zip_equal(names, type.getInputs())) {
    ProgramInput input = name.getValue();
    if (previous && *previous >= input)
      return program.emitOpError()
             << "expected arguments in the order " << allInputNames() << ", each once, got "
             << stringifyProgramInput(input) << " behind " << stringifyProgramInput(*previous);
    previous = input;
    const ::sprint::LaunchTensor &tensor = getLaunchTensor(input);
    if (failed(verifySignatureType(program, tensor.name, argument, tensor.dimensions.size(),
                                   getElementType(program.getContext(), tensor.deviceElement))))
      return failure();
  }
  for (unsigned value = 0; value <= getMaxEnumValForProgramInput(); ++value) {
    auto input = static_cast<ProgramInput>(value);
    if (!getLaunchTensor(input).isOptional && !program.getArgumentIndex(input))
      return program.emitOpError()
             << "expected an argument '" << stringifyProgramInput(input) << "', got none";
  }
  if (failed(verifyPartners(program, [&](auto region) {
        return program.getArgumentIndex(getProgramInput(region)).has_value();
      })))
    return failure();
  if (type.getNumResults() != 1)
    return program.emitOpError() << "expected 1 result (the output codes), got "
                                 << type.getNumResults();
  return verifySignatureType(program, "the result", type.getResult(0), 4,
                             IntegerType::get(program.getContext(), 32));
}

LogicalResult ProgramOp::verify() {
  if (failed(verifySignature(*this)))
    return failure();
  SmallVector<NamedShape> shapes;
  for (auto [name, type] : llvm::zip_equal(getInputNames().getAsRange<ProgramInputAttr>(),
                                           getFunctionType().getInputs()))
    shapes.emplace_back(getLaunchTensor(name.getValue()), type);
  shapes.emplace_back("the result", getResultTypes().front(), kOutputDims);
  if (failed(verifyShapes(*this, shapes)))
    return failure();
  if (getBody().empty())
    return emitOpError("expected a body");
  if (failed(verifyScale(*this, getScale())))
    return failure();
  return verifyThresholds(*this, getThresholds(),
                          getStatic(getArgumentType(ProgramInput::Query).getDimSize(1)));
}

LogicalResult ReturnOp::verify() {
  auto program = cast<ProgramOp>((*this)->getParentOp());
  ArrayRef<Type> expected = program.getResultTypes();
  // Commands store the outputs themselves.
  if (getNumOperands() == 0 && !program.getBody().getOps<sprint_isa::ProgramOp>().empty())
    return success();
  if (getNumOperands() != expected.size())
    return emitOpError() << "expected " << expected.size() << " operands as @"
                         << program.getSymName() << " has results, got " << getNumOperands();
  for (auto [index, type, operand] : llvm::enumerate(expected, getOperandTypes()))
    if (type != operand)
      return emitOpError() << "expected operand " << index << " of type " << type << " as @"
                           << program.getSymName() << " returns, got " << operand;
  return success();
}

void LaunchOp::build(OpBuilder & /*builder*/, OperationState &state, Type result,
                     FlatSymbolRefAttr program, Value query, Value key, Value value,
                     ArrayRef<Value> optionalInputs, Value init) {
  auto &properties = state.getOrAddProperties<Properties>();
  addOperands(state, properties.operandSegmentSizes, {query, key, value}, optionalInputs, init);
  properties.program = program;
  state.addTypes(result);
}

LogicalResult LaunchOp::verify() { return verifyAttentionShapes(*this); }

/// Checks that `launch` brings the optional input `region` exactly where the program takes it.
template <typename OpTy>
static LogicalResult verifyOptionalInput(OpTy launch, sprint_isa::MemoryRegion region,
                                         bool isTaken) {
  bool isThere = static_cast<bool>(launch.getInput(region));
  if (isThere == isTaken)
    return success();
  return launch.emitOpError() << "expected " << (isTaken ? "" : "no ") << "operand "
                              << stringifyMemoryRegion(region) << " as @" << launch.getProgram()
                              << " takes " << (isTaken ? "it" : "none") << ", got "
                              << (isThere ? "one" : "none");
}

/// Checks that `operand` of `launch` has a shape that agrees with `expected` of the program.
/// `mayBeOne` says of which dimensions the operand may have a 1 for the program's size.
template <typename OpTy>
static LogicalResult verifyShape(OpTy launch, StringRef name, Value operand, Type expected,
                                 ArrayRef<bool> mayBeOne) {
  auto type = dyn_cast<ShapedType>(expected);
  SmallVector<int64_t> shape(cast<ShapedType>(operand.getType()).getShape());
  for (auto [size, isBroadcast] : llvm::zip(shape, mayBeOne))
    if (isBroadcast && size == 1)
      size = ShapedType::kDynamic;
  if (type && succeeded(verifyCompatibleShape(type.getShape(), shape)))
    return success();
  return launch.emitOpError() << "expected the shape of " << name << " to agree with " << expected
                              << " of @" << launch.getProgram() << ", got " << operand.getType();
}

/// Checks that `program` takes a cache exactly where `launch` brings one.
template <typename OpTy, typename Program>
static LogicalResult verifyCache(OpTy launch, Program program) {
  constexpr bool kBringsCache = std::is_same_v<OpTy, CachedLaunchOp>;
  if (program.getResidentCache() == kBringsCache)
    return success();
  return launch.emitOpError() << "expected a program " << (kBringsCache ? "with" : "without")
                              << " 'resident_cache', got @" << launch.getProgram();
}

/// Checks that the program of `launch` is there and takes what it brings.
template <typename OpTy>
static LogicalResult verifyProgram(OpTy launch, SymbolTableCollection &symbolTable) {
  Operation *symbol = symbolTable.lookupNearestSymbolFrom(launch, launch.getProgramAttr());
  if (!symbol)
    return launch.emitOpError() << "expected a program named @" << launch.getProgram()
                                << ", got none";
  if (auto program = dyn_cast<sprint_isa::ProgramOp>(symbol)) {
    for (sprint_isa::MemoryRegion region : getOptionalRegions()) {
      auto attribute = sprint_isa::MemoryRegionAttr::get(launch.getContext(), region);
      std::optional<ArrayAttr> inputs = program.getInputs();
      if (failed(verifyOptionalInput(launch, region,
                                     inputs && llvm::is_contained(*inputs, attribute))))
        return failure();
    }
    return verifyCache(launch, program);
  }
  auto program = dyn_cast<ProgramOp>(symbol);
  if (!program)
    return launch.emitOpError() << "expected @" << launch.getProgram()
                                << " to be a sprint.program or a sprint_isa.program, got "
                                << symbol->getName();

  // Symbols may be visited before the program itself is verified.
  if (failed(verifySignature(program)) || failed(verifyCache(launch, program)))
    return failure();
  for (auto [index, input] : llvm::enumerate(::sprint::launchInputs)) {
    auto region = static_cast<sprint_isa::MemoryRegion>(index);
    RankedTensorType type = program.getArgumentType(getProgramInput(region));
    if (failed(verifyOptionalInput(launch, region, static_cast<bool>(type))))
      return failure();
    if (!type)
      continue;
    // Codes are made for each batch element and head, as their steps differ.
    bool hasSteps = input.hostElement != input.deviceElement;
    auto mayBeOne =
        llvm::map_to_vector(input.dimensions, [&](const ::sprint::TensorDimension &dimension) {
          return hasSteps && dimension.mayBeOne && dimension.dimension != ::sprint::Dimension::Sq;
        });
    // The program has the keys of the cache beside those that come.
    if (program.getResidentCache() && !input.isOptional) {
      SmallVector<int64_t> shape(type.getShape());
      for (auto [size, dimension] : llvm::zip_equal(shape, input.dimensions))
        if (dimension.dimension == ::sprint::Dimension::Sk)
          size = ShapedType::kDynamic;
      type = type.clone(shape);
    }
    if (failed(verifyShape(launch, input.name, launch.getInput(region), type, mayBeOne)))
      return failure();
  }
  Value output;
  if constexpr (std::is_same_v<OpTy, LaunchOp>)
    output = launch.getInit();
  else
    output = launch.getResult();
  return verifyShape(launch, std::is_same_v<OpTy, LaunchOp> ? "init" : "the result", output,
                     program.getResultTypes().front(), {});
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  return verifyProgram(*this, symbolTable);
}

//===----------------------------------------------------------------------===//
// Caches
//===----------------------------------------------------------------------===//

/// The sizes of a cache, which the operands beside it have, too.
static NamedShape sizesOf(CacheType cache) {
  static constexpr StringRef kDims[] = {"B", kHeadDim, kKeyHeadDim, "D", "Dv"};
  return {"the cache",
          RankedTensorType::get({cache.getBatches(), cache.getHeads(), cache.getKeyHeads(),
                                 cache.getHeadDim(), cache.getValueDim()},
                                IntegerType::get(cache.getContext(), 8)),
          kDims};
}

LogicalResult CreateCacheOp::verify() {
  return verifyShapes(*this, {sizesOf(getCache().getType()),
                              {"query_step", getQueryStep().getType(), kHeadDims},
                              {"key_step", getKeyStep().getType(), kKeyHeadDims},
                              {"value_step", getValueStep().getType(), kKeyHeadDims}});
}

LogicalResult CachedLaunchOp::verify() {
  SmallVector<NamedShape> shapes = {sizesOf(getCache().getType())};
  for (auto [region, input] : llvm::enumerate(::sprint::launchInputs)) {
    NamedShape &shape =
        shapes.emplace_back(input, typeOf(getInput(static_cast<sprint_isa::MemoryRegion>(region))));
    for (StringRef &dimension : shape.dimensions)
      if (!input.isOptional && dimension == "Sk")
        dimension = "Sn";
  }
  shapes.emplace_back("the result", getResult().getType(), kOutputDims);
  if (failed(verifyPartners(*this, [&](auto region) { return bool(getInput(region)); })))
    return failure();
  return verifyShapes(*this, shapes);
}

LogicalResult CachedLaunchOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  return verifyProgram(*this, symbolTable);
}
