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
};
} // namespace

/// Checks ranks, and that dimensions of the same name agree; a dynamic dimension agrees with any.
static LogicalResult verifyShapes(Operation *op, ArrayRef<NamedShape> shapes) {
  struct Known {
    int64_t size;
    StringRef tensor;
  };
  llvm::StringMap<Known> known;
  for (const NamedShape &shape : shapes) {
    ArrayRef<int64_t> sizes = cast<ShapedType>(shape.type).getShape();
    for (auto [index, size, dimension] : llvm::enumerate(sizes, shape.dimensions)) {
      if (ShapedType::isDynamic(size))
        continue;
      auto [it, inserted] = known.try_emplace(dimension, Known{size, shape.name});
      if (!inserted && it->second.size != size)
        return op->emitOpError() << "expected dimension " << index << " (" << dimension << ") of "
                                 << shape.name << " to be " << it->second.size << " as in "
                                 << it->second.tensor << ", got " << size;
    }
  }
  return success();
}

/// A size, if it is static.
static std::optional<int64_t> getStatic(int64_t size) {
  return ShapedType::isDynamic(size) ? std::nullopt : std::optional(size);
}

// Names of the dimensions that the ops' descriptions use.
static constexpr StringRef kQueryDims[] = {"B", "H", "Sq", "D"};
static constexpr StringRef kKeyDims[] = {"B", "H", "Sk", "D"};
static constexpr StringRef kValueDims[] = {"B", "H", "Sk", "Dv"};
static constexpr StringRef kOutputDims[] = {"B", "H", "Sq", "Dv"};
static constexpr StringRef kHeadDims[] = {"B", "H"};

//===----------------------------------------------------------------------===//
// One attention
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::verify() {
  if (failed(verifyShapes(*this, {{"query", getQuery().getType(), kQueryDims},
                                  {"key", getKey().getType(), kKeyDims},
                                  {"value", getValue().getType(), kValueDims},
                                  {"init", getInit().getType(), kOutputDims}})) ||
      failed(verifyScale(*this, getScale())))
    return failure();
  std::optional<int64_t> heads;
  for (Value tensor : getOperands())
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

LogicalResult ParametersOp::verify() {
  if (failed(verifyShapes(*this, {{"query_step", getQueryStep().getType(), kHeadDims},
                                  {"key_step", getKeyStep().getType(), kHeadDims},
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
                              {"step", getStep().getType(), kHeadDims},
                              {"init", getInit().getType(), kOutputDims}});
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

LogicalResult PruneOp::verify() {
  return verifyShapes(*this, {{"scores", getScores().getType(), kBlockScoreDims},
                              {"kept", getKept().getType(), kBlockScoreDims}});
}

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
  return success();
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

/// Checks that `type` is a tensor of the given rank and element width.
static LogicalResult verifySignatureType(ProgramOp program, StringRef name, Type type, int64_t rank,
                                         unsigned width) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (tensor && tensor.getRank() == rank && tensor.getElementType().isSignlessInteger(width))
    return success();
  return program.emitOpError() << "expected " << name << " to be a tensor of rank " << rank
                               << " of i" << width << ", got " << type;
}

LogicalResult ProgramOp::verify() {
  FunctionType type = getFunctionType();
  if (type.getNumInputs() != 6)
    return emitOpError() << "expected 6 arguments (query, key, value, threshold, multiplier, "
                            "shift), got "
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
      failed(verifyShapes(*this, {{"query", type.getInput(0), kQueryDims},
                                  {"key", type.getInput(1), kKeyDims},
                                  {"value", type.getInput(2), kValueDims},
                                  {"threshold", type.getInput(3), kHeadDims},
                                  {"multiplier", type.getInput(4), kHeadDims},
                                  {"shift", type.getInput(5), kHeadDims},
                                  {"the result", type.getResult(0), kOutputDims}})))
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

LogicalResult LaunchOp::verify() {
  return verifyShapes(*this, {{"query", getQuery().getType(), kQueryDims},
                              {"key", getKey().getType(), kKeyDims},
                              {"value", getValue().getType(), kValueDims},
                              {"init", getInit().getType(), kOutputDims}});
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  Operation *symbol = symbolTable.lookupNearestSymbolFrom(*this, getProgramAttr());
  if (!symbol)
    return emitOpError() << "expected a program named @" << getProgram() << ", got none";
  if (isa<sprint_isa::ProgramOp>(symbol))
    return success();
  auto program = dyn_cast<ProgramOp>(symbol);
  if (!program)
    return emitOpError() << "expected @" << getProgram()
                         << " to be a sprint.program or a sprint_isa.program, got "
                         << symbol->getName();

  // Symbols may be visited before the program itself is verified.
  FunctionType signature = program.getFunctionType();
  if (signature.getNumInputs() != 6 || signature.getNumResults() != 1)
    return emitOpError() << "expected @" << getProgram()
                         << " to have 6 arguments and 1 result, got " << signature;
  struct Pair {
    StringRef name;
    Value operand;
    Type type;
  };
  for (const Pair &pair : {Pair{"query", getQuery(), signature.getInput(0)},
                           Pair{"key", getKey(), signature.getInput(1)},
                           Pair{"value", getValue(), signature.getInput(2)},
                           Pair{"init", getInit(), signature.getResult(0)}}) {
    auto type = dyn_cast<ShapedType>(pair.type);
    if (!type || failed(verifyCompatibleShape(type, pair.operand.getType())))
      return emitOpError() << "expected the shape of " << pair.name << " to agree with "
                           << pair.type << " of @" << getProgram() << ", got "
                           << pair.operand.getType();
  }
  return success();
}
