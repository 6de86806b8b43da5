//===- Passes.td - Passes on the Sprint dialect -------------*- tablegen -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_TRANSFORMS_PASSES_TD
#define SPRINT_DIALECT_SPRINT_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def SprintAttachMachine : Pass<"sprint-attach-machine", "::mlir::ModuleOp"> {
  let summary = "choose the machine a module is compiled for";
  let description = [{
    Reads a machine description and sets two attributes of the module: `sprint.machine`, the machine's structure and widths, and
    `sprint.costs`, its timings and energies. No other pass opens a file.

    Example: `sprint-opt --sprint-attach-machine=arch=m`.
  }];
  let dependentDialects = ["::mlir::sprint::SprintDialect"];
  let options = [
    Option<"arch", "arch", "std::string", /*default=*/"\"s\"",
           "Built-in machine (s, m or l) or path of a machine description">,
  ];
}

def SprintDecomposeAttention : Pass<"sprint-decompose-attention", "::mlir::ModuleOp"> {
  let summary = "turn each attention into the integer steps of the machine";
  let description = [{
    Replaces `sprint.attention` by what docs/numerics.md says it means on the machine:

    1. `sprint.quantize` of query, key and value, `sprint.parameters` of every head, `sprint.quantize_bias` of a bias;
    2. loops over batch, heads and queries, one query at a time, with the keys and values of the head's key head and the rows of
       masks and bias that belong to the query: `sprint.crossbar_score`, `sprint.prune`, `sprint.gather`, `sprint.recompute`;
    3. `sprint.dequantize` of the output codes;
    4. `sprint.fill_empty_rows`, for the host, where queries may be without an allowed key and shall not yield zeros.

    With `dense`, `sprint.allow` takes the place of scoring and pruning in memory.

    An attention that the machine cannot take stays as it is, for the host, and gets a remark "attention stays on the host:" with the
    reason: heads whose number is not static; channels that are not static, or more than an array or buffers hold; more keys than the arrays
    hold; a size of zero; a place outside of the functions of the outermost module.
  }];
  let options = [
    Option<"dense", "dense", "bool", /*default=*/"false",
           "Keep every allowed key, as the dense baseline does">,
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"
  ];
  let statistics = [
    Statistic<"numDecomposed", "num-decomposed", "Number of attentions decomposed">,
    Statistic<"numOnHost", "num-on-host", "Number of attentions that the machine cannot take">,
  ];
}

def SprintTileToCrossbar : Pass<"sprint-tile-to-crossbar", "::mlir::ModuleOp"> {
  let summary = "fit approximate scores to the crossbar arrays";
  let description = [{
    Cuts each `sprint.crossbar_score` into the arrays of the machine, with the head dimension along the rows and keys along
    the columns:

    1. a head dimension longer than the rows takes `ceil(D / rows)` adjacent columns for each key, so an array
       holds `columns / ceil(D / rows)` keys;
    2. an `scf.forall` over arrays, which all work at once, holds one `crossbar_score` for each slice of the channels, each
       adding to the one before, as the columns of a key are summed before its comparator;
    3. the last array holds what is left of a key count that does not divide.

    `sprint.recompute` gets the number of CORELETs over which keys are dealt out.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def SprintScheduleFetches : Pass<"sprint-schedule-fetches", "::mlir::ModuleOp"> {
  let summary = "decide the order of queries and what stays on chip";
  let description = [{
    Sets `sprint.schedule` on every loop over queries. Schedules:

    - `paper`: one query at a time; the keys and values of the previous query are reused where they are still on chip; the
      next query is thresholded while this one is recomputed (MICRO 2022);
    - `dense`: the baseline's: as many keys and values as the buffers hold are pinned for the whole head.
  }];
  let options = [
    Option<"schedule", "schedule", "std::string", /*default=*/"\"paper\"", "Name of the schedule">,
  ];
}

def SprintOutlinePrograms : Pass<"sprint-outline-programs", "::mlir::ModuleOp"> {
  let summary = "cut host and device apart";
  let description = [{
    Moves the loops between `sprint.quantize` and `sprint.dequantize` into a `sprint.program` and puts a
    `sprint.launch` in the place of the whole, as `gpu-kernel-outlining` does for kernels. Codes of one tensor that serve as several of query,
    key and value become an argument for each.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

#endif // SPRINT_DIALECT_SPRINT_TRANSFORMS_PASSES_TD
