//===- VersionTest.cpp - Versions of the format ---------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// There is one version yet, so these tests have tables in which some records came later.
//
//===----------------------------------------------------------------------===//

#include "FormatVersions.h"
#include "TestPrograms.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace sprint;
using namespace sprint::test;

namespace {

class VersionTest : public testing::Test {
protected:
  VersionTest() {
    std::ranges::copy(commandInfos, std::back_inserter(commands));
    std::ranges::copy(enumerantInfos, std::back_inserter(enumerants));
    std::ranges::copy(launchInputs, std::back_inserter(inputs));
    std::ranges::copy(launchParameters, std::back_inserter(parameters));
    table = {kFormatVersion + 1, commands, enumerants, inputs, parameters};
  }

  CommandInfo &command(std::string_view mnemonic) {
    return *std::ranges::find(commands, mnemonic, &CommandInfo::mnemonic);
  }

  static CommandStream stream(std::vector<MemoryRegion> inputs = {}) {
    return {{attentionProgram(builtinMachine("s"), {.inputs = std::move(inputs)})}};
  }

  /// Expects that `stream` needs `version`, because of what `reason` begins with, is read back from
  /// its own version, and is refused as any other.
  void expectVersion(const CommandStream &stream, uint32_t version, const std::string &reason) {
    NeededVersion needed = versionOf(stream, table);
    EXPECT_EQ(needed.version, version);
    EXPECT_EQ(needed.reason.substr(0, reason.size()), reason);
    std::vector<uint8_t> bytes = serialize(stream, table);
    std::string error;
    EXPECT_EQ(parse(bytes, table, error), stream) << error;
  }

  std::string refusal(const std::vector<uint8_t> &bytes) {
    std::string error;
    EXPECT_FALSE(parse(bytes, table, error));
    return error;
  }

  std::vector<CommandInfo> commands;
  std::vector<EnumerantInfo> enumerants;
  std::vector<LaunchTensor> inputs;
  std::vector<LaunchParameterInfo> parameters;
  FormatTable table;
};

TEST_F(VersionTest, RecordsOfToday) {
  EXPECT_EQ(
      versionOf(stream({MemoryRegion::KeyValid, MemoryRegion::Mask, MemoryRegion::Bias})).version,
      1u);
  EXPECT_EQ(versionOf(stream({MemoryRegion::QuerySegments, MemoryRegion::KeySegments})).version,
            2u);
  CommandStream cached = {{attentionProgram(builtinMachine("s"), {.isCached = true})}};
  EXPECT_EQ(versionOf(cached).version, 3u);
  EXPECT_EQ(kFormatVersion, 3u);
}

TEST_F(VersionTest, CommandThatCameLater) {
  command("load_mask").since = 2;
  expectVersion(stream(), 1, "");
  expectVersion(stream({MemoryRegion::Mask}), 2,
                "'load_mask' of unit 'select' of program 'attention'");
}

TEST_F(VersionTest, FieldThatCameLater) {
  std::vector<CommandField> fields(command("write").fields.begin(), command("write").fields.end());
  command("write").fields = fields;
  for (CommandField &field : fields)
    if (field.name == "region")
      field.since = 3;
  // The query's region is 0, as the bits of what an older version does not have.
  CommandStream only = {{Program()}};
  Program &program = only.programs.front();
  program.name = "p";
  program.machine = "s";
  program.structure = "0123456789abcdef";
  program.parameters.fill(1);
  program.parameters[static_cast<size_t>(LaunchParameter::Past)] = Program::kDynamic;
  program.expressions = {{ExprNode::Kind::Constant, 0, 0, 0}};
  program.units = {{MachineUnit::Write, {encode(WriteCommand{})}}};
  expectVersion(only, 1, "");
  program.units[0].words.push_back(encode(WriteCommand{MemoryRegion::Key}));
  expectVersion(only, 3, "the operand 'region' of 'write' of unit 'write' of program 'p'");
}

TEST_F(VersionTest, EnumerantThatCameLater) {
  for (EnumerantInfo &enumerant : enumerants)
    if (enumerant.enumeration == "MemoryRegion" && enumerant.name == "bias")
      enumerant.since = 2;
  expectVersion(stream({MemoryRegion::Mask}), 1, "");
  expectVersion(stream({MemoryRegion::Bias}), 2, "'bias' of 'write' of unit 'write'");
}

TEST_F(VersionTest, UnitThatCameLater) {
  for (EnumerantInfo &enumerant : enumerants)
    if (enumerant.enumeration == "MachineUnit" && enumerant.name == "softmax")
      enumerant.since = 2;
  expectVersion(stream(), 2, "'softmax' of program 'attention'");
}

TEST_F(VersionTest, InputThatCameLater) {
  inputs[static_cast<size_t>(MemoryRegion::Bias)].since = 2;
  expectVersion(stream({MemoryRegion::Mask}), 1, "");
  expectVersion(stream({MemoryRegion::Bias}), 2, "the input 'bias' of program 'attention'");
}

TEST_F(VersionTest, ParameterThatCameLater) {
  CommandStream given = stream();
  Program &program = given.programs.front();
  parameters.back().since = 2;
  program.parameters.back() = Program::kDynamic;
  ASSERT_TRUE(std::ranges::none_of(program.expressions, [](const ExprNode &node) {
    return node.kind == ExprNode::Kind::Parameter &&
           node.value == static_cast<int64_t>(kNumLaunchParameters) - 1;
  }));
  expectVersion(given, 1, "");
  size_t size = serialize(given, table).size();
  program.parameters.back() = 1;
  expectVersion(given, 2, "the launch parameter 'past' of program 'attention'");
  EXPECT_EQ(serialize(given, table).size(), size + sizeof(int64_t));
  program.parameters.back() = Program::kDynamic;
  program.expressions.push_back(
      {ExprNode::Kind::Parameter, 0, 0, static_cast<int64_t>(kNumLaunchParameters) - 1});
  expectVersion(given, 2, "the launch parameter 'past' of program 'attention'");
}

TEST_F(VersionTest, StreamThatUsesWhatItsVersionDoesNotHave) {
  std::vector<uint8_t> bytes = serialize(stream({MemoryRegion::Mask}), table);
  command("load_mask").since = 2;
  EXPECT_EQ(refusal(bytes), "expected version 2, the first with 'load_mask' of unit 'select' of "
                            "program 'attention', got a command stream of version 1");
}

TEST_F(VersionTest, StreamOfALargerVersionThanItNeeds) {
  command("load_mask").since = 2;
  std::vector<uint8_t> bytes = serialize(stream({MemoryRegion::Mask}), table);
  command("load_mask").since = 1;
  EXPECT_EQ(refusal(bytes),
            "expected version 1, the smallest that holds the programs, got a command "
            "stream of version 2");
}

TEST_F(VersionTest, StreamOfAVersionThatIsNot) {
  command("load_mask").since = kFormatVersion + 2;
  EXPECT_EQ(refusal(serialize(stream({MemoryRegion::Mask}), table)),
            "expected a command stream of version 1 to 4, got version 5");
}

} // namespace
