// RUN: %run_values | FileCheck %s

// Three heads of one token. The largest of the first is 119, so its step is 1, and halves go to the even code. The second has
// twice that, so its step is 2. One of zeros has the step 1.
// CHECK:      [1, 2, 1]
// CHECK:      [-119, 2, 4, 0]
// CHECK:      [119, 2, 2, -1]
// CHECK:      [0, 0, 0, 0]

// Truncated nibbles leave 127 codes: 254 / 127 = 2.
// CHECK:      [2]
// CHECK:      [127, -60, 2, 0]

func.func private @printMemrefF32(tensor<*xf32>) attributes {llvm.emit_c_interface}
func.func private @printMemrefI32(tensor<*xi32>) attributes {llvm.emit_c_interface}

func.func @main() {
  %x = arith.constant dense<[[[[-119.0, 2.5, 3.5, 0.5]], [[238.0, 3.0, 5.0, -2.0]], [[0.0, 0.0, 0.0, 0.0]]]]>
      : tensor<1x3x1x4xf32>
  %codes, %step = sprint.quantize %x nibble(centred) : tensor<1x3x1x4xf32> -> tensor<1x3x1x4xi8>, tensor<1x3xf32>
  %0 = tensor.cast %step : tensor<1x3xf32> to tensor<*xf32>
  call @printMemrefF32(%0) : (tensor<*xf32>) -> ()
  %1 = arith.extsi %codes : tensor<1x3x1x4xi8> to tensor<1x3x1x4xi32>
  %2 = tensor.cast %1 : tensor<1x3x1x4xi32> to tensor<*xi32>
  call @printMemrefI32(%2) : (tensor<*xi32>) -> ()

  %y = arith.constant dense<[[[[254.0, -120.0, 3.0, 1.0]]]]> : tensor<1x1x1x4xf32>
  %more, %wider = sprint.quantize %y nibble(truncated) : tensor<1x1x1x4xf32> -> tensor<1x1x1x4xi8>, tensor<1x1xf32>
  %3 = tensor.cast %wider : tensor<1x1xf32> to tensor<*xf32>
  call @printMemrefF32(%3) : (tensor<*xf32>) -> ()
  %4 = arith.extsi %more : tensor<1x1x1x4xi8> to tensor<1x1x1x4xi32>
  %5 = tensor.cast %4 : tensor<1x1x1x4xi32> to tensor<*xi32>
  call @printMemrefI32(%5) : (tensor<*xi32>) -> ()
  return
}
