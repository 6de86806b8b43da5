//===- Bus.h - The bus between memory and chip -------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_TIMING_BUS_H
#define SPRINTRUNTIME_LIB_TIMING_BUS_H

#include <algorithm>

namespace sprint {

/// All channels together, which serve one request at a time.
class Bus {
public:
  /// Serves a request that is there at `time` for `cycles`. Returns when that begins.
  double serve(double time, double cycles) {
    double start = std::max(time, free);
    free = start + cycles;
    busy += cycles;
    return start;
  }
  /// Cycles in which it moved something.
  double busyCycles() const { return busy; }

private:
  double free = 0;
  double busy = 0;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_TIMING_BUS_H
