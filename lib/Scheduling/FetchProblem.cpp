//===- FetchProblem.cpp - What a schedule has to solve --------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Scheduling/FetchProblem.h"

#include "Sprint/Dialect/Sprint/IR/MachineAttributes.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::sprint;
using sprint_isa::MemoryRegion;

std::optional<std::string> mlir::sprint::findCapacityObstacle(MachineAttr machine, int64_t headDim,
                                                              int64_t valueDim, int64_t keys,
                                                              bool areInCache) {
  if (ShapedType::isDynamic(headDim) || ShapedType::isDynamic(valueDim))
    return "expected static head and value dimensions, got dynamic ones";
  ::sprint::Machine described;
  described.name = machine.getName();
  described.structure = getStructure(machine);
  return described.findCapacityObstacle(
      headDim, valueDim, ShapedType::isDynamic(keys) ? std::nullopt : std::optional(keys),
      areInCache);
}

FetchProblem::FetchProblem(AttendOp attend, MachineAttr machine, CostsAttr costs)
    : machine(machine), costs(costs), select(attend.getSelect()), band(attend.getBandAttr()) {
  auto query = cast<RankedTensorType>(attend.getQuery().getType());
  auto value = cast<RankedTensorType>(attend.getValue().getType());
  sizes = {query.getDimSize(1), value.getDimSize(1), query.getDimSize(2),
           value.getDimSize(2), query.getDimSize(3), value.getDimSize(3)};
  hasResidentCache = attend->getParentOfType<ProgramOp>().getResidentCache();
  inputs = {MemoryRegion::Key, MemoryRegion::Value, MemoryRegion::Query};
  for (MemoryRegion region : getOptionalRegions())
    if (attend.getInput(getProgramInput(region)))
      inputs.push_back(region);
}

bool FetchProblem::check(std::string &error) const {
  if (ShapedType::isDynamic(sizes.heads) || ShapedType::isDynamic(sizes.keyHeads)) {
    error = "expected static numbers of heads, got dynamic ones";
    return false;
  }
  std::optional<std::string> obstacle =
      findCapacityObstacle(machine, sizes.headDim, sizes.valueDim, sizes.keys, hasResidentCache);
  error = obstacle.value_or("");
  return !obstacle;
}

bool FetchProblem::verify(ScheduleAttr schedule, std::string &error) const {
  if (getGroup() % schedule.getHeads() != 0)
    error = llvm::formatv("expected blocks of heads that divide the {0} heads of a group, got {1}",
                          getGroup(), schedule.getHeads());
  else if (schedule.getRows() > kMaxBlockRows)
    error = llvm::formatv("expected blocks of at most {0} rows, got {1}", kMaxBlockRows,
                          schedule.getRows());
  for (MemoryRegion region : schedule.getWrites())
    if (!llvm::is_contained(inputs, region))
      error = llvm::formatv("expected to write tensors that the attention reads, got {0}",
                            stringifyMemoryRegion(region));
  return error.empty();
}
