// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s

// torch-mlir's own op, in which nothing says that it divides by the square root of the number of channels.

// CHECK-LABEL: func @plain
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>)
// CHECK: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) {{.*}} scale(5.000000e-01)
// CHECK-NEXT: return %[[O]]
func.func @plain(%q: tensor<2x3x8x4xf32>, %k: tensor<2x3x16x4xf32>, %v: tensor<2x3x16x6xf32>) -> tensor<2x3x8x6xf32> {
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<2x3x8x4xf32> into tensor<6x8x4xf32>
  %k3 = tensor.collapse_shape %k [[0, 1], [2], [3]] : tensor<2x3x16x4xf32> into tensor<6x16x4xf32>
  %v3 = tensor.collapse_shape %v [[0, 1], [2], [3]] : tensor<2x3x16x6xf32> into tensor<6x16x6xf32>
  %init = tensor.empty() : tensor<6x8x6xf32>
  %o = tm_tensor.attention ins(%q3, %k3, %v3 : tensor<6x8x4xf32>, tensor<6x16x4xf32>, tensor<6x16x6xf32>) outs(%init : tensor<6x8x6xf32>) -> tensor<6x8x6xf32>
  %o4 = tensor.expand_shape %o [[0, 1], [2], [3]] output_shape [2, 3, 8, 6] : tensor<6x8x6xf32> into tensor<2x3x8x6xf32>
  return %o4 : tensor<2x3x8x6xf32>
}

// CHECK-LABEL: func @scaled_with_booleans
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<3x8x8xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 3, 8, 8]
// CHECK: sprint.attention {{.*}} mask(%[[M4]] : tensor<1x3x8x8xi1>) {{.*}} scale(2.500000e-01)
// CHECK-NOT: empty_row
func.func @scaled_with_booleans(%q: tensor<3x8x4xf32>, %k: tensor<3x8x4xf32>, %v: tensor<3x8x4xf32>, %m: tensor<3x8x8xi1>) -> tensor<3x8x4xf32> {
  %init = tensor.empty() : tensor<3x8x4xf32>
  %o = tm_tensor.attention {scale = 2.500000e-01 : f64} ins(%q, %k, %v, %m : tensor<3x8x4xf32>, tensor<3x8x4xf32>, tensor<3x8x4xf32>, tensor<3x8x8xi1>) outs(%init : tensor<3x8x4xf32>) -> tensor<3x8x4xf32>
  return %o : tensor<3x8x4xf32>
}

func.func @channels_unknown(%q: tensor<3x8x?xf32>, %k: tensor<3x8x?xf32>, %v: tensor<3x8x4xf32>) -> tensor<3x8x4xf32> {
  %init = tensor.empty() : tensor<3x8x4xf32>
  // expected-remark @below {{attention not raised: the scale depends on the number of channels, which is dynamic}}
  %o = tm_tensor.attention ins(%q, %k, %v : tensor<3x8x?xf32>, tensor<3x8x?xf32>, tensor<3x8x4xf32>) outs(%init : tensor<3x8x4xf32>) -> tensor<3x8x4xf32>
  return %o : tensor<3x8x4xf32>
}
