// RUN: sprint-opt %s --sprint-attach-machine --sprint-outline-programs --verify-diagnostics | FileCheck %s

// What the machine cannot take stays, with the reason, which is on the op, too.

// CHECK-LABEL: func.func @empty(
// CHECK: sprint.attention
// CHECK-SAME: sprint.refused = #sprint.refusal<outlining, "expected no size of zero, got tensor<1x1x0x8xf32>">
func.func @empty(%q: tensor<1x1x4x8xf32>, %k: tensor<1x1x0x8xf32>, %init: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  // expected-remark @below {{attention stays on the host: expected no size of zero, got tensor<1x1x0x8xf32>}}
  %o = sprint.attention ins(%q, %k, %k : tensor<1x1x4x8xf32>, tensor<1x1x0x8xf32>, tensor<1x1x0x8xf32>)
      outs(%init : tensor<1x1x4x8xf32>) scale(1.0) -> tensor<1x1x4x8xf32>
  return %o : tensor<1x1x4x8xf32>
}

// CHECK-LABEL: func.func @dynamic_channels(
// CHECK: sprint.attention
func.func @dynamic_channels(%t: tensor<1x1x4x?xf32>) -> tensor<1x1x4x?xf32> {
  // expected-remark @below {{attention stays on the host: expected static head and value dimensions}}
  %o = sprint.attention ins(%t, %t, %t : tensor<1x1x4x?xf32>, tensor<1x1x4x?xf32>, tensor<1x1x4x?xf32>)
      outs(%t : tensor<1x1x4x?xf32>) scale(1.0) -> tensor<1x1x4x?xf32>
  return %o : tensor<1x1x4x?xf32>
}

// CHECK-LABEL: func.func @dynamic_heads(
// CHECK: sprint.attention
func.func @dynamic_heads(%t: tensor<1x?x4x8xf32>) -> tensor<1x?x4x8xf32> {
  // expected-remark @below {{attention stays on the host: expected static numbers of heads, got tensor<1x?x4x8xf32> and tensor<1x?x4x8xf32>}}
  %o = sprint.attention ins(%t, %t, %t : tensor<1x?x4x8xf32>, tensor<1x?x4x8xf32>, tensor<1x?x4x8xf32>)
      outs(%t : tensor<1x?x4x8xf32>) scale(1.0) -> tensor<1x?x4x8xf32>
  return %o : tensor<1x?x4x8xf32>
}

// CHECK-LABEL: func.func @channels(
// CHECK: sprint.attention
func.func @channels(%t: tensor<1x1x4x10000xf32>) -> tensor<1x1x4x10000xf32> {
  // expected-remark @below {{attention stays on the host: expected a key to fit an array of machine 's', got 10000 channels}}
  %o = sprint.attention ins(%t, %t, %t : tensor<1x1x4x10000xf32>, tensor<1x1x4x10000xf32>, tensor<1x1x4x10000xf32>)
      outs(%t : tensor<1x1x4x10000xf32>) scale(1.0) -> tensor<1x1x4x10000xf32>
  return %o : tensor<1x1x4x10000xf32>
}

// CHECK-LABEL: func.func @keys(
// CHECK: sprint.attention
func.func @keys(%q: tensor<1x1x4x64xf32>, %k: tensor<1x1x100000000x64xf32>) -> tensor<1x1x4x64xf32> {
  // expected-remark @below {{the capacity of machine 's', got 100000000}}
  %o = sprint.attention ins(%q, %k, %k : tensor<1x1x4x64xf32>, tensor<1x1x100000000x64xf32>, tensor<1x1x100000000x64xf32>)
      outs(%q : tensor<1x1x4x64xf32>) scale(1.0) -> tensor<1x1x4x64xf32>
  return %o : tensor<1x1x4x64xf32>
}

module {
  // CHECK-LABEL: func.func @nested(
  // CHECK: sprint.attention
  func.func @nested(%t: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
    // expected-remark @below {{attention stays on the host: expected it in a function of the outermost module}}
    %o = sprint.attention ins(%t, %t, %t : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>)
        outs(%t : tensor<1x1x4x8xf32>) scale(1.0) -> tensor<1x1x4x8xf32>
    return %o : tensor<1x1x4x8xf32>
  }
}

// One beside them goes to the machine.

// CHECK-LABEL: func.func @fits(
// CHECK-NOT: sprint.attention
// CHECK: sprint.launch @attention ins
func.func @fits(%t: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  %o = sprint.attention ins(%t, %t, %t : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>)
      outs(%t : tensor<1x1x4x8xf32>) scale(1.0) -> tensor<1x1x4x8xf32>
  return %o : tensor<1x1x4x8xf32>
}
