// RUN: sprint-opt %s --sprint-host-split-fills --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @two_users(
// CHECK: %[[FIRST:.*]] = linalg.fill
// CHECK: linalg.add {{.*}} outs(%[[FIRST]] :
// CHECK: tensor.empty
// CHECK: %[[SECOND:.*]] = linalg.fill
// CHECK: linalg.sub {{.*}} outs(%[[SECOND]] :
func.func @two_users(%a: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<8xf32>) -> tensor<8xf32>
  %0 = linalg.add ins(%a, %a : tensor<8xf32>, tensor<8xf32>) outs(%fill : tensor<8xf32>) -> tensor<8xf32>
  %1 = linalg.sub ins(%a, %a : tensor<8xf32>, tensor<8xf32>) outs(%fill : tensor<8xf32>) -> tensor<8xf32>
  return %0, %1 : tensor<8xf32>, tensor<8xf32>
}

// The loop reads one fill in every iteration, and what it carries starts as another.
// CHECK-LABEL: func.func @loop(
// CHECK: %[[OUTER:.*]] = linalg.fill
// CHECK: %[[INIT:.*]] = linalg.fill
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[INIT]])
// CHECK-NOT: linalg.fill
// CHECK: linalg.add ins(%{{.*}}, %[[OUTER]] :
func.func @loop(%n: index) -> tensor<8xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %empty = tensor.empty() : tensor<8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<8xf32>) -> tensor<8xf32>
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%x = %fill) -> tensor<8xf32> {
    %1 = linalg.add ins(%x, %fill : tensor<8xf32>, tensor<8xf32>) outs(%x : tensor<8xf32>) -> tensor<8xf32>
    scf.yield %1 : tensor<8xf32>
  }
  return %0 : tensor<8xf32>
}

// What is overwritten is no empty tensor: the fill has to stay one.
// CHECK-LABEL: func.func @given(
// CHECK-COUNT-1: linalg.fill
// CHECK-NOT: linalg.fill
func.func @given(%a: tensor<8xf32>, %init: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%init : tensor<8xf32>) -> tensor<8xf32>
  %0 = linalg.add ins(%a, %a : tensor<8xf32>, tensor<8xf32>) outs(%fill : tensor<8xf32>) -> tensor<8xf32>
  %1 = linalg.sub ins(%a, %a : tensor<8xf32>, tensor<8xf32>) outs(%fill : tensor<8xf32>) -> tensor<8xf32>
  return %0, %1 : tensor<8xf32>, tensor<8xf32>
}
