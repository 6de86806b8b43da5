//===- SprintISALaunch.td - What a launch brings ------------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every tensor of a launch is one record of this file, and so is every number. From them come operands, assembly and
// checks of ops, the arguments of programs, the regions of memory, the runtime's tables, what tools read, and the
// reference page.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINTISA_IR_SPRINTISALAUNCH_TD
#define SPRINT_DIALECT_SPRINTISA_IR_SPRINTISALAUNCH_TD

include "mlir/IR/CommonTypeConstraints.td"

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// A tensor that a device program takes. `dims` are the names of its dimensions, of which one that ends in `?` may be 1
/// instead and then is the same for all: B batch elements, H heads, G key heads, Sq queries, Sk keys, D channels of
/// queries and keys, Dv of values. Without H and G it is there once a batch element, with H once a head, with G once a
/// key head, and with Sq it has a row for each query.
class ProgramTensor<string str, Type hostType, Type deviceType, list<string> dimensions, bit optional, int version,
                    string text> {
  string name = str;
  /// Elements as the host has them, and as the machine does: codes.
  Type hostElement = hostType;
  Type deviceElement = deviceType;
  list<string> dims = dimensions;
  /// Whether a program may do without it.
  bit isOptional = optional;
  /// Version of the command stream that has it first.
  int since = version;
  string summary = text;
  /// What tables of attentions say where there is one.
  string kind = "";
  /// Name of the optional tensor that it comes with, where it does not come alone.
  string partner = "";
  /// Name of its enumerants.
  string symbol;

  // Types of the operands that bring it.
  Type hostTensor = TensorRankOf<[hostElement], [!size(dims)]>;
  Type deviceTensor = TensorRankOf<[deviceElement], [!size(dims)]>;
}

/// A tensor that the launch brings. `number`, its place in the list below, is that of its region in command streams:
/// frozen.
class LaunchInput<int number, string name, Type hostElement, Type deviceElement, list<string> dims, bit optional,
                  int since, string summary>
    : ProgramTensor<name, hostElement, deviceElement, dims, optional, since, summary> {
  int region = number;
  let symbol = !subst("Input", "", NAME);
}
class RequiredInput<int region, string name, list<string> dims, string summary>
    : LaunchInput<region, name, F32, I8, dims, /*optional=*/0, /*since=*/1, summary>;
class OptionalInput<int region, string name, Type hostElement, Type deviceElement, list<string> dims, int since,
                    string summary>
    : LaunchInput<region, name, hostElement, deviceElement, dims, /*optional=*/1, since, summary>;

def QueryInput : RequiredInput<0, "query", ["B", "H", "Sq", "D"], "queries">;
def KeyInput : RequiredInput<1, "key", ["B", "G", "Sk", "D"],
    "keys, of which each head is shared by a group of query heads">;
def ValueInput : RequiredInput<2, "value", ["B", "G", "Sk", "Dv"],
    "values, of which each head is shared by a group of query heads">;
def KeyValidInput : OptionalInput<3, "key_valid", I1, I1, ["B", "Sk"], 1, "keys that are no padding"> {
  let kind = "padding";
}
def MaskInput : OptionalInput<4, "mask", I1, I1, ["B?", "H?", "Sq?", "Sk"], 1, "keys that each query may attend to"> {
  let kind = "mask";
}
def BiasInput : OptionalInput<5, "bias", F32, I32, ["B?", "H?", "Sq?", "Sk"], 1,
    "numbers added to the logits; codes are made for each batch element and head, as their steps differ"> {
  let kind = "bias";
}
def QuerySegmentsInput : OptionalInput<6, "query_segments", I32, I32, ["B", "Sq"], 2,
    "document of a packed sequence that each query is of"> {
  let kind = "documents";
  let partner = "key_segments";
}
def KeySegmentsInput : OptionalInput<7, "key_segments", I32, I32, ["B", "Sk"], 2,
    "document that each key is of; queries of others may not attend to it"> {
  let partner = "query_segments";
}

/// A tensor that the launch derives, a number a head (docs/numerics.md, section 3).
class HeadParameter<string name, Type type, string summary>
    : ProgramTensor<name, type, type, ["B", "H"], /*optional=*/0, /*since=*/1, summary> {
  let symbol = !subst("HeadParameter", "", NAME);
}
def ThresholdHeadParameter : HeadParameter<"threshold", I32, "least approximate score of a kept key">;
def MultiplierHeadParameter : HeadParameter<"multiplier", I64, "multiplier of exact scores to logits">;
def ShiftHeadParameter : HeadParameter<"shift", I64, "shift of exact scores to logits">;

/// All of them.
def LaunchTensors {
  list<LaunchInput> required = [QueryInput, KeyInput, ValueInput];
  /// In the order in which launches, programs and ops have them.
  list<LaunchInput> optional = [KeyValidInput, MaskInput, BiasInput, QuerySegmentsInput, KeySegmentsInput];
  list<LaunchInput> inputs = !listconcat(required, optional);
  list<HeadParameter> headParameters = [ThresholdHeadParameter, MultiplierHeadParameter, ShiftHeadParameter];
  /// In the order of the arguments of programs.
  list<ProgramTensor> arguments = !listconcat(required, headParameters, optional);
}

/// Operands of an op for all `tensors`, as the machine has them or as the host does, and their assembly. Those that are
/// optional are optional operands.
class TensorOperands<list<ProgramTensor> tensors, bit onDevice> {
  dag operands = !dag(ins,
      !foreach(tensor, tensors, !cond(
          !and(tensor.isOptional, onDevice): Optional<tensor.deviceTensor>,
          tensor.isOptional: Optional<tensor.hostTensor>,
          onDevice: tensor.deviceTensor,
          true: tensor.hostTensor)),
      !foreach(tensor, tensors, tensor.name));
  string format = !interleave(!foreach(tensor, tensors,
      !if(tensor.isOptional, "(", "") # "`" # tensor.name # "` `(` $" # tensor.name # !if(tensor.isOptional, "^", "")
      # " `:` type($" # tensor.name # ") `)`" # !if(tensor.isOptional, ")?", "")), " ");
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// A number that a launch brings along or that the compiler fixed; a symbol of expressions. It is the size of the
/// inputs' dimension `dim`, divided by that of `divisor` where there is one. Without `dim` it is no size, and may be 0.
class LaunchParameter<int idx, string str, string dimension, string text, int version = 1> {
  int index = idx;
  string name = str;
  string dim = dimension;
  string divisor = "";
  string summary = text;
  /// Version of the command stream that has it first.
  int since = version;
}

def BatchesParameter : LaunchParameter<0, "batches", "B", "batch size B">;
def HeadsParameter : LaunchParameter<1, "heads", "H", "query heads of one batch element">;
def QueriesParameter : LaunchParameter<2, "queries", "Sq", "query tokens Sq">;
def KeysParameter : LaunchParameter<3, "keys", "Sk", "key tokens Sk">;
def HeadDimParameter : LaunchParameter<4, "head_dim", "D", "channels D of a query and of a key">;
def ValueDimParameter : LaunchParameter<5, "value_dim", "Dv", "channels Dv of a value and of an output">;
def GroupParameter : LaunchParameter<6, "group", "H", "query heads that share one key head"> {
  let divisor = "G";
}
def PastParameter : LaunchParameter<7, "past", "", "of the Sk key tokens, those that a cache had before the launch", 3>;

#endif // SPRINT_DIALECT_SPRINTISA_IR_SPRINTISALAUNCH_TD
