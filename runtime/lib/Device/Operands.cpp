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

Operands::Operands(const LaunchOperands &operands, const Widths &widths,
                   const LaunchOptions &options)
    : LaunchLayout(operands, options.cache ? options.cache->length() : 0), tensors(operands),
      machineWidths(&widths) {
  for (MemoryRegion region : enumerators<MemoryRegion>)
    if (tensors[region].data)
      checkElements(region);
  if (options.cache) {
    cache = options.cache->contents.get();
    checkCache();
  }
  if (cache || options.steps) {
    freezeSteps(cache ? cache->steps : *options.steps);
    return;
  }
  for (int64_t head = 0; head < heads(); ++head)
    querySteps.push_back(quantizationStep(headOf(MemoryRegion::Query, head), widths));
  for (int64_t head = 0; head < keyHeads(); ++head)
    tokenSteps.emplace_back(quantizationStep(headOf(MemoryRegion::Key, head), widths),
                            quantizationStep(headOf(MemoryRegion::Value, head), widths));
}

void Operands::checkCache() const {
  CacheShape given = {shape().batches, shape().heads, shape().keyHeads(), shape().headDim,
                      shape().valueDim};
  if (given == cache->shape)
    return;
  auto describe = [](const CacheShape &sizes) {
    return std::to_string(sizes.batches) + " batch elements, " + std::to_string(sizes.heads) +
           " heads, " + std::to_string(sizes.keyHeads) + " key heads, " +
           std::to_string(sizes.headDim) + " channels of keys and " +
           std::to_string(sizes.valueDim) + " of values";
  };
  throw LaunchFailure{"expected operands of the cache's " + describe(cache->shape) + ", got " +
                      describe(given)};
}

void Operands::freezeSteps(const FrozenSteps &steps) {
  if (std::string fault = findStepFault(steps, heads(), keyHeads()); !fault.empty())
    throw LaunchFailure{fault};
  hasFrozenSteps = true;
  querySteps = steps.query;
  for (int64_t head = 0; head < keyHeads(); ++head)
    tokenSteps.emplace_back(steps.key[head], steps.value[head]);
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

std::vector<int8_t> Operands::newKeyCodes(int64_t keyHead) const {
  return quantize(headOf(MemoryRegion::Key, keyHead), tokenSteps[keyHead].first, widths());
}

std::vector<int8_t> Operands::newValueCodes(int64_t keyHead) const {
  return quantize(headOf(MemoryRegion::Value, keyHead), tokenSteps[keyHead].second, widths());
}

/// `added` behind `codes`.
static std::vector<int8_t> append(std::vector<int8_t> codes, const std::vector<int8_t> &added) {
  codes.insert(codes.end(), added.begin(), added.end());
  return codes;
}

std::vector<int8_t> Operands::keyCodes(int64_t keyHead) const {
  std::vector<int8_t> added = newKeyCodes(keyHead);
  return cache ? append(cache->keys[keyHead], added) : added;
}

std::vector<int8_t> Operands::valueCodes(int64_t keyHead) const {
  std::vector<int8_t> added = newValueCodes(keyHead);
  return cache ? append(cache->values[keyHead], added) : added;
}

int64_t Operands::saturatedCodes() const {
  if (!hasFrozenSteps)
    return 0;
  int64_t count = 0;
  for (int64_t head = 0; head < heads(); ++head)
    count += countSaturated(headOf(MemoryRegion::Query, head), querySteps[head], widths());
  for (int64_t head = 0; head < keyHeads(); ++head) {
    count += countSaturated(headOf(MemoryRegion::Key, head), tokenSteps[head].first, widths());
    count += countSaturated(headOf(MemoryRegion::Value, head), tokenSteps[head].second, widths());
  }
  return count;
}

void Operands::addToCache() const {
  // What needs memory comes first, so that a failure leaves all heads as long as before.
  std::vector<std::vector<int8_t>> keys, values;
  for (int64_t head = 0; head < keyHeads(); ++head) {
    keys.push_back(newKeyCodes(head));
    values.push_back(newValueCodes(head));
    cache->keys[head].reserve(shape().keys * shape().headDim);
    cache->values[head].reserve(shape().keys * shape().valueDim);
  }
  for (int64_t head = 0; head < keyHeads(); ++head) {
    cache->keys[head].insert(cache->keys[head].end(), keys[head].begin(), keys[head].end());
    cache->values[head].insert(cache->values[head].end(), values[head].begin(), values[head].end());
  }
  cache->memory->heldArrays += cache->arraysAt(shape().keys) - cache->arraysAt(cache->length);
  cache->length = shape().keys;
}
