//===- Passes.td - Conversions ------------------------------*- tablegen -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_CONVERSION_PASSES_TD
#define SPRINT_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertLinalgToSprint : Pass<"convert-linalg-to-sprint", "::mlir::ModuleOp"> {
  let summary = "raise attentions from linalg on tensors";
  let description = [{
    Finds `softmax(scale * q k^T) v` by its structure, as torch-mlir prints it from
    `scaled_dot_product_attention` and from the eager form, and replaces it by
    `sprint.attention`. What looks like an attention (a softmax between two contractions) and is not raised gets a
    remark that says which condition failed.
  }];
  let dependentDialects = [
    "::mlir::sprint::SprintDialect", "::mlir::tensor::TensorDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect"
  ];
  let statistics = [
    Statistic<"numRaised", "num-raised", "Number of attentions raised">,
    Statistic<"numRefused", "num-refused", "Number of softmaxes between two contractions not raised">,
  ];
}

def ConvertSprintToLinalg : Pass<"convert-sprint-to-linalg", "::mlir::ModuleOp"> {
  let summary = "give the Sprint ops their meaning in upstream dialects";
  let description = [{
    Lowers every op of the Sprint dialect, except `program` and `launch`, to linalg, tensor, scf, arith and math, without
    calls. `sprint.attention` becomes the float softmax; the integer ops become docs/numerics.md.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
}

def ConvertSprintToISA : Pass<"convert-sprint-to-isa", "::mlir::ModuleOp"> {
  let summary = "turn device programs into commands";
  let description = [{
    Turns each `sprint.program` into a `sprint_isa.program`:

    1. trip counts and operands become expressions of launch parameters and loop counters;
    2. every unit gets the loops that its commands stand in, with those commands alone;
    3. counting queues and index queues join the units, with credits from the loop's `sprint.schedule`.

    Lengths, static or not, only ever appear as launch parameters, so the program does not depend on them.
  }];
  let dependentDialects = ["::mlir::sprint_isa::SprintISADialect"];
}

def ConvertSprintLaunchToCall : Pass<"convert-sprint-launch-to-call", "::mlir::ModuleOp"> {
  let summary = "turn launches into calls of the runtime";
  let description = [{
    Replaces `sprint.launch` by a call of `sprintLaunch(program, query, key, value, output)`: the index of the program in the
    stream's container and four unranked memrefs of f32.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect"
  ];
}

#endif // SPRINT_CONVERSION_PASSES_TD
