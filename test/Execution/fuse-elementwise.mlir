// RUN: sprint-opt %s --sprint-host-fuse-elementwise --split-input-file | FileCheck %s

#all = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func.func @read_once(
// CHECK-SAME: %[[X:.*]]: tensor<8xf32>, %[[INIT:.*]]: tensor<8xf32>
// CHECK: linalg.generic {{.*}} ins(%[[X]] : tensor<8xf32>)
// CHECK: %[[EXP:.*]] = math.exp
// CHECK: %[[R:.*]] = arith.negf %[[EXP]]
// CHECK: linalg.yield %[[R]]
// CHECK-NOT: linalg.generic
func.func @read_once(%x: tensor<8xf32>, %init: tensor<8xf32>) -> tensor<8xf32> {
  %0 = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]} ins(%x : tensor<8xf32>) outs(%init : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = math.exp %in : f32
    linalg.yield %2 : f32
  } -> tensor<8xf32>
  %1 = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]} ins(%0 : tensor<8xf32>) outs(%init : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = arith.negf %in : f32
    linalg.yield %2 : f32
  } -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

// -----

#all = affine_map<(d0) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>
#matrix = affine_map<(d0, d1) -> (d0, d1)>

// Fused, each exponential would be computed again in every row, or by every reader.
// CHECK-LABEL: func.func @read_again(
// CHECK: math.exp
// CHECK: linalg.generic
// CHECK-NOT: math.exp
// CHECK: return
func.func @read_again(%x: tensor<8xf32>, %init: tensor<8xf32>, %rows: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]} ins(%x : tensor<8xf32>) outs(%init : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = math.exp %in : f32
    linalg.yield %2 : f32
  } -> tensor<8xf32>
  %1 = linalg.generic {indexing_maps = [#column, #matrix], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<8xf32>) outs(%rows : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = arith.negf %in : f32
    linalg.yield %2 : f32
  } -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

#all = affine_map<(d0) -> (d0)>
#none = affine_map<(d0) -> ()>

// A contraction becomes a call, which takes tensors.
// CHECK-LABEL: func.func @contraction(
// CHECK: math.exp
// CHECK: linalg.yield
// CHECK: linalg.generic
// CHECK-NOT: math.exp
// CHECK: arith.mulf
func.func @contraction(%x: tensor<8xf32>, %y: tensor<8xf32>, %init: tensor<8xf32>, %sum: tensor<f32>) -> tensor<f32> {
  %0 = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]} ins(%x : tensor<8xf32>) outs(%init : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = math.exp %in : f32
    linalg.yield %2 : f32
  } -> tensor<8xf32>
  %1 = linalg.generic {indexing_maps = [#all, #all, #none], iterator_types = ["reduction"]}
      ins(%0, %y : tensor<8xf32>, tensor<8xf32>) outs(%sum : tensor<f32>) {
  ^bb0(%left: f32, %right: f32, %out: f32):
    %2 = arith.mulf %left, %right : f32
    %3 = arith.addf %out, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<f32>
  return %1 : tensor<f32>
}

// -----

#all = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func.func @unread_result(
// CHECK: linalg.generic
// CHECK-NOT: math.exp
// CHECK: } -> tensor<8xf32>
func.func @unread_result(%x: tensor<8xf32>, %init: tensor<8xf32>) -> tensor<8xf32> {
  %0:2 = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%init, %init : tensor<8xf32>, tensor<8xf32>) {
  ^bb0(%in: f32, %out0: f32, %out1: f32):
    %1 = math.exp %in : f32
    %2 = arith.negf %in : f32
    linalg.yield %1, %2 : f32, f32
  } -> (tensor<8xf32>, tensor<8xf32>)
  return %0#1 : tensor<8xf32>
}
