//===- Operands.h - What a launch brings ----------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_DEVICE_OPERANDS_H
#define SPRINTRUNTIME_LIB_DEVICE_OPERANDS_H

#include "Cache.h"
#include "Kernels/Numerics.h"
#include "SprintRuntime/Commands.h"
#include "SprintRuntime/Simulator.h"
#include "Walk/LaunchLayout.h"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace sprint {

/// Steps of one head's queries, and of the keys and values that it shares.
struct HeadSteps {
  float query = 1;
  float key = 1;
  float value = 1;
};

/// The operands of a launch and what does not depend on thresholds.
class Operands : public LaunchLayout {
public:
  /// With the steps and the cache of `options`. Throws LaunchFailure where a shape is not that of
  /// the others or of the cache, is zero or too large, or a number is one that docs/numerics.md,
  /// section 1, refuses. All arguments but `options` outlive this.
  Operands(const LaunchOperands &operands, const Widths &widths, const LaunchOptions &options);

  const Widths &widths() const { return *machineWidths; }
  HeadSteps steps(int64_t head) const {
    auto [key, value] = tokenSteps[keyHeadOf(head)];
    return {querySteps[head], key, value};
  }

  /// Codes of one head, or of one key head with those that the cache has.
  std::vector<int8_t> queryCodes(int64_t head) const;
  std::vector<int8_t> keyCodes(int64_t keyHead) const;
  std::vector<int8_t> valueCodes(int64_t keyHead) const;
  /// Codes that the frozen steps are too small for.
  int64_t saturatedCodes() const;
  /// Adds the keys and values to the cache, which there is.
  void addToCache() const;

  /// The row of an optional input that holds for a query of a head, an entry a key, as the host has
  /// it: of type `Element`.
  template <typename Element>
  std::span<const Element> row(MemoryRegion region, int64_t head, int64_t query) const {
    size_t size = inputOf(region).has(Dimension::Sk) ? shape().keys : 1;
    return {static_cast<const Element *>(tensors[region].data) + rowOf(region, head, query) * size,
            size};
  }

private:
  void checkElements(MemoryRegion region) const;
  void checkCache() const;
  std::vector<int8_t> newKeyCodes(int64_t keyHead) const;
  std::vector<int8_t> newValueCodes(int64_t keyHead) const;
  void freezeSteps(const FrozenSteps &steps);
  std::span<const float> headOf(MemoryRegion region, int64_t head) const;

  LaunchOperands tensors;
  const Widths *machineWidths;
  /// Null where there is none.
  Cache::Contents *cache = nullptr;
  bool hasFrozenSteps = false;
  std::vector<float> querySteps;
  /// Of the keys and of the values of each key head.
  std::vector<std::pair<float, float>> tokenSteps;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_DEVICE_OPERANDS_H
