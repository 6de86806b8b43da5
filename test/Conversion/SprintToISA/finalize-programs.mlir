// RUN: sprint-opt %s --sprint-finalize-programs --split-input-file --verify-diagnostics | FileCheck %s

// The program alone is left, in the place of the function around it, and the machine without its costs; launches stay.

// CHECK-NOT: costs
// CHECK: module attributes {sprint.machine = #machine} {
// CHECK: func.func @main(
// CHECK: sprint.launch @p ins
// CHECK: sprint_isa.program @p machine("s", "c6efa207582d51bf")
// CHECK-NEXT: }
// CHECK-NEXT: func.func private @behind()
// CHECK-NOT: sprint.program
#costs = #sprint.costs<timing = {clock = 1.0e+03, memory_clock = 4.0e+02, bus = 6.4e+01, transfers_per_memory_cycle = 2.0e+00, tRCD = 1.0e+01, tCAS = 6.0e+00, tBURST = 4.0e+00, tWP = 4.0e+00, tCWD = 4.0e+00, threshold = 8.0e+00, qk_latency = 8.0e+00, softmax_latency = 8.0e+00, v_latency = 8.0e+00, division = 1.0e+00}, energy = {in_memory = 1.0e-01, reram_read = 3.1e+00, reram_write = 2.44e+01, sram_read = 5.3e-01, sram_write = 4.6e-01, qk = 3.06e+00, v = 2.97e+00, softmax = 8.7e+01}>
#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4, banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4, resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0, accumulator_bits = 48>
module attributes {sprint.costs = #costs, sprint.machine = #machine} {
  func.func @main(%t: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
    %0 = sprint.launch @p ins(%t, %t, %t : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>) outs(%t : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
    return %0 : tensor<1x1x4x8xf32>
  }
  sprint.program @p(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>,
      multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>) -> tensor<1x1x4x8xi32> scale(0.125) {
    sprint_isa.program @p machine("s", "c6efa207582d51bf")
        parameters(batches = 1, heads = 1, queries = 4, keys = 4, head_dim = 8, value_dim = 8, group = 1) scale(0.125) {
    }
    sprint.return
  }
  func.func private @behind()
}

// -----

// expected-error @below {{expected commands in its body; run convert-sprint-to-isa first}}
sprint.program @p(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>,
    multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>) -> tensor<1x1x4x8xi32> scale(0.125) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}
