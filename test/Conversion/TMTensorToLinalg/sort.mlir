// RUN: sprint-opt %s --convert-tm-tensor-to-linalg --canonicalize --cse | FileCheck %s

// Runs of 1, 2 and 4 of the 5 positions of a line are merged, from one row of positions to the other and back; then the
// elements of both tensors move.

// CHECK-LABEL: func.func @sort(
// CHECK-SAME:    %[[X:.*]]: tensor<2x5xf32>, %[[I:.*]]: tensor<2x5xi64>)
// CHECK:         %[[EMPTY:.*]] = tensor.empty() : tensor<2x5xindex>
// CHECK:         scf.for %[[LINE:.*]] = %c0 to %c2 step %c1 iter_args(%{{.*}} = %[[X]], %{{.*}} = %[[I]], %[[ROWS:.*]] = %[[EMPTY]])
// CHECK:           %[[START:.*]] = linalg.generic {{.*}} outs(%[[ROWS]] : tensor<2x5xindex>)
// CHECK:             linalg.index 1
// CHECK:           %[[ORDERS:.*]] = scf.for %[[DOUBLING:.*]] = %c0 to %c3 step %c1 iter_args(%{{.*}} = %[[START]])
// CHECK-DAG:         %[[WIDTH:.*]] = arith.shli %c1, %[[DOUBLING]]
// CHECK-DAG:         %[[SOURCE:.*]] = arith.andi %[[DOUBLING]], %c1
// CHECK-DAG:         %[[TARGET:.*]] = arith.subi %c1, %[[SOURCE]]
// CHECK-DAG:         %[[PAIR:.*]] = arith.shli %[[WIDTH]], %c1
// CHECK:             scf.for %[[BEGIN:.*]] = %c0 to %c5 step %[[PAIR]]
// CHECK:               scf.for %[[PLACE:.*]] = %[[BEGIN]] to %{{.*}} step %c1 iter_args(%[[CURRENT:.*]] = %{{.*}}, %[[LEFT:.*]] = %[[BEGIN]], %[[RIGHT:.*]] = %{{.*}})
// CHECK:                 %[[A:.*]] = tensor.extract %[[CURRENT]][%[[SOURCE]], %[[LEFT]]]
// CHECK:                 %[[B:.*]] = tensor.extract %[[CURRENT]][%[[SOURCE]], %[[RIGHT]]]
// CHECK:                 %[[ELEMENT_A:.*]] = tensor.extract %[[X]][%[[LINE]], %[[A]]]
// CHECK:                 %[[ELEMENT_B:.*]] = tensor.extract %[[X]][%[[LINE]], %[[B]]]
// CHECK:                 arith.cmpf ole, %[[ELEMENT_A]], %[[ELEMENT_B]]
// CHECK:                 tensor.insert %{{.*}} into %[[CURRENT]][%[[TARGET]], %[[PLACE]]]
// CHECK:           scf.for %[[PLACE:.*]] = %c0 to %c5
// CHECK:             %[[POSITION:.*]] = tensor.extract %[[ORDERS]][%c1, %[[PLACE]]]
// CHECK-DAG:         %[[ELEMENT:.*]] = tensor.extract %[[X]][%[[LINE]], %[[POSITION]]]
// CHECK-DAG:         tensor.insert %[[ELEMENT]] into %{{.*}}[%[[LINE]], %[[PLACE]]]
// CHECK-DAG:         %[[OTHER:.*]] = tensor.extract %[[I]][%[[LINE]], %[[POSITION]]]
// CHECK-DAG:         tensor.insert %[[OTHER]] into %{{.*}}[%[[LINE]], %[[PLACE]]]
func.func @sort(%x: tensor<2x5xf32>, %i: tensor<2x5xi64>) -> (tensor<2x5xf32>, tensor<2x5xi64>) {
  %0:2 = tm_tensor.sort dimension(1) outs(%x, %i : tensor<2x5xf32>, tensor<2x5xi64>) {
  ^bb0(%a: f32, %b: f32, %c: i64, %d: i64):
    %1 = arith.cmpf ole, %a, %b : f32
    tm_tensor.yield %1 : i1
  } -> tensor<2x5xf32>, tensor<2x5xi64>
  return %0#0, %0#1 : tensor<2x5xf32>, tensor<2x5xi64>
}

// Every element is offered to the list; the body is asked both ways, so that a tie shows.

// CHECK-LABEL: func.func @topk(
// CHECK-SAME:    %[[X:.*]]: tensor<7xf32>, %{{.*}}: tensor<2xf32>, %{{.*}}: tensor<2xi32>)
// CHECK:         scf.for %[[AT:.*]] = %c0 to %c7
// CHECK-DAG:       %[[VALUE:.*]] = tensor.extract %[[X]][%[[AT]]]
// CHECK-DAG:       %[[POSITION:.*]] = arith.index_cast %[[AT]] : index to i32
// CHECK:           scf.for %[[PLACE:.*]] = %c0 to %c2 step %c1 iter_args(%[[VALUES:.*]] = %{{.*}}, %[[POSITIONS:.*]] = %{{.*}}, %[[OFFERED:.*]] = %[[VALUE]], %[[FROM:.*]] = %[[POSITION]])
// CHECK:             %[[LISTED:.*]] = tensor.extract %[[VALUES]][%[[PLACE]]]
// CHECK:             arith.cmpf olt, %[[OFFERED]], %[[LISTED]]
// CHECK:             arith.cmpf olt, %[[LISTED]], %[[OFFERED]]
func.func @topk(%x: tensor<7xf32>, %v: tensor<2xf32>, %p: tensor<2xi32>) -> (tensor<2xf32>, tensor<2xi32>) {
  %0:2 = tm_tensor.topk dimension(0) ins(%x : tensor<7xf32>) outs(%v, %p : tensor<2xf32>, tensor<2xi32>) {
  ^bb0(%offered: f32, %listed: f32):
    %1 = arith.cmpf olt, %offered, %listed : f32
    tm_tensor.yield %1 : i1
  } -> tensor<2xf32>, tensor<2xi32>
  return %0#0, %0#1 : tensor<2xf32>, tensor<2xi32>
}
