// RUN: sprint-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{expected heads to be a multiple of 3 key heads, got 4}}
func.func private @type(!sprint.cache<batches = 1, heads = 4, key_heads = 3, head_dim = 8, value_dim = 8>)

// -----

// expected-error @below {{expected 'head_dim' between 1 and 2147483648, got 0}}
func.func private @type(!sprint.cache<batches = 1, heads = 4, key_heads = 2, head_dim = 0, value_dim = 8>)

// -----

!cache = !sprint.cache<batches = 1, heads = 4, key_heads = 2, head_dim = 8, value_dim = 8>
func.func @steps(%n: index, %sq: tensor<1x4xf32>, %sk: tensor<1x4xf32>) {
  // expected-error @below {{expected dimension 1 (G) of key_step to be 2 as in the cache, got 4}}
  %c = sprint.create_cache capacity(%n) steps(%sq, %sk, %sk : tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>) : !cache
  return
}

// -----

!cache = !sprint.cache<batches = 1, heads = 4, key_heads = 2, head_dim = 8, value_dim = 8>
func.func @sizes(%c: !cache, %q: tensor<1x4x?x16xf32>, %k: tensor<1x2x?x16xf32>) {
  // expected-error @below {{expected dimension 3 (D) of query to be 8 as in the cache, got 16}}
  %o, %g = sprint.cached_launch @decode cache(%c) ins(%q, %k, %k : tensor<1x4x?x16xf32>, tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>)
      -> tensor<1x4x?x16xf32>, !cache
  return
}

// -----

!cache = !sprint.cache<batches = 1, heads = 4, key_heads = 2, head_dim = 8, value_dim = 8>
func.func @tokens(%c: !cache, %q: tensor<1x4x?x8xf32>, %k: tensor<1x2x3x8xf32>, %v: tensor<1x2x4x8xf32>) {
  // expected-error @below {{expected dimension 2 (Sn) of value to be 3 as in key, got 4}}
  %o, %g = sprint.cached_launch @decode cache(%c) ins(%q, %k, %v : tensor<1x4x?x8xf32>, tensor<1x2x3x8xf32>, tensor<1x2x4x8xf32>)
      -> tensor<1x4x?x8xf32>, !cache
  return
}

// -----

!cache = !sprint.cache<batches = 1, heads = 4, key_heads = 2, head_dim = 8, value_dim = 8>
func.func @program(%q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>, %init: tensor<1x4x?x8xf32>) {
  // expected-error @below {{expected a program without 'resident_cache', got @decode}}
  %o = sprint.launch @decode ins(%q, %k, %k : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>)
      outs(%init : tensor<1x4x?x8xf32>) -> tensor<1x4x?x8xf32>
  return
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

// -----

!cache = !sprint.cache<batches = 1, heads = 4, key_heads = 2, head_dim = 8, value_dim = 8>
func.func @program(%c: !cache, %q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>) {
  // expected-error @below {{expected a program with 'resident_cache', got @decode}}
  %o, %g = sprint.cached_launch @decode cache(%c) ins(%q, %k, %k : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>)
      -> tensor<1x4x?x8xf32>, !cache
  return
}
sprint.program @decode(query %q: tensor<1x4x?x8xi8>, key %k: tensor<1x2x?x8xi8>, value %v: tensor<1x2x?x8xi8>,
                       threshold %t: tensor<1x4xi32>, multiplier %m: tensor<1x4xi64>, shift %s: tensor<1x4xi64>)
    -> tensor<1x4x?x8xi32> scale(0.5) {
  %c2 = arith.constant 2 : index
  %n = tensor.dim %q, %c2 : tensor<1x4x?x8xi8>
  %init = tensor.empty(%n) : tensor<1x4x?x8xi32>
  %r = sprint.attend query(%q : tensor<1x4x?x8xi8>) key(%k : tensor<1x2x?x8xi8>) value(%v : tensor<1x2x?x8xi8>)
      threshold(%t : tensor<1x4xi32>) multiplier(%m : tensor<1x4xi64>) shift(%s : tensor<1x4xi64>)
      outs(%init : tensor<1x4x?x8xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x4x?x8xi32>
  sprint.return %r : tensor<1x4x?x8xi32>
}
