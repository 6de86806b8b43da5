// RUN: sprint-opt %s --convert-sprint-to-linalg --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @quantize
// CHECK-DAG:     %[[LIMIT:.*]] = arith.constant 1.190000e+02 : f32
// CHECK-DAG:     %[[LOWEST:.*]] = arith.constant -1.190000e+02 : f32
// CHECK-DAG:     %[[SMALLEST:.*]] = arith.constant 1.17549435E-38 : f32
// CHECK-DAG:     %[[INFINITY:.*]] = arith.constant 0x7F800000 : f32
// CHECK:         linalg.generic {{.*}}["parallel", "parallel", "reduction", "reduction"]
// CHECK:         math.absf
// CHECK:         arith.maximumf
// CHECK:         linalg.generic {{.*}}["reduction", "reduction"]
// CHECK:         arith.cmpf olt, %{{.*}}, %[[INFINITY]]
// CHECK:         cf.assert %{{.*}}, "expected finite numbers, got NaN or infinity"
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
// CHECK:         %[[SCALED:.*]] = arith.mulf %[[QSTEP]], %[[SCALE]] : f64
// CHECK:         %[[LAMBDA:.*]] = arith.mulf %[[SCALED]], %[[KSTEP]] : f64
// CHECK:         %[[THETA:.*]] = arith.extf %[[T]] : f32 to f64
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

// The head of a group reads the step of its key head.

// CHECK-LABEL: func.func @shared(
// CHECK-SAME:    %{{.*}}: tensor<1x6xf32>, %[[K:[^:]*]]: tensor<1x2xf32>
// CHECK-DAG:     %[[GROUP:.*]] = arith.constant 3 : index
// CHECK:         %[[HEAD:.*]] = linalg.index 1
// CHECK:         %[[KEYHEAD:.*]] = arith.divui %[[HEAD]], %[[GROUP]]
// CHECK:         tensor.extract %[[K]][%{{.*}}, %[[KEYHEAD]]]
func.func @shared(%q: tensor<1x6xf32>, %k: tensor<1x2xf32>) -> tensor<1x6xi32> {
  %t, %m, %s = sprint.parameters %q, %k scale(0.125)
      : tensor<1x6xf32>, tensor<1x2xf32> -> tensor<1x6xi32>, tensor<1x6xi64>, tensor<1x6xi64>
  return %t : tensor<1x6xi32>
}

// A bias that is the same for all batch elements is read again for each; -2^20 and below mask.

// CHECK-LABEL: func.func @bias(
// CHECK-SAME:    %[[BIAS:[^:]*]]: tensor<1x2x3x?xf32>, %[[Q:[^:]*]]: tensor<4x2xf32>, %[[K:[^:]*]]: tensor<4x2xf32>)
// CHECK-DAG:     %[[MASKING:.*]] = arith.constant 0xC9800000 : f32
// CHECK-DAG:     %[[MASKED:.*]] = arith.constant -2147483648 : i32
// CHECK-DAG:     %[[HIGHEST:.*]] = arith.constant 0x41C0000000000000 : f64
// CHECK:         cf.assert %{{.*}}, "expected finite numbers or minus infinity in the bias, got NaN or plus infinity"
// CHECK:         linalg.generic {{.*}} ins(%[[BIAS]], %[[Q]], %[[K]] : {{.*}}) outs(%{{.*}} : tensor<4x2x3x?xi32>)
// CHECK:         arith.divf %{{.*}}, %{{.*}} : f64
// CHECK:         math.roundeven
// CHECK:         arith.minimumf %{{.*}}, %[[HIGHEST]] : f64
// CHECK:         %[[CODE:.*]] = arith.fptosi
// CHECK:         %[[MASKS:.*]] = arith.cmpf {{oge|ole}}, %{{.*}}, %{{.*}} : f32
// CHECK:         arith.select %[[MASKS]], %[[MASKED]], %[[CODE]]
func.func @bias(%b: tensor<1x2x3x?xf32>, %q: tensor<4x2xf32>, %k: tensor<4x2xf32>) -> tensor<4x2x3x?xi32> {
  %0 = sprint.quantize_bias %b steps(%q, %k) scale(0.125)
      : tensor<1x2x3x?xf32>, tensor<4x2xf32>, tensor<4x2xf32> -> tensor<4x2x3x?xi32>
  return %0 : tensor<4x2x3x?xi32>
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
