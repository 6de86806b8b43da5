// RUN: sprint-opt %s | sprint-opt | FileCheck %s
// RUN: sprint-opt %s --mlir-print-op-generic | sprint-opt | FileCheck %s

// CHECK-LABEL: func @attention
// CHECK: sprint.attention ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<1x12x?x32xf32>, tensor<1x12x?x32xf32>, tensor<1x12x?x16xf32>)
// CHECK-SAME: outs(%{{.*}} : tensor<1x12x?x16xf32>) scale(0.17677669529663689) -> tensor<1x12x?x16xf32>
func.func @attention(%q: tensor<1x12x?x32xf32>, %k: tensor<1x12x?x32xf32>,
                     %v: tensor<1x12x?x16xf32>, %init: tensor<1x12x?x16xf32>)
    -> tensor<1x12x?x16xf32> {
  %0 = sprint.attention ins(%q, %k, %v : tensor<1x12x?x32xf32>, tensor<1x12x?x32xf32>, tensor<1x12x?x16xf32>)
                        outs(%init : tensor<1x12x?x16xf32>) scale(0.17677669529663689) -> tensor<1x12x?x16xf32>
  return %0 : tensor<1x12x?x16xf32>
}

// CHECK-LABEL: func @bands
// CHECK: band(<upper = 0>)
// CHECK: band(<lower = -127, upper = 0, align = end>) thresholds([1.500000e+00])
// CHECK: band(<lower = 3>) thresholds([0xFF800000, 2.500000e-01])
func.func @bands(%t: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %0 = sprint.attention ins(%t, %t, %t : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
         outs(%t : tensor<1x2x4x8xf32>) scale(0.1) band(#sprint.band<upper = 0>) -> tensor<1x2x4x8xf32>
  %1 = sprint.attention ins(%t, %t, %0 : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
         outs(%t : tensor<1x2x4x8xf32>) scale(0.1) band(<lower = -127, upper = 0, align = end>)
         thresholds([1.5]) -> tensor<1x2x4x8xf32>
  %2 = sprint.attention ins(%t, %t, %1 : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
         outs(%t : tensor<1x2x4x8xf32>) scale(0.1) band(<lower = 3>)
         thresholds([0xFF800000, 0.25]) -> tensor<1x2x4x8xf32>
  return %2 : tensor<1x2x4x8xf32>
}

// What restricts the keys, and what a query without any yields; zeros are not printed.
// CHECK-LABEL: func @masks
// CHECK: sprint.attention ins({{.*}}) key_valid(%{{.*}} : tensor<2x?xi1>) mask(%{{.*}} : tensor<1x1x?x?xi1>) bias(%{{.*}} : tensor<1x6x1x?xf32>)
// CHECK-SAME: outs(%{{.*}}) scale(5.000000e-01) band(<upper = 0>) empty_row(uniform) thresholds([0.000000e+00]) -> tensor<2x6x?x4xf32>
// CHECK: sprint.attention ins({{.*}}) bias(%{{.*}} : tensor<1x6x1x?xf32>) outs(%{{.*}}) scale(5.000000e-01) -> tensor<2x6x?x4xf32>
// CHECK: sprint.fill_empty_rows ins(%{{.*}} : tensor<2x2x?x4xf32>) key_valid(%{{.*}} : tensor<2x?xi1>) mask(%{{.*}} : tensor<1x1x?x?xi1>) bias(%{{.*}} : tensor<1x6x1x?xf32>)
// CHECK-SAME: outs(%{{.*}} : tensor<2x6x?x4xf32>) band(<upper = 0>) empty_row(nan) -> tensor<2x6x?x4xf32>
func.func @masks(%q: tensor<2x6x?x8xf32>, %k: tensor<2x2x?x8xf32>, %v: tensor<2x2x?x4xf32>, %valid: tensor<2x?xi1>,
    %mask: tensor<1x1x?x?xi1>, %bias: tensor<1x6x1x?xf32>, %init: tensor<2x6x?x4xf32>) -> tensor<2x6x?x4xf32> {
  %0 = sprint.attention ins(%q, %k, %v : tensor<2x6x?x8xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x4xf32>)
         key_valid(%valid : tensor<2x?xi1>) mask(%mask : tensor<1x1x?x?xi1>) bias(%bias : tensor<1x6x1x?xf32>)
         outs(%init : tensor<2x6x?x4xf32>) scale(0.5) band(<upper = 0>) empty_row(uniform) thresholds([0.0]) -> tensor<2x6x?x4xf32>
  %1 = sprint.attention ins(%q, %k, %v : tensor<2x6x?x8xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x4xf32>)
         bias(%bias : tensor<1x6x1x?xf32>) outs(%0 : tensor<2x6x?x4xf32>) scale(0.5) empty_row(zero) -> tensor<2x6x?x4xf32>
  %2 = sprint.fill_empty_rows ins(%v : tensor<2x2x?x4xf32>) key_valid(%valid : tensor<2x?xi1>) mask(%mask : tensor<1x1x?x?xi1>)
         bias(%bias : tensor<1x6x1x?xf32>) outs(%1 : tensor<2x6x?x4xf32>) band(<upper = 0>) empty_row(nan) -> tensor<2x6x?x4xf32>
  return %2 : tensor<2x6x?x4xf32>
}

// A name is printed first, and as a string where it has to be.
// CHECK-LABEL: func @names
// CHECK: sprint.attention @encoder.layer.3.self ins(
// CHECK: sprint.attention @"jit(main)/dot" ins(
func.func @names(%t: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %0 = sprint.attention @encoder.layer.3.self ins(%t, %t, %t : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
         outs(%t : tensor<1x2x4x8xf32>) scale(0.1) -> tensor<1x2x4x8xf32>
  %1 = sprint.attention @"jit(main)/dot" ins(%0, %t, %t : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
         outs(%t : tensor<1x2x4x8xf32>) scale(0.1) -> tensor<1x2x4x8xf32>
  return %1 : tensor<1x2x4x8xf32>
}

// CHECK-LABEL: func @masked_logits
// CHECK: sprint.attention {{.*}} empty_row(nan) masked_logit(-1.000000e+04 : f16) thresholds([0.000000e+00]) -> tensor<2x6x?x4xf32>
// CHECK: sprint.attention {{.*}} scale(5.000000e-01) masked_logit(0xFF800000 : f32) -> tensor<2x6x?x4xf32>
// CHECK: sprint.fill_empty_rows ins(%{{.*}} : tensor<2x2x?x4xf32>) outs(%{{.*}} : tensor<2x6x?x4xf32>) band(<upper = 0, align = end>) empty_row(zero)
// CHECK-SAME: logits(%{{.*}}, %{{.*}} : tensor<2x6x?x8xf32>, tensor<2x2x?x8xf32>) scale(5.000000e-01) masked_logit(-9.984000e+03 : bf16) -> tensor<2x6x?x4xf32>
func.func @masked_logits(%q: tensor<2x6x?x8xf32>, %k: tensor<2x2x?x8xf32>, %v: tensor<2x2x?x4xf32>, %valid: tensor<2x?xi1>,
    %init: tensor<2x6x?x4xf32>) -> tensor<2x6x?x4xf32> {
  %0 = sprint.attention ins(%q, %k, %v : tensor<2x6x?x8xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x4xf32>) key_valid(%valid : tensor<2x?xi1>)
         outs(%init : tensor<2x6x?x4xf32>) scale(0.5) empty_row(nan) masked_logit(-1.0e4 : f16) thresholds([0.0]) -> tensor<2x6x?x4xf32>
  %1 = sprint.attention ins(%q, %k, %v : tensor<2x6x?x8xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x4xf32>) key_valid(%valid : tensor<2x?xi1>)
         outs(%0 : tensor<2x6x?x4xf32>) scale(0.5) masked_logit(0xFF800000 : f32) -> tensor<2x6x?x4xf32>
  %2 = sprint.fill_empty_rows ins(%v : tensor<2x2x?x4xf32>) outs(%1 : tensor<2x6x?x4xf32>) band(<upper = 0, align = end>) empty_row(zero)
         logits(%q, %k : tensor<2x6x?x8xf32>, tensor<2x2x?x8xf32>) scale(0.5) masked_logit(-1.0e4 : bf16) -> tensor<2x6x?x4xf32>
  return %2 : tensor<2x6x?x4xf32>
}

// CHECK-LABEL: func @masked_blocks
// CHECK: sprint.quantize_bias %{{.*}} steps(%{{.*}}, %{{.*}}) scale(5.000000e-01) : tensor<1x6x1x?xf32>, tensor<2x6xf32>, tensor<2x2xf32> -> tensor<2x6x1x?xi32>
// CHECK: sprint.prune {{.*}} band(<upper = 0>) masks(%{{.*}}, %{{.*}} : tensor<1x?xi1>, tensor<3x?xi1>) bias(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<1x?xi32>, tensor<3xi64>, tensor<3xi64>) : tensor<3x?xi32> -> tensor<3x?xi1>
// CHECK: sprint.allow {{.*}} masks(%{{.*}} : tensor<1x?xi1>) : tensor<3x?xi1>
func.func @masked_blocks(%bias: tensor<1x6x1x?xf32>, %q: tensor<2x6xf32>, %k: tensor<2x2xf32>, %a: tensor<3x?xi32>, %t: tensor<3xi32>,
    %i: tensor<3xindex>, %n: index, %b: tensor<1x?xi32>, %m: tensor<3xi64>, %valid: tensor<1x?xi1>, %mask: tensor<3x?xi1>) -> tensor<2x6x1x?xi32> {
  %codes = sprint.quantize_bias %bias steps(%q, %k) scale(0.5) : tensor<1x6x1x?xf32>, tensor<2x6xf32>, tensor<2x2xf32> -> tensor<2x6x1x?xi32>
  %kept = sprint.prune %a threshold(%t : tensor<3xi32>) queries(%i of %n : tensor<3xindex>) band(<upper = 0>)
         masks(%valid, %mask : tensor<1x?xi1>, tensor<3x?xi1>)
         bias(%b, %m, %m, %n : tensor<1x?xi32>, tensor<3xi64>, tensor<3xi64>) : tensor<3x?xi32> -> tensor<3x?xi1>
  %allowed = sprint.allow keys(%n) queries(%i of %n : tensor<3xindex>) masks(%valid : tensor<1x?xi1>) : tensor<3x?xi1>
  return %codes : tensor<2x6x1x?xi32>
}

// The smallest and the largest scale, and one that six digits do not tell from its neighbours.
// CHECK-LABEL: func @scales
// CHECK: scale(7.8886090522101181E-31)
// CHECK: scale(1.2676506002282294E+30)
// CHECK: scale(0.30000000000000004)
func.func @scales(%t: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %0 = sprint.attention ins(%t, %t, %t : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
         outs(%t : tensor<1x2x4x8xf32>) scale(7.888609052210118e-31) -> tensor<1x2x4x8xf32>
  %1 = sprint.attention ins(%t, %t, %0 : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
         outs(%t : tensor<1x2x4x8xf32>) scale(1.2676506002282294e+30) -> tensor<1x2x4x8xf32>
  %2 = sprint.attention ins(%t, %t, %1 : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
         outs(%t : tensor<1x2x4x8xf32>) scale(0.30000000000000004) -> tensor<1x2x4x8xf32>
  return %2 : tensor<1x2x4x8xf32>
}

// CHECK-LABEL: func @quantize
// CHECK: sprint.quantize %{{.*}} nibble(centred) : tensor<1x12x?x32xf32> -> tensor<1x12x?x32xi8>, tensor<1x12xf32>
// CHECK: sprint.quantize %{{.*}} nibble(truncated) : tensor<1x12x?x32xf32> -> tensor<1x12x?x32xi8>, tensor<1x12xf32>
func.func @quantize(%t: tensor<1x12x?x32xf32>) -> (tensor<1x12x?x32xi8>, tensor<1x12xf32>) {
  %codes, %step = sprint.quantize %t nibble(centred) : tensor<1x12x?x32xf32> -> tensor<1x12x?x32xi8>, tensor<1x12xf32>
  %other, %unused = sprint.quantize %t nibble(truncated) : tensor<1x12x?x32xf32> -> tensor<1x12x?x32xi8>, tensor<1x12xf32>
  return %other, %step : tensor<1x12x?x32xi8>, tensor<1x12xf32>
}

// CHECK-LABEL: func @parameters
// CHECK: sprint.parameters %{{.*}}, %{{.*}} scale(1.250000e-01) : tensor<1x2xf32>, tensor<1x2xf32> -> tensor<1x2xi32>, tensor<1x2xi64>, tensor<1x2xi64>
// CHECK: sprint.parameters %{{.*}}, %{{.*}} scale(1.250000e-01) thresholds([1.500000e+00]) :
func.func @parameters(%q: tensor<1x2xf32>, %k: tensor<1x2xf32>) -> (tensor<1x2xi32>, tensor<1x2xi64>) {
  %t, %m, %s = sprint.parameters %q, %k scale(0.125)
      : tensor<1x2xf32>, tensor<1x2xf32> -> tensor<1x2xi32>, tensor<1x2xi64>, tensor<1x2xi64>
  %t1, %m1, %s1 = sprint.parameters %q, %k scale(0.125) thresholds([1.5])
      : tensor<1x2xf32>, tensor<1x2xf32> -> tensor<1x2xi32>, tensor<1x2xi64>, tensor<1x2xi64>
  return %t1, %m : tensor<1x2xi32>, tensor<1x2xi64>
}

// CHECK-LABEL: func @dequantize
// CHECK: sprint.dequantize ins(%{{.*}}, %{{.*}} : tensor<1x12x?x32xi32>, tensor<1x12xf32>) outs(%{{.*}} : tensor<1x12x?x32xf32>) -> tensor<1x12x?x32xf32>
func.func @dequantize(%codes: tensor<1x12x?x32xi32>, %step: tensor<1x12xf32>,
                      %init: tensor<1x12x?x32xf32>) -> tensor<1x12x?x32xf32> {
  %0 = sprint.dequantize ins(%codes, %step : tensor<1x12x?x32xi32>, tensor<1x12xf32>)
                         outs(%init : tensor<1x12x?x32xf32>) -> tensor<1x12x?x32xf32>
  return %0 : tensor<1x12x?x32xf32>
}

// CHECK-LABEL: func @block
// CHECK: sprint.crossbar_score ins(%{{.*}}, %{{.*}} : tensor<1x64xi8>, tensor<?x64xi8>) outs(%{{.*}} : tensor<1x?xi32>) nibble(centred) -> tensor<1x?xi32>
// CHECK: sprint.prune %{{.*}} threshold(%{{.*}} : tensor<1xi32>) queries(%{{.*}} of %{{.*}} : tensor<1xindex>) : tensor<1x?xi32> -> tensor<1x?xi1>
// CHECK: sprint.prune %{{.*}} threshold(%{{.*}} : tensor<1xi32>) queries(%{{.*}} of %{{.*}} : tensor<1xindex>) band(<upper = 0>) : tensor<1x?xi32> -> tensor<1x?xi1>
// CHECK: sprint.allow keys(%{{.*}}) queries(%{{.*}} of %{{.*}} : tensor<?xindex>) : tensor<?x?xi1>
// CHECK: sprint.allow keys(%{{.*}}) queries(%{{.*}} of %{{.*}} : tensor<1xindex>) band(<upper = 0>) : tensor<1x?xi1>
// CHECK: sprint.gather %{{.*}} : tensor<1x?xi1> -> tensor<?xindex>, tensor<1x?xi1>
// CHECK: sprint.recompute ins(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<1x64xi8>, tensor<?x64xi8>, tensor<?x32xi8>, tensor<?xindex>, tensor<1x?xi1>, tensor<1xi64>, tensor<1xi64>)
// CHECK-SAME: outs(%{{.*}} : tensor<1x32xi32>) widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x32xi32>
// CHECK: widths(<exponent_fraction = 8, sum = 16, probability = 8, accumulator = 16>) -> tensor<1x32xi32>
func.func @block(%q: tensor<1x64xi8>, %k: tensor<?x64xi8>, %v: tensor<?x32xi8>, %zero: tensor<1x?xi32>,
                 %init: tensor<1x32xi32>, %t: tensor<1xi32>, %m: tensor<1xi64>, %s: tensor<1xi64>, %i: tensor<1xindex>,
                 %some: tensor<?xindex>, %n: index)
    -> tensor<1x32xi32> {
  %a = sprint.crossbar_score ins(%q, %k : tensor<1x64xi8>, tensor<?x64xi8>) outs(%zero : tensor<1x?xi32>)
         nibble(centred) -> tensor<1x?xi32>
  %all = sprint.prune %a threshold(%t : tensor<1xi32>) queries(%i of %n : tensor<1xindex>) : tensor<1x?xi32> -> tensor<1x?xi1>
  %kept = sprint.prune %a threshold(%t : tensor<1xi32>) queries(%i of %n : tensor<1xindex>) band(#sprint.band<upper = 0>)
      : tensor<1x?xi32> -> tensor<1x?xi1>
  %every = sprint.allow keys(%n) queries(%some of %n : tensor<?xindex>) : tensor<?x?xi1>
  %causal = sprint.allow keys(%n) queries(%i of %n : tensor<1xindex>) band(<upper = 0>) : tensor<1x?xi1>
  %indices, %owners = sprint.gather %kept : tensor<1x?xi1> -> tensor<?xindex>, tensor<1x?xi1>
  %r0 = sprint.recompute ins(%q, %k, %v, %indices, %owners, %m, %s
          : tensor<1x64xi8>, tensor<?x64xi8>, tensor<?x32xi8>, tensor<?xindex>, tensor<1x?xi1>, tensor<1xi64>, tensor<1xi64>)
        outs(%init : tensor<1x32xi32>)
        widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x32xi32>
  %r1 = sprint.recompute ins(%q, %k, %v, %indices, %owners, %m, %s
          : tensor<1x64xi8>, tensor<?x64xi8>, tensor<?x32xi8>, tensor<?xindex>, tensor<1x?xi1>, tensor<1xi64>, tensor<1xi64>)
        outs(%r0 : tensor<1x32xi32>)
        widths(<exponent_fraction = 8, sum = 16, probability = 8, accumulator = 16>) -> tensor<1x32xi32>
  return %r1 : tensor<1x32xi32>
}

// CHECK-LABEL: sprint.program @attention_0(
// CHECK-SAME: query %[[Q:.*]]: tensor<1x1x4x8xi8>, key %{{.*}}: tensor<1x1x4x8xi8>, value %{{.*}}: tensor<1x1x4x8xi8>,
// CHECK-SAME: threshold %{{.*}}: tensor<1x1xi32>, multiplier %{{.*}}: tensor<1x1xi64>, shift %{{.*}}: tensor<1x1xi64>) -> tensor<1x1x4x8xi32>
// CHECK-SAME: scale(1.250000e-01) thresholds([5.000000e-01]) {
// CHECK: sprint.return %{{.*}} : tensor<1x1x4x8xi32>
sprint.program @attention_0(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>,
    threshold %threshold: tensor<1x1xi32>, multiplier %multiplier: tensor<1x1xi64>, shift %shift: tensor<1x1xi64>)
    -> tensor<1x1x4x8xi32> scale(0.125) thresholds([0.5]) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

// Arguments are told apart by their names, and carry attributes.
// CHECK-LABEL: sprint.program @all(query
// CHECK-SAME: shift %shift: tensor<1x2xi64>, key_valid %key_valid: tensor<1x?xi1> {bufferization.access = "read"}, mask %mask: tensor<1x1x?x?xi1>,
// CHECK-SAME: bias %bias: tensor<1x2x1x?xi32>) -> tensor<1x2x?x8xi32> scale(1.250000e-01) attributes {sym_visibility = "nested"} {
sprint.program @all(query %q: tensor<1x2x?x8xi8>, key %k: tensor<1x1x?x8xi8>, value %v: tensor<1x1x?x8xi8>,
    threshold %t: tensor<1x2xi32>, multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>,
    key_valid %kv: tensor<1x?xi1> {bufferization.access = "read"}, mask %mask: tensor<1x1x?x?xi1>, bias %b: tensor<1x2x1x?xi32>)
    -> tensor<1x2x?x8xi32> scale(0.125) attributes {sym_visibility = "nested"} {
  %n = arith.constant 4 : index
  %r = tensor.empty(%n) : tensor<1x2x?x8xi32>
  sprint.return %r : tensor<1x2x?x8xi32>
}

// CHECK-LABEL: func @launch
// CHECK: sprint.launch @attention_0 ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<1x1x4x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x4x8xf32>)
// CHECK-SAME: outs(%{{.*}} : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
func.func @launch(%t: tensor<1x1x4x8xf32>, %k: tensor<1x1x?x8xf32>) -> tensor<1x1x4x8xf32> {
  %0 = sprint.launch @attention_0 ins(%t, %k, %t : tensor<1x1x4x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x4x8xf32>)
                                  outs(%t : tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32>
  return %0 : tensor<1x1x4x8xf32>
}

// CHECK-LABEL: sprint.program @attend(
// CHECK: sprint.attend query(%query : tensor<1x6x?x8xi8>) key(%key : tensor<1x2x?x8xi8>) value(%value : tensor<1x2x?x4xi8>) threshold(%threshold : tensor<1x6xi32>)
// CHECK-SAME: multiplier(%multiplier : tensor<1x6xi64>) shift(%shift : tensor<1x6xi64>) key_valid(%key_valid : tensor<1x?xi1>) mask(%mask : tensor<1x1x?x?xi1>)
// CHECK-SAME: bias(%bias : tensor<1x6x1x?xi32>) outs(%{{.*}} : tensor<1x6x?x4xi32>) select(pruned) band(<upper = 0>) nibble(centred)
// CHECK-SAME: widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
// CHECK-SAME: schedule(<heads = 3, queries = 2, ahead = 0, residency = pinned, writes = [key, value, query, key_valid, mask, bias]>) -> tensor<1x6x?x4xi32>
// CHECK: sprint.attend {{.*}} shift(%shift : tensor<1x6xi64>) outs(%{{.*}}) select(all) nibble(truncated) widths(<{{[^>]*}}>) -> tensor<1x6x?x4xi32>
sprint.program @attend(query %q: tensor<1x6x?x8xi8>, key %k: tensor<1x2x?x8xi8>, value %v: tensor<1x2x?x4xi8>, threshold %t: tensor<1x6xi32>,
    multiplier %m: tensor<1x6xi64>, shift %s: tensor<1x6xi64>, key_valid %valid: tensor<1x?xi1>, mask %mask: tensor<1x1x?x?xi1>,
    bias %bias: tensor<1x6x1x?xi32>) -> tensor<1x6x?x4xi32> scale(0.125) {
  %n = arith.constant 5 : index
  %init = tensor.empty(%n) : tensor<1x6x?x4xi32>
  %r = sprint.attend query(%q : tensor<1x6x?x8xi8>) key(%k : tensor<1x2x?x8xi8>) value(%v : tensor<1x2x?x4xi8>) threshold(%t : tensor<1x6xi32>)
      multiplier(%m : tensor<1x6xi64>) shift(%s : tensor<1x6xi64>) key_valid(%valid : tensor<1x?xi1>) mask(%mask : tensor<1x1x?x?xi1>)
      bias(%bias : tensor<1x6x1x?xi32>) outs(%init : tensor<1x6x?x4xi32>) select(pruned) band(<upper = 0>) nibble(centred)
      widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
      schedule(<heads = 3, queries = 2, ahead = 0, residency = pinned, writes = [key, value, query, key_valid, mask, bias]>) -> tensor<1x6x?x4xi32>
  %all = sprint.attend query(%q : tensor<1x6x?x8xi8>) key(%k : tensor<1x2x?x8xi8>) value(%v : tensor<1x2x?x4xi8>) threshold(%t : tensor<1x6xi32>)
      multiplier(%m : tensor<1x6xi64>) shift(%s : tensor<1x6xi64>) outs(%r : tensor<1x6x?x4xi32>) select(all) nibble(truncated)
      widths(<exponent_fraction = 8, sum = 16, probability = 8, accumulator = 16>) -> tensor<1x6x?x4xi32>
  sprint.return %all : tensor<1x6x?x4xi32>
}

// Loops carry tensors, or none; then nothing is printed of how the body ends.
// CHECK-LABEL: sprint.program @rows(
// CHECK: %[[R:.*]]:2 = sprint.rows (%[[B:.*]], %[[I:.*]]) to (batches, min(queries, keys - 1)) step (1, 2) outs(%[[C:.*]] = %[[INIT:.*]] : tensor<1x1x4x8xi32>, %[[D:.*]] = %[[INIT]] : tensor<1x1x4x8xi32>)
// CHECK-SAME: schedule(<heads = 1, queries = 2, ahead = 1, residency = previous_query, writes = []>) {
// CHECK-NEXT: sprint.yield %[[D]], %[[C]] : tensor<1x1x4x8xi32>, tensor<1x1x4x8xi32>
// CHECK-NEXT: }
// CHECK-NEXT: sprint.rows (%{{.*}}) to (1) step (1) schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [bias]>) attributes {note = "none"} {
// CHECK-NEXT: }
// CHECK-NEXT: sprint.return %[[R]]#1
sprint.program @rows(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>,
    threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>) -> tensor<1x1x4x8xi32> scale(0.125) {
  %init = tensor.empty() : tensor<1x1x4x8xi32>
  %r:2 = sprint.rows (%b, %i) to (batches, min(queries, keys - 1)) step (1, 2) outs(%c = %init : tensor<1x1x4x8xi32>, %d = %init : tensor<1x1x4x8xi32>)
      schedule(<heads = 1, queries = 2, ahead = 1, residency = previous_query, writes = []>) {
    sprint.yield %d, %c : tensor<1x1x4x8xi32>, tensor<1x1x4x8xi32>
  }
  sprint.rows (%i) to (1) step (1) schedule(<heads = 1, queries = 1, ahead = 1, residency = pinned, writes = [bias]>) attributes {note = "none"} {
  }
  sprint.return %r#1 : tensor<1x1x4x8xi32>
}

// CHECK: func.func private @schedule() attributes {test.schedule = #sprint.schedule<heads = 1, queries = 1, ahead = 1, residency = previous_query, writes = [query, key, value]>
func.func private @schedule() attributes {test.schedule = #sprint.schedule<heads = 1, queries = 1, ahead = 1, residency = previous_query, writes = [query, key, value]>}
