// RUN: sprint-opt %s --sprint-outline-programs --split-input-file --verify-diagnostics

func.func @no_quantize(%codes: tensor<1x1x4x8xi32>, %step: tensor<1x1xf32>, %init: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  // expected-error @below {{expected its step from a 'sprint.quantize'}}
  %o = sprint.dequantize ins(%codes, %step : tensor<1x1x4x8xi32>, tensor<1x1xf32>) outs(%init : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  return %o : tensor<1x1x4x8xf32>
}

// -----

func.func @no_loop(%v: tensor<1x1x4x8xf32>, %codes: tensor<1x1x4x8xi32>, %init: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  %c, %step = sprint.quantize %v nibble(centred) : tensor<1x1x4x8xf32> -> tensor<1x1x4x8xi8>, tensor<1x1xf32>
  // expected-error @below {{expected its codes from a loop}}
  %o = sprint.dequantize ins(%codes, %step : tensor<1x1x4x8xi32>, tensor<1x1xf32>) outs(%init : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  return %o : tensor<1x1x4x8xf32>
}

// -----

module {
  module @nested {
    func.func @inner(%q: tensor<1x1x4x8xf32>, %token: tensor<1x8xi8>, %tokens: tensor<4x8xi8>, %indices: tensor<?xindex>,
        %owners: tensor<1x?xi1>, %zeros: tensor<1x8xi32>, %init: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %codes, %step = sprint.quantize %q nibble(centred) : tensor<1x1x4x8xf32> -> tensor<1x1x4x8xi8>, tensor<1x1xf32>
      %threshold, %multiplier, %shift = sprint.parameters %step, %step scale(1.0)
          : tensor<1x1xf32>, tensor<1x1xf32> -> tensor<1x1xi32>, tensor<1x1xi64>, tensor<1x1xi64>
      %empty = tensor.empty() : tensor<1x1x4x8xi32>
      %c = scf.for %i = %zero to %one step %one iter_args(%r = %empty) -> (tensor<1x1x4x8xi32>) {
        %m = tensor.extract %multiplier[%i, %i] : tensor<1x1xi64>
        %s = tensor.extract %shift[%i, %i] : tensor<1x1xi64>
        %row = sprint.recompute ins(%token, %tokens, %tokens, %indices, %owners, %m, %s
            : tensor<1x8xi8>, tensor<4x8xi8>, tensor<4x8xi8>, tensor<?xindex>, tensor<1x?xi1>) outs(%zeros : tensor<1x8xi32>)
            widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x8xi32>
        scf.yield %r : tensor<1x1x4x8xi32>
      }
      // expected-error @below {{expected to stand in a function of the outermost module}}
      %o = sprint.dequantize ins(%c, %step : tensor<1x1x4x8xi32>, tensor<1x1xf32>) outs(%init : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
      return %o : tensor<1x1x4x8xf32>
    }
  }
}

// -----

func.func @nibbles(%q: tensor<1x1x4x8xf32>, %token: tensor<1x8xi8>, %tokens: tensor<4x8xi8>, %indices: tensor<?xindex>,
    %owners: tensor<1x?xi1>, %zeros: tensor<1x8xi32>, %init: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %codes, %step = sprint.quantize %q nibble(centred) : tensor<1x1x4x8xf32> -> tensor<1x1x4x8xi8>, tensor<1x1xf32>
  // expected-error @below {{expected the nibble of the query, centred, got truncated}}
  %v_codes, %v_step = sprint.quantize %q nibble(truncated) : tensor<1x1x4x8xf32> -> tensor<1x1x4x8xi8>, tensor<1x1xf32>
  %threshold, %multiplier, %shift = sprint.parameters %step, %step scale(1.0)
      : tensor<1x1xf32>, tensor<1x1xf32> -> tensor<1x1xi32>, tensor<1x1xi64>, tensor<1x1xi64>
  %empty = tensor.empty() : tensor<1x1x4x8xi32>
  %c = scf.for %i = %zero to %one step %one iter_args(%r = %empty) -> (tensor<1x1x4x8xi32>) {
    %m = tensor.extract %multiplier[%i, %i] : tensor<1x1xi64>
    %s = tensor.extract %shift[%i, %i] : tensor<1x1xi64>
    %row = sprint.recompute ins(%token, %tokens, %tokens, %indices, %owners, %m, %s
        : tensor<1x8xi8>, tensor<4x8xi8>, tensor<4x8xi8>, tensor<?xindex>, tensor<1x?xi1>) outs(%zeros : tensor<1x8xi32>)
        widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x8xi32>
    scf.yield %r : tensor<1x1x4x8xi32>
  }
  %o = sprint.dequantize ins(%c, %v_step : tensor<1x1x4x8xi32>, tensor<1x1xf32>) outs(%init : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  return %o : tensor<1x1x4x8xf32>
}
