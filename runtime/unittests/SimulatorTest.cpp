//===- SimulatorTest.cpp - Values of launches -----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Simulator.h"
#include "LaunchRun.h"
#include "TestPrograms.h"

#include <gtest/gtest.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace sprint;
using namespace sprint::test;

namespace {

constexpr float kKeepAll = -std::numeric_limits<float>::infinity();

struct Case {
  std::string name;
  std::string machine;
  int64_t batches, heads, queries, keys, headDim, valueDim;
  /// Threshold as a fraction of the logits' standard deviation; infinite keeps all, or retries
  /// long.
  float threshold;
  bool causal = false;
  bool dense = false;
};

void PrintTo(const Case &testCase, std::ostream *stream) { *stream << testCase.name; }

class LaunchTest : public testing::TestWithParam<Case> {};

/// Logits of random operands of `Tensor` have about this standard deviation, at a scale of
/// 1/sqrt(D).
constexpr float kDeviation = 5.3f;

TEST_P(LaunchTest, GivesTheReferencesBits) {
  const Case &test = GetParam();
  Machine machine = builtinMachine(test.machine);
  Tensor query({test.batches, test.heads, test.queries, test.headDim}, 1);
  Tensor key({test.batches, test.heads, test.keys, test.headDim}, 2);
  Tensor value({test.batches, test.heads, test.keys, test.valueDim}, 3);
  Program program = attentionProgram(
      machine, {.causal = test.causal,
                .dense = test.dense,
                .residency = test.dense ? Residency::Pinned : Residency::PreviousQuery});
  program.scale = 1 / std::sqrt(static_cast<double>(test.headDim));
  LaunchOptions options;
  options.masks = true;
  options.thresholds = {ThresholdPolicy::Kind::Given, {test.threshold * kDeviation}, 0};
  std::string error;
  std::optional<LaunchResult> result =
      launch(program, machine, operandsOf(query, key, value), options, error);
  ASSERT_TRUE(result) << error;
  Reference expected(query, key, value, program.scale, options.thresholds.thresholds,
                     machine.structure.widths, test.causal, test.dense);
  expected.expectGivenBy(*result);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, LaunchTest,
    testing::Values(Case{"One", "s", 1, 1, 1, 1, 1, 1, kKeepAll},
                    Case{"TwoKeys", "s", 1, 1, 1, 2, 32, 32, kKeepAll},
                    Case{"Keeps", "s", 1, 2, 40, 40, 64, 64, kKeepAll},
                    Case{"Prunes", "s", 1, 2, 40, 129, 64, 64, 0.7f},
                    Case{"Retries", "s", 1, 1, 40, 127, 64, 64, 3},
                    Case{"RetriesLong", "s", 1, 1, 9, 64, 32, 32, -kKeepAll},
                    Case{"Batches", "m", 2, 3, 17, 130, 32, 32, 0.7f},
                    Case{"FourCorelets", "l", 1, 2, 17, 300, 80, 80, 0.7f},
                    Case{"WideHead", "s", 1, 1, 20, 65, 128, 128, 0.5f},
                    Case{"VeryWideHead", "s", 1, 1, 5, 65, 700, 5, 0.5f},
                    Case{"OtherValueWidth", "s", 1, 1, 20, 65, 32, 48, 0.5f},
                    Case{"Causal", "s", 1, 2, 70, 70, 64, 64, 0.7f, true},
                    Case{"CausalKeeps", "m", 1, 1, 70, 70, 64, 64, kKeepAll, true},
                    Case{"Dense", "s", 1, 2, 20, 200, 64, 64, 0, false, true},
                    Case{"DenseCausal", "l", 1, 1, 20, 20, 64, 64, 0, true, true},
                    Case{"TwoPasses", "s", 1, 1, 3, 1100, 32, 32, kKeepAll},
                    Case{"PaperWidths", "s-paper-widths", 1, 2, 40, 129, 64, 64, 0.7f},
                    Case{"PaperWidthsKeep", "s-paper-widths", 1, 1, 5, 300, 64, 64, kKeepAll}),
    [](const testing::TestParamInfo<Case> &info) { return info.param.name; });

/// Runs the test program on the operands, which must succeed.
LaunchResult run(const Machine &machine, const Tensor &query, const Tensor &key,
                 const Tensor &value, const LaunchOptions &options,
                 const AttentionOptions &attention = {}) {
  std::string error;
  std::optional<LaunchResult> result = launch(attentionProgram(machine, attention), machine,
                                              operandsOf(query, key, value), options, error);
  EXPECT_TRUE(result) << error;
  return std::move(result).value();
}

TEST(SimulatorTest, ThreadsChangeNothing) {
  // Long enough that rows are computed while others are still walked to, over several key heads.
  Machine machine = builtinMachine("l");
  Program program = attentionProgram(machine, {.isGrouped = true});
  Tensor query({2, 4, 500, 16}, 1), key({2, 2, 90, 16}, 2), value({2, 2, 90, 16}, 3);
  LaunchOptions options;
  options.masks = options.trace = true;
  options.thresholds = {ThresholdPolicy::Kind::Given, {5}, 0};
  std::vector<LaunchResult> results;
  for (int threads : {1, 2, 7}) {
    options.threads = threads;
    std::vector<int64_t> progress;
    options.progress = [&](int64_t done, int64_t rows) {
      EXPECT_EQ(rows, 4000);
      EXPECT_EQ(tbb::this_task_arena::max_concurrency(), threads);
      progress.push_back(done);
    };
    std::string error;
    std::optional<LaunchResult> result =
        launch(program, machine, operandsOf(query, key, value), options, error);
    ASSERT_TRUE(result) << error;
    EXPECT_TRUE(std::ranges::is_sorted(progress));
    EXPECT_EQ(progress.back(), 4000);
    results.push_back(std::move(*result));
  }
  Reference expected(query, key, value, program.scale, {5}, machine.structure.widths, false, false);
  for (const LaunchResult &result : results) {
    expected.expectGivenBy(result);
    EXPECT_EQ(result.statistics.cycles, results[0].statistics.cycles);
    EXPECT_EQ(result.statistics.totalEnergy(), results[0].statistics.totalEnergy());
    EXPECT_EQ(result.trace.size(), results[0].trace.size());
  }
}

TEST(SimulatorTest, KeepsRowsOnlyWhileTheyAreLookedAt) {
  Machine machine = builtinMachine("s");
  Tensor query({1, 1, 3000, 8}, 1), key({1, 1, 70, 8}, 2), value({1, 1, 70, 8}, 3);
  for (bool dense : {false, true}) {
    Program program = attentionProgram(machine, {.dense = dense});
    Operands operands(operandsOf(query, key, value), machine.structure.widths, LaunchOptions());
    DecodedProgram decoded(program, operands.shape());
    std::vector<float> thresholds = {5};
    LaunchOptions options;
    LaunchRun *running = nullptr;
    size_t most = 0;
    options.progress = [&](int64_t, int64_t) { most = std::max(most, running->keptPieces()); };
    LaunchRun run(decoded, machine, operands, thresholds, options);
    running = &run;
    LaunchResult result;
    run.run(result);
    EXPECT_LE(most, 3u);
    EXPECT_EQ(run.keptPieces(), 0u);
  }
}

TEST(SimulatorTest, AllZeroHeadGivesZeros) {
  Tensor zero({1, 1, 4, 8}, 0);
  std::fill(zero.data.begin(), zero.data.end(), 0.0f);
  LaunchResult result = run(builtinMachine("s"), zero, zero, zero, {});
  for (float value : result.output)
    EXPECT_EQ(value, 0.0f);
  EXPECT_EQ(result.statistics.keptScores, 16);
}

TEST(SimulatorTest, QueryWithoutAllowedKeyGivesZeros) {
  Machine machine = builtinMachine("s");
  ProgramBuilder builder(machine);
  // The first row's range is empty: keys from 0 to before i2.
  builder.program = attentionProgram(machine, {.causal = true});
  for (ExprNode &node : builder.program.expressions)
    if (node.kind == ExprNode::Kind::Constant && node.value == 1)
      node.value = 0;
  Tensor tensor({1, 1, 3, 8}, 1);
  std::string error;
  std::optional<LaunchResult> result =
      launch(builder.program, machine, operandsOf(tensor, tensor, tensor), {}, error);
  ASSERT_TRUE(result) << error;
  EXPECT_EQ(result->statistics.allowedScores, 0 + 1 + 2);
  EXPECT_EQ(result->statistics.retries, 0);
  for (int channel = 0; channel < 8; ++channel)
    EXPECT_EQ(result->output[channel], 0.0f);
  // The second row keeps key 0 alone, so gives its value's code.
  EXPECT_EQ(result->codes[8] % 65536, 0);
}

TEST(SimulatorTest, OneThresholdAHead) {
  Machine machine = builtinMachine("s");
  Tensor query({2, 2, 16, 32}, 1), key({2, 2, 64, 32}, 2), value({2, 2, 64, 32}, 3);
  LaunchOptions options;
  options.masks = true;
  options.thresholds = {ThresholdPolicy::Kind::Given, {kKeepAll, 20.0f}, 0};
  LaunchResult result = run(machine, query, key, value, options);
  Reference expected(query, key, value, 1, {kKeepAll, 20.0f}, machine.structure.widths, false,
                     false);
  EXPECT_EQ(result.codes, expected.codes);
  EXPECT_EQ(result.masks, expected.masks);
  EXPECT_EQ(result.thresholds, options.thresholds.thresholds);
}

TEST(SimulatorTest, ProgramsThresholdsAreUsedUnlessOthersAreGiven) {
  Machine machine = builtinMachine("s");
  Tensor tensor({1, 1, 16, 32}, 1);
  Program program = attentionProgram(machine);
  program.thresholds = {7.5f};
  std::string error;
  auto withProgram = launch(program, machine, operandsOf(tensor, tensor, tensor), {}, error);
  ASSERT_TRUE(withProgram) << error;
  EXPECT_EQ(withProgram->thresholds, std::vector<float>{7.5f});
  LaunchOptions options;
  options.thresholds = {ThresholdPolicy::Kind::Given, {kKeepAll}, 0};
  auto withOthers = launch(program, machine, operandsOf(tensor, tensor, tensor), options, error);
  ASSERT_TRUE(withOthers) << error;
  EXPECT_EQ(withOthers->statistics.prunedFraction(), 0);
}

TEST(SimulatorTest, CodesDoNotDependOnTheMachine) {
  Tensor query({1, 2, 16, 64}, 1), key({1, 2, 300, 64}, 2), value({1, 2, 300, 64}, 3);
  LaunchOptions options;
  options.thresholds = {ThresholdPolicy::Kind::Given, {15.0f}, 0};
  Buffer<int32_t> onS = run(builtinMachine("s"), query, key, value, options).codes;
  EXPECT_EQ(run(builtinMachine("m"), query, key, value, options).codes, onS);
  EXPECT_EQ(run(builtinMachine("l"), query, key, value, options).codes, onS);
}

//===----------------------------------------------------------------------===//
// Calibration
//===----------------------------------------------------------------------===//

TEST(CalibratedLaunchTest, FindsTheNearestRateOfIntegerThresholds) {
  Machine machine = builtinMachine("s");
  Tensor query({1, 1, 24, 16}, 1), key({1, 1, 40, 16}, 2), value({1, 1, 40, 4}, 3);
  for (double rate : {0.0, 0.1, 0.5, 0.75, 0.9, 1.0}) {
    LaunchOptions options;
    options.thresholds = {ThresholdPolicy::Kind::PruneRate, {}, rate};
    LaunchResult result = run(machine, query, key, value, options);
    // Thresholds of every integer near the scores, each half a unit below.
    auto stepOf = [](const Tensor &tensor) {
      float largest = 0;
      for (float value : tensor.data)
        largest = std::max(largest, std::fabs(value));
      return largest / 119;
    };
    double unit = 256 * double(stepOf(query)) * double(stepOf(key));
    double nearest = 2;
    for (int threshold = -800; threshold < 800; ++threshold) {
      float theta = static_cast<float>((threshold - 0.5) * unit);
      Reference reference(query, key, value, 1, {theta}, machine.structure.widths, false, false);
      double dropped = 1 - double(reference.kept) / double(reference.allowed);
      nearest = std::min(nearest, std::fabs(dropped - rate));
      if (dropped > rate)
        break;
    }
    EXPECT_NEAR(std::fabs(result.statistics.prunedFraction() - rate), nearest, 1e-12) << rate;
  }
}

TEST(CalibratedLaunchTest, CalibratesEachHeadOverTheBatch) {
  Machine machine = builtinMachine("s");
  Tensor query({3, 2, 50, 32}, 1), key({3, 2, 200, 32}, 2), value({3, 2, 200, 8}, 3);
  // Another scale a batch element, so that the steps differ.
  for (size_t index = 0; index < query.data.size(); ++index)
    query.data[index] *= static_cast<float>(1 + index / (2 * 50 * 32));
  LaunchOptions options;
  options.masks = true;
  options.thresholds = {ThresholdPolicy::Kind::PruneRate, {}, 0.75};
  LaunchResult result = run(machine, query, key, value, options, {.causal = false});
  ASSERT_EQ(result.thresholds.size(), 2u);
  for (int64_t head : {0, 1}) {
    int64_t kept = 0;
    for (int64_t batch = 0; batch < 3; ++batch)
      for (int64_t index = 0; index < 50 * 200; ++index)
        kept += result.masks[(batch * 2 + head) * 50 * 200 + index];
    EXPECT_NEAR(kept / (3.0 * 50 * 200), 0.25, 0.005) << head;
  }
  // The thresholds found, given back, do the same.
  LaunchOptions given;
  given.masks = true;
  given.thresholds = {ThresholdPolicy::Kind::Given, result.thresholds, 0};
  EXPECT_EQ(run(machine, query, key, value, given).masks, result.masks);
}

TEST(CalibratedLaunchTest, CountsAllowedScoresOnly) {
  Machine machine = builtinMachine("s");
  Tensor query({1, 1, 120, 32}, 1), key({1, 1, 120, 32}, 2), value({1, 1, 120, 8}, 3);
  LaunchOptions options;
  options.thresholds = {ThresholdPolicy::Kind::PruneRate, {}, 0.5};
  LaunchResult result = run(machine, query, key, value, options, {.causal = true});
  EXPECT_EQ(result.statistics.allowedScores, 120 * 121 / 2);
  EXPECT_NEAR(result.statistics.prunedFraction(), 0.5, 0.01);
}

TEST(CalibratedLaunchTest, DenseProgramHasNoThreshold) {
  Machine machine = builtinMachine("s");
  Tensor tensor({1, 1, 12, 8}, 1);
  LaunchOptions options;
  options.thresholds = {ThresholdPolicy::Kind::PruneRate, {}, 0.5};
  LaunchResult result = run(machine, tensor, tensor, tensor, options, {.dense = true});
  EXPECT_EQ(result.thresholds, std::vector<float>{kKeepAll});
  EXPECT_EQ(result.statistics.prunedFraction(), 0);
}

//===----------------------------------------------------------------------===//
// What stays on chip
//===----------------------------------------------------------------------===//

/// A program and operands of one head with D = Dv = 8 in which row i keeps exactly the keys of
/// `rows[i]`.
struct ChosenRows {
  Tensor query, key, value;

  /// At most 8 rows; each row has a channel of its own, on which the keys that it keeps are 1.
  ChosenRows(const std::vector<std::vector<int>> &rows, int64_t keys)
      : query({1, 1, static_cast<int64_t>(rows.size()), 8}, 0), key({1, 1, keys, 8}, 0),
        value({1, 1, keys, 8}, 3) {
    std::fill(query.data.begin(), query.data.end(), 0.0f);
    std::fill(key.data.begin(), key.data.end(), 0.0f);
    for (size_t row = 0; row < rows.size(); ++row) {
      query.data[row * 8 + row] = 1;
      for (int kept : rows[row])
        key.data[kept * 8 + row] = 1;
    }
  }

  LaunchResult run(const Machine &machine, Residency residency) const {
    LaunchOptions options;
    options.masks = true;
    options.thresholds = {ThresholdPolicy::Kind::Given, {0.5f}, 0};
    return ::run(machine, query, key, value, options, {.residency = residency});
  }
};

/// Machine S with room for `tokens` keys and values of 8 channels on each CORELET.
Machine smallMachine(int64_t tokens, int64_t corelets = 1) {
  Machine machine = builtinMachine("s");
  machine.structure.corelets = corelets;
  machine.structure.keyBufferBytes = tokens * 8 * corelets;
  machine.structure.valueBufferBytes = tokens * 8 * corelets;
  return machine;
}

TEST(ResidencyTest, PreviousQueryReusesWhatTheRowBeforeLeft) {
  ChosenRows chosen({{0, 1, 2}, {1, 2, 3}, {0}}, 8);
  LaunchResult result = chosen.run(smallMachine(4), Residency::PreviousQuery);
  // Row 0 fetches 3 tokens, row 1 key 3 alone, row 2 key 0, which row 1 did not keep; keys and
  // values alike.
  EXPECT_EQ(result.statistics.keptScores, 3 + 3 + 1);
  EXPECT_EQ(result.statistics.fetchedBytes, 2 * 8 * (3 + 1 + 1));
  EXPECT_EQ(result.statistics.writtenBytes, 8 * (3 + 8 + 8));
}

TEST(ResidencyTest, PreviousQueryKeepsTheFirstThatFit) {
  ChosenRows chosen({{0, 1, 2, 3}, {2, 3, 4}, {3, 4}}, 8);
  LaunchResult result = chosen.run(smallMachine(2), Residency::PreviousQuery);
  // Row 0: all 4, of which 0 and 1 stay. Row 1: none is there; 2 and 3 stay. Row 2: 3 is there, 4
  // is fetched.
  EXPECT_EQ(result.statistics.fetchedBytes, 2 * 8 * (4 + 3 + 1));
}

TEST(ResidencyTest, TokensOnChipComeBeforeNewOnes) {
  ChosenRows chosen({{4, 5}, {0, 5}, {5}, {0}}, 8);
  LaunchResult result = chosen.run(smallMachine(1), Residency::PreviousQuery);
  // Row 0: 4 stays, 5 passes. Row 1: 0 and 5 are fetched, 0 stays. Row 2: 5 is fetched. Row 3: 0 is
  // fetched.
  EXPECT_EQ(result.statistics.fetchedBytes, 2 * 8 * (2 + 2 + 1 + 1));
  // With room for two, row 0 leaves 4 and 5; row 1 reuses 5 and fetches 0; row 2 reuses 5; row 3
  // fetches 0 anew.
  LaunchResult larger = chosen.run(smallMachine(2), Residency::PreviousQuery);
  EXPECT_EQ(larger.statistics.fetchedBytes, 2 * 8 * (2 + 1 + 0 + 1));
}

TEST(ResidencyTest, PinnedNeverReplaces) {
  ChosenRows chosen({{0, 1, 2}, {3}, {0, 1}, {2}}, 8);
  LaunchResult result = chosen.run(smallMachine(2), Residency::Pinned);
  // 0 and 1 stay for ever; 2 and 3 pass each time.
  EXPECT_EQ(result.statistics.fetchedBytes, 2 * 8 * (3 + 1 + 0 + 1));
}

TEST(ResidencyTest, CoreletsHaveBuffersOfTheirOwn) {
  // With two CORELETs of one token each, even keys are on one and odd ones on the other.
  ChosenRows chosen({{0, 2}, {0, 2}, {0, 1}, {0, 1}}, 8);
  LaunchResult result = chosen.run(smallMachine(1, 2), Residency::PreviousQuery);
  EXPECT_EQ(result.statistics.fetchedBytes, 2 * 8 * (2 + 1 + 1 + 0));
}

TEST(ResidencyTest, BuffersAreEmptyWhenAHeadBegins) {
  Machine machine = builtinMachine("s");
  Tensor tensor({1, 3, 1, 8}, 1);
  LaunchResult result = run(machine, tensor, tensor, tensor, {});
  EXPECT_EQ(result.statistics.fetchedBytes, 2 * 8 * 3);
}

TEST(ResidencyTest, SecondPassFetchesKeysThatDidNotStay) {
  Machine machine = smallMachine(2);
  machine.structure.scoreBufferEntries = 4;
  ChosenRows chosen({{0, 1, 2, 3, 4}}, 8);
  LaunchResult result = chosen.run(machine, Residency::PreviousQuery);
  // Five keys, then the three that did not stay once more; five values.
  EXPECT_EQ(result.statistics.fetchedBytes, 8 * (5 + 3 + 5));
  EXPECT_EQ(result.statistics.macs, 8 * (5 * 2 + 5));
}

//===----------------------------------------------------------------------===//
// Counts
//===----------------------------------------------------------------------===//

TEST(EnergyTest, CountsOfTwoRows) {
  Machine machine = builtinMachine("s");
  ChosenRows chosen({{0, 1, 2}, {2, 3}}, 5);
  machine.structure.keyBufferBytes = 8 * 16;
  machine.structure.valueBufferBytes = 8 * 16;
  LaunchResult result = chosen.run(machine, Residency::PreviousQuery);
  // 2 queries, 5 keys and 5 values of 8 bytes are written.
  EXPECT_DOUBLE_EQ(energyOf(result, "reram_write"), 24.4 * 8 * 8 * (2 + 5 + 5));
  // Keys 0, 1, 2 and 3 are read once, so are their values; 2 queries; 2 pruning vectors of 5 bits.
  EXPECT_DOUBLE_EQ(energyOf(result, "reram_read"), 3.1 * (8 * 8 * (4 + 4 + 2) + 2 * 5));
  EXPECT_DOUBLE_EQ(energyOf(result, "in_memory"), 0.10 * 8 * 5 * 2);
  EXPECT_DOUBLE_EQ(energyOf(result, "sram_write"), 0.46 * 8 * 8 * (4 + 4 + 2));
  // 5 scores read their keys, 2 rows the query, 5 weights their values.
  EXPECT_DOUBLE_EQ(energyOf(result, "sram_read"), 0.53 * 8 * 8 * (5 + 2 + 5));
  EXPECT_DOUBLE_EQ(energyOf(result, "qk_pu"), 3.06 * 8 * 5);
  EXPECT_DOUBLE_EQ(energyOf(result, "softmax"), 87.0 * 5);
  EXPECT_DOUBLE_EQ(energyOf(result, "v_pu"), 2.97 * 8 * 5);
}

} // namespace
