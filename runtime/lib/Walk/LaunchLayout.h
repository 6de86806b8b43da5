//===- LaunchLayout.h - Sizes of a launch's tensors -----------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_WALK_LAUNCHLAYOUT_H
#define SPRINTRUNTIME_LIB_WALK_LAUNCHLAYOUT_H

#include "SprintRuntime/Commands.h"
#include "SprintRuntime/Simulator.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace sprint {

/// Bits of an element as the machine has it.
constexpr int64_t bitsOf(ElementType type) {
  switch (type) {
  case ElementType::I1:
    return 1;
  case ElementType::I8:
    return 8;
  case ElementType::I32:
  case ElementType::F32:
    return 32;
  case ElementType::I64:
    return 64;
  }
  return 0;
}

/// Bits of an element of a region.
constexpr int64_t elementBits(MemoryRegion region) { return bitsOf(inputOf(region).deviceElement); }

/// What a region holds, for messages.
std::string contentOf(MemoryRegion region);

/// Rows of optional inputs, by MemoryRegion: what LaunchLayout::inputRow gives for them, and -1
/// where there is none.
using InputRows = std::array<int64_t, launchInputs.size()>;

/// Which tensors a launch brings, and their sizes: all that following a program needs of them.
class LaunchLayout {
public:
  /// Of a launch that finds `past` tokens in its cache, and brings the others. Throws LaunchFailure
  /// where a shape is not that of the others, is zero or too large.
  explicit LaunchLayout(const LaunchOperands &operands, int64_t past = 0);

  const LaunchShape &shape() const { return dimensions; }
  /// Heads of all batch elements; a head's index is `batch * heads + head`.
  int64_t heads() const { return dimensions.batches * dimensions.heads; }
  /// Key heads of all batch elements; a key head's index is `batch * keyHeads + keyHead`.
  int64_t keyHeads() const { return dimensions.batches * dimensions.keyHeads(); }
  /// The key head that a head uses.
  int64_t keyHeadOf(int64_t head) const { return head / dimensions.group; }

  /// Whether `region` is an optional input that the launch brings.
  bool brings(MemoryRegion region) const {
    return inputOf(region).isOptional && isThere[static_cast<size_t>(region)];
  }
  /// Numbers of an input that the launch brings.
  int64_t numbers(MemoryRegion region) const;
  /// Rows of an optional input that each head has: one, or one a query.
  int64_t inputRows(MemoryRegion region) const;
  /// A number for the row of an optional input that holds for a query of a head: the same for two
  /// queries where the row's entries, or codes of them, are the same.
  int64_t inputRow(MemoryRegion region, int64_t head, int64_t query) const;
  /// An optional input that the launch brings, and of which `rows` has another row than the one
  /// that holds for the query; nothing where there is none.
  std::optional<MemoryRegion> findStale(const InputRows &rows, int64_t head, int64_t query) const;
  /// Index of the row of an optional input that holds for a query of a head.
  int64_t rowOf(MemoryRegion region, int64_t head, int64_t query) const;
  /// Bytes of inputs with a number for each of several queries and each key.
  int64_t quadraticBytes() const;

private:
  /// Sets the sizes of the launch.
  void measure(const LaunchOperands &operands, int64_t past);

  LaunchShape dimensions;
  std::array<bool, launchInputs.size()> isThere{};
  std::array<std::array<int64_t, kMaxInputRank>, launchInputs.size()> shapes{};
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_WALK_LAUNCHLAYOUT_H
