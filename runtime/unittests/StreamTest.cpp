//===- StreamTest.cpp - Command words and the container -------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CommandStream_generated.h"
#include "SprintRuntime/CommandStream.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace sprint;

namespace {

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

TEST(CommandWordTest, fieldsFollowTheOpcodeLowestBitsFirst) {
  CommandWord word =
      encode(FetchCommand{MemoryRegion::Value, Residency::Pinned, IndexQueueIndex(0x07),
                          IndexQueueIndex(0x09), ExprIndex(0xabcd), ExprIndex(0x1234)});
  // head (its low byte) | batch | to | from | residency | region | opcode
  EXPECT_EQ(word.low, 0x34'abcd'09'07'01'02'12u);
  // The high byte of `head`, which straddles the halves.
  EXPECT_EQ(word.high, 0x12u);
  EXPECT_EQ(encode(EndLoopCommand{}), (CommandWord{0x02, 0}));
}

TEST(CommandWordTest, decodeUndoesEncode) {
  std::mt19937_64 random(1);
  for (const CommandInfo &info : commandInfos) {
    for (int round = 0; round < 100; ++round) {
      CommandWord word;
      writeBits(word, 0, kOpcodeBits, static_cast<uint64_t>(info.opcode));
      for (const CommandField &field : info.fields) {
        uint64_t value = random() & ((uint64_t(1) << field.width) - 1);
        while (!isEncodable(field.kind, value))
          value >>= 1;
        writeField(word, field, value);
        EXPECT_EQ(readField(word, field), value);
      }
      std::optional<Command> command = decode(word);
      ASSERT_TRUE(command) << info.mnemonic;
      EXPECT_EQ(encode(*command), word) << info.mnemonic;
    }
  }
}

TEST(CommandWordTest, fieldsDoNotOverlap) {
  for (const CommandInfo &info : commandInfos) {
    unsigned end = kOpcodeBits;
    for (const CommandField &field : info.fields) {
      EXPECT_EQ(field.offset, end) << info.mnemonic << " " << field.name;
      end += field.width;
    }
    EXPECT_LE(end, 128u) << info.mnemonic;
  }
}

TEST(CommandWordTest, decodeRefusesWhatEncodeDoesNotMake) {
  for (const CommandInfo &info : commandInfos) {
    CommandWord word;
    writeBits(word, 0, kOpcodeBits, static_cast<uint64_t>(info.opcode));
    unsigned end = kOpcodeBits;
    for (const CommandField &field : info.fields) {
      end += field.width;
      if (isEncodable(field.kind, 0xff))
        continue;
      CommandWord other = word;
      writeField(other, field, 0xff);
      EXPECT_FALSE(decode(other)) << info.mnemonic << " " << field.name;
    }
    for (unsigned bit = end; bit < 128; ++bit) {
      CommandWord other = word;
      writeBits(other, bit, 1, 1);
      EXPECT_FALSE(decode(other)) << info.mnemonic << " bit " << bit;
    }
  }
  for (uint64_t opcode = 0; opcode < 256; ++opcode)
    EXPECT_EQ(decode({opcode, 0}).has_value(), findCommand(opcode) != nullptr) << opcode;
}

//===----------------------------------------------------------------------===//
// Streams
//===----------------------------------------------------------------------===//

/// Two loops, both kinds of queues, an expression of every kind of node.
CommandStream sample() {
  using Kind = ExprNode::Kind;
  Program program;
  program.name = "attention_0";
  program.machine = "s";
  program.structure = "0123456789abcdef";
  program.parameters = {1, 2, Program::kDynamic, Program::kDynamic, 64, 64, 2, Program::kDynamic};
  program.scale = 0.125;
  program.thresholds = {-1.5f, -std::numeric_limits<float>::infinity()};
  program.inputs = {MemoryRegion::KeyValid, MemoryRegion::Bias};
  program.countingQueues = {{"row_slots", 2}};
  program.indexQueues = {{"kept_keys", 1}, {"kept_values", 4}};
  program.expressions = {
      {Kind::Constant, 0, 0, 0},  {Kind::Counter, 0, 0, 0},  {Kind::Counter, 0, 0, 1},
      {Kind::Parameter, 0, 0, 3}, {Kind::Constant, 0, 0, 1}, {Kind::Add, 2, 4, 0},
      {Kind::Min, 5, 3, 0},       {Kind::Max, 6, 0, 0},      {Kind::Mul, 2, 3, 0},
      {Kind::FloorDiv, 8, 3, 0},  {Kind::CeilDiv, 8, 4, 0},  {Kind::Mod, 8, 4, 0},
      {Kind::Parameter, 0, 0, 1}, {Kind::Parameter, 0, 0, 2}};
  UnitProgram select{MachineUnit::Select, {}};
  for (const Command &command : std::initializer_list<Command>{
           LoopCommand{ExprIndex(12)}, LoopCommand{ExprIndex(13)}, AcquireCommand{QueueIndex(0)},
           LoadMaskCommand{MemoryRegion::KeyValid, ExprIndex(0), ExprIndex(1), ExprIndex(0)},
           LoadBiasCommand{ExprIndex(0), ExprIndex(1), ExprIndex(2)},
           CopyQueryCommand{ExprIndex(0), ExprIndex(1), ExprIndex(2)},
           ThresholdCommand{ExprIndex(0), ExprIndex(1), ExprIndex(11), ExprIndex(7)},
           ReadPruningCommand{IndexQueueIndex(0), IndexQueueIndex(1)}, EndLoopCommand{},
           EndLoopCommand{}})
    select.words.push_back(encode(command));
  UnitProgram write{MachineUnit::Write,
                    {encode(WriteCommand{MemoryRegion::Key, ExprIndex(0), ExprIndex(4)})}};
  program.units = {select, write};
  Program dense = program;
  dense.name = "attention_1";
  dense.thresholds.clear();
  dense.inputs.clear();
  return {{program, dense}};
}

TEST(StreamTest, parseUndoesSerialize) {
  std::string error;
  std::vector<uint8_t> bytes = serialize(sample());
  std::optional<CommandStream> parsed = parse(bytes, error);
  ASSERT_TRUE(parsed) << error;
  EXPECT_EQ(*parsed, sample());
  EXPECT_EQ(serialize(*parsed), bytes);
}

/// A change that makes the first program of the sample malformed, and a part of the message that
/// says so.
struct Malformed {
  const char *message;
  std::function<void(Program &)> change;
};

void PrintTo(const Malformed &sample, std::ostream *stream) { *stream << sample.message; }

class MalformedTest : public testing::TestWithParam<Malformed> {};

TEST_P(MalformedTest, isRefused) {
  CommandStream stream = sample();
  GetParam().change(stream.programs[0]);
  std::string error;
  EXPECT_FALSE(verify(stream, error));
  EXPECT_NE(error.find(GetParam().message), std::string::npos) << error;
  error.clear();
  EXPECT_FALSE(parse(serialize(stream), error));
  EXPECT_NE(error.find(GetParam().message), std::string::npos) << error;
}

/// Puts `command` in front of the words of the program's first unit.
void prepend(Program &program, const Command &command) {
  std::vector<CommandWord> &words = program.units[0].words;
  words.insert(words.begin(), encode(command));
}

using Kind = ExprNode::Kind;
const Malformed kMalformed[] = {
    {"program 0: expected the name", [](Program &p) { p.name.clear(); }},
    {"program 0: expected the name", [](Program &p) { p.name = "tab\t"; }},
    {"two named 'attention_1'", [](Program &p) { p.name = "attention_1"; }},
    {"name of the machine", [](Program &p) { p.machine = std::string(256, 'm'); }},
    {"16 hexadecimal digits", [](Program &p) { p.structure = "0123456789ABCDEF"; }},
    {"'batches' between 1 and 2147483648, got 0", [](Program &p) { p.parameters[0] = 0; }},
    {"'heads' between 1 and 2147483648, got -2", [](Program &p) { p.parameters[1] = -2; }},
    {"'value_dim' between", [](Program &p) { p.parameters[5] = kMaxMagnitude + 1; }},
    {"expected a scale", [](Program &p) { p.scale = 0x1p101; }},
    {"expected a scale", [](Program &p) { p.scale = -1; }},
    {"expected a scale", [](Program &p) { p.scale = std::nan(""); }},
    {"expected one threshold, or one for each of 2 heads, got 3",
     [](Program &p) { p.thresholds.push_back(0); }},
    {"expected one threshold, as the number of heads is open, got 2",
     [](Program &p) { p.parameters[1] = Program::kDynamic; }},
    {"got NaN", [](Program &p) { p.thresholds[1] = std::nanf(""); }},
    {"expected inputs among key_valid, mask, bias, query_segments and key_segments, each at most "
     "once and in this order, got 'key'",
     [](Program &p) { p.inputs[0] = MemoryRegion::Key; }},
    {"in this order, got 'key_valid'", [](Program &p) { p.inputs[1] = MemoryRegion::KeyValid; }},
    {"in this order, got 'mask'", [](Program &p) { p.inputs.push_back(MemoryRegion::Mask); }},
    {"in this order, got 8", [](Program &p) { p.inputs[1] = static_cast<MemoryRegion>(8); }},
    {"expected 'query_segments' among the inputs beside 'key_segments', got none",
     [](Program &p) { p.inputs[1] = MemoryRegion::KeySegments; }},
    {"name of a queue", [](Program &p) { p.indexQueues[0].name = "\xff"; }},
    {"two named 'row_slots'", [](Program &p) { p.indexQueues[0].name = "row_slots"; }},
    {"credits of 'row_slots' between", [](Program &p) { p.countingQueues[0].credits = -1; }},
    {"depth of 'kept_keys' between", [](Program &p) { p.indexQueues[0].depth = 0; }},
    {"depth of 'kept_keys' between", [](Program &p) { p.indexQueues[0].depth = INT64_MAX; }},
    {"at most 256 queues of a kind",
     [](Program &p) {
       for (int i = 0; i < 256; ++i)
         p.countingQueues.push_back({"q" + std::to_string(i), 0});
     }},
    {"expression 0: expected a constant between",
     [](Program &p) { p.expressions[0].value = kMaxMagnitude + 1; }},
    {"expression 1: expected a loop counter between",
     [](Program &p) { p.expressions[1].value = 8; }},
    {"expression 3: expected a launch parameter between",
     [](Program &p) { p.expressions[3].value = kNumLaunchParameters; }},
    {"expression 3: expected a leaf to have no operands",
     [](Program &p) { p.expressions[3].lhs = 1; }},
    {"expression 5: expected operands to be earlier expressions, got 5",
     [](Program &p) { p.expressions[5].rhs = 5; }},
    {"expression 9: expected operands to be earlier expressions, got 99",
     [](Program &p) { p.expressions[9].rhs = 99; }},
    {"expression 6: expected a node with operands to have no value",
     [](Program &p) { p.expressions[6].value = 1; }},
    {"expression 9: expected to divide by", [](Program &p) { p.expressions[9].rhs = 0; }},
    {"expression 11: expected to divide by", [](Program &p) { p.expressions[11].rhs = 5; }},
    {"expression 14: expected a kind of node, got 10",
     [](Program &p) { p.expressions.push_back({static_cast<Kind>(10), 0, 0, 0}); }},
    {"expected at most 256 nodes",
     [](Program &p) {
       for (uint32_t i = 13; i < 100; ++i)
         p.expressions.push_back({Kind::Add, i, i, 0});
     }},
    {"expected at most 65535 expressions",
     [](Program &p) { p.expressions.resize(kMaxExpressions + 1); }},
    {"expected a unit, got 7",
     [](Program &p) { p.units[1].unit = static_cast<MachineUnit>(kNumMachineUnits); }},
    {"got 'select' twice", [](Program &p) { p.units[1].unit = MachineUnit::Select; }},
    {"unit 'select': word 0: expected a command, got opcode 0",
     [](Program &p) { p.units[0].words[0] = {}; }},
    {"unit 'select': word 9: expected the operands of 'end_loop'",
     [](Program &p) { p.units[0].words[9].high = 1; }},
    {"unit 'write': word 0: expected the operands of 'write'",
     [](Program &p) { p.units[1].words[0].low |= 0xff00; }},
    {"expected a command of this unit, got 'write'",
     [](Program &p) { prepend(p, WriteCommand{}); }},
    {"expected a loop to end", [](Program &p) { prepend(p, EndLoopCommand{}); }},
    {"expected every loop to end, got 1 without an end",
     [](Program &p) { p.units[0].words.pop_back(); }},
    {"expected at most 8 nested loops",
     [](Program &p) {
       for (int i = 0; i < 7; ++i) {
         prepend(p, LoopCommand{});
         p.units[0].words.push_back(encode(EndLoopCommand{}));
       }
     }},
    {"operand 'trip' of 'loop': no expression 14",
     [](Program &p) { prepend(p, LoopCommand{ExprIndex(14)}); }},
    {"operand 'query' of 'copy_query': expected counters of the 0 enclosing loops, got i0",
     [](Program &p) { prepend(p, CopyQueryCommand{ExprIndex(0), ExprIndex(0), ExprIndex(1)}); }},
    {"operand 'trip' of 'loop': expected counters of the 0 enclosing loops, got i0",
     [](Program &p) { prepend(p, LoopCommand{ExprIndex(1)}); }},
    {"operand 'queue' of 'acquire': no counting queue 1",
     [](Program &p) { prepend(p, AcquireCommand{QueueIndex(1)}); }},
    {"operand 'values_to' of 'read_pruning': no index queue 2",
     [](Program &p) { prepend(p, ReadPruningCommand{IndexQueueIndex(0), IndexQueueIndex(2)}); }},
};

INSTANTIATE_TEST_SUITE_P(Stream, MalformedTest, testing::ValuesIn(kMalformed));

void expectRefused(const std::vector<uint8_t> &bytes, const char *message) {
  std::string error;
  EXPECT_FALSE(parse(bytes, error));
  EXPECT_NE(error.find(message), std::string::npos) << error;
}

TEST(StreamTest, refusesWhatIsNoStream) {
  expectRefused(serialize({}), "expected at least one program, got none");
  expectRefused({}, "expected a command stream");
  expectRefused({'S', 'P', 'R', 'T'}, "expected a command stream");
  expectRefused(std::vector<uint8_t>(100), "begins with the identifier 'SPRT'");
  expectRefused(std::vector<uint8_t>(kMaxStreamBytes + 1), "at most 67108864 bytes");
}

TEST(StreamTest, refusesEveryTruncation) {
  std::vector<uint8_t> bytes = serialize(sample());
  std::string error;
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse(std::span(bytes).first(size), error)) << size;
}

TEST(StreamTest, refusesBytesBehindTheEnd) {
  std::vector<uint8_t> bytes = serialize(sample());
  bytes.push_back(0);
  expectRefused(bytes, "not in canonical form");
}

/// A stream of `count` programs that share all of their parts.
std::vector<uint8_t> buildStream(uint32_t version, bool residentCache, size_t parameters,
                                 size_t words, size_t count) {
  flatbuffers::FlatBufferBuilder builder;
  auto name = builder.CreateString("name");
  auto structure = builder.CreateString("0123456789abcdef");
  auto values = builder.CreateVector(std::vector<int64_t>(parameters, 1));
  std::vector<flatbuffers::Offset<container::Unit>> units{container::CreateUnit(
      builder, 0, builder.CreateVectorOfStructs(std::vector<container::Word>(words)))};
  auto program = container::CreateProgram(
      builder, name, name, structure, values, 1.0, builder.CreateVector(std::vector<float>()),
      builder.CreateVector(std::vector<uint8_t>()),
      builder.CreateVector(std::vector<flatbuffers::Offset<container::CountingQueue>>()),
      builder.CreateVector(std::vector<flatbuffers::Offset<container::IndexQueue>>()),
      builder.CreateVectorOfStructs(std::vector<container::ExprNode>()),
      builder.CreateVector(units), residentCache);
  container::FinishStreamBuffer(
      builder,
      container::CreateStream(builder, version, builder.CreateVector(std::vector(count, program))));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

TEST(StreamTest, refusesWhatThisVersionDoesNotKnow) {
  expectRefused(buildStream(0, false, 7, 0, 1),
                "expected a command stream of version 1 to 3, got version 0");
  expectRefused(buildStream(4, false, 7, 0, 1),
                "expected a command stream of version 1 to 3, got version 4");
  expectRefused(buildStream(1, true, 7, 0, 1),
                "expected version 3, the first with the resident cache of program 'name'");
  expectRefused(buildStream(1, false, 6, 0, 1), "program 0: expected 7 launch parameters, got 6");
}

TEST(StreamTest, refusesSharedParts) {
  expectRefused(buildStream(1, false, 7, 100, 50), "parts of the file overlap");
}

TEST(StreamTest, refusesAnotherLayoutOfTheSameStream) {
  // Its name and the machine's share a string.
  expectRefused(buildStream(1, false, 7, 0, 1), "not in canonical form");
}

TEST(StreamTest, damageIsRefusedOrAnotherStream) {
  const std::vector<uint8_t> bytes = serialize(sample());
  std::mt19937 random(1);
  std::string error;
  int accepted = 0;
  for (int round = 0; round < 50000; ++round) {
    std::vector<uint8_t> damaged = bytes;
    for (unsigned flips = 1 + random() % 4; flips > 0; --flips)
      damaged[random() % damaged.size()] ^= static_cast<uint8_t>(1u << random() % 8);
    if (std::optional<CommandStream> stream = parse(damaged, error)) {
      ++accepted;
      EXPECT_EQ(serialize(*stream), damaged);
    }
  }
  // Names, numbers and operands may change without harm, so that both ends are seen.
  EXPECT_GT(accepted, 100);
  EXPECT_LT(accepted, 40000);
}

} // namespace
