//===- Simulator.h - Runs programs -------------------------------*- C++ -*-===//
//
// Part of the Sprint project.
//
// Values bit for bit (docs/numerics.md), cycles and energy (docs/machine.md). Nothing here throws:
// what fails says why in `error`.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_SIMULATOR_H
#define SPRINTRUNTIME_SIMULATOR_H

#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/CostModel.h"
#include "SprintRuntime/Machine.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sprint {

/// A row-major f32 tensor `[B, H, S, D]` that somebody else owns.
struct TensorView {
  const float *data = nullptr;
  std::array<int64_t, 4> shape{};
};

/// The sizes of a launch.
struct LaunchShape {
  int64_t batches = 0;
  int64_t heads = 0;
  int64_t queries = 0;
  int64_t keys = 0;
  int64_t headDim = 0;
  int64_t valueDim = 0;
};

/// How a launch finds its thresholds.
struct ThresholdPolicy {
  enum class Kind {
    Program,   ///< those compiled into the program
    Given,     ///< `thresholds`: one, or one a head
    PruneRate, ///< calibrated on these inputs: of each head's allowed scores, over all batch
               ///< elements, as near as can be to the fraction `rate` (0 to 1) is dropped
  };
  Kind kind = Kind::Program;
  std::vector<float> thresholds;
  double rate = 0;
};

/// What a launch is asked for.
struct LaunchOptions {
  ThresholdPolicy thresholds;
  /// Record masks (LaunchResult::masks).
  bool masks = false;
  /// Record the timeline (LaunchResult::trace).
  bool trace = false;
  /// Called now and then, and at the end, with the output rows that are done and those that there
  /// are.
  std::function<void(int64_t, int64_t)> progress;
};

/// Cycles the machine's parts were at work.
struct UnitBusy {
  std::string unit;
  double cycles = 0;
};

/// An interval of the timeline, in cycles.
struct TraceEvent {
  /// A unit of docs/machine.md, `bus`, or `banks`. Only intervals of `banks` overlap.
  std::string_view unit;
  /// Of `qk`, `softmax` and `v`; otherwise -1.
  int64_t corelet = -1;
  /// The command.
  std::string_view name;
  double start = 0;
  double duration = 0;
};

/// Statistics of a launch. Names and units are those of the JSON report (docs/tools.md).
struct Statistics {
  double cycles = 0;
  /// Without the writes of queries, keys and values.
  double cyclesResident = 0;
  std::vector<ComponentEnergy> energy;
  int64_t allowedScores = 0;
  int64_t keptScores = 0;
  /// Keys and values read from ReRAM.
  int64_t fetchedBytes = 0;
  /// Queries, keys and values written to ReRAM.
  int64_t writtenBytes = 0;
  /// Rows that would have kept nothing at their head's threshold, and the retries they took.
  int64_t retriedRows = 0;
  int64_t retries = 0;
  int64_t inMemoryMacs = 0;
  /// Multiply-accumulates of the QK-PUs and V-PUs.
  int64_t macs = 0;
  /// Codes that a frozen step would have saturated; 0 with steps from the data.
  int64_t saturatedCodes = 0;
  std::vector<UnitBusy> busy;
  double simulationSeconds = 0;

  double totalEnergy() const;
  double prunedFraction() const;
};

/// What a launch gives.
struct LaunchResult {
  LaunchShape dimensions;
  /// `[B, H, Sq, Dv]`, row-major.
  std::vector<float> output;
  std::array<int64_t, 4> shape{};
  /// Output codes R, of the same shape.
  std::vector<int32_t> codes;
  /// Thresholds that were used, one a head, in logit units.
  std::vector<float> thresholds;
  /// Kept keys, `[B * H, Sq, Sk]`, 0 or 1; empty unless asked for.
  std::vector<uint8_t> masks;
  Statistics statistics;
  std::vector<TraceEvent> trace;
};

/// Runs `program` on `machine`. Refused: a machine of another structure, shapes that do not fit the
/// program, lengths of zero or beyond the machine's capacity, NaN and infinity in the operands; a
/// program that is not well-formed, could run more than 2^31 steps (commands and nodes of their
/// operands), stands still, overruns a queue, reads what is not there, or does not write each
/// output row once.
std::optional<LaunchResult> launch(const Program &program, const Machine &machine,
                                   const TensorView &query, const TensorView &key,
                                   const TensorView &value, const LaunchOptions &options,
                                   std::string &error) noexcept;

} // namespace sprint

#endif // SPRINTRUNTIME_SIMULATOR_H
