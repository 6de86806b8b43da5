//===- AmxLoops.cpp - Loops for tile registers ----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loops for AVX-512, but that products of blocks are left to the matrix unit of processors that
// have one (AMX).
//
//===----------------------------------------------------------------------===//

#include "LoopSets.h"

#if defined(__x86_64__) && defined(__linux__)

#include <algorithm>
#include <array>
#include <cstring>

#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace sprint;

#define SPRINT_AMX __attribute__((target("avx512f,amx-tile,amx-int8")))

namespace {

/// Rows of a tile register, bytes of each, and quads of a row.
constexpr int kRows = 16, kRowBytes = 64, kRowQuads = 16;

/// What the processor is told of its tile registers.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t startRow = 0;
  std::array<uint8_t, 14> reserved{};
  std::array<uint16_t, 16> rowBytes{};
  std::array<uint8_t, 16> rows{};
};

/// Registers 0 to 3 have scores of 16 queries with 16 keys, 4 and 5 nibbles of queries and keys for
/// 16 quads, and 6 and 7 those for the `rest`.
TileConfig configOf(int64_t rest) {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.rows[tile] = kRows;
    config.rowBytes[tile] = kRowBytes;
  }
  config.rowBytes[6] = static_cast<uint16_t>(std::max<int64_t>(rest, 1) * kQuadChannels);
  config.rows[7] = static_cast<uint8_t>(std::max<int64_t>(rest, 1));
  return config;
}

SPRINT_AMX void scoreTiles(const NibbleBlock &queries, const uint8_t *tiles, int64_t count,
                           int64_t quads, int32_t *scores, int64_t scoreStride) {
  constexpr int64_t kQuadBytes = kTileKeys * kQuadChannels;
  static_assert(kBlockQueries == kRows && kTileKeys == 4 * kRows);
  alignas(64) int32_t offsets[kRows][kRows];
  for (int row = 0; row < kRows; ++row)
    std::fill_n(offsets[row], kRows, queries.offsets[row]);
  int64_t rest = quads % kRowQuads;
  TileConfig config = configOf(rest);
  _tile_loadconfig(&config);
  for (int64_t tile = 0; tile < count; ++tile, scores += kTileKeys) {
    _tile_loadd(0, offsets, kRowBytes);
    _tile_loadd(1, offsets, kRowBytes);
    _tile_loadd(2, offsets, kRowBytes);
    _tile_loadd(3, offsets, kRowBytes);
    const int8_t *nibbles = queries.nibbles;
    for (int64_t quad = 0; quad + kRowQuads <= quads; quad += kRowQuads) {
      _tile_loadd(4, nibbles, queries.stride);
      _tile_loadd(5, tiles, kQuadBytes);
      _tile_dpbsud(0, 4, 5);
      _tile_loadd(5, tiles + kRowBytes, kQuadBytes);
      _tile_dpbsud(1, 4, 5);
      _tile_loadd(5, tiles + 2 * kRowBytes, kQuadBytes);
      _tile_dpbsud(2, 4, 5);
      _tile_loadd(5, tiles + 3 * kRowBytes, kQuadBytes);
      _tile_dpbsud(3, 4, 5);
      nibbles += kRowBytes;
      tiles += kRowQuads * kQuadBytes;
    }
    if (rest != 0) {
      _tile_loadd(6, nibbles, queries.stride);
      _tile_loadd(7, tiles, kQuadBytes);
      _tile_dpbsud(0, 6, 7);
      _tile_loadd(7, tiles + kRowBytes, kQuadBytes);
      _tile_dpbsud(1, 6, 7);
      _tile_loadd(7, tiles + 2 * kRowBytes, kQuadBytes);
      _tile_dpbsud(2, 6, 7);
      _tile_loadd(7, tiles + 3 * kRowBytes, kQuadBytes);
      _tile_dpbsud(3, 6, 7);
      tiles += rest * kQuadBytes;
    }
    int64_t strideBytes = scoreStride * static_cast<int64_t>(sizeof(int32_t));
    _tile_stored(0, scores, strideBytes);
    _tile_stored(1, scores + kRows, strideBytes);
    _tile_stored(2, scores + 2 * kRows, strideBytes);
    _tile_stored(3, scores + 3 * kRows, strideBytes);
  }
  // Other threads' registers need not be kept for this one.
  _tile_release();
}

bool isSupported() {
  // The system grants tile registers, which are large, only to those that ask for them.
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return kAvx512Loops.isSupported() && __builtin_cpu_supports("amx-int8") &&
         syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

} // namespace

const InnerLoops &sprint::amxLoops() {
  static const InnerLoops loops = [] {
    InnerLoops loops = kAvx512Loops;
    loops.name = "amx";
    loops.isSupported = isSupported;
    loops.scoreTiles = scoreTiles;
    return loops;
  }();
  return loops;
}

#endif // defined(__x86_64__) && defined(__linux__)
