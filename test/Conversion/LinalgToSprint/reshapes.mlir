// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s --implicit-check-not=linalg.softmax

// Reshapes between the parts of an attention: 2 batches of 3 heads, 8 queries and 16 keys with 4 channels, values of 6.

!q = tensor<2x3x8x4xf32>
!k = tensor<2x3x16x4xf32>
!v = tensor<2x3x16x6xf32>
!q3 = tensor<6x8x4xf32>
!k3 = tensor<6x16x4xf32>
!v3 = tensor<6x16x6xf32>
!s = tensor<6x8x16xf32>
!s4 = tensor<2x3x8x16xf32>
!o3 = tensor<6x8x6xf32>
!o = tensor<2x3x8x6xf32>

#bic = affine_map<(b, i, j, c) -> (b, i, c)>
#bjc = affine_map<(b, i, j, c) -> (b, j, c)>
#bij = affine_map<(b, i, j, c) -> (b, i, j)>

// Batch and heads of the operands and the result are merged through one dimension, as StableHLO reshapes.
// CHECK-LABEL: func @operands_through_one_dimension
// CHECK: sprint.attention @{{.*}} ins({{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NOT: linalg
// CHECK: return %{{.*}} : tensor<2x3x8x6xf32>
func.func @operands_through_one_dimension(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o3
  %e = tensor.empty() : !s
  %q1 = tensor.collapse_shape %q [[0, 1, 2, 3]] : !q into tensor<192xf32>
  %q3 = tensor.expand_shape %q1 [[0, 1, 2]] output_shape [6, 8, 4] : tensor<192xf32> into !q3
  %k1 = tensor.collapse_shape %k [[0, 1, 2, 3]] : !k into tensor<384xf32>
  %k3 = tensor.expand_shape %k1 [[0, 1, 2]] output_shape [6, 16, 4] : tensor<384xf32> into !k3
  %v1 = tensor.collapse_shape %v [[0, 1, 2, 3]] : !v into tensor<576xf32>
  %v3 = tensor.expand_shape %v1 [[0, 1, 2]] output_shape [6, 16, 6] : tensor<576xf32> into !v3
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q3, %k3 : !q3, !k3) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %o3 = linalg.batch_matmul ins(%p, %v3 : !s, !v3) outs(%zero_out : !o3) -> !o3
  %o1 = tensor.collapse_shape %o3 [[0, 1, 2]] : !o3 into tensor<288xf32>
  %o = tensor.expand_shape %o1 [[0, 1, 2, 3]] output_shape [2, 3, 8, 6] : tensor<288xf32> into !o
  return %o : !o
}

// Scores are split into batch and heads through one dimension, and probabilities merged again.
// CHECK-LABEL: func @scores_through_one_dimension
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>)
// CHECK-NEXT: %[[INIT:.*]] = tensor.empty() : tensor<2x3x8x6xf32>
// CHECK-NEXT: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs(%[[INIT]] : {{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: return %[[O]]
func.func @scores_through_one_dimension(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o3
  %e = tensor.empty() : !s4
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : !q into !q3
  %k3 = tensor.collapse_shape %k [[0, 1], [2], [3]] : !k into !k3
  %v3 = tensor.collapse_shape %v [[0, 1], [2], [3]] : !v into !v3
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q3, %k3 : !q3, !k3) outs(%zeros : !s) -> !s
  %s1 = tensor.collapse_shape %s [[0, 1, 2]] : !s into tensor<768xf32>
  %s4 = tensor.expand_shape %s1 [[0, 1, 2, 3]] output_shape [2, 3, 8, 16] : tensor<768xf32> into !s4
  %p4 = linalg.softmax dimension(3) ins(%s4 : !s4) outs(%e : !s4) -> !s4
  %p1 = tensor.collapse_shape %p4 [[0, 1, 2, 3]] : !s4 into tensor<768xf32>
  %p = tensor.expand_shape %p1 [[0, 1, 2]] output_shape [6, 8, 16] : tensor<768xf32> into !s
  %o3 = linalg.batch_matmul ins(%p, %v3 : !s, !v3) outs(%zero_out : !o3) -> !o3
  %o = tensor.expand_shape %o3 [[0, 1], [2], [3]] output_shape [2, 3, 8, 6] : !o3 into !o
  return %o : !o
}

// Scores get a dimension of size 1 in front, the maximum one behind, and the sum loses it again.
// CHECK-LABEL: func @unit_dimension_moved
// CHECK: sprint.attention @{{.*}} ins({{.*}}) outs({{.*}}) scale(1.000000e+00) ->
func.func @unit_dimension_moved(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_row = arith.constant dense<0.0> : tensor<1x6x8xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<6x8xf32>
  %zero_out = arith.constant dense<0.0> : !o3
  %e = tensor.empty() : tensor<1x6x8x16xf32>
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : !q into !q3
  %k3 = tensor.collapse_shape %k [[0, 1], [2], [3]] : !k into !k3
  %v3 = tensor.collapse_shape %v [[0, 1], [2], [3]] : !v into !v3
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q3, %k3 : !q3, !k3) outs(%zeros : !s) -> !s
  %max = linalg.reduce { arith.maximumf } ins(%s : !s) outs(%lowest : tensor<6x8xf32>) dimensions = [2]
  %s1 = tensor.collapse_shape %s [[0, 1, 2]] : !s into tensor<768xf32>
  %s4 = tensor.expand_shape %s1 [[0, 1, 2, 3]] output_shape [1, 6, 8, 16] : tensor<768xf32> into tensor<1x6x8x16xf32>
  %max1 = tensor.collapse_shape %max [[0, 1]] : tensor<6x8xf32> into tensor<48xf32>
  %max3 = tensor.expand_shape %max1 [[0, 1, 2]] output_shape [6, 8, 1] : tensor<48xf32> into tensor<6x8x1xf32>
  %exp = linalg.generic {indexing_maps = [affine_map<(u, b, i, j) -> (u, b, i, j)>, affine_map<(u, b, i, j) -> (b, i, u)>,
                                         affine_map<(u, b, i, j) -> (u, b, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%s4, %max3 : tensor<1x6x8x16xf32>, tensor<6x8x1xf32>) outs(%e : tensor<1x6x8x16xf32>) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<1x6x8x16xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<1x6x8x16xf32>) outs(%zero_row : tensor<1x6x8xf32>) dimensions = [3]
  %sums = linalg.broadcast ins(%sum : tensor<1x6x8xf32>) outs(%e : tensor<1x6x8x16xf32>) dimensions = [3]
  %p4 = linalg.div ins(%exp, %sums : tensor<1x6x8x16xf32>, tensor<1x6x8x16xf32>) outs(%e : tensor<1x6x8x16xf32>) -> tensor<1x6x8x16xf32>
  %p1 = tensor.collapse_shape %p4 [[0, 1, 2, 3]] : tensor<1x6x8x16xf32> into tensor<768xf32>
  %p = tensor.expand_shape %p1 [[0, 1, 2]] output_shape [6, 8, 16] : tensor<768xf32> into !s
  %o3 = linalg.batch_matmul ins(%p, %v3 : !s, !v3) outs(%zero_out : !o3) -> !o3
  %o = tensor.expand_shape %o3 [[0, 1], [2], [3]] output_shape [2, 3, 8, 6] : !o3 into !o
  return %o : !o
}

// The softmax is that of a matrix: batch, heads and queries are its rows.
// CHECK-LABEL: func @softmax_of_a_matrix
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>)
// CHECK-NEXT: %[[INIT:.*]] = tensor.empty() : tensor<2x3x8x6xf32>
// CHECK-NEXT: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs(%[[INIT]] : {{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: return %[[O]]
func.func @softmax_of_a_matrix(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o3
  %e = tensor.empty() : tensor<48x16xf32>
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : !q into !q3
  %k3 = tensor.collapse_shape %k [[0, 1], [2], [3]] : !k into !k3
  %v3 = tensor.collapse_shape %v [[0, 1], [2], [3]] : !v into !v3
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q3, %k3 : !q3, !k3) outs(%zeros : !s) -> !s
  %s2 = tensor.collapse_shape %s [[0, 1], [2]] : !s into tensor<48x16xf32>
  %p2 = linalg.softmax dimension(1) ins(%s2 : tensor<48x16xf32>) outs(%e : tensor<48x16xf32>) -> tensor<48x16xf32>
  %p = tensor.expand_shape %p2 [[0, 1], [2]] output_shape [6, 8, 16] : tensor<48x16xf32> into !s
  %o3 = linalg.batch_matmul ins(%p, %v3 : !s, !v3) outs(%zero_out : !o3) -> !o3
  %o = tensor.expand_shape %o3 [[0, 1], [2], [3]] output_shape [2, 3, 8, 6] : !o3 into !o
  return %o : !o
}

// tensor.reshape to constant sizes.
// CHECK-LABEL: func @tensor_reshape
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>)
// CHECK-NEXT: %[[INIT:.*]] = tensor.empty() : tensor<2x3x8x6xf32>
// CHECK-NEXT: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs(%[[INIT]] : {{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: return %[[O]]
func.func @tensor_reshape(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o3
  %shape = arith.constant dense<[6, 8, 4]> : tensor<3xi64>
  %e = tensor.empty() : !s
  %q3 = tensor.reshape %q(%shape) : (!q, tensor<3xi64>) -> !q3
  %k3 = tensor.collapse_shape %k [[0, 1], [2], [3]] : !k into !k3
  %v3 = tensor.collapse_shape %v [[0, 1], [2], [3]] : !v into !v3
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q3, %k3 : !q3, !k3) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %o3 = linalg.batch_matmul ins(%p, %v3 : !s, !v3) outs(%zero_out : !o3) -> !o3
  %o = tensor.expand_shape %o3 [[0, 1], [2], [3]] output_shape [2, 3, 8, 6] : !o3 into !o
  return %o : !o
}

// Sizes that the program computes: batch and heads merged by tensor.reshape, and apart again.
// CHECK-LABEL: func @dynamic_through_tensor_reshape
// CHECK-SAME: (%[[Q:.*]]: tensor<?x3x?x4xf32>, %[[K:.*]]: tensor<?x3x?x4xf32>, %[[V:.*]]: tensor<?x3x?x4xf32>)
// CHECK: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: return %[[O]]
func.func @dynamic_through_tensor_reshape(%q: tensor<?x3x?x4xf32>, %k: tensor<?x3x?x4xf32>, %v: tensor<?x3x?x4xf32>) -> tensor<?x3x?x4xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %q, %c0 : tensor<?x3x?x4xf32>
  %i = tensor.dim %q, %c2 : tensor<?x3x?x4xf32>
  %j = tensor.dim %k, %c2 : tensor<?x3x?x4xf32>
  %m = arith.muli %b, %c3 : index
  %qs = tensor.from_elements %m, %i, %c4 : tensor<3xindex>
  %ks = tensor.from_elements %m, %j, %c4 : tensor<3xindex>
  %os = tensor.from_elements %b, %c3, %i, %c4 : tensor<4xindex>
  %q3 = tensor.reshape %q(%qs) : (tensor<?x3x?x4xf32>, tensor<3xindex>) -> tensor<?x?x4xf32>
  %k3 = tensor.reshape %k(%ks) : (tensor<?x3x?x4xf32>, tensor<3xindex>) -> tensor<?x?x4xf32>
  %v3 = tensor.reshape %v(%ks) : (tensor<?x3x?x4xf32>, tensor<3xindex>) -> tensor<?x?x4xf32>
  %e = tensor.empty(%m, %i, %j) : tensor<?x?x?xf32>
  %eo = tensor.empty(%m, %i) : tensor<?x?x4xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %zero_out = linalg.fill ins(%zero : f32) outs(%eo : tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij]
      ins(%q3, %k3 : tensor<?x?x4xf32>, tensor<?x?x4xf32>) outs(%zeros : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<?x?x?xf32>) outs(%e : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %o3 = linalg.batch_matmul ins(%p, %v3 : tensor<?x?x?xf32>, tensor<?x?x4xf32>) outs(%zero_out : tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %o = tensor.reshape %o3(%os) : (tensor<?x?x4xf32>, tensor<4xindex>) -> tensor<?x3x?x4xf32>
  return %o : tensor<?x3x?x4xf32>
}

// Dynamic scores through one dimension, whose size the program computes.
// CHECK-LABEL: func @dynamic_scores_through_one_dimension
// CHECK: sprint.attention @{{.*}} ins({{.*}}) outs({{.*}}) scale(1.000000e+00) ->
// CHECK-NOT: linalg
// CHECK: return %{{.*}} : tensor<6x?x6xf32>
func.func @dynamic_scores_through_one_dimension(%q: tensor<6x?x4xf32>, %k: tensor<6x?x4xf32>, %v: tensor<6x?x6xf32>) -> tensor<6x?x6xf32> {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %b = arith.constant 6 : index
  %zero = arith.constant 0.0 : f32
  %i = tensor.dim %q, %c1 : tensor<6x?x4xf32>
  %j = tensor.dim %k, %c1 : tensor<6x?x4xf32>
  %e = tensor.empty(%i, %j) : tensor<6x?x?xf32>
  %e4 = tensor.empty(%i, %j) : tensor<2x3x?x?xf32>
  %eo = tensor.empty(%i) : tensor<6x?x6xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<6x?x?xf32>) -> tensor<6x?x?xf32>
  %zero_out = linalg.fill ins(%zero : f32) outs(%eo : tensor<6x?x6xf32>) -> tensor<6x?x6xf32>
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q, %k : tensor<6x?x4xf32>, tensor<6x?x4xf32>) outs(%zeros : tensor<6x?x?xf32>) -> tensor<6x?x?xf32>
  %ij = arith.muli %i, %j : index
  %n = arith.muli %ij, %b : index
  %flat = tensor.from_elements %n : tensor<1xindex>
  %apart = tensor.from_elements %c2, %c3, %i, %j : tensor<4xindex>
  %together = tensor.from_elements %b, %i, %j : tensor<3xindex>
  %s1 = tensor.reshape %s(%flat) : (tensor<6x?x?xf32>, tensor<1xindex>) -> tensor<?xf32>
  %s4 = tensor.reshape %s1(%apart) : (tensor<?xf32>, tensor<4xindex>) -> tensor<2x3x?x?xf32>
  %p4 = linalg.softmax dimension(3) ins(%s4 : tensor<2x3x?x?xf32>) outs(%e4 : tensor<2x3x?x?xf32>) -> tensor<2x3x?x?xf32>
  %p1 = tensor.reshape %p4(%flat) : (tensor<2x3x?x?xf32>, tensor<1xindex>) -> tensor<?xf32>
  %p = tensor.reshape %p1(%together) : (tensor<?xf32>, tensor<3xindex>) -> tensor<6x?x?xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<6x?x?xf32>, tensor<6x?x6xf32>) outs(%zero_out : tensor<6x?x6xf32>) -> tensor<6x?x6xf32>
  return %o : tensor<6x?x6xf32>
}

// Static sizes forgotten by tensor.cast on the way, and remembered.
// CHECK-LABEL: func @casts_of_the_shape
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8x4xf32>, %[[K:.*]]: tensor<2x3x16x4xf32>, %[[V:.*]]: tensor<2x3x16x6xf32>)
// CHECK-NEXT: %[[INIT:.*]] = tensor.empty() : tensor<2x3x8x6xf32>
// CHECK-NEXT: %[[O:.*]] = sprint.attention @{{.*}} ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs(%[[INIT]] : {{.*}}) scale(1.000000e+00) ->
// CHECK-NEXT: return %[[O]]
func.func @casts_of_the_shape(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o3
  %e = tensor.empty() : !s
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : !q into !q3
  %k3 = tensor.collapse_shape %k [[0, 1], [2], [3]] : !k into !k3
  %v3 = tensor.collapse_shape %v [[0, 1], [2], [3]] : !v into !v3
  %unknown = tensor.cast %q3 : !q3 to tensor<?x?x?xf32>
  %known = tensor.cast %unknown : tensor<?x?x?xf32> to !q3
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%known, %k3 : !q3, !k3) outs(%zeros : !s) -> !s
  %p = linalg.softmax dimension(2) ins(%s : !s) outs(%e : !s) -> !s
  %o3 = linalg.batch_matmul ins(%p, %v3 : !s, !v3) outs(%zero_out : !o3) -> !o3
  %o = tensor.expand_shape %o3 [[0, 1], [2], [3]] output_shape [2, 3, 8, 6] : !o3 into !o
  return %o : !o
}

// The heads of a group count faster than the queries in the rows of the products.
// CHECK-LABEL: func @heads_behind_queries_as_rows
// CHECK-SAME: (%[[Q:.*]]: tensor<3x8x2x4xf32>, %[[K:.*]]: tensor<3x5x4xf32>, %[[V:.*]]: tensor<3x5x6xf32>)
// CHECK: linalg.transpose {{.*}} permutation = [0, 2, 1, 3]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins({{.*}} : tensor<3x2x8x4xf32>, tensor<3x1x5x4xf32>, tensor<3x1x5x6xf32>)
// CHECK: linalg.transpose ins(%[[O4]] : {{.*}}) {{.*}} permutation = [0, 2, 1, 3]
func.func @heads_behind_queries_as_rows(%q: tensor<3x8x2x4xf32>, %k: tensor<3x5x4xf32>, %v: tensor<3x5x6xf32>) -> tensor<3x8x2x6xf32> {
  %zeros = arith.constant dense<0.0> : tensor<3x16x5xf32>
  %zero_out = arith.constant dense<0.0> : tensor<3x16x6xf32>
  %e = tensor.empty() : tensor<3x8x2x5xf32>
  %rows = tensor.collapse_shape %q [[0], [1, 2], [3]] : tensor<3x8x2x4xf32> into tensor<3x16x4xf32>
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%rows, %k : tensor<3x16x4xf32>, tensor<3x5x4xf32>) outs(%zeros : tensor<3x16x5xf32>) -> tensor<3x16x5xf32>
  %s4 = tensor.expand_shape %s [[0], [1, 2], [3]] output_shape [3, 8, 2, 5] : tensor<3x16x5xf32> into tensor<3x8x2x5xf32>
  %p4 = linalg.softmax dimension(3) ins(%s4 : tensor<3x8x2x5xf32>) outs(%e : tensor<3x8x2x5xf32>) -> tensor<3x8x2x5xf32>
  %p = tensor.collapse_shape %p4 [[0], [1, 2], [3]] : tensor<3x8x2x5xf32> into tensor<3x16x5xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<3x16x5xf32>, tensor<3x5x6xf32>) outs(%zero_out : tensor<3x16x6xf32>) -> tensor<3x16x6xf32>
  %o4 = tensor.expand_shape %o [[0], [1, 2], [3]] output_shape [3, 8, 2, 6] : tensor<3x16x6xf32> into tensor<3x8x2x6xf32>
  return %o4 : tensor<3x8x2x6xf32>
}

// Heads as rows, and a bias for each head of the group.
// CHECK-LABEL: func @bias_of_each_head_in_rows
// CHECK-SAME: %[[BIAS:[a-z0-9]*]]: tensor<2x5xf32>)
// CHECK: %[[B4:.*]] = tensor.expand_shape %[[BIAS]] {{.*}} output_shape [1, 2, 1, 5]
// CHECK: sprint.attention @{{.*}} ins({{.*}} : tensor<3x2x8x4xf32>, tensor<3x1x5x4xf32>, tensor<3x1x5x6xf32>) bias(%[[B4]] : tensor<1x2x1x5xf32>)
func.func @bias_of_each_head_in_rows(%q: tensor<3x2x8x4xf32>, %k: tensor<3x5x4xf32>, %v: tensor<3x5x6xf32>, %bias: tensor<2x5xf32>) -> tensor<3x2x8x6xf32> {
  %zeros = arith.constant dense<0.0> : tensor<3x16x5xf32>
  %zero_out = arith.constant dense<0.0> : tensor<3x16x6xf32>
  %e = tensor.empty() : tensor<3x2x8x5xf32>
  %rows = tensor.collapse_shape %q [[0], [1, 2], [3]] : tensor<3x2x8x4xf32> into tensor<3x16x4xf32>
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%rows, %k : tensor<3x16x4xf32>, tensor<3x5x4xf32>) outs(%zeros : tensor<3x16x5xf32>) -> tensor<3x16x5xf32>
  %s4 = tensor.expand_shape %s [[0], [1, 2], [3]] output_shape [3, 2, 8, 5] : tensor<3x16x5xf32> into tensor<3x2x8x5xf32>
  %x = linalg.generic {indexing_maps = [affine_map<(b, h, i, j) -> (b, h, i, j)>, affine_map<(b, h, i, j) -> (h, j)>,
                                       affine_map<(b, h, i, j) -> (b, h, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%s4, %bias : tensor<3x2x8x5xf32>, tensor<2x5xf32>) outs(%e : tensor<3x2x8x5xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.addf %a, %b : f32
    linalg.yield %y : f32
  } -> tensor<3x2x8x5xf32>
  %p4 = linalg.softmax dimension(3) ins(%x : tensor<3x2x8x5xf32>) outs(%e : tensor<3x2x8x5xf32>) -> tensor<3x2x8x5xf32>
  %p = tensor.collapse_shape %p4 [[0], [1, 2], [3]] : tensor<3x2x8x5xf32> into tensor<3x16x5xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<3x16x5xf32>, tensor<3x5x6xf32>) outs(%zero_out : tensor<3x16x6xf32>) -> tensor<3x16x6xf32>
  %o4 = tensor.expand_shape %o [[0], [1, 2], [3]] output_shape [3, 2, 8, 6] : tensor<3x16x6xf32> into tensor<3x2x8x6xf32>
  return %o4 : tensor<3x2x8x6xf32>
}

// Heads as rows in the last product only: the scores are those of each head.
// CHECK-LABEL: func @merged_to_the_end
// CHECK: linalg.broadcast ins({{.*}} : tensor<3x5x6xf32>)
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins({{.*}} : tensor<3x2x8x4xf32>, tensor<3x2x5x4xf32>, tensor<3x2x5x6xf32>)
// CHECK: tensor.collapse_shape %[[O4]] {{.*}} : tensor<3x2x8x6xf32> into tensor<3x16x6xf32>
func.func @merged_to_the_end(%q: tensor<6x8x4xf32>, %k: tensor<6x5x4xf32>, %v: tensor<3x5x6xf32>) -> tensor<3x16x6xf32> {
  %zeros = arith.constant dense<0.0> : tensor<6x8x5xf32>
  %zero_out = arith.constant dense<0.0> : tensor<3x16x6xf32>
  %e = tensor.empty() : tensor<6x8x5xf32>
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q, %k : tensor<6x8x4xf32>, tensor<6x5x4xf32>) outs(%zeros : tensor<6x8x5xf32>) -> tensor<6x8x5xf32>
  %p6 = linalg.softmax dimension(2) ins(%s : tensor<6x8x5xf32>) outs(%e : tensor<6x8x5xf32>) -> tensor<6x8x5xf32>
  %p4 = tensor.expand_shape %p6 [[0, 1], [2], [3]] output_shape [3, 2, 8, 5] : tensor<6x8x5xf32> into tensor<3x2x8x5xf32>
  %p = tensor.collapse_shape %p4 [[0], [1, 2], [3]] : tensor<3x2x8x5xf32> into tensor<3x16x5xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<3x16x5xf32>, tensor<3x5x6xf32>) outs(%zero_out : tensor<3x16x6xf32>) -> tensor<3x16x6xf32>
  return %o : tensor<3x16x6xf32>
}

// Flat scores that are split into rows anew: the softmax is not that of the keys.
// CHECK-LABEL: func @queries_and_keys_mixed
// CHECK: linalg.softmax
func.func @queries_and_keys_mixed(%q: !q, %k: !k, %v: !v) -> !o {
  %zeros = arith.constant dense<0.0> : !s
  %zero_out = arith.constant dense<0.0> : !o3
  %e = tensor.empty() : tensor<6x16x8xf32>
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : !q into !q3
  %k3 = tensor.collapse_shape %k [[0, 1], [2], [3]] : !k into !k3
  %v3 = tensor.collapse_shape %v [[0, 1], [2], [3]] : !v into !v3
  %s = linalg.contract indexing_maps = [#bic, #bjc, #bij] ins(%q3, %k3 : !q3, !k3) outs(%zeros : !s) -> !s
  %s1 = tensor.collapse_shape %s [[0, 1, 2]] : !s into tensor<768xf32>
  %x = tensor.expand_shape %s1 [[0, 1, 2]] output_shape [6, 16, 8] : tensor<768xf32> into tensor<6x16x8xf32>
  %y = linalg.softmax dimension(2) ins(%x : tensor<6x16x8xf32>) outs(%e : tensor<6x16x8xf32>) -> tensor<6x16x8xf32>
  %p1 = tensor.collapse_shape %y [[0, 1, 2]] : tensor<6x16x8xf32> into tensor<768xf32>
  %p = tensor.expand_shape %p1 [[0, 1, 2]] output_shape [6, 8, 16] : tensor<768xf32> into !s
  // expected-remark @below {{attention not raised: }}
  %o3 = linalg.batch_matmul ins(%p, %v3 : !s, !v3) outs(%zero_out : !o3) -> !o3
  %o = tensor.expand_shape %o3 [[0, 1], [2], [3]] output_shape [2, 3, 8, 6] : !o3 into !o
  return %o : !o
}
