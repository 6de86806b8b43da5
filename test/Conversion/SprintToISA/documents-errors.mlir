// DEFINE: %{lower} = --pass-pipeline="builtin.module(sprint.program(convert-sprint-to-isa))"
// RUN: sprint-opt %s --sprint-compile="arch=s level=tiled" -o %t.mlir
// RUN: sprint-opt %t.mlir %{lower} | FileCheck %s --check-prefix=RIGHT
// RUN: sed "s/query_segments\[%arg0, %arg3\]/query_segments[%arg0, 0]/" %t.mlir | not sprint-opt %{lower} 2>&1 | FileCheck %s --check-prefix=QUERY
// RUN: sed "s/key_segments\[%arg0, 0\]/key_segments[0, 0]/" %t.mlir | not sprint-opt %{lower} 2>&1 | FileCheck %s --check-prefix=KEYS
// RUN: sed "s/key_segments\[%arg0, 0\] \[1, 16\]/query_segments[%arg0, 0] [1, 16]/" %t.mlir | not sprint-opt %{lower} 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: sed "s/, key_segments\]/]/" %t.mlir | not sprint-opt %{lower} 2>&1 | FileCheck %s --check-prefix=UNWRITTEN

// Segments are those of the query and of the keys of its batch element, and are written before.
// RIGHT: sprint_isa.value.load_segments
// QUERY: error: 'sprint.prune' op expected the segments of its query and of the keys beside it
// KEYS: error: 'sprint.prune' op expected the segments of its query and of the keys beside it
// OTHER: error: 'sprint.prune' op expected its segments of keys to be a part of the program's key_segments
// UNWRITTEN: error: 'sprint.prune' op expected 'key_segments' among the writes of the schedule, as it is read from ReRAM
func.func @main(%q: tensor<2x2x16x8xf32>, %ids: tensor<2x16xi32>, %init: tensor<2x2x16x8xf32>) -> tensor<2x2x16x8xf32> {
  %o = sprint.attention @layer ins(%q, %q, %q : tensor<2x2x16x8xf32>, tensor<2x2x16x8xf32>, tensor<2x2x16x8xf32>)
      query_segments(%ids : tensor<2x16xi32>) key_segments(%ids : tensor<2x16xi32>)
      outs(%init : tensor<2x2x16x8xf32>) scale(0.25) -> tensor<2x2x16x8xf32>
  return %o : tensor<2x2x16x8xf32>
}
