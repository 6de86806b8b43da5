//===- Head.h - Codes and masks of heads -------------------------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_SIMULATOR_HEAD_H
#define SPRINTRUNTIME_LIB_SIMULATOR_HEAD_H

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

/// What key_valid, mask, segments and bias say of a row, an entry a key each; empty where there are
/// none.
struct RowMasks {
  std::span<const uint8_t> keyValid, mask;
  std::span<const int32_t> keySegments;
  /// That which the keys have to be of.
  int32_t querySegment = 0;
  /// Codes, and the logits that they are of.
  std::span<const int32_t> bias;
  std::span<const float> biasLogits;
  /// That of the head (biasReach).
  int64_t reach = 0;

  bool isEmpty() const {
    return keyValid.empty() && mask.empty() && keySegments.empty() && bias.empty();
  }
};

/// The rows of key_valid, mask, segments and bias that were loaded last.
class MaskRegisters {
public:
  /// `scale` is that of the logits. `operands` outlive this.
  MaskRegisters(const Operands &operands, double scale) : operands(operands), scale(scale) {
    loadedRows.fill(-1);
  }
  // `loaded` looks at `biasCodes`.
  MaskRegisters(const MaskRegisters &) = delete;
  MaskRegisters &operator=(const MaskRegisters &) = delete;

  /// Loads the row of `region`, which the launch brings, for a query of a head.
  void load(MemoryRegion region, int64_t head, int64_t query);
  /// Loads all that the launch brings.
  void loadAll(int64_t head, int64_t query);
  const RowMasks &masks() const { return loaded; }
  const InputRows &rows() const { return loadedRows; }

private:
  const Operands &operands;
  double scale;
  InputRows loadedRows;
  RowMasks loaded;
  std::vector<int32_t> biasCodes;
};

/// Appends the keys from `first` to before `last` that `masks` allow.
void appendAllowed(int64_t first, int64_t last, const RowMasks &masks, std::vector<uint32_t> &list);

/// Whether the biases alone leave the keys from `first` to before `last` without an allowed one,
/// though one of them is finite; `masks` allow none of the keys.
bool areMaskedByFiniteBias(int64_t first, int64_t last, const RowMasks &masks);

/// The allowed keys of a row and their approximate scores, biases included.
class AllowedScores {
public:
  /// Of the keys from `first` on, whose approximate scores without bias are `scores`, those that
  /// `masks` allow. Without masks, `scores` have to stay valid.
  void assign(std::span<const int32_t> scores, int64_t first, const RowMasks &masks);

  std::span<const int32_t> scores() const { return allowed; }
  /// The key of a score.
  uint32_t key(size_t index) const {
    return isMasked ? keys[index] : static_cast<uint32_t>(first + static_cast<int64_t>(index));
  }
  /// Appends the keys whose scores are at least `threshold`.
  void appendKept(int64_t threshold, std::vector<uint32_t> &list) const;

private:
  std::span<const int32_t> allowed;
  int64_t first = 0;
  bool isMasked = false;
  std::vector<uint32_t> keys;
  std::vector<int32_t> maskedScores;
};

/// Approximate scores of one head, without biases, computed as they are asked for: a block of
/// queries for a tile of keys at a time, because a tile is then read from memory once for the
/// block.
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
