//===- AttachMachine.cpp - Choose the machine of a module -----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/Transforms/AttachedMachine.h"
#include "Sprint/Dialect/Sprint/Transforms/Passes.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTATTACHMACHINE
#include "Sprint/Dialect/Sprint/Transforms/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

/// The attribute named `name` of the closest operation around `op`, itself included, that has it.
template <typename Attached>
static FailureOr<Attached> findAttached(Operation *op, StringRef name) {
  for (Operation *scope = op; scope; scope = scope->getParentOp())
    if (auto attached = scope->getAttrOfType<Attached>(name))
      return attached;
  return op->emitError() << "expected a '" << name
                         << "' attribute; run sprint-attach-machine first";
}

FailureOr<MachineAttr> mlir::sprint::getMachine(Operation *op) {
  return findAttached<MachineAttr>(op, SprintDialect::kMachineAttrName);
}

FailureOr<CostsAttr> mlir::sprint::getCosts(Operation *op) {
  return findAttached<CostsAttr>(op, SprintDialect::kCostsAttrName);
}

namespace {

struct AttachMachine : mlir::sprint::impl::SprintAttachMachineBase<AttachMachine> {
  using SprintAttachMachineBase::SprintAttachMachineBase;

  void runOnOperation() override {
    ::sprint::MachineError error;
    std::optional<::sprint::Machine> machine = ::sprint::loadMachine(arch.getValue(), error);
    if (!machine) {
      emitError(error);
      return signalPassFailure();
    }
    ModuleOp module = getOperation();
    module->setAttr(SprintDialect::kMachineAttrName,
                    makeMachineAttr(&getContext(), arch, machine->structure));
    module->setAttr(SprintDialect::kCostsAttrName, makeCostsAttr(&getContext(), *machine));
    ++numAttached;
  }

  /// The error is that of the machine's file, and no module's.
  void emitError(const ::sprint::MachineError &error) {
    if (error.line != 0)
      mlir::emitError(FileLineColLoc::get(&getContext(), error.file, error.line, /*column=*/1))
          << error.message;
    else
      mlir::emitError(UnknownLoc::get(&getContext())) << ::sprint::toString(error);
  }
};

} // namespace
