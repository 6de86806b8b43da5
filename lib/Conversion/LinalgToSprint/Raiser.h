//===- Raiser.h - Raise one attention ----------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_RAISER_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_RAISER_H

#include "AttentionMatcher.h"
#include "AttentionNames.h"
#include "Candidates.h"

#include "llvm/ADT/DenseSet.h"

#include <string>

namespace mlir::sprint {

/// Raises one candidate.
class Raiser {
public:
  /// What is erased on the way is added to `erased`.
  explicit Raiser(llvm::DenseSet<Operation *> &erased) : erased(erased) {}

  /// Puts an attention in the place of the candidate. Fails with a reason where it is none; then
  /// nothing has changed.
  LogicalResult raise(const Candidate &candidate);

  StringRef getReason() const { return reason; }
  /// What the producer calls the candidate; empty where it does not.
  StringRef getName() const { return name; }

private:
  LogicalResult build(FailureOr<MatchedAttention> matched);

  AttentionMatcher matcher;
  /// Where the contraction with the values stands, and the exponential.
  SmallVector<Location> parts;
  std::string name;
  std::string reason;
  llvm::DenseSet<Operation *> &erased;
};

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_RAISER_H
