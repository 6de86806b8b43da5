//===- Rules.h - Rules on programs -------------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_CHECK_RULES_H
#define SPRINTRUNTIME_LIB_CHECK_RULES_H

#include "Nest.h"
#include "SprintRuntime/Check.h"
#include "SprintRuntime/Machine.h"

#include <cstddef>
#include <string>
#include <vector>

namespace sprint::checking {

/// Findings after which a rule on each command says no more: a stream has room for millions of
/// commands.
inline constexpr size_t kMaxFindings = 1024;

/// A finding about a command.
Finding errorAt(CommandPlace place, std::string message);
/// A command, as notes and messages name it.
std::string describe(const Steps &steps, CommandPlace place);
/// Calls `function` with the place and the step of every command.
template <typename Function> void forEachStep(const Steps &steps, Function function) {
  for (const UnitSteps &unit : steps.units)
    for (size_t word = 0; word < unit.steps.size(); ++word)
      function(CommandPlace{unit.unit, word}, unit.steps[word]);
}

/// How many of something a machine holds, or lets be in work, and what goes in and comes out.
struct Buffer {
  /// "rows of scores", for messages.
  const char *what;
  int64_t capacity;
};
inline Buffer scoreRows(const Structure &structure) {
  return {"rows of scores", structure.scoreRows};
}
inline Buffer queryBuffer(const Structure &structure) {
  return {"queries in the query buffers", structure.queryBufferQueries};
}
inline Buffer residentHeads(const Structure &structure) {
  return {"key heads in ReRAM", structure.residentHeads};
}

// Messages that say the same of the nest and of a replay.
std::string overrunMessage(const Queue &queue);
std::string bufferMessage(const Buffer &buffer);
std::string unwrittenMessage(MemoryRegion region);
std::string replacedMessage(MemoryRegion region);
std::string unloadedMessage();

/// One unit at each end of every queue, and no command that takes twice from one.
void checkOwners(const Steps &steps, std::vector<Finding> &findings);
/// What comes with a launch is what commands write and read.
void checkInputs(const Steps &steps, std::vector<Finding> &findings);
/// What goes into each queue comes out.
void checkBalance(const Steps &steps, std::vector<Finding> &findings);
/// What follows of the nest: capacities, and codes that are there when they are read. What it
/// cannot say is undecided.
void checkNest(const Steps &steps, const Nest &nest, const Structure &structure,
               std::vector<Finding> &findings);

/// What one launch, of any timing, shows.
struct Replay {
  /// It ran to its end or until it found something.
  bool isDone = false;
  /// The launch that the program's static parameters leave no choice but.
  bool isOnlyOne = false;
  std::vector<Finding> findings;
};
Replay replay(const Steps &steps, const Structure &structure);

} // namespace sprint::checking

#endif // SPRINTRUNTIME_LIB_CHECK_RULES_H
