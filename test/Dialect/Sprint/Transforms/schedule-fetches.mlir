// DEFINE: %{schedule} =
// DEFINE: %{run} = sprint-opt %s "--pass-pipeline=builtin.module(sprint-attach-machine,sprint-outline-programs,sprint.program(sprint-schedule-fetches{%{schedule}}))"

// RUN: %{run} | FileCheck %s --check-prefix=PAPER
// REDEFINE: %{schedule} = schedule=resident
// RUN: %{run} | FileCheck %s --check-prefix=RESIDENT
// REDEFINE: %{schedule} = all
// RUN: %{run} | FileCheck %s --check-prefix=ALL
// REDEFINE: %{schedule} = schedule=best
// RUN: not %{run} 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown schedule 'best'; known are 'paper', 'resident'

// The schedule stands on the one op, before there are rows. What the attention reads goes through ReRAM: keys and values, then
// what belongs to single heads.

// ALL-COUNT-3: sprint.attend {{.*}} select(all)
// ALL-NOT: select(pruned)

// PAPER-NOT: #sprint.schedule
// PAPER: sprint.attend {{.*}} schedule(<heads = 1, queries = 1, ahead = 1, residency = previous_query, writes = [key, value, query]>) ->
// PAPER: sprint.attend {{.*}} schedule(<heads = 1, queries = 1, ahead = 1, residency = previous_query, writes = [key, value, query, key_valid, mask, bias]>) ->
// RESIDENT: sprint.attend {{.*}} schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [key, value, query]>) ->
// RESIDENT: sprint.attend {{.*}} schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [key, value, query, key_valid, mask, bias]>) ->
func.func @f(%q: tensor<1x2x4x8xf32>, %valid: tensor<1x4xi1>, %mask: tensor<1x1x4x4xi1>, %bias: tensor<1x2x1x4xf32>) -> tensor<1x2x4x8xf32> {
  %o = sprint.attention ins(%q, %q, %q : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      outs(%q : tensor<1x2x4x8xf32>) scale(0.25) -> tensor<1x2x4x8xf32>
  %r = sprint.attention ins(%q, %q, %q : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) key_valid(%valid : tensor<1x4xi1>)
      mask(%mask : tensor<1x1x4x4xi1>) bias(%bias : tensor<1x2x1x4xf32>) outs(%o : tensor<1x2x4x8xf32>) scale(0.25) -> tensor<1x2x4x8xf32>
  return %r : tensor<1x2x4x8xf32>
}

// What was decided by hand stays.

// PAPER-LABEL: sprint.program @by_hand(
// PAPER: schedule(<heads = 3, queries = 2, ahead = 0, residency = pinned, writes = [value, key, query]>)
// RESIDENT-LABEL: sprint.program @by_hand(
// RESIDENT: schedule(<heads = 3, queries = 2, ahead = 0, residency = pinned, writes = [value, key, query]>)
sprint.program @by_hand(query %q: tensor<1x6x?x8xi8>, key %k: tensor<1x2x?x8xi8>, value %v: tensor<1x2x?x8xi8>, threshold %t: tensor<1x6xi32>,
    multiplier %m: tensor<1x6xi64>, shift %s: tensor<1x6xi64>) -> tensor<1x6x?x8xi32> scale(0.125) {
  %c2 = arith.constant 2 : index
  %size = tensor.dim %q, %c2 : tensor<1x6x?x8xi8>
  %init = tensor.empty(%size) : tensor<1x6x?x8xi32>
  %r = sprint.attend query(%q : tensor<1x6x?x8xi8>) key(%k : tensor<1x2x?x8xi8>) value(%v : tensor<1x2x?x8xi8>) threshold(%t : tensor<1x6xi32>)
      multiplier(%m : tensor<1x6xi64>) shift(%s : tensor<1x6xi64>) outs(%init : tensor<1x6x?x8xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
      schedule(<heads = 3, queries = 2, ahead = 0, residency = pinned, writes = [value, key, query]>) -> tensor<1x6x?x8xi32>
  sprint.return %r : tensor<1x6x?x8xi32>
}
