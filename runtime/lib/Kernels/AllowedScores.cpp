//===- AllowedScores.cpp - Scores of the keys that a row may use ----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AllowedScores.h"
#include "Numerics.h"

using namespace sprint;

void AllowedScores::assign(std::span<const int32_t> scores, int64_t first, const RowMasks &masks) {
  this->first = first;
  isMasked = !masks.isEmpty();
  if (!isMasked) {
    allowed = scores;
    return;
  }
  keys.clear();
  appendAllowed(first, first + static_cast<int64_t>(scores.size()), masks, keys);
  maskedScores.resize(keys.size());
  for (size_t index = 0; index < keys.size(); ++index)
    maskedScores[index] = scores[keys[index] - first];
  if (!masks.bias.empty())
    for (size_t index = 0; index < keys.size(); ++index)
      maskedScores[index] += approximateBias(masks.bias[keys[index]]);
  allowed = maskedScores;
}
