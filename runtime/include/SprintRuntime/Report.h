//===- Report.h - Statistics as JSON -----------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What sprint-sim and sprint-run write; docs/tools.md describes the keys.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_REPORT_H
#define SPRINTRUNTIME_REPORT_H

#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/Simulator.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sprint {

/// What the report says of one launch.
struct LaunchReport {
  std::string program;
  LaunchShape dimensions;
  /// Which run of the model it is of, from 0.
  int64_t run = 0;
  /// Paths of the files with its kept keys and with its output codes; empty where there is none.
  std::string masks, codes;
  /// What the launch brought beside query, key and value: `key_valid`, `mask`, `bias`.
  std::vector<std::string> inputs;
  std::vector<float> thresholds;
  TimingKind timing = TimingKind::ClosedForm;
  Statistics statistics;

  LaunchReport() = default;
  LaunchReport(const Program &program, const LaunchResult &result);
};

/// Something that the compiler left to the host.
struct HostReport {
  /// What it is, where it stands in the source, and why it was left.
  std::string operation;
  std::string location;
  std::string reason;
  /// What it is called; empty where it has no name.
  std::string name = {};

  bool operator==(const HostReport &) const = default;
};

/// What a run's report says.
struct RunReport {
  std::string machine;
  /// In the order in which they ran, one after another.
  std::vector<LaunchReport> attentions;
  std::vector<HostReport> host;
  /// The same launches as dense programs, where the baseline was asked for.
  std::optional<std::vector<LaunchReport>> baseline;
  /// Wall time of the host's part of all runs.
  double hostSeconds = 0;
  /// Relative errors (Frobenius) of results that were compared with a reference, in their order.
  std::vector<double> referenceErrors;
};

/// The statistics of launches that run one after another, taken together.
Statistics sumStatistics(std::span<const LaunchReport> launches);

/// The statistics of a run.
std::string toJson(const RunReport &report);

/// The statistics of one launch.
std::string toJson(const LaunchReport &report);

} // namespace sprint

#endif // SPRINTRUNTIME_REPORT_H
