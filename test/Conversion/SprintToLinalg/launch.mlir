// RUN: sprint-opt %s --sprint-attach-machine --convert-sprint-to-linalg --canonicalize | FileCheck %s
// RUN: sprint-opt %s --sprint-attach-machine=arch=s-paper-widths --convert-sprint-to-linalg --canonicalize | FileCheck %s --check-prefix=TRUNCATED

// A launch quantises its floats as the machine does, derives the numbers of each head, calls the program and turns its codes
// into floats. A bias is one of every head by then.

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: tensor<2x6x?x8xf32>, %[[K:[a-z0-9]*]]: tensor<2x2x?x8xf32>, %[[VALID:[a-z0-9]*]]: tensor<2x?xi1>, %[[BIAS:[a-z0-9]*]]: tensor<1x6x1x?xf32>, %[[INIT:[a-z0-9]*]]: tensor<2x6x?x8xf32>)
// CHECK-DAG:     arith.constant 1.190000e+02 : f32
// CHECK-DAG:     arith.constant 1.500000e+00 : f64
// CHECK-DAG:     arith.constant 1.250000e-01 : f64
// CHECK-NOT:     sprint.
// CHECK:         %[[CODES:.*]] = call @device(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[VALID]], %{{.*}}) :
// CHECK-SAME:    (tensor<2x6x?x8xi8>, tensor<2x2x?x8xi8>, tensor<2x2x?x8xi8>, tensor<2x6xi32>, tensor<2x6xi64>, tensor<2x6xi64>, tensor<2x?xi1>, tensor<2x6x1x?xi32>) -> tensor<2x6x?x8xi32>
// CHECK:         %[[R:.*]] = linalg.generic {{.*}} ins(%[[CODES]] : {{.*}}) outs(%[[INIT]] :
// CHECK:         return %[[R]]
// TRUNCATED:     arith.constant 1.270000e+02 : f32
func.func @main(%q: tensor<2x6x?x8xf32>, %k: tensor<2x2x?x8xf32>, %valid: tensor<2x?xi1>, %bias: tensor<1x6x1x?xf32>,
    %init: tensor<2x6x?x8xf32>) -> tensor<2x6x?x8xf32> {
  %0 = sprint.launch @device ins(%q, %k, %k : tensor<2x6x?x8xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x8xf32>)
      key_valid(%valid : tensor<2x?xi1>) bias(%bias : tensor<1x6x1x?xf32>) outs(%init : tensor<2x6x?x8xf32>) -> tensor<2x6x?x8xf32>
  return %0 : tensor<2x6x?x8xf32>
}

sprint.program @device(query %q: tensor<2x6x?x8xi8>, key %k: tensor<2x2x?x8xi8>, value %v: tensor<2x2x?x8xi8>,
    threshold %threshold: tensor<2x6xi32>, multiplier %multiplier: tensor<2x6xi64>, shift %shift: tensor<2x6xi64>,
    key_valid %valid: tensor<2x?xi1>, bias %bias: tensor<2x6x1x?xi32>) -> tensor<2x6x?x8xi32> scale(0.125) thresholds([1.5]) {
  %c2 = arith.constant 2 : index
  %n = tensor.dim %q, %c2 : tensor<2x6x?x8xi8>
  %empty = tensor.empty(%n) : tensor<2x6x?x8xi32>
  sprint.return %empty : tensor<2x6x?x8xi32>
}

// A launch of commands stays: the machine runs it.

// CHECK-LABEL: func.func @commands(
// CHECK:         sprint.launch @stream
func.func @commands(%q: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  %0 = sprint.launch @stream ins(%q, %q, %q : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>)
                             outs(%q : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  return %0 : tensor<1x1x4x8xf32>
}
sprint_isa.program @stream machine("s", "c6efa207582d51bf")
    parameters(batches = 1, heads = 1, queries = 4, keys = 4, head_dim = 8, value_dim = 8, group = 1) scale(0.125) {
}
