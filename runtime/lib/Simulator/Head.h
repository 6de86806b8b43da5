//===- Head.h - Codes of one head --------------------------------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_SIMULATOR_HEAD_H
#define SPRINTRUNTIME_LIB_SIMULATOR_HEAD_H

#include "Numerics.h"
#include "SprintRuntime/Simulator.h"

#include <cstdint>
#include <span>
#include <vector>

namespace sprint {

/// Steps of one head's queries, keys and values.
struct HeadSteps {
  float query = 1;
  float key = 1;
  float value = 1;
};

/// The operands of a launch and what does not depend on thresholds.
class Operands {
public:
  /// Throws LaunchFailure where a shape is not that of the others, is zero or too large, or a
  /// number is NaN or infinite.
  Operands(const TensorView &query, const TensorView &key, const TensorView &value,
           const Widths &widths);

  const LaunchShape &shape() const { return dimensions; }
  const Widths &widths() const { return *machineWidths; }
  /// Heads of all batch elements; a head's index is `batch * heads + head`.
  int64_t heads() const { return dimensions.batches * dimensions.heads; }
  const HeadSteps &steps(int64_t head) const { return allSteps[head]; }

  /// Codes of one head; `saturated` counts those that were clamped.
  std::vector<int8_t> queryCodes(int64_t head, int64_t &saturated) const;
  std::vector<int8_t> keyCodes(int64_t head, int64_t &saturated) const;
  std::vector<int8_t> valueCodes(int64_t head, int64_t &saturated) const;

private:
  static std::span<const float> headOf(const TensorView &tensor, int64_t head);

  LaunchShape dimensions;
  TensorView query, key, value;
  const Widths *machineWidths;
  std::vector<HeadSteps> allSteps;
};

/// Approximate scores of one head, computed as they are asked for: a block of queries for a tile of
/// keys at a time, because a tile is then read from memory once for the block.
class ApproximateScores {
public:
  ApproximateScores() = default;
  ApproximateScores(std::span<const int8_t> queryCodes, std::span<const int8_t> keyCodes,
                    int64_t channels, Nibble nibble);

  bool isEmpty() const { return channels == 0; }
  /// Scores of `query` with the keys from `first` to before `last`; valid until the next call.
  std::span<const int32_t> row(int64_t query, int64_t first, int64_t last);

private:
  static constexpr int64_t kBlockQueries = 8;

  HighNibbles keys;
  std::vector<int16_t> queries;
  int64_t channels = 0;
  /// First query of the block in `scores`.
  int64_t blockBegin = -1;
  std::vector<uint8_t> isTileDone;
  /// `[kBlockQueries, tiles * kTileKeys]`.
  std::vector<int32_t> scores;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_SIMULATOR_HEAD_H
