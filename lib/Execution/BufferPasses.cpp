//===- BufferPasses.cpp - What is done with buffers ----------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Execution/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTHOSTCOPYTOROWMAJOR
#define GEN_PASS_DEF_SPRINTHOSTDROPBUFFERACCESS
#define GEN_PASS_DEF_SPRINTHOSTFREEAFTERUSE
#define GEN_PASS_DEF_SPRINTHOSTLOWERDYNAMICEXPANSIONS
#define GEN_PASS_DEF_SPRINTHOSTLOWERSTRIDEDCOPIES
#include "Sprint/Execution/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;

namespace {

struct SprintHostCopyToRowMajor
    : mlir::sprint::impl::SprintHostCopyToRowMajorBase<SprintHostCopyToRowMajor> {
  void runOnOperation() override {
    SmallVector<memref::CastOp> casts;
    getOperation()->walk([&](memref::CastOp op) {
      if (!isRowMajorWhereTargetIs(op))
        casts.push_back(op);
    });
    for (memref::CastOp op : casts) {
      OpBuilder builder(op);
      auto type = cast<MemRefType>(op.getType());
      SmallVector<Value> sizes;
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (type.isDynamicDim(dim))
          sizes.push_back(memref::DimOp::create(builder, op.getLoc(), op.getSource(), dim));
      Value copy = memref::AllocOp::create(builder, op.getLoc(), type, sizes);
      memref::CopyOp::create(builder, op.getLoc(), op.getSource(), copy);
      op.replaceAllUsesWith(copy);
      op.erase();
      ++numCopied;
    }
  }

  /// Whether the types tell that a row-major target describes the elements of the source.
  static bool isRowMajorWhereTargetIs(memref::CastOp op) {
    auto source = dyn_cast<MemRefType>(op.getSource().getType());
    auto target = dyn_cast<MemRefType>(op.getType());
    if (!source || !target || source.getLayout().isIdentity() || !target.getLayout().isIdentity())
      return true;
    SmallVector<int64_t> strides, expectedStrides;
    int64_t offset, expectedOffset;
    return succeeded(source.getStridesAndOffset(strides, offset)) &&
           succeeded(target.getStridesAndOffset(expectedStrides, expectedOffset)) &&
           offset == expectedOffset && strides == expectedStrides &&
           !llvm::is_contained(strides, ShapedType::kDynamic);
  }
};

struct SprintHostDropBufferAccess
    : mlir::sprint::impl::SprintHostDropBufferAccessBase<SprintHostDropBufferAccess> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      for (unsigned index = 0; index < function.getNumArguments(); ++index)
        if (function.removeArgAttr(index,
                                   bufferization::BufferizationDialect::kBufferAccessAttrName))
          ++numDropped;
  }
};

struct SprintHostLowerDynamicExpansions
    : mlir::sprint::impl::SprintHostLowerDynamicExpansionsBase<SprintHostLowerDynamicExpansions> {
  void runOnOperation() override {
    SmallVector<memref::ExpandShapeOp> expansions;
    getOperation()->walk([&](memref::ExpandShapeOp op) {
      auto isDynamic = [&](int64_t dim) { return op.getResultType().isDynamicDim(dim); };
      if (llvm::any_of(op.getReassociationIndices(), [&](const ReassociationIndices &group) {
            return llvm::count_if(group, isDynamic) > 1;
          }))
        expansions.push_back(op);
    });
    for (memref::ExpandShapeOp op : expansions)
      lower(op);
    numLowered += expansions.size();
  }

  static void lower(memref::ExpandShapeOp op) {
    OpBuilder builder(op);
    MemRefType type = op.getResultType();
    auto [knownStrides, knownOffset] = type.getStridesAndOffset();
    auto source = memref::ExtractStridedMetadataOp::create(builder, op.getLoc(), op.getSrc());
    SmallVector<OpFoldResult> sizes =
        getMixedValues(op.getStaticOutputShape(), op.getOutputShape(), builder);
    SmallVector<OpFoldResult> strides(type.getRank());
    for (auto [group, sourceStride] :
         llvm::zip_equal(op.getReassociationIndices(), source.getStrides())) {
      Value stride = sourceStride;
      for (int64_t dim : llvm::reverse(group)) {
        strides[dim] = ShapedType::isDynamic(knownStrides[dim])
                           ? OpFoldResult(stride)
                           : builder.getIndexAttr(knownStrides[dim]);
        Value size = getValueOrCreateConstantIndexOp(builder, op.getLoc(), sizes[dim]);
        stride = arith::MulIOp::create(builder, op.getLoc(), stride, size);
      }
    }
    OpFoldResult offset = ShapedType::isDynamic(knownOffset) ? OpFoldResult(source.getOffset())
                                                             : builder.getIndexAttr(knownOffset);
    auto view = memref::ReinterpretCastOp::create(builder, op.getLoc(), type,
                                                  source.getBaseBuffer(), offset, sizes, strides);
    op.replaceAllUsesWith(view.getResult());
    op.erase();
  }
};

struct SprintHostLowerStridedCopies
    : mlir::sprint::impl::SprintHostLowerStridedCopiesBase<SprintHostLowerStridedCopies> {
  void runOnOperation() override {
    auto isStrided = [](Value value) {
      auto type = dyn_cast<MemRefType>(value.getType());
      return type && !type.getLayout().isIdentity();
    };
    SmallVector<memref::CopyOp> copies;
    getOperation()->walk([&](memref::CopyOp op) {
      if (isStrided(op.getSource()) || isStrided(op.getTarget()))
        copies.push_back(op);
    });
    for (memref::CopyOp op : copies) {
      OpBuilder builder(op);
      linalg::makeMemRefCopyOp(builder, op.getLoc(), op.getSource(), op.getTarget());
      op.erase();
    }
    numLowered += copies.size();
  }
};

/// The op of the block of `alloc` that uses its buffer last; null where the buffer may be used
/// behind the block, or nobody can tell.
Operation *findLastUse(memref::AllocOp alloc) {
  Operation *last = nullptr;
  SmallVector<Value> aliases = {alloc};
  while (!aliases.empty())
    for (OpOperand &use : aliases.pop_back_val().getUses()) {
      Operation *user = use.getOwner();
      if (auto view = dyn_cast<ViewLikeOpInterface>(user);
          view && view.getViewSource() == use.get())
        llvm::append_range(aliases, user->getResults());
      else if (!isa<linalg::LinalgOp, memref::CopyOp, memref::DimOp, memref::LoadOp,
                    memref::StoreOp, func::CallOp>(user) ||
               llvm::any_of(user->getResultTypes(), llvm::IsaPred<BaseMemRefType>))
        return nullptr;
      Operation *op = alloc->getBlock()->findAncestorOpInBlock(*user);
      if (!op)
        return nullptr;
      if (!last || last->isBeforeInBlock(op))
        last = op;
    }
  return last;
}

struct SprintHostFreeAfterUse
    : mlir::sprint::impl::SprintHostFreeAfterUseBase<SprintHostFreeAfterUse> {
  void runOnOperation() override {
    // All are looked up before the first is added to its block, whose order is then unknown.
    SmallVector<std::pair<memref::AllocOp, Operation *>> lastUses;
    getOperation()->walk([&](memref::AllocOp alloc) {
      if (Operation *last = findLastUse(alloc))
        lastUses.emplace_back(alloc, last);
    });
    for (auto [alloc, last] : lastUses) {
      OpBuilder builder(&getContext());
      builder.setInsertionPointAfter(last);
      auto dealloc = memref::DeallocOp::create(builder, alloc.getLoc(), alloc);
      for (Operation *op : {alloc.getOperation(), dealloc.getOperation()})
        op->setAttr(bufferization::BufferizationDialect::kManualDeallocation,
                    builder.getUnitAttr());
    }
    numFreed += lastUses.size();
  }
};

} // namespace
