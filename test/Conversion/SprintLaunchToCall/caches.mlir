// RUN: sprint-opt %s --sprint-compile=arch=s --convert-sprint-launch-to-call | FileCheck %s

!cache = !sprint.cache<batches = 1, heads = 4, key_heads = 2, head_dim = 8, value_dim = 8>

// A cache is a handle and the number of tokens, wherever it goes.
// CHECK-DAG: func.func private @sprintCreateCache(i64, i64, i64, i64, i64, i64, tensor<*xf32> {{{.*}}}, tensor<*xf32> {{{.*}}}, tensor<*xf32> {{{.*}}}) -> i64
// CHECK-DAG: func.func private @sprintLaunchMemRefsOnCache(i64, i64, i64, tensor<*xf32> {{{.*}}}, 
// CHECK-LABEL: func.func private @step
// CHECK-SAME: %[[HANDLE:.*]]: i64, %[[LENGTH:.*]]: index,
// CHECK-SAME: -> (tensor<1x4x?x8xf32>, i64, index)
func.func private @step(%c: !cache, %q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>) -> (tensor<1x4x?x8xf32>, !cache) {
  // CHECK: %[[TOKENS:.*]] = arith.index_cast %[[LENGTH]] : index to i64
  // CHECK: call @sprintLaunchMemRefsOnCache(%{{.*}}, %[[HANDLE]], %[[TOKENS]],
  // CHECK: %[[ADDED:.*]] = tensor.dim
  // CHECK: %[[GROWN:.*]] = arith.addi %[[LENGTH]], %[[ADDED]]
  %o, %grown = sprint.cached_launch @decode cache(%c) ins(%q, %k, %k : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>)
      -> tensor<1x4x?x8xf32>, !cache
  // CHECK: return %{{.*}}, %[[HANDLE]], %[[GROWN]]
  return %o, %grown : tensor<1x4x?x8xf32>, !cache
}

// CHECK-LABEL: func.func @main
func.func @main(%n: index, %sq: tensor<1x4xf32>, %sk: tensor<1x2xf32>, %q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>) -> tensor<1x4x?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: %[[CREATED:.*]] = call @sprintCreateCache(
  %empty = sprint.create_cache capacity(%n) steps(%sq, %sk, %sk : tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2xf32>) : !cache
  // CHECK: %[[ZERO:.*]] = arith.constant 0 : index
  // CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %[[CREATED]], %{{.*}} = %[[ZERO]])
  %o, %end = scf.for %i = %c0 to %n step %c1 iter_args(%last = %q, %c = %empty) -> (tensor<1x4x?x8xf32>, !cache) {
    %next, %grown = func.call @step(%c, %last, %k) : (!cache, tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>) -> (tensor<1x4x?x8xf32>, !cache)
    scf.yield %next, %grown : tensor<1x4x?x8xf32>, !cache
  }
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
