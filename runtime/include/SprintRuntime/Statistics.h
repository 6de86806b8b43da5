//===- Statistics.h - What launches count ------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of statistics, generated from SprintISAStatistics.td: a new one is a record there and
// the line that counts it.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_STATISTICS_H
#define SPRINTRUNTIME_STATISTICS_H

#include <cstdint>
#include <string_view>
#include <variant>

namespace sprint {

struct Statistics;
struct WorkCounts;

/// Cycles in which a part of the machine worked; reports have the part of all cycles.
struct BusyCycles {
  double Statistics::*cycles;
};

/// A statistic.
struct StatisticInfo {
  /// Its key in reports, and that of the object in which it stands, or an empty string.
  std::string_view group, name;
  /// What of `Statistics` it is: added up, or what follows from what is.
  std::variant<int64_t Statistics::*, double Statistics::*, BusyCycles,
               double (Statistics::*)() const>
      source;

  /// Its value, a double unless it is counted.
  std::variant<int64_t, double> of(const Statistics &statistics) const;
};

/// A component of energy.
struct EnergyComponentInfo {
  /// What it counts, and the name of the machine's parameter (MachineFields.h) with the energy of
  /// each.
  double WorkCounts::*work;
  std::string_view parameter;
  /// The count and the energies that follow from it: where each costs as little as it may, where it
  /// costs what the parameter says, and where it costs as much as it may.
  int64_t Statistics::*count;
  double Statistics::*lowPicojoules;
  double Statistics::*picojoules;
  double Statistics::*highPicojoules;
};

} // namespace sprint

#include "SprintRuntime/Statistics.h.inc"

#endif // SPRINTRUNTIME_STATISTICS_H
