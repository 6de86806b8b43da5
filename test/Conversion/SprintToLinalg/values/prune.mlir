// RUN: %run_values | FileCheck %s

// Two rows of four keys.

// The first row keeps what is at least 7. The second has nothing at 8, nor at 8 - 1 and 8 - 3; at 8 - 7 = 1 it keeps three.
// CHECK:      [0, 1, 1, 0]
// CHECK-NEXT: [1, 1, 1, 0]

// Query 0 sees key 0 alone, and keeps it at 7 - 3; query 3 sees all.
// CHECK:      [1, 0, 0, 0]
// CHECK-NEXT: [1, 1, 1, 0]

// Without the two keys that a mask hides from both rows; what is left of the second row, 2 and 0, is kept at 8 - 7 where it
// is 1 or more.
// CHECK:      [0, 0, 1, 0]
// CHECK-NEXT: [0, 0, 1, 0]

// A row keeps nothing where no key is of its segment.
// CHECK:      [1, 0, 0, 0]
// CHECK-NEXT: [0, 0, 0, 0]

// Codes of a bias are added in units of 256: (512 + 128) >> 8 = 2 lifts the last key to 4, (-1400 + 128) >> 8 = -5 leaves 4 of
// the 9. Only the 7 is at 7. The second row's 1, 3 - 5, 2 and 0 + 2 are kept at 8 - 7 = 1.
// CHECK:      [0, 0, 1, 0]
// CHECK-NEXT: [1, 0, 1, 1]

func.func private @printMemrefI32(tensor<*xi32>) attributes {llvm.emit_c_interface}

func.func @print(%kept: tensor<2x4xi1>) {
  %0 = arith.extui %kept : tensor<2x4xi1> to tensor<2x4xi32>
  %1 = tensor.cast %0 : tensor<2x4xi32> to tensor<*xi32>
  call @printMemrefI32(%1) : (tensor<*xi32>) -> ()
  return
}

func.func @main() {
  %scores = arith.constant dense<[[5, 9, 7, 2], [1, 3, 2, 0]]> : tensor<2x4xi32>
  %t = arith.constant dense<[7, 8]> : tensor<2xi32>
  %i = arith.constant dense<[0, 3]> : tensor<2xindex>
  %n = arith.constant 4 : index

  %all = sprint.prune %scores threshold(%t : tensor<2xi32>) queries(%i of %n : tensor<2xindex>)
             : tensor<2x4xi32> -> tensor<2x4xi1>
  call @print(%all) : (tensor<2x4xi1>) -> ()

  %causal = sprint.prune %scores threshold(%t : tensor<2xi32>) queries(%i of %n : tensor<2xindex>) band(<upper = 0>)
                : tensor<2x4xi32> -> tensor<2x4xi1>
  call @print(%causal) : (tensor<2x4xi1>) -> ()

  %mask = arith.constant dense<[[false, false, true, true]]> : tensor<1x4xi1>
  %masked = sprint.prune %scores threshold(%t : tensor<2xi32>) queries(%i of %n : tensor<2xindex>)
                masks(%mask : tensor<1x4xi1>) : tensor<2x4xi32> -> tensor<2x4xi1>
  call @print(%masked) : (tensor<2x4xi1>) -> ()

  %own = arith.constant dense<[1, 2]> : tensor<2xi32>
  %of_keys = arith.constant dense<[1, 3, 3, 3]> : tensor<4xi32>
  %segments = sprint.prune %scores threshold(%t : tensor<2xi32>) queries(%i of %n : tensor<2xindex>)
                  segments(%own, %of_keys : tensor<2xi32>, tensor<4xi32>) : tensor<2x4xi32> -> tensor<2x4xi1>
  call @print(%segments) : (tensor<2x4xi1>) -> ()

  // None masks its key by being far below another: they differ by less than 2^15 a channel.
  %bias = arith.constant dense<[[0, -1400, 0, 512]]> : tensor<1x4xi32>
  %multiplier = arith.constant dense<1073741824> : tensor<2xi64>
  %shift = arith.constant dense<30> : tensor<2xi64>
  %channels = arith.constant 1 : index
  %biased = sprint.prune %scores threshold(%t : tensor<2xi32>) queries(%i of %n : tensor<2xindex>)
                bias(%bias, %multiplier, %shift, %channels : tensor<1x4xi32>, tensor<2xi64>, tensor<2xi64>)
                : tensor<2x4xi32> -> tensor<2x4xi1>
  call @print(%biased) : (tensor<2x4xi1>) -> ()
  return
}
