//===- Bus.h - The bus between memory and chip -------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_TIMING_BUS_H
#define SPRINTRUNTIME_LIB_TIMING_BUS_H

#include "Durations.h"

#include <algorithm>

namespace sprint {

/// All channels together, which serve one request at a time.
class Bus {
public:
  /// Serves a request that is there at `time` for `duration`. Returns when that begins.
  Time serve(Time time, Time duration) {
    Time start = std::max(time, free);
    free = start + duration;
    busy += duration;
    return start;
  }
  /// The time in which it moved something.
  Time busyTime() const { return busy; }

private:
  Time free = 0;
  Time busy = 0;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_TIMING_BUS_H
