//===- Operands.h - What a launch brings ----------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_SIMULATOR_OPERANDS_H
#define SPRINTRUNTIME_LIB_SIMULATOR_OPERANDS_H

#include "Numerics.h"
#include "SprintRuntime/Commands.h"
#include "SprintRuntime/Simulator.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace sprint {

/// Bits of a query's segment and those of `keys` keys.
constexpr int64_t segmentBits(int64_t keys) { return 32 * (1 + keys); }

/// Steps of one head's queries, and of the keys and values that it shares.
struct HeadSteps {
  float query = 1;
  float key = 1;
  float value = 1;
};

/// Rows of optional inputs, by MemoryRegion: what Operands::inputRow gives for them, and -1 where
/// there is none.
using InputRows = std::array<int64_t, launchInputs.size()>;

/// The operands of a launch and what does not depend on thresholds.
class Operands {
public:
  /// Throws LaunchFailure where a shape is not that of the others, is zero or too large, or a
  /// number is one that docs/numerics.md, section 1, refuses.
  Operands(const LaunchOperands &operands, const Widths &widths);

  const LaunchShape &shape() const { return dimensions; }
  const Widths &widths() const { return *machineWidths; }
  /// Heads of all batch elements; a head's index is `batch * heads + head`.
  int64_t heads() const { return dimensions.batches * dimensions.heads; }
  /// Key heads of all batch elements; a key head's index is `batch * keyHeads + keyHead`.
  int64_t keyHeads() const { return dimensions.batches * dimensions.keyHeads(); }
  /// The key head that a head uses.
  int64_t keyHeadOf(int64_t head) const { return head / dimensions.group; }
  HeadSteps steps(int64_t head) const {
    auto [key, value] = tokenSteps[keyHeadOf(head)];
    return {querySteps[head], key, value};
  }

  /// Codes of one head, or of one key head.
  std::vector<int8_t> queryCodes(int64_t head) const;
  std::vector<int8_t> keyCodes(int64_t keyHead) const;
  std::vector<int8_t> valueCodes(int64_t keyHead) const;

  /// Whether `region` is an optional input that the launch brings.
  bool brings(MemoryRegion region) const;
  /// Rows of an optional input that each head has: one, or one a query.
  int64_t inputRows(MemoryRegion region) const;
  /// A number for the row of an optional input that holds for a query of a head: the same for two
  /// queries where the row's entries, or codes of them, are the same.
  int64_t inputRow(MemoryRegion region, int64_t head, int64_t query) const;
  /// An optional input that the launch brings, and of which `rows` has another row than the one
  /// that holds for the query; nothing where there is none.
  std::optional<MemoryRegion> findStale(const InputRows &rows, int64_t head, int64_t query) const;
  /// The row of an optional input that holds for a query of a head, an entry a key, as the host has
  /// it: of type `Element`.
  template <typename Element>
  std::span<const Element> row(MemoryRegion region, int64_t head, int64_t query) const {
    size_t size = inputOf(region).has(Dimension::Sk) ? dimensions.keys : 1;
    return {static_cast<const Element *>(tensors[region].data) + rowOf(region, head, query) * size,
            size};
  }
  /// Bytes of inputs with a number for each of several queries and each key.
  int64_t quadraticBytes() const;

private:
  /// Sets the sizes of the launch.
  void measure();
  void checkElements(MemoryRegion region) const;
  std::span<const float> headOf(MemoryRegion region, int64_t head) const;
  /// Index of the row of an optional input that holds for a query of a head.
  int64_t rowOf(MemoryRegion region, int64_t head, int64_t query) const;

  LaunchShape dimensions;
  LaunchOperands tensors;
  const Widths *machineWidths;
  std::vector<float> querySteps;
  /// Of the keys and of the values of each key head.
  std::vector<std::pair<float, float>> tokenSteps;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_SIMULATOR_OPERANDS_H
