//===- NumericsTest.cpp - Arithmetic of launches --------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernels/Numerics.h"
#include "Kernels/ApproximateScores.h"
#include "SprintRuntime/ExponentTables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

using namespace sprint;

namespace {

const Widths kDefault;
const Widths kPaper = *Widths::preset("paper");

/// round(2^16 * exp(-numerator / denominator)) in integers: the series of exp in fixed point of
/// 2^-90.
uint32_t exponent(int numerator, int denominator) {
  constexpr int kFraction = 90;
  // exp(-x) = exp(-x / 32) ^ 32, so that the series of alternating signs converges quickly.
  __int128 one = __int128(1) << kFraction;
  __int128 term = one, sum = one;
  for (int order = 1; order < 60; ++order) {
    term = -term * numerator / (__int128(denominator) * 32 * order);
    sum += term;
  }
  // Squares in two halves, since the product has 180 bits.
  auto square = [](__int128 value) {
    __int128 high = value >> 45, low = value & ((__int128(1) << 45) - 1);
    return high * high + ((high * low) >> 44) + ((low * low) >> 90);
  };
  for (int step = 0; step < 5; ++step)
    sum = square(sum);
  return static_cast<uint32_t>((sum + (__int128(1) << (kFraction - 17))) >> (kFraction - 16));
}

TEST(ExponentTablesTest, AreTheRoundedExponentials) {
  for (int index = 0; index < 128; ++index) {
    EXPECT_EQ(exponentTableHigh[index], exponent(index, 8)) << index;
    EXPECT_EQ(exponentTableLow[index], exponent(index, 1024)) << index;
  }
}

TEST(QuantizeTest, StepIsTheLargestMagnitudeOverTheLimit) {
  const float values[] = {1, -4, 2};
  EXPECT_EQ(quantizationStep(values, kDefault), 4.0f / 119);
  EXPECT_EQ(quantizationStep(values, kPaper), 4.0f / 127);
}

TEST(QuantizeTest, StepOfTinyNumbersIsOne) {
  const float zeros[] = {0, -0.0f};
  EXPECT_EQ(quantizationStep(zeros, kDefault), 1.0f);
  const float tiny[] = {1e-38f};
  EXPECT_EQ(quantizationStep(tiny, kDefault), 1.0f);
  const float least[] = {119 * 0x1p-126f};
  EXPECT_EQ(quantizationStep(least, kDefault), 0x1p-126f);
}

TEST(QuantizeTest, RoundsHalfToEven) {
  const float values[] = {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 119, -119};
  EXPECT_EQ(quantize(values, 1, kDefault), (std::vector<int8_t>{0, 2, 2, 0, -2, 119, -119}));
}

TEST(QuantizeTest, Clamps) {
  const float values[] = {120, -300, 119.4f};
  EXPECT_EQ(quantize(values, 1, kDefault), (std::vector<int8_t>{119, -119, 119}));
}

int highNibble(int code, Nibble nibble) {
  auto byte = static_cast<int8_t>(code);
  int8_t high;
  fastestLoops().highNibbles(&byte, 1, centringOf(nibble), 0, &high);
  return high;
}

TEST(NibbleTest, CentredLeavesASignedLowNibble) {
  for (int code = -119; code <= 119; ++code) {
    int high = highNibble(code, Nibble::Centred);
    EXPECT_LE(std::abs(high), 7);
    EXPECT_GE(code - 16 * high, -8);
    EXPECT_LE(code - 16 * high, 7);
  }
}

TEST(NibbleTest, TruncatedLeavesAnUnsignedLowNibble) {
  for (int code = -127; code <= 127; ++code) {
    int high = highNibble(code, Nibble::Truncated);
    EXPECT_GE(code - 16 * high, 0);
    EXPECT_LE(code - 16 * high, 15);
  }
}

TEST(ParametersTest, ThresholdIsRoundedUpAndBounded) {
  EXPECT_EQ(integerThreshold(1.0f, 0.25), 4);
  EXPECT_EQ(integerThreshold(1.01f, 0.25), 5);
  EXPECT_EQ(integerThreshold(-1.01f, 0.25), -4);
  EXPECT_EQ(integerThreshold(-std::numeric_limits<float>::infinity(), 0.25), -(1 << 30));
  EXPECT_EQ(integerThreshold(1e30f, 0.25), 1 << 30);
}

TEST(ParametersTest, MultiplierAndShiftApproximateLambda) {
  for (double scale : {1.0, 0.125, 0.1767766952966369, 3.0}) {
    HeadParameters parameters = headParameters(scale, 0.03f, 0.017f, 0);
    double lambda = scale * double(0.03f) * double(0.017f);
    EXPECT_GE(parameters.multiplier, int64_t(1) << 30);
    EXPECT_LE(parameters.multiplier, int64_t(1) << 31);
    EXPECT_NEAR(std::ldexp(double(parameters.multiplier), -parameters.shift), lambda * 1024,
                lambda * 1024 * 0x1p-31);
  }
}

TEST(ParametersTest, PowerOfTwoIsExact) {
  HeadParameters parameters = headParameters(1, 0x1p-5f, 0x1p-6f, 0);
  // lambda * 2^10 = 2^-1 = 2^30 / 2^31.
  EXPECT_EQ(parameters.multiplier, int64_t(1) << 30);
  EXPECT_EQ(parameters.shift, 31);
}

TEST(ParametersTest, ShiftIsBounded) {
  EXPECT_EQ(headParameters(0x1p-100, 0x1p-10f, 0x1p-10f, 0).shift, 62);
  EXPECT_EQ(headParameters(0x1p100, 1, 1, 0).shift, 0);
}

TEST(KeptTest, RetriesLowerByDoublingSteps) {
  EXPECT_EQ(retriesOf(10, 10), 0);
  EXPECT_EQ(retriesOf(11, 10), 1);
  EXPECT_EQ(retriesOf(12, 10), 2);
  EXPECT_EQ(retriesOf(13, 10), 2);
  EXPECT_EQ(retriesOf(14, 10), 3);
  EXPECT_EQ(loweredThreshold(14, 3), 7);
  EXPECT_EQ(retriesOf(1 << 30, -(1 << 20)), 31);
}

TEST(BiasTest, CodesAreInUnitsOfTheExactScore) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float biases[] = {0, 1, 0.625f, 0.875f, -0.625f, -3, 1e9f, -1048575, 3e38f};
  int32_t codes[std::size(biases)];
  // Halves go to the even code.
  quantizeBiases(biases, 0.25, codes);
  EXPECT_EQ(std::vector(std::begin(codes), std::end(codes)),
            (std::vector<int32_t>{0, 4, 2, 4, -2, -12, kMaxBias, -1048575 * 4, kMaxBias}));
  // What lies beyond the codes is clamped, but masks nothing above -2^20 logits.
  quantizeBiases(biases, 0x1p-100, codes);
  EXPECT_EQ(codes[5], -(1 << 29));
  EXPECT_EQ(codes[7], -(1 << 29));
  const float masking[] = {-1048576, -1048577, std::numeric_limits<float>::lowest(), -kInfinity};
  for (double lambda : {0x1p-300, 0.25, 0x1p100}) {
    quantizeBiases(masking, lambda, std::span(codes, 4));
    for (int index = 0; index < 4; ++index)
      EXPECT_EQ(codes[index], std::numeric_limits<int32_t>::min());
  }
}

TEST(BiasTest, ReachEndsWhereNoScoreLeavesAWeight) {
  for (int64_t entry = kZeroTableIndex; entry <= kMaxTableIndex; ++entry)
    EXPECT_EQ(exponentTableHigh[entry >> kTableIndexBits], 0);
  EXPECT_NE(exponentTableHigh[(kZeroTableIndex - 1) >> kTableIndexBits], 0);
  // The largest products of two codes and of two high nibbles.
  EXPECT_LT(2 * 127 * 127, 1 << kScoreSpreadBits);
  EXPECT_EQ(2 * 8 * 8 * kApproximateUnit, 1 << kScoreSpreadBits);
  for (double lambda : {0x1p-10, 0.75 * 0x1p-10, 1e-4, 0x1p-40, 0x1p-90, 0x1p-300, 0x1p100}) {
    HeadParameters parameters = headParameters(lambda, 1, 1, 0);
    // A delta of 0 is a weight of 1, whatever the head dimension spreads.
    int64_t reach = biasReach(parameters, 64) - 64 * 32768;
    ASSERT_GE(reach, 0);
    auto entryOf = [&](int64_t delta) {
      __int128 scaled = __int128(delta) * parameters.multiplier;
      return static_cast<int64_t>((scaled + ((int64_t(1) << parameters.shift) >> 1)) >>
                                  parameters.shift);
    };
    EXPECT_LT(entryOf(reach), kZeroTableIndex);
    EXPECT_GE(entryOf(reach + 1), kZeroTableIndex);
  }
}

TEST(BiasTest, ApproximateScoresTakeTheNearestUnit) {
  EXPECT_EQ(approximateBias(0), 0);
  EXPECT_EQ(approximateBias(127), 0);
  EXPECT_EQ(approximateBias(128), 1);
  EXPECT_EQ(approximateBias(-128), 0);
  EXPECT_EQ(approximateBias(-129), -1);
  EXPECT_EQ(approximateBias(1 << 29), 1 << 21);
  EXPECT_EQ(approximateBias(-(1 << 29)), -(1 << 21));
}

TEST(BiasTest, WeightsOfTheFarthestScoresFit) {
  // The largest difference of scores, with biases, times the largest multiplier; at the longest
  // shift it is 1.48 steps of 2^-10, which rounds to one.
  const int32_t scores[] = {1593901056, -1593901056};
  HeadParameters parameters;
  parameters.multiplier = int64_t(1) << 31;
  parameters.shift = 62;
  uint32_t result[2];
  weights(scores, scores[0], parameters, kDefault, result);
  EXPECT_EQ(result[0], 1u << 16);
  EXPECT_NEAR(result[1], 65536 * std::exp(-1.0 / 1024), 1);
  // A shorter shift makes the difference longer than the tables.
  parameters.shift = 40;
  weights(scores, scores[0], parameters, kDefault, result);
  EXPECT_EQ(result[1], 0u);
}

TEST(BiasTest, TellsNumbersAndBooleans) {
  const float numbers[] = {-std::numeric_limits<float>::infinity(), 0, 3e38f};
  EXPECT_TRUE(areBiases(numbers));
  const float infinite[] = {0, std::numeric_limits<float>::infinity()};
  EXPECT_FALSE(areBiases(infinite));
  const float nan[] = {0, std::nanf("")};
  EXPECT_FALSE(areBiases(nan));
  const uint8_t booleans[] = {0, 1};
  EXPECT_TRUE(areBooleans(booleans));
  const uint8_t others[] = {0, 1, 2};
  EXPECT_FALSE(areBooleans(others));
}

TEST(WeightsTest, MaximumHasWeightOne) {
  const int32_t scores[] = {100, 100, -1000000};
  uint32_t result[3];
  HeadParameters parameters = headParameters(1, 0.1f, 0.1f, 0);
  EXPECT_EQ(weights(scores, 100, parameters, kDefault, result), 2 << 16);
  EXPECT_EQ(result[0], 1u << 16);
  EXPECT_EQ(result[2], 0u);
}

TEST(WeightsTest, FollowTheExponential) {
  std::vector<int32_t> scores;
  for (int32_t score = 0; score > -1000; --score)
    scores.push_back(score);
  std::vector<uint32_t> result(scores.size());
  // A step of score is 2^-7 of a logit.
  HeadParameters parameters = headParameters(1, 0x1p-3f, 0x1p-4f, 0);
  weights(scores, 0, parameters, kDefault, result.data());
  for (size_t index = 0; index < scores.size(); ++index)
    EXPECT_NEAR(result[index], 65536 * std::exp(-double(index) / 128), 1.5) << index;
}

TEST(WeightsTest, ProbabilitiesSaturate) {
  const int32_t one[] = {5};
  uint32_t result;
  weights(one, 5, headParameters(1, 0.1f, 0.1f, 0), kPaper, &result);
  // A probability of one would be 256.
  EXPECT_EQ(result, 255u);
}

TEST(WeightsTest, ExponentSumSaturates) {
  std::vector<int32_t> scores(1000, 0);
  std::vector<uint32_t> result(1000);
  EXPECT_EQ(weights(scores, 0, headParameters(1, 0.1f, 0.1f, 0), kPaper, result.data()), 65535);
}

TEST(OutputTest, RoundsHalfUp) {
  // N * 2^16 / Z = 0.5, -0.5, 1.5, -1.5 and a value below a half.
  EXPECT_EQ(outputCode(1, 1 << 17, kDefault), 1);
  EXPECT_EQ(outputCode(-1, 1 << 17, kDefault), 0);
  EXPECT_EQ(outputCode(3, 1 << 17, kDefault), 2);
  EXPECT_EQ(outputCode(-3, 1 << 17, kDefault), -1);
  EXPECT_EQ(outputCode(1, (1 << 17) + 1, kDefault), 0);
  EXPECT_EQ(outputCode(-1, (1 << 17) + 1, kDefault), 0);
}

TEST(OutputTest, LargestSumsDoNotOverflow) {
  int64_t exponentSum = (int64_t(1) << 40);
  EXPECT_EQ(outputCode(119 * exponentSum, exponentSum, kDefault), 119 << 16);
  EXPECT_EQ(outputCode(-119 * exponentSum, exponentSum, kDefault), -(119 << 16));
}

TEST(OutputTest, EarlyDivisionClampsTheAccumulator) {
  EXPECT_EQ(outputCode(1000, 1, kPaper), 1000 * 256);
  EXPECT_EQ(outputCode(100000, 1, kPaper), 32767 * 256);
  EXPECT_EQ(outputCode(-100000, 1, kPaper), -32768 * 256);
}

TEST(OutputTest, DequantizesExactly) {
  EXPECT_EQ(dequantize(119 << 16, 0.5f), 59.5f);
  EXPECT_EQ(dequantize(-1, 1), -0x1p-16f);
}

/// Kernels against one number after another, over lengths around their blocks.
class KernelTest : public testing::TestWithParam<int64_t> {};

TEST_P(KernelTest, AgreesWithTheDefinition) {
  int64_t channels = GetParam(), keys = 300;
  std::mt19937 generator(static_cast<unsigned>(channels));
  auto random = [&](int64_t size) {
    std::vector<int8_t> codes(size);
    for (int8_t &code : codes)
      code = static_cast<int8_t>(static_cast<int>(generator() % 255) - 127);
    return codes;
  };
  std::vector<int8_t> query = random(channels), codes = random(keys * channels);
  // The extremes, where 16 bits are nearest to overflowing.
  std::fill(query.begin(), query.end(), int8_t(-127));
  std::fill(codes.begin(), codes.begin() + channels, int8_t(-127));

  ApproximateScores approximateScores(query, codes, channels, Nibble::Truncated);
  std::span<const int32_t> approximate = approximateScores.row(0, 0, keys);

  std::vector<uint32_t> list, listWeights;
  for (uint32_t key = 0; key < keys; ++key) {
    if (key % 7 == 3)
      continue;
    list.push_back(key);
    listWeights.push_back(key < 280 ? 65536 : generator() % 65537);
  }
  std::vector<int32_t> exact(list.size());
  int32_t maximum = KeyCodes(codes, channels).exactScores(query.data(), list, exact.data());
  std::vector<int64_t> sums(channels), expectedSums(channels);
  weightedSums(codes.data(), channels, list, listWeights.data(), sums.data());

  int32_t expectedMaximum = std::numeric_limits<int32_t>::min();
  for (size_t index = 0; index < list.size(); ++index) {
    int32_t score = 0, nibbleScore = 0;
    for (int64_t channel = 0; channel < channels; ++channel) {
      int8_t code = codes[list[index] * channels + channel];
      score += query[channel] * code;
      nibbleScore += static_cast<int>(std::floor(query[channel] / 16.0) * std::floor(code / 16.0));
      expectedSums[channel] += int64_t(listWeights[index]) * code;
    }
    EXPECT_EQ(exact[index], score);
    EXPECT_EQ(approximate[list[index]], nibbleScore);
    expectedMaximum = std::max(expectedMaximum, score);
  }
  EXPECT_EQ(maximum, expectedMaximum);
  EXPECT_EQ(sums, expectedSums);
}

INSTANTIATE_TEST_SUITE_P(Channels, KernelTest,
                         testing::Values(1, 7, 16, 32, 64, 65, 80, 128, 255, 256, 257, 600));

} // namespace
