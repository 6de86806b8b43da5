#map = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#map1 = affine_map<(d0, d1, d2) -> (d0, 0, d2)>
#map2 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map3 = affine_map<(d0) -> (d0)>
#map4 = affine_map<(d0, d1) -> (0, d1)>
#map5 = affine_map<(d0, d1) -> (d0, 0)>
#map6 = affine_map<(d0, d1) -> (d0, d1)>
#map7 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map8 = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
#map9 = affine_map<(d0, d1, d2, d3) -> ()>
#map10 = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
#map11 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
#map12 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
module {
  func.func @main(%arg0: tensor<2x4x48x32xf32>, %arg1: tensor<2x4x48x32xf32>, %arg2: tensor<2x4x48x32xf32>, %arg3: tensor<2x48xi64>) -> tensor<2x4x48x32xf32> {
    %c0_i64 = arith.constant 0 : i64
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %true = arith.constant true
    %cst_1 = arith.constant dense<0.000000e+00> : tensor<2x4x48x48xf32>
    %cst_2 = arith.constant dense<0.000000e+00> : tensor<f32>
    %cst_3 = arith.constant dense<0xFF800000> : tensor<f32>
    %cst_4 = arith.constant dense<true> : tensor<48x48xi1>
    %cst_5 = arith.constant 0.42044820762685725 : f64
    %cst_6 = arith.constant 0xFFF0000000000000 : f64
    %expanded = tensor.expand_shape %arg3 [[0], [1, 2]] output_shape [2, 48, 1] : tensor<2x48xi64> into tensor<2x48x1xi64>
    %expanded_7 = tensor.expand_shape %arg3 [[0], [1, 2]] output_shape [2, 1, 48] : tensor<2x48xi64> into tensor<2x1x48xi64>
    %0 = tensor.empty() : tensor<2x48x48xi1>
    %1 = linalg.generic {indexing_maps = [#map, #map1, #map2], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded, %expanded_7 : tensor<2x48x1xi64>, tensor<2x1x48xi64>) outs(%0 : tensor<2x48x48xi1>) {
    ^bb0(%in: i64, %in_17: i64, %out: i1):
      %42 = arith.cmpi eq, %in, %in_17 : i64
      linalg.yield %42 : i1
    } -> tensor<2x48x48xi1>
    %expanded_8 = tensor.expand_shape %1 [[0], [1, 2], [3]] output_shape [2, 1, 48, 48] : tensor<2x48x48xi1> into tensor<2x1x48x48xi1>
    %2 = tensor.empty() : tensor<48xi64>
    %3 = linalg.generic {indexing_maps = [#map3], iterator_types = ["parallel"]} outs(%2 : tensor<48xi64>) {
    ^bb0(%out: i64):
      %42 = linalg.index 0 : index
      %43 = arith.index_cast %42 : index to i64
      linalg.yield %43 : i64
    } -> tensor<48xi64>
    %expanded_9 = tensor.expand_shape %3 [[0, 1]] output_shape [1, 48] : tensor<48xi64> into tensor<1x48xi64>
    %expanded_10 = tensor.expand_shape %3 [[0, 1]] output_shape [48, 1] : tensor<48xi64> into tensor<48x1xi64>
    %4 = tensor.empty() : tensor<48x48xi64>
    %5 = linalg.generic {indexing_maps = [#map4, #map5, #map6], iterator_types = ["parallel", "parallel"]} ins(%expanded_9, %expanded_10 : tensor<1x48xi64>, tensor<48x1xi64>) outs(%4 : tensor<48x48xi64>) {
    ^bb0(%in: i64, %in_17: i64, %out: i64):
      %42 = arith.subi %in, %in_17 : i64
      linalg.yield %42 : i64
    } -> tensor<48x48xi64>
    %6 = tensor.empty() : tensor<48x48xi1>
    %7 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel"]} ins(%5 : tensor<48x48xi64>) outs(%6 : tensor<48x48xi1>) {
    ^bb0(%in: i64, %out: i1):
      %42 = arith.cmpi sle, %in, %c0_i64 : i64
      linalg.yield %42 : i1
    } -> tensor<48x48xi1>
    %8 = linalg.generic {indexing_maps = [#map6, #map6, #map6], iterator_types = ["parallel", "parallel"]} ins(%7, %cst_4 : tensor<48x48xi1>, tensor<48x48xi1>) outs(%6 : tensor<48x48xi1>) {
    ^bb0(%in: i1, %in_17: i1, %out: i1):
      %42 = arith.andi %in, %in_17 : i1
      linalg.yield %42 : i1
    } -> tensor<48x48xi1>
    %9 = tensor.empty() : tensor<2x1x48x48xi1>
    %10 = linalg.generic {indexing_maps = [#map7, #map8, #map7], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_8, %8 : tensor<2x1x48x48xi1>, tensor<48x48xi1>) outs(%9 : tensor<2x1x48x48xi1>) {
    ^bb0(%in: i1, %in_17: i1, %out: i1):
      %42 = arith.andi %in, %in_17 : i1
      linalg.yield %42 : i1
    } -> tensor<2x1x48x48xi1>
    %11 = tensor.empty() : tensor<2x1x48x48xf32>
    %12 = linalg.generic {indexing_maps = [#map7, #map9, #map9, #map7], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%10, %cst_2, %cst_3 : tensor<2x1x48x48xi1>, tensor<f32>, tensor<f32>) outs(%11 : tensor<2x1x48x48xf32>) {
    ^bb0(%in: i1, %in_17: f32, %in_18: f32, %out: f32):
      %42 = arith.select %in, %in_17, %in_18 : f32
      linalg.yield %42 : f32
    } -> tensor<2x1x48x48xf32>
    %13 = tensor.empty() : tensor<2x4x48x32xf32>
    %14 = linalg.generic {indexing_maps = [#map7, #map7], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%arg0 : tensor<2x4x48x32xf32>) outs(%13 : tensor<2x4x48x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %42 = arith.truncf %cst_5 : f64 to f32
      %43 = arith.mulf %in, %42 : f32
      linalg.yield %43 : f32
    } -> tensor<2x4x48x32xf32>
    %15 = tensor.empty() : tensor<2x4x32x48xf32>
    %transposed = linalg.transpose ins(%arg1 : tensor<2x4x48x32xf32>) outs(%15 : tensor<2x4x32x48xf32>) permutation = [0, 1, 3, 2] 
    %16 = linalg.generic {indexing_maps = [#map7, #map7], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed : tensor<2x4x32x48xf32>) outs(%15 : tensor<2x4x32x48xf32>) {
    ^bb0(%in: f32, %out: f32):
      %42 = arith.truncf %cst_5 : f64 to f32
      %43 = arith.mulf %in, %42 : f32
      linalg.yield %43 : f32
    } -> tensor<2x4x32x48xf32>
    %collapsed = tensor.collapse_shape %14 [[0, 1], [2], [3]] : tensor<2x4x48x32xf32> into tensor<8x48x32xf32>
    %collapsed_11 = tensor.collapse_shape %16 [[0, 1], [2], [3]] : tensor<2x4x32x48xf32> into tensor<8x32x48xf32>
    %17 = tensor.empty() : tensor<8x48x48xf32>
    %18 = linalg.fill ins(%cst : f32) outs(%17 : tensor<8x48x48xf32>) -> tensor<8x48x48xf32>
    %19 = linalg.batch_matmul ins(%collapsed, %collapsed_11 : tensor<8x48x32xf32>, tensor<8x32x48xf32>) outs(%18 : tensor<8x48x48xf32>) -> tensor<8x48x48xf32>
    %expanded_12 = tensor.expand_shape %19 [[0, 1], [2], [3]] output_shape [2, 4, 48, 48] : tensor<8x48x48xf32> into tensor<2x4x48x48xf32>
    %20 = tensor.empty() : tensor<2x4x48x48xf32>
    %21 = linalg.generic {indexing_maps = [#map7, #map10, #map7], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_12, %12 : tensor<2x4x48x48xf32>, tensor<2x1x48x48xf32>) outs(%20 : tensor<2x4x48x48xf32>) {
    ^bb0(%in: f32, %in_17: f32, %out: f32):
      %42 = arith.addf %in, %in_17 : f32
      linalg.yield %42 : f32
    } -> tensor<2x4x48x48xf32>
    %22 = tensor.empty() : tensor<2x4x48xi64>
    %23 = linalg.fill ins(%c0_i64 : i64) outs(%22 : tensor<2x4x48xi64>) -> tensor<2x4x48xi64>
    %24 = tensor.empty() : tensor<2x4x48xf32>
    %25 = linalg.fill ins(%cst_0 : f32) outs(%24 : tensor<2x4x48xf32>) -> tensor<2x4x48xf32>
    %26:2 = linalg.generic {indexing_maps = [#map7, #map11, #map11], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%21 : tensor<2x4x48x48xf32>) outs(%25, %23 : tensor<2x4x48xf32>, tensor<2x4x48xi64>) {
    ^bb0(%in: f32, %out: f32, %out_17: i64):
      %42 = linalg.index 3 : index
      %43 = arith.index_cast %42 : index to i64
      %44 = arith.maximumf %in, %out : f32
      %45 = arith.cmpf ogt, %in, %out : f32
      %46 = arith.select %45, %43, %out_17 : i64
      linalg.yield %44, %46 : f32, i64
    } -> (tensor<2x4x48xf32>, tensor<2x4x48xi64>)
    %expanded_13 = tensor.expand_shape %26#0 [[0], [1], [2, 3]] output_shape [2, 4, 48, 1] : tensor<2x4x48xf32> into tensor<2x4x48x1xf32>
    %27 = linalg.generic {indexing_maps = [#map7, #map12, #map7], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%21, %expanded_13 : tensor<2x4x48x48xf32>, tensor<2x4x48x1xf32>) outs(%20 : tensor<2x4x48x48xf32>) {
    ^bb0(%in: f32, %in_17: f32, %out: f32):
      %42 = arith.subf %in, %in_17 : f32
      linalg.yield %42 : f32
    } -> tensor<2x4x48x48xf32>
    %28 = linalg.generic {indexing_maps = [#map7, #map7], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%27 : tensor<2x4x48x48xf32>) outs(%20 : tensor<2x4x48x48xf32>) {
    ^bb0(%in: f32, %out: f32):
      %42 = math.exp %in : f32
      linalg.yield %42 : f32
    } -> tensor<2x4x48x48xf32>
    %29 = tensor.empty() : tensor<2x4x48x1xf32>
    %30 = linalg.fill ins(%cst : f32) outs(%29 : tensor<2x4x48x1xf32>) -> tensor<2x4x48x1xf32>
    %31 = linalg.generic {indexing_maps = [#map7, #map12], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%28 : tensor<2x4x48x48xf32>) outs(%30 : tensor<2x4x48x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %42 = arith.addf %in, %out : f32
      linalg.yield %42 : f32
    } -> tensor<2x4x48x1xf32>
    %32 = linalg.generic {indexing_maps = [#map7, #map12, #map7], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%28, %31 : tensor<2x4x48x48xf32>, tensor<2x4x48x1xf32>) outs(%20 : tensor<2x4x48x48xf32>) {
    ^bb0(%in: f32, %in_17: f32, %out: f32):
      %42 = arith.divf %in, %in_17 : f32
      linalg.yield %42 : f32
    } -> tensor<2x4x48x48xf32>
    %33 = tensor.empty() : tensor<2x4x48x48xi1>
    %34 = linalg.generic {indexing_maps = [#map7, #map7], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%21 : tensor<2x4x48x48xf32>) outs(%33 : tensor<2x4x48x48xi1>) {
    ^bb0(%in: f32, %out: i1):
      %42 = arith.extf %in : f32 to f64
      %43 = arith.cmpf oeq, %42, %cst_6 : f64
      linalg.yield %43 : i1
    } -> tensor<2x4x48x48xi1>
    %35 = tensor.empty() : tensor<2x4x48x1xi1>
    %36 = linalg.fill ins(%true : i1) outs(%35 : tensor<2x4x48x1xi1>) -> tensor<2x4x48x1xi1>
    %37 = linalg.generic {indexing_maps = [#map7, #map12], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%34 : tensor<2x4x48x48xi1>) outs(%36 : tensor<2x4x48x1xi1>) {
    ^bb0(%in: i1, %out: i1):
      %42 = arith.andi %in, %out : i1
      linalg.yield %42 : i1
    } -> tensor<2x4x48x1xi1>
    %38 = linalg.generic {indexing_maps = [#map12, #map7, #map7, #map7], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%37, %cst_1, %32 : tensor<2x4x48x1xi1>, tensor<2x4x48x48xf32>, tensor<2x4x48x48xf32>) outs(%20 : tensor<2x4x48x48xf32>) {
    ^bb0(%in: i1, %in_17: f32, %in_18: f32, %out: f32):
      %42 = arith.select %in, %in_17, %in_18 : f32
      linalg.yield %42 : f32
    } -> tensor<2x4x48x48xf32>
    %collapsed_14 = tensor.collapse_shape %38 [[0, 1], [2], [3]] : tensor<2x4x48x48xf32> into tensor<8x48x48xf32>
    %collapsed_15 = tensor.collapse_shape %arg2 [[0, 1], [2], [3]] : tensor<2x4x48x32xf32> into tensor<8x48x32xf32>
    %39 = tensor.empty() : tensor<8x48x32xf32>
    %40 = linalg.fill ins(%cst : f32) outs(%39 : tensor<8x48x32xf32>) -> tensor<8x48x32xf32>
    %41 = linalg.batch_matmul ins(%collapsed_14, %collapsed_15 : tensor<8x48x48xf32>, tensor<8x48x32xf32>) outs(%40 : tensor<8x48x32xf32>) -> tensor<8x48x32xf32>
    %expanded_16 = tensor.expand_shape %41 [[0, 1], [2], [3]] output_shape [2, 4, 48, 32] : tensor<8x48x32xf32> into tensor<2x4x48x32xf32>
    return %expanded_16 : tensor<2x4x48x32xf32>
  }
}

