// RUN: sprint-opt %s --convert-linalg-to-sprint | FileCheck %s

// Masks that compare something of the query with something of the key: 2 batches of 3 heads, 8 queries.

#bi = affine_map<(b, h, i, j) -> (b, i)>
#bj = affine_map<(b, h, i, j) -> (b, j)>
#hi = affine_map<(b, h, i, j) -> (h, i)>
#hj = affine_map<(b, h, i, j) -> (h, j)>
#all = affine_map<(b, h, i, j) -> (b, h, i, j)>

// Numbers of 32 bits are operands as they are.
// CHECK-LABEL: func @documents
// CHECK-SAME: %[[IDS:[a-z0-9]+]]: tensor<2x8xi32>)
// CHECK-NOT: linalg
// CHECK-NOT: cf.assert
// CHECK: sprint.attention @{{.*}} query_segments(%[[IDS]] : tensor<2x8xi32>) key_segments(%[[IDS]] : tensor<2x8xi32>) outs(
// CHECK-NOT: band
// CHECK-NOT: empty_row
func.func @documents(%q: tensor<2x3x8x4xf32>, %ids: tensor<2x8xi32>) -> tensor<6x8x4xf32> {
  %e = tensor.empty() : tensor<2x3x8x8xi1>
  %m = linalg.generic {indexing_maps = [#bi, #bj, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%ids, %ids : tensor<2x8xi32>, tensor<2x8xi32>) outs(%e : tensor<2x3x8x8xi1>) {
  ^bb0(%own: i32, %other: i32, %out: i1):
    %r = arith.cmpi eq, %own, %other : i32
    linalg.yield %r : i1
  } -> tensor<2x3x8x8xi1>
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<2x3x8x4xf32> into tensor<6x8x4xf32>
  %m3 = tensor.collapse_shape %m [[0, 1], [2], [3]] : tensor<2x3x8x8xi1> into tensor<6x8x8xi1>
  %init = tensor.empty() : tensor<6x8x4xf32>
  %o = tm_tensor.attention ins(%q3, %q3, %q3, %m3 : tensor<6x8x4xf32>, tensor<6x8x4xf32>, tensor<6x8x4xf32>, tensor<6x8x8xi1>)
      outs(%init : tensor<6x8x4xf32>) -> tensor<6x8x4xf32>
  return %o : tensor<6x8x4xf32>
}

// Of 64 bits 32 have to do, or equal halves would be taken for equal numbers. Keys are masked where they differ, and the band
// and the padding stand beside.
// CHECK-LABEL: func @of_64_bits
// CHECK-SAME: %[[IDS:[a-z0-9]+]]: tensor<2x8xi64>, %[[VALID:[a-z0-9]+]]: tensor<2x8xi1>)
// CHECK-NOT: tensor<{{.*}}8x8x
// CHECK: %[[OWN:.*]] = linalg.generic {{.*}} ins(%[[IDS]] : tensor<2x8xi64>) outs({{.*}} : tensor<2x8xi32>)
// CHECK: arith.trunci {{.*}} : i64 to i32
// CHECK: %[[OTHERS:.*]] = linalg.generic {{.*}} ins(%[[IDS]] : tensor<2x8xi64>) outs({{.*}} : tensor<2x8xi32>)
// CHECK: arith.subi
// CHECK: arith.shrui
// CHECK: } -> tensor<2x1x8x1xi1>
// CHECK: cf.assert %{{.*}}, "expected segments that 32 bits hold"
// CHECK: cf.assert %{{.*}}, "expected segments that 32 bits hold"
// CHECK: sprint.attention @{{.*}} key_valid(%[[VALID]] : tensor<2x8xi1>)
// CHECK-SAME: query_segments(%[[OWN]] : tensor<2x8xi32>) key_segments(%[[OTHERS]] : tensor<2x8xi32>)
// CHECK-SAME: band(<upper = 0>)
func.func @of_64_bits(%q: tensor<2x3x8x4xf32>, %ids: tensor<2x8xi64>, %valid: tensor<2x8xi1>) -> tensor<6x8x4xf32> {
  %e = tensor.empty() : tensor<2x3x8x8xf32>
  %zero = arith.constant 0.0 : f32
  %masked = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#bi, #bj, #bj, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%ids, %ids, %valid : tensor<2x8xi64>, tensor<2x8xi64>, tensor<2x8xi1>) outs(%e : tensor<2x3x8x8xf32>) {
  ^bb0(%own: i64, %other: i64, %ok: i1, %out: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %past = arith.cmpi sle, %j, %i : index
    %differ = arith.cmpi ne, %other, %own : i64
    %kept = arith.select %differ, %masked, %zero : f32
    %causal = arith.select %past, %kept, %masked : f32
    %r = arith.select %ok, %causal, %masked : f32
    linalg.yield %r : f32
  } -> tensor<2x3x8x8xf32>
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<2x3x8x4xf32> into tensor<6x8x4xf32>
  %m3 = tensor.collapse_shape %m [[0, 1], [2], [3]] : tensor<2x3x8x8xf32> into tensor<6x8x8xf32>
  %init = tensor.empty() : tensor<6x8x4xf32>
  %o = tm_tensor.attention ins(%q3, %q3, %q3, %m3 : tensor<6x8x4xf32>, tensor<6x8x4xf32>, tensor<6x8x4xf32>, tensor<6x8x8xf32>)
      outs(%init : tensor<6x8x4xf32>) -> tensor<6x8x4xf32>
  return %o : tensor<6x8x4xf32>
}

// Blocks of three tokens: nothing is read, and what 32 bits hold is known.
// CHECK-LABEL: func @blocks
// CHECK-NOT: cf.assert
// CHECK: %[[OWN:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2x8xi32>)
// CHECK: %[[OTHERS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2x8xi32>)
// CHECK: sprint.attention @{{.*}} query_segments(%[[OWN]] : tensor<2x8xi32>) key_segments(%[[OTHERS]] : tensor<2x8xi32>)
func.func @blocks(%q: tensor<2x3x8x4xf32>) -> tensor<6x8x4xf32> {
  %c3 = arith.constant 3 : index
  %e = tensor.empty() : tensor<2x3x8x8xi1>
  %m = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      outs(%e : tensor<2x3x8x8xi1>) {
  ^bb0(%out: i1):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %own = arith.floordivsi %i, %c3 : index
    %other = arith.floordivsi %j, %c3 : index
    %r = arith.cmpi eq, %own, %other : index
    linalg.yield %r : i1
  } -> tensor<2x3x8x8xi1>
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<2x3x8x4xf32> into tensor<6x8x4xf32>
  %m3 = tensor.collapse_shape %m [[0, 1], [2], [3]] : tensor<2x3x8x8xi1> into tensor<6x8x8xi1>
  %init = tensor.empty() : tensor<6x8x4xf32>
  %o = tm_tensor.attention ins(%q3, %q3, %q3, %m3 : tensor<6x8x4xf32>, tensor<6x8x4xf32>, tensor<6x8x4xf32>, tensor<6x8x8xi1>)
      outs(%init : tensor<6x8x4xf32>) -> tensor<6x8x4xf32>
  return %o : tensor<6x8x4xf32>
}

// One equality is the segments, another stays in the mask; so does one of single heads, and one that is no equality.
// CHECK-LABEL: func @several
// CHECK-SAME: %[[A:[a-z0-9]+]]: tensor<2x8xi32>, %[[B:[a-z0-9]+]]: tensor<2x8xi32>, %[[H:[a-z0-9]+]]: tensor<3x8xi32>)
// CHECK: sprint.attention @{{.*}} mask(%{{.*}} : tensor<2x3x8x8xi1>)
// CHECK-SAME: query_segments(%[[A]] : tensor<2x8xi32>) key_segments(%[[B]] : tensor<2x8xi32>)
func.func @several(%q: tensor<2x3x8x4xf32>, %a: tensor<2x8xi32>, %b: tensor<2x8xi32>, %h: tensor<3x8xi32>) -> tensor<6x8x4xf32> {
  %e = tensor.empty() : tensor<2x3x8x8xi1>
  %m = linalg.generic {indexing_maps = [#bi, #bj, #bi, #bj, #hi, #hj, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%a, %b, %b, %a, %h, %h : tensor<2x8xi32>, tensor<2x8xi32>, tensor<2x8xi32>, tensor<2x8xi32>, tensor<3x8xi32>, tensor<3x8xi32>)
      outs(%e : tensor<2x3x8x8xi1>) {
  ^bb0(%ai: i32, %bj: i32, %bi: i32, %aj: i32, %hi: i32, %hj: i32, %out: i1):
    %first = arith.cmpi eq, %ai, %bj : i32
    %second = arith.cmpi eq, %bi, %aj : i32
    %third = arith.cmpi eq, %hi, %hj : i32
    %fourth = arith.cmpi sle, %aj, %ai : i32
    %r0 = arith.andi %first, %second : i1
    %r1 = arith.andi %r0, %third : i1
    %r = arith.andi %r1, %fourth : i1
    linalg.yield %r : i1
  } -> tensor<2x3x8x8xi1>
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<2x3x8x4xf32> into tensor<6x8x4xf32>
  %m3 = tensor.collapse_shape %m [[0, 1], [2], [3]] : tensor<2x3x8x8xi1> into tensor<6x8x8xi1>
  %init = tensor.empty() : tensor<6x8x4xf32>
  %o = tm_tensor.attention ins(%q3, %q3, %q3, %m3 : tensor<6x8x4xf32>, tensor<6x8x4xf32>, tensor<6x8x4xf32>, tensor<6x8x8xi1>)
      outs(%init : tensor<6x8x4xf32>) -> tensor<6x8x4xf32>
  return %o : tensor<6x8x4xf32>
}
