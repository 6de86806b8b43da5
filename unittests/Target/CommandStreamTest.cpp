//===- CommandStreamTest.cpp - Programs from and to command streams -------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Target/CommandStream.h"
#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace ::sprint;
using Kind = ExprNode::Kind;

namespace {

class CommandStreamTest : public testing::Test {
protected:
  CommandStreamTest()
      : handler(&context, [this](Diagnostic &diagnostic) { message += diagnostic.str(); }) {
    context.loadDialect<sprint_isa::SprintISADialect>();
  }

  /// Whether a stream becomes a module, which becomes the same stream.
  bool roundTrips(const CommandStream &stream) {
    std::string error;
    EXPECT_TRUE(verify(stream, error)) << error;
    OwningOpRef<ModuleOp> module =
        sprint_isa::translateFromCommandStream(stream, UnknownLoc::get(&context));
    if (!module)
      return false;
    FailureOr<CommandStream> again = sprint_isa::translateToCommandStream(*module);
    return succeeded(again) && *again == stream;
  }

  MLIRContext context;
  std::string message;
  ScopedDiagnosticHandler handler;
};

/// One unit that runs `commands`, inside two loops.
CommandStream makeStream(std::vector<ExprNode> expressions, std::vector<Command> commands) {
  Program program;
  program.name = "p";
  program.machine = "s";
  program.structure = "0123456789abcdef";
  program.parameters.fill(Program::kDynamic);
  program.expressions = std::move(expressions);
  UnitProgram unit{MachineUnit::V, {}};
  for (const Command &command : commands)
    unit.words.push_back(encode(command));
  program.units = {unit};
  return {{program}};
}

/// Two loops, of whose counters and `last` an operand is made.
CommandStream makeNest(std::vector<ExprNode> nodes, unsigned operand) {
  std::vector<ExprNode> expressions{
      {Kind::Parameter, 0, 0, 0}, {Kind::Counter, 0, 0, 0}, {Kind::Counter, 0, 0, 1}};
  expressions.insert(expressions.end(), nodes.begin(), nodes.end());
  return makeStream(std::move(expressions),
                    {LoopCommand{ExprIndex(0)}, LoopCommand{ExprIndex(1)},
                     StoreOutputCommand{ExprIndex(1), ExprIndex(2), ExprIndex(operand)},
                     EndLoopCommand{}, EndLoopCommand{}});
}

TEST_F(CommandStreamTest, encodesByHand) {
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(R"mlir(
    sprint_isa.program @p machine("s", "0123456789abcdef")
        parameters(batches = 1, heads = ?, queries = 3, keys = 4, head_dim = 5, value_dim = 6, group = 1)
        scale(0.5) thresholds([-2.0]) {
      sprint_isa.unit v {
        sprint_isa.release queue(@b)
        sprint_isa.loop trip(keys - 1) {
          sprint_isa.store_output batch(0) head(min(i0 * 2, keys, 7)) query(i0)
        }
      }
      sprint_isa.counting_queue @a credits(1)
      sprint_isa.counting_queue @b credits(2)
      sprint_isa.index_queue @c depth(3)
    })mlir",
                                                             &context);
  ASSERT_TRUE(module);
  FailureOr<CommandStream> stream = sprint_isa::translateToCommandStream(*module);
  ASSERT_TRUE(succeeded(stream));

  Program program;
  program.name = "p";
  program.machine = "s";
  program.structure = "0123456789abcdef";
  program.parameters = {1, Program::kDynamic, 3, 4, 5, 6, 1, Program::kDynamic};
  program.scale = 0.5;
  program.thresholds = {-2.0f};
  program.countingQueues = {{"a", 1}, {"b", 2}};
  program.indexQueues = {{"c", 3}};
  program.expressions = {
      {Kind::Parameter, 0, 0, 3}, // 0: keys
      {Kind::Constant, 0, 0, -1}, // 1
      {Kind::Add, 0, 1, 0},       // 2: keys - 1
      {Kind::Constant, 0, 0, 0},  // 3
      {Kind::Counter, 0, 0, 0},   // 4: i0
      {Kind::Constant, 0, 0, 2},  // 5
      {Kind::Mul, 4, 5, 0},       // 6: i0 * 2
      {Kind::Min, 6, 0, 0},       // 7
      {Kind::Constant, 0, 0, 7},  // 8
      {Kind::Min, 7, 8, 0},       // 9
  };
  program.units = {{MachineUnit::V,
                    {{0x01'04, 0},             // release @b
                     {0x0002'01, 0},           // loop
                     {0x0004'0009'0003'33, 0}, // store_output
                     {0x02, 0}}}};             // end_loop
  EXPECT_EQ(*stream, CommandStream{{program}});
}

TEST_F(CommandStreamTest, nestedLoops) {
  EXPECT_TRUE(roundTrips(makeNest({}, 2))) << message;
  EXPECT_TRUE(roundTrips(makeNest({{Kind::Max, 1, 2, 0}}, 3))) << message;
}

TEST_F(CommandStreamTest, refusesMinimumInsideOthers) {
  EXPECT_FALSE(roundTrips(makeNest({{Kind::Min, 1, 2, 0}, {Kind::Add, 3, 1, 0}}, 4)));
  EXPECT_NE(message.find("program 'p': expected expression 4 to be affine"), std::string::npos)
      << message;
}

TEST_F(CommandStreamTest, refusesMinimumOfMaximum) {
  EXPECT_FALSE(roundTrips(makeNest({{Kind::Min, 1, 2, 0}, {Kind::Max, 3, 1, 0}}, 4)));
  EXPECT_NE(message.find("expected expression 4 to be affine"), std::string::npos) << message;
}

TEST_F(CommandStreamTest, refusesMinimumOnTheRight) {
  EXPECT_FALSE(roundTrips(makeNest({{Kind::Min, 1, 2, 0}, {Kind::Min, 1, 3, 0}}, 4)));
  EXPECT_NE(message.find("expected expression 4 to be affine"), std::string::npos) << message;
}

TEST_F(CommandStreamTest, refusesProductsOfCounters) {
  EXPECT_FALSE(roundTrips(makeNest({{Kind::Mul, 1, 2, 0}}, 3)));
  EXPECT_NE(message.find("expected expression 3 to be affine"), std::string::npos) << message;
}

TEST_F(CommandStreamTest, refusesUnfoldedExpressions) {
  // 1 + i0, which the text would give as i0 + 1.
  EXPECT_FALSE(roundTrips(makeNest({{Kind::Constant, 0, 0, 1}, {Kind::Add, 3, 1, 0}}, 4)));
  EXPECT_NE(message.find("expected expressions folded"), std::string::npos) << message;
}

TEST_F(CommandStreamTest, refusesUnusedExpressions) {
  EXPECT_FALSE(roundTrips(makeNest({{Kind::Constant, 0, 0, 1}}, 2)));
  EXPECT_NE(message.find("expected expressions folded, used"), std::string::npos) << message;
}

TEST_F(CommandStreamTest, refusesRepeatedExpressions) {
  EXPECT_FALSE(roundTrips(makeNest({{Kind::Counter, 0, 0, 1}}, 3)));
  EXPECT_NE(message.find("expected expressions folded"), std::string::npos) << message;
}

} // namespace
