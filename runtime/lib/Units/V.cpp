//===- V.cpp - The unit that sums values ----------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ledger/Ledger.h"
#include "Timing/TimingModel.h"
#include "Walk/Walk.h"

#include <algorithm>

using namespace sprint;

//===----------------------------------------------------------------------===//
// accumulate
//===----------------------------------------------------------------------===//

bool Walk::run(Unit &unit, const AccumulateCommand &command) {
  if (!hasList(unit, command.weights) || !hasList(unit, command.values))
    return false;
  int64_t head = headOf(unit, command.batch, command.head);
  checkResident(unit, head, MemoryRegion::Value);
  uint32_t slot = take(unit, command.weights, Stage::Weighted);
  uint32_t values = take(unit, command.values, Stage::ValuesFetched);
  List &list = lists[slot];
  setHead(unit, list, head);
  setHead(unit, lists[values], head);
  if (values != slot)
    fail(unit, "expected the values of " + describeRow(list.row) + ", got another list");
  if (accumulatedRow != -1)
    fail(unit, "would lose sums that were not stored");
  accumulatedRow = list.row;
  AccumulateEvent event{command.weights, command.values};
  event.owners = ownersOf(list.row);
  event.list = list.id;
  freeLists.push_back(slot);
  finish(unit, event);
  return true;
}

bool TimingModel::run(Unit &unit, const AccumulateEvent &event) {
  const TimedList *weights = front(unit, event.weights);
  const TimedList *values = front(unit, event.values);
  if (!weights || !values)
    return false;
  Time latency = durations.vLatency;
  Time start = std::max({unit.time, weights->available, values->available});
  Time reading = 0;
  ArrivingTokens own;
  if (event.unfetched > 0) {
    std::optional<Served> served =
        requestMemory(unit, start, readOf(unit, MemoryRegion::Value, event.unfetched));
    if (!served)
      return false;
    start = served->start;
    reading = served->last - start + durations.perValue;
    own = {placesOf(unit), memory->arrivals(), 0, served->last};
    checkWritten(unit, MemoryRegion::Value, event.owners.head, start);
    traceBanks(unit, start, served->last - start);
  }
  Time alone = durations.whole(
      latency + std::max(Durations::times(event.size.fullest, durations.perValue), reading));
  Time taken = pipelines->take({.start = start,
                                .perToken = durations.perValue,
                                .size = event.size,
                                .shares = sharesOf(unit),
                                .list = *values,
                                .weights = weights,
                                .own = own});
  Time duration = durations.whole(taken - start + latency);
  pipelines->drop(values->arrivals);
  if (event.unfetched > 0)
    ++unit.nextPlaces;
  noteList(unit, event.weights, *weights);
  noteList(unit, event.values, *values);
  take(event.weights, start);
  take(event.values, start);
  Time end = start + duration;
  use(event.values, end);
  traceShares(unit, start, duration - latency, durations.perValue);
  finish(unit, start, end - latency, end, alone - latency);
  return true;
}

void Ledger::add(const AccumulateEvent &event) {
  work.reramReadBits += bits(event.unfetched, shape.valueDim);
  work.sramWriteBits += bits(event.unfetched, shape.valueDim);
  work.sramReadBits += bits(event.size.keys, shape.valueDim);
  work.vMacs += static_cast<double>(event.size.keys) * static_cast<double>(shape.valueDim);
  fetchedBytes += event.unfetched * shape.valueDim;
}

//===----------------------------------------------------------------------===//
// store_output
//===----------------------------------------------------------------------===//

bool Walk::run(Unit &unit, const StoreOutputCommand &command) {
  int64_t head = headOf(unit, command.batch, command.head);
  int64_t row = rowOf(unit, head, command.query);
  if (accumulatedRow != row)
    fail(unit, "expected the sums of " + describeRow(row) + ", got " +
                   (accumulatedRow == -1 ? "none" : "those of " + describeRow(accumulatedRow)));
  // There is one list of a row, so it comes here once.
  accumulatedRow = -1;
  isRowDone[row] = 1;
  ++rowsDone;
  leaveRow(head);
  finish(unit, StoreOutputEvent{ownersOf(row)});
  return true;
}

bool TimingModel::run(Unit &unit, const StoreOutputEvent &) {
  Time work = durations.whole(durations.division);
  // All CORELETs have a part in a row's output.
  for (int64_t corelet = 0; corelet < machine.structure.corelets; ++corelet)
    traceCorelet(unit, corelet, unit.time, work);
  // It follows its row through the pipeline.
  Time free = unit.time + work;
  finish(unit, unit.time, free, free + durations.vLatency, work);
  return true;
}
