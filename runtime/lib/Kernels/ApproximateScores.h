//===- ApproximateScores.h - Scores of four-bit codes ---------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_KERNELS_APPROXIMATESCORES_H
#define SPRINTRUNTIME_LIB_KERNELS_APPROXIMATESCORES_H

#include "InnerLoops.h"
#include "Numerics.h"
#include "SprintRuntime/Buffer.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sprint {

/// What is added to a code before its low nibble is dropped (docs/numerics.md, section 2).
int8_t centringOf(Nibble nibble);

/// High nibbles of a head's keys, as the crossbar holds them: tiles of kTileKeys keys, of which
/// each has the keys of four channels side by side. The last tile is filled up, and channels are to
/// a multiple of four. InnerLoops::scoreTiles says more.
class KeyNibbles {
public:
  KeyNibbles(std::span<const int8_t> codes, int64_t channels, Nibble nibble);

  int64_t quads() const { return quadsPerKey; }
  int64_t tiles() const { return static_cast<int64_t>(nibbles.size()) / tileBytes(); }
  const uint8_t *tile(int64_t index) const { return nibbles.data() + index * tileBytes(); }

private:
  int64_t tileBytes() const { return quadsPerKey * kTileKeys * kQuadChannels; }

  int64_t quadsPerKey;
  Buffer<uint8_t> nibbles;
};

/// High nibbles of a head's queries.
class QueryNibbles {
public:
  QueryNibbles(std::span<const int8_t> codes, int64_t channels, Nibble nibble);

  /// The block that begins with a multiple of kBlockQueries.
  NibbleBlock block(int64_t first) const {
    return {nibbles.data() + first * stride, stride, offsets.data() + first,
            std::min(kBlockQueries, queries - first)};
  }

private:
  int64_t queries;
  int64_t stride;
  Buffer<int8_t> nibbles;
  std::vector<int32_t> offsets;
};

/// Approximate scores of one head, without biases, computed as they are asked for: a block of
/// queries for a tile of keys at a time, because a tile is then read from memory once for the
/// block.
class ApproximateScores {
public:
  /// `queries` and `keys` outlive this.
  ApproximateScores(const QueryNibbles &queries, const KeyNibbles &keys,
                    const InnerLoops &loops = fastestLoops());
  /// Of codes, which need not outlive this.
  ApproximateScores(std::span<const int8_t> queryCodes, std::span<const int8_t> keyCodes,
                    int64_t channels, Nibble nibble);

  /// Scores of `query` with the keys from `first` to before `last`; valid until the next call. As
  /// many as fill up the tile of the last key can be read.
  std::span<const int32_t> row(int64_t query, int64_t first, int64_t last);

private:
  /// A little more than a row, since rows that are a power of two apart would compete for the same
  /// lines of the cache.
  int64_t stride() const { return keys.tiles() * kTileKeys + 16; }

  /// Empty where others own the nibbles.
  std::unique_ptr<const QueryNibbles> ownQueries;
  std::unique_ptr<const KeyNibbles> ownKeys;
  const QueryNibbles &queries;
  const KeyNibbles &keys;
  const InnerLoops &loops;
  /// First query of the block in `scores`.
  int64_t blockBegin = -1;
  std::vector<uint8_t> isTileDone;
  /// `[kBlockQueries, stride]`.
  Buffer<int32_t> scores;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_KERNELS_APPROXIMATESCORES_H
