//===- Durations.h - Core cycles that commands are made of -------*- C++ -*-===//
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

namespace sprint {

/// A duration rounded up to a whole cycle; what exceeds one by less than a millionth is an error of
/// rounding.
inline double wholeCycles(double cycles) {
  double least = cycles - 1e-6;
  auto whole = static_cast<double>(static_cast<int64_t>(least));
  return whole + (least > whole);
}

/// What the durations of commands on a machine are made of, for heads of one size, in core cycles
/// (docs/machine.md, "Time").
struct Durations {
  Durations(const Machine &machine, const LaunchShape &shape)
      : memoryCycle(machine.timing.clockMHz / machine.timing.memoryClockMHz),
        busBytes(machine.timing.busBits / 8 * machine.timing.transfersPerMemoryCycle / memoryCycle *
                 static_cast<double>(machine.structure.channels)),
        read((machine.timing.tRCD + machine.timing.tCAS) * memoryCycle),
        perKey(ceilDiv(shape.headDim, machine.structure.multipliers)),
        perValue(ceilDiv(shape.valueDim, machine.structure.multipliers)) {}

  /// One memory cycle.
  double memoryCycle;
  /// Bytes that all channels together move in a cycle.
  double busBytes;
  /// From a read's start to its first data.
  double read;
  /// Of the QK-PU for a key, of the V-PU for a value.
  double perKey, perValue;

  /// What a number of bytes takes on the bus.
  double transfer(double bytes) const { return bytes / busBytes; }

private:
  static double ceilDiv(int64_t number, int64_t divisor) {
    return static_cast<double>((number + divisor - 1) / divisor);
  }
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_TIMING_DURATIONS_H
