// RUN: sprint-opt %s --sprint-host-merge-loops | FileCheck %s

// Loops at different places that do the same are one; what differs in a constant, in what is known of pointers or is no loop is not.
// CHECK: func.func private @sprint_loop(
// CHECK-NOT: @sprint_loop_0(
// CHECK: func.func private @sprint_loop_1(
// CHECK: func.func private @sprint_loop_2(
// CHECK: func.func private @other(
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A:.*]]: memref<8xf32>, %[[B:.*]]: memref<8xf32>)
// CHECK-NEXT: call @sprint_loop(%[[A]])
// CHECK-NEXT: call @sprint_loop(%[[B]])
// CHECK-NEXT: call @sprint_loop_1(%[[A]])
// CHECK-NEXT: call @sprint_loop_2(%[[A]])
// CHECK-NEXT: call @other(%[[A]])
func.func private @sprint_loop(%a: memref<8xf32>) attributes {distinct_pointers = array<i64>} {
  %one = arith.constant 1.0 : f32
  linalg.fill ins(%one : f32) outs(%a : memref<8xf32>)
  return
}
func.func private @sprint_loop_0(%b: memref<8xf32>) attributes {distinct_pointers = array<i64>} {
  %one = arith.constant 1.0 : f32 loc("elsewhere")
  linalg.fill ins(%one : f32) outs(%b : memref<8xf32>)
  return
}
func.func private @sprint_loop_1(%a: memref<8xf32>) attributes {distinct_pointers = array<i64>} {
  %two = arith.constant 2.0 : f32
  linalg.fill ins(%two : f32) outs(%a : memref<8xf32>)
  return
}
func.func private @sprint_loop_2(%a: memref<8xf32>) attributes {distinct_pointers = array<i64: 1>} {
  %one = arith.constant 1.0 : f32
  linalg.fill ins(%one : f32) outs(%a : memref<8xf32>)
  return
}
func.func private @other(%a: memref<8xf32>) {
  %one = arith.constant 1.0 : f32
  linalg.fill ins(%one : f32) outs(%a : memref<8xf32>)
  return
}
func.func @main(%a: memref<8xf32>, %b: memref<8xf32>) {
  call @sprint_loop(%a) : (memref<8xf32>) -> ()
  call @sprint_loop_0(%b) : (memref<8xf32>) -> ()
  call @sprint_loop_1(%a) : (memref<8xf32>) -> ()
  call @sprint_loop_2(%a) : (memref<8xf32>) -> ()
  call @other(%a) : (memref<8xf32>) -> ()
  return
}
