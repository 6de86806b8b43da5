// RUN: %run_values | FileCheck %s

// 3.0 and -0.25 with 16 fraction bits; two heads that share a step of 0.5, and one whose step is 4.
// CHECK:      [1.5]
// CHECK:      [-0.125]
// CHECK:      [12]
// CHECK:      [-1]

func.func private @printMemrefF32(tensor<*xf32>) attributes {llvm.emit_c_interface}

func.func @main() {
  %codes = arith.constant dense<[[[[196608]], [[-16384]], [[196608]], [[-16384]]]]> : tensor<1x4x1x1xi32>
  %step = arith.constant dense<[[0.5, 4.0]]> : tensor<1x2xf32>
  %init = tensor.empty() : tensor<1x4x1x1xf32>
  %o = sprint.dequantize ins(%codes, %step : tensor<1x4x1x1xi32>, tensor<1x2xf32>) outs(%init : tensor<1x4x1x1xf32>)
       -> tensor<1x4x1x1xf32>
  %0 = tensor.cast %o : tensor<1x4x1x1xf32> to tensor<*xf32>
  call @printMemrefF32(%0) : (tensor<*xf32>) -> ()
  return
}
