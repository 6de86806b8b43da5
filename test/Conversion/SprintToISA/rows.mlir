// RUN: sprint-opt %s --sprint-compile="arch=s schedule=dense" | FileCheck %s

// A mask with a row for each query is loaded in front of each list; a bias that all queries share, once a head.
// CHECK: sprint_isa.program
// CHECK-SAME: inputs(mask, bias) {
// CHECK: sprint_isa.unit select {
// CHECK: sprint_isa.acquire queue(@write_before_select)
// CHECK-NEXT: sprint_isa.load_bias batch(i0) head(i1) query(0)
// CHECK-NEXT: sprint_isa.loop trip(queries) {
// CHECK: sprint_isa.load_mask region(mask) batch(i0) head(i1) query(i2)
// CHECK-NEXT: sprint_isa.list_range first(0) last(keys)
func.func @dense(%q: tensor<1x2x5x8xf32>, %k: tensor<1x2x7x8xf32>, %v: tensor<1x2x7x8xf32>, %mask: tensor<1x1x5x7xi1>,
                 %bias: tensor<1x2x1x7xf32>, %init: tensor<1x2x5x8xf32>) -> tensor<1x2x5x8xf32> {
  %o = sprint.attention ins(%q, %k, %v : tensor<1x2x5x8xf32>, tensor<1x2x7x8xf32>, tensor<1x2x7x8xf32>)
      mask(%mask : tensor<1x1x5x7xi1>) bias(%bias : tensor<1x2x1x7xf32>)
      outs(%init : tensor<1x2x5x8xf32>) scale(0.25) -> tensor<1x2x5x8xf32>
  return %o : tensor<1x2x5x8xf32>
}
