// RUN: sprint-opt %s --convert-sprint-to-linalg --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @quantize
// CHECK-DAG:     %[[LIMIT:.*]] = arith.constant 1.190000e+02 : f32
// CHECK-DAG:     %[[LOWEST:.*]] = arith.constant -1.190000e+02 : f32
// CHECK-DAG:     %[[SMALLEST:.*]] = arith.constant 1.17549435E-38 : f32
// CHECK:         linalg.generic {{.*}}["parallel", "parallel", "reduction", "reduction"]
// CHECK:         math.absf
// CHECK:         arith.maximumf
// CHECK:         linalg.generic
// CHECK:         %[[STEP:.*]] = arith.divf %{{.*}}, %[[LIMIT]]
// CHECK:         arith.cmpf olt, %[[STEP]], %[[SMALLEST]]
// CHECK:         linalg.generic
// CHECK:         %[[QUOTIENT:.*]] = arith.divf
// CHECK:         %[[CODE:.*]] = math.roundeven %[[QUOTIENT]]
// CHECK:         %[[ABOVE:.*]] = arith.maximumf %[[CODE]], %[[LOWEST]]
// CHECK:         %[[CLAMPED:.*]] = arith.minimumf %[[ABOVE]], %[[LIMIT]]
// CHECK:         arith.fptosi %[[CLAMPED]] : f32 to i8
func.func @quantize(%x: tensor<1x2x?x8xf32>) -> (tensor<1x2x?x8xi8>, tensor<1x2xf32>) {
  %codes, %step = sprint.quantize %x nibble(centred) : tensor<1x2x?x8xf32> -> tensor<1x2x?x8xi8>, tensor<1x2xf32>
  return %codes, %step : tensor<1x2x?x8xi8>, tensor<1x2xf32>
}

// CHECK-LABEL: func.func @truncated
// CHECK:         arith.constant 1.270000e+02 : f32
func.func @truncated(%x: tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xi8> {
  %codes, %step = sprint.quantize %x nibble(truncated) : tensor<1x2x?x8xf32> -> tensor<1x2x?x8xi8>, tensor<1x2xf32>
  return %codes : tensor<1x2x?x8xi8>
}

// One threshold a head comes in as a constant tensor, widened exactly; the order of the products counts.

// CHECK-LABEL: func.func @parameters
// CHECK-DAG:     %[[THRESHOLDS:.*]] = arith.constant dense<[1.500000e+00, -2.000000e+00]> : tensor<2xf32>
// CHECK-DAG:     %[[SCALE:.*]] = arith.constant 1.250000e-01 : f64
// CHECK-DAG:     %[[LEVELS:.*]] = arith.constant 2.560000e+02 : f64
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %[[THRESHOLDS]] :
// CHECK:       ^bb0(%[[Q:[^:]*]]: f32, %[[K:[^:]*]]: f32, %[[T:[^:]*]]: f32,
// CHECK-DAG:     %[[QSTEP:.*]] = arith.extf %[[Q]] : f32 to f64
// CHECK-DAG:     %[[KSTEP:.*]] = arith.extf %[[K]] : f32 to f64
// CHECK-DAG:     %[[THETA:.*]] = arith.extf %[[T]] : f32 to f64
// CHECK:         %[[SCALED:.*]] = arith.mulf %[[QSTEP]], %[[SCALE]] : f64
// CHECK:         %[[LAMBDA:.*]] = arith.mulf %[[SCALED]], %[[KSTEP]] : f64
// CHECK:         %[[UNIT:.*]] = arith.mulf %[[LAMBDA]], %[[LEVELS]] : f64
// CHECK:         %[[QUOTIENT:.*]] = arith.divf %[[THETA]], %[[UNIT]] : f64
// CHECK:         math.ceil %[[QUOTIENT]] : f64
// CHECK:         arith.fptosi %{{.*}} : f64 to i32
// CHECK:         arith.bitcast %[[LAMBDA]] : f64 to i64
func.func @parameters(%q: tensor<1x2xf32>, %k: tensor<1x2xf32>)
    -> (tensor<1x2xi32>, tensor<1x2xi64>, tensor<1x2xi64>) {
  %t, %m, %s = sprint.parameters %q, %k scale(0.125) thresholds([1.5, -2.0])
      : tensor<1x2xf32>, tensor<1x2xf32> -> tensor<1x2xi32>, tensor<1x2xi64>, tensor<1x2xi64>
  return %t, %m, %s : tensor<1x2xi32>, tensor<1x2xi64>, tensor<1x2xi64>
}

// CHECK-LABEL: func.func @dequantize
// CHECK-SAME:    %[[CODES:.*]]: tensor<1x2x?x8xi32>, %[[STEP:.*]]: tensor<1x2xf32>, %[[INIT:.*]]: tensor<1x2x?x8xf32>
// CHECK-DAG:     %[[FRACTION:.*]] = arith.constant 1.52587891E-5 : f32
// CHECK:         linalg.generic {{.*}} ins(%[[CODES]], %[[STEP]] : {{.*}}) outs(%[[INIT]] :
// CHECK:         %[[CODE:.*]] = arith.sitofp %{{.*}} : i32 to f32
// CHECK:         %[[NUMBER:.*]] = arith.mulf %[[CODE]], %[[FRACTION]]
// CHECK:         arith.mulf %[[NUMBER]], %{{.*}}
func.func @dequantize(%codes: tensor<1x2x?x8xi32>, %step: tensor<1x2xf32>, %init: tensor<1x2x?x8xf32>)
    -> tensor<1x2x?x8xf32> {
  %0 = sprint.dequantize ins(%codes, %step : tensor<1x2x?x8xi32>, tensor<1x2xf32>)
                         outs(%init : tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32>
  return %0 : tensor<1x2x?x8xf32>
}
