// RUN: sprint-opt %s --split-input-file --verify-diagnostics | sprint-opt --split-input-file | FileCheck %s

// CHECK-LABEL: func @segments
// CHECK: sprint.attention ins({{.*}}) query_segments(%{{.*}} : tensor<2x?xi32>) key_segments(%{{.*}} : tensor<2x?xi32>) outs(
// CHECK: sprint.fill_empty_rows ins({{.*}}) query_segments(%{{.*}} : tensor<2x?xi32>) key_segments(%{{.*}} : tensor<2x?xi32>) outs(
func.func @segments(%t: tensor<2x2x?x8xf32>, %ids: tensor<2x?xi32>) -> tensor<2x2x?x8xf32> {
  %0 = sprint.attention ins(%t, %t, %t : tensor<2x2x?x8xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x8xf32>)
      query_segments(%ids : tensor<2x?xi32>) key_segments(%ids : tensor<2x?xi32>) outs(%t : tensor<2x2x?x8xf32>)
      scale(1.0) -> tensor<2x2x?x8xf32>
  %1 = sprint.fill_empty_rows ins(%t : tensor<2x2x?x8xf32>) query_segments(%ids : tensor<2x?xi32>)
      key_segments(%ids : tensor<2x?xi32>) outs(%0 : tensor<2x2x?x8xf32>) empty_row(nan) -> tensor<2x2x?x8xf32>
  return %1 : tensor<2x2x?x8xf32>
}

// CHECK-LABEL: func @selections
// CHECK: sprint.prune {{.*}} segments(%{{.*}}, %{{.*}} : tensor<1xi32>, tensor<?xi32>) : tensor<1x?xi32> -> tensor<1x?xi1>
// CHECK: sprint.allow {{.*}} segments(%{{.*}}, %{{.*}} : tensor<1xi32>, tensor<?xi32>) : tensor<1x?xi1>
func.func @selections(%a: tensor<1x?xi32>, %t: tensor<1xi32>, %queries: tensor<1xindex>, %n: index, %own: tensor<1xi32>,
                      %keys: tensor<?xi32>) -> (tensor<1x?xi1>, tensor<1x?xi1>) {
  %kept = sprint.prune %a threshold(%t : tensor<1xi32>) queries(%queries of %n : tensor<1xindex>)
      segments(%own, %keys : tensor<1xi32>, tensor<?xi32>) : tensor<1x?xi32> -> tensor<1x?xi1>
  %allowed = sprint.allow keys(%n) queries(%queries of %n : tensor<1xindex>)
      segments(%own, %keys : tensor<1xi32>, tensor<?xi32>) : tensor<1x?xi1>
  return %kept, %allowed : tensor<1x?xi1>, tensor<1x?xi1>
}

// -----

func.func @alone(%t: tensor<1x2x4x8xf32>, %ids: tensor<1x4xi32>) {
  // expected-error @below {{expected 'key_segments' beside 'query_segments', got none}}
  %0 = sprint.attention ins(%t, %t, %t : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      query_segments(%ids : tensor<1x4xi32>) outs(%t : tensor<1x2x4x8xf32>) scale(1.0) -> tensor<1x2x4x8xf32>
  return
}

// -----

// expected-error @below {{expected 'query_segments' beside 'key_segments', got none}}
sprint.program @alone(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>,
    threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>,
    key_segments %ids: tensor<1x4xi32>) -> tensor<1x1x4x8xi32> scale(0.125) {
  %r = tensor.empty() : tensor<1x1x4x8xi32>
  sprint.return %r : tensor<1x1x4x8xi32>
}

// -----

func.func @length(%t: tensor<1x2x4x8xf32>, %own: tensor<1x4xi32>, %keys: tensor<1x5xi32>) {
  // expected-error @below {{expected dimension 1 (Sk) of key_segments to be 4 as in key, got 5}}
  %0 = sprint.attention ins(%t, %t, %t : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      query_segments(%own : tensor<1x4xi32>) key_segments(%keys : tensor<1x5xi32>) outs(%t : tensor<1x2x4x8xf32>)
      scale(1.0) -> tensor<1x2x4x8xf32>
  return
}

// -----

func.func @other_type(%t: tensor<1x2x4x8xf32>, %own: tensor<1x4xi64>) {
  // expected-error @below {{must be 2D tensor of 32-bit signless integer values, but got 'tensor<1x4xi64>'}}
  %0 = sprint.attention ins(%t, %t, %t : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
      query_segments(%own : tensor<1x4xi64>) key_segments(%own : tensor<1x4xi64>) outs(%t : tensor<1x2x4x8xf32>)
      scale(1.0) -> tensor<1x2x4x8xf32>
  return
}

// -----

func.func @rows(%a: tensor<2x8xi32>, %t: tensor<2xi32>, %queries: tensor<2xindex>, %n: index, %own: tensor<1xi32>, %keys: tensor<8xi32>) {
  // expected-error @below {{expected dimension 0 (B) of query_segments to be 2 as in scores, got 1}}
  %0 = sprint.prune %a threshold(%t : tensor<2xi32>) queries(%queries of %n : tensor<2xindex>)
      segments(%own, %keys : tensor<1xi32>, tensor<8xi32>) : tensor<2x8xi32> -> tensor<2x8xi1>
  return
}

// -----

func.func @one_side(%a: tensor<1x8xi32>, %t: tensor<1xi32>, %queries: tensor<1xindex>, %n: index, %own: tensor<1xi32>) {
  // expected-error @below {{expected segments of both queries and keys, or of neither}}
  %0 = "sprint.prune"(%a, %t, %queries, %n, %own) {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0>}
      : (tensor<1x8xi32>, tensor<1xi32>, tensor<1xindex>, index, tensor<1xi32>) -> tensor<1x8xi1>
  return
}
