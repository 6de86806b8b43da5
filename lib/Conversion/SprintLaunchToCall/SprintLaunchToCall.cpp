//===- SprintLaunchToCall.cpp - From launches to calls of the runtime -----===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Caches/CacheTypes.h"
#include "Sprint/Conversion/LaunchFunctions.h"
#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/LaunchTensors.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_CONVERTSPRINTLAUNCHTOCALL
#include "Sprint/Conversion/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

static Type getOpaqueTensor(Type elementType) { return UnrankedTensorType::get(elementType); }

static Type getOpaqueBuffer(Type elementType) {
  return UnrankedMemRefType::get(elementType, /*memorySpace=*/nullptr);
}

namespace {

/// Builds calls of the bridge's functions, which it declares in the module.
class CallBuilder {
public:
  explicit CallBuilder(ModuleOp module) : module(module) {
    // The container holds the programs in the order of the module.
    for (auto program : module.getOps<sprint_isa::ProgramOp>())
      programs.try_emplace(program.getSymName(), programs.size());
  }

  /// A call of `name`, which only reads the tensors among its operands.
  func::CallOp create(OpBuilder &builder, Location loc, StringRef name, ValueRange operands,
                      TypeRange results = {}) {
    declare(builder, loc, name, operands.getTypes(), results);
    return func::CallOp::create(builder, loc, name, results, operands);
  }

  /// Calls `name` with the program of `launch`, `before` and its inputs and output, of `type`,
  /// whose dynamic sizes are those of `sizes`. Returns the output; null where the program is not
  /// one of commands.
  template <typename OpTy>
  Value createLaunch(OpBuilder &builder, OpTy launch, StringRef name, ValueRange before,
                     RankedTensorType type, ValueRange sizes) {
    Location loc = launch.getLoc();
    auto program = programs.find(launch.getProgram());
    if (program == programs.end()) {
      launch.emitOpError("expected '") << launch.getProgram() << "' to be a 'sprint_isa.program'";
      return {};
    }
    SmallVector<Value> operands = {
        arith::ConstantIntOp::create(builder, loc, builder.getI64Type(), program->second)};
    llvm::append_range(operands, before);
    for (auto [region, input] : llvm::enumerate(::sprint::launchInputs)) {
      Type elementType = getElementType(builder.getContext(), input.hostElement);
      Value tensor = launch.getInput(static_cast<sprint_isa::MemoryRegion>(region));
      // What the launch does not bring is a scalar, of no memory that anybody owns.
      if (!tensor)
        tensor = arith::ConstantOp::create(
            builder, loc, builder.getZeroAttr(RankedTensorType::get({}, elementType)));
      // The call takes tensors, not their buffers: that is what tells bufferization how long it
      // must keep them.
      operands.push_back(
          tensor::CastOp::create(builder, loc, getOpaqueTensor(elementType), tensor));
    }
    Value output = memref::AllocOp::create(
        builder, loc, MemRefType::get(type.getShape(), type.getElementType()), sizes);
    operands.push_back(
        memref::CastOp::create(builder, loc, getOpaqueBuffer(type.getElementType()), output));
    create(builder, loc, name, operands);
    return bufferization::ToTensorOp::create(builder, loc, type, output, /*restrict=*/true,
                                             /*writable=*/true);
  }

private:
  void declare(OpBuilder &builder, Location loc, StringRef name, TypeRange operands,
               TypeRange results) {
    if (!declared.insert(name).second)
      return;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    auto function =
        func::FuncOp::create(builder, loc, name, builder.getFunctionType(operands, results));
    function.setPrivate();
    function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(), builder.getUnitAttr());
    for (auto [index, type] : llvm::enumerate(operands))
      if (isa<TensorType>(type))
        function.setArgAttr(index, bufferization::BufferizationDialect::kBufferAccessAttrName,
                            builder.getStringAttr("read"));
  }

  ModuleOp module;
  llvm::StringMap<int64_t> programs;
  llvm::StringSet<> declared;
};

/// The sizes of a launch's output that are not static: those of `like`, along the same dimensions,
/// or along the last one of `value`.
SmallVector<Value> createSizes(OpBuilder &builder, Location loc, RankedTensorType type, Value like,
                               Value value) {
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(builder, loc, dim == 3 ? value : like, dim));
  return sizes;
}

/// A conversion of `OpTy` that builds `calls`.
template <typename OpTy> struct CallConversion : OpConversionPattern<OpTy> {
  CallConversion(const TypeConverter &converter, MLIRContext *context, CallBuilder &calls)
      : OpConversionPattern<OpTy>(converter, context), calls(calls) {}

  CallBuilder &calls;
};

struct CreateCacheToCall : CallConversion<CreateCacheOp> {
  using CallConversion::CallConversion;

  LogicalResult matchAndRewrite(CreateCacheOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    CacheType type = op.getType();
    Type i64 = rewriter.getI64Type();
    SmallVector<Value> operands = {
        arith::IndexCastOp::create(rewriter, loc, i64, adaptor.getCapacity())};
    for (int64_t size : {type.getBatches(), type.getHeads(), type.getKeyHeads(), type.getHeadDim(),
                         type.getValueDim()})
      operands.push_back(arith::ConstantIntOp::create(rewriter, loc, i64, size));
    for (Value steps : {adaptor.getQueryStep(), adaptor.getKeyStep(), adaptor.getValueStep()})
      operands.push_back(
          tensor::CastOp::create(rewriter, loc, getOpaqueTensor(rewriter.getF32Type()), steps));
    Value handle = calls.create(rewriter, loc, kCreateCacheFunction, operands, i64).getResult(0);
    Value length = arith::ConstantIndexOp::create(rewriter, loc, 0);
    SmallVector<SmallVector<Value>> parts = {{handle, length}};
    rewriter.replaceOpWithMultiple(op, std::move(parts));
    return success();
  }
};

struct CachedLaunchToCall : CallConversion<CachedLaunchOp> {
  using CallConversion::CallConversion;

  LogicalResult matchAndRewrite(CachedLaunchOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value handle = adaptor.getCache()[0], length = adaptor.getCache()[1];
    Value tokens = arith::IndexCastOp::create(rewriter, loc, rewriter.getI64Type(), length);
    auto type = cast<RankedTensorType>(op.getResult().getType());
    Value output =
        calls.createLaunch(rewriter, op, kCachedLaunchFunction, {handle, tokens}, type,
                           createSizes(rewriter, loc, type, op.getQuery(), op.getValue()));
    if (!output)
      return failure();
    Value added = tensor::DimOp::create(rewriter, loc, op.getKey(), 2);
    Value grown = arith::AddIOp::create(rewriter, loc, length, added);
    SmallVector<SmallVector<Value>> results = {{output}, {handle, grown}};
    rewriter.replaceOpWithMultiple(op, std::move(results));
    return success();
  }
};

struct ConvertSprintLaunchToCall
    : mlir::sprint::impl::ConvertSprintLaunchToCallBase<ConvertSprintLaunchToCall> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    CallBuilder calls(module);
    SmallVector<LaunchOp> launches;
    module.walk([&](Operation *op) {
      if (auto launch = dyn_cast<LaunchOp>(op))
        launches.push_back(launch);
      if (isa<LaunchOp, CachedLaunchOp>(op))
        ++numCalls;
    });
    IRRewriter rewriter(&getContext());
    for (LaunchOp launch : launches) {
      auto type = cast<RankedTensorType>(launch.getType());
      rewriter.setInsertionPoint(launch);
      Value output = calls.createLaunch(
          rewriter, launch, kLaunchFunction, {}, type,
          createSizes(rewriter, launch.getLoc(), type, launch.getInit(), launch.getInit()));
      if (!output)
        return signalPassFailure();
      rewriter.replaceOp(launch, output);
    }
    auto getParts = [](CacheType cache, SmallVectorImpl<Type> &parts) {
      parts.push_back(IntegerType::get(cache.getContext(), 64));
      parts.push_back(IndexType::get(cache.getContext()));
    };
    if (failed(convertCaches(
            module, getParts, [&](const TypeConverter &converter, RewritePatternSet &patterns) {
              patterns.add<CreateCacheToCall, CachedLaunchToCall>(converter, &getContext(), calls);
            })))
      signalPassFailure();
  }
};

} // namespace
