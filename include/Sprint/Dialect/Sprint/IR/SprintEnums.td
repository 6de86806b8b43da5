//===- SprintEnums.td - Enumerations of the Sprint dialect --*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_IR_SPRINTENUMS_TD
#define SPRINT_DIALECT_SPRINT_IR_SPRINTENUMS_TD

include "mlir/IR/EnumAttr.td"
include "Sprint/Dialect/SprintISA/IR/SprintISALaunch.td"

class Sprint_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::mlir::sprint";
  let genSpecializedAttr = 0;
}

/// How a code is split into the four high bits that the crossbar sees and the low ones.
def Sprint_Nibble : Sprint_Enum<"Nibble", "how the high nibble of a code is made", [
  I32EnumAttrCase<"Centred", 0, "centred">,
  I32EnumAttrCase<"Truncated", 1, "truncated">,
]>;

/// Which end of the keys a band's diagonal is aligned to.
def Sprint_Align : Sprint_Enum<"Align", "what a band's diagonal is aligned to", [
  I32EnumAttrCase<"Start", 0, "start">,
  I32EnumAttrCase<"End", 1, "end">,
]>;

/// Which of the allowed keys a row keeps.
def Sprint_Select : Sprint_Enum<"Select", "which of its allowed keys a row keeps", [
  I32EnumAttrCase<"Pruned", 0, "pruned">,
  I32EnumAttrCase<"All", 1, "all">,
]>;

/// What a query without any allowed key yields.
def Sprint_EmptyRow : Sprint_Enum<"EmptyRow", "what a query without any allowed key yields", [
  I32EnumAttrCase<"Zero", 0, "zero">,
  I32EnumAttrCase<"Uniform", 1, "uniform">,
  I32EnumAttrCase<"NaN", 2, "nan">,
]>;

/// Who left an attention to the host.
def Sprint_RefusedBy : Sprint_Enum<"RefusedBy", "who left an attention to the host", [
  I32EnumAttrCase<"Raising", 0, "raising">,
  I32EnumAttrCase<"Outlining", 1, "outlining">,
]>;

/// A tensor that a program takes; the values are the order of its arguments.
def Sprint_ProgramInput : Sprint_Enum<"ProgramInput", "a tensor that a program takes",
    !foreach(i, !range(LaunchTensors.arguments),
             I32EnumAttrCase<LaunchTensors.arguments[i].symbol, i, LaunchTensors.arguments[i].name>)>;

#endif // SPRINT_DIALECT_SPRINT_IR_SPRINTENUMS_TD
