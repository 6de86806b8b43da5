// RUN: sprint-opt %s --convert-linalg-to-sprint --split-input-file --verify-diagnostics | FileCheck %s

// What is between the scores and the softmax: 2 batches of 3 heads, dynamic lengths, 4 channels.
// The values of the operands are compared in unittests/Conversion.

#all = affine_map<(b, h, i, j) -> (b, h, i, j)>
#ij = affine_map<(b, h, i, j) -> (i, j)>
#bj = affine_map<(b, h, i, j) -> (b, j)>
#q = affine_map<(b, h, i, j, c) -> (b, h, i, c)>
#k = affine_map<(b, h, i, j, c) -> (b, h, j, c)>
#s = affine_map<(b, h, i, j, c) -> (b, h, i, j)>
#p = affine_map<(b, h, i, c, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, c, j) -> (b, h, j, c)>
#o = affine_map<(b, h, i, c, j) -> (b, h, i, c)>

// A window of four keys up to the query's own, and padding: no tensor of queries x keys.
// CHECK-LABEL: func @window_and_padding
// CHECK-SAME: %[[VALID:[a-z0-9]+]]: tensor<2x?xi1>
// CHECK: sprint.attention @{{.*}} ins({{.*}}) key_valid(%[[VALID]] : tensor<2x?xi1>) outs(
// CHECK-SAME: band(<lower = -3, upper = 0>) empty_row(uniform)
func.func @window_and_padding(%q: tensor<2x3x?x4xf32>, %k: tensor<2x3x?x4xf32>, %v: tensor<2x3x?x4xf32>,
                              %valid: tensor<2x?xi1>) -> tensor<2x3x?x4xf32> {
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %masked = arith.constant -3.40282347E+38 : f32
  %sq = tensor.dim %q, %c2 : tensor<2x3x?x4xf32>
  %sk = tensor.dim %k, %c2 : tensor<2x3x?x4xf32>
  %e = tensor.empty(%sq, %sk) : tensor<2x3x?x?xf32>
  %em = tensor.empty(%sq, %sk) : tensor<?x?xf32>
  %eo = tensor.empty(%sq) : tensor<2x3x?x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x?x?xf32>) -> tensor<2x3x?x?xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x3x?x4xf32>) -> tensor<2x3x?x4xf32>
  %window = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%em : tensor<?x?xf32>) {
  ^bb0(%out: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %first = arith.subi %i, %c4 : index
    %causal = arith.cmpi sle, %j, %i : index
    %near = arith.cmpi sgt, %j, %first : index
    %both = arith.andi %causal, %near : i1
    %r = arith.select %both, %zero, %masked : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %scores = linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x3x?x4xf32>, tensor<2x3x?x4xf32>) outs(%z : tensor<2x3x?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %m, %out : f32
    linalg.yield %r : f32
  } -> tensor<2x3x?x?xf32>
  %windowed = linalg.generic {indexing_maps = [#all, #ij, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%scores, %window : tensor<2x3x?x?xf32>, tensor<?x?xf32>) outs(%e : tensor<2x3x?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<2x3x?x?xf32>
  %logits = linalg.generic {indexing_maps = [#all, #bj, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%windowed, %valid : tensor<2x3x?x?xf32>, tensor<2x?xi1>) outs(%e : tensor<2x3x?x?xf32>) {
  ^bb0(%a: f32, %b: i1, %out: f32):
    %r = arith.select %b, %a, %masked : f32
    linalg.yield %r : f32
  } -> tensor<2x3x?x?xf32>
  %p = linalg.softmax dimension(3) ins(%logits : tensor<2x3x?x?xf32>) outs(%e : tensor<2x3x?x?xf32>) -> tensor<2x3x?x?xf32>
  %o = linalg.generic {indexing_maps = [#p, #v, #o], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%p, %v : tensor<2x3x?x?xf32>, tensor<2x3x?x4xf32>) outs(%zo : tensor<2x3x?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %m, %out : f32
    linalg.yield %r : f32
  } -> tensor<2x3x?x4xf32>
  return %o : tensor<2x3x?x4xf32>
}

// -----

// A boolean mask and a bias that the function is given; the mask selects minus infinity.
// CHECK-LABEL: func @mask_and_bias
// CHECK-SAME: %[[MASK:[a-z0-9]+]]: tensor<2x1x5x7xi1>, %[[BIAS:[a-z0-9]+]]: tensor<3x5x7xf32>
// CHECK: %[[B4:.*]] = tensor.expand_shape %[[BIAS]] {{\[}}[0, 1], [2], [3]] output_shape [1, 3, 5, 7]
// CHECK: sprint.attention @{{.*}} ins({{.*}}) mask(%[[MASK]] : tensor<2x1x5x7xi1>) bias(%[[B4]] : tensor<1x3x5x7xf32>) outs(
// CHECK-SAME: empty_row(nan)
func.func @mask_and_bias(%q: tensor<2x3x5x4xf32>, %k: tensor<2x3x7x4xf32>, %v: tensor<2x3x7x4xf32>,
                         %mask: tensor<2x1x5x7xi1>, %bias: tensor<3x5x7xf32>) -> tensor<2x3x5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %masked = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<2x3x5x7xf32>
  %eo = tensor.empty() : tensor<2x3x5x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x3x5x4xf32>) -> tensor<2x3x5x4xf32>
  %scores = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j, c) -> (b, h, i, c)>, affine_map<(b, h, i, j, c) -> (b, h, j, c)>,
                       affine_map<(b, h, i, j, c) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x3x5x4xf32>, tensor<2x3x7x4xf32>) outs(%z : tensor<2x3x5x7xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %m, %out : f32
    linalg.yield %r : f32
  } -> tensor<2x3x5x7xf32>
  %logits = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (b, h, i, j)>, affine_map<(b, h, i, j) -> (h, i, j)>,
                       affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%scores, %bias : tensor<2x3x5x7xf32>, tensor<3x5x7xf32>) outs(%e : tensor<2x3x5x7xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<2x3x5x7xf32>
  %selected = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (b, 0, i, j)>, affine_map<(b, h, i, j) -> (b, h, i, j)>,
                       affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%mask, %logits : tensor<2x1x5x7xi1>, tensor<2x3x5x7xf32>) outs(%e : tensor<2x3x5x7xf32>) {
  ^bb0(%a: i1, %b: f32, %out: f32):
    %r = arith.select %a, %b, %masked : f32
    linalg.yield %r : f32
  } -> tensor<2x3x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%selected : tensor<2x3x5x7xf32>) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %o = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, c, j) -> (b, h, i, j)>, affine_map<(b, h, i, c, j) -> (b, h, j, c)>,
                       affine_map<(b, h, i, c, j) -> (b, h, i, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%p, %v : tensor<2x3x5x7xf32>, tensor<2x3x7x4xf32>) outs(%zo : tensor<2x3x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %m, %out : f32
    linalg.yield %r : f32
  } -> tensor<2x3x5x4xf32>
  return %o : tensor<2x3x5x4xf32>
}
