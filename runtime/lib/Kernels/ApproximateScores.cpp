//===- ApproximateScores.cpp - Scores of four-bit codes -------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ApproximateScores.h"

#include <algorithm>
#include <cstring>

using namespace sprint;

static int64_t quadsOf(int64_t channels) { return (channels + kQuadChannels - 1) / kQuadChannels; }

int8_t sprint::centringOf(Nibble nibble) {
  return static_cast<int8_t>(nibble == Nibble::Centred ? kCentring : 0);
}

KeyNibbles::KeyNibbles(std::span<const int8_t> codes, int64_t channels, Nibble nibble)
    : quadsPerKey(quadsOf(channels)) {
  const InnerLoops &loops = fastestLoops();
  int64_t keys = static_cast<int64_t>(codes.size()) / channels;
  nibbles.assign((keys + kTileKeys - 1) / kTileKeys * tileBytes(), 0);
  std::vector<int8_t> row(quadsPerKey * kQuadChannels);
  for (int64_t key = 0; key < keys; ++key) {
    loops.highNibbles(codes.data() + key * channels, channels, centringOf(nibble), kNibbleOffset,
                      row.data());
    uint8_t *column =
        nibbles.data() + key / kTileKeys * tileBytes() + key % kTileKeys * kQuadChannels;
    for (int64_t quad = 0; quad < quadsPerKey; ++quad)
      std::memcpy(column + quad * kTileKeys * kQuadChannels, row.data() + quad * kQuadChannels,
                  kQuadChannels);
  }
}

QueryNibbles::QueryNibbles(std::span<const int8_t> codes, int64_t channels, Nibble nibble)
    : queries(static_cast<int64_t>(codes.size()) / channels),
      stride(quadsOf(channels) * kQuadChannels) {
  const InnerLoops &loops = fastestLoops();
  int64_t padded = (queries + kBlockQueries - 1) / kBlockQueries * kBlockQueries;
  nibbles.assign(padded * stride, 0);
  offsets.resize(padded);
  for (int64_t query = 0; query < queries; ++query) {
    int8_t *row = nibbles.data() + query * stride;
    loops.highNibbles(codes.data() + query * channels, channels, centringOf(nibble), 0, row);
    offsets[query] = -kNibbleOffset * loops.sum(row, channels);
  }
}

ApproximateScores::ApproximateScores(const QueryNibbles &queries, const KeyNibbles &keys,
                                     const InnerLoops &loops)
    : queries(queries), keys(keys), loops(loops), isTileDone(keys.tiles()),
      scores(kBlockQueries * stride()) {}

ApproximateScores::ApproximateScores(std::span<const int8_t> queryCodes,
                                     std::span<const int8_t> keyCodes, int64_t channels,
                                     Nibble nibble)
    : ownQueries(std::make_unique<QueryNibbles>(queryCodes, channels, nibble)),
      ownKeys(std::make_unique<KeyNibbles>(keyCodes, channels, nibble)), queries(*ownQueries),
      keys(*ownKeys), loops(fastestLoops()), isTileDone(keys.tiles()),
      scores(kBlockQueries * stride()) {}

std::span<const int32_t> ApproximateScores::row(int64_t query, int64_t first, int64_t last) {
  int64_t begin = query - query % kBlockQueries;
  if (begin != blockBegin) {
    blockBegin = begin;
    std::ranges::fill(isTileDone, 0);
  }
  int64_t end = (last + kTileKeys - 1) / kTileKeys;
  for (int64_t tile = first / kTileKeys; tile < end;) {
    if (isTileDone[tile]) {
      ++tile;
      continue;
    }
    // As many as there are side by side.
    int64_t run = tile;
    for (; run < end && !isTileDone[run]; ++run)
      isTileDone[run] = 1;
    loops.scoreTiles(queries.block(begin), keys.tile(tile), run - tile, keys.quads(),
                     scores.data() + tile * kTileKeys, stride());
    tile = run;
  }
  return {scores.data() + (query - begin) * stride() + first, static_cast<size_t>(last - first)};
}
