// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s

// Attentions of quantised models: the machine quantises by itself.
// CHECK-NOT: sprint.attention

#qd = affine_map<(h, i, j, d) -> (h, i, d)>
#kd = affine_map<(h, i, j, d) -> (h, j, d)>
#ij = affine_map<(h, i, j, d) -> (h, i, j)>
#id = affine_map<(h, i, j) -> (h, i, j)>
func.func @scores(%q: tensor<2x8x16xi8>, %k: tensor<2x8x16xi8>, %v: tensor<2x8x16xf32>) -> tensor<2x8x16xf32> {
  %zi = arith.constant dense<0> : tensor<2x8x8xi32>
  %z = arith.constant dense<0.0> : tensor<2x8x16xf32>
  %e = tensor.empty() : tensor<2x8x8xf32>
  %c = arith.constant 0.01 : f32
  %s = linalg.generic {indexing_maps = [#qd, #kd, #ij], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%q, %k : tensor<2x8x16xi8>, tensor<2x8x16xi8>) outs(%zi : tensor<2x8x8xi32>) {
  ^bb0(%a: i8, %b: i8, %o: i32):
    %x = arith.extsi %a : i8 to i32
    %y = arith.extsi %b : i8 to i32
    %m = arith.muli %x, %y : i32
    %r = arith.addi %m, %o : i32
    linalg.yield %r : i32
  } -> tensor<2x8x8xi32>
  %f = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s : tensor<2x8x8xi32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a: i32, %o: f32):
    %x = arith.sitofp %a : i32 to f32
    %y = arith.mulf %x, %c : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%f : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  // expected-remark @below {{attention not raised: the scores are computed of integers, as in a quantised model}}
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x16xf32>) outs(%z : tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  return %o : tensor<2x8x16xf32>
}

func.func @probabilities(%q: tensor<2x8x16xf32>, %k: tensor<2x16x8xf32>, %v: tensor<2x8x16xi8>) -> tensor<2x8x16xi32> {
  %zf = arith.constant dense<0.0> : tensor<2x8x8xf32>
  %z = arith.constant dense<0> : tensor<2x8x16xi32>
  %e = tensor.empty() : tensor<2x8x8xf32>
  %ei = tensor.empty() : tensor<2x8x8xi8>
  %c = arith.constant 127.0 : f32
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x8x16xf32>, tensor<2x16x8xf32>) outs(%zf : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %pi = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%p : tensor<2x8x8xf32>) outs(%ei : tensor<2x8x8xi8>) {
  ^bb0(%a: f32, %o: i8):
    %x = arith.mulf %a, %c : f32
    %y = arith.fptosi %x : f32 to i8
    linalg.yield %y : i8
  } -> tensor<2x8x8xi8>
  // expected-remark @below {{attention not raised: the contraction with the values is not of floats, as in a quantised model}}
  %o = linalg.batch_matmul ins(%pi, %v : tensor<2x8x8xi8>, tensor<2x8x16xi8>) outs(%z : tensor<2x8x16xi32>) -> tensor<2x8x16xi32>
  return %o : tensor<2x8x16xi32>
}
