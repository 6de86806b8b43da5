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

std::optional<std::string> mlir::sprint::findCapacityObstacle(const ::sprint::Structure &structure,
                                                              StringRef machine,
                                                              const HeadSizes &sizes) {
  auto [headDim, valueDim, keys] = sizes;
  if (ShapedType::isDynamic(headDim) || ShapedType::isDynamic(valueDim))
    return "expected static head and value dimensions, got dynamic ones";
  if (headDim < 1 || valueDim < 1)
    return "expected at least one channel, got none";
  auto limit = [&](StringRef what, StringRef place, int64_t channels) -> std::string {
    return llvm::formatv("expected {0} to fit {1} of machine '{2}', got {3} channels", what, place,
                         machine, channels);
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
                         mostKeys, machine, keys);
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
    ModuleOp module = getOperation();
    module->setAttr(SprintDialect::kMachineAttrName,
                    makeMachineAttr(&getContext(), arch, machine->structure));
    module->setAttr(SprintDialect::kCostsAttrName,
                    makeCostsAttr(&getContext(), machine->timing, machine->energy));
  }
};

} // namespace
