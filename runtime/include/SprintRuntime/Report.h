//===- Report.h - Statistics and timelines as JSON ---------------*- C++ -*-===//
//
// Part of the Sprint project.
//
// What sprint-sim and sprint-run write; docs/tools.md describes the keys.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_REPORT_H
#define SPRINTRUNTIME_REPORT_H

#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/FileIO.h"
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
  /// Which run of the model it is of, from 0.
  int64_t run = 0;
  /// What the launch brought beside query, key and value: `key_valid`, `mask`, `bias`.
  std::vector<std::string> inputs;
  std::vector<float> thresholds;
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

/// The report of which that is the JSON, for launches through the C API (sprintStatistics). Without
/// a value, `error` says what is missing or of another type.
std::optional<LaunchReport> launchReportFromJson(std::string_view json,
                                                 std::string &error) noexcept;

/// What the timeline says of one launch.
struct LaunchTrace {
  std::string_view program;
  std::span<const TraceEvent> events;
  double cycles = 0;
};

/// Timelines of launches that run one after another, as Chrome trace JSON: a row for the launches,
/// by their programs' names, and one for each unit; times in microseconds at the machine's clock.
std::string traceToJson(std::span<const LaunchTrace> launches, const Machine &machine);

/// Shows on a terminal how many of `things` are done (LaunchOptions::progress: rows), and wipes the
/// line at the end; nothing where stderr is no terminal.
std::function<void(int64_t, int64_t)> terminalProgress(std::string name, std::string things);

/// A threshold as command lines have it: a finite number, or `-inf`.
std::optional<float> parseThreshold(std::string_view text) noexcept;

/// A file of thresholds (docs/tools.md, "Thresholds").
struct ThresholdFile {
  /// For each attention one a head, or one for all heads.
  std::vector<std::vector<float>> thresholds;
  /// The attentions' names; empty where the file does not say.
  std::vector<std::string> attentions;
  /// What they were calibrated for, PruneRate or KeepMass with `fraction`, and on how many inputs;
  /// 0 inputs where the file does not say.
  ThresholdPolicy::Kind kind = ThresholdPolicy::Kind::Given;
  double fraction = 0;
  int64_t inputs = 0;
};

/// Reads a file of thresholds; "-inf" stands for minus infinity. Without a value, `error` has one
/// message that begins with the path.
std::optional<ThresholdFile> readThresholds(const std::string &path, std::string &error) noexcept;

/// The thresholds of `attentions` in `file`, read from `path`: by name where it has names, which
/// are those of all of them and of no others, else by position. Without a value, `error` has one
/// message that begins with the path.
std::optional<std::vector<std::vector<float>>> thresholdsOf(const ThresholdFile &file,
                                                            const std::string &path,
                                                            std::span<const std::string> attentions,
                                                            std::string &error);

/// Adds a file of thresholds to the files of a run.
bool addThresholds(OutputFiles &files, const std::string &path, const ThresholdFile &file,
                   std::string &error) noexcept;

} // namespace sprint

#endif // SPRINTRUNTIME_REPORT_H
