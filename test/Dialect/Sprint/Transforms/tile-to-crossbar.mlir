// RUN: sprint-opt %s "--pass-pipeline=builtin.module(sprint.program(sprint-tile-to-crossbar))" | FileCheck %s

// One row of one head: a loop over batch elements, one over key heads, one over the members of a group, one over queries. The loops
// are expressions of launch parameters, whatever the sizes are, and none folds away. The head of a row is its key head's.

// CHECK-DAG: #[[HEAD:.*]] = affine_map<()[s0, s1] -> (s0 * 3 + s1)>
// CHECK-DAG: #[[LEFT:.*]] = affine_map<()[s0, s1] -> (2, s1 - s0)>

// CHECK-LABEL: sprint.program @row(
// CHECK-SAME: query %[[Q:.*]]: tensor<1x6x4x8xi8>, key %[[K:.*]]: tensor<1x2x5x8xi8>, value %[[V:.*]]: tensor<1x2x5x4xi8>, threshold %[[T:.*]]: tensor<1x6xi32>, multiplier %[[M:.*]]: tensor<1x6xi64>, shift %[[S:.*]]: tensor<1x6xi64>)
// CHECK: %[[INIT:.*]] = tensor.empty() : tensor<1x6x4x4xi32>
// CHECK: %[[R:.*]] = sprint.rows (%[[B:.*]], %[[G:.*]], %[[R:.*]], %[[I:.*]]) to (batches, heads floordiv 3, 3, queries) step (1, 1, 1, 1) outs(%[[O:[a-z0-9]+]] = %[[INIT]] : tensor<1x6x4x4xi32>)
// CHECK-SAME: schedule(<heads = 1, queries = 1, ahead = 1, residency = previous_query, writes = [key, value, query]>) {
// CHECK-DAG: %[[H:.*]] = affine.apply #[[HEAD]]()[%[[G]], %[[R]]]
// CHECK-DAG: %[[QUERY:.*]] = tensor.extract_slice %[[Q]][%[[B]], %[[H]], %[[I]], 0] [1, 1, 1, 8] [1, 1, 1, 1] : {{.*}} to tensor<1x8xi8>
// CHECK-DAG: %[[KEYS:.*]] = tensor.extract_slice %[[K]][%[[B]], %[[G]], 0, 0] [1, 1, 5, 8] [1, 1, 1, 1] : {{.*}} to tensor<5x8xi8>
// CHECK-DAG: %[[VALUES:.*]] = tensor.extract_slice %[[V]][%[[B]], %[[G]], 0, 0] [1, 1, 5, 4] [1, 1, 1, 1] : {{.*}} to tensor<5x4xi8>
// CHECK-DAG: %[[MULTIPLIER:.*]] = tensor.extract_slice %[[M]][%[[B]], %[[H]]] [1, 1] [1, 1] : {{.*}} to tensor<1xi64>
// CHECK-DAG: %[[SHIFT:.*]] = tensor.extract_slice %[[S]][%[[B]], %[[H]]] [1, 1] [1, 1] : {{.*}} to tensor<1xi64>
// CHECK-DAG: %[[ZEROS:.*]] = linalg.fill {{.*}} -> tensor<1x5xi32>
// CHECK-DAG: %[[POSITION:.*]] = tensor.from_elements %[[I]] : tensor<1xindex>
// CHECK-DAG: %[[N:.*]] = arith.constant 4 : index
// CHECK: %[[SCORES:.*]] = sprint.crossbar_score ins(%[[QUERY]], %[[KEYS]] : {{.*}}) outs(%[[ZEROS]] : {{.*}}) nibble(centred) -> tensor<1x5xi32>
// CHECK: %[[THRESHOLD:.*]] = tensor.extract_slice %[[T]][%[[B]], %[[H]]] [1, 1] [1, 1] : {{.*}} to tensor<1xi32>
// CHECK: %[[KEPT:.*]] = sprint.prune %[[SCORES]] threshold(%[[THRESHOLD]] : tensor<1xi32>) queries(%[[POSITION]] of %{{.*}} : tensor<1xindex>) band(<upper = 0>) : tensor<1x5xi32> -> tensor<1x5xi1>
// CHECK: %[[INDICES:.*]], %[[OWNERS:.*]] = sprint.gather %[[KEPT]]
// CHECK: %[[ROW:.*]] = tensor.extract_slice %[[O]][%[[B]], %[[H]], %[[I]], 0] [1, 1, 1, 4]
// CHECK: %[[OUT:.*]] = sprint.recompute ins(%[[QUERY]], %[[KEYS]], %[[VALUES]], %[[INDICES]], %[[OWNERS]], %[[MULTIPLIER]], %[[SHIFT]] :
// CHECK-SAME: outs(%[[ROW]] :
// CHECK: %[[ALL:.*]] = tensor.insert_slice %[[OUT]] into %[[O]][%[[B]], %[[H]], %[[I]], 0] [1, 1, 1, 4] [1, 1, 1, 1]
// CHECK: sprint.yield %[[ALL]]
// CHECK-NOT: sprint.attend
sprint.program @row(query %q: tensor<1x6x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x6xi32>,
    multiplier %m: tensor<1x6xi64>, shift %s: tensor<1x6xi64>) -> tensor<1x6x4x4xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x6x4x4xi32>
  %r = sprint.attend query(%q : tensor<1x6x4x8xi8>) key(%k : tensor<1x2x5x8xi8>) value(%v : tensor<1x2x5x4xi8>) threshold(%t : tensor<1x6xi32>)
      multiplier(%m : tensor<1x6xi64>) shift(%s : tensor<1x6xi64>) outs(%init : tensor<1x6x4x4xi32>) select(pruned) band(<upper = 0>) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
      schedule(<heads = 1, queries = 1, ahead = 1, residency = previous_query, writes = [key, value, query]>) -> tensor<1x6x4x4xi32>
  sprint.return %r : tensor<1x6x4x4xi32>
}

// Where every allowed key is kept, nothing is scored in memory. Padding is the row of the batch element, what is the same for all
// heads or queries row 0.

// CHECK-LABEL: sprint.program @all(
// CHECK-SAME: key_valid %[[VALID:.*]]: tensor<2x?xi1>, mask %[[MASK:.*]]: tensor<1x1x?x?xi1>, bias %[[BIAS:.*]]: tensor<2x6x1x?xi32>)
// CHECK: sprint.rows (%[[B:.*]], %[[G:.*]], %[[R:.*]], %[[I:.*]]) to (batches, heads floordiv 3, 3, queries)
// CHECK-NOT: sprint.crossbar_score
// CHECK: %[[H:.*]] = affine.apply
// CHECK-DAG: %[[VALIDROW:.*]] = tensor.extract_slice %[[VALID]][%[[B]], 0] [1, %[[SK:.*]]] [1, 1]
// CHECK-DAG: %[[MASKROW:.*]] = tensor.extract_slice %[[MASK]][0, 0, %[[I]], 0] [1, 1, 1, %[[SK]]]
// CHECK-DAG: %[[BIASROW:.*]] = tensor.extract_slice %[[BIAS]][%[[B]], %[[H]], 0, 0] [1, 1, 1, %[[SK]]]
// CHECK: %[[KEPT:.*]] = sprint.allow keys(%[[SK]]) queries(%{{.*}} of %{{.*}} : tensor<1xindex>) masks(%[[VALIDROW]], %[[MASKROW]] : {{.*}}) bias(%[[BIASROW]], %[[M:[^,]*]], %[[S:[^,]*]], %{{.*}} : {{.*}}) : tensor<1x?xi1>
// CHECK: sprint.gather %[[KEPT]]
// CHECK: sprint.recompute {{.*}}, %[[M]], %[[S]] : {{.*}} bias(%[[BIASROW]] :
sprint.program @all(query %q: tensor<2x6x?x8xi8>, key %k: tensor<2x2x?x8xi8>, value %v: tensor<2x2x?x8xi8>, threshold %t: tensor<2x6xi32>,
    multiplier %m: tensor<2x6xi64>, shift %s: tensor<2x6xi64>, key_valid %valid: tensor<2x?xi1>, mask %mask: tensor<1x1x?x?xi1>,
    bias %bias: tensor<2x6x1x?xi32>) -> tensor<2x6x?x8xi32> scale(0.125) {
  %c2 = arith.constant 2 : index
  %size = tensor.dim %q, %c2 : tensor<2x6x?x8xi8>
  %init = tensor.empty(%size) : tensor<2x6x?x8xi32>
  %r = sprint.attend query(%q : tensor<2x6x?x8xi8>) key(%k : tensor<2x2x?x8xi8>) value(%v : tensor<2x2x?x8xi8>) threshold(%t : tensor<2x6xi32>)
      multiplier(%m : tensor<2x6xi64>) shift(%s : tensor<2x6xi64>) key_valid(%valid : tensor<2x?xi1>) mask(%mask : tensor<1x1x?x?xi1>)
      bias(%bias : tensor<2x6x1x?xi32>) outs(%init : tensor<2x6x?x8xi32>) select(all) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
      schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [key, value, query, key_valid, mask, bias]>) -> tensor<2x6x?x8xi32>
  sprint.return %r : tensor<2x6x?x8xi32>
}

// Blocks of two queries of each of three heads, the rows of a head one behind the other; the last block holds what is left. Head
// parameters are repeated for the queries of a head, a mask of heads for their queries, a bias of queries for the heads; what all rows
// share is one row.

// CHECK-LABEL: sprint.program @block(
// CHECK-SAME: query %[[Q:.*]]: tensor<1x3x?x8xi8>, {{.*}} threshold %[[T:.*]]: tensor<1x3xi32>, {{.*}} key_valid %[[VALID:.*]]: tensor<1x?xi1>, mask %[[MASK:.*]]: tensor<1x3x1x?xi1>, bias %[[BIAS:.*]]: tensor<1x1x?x?xi32>)
// CHECK: %[[SQ:.*]] = tensor.dim %[[Q]]
// CHECK: sprint.rows (%[[B:.*]], %[[G:.*]], %[[R:.*]], %[[I:.*]]) to (batches, heads floordiv 3, 3, queries) step (1, 1, 3, 2) outs(%[[O:[a-z0-9]+]] =
// CHECK: %[[SIZE:.*]] = affine.min #[[LEFT]]()[%[[I]], %[[SQ]]]
// CHECK-DAG: %[[QUERY:.*]] = tensor.extract_slice %[[Q]][%[[B]], %{{.*}}, %[[I]], 0] [1, 3, %[[SIZE]], 8] [1, 1, 1, 1] : {{.*}} to tensor<3x?x8xi8>
// CHECK-DAG: tensor.collapse_shape %[[QUERY]] {{\[\[}}0, 1], [2]] : {{.*}} into tensor<?x8xi8>
// CHECK-DAG: %[[VALIDROW:.*]] = tensor.extract_slice %[[VALID]][%[[B]], 0] [1, %{{.*}}] [1, 1] : {{.*}} to tensor<1x?xi1>
// CHECK-DAG: tensor.extract_slice %[[MASK]][%[[B]], %{{.*}}, 0, 0] [1, 3, 1, %{{.*}}] [1, 1, 1, 1] : {{.*}} to tensor<3x1x?xi1>
// CHECK-DAG: linalg.broadcast ins(%{{.*}} : tensor<3x?xi1>) outs(%{{.*}} : tensor<3x?x?xi1>) dimensions = [1]
// CHECK-DAG: tensor.extract_slice %[[BIAS]][%[[B]], 0, %[[I]], 0] [1, 1, %[[SIZE]], %{{.*}}] [1, 1, 1, 1] : {{.*}} to tensor<1x?x?xi32>
// CHECK-DAG: linalg.broadcast ins(%{{.*}} : tensor<?x?xi32>) outs(%{{.*}} : tensor<3x?x?xi32>) dimensions = [0]
// CHECK: tensor.generate
// CHECK: %[[MEMBER:.*]] = arith.remui %{{.*}}, %[[SIZE]]
// CHECK: arith.addi %[[I]], %[[MEMBER]]
// CHECK: %[[HEADS:.*]] = tensor.extract_slice %[[T]][%[[B]], %{{.*}}] [1, 3] [1, 1] : {{.*}} to tensor<3xi32>
// CHECK: %[[REPEATED:.*]] = linalg.broadcast ins(%[[HEADS]] : tensor<3xi32>) outs(%{{.*}} : tensor<3x?xi32>) dimensions = [1]
// CHECK: %[[THRESHOLDS:.*]] = tensor.collapse_shape %[[REPEATED]] {{\[\[}}0, 1]]
// CHECK: sprint.prune %{{.*}} threshold(%[[THRESHOLDS]] : tensor<?xi32>) queries(%{{.*}} of %[[SQ]] : tensor<?xindex>) masks(%[[VALIDROW]], %{{.*}} : tensor<1x?xi1>, tensor<?x?xi1>) bias(%{{.*}} : tensor<?x?xi32>, tensor<?xi64>, tensor<?xi64>) : tensor<?x?xi32> -> tensor<?x?xi1>
// CHECK: %[[OUT:.*]] = sprint.recompute {{.*}} -> tensor<?x8xi32>
// CHECK: %[[APART:.*]] = tensor.expand_shape %[[OUT]] {{\[\[}}0, 1], [2]] output_shape [3, %[[SIZE]], 8]
// CHECK: tensor.insert_slice %[[APART]] into %[[O]][%[[B]], %{{.*}}, %[[I]], 0] [1, 3, %[[SIZE]], 8] [1, 1, 1, 1]
sprint.program @block(query %q: tensor<1x3x?x8xi8>, key %k: tensor<1x1x?x8xi8>, value %v: tensor<1x1x?x8xi8>, threshold %t: tensor<1x3xi32>,
    multiplier %m: tensor<1x3xi64>, shift %s: tensor<1x3xi64>, key_valid %valid: tensor<1x?xi1>, mask %mask: tensor<1x3x1x?xi1>,
    bias %bias: tensor<1x1x?x?xi32>) -> tensor<1x3x?x8xi32> scale(0.125) {
  %c2 = arith.constant 2 : index
  %size = tensor.dim %q, %c2 : tensor<1x3x?x8xi8>
  %init = tensor.empty(%size) : tensor<1x3x?x8xi32>
  %r = sprint.attend query(%q : tensor<1x3x?x8xi8>) key(%k : tensor<1x1x?x8xi8>) value(%v : tensor<1x1x?x8xi8>) threshold(%t : tensor<1x3xi32>)
      multiplier(%m : tensor<1x3xi64>) shift(%s : tensor<1x3xi64>) key_valid(%valid : tensor<1x?xi1>) mask(%mask : tensor<1x3x1x?xi1>)
      bias(%bias : tensor<1x1x?x?xi32>) outs(%init : tensor<1x3x?x8xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
      schedule(<heads = 3, queries = 2, ahead = 1, residency = pinned, writes = [key, value, query, key_valid, mask, bias]>) -> tensor<1x3x?x8xi32>
  sprint.return %r : tensor<1x3x?x8xi32>
}

// Blocks that divide the queries are all whole.

// CHECK-LABEL: sprint.program @whole(
// CHECK: sprint.rows {{.*}} step (1, 1, 1, 2)
// CHECK-NOT: affine.min
// CHECK: sprint.crossbar_score {{.*}} -> tensor<2x5xi32>
// CHECK: sprint.recompute {{.*}} -> tensor<2x8xi32>
// CHECK: tensor.insert_slice {{.*}} [1, 1, 2, 8] [1, 1, 1, 1] : tensor<2x8xi32> into tensor<1x1x4x8xi32>
sprint.program @whole(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x5x8xi8>, value %v: tensor<1x1x5x8xi8>, threshold %t: tensor<1x1xi32>,
    multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>) -> tensor<1x1x4x8xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x1x4x8xi32>
  %r = sprint.attend query(%q : tensor<1x1x4x8xi8>) key(%k : tensor<1x1x5x8xi8>) value(%v : tensor<1x1x5x8xi8>) threshold(%t : tensor<1x1xi32>)
      multiplier(%m : tensor<1x1xi64>) shift(%s : tensor<1x1xi64>) outs(%init : tensor<1x1x4x8xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
      schedule(<heads = 1, queries = 2, ahead = 1, residency = pinned, writes = [key, value, query]>) -> tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}
