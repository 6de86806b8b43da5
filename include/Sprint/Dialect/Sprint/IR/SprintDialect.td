//===- SprintDialect.td - In-memory pruned attention --------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_IR_SPRINTDIALECT_TD
#define SPRINT_DIALECT_SPRINT_IR_SPRINTDIALECT_TD

include "mlir/IR/DialectBase.td"

def Sprint_Dialect : Dialect {
  let name = "sprint";
  let cppNamespace = "::mlir::sprint";
  let summary = "Attention with scores pruned in memory and recomputed on chip";
  let description = [{
    From one op for a whole attention (`sprint.attention`, floats) down to the
    integer steps the machine takes for a block of rows:

    ```
    attention -> launch + program { attend } -> program { rows { crossbar_score -> prune -> gather -> recompute } }
    ```

    A launch means `quantize`, `parameters`, the program and `dequantize`. What every op computes, to the bit, is in
    docs/numerics.md; `convert-sprint-to-linalg` turns each into upstream dialects.

    Keys and values that stay on the device from launch to launch are a value of `!sprint.cache`, which
    `sprint.create_cache` makes and `sprint.cached_launch` takes and returns.

    A module compiled for a machine carries it as the attribute `sprint.machine`, and until its programs are scheduled
    what commands cost there as `sprint.costs`. What could have been an attention of the machine and stays on the host
    says why as `sprint.refused`. Where its host part is compiled, `sprint.host_constants` has the elements of
    constants that the code finds by name.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect",
    "::mlir::sprint_isa::SprintISADialect"
  ];
  let extraClassDeclaration = [{
    /// Name of the module attribute that holds the MachineAttr.
    static constexpr ::llvm::StringLiteral kMachineAttrName = "sprint.machine";
    /// Name of the module attribute that holds the CostsAttr.
    static constexpr ::llvm::StringLiteral kCostsAttrName = "sprint.costs";
    /// Name of the attribute of an op that stays on the host; a RefusalAttr.
    static constexpr ::llvm::StringLiteral kRefusedAttrName = "sprint.refused";
    /// Name of the module attribute that holds a dictionary of elements by the names of globals.
    static constexpr ::llvm::StringLiteral kHostConstantsAttrName = "sprint.host_constants";
  }];
}

#endif // SPRINT_DIALECT_SPRINT_IR_SPRINTDIALECT_TD
