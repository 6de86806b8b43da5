// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s --implicit-check-not=math.

// Both contractions of an attention in many words: 2 heads of 8 queries and 16 keys with 4 channels, values of 6.

!q = tensor<2x8x4xf32>
!k = tensor<2x16x4xf32>
!v = tensor<2x16x6xf32>
!s = tensor<2x8x16xf32>
!r = tensor<2x8xf32>
!o = tensor<2x8x6xf32>

#id = affine_map<(b, i, j) -> (b, i, j)>
#row = affine_map<(b, i, j) -> (b, i)>
#bic = affine_map<(b, i, j, c) -> (b, i, c)>
#bjc = affine_map<(b, i, j, c) -> (b, j, c)>
#bij = affine_map<(b, i, j, c) -> (b, i, j)>
#bi = affine_map<(b, i, j, c) -> (b, i)>
#all = affine_map<(b, i, j, c) -> (b, i, j, c)>
#scores = {indexing_maps = [#bic, #bjc, #bij], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}

// linalg.contract.
// CHECK-LABEL: func @contract
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4xf32>, %[[K:.*]]: tensor<2x16x4xf32>, %[[V:.*]]: tensor<2x16x6xf32>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{.*}} output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{.*}} output_shape [1, 2, 16, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{.*}} output_shape [1, 2, 16, 6]
// CHECK-NOT: linalg
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{.*}} into tensor<2x8x6xf32>
// CHECK-NEXT: return %[[O]]
func.func @contract(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bij, #bjc, #bic] ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// linalg.batch_matmul that reads the keys transposed.
// CHECK-LABEL: func @matmul_of_transposed_keys
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4xf32>, %[[K:.*]]: tensor<2x16x4xf32>, %[[V:.*]]: tensor<2x16x6xf32>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{.*}} output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{.*}} output_shape [1, 2, 16, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{.*}} output_shape [1, 2, 16, 6]
// CHECK-NOT: linalg
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{.*}} into tensor<2x8x6xf32>
// CHECK-NEXT: return %[[O]]
func.func @matmul_of_transposed_keys(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul indexing_maps = [#bic, #bjc, #bij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// An elementwise product of four dimensions, and its sum over the channels.
// CHECK-LABEL: func @scores_by_product_and_sum
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4xf32>, %[[K:.*]]: tensor<2x16x4xf32>, %[[V:.*]]: tensor<2x16x6xf32>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{.*}} output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{.*}} output_shape [1, 2, 16, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{.*}} output_shape [1, 2, 16, 6]
// CHECK-NOT: linalg
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{.*}} into tensor<2x8x6xf32>
// CHECK-NEXT: return %[[O]]
func.func @scores_by_product_and_sum(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e4 = tensor.empty() : tensor<2x8x16x4xf32>
  %e = tensor.empty() : !s
  %products = linalg.generic {indexing_maps = [#bic, #bjc, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%q, %k : !q, !k) outs(%e4 : tensor<2x8x16x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.mulf %a, %b : f32
    linalg.yield %y : f32
  } -> tensor<2x8x16x4xf32>
  %s = linalg.reduce { arith.addf } ins(%products : tensor<2x8x16x4xf32>) outs(%zeros : !s) dimensions = [3]
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The same of broadcasts and named ops.
// CHECK-LABEL: func @named_product_and_sum
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4xf32>, %[[K:.*]]: tensor<2x16x4xf32>, %[[V:.*]]: tensor<2x16x6xf32>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{.*}} output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{.*}} output_shape [1, 2, 16, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{.*}} output_shape [1, 2, 16, 6]
// CHECK-NOT: linalg
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{.*}} into tensor<2x8x6xf32>
// CHECK-NEXT: return %[[O]]
func.func @named_product_and_sum(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e4 = tensor.empty() : tensor<2x8x16x4xf32>
  %e = tensor.empty() : !s
  %q4 = linalg.broadcast ins(%q : !q) outs(%e4 : tensor<2x8x16x4xf32>) dimensions = [2]
  %k4 = linalg.broadcast ins(%k : !k) outs(%e4 : tensor<2x8x16x4xf32>) dimensions = [1]
  %products = linalg.mul ins(%q4, %k4 : tensor<2x8x16x4xf32>, tensor<2x8x16x4xf32>) outs(%e4 : tensor<2x8x16x4xf32>) -> tensor<2x8x16x4xf32>
  %s = linalg.reduce { arith.addf } ins(%products : tensor<2x8x16x4xf32>) outs(%zeros : !s) dimensions = [3]
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The product with the values so.
// CHECK-LABEL: func @result_by_product_and_sum
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4xf32>, %[[K:.*]]: tensor<2x16x4xf32>, %[[V:.*]]: tensor<2x16x6xf32>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{.*}} output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{.*}} output_shape [1, 2, 16, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{.*}} output_shape [1, 2, 16, 6]
// CHECK-NOT: linalg
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{.*}} into tensor<2x8x6xf32>
// CHECK-NEXT: return %[[O]]
func.func @result_by_product_and_sum(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e4 = tensor.empty() : tensor<2x8x16x6xf32>
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %products = linalg.generic {indexing_maps = [#bij, #bjc, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p, %v : !s, !v) outs(%e4 : tensor<2x8x16x6xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.mulf %a, %b : f32
    linalg.yield %y : f32
  } -> tensor<2x8x16x6xf32>
  %o = linalg.reduce { arith.addf } ins(%products : tensor<2x8x16x6xf32>) outs(%zero_out : !o) dimensions = [2]
  return %o : !o
}

// The scale multiplies each product in the body of the contraction.
// CHECK-LABEL: func @scale_in_the_body
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4xf32>, %[[K:.*]]: tensor<2x16x4xf32>, %[[V:.*]]: tensor<2x16x6xf32>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{.*}} output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{.*}} output_shape [1, 2, 16, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{.*}} output_shape [1, 2, 16, 6]
// CHECK-NOT: linalg
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(5.000000e-01) ->
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{.*}} into tensor<2x8x6xf32>
// CHECK-NEXT: return %[[O]]
func.func @scale_in_the_body(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : !s
  %s = linalg.generic #scores ins(%q, %k : !q, !k) outs(%zeros : !s) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %x = arith.mulf %a, %half : f32
    %m = arith.mulf %x, %b : f32
    %y = arith.addf %out, %m : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The exponentials are divided in the body of the last contraction, as fused IR has it.
// CHECK-LABEL: func @divided_in_the_body
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4xf32>, %[[K:.*]]: tensor<2x16x4xf32>, %[[V:.*]]: tensor<2x16x6xf32>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{.*}} output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{.*}} output_shape [1, 2, 16, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{.*}} output_shape [1, 2, 16, 6]
// CHECK-NOT: linalg
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{.*}} into tensor<2x8x6xf32>
// CHECK-NEXT: return %[[O]]
func.func @divided_in_the_body(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %exp = linalg.exp ins(%s : !s) outs(%e : !s) -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %o = linalg.generic {indexing_maps = [#bij, #bi, #bjc, #bic], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
      ins(%exp, %sum, %v : !s, !r, !v) outs(%zero_out : !o) {
  ^bb0(%x: f32, %n: f32, %b: f32, %out: f32):
    %p = arith.divf %x, %n : f32
    %m = arith.mulf %p, %b : f32
    %y = arith.addf %m, %out : f32
    linalg.yield %y : f32
  } -> !o
  return %o : !o
}

// Subtraction, exponential and division there.
// CHECK-LABEL: func @all_of_the_softmax_in_the_body
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4xf32>, %[[K:.*]]: tensor<2x16x4xf32>, %[[V:.*]]: tensor<2x16x6xf32>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{.*}} output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{.*}} output_shape [1, 2, 16, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{.*}} output_shape [1, 2, 16, 6]
// CHECK-NOT: linalg
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{.*}} into tensor<2x8x6xf32>
// CHECK-NEXT: return %[[O]]
func.func @all_of_the_softmax_in_the_body(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %sum = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s, %max : !s, !r) outs(%zero_row : !r) {
  ^bb0(%a: f32, %m: f32, %n: f32):
    %d = arith.subf %a, %m : f32
    %x = math.exp %d : f32
    %y = arith.addf %x, %n : f32
    linalg.yield %y : f32
  } -> !r
  %o = linalg.generic {indexing_maps = [#bij, #bi, #bi, #bjc, #bic], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
      ins(%s, %max, %sum, %v : !s, !r, !r, !v) outs(%zero_out : !o) {
  ^bb0(%a: f32, %m: f32, %n: f32, %b: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %x = math.exp %d : f32
    %p = arith.divf %x, %n : f32
    %w = arith.mulf %p, %b : f32
    %y = arith.addf %w, %out : f32
    linalg.yield %y : f32
  } -> !o
  return %o : !o
}

// The values are the first operand, and the result has its channels before its rows.
// CHECK-LABEL: func @values_first
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-NEXT: %[[O3:.*]] = tensor.collapse_shape %[[O4]] {{.*}} into tensor<2x8x6xf32>
// CHECK: %[[O:.*]] = linalg.transpose ins(%[[O3]] : {{.*}}) permutation = [0, 2, 1]
// CHECK-NEXT: return %[[O]]
func.func @values_first(%q: !q, %k: !k, %v: !v) -> tensor<2x6x8xf32> {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : tensor<2x6x8xf32>
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bjc, #bij, affine_map<(b, i, j, c) -> (b, c, i)>]
      ins(%v, %p : !v, !s) outs(%zero_out : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  return %o : tensor<2x6x8xf32>
}

// Values with their channels before the keys.
// CHECK-LABEL: func @values_transposed
// CHECK-SAME: %[[V:[a-z0-9]*]]: tensor<2x6x16xf32>)
// CHECK: %[[VT:.*]] = linalg.transpose ins(%[[V]] : {{.*}}) permutation = [0, 2, 1]
// CHECK: %[[V4:.*]] = tensor.expand_shape %[[VT]] {{.*}} output_shape [1, 2, 16, 6]
// CHECK: sprint.attention @{{.*}} ins(%{{.*}}, %{{.*}}, %[[V4]] : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
func.func @values_transposed(%q: !q, %k: !k, %v: tensor<2x6x16xf32>) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul indexing_maps = [#bic, #bjc, #bij] ins(%p, %v : !s, tensor<2x6x16xf32>) outs(%zero_out : !o) -> !o
  return %o : !o
}

// Keys times queries: the softmax runs over the rows of the scores.
// CHECK-LABEL: func @scores_transposed
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4xf32>, %[[K:.*]]: tensor<2x16x4xf32>, %[[V:.*]]: tensor<2x16x6xf32>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{.*}} output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{.*}} output_shape [1, 2, 16, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{.*}} output_shape [1, 2, 16, 6]
// CHECK-NOT: linalg
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{.*}} into tensor<2x8x6xf32>
// CHECK-NEXT: return %[[O]]
func.func @scores_transposed(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : tensor<2x16x8xf32>
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : tensor<2x16x8xf32>
  %s = linalg.batch_matmul indexing_maps = [#bic, #bjc, #bij] ins(%k, %q : !k, !q) outs(%zeros : tensor<2x16x8xf32>) -> tensor<2x16x8xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<2x16x8xf32>) outs(%e : tensor<2x16x8xf32>) -> tensor<2x16x8xf32>
  %o = linalg.contract indexing_maps = [affine_map<(b, i, j, c) -> (b, j, i)>, #bjc, #bic]
      ins(%p, %v : tensor<2x16x8xf32>, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A single query without a dimension of its own, as in decoding.
// CHECK-LABEL: func @one_query
// CHECK-SAME: (%[[Q:.*]]: tensor<2x4xf32>, %[[K:.*]]: tensor<2x16x4xf32>, %[[V:.*]]: tensor<2x16x6xf32>)
// CHECK-DAG: tensor.expand_shape %[[Q]]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]]
// CHECK: sprint.attention @{{.*}} ins(%{{.*}}, %[[K4]], %[[V4]] : tensor<1x2x1x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK: return %{{.*}} : tensor<2x6xf32>
func.func @one_query(%q: tensor<2x4xf32>, %k: !k, %v: !v) -> tensor<2x6xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x16xf32>
  %zero_out = arith.constant dense<0.0> : tensor<2x6xf32>
  %e = tensor.empty() : tensor<2x16xf32>
  %s = linalg.batch_matvec ins(%k, %q : !k, tensor<2x4xf32>) outs(%zeros : tensor<2x16xf32>) -> tensor<2x16xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<2x16xf32>) outs(%e : tensor<2x16xf32>) -> tensor<2x16xf32>
  %o = linalg.batch_vecmat ins(%p, %v : tensor<2x16xf32>, !v) outs(%zero_out : tensor<2x6xf32>) -> tensor<2x6xf32>
  return %o : tensor<2x6xf32>
}

// No batch dimension either.
// CHECK-LABEL: func @one_query_of_one_head
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x1x1x4xf32>, tensor<1x1x16x4xf32>, tensor<1x1x16x6xf32>)
// CHECK: return %{{.*}} : tensor<6xf32>
func.func @one_query_of_one_head(%q: tensor<4xf32>, %k: tensor<16x4xf32>, %v: tensor<16x6xf32>) -> tensor<6xf32> {
  %zeros = arith.constant dense<0.0> : tensor<16xf32>
  %zero_out = arith.constant dense<0.0> : tensor<6xf32>
  %e = tensor.empty() : tensor<16xf32>
  %s = linalg.matvec ins(%k, %q : tensor<16x4xf32>, tensor<4xf32>) outs(%zeros : tensor<16xf32>) -> tensor<16xf32>
  %p = linalg.softmax dimension(0) ins(%s : tensor<16xf32>) outs(%e : tensor<16xf32>) -> tensor<16xf32>
  %o = linalg.vecmat ins(%p, %v : tensor<16xf32>, tensor<16x6xf32>) outs(%zero_out : tensor<6xf32>) -> tensor<6xf32>
  return %o : tensor<6xf32>
}

// One query for the whole batch, as in attention pooling.
// CHECK-LABEL: func @pooling
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x1x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
func.func @pooling(%q: tensor<4xf32>, %k: !k, %v: !v) -> tensor<2x6xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x16xf32>
  %zero_out = arith.constant dense<0.0> : tensor<2x6xf32>
  %e = tensor.empty() : tensor<2x16xf32>
  %s = linalg.contract indexing_maps = [affine_map<(b, j, c) -> (c)>, affine_map<(b, j, c) -> (b, j, c)>, affine_map<(b, j, c) -> (b, j)>]
      ins(%q, %k : tensor<4xf32>, !k) outs(%zeros : tensor<2x16xf32>) -> tensor<2x16xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<2x16xf32>) outs(%e : tensor<2x16xf32>) -> tensor<2x16xf32>
  %o = linalg.batch_vecmat ins(%p, %v : tensor<2x16xf32>, !v) outs(%zero_out : tensor<2x6xf32>) -> tensor<2x6xf32>
  return %o : tensor<2x6xf32>
}

// Keys of an image, rows and columns apart in both contractions.
// CHECK-LABEL: func @keys_flattened_for_the_softmax
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4xf32>, %[[K:.*]]: tensor<2x2x8x4xf32>, %[[V:.*]]: tensor<2x2x8x6xf32>)
// CHECK-DAG: tensor.collapse_shape %[[K]] {{\[}}[0], [1, 2], [3]] : tensor<2x2x8x4xf32> into tensor<2x16x4xf32>
// CHECK-DAG: tensor.collapse_shape %[[V]] {{\[}}[0], [1, 2], [3]] : tensor<2x2x8x6xf32> into tensor<2x16x6xf32>
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
func.func @keys_flattened_for_the_softmax(%q: !q, %k: tensor<2x2x8x4xf32>, %v: tensor<2x2x8x6xf32>) -> !o {
  %zeros = arith.constant dense<0.0> : tensor<2x8x2x8xf32>
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [affine_map<(b, i, y, x, c) -> (b, i, c)>, affine_map<(b, i, y, x, c) -> (b, y, x, c)>,
                                       affine_map<(b, i, y, x, c) -> (b, i, y, x)>]
      ins(%q, %k : !q, tensor<2x2x8x4xf32>) outs(%zeros : tensor<2x8x2x8xf32>) -> tensor<2x8x2x8xf32>
  %flat = tensor.collapse_shape %s [[0], [1], [2, 3]] : tensor<2x8x2x8xf32> into !s
  %pf = linalg.softmax dimension(2) ins(%flat : !s) outs(%e : !s) -> !s
  %p = tensor.expand_shape %pf [[0], [1], [2, 3]] output_shape [2, 8, 2, 8] : !s into tensor<2x8x2x8xf32>
  %o = linalg.contract indexing_maps = [affine_map<(b, i, y, x, c) -> (b, i, y, x)>, affine_map<(b, i, y, x, c) -> (b, y, x, c)>,
                                       affine_map<(b, i, y, x, c) -> (b, i, c)>]
      ins(%p, %v : tensor<2x8x2x8xf32>, tensor<2x2x8x6xf32>) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The same without flattening: maximum and sum run over both dimensions.
// CHECK-LABEL: func @softmax_over_two_dimensions
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4xf32>, %[[K:.*]]: tensor<2x2x8x4xf32>, %[[V:.*]]: tensor<2x2x8x6xf32>)
// CHECK-DAG: tensor.collapse_shape %[[K]] {{\[}}[0], [1, 2], [3]] : tensor<2x2x8x4xf32> into tensor<2x16x4xf32>
// CHECK-DAG: tensor.collapse_shape %[[V]] {{\[}}[0], [1, 2], [3]] : tensor<2x2x8x6xf32> into tensor<2x16x6xf32>
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
func.func @softmax_over_two_dimensions(%q: !q, %k: tensor<2x2x8x4xf32>, %v: tensor<2x2x8x6xf32>) -> !o {
  %zeros = arith.constant dense<0.0> : tensor<2x8x2x8xf32>
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : tensor<2x8x2x8xf32>
  %s = linalg.contract indexing_maps = [affine_map<(b, i, y, x, c) -> (b, i, c)>, affine_map<(b, i, y, x, c) -> (b, y, x, c)>,
                                       affine_map<(b, i, y, x, c) -> (b, i, y, x)>]
      ins(%q, %k : !q, tensor<2x2x8x4xf32>) outs(%zeros : tensor<2x8x2x8xf32>) -> tensor<2x8x2x8xf32>
  %max = linalg.reduce { arith.maximumf } ins(%s : tensor<2x8x2x8xf32>) outs(%lowest : !r) dimensions = [2, 3]
  %maxes = linalg.broadcast ins(%max : !r) outs(%e : tensor<2x8x2x8xf32>) dimensions = [2, 3]
  %shifted = linalg.sub ins(%s, %maxes : tensor<2x8x2x8xf32>, tensor<2x8x2x8xf32>) outs(%e : tensor<2x8x2x8xf32>) -> tensor<2x8x2x8xf32>
  %exp = linalg.exp ins(%shifted : tensor<2x8x2x8xf32>) outs(%e : tensor<2x8x2x8xf32>) -> tensor<2x8x2x8xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<2x8x2x8xf32>) outs(%zero_row : !r) dimensions = [2, 3]
  %sums = linalg.broadcast ins(%sum : !r) outs(%e : tensor<2x8x2x8xf32>) dimensions = [2, 3]
  %p = linalg.div ins(%exp, %sums : tensor<2x8x2x8xf32>, tensor<2x8x2x8xf32>) outs(%e : tensor<2x8x2x8xf32>) -> tensor<2x8x2x8xf32>
  %o = linalg.contract indexing_maps = [affine_map<(b, i, y, x, c) -> (b, i, y, x)>, affine_map<(b, i, y, x, c) -> (b, y, x, c)>,
                                       affine_map<(b, i, y, x, c) -> (b, i, c)>]
      ins(%p, %v : tensor<2x8x2x8xf32>, tensor<2x2x8x6xf32>) outs(%zero_out : !o) -> !o
  return %o : !o
}

// Queries of an image: its rows become heads that share keys and values.
// CHECK-LABEL: func @queries_in_two_dimensions
// CHECK: %[[O:.*]] = sprint.attention @{{.*}} ins({{.*}} : tensor<2x8x3x4xf32>, tensor<2x1x16x4xf32>, tensor<2x1x16x6xf32>)
// CHECK-NEXT: return %[[O]]
func.func @queries_in_two_dimensions(%q: tensor<2x8x3x4xf32>, %k: !k, %v: !v) -> tensor<2x8x3x6xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x8x3x16xf32>
  %zero_out = arith.constant dense<0.0> : tensor<2x8x3x6xf32>
  %e = tensor.empty() : tensor<2x8x3x16xf32>
  %s = linalg.contract indexing_maps = [affine_map<(b, y, x, j, c) -> (b, y, x, c)>, affine_map<(b, y, x, j, c) -> (b, j, c)>,
                                       affine_map<(b, y, x, j, c) -> (b, y, x, j)>]
      ins(%q, %k : tensor<2x8x3x4xf32>, !k) outs(%zeros : tensor<2x8x3x16xf32>) -> tensor<2x8x3x16xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<2x8x3x16xf32>) outs(%e : tensor<2x8x3x16xf32>) -> tensor<2x8x3x16xf32>
  %o = linalg.contract indexing_maps = [affine_map<(b, y, x, j, c) -> (b, y, x, j)>, affine_map<(b, y, x, j, c) -> (b, j, c)>,
                                       affine_map<(b, y, x, j, c) -> (b, y, x, c)>]
      ins(%p, %v : tensor<2x8x3x16xf32>, !v) outs(%zero_out : tensor<2x8x3x6xf32>) -> tensor<2x8x3x6xf32>
  return %o : tensor<2x8x3x6xf32>
}

// What the contraction of queries and keys starts from is a bias.
// CHECK-LABEL: func @scores_start_from_a_bias
// CHECK-SAME: %[[BIAS:[a-z0-9]*]]: tensor<8x16xf32>)
// CHECK: %[[B4:.*]] = tensor.expand_shape %[[BIAS]] {{.*}} output_shape [1, 1, 8, 16]
// CHECK: sprint.attention {{.*}} bias(%[[B4]] : tensor<1x1x8x16xf32>) {{.*}} scale(1.000000e+00)
func.func @scores_start_from_a_bias(%q: !q, %k: !k, %v: !v, %bias: tensor<8x16xf32>) -> !o {
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %bias2 = linalg.broadcast ins(%bias : tensor<8x16xf32>) outs(%e : !s) dimensions = [0]
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q, %k : !q, !k) outs(%bias2 : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A mask of minus infinities that the contraction starts from.
// CHECK-LABEL: func @scores_start_from_a_mask
// CHECK: sprint.attention @{{.*}} ins({{.*}}) outs({{.*}}) scale(1.000000e+00) band(<upper = 0>) ->
func.func @scores_start_from_a_mask(%q: !q, %k: !k, %v: !v) -> !o {
  %zero_out = arith.constant dense<0.0> : !o
  %zero = arith.constant 0.0 : f32
  %masked = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : !s
  %start = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel", "parallel"]} outs(%e : !s) {
  ^bb0(%out: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %causal = arith.cmpi sle, %j, %i : index
    %y = arith.select %causal, %zero, %masked : f32
    linalg.yield %y : f32
  } -> !s
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q, %k : !q, !k) outs(%start : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}
