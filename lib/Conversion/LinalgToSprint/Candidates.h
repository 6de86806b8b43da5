//===- Candidates.h - What looks like an attention ---------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_CANDIDATES_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_CANDIDATES_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/SmallVector.h"

namespace mlir::sprint {

/// An op that may be the last contraction of an attention, or an attention already.
struct Candidate {
  Operation *op;
  /// The contraction's operands that come from an exponential of another contraction's result; none
  /// of a contraction that is not of floats.
  llvm::SmallVector<unsigned, 2> probabilities;
  /// That exponential; null of an attention.
  Operation *exponential = nullptr;
};

/// Finds exponentials between two contractions, however they are spelled: those that are not raised
/// deserve a remark. A gate between two products with weights, such as a SiLU, is none.
llvm::SmallVector<Candidate> findCandidates(Operation *root);

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_CANDIDATES_H
