// RUN: sprint-opt %s --sprint-attach-machine --sprint-decompose-attention --sprint-outline-programs | FileCheck %s
// RUN: sprint-opt %s --sprint-attach-machine --sprint-decompose-attention --canonicalize --cse --loop-invariant-code-motion \
// RUN:   --sprint-tile-to-crossbar --sprint-schedule-fetches --cse --sprint-outline-programs --convert-sprint-to-isa \
// RUN:   | FileCheck %s --check-prefix=MERGED

// The program takes the codes of the bias, the launch its floats.

// CHECK-LABEL: func.func @all(
// CHECK-SAME: %[[VALID:[^:]*]]: tensor<2x?xi1>, %[[MASK:[^:]*]]: tensor<1x1x?x?xi1>, %[[BIAS:[^:]*]]: tensor<1x2x1x?xf32>
// CHECK-NOT: sprint.quantize
// CHECK: sprint.launch @[[ALL:.*]] ins({{.*}}) key_valid(%[[VALID]] : tensor<2x?xi1>) mask(%[[MASK]] : tensor<1x1x?x?xi1>) bias(%[[BIAS]] : tensor<1x2x1x?xf32>) outs(
// CHECK: sprint.program @[[ALL]]({{.*}}: tensor<2x2xi64>, key_valid %[[VALID:[^:]*]]: tensor<2x?xi1>, mask %[[MASK:[^:]*]]: tensor<1x1x?x?xi1>, bias %[[BIAS:[^:]*]]: tensor<2x2x1x?xi32>) ->
// CHECK: tensor.extract_slice %[[VALID]]
// CHECK: tensor.extract_slice %[[MASK]]
// CHECK: tensor.extract_slice %[[BIAS]]
func.func @all(%valid: tensor<2x?xi1>, %mask: tensor<1x1x?x?xi1>, %bias: tensor<1x2x1x?xf32>, %q: tensor<2x2x?x8xf32>,
    %k: tensor<2x2x?x8xf32>) -> tensor<2x2x?x8xf32> {
  %0 = sprint.attention ins(%q, %k, %k : tensor<2x2x?x8xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x8xf32>)
      key_valid(%valid : tensor<2x?xi1>) mask(%mask : tensor<1x1x?x?xi1>) bias(%bias : tensor<1x2x1x?xf32>)
      outs(%q : tensor<2x2x?x8xf32>) scale(0.5) -> tensor<2x2x?x8xf32>
  return %0 : tensor<2x2x?x8xf32>
}

// A mask without a row of its own for each query leaves the loops, and still is the program's argument. Codes that serve
// as query, key and value become three; the commands tell their lengths apart.

// MERGED-LABEL: func.func @self(
// MERGED: sprint.launch @[[SELF:.*]] ins(%[[X:.*]], %[[X]], %[[X]] : {{.*}}) mask(
// MERGED: sprint_isa.program @[[SELF]] machine({{.*}}) parameters(batches = 1, heads = 1, queries = ?, keys = ?, {{.*}} inputs(mask)
// MERGED: sprint_isa.threshold {{.*}} last(min(keys, i2 + 1))
func.func @self(%x: tensor<1x1x?x80xf32>, %mask: tensor<1x1x1x?xi1>) -> tensor<1x1x?x80xf32> {
  %0 = sprint.attention ins(%x, %x, %x : tensor<1x1x?x80xf32>, tensor<1x1x?x80xf32>, tensor<1x1x?x80xf32>)
      mask(%mask : tensor<1x1x1x?xi1>) outs(%x : tensor<1x1x?x80xf32>) scale(0.5) band(#sprint.band<upper = 0>) -> tensor<1x1x?x80xf32>
  return %0 : tensor<1x1x?x80xf32>
}
