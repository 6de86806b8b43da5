// RUN: sprint-opt %s --sprint-compile=arch=s | FileCheck %s

// Keys and values are written once for the heads that share them, and stay until the last of these is done.
// CHECK: sprint_isa.program
// CHECK-SAME: parameters(batches = 1, heads = 6, queries = ?, keys = ?, head_dim = 8, value_dim = 8, group = 3)
// CHECK: sprint_isa.unit write {
// CHECK-NEXT: sprint_isa.loop trip(batches) {
// CHECK-NEXT: sprint_isa.loop trip(heads floordiv 3) {
// CHECK-NEXT: sprint_isa.acquire queue(@head_slots)
// CHECK-NEXT: sprint_isa.write region(key) batch(i0) head(i1)
// CHECK-NEXT: sprint_isa.write region(value) batch(i0) head(i1)
// CHECK-NEXT: sprint_isa.loop trip(3) {
// CHECK-NEXT: sprint_isa.write region(query) batch(i0) head(i1 * 3 + i2)
// CHECK-NEXT: sprint_isa.release queue(@write_before_select)
// CHECK-NEXT: sprint_isa.release queue(@write_before_key_fetch)
// CHECK-NEXT: }
// CHECK: sprint_isa.unit key_fetch {
// CHECK: sprint_isa.load_query batch(i0) head(i1 * 3 + i2) query(i3)
// CHECK: sprint_isa.unit v {
// CHECK: sprint_isa.store_output batch(i0) head(i1 * 3 + i2) query(i3)
// CHECK: }
// CHECK-NEXT: }
// CHECK-NEXT: sprint_isa.release queue(@head_slots)
func.func @grouped(%q: tensor<1x6x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>,
                   %init: tensor<1x6x?x8xf32>) -> tensor<1x6x?x8xf32> {
  %o = sprint.attention ins(%q, %k, %v : tensor<1x6x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>)
      outs(%init : tensor<1x6x?x8xf32>) scale(0.25) band(<upper = 0>) -> tensor<1x6x?x8xf32>
  return %o : tensor<1x6x?x8xf32>
}
