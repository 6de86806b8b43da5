// RUN: sprint-opt %s "--sprint-compile=arch=s" --split-input-file --verify-diagnostics

func.func @key_buffer(%q: tensor<1x1x4x8192xf32>, %v: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  %init = tensor.empty() : tensor<1x1x4x8xf32>
  // A key of 8192 channels still fits a buffer of 8192 bytes.
  %o = sprint.attention ins(%q, %q, %v : tensor<1x1x4x8192xf32>, tensor<1x1x4x8192xf32>, tensor<1x1x4x8xf32>)
      outs(%init : tensor<1x1x4x8xf32>) scale(1.0) -> tensor<1x1x4x8xf32>
  return %o : tensor<1x1x4x8xf32>
}

// -----

func.func @value_buffer(%q: tensor<1x1x4x8xf32>, %v: tensor<1x1x4x8193xf32>) -> tensor<1x1x4x8193xf32> {
  %init = tensor.empty() : tensor<1x1x4x8193xf32>
  // expected-remark @below {{attention stays on the host: expected a value to fit the value buffer of a CORELET of machine 's', got 8193 channels}}
  %o = sprint.attention ins(%q, %q, %v : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8193xf32>)
      outs(%init : tensor<1x1x4x8193xf32>) scale(1.0) -> tensor<1x1x4x8193xf32>
  return %o : tensor<1x1x4x8193xf32>
}

// -----

func.func @capacity(%q: tensor<1x1x200000x64xf32>) -> tensor<1x1x200000x64xf32> {
  %init = tensor.empty() : tensor<1x1x200000x64xf32>
  // expected-remark @below {{attention stays on the host: expected at most 131072 keys, the capacity of machine 's', got 200000}}
  %o = sprint.attention ins(%q, %q, %q : tensor<1x1x200000x64xf32>, tensor<1x1x200000x64xf32>, tensor<1x1x200000x64xf32>)
      outs(%init : tensor<1x1x200000x64xf32>) scale(1.0) -> tensor<1x1x200000x64xf32>
  return %o : tensor<1x1x200000x64xf32>
}

// -----

// The machine has lists of single rows. Blocks of more are right on every level above, and refused here.

sprint.program @block(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x2x4x4xi32>
  // expected-error @below {{'sprint.rows' op expected blocks of one row, as the machine has lists of single rows alone, got steps array<i64: 1, 1, 1, 4>}}
  %r = sprint.attend query(%q : tensor<1x2x4x8xi8>) key(%k : tensor<1x2x5x8xi8>) value(%v : tensor<1x2x5x4xi8>) threshold(%t : tensor<1x2xi32>)
      multiplier(%m : tensor<1x2xi64>) shift(%s : tensor<1x2xi64>) outs(%init : tensor<1x2x4x4xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
      schedule(<heads = 1, queries = 4, ahead = 1, residency = pinned, writes = [key, value, query]>) -> tensor<1x2x4x4xi32>
  sprint.return %r : tensor<1x2x4x4xi32>
}

// -----

sprint.program @heads(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x1x5x8xi8>, value %v: tensor<1x1x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x2x4x4xi32>
  // expected-error @below {{'sprint.rows' op expected blocks of one row, as the machine has lists of single rows alone, got steps array<i64: 1, 1, 2, 1>}}
  %r = sprint.attend query(%q : tensor<1x2x4x8xi8>) key(%k : tensor<1x1x5x8xi8>) value(%v : tensor<1x1x5x4xi8>) threshold(%t : tensor<1x2xi32>)
      multiplier(%m : tensor<1x2xi64>) shift(%s : tensor<1x2xi64>) outs(%init : tensor<1x2x4x4xi32>) select(all) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
      schedule(<heads = 2, queries = 1, ahead = 1, residency = pinned, writes = [key, value, query]>) -> tensor<1x2x4x4xi32>
  sprint.return %r : tensor<1x2x4x4xi32>
}

// -----

// What is read from ReRAM has to be written there.

sprint.program @writes(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x2x4x4xi32>
  // expected-error @below {{'sprint.recompute' op expected 'value' among the writes of the schedule, as it is read from ReRAM}}
  %r = sprint.attend query(%q : tensor<1x2x4x8xi8>) key(%k : tensor<1x2x5x8xi8>) value(%v : tensor<1x2x5x4xi8>) threshold(%t : tensor<1x2xi32>)
      multiplier(%m : tensor<1x2xi64>) shift(%s : tensor<1x2xi64>) outs(%init : tensor<1x2x4x4xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
      schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [key, query]>) -> tensor<1x2x4x4xi32>
  sprint.return %r : tensor<1x2x4x4xi32>
}

// -----

sprint.program @too_early(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x5x8xi8>, value %v: tensor<1x1x5x8xi8>, threshold %t: tensor<1x1xi32>,
    multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>) -> tensor<1x1x4x8xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x1x4x8xi32>
  // expected-error @below {{'sprint.return' op expected the output codes of 'sprint.rows'}}
  sprint.return %init : tensor<1x1x4x8xi32>
}
