// RUN: sprint-opt %s --split-input-file --verify-diagnostics | sprint-opt --split-input-file | FileCheck %s

// CHECK: inputs(query_segments, key_segments)
// CHECK: sprint_isa.write region(key_segments) batch(i0) head(0)
// CHECK: sprint_isa.load_segments batch(0) query(i0)
sprint_isa.program @documents machine("s", "0123456789abcdef")
    parameters(batches = ?, heads = 1, queries = ?, keys = ?, head_dim = 8, value_dim = 8, group = 1)
    scale(0.125) inputs(query_segments, key_segments) {
  sprint_isa.unit write {
    sprint_isa.loop trip(batches) {
      sprint_isa.write region(query_segments) batch(i0) head(0)
      sprint_isa.write region(key_segments) batch(i0) head(0)
    }
  }
  sprint_isa.unit select {
    sprint_isa.loop trip(queries) {
      sprint_isa.load_segments batch(0) query(i0)
    }
  }
}

// -----

// expected-error @below {{expected 'key_segments' among its inputs beside 'query_segments', got none}}
sprint_isa.program @alone machine("s", "0123456789abcdef")
    parameters(batches = ?, heads = 1, queries = ?, keys = ?, head_dim = 8, value_dim = 8, group = 1)
    scale(0.125) inputs(query_segments) {
}
