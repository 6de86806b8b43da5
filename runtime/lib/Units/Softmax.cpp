//===- Softmax.cpp - The unit that makes weights of scores ----------------===//
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

bool Walk::run(Unit &unit, const SoftmaxCommand &command) {
  if (!hasList(unit, command.from))
    return false;
  int64_t head = headOf(unit, command.batch, command.head);
  checkResident(unit, head, MemoryRegion::Query);
  uint32_t slot = take(unit, command.from, Stage::Scored);
  List &list = lists[slot];
  setHead(unit, list, head);
  put(unit, command.to, slot, Stage::Weighted);
  SoftmaxEvent event{command.from, command.to};
  event.owners = ownersOf(list.row);
  event.list = list.id;
  finish(unit, event);
  return true;
}

bool TimingModel::run(Unit &unit, const SoftmaxEvent &event) {
  const TimedList *list = front(unit, event.from);
  if (!list)
    return false;
  Time latency = durations.softmaxLatency;
  Time duration =
      durations.whole(latency + Durations::times(event.size.fullest, durations.unitsPerCycle));
  Time start = std::max(unit.time, list->available);
  Time end = start + duration;
  bool isLate = machine.structure.widths.probabilityBits == 0;
  noteList(unit, event.from, *list);
  take(event.from, start);
  put(unit, event.to, {isLate ? start + latency : end, end});
  traceShares(unit, start, duration - latency, durations.unitsPerCycle);
  finish(unit, start, end - latency, end, duration - latency);
  return true;
}

void Ledger::add(const SoftmaxEvent &event) {
  work.softmaxScores += static_cast<double>(event.size.keys);
}
