//===- RowMasks.h - Which keys a row may use ------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_KERNELS_ROWMASKS_H
#define SPRINTRUNTIME_LIB_KERNELS_ROWMASKS_H

#include "InnerLoops.h"

#include <cstdint>
#include <span>
#include <vector>

namespace sprint {

/// What key_valid, mask, segments and bias say of a row, an entry a key each; empty where there are
/// none.
struct RowMasks {
  std::span<const uint8_t> keyValid, mask;
  std::span<const int32_t> keySegments;
  /// That which the keys have to be of.
  int32_t querySegment = 0;
  /// Codes, and the logits that they are of.
  std::span<const int32_t> bias;
  std::span<const float> biasLogits;
  /// That of the head (biasReach).
  int64_t reach = 0;

  bool isEmpty() const {
    return keyValid.empty() && mask.empty() && keySegments.empty() && bias.empty();
  }
};

/// Words of a set of keys, a bit each: key `j` is bit `j mod 64` of word `j / 64`.
constexpr int64_t keyWords(int64_t keys) { return (keys + 63) / 64; }

/// Sets `allowed`, of at least keyWords(last) words, to the keys from `first` to before `last` that
/// `masks` allow.
void setAllowed(int64_t first, int64_t last, const RowMasks &masks, std::span<uint64_t> allowed,
                const InnerLoops &loops = fastestLoops());

/// Appends the keys from `first` to before `last` that `masks` allow.
void appendAllowed(int64_t first, int64_t last, const RowMasks &masks, std::vector<uint32_t> &list);

/// Whether the biases alone leave the keys from `first` to before `last` without an allowed one,
/// though one of them is finite; `masks` allow none of the keys.
bool areMaskedByFiniteBias(int64_t first, int64_t last, const RowMasks &masks);

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_KERNELS_ROWMASKS_H
