//===- CApiTest.cpp - C API of the runtime --------------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "TestPrograms.h"
#include "sprint-c/Runtime.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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
    std::vector<uint8_t> bytes = serialize(CommandStream{{attentionProgram(builtinMachine("s"))}});
    stream.reset(sprintParseStream(bytes.data(), bytes.size(), nullptr));
    machine.reset(sprintLoadMachine("s", nullptr));
    launch.size = sizeof(SprintLaunch);
    launch.query = query.data.data();
    launch.key = key.data.data();
    launch.value = value.data.data();
    std::ranges::copy(query.shape, launch.queryShape);
    std::ranges::copy(key.shape, launch.keyShape);
    std::ranges::copy(value.shape, launch.valueShape);
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

TEST_F(CApiTest, NamesThePrograms) {
  EXPECT_EQ(sprintVersion(), 1u);
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
  EXPECT_EQ(std::vector<float>(output, output + 32), expected.output);
  const int32_t *codes = sprintOutputCodes(result.get());
  EXPECT_EQ(std::vector<int32_t>(codes, codes + 32), expected.codes);
  int64_t maskShape[3];
  const uint8_t *masks = sprintMasks(result.get(), maskShape);
  EXPECT_EQ(std::vector<int64_t>(maskShape, maskShape + 3), (std::vector<int64_t>{2, 4, 6}));
  EXPECT_EQ(std::vector<uint8_t>(masks, masks + 48), expected.masks);
  size_t count = 0;
  EXPECT_EQ(sprintThresholds(result.get(), &count)[1], -2);
  EXPECT_EQ(count, 2u);
  EXPECT_EQ(nlohmann::json::parse(sprintStatistics(result.get()))["kept_scores"], expected.kept);
  EXPECT_TRUE(nlohmann::json::parse(sprintTrace(result.get())).contains("traceEvents"));
}

TEST_F(CApiTest, RecordsOnlyWhatIsAskedFor) {
  Result result = run();
  ASSERT_TRUE(result);
  int64_t shape[3];
  EXPECT_EQ(sprintMasks(result.get(), shape), nullptr);
  EXPECT_EQ(sprintTrace(result.get()), nullptr);
}

TEST_F(CApiTest, CalibratesToARate) {
  launch.thresholdPolicy = SPRINT_THRESHOLDS_PRUNE_RATE;
  launch.pruneRate = 0.5;
  Result result = run();
  ASSERT_TRUE(result);
  EXPECT_NEAR(nlohmann::json::parse(sprintStatistics(result.get()))["pruned_fraction"], 0.5, 0.1);
}

TEST_F(CApiTest, RefusesACache) {
  launch.cache = reinterpret_cast<SprintCache *>(&launch);
  expectRefused("expected no cache; this version has none");
}

TEST_F(CApiTest, RefusesAnotherVersionsLaunch) {
  launch.size = 8;
  expectRefused("expected a SprintLaunch of this version; is its size set?");
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
  launch.key = nullptr;
  expectRefused("program 'attention': the key has no data");
  Error error;
  EXPECT_EQ(sprintLaunch(nullptr, nullptr, nullptr, &error.text), nullptr);
  EXPECT_STREQ(error.text, "expected a stream, a machine and a launch, got null");
  // A caller need not want the message.
  EXPECT_EQ(sprintLoadStream(nullptr, nullptr), nullptr);
  EXPECT_EQ(sprintLoadMachine(nullptr, nullptr), nullptr);
  sprintDestroyResult(nullptr);
  sprintDestroyStream(nullptr);
  sprintDestroyMachine(nullptr);
}

TEST_F(CApiTest, NamesTheFileThatCannotBeRead) {
  Error error;
  EXPECT_EQ(sprintLoadStream("/nowhere/x.sprint", &error.text), nullptr);
  EXPECT_STREQ(error.text, "/nowhere/x.sprint: no such file");
}

} // namespace
