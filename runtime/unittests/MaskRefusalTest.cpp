//===- MaskRefusalTest.cpp - Masks, biases and key heads gone wrong -------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"
#include "SprintRuntime/Simulator.h"
#include "TestPrograms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

using namespace sprint;
using namespace sprint::test;

namespace {

/// A launch of two heads that share a key head, with all inputs, for tests to spoil.
class MaskRefusalTest : public testing::Test {
protected:
  Machine machine = builtinMachine("s");
  Tensor query{{2, 2, 3, 8}, 1};
  Tensor key{{2, 1, 6, 8}, 2};
  TestInputs inputs = {Mask({2, 1, 1, 6}, 1, 16), Mask({2, 1, 3, 6}, 1, 16),
                       Tensor({1, 2, 3, 6}, 1)};
  AttentionOptions attention = {.isGrouped = true, .inputs = inputs.regions()};
  Program program = attentionProgram(machine, attention);

  /// The simulator itself says so, and a launch is refused, by the checks or by the simulator.
  void expectRefused(const std::string &part) {
    std::string error;
    LaunchOperands operands = operandsOf(query, key, key, inputs);
    EXPECT_FALSE(launchUnchecked(program, machine, operands, {}, error));
    EXPECT_NE(error.find(part), std::string::npos) << error;
    EXPECT_EQ(std::ranges::count(error, '\n'), 0);
    EXPECT_FALSE(launch(program, machine, operands, {}, error));
  }

  /// The program for other options, with the same inputs.
  void rebuild(const AttentionOptions &options) { program = attentionProgram(machine, options); }

  std::vector<CommandWord> &wordsOf(MachineUnit unit) {
    return std::ranges::find(program.units, unit, &UnitProgram::unit)->words;
  }

  /// Changes the n-th command of a kind on a unit.
  template <typename CommandType, typename Edit>
  void change(MachineUnit unit, int n, const Edit &edit) {
    for (CommandWord &word : wordsOf(unit)) {
      if (checkedInfo(word)->opcode != CommandType::opcode || n-- > 0)
        continue;
      CommandType command = std::get<CommandType>(*decode(word));
      edit(command);
      word = encode(command);
      return;
    }
    ADD_FAILURE() << "no such command";
  }

  void remove(MachineUnit unit, Opcode opcode, int n) {
    std::vector<CommandWord> &words = wordsOf(unit);
    for (auto word = words.begin(); word != words.end(); ++word) {
      if (checkedInfo(*word)->opcode != opcode || n-- > 0)
        continue;
      words.erase(word);
      return;
    }
    ADD_FAILURE() << "no such command";
  }

  ExprIndex addConstant(int64_t constant) {
    program.expressions.push_back({ExprNode::Kind::Constant, 0, 0, constant});
    return static_cast<ExprIndex>(program.expressions.size() - 1);
  }
};

TEST_F(MaskRefusalTest, NothingWhereNothingIsSpoilt) {
  std::string error;
  EXPECT_TRUE(launch(program, machine, operandsOf(query, key, key, inputs), {}, error)) << error;
}

TEST_F(MaskRefusalTest, InputThatIsMissing) {
  inputs.mask.reset();
  expectRefused("expected a mask tensor, got none");
}

TEST_F(MaskRefusalTest, InputThatTheProgramDoesNotTake) {
  program.inputs.pop_back();
  expectRefused("expected no bias tensor, got one");
}

TEST_F(MaskRefusalTest, KeyValidOfAnotherShape) {
  inputs.keyValid = Mask({1, 1, 1, 6}, 1);
  expectRefused("expected dimension 0 (B) of the key_valid to be 2, got 1");
}

TEST_F(MaskRefusalTest, MaskOfAnotherShape) {
  inputs.mask = Mask({2, 2, 2, 6}, 1);
  expectRefused("expected dimension 2 (Sq) of the mask to be 1 or 3, got 2");
}

TEST_F(MaskRefusalTest, BiasOfAnotherShape) {
  inputs.bias = Tensor({1, 2, 3, 1}, 1);
  expectRefused("expected dimension 3 (Sk) of the bias to be 6, got 1");
}

TEST_F(MaskRefusalTest, BytesThatAreNoBooleans) {
  inputs.mask->data[35] = 2;
  expectRefused("expected bytes of 0 or 1 in the mask, got others");
  inputs.mask->data[35] = 1;
  inputs.keyValid->data[0] = 255;
  expectRefused("expected bytes of 0 or 1 in the key_valid, got others");
}

TEST_F(MaskRefusalTest, BiasesThatAreNoNumbers) {
  inputs.bias->data[20] = std::numeric_limits<float>::infinity();
  expectRefused("expected finite numbers or minus infinity in the bias, got NaN or plus infinity");
  inputs.bias->data[20] = std::numeric_limits<float>::quiet_NaN();
  expectRefused("expected finite numbers or minus infinity in the bias, got NaN or plus infinity");
}

TEST_F(MaskRefusalTest, CommandsOnWhatTheLaunchDoesNotBring) {
  for (const auto &[region, load] :
       {std::pair{MemoryRegion::Mask, Opcode::LoadMask}, {MemoryRegion::Bias, Opcode::LoadBias}}) {
    inputs = {Mask({2, 1, 1, 6}, 1, 16), std::nullopt, std::nullopt};
    rebuild({.isGrouped = true, .inputs = {MemoryRegion::KeyValid, region}});
    program.inputs = {MemoryRegion::KeyValid};
    std::string expected =
        "expected a tensor that the program takes, got " + std::string(toString(region));
    expectRefused("unit 'write', word 8 (write), i0 = 0, i1 = 0, i2 = 0: " + expected);
    remove(MachineUnit::Write, Opcode::Write, 4);
    expectRefused("(" + std::string(findCommand(static_cast<uint64_t>(load))->mnemonic) +
                  "), i0 = 0, i1 = 0, i2 = 0, i3 = 0: " + expected);
  }
}

TEST_F(MaskRefusalTest, CodesThatAreLoadedAsAMask) {
  for (MemoryRegion region :
       {MemoryRegion::Query, MemoryRegion::Key, MemoryRegion::Value, MemoryRegion::Bias}) {
    change<LoadMaskCommand>(MachineUnit::Select, 0,
                            [&](LoadMaskCommand &command) { command.region = region; });
    expectRefused("expected to load key_valid or mask, got " + std::string(toString(region)));
  }
}

TEST_F(MaskRefusalTest, MasksThatAreFetched) {
  change<FetchCommand>(MachineUnit::KeyFetch, 0,
                       [](FetchCommand &command) { command.region = MemoryRegion::Mask; });
  expectRefused("expected this unit to fetch the key, got the mask");
}

TEST_F(MaskRefusalTest, InputsThatAreNeverWritten) {
  for (const auto &[index, what] :
       {std::pair{3, "key_valid bits"}, {4, "mask bits"}, {5, "bias codes"}}) {
    rebuild(attention);
    remove(MachineUnit::Write, Opcode::Write, index);
    expectRefused("reads the " + std::string(what) + " of batch 0, head 0, which are not in ReRAM");
  }
}

TEST_F(MaskRefusalTest, InputsWrittenTwice) {
  for (const auto &[index, what] :
       {std::pair{3, "key_valid bits"}, {4, "mask bits"}, {5, "bias codes"}}) {
    rebuild(attention);
    // The writes stand one behind the other but for the loop of the group.
    std::vector<CommandWord> &words = wordsOf(MachineUnit::Write);
    auto write = words.begin() + 4 + index;
    words.insert(write, *write);
    expectRefused("writes the " + std::string(what) + " of batch 0, head 0 twice");
  }
}

TEST_F(MaskRefusalTest, KeyHeadOutOfRange) {
  ExprIndex one = addConstant(1);
  change<WriteCommand>(MachineUnit::Write, 0, [&](WriteCommand &command) { command.head = one; });
  expectRefused("expected a key head below 1, got 1");
}

TEST_F(MaskRefusalTest, RowOutOfRange) {
  ExprIndex three = addConstant(3);
  change<LoadBiasCommand>(MachineUnit::Select, 0,
                          [&](LoadBiasCommand &command) { command.query = three; });
  expectRefused("expected a query below 3, got 3");
}

TEST_F(MaskRefusalTest, InputsThatAreNotLoaded) {
  remove(MachineUnit::Select, Opcode::LoadMask, 0);
  expectRefused("(threshold), i0 = 0, i1 = 0, i2 = 0, i3 = 0: expected the key_valid bits of batch "
                "0, head 0, query 0 to be loaded, got none");
  rebuild(attention);
  remove(MachineUnit::Select, Opcode::LoadBias, 0);
  expectRefused("expected the bias codes of batch 0, head 0, query 0 to be loaded, got none");
}

TEST_F(MaskRefusalTest, RowsOfAnotherQuery) {
  ExprIndex zero = addConstant(0);
  change<LoadMaskCommand>(MachineUnit::Select, 1,
                          [&](LoadMaskCommand &command) { command.query = zero; });
  expectRefused("expected the mask bits of batch 0, head 0, query 1 to be loaded, got others");
}

TEST_F(MaskRefusalTest, BiasOfAnotherHead) {
  // Codes are in units of the head's own score, even where the bias is the same.
  inputs.bias = Tensor({1, 1, 1, 6}, 1);
  ExprIndex zero = addConstant(0);
  change<LoadBiasCommand>(MachineUnit::Select, 0,
                          [&](LoadBiasCommand &command) { command.head = zero; });
  expectRefused("expected the bias codes of batch 0, head 1, query 0 to be loaded, got others");
}

TEST_F(MaskRefusalTest, MaskOfAHeadThatIsGone) {
  // The mask is the same for all heads, but head 0 leaves ReRAM with its last row.
  inputs.mask = Mask({1, 1, 3, 6}, 1, 16);
  ExprIndex zero = addConstant(0);
  change<LoadMaskCommand>(MachineUnit::Select, 1,
                          [&](LoadMaskCommand &command) { command.head = zero; });
  expectRefused("reads the mask bits of batch 0, head 0, which are not in ReRAM");
}

TEST_F(MaskRefusalTest, KeyValidOfAnotherBatchElement) {
  ExprIndex zero = addConstant(0);
  change<LoadMaskCommand>(MachineUnit::Select, 0,
                          [&](LoadMaskCommand &command) { command.batch = zero; });
  expectRefused("expected the key_valid bits of batch 1, head 0, query 0 to be loaded, got others");
}

TEST_F(MaskRefusalTest, RangeListedWithTheMaskOfAnotherRow) {
  // Which row a range is for is known when it is scored.
  rebuild({.dense = true, .isGrouped = true, .inputs = inputs.regions()});
  ExprIndex zero = addConstant(0);
  change<LoadMaskCommand>(MachineUnit::Select, 1,
                          [&](LoadMaskCommand &command) { command.query = zero; });
  expectRefused("(score), i0 = 0, i1 = 0, i2 = 0, i3 = 1: expected the mask bits of batch 0, head "
                "0, query 1 to be loaded, got others");
  rebuild({.dense = true, .isGrouped = true, .inputs = inputs.regions()});
  remove(MachineUnit::Select, Opcode::LoadBias, 0);
  expectRefused("(score), i0 = 0, i1 = 0, i2 = 0, i3 = 0: expected the bias codes of batch 0, head "
                "0, query 0 to be loaded, got none");
}

TEST_F(MaskRefusalTest, MaskThatIsReadBeforeItIsWrittenInTime) {
  // The head is released before its key_valid is written, which the order of units does not show.
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Write);
  auto keyValid = words.begin() + 4 + 3;
  std::rotate(keyValid, keyValid + 1, keyValid + 5);
  expectRefused("(load_mask), i0 = 0, i1 = 0, i2 = 0: reads key_valid bits at cycle");
}

TEST_F(MaskRefusalTest, MoreKeyHeadsThanReRAMHolds) {
  query = Tensor({3, 2, 3, 8}, 1);
  key = Tensor({3, 1, 6, 8}, 2);
  inputs = {};
  rebuild({.isGrouped = true});
  program.countingQueues.front().credits = 3;
  expectRefused("writes the key codes of batch 2, key head 0 while 2 key heads are in work");
}

/// A launch of two batch elements with segments, for tests to spoil.
class SegmentsRefusalTest : public MaskRefusalTest {
protected:
  SegmentsRefusalTest() {
    inputs = {};
    inputs.querySegments.emplace(std::array<int64_t, 2>{2, 3}, 1);
    inputs.keySegments.emplace(std::array<int64_t, 2>{2, 6}, 2);
    rebuild({.isGrouped = true, .inputs = inputs.regions()});
  }
};

TEST_F(SegmentsRefusalTest, NothingWhereNothingIsSpoilt) {
  std::string error;
  EXPECT_TRUE(launch(program, machine, operandsOf(query, key, key, inputs), {}, error)) << error;
}

TEST_F(SegmentsRefusalTest, SegmentsOfAnotherLength) {
  inputs.keySegments.emplace(std::array<int64_t, 2>{2, 5}, 2);
  expectRefused("expected dimension 1 (Sk) of the key_segments to be 6, got 5");
}

TEST_F(SegmentsRefusalTest, SegmentsThatAreNeverWritten) {
  for (int index : {3, 4}) {
    rebuild({.isGrouped = true, .inputs = inputs.regions()});
    remove(MachineUnit::Write, Opcode::Write, index);
    expectRefused("(load_segments), i0 = 0, i1 = 0, i2 = 0, i3 = 0: reads the " +
                  std::string(index == 3 ? "query" : "key") +
                  "_segments numbers of batch 0, head 0, which are not in ReRAM");
  }
}

TEST_F(SegmentsRefusalTest, SegmentsThatAreNotLoaded) {
  remove(MachineUnit::Select, Opcode::LoadSegments, 0);
  expectRefused("(threshold), i0 = 0, i1 = 0, i2 = 0, i3 = 0: expected the query_segments numbers "
                "of batch 0, head 0, query 0 to be loaded, got none");
}

TEST_F(SegmentsRefusalTest, SegmentsOfAnotherQuery) {
  ExprIndex zero = addConstant(0);
  change<LoadSegmentsCommand>(MachineUnit::Select, 0,
                              [&](LoadSegmentsCommand &command) { command.query = zero; });
  expectRefused("expected the query_segments numbers of batch 0, head 0, query 1 to be loaded, got "
                "others");
}

TEST_F(SegmentsRefusalTest, BatchElementAndQueryOutOfRange) {
  ExprIndex three = addConstant(3);
  change<LoadSegmentsCommand>(MachineUnit::Select, 0,
                              [&](LoadSegmentsCommand &command) { command.query = three; });
  expectRefused("expected a query below 3, got 3");
  change<LoadSegmentsCommand>(MachineUnit::Select, 0,
                              [&](LoadSegmentsCommand &command) { command.batch = three; });
  expectRefused("expected a batch element below 2, got 3");
}

TEST_F(SegmentsRefusalTest, SegmentsThatAreReadBeforeTheyAreWrittenInTime) {
  // The head is released before its segments are written.
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Write);
  auto segments = words.begin() + 4 + 3;
  std::rotate(segments, segments + 2, segments + 4);
  expectRefused("(load_segments), i0 = 0, i1 = 0, i2 = 0, i3 = 0: reads query_segments numbers at "
                "cycle");
}

TEST_F(SegmentsRefusalTest, OneWithoutTheOther) {
  inputs.keySegments.reset();
  program.inputs.pop_back();
  expectRefused("expected 'key_segments' among the inputs beside 'query_segments', got none");
}

} // namespace
