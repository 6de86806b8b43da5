//===- SprintAttributes.td - Masks, widths, schedules -------*- tablegen -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_IR_SPRINTATTRIBUTES_TD
#define SPRINT_DIALECT_SPRINT_IR_SPRINTATTRIBUTES_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "Sprint/Dialect/Sprint/IR/SprintDialect.td"
include "Sprint/Dialect/Sprint/IR/SprintEnums.td"
include "Sprint/Dialect/SprintISA/IR/SprintISAEnums.td"

def Sprint_NibbleAttr : EnumAttr<Sprint_Dialect, Sprint_Nibble, "nibble">;

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
}

def Sprint_WidthsAttr : Sprint_Attr<"Widths", "widths"> {
  let summary = "widths of the recompute path, in bits";
  let description = [{
    docs/numerics.md, sections 5 and 6. `probability = 0` divides late, another number divides before the values.

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

def Sprint_MachineAttr : Sprint_Attr<"Machine", "machine"> {
  let summary = "the machine a module is compiled for";
  let description = [{
    `name` is a built-in machine (`s`, `m`, `l`) or the path of a machine description; `structure` the hash of what
    programs depend on.

    Example:

    ```mlir
    module attributes {sprint.machine = #sprint.machine<"s", structure = "8f14e45fceea167a">} {}
    ```
  }];
  let parameters = (ins StringRefParameter<"">:$name, StringRefParameter<"">:$structure);
  let assemblyFormat = "`<` $name `,` `structure` `=` $structure `>`";
  let genVerifyDecl = 1;
}

def Sprint_ScheduleAttr : Sprint_Attr<"Schedule", "schedule"> {
  let summary = "how a loop over queries uses the machine";
  let description = [{
    `query_block` queries are taken together; `lookahead` more are thresholded while one block is recomputed;
    `residency` says what the key and value buffers hold from one block to the next.

    Example: the paper's.

    ```mlir
    #sprint.schedule<query_block = 1, lookahead = 1, residency = previous_query>
    ```
  }];
  let parameters = (ins "int64_t":$query_block, "int64_t":$lookahead,
                        EnumParameter<SprintISA_Residency>:$residency);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // SPRINT_DIALECT_SPRINT_IR_SPRINTATTRIBUTES_TD
