//===- TimingModel.cpp - Cycles of a launch -------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How long each command takes is in Units/.
//
//===----------------------------------------------------------------------===//

#include "TimingModel.h"
#include "DetailedMemory.h"
#include "Walk/LaunchLayout.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <tuple>
#include <type_traits>

using namespace sprint;

namespace {

/// Intervals of a timeline and changes of its counters, so that memory is bounded: some thirty
/// heads of 16,384 tokens on one CORELET.
constexpr size_t kMaxTraceEvents = size_t(1) << 24;
/// Windows in which the bus is counted.
constexpr double kBusWindows = 1000;

} // namespace

TimingModel::TimingModel(const Machine &machine, const LaunchShape &shape,
                         std::span<const CountingQueue> countingQueues,
                         std::span<const IndexQueue> indexQueues, const EventLogs &logs,
                         const TimingOptions &options)
    : machine(machine), shape(shape), options(options), durations(machine, shape) {
  if (options.kind == TimingKind::Detailed) {
    memory = std::make_unique<DetailedMemory>(machine, durations);
    pipelines = std::make_unique<DetailedPipelines>(machine.structure.corelets, durations);
  } else {
    memory = std::make_unique<ClosedFormMemory>(machine, shape, durations, options.trace);
    pipelines = std::make_unique<ClosedFormPipelines>();
  }
  if (!durations.fault().empty())
    found = {std::nullopt, 0, durations.fault()};
  written.assign(shape.batches * shape.heads * launchInputs.size(),
                 options.writesTakeTime ? std::numeric_limits<Time>::max() : 0);
  for (const CountingQueue &queue : countingQueues) {
    TimedCredits &timed = credits.emplace_back();
    timed.name = queue.name;
    timed.initial = queue.credits;
  }
  for (const IndexQueue &queue : indexQueues) {
    TimedQueue &timed = queues.emplace_back();
    timed.name = queue.name;
    timed.depth = queue.depth;
  }
  for (MachineUnit unit : enumerators<MachineUnit>) {
    units[static_cast<size_t>(unit)].unit = unit;
    units[static_cast<size_t>(unit)].log = &logs[static_cast<size_t>(unit)];
  }
}

void TimingModel::addShares(MachineUnit unit, std::span<const int64_t> shares) {
  if (!options.trace && !isDetailed())
    return;
  for (int64_t share : shares)
    units[static_cast<size_t>(unit)].shares.push(static_cast<uint32_t>(share));
}

std::span<const uint32_t> TimingModel::sharesOf(const Unit &unit) {
  shares.clear();
  if (isDetailed())
    for (int64_t corelet = 0; corelet < machine.structure.corelets; ++corelet)
      shares.push_back(unit.shares[corelet]);
  return shares;
}

bool TimingModel::runNext(Unit &unit) {
  if (!visitEvent((*unit.log)[unit.next], [&](const auto &event) { return run(unit, event); }))
    return false;
  ++unit.next;
  return true;
}

void TimingModel::advance() {
  // Units of which more can come at once.
  UnitSet open = 0;
  for (const Unit &unit : units) {
    runnable |= setOf(unit);
    if (unit.log->complete < unit.log->end() || unit.log->state == EventLog::State::Open)
      open |= setOf(unit);
  }
  bool canGrant = true;
  while (!found) {
    // Only the memory needs an order in time. All units go on until each is done or wants it;
    // then the earliest request cannot be overtaken, because whatever comes later follows from a
    // request that is still waiting.
    while (runnable != 0 && !found) {
      Unit &unit = units[std::countr_zero(runnable)];
      runnable &= ~setOf(unit);
      if (requesting & setOf(unit))
        continue;
      while (hasNext(unit) && runNext(unit) && !found) {
      }
      // What comes at once could want the memory before.
      canGrant &= hasNext(unit) || !(open & setOf(unit));
    }
    if (!canGrant || requesting == 0)
      break;
    Unit *next = nullptr;
    for (UnitSet rest = requesting; rest != 0; rest &= rest - 1) {
      Unit &unit = units[std::countr_zero(rest)];
      if (!next || unit.request < next->request)
        next = &unit;
    }
    requesting &= ~setOf(*next);
    granted = next;
    runNext(*next);
    granted = nullptr;
    runnable |= setOf(*next);
  }
  // The walk has come to its end, but a fetch may wait until the list before has been used.
  bool isEnded = std::ranges::all_of(
      units, [](const Unit &unit) { return unit.log->state == EventLog::State::Ended; });
  for (const Unit &unit : units)
    if (isEnded && !found && requesting == 0 && hasNext(unit))
      fail(unit, "stands still, as it waits for what comes behind a fetch that has no room");
}

std::string_view TimingModel::mnemonicOf(const Unit &unit) {
  return visitEvent((*unit.log)[unit.next], [](const auto &event) {
    constexpr const CommandInfo *kInfo =
        findCommand(static_cast<uint64_t>(std::decay_t<decltype(event)>::kOpcode));
    return kInfo->mnemonic;
  });
}

void TimingModel::explain(Unit &unit, Time start, Time end) {
  ListOwners owners = visitEvent((*unit.log)[unit.next], [](const auto &event) -> ListOwners {
    if constexpr (requires { event.owners; })
      return event.owners;
    return {};
  });
  if (owners.head == options.explained->head && owners.query == options.explained->query) {
    ExplainedCommand &command = explanation.emplace_back();
    command.unit = toString(unit.unit);
    command.name = mnemonicOf(unit);
    command.free = durations.cycles(unit.free);
    command.start = durations.cycles(start);
    command.end = durations.cycles(end);
    for (auto &[reason, until] : unit.waits)
      command.waits.push_back({std::move(reason), durations.cycles(until)});
    std::ranges::sort(command.waits, {}, [](const ExplainedCommand::Wait &wait) {
      return std::tie(wait.until, wait.reason);
    });
  }
  unit.waits.clear();
}

std::vector<TraceCounter> TimingModel::takeCounters() {
  std::vector<std::string> names;
  names.reserve(queues.size() + 2);
  for (const TimedQueue &queue : queues)
    names.push_back("lists in " + std::string(queue.name));
  names.insert(names.end(), {"keys on chip", "values on chip"});
  std::ranges::sort(changes, {}, [](const CounterChange &change) {
    return std::tuple(change.time, change.counter, change.change);
  });
  std::vector<TraceCounter> counters;
  std::vector<int64_t> values(names.size());
  for (size_t index = 0; index < changes.size(); ++index) {
    const CounterChange &change = changes[index];
    values[change.counter] += change.change;
    // Of several at once the last counts.
    bool isLast = index + 1 == changes.size() || changes[index + 1].time != change.time ||
                  changes[index + 1].counter != change.counter;
    if (isLast)
      counters.push_back({names[change.counter], durations.cycles(change.time),
                          static_cast<double>(values[change.counter])});
  }

  // The bus by windows, of which there are few enough to be looked at.
  double window = std::max(std::ceil(durations.cycles(last) / kBusWindows), 1.0);
  std::vector<double> busy(static_cast<size_t>(durations.cycles(last) / window) + 1);
  double bytesOfChannel =
      machine.busBytesPerCycle() / static_cast<double>(machine.structure.channels);
  for (const TraceEvent &event : timeline) {
    if (event.unit != "channel")
      continue;
    double end = event.start + event.duration;
    for (auto index = static_cast<size_t>(event.start / window); index * window < end; ++index)
      busy[index] += std::min(end, (index + 1) * window) - std::max(event.start, index * window);
  }
  for (size_t index = 0; index < busy.size(); ++index)
    counters.push_back(
        {"bus, bytes a cycle", index * window, busy[index] / window * bytesOfChannel});
  return counters;
}

TimingResult TimingModel::takeResult() {
  TimingResult result;
  result.cycles = durations.cycles(last);
  for (const Unit &unit : units)
    result.busy[static_cast<size_t>(unit.unit)] = durations.cycles(unit.busy);
  result.busBusy = durations.cycles(memory->busyTime());
  // What a channel makes up for behind the last command is nobody's.
  for (TraceEvent &event : timeline)
    event.duration = std::min(event.duration, result.cycles - event.start);
  std::erase_if(timeline, [](const TraceEvent &event) { return event.duration < 0; });
  std::ranges::sort(timeline, {}, [](const TraceEvent &event) {
    return std::tuple(event.start, event.unit, event.corelet, event.name, event.duration,
                      event.head, event.query);
  });
  if (options.trace)
    result.counters = takeCounters();
  result.trace = std::move(timeline);
  std::ranges::sort(explanation, {}, [](const ExplainedCommand &command) {
    return std::tuple(command.start, command.unit);
  });
  result.explanation = std::move(explanation);
  return result;
}

TraceEvent *TimingModel::addInterval(std::string_view row, int64_t corelet, const Unit &unit,
                                     Time start, Time duration) {
  if (!hasRoomInTimeline())
    return nullptr;
  TraceEvent &interval = timeline.emplace_back();
  interval.unit = row;
  interval.name = mnemonicOf(unit);
  interval.start = durations.cycles(start);
  interval.duration = durations.cycles(duration);
  interval.corelet = static_cast<int32_t>(corelet);
  visitEvent((*unit.log)[unit.next], [&](const auto &event) {
    if constexpr (requires { event.owners; }) {
      interval.head = static_cast<int32_t>(event.owners.head);
      interval.query = event.owners.query;
    } else if constexpr (requires { event.head; }) {
      interval.head = static_cast<int32_t>(event.head);
    }
    if constexpr (requires { event.size; })
      interval.keys = static_cast<int32_t>(event.size.keys);
    else if constexpr (requires { event.keys; })
      interval.keys = static_cast<int32_t>(event.keys);
  });
  return &interval;
}

bool TimingModel::hasRoomInTimeline() {
  if (!found && timeline.size() + changes.size() == kMaxTraceEvents)
    found = {std::nullopt, 0,
             "expected a timeline of at most " + std::to_string(kMaxTraceEvents) +
                 " intervals, got more"};
  return !found;
}

void TimingModel::traceBanks(const Unit &unit, Time start, Time duration) {
  trace("banks", unit, start, duration);
}

void TimingModel::traceShares(Unit &unit, Time start, Time duration, Time perKey) {
  if (unit.shares.empty())
    return;
  int64_t corelets = machine.structure.corelets;
  uint32_t fullest = 0;
  for (int64_t corelet = 0; corelet < corelets; ++corelet)
    fullest = std::max(fullest, unit.shares[corelet]);
  for (int64_t corelet = 0; corelet < corelets; ++corelet) {
    uint32_t keys = unit.shares.front();
    Time early = Durations::times(fullest - keys, perKey);
    unit.shares.pop();
    if (TraceEvent *interval =
            traceCorelet(unit, corelet, start, std::max(duration - early, Time(0))))
      interval->keys = static_cast<int32_t>(keys);
  }
}

void TimingModel::failOverrun(const TimedQueue &queue, Time put) {
  if (!found)
    found = {std::nullopt, 0,
             "unit '" + std::string(toString(queue.producer)) + "' overruns queue '" +
                 std::string(queue.name) + "' of depth " + std::to_string(queue.depth) +
                 " at cycle " + std::to_string(put / durations.unitsPerCycle)};
}

void TimingModel::failToRead(const Unit &unit, MemoryRegion region, Time time) {
  fail(unit, "reads " + contentOf(region) + " at cycle " +
                 std::to_string(time / durations.unitsPerCycle) + ", before they are written");
}
