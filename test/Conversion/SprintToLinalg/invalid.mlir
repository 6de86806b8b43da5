// RUN: sprint-opt %s --convert-sprint-to-linalg --verify-diagnostics

func.func @too_wide(%q: tensor<1x65537xi8>, %k: tensor<?x65537xi8>, %v: tensor<?x8xi8>, %indices: tensor<?xindex>,
                    %owners: tensor<1x?xi1>, %m: tensor<1xi64>, %s: tensor<1xi64>, %init: tensor<1x8xi32>) -> tensor<1x8xi32> {
  // expected-error @+1 {{expected a head dimension of at most 65536, got 65537}}
  %0 = sprint.recompute ins(%q, %k, %v, %indices, %owners, %m, %s
          : tensor<1x65537xi8>, tensor<?x65537xi8>, tensor<?x8xi8>, tensor<?xindex>, tensor<1x?xi1>, tensor<1xi64>, tensor<1xi64>)
      outs(%init : tensor<1x8xi32>)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x8xi32>
  return %0 : tensor<1x8xi32>
}
