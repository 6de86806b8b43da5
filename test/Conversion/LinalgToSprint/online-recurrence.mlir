// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s

// An attention as FlashAttention computes it, with running maximum and sum over blocks of keys.
// CHECK-NOT: sprint.attention

#qd = affine_map<(h, i, j, d) -> (h, i, d)>
#kd = affine_map<(h, i, j, d) -> (h, j, d)>
#ij = affine_map<(h, i, j, d) -> (h, i, j)>
#id = affine_map<(h, i, j) -> (h, i, j)>
#row = affine_map<(h, i, j) -> (h, i)>
#r = affine_map<(h, i) -> (h, i)>
func.func @main(%q: tensor<2x16x16xf32>, %k: tensor<2x64x16xf32>, %v: tensor<2x64x16xf32>)
    -> tensor<2x16x16xf32> {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  %z = arith.constant dense<0.0> : tensor<2x16x16xf32>
  %zr = arith.constant dense<0.0> : tensor<2x16xf32>
  %lr = arith.constant dense<0xFF800000> : tensor<2x16xf32>
  %e = tensor.empty() : tensor<2x16x16xf32>
  %er = tensor.empty() : tensor<2x16xf32>
  %o:3 = scf.for %b = %c0 to %c64 step %c16 iter_args(%acc = %z, %m = %lr, %l = %zr) -> (tensor<2x16x16xf32>, tensor<2x16xf32>, tensor<2x16xf32>) {
    %kb = tensor.extract_slice %k[0, %b, 0] [2, 16, 16] [1, 1, 1] : tensor<2x64x16xf32> to tensor<2x16x16xf32>
    %vb = tensor.extract_slice %v[0, %b, 0] [2, 16, 16] [1, 1, 1] : tensor<2x64x16xf32> to tensor<2x16x16xf32>
    %s = linalg.generic {indexing_maps = [#qd, #kd, #ij], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%q, %kb : tensor<2x16x16xf32>, tensor<2x16x16xf32>) outs(%z : tensor<2x16x16xf32>) {
    ^bb0(%a0: f32, %a1: f32, %out: f32):
      %x = arith.mulf %a0, %a1 : f32
      %y = arith.addf %x, %out : f32
      linalg.yield %y : f32
    } -> tensor<2x16x16xf32>
    %mn = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s : tensor<2x16x16xf32>) outs(%m : tensor<2x16xf32>) {
    ^bb0(%a0: f32, %out: f32):
      %y = arith.maximumf %a0, %out : f32
      linalg.yield %y : f32
    } -> tensor<2x16xf32>
    %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %mn : tensor<2x16x16xf32>, tensor<2x16xf32>) outs(%e : tensor<2x16x16xf32>) {
    ^bb0(%a0: f32, %a1: f32, %out: f32):
      %d = arith.subf %a0, %a1 : f32
      %y = math.exp %d : f32
      linalg.yield %y : f32
    } -> tensor<2x16x16xf32>
    %alpha = linalg.generic {indexing_maps = [#r, #r, #r], iterator_types = ["parallel", "parallel"]} ins(%m, %mn : tensor<2x16xf32>, tensor<2x16xf32>) outs(%er : tensor<2x16xf32>) {
    ^bb0(%a0: f32, %a1: f32, %out: f32):
      %d = arith.subf %a0, %a1 : f32
      %y = math.exp %d : f32
      linalg.yield %y : f32
    } -> tensor<2x16xf32>
    %ls = linalg.generic {indexing_maps = [#r, #r, #r], iterator_types = ["parallel", "parallel"]} ins(%l, %alpha : tensor<2x16xf32>, tensor<2x16xf32>) outs(%er : tensor<2x16xf32>) {
    ^bb0(%a0: f32, %a1: f32, %out: f32):
      %y = arith.mulf %a0, %a1 : f32
      linalg.yield %y : f32
    } -> tensor<2x16xf32>
    %ln = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%p : tensor<2x16x16xf32>) outs(%ls : tensor<2x16xf32>) {
    ^bb0(%a0: f32, %out: f32):
      %y = arith.addf %a0, %out : f32
      linalg.yield %y : f32
    } -> tensor<2x16xf32>
    // expected-remark @below {{attention not raised: nothing divides the exponentials by their sum over the keys, as in an online recurrence over blocks of keys}}
    %pv = linalg.batch_matmul ins(%p, %vb : tensor<2x16x16xf32>, tensor<2x16x16xf32>) outs(%z : tensor<2x16x16xf32>) -> tensor<2x16x16xf32>
    %an = linalg.generic {indexing_maps = [#id, #row, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%acc, %alpha, %pv : tensor<2x16x16xf32>, tensor<2x16xf32>, tensor<2x16x16xf32>) outs(%e : tensor<2x16x16xf32>) {
    ^bb0(%a0: f32, %a1: f32, %a2: f32, %out: f32):
      %x = arith.mulf %a0, %a1 : f32
      %y = arith.addf %x, %a2 : f32
      linalg.yield %y : f32
    } -> tensor<2x16x16xf32>
    scf.yield %an, %mn, %ln : tensor<2x16x16xf32>, tensor<2x16xf32>, tensor<2x16xf32>
  }
  %res = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%o#0, %o#2 : tensor<2x16x16xf32>, tensor<2x16xf32>) outs(%e : tensor<2x16x16xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %y = arith.divf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<2x16x16xf32>
  return %res : tensor<2x16x16xf32>
}
