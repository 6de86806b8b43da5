//===- TMTensorDialect.td - torch-mlir's own ops ------------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_TMTENSOR_IR_TMTENSORDIALECT_TD
#define SPRINT_DIALECT_TMTENSOR_IR_TMTENSORDIALECT_TD

include "mlir/IR/DialectBase.td"

def TMTensor_Dialect : Dialect {
  let name = "tm_tensor";
  let cppNamespace = "::mlir::sprint::tm_tensor";
  let summary = "The ops that torch-mlir prints beside linalg on tensors";
  let description = [{
    What torch-mlir cannot say in linalg it says in a dialect of its own, `tm_tensor`. Upstream MLIR does not know it,
    and an op with custom assembly of an unknown dialect does not parse. These are its ops as they occur on tensors,
    with the assembly that torch-mlir prints; `convert-tm-tensor-to-linalg` gives them their meaning in upstream
    dialects.

    | op | comes from | | --- | --- | | `attention` | `scaled_dot_product_attention` with a mask, causal or with grouped
    heads, where it is not decomposed | | `scan` | `cumsum`, `cumprod`, `logcumsumexp`; the position ids of every causal
    Hugging Face model | | `scatter` | `index_put`, `index_add`, `scatter`, `scatter_add`, `scatter_reduce`, `bincount`
    | | `sort` | `sort`, `argsort`, `topk` | | `topk` | `kthvalue` |

    Every op writes its results into the tensors of its `outs` (value semantics: a new tensor is the result).
  }];
}

#endif // SPRINT_DIALECT_TMTENSOR_IR_TMTENSORDIALECT_TD
