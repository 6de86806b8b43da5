//===- Model.h - A model on its way down -------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What compiles a model: raised once, cut into host and device once, and taken down to commands
// once for each schedule. Models of different contexts may be compiled and run by different threads
// at the same time; all that belongs to one context belongs to one thread at a time.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DRIVER_MODEL_H
#define SPRINT_DRIVER_MODEL_H

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Execution/Execution.h"
#include "Sprint/Pipelines/Pipelines.h"
#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Report.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace llvm {
class SourceMgr;
} // namespace llvm

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
  /// Or ShapedType::kDynamic.
  int64_t heads;
};

/// Fails where there is not a row of thresholds for each of `programs`, or a row is not one of the
/// program (::sprint::findThresholdFault).
llvm::Error checkThresholds(ArrayRef<ProgramInfo> programs, const ModelThresholds &thresholds);

/// Prepares a pass manager before it runs, as MLIR's command line options ask.
using ConfigurePasses = std::function<LogicalResult(PassManager &)>;

/// A context with all dialects that models are compiled through.
std::unique_ptr<MLIRContext> createModelContext();

class ScheduledModel;

/// A model that has been raised.
class Model {
public:
  /// Finds the function `entry` of `module` to run, `main` or the only public one where the name is
  /// empty; drops what it does not reach, and raises attentions. What comes later is compiled for
  /// the machine `arch`. Every pass manager is given to `configure`.
  static llvm::Expected<Model> raise(OwningOpRef<ModuleOp> module, StringRef entry, StringRef arch,
                                     ConfigurePasses configure = {});

  /// The same for the text of a module, MLIR's or its bytecode. The weights of bytecode stay where
  /// they are in `sources`.
  static llvm::Expected<Model> parse(const std::shared_ptr<llvm::SourceMgr> &sources,
                                     MLIRContext &context, StringRef entry, StringRef arch,
                                     ConfigurePasses configure = {});

  /// What it is compiled for, as `raise` was told.
  StringRef getArch() const { return arch; }

  /// The function to run, on the level `attention`.
  func::FuncOp getFunction() const;

  /// Whether an attention has been raised.
  bool hasAttentions() const;

  /// Cuts host and device apart; once.
  llvm::Error cut();

  /// The programs, in the order of the command stream; none before `cut`.
  ArrayRef<ProgramInfo> getPrograms() const { return programs; }

  /// The machine; null before `cut`.
  std::shared_ptr<const ::sprint::Machine> getMachine() const { return machine; }

  /// What stays on the host, as far as is known: what was not raised, and after `cut` what the
  /// machine cannot hold.
  std::vector<::sprint::HostReport> getHostAttentions() const;

  /// Cuts the model where it is not yet, and chooses its schedule. Programs that the module had
  /// already keep theirs, so they are refused with kDenseSchedule. The model has to outlive what is
  /// returned.
  llvm::Expected<ScheduledModel> schedule(StringRef name);

  /// The module at the levels `attention` and, after `cut`, `outlined`.
  ModuleOp getModule(Level level) const;

  /// Compiles the level `attention` for the host.
  llvm::Expected<std::shared_ptr<Executable>> compileForHost();

private:
  friend class ScheduledModel;

  Model() = default;

  LogicalResult findEntry();
  /// Refuses programs that were no attentions of the model: there is no dense baseline of them.
  llvm::Error checkDense() const;
  llvm::Error addLevel(ModuleOp module, Level level, StringRef schedule = {}) const;
  /// Compiles `entry` of a copy of `module`.
  llvm::Expected<std::shared_ptr<Executable>> compileForHost(ModuleOp module) const;

  std::string entry, arch;
  ConfigurePasses configure;
  OwningOpRef<ModuleOp> raised, outlined;
  std::vector<ProgramInfo> programs;
  std::shared_ptr<const ::sprint::Machine> machine;
  /// What launches the programs of a stream: the same for every schedule.
  std::shared_ptr<Executable> host;
};

/// A model that is ready to run: a stream for the machine and the rest for the host. Outlives the
/// ScheduledModel, not the context.
struct CompiledModel {
  std::vector<ProgramInfo> programs;
  /// Null where there is no program.
  std::shared_ptr<const ::sprint::CommandStream> stream;
  std::shared_ptr<const ::sprint::Machine> machine;
  std::shared_ptr<Executable> host;
};

/// A model with a schedule, which goes down level by level.
class ScheduledModel {
public:
  /// Goes down to `level`, from where it stands; nothing where it stands below.
  llvm::Error lowerTo(Level level);

  /// The module at a level that it has passed or stands on. The two levels above are the model's.
  ModuleOp getModule(Level level) const;

  /// Sets the thresholds, one row a program (checkThresholds), at all levels and in the stream,
  /// without compiling again. Who runs the stream runs it with them from then on. As the two levels
  /// above are the model's, so is what is scheduled later.
  llvm::Error setThresholds(const ModelThresholds &thresholds);

  /// Goes down to the commands. The stream is the same object each time; null where the model has
  /// no program.
  llvm::Expected<std::shared_ptr<const ::sprint::CommandStream>> emit();

  /// What `emit` gave; null before.
  std::shared_ptr<const ::sprint::CommandStream> getStream() const { return stream; }

  /// What runs on the machine: the stream that `emit` gives, and the host's part.
  llvm::Expected<CompiledModel> compile();

  /// Compiles a level that runs on the host alone.
  llvm::Expected<std::shared_ptr<Executable>> compileForHost(Level level);

private:
  friend class Model;

  ScheduledModel(Model &model, std::string schedule)
      : model(&model), schedule(std::move(schedule)) {}

  Model *model;
  std::string schedule;
  /// By Level; null where it has not come.
  std::array<OwningOpRef<ModuleOp>, static_cast<size_t>(Level::Stream) + 1> modules;
  Level level = Level::Outlined;
  std::shared_ptr<::sprint::CommandStream> stream;
};

} // namespace mlir::sprint

#endif // SPRINT_DRIVER_MODEL_H
