//===- CApiTest.cpp - C API of the runtime --------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPrograms.h"
#include "sprint-c/Runtime.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <limits>
#include <memory>

using namespace sprint;
using namespace sprint::test;

namespace {

/// Frees the string of an error with its scope.
struct Error {
  char *text = nullptr;
  ~Error() { sprintDestroyString(text); }
};

class CApiTest : public testing::Test {
protected:
  CApiTest() {
    Program program = attentionProgram(builtinMachine("s"));
    program.parameters[static_cast<size_t>(LaunchParameter::Heads)] = 2;
    std::vector<uint8_t> bytes = serialize(CommandStream{{program}});
    stream.reset(sprintParseStream(bytes.data(), bytes.size(), nullptr));
    machine.reset(sprintLoadMachine("s", nullptr));
    launch.size = sizeof(SprintLaunch);
    bring(SPRINT_INPUT_QUERY, query);
    bring(SPRINT_INPUT_KEY, key);
    bring(SPRINT_INPUT_VALUE, value);
  }

  template <typename Tensor> void bring(SprintInput input, const Tensor &tensor) {
    launch.inputs[input].data = tensor.data.data();
    std::ranges::copy(tensor.shape, launch.inputs[input].shape);
  }

  void expectRefused(const std::string &message) {
    Error error;
    EXPECT_EQ(sprintLaunch(stream.get(), machine.get(), &launch, &error.text), nullptr);
    ASSERT_NE(error.text, nullptr);
    EXPECT_EQ(std::string(error.text), message);
  }

  using Result = std::unique_ptr<SprintResult, decltype(&sprintDestroyResult)>;
  Result run() {
    Error error;
    SprintResult *result = sprintLaunch(stream.get(), machine.get(), &launch, &error.text);
    EXPECT_EQ(error.text, nullptr) << error.text;
    return Result(result, sprintDestroyResult);
  }

  Tensor query{{1, 2, 4, 8}, 1};
  Tensor key{{1, 2, 6, 8}, 2};
  Tensor value{{1, 2, 6, 4}, 3};
  std::unique_ptr<SprintStream, decltype(&sprintDestroyStream)> stream{nullptr,
                                                                       sprintDestroyStream};
  std::unique_ptr<SprintMachine, decltype(&sprintDestroyMachine)> machine{nullptr,
                                                                          sprintDestroyMachine};
  SprintLaunch launch{};
};

TEST_F(CApiTest, ChecksAProgram) {
  Error found, error;
  found.text = sprintCheckProgram(stream.get(), 0, machine.get(), &error.text);
  ASSERT_NE(found.text, nullptr) << error.text;
  EXPECT_EQ(std::string(found.text), "");
  Program broken = attentionProgram(builtinMachine("s"));
  broken.indexQueues.front().depth = 1;
  std::vector<uint8_t> bytes = serialize(CommandStream{{broken}});
  stream.reset(sprintParseStream(bytes.data(), bytes.size(), nullptr));
  Error other;
  other.text = sprintCheckProgram(stream.get(), 0, machine.get(), &error.text);
  ASSERT_NE(other.text, nullptr) << error.text;
  EXPECT_TRUE(
      std::string(other.text)
          .starts_with("error: unit 'select', word 7 (read_pruning): expected at most 1 lists"));
  EXPECT_EQ(sprintCheckProgram(stream.get(), 1, machine.get(), &error.text), nullptr);
  ASSERT_NE(error.text, nullptr);
  EXPECT_EQ(std::string(error.text), "expected the index of a program of the stream");
}

TEST_F(CApiTest, NamesThePrograms) {
  EXPECT_EQ(sprintVersion(), 6u);
  ASSERT_EQ(sprintNumPrograms(stream.get()), 1u);
  EXPECT_STREQ(sprintProgramName(stream.get(), 0), "attention");
  EXPECT_STREQ(sprintProgramMachine(stream.get(), 0), "s");
  EXPECT_EQ(sprintProgramName(stream.get(), 1), nullptr);
  EXPECT_EQ(sprintProgramMachine(stream.get(), 1), nullptr);
}

TEST_F(CApiTest, GivesWhatTheSimulatorGives) {
  const float thresholds[] = {1, -2};
  launch.thresholdPolicy = SPRINT_THRESHOLDS_GIVEN;
  launch.thresholds = thresholds;
  launch.numThresholds = 2;
  launch.flags = SPRINT_RECORD_MASKS | SPRINT_RECORD_TRACE;
  Result result = run();
  ASSERT_TRUE(result);
  Reference expected(query, key, value, 1, {1, -2}, Widths(), false, false);
  int64_t shape[4];
  const float *output = sprintOutput(result.get(), shape);
  EXPECT_EQ(std::vector<int64_t>(shape, shape + 4), (std::vector<int64_t>{1, 2, 4, 4}));
  EXPECT_EQ(Buffer<float>(output, output + 32), expected.output);
  const int32_t *codes = sprintOutputCodes(result.get());
  EXPECT_EQ(Buffer<int32_t>(codes, codes + 32), expected.codes);
  int64_t maskShape[3];
  const uint8_t *masks = sprintMasks(result.get(), maskShape);
  EXPECT_EQ(std::vector<int64_t>(maskShape, maskShape + 3), (std::vector<int64_t>{2, 4, 6}));
  EXPECT_EQ(std::vector<uint8_t>(masks, masks + 48), expected.masks);
  size_t count = 0;
  EXPECT_EQ(sprintThresholds(result.get(), &count)[1], -2);
  EXPECT_EQ(count, 2u);
  EXPECT_EQ(nlohmann::json::parse(sprintStatistics(result.get()))["kept_scores"], expected.kept);
  const SprintResult *results[] = {result.get(), result.get()};
  char *trace = sprintTrace(results, 2, nullptr);
  ASSERT_TRUE(trace);
  EXPECT_TRUE(nlohmann::json::parse(trace).contains("traceEvents"));
  sprintDestroyString(trace);
}

TEST_F(CApiTest, RecordsOnlyWhatIsAskedFor) {
  Result result = run();
  ASSERT_TRUE(result);
  int64_t shape[3];
  EXPECT_EQ(sprintMasks(result.get(), shape), nullptr);
  const SprintResult *results[] = {result.get()};
  char *error = nullptr;
  EXPECT_EQ(sprintTrace(results, 1, &error), nullptr);
  EXPECT_STREQ(error, "expected launches with SPRINT_RECORD_TRACE");
  sprintDestroyString(error);
}

TEST_F(CApiTest, CountsCyclesInDetail) {
  Result closedForm = run();
  launch.flags = SPRINT_DETAILED_TIMING;
  Result detailed = run();
  ASSERT_TRUE(closedForm && detailed);
  auto statisticsOf = [](const Result &result) {
    return nlohmann::json::parse(sprintStatistics(result.get()));
  };
  EXPECT_EQ(statisticsOf(closedForm)["timing"], "closed-form");
  EXPECT_EQ(statisticsOf(detailed)["timing"], "detailed");
  EXPECT_NE(statisticsOf(detailed)["cycles"], statisticsOf(closedForm)["cycles"]);
  EXPECT_EQ(statisticsOf(detailed)["energy_pj"], statisticsOf(closedForm)["energy_pj"]);
  launch.flags = SPRINT_DETAILED_TIMING << 1;
  Error error;
  EXPECT_EQ(sprintLaunch(stream.get(), machine.get(), &launch, &error.text), nullptr);
  EXPECT_STREQ(error.text, "expected flags of enum SprintLaunchFlags");
}

TEST_F(CApiTest, CalibratesToARate) {
  launch.thresholdPolicy = SPRINT_THRESHOLDS_PRUNE_RATE;
  launch.fraction = 0.5;
  Result result = run();
  ASSERT_TRUE(result);
  EXPECT_NEAR(nlohmann::json::parse(sprintStatistics(result.get()))["pruned_fraction"], 0.5, 0.1);
}

TEST_F(CApiTest, CalibratesToAMass) {
  launch.thresholdPolicy = SPRINT_THRESHOLDS_KEEP_MASS;
  launch.fraction = 0.9;
  Result result = run();
  ASSERT_TRUE(result);
  double pruned = nlohmann::json::parse(sprintStatistics(result.get()))["pruned_fraction"];
  EXPECT_GT(pruned, 0.2);
  EXPECT_LT(pruned, 0.9);
}

TEST_F(CApiTest, CalibratesOnSeveralLaunches) {
  std::unique_ptr<SprintCalibration, decltype(&sprintDestroyCalibration)> calibration(
      sprintCreateCalibration(), sprintDestroyCalibration);
  Error none;
  size_t count = 7;
  EXPECT_EQ(sprintCalibratedThresholds(calibration.get(), SPRINT_THRESHOLDS_PRUNE_RATE, 0.5, &count,
                                       &none.text),
            nullptr);
  EXPECT_STREQ(none.text, "expected a launch to calibrate on, got none");
  launch.calibration = calibration.get();
  ASSERT_TRUE(run());
  Tensor other({1, 2, 4, 8}, 4);
  launch.inputs[SPRINT_INPUT_QUERY].data = other.data.data();
  ASSERT_TRUE(run());
  Error error;
  const float *thresholds = sprintCalibratedThresholds(
      calibration.get(), SPRINT_THRESHOLDS_PRUNE_RATE, 0.5, &count, &error.text);
  ASSERT_NE(thresholds, nullptr) << error.text;
  ASSERT_EQ(count, 2u);
  launch.calibration = nullptr;
  launch.thresholdPolicy = SPRINT_THRESHOLDS_GIVEN;
  launch.thresholds = thresholds;
  launch.numThresholds = count;
  double pruned = 0;
  for (const Tensor *tensor : {&query, &other}) {
    launch.inputs[SPRINT_INPUT_QUERY].data = tensor->data.data();
    Result result = run();
    ASSERT_TRUE(result);
    pruned +=
        nlohmann::json::parse(sprintStatistics(result.get()))["pruned_fraction"].get<double>();
  }
  EXPECT_NEAR(pruned / 2, 0.5, 0.1);
  Error kind;
  EXPECT_EQ(sprintCalibratedThresholds(calibration.get(), SPRINT_THRESHOLDS_PROGRAM, 0.5, &count,
                                       &kind.text),
            nullptr);
  EXPECT_STREQ(kind.text, "expected a prune rate or a mass to keep to calibrate for, got neither");
}

TEST_F(CApiTest, TakesMasksABiasAndSharedKeyHeads) {
  TestInputs inputs = {Mask({1, 1, 1, 6}, 1, 12), Mask({1, 1, 4, 6}, 2, 12),
                       Tensor({1, 2, 1, 6}, 4)};
  std::vector<uint8_t> bytes = serialize(CommandStream{
      {attentionProgram(builtinMachine("s"), {.isGrouped = true, .inputs = inputs.regions()})}});
  stream.reset(sprintParseStream(bytes.data(), bytes.size(), nullptr));
  key = Tensor({1, 1, 6, 8}, 2);
  value = Tensor({1, 1, 6, 4}, 3);
  bring(SPRINT_INPUT_KEY, key);
  bring(SPRINT_INPUT_VALUE, value);
  expectRefused("program 'attention': expected a key_valid tensor, got none");

  SprintTensor &keyValid = launch.inputs[SPRINT_INPUT_KEY_VALID];
  keyValid = {inputs.keyValid->data.data(), {1, 6}};
  bring(SPRINT_INPUT_MASK, *inputs.mask);
  bring(SPRINT_INPUT_BIAS, *inputs.bias);
  Result result = run();
  ASSERT_TRUE(result);
  Reference expected(query, key, value, 1, {-std::numeric_limits<float>::infinity()}, Widths(),
                     false, false, inputs);
  int64_t shape[4];
  const float *output = sprintOutput(result.get(), shape);
  EXPECT_EQ(Buffer<float>(output, output + 32), expected.output);
  auto statistics = nlohmann::json::parse(sprintStatistics(result.get()));
  EXPECT_EQ(statistics["key_heads"], 1);
  EXPECT_EQ(statistics["inputs"], (nlohmann::json{"key_valid", "mask", "bias"}));

  keyValid.shape[1] = 5;
  expectRefused("program 'attention': expected dimension 1 (Sk) of the key_valid to be 6, got 5");
}

TEST_F(CApiTest, KeepsACacheOnADevice) {
  Program program = attentionProgram(builtinMachine("s"), {.isCached = true});
  std::vector<uint8_t> bytes = serialize(CommandStream{{program}});
  stream.reset(sprintParseStream(bytes.data(), bytes.size(), nullptr));
  std::unique_ptr<SprintDevice, decltype(&sprintDestroyDevice)> device(
      sprintCreateDevice(machine.get(), nullptr), sprintDestroyDevice);
  const float steps[] = {0.05F, 0.06F};
  SprintCacheOptions options = {sizeof(SprintCacheOptions), 1, 2, 2, 8, 4, steps, steps, steps};
  std::unique_ptr<SprintCache, decltype(&sprintDestroyCache)> cache(
      sprintCreateCache(device.get(), &options, nullptr), sprintDestroyCache);
  ASSERT_TRUE(cache);
  launch.cache = cache.get();
  Error error;
  for (int64_t length : {6, 12}) {
    Result result(sprintLaunchOnDevice(device.get(), stream.get(), &launch, &error.text),
                  sprintDestroyResult);
    ASSERT_TRUE(result) << error.text;
    EXPECT_EQ(sprintCacheLength(cache.get()), length);
    auto statistics = nlohmann::json::parse(sprintStatistics(result.get()));
    EXPECT_EQ(statistics["keys"], length);
    EXPECT_EQ(statistics["past"], length - 6);
  }
  expectRefused("expected no cache, as none is of a machine without a device");
  launch.cache = nullptr;
  EXPECT_EQ(sprintLaunchOnDevice(device.get(), stream.get(), &launch, &error.text), nullptr);
  EXPECT_STREQ(error.text, "program 'attention': expected a cache, got none");
  // A cache may outlive its device.
  device.reset();
  EXPECT_EQ(sprintCacheLength(cache.get()), 12);
}

TEST_F(CApiTest, RefusesOptionsOfNoCache) {
  std::unique_ptr<SprintDevice, decltype(&sprintDestroyDevice)> device(
      sprintCreateDevice(machine.get(), nullptr), sprintDestroyDevice);
  const float steps[] = {0.05F, -1};
  const SprintCacheOptions sound = {sizeof(SprintCacheOptions), 1, 2, 2, 8, 4, steps, steps, steps};
  auto refuse = [&](auto change) {
    SprintCacheOptions options = sound;
    change(options);
    Error error;
    EXPECT_EQ(sprintCreateCache(device.get(), &options, &error.text), nullptr);
    return std::string(error.text ? error.text : "");
  };
  EXPECT_EQ(refuse([](SprintCacheOptions &) {}),
            "cache: expected finite steps of queries of at least 2^-126, got -1.000000");
  EXPECT_EQ(refuse([](SprintCacheOptions &options) { options.size = 8; }),
            "expected a SprintCacheOptions; is its size set?");
  EXPECT_EQ(refuse([](SprintCacheOptions &options) { options.keySteps = nullptr; }),
            "expected steps of queries, keys and values, got null");
  EXPECT_EQ(refuse([](SprintCacheOptions &options) { options.batches = int64_t(1) << 40; }),
            "expected 1 to 2^30 heads of all batch elements, and no more key heads");
  EXPECT_EQ(refuse([](SprintCacheOptions &options) { options.keyHeads = 3; }),
            "expected 1 to 2^30 heads of all batch elements, and no more key heads");
}

TEST_F(CApiTest, RefusesALaunchWhoseSizeIsNotSet) {
  for (size_t size : {size_t(8), sizeof(launch) - 1, size_t(4096), ~size_t(7)}) {
    launch.size = size;
    expectRefused("expected a SprintLaunch; is its size set?");
  }
}

TEST_F(CApiTest, TakesAnEarlierVersionsLaunch) {
  // Who knows nothing behind the required inputs can launch what takes no more.
  launch.inputs[kNumRequiredInputs].data = &launch;
  launch.size = offsetof(SprintLaunch, inputs) + kNumRequiredInputs * sizeof(SprintTensor);
  EXPECT_NE(run(), nullptr);
}

TEST_F(CApiTest, TakesALaterVersionsLaunchWithoutMoreInputs) {
  struct LaterLaunch {
    SprintLaunch known;
    SprintTensor more[2];
  } later{launch, {}};
  later.known.size = sizeof(later);
  Error error;
  Result result(sprintLaunch(stream.get(), machine.get(), &later.known, &error.text),
                sprintDestroyResult);
  ASSERT_NE(result, nullptr) << error.text;
  int64_t shape[4];
  Result expected = run();
  EXPECT_EQ(
      std::vector<float>(sprintOutput(result.get(), shape), sprintOutput(result.get(), shape) + 32),
      std::vector<float>(sprintOutput(expected.get(), shape),
                         sprintOutput(expected.get(), shape) + 32));
  later.more[1].shape[0] = 1;
  EXPECT_EQ(sprintLaunch(stream.get(), machine.get(), &later.known, &error.text), nullptr);
  EXPECT_STREQ(error.text,
               "expected nothing in a SprintLaunch beyond what this version of the library knows");
}

TEST_F(CApiTest, StatisticsAreThoseOfTheReport) {
  launch.thresholdPolicy = SPRINT_THRESHOLDS_PRUNE_RATE;
  launch.fraction = 0.5;
  Result result = run();
  ASSERT_TRUE(result);
  SprintStatistics statistics{};
  statistics.size = sizeof(statistics);
  sprintGetStatistics(result.get(), &statistics);
  EXPECT_EQ(statistics.size, sizeof(statistics));
  auto json = nlohmann::json::parse(sprintStatistics(result.get()));
  EXPECT_GT(statistics.cycles, 0);
  EXPECT_EQ(statistics.cycles, json["cycles"]);
  EXPECT_EQ(statistics.cyclesResident, json["cycles_resident"]);
  const auto &energy = json["energy_pj"];
  EXPECT_EQ(energy.size(), 9u);
  EXPECT_EQ(statistics.energyPjTotal, energy["total"]);
  EXPECT_EQ(statistics.energyPjReramWrite, energy["reram_write"]);
  EXPECT_EQ(statistics.energyPjReramRead, energy["reram_read"]);
  EXPECT_EQ(statistics.energyPjInMemory, energy["in_memory"]);
  EXPECT_EQ(statistics.energyPjSramWrite, energy["sram_write"]);
  EXPECT_EQ(statistics.energyPjSramRead, energy["sram_read"]);
  EXPECT_EQ(statistics.energyPjQkPu, energy["qk_pu"]);
  EXPECT_EQ(statistics.energyPjSoftmax, energy["softmax"]);
  EXPECT_EQ(statistics.energyPjVPu, energy["v_pu"]);
  EXPECT_EQ(statistics.prunedFraction, json["pruned_fraction"]);
  EXPECT_EQ(statistics.allowedScores, 2 * 4 * 6);
  EXPECT_EQ(statistics.keptScores, json["kept_scores"]);
  EXPECT_EQ(statistics.fetchedBytes, json["fetched_bytes"]);
  EXPECT_EQ(statistics.writtenBytes, json["written_bytes"]);
  EXPECT_EQ(statistics.hostQuadraticBytes, json["host_quadratic_bytes"]);
  EXPECT_EQ(statistics.retriedRows, json["retried_rows"]);
  EXPECT_EQ(statistics.retries, json["retries"]);
  EXPECT_EQ(statistics.clampedBiases, json["clamped_biases"]);
  EXPECT_EQ(statistics.rowsMaskedByBias, json["rows_masked_by_bias"]);
  EXPECT_EQ(statistics.macs, json["macs"]);
  EXPECT_EQ(statistics.inMemoryMacs, json["in_memory_macs"]);
  const auto &utilization = json["utilization"];
  EXPECT_EQ(utilization.size(), 8u);
  EXPECT_EQ(statistics.utilizationBus, utilization["bus"]);
  EXPECT_EQ(statistics.utilizationWrite, utilization["write"]);
  EXPECT_EQ(statistics.utilizationSelect, utilization["select"]);
  EXPECT_EQ(statistics.utilizationKeyFetch, utilization["key_fetch"]);
  EXPECT_EQ(statistics.utilizationValueFetch, utilization["value_fetch"]);
  EXPECT_EQ(statistics.utilizationQk, utilization["qk"]);
  EXPECT_EQ(statistics.utilizationSoftmax, utilization["softmax"]);
  EXPECT_EQ(statistics.utilizationV, utilization["v"]);
  EXPECT_EQ(statistics.simulationSeconds, json["simulation_seconds"]);
}

TEST_F(CApiTest, StatisticsStayInTheirPlaces) {
  // New ones come last: some of the first version, the last of it included.
  EXPECT_EQ(offsetof(SprintStatistics, cycles), 8u);
  EXPECT_EQ(offsetof(SprintStatistics, energyPjVPu), 8u * 11);
  EXPECT_EQ(offsetof(SprintStatistics, macs), 8u * 22);
  EXPECT_EQ(offsetof(SprintStatistics, simulationSeconds), 8u * 32);
}

TEST_F(CApiTest, StatisticsAreAsManyAsTheCallerKnows) {
  Result result = run();
  ASSERT_TRUE(result);
  SprintStatistics all{};
  all.size = sizeof(all);
  sprintGetStatistics(result.get(), &all);

  SprintStatistics earlier{};
  earlier.energyPjTotal = -1;
  // Half a member is none.
  earlier.size = offsetof(SprintStatistics, energyPjTotal) + 4;
  sprintGetStatistics(result.get(), &earlier);
  EXPECT_EQ(earlier.size, offsetof(SprintStatistics, energyPjTotal));
  EXPECT_EQ(earlier.cycles, all.cycles);
  EXPECT_EQ(earlier.cyclesResident, all.cyclesResident);
  EXPECT_EQ(earlier.energyPjTotal, -1);

  struct LaterStatistics {
    SprintStatistics known;
    double more;
  } later{{}, -1};
  later.known.size = sizeof(later);
  sprintGetStatistics(result.get(), &later.known);
  EXPECT_EQ(later.known.size, sizeof(SprintStatistics));
  EXPECT_EQ(later.known.simulationSeconds, all.simulationSeconds);
  EXPECT_EQ(later.more, -1);
}

TEST_F(CApiTest, SetsThresholdsWithoutCompiling) {
  const float thresholds[] = {1, -2};
  launch.thresholdPolicy = SPRINT_THRESHOLDS_GIVEN;
  launch.thresholds = thresholds;
  launch.numThresholds = 2;
  launch.flags = SPRINT_RECORD_MASKS;
  Result given = run();
  Error error;
  ASSERT_TRUE(sprintSetThresholds(stream.get(), 0, thresholds, 2, &error.text)) << error.text;
  size_t size = 0;
  uint8_t *bytes = sprintSerializeStream(stream.get(), &size, &error.text);
  ASSERT_NE(bytes, nullptr) << error.text;
  stream.reset(sprintParseStream(bytes, size, &error.text));
  sprintDestroyBytes(bytes);
  ASSERT_NE(stream, nullptr) << error.text;
  launch.thresholdPolicy = SPRINT_THRESHOLDS_PROGRAM;
  Result set = run();
  ASSERT_TRUE(given && set);
  int64_t shape[4];
  EXPECT_TRUE(std::equal(sprintOutputCodes(set.get()), sprintOutputCodes(set.get()) + 32,
                         sprintOutputCodes(given.get())));
  EXPECT_TRUE(std::equal(sprintMasks(set.get(), shape), sprintMasks(set.get(), shape) + 48,
                         sprintMasks(given.get(), shape)));
  size_t count = 0;
  EXPECT_EQ(sprintThresholds(set.get(), &count)[1], -2);
  // None keep all.
  ASSERT_TRUE(sprintSetThresholds(stream.get(), 0, nullptr, 0, &error.text)) << error.text;
  Result all = run();
  ASSERT_TRUE(all);
  EXPECT_EQ(std::count(sprintMasks(all.get(), shape), sprintMasks(all.get(), shape) + 48, 1), 48);
}

TEST_F(CApiTest, RefusesThresholdsThatAreNoneOfTheProgram) {
  auto expectRefusal = [&](const std::vector<float> &thresholds, size_t program,
                           const char *message) {
    Error error;
    EXPECT_FALSE(sprintSetThresholds(stream.get(), program, thresholds.data(), thresholds.size(),
                                     &error.text));
    EXPECT_STREQ(error.text, message);
  };
  expectRefusal({1, 2, 3}, 0,
                "program 'attention': expected one threshold, or one for each of 2 heads, got 3");
  expectRefusal({1, std::numeric_limits<float>::quiet_NaN()}, 0,
                "program 'attention': expected thresholds, got NaN");
  expectRefusal({1}, 1, "expected the index of a program of the stream");
  // The program is as it was.
  Result result = run();
  ASSERT_TRUE(result);
  size_t count = 0;
  EXPECT_EQ(sprintThresholds(result.get(), &count)[0], -std::numeric_limits<float>::infinity());
  Error error, none;
  EXPECT_FALSE(sprintSetThresholds(nullptr, 0, nullptr, 0, &error.text));
  EXPECT_STREQ(error.text, "expected a stream, got null");
  EXPECT_EQ(sprintSerializeStream(nullptr, &count, &none.text), nullptr);
  EXPECT_STREQ(none.text, "expected a stream and a size, got null");
}

TEST_F(CApiTest, RefusesAProgramThatDoesNotExist) {
  launch.program = 1;
  expectRefused("expected the index of a program of the stream");
}

TEST_F(CApiTest, RefusesUnknownFlags) {
  launch.flags = 64;
  expectRefused("expected flags of enum SprintLaunchFlags");
}

TEST_F(CApiTest, RefusesAnUnknownPolicy) {
  launch.thresholdPolicy = 7;
  expectRefused("expected a value of enum SprintThresholds, got 7");
}

TEST_F(CApiTest, RefusesNull) {
  launch.thresholdPolicy = SPRINT_THRESHOLDS_GIVEN;
  expectRefused("expected thresholds, got null");
  launch.thresholdPolicy = SPRINT_THRESHOLDS_PROGRAM;
  launch.inputs[SPRINT_INPUT_KEY].data = nullptr;
  expectRefused("program 'attention': the key has no data");
  Error error;
  EXPECT_EQ(sprintLaunch(nullptr, nullptr, nullptr, &error.text), nullptr);
  EXPECT_STREQ(error.text, "expected a stream, a machine and a launch, got null");
  // A caller need not want the message.
  EXPECT_EQ(sprintLoadStream(nullptr, nullptr), nullptr);
  EXPECT_EQ(sprintLoadMachine(nullptr, nullptr), nullptr);
  EXPECT_EQ(sprintCalibratedThresholds(nullptr, SPRINT_THRESHOLDS_PRUNE_RATE, 0, nullptr, nullptr),
            nullptr);
  sprintDestroyBytes(nullptr);
  sprintDestroyResult(nullptr);
  sprintDestroyStream(nullptr);
  sprintDestroyMachine(nullptr);
  sprintDestroyCalibration(nullptr);
}

TEST_F(CApiTest, NamesTheFileThatCannotBeRead) {
  Error error;
  EXPECT_EQ(sprintLoadStream("/nowhere/x.sprint", &error.text), nullptr);
  EXPECT_STREQ(error.text, "/nowhere/x.sprint: no such file");
}

} // namespace
