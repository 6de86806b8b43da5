//===- Functional.h - Values of a launch -------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the units' command sequences without time: values bit for bit, counts of work, and for each
// command whose duration depends on data what the timing pass needs to know.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_SIMULATOR_FUNCTIONAL_H
#define SPRINTRUNTIME_LIB_SIMULATOR_FUNCTIONAL_H

#include "Operands.h"
#include "Sequencer.h"
#include "SprintRuntime/CostModel.h"
#include "SprintRuntime/Simulator.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace sprint {

/// What the duration of one command depends on.
struct CommandRecord {
  /// `write`: tokens, or rows of a mask; `threshold`: retries; `fetch`: tokens that were on chip;
  /// `score`, `softmax`, `accumulate`: keys on the fullest CORELET.
  uint32_t count = 0;
  /// `fetch`, `accumulate`: tokens read from ReRAM; `score`: passes.
  uint32_t extra = 0;
  /// `fetch`: whether its tokens have to wait until the row before has been used.
  bool waitsForRoom = false;
};

/// The records of one unit.
struct UnitRecords {
  std::vector<CommandRecord> commands;
  /// For each `score`, `softmax` and `accumulate` the keys on each CORELET; only for a trace.
  std::vector<uint32_t> shares;
};

/// What the functional pass finds.
struct FunctionalResult {
  std::vector<float> output;
  std::vector<int32_t> codes;
  std::vector<uint8_t> masks;
  /// The counts; the times are left to the timing pass.
  Statistics statistics;
  WorkCounts work;
  /// By MachineUnit.
  std::array<UnitRecords, kNumMachineUnits> records;
};

/// What a region holds, for messages.
std::string contentOf(MemoryRegion region);

/// What it costs to write `rows` tokens, or rows of key_valid, mask or bias, of a head.
CommandCost writeCost(const CostModel &costs, const LaunchShape &shape, MemoryRegion region,
                      int64_t rows);

/// Runs the program. `thresholds` has one a head, in logits. Throws LaunchFailure.
FunctionalResult runFunctional(const DecodedProgram &program, const Machine &machine,
                               const Operands &operands, const std::vector<float> &thresholds,
                               const LaunchOptions &options);

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_SIMULATOR_FUNCTIONAL_H
