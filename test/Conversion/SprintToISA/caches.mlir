// RUN: sprint-opt %s --sprint-compile=arch=s | FileCheck %s
// RUN: sprint-opt %s --sprint-compile=arch=s | sprint-translate --sprint-isa-to-stream -o %t.stream
// RUN: sprint-translate --stream-to-sprint-isa %t.stream | FileCheck %s

// Of keys and values the tokens are written that the launch brings, of queries all. Nothing else is as without a cache.
// CHECK: sprint_isa.program @decode
// CHECK-SAME: parameters(batches = 1, heads = 4, queries = ?, keys = ?, head_dim = 8, value_dim = 8, group = 2)
// CHECK-SAME: resident_cache {
// CHECK: sprint_isa.unit write {
// CHECK: sprint_isa.write region(key) batch(i0) head(i1) first(past) count(keys - past)
// CHECK: sprint_isa.write region(value) batch(i0) head(i1) first(past) count(keys - past)
// CHECK: sprint_isa.write region(query) batch(i0) head(i1 * 2 + i2){{$}}
// CHECK: sprint_isa.threshold batch(i0) head(i1 * 2 + i2) first(0) last(keys)
sprint.program @decode(query %q: tensor<1x4x?x8xi8>, key %k: tensor<1x2x?x8xi8>, value %v: tensor<1x2x?x8xi8>,
                       threshold %t: tensor<1x4xi32>, multiplier %m: tensor<1x4xi64>, shift %s: tensor<1x4xi64>)
    -> tensor<1x4x?x8xi32> scale(0.5) resident_cache {
  %c2 = arith.constant 2 : index
  %n = tensor.dim %q, %c2 : tensor<1x4x?x8xi8>
  %init = tensor.empty(%n) : tensor<1x4x?x8xi32>
  %r = sprint.attend query(%q : tensor<1x4x?x8xi8>) key(%k : tensor<1x2x?x8xi8>) value(%v : tensor<1x2x?x8xi8>)
      threshold(%t : tensor<1x4xi32>) multiplier(%m : tensor<1x4xi64>) shift(%s : tensor<1x4xi64>)
      outs(%init : tensor<1x4x?x8xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x4x?x8xi32>
  sprint.return %r : tensor<1x4x?x8xi32>
}
