//===- Rows.h - Selects and recomputes rows ----------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two kernels of a launch, pure functions of a head and a row of it: which keys the row keeps
// (docs/numerics.md, section 4), and its output codes from these keys (section 5).
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_KERNELS_ROWS_H
#define SPRINTRUNTIME_LIB_KERNELS_ROWS_H

#include "ApproximateScores.h"
#include "InnerLoops.h"
#include "Numerics.h"
#include "RowMasks.h"
#include "SprintRuntime/Buffer.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sprint {

/// Keys and values of a key head, `[keys, headDim]` and `[keys, valueDim]`.
struct KeyHeadCodes {
  KeyHeadCodes(const std::vector<int8_t> &keys, const std::vector<int8_t> &values, int64_t headDim,
               int64_t valueDim, Nibble nibble);

  int64_t headDim, valueDim;
  /// Number of keys.
  int64_t size;
  KeyCodes keys;
  Buffer<int8_t> values;
  KeyNibbles highNibbles;
};

/// A head: its queries, `[queries, headDim]`, and the keys and values that it shares.
struct HeadCodes {
  HeadCodes(std::vector<int8_t> queries, std::shared_ptr<const KeyHeadCodes> tokens,
            const HeadParameters &parameters, const Widths &widths);

  std::vector<int8_t> queries;
  QueryNibbles highNibbles;
  std::shared_ptr<const KeyHeadCodes> tokens;
  HeadParameters parameters;
  Widths widths;
};

/// Which keys a row chooses from.
struct RowRange {
  int64_t query = 0;
  /// From `first` to before `last`, which may be the same.
  int64_t first = 0, last = 0;
  /// Whether only those are kept that reach the threshold, or all that are allowed.
  bool isPruned = true;
};

/// What selecting a row found.
struct SelectedRow {
  int64_t allowed = 0;
  int64_t kept = 0;
  int32_t retries = 0;
  /// Allowed keys whose biases are at the bound of their codes.
  int64_t clampedBiases = 0;
  /// Whether there is no allowed key because finite biases mask all that there were.
  bool isMaskedByBias = false;
};

/// Selects and recomputes rows of one head, one after another. Holds buffers that rows share; a
/// thread needs one of its own.
class RowKernels {
public:
  /// `head` outlives this. All `loops` give the same.
  explicit RowKernels(const HeadCodes &head, const InnerLoops &loops = fastestLoops());

  /// Sets `kept`, of keyWords(size) words, to the keys that a row keeps. Rows are selected fastest
  /// in the order of their queries.
  SelectedRow select(const RowRange &row, const RowMasks &masks, std::span<uint64_t> kept);
  /// Sets `codes`, valueDim of them, to the output codes R of a query from the `count` keys of
  /// `kept`. `biases` has the code of each key's bias, or is empty.
  void recompute(int64_t query, std::span<const uint64_t> kept, int64_t count,
                 std::span<const int32_t> biases, std::span<int32_t> codes);

private:
  const HeadCodes &head;
  const InnerLoops &loops;
  ApproximateScores approximate;
  std::vector<uint64_t> clamped;
  /// As many as there are keys, and what InnerLoops::list asks for.
  Buffer<uint32_t> listedKeys;
  Buffer<int32_t> scores;
  Buffer<uint32_t> weights;
  std::vector<int64_t> sums;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_KERNELS_ROWS_H
