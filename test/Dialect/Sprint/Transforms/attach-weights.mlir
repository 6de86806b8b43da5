// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// MLIR keeps the bytecode that it verifies where resources may not be aligned.
// UNSUPPORTED: verify-roundtrip
// Weights that a module only names come from a file of safetensors, which the package of that name wrote.
// RUN: sprint-opt --allow-unregistered-dialect %s --sprint-attach-weights=file=%S/Inputs/weights.safetensors | FileCheck %s
// Bytecode holds them, aligned, and needs no file.
// RUN: sprint-opt --allow-unregistered-dialect %s --sprint-attach-weights=file=%S/Inputs/weights.safetensors --emit-bytecode -o %t.mlirbc
// RUN: sprint-opt --allow-unregistered-dialect %t.mlirbc | FileCheck %s
// RUN: sprint-opt --allow-unregistered-dialect - < %t.mlirbc | FileCheck %s

// CHECK-LABEL: @constants
func.func @constants() -> (tensor<2x3xf32>, tensor<2xf16>, tensor<2xbf16>, tensor<2xi8>, tensor<2xui8>, tensor<2xi64>,
                           tensor<3xi1>, tensor<1xcomplex<f32>>, tensor<2xi32>) {
  // CHECK: dense_resource<layers.0.weight> : tensor<2x3xf32>
  %weight = arith.constant dense_resource<layers.0.weight> : tensor<2x3xf32>
  %half = arith.constant dense_resource<half> : tensor<2xf16>
  %brain = arith.constant dense_resource<brain> : tensor<2xbf16>
  %signless = arith.constant dense_resource<bytes> : tensor<2xi8>
  %unsigned = "test.constant"() {value = dense_resource<bytes> : tensor<2xui8>} : () -> tensor<2xui8>
  %positions = arith.constant dense_resource<positions> : tensor<2xi64>
  %mask = arith.constant dense_resource<mask> : tensor<3xi1>
  // Also inside another attribute.
  %complex = "test.constant"() {values = [dense_resource<complex> : tensor<1xcomplex<f32>>]} : () -> tensor<1xcomplex<f32>>
  // What has elements keeps them.
  %own = arith.constant dense_resource<own> : tensor<2xi32>
  return %weight, %half, %brain, %signless, %unsigned, %positions, %mask, %complex, %own
      : tensor<2x3xf32>, tensor<2xf16>, tensor<2xbf16>, tensor<2xi8>, tensor<2xui8>, tensor<2xi64>, tensor<3xi1>,
        tensor<1xcomplex<f32>>, tensor<2xi32>
}

{-#
  dialect_resources: {
    builtin: {
      own: "0x040000000700000008000000"
    }
  }
#-}

// In front of the elements the alignment.
// CHECK: dialect_resources
// CHECK-DAG: layers.0.weight: "0x40000000000000000000803F0000004000004040000080400000A040"
// CHECK-DAG: half: "0x40000000003E00C0"
// CHECK-DAG: brain: "0x40000000C03F00C0"
// CHECK-DAG: bytes: "0x4000000001FF"
// CHECK-DAG: positions: "0x400000000300000000000000FCFFFFFFFFFFFFFF"
// CHECK-DAG: mask: "0x40000000010001"
// CHECK-DAG: complex: "0x400000000000803F00000040"
// CHECK-DAG: own: "0x040000000700000008000000"
