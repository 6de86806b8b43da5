//===- Pipelines.h - Everything that tools register --------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_PIPELINES_PIPELINES_H
#define SPRINT_PIPELINES_PIPELINES_H

#include "Sprint/Dialect/Sprint/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::sprint {

/// The paper's baseline, as `schedule`: every allowed key kept, and what fits pinned for the whole
/// head by the algorithm `resident`.
inline constexpr llvm::StringLiteral kDenseSchedule = "dense";

/// The levels of the way down, in its order (docs/compiler.md).
enum class Level { Attention, Outlined, Scheduled, Tiled, Lowered, Distributed, Stream };

/// What a level is.
struct LevelInfo {
  Level level;
  llvm::StringLiteral name;
  llvm::StringLiteral description;
  /// Whether sprint-run runs it as it is; the others run as the stream that is made of them.
  bool runs;
};

/// All levels, by Level.
ArrayRef<LevelInfo> getLevels();

/// The names that machines, schedules and levels have, a line for each, for the help of tools;
/// `onlyWhatRuns` leaves out levels that sprint-run does not run.
std::string describeChoices(bool onlyWhatRuns = false);

/// Adds the passes from the level above `level`, or from linalg on tensors, to `level`. `schedule`
/// is the name of an algorithm, or kDenseSchedule.
void addPassesTo(Level level, OpPassManager &pm, StringRef arch, StringRef schedule);

/// The levels as values of a command line option: a modifier of `llvm::cl::opt`.
struct LevelValues {
  template <typename Opt> void apply(Opt &option) const {
    for (const LevelInfo &info : getLevels())
      option.getParser().addLiteralOption(info.name, info.level, info.description);
  }
};

/// Options of `--sprint-compile`; defaults are those of the passes.
struct CompileOptions : PassPipelineOptions<CompileOptions> {
  Option<std::string> arch{*this, "arch",
                           llvm::cl::desc("Built-in machine or path of a machine description"),
                           llvm::cl::init(SprintAttachMachineOptions().arch)};
  Option<std::string> schedule{
      *this, "schedule",
      llvm::cl::desc("Scheduling algorithm, or dense: every allowed key kept, with "
                     "resident"),
      llvm::cl::init(SprintScheduleFetchesOptions().schedule)};
  Option<Level> level{*this, "level", llvm::cl::desc("How far down to compile"),
                      llvm::cl::init(Level::Stream), LevelValues()};
};

/// Adds the passes from linalg on tensors to `options.level`.
void buildCompilePipeline(OpPassManager &pm, const CompileOptions &options);

/// Adds the passes that give what is left for the host, launches of a stream's programs among it,
/// its meaning in upstream dialects and calls (Sprint/Execution/Launch.h).
void buildHostConversions(OpPassManager &pm);

/// Registers the dialects of this project alone, for a tool that has the upstream ones.
void registerSprintDialects(DialectRegistry &registry);

/// Registers the dialects of this project and the upstream ones it reads and lowers to, with the
/// interfaces that bufferization and the translation to LLVM need.
void registerAllDialects(DialectRegistry &registry);

/// Registers --debug and --debug-only, which an LLVM that was built without assertions leaves out:
/// they show what the matchers of this project print (LDBG).
void registerDebugCLOptions();

/// Registers the passes and pipelines of this project.
void registerAllPasses();

} // namespace mlir::sprint

#endif // SPRINT_PIPELINES_PIPELINES_H
