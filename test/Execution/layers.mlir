// RUN: sprint-opt %s --sprint-compile-host | FileCheck %s

// Layers with weights of their own share the code of their loop.
// CHECK-COUNT-1: llvm.func internal @sprint_loop
// CHECK-NOT: llvm.func internal @sprint_loop
// CHECK-LABEL: llvm.func @main(
// CHECK-COUNT-2: llvm.mlir.addressof @__constant
// CHECK-COUNT-2: llvm.call @sprint_loop(
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %w0 = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %w1 = arith.constant dense<[5.0, 6.0, 7.0, 8.0]> : tensor<4xf32>
  %empty = tensor.empty() : tensor<4xf32>
  %0 = linalg.mul ins(%x, %w0 : tensor<4xf32>, tensor<4xf32>) outs(%empty : tensor<4xf32>) -> tensor<4xf32>
  %1 = linalg.mul ins(%x, %w1 : tensor<4xf32>, tensor<4xf32>) outs(%empty : tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
