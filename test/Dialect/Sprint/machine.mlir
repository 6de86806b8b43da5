// RUN: sprint-opt %s | FileCheck %s
// RUN: sprint-opt %s | sprint-opt | FileCheck %s
// RUN: sprint-opt %s --emit-bytecode | sprint-opt | FileCheck %s

// Parameters may come in any order and are printed in that of the structure's hash.
// CHECK-DAG: #machine = #sprint.machine<"path/to it.yaml", corelets = 2, array_rows = 32, array_columns = 128, arrays_per_bank = 1048576, channels = 4, banks_per_channel = 8, key_buffer = 4096, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4, resident_heads = 3, multipliers = 64, nibble = truncated, exponent_fraction_bits = 8, sum_bits = 16, probability_bits = 7, accumulator_bits = 15>
#machine = #sprint.machine<"path/to it.yaml", nibble = truncated, accumulator_bits = 15, probability_bits = 7, sum_bits = 16,
  exponent_fraction_bits = 8, corelets = 2, array_rows = 32, array_columns = 128, arrays_per_bank = 1048576, channels = 4,
  banks_per_channel = 8, key_buffer = 4096, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 3, multipliers = 64>

// Costs keep every bit: the nearest of 1/3, the largest energy, the smallest of all numbers.
// CHECK-DAG: #costs = #sprint.costs<timing = {clock = 1.000000e+03, memory_clock = 333.33333333333331, bus = 6.400000e+01, transfers_per_memory_cycle = 2.000000e+00, tRCD = 1.000000e+01, tCAS = 6.000000e+00, tBURST = 4.000000e+00, tWP = 4.000000e+00, tCWD = 4.000000e+00, tRP = 0.000000e+00, tWTR = 0.000000e+00, tCCD = 0.000000e+00, threshold = 8.000000e+00, qk_latency = 7.000000e+00, softmax_latency = 9.000000e+00, v_latency = 5.000000e-01, division = 1.000000e+00}, energy = {in_memory = 1.000000e-01, reram_read = 3.100000e+00, reram_write = 2.440000e+01, sram_read = 0.33333333333333331, sram_write = 4.940660e-324, qk = 3.060000e+00, v = 1.000000e+09, softmax = 0.000000e+00, endurance = 1.000000e+06}>
#costs = #sprint.costs<
  timing = {memory_clock = 333.33333333333331, clock = 1000.0, bus = 64.0, transfers_per_memory_cycle = 2.0, tRCD = 10.0, tCAS = 6.0, tBURST = 4.0,
    tWP = 4.0, tCWD = 4.0, threshold = 8.0, qk_latency = 7.0, softmax_latency = 9.0, v_latency = 0.5,
    division = 1.0},
  energy = {in_memory = 0.1, reram_read = 3.1, reram_write = 24.4, sram_read = 0.33333333333333331, sram_write = 4.9406564584124654e-324, qk = 3.06,
    v = 1.0e9, softmax = 0.0}>

// CHECK: module attributes {sprint.costs = #costs, sprint.machine = #machine}
module attributes {sprint.machine = #machine, sprint.costs = #costs} {}
