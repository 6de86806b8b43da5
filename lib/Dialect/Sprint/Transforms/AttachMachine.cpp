//===- AttachMachine.cpp - Choose the machine of a module -----------------===//
//
// Part of the Sprint project.
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

FailureOr<::sprint::Machine> mlir::sprint::getAttachedMachine(ModuleOp module) {
  auto attached = module->getAttrOfType<MachineAttr>(SprintDialect::kMachineAttrName);
  if (!attached)
    return module.emitError() << "expected a '" << SprintDialect::kMachineAttrName
                              << "' attribute; run sprint-attach-machine first";
  std::string error;
  std::optional<::sprint::Machine> machine =
      ::sprint::loadMachine(std::string_view(attached.getName()), error);
  if (!machine)
    return module.emitError() << error;
  if (machine->structureHash() != attached.getStructure())
    return module.emitError() << "expected machine '" << attached.getName() << "' of structure "
                              << attached.getStructure() << ", got " << machine->structureHash();
  return std::move(*machine);
}

std::optional<std::string> mlir::sprint::findCapacityObstacle(const ::sprint::Machine &machine,
                                                              const HeadSizes &sizes) {
  auto [headDim, valueDim, keys] = sizes;
  if (ShapedType::isDynamic(headDim) || ShapedType::isDynamic(valueDim))
    return "expected static head and value dimensions, got dynamic ones";
  return machine.findCapacityObstacle(
      headDim, valueDim, ShapedType::isDynamic(keys) ? std::nullopt : std::optional(keys));
}

namespace {

struct AttachMachine : mlir::sprint::impl::SprintAttachMachineBase<AttachMachine> {
  using SprintAttachMachineBase::SprintAttachMachineBase;

  void runOnOperation() override {
    std::string error;
    std::optional<::sprint::Machine> machine = ::sprint::loadMachine(arch.getValue(), error);
    if (!machine) {
      getOperation().emitError() << error;
      return signalPassFailure();
    }
    getOperation()->setAttr(SprintDialect::kMachineAttrName,
                            MachineAttr::get(&getContext(), arch, machine->structureHash()));
  }
};

} // namespace
