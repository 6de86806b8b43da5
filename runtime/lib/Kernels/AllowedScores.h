//===- AllowedScores.h - Scores of the keys that a row may use *- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_KERNELS_ALLOWEDSCORES_H
#define SPRINTRUNTIME_LIB_KERNELS_ALLOWEDSCORES_H

#include "RowMasks.h"

#include <cstdint>
#include <span>
#include <vector>

namespace sprint {

/// The allowed keys of a row and their approximate scores, biases included.
class AllowedScores {
public:
  /// Of the keys from `first` on, whose approximate scores without bias are `scores`, those that
  /// `masks` allow. Without masks, `scores` have to stay valid.
  void assign(std::span<const int32_t> scores, int64_t first, const RowMasks &masks);

  std::span<const int32_t> scores() const { return allowed; }
  /// The key of a score.
  uint32_t key(size_t index) const {
    return isMasked ? keys[index] : static_cast<uint32_t>(first + static_cast<int64_t>(index));
  }

private:
  std::span<const int32_t> allowed;
  int64_t first = 0;
  bool isMasked = false;
  std::vector<uint32_t> keys;
  std::vector<int32_t> maskedScores;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_KERNELS_ALLOWEDSCORES_H
