// An attention of 4 heads in TOSA.
func.func @main(%query: tensor<4x24x16xf32>, %key: tensor<4x24x16xf32>, %value: tensor<4x24x16xf32>)
    -> tensor<4x24x16xf32> {
  %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %shift = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %factor = "tosa.const"() {values = dense<0.25> : tensor<1x1x1xf32>}
    : () -> tensor<1x1x1xf32>
  %transposed = tosa.transpose %key {perms = array<i32: 0, 2, 1>}
    : (tensor<4x24x16xf32>) -> tensor<4x16x24xf32>
  %products = tosa.matmul %query, %transposed, %zero, %zero
    : (tensor<4x24x16xf32>, tensor<4x16x24xf32>, tensor<1xf32>, tensor<1xf32>)
    -> tensor<4x24x24xf32>
  %scaled = tosa.mul %products, %factor, %shift
    : (tensor<4x24x24xf32>, tensor<1x1x1xf32>, tensor<1xi8>) -> tensor<4x24x24xf32>
  %scores = tosa.identity %scaled : (tensor<4x24x24xf32>) -> tensor<4x24x24xf32>
  %largest = tosa.reduce_max %scores {axis = 2 : i32}
    : (tensor<4x24x24xf32>) -> tensor<4x24x1xf32>
  %differences = tosa.sub %scores, %largest
    : (tensor<4x24x24xf32>, tensor<4x24x1xf32>) -> tensor<4x24x24xf32>
  %powers = tosa.exp %differences : (tensor<4x24x24xf32>) -> tensor<4x24x24xf32>
  %sum = tosa.reduce_sum %powers {axis = 2 : i32}
    : (tensor<4x24x24xf32>) -> tensor<4x24x1xf32>
  %inverse = tosa.reciprocal %sum
    : (tensor<4x24x1xf32>) -> tensor<4x24x1xf32>
  %probabilities = tosa.mul %powers, %inverse, %shift
    : (tensor<4x24x24xf32>, tensor<4x24x1xf32>, tensor<1xi8>) -> tensor<4x24x24xf32>
  %mixed = tosa.matmul %probabilities, %value, %zero, %zero
    : (tensor<4x24x24xf32>, tensor<4x24x16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<4x24x16xf32>
  return %mixed : tensor<4x24x16xf32>
}
