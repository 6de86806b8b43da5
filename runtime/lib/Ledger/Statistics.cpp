//===- Statistics.cpp - What launches count -------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Statistics.h"

#include <type_traits>

using namespace sprint;

namespace {

/// Calls `visit` with what of `Statistics` is added up for a statistic, where there is that.
template <typename Visit> void visitSum(const StatisticInfo &info, Visit visit) {
  if (const auto *count = std::get_if<int64_t Statistics::*>(&info.source))
    visit(*count);
  else if (const auto *amount = std::get_if<double Statistics::*>(&info.source))
    visit(*amount);
  else if (const auto *busy = std::get_if<BusyCycles>(&info.source))
    visit(busy->cycles);
}

} // namespace

std::variant<int64_t, double> StatisticInfo::of(const Statistics &statistics) const {
  using Value = std::variant<int64_t, double>;
  return std::visit(
      [&](auto source) -> Value {
        if constexpr (std::is_same_v<decltype(source), BusyCycles>)
          return statistics.cycles > 0 ? statistics.*source.cycles / statistics.cycles : 0.0;
        else if constexpr (std::is_member_function_pointer_v<decltype(source)>)
          return (statistics.*source)();
        else
          return statistics.*source;
      },
      source);
}

Statistics &Statistics::operator+=(const Statistics &other) {
  for (const StatisticInfo &info : statisticInfos)
    visitSum(info, [&](auto member) { this->*member += other.*member; });
  return *this;
}

static double sumOf(const Statistics &statistics,
                    double Statistics::*EnergyComponentInfo::*energy) {
  double total = 0;
  for (const EnergyComponentInfo &component : energyComponents)
    total += statistics.*(component.*energy);
  return total;
}

double Statistics::totalEnergy() const { return sumOf(*this, &EnergyComponentInfo::picojoules); }

double Statistics::lowEnergy() const { return sumOf(*this, &EnergyComponentInfo::lowPicojoules); }

double Statistics::highEnergy() const { return sumOf(*this, &EnergyComponentInfo::highPicojoules); }

double Statistics::enduredRuns() const { return enduranceUsed > 0 ? 1 / enduranceUsed : 0; }

double Statistics::prunedFraction() const {
  if (allowedScores == 0)
    return 0;
  return static_cast<double>(allowedScores - keptScores) / static_cast<double>(allowedScores);
}
