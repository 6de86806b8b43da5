// RUN: sprint-opt %s --convert-tm-tensor-to-linalg --canonicalize --cse | FileCheck %s

// A line of the middle dimension at a time, its last value carried along.

// CHECK-LABEL: func.func @scan(
// CHECK-SAME:    %[[X:.*]]: tensor<2x?x3xi64>, %[[OUTPUT:.*]]: tensor<2x?x3xi64>, %[[ACC:.*]]: tensor<2x3xi64>)
// CHECK:         %[[SIZE:.*]] = tensor.dim %[[X]], %c1
// CHECK:         scf.for %[[I:.*]] = %c0 to %c2 step %c1 iter_args(%{{.*}} = %[[OUTPUT]], %{{.*}} = %[[ACC]])
// CHECK:           scf.for %[[K:.*]] = %c0 to %c3 step %c1 iter_args(%[[OUT:.*]] = %{{.*}}, %[[LAST:.*]] = %{{.*}})
// CHECK:             %[[START:.*]] = tensor.extract %[[LAST]][%[[I]], %[[K]]]
// CHECK:             %[[LINE:.*]]:2 = scf.for %[[J:.*]] = %c0 to %[[SIZE]] step %c1 iter_args(%[[CURRENT:.*]] = %[[OUT]], %[[RUNNING:.*]] = %[[START]])
// CHECK:               %[[FIRST:.*]] = arith.cmpi eq, %[[J]], %c0
// CHECK:               %[[VALUE:.*]] = scf.if %[[FIRST]]
// CHECK:                 %[[ELEMENT:.*]] = tensor.extract %[[X]][%[[I]], %[[J]], %[[K]]]
// CHECK:                 scf.yield %[[ELEMENT]]
// CHECK:               } else {
// CHECK:                 %[[NEXT:.*]] = tensor.extract %[[X]][%[[I]], %[[J]], %[[K]]]
// CHECK:                 %[[COMBINED:.*]] = arith.subi %[[RUNNING]], %[[NEXT]]
// CHECK:                 scf.yield %[[COMBINED]]
// CHECK:               tensor.insert %[[VALUE]] into %[[CURRENT]][%[[I]], %[[J]], %[[K]]]
// CHECK:             tensor.insert %[[LINE]]#1 into %[[LAST]][%[[I]], %[[K]]]
func.func @scan(%x: tensor<2x?x3xi64>, %output: tensor<2x?x3xi64>, %acc: tensor<2x3xi64>) -> (tensor<2x?x3xi64>, tensor<2x3xi64>) {
  %0:2 = tm_tensor.scan dimension(1) inclusive(true) ins(%x : tensor<2x?x3xi64>) outs(%output, %acc : tensor<2x?x3xi64>, tensor<2x3xi64>) {
  ^bb0(%running: i64, %element: i64):
    %1 = arith.subi %running, %element : i64
    tm_tensor.yield %1 : i64
  } -> tensor<2x?x3xi64>, tensor<2x3xi64>
  return %0#0, %0#1 : tensor<2x?x3xi64>, tensor<2x3xi64>
}

// An exclusive scan starts with the accumulator and is one element behind.

// CHECK-LABEL: func.func @exclusive(
// CHECK:         scf.if
// CHECK-NEXT:      scf.yield %{{.*}}
// CHECK-NEXT:    } else {
// CHECK-NEXT:      %[[BEFORE:.*]] = arith.subi %{{.*}}, %c1
// CHECK-NEXT:      tensor.extract %{{.*}}[%[[BEFORE]]]
func.func @exclusive(%x: tensor<?xi64>, %acc: tensor<i64>) -> tensor<?xi64> {
  %0:2 = tm_tensor.scan dimension(0) inclusive(false) ins(%x : tensor<?xi64>) outs(%x, %acc : tensor<?xi64>, tensor<i64>) {
  ^bb0(%running: i64, %element: i64):
    %1 = arith.addi %running, %element : i64
    tm_tensor.yield %1 : i64
  } -> tensor<?xi64>, tensor<i64>
  return %0#0 : tensor<?xi64>
}

// An update at a time. Dimension 1 is not indexed, and whether the slice fits in it is known only as the program runs.

// CHECK-LABEL: func.func @scatter(
// CHECK-SAME:    %[[UPDATES:.*]]: tensor<5x1x?xf32>, %[[INDICES:.*]]: tensor<5x1xi64>, %[[ORIGINAL:.*]]: tensor<6x?xf32>)
// CHECK:         %[[SLICE:.*]] = tensor.dim %[[UPDATES]], %c2
// CHECK:         %[[WIDTH:.*]] = tensor.dim %[[ORIGINAL]], %c1
// CHECK:         %[[LIMIT:.*]] = arith.subi %[[WIDTH]], %[[SLICE]]
// CHECK:         scf.for %[[N:.*]] = %c0 to %c5{{.*}} iter_args(%[[CURRENT:.*]] = %[[ORIGINAL]])
// CHECK:           %[[UPDATE:.*]] = tensor.extract_slice %[[UPDATES]][%[[N]], 0, 0] [1, 1, %[[SLICE]]] [1, 1, 1] : tensor<5x1x?xf32> to tensor<1x?xf32>
// CHECK:           %[[INDEX:.*]] = tensor.extract %[[INDICES]][%[[N]], %c0]
// CHECK:           %[[ROW:.*]] = arith.index_cast %[[INDEX]] : i64 to index
// CHECK-DAG:       %[[NOT_BEFORE:.*]] = arith.cmpi sge, %[[ROW]], %c0
// CHECK-DAG:       %[[NOT_BEHIND:.*]] = arith.cmpi sle, %[[ROW]], %c5
// CHECK:           %[[INSIDE:.*]] = arith.andi %[[NOT_BEFORE]], %[[NOT_BEHIND]]
// CHECK:           cf.assert %[[INSIDE]], "expected every update of tm_tensor.scatter inside dimension 0 of the original, got an index outside"
// CHECK:           %[[FITS:.*]] = arith.cmpi sge, %[[LIMIT]], %c0
// CHECK:           cf.assert %[[FITS]], "expected every update of tm_tensor.scatter inside dimension 1 of the original, got an index outside"
// CHECK:           %[[MET:.*]] = tensor.extract_slice %[[CURRENT]][%[[ROW]], 0] [1, %[[SLICE]]] [1, 1]
// CHECK:           %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[UPDATE]] : tensor<1x?xf32>) outs(%[[MET]] : tensor<1x?xf32>)
// CHECK-NEXT:      ^bb0(%[[U:.*]]: f32, %[[C:.*]]: f32):
// CHECK-NEXT:        arith.addf %[[C]], %[[U]]
// CHECK:           tensor.insert_slice %[[SUM]] into %[[CURRENT]][%[[ROW]], 0] [1, %[[SLICE]]] [1, 1]
func.func @scatter(%updates: tensor<5x1x?xf32>, %indices: tensor<5x1xi64>, %original: tensor<6x?xf32>) -> tensor<6x?xf32> {
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(false) ins(%updates, %indices : tensor<5x1x?xf32>, tensor<5x1xi64>) outs(%original : tensor<6x?xf32>) {
  ^bb0(%update: f32, %current: f32):
    %1 = arith.addf %current, %update : f32
    tm_tensor.yield %1 : f32
  } -> tensor<6x?xf32>
  return %0 : tensor<6x?xf32>
}

// One update of one element; what the body takes from outside stays what it is.

// CHECK-LABEL: func.func @count(
// CHECK-SAME:    %{{.*}}, %[[ONE:[a-z0-9]+]]: i64)
// CHECK:         tensor.extract_slice %{{.*}} : tensor<3xi64> to tensor<i64>
// CHECK:         linalg.generic {{.*}} iterator_types = []
// CHECK:           arith.addi %{{.*}}, %[[ONE]]
func.func @count(%updates: tensor<3xi64>, %indices: tensor<3x1xi64>, %original: tensor<?xi64>, %one: i64) -> tensor<?xi64> {
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(false) ins(%updates, %indices : tensor<3xi64>, tensor<3x1xi64>) outs(%original : tensor<?xi64>) {
  ^bb0(%update: i64, %current: i64):
    %1 = arith.addi %current, %one : i64
    tm_tensor.yield %1 : i64
  } -> tensor<?xi64>
  return %0 : tensor<?xi64>
}
