// RUN: sprint-opt %s --sprint-host-lower-strided-copies --split-input-file | FileCheck %s

// CHECK: #[[ALL:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: func.func @strided_source(
// CHECK-SAME: %[[A:.*]]: memref<2x?xf32, strided<[4, 1]>>, %[[B:.*]]: memref<2x?xf32>
// CHECK: linalg.generic {indexing_maps = [#[[ALL]], #[[ALL]]], iterator_types = ["parallel", "parallel"]} ins(%[[A]] : {{.*}}) outs(%[[B]] : {{.*}}) {
// CHECK-NEXT: ^bb0(%[[ELEMENT:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: linalg.yield %[[ELEMENT]] : f32
// CHECK-NOT: memref.copy
func.func @strided_source(%a: memref<2x?xf32, strided<[4, 1]>>, %b: memref<2x?xf32>) {
  memref.copy %a, %b : memref<2x?xf32, strided<[4, 1]>> to memref<2x?xf32>
  return
}

// -----

// CHECK-LABEL: func.func @strided_target(
// CHECK: linalg.generic
// CHECK-NOT: memref.copy
func.func @strided_target(%a: memref<2x2xf32>, %b: memref<2x2xf32, strided<[4, 2], offset: 1>>) {
  memref.copy %a, %b : memref<2x2xf32> to memref<2x2xf32, strided<[4, 2], offset: 1>>
  return
}

// -----

// Contiguous memory is copied as a whole, and of an unranked memref nothing is known.
// CHECK-LABEL: func.func @contiguous(
// CHECK-COUNT-2: memref.copy
func.func @contiguous(%a: memref<2x?xf32>, %b: memref<2x?xf32>, %c: memref<*xf32>) {
  memref.copy %a, %b : memref<2x?xf32> to memref<2x?xf32>
  memref.copy %c, %c : memref<*xf32> to memref<*xf32>
  return
}
