// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s

// Parts of an attention that are functions of their own, as JAX writes them: 2 batches of 3 heads, 8 queries and 16 keys
// with 4 channels.

!q = tensor<2x3x8x4xf32>
!k = tensor<2x3x16x4xf32>
!s = tensor<2x3x8x16xf32>
!r = tensor<2x3x8xf32>

#bhic = affine_map<(b, h, i, j, c) -> (b, h, i, c)>
#bhjc = affine_map<(b, h, i, j, c) -> (b, h, j, c)>
#bhij = affine_map<(b, h, i, j, c) -> (b, h, i, j)>
#id = affine_map<(b, h, i, j) -> (b, h, i, j)>
#ij = affine_map<(b, h, i, j) -> (i, j)>

// CHECK-NOT: func private @softmax
func.func private @softmax(%s: !s) -> !s {
  %zero = arith.constant dense<0.0> : !r
  %lowest = arith.constant dense<0xFF800000> : !r
  %e = tensor.empty() : !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : !r) dimensions = [3]
  %maxes = linalg.broadcast ins(%max : !r) outs(%e : !s) dimensions = [3]
  %shifted = linalg.sub ins(%s, %maxes : !s, !s) outs(%e : !s) -> !s
  %exp = linalg.exp ins(%shifted : !s) outs(%e : !s) -> !s
  %sum = linalg.reduce { arith.addf } ins(%exp : !s) outs(%zero : !r) dimensions = [3]
  %sums = linalg.broadcast ins(%sum : !r) outs(%e : !s) dimensions = [3]
  %p = linalg.div ins(%exp, %sums : !s, !s) outs(%e : !s) -> !s
  return %p : !s
}

// CHECK-NOT: func private @tril
func.func private @tril() -> tensor<8x16xi1> {
  %e = tensor.empty() : tensor<8x16xi1>
  %t = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} outs(%e : tensor<8x16xi1>) {
  ^bb0(%out: i1):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %y = arith.cmpi sle, %j, %i : index
    linalg.yield %y : i1
  } -> tensor<8x16xi1>
  return %t : tensor<8x16xi1>
}

// A mask that calls another function, and selects.
// CHECK-NOT: func private @where_causal
func.func private @where_causal(%s: !s) -> !s {
  %masked = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : !s
  %m = call @tril() : () -> tensor<8x16xi1>
  %x = linalg.generic {indexing_maps = [#ij, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%m, %s : tensor<8x16xi1>, !s) outs(%e : !s) {
  ^bb0(%t: i1, %a: f32, %out: f32):
    %y = arith.select %t, %a, %masked : f32
    linalg.yield %y : f32
  } -> !s
  return %x : !s
}

// CHECK-LABEL: func @softmax_called
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x4xf32>)
// CHECK-NEXT: %[[INIT:.*]] = tensor.empty() : tensor<2x3x8x4xf32>
// CHECK-NEXT: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs(%[[INIT]] : {{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: return %[[O]]
func.func @softmax_called(%q: !q, %k: !k, %v: !k) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = call @softmax(%s) : (!s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// A mask from a function that calls another.
// CHECK-LABEL: func @mask_called
// CHECK-NEXT: %[[INIT:.*]] = tensor.empty() : tensor<2x3x8x4xf32>
// CHECK-NEXT: %[[O:.*]] = sprint.attention @{{.*}} ins({{.*}}) outs(%[[INIT]] : {{.*}}) scale(1.000000e+00) band(<upper = 0>) ->
// CHECK-NEXT: return %[[O]]
func.func @mask_called(%q: !q, %k: !k, %v: !k) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %x = call @where_causal(%s) : (!s) -> !s
  %p = call @softmax(%x) : (!s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// All of an attention is a private function, which is called twice: two attentions, each with its operands.
// CHECK-NOT: func private @attention
func.func private @attention(%q: !k, %k: !k, %v: !k) -> !k {
  %zeros = arith.constant dense<0.0> : tensor<2x3x16x16xf32>
  %zero_out = arith.constant dense<0.0> : !k
  %e = tensor.empty() : tensor<2x3x16x16xf32>
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !k, !k) outs(%zeros : tensor<2x3x16x16xf32>) -> tensor<2x3x16x16xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<2x3x16x16xf32>) outs(%e : tensor<2x3x16x16xf32>) -> tensor<2x3x16x16xf32>
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : tensor<2x3x16x16xf32>, !k) outs(%zero_out : !k) -> !k
  return %o : !k
}

// CHECK-LABEL: func @called_twice
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x16x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x4xf32>)
// CHECK: %[[X:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] :
// CHECK: %[[Y:.*]] = sprint.attention @{{.*}} ins(%[[X]], %[[V]], %[[K]] :
// CHECK-NEXT: return %[[Y]]
func.func @called_twice(%q: !k, %k: !k, %v: !k) -> !k {
  %x = call @attention(%q, %k, %v) : (!k, !k, !k) -> !k
  %y = call @attention(%x, %v, %k) : (!k, !k, !k) -> !k
  return %y : !k
}

// A public function may be called from elsewhere: it is inlined and stays, raised itself.
// CHECK-LABEL: func @public
// CHECK: sprint.attention
// CHECK: return
func.func @public(%q: !q, %k: !k, %v: !k) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = call @softmax(%s) : (!s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// CHECK-LABEL: func @public_called
// CHECK: sprint.attention
// CHECK-NOT: call
// CHECK: return
func.func @public_called(%q: !q, %k: !k, %v: !k) -> !q {
  %o = call @public(%q, %k, %v) : (!q, !k, !k) -> !q
  return %o : !q
}

// A declaration has no body to look into: the call stays, and what it gives is no softmax.
// CHECK: func private @elsewhere
func.func private @elsewhere(!s) -> !s

// CHECK-LABEL: func @body_unknown
// CHECK: call @elsewhere
// CHECK-NOT: sprint.attention
// CHECK: return
func.func @body_unknown(%q: !q, %k: !k, %v: !k) -> !q {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !q
  %s = linalg.contract indexing_maps = [#bhic, #bhjc, #bhij] ins(%q, %k : !q, !k) outs(%zeros : !s) -> !s
  %p = call @elsewhere(%s) : (!s) -> !s
  %o = linalg.contract indexing_maps = [#bhij, #bhjc, #bhic] ins(%p, %v : !s, !k) outs(%zero_out : !q) -> !q
  return %o : !q
}

// Functions that call each other without end are not inlined for ever.
// CHECK: func private @even
func.func private @even(%n: index, %s: !s) -> !s {
  %one = arith.constant 1 : index
  %m = arith.subi %n, %one : index
  %x = call @odd(%m, %s) : (index, !s) -> !s
  return %x : !s
}

// CHECK: func private @odd
func.func private @odd(%n: index, %s: !s) -> !s {
  %x = call @even(%n, %s) : (index, !s) -> !s
  return %x : !s
}

// CHECK-LABEL: func @recursion
func.func @recursion(%n: index, %s: !s) -> !s {
  %x = call @even(%n, %s) : (index, !s) -> !s
  return %x : !s
}

// An attention of torch-mlir's own in a private function.
// CHECK-LABEL: func @tm_tensor_called
// CHECK: sprint.attention @{{.*}} ins({{.*}}) outs({{.*}}) scale(5.000000e-01)
func.func @tm_tensor_called(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>) -> tensor<2x8x4xf32> {
  %o = func.call @tm_tensor_private(%q, %k, %v)
      : (tensor<2x8x4xf32>, tensor<2x8x4xf32>, tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

func.func private @tm_tensor_private(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>) -> tensor<2x8x4xf32> {
  %init = tensor.empty() : tensor<2x8x4xf32>
  %o = tm_tensor.attention ins(%q, %k, %v : tensor<2x8x4xf32>, tensor<2x8x4xf32>, tensor<2x8x4xf32>)
      outs(%init : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}
