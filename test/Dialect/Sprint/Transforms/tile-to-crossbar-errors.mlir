// RUN: sprint-opt %s "--pass-pipeline=builtin.module(sprint.program(sprint-tile-to-crossbar))" --split-input-file --verify-diagnostics

sprint.program @no_schedule(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x5x8xi8>, value %v: tensor<1x1x5x8xi8>, threshold %t: tensor<1x1xi32>,
    multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>) -> tensor<1x1x4x8xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x1x4x8xi32>
  // expected-error @below {{expected a schedule; run sprint-schedule-fetches first}}
  %r = sprint.attend query(%q : tensor<1x1x4x8xi8>) key(%k : tensor<1x1x5x8xi8>) value(%v : tensor<1x1x5x8xi8>) threshold(%t : tensor<1x1xi32>)
      multiplier(%m : tensor<1x1xi64>) shift(%s : tensor<1x1xi64>) outs(%init : tensor<1x1x4x8xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

// -----

sprint.program @heads(query %q: tensor<1x?x4x8xi8>, key %k: tensor<1x1x5x8xi8>, value %v: tensor<1x1x5x8xi8>, threshold %t: tensor<1x?xi32>,
    multiplier %m: tensor<1x?xi64>, shift %s: tensor<1x?xi64>) -> tensor<1x?x4x8xi32> scale(0.125) {
  %c1 = arith.constant 1 : index
  %size = tensor.dim %q, %c1 : tensor<1x?x4x8xi8>
  %init = tensor.empty(%size) : tensor<1x?x4x8xi32>
  // expected-error @below {{expected static numbers of heads}}
  %r = sprint.attend query(%q : tensor<1x?x4x8xi8>) key(%k : tensor<1x1x5x8xi8>) value(%v : tensor<1x1x5x8xi8>) threshold(%t : tensor<1x?xi32>)
      multiplier(%m : tensor<1x?xi64>) shift(%s : tensor<1x?xi64>) outs(%init : tensor<1x?x4x8xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
      schedule(<heads = 1, queries = 2, ahead = 1, residency = pinned, writes = [key, value, query]>) -> tensor<1x?x4x8xi32>
  sprint.return %r : tensor<1x?x4x8xi32>
}
