// RUN: sprint-opt %s --convert-sprint-to-linalg | FileCheck %s

// Programs and launches stay; what a program does is lowered.

// CHECK-LABEL: sprint.program @device
// CHECK-NOT:     sprint.crossbar_score
// CHECK:         linalg.generic
// CHECK:         sprint.return
sprint.program @device(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>,
    threshold %threshold: tensor<1x1xi32>, multiplier %multiplier: tensor<1x1xi64>, shift %shift: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  %queries = tensor.extract_slice %q[0, 0, 0, 0] [1, 1, 4, 8] [1, 1, 1, 1] : tensor<1x1x4x8xi8> to tensor<4x8xi8>
  %keys = tensor.extract_slice %k[0, 0, 0, 0] [1, 1, 4, 8] [1, 1, 1, 1] : tensor<1x1x4x8xi8> to tensor<4x8xi8>
  %zeros = arith.constant dense<0> : tensor<4x4xi32>
  %scores = sprint.crossbar_score ins(%queries, %keys : tensor<4x8xi8>, tensor<4x8xi8>) outs(%zeros : tensor<4x4xi32>)
      nibble(centred) -> tensor<4x4xi32>
  %empty = tensor.empty() : tensor<1x1x4x8xi32>
  %r = tensor.insert_slice %scores into %empty[0, 0, 0, 0] [1, 1, 4, 4] [1, 1, 1, 1] : tensor<4x4xi32> into tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

// CHECK-LABEL: func.func @main
// CHECK:         sprint.launch @device
func.func @main(%q: tensor<1x1x4x8xf32>, %init: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  %0 = sprint.launch @device ins(%q, %q, %q : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>)
                             outs(%init : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  return %0 : tensor<1x1x4x8xf32>
}
