//===- Passes.td - Passes on programs of the machine --------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINTISA_TRANSFORMS_PASSES_TD
#define SPRINT_DIALECT_SPRINTISA_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def SprintCheckPrograms : Pass<"sprint-check-programs"> {
  let summary = "check what a program does to the machine";
  let description = [{
    Runs the checks of the runtime (docs/stream.md, "What is checked") on each program, for all launches that its
    parameters allow: queues are balanced and hold what is put into them, no units wait for one another, codes are read
    after they were written, buffers are not overrun. What is wrong is an error at the command. What cannot be decided
    before a launch is a warning: the launch refuses it where it goes wrong.
  }];
  let statistics = [
    Statistic<"numChecked", "num-checked", "Number of programs checked">,
    Statistic<"numUndecided", "num-undecided", "Number of findings that only a launch decides">,
  ];
}

#endif // SPRINT_DIALECT_SPRINTISA_TRANSFORMS_PASSES_TD
