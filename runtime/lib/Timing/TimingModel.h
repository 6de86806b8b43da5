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

#include "Durations.h"
#include "Memory.h"
#include "Pipelines.h"
#include "Queues.h"
#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/Simulator.h"
#include "Support/Ring.h"
#include "Walk/Events.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sprint {

/// What timing is asked for.
struct TimingOptions {
  /// Whether a `write` takes time.
  bool writesTakeTime = true;
  TimingKind kind = TimingKind::ClosedForm;
  bool trace = false;
  std::optional<RowName> explained = {};
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
  std::vector<TraceCounter> counters;
  std::vector<ExplainedCommand> explanation;
};

/// The timing of one launch.
class TimingModel {
public:
  /// For heads of `shape`, and the queues of a program. All arguments but `options` outlive this.
  TimingModel(const Machine &machine, const LaunchShape &shape,
              std::span<const CountingQueue> countingQueues,
              std::span<const IndexQueue> indexQueues, const EventLogs &logs,
              const TimingOptions &options);

  /// Goes on as far as the complete events allow: once all logs have ended, to the end.
  void advance();
  /// The number of the first event of a unit that has not happened.
  int64_t next(MachineUnit unit) const { return units[static_cast<size_t>(unit)].next; }
  /// For a trace and the detailed timing: the keys on each CORELET of the list that a unit scores,
  /// weights or sums next.
  void addShares(MachineUnit unit, std::span<const int64_t> shares);
  /// The number of the first run of places of a unit that has not been read.
  int64_t nextPlaces(MachineUnit unit) const { return units[static_cast<size_t>(unit)].nextPlaces; }
  /// What was found to be wrong; then nothing goes on.
  const std::optional<TimingFault> &fault() const { return found; }
  /// The times, with the timeline in the order in which its intervals begin.
  TimingResult takeResult();

private:
  struct Unit {
    MachineUnit unit{};
    const EventLog *log = nullptr;
    /// Number of the event to come.
    int64_t next = 0;
    /// When the unit is free, and when all its commands have ended.
    Time time = 0;
    Time ended = 0;
    /// The time in which it has worked.
    Time busy = 0;
    /// When it wants the memory, while it waits for it.
    Time request = 0;
    /// That its next command moves between the memory and the chip; -1 where it does not. For a
    /// trace.
    int64_t bytes = -1;
    /// Number of the places that its next event with any reads.
    int64_t nextPlaces = 0;
    /// The shares of its events, for a trace and the detailed timing.
    Ring<uint32_t> shares;
    /// What its next command waited for, and when the unit was free for it; for an explanation.
    std::vector<std::pair<std::string, Time>> waits;
    Time free = 0;
  };

  /// By how much a counter of the timeline changes.
  struct CounterChange {
    /// An index queue, or behind these the key and the value buffer.
    size_t counter;
    Time time;
    int64_t change;
  };

  // Each returns whether the event has happened; where not, the unit waits for a queue or the
  // memory.
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

  static bool hasNext(const Unit &unit) { return unit.next < unit.log->complete; }
  /// Runs a unit's next event. Returns whether it has happened.
  bool runNext(Unit &unit);
  /// When the memory serves a command that wants it at `time`; nothing while it is not the unit's
  /// turn.
  std::optional<Served> requestMemory(Unit &unit, Time time, const MemoryRequest &request) {
    if (granted != &unit) {
      unit.request = time;
      requesting |= setOf(unit);
      return std::nullopt;
    }
    Served served = memory->serve(time, request);
    if (options.trace) {
      for (const ChannelTransfer &transfer : memory->transfers())
        addInterval("channel", transfer.channel, unit, transfer.start, transfer.duration);
      unit.bytes = (request.bits + 7) / 8;
    }
    if (options.explained)
      noteMemory(unit, time, request, served);
    return served;
  }
  bool isDetailed() const { return options.kind == TimingKind::Detailed; }
  /// The keys on each CORELET of the list that the unit takes next, where they are followed.
  std::span<const uint32_t> sharesOf(const Unit &unit);
  /// Where the tokens are that the unit's next command reads.
  static std::span<const uint32_t> placesOf(const Unit &unit) {
    return unit.log->places[unit.nextPlaces];
  }
  /// Reading keys or values, which are where the unit's next places are.
  MemoryRequest readOf(const Unit &unit, MemoryRegion region, int64_t count) const {
    const AccessDurations &access = region == MemoryRegion::Key ? durations.key : durations.value;
    MemoryRequest request = {count * access.bits, durations.read, count, &access};
    std::span<const uint32_t> places = placesOf(unit);
    if (isDetailed()) {
      request.places = places;
    } else {
      request.onChannels = places.first(machine.structure.channels);
      request.inBanks = places.subspan(machine.structure.channels);
    }
    return request;
  }
  /// Ends the unit's command, which began at `start`, frees its unit at `free` and ends at `end`.
  /// `worked` is the time in which it worked.
  void finish(Unit &unit, Time start, Time free, Time end, Time worked) {
    if (options.explained)
      explain(unit, start, end);
    unit.busy += worked;
    unit.bytes = -1;
    last = std::max(last, end);
    if (end > kMaxTime)
      fail(unit, "ends later than times can be counted");
    unit.time = unit.free = free;
    unit.ended = std::max(unit.ended, end);
  }
  /// Ends a command that waits for nothing once it has started at `start`, and holds its unit to
  /// its end.
  void finish(Unit &unit, Time start, Time duration) {
    trace(unit, start, duration);
    finish(unit, start, start + duration, start + duration, duration);
  }
  /// Notes what the unit's next command waits for, and until when.
  void noteWait(Unit &unit, std::string reason, Time until) {
    if (until > unit.free)
      unit.waits.emplace_back(std::move(reason), until);
  }
  void noteList(Unit &unit, IndexQueueIndex queue, const TimedList &list) {
    if (options.explained)
      noteWait(unit, "a list in '" + std::string(queueOf(queue).name) + "'", list.available);
  }
  /// Notes until when nothing is read for the unit's command, as banks or channels are busy.
  void noteMemory(Unit &unit, Time time, const MemoryRequest &request, const Served &served) {
    Time begin =
        served.first - request.latency - (request.access ? request.access->transfer : Time(0));
    if (!request.isWrite && begin > time)
      noteWait(unit, "a busy bank or channel", begin);
  }
  /// Adds the unit's command to the explanation, where it is of the row.
  void explain(Unit &unit, Time start, Time end);
  /// The command of the unit's next event.
  static std::string_view mnemonicOf(const Unit &unit);
  void fail(const Unit &unit, std::string message) {
    if (!found)
      found = {unit.unit, unit.next, std::move(message)};
  }

  /// Adds an interval of the unit's command to a row of the timeline that is the command's alone.
  void trace(std::string_view row, const Unit &unit, Time start, Time duration) {
    if (!options.trace)
      return;
    if (TraceEvent *interval = addInterval(row, -1, unit, start, duration))
      interval->bytes = unit.bytes;
  }
  void trace(const Unit &unit, Time start, Time duration) {
    trace(toString(unit.unit), unit, start, duration);
  }
  /// Changes a counter of the timeline.
  void count(size_t counter, Time time, int64_t change) {
    if (options.trace && hasRoomInTimeline())
      changes.push_back({counter, time, change});
  }
  /// Whether the timeline can become longer; fails where it cannot.
  bool hasRoomInTimeline();
  std::vector<TraceCounter> takeCounters();
  /// Adds an interval of the unit's next command, with its row and keys. Returns null where there
  /// is no room.
  TraceEvent *addInterval(std::string_view row, int64_t corelet, const Unit &unit, Time start,
                          Time duration);
  /// Adds an interval of a command that every CORELET runs to the row of one.
  TraceEvent *traceCorelet(const Unit &unit, int64_t corelet, Time start, Time duration) {
    return options.trace ? addInterval(toString(unit.unit), corelet, unit, start, duration)
                         : nullptr;
  }
  void traceBanks(const Unit &unit, Time start, Time duration);
  /// Drops the shares of a command that every CORELET runs, and traces it for its share of the
  /// list's keys, `perKey` for each.
  void traceShares(Unit &unit, Time start, Time duration, Time perKey);

  /// Has a unit run again once what it waits for has changed. Returns false.
  bool wait(const Unit &unit, UnitSet &waiting) {
    waiting |= setOf(unit);
    return false;
  }
  void wake(UnitSet &waiting) {
    runnable |= waiting;
    waiting = 0;
  }
  static UnitSet setOf(const Unit &unit) { return UnitSet(1) << static_cast<unsigned>(unit.unit); }

  TimedQueue &queueOf(IndexQueueIndex queue) { return queues[static_cast<size_t>(queue)]; }
  /// The list that a unit can take; null, and it waits, where there is none.
  const TimedList *front(const Unit &unit, IndexQueueIndex queue) {
    TimedQueue &timed = queueOf(queue);
    if (!timed.lists.empty())
      return &timed.lists.front();
    wait(unit, timed.waiting);
    return nullptr;
  }
  /// Notes that the list taken last has been used up, which makes room in the buffer behind the
  /// queue.
  void use(IndexQueueIndex queue, Time end) {
    TimedQueue &timed = queueOf(queue);
    ++timed.uses;
    timed.lastUse = end;
    wake(timed.waiting);
  }
  void take(IndexQueueIndex queue, Time time) {
    TimedQueue &timed = queueOf(queue);
    timed.lists.pop();
    count(static_cast<size_t>(queue), time, -1);
    if (timed.putTimes.empty()) {
      timed.takeTimes.push(time);
      return;
    }
    checkOverrun(timed, timed.putTimes.front(), time);
    timed.putTimes.pop();
  }
  void put(const Unit &unit, IndexQueueIndex queue, TimedList list) {
    TimedQueue &timed = queueOf(queue);
    timed.producer = unit.unit;
    timed.lists.push(list);
    count(static_cast<size_t>(queue), list.available, 1);
    wake(timed.waiting);
    // The first lists, up to the depth, always find room.
    if (timed.puts++ < timed.depth)
      return;
    if (timed.takeTimes.empty()) {
      timed.putTimes.push(list.available);
      return;
    }
    checkOverrun(timed, list.available, timed.takeTimes.front());
    timed.takeTimes.pop();
  }
  /// Compares a put with the take that must have made room for it.
  void checkOverrun(const TimedQueue &queue, Time put, Time take) {
    if (put < take)
      failOverrun(queue, put);
  }
  void failOverrun(const TimedQueue &queue, Time put);

  /// When a region has been written of a head, or of what it shares.
  Time &writtenAt(MemoryRegion region, int64_t head) {
    if (isSharedByBatch(region))
      head /= shape.heads;
    else if (isSharedByGroup(region))
      head /= shape.group;
    return written[head * launchInputs.size() + static_cast<size_t>(region)];
  }
  void checkWritten(const Unit &unit, MemoryRegion region, int64_t head, Time time) {
    if (time < writtenAt(region, head))
      failToRead(unit, region, time);
  }
  void failToRead(const Unit &unit, MemoryRegion region, Time time);

  const Machine &machine;
  const LaunchShape &shape;
  const TimingOptions options;
  Durations durations;
  std::vector<TraceEvent> timeline;
  std::vector<CounterChange> changes;
  /// Tokens that the key and the value buffer hold.
  std::array<int64_t, 2> heldTokens{};
  std::vector<ExplainedCommand> explanation;
  /// Buffer of `sharesOf`.
  std::vector<uint32_t> shares;
  std::optional<TimingFault> found;
  /// The end of the last command.
  Time last = 0;

  std::array<Unit, kNumMachineUnits> units;
  /// Units that may be able to go on, and those that wait for the memory.
  UnitSet runnable = 0, requesting = 0;
  std::vector<TimedCredits> credits;
  std::vector<TimedQueue> queues;
  /// For each head, or key head, and region when it has been written; infinite until that is known.
  std::vector<Time> written;
  std::unique_ptr<Memory> memory;
  std::unique_ptr<Pipelines> pipelines;
  /// The unit whose turn in the memory it is.
  const Unit *granted = nullptr;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_TIMING_TIMINGMODEL_H
