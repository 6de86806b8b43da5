//===- RunFiles.h - Files that runs leave behind -----------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DRIVER_RUNFILES_H
#define SPRINT_DRIVER_RUNFILES_H

#include "Sprint/Driver/Runs.h"
#include "SprintRuntime/OutputFiles.h"

namespace mlir::sprint {

/// The path of `name` in `folder`.
std::string joinPath(StringRef folder, const Twine &name);

/// The path of result `index` of run `run` of `runs`: `0.npy`, `1.npy`, ...; of several runs in
/// folders `0`, `1`, ....
std::string getOutputPath(StringRef folder, size_t run, size_t runs, size_t index);

/// The paths of what `addArtifacts` writes of a model that has passed the levels up to `level`.
std::vector<std::string> getArtifactPaths(StringRef folder, Level level);

/// The files of runs, none of which is there before `files` are committed. Errors begin with the
/// path.
struct RunFiles {
  ::sprint::OutputFiles files;
  /// Of the files, in the order in which they were added.
  std::vector<std::string> paths;

  llvm::Error addText(const std::string &path, StringRef text);

  /// The results of each run.
  llvm::Error addOutputs(StringRef folder, ArrayRef<std::vector<HostTensor>> outputs);

  /// The IR at every level that `scheduled` has passed, `attention.mlir` and so on, and the command
  /// stream, `stream.sprint`, where there is one.
  llvm::Error addArtifacts(StringRef folder, const ScheduledModel &scheduled);

  /// The thresholds that were calibrated for `kind` and `fraction` on so many inputs.
  llvm::Error addThresholds(const std::string &path, const RunResult &result,
                            ::sprint::ThresholdPolicy::Kind kind, double fraction, size_t inputs);
};

} // namespace mlir::sprint

#endif // SPRINT_DRIVER_RUNFILES_H
