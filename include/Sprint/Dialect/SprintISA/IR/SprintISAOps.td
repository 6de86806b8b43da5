//===- SprintISAOps.td - Programs, units, queues, loops -----*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINTISA_IR_SPRINTISAOPS_TD
#define SPRINT_DIALECT_SPRINTISA_IR_SPRINTISAOPS_TD

include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "Sprint/Dialect/SprintISA/IR/SprintISACommands.td"

def SprintISA_ProgramOp : SprintISA_Op<"program", [
    IsolatedFromAbove, NoTerminator, SingleBlock, Symbol, SymbolTable, NoRegionArguments]> {
  let summary = "what one launch runs on the machine";
  let description = [{
    Holds the queues and, for each unit, its sequence of commands. Before it is distributed over the units it holds one
    nest of loops with the value forms of all commands instead.

    `machine` and `structure` name the machine description the program was compiled for and the hash of its structure
    (units, arrays, capacities, widths); the simulator refuses another. `parameters` gives each launch parameter its
    static value, or `?` where the launch brings it. `scale` is that of the logits (docs/numerics.md, section 1);
    `thresholds`, where given, holds a threshold for each head, in logit units, used unless the launch brings others.
    `inputs` names the tensors that the launch brings beside query, key and value, in the order of their regions. With
    `resident_cache` the launch adds the keys and values that it brings to a cache, which has `past` others, and attends
    to all of them.

    Example:

    ```mlir
    sprint_isa.program @attention_0 machine("s", "8f14e45fceea167a")
        parameters(batches = 1, heads = 12, queries = ?, keys = ?, head_dim = 32, value_dim = 32, group = 1)
        scale(0.125) inputs(key_valid) {
      sprint_isa.counting_queue @head_ready credits(0)
      sprint_isa.unit write {
        sprint_isa.loop trip(heads) {
          sprint_isa.write region(key) batch(0) head(i0)
          sprint_isa.release queue(@head_ready)
        }
      }
    }
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    StrAttr:$machine,
    StrAttr:$structure,
    DenseI64ArrayAttr:$parameters,
    F64Attr:$scale,
    OptionalAttr<DenseF32ArrayAttr>:$thresholds,
    OptionalAttr<TypedArrayAttrBase<SprintISA_MemoryRegionAttr, "tensors beside query, key and value">>:$inputs,
    UnitAttr:$resident_cache
  );
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `machine` `(` $machine `,` $structure `)`
    `parameters` `(` custom<Parameters>($parameters) `)`
    `scale` `(` custom<Scale>($scale) `)`
    (`thresholds` `(` custom<Thresholds>($thresholds)^ `)`)?
    (`inputs` `(` custom<Inputs>($inputs)^ `)`)?
    (`resident_cache` $resident_cache^)?
    attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether it is not yet distributed over the units.
    bool isNest();
  }];
}

def SprintISA_CountingQueueOp : SprintISA_Op<"counting_queue", [
    Symbol, HasParent<"ProgramOp">]> {
  let summary = "a queue of credits between units";
  let description = [{
    `credits` is what it holds when the launch begins.

    Example:

    ```mlir
    sprint_isa.counting_queue @key_lists credits(2)
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$credits);
  let assemblyFormat = "$sym_name `credits` `(` custom<Count>($credits) `)` attr-dict";
  let hasVerifier = 1;
}

def SprintISA_IndexQueueOp : SprintISA_Op<"index_queue", [
    Symbol, HasParent<"ProgramOp">]> {
  let summary = "a queue of lists of key indices, one list a query";
  let description = [{
    `depth` is the number of lists it can hold; a program that would push more is refused by the simulator.

    Example:

    ```mlir
    sprint_isa.index_queue @kept_keys depth(2)
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$depth);
  let assemblyFormat = "$sym_name `depth` `(` custom<Count>($depth) `)` attr-dict";
  let hasVerifier = 1;
}

def SprintISA_UnitOp : SprintISA_Op<"unit", [
    NoTerminator, SingleBlock, HasParent<"ProgramOp">, NoRegionArguments]> {
  let summary = "the sequence of commands of one unit";
  let description = [{
    Example:

    ```mlir
    sprint_isa.unit softmax {
      sprint_isa.softmax from(@scores) to(@weights) batch(0) head(0)
    }
    ```
  }];
  let arguments = (ins SprintISA_MachineUnitAttr:$unit);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "custom<Enumerant>($unit) attr-dict-with-keyword $body";
}

/// A word that is no op by itself: `loop` and `end_loop` enclose a body, in IR the region of SprintISA_LoopOp.
class SprintISA_LoopMarker<string mnemonic, int number, list<CommandField> operandFields>
    : SprintISA_Encoding<number, [], operandFields> {
  string opName = mnemonic;
  string summary;
  string description;
}

def LoopCommand
    : SprintISA_LoopMarker<"loop", 0x01, [ExprField<"trip", "number of iterations">]> {
  let summary = "begin a loop";
  let description = [{
    The commands up to the matching `end_loop` run `trip` times, never where it is zero or less. Of nested loops each
    has its own counter, which begins at 0. In IR:

    ```mlir
    sprint_isa.loop trip(queries) {
      sprint_isa.release queue(@key_lists)
    }
    ```
  }];
}

def EndLoopCommand : SprintISA_LoopMarker<"end_loop", 0x02, []> {
  let summary = "end a loop";
  let description = "Ends the body of the innermost open `loop`.";
}

def SprintISA_LoopOp : SprintISA_Op<"loop", [
    NoTerminator, SingleBlock, NoRegionArguments, ParentOneOf<["UnitOp", "LoopOp", "ProgramOp"]>]> {
  let summary = "a hardware loop";
  let description = [{
    Runs its body `trip` times; a trip count of zero or less runs it never. The counter begins at 0 and is `iN` in
    expressions of the body, with N the number of loops around this one.

    Example:

    ```mlir
    sprint_isa.loop trip(queries) {
      sprint_isa.release queue(@key_lists)
    }
    ```
  }];
  let arguments = (ins SprintISA_ExprAttr:$trip);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`trip` `(` custom<Expr>($trip) `)` attr-dict-with-keyword $body";
}

//===----------------------------------------------------------------------===//
// Value forms
//===----------------------------------------------------------------------===//

class SprintISA_Type<string name, string typeMnemonic> : TypeDef<SprintISA_Dialect, name>,
    BuildableType<"$_builder.getType<::mlir::sprint_isa::" # name # "Type>()"> {
  let mnemonic = typeMnemonic;
}

def SprintISA_ListType : SprintISA_Type<"List", "list"> {
  let summary = "the list of keys of a block of rows, as a command hands it on";
}

def SprintISA_TokenType : SprintISA_Type<"Token", "token"> {
  let summary = "that a command has run";
}

/// A command or a capacity of a nest, which belongs to one unit.
def SprintISA_UnitCommandInterface : OpInterface<"UnitCommandOpInterface"> {
  let cppNamespace = "::mlir::sprint_isa";
  let description = "An op of a nest that one unit runs.";
  let methods = [InterfaceMethod<"The unit that runs it.", "::mlir::sprint_isa::MachineUnit", "getUnit">];
}

/// The value form of a command: what it takes from index queues are operands, what it puts into them results. `unit`
/// runs it. `after` are commands that it has to wait for beside; a command that puts no list yields a token for them.
class SprintISA_ValueForm<SprintISA_Command command>
    : SprintISA_Op<"value." # command.opName, [SprintISA_UnitCommandInterface]> {
  let summary = "value form of '" # command.opName # "'";
  let description = "`sprint_isa." # command.opName #
                    "` of `unit` in a nest that is not yet distributed over the units.";
  list<CommandField> attrs = !filter(f, command.fields, !ne(f.kind, "IndexQueue"));
  list<CommandField> takes = !filter(f, command.fields, !isa<TakeField>(f));
  list<CommandField> puts = !filter(f, command.fields, !isa<PutField>(f));
  let arguments = !con((ins SprintISA_MachineUnitAttr:$unit),
                       !dag(ins, !foreach(f, attrs, f.attr), !foreach(f, attrs, f.name)),
                       !dag(ins, !foreach(f, takes, SprintISA_ListType), !foreach(f, takes, f.name)),
                       (ins Variadic<SprintISA_TokenType>:$after));
  let results = !if(!empty(puts), (outs SprintISA_TokenType:$done),
                    !dag(outs, !foreach(f, puts, SprintISA_ListType), !foreach(f, puts, f.name)));
  let assemblyFormat = "`on` `(` custom<Enumerant>($unit) `)`" #
      !interleave(!foreach(f, attrs, f.format), " ") #
      !interleave(!foreach(f, takes, "`" # f.name # "` `(` $" # f.name # " `)`"), " ") #
      "(`after` `(` $after^ `)`)? attr-dict";
}

foreach command = commandsWithValueForm in
  def !subst("SprintISA_", "SprintISA_Value", !cast<string>(command)) : SprintISA_ValueForm<command>;

class SprintISA_CapacityOp<string mnemonic, dag rest> : SprintISA_Op<mnemonic, [SprintISA_UnitCommandInterface]> {
  let arguments = !con((ins SprintISA_MachineUnitAttr:$unit, SymbolNameAttr:$resource), rest);
}

def SprintISA_ReserveOp : SprintISA_CapacityOp<"reserve", (ins I64Attr:$credits)> {
  let summary = "wait for room and take it, in a nest";
  let description = [{
    Takes one of the `credits` places of `resource` before `unit` goes on. Distributed over the units it is an
    `acquire`.

    Example:

    ```mlir
    sprint_isa.reserve on(qk) @score_buffer credits(4)
    ```
  }];
  let assemblyFormat = [{
    `on` `(` custom<Enumerant>($unit) `)` $resource `credits` `(` custom<Count>($credits) `)` attr-dict
  }];
  let hasVerifier = 1;
}

def SprintISA_FreeOp : SprintISA_CapacityOp<"free", (ins)> {
  let summary = "give back room, in a nest";
  let description = [{
    Gives back what `reserve` took, when `unit` has come here. Distributed over the units it is a `release`.

    Example:

    ```mlir
    sprint_isa.free on(v) @score_buffer
    ```
  }];
  let assemblyFormat = "`on` `(` custom<Enumerant>($unit) `)` $resource attr-dict";
}

#endif // SPRINT_DIALECT_SPRINTISA_IR_SPRINTISAOPS_TD
