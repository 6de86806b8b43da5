// RUN: sprint-opt %s --convert-sprint-to-linalg --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @centred(
// CHECK-SAME:    %{{.*}}: tensor<2x8xi8>, %{{.*}}: tensor<5x8xi8>, %[[INIT:.*]]: tensor<2x5xi32>)
// CHECK:         linalg.generic {{.*}}["parallel", "parallel", "reduction"]{{.*}} outs(%[[INIT]] :
// CHECK-COUNT-2: arith.shrsi
// CHECK:         arith.muli
// CHECK:         arith.addi
func.func @centred(%q: tensor<2x8xi8>, %k: tensor<5x8xi8>, %init: tensor<2x5xi32>) -> tensor<2x5xi32> {
  %0 = sprint.crossbar_score ins(%q, %k : tensor<2x8xi8>, tensor<5x8xi8>) outs(%init : tensor<2x5xi32>)
           nibble(centred) -> tensor<2x5xi32>
  return %0 : tensor<2x5xi32>
}

// Truncation adds nothing before the shift.

// CHECK-LABEL: func.func @truncated(
// CHECK-NOT:     arith.constant 8 : i32
// CHECK:         arith.shrsi
// CHECK:         return
func.func @truncated(%q: tensor<2x8xi8>, %k: tensor<5x8xi8>, %init: tensor<2x5xi32>) -> tensor<2x5xi32> {
  %0 = sprint.crossbar_score ins(%q, %k : tensor<2x8xi8>, tensor<5x8xi8>) outs(%init : tensor<2x5xi32>)
           nibble(truncated) -> tensor<2x5xi32>
  return %0 : tensor<2x5xi32>
}

// The maximum of the allowed scores, the lowered threshold of each row in 64 bits, the comparison. Every row has a threshold and a
// query of its own.

// CHECK-LABEL: func.func @prune(
// CHECK-SAME:    %[[SCORES:.*]]: tensor<2x?xi32>, %[[THRESHOLDS:.*]]: tensor<2xi32>, %[[QUERIES:.*]]: tensor<2xindex>, %{{.*}}: index)
// CHECK:         linalg.generic {{.*}}["parallel", "reduction"]{{.*}} ins(%[[SCORES]] :
// CHECK:         %[[ROW:.*]] = linalg.index 0
// CHECK:         %[[QUERY:.*]] = tensor.extract %[[QUERIES]][%[[ROW]]]
// CHECK:         %[[KEY:.*]] = linalg.index 1
// CHECK:         %[[DISTANCE:.*]] = arith.subi %[[KEY]], %[[QUERY]] : index
// CHECK:         arith.cmpi sle, %[[DISTANCE]],
// CHECK:         arith.maxsi
// CHECK:         arith.select
// CHECK:         linalg.generic {{.*}}["parallel"]{{.*}} ins(%{{.*}}, %[[THRESHOLDS]] :
// CHECK:         ^bb0(%{{[^:]*}}: i32, %[[THRESHOLD:[^:]*]]: i32,
// CHECK:         %[[WIDE:.*]] = arith.extsi %[[THRESHOLD]] : i32 to i64
// CHECK:         math.ctlz %{{.*}} : i64
// CHECK:         arith.shli
// CHECK:         arith.subi %[[WIDE]], %{{.*}} : i64
// CHECK:         linalg.generic {{.*}}["parallel", "parallel"]
// CHECK:         arith.cmpi sge, %{{.*}}, %{{.*}} : i64
// CHECK:         arith.andi
func.func @prune(%scores: tensor<2x?xi32>, %t: tensor<2xi32>, %i: tensor<2xindex>, %n: index) -> tensor<2x?xi1> {
  %0 = sprint.prune %scores threshold(%t : tensor<2xi32>) queries(%i of %n : tensor<2xindex>) band(#sprint.band<upper = 0>)
      : tensor<2x?xi32> -> tensor<2x?xi1>
  return %0 : tensor<2x?xi1>
}

// CHECK-LABEL: func.func @allow(
// CHECK-SAME:    %[[KEYS:[a-z0-9]*]]: index, %[[QUERIES:[a-z0-9]*]]: tensor<?xindex>,
// CHECK:         %[[ROWS:.*]] = tensor.dim %[[QUERIES]]
// CHECK:         %[[EMPTY:.*]] = tensor.empty(%[[ROWS]], %[[KEYS]]) : tensor<?x?xi1>
// CHECK:         linalg.generic {{.*}} outs(%[[EMPTY]] :
// CHECK:         arith.cmpi sle
func.func @allow(%keys: index, %i: tensor<?xindex>, %n: index) -> tensor<?x?xi1> {
  %0 = sprint.allow keys(%keys) queries(%i of %n : tensor<?xindex>) band(#sprint.band<upper = 0>) : tensor<?x?xi1>
  return %0 : tensor<?x?xi1>
}

// A list as long as there are keys, cut to what was kept.

// CHECK-LABEL: func.func @gather(
// CHECK-SAME:    %[[KEPT:.*]]: tensor<2x7xi1>)
// CHECK:         %[[ANY:.*]] = linalg.generic {{.*}}["reduction", "parallel"]{{.*}} ins(%[[KEPT]] :
// CHECK:         %[[LIST:.*]]:2 = scf.for %[[KEY:.*]] = %{{.*}} iter_args(%[[TENSOR:.*]] = %{{.*}}, %[[END:.*]] = %{{.*}}) -> (tensor<7xindex>, index)
// CHECK:           tensor.insert %[[KEY]] into %[[TENSOR]][%[[END]]]
// CHECK:           tensor.extract %[[ANY]][%[[KEY]]]
// CHECK:         %[[INDICES:.*]] = tensor.extract_slice %[[LIST]]#0[0] [%[[LIST]]#1] [1] : tensor<7xindex> to tensor<?xindex>
// CHECK:         linalg.generic {{.*}} ins(%[[INDICES]] :
// CHECK:           tensor.extract %[[KEPT]]
func.func @gather(%kept: tensor<2x7xi1>) -> (tensor<?xindex>, tensor<2x?xi1>) {
  %indices, %owners = sprint.gather %kept : tensor<2x7xi1> -> tensor<?xindex>, tensor<2x?xi1>
  return %indices, %owners : tensor<?xindex>, tensor<2x?xi1>
}

// Masks and the bias restrict the keys, also by the largest bias that they leave; 256 units of the bias are one of the scores.

// CHECK-LABEL: func.func @biased(
// CHECK-SAME:    %[[SCORES:[^:]*]]: tensor<2x?xi32>, %[[MASK:[^:]*]]: tensor<2x?xi1>, %[[BIAS:[^:]*]]: tensor<2x?xi32>, %{{.*}}: tensor<2xi32>, %[[M:[^:]*]]: tensor<2xi64>, %[[S:[^:]*]]: tensor<2xi64>
// CHECK-DAG:     %[[ZEROES:.*]] = arith.constant 12160 : i64
// CHECK-DAG:     %[[HALF:.*]] = arith.constant 128 : i32
// CHECK-DAG:     %[[BITS:.*]] = arith.constant 8 : i32
// CHECK-DAG:     %[[MASKED:.*]] = arith.constant -2147483648 : i32
// CHECK:         %[[LARGEST:.*]] = linalg.generic {{.*}}["parallel", "reduction"]{{.*}} ins(%[[MASK]], %[[BIAS]] :
// CHECK:         arith.cmpi {{slt|sgt}}, %{{.*}}, %[[MASKED]] : i32
// CHECK:         arith.maxsi
// CHECK:         %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[SCORES]], %[[BIAS]] :
// CHECK:         arith.addi %{{.*}}, %[[HALF]]
// CHECK:         arith.shrsi %{{.*}}, %[[BITS]]
// CHECK:         linalg.generic {{.*}} ins(%[[SUM]], %[[MASK]], %[[BIAS]], %[[LARGEST]] :
// CHECK:         arith.cmpi {{slt|sgt}}, %{{.*}}, %[[MASKED]] : i32
// CHECK-DAG:     %[[FACTOR:.*]] = tensor.extract %[[M]][
// CHECK-DAG:     %[[SHIFT:.*]] = tensor.extract %[[S]][
// CHECK:         arith.muli %{{.*}}, %[[FACTOR]] : i64
// CHECK:         arith.shrsi %{{.*}}, %[[SHIFT]] : i64
// CHECK:         arith.cmpi slt, %{{.*}}, %[[ZEROES]] : i64
// CHECK:         linalg.generic {{.*}} ins(%[[SUM]], %{{.*}}, %[[MASK]], %[[BIAS]], %[[LARGEST]] :
func.func @biased(%scores: tensor<2x?xi32>, %mask: tensor<2x?xi1>, %bias: tensor<2x?xi32>, %t: tensor<2xi32>, %m: tensor<2xi64>, %s: tensor<2xi64>, %i: tensor<2xindex>, %n: index) -> tensor<2x?xi1> {
  %0 = sprint.prune %scores threshold(%t : tensor<2xi32>) queries(%i of %n : tensor<2xindex>) masks(%mask : tensor<2x?xi1>)
      bias(%bias, %m, %s, %n : tensor<2x?xi32>, tensor<2xi64>, tensor<2xi64>)
      : tensor<2x?xi32> -> tensor<2x?xi1>
  return %0 : tensor<2x?xi1>
}

// A key of another segment than the row's is not allowed.

// CHECK-LABEL: func.func @segments(
// CHECK-SAME:    %[[QUERIES:[a-z0-9]+]]: tensor<2xindex>, %{{.*}}: index, %{{.*}}: index, %[[OWN:[a-z0-9]+]]: tensor<2xi32>, %[[KEYS:[a-z0-9]+]]: tensor<?xi32>)
// CHECK:         linalg.generic {{.*}}["parallel", "parallel"]{{.*}} ins(%[[OWN]], %[[KEYS]] : tensor<2xi32>, tensor<?xi32>)
// CHECK:         arith.cmpi eq, {{.*}} : i32
func.func @segments(%queries: tensor<2xindex>, %n: index, %keys: index, %own: tensor<2xi32>, %others: tensor<?xi32>) -> tensor<2x?xi1> {
  %0 = sprint.allow keys(%keys) queries(%queries of %n : tensor<2xindex>) segments(%own, %others : tensor<2xi32>, tensor<?xi32>) : tensor<2x?xi1>
  return %0 : tensor<2x?xi1>
}
