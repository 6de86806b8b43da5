//===- OutlineLoops.cpp - Functions of a moderate size ----------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Execution/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTHOSTMARKDISTINCTPOINTERS
#define GEN_PASS_DEF_SPRINTHOSTMERGELOOPS
#define GEN_PASS_DEF_SPRINTHOSTOUTLINELOOPS
#include "Sprint/Execution/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;

/// The buffer that `memref` is a view of, as far as is known.
static Value getBuffer(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>())
    memref = view.getViewSource();
  return memref;
}

/// Whether `buffer` was allocated in the function.
static bool isAllocated(Value buffer) {
  return isa_and_nonnull<memref::AllocOp, memref::AllocaOp>(buffer.getDefiningOp());
}

/// Whether `buffer` may be one that was allocated in the function, it is not known which.
static bool mayBeAnyAllocated(Value buffer) {
  if (auto argument = dyn_cast<BlockArgument>(buffer))
    return !argument.getOwner()->isEntryBlock() ||
           !isa<func::FuncOp>(argument.getOwner()->getParentOp());
  return !isAllocated(buffer) && !buffer.getDefiningOp<memref::GetGlobalOp>();
}

/// On an outlined function: the numbers of those pointers among its arguments, in the LLVM dialect,
/// through which memory is reached that no other argument reaches.
static constexpr StringLiteral kDistinctPointers = "distinct_pointers";

/// The value of kDistinctPointers for a function that gets `arguments`.
static SmallVector<int64_t> getDistinctPointers(ArrayRef<Value> arguments) {
  llvm::SmallDenseMap<Value, unsigned> uses;
  for (Value argument : arguments)
    if (isa<BaseMemRefType>(argument.getType())) {
      Value buffer = getBuffer(argument);
      if (mayBeAnyAllocated(buffer))
        return {};
      ++uses[buffer];
    }
  SmallVector<int64_t> pointers;
  int64_t number = 0;
  for (Value argument : arguments) {
    auto type = dyn_cast<MemRefType>(argument.getType());
    if (!type) {
      number += isa<UnrankedMemRefType>(argument.getType()) ? 2 : 1;
      continue;
    }
    // A memref becomes the pointer to free, the pointer to use, an offset, sizes and strides.
    if (Value buffer = getBuffer(argument); isAllocated(buffer) && uses[buffer] == 1)
      pointers.push_back(number + 1);
    number += 3 + 2 * type.getRank();
  }
  return pointers;
}

/// Whether `op` gets what LLVM knows each element of.
static bool getsSplat(Operation *op, SymbolTable &symbols) {
  auto get = dyn_cast<memref::GetGlobalOp>(op);
  auto global = get ? symbols.lookup<memref::GlobalOp>(get.getName()) : memref::GlobalOp();
  return global && isa_and_nonnull<SplatElementsAttr>(global.getInitialValueAttr());
}

namespace {

struct SprintHostOutlineLoops
    : mlir::sprint::impl::SprintHostOutlineLoopsBase<SprintHostOutlineLoops> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<scf::ForOp> loops;
    getOperation()->walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
      loops.push_back(loop);
      return WalkResult::skip();
    });
    for (scf::ForOp loop : loops)
      outline(loop, symbols);
    numOutlined += loops.size();
  }

  static void outline(scf::ForOp loop, SymbolTable &symbols) {
    llvm::SetVector<Value> used(loop->operand_begin(), loop->operand_end());
    getUsedValuesDefinedAbove(loop->getRegions(), used);
    SmallVector<Value> captured, cloned;
    for (Value value : used) {
      Operation *op = value.getDefiningOp();
      // Weights are arguments, so that the loops of all layers are the same.
      bool isClonable = op && (matchPattern(op, m_Constant()) || getsSplat(op, symbols));
      (isClonable ? cloned : captured).push_back(value);
    }

    OpBuilder builder(loop->getParentOfType<func::FuncOp>());
    auto function = func::FuncOp::create(
        builder, loop.getLoc(), "sprint_loop",
        builder.getFunctionType(ValueRange(captured).getTypes(), loop->getResultTypes()));
    function.setPrivate();
    symbols.insert(function);
    // Inlined, nothing would be won.
    function->setAttr("passthrough", builder.getStrArrayAttr({"noinline"}));
    function->setAttr("llvm.linkage",
                      LLVM::LinkageAttr::get(loop.getContext(), LLVM::Linkage::Internal));
    function->setAttr(kDistinctPointers,
                      builder.getDenseI64ArrayAttr(getDistinctPointers(captured)));

    Block *entry = function.addEntryBlock();
    builder.setInsertionPointToStart(entry);
    IRMapping mapping;
    mapping.map(captured, entry->getArguments());
    for (Value value : cloned)
      builder.clone(*value.getDefiningOp(), mapping);
    Operation *outlined = builder.clone(*loop, mapping);
    func::ReturnOp::create(builder, loop.getLoc(), outlined->getResults());

    builder.setInsertionPoint(loop);
    auto call = func::CallOp::create(builder, loop.getLoc(), function, captured);
    loop->replaceAllUsesWith(call->getResults());
    loop->erase();
  }
};

/// Equal are functions of outlined loops that do the same.
struct LoopFunctionInfo : DenseMapInfo<Operation *> {
  static unsigned getHashValue(Operation *function) {
    auto loop = cast<func::FuncOp>(function);
    llvm::hash_code hash =
        llvm::hash_combine(loop.getFunctionType(), loop->getAttr(kDistinctPointers));
    loop.getBody().walk([&](Operation *op) {
      hash = llvm::hash_combine(
          hash, OperationEquivalence::computeHash(op, OperationEquivalence::ignoreHashValue,
                                                  OperationEquivalence::ignoreHashValue,
                                                  OperationEquivalence::IgnoreLocations));
    });
    return hash;
  }

  static bool isEqual(Operation *left, Operation *right) {
    if (left == right || left == getEmptyKey() || left == getTombstoneKey() ||
        right == getEmptyKey() || right == getTombstoneKey())
      return left == right;
    auto leftLoop = cast<func::FuncOp>(left), rightLoop = cast<func::FuncOp>(right);
    return leftLoop.getFunctionType() == rightLoop.getFunctionType() &&
           leftLoop->getAttr(kDistinctPointers) == rightLoop->getAttr(kDistinctPointers) &&
           OperationEquivalence::isRegionEquivalentTo(&leftLoop.getBody(), &rightLoop.getBody(),
                                                      OperationEquivalence::IgnoreLocations);
  }
};

struct SprintHostMergeLoops : mlir::sprint::impl::SprintHostMergeLoopsBase<SprintHostMergeLoops> {
  void runOnOperation() override {
    llvm::DenseSet<Operation *, LoopFunctionInfo> loops;
    llvm::DenseMap<StringAttr, StringAttr> kept;
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (!function->hasAttr(kDistinctPointers))
        continue;
      auto [found, isNew] = loops.insert(function);
      if (isNew)
        continue;
      kept[function.getSymNameAttr()] = cast<func::FuncOp>(*found).getSymNameAttr();
      function.erase();
      ++numMerged;
    }
    getOperation()->walk([&](func::CallOp call) {
      if (StringAttr name = kept.lookup(call.getCalleeAttr().getAttr()))
        call.setCalleeAttr(FlatSymbolRefAttr::get(name));
    });
  }
};

struct SprintHostMarkDistinctPointers
    : mlir::sprint::impl::SprintHostMarkDistinctPointersBase<SprintHostMarkDistinctPointers> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>())
      if (auto pointers = function->getAttrOfType<DenseI64ArrayAttr>(kDistinctPointers))
        for (int64_t number : pointers.asArrayRef()) {
          function.setArgAttr(number, LLVM::LLVMDialect::getNoAliasAttrName(),
                              UnitAttr::get(&getContext()));
          ++numMarked;
        }
  }
};

} // namespace
