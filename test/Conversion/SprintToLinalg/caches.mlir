// RUN: sprint-opt %s --sprint-compile="arch=s level=scheduled" --convert-sprint-to-linalg | FileCheck %s

!cache = !sprint.cache<batches = 1, heads = 4, key_heads = 2, head_dim = 8, value_dim = 8>

// On the host a cache is codes, a length and steps.
// CHECK-LABEL: func.func private @step
// CHECK-SAME: %[[KEYS:[a-z0-9]*]]: tensor<1x2x?x8xi8>, %[[VALUES:[a-z0-9]*]]: tensor<1x2x?x8xi8>, %[[LENGTH:[a-z0-9]*]]: index, %{{.*}}: tensor<1x4xf32>, %{{.*}}: tensor<1x2xf32>, %{{.*}}: tensor<1x2xf32>,
func.func private @step(%c: !cache, %q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>) -> (tensor<1x4x?x8xf32>, !cache) {
  // CHECK: %[[ADDED:.*]] = tensor.dim
  // CHECK: %[[GROWN:.*]] = arith.addi %[[LENGTH]], %[[ADDED]]
  // CHECK: cf.assert %{{.*}}, "expected a capacity of the cache for all tokens of its launches"
  // CHECK: tensor.insert_slice %{{.*}} into %[[KEYS]][0, 0, %[[LENGTH]], 0] [1, 2, %[[ADDED]], 8]
  // CHECK: tensor.extract_slice %{{.*}}[0, 0, 0, 0] [1, 2, %[[GROWN]], 8]
  // CHECK: tensor.insert_slice %{{.*}} into %[[VALUES]][0, 0, %[[LENGTH]], 0]
  // CHECK: call @decode
  // CHECK-NOT: sprint.
  %o, %grown = sprint.cached_launch @decode cache(%c) ins(%q, %k, %k : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>)
      -> tensor<1x4x?x8xf32>, !cache
  return %o, %grown : tensor<1x4x?x8xf32>, !cache
}

// CHECK-LABEL: func.func @main
func.func @main(%n: index, %sq: tensor<1x4xf32>, %sk: tensor<1x2xf32>, %q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>) -> tensor<1x4x?x8xf32> {
  // CHECK: tensor.empty(%{{.*}}) : tensor<1x2x?x8xi8>
  // CHECK: cf.assert %{{.*}}, "expected finite steps of at least 2^-126"
  %empty = sprint.create_cache capacity(%n) steps(%sq, %sk, %sk : tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2xf32>) : !cache
  %o, %end = func.call @step(%empty, %q, %k) : (!cache, tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>) -> (tensor<1x4x?x8xf32>, !cache)
  return %o : tensor<1x4x?x8xf32>
}

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
