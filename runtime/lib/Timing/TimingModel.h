//===- TimingModel.h - Cycles of a launch ------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// When the events of a launch happen, as docs/machine.md says. It needs events alone, no program
// and no launch, throws nothing, and takes events as they come: what it holds does not grow with
// the launch.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_TIMING_TIMINGMODEL_H
#define SPRINTRUNTIME_LIB_TIMING_TIMINGMODEL_H

#include "Bus.h"
#include "Durations.h"
#include "Queues.h"
#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/Simulator.h"
#include "Support/Ring.h"
#include "Walk/Events.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sprint {

/// What timing is asked for.
struct TimingOptions {
  /// Whether a `write` takes time.
  bool writesTakeTime = true;
  bool trace = false;
};

/// What nothing but time can show to be wrong.
struct TimingFault {
  /// The event, by its unit and its number there, that a message is about; nothing where the
  /// message says it itself.
  std::optional<MachineUnit> unit;
  int64_t event = 0;
  std::string message;
};

/// What timing finds, in core cycles.
struct TimingResult {
  /// End of the last command.
  double cycles = 0;
  /// By MachineUnit; without the time that a command waits for tokens or weights that are still
  /// coming.
  std::array<double, kNumMachineUnits> busy{};
  double busBusy = 0;
  std::vector<TraceEvent> trace;
};

/// The timing of one launch.
class TimingModel {
public:
  /// For heads of `shape`, and the queues of a program. All arguments outlive this.
  TimingModel(const Machine &machine, const LaunchShape &shape,
              std::span<const CountingQueue> countingQueues,
              std::span<const IndexQueue> indexQueues, const TimingOptions &options);

  /// Appends an event to those of a unit. For a trace, `shares` has the keys of a scored, weighted
  /// or accumulated list on each CORELET.
  void push(MachineUnit unit, const Event &event, std::span<const int64_t> shares = {});
  /// Says that a unit has no more events.
  void end(MachineUnit unit) { units[static_cast<size_t>(unit)].isEnded = true; }
  /// Goes on as far as the events allow. With all units ended this is to the end.
  void advance();
  /// What was found to be wrong; then nothing goes on.
  const std::optional<TimingFault> &fault() const { return found; }
  TimingResult takeResult() { return std::move(result); }

private:
  struct Unit {
    MachineUnit unit{};
    Ring<Event> events;
    bool isEnded = false;
    /// Number of the first of `events`.
    int64_t number = 0;
    /// When the unit is free, and when all its commands have ended.
    double time = 0;
    double ended = 0;
    /// When it wants the bus, while it waits for it.
    std::optional<double> request = {};
    /// The shares of its events, for a trace.
    Ring<uint32_t> shares;
  };

  // Each returns whether the event has happened; where not, the unit waits for a queue or the bus.
  bool run(Unit &unit, const AcquireEvent &event);
  bool run(Unit &unit, const ReleaseEvent &event);
  bool run(Unit &unit, const WriteEvent &event);
  bool run(Unit &unit, const LoadQueryEvent &event);
  bool run(Unit &unit, const FetchEvent &event);
  bool run(Unit &unit, const CopyQueryEvent &event);
  bool run(Unit &unit, const ThresholdEvent &event);
  bool run(Unit &unit, const ReadPruningEvent &event);
  bool run(Unit &unit, const ListRangeEvent &event);
  bool run(Unit &unit, const LoadMaskEvent &event);
  bool run(Unit &unit, const LoadBiasEvent &event);
  bool run(Unit &unit, const LoadSegmentsEvent &event);
  bool run(Unit &unit, const ScoreEvent &event);
  bool run(Unit &unit, const SoftmaxEvent &event);
  bool run(Unit &unit, const AccumulateEvent &event);
  bool run(Unit &unit, const StoreOutputEvent &event);

  /// Runs a unit's first event, and drops it where it has happened.
  bool runNext(Unit &unit);
  /// When a command that wants the bus at `time`, for `cycles`, gets it; nothing while it is not
  /// the unit's turn.
  std::optional<double> requestBus(Unit &unit, double time, double cycles);
  /// Ends the unit's command, which frees its unit at `free` and ends at `end`. `busy` are the
  /// cycles in which it worked.
  void finish(Unit &unit, double free, double end, double busy);
  /// Ends a command that waits for nothing once it has started at `start`, and holds its unit to
  /// its end.
  void finish(Unit &unit, double start, double cycles) {
    trace(unit, -1, start, cycles);
    finish(unit, start + cycles, start + cycles, cycles);
  }
  void fail(const Unit &unit, std::string message) {
    if (!found)
      found = {unit.unit, unit.number, std::move(message)};
  }

  /// Adds an interval of the unit's command to a row of the timeline.
  void trace(std::string_view row, int64_t corelet, const Unit &unit, double start,
             double duration);
  void trace(const Unit &unit, int64_t corelet, double start, double duration) {
    trace(toString(unit.unit), corelet, unit, start, duration);
  }
  void traceBanks(const Unit &unit, double start, double duration);
  /// Traces a command that every CORELET runs for its share of the list's keys, `cyclesPerKey` for
  /// each.
  void traceShares(Unit &unit, double start, double duration, double cyclesPerKey);

  TimedQueue &queueOf(IndexQueueIndex queue) { return queues[static_cast<size_t>(queue)]; }
  void take(IndexQueueIndex queue, double time);
  void put(const Unit &unit, IndexQueueIndex queue, TimedList list);
  void checkOverrun(IndexQueueIndex queue);

  /// When a region has been written of a head, or of what it shares.
  double &writtenAt(MemoryRegion region, int64_t head);
  void checkWritten(const Unit &unit, MemoryRegion region, int64_t head, double time);

  const Machine &machine;
  const LaunchShape &shape;
  const TimingOptions options;
  Durations durations;
  TimingResult result;
  std::optional<TimingFault> found;

  std::array<Unit, kNumMachineUnits> units;
  /// For each counting queue the times from which its credits are there, ascending, as one unit
  /// alone releases to it.
  std::vector<Ring<double>> credits;
  std::vector<std::string_view> creditNames;
  std::vector<TimedQueue> queues;
  /// For each head, or key head, and region when it has been written; infinite until that is known.
  std::vector<double> written;
  Bus bus;
  /// The unit whose turn on the bus it is.
  const Unit *granted = nullptr;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_TIMING_TIMINGMODEL_H
