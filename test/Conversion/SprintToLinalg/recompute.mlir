// RUN: sprint-opt %s --split-input-file --convert-sprint-to-linalg --canonicalize | FileCheck %s

!q = tensor<1x64xi8>
!k = tensor<?x64xi8>
!v = tensor<?x32xi8>

// Division comes after the weighted sum: its whole part rounded down, its fraction to nearest, into the init.

// CHECK-LABEL: func.func @late(
// CHECK-SAME:    %[[Q:.*]]: tensor<1x64xi8>, %[[K:.*]]: tensor<?x64xi8>, %[[V:.*]]: tensor<?x32xi8>, %[[INDICES:.*]]: tensor<?xindex>, %[[OWNERS:.*]]: tensor<1x?xi1>, %[[M:.*]]: tensor<1xi64>, %[[S:.*]]: tensor<1xi64>, %[[INIT:.*]]: tensor<1x32xi32>)
// CHECK-COUNT-2: arith.constant dense<{{.*}}> : tensor<128xi64>
// CHECK:         %[[KEPT:.*]] = linalg.generic {{.*}} ins(%[[INDICES]] :
// CHECK:         tensor.extract %[[K]]
// CHECK:         %[[SCORES:.*]] = linalg.generic {{.*}} ins(%[[Q]], %[[KEPT]] :
// CHECK:         linalg.generic {{.*}} ins(%[[SCORES]], %[[OWNERS]] :
// CHECK:         arith.maxsi
// CHECK:         linalg.generic {{.*}} ins(%[[SCORES]], %[[OWNERS]], %{{.*}}, %[[M]], %[[S]] :
// CHECK:         ^bb0(%{{[^:]*}}: i32, %{{[^:]*}}: i1, %{{[^:]*}}: i32, %[[FACTOR:[^:]*]]: i64, %[[BITS:[^:]*]]: i64,
// CHECK:         arith.muli %{{.*}}, %[[FACTOR]] : i64
// CHECK:         arith.shrsi %{{.*}}, %[[BITS]] : i64
// CHECK:         linalg.generic
// CHECK:         tensor.extract %[[V]]
// CHECK-NOT:     arith.div
// CHECK:         linalg.generic {{.*}} outs(%[[INIT]] :
// CHECK:         arith.floordivsi
// CHECK:         arith.divui
func.func @late(%q: !q, %k: !k, %v: !v, %indices: tensor<?xindex>, %owners: tensor<1x?xi1>, %m: tensor<1xi64>, %s: tensor<1xi64>,
                %init: tensor<1x32xi32>) -> tensor<1x32xi32> {
  %0 = sprint.recompute ins(%q, %k, %v, %indices, %owners, %m, %s : !q, !k, !v, tensor<?xindex>, tensor<1x?xi1>, tensor<1xi64>, tensor<1xi64>)
      outs(%init : tensor<1x32xi32>)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x32xi32>
  return %0 : tensor<1x32xi32>
}

// -----

!q = tensor<1x64xi8>
!k = tensor<?x64xi8>
!v = tensor<?x32xi8>

// Division comes before, and what is summed saturates once.

// CHECK-LABEL: func.func @early(
// CHECK-SAME:    %[[INIT:[a-z0-9]*]]: tensor<1x32xi32>)
// CHECK-DAG:     %[[SUM:.*]] = arith.constant 65535 : i64
// CHECK-DAG:     %[[PROBABILITY:.*]] = arith.constant 255 : i64
// CHECK-DAG:     %[[LOWEST:.*]] = arith.constant -32768 : i64
// CHECK-DAG:     %[[HIGHEST:.*]] = arith.constant 32767 : i64
// CHECK:         arith.minsi %{{.*}}, %[[SUM]] : i64
// CHECK:         %[[ROUNDED:.*]] = arith.divui
// CHECK:         arith.minsi %[[ROUNDED]], %[[PROBABILITY]] : i64
// CHECK-NOT:     arith.{{.*}}div
// CHECK:         linalg.generic {{.*}} outs(%[[INIT]] :
// CHECK:         %[[ABOVE:.*]] = arith.maxsi %{{.*}}, %[[LOWEST]] : i64
// CHECK:         arith.minsi %[[ABOVE]], %[[HIGHEST]] : i64
func.func @early(%q: !q, %k: !k, %v: !v, %indices: tensor<?xindex>, %owners: tensor<1x?xi1>, %m: tensor<1xi64>, %s: tensor<1xi64>,
                 %init: tensor<1x32xi32>) -> tensor<1x32xi32> {
  %0 = sprint.recompute ins(%q, %k, %v, %indices, %owners, %m, %s : !q, !k, !v, tensor<?xindex>, tensor<1x?xi1>, tensor<1xi64>, tensor<1xi64>)
      outs(%init : tensor<1x32xi32>)
      widths(<exponent_fraction = 8, sum = 16, probability = 8, accumulator = 16>) -> tensor<1x32xi32>
  return %0 : tensor<1x32xi32>
}
