// RUN: sprint-opt %s --sprint-compile=arch=s --convert-sprint-launch-to-call | FileCheck %s

// CHECK: func.func private @sprintLaunch(i64, memref<*xf32>, memref<*xf32>, memref<*xf32>, memref<*xf32>) attributes {llvm.emit_c_interface}
// CHECK-LABEL: func.func @f(
// CHECK-SAME: %[[Q:.*]]: tensor<1x2x?x8xf32>, %[[INIT:.*]]: tensor<1x2x?x8xf32>
// CHECK-DAG: %[[PROGRAM:.*]] = arith.constant 0 : i64
// CHECK-DAG: %[[QB:.*]] = bufferization.to_buffer %[[Q]] read_only
// CHECK: %[[OUT:.*]] = memref.alloc(%{{.*}}) : memref<1x2x?x8xf32>
// CHECK: %[[OPAQUE:.*]] = memref.cast %[[OUT]]
// CHECK: call @sprintLaunch(%[[PROGRAM]], %{{.*}}, %{{.*}}, %{{.*}}, %[[OPAQUE]])
// CHECK: %[[R:.*]] = bufferization.to_tensor %[[OUT]] restrict writable
// CHECK: return %[[R]]
func.func @f(%q: tensor<1x2x?x8xf32>, %init: tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32> {
  %o = sprint.attention ins(%q, %q, %q : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>)
      outs(%init : tensor<1x2x?x8xf32>) scale(0.25) -> tensor<1x2x?x8xf32>
  return %o : tensor<1x2x?x8xf32>
}
