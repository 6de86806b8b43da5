//===- MaskTest.cpp - Launches with masks, biases and key heads -----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Simulator.h"
#include "TestPrograms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

using namespace sprint;
using namespace sprint::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Sizes of a mask or bias: 0 where it is not there.
using Sizes = std::array<int64_t, 3>;

struct MaskCase {
  std::string name;
  int64_t batches, heads, keyHeads, queries, keys;
  bool hasKeyValid = false;
  Sizes mask = {};
  Sizes bias = {};
  bool causal = false;
  bool dense = false;
  bool loadsOnce = false;
  bool hasSegments = false;
  std::string machine = "s";
};

void PrintTo(const MaskCase &testCase, std::ostream *stream) { *stream << testCase.name; }

TestInputs inputsOf(const MaskCase &test) {
  TestInputs inputs;
  if (test.hasKeyValid)
    inputs.keyValid.emplace(std::array<int64_t, 4>{test.batches, 1, 1, test.keys}, 4, 12);
  if (test.mask[0])
    inputs.mask.emplace(std::array<int64_t, 4>{test.mask[0], test.mask[1], test.mask[2], test.keys},
                        5);
  if (test.bias[0]) {
    inputs.bias.emplace(std::array<int64_t, 4>{test.bias[0], test.bias[1], test.bias[2], test.keys},
                        6);
    // What masks, each way, amid what does not.
    std::vector<float> &logits = inputs.bias->data;
    for (size_t index = 0; index < logits.size(); index += 7)
      logits[index] = index % 2   ? -kInfinity
                      : index % 4 ? std::numeric_limits<float>::lowest()
                                  : -1048576.0f;
    for (size_t index = 3; index < logits.size(); index += 31)
      logits[index] = index % 2 ? -1048575.0f : 3e6f;
  }
  if (test.hasSegments) {
    inputs.querySegments.emplace(std::array<int64_t, 2>{test.batches, test.queries}, 7);
    inputs.keySegments.emplace(std::array<int64_t, 2>{test.batches, test.keys}, 8);
  }
  return inputs;
}

class LaunchMaskTest : public testing::TestWithParam<MaskCase> {};

TEST_P(LaunchMaskTest, GivesTheReferencesBits) {
  const MaskCase &test = GetParam();
  Machine machine = builtinMachine(test.machine);
  Tensor query({test.batches, test.heads, test.queries, 16}, 1);
  Tensor key({test.batches, test.keyHeads, test.keys, 16}, 2);
  Tensor value({test.batches, test.keyHeads, test.keys, 24}, 3);
  TestInputs inputs = inputsOf(test);
  Program program = attentionProgram(machine, {.causal = test.causal,
                                               .dense = test.dense,
                                               .isGrouped = test.keyHeads != test.heads,
                                               .inputs = inputs.regions(),
                                               .loadsOnce = test.loadsOnce});
  program.scale = 0.25;
  // One head prunes, the next retries long, the next keeps all.
  LaunchOptions options;
  options.masks = true;
  options.thresholds.kind = ThresholdPolicy::Kind::Given;
  for (int64_t head = 0; head < test.heads; ++head)
    options.thresholds.thresholds.push_back(head % 3 == 0   ? 3.0f
                                            : head % 3 == 1 ? 1e6f
                                                            : -kInfinity);
  std::string error;
  std::optional<LaunchResult> result =
      launch(program, machine, operandsOf(query, key, value, inputs), options, error);
  ASSERT_TRUE(result) << error;
  Reference expected(query, key, value, program.scale, options.thresholds.thresholds,
                     machine.structure.widths, test.causal, test.dense, inputs);
  expected.expectGivenBy(*result);
  EXPECT_EQ(result->dimensions.group, test.heads / test.keyHeads);
}

INSTANTIATE_TEST_SUITE_P(
    Masks, LaunchMaskTest,
    testing::Values(
        MaskCase{.name = "KeyValid",
                 .batches = 3,
                 .heads = 2,
                 .keyHeads = 2,
                 .queries = 9,
                 .keys = 70,
                 .hasKeyValid = true},
        MaskCase{.name = "Mask",
                 .batches = 2,
                 .heads = 3,
                 .keyHeads = 3,
                 .queries = 9,
                 .keys = 70,
                 .mask = {2, 3, 9}},
        MaskCase{.name = "MaskOfTheBatch",
                 .batches = 2,
                 .heads = 3,
                 .keyHeads = 3,
                 .queries = 9,
                 .keys = 70,
                 .mask = {2, 1, 9}},
        MaskCase{.name = "MaskOfAll",
                 .batches = 2,
                 .heads = 2,
                 .keyHeads = 2,
                 .queries = 5,
                 .keys = 70,
                 .mask = {1, 1, 1}},
        MaskCase{.name = "MaskOfAllLoadedOnce",
                 .batches = 2,
                 .heads = 2,
                 .keyHeads = 2,
                 .queries = 5,
                 .keys = 70,
                 .mask = {1, 2, 1},
                 .loadsOnce = true},
        MaskCase{.name = "Bias",
                 .batches = 2,
                 .heads = 3,
                 .keyHeads = 3,
                 .queries = 9,
                 .keys = 70,
                 .bias = {2, 3, 9}},
        MaskCase{.name = "BiasOfHeads",
                 .batches = 2,
                 .heads = 3,
                 .keyHeads = 3,
                 .queries = 9,
                 .keys = 70,
                 .bias = {1, 3, 9}},
        MaskCase{.name = "BiasOfAllLoadedOnce",
                 .batches = 2,
                 .heads = 3,
                 .keyHeads = 3,
                 .queries = 4,
                 .keys = 70,
                 .bias = {1, 1, 1},
                 .loadsOnce = true},
        MaskCase{.name = "All",
                 .batches = 2,
                 .heads = 3,
                 .keyHeads = 3,
                 .queries = 20,
                 .keys = 70,
                 .hasKeyValid = true,
                 .mask = {1, 1, 20},
                 .bias = {1, 3, 20}},
        MaskCase{.name = "AllCausal",
                 .batches = 1,
                 .heads = 3,
                 .keyHeads = 3,
                 .queries = 40,
                 .keys = 40,
                 .hasKeyValid = true,
                 .mask = {1, 3, 40},
                 .bias = {1, 1, 40},
                 .causal = true},
        MaskCase{.name = "AllDense",
                 .batches = 2,
                 .heads = 2,
                 .keyHeads = 2,
                 .queries = 9,
                 .keys = 70,
                 .hasKeyValid = true,
                 .mask = {2, 1, 9},
                 .bias = {1, 2, 9},
                 .causal = true,
                 .dense = true},
        MaskCase{
            .name = "Grouped", .batches = 2, .heads = 6, .keyHeads = 2, .queries = 9, .keys = 70},
        MaskCase{.name = "OneKeyHead",
                 .batches = 2,
                 .heads = 4,
                 .keyHeads = 1,
                 .queries = 9,
                 .keys = 130,
                 .causal = true},
        MaskCase{.name = "GroupedAll",
                 .batches = 2,
                 .heads = 6,
                 .keyHeads = 3,
                 .queries = 9,
                 .keys = 70,
                 .hasKeyValid = true,
                 .mask = {2, 6, 9},
                 .bias = {2, 1, 9},
                 .machine = "l"},
        MaskCase{.name = "Segments",
                 .batches = 2,
                 .heads = 6,
                 .keyHeads = 3,
                 .queries = 9,
                 .keys = 70,
                 .hasSegments = true},
        MaskCase{.name = "SegmentsAndAllDense",
                 .batches = 2,
                 .heads = 3,
                 .keyHeads = 3,
                 .queries = 20,
                 .keys = 20,
                 .hasKeyValid = true,
                 .mask = {1, 1, 20},
                 .bias = {1, 3, 20},
                 .causal = true,
                 .dense = true,
                 .hasSegments = true},
        MaskCase{.name = "SegmentsAndAll",
                 .batches = 2,
                 .heads = 3,
                 .keyHeads = 1,
                 .queries = 20,
                 .keys = 70,
                 .hasKeyValid = true,
                 .mask = {2, 3, 20},
                 .bias = {1, 3, 20},
                 .hasSegments = true,
                 .machine = "m"},
        MaskCase{.name = "PaperWidths",
                 .batches = 1,
                 .heads = 3,
                 .keyHeads = 1,
                 .queries = 9,
                 .keys = 70,
                 .hasKeyValid = true,
                 .bias = {1, 3, 9},
                 .machine = "s-paper-widths"}),
    [](const testing::TestParamInfo<MaskCase> &info) { return info.param.name; });

/// Runs the test program on the operands, which must succeed.
LaunchResult run(const Machine &machine, const LaunchOperands &operands,
                 const AttentionOptions &attention, const LaunchOptions &options = {}) {
  std::string error;
  std::optional<LaunchResult> result =
      launch(attentionProgram(machine, attention), machine, operands, options, error);
  EXPECT_TRUE(result) << error;
  return std::move(result).value();
}

TEST(MaskTest, QueriesWithoutAnAllowedKeyGiveZeros) {
  Tensor tensor({2, 1, 3, 8}, 1);
  TestInputs inputs;
  inputs.keyValid.emplace(std::array<int64_t, 4>{2, 1, 1, 3}, 1, 16);
  inputs.keyValid->data = {1, 1, 1, 0, 0, 0};
  inputs.mask.emplace(std::array<int64_t, 4>{1, 1, 3, 3}, 1, 16);
  inputs.mask->data = {1, 1, 0, 0, 0, 0, 1, 0, 0};
  for (bool dense : {false, true}) {
    LaunchResult result = run(builtinMachine("s"), operandsOf(tensor, tensor, tensor, inputs),
                              {.dense = dense, .inputs = inputs.regions()});
    EXPECT_EQ(result.statistics.allowedScores, 2 + 1);
    EXPECT_EQ(result.statistics.keptScores, 2 + 1);
    EXPECT_EQ(result.statistics.retries, 0);
    for (size_t index = 0; index < result.codes.size(); ++index) {
      bool isEmpty = index / 8 == 1 || index / 8 >= 3;
      if (isEmpty)
        EXPECT_EQ(result.codes[index], 0) << index;
    }
    EXPECT_NE(result.codes[0], 0);
  }
}

TEST(MaskTest, PrunedFractionIsOfAllowedScores) {
  Tensor query({1, 1, 20, 16}, 1), key({1, 1, 80, 16}, 2), value({1, 1, 80, 16}, 3);
  TestInputs inputs;
  inputs.keyValid.emplace(std::array<int64_t, 4>{1, 1, 1, 80}, 1, 16);
  std::fill(inputs.keyValid->data.begin() + 20, inputs.keyValid->data.end(), uint8_t(0));
  LaunchResult result =
      run(builtinMachine("s"), operandsOf(query, key, value, inputs), {.inputs = inputs.regions()});
  EXPECT_EQ(result.statistics.allowedScores, 20 * 20);
  EXPECT_EQ(result.statistics.prunedFraction(), 0);
}

/// One head of 20 queries and 80 keys; the inputs mask every other key.
class HalfMaskedTest : public testing::TestWithParam<float> {
protected:
  Machine machine = builtinMachine("s");
  Tensor query{{1, 1, 20, 32}, 1}, key{{1, 1, 80, 32}, 2}, value{{1, 1, 80, 32}, 3};
  LaunchOptions options;

  LaunchResult masked(bool dense) const {
    TestInputs inputs;
    inputs.mask.emplace(std::array<int64_t, 4>{1, 1, 1, 80}, 1);
    for (size_t key = 0; key < 80; ++key)
      inputs.mask->data[key] = key % 2;
    return run(machine, operandsOf(query, key, value, inputs),
               {.dense = dense, .inputs = inputs.regions()}, options);
  }

  /// With `mask` added to half of the biases, which are otherwise a common one.
  LaunchResult biased(bool dense, float common, float mask) const {
    TestInputs inputs;
    inputs.bias.emplace(std::array<int64_t, 4>{1, 1, 1, 80}, 1);
    for (size_t key = 0; key < 80; ++key)
      inputs.bias->data[key] = key % 2 ? common : common + mask;
    return run(machine, operandsOf(query, key, value, inputs),
               {.dense = dense, .inputs = inputs.regions()}, options);
  }
};

TEST_P(HalfMaskedTest, BiasesCountNoMoreThanABooleanMask) {
  for (float common : {0.0f, -500.0f, -5000.0f}) {
    for (bool dense : {false, true}) {
      LaunchResult expected = masked(dense), result = biased(dense, common, GetParam());
      EXPECT_EQ(result.statistics.allowedScores, 20 * 40);
      EXPECT_EQ(result.codes, expected.codes);
      EXPECT_EQ(result.statistics.fetchedBytes, expected.statistics.fetchedBytes);
    }
    options.thresholds = {ThresholdPolicy::Kind::PruneRate, {}, 0.5};
    options.masks = true;
    LaunchResult expected = masked(false), result = biased(false, common, GetParam());
    EXPECT_NEAR(result.statistics.prunedFraction(), 0.5, 0.02);
    EXPECT_EQ(result.statistics.allowedScores, expected.statistics.allowedScores);
    EXPECT_EQ(result.masks, expected.masks);
    // To load a row of biases takes longer than one of a mask.
    EXPECT_EQ(result.statistics.cycles, biased(false, common, -kInfinity).statistics.cycles);
    options = {};
  }
}

INSTANTIATE_TEST_SUITE_P(Masks, HalfMaskedTest,
                         testing::Values(-1e4f, -1e9f, std::numeric_limits<float>::lowest(),
                                         -kInfinity));

TEST(MaskTest, TheLargestBiasIsThatOfTheAllowedKeys) {
  // Key 0, whose bias towers over the others, is not allowed: key 1 masks key 2 alone.
  Tensor tensor({1, 1, 3, 8}, 1);
  TestInputs inputs;
  inputs.keyValid.emplace(std::array<int64_t, 4>{1, 1, 1, 3}, 1, 16);
  inputs.keyValid->data = {0, 1, 1};
  inputs.bias.emplace(std::array<int64_t, 4>{1, 1, 1, 3}, 1);
  inputs.bias->data = {10000, 0, -5000};
  auto launched = [&] {
    return run(builtinMachine("s"), operandsOf(tensor, tensor, tensor, inputs),
               {.inputs = inputs.regions()});
  };
  EXPECT_EQ(launched().statistics.allowedScores, 3 * 1);
  inputs.bias->data[2] = 0;
  EXPECT_EQ(launched().statistics.allowedScores, 3 * 2);
  inputs.keyValid->data[0] = 1;
  EXPECT_EQ(launched().statistics.allowedScores, 3 * 1);
}

TEST(MaskTest, CountsWhatBiasesDo) {
  Tensor tensor({1, 1, 4, 8}, 1);
  TestInputs inputs;
  inputs.keyValid.emplace(std::array<int64_t, 4>{1, 1, 1, 4}, 1, 16);
  inputs.keyValid->data = {1, 1, 1, 0};
  inputs.bias.emplace(std::array<int64_t, 4>{1, 1, 4, 4}, 1);
  float lowest = std::numeric_limits<float>::lowest();
  // Two keys beyond the codes; every finite bias masks; none is finite where one would count; a
  // key is left.
  inputs.bias->data = {1e30f,      1e29f,      0,          1e30f, lowest,     -2e9f, -kInfinity, 0,
                       -kInfinity, -kInfinity, -kInfinity, 0,     -kInfinity, -1e9f, 0,          0};
  for (bool dense : {false, true}) {
    LaunchResult result = run(builtinMachine("s"), operandsOf(tensor, tensor, tensor, inputs),
                              {.dense = dense, .inputs = inputs.regions()});
    EXPECT_EQ(result.statistics.clampedBiases, 2);
    EXPECT_EQ(result.statistics.rowsMaskedByBias, 1);
    EXPECT_EQ(result.statistics.allowedScores, 2 + 1);
  }
}

//===----------------------------------------------------------------------===//
// Key heads that a group shares
//===----------------------------------------------------------------------===//

TEST(KeyHeadTest, KeysAndValuesAreWrittenOnceAndStayOnChip) {
  Machine machine = builtinMachine("s");
  Tensor query({2, 6, 3, 8}, 1), key({2, 2, 5, 8}, 2), value({2, 2, 5, 4}, 3);
  LaunchResult result = run(machine, operandsOf(query, key, value),
                            {.residency = Residency::Pinned, .isGrouped = true});
  // 12 heads of 3 queries, 4 key heads of 5 keys and values; the latter come on chip once.
  EXPECT_EQ(result.statistics.writtenBytes, 12 * 3 * 8 + 4 * 5 * (8 + 4));
  EXPECT_EQ(result.statistics.fetchedBytes, 4 * 5 * (8 + 4));
}

TEST(KeyHeadTest, ResidentHeadsCountKeyHeads) {
  // One key head at a time, while each of its group's four heads comes and goes.
  Machine machine = builtinMachine("s");
  machine.structure.residentHeads = 1;
  Tensor query({1, 8, 3, 8}, 1), key({1, 2, 5, 8}, 2);
  LaunchResult result = run(machine, operandsOf(query, key, key), {.isGrouped = true});
  EXPECT_EQ(result.statistics.keptScores, 8 * 3 * 5);
}

//===----------------------------------------------------------------------===//
// Counts and times
//===----------------------------------------------------------------------===//

/// When the n-th command of that name on that unit starts.
double startOf(const LaunchResult &result, std::string_view unit, std::string_view name, int n) {
  for (const TraceEvent &event : result.trace)
    if (event.unit == unit && event.name == name && n-- == 0)
      return event.start;
  ADD_FAILURE() << "no such command";
  return 0;
}

/// One head of 2 queries and 5 keys with D = Dv = 8, without and with inputs.
class MaskCostTest : public testing::Test {
protected:
  Machine machine = builtinMachine("s");
  Tensor query{{1, 1, 2, 8}, 1};
  Tensor key{{1, 1, 5, 8}, 2};
  TestInputs inputs;

  LaunchResult launchWith(bool withInputs) const {
    LaunchOptions options;
    options.trace = true;
    TestInputs none;
    const TestInputs &used = withInputs ? inputs : none;
    return run(machine, operandsOf(query, key, key, used), {.inputs = used.regions()}, options);
  }

  /// How much more a component takes with the inputs.
  static double more(const LaunchResult &without, const LaunchResult &with,
                     const std::string &component) {
    return energyOf(with, component) - energyOf(without, component);
  }
};

TEST_F(MaskCostTest, MasksTakeABitAKey) {
  inputs.keyValid.emplace(std::array<int64_t, 4>{1, 1, 1, 5}, 1, 16);
  inputs.mask.emplace(std::array<int64_t, 4>{1, 1, 2, 5}, 1, 16);
  LaunchResult without = launchWith(false), with = launchWith(true);
  // Written are 5 bits, one byte, of key_valid and 10 bits, two bytes, of mask; loaded are one row
  // of 5 bits and two.
  EXPECT_EQ(with.statistics.writtenBytes - without.statistics.writtenBytes, 1 + 2);
  EXPECT_NEAR(more(without, with, "reram_write"), 24.4 * (5 + 10), 1e-6);
  EXPECT_NEAR(more(without, with, "reram_read"), 3.1 * (5 + 2 * 5), 1e-6);
  EXPECT_EQ(more(without, with, "sram_write"), 0);
  EXPECT_EQ(more(without, with, "sram_read"), 0);
  // Writes take tCWD, 10, their bytes and a pulse of 10: 22 whole cycles for 40 bytes of keys and
  // of values, 21 for 16 bytes of queries, and for few bits.
  EXPECT_EQ(startOf(with, "write", "write", 4), 2 * 22 + 2 * 21);
  // A load takes tCAS, and does not hold the bus.
  double first = startOf(with, "select", "load_mask", 0);
  EXPECT_EQ(first, 2 * 22 + 3 * 21);
  EXPECT_EQ(startOf(with, "select", "load_mask", 1), first + 15);
  EXPECT_EQ(startOf(with, "select", "copy_query", 0), first + 2 * 15);
}

TEST_F(MaskCostTest, BiasesTakeFourBytesAKey) {
  inputs.bias.emplace(std::array<int64_t, 4>{1, 1, 2, 5}, 1);
  LaunchResult without = launchWith(false), with = launchWith(true);
  EXPECT_EQ(with.statistics.writtenBytes - without.statistics.writtenBytes, 2 * 5 * 4);
  EXPECT_NEAR(more(without, with, "reram_write"), 24.4 * 2 * 5 * 32, 1e-6);
  EXPECT_NEAR(more(without, with, "reram_read"), 3.1 * 2 * 5 * 32, 1e-6);
  // Into the row buffer, and for each of the ten scores out of it.
  EXPECT_NEAR(more(without, with, "sram_write"), 0.46 * 2 * 5 * 32, 1e-6);
  EXPECT_NEAR(more(without, with, "sram_read"), 0.53 * 2 * 5 * 32, 1e-6);
  // 40 cycles until the first data, then a burst of 64 bytes, in which the 20 are, at the 6.4 bytes
  // a cycle of a channel: 50 whole cycles. The query is loaded at the same time.
  double first = startOf(with, "select", "load_bias", 0);
  EXPECT_EQ(first, 3 * 22 + 21);
  EXPECT_EQ(startOf(with, "key_fetch", "load_query", 0), first);
  EXPECT_EQ(startOf(with, "select", "copy_query", 0), first + 50);
}

TEST_F(MaskCostTest, SegmentsTakeFourBytesAToken) {
  inputs.querySegments.emplace(std::array<int64_t, 2>{1, 2}, 1);
  inputs.keySegments.emplace(std::array<int64_t, 2>{1, 5}, 1);
  inputs.querySegments->data.assign(2, 3);
  inputs.keySegments->data.assign(5, 3);
  LaunchResult without = launchWith(false), with = launchWith(true);
  EXPECT_EQ(with.statistics.writtenBytes - without.statistics.writtenBytes, (2 + 5) * 4);
  EXPECT_NEAR(more(without, with, "reram_write"), 24.4 * (2 + 5) * 32, 1e-6);
  // For each query its own and those of all keys.
  EXPECT_NEAR(more(without, with, "reram_read"), 3.1 * 2 * (1 + 5) * 32, 1e-6);
  EXPECT_EQ(more(without, with, "sram_write"), 0);
  EXPECT_EQ(with.statistics.hostQuadraticBytes, 0);
  // A load takes tCAS, and does not hold the bus.
  double first = startOf(with, "select", "load_segments", 0);
  EXPECT_EQ(first, 2 * 22 + 3 * 21);
  EXPECT_EQ(startOf(with, "select", "copy_query", 0), first + 15);
}

} // namespace
