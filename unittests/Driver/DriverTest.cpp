//===- DriverTest.cpp - Models compiled and run -----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Driver/Diagnostics.h"
#include "Sprint/Driver/Runs.h"

#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "gtest/gtest.h"

#include <cstring>
#include <limits>
#include <thread>

using namespace mlir;
using namespace mlir::sprint;

namespace {

/// Two heads of five queries and keys; %THRESHOLDS stands for nothing, or for thresholds.
constexpr StringRef kAttention = R"mlir(
  func.func @main(%q: tensor<1x2x5x4xf32>, %k: tensor<1x2x5x4xf32>) -> tensor<1x2x5x4xf32> {
    %0 = sprint.attention ins(%q, %k, %k : tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>)
        outs(%q : tensor<1x2x5x4xf32>) scale(0.5) %THRESHOLDS -> tensor<1x2x5x4xf32>
    return %0 : tensor<1x2x5x4xf32>
  }
)mlir";

std::string attention(StringRef thresholds = "") {
  std::string text = kAttention.str();
  constexpr StringRef kPlace = "%THRESHOLDS";
  return text.replace(text.find(kPlace), kPlace.size(), thresholds.str());
}

HostTensor makeTensor(ArrayRef<float> elements) {
  HostTensor tensor{ElementType::F32, {1, 2, 5, 4}, {}};
  tensor.data.resize(elements.size() * sizeof(float));
  std::memcpy(tensor.data.data(), elements.data(), tensor.data.size());
  return tensor;
}

/// One run's inputs.
ModelInputs makeInputs() {
  std::vector<float> query, key;
  for (int index = 0; index < 40; ++index) {
    query.push_back(static_cast<float>(index * 7 % 13) - 6);
    key.push_back(static_cast<float>(index * 5 % 11) - 5);
  }
  ModelInputs inputs(1);
  inputs[0].push_back(makeTensor(query));
  inputs[0].push_back(makeTensor(key));
  return inputs;
}

/// A model and its context, in which nothing is printed.
struct Compilation {
  explicit Compilation(const std::string &text, ConfigurePasses configure = {})
      : context(createModelContext()) {
    context->getDiagEngine().registerHandler([](Diagnostic &) { return success(); });
    auto sources = std::make_shared<llvm::SourceMgr>();
    sources->AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, "model.mlir"),
                                llvm::SMLoc());
    model.emplace(Model::parse(sources, *context, /*entry=*/"", /*arch=*/"s", configure));
  }

  Model &get() { return **model; }

  std::unique_ptr<MLIRContext> context;
  std::optional<llvm::Expected<Model>> model;
};

std::string print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream(text) << module;
  return text;
}

/// The elements of the only output of the only run, and the launch's statistics.
struct Outcome {
  std::vector<float> output;
  double cycles = 0;
  int64_t kept = 0;

  bool operator==(const Outcome &) const = default;
};

Outcome runOnce(const CompiledModel &compiled) {
  llvm::Expected<DeviceRuns> runs = runOnDevice(compiled, makeInputs(), {});
  if (!runs) {
    ADD_FAILURE() << llvm::toString(runs.takeError());
    return {};
  }
  const ::sprint::Statistics &statistics = runs->reports.at(0).statistics;
  return {runs->outputs.at(0).at(0).getElements<float>().vec(), statistics.cycles,
          statistics.keptScores};
}

/// Compiles and runs `text`.
Outcome compileAndRun(const std::string &text) {
  Compilation compilation(text);
  llvm::Expected<ScheduledModel> scheduled = compilation.get().schedule("paper");
  EXPECT_TRUE(bool(scheduled));
  llvm::Expected<CompiledModel> compiled = scheduled->compile();
  EXPECT_TRUE(bool(compiled));
  return runOnce(*compiled);
}

TEST(DriverTest, ErrorsAreLocatedDiagnostics) {
  Compilation broken("\n  func.func @main() {\n    %0 = arith.bogus\n  }\n");
  llvm::Error error = broken.model->takeError();
  bool isCompileError = false;
  llvm::handleAllErrors(std::move(error), [&](const CompileError &failure) {
    isCompileError = true;
    ASSERT_FALSE(failure.getDiagnostics().empty());
    const CompilerDiagnostic &diagnostic = failure.getDiagnostics().front();
    EXPECT_EQ(diagnostic.severity, DiagnosticSeverity::Error);
    EXPECT_EQ(diagnostic.location, "model.mlir:3:10");
    EXPECT_NE(diagnostic.message.find("arith.bogus"), std::string::npos) << diagnostic.message;
    EXPECT_EQ(failure.message().find("model.mlir:3:10: error: "), 0u) << failure.message();
  });
  EXPECT_TRUE(isCompileError);
}

TEST(DriverTest, UnknownScheduleIsAnError) {
  Compilation compilation(attention());
  llvm::Expected<ScheduledModel> scheduled = compilation.get().schedule("best");
  ASSERT_FALSE(scheduled);
  EXPECT_NE(llvm::toString(scheduled.takeError()).find("unknown schedule 'best'"),
            std::string::npos);
}

TEST(DriverTest, SetsThresholdsWithoutCompilingAgain) {
  Compilation compilation(attention());
  llvm::Expected<ScheduledModel> scheduled = compilation.get().schedule("paper");
  ASSERT_TRUE(bool(scheduled));
  llvm::Expected<CompiledModel> compiled = scheduled->compile();
  ASSERT_TRUE(bool(compiled));
  std::shared_ptr<const ::sprint::CommandStream> stream = compiled->stream;
  Outcome all = runOnce(*compiled);
  EXPECT_EQ(all.kept, 50);

  // What a compilation of a model with these thresholds gives.
  for (auto [text, row] : {std::pair<StringRef, std::vector<float>>("thresholds([1.5])", {1.5f}),
                           {"thresholds([-2.0, 3.0])", {-2.0f, 3.0f}}}) {
    Compilation expected(attention(text));
    llvm::Expected<ScheduledModel> other = expected.get().schedule("paper");
    ASSERT_TRUE(bool(other));
    llvm::Expected<std::shared_ptr<const ::sprint::CommandStream>> otherStream = other->emit();
    ASSERT_TRUE(bool(otherStream));

    ModelThresholds thresholds = {row};
    ASSERT_FALSE(bool(scheduled->setThresholds(thresholds)));
    EXPECT_EQ(scheduled->getStream(), stream);
    EXPECT_EQ(::sprint::serialize(*stream), ::sprint::serialize(**otherStream));
    for (const LevelInfo &info : getLevels())
      EXPECT_EQ(print(scheduled->getModule(info.level)), print(other->getModule(info.level)))
          << info.name.str();
    Outcome outcome = runOnce(*compiled);
    EXPECT_LT(outcome.kept, all.kept);
    EXPECT_EQ(outcome, compileAndRun(attention(text)));
  }
}

TEST(DriverTest, RefusesThresholdsOfOtherHeads) {
  Compilation compilation(attention());
  llvm::Expected<ScheduledModel> scheduled = compilation.get().schedule("paper");
  ASSERT_TRUE(bool(scheduled));
  for (const ModelThresholds &wrong :
       {ModelThresholds(), ModelThresholds{{1, 2, 3}},
        ModelThresholds{{std::numeric_limits<float>::quiet_NaN()}}}) {
    llvm::Error error = scheduled->setThresholds(wrong);
    EXPECT_TRUE(bool(error));
    llvm::consumeError(std::move(error));
  }
}

/// Counts how often each pass runs.
struct PassCounter : PassInstrumentation {
  explicit PassCounter(llvm::StringMap<int> &counts) : counts(counts) {}
  void runBeforePass(Pass *pass, Operation *) override { ++counts[pass->getArgument()]; }

  llvm::StringMap<int> &counts;
};

TEST(DriverTest, GoesDownOnceForEachProgram) {
  llvm::StringMap<int> counts;
  Compilation compilation(attention(), [&](PassManager &passes) {
    passes.addInstrumentation(std::make_unique<PassCounter>(counts));
    return success();
  });
  RunRequest request;
  request.launches.thresholds = {::sprint::ThresholdPolicy::Kind::PruneRate, {}, 0.5};
  request.baseline = true;
  request.keepsLevels = true;
  llvm::Expected<RunResult> result = runModel(compilation.get(), request, makeInputs());
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  EXPECT_EQ(result->reports.size(), 1u);
  ASSERT_TRUE(result->baseline);
  EXPECT_EQ(result->baseline->at(0).statistics.keptScores, 50);
  EXPECT_EQ(result->reports[0].statistics.keptScores, 25);
  for (StringRef once : {"convert-linalg-to-sprint", "sprint-attach-machine",
                         "sprint-outline-programs", "convert-sprint-launch-to-call"})
    EXPECT_EQ(counts[once], 1) << once.str();
  for (StringRef twice : {"sprint-schedule-fetches", "sprint-tile-to-crossbar",
                          "convert-sprint-to-isa", "sprint-distribute-units"})
    EXPECT_EQ(counts[twice], 2) << twice.str();
  // Every level is there, with the thresholds that were used.
  for (const LevelInfo &info : getLevels())
    EXPECT_NE(print(result->scheduled->getModule(info.level)).find("thresholds(["),
              std::string::npos)
        << info.name.str();
}

TEST(DriverTest, SaysWhatStaysOnTheHost) {
  Compilation compilation(R"mlir(
  func.func @main(%q: tensor<1x1x4x10000xf32>) -> tensor<1x1x4x10000xf32> {
    %0 = sprint.attention @wide ins(%q, %q, %q : tensor<1x1x4x10000xf32>, tensor<1x1x4x10000xf32>, tensor<1x1x4x10000xf32>)
        outs(%q : tensor<1x1x4x10000xf32>) scale(0.5) -> tensor<1x1x4x10000xf32>
    return %0 : tensor<1x1x4x10000xf32>
  }
)mlir");
  EXPECT_TRUE(compilation.get().getHostAttentions().empty());
  ASSERT_FALSE(bool(compilation.get().cut()));
  std::vector<::sprint::HostReport> host = compilation.get().getHostAttentions();
  ASSERT_EQ(host.size(), 1u);
  EXPECT_EQ(host[0].location, "model.mlir:3:10");
  EXPECT_EQ(host[0].reason.find("attention stays on the host: expected a key to fit"), 0u)
      << host[0].reason;
  EXPECT_TRUE(compilation.get().getPrograms().empty());
}

TEST(DriverTest, CompilesInSeveralThreadsAtOnce) {
  const std::string text = attention("thresholds([0.5])");
  const Outcome expected = compileAndRun(text);
  constexpr int kThreads = 4;
  std::vector<Outcome> outcomes(kThreads);
  std::vector<std::thread> threads;
  for (Outcome &outcome : outcomes)
    threads.emplace_back([&text, &outcome] { outcome = compileAndRun(text); });
  for (std::thread &thread : threads)
    thread.join();
  for (const Outcome &outcome : outcomes)
    EXPECT_EQ(outcome, expected);
}

} // namespace
