//===- InnerLoops.h - Loops over keys and channels ------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loops that take the time of a launch. There is a set of them for each of several instruction
// sets; all compute the same, to the last bit, and the processor decides which one is used.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_KERNELS_INNERLOOPS_H
#define SPRINTRUNTIME_LIB_KERNELS_INNERLOOPS_H

#include <cstddef>
#include <cstdint>
#include <span>

namespace sprint {

/// Keys of a tile of high nibbles, and of a word of a set of keys.
inline constexpr int64_t kTileKeys = 64;
/// Channels that stand side by side in a tile.
inline constexpr int64_t kQuadChannels = 4;
/// What is added to the high nibble of a key, so that no key has a negative one.
inline constexpr int kNibbleOffset = 8;

/// What is added to the code of a key, for the same reason, and how many bytes beyond the last key
/// loops may read.
inline constexpr int kCodeOffset = 128;
inline constexpr int64_t kReadBeyond = 64;

/// Queries of a block.
inline constexpr int64_t kBlockQueries = 16;

/// High nibbles of kBlockQueries queries, of which each has `stride` bytes. Queries are filled up
/// with zeros.
struct NibbleBlock {
  const int8_t *nibbles;
  int64_t stride;
  /// -kNibbleOffset times the sum of the nibbles of each query.
  const int32_t *offsets;
  /// Queries that are there; loops may compute scores of the others as well, from zeros.
  int64_t count;
};

/// From differences of scores to exponents (docs/numerics.md, section 5, steps 3 and 4).
struct ExponentScale {
  int64_t multiplier;
  int shift;
  /// Bits of the product of two table entries that are dropped.
  int drop;
};

/// The loops for one instruction set. A set of keys is a bit for each: key `j` is bit `j mod 64` of
/// word `j / 64`.
struct InnerLoops {
  const char *name;
  /// Whether this processor has the instruction set.
  bool (*isSupported)();

  /// Largest magnitude of `size` finite values; 0 of none.
  float (*largestMagnitude)(const float *values, size_t size);
  /// Codes of values (section 2).
  void (*quantize)(const float *values, size_t size, float step, float limit, int8_t *codes);
  /// Codes of biases (section 3).
  void (*quantizeBiases)(const float *biases, size_t size, double lambda, int32_t *codes);

  /// (code + centring) >> 4, plus `offset`, of each code.
  void (*highNibbles)(const int8_t *codes, size_t size, int8_t centring, int8_t offset,
                      int8_t *result);
  /// Sum of codes.
  int32_t (*sum)(const int8_t *codes, size_t size);
  /// Approximate scores of the keys of `count` tiles, side by side; those of a query come
  /// `scoreStride` after those of the one before. A tile has `quads` times kTileKeys times
  /// kQuadChannels nibbles, kNibbleOffset added to each.
  void (*scoreTiles)(const NibbleBlock &queries, const uint8_t *tiles, int64_t count, int64_t quads,
                     int32_t *scores, int64_t scoreStride);
  /// Adds to approximate scores what biases do (section 4).
  void (*addApproximateBiases)(const int32_t *scores, const int32_t *biases, size_t size,
                               int32_t *result);
  /// Largest value of the keys of a set that is not empty. Reads no value of another key.
  int32_t (*largest)(const int32_t *values, const uint64_t *keys, size_t size);
  /// These three leave, of the keys of a set of `size` keys, those whose value is at least `bound`,
  /// whose value is `bound`, or whose flag is not 0. They read the values of no key beyond.
  void (*keepAtLeast)(const int32_t *values, int32_t bound, uint64_t *keys, size_t size);
  void (*keepEqual)(const int32_t *values, int32_t bound, uint64_t *keys, size_t size);
  void (*keepFlagged)(const uint8_t *flags, uint64_t *keys, size_t size);
  /// Number of keys of a set of so many words.
  int64_t (*count)(const uint64_t *keys, size_t words);
  /// The keys of a set of so many words in ascending order. The list has room for a word of keys
  /// more than the set has.
  void (*list)(const uint64_t *keys, size_t words, uint32_t *list);

  /// Exact scores of the listed keys, without biases (section 5, step 1). kCodeOffset is added to
  /// each code of the keys, and kReadBeyond bytes can be read beyond the last one. Returns the
  /// maximum; the list is not empty.
  int32_t (*exactScores)(const int8_t *query, const uint8_t *keys, int64_t channels,
                         std::span<const uint32_t> list, int32_t *scores);
  /// Exponents of scores of which `maximum` is the largest; returns their sum.
  int64_t (*exponents)(std::span<const int32_t> scores, int32_t maximum, const ExponentScale &scale,
                       uint32_t *result);
  /// min(floor(e * 2^bits / sum + 1/2), 2^bits - 1) in place of each exponent `e`; `sum` is at most
  /// kMaxQuickDivisor.
  void (*probabilities)(std::span<uint32_t> exponents, int64_t sum, int bits);
  /// Sums of the listed values by their weights, each at most 2^16.
  void (*weightedSums)(const int8_t *values, int64_t channels, std::span<const uint32_t> list,
                       const uint32_t *weights, int64_t *sums);
  /// Output codes of sums (section 5, step 6, late division); `exponentSum` is at most
  /// kMaxQuickDivisor.
  void (*outputCodes)(std::span<const int64_t> sums, int64_t exponentSum, int32_t *codes);
};

/// Largest divisor with which the quotients of a row, and the products that check them, fit in 64
/// bits.
inline constexpr int64_t kMaxQuickDivisor = int64_t(1) << 38;

/// All sets of loops that this processor can run, the fastest last. The first is plain C++.
std::span<const InnerLoops *const> supportedLoops();

/// The fastest set.
const InnerLoops &fastestLoops();

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_KERNELS_INNERLOOPS_H
