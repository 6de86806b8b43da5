//===- CostModel.cpp - Cycles and energy of commands ----------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/CostModel.h"
#include "SprintRuntime/MachineFields.h"

#include <algorithm>
#include <cmath>
#include <iterator>

using namespace sprint;

namespace {

constexpr double kBitsPerByte = 8;
/// Bytes of the code of a bias.
constexpr int64_t kBiasBytes = 4;
/// Bytes that one burst writes to one bank.
constexpr double kBurstBytes = 64;

double ceilDiv(int64_t number, int64_t divisor) {
  return static_cast<double>((number + divisor - 1) / divisor);
}

/// A command that holds its unit from its start to its end.
CommandCost lasting(double cycles) {
  CommandCost cost;
  cost.cycles = wholeCycles(cycles);
  cost.unitCycles = cost.cycles;
  return cost;
}

double bits(int64_t tokens, int64_t channels) {
  return kBitsPerByte * static_cast<double>(tokens) * static_cast<double>(channels);
}

/// The parameter that has the energy of what a component counts.
constexpr const EnergyField *fieldOf(const EnergyComponentInfo &component) {
  return std::ranges::find(kEnergyFields, component.parameter, &EnergyField::name);
}
static_assert(std::ranges::none_of(energyComponents, [](const EnergyComponentInfo &component) {
  return fieldOf(component) == std::end(kEnergyFields);
}));

} // namespace

double sprint::wholeCycles(double cycles) { return std::ceil(cycles - 1e-6); }

WorkCounts &WorkCounts::operator+=(const WorkCounts &other) {
  for (const EnergyComponentInfo &component : energyComponents)
    this->*component.count += other.*component.count;
  return *this;
}

CostModel::CostModel(const Machine &machine, int64_t headDim, int64_t valueDim)
    : machine(machine), headDim(headDim), valueDim(valueDim) {
  const Structure &structure = machine.structure;
  const Timing &timing = machine.timing;
  memoryCycle = timing.clockMHz / timing.memoryClockMHz;
  busBytes = timing.busBits / kBitsPerByte * timing.transfersPerMemoryCycle / memoryCycle *
             static_cast<double>(structure.channels);
  read = (timing.tRCD + timing.tCAS) * memoryCycle;
  keyCycles = ceilDiv(headDim, structure.multipliers);
  valueCycles = ceilDiv(valueDim, structure.multipliers);
}

double CostModel::transferCycles(int64_t tokens, int64_t channels) const {
  return static_cast<double>(tokens) * static_cast<double>(channels) / busBytes;
}

CommandCost CostModel::write(int64_t tokens, int64_t channels) const {
  return writeBits(bits(tokens, channels));
}

CommandCost CostModel::writeMask(int64_t rows, int64_t keys) const {
  return writeBits(static_cast<double>(rows) * static_cast<double>(keys));
}

CommandCost CostModel::writeBias(int64_t rows, int64_t keys) const {
  return writeBits(bits(rows * keys, kBiasBytes));
}

CommandCost CostModel::writeBits(double count) const {
  const Structure &structure = machine.structure;
  const Timing &timing = machine.timing;
  double bytes = count / kBitsPerByte;
  double bursts = std::ceil(bytes / kBurstBytes);
  double banks = static_cast<double>(structure.channels * structure.banksPerChannel);
  double cells = bursts / banks * (timing.tBURST + timing.tWP) * memoryCycle;
  double transfer = bytes / busBytes;
  CommandCost cost = lasting(timing.tCWD * memoryCycle + std::max(transfer, cells));
  cost.busCycles = transfer;
  cost.work.reramWriteBits = count;
  return cost;
}

CommandCost CostModel::copyQuery() const { return lasting(machine.timing.tCAS * memoryCycle); }

CommandCost CostModel::threshold(int64_t keys, int64_t retries) const {
  double times = static_cast<double>(1 + retries);
  CommandCost cost = lasting(machine.timing.thresholdCycles * times);
  cost.work.inMemoryMacs = static_cast<double>(headDim) * static_cast<double>(keys) * times;
  return cost;
}

CommandCost CostModel::readPruning(int64_t keys) const {
  double transfer = static_cast<double>(keys) / kBitsPerByte / busBytes;
  CommandCost cost = lasting(machine.timing.tCAS * memoryCycle + transfer);
  cost.busCycles = transfer;
  cost.work.reramReadBits = static_cast<double>(keys);
  return cost;
}

CommandCost CostModel::listRange() const { return lasting(1); }

CommandCost CostModel::setEnables(int64_t bits) const {
  CommandCost cost = lasting(machine.timing.tCAS * memoryCycle);
  cost.work.reramReadBits = static_cast<double>(bits);
  return cost;
}

CommandCost CostModel::loadBias(int64_t keys) const {
  double transfer = transferCycles(keys, kBiasBytes);
  CommandCost cost = lasting(read + transfer);
  cost.busCycles = transfer;
  cost.work.reramReadBits = bits(keys, kBiasBytes);
  cost.work.sramWriteBits = bits(keys, kBiasBytes);
  return cost;
}

CommandCost CostModel::loadQuery() const {
  CommandCost cost = fetch(1, headDim);
  // Each CORELET gets the query.
  cost.work.sramWriteBits = bits(machine.structure.corelets, headDim);
  return cost;
}

CommandCost CostModel::fetch(int64_t tokens, int64_t channels) const {
  if (tokens == 0)
    return lasting(1);
  double transfer = transferCycles(tokens, channels);
  CommandCost cost = lasting(read + transfer);
  cost.unitCycles = wholeCycles(transfer);
  cost.busCycles = transfer;
  cost.work.reramReadBits = bits(tokens, channels);
  cost.work.sramWriteBits = bits(tokens, channels);
  return cost;
}

CommandCost CostModel::score(int64_t keys, int64_t fullest, int64_t passes) const {
  CommandCost cost =
      lasting(machine.timing.qkLatency + static_cast<double>(fullest * passes) * keyCycles);
  cost.work.sramReadBits = bits(keys * passes + machine.structure.corelets, headDim);
  cost.work.qkMacs = static_cast<double>(keys * passes) * static_cast<double>(headDim);
  return cost;
}

WorkCounts CostModel::addBiases(int64_t scores) const {
  WorkCounts work;
  work.sramReadBits = bits(scores, kBiasBytes);
  return work;
}

CommandCost CostModel::softmax(int64_t keys, int64_t fullest) const {
  CommandCost cost = lasting(machine.timing.softmaxLatency + static_cast<double>(fullest));
  cost.work.softmaxScores = static_cast<double>(keys);
  return cost;
}

CommandCost CostModel::accumulate(int64_t values, int64_t fullest, int64_t fetched) const {
  double transfer = transferCycles(fetched, valueDim);
  double own = fetched == 0 ? 0 : read + transfer;
  CommandCost cost =
      lasting(machine.timing.vLatency + std::max(static_cast<double>(fullest) * valueCycles, own));
  cost.busCycles = transfer;
  cost.work.reramReadBits = bits(fetched, valueDim);
  cost.work.sramWriteBits = bits(fetched, valueDim);
  cost.work.sramReadBits = bits(values, valueDim);
  cost.work.vMacs = static_cast<double>(values) * static_cast<double>(valueDim);
  return cost;
}

CommandCost CostModel::storeOutput() const {
  return lasting(machine.timing.vLatency + valueCycles * machine.timing.divisionCycles);
}

void sprint::setEnergy(const WorkCounts &work, const Energy &energy, Statistics &statistics) {
  for (const EnergyComponentInfo &component : energyComponents)
    statistics.*component.picojoules =
        work.*component.count * fieldOf(component)->access.get(energy);
}
