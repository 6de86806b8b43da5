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
    Finds `softmax(scale * q k^T + masks and biases) v` by what it means, whatever a producer of linalg
    makes it of, and `tm_tensor.attention`, and replaces it by `sprint.attention`:

    1. private functions are inlined, by upstream's pass, as a softmax or a mask may be one;
    2. candidates are exponentials between two contractions;
    3. one element of the probabilities is followed up through ops and reshapes to an expression over the
       row and the key, with reductions over the keys. It is a softmax where it is `exp(x - c)` over its sum
       for any `c` that does not depend on the key;
    4. `x` is taken apart into scores, an element of a contraction, and what is added to them or masks
       them. A number masks where the exponential of such a logit is zero in the source's own arithmetic.
       Masks become a band, valid keys or a boolean tensor, and what else is added a bias;
    5. factors of the probabilities that do not depend on the key go to the result;
    6. heads that share keys and values do so in `sprint.attention` too, never repeated; f16 and bf16 are
       cast to f32 in front of it, and the result back.

    What has to hold when the program runs becomes `cf.assert`: sizes that have to be equal and are not known to be, masks
    of integers that have to be 0 or 1, scores that must not be as low as a number that is selected for masked keys.

    An exponential between two contractions that is not raised stays as it is, and gets one remark that says which condition
    failed. A gate between two products with weights, such as a SiLU, is no candidate.
  }];
  let dependentDialects = [
    "::mlir::sprint::SprintDialect", "::mlir::tensor::TensorDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect"
  ];
  let statistics = [
    Statistic<"numRaised", "num-raised", "Number of attentions raised">,
    Statistic<"numRefused", "num-refused", "Number of exponentials between two contractions not raised">,
  ];
}

def ConvertSprintToLinalg : Pass<"convert-sprint-to-linalg", "::mlir::ModuleOp"> {
  let summary = "give the Sprint ops their meaning in upstream dialects";
  let description = [{
    Lowers every op of the Sprint dialect, except `program` and `launch`, to linalg, tensor, scf, arith and math, without
    calls. `sprint.attention` becomes the float softmax between two contractions, which read shared keys and values where they are; the
    integer ops become docs/numerics.md. Numbers that cannot be quantised fail a `cf.assert`.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
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
    Replaces `sprint.launch` by a call of `sprintLaunchMemRefs(program, input..., output)`: the index of the program in the stream's container, an
    unranked tensor for every input of a launch, in the order of their regions, and an unranked memref for the output. Bufferization makes memrefs of
    the tensors, too. An input that the launch does not bring has rank 0. `Sprint/Execution/Launch.h` defines the function.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect", "::mlir::tensor::TensorDialect"
  ];
}

def ConvertTMTensorToLinalg : Pass<"convert-tm-tensor-to-linalg", "::mlir::ModuleOp"> {
  let summary = "give torch-mlir's own ops their meaning in upstream dialects";
  let description = [{
    Lowers every `tm_tensor` op to linalg, tensor, scf, arith and math, on tensors of any rank and dynamic sizes.

    - `attention` becomes a transpose, two `linalg.batch_matmul` and a softmax that subtracts the maximum of the row, in f32 (f64 for f64).
      `convert-linalg-to-sprint` takes attentions for the machine; this is the way of those that stay on the host.
    - `scan` becomes loops, the scanned dimension innermost.
    - `scatter` becomes a loop over the updates. A `cf.assert` before each fails where its slice is not inside the original.
    - `sort` becomes a bottom-up merge sort of positions, stable, O(n log n) comparisons and two arrays of n positions.
    - `topk` becomes insertion into a list of k, O(n k).
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
}

#endif // SPRINT_CONVERSION_PASSES_TD
