//===- RowsTest.cpp - Selecting and recomputing rows ----------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernels of rows, with the loops of every instruction set that this processor has, against
// docs/numerics.md computed one number after another.
//
//===----------------------------------------------------------------------===//

#include "Kernels/Rows.h"
#include "SprintRuntime/ExponentTables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

using namespace sprint;

namespace {

using Generator = std::mt19937;

/// What masks a row has; flags of a set.
enum Masks : unsigned { kNone = 0, kKeyValid = 1, kMask = 2, kSegments = 4, kBias = 8 };

/// A head with everything that its rows can have.
struct TestHead {
  int64_t queries = 0, keys = 0, headDim = 0, valueDim = 0;
  Widths widths;
  HeadParameters parameters;
  std::vector<int8_t> q, k, v;
  std::vector<uint8_t> keyValid, mask;
  std::vector<int32_t> keySegments, bias;
  std::vector<float> biasLogits;
  int64_t reach = 0;

  RowMasks masks(unsigned which) const {
    RowMasks result;
    if (which & kKeyValid)
      result.keyValid = keyValid;
    if (which & kMask)
      result.mask = mask;
    if (which & kSegments) {
      result.keySegments = keySegments;
      result.querySegment = 1;
    }
    if (which & kBias) {
      result.bias = bias;
      result.biasLogits = biasLogits;
      result.reach = reach;
    }
    return result;
  }
};

int64_t uniform(Generator &generator, int64_t least, int64_t largest) {
  return std::uniform_int_distribution<int64_t>(least, largest)(generator);
}

/// Codes within the limit; where `spread` is 0, all are at it.
std::vector<int8_t> codesOf(Generator &generator, int64_t size, int64_t limit, int64_t spread) {
  std::vector<int8_t> codes(size);
  for (int8_t &code : codes)
    code = static_cast<int8_t>(spread == 0 ? (generator() % 2 ? limit : -limit)
                                           : uniform(generator, -spread, spread));
  return codes;
}

TestHead headOf(Generator &generator, const Widths &widths, int64_t headDim, int64_t keys,
                int64_t spread, double lambda) {
  TestHead head;
  head.queries = 9;
  head.keys = keys;
  head.headDim = head.valueDim = headDim;
  head.widths = widths;
  int64_t limit = widths.codeLimit();
  spread = std::min(spread, limit);
  head.q = codesOf(generator, head.queries * headDim, limit, spread);
  head.k = codesOf(generator, keys * headDim, limit, spread);
  head.v = codesOf(generator, keys * head.valueDim, limit, spread == 0 ? 0 : limit);
  head.parameters = headParameters(lambda, 1, 1, 0);
  head.reach = biasReach(head.parameters, headDim);
  for (int64_t key = 0; key < keys; ++key) {
    head.keyValid.push_back(generator() % 4 != 0);
    head.mask.push_back(generator() % 4 != 0);
    head.keySegments.push_back(static_cast<int32_t>(generator() % 3) == 0 ? 2 : 1);
    // Some at the bounds, far down, or masked.
    int64_t kind = uniform(generator, 0, 9);
    int64_t code = uniform(generator, -200000, 200000);
    float logit = 0;
    if (kind == 0)
      code = generator() % 2 ? kMaxBias : -kMaxBias;
    if (kind == 1)
      code = -uniform(generator, 0, kMaxBias);
    if (kind == 2) {
      code = kMaskedBias;
      logit = generator() % 2 ? -std::numeric_limits<float>::infinity() : -0x1p21f;
    }
    head.bias.push_back(static_cast<int32_t>(code));
    head.biasLogits.push_back(logit);
  }
  return head;
}

/// floor(numerator / denominator) of a positive denominator.
__int128 floorDivided(__int128 numerator, __int128 denominator) {
  __int128 quotient = numerator / denominator;
  return quotient * denominator > numerator ? quotient - 1 : quotient;
}

int64_t high(int8_t code, Nibble nibble) {
  return static_cast<int64_t>(std::floor((code + (nibble == Nibble::Centred ? 8 : 0)) / 16.0));
}

/// What section 4 says of a row.
struct ExpectedRow {
  SelectedRow selected;
  std::vector<bool> kept;
};

ExpectedRow expectedRow(const TestHead &head, const RowRange &row, unsigned masks) {
  ExpectedRow expected;
  std::vector<bool> allowed(head.keys);
  bool isAnyFinite = false;
  int64_t largestBias = std::numeric_limits<int64_t>::min();
  for (int64_t key = row.first; key < row.last; ++key) {
    bool isAllowed = (!(masks & kKeyValid) || head.keyValid[key]) &&
                     (!(masks & kMask) || head.mask[key]) &&
                     (!(masks & kSegments) || head.keySegments[key] == 1);
    if (isAllowed && (masks & kBias)) {
      isAnyFinite |= std::isfinite(head.biasLogits[key]);
      isAllowed = head.bias[key] != std::numeric_limits<int32_t>::min();
    }
    allowed[key] = isAllowed;
    if (isAllowed && (masks & kBias))
      largestBias = std::max<int64_t>(largestBias, head.bias[key]);
  }
  std::vector<int64_t> scores(head.keys);
  int64_t maximum = std::numeric_limits<int64_t>::min();
  for (int64_t key = row.first; key < row.last; ++key) {
    if (!allowed[key])
      continue;
    if (masks & kBias) {
      int64_t delta = largestBias - head.bias[key] - (int64_t(1) << 15) * head.headDim;
      __int128 half = (__int128(1) << head.parameters.shift) / 2;
      if (delta > 0 &&
          (__int128(delta) * head.parameters.multiplier + half) >> head.parameters.shift >= 12160) {
        allowed[key] = false;
        continue;
      }
      expected.selected.clampedBiases += std::abs(int64_t(head.bias[key])) == int64_t(1) << 29;
    }
    ++expected.selected.allowed;
    for (int64_t channel = 0; channel < head.headDim; ++channel)
      scores[key] += high(head.q[row.query * head.headDim + channel], head.widths.nibble) *
                     high(head.k[key * head.headDim + channel], head.widths.nibble);
    if (masks & kBias)
      scores[key] += (int64_t(head.bias[key]) + 128) >> 8;
    maximum = std::max(maximum, scores[key]);
  }
  expected.selected.isMaskedByBias = expected.selected.allowed == 0 && isAnyFinite;
  int64_t threshold = std::numeric_limits<int64_t>::min();
  if (row.isPruned && expected.selected.allowed != 0) {
    threshold = head.parameters.threshold;
    while (threshold - ((int64_t(1) << expected.selected.retries) - 1) > maximum)
      ++expected.selected.retries;
    threshold -= (int64_t(1) << expected.selected.retries) - 1;
  }
  expected.kept.resize(head.keys);
  for (int64_t key = row.first; key < row.last; ++key) {
    expected.kept[key] = allowed[key] && scores[key] >= threshold;
    expected.selected.kept += expected.kept[key];
  }
  return expected;
}

/// What section 5 says of the kept keys of a row.
std::vector<int32_t> expectedCodes(const TestHead &head, int64_t query,
                                   const std::vector<bool> &kept, bool hasBias) {
  std::vector<int64_t> keys, scores, exponents;
  for (int64_t key = 0; key < head.keys; ++key) {
    if (!kept[key])
      continue;
    int64_t score = hasBias ? head.bias[key] : 0;
    for (int64_t channel = 0; channel < head.headDim; ++channel)
      score +=
          int64_t(head.q[query * head.headDim + channel]) * head.k[key * head.headDim + channel];
    keys.push_back(key);
    scores.push_back(score);
  }
  std::vector<int32_t> codes(head.valueDim);
  if (keys.empty())
    return codes;
  const Widths &widths = head.widths;
  int64_t maximum = *std::ranges::max_element(scores), sum = 0;
  for (int64_t score : scores) {
    __int128 half = (__int128(1) << head.parameters.shift) / 2;
    __int128 scaled =
        (__int128(maximum - score) * head.parameters.multiplier + half) >> head.parameters.shift;
    auto entry = static_cast<int64_t>(std::min<__int128>(scaled, (1 << 14) - 1));
    int64_t product = int64_t(exponentTableHigh[entry / 128]) * exponentTableLow[entry % 128];
    int64_t bits = widths.exponentFractionBits;
    exponents.push_back((product + (int64_t(1) << (31 - bits))) >> (32 - bits));
    sum += exponents.back();
  }
  sum = std::min(sum, (int64_t(1) << widths.sumBits) - 1);
  int64_t bits = widths.probabilityBits;
  for (int64_t channel = 0; channel < head.valueDim; ++channel) {
    __int128 total = 0;
    for (size_t index = 0; index < keys.size(); ++index) {
      int64_t weight = exponents[index];
      if (bits != 0)
        weight = std::min(static_cast<int64_t>(floorDivided((__int128(weight) << (bits + 1)) + sum,
                                                            __int128(2) * sum)),
                          (int64_t(1) << bits) - 1);
      total += weight * head.v[keys[index] * head.valueDim + channel];
    }
    if (bits == 0) {
      codes[channel] =
          static_cast<int32_t>(floorDivided(total * (1 << 17) + sum, __int128(2) * sum));
      continue;
    }
    __int128 largest = (__int128(1) << (widths.accumulatorBits - 1)) - 1;
    codes[channel] = static_cast<int32_t>(std::clamp<__int128>(total, -largest - 1, largest) *
                                          (1 << (16 - bits)));
  }
  return codes;
}

/// Selects and recomputes rows of a head with the loops of all instruction sets.
void check(const TestHead &head, const std::vector<RowRange> &rows, unsigned masks) {
  auto tokens = std::make_shared<const KeyHeadCodes>(head.k, head.v, head.headDim, head.valueDim,
                                                     head.widths.nibble);
  HeadCodes codes(head.q, tokens, head.parameters, head.widths);
  bool hasBias = masks & kBias;
  std::vector<ExpectedRow> expected;
  std::vector<std::vector<int32_t>> outputs;
  for (const RowRange &row : rows) {
    expected.push_back(expectedRow(head, row, masks));
    outputs.push_back(expectedCodes(head, row.query, expected.back().kept, hasBias));
  }
  for (const InnerLoops *loops : supportedLoops()) {
    RowKernels kernels(codes, *loops);
    for (size_t index = 0; index < rows.size(); ++index) {
      const RowRange &row = rows[index];
      SCOPED_TRACE(std::string(loops->name) + ", head dimension " + std::to_string(head.headDim) +
                   ", query " + std::to_string(row.query) + ", keys " + std::to_string(row.first) +
                   " to " + std::to_string(row.last) + " of " + std::to_string(head.keys) +
                   ", masks " + std::to_string(masks) + ", threshold " +
                   std::to_string(head.parameters.threshold));
      std::vector<uint64_t> kept(keyWords(head.keys), 0x123456789abcdef);
      SelectedRow selected = kernels.select(row, head.masks(masks), kept);
      const SelectedRow &other = expected[index].selected;
      ASSERT_EQ(selected.allowed, other.allowed);
      ASSERT_EQ(selected.kept, other.kept);
      ASSERT_EQ(selected.retries, other.retries);
      ASSERT_EQ(selected.clampedBiases, other.clampedBiases);
      ASSERT_EQ(selected.isMaskedByBias, other.isMaskedByBias);
      for (int64_t key = 0; key < static_cast<int64_t>(kept.size()) * 64; ++key)
        ASSERT_EQ(kept[key / 64] >> key % 64 & 1, key < head.keys && expected[index].kept[key])
            << key;
      std::vector<int32_t> output(head.valueDim, -1);
      kernels.recompute(row.query, kept, selected.kept, head.masks(masks).bias, output);
      ASSERT_EQ(output, outputs[index]);
    }
  }
}

/// All keys, none, one, and ranges that begin and end anywhere.
std::vector<RowRange> rangesOf(Generator &generator, const TestHead &head) {
  std::vector<RowRange> rows;
  for (bool isPruned : {true, false}) {
    rows.push_back({0, 0, head.keys, isPruned});
    rows.push_back({1, head.keys / 2, head.keys / 2, isPruned});
    rows.push_back({8, head.keys - 1, head.keys, isPruned});
    int64_t first = uniform(generator, 0, head.keys), last = uniform(generator, 0, head.keys);
    rows.push_back({uniform(generator, 0, head.queries - 1), std::min(first, last),
                    std::max(first, last), isPruned});
  }
  return rows;
}

/// The threshold that about a quarter of the keys of the first query reach.
int64_t quarterThreshold(const TestHead &head) {
  std::vector<int64_t> scores(head.keys);
  for (int64_t key = 0; key < head.keys; ++key)
    for (int64_t channel = 0; channel < head.headDim; ++channel)
      scores[key] += high(head.q[channel], head.widths.nibble) *
                     high(head.k[key * head.headDim + channel], head.widths.nibble);
  std::ranges::sort(scores);
  return scores[head.keys * 3 / 4];
}

/// Head dimension and number of keys.
class RowsTest : public testing::TestWithParam<std::tuple<int64_t, int64_t>> {
protected:
  int64_t headDim = std::get<0>(GetParam()), keys = std::get<1>(GetParam());
  Generator generator{static_cast<unsigned>(headDim * 1009 + keys)};
};

TEST_P(RowsTest, AgreesWithTheDefinition) {
  for (const char *preset : {"default", "paper"})
    for (unsigned masks : {0u, 1u, 2u, 4u, 8u, 7u, 15u}) {
      double lambda = 1 / (std::sqrt(double(headDim)) * 1000);
      TestHead head = headOf(generator, *Widths::preset(preset), headDim, keys, 127, lambda);
      head.parameters.threshold = quarterThreshold(head);
      check(head, rangesOf(generator, head), masks);
    }
}

TEST_P(RowsTest, RetriesDownToTheBestKey) {
  TestHead head = headOf(generator, Widths(), headDim, keys, 127, 1e-4);
  int64_t best = 64 * headDim;
  for (int64_t threshold : {best + 1, best + 100000, kMaxThreshold, -kMaxThreshold}) {
    head.parameters.threshold = threshold;
    for (unsigned masks : {0u, 1u, 9u})
      check(head, rangesOf(generator, head), masks);
  }
}

TEST_P(RowsTest, ExtremeCodes) {
  for (const char *preset : {"default", "paper"}) {
    TestHead head = headOf(generator, *Widths::preset(preset), headDim, keys, 0, 1e-6);
    check(head, rangesOf(generator, head), kNone);
    // All keys as far from the query as can be, and the same values.
    std::ranges::fill(head.q, static_cast<int8_t>(head.widths.codeLimit()));
    std::ranges::fill(head.k, static_cast<int8_t>(-head.widths.codeLimit()));
    std::ranges::fill(head.v, static_cast<int8_t>(-head.widths.codeLimit()));
    check(head, rangesOf(generator, head), kNone);
    check(head, rangesOf(generator, head), kBias);
  }
}

TEST_P(RowsTest, TinyAndHugeLogits) {
  for (double lambda : {0x1p-120, 1e-9, 1e-3, 1.0, 0x1p90}) {
    TestHead head = headOf(generator, Widths(), headDim, keys, 20, lambda);
    check(head, {{3, 0, keys, false}, {4, keys / 3, keys, true}}, kNone);
    check(head, {{3, 0, keys, false}, {4, keys / 3, keys, true}}, kBias);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, RowsTest,
                         testing::Combine(testing::Values(1, 3, 16, 32, 64, 65, 80, 128, 300),
                                          testing::Values(1, 63, 64, 65, 200, 1000)));

TEST(RowKernelsTest, ValuesHaveADimensionOfTheirOwn) {
  Generator generator(1);
  for (int64_t valueDim : {1, 7, 64, 100, 192}) {
    TestHead head = headOf(generator, Widths(), 48, 150, 127, 1e-4);
    head.valueDim = valueDim;
    head.v = codesOf(generator, head.keys * valueDim, 119, 119);
    check(head, rangesOf(generator, head), kNone);
  }
}

TEST(RowKernelsTest, LongRows) {
  // Beyond the blocks of lists and of sums.
  Generator generator(2);
  TestHead head = headOf(generator, Widths(), 8, 5000, 0, 1e-7);
  check(head, {{0, 0, 5000, false}, {8, 1, 4999, true}}, kNone);
}

TEST(RowKernelsTest, LongHeads) {
  Generator generator(3);
  for (const char *preset : {"default", "paper"}) {
    TestHead head = headOf(generator, *Widths::preset(preset), 3001, 70, 0, 1e-7);
    check(head, {{0, 0, 70, false}, {8, 1, 69, true}}, kNone);
  }
}

TEST(InnerLoopsTest, QuantiseAlike) {
  Generator generator(4);
  for (float step : {1.0f, 0.3f, 0x1p-126f, 0x1p120f, 1.7e-5f}) {
    std::vector<float> values;
    for (int index = 0; index < 5000; ++index) {
      // Halves of steps, and their neighbours.
      auto half = static_cast<float>(static_cast<double>(uniform(generator, -260, 260)) / 2 * step);
      values.push_back(half);
      values.push_back(std::nextafter(half, std::numeric_limits<float>::infinity()));
      values.push_back(std::nextafter(half, -std::numeric_limits<float>::infinity()));
      for (int other = 0; other < 60; ++other)
        values.push_back(
            static_cast<float>(std::uniform_real_distribution(-128.0, 128.0)(generator) * step));
    }
    std::erase_if(values, [](float value) { return !std::isfinite(value); });
    for (float limit : {119.0f, 127.0f}) {
      std::vector<int8_t> expected(values.size());
      float magnitude = 0;
      for (size_t index = 0; index < values.size(); ++index) {
        expected[index] =
            static_cast<int8_t>(std::clamp(std::nearbyint(values[index] / step), -limit, limit));
        magnitude = std::max(magnitude, std::fabs(values[index]));
      }
      for (const InnerLoops *loops : supportedLoops()) {
        std::vector<int8_t> codes(values.size());
        loops->quantize(values.data(), values.size(), step, limit, codes.data());
        EXPECT_EQ(codes, expected) << loops->name << ", step " << step;
        EXPECT_EQ(loops->largestMagnitude(values.data(), values.size()), magnitude);
      }
    }
  }
}

TEST(InnerLoopsTest, QuantiseBiasesAlike) {
  Generator generator(5);
  std::vector<float> biases = {
      0,    -0.0f, -0x1p20f, -0x1.fffffep19f, 0x1p30f, -std::numeric_limits<float>::infinity(),
      0.5f, 1.5f,  2.5f};
  for (int index = 0; index < 1000; ++index)
    biases.push_back(static_cast<float>(uniform(generator, -2000, 2000)) / 4);
  for (double lambda : {1.0, 0.25, 1e-4, 0x1p-60, 0x1p60})
    for (const InnerLoops *loops : supportedLoops()) {
      std::vector<int32_t> codes(biases.size());
      loops->quantizeBiases(biases.data(), biases.size(), lambda, codes.data());
      for (size_t index = 0; index < biases.size(); ++index) {
        double units = std::nearbyint(double(biases[index]) / lambda);
        int32_t code = biases[index] <= -0x1p20f
                           ? std::numeric_limits<int32_t>::min()
                           : static_cast<int32_t>(std::clamp(units, -0x1p29, 0x1p29));
        EXPECT_EQ(codes[index], code) << loops->name << ", " << biases[index] << " / " << lambda;
      }
    }
}

TEST(InnerLoopsTest, OutputCodesAlike) {
  Generator generator(6);
  Widths widths;
  for (int64_t exponentSum : {int64_t(65536), int64_t(65537), int64_t(1) << 30,
                              (int64_t(1) << 38) - 1, int64_t(1) << 38, (int64_t(1) << 39) + 1}) {
    std::vector<int64_t> sums;
    for (int64_t quotient : {-127, -1, 0, 1, 64, 127})
      for (int64_t offset : {-1, 0, 1})
        sums.push_back(
            std::clamp(quotient * exponentSum + offset, -127 * exponentSum, 127 * exponentSum));
    for (int index = 0; index < 1000; ++index) {
      sums.push_back(uniform(generator, -127 * exponentSum, 127 * exponentSum));
      // About a half of an output code.
      sums.push_back(exponentSum / (1 << 17) * (2 * uniform(generator, -1000, 1000) + 1));
    }
    for (const InnerLoops *loops : supportedLoops()) {
      std::vector<int32_t> codes(sums.size());
      outputCodes(sums, exponentSum, widths, codes.data(), *loops);
      for (size_t index = 0; index < sums.size(); ++index)
        ASSERT_EQ(codes[index],
                  static_cast<int32_t>(floorDivided(__int128(sums[index]) * (1 << 17) + exponentSum,
                                                    __int128(2) * exponentSum)))
            << loops->name << ", " << sums[index] << " / " << exponentSum;
    }
  }
}

} // namespace
