// RUN: sprint-opt %s --convert-linalg-to-sprint --verify-diagnostics | FileCheck %s

// Softmax does not see what is subtracted from a whole row: any number for each query will do, the
// maximum or not.

#id = affine_map<(b, i, j) -> (b, i, j)>
#row = affine_map<(b, i, j) -> (b, i)>
#head = affine_map<(b, i, j) -> (b)>
#column = affine_map<(b, i, j) -> (b, j)>

// CHECK-LABEL: func @max_starts_from_zero
// CHECK: sprint.attention {{.*}} scale(5.000000e-01)
func.func @max_starts_from_zero(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
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
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.mulf %a0, %half : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : tensor<2x8x8xf32>) outs(%zero_row : tensor<2x8xf32>) {
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

// CHECK-LABEL: func @minimum
// CHECK: sprint.attention {{.*}} scale(5.000000e-01)
func.func @minimum(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
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
    %m = arith.minimumf %a0, %out : f32
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

// CHECK-LABEL: func @max_of_other_scores
// CHECK: sprint.attention {{.*}} scale(5.000000e-01)
func.func @max_of_other_scores(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
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
      ins(%s : tensor<2x8x8xf32>) outs(%lowest : tensor<2x8xf32>) {
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

// CHECK-LABEL: func @no_max
// CHECK: sprint.attention {{.*}} scale(5.000000e-01)
func.func @no_max(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
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
  %s = linalg.batch_matmul ins(%q, %kt : tensor<2x8x4xf32>, tensor<2x4x8xf32>) outs(%zeros : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
  ^bb0(%a0: f32, %out: f32):
    %y = arith.mulf %a0, %half : f32
    linalg.yield %y : f32
  } -> tensor<2x8x8xf32>
  %exp = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<2x8x8xf32>) outs(%e : tensor<2x8x8xf32>) {
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

// Where half of a score is minus infinity the score is, too.
// CHECK-LABEL: func @multiple_of_scores_tested
// CHECK: sprint.attention {{.*}} scale(5.000000e-01)
func.func @multiple_of_scores_tested(%q: tensor<2x8x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>)
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
      ins(%s : tensor<2x8x8xf32>) outs(%eb : tensor<2x8x8xi1>) {
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
