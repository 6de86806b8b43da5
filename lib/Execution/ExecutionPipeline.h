//===- ExecutionPipeline.h - From tensors to the LLVM dialect ----*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_EXECUTION_EXECUTIONPIPELINE_H
#define SPRINT_LIB_EXECUTION_EXECUTIONPIPELINE_H

#include "Constants.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace mlir::sprint {

/// Passes from arith, cf, func, linalg, math, scf and tensor to the LLVM dialect. What the code
/// needs to be defined: kFailureSymbol, kContractionSymbol and `constants`, known when the passes
/// have run.
void buildExecutionPipeline(OpPassManager &passManager, std::vector<ExternalConstant> &constants);

} // namespace mlir::sprint

#endif // SPRINT_LIB_EXECUTION_EXECUTIONPIPELINE_H
