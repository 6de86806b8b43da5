// RUN: sprint-opt %s --sprint-attach-machine | FileCheck %s --check-prefix=S
// RUN: sprint-opt %s --sprint-attach-machine=arch=m | FileCheck %s --check-prefix=M
// RUN: sprint-opt %s --sprint-attach-machine=arch=s-paper-widths | FileCheck %s --check-prefix=PAPER
// RUN: printf 'base: s\nname: other\ntiming:\n  clock: {value: 0.3e1, unit: MHz, source: x}\n' > %t.file.yaml
// RUN: sprint-opt %s --sprint-attach-machine=arch=%t.file.yaml | FileCheck %s --check-prefix=FILE
// RUN: printf 'base: s\nname: ranges\nenergy:\n  qk: {value: 3, low: 2, high: 5, unit: pJ/MAC, source: x}\n' > %t.ranges.yaml
// RUN: sprint-opt %s --sprint-attach-machine=arch=%t.ranges.yaml | sprint-opt | FileCheck %s --check-prefix=RANGES
// RUN: sprint-opt %s --sprint-attach-machine=arch=m --sprint-attach-machine=arch=s | FileCheck %s --check-prefix=S
// RUN: not sprint-opt %s --sprint-attach-machine=arch=q 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not sprint-opt %s --sprint-attach-machine=arch=%t.yaml 2>&1 | FileCheck %s --check-prefix=MISSING

// S-DAG: #machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4, banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4, resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0, accumulator_bits = 48>
// S-DAG: #costs = #sprint.costs<timing = {clock = 1.000000e+03, memory_clock = 4.000000e+02, {{.*}}division = 1.000000e+00}, energy = {in_memory = 1.000000e-01, {{.*}}softmax = 8.700000e+01, endurance = 1.000000e+06}>
// S: module attributes {sprint.costs = #costs, sprint.machine = #machine}
// M: #sprint.machine<"m", corelets = 2, {{.*}}key_buffer = 16384, value_buffer = 16384,
// PAPER: #sprint.machine<"s-paper-widths", corelets = 1, {{.*}}nibble = truncated, exponent_fraction_bits = 8, sum_bits = 16, probability_bits = 8, accumulator_bits = 16>

// The name of a file is that by which it was asked for.
// FILE-DAG: #sprint.machine<"{{.*}}attach-machine.mlir.tmp.file.yaml", corelets = 1,
// FILE-DAG: #sprint.costs<timing = {clock = 3.000000e+00,

// Where energies lie in ranges, the ends of all of them follow.
// RANGES: #sprint.costs<timing = {{.*}}, energy = {{.*}} qk = 3.000000e+00, {{.*}}, low = {{.*}} qk = 2.000000e+00, {{.*}}, high = {{.*}} qk = 5.000000e+00, {{.*}}>

// UNKNOWN: error: {{.*}}q
// MISSING: error: {{.*}}attach-machine.mlir.tmp.yaml
module {}
