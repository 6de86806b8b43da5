//===- Nest.h - The one loop nest that units are cut from --------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Units run their loops beside each other. Where loops of several units correspond, their bodies
// make one body, in which each unit has its commands: a nest that is executed once a turn by all of
// them together. What holds for one turn of it then holds for all launches.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_CHECK_NEST_H
#define SPRINTRUNTIME_LIB_CHECK_NEST_H

#include "Form.h"
#include "SprintRuntime/Check.h"
#include "SprintRuntime/CommandStream.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sprint::checking {

/// A queue of either kind.
struct Queue {
  std::string name;
  bool isIndex = false;
  /// What is in it when a launch begins, and what it may hold.
  int64_t initial = 0;
  int64_t capacity = 0;
};

/// What a command does to a queue: it gives a credit or list, or takes one.
struct QueueUse {
  size_t queue;
  bool gives;
};

/// A word of a unit, decoded.
struct Step {
  const CommandInfo *info = nullptr;
  CommandWord word;
  /// For the begin of a loop the index of its end, and the reverse.
  size_t partner = 0;
  std::vector<QueueUse> uses;
};

/// The commands of one unit.
struct UnitSteps {
  MachineUnit unit{};
  std::vector<Step> steps;
};

/// A well-formed program, decoded.
struct Steps {
  explicit Steps(const Program &program);

  const Program &program;
  /// Counting queues, then index queues.
  std::vector<Queue> queues;
  /// In the order of MachineUnit.
  std::vector<UnitSteps> units;
};

/// The value of a command's field of that name; nothing where it has none.
std::optional<uint64_t> fieldOf(const Step &step, std::string_view name);
/// Regions that a command reads, and the one that it writes.
std::vector<MemoryRegion> regionsRead(const Step &step);
std::optional<MemoryRegion> regionWritten(const Step &step);

/// One body of the nest.
struct Body {
  /// The body around it; -1 for the outermost.
  int parent = -1;
  /// How often it runs within a turn of the body around it, and in all.
  Form trips = Form::constant(1);
  Form total = Form::constant(1);
  Form counter;
  /// By queue, what is in it at the begin of every turn.
  std::vector<int64_t> entry;
};

/// A command of the nest.
struct Node {
  size_t unit;
  size_t word;
  int body;
  /// Operands; unknown where the command has none of that name.
  Form batch, head, query;
};

/// A unit that cannot go on.
struct Waiting {
  size_t unit;
  size_t word;
  size_t queue;
  /// It does not wait for the queue's giver but, with a list to put, for its taker: a `fetch` may
  /// have to wait until the list before has been used.
  bool isForRoom;
};

/// A cycle of units that wait for one another, each for the next.
using WaitCycle = std::vector<Waiting>;

/// The nest of a program, with its parameters filled in where they are static.
class Nest {
public:
  explicit Nest(const Steps &steps);

  /// Why there is no nest; empty where there is one. What follows of the nest holds only then,
  /// `cycle` always.
  const std::string &obstacle() const { return reason; }
  /// Units that can never go on.
  const WaitCycle &cycle() const { return waitCycle; }

  const std::vector<Body> &bodies() const { return allBodies; }
  /// Nodes of a unit stand in its order; each command that ever runs is one.
  const std::vector<Node> &nodes() const { return allNodes; }
  /// Whether `inner` is `outer` or inside of it.
  bool isInside(int inner, int outer) const;
  /// The innermost body that both are inside of.
  int commonBody(int one, int other) const;

private:
  /// A unit on its way through one turn of a body.
  struct Walker {
    size_t unit;
    size_t word;
    size_t end;
    std::vector<Form> counters;
  };

  bool run(int body, std::vector<Walker> &walkers);
  /// Goes on by one command that needs no other unit's loop. Returns whether it could.
  bool step(int body, Walker &walker);
  /// Runs the loops at which `joined` stand, as one.
  bool runLoop(int body, const std::vector<Walker *> &joined);
  std::optional<Waiting> findWaiting(const Walker &walker) const;
  void findCycle(const std::vector<Walker> &walkers);
  bool usesQueues(const Walker &walker) const;
  void fail(const std::string &why) {
    if (reason.empty())
      reason = why;
  }
  std::string place(size_t unit, size_t word) const;

  const Steps &steps;
  FormBuilder forms;
  std::vector<int64_t> state;
  std::vector<Body> allBodies;
  std::vector<Node> allNodes;
  std::string reason;
  WaitCycle waitCycle;
  int64_t effort = 0;
};

} // namespace sprint::checking

#endif // SPRINTRUNTIME_LIB_CHECK_NEST_H
