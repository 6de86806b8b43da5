// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s

// Heads that share keys and values.

#id = affine_map<(b, i, j) -> (b, i, j)>
#keep = affine_map<(b, g, r, i, c) -> (b, g, i, c)>
#all = affine_map<(b, g, r, i, c) -> (b, g, r, i, c)>

// Keys and values are repeated for each head of a group, then flattened: nothing of that stays.
// CHECK-LABEL: func @repeated
// CHECK-SAME: (%[[Q:.*]]: tensor<2x4x8x4xf32>, %[[K:.*]]: tensor<2x2x8x4xf32>, %[[V:.*]]: tensor<2x2x8x4xf32>)
// CHECK-NEXT: %[[INIT:.*]] = tensor.empty() : tensor<2x4x8x4xf32>
// CHECK-NEXT: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs(%[[INIT]] : tensor<2x4x8x4xf32>)
// CHECK-NEXT: return %[[O]]
func.func @repeated(%q: tensor<2x4x8x4xf32>, %k: tensor<2x2x8x4xf32>, %v: tensor<2x2x8x4xf32>) -> tensor<2x4x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %e5 = tensor.empty() : tensor<2x2x2x8x4xf32>
  %k5 = linalg.generic {indexing_maps = [#keep, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%k : tensor<2x2x8x4xf32>) outs(%e5 : tensor<2x2x2x8x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x2x2x8x4xf32>
  %v5 = linalg.broadcast ins(%v : tensor<2x2x8x4xf32>) outs(%e5 : tensor<2x2x2x8x4xf32>) dimensions = [2]
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<2x4x8x4xf32> into tensor<8x8x4xf32>
  %k3 = tensor.collapse_shape %k5 [[0, 1, 2], [3], [4]] : tensor<2x2x2x8x4xf32> into tensor<8x8x4xf32>
  %v3 = tensor.collapse_shape %v5 [[0, 1, 2], [3], [4]] : tensor<2x2x2x8x4xf32> into tensor<8x8x4xf32>
  %es = tensor.empty() : tensor<8x8x8xf32>
  %eo = tensor.empty() : tensor<8x8x4xf32>
  %ek = tensor.empty() : tensor<8x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%es : tensor<8x8x8xf32>) -> tensor<8x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<8x8x4xf32>) -> tensor<8x8x4xf32>
  %kt = linalg.transpose ins(%k3 : tensor<8x8x4xf32>) outs(%ek : tensor<8x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q3, %kt : tensor<8x8x4xf32>, tensor<8x4x8xf32>) outs(%zeros : tensor<8x8x8xf32>) -> tensor<8x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<8x8x8xf32>) outs(%es : tensor<8x8x8xf32>) -> tensor<8x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v3 : tensor<8x8x8xf32>, tensor<8x8x4xf32>) outs(%zero_out : tensor<8x8x4xf32>) -> tensor<8x8x4xf32>
  %o4 = tensor.expand_shape %o [[0, 1], [2], [3]] output_shape [2, 4, 8, 4] : tensor<8x8x4xf32> into tensor<2x4x8x4xf32>
  return %o4 : tensor<2x4x8x4xf32>
}

// A contraction in which the group is a dimension of the queries alone: bgrid,bgjd->bgrij.
// CHECK-LABEL: func @einsum
// CHECK-SAME: (%[[Q:.*]]: tensor<2x2x2x8x4xf32>, %[[K:.*]]: tensor<2x2x8x4xf32>, %[[V:.*]]: tensor<2x2x8x4xf32>)
// CHECK: sprint.attention @{{.*}} ins(%{{.*}}, %[[K]], %[[V]] : tensor<2x4x8x4xf32>, tensor<2x2x8x4xf32>, tensor<2x2x8x4xf32>)
func.func @einsum(%q: tensor<2x2x2x8x4xf32>, %k: tensor<2x2x8x4xf32>, %v: tensor<2x2x8x4xf32>) -> tensor<2x2x2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<2x2x2x8x8xf32>
  %eo = tensor.empty() : tensor<2x2x2x8x4xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%es : tensor<2x2x2x8x8xf32>) -> tensor<2x2x2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x2x2x8x4xf32>) -> tensor<2x2x2x8x4xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(b, g, r, i, j, c) -> (b, g, r, i, c)>,
                                       affine_map<(b, g, r, i, j, c) -> (b, g, j, c)>,
                                       affine_map<(b, g, r, i, j, c) -> (b, g, r, i, j)>],
                      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x2x2x8x4xf32>, tensor<2x2x8x4xf32>) outs(%zeros : tensor<2x2x2x8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.mulf %a, %b : f32
    %y = arith.addf %m, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x2x2x8x8xf32>
  %p = linalg.softmax dimension(4) ins(%s : tensor<2x2x2x8x8xf32>) outs(%es : tensor<2x2x2x8x8xf32>) -> tensor<2x2x2x8x8xf32>
  %o = linalg.generic {indexing_maps = [affine_map<(b, g, r, i, c, j) -> (b, g, r, i, j)>,
                                       affine_map<(b, g, r, i, c, j) -> (b, g, j, c)>,
                                       affine_map<(b, g, r, i, c, j) -> (b, g, r, i, c)>],
                      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%p, %v : tensor<2x2x2x8x8xf32>, tensor<2x2x8x4xf32>) outs(%zero_out : tensor<2x2x2x8x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.mulf %a, %b : f32
    %y = arith.addf %m, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x2x2x8x4xf32>
  return %o : tensor<2x2x2x8x4xf32>
}

// The heads of a group as further rows of one product, as torch computes that einsum.
// CHECK-LABEL: func @heads_as_rows
// CHECK-SAME: (%[[Q:.*]]: tensor<4x2x8x4xf32>, %[[K:.*]]: tensor<4x8x4xf32>, %[[V:.*]]: tensor<4x8x4xf32>)
// CHECK: sprint.attention @{{.*}} ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<4x2x8x4xf32>, tensor<4x1x8x4xf32>, tensor<4x1x8x4xf32>)
func.func @heads_as_rows(%q: tensor<4x2x8x4xf32>, %k: tensor<4x8x4xf32>, %v: tensor<4x8x4xf32>) -> tensor<4x2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<4x16x8xf32>
  %eo = tensor.empty() : tensor<4x16x4xf32>
  %ek = tensor.empty() : tensor<4x4x8xf32>
  %ep = tensor.empty() : tensor<4x2x8x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%es : tensor<4x16x8xf32>) -> tensor<4x16x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<4x16x4xf32>) -> tensor<4x16x4xf32>
  %rows = tensor.collapse_shape %q [[0], [1, 2], [3]] : tensor<4x2x8x4xf32> into tensor<4x16x4xf32>
  %kt = linalg.transpose ins(%k : tensor<4x8x4xf32>) outs(%ek : tensor<4x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%rows, %kt : tensor<4x16x4xf32>, tensor<4x4x8xf32>) outs(%zeros : tensor<4x16x8xf32>) -> tensor<4x16x8xf32>
  %s4 = tensor.expand_shape %s [[0], [1, 2], [3]] output_shape [4, 2, 8, 8] : tensor<4x16x8xf32> into tensor<4x2x8x8xf32>
  %p4 = linalg.softmax dimension(3) ins(%s4 : tensor<4x2x8x8xf32>) outs(%ep : tensor<4x2x8x8xf32>) -> tensor<4x2x8x8xf32>
  %p = tensor.collapse_shape %p4 [[0], [1, 2], [3]] : tensor<4x2x8x8xf32> into tensor<4x16x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<4x16x8xf32>, tensor<4x8x4xf32>) outs(%zero_out : tensor<4x16x4xf32>) -> tensor<4x16x4xf32>
  %o4 = tensor.expand_shape %o [[0], [1, 2], [3]] output_shape [4, 2, 8, 4] : tensor<4x16x4xf32> into tensor<4x2x8x4xf32>
  return %o4 : tensor<4x2x8x4xf32>
}

// Values alone are shared: they are repeated, because keys and values have one number of heads.
// CHECK-LABEL: func @batch_of_the_values_is_shared
// CHECK: %[[V:.*]] = linalg.broadcast ins(%{{.*}} : tensor<8x4xf32>)
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>)
func.func @batch_of_the_values_is_shared(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.mulf %a0, %half : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.generic {indexing_maps = [affine_map<(b, i, c, j) -> (b, i, j)>, affine_map<(b, i, c, j) -> (j, c)>,
                                       affine_map<(b, i, c, j) -> (b, i, c)>],
                      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%p, %v : tensor<2x8x8xf32>, tensor<8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %m = arith.mulf %a0, %a1 : f32
    %y = arith.addf %m, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}
