// RUN: sprint-opt %s --convert-linalg-to-sprint 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK <%t.remarks

// What is not raised is called as it would be, in the remark and on the op.

!t = tensor<2x8x4xf32>
!s = tensor<2x8x8xf32>
#query = affine_map<(b, m, n, k) -> (b, m, k)>
#key = affine_map<(b, m, n, k) -> (b, n, k)>
#score = affine_map<(b, m, n, k) -> (b, m, n)>

// REMARK-COUNT-1: model.py:7:3: remark: 'layers.0.attn': attention not raised: the probabilities are also used elsewhere
// REMARK-NOT: remark:
// CHECK: linalg.batch_matmul {sprint.refused = #sprint.refusal<raising, "the probabilities are also used elsewhere, by func.return", "layers.0.attn">}
func.func @refused(%q: !t, %k: !t, %v: !t) -> (!t, !s) {
  %e = tensor.empty() : !s
  %i = tensor.empty() : !t
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%e : !s) -> !s
  %g = linalg.fill ins(%zero : f32) outs(%i : !t) -> !t
  %s = linalg.batch_matmul indexing_maps = [#query, #key, #score] ins(%q, %k : !t, !t) outs(%f : !s) -> !s loc("layers.0.attn")
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s loc("layers.0.attn.softmax")
  %r = linalg.batch_matmul ins(%p, %v : !s, !t) outs(%g : !t) -> !t loc("layers.0.attn.values"("model.py":7:3))
  return %r, %p : !t, !s
}
