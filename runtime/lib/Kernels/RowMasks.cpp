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
#include <type_traits>

using namespace sprint;

/// Calls `visitKey` for every key of the range, with whether key_valid, mask and segments allow it
/// and its bias is at least `leastBias`.
template <typename Visit>
static void forEachKey(int64_t first, int64_t last, const RowMasks &masks, int64_t leastBias,
                       Visit visitKey) {
  // Which masks there are is settled outside of the loop over keys.
  auto visit = [&](auto keyValid, auto mask, auto segments, auto bias) {
    for (int64_t key = first; key < last; ++key) {
      bool isAllowed = true;
      if constexpr (keyValid())
        isAllowed &= masks.keyValid[key];
      if constexpr (mask())
        isAllowed &= masks.mask[key];
      if constexpr (segments())
        isAllowed &= masks.keySegments[key] == masks.querySegment;
      if constexpr (bias())
        isAllowed &= masks.bias[key] >= leastBias;
      visitKey(key, isAllowed);
    }
  };
  auto choose = [](bool isThere, auto next) {
    isThere ? next(std::true_type()) : next(std::false_type());
  };
  choose(!masks.keyValid.empty(), [&](auto keyValid) {
    choose(!masks.mask.empty(), [&](auto mask) {
      choose(!masks.keySegments.empty(), [&](auto segments) {
        choose(!masks.bias.empty(), [&](auto bias) { visit(keyValid, mask, segments, bias); });
      });
    });
  });
}

void sprint::appendAllowed(int64_t first, int64_t last, const RowMasks &masks,
                           std::vector<uint32_t> &list) {
  int64_t leastBias = kMaskedBias;
  if (!masks.bias.empty()) {
    int32_t largest = kMaskedBias;
    forEachKey(first, last, masks, kMaskedBias, [&](int64_t key, bool isAllowed) {
      largest = isAllowed ? std::max(largest, masks.bias[key]) : largest;
    });
    leastBias = std::max<int64_t>(int64_t(kMaskedBias) + 1, largest - masks.reach);
  }
  size_t count = list.size();
  list.resize(count + static_cast<size_t>(last - first));
  forEachKey(first, last, masks, leastBias, [&](int64_t key, bool isAllowed) {
    list[count] = static_cast<uint32_t>(key);
    count += isAllowed;
  });
  list.resize(count);
}

bool sprint::areMaskedByFiniteBias(int64_t first, int64_t last, const RowMasks &masks) {
  if (masks.bias.empty())
    return false;
  bool isFinite = false;
  forEachKey(first, last, masks, kMaskedBias, [&](int64_t key, bool isAllowed) {
    isFinite |= isAllowed && std::isfinite(masks.biasLogits[key]);
  });
  return isFinite;
}
