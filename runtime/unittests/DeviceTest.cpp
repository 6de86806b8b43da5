//===- DeviceTest.cpp - Launches that follow one another ------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Device.h"
#include "Launch.h"
#include "TestPrograms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace sprint;
using namespace sprint::test;

namespace {

/// Tokens from `first` to before `last` of `[B, H, S, D]`.
Tensor tokens(const Tensor &tensor, int64_t first, int64_t last) {
  auto [batches, heads, length, channels] = tensor.shape;
  Tensor part({batches, heads, last - first, channels}, 0);
  for (int64_t head = 0; head < batches * heads; ++head)
    std::copy_n(tensor.data.begin() + (head * length + first) * channels, (last - first) * channels,
                part.data.begin() + head * (last - first) * channels);
  return part;
}

/// Heads in groups that share keys, and steps that a part of the numbers is too large for.
class DeviceTest : public testing::Test {
protected:
  static constexpr int64_t kBatches = 2, kHeads = 4, kKeyHeads = 2, kTokens = 256;
  static constexpr int64_t kHeadDim = 16, kValueDim = 24;
  static constexpr CacheShape kShape = {kBatches, kHeads, kKeyHeads, kHeadDim, kValueDim};

  DeviceTest() {
    for (int64_t head = 0; head < kBatches * kHeads; ++head)
      steps.query.push_back(0.03F + 0.001F * static_cast<float>(head));
    for (int64_t head = 0; head < kBatches * kKeyHeads; ++head) {
      steps.key.push_back(0.031F + 0.002F * static_cast<float>(head));
      steps.value.push_back(0.033F - 0.001F * static_cast<float>(head));
    }
    options.masks = true;
    options.thresholds = {ThresholdPolicy::Kind::Given, {20}, 0};
  }

  std::unique_ptr<Cache> createCache(Device &device) const {
    std::string error;
    std::unique_ptr<Cache> cache = device.createCache(kShape, steps, error);
    EXPECT_TRUE(cache) << error;
    return cache;
  }

  /// The test program with a cache, or, on all tokens at once, without one.
  Program program(bool isCached, bool isCausal = false) const {
    return attentionProgram(machine, {.causal = isCausal, .isGrouped = true, .isCached = isCached});
  }

  /// Why a launch that adds the tokens to a cache is refused.
  std::string refusal(Device &device, Cache *cache, const Program &program, const Tensor &query,
                      const Tensor &key, const Tensor &value) {
    std::string error;
    options.cache = cache;
    EXPECT_FALSE(device.launch(program, operandsOf(query, key, value), options, error));
    return error;
  }

  Machine machine = builtinMachine("m");
  FrozenSteps steps;
  LaunchOptions options;
  Tensor query{{kBatches, kHeads, kTokens, kHeadDim}, 1};
  Tensor key{{kBatches, kKeyHeads, kTokens, kHeadDim}, 2};
  Tensor value{{kBatches, kKeyHeads, kTokens, kValueDim}, 3};
};

TEST_F(DeviceTest, StepsGiveTheBytesOfLaunchesWithTheWholePast) {
  Device device(machine);
  std::unique_ptr<Cache> cache = createCache(device);
  const Program decoding = program(true), whole = program(false);
  std::string error;
  for (int64_t step = 0; step < kTokens; ++step) {
    Tensor q = tokens(query, step, step + 1);
    options.cache = cache.get();
    options.steps.reset();
    std::optional<LaunchResult> cached = device.launch(
        decoding, operandsOf(q, tokens(key, step, step + 1), tokens(value, step, step + 1)),
        options, error);
    ASSERT_TRUE(cached) << error;
    EXPECT_EQ(cache->length(), step + 1);
    EXPECT_EQ(cached->dimensions.past, step);
    EXPECT_EQ(cached->dimensions.keys, step + 1);

    options.cache = nullptr;
    options.steps = steps;
    std::optional<LaunchResult> expected =
        launch(whole, machine, operandsOf(q, tokens(key, 0, step + 1), tokens(value, 0, step + 1)),
               options, error);
    ASSERT_TRUE(expected) << error;
    ASSERT_TRUE(std::ranges::equal(cached->codes, expected->codes)) << step;
    ASSERT_TRUE(std::ranges::equal(cached->output, expected->output)) << step;
    ASSERT_EQ(cached->masks, expected->masks) << step;

    // One key and one value for each key head, and the queries.
    const Statistics &statistics = cached->statistics;
    EXPECT_EQ(statistics.writtenBytes,
              kBatches * (kKeyHeads * (kHeadDim + kValueDim) + kHeads * kHeadDim));
    EXPECT_EQ(energyOf(*cached, "reram_write"),
              8 * machine.energy.reramWritePerBit * static_cast<double>(statistics.writtenBytes));
    EXPECT_EQ(statistics.fetchedBytes, expected->statistics.fetchedBytes);
    EXPECT_EQ(statistics.cyclesResident, expected->statistics.cyclesResident);
    EXPECT_LE(statistics.cycles, expected->statistics.cycles);
  }
}

TEST_F(DeviceTest, ManyTokensAtOnceAreOneAfterAnother) {
  // A prompt of 200 tokens, 40 more, and then single ones, each row up to its own key.
  Device device(machine);
  std::unique_ptr<Cache> cache = createCache(device);
  const Program cachedProgram = program(true, true);
  options.steps = steps;
  std::string error;
  std::optional<LaunchResult> expected =
      launch(program(false, true), machine, operandsOf(query, key, value), options, error);
  ASSERT_TRUE(expected) << error;
  options.steps.reset();
  options.cache = cache.get();
  int64_t saturated = 0;
  for (auto [first, last] :
       {std::pair<int64_t, int64_t>(0, 200), {200, 240}, {240, 241}, {241, 256}}) {
    std::optional<LaunchResult> part =
        device.launch(cachedProgram,
                      operandsOf(tokens(query, first, last), tokens(key, first, last),
                                 tokens(value, first, last)),
                      options, error);
    ASSERT_TRUE(part) << error;
    saturated += part->statistics.saturatedCodes;
    for (int64_t head = 0; head < kBatches * kHeads; ++head)
      for (int64_t row = first; row < last; ++row)
        ASSERT_TRUE(
            std::equal(expected->codes.begin() + (head * kTokens + row) * kValueDim,
                       expected->codes.begin() + (head * kTokens + row + 1) * kValueDim,
                       part->codes.begin() + (head * (last - first) + row - first) * kValueDim))
            << "head " << head << ", row " << row;
  }
  EXPECT_EQ(saturated, expected->statistics.saturatedCodes);
}

TEST_F(DeviceTest, CountsCodesThatSaturate) {
  // The limit is 119: 119.5 steps are the first that round beyond it.
  steps = {{0.5F}, {1}, {2}};
  Tensor q({1, 1, 1, 2}, 0), k({1, 1, 2, 2}, 0), v({1, 1, 2, 1}, 0);
  q.data = {59.7F, -59.75F};
  k.data = {119.49F, 119.5F, -200, 1};
  v.data = {-238.9F, 3.4e38F};
  options.steps = steps;
  options.thresholds = {ThresholdPolicy::Kind::Given, {-std::numeric_limits<float>::infinity()}, 0};
  std::string error;
  std::optional<LaunchResult> result =
      launch(program(false), machine, operandsOf(q, k, v), options, error);
  ASSERT_TRUE(result) << error;
  EXPECT_EQ(result->statistics.saturatedCodes, 4);
  // Scores 119 * 119 - 119 * 119 = 0 and -119 * 119 - 119: the first key has all the weight.
  EXPECT_EQ(result->codes[0], -119 * 65536);
  EXPECT_EQ(result->output[0], -238);
  options.steps.reset();
  result = launch(program(false), machine, operandsOf(q, k, v), options, error);
  ASSERT_TRUE(result) << error;
  EXPECT_EQ(result->statistics.saturatedCodes, 0);
}

TEST_F(DeviceTest, MasksAndBiasesAreForAllKeysOfTheCache) {
  Device device(machine);
  std::unique_ptr<Cache> cache = createCache(device);
  std::vector<MemoryRegion> regions = {MemoryRegion::KeyValid, MemoryRegion::Mask,
                                       MemoryRegion::Bias, MemoryRegion::QuerySegments,
                                       MemoryRegion::KeySegments};
  Program cached =
      attentionProgram(machine, {.isGrouped = true, .inputs = regions, .isCached = true});
  Program whole = attentionProgram(machine, {.isGrouped = true, .inputs = regions});
  std::string error;
  for (int64_t length : {5, 6, 30}) {
    TestInputs inputs = {Mask({kBatches, 1, 1, length}, 4, 13),
                         Mask({kBatches, 1, 1, length}, 5, 13), Tensor({1, kHeads, 1, length}, 6),
                         Segments({kBatches, 1}, 7), Segments({kBatches, length}, 8)};
    Tensor q = tokens(query, length - 1, length);
    int64_t past = cache->length();
    options.cache = cache.get();
    options.steps.reset();
    std::optional<LaunchResult> result = device.launch(
        cached, operandsOf(q, tokens(key, past, length), tokens(value, past, length), inputs),
        options, error);
    ASSERT_TRUE(result) << error;
    options.cache = nullptr;
    options.steps = steps;
    std::optional<LaunchResult> expected = launch(
        whole, machine, operandsOf(q, tokens(key, 0, length), tokens(value, 0, length), inputs),
        options, error);
    ASSERT_TRUE(expected) << error;
    EXPECT_TRUE(std::ranges::equal(result->codes, expected->codes));
    EXPECT_EQ(result->masks, expected->masks);
  }
  // Entries for the new tokens alone are too few.
  TestInputs inputs = {Mask({kBatches, 1, 1, 1}, 4), Mask({kBatches, 1, 1, 31}, 5),
                       Tensor({1, kHeads, 1, 31}, 6), Segments({kBatches, 1}, 7),
                       Segments({kBatches, 31}, 8)};
  options.cache = cache.get();
  options.steps.reset();
  EXPECT_FALSE(device.launch(
      cached, operandsOf(tokens(query, 30, 31), tokens(key, 30, 31), tokens(value, 30, 31), inputs),
      options, error));
  EXPECT_EQ(error, "program 'attention': expected dimension 1 (Sk) of the key_valid to be 31, "
                   "got 1");
  EXPECT_EQ(cache->length(), 30);
}

TEST_F(DeviceTest, CachesDoNotSeeOneAnother) {
  Device device(machine);
  std::unique_ptr<Cache> one = createCache(device), other = createCache(device);
  const Program cached = program(true);
  std::string error;
  std::optional<LaunchResult> results[2];
  for (int64_t step = 0; step < 8; ++step)
    for (Cache *cache : {one.get(), other.get()}) {
      options.cache = cache;
      results[cache == other.get()] =
          device.launch(cached,
                        operandsOf(tokens(query, step, step + 1), tokens(key, step, step + 1),
                                   tokens(value, step, step + 1)),
                        options, error);
      ASSERT_TRUE(results[cache == other.get()]) << error;
    }
  EXPECT_TRUE(std::ranges::equal(results[0]->codes, results[1]->codes));
  // One may outlive the device.
  device = Device(machine);
  EXPECT_EQ(one->length(), 8);
}

TEST_F(DeviceTest, RefusesCachesThatDoNotFitTheProgram) {
  Device device(machine), another(machine);
  std::unique_ptr<Cache> cache = createCache(device);
  Tensor q = tokens(query, 0, 1), k = tokens(key, 0, 1), v = tokens(value, 0, 1);
  EXPECT_EQ(refusal(device, nullptr, program(true), q, k, v),
            "program 'attention': expected a cache, got none");
  EXPECT_EQ(refusal(device, cache.get(), program(false), q, k, v),
            "program 'attention': expected no cache, got one");
  EXPECT_EQ(refusal(another, cache.get(), program(true), q, k, v),
            "program 'attention': expected a cache of this device, got one of another");
  EXPECT_EQ(
      refusal(device, cache.get(), program(true), Tensor({2, 6, 1, 16}, 0), k, v),
      "program 'attention': expected operands of the cache's 2 batch elements, 4 heads, 2 key "
      "heads, 16 channels of keys and 24 of values, got 2 batch elements, 6 heads, 2 key "
      "heads, 16 channels of keys and 24 of values");
  options.steps = steps;
  EXPECT_EQ(refusal(device, cache.get(), program(true), q, k, v),
            "program 'attention': expected no steps beside a cache, which has its own");
  options.steps.reset();
  EXPECT_EQ(cache->length(), 0);
  // A launch by itself has no cache either.
  std::string error;
  EXPECT_FALSE(launch(program(true), machine, operandsOf(q, k, v), LaunchOptions(), error));
  EXPECT_EQ(error, "program 'attention': expected a cache, got none");
}

TEST_F(DeviceTest, RefusesSizesAndStepsThatAreNone) {
  Device device(machine);
  auto refuse = [&](const CacheShape &shape, const FrozenSteps &frozen) {
    std::string error;
    EXPECT_EQ(device.createCache(shape, frozen, error), nullptr);
    return error;
  };
  EXPECT_EQ(refuse({0, 4, 2, 16, 24}, steps), "cache: expected 1 to 2^30 batch elements, got 0");
  EXPECT_EQ(refuse({2, 4, 3, 16, 24}, steps),
            "cache: expected heads to be a multiple of 3 key heads, got 4");
  EXPECT_EQ(refuse({2, 4, 2, 0, 24}, steps), "cache: expected at least one channel, got none");
  EXPECT_EQ(refuse({2, 1 << 30, 1, 16, 24}, steps),
            "cache: expected at most 2^30 heads of all batch elements, got 2147483648");
  EXPECT_EQ(refuse({1, 4, 2, 16, 24}, steps), "cache: expected 4 steps of queries, got 8");
  FrozenSteps wrong = steps;
  wrong.value[1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(refuse(kShape, wrong),
            "cache: expected finite steps of values of at least 2^-126, got nan");
  wrong = steps;
  wrong.key[0] = 1e-39F;
  EXPECT_EQ(refuse(kShape, wrong),
            "cache: expected finite steps of keys of at least 2^-126, got 0.000000");
  wrong = steps;
  wrong.query[3] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(refuse(kShape, wrong),
            "cache: expected finite steps of queries of at least 2^-126, got inf");
}

TEST_F(DeviceTest, ArraysAreSharedByWhatIsOnTheDevice) {
  // Eight arrays of 4 keys: a cache of four key heads has one each for up to four tokens.
  machine.structure.arrayRows = 16;
  machine.structure.arrayColumns = 4;
  machine.structure.channels = 1;
  machine.structure.banksPerChannel = 2;
  machine.structure.arraysPerBank = 4;
  machine.structure.residentHeads = 2;
  Device device(machine);
  std::unique_ptr<Cache> cache = createCache(device);
  const Program cached = program(true), whole = program(false);
  std::string error;
  auto add = [&](Cache *to, int64_t first, int64_t last) {
    options.cache = to;
    return device
        .launch(cached,
                operandsOf(tokens(query, first, last), tokens(key, first, last),
                           tokens(value, first, last)),
                options, error)
        .has_value();
  };
  auto runWhole = [&](int64_t last) {
    options.cache = nullptr;
    return device
        .launch(whole,
                operandsOf(tokens(query, 0, 1), tokens(key, 0, last), tokens(value, 0, last)),
                options, error)
        .has_value();
  };
  EXPECT_TRUE(runWhole(16)) << error;
  EXPECT_TRUE(add(cache.get(), 0, 4)) << error;
  // Four arrays are left, of which each of two heads has two.
  EXPECT_TRUE(runWhole(8)) << error;
  EXPECT_FALSE(runWhole(9));
  EXPECT_EQ(error,
            "program 'attention': expected at most 8 keys, the capacity of machine 'm' beside "
            "what caches hold, got 9");
  EXPECT_TRUE(add(cache.get(), 4, 8)) << error;
  EXPECT_FALSE(add(cache.get(), 8, 9));
  EXPECT_EQ(error,
            "program 'attention': expected a cache that fits the 8 arrays that machine 'm' has for "
            "it, got 4 key heads of 9 keys, which take 12");
  EXPECT_EQ(cache->length(), 8);
  std::unique_ptr<Cache> other = createCache(device);
  EXPECT_FALSE(add(other.get(), 0, 1));
  cache.reset();
  EXPECT_TRUE(add(other.get(), 0, 1)) << error;
  EXPECT_TRUE(runWhole(8)) << error;
}

TEST_F(DeviceTest, CountsTheWritesOfTheMostWrittenCell) {
  // Four key heads in two places, and then with room for three.
  machine.energy.endurance = 1000;
  options.steps = steps;
  std::string error;
  Tensor q = tokens(query, 0, 3), k = tokens(key, 0, 5), v = tokens(value, 0, 5);
  std::optional<LaunchResult> result =
      launch(program(false), machine, operandsOf(q, k, v), options, error);
  ASSERT_TRUE(result) << error;
  EXPECT_EQ(result->statistics.mostCellWrites, 2);
  EXPECT_DOUBLE_EQ(result->statistics.enduranceUsed, 0.002);
  EXPECT_DOUBLE_EQ(result->statistics.enduredRuns(), 500);
  // The queries of a launch on a cache have the same two places.
  Device device(machine);
  std::unique_ptr<Cache> cache = createCache(device);
  options.steps.reset();
  options.cache = cache.get();
  result = device.launch(program(true), operandsOf(q, k, v), options, error);
  ASSERT_TRUE(result) << error;
  EXPECT_EQ(result->statistics.mostCellWrites, 2);
  machine.structure.residentHeads = 3;
  options.cache = nullptr;
  options.steps = steps;
  result = launch(program(false), machine, operandsOf(q, k, v), options, error);
  ASSERT_TRUE(result) << error;
  EXPECT_EQ(result->statistics.mostCellWrites, 2);
  machine.structure.residentHeads = 4;
  result = launch(program(false), machine, operandsOf(q, k, v), options, error);
  ASSERT_TRUE(result) << error;
  EXPECT_EQ(result->statistics.mostCellWrites, 1);
}

TEST_F(DeviceTest, WritesNameTheTokensThatTheLaunchBrings) {
  Device device(machine);
  std::unique_ptr<Cache> cache = createCache(device);
  Program cached = program(true);
  // What writes all tokens writes those of the first launch.
  Program writesAll = cached;
  for (CommandWord &word : writesAll.units.front().words)
    if (auto command = decode(word); std::holds_alternative<WriteCommand>(*command)) {
      auto write = std::get<WriteCommand>(*command);
      write.first = write.count = OptionalExprIndex();
      word = encode(write);
    }
  Tensor q = tokens(query, 0, 1), k = tokens(key, 0, 1), v = tokens(value, 0, 1);
  std::string error;
  options.cache = cache.get();
  EXPECT_TRUE(device.launch(writesAll, operandsOf(q, k, v), options, error)) << error;
  EXPECT_EQ(refusal(device, cache.get(), writesAll, q, k, v),
            "program 'attention': unit 'write', word 3 (write), i0 = 0, i1 = 0: expected to write "
            "the 1 tokens that the launch brings, from 1 on, got 2 from 0 on");
  EXPECT_EQ(cache->length(), 1);
}

} // namespace
