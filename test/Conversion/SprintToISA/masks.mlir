// RUN: sprint-opt %s --sprint-compile=arch=s | FileCheck %s

// Padding and biases go to ReRAM with the queries of their head. The padding, the same for all queries, is loaded once a
// head; the biases once a query, before its thresholding.
// CHECK: sprint.launch @[[PRUNED:[a-z_0-9]+]] ins({{.*}}) key_valid({{.*}}) bias({{.*}})
// CHECK: sprint_isa.program @[[PRUNED]]
// CHECK-SAME: value_dim = 8, group = 1) scale(2.500000e-01) inputs(key_valid, bias) {
// CHECK: sprint_isa.unit write {
// CHECK: sprint_isa.write region(query) batch(i0) head(i1)
// CHECK-NEXT: sprint_isa.write region(key_valid) batch(i0) head(i1)
// CHECK-NEXT: sprint_isa.write region(bias) batch(i0) head(i1)
// CHECK-NEXT: sprint_isa.release queue(@write_before_select)
// CHECK: sprint_isa.unit select {
// CHECK: sprint_isa.acquire queue(@write_before_select)
// CHECK-NEXT: sprint_isa.load_mask region(key_valid) batch(i0) head(i1) query(0)
// CHECK-NEXT: sprint_isa.loop trip(queries) {
// CHECK: sprint_isa.load_bias batch(i0) head(i1) query(i2)
// CHECK-NEXT: sprint_isa.copy_query
// CHECK-NEXT: sprint_isa.threshold
func.func @pruned(%q: tensor<2x2x?x8xf32>, %k: tensor<2x2x?x8xf32>, %v: tensor<2x2x?x8xf32>, %valid: tensor<2x?xi1>,
                  %bias: tensor<1x2x?x?xf32>, %init: tensor<2x2x?x8xf32>) -> tensor<2x2x?x8xf32> {
  %o = sprint.attention ins(%q, %k, %v : tensor<2x2x?x8xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x8xf32>)
      key_valid(%valid : tensor<2x?xi1>) bias(%bias : tensor<1x2x?x?xf32>)
      outs(%init : tensor<2x2x?x8xf32>) scale(0.25) -> tensor<2x2x?x8xf32>
  return %o : tensor<2x2x?x8xf32>
}
