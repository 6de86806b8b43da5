// RUN: sprint-opt %s | sprint-opt | FileCheck %s
// RUN: sprint-opt %s --mlir-print-op-generic | sprint-opt | FileCheck %s

!cache = !sprint.cache<batches = 1, heads = 4, key_heads = 2, head_dim = 8, value_dim = 8>

// CHECK-LABEL: func @launch
func.func @launch(%n: index, %sq: tensor<1x4xf32>, %sk: tensor<1x2xf32>, %q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>)
    -> (tensor<1x4x?x8xf32>, !cache) {
  // CHECK: %[[EMPTY:.*]] = sprint.create_cache capacity(%{{.*}}) steps(%{{.*}}, %{{.*}}, %{{.*}} : tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2xf32>) : <batches = 1, heads = 4, key_heads = 2, head_dim = 8, value_dim = 8>
  %empty = sprint.create_cache capacity(%n) steps(%sq, %sk, %sk : tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2xf32>) : !cache
  // Another cache, whatever it is created of.
  // CHECK: sprint.create_cache
  %other = sprint.create_cache capacity(%n) steps(%sq, %sk, %sk : tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2xf32>) : !cache
  // CHECK: sprint.cached_launch @decode cache(%[[EMPTY]]) ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> tensor<1x4x?x8xf32>, <batches = 1,
  %o, %grown = sprint.cached_launch @decode cache(%empty) ins(%q, %k, %k : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>)
      -> tensor<1x4x?x8xf32>, !cache
  // CHECK: sprint.quantize_at %{{.*}} step(%{{.*}} : tensor<1x2xf32>) nibble(centred) : tensor<1x2x?x8xf32> -> tensor<1x2x?x8xi8>
  %codes = sprint.quantize_at %k step(%sk : tensor<1x2xf32>) nibble(centred) : tensor<1x2x?x8xf32> -> tensor<1x2x?x8xi8>
  return %o, %grown : tensor<1x4x?x8xf32>, !cache
}

// CHECK: sprint.program @decode({{.*}}) -> tensor<1x4x?x8xi32> scale(5.000000e-01) resident_cache {
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
