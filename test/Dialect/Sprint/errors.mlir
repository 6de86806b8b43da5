// RUN: sprint-opt %s --split-input-file --verify-diagnostics

func.func @attention_head_dim(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x9xf32>, %v: tensor<1x2x4x8xf32>, %init: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{expected dimension 3 (D) of key to be 8 as in query, got 9}}
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x2x4x8xf32>, tensor<1x2x4x9xf32>, tensor<1x2x4x8xf32>) outs(%init : tensor<1x2x4x8xf32>) scale(1.0) -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

func.func @attention_key_count(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x6x8xf32>, %v: tensor<1x2x5x8xf32>, %init: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{expected dimension 2 (Sk) of value to be 6 as in key, got 5}}
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x2x4x8xf32>, tensor<1x2x6x8xf32>, tensor<1x2x5x8xf32>) outs(%init : tensor<1x2x4x8xf32>) scale(1.0) -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

func.func @attention_heads(%q: tensor<1x2x4x8xf32>, %k: tensor<1x3x4x8xf32>, %v: tensor<1x3x4x8xf32>, %init: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{expected the 2 heads of query to be a multiple of those of key, got 3}}
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x2x4x8xf32>, tensor<1x3x4x8xf32>, tensor<1x3x4x8xf32>) outs(%init : tensor<1x2x4x8xf32>) scale(1.0) -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

func.func @attention_output(%q: tensor<1x2x?x8xf32>, %k: tensor<1x2x4x8xf32>, %v: tensor<1x2x4x8xf32>, %init: tensor<1x2x?x9xf32>) -> tensor<1x2x?x9xf32> {
  // expected-error @below {{expected dimension 3 (Dv) of init to be 8 as in value, got 9}}
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x2x?x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) outs(%init : tensor<1x2x?x9xf32>) scale(1.0) -> tensor<1x2x?x9xf32>
  return %0 : tensor<1x2x?x9xf32>
}

// -----

func.func @name_empty(%t: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{expected a name of at least one character, got an empty one}}
  %0 = sprint.attention @"" ins(%t, %t, %t : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) outs(%t : tensor<1x2x4x8xf32>) scale(1.0) -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

func.func @scale_zero(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf32>, %v: tensor<1x2x4x8xf32>, %init: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{expected a scale between 2^-100 and 2^100, got 0}}
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) outs(%init : tensor<1x2x4x8xf32>) scale(0.0) -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

func.func @scale_negative(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf32>, %v: tensor<1x2x4x8xf32>, %init: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{expected a scale between 2^-100 and 2^100, got -1}}
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) outs(%init : tensor<1x2x4x8xf32>) scale(-1.0) -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

func.func @scale_nan(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf32>, %v: tensor<1x2x4x8xf32>, %init: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{expected a scale between 2^-100 and 2^100, got nan}}
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) outs(%init : tensor<1x2x4x8xf32>) scale(0x7FF8000000000000) -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

func.func @scale_infinite(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf32>, %v: tensor<1x2x4x8xf32>, %init: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{expected a scale between 2^-100 and 2^100, got INF}}
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) outs(%init : tensor<1x2x4x8xf32>) scale(0x7FF0000000000000) -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

func.func @scale_small(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf32>, %v: tensor<1x2x4x8xf32>, %init: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{expected a scale between 2^-100 and 2^100, got 3.900000e-31}}
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) outs(%init : tensor<1x2x4x8xf32>) scale(3.9e-31) -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

func.func @threshold_count(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf32>, %v: tensor<1x2x4x8xf32>, %init: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{expected one threshold, or one for each of 2 heads, got 3}}
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) outs(%init : tensor<1x2x4x8xf32>) scale(1.0) thresholds([1.0, 2.0, 3.0]) -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

func.func @threshold_none(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf32>, %v: tensor<1x2x4x8xf32>, %init: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{expected one threshold, or one for each of 2 heads, got 0}}
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) outs(%init : tensor<1x2x4x8xf32>) scale(1.0) thresholds([]) -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

func.func @threshold_dynamic_heads(%q: tensor<1x?x4x8xf32>, %k: tensor<1x?x4x8xf32>, %v: tensor<1x?x4x8xf32>, %init: tensor<1x?x4x8xf32>) -> tensor<1x?x4x8xf32> {
  // expected-error @below {{expected one threshold, as the number of heads is open, got 2}}
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x?x4x8xf32>, tensor<1x?x4x8xf32>, tensor<1x?x4x8xf32>) outs(%init : tensor<1x?x4x8xf32>) scale(1.0) thresholds([1.0, 2.0]) -> tensor<1x?x4x8xf32>
  return %0 : tensor<1x?x4x8xf32>
}

// -----

func.func @threshold_nan(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf32>, %v: tensor<1x2x4x8xf32>, %init: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{expected thresholds, got NaN}}
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) outs(%init : tensor<1x2x4x8xf32>) scale(1.0) thresholds([1.0, 0x7FC00000]) -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

// expected-error @below {{expected the band's lower bound to be at most its upper bound 0, got 1}}
#band = #sprint.band<lower = 1, upper = 0>

// -----

// expected-error @below {{expected exponent_fraction_bits of 1 to 16, got 0}}
#widths = #sprint.widths<exponent_fraction = 0, sum = 48, probability = 0, accumulator = 48>

// -----

// expected-error @below {{expected exponent_fraction_bits of 1 to 16, got 17}}
#widths = #sprint.widths<exponent_fraction = 17, sum = 48, probability = 0, accumulator = 48>

// -----

// expected-error @below {{expected sum_bits of 17 to 62, got 7}}
#widths = #sprint.widths<exponent_fraction = 16, sum = 7, probability = 0, accumulator = 48>

// -----

// expected-error @below {{expected sum_bits of 17 to 62, got 63}}
#widths = #sprint.widths<exponent_fraction = 16, sum = 63, probability = 0, accumulator = 48>

// -----

// expected-error @below {{expected probability_bits of 0 to 16, got -1}}
#widths = #sprint.widths<exponent_fraction = 16, sum = 48, probability = -1, accumulator = 48>

// -----

// expected-error @below {{expected probability_bits of 0 to 16, got 17}}
#widths = #sprint.widths<exponent_fraction = 16, sum = 48, probability = 17, accumulator = 48>

// -----

// expected-error @below {{expected accumulator_bits of 24 to 62, got 7}}
#widths = #sprint.widths<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 7>

// -----

// expected-error @below {{expected accumulator_bits of 24 to 62, got 63}}
#widths = #sprint.widths<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 63>

// -----

// expected-error @below {{expected 'heads' between 1 and 65536, got 0}}
#schedule = #sprint.schedule<heads = 0, queries = 1, ahead = 1, residency = pinned, writes = []>

// -----

// expected-error @below {{expected 'queries' between 1 and 65536, got 65537}}
#schedule = #sprint.schedule<heads = 1, queries = 65537, ahead = 1, residency = pinned, writes = []>

// -----

// expected-error @below {{expected 'ahead' between 0 and 65536, got -1}}
#schedule = #sprint.schedule<heads = 1, queries = 1, ahead = -1, residency = pinned, writes = []>

// -----

// expected-error @below {{expected each tensor once in 'writes', got key twice}}
#schedule = #sprint.schedule<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [key, value, key]>

// -----

// expected-error @below {{expected one of [query, key, value, key_valid, mask, bias, query_segments, key_segments] for a tensor in ReRAM, got: threshold}}
// expected-error @below {{failed to parse Sprint_ScheduleAttr parameter 'writes'}}
#schedule = #sprint.schedule<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [threshold]>

// -----

// expected-error @below {{expected 'sprint.machine', 'sprint.costs', 'sprint.refused' or 'sprint.host_constants', got unknown attribute 'sprint.unknown'}}
module attributes {sprint.unknown = 1 : i64} {
}

// -----

// expected-error @below {{expected 'sprint.refused' to be a #sprint.refusal, got "too large"}}
module attributes {sprint.refused = "too large"} {
}

// -----

// expected-error @below {{expected 'sprint.host_constants' to be a dictionary of elements, got {malloc = 1 : i64}}}
module attributes {sprint.host_constants = {malloc = 1 : i64}} {
}

// -----

// expected-error @below {{failed to parse Sprint_RefusalAttr parameter 'by' which is to be a `::mlir::sprint::RefusedBy`}}
// expected-error @below {{expected ::mlir::sprint::RefusedBy to be one of: raising, outlining}}
#refusal = #sprint.refusal<tiling, "too large">

// -----

// expected-error @below {{expected 'sprint.host_constants' on a module only}}
func.func private @constants_on_function() attributes {sprint.host_constants = {}}

// -----

func.func @quantize(%t: tensor<1x2x4x8xf32>) {
  // expected-error @below {{expected dimension 2 (S) of codes to be 4 as in input, got 5}}
  %codes, %step = sprint.quantize %t nibble(centred) : tensor<1x2x4x8xf32> -> tensor<1x2x5x8xi8>, tensor<1x2xf32>
  return
}

// -----

func.func @parameters(%q: tensor<1x2xf32>, %k: tensor<1x3xf32>) {
  // expected-error @below {{expected the 2 heads of query_step to be a multiple of those of key_step, got 3}}
  %t, %m, %s = sprint.parameters %q, %k scale(0.125)
      : tensor<1x2xf32>, tensor<1x3xf32> -> tensor<1x2xi32>, tensor<1x2xi64>, tensor<1x2xi64>
  return
}

// -----

func.func @parameters_scale(%q: tensor<1x2xf32>) {
  // expected-error @below {{expected a scale between 2^-100 and 2^100, got 0}}
  %t, %m, %s = sprint.parameters %q, %q scale(0.0)
      : tensor<1x2xf32>, tensor<1x2xf32> -> tensor<1x2xi32>, tensor<1x2xi64>, tensor<1x2xi64>
  return
}

// -----

func.func @parameters_thresholds(%q: tensor<1x2xf32>) {
  // expected-error @below {{expected one threshold, or one for each of 2 heads, got 3}}
  %t, %m, %s = sprint.parameters %q, %q scale(1.0) thresholds([1.0, 2.0, 3.0])
      : tensor<1x2xf32>, tensor<1x2xf32> -> tensor<1x2xi32>, tensor<1x2xi64>, tensor<1x2xi64>
  return
}

// -----

func.func @dequantize(%codes: tensor<1x2x4x8xi32>, %step: tensor<1x2xf32>, %init: tensor<1x2x4x9xf32>) {
  // expected-error @below {{expected dimension 3 (Dv) of init to be 8 as in codes, got 9}}
  %0 = sprint.dequantize ins(%codes, %step : tensor<1x2x4x8xi32>, tensor<1x2xf32>) outs(%init : tensor<1x2x4x9xf32>) -> tensor<1x2x4x9xf32>
  return
}

// -----

func.func @crossbar_score(%q: tensor<1x64xi8>, %k: tensor<?x32xi8>, %init: tensor<1x?xi32>) {
  // expected-error @below {{expected dimension 1 (D) of key to be 64 as in query, got 32}}
  %0 = sprint.crossbar_score ins(%q, %k : tensor<1x64xi8>, tensor<?x32xi8>) outs(%init : tensor<1x?xi32>) nibble(centred) -> tensor<1x?xi32>
  return
}

// -----

func.func @prune(%a: tensor<1x8xi32>, %t: tensor<1xi32>, %i: tensor<1xindex>, %n: index) {
  // expected-error @below {{expected dimension 1 (Sk) of kept to be 8 as in scores, got 9}}
  %0 = sprint.prune %a threshold(%t : tensor<1xi32>) queries(%i of %n : tensor<1xindex>) : tensor<1x8xi32> -> tensor<1x9xi1>
  return
}

// -----

func.func @allow(%i: tensor<1xindex>) {
  %keys = arith.constant 7 : index
  // expected-error @below {{expected keys to be 8 as in the result, got 7}}
  %kept = sprint.allow keys(%keys) queries(%i of %keys : tensor<1xindex>) : tensor<1x8xi1>
  return
}

// -----

func.func @gather(%kept: tensor<1x8xi1>) {
  // expected-error @below {{expected dimension 0 (B) of owners to be 1 as in kept, got 2}}
  %indices, %owners = sprint.gather %kept : tensor<1x8xi1> -> tensor<?xindex>, tensor<2x?xi1>
  return
}

// -----

func.func @recompute_owners(%q: tensor<1x64xi8>, %k: tensor<8x64xi8>, %v: tensor<8x32xi8>, %i: tensor<5xindex>,
    %o: tensor<1x4xi1>, %m: tensor<1xi64>, %init: tensor<1x32xi32>) {
  // expected-error @below {{expected dimension 1 (N) of owners to be 5 as in indices, got 4}}
  %0 = sprint.recompute ins(%q, %k, %v, %i, %o, %m, %m
         : tensor<1x64xi8>, tensor<8x64xi8>, tensor<8x32xi8>, tensor<5xindex>, tensor<1x4xi1>, tensor<1xi64>, tensor<1xi64>)
       outs(%init : tensor<1x32xi32>)
       widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x32xi32>
  return
}

// -----

func.func @recompute_rows(%q: tensor<2x64xi8>, %k: tensor<8x64xi8>, %v: tensor<8x32xi8>, %i: tensor<4xindex>,
    %o: tensor<2x4xi1>, %m: tensor<2xi64>, %s: tensor<3xi64>, %init: tensor<2x32xi32>) {
  // expected-error @below {{expected dimension 0 (B) of shift to be 2 as in query, got 3}}
  %0 = sprint.recompute ins(%q, %k, %v, %i, %o, %m, %s
         : tensor<2x64xi8>, tensor<8x64xi8>, tensor<8x32xi8>, tensor<4xindex>, tensor<2x4xi1>, tensor<2xi64>, tensor<3xi64>)
       outs(%init : tensor<2x32xi32>)
       widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<2x32xi32>
  return
}

// -----

func.func @recompute_bias(%q: tensor<2x64xi8>, %k: tensor<8x64xi8>, %v: tensor<8x32xi8>, %i: tensor<4xindex>,
    %o: tensor<2x4xi1>, %m: tensor<2xi64>, %bias: tensor<3x8xi32>, %init: tensor<2x32xi32>) {
  // expected-error @below {{expected dimension 0 (B) of bias to be 1 or 2 as in query, got 3}}
  %0 = sprint.recompute ins(%q, %k, %v, %i, %o, %m, %m
         : tensor<2x64xi8>, tensor<8x64xi8>, tensor<8x32xi8>, tensor<4xindex>, tensor<2x4xi1>, tensor<2xi64>, tensor<2xi64>)
       bias(%bias : tensor<3x8xi32>) outs(%init : tensor<2x32xi32>)
       widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<2x32xi32>
  return
}

// -----

// expected-error @below {{expected an argument 'shift', got none}}
sprint.program @argument_count(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

// -----

// expected-error @below {{expected 1 result (the output codes), got 0}}
sprint.program @result_count(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    scale(0.125) {
  sprint.return
}

// -----

// expected-error @below {{expected key to be a tensor of rank 4 of 'i8', got 'tensor<1x1x4x8xi16>'}}
sprint.program @argument_type(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi16>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

// -----

// expected-error @below {{expected the result to be a tensor of rank 4 of 'i32', got 'tensor<4x8xi32>'}}
sprint.program @result_type(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<4x8xi32> scale(0.125) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

// -----

// expected-error @below {{expected dimension 3 (D) of key to be 8 as in query, got 9}}
sprint.program @argument_shape(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x9xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

// -----

// expected-error @below {{expected a scale between 2^-100 and 2^100, got 0}}
sprint.program @program_scale(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.0) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

// -----

// expected-error @below {{expected one threshold, or one for each of 1 heads, got 2}}
sprint.program @program_thresholds(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) thresholds([1.0, 2.0]) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

// -----

// expected-error @below {{expected a body}}
"sprint.program"() <{sym_name = "no_body", scale = 0.125 : f64,
    function_type = (tensor<1x1x4x8xi8>, tensor<1x1x4x8xi8>, tensor<1x1x4x8xi8>, tensor<1x1xi32>, tensor<1x1xi64>, tensor<1x1xi64>) -> tensor<1x1x4x8xi32>,
    input_names = [#sprint<program_input query>, #sprint<program_input key>, #sprint<program_input value>,
                   #sprint<program_input threshold>, #sprint<program_input multiplier>, #sprint<program_input shift>]}> ({}) : () -> ()

// -----

// expected-error @below {{expected 1 names of arguments, got 0}}
"sprint.program"() <{sym_name = "no_names", scale = 0.125 : f64, function_type = (tensor<1x1x4x8xi8>) -> tensor<1x1x4x8xi32>, input_names = []}> ({}) : () -> ()

// -----

// expected-error @below {{expected the name of an argument, one of query, key, value, threshold, multiplier, shift, key_valid, mask, bias, query_segments, key_segments, got 'queries'}}
sprint.program @argument_name(queries %q: tensor<1x1x4x8xi8>) -> tensor<1x1x4x8xi32> scale(0.125) {
  sprint.return
}

// -----

// expected-error @below {{expected the name of an argument, one of query, key, value, threshold, multiplier, shift, key_valid, mask, bias, query_segments, key_segments}}
sprint.program @argument_without_name(%q: tensor<1x1x4x8xi8>) -> tensor<1x1x4x8xi32> scale(0.125) {
  sprint.return
}

// -----

sprint.program @return_count(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  // expected-error @below {{expected 1 operands as @return_count has results, got 0}}
  sprint.return
}

// -----

sprint.program @return_type(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  %r = tensor.empty() : tensor<1x1x4x9xi32>
  // expected-error @below {{expected operand 0 of type 'tensor<1x1x4x8xi32>' as @return_type returns, got 'tensor<1x1x4x9xi32>'}}
  sprint.return %r : tensor<1x1x4x9xi32>
}

// -----

func.func @launch_nothing(%t: tensor<1x1x4x8xf32>) {
  // expected-error @below {{expected a program named @missing, got none}}
  %0 = sprint.launch @missing ins(%t, %t, %t : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>) outs(%t : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  return
}

// -----

func.func @launch_function(%t: tensor<1x1x4x8xf32>) {
  // expected-error @below {{expected @launch_function to be a sprint.program or a sprint_isa.program, got func.func}}
  %0 = sprint.launch @launch_function ins(%t, %t, %t : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>) outs(%t : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  return
}

// -----

sprint.program @program(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

func.func @launch_shape(%t: tensor<1x1x5x8xf32>) {
  // expected-error @below {{expected the shape of query to agree with 'tensor<1x1x4x8xi8>' of @program, got 'tensor<1x1x5x8xf32>'}}
  %0 = sprint.launch @program ins(%t, %t, %t : tensor<1x1x5x8xf32>, tensor<1x1x5x8xf32>, tensor<1x1x5x8xf32>) outs(%t : tensor<1x1x5x8xf32>) -> tensor<1x1x5x8xf32>
  return
}

// -----

func.func @launch_operands(%t: tensor<1x1x4x8xf32>, %k: tensor<1x1x4x9xf32>) {
  // expected-error @below {{expected dimension 3 (D) of key to be 8 as in query, got 9}}
  %0 = sprint.launch @p ins(%t, %k, %t : tensor<1x1x4x8xf32>, tensor<1x1x4x9xf32>, tensor<1x1x4x8xf32>) outs(%t : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  return
}

// -----

func.func @key_heads(%q: tensor<1x6x4x8xf32>, %k: tensor<1x3x4x8xf32>, %v: tensor<1x2x4x8xf32>) {
  // expected-error @below {{expected dimension 1 (G) of value to be 3 as in key, got 2}}
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x6x4x8xf32>, tensor<1x3x4x8xf32>, tensor<1x2x4x8xf32>)
      outs(%q : tensor<1x6x4x8xf32>) scale(1.0) -> tensor<1x6x4x8xf32>
  return
}

// -----

func.func @no_key_heads(%q: tensor<1x6x4x8xf32>, %k: tensor<1x0x4x8xf32>) {
  // expected-error @below {{expected the 6 heads of query to be a multiple of those of key, got 0}}
  %0 = sprint.attention ins(%q, %k, %k : tensor<1x6x4x8xf32>, tensor<1x0x4x8xf32>, tensor<1x0x4x8xf32>)
      outs(%q : tensor<1x6x4x8xf32>) scale(1.0) -> tensor<1x6x4x8xf32>
  return
}

// -----

func.func @key_valid(%t: tensor<2x2x4x8xf32>, %valid: tensor<1x4xi1>) {
  // expected-error @below {{expected dimension 0 (B) of key_valid to be 2 as in query, got 1}}
  %0 = sprint.attention ins(%t, %t, %t : tensor<2x2x4x8xf32>, tensor<2x2x4x8xf32>, tensor<2x2x4x8xf32>)
      key_valid(%valid : tensor<1x4xi1>) outs(%t : tensor<2x2x4x8xf32>) scale(1.0) -> tensor<2x2x4x8xf32>
  return
}

// -----

func.func @mask(%t: tensor<2x4x6x8xf32>, %mask: tensor<1x2x6x6xi1>) {
  // expected-error @below {{expected dimension 1 (H) of mask to be 1 or 4 as in query, got 2}}
  %0 = sprint.attention ins(%t, %t, %t : tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>)
      mask(%mask : tensor<1x2x6x6xi1>) outs(%t : tensor<2x4x6x8xf32>) scale(1.0) -> tensor<2x4x6x8xf32>
  return
}

// -----

// The keys of a bias are never the same for all.

func.func @bias(%t: tensor<2x4x6x8xf32>, %bias: tensor<1x1x1x1xf32>) {
  // expected-error @below {{expected dimension 3 (Sk) of bias to be 6 as in key, got 1}}
  %0 = sprint.attention ins(%t, %t, %t : tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>)
      bias(%bias : tensor<1x1x1x1xf32>) outs(%t : tensor<2x4x6x8xf32>) scale(1.0) -> tensor<2x4x6x8xf32>
  return
}

// -----

func.func @empty_row(%t: tensor<2x4x6x8xf32>) {
  %0 = sprint.attention ins(%t, %t, %t : tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>)
      outs(%t : tensor<2x4x6x8xf32>) scale(1.0)
      // expected-error @below {{to be one of: zero, uniform, nan}}
      // expected-error @below {{failed to parse}}
      empty_row(mean) -> tensor<2x4x6x8xf32>
  return
}

// -----

func.func @quantize_bias(%bias: tensor<1x2x4x4xf32>, %step: tensor<3x2xf32>) {
  // expected-error @below {{expected dimension 0 (B) of codes to be 3 as in query_step, got 1}}
  %0 = sprint.quantize_bias %bias steps(%step, %step) scale(1.0)
      : tensor<1x2x4x4xf32>, tensor<3x2xf32>, tensor<3x2xf32> -> tensor<1x2x4x4xi32>
  return
}

// -----

func.func @fill_empty_rows(%v: tensor<1x2x4x8xf32>, %valid: tensor<1x5xi1>, %init: tensor<1x4x3x8xf32>) {
  // expected-error @below {{expected dimension 1 (Sk) of key_valid to be 4 as in value, got 5}}
  %0 = sprint.fill_empty_rows ins(%v : tensor<1x2x4x8xf32>) key_valid(%valid : tensor<1x5xi1>)
      outs(%init : tensor<1x4x3x8xf32>) empty_row(nan) -> tensor<1x4x3x8xf32>
  return
}

// -----

func.func @prune_masks(%a: tensor<1x8xi32>, %t: tensor<1xi32>, %i: tensor<1xindex>, %n: index, %mask: tensor<1x7xi1>) {
  // expected-error @below {{expected dimension 1 (Sk) of a mask to be 8 as in scores, got 7}}
  %0 = sprint.prune %a threshold(%t : tensor<1xi32>) queries(%i of %n : tensor<1xindex>) masks(%mask : tensor<1x7xi1>) : tensor<1x8xi32> -> tensor<1x8xi1>
  return
}

// -----

func.func @prune_thresholds(%a: tensor<2x8xi32>, %t: tensor<3xi32>, %i: tensor<2xindex>, %n: index) {
  // expected-error @below {{expected dimension 0 (B) of threshold to be 2 as in scores, got 3}}
  %0 = sprint.prune %a threshold(%t : tensor<3xi32>) queries(%i of %n : tensor<2xindex>) : tensor<2x8xi32> -> tensor<2x8xi1>
  return
}

// -----

func.func @prune_queries(%a: tensor<2x8xi32>, %t: tensor<2xi32>, %i: tensor<1xindex>, %n: index) {
  // expected-error @below {{expected dimension 0 (B) of queries to be 2 as in scores, got 1}}
  %0 = sprint.prune %a threshold(%t : tensor<2xi32>) queries(%i of %n : tensor<1xindex>) : tensor<2x8xi32> -> tensor<2x8xi1>
  return
}

// -----

func.func @prune_rows(%a: tensor<2x8xi32>, %t: tensor<2xi32>, %i: tensor<2xindex>, %n: index, %mask: tensor<3x8xi1>) {
  // expected-error @below {{expected dimension 0 (B) of a mask to be 1 or 2 as in scores, got 3}}
  %0 = sprint.prune %a threshold(%t : tensor<2xi32>) queries(%i of %n : tensor<2xindex>) masks(%mask : tensor<3x8xi1>) : tensor<2x8xi32> -> tensor<2x8xi1>
  return
}

// -----

func.func @prune_multiplier(%a: tensor<2x8xi32>, %t: tensor<2xi32>, %i: tensor<2xindex>, %n: index, %bias: tensor<1x8xi32>, %m: tensor<1xi64>, %s: tensor<2xi64>) {
  // expected-error @below {{expected dimension 0 (B) of multiplier to be 2 as in scores, got 1}}
  %0 = sprint.prune %a threshold(%t : tensor<2xi32>) queries(%i of %n : tensor<2xindex>)
      bias(%bias, %m, %s, %n : tensor<1x8xi32>, tensor<1xi64>, tensor<2xi64>) : tensor<2x8xi32> -> tensor<2x8xi1>
  return
}

// -----

func.func @allow_bias(%i: tensor<1xindex>, %n: index, %m: tensor<1xi64>, %bias: tensor<1x7xi32>) {
  // expected-error @below {{expected dimension 1 (Sk) of bias to be 8 as in kept, got 7}}
  %0 = sprint.allow keys(%n) queries(%i of %n : tensor<1xindex>)
      bias(%bias, %m, %m, %n : tensor<1x7xi32>, tensor<1xi64>, tensor<1xi64>) : tensor<1x8xi1>
  return
}

// -----

func.func @bias_alone(%i: tensor<1xindex>, %n: index, %m: tensor<1xi64>, %bias: tensor<1x8xi32>) {
  // expected-error @below {{expected multiplier, shift and channels where there is a bias, and only there}}
  %0 = "sprint.allow"(%n, %i, %n, %bias, %m, %m) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 1, 1, 1, 0>}>
      : (index, tensor<1xindex>, index, tensor<1x8xi32>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x8xi1>
  return
}

// -----

func.func @logit_type(%t: tensor<2x4x6x8xf32>) {
  // expected-error @below {{expected 'masked_logit' of f16, bf16 or f32, got 'f64'}}
  %0 = sprint.attention ins(%t, %t, %t : tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>)
      outs(%t : tensor<2x4x6x8xf32>) scale(0.5) masked_logit(-1.0e4 : f64) -> tensor<2x4x6x8xf32>
  return
}

// -----

func.func @logit_sign(%t: tensor<2x4x6x8xf32>) {
  // expected-error @below {{expected a negative 'masked_logit', got 1.000000e+04 : f32}}
  %0 = sprint.attention ins(%t, %t, %t : tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>)
      outs(%t : tensor<2x4x6x8xf32>) scale(0.5) masked_logit(1.0e4 : f32) -> tensor<2x4x6x8xf32>
  return
}

// -----

func.func @logit_nan(%t: tensor<2x4x6x8xf32>) {
  // expected-error @below {{expected a negative 'masked_logit', got 0x7E00 : f16}}
  %0 = sprint.attention ins(%t, %t, %t : tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>)
      outs(%t : tensor<2x4x6x8xf32>) scale(0.5) masked_logit(0x7E00 : f16) -> tensor<2x4x6x8xf32>
  return
}

// -----

func.func @logit_uniform(%t: tensor<2x4x6x8xf32>) {
  // expected-error @below {{expected 'empty_row' to be zero or nan beside 'masked_logit', got uniform}}
  %0 = sprint.attention ins(%t, %t, %t : tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>)
      outs(%t : tensor<2x4x6x8xf32>) scale(0.5) empty_row(uniform) masked_logit(-1.0e4 : f16) -> tensor<2x4x6x8xf32>
  return
}

// -----

func.func @logits_alone(%t: tensor<2x4x6x8xf32>) {
  // expected-error @below {{expected query, key and 'scale' where there is a 'masked_logit', and only there}}
  %0 = "sprint.fill_empty_rows"(%t, %t, %t, %t) <{empty_row = #sprint<empty_row nan>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 1>,
      scale = 0.5 : f64}> : (tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>) -> tensor<2x4x6x8xf32>
  return
}

// -----

func.func @logits_of_other_keys(%t: tensor<2x4x6x8xf32>, %k: tensor<2x4x7x8xf32>) {
  // expected-error @below {{expected dimension 2 (Sk) of value to be 7 as in key, got 6}}
  %0 = sprint.fill_empty_rows ins(%t : tensor<2x4x6x8xf32>) outs(%t : tensor<2x4x6x8xf32>) empty_row(nan)
      logits(%t, %k : tensor<2x4x6x8xf32>, tensor<2x4x7x8xf32>) scale(0.5) masked_logit(-1.0e4 : f16) -> tensor<2x4x6x8xf32>
  return
}

// -----

// expected-error @below {{expected arguments in the order query, key, value, threshold, multiplier, shift, key_valid, mask, bias, query_segments, key_segments, each once, got key_valid behind bias}}
sprint.program @argument_order(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>,
    bias %bias: tensor<1x1x4x4xi32>, key_valid %valid: tensor<1x4xi1>) -> tensor<1x1x4x8xi32> scale(0.125) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

// -----

// expected-error @below {{each once, got mask behind mask}}
sprint.program @argument_twice(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>,
    mask %mask: tensor<1x1x4x4xi1>, mask %again: tensor<1x1x4x4xi1>) -> tensor<1x1x4x8xi32> scale(0.125) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

// -----

sprint.program @masked(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>,
    mask %mask: tensor<1x1x4x4xi1>) -> tensor<1x1x4x8xi32> scale(0.125) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

func.func @launch_without_mask(%t: tensor<1x1x4x8xf32>) {
  // expected-error @below {{expected operand mask as @masked takes it, got none}}
  %0 = sprint.launch @masked ins(%t, %t, %t : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>) outs(%t : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  return
}

// -----

sprint.program @masked(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>,
    mask %mask: tensor<1x1x4x4xi1>) -> tensor<1x1x4x8xi32> scale(0.125) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

func.func @launch_with_bias(%t: tensor<1x1x4x8xf32>, %mask: tensor<1x1x4x4xi1>, %bias: tensor<1x1x4x4xf32>) {
  // expected-error @below {{expected no operand bias as @masked takes none, got one}}
  %0 = sprint.launch @masked ins(%t, %t, %t : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>)
      mask(%mask : tensor<1x1x4x4xi1>) bias(%bias : tensor<1x1x4x4xf32>) outs(%t : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  return
}

// -----

sprint.program @masked(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>,
    mask %mask: tensor<1x1x4x4xi1>) -> tensor<1x1x4x8xi32> scale(0.125) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

func.func @launch_mask_shape(%t: tensor<1x1x4x8xf32>, %mask: tensor<1x1x1x4xi1>) {
  // expected-error @below {{expected the shape of mask to agree with 'tensor<1x1x4x4xi1>' of @masked, got 'tensor<1x1x1x4xi1>'}}
  %0 = sprint.launch @masked ins(%t, %t, %t : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>)
      mask(%mask : tensor<1x1x1x4xi1>) outs(%t : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  return
}

// -----

func.func @attend_channels(%q: tensor<1x6x4x8xi8>, %k: tensor<1x2x5x9xi8>, %v: tensor<1x2x5x4xi8>, %t: tensor<1x6xi32>, %m: tensor<1x6xi64>, %init: tensor<1x6x4x4xi32>) {
  // expected-error @below {{expected dimension 3 (D) of key to be 8 as in query, got 9}}
  %r = sprint.attend query(%q : tensor<1x6x4x8xi8>) key(%k : tensor<1x2x5x9xi8>) value(%v : tensor<1x2x5x4xi8>) threshold(%t : tensor<1x6xi32>)
      multiplier(%m : tensor<1x6xi64>) shift(%m : tensor<1x6xi64>) outs(%init : tensor<1x6x4x4xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x6x4x4xi32>
  return
}

// -----

func.func @attend_keys(%q: tensor<1x6x4x8xi8>, %k: tensor<1x2x5x8xi8>, %v: tensor<1x2x6x4xi8>, %t: tensor<1x6xi32>, %m: tensor<1x6xi64>, %init: tensor<1x6x4x4xi32>) {
  // expected-error @below {{expected dimension 2 (Sk) of value to be 5 as in key, got 6}}
  %r = sprint.attend query(%q : tensor<1x6x4x8xi8>) key(%k : tensor<1x2x5x8xi8>) value(%v : tensor<1x2x6x4xi8>) threshold(%t : tensor<1x6xi32>)
      multiplier(%m : tensor<1x6xi64>) shift(%m : tensor<1x6xi64>) outs(%init : tensor<1x6x4x4xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x6x4x4xi32>
  return
}

// -----

func.func @attend_heads(%q: tensor<1x6x4x8xi8>, %k: tensor<1x4x5x8xi8>, %v: tensor<1x4x5x4xi8>, %t: tensor<1x6xi32>, %m: tensor<1x6xi64>, %init: tensor<1x6x4x4xi32>) {
  // expected-error @below {{expected the 6 heads of query to be a multiple of those of key, got 4}}
  %r = sprint.attend query(%q : tensor<1x6x4x8xi8>) key(%k : tensor<1x4x5x8xi8>) value(%v : tensor<1x4x5x4xi8>) threshold(%t : tensor<1x6xi32>)
      multiplier(%m : tensor<1x6xi64>) shift(%m : tensor<1x6xi64>) outs(%init : tensor<1x6x4x4xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x6x4x4xi32>
  return
}

// -----

func.func @attend_threshold(%q: tensor<1x6x4x8xi8>, %k: tensor<1x2x5x8xi8>, %v: tensor<1x2x5x4xi8>, %t: tensor<1x2xi32>, %m: tensor<1x6xi64>, %init: tensor<1x6x4x4xi32>) {
  // expected-error @below {{expected dimension 1 (H) of threshold to be 6 as in query, got 2}}
  %r = sprint.attend query(%q : tensor<1x6x4x8xi8>) key(%k : tensor<1x2x5x8xi8>) value(%v : tensor<1x2x5x4xi8>) threshold(%t : tensor<1x2xi32>)
      multiplier(%m : tensor<1x6xi64>) shift(%m : tensor<1x6xi64>) outs(%init : tensor<1x6x4x4xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x6x4x4xi32>
  return
}

// -----

func.func @attend_init(%q: tensor<1x6x4x8xi8>, %k: tensor<1x2x5x8xi8>, %v: tensor<1x2x5x4xi8>, %t: tensor<1x6xi32>, %m: tensor<1x6xi64>, %init: tensor<1x6x4x8xi32>) {
  // expected-error @below {{expected dimension 3 (Dv) of init to be 4 as in value, got 8}}
  %r = sprint.attend query(%q : tensor<1x6x4x8xi8>) key(%k : tensor<1x2x5x8xi8>) value(%v : tensor<1x2x5x4xi8>) threshold(%t : tensor<1x6xi32>)
      multiplier(%m : tensor<1x6xi64>) shift(%m : tensor<1x6xi64>) outs(%init : tensor<1x6x4x8xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x6x4x8xi32>
  return
}

// -----

func.func @attend_mask(%q: tensor<1x6x4x8xi8>, %k: tensor<1x2x5x8xi8>, %v: tensor<1x2x5x4xi8>, %t: tensor<1x6xi32>, %m: tensor<1x6xi64>, %mask: tensor<1x2x4x5xi1>, %init: tensor<1x6x4x4xi32>) {
  // expected-error @below {{expected dimension 1 (H) of mask to be 1 or 6 as in query, got 2}}
  %r = sprint.attend query(%q : tensor<1x6x4x8xi8>) key(%k : tensor<1x2x5x8xi8>) value(%v : tensor<1x2x5x4xi8>) threshold(%t : tensor<1x6xi32>)
      multiplier(%m : tensor<1x6xi64>) shift(%m : tensor<1x6xi64>) mask(%mask : tensor<1x2x4x5xi1>) outs(%init : tensor<1x6x4x4xi32>) select(pruned) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x6x4x4xi32>
  return
}

// -----

sprint.program @rows_none(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x1x4x8xi32>
  // expected-error @below {{expected as many steps as extents and at least one, got 0 and 0}}
  sprint.rows () to () step () schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [key]>) {
  }
  sprint.return %init : tensor<1x1x4x8xi32>
}

// -----

sprint.program @rows_steps(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x1x4x8xi32>
  // expected-error @below {{expected as many steps as extents and at least one, got 1 and 2}}
  sprint.rows (%i) to (batches, heads) step (1) schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [key]>) {
  }
  sprint.return %init : tensor<1x1x4x8xi32>
}

// -----

sprint.program @rows_step(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x1x4x8xi32>
  // expected-error @below {{expected steps of at least 1, got 0}}
  sprint.rows (%i) to (batches) step (0) schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [key]>) {
  }
  sprint.return %init : tensor<1x1x4x8xi32>
}

// -----

sprint.program @rows_counter(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x1x4x8xi32>
  // expected-error @below {{expected extents that read launch parameters alone, got #sprint_isa.expr<i0 + queries>}}
  sprint.rows (%i) to (queries + i0) step (1) schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [key]>) {
  }
  sprint.return %init : tensor<1x1x4x8xi32>
}

// -----

sprint.program @rows_counters(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x1x4x8xi32>
  // expected-error @below {{expected its body to take 2 counters, then tensors of the types of its inits}}
  sprint.rows (%i) to (batches, heads) step (1, 1) schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [key]>) {
  }
  sprint.return %init : tensor<1x1x4x8xi32>
}

// -----

sprint.program @rows_results(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x1x4x8xi32>
  %r = "sprint.rows"(%init) <{extents = [#sprint_isa.expr<queries>], steps = array<i64: 1>, schedule = #sprint.schedule<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [key]>}> ({
  ^bb0(%i: index, %codes: tensor<1x1x4x8xi32>):
    // expected-error @below {{expected operands of the types that 'sprint.rows' carries}}
    "sprint.yield"(%codes) : (tensor<1x1x4x8xi32>) -> ()
  }) : (tensor<1x1x4x8xi32>) -> tensor<1x1x5x8xi32>
  sprint.return %init : tensor<1x1x4x8xi32>
}

// -----

sprint.program @yield_types(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x1x4x8xi32>
  %r = sprint.rows (%i) to (queries) step (1) outs(%codes = %init : tensor<1x1x4x8xi32>) schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [key]>) {
    %other = tensor.empty() : tensor<1x1x5x8xi32>
    // expected-error @below {{expected operands of the types that 'sprint.rows' carries}}
    sprint.yield %other : tensor<1x1x5x8xi32>
  }
  sprint.return %init : tensor<1x1x4x8xi32>
}

// -----

sprint.program @yield_nothing(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>, threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x1x4x8xi32>
  %r = sprint.rows (%i) to (queries) step (1) outs(%codes = %init : tensor<1x1x4x8xi32>) schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [key]>) {
    // expected-error @below {{expected operands of the types that 'sprint.rows' carries}}
    sprint.yield
  }
  sprint.return %init : tensor<1x1x4x8xi32>
}

// -----

func.func @rows_in_function() {
  // expected-error @below {{expects parent op 'sprint.program'}}
  sprint.rows (%i) to (queries) step (1) schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [key]>) {
  }
  return
}

// -----

func.func @yield_in_function() {
  // expected-error @below {{expects parent op 'sprint.rows'}}
  sprint.yield
}
