//===- TensorPasses.h - What is done before there are buffers ----*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_EXECUTION_TENSORPASSES_H
#define SPRINT_LIB_EXECUTION_TENSORPASSES_H

#include <memory>

namespace mlir {
class Pass;
} // namespace mlir

namespace mlir::sprint {

/// Replaces ops that have no buffers of their own, or that nothing lowers further down, by ops that
/// have: tensor.concat, tensor.gather, tensor.bitcast, linalg.softmax, linalg.pack and unpack,
/// arithmetic on whole tensors, math.isinf, math.clampf, truncation of f64 to bf16.
std::unique_ptr<Pass> createDecomposeTensorOpsPass();

/// Computes an element of an intermediate tensor where it is read, if it is read once, and drops
/// results of linalg ops that nobody reads. Contractions are left alone.
std::unique_ptr<Pass> createFuseElementwisePass();

/// Gives each user of a linalg.fill a fill of its own, which it may overwrite.
std::unique_ptr<Pass> createSplitFillsPass();

} // namespace mlir::sprint

#endif // SPRINT_LIB_EXECUTION_TENSORPASSES_H
