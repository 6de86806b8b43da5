//===- Functional.cpp - Values of a launch --------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Functional.h"
#include "AllowedScores.h"
#include "ApproximateScores.h"
#include "RowMasks.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <memory>
#include <optional>

using namespace sprint;

namespace {

/// Bytes of masks and of lists in queues that a launch may need.
constexpr int64_t kMaxMaskBytes = int64_t(1) << 34;
constexpr int64_t kMaxQueueBytes = int64_t(1) << 34;
/// Bytes a key takes in a list, with its bias, its score and its weight.
constexpr int64_t kListEntryBytes = 16;
/// Output rows between two reports of progress.
constexpr int64_t kProgressRows = 256;

/// How far a row's list has come.
enum class Stage { Selected, KeysFetched, ValuesFetched, Scored, Weighted };

const char *toString(Stage stage) {
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

/// A row's list on its way between units.
struct RowList {
  Stage stage = Stage::Selected;
  /// Head and row it is of, -1 while no command has said.
  int64_t head = -1;
  int64_t row = -1;
  /// Ascending. The order in which tokens arrive changes no value.
  std::shared_ptr<const std::vector<uint32_t>> keys;
  /// Codes of the keys' biases; null without biases.
  std::shared_ptr<const std::vector<int32_t>> biases;
  /// The rows of masks and biases that it was made with.
  InputRows inputRows{};
  std::vector<int32_t> scores;
  int32_t maximum = 0;
  std::vector<uint32_t> weights;
  int64_t exponentSum = 0;
  /// Values that the V-PU reads from ReRAM itself.
  uint32_t unfetched = 0;
};

/// Which regions are in ReRAM, by MemoryRegion.
using WrittenRegions = std::array<bool, launchInputs.size()>;

/// What a head has in ReRAM for itself.
struct ResidentHead {
  WrittenRegions isWritten{};
  std::vector<int8_t> queries;
  ApproximateScores approximate;
  HeadParameters parameters;
  int64_t rowsLeft = 0;
};

/// A key head in ReRAM and the heads of its group, of which those that have no rows left are gone.
struct ResidentKeyHead {
  WrittenRegions isWritten{};
  std::vector<int8_t> keys, values;
  std::map<int64_t, ResidentHead> heads;
  /// Of all heads of the group.
  int64_t rowsLeft = 0;
};

/// The key or the value buffers of all CORELETs.
struct TokenBuffer {
  /// Tokens for each CORELET.
  int64_t capacity = 0;
  int64_t keyHead = -1;
  std::vector<uint8_t> isHeld;
  std::vector<uint32_t> held;
  /// Tokens held on each CORELET.
  std::vector<int64_t> counts;

  void clear() {
    for (uint32_t token : held)
      isHeld[token] = 0;
    held.clear();
    std::ranges::fill(counts, 0);
  }
};

struct UnitState {
  Cursor cursor;
  /// The queue that it waits for, while it does.
  std::string waitsFor;
};

class FunctionalPass {
public:
  FunctionalPass(const DecodedProgram &program, const Machine &machine, const Operands &operands,
                 const std::vector<float> &thresholds, const LaunchOptions &options)
      : program(program), structure(machine.structure), operands(operands), shape(operands.shape()),
        thresholds(thresholds), options(options), costs(machine, shape.headDim, shape.valueDim),
        masks(operands, program.source().scale) {}

  FunctionalResult run();

private:
  void prepare();
  void checkFinished();
  /// Runs a unit until it is done or waits. Returns whether it ran anything.
  bool runUnit(UnitState &unit);

  // Each returns whether the command has run; where not, the unit waits.
  bool run(UnitState &unit, const LoopCommand &command);
  bool run(UnitState &unit, const EndLoopCommand &command);
  bool run(UnitState &unit, const AcquireCommand &command);
  bool run(UnitState &unit, const ReleaseCommand &command);
  bool run(UnitState &unit, const WriteCommand &command);
  bool run(UnitState &unit, const LoadQueryCommand &command);
  bool run(UnitState &unit, const FetchCommand &command);
  bool run(UnitState &unit, const CopyQueryCommand &command);
  bool run(UnitState &unit, const ThresholdCommand &command);
  bool run(UnitState &unit, const ReadPruningCommand &command);
  bool run(UnitState &unit, const ListRangeCommand &command);
  bool run(UnitState &unit, const LoadMaskCommand &command);
  bool run(UnitState &unit, const LoadBiasCommand &command);
  bool run(UnitState &unit, const LoadSegmentsCommand &command);
  bool run(UnitState &unit, const ScoreCommand &command);
  bool run(UnitState &unit, const SoftmaxCommand &command);
  bool run(UnitState &unit, const AccumulateCommand &command);
  bool run(UnitState &unit, const StoreOutputCommand &command);

  [[noreturn]] static void fail(const UnitState &unit, const std::string &message) {
    throw LaunchFailure{unit.cursor.place() + ": " + message};
  }

  int64_t batchOf(const UnitState &unit, ExprIndex batch);
  int64_t headOf(const UnitState &unit, ExprIndex batch, ExprIndex head);
  /// The key head that a `write` of keys or values names.
  int64_t keyHeadOf(const UnitState &unit, ExprIndex batch, ExprIndex head);
  /// An operand, which has to be from 0 to before `end`.
  static int64_t valueOf(const UnitState &unit, ExprIndex expression, const char *what,
                         int64_t end);
  int64_t rowOf(const UnitState &unit, int64_t head, ExprIndex query);
  std::string describeHead(int64_t head) const;
  std::string describeKeyHead(int64_t keyHead) const;
  std::string describeRow(int64_t row) const;
  /// The allowed keys of a range, cut to those that there are.
  std::pair<int64_t, int64_t> rangeOf(const UnitState &unit, ExprIndex first, ExprIndex last);
  /// A key head, which enters ReRAM unless it is there; `what` is written for it.
  ResidentKeyHead &enterKeyHead(const UnitState &unit, int64_t keyHead, const std::string &what);
  /// A head of a key head, which enters ReRAM unless it is there.
  ResidentHead &enterHead(ResidentKeyHead &keyHead, int64_t head);
  /// A head whose queries, mask or bias are in ReRAM.
  ResidentHead &residentHead(const UnitState &unit, int64_t head, MemoryRegion region);
  /// The key head of a head, whose keys or values are in ReRAM.
  ResidentKeyHead &residentKeyHead(const UnitState &unit, int64_t head, MemoryRegion region);
  [[noreturn]] void failToRead(const UnitState &unit, int64_t head, MemoryRegion region) const;
  /// Notes that a row of a head is done, which makes room with the last one.
  void leaveRow(int64_t head);
  /// Fails unless `rows`, of masks and biases, are those of a query.
  void checkInputRows(const UnitState &unit, const InputRows &rows, int64_t row) const;
  /// Fails unless the launch brings `region`.
  void checkBrought(const UnitState &unit, MemoryRegion region) const;
  /// Notes what the biases of a row from key `first` to before `last`, with `count` allowed keys
  /// `keyOf(0)` and so on, do in the statistics.
  template <typename KeyOf>
  void countBiases(int64_t first, int64_t last, size_t count, KeyOf keyOf);
  /// Sets a list's biases to those of its keys.
  void setBiases(RowList &list) const;

  bool hasList(UnitState &unit, IndexQueueIndex queue);
  RowList take(const UnitState &unit, IndexQueueIndex queue, Stage stage);
  void put(const UnitState &unit, IndexQueueIndex queue, RowList list);
  /// Sets the head a list is of, which must be the one it is of already, if any.
  void setHead(const UnitState &unit, RowList &list, int64_t head);

  /// Keys of a list on each CORELET.
  const std::vector<int64_t> &sharesOf(const std::vector<uint32_t> &keys);
  int64_t fullestOf(const std::vector<uint32_t> &keys);
  int64_t passesOf(int64_t fullest) const { return fullest > structure.scoreBufferEntries ? 2 : 1; }
  void record(const UnitState &unit, int64_t count, int64_t extra, bool waitsForRoom = false);
  void recordShares(const UnitState &unit, const std::vector<uint32_t> &keys);

  const DecodedProgram &program;
  const Structure &structure;
  const Operands &operands;
  const LaunchShape &shape;
  const std::vector<float> &thresholds;
  const LaunchOptions &options;
  CostModel costs;
  FunctionalResult result;

  std::vector<UnitState> units;
  std::vector<int64_t> credits;
  std::vector<std::deque<RowList>> lists;
  /// Key heads that have been written and still have rows to come.
  std::map<int64_t, ResidentKeyHead> keyHeads;
  /// For each batch element which of the inputs that all its heads share have been written.
  std::vector<WrittenRegions> writtenOfBatch;
  /// For each head, or key head, and region whether it has been written, now or before.
  std::vector<uint8_t> wasWritten;
  std::vector<uint8_t> isRowDone;
  int64_t rowsDone = 0;

  // State of the select unit.
  int64_t copiedHead = -1;
  int64_t copiedQuery = -1;
  MaskRegisters masks;
  AllowedScores allowedScores;
  /// The pruning vector of the last thresholding, until it is read.
  std::optional<RowList> pruned;
  // State of the other units.
  std::deque<int64_t> loadedRows;
  TokenBuffer keyBuffer, valueBuffer;
  /// What the V-PUs have summed up and not yet sent.
  std::optional<RowList> accumulated;
  std::vector<int64_t> sums;

  std::vector<int64_t> shares;
};

} // namespace

void FunctionalPass::prepare() {
  int64_t rows = operands.heads() * shape.queries;
  if (options.masks) {
    if (__int128(rows) * shape.keys > kMaxMaskBytes)
      throw LaunchFailure{"expected masks of at most " + std::to_string(kMaxMaskBytes) +
                          " bytes, got " + std::to_string(rows) + " rows of " +
                          std::to_string(shape.keys) + " keys"};
    result.masks.resize(rows * shape.keys);
  }
  __int128 queueBytes = 0;
  for (const IndexQueue &queue : program.source().indexQueues)
    queueBytes += __int128(queue.depth) * shape.keys * kListEntryBytes;
  if (queueBytes > kMaxQueueBytes)
    throw LaunchFailure{"expected index queues of at most " + std::to_string(kMaxQueueBytes) +
                        " bytes, got more at " + std::to_string(shape.keys) + " keys"};
  result.output.resize(rows * shape.valueDim);
  result.codes.resize(rows * shape.valueDim);
  isRowDone.resize(rows);
  writtenOfBatch.resize(shape.batches);
  wasWritten.resize(operands.heads() * launchInputs.size());
  sums.resize(shape.valueDim);
  shares.resize(structure.corelets);
  keyBuffer.capacity = structure.bufferedKeys(shape.headDim);
  valueBuffer.capacity = structure.bufferedValues(shape.valueDim);
  for (TokenBuffer *buffer : {&keyBuffer, &valueBuffer}) {
    buffer->isHeld.resize(shape.keys);
    buffer->counts.resize(structure.corelets);
  }
  for (const CountingQueue &queue : program.source().countingQueues)
    credits.push_back(queue.credits);
  lists.resize(program.source().indexQueues.size());
  for (const DecodedUnit &unit : program.units())
    units.push_back({Cursor(program, unit), {}});
}

FunctionalResult FunctionalPass::run() {
  prepare();
  // Each queue has one unit at each end, so the order in which units run changes no value. In the
  // order of the table the units that fill queues come before those that empty them, which shows
  // queues that are too short.
  bool isMoving = true;
  while (isMoving) {
    isMoving = false;
    for (UnitState &unit : units)
      isMoving |= runUnit(unit);
  }
  checkFinished();
  return std::move(result);
}

bool FunctionalPass::runUnit(UnitState &unit) {
  bool ran = false;
  while (!unit.cursor.isDone()) {
    if (!std::visit([&](const auto &command) { return run(unit, command); }, unit.cursor.command()))
      return ran;
    ran = true;
  }
  return ran;
}

void FunctionalPass::checkFinished() {
  std::string waiting;
  for (const UnitState &unit : units)
    if (!unit.cursor.isDone())
      waiting += (waiting.empty() ? "" : "; ") + unit.cursor.place() + " waits for '" +
                 unit.waitsFor + "'";
  if (!waiting.empty())
    throw LaunchFailure{"stands still: " + waiting};
  for (size_t queue = 0; queue < lists.size(); ++queue)
    if (!lists[queue].empty())
      throw LaunchFailure{"ends with " + std::to_string(lists[queue].size()) + " lists in queue '" +
                          program.name(static_cast<IndexQueueIndex>(queue)) + "'"};
  int64_t rows = static_cast<int64_t>(isRowDone.size());
  if (rowsDone != rows)
    throw LaunchFailure{"writes " + std::to_string(rowsDone) + " of " + std::to_string(rows) +
                        " output rows; the first that is missing is that of " +
                        describeRow(std::ranges::find(isRowDone, 0) - isRowDone.begin())};
}

//===----------------------------------------------------------------------===//
// Operands of commands
//===----------------------------------------------------------------------===//

int64_t FunctionalPass::valueOf(const UnitState &unit, ExprIndex expression, const char *what,
                                int64_t end) {
  int64_t value = unit.cursor.evaluate(expression);
  if (value < 0 || value >= end)
    fail(unit, "expected a " + std::string(what) + " below " + std::to_string(end) + ", got " +
                   std::to_string(value));
  return value;
}

int64_t FunctionalPass::batchOf(const UnitState &unit, ExprIndex batch) {
  return valueOf(unit, batch, "batch element", shape.batches);
}

int64_t FunctionalPass::headOf(const UnitState &unit, ExprIndex batch, ExprIndex head) {
  int64_t batchValue = batchOf(unit, batch);
  return batchValue * shape.heads + valueOf(unit, head, "head", shape.heads);
}

int64_t FunctionalPass::keyHeadOf(const UnitState &unit, ExprIndex batch, ExprIndex head) {
  int64_t batchValue = batchOf(unit, batch);
  return batchValue * shape.keyHeads() + valueOf(unit, head, "key head", shape.keyHeads());
}

int64_t FunctionalPass::rowOf(const UnitState &unit, int64_t head, ExprIndex query) {
  return head * shape.queries + valueOf(unit, query, "query", shape.queries);
}

std::string FunctionalPass::describeHead(int64_t head) const {
  return "batch " + std::to_string(head / shape.heads) + ", head " +
         std::to_string(head % shape.heads);
}

std::string FunctionalPass::describeKeyHead(int64_t keyHead) const {
  return "batch " + std::to_string(keyHead / shape.keyHeads()) + ", key head " +
         std::to_string(keyHead % shape.keyHeads());
}

std::string FunctionalPass::describeRow(int64_t row) const {
  return describeHead(row / shape.queries) + ", query " + std::to_string(row % shape.queries);
}

std::pair<int64_t, int64_t> FunctionalPass::rangeOf(const UnitState &unit, ExprIndex first,
                                                    ExprIndex last) {
  int64_t begin = std::clamp<int64_t>(unit.cursor.evaluate(first), 0, shape.keys);
  int64_t end = std::clamp<int64_t>(unit.cursor.evaluate(last), begin, shape.keys);
  return {begin, end};
}

ResidentKeyHead &FunctionalPass::enterKeyHead(const UnitState &unit, int64_t keyHead,
                                              const std::string &what) {
  auto found = keyHeads.find(keyHead);
  if (found != keyHeads.end())
    return found->second;
  if (static_cast<int64_t>(keyHeads.size()) == structure.residentHeads)
    fail(unit, "writes the " + what + " while " + std::to_string(keyHeads.size()) +
                   " key heads are in work, as many as ReRAM holds");
  ResidentKeyHead &entered = keyHeads[keyHead];
  entered.rowsLeft = shape.group * shape.queries;
  return entered;
}

ResidentHead &FunctionalPass::enterHead(ResidentKeyHead &keyHead, int64_t head) {
  auto [entry, isNew] = keyHead.heads.try_emplace(head);
  ResidentHead &entered = entry->second;
  if (isNew) {
    HeadSteps steps = operands.steps(head);
    entered.rowsLeft = shape.queries;
    entered.parameters = headParameters(program.source().scale, steps.query, steps.key,
                                        thresholds[head % shape.heads]);
  }
  return entered;
}

void FunctionalPass::failToRead(const UnitState &unit, int64_t head, MemoryRegion region) const {
  fail(unit,
       "reads the " + contentOf(region) + " of " + describeHead(head) + ", which are not in ReRAM");
}

ResidentHead &FunctionalPass::residentHead(const UnitState &unit, int64_t head,
                                           MemoryRegion region) {
  auto keyHead = keyHeads.find(operands.keyHeadOf(head));
  if (keyHead == keyHeads.end())
    failToRead(unit, head, region);
  auto found = keyHead->second.heads.find(head);
  if (found == keyHead->second.heads.end() || !found->second.isWritten[static_cast<size_t>(region)])
    failToRead(unit, head, region);
  return found->second;
}

ResidentKeyHead &FunctionalPass::residentKeyHead(const UnitState &unit, int64_t head,
                                                 MemoryRegion region) {
  auto found = keyHeads.find(operands.keyHeadOf(head));
  if (found == keyHeads.end() || !found->second.isWritten[static_cast<size_t>(region)])
    failToRead(unit, head, region);
  return found->second;
}

void FunctionalPass::leaveRow(int64_t head) {
  auto keyHead = keyHeads.find(operands.keyHeadOf(head));
  if (keyHead == keyHeads.end())
    return;
  auto resident = keyHead->second.heads.find(head);
  if (resident != keyHead->second.heads.end() && --resident->second.rowsLeft == 0)
    keyHead->second.heads.erase(resident);
  if (--keyHead->second.rowsLeft == 0)
    keyHeads.erase(keyHead);
}

void FunctionalPass::checkBrought(const UnitState &unit, MemoryRegion region) const {
  if (!operands.brings(region))
    fail(unit,
         "expected a tensor that the program takes, got " + std::string(sprint::toString(region)));
}

void FunctionalPass::checkInputRows(const UnitState &unit, const InputRows &rows,
                                    int64_t row) const {
  std::optional<MemoryRegion> stale =
      operands.findStale(rows, row / shape.queries, row % shape.queries);
  if (stale)
    fail(unit, "expected the " + contentOf(*stale) + " of " + describeRow(row) +
                   " to be loaded, got " +
                   (rows[static_cast<size_t>(*stale)] == -1 ? "none" : "others"));
}

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

bool FunctionalPass::hasList(UnitState &unit, IndexQueueIndex queue) {
  if (!lists[static_cast<size_t>(queue)].empty())
    return true;
  unit.waitsFor = program.name(queue);
  return false;
}

RowList FunctionalPass::take(const UnitState &unit, IndexQueueIndex queue, Stage stage) {
  std::deque<RowList> &waiting = lists[static_cast<size_t>(queue)];
  if (waiting.front().stage != stage)
    fail(unit, "expected " + std::string(toString(stage)) + " in queue '" + program.name(queue) +
                   "', got " + toString(waiting.front().stage));
  RowList list = std::move(waiting.front());
  waiting.pop_front();
  return list;
}

void FunctionalPass::put(const UnitState &unit, IndexQueueIndex queue, RowList list) {
  std::deque<RowList> &waiting = lists[static_cast<size_t>(queue)];
  int64_t depth = program.source().indexQueues[static_cast<size_t>(queue)].depth;
  if (static_cast<int64_t>(waiting.size()) == depth)
    fail(unit, "overruns queue '" + program.name(queue) + "' of depth " + std::to_string(depth));
  waiting.push_back(std::move(list));
}

void FunctionalPass::setHead(const UnitState &unit, RowList &list, int64_t head) {
  if (list.head != -1 && list.head != head)
    fail(unit,
         "expected a list of " + describeHead(head) + ", got one of " + describeHead(list.head));
  list.head = head;
}

template <typename KeyOf>
void FunctionalPass::countBiases(int64_t first, int64_t last, size_t count, KeyOf keyOf) {
  const RowMasks &row = masks.masks();
  if (row.bias.empty())
    return;
  Statistics &statistics = result.statistics;
  for (size_t index = 0; index < count; ++index)
    statistics.clampedBiases += std::abs(row.bias[keyOf(index)]) == kMaxBias;
  statistics.rowsMaskedByBias += count == 0 && areMaskedByFiniteBias(first, last, row);
}

void FunctionalPass::setBiases(RowList &list) const {
  std::span<const int32_t> codes = masks.masks().bias;
  if (codes.empty())
    return;
  auto biases = std::make_shared<std::vector<int32_t>>();
  biases->reserve(list.keys->size());
  for (uint32_t key : *list.keys)
    biases->push_back(codes[key]);
  list.biases = std::move(biases);
}

const std::vector<int64_t> &FunctionalPass::sharesOf(const std::vector<uint32_t> &keys) {
  if (structure.corelets == 1) {
    shares[0] = static_cast<int64_t>(keys.size());
    return shares;
  }
  std::ranges::fill(shares, 0);
  for (uint32_t key : keys)
    ++shares[key % structure.corelets];
  return shares;
}

int64_t FunctionalPass::fullestOf(const std::vector<uint32_t> &keys) {
  return std::ranges::max(sharesOf(keys));
}

void FunctionalPass::record(const UnitState &unit, int64_t count, int64_t extra,
                            bool waitsForRoom) {
  result.records[static_cast<size_t>(unit.cursor.machineUnit())].commands.push_back(
      {static_cast<uint32_t>(count), static_cast<uint32_t>(extra), waitsForRoom});
}

void FunctionalPass::recordShares(const UnitState &unit, const std::vector<uint32_t> &keys) {
  if (!options.trace)
    return;
  std::vector<uint32_t> &recorded =
      result.records[static_cast<size_t>(unit.cursor.machineUnit())].shares;
  for (int64_t share : sharesOf(keys))
    recorded.push_back(static_cast<uint32_t>(share));
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

bool FunctionalPass::run(UnitState &unit, const LoopCommand &command) {
  unit.cursor.beginLoop(command);
  return true;
}

bool FunctionalPass::run(UnitState &unit, const EndLoopCommand &) {
  unit.cursor.endLoop();
  return true;
}

bool FunctionalPass::run(UnitState &unit, const AcquireCommand &command) {
  int64_t &held = credits[static_cast<size_t>(command.queue)];
  if (held == 0) {
    unit.waitsFor = program.name(command.queue);
    return false;
  }
  --held;
  unit.cursor.advance();
  return true;
}

bool FunctionalPass::run(UnitState &unit, const ReleaseCommand &command) {
  int64_t &held = credits[static_cast<size_t>(command.queue)];
  if (held == kMaxQueueCapacity)
    fail(unit, "overruns queue '" + program.name(command.queue) + "', which holds at most " +
                   std::to_string(kMaxQueueCapacity) + " credits");
  ++held;
  unit.cursor.advance();
  return true;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

std::string sprint::contentOf(MemoryRegion region) {
  const LaunchTensor &input = inputOf(region);
  bool areBits = input.deviceElement == ElementType::I1;
  bool areCodes = input.deviceElement != input.hostElement;
  return std::string(sprint::toString(region)) + (areBits    ? " bits"
                                                  : areCodes ? " codes"
                                                             : " numbers");
}

CommandCost sprint::writeCost(const CostModel &costs, const LaunchShape &shape, MemoryRegion region,
                              int64_t rows) {
  const LaunchTensor &input = inputOf(region);
  if (input.deviceElement == ElementType::I1)
    return costs.writeMask(rows, shape.keys);
  if (input.deviceElement == ElementType::I32)
    return costs.writeBias(rows, input.has(Dimension::Sk) ? shape.keys : 1);
  return costs.write(rows, input.has(Dimension::Dv) ? shape.valueDim : shape.headDim);
}

bool FunctionalPass::run(UnitState &unit, const WriteCommand &command) {
  MemoryRegion region = command.region;
  const LaunchTensor &input = inputOf(region);
  bool isOfKeyHead = isSharedByGroup(region);
  int64_t head = isOfKeyHead ? keyHeadOf(unit, command.batch, command.head)
                             : headOf(unit, command.batch, command.head);
  std::string what =
      contentOf(region) + " of " + (isOfKeyHead ? describeKeyHead(head) : describeHead(head));
  uint8_t &written = wasWritten[head * launchInputs.size() + static_cast<size_t>(region)];
  if (written)
    fail(unit, "writes the " + what + " twice");
  written = 1;
  int64_t rows = shape.keys;
  if (input.isOptional)
    checkBrought(unit, region);
  if (isOfKeyHead) {
    ResidentKeyHead &keyHead = enterKeyHead(unit, head, what);
    keyHead.isWritten[static_cast<size_t>(region)] = true;
    if (region == MemoryRegion::Key)
      keyHead.keys = operands.keyCodes(head);
    else
      keyHead.values = operands.valueCodes(head);
  } else {
    rows = input.isOptional ? operands.inputRows(region) : shape.queries;
    if (isSharedByBatch(region)) {
      writtenOfBatch[head / shape.heads][static_cast<size_t>(region)] = true;
    } else {
      ResidentHead &entered = enterHead(enterKeyHead(unit, operands.keyHeadOf(head), what), head);
      entered.isWritten[static_cast<size_t>(region)] = true;
      if (region == MemoryRegion::Query)
        entered.queries = operands.queryCodes(head);
    }
  }
  WorkCounts work = writeCost(costs, shape, region, rows).work;
  record(unit, rows, 0);
  result.work += work;
  result.statistics.writtenBytes += static_cast<int64_t>(std::ceil(work.reramWriteBits / 8));
  unit.cursor.advance();
  return true;
}

bool FunctionalPass::run(UnitState &unit, const LoadQueryCommand &command) {
  int64_t head = headOf(unit, command.batch, command.head);
  residentHead(unit, head, MemoryRegion::Query);
  // A query that is one too many takes the place of the oldest.
  if (static_cast<int64_t>(loadedRows.size()) == structure.queryBufferQueries)
    loadedRows.pop_front();
  loadedRows.push_back(rowOf(unit, head, command.query));
  result.work += costs.loadQuery().work;
  unit.cursor.advance();
  return true;
}

bool FunctionalPass::run(UnitState &unit, const FetchCommand &command) {
  bool isKey = unit.cursor.machineUnit() == MachineUnit::KeyFetch;
  MemoryRegion expected = isKey ? MemoryRegion::Key : MemoryRegion::Value;
  if (command.region != expected)
    fail(unit, "expected this unit to fetch the " + std::string(sprint::toString(expected)) +
                   ", got the " + std::string(sprint::toString(command.region)));
  if (!hasList(unit, command.from))
    return false;
  int64_t head = headOf(unit, command.batch, command.head);
  residentKeyHead(unit, head, command.region);
  RowList list = take(unit, command.from, Stage::Selected);
  setHead(unit, list, head);
  list.stage = isKey ? Stage::KeysFetched : Stage::ValuesFetched;

  TokenBuffer &buffer = isKey ? keyBuffer : valueBuffer;
  // The row before may still be in work.
  const std::vector<int64_t> occupied = buffer.counts;
  if (int64_t keyHead = operands.keyHeadOf(head); buffer.keyHead != keyHead) {
    buffer.clear();
    buffer.keyHead = keyHead;
  }
  std::vector<uint32_t> missing;
  std::vector<uint32_t> there;
  for (uint32_t token : *list.keys)
    (buffer.isHeld[token] ? there : missing).push_back(token);
  if (command.residency == Residency::PreviousQuery) {
    buffer.clear();
    for (uint32_t token : there) {
      buffer.isHeld[token] = 1;
      buffer.held.push_back(token);
      ++buffer.counts[token % structure.corelets];
    }
  }
  const std::vector<int64_t> reused = buffer.counts;
  int64_t passing = 0;
  for (uint32_t token : missing) {
    int64_t &count = buffer.counts[token % structure.corelets];
    if (count == buffer.capacity) {
      ++passing;
      continue;
    }
    ++count;
    buffer.isHeld[token] = 1;
    buffer.held.push_back(token);
  }

  bool waitsForRoom = false;
  for (int64_t corelet = 0; corelet < structure.corelets; ++corelet)
    waitsForRoom |= occupied[corelet] + buffer.counts[corelet] - reused[corelet] > buffer.capacity;

  int64_t tokens = static_cast<int64_t>(missing.size());
  if (!isKey) {
    // The V-PU reads those that do not stay.
    tokens -= passing;
    list.unfetched = static_cast<uint32_t>(passing);
  } else if (passesOf(fullestOf(*list.keys)) == 2) {
    // The second pass needs those that did not stay once more.
    tokens += passing;
  }
  int64_t channels = isKey ? shape.headDim : shape.valueDim;
  record(unit, static_cast<int64_t>(there.size()), tokens, waitsForRoom);
  result.work += costs.fetch(tokens, channels).work;
  result.statistics.fetchedBytes += tokens * channels;
  put(unit, command.to, std::move(list));
  unit.cursor.advance();
  return true;
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

bool FunctionalPass::run(UnitState &unit, const CopyQueryCommand &command) {
  copiedHead = headOf(unit, command.batch, command.head);
  residentHead(unit, copiedHead, MemoryRegion::Query);
  copiedQuery = rowOf(unit, copiedHead, command.query) % shape.queries;
  result.work += costs.copyQuery().work;
  unit.cursor.advance();
  return true;
}

bool FunctionalPass::run(UnitState &unit, const LoadMaskCommand &command) {
  MemoryRegion region = command.region;
  if (region != MemoryRegion::KeyValid && region != MemoryRegion::Mask)
    fail(unit, "expected to load key_valid or mask, got " + std::string(sprint::toString(region)));
  int64_t head = headOf(unit, command.batch, command.head);
  int64_t row = rowOf(unit, head, command.query);
  checkBrought(unit, region);
  if (!isSharedByBatch(region))
    residentHead(unit, head, region);
  else if (!writtenOfBatch[head / shape.heads][static_cast<size_t>(region)])
    failToRead(unit, head, region);
  masks.load(region, head, row % shape.queries);
  result.work += costs.setEnables(shape.keys).work;
  unit.cursor.advance();
  return true;
}

bool FunctionalPass::run(UnitState &unit, const LoadBiasCommand &command) {
  int64_t head = headOf(unit, command.batch, command.head);
  int64_t row = rowOf(unit, head, command.query);
  checkBrought(unit, MemoryRegion::Bias);
  residentHead(unit, head, MemoryRegion::Bias);
  masks.load(MemoryRegion::Bias, head, row % shape.queries);
  result.work += costs.loadBias(shape.keys).work;
  unit.cursor.advance();
  return true;
}

bool FunctionalPass::run(UnitState &unit, const LoadSegmentsCommand &command) {
  // That of any head is that of all.
  int64_t batch = batchOf(unit, command.batch), head = batch * shape.heads;
  int64_t query = rowOf(unit, head, command.query) % shape.queries;
  for (MemoryRegion region : {MemoryRegion::QuerySegments, MemoryRegion::KeySegments}) {
    checkBrought(unit, region);
    if (!writtenOfBatch[batch][static_cast<size_t>(region)])
      failToRead(unit, head, region);
    masks.load(region, head, query);
  }
  result.work += costs.setEnables(segmentBits(shape.keys)).work;
  unit.cursor.advance();
  return true;
}

bool FunctionalPass::run(UnitState &unit, const ThresholdCommand &command) {
  int64_t head = headOf(unit, command.batch, command.head);
  ResidentHead &resident = residentHead(unit, head, MemoryRegion::Query);
  ResidentKeyHead &keyHead = residentKeyHead(unit, head, MemoryRegion::Key);
  if (copiedHead != head)
    fail(unit, "expected a query of " + describeHead(head) + " in the in-memory query buffer");
  if (pruned)
    fail(unit, "would lose a pruning vector that was not read");
  int64_t row = head * shape.queries + copiedQuery;
  checkInputRows(unit, masks.rows(), row);
  if (resident.approximate.isEmpty())
    resident.approximate =
        ApproximateScores(resident.queries, keyHead.keys, shape.headDim, operands.widths().nibble);
  auto [first, last] = rangeOf(unit, command.first, command.last);
  auto keys = std::make_shared<std::vector<uint32_t>>();
  int retries = 0;
  allowedScores.assign(resident.approximate.row(copiedQuery, first, last), first, masks.masks());
  std::span<const int32_t> scores = allowedScores.scores();
  if (!scores.empty()) {
    int64_t threshold = resident.parameters.threshold;
    retries = retriesOf(threshold, largestScore(scores));
    allowedScores.appendKept(loweredThreshold(threshold, retries), *keys);
  }
  Statistics &statistics = result.statistics;
  statistics.allowedScores += static_cast<int64_t>(scores.size());
  statistics.keptScores += static_cast<int64_t>(keys->size());
  statistics.retriedRows += retries > 0;
  statistics.retries += retries;
  countBiases(first, last, scores.size(), [&](size_t index) { return allowedScores.key(index); });
  record(unit, retries, 0);
  result.work += costs.threshold(shape.keys, retries).work;

  pruned.emplace();
  pruned->head = head;
  pruned->row = row;
  pruned->keys = std::move(keys);
  setBiases(*pruned);
  unit.cursor.advance();
  return true;
}

bool FunctionalPass::run(UnitState &unit, const ReadPruningCommand &command) {
  if (!pruned)
    fail(unit, "there is no pruning vector to read");
  put(unit, command.keysTo, *pruned);
  put(unit, command.valuesTo, *pruned);
  pruned.reset();
  result.work += costs.readPruning(shape.keys).work;
  unit.cursor.advance();
  return true;
}

bool FunctionalPass::run(UnitState &unit, const ListRangeCommand &command) {
  auto [first, last] = rangeOf(unit, command.first, command.last);
  auto keys = std::make_shared<std::vector<uint32_t>>();
  appendAllowed(first, last, masks.masks(), *keys);
  result.statistics.allowedScores += static_cast<int64_t>(keys->size());
  result.statistics.keptScores += static_cast<int64_t>(keys->size());
  countBiases(first, last, keys->size(), [&](size_t index) { return (*keys)[index]; });
  result.work += costs.listRange().work;
  RowList list;
  list.keys = std::move(keys);
  list.inputRows = masks.rows();
  setBiases(list);
  put(unit, command.keysTo, list);
  put(unit, command.valuesTo, std::move(list));
  unit.cursor.advance();
  return true;
}

//===----------------------------------------------------------------------===//
// Recompute
//===----------------------------------------------------------------------===//

bool FunctionalPass::run(UnitState &unit, const ScoreCommand &command) {
  if (!hasList(unit, command.from))
    return false;
  int64_t head = headOf(unit, command.batch, command.head);
  int64_t row = rowOf(unit, head, command.query);
  ResidentHead &resident = residentHead(unit, head, MemoryRegion::Query);
  ResidentKeyHead &keyHead = residentKeyHead(unit, head, MemoryRegion::Key);
  RowList list = take(unit, command.from, Stage::KeysFetched);
  setHead(unit, list, head);
  if (list.row != -1 && list.row != row)
    fail(unit,
         "expected the list of " + describeRow(row) + ", got that of " + describeRow(list.row));
  // A range was listed before it was known for which row.
  if (list.row == -1)
    checkInputRows(unit, list.inputRows, row);
  list.row = row;
  if (std::ranges::find(loadedRows, row) == loadedRows.end())
    fail(unit, "expected " + describeRow(row) + " in the query buffers");

  const std::vector<uint32_t> &keys = *list.keys;
  list.scores.resize(keys.size());
  if (!keys.empty()) {
    list.maximum = exactScores(resident.queries.data() + row % shape.queries * shape.headDim,
                               keyHead.keys.data(), shape.headDim, keys, list.scores.data());
    if (list.biases)
      list.maximum = addBiases(*list.biases, list.scores);
  }
  if (options.masks)
    for (uint32_t key : keys)
      result.masks[row * shape.keys + key] = 1;

  int64_t fullest = fullestOf(keys);
  int64_t passes = passesOf(fullest);
  record(unit, fullest, passes);
  recordShares(unit, keys);
  auto count = static_cast<int64_t>(keys.size());
  result.work += costs.score(count, fullest, passes).work;
  if (list.biases)
    result.work += costs.addBiases(count * passes);
  list.biases = nullptr;
  list.stage = Stage::Scored;
  put(unit, command.to, std::move(list));
  unit.cursor.advance();
  return true;
}

bool FunctionalPass::run(UnitState &unit, const SoftmaxCommand &command) {
  if (!hasList(unit, command.from))
    return false;
  int64_t head = headOf(unit, command.batch, command.head);
  ResidentHead &resident = residentHead(unit, head, MemoryRegion::Query);
  RowList list = take(unit, command.from, Stage::Scored);
  setHead(unit, list, head);
  list.weights.resize(list.scores.size());
  list.exponentSum = weights(list.scores, list.maximum, resident.parameters, operands.widths(),
                             list.weights.data());

  int64_t fullest = fullestOf(*list.keys);
  record(unit, fullest, 0);
  recordShares(unit, *list.keys);
  result.work += costs.softmax(static_cast<int64_t>(list.keys->size()), fullest).work;
  list.stage = Stage::Weighted;
  list.scores = {};
  put(unit, command.to, std::move(list));
  unit.cursor.advance();
  return true;
}

bool FunctionalPass::run(UnitState &unit, const AccumulateCommand &command) {
  if (!hasList(unit, command.weights) || !hasList(unit, command.values))
    return false;
  int64_t head = headOf(unit, command.batch, command.head);
  ResidentKeyHead &keyHead = residentKeyHead(unit, head, MemoryRegion::Value);
  RowList list = take(unit, command.weights, Stage::Weighted);
  RowList values = take(unit, command.values, Stage::ValuesFetched);
  setHead(unit, list, head);
  setHead(unit, values, head);
  if ((values.row != -1 && values.row != list.row) || *values.keys != *list.keys)
    fail(unit, "expected the values of " + describeRow(list.row) + ", got another list");
  if (accumulated)
    fail(unit, "would lose sums that were not stored");
  weightedSums(keyHead.values.data(), shape.valueDim, *list.keys, list.weights.data(), sums.data());

  int64_t count = static_cast<int64_t>(list.keys->size());
  int64_t fullest = fullestOf(*list.keys);
  record(unit, fullest, values.unfetched);
  recordShares(unit, *list.keys);
  result.work += costs.accumulate(count, fullest, values.unfetched).work;
  result.statistics.fetchedBytes += values.unfetched * shape.valueDim;
  accumulated = std::move(list);
  unit.cursor.advance();
  return true;
}

bool FunctionalPass::run(UnitState &unit, const StoreOutputCommand &command) {
  int64_t head = headOf(unit, command.batch, command.head);
  int64_t row = rowOf(unit, head, command.query);
  if (!accumulated || accumulated->row != row)
    fail(unit, "expected the sums of " + describeRow(row) + ", got " +
                   (accumulated ? "those of " + describeRow(accumulated->row) : "none"));
  if (isRowDone[row])
    fail(unit, "writes the output of " + describeRow(row) + " twice");
  // A query that keeps nothing leaves the zeros that are there.
  if (!accumulated->keys->empty()) {
    for (int64_t channel = 0; channel < shape.valueDim; ++channel) {
      int64_t index = row * shape.valueDim + channel;
      result.codes[index] = outputCode(sums[channel], accumulated->exponentSum, operands.widths());
      result.output[index] = dequantize(result.codes[index], operands.steps(head).value);
    }
  }
  result.work += costs.storeOutput().work;
  accumulated.reset();
  isRowDone[row] = 1;
  ++rowsDone;
  auto rows = static_cast<int64_t>(isRowDone.size());
  if (options.progress && (rowsDone % kProgressRows == 0 || rowsDone == rows))
    options.progress(rowsDone, rows);
  leaveRow(head);
  unit.cursor.advance();
  return true;
}

FunctionalResult sprint::runFunctional(const DecodedProgram &program, const Machine &machine,
                                       const Operands &operands,
                                       const std::vector<float> &thresholds,
                                       const LaunchOptions &options) {
  return FunctionalPass(program, machine, operands, thresholds, options).run();
}
