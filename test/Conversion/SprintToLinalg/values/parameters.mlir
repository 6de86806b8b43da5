// RUN: %run_values | FileCheck %s

// Two heads that share a key head. lambda = scale * step of queries * step of keys is 0.5 * 2 * 1 = 1 and 0.5 * 4 * 1 = 2.
// A unit of the approximate score is 256 lambda: the threshold is 300 / 256 and 300 / 512, rounded up.
// CHECK:      [2, 1]
// multiplier / 2^shift is lambda in steps of 2^-10: 2^30 / 2^20 and 2^30 / 2^19.
// CHECK:      [1073741824, 1073741824]
// CHECK:      [20, 19]

// Without a threshold every score is above it: -2^30.
// CHECK:      [-1073741824, -1073741824]

func.func private @printMemrefI32(tensor<*xi32>) attributes {llvm.emit_c_interface}
func.func private @printMemrefI64(tensor<*xi64>) attributes {llvm.emit_c_interface}

func.func @main() {
  %q = arith.constant dense<[[2.0, 4.0]]> : tensor<1x2xf32>
  %k = arith.constant dense<[[1.0]]> : tensor<1x1xf32>
  %threshold, %multiplier, %shift = sprint.parameters %q, %k scale(0.5) thresholds([300.0])
      : tensor<1x2xf32>, tensor<1x1xf32> -> tensor<1x2xi32>, tensor<1x2xi64>, tensor<1x2xi64>
  %0 = tensor.cast %threshold : tensor<1x2xi32> to tensor<*xi32>
  call @printMemrefI32(%0) : (tensor<*xi32>) -> ()
  %1 = tensor.cast %multiplier : tensor<1x2xi64> to tensor<*xi64>
  call @printMemrefI64(%1) : (tensor<*xi64>) -> ()
  %2 = tensor.cast %shift : tensor<1x2xi64> to tensor<*xi64>
  call @printMemrefI64(%2) : (tensor<*xi64>) -> ()

  %none, %m, %s = sprint.parameters %q, %k scale(0.5)
      : tensor<1x2xf32>, tensor<1x1xf32> -> tensor<1x2xi32>, tensor<1x2xi64>, tensor<1x2xi64>
  %3 = tensor.cast %none : tensor<1x2xi32> to tensor<*xi32>
  call @printMemrefI32(%3) : (tensor<*xi32>) -> ()
  return
}
