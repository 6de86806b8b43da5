//===- Boundary.cpp - What the host calls -----------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Execution/Passes.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTHOSTPACKBOUNDARY
#include "Sprint/Execution/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;

/// Words of a memref in the arrays that the packed function takes: the pointer and dynamic sizes.
static int64_t getNumWords(MemRefType type) { return 1 + type.getNumDynamicDims(); }

/// The address of word `index` of the array at `words`.
static Value getWord(ImplicitLocOpBuilder &builder, Value words, int64_t index) {
  return LLVM::GEPOp::create(builder, words.getType(), builder.getI64Type(), words,
                             ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(index)});
}

/// The row-major memref that the array at `words` describes from word `first` on.
static Value loadMemRef(ImplicitLocOpBuilder &builder, const LLVMTypeConverter &converter,
                        MemRefType type, Value words, int64_t first) {
  auto load = [&](Type word) -> Value {
    return LLVM::LoadOp::create(builder, word, getWord(builder, words, first++));
  };
  Location loc = builder.getLoc();
  Value data = load(words.getType());
  auto descriptor = MemRefDescriptor::poison(builder, loc, converter.convertType(type));
  descriptor.setAllocatedPtr(builder, loc, data);
  descriptor.setAlignedPtr(builder, loc, data);
  descriptor.setConstantOffset(builder, loc, 0);
  SmallVector<Value> sizes;
  for (int64_t size : type.getShape())
    sizes.push_back(ShapedType::isDynamic(size)
                        ? load(builder.getI64Type())
                        : LLVM::ConstantOp::create(builder, builder.getI64IntegerAttr(size)));
  Value stride = LLVM::ConstantOp::create(builder, builder.getI64IntegerAttr(1));
  for (int64_t dim = type.getRank(); dim-- > 0;) {
    descriptor.setSize(builder, loc, dim, sizes[dim]);
    descriptor.setStride(builder, loc, dim, stride);
    if (dim > 0)
      stride = LLVM::MulOp::create(builder, stride, sizes[dim]);
  }
  return UnrealizedConversionCastOp::create(builder, type, Value(descriptor)).getResult(0);
}

/// Has the array at `words` describe a row-major memref from word `first` on.
static void storeMemRef(ImplicitLocOpBuilder &builder, Value memref, Value words, int64_t first) {
  auto store = [&](Value index) {
    Value word = arith::IndexCastOp::create(builder, builder.getI64Type(), index);
    LLVM::StoreOp::create(builder, word, getWord(builder, words, first++));
  };
  store(memref::ExtractAlignedPointerAsIndexOp::create(builder, memref));
  auto type = cast<MemRefType>(memref.getType());
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      store(memref::DimOp::create(builder, memref, dim));
}

namespace {

struct SprintHostPackBoundary
    : mlir::sprint::impl::SprintHostPackBoundaryBase<SprintHostPackBoundary> {
  using SprintHostPackBoundaryBase::SprintHostPackBoundaryBase;

  void runOnOperation() override {
    auto function =
        dyn_cast_or_null<func::FuncOp>(SymbolTable::lookupSymbolIn(getOperation(), entry));
    auto isPackable = [](Type type) {
      auto memref = dyn_cast<MemRefType>(type);
      return memref && memref.getLayout().isIdentity();
    };
    if (!function || !llvm::hasSingleElement(function.getBody()) ||
        !llvm::all_of(function.getArgumentTypes(), isPackable) ||
        !llvm::all_of(function.getResultTypes(), isPackable)) {
      Operation *at = function ? function.getOperation() : getOperation().getOperation();
      at->emitError() << "expected a function @" << entry
                      << " of one block, on row-major memrefs alone";
      return signalPassFailure();
    }
    pack(function);
  }

  void pack(func::FuncOp function) {
    Block &block = function.front();
    unsigned numArguments = block.getNumArguments();
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    Value inputs = block.addArgument(pointer, function.getLoc());
    Value outputs = block.addArgument(pointer, function.getLoc());
    LLVMTypeConverter converter(&getContext());

    int64_t word = 0;
    for (BlockArgument argument : block.getArguments().take_front(numArguments)) {
      auto type = cast<MemRefType>(argument.getType());
      // Where it is used first: nothing has to be kept until then.
      Operation *first = nullptr;
      for (Operation *user : argument.getUsers())
        if (Operation *op = block.findAncestorOpInBlock(*user);
            !first || op->isBeforeInBlock(first))
          first = op;
      if (first) {
        ImplicitLocOpBuilder builder(argument.getLoc(), first);
        argument.replaceAllUsesWith(loadMemRef(builder, converter, type, inputs, word));
      }
      word += getNumWords(type);
    }
    word = 0;
    auto end = cast<func::ReturnOp>(block.getTerminator());
    for (Value result : end.getOperands()) {
      ImplicitLocOpBuilder builder(end.getLoc(), end);
      builder.setInsertionPointAfterValue(result);
      storeMemRef(builder, result, outputs, word);
      word += getNumWords(cast<MemRefType>(result.getType()));
    }
    numPacked += numArguments + end.getNumOperands();
    end->setOperands({});
    block.eraseArguments(0, numArguments);
    function.setFunctionType(FunctionType::get(&getContext(), {pointer, pointer}, {}));
    function.setAllArgAttrs(ArrayRef<DictionaryAttr>{});
    function.setAllResultAttrs(ArrayRef<DictionaryAttr>{});
  }
};

} // namespace
