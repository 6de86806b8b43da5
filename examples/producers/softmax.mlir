// An attention of 4 heads with linalg.softmax.
func.func @main(%query: tensor<4x24x16xf32>, %key: tensor<4x24x16xf32>, %value: tensor<4x24x16xf32>)
    -> tensor<4x24x16xf32> {
  %zero = arith.constant 0.0 : f32
  %factor = arith.constant 0.25 : f32
  %empty = tensor.empty() : tensor<4x24x24xf32>
  %empty_key = tensor.empty() : tensor<4x16x24xf32>
  %empty_head = tensor.empty() : tensor<4x24x16xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x24x24xf32>) -> tensor<4x24x24xf32>
  %zeros_head = linalg.fill ins(%zero : f32) outs(%empty_head : tensor<4x24x16xf32>) -> tensor<4x24x16xf32>
  %transposed = linalg.transpose ins(%key : tensor<4x24x16xf32>)
    outs(%empty_key : tensor<4x16x24xf32>) permutation = [0, 2, 1]
  %products = linalg.batch_matmul
    ins(%query, %transposed : tensor<4x24x16xf32>, tensor<4x16x24xf32>)
    outs(%zeros : tensor<4x24x24xf32>) -> tensor<4x24x24xf32>
  %scores = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]}
    ins(%products : tensor<4x24x24xf32>) outs(%empty : tensor<4x24x24xf32>) {
  ^bb0(%in: f32, %out: f32):
    %score = arith.mulf %in, %factor : f32
    linalg.yield %score : f32
  } -> tensor<4x24x24xf32>
  %probabilities = linalg.softmax dimension(2) ins(%scores : tensor<4x24x24xf32>)
    outs(%empty : tensor<4x24x24xf32>) -> tensor<4x24x24xf32>
  %mixed = linalg.batch_matmul ins(%probabilities, %value : tensor<4x24x24xf32>, tensor<4x24x16xf32>)
    outs(%zeros_head : tensor<4x24x16xf32>) -> tensor<4x24x16xf32>
  return %mixed : tensor<4x24x16xf32>
}
