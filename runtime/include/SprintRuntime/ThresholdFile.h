//===- ThresholdFile.h - Files of thresholds ------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_THRESHOLDFILE_H
#define SPRINTRUNTIME_THRESHOLDFILE_H

#include "SprintRuntime/OutputFiles.h"
#include "SprintRuntime/Simulator.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sprint {

/// A threshold as command lines have it: a number that an f32 holds, `-inf` or `inf`.
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

/// Reads a file of thresholds; "-inf" and "inf" stand for the infinities. Without a value, `error`
/// has one message that begins with the path.
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

#endif // SPRINTRUNTIME_THRESHOLDFILE_H
