// RUN: sprint-opt %s "--sprint-compile=arch=s" --split-input-file --verify-diagnostics

func.func @key_buffer(%q: tensor<1x1x4x8192xf32>, %v: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  %init = tensor.empty() : tensor<1x1x4x8xf32>
  // A key of 8192 channels still fits a buffer of 8192 bytes.
  %o = sprint.attention ins(%q, %q, %v : tensor<1x1x4x8192xf32>, tensor<1x1x4x8192xf32>, tensor<1x1x4x8xf32>)
      outs(%init : tensor<1x1x4x8xf32>) scale(1.0) -> tensor<1x1x4x8xf32>
  return %o : tensor<1x1x4x8xf32>
}

// -----

func.func @value_buffer(%q: tensor<1x1x4x8xf32>, %v: tensor<1x1x4x8193xf32>) -> tensor<1x1x4x8193xf32> {
  %init = tensor.empty() : tensor<1x1x4x8193xf32>
  // expected-remark @below {{attention stays on the host: expected a value to fit the value buffer of a CORELET of machine 's', got 8193 channels}}
  %o = sprint.attention ins(%q, %q, %v : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8193xf32>)
      outs(%init : tensor<1x1x4x8193xf32>) scale(1.0) -> tensor<1x1x4x8193xf32>
  return %o : tensor<1x1x4x8193xf32>
}

// -----

func.func @capacity(%q: tensor<1x1x200000x64xf32>) -> tensor<1x1x200000x64xf32> {
  %init = tensor.empty() : tensor<1x1x200000x64xf32>
  // expected-remark @below {{attention stays on the host: expected at most 131072 keys, the capacity of machine 's', got 200000}}
  %o = sprint.attention ins(%q, %q, %q : tensor<1x1x200000x64xf32>, tensor<1x1x200000x64xf32>, tensor<1x1x200000x64xf32>)
      outs(%init : tensor<1x1x200000x64xf32>) scale(1.0) -> tensor<1x1x200000x64xf32>
  return %o : tensor<1x1x200000x64xf32>
}
