// RUN: sprint-opt %s --sprint-attach-machine --sprint-decompose-attention --canonicalize --cse | FileCheck %s
// RUN: sprint-opt %s --sprint-attach-machine --sprint-decompose-attention=dense | FileCheck %s --check-prefix=DENSE

// The head reads its key head; the row of what is the same for all is row 0.

// CHECK: #[[GROUP:.*]] = affine_map<(d0) -> (d0 floordiv 3)>
// CHECK-LABEL: func.func @all(
// CHECK-SAME: %[[VALID:[^:]*]]: tensor<2x?xi1>, %[[MASK:[^:]*]]: tensor<1x1x?x?xi1>, %[[BIAS:[^:]*]]: tensor<1x6x1x?xf32>,
// CHECK: %[[Q:.*]], %[[QS:.*]] = sprint.quantize
// CHECK: %[[K:.*]], %[[KS:.*]] = sprint.quantize {{.*}} -> tensor<2x2x?x8xi8>, tensor<2x2xf32>
// CHECK: %[[V:.*]], %[[VS:.*]] = sprint.quantize {{.*}} -> tensor<2x2x?x4xi8>, tensor<2x2xf32>
// CHECK: %[[CODES:.*]] = sprint.quantize_bias %[[BIAS]] steps(%[[QS]], %[[KS]]) scale(5.000000e-01) : tensor<1x6x1x?xf32>, tensor<2x6xf32>, tensor<2x2xf32> -> tensor<2x6x1x?xi32>
// CHECK: scf.for %[[B:.*]] = %{{.*}} to
// CHECK: scf.for %[[H:.*]] = %{{.*}} to
// CHECK: %[[G:.*]] = affine.apply #[[GROUP]](%[[H]])
// CHECK: tensor.extract_slice %[[K]][%[[B]], %[[G]], 0, 0]
// CHECK: tensor.extract_slice %[[V]][%[[B]], %[[G]], 0, 0]
// CHECK: tensor.extract %{{.*}}[%[[B]], %[[H]]]
// CHECK: scf.for %[[I:.*]] = %{{.*}} to
// CHECK: tensor.extract_slice %[[Q]][%[[B]], %[[H]], %[[I]], 0]
// CHECK: %[[VALIDROW:.*]] = tensor.extract_slice %[[VALID]][%[[B]], 0] [1, %{{.*}}]
// CHECK: %[[MASKROW:.*]] = tensor.extract_slice %[[MASK]][0, 0, %[[I]], 0] [1, 1, 1, %{{.*}}]
// CHECK: %[[BIASROW:.*]] = tensor.extract_slice %[[CODES]][%[[B]], %[[H]], 0, 0] [1, 1, 1, %{{.*}}]
// CHECK: sprint.prune {{.*}} band(<upper = 0>) masks(%[[VALIDROW]], %[[MASKROW]] : {{.*}}) bias(%[[BIASROW]], %[[M:[^,]*]], %[[S:[^,]*]], %{{.*}} :
// CHECK: sprint.recompute {{.*}} %[[M]], %[[S]] : {{.*}} bias(%[[BIASROW]] :
// CHECK: %[[ROWS:.*]] = sprint.dequantize ins(%{{.*}}, %[[VS]] : tensor<2x6x?x4xi32>, tensor<2x2xf32>)
// CHECK: %[[FILLED:.*]] = sprint.fill_empty_rows ins(%{{.*}}) key_valid(%[[VALID]] : {{.*}}) mask(%[[MASK]] : {{.*}}) bias(%[[BIAS]] : {{.*}}) outs(%[[ROWS]] : {{.*}}) band(<upper = 0>) empty_row(uniform)
// CHECK: return %[[FILLED]]
// DENSE-LABEL: func.func @all(
// DENSE: sprint.allow {{.*}} band(<upper = 0>) masks(%{{.*}}, %{{.*}} : {{.*}}) bias(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} :
func.func @all(%valid: tensor<2x?xi1>, %mask: tensor<1x1x?x?xi1>, %bias: tensor<1x6x1x?xf32>, %q: tensor<2x6x?x8xf32>,
    %k: tensor<2x2x?x8xf32>, %v: tensor<2x2x?x4xf32>, %init: tensor<2x6x?x4xf32>) -> tensor<2x6x?x4xf32> {
  %0 = sprint.attention ins(%q, %k, %v : tensor<2x6x?x8xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x4xf32>)
      key_valid(%valid : tensor<2x?xi1>) mask(%mask : tensor<1x1x?x?xi1>) bias(%bias : tensor<1x6x1x?xf32>)
      outs(%init : tensor<2x6x?x4xf32>) scale(0.5) band(#sprint.band<upper = 0>) empty_row(uniform) -> tensor<2x6x?x4xf32>
  return %0 : tensor<2x6x?x4xf32>
}

// No query of these is without a key.

// CHECK-LABEL: func.func @never_empty(
// CHECK-NOT: sprint.fill_empty_rows
// CHECK: return
func.func @never_empty(%t: tensor<1x1x?x8xf32>, %s: tensor<1x1x4x8xf32>) -> (tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x4x8xf32>) {
  %0 = sprint.attention ins(%t, %t, %t : tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>)
      outs(%t : tensor<1x1x?x8xf32>) scale(0.5) band(#sprint.band<upper = 0>) empty_row(nan) -> tensor<1x1x?x8xf32>
  %1 = sprint.attention ins(%t, %t, %t : tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>)
      outs(%t : tensor<1x1x?x8xf32>) scale(0.5) empty_row(uniform) -> tensor<1x1x?x8xf32>
  %2 = sprint.attention ins(%s, %s, %s : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>)
      outs(%s : tensor<1x1x4x8xf32>) scale(0.5) band(#sprint.band<lower = -2, upper = 0, align = end>) empty_row(uniform) -> tensor<1x1x4x8xf32>
  return %0, %1, %2 : tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x4x8xf32>
}

// Aligned to the end, the first of more queries than keys see nothing; zeros need no filling.

// CHECK-LABEL: func.func @maybe_empty(
// CHECK-COUNT-1: sprint.fill_empty_rows
// CHECK-NOT: sprint.fill_empty_rows
// CHECK: return
func.func @maybe_empty(%q: tensor<1x1x5x8xf32>, %t: tensor<1x1x4x8xf32>) -> (tensor<1x1x5x8xf32>, tensor<1x1x5x8xf32>) {
  %0 = sprint.attention ins(%q, %t, %t : tensor<1x1x5x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>)
      outs(%q : tensor<1x1x5x8xf32>) scale(0.5) band(#sprint.band<upper = 0, align = end>) empty_row(nan) -> tensor<1x1x5x8xf32>
  %1 = sprint.attention ins(%q, %t, %t : tensor<1x1x5x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>)
      outs(%q : tensor<1x1x5x8xf32>) scale(0.5) band(#sprint.band<upper = 0, align = end>) -> tensor<1x1x5x8xf32>
  return %0, %1 : tensor<1x1x5x8xf32>, tensor<1x1x5x8xf32>
}

// The logits of such rows come from the floats.

// CHECK-LABEL: func.func @masked_logit(
// CHECK-SAME: %[[Q:[^:]*]]: tensor<1x1x?x8xf32>, %[[K:[^:]*]]: tensor<1x1x?x8xf32>, %[[V:[^:]*]]: tensor<1x1x?x8xf32>, %[[VALID:[^:]*]]: tensor<1x?xi1>
// CHECK: %[[ROWS:.*]] = sprint.dequantize
// CHECK: sprint.fill_empty_rows ins(%[[V]] : {{.*}}) key_valid(%[[VALID]] : {{.*}}) outs(%[[ROWS]] : {{.*}}) empty_row(zero)
// CHECK-SAME: logits(%[[Q]], %[[K]] : {{.*}}) scale(5.000000e-01) masked_logit(-1.000000e+04 : f16)
func.func @masked_logit(%q: tensor<1x1x?x8xf32>, %k: tensor<1x1x?x8xf32>, %v: tensor<1x1x?x8xf32>, %valid: tensor<1x?xi1>) -> tensor<1x1x?x8xf32> {
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>) key_valid(%valid : tensor<1x?xi1>)
      outs(%q : tensor<1x1x?x8xf32>) scale(0.5) masked_logit(-1.0e4 : f16) -> tensor<1x1x?x8xf32>
  return %0 : tensor<1x1x?x8xf32>
}
