//===- Ledger.h - What a launch's energy is made of --------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_LEDGER_LEDGER_H
#define SPRINTRUNTIME_LIB_LEDGER_LEDGER_H

#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Simulator.h"
#include "SprintRuntime/Statistics.h"
#include "Walk/Events.h"

#include <cstdint>
#include <vector>

namespace sprint {

/// Counts what the events of a launch cost, which does not depend on when they happen. What each
/// command counts is in Units/.
class Ledger {
public:
  Ledger(const Structure &structure, const LaunchShape &shape)
      : structure(structure), shape(shape), isWritten(shape.batches * shape.keyHeads()) {}

  void add(const Event &event) {
    visitEvent(event, [&](const auto &alternative) { add(alternative); });
  }
  /// Sets counts and energies of `statistics`, and what else is counted here.
  void report(const Machine &machine, Statistics &statistics) const;

private:
  void add(const WriteEvent &event);
  void add(const LoadQueryEvent &event);
  void add(const FetchEvent &event);
  void add(const ThresholdEvent &event);
  void add(const ReadPruningEvent &event);
  void add(const LoadMaskEvent &event);
  void add(const LoadBiasEvent &event);
  void add(const LoadSegmentsEvent &event);
  void add(const ScoreEvent &event);
  void add(const SoftmaxEvent &event);
  void add(const AccumulateEvent &event);
  // Events that cost nothing.
  void add(const AcquireEvent &) {}
  void add(const ReleaseEvent &) {}
  void add(const CopyQueryEvent &) {}
  void add(const ListRangeEvent &) {}
  void add(const StoreOutputEvent &) {}

  /// Bits of `tokens` tokens of `bytes` bytes each.
  static double bits(int64_t tokens, int64_t bytes) {
    return 8 * static_cast<double>(tokens) * static_cast<double>(bytes);
  }

  const Structure &structure;
  const LaunchShape &shape;
  WorkCounts work;
  int64_t writtenBytes = 0;
  int64_t fetchedBytes = 0;
  /// By key head whether something was written for it, or its heads, and how many these are.
  std::vector<bool> isWritten;
  int64_t writtenKeyHeads = 0;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_LEDGER_LEDGER_H
