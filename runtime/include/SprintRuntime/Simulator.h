//===- Simulator.h - Runs programs -------------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values bit for bit (docs/numerics.md), cycles and energy (docs/machine.md). Nothing here throws:
// what fails says why in `error`.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_SIMULATOR_H
#define SPRINTRUNTIME_SIMULATOR_H

#include "SprintRuntime/Buffer.h"
#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Statistics.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sprint {

/// A row-major tensor of a launch that somebody else owns. What its elements and dimensions are is
/// in `launchInputs`; a boolean is a byte, 0 or 1.
struct InputView {
  const void *data = nullptr;
  /// As many sizes as the input has dimensions; others are not looked at.
  std::array<int64_t, kMaxInputRank> shape{};
};

/// The tensors of a launch. Optional ones have data exactly where the program takes them.
struct LaunchOperands {
  /// By MemoryRegion.
  std::array<InputView, launchInputs.size()> inputs;

  InputView &operator[](MemoryRegion region) { return inputs[static_cast<size_t>(region)]; }
  const InputView &operator[](MemoryRegion region) const {
    return inputs[static_cast<size_t>(region)];
  }
};

/// The sizes of a launch.
struct LaunchShape : LaunchSizes {
  int64_t keyHeads() const { return heads / group; }
};

/// Steps of quantisation that are given, by calibration, instead of following from the numbers of a
/// launch (docs/numerics.md, section 2): finite, and at least 2^-126.
struct FrozenSteps {
  /// Of queries, a step a head: `batch * heads + head`.
  std::vector<float> query;
  /// Of keys and of values, a step a key head: `batch * keyHeads + keyHead`.
  std::vector<float> key, value;
};

class Cache;

/// How a launch finds its thresholds.
struct ThresholdPolicy {
  enum class Kind {
    Program,   ///< those compiled into the program
    Given,     ///< `thresholds`: one, or one a head
    PruneRate, ///< calibrated on these inputs: of each head's allowed scores, over all batch
               ///< elements, as near as can be to the fraction `fraction` (0 to 1) is dropped
    KeepMass,  ///< calibrated on these inputs: as many of each head's scores are dropped as leave,
               ///< in the mean of its rows, at least `fraction` of the softmax on the kept keys
  };
  Kind kind = Kind::Program;
  std::vector<float> thresholds;
  double fraction = 0;
};

/// What thresholds would keep, gathered over any number of launches of one program, to choose
/// thresholds that suit all of them.
class Calibration {
public:
  Calibration();
  ~Calibration();
  Calibration(Calibration &&) noexcept;
  Calibration &operator=(Calibration &&) noexcept;

  /// The thresholds, one a head, that ThresholdPolicy::Kind::PruneRate or KeepMass means for all
  /// launches together. Without a value, `error` says why: no launch, another kind, a fraction
  /// outside 0 to 1.
  std::optional<std::vector<float>> thresholds(ThresholdPolicy::Kind kind, double fraction,
                                               std::string &error) const;

  /// What launches add to; defined with the simulator.
  struct Curves;
  std::unique_ptr<Curves> curves;
};

/// A row of a launch.
struct RowName {
  /// `batch * heads + head`.
  int64_t head = 0;
  int64_t query = 0;
};

/// How the time of a launch is found (docs/machine.md).
enum class TimingKind {
  ClosedForm, ///< a formula for each command: what the machine's cycles are
  Detailed,   ///< every key and value through channel, bank and PU, to hold the formulas against
};

/// As tools and reports spell it.
constexpr std::string_view toString(TimingKind kind) {
  return kind == TimingKind::ClosedForm ? "closed-form" : "detailed";
}

/// What a launch is asked for.
struct LaunchOptions {
  ThresholdPolicy thresholds;
  /// Of the codes; without a value they follow from the operands, or are those of the cache.
  std::optional<FrozenSteps> steps;
  /// Where the program adds the keys and values of the operands (Device.h); null where it takes no
  /// cache.
  Cache *cache = nullptr;
  /// Record the output codes (LaunchResult::codes) and masks (LaunchResult::masks).
  bool codes = true;
  bool masks = false;
  /// How cycles are found; values, energy and counts do not depend on it.
  TimingKind timing = TimingKind::ClosedForm;
  /// Record the timeline (LaunchResult::trace).
  bool trace = false;
  /// Explain this row (LaunchResult::explanation).
  std::optional<RowName> explained;
  /// Gathers what thresholds would keep on these operands, whatever the launch keeps; null for
  /// nothing.
  Calibration *calibration = nullptr;
  /// Threads that compute rows, as many as the processor runs without a value. Nothing that a
  /// launch gives depends on it.
  std::optional<int> threads;
  /// Called now and then, and at the end, with the output rows that are done and those that there
  /// are.
  std::function<void(int64_t, int64_t)> progress;
};

/// An interval of the timeline, in cycles. There may be millions, so names are views of what always
/// is there, and what an interval does not have is -1.
struct TraceEvent {
  /// A unit of docs/machine.md, `channel`, or `banks`. Only intervals of `banks` overlap.
  std::string_view unit;
  /// The command.
  std::string_view name;
  double start = 0;
  double duration = 0;
  /// That the command moves between the memory and the chip, the last one rounded up; on `channel`,
  /// `qk`, `softmax` and `v`, of which several share a command, -1.
  int64_t bytes = -1;
  /// Of `qk`, `softmax` and `v`, or which `channel`.
  int32_t corelet = -1;
  /// `batch * heads + head`; of what heads share, as keys, one of them.
  int32_t head = -1;
  /// The row that the command works for.
  int32_t query = -1;
  /// Keys in that row's list; on `qk`, `softmax` and `v` those of the CORELET.
  int32_t keys = -1;
};

/// A value that a counter of the timeline has from a time on, in cycles.
struct TraceCounter {
  std::string name;
  double time = 0;
  double value = 0;
};

/// A command of a row, in cycles: when it ran, and why not before.
struct ExplainedCommand {
  /// What a command waited for, and until when.
  struct Wait {
    std::string reason;
    double until = 0;
  };

  std::string_view unit, name;
  /// When its unit was free for it.
  double free = 0;
  double start = 0, end = 0;
  /// In the order of time. What was there before the unit was free is left out.
  std::vector<Wait> waits;
};

/// What a launch gives.
struct LaunchResult {
  LaunchShape dimensions;
  /// `[B, H, Sq, Dv]`, row-major.
  Buffer<float> output;
  std::array<int64_t, 4> shape{};
  /// Output codes R, of the same shape; empty where they were not asked for.
  Buffer<int32_t> codes;
  /// Thresholds that were used, one a head, in logit units.
  std::vector<float> thresholds;
  /// Kept keys, `[B * H, Sq, Sk]`, 0 or 1; empty unless asked for.
  std::vector<uint8_t> masks;
  Statistics statistics;
  /// Where cycles, timeline and explanation come from.
  TimingKind timing = TimingKind::ClosedForm;
  std::vector<TraceEvent> trace;
  /// With the timeline: lists in each index queue, tokens in the buffers on chip, and bytes a cycle
  /// on the bus, each in the order of time.
  std::vector<TraceCounter> counters;
  /// The commands that name the row that was to be explained, in the order of time. (`list_range`
  /// names none.)
  std::vector<ExplainedCommand> explanation;
};

/// What `launch` would find wrong with the shapes of `operands`, of which no number is looked at;
/// an empty string where they fit. `past` tokens are in the cache that the program takes.
std::string findOperandFault(const Program &program, const Machine &machine,
                             const LaunchOperands &operands, int64_t past = 0) noexcept;

/// Runs `program` on `machine`, whose memory is empty before and after. Refused: a machine of
/// another structure, operands and shapes that do not fit the program, lengths of zero or beyond
/// the machine's capacity, NaN and infinity in the operands (a bias may be minus infinity); a
/// program that takes a cache, is not well-formed, has an error that `check` finds, could run more
/// steps (commands and nodes of their operands) than its rows are worth, stands still, overruns a
/// queue, reads what is not there, or does not write each output row once.
std::optional<LaunchResult> launch(const Program &program, const Machine &machine,
                                   const LaunchOperands &operands, const LaunchOptions &options,
                                   std::string &error) noexcept;

} // namespace sprint

#endif // SPRINTRUNTIME_SIMULATOR_H
