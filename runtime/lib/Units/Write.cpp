//===- Write.cpp - The unit that writes to ReRAM --------------------------===//
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

/// Bits of a row of a region: of a token, or of a query's row of a mask or a bias.
static int64_t rowBits(MemoryRegion region, const LaunchShape &shape) {
  const LaunchTensor &input = inputOf(region);
  int64_t entries = 1;
  if (!input.isOptional)
    entries = input.has(Dimension::Dv) ? shape.valueDim : shape.headDim;
  else if (input.has(Dimension::Sk))
    entries = shape.keys;
  return entries * elementBits(region);
}

bool Walk::run(Unit &unit, const WriteCommand &command) {
  MemoryRegion region = command.region;
  bool isOfKeyHead = isSharedByGroup(region);
  int64_t head = isOfKeyHead ? keyHeadOf(unit, command.batch, command.head)
                             : headOf(unit, command.batch, command.head);
  uint32_t bit = uint32_t(1) << static_cast<unsigned>(region);
  if (everWritten[head] & bit)
    fail(unit, "writes the " + describeWritten(region, head) + " twice");
  everWritten[head] |= bit;
  if (inputOf(region).isOptional)
    checkBrought(unit, region);
  int64_t rows = shape.keys - shape.past;
  if (isOfKeyHead)
    checkTokens(unit, command);
  if (isOfKeyHead && program.source().residentCache) {
    cachedOfKeyHead[head] |= bit;
  } else if (isOfKeyHead) {
    enterKeyHead(unit, head, region, head).written |= bit;
  } else {
    rows = inputOf(region).isOptional ? layout.inputRows(region) : shape.queries;
    if (isSharedByBatch(region)) {
      writtenOfBatch[head / shape.heads] |= bit;
    } else {
      enterKeyHead(unit, layout.keyHeadOf(head), region, head);
      if (!heads[head].isThere)
        heads[head] = {true, 0, shape.queries};
      heads[head].written |= bit;
    }
  }
  int64_t firstHead = isOfKeyHead ? head * shape.group : head;
  finish(unit, WriteEvent{region, firstHead, rows * rowBits(region, shape)});
  return true;
}

void Walk::checkTokens(const Unit &unit, const WriteCommand &command) const {
  std::optional<ExprIndex> first = toExpr(command.first), count = toExpr(command.count);
  int64_t begin = first ? unit.cursor.evaluate(*first) : 0;
  int64_t size = count ? unit.cursor.evaluate(*count) : shape.keys;
  if (begin != shape.past || size != shape.keys - shape.past)
    fail(unit, "expected to write the " + std::to_string(shape.keys - shape.past) +
                   " tokens that the launch brings, from " + std::to_string(shape.past) +
                   " on, got " + std::to_string(size) + " from " + std::to_string(begin) + " on");
}

bool TimingModel::run(Unit &unit, const WriteEvent &event) {
  if (!options.writesTakeTime)
    return true;
  std::optional<Served> served =
      requestMemory(unit, unit.time,
                    {event.bits, durations.tCWD, burstsOf(event.bits), &durations.writtenBurst,
                     /*isWrite=*/true});
  if (!served)
    return false;
  Time duration = durations.whole(served->last - served->start);
  // What is written again is the same as before.
  Time &end = writtenAt(event.region, event.head);
  end = std::min(end, served->start + duration);
  traceBanks(unit, served->start, duration);
  finish(unit, served->start, duration);
  return true;
}

void Ledger::add(const WriteEvent &event) {
  if (!isSharedByBatch(event.region)) {
    std::vector<bool>::reference before = isWritten[event.head / shape.group];
    writtenKeyHeads += !before;
    before = true;
  }
  work.reramWriteBits += static_cast<double>(event.bits);
  writtenBytes += (event.bits + 7) / 8;
}
