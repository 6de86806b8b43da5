//===- Trace.h - Timelines as JSON ----------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_TRACE_H
#define SPRINTRUNTIME_TRACE_H

#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Simulator.h"

#include <span>
#include <string>
#include <string_view>

namespace sprint {

/// What the timeline says of one launch.
struct LaunchTrace {
  std::string_view program;
  std::span<const TraceEvent> events;
  double cycles = 0;
  std::span<const TraceCounter> counters = {};
};

/// Timelines of launches that run one after another, as Chrome trace JSON: a row for the launches,
/// by their programs' names, alone and beside the units of each process, one for each unit, and the
/// counters; times in microseconds at the machine's clock. Intervals of units have the program's
/// name as `attention`, and what is not -1 in TraceEvent, as arguments.
std::string traceToJson(std::span<const LaunchTrace> launches, const Machine &machine);

} // namespace sprint

#endif // SPRINTRUNTIME_TRACE_H
