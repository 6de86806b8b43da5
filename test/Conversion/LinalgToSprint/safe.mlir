// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics \
// RUN:   | FileCheck %s --implicit-check-not=linalg.generic --implicit-check-not=math.

// Softmaxes that make something of rows without an allowed key, in many words, and what such a row becomes: 2 heads of 8
// queries and 16 keys with 4 channels.

!q = tensor<2x8x4xf32>
!k = tensor<2x4x16xf32>
!v = tensor<2x16x4xf32>
!s = tensor<2x8x16xf32>
!m = tensor<2x8x16xi1>
!r = tensor<2x8xf32>
!b = tensor<2x8xi1>
!o = tensor<2x8x4xf32>

#id = affine_map<(b, i, j) -> (b, i, j)>
#row = affine_map<(b, i, j) -> (b, i)>
#elements = {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
#element = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
#element_and_row = {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
#keys = {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
#rows = {indexing_maps = [affine_map<(b, i) -> (b, i)>, affine_map<(b, i) -> (b, i)>], iterator_types = ["parallel", "parallel"]}

// Nothing is made of them: NaN.
// CHECK-LABEL: func @not_safe
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) ->
func.func @not_safe(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %w = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The conjunction of comparisons with minus infinity, as torch writes it.
// CHECK-LABEL: func @all_scores_infinite
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @all_scores_infinite(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %true = arith.constant dense<true> : !b
  %em = tensor.empty() : !m
  %ninf = arith.constant 0xFF800000 : f32
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %infinite = linalg.generic #element ins(%s : !s) outs(%em : !m) {
  ^bb0(%a: f32, %out: i1):
    %y = arith.cmpf oeq, %a, %ninf : f32
    linalg.yield %y : i1
  } -> !m
  %every = linalg.reduce { arith.andi } ins(%infinite : !m) outs(%true : !b) dimensions = [2]
  %w = linalg.generic #element_and_row ins(%p, %every : !s, !b) outs(%e : !s) {
  ^bb0(%a: f32, %t: i1, %out: f32):
    %zero = arith.constant 0.0 : f32
    %y = arith.select %t, %zero, %a : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The disjunction of the opposite.
// CHECK-LABEL: func @any_score_finite
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @any_score_finite(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %false = arith.constant dense<false> : !b
  %ninf = arith.constant 0xFF800000 : f32
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %any = linalg.generic #keys ins(%s : !s) outs(%false : !b) {
  ^bb0(%a: f32, %t: i1):
    %infinite = arith.cmpf oeq, %a, %ninf : f32
    %true = arith.constant true
    %finite = arith.xori %infinite, %true : i1
    %y = arith.ori %t, %finite : i1
    linalg.yield %y : i1
  } -> !b
  %w = linalg.generic #element_and_row ins(%p, %any : !s, !b) outs(%e : !s) {
  ^bb0(%a: f32, %t: i1, %out: f32):
    %zero = arith.constant 0.0 : f32
    %y = arith.select %t, %a, %zero : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The disjunction of the mask itself.
// CHECK-LABEL: func @any_key_allowed
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @any_key_allowed(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %false = arith.constant dense<false> : !b
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %any = linalg.reduce { arith.ori } ins(%m : !m) outs(%false : !b) dimensions = [2]
  %w = linalg.generic #element_and_row ins(%p, %any : !s, !b) outs(%e : !s) {
  ^bb0(%a: f32, %t: i1, %out: f32):
    %zero = arith.constant 0.0 : f32
    %y = arith.select %t, %a, %zero : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// Rows whose maximum is minus infinity are replaced by zero.
// CHECK-LABEL: func @maximum_infinite
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @maximum_infinite(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %ninf = arith.constant 0xFF800000 : f32
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.generic #element_and_row ins(%p, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %x: f32, %out: f32):
    %zero = arith.constant 0.0 : f32
    %t = arith.cmpf oeq, %x, %ninf : f32
    %y = arith.select %t, %zero, %a : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A probability that is not itself is NaN.
// CHECK-LABEL: func @probability_unequal_itself
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @probability_unequal_itself(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.generic #element ins(%p : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %zero = arith.constant 0.0 : f32
    %t = arith.cmpf une, %a, %a : f32
    %y = arith.select %t, %zero, %a : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The same by an unordered comparison.
// CHECK-LABEL: func @probability_unordered
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @probability_unordered(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.generic #element ins(%p : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %zero = arith.constant 0.0 : f32
    %t = arith.cmpf uno, %a, %a : f32
    %y = arith.select %t, %zero, %a : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// Or its opposite.
// CHECK-LABEL: func @probability_equal_itself
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @probability_equal_itself(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.generic #element ins(%p : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %zero = arith.constant 0.0 : f32
    %t = arith.cmpf oeq, %a, %a : f32
    %y = arith.select %t, %a, %zero : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// CHECK-LABEL: func @probability_ordered
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @probability_ordered(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.generic #element ins(%p : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %zero = arith.constant 0.0 : f32
    %t = arith.cmpf ord, %a, %a : f32
    %y = arith.select %t, %a, %zero : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// NaN that is replaced by something else than zero is refused.
// CHECK-LABEL: func @probability_replaced_by_one
// CHECK: linalg.softmax
// CHECK: linalg.generic
// CHECK-NOT: sprint.attention
func.func @probability_replaced_by_one(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.generic #element ins(%p : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %one = arith.constant 1.0 : f32
    %t = arith.cmpf uno, %a, %a : f32
    %y = arith.select %t, %one, %a : f32
    linalg.yield %y : f32
  } -> !s
  // expected-remark @below {{attention not raised: the probabilities are replaced where they are NaN, but not by zero}}
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// torch.nan_to_num: infinities are replaced too, which probabilities never are.
// CHECK-LABEL: func @nan_to_num
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @nan_to_num(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %inf = arith.constant 0x7F800000 : f32
  %ninf = arith.constant 0xFF800000 : f32
  %high = arith.constant 3.40282347E+38 : f32
  %low = arith.constant -3.40282347E+38 : f32
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.generic #element ins(%p : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %zero = arith.constant 0.0 : f32
    %isnan = arith.cmpf uno, %a, %a : f32
    %x = arith.select %isnan, %zero, %a : f32
    %ishigh = arith.cmpf oeq, %x, %inf : f32
    %y = arith.select %ishigh, %high, %x : f32
    %islow = arith.cmpf oeq, %y, %ninf : f32
    %z = arith.select %islow, %low, %y : f32
    linalg.yield %z : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A maximum of minus infinity is replaced by zero, and then the sum, which is zero, by one.
// CHECK-LABEL: func @sum_of_zero_replaced
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @sum_of_zero_replaced(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %ninf = arith.constant 0xFF800000 : f32
  %er = tensor.empty() : !r
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %safe = linalg.generic #rows ins(%max : !r) outs(%er : !r) {
  ^bb0(%a: f32, %out: f32):
    %zero = arith.constant 0.0 : f32
    %t = arith.cmpf oeq, %a, %ninf : f32
    %y = arith.select %t, %zero, %a : f32
    linalg.yield %y : f32
  } -> !r
  %exp = linalg.generic #element_and_row ins(%s, %safe : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m0: f32, %out: f32):
    %d = arith.subf %a, %m0 : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %w = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %t = arith.cmpf oeq, %n, %zero : f32
    %d = arith.select %t, %one, %n : f32
    %y = arith.divf %a, %d : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// Without the latter the row is 0 / 0.
// CHECK-LABEL: func @sum_of_zero_not_replaced
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) ->
func.func @sum_of_zero_not_replaced(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %ninf = arith.constant 0xFF800000 : f32
  %er = tensor.empty() : !r
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %safe = linalg.generic #rows ins(%max : !r) outs(%er : !r) {
  ^bb0(%a: f32, %out: f32):
    %zero = arith.constant 0.0 : f32
    %t = arith.cmpf oeq, %a, %ninf : f32
    %y = arith.select %t, %zero, %a : f32
    linalg.yield %y : f32
  } -> !r
  %exp = linalg.generic #element_and_row ins(%s, %safe : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m0: f32, %out: f32):
    %d = arith.subf %a, %m0 : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %w = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %y = arith.divf %a, %n : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// A small number keeps the sum from being zero.
// CHECK-LABEL: func @small_number_added_to_the_sum
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @small_number_added_to_the_sum(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %ninf = arith.constant 0xFF800000 : f32
  %er = tensor.empty() : !r
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %safe = linalg.generic #rows ins(%max : !r) outs(%er : !r) {
  ^bb0(%a: f32, %out: f32):
    %zero = arith.constant 0.0 : f32
    %t = arith.cmpf oeq, %a, %ninf : f32
    %y = arith.select %t, %zero, %a : f32
    linalg.yield %y : f32
  } -> !r
  %exp = linalg.generic #element_and_row ins(%s, %safe : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m0: f32, %out: f32):
    %d = arith.subf %a, %m0 : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %w = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %epsilon = arith.constant 1.0e-12 : f32
    %d = arith.addf %n, %epsilon : f32
    %y = arith.divf %a, %d : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// It does not help where the maximum makes the exponentials NaN.
// CHECK-LABEL: func @small_number_added_too_late
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) ->
func.func @small_number_added_too_late(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %m0: f32, %out: f32):
    %d = arith.subf %a, %m0 : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %w = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %epsilon = arith.constant 1.0e-12 : f32
    %d = arith.addf %n, %epsilon : f32
    %y = arith.divf %a, %d : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The larger of both, without any maximum.
// CHECK-LABEL: func @larger_of_sum_and_small_number
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @larger_of_sum_and_small_number(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %exp = linalg.exp ins(%s : !s) outs(%e : !s) -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %w = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %epsilon = arith.constant 1.0e-12 : f32
    %d = arith.maximumf %n, %epsilon : f32
    %y = arith.divf %a, %d : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// softmax(where=): masked exponentials are replaced by zero for the sum, and the quotients for the result.
// CHECK-LABEL: func @exponentials_masked
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @exponentials_masked(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %unmasked = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %x: f32, %out: f32):
    %d = arith.subf %a, %x : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %exp = linalg.select ins(%m, %unmasked, %zeros : !m, !s, !s) outs(%e : !s) -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %quotient = linalg.generic #element_and_row ins(%unmasked, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %y = arith.divf %a, %n : f32
    linalg.yield %y : f32
  } -> !s
  %w = linalg.select ins(%m, %quotient, %zeros : !m, !s, !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// Masked exponentials, and nothing for the quotients: 0 / 0.
// CHECK-LABEL: func @exponentials_masked_once
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) ->
func.func @exponentials_masked_once(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %unmasked = linalg.generic #element_and_row ins(%s, %max : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %x: f32, %out: f32):
    %d = arith.subf %a, %x : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> !s
  %exp = linalg.select ins(%m, %unmasked, %zeros : !m, !s, !s) outs(%e : !s) -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %w = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %y = arith.divf %a, %n : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The probabilities are masked once more, as DeBERTa does.
// CHECK-LABEL: func @probabilities_masked_again
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @probabilities_masked_again(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.select ins(%m, %p, %zeros : !m, !s, !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// Probabilities masked that the scores are not: they do not sum up to one.
// CHECK-LABEL: func @other_probabilities_masked
// CHECK: linalg.softmax
// CHECK-NOT: sprint.attention
func.func @other_probabilities_masked(%q: !q, %k: !k, %v: !v, %m: !m, %n: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.select ins(%n, %p, %zeros : !m, !s, !s) outs(%e : !s) -> !s
  // expected-remark @below {{attention not raised: the probabilities of other keys than the masked ones are replaced by zero}}
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The same by a product with zeros and ones, and a small number added to the sum.
// CHECK-LABEL: func @exponentials_multiplied
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @exponentials_multiplied(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : !r
  %zero_out = arith.constant dense<0.0> : !o
  %lowest = arith.constant dense<0xFF800000> : !r
  %masked = arith.constant dense<0xFF800000> : !s
  %e = tensor.empty() : !s
  %s = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [2]
  %exp = linalg.generic {indexing_maps = [#id, #row, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %max, %m : !s, !r, !m) outs(%e : !s) {
  ^bb0(%a: f32, %x: f32, %t: i1, %out: f32):
    %d = arith.subf %a, %x : f32
    %y = math.exp %d : f32
    %n = arith.uitofp %t : i1 to f32
    %z = arith.mulf %y, %n : f32
    linalg.yield %z : f32
  } -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero_row : !r) dimensions = [2]
  %w = linalg.generic #element_and_row ins(%exp, %sum : !s, !r) outs(%e : !s) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %epsilon = arith.constant 1.0e-12 : f32
    %d = arith.addf %n, %epsilon : f32
    %y = arith.divf %a, %d : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The same of scores masked by the lowest number.
// CHECK-LABEL: func @probabilities_of_lowest_masked_again
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @probabilities_of_lowest_masked_again(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<-3.40282347E+38> : !s
  %e = tensor.empty() : !s
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %w = linalg.select ins(%m, %p, %zeros : !m, !s, !s) outs(%e : !s) -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}

// The disjunction of the mask, of scores masked by the lowest number.
// CHECK-LABEL: func @any_key_allowed_of_lowest
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x8x16xi1>)
// CHECK: %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 2, 8, 16]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[M4]] : tensor<1x2x8x16xi1>) outs({{.*}}) scale(1.000000e+00) ->
func.func @any_key_allowed_of_lowest(%q: !q, %k: !k, %v: !v, %m: !m) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o
  %masked = arith.constant dense<-3.40282347E+38> : !s
  %e = tensor.empty() : !s
  %false = arith.constant dense<false> : !b
  %product = linalg.batch_matmul ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %s = linalg.select ins(%m, %product, %masked : !m, !s, !s) outs(%e : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %any = linalg.reduce { arith.ori } ins(%m : !m) outs(%false : !b) dimensions = [2]
  %w = linalg.generic #element_and_row ins(%p, %any : !s, !b) outs(%e : !s) {
  ^bb0(%a: f32, %t: i1, %out: f32):
    %zero = arith.constant 0.0 : f32
    %y = arith.select %t, %a, %zero : f32
    linalg.yield %y : f32
  } -> !s
  %o = linalg.batch_matmul ins(%w, %v : !s, !v) outs(%zero_out : !o) -> !o
  return %o : !o
}
