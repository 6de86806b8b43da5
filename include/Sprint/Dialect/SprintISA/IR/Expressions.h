//===- Expressions.h - Assembly of expressions -------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINTISA_IR_EXPRESSIONS_H
#define SPRINT_DIALECT_SPRINTISA_IR_EXPRESSIONS_H

#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"

namespace mlir::sprint_isa {

/// expression ::= (`min` | `max`) `(` affine-expr (`,` affine-expr)+ `)` | affine-expr
/// Loop counters are `i0`, `i1`, ..., launch parameters stand by name.
ParseResult parseExpression(AsmParser &parser, ExprAttr &expression);

/// Prints what parseExpression reads back as the same attribute.
void printExpression(AsmPrinter &printer, ExprAttr expression);

} // namespace mlir::sprint_isa

#endif // SPRINT_DIALECT_SPRINTISA_IR_EXPRESSIONS_H
