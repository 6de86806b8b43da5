// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s

// What stands between the scores and the softmax: 2 heads of 8 tokens with 4 channels. What a mask becomes is the matter of
// the tests named after masks; here it is found.

#row = affine_map<(b, i, j) -> (b, i)>
#column = affine_map<(b, i, j) -> (b, j)>
#id = affine_map<(b, i, j) -> (b, i, j)>
#head = affine_map<(b, i, j) -> (b)>
#query = affine_map<(b, i, j) -> (b, i)>

// CHECK-LABEL: func @mask_added
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x8x8xf32>)
// CHECK: %[[B:.*]] = tensor.expand_shape %[[T]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 8]
// CHECK: sprint.attention {{.*}} bias(%[[B]] : tensor<1x2x8x8xf32>) {{.*}} scale(1.000000e+00)
func.func @mask_added(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>, %t: tensor<2x8x8xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %t : tensor<2x8x8xf32>, tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %y = arith.addf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @mask_selects
// CHECK-SAME: %[[T:[a-z0-9]*]]: tensor<2x8x8xi1>)
// CHECK: %[[M:.*]] = tensor.expand_shape %[[T]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 8]
// CHECK: sprint.attention {{.*}} mask(%[[M]] : tensor<1x2x8x8xi1>) {{.*}} empty_row(nan)
func.func @mask_selects(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>, %t: tensor<2x8x8xi1>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %ninf = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %t : tensor<2x8x8xf32>, tensor<2x8x8xi1>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: i1, %out: f32):
    %y = arith.select %a1, %a0, %ninf : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// The product starts from the bias, which the scale multiplies too.
// CHECK-LABEL: func @scores_added_to
// CHECK: linalg.generic
// CHECK: arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK: sprint.attention {{.*}} bias(%{{.*}} : tensor<1x2x8x8xf32>) {{.*}} scale(5.000000e-01)
func.func @scores_added_to(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>, %t: tensor<2x8x8xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%t : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.mulf %a0, %half : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// A bias below a select, on the other side of the sum: bias and mask.
// CHECK-LABEL: func @bias_and_mask
// CHECK: sprint.attention {{.*}} mask(%{{.*}} : tensor<1x2x8x8xi1>) bias(%{{.*}} : tensor<1x2x8x8xf32>) {{.*}} scale(1.000000e+00)
func.func @bias_and_mask(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>, %b: tensor<2x8x8xf32>, %m: tensor<2x8x8xi1>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %ninf = arith.constant 0xFF800000 : f32
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%b, %s : tensor<2x8x8xf32>, tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %r = arith.addf %a0, %a1 : f32
    linalg.yield %r : f32
  } -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %y : tensor<2x8x8xi1>, tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: i1, %a1: f32, %out: f32):
    %r = arith.select %a0, %ninf, %a1 : f32
    linalg.yield %r : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// A finite number added to all scores changes no probability.
// CHECK-LABEL: func @number_added
// CHECK-NOT: bias
// CHECK: sprint.attention {{.*}} scale(1.000000e+00)
func.func @number_added(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %three = arith.constant 3.0 : f32
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %r = arith.addf %a0, %three : f32
    linalg.yield %r : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// A scale that only the program knows, one for each head, multiplies the queries.
// CHECK-LABEL: func @scale_of_each_head
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4xf32>, %{{.*}}, %{{.*}}, %[[T:.*]]: tensor<2xf32>)
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{.*}} output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[T4:.*]] = tensor.expand_shape %{{.*}} output_shape [1, 2, 1, 1]
// CHECK: %[[SCALED:.*]] = linalg.generic {{.*}} ins(%[[Q4]], %[[T4]] :
// CHECK: arith.mulf
// CHECK: sprint.attention @{{.*}} ins(%[[SCALED]], {{.*}} scale(1.000000e+00)
func.func @scale_of_each_head(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>, %t: tensor<2xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #head, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %t : tensor<2x8x8xf32>, tensor<2xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %r = arith.mulf %a0, %a1 : f32
    linalg.yield %r : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// The same for each query, and by division.
// CHECK-LABEL: func @scores_divided_for_each_query
// CHECK: %[[SCALED:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<1x2x8x4xf32>, tensor<1x2x8x1xf32>)
// CHECK: arith.divf
// CHECK: sprint.attention @{{.*}} ins(%[[SCALED]],
func.func @scores_divided_for_each_query(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>, %t: tensor<2x8xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #query, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %t : tensor<2x8x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %r = arith.divf %a0, %a1 : f32
    linalg.yield %r : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// The square root of a number of channels that the program computes from constants.
// CHECK-LABEL: func @square_root
// CHECK: sprint.attention {{.*}} scale(5.000000e-01)
func.func @square_root(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %channels = arith.constant 4 : i64
  %scalar = tensor.empty() : tensor<f32>
  %root = linalg.generic {indexing_maps = [affine_map<() -> ()>], iterator_types = []} outs(%scalar : tensor<f32>) {
  ^bb0(%out: f32):
    %n = arith.sitofp %channels : i64 to f32
    %r = math.sqrt %n : f32
    linalg.yield %r : f32
  } -> tensor<f32>
  %x = linalg.generic {indexing_maps = [#id, affine_map<(b, i, j) -> ()>, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %root : tensor<2x8x8xf32>, tensor<f32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %r = arith.divf %a0, %a1 : f32
    linalg.yield %r : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// A mask of numbers that are subtracted, as XLNet does: its factor is negative.
// CHECK-LABEL: func @mask_subtracted
// CHECK: %[[FACTOR:.*]] = arith.constant -6.550000e+04 : f32
// CHECK: arith.mulf %{{.*}}, %[[FACTOR]] : f32
// CHECK: sprint.attention {{.*}} bias(%{{.*}} : tensor<1x2x8x8xf32>) {{.*}} empty_row(nan) masked_logit(0xFF800000 : f32)
func.func @mask_subtracted(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>, %t: tensor<2x8x8xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %factor = arith.constant 6.550000e+04 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %t : tensor<2x8x8xf32>, tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %m = arith.mulf %a1, %factor : f32
    %y = arith.subf %a0, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// The first columns of a wider tensor, scaled: computed from the slice, which has the scores' size.
// CHECK-LABEL: func @bias_sliced
// CHECK: %[[SLICE:.*]] = tensor.extract_slice
// CHECK: linalg.generic {{.*}} ins(%[[SLICE]] : tensor<2x8x8xf32>)
// CHECK: sprint.attention {{.*}} bias(%{{.*}} : tensor<1x2x8x8xf32>) {{.*}} scale(5.000000e-01)
func.func @bias_sliced(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>, %t: tensor<2x8x15xf32>)
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
  %slice = tensor.extract_slice %t[0, 0, 0] [2, 8, 8] [1, 1, 1] : tensor<2x8x15xf32> to tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %slice : tensor<2x8x8xf32>, tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %sum = arith.addf %a0, %a1 : f32
    %y = arith.mulf %sum, %half : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// torch.max(scores, lowest): nothing is below the lowest number, so nothing changes.
// CHECK-LABEL: func @larger_of_scores_and_lowest
// CHECK: sprint.attention @{{.*}} ins({{.*}}) outs({{.*}}) scale(1.000000e+00)
// CHECK-NOT: arith.cmpf
func.func @larger_of_scores_and_lowest(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %lowest = arith.constant -3.40282347E+38 : f32
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
    %larger = arith.cmpf ogt, %a0, %lowest : f32
    %y = arith.select %larger, %a0, %lowest : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// In a row without a valid key those masked once weigh something, those masked twice nothing.
// CHECK-LABEL: func @lowest_numbers_add_up
// CHECK: sprint.attention {{.*}} bias(%{{.*}} : tensor<1x2x8x8xf32>) {{.*}} empty_row(nan) masked_logit(0xFF800000 : f32)
func.func @lowest_numbers_add_up(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>, %m: tensor<2x8x8xi1>, %valid: tensor<2x8xi1>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %first = arith.constant -3.40282347E+38 : f32
  %second = arith.constant -3.40282347E+38 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %s : tensor<2x8x8xi1>, tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: i1, %a1: f32, %out: f32):
    %r = arith.select %a0, %a1, %first : f32
    linalg.yield %r : f32
  } -> tensor<2x8x8xf32>
  %bias = linalg.generic {indexing_maps = [#column, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%valid : tensor<2x8xi1>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: i1, %out: f32):
    %r = arith.select %a0, %c0f, %second : f32
    linalg.yield %r : f32
  } -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%y, %bias : tensor<2x8x8xf32>, tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %r = arith.addf %a0, %a1 : f32
    linalg.yield %r : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @finite_and_infinite_masks
// CHECK: sprint.attention {{.*}} bias(%{{.*}} : tensor<1x2x8x8xf32>) {{.*}} empty_row(nan) masked_logit(0xFF800000 : f32)
func.func @finite_and_infinite_masks(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>, %m: tensor<2x8x8xi1>, %valid: tensor<2x8xi1>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %first = arith.constant -3.40282347E+38 : f32
  %second = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%m, %s : tensor<2x8x8xi1>, tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: i1, %a1: f32, %out: f32):
    %r = arith.select %a0, %a1, %first : f32
    linalg.yield %r : f32
  } -> tensor<2x8x8xf32>
  %bias = linalg.generic {indexing_maps = [#column, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%valid : tensor<2x8xi1>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: i1, %out: f32):
    %r = arith.select %a0, %c0f, %second : f32
    linalg.yield %r : f32
  } -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%y, %bias : tensor<2x8x8xf32>, tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %r = arith.addf %a0, %a1 : f32
    linalg.yield %r : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}
