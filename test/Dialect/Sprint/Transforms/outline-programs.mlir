// RUN: sprint-opt %s --sprint-attach-machine --sprint-outline-programs | FileCheck %s
// RUN: sprint-opt %s --sprint-attach-machine=arch=s-paper-widths --sprint-outline-programs | FileCheck %s --check-prefix=WIDTHS

// The host keeps the launches, in the place of the attentions. Programs stand behind the function that launches them, in
// its order; what an attention does is one op on the arguments of its program.

// CHECK-LABEL: func.func @two(
// CHECK-SAME: %[[Q:.*]]: tensor<1x6x?x8xf32>, %[[K:.*]]: tensor<1x2x?x8xf32>, %[[V:.*]]: tensor<1x2x?x16xf32>, %[[INIT:.*]]: tensor<1x6x?x16xf32>)
// CHECK-NEXT: %[[O:.*]] = sprint.launch @layers.3 ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs(%[[INIT]]
// CHECK-NEXT: %[[P:.*]] = sprint.launch @attention_1 ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs(%[[O]]
// CHECK-NEXT: return %[[P]]
// CHECK-NEXT: }
// CHECK-NEXT: sprint.program @layers.3(query %[[QUERY:.*]]: tensor<1x6x?x8xi8>, key %[[KEY:.*]]: tensor<1x2x?x8xi8>, value %[[VALUE:.*]]: tensor<1x2x?x16xi8>, threshold %[[T:.*]]: tensor<1x6xi32>, multiplier %[[M:.*]]: tensor<1x6xi64>, shift %[[S:.*]]: tensor<1x6xi64>) -> tensor<1x6x?x16xi32> scale(2.500000e-01) thresholds([1.500000e+00]) {
// CHECK-NEXT: %[[TWO:.*]] = arith.constant 2 : index
// CHECK-NEXT: %[[SIZE:.*]] = tensor.dim %[[QUERY]], %[[TWO]]
// CHECK-NEXT: %[[CODES:.*]] = tensor.empty(%[[SIZE]]) : tensor<1x6x?x16xi32>
// CHECK-NEXT: %[[R:.*]] = sprint.attend query(%[[QUERY]] : {{.*}}) key(%[[KEY]] : {{.*}}) value(%[[VALUE]] : {{.*}}) threshold(%[[T]] : {{.*}}) multiplier(%[[M]] : {{.*}}) shift(%[[S]] : {{[^)]*}}) outs(%[[CODES]] : tensor<1x6x?x16xi32>) select(pruned) band(<upper = 0>) nibble(centred) widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x6x?x16xi32>
// CHECK-NEXT: sprint.return %[[R]]
// CHECK-NEXT: }
// CHECK-NEXT: sprint.program @attention_1(
// CHECK-SAME: scale(5.000000e-01) thresholds([0.000000e+00, 1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00]) {
// CHECK: sprint.attend
// CHECK-SAME: select(all) nibble

// WIDTHS: sprint.attend {{.*}} select(pruned) band(<upper = 0>) nibble(truncated) widths(<exponent_fraction = 8, sum = 16, probability = 8, accumulator = 16>)
// WIDTHS: sprint.attend {{.*}} select(all) nibble(truncated)
func.func @two(%q: tensor<1x6x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x16xf32>, %init: tensor<1x6x?x16xf32>) -> tensor<1x6x?x16xf32> {
  %o = sprint.attention @layers.3 ins(%q, %k, %v : tensor<1x6x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x16xf32>)
      outs(%init : tensor<1x6x?x16xf32>) scale(0.25) band(<upper = 0>) thresholds([1.5]) -> tensor<1x6x?x16xf32>
  %r = sprint.attention ins(%q, %k, %v : tensor<1x6x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x16xf32>)
      outs(%o : tensor<1x6x?x16xf32>) scale(0.5) thresholds([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]) select(all) -> tensor<1x6x?x16xf32>
  return %r : tensor<1x6x?x16xf32>
}

// Where a size is static in one place and not in another, the codes are of the output's type.

// CHECK-LABEL: func.func @partly(
// CHECK: sprint.program @attention_2(
// CHECK: %[[CODES:.*]] = tensor.cast %{{.*}} : tensor<1x1x?x8xi32> to tensor<1x1x16x8xi32>
// CHECK: outs(%[[CODES]] : tensor<1x1x16x8xi32>)
func.func @partly(%q: tensor<1x1x?x8xf32>, %k: tensor<1x1x4x8xf32>, %init: tensor<1x1x16x8xf32>) -> tensor<1x1x16x8xf32> {
  %o = sprint.attention ins(%q, %k, %k : tensor<1x1x?x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>)
      outs(%init : tensor<1x1x16x8xf32>) scale(0.25) -> tensor<1x1x16x8xf32>
  return %o : tensor<1x1x16x8xf32>
}

// A name that something else has already is made another.

// CHECK-LABEL: func.func @taken(
// CHECK: sprint.launch @[[NAME:taken_[0-9]+]] ins
// CHECK: sprint.program @[[NAME]](
func.func @taken(%t: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  %o = sprint.attention @taken ins(%t, %t, %t : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>)
      outs(%t : tensor<1x1x4x8xf32>) scale(1.0) -> tensor<1x1x4x8xf32>
  return %o : tensor<1x1x4x8xf32>
}
