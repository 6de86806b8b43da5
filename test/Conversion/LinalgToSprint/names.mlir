// RUN: sprint-opt %s --split-input-file --convert-linalg-to-sprint | FileCheck %s
// RUN: sprint-opt %s --split-input-file --convert-linalg-to-sprint --convert-linalg-to-sprint | FileCheck %s

// The name of an attention is that of its place where the producer gives it one.

!t = tensor<1x8x4xf32>
!a = tensor<1x1x8x4xf32>

// CHECK-LABEL: func @paths
// CHECK: sprint.attention @layers.0.self_attn ins(
// CHECK: sprint.attention @layers.1.self_attn ins(
// CHECK: sprint.attention @layers.2.self_attn ins(
// CHECK: sprint.attention @outer ins(
func.func @paths(%t: !t) -> !t {
  %init = tensor.empty() : !t
  %0 = tm_tensor.attention ins(%t, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("layers.0.self_attn")
  %1 = tm_tensor.attention ins(%0, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("layers.1.self_attn"("model.py":3:4))
  %2 = tm_tensor.attention ins(%1, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc(fused["model.py":3:4, "layers.2.self_attn"("model.py":5:6)])
  %3 = tm_tensor.attention ins(%2, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc(callsite("outer"("inner"("a.py":1:1)) at "caller"("b.py":2:2)))
  return %3 : !t
}

// -----

// Equal names are told apart in the order of the program; so are those of symbols.

!t = tensor<1x8x4xf32>
!a = tensor<1x1x8x4xf32>

// CHECK-LABEL: func @equal
// CHECK: sprint.attention @path ins(
// CHECK: sprint.attention @path.1 ins(
// CHECK: sprint.attention @path.1.1 ins(
// CHECK: sprint.attention @path.2 ins(
// CHECK: sprint.attention @equal.1 ins(
func.func @equal(%t: !t) -> !t {
  %init = tensor.empty() : !t
  %0 = tm_tensor.attention ins(%t, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("path")
  %1 = tm_tensor.attention ins(%0, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("path")
  %2 = tm_tensor.attention ins(%1, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("path.1")
  %3 = tm_tensor.attention ins(%2, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("path")
  %4 = tm_tensor.attention ins(%3, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("equal")
  return %4 : !t
}

// -----

// A place in a file alone is no name.

!t = tensor<1x8x4xf32>
!a = tensor<1x1x8x4xf32>

// CHECK-LABEL: func @single
// CHECK: sprint.attention @attention ins(
func.func @single(%t: !t) -> !t {
  %init = tensor.empty() : !t
  %0 = tm_tensor.attention ins(%t, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("model.py":3:4)
  return %0 : !t
}

// -----

!t = tensor<1x8x4xf32>
!a = tensor<1x1x8x4xf32>

// CHECK-LABEL: func @several
// CHECK: sprint.attention @attention_0 ins(
// CHECK: sprint.attention @path ins(
// CHECK: sprint.attention @attention_1 ins(
// CHECK: sprint.attention @attention_2 ins(
func.func @several(%t: !t) -> !t {
  %init = tensor.empty() : !t
  %0 = tm_tensor.attention ins(%t, %t, %t : !t, !t, !t) outs(%init : !t) -> !t
  %1 = tm_tensor.attention ins(%0, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("path")
  %2 = tm_tensor.attention ins(%1, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("")
  %3 = tm_tensor.attention ins(%2, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc(unknown)
  return %3 : !t
}

// -----

// A function may have the name already.

!t = tensor<1x8x4xf32>
!a = tensor<1x1x8x4xf32>

// CHECK-LABEL: func @attention
// CHECK: sprint.attention @attention_0 ins(
func.func @attention(%t: !t) -> !t {
  %init = tensor.empty() : !t
  %0 = tm_tensor.attention ins(%t, %t, %t : !t, !t, !t) outs(%init : !t) -> !t
  return %0 : !t
}

// -----

// What is an attention already keeps its name, as far as it is the only one of it, and gets one where it has none.

!t = tensor<1x8x4xf32>
!a = tensor<1x1x8x4xf32>

// CHECK-LABEL: func @given
// CHECK: sprint.attention @mine.2 ins(
// CHECK: sprint.attention @attention ins(
// CHECK: sprint.attention @mine ins(
// CHECK: sprint.attention @mine.1 ins(
func.func @given(%t: !t, %a: !a) -> (!t, !a) {
  %init = tensor.empty() : !t
  %0 = tm_tensor.attention ins(%t, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("mine")
  %1 = sprint.attention ins(%a, %a, %a : !a, !a, !a) outs(%a : !a) scale(0.5) -> !a
  %2 = sprint.attention @mine ins(%1, %a, %a : !a, !a, !a) outs(%a : !a) scale(0.5) -> !a
  %3 = sprint.attention @mine ins(%2, %a, %a : !a, !a, !a) outs(%a : !a) scale(0.5) -> !a
  return %0, %3 : !t, !a
}

// -----

// A command stream holds names of at most 255 printable characters: what is not printable is replaced, and of what is long the end is kept.

!t = tensor<1x8x4xf32>
!a = tensor<1x1x8x4xf32>

// CHECK-LABEL: func @any_text
// CHECK: sprint.attention @"a b\22_\\__" ins(
// CHECK: sprint.attention @{{(x{198})}}.y ins(
func.func @any_text(%t: !t) -> !t {
  %init = tensor.empty() : !t
  %0 = tm_tensor.attention ins(%t, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("a b\22\0A\5C\C3\A4")
  %1 = tm_tensor.attention ins(%0, %t, %t : !t, !t, !t) outs(%init : !t) -> !t loc("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.y")
  return %1 : !t
}

// -----

// What is spelled in parts has the name of the module that all parts are in, whose path ends where theirs part. Parts without a
// name do not count; where the parts share no module, it is the name of the product with the values.

!t = tensor<2x8x4xf32>
!s = tensor<2x8x8xf32>
#query = affine_map<(b, m, n, k) -> (b, m, k)>
#key = affine_map<(b, m, n, k) -> (b, n, k)>
#score = affine_map<(b, m, n, k) -> (b, m, n)>

// CHECK-LABEL: func @parts
// CHECK: sprint.attention @layers.1.attn ins(
// CHECK: sprint.attention @layers.1.attn.1 ins(
// CHECK: sprint.attention @layers.1.attn.core ins(
// CHECK: sprint.attention @"h.0/attn" ins(
// CHECK: sprint.attention @value ins(
func.func @parts(%q: !t, %k: !t, %v: !t) -> !t {
  %e = tensor.empty() : !s
  %i = tensor.empty() : !t
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%e : !s) -> !s
  %g = linalg.fill ins(%zero : f32) outs(%i : !t) -> !t
  %s0 = linalg.batch_matmul indexing_maps = [#query, #key, #score] ins(%q, %k : !t, !t) outs(%f : !s) -> !s loc("layers.1.attn.matmul_qk")
  %p0 = linalg.softmax dimension(2) ins(%s0 : !s) outs(%e : !s) -> !s loc("layers.1.attn.softmax"("model.py":3:4))
  %r0 = linalg.batch_matmul ins(%p0, %v : !s, !t) outs(%g : !t) -> !t loc("layers.1.attn.matmul_qkv"("model.py":4:4))
  %s1 = linalg.batch_matmul indexing_maps = [#query, #key, #score] ins(%r0, %k : !t, !t) outs(%f : !s) -> !s loc("layers.1.attn")
  %p1 = linalg.softmax dimension(2) ins(%s1 : !s) outs(%e : !s) -> !s loc("layers.1.attn.softmax")
  %r1 = linalg.batch_matmul ins(%p1, %v : !s, !t) outs(%g : !t) -> !t loc("layers.1.attn")
  %s2 = linalg.batch_matmul indexing_maps = [#query, #key, #score] ins(%r1, %k : !t, !t) outs(%f : !s) -> !s loc("model.py":5:4)
  %p2 = linalg.softmax dimension(2) ins(%s2 : !s) outs(%e : !s) -> !s
  %r2 = linalg.batch_matmul ins(%p2, %v : !s, !t) outs(%g : !t) -> !t loc("layers.1.attn.core")
  %s3 = linalg.batch_matmul indexing_maps = [#query, #key, #score] ins(%r2, %k : !t, !t) outs(%f : !s) -> !s loc("h.0/attn/MatMul")
  %p3 = linalg.softmax dimension(2) ins(%s3 : !s) outs(%e : !s) -> !s loc("h.0/attn/Softmax")
  %r3 = linalg.batch_matmul ins(%p3, %v : !s, !t) outs(%g : !t) -> !t loc("h.0/attn/MatMul_1")
  %s4 = linalg.batch_matmul indexing_maps = [#query, #key, #score] ins(%r3, %k : !t, !t) outs(%f : !s) -> !s loc("values")
  %p4 = linalg.softmax dimension(2) ins(%s4 : !s) outs(%e : !s) -> !s loc("value")
  %r4 = linalg.batch_matmul ins(%p4, %v : !s, !t) outs(%g : !t) -> !t loc("value")
  return %r4 : !t
}
