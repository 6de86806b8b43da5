//===- LaunchRun.cpp - Values, events and times of a launch ---------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaunchRun.h"
#include "MaskRegisters.h"

#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <utility>

using namespace sprint;

namespace {

/// Bytes of masks and of lists in queues that a launch may need.
constexpr int64_t kMaxMaskBytes = int64_t(1) << 34;
constexpr int64_t kMaxQueueBytes = int64_t(1) << 34;
/// Bytes of the lists of a piece, and bounds of its rows.
constexpr int64_t kPieceBytes = int64_t(1) << 20;
constexpr int64_t kMinPieceRows = 64;
constexpr int64_t kMaxPieceRows = 256;
/// Rows of a job: enough to share what they load, few enough to keep all threads busy.
constexpr size_t kJobRows = 16;
/// Events that look at a list: those of its keys and values being fetched, scored, weighted and
/// accumulated; one that is pruned has that of its thresholding beside.
constexpr int64_t kUsesOfList = 5;

} // namespace

LaunchRun::LaunchRun(const DecodedProgram &program, const Machine &machine,
                     const Operands &operands, const std::vector<float> &thresholds,
                     const LaunchOptions &options)
    : program(program), machine(machine), operands(operands), shape(operands.shape()),
      thresholds(thresholds), options(options), walk(program, machine.structure, operands, logs),
      shares(machine.structure.corelets), banks(machine.structure.banks()),
      keyBuffer(shares, machine.structure.bufferedKeys(shape.headDim), shape.keys),
      valueBuffer(shares, machine.structure.bufferedValues(shape.valueDim), shape.keys),
      ledger(machine.structure, shape),
      timing(machine, shape, program.source().countingQueues, program.source().indexQueues, logs,
             {true, options.timing, options.trace, options.explained}),
      residentTiming(machine, shape, program.source().countingQueues, program.source().indexQueues,
                     logs, {.writesTakeTime = false, .kind = options.timing}),
      listShares(machine.structure.corelets) {}

void LaunchRun::check() const {
  int64_t rows = operands.heads() * shape.queries;
  if (options.masks && __int128(rows) * shape.keys > kMaxMaskBytes)
    throw LaunchFailure{"expected masks of at most " + std::to_string(kMaxMaskBytes) +
                        " bytes, got " + std::to_string(rows) + " rows of " +
                        std::to_string(shape.keys) + " keys"};
  if (const std::optional<RowName> &row = options.explained;
      row && (row->head < 0 || row->head >= operands.heads() || row->query < 0 ||
              row->query >= shape.queries))
    throw LaunchFailure{"expected a row to explain of a head below " +
                        std::to_string(operands.heads()) + " and a query below " +
                        std::to_string(shape.queries) + ", got head " + std::to_string(row->head) +
                        ", query " + std::to_string(row->query)};
  __int128 queueBytes = 0;
  for (const IndexQueue &queue : program.source().indexQueues)
    queueBytes += __int128(queue.depth) * listBytes();
  if (queueBytes > kMaxQueueBytes)
    throw LaunchFailure{"expected index queues of at most " + std::to_string(kMaxQueueBytes) +
                        " bytes, got more at " + std::to_string(shape.keys) + " keys"};
}

void LaunchRun::run(LaunchResult &result) {
  check();
  int64_t rows = operands.heads() * shape.queries;
  result.output.resize(rows * shape.valueDim);
  if (options.codes)
    result.codes.resize(rows * shape.valueDim);
  if (options.masks)
    result.masks.resize(rows * shape.keys);

  constexpr int kAllThreads = tbb::task_arena::automatic;
  tbb::task_arena arena(options.threads.value_or(kAllThreads));
  arena.execute([&] { runPieces(result); });

  ledger.report(machine, statistics);
  TimingResult times = timing.takeResult();
  statistics.cycles = times.cycles;
  statistics.cyclesResident = residentTiming.takeResult().cycles;
  statistics.busyBus = times.busBusy;
  for (size_t unit = 0; unit < kNumMachineUnits; ++unit)
    statistics.*busyOfUnits[unit] = times.busy[unit];
  result.statistics = statistics;
  result.timing = options.timing;
  result.trace = std::move(times.trace);
  result.counters = std::move(times.counters);
  result.explanation = std::move(times.explanation);
}

/// While threads compute the rows of a piece, this one walks on to the next, and passes on the
/// events of the one before.
void LaunchRun::runPieces(LaunchResult &result) {
  tbb::task_group group;
  // Where something is refused, what has begun must end before what it looks at goes.
  struct Waiting {
    tbb::task_group &group;
    ~Waiting() {
      group.cancel();
      group.wait();
    }
  } waiting{group};

  int64_t pieceRows = std::clamp(kPieceBytes / listBytes(), kMinPieceRows, kMaxPieceRows);
  auto walkOn = [&]() -> Piece * {
    if (walk.isDone())
      return nullptr;
    walk.advance(pieceRows);
    Piece &piece = pieces.emplace_back();
    std::swap(piece.rows, walk.walkedRows);
    return &piece;
  };
  auto start = [&](Piece &piece) {
    for (Job &job : jobsOf(piece))
      group.run([this, job = std::move(job), &result] { compute(job, result); });
  };
  int64_t rowsDone = 0;
  Piece *piece = walkOn();
  start(*piece);
  while (piece) {
    Piece *next = walkOn();
    group.wait();
    if (next)
      start(*next);
    rowsDone += static_cast<int64_t>(piece->rows.size());
    publish(*piece);
    passEvents();
    dropPieces();
    if (options.progress)
      options.progress(rowsDone, operands.heads() * shape.queries);
    piece = next;
  }
}

void LaunchRun::fail(const TimingFault &fault) const {
  throw LaunchFailure{
      (fault.unit ? Walk::placeOf(program, *fault.unit, fault.event) + ": " : std::string()) +
      fault.message};
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

std::shared_ptr<LaunchRun::LazyHead> LaunchRun::findHead(int64_t head) {
  std::shared_ptr<LazyHead> &found = heads[head];
  if (found)
    return found;
  std::shared_ptr<LazyKeyHead> &keyHead = keyHeads[operands.keyHeadOf(head)];
  if (!keyHead) {
    keyHead = std::make_shared<LazyKeyHead>();
    keyHead->rowsLeft = shape.group * shape.queries;
  }
  found = std::make_shared<LazyHead>();
  found->keyHead = keyHead;
  found->rowsLeft = shape.queries;
  return found;
}

std::vector<LaunchRun::Job> LaunchRun::jobsOf(Piece &piece) {
  size_t words = keyWords(shape.keys);
  piece.computed.resize(piece.rows.size());
  piece.kept.resize(piece.rows.size() * words);
  piece.unfetched.resize(piece.rows.size() * words);
  std::vector<Job> jobs;
  for (size_t index = 0; index < piece.rows.size(); ++index) {
    piece.computed[index].kept = std::span(piece.kept).subspan(index * words, words);
    piece.computed[index].unfetchedValues =
        std::span(piece.unfetched).subspan(index * words, words);
    int64_t head = piece.rows[index].head;
    if (jobs.empty() || piece.rows[jobs.back().begin].head != head ||
        index - jobs.back().begin == kJobRows)
      jobs.push_back({&piece, findHead(head), index, index});
    ++jobs.back().end;
    LazyHead &codes = *jobs.back().head;
    // No row comes twice, so codes can go with the last one.
    if (--codes.keyHead->rowsLeft == 0)
      keyHeads.erase(operands.keyHeadOf(head));
    if (--codes.rowsLeft == 0)
      heads.erase(head);
  }
  return jobs;
}

void LaunchRun::compute(const Job &job, LaunchResult &result) const {
  LazyHead &lazy = *job.head;
  int64_t head = job.piece->rows[job.begin].head;
  int64_t keyHead = operands.keyHeadOf(head);
  const Widths &widths = machine.structure.widths;
  std::call_once(lazy.keyHead->once, [&] {
    lazy.keyHead->codes =
        std::make_shared<KeyHeadCodes>(operands.keyCodes(keyHead), operands.valueCodes(keyHead),
                                       shape.headDim, shape.valueDim, widths.nibble);
  });
  double scale = program.source().scale;
  HeadSteps steps = operands.steps(head);
  std::call_once(lazy.once, [&] {
    lazy.codes = std::make_unique<HeadCodes>(
        operands.queryCodes(head), lazy.keyHead->codes,
        headParameters(scale, steps.query, steps.key, thresholds[head % shape.heads]), widths);
  });

  RowKernels kernels(*lazy.codes);
  std::vector<int32_t> unrecorded(options.codes ? 0 : shape.valueDim);
  std::span<int32_t> codes = unrecorded;
  MaskRegisters masks(operands, scale);
  size_t words = keyWords(shape.keys);
  for (size_t index = job.begin; index < job.end; ++index) {
    const WalkedRow &row = job.piece->rows[index];
    ComputedRow &computed = job.piece->computed[index];
    std::span<uint64_t> kept = std::span(job.piece->kept).subspan(index * words, words);
    masks.loadAll(head, row.query);
    computed.selected =
        kernels.select({row.query, row.first, row.last, row.isPruned}, masks.masks(), kept);
    computed.size = {static_cast<uint32_t>(computed.selected.kept),
                     static_cast<uint32_t>(shares.fullest(kept, computed.selected.kept))};
    int64_t rowIndex = head * shape.queries + row.query;
    if (options.codes)
      codes = std::span(result.codes).subspan(rowIndex * shape.valueDim, shape.valueDim);
    kernels.recompute(row.query, kept, computed.selected.kept, masks.masks().bias, codes);
    for (int64_t channel = 0; channel < shape.valueDim; ++channel)
      result.output[rowIndex * shape.valueDim + channel] = dequantize(codes[channel], steps.value);
    if (options.masks)
      forEachToken(kept, [&](int64_t key) {
        result.masks[rowIndex * shape.keys + key] = 1;
        return true;
      });
  }
}

void LaunchRun::publish(Piece &piece) {
  piece.places = static_cast<int64_t>(piece.rows.size());
  for (const WalkedRow &row : piece.rows)
    piece.uses += kUsesOfList + row.isPruned;
  for (size_t index = 0; index < piece.rows.size(); ++index) {
    auto place = static_cast<size_t>(piece.rows[index].list - firstList);
    while (rowOfList.size() <= place)
      rowOfList.push({});
    rowOfList[place] = {&piece, index};
  }
}

void LaunchRun::dropPieces() {
  while (!rowOfList.empty() && rowOfList.front().piece && rowOfList.front().piece->uses == 0) {
    --rowOfList.front().piece->places;
    rowOfList.pop();
    ++firstList;
  }
  while (!pieces.empty() && pieces.front().places == 0)
    pieces.pop_front();
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

void LaunchRun::passEvents() {
  for (MachineUnit unit : enumerators<MachineUnit>) {
    EventLog &log = logs[static_cast<size_t>(unit)];
    for (; log.complete < log.end(); ++log.complete) {
      Event &event = log[log.complete];
      listShares.clear();
      bool isComplete = visitEvent(event, [&](auto &alternative) {
        if constexpr (requires { alternative.list; })
          return completeListed(alternative);
        return true;
      });
      if (!isComplete)
        break;
      ledger.add(event);
      if (!listShares.empty())
        for (TimingModel *model : {&timing, &residentTiming})
          model->addShares(unit, listShares);
    }
  }
  timing.advance();
  residentTiming.advance();
  // Timing that has found something takes no more events, which would pile up.
  for (const TimingModel *model : {&timing, &residentTiming})
    if (model->fault())
      fail(*model->fault());
  for (MachineUnit unit : enumerators<MachineUnit>)
    logs[static_cast<size_t>(unit)].dropBefore(
        std::min(timing.next(unit), residentTiming.next(unit)),
        std::min(timing.nextPlaces(unit), residentTiming.nextPlaces(unit)));
}

LaunchRun::RowPlace *LaunchRun::findRow(ListId list) {
  auto place = static_cast<size_t>(list - firstList);
  return place < rowOfList.size() && rowOfList[place].piece ? &rowOfList[place] : nullptr;
}

template <typename Listed> bool LaunchRun::completeListed(Listed &event) {
  RowPlace *place = findRow(event.list);
  if (!place || !complete(event, place->piece->computed[place->index]))
    return false;
  event.owners.query = static_cast<int32_t>(place->piece->rows[place->index].query);
  --place->piece->uses;
  return true;
}

void LaunchRun::countRow(const SelectedRow &row) {
  statistics.allowedScores += row.allowed;
  statistics.keptScores += row.kept;
  statistics.retriedRows += row.retries > 0;
  statistics.retries += row.retries;
  statistics.clampedBiases += row.clampedBiases;
  statistics.rowsMaskedByBias += row.isMaskedByBias;
}

void LaunchRun::place(TokenSet set, TokenSet again, RunLog<uint32_t> &places) const {
  if (isDetailed()) {
    std::vector<uint32_t> tokens;
    for (TokenSet part : {set, again})
      forEachToken(part, [&](int64_t token) {
        tokens.push_back(static_cast<uint32_t>(token));
        return true;
      });
    std::ranges::copy(tokens, places.append(tokens.size()).begin());
    return;
  }
  size_t channels = machine.structure.channels;
  // Banks beyond the last key's have none.
  size_t size = std::min(banks.parts(), 64 * keyWords(shape.keys));
  std::span<uint32_t> counts = places.append(channels + size);
  std::span<uint32_t> onChannels = counts.first(channels), inBanks = counts.subspan(channels);
  banks.count(set, inBanks);
  banks.count(again, inBanks);
  for (size_t bank = 0, channel = 0; bank < size; ++bank) {
    onChannels[channel] += inBanks[bank];
    if (++channel == channels)
      channel = 0;
  }
}

uint8_t LaunchRun::passesOf(const ListSize &size) const {
  return size.fullest > machine.structure.scoreBufferEntries ? 2 : 1;
}

void LaunchRun::shareOut(const ComputedRow &row) {
  if (!options.trace && !isDetailed())
    return;
  listShares.assign(machine.structure.corelets, 0);
  shares.count(row.kept, listShares);
}

bool LaunchRun::complete(ThresholdEvent &event, const ComputedRow &row) {
  event.retries = row.selected.retries;
  event.keys = row.size.keys;
  return true;
}

bool LaunchRun::complete(FetchEvent &event, ComputedRow &row) {
  bool isKey = event.region == MemoryRegion::Key;
  TokenBuffer &buffer = isKey ? keyBuffer : valueBuffer;
  FetchedTokens tokens =
      buffer.fetch(row.kept, operands.keyHeadOf(event.owners.head), event.residency);
  event.keys = row.size.keys;
  event.waitsForRoom = tokens.waitsForRoom;
  event.reused = static_cast<uint32_t>(tokens.reused);
  event.held = static_cast<uint32_t>(buffer.size());
  int64_t read = tokens.missing;
  if (!isKey) {
    // The V-PU reads those that do not stay.
    read -= tokens.passing;
    row.unfetched = static_cast<uint32_t>(tokens.passing);
    if (tokens.passing > 0)
      std::ranges::copy(buffer.passed(), row.unfetchedValues.begin());
  } else if (passesOf(row.size) == 2) {
    // The second pass needs those that did not stay once more.
    read += tokens.passing;
    event.again = static_cast<uint32_t>(tokens.passing);
  }
  if (read > 0)
    place(
        isKey ? buffer.missed() : buffer.admitted(), event.again > 0 ? buffer.passed() : TokenSet(),
        logs[static_cast<size_t>(isKey ? MachineUnit::KeyFetch : MachineUnit::ValueFetch)].places);
  event.read = static_cast<uint32_t>(read);
  return true;
}

bool LaunchRun::complete(ScoreEvent &event, const ComputedRow &row) {
  countRow(row.selected);
  event.size = row.size;
  event.passes = passesOf(row.size);
  shareOut(row);
  return true;
}

bool LaunchRun::complete(SoftmaxEvent &event, const ComputedRow &row) {
  event.size = row.size;
  shareOut(row);
  return true;
}

bool LaunchRun::complete(AccumulateEvent &event, const ComputedRow &row) {
  if (!row.unfetched)
    return false;
  event.size = row.size;
  event.unfetched = *row.unfetched;
  if (event.unfetched > 0)
    place(row.unfetchedValues, {}, logs[static_cast<size_t>(MachineUnit::V)].places);
  shareOut(row);
  return true;
}
