// RUN: sprint-opt %s --sprint-attach-machine=arch=m --sprint-tile-to-crossbar --split-input-file | FileCheck %s
// RUN: sprint-opt %s --sprint-attach-machine=arch=m --sprint-tile-to-crossbar --split-input-file --canonicalize | FileCheck %s --check-prefix=CANON

// A head dimension of one column a key: 128 keys an array, the last array holds what is left of 300.
// CANON-DAG: #[[FIRST_KEY:.*]] = affine_map<(d0) -> (d0 * 128)>
// CANON-DAG: #[[KEYS_LEFT:.*]] = affine_map<(d0) -> (d0 * -128 + 300, 128)>
// CANON-LABEL: func.func @one_column(
// CANON: scf.forall (%[[A:.*]]) in (3) shared_outs(%[[O:[a-z0-9]+]] =
// CANON-DAG: %[[FIRST:.*]] = affine.apply #[[FIRST_KEY]](%[[A]])
// CANON-DAG: %[[COUNT:.*]] = affine.min #[[KEYS_LEFT]](%[[A]])
// CANON: sprint.crossbar_score
// CANON-NOT: sprint.crossbar_score
// CANON: tensor.parallel_insert_slice %{{.*}} into %[[O]][0, %[[FIRST]]] [1, %[[COUNT]]]
func.func @one_column(%q: tensor<1x64xi8>, %k: tensor<300x64xi8>, %zero: tensor<1x300xi32>) -> tensor<1x300xi32> {
  %a = sprint.crossbar_score ins(%q, %k : tensor<1x64xi8>, tensor<300x64xi8>) outs(%zero : tensor<1x300xi32>)
      nibble(centred) -> tensor<1x300xi32>
  return %a : tensor<1x300xi32>
}

// -----

// 80 channels take two adjacent columns, so 64 keys an array; the second column adds to the first.
// CHECK: #[[ARRAYS:.*]] = affine_map<()[s0] -> (s0 ceildiv 64)>
// CHECK-LABEL: func.func @two_columns(
// CHECK: affine.apply #[[ARRAYS]]()
// CHECK: scf.forall
// CHECK: %[[FIRST:.*]] = sprint.crossbar_score ins({{.*}} : tensor<1x64xi8>, tensor<?x64xi8>)
// CHECK: sprint.crossbar_score ins({{.*}} : tensor<1x16xi8>, tensor<?x16xi8>) outs(%[[FIRST]] :
func.func @two_columns(%q: tensor<1x80xi8>, %k: tensor<?x80xi8>, %zero: tensor<1x?xi32>) -> tensor<1x?xi32> {
  %a = sprint.crossbar_score ins(%q, %k : tensor<1x80xi8>, tensor<?x80xi8>) outs(%zero : tensor<1x?xi32>)
      nibble(centred) -> tensor<1x?xi32>
  return %a : tensor<1x?xi32>
}

// -----

// CHECK-LABEL: func.func @corelets(
// CHECK: sprint.recompute {{.*}} corelets(2)
func.func @corelets(%q: tensor<1x8xi8>, %k: tensor<4x8xi8>, %i: tensor<?xindex>, %o: tensor<1x?xi1>, %m: i64, %init: tensor<1x8xi32>) -> tensor<1x8xi32> {
  %r = sprint.recompute ins(%q, %k, %k, %i, %o, %m, %m : tensor<1x8xi8>, tensor<4x8xi8>, tensor<4x8xi8>, tensor<?xindex>, tensor<1x?xi1>)
      outs(%init : tensor<1x8xi32>) widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x8xi32>
  return %r : tensor<1x8xi32>
}
