// RUN: sprint-opt %s --sprint-attach-machine --sprint-decompose-attention --sprint-outline-programs | FileCheck %s

// The host keeps the launches, in the place of the attentions.
// CHECK-LABEL: func.func @two(
// CHECK-SAME: %[[Q:.*]]: tensor<1x2x?x8xf32>, %[[K:.*]]: tensor<1x2x?x8xf32>, %[[INIT:.*]]: tensor<1x2x?x8xf32>)
// CHECK-NOT: sprint.quantize
// CHECK: %[[O:.*]] = sprint.launch @[[P0:.*]] ins(%[[Q]], %[[K]], %[[K]] : {{.*}}) outs(%[[INIT]]
// CHECK: sprint.launch @[[P1:.*]] ins(%[[O]], %[[K]], %[[K]]
// CHECK-NOT: scf.for
// CHECK: return

// CHECK: sprint.program @{{.*}}(query %[[QC:.*]]: tensor<1x2x?x8xi8>, key %{{.*}}: tensor<1x2x?x8xi8>, value %{{.*}}: tensor<1x2x?x8xi8>, threshold %{{.*}}: tensor<1x2xi32>, multiplier %{{.*}}: tensor<1x2xi64>, shift %{{.*}}: tensor<1x2xi64>) -> tensor<1x2x?x8xi32>
// CHECK: tensor.dim %[[QC]]
// CHECK: scf.for
// CHECK: sprint.return
// CHECK: sprint.program
func.func @two(%q: tensor<1x2x?x8xf32>, %k: tensor<1x2x?x8xf32>, %init: tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32> {
  %o = sprint.attention ins(%q, %k, %k : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>)
      outs(%init : tensor<1x2x?x8xf32>) scale(0.25) -> tensor<1x2x?x8xf32>
  %r = sprint.attention ins(%o, %k, %k : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>)
      outs(%init : tensor<1x2x?x8xf32>) scale(0.5) thresholds([0.0, 1.0]) -> tensor<1x2x?x8xf32>
  return %r : tensor<1x2x?x8xf32>
}
