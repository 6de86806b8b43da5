//===- QK.cpp - The unit that scores keys ---------------------------------===//
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

bool Walk::run(Unit &unit, const ScoreCommand &command) {
  if (!hasList(unit, command.from))
    return false;
  int64_t head = headOf(unit, command.batch, command.head);
  int64_t row = rowOf(unit, head, command.query);
  checkResident(unit, head, MemoryRegion::Query);
  checkResident(unit, head, MemoryRegion::Key);
  uint32_t slot = take(unit, command.from, Stage::KeysFetched);
  List &list = lists[slot];
  setHead(unit, list, head);
  if (list.row != -1 && list.row != row)
    fail(unit,
         "expected the list of " + describeRow(row) + ", got that of " + describeRow(list.row));
  // A range was listed before it was known for which row.
  if (list.row == -1) {
    checkInputRows(unit, list.inputRows, row);
    list.row = row;
    meetRow(unit, list);
  }
  bool isLoaded = false;
  for (size_t index = 0; index < loadedQueries.size(); ++index)
    isLoaded |= loadedQueries[index] == row;
  if (!isLoaded)
    fail(unit, "expected " + describeRow(row) + " in the query buffers");
  put(unit, command.to, slot, Stage::Scored);
  ScoreEvent event{command.from, command.to, layout.brings(MemoryRegion::Bias)};
  event.owners = ownersOf(row);
  event.list = list.id;
  finish(unit, event);
  return true;
}

bool TimingModel::run(Unit &unit, const ScoreEvent &event) {
  const TimedList *list = front(unit, event.from);
  if (!list)
    return false;
  Time latency = durations.qkLatency;
  Time work = Durations::times(int64_t(event.size.fullest) * event.passes, durations.perKey);
  Time alone = durations.whole(latency + work);
  Time start = std::max(unit.time, list->available);
  Time taken = pipelines->take({.start = start,
                                .perToken = durations.perKey,
                                .size = event.size,
                                .passes = event.passes,
                                .shares = sharesOf(unit),
                                .list = *list});
  Time duration = durations.whole(taken - start + latency);
  Time end = start + duration;
  pipelines->drop(list->arrivals);
  noteList(unit, event.from, *list);
  take(event.from, start);
  use(event.from, end);
  put(unit, event.to, {end, end});
  traceShares(unit, start, duration - latency, durations.perKey * event.passes);
  finish(unit, start, end - latency, end, alone - latency);
  return true;
}

void Ledger::add(const ScoreEvent &event) {
  int64_t scores = int64_t(event.size.keys) * event.passes;
  work.sramReadBits += bits(scores + structure.corelets, shape.headDim);
  if (event.hasBiases)
    work.sramReadBits += static_cast<double>(scores * elementBits(MemoryRegion::Bias));
  work.qkMacs += static_cast<double>(scores) * static_cast<double>(shape.headDim);
}
