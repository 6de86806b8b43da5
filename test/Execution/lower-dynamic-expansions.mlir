// RUN: sprint-opt %s --sprint-host-lower-dynamic-expansions --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @expand(
// CHECK-SAME: %[[X:.*]]: memref<?x2xf32>, %[[M:.*]]: index, %[[N:.*]]: index
// CHECK: %[[STRIDE:.*]] = arith.muli %[[N]], %c2
// CHECK: memref.reinterpret_cast %[[X]] to offset: [0], sizes: [%[[M]], %[[N]], 2], strides: [%[[STRIDE]], 2, 1] : memref<?x2xf32> to memref<?x?x2xf32>
func.func @expand(%x: memref<?x2xf32>, %m: index, %n: index) -> memref<?x?x2xf32> {
  %0 = memref.expand_shape %x [[0, 1], [2]] output_shape [%m, %n, 2] : memref<?x2xf32> into memref<?x?x2xf32>
  return %0 : memref<?x?x2xf32>
}

// -----

// A view whose stride and offset are known when it runs.
// CHECK-LABEL: func.func @view(
// CHECK-SAME: %[[X:.*]]: memref<?xf32, strided<[?], offset: ?>>, %[[M:.*]]: index, %[[N:.*]]: index
// CHECK: %{{.*}}, %[[OFFSET:.*]], %{{.*}}, %[[INNER:.*]] = memref.extract_strided_metadata %[[X]]
// CHECK: %[[OUTER:.*]] = arith.muli %[[INNER]], %[[N]]
// CHECK: memref.reinterpret_cast %[[X]] to offset: [%[[OFFSET]]], sizes: [%[[M]], %[[N]]], strides: [%[[OUTER]], %[[INNER]]]
func.func @view(%x: memref<?xf32, strided<[?], offset: ?>>, %m: index, %n: index) -> memref<?x?xf32, strided<[?, ?], offset: ?>> {
  %0 = memref.expand_shape %x [[0, 1]] output_shape [%m, %n]
      : memref<?xf32, strided<[?], offset: ?>> into memref<?x?xf32, strided<[?, ?], offset: ?>>
  return %0 : memref<?x?xf32, strided<[?, ?], offset: ?>>
}

// -----

// One dynamic size a group is upstream's.
// CHECK-LABEL: func.func @one(
// CHECK: memref.expand_shape
func.func @one(%x: memref<?x?xf32>, %m: index, %n: index) -> memref<?x2x?x3xf32> {
  %0 = memref.expand_shape %x [[0, 1], [2, 3]] output_shape [%m, 2, %n, 3] : memref<?x?xf32> into memref<?x2x?x3xf32>
  return %0 : memref<?x2x?x3xf32>
}
