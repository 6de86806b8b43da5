//===- Walk.h - Follows a launch's commands ----------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Follows the units' commands without numbers and without time: whether they are legal, which lists
// pass through which queues, and an event for each. What a command does to the control of a launch
// never depends on data, so the events come before the values; what of them depends on a row's keys
// is left open (see Device/LaunchRun.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_WALK_WALK_H
#define SPRINTRUNTIME_LIB_WALK_WALK_H

#include "Events.h"
#include "LaunchLayout.h"
#include "Sequencer.h"
#include "Support/Ring.h"

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sprint {

/// A row that a launch recomputes, and the keys that its list is made of.
struct WalkedRow {
  ListId list = 0;
  int64_t head = 0;
  int64_t query = 0;
  /// From `first` to before `last`.
  int64_t first = 0, last = 0;
  /// Whether the list has what a threshold keeps, or all allowed keys of the range.
  bool isPruned = false;
};

/// The walk over one launch.
class Walk {
public:
  /// Its events go to `logs`. All arguments outlive this.
  Walk(const DecodedProgram &program, const Structure &structure, const LaunchLayout &layout,
       EventLogs &logs);

  /// Follows the commands until it has met `rows` more rows, which it appends to `walkedRows`, has
  /// run a good many commands, or is at the end. Throws LaunchFailure for a command that is not
  /// legal, and at the end where the launch stands still or has not done all that it should.
  void advance(int64_t rows);
  /// The place of the command that a unit's event of that number is of, for messages.
  static std::string placeOf(const DecodedProgram &program, MachineUnit unit, int64_t event);
  bool isDone() const { return done; }

  /// For whoever takes them to clear.
  std::vector<WalkedRow> walkedRows;

private:
  /// How far a list has come.
  enum class Stage : uint8_t { Selected, KeysFetched, ValuesFetched, Scored, Weighted };

  /// A list on its way between units.
  struct List {
    ListId id = 0;
    int64_t head = -1;
    int64_t row = -1;
    int64_t first = 0, last = 0;
    /// The rows of masks and biases that it was made with.
    InputRows inputRows{};
    bool isPruned = false;
  };

  /// A list in a queue.
  struct QueuedList {
    uint32_t slot = 0;
    Stage stage = Stage::Selected;
  };

  /// A head, or a key head, in ReRAM.
  struct Resident {
    bool isThere = false;
    /// Bits by MemoryRegion.
    uint32_t written = 0;
    int64_t rowsLeft = 0;
  };

  struct Unit {
    Cursor cursor;
    /// The queue that it waits for, while it does.
    std::string_view waitsFor;
  };

  static const char *toString(Stage stage);

  /// Runs a unit until it is done or waits, or has run long enough. Returns whether it ran
  /// anything.
  bool runUnit(Unit &unit);
  /// Whether a unit can run nothing before another one has.
  bool isWaiting(const Unit &unit) const;
  void checkFinished() const;

  // Each returns whether the command has run; where not, the unit waits.
  bool run(Unit &unit, const LoopCommand &command);
  bool run(Unit &unit, const EndLoopCommand &command);
  bool run(Unit &unit, const AcquireCommand &command);
  bool run(Unit &unit, const ReleaseCommand &command);
  bool run(Unit &unit, const WriteCommand &command);
  bool run(Unit &unit, const LoadQueryCommand &command);
  bool run(Unit &unit, const FetchCommand &command);
  bool run(Unit &unit, const CopyQueryCommand &command);
  bool run(Unit &unit, const ThresholdCommand &command);
  bool run(Unit &unit, const ReadPruningCommand &command);
  bool run(Unit &unit, const ListRangeCommand &command);
  bool run(Unit &unit, const LoadMaskCommand &command);
  bool run(Unit &unit, const LoadBiasCommand &command);
  bool run(Unit &unit, const LoadSegmentsCommand &command);
  bool run(Unit &unit, const ScoreCommand &command);
  bool run(Unit &unit, const SoftmaxCommand &command);
  bool run(Unit &unit, const AccumulateCommand &command);
  bool run(Unit &unit, const StoreOutputCommand &command);

  /// Ends a unit's command with its event.
  void finish(Unit &unit, const Event &event) {
    logs[static_cast<size_t>(unit.cursor.machineUnit())].append(event);
    unit.cursor.advance();
  }
  [[noreturn]] static void fail(const Unit &unit, const std::string &message) {
    throw LaunchFailure{unit.cursor.place() + ": " + message};
  }

  [[noreturn]] static void failValue(const Unit &unit, const char *what, int64_t end,
                                     int64_t value);
  [[noreturn]] void failToRead(const Unit &unit, int64_t head, MemoryRegion region) const;
  [[noreturn]] void failStage(const Unit &unit, IndexQueueIndex queue, Stage expected,
                              Stage got) const;
  [[noreturn]] void failHead(const Unit &unit, int64_t head, const List &list) const;
  [[noreturn]] void failFull(const Unit &unit, IndexQueueIndex queue) const;

  // Operands of commands.
  int64_t batchOf(const Unit &unit, ExprIndex batch) const {
    return valueOf(unit, batch, "batch element", shape.batches);
  }
  int64_t headOf(const Unit &unit, ExprIndex batch, ExprIndex head) const {
    int64_t batchValue = batchOf(unit, batch);
    return batchValue * shape.heads + valueOf(unit, head, "head", shape.heads);
  }
  /// The key head that a `write` of keys or values names.
  int64_t keyHeadOf(const Unit &unit, ExprIndex batch, ExprIndex head) const;
  /// An operand, which has to be from 0 to before `end`.
  static int64_t valueOf(const Unit &unit, ExprIndex expression, const char *what, int64_t end) {
    int64_t value = unit.cursor.evaluate(expression);
    if (value < 0 || value >= end)
      failValue(unit, what, end, value);
    return value;
  }
  int64_t rowOf(const Unit &unit, int64_t head, ExprIndex query) const {
    return head * shape.queries + valueOf(unit, query, "query", shape.queries);
  }
  ListOwners ownersOf(int64_t row) const {
    return {row / shape.queries, static_cast<int32_t>(row % shape.queries)};
  }
  std::string describeHead(int64_t head) const;
  std::string describeKeyHead(int64_t keyHead) const;
  std::string describeRow(int64_t row) const;
  /// The allowed keys of a range, cut to those that there are.
  std::pair<int64_t, int64_t> rangeOf(const Unit &unit, ExprIndex first, ExprIndex last) const;

  // What is in ReRAM.
  /// A key head, which enters ReRAM unless it is there; a region of it or of its heads is written.
  Resident &enterKeyHead(const Unit &unit, int64_t keyHead, MemoryRegion region, int64_t head);
  /// Fails unless a write of keys or values names the tokens that the launch brings.
  void checkTokens(const Unit &unit, const WriteCommand &command) const;
  /// Fails unless a region, of a head or of what it shares, is in ReRAM.
  void checkResident(const Unit &unit, int64_t head, MemoryRegion region) const {
    uint32_t written = isSharedByGroup(region)   ? keyHeads[layout.keyHeadOf(head)].written |
                                                       cachedOfKeyHead[layout.keyHeadOf(head)]
                       : isSharedByBatch(region) ? writtenOfBatch[head / shape.heads]
                                                 : heads[head].written;
    if (!(written >> static_cast<unsigned>(region) & 1))
      failToRead(unit, head, region);
  }
  /// Notes that a row of a head is done, which makes room with the last one.
  void leaveRow(int64_t head);
  /// Fails unless `rows`, of masks and biases, are those of a query.
  void checkInputRows(const Unit &unit, const InputRows &rows, int64_t row) const;
  /// Fails unless the launch brings `region`.
  void checkBrought(const Unit &unit, MemoryRegion region) const;
  /// What is written of a region, of a head or of a key head, for messages.
  std::string describeWritten(MemoryRegion region, int64_t head) const;

  // Lists.
  bool hasList(Unit &unit, IndexQueueIndex queue) const {
    if (!queues[static_cast<size_t>(queue)].empty())
      return true;
    unit.waitsFor = program.name(queue);
    return false;
  }
  /// The slot of the list that is taken from a queue, where it must be at `stage`.
  uint32_t take(const Unit &unit, IndexQueueIndex queue, Stage stage) {
    Ring<QueuedList> &waiting = queues[static_cast<size_t>(queue)];
    QueuedList list = waiting.front();
    if (list.stage != stage)
      failStage(unit, queue, stage, list.stage);
    waiting.pop();
    return list.slot;
  }
  void put(const Unit &unit, IndexQueueIndex queue, uint32_t slot, Stage stage) {
    Ring<QueuedList> &waiting = queues[static_cast<size_t>(queue)];
    if (static_cast<int64_t>(waiting.size()) == program.depth(queue))
      failFull(unit, queue);
    waiting.push({slot, stage});
  }
  /// A slot for a new list. Fails where there are more than rows, one of which each list has to
  /// become: they need memory until they do.
  uint32_t makeList(const Unit &unit);
  /// Notes that it is known of which row a list is.
  void meetRow(const Unit &unit, const List &list);
  /// Sets the head a list is of, which must be the one it is of already, if any.
  void setHead(const Unit &unit, List &list, int64_t head) const {
    if (list.head != -1 && list.head != head)
      failHead(unit, head, list);
    list.head = head;
  }

  const DecodedProgram &program;
  const Structure &structure;
  const LaunchLayout &layout;
  const LaunchShape &shape;
  EventLogs &logs;

  std::vector<Unit> units;
  std::vector<int64_t> credits;
  std::vector<Ring<QueuedList>> queues;
  std::vector<List> lists;
  std::vector<uint32_t> freeLists;
  ListId nextList = 0;
  /// Rows and commands to come before `advance` ends.
  int64_t rowsToMeet = 0;
  int64_t commandsToRun = 0;
  bool done = false;

  std::vector<Resident> heads, keyHeads;
  int64_t residentKeyHeads = 0;
  /// For each key head which regions of it have been added to a cache, bits by MemoryRegion. They
  /// take no room of those that the launch writes, and stay.
  std::vector<uint32_t> cachedOfKeyHead;
  /// For each batch element which of the inputs that all its heads share have been written, bits by
  /// MemoryRegion; for each head, or key head, which regions ever were.
  std::vector<uint32_t> writtenOfBatch, everWritten;
  /// For each row whether a list of it has been met, and whether its output has been written.
  std::vector<uint8_t> isRowMet, isRowDone;
  int64_t rowsDone = 0;

  static constexpr uint32_t kNoList = UINT32_MAX;
  // State of the select unit.
  int64_t copiedRow = -1;
  InputRows loadedInputs;
  /// The list of the last thresholding, until its pruning vector is read.
  uint32_t prunedList = kNoList;
  // State of the other units.
  Ring<int64_t> loadedQueries;
  /// The row that the V-PUs have summed up and not yet sent.
  int64_t accumulatedRow = -1;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_WALK_WALK_H
