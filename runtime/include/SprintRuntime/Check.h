//===- Check.h - What can be said of a program without running it -*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Faults of a program that do not depend on the numbers of a launch (docs/stream.md, "What is
// checked"). Nothing here throws.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_CHECK_H
#define SPRINTRUNTIME_CHECK_H

#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/Machine.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sprint {

/// A command of a program.
struct CommandPlace {
  MachineUnit unit{};
  /// Index of its word in the unit's program.
  size_t word = 0;
  bool operator==(const CommandPlace &) const = default;
};

/// What is wrong with a program, or cannot be decided.
struct Finding {
  enum class Severity {
    Error,     ///< There is a launch, or a timing of one, in which it goes wrong.
    Undecided, ///< It may go wrong; a launch shows whether it does.
  };
  /// Another command that has to do with it.
  struct Note {
    CommandPlace place;
    std::string message;
    bool operator==(const Note &) const = default;
  };

  Severity severity = Severity::Error;
  /// Nothing where it is about the program as a whole.
  std::optional<CommandPlace> place;
  std::string message;
  std::vector<Note> notes;
  bool operator==(const Finding &) const = default;
};

/// Checks a program for any launch that its parameters allow, on `machine`: static sizes fit the
/// machine; units run commands that they have; queues have one unit at each end, are balanced and
/// hold what is put into them; no units wait for one another; buffers hold what enters them; codes
/// are read after they were written and before others take their place. Without a finding a launch
/// neither stands still nor overruns a queue or buffer, whatever its numbers and the machine's
/// timings are.
std::vector<Finding> check(const Program &program, const Machine &machine) noexcept;

/// "error" or "undecided".
std::string_view toString(Finding::Severity severity);

/// A finding as one line: place, message, notes.
std::string toString(const Program &program, const Finding &finding);

} // namespace sprint

#endif // SPRINTRUNTIME_CHECK_H
