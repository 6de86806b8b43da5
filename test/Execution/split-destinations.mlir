// RUN: sprint-opt %s --sprint-host-split-destinations --canonicalize | FileCheck %s

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

// Loops that carry one empty tensor twice would write both into one buffer.
// CHECK-LABEL: func @of_loops
func.func @of_loops(%a: f32, %n: index) -> (tensor<?xf32>, tensor<?xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  // CHECK: %[[FIRST:.*]] = tensor.empty
  // CHECK: %[[SECOND:.*]] = tensor.empty
  %empty = tensor.empty(%n) : tensor<?xf32>
  // CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[SECOND]], %{{.*}} = %[[FIRST]])
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%x = %empty, %y = %empty) -> (tensor<?xf32>, tensor<?xf32>) {
    %nextX = tensor.insert %a into %x[%i] : tensor<?xf32>
    %nextY = tensor.insert %a into %y[%i] : tensor<?xf32>
    scf.yield %nextX, %nextY : tensor<?xf32>, tensor<?xf32>
  }
  return %0#0, %0#1 : tensor<?xf32>, tensor<?xf32>
}

// Each op computes into an empty tensor of its own, which is made where it is needed.
// CHECK-LABEL: func.func @empties(
// CHECK: %[[FIRST:.*]] = tensor.empty() : tensor<8xf32>
// CHECK-NEXT: %[[A:.*]] = linalg.add {{.*}} outs(%[[FIRST]] :
// CHECK-NEXT: %[[SECOND:.*]] = tensor.empty() : tensor<8xf32>
// CHECK-NEXT: %[[B:.*]] = linalg.add {{.*}} outs(%[[SECOND]] :
// CHECK-NEXT: %[[THIRD:.*]] = tensor.empty() : tensor<8xf32>
// CHECK-NEXT: scf.for
// CHECK: linalg.add {{.*}} outs(%[[THIRD]] :
func.func @empties(%a: tensor<8xf32>, %n: index) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %empty = tensor.empty() : tensor<8xf32>
  %0 = linalg.add ins(%a, %a : tensor<8xf32>, tensor<8xf32>) outs(%empty : tensor<8xf32>) -> tensor<8xf32>
  %1 = linalg.add ins(%0, %a : tensor<8xf32>, tensor<8xf32>) outs(%empty : tensor<8xf32>) -> tensor<8xf32>
  %2 = scf.for %i = %c0 to %n step %c1 iter_args(%x = %1) -> tensor<8xf32> {
    %3 = linalg.add ins(%x, %1 : tensor<8xf32>, tensor<8xf32>) outs(%empty : tensor<8xf32>) -> tensor<8xf32>
    scf.yield %3 : tensor<8xf32>
  }
  return %2 : tensor<8xf32>
}
