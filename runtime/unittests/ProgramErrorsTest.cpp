//===- ProgramErrorsTest.cpp - Launches that are refused ------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"
#include "SprintRuntime/Check.h"
#include "SprintRuntime/Simulator.h"
#include "TestPrograms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

using namespace sprint;
using namespace sprint::test;

namespace {

/// A launch of the test program, for tests to spoil.
class RefusalTest : public testing::Test {
protected:
  Machine machine = builtinMachine("s");
  Program program = attentionProgram(machine);
  Tensor query{{1, 2, 4, 8}, 1};
  Tensor key{{1, 2, 6, 8}, 2};
  Tensor value{{1, 2, 6, 8}, 3};
  LaunchOptions options;

  /// The simulator itself says so, and a launch is refused, by the checks or by the simulator.
  void expectRefused(const std::string &part) {
    std::string error;
    LaunchOperands operands = operandsOf(query, key, value);
    EXPECT_FALSE(launchUnchecked(program, machine, operands, options, error));
    EXPECT_NE(error.find(part), std::string::npos) << error;
    EXPECT_EQ(std::ranges::count(error, '\n'), 0);
    EXPECT_FALSE(launch(program, machine, operands, options, error));
  }

  /// The checks say so before the simulator runs.
  void expectFound(const std::string &part) {
    std::string error;
    EXPECT_FALSE(launch(program, machine, operandsOf(query, key, value), options, error));
    EXPECT_NE(error.find(part), std::string::npos) << error;
    EXPECT_EQ(std::ranges::count(error, '\n'), 0);
  }

  std::vector<CommandWord> &wordsOf(MachineUnit unit) {
    for (UnitProgram &candidate : program.units)
      if (candidate.unit == unit)
        return candidate.words;
    ADD_FAILURE();
    return program.units.front().words;
  }

  /// The first word of that opcode on a unit.
  CommandWord &wordOf(MachineUnit unit, Opcode opcode) { return *findWord(unit, opcode); }

  std::vector<CommandWord>::iterator findWord(MachineUnit unit, Opcode opcode) {
    std::vector<CommandWord> &words = wordsOf(unit);
    return std::ranges::find_if(
        words, [&](CommandWord word) { return checkedInfo(word)->opcode == opcode; });
  }

  QueueIndex creditsOf(const std::string &name) {
    for (size_t index = 0; index < program.countingQueues.size(); ++index)
      if (program.countingQueues[index].name == name)
        return static_cast<QueueIndex>(index);
    ADD_FAILURE() << name;
    return {};
  }

  void removeWord(MachineUnit unit, const Command &command) {
    std::vector<CommandWord> &words = wordsOf(unit);
    auto found = std::ranges::find(words, encode(command));
    ASSERT_NE(found, words.end());
    words.erase(found);
  }

  ExprIndex addConstant(int64_t constant) {
    program.expressions.push_back({ExprNode::Kind::Constant, 0, 0, constant});
    return static_cast<ExprIndex>(program.expressions.size() - 1);
  }

  template <typename CommandType>
  void change(MachineUnit unit, const std::function<void(CommandType &)> &edit) {
    CommandWord &word = wordOf(unit, CommandType::opcode);
    CommandType command = std::get<CommandType>(*decode(word));
    edit(command);
    word = encode(command);
  }
};

TEST_F(RefusalTest, MachineOfAnotherStructure) {
  machine = builtinMachine("m");
  expectFound("expected a machine of structure");
}

TEST_F(RefusalTest, OtherEnergiesAreNoOtherStructure) {
  machine.energy.qkPerMac = 5;
  machine.timing.tRCD = 20;
  std::string error;
  EXPECT_TRUE(launch(program, machine, operandsOf(query, key, value), options, error)) << error;
}

TEST_F(RefusalTest, StaticParameterOfAnotherSize) {
  program.parameters[static_cast<size_t>(LaunchParameter::Keys)] = 7;
  expectRefused("expected keys = 7, got 6");
}

TEST_F(RefusalTest, ZeroLength) {
  key.shape[2] = 0;
  expectRefused("expected the key of positive sizes");
}

TEST_F(RefusalTest, SizesThatOverflow) {
  query.shape = {int64_t(1) << 30, int64_t(1) << 30, int64_t(1) << 30, 8};
  expectRefused("expected the query of positive sizes");
}

TEST_F(RefusalTest, NegativeSize) {
  value.shape[3] = -8;
  expectRefused("expected the value of positive sizes");
}

TEST_F(RefusalTest, KeyHeadsThatDoNotDivideTheHeads) {
  key = value = Tensor({1, 3, 6, 8}, 2);
  expectRefused("expected H to be a multiple of G = 3, got 2");
}

TEST_F(RefusalTest, HeadsOfKeyAndValueThatDiffer) {
  key = Tensor({1, 1, 6, 8}, 2);
  expectRefused("expected dimension 1 (G) of the value to be 1, got 2");
}

TEST_F(RefusalTest, GroupOfAnotherSize) {
  program.parameters[static_cast<size_t>(LaunchParameter::Group)] = 1;
  key = value = Tensor({1, 1, 6, 8}, 2);
  expectRefused("expected group = 1, got 2");
}

TEST_F(RefusalTest, ChannelsThatDiffer) {
  key = Tensor({1, 2, 6, 4}, 2);
  expectRefused("expected dimension 3 (D) of the key to be 8, got 4");
}

TEST_F(RefusalTest, ValuesThatAreNotOneAKey) {
  value = Tensor({1, 2, 5, 8}, 2);
  expectRefused("expected dimension 2 (Sk) of the value to be 6, got 5");
}

TEST_F(RefusalTest, NaN) {
  key.data[50] = std::numeric_limits<float>::quiet_NaN();
  expectRefused("NaN or infinity in the key of batch 0, head 1");
}

TEST_F(RefusalTest, Infinity) {
  query.data[3] = -std::numeric_limits<float>::infinity();
  expectRefused("NaN or infinity in the query of batch 0, head 0");
}

TEST_F(RefusalTest, KeysBeyondTheArrays) {
  machine.structure.arraysPerBank = 1;
  machine.structure.arrayColumns = 1;
  machine.structure.channels = machine.structure.banksPerChannel = 2;
  program.structure = machine.structureHash();
  expectRefused("expected at most 2 keys, the capacity of machine 's', got 6");
}

TEST_F(RefusalTest, HeadWiderThanAnArray) {
  machine.structure.arrayRows = 2;
  machine.structure.arrayColumns = 3;
  program.structure = machine.structureHash();
  expectRefused("expected a key to fit an array of machine 's', got 8 channels");
}

TEST_F(RefusalTest, KeysBeyondTheWidths) {
  machine.structure.widths.accumulatorBits = 26;
  program.structure = machine.structureHash();
  expectRefused("expected at most 4 keys, so that sums fit the widths of machine 's', got 6");
}

TEST_F(RefusalTest, ThresholdsOfAnotherNumber) {
  options.thresholds = {ThresholdPolicy::Kind::Given, {1, 2, 3}, 0};
  expectRefused("expected one threshold, or one for each of 2 heads, got 3");
}

TEST_F(RefusalTest, ThresholdThatIsNaN) {
  options.thresholds = {ThresholdPolicy::Kind::Given, {std::nanf("")}, 0};
  expectRefused("got NaN");
}

TEST_F(RefusalTest, PruneRateOutOfRange) {
  options.thresholds = {ThresholdPolicy::Kind::PruneRate, {}, 1.5};
  expectRefused("expected a prune rate between 0 and 1");
}

TEST_F(RefusalTest, WordThatIsNoCommand) {
  wordsOf(MachineUnit::QK).front() = {0xff, 0};
  expectRefused("unit 'qk': word 0");
}

TEST_F(RefusalTest, MoreStepsThanALaunchMayRun) {
  ExprIndex many = addConstant(int64_t(1) << 31);
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Softmax);
  for (int loop = 0; loop < 4; ++loop)
    words.push_back(encode(LoopCommand{many}));
  for (int loop = 0; loop < 4; ++loop)
    words.push_back(encode(EndLoopCommand{}));
  expectRefused("steps, but unit 'softmax' could run more");
}

TEST_F(RefusalTest, MoreStepsThanItsRowsAreWorth) {
  // 2^28 turns of a loop around nothing, for eight rows of six keys.
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Softmax);
  words.push_back(encode(LoopCommand{addConstant(int64_t(1) << 28)}));
  words.push_back(encode(EndLoopCommand{}));
  expectRefused("expected at most 134225923 steps");
}

TEST_F(RefusalTest, OperandThatOverflows) {
  ExprIndex large = addConstant(int64_t(1) << 31);
  for (int power = 0; power < 2; ++power) {
    uint32_t index = static_cast<uint32_t>(large);
    program.expressions.push_back({ExprNode::Kind::Mul, index, index, 0});
    large = static_cast<ExprIndex>(program.expressions.size() - 1);
  }
  change<LoadQueryCommand>(MachineUnit::KeyFetch,
                           [&](LoadQueryCommand &command) { command.query = large; });
  expectRefused("operand 'query' could leave +-2^62");
}

TEST_F(RefusalTest, OperandThatNeverRuns) {
  // A stream may be full of commands inside of a loop without turns; they cost no time.
  ExprIndex large = addConstant(int64_t(1) << 31);
  for (int power = 0; power < 2; ++power) {
    uint32_t index = static_cast<uint32_t>(large);
    program.expressions.push_back({ExprNode::Kind::Mul, index, index, 0});
    large = static_cast<ExprIndex>(program.expressions.size() - 1);
  }
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Select);
  words.push_back(encode(LoopCommand{addConstant(0)}));
  words.push_back(encode(LoopCommand{large}));
  for (int command = 0; command < 1000000; ++command)
    words.push_back(encode(CopyQueryCommand{large, large, large}));
  words.push_back(encode(EndLoopCommand{}));
  words.push_back(encode(EndLoopCommand{}));
  std::string error;
  EXPECT_TRUE(launch(program, machine, operandsOf(query, key, value), options, error)) << error;
}

TEST_F(RefusalTest, DeepLoopsWithLargeTripCounts) {
  // The product of the trip counts is beyond 64 bits, the sum of the operand's counters is not.
  ExprIndex many = addConstant(int64_t(1) << 31);
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Softmax);
  for (int loop = 0; loop < kMaxLoopDepth; ++loop)
    words.push_back(encode(LoopCommand{many}));
  for (int loop = 0; loop < kMaxLoopDepth; ++loop)
    words.push_back(encode(EndLoopCommand{}));
  expectRefused("steps, but unit 'softmax' could run more");
}

TEST_F(RefusalTest, CommandsFarAheadOfTheirTime) {
  // Nobody knows when values are fetched before the QK-PU has a row, which waits for these.
  program = attentionProgram(machine, {.dense = true});
  query = Tensor({1, 1, 1, 8}, 1);
  key = value = Tensor({1, 1, 6, 8}, 1);
  std::vector<CommandWord> &words = wordsOf(MachineUnit::KeyFetch);
  ExprIndex many = addConstant(2000000);
  auto at = findWord(MachineUnit::KeyFetch, Opcode::LoadQuery);
  at = words.insert(at, encode(LoopCommand{many}));
  words.insert(at + 2, encode(EndLoopCommand{}));
  expectRefused("unit 'key_fetch' runs more than 1048576 commands before those of other units");
}

TEST_F(RefusalTest, MoreListsThanRows) {
  program = attentionProgram(machine, {.dense = true, .rowSlots = 100, .depth = 100});
  ExprIndex many = addConstant(9);
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Select);
  auto at = findWord(MachineUnit::Select, Opcode::ListRange);
  at = words.insert(at, encode(LoopCommand{many}));
  words.insert(at + 2, encode(EndLoopCommand{}));
  expectRefused("(list_range), i0 = 0, i1 = 0, i2 = 0, i3 = 8: makes more lists than there are "
                "rows, which are 8");
}

TEST_F(RefusalTest, ManyCommandsWithTheSameFault) {
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Select);
  ExprIndex zero = addConstant(0);
  words.insert(words.end(), 100000, encode(LoadBiasCommand{zero, zero, zero}));
  EXPECT_LE(check(program, machine).size(), 2000u);
  expectFound("expected to read a tensor that the program takes, got bias");
}

TEST_F(RefusalTest, QueueThatTwoUnitsAcquireFrom) {
  wordsOf(MachineUnit::QK).push_back(encode(AcquireCommand{creditsOf("row_slots")}));
  expectFound("expected one unit to acquire from queue 'row_slots', got select and qk");
}

TEST_F(RefusalTest, QueueThatTwoUnitsPutTo) {
  change<ScoreCommand>(MachineUnit::QK, [](ScoreCommand &command) { command.to = command.from; });
  expectFound("expected one unit to put to queue 'ready_keys', got key_fetch and qk");
}

TEST_F(RefusalTest, Standstill) {
  removeWord(MachineUnit::Write, ReleaseCommand{creditsOf("head_ready")});
  expectRefused("stands still: unit 'select', word 2 (acquire), i0 = 0, i1 = 0 waits for "
                "'head_ready'");
}

TEST_F(RefusalTest, StandstillAfterSomeRows) {
  removeWord(MachineUnit::V, ReleaseCommand{creditsOf("row_slots")});
  expectRefused("unit 'select', word 4 (acquire), i0 = 0, i1 = 0, i2 = 2 waits for 'row_slots'");
}

TEST_F(RefusalTest, CreditsWithoutEnd) {
  ExprIndex many = addConstant(100000);
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Write);
  words.push_back(encode(LoopCommand{many}));
  words.push_back(encode(ReleaseCommand{creditsOf("head_ready")}));
  words.push_back(encode(EndLoopCommand{}));
  expectRefused("overruns queue 'head_ready', which holds at most 65536 credits");
}

TEST_F(RefusalTest, TimelineThatIsTooLong) {
  ExprIndex many = addConstant(20000000);
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Select);
  auto at = findWord(MachineUnit::Select, Opcode::CopyQuery);
  query = Tensor({1, 1, 1, 8}, 1);
  key = value = Tensor({1, 1, 6, 8}, 1);
  at = words.insert(at, encode(LoopCommand{many}));
  words.insert(at + 2, encode(EndLoopCommand{}));
  options.trace = true;
  expectRefused("expected a timeline of at most 16777216 intervals");
}

TEST_F(RefusalTest, OverrunOfAQueue) {
  program = attentionProgram(machine, {.depth = 1});
  expectRefused("unit 'select', word 7 (read_pruning), i0 = 0, i1 = 0, i2 = 1: overruns queue "
                "'kept_keys' of depth 1");
}

TEST_F(RefusalTest, OverrunThatOnlyTimeShows) {
  // Values may be replaced as soon as the keys are done with, which is before the values are taken.
  for (IndexQueue &queue : program.indexQueues)
    if (queue.name == "ready_values")
      queue.depth = 1;
  Command release = ReleaseCommand{creditsOf("value_buffer")};
  removeWord(MachineUnit::V, release);
  auto score = findWord(MachineUnit::QK, Opcode::Score);
  wordsOf(MachineUnit::QK).insert(score + 1, encode(release));
  expectRefused("unit 'value_fetch' overruns queue 'ready_values' of depth 1 at cycle");
}

TEST_F(RefusalTest, CodesReadBeforeTheyAreWrittenInTime) {
  removeWord(MachineUnit::KeyFetch, AcquireCommand{creditsOf("queries_written")});
  expectRefused("unit 'key_fetch', word 4 (load_query), i0 = 0, i1 = 0, i2 = 0: reads query codes "
                "at cycle");
}

TEST_F(RefusalTest, CodesThatAreNeverWritten) {
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Write);
  words.erase(findWord(MachineUnit::Write, Opcode::Write));
  expectRefused("reads the key codes of batch 0, head 0, which are not in ReRAM");
}

TEST_F(RefusalTest, CodesWrittenTwice) {
  auto write = findWord(MachineUnit::Write, Opcode::Write);
  wordsOf(MachineUnit::Write).insert(write, *write);
  expectRefused("writes the key codes of batch 0, key head 0 twice");
}

TEST_F(RefusalTest, MoreHeadsThanReRAMHolds) {
  query = Tensor({1, 3, 4, 8}, 1);
  key = value = Tensor({1, 3, 6, 8}, 1);
  program.countingQueues[static_cast<size_t>(creditsOf("head_slots"))].credits = 3;
  expectRefused("writes the key codes of batch 0, key head 2 while 2 key heads are in work");
}

TEST_F(RefusalTest, RowsThatAreMissing) {
  // Every unit leaves the last row of each head out.
  for (ExprNode &node : program.expressions)
    if (node.kind == ExprNode::Kind::Parameter &&
        node.value == static_cast<int64_t>(LaunchParameter::Queries))
      node = {ExprNode::Kind::Constant, 0, 0, 3};
  expectRefused("writes 6 of 8 output rows; the first that is missing is that of batch 0, head 0, "
                "query 3");
}

TEST_F(RefusalTest, SecondListOfARow) {
  ExprIndex zero = addConstant(0);
  change<CopyQueryCommand>(MachineUnit::Select, [&](auto &command) { command.query = zero; });
  expectRefused("has a second list of batch 0, head 0, query 0");
}

TEST_F(RefusalTest, QueryOutOfRange) {
  ExprIndex four = addConstant(4);
  change<LoadQueryCommand>(MachineUnit::KeyFetch, [&](auto &command) { command.query = four; });
  expectRefused("expected a query below 4, got 4");
}

TEST_F(RefusalTest, HeadOutOfRange) {
  ExprIndex negative = addConstant(-1);
  change<WriteCommand>(MachineUnit::Write, [&](auto &command) { command.head = negative; });
  expectRefused("expected a key head below 2, got -1");
}

TEST_F(RefusalTest, QueryThatWasNotLoaded) {
  ExprIndex zero = addConstant(0);
  change<LoadQueryCommand>(MachineUnit::KeyFetch, [&](auto &command) { command.query = zero; });
  expectRefused("expected batch 0, head 0, query 1 in the query buffers");
}

TEST_F(RefusalTest, QueryBufferOverrun) {
  program.countingQueues[static_cast<size_t>(creditsOf("query_slots"))].credits = 4;
  program.countingQueues[static_cast<size_t>(creditsOf("key_buffer"))].credits = 4;
  program.countingQueues[static_cast<size_t>(creditsOf("row_slots"))].credits = 4;
  for (IndexQueue &queue : program.indexQueues)
    queue.depth = 4;
  expectRefused("expected batch 0, head 0, query 0 in the query buffers");
}

TEST_F(RefusalTest, ListOfAnotherRow) {
  // The queries, of which there are four, in reverse.
  auto node = [&](const ExprNode &node) {
    program.expressions.push_back(node);
    return static_cast<uint32_t>(program.expressions.size() - 1);
  };
  uint32_t counter = node({ExprNode::Kind::Counter, 0, 0, 2});
  uint32_t negated =
      node({ExprNode::Kind::Mul, counter, static_cast<uint32_t>(addConstant(-1)), 0});
  auto reverse = static_cast<ExprIndex>(
      node({ExprNode::Kind::Add, negated, static_cast<uint32_t>(addConstant(3)), 0}));
  change<CopyQueryCommand>(MachineUnit::Select, [&](auto &command) { command.query = reverse; });
  expectRefused(
      "expected the list of batch 0, head 0, query 0, got that of batch 0, head 0, query 3");
}

TEST_F(RefusalTest, PruningVectorThatWasNotMade) {
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Select);
  words.erase(findWord(MachineUnit::Select, Opcode::Threshold));
  expectRefused("there is no pruning vector to read");
}

TEST_F(RefusalTest, PruningVectorThatIsLost) {
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Select);
  words.erase(findWord(MachineUnit::Select, Opcode::ReadPruning));
  expectRefused("would lose a pruning vector that was not read");
}

TEST_F(RefusalTest, QueryThatWasNotCopied) {
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Select);
  words.erase(findWord(MachineUnit::Select, Opcode::CopyQuery));
  expectRefused("expected a query of batch 0, head 0 in the in-memory query buffer");
}

TEST_F(RefusalTest, ListsThatAreLeft) {
  // The V-PU takes its lists for all rows but the last of each head.
  for (ExprNode &node : program.expressions)
    if (node.kind == ExprNode::Kind::Parameter &&
        node.value == static_cast<int64_t>(LaunchParameter::Heads))
      node = {ExprNode::Kind::Constant, 0, 0, 1};
  query = Tensor({1, 1, 2, 8}, 1);
  key = value = Tensor({1, 1, 6, 8}, 1);
  ExprIndex one = addConstant(1);
  std::vector<CommandWord> &words = wordsOf(MachineUnit::V);
  words[2] = encode(LoopCommand{one});
  expectRefused("ends with 1 lists in queue 'weights'");
}

TEST_F(RefusalTest, FetchOfTheWrongTensor) {
  change<FetchCommand>(MachineUnit::KeyFetch,
                       [](auto &command) { command.region = MemoryRegion::Value; });
  expectRefused("expected this unit to fetch the key, got the value");
}

TEST_F(RefusalTest, ListOfTheWrongKind) {
  // The softmax takes keys that have no scores.
  FetchCommand fetch =
      std::get<FetchCommand>(*decode(wordOf(MachineUnit::KeyFetch, Opcode::Fetch)));
  ScoreCommand score = std::get<ScoreCommand>(*decode(wordOf(MachineUnit::QK, Opcode::Score)));
  change<FetchCommand>(MachineUnit::KeyFetch, [&](auto &command) { command.to = score.to; });
  change<ScoreCommand>(MachineUnit::QK, [&](auto &command) { command.to = fetch.to; });
  expectRefused("expected scores in queue 'scores', got fetched keys");
}

TEST_F(RefusalTest, SumsThatAreNotStored) {
  std::vector<CommandWord> &words = wordsOf(MachineUnit::V);
  words.erase(findWord(MachineUnit::V, Opcode::StoreOutput));
  expectRefused("would lose sums that were not stored");
}

TEST_F(RefusalTest, MasksThatAreTooLarge) {
  // Shapes alone are looked at before the numbers are, so the operands must be there.
  query = Tensor({1, 1, 1 << 18, 1}, 1);
  key = value = Tensor({1, 1, 1 << 17, 1}, 1);
  options.masks = true;
  expectRefused("expected masks of at most");
}

} // namespace
