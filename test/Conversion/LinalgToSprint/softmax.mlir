// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics \
// RUN:   | FileCheck %s --implicit-check-not=linalg.generic --implicit-check-not=math.

// One softmax over 16 keys in many words: 2 heads of 8 queries with 4 channels, values of 6. Nothing of it may be left.

!q = tensor<2x8x4xf32>
!k = tensor<2x4x16xf32>
!v = tensor<2x16x6xf32>
!s = tensor<2x8x16xf32>
!r = tensor<2x8xf32>
!o = tensor<2x8x6xf32>

#id = affine_map<(b, i, j) -> (b, i, j)>
#row = affine_map<(b, i, j) -> (b, i)>
#row1 = affine_map<(b, i, j) -> (b, i, 0)>
#element = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
#element_and_row = {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
#keys = {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
#rows = {indexing_maps = [affine_map<(b, i) -> (b, i)>, affine_map<(b, i) -> (b, i)>], iterator_types = ["parallel", "parallel"]}

// Reductions, broadcasts and elementwise ops by name.
// CHECK-LABEL: func @named_ops
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4xf32>, %[[K:.*]]: tensor<2x4x16xf32>, %[[V:.*]]: tensor<2x16x6xf32>)
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{.*}} output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[KT:.*]] = linalg.transpose ins(%[[K]] : {{.*}}) permutation = [0, 2, 1]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[KT]] {{.*}} output_shape [1, 2, 16, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{.*}} output_shape [1, 2, 16, 6]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{.*}} into tensor<2x8x6xf32>
// CHECK-NEXT: return %[[O]]
func.func @named_ops(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %maxes = linalg.broadcast ins(%max : !r) outs(%e : !s) dimensions = [2]
  %shifted = linalg.sub ins(%s, %maxes : !s, !s) outs(%e : !s) -> !s
  %exp = linalg.exp ins(%shifted : !s) outs(%e : !s) -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %sums = linalg.broadcast ins(%sum : !r) outs(%e : !s) dimensions = [2]
  %p = linalg.div ins(%exp, %sums : !s, !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The same by linalg.map and linalg.elementwise.
// CHECK-LABEL: func @map_and_elementwise
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @map_and_elementwise(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %maxes = linalg.broadcast ins(%max : !r) outs(%e : !s) dimensions = [2]
  %shifted = linalg.map { arith.subf } ins(%s, %maxes : !s, !s) outs(%e : !s)
  %exp = linalg.elementwise kind=#linalg.elementwise_kind<exp> ins(%shifted : !s) outs(%e : !s) -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %p = linalg.elementwise kind=#linalg.elementwise_kind<div> indexing_maps = [#id, #row, #id]
      ins(%exp, %sum : !s, !r) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The op of the whole softmax.
// CHECK-LABEL: func @named_softmax
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @named_softmax(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The maximum, NaN included.
// CHECK-LABEL: func @max_by_maximumf
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @max_by_maximumf(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.generic #keys ins(%s : !s) outs(%lowest : !r) {
  ^bb0(%a: f32, %m: f32):
    %y = arith.maximumf %m, %a : f32
    linalg.yield %y : f32
  } -> !r
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %p = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.divf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// NaN is what maxnumf starts from when linalg.softmax is decomposed.
// CHECK-LABEL: func @max_from_nan
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @max_from_nan(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %nan = arith.constant dense<0x7FC00000> : !r
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.generic #keys ins(%s : !s) outs(%nan : !r) {
  ^bb0(%a: f32, %m: f32):
    %y = arith.maxnumf %a, %m : f32
    linalg.yield %y : f32
  } -> !r
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %p = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.divf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A comparison and a select.
// CHECK-LABEL: func @max_by_select
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @max_by_select(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.generic #keys ins(%s : !s) outs(%lowest : !r) {
  ^bb0(%a: f32, %m: f32):
    %larger = arith.cmpf ogt, %a, %m : f32
    %y = arith.select %larger, %a, %m : f32
    linalg.yield %y : f32
  } -> !r
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %p = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.divf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// With the index of the maximum, which nobody reads.
// CHECK-LABEL: func @max_with_index
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @max_with_index(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %first = arith.constant dense<0> : tensor<2x8xi64>
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max, %index = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : !s) outs(%lowest, %first : !r, tensor<2x8xi64>) {
  ^bb0(%a: f32, %m: f32, %i: i64):
    %j = linalg.index 2 : index
    %here = arith.index_cast %j : index to i64
    %y = arith.maximumf %a, %m : f32
    %larger = arith.cmpf ogt, %a, %m : f32
    %z = arith.select %larger, %here, %i : i64
    linalg.yield %y, %z : f32, i64
  } -> (!r, tensor<2x8xi64>)
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %p = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.divf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// Maximum and sum with a dimension of size 1, as torch keeps them.
// CHECK-LABEL: func @max_kept_as_a_dimension
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @max_kept_as_a_dimension(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : tensor<2x8x1xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x8x1xf32>
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.generic {indexing_maps = [#id, #row1], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : !s) outs(%lowest : tensor<2x8x1xf32>) {
  ^bb0(%a: f32, %m: f32):
    %y = arith.maximumf %a, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x8x1xf32>
  %exp = linalg.generic {indexing_maps = [#id, #row1, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %max : !s, tensor<2x8x1xf32>) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.generic {indexing_maps = [#id, #row1], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%exp : !s) outs(%zero_row : tensor<2x8x1xf32>) {
  ^bb0(%a: f32, %n: f32):
    %y = arith.addf %a, %n : f32
    linalg.yield %y : f32
  } -> tensor<2x8x1xf32>
  %p = linalg.generic {indexing_maps = [#id, #row1, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%exp, %sum : !s, tensor<2x8x1xf32>) outs(%e : !s) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %y = arith.divf %a, %n : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// Maximum and sum brought to the shape of the scores by copies, as JAX writes them.
// CHECK-LABEL: func @rows_copied_to_full_shape
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @rows_copied_to_full_shape(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %maxes = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%max : !r) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  } -> !s
  %shifted = linalg.sub ins(%s, %maxes : !s, !s) outs(%e : !s) -> !s
  %exp = linalg.exp ins(%shifted : !s) outs(%e : !s) -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %sums = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%sum : !r) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  } -> !s
  %p = linalg.div ins(%exp, %sums : !s, !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// Copies of scores, exponentials and probabilities.
// CHECK-LABEL: func @copies
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @copies(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.copy ins(%product : !s) outs(%e : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %shifted = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %exp = linalg.generic #element ins(%shifted : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %quotient = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %y = arith.divf %a, %n : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.copy ins(%quotient : !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// Elementwise ops that read what they overwrite.
// CHECK-LABEL: func @in_place
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @in_place(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%max : !r) outs(%s : !s) {
  ^bb0(%m: f32, %a: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %p = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%sum : !r) outs(%exp : !s) {
  ^bb0(%n: f32, %a: f32):
    %y = arith.divf %a, %n : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The scale stands behind the maximum, in one body with the exponential.
// CHECK-LABEL: func @scale_in_the_body_of_the_exponential
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(5.000000e-01) ->
func.func @scale_in_the_body_of_the_exponential(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %x = arith.mulf %d, %half : f32
    %y = math.exp %x : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %p = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.divf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The scale is half the binary logarithm of e, so that powers of 2 are those of e; its rounding to f32 shows.
// CHECK-LABEL: func @exp2
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(0.49999999332512091) ->
func.func @exp2(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %scale = arith.constant 0.72134752044448169 : f64
  %e = tensor.empty() : !s
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.generic #element ins(%product : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %c = arith.truncf %scale : f64 to f32
    %y = arith.mulf %a, %c : f32
    linalg.yield %y : f32
  } -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp2 %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %p = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.divf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A power of a constant base: ln 10 is part of the scale.
// CHECK-LABEL: func @power_of_a_constant
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(2.3025850929940459) ->
func.func @power_of_a_constant(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %ten = arith.constant 10.0 : f32
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.powf %ten, %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %p = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.divf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The exponential computed once for the sum and once for the quotient.
// CHECK-LABEL: func @exp_again_in_the_sum
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @exp_again_in_the_sum(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %sum = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s, %max : !s, !r) outs(%zero_row : !r) {
  ^bb0(%a: f32, %m: f32, %n: f32):
    %d = arith.subf %a, %m : f32
    %x = math.exp %d : f32
    %y = arith.addf %x, %n : f32
    linalg.yield %y : f32
  } -> !r
  %p = linalg.generic {indexing_maps = [#id, #row, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %max, %sum : !s, !r, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %n: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %x = math.exp %d : f32
    %y = arith.divf %x, %n : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// One op gives both the exponentials and their sum.
// CHECK-LABEL: func @sum_beside_the_exponential
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @sum_beside_the_exponential(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp, %sum = linalg.generic {indexing_maps = [#id, #row, #id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s, %max : !s, !r) outs(%e, %zero_row : !s, !r) {
  ^bb0(%a: f32, %m: f32, %out: f32, %n: f32):
    %d = arith.subf %a, %m : f32
    %x = math.exp %d : f32
    %y = arith.addf %n, %x : f32
    linalg.yield %x, %y : f32, f32
  } -> (!s, !r)
  %p = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.divf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The sum is a product of the exponentials with a vector of ones.
// CHECK-LABEL: func @sum_by_a_vector_of_ones
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @sum_by_a_vector_of_ones(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %ones = arith.constant dense<1.0> : tensor<2x16xf32>
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.batch_matvec ins(%exp, %ones : !s, tensor<2x16xf32>) outs(%zero_row : !r) -> !r
  %p = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.divf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The same with a matrix, so that each key has the sum of its row.
// CHECK-LABEL: func @sum_by_a_matrix_of_ones
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @sum_by_a_matrix_of_ones(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %ones = arith.constant dense<1.0> : tensor<2x16x16xf32>
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sums = linalg.batch_matmul ins(%exp, %ones : !s, tensor<2x16x16xf32>) outs(%zeros : !s) -> !s
  %p = linalg.div ins(%exp, %sums : !s, !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A product with the reciprocal of the sum, as TOSA has it.
// CHECK-LABEL: func @reciprocal
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @reciprocal(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : !s
  %er = tensor.empty() : !r
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %inverse = linalg.generic #rows ins(%sum : !r) outs(%er : !r) {
  ^bb0(%n: f32, %out: f32):
    %y = arith.divf %one, %n : f32
    linalg.yield %y : f32
  } -> !r
  %p = linalg.generic #element_and_row ins(%exp, %inverse : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %y = arith.mulf %a, %n : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// CHECK-LABEL: func @named_reciprocal
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @named_reciprocal(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %er = tensor.empty() : !r
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %inverse = linalg.reciprocal ins(%sum : !r) outs(%er : !r) -> !r
  %p = linalg.generic #element_and_row ins(%exp, %inverse : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %y = arith.mulf %a, %n : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// CHECK-LABEL: func @power_of_minus_one
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @power_of_minus_one(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %minus_one = arith.constant -1.0 : f32
  %e = tensor.empty() : !s
  %er = tensor.empty() : !r
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %inverse = linalg.generic #rows ins(%sum : !r) outs(%er : !r) {
  ^bb0(%n: f32, %out: f32):
    %y = math.powf %n, %minus_one : f32
    linalg.yield %y : f32
  } -> !r
  %p = linalg.generic #element_and_row ins(%exp, %inverse : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %y = arith.mulf %a, %n : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// exp(s - logsumexp(s)), with the maximum added again to the logarithm.
// CHECK-LABEL: func @logsumexp
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @logsumexp(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %er = tensor.empty() : !r
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %log = linalg.log ins(%sum : !r) outs(%er : !r) -> !r
  %logsumexp = linalg.add ins(%log, %max : !r, !r) outs(%er : !r) -> !r
  %p = linalg.generic #element_and_row ins(%s, %logsumexp : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %l: f32, %out: f32):
    %d = arith.subf %a, %l : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The same without a maximum.
// CHECK-LABEL: func @logsumexp_without_maximum
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @logsumexp_without_maximum(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %e = tensor.empty() : !s
  %er = tensor.empty() : !r
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %exp = linalg.exp ins(%s : !s) outs(%e : !s) -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %log = linalg.log ins(%sum : !r) outs(%er : !r) -> !r
  %p = linalg.generic #element_and_row ins(%s, %log : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %l: f32, %out: f32):
    %d = arith.subf %a, %l : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// exp(log_softmax(s)).
// CHECK-LABEL: func @exp_of_log_softmax
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @exp_of_log_softmax(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %er = tensor.empty() : !r
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %log = linalg.log ins(%sum : !r) outs(%er : !r) -> !r
  %log_softmax = linalg.generic {indexing_maps = [#id, #row, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %max, %log : !s, !r, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %l: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = arith.subf %d, %l : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.exp ins(%log_softmax : !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%p, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The exponentials are multiplied with the values first and divided then.
// CHECK-LABEL: func @divided_after_the_values
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @divided_after_the_values(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %eo = tensor.empty() : !o
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %product = linalg.batch_matmul ins(%exp, %v : !s, !v) outs(%zero_out : !o) -> !o
  %o = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%product, %sum : !o, !r) outs(%eo : !o) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %y = arith.divf %a, %n : f32
    linalg.yield %y : f32
  } -> !o
  return %o : !o
}

// The same by the reciprocal, as FlashAttention has it.
// CHECK-LABEL: func @multiplied_by_reciprocal_after_the_values
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-SAME: outs({{.*}}) scale(1.000000e+00) ->
func.func @multiplied_by_reciprocal_after_the_values(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : !s
  %eo = tensor.empty() : !o
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %product = linalg.batch_matmul ins(%exp, %v : !s, !v) outs(%zero_out : !o) -> !o
  %o = linalg.generic {indexing_maps = [#row, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%sum, %product : !r, !o) outs(%eo : !o) {
  ^bb0(%n: f32, %a: f32, %out: f32):
    %inverse = arith.divf %one, %n : f32
    %y = arith.mulf %inverse, %a : f32
    linalg.yield %y : f32
  } -> !o
  return %o : !o
}

// The product is transposed to tokens before heads; the attention comes before that.
// CHECK-LABEL: func @divided_after_a_transpose
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-NEXT: %[[O3:.*]] = tensor.collapse_shape %[[O4]] {{.*}} into tensor<2x8x6xf32>
// CHECK: %[[O:.*]] = linalg.transpose ins(%[[O3]] : tensor<2x8x6xf32>) outs({{.*}}) permutation = [1, 0, 2]
// CHECK-NEXT: return %[[O]]
func.func @divided_after_a_transpose(%q: !q, %k: !k, %v: !v) -> tensor<8x2x6xf32> {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %et = tensor.empty() : tensor<8x2x6xf32>
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %product = linalg.batch_matmul ins(%exp, %v : !s, !v) outs(%zero_out : !o) -> !o
  %t = linalg.transpose ins(%product : !o) outs(%et : tensor<8x2x6xf32>) permutation = [1, 0, 2]
  %o = linalg.generic {indexing_maps = [affine_map<(i, b, c) -> (i, b, c)>, affine_map<(i, b, c) -> (b, i)>, affine_map<(i, b, c) -> (i, b, c)>],
                       iterator_types = ["parallel", "parallel", "parallel"]} ins(%t, %sum : tensor<8x2x6xf32>, !r) outs(%et : tensor<8x2x6xf32>) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %y = arith.divf %a, %n : f32
    linalg.yield %y : f32
  } -> tensor<8x2x6xf32>
  return %o : tensor<8x2x6xf32>
}

// Batch and heads are apart when the division comes.
// CHECK-LABEL: func @divided_after_a_reshape
// CHECK: %[[O:.*]] = sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x16x4xf32>, tensor<1x2x16x6xf32>)
// CHECK-NEXT: return %[[O]]
func.func @divided_after_a_reshape(%q: !q, %k: !k, %v: !v) -> tensor<1x2x8x6xf32> {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %eo = tensor.empty() : tensor<1x2x8x6xf32>
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %product = linalg.batch_matmul ins(%exp, %v : !s, !v) outs(%zero_out : !o) -> !o
  %product4 = tensor.expand_shape %product [[0, 1], [2], [3]] output_shape [1, 2, 8, 6] : !o into tensor<1x2x8x6xf32>
  %sum3 = tensor.expand_shape %sum [[0, 1], [2]] output_shape [1, 2, 8] : !r into tensor<1x2x8xf32>
  %o = linalg.generic {indexing_maps = [affine_map<(b, h, i, c) -> (b, h, i, c)>, affine_map<(b, h, i, c) -> (b, h, i)>,
                                       affine_map<(b, h, i, c) -> (b, h, i, c)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%product4, %sum3 : tensor<1x2x8x6xf32>, tensor<1x2x8xf32>) outs(%eo : tensor<1x2x8x6xf32>) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %y = arith.divf %a, %n : f32
    linalg.yield %y : f32
  } -> tensor<1x2x8x6xf32>
  return %o : tensor<1x2x8x6xf32>
}

// Arithmetic on whole tensors.
// CHECK-LABEL: func @whole_tensors
// CHECK: sprint.attention @{{.*}} ins({{.*}}) outs({{.*}}) scale(5.000000e-01) ->
func.func @whole_tensors(%q: tensor<2x8x4xf32>, %k: tensor<2x4x16xf32>, %v: tensor<2x16x4xf32>) -> tensor<2x8x4xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x8x16xf32>
  %zero_row = arith.constant dense<0.0> : tensor<2x8xf32>
  %zero_out = arith.constant dense<0.0> : tensor<2x8x4xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x8xf32>
  %halves = arith.constant dense<0.5> : tensor<2x8x16xf32>
  %e = tensor.empty() : tensor<2x8x16xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x8x4xf32>, tensor<2x4x16xf32>) outs(%zeros : tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  %x = arith.mulf %s, %halves : tensor<2x8x16xf32>
  %max = linalg.reduce { arith.maximumf } ins(%x : tensor<2x8x16xf32>) outs(%lowest : tensor<2x8xf32>) dimensions = [2]
  %maxes = linalg.broadcast ins(%max : tensor<2x8xf32>) outs(%e : tensor<2x8x16xf32>) dimensions = [2]
  %shifted = arith.subf %x, %maxes : tensor<2x8x16xf32>
  %exp = math.exp %shifted : tensor<2x8x16xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<2x8x16xf32>) outs(%zero_row : tensor<2x8xf32>) dimensions = [2]
  %sums = linalg.broadcast ins(%sum : tensor<2x8xf32>) outs(%e : tensor<2x8x16xf32>) dimensions = [2]
  %p = arith.divf %exp, %sums : tensor<2x8x16xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x16xf32>, tensor<2x16x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}
