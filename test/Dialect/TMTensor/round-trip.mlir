// RUN: sprint-opt %s --verify-roundtrip | FileCheck %s --match-full-lines --strict-whitespace

// Each op as torch-mlir prints it; the text comes back unchanged.

//      CHECK:  func.func @attention(%arg0: tensor<4x16x8xf16>, %arg1: tensor<4x9x8xf16>, %arg2: tensor<4x9x12xf16>, %arg3: tensor<4x16x12xf16>) -> tensor<4x16x12xf16> {
// CHECK-NEXT:    %0 = tm_tensor.attention ins(%arg0, %arg1, %arg2 : tensor<4x16x8xf16>, tensor<4x9x8xf16>, tensor<4x9x12xf16>) outs(%arg3 : tensor<4x16x12xf16>) -> tensor<4x16x12xf16>
func.func @attention(%q: tensor<4x16x8xf16>, %k: tensor<4x9x8xf16>, %v: tensor<4x9x12xf16>, %init: tensor<4x16x12xf16>) -> tensor<4x16x12xf16> {
  %0 = tm_tensor.attention ins(%q, %k, %v : tensor<4x16x8xf16>, tensor<4x9x8xf16>, tensor<4x9x12xf16>) outs(%init : tensor<4x16x12xf16>) -> tensor<4x16x12xf16>
  return %0 : tensor<4x16x12xf16>
}

//      CHECK:  func.func @attention_mask(%arg0: tensor<?x?x8xf32>, %arg1: tensor<?x?x?xf32>, %arg2: tensor<?x?x?xi1>, %arg3: tensor<?x?x8xf32>) -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>) {
// CHECK-NEXT:    %0 = tm_tensor.attention {scale = 5.000000e-01 : f64} ins(%arg0, %arg0, %arg0, %arg1 : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x?xf32>) outs(%arg3 : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
// CHECK-NEXT:    %1 = tm_tensor.attention ins(%arg0, %arg0, %arg0, %arg2 : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x?xi1>) outs(%arg3 : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
func.func @attention_mask(%x: tensor<?x?x8xf32>, %m: tensor<?x?x?xf32>, %keep: tensor<?x?x?xi1>, %init: tensor<?x?x8xf32>) -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>) {
  %0 = tm_tensor.attention {scale = 5.000000e-01 : f64} ins(%x, %x, %x, %m : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x?xf32>) outs(%init : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %1 = tm_tensor.attention ins(%x, %x, %x, %keep : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x?xi1>) outs(%init : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %0, %1 : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

//      CHECK:  func.func @scan(%arg0: tensor<?x64xi64>, %arg1: tensor<?xi64>) -> tensor<?x64xi64> {
// CHECK-NEXT:    %0:2 = tm_tensor.scan dimension(1) inclusive(true) ins(%arg0 : tensor<?x64xi64>) outs(%arg0, %arg1 : tensor<?x64xi64>, tensor<?xi64>) {
// CHECK-NEXT:    ^bb0(%arg2: i64, %arg3: i64):
// CHECK-NEXT:      %1 = arith.addi %arg2, %arg3 : i64
// CHECK-NEXT:      tm_tensor.yield %1 : i64
// CHECK-NEXT:    } -> tensor<?x64xi64>, tensor<?xi64>
func.func @scan(%x: tensor<?x64xi64>, %acc: tensor<?xi64>) -> tensor<?x64xi64> {
  %0:2 = tm_tensor.scan dimension(1) inclusive(true) ins(%x : tensor<?x64xi64>) outs(%x, %acc : tensor<?x64xi64>, tensor<?xi64>) {
  ^bb0(%sum: i64, %element: i64):
    %1 = arith.addi %sum, %element : i64
    tm_tensor.yield %1 : i64
  } -> tensor<?x64xi64>, tensor<?xi64>
  return %0#0 : tensor<?x64xi64>
}

//      CHECK:  func.func @scan_exclusive(%arg0: tensor<7xf16>, %arg1: tensor<f16>) -> tensor<7xf16> {
// CHECK-NEXT:    %0:2 = tm_tensor.scan dimension(0) inclusive(false) ins(%arg0 : tensor<7xf16>) outs(%arg0, %arg1 : tensor<7xf16>, tensor<f16>) {
func.func @scan_exclusive(%x: tensor<7xf16>, %acc: tensor<f16>) -> tensor<7xf16> {
  %0:2 = tm_tensor.scan dimension(0) inclusive(false) ins(%x : tensor<7xf16>) outs(%x, %acc : tensor<7xf16>, tensor<f16>) {
  ^bb0(%product: f16, %element: f16):
    %1 = arith.mulf %product, %element : f16
    tm_tensor.yield %1 : f16
  } -> tensor<7xf16>, tensor<f16>
  return %0#0 : tensor<7xf16>
}

//      CHECK:  func.func @scatter(%arg0: tensor<2x1x1xf32>, %arg1: tensor<2x2xi64>, %arg2: tensor<?x3xf32>) -> tensor<?x3xf32> {
// CHECK-NEXT:    %0 = tm_tensor.scatter {dimension_map = array<i64: 0, 1>} unique_indices(true) ins(%arg0, %arg1 : tensor<2x1x1xf32>, tensor<2x2xi64>) outs(%arg2 : tensor<?x3xf32>) {
// CHECK-NEXT:    ^bb0(%arg3: f32, %arg4: f32):
// CHECK-NEXT:      tm_tensor.yield %arg3 : f32
// CHECK-NEXT:    } -> tensor<?x3xf32>
func.func @scatter(%u: tensor<2x1x1xf32>, %i: tensor<2x2xi64>, %x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0, 1>} unique_indices(true) ins(%u, %i : tensor<2x1x1xf32>, tensor<2x2xi64>) outs(%x : tensor<?x3xf32>) {
  ^bb0(%update: f32, %current: f32):
    tm_tensor.yield %update : f32
  } -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

//      CHECK:  func.func @sort(%arg0: tensor<3x5xf32>, %arg1: tensor<3x5xi64>) -> (tensor<3x5xf32>, tensor<3x5xi64>) {
// CHECK-NEXT:    %0:2 = tm_tensor.sort dimension(0) outs(%arg0, %arg1 : tensor<3x5xf32>, tensor<3x5xi64>) {
// CHECK-NEXT:    ^bb0(%arg2: f32, %arg3: f32, %arg4: i64, %arg5: i64):
// CHECK-NEXT:      %1 = arith.cmpf oge, %arg2, %arg3 : f32
// CHECK-NEXT:      tm_tensor.yield %1 : i1
// CHECK-NEXT:    } -> tensor<3x5xf32>, tensor<3x5xi64>
func.func @sort(%x: tensor<3x5xf32>, %i: tensor<3x5xi64>) -> (tensor<3x5xf32>, tensor<3x5xi64>) {
  %0:2 = tm_tensor.sort dimension(0) outs(%x, %i : tensor<3x5xf32>, tensor<3x5xi64>) {
  ^bb0(%a: f32, %b: f32, %c: i64, %d: i64):
    %1 = arith.cmpf oge, %a, %b : f32
    tm_tensor.yield %1 : i1
  } -> tensor<3x5xf32>, tensor<3x5xi64>
  return %0#0, %0#1 : tensor<3x5xf32>, tensor<3x5xi64>
}

//      CHECK:  func.func @topk(%arg0: tensor<3x5xf32>, %arg1: tensor<3x2xf32>, %arg2: tensor<3x2xi32>) -> (tensor<3x2xf32>, tensor<3x2xi32>) {
// CHECK-NEXT:    %0:2 = tm_tensor.topk dimension(1) ins(%arg0 : tensor<3x5xf32>) outs(%arg1, %arg2 : tensor<3x2xf32>, tensor<3x2xi32>) {
// CHECK-NEXT:    ^bb0(%arg3: f32, %arg4: f32):
// CHECK-NEXT:      %1 = arith.cmpf olt, %arg3, %arg4 : f32
// CHECK-NEXT:      tm_tensor.yield %1 : i1
// CHECK-NEXT:    } -> tensor<3x2xf32>, tensor<3x2xi32>
func.func @topk(%x: tensor<3x5xf32>, %v: tensor<3x2xf32>, %p: tensor<3x2xi32>) -> (tensor<3x2xf32>, tensor<3x2xi32>) {
  %0:2 = tm_tensor.topk dimension(1) ins(%x : tensor<3x5xf32>) outs(%v, %p : tensor<3x2xf32>, tensor<3x2xi32>) {
  ^bb0(%offered: f32, %listed: f32):
    %1 = arith.cmpf olt, %offered, %listed : f32
    tm_tensor.yield %1 : i1
  } -> tensor<3x2xf32>, tensor<3x2xi32>
  return %0#0, %0#1 : tensor<3x2xf32>, tensor<3x2xi32>
}
