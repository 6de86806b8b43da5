//===- ToolOptions.h - What sprint-sim and sprint-run share ------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Options for the thresholds of launches and for the files that launches leave behind
// (docs/tools.md), and the writing of these files.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_RUNTIME_TOOLS_TOOLOPTIONS_H
#define SPRINT_RUNTIME_TOOLS_TOOLOPTIONS_H

#include "SprintRuntime/Machine.h"
#include "SprintRuntime/OutputFiles.h"
#include "SprintRuntime/Report.h"
#include "SprintRuntime/Simulator.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
class ParseError;
} // namespace CLI

namespace sprint {

/// Prints the help or the version that a command line asks for, or what is wrong with it, behind
/// the name of the tool. Returns the exit code.
int printParsed(const CLI::App &app, const CLI::ParseError &error, const std::string &tool);

/// Where thresholds come from; at most one of the four is given.
struct ThresholdOptions {
  /// One for all heads of all programs.
  std::optional<float> threshold;
  /// A JSON file, a row a program.
  std::string file;
  std::optional<double> pruneRate, keepMass;

  /// Adds the options to a command line.
  void addTo(CLI::App &app);

  /// Given where they come from the command line or a file.
  ThresholdPolicy::Kind kind() const;
  /// Of PruneRate and KeepMass; otherwise 0.
  double fraction() const { return pruneRate ? *pruneRate : keepMass.value_or(0); }
  /// The thresholds of the programs named, where they are given. Without a value, `error` has one
  /// message.
  std::optional<std::vector<std::vector<float>>> read(std::span<const std::string> programs,
                                                      std::string &error) const;
};

/// How launches are simulated.
struct SimulationOptions {
  /// As LaunchOptions has them.
  std::optional<int> threads;
  TimingKind timing = TimingKind::ClosedForm;

  /// Adds the options to a command line. Returns them.
  std::vector<CLI::Option *> addTo(CLI::App &app);

  /// Sets what launches are asked for.
  void request(LaunchOptions &options) const {
    options.threads = threads;
    options.timing = timing;
  }
};

/// A launch, as its files are made of it.
struct LaunchRecord {
  std::string_view program;
  const LaunchResult *result;
  /// Of the output codes.
  std::vector<int64_t> outputShape;
};

/// Paths of the files of launches; an empty one asks for nothing.
struct LaunchFileOptions {
  std::string stats, trace, masks, codes;

  /// Adds the options to a command line. Returns them.
  std::vector<CLI::Option *> addTo(CLI::App &app);

  /// Sets what launches have to record.
  void request(LaunchOptions &options) const;
  /// Plans the files of so many launches.
  bool plan(OutputFiles &files, size_t launches, std::string &error) const;

  /// Notes in the reports of all launches, in their order, which files of masks and codes are
  /// theirs.
  void nameFiles(std::span<LaunchReport> launches) const;

  /// Adds masks, codes and the timeline to `files`, and their paths to `paths`.
  bool add(OutputFiles &files, std::span<const LaunchRecord> launches, const Machine &machine,
           std::vector<std::string> &paths, std::string &error) const;
};

} // namespace sprint

#endif // SPRINT_RUNTIME_TOOLS_TOOLOPTIONS_H
