// RUN: sprint-opt %s --sprint-host-lower-asserts --split-input-file | FileCheck %s

// The message has the place of the assert, and ends with a zero.
// CHECK-DAG: llvm.mlir.global internal constant @sprint_message_0("model.py:7:3: expected true\00")
// CHECK-DAG: llvm.func @sprintFailExecution(!llvm.ptr)
// CHECK-DAG: llvm.func @sprintCheckExecution(i64, !llvm.ptr)
// CHECK-LABEL: func.func @once(
// CHECK-SAME: %[[TRUTH:.*]]: i1
// CHECK: %[[HOLDS:.*]] = arith.extui %[[TRUTH]] : i1 to i64
// CHECK: %[[GLOBAL:.*]] = llvm.mlir.addressof @sprint_message_0
// CHECK: %[[TEXT:.*]] = llvm.getelementptr %[[GLOBAL]]
// CHECK: llvm.call @sprintCheckExecution(%[[HOLDS]], %[[TEXT]])
// It is said twice, and checked once.
// CHECK-NOT: llvm.call
// CHECK-NOT: cf.assert
func.func @once(%truth: i1) {
  cf.assert %truth, "expected true" loc(fused["assert", "model.py":7:3])
  cf.assert %truth, "expected truth"
  return
}

// -----

// In a loop, a branch instead of a call in every iteration.
// CHECK-LABEL: func.func @loop(
// CHECK: scf.for
// CHECK: %[[FAILS:.*]] = arith.xori %{{.*}}, %true
// CHECK: scf.if %[[FAILS]] {
// CHECK: %[[GLOBAL:.*]] = llvm.mlir.addressof @sprint_message_0
// CHECK: %[[TEXT:.*]] = llvm.getelementptr %[[GLOBAL]]
// CHECK: llvm.call @sprintFailExecution(%[[TEXT]])
// CHECK-NOT: cf.assert
func.func @loop(%n: index, %a: memref<?xi1>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %0 = memref.load %a[%i] : memref<?xi1>
    cf.assert %0, "expected true"
  }
  return
}

// -----

// CHECK-LABEL: module
// CHECK-NOT: sprintFailExecution
func.func @none() {
  return
}
