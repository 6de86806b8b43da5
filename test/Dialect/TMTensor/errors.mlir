// RUN: sprint-opt %s --split-input-file --verify-diagnostics

func.func @attention_rank(%q: tensor<6x8xf32>, %k: tensor<9x8xf32>, %v: tensor<9x8xf32>, %o: tensor<6x8xf32>) {
  // expected-error @below {{expected a query of rank 3 or more, got 'tensor<6x8xf32>'}}
  %0 = tm_tensor.attention ins(%q, %k, %v : tensor<6x8xf32>, tensor<9x8xf32>, tensor<9x8xf32>) outs(%o : tensor<6x8xf32>) -> tensor<6x8xf32>
  return
}

// -----

func.func @attention_key_rank(%q: tensor<4x6x8xf32>, %k: tensor<1x4x9x8xf32>, %v: tensor<4x9x8xf32>, %o: tensor<4x6x8xf32>) {
  // expected-error @below {{expected the key of rank 3, got 'tensor<1x4x9x8xf32>'}}
  %0 = tm_tensor.attention ins(%q, %k, %v : tensor<4x6x8xf32>, tensor<1x4x9x8xf32>, tensor<4x9x8xf32>) outs(%o : tensor<4x6x8xf32>) -> tensor<4x6x8xf32>
  return
}

// -----

func.func @attention_types(%q: tensor<4x6x8xf32>, %k: tensor<4x9x8xf32>, %v: tensor<4x9x8xf16>, %o: tensor<4x6x8xf32>) {
  // expected-error @below {{expected elements of type 'f32' in the value as in the query, got 'tensor<4x9x8xf16>'}}
  %0 = tm_tensor.attention ins(%q, %k, %v : tensor<4x6x8xf32>, tensor<4x9x8xf32>, tensor<4x9x8xf16>) outs(%o : tensor<4x6x8xf32>) -> tensor<4x6x8xf32>
  return
}

// -----

func.func @attention_grouped(%q: tensor<4x6x8xf32>, %k: tensor<2x9x8xf32>, %v: tensor<2x9x8xf32>, %o: tensor<4x6x8xf32>) {
  // expected-error @below {{expected dimension 0 of the key to be 4 as dimension 0 of the query, got 2}}
  %0 = tm_tensor.attention ins(%q, %k, %v : tensor<4x6x8xf32>, tensor<2x9x8xf32>, tensor<2x9x8xf32>) outs(%o : tensor<4x6x8xf32>) -> tensor<4x6x8xf32>
  return
}

// -----

func.func @attention_channels(%q: tensor<4x6x8xf32>, %k: tensor<4x9x7xf32>, %v: tensor<4x9x8xf32>, %o: tensor<4x6x8xf32>) {
  // expected-error @below {{expected dimension 2 of the key to be 8 as dimension 2 of the query, got 7}}
  %0 = tm_tensor.attention ins(%q, %k, %v : tensor<4x6x8xf32>, tensor<4x9x7xf32>, tensor<4x9x8xf32>) outs(%o : tensor<4x6x8xf32>) -> tensor<4x6x8xf32>
  return
}

// -----

func.func @attention_keys(%q: tensor<4x6x8xf32>, %k: tensor<4x9x8xf32>, %v: tensor<4x5x8xf32>, %o: tensor<4x6x8xf32>) {
  // expected-error @below {{expected dimension 1 of the value to be 9 as dimension 1 of the key, got 5}}
  %0 = tm_tensor.attention ins(%q, %k, %v : tensor<4x6x8xf32>, tensor<4x9x8xf32>, tensor<4x5x8xf32>) outs(%o : tensor<4x6x8xf32>) -> tensor<4x6x8xf32>
  return
}

// -----

func.func @attention_queries(%q: tensor<4x6x8xf32>, %k: tensor<4x9x8xf32>, %v: tensor<4x9x8xf32>, %o: tensor<4x9x8xf32>) {
  // expected-error @below {{expected dimension 1 of the init to be 6 as dimension 1 of the query, got 9}}
  %0 = tm_tensor.attention ins(%q, %k, %v : tensor<4x6x8xf32>, tensor<4x9x8xf32>, tensor<4x9x8xf32>) outs(%o : tensor<4x9x8xf32>) -> tensor<4x9x8xf32>
  return
}

// -----

func.func @attention_value_channels(%q: tensor<4x6x8xf32>, %k: tensor<4x9x8xf32>, %v: tensor<4x9x5xf32>, %o: tensor<4x6x8xf32>) {
  // expected-error @below {{expected dimension 2 of the init to be 5 as dimension 2 of the value, got 8}}
  %0 = tm_tensor.attention ins(%q, %k, %v : tensor<4x6x8xf32>, tensor<4x9x8xf32>, tensor<4x9x5xf32>) outs(%o : tensor<4x6x8xf32>) -> tensor<4x6x8xf32>
  return
}

// -----

func.func @attention_mask_batch(%q: tensor<4x6x8xf32>, %k: tensor<4x9x8xf32>, %v: tensor<4x9x8xf32>, %m: tensor<1x6x9xf32>, %o: tensor<4x6x8xf32>) {
  // expected-error @below {{expected dimension 0 of the mask to be 4 as dimension 0 of the query, got 1}}
  %0 = tm_tensor.attention ins(%q, %k, %v, %m : tensor<4x6x8xf32>, tensor<4x9x8xf32>, tensor<4x9x8xf32>, tensor<1x6x9xf32>) outs(%o : tensor<4x6x8xf32>) -> tensor<4x6x8xf32>
  return
}

// -----

func.func @attention_mask_keys(%q: tensor<4x6x8xf32>, %k: tensor<4x9x8xf32>, %v: tensor<4x9x8xf32>, %m: tensor<4x6x6xi1>, %o: tensor<4x6x8xf32>) {
  // expected-error @below {{expected dimension 2 of the mask to be 9 as dimension 1 of the key, got 6}}
  %0 = tm_tensor.attention ins(%q, %k, %v, %m : tensor<4x6x8xf32>, tensor<4x9x8xf32>, tensor<4x9x8xf32>, tensor<4x6x6xi1>) outs(%o : tensor<4x6x8xf32>) -> tensor<4x6x8xf32>
  return
}

// -----

func.func @attention_mask_type(%q: tensor<4x6x8xf32>, %k: tensor<4x9x8xf32>, %v: tensor<4x9x8xf32>, %m: tensor<4x6x9xi64>, %o: tensor<4x6x8xf32>) {
  // expected-error @below {{operand #3 must be ranked tensor of 16-bit float or bfloat16 type or 32-bit float or 64-bit float or 1-bit signless integer values, but got 'tensor<4x6x9xi64>'}}
  %0 = tm_tensor.attention ins(%q, %k, %v, %m : tensor<4x6x8xf32>, tensor<4x9x8xf32>, tensor<4x9x8xf32>, tensor<4x6x9xi64>) outs(%o : tensor<4x6x8xf32>) -> tensor<4x6x8xf32>
  return
}

// -----

func.func @attention_scale(%q: tensor<4x6x8xf32>, %k: tensor<4x9x8xf32>, %v: tensor<4x9x8xf32>, %o: tensor<4x6x8xf32>) {
  // expected-error @below {{expected a finite scale, got 0x7FF0000000000000 : f64}}
  %0 = tm_tensor.attention {scale = 0x7FF0000000000000 : f64} ins(%q, %k, %v : tensor<4x6x8xf32>, tensor<4x9x8xf32>, tensor<4x9x8xf32>) outs(%o : tensor<4x6x8xf32>) -> tensor<4x6x8xf32>
  return
}

// -----

func.func @scan_dimension(%x: tensor<2x5xi64>, %o: tensor<2x5xi64>, %c: tensor<2xi64>) {
  // expected-error @below {{expected a dimension of the input, which has 2, got 2}}
  %0:2 = tm_tensor.scan dimension(2) inclusive(true) ins(%x : tensor<2x5xi64>) outs(%o, %c : tensor<2x5xi64>, tensor<2xi64>) {
  ^bb0(%a: i64, %b: i64):
    tm_tensor.yield %a : i64
  } -> tensor<2x5xi64>, tensor<2xi64>
  return
}

// -----

func.func @scan_negative_dimension(%x: tensor<2x5xi64>, %o: tensor<2x5xi64>, %c: tensor<2xi64>) {
  // expected-error @below {{expected a dimension of the input, which has 2, got -1}}
  %0:2 = tm_tensor.scan dimension(-1) inclusive(true) ins(%x : tensor<2x5xi64>) outs(%o, %c : tensor<2x5xi64>, tensor<2xi64>) {
  ^bb0(%a: i64, %b: i64):
    tm_tensor.yield %a : i64
  } -> tensor<2x5xi64>, tensor<2xi64>
  return
}

// -----

func.func @scan_rank_0(%x: tensor<i64>, %o: tensor<i64>, %c: tensor<i64>) {
  // expected-error @below {{expected a dimension of the input, which has 0, got 0}}
  %0:2 = tm_tensor.scan dimension(0) inclusive(true) ins(%x : tensor<i64>) outs(%o, %c : tensor<i64>, tensor<i64>) {
  ^bb0(%a: i64, %b: i64):
    tm_tensor.yield %a : i64
  } -> tensor<i64>, tensor<i64>
  return
}

// -----

func.func @scan_output(%x: tensor<2x5xi64>, %o: tensor<2x4xi64>, %c: tensor<2xi64>) {
  // expected-error @below {{expected dimension 1 of the output to be 5 as dimension 1 of the input, got 4}}
  %0:2 = tm_tensor.scan dimension(1) inclusive(true) ins(%x : tensor<2x5xi64>) outs(%o, %c : tensor<2x4xi64>, tensor<2xi64>) {
  ^bb0(%a: i64, %b: i64):
    tm_tensor.yield %a : i64
  } -> tensor<2x4xi64>, tensor<2xi64>
  return
}

// -----

func.func @scan_output_type(%x: tensor<2x5xi64>, %o: tensor<2x5xi32>, %c: tensor<2xi64>) {
  // expected-error @below {{expected elements of type 'i64' in the output as in the input, got 'tensor<2x5xi32>'}}
  %0:2 = tm_tensor.scan dimension(1) inclusive(true) ins(%x : tensor<2x5xi64>) outs(%o, %c : tensor<2x5xi32>, tensor<2xi64>) {
  ^bb0(%a: i64, %b: i64):
    tm_tensor.yield %a : i64
  } -> tensor<2x5xi32>, tensor<2xi64>
  return
}

// -----

func.func @scan_accumulator_rank(%x: tensor<2x5xi64>, %o: tensor<2x5xi64>, %c: tensor<2x1xi64>) {
  // expected-error @below {{expected the accumulator of rank 1, got 'tensor<2x1xi64>'}}
  %0:2 = tm_tensor.scan dimension(1) inclusive(true) ins(%x : tensor<2x5xi64>) outs(%o, %c : tensor<2x5xi64>, tensor<2x1xi64>) {
  ^bb0(%a: i64, %b: i64):
    tm_tensor.yield %a : i64
  } -> tensor<2x5xi64>, tensor<2x1xi64>
  return
}

// -----

func.func @scan_accumulator(%x: tensor<2x5xi64>, %o: tensor<2x5xi64>, %c: tensor<2xi64>) {
  // expected-error @below {{expected dimension 0 of the accumulator to be 5 as dimension 1 of the input, got 2}}
  %0:2 = tm_tensor.scan dimension(0) inclusive(true) ins(%x : tensor<2x5xi64>) outs(%o, %c : tensor<2x5xi64>, tensor<2xi64>) {
  ^bb0(%a: i64, %b: i64):
    tm_tensor.yield %a : i64
  } -> tensor<2x5xi64>, tensor<2xi64>
  return
}

// -----

func.func @scan_arguments(%x: tensor<2x5xi64>, %o: tensor<2x5xi64>, %c: tensor<2xi64>) {
  // expected-error @below {{expected a body with arguments ('i64', 'i64'), got ('i64', 'i32')}}
  %0:2 = tm_tensor.scan dimension(1) inclusive(true) ins(%x : tensor<2x5xi64>) outs(%o, %c : tensor<2x5xi64>, tensor<2xi64>) {
  ^bb0(%a: i64, %b: i32):
    tm_tensor.yield %a : i64
  } -> tensor<2x5xi64>, tensor<2xi64>
  return
}

// -----

func.func @scan_yield(%x: tensor<2x5xi64>, %o: tensor<2x5xi64>, %c: tensor<2xi64>) {
  %0:2 = tm_tensor.scan dimension(1) inclusive(true) ins(%x : tensor<2x5xi64>) outs(%o, %c : tensor<2x5xi64>, tensor<2xi64>) {
  ^bb0(%a: i64, %b: i64):
    %t = arith.trunci %a : i64 to i32
    // expected-error @below {{expected a value of type 'i64', got 'i32'}}
    tm_tensor.yield %t : i32
  } -> tensor<2x5xi64>, tensor<2xi64>
  return
}

// -----

func.func @scan_terminator(%x: tensor<2x5xi64>, %c: tensor<2xi64>) {
  // expected-error @below {{expected a body that ends in tm_tensor.yield, got llvm.unreachable}}
  %0:2 = "tm_tensor.scan"(%x, %x, %c) <{dimension = 1 : i64, inclusive = true}> ({
  ^bb0(%a: i64, %b: i64):
    llvm.unreachable
  }) : (tensor<2x5xi64>, tensor<2x5xi64>, tensor<2xi64>) -> (tensor<2x5xi64>, tensor<2xi64>)
  return
}

// -----

func.func @scatter_types(%u: tensor<2x3xf16>, %i: tensor<2x1xi64>, %o: tensor<6x3xf32>) {
  // expected-error @below {{expected elements of type 'f32' in updates as in the original, got 'tensor<2x3xf16>'}}
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(true) ins(%u, %i : tensor<2x3xf16>, tensor<2x1xi64>) outs(%o : tensor<6x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    tm_tensor.yield %a : f32
  } -> tensor<6x3xf32>
  return
}

// -----

func.func @scatter_rank_0(%u: tensor<f32>, %i: tensor<2x1xi64>, %o: tensor<6xf32>) {
  // expected-error @below {{expected updates of a rank from 1 to 2, got 'tensor<f32>'}}
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(true) ins(%u, %i : tensor<f32>, tensor<2x1xi64>) outs(%o : tensor<6xf32>) {
  ^bb0(%a: f32, %b: f32):
    tm_tensor.yield %a : f32
  } -> tensor<6xf32>
  return
}

// -----

func.func @scatter_rank(%u: tensor<2x1x1x3xf32>, %i: tensor<2x1xi64>, %o: tensor<6x3xf32>) {
  // expected-error @below {{expected updates of a rank from 1 to 3, got 'tensor<2x1x1x3xf32>'}}
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(true) ins(%u, %i : tensor<2x1x1x3xf32>, tensor<2x1xi64>) outs(%o : tensor<6x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    tm_tensor.yield %a : f32
  } -> tensor<6x3xf32>
  return
}

// -----

func.func @scatter_count(%u: tensor<3x3xf32>, %i: tensor<2x1xi64>, %o: tensor<6x3xf32>) {
  // expected-error @below {{expected dimension 0 of updates to be 2 as dimension 0 of indices, got 3}}
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(true) ins(%u, %i : tensor<3x3xf32>, tensor<2x1xi64>) outs(%o : tensor<6x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    tm_tensor.yield %a : f32
  } -> tensor<6x3xf32>
  return
}

// -----

func.func @scatter_depth(%u: tensor<2x3xf32>, %i: tensor<2x2xi64>, %o: tensor<6x3xf32>) {
  // expected-error @below {{expected as many indices an update as dimension_map has dimensions, 1, got 'tensor<2x2xi64>'}}
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(true) ins(%u, %i : tensor<2x3xf32>, tensor<2x2xi64>) outs(%o : tensor<6x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    tm_tensor.yield %a : f32
  } -> tensor<6x3xf32>
  return
}

// -----

func.func @scatter_dynamic_depth(%u: tensor<2x3xf32>, %i: tensor<2x?xi64>, %o: tensor<6x3xf32>) {
  // expected-error @below {{expected as many indices an update as dimension_map has dimensions, 1, got 'tensor<2x?xi64>'}}
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(true) ins(%u, %i : tensor<2x3xf32>, tensor<2x?xi64>) outs(%o : tensor<6x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    tm_tensor.yield %a : f32
  } -> tensor<6x3xf32>
  return
}

// -----

func.func @scatter_outside_map(%u: tensor<2x3xf32>, %i: tensor<2x1xi64>, %o: tensor<6x3xf32>) {
  // expected-error @below {{expected a dimension of the original, which has 2, got 2}}
  %0 = tm_tensor.scatter {dimension_map = array<i64: 2>} unique_indices(true) ins(%u, %i : tensor<2x3xf32>, tensor<2x1xi64>) outs(%o : tensor<6x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    tm_tensor.yield %a : f32
  } -> tensor<6x3xf32>
  return
}

// -----

func.func @scatter_twice(%u: tensor<2xf32>, %i: tensor<2x2xi64>, %o: tensor<6x3xf32>) {
  // expected-error @below {{expected every dimension once in dimension_map, got 0 twice}}
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0, 0>} unique_indices(true) ins(%u, %i : tensor<2xf32>, tensor<2x2xi64>) outs(%o : tensor<6x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    tm_tensor.yield %a : f32
  } -> tensor<6x3xf32>
  return
}

// -----

func.func @scatter_uncovered(%u: tensor<2x3xf32>, %i: tensor<2x1xi64>, %o: tensor<6x3xf32>) {
  // expected-error @below {{expected dimension 0 of the original, which the updates' slices do not run along, in dimension_map, got array<i64: 1>}}
  %0 = tm_tensor.scatter {dimension_map = array<i64: 1>} unique_indices(true) ins(%u, %i : tensor<2x3xf32>, tensor<2x1xi64>) outs(%o : tensor<6x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    tm_tensor.yield %a : f32
  } -> tensor<6x3xf32>
  return
}

// -----

func.func @scatter_slice(%u: tensor<2x4xf32>, %i: tensor<2x1xi64>, %o: tensor<6x3xf32>) {
  // expected-error @below {{expected dimension 1 of updates to be at most 3 as dimension 1 of the original, got 4}}
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(true) ins(%u, %i : tensor<2x4xf32>, tensor<2x1xi64>) outs(%o : tensor<6x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    tm_tensor.yield %a : f32
  } -> tensor<6x3xf32>
  return
}

// -----

func.func @scatter_indices(%u: tensor<2x3xf32>, %i: tensor<2xi64>, %o: tensor<6x3xf32>) {
  // expected-error @below {{operand #1 must be 2D tensor of 32-bit signless integer or 64-bit signless integer values, but got 'tensor<2xi64>'}}
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(true) ins(%u, %i : tensor<2x3xf32>, tensor<2xi64>) outs(%o : tensor<6x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    tm_tensor.yield %a : f32
  } -> tensor<6x3xf32>
  return
}

// -----

func.func @scatter_arguments(%u: tensor<2x3xf32>, %i: tensor<2x1xi64>, %o: tensor<6x3xf32>) {
  // expected-error @below {{expected a body with arguments ('f32', 'f32'), got ('f32')}}
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(true) ins(%u, %i : tensor<2x3xf32>, tensor<2x1xi64>) outs(%o : tensor<6x3xf32>) {
  ^bb0(%a: f32):
    tm_tensor.yield %a : f32
  } -> tensor<6x3xf32>
  return
}

// -----

func.func @sort_dimension(%x0: tensor<3xf32>) {
  // expected-error @below {{expected a dimension of the first tensor, which has 1, got 1}}
  %0 = tm_tensor.sort dimension(1) outs(%x0 : tensor<3xf32>) {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.cmpf ole, %a, %b : f32
    tm_tensor.yield %1 : i1
  } -> tensor<3xf32>
  return
}

// -----

func.func @sort_shape(%x0: tensor<3xf32>, %x1: tensor<4xi64>) {
  // expected-error @below {{expected dimension 0 of each tensor to be 3 as dimension 0 of the first tensor, got 4}}
  %0:2 = tm_tensor.sort dimension(0) outs(%x0, %x1 : tensor<3xf32>, tensor<4xi64>) {
  ^bb0(%a: f32, %b: f32, %c: i64, %d: i64):
    %1 = arith.cmpf ole, %a, %b : f32
    tm_tensor.yield %1 : i1
  } -> tensor<3xf32>, tensor<4xi64>
  return
}

// -----

func.func @sort_rank(%x0: tensor<3xf32>, %x1: tensor<3x1xi64>) {
  // expected-error @below {{expected each tensor of rank 1, got 'tensor<3x1xi64>'}}
  %0:2 = tm_tensor.sort dimension(0) outs(%x0, %x1 : tensor<3xf32>, tensor<3x1xi64>) {
  ^bb0(%a: f32, %b: f32, %c: i64, %d: i64):
    %1 = arith.cmpf ole, %a, %b : f32
    tm_tensor.yield %1 : i1
  } -> tensor<3xf32>, tensor<3x1xi64>
  return
}

// -----

func.func @sort_arguments(%x0: tensor<3xf32>, %x1: tensor<3xi64>) {
  // expected-error @below {{expected a body with arguments ('f32', 'f32', 'i64', 'i64'), got ('f32', 'f32')}}
  %0:2 = tm_tensor.sort dimension(0) outs(%x0, %x1 : tensor<3xf32>, tensor<3xi64>) {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.cmpf ole, %a, %b : f32
    tm_tensor.yield %1 : i1
  } -> tensor<3xf32>, tensor<3xi64>
  return
}

// -----

func.func @sort_result(%x0: tensor<3xf32>) {
  // expected-error @below {{expected type of operand #0 ('tensor<3xf32>') to match type of corresponding result ('tensor<4xf32>')}}
  %0 = tm_tensor.sort dimension(0) outs(%x0 : tensor<3xf32>) {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.cmpf ole, %a, %b : f32
    tm_tensor.yield %1 : i1
  } -> tensor<4xf32>
  return
}

// -----

func.func @sort_nothing() {
  // expected-error @below {{expected at least one tensor, got none}}
  "tm_tensor.sort"() <{dimension = 0 : i64}> ({
    %1 = arith.constant true
    tm_tensor.yield %1 : i1
  }) : () -> ()
  return
}

// -----

func.func @topk_values(%x: tensor<3x5xf32>, %v: tensor<4x2xf32>, %p: tensor<4x2xi32>) {
  // expected-error @below {{expected dimension 0 of values to be 3 as dimension 0 of the input, got 4}}
  %0:2 = tm_tensor.topk dimension(1) ins(%x : tensor<3x5xf32>) outs(%v, %p : tensor<4x2xf32>, tensor<4x2xi32>) {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.cmpf ogt, %a, %b : f32
    tm_tensor.yield %1 : i1
  } -> tensor<4x2xf32>, tensor<4x2xi32>
  return
}

// -----

func.func @topk_positions(%x: tensor<3x5xf32>, %v: tensor<3x2xf32>, %p: tensor<3x1xi32>) {
  // expected-error @below {{expected dimension 1 of positions to be 2 as dimension 1 of values, got 1}}
  %0:2 = tm_tensor.topk dimension(1) ins(%x : tensor<3x5xf32>) outs(%v, %p : tensor<3x2xf32>, tensor<3x1xi32>) {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.cmpf ogt, %a, %b : f32
    tm_tensor.yield %1 : i1
  } -> tensor<3x2xf32>, tensor<3x1xi32>
  return
}

// -----

func.func @topk_dimension(%x: tensor<3x5xf32>, %v: tensor<3x2xf32>, %p: tensor<3x2xi32>) {
  // expected-error @below {{expected a dimension of the input, which has 2, got 2}}
  %0:2 = tm_tensor.topk dimension(2) ins(%x : tensor<3x5xf32>) outs(%v, %p : tensor<3x2xf32>, tensor<3x2xi32>) {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.cmpf ogt, %a, %b : f32
    tm_tensor.yield %1 : i1
  } -> tensor<3x2xf32>, tensor<3x2xi32>
  return
}

// -----

func.func @yield_alone(%x: f32) {
  // expected-error @below {{expects parent op to be one of 'tm_tensor.scan, tm_tensor.scatter, tm_tensor.sort, tm_tensor.topk'}}
  tm_tensor.yield %x : f32
  return
}
