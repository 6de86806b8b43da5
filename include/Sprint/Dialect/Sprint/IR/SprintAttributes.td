//===- SprintAttributes.td - Masks, widths, schedules -------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_IR_SPRINTATTRIBUTES_TD
#define SPRINT_DIALECT_SPRINT_IR_SPRINTATTRIBUTES_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpAsmInterface.td"
include "Sprint/Dialect/Sprint/IR/SprintDialect.td"
include "Sprint/Dialect/Sprint/IR/SprintEnums.td"
include "Sprint/Dialect/SprintISA/IR/SprintISAExpressions.td"

def Sprint_NibbleAttr : EnumAttr<Sprint_Dialect, Sprint_Nibble, "nibble">;

def Sprint_SelectAttr : EnumAttr<Sprint_Dialect, Sprint_Select, "select">;

def Sprint_EmptyRowAttr : EnumAttr<Sprint_Dialect, Sprint_EmptyRow, "empty_row">;

def Sprint_ProgramInputAttr : EnumAttr<Sprint_Dialect, Sprint_ProgramInput, "program_input">;

/// A float of any type, which ops verify.
def Sprint_FloatAttr : Attr<CPred<"::llvm::isa<::mlir::FloatAttr>($_self)">, "floating-point number"> {
  let storageType = "::mlir::FloatAttr";
  let returnType = "::mlir::FloatAttr";
  let convertFromStorage = "$_self";
}

def AlignParameter : EnumParameter<Sprint_Align> {
  let defaultValue = "::mlir::sprint::Align::Start";
}

/// A list of tensors of the launch.
def Sprint_RegionsParameter : ArrayRefParameter<"::mlir::sprint_isa::MemoryRegion", "tensors of the launch"> {
  let parser = [{
    [&]() -> ::mlir::FailureOr<::llvm::SmallVector<::mlir::sprint_isa::MemoryRegion>> {
      ::llvm::SmallVector<::mlir::sprint_isa::MemoryRegion> regions;
      auto parseRegion = [&]() -> ::mlir::ParseResult {
        ::mlir::FailureOr<::mlir::sprint_isa::MemoryRegion> region =
            ::mlir::FieldParser<::mlir::sprint_isa::MemoryRegion>::parse($_parser);
        if (::mlir::failed(region))
          return ::mlir::failure();
        regions.push_back(*region);
        return ::mlir::success();
      };
      if ($_parser.parseCommaSeparatedList(::mlir::AsmParser::Delimiter::Square, parseRegion))
        return ::mlir::failure();
      return regions;
    }()
  }];
  let printer = [{
    $_printer << "[";
    ::llvm::interleaveComma($_self, $_printer.getStream(), [&](::mlir::sprint_isa::MemoryRegion region) {
      $_printer << ::mlir::sprint_isa::stringifyMemoryRegion(region);
    });
    $_printer << "]"
  }];
}

class Sprint_Attr<string name, string attrMnemonic> : AttrDef<Sprint_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Sprint_BandAttr : Sprint_Attr<"Band", "band"> {
  let summary = "which keys a query may attend to, by position";
  let description = [{
    Key `j` is allowed for query `i` when `lower <= j - i - offset <= upper`, where `offset` is 0 for
    `align = start` and `keys - queries` for `align = end`. A missing bound does not bound.

    Example: causal, and causal with a window of 128 tokens.

    ```mlir
    #sprint.band<upper = 0>
    #sprint.band<lower = -127, upper = 0, align = end>
    ```
  }];
  let parameters = (ins
    OptionalParameter<"::std::optional<int64_t>">:$lower,
    OptionalParameter<"::std::optional<int64_t>">:$upper,
    AlignParameter:$align
  );
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Whether it allows every query a key, for these numbers of queries and keys; a number may be
    /// ShapedType::kDynamic, and then it does so whatever that is.
    bool leavesEveryQueryAKey(int64_t queries, int64_t keys) const;
    /// The key on the diagonal of `query`, from which the bounds count.
    ::mlir::AffineExpr getDiagonal(::mlir::AffineExpr query, ::mlir::AffineExpr queries,
                                   ::mlir::AffineExpr keys) const;
    /// Whether it allows the key that lies `distance` behind the diagonal; nothing where it bounds no key. Numbers
    /// of these three may be of any type that has the operators, which gives its own truth values.
    template <typename Number> auto allows(Number distance) const {
      ::std::optional<decltype(distance >= int64_t())> isAllowed;
      if (getLower())
        isAllowed = distance >= *getLower();
      if (getUpper()) {
        auto isBelow = *getUpper() >= distance;
        isAllowed = isAllowed ? *isAllowed & isBelow : isBelow;
      }
      return isAllowed;
    }
    /// The first and the last key that it allows a query with this diagonal, whether there are such keys or not;
    /// nothing where it does not bound them.
    template <typename Number> ::std::optional<Number> getFirstKey(Number diagonal) const {
      return getLower() ? ::std::optional<Number>(diagonal + *getLower()) : ::std::nullopt;
    }
    template <typename Number> ::std::optional<Number> getLastKey(Number diagonal) const {
      return getUpper() ? ::std::optional<Number>(diagonal + *getUpper()) : ::std::nullopt;
    }
    /// How far behind the diagonal the allowed key lies that is nearest to it; nothing where no key is allowed.
    ::std::optional<int64_t> findNearestDistance() const;
  }];
}

def Sprint_WidthsAttr : Sprint_Attr<"Widths", "widths"> {
  let summary = "widths of the recompute path, in bits";
  let description = [{
    docs/numerics.md, sections 5 and 6. `probability = 0` divides late, another number divides before the values. What
    no machine can have is refused.

    Example:

    ```mlir
    #sprint.widths<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>
    ```
  }];
  let parameters = (ins "int64_t":$exponent_fraction, "int64_t":$sum,
                        "int64_t":$probability, "int64_t":$accumulator);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

/// Printed by an alias, as it is long.
class Sprint_AliasedAttr<string name, string attrMnemonic>
    : AttrDef<Sprint_Dialect, name, [OpAsmAttrInterface]> {
  let mnemonic = attrMnemonic;
  let genMnemonicAlias = 1;
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Sprint_MachineAttr : Sprint_AliasedAttr<"Machine", "machine"> {
  let summary = "the machine a module is compiled for";
  let description = [{
    `name` is a built-in machine (`s`, `m`, `l`) or the path of a machine description. Behind it stands all that
    programs depend on, structure and widths: the parameters of docs/reference/machine-parameters.md, each once and
    within its range, in any order. Of those that are younger than the first version, the page has the default, which
    the attribute may leave out.

    Example:

    ```mlir
    #machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels
    = 4, banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024,
    score_rows = 4, resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48,
    probability_bits = 0, accumulator_bits = 48> module attributes {sprint.machine = #machine} {}
    ```
  }];
  let parameters = (ins StringRefParameter<"">:$name, ArrayRefParameter<"int64_t">:$numbers);
  let extraClassDeclaration = [{
    /// The hash of the structure, which streams hold.
    ::std::string getStructureHash() const;
  }];
}

def Sprint_CostsAttr : Sprint_AliasedAttr<"Costs", "costs"> {
  let summary = "timings and energies of a machine";
  let description = [{
    The parameters of docs/reference/machine-parameters.md, each once and within its range, in any order. Where energies
    lie in ranges, `low` and `high` of all of them follow. Scheduling alone reads them; what comes out does not hold
    them.

    Example, shortened:

    ```mlir
    #costs = #sprint.costs<timing = {clock = 1.000000e+03, ...}, energy = {in_memory = 1.000000e-01, ...}>
    module attributes {sprint.costs = #costs} {}
    ```
  }];
  let parameters = (ins "::mlir::DenseF64ArrayAttr":$timingNumbers,
                        "::mlir::DenseF64ArrayAttr":$energyNumbers,
                        "::mlir::DenseF64ArrayAttr":$lowEnergyNumbers,
                        "::mlir::DenseF64ArrayAttr":$highEnergyNumbers);
}

def Sprint_RefusalAttr : Sprint_Attr<"Refusal", "refusal"> {
  let summary = "why an attention stays on the host";
  let description = [{
    Stands as `sprint.refused` on the op that stays: who refused it, the condition that failed, and the attention's name where it has
    one.

    Example:

    ```mlir
    #sprint.refusal<outlining, "expected at most 2048 keys, got 4096", "layers.3">
    ```
  }];
  let parameters = (ins EnumParameter<Sprint_RefusedBy>:$by, StringRefParameter<"">:$reason,
                        OptionalParameter<"::mlir::StringAttr">:$name);
  let assemblyFormat = "`<` $by `,` $reason (`,` $name^)? `>`";
  let extraClassDeclaration = [{
    /// What is told of it: who refused, and the reason.
    ::std::string getMessage() const;
  }];
}

def Sprint_ScheduleAttr : Sprint_Attr<"Schedule", "schedule"> {
  let summary = "how an attention uses the machine";
  let description = [{
    A block of rows is taken together: `queries` queries of each of `heads` heads of a group. `ahead` more blocks are
    selected while one is recomputed; `residency` says what the key and value buffers hold from one block to the next;
    `writes` names the tensors that are written to ReRAM, in this order.

    Example: the paper's.

    ```mlir
    #sprint.schedule<heads = 1, queries = 1, ahead = 1, residency = previous_query, writes = [query, key, value]>
    ```
  }];
  let parameters = (ins "int64_t":$heads, "int64_t":$queries, "int64_t":$ahead,
                        EnumParameter<SprintISA_Residency>:$residency, Sprint_RegionsParameter:$writes);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Rows of a block.
    int64_t getRows() const { return getHeads() * getQueries(); }
  }];
}

def Sprint_CacheType : TypeDef<Sprint_Dialect, "Cache"> {
  let mnemonic = "cache";
  let summary = "keys and values that stay in the memory of the machine";
  let description = [{
    Codes of the tokens that launches have added, and the steps that they are made at. How many tokens there are is known
    when it runs.

    Example:

    ```mlir
    !sprint.cache<batches = 1, heads = 12, key_heads = 4, head_dim = 64, value_dim = 64>
    ```
  }];
  let parameters = (ins "int64_t":$batches, "int64_t":$heads, "int64_t":$keyHeads, "int64_t":$headDim,
                        "int64_t":$valueDim);
  let assemblyFormat = [{
    `<` `batches` `=` $batches `,` `heads` `=` $heads `,` `key_heads` `=` $keyHeads `,` `head_dim` `=` $headDim `,`
    `value_dim` `=` $valueDim `>`
  }];
  let genVerifyDecl = 1;
}

#endif // SPRINT_DIALECT_SPRINT_IR_SPRINTATTRIBUTES_TD
