//===- SprintOpBase.td - What ops of the Sprint dialect share *- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINT_IR_SPRINTOPBASE_TD
#define SPRINT_DIALECT_SPRINT_IR_SPRINTOPBASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/LoopLikeInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/TilingInterface.td"
include "Sprint/Dialect/Sprint/IR/SprintAttributes.td"

class Sprint_Op<string mnemonic, list<Trait> traits = []>
    : Op<Sprint_Dialect, mnemonic, traits>;

/// An op that writes its result into its last operand's tensor.
class Sprint_DestinationOp<string mnemonic, list<Trait> traits = [], string declarations = "">
    : Sprint_Op<mnemonic, !listconcat(traits, [Pure, DestinationStyleOpInterface])> {
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }] # declarations;
  let hasVerifier = 1;
}

/// Floats that an attention may do without.
def OptionalInputs : TensorOperands<LaunchTensors.optional, /*onDevice=*/0>;

/// What every op says of the floats that it may do without.
def OptionalInputAccess {
  string declarations = [{
    /// The tensor of `region`; null where there is none.
    ::mlir::Value getInput(::mlir::sprint_isa::MemoryRegion region) {
      auto operands = getODSOperands(static_cast<unsigned>(region));
      return operands.empty() ? ::mlir::Value() : operands.front();
    }
    /// All that an attention may do without, in the order of their regions; null for those that there are not.
    ::llvm::SmallVector<::mlir::Value> getOptionalInputs() {
      ::llvm::SmallVector<::mlir::Value> inputs;
      for (::mlir::sprint_isa::MemoryRegion region : ::mlir::sprint::getOptionalRegions())
        inputs.push_back(getInput(region));
      return inputs;
    }
  }];
}

/// An op on the floats of an attention: query, key and value, then the OptionalInputs, then the tensor that it writes
/// into. Its builders take the optional inputs as a list, in which those that are not there are null.
class Sprint_HostAttentionOp<string mnemonic, list<Trait> traits = []>
    : Sprint_DestinationOp<mnemonic, !listconcat(traits, [AttrSizedOperandSegments]),
                           OptionalInputAccess.declarations> {
  let skipDefaultBuilders = 1;
}

#endif // SPRINT_DIALECT_SPRINT_IR_SPRINTOPBASE_TD
