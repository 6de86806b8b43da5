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

module @nested {
  func.func @inner(%q: tensor<1x1x4x8xf32>, %init: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %codes, %step = sprint.quantize %q nibble(centred) : tensor<1x1x4x8xf32> -> tensor<1x1x4x8xi8>, tensor<1x1xf32>
    %threshold, %multiplier, %shift = sprint.parameters %step, %step scale(1.0)
        : tensor<1x1xf32>, tensor<1x1xf32> -> tensor<1x1xi32>, tensor<1x1xi64>, tensor<1x1xi64>
    %empty = tensor.empty() : tensor<1x1x4x8xi32>
    %c = scf.for %i = %zero to %one step %one iter_args(%r = %empty) -> (tensor<1x1x4x8xi32>) {
      %t = tensor.extract %threshold[%i, %i] : tensor<1x1xi32>
      scf.yield %r : tensor<1x1x4x8xi32>
    }
    // expected-error @below {{expected to stand in a function of the outermost module}}
    %o = sprint.dequantize ins(%c, %step : tensor<1x1x4x8xi32>, tensor<1x1xf32>) outs(%init : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
    return %o : tensor<1x1x4x8xf32>
  }
}
