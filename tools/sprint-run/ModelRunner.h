//===- ModelRunner.h - Compile a model and run it ----------------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_TOOLS_SPRINTRUN_MODELRUNNER_H
#define SPRINT_TOOLS_SPRINTRUN_MODELRUNNER_H

#include "Sprint/Execution/Execution.h"
#include "Sprint/Pipelines/Pipelines.h"
#include "SprintRuntime/Simulator.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>
#include <vector>

namespace mlir::sprint {

/// Thresholds in logit units of each attention, in the order of the model; one for all heads or one
/// a head.
using ModelThresholds = std::vector<std::vector<float>>;

/// What a run on the machine gives.
struct DeviceRun {
  std::vector<HostTensor> outputs;
  /// One a launch, in the order they ran.
  std::vector<::sprint::LaunchResult> launches;
  /// Of each launch: the index of its program in the container, and its name.
  std::vector<size_t> programs;
  std::vector<std::string> programNames;
  /// The machine they ran on; none where nothing was launched.
  std::optional<::sprint::Machine> machine;
};

/// Raises a model once, then compiles and runs it as often as asked for. What fails is a
/// diagnostic, or an error with a message.
class ModelRunner {
public:
  /// `entry` is the function to run, `arch` the machine to compile for.
  ModelRunner(OwningOpRef<ModuleOp> model, std::string entry, std::string arch)
      : raised(std::move(model)), entry(std::move(entry)), arch(std::move(arch)) {}

  /// Finds the attentions; to be called first. Fails where the model has no function `entry`.
  LogicalResult raise();

  /// Attentions of the raised model.
  unsigned countAttentions();

  /// Sets the thresholds that are compiled in, a row for each attention.
  llvm::Error setThresholds(const ModelThresholds &thresholds);

  /// A copy of the model compiled to `level`.
  FailureOr<OwningOpRef<ModuleOp>> compile(Level level, StringRef schedule);

  /// Compiles to a level above the stream and runs that on the host.
  llvm::Expected<std::vector<HostTensor>> runOnHost(Level level, StringRef schedule,
                                                    ArrayRef<TensorRef> inputs);

  /// Compiles to a command stream.
  llvm::Expected<::sprint::CommandStream> compileStream(StringRef schedule);

  /// Compiles to a command stream and runs it: programs on the simulator, the rest on the host.
  llvm::Expected<DeviceRun> runOnDevice(StringRef schedule, ArrayRef<TensorRef> inputs,
                                        const ::sprint::LaunchOptions &options);

private:
  LogicalResult runPasses(ModuleOp module, function_ref<void(OpPassManager &)> build);

  OwningOpRef<ModuleOp> raised;
  std::string entry;
  std::string arch;
};

} // namespace mlir::sprint

#endif // SPRINT_TOOLS_SPRINTRUN_MODELRUNNER_H
