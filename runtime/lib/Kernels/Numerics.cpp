//===- Numerics.cpp - Arithmetic of a launch ------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Numerics.h"
#include "SprintRuntime/NumericsConstants.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

using namespace sprint;

bool sprint::allFinite(std::span<const float> values) {
  // All are looked at, so that several are at once.
  uint32_t largest = 0;
  for (float value : values)
    largest = std::max(largest, std::bit_cast<uint32_t>(value) << 1);
  constexpr uint32_t kInfinity = std::bit_cast<uint32_t>(std::numeric_limits<float>::infinity());
  return largest < kInfinity << 1;
}

bool sprint::areBiases(std::span<const float> values) {
  return std::ranges::all_of(
      values, [](float value) { return value < std::numeric_limits<float>::infinity(); });
}

bool sprint::areBooleans(std::span<const uint8_t> values) {
  return std::ranges::all_of(values, [](uint8_t value) { return value <= 1; });
}

float sprint::quantizationStep(std::span<const float> values, const Widths &widths) {
  float largest = fastestLoops().largestMagnitude(values.data(), values.size());
  float step = largest / static_cast<float>(widths.codeLimit());
  return step < std::numeric_limits<float>::min() ? 1.0f : step;
}

std::vector<int8_t> sprint::quantize(std::span<const float> values, float step,
                                     const Widths &widths) {
  std::vector<int8_t> codes(values.size());
  fastestLoops().quantize(values.data(), values.size(), step,
                          static_cast<float>(widths.codeLimit()), codes.data());
  return codes;
}

int64_t sprint::countSaturated(std::span<const float> values, float step, const Widths &widths) {
  // The limit is odd, so what lies half a step beyond is rounded away from it.
  float least = static_cast<float>(widths.codeLimit()) + 0.5f;
  return std::ranges::count_if(values,
                               [&](float value) { return std::abs(value / step) >= least; });
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

void sprint::quantizeBiases(std::span<const float> biases, double lambda,
                            std::span<int32_t> codes) {
  fastestLoops().quantizeBiases(biases.data(), biases.size(), lambda, codes.data());
}

int64_t sprint::biasReach(const HeadParameters &parameters, int64_t headDim) {
  // The largest difference with a table index below kZeroTableIndex.
  int64_t half = (int64_t(1) << parameters.shift) >> 1;
  __int128 excluded = (__int128(kZeroTableIndex) << parameters.shift) - half;
  return (headDim << kScoreSpreadBits) +
         static_cast<int64_t>((excluded - 1) / parameters.multiplier);
}

int sprint::retriesOf(int64_t threshold, int64_t maximum) {
  int retries = 0;
  while (loweredThreshold(threshold, retries) > maximum)
    ++retries;
  return retries;
}

int32_t sprint::largestScore(std::span<const int32_t> scores) {
  return *std::ranges::max_element(scores);
}

KeyCodes::KeyCodes(std::span<const int8_t> codes, int64_t channels)
    : channels(channels), codes(codes.size() + kReadBeyond) {
  auto beyond = std::ranges::transform(codes, this->codes.begin(), [](int8_t code) {
                  return static_cast<uint8_t>(code + kCodeOffset);
                }).out;
  std::fill(beyond, this->codes.end(), 0);
}

int64_t sprint::weights(std::span<const int32_t> scores, int32_t maximum,
                        const HeadParameters &parameters, const Widths &widths, uint32_t *result,
                        const InnerLoops &loops) {
  ExponentScale scale = {.multiplier = parameters.multiplier,
                         .shift = parameters.shift,
                         .drop =
                             static_cast<int>(kExponentProductBits - widths.exponentFractionBits)};
  int64_t sum =
      std::min(loops.exponents(scores, maximum, scale, result), (int64_t(1) << widths.sumBits) - 1);
  if (widths.probabilityBits == 0)
    return sum;
  if (sum <= kMaxQuickDivisor) {
    loops.probabilities({result, scores.size()}, sum, static_cast<int>(widths.probabilityBits));
    return sum;
  }
  // floor(e * 2^P / Z + 1/2), in integers.
  int64_t largest = (int64_t(1) << widths.probabilityBits) - 1;
  for (size_t index = 0; index < scores.size(); ++index) {
    int64_t twice = int64_t(result[index]) << (widths.probabilityBits + 1);
    result[index] = static_cast<uint32_t>(std::min((twice + sum) / (2 * sum), largest));
  }
  return sum;
}

void sprint::weightedSums(const int8_t *values, int64_t channels, std::span<const uint32_t> list,
                          const uint32_t *weights, int64_t *sums, const InnerLoops &loops) {
  loops.weightedSums(values, channels, list, weights, sums);
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

void sprint::outputCodes(std::span<const int64_t> sums, int64_t exponentSum, const Widths &widths,
                         int32_t *codes, const InnerLoops &loops) {
  if (widths.probabilityBits == 0 && exponentSum <= kMaxQuickDivisor) {
    loops.outputCodes(sums, exponentSum, codes);
    return;
  }
  for (size_t channel = 0; channel < sums.size(); ++channel)
    codes[channel] = outputCode(sums[channel], exponentSum, widths);
}
