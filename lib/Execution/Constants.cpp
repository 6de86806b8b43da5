//===- Constants.cpp - Weights that stay where they are ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constants.h"

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Execution/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTHOSTEXTERNALIZECONSTANTS
#include "Sprint/Execution/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

/// Fewer bytes than this are left to LLVM, which may fold them.
static constexpr size_t kLeastBytes = 1024;

std::optional<ArrayRef<char>> sprint::getRawElements(ElementsAttr attribute) {
  ArrayRef<char> elements;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute))
    elements = resource.getRawHandle().getBlob()->getData();
  else if (auto dense = dyn_cast<DenseElementsAttr>(attribute);
           dense && !dense.isSplat() && !dense.getElementType().isInteger(1))
    elements = dense.getRawData();
  if (elements.size() < kLeastBytes)
    return std::nullopt;
  return elements;
}

bool sprint::areBooleans(ArrayRef<char> bytes) {
  return llvm::all_of(bytes, [](char byte) { return byte == 0 || byte == 1; });
}

namespace {

struct SprintHostExternalizeConstants
    : mlir::sprint::impl::SprintHostExternalizeConstantsBase<SprintHostExternalizeConstants> {
  void runOnOperation() override {
    llvm::MapVector<ElementsAttr, SmallVector<arith::ConstantOp>> uses;
    getOperation()->walk([&](arith::ConstantOp op) {
      auto elements = dyn_cast<ElementsAttr>(op.getValue());
      if (elements && isa<RankedTensorType>(op.getType()) && getRawElements(elements))
        uses[elements].push_back(op);
    });
    StringRef attributeName = SprintDialect::kHostConstantsAttrName;
    NamedAttrList constants(getOperation()->getAttrOfType<DictionaryAttr>(attributeName));
    SymbolTable symbols(getOperation());
    for (auto &[elements, ops] : uses) {
      ImplicitLocOpBuilder builder(ops.front().getLoc(), getOperation().getBodyRegion());
      auto tensor = cast<RankedTensorType>(elements.getType());
      auto type = MemRefType::get(tensor.getShape(), tensor.getElementType());
      auto global = memref::GlobalOp::create(
          builder, "sprint_constant", /*sym_visibility=*/StringAttr(), type,
          /*initial_value=*/Attribute(), /*constant=*/false, /*alignment=*/IntegerAttr());
      StringAttr name = symbols.insert(global);
      constants.set(name, elements);
      ++numExternalized;
      for (arith::ConstantOp op : ops) {
        builder.setInsertionPoint(op);
        Value buffer = memref::GetGlobalOp::create(builder, type, name);
        Value contents =
            bufferization::ToTensorOp::create(builder, tensor, buffer, /*restrict=*/true);
        op.replaceAllUsesWith(contents);
        op.erase();
      }
    }
    if (!uses.empty())
      getOperation()->setAttr(attributeName, constants.getDictionary(&getContext()));
  }
};

} // namespace
