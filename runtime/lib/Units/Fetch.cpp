//===- Fetch.cpp - The units that bring tokens on chip --------------------===//
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
// load_query
//===----------------------------------------------------------------------===//

bool Walk::run(Unit &unit, const LoadQueryCommand &command) {
  int64_t head = headOf(unit, command.batch, command.head);
  checkResident(unit, head, MemoryRegion::Query);
  // A query that is one too many takes the place of the oldest.
  if (static_cast<int64_t>(loadedQueries.size()) == structure.queryBufferQueries)
    loadedQueries.pop();
  int64_t row = rowOf(unit, head, command.query);
  loadedQueries.push(row);
  finish(unit, LoadQueryEvent{ownersOf(row)});
  return true;
}

bool TimingModel::run(Unit &unit, const LoadQueryEvent &event) {
  MemoryRequest request = {durations.key.bits, durations.read, 1, &durations.key};
  request.bank = event.owners.query % machine.structure.banks();
  std::optional<Served> served = requestMemory(unit, unit.time, request);
  if (!served)
    return false;
  checkWritten(unit, MemoryRegion::Query, event.owners.head, served->start);
  Time duration = durations.whole(served->last - served->start);
  Time held = durations.whole(served->moved);
  traceBanks(unit, served->start, duration);
  trace(unit, served->start, held);
  finish(unit, served->start, served->start + held, served->start + duration, held);
  return true;
}

void Ledger::add(const LoadQueryEvent &) {
  work.reramReadBits += bits(1, shape.headDim);
  // Each CORELET gets the query.
  work.sramWriteBits += bits(structure.corelets, shape.headDim);
}

//===----------------------------------------------------------------------===//
// fetch
//===----------------------------------------------------------------------===//

bool Walk::run(Unit &unit, const FetchCommand &command) {
  bool isKey = unit.cursor.machineUnit() == MachineUnit::KeyFetch;
  MemoryRegion expected = isKey ? MemoryRegion::Key : MemoryRegion::Value;
  if (command.region != expected)
    fail(unit, "expected this unit to fetch the " + std::string(sprint::toString(expected)) +
                   ", got the " + std::string(sprint::toString(command.region)));
  if (!hasList(unit, command.from))
    return false;
  int64_t head = headOf(unit, command.batch, command.head);
  checkResident(unit, head, command.region);
  uint32_t slot = take(unit, command.from, Stage::Selected);
  setHead(unit, lists[slot], head);
  put(unit, command.to, slot, isKey ? Stage::KeysFetched : Stage::ValuesFetched);
  FetchEvent event{command.region, command.residency, command.from, command.to};
  event.owners.head = head;
  event.list = lists[slot].id;
  finish(unit, event);
  return true;
}

bool TimingModel::run(Unit &unit, const FetchEvent &event) {
  const TimedList *list = front(unit, event.from);
  if (!list)
    return false;
  TimedQueue &lists = queueOf(event.to);
  if (event.waitsForRoom && lists.uses < lists.puts)
    return wait(unit, lists.waiting);
  Time start = std::max(unit.time, list->available);
  if (event.waitsForRoom)
    start = std::max(start, lists.lastUse);
  Time held = durations.unitsPerCycle;
  Time duration = durations.unitsPerCycle;
  TimedList passedOn = {start, start};
  if (event.read > 0) {
    std::optional<Served> served =
        requestMemory(unit, start, readOf(unit, event.region, event.read));
    if (!served)
      return false;
    start = served->start;
    held = durations.whole(served->moved);
    duration = durations.whole(served->last - start);
    passedOn = {event.reused > 0 ? start : served->first, served->last};
    if (isDetailed())
      passedOn.arrivals = pipelines->keep({placesOf(unit), memory->arrivals(), event.again});
    ++unit.nextPlaces;
    traceBanks(unit, start, duration);
  } else {
    unit.bytes = 0;
  }
  checkWritten(unit, event.region, event.owners.head, start);
  noteList(unit, event.from, *list);
  if (options.explained && event.waitsForRoom)
    noteWait(unit, "room beside the list before", lists.lastUse);
  size_t buffer = event.region == MemoryRegion::Value;
  count(queues.size() + buffer, start, event.held - heldTokens[buffer]);
  heldTokens[buffer] = event.held;
  take(event.from, start);
  put(unit, event.to, passedOn);
  trace(unit, start, held);
  finish(unit, start, start + held, start + duration, held);
  return true;
}

void Ledger::add(const FetchEvent &event) {
  int64_t channels = event.region == MemoryRegion::Key ? shape.headDim : shape.valueDim;
  work.reramReadBits += bits(event.read, channels);
  work.sramWriteBits += bits(event.read, channels);
  fetchedBytes += event.read * channels;
}
