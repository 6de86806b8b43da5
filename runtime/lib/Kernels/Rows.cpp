//===- Rows.cpp - Selects and recomputes rows -----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rows.h"

#include <algorithm>
#include <utility>

using namespace sprint;

KeyHeadCodes::KeyHeadCodes(const std::vector<int8_t> &keys, const std::vector<int8_t> &values,
                           int64_t headDim, int64_t valueDim, Nibble nibble)
    : headDim(headDim), valueDim(valueDim), size(static_cast<int64_t>(keys.size()) / headDim),
      keys(keys, headDim), values(values.size()), highNibbles(keys, headDim, nibble) {
  std::ranges::copy(values, this->values.begin());
}

HeadCodes::HeadCodes(std::vector<int8_t> queries, std::shared_ptr<const KeyHeadCodes> tokens,
                     const HeadParameters &parameters, const Widths &widths)
    : queries(std::move(queries)), highNibbles(this->queries, tokens->headDim, widths.nibble),
      tokens(std::move(tokens)), parameters(parameters), widths(widths) {}

RowKernels::RowKernels(const HeadCodes &head, const InnerLoops &loops)
    : head(head), loops(loops), approximate(head.highNibbles, head.tokens->highNibbles, loops),
      listedKeys(head.tokens->size + kTileKeys), scores(head.tokens->size),
      weights(head.tokens->size), sums(head.tokens->valueDim) {}

SelectedRow RowKernels::select(const RowRange &row, const RowMasks &masks,
                               std::span<uint64_t> kept) {
  SelectedRow result;
  setAllowed(row.first, row.last, masks, kept, loops);
  result.allowed = result.kept = loops.count(kept.data(), kept.size());
  bool hasBias = !masks.bias.empty();
  if (result.allowed == 0) {
    result.isMaskedByBias = hasBias && areMaskedByFiniteBias(row.first, row.last, masks);
    return result;
  }
  // Whole words of keys, from that of the first one on.
  int64_t begin = row.first / kTileKeys * kTileKeys;
  size_t size = row.last - begin;
  std::span<uint64_t> words = kept.subspan(begin / kTileKeys, keyWords(row.last - begin));
  if (hasBias)
    for (int32_t bound : {-kMaxBias, kMaxBias}) {
      clamped.assign(words.begin(), words.end());
      loops.keepEqual(masks.bias.data() + begin, bound, clamped.data(), size);
      result.clampedBiases += loops.count(clamped.data(), clamped.size());
    }
  if (!row.isPruned)
    return result;
  const int32_t *rowScores = approximate.row(row.query, begin, row.last).data();
  if (hasBias) {
    loops.addApproximateBiases(rowScores, masks.bias.data() + begin, size, scores.data());
    rowScores = scores.data();
  }
  int64_t threshold = head.parameters.threshold;
  loops.keepAtLeast(rowScores, static_cast<int32_t>(threshold), words.data(), size);
  result.kept = loops.count(words.data(), words.size());
  if (result.kept != 0)
    return result;
  // No key reaches the threshold, which few rows are expected to find.
  setAllowed(row.first, row.last, masks, kept, loops);
  result.retries = retriesOf(threshold, loops.largest(rowScores, words.data(), size));
  // Not far below the maximum, which is well within 32 bits.
  auto lowered = static_cast<int32_t>(loweredThreshold(threshold, result.retries));
  loops.keepAtLeast(rowScores, lowered, words.data(), size);
  result.kept = loops.count(words.data(), words.size());
  return result;
}

void RowKernels::recompute(int64_t query, std::span<const uint64_t> kept, int64_t count,
                           std::span<const int32_t> biases, std::span<int32_t> codes) {
  if (count == 0) {
    std::ranges::fill(codes, 0);
    return;
  }
  const KeyHeadCodes &tokens = *head.tokens;
  loops.list(kept.data(), kept.size(), listedKeys.data());
  std::span<const uint32_t> keys(listedKeys.data(), count);
  std::span<int32_t> keptScores(scores.data(), count);
  int32_t maximum = tokens.keys.exactScores(head.queries.data() + query * tokens.headDim, keys,
                                            scores.data(), loops);
  if (!biases.empty()) {
    for (size_t index = 0; index < keys.size(); ++index)
      scores[index] += biases[keys[index]];
    maximum = largestScore(keptScores);
  }
  int64_t exponentSum =
      sprint::weights(keptScores, maximum, head.parameters, head.widths, weights.data(), loops);
  weightedSums(tokens.values.data(), tokens.valueDim, keys, weights.data(), sums.data(), loops);
  outputCodes(sums, exponentSum, head.widths, codes.data(), loops);
}
