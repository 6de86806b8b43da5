//===- ArgumentSlices.h - Which parts of arguments values are ----*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In the loops of a program each tensor is a part of an argument, and each number an expression of
// counters and launch parameters. This says which.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_IR_ARGUMENTSLICES_H
#define SPRINT_DIALECT_SPRINT_IR_ARGUMENTSLICES_H

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "SprintRuntime/Commands.h"
#include "mlir/IR/AffineExpr.h"

namespace mlir::sprint {

/// The part of an argument of a program that belongs to one head, or to a block of its queries.
struct ArgumentSlice {
  ProgramInput input;
  /// Where it begins along each dimension that is not whole: batch element, head or key head,
  /// query.
  SmallVector<AffineExpr, 3> position;
  /// Queries that it has, ShapedType::kDynamic where that is not static; 1 for what has none.
  int64_t queries = 1;

  bool operator==(const ArgumentSlice &) const = default;
};

/// Resolves the values of one program.
class ArgumentSlices {
public:
  /// Counters of `rows` count as the expressions in `counters`.
  ArgumentSlices(ProgramOp program, RowsOp rows, ArrayRef<AffineExpr> counters)
      : program(program), rows(rows), counters(counters) {}

  /// The number that `value` is, an expression with launch parameters as symbols; null where it is
  /// another.
  AffineExpr evaluate(OpFoldResult value);
  /// Whether `size`, of a dimension with `staticSize` in its type, is the whole of what `dimension`
  /// counts.
  bool isWhole(OpFoldResult size, int64_t staticSize, ::sprint::Dimension dimension);
  /// The part of an argument that `operand` is; nothing where it is another tensor, or keys or
  /// channels are not whole.
  std::optional<ArgumentSlice> resolve(Value operand);

private:
  ProgramOp program;
  RowsOp rows;
  SmallVector<AffineExpr> counters;
};

} // namespace mlir::sprint

#endif // SPRINT_DIALECT_SPRINT_IR_ARGUMENTSLICES_H
