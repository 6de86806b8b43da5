//===- Cache.h - What stays in the memory of a device ------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_DEVICE_CACHE_H
#define SPRINTRUNTIME_LIB_DEVICE_CACHE_H

#include "SprintRuntime/Device.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sprint {

/// The machine of a device and the arrays of its memory that caches hold.
struct Device::Memory {
  Machine machine;
  int64_t heldArrays = 0;
};

/// Codes of all key heads, `batch * keyHeads + keyHead`, as long as each other.
struct Cache::Contents {
  std::shared_ptr<Device::Memory> memory;
  CacheShape shape;
  FrozenSteps steps;
  int64_t length = 0;
  /// `[length, headDim]` and `[length, valueDim]` a key head.
  std::vector<std::vector<int8_t>> keys, values;

  /// Arrays that hold the keys of `length` tokens.
  int64_t arraysAt(int64_t length) const;
};

/// Why steps are not those of so many heads and key heads, in the form "expected ..., got ...";
/// empty where they are.
std::string findStepFault(const FrozenSteps &steps, int64_t heads, int64_t keyHeads);

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_DEVICE_CACHE_H
