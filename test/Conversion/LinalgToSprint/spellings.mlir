// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s

// One attention in each function: 2 heads of 8 tokens with 4 channels, spelled differently.

#id = affine_map<(b, i, j) -> (b, i, j)>
#row = affine_map<(b, i, j) -> (b, i)>
#scalar = affine_map<(b, i, j) -> ()>

// CHECK-LABEL: func @decomposed_softmax
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(5.000000e-01)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @decomposed_softmax(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %ninf = arith.constant 0xFF800000 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %er = tensor.empty() : tensor<2x8xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %lowest = linalg.fill ins(%ninf : f32) outs(%er : tensor<2x8xf32>) -> tensor<2x8xf32>
  %zero_row = linalg.fill ins(%c0f : f32) outs(%er : tensor<2x8xf32>) -> tensor<2x8xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.mulf %a0, %half : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : tensor<2x8x8xf32>) outs(%lowest : tensor<2x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %m = arith.maximumf %a0, %out : f32
    linalg.yield %m : f32
  } -> tensor<2x8xf32>
  %shifted = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %max : tensor<2x8x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %d = arith.subf %a0, %a1 : f32
    linalg.yield %d : f32
  } -> tensor<2x8x8xf32>
  %exp = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%shifted : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = math.exp %a0 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%exp : tensor<2x8x8xf32>) outs(%zero_row : tensor<2x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.addf %a0, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x8xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%exp, %sum : tensor<2x8x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %y = arith.divf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @named_softmax
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(5.000000e-01)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @named_softmax(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
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
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @safe_softmax
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(5.000000e-01)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @safe_softmax(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %ninf = arith.constant 0xFF800000 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %er = tensor.empty() : tensor<2x8xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %lowest = linalg.fill ins(%ninf : f32) outs(%er : tensor<2x8xf32>) -> tensor<2x8xf32>
  %zero_row = linalg.fill ins(%c0f : f32) outs(%er : tensor<2x8xf32>) -> tensor<2x8xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.mulf %a0, %half : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : tensor<2x8x8xf32>) outs(%lowest : tensor<2x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %m = arith.maximumf %a0, %out : f32
    linalg.yield %m : f32
  } -> tensor<2x8xf32>
  %shifted = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %max : tensor<2x8x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %d = arith.subf %a0, %a1 : f32
    linalg.yield %d : f32
  } -> tensor<2x8x8xf32>
  %exp = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%shifted : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = math.exp %a0 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%exp : tensor<2x8x8xf32>) outs(%zero_row : tensor<2x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.addf %a0, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x8xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%exp, %sum : tensor<2x8x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %y = arith.divf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %flag = arith.constant true
  %zeroes = arith.constant dense<0.0> : tensor<2x8x8xf32>
  %eb = tensor.empty() : tensor<2x8x8xi1>
  %ebr = tensor.empty() : tensor<2x8xi1>
  %flags = linalg.fill ins(%flag : i1) outs(%ebr : tensor<2x8xi1>) -> tensor<2x8xi1>
  %infinite = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<2x8x8xf32>) outs(%eb : tensor<2x8x8xi1>) {
  ^bb0(%a0: f32, %out: i1):
    %y = arith.cmpf oeq, %a0, %ninf : f32
    linalg.yield %y : i1
  } -> tensor<2x8x8xi1>
  %every = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%infinite : tensor<2x8x8xi1>) outs(%flags : tensor<2x8xi1>) {
  ^bb0(%a0: i1, %out: i1):
    %y = arith.andi %a0, %out : i1
    linalg.yield %y : i1
  } -> tensor<2x8xi1>
  %safe = linalg.generic {indexing_maps = [#row, #id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%every, %zeroes, %p : tensor<2x8xi1>, tensor<2x8x8xf32>, tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: i1, %a1: f32, %a2: f32, %out: f32):
    %y = arith.select %a0, %a1, %a2 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%safe, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @max_from_lowest
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(5.000000e-01)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @max_from_lowest(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %er = tensor.empty() : tensor<2x8xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %zero_row = linalg.fill ins(%c0f : f32) outs(%er : tensor<2x8xf32>) -> tensor<2x8xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %finite = arith.constant -3.40282347E+38 : f32
  %lowest_finite = linalg.fill ins(%finite : f32) outs(%er : tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.mulf %a0, %half : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : tensor<2x8x8xf32>) outs(%lowest_finite : tensor<2x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %m = arith.maximumf %a0, %out : f32
    linalg.yield %m : f32
  } -> tensor<2x8xf32>
  %shifted = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %max : tensor<2x8x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %d = arith.subf %a0, %a1 : f32
    linalg.yield %d : f32
  } -> tensor<2x8x8xf32>
  %exp = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%shifted : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = math.exp %a0 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%exp : tensor<2x8x8xf32>) outs(%zero_row : tensor<2x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.addf %a0, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x8xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%exp, %sum : tensor<2x8x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %y = arith.divf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @max_ignoring_nan
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(5.000000e-01)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @max_ignoring_nan(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %ninf = arith.constant 0xFF800000 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %er = tensor.empty() : tensor<2x8xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %lowest = linalg.fill ins(%ninf : f32) outs(%er : tensor<2x8xf32>) -> tensor<2x8xf32>
  %zero_row = linalg.fill ins(%c0f : f32) outs(%er : tensor<2x8xf32>) -> tensor<2x8xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.mulf %a0, %half : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : tensor<2x8x8xf32>) outs(%lowest : tensor<2x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %m = arith.maxnumf %a0, %out : f32
    linalg.yield %m : f32
  } -> tensor<2x8xf32>
  %shifted = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %max : tensor<2x8x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %d = arith.subf %a0, %a1 : f32
    linalg.yield %d : f32
  } -> tensor<2x8x8xf32>
  %exp = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%shifted : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = math.exp %a0 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%exp : tensor<2x8x8xf32>) outs(%zero_row : tensor<2x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.addf %a0, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x8xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%exp, %sum : tensor<2x8x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %y = arith.divf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @no_scale
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(1.000000e+00)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @no_scale(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %ninf = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %er = tensor.empty() : tensor<2x8xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %lowest = linalg.fill ins(%ninf : f32) outs(%er : tensor<2x8xf32>) -> tensor<2x8xf32>
  %zero_row = linalg.fill ins(%c0f : f32) outs(%er : tensor<2x8xf32>) -> tensor<2x8xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s : tensor<2x8x8xf32>) outs(%lowest : tensor<2x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %m = arith.maximumf %a0, %out : f32
    linalg.yield %m : f32
  } -> tensor<2x8xf32>
  %shifted = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %max : tensor<2x8x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %d = arith.subf %a0, %a1 : f32
    linalg.yield %d : f32
  } -> tensor<2x8x8xf32>
  %exp = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%shifted : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = math.exp %a0 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%exp : tensor<2x8x8xf32>) outs(%zero_row : tensor<2x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.addf %a0, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x8xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%exp, %sum : tensor<2x8x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %y = arith.divf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @scores_divided
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(5.000000e-01)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @scores_divided(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %two = arith.constant 2.0 : f32
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
    %y = arith.divf %a0, %two : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @query_scaled
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(5.000000e-01)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @query_scaled(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %scaled = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q : tensor<2x8x4xf32>) outs(%eo : tensor<2x8x4xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.mulf %a0, %half : f32
    linalg.yield %y : f32
  } -> tensor<2x8x4xf32>
  %s = linalg.batch_matmul ins(%scaled, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @key_scaled_after_transpose
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(5.000000e-01)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @key_scaled_after_transpose(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %scaled = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%kt : tensor<2x4x8xf32>) outs(%ek : tensor<2x4x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.mulf %half, %a0 : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8xf32>
  %s = linalg.batch_matmul ins(%q, %scaled : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @scale_split_in_three
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(1.250000e-01)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @scale_split_in_three(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %two = arith.constant 2.0 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %qs = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q : tensor<2x8x4xf32>) outs(%eo : tensor<2x8x4xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.mulf %a0, %half : f32
    linalg.yield %y : f32
  } -> tensor<2x8x4xf32>
  %ks = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%kt : tensor<2x4x8xf32>) outs(%ek : tensor<2x4x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.divf %a0, %two : f32
    linalg.yield %y : f32
  } -> tensor<2x4x8xf32>
  %s = linalg.batch_matmul ins(%qs, %ks : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
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

// CHECK-LABEL: func @negative_factors_cancel
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(2.500000e-01)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @negative_factors_cancel(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %minus = arith.constant -0.5 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %qs = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q : tensor<2x8x4xf32>) outs(%eo : tensor<2x8x4xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.mulf %a0, %minus : f32
    linalg.yield %y : f32
  } -> tensor<2x8x4xf32>
  %s = linalg.batch_matmul ins(%qs, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.mulf %a0, %minus : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @factor_is_a_tensor_of_one_number
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(5.000000e-01)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @factor_is_a_tensor_of_one_number(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %factor = arith.constant dense<0.5> : tensor<f32>
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #scalar, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %factor : tensor<2x8x8xf32>, tensor<f32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %y = arith.mulf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @factor_rounded_to_f32
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(0.10000000149011612)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @factor_rounded_to_f32(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %tenth = arith.constant 0.1 : f64
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %c = arith.truncf %tenth : f64 to f32
    %y = arith.mulf %a0, %c : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @key_not_transposed
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(5.000000e-01)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @key_not_transposed(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(b, i, j, c) -> (b, i, c)>, affine_map<(b, i, j, c) -> (b, j, c)>,
                                       affine_map<(b, i, j, c) -> (b, i, j)>],
                      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x8x4xf32>, tensor<2x8x4xf32>) outs(%zeros : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %m = arith.mulf %a0, %a1 : f32
    %y = arith.addf %m, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
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

// CHECK-LABEL: func @operands_swapped
// CHECK-SAME: (%[[Q:.*]]: tensor<{{[^>]*}}>, %[[K:.*]]: tensor<{{[^>]*}}>, %[[V:.*]]: tensor<{{[^>]*}}>
// CHECK-DAG: %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[K4:.*]] = tensor.expand_shape %[[K]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK-DAG: %[[V4:.*]] = tensor.expand_shape %[[V]] {{\[}}[0, 1], [2], [3]] output_shape [1, 2, 8, 4]
// CHECK: %[[O4:.*]] = sprint.attention @{{.*}} ins(%[[Q4]], %[[K4]], %[[V4]] : {{.*}}) outs({{.*}}) scale(5.000000e-01)
// CHECK-NEXT: %[[O:.*]] = tensor.collapse_shape %[[O4]] {{\[}}[0, 1], [2], [3]] : tensor<1x2x8x4xf32> into tensor<2x8x4xf32>
// CHECK-NEXT: return %[[O]]
func.func @operands_swapped(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(b, i, j, c) -> (b, j, c)>, affine_map<(b, i, j, c) -> (b, i, c)>,
                                       affine_map<(b, i, j, c) -> (b, i, j)>],
                      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%k, %q : tensor<2x8x4xf32>, tensor<2x8x4xf32>) outs(%zeros : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %m = arith.mulf %a0, %a1 : f32
    %y = arith.addf %m, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
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

// A softmax to base 2 is one to base e of scores times ln 2: half of it here.
// CHECK-LABEL: func @exp2
// CHECK: sprint.attention {{.*}} scale(0.34657359027997264)
func.func @exp2(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %ninf = arith.constant 0xFF800000 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %er = tensor.empty() : tensor<2x8xf32>
  %ek = tensor.empty() : tensor<2x4x8xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %lowest = linalg.fill ins(%ninf : f32) outs(%er : tensor<2x8xf32>) -> tensor<2x8xf32>
  %zero_row = linalg.fill ins(%c0f : f32) outs(%er : tensor<2x8xf32>) -> tensor<2x8xf32>
  %kt = linalg.transpose ins(%k : tensor<2x8x4xf32>) outs(%ek : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.mulf %a0, %half : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : tensor<2x8x8xf32>) outs(%lowest : tensor<2x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %m = arith.maximumf %a0, %out : f32
    linalg.yield %m : f32
  } -> tensor<2x8xf32>
  %shifted = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %max : tensor<2x8x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %d = arith.subf %a0, %a1 : f32
    linalg.yield %d : f32
  } -> tensor<2x8x8xf32>
  %exp = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%shifted : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = math.exp2 %a0 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%exp : tensor<2x8x8xf32>) outs(%zero_row : tensor<2x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.addf %a0, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x8xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%exp, %sum : tensor<2x8x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %y = arith.divf %a0, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x8x8xf32>, tensor<2x8x4xf32>) outs(%zero_out : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return %o : tensor<2x8x4xf32>
}

// Roundings on the way to the scores are looked through.
// CHECK-LABEL: func @scores_of_half_precision
// CHECK: sprint.attention {{.*}} scale(5.000000e-01)
func.func @scores_of_half_precision(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %c0f = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x8x4xf32>
  %zeros = linalg.fill ins(%c0f : f32) outs(%e : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %zero_out = linalg.fill ins(%c0f : f32) outs(%eo : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(b, i, j, c) -> (b, i, c)>, affine_map<(b, i, j, c) -> (b, j, c)>,
                                       affine_map<(b, i, j, c) -> (b, i, j)>],
                      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x8x4xf32>, tensor<2x8x4xf32>) outs(%zeros : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %out: f32):
    %m = arith.mulf %a0, %a1 : f32
    %h = arith.truncf %m : f32 to f16
    %w = arith.extf %h : f16 to f32
    %y = arith.addf %w, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
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
