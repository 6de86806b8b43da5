// RUN: sprint-opt %s --sprint-host-insert-asserts --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @divide(
// CHECK-SAME: %[[A:.*]]: i32, %[[B:.*]]: i32
// CHECK: %[[ZERO:.*]] = arith.constant 0 : i32
// CHECK: %[[NONZERO:.*]] = arith.cmpi ne, %[[B]], %[[ZERO]] : i32
// CHECK: cf.assert %[[NONZERO]], "division by zero (which follows from argument 1)"
// CHECK-NOT: overflow
// CHECK: arith.divui %[[A]], %[[B]]
func.func @divide(%a: i32, %b: i32) -> i32 {
  %0 = arith.divui %a, %b : i32
  return %0 : i32
}

// -----

// The smallest number has no positive twin.
// CHECK-LABEL: func.func @divide_signed(
// CHECK-SAME: %[[A:.*]]: i8, %[[B:.*]]: i8
// CHECK: cf.assert %{{.*}}, "division by zero (which follows from argument 1)"
// CHECK: %[[MINUS_ONE:.*]] = arith.constant -1 : i8
// CHECK: %[[OTHER:.*]] = arith.cmpi ne, %[[B]], %[[MINUS_ONE]] : i8
// CHECK: %[[SMALLEST:.*]] = arith.constant -128 : i8
// CHECK: %[[LARGER:.*]] = arith.cmpi ne, %[[A]], %[[SMALLEST]] : i8
// CHECK: %[[FITS:.*]] = arith.ori %[[OTHER]], %[[LARGER]]
// CHECK: cf.assert %[[FITS]], "overflow in division (which follows from arguments 0, 1)"
// CHECK: arith.remsi %[[A]], %[[B]]
func.func @divide_signed(%a: i8, %b: i8) -> i8 {
  %0 = arith.remsi %a, %b : i8
  return %0 : i8
}

// -----

// CHECK-LABEL: func.func @divide_by_constants(
// CHECK: arith.divsi
// A division by 0 stays to fail, and one by -1 may overflow.
// CHECK: cf.assert %{{.*}}, "division by zero"
// CHECK: arith.divui
// CHECK: cf.assert %{{.*}}, "overflow in division (which follows from argument 0)"
// CHECK: arith.divsi
func.func @divide_by_constants(%a: i32) -> (i32, i32, i32) {
  %two = arith.constant 2 : i32
  %zero = arith.constant 0 : i32
  %minus_one = arith.constant -1 : i32
  %0 = arith.divsi %a, %two : i32
  %1 = arith.divui %a, %zero : i32
  %2 = arith.divsi %a, %minus_one : i32
  return %0, %1, %2 : i32, i32, i32
}

// -----

// CHECK-LABEL: func.func @sizes_agree(
// CHECK: cf.assert %{{.*}}, "'linalg.add': dimension #0 of input/output operand #1 is incompatible with inferred dimension size (which follows from arguments 0, 1)"
// CHECK: linalg.add
func.func @sizes_agree(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
  %0 = linalg.add ins(%a, %b : tensor<?xf32>, tensor<?xf32>) outs(%a : tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0)>
#all = affine_map<(d0, d1) -> (d0, d1)>

// An embedding: the column is within bounds in every iteration, the row is not known to be. Its size is read once, in front of the op.
// CHECK-LABEL: func.func @embed(
// CHECK-SAME: %[[IDS:.*]]: tensor<2xi64>, %[[TABLE:.*]]: tensor<?x4xf32>
// CHECK: %[[SIZE:.*]] = tensor.dim %[[TABLE]], %{{.*}}
// CHECK: linalg.generic
// CHECK: %[[ROW:.*]] = arith.index_cast
// CHECK: %[[THERE:.*]] = arith.cmpi ult, %[[ROW]], %[[SIZE]] : index
// CHECK: cf.assert %[[THERE]], "'tensor.extract': out-of-bounds access (which follows from arguments 0, 1)"
// CHECK-NOT: cf.assert
// CHECK: tensor.extract %[[TABLE]]
func.func @embed(%ids: tensor<2xi64>, %table: tensor<?x4xf32>) -> tensor<2x4xf32> {
  %empty = tensor.empty() : tensor<2x4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #all], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<2xi64>) outs(%empty : tensor<2x4xf32>) {
  ^bb0(%id: i64, %out: f32):
    %row = arith.index_cast %id : i64 to index
    %column = linalg.index 1 : index
    %1 = tensor.extract %table[%row, %column] : tensor<?x4xf32>
    linalg.yield %1 : f32
  } -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// One of two indices, both of which are there.
// CHECK-LABEL: func.func @select_within(
// CHECK-NOT: out-of-bounds
// CHECK: return
func.func @select_within(%x: tensor<3xf32>, %first: i1, %init: tensor<3xf32>) -> tensor<3xf32> {
  %two = arith.constant 2 : index
  %0 = linalg.map outs(%init : tensor<3xf32>) (%out: f32) {
    %i = linalg.index 0 : index
    %at = arith.select %first, %two, %i : index
    %1 = tensor.extract %x[%at] : tensor<3xf32>
    linalg.yield %1 : f32
  }
  return %0 : tensor<3xf32>
}

// -----

// CHECK-LABEL: func.func @expand(
// CHECK-SAME: %[[X:.*]]: tensor<?xf32>, %[[A:.*]]: index
// CHECK: %[[COUNT:.*]] = tensor.dim %[[X]], %{{.*}}
// Divided by one size after the other, as their product may wrap around.
// CHECK: %[[DIVISOR:.*]] = arith.maxui %[[A]], %{{.*}} : index
// CHECK: %[[QUOTIENT:.*]] = arith.divui %[[COUNT]], %[[DIVISOR]] : index
// CHECK: arith.muli %[[QUOTIENT]], %[[A]] : index
// CHECK: cf.assert %{{.*}}, "'tensor.expand_shape': expected sizes that multiply to size 0 of the source (which follows from arguments 0, 1)"
// CHECK: tensor.expand_shape
func.func @expand(%x: tensor<?xf32>, %a: index) -> tensor<?x2xf32> {
  %0 = tensor.expand_shape %x [[0, 1]] output_shape [%a, 2] : tensor<?xf32> into tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func.func @reshape(
// CHECK-SAME: %[[X:.*]]: tensor<?xf32>, %[[SHAPE:.*]]: tensor<2xi64>
// CHECK: %[[ROWS:.*]] = tensor.extract %[[SHAPE]][%c0{{.*}}] : tensor<2xi64>
// CHECK: %[[COLUMNS:.*]] = tensor.extract %[[SHAPE]][%c1{{.*}}] : tensor<2xi64>
// CHECK: %[[SIZE:.*]] = arith.index_cast %[[COLUMNS]] : i64 to index
// CHECK: %[[AGREES:.*]] = arith.cmpi eq, %[[SIZE]], %c2
// CHECK: cf.assert %[[AGREES]], "'tensor.reshape': expected 2 as size 1 (which follows from argument 1)"
// CHECK: cf.assert %{{.*}}, "'tensor.reshape': expected as many elements as the source (which follows from arguments 0, 1)"
// CHECK: tensor.reshape
func.func @reshape(%x: tensor<?xf32>, %shape: tensor<2xi64>) -> tensor<?x2xf32> {
  %0 = tensor.reshape %x(%shape) : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// -----

#tokens = affine_map<(d0, d1) -> (d0)>
#rows = affine_map<(d0, d1) -> (d0, d1)>

// The length is that of the tokens through all that is computed of them; how many there can be is the model's. The other argument has no
// part in it, and a function that nobody calls from outside has no arguments to name.
// CHECK-LABEL: func.func @positions(
// CHECK: cf.assert %{{.*}}, "'tensor.extract_slice': {{.*}} (which follows from argument 1)"
// CHECK-LABEL: func.func private @hidden(
// CHECK: cf.assert %{{.*}}, "division by zero"
func.func @positions(%x: tensor<4xf32>, %ids: tensor<?xi64>) -> tensor<?x4xf32> {
  %table = arith.constant dense<1.0> : tensor<8x4xf32>
  %zero = arith.constant 0 : index
  %length = tensor.dim %ids, %zero : tensor<?xi64>
  %empty = tensor.empty(%length) : tensor<?x4xf32>
  %embedded = linalg.generic {indexing_maps = [#tokens, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<?xi64>) outs(%empty : tensor<?x4xf32>) {
  ^bb0(%id: i64, %out: f32):
    %number = arith.sitofp %id : i64 to f32
    linalg.yield %number : f32
  } -> tensor<?x4xf32>
  %tokens = tensor.dim %embedded, %zero : tensor<?x4xf32>
  %slice = tensor.extract_slice %table[0, 0] [%tokens, 4] [1, 1] : tensor<8x4xf32> to tensor<?x4xf32>
  %0 = linalg.add ins(%embedded, %slice : tensor<?x4xf32>, tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
func.func private @hidden(%a: i32, %b: i32) -> i32 {
  %0 = arith.divui %a, %b : i32
  return %0 : i32
}

// -----

// The verifier has compared sizes that are static.
// CHECK-LABEL: func.func @static(
// CHECK-NOT: cf.assert
// CHECK: linalg.add
// CHECK: cf.assert
// CHECK: linalg.sub
func.func @static(%a: tensor<8xf32>, %b: tensor<?xf32>, %c: tensor<?xf32>) -> (tensor<8xf32>, tensor<?xf32>) {
  %0 = linalg.add ins(%a, %a : tensor<8xf32>, tensor<8xf32>) outs(%a : tensor<8xf32>) -> tensor<8xf32>
  %1 = linalg.sub ins(%b, %c : tensor<?xf32>, tensor<?xf32>) outs(%b : tensor<?xf32>) -> tensor<?xf32>
  return %0, %1 : tensor<8xf32>, tensor<?xf32>
}
