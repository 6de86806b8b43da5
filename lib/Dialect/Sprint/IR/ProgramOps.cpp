//===- ProgramOps.cpp - Programs, their launches and caches ---------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpSupport.h"
#include "Sprint/Dialect/SprintISA/IR/LogitParameters.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::sprint;

using sprint_isa::parseScale;
using sprint_isa::parseThresholds;
using sprint_isa::printScale;
using sprint_isa::printThresholds;
using sprint_isa::verifyScale;
using sprint_isa::verifyThresholds;

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
  return verifyShape(launch, "the result", launch->getResult(0), program.getResultTypes().front(),
                     {});
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
