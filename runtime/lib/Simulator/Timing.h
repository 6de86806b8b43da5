//===- Timing.h - Cycles of a launch -----------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Replays the units' command sequences in time, as docs/machine.md says.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_SIMULATOR_TIMING_H
#define SPRINTRUNTIME_LIB_SIMULATOR_TIMING_H

#include "Functional.h"
#include "Sequencer.h"
#include "SprintRuntime/CostModel.h"

#include <array>
#include <vector>

namespace sprint {

/// What the timing pass finds, in core cycles.
struct TimingResult {
  /// End of the last command.
  double cycles = 0;
  /// By MachineUnit; without the time that a command waits for tokens or weights that are still
  /// coming.
  std::array<double, kNumMachineUnits> busy{};
  double busBusy = 0;
  std::vector<TraceEvent> trace;
};

/// What a timing pass is asked for.
struct TimingOptions {
  /// Whether a `write` takes time.
  bool writesTakeTime = true;
  bool trace = false;
};

/// Replays a program that the functional pass has run. Throws LaunchFailure for an index queue that
/// is overrun and for codes that are read before they are written, which nothing but time can show.
TimingResult runTiming(const DecodedProgram &program, const Machine &machine,
                       const LaunchShape &shape,
                       const std::array<UnitRecords, kNumMachineUnits> &records,
                       const TimingOptions &options);

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_SIMULATOR_TIMING_H
