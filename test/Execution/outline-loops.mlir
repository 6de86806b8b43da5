// RUN: sprint-opt %s --sprint-host-outline-loops --split-input-file | FileCheck %s

// As in the LLVM dialect, where the memref is behind two numbers: a pointer to free, then the one that is distinct.
// CHECK: func.func private @sprint_loop(%[[UPPER:.*]]: index, %[[VALUE:.*]]: f32, %[[BUFFER:.*]]: memref<?xf32>)
// CHECK-SAME: distinct_pointers = array<i64: 3>
// CHECK-SAME: llvm.linkage = #llvm.linkage<internal>
// CHECK-SAME: passthrough = ["noinline"]
// Constants are the function's own.
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : index
// CHECK: scf.for %[[I:.*]] = %[[ZERO]] to %[[UPPER]] step %[[ONE]] {
// CHECK: memref.store %[[VALUE]], %[[BUFFER]][%[[I]]]
// CHECK: return
//
// CHECK-LABEL: func.func @store(
// CHECK-SAME: %[[N:.*]]: index, %[[X:.*]]: f32
// CHECK: %[[ALLOC:.*]] = memref.alloc
// CHECK-NOT: scf.for
// CHECK: call @sprint_loop(%[[N]], %[[X]], %[[ALLOC]]) : (index, f32, memref<?xf32>) -> ()
// CHECK: return %[[ALLOC]]
func.func @store(%n: index, %x: f32) -> memref<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.alloc(%n) : memref<?xf32>
  scf.for %i = %c0 to %n step %c1 {
    memref.store %x, %a[%i] : memref<?xf32>
  }
  return %a : memref<?xf32>
}

// -----

// An inner loop goes with its outer one, and results are returned.
// CHECK-LABEL: func.func private @sprint_loop(
// CHECK: scf.for
// CHECK: scf.for
// CHECK-LABEL: func.func @nested(
// CHECK-NOT: scf.for
// CHECK: %[[R:.*]] = call @sprint_loop(%{{.*}}) : (index, f32) -> f32
// CHECK: return %[[R]]
func.func @nested(%n: index, %x: f32) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%y = %x) -> f32 {
    %1 = scf.for %j = %c0 to %n step %c1 iter_args(%z = %y) -> f32 {
      %2 = arith.addf %z, %x : f32
      scf.yield %2 : f32
    }
    scf.yield %1 : f32
  }
  return %0 : f32
}

// -----

// Two views of one buffer are not distinct, but a second buffer is; an argument of the model's function may be anything but what was
// allocated in it.
// CHECK-LABEL: func.func private @sprint_loop(%{{.*}}: index, %{{.*}}: memref<4xf32>, %{{.*}}: memref<2xf32, strided<[1]>>, %{{.*}}: memref<4xf32>, %{{.*}}: memref<4xf32>)
// CHECK-SAME: distinct_pointers = array<i64: 12>
// CHECK-LABEL: func.func @views(
func.func @views(%n: index, %argument: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.alloc() : memref<4xf32>
  %view = memref.subview %a[0] [2] [1] : memref<4xf32> to memref<2xf32, strided<[1]>>
  %b = memref.alloc() : memref<4xf32>
  scf.for %i = %c0 to %n step %c1 {
    %0 = memref.load %a[%i] : memref<4xf32>
    memref.store %0, %view[%i] : memref<2xf32, strided<[1]>>
    memref.store %0, %b[%i] : memref<4xf32>
    memref.store %0, %argument[%i] : memref<4xf32>
  }
  return
}

// -----

// One buffer or the other: it is not known which.
// CHECK-LABEL: func.func private @sprint_loop(
// CHECK-SAME: distinct_pointers = array<i64>
// CHECK-LABEL: func.func @either(
func.func @either(%n: index, %first: i1, %x: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.alloc() : memref<4xf32>
  %b = memref.alloc() : memref<4xf32>
  %c = arith.select %first, %a, %b : memref<4xf32>
  scf.for %i = %c0 to %n step %c1 {
    memref.store %x, %b[%i] : memref<4xf32>
    memref.store %x, %c[%i] : memref<4xf32>
  }
  return
}
