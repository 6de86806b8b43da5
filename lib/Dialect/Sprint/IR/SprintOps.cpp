//===- SprintOps.cpp - Verifiers and assembly of the Sprint ops -----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpSupport.h"
#include "Sprint/Dialect/SprintISA/IR/Expressions.h"
#include "Sprint/Dialect/SprintISA/IR/LogitParameters.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/StringExtras.h"

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

#define GET_OP_CLASSES
#include "Sprint/Dialect/Sprint/IR/SprintOps.cpp.inc"

//===----------------------------------------------------------------------===//
// One attention
//===----------------------------------------------------------------------===//

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
