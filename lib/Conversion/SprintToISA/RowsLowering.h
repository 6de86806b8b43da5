//===- RowsLowering.h - From blocks of rows to a nest of commands *- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_SPRINTTOISA_ROWSLOWERING_H
#define SPRINT_LIB_CONVERSION_SPRINTTOISA_ROWSLOWERING_H

#include "Sprint/Dialect/Sprint/IR/ArgumentSlices.h"
#include "Sprint/Dialect/Sprint/IR/MachineAttributes.h"
#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallSet.h"

namespace mlir::sprint {

/// What is known of a selection of keys on its way from one op to the next.
struct Selection {
  ArgumentSlice query, key;
  /// The row of biases that its lists carry.
  std::optional<ArgumentSlice> bias;
  /// The command that the next one has to wait for.
  Value token;
  /// Where nothing is pruned, the op that says which keys there are; lists are made for its user.
  AllowOp allow;
  /// The list of the kept keys, for the keys and for the values.
  Value keys, values;
};

/// Lowers the blocks of one program to value forms of commands.
class RowsLowering {
public:
  RowsLowering(ProgramOp program, MachineAttr machine)
      : builder(program.getContext()), program(program), machine(machine),
        structure(getStructure(machine)) {}

  /// Puts a nest of commands in the place of what the program computes.
  LogicalResult run();

private:
  using Slice = ArgumentSlice;

  void createProgram();
  LogicalResult createLoops();

  // A pattern an op. Ops that say where something is, and empty tensors, are read by the patterns
  // of their users.
  LogicalResult lower(Operation *op);
  LogicalResult lower(RowsOp op);
  LogicalResult lower(CrossbarScoreOp op);
  LogicalResult lower(PruneOp op);
  LogicalResult lower(AllowOp op);
  LogicalResult lower(GatherOp op);
  LogicalResult lower(RecomputeOp op);
  LogicalResult lower(tensor::InsertSliceOp op);

  /// Lists the keys that `selection`, of an op that prunes nothing, has for the row of its query.
  LogicalResult listRange(Selection &selection);
  /// Loads, in front of `before`, the rows that restrict the keys of `op`, a selection for
  /// `selection.query`; appends what has to be waited for to `after`.
  template <typename OpTy>
  LogicalResult loadRestrictions(OpTy op, Operation *before, Selection &selection,
                                 SmallVectorImpl<Value> &after);
  /// Loads the segments that the keys of `op`, a selection for `query`, have to be of.
  template <typename OpTy>
  FailureOr<Value> loadSegments(OpTy op, const Slice &query, Operation *before);
  FailureOr<Value> loadRow(Operation *op, const Slice &row, const Slice &query, Operation *before);
  /// The keys that the band of `op` allows the row of `query`: the first and one past the last.
  template <typename OpTy>
  FailureOr<std::pair<sprint_isa::ExprAttr, sprint_isa::ExprAttr>>
  getAllowedKeys(OpTy op, const Slice &query);
  /// The command that writes `region` of the batch element, key head or head of `slice` to ReRAM.
  FailureOr<Value> write(Operation *op, sprint_isa::MemoryRegion region, const Slice &slice);
  LogicalResult placeResources();

  /// The part of `input` that `operand` is; else an error that names the operand `what` of `op`.
  FailureOr<Slice> resolve(Operation *op, StringRef what, Value operand, ProgramInput input);
  /// Checks that `operand` is what the head of `query` has of `input`.
  LogicalResult checkOfHead(Operation *op, Value operand, ProgramInput input, const Slice &query);
  /// Checks that `key` belongs to the key head of `query`, and that a command can take the block.
  LogicalResult checkBlock(Operation *op, const Slice &query, const Slice &key);
  /// The body of the loops that the head of `slice` depends on; null where others are between them.
  Block *getBlockOfHead(const Slice &slice);

  AffineExpr getParameter(::sprint::LaunchParameter which) {
    return builder.getAffineSymbolExpr(static_cast<unsigned>(which));
  }
  sprint_isa::ExprAttr at(const Slice &slice, unsigned dim) {
    return sprint_isa::ExprAttr::get(slice.position[dim]);
  }
  sprint_isa::ExprAttr getZero() {
    return sprint_isa::ExprAttr::get(builder.getAffineConstantExpr(0));
  }

  OpBuilder builder;
  ProgramOp program;
  MachineAttr machine;
  ::sprint::Structure structure;
  sprint_isa::ProgramOp commands;
  /// Query heads that share a key head.
  int64_t group = 1;

  // Of the rows.
  RowsOp rows;
  /// What each of their counters is in commands.
  SmallVector<AffineExpr> counters;
  std::optional<ArgumentSlices> slices;
  /// Bodies of the nest, by the number of loops around them.
  SmallVector<Block *> bodies;
  /// The outermost loop.
  sprint_isa::LoopOp nest;
  struct Write {
    sprint_isa::MemoryRegion region;
    Slice slice;
    Block *body;
    Value token;
  };
  SmallVector<Write> writes;
  llvm::SmallDenseSet<OperationName> lowered;
  /// Rows of masks and biases that the select unit holds, by region.
  llvm::MapVector<sprint_isa::MemoryRegion, std::pair<Slice, Value>> held;
  /// By the result of the op that came last.
  DenseMap<Value, Selection> selections;
  /// Rows whose weighted sums wait to be stored.
  DenseMap<Value, std::pair<Slice, Value>> sums;
  /// The output codes as far as they have been stored; null before anything has.
  Value stored;
};

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_SPRINTTOISA_ROWSLOWERING_H
