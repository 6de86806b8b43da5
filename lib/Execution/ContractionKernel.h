//===- ContractionKernel.h - Sums of products on the host --------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What compiled code calls for matrix products, convolutions and other sums of products of floats.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_EXECUTION_CONTRACTIONKERNEL_H
#define SPRINT_LIB_EXECUTION_CONTRACTIONKERNEL_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace mlir::sprint {

/// Name of `contract` for compiled code.
constexpr llvm::StringLiteral kContractionSymbol = "sprintContract";

/// Loops that `contract` takes at most.
constexpr int64_t kMaxContractionLoops = 16;

/// Element types that `contract` takes, as compiled code passes them.
enum class FloatFormat : int64_t { F16, BF16, F32, F64 };

/// One operand of a contraction.
struct ContractionOperand {
  FloatFormat format;
  /// The element at the origin of the loops.
  void *data;
};

/// One loop of a contraction: its trip count, and by how many elements each operand advances.
struct ContractionLoop {
  int64_t size, left, right, result;
};

/// All of a contraction, laid out as compiled code writes it: 8 words, then those of the loops.
struct Contraction {
  ContractionOperand left, right, result;
  /// 1 if what the result holds is zero, so that it need not be read.
  int64_t overwrites;
  int64_t numLoops;
  ContractionLoop loops[kMaxContractionLoops];
};

/// `result += left * right`, summed over all loops, by BLAS. Sums are in f64 where the result is,
/// in f32 otherwise, and rounded once to the format of the result; their order is BLAS's. Only for
/// compiled code: running out of memory ends the run.
void contract(const Contraction *contraction);

} // namespace mlir::sprint

#endif // SPRINT_LIB_EXECUTION_CONTRACTIONKERNEL_H
