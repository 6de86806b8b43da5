//===- Runs.h - Runs of a model ----------------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs, calibrates and compares models, on any number of inputs. The same for every front end.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DRIVER_RUNS_H
#define SPRINT_DRIVER_RUNS_H

#include "Sprint/Driver/Model.h"
#include "Sprint/Execution/Launch.h"
#include "SprintRuntime/Report.h"
#include "SprintRuntime/Simulator.h"

namespace mlir::sprint {

/// An error of one of several runs.
class RunError : public llvm::ErrorInfo<RunError> {
public:
  static char ID;

  RunError(size_t run, std::string message) : run(run), message(std::move(message)) {}

  /// Which run it was, from 0.
  size_t getRun() const { return run; }
  const std::string &getMessage() const { return message; }

  void log(raw_ostream &os) const override { os << message; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

private:
  size_t run;
  std::string message;
};

/// The arguments of each run.
using ModelInputs = std::vector<std::vector<HostTensor>>;

/// What a model is run for.
struct RunRequest {
  Level level = Level::Stream;
  std::string schedule = SprintScheduleFetchesOptions().schedule;
  /// What each launch is asked for. Given thresholds are `thresholds`; PruneRate and KeepMass
  /// calibrate on the inputs; `progress` is called with the launches that are done and how many
  /// there will be.
  ::sprint::LaunchOptions launches;
  /// Of each program, where they are given.
  ModelThresholds thresholds;
  /// Calibrate on all launches together, even of one input (docs/tools.md, "Calibration").
  bool calibratesTogether = false;
  /// Run the dense baseline, too.
  bool baseline = false;
  /// Go through all levels, so that each can be printed.
  bool keepsLevels = false;
  /// Keep what the launches gave (DeviceRuns::launches).
  bool keepsResults = false;
};

/// What runs of a model on the machine leave behind.
struct DeviceRuns {
  /// Of each run.
  std::vector<std::vector<HostTensor>> outputs;
  /// In the order in which they ran.
  std::vector<::sprint::LaunchReport> reports;
  /// The launches themselves; empty unless they were asked for.
  std::vector<CompletedLaunch> launches;
  /// Wall time of the host's part.
  double hostSeconds = 0;
};

/// Runs `model` on each of `inputs`. Each launch is asked for `launches`; its calibration is that
/// of the program in `calibrations`, where there are any.
llvm::Expected<DeviceRuns> runOnDevice(const CompiledModel &model, const ModelInputs &inputs,
                                       const ::sprint::LaunchOptions &launches,
                                       bool keepsResults = false,
                                       MutableArrayRef<::sprint::Calibration> calibrations = {});

/// Runs all inputs with every key kept, and gives the thresholds, of each program, that the policy
/// of `launches`, PruneRate or KeepMass, means for all of them together. A program that is not
/// reached keeps every key.
llvm::Expected<ModelThresholds> calibrate(const CompiledModel &model, const ModelInputs &inputs,
                                          const ::sprint::LaunchOptions &launches);

/// What a run of a model gives.
struct RunResult : DeviceRuns {
  /// The model with the schedule that ran; nothing where the level `attention` ran without.
  std::optional<ScheduledModel> scheduled;
  /// Those that ran on the machine.
  std::vector<ProgramInfo> programs;
  /// Those that were given or calibrated, of each program; empty where they are the model's.
  ModelThresholds thresholds;
  std::optional<std::vector<::sprint::LaunchReport>> baseline;
};

/// Compiles `model` as `request` asks and runs it on each of `inputs`. The thresholds that were
/// used are then those of the model at every level.
llvm::Expected<RunResult> runModel(Model &model, const RunRequest &request,
                                   const ModelInputs &inputs);

/// What the report of a run says (docs/tools.md, "Statistics"), but for references.
::sprint::RunReport makeReport(const Model &model, const RunResult &result);

/// Prints a table of the launches, of each of `programs` together, and of the dense baseline;
/// behind it what else is to be said of them, `remarks`, and what stayed on the host.
void printSummary(raw_ostream &os, ArrayRef<ProgramInfo> programs,
                  const ::sprint::RunReport &report, ArrayRef<std::string> remarks = {});

/// The relative errors (Frobenius) of the results of all runs against `references`, as far as these
/// go, which were read from `paths`. An error names the one that has another shape.
llvm::Expected<std::vector<double>> compareResults(const RunResult &result,
                                                   ArrayRef<HostTensor> references,
                                                   ArrayRef<std::string> paths);

} // namespace mlir::sprint

#endif // SPRINT_DRIVER_RUNS_H
