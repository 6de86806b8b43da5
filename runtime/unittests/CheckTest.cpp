//===- CheckTest.cpp - Programs that are wrong whatever they run on -------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Check.h"
#include "Launch.h"
#include "Rules.h"
#include "TestPrograms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <random>

using namespace sprint;
using namespace sprint::test;

namespace {

void setParameters(Program &program, const std::vector<int64_t> &values) {
  std::ranges::copy(values, program.parameters.begin());
}

/// All findings, one a line.
std::string textOf(const Program &program, const std::vector<Finding> &findings) {
  std::string text;
  for (const Finding &finding : findings)
    text += std::string(toString(finding.severity)) + ": " + toString(program, finding) + "\n";
  return text;
}

//===----------------------------------------------------------------------===//
// Programs that are right
//===----------------------------------------------------------------------===//

struct SoundProgram {
  std::string name;
  AttentionOptions options;
  /// Static launch parameters; none leave all that can to the launch.
  std::vector<int64_t> parameters = {};
};

const std::vector<MemoryRegion> kAllInputs = {MemoryRegion::KeyValid, MemoryRegion::Mask,
                                              MemoryRegion::Bias};

const std::vector<SoundProgram> kSoundPrograms = {
    {"Paper", {}},
    {"Causal", {.causal = true}},
    {"Dense", {.dense = true, .residency = Residency::Pinned}},
    {"Inputs", {.inputs = kAllInputs}},
    {"InputsOnce", {.inputs = kAllInputs, .loadsOnce = true}},
    {"DenseInputs", {.dense = true, .inputs = kAllInputs}},
    {"Ahead", {.rowSlots = 4, .keyBuffers = 2, .valueBuffers = 2, .depth = 4}},
    {"Narrow", {.rowSlots = 1, .depth = 1}},
    {"Static", {}, {1, 3, 5, 7, 8, 8, 1}},
    {"StaticInputs", {.causal = true, .inputs = kAllInputs}, {2, 2, 5, 7, 8, 4, 1}},
    {"Grouped", {.isGrouped = true, .inputs = kAllInputs}, {Program::kDynamic, 6, 4, 5, 8, 8, 3}},
    {"OneQuery", {}, {2, 3, 1, 6, 8, 8, 1}},
    {"OneHead", {.isGrouped = true}, {1, 1, 4, 6, 8, 8, 1}},
    {"ManyTokens", {}, {1, 12, 100000, 100000, 64, 64, 1}},
};

Program programOf(const SoundProgram &sound, const Machine &machine) {
  Program program = attentionProgram(machine, sound.options);
  setParameters(program, sound.parameters);
  return program;
}

class SoundProgramTest : public testing::TestWithParam<SoundProgram> {};

TEST_P(SoundProgramTest, HasNoFindings) {
  for (const char *name : {"s", "m", "l", "s-paper-widths"}) {
    Machine machine = builtinMachine(name);
    Program program = programOf(GetParam(), machine);
    EXPECT_EQ(textOf(program, check(program, machine)), "");
  }
}

INSTANTIATE_TEST_SUITE_P(All, SoundProgramTest, testing::ValuesIn(kSoundPrograms),
                         [](const auto &info) { return info.param.name; });

TEST(CheckTest, GroupsBeyondAllQueues) {
  // Credits of the heads of a group are bounded by nothing but their number.
  Machine machine = builtinMachine("s");
  Program program = attentionProgram(machine, {.isGrouped = true});
  EXPECT_EQ(textOf(program, check(program, machine)),
            "undecided: unit 'write', word 7 (release): cannot be decided: expected at most 65536 "
            "credits in queue 'head_ready', as many as it holds, got no queue whose credits bound "
            "them; unit 'select', word 3 (acquire) acquires them\nundecided: unit 'write', word 8 "
            "(release): cannot be decided: expected at most 65536 credits in queue "
            "'queries_written', as many as it holds, got no queue whose credits bound them; unit "
            "'key_fetch', word 3 (acquire) acquires them\n");
}

//===----------------------------------------------------------------------===//
// Programs that are broken
//===----------------------------------------------------------------------===//

/// The paper's program, for tests to spoil.
class BrokenTest : public testing::Test {
protected:
  Machine machine = builtinMachine("s");
  Program program = attentionProgram(machine);

  /// The first line of what is found is this.
  void expectError(const std::string &message) {
    std::string text = textOf(program, check(program, machine));
    EXPECT_EQ(text.substr(0, text.find('\n')), "error: " + message);
  }

  std::vector<CommandWord> &wordsOf(MachineUnit unit) {
    return std::ranges::find(program.units, unit, &UnitProgram::unit)->words;
  }
  QueueIndex creditsOf(const std::string &name) {
    auto found = std::ranges::find(program.countingQueues, name, &CountingQueue::name);
    return static_cast<QueueIndex>(found - program.countingQueues.begin());
  }
  CountingQueue &queue(const std::string &name) {
    return program.countingQueues[static_cast<size_t>(creditsOf(name))];
  }
  /// Index of the first word of that opcode on a unit.
  size_t find(MachineUnit unit, Opcode opcode) {
    std::vector<CommandWord> &words = wordsOf(unit);
    return std::ranges::find_if(
               words, [&](CommandWord word) { return checkedInfo(word)->opcode == opcode; }) -
           words.begin();
  }
  void insert(MachineUnit unit, size_t index, const Command &command) {
    wordsOf(unit).insert(wordsOf(unit).begin() + static_cast<ptrdiff_t>(index), encode(command));
  }
  void remove(MachineUnit unit, size_t index) {
    wordsOf(unit).erase(wordsOf(unit).begin() + static_cast<ptrdiff_t>(index));
  }
  void remove(MachineUnit unit, const Command &command) {
    remove(unit, std::ranges::find(wordsOf(unit), encode(command)) - wordsOf(unit).begin());
  }
  ExprIndex add(const ExprNode &node) {
    program.expressions.push_back(node);
    return static_cast<ExprIndex>(program.expressions.size() - 1);
  }
  ExprIndex addConstant(int64_t value) { return add({ExprNode::Kind::Constant, 0, 0, value}); }
  template <typename CommandType>
  void change(MachineUnit unit, const std::function<void(CommandType &)> &edit) {
    CommandWord &word = wordsOf(unit)[find(unit, CommandType::opcode)];
    CommandType command = std::get<CommandType>(*decode(word));
    edit(command);
    word = encode(command);
  }
};

TEST_F(BrokenTest, CommandOfAnotherUnit) {
  insert(MachineUnit::QK, 3,
         wordsOf(MachineUnit::KeyFetch).size() ? Command(CopyQueryCommand{}) : Command());
  expectError(
      "unit 'qk', word 3 (copy_query): expected a command that this unit has, got 'copy_query'");
}

TEST_F(BrokenTest, ProgramThatIsNotWellFormed) {
  program.countingQueues.push_back({"row_slots", 1});
  expectError("expected one queue of a name, got two named 'row_slots'");
}

TEST_F(BrokenTest, AnotherMachine) {
  Machine other = builtinMachine("m");
  program.structure = other.structureHash();
  expectError("expected a machine of structure " + other.structureHash() +
              " ('s'), got 's' of structure " + machine.structureHash());
}

TEST_F(BrokenTest, KeysThatDoNotFit) {
  setParameters(program, {1, 1, 4, 200000, 64, 64, 1});
  expectError("expected at most 131072 keys, the capacity of machine 's', got 200000");
}

TEST_F(BrokenTest, TwoUnitsThatAcquire) {
  insert(MachineUnit::QK, 3, AcquireCommand{creditsOf("row_slots")});
  expectError("unit 'qk', word 3 (acquire): expected one unit to acquire from queue 'row_slots', "
              "got select and qk; unit 'select', word 4 (acquire) uses it, too");
}

TEST_F(BrokenTest, TwoUnitsThatPut) {
  change<ScoreCommand>(MachineUnit::QK, [](ScoreCommand &score) { score.to = score.from; });
  expectError("unit 'qk', word 5 (score): expected one unit to put to queue 'ready_keys', got "
              "key_fetch and qk; unit 'key_fetch', word 8 (fetch) uses it, too");
}

TEST_F(BrokenTest, CommandThatTakesTwiceFromAQueue) {
  change<AccumulateCommand>(MachineUnit::V,
                            [](AccumulateCommand &sum) { sum.values = sum.weights; });
  expectError(
      "unit 'v', word 3 (accumulate): expected to take from two queues, got 'weights' twice");
}

TEST_F(BrokenTest, CreditsThatNobodyGives) {
  remove(MachineUnit::V, ReleaseCommand{creditsOf("row_slots")});
  expectError(
      "unit 'select', word 4 (acquire): expected a command that releases queue 'row_slots', which "
      "begins with 2 credits, as often as this one acquires from it, got none");
}

TEST_F(BrokenTest, CreditsThatNobodyTakes) {
  remove(MachineUnit::Select, AcquireCommand{creditsOf("head_ready")});
  expectError("unit 'write', word 6 (release): expected a command that acquires from queue "
              "'head_ready' as often as this one releases it, got none");
}

TEST_F(BrokenTest, CreditsGivenTwice) {
  insert(MachineUnit::V, 5, ReleaseCommand{creditsOf("score_buffer")});
  expectError(
      "unit 'qk', word 4 (acquire): expected to acquire from queue 'score_buffer', which begins "
      "with 2 credits, as often as it is released, 2 * batches * heads * queries times in a "
      "launch, got batches * heads * queries; unit 'v', word 5 (release) releases it");
}

TEST_F(BrokenTest, CreditGivenOnceAHeadInsteadOfOnceARow) {
  Command release = ReleaseCommand{creditsOf("row_slots")};
  remove(MachineUnit::V, release);
  insert(MachineUnit::V, find(MachineUnit::V, Opcode::EndLoop) + 1, release);
  expectError("unit 'select', word 4 (acquire): expected to acquire from queue 'row_slots', which "
              "begins with 2 credits, as often as it is released, batches * heads times in a "
              "launch, got batches * heads * queries; unit 'v', word 8 (release) releases it");
}

TEST_F(BrokenTest, ListsThatNobodyTakes) {
  remove(MachineUnit::Softmax, find(MachineUnit::Softmax, Opcode::Softmax));
  expectError("unit 'qk', word 5 (score): expected a command that takes from queue 'scores' as "
              "often as this one puts to it, got none");
}

TEST_F(BrokenTest, ListsThatNobodyPuts) {
  remove(MachineUnit::ValueFetch, find(MachineUnit::ValueFetch, Opcode::Fetch));
  expectError("unit 'select', word 7 (read_pruning): expected a command that takes from queue "
              "'kept_values' as often as this one puts to it, got none");
}

TEST_F(BrokenTest, FewerRowsOnOneUnit) {
  ExprIndex queries = std::get<LoopCommand>(*decode(wordsOf(MachineUnit::Softmax)[2])).trip;
  ExprIndex fewer = add({ExprNode::Kind::FloorDiv, static_cast<uint32_t>(queries),
                         static_cast<uint32_t>(addConstant(2)), 0});
  wordsOf(MachineUnit::Softmax)[2] = encode(LoopCommand{fewer});
  expectError("unit 'softmax', word 3 (softmax): expected to take from queue 'scores' as often as "
              "it is put to, batches * heads * queries times in a launch, got (queries floordiv 2) "
              "* batches * heads; unit 'qk', word 5 (score) puts to it");
}

TEST_F(BrokenTest, UnitsThatWaitForOneAnother) {
  // The query is said to be ready only behind the fetch, for whose room its scores are needed.
  Command release = ReleaseCommand{creditsOf("query_ready")};
  remove(MachineUnit::KeyFetch, release);
  queue("key_buffer").credits = 0;
  insert(MachineUnit::KeyFetch, 8, release);
  expectError(
      "unit 'key_fetch', word 6 (acquire): expected units that do not wait for one another, got a "
      "standstill: it waits for 'key_buffer', which unit 'qk' releases; unit 'qk', word 3 "
      "(acquire) waits for 'query_ready', which unit 'key_fetch' releases");
}

TEST_F(BrokenTest, UnitThatWaitsForItself) {
  queue("query_slots").credits = 0;
  Command release = ReleaseCommand{creditsOf("query_slots")};
  remove(MachineUnit::QK, release);
  insert(MachineUnit::KeyFetch, 9, release);
  expectError(
      "unit 'key_fetch', word 4 (acquire): expected units that do not wait for one another, got a "
      "standstill: it waits for 'query_slots', which unit 'key_fetch' releases");
}

TEST_F(BrokenTest, RoomThatIsMadeTooLate) {
  // Two keys' rows are fetched in a turn, but the second before the first one's query is ready.
  std::vector<CommandWord> &words = wordsOf(MachineUnit::KeyFetch);
  CommandWord release = encode(ReleaseCommand{creditsOf("query_ready")});
  CommandWord fetch = words[find(MachineUnit::KeyFetch, Opcode::Fetch)];
  std::erase(words, encode(AcquireCommand{creditsOf("key_buffer")}));
  std::erase(words, release);
  remove(MachineUnit::QK, ReleaseCommand{creditsOf("key_buffer")});
  size_t at = find(MachineUnit::KeyFetch, Opcode::Fetch);
  words.insert(words.begin() + static_cast<ptrdiff_t>(at), fetch);
  words.insert(words.begin() + static_cast<ptrdiff_t>(at) + 2, {release, release});
  // The others do everything twice in a turn, too.
  for (UnitProgram &unit : program.units) {
    if (unit.unit == MachineUnit::KeyFetch || unit.unit == MachineUnit::Write)
      continue;
    size_t first = 2;
    while (checkedInfo(unit.words[first])->opcode != Opcode::Loop)
      ++first;
    size_t last = first;
    while (checkedInfo(unit.words[last])->opcode != Opcode::EndLoop)
      ++last;
    std::vector<CommandWord> body(unit.words.begin() + static_cast<ptrdiff_t>(first) + 1,
                                  unit.words.begin() + static_cast<ptrdiff_t>(last));
    unit.words.insert(unit.words.begin() + static_cast<ptrdiff_t>(last), body.begin(), body.end());
  }
  std::erase(words, encode(AcquireCommand{creditsOf("query_slots")}));
  std::erase(wordsOf(MachineUnit::QK), encode(ReleaseCommand{creditsOf("query_slots")}));
  expectError(
      "unit 'key_fetch', word 6 (fetch): expected units that do not wait for one another, got a "
      "standstill: it waits for 'ready_keys', which unit 'qk' has to take from before there is "
      "room; unit 'qk', word 3 (acquire) waits for 'query_ready', which unit 'key_fetch' releases");
}

TEST_F(BrokenTest, QueueThatIsTooShort) {
  program.indexQueues[0].depth = 1;
  expectError("unit 'select', word 7 (read_pruning): expected at most 1 lists in queue "
              "'kept_keys', as many as it holds, got up to 2, bounded by the credits of "
              "'row_slots'; unit 'key_fetch', word 8 (fetch) takes them");
}

TEST_F(BrokenTest, QueueThatNothingSpans) {
  std::erase(wordsOf(MachineUnit::Select), encode(AcquireCommand{creditsOf("row_slots")}));
  std::erase(wordsOf(MachineUnit::V), encode(ReleaseCommand{creditsOf("row_slots")}));
  expectError("unit 'select', word 6 (read_pruning): expected at most 2 lists in queue "
              "'kept_keys', as many as it holds, got no queue whose credits bound them; unit "
              "'key_fetch', word 8 (fetch) takes them");
}

TEST_F(BrokenTest, CreditGivenBackBeforeTheListIsTaken) {
  Command release = ReleaseCommand{creditsOf("value_buffer")};
  remove(MachineUnit::V, release);
  insert(MachineUnit::QK, 6, release);
  program.indexQueues[5].depth = 1;
  expectError("unit 'value_fetch', word 4 (fetch): expected at most 1 lists in queue "
              "'ready_values', as many as it holds, got up to 2, bounded by the credits of "
              "'row_slots'; unit 'v', word 3 (accumulate) takes them");
}

TEST_F(BrokenTest, MoreHeadsThanReRAMHolds) {
  queue("head_slots").credits = 3;
  expectError("unit 'write', word 3 (write): expected at most 2 key heads in ReRAM, as many as the "
              "machine holds, got up to 3, bounded by the credits of 'head_slots'; unit 'v', word "
              "4 (store_output) is the last to use one");
}

TEST_F(BrokenTest, SlotGivenBackWithRowsToCome) {
  Command release = ReleaseCommand{creditsOf("head_slots")};
  remove(MachineUnit::V, release);
  insert(MachineUnit::V, 2, release);
  expectError("unit 'write', word 3 (write): expected at most 2 key heads in ReRAM, as many as the "
              "machine holds, got up to 3, bounded by the credits of 'head_slots'; unit 'v', word "
              "5 (store_output) is the last to use one");
}

TEST_F(BrokenTest, MoreScoresThanTheBufferHolds) {
  queue("score_buffer").credits = 8;
  queue("row_slots").credits = 8;
  for (IndexQueue &lists : program.indexQueues)
    lists.depth = 8;
  expectError("unit 'qk', word 5 (score): expected at most 4 rows of scores, as many as the "
              "machine holds, got up to 8, bounded by the credits of 'row_slots'; unit 'v', word 3 "
              "(accumulate) is the last to use one");
}

TEST_F(BrokenTest, MoreQueriesThanTheBufferHolds) {
  queue("query_slots").credits = 3;
  queue("key_buffer").credits = 3;
  expectError("unit 'key_fetch', word 5 (load_query): expected at most 2 queries in the query "
              "buffers, as many as the machine holds, got up to 3, bounded by the credits of "
              "'row_slots'; unit 'qk', word 5 (score) is the last to use one");
}

TEST_F(BrokenTest, QueryThatIsNotWaitedFor) {
  std::erase(wordsOf(MachineUnit::KeyFetch), encode(ReleaseCommand{creditsOf("query_ready")}));
  std::erase(wordsOf(MachineUnit::QK), encode(AcquireCommand{creditsOf("query_ready")}));
  std::vector<CommandWord> &words = wordsOf(MachineUnit::KeyFetch);
  CommandWord load = words[find(MachineUnit::KeyFetch, Opcode::LoadQuery)];
  std::erase(words, load);
  insert(MachineUnit::KeyFetch, find(MachineUnit::KeyFetch, Opcode::Fetch) + 1, *decode(load));
  expectError("unit 'qk', word 4 (score): expected its query in the query buffers, got a load that "
              "it does not wait for; unit 'key_fetch', word 7 (load_query) loads it");
}

TEST_F(BrokenTest, QueryThatIsNeverLoaded) {
  remove(MachineUnit::KeyFetch, find(MachineUnit::KeyFetch, Opcode::LoadQuery));
  expectError("unit 'qk', word 5 (score): expected a command that loads its query, got none");
}

TEST_F(BrokenTest, CodesThatAreNeverWritten) {
  remove(MachineUnit::Write, 4);
  expectError("unit 'value_fetch', word 4 (fetch): expected a command that writes the value that "
              "it reads, got none");
}

TEST_F(BrokenTest, CodesThatAreNotWaitedFor) {
  std::erase(wordsOf(MachineUnit::KeyFetch), encode(AcquireCommand{creditsOf("queries_written")}));
  std::erase(wordsOf(MachineUnit::Write), encode(ReleaseCommand{creditsOf("queries_written")}));
  expectError(
      "unit 'key_fetch', word 4 (load_query): expected the query of its head to have been written "
      "before, got a write that it does not wait for; unit 'write', word 5 (write) writes it");
}

TEST_F(BrokenTest, CodesSaidToBeWrittenTooEarly) {
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Write);
  // The value is written behind the credits for the head.
  std::rotate(words.begin() + 4, words.begin() + 5, words.begin() + 8);
  expectError(
      "unit 'value_fetch', word 4 (fetch): expected the value of its head to have been written "
      "before, got a write that it does not wait for; unit 'write', word 7 (write) writes it");
}

TEST_F(BrokenTest, CodesOfAnotherHead) {
  ExprIndex next = add({ExprNode::Kind::Add, 5, static_cast<uint32_t>(addConstant(1)), 0});
  ASSERT_EQ(program.expressions[5].kind, ExprNode::Kind::Counter);
  change<WriteCommand>(MachineUnit::Write, [&](WriteCommand &write) { write.head = next; });
  expectError(
      "unit 'write', word 3 (write): expected at most 2 key heads in ReRAM, as many as the machine "
      "holds, got more (in a launch of batches = 2, heads = 3, queries = 3, keys = 4)");
}

TEST_F(BrokenTest, CodesReadBehindTheLastRow) {
  std::vector<CommandWord> &words = wordsOf(MachineUnit::Select);
  CopyQueryCommand copy =
      std::get<CopyQueryCommand>(*decode(words[find(MachineUnit::Select, Opcode::CopyQuery)]));
  copy.query = addConstant(0);
  insert(MachineUnit::Select, find(MachineUnit::Select, Opcode::EndLoop) + 1, copy);
  expectError("unit 'select', word 9 (copy_query): expected to read the query of its head before "
              "the last row of the head is stored, got a read that this does not wait for; unit "
              "'v', word 4 (store_output) stores the rows");
}

TEST_F(BrokenTest, MaskThatTheProgramDoesNotTake) {
  insert(MachineUnit::Write, 5, WriteCommand{MemoryRegion::Mask, addConstant(0), addConstant(0)});
  expectError(
      "unit 'write', word 5 (write): expected to write a tensor that the program takes, got mask");
}

TEST_F(BrokenTest, BiasThatIsNotLoaded) {
  program = attentionProgram(machine, {.inputs = {MemoryRegion::Bias}});
  remove(MachineUnit::Select, find(MachineUnit::Select, Opcode::LoadBias));
  expectError("expected a command that loads the bias, which the program takes, got none");
}

TEST_F(BrokenTest, MaskThatIsNotWritten) {
  program = attentionProgram(machine, {.inputs = {MemoryRegion::Mask}});
  remove(MachineUnit::Write, 6);
  expectError("unit 'select', word 5 (load_mask): expected a command that writes the mask that it "
              "reads, got none");
}

TEST_F(BrokenTest, InputThatNoCommandKnows) {
  program.inputs = {MemoryRegion::KeyValid};
  expectError("expected a command that writes the key_valid, which the program takes, got none");
}

//===----------------------------------------------------------------------===//
// Programs that are spoilt at random
//===----------------------------------------------------------------------===//

/// Spoils sound programs.
class Mutator {
public:
  explicit Mutator(unsigned seed) : random(seed) {}

  /// One to three changes.
  void mutate(Program &program) {
    for (size_t count = 1 + pick(3); count > 0; --count)
      change(program);
  }
  size_t pick(size_t count) { return random() % count; }

private:
  void change(Program &program) {
    std::vector<CommandWord> &words = program.units[pick(program.units.size())].words;
    auto word = words.begin() + static_cast<ptrdiff_t>(pick(words.size()));
    auto other = words.begin() + static_cast<ptrdiff_t>(pick(words.size()));
    switch (pick(9)) {
    case 0:
      words.erase(word);
      return;
    case 1:
      words.insert(other, CommandWord(*word));
      return;
    case 2:
      std::swap(*word, *other);
      return;
    case 3:
      // To another place.
      std::rotate(std::min(word, other), word < other ? word + 1 : word, std::max(word, other));
      return;
    case 4: {
      int64_t &credits = program.countingQueues[pick(program.countingQueues.size())].credits;
      credits = std::max<int64_t>(credits + static_cast<int64_t>(pick(4)) - 2, 0);
      return;
    }
    case 5: {
      int64_t &depth = program.indexQueues[pick(program.indexQueues.size())].depth;
      depth = std::max<int64_t>(depth + static_cast<int64_t>(pick(4)) - 2, 1);
      return;
    }
    case 6:
      return changeField(program, *word);
    case 7: {
      // A queue of its own for one more credit: acquired in one unit and released in another.
      program.countingQueues.push_back({"more", static_cast<int64_t>(pick(3))});
      words.insert(other, encode(AcquireCommand{
                              static_cast<QueueIndex>(program.countingQueues.size() - 1)}));
      std::vector<CommandWord> &others = program.units[pick(program.units.size())].words;
      others.insert(
          others.begin() + static_cast<ptrdiff_t>(pick(others.size())),
          encode(ReleaseCommand{static_cast<QueueIndex>(program.countingQueues.size() - 1)}));
      return;
    }
    default: {
      // A queue that is gone.
      auto queue = static_cast<QueueIndex>(pick(program.countingQueues.size()));
      for (UnitProgram &unit : program.units) {
        std::erase(unit.words, encode(AcquireCommand{queue}));
        std::erase(unit.words, encode(ReleaseCommand{queue}));
      }
      return;
    }
    }
  }

  void changeField(Program &program, CommandWord &word) {
    const CommandInfo *info = checkedInfo(word);
    if (info->fields.empty())
      return;
    const CommandField &field = info->fields[pick(info->fields.size())];
    size_t values = field.kind == FieldKind::Expr           ? program.expressions.size()
                    : field.kind == FieldKind::OptionalExpr ? program.expressions.size() + 1
                    : field.kind == FieldKind::Queue        ? program.countingQueues.size()
                    : field.kind == FieldKind::IndexQueue   ? program.indexQueues.size()
                                                            : 2;
    CommandWord result;
    writeBits(result, 0, kOpcodeBits, static_cast<uint64_t>(info->opcode));
    for (const CommandField &each : info->fields)
      writeField(result, each, each.name == field.name ? pick(values) : readField(word, each));
    word = result;
  }

  std::mt19937 random;
};

/// What the simulator says of faults that the checks are to find.
bool isFaultOfOrder(const std::string &error) {
  return std::ranges::any_of(
      std::vector<std::string>{"stands still", "overruns queue", "ends with",
                               "as many as ReRAM holds", "not in ReRAM", "before they are written",
                               "in the query buffers"},
      [&](const std::string &part) { return error.find(part) != std::string::npos; });
}

TEST(CheckPropertyTest, WhatIsAcceptedRuns) {
  int accepted = 0, acceptedRefused = 0, undecided = 0, undecidedRefused = 0, refused = 0,
      refusedRan = 0;
  std::map<std::string, int> ran;
  for (unsigned seed = 0; seed < 2500; ++seed) {
    Mutator mutator(seed);
    Machine machine = builtinMachine("s");
    const SoundProgram &sound = kSoundPrograms[mutator.pick(kSoundPrograms.size() - 1)];
    Program program = programOf(sound, machine);
    mutator.mutate(program);
    std::string error;
    if (!verify(CommandStream{{program}}, error))
      continue;
    std::vector<Finding> findings = check(program, machine);
    // The simulator relies on it that queues have one unit at each end.
    if (std::ranges::any_of(findings, [](const Finding &finding) {
          return finding.message.starts_with("expected one unit to") ||
                 finding.message.starts_with("expected to take from two queues");
        }))
      continue;

    // A launch of it, with its time of another kind each time.
    auto size = [&](LaunchParameter parameter, size_t most) {
      int64_t value = program.parameters[static_cast<size_t>(parameter)];
      return value == Program::kDynamic ? static_cast<int64_t>(1 + mutator.pick(most)) : value;
    };
    int64_t group = size(LaunchParameter::Group, 3);
    int64_t heads = program.parameters[static_cast<size_t>(LaunchParameter::Heads)];
    if (heads == Program::kDynamic)
      heads = group * static_cast<int64_t>(1 + mutator.pick(4));
    int64_t batches = size(LaunchParameter::Batches, 3),
            queries = size(LaunchParameter::Queries, 9);
    int64_t keys = size(LaunchParameter::Keys, 9), dim = 8;
    int64_t valueDim =
        size(LaunchParameter::ValueDim, 1) == 1 ? 8 : size(LaunchParameter::ValueDim, 1);
    for (double *time :
         {&machine.timing.tRCD, &machine.timing.tCAS, &machine.timing.tCWD, &machine.timing.tWP,
          &machine.timing.thresholdCycles, &machine.timing.qkLatency,
          &machine.timing.softmaxLatency, &machine.timing.vLatency, &machine.timing.divisionCycles})
      *time = static_cast<double>(mutator.pick(3) == 0 ? mutator.pick(2000) : mutator.pick(10));
    Tensor query({batches, heads, queries, dim}, seed),
        key({batches, heads / group, keys, dim}, seed + 1),
        value({batches, heads / group, keys, valueDim}, seed + 2);
    TestInputs inputs;
    for (MemoryRegion region : program.inputs) {
      if (region == MemoryRegion::KeyValid)
        inputs.keyValid = Mask({batches, 1, 1, keys}, seed);
      else if (region == MemoryRegion::Mask)
        inputs.mask = Mask({1, 1, sound.options.loadsOnce ? 1 : queries, keys}, seed);
      else
        inputs.bias = Tensor({1, heads, sound.options.loadsOnce ? 1 : queries, keys}, seed);
    }
    bool runs = launchUnchecked(program, machine, operandsOf(query, key, value, inputs), {}, error)
                    .has_value();
    std::string report =
        sound.name + ", seed " + std::to_string(seed) + "\n" + textOf(program, findings) + error;
    bool hasError = std::ranges::any_of(findings, [](const Finding &finding) {
      return finding.severity == Finding::Severity::Error;
    });
    if (hasError) {
      ++refused;
      if (runs) {
        ++refusedRan;
        std::string what = findings.front().message;
        ++ran[what.substr(0, 40)];
      }
    } else if (!findings.empty()) {
      ++undecided;
      undecidedRefused += !runs;
    } else {
      ++accepted;
      acceptedRefused += !runs;
      EXPECT_FALSE(!runs && isFaultOfOrder(error)) << report;
      // The other of the two ways in which programs are followed agrees.
      Program launched = program;
      setParameters(launched, {batches, heads, queries, keys, dim, valueDim, group});
      checking::Steps steps(launched);
      checking::Replay replay = checking::replay(steps, machine.structure);
      EXPECT_TRUE(replay.isDone);
      EXPECT_EQ(textOf(program, replay.findings), "") << report;
    }
  }
  std::cout << accepted << " accepted (" << acceptedRefused << " do not run for other reasons), "
            << undecided << " undecided (" << undecidedRefused << " do not run), " << refused
            << " refused (" << refusedRan << " ran in the launch that was tried)\n";
  for (const auto &[what, count] : ran)
    std::cout << count << " of these: " << what << "\n";
  EXPECT_GT(accepted, 100);
  EXPECT_GT(refused, 500);
}

} // namespace
