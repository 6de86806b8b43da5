//===- AttachMachine.cpp - Choose the machine of a module -----------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/Transforms/AttachedMachine.h"
#include "Sprint/Dialect/Sprint/Transforms/Passes.h"
#include "SprintRuntime/NumericsConstants.h"

#include "llvm/Support/FormatVariadic.h"

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
  const ::sprint::Structure &structure = machine.structure;
  auto [headDim, valueDim, keys] = sizes;
  if (ShapedType::isDynamic(headDim) || ShapedType::isDynamic(valueDim))
    return "expected static head and value dimensions, got dynamic ones";
  if (headDim < 1 || valueDim < 1)
    return "expected at least one channel, got none";
  auto limit = [&](StringRef what, StringRef place, int64_t channels) -> std::string {
    return llvm::formatv("expected {0} to fit {1} of machine '{2}', got {3} channels", what, place,
                         machine.name, channels);
  };
  if (structure.keysPerArray(headDim) < 1)
    return limit("a key", "an array", headDim);
  if (structure.bufferedKeys(headDim) < 1)
    return limit("a key", "the key buffer of a CORELET", headDim);
  if (structure.bufferedValues(valueDim) < 1)
    return limit("a value", "the value buffer of a CORELET", valueDim);
  for (int64_t channels : {headDim, valueDim})
    if (channels > ::sprint::kMaxChannels)
      return llvm::formatv("expected at most {0} channels, got {1}", ::sprint::kMaxChannels,
                           channels);
  int64_t mostKeys = std::min(structure.keyCapacity(headDim), structure.widths.maxKeys());
  if (!ShapedType::isDynamic(keys) && keys > mostKeys)
    return llvm::formatv("expected at most {0} keys, the capacity of machine '{1}', got {2}",
                         mostKeys, machine.name, keys);
  return std::nullopt;
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
