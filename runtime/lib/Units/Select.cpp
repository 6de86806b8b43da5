//===- Select.cpp - The unit that says which keys a query keeps -----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ledger/Ledger.h"
#include "Timing/TimingModel.h"
#include "Walk/Walk.h"

#include <algorithm>
#include <tuple>

using namespace sprint;

//===----------------------------------------------------------------------===//
// copy_query
//===----------------------------------------------------------------------===//

bool Walk::run(Unit &unit, const CopyQueryCommand &command) {
  int64_t head = headOf(unit, command.batch, command.head);
  checkResident(unit, head, MemoryRegion::Query);
  copiedRow = rowOf(unit, head, command.query);
  finish(unit, CopyQueryEvent{ownersOf(copiedRow)});
  return true;
}

bool TimingModel::run(Unit &unit, const CopyQueryEvent &event) {
  checkWritten(unit, MemoryRegion::Query, event.owners.head, unit.time);
  finish(unit, unit.time, durations.whole(durations.tCAS));
  return true;
}

//===----------------------------------------------------------------------===//
// load_mask, load_segments and load_bias
//===----------------------------------------------------------------------===//

bool Walk::run(Unit &unit, const LoadMaskCommand &command) {
  MemoryRegion region = command.region;
  if (region != MemoryRegion::KeyValid && region != MemoryRegion::Mask)
    fail(unit, "expected to load key_valid or mask, got " + std::string(sprint::toString(region)));
  int64_t head = headOf(unit, command.batch, command.head);
  int64_t row = rowOf(unit, head, command.query);
  checkBrought(unit, region);
  checkResident(unit, head, region);
  loadedInputs[static_cast<size_t>(region)] = layout.inputRow(region, head, row % shape.queries);
  finish(unit, LoadMaskEvent{region, ownersOf(row)});
  return true;
}

bool Walk::run(Unit &unit, const LoadSegmentsCommand &command) {
  // That of any head is that of all.
  int64_t head = batchOf(unit, command.batch) * shape.heads;
  int64_t row = rowOf(unit, head, command.query);
  for (MemoryRegion region : {MemoryRegion::QuerySegments, MemoryRegion::KeySegments}) {
    checkBrought(unit, region);
    checkResident(unit, head, region);
    loadedInputs[static_cast<size_t>(region)] = layout.inputRow(region, head, row % shape.queries);
  }
  finish(unit, LoadSegmentsEvent{ownersOf(row)});
  return true;
}

bool Walk::run(Unit &unit, const LoadBiasCommand &command) {
  int64_t head = headOf(unit, command.batch, command.head);
  int64_t row = rowOf(unit, head, command.query);
  checkBrought(unit, MemoryRegion::Bias);
  checkResident(unit, head, MemoryRegion::Bias);
  loadedInputs[static_cast<size_t>(MemoryRegion::Bias)] =
      layout.inputRow(MemoryRegion::Bias, head, row % shape.queries);
  finish(unit, LoadBiasEvent{ownersOf(row)});
  return true;
}

bool TimingModel::run(Unit &unit, const LoadMaskEvent &event) {
  checkWritten(unit, event.region, event.owners.head, unit.time);
  finish(unit, unit.time, durations.whole(durations.tCAS));
  return true;
}

bool TimingModel::run(Unit &unit, const LoadSegmentsEvent &event) {
  for (MemoryRegion region : {MemoryRegion::QuerySegments, MemoryRegion::KeySegments})
    checkWritten(unit, region, event.owners.head, unit.time);
  finish(unit, unit.time, durations.whole(durations.tCAS));
  return true;
}

bool TimingModel::run(Unit &unit, const LoadBiasEvent &event) {
  int64_t bits = shape.keys * elementBits(MemoryRegion::Bias);
  std::optional<Served> served =
      requestMemory(unit, unit.time, {bits, durations.read, burstsOf(bits), &durations.readBurst});
  if (!served)
    return false;
  checkWritten(unit, MemoryRegion::Bias, event.owners.head, served->start);
  Time duration = durations.whole(served->last - served->start);
  traceBanks(unit, served->start, duration);
  finish(unit, served->start, duration);
  return true;
}

void Ledger::add(const LoadMaskEvent &) { work.reramReadBits += static_cast<double>(shape.keys); }

void Ledger::add(const LoadSegmentsEvent &) {
  // That of the query and those of all keys.
  work.reramReadBits += static_cast<double>(elementBits(MemoryRegion::QuerySegments) +
                                            shape.keys * elementBits(MemoryRegion::KeySegments));
}

void Ledger::add(const LoadBiasEvent &) {
  auto row = static_cast<double>(shape.keys * elementBits(MemoryRegion::Bias));
  work.reramReadBits += row;
  work.sramWriteBits += row;
}

//===----------------------------------------------------------------------===//
// threshold and read_pruning
//===----------------------------------------------------------------------===//

bool Walk::run(Unit &unit, const ThresholdCommand &command) {
  int64_t head = headOf(unit, command.batch, command.head);
  checkResident(unit, head, MemoryRegion::Query);
  checkResident(unit, head, MemoryRegion::Key);
  if (copiedRow == -1 || copiedRow / shape.queries != head)
    fail(unit, "expected a query of " + describeHead(head) + " in the in-memory query buffer");
  if (prunedList != kNoList)
    fail(unit, "would lose a pruning vector that was not read");
  checkInputRows(unit, loadedInputs, copiedRow);
  prunedList = makeList(unit);
  List &list = lists[prunedList];
  list.head = head;
  list.row = copiedRow;
  std::tie(list.first, list.last) = rangeOf(unit, command.first, command.last);
  list.isPruned = true;
  meetRow(unit, list);
  finish(unit, ThresholdEvent{ownersOf(copiedRow), list.id});
  return true;
}

bool Walk::run(Unit &unit, const ReadPruningCommand &command) {
  if (prunedList == kNoList)
    fail(unit, "there is no pruning vector to read");
  put(unit, command.keysTo, prunedList, Stage::Selected);
  put(unit, command.valuesTo, prunedList, Stage::Selected);
  ListOwners owners = ownersOf(lists[prunedList].row);
  prunedList = kNoList;
  finish(unit, ReadPruningEvent{command.keysTo, command.valuesTo, owners});
  return true;
}

bool TimingModel::run(Unit &unit, const ThresholdEvent &event) {
  checkWritten(unit, MemoryRegion::Key, event.owners.head, unit.time);
  Time duration = durations.whole(Durations::times(1 + event.retries, durations.threshold));
  traceBanks(unit, unit.time, duration);
  finish(unit, unit.time, duration);
  return true;
}

bool TimingModel::run(Unit &unit, const ReadPruningEvent &event) {
  // Latches hold the vector, so no row is opened.
  std::optional<Served> served = requestMemory(unit, unit.time, {shape.keys, durations.tCAS});
  if (!served)
    return false;
  Time duration = durations.whole(served->last - served->start);
  Time end = served->start + duration;
  put(unit, event.keysTo, {end, end});
  put(unit, event.valuesTo, {end, end});
  traceBanks(unit, served->start, duration);
  finish(unit, served->start, duration);
  return true;
}

void Ledger::add(const ThresholdEvent &event) {
  work.inMemoryMacs += static_cast<double>(shape.headDim) * static_cast<double>(shape.keys) *
                       static_cast<double>(1 + event.retries);
}

void Ledger::add(const ReadPruningEvent &) {
  work.reramReadBits += static_cast<double>(shape.keys);
}

//===----------------------------------------------------------------------===//
// list_range
//===----------------------------------------------------------------------===//

bool Walk::run(Unit &unit, const ListRangeCommand &command) {
  uint32_t slot = makeList(unit);
  List &list = lists[slot];
  std::tie(list.first, list.last) = rangeOf(unit, command.first, command.last);
  list.inputRows = loadedInputs;
  put(unit, command.keysTo, slot, Stage::Selected);
  put(unit, command.valuesTo, slot, Stage::Selected);
  finish(unit, ListRangeEvent{command.keysTo, command.valuesTo});
  return true;
}

bool TimingModel::run(Unit &unit, const ListRangeEvent &event) {
  Time end = unit.time + durations.unitsPerCycle;
  put(unit, event.keysTo, {end, end});
  put(unit, event.valuesTo, {end, end});
  finish(unit, unit.time, durations.unitsPerCycle);
  return true;
}
