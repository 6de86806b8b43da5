//===- Programs.cpp - Launches and programs on the host ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "Sprint/Dialect/Sprint/IR/LaunchTensors.h"
#include "Sprint/Dialect/Sprint/IR/MachineAttributes.h"
#include "Sprint/Dialect/Sprint/Transforms/AttachedMachine.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint::lowering;

FailureOr<Nibble> lowering::getNibble(Operation *launch) {
  FailureOr<MachineAttr> machine = getMachine(launch);
  if (failed(machine))
    return failure();
  bool isCentred = getStructure(*machine).widths.nibble == ::sprint::Nibble::Centred;
  return isCentred ? Nibble::Centred : Nibble::Truncated;
}

Value lowering::createProgramCall(ImplicitLocOpBuilder &builder, ProgramOp program,
                                  const LaunchCodes &codes, ArrayRef<Value> optionalInputs) {
  auto perHead = cast<RankedTensorType>(codes.queryStep.getType());
  Type factors = perHead.clone(builder.getI64Type());
  auto parameters = ParametersOp::create(builder, perHead.clone(builder.getI32Type()), factors,
                                         factors, codes.queryStep, codes.keyStep,
                                         program.getScaleAttr(), program.getThresholdsAttr());
  SmallVector<Value> operands = {codes.query,
                                 codes.key,
                                 codes.value,
                                 parameters.getThreshold(),
                                 parameters.getMultiplier(),
                                 parameters.getShift()};
  for (auto [region, tensor] : llvm::zip_equal(getOptionalRegions(), optionalInputs)) {
    if (!tensor)
      continue;
    const ::sprint::LaunchTensor &input = getLaunchTensor(getProgramInput(region));
    Value operand = tensor;
    if (input.hostElement != input.deviceElement) {
      SmallVector<int64_t> shape(cast<RankedTensorType>(tensor.getType()).getShape());
      llvm::copy(perHead.getShape(), shape.begin());
      operand = QuantizeBiasOp::create(
          builder,
          RankedTensorType::get(shape, getElementType(builder.getContext(), input.deviceElement)),
          tensor, codes.queryStep, codes.keyStep, program.getScaleAttr());
    }
    operands.push_back(operand);
  }
  for (auto [operand, type] : llvm::zip_equal(operands, program.getArgumentTypes()))
    operand = castTo(builder, operand, type);
  return func::CallOp::create(builder, SymbolRefAttr::get(program), program.getResultTypes(),
                              operands)
      .getResult(0);
}

/// Replaces `launch` by what it means: codes and parameters of its operands, a call of the function
/// that `program` becomes, floats of the result.
static LogicalResult lowerLaunch(IRRewriter &rewriter, LaunchOp launch, ProgramOp program) {
  FailureOr<Nibble> nibble = getNibble(launch);
  if (failed(nibble))
    return failure();
  rewriter.setInsertionPoint(launch);
  ImplicitLocOpBuilder builder(launch.getLoc(), rewriter);
  auto quantize = [&](Value tensor) {
    auto type = cast<RankedTensorType>(tensor.getType());
    auto step = RankedTensorType::get(type.getShape().take_front(2), type.getElementType());
    return QuantizeOp::create(builder, type.clone(builder.getI8Type()), step, tensor, *nibble);
  };
  QuantizeOp query = quantize(launch.getQuery()), key = quantize(launch.getKey()),
             value = quantize(launch.getValue());
  Value codes = createProgramCall(
      builder, program,
      {query.getCodes(), key.getCodes(), value.getCodes(), query.getStep(), key.getStep()},
      launch.getOptionalInputs());
  rewriter.replaceOpWithNewOp<DequantizeOp>(launch, launch.getType(), codes, value.getStep(),
                                            launch.getInit());
  return success();
}

/// The size of `dimension` in `program`.
static Value createSize(ImplicitLocOpBuilder &builder, ProgramOp program,
                        ::sprint::Dimension dimension) {
  for (BlockArgument argument : program.getBody().getArguments())
    for (auto [dim, other] :
         llvm::enumerate(getLaunchTensor(program.getInput(argument)).dimensions))
      if (other.dimension == dimension && !other.mayBeOne)
        return builder.createOrFold<tensor::DimOp>(argument, dim);
  llvm_unreachable("every dimension is one of a required input");
}

/// Replaces `rows` by loops.
static LogicalResult lowerRows(IRRewriter &rewriter, RowsOp rows) {
  auto program = cast<ProgramOp>(rows->getParentOp());
  rewriter.setInsertionPoint(rows);
  ImplicitLocOpBuilder builder(rows.getLoc(), rewriter);
  SmallVector<OpFoldResult> parameters;
  for (const ::sprint::LaunchParameterInfo &info : ::sprint::launchParameters) {
    // Keys and values are those of the cache, too: no extent depends on how many of them are new.
    if (!info.dimension) {
      parameters.push_back(builder.getIndexAttr(0));
      continue;
    }
    Value size = createSize(builder, program, *info.dimension);
    if (info.divisor)
      size =
          builder.createOrFold<arith::DivUIOp>(size, createSize(builder, program, *info.divisor));
    parameters.push_back(size);
  }
  Value zero = arith::ConstantIndexOp::create(builder, 0);
  SmallVector<Value> begins(rows.getSteps().size(), zero), ends, steps;
  for (auto [extent, step] :
       llvm::zip_equal(rows.getExtents().getAsRange<sprint_isa::ExprAttr>(), rows.getSteps())) {
    if (extent.getCombine() != sprint_isa::Combine::Only)
      return rows.emitOpError("expected affine extents, got ") << extent;
    if (extent.getExpressions().front().isFunctionOfSymbol(
            static_cast<unsigned>(::sprint::LaunchParameter::Past)))
      return rows.emitOpError("expected extents that do not depend on 'past', got ") << extent;
    auto map = AffineMap::get(0, parameters.size(), extent.getExpressions().front());
    ends.push_back(getValueOrCreateConstantIndexOp(
        builder, builder.getLoc(),
        affine::makeComposedFoldedAffineApply(builder, builder.getLoc(), map, parameters)));
    steps.push_back(arith::ConstantIndexOp::create(builder, step));
  }
  scf::LoopNest nest =
      scf::buildLoopNest(builder, builder.getLoc(), begins, ends, steps, rows.getInits(),
                         [](OpBuilder &, Location, ValueRange, ValueRange carried) {
                           return scf::ValueVector(carried.begin(), carried.end());
                         });
  scf::ForOp innermost = nest.loops.back();
  SmallVector<Value> arguments;
  for (scf::ForOp loop : nest.loops)
    arguments.push_back(loop.getInductionVar());
  llvm::append_range(arguments, innermost.getRegionIterArgs());
  Operation *yield = innermost.getBody()->getTerminator();
  auto end = cast<YieldOp>(rows.getBody().front().getTerminator());
  SmallVector<Value> updated(end.getOperands());
  rewriter.eraseOp(end);
  rewriter.inlineBlockBefore(&rows.getBody().front(), yield, arguments);
  yield->setOperands(updated);
  rewriter.replaceOp(rows, nest.loops.front().getResults());
  return success();
}

/// Replaces `attend` by loops over its rows, one at a time: in which blocks they are taken changes
/// no result.
static LogicalResult lowerAttend(IRRewriter &rewriter, AttendOp attend) {
  rewriter.setInsertionPoint(attend);
  scf::SCFTilingOptions options;
  options.setTileSizes(
      SmallVector<OpFoldResult>(attend.getLoopIteratorTypes().size(), rewriter.getIndexAttr(1)));
  FailureOr<scf::SCFTilingResult> tiled =
      scf::tileUsingSCF(rewriter, cast<TilingInterface>(attend.getOperation()), options);
  if (failed(tiled))
    return failure();
  rewriter.replaceOp(attend, tiled->replacements);
  return success();
}

/// Replaces `program` by a function.
static void lowerProgram(IRRewriter &rewriter, ProgramOp program) {
  rewriter.setInsertionPoint(program);
  auto function = func::FuncOp::create(rewriter, program.getLoc(), program.getSymName(),
                                       program.getFunctionType());
  function.setPrivate();
  rewriter.inlineRegionBefore(program.getBody(), function.getBody(), function.getBody().end());
  Operation *end = function.getBody().front().getTerminator();
  rewriter.setInsertionPoint(end);
  rewriter.replaceOpWithNewOp<func::ReturnOp>(end, end->getOperands());
  rewriter.eraseOp(program);
}

LogicalResult lowering::lowerPrograms(ModuleOp module) {
  if (failed(lowerCaches(module)))
    return failure();
  IRRewriter rewriter(module.getContext());
  SymbolTable symbols(module);
  SmallVector<LaunchOp> launches;
  module.walk([&](LaunchOp launch) { launches.push_back(launch); });
  for (LaunchOp launch : launches)
    // A program of commands runs on the simulator.
    if (auto program = symbols.lookup<ProgramOp>(launch.getProgram()))
      if (failed(lowerLaunch(rewriter, launch, program)))
        return failure();
  for (ProgramOp program : llvm::to_vector(module.getOps<ProgramOp>())) {
    SmallVector<Operation *> nests;
    program.walk([&](Operation *op) {
      if (isa<AttendOp, RowsOp>(op))
        nests.push_back(op);
    });
    for (Operation *op : nests) {
      auto rows = dyn_cast<RowsOp>(op);
      if (failed(rows ? lowerRows(rewriter, rows) : lowerAttend(rewriter, cast<AttendOp>(op))))
        return failure();
    }
    lowerProgram(rewriter, program);
  }
  return success();
}
