// RUN: sprint-opt %s --sprint-compile=arch=s | FileCheck %s

// The whole program of the paper's schedule: each unit has the loops that its commands stand in.
// CHECK: sprint.launch @[[P:[a-z]+]]
// CHECK: sprint_isa.program @[[P]] machine("s", "{{[0-9a-f]+}}") parameters(batches = 1, heads = 2, queries = ?, keys = ?, head_dim = 8, value_dim = 16, group = 1) scale(2.500000e-01) thresholds([1.500000e+00])
// CHECK-DAG: sprint_isa.counting_queue @head_slots credits(2)
// CHECK-DAG: sprint_isa.counting_queue @key_lists credits(2)
// CHECK-DAG: sprint_isa.counting_queue @value_lists credits(6)
// CHECK-DAG: sprint_isa.counting_queue @score_buffer credits(4)
// CHECK-DAG: sprint_isa.index_queue @select_to_key_fetch depth(2)
// CHECK-DAG: sprint_isa.index_queue @select_to_value_fetch depth(6)
// CHECK: sprint_isa.unit write {
// CHECK-NEXT: sprint_isa.loop trip(batches) {
// CHECK-NEXT: sprint_isa.loop trip(heads) {
// CHECK-NEXT: sprint_isa.acquire queue(@head_slots)
// CHECK-NEXT: sprint_isa.write region(key) batch(i0) head(i1)
// CHECK-NEXT: sprint_isa.write region(value) batch(i0) head(i1)
// CHECK-NEXT: sprint_isa.write region(query) batch(i0) head(i1)
// CHECK-NEXT: sprint_isa.release queue(@write_before_select)
// CHECK-NEXT: sprint_isa.release queue(@write_before_key_fetch)
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: sprint_isa.unit select {
// CHECK-NEXT: sprint_isa.loop trip(batches) {
// CHECK-NEXT: sprint_isa.loop trip(heads) {
// CHECK-NEXT: sprint_isa.acquire queue(@write_before_select)
// CHECK-NEXT: sprint_isa.loop trip(queries) {
// CHECK-NEXT: sprint_isa.acquire queue(@key_lists)
// CHECK-NEXT: sprint_isa.acquire queue(@value_lists)
// CHECK-NEXT: sprint_isa.copy_query batch(i0) head(i1) query(i2)
// CHECK-NEXT: sprint_isa.threshold batch(i0) head(i1) first(max(0, i2 - 3)) last(min(keys, i2 + 1))
// CHECK-NEXT: sprint_isa.read_pruning keys_to(@select_to_key_fetch) values_to(@select_to_value_fetch)
// CHECK: sprint_isa.unit key_fetch {
// CHECK: sprint_isa.acquire queue(@write_before_key_fetch)
// CHECK: sprint_isa.load_query
// CHECK: sprint_isa.fetch region(key) residency(previous_query)
// CHECK: sprint_isa.unit value_fetch {
// CHECK: sprint_isa.fetch region(value) residency(previous_query)
// CHECK: sprint_isa.unit qk {
// CHECK: sprint_isa.score
// CHECK: sprint_isa.unit softmax {
// CHECK: sprint_isa.softmax
// CHECK: sprint_isa.unit v {
// CHECK: sprint_isa.accumulate
// CHECK-NEXT: sprint_isa.store_output batch(i0) head(i1) query(i2)
// CHECK: sprint_isa.release queue(@score_buffer)
// CHECK-NEXT: }
// CHECK-NEXT: sprint_isa.release queue(@head_slots)
// CHECK-NOT: sprint.program
func.func @f(%q: tensor<1x2x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x16xf32>, %init: tensor<1x2x?x16xf32>) -> tensor<1x2x?x16xf32> {
  %o = sprint.attention ins(%q, %k, %v : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x16xf32>)
      outs(%init : tensor<1x2x?x16xf32>) scale(0.25) band(<lower = -3, upper = 0>) thresholds([1.5]) -> tensor<1x2x?x16xf32>
  return %o : tensor<1x2x?x16xf32>
}
