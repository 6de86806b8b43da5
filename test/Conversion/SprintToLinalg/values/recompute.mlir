// RUN: %run_values | FileCheck %s

// Three rows, keys 0 and 2 of three, one channel of values: 10, 99, 30. Outputs have 16 fraction bits, 1.0 is 65536.

// The first row owns both. Its scores are 2 * 4 = 8 and 2 * 4 = 8: weights of 65536 each, (10 + 30) / 2 = 20.
// The second owns key 2 alone: 30.
// The third owns nothing: 0.
// CHECK:      [1310720]
// CHECK-NEXT: [1966080]
// CHECK-NEXT: [0]

// Scores of 8 and 0 where a unit of the score is 1/8: the second weight is 65536 exp(-1), of the table 24109. So the output is
// (65536 * 10 + 24109 * 30) / (65536 + 24109), in units of 2^-16 1007863.19..., rounded.
// CHECK:      [1007863]

// Divided before the sum, with 8 bits: p = floor(65536 * 2^8 / 89645 + 1/2) = 187 and floor(24109 * 2^8 / 89645 + 1/2) = 69.
// (187 * 10 + 69 * 30) * 2^(16 - 8)
// CHECK:      [1008640]

func.func private @printMemrefI32(tensor<*xi32>) attributes {llvm.emit_c_interface}

func.func @main() {
  %values = arith.constant dense<[[10], [99], [30]]> : tensor<3x1xi8>
  %0 = arith.constant dense<[0, 2]> : tensor<2xindex>
  %indices = tensor.cast %0 : tensor<2xindex> to tensor<?xindex>

  %q = arith.constant dense<2> : tensor<3x1xi8>
  %same = arith.constant dense<[[4], [5], [4]]> : tensor<3x1xi8>
  %1 = arith.constant dense<[[true, true], [false, true], [false, false]]> : tensor<3x2xi1>
  %owners = tensor.cast %1 : tensor<3x2xi1> to tensor<3x?xi1>
  // 2^30 / 2^23 steps of 2^-10: 1/8 for a unit of the score.
  %multiplier = arith.constant dense<1073741824> : tensor<3xi64>
  %shift = arith.constant dense<23> : tensor<3xi64>
  %zeros = arith.constant dense<0> : tensor<3x1xi32>
  %r = sprint.recompute ins(%q, %same, %values, %indices, %owners, %multiplier, %shift : tensor<3x1xi8>, tensor<3x1xi8>,
           tensor<3x1xi8>, tensor<?xindex>, tensor<3x?xi1>, tensor<3xi64>, tensor<3xi64>) outs(%zeros : tensor<3x1xi32>)
       widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<3x1xi32>
  %2 = tensor.cast %r : tensor<3x1xi32> to tensor<*xi32>
  call @printMemrefI32(%2) : (tensor<*xi32>) -> ()

  %q1 = arith.constant dense<2> : tensor<1x1xi8>
  %others = arith.constant dense<[[4], [5], [0]]> : tensor<3x1xi8>
  %3 = arith.constant dense<true> : tensor<1x2xi1>
  %both = tensor.cast %3 : tensor<1x2xi1> to tensor<1x?xi1>
  %m1 = arith.constant dense<1073741824> : tensor<1xi64>
  %s1 = arith.constant dense<23> : tensor<1xi64>
  %zero = arith.constant dense<0> : tensor<1x1xi32>
  %late = sprint.recompute ins(%q1, %others, %values, %indices, %both, %m1, %s1 : tensor<1x1xi8>, tensor<3x1xi8>,
              tensor<3x1xi8>, tensor<?xindex>, tensor<1x?xi1>, tensor<1xi64>, tensor<1xi64>) outs(%zero : tensor<1x1xi32>)
          widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x1xi32>
  %4 = tensor.cast %late : tensor<1x1xi32> to tensor<*xi32>
  call @printMemrefI32(%4) : (tensor<*xi32>) -> ()

  %early = sprint.recompute ins(%q1, %others, %values, %indices, %both, %m1, %s1 : tensor<1x1xi8>, tensor<3x1xi8>,
               tensor<3x1xi8>, tensor<?xindex>, tensor<1x?xi1>, tensor<1xi64>, tensor<1xi64>) outs(%zero : tensor<1x1xi32>)
           widths(<exponent_fraction = 16, sum = 48, probability = 8, accumulator = 17>) -> tensor<1x1xi32>
  %5 = tensor.cast %early : tensor<1x1xi32> to tensor<*xi32>
  call @printMemrefI32(%5) : (tensor<*xi32>) -> ()
  return
}
