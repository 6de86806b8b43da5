// RUN: %run_values | FileCheck %s

// High nibbles, centred: (8 + 8) >> 4 = 1 and (-9 + 8) >> 4 = -1 of the first query, 1 and 6 of the second; 1 and -1 of the
// first key, 7 and -7 of the second.
//   100 + 1 * 1 + -1 * -1 = 102    100 + 1 * 7 + -1 * -7 = 114
//   100 + 1 * 1 +  6 * -1 =  95    100 + 1 * 7 +  6 * -7 =  65
// CHECK:      [102, 114]
// CHECK-NEXT: [95, 65]

// Truncated: 0 and -1, 1 and 6; 1 and -2, 7 and -8.
//   0 * 1 + -1 * -2 =   2    0 * 7 + -1 * -8 =   8
//   1 * 1 +  6 * -2 = -11    1 * 7 +  6 * -8 = -41
// CHECK:      [2, 8]
// CHECK-NEXT: [-11, -41]

func.func private @printMemrefI32(tensor<*xi32>) attributes {llvm.emit_c_interface}

func.func @main() {
  %q = arith.constant dense<[[8, -9], [23, 100]]> : tensor<2x2xi8>
  %k = arith.constant dense<[[16, -24], [119, -119]]> : tensor<2x2xi8>

  %hundreds = arith.constant dense<100> : tensor<2x2xi32>
  %centred = sprint.crossbar_score ins(%q, %k : tensor<2x2xi8>, tensor<2x2xi8>) outs(%hundreds : tensor<2x2xi32>)
                 nibble(centred) -> tensor<2x2xi32>
  %0 = tensor.cast %centred : tensor<2x2xi32> to tensor<*xi32>
  call @printMemrefI32(%0) : (tensor<*xi32>) -> ()

  %zeros = arith.constant dense<0> : tensor<2x2xi32>
  %truncated = sprint.crossbar_score ins(%q, %k : tensor<2x2xi8>, tensor<2x2xi8>) outs(%zeros : tensor<2x2xi32>)
                   nibble(truncated) -> tensor<2x2xi32>
  %1 = tensor.cast %truncated : tensor<2x2xi32> to tensor<*xi32>
  call @printMemrefI32(%1) : (tensor<*xi32>) -> ()
  return
}
