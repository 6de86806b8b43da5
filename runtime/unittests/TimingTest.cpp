//===- TimingTest.cpp - Cycles of launches --------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times computed by hand from docs/machine.md. On machine S a memory cycle is 2.5 core cycles, the
// bus moves 25.6 bytes a cycle, a read's first data come after (10 + 6) * 2.5 = 40 cycles, and tCAS
// is 15. Tokens of 8 channels take 0.3125 cycles on the bus, 1.25 on that of their channel, which
// moves nothing else for tCCD, 5, and their bank for (10 + 1) * 2.5 + 1.25 = 28.75. One comes after
// 41.25 where its bank and its channel are free.
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Simulator.h"
#include "TestPrograms.h"
#include "Timing/Durations.h"
#include "Timing/TimingModel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <string>
#include <utility>

using namespace sprint;
using namespace sprint::test;

namespace {

/// Operands with D = Dv = 8 in which row i keeps exactly the keys of `rows[i]`, at a threshold of
/// 0.5.
struct ChosenRows {
  Tensor query, key, value;

  ChosenRows(const std::vector<std::vector<int>> &rows, int64_t keys)
      : query({1, 1, static_cast<int64_t>(rows.size()), 8}, 0), key({1, 1, keys, 8}, 0),
        value({1, 1, keys, 8}, 3) {
    std::ranges::fill(query.data, 0.0f);
    std::ranges::fill(key.data, 0.0f);
    for (size_t row = 0; row < rows.size(); ++row) {
      query.data[row * 8 + row] = 1;
      for (int kept : rows[row])
        key.data[kept * 8 + row] = 1;
    }
  }

  LaunchResult run(const Program &program, const Machine &machine,
                   std::optional<RowName> explained = std::nullopt) const {
    LaunchOptions options;
    options.trace = true;
    options.explained = explained;
    options.thresholds = {ThresholdPolicy::Kind::Given, {0.5f}, 0};
    std::string error;
    std::optional<LaunchResult> result =
        launch(program, machine, operandsOf(query, key, value), options, error);
    EXPECT_TRUE(result) << error;
    return std::move(result).value();
  }
};

/// Machine S with room for one key and one value of 8 channels.
Machine tinyMachine(const std::string &name) {
  Machine machine = builtinMachine(name);
  machine.structure.keyBufferBytes = 8;
  machine.structure.valueBufferBytes = 8;
  return machine;
}

/// Tokens from 0 on, every `step`-th, as many as asked for.
std::vector<int> everyToken(int step, int count) {
  std::vector<int> tokens;
  tokens.reserve(count);
  for (int index = 0; index < count; ++index)
    tokens.push_back(index * step);
  return tokens;
}

/// When the n-th command of that name on that unit, and CORELET, starts.
double startOf(const LaunchResult &result, std::string_view unit, std::string_view name, int n) {
  for (const TraceEvent &event : result.trace)
    if (event.unit == unit && event.name == name && event.corelet <= 0 && n-- == 0)
      return event.start;
  ADD_FAILURE() << "no such command";
  return 0;
}

/// When the writes of two queries, or one, and five keys of 8 channels have ended.
constexpr double kWritten = 22 + 22 + 21;

TEST(TimingTest, TwoRows) {
  Machine machine = builtinMachine("s");
  ChosenRows rows({{0, 1, 2}, {2, 3}}, 5);
  LaunchResult result = rows.run(attentionProgram(machine), machine);
  // Writes take tCWD, 10, their bytes and a pulse of 10: 21.5625 for 40 bytes of keys and of
  // values, 20.625 for 16 bytes of queries, in whole cycles. Times from here on count from their
  // end.
  EXPECT_EQ(startOf(result, "write", "write", 1), 22);
  EXPECT_EQ(startOf(result, "write", "write", 2), 44);
  EXPECT_EQ(startOf(result, "select", "copy_query", 0), kWritten);
  EXPECT_EQ(startOf(result, "select", "threshold", 0), kWritten + 15);
  EXPECT_EQ(startOf(result, "select", "read_pruning", 0), kWritten + 15 + 8);
  // 15 + 5 bits: 16 cycles. The next row goes on at once.
  EXPECT_EQ(startOf(result, "select", "copy_query", 1), kWritten + 39);
  // The first query is read while the first row is selected.
  EXPECT_EQ(startOf(result, "key_fetch", "load_query", 0), kWritten);
  // The keys' unit is free after the time of their bytes on the bus, 0.9375.
  EXPECT_EQ(startOf(result, "key_fetch", "fetch", 0), kWritten + 39);
  EXPECT_EQ(startOf(result, "value_fetch", "fetch", 0), kWritten + 39);
  EXPECT_EQ(startOf(result, "key_fetch", "load_query", 1), kWritten + 40);
  // Each key has a bank and a channel of its own and comes at 39 + 41.25; three keys at one a
  // cycle, then a latency of 8.
  EXPECT_EQ(startOf(result, "qk", "score", 0), kWritten + 80.25);
  EXPECT_EQ(startOf(result, "softmax", "softmax", 0), kWritten + 91.25);
  // The first weight comes after a latency of 8, at 99.25. But the values are in the banks of the
  // keys, which are free from 39 + 28.75 on, and come 41.25 later.
  EXPECT_EQ(startOf(result, "v", "accumulate", 0), kWritten + 109);
  // The output follows its row through the pipeline, 3 values later.
  EXPECT_EQ(startOf(result, "v", "store_output", 0), kWritten + 109 + 3);
  // Row 1 waits for the key buffer, and could reuse key 2 at once. But its query is in bank 1,
  // which is free from 39 + 2 * 28.75 on, and comes another 41.25 later, 98 whole cycles after 40.
  // Key 3 has come before.
  EXPECT_EQ(startOf(result, "key_fetch", "fetch", 1), kWritten + 91.25);
  EXPECT_EQ(startOf(result, "qk", "score", 1), kWritten + 138);
  EXPECT_EQ(startOf(result, "softmax", "softmax", 1), kWritten + 138 + 10);
  // The values wait for the value buffer, until the output is sent 3 + 1 + 8 after the sum began;
  // value 3, whose bank is free since 120, comes at 162.25, 6.25 after the second row's first
  // weight, and is summed in 1 and 8 more.
  EXPECT_EQ(startOf(result, "value_fetch", "fetch", 1), kWritten + 109 + 12);
  EXPECT_EQ(startOf(result, "v", "accumulate", 1), kWritten + 156);
  EXPECT_EQ(startOf(result, "v", "store_output", 1), kWritten + 156 + 16 - 8);
  EXPECT_EQ(result.statistics.cycles, kWritten + 156 + 16 + 1);
  EXPECT_EQ(result.statistics.cyclesResident, 156 + 16 + 1);
}

/// What the intervals of a command on a row of the timeline are about, in their order: head, query,
/// keys and bytes, "-" for what one does not have.
std::string aboutOf(const LaunchResult &result, std::string_view unit, std::string_view name) {
  std::string text;
  for (const TraceEvent &event : result.trace) {
    if (event.unit != unit || event.name != name)
      continue;
    text += text.empty() ? "" : "; ";
    for (int64_t number :
         {int64_t(event.head), int64_t(event.query), int64_t(event.keys), event.bytes})
      text += (number < 0 ? "-" : std::to_string(number)) + " ";
    text.pop_back();
  }
  return text;
}

TEST(TimingTest, IntervalsSayWhatTheyAreAbout) {
  Machine machine = builtinMachine("s");
  ChosenRows rows({{0, 1, 2}, {2, 3}}, 5);
  LaunchResult result = rows.run(attentionProgram(machine), machine);
  // Five keys and values of 8 channels, and two queries.
  EXPECT_EQ(aboutOf(result, "write", "write"), "0 - - 40; 0 - - 40; 0 - - 16");
  EXPECT_EQ(aboutOf(result, "select", "copy_query"), "0 0 - -; 0 1 - -");
  // Three keys are kept, and two.
  EXPECT_EQ(aboutOf(result, "select", "threshold"), "0 0 3 -; 0 1 2 -");
  EXPECT_EQ(aboutOf(result, "banks", "threshold"), "0 0 3 -; 0 1 2 -");
  // Five bits.
  EXPECT_EQ(aboutOf(result, "select", "read_pruning"), "0 0 - 1; 0 1 - 1");
  EXPECT_EQ(aboutOf(result, "key_fetch", "load_query"), "0 0 - 8; 0 1 - 8");
  // Key 2 and its value are on chip already.
  EXPECT_EQ(aboutOf(result, "key_fetch", "fetch"), "0 0 3 24; 0 1 2 8");
  EXPECT_EQ(aboutOf(result, "value_fetch", "fetch"), "0 0 3 24; 0 1 2 8");
  EXPECT_EQ(aboutOf(result, "qk", "score"), "0 0 3 -; 0 1 2 -");
  EXPECT_EQ(aboutOf(result, "softmax", "softmax"), "0 0 3 -; 0 1 2 -");
  EXPECT_EQ(aboutOf(result, "v", "accumulate"), "0 0 3 -; 0 1 2 -");
  EXPECT_EQ(aboutOf(result, "v", "store_output"), "0 0 - -; 0 1 - -");
  // A channel for each query, which say whose they are, and not how much of it they move.
  EXPECT_EQ(aboutOf(result, "channel", "load_query"), "0 0 - -; 0 1 - -");

  // The same keys once more are all on chip, and nothing is read.
  result = ChosenRows({{0, 1}, {0, 1}}, 5).run(attentionProgram(machine), machine);
  EXPECT_EQ(aboutOf(result, "key_fetch", "fetch"), "0 0 2 16; 0 1 2 0");

  // With room for one key and one value, the values that do not stay are read by the V-PU.
  Machine tiny = tinyMachine("s");
  result = rows.run(attentionProgram(tiny), tiny);
  EXPECT_EQ(aboutOf(result, "value_fetch", "fetch"), "0 0 3 8; 0 1 2 8");
  EXPECT_EQ(aboutOf(result, "banks", "accumulate"), "0 0 3 16; 0 1 2 8");
  EXPECT_EQ(aboutOf(result, "v", "accumulate"), "0 0 3 -; 0 1 2 -");
}

/// What the intervals of a launch add up to is what it kept, fetched and wrote.
void expectSums(const LaunchResult &result) {
  int64_t keys = result.dimensions.keys;
  std::map<std::pair<int64_t, int64_t>, int64_t> scored, fetched, thresholded;
  int64_t fetchedBytes = 0, writtenBytes = 0;
  for (const TraceEvent &event : result.trace) {
    std::pair<int64_t, int64_t> row(event.head, event.query);
    if (event.unit == "qk")
      scored[row] += event.keys;
    else if (event.unit == "key_fetch" && event.name == "fetch")
      fetched[row] += event.keys;
    else if (event.unit == "select" && event.name == "threshold")
      thresholded[row] += event.keys;
    if (event.name == "fetch" ? event.unit == "key_fetch" || event.unit == "value_fetch"
                              : event.name == "accumulate" && event.unit == "banks")
      fetchedBytes += event.bytes;
    else if (event.unit == "write")
      writtenBytes += event.bytes;
  }
  EXPECT_EQ(fetchedBytes, result.statistics.fetchedBytes);
  EXPECT_EQ(writtenBytes, result.statistics.writtenBytes);
  int64_t rows = result.dimensions.batches * result.dimensions.heads * result.dimensions.queries;
  ASSERT_EQ(std::ssize(scored), rows);
  for (int64_t row = 0; row < rows; ++row) {
    int64_t kept = std::ranges::count(std::span(result.masks).subspan(row * keys, keys), 1);
    std::pair<int64_t, int64_t> name(row / result.dimensions.queries,
                                     row % result.dimensions.queries);
    EXPECT_EQ(scored[name], kept);
    EXPECT_EQ(fetched[name], kept);
    EXPECT_EQ(thresholded[name], kept);
  }
}

TEST(TimingTest, IntervalsAddUpToTheStatistics) {
  for (const char *name : {"s", "m", "l"}) {
    SCOPED_TRACE(name);
    // So small that what does not stay is read by the V-PUs, and keys are read for a second pass.
    Machine machine = builtinMachine(name);
    machine.structure.keyBufferBytes = machine.structure.valueBufferBytes =
        4 * 32 * machine.structure.corelets;
    machine.structure.scoreBufferEntries = 8;
    Tensor query({2, 4, 12, 32}, 1), key({2, 2, 90, 32}, 2), value({2, 2, 90, 32}, 3);
    for (TimingKind timing : {TimingKind::ClosedForm, TimingKind::Detailed}) {
      LaunchOptions options;
      options.trace = options.masks = true;
      options.timing = timing;
      options.thresholds = {ThresholdPolicy::Kind::Given, {3.0f}, 0};
      std::string error;
      std::optional<LaunchResult> result =
          launch(attentionProgram(machine, {.isGrouped = true}), machine,
                 operandsOf(query, key, value), options, error);
      ASSERT_TRUE(result) << error;
      EXPECT_GT(result->statistics.prunedFraction(), 0.1);
      expectSums(*result);
    }
  }
}

/// The waits of a row's command, a line each.
std::string waitsOf(const LaunchResult &result, std::string_view unit, std::string_view name) {
  std::string text;
  for (const ExplainedCommand &command : result.explanation)
    if (command.unit == unit && command.name == name)
      for (const ExplainedCommand::Wait &wait : command.waits)
        text += wait.reason + " until " + std::to_string(wait.until) + "\n";
  return text;
}

TEST(TimingTest, ExplanationSaysWhatACommandWaitedFor) {
  // The times are those of TwoRows, the writes' 65 cycles included.
  Machine machine = builtinMachine("s");
  ChosenRows rows({{0, 1, 2}, {2, 3}}, 5);
  LaunchResult first = rows.run(attentionProgram(machine), machine, RowName{0, 0});
  EXPECT_EQ(waitsOf(first, "key_fetch", "fetch"), "a list in 'kept_keys' until 104.000000\n");
  EXPECT_EQ(waitsOf(first, "value_fetch", "fetch"), "a list in 'kept_values' until 104.000000\n"
                                                    "a busy bank or channel until 132.750000\n");
  LaunchResult second = rows.run(attentionProgram(machine), machine, RowName{0, 1});
  EXPECT_EQ(waitsOf(second, "key_fetch", "fetch"), "a list in 'kept_keys' until 143.000000\n"
                                                   "a credit of 'key_buffer' until 156.250000\n");
  const ExplainedCommand &copied = second.explanation.front();
  EXPECT_EQ(copied.name, "copy_query");
  EXPECT_EQ(copied.free, kWritten + 39);
  EXPECT_EQ(copied.start, kWritten + 39);
  EXPECT_EQ(copied.end, kWritten + 39 + 15);
  EXPECT_TRUE(copied.waits.empty());
  // Every command of the row but the writes, which are of the head.
  EXPECT_EQ(second.explanation.size(), 10u);
  EXPECT_EQ(second.explanation.back().name, "store_output");
  EXPECT_EQ(second.explanation.back().end, second.statistics.cycles);
}

TEST(TimingTest, CountersFollowQueuesBuffersAndBus) {
  Machine machine = builtinMachine("s");
  ChosenRows rows({{0, 1, 2}, {2, 3}}, 5);
  LaunchResult result = rows.run(attentionProgram(machine), machine);
  std::map<std::string, std::vector<std::pair<double, double>>> values;
  for (const TraceCounter &counter : result.counters)
    values[counter.name].emplace_back(counter.time, counter.value);
  // The keys of each row, from the starts of the fetches on.
  EXPECT_EQ(values["keys on chip"],
            (std::vector<std::pair<double, double>>{{kWritten + 39, 3}, {kWritten + 91.25, 2}}));
  // The first row's list is there and taken at 39, the second's from 39 + 39 on.
  EXPECT_EQ(values["lists in kept_keys"],
            (std::vector<std::pair<double, double>>{
                {kWritten + 39, 0}, {kWritten + 78, 1}, {kWritten + 91.25, 0}}));
  // All that the bus moved: 12 tokens written, 2 queries, 4 keys and 4 values of 8 bytes, and two
  // pruning vectors of 5 bits.
  double bytes = 0;
  for (auto [time, value] : values["bus, bytes a cycle"])
    bytes += value;
  EXPECT_NEAR(bytes, (12 + 2 + 4 + 4) * 8 + 2 * 5 / 8.0, 1e-6);
}

TEST(TimingTest, KeysAreFetchedAheadWhereTheyFindRoom) {
  Machine machine = builtinMachine("s");
  AttentionOptions options;
  options.keyBuffers = 2;
  ChosenRows rows({{0, 1, 2}, {2, 3}}, 5);
  // The second row's list is there at 39 + 39; its key finds room beside those of the first.
  LaunchResult ahead = rows.run(attentionProgram(machine, options), machine);
  EXPECT_EQ(startOf(ahead, "key_fetch", "fetch", 1), kWritten + 78);
  // With room for three keys it waits until the first row has been scored.
  machine.structure.keyBufferBytes = 3 * 8;
  LaunchResult waiting = rows.run(attentionProgram(machine, options), machine);
  EXPECT_EQ(startOf(waiting, "key_fetch", "fetch", 1), kWritten + 91.25);
}

TEST(TimingTest, BusyCyclesOfTwoRows) {
  Machine machine = builtinMachine("s");
  ChosenRows rows({{0, 1, 2}, {2, 3}}, 5);
  LaunchResult result = rows.run(attentionProgram(machine), machine);
  const Statistics &statistics = result.statistics;
  EXPECT_EQ(statistics.busyWrite, kWritten);
  EXPECT_EQ(statistics.busySelect, 2 * (15 + 8 + 16));
  EXPECT_EQ(statistics.busyQk, 3 + 2);
  EXPECT_EQ(statistics.busySoftmax, 3 + 2);
  EXPECT_EQ(statistics.busyV, 3 + 2 + 2 * 1);
  // 12 tokens written, 2 queries, 4 keys and 4 values read, and two pruning vectors of 5 bits.
  EXPECT_NEAR(statistics.busyBus, (12 + 2 + 4 + 4) * 0.3125 + 2 * 5 / 8.0 / 25.6, 1e-9);
}

TEST(TimingTest, ValuesThatDoNotFitAreReadByTheVUnit) {
  Machine machine = tinyMachine("s");
  ChosenRows rows({{0, 1, 2}}, 5);
  LaunchResult result = rows.run(attentionProgram(machine), machine);
  // Without writes: list at 39, score from 80.25 to 91.25, weights from 99.25 on. The value that
  // stays comes behind its key, at 39 + 28.75 + 41.25. Two values of its own come after another
  // 41.25, and are summed in 1 and 8 more: 51 whole cycles.
  EXPECT_EQ(startOf(result, "v", "accumulate", 0), kWritten + 109);
  EXPECT_EQ(result.statistics.cyclesResident, 109 + 51 + 1);
}

TEST(TimingTest, TokensOfABankComeOneAfterAnother) {
  Machine machine = builtinMachine("s");
  auto scored = [&](const std::vector<int> &kept) {
    LaunchResult result = ChosenRows({kept}, 64).run(attentionProgram(machine), machine);
    return startOf(result, "softmax", "softmax", 0) - startOf(result, "key_fetch", "fetch", 0);
  };
  // Three tokens in banks 0, 1 and 2: 41.25 cycles, one each and a latency of 8.
  EXPECT_EQ(scored(everyToken(1, 3)), 41.25 + 3 + 8);
  // In bank 0 all: the last comes 2 * 28.75 after the first, 41.25, which starts the score; whole
  // cycles from there on.
  EXPECT_EQ(scored(everyToken(16, 3)), 41.25 + std::ceil(2 * 28.75 + 1 + 8));
  // Two in bank 0, two in bank 8: the fuller one counts, whichever it is.
  EXPECT_EQ(scored(everyToken(8, 4)), 41.25 + std::ceil(28.75 + 1 + 8));
}

TEST(TimingTest, FewerBanksTakeLonger) {
  // Eight keys and behind them their values: the first value waits for all keys of its bank.
  auto firstValue = [](int64_t channels, int64_t banksPerChannel) {
    Machine machine = builtinMachine("s");
    machine.structure.channels = channels;
    machine.structure.banksPerChannel = banksPerChannel;
    LaunchResult result = ChosenRows({everyToken(1, 8)}, 8).run(attentionProgram(machine), machine);
    return startOf(result, "v", "accumulate", 0) - startOf(result, "key_fetch", "fetch", 0);
  };
  EXPECT_EQ(firstValue(4, 4), 28.75 + 41.25);
  EXPECT_EQ(firstValue(4, 2), 28.75 + 41.25);
  EXPECT_EQ(firstValue(4, 1), 2 * 28.75 + 41.25);
  EXPECT_EQ(firstValue(1, 4), 2 * 28.75 + 41.25);
  EXPECT_EQ(firstValue(1, 2), 4 * 28.75 + 41.25);
}

TEST(TimingTest, OneBankBindsTheMachine) {
  // 16 rows keep all of 64 tokens of 8 channels, of which 8 fit on chip: 56 keys and 56 values a
  // row, 64 of each in the first, and a query, from one bank that each holds for 28.75 cycles.
  Machine machine = builtinMachine("s");
  machine.structure.channels = machine.structure.banksPerChannel = 1;
  machine.structure.keyBufferBytes = machine.structure.valueBufferBytes = 8 * 8;
  Tensor query({1, 1, 16, 8}, 1), key({1, 1, 64, 8}, 2), value({1, 1, 64, 8}, 3);
  std::string error;
  std::optional<LaunchResult> result = launch(
      attentionProgram(
          machine,
          {.dense = true, .residency = Residency::Pinned, .keyBuffers = 2, .valueBuffers = 2}),
      machine, operandsOf(query, key, value), {}, error);
  ASSERT_TRUE(result) << error;
  double bound = (16 * 2 * 56 + 2 * 8 + 16) * 28.75;
  EXPECT_GE(result->statistics.cyclesResident, bound);
  EXPECT_LE(result->statistics.cyclesResident, bound * 1.05);
}

TEST(TimingTest, EarlyDivisionHandsWeightsOnAtItsEnd) {
  // Writes take 21, and 24 for the 96 bytes of keys and of values. After them 12 keys are scored
  // from 80.25 on, in 20 cycles; their weights are there 20 cycles later. With late division the
  // first would be there after 8, before the values, which come at 109.
  ChosenRows rows({everyToken(1, 12)}, 12);
  Machine early = builtinMachine("s-paper-widths"), late = builtinMachine("s");
  EXPECT_EQ(startOf(rows.run(attentionProgram(early), early), "v", "accumulate", 0),
            21 + 2 * 24 + 120.25);
  EXPECT_EQ(startOf(rows.run(attentionProgram(late), late), "v", "accumulate", 0),
            21 + 2 * 24 + 109);
}

TEST(TimingTest, TwoPassesStreamTheKeysTwice) {
  Machine machine = tinyMachine("s");
  machine.structure.scoreBufferEntries = 2;
  ChosenRows rows({{0, 1, 2}}, 5);
  LaunchResult result = rows.run(attentionProgram(machine), machine);
  // Keys 1 and 2 are read twice, so their banks have two each: the last come 28.75 cycles after the
  // first, and the score ends 1 and 8 later, beyond the 8 + 2 * 3 that it takes by itself.
  EXPECT_EQ(startOf(result, "qk", "score", 0), kWritten + 80.25);
  EXPECT_EQ(startOf(result, "softmax", "softmax", 0), kWritten + 80.25 + 38);
}

TEST(TimingTest, RetriesTakeTheThresholdingTimeAgain) {
  Machine machine = builtinMachine("s");
  ChosenRows rows({{0}}, 5);
  Program program = attentionProgram(machine);
  std::string error;
  // A threshold of 3 units above the row's maximum takes two retries; one unit is 256 steps of the
  // product.
  float unit = 256.0f / 119 / 119;
  LaunchOptions options;
  options.trace = true;
  options.thresholds = {ThresholdPolicy::Kind::Given, {(7 * 7 + 3 - 0.5f) * unit}, 0};
  std::optional<LaunchResult> result =
      launch(program, machine, operandsOf(rows.query, rows.key, rows.value), options, error);
  ASSERT_TRUE(result) << error;
  EXPECT_EQ(result->statistics.retries, 2);
  EXPECT_EQ(result->statistics.retriedRows, 1);
  EXPECT_EQ(startOf(*result, "select", "read_pruning", 0) -
                startOf(*result, "select", "threshold", 0),
            3 * 8);
}

TEST(TimingTest, CoreletsWorkInStep) {
  Machine machine = builtinMachine("m");
  // So that the channels are fast enough.
  machine.timing.tCCD = 0;
  // Four keys on CORELET 0, one on CORELET 1.
  ChosenRows rows({{0, 2, 4, 6, 7}}, 8);
  LaunchResult result = rows.run(attentionProgram(machine), machine);
  double score = startOf(result, "qk", "score", 0);
  EXPECT_EQ(startOf(result, "softmax", "softmax", 0), score + 8 + 4);
  for (const TraceEvent &event : result.trace)
    if (event.unit == "qk")
      EXPECT_EQ(std::pair(event.duration, event.keys),
                event.corelet == 0 ? std::pair(4.0, 4) : std::pair(1.0, 1));
}

TEST(TimingTest, IntervalsOfAUnitDoNotOverlap) {
  Machine machine = builtinMachine("l");
  Tensor query({1, 3, 40, 32}, 1), key({1, 3, 200, 32}, 2), value({1, 3, 200, 32}, 3);
  LaunchOptions options;
  options.trace = true;
  options.thresholds = {ThresholdPolicy::Kind::Given, {20.0f}, 0};
  std::string error;
  std::optional<LaunchResult> result =
      launch(attentionProgram(machine), machine, operandsOf(query, key, value), options, error);
  ASSERT_TRUE(result) << error;
  std::map<std::pair<std::string_view, int64_t>, double> ends;
  for (const TraceEvent &event : result->trace) {
    EXPECT_LE(event.start + event.duration, result->statistics.cycles);
    if (event.unit == "banks")
      continue;
    double &end = ends[{event.unit, event.corelet}];
    EXPECT_GE(event.start, end) << event.unit;
    end = event.start + event.duration;
  }
}

LaunchShape shapeOfHeads(int64_t keys, int64_t headDim, int64_t valueDim) {
  LaunchShape shape;
  shape.batches = shape.heads = shape.group = shape.queries = 1;
  shape.keys = keys;
  shape.headDim = headDim;
  shape.valueDim = valueDim;
  return shape;
}

TEST(DurationsTest, CountInACommonUnit) {
  Machine machine = builtinMachine("s");
  // A bit takes 2.5 / 512 = 5 / 1024 of a cycle.
  Durations dyadic(machine, shapeOfHeads(1, 8, 8));
  EXPECT_EQ(dyadic.unitsPerCycle, 1024);
  EXPECT_EQ(dyadic.bit, 5);
  EXPECT_EQ(dyadic.read, 40 * 1024);
  // At three memory cycles to ten, 10 / 3 / 512 = 5 / 768.
  machine.timing.memoryClockMHz = 300;
  Durations thirds(machine, shapeOfHeads(1, 8, 8));
  EXPECT_EQ(thirds.unitsPerCycle, 768);
  EXPECT_EQ(thirds.bit, 5);
  EXPECT_EQ(thirds.read, 16 * 2560);
  // 768 bits are exactly five cycles, and one more is beyond.
  EXPECT_EQ(thirds.whole(768 * thirds.bit), 5 * 768);
  EXPECT_EQ(thirds.whole(769 * thirds.bit), 6 * 768);
}

TEST(DurationsTest, TheBusIsThatOfTheMachine) {
  for (const std::string &name : builtinMachines()) {
    Machine machine = builtinMachine(name);
    Durations durations(machine, shapeOfHeads(1, 8, 8));
    EXPECT_DOUBLE_EQ(static_cast<double>(durations.unitsPerCycle) /
                         static_cast<double>(8 * durations.bit),
                     machine.busBytesPerCycle());
  }
}

TEST(DurationsTest, RefusesUnitsThatAreTooSmall) {
  Machine machine = builtinMachine("s");
  machine.timing.clockMHz = 999999.999;
  machine.timing.memoryClockMHz = 999999.937;
  EXPECT_NE(Durations(machine, shapeOfHeads(1, 8, 8)).fault(), "");
  EXPECT_EQ(Durations(builtinMachine("l"), shapeOfHeads(1, 8, 8)).fault(), "");
}

TEST(TimingModelTest, SlowestMachine) {
  // A write of 2^36 bytes takes more cycles than are counted.
  Machine machine = builtinMachine("s");
  machine.structure.channels = machine.structure.banksPerChannel = 1;
  machine.timing.clockMHz = 1e6;
  machine.timing.memoryClockMHz = 1;
  machine.timing.tBURST = machine.timing.tWP = 1e6;
  LaunchShape shape = shapeOfHeads(1, 1, 1);
  EventLogs logs;
  auto &log = logs[static_cast<size_t>(MachineUnit::Write)];
  log.append(WriteEvent{MemoryRegion::Key, 0, int64_t(1) << 39});
  log.complete = log.end();
  for (EventLog &each : logs)
    each.state = EventLog::State::Ended;
  TimingModel timing(machine, shape, {}, {}, logs, {});
  timing.advance();
  ASSERT_TRUE(timing.fault());
  EXPECT_EQ(timing.fault()->message, "ends later than times can be counted");
}

TEST(TimingModelTest, NeedsEventsAlone) {
  // 10 keys of 80 channels, two cycles each in the QK-PU, and values of 129, three in the V-PU.
  Machine machine = builtinMachine("s");
  LaunchShape shape = shapeOfHeads(10, 80, 129);
  std::vector<IndexQueue> queues = {{"keys", 1}, {"values", 1}, {"scores", 1}, {"weights", 1}};
  auto queue = [](int index) { return static_cast<IndexQueueIndex>(index); };
  EventLogs logs;
  TimingModel timing(machine, shape, {}, queues, logs, {});
  auto add = [&](MachineUnit unit, const Event &event) {
    logs[static_cast<size_t>(unit)].append(event);
    ++logs[static_cast<size_t>(unit)].complete;
  };
  ListSize size = {10, 10};
  add(MachineUnit::QK, ScoreEvent{queue(0), queue(2), false, 1, {}, 0, size});
  add(MachineUnit::Softmax, SoftmaxEvent{queue(2), queue(3), {}, 0, size});
  add(MachineUnit::V, AccumulateEvent{queue(3), queue(1), 0, {}, 0, size});
  // What is still to come could be first, so nothing is settled.
  timing.advance();
  EXPECT_EQ(timing.next(MachineUnit::QK), 0);
  add(MachineUnit::V, StoreOutputEvent{});
  add(MachineUnit::Select, ListRangeEvent{queue(0), queue(1)});
  for (EventLog &log : logs)
    log.state = EventLog::State::Ended;
  timing.advance();
  EXPECT_FALSE(timing.fault());
  TimingResult result = timing.takeResult();
  // Listed at 1, scored at 1 + 8 + 10 * 2, first weight 8 later, summed after 8 + 10 * 3, divided
  // after 3 more.
  EXPECT_EQ(result.cycles, 29 + 8 + 38 + 3);
  EXPECT_EQ(result.busy[static_cast<size_t>(MachineUnit::QK)], 20);
}

/// Runs a query's read, which wants the memory at once, and a bias row's, which wants it at the
/// same time, comes first, and is known only after the other. Returns whether that happened before,
/// and when the query had its channel.
std::pair<bool, double> startOfQuery(EventLog::State selectIs) {
  Machine machine = builtinMachine("s");
  LaunchShape shape = shapeOfHeads(640, 64, 64);
  EventLogs logs;
  for (EventLog &log : logs)
    log.state = EventLog::State::Ended;
  EventLog &select = logs[static_cast<size_t>(MachineUnit::Select)];
  EventLog &keyFetch = logs[static_cast<size_t>(MachineUnit::KeyFetch)];
  select.state = selectIs;
  TimingModel timing(machine, shape, {}, {}, logs, {.writesTakeTime = false, .trace = true});
  keyFetch.append(LoadQueryEvent{{0, 0}});
  keyFetch.complete = 1;
  timing.advance();
  bool isSettled = timing.next(MachineUnit::KeyFetch) == 1;
  select.append(LoadBiasEvent{{0, 0}});
  select.complete = 1;
  select.state = EventLog::State::Ended;
  timing.advance();
  EXPECT_EQ(timing.next(MachineUnit::KeyFetch), 1);
  EXPECT_EQ(timing.next(MachineUnit::Select), 1);
  for (const TraceEvent &event : timing.takeResult().trace)
    if (event.unit == "channel" && event.name == "load_query")
      return {isSettled, event.start};
  return {isSettled, -1};
}

TEST(TimingModelTest, ServesWhoNobodyCanComeBefore) {
  // 640 biases of 4 bytes take all channels for 100 cycles.
  EXPECT_EQ(startOfQuery(EventLog::State::Open), std::pair(false, 100.0));
  // A unit that waits for others cannot want the memory before they have had it.
  EXPECT_EQ(startOfQuery(EventLog::State::Waiting), std::pair(true, 0.0));
}

TEST(TimingModelTest, SaysWhoWaitsForever) {
  Machine machine = builtinMachine("s");
  LaunchShape shape = shapeOfHeads(1, 1, 1);
  std::vector<IndexQueue> queues = {{"keys", 1}, {"scores", 1}};
  EventLogs logs;
  TimingModel timing(machine, shape, {}, queues, logs, {});
  EventLog &log = logs[static_cast<size_t>(MachineUnit::QK)];
  log.append(ScoreEvent{static_cast<IndexQueueIndex>(0), static_cast<IndexQueueIndex>(1), false});
  log.complete = 1;
  for (EventLog &each : logs)
    each.state = EventLog::State::Ended;
  timing.advance();
  ASSERT_TRUE(timing.fault());
  EXPECT_EQ(timing.fault()->unit, MachineUnit::QK);
  EXPECT_EQ(timing.fault()->event, 0);
  EXPECT_NE(timing.fault()->message.find("stands still"), std::string::npos);
}

} // namespace
