//===- SprintISADialect.td - The command dialect -----------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINTISA_IR_SPRINTISADIALECT_TD
#define SPRINT_DIALECT_SPRINTISA_IR_SPRINTISADIALECT_TD

include "mlir/IR/DialectBase.td"

def SprintISA_Dialect : Dialect {
  let name = "sprint_isa";
  let cppNamespace = "::mlir::sprint_isa";
  let summary = "The commands of the machine, one op a command";
  let description = [{
    A `sprint_isa.program` is what one launch runs on the machine: a sequence of
    commands for each unit, hardware loops around them, and the queues through
    which the units hand work to one another. It is also the text of a command
    stream: `sprint-translate` turns one into the other, byte for byte.

    Two kinds of queues connect the units. A *counting queue*
    (`sprint_isa.counting_queue`) holds credits: `acquire` waits for one,
    `release` gives one back. An *index queue* (`sprint_isa.index_queue`) holds
    lists of key indices, one list a query; a command that reads one iterates
    over the list by itself, so nothing in a program depends on data.

    Before a program is distributed over the units it is one nest of loops with the *value form* of each command,
    `sprint_isa.value.X` of command `X`: lists of keys are SSA values there, and `reserve` and `free` stand for the
    capacities of the machine.

    Operands of commands are expressions of the launch's parameters (`queries`,
    `keys`, ...) and of the counters of the enclosing loops (`i0` is the outermost).
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = [{
    /// Mnemonic of the command whose value form `op` is; empty where it is none.
    static ::llvm::StringRef getValueFormCommand(::mlir::Operation *op);
  }];
}

#endif // SPRINT_DIALECT_SPRINTISA_IR_SPRINTISADIALECT_TD
