//===- Durations.cpp - What durations are made of -------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Durations.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>
#include <vector>

using namespace sprint;

namespace {

/// Most units of a cycle, so that a launch can take billions of them.
constexpr int64_t kMaxUnits = int64_t(1) << 30;
/// Parameters count in thousandths.
constexpr int64_t kThousand = 1000;

using Wide = __int128;

Wide commonDivisor(Wide left, Wide right) {
  while (right != 0)
    left = std::exchange(right, left % right);
  return left;
}

/// A number of cycles, at least zero, in lowest terms.
struct Cycles {
  Wide numerator = 0;
  Wide denominator = 1;

  Cycles(Wide above, Wide below) {
    Wide divisor = commonDivisor(above, below);
    numerator = above / divisor;
    denominator = below / divisor;
  }
};

Cycles operator*(const Cycles &left, const Cycles &right) {
  // Reduced crosswise, the products are in lowest terms and stay small.
  Cycles first(left.numerator, right.denominator), second(right.numerator, left.denominator);
  return {first.numerator * second.numerator, first.denominator * second.denominator};
}

/// A parameter in cycles.
Cycles parameter(double value) {
  return {static_cast<Wide>(std::llround(value * kThousand)), kThousand};
}

Cycles inverse(const Cycles &cycles) { return {cycles.denominator, cycles.numerator}; }

} // namespace

Durations::Durations(const Machine &machine, const LaunchShape &shape) {
  const Structure &structure = machine.structure;
  const sprint::Timing &timing = machine.timing;
  auto inMemoryCycles = [&](double value) {
    return parameter(timing.clockMHz) * inverse(parameter(timing.memoryClockMHz)) *
           parameter(value);
  };
  auto whole = [](int64_t number) { return Cycles(number, 1); };
  auto ceilDiv = [](int64_t number, int64_t divisor) { return (number + divisor - 1) / divisor; };
  Cycles bitsOfMemoryCycle = parameter(timing.busBits) * parameter(timing.transfersPerMemoryCycle) *
                             whole(structure.channels);
  Cycles bit = inMemoryCycles(1) * inverse(bitsOfMemoryCycle);
  Time tBURST = 0;
  int64_t cyclesPerValue = ceilDiv(shape.valueDim, structure.multipliers);
  const std::pair<Time *, Cycles> durations[] = {
      {&this->bit, bit},
      {&bitOnChannel, bit * whole(structure.channels)},
      {&read, inMemoryCycles(timing.tRCD + timing.tCAS)},
      {&tCAS, inMemoryCycles(timing.tCAS)},
      {&tCWD, inMemoryCycles(timing.tCWD)},
      {&tRCD, inMemoryCycles(timing.tRCD)},
      {&tRP, inMemoryCycles(timing.tRP)},
      {&tWTR, inMemoryCycles(timing.tWTR)},
      {&tCCD, inMemoryCycles(timing.tCCD)},
      {&tWP, inMemoryCycles(timing.tWP)},
      {&tBURST, inMemoryCycles(timing.tBURST)},
      {&writtenShare, inMemoryCycles(timing.tBURST + timing.tWP) * Cycles(1, structure.banks())},
      {&threshold, parameter(timing.thresholdCycles)},
      {&qkLatency, parameter(timing.qkLatency)},
      {&softmaxLatency, parameter(timing.softmaxLatency)},
      {&vLatency, parameter(timing.vLatency)},
      {&perKey, whole(ceilDiv(shape.headDim, structure.multipliers))},
      {&perValue, whole(cyclesPerValue)},
      {&division, whole(cyclesPerValue) * parameter(timing.divisionCycles)}};

  // The smallest unit that all are multiples of.
  Wide units = 1;
  for (const auto &[duration, cycles] : durations) {
    units *= cycles.denominator / commonDivisor(units, cycles.denominator);
    if (units > kMaxUnits) {
      message = "expected clocks, a bus and timings of machine '" + machine.name +
                "' that have a common unit of at least 2^-30 core cycles";
      return;
    }
  }
  unitsPerCycle = static_cast<Time>(units);
  isPowerOfTwo = std::has_single_bit(static_cast<uint64_t>(unitsPerCycle));
  for (const auto &[duration, cycles] : durations) {
    Wide number = cycles.numerator * (units / cycles.denominator);
    *duration = number > kMaxTime ? kMaxTime : static_cast<Time>(number);
  }
  // A row stays open while its data leave it: activating the next one overlaps with their way to
  // the bus.
  key = accessOf(shape.headDim, tRCD + tRP);
  value = accessOf(shape.valueDim, tRCD + tRP);
  readBurst = accessOf(kBurstBytes, tRCD + tRP);
  writtenBurst = accessOf(kBurstBytes, 0);
  writtenBurst.occupied = tBURST + tWP;
}

AccessDurations Durations::accessOf(int64_t bytes, Time around) const {
  // Columns of a burst, of which the last may have less.
  int64_t columns = burstsOf(8 * bytes);
  Time burst = times(kBurstBits, bitOnChannel);
  Time rest = times(8 * (bytes - (columns - 1) * kBurstBytes), bitOnChannel);
  Time before = times(columns - 1, std::max(burst, tCCD));
  AccessDurations access;
  access.bits = 8 * bytes;
  access.transfer = std::min(before + rest, kMaxTime);
  access.onChannel = std::min(before + std::max(rest, tCCD), kMaxTime);
  access.occupied = std::min(around + access.transfer, kMaxTime);
  return access;
}
