//===- ExecutionPipeline.cpp - From tensors to the LLVM dialect -------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "ExecutionPipeline.h"

#include "Contractions.h"
#include "OutlineLoops.h"
#include "RuntimeChecks.h"
#include "Sprint/Execution/Execution.h"
#include "TensorPasses.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/BufferizationToMemRef/BufferizationToMemRef.h"
#include "mlir/Conversion/ComplexToLLVM/ComplexToLLVM.h"
#include "mlir/Conversion/ComplexToStandard/ComplexToStandard.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/ControlFlowToSCF/ControlFlowToSCF.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToFuncs/MathToFuncs.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/ControlFlow/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/RuntimeOpVerification.h"
#include "mlir/Dialect/Linalg/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/AllocationOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Dialect/Tensor/IR/TensorInferTypeOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/RuntimeOpVerification.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace {

/// At the boundaries of functions, bufferization casts a slice to the row-major layout where its
/// strides might be the row-major ones at run time, though they need not be. Copies it instead.
struct CopyToRowMajor : PassWrapper<CopyToRowMajor, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CopyToRowMajor)

  StringRef getName() const override { return "CopyToRowMajor"; }

  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<memref::MemRefDialect>();
  }

  void runOnOperation() override {
    SmallVector<memref::CastOp> casts;
    getOperation()->walk([&](memref::CastOp op) {
      if (!isRowMajorWhereTargetIs(op))
        casts.push_back(op);
    });
    for (memref::CastOp op : casts) {
      OpBuilder builder(op);
      auto type = cast<MemRefType>(op.getType());
      SmallVector<Value> sizes;
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (type.isDynamicDim(dim))
          sizes.push_back(memref::DimOp::create(builder, op.getLoc(), op.getSource(), dim));
      Value copy = memref::AllocOp::create(builder, op.getLoc(), type, sizes);
      memref::CopyOp::create(builder, op.getLoc(), op.getSource(), copy);
      op.replaceAllUsesWith(copy);
      op.erase();
    }
  }

  /// Whether the types tell that a row-major target describes the elements of the source.
  static bool isRowMajorWhereTargetIs(memref::CastOp op) {
    auto source = dyn_cast<MemRefType>(op.getSource().getType());
    auto target = dyn_cast<MemRefType>(op.getType());
    if (!source || !target || source.getLayout().isIdentity() || !target.getLayout().isIdentity())
      return true;
    SmallVector<int64_t> strides, expectedStrides;
    int64_t offset, expectedOffset;
    return succeeded(source.getStridesAndOffset(strides, offset)) &&
           succeeded(target.getStridesAndOffset(expectedStrides, expectedOffset)) &&
           offset == expectedOffset && strides == expectedStrides &&
           !llvm::is_contained(strides, ShapedType::kDynamic);
  }
};

/// What declarations say of the buffers of their arguments has served when there are buffers; the
/// translation to LLVM warns of it.
struct DropBufferAccess : PassWrapper<DropBufferAccess, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(DropBufferAccess)

  StringRef getName() const override { return "DropBufferAccess"; }

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      for (unsigned index = 0; index < function.getNumArguments(); ++index)
        function.removeArgAttr(index, bufferization::BufferizationDialect::kBufferAccessAttrName);
  }
};

/// Upstream's lowering of memref.expand_shape derives the one dynamic size of a group, and crashes
/// where there are two. Lowers the latter by the sizes that the op has.
struct LowerDynamicExpansions : PassWrapper<LowerDynamicExpansions, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerDynamicExpansions)

  StringRef getName() const override { return "LowerDynamicExpansions"; }

  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, memref::MemRefDialect>();
  }

  void runOnOperation() override {
    SmallVector<memref::ExpandShapeOp> expansions;
    getOperation()->walk([&](memref::ExpandShapeOp op) {
      auto isDynamic = [&](int64_t dim) { return op.getResultType().isDynamicDim(dim); };
      if (llvm::any_of(op.getReassociationIndices(), [&](const ReassociationIndices &group) {
            return llvm::count_if(group, isDynamic) > 1;
          }))
        expansions.push_back(op);
    });
    for (memref::ExpandShapeOp op : expansions)
      lower(op);
  }

  static void lower(memref::ExpandShapeOp op) {
    OpBuilder builder(op);
    MemRefType type = op.getResultType();
    auto [knownStrides, knownOffset] = type.getStridesAndOffset();
    auto source = memref::ExtractStridedMetadataOp::create(builder, op.getLoc(), op.getSrc());
    SmallVector<OpFoldResult> sizes =
        getMixedValues(op.getStaticOutputShape(), op.getOutputShape(), builder);
    SmallVector<OpFoldResult> strides(type.getRank());
    for (auto [group, sourceStride] :
         llvm::zip_equal(op.getReassociationIndices(), source.getStrides())) {
      Value stride = sourceStride;
      for (int64_t dim : llvm::reverse(group)) {
        strides[dim] = ShapedType::isDynamic(knownStrides[dim])
                           ? OpFoldResult(stride)
                           : builder.getIndexAttr(knownStrides[dim]);
        Value size = getValueOrCreateConstantIndexOp(builder, op.getLoc(), sizes[dim]);
        stride = arith::MulIOp::create(builder, op.getLoc(), stride, size);
      }
    }
    OpFoldResult offset = ShapedType::isDynamic(knownOffset) ? OpFoldResult(source.getOffset())
                                                             : builder.getIndexAttr(knownOffset);
    auto view = memref::ReinterpretCastOp::create(builder, op.getLoc(), type,
                                                  source.getBaseBuffer(), offset, sizes, strides);
    op.replaceAllUsesWith(view.getResult());
    op.erase();
  }
};

/// Upstream lowers a copy between strided memrefs to a call of MLIR's runner library; loops need
/// none.
struct LowerStridedCopies : PassWrapper<LowerStridedCopies, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerStridedCopies)

  StringRef getName() const override { return "LowerStridedCopies"; }

  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<linalg::LinalgDialect>();
  }

  void runOnOperation() override {
    auto isStrided = [](Value value) {
      auto type = dyn_cast<MemRefType>(value.getType());
      return type && !type.getLayout().isIdentity();
    };
    SmallVector<memref::CopyOp> copies;
    getOperation()->walk([&](memref::CopyOp op) {
      if (isStrided(op.getSource()) || isStrided(op.getTarget()))
        copies.push_back(op);
    });
    for (memref::CopyOp op : copies) {
      OpBuilder builder(op);
      linalg::makeMemRefCopyOp(builder, op.getLoc(), op.getSource(), op.getTarget());
      op.erase();
    }
  }
};

/// Upstream lets the casts around what it computes in a wider type be contracted, and folds then
/// take a cast back and the next one away. Makes each of them round.
struct KeepRoundings : PassWrapper<KeepRoundings, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(KeepRoundings)

  StringRef getName() const override { return "KeepRoundings"; }

  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      if (auto extension = dyn_cast<arith::ExtFOp>(op))
        extension.setFastmath(std::nullopt);
      else if (auto truncation = dyn_cast<arith::TruncFOp>(op))
        truncation.setFastmath(std::nullopt);
    });
  }
};

/// Functions that LLVM cannot vectorise as calls of libm, by polynomials.
struct ApproximateMath : PassWrapper<ApproximateMath, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ApproximateMath)

  StringRef getName() const override { return "ApproximateMath"; }

  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, math::MathDialect, vector::VectorDialect>();
  }

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return llvm::is_contained({math::ErfOp::getOperationName(), math::ExpOp::getOperationName(),
                                 math::TanhOp::getOperationName()},
                                name);
    });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

void sprint::registerExecution(DialectRegistry &registry) {
  arith::registerBufferDeallocationOpInterfaceExternalModels(registry);
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(registry);
  cf::registerBufferDeallocationOpInterfaceExternalModels(registry);
  cf::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerRuntimeVerifiableOpInterfaceExternalModels(registry);
  linalg::registerSubsetOpInterfaceExternalModels(registry);
  memref::registerAllocationOpInterfaceExternalModels(registry);
  scf::registerBufferDeallocationOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerInferTypeOpInterfaceExternalModels(registry);
  tensor::registerRuntimeVerifiableOpInterfaceExternalModels(registry);
  tensor::registerSubsetOpInterfaceExternalModels(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

void sprint::buildExecutionPipeline(OpPassManager &passManager,
                                    std::vector<ExternalConstant> &constants) {
  auto simplify = [&] {
    passManager.addPass(createCanonicalizerPass());
    passManager.addPass(createCSEPass());
  };

  simplify();
  // Bufferization knows no loops of branches.
  passManager.addPass(createLiftControlFlowToSCFPass());
  passManager.addPass(createDecomposeTensorOpsPass());
  passManager.addPass(createRuntimeAssertsPass());
  simplify();
  passManager.addPass(createFoldIntoContractionsPass());
  passManager.addPass(createFuseElementwisePass());
  simplify();
  passManager.addPass(createSplitFillsPass());
  passManager.addPass(createExternalizeConstantsPass(constants));

  passManager.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.allowReturnAllocsFromLoops = true;
  bufferize.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  passManager.addPass(bufferization::createOneShotBufferizePass(bufferize));
  passManager.addPass(std::make_unique<DropBufferAccess>());
  passManager.addPass(std::make_unique<CopyToRowMajor>());
  simplify();
  bufferization::buildBufferDeallocationPipeline(passManager);
  passManager.addPass(createConvertBufferizationToMemRefPass());
  passManager.nest<func::FuncOp>().addPass(bufferization::createOptimizeAllocationLivenessPass());
  passManager.addPass(std::make_unique<LowerStridedCopies>());
  passManager.addPass(createLowerContractionsPass());

  auto &functions = passManager.nest<func::FuncOp>();
  functions.addPass(createConvertLinalgToLoopsPass());
  functions.addPass(createForallToForLoopPass());
  passManager.addPass(createOutlineLoopsPass());
  passManager.addPass(std::make_unique<LowerDynamicExpansions>());
  passManager.addPass(memref::createExpandStridedMetadataPass());
  passManager.addPass(createLowerAffinePass());
  passManager.addPass(createLowerAssertsPass());
  simplify();

  // Complex arithmetic is that of real and imaginary parts.
  passManager.addPass(createConvertComplexToStandardPass());
  // No host computes in bf16, and few in f16: each operation rounds what f32 gives.
  passManager.addPass(math::createMathExtendToSupportedTypes());
  passManager.addPass(
      arith::createArithEmulateUnsupportedFloats({/*sourceTypeStrs=*/{"bf16"}, "f32"}));
  passManager.addPass(std::make_unique<KeepRoundings>());
  passManager.addPass(std::make_unique<ApproximateMath>());
  passManager.addPass(createConvertMathToFuncs());
  passManager.addPass(createSCFToControlFlowPass());
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  passManager.addPass(arith::createArithExpandOpsPass(expand));
  passManager.addPass(createConvertMathToLLVMPass());
  passManager.addPass(createConvertMathToLibmPass());
  passManager.addPass(createConvertComplexToLLVMPass());
  passManager.addPass(createConvertIndexToLLVMPass());
  passManager.addPass(createArithToLLVMConversionPass());
  passManager.addPass(createFinalizeMemRefToLLVMConversionPass());
  passManager.addPass(createConvertFuncToLLVMPass());
  passManager.addPass(createMarkDistinctPointersPass());
  passManager.addPass(createConvertControlFlowToLLVMPass());
  passManager.addPass(createUBToLLVMConversionPass());
  passManager.addPass(createReconcileUnrealizedCastsPass());
}
