//===- ModelRunner.h - Compile a model and run it ----------------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_TOOLS_SPRINTRUN_MODELRUNNER_H
#define SPRINT_TOOLS_SPRINTRUN_MODELRUNNER_H

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Execution/Launch.h"
#include "Sprint/Pipelines/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"

#include <memory>
#include <string>
#include <vector>

namespace mlir::sprint {

/// Thresholds in logit units of each program of a model, in their order; one for all heads or one a
/// head.
using ModelThresholds = std::vector<std::vector<float>>;

/// What is known of a program before it runs.
struct ProgramInfo {
  /// That of its attention, too.
  std::string name;
  /// What says which keys a query may attend to, and what is added to the logits: `causal`,
  /// `padding`, ... joined by `+`; `none`.
  std::string masks;
};

/// What a run of a model gives.
struct ModelRun {
  std::vector<HostTensor> outputs;
  std::vector<CompletedLaunch> launches;
  /// Wall time of the whole function.
  double seconds = 0;
};

/// A model compiled for the host and, where it has attentions, for the machine. May run any number
/// of times.
class CompiledModel {
public:
  /// Programs of the command stream, in its order; none where the model has no attention for the
  /// machine.
  ArrayRef<ProgramInfo> getPrograms() const { return programs; }

  /// Runs the function; `configure` completes each launch.
  llvm::Expected<ModelRun> run(ArrayRef<TensorRef> inputs,
                               const LaunchContext::Configure &configure = {});

private:
  friend class ModelRunner;

  struct Destroy {
    void operator()(SprintStream *loaded) const { sprintDestroyStream(loaded); }
    void operator()(SprintMachine *loaded) const { sprintDestroyMachine(loaded); }
  };

  std::vector<ProgramInfo> programs;
  std::unique_ptr<SprintStream, Destroy> loadedStream;
  std::unique_ptr<SprintMachine, Destroy> loadedMachine;
  std::unique_ptr<Executable> executable;
};

/// Raises a model once, then compiles it as often as asked for. What fails is a diagnostic, or an
/// error with a message.
class ModelRunner {
public:
  /// `entry` is the function to run, empty for `main` or, where there is none, the only public one;
  /// `arch` the machine to compile for.
  ModelRunner(OwningOpRef<ModuleOp> model, std::string entry, std::string arch)
      : raised(std::move(model)), entry(std::move(entry)), arch(std::move(arch)) {}

  /// Finds the function to run and the attentions; to be called first. Fails, with a diagnostic,
  /// where the model has no such function, or several where one is meant.
  LogicalResult raise();

  /// The function to run.
  func::FuncOp getFunction();

  /// Whether the raiser has found an attention.
  bool hasAttentions() const { return !attentions.empty(); }

  /// Compiles for the machine with that schedule.
  llvm::Expected<CompiledModel> compileForDevice(StringRef schedule);

  /// Compiles a level above the stream for the host alone.
  llvm::Expected<CompiledModel> compileForHost(Level level, StringRef schedule);

  /// Sets the thresholds that are compiled in, by the programs of `compiled`.
  llvm::Error setThresholds(const CompiledModel &compiled, const ModelThresholds &thresholds);

  /// A copy of the model at `level`.
  FailureOr<OwningOpRef<ModuleOp>> lowerTo(Level level, StringRef schedule);

private:
  /// Sets `entry` to the function to run.
  LogicalResult findEntry();
  LogicalResult runPasses(ModuleOp module, function_ref<void(OpPassManager &)> build);
  /// Compiles what is upstream dialects and calls of the runtime.
  llvm::Error compileHostPart(ModuleOp module, CompiledModel &compiled);

  OwningOpRef<ModuleOp> raised;
  /// The attentions of the raised model by their names, which are those of their programs.
  llvm::StringMap<AttentionOp> attentions;
  std::string entry;
  std::string arch;
};

} // namespace mlir::sprint

#endif // SPRINT_TOOLS_SPRINTRUN_MODELRUNNER_H
