//===- MaskRegisters.cpp - Rows of masks that were loaded -----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskRegisters.h"

using namespace sprint;

void MaskRegisters::load(MemoryRegion region, int64_t head, int64_t query) {
  int64_t row = operands.inputRow(region, head, query);
  int64_t &last = loadedRows[static_cast<size_t>(region)];
  if (last == row)
    return;
  last = row;
  switch (region) {
  case MemoryRegion::KeyValid:
    loaded.keyValid = operands.row<uint8_t>(region, head, query);
    return;
  case MemoryRegion::Mask:
    loaded.mask = operands.row<uint8_t>(region, head, query);
    return;
  case MemoryRegion::QuerySegments:
    loaded.querySegment = operands.row<int32_t>(region, head, query).front();
    return;
  case MemoryRegion::KeySegments:
    loaded.keySegments = operands.row<int32_t>(region, head, query);
    return;
  default:
    break; // A bias.
  }
  HeadSteps steps = operands.steps(head);
  biasCodes.resize(operands.shape().keys);
  loaded.biasLogits = operands.row<float>(region, head, query);
  quantizeBiases(loaded.biasLogits, exactUnit(scale, steps.query, steps.key), biasCodes);
  loaded.bias = biasCodes;
  loaded.reach = biasReach(headParameters(scale, steps.query, steps.key, /*theta=*/0),
                           operands.shape().headDim);
}

void MaskRegisters::loadAll(int64_t head, int64_t query) {
  for (MemoryRegion region : enumerators<MemoryRegion>)
    if (operands.brings(region))
      load(region, head, query);
}
