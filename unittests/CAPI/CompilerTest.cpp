//===- CompilerTest.cpp - The compiler from C -------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sprint-c/Compiler.h"

#include "gtest/gtest.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

template <auto destroy> struct Destroy {
  void operator()(auto *object) const { destroy(object); }
};
using Model = std::unique_ptr<SprintModel, Destroy<sprintDestroyModel>>;
using Schedule = std::unique_ptr<SprintSchedule, Destroy<sprintDestroySchedule>>;
using Executable = std::unique_ptr<SprintExecutable, Destroy<sprintDestroyExecutable>>;
using ModelRun = std::unique_ptr<SprintRun, Destroy<sprintDestroyRun>>;
using Stream = std::unique_ptr<SprintStream, Destroy<sprintDestroyStream>>;
using Machine = std::unique_ptr<SprintMachine, Destroy<sprintDestroyMachine>>;

/// Two heads of five queries and keys, and another result.
constexpr const char *kModel = R"mlir(
  func.func @main(%q: tensor<1x2x5x4xf32>, %k: tensor<1x2x5x4xf32>) -> (tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) {
    %0 = sprint.attention @layer ins(%q, %k, %k : tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>)
        outs(%q : tensor<1x2x5x4xf32>) scale(0.5) -> tensor<1x2x5x4xf32>
    return %0, %k : tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>
  }
)mlir";

/// Its attention does not fit the machine.
constexpr const char *kWideModel = R"mlir(
  func.func @main(%q: tensor<1x1x4x10000xf32>) -> tensor<1x1x4x10000xf32> {
    %0 = sprint.attention ins(%q, %q, %q : tensor<1x1x4x10000xf32>, tensor<1x1x4x10000xf32>, tensor<1x1x4x10000xf32>)
        outs(%q : tensor<1x1x4x10000xf32>) scale(0.5) -> tensor<1x1x4x10000xf32>
    return %0 : tensor<1x1x4x10000xf32>
  }
)mlir";

class CompilerTest : public ::testing::Test {
protected:
  Model parse(const char *text, const SprintModelOptions *options = nullptr) {
    return Model(sprintParseModel(text, std::strlen(text), "model.mlir", options, &error));
  }

  /// The message of the last failure.
  std::string takeError() {
    std::string message = error ? error : "";
    sprintDestroyString(error);
    error = nullptr;
    return message;
  }

  void SetUp() override {
    for (int index = 0; index < 40; ++index) {
      query[index] = static_cast<float>(index * 7 % 13) - 6;
      key[index] = static_cast<float>(index * 5 % 11) - 5;
    }
  }

  void TearDown() override { EXPECT_EQ(takeError(), ""); }

  float query[40], key[40];
  const int64_t shape[4] = {1, 2, 5, 4};
  const SprintModelTensor inputs[2] = {{SPRINT_TYPE_F32, 4, shape, query},
                                       {SPRINT_TYPE_F32, 4, shape, key}};
  char *error = nullptr;
};

int64_t keptScores(const SprintRun *run) {
  SprintStatistics statistics = {};
  statistics.size = sizeof(statistics);
  sprintGetStatistics(sprintRunLaunch(run, 0), &statistics);
  return statistics.keptScores;
}

TEST_F(CompilerTest, RunsAModel) {
  Model model = parse(kModel);
  ASSERT_TRUE(model) << takeError();
  Schedule schedule(sprintScheduleModel(model.get(), nullptr, &error));
  ASSERT_TRUE(schedule) << takeError();
  Executable executable(sprintCompileModel(schedule.get(), &error));
  ASSERT_TRUE(executable) << takeError();
  ModelRun run(sprintRunModel(executable.get(), inputs, 2, nullptr, &error));
  ASSERT_TRUE(run) << takeError();

  ASSERT_EQ(sprintNumOutputs(run.get()), 2u);
  SprintModelTensor output;
  ASSERT_TRUE(sprintRunOutput(run.get(), 1, &output));
  EXPECT_EQ(output.elementType, unsigned(SPRINT_TYPE_F32));
  EXPECT_EQ(std::vector<int64_t>(output.shape, output.shape + output.rank),
            (std::vector<int64_t>{1, 2, 5, 4}));
  EXPECT_EQ(std::memcmp(output.data, key, sizeof(key)), 0);
  EXPECT_FALSE(sprintRunOutput(run.get(), 2, &output));

  // The result of the launch is the model's, and that of the stream by itself.
  ASSERT_EQ(sprintNumLaunches(run.get()), 1u);
  EXPECT_EQ(sprintRunLaunch(run.get(), 1), nullptr);
  Stream stream(sprintEmitStream(schedule.get(), &error));
  Machine machine(sprintModelMachine(model.get(), &error));
  ASSERT_TRUE(stream && machine) << takeError();
  EXPECT_STREQ(sprintProgramName(stream.get(), 0), "layer");
  SprintLaunch launch = {};
  launch.size = sizeof(launch);
  const float *operands[] = {query, key, key};
  for (int index = 0; index < 3; ++index) {
    launch.inputs[index].data = operands[index];
    std::memcpy(launch.inputs[index].shape, shape, sizeof(shape));
  }
  std::unique_ptr<SprintResult, Destroy<sprintDestroyResult>> result(
      sprintLaunch(stream.get(), machine.get(), &launch, &error));
  ASSERT_TRUE(result) << takeError();
  int64_t outputShape[4];
  ASSERT_TRUE(sprintRunOutput(run.get(), 0, &output));
  EXPECT_EQ(std::memcmp(output.data, sprintOutput(result.get(), outputShape), sizeof(query)), 0);
}

TEST_F(CompilerTest, SetsThresholdsOfOneExecutable) {
  Model model = parse(kModel);
  Schedule schedule(sprintScheduleModel(model.get(), "resident", &error));
  ASSERT_TRUE(schedule) << takeError();
  Executable pruned(sprintCompileModel(schedule.get(), &error)),
      other(sprintCompileModel(schedule.get(), &error));
  ASSERT_TRUE(pruned && other) << takeError();
  const float threshold = 1.5f;
  ASSERT_TRUE(sprintSetThresholds(sprintExecutableStream(pruned.get()), 0, &threshold, 1, &error));
  ModelRun ofPruned(sprintRunModel(pruned.get(), inputs, 2, nullptr, &error)),
      ofOther(sprintRunModel(other.get(), inputs, 2, nullptr, &error));
  ASSERT_TRUE(ofPruned && ofOther) << takeError();
  EXPECT_LT(keptScores(ofPruned.get()), 50);
  EXPECT_EQ(keptScores(ofOther.get()), 50);
}

TEST_F(CompilerTest, CalibratesOnSeveralRuns) {
  Model model = parse(kModel);
  Schedule schedule(sprintScheduleModel(model.get(), nullptr, &error));
  Executable executable(sprintCompileModel(schedule.get(), &error));
  ASSERT_TRUE(executable) << takeError();
  const SprintModelTensor runs[] = {inputs[0], inputs[1], inputs[1], inputs[0]};
  ASSERT_TRUE(
      sprintCalibrateModel(executable.get(), runs, 2, 2, SPRINT_THRESHOLDS_PRUNE_RATE, 0.5, &error))
      << takeError();
  int64_t kept = 0;
  for (int index : {0, 2}) {
    ModelRun run(sprintRunModel(executable.get(), runs + index, 2, nullptr, &error));
    ASSERT_TRUE(run) << takeError();
    kept += keptScores(run.get());
  }
  // Of 100 scores; those that are equal are dropped together.
  EXPECT_NEAR(static_cast<double>(kept), 50, 6);
}

TEST_F(CompilerTest, PrintsEveryLevel) {
  Model model = parse(kModel);
  Schedule schedule(sprintScheduleModel(model.get(), "dense", &error));
  ASSERT_TRUE(schedule) << takeError();
  for (auto [level, op] : {std::pair("attention", "sprint.attention @layer"),
                           {"outlined", "sprint.attend"},
                           {"scheduled", "residency = pinned"},
                           {"tiled", "sprint.recompute"},
                           {"lowered", "sprint_isa."},
                           {"distributed", "sprint_isa.unit"},
                           {"stream", "sprint_isa.program @layer"}}) {
    char *text = sprintPrintLevel(schedule.get(), level, &error);
    ASSERT_TRUE(text) << takeError();
    EXPECT_NE(std::string(text).find(op), std::string::npos) << text;
    sprintDestroyString(text);
  }
  EXPECT_EQ(sprintPrintLevel(schedule.get(), "highest", &error), nullptr);
  EXPECT_EQ(takeError(), "expected the name of a level, got 'highest'");
}

TEST_F(CompilerTest, SaysWhatStaysOnTheHost) {
  Model model = parse(kWideModel);
  ASSERT_TRUE(model) << takeError();
  EXPECT_EQ(sprintNumHostAttentions(model.get()), 0u);
  ASSERT_TRUE(sprintCutModel(model.get(), &error)) << takeError();
  ASSERT_EQ(sprintNumHostAttentions(model.get()), 1u);
  EXPECT_STREQ(sprintHostAttentionLocation(model.get(), 0), "model.mlir:3:10");
  EXPECT_NE(std::string(sprintHostAttentionReason(model.get(), 0)).find("stays on the host"),
            std::string::npos);
  EXPECT_EQ(sprintHostAttentionReason(model.get(), 1), nullptr);
  Schedule schedule(sprintScheduleModel(model.get(), nullptr, &error));
  ASSERT_TRUE(schedule) << takeError();
  EXPECT_EQ(sprintEmitStream(schedule.get(), &error), nullptr);
  EXPECT_EQ(takeError(), "expected an attention for the machine, got none");
  // It runs all the same.
  Executable executable(sprintCompileModel(schedule.get(), &error));
  ASSERT_TRUE(executable) << takeError();
  EXPECT_EQ(sprintExecutableStream(executable.get()), nullptr);
}

TEST_F(CompilerTest, RefusesWhatIsWrong) {
  EXPECT_FALSE(parse("func.func @main(] {"));
  std::string message = takeError();
  EXPECT_EQ(message.find("model.mlir:1:17: error: "), 0u) << message;
  EXPECT_EQ(sprintLoadModel("no-such-file.mlir", nullptr, &error), nullptr);
  EXPECT_NE(takeError().find("no-such-file.mlir"), std::string::npos);
  SprintModelOptions options = {};
  options.size = sizeof(options);
  options.entry = "forward";
  EXPECT_FALSE(parse(kModel, &options));
  EXPECT_NE(takeError().find("expected a function 'forward' to run"), std::string::npos);
  options.entry = nullptr;
  for (size_t size : {size_t(3), sizeof(options) - 4, size_t(1) << 40}) {
    options.size = size;
    EXPECT_FALSE(parse(kModel, &options));
    EXPECT_EQ(takeError(), "expected a SprintModelOptions; is its size set?");
  }
  struct {
    SprintModelOptions options;
    const char *later;
  } ofLaterVersion = {{sizeof(ofLaterVersion), nullptr, nullptr}, nullptr};
  EXPECT_TRUE(parse(kModel, &ofLaterVersion.options)) << takeError();
  ofLaterVersion.later = "x";
  EXPECT_FALSE(parse(kModel, &ofLaterVersion.options));
  EXPECT_EQ(takeError(), "expected nothing in a SprintModelOptions beyond what this version of the "
                         "library knows");
  options.size = sizeof(options);
  options.arch = "xl";
  Model ofNoMachine = parse(kModel, &options);
  ASSERT_TRUE(ofNoMachine) << takeError();
  EXPECT_EQ(sprintScheduleModel(ofNoMachine.get(), nullptr, &error), nullptr);
  EXPECT_NE(takeError().find("xl"), std::string::npos);

  EXPECT_EQ(sprintScheduleModel(nullptr, nullptr, &error), nullptr);
  EXPECT_EQ(takeError(), "expected a model, got null");
  EXPECT_EQ(sprintCompileModel(nullptr, &error), nullptr);
  EXPECT_EQ(takeError(), "expected a schedule, got null");

  Model model = parse(kModel);
  Schedule schedule(sprintScheduleModel(model.get(), nullptr, &error));
  Executable executable(sprintCompileModel(schedule.get(), &error));
  ASSERT_TRUE(executable) << takeError();
  EXPECT_EQ(sprintRunModel(executable.get(), inputs, 1, nullptr, &error), nullptr);
  EXPECT_EQ(takeError(), "expected 2 inputs, got 1");
  EXPECT_EQ(sprintRunModel(executable.get(), nullptr, 2, nullptr, &error), nullptr);
  EXPECT_EQ(takeError(), "expected inputs, got null");
  const int64_t huge[] = {int64_t(1) << 40, int64_t(1) << 40}, negative[] = {-1, 2};
  for (SprintModelTensor wrong : {SprintModelTensor{SPRINT_TYPE_F32, 2, huge, query},
                                  {SPRINT_TYPE_F32, 2, negative, query},
                                  {99, 4, shape, query},
                                  {SPRINT_TYPE_F32, 4, nullptr, query},
                                  {SPRINT_TYPE_F32, 4, shape, nullptr}}) {
    const SprintModelTensor given[] = {wrong, inputs[1]};
    EXPECT_EQ(sprintRunModel(executable.get(), given, 2, nullptr, &error), nullptr);
    EXPECT_EQ(takeError().find("input 0: expected "), 0u);
  }
  SprintRunOptions run = {};
  run.size = sizeof(run);
  run.thresholdPolicy = SPRINT_THRESHOLDS_GIVEN;
  EXPECT_EQ(sprintRunModel(executable.get(), inputs, 2, &run, &error), nullptr);
  EXPECT_NE(takeError().find("expected a threshold policy that is not given"), std::string::npos);
  EXPECT_FALSE(
      sprintCalibrateModel(executable.get(), inputs, 2, 1, SPRINT_THRESHOLDS_PROGRAM, 0.5, &error));
  EXPECT_NE(takeError().find("SPRINT_THRESHOLDS_PRUNE_RATE"), std::string::npos);
  EXPECT_FALSE(sprintCalibrateModel(executable.get(), inputs, 2, 1, SPRINT_THRESHOLDS_PRUNE_RATE, 7,
                                    &error));
  EXPECT_NE(takeError(), "");
}

} // namespace
