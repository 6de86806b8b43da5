//===- Report.h - Statistics and timelines as JSON ---------------*- C++ -*-===//
//
// Part of the Sprint project.
//
// What sprint-sim and sprint-run write; docs/tools.md describes the keys.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_REPORT_H
#define SPRINTRUNTIME_REPORT_H

#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Simulator.h"

#include <functional>
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
  std::vector<float> thresholds;
  Statistics statistics;

  LaunchReport() = default;
  LaunchReport(std::string program, const LaunchResult &result)
      : program(std::move(program)), dimensions(result.dimensions), thresholds(result.thresholds),
        statistics(result.statistics) {}
};

/// Something that the compiler left to the host.
struct HostReport {
  /// What it is, where it stands in the source, and why it was left.
  std::string operation;
  std::string location;
  std::string reason;
};

/// What a run's report says.
struct RunReport {
  std::string machine;
  /// In the order in which they ran, one after another.
  std::vector<LaunchReport> attentions;
  std::vector<HostReport> host;
  /// The same launches as dense programs; empty where the baseline was not asked for.
  std::vector<LaunchReport> baseline;
};

/// The statistics of launches that run one after another, taken together.
Statistics sumStatistics(std::span<const LaunchReport> launches);

/// The statistics of a run.
std::string toJson(const RunReport &report);

/// The statistics of one launch.
std::string toJson(const LaunchReport &report);

/// Timelines of launches that run one after another, as Chrome trace JSON: a row for each unit,
/// times in microseconds at the machine's clock. `cycles` are the lengths of the launches.
std::string traceToJson(std::span<const std::vector<TraceEvent>> launches,
                        std::span<const double> cycles, const Machine &machine);

/// Shows on a terminal how far a launch is (LaunchOptions::progress), and wipes the line at its
/// end; nothing where stderr is no terminal.
std::function<void(int64_t, int64_t)> terminalProgress(std::string name);

/// A threshold as command lines have it: a finite number, or `-inf`.
std::optional<float> parseThreshold(std::string_view text) noexcept;

/// Reads thresholds, `{"thresholds": [[...], ...]}`: for each launch one a head, or one for all
/// heads; "-inf" stands for minus infinity. Without a value, `error` has one message that begins
/// with the path.
std::optional<std::vector<std::vector<float>>> readThresholds(const std::string &path,
                                                              std::string &error) noexcept;

} // namespace sprint

#endif // SPRINTRUNTIME_REPORT_H
