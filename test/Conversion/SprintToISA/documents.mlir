// RUN: sprint-opt %s --sprint-compile=arch=s --split-input-file | FileCheck %s
// RUN: sprint-opt %s --sprint-compile="arch=s level=tiled" --split-input-file | FileCheck %s --check-prefix=TILED

// The segments are written once a batch element, outside of the loop over key heads, and loaded once a query before its
// thresholding; one queue says that all of them are there, another how many batch elements may be written ahead.
// CHECK-LABEL: sprint_isa.program @layer
// CHECK-SAME: inputs(query_segments, key_segments) {
// CHECK: sprint_isa.counting_queue @batch_slots credits(3)
// CHECK: sprint_isa.unit write {
// CHECK-NEXT: sprint_isa.loop trip(batches) {
// CHECK-NEXT: sprint_isa.acquire queue(@batch_slots)
// CHECK-NEXT: sprint_isa.write region(query_segments) batch(i0) head(0)
// CHECK-NEXT: sprint_isa.write region(key_segments) batch(i0) head(0)
// CHECK-NEXT: sprint_isa.release queue(@[[WRITTEN:.*]])
// CHECK-NEXT: sprint_isa.loop trip(heads floordiv 2) {
// CHECK: sprint_isa.unit select {
// CHECK-NEXT: sprint_isa.loop trip(batches) {
// CHECK-NEXT: sprint_isa.acquire queue(@[[WRITTEN]])
// CHECK-NEXT: sprint_isa.loop trip(heads floordiv 2) {
// CHECK: sprint_isa.loop trip(queries) {
// CHECK: sprint_isa.load_segments batch(i0) query(i3)
// CHECK-NEXT: sprint_isa.copy_query batch(i0) head(i1 * 2 + i2) query(i3)
// CHECK-NEXT: sprint_isa.threshold
// CHECK: sprint_isa.unit v {
// CHECK-NEXT: sprint_isa.loop trip(batches) {
// CHECK: sprint_isa.release queue(@head_slots)
// CHECK-NEXT: }
// CHECK-NEXT: sprint_isa.release queue(@batch_slots)
//
// TILED-LABEL: sprint.program @layer
// TILED: sprint.rows (%[[B:.*]], %{{.*}}, %{{.*}}, %[[I:.*]]) to
// TILED: %[[OWN:.*]] = tensor.extract_slice %query_segments[%[[B]], %[[I]]] [1, 1] [1, 1] : tensor<?x?xi32> to tensor<1xi32>
// TILED: %[[OTHERS:.*]] = tensor.extract_slice %key_segments[%[[B]], 0] [1, %{{.*}}] [1, 1] : tensor<?x?xi32> to tensor<?xi32>
// TILED: sprint.prune {{.*}} segments(%[[OWN]], %[[OTHERS]] : tensor<1xi32>, tensor<?xi32>)
func.func @main(%q: tensor<?x4x?x8xf32>, %k: tensor<?x2x?x8xf32>, %v: tensor<?x2x?x8xf32>, %own: tensor<?x?xi32>,
                %others: tensor<?x?xi32>, %init: tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32> {
  %o = sprint.attention @layer ins(%q, %k, %v : tensor<?x4x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>)
      query_segments(%own : tensor<?x?xi32>) key_segments(%others : tensor<?x?xi32>)
      outs(%init : tensor<?x4x?x8xf32>) scale(0.25) -> tensor<?x4x?x8xf32>
  return %o : tensor<?x4x?x8xf32>
}

// -----

// Without pruning the segments leave keys out of the range.
// CHECK-LABEL: sprint_isa.program @dense
// CHECK: sprint_isa.unit select {
// CHECK: sprint_isa.load_segments batch(i0) query(i2)
// CHECK-NEXT: sprint_isa.list_range first(0) last(keys)
func.func @main(%q: tensor<1x2x16x8xf32>, %ids: tensor<1x16xi32>, %init: tensor<1x2x16x8xf32>) -> tensor<1x2x16x8xf32> {
  %o = sprint.attention @dense ins(%q, %q, %q : tensor<1x2x16x8xf32>, tensor<1x2x16x8xf32>, tensor<1x2x16x8xf32>)
      query_segments(%ids : tensor<1x16xi32>) key_segments(%ids : tensor<1x16xi32>)
      outs(%init : tensor<1x2x16x8xf32>) scale(0.25) select(all) -> tensor<1x2x16x8xf32>
  return %o : tensor<1x2x16x8xf32>
}
