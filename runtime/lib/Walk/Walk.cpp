//===- Walk.cpp - Follows a launch's commands -----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each command checks and takes is in Units/.
//
//===----------------------------------------------------------------------===//

#include "Walk.h"

#include <algorithm>
#include <optional>
#include <variant>

using namespace sprint;

namespace {

/// Commands that the walk runs at a stretch, and those of one unit before another one has its turn:
/// few enough that their events do not need much memory.
constexpr int64_t kCommands = int64_t(1) << 16;
constexpr int64_t kCommandsOfUnit = int64_t(1) << 12;
/// Events of a unit that may wait for their time to be known, many times those of usual programs.
constexpr int64_t kMaxEventsAhead = int64_t(1) << 20;

} // namespace

Walk::Walk(const DecodedProgram &program, const Structure &structure, const LaunchLayout &layout,
           EventLogs &logs)
    : program(program), structure(structure), layout(layout), shape(layout.shape()), logs(logs) {
  for (const CountingQueue &queue : program.source().countingQueues)
    credits.push_back(queue.credits);
  queues.resize(program.source().indexQueues.size());
  for (const DecodedUnit &unit : program.units())
    units.push_back({Cursor(program, unit), {}});
  heads.resize(layout.heads());
  keyHeads.resize(layout.keyHeads());
  cachedOfKeyHead.resize(layout.keyHeads());
  writtenOfBatch.resize(shape.batches);
  everWritten.resize(layout.heads());
  isRowMet.resize(layout.heads() * shape.queries);
  isRowDone.resize(layout.heads() * shape.queries);
  loadedInputs.fill(-1);
}

void Walk::advance(int64_t rows) {
  rowsToMeet = rows;
  commandsToRun = kCommands;
  // Each queue has one unit at each end, so the order in which units run changes no value. In the
  // order of the table the units that fill queues come before those that empty them, which shows
  // queues that are too short.
  bool isMoving = true;
  while (isMoving && rowsToMeet > 0 && commandsToRun > 0) {
    isMoving = false;
    for (Unit &unit : units)
      isMoving |= runUnit(unit);
  }
  for (EventLog &log : logs) {
    log.state = EventLog::State::Ended;
    if (log.end() - log.begin() > kMaxEventsAhead)
      throw LaunchFailure{"unit '" +
                          std::string(sprint::toString(static_cast<MachineUnit>(&log - &logs[0]))) +
                          "' runs more than " + std::to_string(kMaxEventsAhead) +
                          " commands before those of other units that decide when they happen"};
  }
  for (const Unit &unit : units)
    if (!unit.cursor.isDone())
      logs[static_cast<size_t>(unit.cursor.machineUnit())].state =
          isWaiting(unit) ? EventLog::State::Waiting : EventLog::State::Open;
  if (isMoving)
    return;
  checkFinished();
  done = true;
}

bool Walk::runUnit(Unit &unit) {
  bool ran = false;
  for (int64_t command = 0; command < kCommandsOfUnit && !unit.cursor.isDone() && rowsToMeet > 0;
       ++command, --commandsToRun) {
    if (!std::visit([&](const auto &each) { return run(unit, each); }, unit.cursor.command()))
      return ran;
    ran = true;
  }
  return ran;
}

bool Walk::isWaiting(const Unit &unit) const {
  CommandWord word = encode(unit.cursor.command());
  return std::ranges::any_of(checkedInfo(word)->fields, [&](const CommandField &field) {
    uint64_t queue = readField(word, field);
    return (field.role == FieldRole::Acquires && credits[queue] == 0) ||
           (field.role == FieldRole::Takes && queues[queue].empty());
  });
}

std::string Walk::placeOf(const DecodedProgram &program, MachineUnit unit, int64_t event) {
  Cursor cursor(program, *std::ranges::find(program.units(), unit, &DecodedUnit::unit));
  while (true) {
    if (const auto *loop = std::get_if<LoopCommand>(&cursor.command()))
      cursor.beginLoop(*loop);
    else if (std::holds_alternative<EndLoopCommand>(cursor.command()))
      cursor.endLoop();
    else if (event-- == 0)
      return cursor.place();
    else
      cursor.advance();
  }
}

void Walk::checkFinished() const {
  std::string waiting;
  for (const Unit &unit : units)
    if (!unit.cursor.isDone())
      waiting += (waiting.empty() ? "" : "; ") + unit.cursor.place() + " waits for '" +
                 std::string(unit.waitsFor) + "'";
  if (!waiting.empty())
    throw LaunchFailure{"stands still: " + waiting};
  for (size_t queue = 0; queue < queues.size(); ++queue)
    if (!queues[queue].empty())
      throw LaunchFailure{"ends with " + std::to_string(queues[queue].size()) +
                          " lists in queue '" + program.name(static_cast<IndexQueueIndex>(queue)) +
                          "'"};
  auto rows = static_cast<int64_t>(isRowDone.size());
  if (rowsDone != rows)
    throw LaunchFailure{"writes " + std::to_string(rowsDone) + " of " + std::to_string(rows) +
                        " output rows; the first that is missing is that of " +
                        describeRow(std::ranges::find(isRowDone, 0) - isRowDone.begin())};
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

void Walk::failValue(const Unit &unit, const char *what, int64_t end, int64_t value) {
  fail(unit, "expected a " + std::string(what) + " below " + std::to_string(end) + ", got " +
                 std::to_string(value));
}

void Walk::failToRead(const Unit &unit, int64_t head, MemoryRegion region) const {
  fail(unit,
       "reads the " + contentOf(region) + " of " + describeHead(head) + ", which are not in ReRAM");
}

void Walk::failStage(const Unit &unit, IndexQueueIndex queue, Stage expected, Stage got) const {
  fail(unit, "expected " + std::string(toString(expected)) + " in queue '" + program.name(queue) +
                 "', got " + toString(got));
}

void Walk::failHead(const Unit &unit, int64_t head, const List &list) const {
  fail(unit,
       "expected a list of " + describeHead(head) + ", got one of " + describeHead(list.head));
}

void Walk::failFull(const Unit &unit, IndexQueueIndex queue) const {
  fail(unit, "overruns queue '" + program.name(queue) + "' of depth " +
                 std::to_string(program.depth(queue)));
}

//===----------------------------------------------------------------------===//
// Operands of commands
//===----------------------------------------------------------------------===//

int64_t Walk::keyHeadOf(const Unit &unit, ExprIndex batch, ExprIndex head) const {
  int64_t batchValue = batchOf(unit, batch);
  return batchValue * shape.keyHeads() + valueOf(unit, head, "key head", shape.keyHeads());
}

std::string Walk::describeHead(int64_t head) const {
  return "batch " + std::to_string(head / shape.heads) + ", head " +
         std::to_string(head % shape.heads);
}

std::string Walk::describeKeyHead(int64_t keyHead) const {
  return "batch " + std::to_string(keyHead / shape.keyHeads()) + ", key head " +
         std::to_string(keyHead % shape.keyHeads());
}

std::string Walk::describeRow(int64_t row) const {
  return describeHead(row / shape.queries) + ", query " + std::to_string(row % shape.queries);
}

std::string Walk::describeWritten(MemoryRegion region, int64_t head) const {
  return contentOf(region) + " of " +
         (isSharedByGroup(region) ? describeKeyHead(head) : describeHead(head));
}

std::pair<int64_t, int64_t> Walk::rangeOf(const Unit &unit, ExprIndex first, ExprIndex last) const {
  int64_t begin = std::clamp<int64_t>(unit.cursor.evaluate(first), 0, shape.keys);
  int64_t end = std::clamp<int64_t>(unit.cursor.evaluate(last), begin, shape.keys);
  return {begin, end};
}

//===----------------------------------------------------------------------===//
// What is in ReRAM
//===----------------------------------------------------------------------===//

Walk::Resident &Walk::enterKeyHead(const Unit &unit, int64_t keyHead, MemoryRegion region,
                                   int64_t head) {
  Resident &entered = keyHeads[keyHead];
  if (entered.isThere)
    return entered;
  if (residentKeyHeads == structure.residentHeads)
    fail(unit, "writes the " + describeWritten(region, head) + " while " +
                   std::to_string(residentKeyHeads) +
                   " key heads are in work, as many as ReRAM holds");
  ++residentKeyHeads;
  entered = {true, 0, shape.group * shape.queries};
  return entered;
}

void Walk::leaveRow(int64_t head) {
  Resident &keyHead = keyHeads[layout.keyHeadOf(head)];
  if (!keyHead.isThere)
    return;
  if (heads[head].isThere && --heads[head].rowsLeft == 0)
    heads[head] = {};
  if (--keyHead.rowsLeft == 0) {
    keyHead = {};
    --residentKeyHeads;
  }
}

void Walk::checkBrought(const Unit &unit, MemoryRegion region) const {
  if (!layout.brings(region))
    fail(unit,
         "expected a tensor that the program takes, got " + std::string(sprint::toString(region)));
}

void Walk::checkInputRows(const Unit &unit, const InputRows &rows, int64_t row) const {
  std::optional<MemoryRegion> stale =
      layout.findStale(rows, row / shape.queries, row % shape.queries);
  if (stale)
    fail(unit, "expected the " + contentOf(*stale) + " of " + describeRow(row) +
                   " to be loaded, got " +
                   (rows[static_cast<size_t>(*stale)] == -1 ? "none" : "others"));
}

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

const char *Walk::toString(Stage stage) {
  switch (stage) {
  case Stage::Selected:
    return "selected keys";
  case Stage::KeysFetched:
    return "fetched keys";
  case Stage::ValuesFetched:
    return "fetched values";
  case Stage::Scored:
    return "scores";
  case Stage::Weighted:
    return "weights";
  }
  return "";
}

uint32_t Walk::makeList(const Unit &unit) {
  if (nextList == static_cast<ListId>(isRowMet.size()))
    fail(unit, "makes more lists than there are rows, which are " + std::to_string(nextList));
  uint32_t slot;
  if (freeLists.empty()) {
    slot = static_cast<uint32_t>(lists.size());
    lists.emplace_back();
  } else {
    slot = freeLists.back();
    freeLists.pop_back();
    lists[slot] = {};
  }
  lists[slot].id = nextList++;
  return slot;
}

void Walk::meetRow(const Unit &unit, const List &list) {
  if (isRowMet[list.row])
    fail(unit, "has a second list of " + describeRow(list.row));
  isRowMet[list.row] = 1;
  walkedRows.push_back({list.id, list.row / shape.queries, list.row % shape.queries, list.first,
                        list.last, list.isPruned});
  --rowsToMeet;
}
