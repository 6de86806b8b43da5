//===- ApproximateScores.h - Scores of four-bit codes ---------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_KERNELS_APPROXIMATESCORES_H
#define SPRINTRUNTIME_LIB_KERNELS_APPROXIMATESCORES_H

#include "Numerics.h"

#include <cstdint>
#include <span>
#include <vector>

namespace sprint {

/// Approximate scores of one head, without biases, computed as they are asked for: a block of
/// queries for a tile of keys at a time, because a tile is then read from memory once for the
/// block.
class ApproximateScores {
public:
  ApproximateScores() = default;
  ApproximateScores(std::span<const int8_t> queryCodes, std::span<const int8_t> keyCodes,
                    int64_t channels, Nibble nibble);

  bool isEmpty() const { return channels == 0; }
  /// Scores of `query` with the keys from `first` to before `last`; valid until the next call.
  std::span<const int32_t> row(int64_t query, int64_t first, int64_t last);

private:
  static constexpr int64_t kBlockQueries = 8;

  HighNibbles keys;
  std::vector<int16_t> queries;
  int64_t channels = 0;
  /// First query of the block in `scores`.
  int64_t blockBegin = -1;
  std::vector<uint8_t> isTileDone;
  /// `[kBlockQueries, tiles * kTileKeys]`.
  std::vector<int32_t> scores;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_KERNELS_APPROXIMATESCORES_H
