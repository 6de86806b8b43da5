//===- LaunchFile.h - Files that say what is launched ------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LAUNCHFILE_H
#define SPRINTRUNTIME_LAUNCHFILE_H

#include "SprintRuntime/Simulator.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sprint {

/// Frozen steps of a file, and of how many heads they are.
struct StepTable {
  FrozenSteps steps;
  int64_t batches = 0, heads = 0, keyHeads = 0;
};

/// A file of launches that follow one another on a device (docs/tools.md, "Launches").
struct LaunchFile {
  struct Cache {
    std::string name;
    StepTable steps;
  };
  struct Launch {
    std::string program;
    /// .npy files of the program's operands; relative paths are made those from the folder of the
    /// launch file.
    std::vector<std::string> inputs;
    /// Index of its cache.
    std::optional<size_t> cache;
    /// Those of a launch without a cache.
    std::optional<StepTable> steps;
  };
  std::vector<Cache> caches;
  /// At least one.
  std::vector<Launch> launches;
};

/// Reads a file of launches. Without a value, `error` has one message that begins with the path.
std::optional<LaunchFile> readLaunches(const std::string &path, std::string &error) noexcept;

} // namespace sprint

#endif // SPRINTRUNTIME_LAUNCHFILE_H
