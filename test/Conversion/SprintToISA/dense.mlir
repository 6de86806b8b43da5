// RUN: sprint-opt %s "--sprint-compile=arch=s schedule=dense" | FileCheck %s

// CHECK-NOT: sprint_isa.threshold
// CHECK: sprint_isa.list_range first(0) last(min(keys, i2 + keys - queries + 1)) keys_to(@select_to_key_fetch) values_to(@select_to_value_fetch)
// CHECK-NOT: sprint_isa.threshold
// CHECK: sprint_isa.fetch region(key) residency(pinned)
// CHECK: sprint_isa.fetch region(value) residency(pinned)
func.func @f(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x6x8xf32>, %init: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %o = sprint.attention ins(%q, %k, %k : tensor<1x2x4x8xf32>, tensor<1x2x6x8xf32>, tensor<1x2x6x8xf32>)
      outs(%init : tensor<1x2x4x8xf32>) scale(0.25) band(<upper = 0, align = end>) -> tensor<1x2x4x8xf32>
  return %o : tensor<1x2x4x8xf32>
}
