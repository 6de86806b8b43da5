//===- Functional.cpp - Values of a launch --------------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Functional.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>

using namespace sprint;

namespace {

/// Bytes of masks and of lists in queues that a launch may need.
constexpr int64_t kMaxMaskBytes = int64_t(1) << 34;
constexpr int64_t kMaxQueueBytes = int64_t(1) << 34;
/// Bytes a key takes in a list, with its score and its weight.
constexpr int64_t kListEntryBytes = 12;
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
  std::vector<int32_t> scores;
  int32_t maximum = 0;
  std::vector<uint32_t> weights;
  int64_t exponentSum = 0;
  /// Values that the V-PU reads from ReRAM itself.
  uint32_t unfetched = 0;
};

/// A head whose codes are in ReRAM.
struct ResidentHead {
  std::array<bool, 3> isWritten{};
  std::vector<int8_t> queries, keys, values;
  ApproximateScores approximate;
  HeadParameters parameters;
  int64_t rowsLeft = 0;
};

/// The key or the value buffers of all CORELETs.
struct TokenBuffer {
  /// Tokens for each CORELET.
  int64_t capacity = 0;
  int64_t head = -1;
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
        thresholds(thresholds), options(options), costs(machine, shape.headDim, shape.valueDim) {}

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
  bool run(UnitState &unit, const ScoreCommand &command);
  bool run(UnitState &unit, const SoftmaxCommand &command);
  bool run(UnitState &unit, const AccumulateCommand &command);
  bool run(UnitState &unit, const StoreOutputCommand &command);

  [[noreturn]] static void fail(const UnitState &unit, const std::string &message) {
    throw LaunchFailure{unit.cursor.place() + ": " + message};
  }

  int64_t headOf(const UnitState &unit, ExprIndex batch, ExprIndex head);
  int64_t rowOf(const UnitState &unit, int64_t head, ExprIndex query);
  std::string describeHead(int64_t head) const;
  std::string describeRow(int64_t row) const;
  /// The allowed keys of a range, cut to those that there are.
  std::pair<int64_t, int64_t> rangeOf(const UnitState &unit, ExprIndex first, ExprIndex last);
  /// A head whose codes of `region` are in ReRAM.
  ResidentHead &residentHead(const UnitState &unit, int64_t head, MemoryRegion region);

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
  /// Heads that have been written and still have rows to come.
  std::map<int64_t, ResidentHead> heads;
  /// For each head and region whether it has been written, now or before.
  std::vector<uint8_t> wasWritten;
  std::vector<uint8_t> isRowDone;
  int64_t rowsDone = 0;

  // State of the select unit.
  int64_t copiedHead = -1;
  int64_t copiedQuery = -1;
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
  wasWritten.resize(operands.heads() * enumerators<MemoryRegion>.size());
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

int64_t FunctionalPass::headOf(const UnitState &unit, ExprIndex batch, ExprIndex head) {
  int64_t batchValue = unit.cursor.evaluate(batch);
  int64_t headValue = unit.cursor.evaluate(head);
  if (batchValue < 0 || batchValue >= shape.batches)
    fail(unit, "expected a batch element below " + std::to_string(shape.batches) + ", got " +
                   std::to_string(batchValue));
  if (headValue < 0 || headValue >= shape.heads)
    fail(unit, "expected a head below " + std::to_string(shape.heads) + ", got " +
                   std::to_string(headValue));
  return batchValue * shape.heads + headValue;
}

int64_t FunctionalPass::rowOf(const UnitState &unit, int64_t head, ExprIndex query) {
  int64_t value = unit.cursor.evaluate(query);
  if (value < 0 || value >= shape.queries)
    fail(unit, "expected a query below " + std::to_string(shape.queries) + ", got " +
                   std::to_string(value));
  return head * shape.queries + value;
}

std::string FunctionalPass::describeHead(int64_t head) const {
  return "batch " + std::to_string(head / shape.heads) + ", head " +
         std::to_string(head % shape.heads);
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

ResidentHead &FunctionalPass::residentHead(const UnitState &unit, int64_t head,
                                           MemoryRegion region) {
  auto found = heads.find(head);
  if (found == heads.end() || !found->second.isWritten[static_cast<size_t>(region)])
    fail(unit, "reads the " + std::string(sprint::toString(region)) + " codes of " +
                   describeHead(head) + ", which are not in ReRAM");
  return found->second;
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

bool FunctionalPass::run(UnitState &unit, const WriteCommand &command) {
  int64_t head = headOf(unit, command.batch, command.head);
  size_t region = static_cast<size_t>(command.region);
  uint8_t &written = wasWritten[head * enumerators<MemoryRegion>.size() + region];
  std::string what =
      std::string(sprint::toString(command.region)) + " codes of " + describeHead(head);
  if (written)
    fail(unit, "writes the " + what + " twice");
  written = 1;
  if (!heads.contains(head)) {
    if (static_cast<int64_t>(heads.size()) == structure.residentHeads)
      fail(unit, "writes the " + what + " while " + std::to_string(heads.size()) +
                     " heads are in work, as many as ReRAM holds");
    ResidentHead &entered = heads[head];
    const HeadSteps &steps = operands.steps(head);
    entered.rowsLeft = shape.queries;
    entered.parameters = headParameters(program.source().scale, steps.query, steps.key,
                                        thresholds[head % shape.heads]);
  }
  ResidentHead &resident = heads[head];
  int64_t &saturated = result.statistics.saturatedCodes;
  int64_t tokens = shape.keys;
  int64_t channels = shape.headDim;
  switch (command.region) {
  case MemoryRegion::Query:
    resident.queries = operands.queryCodes(head, saturated);
    tokens = shape.queries;
    break;
  case MemoryRegion::Key:
    resident.keys = operands.keyCodes(head, saturated);
    break;
  case MemoryRegion::Value:
    resident.values = operands.valueCodes(head, saturated);
    channels = shape.valueDim;
    break;
  }
  resident.isWritten[region] = true;
  result.work += costs.write(tokens, channels).work;
  result.statistics.writtenBytes += tokens * channels;
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
  residentHead(unit, head, command.region);
  RowList list = take(unit, command.from, Stage::Selected);
  setHead(unit, list, head);
  list.stage = isKey ? Stage::KeysFetched : Stage::ValuesFetched;

  TokenBuffer &buffer = isKey ? keyBuffer : valueBuffer;
  // The row before may still be in work.
  const std::vector<int64_t> occupied = buffer.counts;
  if (buffer.head != head) {
    buffer.clear();
    buffer.head = head;
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

bool FunctionalPass::run(UnitState &unit, const ThresholdCommand &command) {
  int64_t head = headOf(unit, command.batch, command.head);
  residentHead(unit, head, MemoryRegion::Query);
  ResidentHead &resident = residentHead(unit, head, MemoryRegion::Key);
  if (copiedHead != head)
    fail(unit, "expected a query of " + describeHead(head) + " in the in-memory query buffer");
  if (pruned)
    fail(unit, "would lose a pruning vector that was not read");
  if (resident.approximate.isEmpty())
    resident.approximate =
        ApproximateScores(resident.queries, resident.keys, shape.headDim, operands.widths().nibble);
  auto [first, last] = rangeOf(unit, command.first, command.last);
  auto keys = std::make_shared<std::vector<uint32_t>>();
  int retries = 0;
  if (first < last) {
    std::span<const int32_t> scores = resident.approximate.row(copiedQuery, first, last);
    int64_t threshold = resident.parameters.threshold;
    retries = retriesOf(threshold, largestScore(scores));
    appendKept(scores, loweredThreshold(threshold, retries), static_cast<uint32_t>(first), *keys);
  }
  Statistics &statistics = result.statistics;
  statistics.allowedScores += last - first;
  statistics.keptScores += static_cast<int64_t>(keys->size());
  statistics.retriedRows += retries > 0;
  statistics.retries += retries;
  record(unit, retries, 0);
  result.work += costs.threshold(shape.keys, retries).work;

  pruned.emplace();
  pruned->head = head;
  pruned->row = head * shape.queries + copiedQuery;
  pruned->keys = std::move(keys);
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
  for (int64_t key = first; key < last; ++key)
    keys->push_back(static_cast<uint32_t>(key));
  result.statistics.allowedScores += last - first;
  result.statistics.keptScores += last - first;
  result.work += costs.listRange().work;
  RowList list;
  list.keys = std::move(keys);
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
  ResidentHead &resident = residentHead(unit, head, MemoryRegion::Key);
  RowList list = take(unit, command.from, Stage::KeysFetched);
  setHead(unit, list, head);
  if (list.row != -1 && list.row != row)
    fail(unit,
         "expected the list of " + describeRow(row) + ", got that of " + describeRow(list.row));
  list.row = row;
  if (std::ranges::find(loadedRows, row) == loadedRows.end())
    fail(unit, "expected " + describeRow(row) + " in the query buffers");

  const std::vector<uint32_t> &keys = *list.keys;
  list.scores.resize(keys.size());
  if (!keys.empty())
    list.maximum = exactScores(resident.queries.data() + row % shape.queries * shape.headDim,
                               resident.keys.data(), shape.headDim, keys, list.scores.data());
  if (options.masks)
    for (uint32_t key : keys)
      result.masks[row * shape.keys + key] = 1;

  int64_t fullest = fullestOf(keys);
  int64_t passes = passesOf(fullest);
  record(unit, fullest, passes);
  recordShares(unit, keys);
  result.work += costs.score(static_cast<int64_t>(keys.size()), fullest, passes).work;
  list.stage = Stage::Scored;
  put(unit, command.to, std::move(list));
  unit.cursor.advance();
  return true;
}

bool FunctionalPass::run(UnitState &unit, const SoftmaxCommand &command) {
  if (!hasList(unit, command.from))
    return false;
  int64_t head = headOf(unit, command.batch, command.head);
  ResidentHead &resident = residentHead(unit, head, MemoryRegion::Key);
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
  ResidentHead &resident = residentHead(unit, head, MemoryRegion::Value);
  RowList list = take(unit, command.weights, Stage::Weighted);
  RowList values = take(unit, command.values, Stage::ValuesFetched);
  setHead(unit, list, head);
  setHead(unit, values, head);
  if ((values.row != -1 && values.row != list.row) || *values.keys != *list.keys)
    fail(unit, "expected the values of " + describeRow(list.row) + ", got another list");
  if (accumulated)
    fail(unit, "would lose sums that were not stored");
  weightedSums(resident.values.data(), shape.valueDim, *list.keys, list.weights.data(),
               sums.data());

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
  // With its last row a head makes room in ReRAM.
  auto resident = heads.find(head);
  if (resident != heads.end() && --resident->second.rowsLeft == 0)
    heads.erase(resident);
  unit.cursor.advance();
  return true;
}

FunctionalResult sprint::runFunctional(const DecodedProgram &program, const Machine &machine,
                                       const Operands &operands,
                                       const std::vector<float> &thresholds,
                                       const LaunchOptions &options) {
  return FunctionalPass(program, machine, operands, thresholds, options).run();
}
