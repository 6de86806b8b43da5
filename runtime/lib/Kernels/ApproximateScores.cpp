//===- ApproximateScores.cpp - Scores of four-bit codes -------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ApproximateScores.h"

#include <algorithm>

using namespace sprint;

ApproximateScores::ApproximateScores(std::span<const int8_t> queryCodes,
                                     std::span<const int8_t> keyCodes, int64_t channels,
                                     Nibble nibble)
    : keys(keyCodes, channels, nibble), channels(channels) {
  queries.reserve(queryCodes.size());
  for (int8_t code : queryCodes)
    queries.push_back(highNibble(code, nibble));
  isTileDone.resize(keys.tiles());
  scores.resize(kBlockQueries * keys.tiles() * kTileKeys);
}

std::span<const int32_t> ApproximateScores::row(int64_t query, int64_t first, int64_t last) {
  int64_t begin = query - query % kBlockQueries;
  if (begin != blockBegin) {
    blockBegin = begin;
    std::ranges::fill(isTileDone, 0);
  }
  int64_t end =
      std::min<int64_t>(begin + kBlockQueries, static_cast<int64_t>(queries.size()) / channels);
  int64_t stride = keys.tiles() * kTileKeys;
  for (int64_t tile = first / kTileKeys; tile * kTileKeys < last; ++tile) {
    if (isTileDone[tile])
      continue;
    isTileDone[tile] = 1;
    for (int64_t other = begin; other < end; ++other)
      keys.scores(queries.data() + other * channels, tile,
                  scores.data() + (other - begin) * stride + tile * kTileKeys);
  }
  return {scores.data() + (query - begin) * stride + first, static_cast<size_t>(last - first)};
}
