//===- Rows.cpp - Selects and recomputes rows -----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rows.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <utility>

using namespace sprint;

KeyHeadCodes::KeyHeadCodes(std::vector<int8_t> keys, std::vector<int8_t> values, int64_t headDim,
                           int64_t valueDim, Nibble nibble)
    : headDim(headDim), valueDim(valueDim), size(static_cast<int64_t>(keys.size()) / headDim),
      keys(std::move(keys)), values(std::move(values)), highNibbles(this->keys, headDim, nibble) {}

HeadCodes::HeadCodes(std::vector<int8_t> queries, std::shared_ptr<const KeyHeadCodes> tokens,
                     const HeadParameters &parameters, const Widths &widths)
    : queries(std::move(queries)), tokens(std::move(tokens)), parameters(parameters),
      widths(widths) {
  queryNibbles.reserve(this->queries.size());
  for (int8_t code : this->queries)
    queryNibbles.push_back(highNibble(code, widths.nibble));
}

RowKernels::RowKernels(const HeadCodes &head)
    : head(head), blockScores(kBlockQueries * head.tokens->highNibbles.tiles() * kTileKeys),
      isTileDone(head.tokens->highNibbles.tiles()), sums(head.tokens->valueDim) {}

std::span<const int32_t> RowKernels::approximateScores(int64_t query, int64_t first, int64_t last) {
  int64_t headDim = head.tokens->headDim;
  int64_t begin = query - query % kBlockQueries;
  if (begin != blockBegin) {
    blockBegin = begin;
    std::ranges::fill(isTileDone, 0);
  }
  int64_t end =
      std::min(begin + kBlockQueries, static_cast<int64_t>(head.queries.size()) / headDim);
  int64_t stride = static_cast<int64_t>(isTileDone.size()) * kTileKeys;
  for (int64_t tile = first / kTileKeys; tile * kTileKeys < last; ++tile) {
    if (isTileDone[tile])
      continue;
    isTileDone[tile] = 1;
    for (int64_t other = begin; other < end; ++other)
      head.tokens->highNibbles.scores(head.queryNibbles.data() + other * headDim, tile,
                                      blockScores.data() + (other - begin) * stride +
                                          tile * kTileKeys);
  }
  return {blockScores.data() + (query - begin) * stride + first, static_cast<size_t>(last - first)};
}

SelectedRow RowKernels::select(const RowRange &row, const RowMasks &masks,
                               std::span<uint64_t> kept) {
  SelectedRow result;
  std::ranges::fill(kept, 0);
  keys.clear();
  appendAllowed(row.first, row.last, masks, keys);
  result.allowed = static_cast<int64_t>(keys.size());
  bool hasBias = !masks.bias.empty();
  if (hasBias) {
    for (uint32_t key : keys)
      result.clampedBiases += std::abs(masks.bias[key]) == kMaxBias;
    result.isMaskedByBias = keys.empty() && areMaskedByFiniteBias(row.first, row.last, masks);
  }
  int64_t threshold = std::numeric_limits<int64_t>::min();
  if (row.isPruned && !keys.empty()) {
    std::span<const int32_t> approximate = approximateScores(row.query, row.first, row.last);
    scores.resize(keys.size());
    for (size_t index = 0; index < keys.size(); ++index)
      scores[index] = approximate[keys[index] - row.first] +
                      (hasBias ? approximateBias(masks.bias[keys[index]]) : 0);
    result.retries = retriesOf(head.parameters.threshold, largestScore(scores));
    threshold = loweredThreshold(head.parameters.threshold, result.retries);
  }
  for (size_t index = 0; index < keys.size(); ++index) {
    bool isKept = !row.isPruned || scores[index] >= threshold;
    kept[keys[index] / 64] |= uint64_t(isKept) << keys[index] % 64;
    result.kept += isKept;
  }
  return result;
}

void RowKernels::list(std::span<const uint64_t> kept, int64_t count) {
  keys.resize(count);
  size_t index = 0;
  for (size_t word = 0; word < kept.size(); ++word)
    for (uint64_t bits = kept[word]; bits != 0; bits &= bits - 1)
      keys[index++] = static_cast<uint32_t>(word * 64 + std::countr_zero(bits));
}

void RowKernels::recompute(int64_t query, std::span<const uint64_t> kept, int64_t count,
                           std::span<const int32_t> biases, std::span<int32_t> codes) {
  if (count == 0) {
    std::ranges::fill(codes, 0);
    return;
  }
  const KeyHeadCodes &tokens = *head.tokens;
  list(kept, count);
  scores.resize(count);
  weights.resize(count);
  int32_t maximum = exactScores(head.queries.data() + query * tokens.headDim, tokens.keys.data(),
                                tokens.headDim, keys, scores.data());
  if (!biases.empty()) {
    for (size_t index = 0; index < keys.size(); ++index)
      scores[index] += biases[keys[index]];
    maximum = largestScore(scores);
  }
  int64_t exponentSum =
      sprint::weights(scores, maximum, head.parameters, head.widths, weights.data());
  weightedSums(tokens.values.data(), tokens.valueDim, keys, weights.data(), sums.data());
  for (int64_t channel = 0; channel < tokens.valueDim; ++channel)
    codes[channel] = outputCode(sums[channel], exponentSum, head.widths);
}
