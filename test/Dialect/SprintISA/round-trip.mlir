// RUN: sprint-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: sprint_isa.program @static machine("s", "8f14e45fceea167a")
// CHECK-SAME: parameters(batches = 1, heads = 2, queries = 128, keys = 300, head_dim = 64, value_dim = 32, group = 1)
// CHECK-SAME: scale(1.250000e-01)
// CHECK-SAME: thresholds([-1.500000e+00, 0xFF800000])
sprint_isa.program @static machine("s", "8f14e45fceea167a")
    parameters(batches = 1, heads = 2, queries = 128, keys = 300, head_dim = 64, value_dim = 32, group = 1)
    scale(0.125) thresholds([-1.5, 0xFF800000]) {
  // CHECK: sprint_isa.counting_queue @row_slots credits(2)
  sprint_isa.counting_queue @row_slots credits(2)
  // CHECK: sprint_isa.counting_queue @head_ready credits(0)
  sprint_isa.counting_queue @head_ready credits(0)
  // CHECK: sprint_isa.index_queue @kept_keys depth(2)
  sprint_isa.index_queue @kept_keys depth(2)
  sprint_isa.index_queue @ready_keys depth(1)
  sprint_isa.index_queue @kept_values depth(4)
  sprint_isa.index_queue @ready_values depth(1)
  sprint_isa.index_queue @scores depth(1)
  sprint_isa.index_queue @weights depth(1)

  // CHECK: sprint_isa.unit write {
  sprint_isa.unit write {
    // CHECK-NEXT: sprint_isa.loop trip(heads) {
    sprint_isa.loop trip(heads) {
      // CHECK-NEXT: sprint_isa.write region(query) batch(0) head(i0)
      sprint_isa.write region(query) batch(0) head(i0)
      // CHECK-NEXT: sprint_isa.write region(key) batch(0) head(i0)
      sprint_isa.write region(key) batch(0) head(i0)
      // CHECK-NEXT: sprint_isa.write region(value) batch(0) head(i0)
      sprint_isa.write region(value) batch(0) head(i0)
      // CHECK-NEXT: sprint_isa.release queue(@head_ready)
      sprint_isa.release queue(@head_ready)
    }
  }
  // CHECK: sprint_isa.unit select {
  sprint_isa.unit select {
    sprint_isa.loop trip(heads) {
      // CHECK: sprint_isa.acquire queue(@head_ready)
      sprint_isa.acquire queue(@head_ready)
      sprint_isa.loop trip(queries) {
        // CHECK: sprint_isa.copy_query batch(0) head(i0) query(i1)
        sprint_isa.copy_query batch(0) head(i0) query(i1)
        // CHECK-NEXT: sprint_isa.threshold batch(0) head(i0) first(0) last(min(i1 + 1, keys))
        sprint_isa.threshold batch(0) head(i0) first(0) last(min(i1 + 1, keys))
        // CHECK-NEXT: sprint_isa.read_pruning keys_to(@kept_keys) values_to(@kept_values)
        sprint_isa.read_pruning keys_to(@kept_keys) values_to(@kept_values)
        // CHECK-NEXT: sprint_isa.list_range first(max(0, i1 - 127)) last(keys) keys_to(@kept_keys) values_to(@kept_values)
        sprint_isa.list_range first(max(0, i1 - 127)) last(keys)
            keys_to(@kept_keys) values_to(@kept_values)
      }
    }
  }
  // CHECK: sprint_isa.unit key_fetch {
  sprint_isa.unit key_fetch {
    // CHECK-NEXT: sprint_isa.load_query batch(0) head(0) query(0)
    sprint_isa.load_query batch(0) head(0) query(0)
    // CHECK-NEXT: sprint_isa.fetch region(key) residency(previous_query) from(@kept_keys) to(@ready_keys) batch(0) head(0)
    sprint_isa.fetch region(key) residency(previous_query) from(@kept_keys) to(@ready_keys) batch(0) head(0)
  }
  // CHECK: sprint_isa.unit value_fetch {
  sprint_isa.unit value_fetch {
    // CHECK-NEXT: sprint_isa.fetch region(value) residency(pinned) from(@kept_values) to(@ready_values) batch(0) head(0)
    sprint_isa.fetch region(value) residency(pinned) from(@kept_values) to(@ready_values) batch(0) head(0)
  }
  // CHECK: sprint_isa.unit qk {
  sprint_isa.unit qk {
    // CHECK-NEXT: sprint_isa.score from(@ready_keys) to(@scores) batch(0) head(0) query(0)
    sprint_isa.score from(@ready_keys) to(@scores) batch(0) head(0) query(0)
  }
  // CHECK: sprint_isa.unit softmax {
  sprint_isa.unit softmax {
    // CHECK-NEXT: sprint_isa.softmax from(@scores) to(@weights) batch(0) head(0)
    sprint_isa.softmax from(@scores) to(@weights) batch(0) head(0)
  }
  // CHECK: sprint_isa.unit v {
  sprint_isa.unit v {
    // CHECK-NEXT: sprint_isa.accumulate weights(@weights) values(@ready_values) batch(0) head(0)
    sprint_isa.accumulate weights(@weights) values(@ready_values) batch(0) head(0)
    // CHECK-NEXT: sprint_isa.store_output batch(0) head(0) query(0)
    sprint_isa.store_output batch(0) head(0) query(0)
  }
}

// What is dynamic, and a scale that takes 17 digits.
// CHECK-LABEL: sprint_isa.program @dynamic
// CHECK-SAME: parameters(batches = ?, heads = ?, queries = ?, keys = ?, head_dim = ?, value_dim = ?, group = ?)
// CHECK-SAME: scale(0.35355339059327379)
sprint_isa.program @dynamic machine("l", "0123456789abcdef")
    parameters(batches = ?, heads = ?, queries = ?, keys = ?, head_dim = ?, value_dim = ?, group = ?)
    scale(0.35355339059327379) {
  sprint_isa.counting_queue @q credits(0)
  // CHECK: sprint_isa.unit softmax {
  // CHECK-NEXT: }
  sprint_isa.unit softmax {
  }
  sprint_isa.unit v {
    // Every operator of expressions, and the parentheses that they need.
    // CHECK: sprint_isa.loop trip((queries + 1) floordiv 2) {
    sprint_isa.loop trip((queries + 1) floordiv 2) {
      // CHECK-NEXT: sprint_isa.loop trip(i0 * 3 - 5) {
      sprint_isa.loop trip(i0 * 3 - 5) {
        // CHECK-NEXT: sprint_isa.loop trip((i0 + i1 * keys) mod head_dim - i1) {
        sprint_isa.loop trip((i0 + i1 * keys) mod head_dim - i1) {
          // CHECK-NEXT: sprint_isa.loop trip(max(batches * heads, i2 ceildiv value_dim, -1)) {
          sprint_isa.loop trip(max(batches * heads, i2 ceildiv value_dim, -1)) {
            // CHECK-NEXT: sprint_isa.loop trip(i3 - i2) {
            sprint_isa.loop trip(i3 - i2) {
              // CHECK-NEXT: sprint_isa.loop trip((i4 floordiv keys) * 8) {
              sprint_isa.loop trip((i4 floordiv keys) * 8) {
                // CHECK-NEXT: sprint_isa.loop trip(1) {
                sprint_isa.loop trip(1) {
                  // CHECK-NEXT: sprint_isa.loop trip(i6) {
                  sprint_isa.loop trip(i6) {
                    // CHECK-NEXT: sprint_isa.release queue(@q)
                    sprint_isa.release queue(@q)
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}

// What a launch brings beside query, key and value, and the commands that use it.
// CHECK-LABEL: sprint_isa.program @masked
// CHECK-SAME: scale(1.250000e-01) inputs(key_valid, mask, bias)
sprint_isa.program @masked machine("s", "0123456789abcdef")
    parameters(batches = ?, heads = 6, queries = ?, keys = ?, head_dim = 64, value_dim = 64, group = 3)
    scale(0.125) inputs(key_valid, mask, bias) {
  sprint_isa.unit write {
    // CHECK: sprint_isa.write region(bias) batch(0) head(0)
    sprint_isa.write region(bias) batch(0) head(0)
  }
  sprint_isa.unit select {
    // CHECK: sprint_isa.load_mask region(key_valid) batch(0) head(0) query(0)
    sprint_isa.load_mask region(key_valid) batch(0) head(0) query(0)
    // CHECK-NEXT: sprint_isa.load_bias batch(0) head(0) query(group)
    sprint_isa.load_bias batch(0) head(0) query(group)
  }
}
