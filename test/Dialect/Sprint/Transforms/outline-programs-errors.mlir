// RUN: sprint-opt %s --sprint-outline-programs --verify-diagnostics

// expected-error @below {{expected a 'sprint.machine' attribute; run sprint-attach-machine first}}
module {
  func.func @f(%q: tensor<1x1x4x8xf32>, %init: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
    %o = sprint.attention ins(%q, %q, %q : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>)
        outs(%init : tensor<1x1x4x8xf32>) scale(1.0) -> tensor<1x1x4x8xf32>
    return %o : tensor<1x1x4x8xf32>
  }
}
