//===- Passes.td - Conversions ------------------------------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
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
       cast to f32 in front of it, and the result back;
    7. every attention gets a name of its own; one that has a name keeps it. It is that of its place where the producer
       names places (a `NameLoc`; equal ones are told apart, `name.1`), else `attention` or `attention_0`,
       `attention_1`, ...

    What has to hold when the program runs becomes `cf.assert`: sizes that have to be equal and are not known to be,
    masks of integers that have to be 0 or 1, scores that must not be as low as a number that is selected for masked
    keys.

    An exponential between two contractions that is not raised stays as it is, and gets one remark that says which
    condition failed. A gate between two products with weights, such as a SiLU, is no candidate.
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
    Lowers every op of the Sprint dialect to linalg, tensor, scf, arith and math, without calls of the runtime; a
    `sprint.launch` of commands stays. Programs become functions; a launch becomes a call between what quantises its
    operands and what turns the codes into floats. `sprint.attention` becomes the float softmax between two
    contractions, which read shared keys and values where they are; the integer ops become docs/numerics.md. Numbers
    that cannot be quantised fail a `cf.assert`.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
  let statistics = [Statistic<"numLowered", "num-lowered", "Number of ops lowered">];
}

def ConvertSprintToISA : Pass<"convert-sprint-to-isa"> {
  let summary = "lower blocks of rows to commands";
  let description = [{
    Puts a `sprint_isa.program` with one nest of commands in their value form in the place of what a `sprint.program`
    computes, an op after the other:

    1. `sprint.rows` becomes loops; trip counts and operands are expressions of launch parameters and loop counters;
    2. `sprint.prune` becomes `threshold`, `sprint.gather` `read_pruning`, `sprint.recompute` the fetches, `score`,
       `softmax` and `accumulate`, and so on. Tensors are written to ReRAM in the body of the loops that their head
       depends on;
    3. capacities of the machine are reserved before the first command of a body that uses them, and freed behind the
       last.

    Fails at the op that no command can say. Lengths, static or not, only ever appear as launch parameters, so the
    program does not depend on them.
  }];
  let dependentDialects = ["::mlir::sprint_isa::SprintISADialect"];
  let statistics = [Statistic<"numLowered", "num-lowered", "Number of programs lowered">];
}

def SprintDistributeUnits : Pass<"sprint-distribute-units"> {
  let summary = "distribute a nest of commands over the units";
  let description = [{
    Gives every unit the loops that its commands stand in, with those commands alone:

    1. a list that one command puts and another takes becomes an index queue, as deep as the tightest capacity around
       it;
    2. a command of one unit that one of another waits for becomes a credit of a counting queue, at the loop of the
       first. What other queues imply needs none;
    3. `reserve` and `free` become `acquire` and `release` where they stand.
  }];
  let dependentDialects = ["::mlir::sprint_isa::SprintISADialect"];
  let statistics = [Statistic<"numDistributed", "num-distributed", "Number of programs distributed">];
}

def SprintFinalizePrograms : Pass<"sprint-finalize-programs", "::mlir::ModuleOp"> {
  let summary = "make programs of the machine of device functions";
  let description = [{
    Replaces each `sprint.program` by the `sprint_isa.program` in its body, which has the same name.
  }];
  let dependentDialects = ["::mlir::sprint_isa::SprintISADialect"];
  let statistics = [Statistic<"numFinalized", "num-finalized", "Number of programs">];
}

def ConvertSprintLaunchToCall : Pass<"convert-sprint-launch-to-call", "::mlir::ModuleOp"> {
  let summary = "turn launches into calls of the runtime";
  let description = [{
    Replaces `sprint.launch` by a call of `sprintLaunchMemRefs(program, input..., output)`: the index of the program in
    the stream's container, an unranked tensor for every input of a launch, in the order of their regions, and an
    unranked memref for the output. Bufferization makes memrefs of the tensors, too.

    An input that the launch does not bring has rank 0.

    A cache becomes a handle, an i64, and the number of tokens that it has. `sprint.create_cache` becomes a call of
    `sprintCreateCache(capacity, batches, heads, key heads, head and value dimension, steps...)`, which gives the handle,
    and `sprint.cached_launch` one of `sprintLaunchMemRefsOnCache(program, handle, tokens, input..., output)`.
    `Sprint/Execution/Launch.h` defines the functions.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect", "::mlir::tensor::TensorDialect"
  ];
  let statistics = [Statistic<"numCalls", "num-calls", "Number of launches turned into calls">];
}

def ConvertTMTensorToLinalg : Pass<"convert-tm-tensor-to-linalg", "::mlir::ModuleOp"> {
  let summary = "give torch-mlir's own ops their meaning in upstream dialects";
  let description = [{
    Lowers every `tm_tensor` op to linalg, tensor, scf, arith and math, on tensors of any rank and dynamic sizes.

    - `attention` becomes a transpose, two `linalg.batch_matmul` and a softmax that subtracts the maximum of the row, in
      f32 (f64 for f64). `convert-linalg-to-sprint` takes attentions for the machine; this is the way of those that stay
      on the host.
    - `scan` becomes loops, the scanned dimension innermost.
    - `scatter` becomes a loop over the updates. A `cf.assert` before each fails where its slice is not inside the
      original.
    - `sort` becomes a bottom-up merge sort of positions, stable, O(n log n) comparisons and two arrays of n positions.
    - `topk` becomes insertion into a list of k, O(n k).
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
  let statistics = [Statistic<"numLowered", "num-lowered", "Number of ops lowered">];
}

#endif // SPRINT_CONVERSION_PASSES_TD
