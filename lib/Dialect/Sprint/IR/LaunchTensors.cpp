//===- LaunchTensors.cpp - Tensors of a launch -----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/IR/LaunchTensors.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace mlir::sprint;

const ::sprint::LaunchTensor &mlir::sprint::getLaunchTensor(ProgramInput input) {
  if (std::optional<sprint_isa::MemoryRegion> region = getRegion(input))
    return ::sprint::launchInputs[static_cast<size_t>(*region)];
  return ::sprint::headTensors[static_cast<size_t>(input) - ::sprint::kNumRequiredInputs];
}

// Arguments are the required inputs, the head parameters, the optional inputs.
std::optional<sprint_isa::MemoryRegion> mlir::sprint::getRegion(ProgramInput input) {
  auto index = static_cast<size_t>(input);
  if (index >= ::sprint::kNumRequiredInputs) {
    if (index < ::sprint::kNumRequiredInputs + ::sprint::headTensors.size())
      return std::nullopt;
    index -= ::sprint::headTensors.size();
  }
  return static_cast<sprint_isa::MemoryRegion>(index);
}

ProgramInput mlir::sprint::getProgramInput(sprint_isa::MemoryRegion region) {
  auto index = static_cast<size_t>(region);
  bool isOptional = index >= ::sprint::kNumRequiredInputs;
  return static_cast<ProgramInput>(isOptional ? index + ::sprint::headTensors.size() : index);
}

ArrayRef<sprint_isa::MemoryRegion> mlir::sprint::getOptionalRegions() {
  static const auto regions = llvm::map_to_vector(
      llvm::seq(::sprint::kNumRequiredInputs, ::sprint::launchInputs.size()),
      [](size_t index) { return static_cast<sprint_isa::MemoryRegion>(index); });
  return regions;
}

Type mlir::sprint::getElementType(MLIRContext *context, ::sprint::ElementType type) {
  switch (type) {
  case ::sprint::ElementType::I1:
    return IntegerType::get(context, 1);
  case ::sprint::ElementType::I8:
    return IntegerType::get(context, 8);
  case ::sprint::ElementType::I32:
    return IntegerType::get(context, 32);
  case ::sprint::ElementType::I64:
    return IntegerType::get(context, 64);
  case ::sprint::ElementType::F32:
    return Float32Type::get(context);
  }
  llvm_unreachable("all types are handled");
}
