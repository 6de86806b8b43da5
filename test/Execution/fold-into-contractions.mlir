// RUN: sprint-opt %s --sprint-host-fold-into-contractions --split-input-file | FileCheck %s

// As torch-mlir multiplies an input of rank 3 by a weight: transposed, then broadcast over the batch.
// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG: #[[R:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-LABEL: func.func @weight(
// CHECK-SAME: %[[INPUT:.*]]: tensor<?x4x5xf32>, %[[WEIGHT:.*]]: tensor<3x5xf32>, %[[INIT:.*]]: tensor<?x4x3xf32>
// CHECK: linalg.generic {indexing_maps = [#[[X]], #[[W]], #[[R]]], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
// CHECK-SAME: ins(%[[INPUT]], %[[WEIGHT]] : tensor<?x4x5xf32>, tensor<3x5xf32>) outs(%[[INIT]] : tensor<?x4x3xf32>)
// CHECK: %[[PRODUCT:.*]] = arith.mulf
// CHECK: arith.addf %{{.*}}, %[[PRODUCT]]
#weight = affine_map<(d0, d1, d2) -> (d1, d2)>
#all = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
func.func @weight(%x: tensor<?x4x5xf32>, %w: tensor<3x5xf32>, %init: tensor<?x4x3xf32>) -> tensor<?x4x3xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4x5xf32>
  %empty_t = tensor.empty() : tensor<5x3xf32>
  %t = linalg.transpose ins(%w : tensor<3x5xf32>) outs(%empty_t : tensor<5x3xf32>) permutation = [1, 0]
  %empty_b = tensor.empty(%n) : tensor<?x5x3xf32>
  %b = linalg.generic {indexing_maps = [#weight, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%t : tensor<5x3xf32>) outs(%empty_b : tensor<?x5x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<?x5x3xf32>
  %0 = linalg.batch_matmul ins(%x, %b : tensor<?x4x5xf32>, tensor<?x5x3xf32>) outs(%init : tensor<?x4x3xf32>) -> tensor<?x4x3xf32>
  return %0 : tensor<?x4x3xf32>
}

// -----

// One of the two rows stays broadcast: else nothing would tell how often the outer loop runs.
#all = affine_map<(d0, d1) -> (d0, d1)>
#sum = affine_map<(d0, d1) -> ()>
// CHECK-LABEL: func.func @trip_count(
// CHECK-SAME: %[[A:[^:]*]]: tensor<?xf32>
// CHECK: %[[B:.*]] = linalg.broadcast
// CHECK: linalg.generic
// CHECK-SAME: ins(%[[A]], %[[B]] : tensor<?xf32>, tensor<?x?xf32>)
func.func @trip_count(%a: tensor<?xf32>, %b: tensor<?xf32>, %n: index, %m: index, %init: tensor<f32>) -> tensor<f32> {
  %empty = tensor.empty(%n, %m) : tensor<?x?xf32>
  %0 = linalg.broadcast ins(%a : tensor<?xf32>) outs(%empty : tensor<?x?xf32>) dimensions = [0]
  %1 = linalg.broadcast ins(%b : tensor<?xf32>) outs(%empty : tensor<?x?xf32>) dimensions = [0]
  %2 = linalg.generic {indexing_maps = [#all, #all, #sum], iterator_types = ["reduction", "reduction"]}
      ins(%0, %1 : tensor<?x?xf32>, tensor<?x?xf32>) outs(%init : tensor<f32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %3 = arith.mulf %x, %y : f32
    %4 = arith.addf %sum, %3 : f32
    linalg.yield %4 : f32
  } -> tensor<f32>
  return %2 : tensor<f32>
}

// -----

// What no library call computes keeps its inputs: integers, and another body.
#transposed = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-LABEL: func.func @no_contractions(
// CHECK: linalg.transpose
// CHECK: linalg.matmul
// CHECK: linalg.transpose
// CHECK: linalg.add
func.func @no_contractions(%a: tensor<4x4xi32>, %b: tensor<4x4xf32>) -> (tensor<4x4xi32>, tensor<4x4xf32>) {
  %empty_i = tensor.empty() : tensor<4x4xi32>
  %0 = linalg.transpose ins(%a : tensor<4x4xi32>) outs(%empty_i : tensor<4x4xi32>) permutation = [1, 0]
  %1 = linalg.matmul ins(%a, %0 : tensor<4x4xi32>, tensor<4x4xi32>) outs(%a : tensor<4x4xi32>) -> tensor<4x4xi32>
  %empty = tensor.empty() : tensor<4x4xf32>
  %2 = linalg.transpose ins(%b : tensor<4x4xf32>) outs(%empty : tensor<4x4xf32>) permutation = [1, 0]
  %3 = linalg.add ins(%b, %2 : tensor<4x4xf32>, tensor<4x4xf32>) outs(%b : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %1, %3 : tensor<4x4xi32>, tensor<4x4xf32>
}
