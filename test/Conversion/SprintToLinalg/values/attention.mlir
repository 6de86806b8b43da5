// RUN: %run_values | FileCheck %s

// Two queries of two keys, with values 1 and 3. The logits are 0 and 0 for the first query, 0 and log 3 for the second:
// (1 + 3) / 2 and (1 * 1 + 3 * 3) / 4. Where it is causal, the first query sees the first key alone.
// CHECK:      [2]
// CHECK-NEXT: [2.5]
// CHECK:      [1]
// CHECK-NEXT: [2.5]

// Without any valid key both rows are what is said of empty ones, zeros or the mean.
// CHECK:      [0]
// CHECK-NEXT: [0]
// CHECK:      [2]
// CHECK-NEXT: [2]

func.func private @printMemrefF32(tensor<*xf32>) attributes {llvm.emit_c_interface}

func.func @print(%o: tensor<1x1x2x1xf32>) {
  %0 = tensor.cast %o : tensor<1x1x2x1xf32> to tensor<*xf32>
  call @printMemrefF32(%0) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  // log 3
  %q = arith.constant dense<[[[[0.0], [1.09861228867]]]]> : tensor<1x1x2x1xf32>
  %k = arith.constant dense<[[[[0.0], [1.0]]]]> : tensor<1x1x2x1xf32>
  %v = arith.constant dense<[[[[1.0], [3.0]]]]> : tensor<1x1x2x1xf32>
  %init = arith.constant dense<0.0> : tensor<1x1x2x1xf32>
  %all = sprint.attention ins(%q, %k, %v : tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>)
             outs(%init : tensor<1x1x2x1xf32>) scale(1.0) -> tensor<1x1x2x1xf32>
  call @print(%all) : (tensor<1x1x2x1xf32>) -> ()
  %causal = sprint.attention ins(%q, %k, %v : tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>)
                outs(%init : tensor<1x1x2x1xf32>) scale(1.0) band(<upper = 0>) -> tensor<1x1x2x1xf32>
  call @print(%causal) : (tensor<1x1x2x1xf32>) -> ()

  %none = arith.constant dense<false> : tensor<1x2xi1>
  %zeros = sprint.attention ins(%q, %k, %v : tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>)
               key_valid(%none : tensor<1x2xi1>) outs(%init : tensor<1x1x2x1xf32>) scale(1.0) empty_row(zero)
               -> tensor<1x1x2x1xf32>
  call @print(%zeros) : (tensor<1x1x2x1xf32>) -> ()
  %mean = sprint.attention ins(%q, %k, %v : tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>)
              key_valid(%none : tensor<1x2xi1>) outs(%init : tensor<1x1x2x1xf32>) scale(1.0) empty_row(uniform)
              -> tensor<1x1x2x1xf32>
  call @print(%mean) : (tensor<1x1x2x1xf32>) -> ()
  return
}
