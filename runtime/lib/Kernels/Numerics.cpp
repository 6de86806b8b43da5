//===- Numerics.cpp - Arithmetic of a launch ------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Numerics.h"
#include "SprintRuntime/ExponentTables.h"
#include "SprintRuntime/NumericsConstants.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

using namespace sprint;

// The inner loops are plain C++ for the compiler to vectorise; where it can, it also makes a copy
// for wider vectors, and the program takes the one that the processor has.
#if defined(__x86_64__) && defined(__ELF__)
#define SPRINT_KERNEL __attribute__((target_clones("avx2", "default")))
#else
#define SPRINT_KERNEL
#endif

namespace {

/// Channels whose products of high nibbles, at most 64 each, sum up within 16 bits.
constexpr int64_t kNibbleChannels = 256;
/// Values whose products with weights, at most 2^16 * 127 each, sum up within 32 bits.
constexpr size_t kSumRows = 256;
/// How many tokens of a list ahead the kernels ask for: the processor cannot foresee which are
/// kept.
constexpr size_t kPrefetchDistance = 16;

} // namespace

bool sprint::allFinite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(),
                     [](float value) { return std::isfinite(value); });
}

bool sprint::areBiases(std::span<const float> values) {
  return std::ranges::all_of(
      values, [](float value) { return value < std::numeric_limits<float>::infinity(); });
}

bool sprint::areBooleans(std::span<const uint8_t> values) {
  return std::ranges::all_of(values, [](uint8_t value) { return value <= 1; });
}

float sprint::quantizationStep(std::span<const float> values, const Widths &widths) {
  float largest = 0;
  for (float value : values)
    largest = std::max(largest, std::fabs(value));
  float step = largest / static_cast<float>(widths.codeLimit());
  return step < std::numeric_limits<float>::min() ? 1.0f : step;
}

std::vector<int8_t> sprint::quantize(std::span<const float> values, float step,
                                     const Widths &widths) {
  float limit = static_cast<float>(widths.codeLimit());
  std::vector<int8_t> codes(values.size());
  for (size_t index = 0; index < values.size(); ++index) {
    float rounded = std::nearbyint(values[index] / step);
    codes[index] = static_cast<int8_t>(std::clamp(rounded, -limit, limit));
  }
  return codes;
}

double sprint::exactUnit(double scale, float queryStep, float keyStep) {
  return (scale * static_cast<double>(queryStep)) * static_cast<double>(keyStep);
}

double sprint::approximateUnit(double scale, float queryStep, float keyStep) {
  return exactUnit(scale, queryStep, keyStep) * static_cast<double>(kApproximateUnit);
}

int64_t sprint::integerThreshold(float theta, double unit) {
  double units = std::ceil(static_cast<double>(theta) / unit);
  return static_cast<int64_t>(std::clamp(units, -double(kMaxThreshold), double(kMaxThreshold)));
}

HeadParameters sprint::headParameters(double scale, float queryStep, float keyStep, float theta) {
  uint64_t bits = std::bit_cast<uint64_t>(exactUnit(scale, queryStep, keyStep));
  int64_t exponent = static_cast<int64_t>(bits >> kMantissaBits & 0x7ff);
  int64_t fraction = static_cast<int64_t>(bits & ((uint64_t(1) << kMantissaBits) - 1));
  HeadParameters parameters;
  parameters.threshold = integerThreshold(theta, approximateUnit(scale, queryStep, keyStep));
  parameters.multiplier =
      ((int64_t(1) << kMantissaBits) + fraction + (int64_t(1) << (kDroppedMantissaBits - 1))) >>
      kDroppedMantissaBits;
  parameters.shift = static_cast<int>(std::clamp<int64_t>(kShiftBase - exponent, 0, kMaxShift));
  return parameters;
}

SPRINT_KERNEL static void quantizeAll(const float *biases, double lambda, size_t size,
                                      int32_t *codes) {
  for (size_t index = 0; index < size; ++index) {
    double units = std::nearbyint(static_cast<double>(biases[index]) / lambda);
    // Clamped first: minus infinity has no integer.
    auto code = static_cast<int32_t>(std::clamp<double>(units, -kMaxBias, kMaxBias));
    codes[index] = biases[index] <= kMaskingBias ? kMaskedBias : code;
  }
}

void sprint::quantizeBiases(std::span<const float> biases, double lambda,
                            std::span<int32_t> codes) {
  quantizeAll(biases.data(), lambda, biases.size(), codes.data());
}

int64_t sprint::biasReach(const HeadParameters &parameters, int64_t headDim) {
  // The largest difference with a table index below kZeroTableIndex.
  int64_t half = (int64_t(1) << parameters.shift) >> 1;
  __int128 excluded = (__int128(kZeroTableIndex) << parameters.shift) - half;
  return (headDim << kScoreSpreadBits) +
         static_cast<int64_t>((excluded - 1) / parameters.multiplier);
}

HighNibbles::HighNibbles(std::span<const int8_t> codes, int64_t channels, Nibble nibble)
    : channels(channels) {
  int64_t keys = static_cast<int64_t>(codes.size()) / channels;
  nibbles.resize((keys + kTileKeys - 1) / kTileKeys * stride());
  for (int64_t key = 0; key < keys; ++key) {
    int16_t *column = nibbles.data() + key / kTileKeys * stride() + key % kTileKeys;
    for (int64_t channel = 0; channel < channels; ++channel)
      column[channel * kTileKeys] = highNibble(codes[key * channels + channel], nibble);
  }
}

SPRINT_KERNEL static void scoreTile(const int16_t *query, const int16_t *tile, int64_t channels,
                                    int32_t *result) {
  std::fill_n(result, kTileKeys, 0);
  for (int64_t begin = 0; begin < channels; begin += kNibbleChannels) {
    int64_t end = std::min(begin + kNibbleChannels, channels);
    int16_t sums[kTileKeys] = {};
    for (int64_t channel = begin; channel < end; ++channel)
      for (int64_t key = 0; key < kTileKeys; ++key)
        sums[key] =
            static_cast<int16_t>(sums[key] + query[channel] * tile[channel * kTileKeys + key]);
    for (int64_t key = 0; key < kTileKeys; ++key)
      result[key] += sums[key];
  }
}

void HighNibbles::scores(const int16_t *query, int64_t tile, int32_t *result) const {
  scoreTile(query, nibbles.data() + tile * stride(), channels, result);
}

SPRINT_KERNEL static int32_t largestOf(const int32_t *scores, size_t size) {
  int32_t largest = scores[0];
  for (size_t index = 1; index < size; ++index)
    largest = std::max(largest, scores[index]);
  return largest;
}

int32_t sprint::largestScore(std::span<const int32_t> scores) {
  return largestOf(scores.data(), scores.size());
}

void sprint::appendKept(std::span<const int32_t> scores, int64_t threshold, uint32_t offset,
                        std::vector<uint32_t> &list) {
  size_t count = list.size();
  list.resize(count + scores.size());
  // Without a branch, which the processor could not predict.
  for (size_t index = 0; index < scores.size(); ++index) {
    list[count] = static_cast<uint32_t>(index) + offset;
    count += scores[index] >= threshold;
  }
  list.resize(count);
}

int sprint::retriesOf(int64_t threshold, int64_t maximum) {
  int retries = 0;
  while (loweredThreshold(threshold, retries) > maximum)
    ++retries;
  return retries;
}

SPRINT_KERNEL static int32_t scoreKeys(const int16_t *query, const int8_t *keys, int64_t channels,
                                       const uint32_t *list, size_t size, int32_t *scores) {
  int32_t maximum = std::numeric_limits<int32_t>::min();
  for (size_t index = 0; index < size; ++index) {
    if (index + kPrefetchDistance < size)
      __builtin_prefetch(keys + list[index + kPrefetchDistance] * channels);
    const int8_t *key = keys + list[index] * channels;
    int32_t score = 0;
    for (int64_t channel = 0; channel < channels; ++channel)
      score += query[channel] * key[channel];
    scores[index] = score;
    maximum = std::max(maximum, score);
  }
  return maximum;
}

int32_t sprint::exactScores(const int8_t *query, const int8_t *keys, int64_t channels,
                            std::span<const uint32_t> list, int32_t *scores) {
  // Widened once, so that only the keys are widened in the loop.
  std::vector<int16_t> wide(query, query + channels);
  return scoreKeys(wide.data(), keys, channels, list.data(), list.size(), scores);
}

int32_t sprint::addBiases(std::span<const int32_t> biases, std::span<int32_t> scores) {
  for (size_t index = 0; index < scores.size(); ++index)
    scores[index] += biases[index];
  return largestScore(scores);
}

int64_t sprint::weights(std::span<const int32_t> scores, int32_t maximum,
                        const HeadParameters &parameters, const Widths &widths, uint32_t *result) {
  int shift = parameters.shift;
  int64_t half = (int64_t(1) << shift) >> 1;
  int drop = static_cast<int>(kExponentProductBits - widths.exponentFractionBits);
  uint64_t dropHalf = uint64_t(1) << (drop - 1);
  int64_t sum = 0;
  for (size_t index = 0; index < scores.size(); ++index) {
    int64_t delta = int64_t(maximum) - scores[index];
    int64_t entry = std::min((delta * parameters.multiplier + half) >> shift, kMaxTableIndex);
    uint64_t product = uint64_t(exponentTableHigh[entry >> kTableIndexBits]) *
                       exponentTableLow[entry & ((1 << kTableIndexBits) - 1)];
    result[index] = static_cast<uint32_t>((product + dropHalf) >> drop);
    sum += result[index];
  }
  sum = std::min(sum, (int64_t(1) << widths.sumBits) - 1);
  if (widths.probabilityBits != 0) {
    // floor(e * 2^P / Z + 1/2), in integers.
    int64_t largest = (int64_t(1) << widths.probabilityBits) - 1;
    for (size_t index = 0; index < scores.size(); ++index) {
      int64_t twice = int64_t(result[index]) << (widths.probabilityBits + 1);
      result[index] = static_cast<uint32_t>(std::min((twice + sum) / (2 * sum), largest));
    }
  }
  return sum;
}

/// Sums of `width` channels from `values` on, for at most kSumRows values.
template <int64_t width>
[[gnu::always_inline]] static inline void sumBlock(const int8_t *values, int64_t channels,
                                                   const uint32_t *list, size_t size,
                                                   const uint32_t *weights, int64_t *sums) {
  int32_t partial[width] = {};
  for (size_t index = 0; index < size; ++index) {
    if (index + kPrefetchDistance < size)
      __builtin_prefetch(values + list[index + kPrefetchDistance] * channels);
    const int8_t *value = values + list[index] * channels;
    int32_t weight = static_cast<int32_t>(weights[index]);
    for (int64_t channel = 0; channel < width; ++channel)
      partial[channel] += weight * value[channel];
  }
  for (int64_t channel = 0; channel < width; ++channel)
    sums[channel] += partial[channel];
}

SPRINT_KERNEL static void sumValues(const int8_t *values, int64_t channels, const uint32_t *list,
                                    size_t size, const uint32_t *weights, int64_t *sums) {
  std::fill_n(sums, channels, 0);
  for (size_t begin = 0; begin < size; begin += kSumRows) {
    size_t count = std::min(kSumRows, size - begin);
    int64_t channel = 0;
    for (; channel + 64 <= channels; channel += 64)
      sumBlock<64>(values + channel, channels, list + begin, count, weights + begin,
                   sums + channel);
    for (; channel + 16 <= channels; channel += 16)
      sumBlock<16>(values + channel, channels, list + begin, count, weights + begin,
                   sums + channel);
    for (; channel < channels; ++channel)
      sumBlock<1>(values + channel, channels, list + begin, count, weights + begin, sums + channel);
  }
}

void sprint::weightedSums(const int8_t *values, int64_t channels, std::span<const uint32_t> list,
                          const uint32_t *weights, int64_t *sums) {
  sumValues(values, channels, list.data(), list.size(), weights, sums);
}

int32_t sprint::outputCode(int64_t sum, int64_t exponentSum, const Widths &widths) {
  if (widths.probabilityBits != 0) {
    int64_t largest = (int64_t(1) << (widths.accumulatorBits - 1)) - 1;
    int64_t clamped = std::clamp(sum, -largest - 1, largest);
    return static_cast<int32_t>(clamped *
                                (int64_t(1) << (kOutputFractionBits - widths.probabilityBits)));
  }
  // floor(N * 2^F / Z + 1/2), in integers.
  __int128 numerator = (__int128(sum) << (kOutputFractionBits + 1)) + exponentSum;
  __int128 divisor = __int128(exponentSum) * 2;
  __int128 quotient = numerator / divisor;
  if (quotient * divisor > numerator)
    --quotient;
  return static_cast<int32_t>(quotient);
}

float sprint::dequantize(int32_t code, float valueStep) {
  return (static_cast<float>(code) * 0x1p-16f) * valueStep;
}
