//===- Queues.h - Queues between units, in time ------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_TIMING_QUEUES_H
#define SPRINTRUNTIME_LIB_TIMING_QUEUES_H

#include "Durations.h"
#include "SprintRuntime/Commands.h"
#include "Support/Ring.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sprint {

/// Units, a bit for each by MachineUnit.
using UnitSet = uint32_t;

/// The credits of a counting queue.
struct TimedCredits {
  std::string_view name;
  /// Those that are left of the ones that were there from the begin.
  int64_t initial = 0;
  /// Times from which the others are there, ascending, as one unit alone releases them.
  Ring<Time> times;

  /// Who waits for one.
  UnitSet waiting = 0;

  int64_t count() const { return initial + static_cast<int64_t>(times.size()); }
};

/// When the tokens of a list come that were not on chip, in both passes, on each CORELET.
struct TokenArrivals {
  std::vector<std::vector<Time>> first, again;

  explicit TokenArrivals(int64_t corelets) : first(corelets), again(corelets) {}
  void clear() {
    for (auto *pass : {&first, &again})
      for (std::vector<Time> &times : *pass)
        times.clear();
  }
  void sort() {
    for (auto *pass : {&first, &again})
      for (std::vector<Time> &times : *pass)
        std::ranges::sort(times);
  }
};

/// A list, or the weights of one, on its way between units.
struct TimedList {
  /// When it can be taken.
  Time available = 0;
  /// When the last token or weight has come.
  Time complete = 0;
  /// When each token comes; null where nobody looks.
  const TokenArrivals *arrivals = nullptr;
};

/// An index queue. Since a unit is followed as far as it can go, one end may be known for later
/// times than the other.
struct TimedQueue {
  std::string_view name;
  /// Lists that it holds.
  int64_t depth = 1;
  Ring<TimedList> lists;
  int64_t puts = 0;
  /// Lists whose use has ended, and when the last did.
  int64_t uses = 0;
  Time lastUse = 0;
  /// Times of the puts, beyond the depth, and of the takes that are still to be compared. One of
  /// the two is empty.
  Ring<Time> putTimes, takeTimes;
  /// The unit that puts lists there, for messages.
  MachineUnit producer{};
  /// Who waits for a list, or for the use of one to end.
  UnitSet waiting = 0;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_TIMING_QUEUES_H
