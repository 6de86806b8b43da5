//===- Launch.h - Launches of compiled code ---------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `convert-sprint-launch-to-call` calls, on top of the simulator.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_EXECUTION_LAUNCH_H
#define SPRINT_EXECUTION_LAUNCH_H

#include "Sprint/Execution/Execution.h"
#include "SprintRuntime/Simulator.h"

#include <functional>
#include <memory>
#include <vector>

namespace mlir::sprint {

/// One launch that compiled code made.
struct CompletedLaunch {
  /// Index of the program in the stream.
  size_t program;
  ::sprint::LaunchResult result;
};

/// What launches of compiled code need and leave behind. A launch finds the context that is current
/// on its thread.
class LaunchContext {
public:
  /// Says how a launch of a program, by its index, runs: thresholds, what it records, calibration.
  using Configure = std::function<void(size_t program, ::sprint::LaunchOptions &options)>;

  /// `stream` and `machine` have to outlive the context; `stream` is that of the module that the
  /// launches were compiled from.
  LaunchContext(const ::sprint::CommandStream &stream, const ::sprint::Machine &machine,
                Configure configure = {})
      : stream(stream), machine(machine), configure(std::move(configure)) {}

  /// Launches that succeeded, in the order they ran.
  ArrayRef<CompletedLaunch> getLaunches() const { return launches; }
  std::vector<CompletedLaunch> takeLaunches() { return std::move(launches); }

  /// Makes a context the current one of this thread, until the scope ends and the one before is
  /// current again.
  class Scope {
  public:
    explicit Scope(LaunchContext &context);
    ~Scope();
    Scope(const Scope &) = delete;
    Scope &operator=(const Scope &) = delete;

  private:
    LaunchContext *outer;
  };

  /// The function that compiled code calls, for Executable::compile. A launch without a current
  /// context, of operands that the runtime refuses, or into an output of another shape ends the run
  /// with an error that names the program.
  static HostSymbol getSymbol();

private:
  template <typename Inputs> struct HostFunction;

  /// Runs one launch; false leaves a message in `error`. Tensors are unranked memrefs as compiled
  /// code passes them: by the regions of the inputs, one of rank 0 where there is none, and the
  /// output. Booleans take a byte.
  bool launch(int64_t program, ArrayRef<void *> inputs, void *result);

  const ::sprint::CommandStream &stream;
  const ::sprint::Machine &machine;
  Configure configure;
  std::vector<CompletedLaunch> launches;
  std::string error;
};

} // namespace mlir::sprint

#endif // SPRINT_EXECUTION_LAUNCH_H
