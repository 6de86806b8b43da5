// RUN: sprint-opt %s "--pass-pipeline=builtin.module(sprint-attach-machine,sprint-outline-programs,sprint.program(sprint-schedule-fetches,sprint-tile-to-crossbar,convert-sprint-to-isa))" | FileCheck %s

// A row's commands in one nest: lists are values, and what has to be waited for stands behind 'after'. Tensors are written in
// the body of the loops that their head depends on, in the order of the schedule. Room is reserved where the first
// command that needs it begins, and freed behind the last.

// CHECK-LABEL: sprint.program @pruned(
// CHECK-NEXT: sprint_isa.program @pruned machine("s", "{{[0-9a-f]+}}") parameters(batches = 1, heads = 6, queries = ?, keys = ?, head_dim = 8, value_dim = 4, group = 3) scale(2.500000e-01) thresholds([1.500000e+00]) inputs(key_valid, bias) {
// CHECK-NEXT: sprint_isa.loop trip(batches) {
// CHECK-NEXT: sprint_isa.loop trip(heads floordiv 3) {
// CHECK-NEXT: sprint_isa.reserve on(write) @head_slots credits(2)
// CHECK-NEXT: %[[K:.*]] = sprint_isa.value.write on(write) region(key) batch(i0) head(i1)
// CHECK-NEXT: %[[V:.*]] = sprint_isa.value.write on(write) region(value) batch(i0) head(i1)
// CHECK-NEXT: sprint_isa.loop trip(3) {
// CHECK-NEXT: %[[Q:.*]] = sprint_isa.value.write on(write) region(query) batch(i0) head(i1 * 3 + i2)
// CHECK-NEXT: %[[VALID:.*]] = sprint_isa.value.write on(write) region(key_valid) batch(i0) head(i1 * 3 + i2)
// CHECK-NEXT: %[[BIAS:.*]] = sprint_isa.value.write on(write) region(bias) batch(i0) head(i1 * 3 + i2)
// CHECK-NEXT: %[[ENABLED:.*]] = sprint_isa.value.load_mask on(select) region(key_valid) batch(i0) head(i1 * 3 + i2) query(0) after(%[[VALID]])
// CHECK-NEXT: sprint_isa.loop trip(queries) {
// CHECK-NEXT: sprint_isa.reserve on(select) @key_lists credits(2)
// CHECK-NEXT: sprint_isa.reserve on(select) @value_lists credits(6)
// CHECK-NEXT: %[[ADDED:.*]] = sprint_isa.value.load_bias on(select) batch(i0) head(i1 * 3 + i2) query(i3) after(%[[BIAS]])
// CHECK-NEXT: %[[COPY:.*]] = sprint_isa.value.copy_query on(select) batch(i0) head(i1 * 3 + i2) query(i3) after(%[[Q]])
// CHECK-NEXT: %[[PRUNED:.*]] = sprint_isa.value.threshold on(select) batch(i0) head(i1 * 3 + i2) first(max(0, i3 + keys - queries - 4)) last(min(keys, i3 + keys - queries + 1)) after(%[[COPY]], %[[ENABLED]], %[[ADDED]], %[[K]])
// CHECK-NEXT: %[[KEYS:.*]], %[[VALUES:.*]] = sprint_isa.value.read_pruning on(select) after(%[[PRUNED]])
// CHECK-NEXT: sprint_isa.reserve on(key_fetch) @query_slots credits(2)
// CHECK-NEXT: %[[LOADED:.*]] = sprint_isa.value.load_query on(key_fetch) batch(i0) head(i1 * 3 + i2) query(i3) after(%[[Q]])
// CHECK-NEXT: sprint_isa.reserve on(key_fetch) @key_rows credits(2)
// CHECK-NEXT: %[[FETCHED:.*]] = sprint_isa.value.fetch on(key_fetch) region(key) residency(previous_query) batch(i0) head(i1 * 3 + i2) from(%[[KEYS]]) after(%[[K]])
// CHECK-NEXT: sprint_isa.free on(key_fetch) @key_lists
// CHECK-NEXT: sprint_isa.reserve on(qk) @score_buffer credits(4)
// CHECK-NEXT: %[[SCORES:.*]] = sprint_isa.value.score on(qk) batch(i0) head(i1 * 3 + i2) query(i3) from(%[[FETCHED]]) after(%[[LOADED]])
// CHECK-NEXT: sprint_isa.free on(qk) @query_slots
// CHECK-NEXT: sprint_isa.free on(qk) @key_rows
// CHECK-NEXT: %[[WEIGHTS:.*]] = sprint_isa.value.softmax on(softmax) batch(i0) head(i1 * 3 + i2) from(%[[SCORES]])
// CHECK-NEXT: sprint_isa.reserve on(value_fetch) @value_rows credits(2)
// CHECK-NEXT: %[[ONCHIP:.*]] = sprint_isa.value.fetch on(value_fetch) region(value) residency(previous_query) batch(i0) head(i1 * 3 + i2) from(%[[VALUES]]) after(%[[V]])
// CHECK-NEXT: sprint_isa.free on(value_fetch) @value_lists
// CHECK-NEXT: %[[SUM:.*]] = sprint_isa.value.accumulate on(v) batch(i0) head(i1 * 3 + i2) weights(%[[WEIGHTS]]) values(%[[ONCHIP]])
// CHECK-NEXT: sprint_isa.value.store_output on(v) batch(i0) head(i1 * 3 + i2) query(i3) after(%[[SUM]])
// CHECK-NEXT: sprint_isa.free on(v) @value_rows
// CHECK-NEXT: sprint_isa.free on(v) @score_buffer
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: sprint_isa.free on(v) @head_slots
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: sprint.return{{$}}
func.func @f(%q: tensor<1x6x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x4xf32>, %valid: tensor<1x?xi1>, %bias: tensor<1x1x?x?xf32>,
    %init: tensor<1x6x?x4xf32>) -> tensor<1x6x?x4xf32> {
  %o = sprint.attention @pruned ins(%q, %k, %v : tensor<1x6x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x4xf32>) key_valid(%valid : tensor<1x?xi1>)
      bias(%bias : tensor<1x1x?x?xf32>) outs(%init : tensor<1x6x?x4xf32>) scale(0.25) band(<lower = -4, upper = 0, align = end>)
      thresholds([1.5]) -> tensor<1x6x?x4xf32>
  return %o : tensor<1x6x?x4xf32>
}

// Where nothing is pruned, the lists are those of a range, made when the head is there. How far ahead, what stays on chip and the
// order of writes are the schedule's.

// CHECK-LABEL: sprint.program @all(
// CHECK: sprint_isa.loop trip(heads) {
// CHECK-NEXT: sprint_isa.reserve on(write) @head_slots credits(2)
// CHECK-NEXT: %[[V:.*]] = sprint_isa.value.write on(write) region(value)
// CHECK-NEXT: %[[Q:.*]] = sprint_isa.value.write on(write) region(query)
// CHECK-NEXT: %[[K:.*]] = sprint_isa.value.write on(write) region(key)
// CHECK-NEXT: sprint_isa.loop trip(queries) {
// CHECK-NEXT: sprint_isa.reserve on(select) @key_lists credits(4)
// CHECK-NEXT: sprint_isa.reserve on(select) @value_lists credits(8)
// CHECK-NEXT: %[[KEYS:.*]], %[[VALUES:.*]] = sprint_isa.value.list_range on(select) first(0) last(keys) after(%[[K]], %[[Q]])
// CHECK-NOT: on(select)
// CHECK: sprint_isa.value.fetch on(key_fetch) region(key) residency(pinned) batch(i0) head(i1) from(%[[KEYS]]) after(%[[K]])
// CHECK: sprint_isa.value.fetch on(value_fetch) region(value) residency(pinned) batch(i0) head(i1) from(%[[VALUES]]) after(%[[V]])
sprint.program @all(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x2x4x4xi32>
  %r = sprint.attend query(%q : tensor<1x2x4x8xi8>) key(%k : tensor<1x2x5x8xi8>) value(%v : tensor<1x2x5x4xi8>) threshold(%t : tensor<1x2xi32>)
      multiplier(%m : tensor<1x2xi64>) shift(%s : tensor<1x2xi64>) outs(%init : tensor<1x2x4x4xi32>) select(all) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
      schedule(<heads = 1, queries = 1, ahead = 3, residency = pinned, writes = [value, query, key]>) -> tensor<1x2x4x4xi32>
  sprint.return %r : tensor<1x2x4x4xi32>
}
