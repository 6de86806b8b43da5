// RUN: sprint-opt %s --sprint-schedule-fetches --verify-diagnostics

func.func @no_loop(%q: tensor<1x8xi8>, %k: tensor<4x8xi8>, %i: tensor<?xindex>, %o: tensor<1x?xi1>, %m: i64, %init: tensor<1x8xi32>) -> tensor<1x8xi32> {
  // expected-error @below {{expected to stand in a loop over queries}}
  %r = sprint.recompute ins(%q, %k, %k, %i, %o, %m, %m : tensor<1x8xi8>, tensor<4x8xi8>, tensor<4x8xi8>, tensor<?xindex>, tensor<1x?xi1>)
      outs(%init : tensor<1x8xi32>) widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x8xi32>
  return %r : tensor<1x8xi32>
}
