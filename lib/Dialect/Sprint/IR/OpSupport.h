//===- OpSupport.h - What several ops share ----------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_DIALECT_SPRINT_IR_OPSUPPORT_H
#define SPRINT_LIB_DIALECT_SPRINT_IR_OPSUPPORT_H

#include "Sprint/Dialect/Sprint/IR/LaunchTensors.h"
#include "mlir/IR/OperationSupport.h"

#include <optional>

namespace mlir::sprint {

/// A tensor of an op and the names of its dimensions. Dimensions of one name have one
/// size.
struct NamedShape {
  NamedShape(StringRef name, Type type, ArrayRef<StringRef> dimensions, size_t numBroadcast = 0)
      : name(name), type(type), dimensions(dimensions) {
    for (size_t index = 0; index < dimensions.size(); ++index)
      mayBeOne.push_back(index < numBroadcast);
  }
  /// `type` is that of `tensor`, or null.
  NamedShape(const ::sprint::LaunchTensor &tensor, Type type) : name(tensor.name), type(type) {
    for (const ::sprint::TensorDimension &dimension : tensor.dimensions) {
      dimensions.push_back(::sprint::toString(dimension.dimension));
      mayBeOne.push_back(dimension.mayBeOne);
    }
  }

  StringRef name;
  Type type;
  SmallVector<StringRef, 4> dimensions;
  SmallVector<bool, 4> mayBeOne;
};

// Names of the dimensions that the ops' descriptions use; a key head is shared by a group of heads.
inline constexpr StringRef kHeadDim = "H", kKeyHeadDim = "G";
inline constexpr StringRef kOutputDims[] = {"B", kHeadDim, "Sq", "Dv"};
inline constexpr StringRef kHeadDims[] = {"B", kHeadDim};
inline constexpr StringRef kKeyHeadDims[] = {"B", kKeyHeadDim};

/// Checks that dimensions of the same name agree, and that G divides H; a dynamic dimension agrees
/// with any. Tensors of no type, which the op does not have, are skipped.
LogicalResult verifyShapes(Operation *op, ArrayRef<NamedShape> shapes);

/// Type of an optional operand; none where the op does not have it.
inline Type typeOf(Value operand) { return operand ? operand.getType() : Type(); }

/// A size, if it is static.
inline std::optional<int64_t> getStatic(int64_t size) {
  return ShapedType::isDynamic(size) ? std::nullopt : std::optional(size);
}

/// Checks that no input is there, as `isThere` says, without the one that it comes with.
LogicalResult verifyPartners(Operation *op, function_ref<bool(sprint_isa::MemoryRegion)> isThere);

/// Checks the floats of an attention, as far as there are any, and the tensor that is written.
template <typename OpTy> LogicalResult verifyAttentionShapes(OpTy op) {
  SmallVector<NamedShape> shapes;
  for (auto [region, input] : llvm::enumerate(::sprint::launchInputs))
    shapes.emplace_back(input, typeOf(op.getInput(static_cast<sprint_isa::MemoryRegion>(region))));
  shapes.emplace_back("init", op.getInit().getType(), kOutputDims);
  if (failed(verifyPartners(op, [&](auto region) { return bool(op.getInput(region)); })))
    return failure();
  return verifyShapes(op, shapes);
}

/// Adds the operands of an op on floats that are not null, each a group of its own.
void addOperands(OperationState &state, MutableArrayRef<int32_t> groupSizes,
                 ArrayRef<Value> required, ArrayRef<Value> optionalInputs, Value init);

} // namespace mlir::sprint

#endif // SPRINT_LIB_DIALECT_SPRINT_IR_OPSUPPORT_H
