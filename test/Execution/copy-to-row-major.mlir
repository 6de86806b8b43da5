// RUN: sprint-opt %s --sprint-host-copy-to-row-major | FileCheck %s

// CHECK-LABEL: func.func @dynamic_stride(
// CHECK-SAME: %[[A:.*]]: memref<4x?xf32, strided<[?, 1], offset: ?>>
// CHECK: %[[SIZE:.*]] = memref.dim %[[A]], %c1
// CHECK: %[[COPY:.*]] = memref.alloc(%[[SIZE]]) : memref<4x?xf32>
// CHECK: memref.copy %[[A]], %[[COPY]]
// CHECK: return %[[COPY]]
func.func @dynamic_stride(%a: memref<4x?xf32, strided<[?, 1], offset: ?>>) -> memref<4x?xf32> {
  %0 = memref.cast %a : memref<4x?xf32, strided<[?, 1], offset: ?>> to memref<4x?xf32>
  return %0 : memref<4x?xf32>
}

// The strides are those of the row-major layout, but for the offset: the pointer of the memref is not that of its first element.
// CHECK-LABEL: func.func @offset(
// CHECK: memref.copy
func.func @offset(%a: memref<4x2xf32, strided<[2, 1], offset: ?>>) -> memref<4x2xf32> {
  %0 = memref.cast %a : memref<4x2xf32, strided<[2, 1], offset: ?>> to memref<4x2xf32>
  return %0 : memref<4x2xf32>
}

// The types tell that both are row-major, or that the target need not be.
// CHECK-LABEL: func.func @casts(
// CHECK-NOT: memref.copy
// CHECK-COUNT-3: memref.cast
// CHECK-NOT: memref.copy
func.func @casts(%a: memref<4x2xf32, strided<[2, 1]>>, %b: memref<4x?xf32>, %c: memref<4x2xf32>)
    -> (memref<4x2xf32>, memref<4x2xf32>, memref<4x2xf32, strided<[?, 1], offset: ?>>) {
  %0 = memref.cast %a : memref<4x2xf32, strided<[2, 1]>> to memref<4x2xf32>
  %1 = memref.cast %b : memref<4x?xf32> to memref<4x2xf32>
  %2 = memref.cast %c : memref<4x2xf32> to memref<4x2xf32, strided<[?, 1], offset: ?>>
  return %0, %1, %2 : memref<4x2xf32>, memref<4x2xf32>, memref<4x2xf32, strided<[?, 1], offset: ?>>
}
