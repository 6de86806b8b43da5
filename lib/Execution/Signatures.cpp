//===- Signatures.cpp - Types at the boundary of a function --------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Execution/Execution.h"

#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::sprint;

namespace {
/// What is known of an ElementType.
struct ElementTypeInfo {
  ElementType type;
  StringLiteral name;
  /// Bytes of an element.
  size_t size;
};
} // namespace

static constexpr ElementTypeInfo kElementTypes[] = {
    {ElementType::I1, "i1", 1},
    {ElementType::I8, "i8", 1},
    {ElementType::I16, "i16", 2},
    {ElementType::I32, "i32", 4},
    {ElementType::I64, "i64", 8},
    {ElementType::Index, "index", 8},
    {ElementType::F16, "f16", 2},
    {ElementType::BF16, "bf16", 2},
    {ElementType::F32, "f32", 4},
    {ElementType::F64, "f64", 8},
    {ElementType::ComplexF32, "complex<f32>", 8},
    {ElementType::ComplexF64, "complex<f64>", 16},
};

static const ElementTypeInfo &getInfo(ElementType type) {
  return *llvm::find_if(kElementTypes,
                        [&](const ElementTypeInfo &info) { return info.type == type; });
}

StringRef sprint::stringifyElementType(ElementType type) { return getInfo(type).name; }

size_t sprint::getElementSize(ElementType type) { return getInfo(type).size; }

std::optional<ElementType> sprint::getElementType(Type type) {
  std::string name;
  llvm::raw_string_ostream(name) << type;
  for (const ElementTypeInfo &info : kElementTypes)
    if (info.name == name)
      return info.type;
  return std::nullopt;
}

bool Signature::holds(ArrayRef<int64_t> sizes) const {
  return succeeded(verifyCompatibleShape(shape, sizes));
}

std::optional<Signature> sprint::getSignature(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  std::optional<ElementType> elementType = getElementType(getElementTypeOrSelf(type));
  if (!elementType || (!tensor && isa<ShapedType>(type)))
    return std::nullopt;
  return Signature{*elementType,
                   SmallVector<int64_t>(tensor ? tensor.getShape() : ArrayRef<int64_t>())};
}

FailureOr<SmallVector<Signature>> sprint::getSignatures(Operation *function, StringRef what,
                                                        TypeRange types) {
  SmallVector<Signature> signatures;
  for (auto [index, type] : llvm::enumerate(types)) {
    std::optional<Signature> signature = getSignature(type);
    if (!signature) {
      InFlightDiagnostic error = function->emitError();
      error << "expected " << what << ' ' << index << " of @"
            << SymbolTable::getSymbolName(function).getValue()
            << " to be a number or a ranked tensor of ";
      llvm::interleaveComma(kElementTypes, error,
                            [&](const ElementTypeInfo &info) { error << info.name; });
      return error << ", got " << type;
    }
    signatures.push_back(std::move(*signature));
  }
  return signatures;
}
