// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s

// Factors of scores and probabilities: 2 batches of 3 heads, 8 queries and 16 keys with 4 channels, values of 6.

!q = tensor<2x3x8x4xf32>
!k = tensor<2x3x16x4xf32>
!v = tensor<2x3x16x6xf32>
!s = tensor<2x3x8x16xf32>
!o = tensor<2x3x8x6xf32>

#bhic = affine_map<(b, h, i, j, c) -> (b, h, i, c)>
#bhjc = affine_map<(b, h, i, j, c) -> (b, h, j, c)>
#bhij = affine_map<(b, h, i, j, c) -> (b, h, i, j)>
#id = affine_map<(b, h, i, j) -> (b, h, i, j)>
#none = affine_map<(b, h, i, j) -> ()>
#head = affine_map<(b, h, i, j) -> (h)>
#row = affine_map<(b, h, i, j) -> (b, h, i)>
#query = affine_map<(b, h, i, j) -> (b, i)>
#key = affine_map<(b, h, i, j) -> (b, j)>
#element = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#with_number = {indexing_maps = [#id, #none, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#with_head = {indexing_maps = [#id, #head, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#with_query = {indexing_maps = [#id, #query, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#with_key = {indexing_maps = [#id, #key, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// A factor a head, as head masks have it, multiplies the result.
// CHECK-LABEL: func @factor_of_each_head_on_probabilities
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>, %[[T:.*]]: tensor<3xf32>)
// CHECK: %[[ATT:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK: %[[T4:.*]] = tensor.expand_shape %[[T]] {{.*}} output_shape [1, 3, 1, 1]
// CHECK: %[[O:.*]] = linalg.generic {{.*}} ins(%[[ATT]], %[[T4]] : tensor<2x3x8x6xf32>, tensor<1x3x1x1xf32>)
// CHECK: arith.mulf
// CHECK: return %[[O]]
func.func @factor_of_each_head_on_probabilities(%q: !q, %k: !k, %v: !v, %t: tensor<3xf32>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(3) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.generic #with_head ins(%p, %t : !s, tensor<3xf32>) outs(%e : !s) {
  ^bb0(%a: f32, %f: f32, %out: f32):
    %y = arith.mulf %a, %f : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A divisor a batch and query.
// CHECK-LABEL: func @divisor_of_each_batch_and_query
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>, %[[T:.*]]: tensor<2x8xf32>)
// CHECK: %[[ATT:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK: %[[T4:.*]] = tensor.expand_shape %[[T]] {{.*}} output_shape [2, 1, 8, 1]
// CHECK: %[[O:.*]] = linalg.generic {{.*}} ins(%[[ATT]], %[[T4]] : tensor<2x3x8x6xf32>, tensor<2x1x8x1xf32>)
// CHECK: arith.divf
// CHECK: return %[[O]]
func.func @divisor_of_each_batch_and_query(%q: !q, %k: !k, %v: !v, %t: tensor<2x8xf32>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(3) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.generic #with_query ins(%p, %t : !s, tensor<2x8xf32>) outs(%e : !s) {
  ^bb0(%a: f32, %f: f32, %out: f32):
    %y = arith.divf %a, %f : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The 1 / (1 - p) of a dropout whose mask is all ones.
// CHECK-LABEL: func @constant_on_probabilities
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>)
// CHECK: %[[ATT:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK: linalg.generic {{.*}} ins(%[[ATT]] : tensor<2x3x8x6xf32>)
// CHECK: %[[C:.*]] = arith.constant 1.33333337 : f32
// CHECK: arith.mulf %{{.*}}, %[[C]] : f32
func.func @constant_on_probabilities(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %kept = arith.constant 0.75 : f32
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(3) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.generic #element ins(%p : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %y = arith.divf %a, %kept : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A constant in the body of the product with the values.
// CHECK-LABEL: func @constant_in_the_last_contraction
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>)
// CHECK: %[[ATT:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK: linalg.generic {{.*}} ins(%[[ATT]] : tensor<2x3x8x6xf32>)
// CHECK: %[[C:.*]] = arith.constant 2.000000e+00 : f32
// CHECK: arith.mulf %{{.*}}, %[[C]] : f32
func.func @constant_in_the_last_contraction(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %two = arith.constant 2.0 : f32
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(3) ins(%s : !s) outs(%e : !s) -> !s
  %o = linalg.generic {indexing_maps = [#bhij, #bhjc, #bhic], iterator_types = ["parallel", "parallel", "parallel", "reduction", "parallel"]}
      ins(%p, %v : !s, !v) outs(%zero_out : !o) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %x = arith.mulf %a, %b : f32
    %d = arith.mulf %x, %two : f32
    %y = arith.addf %d, %out : f32
    linalg.yield %y : f32
  } -> !o
  return %o : !o
}

// Rows of padding tokens are replaced by zero after the softmax.
// CHECK-LABEL: func @rows_selected
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>, %[[T:.*]]: tensor<2x8xi1>)
// CHECK: %[[ATT:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK: %[[O:.*]] = linalg.generic {{.*}} ins(%[[ATT]], %{{.*}} : tensor<2x3x8x6xf32>, tensor<2x1x8x1xi1>)
// CHECK: arith.select
// CHECK: return %[[O]]
func.func @rows_selected(%q: !q, %k: !k, %v: !v, %t: tensor<2x8xi1>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(3) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.generic #with_query ins(%p, %t : !s, tensor<2x8xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %y = arith.select %f, %a, %zero : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The same by a product with zeros and ones.
// CHECK-LABEL: func @rows_multiplied
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>, %[[T:.*]]: tensor<2x8xi1>)
// CHECK: %[[ATT:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK: linalg.generic {{.*}} ins(%[[ATT]], %{{.*}} : tensor<2x3x8x6xf32>, tensor<2x1x8x1xf32>)
// CHECK: arith.mulf
func.func @rows_multiplied(%q: !q, %k: !k, %v: !v, %t: tensor<2x8xi1>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(3) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.generic #with_query ins(%p, %t : !s, tensor<2x8xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %n = arith.uitofp %f : i1 to f32
    %y = arith.mulf %a, %n : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// What multiplies the result stays behind the attention.
// CHECK-LABEL: func @factor_after_the_values
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>, %[[T:.*]]: tensor<3xf32>)
// CHECK: %[[ATT:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK: %[[O:.*]] = linalg.generic {{.*}} ins(%[[ATT]], %[[T]] : tensor<2x3x8x6xf32>, tensor<3xf32>)
// CHECK: return %[[O]]
func.func @factor_after_the_values(%q: !q, %k: !k, %v: !v, %t: tensor<3xf32>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %eo = tensor.empty() : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(3) ins(%s : !s) outs(%e : !s) -> !s
  %r = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  %o = linalg.generic #with_head ins(%r, %t : !o, tensor<3xf32>) outs(%eo : !o) {
  ^bb0(%a: f32, %f: f32, %out: f32):
    %y = arith.mulf %a, %f : f32
    linalg.yield %y : f32
  } -> !o
  return %o : !o
}

// A factor a head in one body with the division after the product.
// CHECK-LABEL: func @factor_with_the_late_division
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>, %[[T:.*]]: tensor<3xf32>)
// CHECK: %[[ATT:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK: %[[T4:.*]] = tensor.expand_shape %[[T]] {{.*}} output_shape [1, 3, 1, 1]
// CHECK: %[[O:.*]] = linalg.generic {{.*}} ins(%[[ATT]], %[[T4]] : tensor<2x3x8x6xf32>, tensor<1x3x1x1xf32>)
// CHECK: return %[[O]]
func.func @factor_with_the_late_division(%q: !q, %k: !k, %v: !v, %t: tensor<3xf32>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : tensor<2x3x8xf32>
  %zero_out = arith.constant dense<0.0> : !o
  %eo = tensor.empty() : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %exp = linalg.exp ins(%s : !s) outs(%e : !s) -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : tensor<2x3x8xf32>) dimensions = [3]
  %r = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%exp, %v : !s, !v) outs(%zero_out : !o) -> !o
  %o = linalg.generic {indexing_maps = [#id, #row, #head, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%r, %sum, %t : !o, tensor<2x3x8xf32>, tensor<3xf32>) outs(%eo : !o) {
  ^bb0(%a: f32, %n: f32, %f: f32, %out: f32):
    %d = arith.divf %a, %n : f32
    %y = arith.mulf %d, %f : f32
    linalg.yield %y : f32
  } -> !o
  return %o : !o
}

// Factors that differ from key to key are no factors of the result.
// CHECK-LABEL: func @factor_of_each_key_on_probabilities
// CHECK: linalg.softmax
// CHECK-NOT: sprint.attention
func.func @factor_of_each_key_on_probabilities(%q: !q, %k: !k, %v: !v, %t: tensor<2x16xf32>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(3) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.generic #with_key ins(%p, %t : !s, tensor<2x16xf32>) outs(%e : !s) {
  ^bb0(%a: f32, %f: f32, %out: f32):
    %y = arith.mulf %a, %f : f32
    linalg.yield %y : f32
  } -> !s
  // expected-remark @below {{attention not raised: the probabilities are multiplied with a tensor that differs from key to key, as random dropout does}}
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// Nor are those of channels, in one body with the division.
// CHECK-LABEL: func @factor_of_each_channel_with_the_late_division
// CHECK-NOT: sprint.attention
// CHECK: return
func.func @factor_of_each_channel_with_the_late_division(%q: !q, %k: !k, %v: !v, %t: tensor<6xf32>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : tensor<2x3x8xf32>
  %zero_out = arith.constant dense<0.0> : !o
  %eo = tensor.empty() : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %exp = linalg.exp ins(%s : !s) outs(%e : !s) -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : tensor<2x3x8xf32>) dimensions = [3]
  // expected-remark @below {{attention not raised: }}
  %r = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%exp, %v : !s, !v) outs(%zero_out : !o) -> !o
  %o = linalg.generic {indexing_maps = [#id, #row, affine_map<(b, h, i, c) -> (c)>, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%r, %sum, %t : !o, tensor<2x3x8xf32>, tensor<6xf32>) outs(%eo : !o) {
  ^bb0(%a: f32, %n: f32, %f: f32, %out: f32):
    %d = arith.divf %a, %n : f32
    %y = arith.mulf %d, %f : f32
    linalg.yield %y : f32
  } -> !o
  return %o : !o
}

// A factor a query of the scores is one of the query.
// CHECK-LABEL: func @scores_multiplied_for_each_query
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>, %[[T:.*]]: tensor<2x8xf32>)
// CHECK: %[[SCALED:.*]] = linalg.generic {{.*}} ins(%[[Q]], %{{.*}} : tensor<2x3x8x4xf32>, tensor<2x1x8x1xf32>)
// CHECK: arith.mulf
// CHECK: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[SCALED]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: return %[[O]]
func.func @scores_multiplied_for_each_query(%q: !q, %k: !k, %v: !v, %t: tensor<2x8xf32>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_query ins(%s, %t : !s, tensor<2x8xf32>) outs(%e : !s) {
  ^bb0(%a: f32, %f: f32, %out: f32):
    %y = arith.mulf %a, %f : f32
    linalg.yield %y : f32
  } -> !s
  %w = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A divisor a head, such as a temperature.
// CHECK-LABEL: func @scores_divided_for_each_head
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>, %[[T:.*]]: tensor<3xf32>)
// CHECK: %[[SCALED:.*]] = linalg.generic {{.*}} ins(%[[Q]], %{{.*}} : tensor<2x3x8x4xf32>, tensor<1x3x1x1xf32>)
// CHECK: arith.divf
// CHECK: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[SCALED]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: return %[[O]]
func.func @scores_divided_for_each_head(%q: !q, %k: !k, %v: !v, %t: tensor<3xf32>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_head ins(%s, %t : !s, tensor<3xf32>) outs(%e : !s) {
  ^bb0(%a: f32, %f: f32, %out: f32):
    %y = arith.divf %a, %f : f32
    linalg.yield %y : f32
  } -> !s
  %w = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A scale in a tensor without dimensions.
// CHECK-LABEL: func @scale_in_a_tensor_of_rank_0
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>, %[[T:.*]]: tensor<f32>)
// CHECK: %[[SCALED:.*]] = linalg.generic {{.*}} ins(%[[Q]], %{{.*}} : tensor<2x3x8x4xf32>, tensor<1x1x1x1xf32>)
// CHECK: arith.mulf
// CHECK: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[SCALED]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: return %[[O]]
func.func @scale_in_a_tensor_of_rank_0(%q: !q, %k: !k, %v: !v, %t: tensor<f32>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_number ins(%s, %t : !s, tensor<f32>) outs(%e : !s) {
  ^bb0(%a: f32, %f: f32, %out: f32):
    %y = arith.mulf %a, %f : f32
    linalg.yield %y : f32
  } -> !s
  %w = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A scale that is a scalar of the function.
// CHECK-LABEL: func @scale_as_an_argument
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>, %[[T:.*]]: f32)
// CHECK: %[[SCALED:.*]] = linalg.generic {{.*}} ins(%[[Q]], %{{.*}} : tensor<2x3x8x4xf32>, tensor<1x1x1x1xf32>)
// CHECK: arith.mulf
// CHECK: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[SCALED]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: return %[[O]]
func.func @scale_as_an_argument(%q: !q, %k: !k, %v: !v, %f: f32) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #element ins(%s : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %y = arith.mulf %a, %f : f32
    linalg.yield %y : f32
  } -> !s
  %w = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A scale taken out of a tensor before the loops.
// CHECK-LABEL: func @scale_extracted
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>, %[[T:.*]]: tensor<f32>)
// CHECK: %[[SCALED:.*]] = linalg.generic {{.*}} ins(%[[Q]], %{{.*}} : tensor<2x3x8x4xf32>, tensor<1x1x1x1xf32>)
// CHECK: arith.mulf
// CHECK: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[SCALED]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: return %[[O]]
func.func @scale_extracted(%q: !q, %k: !k, %v: !v, %t: tensor<f32>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %f = tensor.extract %t[] : tensor<f32>
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #element ins(%s : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %y = arith.mulf %a, %f : f32
    linalg.yield %y : f32
  } -> !s
  %w = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The same within the body.
// CHECK-LABEL: func @scale_extracted_in_the_body
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>, %[[T:.*]]: tensor<f32>)
// CHECK: %[[SCALED:.*]] = linalg.generic {{.*}} ins(%[[Q]], %{{.*}} : tensor<2x3x8x4xf32>, tensor<1x1x1x1xf32>)
// CHECK: arith.mulf
// CHECK: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[SCALED]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: return %[[O]]
func.func @scale_extracted_in_the_body(%q: !q, %k: !k, %v: !v, %t: tensor<f32>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #element ins(%s : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %f = tensor.extract %t[] : tensor<f32>
    %y = arith.mulf %a, %f : f32
    linalg.yield %y : f32
  } -> !s
  %w = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// One number of a constant tensor is a constant.
// CHECK-LABEL: func @constant_extracted
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>)
// CHECK: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(2.500000e-01) ->
// CHECK-NEXT: return %[[O]]
func.func @constant_extracted(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %t = arith.constant dense<0.25> : tensor<f32>
  %f = tensor.extract %t[] : tensor<f32>
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #element ins(%s : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %y = arith.mulf %a, %f : f32
    linalg.yield %y : f32
  } -> !s
  %w = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The exponential of a learned logarithm, as CLIP and Swin v2 scale.
// CHECK-LABEL: func @learned_temperature
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>, %[[T:.*]]: tensor<3xf32>)
// CHECK: math.exp
// CHECK: %[[SCALED:.*]] = linalg.generic {{.*}} ins(%[[Q]], %{{.*}} : tensor<2x3x8x4xf32>, tensor<1x3x1x1xf32>)
// CHECK: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[SCALED]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
func.func @learned_temperature(%q: !q, %k: !k, %v: !v, %t: tensor<3xf32>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_head ins(%s, %t : !s, tensor<3xf32>) outs(%e : !s) {
  ^bb0(%a: f32, %l: f32, %out: f32):
    %f = math.exp %l : f32
    %y = arith.mulf %a, %f : f32
    linalg.yield %y : f32
  } -> !s
  %w = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A factor a key is refused.
// CHECK-LABEL: func @scores_multiplied_for_each_key
// CHECK: linalg.softmax
// CHECK-NOT: sprint.attention
func.func @scores_multiplied_for_each_key(%q: !q, %k: !k, %v: !v, %t: tensor<2x16xf32>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xf32>) outs(%e : !s) {
  ^bb0(%a: f32, %f: f32, %out: f32):
    %y = arith.mulf %a, %f : f32
    linalg.yield %y : f32
  } -> !s
  %w = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  // expected-remark @below {{attention not raised: the scores are multiplied with a tensor that differs from key to key}}
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}
