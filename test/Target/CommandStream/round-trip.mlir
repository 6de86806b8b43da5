// Text to stream to text, and the stream of that text byte for byte.
// RUN: sprint-translate --sprint-isa-to-stream %s -o %t.stream
// RUN: sprint-translate --stream-to-sprint-isa %t.stream -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: sprint-translate --sprint-isa-to-stream %t.mlir -o %t.again
// RUN: cmp %t.stream %t.again
// RUN: sprint-opt %t.mlir -o %t.opt.mlir
// RUN: sprint-translate --sprint-isa-to-stream %t.opt.mlir | cmp - %t.stream

// CHECK-NOT: func.func
func.func @host() {
  return
}

// CHECK: sprint_isa.program @"name with \22quotes\22" machine("m", "00000000000000ff")
// CHECK-SAME: parameters(batches = ?, heads = 2, queries = ?, keys = ?, head_dim = 64, value_dim = 64, group = 1)
// CHECK-SAME: scale(0.1{{0+}}2) thresholds([1.000000e-01, 0xFF800000])
sprint_isa.program @"name with \22quotes\22" machine("m", "00000000000000ff")
    parameters(batches = ?, heads = 2, queries = ?, keys = ?, head_dim = 64, value_dim = 64, group = 1)
    scale(0.10000000000000002) thresholds([0.1, 0xFF800000]) {
  // Queues come first and by kind, units stay as they stand.
  // CHECK-NEXT: sprint_isa.counting_queue @slots credits(3)
  // CHECK-NEXT: sprint_isa.counting_queue @ready credits(0)
  // CHECK-NEXT: sprint_isa.index_queue @keys depth(2)
  // CHECK-NEXT: sprint_isa.index_queue @values depth(65536)
  sprint_isa.counting_queue @slots credits(3)
  sprint_isa.index_queue @keys depth(2)

  // CHECK-NEXT: sprint_isa.unit value_fetch {
  // CHECK-NEXT: sprint_isa.fetch region(value) residency(pinned) from(@values) to(@keys) batch(0) head(0)
  // CHECK-NEXT: }
  sprint_isa.unit value_fetch {
    sprint_isa.fetch region(value) residency(pinned) from(@values) to(@keys) batch(0) head(0)
  }
  // CHECK-NEXT: sprint_isa.unit select {
  // CHECK-NEXT: sprint_isa.loop trip(heads) {
  // CHECK-NEXT: sprint_isa.loop trip((queries + 1) floordiv 2) {
  // CHECK-NEXT: sprint_isa.acquire queue(@ready)
  // CHECK-NEXT: sprint_isa.threshold batch(i1 mod 4) head(i0) first(max(0, i1 * -2 + keys, i0 ceildiv 3)) last(min(i1 + 1, keys))
  // CHECK-NEXT: }
  // CHECK-NEXT: sprint_isa.loop trip(1) {
  // CHECK-NEXT: }
  // CHECK-NEXT: sprint_isa.release queue(@slots)
  // CHECK-NEXT: }
  // CHECK-NEXT: sprint_isa.read_pruning keys_to(@keys) values_to(@values)
  // CHECK-NEXT: }
  sprint_isa.unit select {
    sprint_isa.loop trip(heads) {
      sprint_isa.loop trip((queries + 1) floordiv 2) {
        sprint_isa.acquire queue(@ready)
        sprint_isa.threshold batch(i1 mod 4) head(i0) first(max(0, keys - i1 * 2, i0 ceildiv 3))
            last(min(i1 + 1, keys))
      }
      sprint_isa.loop trip(1) {
      }
      sprint_isa.release queue(@slots)
    }
    sprint_isa.read_pruning keys_to(@keys) values_to(@values)
  }
  // CHECK-NEXT: sprint_isa.unit qk {
  // CHECK-NEXT: }
  sprint_isa.unit qk {
  }
  sprint_isa.counting_queue @ready credits(0)
  sprint_isa.index_queue @values depth(65536)
}

// CHECK: sprint_isa.program @second
// CHECK-SAME: scale(1.000000e+00) {
// CHECK-NEXT: }
sprint_isa.program @second machine("m", "00000000000000ff")
    parameters(batches = 1, heads = 1, queries = 1, keys = 2147483648, head_dim = 1, value_dim = 1, group = 1)
    scale(1.0) {
}
