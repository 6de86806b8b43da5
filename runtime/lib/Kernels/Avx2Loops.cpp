//===- Avx2Loops.cpp - Loops for AVX2 -------------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopSets.h"

#if defined(__x86_64__)

#include "Numerics.h"
#include "SprintRuntime/ExponentTables.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include <immintrin.h>

using namespace sprint;

#define SPRINT_AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))

namespace {

namespace portable {
#define SPRINT_LOOP [[maybe_unused]] SPRINT_AVX2 static
#include "PortableLoops.inc"
} // namespace portable

SPRINT_AVX2 void scoreTile(const NibbleBlock &queries, const uint8_t *tile, int64_t quads,
                           int32_t *scores, int64_t scoreStride) {
  // So many keys at a time that their sums, two for each quad, stay in registers.
  constexpr int64_t kVectors = 8, kVectorKeys = kTileKeys / kVectors;
  // Sums of two products are at most 2 * 15 * 8, so that so many fit in 16 bits.
  constexpr int64_t kQuads = 128;
  const __m256i ones = _mm256_set1_epi16(1);
  for (int64_t query = 0; query < queries.count; ++query) {
    int32_t *result = scores + query * scoreStride;
    std::fill_n(result, kTileKeys, queries.offsets[query]);
    for (int64_t begin = 0; begin < quads; begin += kQuads) {
      __m256i sums[kVectors];
      for (int64_t vector = 0; vector < kVectors; ++vector)
        sums[vector] = _mm256_setzero_si256();
      for (int64_t quad = begin; quad < std::min(begin + kQuads, quads); ++quad) {
        int32_t nibbles;
        std::memcpy(&nibbles, queries.nibbles + query * queries.stride + quad * kQuadChannels,
                    sizeof(nibbles));
        __m256i repeated = _mm256_set1_epi32(nibbles);
        for (int64_t vector = 0; vector < kVectors; ++vector) {
          __m256i keys = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(
              tile + (quad * kTileKeys + vector * kVectorKeys) * kQuadChannels));
          sums[vector] = _mm256_add_epi16(sums[vector], _mm256_maddubs_epi16(keys, repeated));
        }
      }
      for (int64_t vector = 0; vector < kVectors; ++vector) {
        auto *keyScores = reinterpret_cast<__m256i *>(result + vector * kVectorKeys);
        _mm256_storeu_si256(keyScores, _mm256_add_epi32(_mm256_loadu_si256(keyScores),
                                                        _mm256_madd_epi16(sums[vector], ones)));
      }
    }
  }
}

SPRINT_AVX2 void scoreTiles(const NibbleBlock &queries, const uint8_t *tiles, int64_t count,
                            int64_t quads, int32_t *scores, int64_t scoreStride) {
  for (int64_t tile = 0; tile < count; ++tile)
    scoreTile(queries, tiles + tile * quads * kTileKeys * kQuadChannels, quads,
              scores + tile * kTileKeys, scoreStride);
}

bool isSupported() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("lzcnt") &&
         __builtin_cpu_supports("popcnt");
}

constexpr InnerLoops allLoops() {
  InnerLoops loops = portable::loops("avx2", isSupported);
  loops.scoreTiles = scoreTiles;
  return loops;
}

} // namespace

constinit const InnerLoops sprint::kAvx2Loops = allLoops();

#endif // defined(__x86_64__)
