// RUN: sprint-opt %s --convert-sprint-to-linalg --canonicalize --cse | FileCheck %s

// Two contractions with a softmax between them; the division comes last and writes into the init.

// CHECK-LABEL: func.func @plain(
// CHECK-SAME:    %{{.*}}: tensor<1x2x3x8xf32>, %{{.*}}: tensor<1x2x5x8xf32>, %{{.*}}: tensor<1x2x5x4xf32>, %[[INIT:.*]]: tensor<1x2x3x4xf32>)
// CHECK-NOT:     arith.select
// CHECK:         %[[PRODUCTS:.*]] = linalg.generic {{.*}}["parallel", "parallel", "parallel", "parallel", "reduction"]
// CHECK:         arith.mulf
// CHECK:         arith.addf
// CHECK:         %[[LOGITS:.*]] = linalg.generic {{.*}} outs(%[[PRODUCTS]]
// CHECK:         arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK:         linalg.generic {{.*}} ins(%[[LOGITS]]
// CHECK:         arith.maximumf
// CHECK:         %[[EXPONENTIALS:.*]] = linalg.generic
// CHECK:         math.exp
// CHECK:         %[[SUMS:.*]] = linalg.generic {{.*}} ins(%[[EXPONENTIALS]] :
// CHECK:         %[[WEIGHTED:.*]] = linalg.generic {{.*}} ins(%[[EXPONENTIALS]], %{{.*}} :
// CHECK:         linalg.generic {{.*}} ins(%[[WEIGHTED]], %[[SUMS]] : {{.*}}) outs(%[[INIT]] :
// CHECK:         arith.divf
func.func @plain(%q: tensor<1x2x3x8xf32>, %k: tensor<1x2x5x8xf32>, %v: tensor<1x2x5x4xf32>,
                 %init: tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32> {
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x2x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x4xf32>)
                        outs(%init : tensor<1x2x3x4xf32>) scale(0.5) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// A band with both bounds, aligned to the end: key - (query + keys - queries) between them, else minus infinity.

// CHECK-LABEL: func.func @window(
// CHECK-DAG:     %[[LOWER:.*]] = arith.constant -3 : index
// CHECK-DAG:     %[[UPPER:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[INFINITY:.*]] = arith.constant 0xFF800000 : f32
// CHECK-DAG:     %[[SCALE:.*]] = arith.constant 5.000000e-01 : f32
// CHECK-DAG:     %[[QUERIES:.*]] = tensor.dim %arg0
// CHECK-DAG:     %[[KEYS:.*]] = tensor.dim %arg1
// CHECK:         %[[OFFSET:.*]] = arith.subi %[[KEYS]], %[[QUERIES]] : index
// CHECK:         %[[QUERY:.*]] = linalg.index 2
// CHECK:         %[[DIAGONAL:.*]] = arith.addi %[[QUERY]], %[[OFFSET]]
// CHECK:         %[[KEY:.*]] = linalg.index 3
// CHECK:         %[[DISTANCE:.*]] = arith.subi %[[KEY]], %[[DIAGONAL]]
// CHECK:         %[[ABOVE:.*]] = arith.cmpi sge, %[[DISTANCE]], %[[LOWER]]
// CHECK:         %[[BELOW:.*]] = arith.cmpi sle, %[[DISTANCE]], %[[UPPER]]
// CHECK:         %[[ALLOWED:.*]] = arith.andi %[[ABOVE]], %[[BELOW]]
// CHECK:         %[[LOGIT:.*]] = arith.mulf %{{.*}}, %[[SCALE]]
// CHECK:         arith.select %[[ALLOWED]], %[[LOGIT]], %[[INFINITY]]
func.func @window(%q: tensor<1x2x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x4xf32>,
                  %init: tensor<1x2x?x4xf32>) -> tensor<1x2x?x4xf32> {
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x4xf32>)
                        outs(%init : tensor<1x2x?x4xf32>) scale(0.5)
                        band(#sprint.band<lower = -3, upper = 0, align = end>) -> tensor<1x2x?x4xf32>
  return %0 : tensor<1x2x?x4xf32>
}

// Heads of a group are a view of the query; keys and values are read where they are.

// CHECK-LABEL: func.func @grouped(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<1x6x?x8xf32>, %[[K:[^:]*]]: tensor<1x2x?x8xf32>, %[[V:[^:]*]]: tensor<1x2x?x4xf32>
// CHECK:         %[[GROUPS:.*]] = tensor.expand_shape %[[Q]] {{\[\[}}0], [1, 2], [3], [4]] output_shape [1, 2, 3, %{{.*}}, 8]
// CHECK:         %[[PRODUCTS:.*]] = linalg.generic {{.*}} ins(%[[GROUPS]], %[[K]] :
// CHECK:         tensor.collapse_shape %[[PRODUCTS]] {{\[\[}}0], [1, 2], [3], [4]]
// CHECK:         %[[WEIGHTS:.*]] = tensor.expand_shape
// CHECK:         %[[WEIGHTED:.*]] = linalg.generic {{.*}} ins(%[[WEIGHTS]], %[[V]] :
// CHECK:         tensor.collapse_shape %[[WEIGHTED]]
func.func @grouped(%q: tensor<1x6x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x4xf32>, %init: tensor<1x6x?x4xf32>) -> tensor<1x6x?x4xf32> {
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x6x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x4xf32>)
      outs(%init : tensor<1x6x?x4xf32>) scale(0.5) -> tensor<1x6x?x4xf32>
  return %0 : tensor<1x6x?x4xf32>
}

// Which rows are empty is found out once for what they do not depend on: here per batch element alone.

// CHECK-LABEL: func.func @fill(
// CHECK-SAME:    %[[V:[^:]*]]: tensor<2x3x?x4xf32>, %[[VALID:[^:]*]]: tensor<2x?xi1>, %[[INIT:[^:]*]]: tensor<2x3x?x4xf32>
// CHECK:         %[[ANY:.*]] = linalg.generic {{.*}}["parallel", "reduction"]{{.*}} ins(%[[VALID]] : {{.*}}) outs(%{{.*}} : tensor<2xi1>)
// CHECK:         %[[SUMS:.*]] = linalg.generic {{.*}}["parallel", "parallel", "parallel", "reduction"]{{.*}} ins(%[[V]] :
// CHECK:         %[[MEANS:.*]] = linalg.generic {{.*}} outs(%[[SUMS]] :
// CHECK:         linalg.generic {{.*}} ins(%[[ANY]], %[[MEANS]] : {{.*}}) outs(%[[INIT]] :
// CHECK:         arith.select
func.func @fill(%v: tensor<2x3x?x4xf32>, %valid: tensor<2x?xi1>, %init: tensor<2x3x?x4xf32>) -> tensor<2x3x?x4xf32> {
  %0 = sprint.fill_empty_rows ins(%v : tensor<2x3x?x4xf32>) key_valid(%valid : tensor<2x?xi1>)
      outs(%init : tensor<2x3x?x4xf32>) empty_row(uniform) -> tensor<2x3x?x4xf32>
  return %0 : tensor<2x3x?x4xf32>
}

// Logits are computed for empty rows alone, in f16 after each step.

// CHECK-LABEL: func.func @fill_logits(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x3x?x8xf32>, %[[K:[^:]*]]: tensor<2x1x?x8xf32>, %[[V:[^:]*]]: tensor<2x1x?x4xf32>, %[[VALID:[^:]*]]: tensor<2x?xi1>, %[[INIT:[^:]*]]: tensor<2x3x?x4xf32>
// CHECK-DAG:     %[[MASKED:.*]] = arith.constant -1.000000e+04 : f32
// CHECK:         %[[ANY:.*]] = linalg.generic {{.*}} ins(%[[VALID]] : {{.*}}) outs(%{{.*}} : tensor<2xi1>)
// CHECK:         scf.for %[[B:[^ ]*]] = {{.*}} iter_args(%{{.*}} = %[[INIT]])
// CHECK:           scf.for %[[H:[^ ]*]] =
// CHECK:             scf.for %[[I:[^ ]*]] = {{.*}} iter_args(%[[ROWS:.*]] = %{{.*}})
// CHECK:               %[[HASKEY:.*]] = tensor.extract %[[ANY]][%[[B]]]
// CHECK:               scf.if %[[HASKEY]]
// CHECK-NEXT:            scf.yield %[[ROWS]]
// CHECK:               tensor.extract_slice %[[Q]][%[[B]], %[[H]], %[[I]], 0]
// CHECK:               tensor.extract_slice %[[K]][%[[B]], 0, 0, 0]
// CHECK:               arith.truncf %{{.*}} : f32 to f16
// CHECK:               arith.addf %{{.*}}, %[[MASKED]]
// CHECK:               arith.truncf %{{.*}} : f32 to f16
// CHECK:               math.exp
// CHECK:               tensor.extract_slice %[[V]][%[[B]], 0, 0, 0]
// CHECK:               tensor.insert_slice %{{.*}} into %[[ROWS]][%[[B]], %[[H]], %[[I]], 0]
func.func @fill_logits(%q: tensor<2x3x?x8xf32>, %k: tensor<2x1x?x8xf32>, %v: tensor<2x1x?x4xf32>, %valid: tensor<2x?xi1>, %init: tensor<2x3x?x4xf32>) -> tensor<2x3x?x4xf32> {
  %0 = sprint.fill_empty_rows ins(%v : tensor<2x1x?x4xf32>) key_valid(%valid : tensor<2x?xi1>) outs(%init : tensor<2x3x?x4xf32>) empty_row(nan)
      logits(%q, %k : tensor<2x3x?x8xf32>, tensor<2x1x?x8xf32>) scale(0.5) masked_logit(-1.0e4 : f16) -> tensor<2x3x?x4xf32>
  return %0 : tensor<2x3x?x4xf32>
}

// On the host an attention with a masked_logit is one that leaves zeros, filled.

// CHECK-LABEL: func.func @masked_logit(
// CHECK:         math.exp
// CHECK:         scf.if
// CHECK:         math.exp
func.func @masked_logit(%t: tensor<1x1x?x8xf32>, %valid: tensor<1x?xi1>) -> tensor<1x1x?x8xf32> {
  %0 = sprint.attention ins(%t, %t, %t : tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>) key_valid(%valid : tensor<1x?xi1>)
      outs(%t : tensor<1x1x?x8xf32>) scale(0.5) masked_logit(-1.0e4 : f16) -> tensor<1x1x?x8xf32>
  return %0 : tensor<1x1x?x8xf32>
}
