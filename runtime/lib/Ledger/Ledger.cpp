//===- Ledger.cpp - What a launch's energy is made of ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ledger.h"
#include "SprintRuntime/MachineFields.h"

#include <algorithm>
#include <iterator>

using namespace sprint;

namespace {

/// The parameter that has the energy of what a component counts.
constexpr const EnergyField *fieldOf(const EnergyComponentInfo &component) {
  return std::ranges::find(kEnergyFields, component.parameter, &EnergyField::name);
}
static_assert(std::ranges::none_of(energyComponents, [](const EnergyComponentInfo &component) {
  return fieldOf(component) == std::end(kEnergyFields);
}));

} // namespace

void Ledger::report(const Machine &machine, Statistics &statistics) const {
  for (const EnergyComponentInfo &component : energyComponents) {
    double count = work.*component.work;
    statistics.*component.count = static_cast<int64_t>(count);
    auto energyOf = [&](const Energy &each) {
      return count * fieldOf(component)->access.get(each);
    };
    statistics.*component.lowPicojoules = energyOf(machine.lowEnergy);
    statistics.*component.picojoules = energyOf(machine.energy);
    statistics.*component.highPicojoules = energyOf(machine.highEnergy);
  }
  // Key heads follow one another in the places that there are.
  statistics.mostCellWrites =
      (writtenKeyHeads + structure.residentHeads - 1) / structure.residentHeads;
  statistics.enduranceUsed =
      static_cast<double>(statistics.mostCellWrites) / machine.energy.endurance;
  statistics.writtenBytes = writtenBytes;
  statistics.fetchedBytes = fetchedBytes;
  statistics.inMemoryMacs = static_cast<int64_t>(work.inMemoryMacs);
  statistics.macs = static_cast<int64_t>(work.qkMacs + work.vMacs);
}
