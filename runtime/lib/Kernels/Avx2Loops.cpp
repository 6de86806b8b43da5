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
#include <array>
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

/// 32-bit numbers of a vector.
constexpr size_t kWords = 8;

/// Bits of 64 keys, those whose value is `bound`, or is less.
template <bool isEqual>
SPRINT_AVX2 inline uint64_t compareWord(const int32_t *values, int32_t bound) {
  const __m256i bounds = _mm256_set1_epi32(bound);
  uint64_t word = 0;
  for (size_t key = 0; key < kTileKeys; key += kWords) {
    __m256i some = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(values + key));
    __m256i compared =
        isEqual ? _mm256_cmpeq_epi32(bounds, some) : _mm256_cmpgt_epi32(bounds, some);
    int mask = _mm256_movemask_ps(_mm256_castsi256_ps(compared));
    word |= uint64_t(uint32_t(mask)) << key;
  }
  return word;
}

SPRINT_AVX2 void keepAtLeast(const int32_t *values, int32_t bound, uint64_t *keys, size_t size) {
  size_t begin = 0;
  for (; begin + kTileKeys <= size; begin += kTileKeys)
    keys[begin / kTileKeys] &= ~compareWord<false>(values + begin, bound);
  portable::keepAtLeast(values + begin, bound, keys + begin / kTileKeys, size - begin);
}

SPRINT_AVX2 void keepEqual(const int32_t *values, int32_t bound, uint64_t *keys, size_t size) {
  size_t begin = 0;
  for (; begin + kTileKeys <= size; begin += kTileKeys)
    keys[begin / kTileKeys] &= compareWord<true>(values + begin, bound);
  portable::keepEqual(values + begin, bound, keys + begin / kTileKeys, size - begin);
}

/// For each byte of a word of keys the places of its bits, one a byte, ascending.
constexpr std::array<uint64_t, 256> kPlacesOfBits = [] {
  std::array<uint64_t, 256> places{};
  for (uint64_t byte = 0; byte < places.size(); ++byte) {
    int count = 0;
    for (uint64_t bit = 0; bit < 8; ++bit)
      if (byte >> bit & 1)
        places[byte] |= bit << 8 * count++;
  }
  return places;
}();

SPRINT_AVX2 void list(const uint64_t *keys, size_t words, uint32_t *list) {
  for (size_t word = 0; word < words; ++word) {
    uint64_t bits = keys[word];
    for (size_t begin = word * kTileKeys; bits != 0; begin += 8, bits >>= 8) {
      __m256i places =
          _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(kPlacesOfBits[bits & 0xff])));
      // What is behind those that are there, the next ones replace.
      _mm256_storeu_si256(reinterpret_cast<__m256i *>(list),
                          _mm256_add_epi32(places, _mm256_set1_epi32(static_cast<int>(begin))));
      list += std::popcount(bits & 0xff);
    }
  }
}

/// Channels that are multiplied at a time, as 16-bit numbers.
constexpr int64_t kChannels = 16;

/// The sums of the numbers of each of eight vectors.
SPRINT_AVX2 inline __m256i addAcross(const __m256i *vectors) {
  __m256i fours[2];
  for (int four = 0; four < 2; ++four, vectors += 4)
    fours[four] = _mm256_hadd_epi32(_mm256_hadd_epi32(vectors[0], vectors[1]),
                                    _mm256_hadd_epi32(vectors[2], vectors[3]));
  return _mm256_add_epi32(_mm256_permute2x128_si256(fours[0], fours[1], 0x20),
                          _mm256_permute2x128_si256(fours[0], fours[1], 0x31));
}

SPRINT_AVX2 int32_t exactScores(const int8_t *query, const uint8_t *keys, int64_t channels,
                                std::span<const uint32_t> list, int32_t *scores) {
  const __m256i excess = _mm256_set1_epi32(kCodeOffset * portable::sum(query, channels));
  // The query's last channels, with zeros that make up for what is read beyond a key.
  int64_t whole = channels / kChannels * kChannels;
  alignas(kChannels) int8_t rest[kChannels] = {};
  std::copy(query + whole, query + channels, rest);
  __m256i maxima = _mm256_set1_epi32(std::numeric_limits<int32_t>::min());
  for (size_t first = 0; first < list.size(); first += kWords) {
    size_t size = std::min(kWords, list.size() - first);
    const uint8_t *rows[kWords];
    for (size_t row = 0; row < kWords; ++row) {
      // Where keys are missing, the first one stands once more.
      rows[row] = keys + list[first + (row < size ? row : 0)] * channels;
      size_t later = first + row + portable::kPrefetchDistance;
      if (later < list.size())
        __builtin_prefetch(keys + list[later] * channels);
    }
    __m256i sums[kWords];
    for (__m256i &sum : sums)
      sum = _mm256_setzero_si256();
    for (int64_t channel = 0; channel < channels; channel += kChannels) {
      const int8_t *codes = channel < whole ? query + channel : rest;
      __m256i ofQuery =
          _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i *>(codes)));
      for (size_t row = 0; row < kWords; ++row) {
        __m256i ofKey = _mm256_cvtepu8_epi16(
            _mm_loadu_si128(reinterpret_cast<const __m128i *>(rows[row] + channel)));
        sums[row] = _mm256_add_epi32(sums[row], _mm256_madd_epi16(ofKey, ofQuery));
      }
    }
    __m256i result = _mm256_sub_epi32(addAcross(sums), excess);
    maxima = _mm256_max_epi32(maxima, result);
    if (size == kWords) {
      _mm256_storeu_si256(reinterpret_cast<__m256i *>(scores + first), result);
    } else {
      alignas(32) int32_t some[kWords];
      _mm256_store_si256(reinterpret_cast<__m256i *>(some), result);
      std::copy_n(some, size, scores + first);
    }
  }
  alignas(32) int32_t all[kWords];
  _mm256_store_si256(reinterpret_cast<__m256i *>(all), maxima);
  return *std::max_element(all, all + kWords);
}

bool isSupported() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("lzcnt") &&
         __builtin_cpu_supports("popcnt");
}

constexpr InnerLoops allLoops() {
  InnerLoops loops = portable::loops("avx2", isSupported);
  loops.scoreTiles = scoreTiles;
  loops.keepAtLeast = keepAtLeast;
  loops.keepEqual = keepEqual;
  loops.list = list;
  loops.exactScores = exactScores;
  return loops;
}

} // namespace

constinit const InnerLoops sprint::kAvx2Loops = allLoops();

#endif // defined(__x86_64__)
