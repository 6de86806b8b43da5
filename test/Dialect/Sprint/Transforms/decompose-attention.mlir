// RUN: sprint-opt %s --sprint-attach-machine --sprint-decompose-attention --split-input-file | FileCheck %s
// RUN: sprint-opt %s --sprint-attach-machine --sprint-decompose-attention=dense --split-input-file | FileCheck %s --check-prefix=DENSE

// CHECK-LABEL: func.func @static(
// CHECK-SAME: %[[Q:.*]]: tensor<1x2x4x8xf32>, %[[K:.*]]: tensor<1x2x6x8xf32>, %[[V:.*]]: tensor<1x2x6x16xf32>
// CHECK-DAG: %[[QC:.*]], %[[QS:.*]] = sprint.quantize %[[Q]] nibble(centred)
// CHECK-DAG: %[[KC:.*]], %[[KS:.*]] = sprint.quantize %[[K]] nibble(centred)
// CHECK-DAG: %[[VC:.*]], %[[VS:.*]] = sprint.quantize %[[V]] nibble(centred)
// CHECK: %[[T:.*]], %[[M:.*]], %[[S:.*]] = sprint.parameters %[[QS]], %[[KS]] scale(2.500000e-01) thresholds([1.500000e+00])
// CHECK: scf.for %[[B:[a-z0-9]+]] =
// CHECK: scf.for %[[H:[a-z0-9]+]] =
// CHECK-DAG: %[[KH:.*]] = tensor.extract_slice %[[KC]][%[[B]], %[[H]], 0, 0] [1, 1, 6, 8] {{.*}} to tensor<6x8xi8>
// CHECK-DAG: %[[VH:.*]] = tensor.extract_slice %[[VC]][%[[B]], %[[H]], 0, 0] [1, 1, 6, 16] {{.*}} to tensor<6x16xi8>
// CHECK-DAG: %[[TH:.*]] = tensor.extract %[[T]][%[[B]], %[[H]]]
// CHECK: scf.for %[[I:[a-z0-9]+]] = {{.*}} iter_args(%[[O:[a-z0-9]+]] = {{.*}}) -> (tensor<1x2x4x16xi32>)
// CHECK: %[[QB:.*]] = tensor.extract_slice %[[QC]][%[[B]], %[[H]], %[[I]], 0] [1, 1, 1, 8] {{.*}} to tensor<1x8xi8>
// CHECK: %[[A:.*]] = sprint.crossbar_score ins(%[[QB]], %[[KH]]
// CHECK: %[[KEPT:.*]] = sprint.prune %[[A]] threshold(%[[TH]]) query(%[[I]]) of({{.*}}) band(<upper = 0>)
// CHECK: %[[N:.*]], %[[OWN:.*]] = sprint.gather %[[KEPT]]
// CHECK: %[[R:.*]] = sprint.recompute ins(%[[QB]], %[[KH]], %[[VH]], %[[N]], %[[OWN]]
// CHECK: tensor.insert_slice %[[R]] into %[[O]][%[[B]], %[[H]], %[[I]], 0]
// CHECK: sprint.dequantize ins({{.*}}, %[[VS]]

// DENSE-LABEL: func.func @static(
// DENSE-NOT: sprint.crossbar_score
// DENSE-NOT: sprint.prune
// DENSE: sprint.allow {{.*}} band(<upper = 0>)
func.func @static(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x6x8xf32>, %v: tensor<1x2x6x16xf32>) -> tensor<1x2x4x16xf32> {
  %init = tensor.empty() : tensor<1x2x4x16xf32>
  %o = sprint.attention ins(%q, %k, %v : tensor<1x2x4x8xf32>, tensor<1x2x6x8xf32>, tensor<1x2x6x16xf32>)
      outs(%init : tensor<1x2x4x16xf32>) scale(0.25) band(<upper = 0>) thresholds([1.5]) -> tensor<1x2x4x16xf32>
  return %o : tensor<1x2x4x16xf32>
}

// -----

// CHECK-LABEL: func.func @dynamic(
// CHECK: sprint.parameters {{.*}} scale(1.000000e+00) :
// CHECK: %[[SQ:.*]] = tensor.dim %{{.*}}, %{{.*}} : tensor<1x2x?x8xi8>
// CHECK: sprint.crossbar_score {{.*}} -> tensor<1x?xi32>
func.func @dynamic(%q: tensor<1x2x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>, %init: tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32> {
  %o = sprint.attention ins(%q, %k, %v : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>)
      outs(%init : tensor<1x2x?x8xf32>) scale(1.0) -> tensor<1x2x?x8xf32>
  return %o : tensor<1x2x?x8xf32>
}
