//===- CheckPrograms.cpp - Check what programs do to the machine ----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/IR/MachineAttributes.h"
#include "Sprint/Dialect/Sprint/Transforms/AttachedMachine.h"
#include "Sprint/Dialect/Sprint/Transforms/Programs.h"
#include "Sprint/Dialect/SprintISA/Transforms/Passes.h"
#include "Sprint/Target/CommandStream.h"
#include "SprintRuntime/Check.h"

namespace mlir::sprint_isa {
#define GEN_PASS_DEF_SPRINTCHECKPROGRAMS
#include "Sprint/Dialect/SprintISA/Transforms/Passes.h.inc"
} // namespace mlir::sprint_isa

using namespace mlir;
using namespace mlir::sprint_isa;

/// Appends the ops of the words of `body`; the word that ends a loop is the loop's.
static void collectWords(Block &body, SmallVectorImpl<Operation *> &words) {
  for (Operation &op : body) {
    words.push_back(&op);
    if (auto loop = dyn_cast<LoopOp>(op)) {
      collectWords(loop.getBody().front(), words);
      words.push_back(loop);
    }
  }
}

/// The op at `place` of `program`.
static Operation *findOp(ProgramOp program, const ::sprint::CommandPlace &place) {
  for (auto unit : program.getBody().getOps<UnitOp>()) {
    if (static_cast<::sprint::MachineUnit>(unit.getUnit()) != place.unit)
      continue;
    SmallVector<Operation *> words;
    collectWords(unit.getBody().front(), words);
    return place.word < words.size() ? words[place.word] : unit.getOperation();
  }
  return program;
}

namespace {

struct CheckPrograms : mlir::sprint_isa::impl::SprintCheckProgramsBase<CheckPrograms> {
  bool canScheduleOn(RegisteredOperationName name) const override {
    return mlir::sprint::isModuleOrProgram<ProgramOp>(name);
  }

  void runOnOperation() override {
    if (auto module = dyn_cast<ModuleOp>(getOperation()))
      for (auto program : module.getOps<mlir::sprint::ProgramOp>()) {
        program.emitOpError("expected a 'sprint_isa.program'; run sprint-finalize-programs first");
        return signalPassFailure();
      }
    if (failed(mlir::sprint::forEachProgram<ProgramOp>(
            getOperation(), [&](ProgramOp program) { return run(program); })))
      signalPassFailure();
  }

private:
  LogicalResult run(ProgramOp op) {
    FailureOr<mlir::sprint::MachineAttr> attached = mlir::sprint::getMachine(op);
    if (failed(attached))
      return failure();
    if (op.isNest())
      return op.emitOpError("expected a program of units; run sprint-distribute-units first");
    ::sprint::Machine machine;
    machine.name = attached->getName();
    machine.structure = mlir::sprint::getStructure(*attached);
    ++numChecked;
    bool isSound = true;
    for (const ::sprint::Finding &finding : ::sprint::check(translateProgram(op), machine)) {
      Operation *place = finding.place ? findOp(op, *finding.place) : op.getOperation();
      bool isError = finding.severity == ::sprint::Finding::Severity::Error;
      InFlightDiagnostic diagnostic = isError ? place->emitOpError() : place->emitWarning();
      diagnostic << finding.message;
      for (const ::sprint::Finding::Note &note : finding.notes)
        diagnostic.attachNote(findOp(op, note.place)->getLoc()) << note.message;
      if (isError)
        isSound = false;
      else
        ++numUndecided;
    }
    return success(isSound);
  }
};

} // namespace
