// RUN: %run_values | FileCheck %s

// Keys 1 and 3 are kept by some row; the first row keeps both, the second only key 3.
// CHECK:      [1, 3]
// CHECK:      [1, 1]
// CHECK-NEXT: [0, 1]

func.func private @printMemrefInd(tensor<*xindex>) attributes {llvm.emit_c_interface}
func.func private @printMemrefI32(tensor<*xi32>) attributes {llvm.emit_c_interface}

func.func @main() {
  %kept = arith.constant dense<[[false, true, false, true], [false, false, false, true]]> : tensor<2x4xi1>
  %indices, %owners = sprint.gather %kept : tensor<2x4xi1> -> tensor<?xindex>, tensor<2x?xi1>
  %0 = tensor.cast %indices : tensor<?xindex> to tensor<*xindex>
  call @printMemrefInd(%0) : (tensor<*xindex>) -> ()
  %1 = arith.extui %owners : tensor<2x?xi1> to tensor<2x?xi32>
  %2 = tensor.cast %1 : tensor<2x?xi32> to tensor<*xi32>
  call @printMemrefI32(%2) : (tensor<*xi32>) -> ()
  return
}
