// RUN: sprint-opt %s --allow-unregistered-dialect --verify-roundtrip | FileCheck %s

// CHECK-LABEL: module @attributes attributes {
// CHECK-SAME: test.affine = #sprint_isa.expr<i2 + 1>
// CHECK-SAME: test.joined = #sprint_isa.expr<min(i2 + 1, keys)>
// CHECK-SAME: test.region = #sprint_isa<region key>
// CHECK-SAME: test.residency = #sprint_isa<residency pinned>
// CHECK-SAME: test.unit = #sprint_isa<unit qk>
module @attributes attributes {
  test.affine = #sprint_isa.expr<i2 + 1>,
  test.joined = #sprint_isa.expr<min(i2 + 1, keys)>,
  test.region = #sprint_isa<region key>,
  test.residency = #sprint_isa<residency pinned>,
  test.unit = #sprint_isa<unit qk>
} {
}
