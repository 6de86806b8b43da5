//===- Options.h - Command line of sprint-run --------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_TOOLS_SPRINTRUN_OPTIONS_H
#define SPRINT_TOOLS_SPRINTRUN_OPTIONS_H

#include "ToolOptions.h"

#include "Sprint/Pipelines/Pipelines.h"

#include <optional>
#include <string>
#include <vector>

namespace mlir::sprint {

/// What sprint-run was asked for; docs/tools.md has the command line. An empty path asks for
/// nothing.
struct RunOptions {
  std::string model;
  /// The function to run; empty where it is the one there is.
  std::string entry;
  std::string arch = SprintAttachMachineOptions().arch;
  std::string schedule = SprintScheduleFetchesOptions().schedule;
  Level level = Level::Stream;
  std::vector<std::string> inputs;
  ::sprint::ThresholdOptions thresholds;
  /// Where calibrated thresholds are written.
  std::string calibrateFile;

  bool baseline = false;
  std::vector<std::string> references;
  std::string outputDir;
  ::sprint::LaunchFileOptions files;
  ::sprint::SimulationOptions simulation;
  std::string artifactsDir;
};

/// Reads the command line, and hands to LLVM's command line library what is MLIR's. Without a
/// value, what is wrong with it has been printed.
std::optional<RunOptions> parseRunOptions(int argc, char **argv);

} // namespace mlir::sprint

#endif // SPRINT_TOOLS_SPRINTRUN_OPTIONS_H
