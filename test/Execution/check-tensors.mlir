// RUN: sprint-opt %s --sprint-host-check-tensors --split-input-file --verify-diagnostics

// expected-error @below {{expected a function that does not call itself}}
func.func @again(%a: tensor<2xf32>) -> tensor<2xf32> {
  %0 = call @again(%a) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @there(%a: tensor<2xf32>) -> tensor<2xf32> {
  %0 = call @back(%a) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
// By way of another one.
// expected-error @below {{expected a function that does not call itself}}
func.func @back(%a: tensor<2xf32>) -> tensor<2xf32> {
  %0 = call @there(%a) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// expected-error @below {{expected code on tensors, got 'llvm.func'}}
llvm.func @abort()

// -----

func.func @stack(%a: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{expected code on tensors, got 'memref.alloca'}}
  %0 = memref.alloca() : memref<1000000000xf32>
  return %a : tensor<2xf32>
}

// -----

func.func @indices(%a: tensor<2xindex>) -> tensor<2xindex> {
  %0 = tensor.generate {
  ^bb0(%i: index):
    %zero = arith.constant 0 : index
    // expected-error @below {{expected no 'linalg.map' in the body of 'tensor.generate'}}
    %1 = linalg.map outs(%a : tensor<2xindex>) (%out: index) {
      %j = linalg.index 0 : index
      linalg.yield %j : index
    }
    %2 = tensor.extract %1[%zero] : tensor<2xindex>
    tensor.yield %2 : index
  } : tensor<2xindex>
  return %0 : tensor<2xindex>
}

// -----

func.func @nowhere() -> tensor<2xf32> {
  // expected-error @below {{expected data for the resource 'nowhere', got none}}
  %0 = arith.constant dense_resource<nowhere> : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @short() -> tensor<3xf32> {
  // expected-error @below {{expected data for the resource 'short', got 8 bytes where 'tensor<3xf32>' has 12}}
  %0 = arith.constant dense_resource<short> : tensor<3xf32>
  return %0 : tensor<3xf32>
}

{-# dialect_resources: { builtin: { short: "0x040000000000803F00000040" } } #-}

// -----

func.func @booleans() -> tensor<2xi1> {
  // expected-error @below {{expected data for the resource 'booleans', got booleans that are neither 0 nor 1}}
  %0 = arith.constant dense_resource<booleans> : tensor<2xi1>
  return %0 : tensor<2xi1>
}

{-# dialect_resources: { builtin: { booleans: "0x010000000102" } } #-}

// -----

func.func @odd() -> tensor<2xi4> {
  // expected-error @below {{expected data for the resource 'odd', got elements of type 'i4'}}
  %0 = arith.constant dense_resource<odd> : tensor<2xi4>
  return %0 : tensor<2xi4>
}

{-# dialect_resources: { builtin: { odd: "0x010000000102" } } #-}

// -----

func.func @right() -> tensor<2xi1> {
  %0 = arith.constant dense_resource<booleans> : tensor<2xi1>
  return %0 : tensor<2xi1>
}

{-# dialect_resources: { builtin: { booleans: "0x010000000100" } } #-}
