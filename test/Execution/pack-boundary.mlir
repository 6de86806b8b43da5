// RUN: sprint-opt %s --sprint-host-pack-boundary --split-input-file --verify-diagnostics | FileCheck %s

// An argument is one address with its dynamic sizes, where it is used first; strides follow from the sizes.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[INPUTS:.*]]: !llvm.ptr, %[[OUTPUTS:.*]]: !llvm.ptr) {
// CHECK-NEXT: call @other() : () -> ()
// CHECK-NEXT: %[[PLACE:.*]] = llvm.getelementptr %[[INPUTS]][1] : (!llvm.ptr) -> !llvm.ptr, i64
// CHECK-NEXT: %[[DATA:.*]] = llvm.load %[[PLACE]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[SIZE_PLACE:.*]] = llvm.getelementptr %[[INPUTS]][2] : (!llvm.ptr) -> !llvm.ptr, i64
// CHECK-NEXT: %[[SIZE:.*]] = llvm.load %[[SIZE_PLACE]] : !llvm.ptr -> i64
// CHECK: %[[FOUR:.*]] = llvm.mlir.constant(4 : i64)
// CHECK: %[[ONE:.*]] = llvm.mlir.constant(1 : i64)
// CHECK: llvm.insertvalue %[[FOUR]], %{{.*}}[3, 2]
// CHECK: llvm.insertvalue %[[ONE]], %{{.*}}[4, 2]
// CHECK: %[[STRIDE:.*]] = llvm.mul %[[ONE]], %[[FOUR]]
// CHECK: llvm.insertvalue %[[SIZE]], %{{.*}}[3, 1]
// CHECK: llvm.insertvalue %[[STRIDE]], %{{.*}}[4, 1]
// CHECK: %[[MEMREF:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<2x?x4xf32>
// CHECK-NEXT: call @use(%[[MEMREF]])
// The results, the first where it is made.
// CHECK: %[[R:.*]] = memref.alloc(
// CHECK-NEXT: %[[ADDRESS:.*]] = memref.extract_aligned_pointer_as_index %[[R]]
// CHECK-NEXT: %[[WORD:.*]] = arith.index_cast %[[ADDRESS]] : index to i64
// CHECK-NEXT: %[[FIRST:.*]] = llvm.getelementptr %[[OUTPUTS]][0] : (!llvm.ptr) -> !llvm.ptr, i64
// CHECK-NEXT: llvm.store %[[WORD]], %[[FIRST]]
// CHECK: %[[N:.*]] = memref.dim %[[R]]
// CHECK-NEXT: %[[NUMBER:.*]] = arith.index_cast %[[N]] : index to i64
// CHECK-NEXT: %[[NEXT:.*]] = llvm.getelementptr %[[OUTPUTS]][1]
// CHECK-NEXT: llvm.store %[[NUMBER]], %[[NEXT]]
// CHECK-NEXT: %[[S:.*]] = memref.alloc() : memref<f32>
// CHECK-NEXT: memref.extract_aligned_pointer_as_index %[[S]]
// CHECK-NEXT: arith.index_cast
// CHECK-NEXT: llvm.getelementptr %[[OUTPUTS]][2]
// CHECK-NEXT: llvm.store
// CHECK-NEXT: call @other() : () -> ()
// CHECK-NEXT: return
func.func private @other()
func.func private @use(memref<2x?x4xf32>)
func.func @main(%unused: memref<3xf32>, %a: memref<2x?x4xf32> {bufferization.writable = false}) -> (memref<?xf32>, memref<f32>) {
  call @other() : () -> ()
  call @use(%a) : (memref<2x?x4xf32>) -> ()
  %c1 = arith.constant 1 : index
  %n = memref.dim %a, %c1 : memref<2x?x4xf32>
  %r = memref.alloc(%n) : memref<?xf32>
  %s = memref.alloc() : memref<f32>
  call @other() : () -> ()
  return %r, %s : memref<?xf32>, memref<f32>
}

// -----

// What is used in a branch alone is read in front of it. An argument may be a result.
// CHECK-LABEL: func.func @main(
// CHECK: unrealized_conversion_cast
// CHECK: scf.if
// CHECK: unrealized_conversion_cast
// CHECK: memref.extract_aligned_pointer_as_index
// CHECK: return
func.func private @use(memref<4xf32>)
func.func @main(%a: memref<4xf32>, %b: memref<4xf32>) -> memref<4xf32> {
  %true = arith.constant true
  scf.if %true {
    func.call @use(%a) : (memref<4xf32>) -> ()
  }
  return %b : memref<4xf32>
}

// -----

// expected-error @below {{expected a function @main of one block, on row-major memrefs alone}}
func.func @main(%a: memref<4xf32, strided<[2]>>) {
  return
}
