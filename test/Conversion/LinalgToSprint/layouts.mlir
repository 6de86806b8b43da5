// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s

// Both matrices of queries: no batch dimension at all.
// CHECK-LABEL: func @matrices
// CHECK-SAME: (%[[Q:.*]]: tensor<8x4xf32>, %[[K:.*]]: tensor<16x4xf32>, %[[V:.*]]: tensor<16x6xf32>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1, 2], [3]] output_shape [1, 1, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1, 2], [3]] output_shape [1, 1, 16, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1, 2], [3]] output_shape [1, 1, 16, 6]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] :
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1, 2], [3]] : tensor<1x1x8x6xf32> into tensor<8x6xf32>
// CHECK-NEXT: return %[[O]]
func.func @matrices(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %v: tensor<16x6xf32>) -> tensor<8x6xf32> {
  %c0f = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<8x16xf32>
  %eo = tensor.empty() : tensor<8x6xf32>
  %ek = tensor.empty() : tensor<4x16xf32>
  %kt = linalg.transpose ins(%k : tensor<16x4xf32>) outs(%ek : tensor<4x16xf32>) permutation = [1, 0]
  %zeros = linalg.fill ins(%c0f : f32) outs(%es : tensor<8x16xf32>) -> tensor<8x16xf32>
  %s = linalg.matmul ins(%q, %kt : tensor<8x4xf32>, tensor<4x16xf32>) outs(%zeros : tensor<8x16xf32>) -> tensor<8x16xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<8x16xf32>) outs(%es : tensor<8x16xf32>) -> tensor<8x16xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<8x6xf32>) -> tensor<8x6xf32>
  %o = linalg.matmul ins(%p, %v : tensor<8x16xf32>, tensor<16x6xf32>) outs(%zero_out : tensor<8x6xf32>) -> tensor<8x6xf32>
  return %o : tensor<8x6xf32>
}

// An einsum over [batch, token, head, channel]: operands and result are transposed around the attention.
// CHECK-LABEL: func @tokens_before_heads
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x3x4xf32>, %[[K:.*]]: tensor<2x8x3x4xf32>, %[[V:.*]]: tensor<2x8x3x4xf32>
// CHECK: %[[Q4:.*]] = linalg.transpose ins(%[[Q]] : {{.*}}) permutation = [0, 2, 1, 3]
// CHECK: %[[K4:.*]] = linalg.transpose ins(%[[K]] : {{.*}}) permutation = [0, 2, 1, 3]
// CHECK: %[[V4:.*]] = linalg.transpose ins(%[[V]] : {{.*}}) permutation = [0, 2, 1, 3]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] :
// CHECK: %[[O:.*]] = linalg.transpose ins(%[[O4]] : {{.*}}) permutation = [0, 2, 1, 3]
// CHECK-NEXT: return %[[O]]
func.func @tokens_before_heads(%q: tensor<2x8x3x4xf32>, %k: tensor<2x8x3x4xf32>, %v: tensor<2x8x3x4xf32>) -> tensor<2x8x3x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<2x3x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x3x4xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%es : tensor<2x3x8x8xf32>) -> tensor<2x3x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x3x4xf32>) -> tensor<2x8x3x4xf32>
  %s = linalg.contract indexing_maps = [affine_map<(b, h, i, j, c) -> (b, i, h, c)>, affine_map<(b, h, i, j, c) -> (b, j, h, c)>,
                                        affine_map<(b, h, i, j, c) -> (b, h, i, j)>]
      ins(%q, %k : tensor<2x8x3x4xf32>, tensor<2x8x3x4xf32>) outs(%zeros : tensor<2x3x8x8xf32>) -> tensor<2x3x8x8xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<2x3x8x8xf32>) outs(%es : tensor<2x3x8x8xf32>) -> tensor<2x3x8x8xf32>
  %o = linalg.contract indexing_maps = [affine_map<(b, h, i, j, c) -> (b, h, i, j)>, affine_map<(b, h, i, j, c) -> (b, j, h, c)>,
                                        affine_map<(b, h, i, j, c) -> (b, i, h, c)>]
      ins(%p, %v : tensor<2x3x8x8xf32>, tensor<2x8x3x4xf32>) outs(%zero_out : tensor<2x8x3x4xf32>) -> tensor<2x8x3x4xf32>
  return %o : tensor<2x8x3x4xf32>
}

// Batch 2 and 3 heads, folded into one dimension around the contractions: the operands are those before folding.
// CHECK-LABEL: func @batch_of_two
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x8x4xf32>, %[[V:.*]]: tensor<2x3x8x4xf32>
// CHECK-NEXT: %[[INIT:.*]] = tensor.empty() : tensor<2x3x8x4xf32>
// CHECK-NEXT: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs(%[[INIT]] : {{.*}}) scale(1.000000e+00)
// CHECK-NEXT: return %[[O]]
func.func @batch_of_two(%q: tensor<2x3x8x4xf32>, %k: tensor<2x3x8x4xf32>, %v: tensor<2x3x8x4xf32>) -> tensor<2x3x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<6x8x8xf32>
  %eo = tensor.empty() : tensor<6x8x4xf32>
  %ek = tensor.empty() : tensor<2x3x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%es : tensor<6x8x8xf32>) -> tensor<6x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<6x8x4xf32>) -> tensor<6x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x3x8x4xf32>) outs(%ek : tensor<2x3x4x8xf32>) permutation = [0, 1, 3, 2]
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<2x3x8x4xf32> into tensor<6x8x4xf32>
  %k3 = tensor.collapse_shape %kt [[0, 1], [2], [3]] : tensor<2x3x4x8xf32> into tensor<6x4x8xf32>
  %v3 = tensor.collapse_shape %v [[0, 1], [2], [3]] : tensor<2x3x8x4xf32> into tensor<6x8x4xf32>
  %s = linalg.batch_matmul ins(%q3, %k3 : tensor<6x8x4xf32>, tensor<6x4x8xf32>) outs(%zeros : tensor<6x8x8xf32>) -> tensor<6x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<6x8x8xf32>) outs(%es : tensor<6x8x8xf32>) -> tensor<6x8x8xf32>
  %o3 = linalg.batch_matmul ins(%p, %v3 : tensor<6x8x8xf32>, tensor<6x8x4xf32>) outs(%zero_out : tensor<6x8x4xf32>) -> tensor<6x8x4xf32>
  %o = tensor.expand_shape %o3 [[0, 1], [2], [3]] output_shape [2, 3, 8, 4] : tensor<6x8x4xf32> into tensor<2x3x8x4xf32>
  return %o : tensor<2x3x8x4xf32>
}

// A projection's layout, [token, head * channel], is left where it is: the operand is the tensor with the heads in front.
// CHECK-LABEL: func @projected_query
// CHECK: %[[Q:.*]] = linalg.transpose {{.*}} permutation = [0, 2, 1, 3]
// CHECK: sprint.attention @{{.*}} ins(%[[Q]], %[[Q]], %[[Q]] : {{.*}}) {{.*}} scale(5.000000e-01)
func.func @projected_query(%x: tensor<1x8x12xf32>) -> tensor<3x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %es = tensor.empty() : tensor<3x8x8xf32>
  %eo = tensor.empty() : tensor<3x8x4xf32>
  %ek = tensor.empty() : tensor<3x4x8xf32>
  %eq = tensor.empty() : tensor<1x3x8x4xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%es : tensor<3x8x8xf32>) -> tensor<3x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<3x8x4xf32>) -> tensor<3x8x4xf32>
  %heads = tensor.expand_shape %x [[0], [1], [2, 3]] output_shape [1, 8, 3, 4] : tensor<1x8x12xf32> into tensor<1x8x3x4xf32>
  %front = linalg.transpose ins(%heads : tensor<1x8x3x4xf32>) outs(%eq : tensor<1x3x8x4xf32>) permutation = [0, 2, 1, 3]
  %t = tensor.collapse_shape %front [[0, 1], [2], [3]] : tensor<1x3x8x4xf32> into tensor<3x8x4xf32>
  %kt = linalg.transpose ins(%t : tensor<3x8x4xf32>) outs(%ek : tensor<3x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%t, %kt : tensor<3x8x4xf32>, tensor<3x4x8xf32>) outs(%zeros : tensor<3x8x8xf32>) -> tensor<3x8x8xf32>
  %x1 = linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (b, i, j)>, affine_map<(b, i, j) -> (b, i, j)>],
                        iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<3x8x8xf32>) outs(%es : tensor<3x8x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.mulf %in, %half : f32
    linalg.yield %y : f32
  } -> tensor<3x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x1 : tensor<3x8x8xf32>) outs(%es : tensor<3x8x8xf32>) -> tensor<3x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %t : tensor<3x8x8xf32>, tensor<3x8x4xf32>) outs(%zero_out : tensor<3x8x4xf32>) -> tensor<3x8x4xf32>
  return %o : tensor<3x8x4xf32>
}

// Cross attention of dynamic lengths: keys and values share one, queries have another, and nothing has to be checked.
// CHECK-LABEL: func @dynamic_cross
// CHECK-SAME: (%[[Q:.*]]: tensor<?x?x4xf32>, %[[K:.*]]: tensor<?x?x4xf32>, %[[V:.*]]: tensor<?x?x6xf32>
// CHECK-NOT: cf.assert
// CHECK: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, %{{.*}}, %{{.*}}, 4] : tensor<?x?x4xf32> into tensor<1x?x?x4xf32>
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %{{.*}}, %{{.*}} : tensor<1x?x?x4xf32>, tensor<1x?x?x4xf32>, tensor<1x?x?x6xf32>)
// CHECK: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]]
// CHECK: return %[[O]]
func.func @dynamic_cross(%q: tensor<?x?x4xf32>, %k: tensor<?x?x4xf32>, %v: tensor<?x?x6xf32>) -> tensor<?x?x6xf32> {
  %c0f = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h = tensor.dim %q, %c0 : tensor<?x?x4xf32>
  %sq = tensor.dim %q, %c1 : tensor<?x?x4xf32>
  %sk = tensor.dim %k, %c1 : tensor<?x?x4xf32>
  %es = tensor.empty(%h, %sq, %sk) : tensor<?x?x?xf32>
  %eo = tensor.empty(%h, %sq) : tensor<?x?x6xf32>
  %ek = tensor.empty(%h, %sk) : tensor<?x4x?xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%es : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<?x?x6xf32>) -> tensor<?x?x6xf32>
  %kt = linalg.transpose ins(%k : tensor<?x?x4xf32>) outs(%ek : tensor<?x4x?xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<?x?x4xf32>, tensor<?x4x?xf32>) outs(%zeros : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<?x?x?xf32>) outs(%es : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<?x?x?xf32>, tensor<?x?x6xf32>) outs(%zero_out : tensor<?x?x6xf32>) -> tensor<?x?x6xf32>
  return %o : tensor<?x?x6xf32>
}

// A gather that only looks like torch-mlir's dynamic broadcast: it compares the size of another tensor with 1, so its index need not
// be the identity, and it stays the operand.
// CHECK-LABEL: func @broadcast_by_another_size
// CHECK: %[[V:.*]] = linalg.generic
// CHECK: tensor.extract
// CHECK: sprint.attention @{{.*}} ins(%{{.*}}, %{{.*}}, %[[V]] :
func.func @broadcast_by_another_size(%q: tensor<1x2x?x4xf32>, %v: tensor<1x2x?x4xf32>) -> tensor<2x?x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %n = tensor.dim %q, %c2 : tensor<1x2x?x4xf32>
  %ev = tensor.empty(%n) : tensor<1x2x?x4xf32>
  %es = tensor.empty(%n, %n) : tensor<2x?x?xf32>
  %eo = tensor.empty(%n) : tensor<2x?x4xf32>
  %ek = tensor.empty(%n) : tensor<2x4x?xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%es : tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<1x2x?x4xf32> into tensor<2x?x4xf32>
  %kt = linalg.transpose ins(%q3 : tensor<2x?x4xf32>) outs(%ek : tensor<2x4x?xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q3, %kt : tensor<2x?x4xf32>, tensor<2x4x?xf32>) outs(%zeros : tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x?x?xf32>) outs(%es : tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(b, h, j, c) -> (b, h, j, c)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      outs(%ev : tensor<1x2x?x4xf32>) {
  ^bb0(%out: f32):
    %h = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = linalg.index 3 : index
    %is_one = arith.cmpi eq, %n, %c1 : index
    %index = arith.select %is_one, %c0, %j : index
    %element = tensor.extract %v[%c0, %h, %index, %c] : tensor<1x2x?x4xf32>
    linalg.yield %element : f32
  } -> tensor<1x2x?x4xf32>
  %v3 = tensor.collapse_shape %b [[0, 1], [2], [3]] : tensor<1x2x?x4xf32> into tensor<2x?x4xf32>
  %o = linalg.batch_matmul ins(%p, %v3 : tensor<2x?x?xf32>, tensor<2x?x4xf32>) outs(%zero_out : tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  return %o : tensor<2x?x4xf32>
}
