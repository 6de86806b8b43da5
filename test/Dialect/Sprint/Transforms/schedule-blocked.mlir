// Blocks of four queries of one head: right down to the tiled level; the machine has lists of single rows alone.
// RUN: sprint-opt %s "--sprint-compile=schedule=blocked level=tiled" | FileCheck %s
// RUN: not sprint-opt %s "--sprint-compile=schedule=blocked" 2>&1 | FileCheck %s --check-prefix=STREAM

// The last block holds what is left of ten queries.
// CHECK: #[[$REST:.+]] = affine_map<()[s0] -> (4, -s0 + 10)>
// CHECK: sprint.rows (%{{.*}}, %{{.*}}, %{{.*}}, %[[I:.*]]) to (batches, heads, 1, queries) step (1, 1, 1, 4)
// CHECK: %[[ROWS:.*]] = affine.min #[[$REST]]()[%[[I]]]
// CHECK: tensor.extract_slice %query[{{.*}}, %[[I]], 0] [1, 1, %[[ROWS]], 8]
// CHECK: sprint.crossbar_score ins({{.*}} : tensor<?x8xi8>, tensor<7x8xi8>)
// CHECK: sprint.gather {{.*}} : tensor<?x7xi1> -> tensor<?xindex>, tensor<?x?xi1>

// STREAM: schedule-blocked.mlir:[[#@LINE+3]]:8: error: 'sprint.rows' op expected blocks of one row, as the machine has lists of single rows alone, got steps array<i64: 1, 1, 1, 4>
func.func @main(%q: tensor<1x2x10x8xf32>, %k: tensor<1x2x7x8xf32>, %v: tensor<1x2x7x8xf32>, %init: tensor<1x2x10x8xf32>)
    -> tensor<1x2x10x8xf32> {
  %o = sprint.attention ins(%q, %k, %v : tensor<1x2x10x8xf32>, tensor<1x2x7x8xf32>, tensor<1x2x7x8xf32>)
      outs(%init : tensor<1x2x10x8xf32>) scale(0.25) -> tensor<1x2x10x8xf32>
  return %o : tensor<1x2x10x8xf32>
}
