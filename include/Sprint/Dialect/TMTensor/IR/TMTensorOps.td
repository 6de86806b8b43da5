//===- TMTensorOps.td - torch-mlir's own ops ----------------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_TMTENSOR_IR_TMTENSOROPS_TD
#define SPRINT_DIALECT_TMTENSOR_IR_TMTENSOROPS_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "Sprint/Dialect/TMTensor/IR/TMTensorDialect.td"

class TMTensor_Op<string mnemonic, list<Trait> traits = []>
    : Op<TMTensor_Dialect, mnemonic, traits>;

/// An op that combines or compares elements by its body.
class TMTensor_BodyOp<string mnemonic, list<Trait> traits = []>
    : TMTensor_Op<mnemonic, !listconcat(traits, [
        DestinationStyleOpInterface, RecursiveMemoryEffects, SingleBlock])> {
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def TMTensor_FloatTensor : RankedTensorOf<[F16, BF16, F32, F64]>;

def TMTensor_AttentionOp : TMTensor_Op<"attention", [Pure, DestinationStyleOpInterface]> {
  let summary = "softmax(scale * q k^T + mask) v";
  let description = [{
    For every element of the leading dimensions

    ```
    score[i, j] = scale * sum_c query[i, c] * key[j, c] + mask[i, j]
    result[i, :] = sum_j softmax_j(score[i, :]) * value[j, :]
    ```

    - *Scale.* Without the attribute `scale` it is 1 / sqrt(D): the op divides by it although nothing in its text says
      so. torch-mlir prints the attribute where the model gave a scale.
    - *Mask.* Without it nothing is added. Floats are added to the scores; they may be wider than the query. Of an `i1`
      mask, true keeps the score and false takes its key out, as minus infinity would.
    - A query whose scores are all minus infinity yields zeros, as torch's op does.
    - Heads are among the leading dimensions, and key and value have as many as the query: torch-mlir repeats grouped
      heads before this op. It also collapses all leading dimensions to one.
    - Computed in f32, f64 where the elements are f64, and rounded to the result once.

    Shapes, with any number of leading dimensions `B...` from 1: query `[B..., Sq, D]`, key `[B..., Sk, D]`,
    value `[B..., Sk, Dv]`, mask `[B..., Sq, Sk]`, result `[B..., Sq, Dv]`. Dynamic sizes are taken to fit.

    Example:

    ```mlir
    %o = tm_tensor.attention {scale = 5.000000e-01 : f64}
           ins(%q, %k, %v, %mask : tensor<12x?x64xf32>, tensor<12x?x64xf32>, tensor<12x?x64xf32>, tensor<12x?x?xf32>)
           outs(%init : tensor<12x?x64xf32>) -> tensor<12x?x64xf32>
    ```
  }];
  let arguments = (ins
    TMTensor_FloatTensor:$query, TMTensor_FloatTensor:$key, TMTensor_FloatTensor:$value,
    Optional<RankedTensorOf<[F16, BF16, F32, F64, I1]>>:$attn_mask, TMTensor_FloatTensor:$init,
    OptionalAttr<F64Attr>:$scale
  );
  let results = (outs TMTensor_FloatTensor:$result);
  let assemblyFormat = [{
    attr-dict
    `ins` `(` $query `,` $key `,` $value (`,` $attn_mask^)? `:`
              type($query) `,` type($key) `,` type($value) (`,` type($attn_mask)^)? `)`
    `outs` `(` $init `:` type($init) `)` `->` type($result)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }

    /// What the products of query and key are multiplied by: the attribute, or 1 / sqrt(D). None
    /// where that takes a dynamic D.
    std::optional<double> getStaticScale();
  }];
  let hasVerifier = 1;
}

def TMTensor_ScanOp : TMTensor_BodyOp<"scan", [RecursivelySpeculatable]> {
  let summary = "running combination along a dimension";
  let description = [{
    Along `dimension`, for every element of the other dimensions, with `f` the body and `n` the size:

    ```
    inclusive(true):   scanned[0] = input[0]          scanned[i] = f(scanned[i - 1], input[i])
    inclusive(false):  scanned[0] = accumulator       scanned[i] = f(scanned[i - 1], input[i - 1])
    ```

    The second result is the last element of the first, or the accumulator where `n` is 0. What `output` holds is not
    read, nor is the accumulator by an inclusive scan with elements.

    Shapes: input, output and scanned alike, of rank 1 or more; accumulator without `dimension`. One element type.

    Example:

    ```mlir
    %sums:2 = tm_tensor.scan dimension(1) inclusive(true) ins(%x : tensor<1x?xi64>)
                outs(%init, %acc : tensor<1x?xi64>, tensor<1xi64>) {
    ^bb0(%sum: i64, %element: i64):
      %next = arith.addi %sum, %element : i64
      tm_tensor.yield %next : i64
    } -> tensor<1x?xi64>, tensor<1xi64>
    ```
  }];
  let arguments = (ins
    AnyRankedTensor:$input, AnyRankedTensor:$output, AnyRankedTensor:$accumulator,
    I64Attr:$dimension, BoolAttr:$inclusive
  );
  // One list, and not two names: the printer would call the values by these.
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `dimension` `(` $dimension `)` `inclusive` `(` $inclusive `)` attr-dict
    `ins` `(` $input `:` type($input) `)`
    `outs` `(` $output `,` $accumulator `:` type($output) `,` type($accumulator) `)`
    $body `->` type($results)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return {*this, /*start=*/1, /*length=*/2};
    }
  }];
}

// An index outside fails while the program runs, so the op must not move to where it did not run:
// it is not speculatable.
def TMTensor_ScatterOp : TMTensor_BodyOp<"scatter"> {
  let summary = "slices combined into a tensor at given indices";
  let description = [{
    For each update `n`, in order, every element of the slice `updates[n, ...]` is combined by the body with the element
    of `original` that it meets, and replaces it. The body's first argument is the update's element, its second the
    original's.

    With R the rank of `original` and U that of `updates`, the slice's U - 1 dimensions run along the last U - 1 of
    `original`. `indices[n, k]` is added to the position along dimension `dimension_map[k]`. Of the first R - U + 1
    dimensions each must be in the map.

    `unique_indices` promises that no element is met twice. Where one is, the updates apply one after the other all the
    same. A slice that does not lie inside `original` fails while the program runs; negative indices do not count from
    the end.

    Shapes: updates `[N, ...]`, its slices no larger than `original`; indices `[N, K]` with K static; `original` and
    result alike.

    Example, `%original[%indices[n, 0], :] += %updates[n, 0, :]`:

    ```mlir
    %r = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(false)
           ins(%updates, %indices : tensor<2x1x3xf32>, tensor<2x1xi64>) outs(%original : tensor<6x3xf32>) {
    ^bb0(%update: f32, %current: f32):
      %sum = arith.addf %current, %update : f32
      tm_tensor.yield %sum : f32
    } -> tensor<6x3xf32>
    ```
  }];
  let arguments = (ins
    AnyRankedTensor:$updates, 2DTensorOf<[I32, I64]>:$indices, AnyRankedTensor:$original,
    DenseI64ArrayAttr:$dimension_map, BoolAttr:$unique_indices
  );
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    attr-dict `unique_indices` `(` $unique_indices `)`
    `ins` `(` $updates `,` $indices `:` type($updates) `,` type($indices) `)`
    `outs` `(` $original `:` type($original) `)` $body `->` type($result)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOriginalMutable(); }
  }];
}

def TMTensor_SortOp : TMTensor_BodyOp<"sort", [RecursivelySpeculatable]> {
  let summary = "tensors ordered along a dimension, all by one comparison";
  let description = [{
    Orders the elements along `dimension`, for every element of the other dimensions. Several tensors are permuted
    alike. The body gets two elements of each tensor, `(a0, b0, a1, b1, ...)`, and yields whether those of `a` may stay
    before those of `b`: `<=` for ascending order.

    Where the body orders by `<=` or `>=`, as torch-mlir prints it, the order is stable. Where it does not order at all,
    as with NaN, the result is some permutation.

    Shapes: all alike, of rank 1 or more.

    Example:

    ```mlir
    %sorted:2 = tm_tensor.sort dimension(0) outs(%values, %positions : tensor<?xf32>, tensor<?xi64>) {
    ^bb0(%a: f32, %b: f32, %i: i64, %j: i64):
      %keep = arith.cmpf oge, %a, %b : f32
      tm_tensor.yield %keep : i1
    } -> tensor<?xf32>, tensor<?xi64>
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inits, I64Attr:$dimension);
  let results = (outs Variadic<AnyRankedTensor>:$sorted);
  let assemblyFormat = [{
    attr-dict `dimension` `(` $dimension `)`
    `outs` `(` $inits `:` type($inits) `)` $body `->` type($sorted)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
  }];
}

def TMTensor_TopkOp : TMTensor_BodyOp<"topk", [RecursivelySpeculatable]> {
  let summary = "the first k elements of an order, and where they stood";
  let description = [{
    Along `dimension`, for every element of the other dimensions: the elements of `input` are offered, one after the
    other, to the list that `values` and `positions` start. The body gets an offered value and one of the list and
    yields whether the offered one goes before it: `<` for the smallest, `>` for the largest. Of two values that the
    body puts neither before the other, that of the smaller position goes first. What no longer fits at the end of the
    list is dropped.

    torch-mlir starts the list with the last value of the order (infinity for the smallest) and the largest position, so
    the result is the first `k` elements of a stable sort.

    Shapes: values and positions alike, and like input but for `dimension`, whose size is k. Positions are counted along
    `dimension`.

    Example:

    ```mlir
    %smallest:2 = tm_tensor.topk dimension(1) ins(%x : tensor<3x?xf32>)
                    outs(%infinities, %none : tensor<3x2xf32>, tensor<3x2xi32>) {
    ^bb0(%offered: f32, %listed: f32):
      %before = arith.cmpf olt, %offered, %listed : f32
      tm_tensor.yield %before : i1
    } -> tensor<3x2xf32>, tensor<3x2xi32>
    ```
  }];
  let arguments = (ins
    AnyRankedTensor:$input, AnyRankedTensor:$values, RankedTensorOf<[I32, I64]>:$positions,
    I64Attr:$dimension
  );
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    attr-dict `dimension` `(` $dimension `)`
    `ins` `(` $input `:` type($input) `)`
    `outs` `(` $values `,` $positions `:` type($values) `,` type($positions) `)`
    $body `->` type($results)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return {*this, /*start=*/1, /*length=*/2};
    }
  }];
}

def TMTensor_YieldOp : TMTensor_Op<"yield", [
    Pure, ReturnLike, Terminator, ParentOneOf<["ScanOp", "ScatterOp", "SortOp", "TopkOp"]>]> {
  let summary = "what a body computes";
  let description = [{
    Ends the body of an op of this dialect. What the value stands for is said there.

    Example:

    ```mlir
    tm_tensor.yield %sum : i64
    ```
  }];
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "attr-dict $value `:` type($value)";
}

#endif // SPRINT_DIALECT_TMTENSOR_IR_TMTENSOROPS_TD
