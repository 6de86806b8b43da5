// DEFINE: %{change} = s/XX/XX/
// DEFINE: %{check} =
// DEFINE: %{run} = sed -e '%{change}' %s | sprint-opt "--pass-pipeline=builtin.module(sprint-attach-machine,sprint.program(sprint-schedule-fetches))"
// DEFINE: %{refused} = sed -e '%{change}' %s | not sprint-opt "--pass-pipeline=builtin.module(sprint-attach-machine,sprint.program(sprint-schedule-fetches))" 2>&1 | FileCheck %s --check-prefix=%{check}

// A schedule that was written by hand is checked. This one is good, and so is one of 64 rows:
// RUN: %{run} -o %t
// REDEFINE: %{change} = s/queries = 2/queries = 21/
// RUN: %{run} -o %t

// REDEFINE: %{change} = s/heads = 3/heads = 2/
// REDEFINE: %{check} = HEADS
// RUN: %{refused}
// HEADS: :[[#]]:8: error: 'sprint.attend' op expected blocks of heads that divide the 3 heads of a group, got 2

// REDEFINE: %{change} = s/queries = 2/queries = 22/
// REDEFINE: %{check} = ROWS
// RUN: %{refused}
// ROWS: error: 'sprint.attend' op expected blocks of at most 64 rows, got 66

// REDEFINE: %{change} = s/heads = 3, queries = 2/heads = 65536, queries = 65536/
// REDEFINE: %{check} = BOTH
// RUN: %{refused}
// BOTH: error: 'sprint.attend' op expected blocks of heads that divide the 3 heads of a group, got 65536

// REDEFINE: %{change} = s/key, query\]/key, query, mask]/
// REDEFINE: %{check} = WRITES
// RUN: %{refused}
// WRITES: error: 'sprint.attend' op expected to write tensors that the attention reads, got mask

// So is that the machine can run the attention at all.
// REDEFINE: %{change} = s/x6x/x?x/g
// REDEFINE: %{check} = DYNAMIC
// RUN: %{refused}
// DYNAMIC: error: 'sprint.attend' op expected static numbers of heads, got dynamic ones

// REDEFINE: %{change} = s/x8xi8/x10000xi8/g
// REDEFINE: %{check} = CHANNELS
// RUN: %{refused}
// CHANNELS: error: 'sprint.attend' op expected a key to fit an array of machine 's', got 10000 channels

// The schedule cannot be what no machine has.
// REDEFINE: %{change} = s/ahead = 0/ahead = -1/
// REDEFINE: %{check} = AHEAD
// RUN: %{refused}
// AHEAD: error: custom op 'sprint.attend' expected 'ahead' between 0 and 65536, got -1

// No pass searches for a machine.
// RUN: not sprint-opt %s "--pass-pipeline=builtin.module(sprint.program(sprint-schedule-fetches))" 2>&1 | FileCheck %s --check-prefix=MACHINE
// MACHINE: error: expected a 'sprint.machine' attribute; run sprint-attach-machine first

sprint.program @by_hand(query %q: tensor<1x6x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x6xi32>,
    multiplier %m: tensor<1x6xi64>, shift %s: tensor<1x6xi64>) -> tensor<1x6x4x4xi32> scale(0.125) {
  %init = builtin.unrealized_conversion_cast to tensor<1x6x4x4xi32>
  %r = sprint.attend query(%q : tensor<1x6x4x8xi8>) key(%k : tensor<1x2x5x8xi8>) value(%v : tensor<1x2x5x4xi8>) threshold(%t : tensor<1x6xi32>)
      multiplier(%m : tensor<1x6xi64>) shift(%s : tensor<1x6xi64>) outs(%init : tensor<1x6x4x4xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
      schedule(<heads = 3, queries = 2, ahead = 0, residency = pinned, writes = [value, key, query]>) -> tensor<1x6x4x4xi32>
  sprint.return %r : tensor<1x6x4x4xi32>
}
