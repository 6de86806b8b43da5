//===- Pipelines.h - Everything that tools register --------------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_PIPELINES_PIPELINES_H
#define SPRINT_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::sprint {

/// The paper's baseline, as `schedule`: every allowed key kept, and what fits pinned for the whole
/// head by the algorithm `resident`.
inline constexpr llvm::StringLiteral kDenseSchedule = "dense";

/// How far down to compile; each level runs (see docs/tools.md).
enum class Level { Attention, Scheduled, Tiled, Stream };

/// Options of `--sprint-compile`.
struct CompileOptions : PassPipelineOptions<CompileOptions> {
  Option<std::string> arch{*this, "arch",
                           llvm::cl::desc("Built-in machine (s, m or l) or path of a machine "
                                          "description"),
                           llvm::cl::init("s")};
  Option<std::string> schedule{
      *this, "schedule",
      llvm::cl::desc("Scheduling algorithm, or dense: every allowed key kept, with "
                     "resident"),
      llvm::cl::init("paper")};
  Option<Level> level{*this, "level", llvm::cl::desc("How far down to compile"),
                      llvm::cl::init(Level::Stream), levelValues()};

  /// The levels as values of a command line option.
  static llvm::cl::ValuesClass levelValues();
};

/// Adds the passes from linalg on tensors to `options.level`.
void buildCompilePipeline(OpPassManager &pm, const CompileOptions &options);

/// Registers the dialects of this project alone, for a tool that has the upstream ones.
void registerSprintDialects(DialectRegistry &registry);

/// Registers the dialects of this project and the upstream ones it reads and lowers to, with the
/// interfaces that bufferization and the translation to LLVM need.
void registerAllDialects(DialectRegistry &registry);

/// Registers the passes and pipelines of this project.
void registerAllPasses();

} // namespace mlir::sprint

#endif // SPRINT_PIPELINES_PIPELINES_H
