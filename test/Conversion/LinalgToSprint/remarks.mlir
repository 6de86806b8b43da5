// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s

// Exponentials between two products that are no attention, or none that is raised: one remark for each, and none where there
// is nothing like an attention.
// CHECK-NOT: sprint.attention

!q = tensor<2x8x4xf32>
!s = tensor<2x8x8xf32>
!r = tensor<2x8xf32>
!h = tensor<2x8x16xf32>

#id = affine_map<(b, i, j) -> (b, i, j)>
#row = affine_map<(b, i, j) -> (b, i)>
#query = affine_map<(b, i, j, c) -> (b, i, c)>
#key = affine_map<(b, i, j, c) -> (b, j, c)>
#weight = affine_map<(b, i, j, c) -> (c, j)>
#scores = affine_map<(b, i, j, c) -> (b, i, j)>
#element = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
#element_and_row = {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}

// The products with the values add up over two blocks of keys, each rescaled to the maximum so far.
func.func @online_recurrence(%q: !q, %k: !q, %v: !q, %before: !q,
                             %max_before: !r, %sum_before: !r) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %e = tensor.empty() : !s
  %er = tensor.empty() : !r
  %eo = tensor.empty() : !q
  %s = linalg.contract indexing_maps = [#query, #key, #scores] ins(%q, %k : !q, !q) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%max_before : !r) dimensions = [2]
  %down = linalg.sub ins(%max_before, %max : !r, !r) outs(%er : !r) -> !r
  %factor = linalg.exp ins(%down : !r) outs(%er : !r) -> !r
  %sum_start = linalg.mul ins(%sum_before, %factor : !r, !r) outs(%er : !r) -> !r
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %d = arith.subf %a0, %a1 : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%sum_start : !r) dimensions = [2]
  %start = linalg.generic #element_and_row ins(%before, %factor : !q, !r) outs(%eo : !q) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %y = arith.mulf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> !q
  // expected-remark @below {{attention not raised: the contraction with the values does not start from zero, as in an online recurrence over blocks of keys}}
  %product = linalg.batch_matmul ins(%exp, %v : !s, !q) outs(%start : !q) -> !q
  %o = linalg.generic #element_and_row ins(%product, %sum : !q, !r) outs(%eo : !q) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %y = arith.divf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> !q
  return %o : !q
}

func.func @dropout_multiplied(%q: !q, %k: !q, %v: !q, %kept: !s) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#query, #key, #scores] ins(%q, %k : !q, !q) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %dropped = linalg.mul ins(%p, %kept : !s, !s) outs(%e : !s) -> !s
  // expected-remark @below {{attention not raised: the probabilities are multiplied with a tensor that differs from key to key, as random dropout does}}
  %o = linalg.batch_matmul ins(%dropped, %v : !s, !q) outs(%zero_out : !q) -> !q
  return %o : !q
}

func.func @dropout_selected(%q: !q, %k: !q, %v: !q, %kept: tensor<2x8x8xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#query, #key, #scores] ins(%q, %k : !q, !q) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %dropped = linalg.select ins(%kept, %p, %zeros : tensor<2x8x8xi1>, !s, !s) outs(%e : !s) -> !s
  // expected-remark @below {{attention not raised: the probabilities of other keys than the masked ones are replaced by zero}}
  %o = linalg.batch_matmul ins(%dropped, %v : !s, !q) outs(%zero_out : !q) -> !q
  return %o : !q
}

// A mask of what is far below the largest score.
func.func @mask_of_the_scores(%q: !q, %k: !q, %v: !q) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %lowest = arith.constant dense<0xFF800000> : !r
  %ninf = arith.constant 0xFF800000 : f32
  %two = arith.constant 2.0 : f32
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#query, #key, #scores] ins(%q, %k : !q, !q) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %x = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %d = arith.subf %a1, %a0 : f32
    %far = arith.cmpf ogt, %d, %two : f32
    %y = arith.select %far, %ninf, %a0 : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(2) ins(%x : !s) outs(%e : !s) -> !s
  // expected-remark @below {{attention not raised: what is added to the scores, or masks them, is computed from them}}
  %o = linalg.batch_matmul ins(%p, %v : !s, !q) outs(%zero_out : !q) -> !q
  return %o : !q
}

// A bias that is the transposed scores.
func.func @bias_of_the_scores(%q: !q, %k: !q, %v: !q) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#query, #key, #scores] ins(%q, %k : !q, !q) outs(%zeros : !s) -> !s
  %t = linalg.transpose ins(%s : !s) outs(%e : !s) permutation = [0, 2, 1]
  %x = linalg.add ins(%s, %t : !s, !s) outs(%e : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%x : !s) outs(%e : !s) -> !s
  // expected-remark @below {{attention not raised: what is added to the scores, or masks them, is computed from them}}
  %o = linalg.batch_matmul ins(%p, %v : !s, !q) outs(%zero_out : !q) -> !q
  return %o : !q
}

// The sum is one over the first four keys.
func.func @sum_over_some_keys(%q: !q, %k: !q, %v: !q) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#query, #key, #scores] ins(%q, %k : !q, !q) outs(%zeros : !s) -> !s
  %exp = linalg.exp ins(%s : !s) outs(%e : !s) -> !s
  %some = tensor.extract_slice %exp[0, 0, 0] [2, 8, 4] [1, 1, 1] : !s to !q
  %sum = linalg.reduce { arith.addf } ins(%some : !q) outs(%zero_row : !r) dimensions = [2]
  %p = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %y = arith.divf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> !s
  // expected-remark @below {{attention not raised: the exponentials are divided by something else than their sum over the keys, such as a sum with attention sinks}}
  %o = linalg.batch_matmul ins(%p, %v : !s, !q) outs(%zero_out : !q) -> !q
  return %o : !q
}

// The sum is one of exponentials of other scores.
func.func @sum_of_another_product(%q: !q, %k: !q, %v: !q) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#query, #key, #scores] ins(%q, %k : !q, !q) outs(%zeros : !s) -> !s
  %t = linalg.contract indexing_maps = [#query, #key, #scores] ins(%q, %v : !q, !q) outs(%zeros : !s) -> !s
  %exp = linalg.exp ins(%s : !s) outs(%e : !s) -> !s
  %other = linalg.exp ins(%t : !s) outs(%e : !s) -> !s
  %sum = linalg.reduce { arith.addf } ins(%other : !s) outs(%zero_row : !r) dimensions = [2]
  %p = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %y = arith.divf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> !s
  // expected-remark @below {{attention not raised: the denominator is not the sum of the numerators over the keys}}
  %o = linalg.batch_matmul ins(%p, %v : !s, !q) outs(%zero_out : !q) -> !q
  return %o : !q
}

// Two contractions read one exponential: one remark.
func.func @exponential_read_twice(%q: !q, %k: !q, %v: !q) -> (!q, !q) {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#query, #key, #scores] ins(%q, %k : !q, !q) outs(%zeros : !s) -> !s
  %exp = linalg.exp ins(%s : !s) outs(%e : !s) -> !s
  // expected-remark @below {{attention not raised: nothing divides the exponentials by their sum over the keys}}
  %o = linalg.batch_matmul ins(%exp, %v : !s, !q) outs(%zero_out : !q) -> !q
  %r = linalg.batch_matmul ins(%exp, %k : !s, !q) outs(%zero_out : !q) -> !q
  return %o, %r : !q, !q
}

// Sigmoid attention of named ops.
func.func @named_sigmoid(%q: !q, %k: !q, %v: !q) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %ones = arith.constant dense<1.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#query, #key, #scores] ins(%q, %k : !q, !q) outs(%zeros : !s) -> !s
  %n = linalg.negf ins(%s : !s) outs(%e : !s) -> !s
  %exp = linalg.exp ins(%n : !s) outs(%e : !s) -> !s
  %d = linalg.add ins(%exp, %ones : !s, !s) outs(%e : !s) -> !s
  %p = linalg.reciprocal ins(%d : !s) outs(%e : !s) -> !s
  // expected-remark @below {{attention not raised: the probabilities are not exp(x - c) over its sum over the keys}}
  %o = linalg.batch_matmul ins(%p, %v : !s, !q) outs(%zero_out : !q) -> !q
  return %o : !q
}

// A gated perceptron, whose exponential stands between products with weights: nothing to remark.
func.func @gated_perceptron(%x: !q, %up: tensor<4x16xf32>, %gate: tensor<4x16xf32>, %down: tensor<16x4xf32>) -> !q {
  %one = arith.constant 1.0 : f32
  %zeros = arith.constant dense<0.0> : !h
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !h
  %g = linalg.contract indexing_maps = [#query, #weight, #scores] ins(%x, %gate : !q, tensor<4x16xf32>) outs(%zeros : !h) -> !h
  %u = linalg.contract indexing_maps = [#query, #weight, #scores] ins(%x, %up : !q, tensor<4x16xf32>) outs(%zeros : !h) -> !h
  %silu = linalg.generic #element ins(%g : !h) outs(%e : !h) {
  ^bb0(%a0: f32, %out: f32):
    %n = arith.negf %a0 : f32
    %exp = math.exp %n : f32
    %d = arith.addf %exp, %one : f32
    %y = arith.divf %a0, %d : f32
    linalg.yield %y : f32
  } -> !h
  %h = linalg.mul ins(%silu, %u : !h, !h) outs(%e : !h) -> !h
  %o = linalg.contract indexing_maps = [#query, #weight, #scores] ins(%h, %down : !h, tensor<16x4xf32>) outs(%zero_out : !q) -> !q
  return %o : !q
}

// The same with weights repeated for the batch, and the exponential in ops of its own.
func.func @gate_of_named_ops(%x: !q, %gate: tensor<4x16xf32>, %down: tensor<16x4xf32>) -> !q {
  %ones = arith.constant dense<1.0> : !h
  %zeros = arith.constant dense<0.0> : !h
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !h
  %eg = tensor.empty() : tensor<2x4x16xf32>
  %ed = tensor.empty() : tensor<2x16x4xf32>
  %gates = linalg.broadcast ins(%gate : tensor<4x16xf32>) outs(%eg : tensor<2x4x16xf32>) dimensions = [0]
  %downs = linalg.broadcast ins(%down : tensor<16x4xf32>) outs(%ed : tensor<2x16x4xf32>) dimensions = [0]
  %g = linalg.batch_matmul ins(%x, %gates : !q, tensor<2x4x16xf32>) outs(%zeros : !h) -> !h
  %n = linalg.negf ins(%g : !h) outs(%e : !h) -> !h
  %exp = linalg.exp ins(%n : !h) outs(%e : !h) -> !h
  %d = linalg.add ins(%exp, %ones : !h, !h) outs(%e : !h) -> !h
  %h = linalg.div ins(%g, %d : !h, !h) outs(%e : !h) -> !h
  %o = linalg.batch_matmul ins(%h, %downs : !h, tensor<2x16x4xf32>) outs(%zero_out : !q) -> !q
  return %o : !q
}

// A classifier: its softmax is the last op.
func.func @softmax_at_the_end(%x: !q, %w: tensor<4x16xf32>) -> !h {
  %zeros = arith.constant dense<0.0> : !h
  %e = tensor.empty() : !h
  %s = linalg.contract indexing_maps = [#query, #weight, #scores] ins(%x, %w : !q, tensor<4x16xf32>) outs(%zeros : !h) -> !h
  %p = linalg.softmax dimension(2) ins(%s : !h) outs(%e : !h) -> !h
  return %p : !h
}

// Keys of an image whose columns stand before its rows, while the values have them the other way round.
func.func @keys_in_another_order(%q: tensor<2x8x4xf32>, %k: tensor<2x8x2x4xf32>, %v: tensor<2x2x8x6xf32>) -> tensor<2x8x6xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x8x2x8xf32>
  %zero_row = arith.constant dense<0.0> : tensor<2x8xf32>
  %zero_out = arith.constant dense<0.0> : tensor<2x8x6xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x8xf32>
  %e = tensor.empty() : tensor<2x8x2x8xf32>
  %s = linalg.contract indexing_maps = [affine_map<(b, i, y, x, c) -> (b, i, c)>, affine_map<(b, i, y, x, c) -> (b, x, y, c)>,
                                       affine_map<(b, i, y, x, c) -> (b, i, y, x)>]
      ins(%q, %k : tensor<2x8x4xf32>, tensor<2x8x2x4xf32>) outs(%zeros : tensor<2x8x2x8xf32>) -> tensor<2x8x2x8xf32>
  %max = linalg.reduce { arith.maximumf } ins(%s : tensor<2x8x2x8xf32>) outs(%lowest : tensor<2x8xf32>) dimensions = [2, 3]
  %maxes = linalg.broadcast ins(%max : tensor<2x8xf32>) outs(%e : tensor<2x8x2x8xf32>) dimensions = [2, 3]
  %shifted = linalg.sub ins(%s, %maxes : tensor<2x8x2x8xf32>, tensor<2x8x2x8xf32>) outs(%e : tensor<2x8x2x8xf32>) -> tensor<2x8x2x8xf32>
  %exp = linalg.exp ins(%shifted : tensor<2x8x2x8xf32>) outs(%e : tensor<2x8x2x8xf32>) -> tensor<2x8x2x8xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<2x8x2x8xf32>) outs(%zero_row : tensor<2x8xf32>) dimensions = [2, 3]
  %sums = linalg.broadcast ins(%sum : tensor<2x8xf32>) outs(%e : tensor<2x8x2x8xf32>) dimensions = [2, 3]
  %p = linalg.div ins(%exp, %sums : tensor<2x8x2x8xf32>, tensor<2x8x2x8xf32>) outs(%e : tensor<2x8x2x8xf32>) -> tensor<2x8x2x8xf32>
  // expected-remark @below {{attention not raised: the dimensions of the keys do not follow one another}}
  %o = linalg.contract indexing_maps = [affine_map<(b, i, y, x, c) -> (b, i, y, x)>, affine_map<(b, i, y, x, c) -> (b, y, x, c)>,
                                       affine_map<(b, i, y, x, c) -> (b, i, c)>]
      ins(%p, %v : tensor<2x8x2x8xf32>, tensor<2x2x8x6xf32>) outs(%zero_out : tensor<2x8x6xf32>) -> tensor<2x8x6xf32>
  return %o : tensor<2x8x6xf32>
}
