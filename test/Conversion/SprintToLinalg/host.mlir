// RUN: sprint-opt %s --convert-sprint-to-linalg --canonicalize --cse | FileCheck %s

// A program becomes a function, its nest loops over the launch parameters' sizes; what a block does is lowered.

// CHECK-LABEL: func.func private @device(
// CHECK-SAME:    %[[Q:[a-z0-9]*]]: tensor<1x6x?x8xi8>, %[[K:[a-z0-9]*]]: tensor<1x2x?x8xi8>,
// CHECK-SAME:    -> tensor<1x6x?x8xi32>
// CHECK-DAG:     %[[QUERIES:.*]] = tensor.dim %[[Q]]
// CHECK-DAG:     %[[TWO:.*]] = arith.constant 2 : index
// CHECK:         %[[ALL:.*]] = scf.for %{{.*}} = %{{.*}} to %[[TWO]] step %{{.*}} iter_args(%[[O:.*]] = %{{.*}}) -> (tensor<1x6x?x8xi32>)
// CHECK:           scf.for %[[I:.*]] = %{{.*}} to %[[QUERIES]] step %[[STEP:[^ ]*]] iter_args(%[[C:.*]] = %[[O]])
// CHECK-NOT:         sprint.crossbar_score
// CHECK:             linalg.generic
// CHECK:             scf.yield
// CHECK:         return %[[ALL]]
sprint.program @device(query %q: tensor<1x6x?x8xi8>, key %k: tensor<1x2x?x8xi8>, value %v: tensor<1x2x?x8xi8>,
    threshold %threshold: tensor<1x6xi32>, multiplier %multiplier: tensor<1x6xi64>, shift %shift: tensor<1x6xi64>)
    -> tensor<1x6x?x8xi32> scale(0.125) thresholds([1.5]) {
  %c2 = arith.constant 2 : index
  %n = tensor.dim %q, %c2 : tensor<1x6x?x8xi8>
  %empty = tensor.empty(%n) : tensor<1x6x?x8xi32>
  %r = sprint.rows (%g, %i) to (heads floordiv 3, queries) step (1, 2) outs(%codes = %empty : tensor<1x6x?x8xi32>)
      schedule(<heads = 1, queries = 2, ahead = 1, residency = pinned, writes = [key]>) {
    %keys = tensor.extract_slice %k[0, %g, 0, 0] [1, 1, 8, 8] [1, 1, 1, 1] : tensor<1x2x?x8xi8> to tensor<8x8xi8>
    %row = tensor.extract_slice %q[0, %g, %i, 0] [1, 1, 1, 8] [1, 1, 1, 1] : tensor<1x6x?x8xi8> to tensor<1x8xi8>
    %zeros = arith.constant dense<0> : tensor<1x8xi32>
    %scores = sprint.crossbar_score ins(%row, %keys : tensor<1x8xi8>, tensor<8x8xi8>) outs(%zeros : tensor<1x8xi32>)
        nibble(centred) -> tensor<1x8xi32>
    %next = tensor.insert_slice %scores into %codes[0, %g, %i, 0] [1, 1, 1, 8] [1, 1, 1, 1] : tensor<1x8xi32> into tensor<1x6x?x8xi32>
    sprint.yield %next : tensor<1x6x?x8xi32>
  }
  sprint.return %r : tensor<1x6x?x8xi32>
}

// One op on codes takes its rows one at a time, whatever its blocks are.

// CHECK-LABEL: func.func private @whole(
// CHECK-NOT:     sprint.
// CHECK-COUNT-2: scf.for
// CHECK:         tensor.insert_slice {{.*}} [1, 1, 1, 8] [1, 1, 1, 1] : tensor<1x8xi32> into tensor<1x2x4x8xi32>
sprint.program @whole(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x8xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x2x4x8xi32>
  %r = sprint.attend query(%q : tensor<1x2x4x8xi8>) key(%k : tensor<1x1x4x8xi8>) value(%v : tensor<1x1x4x8xi8>) threshold(%t : tensor<1x2xi32>)
      multiplier(%m : tensor<1x2xi64>) shift(%s : tensor<1x2xi64>) outs(%init : tensor<1x2x4x8xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
      schedule(<heads = 2, queries = 4, ahead = 1, residency = pinned, writes = [key, value, query]>) -> tensor<1x2x4x8xi32>
  sprint.return %r : tensor<1x2x4x8xi32>
}
