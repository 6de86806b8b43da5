//===- SprintLaunchToCall.cpp - From launches to calls of the runtime -----===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/LaunchTensors.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_CONVERTSPRINTLAUNCHTOCALL
#include "Sprint/Conversion/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

/// Name of the function that the bridge to the runtime defines; see ConvertSprintLaunchToCall.
static constexpr StringLiteral kLaunchFunction = "sprintLaunchMemRefs";

namespace {

struct ConvertSprintLaunchToCall
    : mlir::sprint::impl::ConvertSprintLaunchToCallBase<ConvertSprintLaunchToCall> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<LaunchOp> launches;
    module.walk([&](LaunchOp op) { launches.push_back(op); });
    if (launches.empty())
      return;

    // The container holds the programs in the order of the module.
    llvm::StringMap<int64_t> programs;
    for (auto program : module.getOps<sprint_isa::ProgramOp>())
      programs.try_emplace(program.getSymName(), programs.size());

    IRRewriter rewriter(&getContext());
    FlatSymbolRefAttr callee = declare(rewriter, launches.front().getLoc());
    for (LaunchOp launch : launches) {
      auto program = programs.find(launch.getProgram());
      if (program == programs.end()) {
        launch.emitOpError("expected '") << launch.getProgram() << "' to be a 'sprint_isa.program'";
        return signalPassFailure();
      }
      replace(rewriter, launch, callee, program->second);
      ++numCalls;
    }
  }

  static Type getOpaqueTensor(Type elementType) { return UnrankedTensorType::get(elementType); }

  static Type getOpaqueBuffer(Type elementType) {
    return UnrankedMemRefType::get(elementType, /*memorySpace=*/nullptr);
  }

  FlatSymbolRefAttr declare(IRRewriter &rewriter, Location loc) {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(getOperation().getBody());
    SmallVector<Type> operands = {rewriter.getI64Type()};
    for (const ::sprint::LaunchTensor &input : ::sprint::launchInputs)
      operands.push_back(getOpaqueTensor(getElementType(&getContext(), input.hostElement)));
    operands.push_back(getOpaqueBuffer(rewriter.getF32Type()));
    auto function = func::FuncOp::create(rewriter, loc, kLaunchFunction,
                                         rewriter.getFunctionType(operands, {}));
    function.setPrivate();
    function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(), rewriter.getUnitAttr());
    for (auto [index, type] : llvm::enumerate(operands))
      if (isa<TensorType>(type))
        function.setArgAttr(index, bufferization::BufferizationDialect::kBufferAccessAttrName,
                            rewriter.getStringAttr("read"));
    return FlatSymbolRefAttr::get(function.getSymNameAttr());
  }

  void replace(IRRewriter &rewriter, LaunchOp launch, FlatSymbolRefAttr callee, int64_t program) {
    Location loc = launch.getLoc();
    rewriter.setInsertionPoint(launch);
    SmallVector<Value> operands = {
        arith::ConstantIntOp::create(rewriter, loc, rewriter.getI64Type(), program)};
    for (auto [region, input] : llvm::enumerate(::sprint::launchInputs)) {
      Type elementType = getElementType(&getContext(), input.hostElement);
      Value tensor = launch.getInput(static_cast<sprint_isa::MemoryRegion>(region));
      // What the launch does not bring is a scalar.
      if (!tensor)
        tensor = tensor::EmptyOp::create(rewriter, loc, /*staticShape=*/ArrayRef<int64_t>(),
                                         elementType);
      // The call takes tensors, not their buffers: that is what tells bufferization how long it
      // must keep them.
      operands.push_back(
          tensor::CastOp::create(rewriter, loc, getOpaqueTensor(elementType), tensor));
    }
    auto type = cast<RankedTensorType>(launch.getType());
    SmallVector<Value> sizes;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (type.isDynamicDim(dim))
        sizes.push_back(tensor::DimOp::create(rewriter, loc, launch.getInit(), dim));
    Value output = memref::AllocOp::create(
        rewriter, loc, MemRefType::get(type.getShape(), type.getElementType()), sizes);
    operands.push_back(
        memref::CastOp::create(rewriter, loc, getOpaqueBuffer(type.getElementType()), output));
    func::CallOp::create(rewriter, loc, callee, TypeRange(), operands);
    rewriter.replaceOpWithNewOp<bufferization::ToTensorOp>(launch, type, output, /*restrict=*/true,
                                                           /*writable=*/true);
  }
};

} // namespace
