//===- OpSupport.cpp - What several ops share -----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpSupport.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::sprint;

namespace {
/// A static size, and the tensor that it was first seen in.
struct KnownSize {
  int64_t size;
  StringRef tensor;
};
} // namespace

LogicalResult mlir::sprint::verifyShapes(Operation *op, ArrayRef<NamedShape> shapes) {
  llvm::StringMap<KnownSize> known;
  for (const NamedShape &shape : shapes) {
    if (!shape.type)
      continue;
    ArrayRef<int64_t> sizes = cast<ShapedType>(shape.type).getShape();
    for (auto [index, size, dimension] : llvm::enumerate(sizes, shape.dimensions)) {
      bool mayBroadcast = shape.mayBeOne[index];
      if (ShapedType::isDynamic(size) || (mayBroadcast && size == 1))
        continue;
      auto [it, inserted] = known.try_emplace(dimension, KnownSize{size, shape.name});
      if (!inserted && it->second.size != size)
        return op->emitOpError() << "expected dimension " << index << " (" << dimension << ") of "
                                 << shape.name << " to be " << (mayBroadcast ? "1 or " : "")
                                 << it->second.size << " as in " << it->second.tensor << ", got "
                                 << size;
    }
  }
  auto heads = known.find(kHeadDim), keyHeads = known.find(kKeyHeadDim);
  if (heads == known.end() || keyHeads == known.end())
    return success();
  int64_t numHeads = heads->second.size, numKeyHeads = keyHeads->second.size;
  if (numKeyHeads == 0 ? numHeads == 0 : numHeads % numKeyHeads == 0)
    return success();
  return op->emitOpError() << "expected the " << numHeads << " heads of " << heads->second.tensor
                           << " to be a multiple of those of " << keyHeads->second.tensor
                           << ", got " << numKeyHeads;
}

LogicalResult mlir::sprint::verifyPartners(Operation *op,
                                           function_ref<bool(sprint_isa::MemoryRegion)> isThere) {
  std::optional<::sprint::MemoryRegion> alone =
      ::sprint::findWithoutPartner([&](::sprint::MemoryRegion region) {
        return isThere(static_cast<sprint_isa::MemoryRegion>(region));
      });
  if (!alone)
    return success();
  const ::sprint::LaunchTensor &input = ::sprint::inputOf(*alone);
  return op->emitOpError() << "expected '" << input.partner << "' beside '" << input.name
                           << "', got none";
}

void mlir::sprint::addOperands(OperationState &state, MutableArrayRef<int32_t> groupSizes,
                               ArrayRef<Value> required, ArrayRef<Value> optionalInputs,
                               Value init) {
  SmallVector<Value> operands(required);
  llvm::append_range(operands, optionalInputs);
  operands.push_back(init);
  for (auto [operand, size] : llvm::zip_equal(operands, groupSizes)) {
    size = operand ? 1 : 0;
    if (operand)
      state.addOperands(operand);
  }
}
