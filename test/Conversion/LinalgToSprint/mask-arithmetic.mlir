// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s

// Masks that are computed with numbers: 2 batches of 3 heads, 8 queries and 16 keys with 4 channels.

!q = tensor<2x3x8x4xf32>
!k = tensor<2x3x16x4xf32>
!s = tensor<2x3x8x16xf32>
!qh = tensor<2x3x8x4xf16>
!kh = tensor<2x3x16x4xf16>
!sh = tensor<2x3x8x16xf16>
!qb = tensor<2x3x8x4xbf16>
!kb = tensor<2x3x16x4xbf16>
!sb = tensor<2x3x8x16xbf16>

#bhic = affine_map<(b, h, i, j, c) -> (b, h, i, c)>
#bhjc = affine_map<(b, h, i, j, c) -> (b, h, j, c)>
#bhij = affine_map<(b, h, i, j, c) -> (b, h, i, j)>
#id = affine_map<(b, h, i, j) -> (b, h, i, j)>
#key = affine_map<(b, h, i, j) -> (b, j)>
#query = affine_map<(b, h, i, j) -> (b, i)>
#element = {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#with_key = {indexing_maps = [#id, #key, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
#with_query = {indexing_maps = [#id, #query, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}

// The lowest half leaves of a score it is added to what is rounded to 32: these count where there is no key.
// CHECK-LABEL: func @lowest_f16_added
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) masked_logit(-6.550400e+04 : f16) ->
func.func @lowest_f16_added(%q: !qh, %k: !kh, %v: !kh, %t: tensor<2x16xi1>) -> !qh {
  %zeros = arith.constant dense<0.0> : !sh
  %zero_out = arith.constant dense<0.0> : !qh
  %e = tensor.empty() : !sh
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !qh, !kh) outs(%zeros : !sh) -> !sh
  %x = linalg.generic #with_key ins(%s, %t : !sh, tensor<2x16xi1>) outs(%e : !sh) {
  ^bb0(%a: f16, %f: i1, %out: f16):
    %zero = arith.constant 0.0 : f16
    %masked = arith.constant -65504.0 : f16
    %b = arith.select %f, %zero, %masked : f16
    %y = arith.addf %a, %b : f16
    linalg.yield %y : f16
  } -> !sh
  %p = linalg.softmax dimension(3) ins(%x : !sh) outs(%e : !sh) -> !sh
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !sh, !kh) outs(%zero_out : !qh) -> !qh
  return %o : !qh
}

// In bfloat16 -10000 leaves steps of 64.
// CHECK-LABEL: func @ten_thousand_added_in_bf16
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) masked_logit(-9.984000e+03 : bf16) ->
func.func @ten_thousand_added_in_bf16(%q: !qb, %k: !kb, %v: !kb, %t: tensor<2x16xi1>) -> !qb {
  %zeros = arith.constant dense<0.0> : !sb
  %zero_out = arith.constant dense<0.0> : !qb
  %e = tensor.empty() : !sb
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !qb, !kb) outs(%zeros : !sb) -> !sb
  %x = linalg.generic #with_key ins(%s, %t : !sb, tensor<2x16xi1>) outs(%e : !sb) {
  ^bb0(%a: bf16, %f: i1, %out: bf16):
    %zero = arith.constant 0.0 : bf16
    %masked = arith.constant -9984.0 : bf16
    %b = arith.select %f, %zero, %masked : bf16
    %y = arith.addf %a, %b : bf16
    linalg.yield %y : bf16
  } -> !sb
  %p = linalg.softmax dimension(3) ins(%x : !sb) outs(%e : !sb) -> !sb
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !sb, !kb) outs(%zero_out : !qb) -> !qb
  return %o : !qb
}

// So does -1e9 in f32.
// CHECK-LABEL: func @billion_added
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) masked_logit(-1.000000e+09 : f32) ->
func.func @billion_added(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant -1.0e9 : f32
    %b = arith.select %f, %zero, %masked : f32
    %y = arith.addf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// Numbers that only have no weight mask too, where every query has a key that is allowed.
// CHECK-LABEL: func @ten_thousand_added_where_no_row_is_empty
// CHECK: sprint.attention @{{.*}} ins({{.*}}) outs({{.*}}) scale(1.000000e+00) band(<upper = 0>) ->
func.func @ten_thousand_added_where_no_row_is_empty(%q: !q, %k: !k, %v: !k) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #element ins(%s : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %f = arith.cmpi sle, %j, %i : index
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant -10000.0 : f32
    %b = arith.select %f, %zero, %masked : f32
    %y = arith.addf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// CHECK-LABEL: func @ten_thousand_added_in_f16
// CHECK: sprint.attention @{{.*}} ins({{.*}}) outs({{.*}}) scale(1.000000e+00) band(<upper = 0>) ->
func.func @ten_thousand_added_in_f16(%q: !qh, %k: !kh, %v: !kh) -> !qh {
  %zeros = arith.constant dense<0.0> : !sh
  %zero_out = arith.constant dense<0.0> : !qh
  %e = tensor.empty() : !sh
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !qh, !kh) outs(%zeros : !sh) -> !sh
  %x = linalg.generic #element ins(%s : !sh) outs(%e : !sh) {
  ^bb0(%a: f16, %out: f16):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %f = arith.cmpi sle, %j, %i : index
    %zero = arith.constant 0.0 : f16
    %masked = arith.constant -10000.0 : f16
    %b = arith.select %f, %zero, %masked : f16
    %y = arith.addf %a, %b : f16
    linalg.yield %y : f16
  } -> !sh
  %p = linalg.softmax dimension(3) ins(%x : !sh) outs(%e : !sh) -> !sh
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !sh, !kh) outs(%zero_out : !qh) -> !qh
  return %o : !qh
}

// CHECK-LABEL: func @hundred_thousand_added
// CHECK: sprint.attention @{{.*}} ins({{.*}}) outs({{.*}}) scale(1.000000e+00) band(<upper = 0>) ->
func.func @hundred_thousand_added(%q: !q, %k: !k, %v: !k) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #element ins(%s : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %f = arith.cmpi sle, %j, %i : index
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant -1.0e5 : f32
    %b = arith.select %f, %zero, %masked : f32
    %y = arith.addf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// Where a query may have none, its row is computed as in the source, whose scores -10000 does not absorb.
// CHECK-LABEL: func @ten_thousand_added_where_rows_may_be_empty
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) masked_logit(-1.000000e+04 : f32) ->
func.func @ten_thousand_added_where_rows_may_be_empty(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant -10000.0 : f32
    %b = arith.select %f, %zero, %masked : f32
    %y = arith.addf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// CHECK-LABEL: func @ten_thousand_added_in_f16_where_rows_may_be_empty
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) masked_logit(-1.000000e+04 : f16) ->
func.func @ten_thousand_added_in_f16_where_rows_may_be_empty(%q: !qh, %k: !kh, %v: !kh, %t: tensor<2x16xi1>) -> !qh {
  %zeros = arith.constant dense<0.0> : !sh
  %zero_out = arith.constant dense<0.0> : !qh
  %e = tensor.empty() : !sh
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !qh, !kh) outs(%zeros : !sh) -> !sh
  %x = linalg.generic #with_key ins(%s, %t : !sh, tensor<2x16xi1>) outs(%e : !sh) {
  ^bb0(%a: f16, %f: i1, %out: f16):
    %zero = arith.constant 0.0 : f16
    %masked = arith.constant -10000.0 : f16
    %b = arith.select %f, %zero, %masked : f16
    %y = arith.addf %a, %b : f16
    linalg.yield %y : f16
  } -> !sh
  %p = linalg.softmax dimension(3) ins(%x : !sh) outs(%e : !sh) -> !sh
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !sh, !kh) outs(%zero_out : !qh) -> !qh
  return %o : !qh
}

// -1000 is a bias.
// CHECK-LABEL: func @thousand_added
// CHECK: %[[BIAS:.*]] = linalg.generic
// CHECK: sprint.attention @{{.*}} ins({{.*}}) bias(%[[BIAS]] : tensor<2x1x1x16xf32>) outs({{.*}}) scale(1.000000e+00) ->
func.func @thousand_added(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant -1000.0 : f32
    %b = arith.select %f, %zero, %masked : f32
    %y = arith.addf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// The masking constant is one of f64, rounded in the body.
// CHECK-LABEL: func @constant_truncated
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(uniform) ->
func.func @constant_truncated(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %masked = arith.constant -3.4028234663852886E+38 : f64
    %zero = arith.constant 0.0 : f32
    %rounded = arith.truncf %masked : f64 to f32
    %b = arith.select %f, %zero, %rounded : f32
    %y = arith.addf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// The same of a number between two of f32.
// CHECK-LABEL: func @constant_that_f32_does_not_hold
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(uniform) ->
func.func @constant_that_f32_does_not_hold(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %masked = arith.constant -1.0e15 : f64
    %zero = arith.constant 0.0 : f64
    %b = arith.select %f, %zero, %masked : f64
    %rounded = arith.truncf %b : f64 to f32
    %y = arith.addf %a, %rounded : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// A mask of halves, added in f32.
// CHECK-LABEL: func @constant_extended
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) ->
func.func @constant_extended(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %masked = arith.constant 0xFC00 : f16
    %zero = arith.constant 0.0 : f16
    %b = arith.select %f, %zero, %masked : f16
    %wide = arith.extf %b : f16 to f32
    %y = arith.addf %a, %wide : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// (1 - mask) * lowest of booleans.
// CHECK-LABEL: func @one_minus_boolean
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(uniform) ->
func.func @one_minus_boolean(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %n = arith.uitofp %f : i1 to f32
    %one = arith.constant 1.0 : f32
    %masked = arith.constant -3.40282347E+38 : f32
    %d = arith.subf %one, %n : f32
    %b = arith.mulf %d, %masked : f32
    %y = arith.addf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// The same of integers, as tokenizers give them. That they are 0 or 1 is checked when the program runs.
// CHECK-LABEL: func @one_minus_integer
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi64>)
// CHECK: %[[VALID:.*]] = linalg.generic {{.*}} ins(%[[T]] : tensor<2x16xi64>) outs({{.*}} : tensor<2x16xi1>)
// CHECK: cf.assert %{{.*}}, "expected a mask of zeros and ones"
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[VALID]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(uniform) ->
func.func @one_minus_integer(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi64>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi64>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i64, %out: f32):
    %n = arith.sitofp %f : i64 to f32
    %one = arith.constant 1.0 : f32
    %masked = arith.constant -3.40282347E+38 : f32
    %d = arith.subf %one, %n : f32
    %b = arith.mulf %d, %masked : f32
    %y = arith.addf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// (mask - 1) * 1e9, of 32 bits.
// CHECK-LABEL: func @integer_minus_one
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi32>)
// CHECK: %[[VALID:.*]] = linalg.generic {{.*}} ins(%[[T]] : tensor<2x16xi32>) outs({{.*}} : tensor<2x16xi1>)
// CHECK: cf.assert %{{.*}}, "expected a mask of zeros and ones"
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[VALID]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) masked_logit(-1.000000e+09 : f32) ->
func.func @integer_minus_one(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi32>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi32>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i32, %out: f32):
    %one = arith.constant 1 : i32
    %c = arith.constant 1.0e9 : f32
    %d = arith.subi %f, %one : i32
    %n = arith.sitofp %d : i32 to f32
    %b = arith.mulf %n, %c : f32
    %y = arith.addf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// Comparisons need no check.
// CHECK-LABEL: func @integer_compared
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi64>)
// CHECK: %[[VALID:.*]] = linalg.generic {{.*}} ins(%[[T]] : tensor<2x16xi64>) outs({{.*}} : tensor<2x16xi1>)
// CHECK-NOT: cf.assert
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[VALID]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) ->
func.func @integer_compared(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi64>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi64>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i64, %out: f32):
    %zero = arith.constant 0 : i64
    %masked = arith.constant 0xFF800000 : f32
    %hidden = arith.cmpi eq, %f, %zero : i64
    %y = arith.select %hidden, %masked, %a : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// Of floats it is a bias, which may mask; rows that it masks are computed as in the source.
// CHECK-LABEL: func @one_minus_float
// CHECK: %[[BIAS:.*]] = linalg.generic {{.*}} outs({{.*}} : tensor<2x1x1x16xf32>)
// CHECK-NOT: cf.assert
// CHECK: sprint.attention @{{.*}} ins({{.*}}) bias(%[[BIAS]] : tensor<2x1x1x16xf32>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) masked_logit(0xFF800000 : f32) ->
func.func @one_minus_float(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xf32>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xf32>) outs(%e : !s) {
  ^bb0(%a: f32, %f: f32, %out: f32):
    %one = arith.constant 1.0 : f32
    %masked = arith.constant -3.40282347E+38 : f32
    %d = arith.subf %one, %f : f32
    %b = arith.mulf %d, %masked : f32
    %y = arith.addf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// -10000 in the place of a score masks where no score can be that low: the norms of queries and keys tell.
// CHECK-LABEL: func @ten_thousand_selected
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %{{.*}}: tensor<2x3x16x4xf32>, %[[T:.*]]: tensor<2x16xi1>)
// CHECK: linalg.reduce ins(%[[Q]] :
// CHECK: %[[NQ:.*]] = math.sqrt
// CHECK: linalg.reduce ins(%[[K]] :
// CHECK: %[[NK:.*]] = math.sqrt
// CHECK: %[[N:.*]] = arith.mulf %[[NQ]], %[[NK]] : f32
// CHECK: %[[LIMIT:.*]] = arith.constant 9.872000e+03 : f32
// CHECK: %[[OK:.*]] = arith.cmpf ule, %[[N]], %[[LIMIT]] : f32
// CHECK: cf.assert %[[OK]], "scores may be as low as the number that stands for masked keys"
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(uniform) ->
func.func @ten_thousand_selected(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %masked = arith.constant -10000.0 : f32
    %y = arith.select %f, %a, %masked : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// Nothing is lower than the lowest number: no check.
// CHECK-LABEL: func @lowest_selected
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK-NOT: cf.assert
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(uniform) ->
func.func @lowest_selected(%q: !qh, %k: !kh, %v: !kh, %t: tensor<2x16xi1>) -> !qh {
  %zeros = arith.constant dense<0.0> : !sh
  %zero_out = arith.constant dense<0.0> : !qh
  %e = tensor.empty() : !sh
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !qh, !kh) outs(%zeros : !sh) -> !sh
  %x = linalg.generic #with_key ins(%s, %t : !sh, tensor<2x16xi1>) outs(%e : !sh) {
  ^bb0(%a: f16, %f: i1, %out: f16):
    %masked = arith.constant -65504.0 : f16
    %y = arith.select %f, %a, %masked : f16
    linalg.yield %y : f16
  } -> !sh
  %p = linalg.softmax dimension(3) ins(%x : !sh) outs(%e : !sh) -> !sh
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !sh, !kh) outs(%zero_out : !qh) -> !qh
  return %o : !qh
}

// -1000 in the place of a score is too likely to be one.
// CHECK-LABEL: func @thousand_selected
// CHECK: linalg.softmax
// CHECK-NOT: sprint.attention
func.func @thousand_selected(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %masked = arith.constant -1000.0 : f32
    %y = arith.select %f, %a, %masked : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  // expected-remark @below {{attention not raised: expected a logit of masked keys of -8192.00 or less, got -1000.00}}
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// A large number added to all scores leaves nothing of them.
// CHECK-LABEL: func @billion_added_to_all
// CHECK: linalg.softmax
// CHECK-NOT: sprint.attention
func.func @billion_added_to_all(%q: !q, %k: !k, %v: !k) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #element ins(%s : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %c = arith.constant 1.0e9 : f32
    %y = arith.addf %a, %c : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  // expected-remark @below {{attention not raised: the scores are rounded away: 1.000000E+09 is added to all of them in f32}}
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// A small one changes nothing.
// CHECK-LABEL: func @hundred_added_to_all
// CHECK: sprint.attention @{{.*}} ins({{.*}}) outs({{.*}}) scale(1.000000e+00) ->
func.func @hundred_added_to_all(%q: !q, %k: !k, %v: !k) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #element ins(%s : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %c = arith.constant 100.0 : f32
    %y = arith.addf %a, %c : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// Rows of padding tokens: all of their keys are masked, so such a row is the mean of the values.
// CHECK-LABEL: func @queries_masked
// CHECK: %[[MASK:.*]] = linalg.generic {{.*}} outs({{.*}} : tensor<2x1x8x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[MASK]] : tensor<2x1x8x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(uniform) ->
func.func @queries_masked(%q: !q, %k: !k, %v: !k, %t: tensor<2x8xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_query ins(%s, %t : !s, tensor<2x8xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant -3.40282347E+38 : f32
    %b = arith.select %f, %zero, %masked : f32
    %y = arith.addf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// A query and a key have to be tokens both.
// CHECK-LABEL: func @queries_and_keys_masked
// CHECK-SAME: %[[TQ:[a-z0-9]*]]: tensor<2x8xi1>, %[[TK:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[TK]] : tensor<2x16xi1>) mask(%{{.*}} : tensor<2x1x8x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) ->
func.func @queries_and_keys_masked(%q: !q, %k: !k, %v: !k, %tq: tensor<2x8xi1>, %tk: tensor<2x16xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic {indexing_maps = [#id, #query, #key, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%s, %tq, %tk : !s, tensor<2x8xi1>, tensor<2x16xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %g: i1, %out: f32):
    %masked = arith.constant 0xFF800000 : f32
    %both = arith.andi %f, %g : i1
    %y = arith.select %both, %a, %masked : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// Causal and padding in one condition: a band, and which keys are valid.
// CHECK-LABEL: func @causal_and_padding
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) band(<upper = 0>) empty_row(uniform) ->
func.func @causal_and_padding(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %causal = arith.cmpi sle, %j, %i : index
    %masked = arith.constant -3.40282347E+38 : f32
    %both = arith.andi %causal, %f : i1
    %y = arith.select %both, %a, %masked : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// The same as the disjunction of what is hidden.
// CHECK-LABEL: func @causal_or_padding
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) band(<upper = 0>) empty_row(nan) ->
func.func @causal_or_padding(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %true = arith.constant true
    %masked = arith.constant 0xFF800000 : f32
    %later = arith.cmpi sgt, %j, %i : index
    %padding = arith.xori %f, %true : i1
    %hidden = arith.ori %later, %padding : i1
    %y = arith.select %hidden, %masked, %a : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// A causal select of minus infinity, and minus infinity added for padding.
// CHECK-LABEL: func @causal_selected_padding_added
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) band(<upper = 0>) empty_row(nan) ->
func.func @causal_selected_padding_added(%q: !q, %k: !k, %v: !k, %t: tensor<2x16xi1>) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #with_key ins(%s, %t : !s, tensor<2x16xi1>) outs(%e : !s) {
  ^bb0(%a: f32, %f: i1, %out: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %causal = arith.cmpi sle, %j, %i : index
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %x = arith.select %causal, %a, %masked : f32
    %b = arith.select %f, %zero, %masked : f32
    %y = arith.addf %x, %b : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// The lowest half added, and then nothing lower than it, as OPT does.
// CHECK-LABEL: func @larger_of_masked_and_lowest
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x16xi1>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[T]] : tensor<2x16xi1>) outs({{.*}}) scale(1.000000e+00) empty_row(nan) masked_logit(-6.550400e+04 : f16) ->
func.func @larger_of_masked_and_lowest(%q: !qh, %k: !kh, %v: !kh, %t: tensor<2x16xi1>) -> !qh {
  %zeros = arith.constant dense<0.0> : !sh
  %zero_out = arith.constant dense<0.0> : !qh
  %e = tensor.empty() : !sh
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !qh, !kh) outs(%zeros : !sh) -> !sh
  %x = linalg.generic #with_key ins(%s, %t : !sh, tensor<2x16xi1>) outs(%e : !sh) {
  ^bb0(%a: f16, %f: i1, %out: f16):
    %zero = arith.constant 0.0 : f16
    %masked = arith.constant -65504.0 : f16
    %b = arith.select %f, %zero, %masked : f16
    %x = arith.addf %a, %b : f16
    %y = arith.maximumf %x, %masked : f16
    linalg.yield %y : f16
  } -> !sh
  %p = linalg.softmax dimension(3) ins(%x : !sh) outs(%e : !sh) -> !sh
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !sh, !kh) outs(%zero_out : !qh) -> !qh
  return %o : !qh
}

// A slope times the distance, as ALiBi adds: a bias, computed for queries and keys only.
// CHECK-LABEL: func @distance_added
// CHECK: %[[BIAS:.*]] = linalg.generic {{.*}} outs({{.*}} : tensor<1x1x8x16xf32>)
// CHECK: sprint.attention @{{.*}} ins({{.*}}) bias(%[[BIAS]] : tensor<1x1x8x16xf32>) outs({{.*}}) scale(1.000000e+00) ->
func.func @distance_added(%q: !q, %k: !k, %v: !k) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %e = tensor.empty() : !s
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = linalg.generic #element ins(%s : !s) outs(%e : !s) {
  ^bb0(%a: f32, %out: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %d = arith.subi %j, %i : index
    %n = arith.index_cast %d : index to i64
    %x = arith.sitofp %n : i64 to f32
    %slope = arith.constant 0.0625 : f32
    %b = arith.mulf %x, %slope : f32
    %y = arith.addf %a, %b : f32
    linalg.yield %y : f32
  } -> !s
  %p = linalg.softmax dimension(3) ins(%x : !s) outs(%e : !s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}
