// RUN: sprint-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{expected the machine's name, got an empty string}}
#machine = #sprint.machine<"", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 48>

// -----

// expected-error @below {{expected string}}
#machine = #sprint.machine<s, corelets = 1>

// -----

#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024,
  // expected-error @below {{expected a parameter of the machine, got 'score_lines'}}
  score_lines = 4,
  resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 48>

// -----

#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024,
  // expected-error @below {{expected 'query_buffer' once, got it again}}
  query_buffer = 4,
  resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 48>

// -----

#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, probability_bits = 0,
  accumulator_bits = 48
  // expected-error @below {{expected parameter 'sum_bits', got none}}
  >

// -----

#machine = #sprint.machine<"s", corelets = 1,
  // expected-error @below {{expected array_rows of 1 to 65536, got 0}}
  array_rows = 0, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 48>

// -----

#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128,
  // expected-error @below {{expected channels of 1 to 1024, got 1025}}
  channels = 1025,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 48>

// -----

#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4,
  // expected-error @below {{expected key_buffer of 1 to 1073741824, got -1}}
  key_buffer = -1, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 48>

// -----

#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4,
  // expected-error @below {{integer value too large}}
  key_buffer = 18446744073709551616, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 48>

// -----

#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2,
  // expected-error @below {{expected integer value}}
  score_buffer = 1.5, score_rows = 4,
  resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 48>

// -----

#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2, multipliers = 64,
  // expected-error @below {{expected valid keyword}}
  nibble = 0, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 48>

// -----

#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2, multipliers = 64,
  // expected-error @below {{expected nibble to be centred or truncated, got round}}
  nibble = round, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 48>

// -----

#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2, multipliers = 64, nibble = centred,
  // expected-error @below {{expected exponent_fraction_bits of 1 to 16, got 17}}
  exponent_fraction_bits = 17, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 48>

// -----

// expected-error @below {{expected sum_bits of 17 to 62, got 16}}
#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 16, probability_bits = 0,
  accumulator_bits = 48>

// -----

// expected-error @below {{expected accumulator_bits of 24 to 62, got 23}}
#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 23>

// -----

// expected-error @below {{expected accumulator_bits of 2 to 17, got 48}}
#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 8,
  accumulator_bits = 48>

// -----

// expected-error @below {{expected key_buffer to divide among 3 CORELETs, got 8192}}
#machine = #sprint.machine<"s", corelets = 3, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 48>

// -----

// expected-error @below {{expected an array for each resident head, got 2048 arrays}}
#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2049, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 48>

// -----

#costs = #sprint.costs<
  timing = {clock = 1000.0, memory_clock = 400.0, bus = 64.0, transfers_per_memory_cycle = 2.0,
  // expected-error @below {{expected a parameter of the machine, got 'tRCS'}}
  tRCS = 10.0, tCAS = 6.0, tBURST = 4.0,
    tWP = 4.0, tCWD = 4.0, threshold = 8.0, qk_latency = 8.0, softmax_latency = 8.0, v_latency = 8.0,
    division = 1.0},
  energy = {in_memory = 0.1, reram_read = 3.1, reram_write = 24.4, sram_read = 0.53, sram_write = 0.46, qk = 3.06, v = 2.97,
    softmax = 87.0}>

// -----

#costs = #sprint.costs<
  timing = {clock = 1000.0, memory_clock = 400.0, bus = 64.0, transfers_per_memory_cycle = 2.0,
  // expected-error @below {{expected 'bus' once, got it again}}
  bus = 10.0, tCAS = 6.0, tBURST = 4.0,
    tWP = 4.0, tCWD = 4.0, threshold = 8.0, qk_latency = 8.0, softmax_latency = 8.0, v_latency = 8.0,
    division = 1.0},
  energy = {in_memory = 0.1, reram_read = 3.1, reram_write = 24.4, sram_read = 0.53, sram_write = 0.46, qk = 3.06, v = 2.97,
    softmax = 87.0}>

// -----

#costs = #sprint.costs<
  timing = {clock = 1000.0, memory_clock = 400.0, bus = 64.0, transfers_per_memory_cycle = 2.0,
  // expected-error @below {{expected tRCD of 0 to 1000000, got -1}}
  tRCD = -1.0, tCAS = 6.0, tBURST = 4.0,
    tWP = 4.0, tCWD = 4.0, threshold = 8.0, qk_latency = 8.0, softmax_latency = 8.0, v_latency = 8.0,
    division = 1.0},
  energy = {in_memory = 0.1, reram_read = 3.1, reram_write = 24.4, sram_read = 0.53, sram_write = 0.46, qk = 3.06, v = 2.97,
    softmax = 87.0}>

// -----

#costs = #sprint.costs<
  timing = {
  // expected-error @below {{expected clock of 1 to 1000000, got inf}}
  clock = 0x7FF0000000000000, memory_clock = 400.0, bus = 64.0, transfers_per_memory_cycle = 2.0, tRCD = 10.0, tCAS = 6.0, tBURST = 4.0,
    tWP = 4.0, tCWD = 4.0, threshold = 8.0, qk_latency = 8.0, softmax_latency = 8.0, v_latency = 8.0,
    division = 1.0},
  energy = {in_memory = 0.1, reram_read = 3.1, reram_write = 24.4, sram_read = 0.53, sram_write = 0.46, qk = 3.06, v = 2.97,
    softmax = 87.0}>

// -----

#costs = #sprint.costs<
  timing = {
  // expected-error @below {{expected clock of 1 to 1000000, got nan}}
  clock = 0x7FF8000000000000, memory_clock = 400.0, bus = 64.0, transfers_per_memory_cycle = 2.0, tRCD = 10.0, tCAS = 6.0, tBURST = 4.0,
    tWP = 4.0, tCWD = 4.0, threshold = 8.0, qk_latency = 8.0, softmax_latency = 8.0, v_latency = 8.0,
    division = 1.0},
  energy = {in_memory = 0.1, reram_read = 3.1, reram_write = 24.4, sram_read = 0.53, sram_write = 0.46, qk = 3.06, v = 2.97,
    softmax = 87.0}>

// -----

#costs = #sprint.costs<
  timing = {
  // expected-note @+2 {{add a trailing dot to make the literal a float}}
  // expected-error @below {{unexpected decimal integer literal for a floating point value}}
  clock = 1000, memory_clock = 400.0, bus = 64.0, transfers_per_memory_cycle = 2.0, tRCD = 10.0, tCAS = 6.0, tBURST = 4.0,
    tWP = 4.0, tCWD = 4.0, threshold = 8.0, qk_latency = 8.0, softmax_latency = 8.0, v_latency = 8.0,
    division = 1.0},
  energy = {in_memory = 0.1, reram_read = 3.1, reram_write = 24.4, sram_read = 0.53, sram_write = 0.46, qk = 3.06, v = 2.97,
    softmax = 87.0}>

// -----

#costs = #sprint.costs<
  timing = {clock = 1000.0, memory_clock = 400.0, bus = 64.0, transfers_per_memory_cycle = 2.0, tRCD = 10.0, tCAS = 6.0, tBURST = 4.0,
    tWP = 4.0, tCWD = 4.0, threshold = 8.0, qk_latency = 8.0, softmax_latency = 8.0, v_latency = 8.0,
    division = 1.0},
  energy = {in_memory = 0.1, reram_read = 3.1, reram_write = 24.4,
  // expected-error @below {{expected sram_read of 0 to 1000000000, got 2000000000}}
  sram_read = 2.0e9, sram_write = 0.46, qk = 3.06, v = 2.97,
    softmax = 87.0}>

// -----

#costs = #sprint.costs<
  timing = {clock = 1000.0, memory_clock = 400.0, bus = 64.0, transfers_per_memory_cycle = 2.0, tRCD = 10.0, tCAS = 6.0, tBURST = 4.0,
    tWP = 4.0, tCWD = 4.0, threshold = 8.0, qk_latency = 8.0, softmax_latency = 8.0, v_latency = 8.0,
    division = 1.0},
  // expected-error @below {{expected parameter 'softmax', got none}}
  energy = {in_memory = 0.1, reram_read = 3.1, reram_write = 24.4, sram_read = 0.53, sram_write = 0.46, qk = 3.06, v = 2.97}>

// -----

// expected-error @below {{expected 'timing'}}
#costs = #sprint.costs<energy = {}>

// -----

// expected-error @below {{expected 'sprint.machine' to be a #sprint.machine, got "s"}}
module attributes {sprint.machine = "s"} {
}

// -----

// expected-error @below {{expected 'sprint.costs' to be a #sprint.costs, got unit}}
module attributes {sprint.costs} {
}

// -----

#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4,
  banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4,
  resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0,
  accumulator_bits = 48>

// expected-error @below {{expected 'sprint.machine' on a module only}}
func.func private @machine_on_function() attributes {sprint.machine = #machine}

// -----

// expected-error @below {{expected 'sprint.costs' on a module only}}
func.func private @costs_on_function() attributes {sprint.costs = "cheap"}

// -----

// expected-error @below {{expected qk to lie between its low and its high}}
#costs = #sprint.costs<
  timing = {clock = 1000.0, memory_clock = 400.0, bus = 64.0, transfers_per_memory_cycle = 2.0, tRCD = 10.0, tCAS = 6.0, tBURST = 4.0,
    tWP = 4.0, tCWD = 4.0, threshold = 8.0, qk_latency = 8.0, softmax_latency = 8.0, v_latency = 8.0,
    division = 1.0},
  energy = {in_memory = 0.1, reram_read = 3.1, reram_write = 24.4, sram_read = 0.53, sram_write = 0.46, qk = 3.06, v = 2.97,
    softmax = 87.0},
  low = {in_memory = 0.1, reram_read = 3.1, reram_write = 24.4, sram_read = 0.53, sram_write = 0.46, qk = 3.07, v = 2.97,
    softmax = 87.0},
  high = {in_memory = 0.1, reram_read = 3.1, reram_write = 24.4, sram_read = 0.53, sram_write = 0.46, qk = 3.08, v = 2.97,
    softmax = 87.0}>
