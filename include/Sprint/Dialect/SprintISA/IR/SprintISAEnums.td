//===- SprintISAEnums.td - Units, tensors, residency --------*- tablegen -*-===//
//
// Part of the Sprint project.
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

class SprintISA_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::mlir::sprint_isa";
  let genSpecializedAttr = 0;
}

/// A part of the machine that runs its own sequence of commands.
def SprintISA_MachineUnit : SprintISA_Enum<"MachineUnit", "a unit of the machine", [
  I32EnumAttrCase<"Write", 0, "write">,
  I32EnumAttrCase<"Select", 1, "select">,
  I32EnumAttrCase<"KeyFetch", 2, "key_fetch">,
  I32EnumAttrCase<"ValueFetch", 3, "value_fetch">,
  I32EnumAttrCase<"QK", 4, "qk">,
  I32EnumAttrCase<"Softmax", 5, "softmax">,
  I32EnumAttrCase<"V", 6, "v">,
]>;
def SprintISA_MachineUnitAttr : EnumAttr<SprintISA_Dialect, SprintISA_MachineUnit, "unit">;

/// A tensor of the launch.
def SprintISA_MemoryRegion : SprintISA_Enum<"MemoryRegion", "a tensor in ReRAM",
    !foreach(input, LaunchTensors.inputs, I32EnumAttrCase<input.symbol, input.region, input.name>)>;
def SprintISA_MemoryRegionAttr : EnumAttr<SprintISA_Dialect, SprintISA_MemoryRegion, "region">;

/// What a CORELET's key or value buffer holds after a row.
def SprintISA_Residency : SprintISA_Enum<"Residency", "who stays in an on-chip buffer", [
  I32EnumAttrCase<"PreviousQuery", 0, "previous_query">,
  I32EnumAttrCase<"Pinned", 1, "pinned">,
]>;
def SprintISA_ResidencyAttr
    : EnumAttr<SprintISA_Dialect, SprintISA_Residency, "residency">;

/// How the parts of an expression are joined.
def SprintISA_Combine : SprintISA_Enum<"Combine", "how the parts of an expression are joined", [
  I32EnumAttrCase<"Only", 0, "only">,
  I32EnumAttrCase<"Min", 1, "min">,
  I32EnumAttrCase<"Max", 2, "max">,
]>;

#endif // SPRINT_DIALECT_SPRINTISA_IR_SPRINTISAENUMS_TD
