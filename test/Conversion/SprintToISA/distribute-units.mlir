// RUN: sprint-opt %s "--pass-pipeline=builtin.module(sprint.program(sprint-distribute-units))" --split-input-file | FileCheck %s

// Every unit gets the loops around its commands and these alone. A list becomes an index queue, as deep as the tightest room that is
// taken before it is put and given back after it is taken; 'reserve' and 'free' become 'acquire' and 'release'. What one unit
// writes in one body is told another at once, when the last of it is done, in front of the loop that waits for it.

// CHECK: sprint_isa.program @p
// CHECK-NEXT: sprint_isa.counting_queue @wide credits(7)
// CHECK-NEXT: sprint_isa.counting_queue @short credits(2)
// CHECK-NEXT: sprint_isa.counting_queue @tight credits(3)
// CHECK-NEXT: sprint_isa.index_queue @select_to_key_fetch depth(2)
// CHECK-NEXT: sprint_isa.index_queue @select_to_value_fetch depth(7)
// CHECK-NEXT: sprint_isa.index_queue @key_fetch_to_qk depth(3)
// CHECK-NEXT: sprint_isa.index_queue @qk_to_softmax depth(7)
// CHECK-NEXT: sprint_isa.index_queue @softmax_to_v depth(7)
// CHECK-NEXT: sprint_isa.index_queue @value_fetch_to_v depth(7)
// CHECK-NEXT: sprint_isa.counting_queue @write_before_select credits(0)
// CHECK-NOT: queue @
// CHECK: sprint_isa.unit write {
// CHECK-NEXT: sprint_isa.loop trip(heads) {
// CHECK-NEXT: sprint_isa.write region(key) batch(0) head(i0)
// CHECK-NEXT: sprint_isa.write region(value) batch(0) head(i0)
// CHECK-NEXT: sprint_isa.write region(query) batch(0) head(i0)
// CHECK-NEXT: sprint_isa.release queue(@write_before_select)
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: sprint_isa.unit select {
// CHECK-NEXT: sprint_isa.loop trip(heads) {
// CHECK-NEXT: sprint_isa.acquire queue(@write_before_select)
// CHECK-NEXT: sprint_isa.loop trip(queries) {
// CHECK-NEXT: sprint_isa.acquire queue(@wide)
// CHECK-NEXT: sprint_isa.acquire queue(@short)
// CHECK-NEXT: sprint_isa.list_range first(0) last(keys) keys_to(@select_to_key_fetch) values_to(@select_to_value_fetch)
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: sprint_isa.unit key_fetch {
// CHECK-NEXT: sprint_isa.loop trip(heads) {
// CHECK-NEXT: sprint_isa.loop trip(queries) {
// CHECK-NEXT: sprint_isa.acquire queue(@tight)
// CHECK-NEXT: sprint_isa.fetch region(key) residency(pinned) from(@select_to_key_fetch) to(@key_fetch_to_qk) batch(0) head(i0)
// CHECK-NEXT: sprint_isa.release queue(@short)
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: sprint_isa.unit value_fetch {
// CHECK-NEXT: sprint_isa.loop trip(heads) {
// CHECK-NEXT: sprint_isa.loop trip(queries) {
// CHECK-NEXT: sprint_isa.fetch region(value) residency(pinned) from(@select_to_value_fetch) to(@value_fetch_to_v) batch(0) head(i0)
// CHECK: sprint_isa.unit qk {
// CHECK: sprint_isa.score from(@key_fetch_to_qk) to(@qk_to_softmax) batch(0) head(i0) query(i1)
// CHECK-NEXT: sprint_isa.release queue(@tight)
// CHECK: sprint_isa.unit softmax {
// CHECK: sprint_isa.softmax from(@qk_to_softmax) to(@softmax_to_v) batch(0) head(i0)
// CHECK: sprint_isa.unit v {
// CHECK: sprint_isa.accumulate weights(@softmax_to_v) values(@value_fetch_to_v) batch(0) head(i0)
// CHECK-NEXT: sprint_isa.store_output batch(0) head(i0) query(i1)
// CHECK-NEXT: sprint_isa.release queue(@wide)
// CHECK-NOT: value.
sprint.program @p(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  sprint_isa.program @p machine("s", "0123456789abcdef")
      parameters(batches = 1, heads = 2, queries = 4, keys = 5, head_dim = 8, value_dim = 4, group = 1) scale(0.125) {
    sprint_isa.loop trip(heads) {
      %key = sprint_isa.value.write on(write) region(key) batch(0) head(i0)
      %value = sprint_isa.value.write on(write) region(value) batch(0) head(i0)
      %query = sprint_isa.value.write on(write) region(query) batch(0) head(i0)
      sprint_isa.loop trip(queries) {
        sprint_isa.reserve on(select) @wide credits(7)
        sprint_isa.reserve on(select) @short credits(2)
        %keys, %values = sprint_isa.value.list_range on(select) first(0) last(keys) after(%key, %query)
        sprint_isa.reserve on(key_fetch) @tight credits(3)
        %there = sprint_isa.value.fetch on(key_fetch) region(key) residency(pinned) batch(0) head(i0) from(%keys)
        sprint_isa.free on(key_fetch) @short
        %scores = sprint_isa.value.score on(qk) batch(0) head(i0) query(i1) from(%there)
        sprint_isa.free on(qk) @tight
        %weights = sprint_isa.value.softmax on(softmax) batch(0) head(i0) from(%scores)
        %arrived = sprint_isa.value.fetch on(value_fetch) region(value) residency(pinned) batch(0) head(i0) from(%values)
        %sum = sprint_isa.value.accumulate on(v) batch(0) head(i0) weights(%weights) values(%arrived)
        %stored = sprint_isa.value.store_output on(v) batch(0) head(i0) query(i1) after(%sum)
        sprint_isa.free on(v) @wide
      }
    }
  }
  sprint.return
}

// -----

// A wait that another implies is no queue: the fetch unit, too, waits for the write, but of the list that it takes the select unit
// has waited for it.

// CHECK: sprint_isa.program @implied
// CHECK: counting_queue @write_before_select credits(0)
// CHECK-NOT: write_before_key_fetch
// CHECK: sprint_isa.unit key_fetch {
sprint.program @implied(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  sprint_isa.program @implied machine("s", "0123456789abcdef")
      parameters(batches = 1, heads = 2, queries = 4, keys = 5, head_dim = 8, value_dim = 4, group = 1) scale(0.125) {
    sprint_isa.loop trip(heads) {
      %key = sprint_isa.value.write on(write) region(key) batch(0) head(i0)
      sprint_isa.reserve on(select) @room credits(1)
      %keys, %values = sprint_isa.value.list_range on(select) first(0) last(keys) after(%key)
      %there = sprint_isa.value.fetch on(key_fetch) region(key) residency(pinned) batch(0) head(i0) from(%keys) after(%key)
      %scores = sprint_isa.value.score on(qk) batch(0) head(i0) query(0) from(%there)
      %weights = sprint_isa.value.softmax on(softmax) batch(0) head(i0) from(%scores)
      %arrived = sprint_isa.value.fetch on(value_fetch) region(value) residency(pinned) batch(0) head(i0) from(%values)
      %sum = sprint_isa.value.accumulate on(v) batch(0) head(i0) weights(%weights) values(%arrived)
      sprint_isa.free on(v) @room
    }
  }
  sprint.return
}
