//===- Avx512Loops.cpp - Loops for AVX-512 --------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Those loops that compilers do not vectorise well by themselves are written with instructions;
// the others are the portable ones.
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

#define SPRINT_AVX512                                                                              \
  __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl,"           \
                        "avx512vbmi2,avx512vnni")))

namespace {

namespace portable {
#define SPRINT_LOOP [[maybe_unused]] SPRINT_AVX512 static
#include "PortableLoops.inc"
} // namespace portable

/// 32-bit and 8-bit numbers of a vector.
constexpr size_t kWords = 16, kBytes = 64;

/// The first `size` bits, of 16 or 64.
SPRINT_AVX512 inline __mmask16 firstWords(size_t size) {
  return size >= kWords ? 0xffff : static_cast<__mmask16>(_bzhi_u32(0xffff, unsigned(size)));
}
SPRINT_AVX512 inline __mmask64 firstBytes(size_t size) {
  return size >= kBytes ? ~uint64_t(0) : _bzhi_u64(~uint64_t(0), unsigned(size));
}

/// Four neighbouring bytes in each 32-bit number.
SPRINT_AVX512 inline __m512i broadcastQuad(const void *bytes) {
  int32_t quad;
  std::memcpy(&quad, bytes, sizeof(quad));
  return _mm512_set1_epi32(quad);
}

/// Scores of one tile for `count` queries, so few that all their sums stay in registers.
template <int count>
SPRINT_AVX512 inline void scoreQueries(const NibbleBlock &queries, int64_t first,
                                       const uint8_t *tile, int64_t quads, int32_t *scores,
                                       int64_t scoreStride) {
  constexpr int kVectors = kTileKeys / kWords;
  __m512i sums[count][kVectors];
  const int8_t *nibbles[count];
  for (int query = 0; query < count; ++query) {
    nibbles[query] = queries.nibbles + (first + query) * queries.stride;
    for (int vector = 0; vector < kVectors; ++vector)
      sums[query][vector] = _mm512_set1_epi32(queries.offsets[first + query]);
  }
  for (int64_t quad = 0; quad < quads; ++quad, tile += kTileKeys * kQuadChannels) {
    __m512i keys[kVectors];
    for (int vector = 0; vector < kVectors; ++vector)
      keys[vector] = _mm512_loadu_si512(tile + vector * kBytes);
    for (int query = 0; query < count; ++query) {
      __m512i channels = broadcastQuad(nibbles[query] + quad * kQuadChannels);
      for (int vector = 0; vector < kVectors; ++vector)
        sums[query][vector] = _mm512_dpbusd_epi32(sums[query][vector], keys[vector], channels);
    }
  }
  for (int query = 0; query < count; ++query)
    for (int vector = 0; vector < kVectors; ++vector)
      _mm512_storeu_si512(scores + (first + query) * scoreStride + vector * kWords,
                          sums[query][vector]);
}

SPRINT_AVX512 void scoreTile(const NibbleBlock &queries, const uint8_t *tile, int64_t quads,
                             int32_t *scores, int64_t scoreStride) {
  int64_t query = 0;
  for (; query + 4 <= queries.count; query += 4)
    scoreQueries<4>(queries, query, tile, quads, scores, scoreStride);
  for (; query < queries.count; ++query)
    scoreQueries<1>(queries, query, tile, quads, scores, scoreStride);
}

SPRINT_AVX512 void scoreTiles(const NibbleBlock &queries, const uint8_t *tiles, int64_t count,
                              int64_t quads, int32_t *scores, int64_t scoreStride) {
  for (int64_t tile = 0; tile < count; ++tile)
    scoreTile(queries, tiles + tile * quads * kTileKeys * kQuadChannels, quads,
              scores + tile * kTileKeys, scoreStride);
}

SPRINT_AVX512 int32_t largest(const int32_t *values, const uint64_t *keys, size_t size) {
  __m512i least = _mm512_set1_epi32(std::numeric_limits<int32_t>::min());
  __m512i maxima[4] = {least, least, least, least};
  for (size_t begin = 0; begin < size; begin += kTileKeys, values += kTileKeys) {
    uint64_t bits = keys[begin / kTileKeys];
    if (bits == ~uint64_t(0))
      for (int vector = 0; vector < 4; ++vector)
        maxima[vector] =
            _mm512_max_epi32(maxima[vector], _mm512_loadu_si512(values + vector * kWords));
    else
      for (int vector = 0; vector < 4; ++vector) {
        auto mask = static_cast<__mmask16>(bits >> (vector * kWords));
        maxima[vector] = _mm512_max_epi32(
            maxima[vector], _mm512_mask_loadu_epi32(least, mask, values + vector * kWords));
      }
  }
  return _mm512_reduce_max_epi32(_mm512_max_epi32(_mm512_max_epi32(maxima[0], maxima[1]),
                                                  _mm512_max_epi32(maxima[2], maxima[3])));
}

/// Keeps the keys of a set for whose values and `bound` a comparison holds.
template <int comparison>
SPRINT_AVX512 inline void keepCompared(const int32_t *values, int32_t bound, uint64_t *keys,
                                       size_t size) {
  __m512i bounds = _mm512_set1_epi32(bound);
  for (size_t begin = 0; begin < size; begin += kTileKeys, values += kTileKeys, ++keys) {
    uint64_t kept = 0;
    if (begin + kTileKeys <= size)
      for (int vector = 0; vector < 4; ++vector) {
        __m512i some = _mm512_loadu_si512(values + vector * kWords);
        kept |= uint64_t(_mm512_cmp_epi32_mask(some, bounds, comparison)) << (vector * kWords);
      }
    else
      for (size_t key = 0; begin + key < size; key += kWords) {
        __mmask16 mask = firstWords(size - begin - key);
        __m512i some = _mm512_maskz_loadu_epi32(mask, values + key);
        kept |= uint64_t(_mm512_mask_cmp_epi32_mask(mask, some, bounds, comparison)) << key;
      }
    *keys &= kept;
  }
}

SPRINT_AVX512 void keepAtLeast(const int32_t *values, int32_t bound, uint64_t *keys, size_t size) {
  keepCompared<_MM_CMPINT_NLT>(values, bound, keys, size);
}

SPRINT_AVX512 void keepEqual(const int32_t *values, int32_t bound, uint64_t *keys, size_t size) {
  keepCompared<_MM_CMPINT_EQ>(values, bound, keys, size);
}

SPRINT_AVX512 void keepFlagged(const uint8_t *flags, uint64_t *keys, size_t size) {
  for (size_t begin = 0; begin < size; begin += kTileKeys) {
    __m512i some = _mm512_maskz_loadu_epi8(firstBytes(size - begin), flags + begin);
    keys[begin / kTileKeys] &= _mm512_test_epi8_mask(some, some);
  }
}

SPRINT_AVX512 void list(const uint64_t *keys, size_t words, uint32_t *list) {
  alignas(kBytes) static constexpr auto kNumbers = [] {
    std::array<uint8_t, kBytes> numbers{};
    for (size_t index = 0; index < kBytes; ++index)
      numbers[index] = static_cast<uint8_t>(index);
    return numbers;
  }();
  const __m512i numbers = _mm512_load_si512(kNumbers.data());
  const __m512i step = _mm512_set1_epi32(kTileKeys);
  __m512i first = _mm512_setzero_si512();
  for (size_t word = 0; word < words; ++word) {
    __m512i some = _mm512_maskz_compress_epi8(keys[word], numbers);
    int64_t count = std::popcount(keys[word]);
    // Whole vectors are stored; the next ones overwrite what is too much.
    _mm512_storeu_si512(
        list, _mm512_add_epi32(first, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(some))));
    _mm512_storeu_si512(
        list + kWords,
        _mm512_add_epi32(first, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(some, 1))));
    if (count > int64_t(2 * kWords)) {
      _mm512_storeu_si512(
          list + 2 * kWords,
          _mm512_add_epi32(first, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(some, 2))));
      _mm512_storeu_si512(
          list + 3 * kWords,
          _mm512_add_epi32(first, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(some, 3))));
    }
    list += count;
    first = _mm512_add_epi32(first, step);
  }
}

/// How many rows of a list loops look at before they go on.
constexpr size_t kListBlock = 1024;

/// Where listed rows begin, up to a multiple of 16 of them. Set for many rows at once, because what
/// was written as a vector is slow to be read in parts right after.
struct RowOffsets {
  alignas(kBytes) uint64_t bytes[kListBlock];
};

SPRINT_AVX512 inline void setOffsets(const uint32_t *list, size_t size, int64_t rowBytes,
                                     RowOffsets &offsets) {
  const __m512i factor = _mm512_set1_epi64(rowBytes);
  for (size_t begin = 0; begin < size; begin += 8) {
    __m256i rows =
        _mm256_maskz_loadu_epi32(static_cast<__mmask8>(firstWords(size - begin)), list + begin);
    _mm512_store_si512(offsets.bytes + begin,
                       _mm512_mul_epu32(_mm512_cvtepu32_epi64(rows), factor));
  }
  if (size % kWords != 0 && size % kWords <= 8)
    _mm512_store_si512(offsets.bytes + size / kWords * kWords + 8, _mm512_setzero_si512());
}

/// Adds to `sums` the products of `chunks` times 32 channels of 16 keys with those of a query, of
/// which `left` are there: numbers of one key in the lower half, and of another one in the upper.
template <int chunks>
SPRINT_AVX512 inline void addProducts(const uint8_t *keys, const uint64_t *offsets,
                                      const int8_t *query, int64_t left, __m512i *sums) {
  constexpr int64_t kChunk = 32;
  __m512i codes[chunks];
  for (int chunk = 0; chunk < chunks; ++chunk)
    codes[chunk] = _mm512_broadcast_i64x4(_mm256_maskz_loadu_epi8(
        static_cast<__mmask32>(firstBytes(left - chunk * kChunk)), query + chunk * kChunk));
  for (int pair = 0; pair < 8; ++pair) {
    // In the order that addAcross asks for.
    int key = pair % 4 + pair / 4 * 8;
    const uint8_t *lower = keys + offsets[key], *upper = keys + offsets[key + 4];
    for (int chunk = 0; chunk < chunks; ++chunk) {
      // The query's zeros make up for what is read beyond a key.
      __m512i both = _mm512_inserti64x4(
          _mm512_castsi256_si512(
              _mm256_loadu_si256(reinterpret_cast<const __m256i *>(lower + chunk * kChunk))),
          _mm256_loadu_si256(reinterpret_cast<const __m256i *>(upper + chunk * kChunk)), 1);
      sums[pair] = _mm512_dpbusd_epi32(sums[pair], both, codes[chunk]);
    }
  }
}

/// The sums of the numbers of each half of eight vectors: those of the first four lower halves, of
/// the first four upper ones, and then of the others.
SPRINT_AVX512 inline __m512i addAcross(const __m512i *vectors) {
  __m512i pairs[4];
  for (int pair = 0; pair < 4; ++pair) {
    __m512i first = vectors[2 * pair], second = vectors[2 * pair + 1];
    // In each 128 bits, the lower half of one plus its upper half, and so of the other.
    __m512i crossed = _mm512_castpd_si512(
        _mm512_shuffle_pd(_mm512_castsi512_pd(first), _mm512_castsi512_pd(second), 0x55));
    pairs[pair] = _mm512_add_epi32(_mm512_mask_blend_epi64(0xaa, first, second), crossed);
  }
  __m512i fours[2];
  for (int four = 0; four < 2; ++four) {
    __m512 first = _mm512_castsi512_ps(pairs[2 * four]);
    __m512 second = _mm512_castsi512_ps(pairs[2 * four + 1]);
    fours[four] = _mm512_add_epi32(_mm512_castps_si512(_mm512_shuffle_ps(first, second, 0x88)),
                                   _mm512_castps_si512(_mm512_shuffle_ps(first, second, 0xdd)));
  }
  return _mm512_add_epi32(_mm512_shuffle_i32x4(fours[0], fours[1], 0x88),
                          _mm512_shuffle_i32x4(fours[0], fours[1], 0xdd));
}

SPRINT_AVX512 int32_t exactScores(const int8_t *query, const uint8_t *keys, int64_t channels,
                                  std::span<const uint32_t> list, int32_t *scores) {
  const __m512i excess = _mm512_set1_epi32(kCodeOffset * portable::sum(query, channels));
  __m512i maxima = _mm512_set1_epi32(std::numeric_limits<int32_t>::min());
  RowOffsets offsets;
  for (size_t first = 0; first < list.size(); first += kListBlock) {
    size_t size = std::min(kListBlock, list.size() - first);
    setOffsets(list.data() + first, size, channels, offsets);
    for (size_t begin = 0; begin < size; begin += kWords) {
      const uint64_t *rows = offsets.bytes + begin;
      __m512i sums[8];
      for (int pair = 0; pair < 8; ++pair)
        sums[pair] = _mm512_setzero_si512();
      int64_t channel = 0;
      for (; channels - channel > 32; channel += 64)
        addProducts<2>(keys + channel, rows, query + channel, channels - channel, sums);
      if (channel < channels)
        addProducts<1>(keys + channel, rows, query + channel, channels - channel, sums);
      __mmask16 mask = firstWords(size - begin);
      __m512i result = _mm512_sub_epi32(addAcross(sums), excess);
      _mm512_mask_storeu_epi32(scores + first + begin, mask, result);
      maxima = _mm512_mask_max_epi32(maxima, mask, maxima, result);
    }
  }
  return _mm512_reduce_max_epi32(maxima);
}

/// min((delta * multiplier + half) >> shift, kZeroTableIndex) of the lower 32 bits of each 64-bit
/// number.
SPRINT_AVX512 inline __m512i tableIndex(__m512i deltas, __m512i multiplier, __m512i half,
                                        __m128i shift) {
  __m512i product = _mm512_add_epi64(_mm512_mul_epu32(deltas, multiplier), half);
  return _mm512_min_epu64(_mm512_srl_epi64(product, shift), _mm512_set1_epi64(kZeroTableIndex));
}

/// The first numbers of an exponent table in registers, 32 a part, which is faster than reading one
/// number after another.
template <int parts> struct Table {
  __m512i vectors[2 * parts];
};

template <int parts>
SPRINT_AVX512 inline Table<parts> load(const std::array<uint32_t, 128> &numbers) {
  Table<parts> table;
  for (int vector = 0; vector < 2 * parts; ++vector)
    table.vectors[vector] = _mm512_loadu_si512(numbers.data() + vector * kWords);
  return table;
}

/// The numbers at the lower seven bits of `indices`, which are within the table.
template <int parts>
SPRINT_AVX512 inline __m512i lookUp(const Table<parts> &table, __m512i indices) {
  __m512i found[parts];
  for (int part = 0; part < parts; ++part)
    found[part] =
        _mm512_permutex2var_epi32(table.vectors[2 * part], indices, table.vectors[2 * part + 1]);
  __mmask16 isOdd = _mm512_test_epi32_mask(indices, _mm512_set1_epi32(32));
  __mmask16 isUpper = _mm512_test_epi32_mask(indices, _mm512_set1_epi32(64));
  __m512i upper = found[2];
  if constexpr (parts == 4)
    upper = _mm512_mask_blend_epi32(isOdd, found[2], found[3]);
  return _mm512_mask_blend_epi32(isUpper, _mm512_mask_blend_epi32(isOdd, found[0], found[1]),
                                 upper);
}

SPRINT_AVX512 int64_t exponents(std::span<const int32_t> scores, int32_t maximum,
                                const ExponentScale &scale, uint32_t *result) {
  const __m512i maxima = _mm512_set1_epi32(maximum);
  const __m512i multiplier = _mm512_set1_epi64(scale.multiplier);
  const __m512i half = _mm512_set1_epi64(int64_t((uint64_t(1) << scale.shift) >> 1));
  const __m128i shift = _mm_cvtsi32_si128(scale.shift);
  const __m128i drop = _mm_cvtsi32_si128(scale.drop - 1);
  // Exponents are 0 from kZeroTableIndex on, which is in the third quarter of the upper table.
  static_assert(kZeroTableIndex >> kTableIndexBits < 96);
  const Table highTable = load<3>(exponentTableHigh);
  const Table lowTable = load<4>(exponentTableLow);
  const __m512i one = _mm512_set1_epi32(1);
  const __m512i largest = _mm512_set1_epi32(1 << (kExponentProductBits - scale.drop));
  // So many that sums of 16 fit in 32 bits.
  constexpr size_t kBlock = size_t(1) << 19;
  int64_t total = 0;
  for (size_t first = 0; first < scores.size(); first += kBlock) {
    size_t last = std::min(first + kBlock, scores.size());
    __m512i sums = _mm512_setzero_si512();
    for (size_t begin = first; begin < last; begin += kWords) {
      __mmask16 mask = firstWords(last - begin);
      __m512i deltas =
          _mm512_sub_epi32(maxima, _mm512_maskz_loadu_epi32(mask, scores.data() + begin));
      // Products have 64 bits: every second number, and then the others.
      __m512i even = tableIndex(deltas, multiplier, half, shift);
      __m512i odd = tableIndex(_mm512_srli_epi64(deltas, 32), multiplier, half, shift);
      __m512i entries = _mm512_or_si512(even, _mm512_slli_epi64(odd, 32));
      __m512i high = lookUp(highTable, _mm512_srli_epi32(entries, kTableIndexBits));
      __m512i low = lookUp(lowTable, entries);
      // Rounded after all but one of the bits are dropped. Only the product of entry 0 has 33 bits.
      __m512i product = _mm512_srl_epi32(_mm512_mullo_epi32(high, low), drop);
      __m512i exponents =
          _mm512_mask_mov_epi32(_mm512_srli_epi32(_mm512_add_epi32(product, one), 1),
                                _mm512_testn_epi32_mask(entries, entries), largest);
      exponents = _mm512_maskz_mov_epi32(mask, exponents);
      _mm512_mask_storeu_epi32(result + begin, mask, exponents);
      sums = _mm512_add_epi32(sums, exponents);
    }
    total += static_cast<uint32_t>(_mm512_reduce_add_epi32(sums));
  }
  return total;
}

/// Weights of listed values as `low + 256 * high`, where 2^16, which is one bit too long, counts as
/// 2^16 - 1; values of such a weight are listed a second time, to be added once more. Beyond the
/// end there are bytes of zero, of the first value.
struct SplitWeights {
  alignas(kBytes) uint8_t low[kListBlock], high[kListBlock];
  RowOffsets offsets;
  uint64_t repeated[kListBlock];
  size_t repetitions;
};

SPRINT_AVX512 inline void split(const uint32_t *list, const uint32_t *weights, size_t size,
                                int64_t channels, SplitWeights &result) {
  setOffsets(list, size, channels, result.offsets);
  result.repetitions = 0;
  for (size_t begin = 0; begin < size; begin += kWords) {
    __mmask16 mask = firstWords(size - begin);
    __m512i some = _mm512_maskz_loadu_epi32(mask, weights + begin);
    uint32_t full = _mm512_cmpgt_epi32_mask(some, _mm512_set1_epi32(0xffff));
    if (full != 0) {
      some = _mm512_min_epu32(some, _mm512_set1_epi32(0xffff));
      for (; full != 0; full &= full - 1)
        result.repeated[result.repetitions++] =
            result.offsets.bytes[begin + std::countr_zero(full)];
    }
    _mm_store_si128(reinterpret_cast<__m128i *>(result.low + begin), _mm512_cvtepi32_epi8(some));
    _mm_store_si128(reinterpret_cast<__m128i *>(result.high + begin),
                    _mm512_cvtepi32_epi8(_mm512_srli_epi32(some, 8)));
  }
}

/// Weighted sums of channels in an order of their own, by the lower and upper bytes of weights.
struct PartialSums {
  __m512i low[4], high[4];
};

/// Adds four values of up to 64 channels.
template <bool isWhole>
SPRINT_AVX512 inline void addFour(const int8_t *values, __mmask64 present, const uint64_t *offsets,
                                  const uint8_t *low, const uint8_t *high, PartialSums &sums) {
  __m512i rows[4];
  for (int row = 0; row < 4; ++row) {
    const int8_t *codes = values + offsets[row];
    rows[row] = isWhole ? _mm512_loadu_si512(codes) : _mm512_maskz_loadu_epi8(present, codes);
  }
  // The codes of the four side by side for each channel.
  __m512i first = _mm512_unpacklo_epi8(rows[0], rows[1]);
  __m512i second = _mm512_unpacklo_epi8(rows[2], rows[3]);
  __m512i third = _mm512_unpackhi_epi8(rows[0], rows[1]);
  __m512i fourth = _mm512_unpackhi_epi8(rows[2], rows[3]);
  __m512i quads[4] = {_mm512_unpacklo_epi16(first, second), _mm512_unpackhi_epi16(first, second),
                      _mm512_unpacklo_epi16(third, fourth), _mm512_unpackhi_epi16(third, fourth)};
  __m512i lowWeights = broadcastQuad(low), highWeights = broadcastQuad(high);
  for (int part = 0; part < 4; ++part) {
    sums.low[part] = _mm512_dpbusd_epi32(sums.low[part], lowWeights, quads[part]);
    sums.high[part] = _mm512_dpbusd_epi32(sums.high[part], highWeights, quads[part]);
  }
}

/// Adds to `sums` the weighted sums of up to 64 channels, of kListBlock values at most.
template <bool isWhole>
SPRINT_AVX512 inline void addWeighted(const int8_t *values, __mmask64 present, size_t size,
                                      const SplitWeights &weights, int64_t *sums) {
  PartialSums partial;
  for (int part = 0; part < 4; ++part)
    partial.low[part] = partial.high[part] = _mm512_setzero_si512();
  for (size_t index = 0; index < size; index += 4)
    addFour<isWhole>(values, present, weights.offsets.bytes + index, weights.low + index,
                     weights.high + index, partial);
  for (size_t index = 0; index < weights.repetitions; ++index) {
    const uint64_t offsets[4] = {weights.repeated[index]};
    const uint8_t one[4] = {1}, zeros[4] = {};
    addFour<isWhole>(values, present, offsets, one, zeros, partial);
  }
  // Part `p` has channels 16 l + 4 p to 16 l + 4 p + 3 in its lane `l` of 128 bits.
  alignas(kBytes) int64_t ordered[kBytes];
  for (int part = 0; part < 4; ++part) {
    for (int half = 0; half < 2; ++half) {
      __m512i lowSums = _mm512_cvtepi32_epi64(half ? _mm512_extracti64x4_epi64(partial.low[part], 1)
                                                   : _mm512_castsi512_si256(partial.low[part]));
      __m512i highSums =
          _mm512_cvtepi32_epi64(half ? _mm512_extracti64x4_epi64(partial.high[part], 1)
                                     : _mm512_castsi512_si256(partial.high[part]));
      __m512i total = _mm512_add_epi64(lowSums, _mm512_slli_epi64(highSums, 8));
      _mm256_store_si256(reinterpret_cast<__m256i *>(ordered + 32 * half + 4 * part),
                         _mm512_castsi512_si256(total));
      _mm256_store_si256(reinterpret_cast<__m256i *>(ordered + 32 * half + 16 + 4 * part),
                         _mm512_extracti64x4_epi64(total, 1));
    }
  }
  size_t count = std::popcount(present);
  for (size_t channel = 0; channel < count; ++channel)
    sums[channel] += ordered[channel];
}

SPRINT_AVX512 void weightedSums(const int8_t *values, int64_t channels,
                                std::span<const uint32_t> list, const uint32_t *weights,
                                int64_t *sums) {
  std::fill_n(sums, channels, 0);
  SplitWeights bytes;
  for (size_t begin = 0; begin < list.size(); begin += kListBlock) {
    size_t size = std::min(kListBlock, list.size() - begin);
    split(list.data() + begin, weights + begin, size, channels, bytes);
    int64_t channel = 0;
    for (; channel + int64_t(kBytes) <= channels; channel += kBytes)
      addWeighted<true>(values + channel, ~uint64_t(0), size, bytes, sums + channel);
    if (channel < channels)
      addWeighted<false>(values + channel, firstBytes(channels - channel), size, bytes,
                         sums + channel);
  }
}

bool isSupported() {
  return kAvx2Loops.isSupported() && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2") &&
         __builtin_cpu_supports("avx512vnni");
}

constexpr InnerLoops allLoops() {
  InnerLoops loops = portable::loops("avx512", isSupported);
  loops.scoreTiles = scoreTiles;
  loops.largest = largest;
  loops.keepAtLeast = keepAtLeast;
  loops.keepEqual = keepEqual;
  loops.keepFlagged = keepFlagged;
  loops.list = list;
  loops.exactScores = exactScores;
  loops.exponents = exponents;
  loops.weightedSums = weightedSums;
  return loops;
}

} // namespace

constinit const InnerLoops sprint::kAvx512Loops = allLoops();

#endif // defined(__x86_64__)
