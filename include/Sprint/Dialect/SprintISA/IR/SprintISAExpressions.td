//===- SprintISAExpressions.td - Operands of commands -------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINTISA_IR_SPRINTISAEXPRESSIONS_TD
#define SPRINT_DIALECT_SPRINTISA_IR_SPRINTISAEXPRESSIONS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "Sprint/Dialect/SprintISA/IR/SprintISAEnums.td"

def SprintISA_ExprAttr : AttrDef<SprintISA_Dialect, "Expr"> {
  let mnemonic = "expr";
  let summary = "an affine, min or max expression of loop counters and launch parameters";
  let description = [{
    `expressions` are affine in the counters of the enclosing loops (dimensions
    `i0`, `i1`, ..., outermost first) and in the launch's parameters (symbols,
    by name). One expression stands for itself; several are joined by `min` or `max`.

    Example:

    ```mlir
    #sprint_isa.expr<i2 + 1>
    #sprint_isa.expr<min(i2 + 1, keys)>
    ```
  }];
  let parameters = (ins
    EnumParameter<SprintISA_Combine>:$combine,
    ArrayRefParameter<"::mlir::AffineExpr">:$expressions
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Number of loops that must be around the expression, for the counters that it reads.
    unsigned getLoopDepth() const;
  }];
  let builders = [
    AttrBuilderWithInferredContext<(ins "::mlir::AffineExpr":$expression), [{
      return $_get(expression.getContext(), Combine::Only, ArrayRef(expression));
    }]>
  ];
}

#endif // SPRINT_DIALECT_SPRINTISA_IR_SPRINTISAEXPRESSIONS_TD
