//===- HostPipeline.cpp - From tensors to the LLVM dialect ---------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Execution/Passes.h"

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
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void sprint::buildHostPipeline(OpPassManager &passManager, StringRef entry) {
  auto simplify = [&] {
    passManager.addPass(createCanonicalizerPass());
    passManager.addPass(createCSEPass());
  };

  passManager.addPass(createSprintHostCheckTensors());
  simplify();
  // Bufferization knows no loops of branches.
  passManager.addPass(createLiftControlFlowToSCFPass());
  passManager.addPass(createSprintHostDecomposeTensors());
  passManager.addPass(createSprintHostInsertAsserts());
  simplify();
  passManager.addPass(createSprintHostFoldIntoContractions());
  passManager.addPass(createSprintHostFuseElementwise());
  simplify();
  passManager.addPass(createSprintHostSplitDestinations());
  passManager.addPass(createSprintHostExternalizeConstants());
  passManager.addPass(createSprintHostSplitReaders());

  passManager.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.allowReturnAllocsFromLoops = true;
  // Who links the code aligns what it allocates: in the code this takes seven ops a buffer.
  bufferize.bufferAlignment = 0;
  bufferize.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  passManager.addPass(bufferization::createOneShotBufferizePass(bufferize));
  passManager.addPass(createSprintHostDropBufferAccess());
  passManager.addPass(createSprintHostCopyToRowMajor());
  simplify();
  passManager.addPass(createSprintHostFreeAfterUse());
  bufferization::buildBufferDeallocationPipeline(passManager);
  passManager.addPass(createConvertBufferizationToMemRefPass());
  passManager.nest<func::FuncOp>().addPass(bufferization::createOptimizeAllocationLivenessPass());
  passManager.addPass(createSprintHostLowerStridedCopies());
  passManager.addPass(createSprintHostLowerContractions());

  auto &functions = passManager.nest<func::FuncOp>();
  functions.addPass(createConvertLinalgToLoopsPass());
  functions.addPass(createForallToForLoopPass());
  passManager.addPass(createSprintHostOutlineLoops());
  passManager.addPass(createSprintHostLowerAsserts());
  passManager.addPass(createSprintHostMergeLoops());
  passManager.addPass(createSprintHostLowerDynamicExpansions());
  passManager.addPass(memref::createExpandStridedMetadataPass());
  passManager.addPass(createLowerAffinePass());
  if (!entry.empty())
    passManager.addPass(createSprintHostPackBoundary({entry.str()}));
  simplify();

  // Complex arithmetic is that of real and imaginary parts.
  passManager.addPass(createConvertComplexToStandardPass());
  // No host computes in bf16, and few in f16: each operation rounds what f32 gives.
  passManager.addPass(math::createMathExtendToSupportedTypes());
  passManager.addPass(
      arith::createArithEmulateUnsupportedFloats({/*sourceTypeStrs=*/{"bf16"}, "f32"}));
  passManager.addPass(createSprintHostKeepRoundings());
  passManager.addPass(createSprintHostApproximateMath());
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
  passManager.addPass(createSprintHostMarkDistinctPointers());
  passManager.addPass(createConvertControlFlowToLLVMPass());
  passManager.addPass(createUBToLLVMConversionPass());
  passManager.addPass(createReconcileUnrealizedCastsPass());
  passManager.addPass(createSprintHostCheckLowered());
  simplify();
  passManager.addPass(createSprintHostSplitBlocks());
}
