//===- DeviceProgram.h - What a device program does --------------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_SPRINTTOISA_DEVICEPROGRAM_H
#define SPRINT_LIB_CONVERSION_SPRINTTOISA_DEVICEPROGRAM_H

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "SprintRuntime/Commands.h"
#include "SprintRuntime/Machine.h"

namespace mlir::sprint {

/// Position of an operand that every program has among its arguments (see ProgramOp).
enum ProgramArgument : unsigned {
  QueryCodes,
  KeyCodes,
  ValueCodes,
  Thresholds,
  Multipliers,
  Shifts
};

/// The launch parameter that is the size of dimension `dim` of the query, key or value codes;
/// nothing for the number of key heads.
std::optional<::sprint::LaunchParameter> extentOf(ProgramArgument argument, int64_t dim);

/// What a device program does, as far as commands need to know.
struct DeviceProgram {
  ProgramOp program;
  RecomputeOp recompute;
  /// In-memory pruning; null in a dense program.
  PruneOp prune;
  /// What a dense program does instead.
  AllowOp allow;
  ScheduleAttr schedule;
  /// What the loops count, from the outside in: batches and heads in either order, then queries.
  SmallVector<::sprint::LaunchParameter> loops;
  /// Query heads that share a key head.
  int64_t group = 1;

  /// Null without a band.
  BandAttr band() { return prune ? prune.getBandAttr() : allow.getBandAttr(); }
  /// Whether each query has a row of its own in the mask or bias that is argument `index`.
  bool hasRowForEachQuery(unsigned index) {
    return cast<RankedTensorType>(program.getArgumentTypes()[index]).getDimSize(2) != 1;
  }
};

/// Checks that `program` computes the attention of docs/numerics.md on a machine of `structure`, as
/// commands will whatever the program says; with an error at the op that does not. Loops over a
/// single batch element or head may have been folded.
FailureOr<DeviceProgram> matchDeviceProgram(ProgramOp program,
                                            const ::sprint::Structure &structure);

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_SPRINTTOISA_DEVICEPROGRAM_H
