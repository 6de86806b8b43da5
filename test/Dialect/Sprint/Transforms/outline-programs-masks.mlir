// RUN: sprint-opt %s --sprint-attach-machine --sprint-outline-programs | FileCheck %s

// The program takes the codes of the bias, for every batch element and head, as their steps differ; the launch its floats. What
// the model wants for queries without a key is put in behind it.

// CHECK-LABEL: func.func @all(
// CHECK-SAME: %[[VALID:[^:]*]]: tensor<2x?xi1>, %[[MASK:[^:]*]]: tensor<1x1x?x?xi1>, %[[BIAS:[^:]*]]: tensor<1x6x1x?xf32>, %[[Q:[^:]*]]: tensor<2x6x?x8xf32>, %[[K:[^:]*]]: tensor<2x2x?x8xf32>, %[[V:[^:]*]]: tensor<2x2x?x4xf32>
// CHECK-NEXT: %[[ROWS:.*]] = sprint.launch @[[ALL:.*]] ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) key_valid(%[[VALID]] : tensor<2x?xi1>) mask(%[[MASK]] : tensor<1x1x?x?xi1>) bias(%[[BIAS]] : tensor<1x6x1x?xf32>) outs(
// CHECK-NEXT: %[[FILLED:.*]] = sprint.fill_empty_rows ins(%[[V]] : {{.*}}) key_valid(%[[VALID]] : {{.*}}) mask(%[[MASK]] : {{.*}}) bias(%[[BIAS]] : {{.*}}) outs(%[[ROWS]] : {{.*}}) band(<upper = 0>) empty_row(uniform)
// CHECK-NEXT: return %[[FILLED]]
// CHECK: sprint.program @[[ALL]]({{.*}}: tensor<2x6xi64>, key_valid %[[VALID:[^:]*]]: tensor<2x?xi1>, mask %[[MASK:[^:]*]]: tensor<1x1x?x?xi1>, bias %[[BIAS:[^:]*]]: tensor<2x6x1x?xi32>) ->
// CHECK: sprint.attend {{.*}} key_valid(%[[VALID]] : tensor<2x?xi1>) mask(%[[MASK]] : tensor<1x1x?x?xi1>) bias(%[[BIAS]] : tensor<2x6x1x?xi32>) outs(
// CHECK-SAME: band(<upper = 0>)
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
// CHECK: %[[ROWS:.*]] = sprint.launch
// CHECK: sprint.fill_empty_rows ins(%[[V]] : {{.*}}) key_valid(%[[VALID]] : {{.*}}) outs(%[[ROWS]] : {{.*}}) empty_row(zero)
// CHECK-SAME: logits(%[[Q]], %[[K]] : {{.*}}) scale(5.000000e-01) masked_logit(-1.000000e+04 : f16)
func.func @masked_logit(%q: tensor<1x1x?x8xf32>, %k: tensor<1x1x?x8xf32>, %v: tensor<1x1x?x8xf32>, %valid: tensor<1x?xi1>) -> tensor<1x1x?x8xf32> {
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>) key_valid(%valid : tensor<1x?xi1>)
      outs(%q : tensor<1x1x?x8xf32>) scale(0.5) masked_logit(-1.0e4 : f16) -> tensor<1x1x?x8xf32>
  return %0 : tensor<1x1x?x8xf32>
}

// Codes that serve as query, key and value become three; nothing tells them apart but their names.

// CHECK-LABEL: func.func @self(
// CHECK: sprint.launch @[[SELF:.*]] ins(%[[X:.*]], %[[X]], %[[X]] : {{.*}}) mask(
// CHECK: sprint.program @[[SELF]](query %[[Q:.*]]: tensor<1x1x?x80xi8>, key %[[K:.*]]: tensor<1x1x?x80xi8>, value %[[V:.*]]: tensor<1x1x?x80xi8>,
// CHECK: sprint.attend query(%[[Q]] : {{.*}}) key(%[[K]] : {{.*}}) value(%[[V]] :
func.func @self(%x: tensor<1x1x?x80xf32>, %mask: tensor<1x1x1x?xi1>) -> tensor<1x1x?x80xf32> {
  %0 = sprint.attention ins(%x, %x, %x : tensor<1x1x?x80xf32>, tensor<1x1x?x80xf32>, tensor<1x1x?x80xf32>)
      mask(%mask : tensor<1x1x1x?xi1>) outs(%x : tensor<1x1x?x80xf32>) scale(0.5) -> tensor<1x1x?x80xf32>
  return %0 : tensor<1x1x?x80xf32>
}
