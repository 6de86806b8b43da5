//===- Sequencer.h - Command sequences of the units --------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What all share that follow a program: its words decoded, and cursors that follow loops.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_WALK_SEQUENCER_H
#define SPRINTRUNTIME_LIB_WALK_SEQUENCER_H

#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/Simulator.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace sprint {

/// Why a launch is refused. It does not leave the simulator.
struct LaunchFailure {
  std::string message;
};

/// The counters of the loops around a command, the outermost first.
using Counters = std::array<int64_t, kMaxLoopDepth>;

/// An expression with the launch's parameters filled in.
class Expression {
public:
  Expression() = default;
  Expression(const Program &program, uint32_t root, const LaunchShape &shape);

  int64_t evaluate(const Counters &counters) const {
    // Most are a counter or a constant.
    if (form == ExprNode::Kind::Counter)
      return counters[value];
    return form == ExprNode::Kind::Constant ? value : evaluateSteps(counters);
  }
  /// The least and the largest value where each counter is between 0 and the number in `counters`.
  /// Returns false where an intermediate value could leave +-2^62.
  bool bounds(const Counters &counters, int64_t &least, int64_t &largest) const;
  int64_t nodes() const { return static_cast<int64_t>(steps.size()); }

private:
  int64_t evaluateSteps(const Counters &counters) const;

  struct Step {
    ExprNode::Kind kind;
    int64_t value;
  };
  /// In postfix order.
  std::vector<Step> steps;
  /// The kind of the whole, and the value of a counter's or constant's only step.
  ExprNode::Kind form = ExprNode::Kind::Add;
  int64_t value = 0;
};

/// The commands of one unit.
struct DecodedUnit {
  MachineUnit unit;
  std::vector<Command> commands;
  /// For the begin of a loop the index of its end, and the reverse.
  std::vector<size_t> partners;
};

/// A program that is ready to run for one shape.
class DecodedProgram {
public:
  /// `program` is well-formed (`verify`) and outlives this. Throws LaunchFailure where it could run
  /// too many steps.
  DecodedProgram(const Program &program, const LaunchShape &shape);

  const Program &source() const { return program; }
  const std::vector<DecodedUnit> &units() const { return decoded; }
  int64_t evaluate(ExprIndex index, const Counters &counters) const {
    return expressions[static_cast<size_t>(index)].evaluate(counters);
  }
  const std::string &name(QueueIndex queue) const {
    return program.countingQueues[static_cast<size_t>(queue)].name;
  }
  const std::string &name(IndexQueueIndex queue) const {
    return program.indexQueues[static_cast<size_t>(queue)].name;
  }
  int64_t depth(IndexQueueIndex queue) const {
    return program.indexQueues[static_cast<size_t>(queue)].depth;
  }

private:
  void compileExpressions(const DecodedUnit &unit, const LaunchShape &shape);
  /// Throws LaunchFailure where all units together could run more than `most` steps.
  void checkSteps(__int128 most) const;

  const Program &program;
  std::vector<DecodedUnit> decoded;
  /// By ExprIndex; empty where no command uses it.
  std::vector<Expression> expressions;
};

/// Where a unit is in its commands.
class Cursor {
public:
  Cursor(const DecodedProgram &program, const DecodedUnit &unit) : program(&program), unit(&unit) {}

  bool isDone() const { return index == unit->commands.size(); }
  const Command &command() const { return unit->commands[index]; }
  /// Index of the command's word.
  size_t word() const { return index; }
  MachineUnit machineUnit() const { return unit->unit; }
  int64_t evaluate(ExprIndex expression) const { return program->evaluate(expression, counters); }

  /// Goes to the next command.
  void advance() { ++index; }
  /// Begins a loop, or goes past it where it never runs.
  void beginLoop(const LoopCommand &loop);
  /// Ends one turn of the innermost loop.
  void endLoop();

  /// The unit, the command and the counters, for messages.
  std::string place() const;

private:
  const DecodedProgram *program;
  const DecodedUnit *unit;
  size_t index = 0;
  int depth = 0;
  Counters counters{};
  Counters trips{};
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_WALK_SEQUENCER_H
