//===- Timing.cpp - Cycles of a launch ------------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Timing.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <optional>

using namespace sprint;

namespace {

// Rows of the timeline beside the units.
constexpr std::string_view kBus = "bus";
constexpr std::string_view kBanks = "banks";
/// Intervals of a timeline, so that memory is bounded: some sixty heads of 16,384 tokens on one
/// CORELET.
constexpr size_t kMaxTraceEvents = size_t(1) << 24;

/// A list, or the weights of one, on its way between units.
struct TimedList {
  /// When it can be taken.
  double available = 0;
  /// When the last token or weight has come.
  double complete = 0;
};

/// An index queue. Since a unit is followed as far as it can go, one end may be known for later
/// times than the other.
struct TimedQueue {
  std::deque<TimedList> lists;
  int64_t puts = 0;
  int64_t takes = 0;
  /// Rows whose use has ended, and when the last did.
  int64_t uses = 0;
  double lastUse = 0;
  /// Times of the puts and takes that are still to be compared.
  std::deque<double> putTimes, takeTimes;
  /// The unit that puts lists there, for messages.
  MachineUnit producer{};
};

struct TimedUnit {
  Cursor cursor;
  /// When the unit is free, and when all its commands have ended.
  double time = 0;
  double ended = 0;
  size_t nextRecord = 0;
  size_t nextShare = 0;
  /// When it wants the bus, while it waits for it.
  std::optional<double> request = {};
};

class TimingPass {
public:
  TimingPass(const DecodedProgram &program, const Machine &machine, const LaunchShape &shape,
             const std::array<UnitRecords, kNumMachineUnits> &records, const TimingOptions &options)
      : program(program), machine(machine), shape(shape), records(records), options(options),
        costs(machine, shape.headDim, shape.valueDim) {}

  TimingResult run();

private:
  // Each returns whether the command has run; where not, the unit waits for a queue or for the bus.
  bool run(TimedUnit &unit, const LoopCommand &command);
  bool run(TimedUnit &unit, const EndLoopCommand &command);
  bool run(TimedUnit &unit, const AcquireCommand &command);
  bool run(TimedUnit &unit, const ReleaseCommand &command);
  bool run(TimedUnit &unit, const WriteCommand &command);
  bool run(TimedUnit &unit, const LoadQueryCommand &command);
  bool run(TimedUnit &unit, const FetchCommand &command);
  bool run(TimedUnit &unit, const CopyQueryCommand &command);
  bool run(TimedUnit &unit, const ThresholdCommand &command);
  bool run(TimedUnit &unit, const ReadPruningCommand &command);
  bool run(TimedUnit &unit, const ListRangeCommand &command);
  bool run(TimedUnit &unit, const LoadMaskCommand &command);
  bool run(TimedUnit &unit, const LoadBiasCommand &command);
  bool run(TimedUnit &unit, const LoadSegmentsCommand &command);
  bool run(TimedUnit &unit, const ScoreCommand &command);
  bool run(TimedUnit &unit, const SoftmaxCommand &command);
  bool run(TimedUnit &unit, const AccumulateCommand &command);
  bool run(TimedUnit &unit, const StoreOutputCommand &command);

  bool runCurrent(TimedUnit &unit) {
    return std::visit([&](const auto &command) { return run(unit, command); },
                      unit.cursor.command());
  }

  /// When a command that wants the bus at `time`, for `cycles`, gets it; nothing while it is not
  /// the unit's turn.
  std::optional<double> requestBus(TimedUnit &unit, double time, double cycles);
  /// Ends the unit's command, which frees its unit at `free` and ends at `end`. `busy` are the
  /// cycles in which it worked.
  void finish(TimedUnit &unit, double free, double end, double busy);
  /// Ends a command that waits for nothing once it has started.
  void finish(TimedUnit &unit, double start, const CommandCost &cost) {
    trace(unit, -1, start, cost.unitCycles);
    finish(unit, start + cost.unitCycles, start + cost.cycles, cost.unitCycles);
  }
  /// Adds an interval of the unit's command to a row of the timeline.
  void trace(std::string_view row, int64_t corelet, const TimedUnit &unit, double start,
             double duration);
  void trace(const TimedUnit &unit, int64_t corelet, double start, double duration) {
    trace(toString(unit.cursor.machineUnit()), corelet, unit, start, duration);
  }
  /// Traces a command that every CORELET runs for its share of the row's keys, `cyclesPerKey` for
  /// each.
  void traceShares(TimedUnit &unit, double start, double duration, double cyclesPerKey);

  TimedQueue &queueOf(IndexQueueIndex queue) { return queues[static_cast<size_t>(queue)]; }
  const TimedList *front(IndexQueueIndex queue) {
    TimedQueue &timed = queueOf(queue);
    return timed.lists.empty() ? nullptr : &timed.lists.front();
  }
  void take(IndexQueueIndex queue, double time);
  /// Notes that the row taken last has been used up, which makes room in the buffer behind the
  /// queue.
  void use(IndexQueueIndex queue, double end) {
    TimedQueue &timed = queueOf(queue);
    ++timed.uses;
    timed.lastUse = end;
  }
  void put(const TimedUnit &unit, IndexQueueIndex queue, TimedList list);
  void checkOverrun(IndexQueueIndex queue);

  const CommandRecord &nextRecord(const TimedUnit &unit) const {
    return records[static_cast<size_t>(unit.cursor.machineUnit())].commands[unit.nextRecord];
  }
  /// When a region has been written of a head, which is a key head for keys and values.
  double &writtenAt(MemoryRegion region, int64_t batch, int64_t head);
  /// Without `head` for what all heads of a batch element share.
  void checkWritten(const TimedUnit &unit, MemoryRegion region, ExprIndex batch,
                    std::optional<ExprIndex> head, double time);

  const DecodedProgram &program;
  const Machine &machine;
  const LaunchShape &shape;
  const std::array<UnitRecords, kNumMachineUnits> &records;
  const TimingOptions &options;
  CostModel costs;
  TimingResult result;

  std::vector<TimedUnit> units;
  /// For each counting queue the times from which its credits are there, ascending, as one unit
  /// alone releases to it.
  std::vector<std::deque<double>> credits;
  std::vector<TimedQueue> queues;
  /// For each head, or key head, and region when it has been written; infinite until that is known.
  std::vector<double> written;
  double busFree = 0;
  /// The unit whose turn on the bus it is.
  const TimedUnit *granted = nullptr;
};

} // namespace

TimingResult TimingPass::run() {
  written.assign(shape.batches * shape.heads * launchInputs.size(),
                 options.writesTakeTime ? std::numeric_limits<double>::infinity() : 0);
  for (const CountingQueue &queue : program.source().countingQueues)
    credits.emplace_back(queue.credits, 0.0);
  queues.resize(program.source().indexQueues.size());
  for (const DecodedUnit &unit : program.units())
    units.push_back({Cursor(program, unit)});

  while (true) {
    // Only the bus needs an order in time. All units go on until each is done or wants the bus;
    // then the earliest request cannot be overtaken, because whatever comes later follows from a
    // request that is still waiting.
    bool isMoving = true;
    while (isMoving) {
      isMoving = false;
      for (TimedUnit &unit : units)
        while (!unit.cursor.isDone() && !unit.request && runCurrent(unit))
          isMoving = true;
    }
    TimedUnit *next = nullptr;
    for (TimedUnit &unit : units)
      if (unit.request && (!next || *unit.request < *next->request))
        next = &unit;
    if (!next)
      break;
    next->request.reset();
    granted = next;
    runCurrent(*next);
    granted = nullptr;
  }
  // The functional pass has come to its end, but a fetch may wait until the row before has been
  // used.
  for (const TimedUnit &unit : units)
    if (!unit.cursor.isDone())
      throw LaunchFailure{"stands still: " + unit.cursor.place() +
                          " waits for what comes behind a fetch that has no room"};
  return std::move(result);
}

std::optional<double> TimingPass::requestBus(TimedUnit &unit, double time, double cycles) {
  if (granted != &unit) {
    unit.request = time;
    return std::nullopt;
  }
  double start = std::max(time, busFree);
  busFree = start + cycles;
  result.busBusy += cycles;
  trace(kBus, -1, unit, start, cycles);
  return start;
}

void TimingPass::finish(TimedUnit &unit, double free, double end, double busy) {
  result.busy[static_cast<size_t>(unit.cursor.machineUnit())] += busy;
  result.cycles = std::max(result.cycles, end);
  unit.time = free;
  unit.ended = std::max(unit.ended, end);
  unit.cursor.advance();
}

void TimingPass::trace(std::string_view row, int64_t corelet, const TimedUnit &unit, double start,
                       double duration) {
  if (!options.trace)
    return;
  if (result.trace.size() == kMaxTraceEvents)
    throw LaunchFailure{"expected a timeline of at most " + std::to_string(kMaxTraceEvents) +
                        " intervals, got more"};
  result.trace.push_back(
      {row, corelet, checkedInfo(encode(unit.cursor.command()))->mnemonic, start, duration});
}

void TimingPass::traceShares(TimedUnit &unit, double start, double duration, double cyclesPerKey) {
  if (!options.trace)
    return;
  int64_t corelets = machine.structure.corelets;
  auto shares = records[static_cast<size_t>(unit.cursor.machineUnit())].shares.begin() +
                static_cast<ptrdiff_t>(unit.nextShare);
  double fullest = *std::max_element(shares, shares + corelets);
  for (int64_t corelet = 0; corelet < corelets; ++corelet) {
    double early = (fullest - shares[corelet]) * cyclesPerKey;
    trace(unit, corelet, start, std::max(duration - early, 0.0));
  }
  unit.nextShare += corelets;
}

void TimingPass::take(IndexQueueIndex queue, double time) {
  TimedQueue &timed = queueOf(queue);
  timed.lists.pop_front();
  ++timed.takes;
  timed.takeTimes.push_back(time);
  checkOverrun(queue);
}

void TimingPass::put(const TimedUnit &unit, IndexQueueIndex queue, TimedList list) {
  TimedQueue &timed = queueOf(queue);
  timed.producer = unit.cursor.machineUnit();
  timed.lists.push_back(list);
  // The first lists, up to the depth, always find room.
  int64_t depth = program.source().indexQueues[static_cast<size_t>(queue)].depth;
  if (timed.puts++ >= depth)
    timed.putTimes.push_back(list.available);
  checkOverrun(queue);
}

/// Compares each put with the take that must have made room for it.
void TimingPass::checkOverrun(IndexQueueIndex queue) {
  TimedQueue &timed = queueOf(queue);
  while (!timed.putTimes.empty() && !timed.takeTimes.empty()) {
    if (timed.putTimes.front() < timed.takeTimes.front())
      throw LaunchFailure{
          "unit '" + std::string(toString(timed.producer)) + "' overruns queue '" +
          program.name(queue) + "' of depth " +
          std::to_string(program.source().indexQueues[static_cast<size_t>(queue)].depth) +
          " at cycle " + std::to_string(static_cast<int64_t>(timed.putTimes.front()))};
    timed.putTimes.pop_front();
    timed.takeTimes.pop_front();
  }
}

double &TimingPass::writtenAt(MemoryRegion region, int64_t batch, int64_t head) {
  int64_t index = batch * shape.heads + (isSharedByBatch(region) ? 0 : head);
  return written[index * launchInputs.size() + static_cast<size_t>(region)];
}

void TimingPass::checkWritten(const TimedUnit &unit, MemoryRegion region, ExprIndex batch,
                              std::optional<ExprIndex> head, double time) {
  int64_t index = head ? unit.cursor.evaluate(*head) : 0;
  index /= isSharedByGroup(region) ? shape.group : 1;
  if (time < writtenAt(region, unit.cursor.evaluate(batch), index))
    throw LaunchFailure{unit.cursor.place() + ": reads " + contentOf(region) + " at cycle " +
                        std::to_string(static_cast<int64_t>(time)) + ", before they are written"};
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

bool TimingPass::run(TimedUnit &unit, const LoopCommand &command) {
  unit.cursor.beginLoop(command);
  return true;
}

bool TimingPass::run(TimedUnit &unit, const EndLoopCommand &) {
  unit.cursor.endLoop();
  return true;
}

bool TimingPass::run(TimedUnit &unit, const AcquireCommand &command) {
  std::deque<double> &times = credits[static_cast<size_t>(command.queue)];
  if (times.empty())
    return false;
  unit.time = std::max(unit.time, times.front());
  times.pop_front();
  unit.cursor.advance();
  return true;
}

bool TimingPass::run(TimedUnit &unit, const ReleaseCommand &command) {
  std::deque<double> &times = credits[static_cast<size_t>(command.queue)];
  // A unit is followed further ahead than in the functional pass.
  if (static_cast<int64_t>(times.size()) == kMaxQueueCapacity)
    throw LaunchFailure{unit.cursor.place() + ": overruns queue '" + program.name(command.queue) +
                        "', which holds at most " + std::to_string(kMaxQueueCapacity) + " credits"};
  times.push_back(std::max(unit.time, unit.ended));
  unit.cursor.advance();
  return true;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

bool TimingPass::run(TimedUnit &unit, const WriteCommand &command) {
  if (!options.writesTakeTime) {
    unit.cursor.advance();
    return true;
  }
  CommandCost cost = writeCost(costs, shape, command.region, nextRecord(unit).count);
  std::optional<double> start = requestBus(unit, unit.time, cost.busCycles);
  if (!start)
    return false;
  double &end = writtenAt(command.region, unit.cursor.evaluate(command.batch),
                          unit.cursor.evaluate(command.head));
  // What is written again is the same as before.
  end = std::min(end, *start + cost.cycles);
  ++unit.nextRecord;
  trace(kBanks, -1, unit, *start, cost.cycles);
  finish(unit, *start, cost);
  return true;
}

bool TimingPass::run(TimedUnit &unit, const LoadQueryCommand &command) {
  CommandCost cost = costs.loadQuery();
  std::optional<double> start = requestBus(unit, unit.time, cost.busCycles);
  if (!start)
    return false;
  checkWritten(unit, MemoryRegion::Query, command.batch, command.head, *start);
  trace(kBanks, -1, unit, *start, cost.cycles);
  finish(unit, *start, cost);
  return true;
}

bool TimingPass::run(TimedUnit &unit, const FetchCommand &command) {
  const TimedList *list = front(command.from);
  if (!list)
    return false;
  const CommandRecord &record = nextRecord(unit);
  const TimedQueue &rows = queueOf(command.to);
  if (record.waitsForRoom && rows.uses < rows.puts)
    return false;
  int64_t channels = command.region == MemoryRegion::Key ? shape.headDim : shape.valueDim;
  CommandCost cost = costs.fetch(record.extra, channels);
  double start = std::max(unit.time, list->available);
  if (record.waitsForRoom)
    start = std::max(start, rows.lastUse);
  TimedList passedOn = {start, start};
  if (record.extra > 0) {
    std::optional<double> had = requestBus(unit, start, cost.busCycles);
    if (!had)
      return false;
    start = *had;
    double firstArrival = start + costs.readLatency() + costs.transferCycles(1, channels);
    passedOn.available = record.count > 0 ? start : firstArrival;
    passedOn.complete = start + costs.readLatency() + cost.busCycles;
    trace(kBanks, -1, unit, start, cost.cycles);
  }
  checkWritten(unit, command.region, command.batch, command.head, start);
  take(command.from, start);
  put(unit, command.to, passedOn);
  ++unit.nextRecord;
  finish(unit, start, cost);
  return true;
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

bool TimingPass::run(TimedUnit &unit, const CopyQueryCommand &command) {
  checkWritten(unit, MemoryRegion::Query, command.batch, command.head, unit.time);
  finish(unit, unit.time, costs.copyQuery());
  return true;
}

bool TimingPass::run(TimedUnit &unit, const ThresholdCommand &command) {
  checkWritten(unit, MemoryRegion::Key, command.batch, command.head, unit.time);
  CommandCost cost = costs.threshold(shape.keys, nextRecord(unit).count);
  ++unit.nextRecord;
  trace(kBanks, -1, unit, unit.time, cost.cycles);
  finish(unit, unit.time, cost);
  return true;
}

bool TimingPass::run(TimedUnit &unit, const ReadPruningCommand &command) {
  CommandCost cost = costs.readPruning(shape.keys);
  std::optional<double> start = requestBus(unit, unit.time, cost.busCycles);
  if (!start)
    return false;
  double end = *start + cost.cycles;
  put(unit, command.keysTo, {end, end});
  put(unit, command.valuesTo, {end, end});
  trace(kBanks, -1, unit, *start, cost.cycles);
  finish(unit, *start, cost);
  return true;
}

bool TimingPass::run(TimedUnit &unit, const ListRangeCommand &command) {
  CommandCost cost = costs.listRange();
  double end = unit.time + cost.cycles;
  put(unit, command.keysTo, {end, end});
  put(unit, command.valuesTo, {end, end});
  finish(unit, unit.time, cost);
  return true;
}

bool TimingPass::run(TimedUnit &unit, const LoadMaskCommand &command) {
  checkWritten(unit, command.region, command.batch, command.head, unit.time);
  finish(unit, unit.time, costs.setEnables(shape.keys));
  return true;
}

bool TimingPass::run(TimedUnit &unit, const LoadSegmentsCommand &command) {
  for (MemoryRegion region : {MemoryRegion::QuerySegments, MemoryRegion::KeySegments})
    checkWritten(unit, region, command.batch, /*head=*/std::nullopt, unit.time);
  finish(unit, unit.time, costs.setEnables(segmentBits(shape.keys)));
  return true;
}

bool TimingPass::run(TimedUnit &unit, const LoadBiasCommand &command) {
  CommandCost cost = costs.loadBias(shape.keys);
  std::optional<double> start = requestBus(unit, unit.time, cost.busCycles);
  if (!start)
    return false;
  checkWritten(unit, MemoryRegion::Bias, command.batch, command.head, *start);
  trace(kBanks, -1, unit, *start, cost.cycles);
  finish(unit, *start, cost);
  return true;
}

//===----------------------------------------------------------------------===//
// Recompute
//===----------------------------------------------------------------------===//

bool TimingPass::run(TimedUnit &unit, const ScoreCommand &command) {
  const TimedList *list = front(command.from);
  if (!list)
    return false;
  const CommandRecord &record = nextRecord(unit);
  CommandCost cost = costs.score(record.count, record.count, record.extra);
  double start = std::max(unit.time, list->available);
  double cycles = std::max(cost.cycles, wholeCycles(list->complete - start + costs.cyclesPerKey() +
                                                    machine.timing.qkLatency));
  // A row without keys waits for none.
  if (record.count == 0)
    cycles = cost.cycles;
  double end = start + cycles;
  take(command.from, start);
  use(command.from, end);
  put(unit, command.to, {end, end});
  ++unit.nextRecord;
  double latency = machine.timing.qkLatency;
  traceShares(unit, start, cycles - latency, costs.cyclesPerKey() * record.extra);
  finish(unit, end - latency, end, cost.cycles - latency);
  return true;
}

bool TimingPass::run(TimedUnit &unit, const SoftmaxCommand &command) {
  const TimedList *list = front(command.from);
  if (!list)
    return false;
  CommandCost cost = costs.softmax(nextRecord(unit).count, nextRecord(unit).count);
  double start = std::max(unit.time, list->available);
  double end = start + cost.cycles;
  bool isLate = machine.structure.widths.probabilityBits == 0;
  take(command.from, start);
  put(unit, command.to, {isLate ? start + machine.timing.softmaxLatency : end, end});
  ++unit.nextRecord;
  double latency = machine.timing.softmaxLatency;
  traceShares(unit, start, cost.cycles - latency, 1);
  finish(unit, end - latency, end, cost.cycles - latency);
  return true;
}

bool TimingPass::run(TimedUnit &unit, const AccumulateCommand &command) {
  const TimedList *weights = front(command.weights);
  const TimedList *values = front(command.values);
  if (!weights || !values)
    return false;
  const CommandRecord &record = nextRecord(unit);
  CommandCost cost = costs.accumulate(record.count, record.count, record.extra);
  double start = std::max({unit.time, weights->available, values->available});
  if (record.extra > 0) {
    std::optional<double> had = requestBus(unit, start, cost.busCycles);
    if (!had)
      return false;
    start = *had;
    checkWritten(unit, MemoryRegion::Value, command.batch, command.head, start);
    trace(kBanks, -1, unit, start, costs.readLatency() + cost.busCycles);
  }
  double lastInput = std::max(weights->complete, values->complete);
  double cycles = std::max(cost.cycles, wholeCycles(lastInput - start + costs.cyclesPerValue() +
                                                    machine.timing.vLatency));
  if (record.count == 0)
    cycles = cost.cycles;
  take(command.weights, start);
  take(command.values, start);
  double end = start + cycles;
  use(command.values, end);
  ++unit.nextRecord;
  double latency = machine.timing.vLatency;
  traceShares(unit, start, cycles - latency, costs.cyclesPerValue());
  finish(unit, end - latency, end, cost.cycles - latency);
  return true;
}

bool TimingPass::run(TimedUnit &unit, const StoreOutputCommand &) {
  // All CORELETs have a part in a row's output.
  CommandCost cost = costs.storeOutput();
  // It follows its row through the pipeline, so it ends after the sums have come out.
  double work = cost.cycles - machine.timing.vLatency;
  for (int64_t corelet = 0; corelet < machine.structure.corelets; ++corelet)
    trace(unit, corelet, unit.time, work);
  finish(unit, unit.time + work, std::max(unit.time, unit.ended) + cost.cycles, work);
  return true;
}

TimingResult sprint::runTiming(const DecodedProgram &program, const Machine &machine,
                               const LaunchShape &shape,
                               const std::array<UnitRecords, kNumMachineUnits> &records,
                               const TimingOptions &options) {
  return TimingPass(program, machine, shape, records, options).run();
}
