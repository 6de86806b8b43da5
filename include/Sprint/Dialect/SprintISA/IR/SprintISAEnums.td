//===- SprintISAEnums.td - Units, tensors, residency --------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The machine's enumerations. Their values are those of the command stream: frozen.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINTISA_IR_SPRINTISAENUMS_TD
#define SPRINT_DIALECT_SPRINTISA_IR_SPRINTISAENUMS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "Sprint/Dialect/SprintISA/IR/SprintISADialect.td"
include "Sprint/Dialect/SprintISA/IR/SprintISALaunch.td"

/// `version` is that of the command stream that has the value first.
class SprintISA_EnumCase<string symbol, int value, string name, int version = 1>
    : I32EnumAttrCase<symbol, value, name> {
  int since = version;
}

class SprintISA_Enum<string name, string summary, list<SprintISA_EnumCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::mlir::sprint_isa";
  let genSpecializedAttr = 0;
}

/// A part of the machine that runs its own sequence of commands.
def SprintISA_MachineUnit : SprintISA_Enum<"MachineUnit", "a unit of the machine", [
  SprintISA_EnumCase<"Write", 0, "write">,
  SprintISA_EnumCase<"Select", 1, "select">,
  SprintISA_EnumCase<"KeyFetch", 2, "key_fetch">,
  SprintISA_EnumCase<"ValueFetch", 3, "value_fetch">,
  SprintISA_EnumCase<"QK", 4, "qk">,
  SprintISA_EnumCase<"Softmax", 5, "softmax">,
  SprintISA_EnumCase<"V", 6, "v">,
]>;
def SprintISA_MachineUnitAttr : EnumAttr<SprintISA_Dialect, SprintISA_MachineUnit, "unit">;

/// A tensor of the launch.
def SprintISA_MemoryRegion : SprintISA_Enum<"MemoryRegion", "a tensor in ReRAM",
    !foreach(input, LaunchTensors.inputs, SprintISA_EnumCase<input.symbol, input.region, input.name, input.since>)>;
def SprintISA_MemoryRegionAttr : EnumAttr<SprintISA_Dialect, SprintISA_MemoryRegion, "region">;

/// What a CORELET's key or value buffer holds after a row.
def SprintISA_Residency : SprintISA_Enum<"Residency", "who stays in an on-chip buffer", [
  SprintISA_EnumCase<"PreviousQuery", 0, "previous_query">,
  SprintISA_EnumCase<"Pinned", 1, "pinned">,
]>;
def SprintISA_ResidencyAttr
    : EnumAttr<SprintISA_Dialect, SprintISA_Residency, "residency">;

/// How the parts of an expression are joined.
def SprintISA_Combine : SprintISA_Enum<"Combine", "how the parts of an expression are joined", [
  SprintISA_EnumCase<"Only", 0, "only">,
  SprintISA_EnumCase<"Min", 1, "min">,
  SprintISA_EnumCase<"Max", 2, "max">,
]>;

#endif // SPRINT_DIALECT_SPRINTISA_IR_SPRINTISAENUMS_TD
