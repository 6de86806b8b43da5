// RUN: sprint-opt %s --sprint-attach-machine --sprint-decompose-attention --sprint-schedule-fetches | FileCheck %s --check-prefix=PAPER
// RUN: sprint-opt %s --sprint-attach-machine --sprint-decompose-attention --sprint-schedule-fetches=schedule=dense | FileCheck %s --check-prefix=DENSE
// RUN: not sprint-opt %s --sprint-schedule-fetches=schedule=best 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown schedule 'best'; known are 'paper', 'dense'

// The innermost loop, over queries, carries the schedule.
// PAPER: sprint.recompute
// PAPER: {sprint.schedule = #sprint.schedule<query_block = 1, lookahead = 1, residency = previous_query>}
// PAPER-NOT: sprint.schedule
// DENSE: {sprint.schedule = #sprint.schedule<query_block = 1, lookahead = 1, residency = pinned>}
func.func @f(%q: tensor<1x2x4x8xf32>, %init: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %o = sprint.attention ins(%q, %q, %q : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      outs(%init : tensor<1x2x4x8xf32>) scale(0.25) -> tensor<1x2x4x8xf32>
  return %o : tensor<1x2x4x8xf32>
}
