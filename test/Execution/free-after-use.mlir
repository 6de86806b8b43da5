// RUN: sprint-opt %s --sprint-host-free-after-use | FileCheck %s

// Behind the last use, also where that is of a view, or in a loop.
// CHECK-LABEL: func.func @freed(
// CHECK-NEXT: %[[A:.*]] = memref.alloc() {bufferization.manual_deallocation} : memref<8xf32>
// CHECK-NEXT: %[[B:.*]] = memref.alloc() {bufferization.manual_deallocation} : memref<2x4xf32>
// CHECK: call @use
// CHECK-NEXT: call @other
// CHECK-NEXT: memref.copy
// CHECK-NEXT: memref.dealloc %[[A]] {bufferization.manual_deallocation} : memref<8xf32>
// CHECK: scf.for
// CHECK: }
// CHECK-NEXT: memref.dealloc %[[B]] {bufferization.manual_deallocation} : memref<2x4xf32>
// CHECK-NEXT: call @other
func.func private @use(memref<8xf32>)
func.func private @other()
func.func @freed() {
  %a = memref.alloc() : memref<8xf32>
  %b = memref.alloc() : memref<2x4xf32>
  %view = memref.expand_shape %a [[0, 1]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
  call @use(%a) : (memref<8xf32>) -> ()
  call @other() : () -> ()
  memref.copy %view, %b : memref<2x4xf32> to memref<2x4xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %x = arith.constant 1.0 : f32
  scf.for %i = %c0 to %c4 step %c1 {
    memref.store %x, %b[%c0, %i] : memref<2x4xf32>
  }
  call @other() : () -> ()
  return
}

// What may live longer is left to the deallocation that follows: what is returned, chosen, carried by a loop or given to who may return it.
// CHECK-LABEL: func.func private @identity(
// CHECK-NOT: manual_deallocation
// CHECK-NOT: dealloc
func.func private @identity(memref<8xf32>) -> memref<8xf32>
func.func @left(%condition: i1) -> memref<8xf32> {
  %a = memref.alloc() : memref<8xf32>
  %b = memref.alloc() : memref<8xf32>
  %c = memref.alloc() : memref<8xf32>
  %d = memref.alloc() : memref<8xf32>
  %chosen = arith.select %condition, %b, %c : memref<8xf32>
  call @use(%chosen) : (memref<8xf32>) -> ()
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %last = scf.for %i = %c0 to %c4 step %c1 iter_args(%carried = %d) -> memref<8xf32> {
    func.call @use(%carried) : (memref<8xf32>) -> ()
    scf.yield %carried : memref<8xf32>
  }
  call @use(%last) : (memref<8xf32>) -> ()
  %e = memref.alloc() : memref<8xf32>
  %same = call @identity(%e) : (memref<8xf32>) -> memref<8xf32>
  return %a : memref<8xf32>
}
