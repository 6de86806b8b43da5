//===- LaunchTest.cpp - Launches of compiled code ---------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An attention on the simulator, launched by compiled code, against its integer steps on the host.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include "Sprint/Dialect/Sprint/Transforms/Passes.h"
#include "Sprint/Execution/Launch.h"
#include "Sprint/Target/CommandStream.h"

#include "mlir/ExecutionEngine/CRunnerUtils.h"
#include "llvm/Support/raw_ostream.h"

#include <limits>

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint::testing;

namespace {

constexpr StringRef kPlain = R"mlir(
  func.func @main(%q: tensor<1x2x?x4xf32>, %k: tensor<1x1x?x4xf32>) -> tensor<1x2x?x4xf32> {
    %0 = sprint.attention ins(%q, %k, %k : tensor<1x2x?x4xf32>, tensor<1x1x?x4xf32>, tensor<1x1x?x4xf32>)
        outs(%q : tensor<1x2x?x4xf32>) scale(0.5) -> tensor<1x2x?x4xf32>
    return %0 : tensor<1x2x?x4xf32>
  }
)mlir";

constexpr StringRef kMasked = R"mlir(
  func.func @main(%q: tensor<2x2x?x4xf32>, %k: tensor<2x1x?x4xf32>, %valid: tensor<2x?xi1>, %mask: tensor<1x1x?x?xi1>,
      %bias: tensor<1x2x1x?xf32>) -> tensor<2x2x?x4xf32> {
    %0 = sprint.attention ins(%q, %k, %k : tensor<2x2x?x4xf32>, tensor<2x1x?x4xf32>, tensor<2x1x?x4xf32>)
        key_valid(%valid : tensor<2x?xi1>) mask(%mask : tensor<1x1x?x?xi1>) bias(%bias : tensor<1x2x1x?xf32>)
        outs(%q : tensor<2x2x?x4xf32>) scale(0.5) empty_row(uniform) -> tensor<2x2x?x4xf32>
    return %0 : tensor<2x2x?x4xf32>
  }
)mlir";

/// Launches of tensors that the host computes, each of which several launches read. All are written
/// into one empty tensor, so that they differ in what they hold only.
constexpr StringRef kShared = R"mlir(
  func.func @main(%a: tensor<1x2x3x4xf32>, %b: tensor<1x2x3x4xf32>, %c: tensor<1x2x3x4xf32>)
      -> (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) {
    %e = tensor.empty() : tensor<1x2x3x4xf32>
    %x = linalg.negf ins(%a : tensor<1x2x3x4xf32>) outs(%e : tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
    %y = linalg.negf ins(%b : tensor<1x2x3x4xf32>) outs(%e : tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
    %0 = sprint.attention ins(%x, %y, %y : tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>)
        outs(%e : tensor<1x2x3x4xf32>) scale(0.5) -> tensor<1x2x3x4xf32>
    %z = linalg.negf ins(%c : tensor<1x2x3x4xf32>) outs(%e : tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
    %1 = sprint.attention ins(%z, %y, %y : tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>)
        outs(%e : tensor<1x2x3x4xf32>) scale(0.5) -> tensor<1x2x3x4xf32>
    %w = linalg.add ins(%a, %b : tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) outs(%e : tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
    %2 = sprint.attention ins(%w, %w, %z : tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>)
        outs(%e : tensor<1x2x3x4xf32>) scale(0.5) -> tensor<1x2x3x4xf32>
    %v = linalg.add ins(%b, %c : tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) outs(%e : tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
    %3 = sprint.attention ins(%w, %v, %y : tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>)
        outs(%e : tensor<1x2x3x4xf32>) scale(0.5) -> tensor<1x2x3x4xf32>
    return %0, %1, %2, %3 : tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>
  }
)mlir";

/// An attention compiled for the machine.
class LaunchTest : public ::testing::Test {
protected:
  /// Compiles `text`; as host code, the integer steps, and as a stream with the host code that
  /// launches it.
  void compile(StringRef text) {
    DialectRegistry registry;
    registry
        .insert<SprintDialect, func::FuncDialect, linalg::LinalgDialect, tensor::TensorDialect>();
    MLIRContext context(registry);
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module);
    auto print = [&] {
      std::string printed;
      llvm::raw_string_ostream(printed) << *module;
      return printed;
    };
    PassManager toTiles(&context);
    toTiles.addPass(createSprintAttachMachine());
    toTiles.addPass(createSprintOutlinePrograms());
    toTiles.addNestedPass<ProgramOp>(createSprintScheduleFetches());
    toTiles.addNestedPass<ProgramOp>(createSprintTileToCrossbar());
    ASSERT_TRUE(succeeded(toTiles.run(*module)));
    steps = std::make_unique<Compiled>(print());
    PassManager toCommands(&context);
    toCommands.addNestedPass<ProgramOp>(createConvertSprintToISA());
    toCommands.addNestedPass<ProgramOp>(createSprintDistributeUnits());
    toCommands.addPass(createSprintFinalizePrograms());
    ASSERT_TRUE(succeeded(toCommands.run(*module)));
    FailureOr<::sprint::CommandStream> programs = sprint_isa::translateToCommandStream(*module);
    ASSERT_TRUE(succeeded(programs));
    stream = std::move(*programs);
    std::string error;
    machine = ::sprint::loadMachine("s", error);
    ASSERT_TRUE(machine) << error;
    PassManager toCalls(&context);
    toCalls.addPass(createConvertSprintLaunchToCall());
    ASSERT_TRUE(succeeded(toCalls.run(*module)));
    host = std::make_unique<Compiled>(print(), LaunchContext::getSymbols());
  }

  ::sprint::CommandStream stream;
  std::optional<::sprint::Machine> machine;
  std::unique_ptr<Compiled> steps, host;

  // Operands of kMasked: no key is valid in the second batch element.
  Tensor<float> query{{2, 2, 3, 4}, {}}, key{{2, 1, 3, 4}, {}}, bias{{1, 2, 1, 3}, {}};
  const std::vector<int64_t> validShape = {2, 3}, maskShape = {1, 1, 3, 3};
  const std::vector<uint8_t> valid = {1, 1, 0, 0, 0, 0}, mask = {1, 0, 1, 0, 0, 0, 1, 1, 1};

  void SetUp() override {
    for (int index = 0; index < 48; ++index)
      query.elements.push_back(static_cast<float>(index * 7 % 13) - 6);
    for (int index = 0; index < 24; ++index)
      key.elements.push_back(static_cast<float>(index * 5 % 11) - 5);
    bias.elements = {0.5f, -1.0f, 2.0f, 0.0f, -std::numeric_limits<float>::infinity(), 1.0f};
  }

  std::vector<TensorRef> maskedInputs() const {
    return {query.ref(), key.ref(), TensorRef{ElementType::I1, validShape, valid.data()},
            TensorRef{ElementType::I1, maskShape, mask.data()}, bias.ref()};
  }
};

TEST_F(LaunchTest, AgreesWithTheSteps) {
  ASSERT_NO_FATAL_FAILURE(compile(kMasked));
  LaunchContext launches(stream, *machine);
  LaunchContext::Scope scope(launches);
  std::vector<HostTensor> expected = steps->run(maskedInputs()), actual = host->run(maskedInputs());
  ASSERT_EQ(expected.size(), 1u);
  ASSERT_EQ(actual.size(), 1u);
  EXPECT_EQ(actual[0].shape, (SmallVector<int64_t>{2, 2, 3, 4}));
  EXPECT_EQ(elementsOf<float>(actual[0]), elementsOf<float>(expected[0]));
  ASSERT_EQ(launches.getLaunches().size(), 1u);
  EXPECT_EQ(launches.getLaunches()[0].program, 0u);
  // What the host makes of rows without a key comes later.
  EXPECT_EQ(launches.getLaunches()[0].result.shape, (std::array<int64_t, 4>{2, 2, 3, 4}));
}

TEST_F(LaunchTest, LeavesWhatLaterLaunchesRead) {
  ASSERT_NO_FATAL_FAILURE(compile(kShared));
  LaunchContext launches(stream, *machine);
  LaunchContext::Scope scope(launches);
  auto elements = query.elements.begin();
  Tensor<float> first{{1, 2, 3, 4}, {elements, elements + 24}};
  Tensor<float> second{{1, 2, 3, 4}, {elements + 24, elements + 48}};
  Tensor<float> third{{1, 2, 3, 4}, {elements + 12, elements + 36}};
  std::vector<TensorRef> inputs = {first.ref(), second.ref(), third.ref()};
  std::vector<HostTensor> expected = steps->run(inputs), actual = host->run(inputs);
  ASSERT_EQ(expected.size(), 4u);
  ASSERT_EQ(actual.size(), 4u);
  for (auto [index, result] : llvm::enumerate(actual))
    EXPECT_EQ(elementsOf<float>(result), elementsOf<float>(expected[index])) << "result " << index;
}

TEST_F(LaunchTest, AsksForThresholds) {
  ASSERT_NO_FATAL_FAILURE(compile(kMasked));
  const std::vector<float> thresholds = {0.25f, 1.5f};
  LaunchContext launches(stream, *machine, [&](size_t program, ::sprint::LaunchOptions &options) {
    EXPECT_EQ(program, 0u);
    options.thresholds = {::sprint::ThresholdPolicy::Kind::Given, thresholds, 0};
    options.masks = true;
  });
  LaunchContext::Scope scope(launches);
  ASSERT_EQ(host->run(maskedInputs()).size(), 1u);
  std::vector<CompletedLaunch> taken = launches.takeLaunches();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].result.thresholds, thresholds);
  EXPECT_FALSE(taken[0].result.masks.empty());
}

TEST_F(LaunchTest, EndsTheRunWithTheRuntimesMessage) {
  ASSERT_NO_FATAL_FAILURE(compile(kMasked));
  EXPECT_NE(host->runToError(maskedInputs()).find("expected a context for launches, got none"),
            std::string::npos);
  LaunchContext launches(stream, *machine);
  LaunchContext::Scope scope(launches);
  bias.elements[0] = std::numeric_limits<float>::quiet_NaN();
  std::string error = host->runToError(maskedInputs());
  EXPECT_NE(error.find("program 'attention'"), std::string::npos) << error;
  EXPECT_NE(error.find("in the bias, got NaN"), std::string::npos) << error;
  EXPECT_TRUE(launches.getLaunches().empty());
}

TEST_F(LaunchTest, TakesOperandsInAnyLayout) {
  ASSERT_NO_FATAL_FAILURE(compile(kPlain));
  LaunchContext launches(stream, *machine);
  LaunchContext::Scope scope(launches);
  // One batch element of two heads, three queries and four channels, stored with heads innermost.
  Tensor<float> rowMajor{{1, 2, 3, 4}, {query.elements.begin(), query.elements.begin() + 24}};
  Tensor<float> keys{{1, 1, 3, 4}, {key.elements.begin(), key.elements.begin() + 12}};
  std::vector<float> transposed(24), output(24);
  for (int64_t head = 0; head < 2; ++head)
    for (int64_t element = 0; element < 12; ++element)
      transposed[element * 2 + head] = rowMajor.elements[head * 12 + element];

  auto ranked = [](float *data, std::array<int64_t, 4> sizes, std::array<int64_t, 4> strides) {
    StridedMemRefType<float, 4> memref = {data, data, 0, {}, {}};
    llvm::copy(sizes, memref.sizes);
    llvm::copy(strides, memref.strides);
    return memref;
  };
  StridedMemRefType<float, 4> queryMemRef = ranked(transposed.data(), {1, 2, 3, 4}, {24, 1, 8, 2}),
                              keyMemRef =
                                  ranked(keys.elements.data(), {1, 1, 3, 4}, {12, 12, 4, 1}),
                              outputMemRef = ranked(output.data(), {1, 2, 3, 4}, {24, 12, 4, 1});
  StridedMemRefType<float, 0> none = {};
  ::UnrankedMemRefType<float> queryOperand = {4, &queryMemRef}, keyOperand = {4, &keyMemRef},
                              outputOperand = {4, &outputMemRef}, absent = {0, &none};
  // The program, an operand for each input, the output.
  static_assert(::sprint::launchInputs.size() == 8);
  using Launch =
      void (*)(int64_t, void *, void *, void *, void *, void *, void *, void *, void *, void *);
  auto launch = reinterpret_cast<Launch>(LaunchContext::getSymbols()[0].address);
  launch(0, &queryOperand, &keyOperand, &keyOperand, &absent, &absent, &absent, &absent, &absent,
         &outputOperand);

  std::vector<HostTensor> expected = steps->run({rowMajor.ref(), keys.ref()});
  ASSERT_EQ(expected.size(), 1u);
  EXPECT_EQ(output, elementsOf<float>(expected[0]));
}

} // namespace
