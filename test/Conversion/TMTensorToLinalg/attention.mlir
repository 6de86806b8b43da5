// RUN: sprint-opt %s --convert-tm-tensor-to-linalg --canonicalize --cse | FileCheck %s

// In f32 between its halves; 1 / sqrt(64) is the scale; what stands in the init is not read.

// CHECK-LABEL: func.func @halves(
// CHECK-SAME:    %[[Q:.*]]: tensor<4x?x64xf16>, %[[K:.*]]: tensor<4x?x64xf16>, %[[V:.*]]: tensor<4x?x32xf16>, %[[INIT:[a-z0-9]+]]: tensor<4x?x32xf16>)
// CHECK-DAG:     %[[SCALE:.*]] = arith.constant 1.250000e-01 : f32
// CHECK-DAG:     %[[INFINITY:.*]] = arith.constant 0xFF800000 : f32
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:         %[[KT:.*]] = linalg.transpose ins(%[[K]] : tensor<4x?x64xf16>) outs(%{{.*}} : tensor<4x64x?xf16>) permutation = [0, 2, 1]
// CHECK:         %[[PRODUCTS:.*]] = linalg.batch_matmul ins(%[[Q]], %[[KT]] : tensor<4x?x64xf16>, tensor<4x64x?xf16>) outs(%{{.*}} : tensor<4x?x?xf32>)
// CHECK:         %[[SCORES:.*]] = linalg.generic {{.*}}["parallel", "parallel", "parallel"]} outs(%[[PRODUCTS]] : tensor<4x?x?xf32>)
// CHECK-NEXT:    ^bb0(%[[PRODUCT:.*]]: f32):
// CHECK-NEXT:      arith.mulf %[[PRODUCT]], %[[SCALE]]
// CHECK:         %[[MAXIMA:.*]] = linalg.generic {{.*}}["parallel", "parallel", "reduction"]} ins(%[[SCORES]] : tensor<4x?x?xf32>) outs(%{{.*}} : tensor<4x?xf32>)
// CHECK:           arith.maximumf
// CHECK:         %[[EXPONENTIALS:.*]] = linalg.generic {{.*}} ins(%[[MAXIMA]] : tensor<4x?xf32>) outs(%[[SCORES]] : tensor<4x?x?xf32>)
// CHECK-NEXT:    ^bb0(%[[MAXIMUM:.*]]: f32, %[[SCORE:.*]]: f32):
// CHECK-NEXT:      %[[NONE:.*]] = arith.cmpf oeq, %[[MAXIMUM]], %[[INFINITY]]
// CHECK-NEXT:      %[[SHIFT:.*]] = arith.select %[[NONE]], %[[ZERO]], %[[MAXIMUM]]
// CHECK-NEXT:      %[[SHIFTED:.*]] = arith.subf %[[SCORE]], %[[SHIFT]]
// CHECK-NEXT:      math.exp %[[SHIFTED]]
// CHECK:         %[[SUMS:.*]] = linalg.generic {{.*}} ins(%[[EXPONENTIALS]] : tensor<4x?x?xf32>)
// CHECK:           arith.addf
// CHECK:         %[[WEIGHTED:.*]] = linalg.batch_matmul ins(%[[EXPONENTIALS]], %[[V]] : tensor<4x?x?xf32>, tensor<4x?x32xf16>) outs(%{{.*}} : tensor<4x?x32xf32>)
// CHECK:         %[[RESULT:.*]] = linalg.generic {{.*}} ins(%[[WEIGHTED]], %[[SUMS]] : tensor<4x?x32xf32>, tensor<4x?xf32>) outs(%[[INIT]] : tensor<4x?x32xf16>)
// CHECK-NEXT:    ^bb0(%[[ELEMENT:.*]]: f32, %[[SUM:.*]]: f32, %{{.*}}: f16):
// CHECK-NEXT:      %[[EMPTY:.*]] = arith.cmpf oeq, %[[SUM]], %[[ZERO]]
// CHECK-NEXT:      %[[QUOTIENT:.*]] = arith.divf %[[ELEMENT]], %[[SUM]]
// CHECK-NEXT:      %[[SELECTED:.*]] = arith.select %[[EMPTY]], %[[ZERO]], %[[QUOTIENT]]
// CHECK-NEXT:      arith.truncf %[[SELECTED]] : f32 to f16
// CHECK:         return %[[RESULT]]
func.func @halves(%q: tensor<4x?x64xf16>, %k: tensor<4x?x64xf16>, %v: tensor<4x?x32xf16>, %init: tensor<4x?x32xf16>) -> tensor<4x?x32xf16> {
  %0 = tm_tensor.attention ins(%q, %k, %v : tensor<4x?x64xf16>, tensor<4x?x64xf16>, tensor<4x?x32xf16>) outs(%init : tensor<4x?x32xf16>) -> tensor<4x?x32xf16>
  return %0 : tensor<4x?x32xf16>
}

// Floats are added, from their own type.

// CHECK-LABEL: func.func @float_mask(
// CHECK-SAME:    %[[MASK:[a-z0-9]+]]: tensor<1x2x2xf16>)
// CHECK:         linalg.generic {{.*}} ins(%[[MASK]] : tensor<1x2x2xf16>)
// CHECK-NEXT:    ^bb0(%[[ELEMENT:.*]]: f16, %[[PRODUCT:.*]]: f32):
// CHECK-DAG:       %[[SCALED:.*]] = arith.mulf %[[PRODUCT]], %{{.*}} : f32
// CHECK-DAG:       %[[ADDED:.*]] = arith.extf %[[ELEMENT]] : f16 to f32
// CHECK:           arith.addf %[[SCALED]], %[[ADDED]] : f32
func.func @float_mask(%x: tensor<1x2x4xf32>, %mask: tensor<1x2x2xf16>) -> tensor<1x2x4xf32> {
  %0 = tm_tensor.attention ins(%x, %x, %x, %mask : tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x2xf16>) outs(%x : tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

// True keeps the score.

// CHECK-LABEL: func.func @boolean_mask(
// CHECK:         %[[INFINITY:.*]] = arith.constant 0xFFF0000000000000 : f64
// CHECK:         ^bb0(%[[KEEP:.*]]: i1, %[[PRODUCT:.*]]: f64):
// CHECK-NEXT:      %[[SCALED:.*]] = arith.mulf %[[PRODUCT]], %{{.*}} : f64
// CHECK-NEXT:      arith.select %[[KEEP]], %[[SCALED]], %[[INFINITY]] : f64
// CHECK-NOT:     arith.truncf
func.func @boolean_mask(%x: tensor<1x2x4xf64>, %mask: tensor<1x2x2xi1>) -> tensor<1x2x4xf64> {
  %0 = tm_tensor.attention ins(%x, %x, %x, %mask : tensor<1x2x4xf64>, tensor<1x2x4xf64>, tensor<1x2x4xf64>, tensor<1x2x2xi1>) outs(%x : tensor<1x2x4xf64>) -> tensor<1x2x4xf64>
  return %0 : tensor<1x2x4xf64>
}

// The model's own scale; and one that is known only as the program runs.

// CHECK-LABEL: func.func @scale(
// CHECK-DAG:     %[[GIVEN:.*]] = arith.constant 3.000000e-01 : f32
// CHECK-DAG:     %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK:         arith.mulf %{{.*}}, %[[GIVEN]] : f32
// CHECK:         %[[CHANNELS:.*]] = arith.index_cast %{{.*}} : index to i64
// CHECK:         %[[FLOAT:.*]] = arith.sitofp %[[CHANNELS]] : i64 to f32
// CHECK:         %[[ROOT:.*]] = math.sqrt %[[FLOAT]] : f32
// CHECK:         %[[SCALE:.*]] = arith.divf %[[ONE]], %[[ROOT]] : f32
// CHECK:         arith.mulf %{{.*}}, %[[SCALE]] : f32
func.func @scale(%x: tensor<1x2x?xf32>) -> (tensor<1x2x?xf32>, tensor<1x2x?xf32>) {
  %0 = tm_tensor.attention {scale = 3.000000e-01 : f64} ins(%x, %x, %x : tensor<1x2x?xf32>, tensor<1x2x?xf32>, tensor<1x2x?xf32>) outs(%x : tensor<1x2x?xf32>) -> tensor<1x2x?xf32>
  %1 = tm_tensor.attention ins(%x, %x, %x : tensor<1x2x?xf32>, tensor<1x2x?xf32>, tensor<1x2x?xf32>) outs(%x : tensor<1x2x?xf32>) -> tensor<1x2x?xf32>
  return %0, %1 : tensor<1x2x?xf32>, tensor<1x2x?xf32>
}

// More leading dimensions than linalg.batch_matmul has.

// CHECK-LABEL: func.func @rank_4(
// CHECK:         linalg.transpose {{.*}} permutation = [0, 1, 3, 2]
// CHECK:         linalg.generic {{.*}}["parallel", "parallel", "parallel", "parallel", "reduction"]} ins({{.*}} : tensor<1x3x2x4xf32>, tensor<1x3x4x2xf32>)
// CHECK:         linalg.generic {{.*}}["parallel", "parallel", "parallel", "parallel", "reduction"]} ins({{.*}} : tensor<1x3x2x2xf32>, tensor<1x3x2x4xf32>)
func.func @rank_4(%x: tensor<1x3x2x4xf32>) -> tensor<1x3x2x4xf32> {
  %0 = tm_tensor.attention ins(%x, %x, %x : tensor<1x3x2x4xf32>, tensor<1x3x2x4xf32>, tensor<1x3x2x4xf32>) outs(%x : tensor<1x3x2x4xf32>) -> tensor<1x3x2x4xf32>
  return %0 : tensor<1x3x2x4xf32>
}
