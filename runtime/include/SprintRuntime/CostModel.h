//===- CostModel.h - Cycles and energy of commands ---------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each command of docs/machine.md costs on a machine: the one place with these formulas, for
// the simulator and for the compiler's decisions.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_COSTMODEL_H
#define SPRINTRUNTIME_COSTMODEL_H

#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Statistics.h"

#include <cstdint>

namespace sprint {

/// A duration rounded up to a whole cycle; what exceeds one by less than a millionth is an error of
/// rounding.
double wholeCycles(double cycles);

/// What one command costs. Times count from its start.
struct CommandCost {
  /// Core cycles to its end, a whole number, where it need not wait for tokens or weights that are
  /// still coming.
  double cycles = 0;
  /// Until its unit is free for the next command; fewer than `cycles` where reads overlap.
  double unitCycles = 0;
  /// For which it holds the bus.
  double busCycles = 0;
  WorkCounts work;
};

/// Costs of the commands that work on heads of one size. Token counts are of all CORELETs together;
/// `fullest` is the number of a row's kept keys on the CORELET that has most of them.
class CostModel {
public:
  /// `headDim` channels of a query and a key, `valueDim` of a value; both positive.
  CostModel(const Machine &machine, int64_t headDim, int64_t valueDim);

  /// Bytes that all channels together move in a core cycle.
  double busBytesPerCycle() const { return busBytes; }
  /// Core cycles from a read's start to its first data.
  double readLatency() const { return read; }
  /// Core cycles that `tokens` tokens of `channels` bytes take on the bus.
  double transferCycles(int64_t tokens, int64_t channels) const;
  /// Core cycles of the QK-PU for a key, of the V-PU for a value.
  double cyclesPerKey() const { return keyCycles; }
  double cyclesPerValue() const { return valueCycles; }

  /// Writes `tokens` tokens of `channels` bytes.
  CommandCost write(int64_t tokens, int64_t channels) const;
  /// Writes `rows` rows of a mask, or of biases, of `keys` keys.
  CommandCost writeMask(int64_t rows, int64_t keys) const;
  CommandCost writeBias(int64_t rows, int64_t keys) const;
  CommandCost copyQuery() const;
  /// All `keys` of the head are compared, `retries` times once more.
  CommandCost threshold(int64_t keys, int64_t retries) const;
  CommandCost readPruning(int64_t keys) const;
  CommandCost listRange() const;
  /// Sets the column enables by `bits` bits of ReRAM.
  CommandCost setEnables(int64_t bits) const;
  /// A row of biases of `keys` keys.
  CommandCost loadBias(int64_t keys) const;
  CommandCost loadQuery() const;
  /// Reads `tokens` tokens from ReRAM, those that stream a second time included.
  CommandCost fetch(int64_t tokens, int64_t channels) const;
  /// Scores `keys` keys in `passes` passes.
  CommandCost score(int64_t keys, int64_t fullest, int64_t passes) const;
  /// What adding a bias to each of `scores` scores is beside that.
  WorkCounts addBiases(int64_t scores) const;
  CommandCost softmax(int64_t keys, int64_t fullest) const;
  /// Sums `values` values, `fetched` of which the V-PU reads from ReRAM itself.
  CommandCost accumulate(int64_t values, int64_t fullest, int64_t fetched) const;
  CommandCost storeOutput() const;

private:
  CommandCost writeBits(double count) const;

  Machine machine;
  int64_t headDim;
  int64_t valueDim;
  /// Core cycles of one memory cycle.
  double memoryCycle;
  double busBytes;
  double read;
  double keyCycles;
  double valueCycles;
};

/// Sets the energies of `statistics` to those of `work`.
void setEnergy(const WorkCounts &work, const Energy &energy, Statistics &statistics);

} // namespace sprint

#endif // SPRINTRUNTIME_COSTMODEL_H
