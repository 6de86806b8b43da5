// RUN: sprint-opt %s --sprint-compile=arch=s --convert-sprint-launch-to-call | FileCheck %s

// CHECK: func.func private @sprintLaunchMemRefs(i64,
// CHECK-SAME: tensor<*xf32> {bufferization.access = "read"}, tensor<*xf32> {bufferization.access = "read"}, tensor<*xf32> {bufferization.access = "read"},
// CHECK-SAME: tensor<*xi1> {bufferization.access = "read"}, tensor<*xi1> {bufferization.access = "read"}, tensor<*xf32> {bufferization.access = "read"},
// CHECK-SAME: memref<*xf32>) attributes {llvm.emit_c_interface}
// CHECK-LABEL: func.func @f(
// CHECK-SAME: %[[Q:.*]]: tensor<1x2x?x8xf32>, %[[INIT:.*]]: tensor<1x2x?x8xf32>
// CHECK-DAG: %[[PROGRAM:.*]] = arith.constant 0 : i64
// The call reads the tensors themselves: bufferization has to know until when.
// CHECK: %[[QUERY:.*]] = tensor.cast %[[Q]] : tensor<1x2x?x8xf32> to tensor<*xf32>
// CHECK: %[[KEY:.*]] = tensor.cast %[[Q]] : tensor<1x2x?x8xf32> to tensor<*xf32>
// CHECK: %[[VALUE:.*]] = tensor.cast %[[Q]] : tensor<1x2x?x8xf32> to tensor<*xf32>
// What the launch does not bring is a scalar, a constant: nothing is allocated for it.
// CHECK: %[[NO_BYTES:.*]] = arith.constant dense<false> : tensor<i1>
// CHECK: tensor.cast %[[NO_BYTES]] : tensor<i1> to tensor<*xi1>
// CHECK: tensor.cast %{{.*}} : tensor<i1> to tensor<*xi1>
// CHECK: %[[NO_FLOATS:.*]] = arith.constant dense<0.000000e+00> : tensor<f32>
// CHECK: tensor.cast %[[NO_FLOATS]] : tensor<f32> to tensor<*xf32>
// CHECK: %[[OUT:.*]] = memref.alloc(%{{.*}}) : memref<1x2x?x8xf32>
// CHECK: %[[OPAQUE:.*]] = memref.cast %[[OUT]]
// CHECK: call @sprintLaunchMemRefs(%[[PROGRAM]], %[[QUERY]], %[[KEY]], %[[VALUE]], %{{.*}}, %{{.*}}, %{{.*}}, %[[OPAQUE]])
// CHECK: %[[R:.*]] = bufferization.to_tensor %[[OUT]] restrict writable
// CHECK: return %[[R]]
func.func @f(%q: tensor<1x2x?x8xf32>, %init: tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32> {
  %o = sprint.attention ins(%q, %q, %q : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>)
      outs(%init : tensor<1x2x?x8xf32>) scale(0.25) -> tensor<1x2x?x8xf32>
  return %o : tensor<1x2x?x8xf32>
}

// CHECK-LABEL: func.func @masked(
// CHECK-SAME: %[[VALID:[^:]*]]: tensor<1x?xi1>, %[[BIAS:[^:]*]]: tensor<1x2x1x?xf32>
// CHECK-DAG: %[[PROGRAM:.*]] = arith.constant 1 : i64
// CHECK: %[[V:.*]] = tensor.cast %[[VALID]] : tensor<1x?xi1> to tensor<*xi1>
// CHECK: %[[M:.*]] = tensor.cast %{{.*}} : tensor<i1> to tensor<*xi1>
// CHECK: %[[B:.*]] = tensor.cast %[[BIAS]] : tensor<1x2x1x?xf32> to tensor<*xf32>
// CHECK: call @sprintLaunchMemRefs(%[[PROGRAM]], %{{.*}}, %{{.*}}, %{{.*}}, %[[V]], %[[M]], %[[B]], %{{.*}})
func.func @masked(%t: tensor<1x2x?x8xf32>, %valid: tensor<1x?xi1>, %bias: tensor<1x2x1x?xf32>) -> tensor<1x2x?x8xf32> {
  %o = sprint.attention ins(%t, %t, %t : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>)
      key_valid(%valid : tensor<1x?xi1>) bias(%bias : tensor<1x2x1x?xf32>)
      outs(%t : tensor<1x2x?x8xf32>) scale(0.25) -> tensor<1x2x?x8xf32>
  return %o : tensor<1x2x?x8xf32>
}
