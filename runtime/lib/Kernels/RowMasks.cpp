//===- RowMasks.cpp - Which keys a row may use ----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowMasks.h"
#include "Numerics.h"

#include <algorithm>
#include <cmath>

using namespace sprint;

/// Sets `allowed` to the keys of a range that all masks but the bias allow.
static void setUnmasked(int64_t first, int64_t last, const RowMasks &masks,
                        std::span<uint64_t> allowed, const InnerLoops &loops) {
  std::ranges::fill(allowed, 0);
  if (first >= last)
    return;
  size_t begin = first / kTileKeys, end = keyWords(last);
  std::fill(allowed.begin() + begin, allowed.begin() + end, ~uint64_t(0));
  allowed[begin] &= ~uint64_t(0) << first % kTileKeys;
  allowed[end - 1] &= ~uint64_t(0) >> (-last & (kTileKeys - 1));
  // Nothing before the first word is looked at.
  size_t skipped = begin * kTileKeys, size = last - skipped;
  uint64_t *words = allowed.data() + begin;
  if (!masks.keyValid.empty())
    loops.keepFlagged(masks.keyValid.data() + skipped, words, size);
  if (!masks.mask.empty())
    loops.keepFlagged(masks.mask.data() + skipped, words, size);
  if (!masks.keySegments.empty())
    loops.keepEqual(masks.keySegments.data() + skipped, masks.querySegment, words, size);
}

void sprint::setAllowed(int64_t first, int64_t last, const RowMasks &masks,
                        std::span<uint64_t> allowed, const InnerLoops &loops) {
  setUnmasked(first, last, masks, allowed, loops);
  if (masks.bias.empty() || first >= last)
    return;
  size_t begin = first / kTileKeys, skipped = begin * kTileKeys, size = last - skipped;
  const int32_t *biases = masks.bias.data() + skipped;
  uint64_t *words = allowed.data() + begin;
  loops.keepAtLeast(biases, kMaskedBias + 1, words, size);
  if (loops.count(words, keyWords(static_cast<int64_t>(size))) == 0)
    return;
  int64_t leastBias = loops.largest(biases, words, size) - masks.reach;
  if (leastBias > kMaskedBias)
    loops.keepAtLeast(biases, static_cast<int32_t>(leastBias), words, size);
}

void sprint::appendAllowed(int64_t first, int64_t last, const RowMasks &masks,
                           std::vector<uint32_t> &list) {
  const InnerLoops &loops = fastestLoops();
  std::vector<uint64_t> allowed(keyWords(last));
  setAllowed(first, last, masks, allowed, loops);
  int64_t count = loops.count(allowed.data(), allowed.size());
  // There is room for what is stored beyond the keys.
  size_t begin = list.size();
  list.resize(begin + count + kTileKeys);
  loops.list(allowed.data(), allowed.size(), list.data() + begin);
  list.resize(begin + count);
}

bool sprint::areMaskedByFiniteBias(int64_t first, int64_t last, const RowMasks &masks) {
  if (masks.bias.empty() || first >= last)
    return false;
  std::vector<uint64_t> unmasked(keyWords(last));
  setUnmasked(first, last, masks, unmasked, fastestLoops());
  for (int64_t key = first; key < last; ++key)
    if ((unmasked[key / kTileKeys] >> key % kTileKeys & 1) && std::isfinite(masks.biasLogits[key]))
      return true;
  return false;
}
