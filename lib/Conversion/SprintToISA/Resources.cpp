//===- Resources.cpp - Capacities that rows take and give back ------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Resources.h"

#include "SprintRuntime/Commands.h"

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint_isa;
using ::sprint::Structure;

template <typename... OpTys> static bool isOneOf(Operation *op) { return isa<OpTys...>(op); }

/// Whether `op` is the fetch of that tensor.
template <MemoryRegion region> static bool isFetchOf(Operation *op) {
  auto fetch = dyn_cast<ValueFetchOp>(op);
  return fetch && fetch.getRegion() == region;
}

/// Whether `op` writes what takes room of a key head, as what a batch element has does not.
static bool isWriteOfKeyHead(Operation *op) {
  auto write = dyn_cast<ValueWriteOp>(op);
  return write && !isSharedByBatch(static_cast<::sprint::MemoryRegion>(write.getRegion()));
}

bool mlir::sprint::isWrittenForBatch(MemoryRegion region) {
  return isSharedByBatch(static_cast<::sprint::MemoryRegion>(region)) &&
         region != MemoryRegion::KeyValid;
}

static bool isWriteForBatch(Operation *op) {
  auto write = dyn_cast<ValueWriteOp>(op);
  return write && isWrittenForBatch(write.getRegion());
}

/// Blocks in flight between selection and recompute: the one in work and those ahead of it.
static int64_t getBlocks(const Structure & /*structure*/, ScheduleAttr schedule) {
  return schedule.getAhead() + 1;
}

static int64_t getScoreRows(const Structure &structure, ScheduleAttr /*schedule*/) {
  return structure.scoreRows;
}

static constexpr Resource kResources[] = {
    // Batch elements in work or written ahead: no more than key heads, and the next one.
    {"batch_slots", isWriteForBatch, isOneOf<ValueStoreOutputOp>,
     [](const Structure &structure, ScheduleAttr) { return structure.residentHeads + 1; }},
    // Key heads that ReRAM has room for.
    {"head_slots", isWriteOfKeyHead, isOneOf<ValueStoreOutputOp>,
     [](const Structure &structure, ScheduleAttr) { return structure.residentHeads; }},
    // Lists of kept keys. Those of the values wait until the rows before have left the score
    // buffer.
    {"key_lists", isOneOf<ValueReadPruningOp, ValueListRangeOp>, isFetchOf<MemoryRegion::Key>,
     getBlocks},
    {"value_lists", isOneOf<ValueReadPruningOp, ValueListRangeOp>, isFetchOf<MemoryRegion::Value>,
     [](const Structure &structure, ScheduleAttr schedule) {
       return getBlocks(structure, schedule) + getScoreRows(structure, schedule);
     }},
    {"query_slots", isOneOf<ValueLoadQueryOp>, isOneOf<ValueScoreOp>,
     [](const Structure &structure, ScheduleAttr) { return structure.queryBufferQueries; }},
    // Blocks whose keys wait to be scored, whose values wait to be summed: those selected ahead may
    // be fetched ahead.
    {"key_rows", isFetchOf<MemoryRegion::Key>, isOneOf<ValueScoreOp>, getBlocks},
    {"value_rows", isFetchOf<MemoryRegion::Value>, isOneOf<ValueStoreOutputOp>, getBlocks},
    {"score_buffer", isOneOf<ValueScoreOp>, isOneOf<ValueStoreOutputOp>, getScoreRows},
};

ArrayRef<Resource> mlir::sprint::getResources() { return kResources; }

Operation *mlir::sprint::findBeginOfChain(Operation *command) {
  Operation *begin = command;
  MachineUnit unit = cast<UnitCommandOpInterface>(command).getUnit();
  for (Value operand : command->getOperands()) {
    Operation *definition = operand.getDefiningOp();
    if (definition->getBlock() != command->getBlock() ||
        cast<UnitCommandOpInterface>(definition).getUnit() != unit)
      continue;
    Operation *earlier = findBeginOfChain(definition);
    if (earlier->isBeforeInBlock(begin))
      begin = earlier;
  }
  return begin;
}
