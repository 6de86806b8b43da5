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
