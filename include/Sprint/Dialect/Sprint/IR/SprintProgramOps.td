//===- SprintProgramOps.td - Programs, their launches and caches *- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_IR_SPRINTPROGRAMOPS_TD
#define SPRINT_DIALECT_SPRINT_IR_SPRINTPROGRAMOPS_TD

include "Sprint/Dialect/Sprint/IR/SprintOpBase.td"

//===----------------------------------------------------------------------===//
// Host and device
//===----------------------------------------------------------------------===//

def Sprint_ProgramOp : Sprint_Op<"program", [
    IsolatedFromAbove, SymbolTable, FunctionOpInterface,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "the device part of one attention";
  let description = [{
    A function of codes and head parameters that runs on the machine. Each argument begins with its name. They stand in
    this order:

    - `query`, `key` and `value`, codes `[B, H, Sq, D]`, `[B, G, Sk, D]` and `[B, G, Sk, Dv]` with G dividing H;
    - `threshold`, `multiplier` and `shift`, `[B, H]`;
    - as far as the attention has them, `key_valid`, `mask`, codes of `bias`, `query_segments` and `key_segments`, of
      the shapes of `sprint.attention` and `sprint.quantize_bias`.

    With `resident_cache` the keys and values are those of a cache: a `sprint.cached_launch` brings the last of them, and
    these alone are written to ReRAM.

    Its result is the output codes `[B, H, Sq, Dv]`. `scale` and `thresholds` are those of the attention: the launch
    derives the head parameters from them.

    Example:

    ```mlir
    sprint.program @attention_0(
        query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>,
        threshold %t: tensor<1x1xi32>, multiplier %m: tensor<1x1xi64>, shift %s: tensor<1x1xi64>)
        -> tensor<1x1x4x8xi32> scale(0.125) {
      %r = tensor.empty() : tensor<1x1x4x8xi32>
      sprint.return %r : tensor<1x1x4x8xi32>
    }
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
    OptionalAttr<DictArrayAttr>:$arg_attrs, OptionalAttr<DictArrayAttr>:$res_attrs,
    TypedArrayAttrBase<Sprint_ProgramInputAttr, "names of arguments">:$input_names,
    F64Attr:$scale, OptionalAttr<DenseF32ArrayAttr>:$thresholds, UnitAttr:$resident_cache
  );
  let regions = (region AnyRegion:$body);
  let builders = [
    OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::FunctionType":$type,
                   "::llvm::ArrayRef<::mlir::sprint::ProgramInput>":$inputs, "::mlir::FloatAttr":$scale,
                   "::mlir::DenseF32ArrayAttr":$thresholds)>
  ];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }

    /// Position of an argument; nothing where the program does not take it.
    ::std::optional<unsigned> getArgumentIndex(::mlir::sprint::ProgramInput input);
    /// Its type; null where the program does not take it.
    ::mlir::RankedTensorType getArgumentType(::mlir::sprint::ProgramInput input);
    /// The argument; null where the program does not take it.
    ::mlir::BlockArgument getArgument(::mlir::sprint::ProgramInput input);
    /// The name of an argument.
    ::mlir::sprint::ProgramInput getInput(::mlir::BlockArgument argument);
    ::mlir::BlockArgument getArgument(unsigned index) { return getBody().getArgument(index); }
  }];
}

def Sprint_ReturnOp : Sprint_Op<"return", [
    Pure, Terminator, ReturnLike, HasParent<"ProgramOp">]> {
  let summary = "end of a program";
  let description = [{
    Example:

    ```mlir
    sprint.return %r : tensor<1x12x?x32xi32>
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$operands);
  let assemblyFormat = "($operands^ `:` type($operands))? attr-dict";
  let hasVerifier = 1;
}

def Sprint_LaunchOp : Sprint_HostAttentionOp<"launch", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "run a program on the machine";
  let description = [{
    Quantises query, key, value and bias, derives the head parameters, runs `program` and turns its output codes back
    into floats. `program` is a `sprint.program` or, after `convert-sprint-to-isa`, a `sprint_isa.program`; the launch
    brings the optional operands that it takes.

    Shapes: those of `sprint.attention`.

    Example:

    ```mlir
    %o = sprint.launch @attention_0 ins(%q, %k, %v : tensor<1x12x?x32xf32>, tensor<1x12x?x32xf32>,
    tensor<1x12x?x32xf32>) key_valid(%valid : tensor<1x?xi1>) outs(%init : tensor<1x12x?x32xf32>) ->
    tensor<1x12x?x32xf32>
    ```
  }];
  let arguments = !con(
    (ins FlatSymbolRefAttr:$program,
     4DTensorOf<[F32]>:$query, 4DTensorOf<[F32]>:$key, 4DTensorOf<[F32]>:$value),
    OptionalInputs.operands,
    (ins 4DTensorOf<[F32]>:$init));
  let results = (outs 4DTensorOf<[F32]>:$result);
  let builders = [
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::FlatSymbolRefAttr":$program, "::mlir::Value":$query,
                   "::mlir::Value":$key, "::mlir::Value":$value,
                   "::llvm::ArrayRef<::mlir::Value>":$optional_inputs, "::mlir::Value":$init)>
  ];
  let assemblyFormat = !strconcat([{
    $program `ins` `(` $query `,` $key `,` $value `:` type($query) `,` type($key) `,` type($value) `)`
  }], OptionalInputs.format, [{
    `outs` `(` $init `:` type($init) `)` attr-dict `->` type($result)
  }]);
}

//===----------------------------------------------------------------------===//
// Caches
//===----------------------------------------------------------------------===//

def Sprint_CreateCacheOp : Sprint_Op<"create_cache"> {
  let summary = "an empty cache";
  let description = [{
    A cache for at most `capacity` tokens of each key head. Codes of queries, keys and values are made at the given steps
    from then on (docs/numerics.md, section 2), whatever numbers come.

    Shapes: query_step `[B, H]`, key_step and value_step `[B, G]`, as the type of the cache says.

    Example:

    ```mlir
    %c = sprint.create_cache capacity(%n) steps(%q, %k, %v : tensor<1x12xf32>, tensor<1x4xf32>, tensor<1x4xf32>)
        : !sprint.cache<batches = 1, heads = 12, key_heads = 4, head_dim = 64, value_dim = 64>
    ```
  }];
  let arguments = (ins Index:$capacity, 2DTensorOf<[F32]>:$query_step, 2DTensorOf<[F32]>:$key_step,
                       2DTensorOf<[F32]>:$value_step);
  let results = (outs Sprint_CacheType:$cache);
  let assemblyFormat = [{
    `capacity` `(` $capacity `)` `steps` `(` $query_step `,` $key_step `,` $value_step `:` type($query_step) `,`
    type($key_step) `,` type($value_step) `)` attr-dict `:` type($cache)
  }];
  let hasVerifier = 1;
}

def Sprint_CachedLaunchOp : Sprint_Op<"cached_launch", [
    AttrSizedOperandSegments, AllTypesMatch<["cache", "grown"]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "add keys and values to a cache, and run a program on all that is there";
  let description = [{
    `grown` is `cache` with the codes of `key` and `value` behind those that it has. `result` is what `program`, which has
    `resident_cache`, gives for `query` and all of these, as in `sprint.launch`; what the optional operands have of keys
    is of all of them, too.

    A cache is in the memory of the machine, where it only grows: once a launch has taken `cache`, the machine refuses
    another that takes it, instead of `grown`.

    Shapes: query `[B, H, Sq, D]`, key `[B, G, Sn, D]`, value `[B, G, Sn, Dv]`, result `[B, H, Sq, Dv]`, as the type of
    the cache says; the optional operands as in `sprint.attention`, where Sk is what the cache has then.

    Example:

    ```mlir
    %o, %grown = sprint.cached_launch @attention_0 cache(%c)
        ins(%q, %k, %v : tensor<1x12x1x64xf32>, tensor<1x4x1x64xf32>, tensor<1x4x1x64xf32>)
        -> tensor<1x12x1x64xf32>, !sprint.cache<batches = 1, heads = 12, key_heads = 4, head_dim = 64, value_dim = 64>
    ```
  }];
  let arguments = !con(
    (ins 4DTensorOf<[F32]>:$query, 4DTensorOf<[F32]>:$key, 4DTensorOf<[F32]>:$value),
    OptionalInputs.operands,
    (ins Sprint_CacheType:$cache, FlatSymbolRefAttr:$program));
  let results = (outs 4DTensorOf<[F32]>:$result, Sprint_CacheType:$grown);
  let assemblyFormat = !strconcat([{
    $program `cache` `(` $cache `)` `ins` `(` $query `,` $key `,` $value `:` type($query) `,` type($key) `,`
    type($value) `)`
  }], OptionalInputs.format, [{
    attr-dict `->` type($result) `,` type($grown)
  }]);
  let extraClassDeclaration = OptionalInputAccess.declarations;
  let hasVerifier = 1;
  let builders = [];
}

#endif // SPRINT_DIALECT_SPRINT_IR_SPRINTPROGRAMOPS_TD
