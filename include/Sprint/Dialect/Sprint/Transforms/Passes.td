//===- Passes.td - Passes on the Sprint dialect -------------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_TRANSFORMS_PASSES_TD
#define SPRINT_DIALECT_SPRINT_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def SprintAttachMachine : Pass<"sprint-attach-machine", "::mlir::ModuleOp"> {
  let summary = "choose the machine a module is compiled for";
  let description = [{
    Reads a machine description and sets two attributes of the module: `sprint.machine`, the machine's structure and
    widths, and `sprint.costs`, its timings and energies. No other pass of the pipeline opens a file.

    Example: `sprint-opt --sprint-attach-machine=arch=m`.
  }];
  let dependentDialects = ["::mlir::sprint::SprintDialect"];
  let options = [
    Option<"arch", "arch", "std::string", /*default=*/"\"s\"",
           "Built-in machine (s, m or l) or path of a machine description">,
  ];
  let statistics = [Statistic<"numAttached", "num-attached", "Number of modules given a machine">];
}

def SprintAttachWeights : Pass<"sprint-attach-weights", "::mlir::ModuleOp"> {
  let summary = "take weights from a file of their own";
  let description = [{
    Gives resources that are only named, as `dense_resource<layers.0.weight>` is where no `dialect_resources` follow the
    module, the elements of the tensors of these names in a file of safetensors. Types and shapes have to agree. Resources
    that have elements keep them; one that then has none is an error. The file is mapped, not read.

    Example: `sprint-opt model.mlir --sprint-attach-weights=file=model.safetensors --emit-bytecode -o model.mlirbc`.
  }];
  let options = [
    Option<"file", "file", "std::string", /*default=*/"\"\"", "File of safetensors">,
  ];
  let statistics = [Statistic<"numAttached", "num-attached", "Number of resources given their elements">];
}

def SprintOutlinePrograms : Pass<"sprint-outline-programs", "::mlir::ModuleOp"> {
  let summary = "cut host and device apart";
  let description = [{
    Replaces each `sprint.attention` by a `sprint.launch` of a `sprint.program` of its own, whose body is one
    `sprint.attend` on the program's arguments, as `gpu-kernel-outlining` does for kernels. Behind the launch stands
    `sprint.fill_empty_rows`, for the host, where queries may be without an allowed key and shall not yield zeros.

    An attention that the machine cannot take stays as it is, for the host. It gets a `sprint.refused`, and a remark
    "attention stays on the host:" with the reason:

    - heads whose number is not static;
    - channels that are not static, or more than an array or buffers hold;
    - more keys than the arrays hold;
    - a size of zero;
    - a place outside of the functions of the outermost module.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numOutlined", "num-outlined", "Number of attentions that the machine takes">,
    Statistic<"numOnHost", "num-on-host", "Number of attentions that it cannot take">,
  ];
}

def SprintScheduleFetches : Pass<"sprint-schedule-fetches"> {
  let summary = "decide the order of rows and what stays on chip";
  let description = [{
    Sets the `schedule` of each `sprint.attend` that has none, by one of the algorithms of
    `lib/Scheduling/Algorithms.cpp`: `paper` is that of MICRO 2022, `resident` its dense baseline's. Checks that every
    schedule, one that was written by hand among them, is one of the attention on the machine.

    With `all` every allowed key is kept, whatever the attention says, as the dense baseline does.
  }];
  let options = [
    Option<"schedule", "schedule", "std::string", /*default=*/"\"paper\"", "Name of the algorithm">,
    Option<"all", "all", "bool", /*default=*/"false", "Keep every allowed key">,
  ];
  let statistics = [
    Statistic<"numScheduled", "num-scheduled", "Number of attentions scheduled">,
  ];
}

def SprintTileToCrossbar : Pass<"sprint-tile-to-crossbar"> {
  let summary = "cut attentions into the blocks of their schedule";
  let description = [{
    Replaces each `sprint.attend` by `sprint.rows`: loops over batch elements, key heads, blocks of the heads of a group
    and blocks of queries, with the ops that the machine has for one block: `sprint.crossbar_score`, `sprint.prune`,
    `sprint.gather`, `sprint.recompute`; `sprint.allow` in the place of the first two where every allowed key is kept.
    How the op is cut is its TilingInterface.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"
  ];
  let statistics = [
    Statistic<"numTiled", "num-tiled", "Number of attentions tiled">,
  ];
}

#endif // SPRINT_DIALECT_SPRINT_TRANSFORMS_PASSES_TD
