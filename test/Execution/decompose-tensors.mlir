// RUN: sprint-opt %s --sprint-host-decompose-tensors --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @is_infinite(
// CHECK-SAME: %[[X:.*]]: f32
// CHECK-DAG: %[[INFINITY:.*]] = arith.constant 0x7F800000 : f32
// CHECK-DAG: %[[MAGNITUDE:.*]] = math.absf %[[X]] : f32
// CHECK: %[[R:.*]] = arith.cmpf oeq, %[[MAGNITUDE]], %[[INFINITY]] : f32
// CHECK: return %[[R]]
func.func @is_infinite(%x: f32) -> i1 {
  %0 = math.isinf %x : f32
  return %0 : i1
}

// -----

// The upper bound wins over the lower one, as in PyTorch.
// CHECK-LABEL: func.func @clamp(
// CHECK-SAME: %[[X:.*]]: f32, %[[LOW:.*]]: f32, %[[HIGH:.*]]: f32
// CHECK: %[[RAISED:.*]] = arith.maximumf %[[X]], %[[LOW]] : f32
// CHECK: %[[R:.*]] = arith.minimumf %[[RAISED]], %[[HIGH]] : f32
// CHECK: return %[[R]]
func.func @clamp(%x: f32, %low: f32, %high: f32) -> f32 {
  %0 = math.clampf %x to [%low, %high] : f32
  return %0 : f32
}

// -----

// CHECK-LABEL: func.func @round_twice(
// CHECK: %[[SINGLE:.*]] = arith.truncf %{{.*}} : f64 to f32
// CHECK: arith.truncf %[[SINGLE]] : f32 to bf16
// Nothing else is rounded twice.
// CHECK: arith.truncf %{{.*}} : f64 to f16
func.func @round_twice(%x: f64) -> (bf16, f16) {
  %0 = arith.truncf %x : f64 to bf16
  %1 = arith.truncf %x : f64 to f16
  return %0, %1 : bf16, f16
}

// -----

// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func @bitcast(
// CHECK: linalg.generic {indexing_maps = [#[[ALL]], #[[ALL]]]
// CHECK: arith.bitcast %{{.*}} : f32 to i32
// CHECK-NOT: tensor.bitcast
func.func @bitcast(%x: tensor<4xf32>) -> tensor<4xi32> {
  %0 = tensor.bitcast %x : tensor<4xf32> to tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----

// Rows of a table: the gathered dimension is missing in the result, the other one keeps its place.
// CHECK-LABEL: func.func @gather(
// CHECK-SAME: %[[TABLE:.*]]: tensor<?x4xf32>, %[[IDS:.*]]: tensor<?x1xi32>
// CHECK: %[[N:.*]] = tensor.dim %[[IDS]], %{{.*}}
// CHECK: tensor.empty(%[[N]]) : tensor<?x4xf32>
// CHECK: linalg.generic {{{.*}}iterator_types = ["parallel", "parallel"]}
// CHECK: %[[ROW:.*]] = linalg.index 0 : index
// CHECK: %[[ID:.*]] = tensor.extract %[[IDS]][%[[ROW]], %{{.*}}]
// CHECK: %[[AT:.*]] = arith.index_cast %[[ID]] : i32 to index
// CHECK: %[[COLUMN:.*]] = linalg.index 1 : index
// CHECK: %[[ELEMENT:.*]] = tensor.extract %[[TABLE]][%[[AT]], %[[COLUMN]]]
// CHECK: linalg.yield %[[ELEMENT]]
func.func @gather(%table: tensor<?x4xf32>, %ids: tensor<?x1xi32>) -> tensor<?x4xf32> {
  %0 = tensor.gather %table[%ids] gather_dims([0]) : (tensor<?x4xf32>, tensor<?x1xi32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func.func @concatenate(
// CHECK-NOT: tensor.concat
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[0] [2] [1]
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[2] [3] [1]
func.func @concatenate(%a: tensor<2xf32>, %b: tensor<3xf32>) -> tensor<5xf32> {
  %0 = tensor.concat dim(0) %a, %b : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

// CHECK-LABEL: func.func @softmax(
// CHECK-NOT: linalg.softmax
// CHECK: arith.maxnumf
// CHECK: math.exp
// CHECK: arith.divf
func.func @softmax(%x: tensor<2x3xf32>, %init: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = linalg.softmax dimension(1) ins(%x : tensor<2x3xf32>) outs(%init : tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @pack_and_unpack(
// CHECK-NOT: linalg.{{(un)?}}pack
// CHECK: tensor.pad %{{.*}} low[0] high[1]
// CHECK: tensor.extract_slice %{{.*}}[0] [5] [1]
// CHECK-NOT: linalg.{{(un)?}}pack
func.func @pack_and_unpack(%x: tensor<5xf32>, %packed: tensor<3x2xf32>, %init: tensor<5xf32>) -> tensor<5xf32> {
  %zero = arith.constant 0.0 : f32
  %0 = linalg.pack %x padding_value(%zero : f32) inner_dims_pos = [0] inner_tiles = [2] into %packed : tensor<5xf32> -> tensor<3x2xf32>
  %1 = linalg.unpack %0 inner_dims_pos = [0] inner_tiles = [2] into %init : tensor<3x2xf32> -> tensor<5xf32>
  return %1 : tensor<5xf32>
}
