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
#include "SprintRuntime/Device.h"

#include <array>
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

/// What launches of compiled code need and leave behind: the results, and a device with the caches
/// that the code has created. A launch finds the context that is current on its thread.
class LaunchContext {
public:
  /// Says how a launch of a program, by its index, runs: thresholds, what it records, calibration.
  using Configure = std::function<void(size_t program, ::sprint::LaunchOptions &options)>;

  /// `stream` has to outlive the context; it is that of the module that the launches were compiled
  /// from.
  LaunchContext(const ::sprint::CommandStream &stream, const ::sprint::Machine &machine,
                Configure configure = {})
      : stream(stream), device(machine), configure(std::move(configure)) {}

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

  /// The functions that compiled code calls, for Executable::compile. A launch without a current
  /// context, of operands that the runtime refuses, into an output of another shape, or on a cache
  /// that has grown since the value it is given, ends the run with an error that names the program.
  static std::array<HostSymbol, 3> getSymbols();

private:
  template <typename Inputs> struct HostFunction;

  /// A cache that the code has created, for so many tokens.
  struct CreatedCache {
    std::unique_ptr<::sprint::Cache> cache;
    int64_t capacity;
  };

  // Each leaves a message in `error` where it returns false.

  /// Creates the next cache; `steps` are unranked memrefs, of queries, keys and values.
  bool createCache(int64_t capacity, const ::sprint::CacheShape &shape,
                   const std::array<void *, 3> &steps);
  /// Runs one launch, on a cache or null. Tensors are unranked memrefs as compiled code passes
  /// them: by the regions of the inputs, one of rank 0 where there is none, and the output.
  /// Booleans take a byte.
  bool launch(int64_t program, ArrayRef<void *> inputs, void *result,
              ::sprint::Cache *cache = nullptr);
  /// The same on a cache, by the order in which they were created, that has `length` tokens.
  bool launchOnCache(int64_t program, int64_t cache, int64_t length, ArrayRef<void *> inputs,
                     void *result);

  const ::sprint::CommandStream &stream;
  ::sprint::Device device;
  std::vector<CreatedCache> caches;
  Configure configure;
  std::vector<CompletedLaunch> launches;
  std::string error;
};

} // namespace mlir::sprint

#endif // SPRINT_EXECUTION_LAUNCH_H
