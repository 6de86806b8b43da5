//===- Operands.cpp - What a launch brings --------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Operands.h"
#include "Walk/Sequencer.h"

#include <algorithm>
#include <string>

using namespace sprint;

Operands::Operands(const LaunchOperands &operands, const Widths &widths)
    : LaunchLayout(operands), tensors(operands), machineWidths(&widths) {
  for (MemoryRegion region : enumerators<MemoryRegion>)
    if (tensors[region].data)
      checkElements(region);
  for (int64_t head = 0; head < heads(); ++head)
    querySteps.push_back(quantizationStep(headOf(MemoryRegion::Query, head), widths));
  for (int64_t head = 0; head < keyHeads(); ++head)
    tokenSteps.emplace_back(quantizationStep(headOf(MemoryRegion::Key, head), widths),
                            quantizationStep(headOf(MemoryRegion::Value, head), widths));
}

void Operands::checkElements(MemoryRegion region) const {
  const LaunchTensor &input = inputOf(region);
  const InputView &view = tensors[region];
  auto count = static_cast<size_t>(numbers(region));
  if (!input.isOptional) {
    int64_t perBatch = view.shape[1];
    for (int64_t head = 0; head < shape().batches * perBatch; ++head)
      if (!allFinite(headOf(region, head)))
        throw LaunchFailure{"expected finite numbers, got NaN or infinity in the " +
                            std::string(toString(region)) + " of batch " +
                            std::to_string(head / perBatch) + ", head " +
                            std::to_string(head % perBatch)};
    return;
  }
  if (input.hostElement == ElementType::I1 &&
      !areBooleans({static_cast<const uint8_t *>(view.data), count}))
    throw LaunchFailure{"expected bytes of 0 or 1 in the " + std::string(toString(region)) +
                        ", got others"};
  if (input.hostElement == ElementType::F32 &&
      !areBiases({static_cast<const float *>(view.data), count}))
    throw LaunchFailure{"expected finite numbers or minus infinity in the " +
                        std::string(toString(region)) + ", got NaN or plus infinity"};
}

std::span<const float> Operands::headOf(MemoryRegion region, int64_t head) const {
  const InputView &view = tensors[region];
  int64_t size = view.shape[2] * view.shape[3];
  return {static_cast<const float *>(view.data) + head * size, static_cast<size_t>(size)};
}

std::vector<int8_t> Operands::queryCodes(int64_t head) const {
  return quantize(headOf(MemoryRegion::Query, head), querySteps[head], widths());
}

std::vector<int8_t> Operands::keyCodes(int64_t keyHead) const {
  return quantize(headOf(MemoryRegion::Key, keyHead), tokenSteps[keyHead].first, widths());
}

std::vector<int8_t> Operands::valueCodes(int64_t keyHead) const {
  return quantize(headOf(MemoryRegion::Value, keyHead), tokenSteps[keyHead].second, widths());
}
