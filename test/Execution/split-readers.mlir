// RUN: sprint-opt %s --sprint-host-split-readers=max-readers=2 | FileCheck %s

// An argument that nobody writes to, by way of a view: three views, and two tensors that they are views of.
// CHECK-LABEL: func.func @argument(
// CHECK-SAME: %[[A:.*]]: tensor<8xf32>
// CHECK-NEXT: %[[BUFFER:.*]] = bufferization.to_buffer %[[A]] read_only : tensor<8xf32> to memref<8xf32>
// CHECK-DAG: bufferization.to_tensor %[[BUFFER]] restrict : memref<8xf32> to tensor<8xf32>
// CHECK-DAG: bufferization.to_tensor %[[BUFFER]] restrict : memref<8xf32> to tensor<8xf32>
// CHECK-COUNT-3: tensor.cast %{{.*}} : tensor<8xf32> to tensor<*xf32>
// CHECK-NOT: tensor.cast
func.func private @read(tensor<*xf32> {bufferization.access = "read"})
func.func @argument(%a: tensor<8xf32> {bufferization.writable = false}) {
  %0 = tensor.cast %a : tensor<8xf32> to tensor<*xf32>
  call @read(%0) : (tensor<*xf32>) -> ()
  call @read(%0) : (tensor<*xf32>) -> ()
  call @read(%0) : (tensor<*xf32>) -> ()
  call @read(%0) : (tensor<*xf32>) -> ()
  call @read(%0) : (tensor<*xf32>) -> ()
  return
}

// Constants, and what is said to be one's own.
// CHECK-LABEL: func.func @constants(
// CHECK-COUNT-2: arith.constant dense<1.000000e+00> : tensor<8xf32>
// CHECK-COUNT-2: bufferization.to_tensor %{{.*}} restrict : memref<8xf32> to tensor<8xf32>
// CHECK-NOT: bufferization.to_tensor
func.func private @add(tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
memref.global @constant : memref<8xf32>
func.func @constants() {
  %0 = arith.constant dense<1.0> : tensor<8xf32>
  %1 = memref.get_global @constant : memref<8xf32>
  %2 = bufferization.to_tensor %1 restrict : memref<8xf32> to tensor<8xf32>
  call @add(%0, %0, %0) : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> ()
  call @add(%2, %2, %2) : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> ()
  return
}

// What somebody may write to.
// CHECK-LABEL: func.func @writable(
// CHECK-NOT: to_buffer
// CHECK-NOT: restrict writable
// CHECK: bufferization.to_tensor %{{.*}} restrict writable
// CHECK-NOT: to_tensor
func.func @writable(%a: tensor<8xf32>, %b: memref<8xf32>) {
  %0 = bufferization.to_tensor %b restrict writable : memref<8xf32> to tensor<8xf32>
  call @add(%a, %a, %a) : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> ()
  call @add(%0, %0, %0) : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> ()
  return
}
