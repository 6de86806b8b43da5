//===- DetailedTimingTest.cpp - Every token by itself ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times computed by hand from docs/machine.md, "The detailed timing". On machine S a memory cycle
// is 2.5 core cycles: tRCD 25, tCAS 15, tCWD 10, tWP 10, tRP 2.5, tWTR 7.5, tCCD 5. A token of 64
// channels takes 10 cycles on its channel, one of 8 channels 1.25. Tokens 0, 4, 8 and 16 are on
// channel 0, in banks 0, 4, 8 and 0.
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Simulator.h"
#include "TestPrograms.h"
#include "Timing/DetailedMemory.h"
#include "Timing/Durations.h"
#include "Timing/Pipelines.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

using namespace sprint;
using namespace sprint::test;

namespace {

/// The memory of a machine S, in cycles, for heads of one size.
struct TimedMemory {
  explicit TimedMemory(int64_t headDim, const Machine &machine = builtinMachine("s"))
      : durations(machine, shapeOf(headDim)), memory(machine, durations) {}

  static LaunchShape shapeOf(int64_t headDim) {
    LaunchShape shape;
    shape.batches = shape.heads = shape.group = shape.queries = shape.keys = 1;
    shape.headDim = shape.valueDim = headDim;
    return shape;
  }

  /// When each key comes that is read at `time`.
  std::vector<double> read(double time, const std::vector<uint32_t> &keys) {
    auto count = static_cast<int64_t>(keys.size());
    MemoryRequest request = {count * durations.key.bits, durations.read, count, &durations.key};
    request.places = keys;
    memory.serve(unitsOf(time), request);
    std::vector<double> arrivals;
    for (Time arrival : memory.arrivals())
      arrivals.push_back(durations.cycles(arrival));
    return arrivals;
  }
  /// When rows of so many banks, from `bank` on, are read that are read at `time`.
  double readFrom(double time, int64_t bank, int64_t rows = 1) {
    MemoryRequest request = {rows * durations.key.bits, durations.read, rows, &durations.key};
    request.bank = bank;
    return durations.cycles(memory.serve(unitsOf(time), request).last);
  }
  /// When bursts are written that are written at `time`.
  double write(double time, int64_t bursts) {
    return durations.cycles(memory
                                .serve(unitsOf(time), {bursts * 8 * kBurstBytes, durations.tCWD,
                                                       bursts, &durations.writtenBurst, true})
                                .last);
  }
  /// When the latches of so many keys have come.
  double readLatches(double time, int64_t keys) {
    return durations.cycles(memory.serve(unitsOf(time), {keys, durations.tCAS}).last);
  }
  Time unitsOf(double time) const {
    return static_cast<Time>(time * static_cast<double>(durations.unitsPerCycle));
  }

  Durations durations;
  DetailedMemory memory;
};

using Times = std::vector<double>;

TEST(DetailedMemoryTest, APrechargeStandsBetweenRowsOfABank) {
  // The first row's data have left it 15 cycles before they have come, at 50; then it is closed,
  // and another 25 + 15 + 10 follow.
  EXPECT_EQ(TimedMemory(64).read(0, {0, 16}), (Times{50, 35 + 2.5 + 50}));
  Machine machine = builtinMachine("s");
  machine.timing.tRP = 5;
  EXPECT_EQ(TimedMemory(64, machine).read(0, {0, 16}), (Times{50, 35 + 12.5 + 50}));
}

TEST(DetailedMemoryTest, ColumnsOfAChannelKeepTheirDistance) {
  // Two banks of a channel could move short data at once.
  EXPECT_EQ(TimedMemory(8).read(0, {0, 4}), (Times{41.25, 41.25 + 5}));
  Machine machine = builtinMachine("s");
  machine.timing.tCCD = 0;
  EXPECT_EQ(TimedMemory(8, machine).read(0, {0, 4}), (Times{41.25, 41.25 + 1.25}));
  // 80 channels are two columns, of 10 and of 2.5 cycles, behind which the channel rests for 2.5.
  EXPECT_EQ(TimedMemory(80).read(0, {0, 4}), (Times{52.5, 52.5 + 15}));
}

TEST(DetailedMemoryTest, DataFillTheFirstGapsOfAChannel) {
  // Beside the bus, a model of it: what moves in each unit of time, `R`, `W` or nothing.
  TimedMemory machine(64);
  Durations &durations = machine.durations;
  durations.tWTR = 2;
  durations.tCAS = 1;
  constexpr int64_t kTurn = 3, kTimes = 6000;
  std::mt19937 random(7);
  auto below = [&](int64_t end) { return static_cast<int64_t>(random() % end); };
  for (int round = 0; round < 50; ++round) {
    ChannelBus bus(durations);
    std::string moved(kTimes, ' ');
    Time now = 0;
    for (int put = 0; put < 300; ++put) {
      bool isWrite = below(3) == 0;
      Time earliest = now + below(below(4) == 0 ? 1000 : 30), duration = 1 + below(6);
      std::string expected;
      Time time = earliest;
      for (Time rest = duration; rest > 0; ++time) {
        // No read may begin within the turn behind a write.
        bool isUsable = moved[time] == ' ';
        for (Time distance = 1; distance <= kTurn; ++distance)
          isUsable &= isWrite ? moved[time + distance] != 'R'
                              : time < distance || moved[time - distance] != 'W';
        if (!isUsable)
          continue;
        expected += std::to_string(time) + " ";
        moved[time] = isWrite ? 'W' : 'R';
        --rest;
      }
      std::string got;
      for (const ChannelBus::Busy &piece : bus.put(earliest, duration, isWrite))
        for (Time unit = piece.start; unit < piece.end; ++unit)
          got += std::to_string(unit) + " ";
      ASSERT_EQ(got, expected) << "round " << round << ", put " << put;
      if (below(10) == 0) {
        now += below(40);
        bus.forgetBefore(now);
      }
    }
  }
}

TEST(DetailedMemoryTest, ReadsKeepTheirDistanceFromWrites) {
  // A burst's data are on channel 0 from 10 to 20, its pulse ends at 30. A column of bank 4 could
  // be read at 25, but not before 20 + 7.5.
  TimedMemory memory(64);
  EXPECT_EQ(memory.write(0, 1), 30);
  EXPECT_EQ(memory.read(0, {4}), (Times{27.5 + 15 + 10}));
  // Bank 0 is free when the pulse has ended.
  EXPECT_EQ(memory.read(0, {0}), (Times{30 + 25 + 15 + 10}));
  Machine machine = builtinMachine("s");
  machine.timing.tWTR = 0;
  TimedMemory quick(64, machine);
  quick.write(0, 1);
  EXPECT_EQ(quick.read(0, {4}), (Times{25 + 15 + 10}));
}

TEST(DetailedMemoryTest, WritesKeepTheirDistanceFromReadsToCome) {
  // A token's data are to be on channel 0 from 40 to 50, so its column's address is at 25, and data
  // of a write end at 17.5: 7.5 cycles of a burst are moved from 10 on, the others behind the
  // token.
  TimedMemory memory(64);
  EXPECT_EQ(memory.read(0, {4}), (Times{50}));
  EXPECT_EQ(memory.write(0, 1), 50 + 2.5 + 10);
}

TEST(DetailedMemoryTest, AWritesAddressMayComeBeforeItsBankIsFree) {
  // The second burst's data are moved when the pulse of the first has ended.
  TimedMemory memory(64);
  EXPECT_EQ(memory.write(0, 1), 10 + 10 + 10);
  EXPECT_EQ(memory.write(0, 1), 30 + 10 + 10);
}

TEST(DetailedMemoryTest, QueriesAreInTheirBanks) {
  TimedMemory memory(64);
  EXPECT_EQ(memory.readFrom(0, 4), 50);
  // Bank 8 is free, their channel is not; bank 4 opens its next row at 37.5.
  EXPECT_EQ(memory.readFrom(0, 8), 60);
  EXPECT_EQ(memory.readFrom(0, 4), 37.5 + 50);
  // Banks 5 and 6, and then bank 6 once more.
  EXPECT_EQ(memory.readFrom(0, 5, 2), 50);
  EXPECT_EQ(memory.readFrom(0, 6), 37.5 + 50);
}

TEST(ClosedFormMemoryTest, RowsAreInOneBankAfterAnother) {
  Machine machine = builtinMachine("s");
  LaunchShape shape = TimedMemory::shapeOf(64);
  Durations durations(machine, shape);
  ClosedFormMemory memory(machine, shape, durations, /*recordsTransfers=*/false);
  auto readFrom = [&](int64_t bank, int64_t rows) {
    MemoryRequest request = {rows * durations.key.bits, durations.read, rows, &durations.key};
    request.bank = bank;
    return durations.cycles(memory.serve(0, request).last);
  };
  // Banks 5 and 6; a bank is occupied for 25 + 2.5 + 10.
  EXPECT_EQ(readFrom(5, 2), 50);
  EXPECT_EQ(readFrom(6, 1), 37.5 + 50);
  EXPECT_EQ(readFrom(7, 1), 50);
}

TEST(ClosedFormMemoryTest, AccessesThatTakeLongerThanTimesCanBeCounted) {
  Machine machine = builtinMachine("s");
  LaunchShape shape = TimedMemory::shapeOf(64);
  Durations durations(machine, shape);
  ClosedFormMemory memory(machine, shape, durations, /*recordsTransfers=*/false);
  AccessDurations endless = durations.key;
  endless.occupied = endless.onChannel = kMaxTime / 2;
  MemoryRequest request = {0, 0, 16 * 1024, &endless};
  EXPECT_GE(memory.serve(0, request).last, kMaxTime);
}

TEST(DetailedMemoryTest, BanksShareTheirChannel) {
  // Bank 0 has most before it and comes first; bank 4 moves its data while bank 0 opens its next
  // row, at 37.5, whose column could be read at 62.5.
  TimedMemory memory(64);
  EXPECT_EQ(memory.read(0, {0, 4, 16}), (Times{50, 60, 87.5}));
  // The next request's data fill what is left between 60 and 77.5.
  EXPECT_EQ(memory.read(0, {8}), (Times{70}));
  // From another one 7.5 cycles of 10 find room before 77.5, the others behind 87.5.
  EXPECT_EQ(memory.read(0, {12}), (Times{87.5 + 2.5}));
  // The other channels are free.
  EXPECT_EQ(memory.read(0, {1, 2, 3}), (Times{50, 50, 50}));
}

TEST(DetailedMemoryTest, LatchesGoFirst) {
  TimedMemory memory(64);
  EXPECT_EQ(memory.read(0, {0}), (Times{50}));
  // 1,024 bits at 25.6 bytes a cycle are 5 cycles.
  EXPECT_EQ(memory.readLatches(20, 1024), 20 + 15 + 5);
  // What comes behind the token that the latches went before is so much later.
  EXPECT_EQ(memory.read(20, {4}), (Times{20 + 25 + 15 + 10}));
  EXPECT_EQ(memory.read(20, {8}), (Times{80}));
}

/// Two CORELETs, and units that are cycles of the machine.
class DetailedPipelinesTest : public testing::Test {
protected:
  Durations durations{builtinMachine("s"), TimedMemory::shapeOf(64)};
  DetailedPipelines pipelines{2, durations};

  Time cycles(int64_t number) const { return number * durations.unitsPerCycle; }
};

TEST_F(DetailedPipelinesTest, EachCoreletTakesItsTokensAsTheyCome) {
  // CORELET 0 has a token on chip, and 0 and 2; CORELET 1 has 1.
  std::vector<uint32_t> tokens = {0, 1, 2}, shares = {3, 1};
  std::vector<Time> times = {cycles(20), cycles(17), cycles(6)};
  TimedList list = {cycles(5), cycles(20), pipelines.keep({tokens, times})};
  TakenTokens taken = {.start = cycles(5), .perToken = cycles(4), .shares = shares, .list = list};
  // 5 to 9, then token 2 to 13, then token 0 from 20 on.
  EXPECT_EQ(pipelines.take(taken), cycles(24));
  // With weights from 8 on, one a cycle, up to 11: the last is there before the token.
  TimedList weights = {cycles(8), cycles(11)};
  taken.weights = &weights;
  EXPECT_EQ(pipelines.take(taken), cycles(24));
  // Of late weights, which come from 30 on, the first makes all wait, to 31, 35 and 39.
  weights = {cycles(30), cycles(33)};
  EXPECT_EQ(pipelines.take(taken), cycles(31 + 3 * 4));
  pipelines.drop(list.arrivals);
}

TEST_F(DetailedPipelinesTest, TheSecondPassWaitsForAllOfTheFirst) {
  // Tokens 0 and 1 come; 1 does not stay, and once more at 13.
  std::vector<uint32_t> tokens = {0, 1, 1}, shares = {1, 1};
  std::vector<Time> times = {cycles(30), cycles(7), cycles(13)};
  TimedList list = {cycles(5), cycles(30), pipelines.keep({tokens, times, 1})};
  TakenTokens taken = {
      .start = cycles(5), .perToken = cycles(4), .passes = 2, .shares = shares, .list = list};
  EXPECT_EQ(pipelines.take(taken), cycles(30 + 4 + 4));
  // Once more at 50.
  times[2] = cycles(50);
  list.arrivals = pipelines.keep({tokens, times, 1});
  TakenTokens late = {
      .start = cycles(5), .perToken = cycles(4), .passes = 2, .shares = shares, .list = list};
  EXPECT_EQ(pipelines.take(late), cycles(50 + 4));
}

TEST_F(DetailedPipelinesTest, OwnTokensAreTakenAsTheyCome) {
  // Token 0 was fetched and comes at 20, token 2 is read by the PU itself and comes at 10.
  std::vector<uint32_t> fetched = {0}, read = {2}, shares = {2, 0};
  std::vector<Time> later = {cycles(20)}, sooner = {cycles(10)};
  TimedList list = {cycles(5), cycles(20), pipelines.keep({fetched, later})};
  TakenTokens taken = {.start = cycles(5), .perToken = cycles(4), .shares = shares, .list = list};
  taken.own = {read, sooner, 0, cycles(10)};
  EXPECT_EQ(pipelines.take(taken), cycles(20 + 4));
}

LaunchResult launchWith(const Program &program, const Machine &machine, const Tensor &query,
                        const Tensor &key, const Tensor &value, float threshold, TimingKind kind) {
  LaunchOptions options;
  options.timing = kind;
  options.masks = true;
  options.thresholds = {ThresholdPolicy::Kind::Given, {threshold}, 0};
  std::string error;
  std::optional<LaunchResult> result =
      launch(program, machine, operandsOf(query, key, value), options, error);
  EXPECT_TRUE(result) << error;
  return std::move(result).value();
}

struct Generated {
  std::string machine;
  int64_t heads, tokens, channels;
  float threshold;
  AttentionOptions options = {};
};

class BothTimingsTest : public testing::TestWithParam<Generated> {};

TEST_P(BothTimingsTest, Agree) {
  const Generated &generated = GetParam();
  Machine machine = builtinMachine(generated.machine);
  Program program = attentionProgram(machine, generated.options);
  std::array<int64_t, 4> shape = {1, generated.heads, generated.tokens, generated.channels};
  Tensor query(shape, 1), key(shape, 2), value(shape, 3);
  LaunchResult closed =
      launchWith(program, machine, query, key, value, generated.threshold, TimingKind::ClosedForm);
  LaunchResult detailed =
      launchWith(program, machine, query, key, value, generated.threshold, TimingKind::Detailed);
  EXPECT_NEAR(closed.statistics.cycles / detailed.statistics.cycles, 1, 0.05);
  EXPECT_NEAR(closed.statistics.cyclesResident / detailed.statistics.cyclesResident, 1, 0.05);
  EXPECT_EQ(closed.timing, TimingKind::ClosedForm);
  EXPECT_EQ(detailed.timing, TimingKind::Detailed);
  // Time changes nothing else.
  EXPECT_EQ(closed.output, detailed.output);
  EXPECT_EQ(closed.masks, detailed.masks);
  EXPECT_EQ(closed.statistics.totalEnergy(), detailed.statistics.totalEnergy());
  EXPECT_EQ(closed.statistics.fetchedBytes, detailed.statistics.fetchedBytes);
}

INSTANTIATE_TEST_SUITE_P(
    Launches, BothTimingsTest,
    testing::Values(Generated{"s", 2, 256, 64, 30},
                    Generated{"s", 1, 200, 32, 20, {.causal = true}},
                    Generated{"s", 1, 300, 80, 0, {.dense = true, .residency = Residency::Pinned}},
                    Generated{"m", 1, 384, 64, 40, {.keyBuffers = 2, .valueBuffers = 2}},
                    Generated{"l", 1, 256, 128, 40, {.residency = Residency::Pinned}}));

TEST(BothTimingsTest, FollowTwoPassesAndValuesThatDoNotStay) {
  // Small buffers on two CORELETs, so that the V-PUs read most values.
  Machine machine = builtinMachine("m");
  machine.structure.keyBufferBytes = machine.structure.valueBufferBytes = 16 * 32;
  machine.structure.scoreBufferEntries = 16;
  Tensor query({1, 2, 40, 32}, 1), key({1, 2, 120, 32}, 2), value({1, 2, 120, 32}, 3);
  Program program = attentionProgram(machine);
  LaunchResult closed = launchWith(program, machine, query, key, value, 5, TimingKind::ClosedForm);
  LaunchResult detailed = launchWith(program, machine, query, key, value, 5, TimingKind::Detailed);
  EXPECT_NEAR(closed.statistics.cycles / detailed.statistics.cycles, 1, 0.1);
  EXPECT_EQ(closed.output, detailed.output);
}

TEST(BothTimingsTest, QueriesBeyondTheKeysHaveBanksAsWell) {
  // Each of 100 queries is in a bank of its own, of many more.
  Machine machine = builtinMachine("s");
  machine.structure.banksPerChannel = 64;
  Tensor query({1, 1, 100, 8}, 1), key({1, 1, 3, 8}, 2), value({1, 1, 3, 8}, 3);
  LaunchResult some =
      launchWith(attentionProgram(machine), machine, query, key, value, 0, TimingKind::ClosedForm);
  machine.structure.banksPerChannel = 1024;
  LaunchResult many =
      launchWith(attentionProgram(machine), machine, query, key, value, 0, TimingKind::ClosedForm);
  EXPECT_EQ(some.statistics.cyclesResident, many.statistics.cyclesResident);
}

TEST(BothTimingsTest, AgreeOnClocksOfAnyRatio) {
  // Units so small that no 32 bits hold what a bank takes for a token.
  Machine machine = builtinMachine("s");
  machine.timing.clockMHz = 1000.003;
  machine.timing.memoryClockMHz = 400.009;
  Durations durations(machine, TimedMemory::shapeOf(64));
  ASSERT_EQ(durations.fault(), "");
  EXPECT_GT(durations.key.occupied, UINT32_MAX);
  Tensor query({1, 1, 64, 64}, 1), key({1, 1, 128, 64}, 2), value({1, 1, 128, 64}, 3);
  Program program = attentionProgram(machine);
  LaunchResult closed = launchWith(program, machine, query, key, value, 30, TimingKind::ClosedForm);
  LaunchResult detailed = launchWith(program, machine, query, key, value, 30, TimingKind::Detailed);
  EXPECT_NEAR(closed.statistics.cycles / detailed.statistics.cycles, 1, 0.05);
  LaunchResult even =
      launchWith(program, builtinMachine("s"), query, key, value, 30, TimingKind::ClosedForm);
  EXPECT_NEAR(closed.statistics.cycles / even.statistics.cycles, 1, 0.01);
}

TEST(BothTimingsTest, RefuseTimesThatCannotBeCounted) {
  Machine machine = builtinMachine("s");
  machine.structure.channels = machine.structure.banksPerChannel = 1;
  machine.timing.clockMHz = 1e6;
  machine.timing.memoryClockMHz = 1.001;
  machine.timing.tRCD = 1e6;
  Tensor tokens({1, 1, 300, 64}, 1);
  LaunchOptions options;
  for (TimingKind kind : {TimingKind::ClosedForm, TimingKind::Detailed}) {
    options.timing = kind;
    std::string error;
    EXPECT_FALSE(launch(attentionProgram(machine, {.dense = true}), machine,
                        operandsOf(tokens, tokens, tokens), options, error));
    EXPECT_NE(error.find("ends later than times can be counted"), std::string::npos) << error;
  }
}

TEST(BothTimingsTest, IntervalsOfAChannelDoNotOverlap) {
  Machine machine = builtinMachine("l");
  Tensor query({1, 3, 40, 32}, 1), key({1, 3, 200, 32}, 2), value({1, 3, 200, 32}, 3);
  LaunchOptions options;
  options.trace = true;
  options.timing = TimingKind::Detailed;
  options.thresholds = {ThresholdPolicy::Kind::Given, {20.0f}, 0};
  std::string error;
  std::optional<LaunchResult> result =
      launch(attentionProgram(machine), machine, operandsOf(query, key, value), options, error);
  ASSERT_TRUE(result) << error;
  // A token's data may go into gaps between others', so order by time.
  std::vector<std::vector<std::pair<double, double>>> ofChannel(machine.structure.channels);
  double moved = 0;
  for (const TraceEvent &event : result->trace)
    if (event.unit == "channel") {
      ofChannel[event.corelet].emplace_back(event.start, event.start + event.duration);
      moved += event.duration / static_cast<double>(machine.structure.channels);
    }
  for (const auto &intervals : ofChannel)
    for (size_t index = 1; index < intervals.size(); ++index)
      EXPECT_GE(intervals[index].first, intervals[index - 1].second - 1e-9);
  EXPECT_NEAR(moved, result->statistics.busyBus, 1e-6 * moved);
}

} // namespace
