//===- SprintOps.cpp - Verifiers and assembly of the Sprint ops -----------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Dialect/SprintISA/IR/LogitParameters.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::sprint;

using sprint_isa::parseScale;
using sprint_isa::parseThresholds;
using sprint_isa::printScale;
using sprint_isa::printThresholds;
using sprint_isa::verifyScale;
using sprint_isa::verifyThresholds;

/// nibble ::= `centred` | `truncated`
static ParseResult parseNibble(OpAsmParser &parser, NibbleAttr &nibble) {
  nibble = llvm::dyn_cast_or_null<NibbleAttr>(NibbleAttr::parse(parser, Type()));
  return success(static_cast<bool>(nibble));
}

/// Without the space that the generated printer puts in front.
static void printNibble(OpAsmPrinter &printer, Operation * /*op*/, NibbleAttr nibble) {
  printer << stringifyNibble(nibble.getValue());
}

/// empty_row ::= `zero` | `uniform` | `nan`
static ParseResult parseEmptyRow(OpAsmParser &parser, EmptyRowAttr &emptyRow) {
  emptyRow = llvm::dyn_cast_or_null<EmptyRowAttr>(EmptyRowAttr::parse(parser, Type()));
  return success(static_cast<bool>(emptyRow));
}

static void printEmptyRow(OpAsmPrinter &printer, Operation * /*op*/, EmptyRowAttr emptyRow) {
  printer << stringifyEmptyRow(emptyRow.getValue());
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
  StringRef name;
  Type type;
  ArrayRef<StringRef> dimensions;
  /// Of the first so many dimensions, each may be 1 instead.
  size_t numBroadcast = 0;
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
      bool mayBroadcast = index < shape.numBroadcast;
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
static constexpr StringRef kQueryDims[] = {"B", kHeadDim, "Sq", "D"};
static constexpr StringRef kKeyDims[] = {"B", kKeyHeadDim, "Sk", "D"};
static constexpr StringRef kValueDims[] = {"B", kKeyHeadDim, "Sk", "Dv"};
static constexpr StringRef kKeyValidDims[] = {"B", "Sk"};
static constexpr StringRef kScoreDims[] = {"B", kHeadDim, "Sq", "Sk"};
static constexpr StringRef kOutputDims[] = {"B", kHeadDim, "Sq", "Dv"};
static constexpr StringRef kHeadDims[] = {"B", kHeadDim};
static constexpr StringRef kKeyHeadDims[] = {"B", kKeyHeadDim};

/// Dimensions of a mask or a bias that may be 1: all but the keys'.
static constexpr size_t kMaskBroadcast = 3;

/// Checks the floats of an attention and what goes with them.
template <typename OpTy> static LogicalResult verifyAttentionShapes(OpTy op) {
  return verifyShapes(op, {{"query", op.getQuery().getType(), kQueryDims},
                           {"key", op.getKey().getType(), kKeyDims},
                           {"value", op.getValue().getType(), kValueDims},
                           {"init", op.getInit().getType(), kOutputDims},
                           {"key_valid", typeOf(op.getKeyValid()), kKeyValidDims},
                           {"mask", typeOf(op.getMask()), kScoreDims, kMaskBroadcast},
                           {"bias", typeOf(op.getBias()), kScoreDims, kMaskBroadcast}});
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

LogicalResult FillEmptyRowsOp::verify() {
  bool hasLogits = getMaskedLogitAttr() != nullptr;
  if (hasLogits != bool(getQuery()) || hasLogits != bool(getKey()) ||
      hasLogits != bool(getScaleAttr()))
    return emitOpError("expected query, key and 'scale' where there is a 'masked_logit', and only "
                       "there");
  if (failed(verifyShapes(*this, {{"query", typeOf(getQuery()), kQueryDims},
                                  {"key", typeOf(getKey()), kKeyDims},
                                  {"value", getValue().getType(), kValueDims},
                                  {"init", getInit().getType(), kOutputDims},
                                  {"key_valid", typeOf(getKeyValid()), kKeyValidDims},
                                  {"mask", typeOf(getMask()), kScoreDims, kMaskBroadcast},
                                  {"bias", typeOf(getBias()), kScoreDims, kMaskBroadcast}})) ||
      failed(verifyEmptyRow(*this, getEmptyRow(), getMaskedLogitAttr())))
    return failure();
  return hasLogits ? verifyScale(*this, *getScale()) : success();
}

//===----------------------------------------------------------------------===//
// A block of queries of one head
//===----------------------------------------------------------------------===//

static constexpr StringRef kBlockQueryDims[] = {"B", "D"};
static constexpr StringRef kBlockKeyDims[] = {"Sk", "D"};
static constexpr StringRef kBlockScoreDims[] = {"B", "Sk"};

LogicalResult CrossbarScoreOp::verify() {
  return verifyShapes(*this, {{"query", getQuery().getType(), kBlockQueryDims},
                              {"key", getKey().getType(), kBlockKeyDims},
                              {"init", getInit().getType(), kBlockScoreDims}});
}

/// Checks what restricts a block's keys against `scores` or, where there are none, the result.
template <typename OpTy> static LogicalResult verifySelection(OpTy op, Type scores) {
  SmallVector<NamedShape> shapes = {{"scores", scores, kBlockScoreDims},
                                    {"kept", op.getKept().getType(), kBlockScoreDims},
                                    {"bias", typeOf(op.getBias()), kBlockScoreDims}};
  for (Value mask : op.getMasks())
    shapes.push_back({"a mask", mask.getType(), kBlockScoreDims});
  bool hasBias = bool(op.getBias());
  if (hasBias != bool(op.getMultiplier()) || hasBias != bool(op.getShift()) ||
      hasBias != bool(op.getChannels()))
    return op.emitOpError(
        "expected multiplier, shift and channels where there is a bias, and only there");
  return verifyShapes(op, shapes);
}

LogicalResult PruneOp::verify() { return verifySelection(*this, getScores().getType()); }

LogicalResult AllowOp::verify() {
  auto type = cast<RankedTensorType>(getKept().getType());
  for (auto [dim, name, size] : {std::tuple(0, "rows", getRows()), {1, "keys", getKeys()}}) {
    APInt value;
    if (type.isDynamicDim(dim) || !matchPattern(size, m_ConstantInt(&value)))
      continue;
    if (value.getSExtValue() != type.getDimSize(dim))
      return emitOpError() << "expected " << name << " to be " << type.getDimSize(dim)
                           << " as in the result, got " << value.getSExtValue();
  }
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
  if (getCorelets() && *getCorelets() < 1)
    return emitOpError() << "expected 'corelets' to be at least 1, got " << *getCorelets();
  return verifyShapes(*this, {{"query", getQuery().getType(), kBlockQueryDims},
                              {"key", getKey().getType(), kBlockKeyDims},
                              {"value", getValue().getType(), kValueDims},
                              {"indices", getIndices().getType(), kIndicesDims},
                              {"owners", getOwners().getType(), kOwnersDims},
                              {"bias", typeOf(getBias()), kBlockScoreDims},
                              {"init", getInit().getType(), kOutputDims}});
}

//===----------------------------------------------------------------------===//
// Host and device
//===----------------------------------------------------------------------===//

ParseResult ProgramOp::parse(OpAsmParser &parser, OperationState &result) {
  auto buildType = [](Builder &builder, ArrayRef<Type> arguments, ArrayRef<Type> results,
                      function_interface_impl::VariadicFlag,
                      std::string &) { return builder.getFunctionType(arguments, results); };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false, getFunctionTypeAttrName(result.name), buildType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void ProgramOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(printer, *this, /*isVariadic=*/false,
                                           getFunctionTypeAttrName(), getArgAttrsAttrName(),
                                           getResAttrsAttrName());
}

/// Arguments that every program has: codes and head parameters.
static constexpr unsigned kNumProgramArguments = 6;

static bool isTensorOf(Type type, int64_t rank, unsigned width) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == rank && tensor.getElementType().isSignlessInteger(width);
}

/// The optional argument of `program` that is a tensor of the given rank and element width.
static std::optional<unsigned> findArgument(ProgramOp program, int64_t rank, unsigned width) {
  ArrayRef<Type> inputs = program.getFunctionType().getInputs();
  for (unsigned index = kNumProgramArguments; index < inputs.size(); ++index)
    if (isTensorOf(inputs[index], rank, width))
      return index;
  return std::nullopt;
}

std::optional<unsigned> ProgramOp::getKeyValidIndex() { return findArgument(*this, 2, 1); }
std::optional<unsigned> ProgramOp::getMaskIndex() { return findArgument(*this, 4, 1); }
std::optional<unsigned> ProgramOp::getBiasIndex() { return findArgument(*this, 4, 32); }

/// Checks that `type` is a tensor of the given rank and element width.
static LogicalResult verifySignatureType(ProgramOp program, StringRef name, Type type, int64_t rank,
                                         unsigned width) {
  if (isTensorOf(type, rank, width))
    return success();
  return program.emitOpError() << "expected " << name << " to be a tensor of rank " << rank
                               << " of i" << width << ", got " << type;
}

/// Checks that what follows the required arguments is key_valid, mask and bias, as far as there
/// are any.
static LogicalResult verifyOptionalArguments(ProgramOp program) {
  ArrayRef<Type> inputs = program.getFunctionType().getInputs();
  unsigned next = kNumProgramArguments;
  for (std::optional<unsigned> index :
       {program.getKeyValidIndex(), program.getMaskIndex(), program.getBiasIndex()})
    if (index == next)
      ++next;
  if (next == inputs.size())
    return success();
  return program.emitOpError()
         << "expected argument " << next
         << " to be, each at most once and in this order, key_valid "
            "(rank 2 of i1), mask (rank 4 of i1) or bias (rank 4 of i32), got "
         << inputs[next];
}

/// Type of an optional argument; none where the program does not take it.
static Type typeOf(ProgramOp program, std::optional<unsigned> argument) {
  return argument ? program.getFunctionType().getInput(*argument) : Type();
}

LogicalResult ProgramOp::verify() {
  FunctionType type = getFunctionType();
  if (type.getNumInputs() < kNumProgramArguments)
    return emitOpError() << "expected at least 6 arguments (query, key, value, threshold, "
                            "multiplier, shift), got "
                         << type.getNumInputs();
  if (type.getNumResults() != 1)
    return emitOpError() << "expected 1 result (the output codes), got " << type.getNumResults();
  if (failed(verifySignatureType(*this, "query", type.getInput(0), 4, 8)) ||
      failed(verifySignatureType(*this, "key", type.getInput(1), 4, 8)) ||
      failed(verifySignatureType(*this, "value", type.getInput(2), 4, 8)) ||
      failed(verifySignatureType(*this, "threshold", type.getInput(3), 2, 32)) ||
      failed(verifySignatureType(*this, "multiplier", type.getInput(4), 2, 64)) ||
      failed(verifySignatureType(*this, "shift", type.getInput(5), 2, 64)) ||
      failed(verifySignatureType(*this, "the result", type.getResult(0), 4, 32)) ||
      failed(verifyOptionalArguments(*this)) ||
      failed(verifyShapes(*this,
                          {{"query", type.getInput(0), kQueryDims},
                           {"key", type.getInput(1), kKeyDims},
                           {"value", type.getInput(2), kValueDims},
                           {"threshold", type.getInput(3), kHeadDims},
                           {"multiplier", type.getInput(4), kHeadDims},
                           {"shift", type.getInput(5), kHeadDims},
                           {"the result", type.getResult(0), kOutputDims},
                           {"key_valid", typeOf(*this, getKeyValidIndex()), kKeyValidDims},
                           {"mask", typeOf(*this, getMaskIndex()), kScoreDims, kMaskBroadcast},
                           {"bias", typeOf(*this, getBiasIndex()), kScoreDims, kMaskBroadcast}})))
    return failure();
  if (getBody().empty())
    return emitOpError("expected a body");
  if (failed(verifyScale(*this, getScale())))
    return failure();
  return verifyThresholds(*this, getThresholds(),
                          getStatic(cast<ShapedType>(type.getInput(0)).getDimSize(1)));
}

LogicalResult ReturnOp::verify() {
  auto program = cast<ProgramOp>((*this)->getParentOp());
  ArrayRef<Type> expected = program.getResultTypes();
  if (getNumOperands() != expected.size())
    return emitOpError() << "expected " << expected.size() << " operands as @"
                         << program.getSymName() << " has results, got " << getNumOperands();
  for (auto [index, type, operand] : llvm::enumerate(expected, getOperandTypes()))
    if (type != operand)
      return emitOpError() << "expected operand " << index << " of type " << type << " as @"
                           << program.getSymName() << " returns, got " << operand;
  return success();
}

LogicalResult LaunchOp::verify() { return verifyAttentionShapes(*this); }

/// Checks that `launch` brings the optional operand `name` exactly where the program takes it.
static LogicalResult verifyOptionalOperand(LaunchOp launch, StringRef name, Value operand,
                                           bool isTaken) {
  if (static_cast<bool>(operand) == isTaken)
    return success();
  return launch.emitOpError() << "expected " << (isTaken ? "" : "no ") << "operand " << name
                              << " as @" << launch.getProgram() << " takes "
                              << (isTaken ? "it" : "none") << ", got "
                              << (operand ? "one" : "none");
}

/// Checks the optional operands of `launch` against the tensors that `program` names.
static LogicalResult verifyInputs(LaunchOp launch, sprint_isa::ProgramOp program) {
  using sprint_isa::MemoryRegion;
  auto takes = [&](MemoryRegion region) {
    return program.getInputs() && llvm::any_of(*program.getInputs(), [&](Attribute input) {
             return cast<sprint_isa::MemoryRegionAttr>(input).getValue() == region;
           });
  };
  return success(succeeded(verifyOptionalOperand(launch, "key_valid", launch.getKeyValid(),
                                                 takes(MemoryRegion::KeyValid))) &&
                 succeeded(verifyOptionalOperand(launch, "mask", launch.getMask(),
                                                 takes(MemoryRegion::Mask))) &&
                 succeeded(verifyOptionalOperand(launch, "bias", launch.getBias(),
                                                 takes(MemoryRegion::Bias))));
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  Operation *symbol = symbolTable.lookupNearestSymbolFrom(*this, getProgramAttr());
  if (!symbol)
    return emitOpError() << "expected a program named @" << getProgram() << ", got none";
  if (auto program = dyn_cast<sprint_isa::ProgramOp>(symbol))
    return verifyInputs(*this, program);
  auto program = dyn_cast<ProgramOp>(symbol);
  if (!program)
    return emitOpError() << "expected @" << getProgram()
                         << " to be a sprint.program or a sprint_isa.program, got "
                         << symbol->getName();

  // Symbols may be visited before the program itself is verified.
  FunctionType signature = program.getFunctionType();
  if (signature.getNumInputs() < kNumProgramArguments || signature.getNumResults() != 1)
    return emitOpError() << "expected @" << getProgram()
                         << " to have at least 6 arguments and 1 result, got " << signature;
  struct Pair {
    StringRef name;
    Value operand;
    Type type;
    bool isOptional = false;
    /// Dimensions that may be 1 in the launch alone.
    int64_t numBroadcast = 0;
  };
  for (const Pair &pair :
       {Pair{"query", getQuery(), signature.getInput(0)},
        Pair{"key", getKey(), signature.getInput(1)},
        Pair{"value", getValue(), signature.getInput(2)},
        Pair{"init", getInit(), signature.getResult(0)},
        Pair{"key_valid", getKeyValid(), typeOf(program, program.getKeyValidIndex()), true},
        Pair{"mask", getMask(), typeOf(program, program.getMaskIndex()), true},
        // Codes are made for each batch and head.
        Pair{"bias", getBias(), typeOf(program, program.getBiasIndex()), true, 2}}) {
    if (pair.isOptional &&
        failed(verifyOptionalOperand(*this, pair.name, pair.operand, bool(pair.type))))
      return failure();
    if (!pair.operand)
      continue;
    auto type = dyn_cast<ShapedType>(pair.type);
    SmallVector<int64_t> shape(cast<ShapedType>(pair.operand.getType()).getShape());
    for (int64_t &size : MutableArrayRef(shape).take_front(pair.numBroadcast))
      if (size == 1)
        size = ShapedType::kDynamic;
    if (!type || failed(verifyCompatibleShape(type.getShape(), shape)))
      return emitOpError() << "expected the shape of " << pair.name << " to agree with "
                           << pair.type << " of @" << getProgram() << ", got "
                           << pair.operand.getType();
  }
  return success();
}
