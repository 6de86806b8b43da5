// RUN: sprint-opt %s --sprint-host-lower-contractions --canonicalize --split-input-file | FileCheck %s

// Three operands of format and address, whether the result is overwritten, the number of loops; then trip count and steps of each.
// CHECK: func.func private @sprintContract(i64)
// CHECK-LABEL: func.func @matmul(
// CHECK-SAME: %[[A:.*]]: memref<4x5xf32>, %[[B:.*]]: memref<5x3xbf16>, %[[C:.*]]: memref<4x3xf32>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : i64
// CHECK-DAG: %[[TWO:.*]] = arith.constant 2 : i64
// CHECK-DAG: %[[THREE:.*]] = arith.constant 3 : i64
// CHECK-DAG: %[[FOUR:.*]] = arith.constant 4 : i64
// CHECK-DAG: %[[FIVE:.*]] = arith.constant 5 : i64
// CHECK: %[[WORDS:.*]] = memref.alloca() : memref<20xi64>
// CHECK: %[[LEFT_INDEX:.*]] = memref.extract_aligned_pointer_as_index %[[A]]
// CHECK: memref.store %[[TWO]], %[[WORDS]][%c0]
// CHECK: %[[LEFT:.*]] = arith.index_cast %[[LEFT_INDEX]] : index to i64
// CHECK: memref.store %[[LEFT]], %[[WORDS]][%c1]
// CHECK: memref.store %[[ONE]], %[[WORDS]][%c2]
// CHECK: memref.store %{{.*}}, %[[WORDS]][%c3]
// CHECK: memref.store %[[TWO]], %[[WORDS]][%c4]
// CHECK: memref.store %{{.*}}, %[[WORDS]][%c5]
// What the result holds is added to.
// CHECK: memref.store %[[ZERO]], %[[WORDS]][%c6]
// CHECK: memref.store %[[THREE]], %[[WORDS]][%c7]
// Rows: 4, by which the left operand advances 5 elements and the result 3.
// CHECK: memref.store %[[FOUR]], %[[WORDS]][%c8]
// CHECK: memref.store %[[FIVE]], %[[WORDS]][%c9]
// CHECK: memref.store %[[ZERO]], %[[WORDS]][%c10]
// CHECK: memref.store %[[THREE]], %[[WORDS]][%c11]
// Columns.
// CHECK: memref.store %[[THREE]], %[[WORDS]][%c12]
// CHECK: memref.store %[[ZERO]], %[[WORDS]][%c13]
// CHECK: memref.store %[[ONE]], %[[WORDS]][%c14]
// CHECK: memref.store %[[ONE]], %[[WORDS]][%c15]
// The sum.
// CHECK: memref.store %[[FIVE]], %[[WORDS]][%c16]
// CHECK: memref.store %[[ONE]], %[[WORDS]][%c17]
// CHECK: memref.store %[[THREE]], %[[WORDS]][%c18]
// CHECK: memref.store %[[ZERO]], %[[WORDS]][%c19]
// CHECK: %[[ADDRESS:.*]] = memref.extract_aligned_pointer_as_index %[[WORDS]]
// CHECK: %[[ARGUMENT:.*]] = arith.index_cast %[[ADDRESS]] : index to i64
// CHECK: call @sprintContract(%[[ARGUMENT]])
// CHECK-NOT: linalg.
#left = affine_map<(d0, d1, d2) -> (d0, d2)>
#right = affine_map<(d0, d1, d2) -> (d2, d1)>
#result = affine_map<(d0, d1, d2) -> (d0, d1)>
func.func @matmul(%a: memref<4x5xf32>, %b: memref<5x3xbf16>, %c: memref<4x3xf32>) {
  linalg.generic {indexing_maps = [#left, #right, #result], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<4x5xf32>, memref<5x3xbf16>) outs(%c : memref<4x3xf32>) {
  ^bb0(%x: f32, %y: bf16, %sum: f32):
    %0 = arith.extf %y : bf16 to f32
    %1 = arith.mulf %0, %x : f32
    %2 = arith.addf %1, %sum : f32
    linalg.yield %2 : f32
  }
  return
}

// -----

// CHECK-LABEL: func.func @overwritten(
// CHECK-DAG: %[[TRUE:.*]] = arith.constant 1 : i64
// CHECK-NOT: linalg.fill
// CHECK: memref.store %[[TRUE]], %{{.*}}[%c6]
// CHECK: call @sprintContract
func.func @overwritten(%a: memref<4x5xf32>, %b: memref<5x3xf32>, %c: memref<4x3xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<4x3xf32>)
  linalg.matmul ins(%a, %b : memref<4x5xf32>, memref<5x3xf32>) outs(%c : memref<4x3xf32>)
  return
}

// -----

// Elements that no iteration writes stay filled, and those filled with another number are added to.
// CHECK-LABEL: func.func @filled(
// CHECK-DAG: %[[FALSE:.*]] = arith.constant 0 : i64
// CHECK: linalg.fill
// CHECK: memref.store %[[FALSE]], %{{.*}}[%c6]
// CHECK: linalg.fill
// CHECK: memref.store %[[FALSE]], %{{.*}}[%c6]
#vector = affine_map<(d0) -> (d0)>
#even = affine_map<(d0) -> (d0 * 2)>
func.func @filled(%a: memref<4xf32>, %b: memref<8xf32>, %c: memref<5x3xf32>, %d: memref<4x5xf32>, %e: memref<4x3xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  linalg.fill ins(%zero : f32) outs(%b : memref<8xf32>)
  linalg.generic {indexing_maps = [#vector, #vector, #even], iterator_types = ["parallel"]}
      ins(%a, %a : memref<4xf32>, memref<4xf32>) outs(%b : memref<8xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.fill ins(%one : f32) outs(%e : memref<4x3xf32>)
  linalg.matmul ins(%d, %c : memref<4x5xf32>, memref<5x3xf32>) outs(%e : memref<4x3xf32>)
  return
}

// -----

// The description is on the stack once, however often the op runs; the address is that of the first element, behind the offset.
// CHECK-LABEL: func.func @loop(
// CHECK: memref.alloca() : memref<16xi64>
// CHECK: scf.for
// CHECK-NOT: memref.alloca
// CHECK: %[[BASE:.*]] = memref.extract_aligned_pointer_as_index
// CHECK: arith.addi %[[BASE]], %c40 : index
// CHECK: call @sprintContract
func.func @loop(%a: memref<4x5xf32, strided<[5, 1], offset: 10>>, %x: memref<5xf32>, %y: memref<4xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    linalg.matvec ins(%a, %x : memref<4x5xf32, strided<[5, 1], offset: 10>>, memref<5xf32>) outs(%y : memref<4xf32>)
  }
  return
}

// -----

// A convolution is one: its windows are linear in the loops.
// CHECK-LABEL: func.func @convolution(
// CHECK: memref.alloca() : memref<36xi64>
// CHECK: call @sprintContract
func.func @convolution(%x: memref<2x3x9x8xf32>, %w: memref<4x3x3x2xf32>, %r: memref<2x4x3x7xf32>) {
  linalg.conv_2d_nchw_fchw {dilations = dense<[2, 1]> : vector<2xi64>, strides = dense<[2, 1]> : vector<2xi64>}
      ins(%x, %w : memref<2x3x9x8xf32>, memref<4x3x3x2xf32>) outs(%r : memref<2x4x3x7xf32>)
  return
}

// -----

// Not one: integers, a sum that is narrower than what it sums, a maximum instead of a sum, an index that is not linear, a square.
// CHECK-NOT: sprintContract
// CHECK-LABEL: func.func @others(
// CHECK: linalg.matmul
// CHECK-COUNT-4: linalg.generic
#one = affine_map<(d0) -> (d0)>
#none = affine_map<(d0) -> ()>
#half = affine_map<(d0) -> (d0 floordiv 2)>
func.func @others(%i: memref<4x4xi32>, %x: memref<4xf32>, %s: memref<f32>, %h: memref<f16>) {
  linalg.matmul ins(%i, %i : memref<4x4xi32>, memref<4x4xi32>) outs(%i : memref<4x4xi32>)
  linalg.generic {indexing_maps = [#one, #one, #none], iterator_types = ["reduction"]} ins(%x, %x : memref<4xf32>, memref<4xf32>) outs(%h : memref<f16>) {
  ^bb0(%a: f32, %b: f32, %sum: f16):
    %0 = arith.truncf %a : f32 to f16
    %1 = arith.truncf %b : f32 to f16
    %2 = arith.mulf %0, %1 : f16
    %3 = arith.addf %sum, %2 : f16
    linalg.yield %3 : f16
  }
  linalg.generic {indexing_maps = [#one, #one, #none], iterator_types = ["reduction"]} ins(%x, %x : memref<4xf32>, memref<4xf32>) outs(%s : memref<f32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.maximumf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#half, #one, #none], iterator_types = ["reduction"]} ins(%x, %x : memref<4xf32>, memref<4xf32>) outs(%s : memref<f32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#one, #one, #none], iterator_types = ["reduction"]} ins(%x, %x : memref<4xf32>, memref<4xf32>) outs(%s : memref<f32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %a : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}
