//===- Durations.h - What durations are made of ------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_TIMING_DURATIONS_H
#define SPRINTRUNTIME_LIB_TIMING_DURATIONS_H

#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Simulator.h"

#include <cstdint>
#include <string>

namespace sprint {

/// A time or a duration, in whole units of which a core cycle has Durations::unitsPerCycle: so
/// times are equal or not, whatever a clock ratio is.
using Time = int64_t;
/// No launch takes longer; far enough from the largest Time to add durations to.
inline constexpr Time kMaxTime = Time(1) << 60;

/// What a bank takes for one token, or for as much of something else: opening a row and reading its
/// columns, or writing a burst.
struct AccessDurations {
  int64_t bits = 0;
  /// From its first data on the bus of its channel to the end of its last, and until that bus can
  /// move something else.
  Time transfer = 0, onChannel = 0;
  /// Of its bank, from one access to the next.
  Time occupied = 0;
};

/// Bytes of a burst: what one column's address brings or takes, and what a bank holds together of
/// what is no token.
inline constexpr int64_t kBurstBytes = 64;
inline constexpr int64_t kBurstBits = 8 * kBurstBytes;
/// Bursts of so many bits, of which the last one is rounded up.
constexpr int64_t burstsOf(int64_t bits) { return (bits + kBurstBits - 1) / kBurstBits; }

/// What the durations of commands on a machine are made of, for heads of one size
/// (docs/machine.md, "Time").
class Durations {
public:
  Durations(const Machine &machine, const LaunchShape &shape);

  /// Why times on the machine cannot be counted, or an empty string.
  const std::string &fault() const { return message; }

  /// Units of a core cycle.
  Time unitsPerCycle = 1;
  /// One bit on the bus, and on that of one channel.
  Time bit = 0, bitOnChannel = 0;
  /// From a read's start to its first data.
  Time read = 0;
  /// From a column's address to its data, and to data that is written.
  Time tCAS = 0, tCWD = 0;
  /// What only `--timing=detailed` looks at by itself (Machine.h).
  Time tRCD = 0, tRP = 0, tWTR = 0, tCCD = 0, tWP = 0;
  /// Reading a query or a key, a value, and a burst; writing a burst, and what its bank takes of
  /// that where all banks share the bursts evenly.
  AccessDurations key, value, readBurst, writtenBurst;
  Time writtenShare = 0;
  Time threshold = 0;
  Time qkLatency = 0, softmaxLatency = 0, vLatency = 0;
  /// Of the QK-PU for a key, of the V-PU for a value and for its share of an output's division.
  Time perKey = 0, perValue = 0, division = 0;

  /// A number of equal durations.
  static Time times(int64_t count, Time each) {
    Time product;
    return __builtin_mul_overflow(count, each, &product) || product > kMaxTime ? kMaxTime : product;
  }
  /// Rounded up to whole cycles.
  Time whole(Time time) const {
    Time rest = isPowerOfTwo ? time & (unitsPerCycle - 1) : time % unitsPerCycle;
    return rest == 0 ? time : time + (unitsPerCycle - rest);
  }
  double cycles(Time time) const {
    return static_cast<double>(time) / static_cast<double>(unitsPerCycle);
  }

private:
  /// An access of so many bytes, which occupies its bank for `around` beside moving them.
  AccessDurations accessOf(int64_t bytes, Time around) const;

  bool isPowerOfTwo = true;
  std::string message;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_TIMING_DURATIONS_H
