// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s

// Other float types than f32: sprint.attention is of f32, with casts around it.

#id = affine_map<(b, i, j) -> (b, i, j)>

// Products of halves, softmax in f32, as Hugging Face's eager attention has it.
// CHECK-LABEL: func @softmax_in_f32
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4xf16>, %[[K:.*]]: tensor<2x8x4xf16>, %[[V:.*]]: tensor<2x8x4xf16>)
// CHECK-COUNT-3: arith.extf %{{.*}} : f16 to f32
// CHECK: %[[O:.*]] = sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>) {{.*}} scale(5.000000e-01)
// CHECK: linalg.generic {{.*}} ins(%[[O]] :
// CHECK: arith.truncf %{{.*}} : f32 to f16
// CHECK: tensor.collapse_shape
// CHECK-NEXT: return
func.func @softmax_in_f32(%q: tensor<2x8x4xf16>, %k: tensor<2x8x4xf16>, %v: tensor<2x8x4xf16>) -> tensor<2x8x4xf16> {
  %c0 = arith.constant 0.0 : f16
  %half = arith.constant 0.5 : f16
  %e = tensor.empty() : tensor<2x8x8xf16>
  %wide = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf16>
  %ek = tensor.empty() : tensor<2x4x8xf16>
  %zeros = linalg.fill ins(%c0 : f16) outs(%e : tensor<2x8x8xf16>) -> tensor<2x8x8xf16>
  %zero_out = linalg.fill ins(%c0 : f16) outs(%eo : tensor<2x8x4xf16>) -> tensor<2x8x4xf16>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf16>) outs(%ek : tensor<2x4x8xf16>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf16>, tensor<2x4x8xf16>) outs(%zeros : tensor<2x8x8xf16>) -> tensor<2x8x8xf16>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x8xf16>) outs(%wide : tensor<2x8x8xf32>) {
  ^bb0(%in: f16, %out: f32):
    %m = arith.mulf %in, %half : f16
    %y = arith.extf %m : f16 to f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%wide : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %ph = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf16>) {
  ^bb0(%in: f32, %out: f16):
    %y = arith.truncf %in : f32 to f16
    linalg.yield %y : f16
  } -> tensor<2x8x8xf16>
  %o = linalg.batch_matmul ins(%ph, %v : tensor<2x8x8xf16>, tensor<2x8x4xf16>) outs(%zero_out : tensor<2x8x4xf16>) -> tensor<2x8x4xf16>
  return %o : tensor<2x8x4xf16>
}

// Sums in f32 of products of bfloat16: the result is f32 already.
// CHECK-LABEL: func @sums_in_f32
// CHECK-COUNT-3: arith.extf %{{.*}} : bf16 to f32
// CHECK: sprint.attention
// CHECK-NOT: arith.truncf
// CHECK: return
func.func @sums_in_f32(%q: tensor<2x8x4xbf16>, %k: tensor<2x4x8xbf16>, %v: tensor<2x8x4xbf16>) -> tensor<2x8x4xf32> {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %narrow = tensor.empty() : tensor<2x8x8xbf16>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %zeros = linalg.fill ins(%c0 : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0 : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x8x4xbf16>, tensor<2x4x8xbf16>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %ph = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p : tensor<2x8x8xf32>) outs(%narrow : tensor<2x8x8xbf16>) {
  ^bb0(%in: f32, %out: bf16):
    %y = arith.truncf %in : f32 to bf16
    linalg.yield %y : bf16
  } -> tensor<2x8x8xbf16>
  %o = linalg.batch_matmul ins(%ph, %v : tensor<2x8x8xbf16>, tensor<2x8x4xbf16>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}
