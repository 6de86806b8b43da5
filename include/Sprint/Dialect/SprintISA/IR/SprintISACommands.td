//===- SprintISACommands.td - One record a command ----------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every command of the machine is one record of this file. Its op is generated from the
// record by mlir-tblgen; its encoding, decoder, name tables, the simulator's dispatch and the
// reference page by sprint-tblgen. Opcodes and enumerant values are frozen: never reuse a number.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINTISA_IR_SPRINTISACOMMANDS_TD
#define SPRINT_DIALECT_SPRINTISA_IR_SPRINTISACOMMANDS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "Sprint/Dialect/SprintISA/IR/SprintISAExpressions.td"
include "Sprint/Dialect/SprintISA/IR/SprintISALaunch.td"

//===----------------------------------------------------------------------===//
// Commands
//===----------------------------------------------------------------------===//

/// An operand of a command. `width` is its number of bits in the command word; fields are laid out in order, the lowest
/// bits first, behind the 8 bits of the opcode.
class CommandField<string fieldName, string fieldKind, Attr fieldAttr, int fieldBits, string text,
                   string fieldRole = ""> {
  string name = fieldName;
  /// "Expr": index of an expression of the program; "OptionalExpr": that index plus 1, or 0 for none; "Queue": index of
  /// a counting queue; "IndexQueue": of an index queue; or the name of an enumeration.
  string kind = fieldKind;
  Attr attr = fieldAttr;
  int width = fieldBits;
  string summary = text;
  /// What the command does to the queue or region that stands in the field: "Acquires", "Releases", "Takes", "Puts",
  /// "Reads", "Writes"; empty for other fields.
  string role = fieldRole;
  /// Version of the command stream that has the field first; in older ones its bits are zero.
  int since = 1;
  /// How the op's assembly shows the operand.
  string format = "`" # fieldName # "` `(` " # !cond(
                      !eq(fieldKind, "Expr"): "custom<Expr>($" # fieldName # ")",
                      !eq(fieldKind, "Queue"): "$" # fieldName,
                      !eq(fieldKind, "IndexQueue"): "$" # fieldName,
                      true: "custom<Enumerant>($" # fieldName # ")") # " `)`";
}
class ExprField<string name, string text>
    : CommandField<name, "Expr", SprintISA_ExprAttr, 16, text>;
/// An operand that may be absent, in assembly as well. One that came later than its command has to be: it is absent in
/// the words of older versions.
class OptionalExprField<string name, string text>
    : CommandField<name, "OptionalExpr", OptionalAttr<SprintISA_ExprAttr>, 16, text> {
  let format = "(`" # name # "` `(` custom<Expr>($" # name # ")^ `)`)?";
}
class QueueField<string name, string text, string role>
    : CommandField<name, "Queue", FlatSymbolRefAttr, 8, text, role>;
class AcquireField<string name, string text> : QueueField<name, text, "Acquires">;
class ReleaseField<string name, string text> : QueueField<name, text, "Releases">;
class IndexQueueField<string name, string text, string role>
    : CommandField<name, "IndexQueue", FlatSymbolRefAttr, 8, text, role>;
class TakeField<string name, string text> : IndexQueueField<name, text, "Takes">;
class PutField<string name, string text> : IndexQueueField<name, text, "Puts">;
class RegionField<string name, string text, string role>
    : CommandField<name, "MemoryRegion", SprintISA_MemoryRegionAttr, 8, text, role>;
class ResidencyField<string name, string text>
    : CommandField<name, "Residency", SprintISA_ResidencyAttr, 8, text>;

class SprintISA_Op<string mnemonic, list<Trait> traits = []>
    : Op<SprintISA_Dialect, mnemonic, traits>;

/// What the stream knows of a command. `units` names those that may run it; an empty list means every unit.
class SprintISA_Encoding<int number, list<string> onUnits, list<CommandField> operandFields> {
  int opcode = number;
  list<string> units = onUnits;
  list<CommandField> fields = operandFields;
  /// Version of the command stream that has the command first.
  int since = 1;
  /// Regions it reads beside those that its fields name, of the head in its fields `batch` and `head`.
  list<string> reads = [];
}

/// A command that is one op.
class SprintISA_Command<string mnemonic, int number, list<string> onUnits,
                        list<CommandField> operandFields>
    : SprintISA_Op<mnemonic>, SprintISA_Encoding<number, onUnits, operandFields> {
  let arguments = !dag(ins, !foreach(f, operandFields, f.attr),
                       !foreach(f, operandFields, f.name));
  let assemblyFormat = !interleave(!listconcat(
      !foreach(f, operandFields, f.format), ["attr-dict"]), " ");
}

// Fields that several commands share.
def BatchField : ExprField<"batch", "batch element">;
def HeadField : ExprField<"head", "head">;
def QueryField : ExprField<"query", "query token">;
def ReadRegion : RegionField<"region", "which tensor", "Reads">;
def WrittenRegion : RegionField<"region", "which tensor", "Writes">;
def FirstTokenField : OptionalExprField<"first", "first token that is written"> {
  let since = 3;
}
def TokenCountField : OptionalExprField<"count", "number of tokens that are written"> {
  let since = 3;
}
def FromField : TakeField<"from", "index queue the row's list is taken from">;
def ToField : PutField<"to", "index queue the row's list is passed on to">;

// Control, opcodes 0x01 .. 0x0f. `loop` (0x01) and `end_loop` (0x02) enclose a body; in IR they are one op with a
// region, SprintISA_LoopOp.

def SprintISA_AcquireOp : SprintISA_Command<"acquire", 0x03, [], [
    AcquireField<"queue", "counting queue">]> {
  let summary = "wait for a credit of a counting queue and take it";
  let description = [{
    The unit stands still until `queue` holds a credit, then takes it.

    Example:

    ```mlir
    sprint_isa.acquire queue(@key_lists)
    ```
  }];
}

def SprintISA_ReleaseOp : SprintISA_Command<"release", 0x04, [], [
    ReleaseField<"queue", "counting queue">]> {
  let summary = "give a credit to a counting queue";
  let description = [{
    Gives one credit to `queue` when the unit's commands before this one have ended.

    Example:

    ```mlir
    sprint_isa.release queue(@head_ready)
    ```
  }];
}

/// The commands that have a value form beside.
defset list<SprintISA_Command> commandsWithValueForm = {

// Memory, opcodes 0x10 .. 0x1f.

def SprintISA_WriteOp : SprintISA_Command<"write", 0x10, ["write"], [
    WrittenRegion, BatchField, HeadField, FirstTokenField, TokenCountField]> {
  let summary = "write the codes of one head to ReRAM";
  let description = [{
    Writes all tokens of one head of `region`: of keys the high nibbles go to the transposable arrays and the low ones
    to standard ReRAM, everything else to standard ReRAM alone. Of keys and values `head` is a key head, which `group`
    query heads share. Of queries, masks and biases it is a query head. Of what all heads of a batch element share,
    key_valid and segments, it is any.

    Of keys and values, `count` tokens from `first` on may be written alone, a token to its own columns. They are those
    that the launch brings: the ones before are in a cache.

    Example:

    ```mlir
    sprint_isa.write region(key) batch(i0) head(i1)
    sprint_isa.write region(key) batch(i0) head(i1) first(past) count(keys - past)
    ```
  }];
}

def SprintISA_LoadQueryOp : SprintISA_Command<"load_query", 0x11, ["key_fetch"], [
    BatchField, HeadField, QueryField]> {
  let reads = ["query"];
  let summary = "read a query into the query buffers of all CORELETs";
  let description = [{
    Reads the 8-bit codes of one query from standard ReRAM; every CORELET gets all of them.

    Example:

    ```mlir
    sprint_isa.load_query batch(i0) head(i1) query(i2)
    ```
  }];
}

def SprintISA_FetchOp : SprintISA_Command<"fetch", 0x12, ["key_fetch", "value_fetch"], [
    ReadRegion, ResidencyField<"residency", "who stays in the buffer">,
    FromField, ToField, BatchField, HeadField]> {
  let summary = "bring the tokens of a list on chip, reusing those that are there";
  let description = [{
    Takes a row's list from `from`, finds which of its tokens the CORELETs' key or value buffers hold already, reads
    the others from ReRAM, and passes the list on to `to` while they arrive: first the tokens that were there, then the
    others, both in ascending order. `residency` says what the buffer holds after the row:

    - `previous_query`: the first tokens of that order, up to the buffer's capacity, and nothing else;
    - `pinned`: what it held before, and the first of the others while there is room.

    Tokens beyond the capacity pass through without staying. A buffer is empty at the first row of a key head.

    Example:

    ```mlir
    sprint_isa.fetch region(key) residency(previous_query) from(@kept_keys) to(@ready_keys) batch(i0) head(i1)
    ```
  }];
}

// Selection, opcodes 0x20 .. 0x2f.

def SprintISA_CopyQueryOp : SprintISA_Command<"copy_query", 0x20, ["select"], [
    BatchField, HeadField, QueryField]> {
  let reads = ["query"];
  let summary = "CopyQ: move a query's high nibbles to the in-memory query buffer";
  let description = [{
    Example:

    ```mlir
    sprint_isa.copy_query batch(i0) head(i1) query(i2)
    ```
  }];
}

def SprintISA_ThresholdOp : SprintISA_Command<"threshold", 0x21, ["select"], [
    BatchField, HeadField,
    ExprField<"first", "first allowed key">,
    ExprField<"last", "one past the last allowed key">]> {
  let reads = ["query", "key"];
  let summary = "compare the approximate score of every allowed key with the threshold, in memory";
  let description = [{
    Drives the copied query's high nibbles onto the wordlines of all arrays that hold the head's keys; each column's
    comparator sets its bit of the pruning vector. Keys outside `first` .. `last` are pruned. A query that
    would keep nothing lowers its threshold by a doubling step and tries again
    (docs/numerics.md, section 4); each retry takes the thresholding time once more.

    Example:

    ```mlir
    sprint_isa.threshold batch(i0) head(i1) first(0) last(min(i2 + 1, keys))
    ```
  }];
}

def SprintISA_ReadPruningOp : SprintISA_Command<"read_pruning", 0x22, ["select"], [
    PutField<"keys_to", "index queue that gets the kept keys">,
    PutField<"values_to", "index queue that gets the same list, for the values">]> {
  let summary = "ReadP: read the pruning vector and queue the indices of the kept keys";
  let description = [{
    Example:

    ```mlir
    sprint_isa.read_pruning keys_to(@kept_keys) values_to(@kept_values)
    ```
  }];
}

def SprintISA_ListRangeOp : SprintISA_Command<"list_range", 0x23, ["select"], [
    ExprField<"first", "first allowed key">,
    ExprField<"last", "one past the last allowed key">,
    PutField<"keys_to", "index queue that gets the keys">,
    PutField<"values_to", "index queue that gets the same list, for the values">]> {
  let summary = "queue all keys of a range, without pruning";
  let description = [{
    What the dense baseline does instead of thresholding.

    Example:

    ```mlir
    sprint_isa.list_range first(0) last(keys) keys_to(@kept_keys) values_to(@kept_values)
    ```
  }];
}

def SprintISA_LoadMaskOp : SprintISA_Command<"load_mask", 0x24, ["select"], [
    ReadRegion, BatchField, HeadField, QueryField]> {
  let summary = "enable the columns of the keys that a mask allows";
  let description = [{
    Moves one row of `region`, `key_valid` or `mask`, from standard ReRAM to the column enables of the arrays: keys that
    it does not allow are pruned by every `threshold`, and left out by every `list_range`, until the next `load_mask` of
    the same region. Rows of both regions hold together. A mask that is the same for all queries has one row, query 0.

    Example:

    ```mlir
    sprint_isa.load_mask region(key_valid) batch(i0) head(i1) query(0)
    ```
  }];
}

def SprintISA_LoadBiasOp : SprintISA_Command<"load_bias", 0x25, ["select"], [
    BatchField, HeadField, QueryField]> {
  let reads = ["bias"];
  let summary = "bring the biases of a row to the comparators and on chip";
  let description = [{
    Reads the bias codes of one row from standard ReRAM over the bus. Until the next `load_bias`, `threshold` compares
    each key's approximate score plus its bias (docs/numerics.md, section 4), keys whose bias masks them are not
    allowed, and the lists that are queued carry the biases for `score`. A bias that is the same for all queries has one
    row, query 0.

    Example:

    ```mlir
    sprint_isa.load_bias batch(i0) head(i1) query(i2)
    ```
  }];
}

def SprintISA_LoadSegmentsOp : SprintISA_Command<"load_segments", 0x26, ["select"], [
    BatchField, QueryField]> {
  let since = 2;
  let reads = ["query_segments", "key_segments"];
  let summary = "enable the columns of the keys whose segment is the query's";
  let description = [{
    Compares the segment of one query with that of every key, 32 bits each in standard ReRAM, and sets the column
    enables of the arrays. Keys of other segments are pruned by every `threshold`, and left out by every `list_range`,
    until the next `load_segments`. The enables hold together with the rows that `load_mask` moves.

    Example:

    ```mlir
    sprint_isa.load_segments batch(i0) query(i2)
    ```
  }];
}

// Recompute, opcodes 0x30 .. 0x3f.

def SprintISA_ScoreOp : SprintISA_Command<"score", 0x30, ["qk"], [
    FromField, ToField, BatchField, HeadField, QueryField]> {
  let reads = ["query", "key"];
  let summary = "exact 8-bit scores of the keys of a list, and their maximum";
  let description = [{
    Takes each key of the list as it arrives; a bias that the list carries is added to the key's score. Scores wait in
    the score buffer; where a row has more than fit, the first pass only finds the maximum and the keys stream a second
    time.

    Example:

    ```mlir
    sprint_isa.score from(@ready_keys) to(@scores) batch(i0) head(i1) query(i2)
    ```
  }];
}

def SprintISA_SoftmaxOp : SprintISA_Command<"softmax", 0x31, ["softmax"], [
    FromField, ToField, BatchField, HeadField]> {
  let reads = ["query"];
  let summary = "exponents of the scores of a list, and their sum";
  let description = [{
    The head's parameters come with its queries. With early division (the paper's widths) the probabilities, which wait
    for the sum.

    Example:

    ```mlir
    sprint_isa.softmax from(@scores) to(@weights) batch(i0) head(i1)
    ```
  }];
}

def SprintISA_AccumulateOp : SprintISA_Command<"accumulate", 0x32, ["v"], [
    TakeField<"weights", "index queue with the weights of the row">,
    TakeField<"values", "index queue with the values that are on chip">,
    BatchField, HeadField]> {
  let reads = ["value"];
  let summary = "weighted sum of the values of a list";
  let description = [{
    Takes each value as soon as its weight is there. Values beyond the buffer's capacity are read from ReRAM as the unit
    comes to them.

    Example:

    ```mlir
    sprint_isa.accumulate weights(@weights) values(@ready_values) batch(i0) head(i1)
    ```
  }];
}

def SprintISA_StoreOutputOp : SprintISA_Command<"store_output", 0x33, ["v"], [
    BatchField, HeadField, QueryField]> {
  let summary = "divide by the sum of exponents and send the output codes to the host";
  let description = [{
    Example:

    ```mlir
    sprint_isa.store_output batch(i0) head(i1) query(i2)
    ```
  }];
}

} // commandsWithValueForm

#endif // SPRINT_DIALECT_SPRINTISA_IR_SPRINTISACOMMANDS_TD
