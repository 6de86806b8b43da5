//===- SprintOps.td - Ops of the Sprint dialect ------------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_IR_SPRINTOPS_TD
#define SPRINT_DIALECT_SPRINT_IR_SPRINTOPS_TD

include "Sprint/Dialect/Sprint/IR/SprintOpBase.td"

//===----------------------------------------------------------------------===//
// One attention
//===----------------------------------------------------------------------===//

def Sprint_AttentionOp : Sprint_HostAttentionOp<"attention"> {
  let summary = "softmax(scale * q k^T + bias) v over the allowed keys, in floats";
  let description = [{
    For every batch element `b` and head `h`, with `g = h floordiv (H / G)` the key head of its group,

    ```
    logit[i, j] = scale * sum_c query[b, h, i, c] * key[b, g, j, c] + bias[b, h, i, j]
    output[b, h, i, :] = sum_j softmax_j(logit[i, :]) * value[b, g, j, :]        over the allowed keys j
    ```

    Key `j` is allowed for query `i` when `band`, `key_valid[b, j]` (padding), `mask[b, h, i, j]` and the bias all allow
    it, and `query_segments[b, i]` equals `key_segments[b, j]` (documents of a packed sequence). What is absent allows
    every key. A bias of -2^20 or less, minus infinity among them, masks its key.

    `empty_row` is what a query without an allowed key yields: zeros, the mean of the values of all keys, or NaN.

    `masked_logit` is for sources that mask by adding a number that need not absorb the scores, as -10,000 in f16. It is
    that number `m`, negative or minus infinity, of f16, bf16 or f32. A query without an allowed key then attends as in
    the source, which computes in the type of `m`; with `round` to that type,

    ```
    logit[i, j] = round(scale * sum_c query[b, h, i, c] * key[b, g, j, c]) logit[i, j] = round(logit[i, j] + bias[b, h,
    i, j])         where there is a bias logit[i, j] = round(logit[i, j] + m)                        where band,
    key_valid, mask or segments do not allow key j output[b, h, i, :] = sum_j softmax_j(logit[i, :]) * value[b, g, j, :]
    over all keys j
    ```

    `empty_row`, zeros or NaN, is what it yields where all these logits are minus infinity.

    `name` is what the program, the thresholds and the reports call it. `convert-linalg-to-sprint` gives every attention
    of a module one of its own; IR written by hand may leave it out.

    `thresholds`, one number or one a head, says which logits the machine may prune, in units of the logit; with
    `select(all)` it prunes none. The float meaning of the op uses neither.

    Shapes: query `[B, H, Sq, D]`, key `[B, G, Sk, D]`, value `[B, G, Sk, Dv]` with G dividing H, result
    `[B, H, Sq, Dv]`; key_valid `[B, Sk]`; mask and bias `[B, H, Sq, Sk]`; query_segments `[B, Sq]` and key_segments
    `[B, Sk]`, both or neither. Of mask and bias each of the first three dimensions may be a static 1 instead: then it
    is the same for all.

    Example:

    ```mlir
    %o = sprint.attention @layers.3.self_attn ins(%q, %k, %v : tensor<2x12x?x32xf32>, tensor<2x4x?x32xf32>,
    tensor<2x4x?x32xf32>) key_valid(%valid : tensor<2x?xi1>) bias(%b : tensor<1x12x?x?xf32>) outs(%init :
    tensor<2x12x?x32xf32>) scale(0.17677669529663689) band(#sprint.band<upper = 0>) empty_row(uniform) ->
    tensor<2x12x?x32xf32>
    ```
  }];
  let arguments = !con(
    (ins 4DTensorOf<[F32]>:$query, 4DTensorOf<[F32]>:$key, 4DTensorOf<[F32]>:$value),
    OptionalInputs.operands,
    (ins 4DTensorOf<[F32]>:$init,
     F64Attr:$scale, OptionalAttr<Sprint_BandAttr>:$band,
     DefaultValuedAttr<Sprint_EmptyRowAttr, "::mlir::sprint::EmptyRow::Zero">:$empty_row,
     OptionalAttr<DenseF32ArrayAttr>:$thresholds, OptionalAttr<Sprint_FloatAttr>:$masked_logit,
     DefaultValuedAttr<Sprint_SelectAttr, "::mlir::sprint::Select::Pruned">:$select,
     OptionalAttr<SymbolNameAttr>:$name));
  let results = (outs 4DTensorOf<[F32]>:$result);
  let builders = [
    /// Pruned, without a name.
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$query, "::mlir::Value":$key, "::mlir::Value":$value,
                   "::llvm::ArrayRef<::mlir::Value>":$optional_inputs, "::mlir::Value":$init,
                   "::mlir::FloatAttr":$scale, "::mlir::sprint::BandAttr":$band,
                   "::mlir::sprint::EmptyRowAttr":$empty_row, "::mlir::DenseF32ArrayAttr":$thresholds,
                   CArg<"::mlir::FloatAttr", "{}">:$masked_logit)>
  ];
  let assemblyFormat = !strconcat([{
    ($name^)? `ins` `(` $query `,` $key `,` $value `:` type($query) `,` type($key) `,` type($value) `)`
  }], OptionalInputs.format, [{
    `outs` `(` $init `:` type($init) `)`
    `scale` `(` custom<Scale>($scale) `)` (`band` `(` $band^ `)`)?
    (`empty_row` `(` custom<Enumerant>($empty_row)^ `)`)? (`masked_logit` `(` $masked_logit^ `)`)?
    (`thresholds` `(` custom<Thresholds>($thresholds)^ `)`)? (`select` `(` custom<Enumerant>($select)^ `)`)?
    attr-dict `->` type($result)
  }]);
}

//===----------------------------------------------------------------------===//
// Around the device: floats to codes and back
//===----------------------------------------------------------------------===//

def Sprint_QuantizeOp : Sprint_Op<"quantize", [Pure]> {
  let summary = "floats to 8-bit codes, one step a head";
  let description = [{
    docs/numerics.md, section 2. `step = max |input| / limit` over a head, `code = round(input / step)`, with a limit
    of 119 for centred nibbles and 127 for truncated ones.

    Shapes: input and codes `[B, H, S, D]`, step `[B, H]`.

    Example:

    ```mlir
    %codes, %step = sprint.quantize %q nibble(centred) : tensor<1x12x?x32xf32> -> tensor<1x12x?x32xi8>, tensor<1x12xf32>
    ```
  }];
  let arguments = (ins 4DTensorOf<[F32]>:$input, Sprint_NibbleAttr:$nibble);
  let results = (outs 4DTensorOf<[I8]>:$codes, 2DTensorOf<[F32]>:$step);
  let assemblyFormat = [{
    $input `nibble` `(` custom<Enumerant>($nibble) `)` attr-dict `:` type($input) `->` type($codes) `,` type($step)
  }];
  let hasVerifier = 1;
}

def Sprint_QuantizeAtOp : Sprint_Op<"quantize_at", [Pure]> {
  let summary = "floats to 8-bit codes, at steps that are given";
  let description = [{
    docs/numerics.md, section 2, with frozen steps: `code = round(input / step)`, between the limits of `sprint.quantize`.

    Shapes: input and codes `[B, H, S, D]`, step `[B, H]`.

    Example:

    ```mlir
    %codes = sprint.quantize_at %k step(%step : tensor<1x4xf32>) nibble(centred)
        : tensor<1x4x?x64xf32> -> tensor<1x4x?x64xi8>
    ```
  }];
  let arguments = (ins 4DTensorOf<[F32]>:$input, 2DTensorOf<[F32]>:$step, Sprint_NibbleAttr:$nibble);
  let results = (outs 4DTensorOf<[I8]>:$codes);
  let assemblyFormat = [{
    $input `step` `(` $step `:` type($step) `)` `nibble` `(` custom<Enumerant>($nibble) `)` attr-dict
    `:` type($input) `->` type($codes)
  }];
  let hasVerifier = 1;
}

def Sprint_QuantizeBiasOp : Sprint_Op<"quantize_bias", [Pure]> {
  let summary = "biases of the logits to codes in units of the exact score";
  let description = [{
    docs/numerics.md, section 3. With `lambda = scale * query_step * key_step` of the head and its key head,
    `code = clamp(round(bias / lambda), -2^29, 2^29)`; a bias that masks its key gets the code -2^31.

    Shapes: bias `[B or 1, H or 1, Sq or 1, Sk]`, query_step `[B, H]`, key_step `[B, G]` with G dividing H; codes
    `[B, H, Sq or 1, Sk]`, the third as of bias.

    Example:

    ```mlir
    %codes = sprint.quantize_bias %bias steps(%q_step, %k_step) scale(0.125)
        : tensor<1x12x?x?xf32>, tensor<2x12xf32>, tensor<2x12xf32> -> tensor<2x12x?x?xi32>
    ```
  }];
  let arguments = (ins 4DTensorOf<[F32]>:$bias, 2DTensorOf<[F32]>:$query_step, 2DTensorOf<[F32]>:$key_step,
                       F64Attr:$scale);
  let results = (outs 4DTensorOf<[I32]>:$codes);
  let assemblyFormat = [{
    $bias `steps` `(` $query_step `,` $key_step `)` `scale` `(` custom<Scale>($scale) `)` attr-dict
    `:` type($bias) `,` type($query_step) `,` type($key_step) `->` type($codes)
  }];
  let hasVerifier = 1;
}

def Sprint_ParametersOp : Sprint_Op<"parameters", [Pure]> {
  let summary = "integer threshold and logit multiplier of every head";
  let description = [{
    docs/numerics.md, section 3. Without `thresholds` every allowed key is kept; one threshold stands for all heads.

    Shapes: key_step `[B, G]` with G dividing H, all others `[B, H]`.

    Example:

    ```mlir
    %threshold, %multiplier, %shift = sprint.parameters %q_step, %k_step scale(0.125) thresholds([1.5])
        : tensor<1x12xf32>, tensor<1x12xf32> -> tensor<1x12xi32>, tensor<1x12xi64>, tensor<1x12xi64>
    ```
  }];
  let arguments = (ins
    2DTensorOf<[F32]>:$query_step, 2DTensorOf<[F32]>:$key_step,
    F64Attr:$scale, OptionalAttr<DenseF32ArrayAttr>:$thresholds
  );
  let results = (outs 2DTensorOf<[I32]>:$threshold, 2DTensorOf<[I64]>:$multiplier,
                      2DTensorOf<[I64]>:$shift);
  let assemblyFormat = [{
    $query_step `,` $key_step `scale` `(` custom<Scale>($scale) `)`
    (`thresholds` `(` custom<Thresholds>($thresholds)^ `)`)?
    attr-dict `:` type($query_step) `,` type($key_step) `->` type($threshold) `,` type($multiplier) `,` type($shift)
  }];
  let hasVerifier = 1;
}

def Sprint_DequantizeOp : Sprint_DestinationOp<"dequantize"> {
  let summary = "output codes to floats";
  let description = [{
    docs/numerics.md, section 5, step 7: `output = codes * 2^-16 * step`, with the step of the head's key head.

    Shapes: codes and output `[B, H, Sq, Dv]`, step `[B, G]` with G dividing H.

    Example:

    ```mlir
    %o = sprint.dequantize ins(%codes, %v_step : tensor<1x12x?x32xi32>, tensor<1x12xf32>)
                           outs(%init : tensor<1x12x?x32xf32>) -> tensor<1x12x?x32xf32>
    ```
  }];
  let arguments = (ins 4DTensorOf<[I32]>:$codes, 2DTensorOf<[F32]>:$step, 4DTensorOf<[F32]>:$init);
  let results = (outs 4DTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    `ins` `(` $codes `,` $step `:` type($codes) `,` type($step) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict `->` type($result)
  }];
}

def Sprint_FillEmptyRowsOp : Sprint_HostAttentionOp<"fill_empty_rows"> {
  let summary = "outputs of queries without an allowed key";
  let description = [{
    `init`, the output of an attention, with the rows of queries without an allowed key replaced by what `empty_row`
    says. Which keys are allowed, and what each case means, is as in `sprint.attention`. The machine leaves zeros in
    these rows; the host puts in what the model wants instead. The mean is the sum in the order of the keys, in f32,
    divided by their number. The logits of `masked_logit` come from `query`, `key` and `scale`, which are there where it
    is; they are computed for such rows alone.

    Shapes: query `[B, H, Sq, D]`, key `[B, G, Sk, D]`, value `[B, G, Sk, Dv]`, init and result `[B, H, Sq, Dv]`, the
    others those of `sprint.attention`.

    Example:

    ```mlir
    %o = sprint.fill_empty_rows ins(%v : tensor<2x4x?x32xf32>) key_valid(%valid : tensor<2x?xi1>)
                                outs(%rows : tensor<2x12x?x32xf32>) band(#sprint.band<upper = 0>) empty_row(uniform)
                                -> tensor<2x12x?x32xf32>
    %p = sprint.fill_empty_rows ins(%v : tensor<2x4x?x32xf32>) key_valid(%valid : tensor<2x?xi1>)
                                outs(%rows : tensor<2x12x?x32xf32>) empty_row(nan)
                                logits(%q, %k : tensor<2x12x?x32xf32>, tensor<2x4x?x32xf32>) scale(0.125)
                                masked_logit(-1.0e+04 : f16) -> tensor<2x12x?x32xf32>
    ```
  }];
  let arguments = !con(
    (ins Optional<4DTensorOf<[F32]>>:$query, Optional<4DTensorOf<[F32]>>:$key, 4DTensorOf<[F32]>:$value),
    OptionalInputs.operands,
    (ins 4DTensorOf<[F32]>:$init,
     OptionalAttr<Sprint_BandAttr>:$band, Sprint_EmptyRowAttr:$empty_row,
     OptionalAttr<F64Attr>:$scale, OptionalAttr<Sprint_FloatAttr>:$masked_logit));
  let results = (outs 4DTensorOf<[F32]>:$result);
  let builders = [
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$query, "::mlir::Value":$key, "::mlir::Value":$value,
                   "::llvm::ArrayRef<::mlir::Value>":$optional_inputs, "::mlir::Value":$init,
                   "::mlir::sprint::BandAttr":$band, "::mlir::sprint::EmptyRowAttr":$empty_row,
                   "::mlir::FloatAttr":$scale, "::mlir::FloatAttr":$masked_logit)>
  ];
  let assemblyFormat = !strconcat([{
    `ins` `(` $value `:` type($value) `)`
  }], OptionalInputs.format, [{
    `outs` `(` $init `:` type($init) `)` (`band` `(` $band^ `)`)? `empty_row` `(` custom<Enumerant>($empty_row) `)`
    (`logits` `(` $query^ `,` $key `:` type($query) `,` type($key) `)`
     `scale` `(` custom<Scale>($scale) `)` `masked_logit` `(` $masked_logit `)`)?
    attr-dict `->` type($result)
  }]);
}

//===----------------------------------------------------------------------===//
// One attention of codes, and how it is cut up
//===----------------------------------------------------------------------===//

/// All that a program takes.
def ProgramTensors : TensorOperands<LaunchTensors.arguments, /*onDevice=*/1>;

def Sprint_AttendOp : Sprint_DestinationOp<"attend", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<TilingInterface, [
        "getIterationDomain", "getLoopIteratorTypes", "getResultTilePosition", "getTiledImplementation"]>]> {
  let summary = "attention of codes: select keys by approximate scores, recompute over them";
  let description = [{
    What a program computes (docs/numerics.md, sections 4 and 5): for every batch element, head and query the keys that
    `select` keeps of those that band, key_valid, mask, segments and bias allow (`sprint.prune`), and over them the
    exact softmax and the weighted sum of the values (`sprint.recompute`). Head `h` reads key head `h floordiv (H / G)`.
    The codes come with the head's `threshold`, `multiplier` and `shift` (`sprint.parameters`), a bias as codes
    (`sprint.quantize_bias`).

    With `select(all)` every allowed key is kept and no threshold is read.

    `schedule` says how the machine goes about it; it cannot change the result. The op is tiled along batch elements,
    key heads, members of a group and queries, in this order; a tile has one batch element and one key head.

    Shapes: query `[B, H, Sq, D]`, key `[B, G, Sk, D]`, value `[B, G, Sk, Dv]` with G dividing H; threshold, multiplier
    and shift `[B, H]`; key_valid `[B, Sk]`; mask and bias `[B, H, Sq, Sk]`, where each of the first three dimensions
    may be a static 1 instead (of the bias the third alone); query_segments `[B, Sq]`, key_segments `[B, Sk]`; init and
    result `[B, H, Sq, Dv]`.

    Example:

    ```mlir
    %r = sprint.attend query(%q : tensor<1x12x?x64xi8>) key(%k : tensor<1x12x?x64xi8>) value(%v : tensor<1x12x?x64xi8>)
             threshold(%t : tensor<1x12xi32>) multiplier(%m : tensor<1x12xi64>) shift(%s : tensor<1x12xi64>)
             outs(%init : tensor<1x12x?x64xi32>) select(pruned) nibble(centred)
             widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>)
             schedule(<heads = 1, queries = 1, ahead = 1, residency = previous_query, writes = [query, key, value]>)
             -> tensor<1x12x?x64xi32>
    ```
  }];
  let arguments = !con(ProgramTensors.operands, (ins 4DTensorOf<[I32]>:$init,
    Sprint_SelectAttr:$select, OptionalAttr<Sprint_BandAttr>:$band, Sprint_NibbleAttr:$nibble,
    Sprint_WidthsAttr:$widths, OptionalAttr<Sprint_ScheduleAttr>:$schedule));
  let results = (outs 4DTensorOf<[I32]>:$result);
  let skipDefaultBuilders = 1;
  let builders = [
    /// `inputs` are in the order of ProgramInput, null where there is none. Without a schedule.
    OpBuilder<(ins "::llvm::ArrayRef<::mlir::Value>":$inputs, "::mlir::Value":$init, "::mlir::sprint::Select":$select,
                   "::mlir::sprint::BandAttr":$band, "::mlir::sprint::Nibble":$nibble,
                   "::mlir::sprint::WidthsAttr":$widths)>
  ];
  let assemblyFormat = !strconcat(ProgramTensors.format, [{
    `outs` `(` $init `:` type($init) `)` `select` `(` custom<Enumerant>($select) `)` (`band` `(` $band^ `)`)?
    `nibble` `(` custom<Enumerant>($nibble) `)` `widths` `(` $widths `)` (`schedule` `(` $schedule^ `)`)?
    attr-dict `->` type($result)
  }]);
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }

    /// The operand of that name; null where there is none.
    ::mlir::Value getInput(::mlir::sprint::ProgramInput input) {
      auto operands = getODSOperands(static_cast<unsigned>(input));
      return operands.empty() ? ::mlir::Value() : operands.front();
    }

    /// Query heads that share a key head.
    ::mlir::OpFoldResult getGroup(::mlir::OpBuilder &builder);
  }];
}

def Sprint_RowsOp : Sprint_Op<"rows", [
    Pure, SingleBlockImplicitTerminator<"YieldOp">, HasParent<"ProgramOp">,
    DeclareOpInterfaceMethods<LoopLikeOpInterface, [
        "getLoopRegions", "getInitsMutable", "getRegionIterArgs", "getYieldedValuesMutable", "getLoopResults"]>]> {
  let summary = "loops over batch elements, key heads, members of a group and queries";
  let description = [{
    A nest of loops, the first outermost. Loop `n` counts from 0 in steps of `steps[n]` while it is below `extents[n]`,
    an expression of the program's launch parameters. It carries the tensors of `outs`, which the body yields. A loop of
    one iteration is a loop all the same: writes to ReRAM stand between the loops.

    `schedule` is that of the attention that was cut up.

    Example:

    ```mlir
    %r = sprint.rows (%b, %g, %m, %i) to (batches, heads floordiv 3, 3, queries) step (1, 1, 1, 1)
             outs(%codes = %init : tensor<1x12x?x64xi32>)
             schedule(<heads = 1, queries = 1, ahead = 1, residency = previous_query, writes = [query, key, value]>) {
      sprint.yield %codes : tensor<1x12x?x64xi32>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$outs, TypedArrayAttrBase<SprintISA_ExprAttr, "expressions">:$extents,
                       DenseI64ArrayAttr:$steps, Sprint_ScheduleAttr:$schedule);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Counters of the loops, indices.
    ::mlir::Block::BlockArgListType getCounters() {
      return getBody().getArguments().take_front(getSteps().size());
    }
  }];
}

def Sprint_YieldOp : Sprint_Op<"yield", [Pure, Terminator, ReturnLike, HasParent<"RowsOp">]> {
  let summary = "the tensors that loops carry on";
  let description = [{
    Example:

    ```mlir
    sprint.yield %codes : tensor<1x12x?x64xi32>
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$operands);
  let builders = [OpBuilder<(ins)>];
  let assemblyFormat = "($operands^ `:` type($operands))? attr-dict";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// A block of rows that share a key head
//===----------------------------------------------------------------------===//

def Sprint_CrossbarScoreOp : Sprint_DestinationOp<"crossbar_score"> {
  let summary = "approximate scores of a block of rows, from high nibbles";
  let description = [{
    `result[i, j] = init[i, j] + sum_c hi(query[i, c]) * hi(key[j, c])` (docs/numerics.md, section 4). Rows are queries
    of one head, or of the heads of its group.

    Shapes: query `[B, D]`, key `[Sk, D]`, init and result `[B, Sk]`.

    Example:

    ```mlir
    %a = sprint.crossbar_score ins(%q, %k : tensor<1x64xi8>, tensor<?x64xi8>) outs(%zero : tensor<1x?xi32>)
             nibble(centred) -> tensor<1x?xi32>
    ```
  }];
  let arguments = (ins 2DTensorOf<[I8]>:$query, 2DTensorOf<[I8]>:$key, 2DTensorOf<[I32]>:$init,
                       Sprint_NibbleAttr:$nibble);
  let results = (outs 2DTensorOf<[I32]>:$result);
  let assemblyFormat = [{
    `ins` `(` $query `,` $key `:` type($query) `,` type($key) `)`
    `outs` `(` $init `:` type($init) `)` `nibble` `(` custom<Enumerant>($nibble) `)` attr-dict `->` type($result)
  }];
}

/// What decides which keys the rows of a block may keep: `queries` says which query of `of` each row is.
class Sprint_SelectionOp<string mnemonic, dag before> : Sprint_Op<mnemonic, [Pure, AttrSizedOperandSegments]> {
  let arguments = !con(before, (ins
    1DTensorOf<[Index]>:$queries, Index:$of, Variadic<2DTensorOf<[I1]>>:$masks,
    Optional<1DTensorOf<[I32]>>:$query_segments, Optional<1DTensorOf<[I32]>>:$key_segments,
    Optional<2DTensorOf<[I32]>>:$bias, Optional<1DTensorOf<[I64]>>:$multiplier, Optional<1DTensorOf<[I64]>>:$shift, Optional<Index>:$channels,
    OptionalAttr<Sprint_BandAttr>:$band));
  let results = (outs 2DTensorOf<[I1]>:$kept);
  string restrictions = [{
    `queries` `(` $queries `of` $of `:` type($queries) `)`
    (`band` `(` $band^ `)`)? (`masks` `(` $masks^ `:` type($masks) `)`)?
    (`segments` `(` $query_segments^ `,` $key_segments `:` type($query_segments) `,` type($key_segments) `)`)?
    (`bias` `(` $bias^ `,` $multiplier `,` $shift `,` $channels
                `:` type($bias) `,` type($multiplier) `,` type($shift) `)`)?
    attr-dict
  }];
  let hasVerifier = 1;
}

def Sprint_PruneOp : Sprint_SelectionOp<"prune", (ins 2DTensorOf<[I32]>:$scores, 1DTensorOf<[I32]>:$threshold)> {
  let summary = "the keys that a block of rows keeps";
  let description = [{
    Key `j` is allowed for row `i` when the band, every one of `masks` and the bias allow it and, where there are
    segments, its own is the row's. A bias code of -2^31 masks its key, and so does one so far below the largest of the
    row's allowed keys that no score lifts it to a weight (docs/numerics.md, section 4). For this a bias comes with the
    rows' `multiplier` and `shift` (`sprint.parameters`) and their head dimension, `channels`.

    A key is kept when it is allowed and `scores[i, j] + ((bias[i, j] + 128) >> 8)` is at least the row's threshold:
    `threshold[i]`, lowered by 1, 2, 4, ... until the row keeps a key (docs/numerics.md, section 4). Row `i` is query
    `queries[i]` of `of`.

    Shapes: scores and kept `[B, Sk]`; masks and bias `[B, Sk]` or, where all rows share them, `[1, Sk]`; segments of
    keys `[Sk]`; the others `[B]`.

    Example:

    ```mlir
    %kept = sprint.prune %scores threshold(%t : tensor<1xi32>) queries(%i of %n : tensor<1xindex>) band(<upper = 0>)
        masks(%valid : tensor<1x?xi1>) bias(%b, %m, %s, %d : tensor<1x?xi32>, tensor<1xi64>, tensor<1xi64>)
        : tensor<1x?xi32> -> tensor<1x?xi1>
    ```
  }];
  let assemblyFormat = "$scores `threshold` `(` $threshold `:` type($threshold) `)`" # restrictions #
                       "`:` type($scores) `->` type($kept)";
}

def Sprint_AllowOp : Sprint_SelectionOp<"allow", (ins Index:$keys)> {
  let summary = "the keys that the masks allow a block of rows";
  let description = [{
    What is kept where nothing is pruned: the keys that are allowed as `sprint.prune` says. `keys` is the number of
    columns.

    Shapes: those of `sprint.prune`.

    Example:

    ```mlir
    %kept = sprint.allow keys(%sk) queries(%i of %n : tensor<?xindex>) : tensor<?x?xi1>
    ```
  }];
  let assemblyFormat = "`keys` `(` $keys `)`" # restrictions # "`:` type($kept)";
}

def Sprint_GatherOp : Sprint_Op<"gather", [Pure]> {
  let summary = "the indices of the keys that any row of a block keeps";
  let description = [{
    `indices` ascend; `owners[i, n]` says whether row `i` keeps key `indices[n]`.

    Shapes: kept `[B, Sk]`, indices `[N]`, owners `[B, N]` with N known only when it runs.

    Example:

    ```mlir
    %indices, %owners = sprint.gather %kept : tensor<1x?xi1> -> tensor<?xindex>, tensor<1x?xi1>
    ```
  }];
  let arguments = (ins 2DTensorOf<[I1]>:$kept);
  let results = (outs 1DTensorOf<[Index]>:$indices, 2DTensorOf<[I1]>:$owners);
  let assemblyFormat = "$kept attr-dict `:` type($kept) `->` type($indices) `,` type($owners)";
  let hasVerifier = 1;
}

def Sprint_RecomputeOp : Sprint_DestinationOp<"recompute"> {
  let summary = "exact scores, softmax and weighted values over the kept keys";
  let description = [{
    docs/numerics.md, section 5, steps 1 to 6. `query` is the block's codes; `key` and `value` the whole key head's;
    `bias`, where there is one, the block's codes of `sprint.quantize_bias`, added to the scores; `multiplier` and
    `shift` the rows' (`sprint.parameters`).

    Shapes: query `[B, D]`, key `[Sk, D]`, value `[Sk, Dv]`, indices `[N]`, owners `[B, N]`, multiplier and shift `[B]`,
    bias `[B, Sk]` or `[1, Sk]`, init and result `[B, Dv]`.

    Example:

    ```mlir
    %r = sprint.recompute ins(%q, %k, %v, %indices, %owners, %m, %s : tensor<1x64xi8>, tensor<?x64xi8>, tensor<?x64xi8>,
             tensor<?xindex>, tensor<1x?xi1>, tensor<1xi64>, tensor<1xi64>)
         outs(%init : tensor<1x64xi32>)
         widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x64xi32>
    ```
  }];
  let arguments = (ins
    2DTensorOf<[I8]>:$query, 2DTensorOf<[I8]>:$key, 2DTensorOf<[I8]>:$value,
    1DTensorOf<[Index]>:$indices, 2DTensorOf<[I1]>:$owners, 1DTensorOf<[I64]>:$multiplier, 1DTensorOf<[I64]>:$shift,
    Optional<2DTensorOf<[I32]>>:$bias, 2DTensorOf<[I32]>:$init, Sprint_WidthsAttr:$widths
  );
  let results = (outs 2DTensorOf<[I32]>:$result);
  let assemblyFormat = [{
    `ins` `(` $query `,` $key `,` $value `,` $indices `,` $owners `,` $multiplier `,` $shift `:`
    type($query) `,` type($key) `,` type($value) `,` type($indices) `,` type($owners) `,` type($multiplier) `,`
    type($shift) `)` (`bias` `(` $bias^ `:` type($bias) `)`)?
    `outs` `(` $init `:` type($init) `)` `widths` `(` $widths `)` attr-dict `->` type($result)
  }];
}

// Those behind the ops of one attention, in this order in the reference.
include "Sprint/Dialect/Sprint/IR/SprintProgramOps.td"

#endif // SPRINT_DIALECT_SPRINT_IR_SPRINTOPS_TD
