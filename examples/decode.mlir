// Decoding by hand-written IR: one query a step, against a cache of keys and values that stays on the machine.
//
// Tokens [1, 8 heads, S, 64] and [1, 2 key heads, S, 64], and steps of quantisation for queries, keys and values (docs/numerics.md, section
// 2), which calibration gives. Token i attends to tokens 0 .. i.

!cache = !sprint.cache<batches = 1, heads = 8, key_heads = 2, head_dim = 64, value_dim = 64>

func.func @main(%query: tensor<1x8x?x64xf32>, %key: tensor<1x2x?x64xf32>, %value: tensor<1x2x?x64xf32>,
                %query_step: tensor<1x8xf32>, %key_step: tensor<1x2xf32>, %value_step: tensor<1x2xf32>) -> tensor<1x8x?x64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %tokens = tensor.dim %query, %c2 : tensor<1x8x?x64xf32>
  %empty = sprint.create_cache capacity(%tokens)
      steps(%query_step, %key_step, %value_step : tensor<1x8xf32>, tensor<1x2xf32>, tensor<1x2xf32>) : !cache
  %init = tensor.empty(%tokens) : tensor<1x8x?x64xf32>
  %output, %full = scf.for %i = %c0 to %tokens step %c1 iter_args(%outputs = %init, %past = %empty)
      -> (tensor<1x8x?x64xf32>, !cache) {
    %q = tensor.extract_slice %query[0, 0, %i, 0] [1, 8, 1, 64] [1, 1, 1, 1] : tensor<1x8x?x64xf32> to tensor<1x8x1x64xf32>
    %k = tensor.extract_slice %key[0, 0, %i, 0] [1, 2, 1, 64] [1, 1, 1, 1] : tensor<1x2x?x64xf32> to tensor<1x2x1x64xf32>
    %v = tensor.extract_slice %value[0, 0, %i, 0] [1, 2, 1, 64] [1, 1, 1, 1] : tensor<1x2x?x64xf32> to tensor<1x2x1x64xf32>
    %o, %grown = sprint.cached_launch @decode cache(%past)
        ins(%q, %k, %v : tensor<1x8x1x64xf32>, tensor<1x2x1x64xf32>, tensor<1x2x1x64xf32>) -> tensor<1x8x1x64xf32>, !cache
    %next = tensor.insert_slice %o into %outputs[0, 0, %i, 0] [1, 8, 1, 64] [1, 1, 1, 1]
        : tensor<1x8x1x64xf32> into tensor<1x8x?x64xf32>
    scf.yield %next, %grown : tensor<1x8x?x64xf32>, !cache
  }
  return %output : tensor<1x8x?x64xf32>
}

// What one step runs on the machine: integers, all keys and values of the cache.
sprint.program @decode(
    query %query: tensor<1x8x1x64xi8>, key %key: tensor<1x2x?x64xi8>, value %value: tensor<1x2x?x64xi8>,
    threshold %threshold: tensor<1x8xi32>, multiplier %multiplier: tensor<1x8xi64>, shift %shift: tensor<1x8xi64>)
    -> tensor<1x8x1x64xi32> scale(0.125) resident_cache {
  %init = tensor.empty() : tensor<1x8x1x64xi32>
  %codes = sprint.attend query(%query : tensor<1x8x1x64xi8>) key(%key : tensor<1x2x?x64xi8>) value(%value : tensor<1x2x?x64xi8>)
      threshold(%threshold : tensor<1x8xi32>) multiplier(%multiplier : tensor<1x8xi64>) shift(%shift : tensor<1x8xi64>)
      outs(%init : tensor<1x8x1x64xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x8x1x64xi32>
  sprint.return %codes : tensor<1x8x1x64xi32>
}
