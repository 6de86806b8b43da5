//===- SplitBlocks.cpp - Functions without long blocks ----------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Execution/Passes.h"

#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTHOSTSPLITBLOCKS
#include "Sprint/Execution/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;

/// Where values of a frame begin: at multiples of this, in bytes, which malloc's results are, too.
static constexpr uint64_t kAlignment = 16;

/// Whether `op` can be had anew wherever its result is needed: a constant, or what is computed of a
/// few, as sizes are.
static bool isClonable(Operation *op, unsigned maxDepth = 3) {
  if (!op || op->getNumResults() != 1 || !isPure(op))
    return false;
  return op->getNumOperands() == 0 ||
         (maxDepth > 0 && llvm::all_of(op->getOperands(), [&](Value v) {
            return isClonable(v.getDefiningOp(), maxDepth - 1);
          }));
}

/// Clones `op`, which is clonable, and what it needs.
static Value cloneClonable(OpBuilder &builder, Operation *op) {
  IRMapping mapping;
  for (Value operand : op->getOperands())
    mapping.map(operand, cloneClonable(builder, operand.getDefiningOp()));
  return builder.clone(*op, mapping)->getResult(0);
}

/// The bytes that `op` allocates, if they are known.
static std::optional<uint64_t> getNumBytes(LLVM::AllocaOp op, const DataLayout &layout) {
  APInt count;
  if (!matchPattern(op.getArraySize(), m_ConstantInt(&count)) || op.getAlignment() > kAlignment)
    return std::nullopt;
  return count.getZExtValue() * layout.getTypeSize(op.getElemType()).getFixedValue();
}

namespace {

/// Cuts a block into functions. They find in a frame, in memory, what they have of one another.
class BlockSplitter {
public:
  BlockSplitter(Block &block, unsigned maxOps, const DataLayout &layout)
      : block(block), maxOps(maxOps), layout(layout) {}

  /// Looks at the block; false if it stays as it is.
  bool analyze() {
    for (Operation &op : block.without_terminator()) {
      if (isClonable(&op))
        continue;
      auto alloca = dyn_cast<LLVM::AllocaOp>(op);
      // What is on the stack is gone when a function returns.
      if (isa<LLVM::StackSaveOp, LLVM::StackRestoreOp>(op) ||
          (alloca && (!block.isEntryBlock() || !getNumBytes(alloca, layout))))
        return false;
      if (alloca) {
        allocas.push_back(alloca);
        continue;
      }
      pieceOf[&op] = ops.size() / maxOps;
      ops.push_back(&op);
    }
    numPieces = llvm::divideCeil(ops.size(), maxOps);
    return numPieces > 1;
  }

  size_t getNumOps() const { return ops.size(); }

  /// Splits the block into getNumPieces() functions of module `module`.
  LogicalResult split(ModuleOp module, SymbolTable &symbols) {
    auto function = cast<LLVM::LLVMFuncOp>(block.getParentOp());
    OpBuilder builder(function.getContext());
    FailureOr<LLVM::LLVMFuncOp> allocate =
        LLVM::lookupOrCreateMallocFn(builder, module, builder.getI64Type());
    FailureOr<LLVM::LLVMFuncOp> release = LLVM::lookupOrCreateFreeFn(builder, module);
    if (failed(allocate) || failed(release))
      return failure();
    placeValues();

    // Not on the stack, which is small.
    Location loc = function.getLoc();
    builder.setInsertionPointToStart(&function.front());
    Value size = LLVM::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(frameBytes));
    Value frame = LLVM::CallOp::create(builder, loc, *allocate, size).getResult();
    if (block.isEntryBlock())
      builder.setInsertionPointAfterValue(frame);
    else
      builder.setInsertionPointToStart(&block);
    for (Value value : incoming)
      store(builder, frame, value);
    OpBuilder::InsertPoint begin = builder.saveInsertionPoint();
    builder.setInsertionPoint(block.getTerminator());
    for (unsigned piece = 0; piece < numPieces; ++piece)
      LLVM::CallOp::create(builder, loc, outline(piece, function, symbols), frame);
    for (Operation *op : ops)
      for (Value result : op->getResults())
        replaceOutside(builder, frame, result);

    builder.restoreInsertionPoint(begin);
    for (LLVM::AllocaOp alloca : allocas) {
      replaceOutside(builder, frame, alloca);
      alloca.erase();
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isClonable(&op) && op.use_empty())
        op.erase();
    function.walk([&](LLVM::ReturnOp end) {
      builder.setInsertionPoint(end);
      LLVM::CallOp::create(builder, loc, *release, frame);
    });
    return success();
  }

  unsigned getNumPieces() const { return numPieces; }

private:
  /// The piece that `op` is in; the number of pieces for what is in none.
  unsigned getPiece(Operation *op) const {
    auto found = pieceOf.find(op);
    return found == pieceOf.end() ? numPieces : found->second;
  }

  uint64_t reserve(uint64_t numBytes) {
    return std::exchange(frameBytes, frameBytes + llvm::alignTo(numBytes, kAlignment));
  }

  /// Finds a place in the frame for all that a piece has from elsewhere or that others have of it.
  void placeValues() {
    for (LLVM::AllocaOp alloca : allocas)
      places[alloca] = reserve(*getNumBytes(alloca, layout));

    // What is there in front of the pieces and what each piece makes, with the piece that has the
    // last use of it.
    struct Made {
      Value value;
      unsigned last;
    };
    std::vector<SmallVector<Made>> made(numPieces + 1);
    llvm::MapVector<Value, unsigned> given;
    for (Operation *op : ops) {
      unsigned piece = getPiece(op);
      for (Value operand : op->getOperands()) {
        Operation *definition = operand.getDefiningOp();
        if (!isClonable(definition) && !places.contains(operand) && !pieceOf.contains(definition))
          given[operand] = piece;
      }
      for (Value result : op->getResults()) {
        unsigned last = piece;
        for (Operation *user : result.getUsers())
          last = std::max(last, getPiece(user));
        if (last > piece)
          made[piece + 1].push_back({result, last});
      }
    }
    for (auto [value, last] : given) {
      made[0].push_back({value, last});
      incoming.push_back(value);
    }

    // What no piece uses any more gives its place to another of its size.
    std::vector<SmallVector<Value>> dying(numPieces + 1);
    llvm::DenseMap<uint64_t, SmallVector<uint64_t>> free;
    auto getSize = [&](Value value) {
      return llvm::alignTo(layout.getTypeSize(value.getType()).getFixedValue(), kAlignment);
    };
    for (unsigned step = 0; step <= numPieces; ++step) {
      for (auto [value, last] : made[step]) {
        SmallVector<uint64_t> &candidates = free[getSize(value)];
        places[value] = candidates.empty() ? reserve(getSize(value)) : candidates.pop_back_val();
        dying[last].push_back(value);
      }
      // Step 0 is what is in front of piece 0.
      if (step > 0)
        for (Value value : dying[step - 1])
          free[getSize(value)].push_back(places[value]);
    }
  }

  Value getAddress(OpBuilder &builder, Value frame, Value value) const {
    return LLVM::GEPOp::create(builder, value.getLoc(), frame.getType(), builder.getI8Type(), frame,
                               ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(places.at(value))});
  }

  void store(OpBuilder &builder, Value frame, Value value) const {
    LLVM::StoreOp::create(builder, value.getLoc(), value, getAddress(builder, frame, value),
                          kAlignment);
  }

  /// `value`, as it is found in the frame: what is on the stack by the address, the rest loaded.
  Value getFromFrame(OpBuilder &builder, Value frame, Value value) const {
    Value address = getAddress(builder, frame, value);
    if (value.getDefiningOp<LLVM::AllocaOp>() && getPiece(value.getDefiningOp()) == numPieces &&
        value.getParentBlock() == &block)
      return address;
    return LLVM::LoadOp::create(builder, value.getLoc(), value.getType(), address, kAlignment);
  }

  /// Has uses outside the pieces, which are made by now, find `value` in the frame.
  void replaceOutside(OpBuilder &builder, Value frame, Value value) const {
    auto isOutside = [&](OpOperand &use) {
      return use.getOwner()->getParentOp() == block.getParentOp();
    };
    if (llvm::any_of(value.getUses(), isOutside))
      value.replaceUsesWithIf(getFromFrame(builder, frame, value), isOutside);
  }

  /// Moves the ops of a piece into a function.
  LLVM::LLVMFuncOp outline(unsigned piece, LLVM::LLVMFuncOp from, SymbolTable &symbols) {
    OpBuilder builder(from);
    auto pointer = LLVM::LLVMPointerType::get(from.getContext());
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(from.getContext()), {pointer});
    auto function = LLVM::LLVMFuncOp::create(builder, from.getLoc(), "sprint_piece", type,
                                             LLVM::Linkage::Internal);
    // Inlined, nothing would be won, and little is by making calls faster.
    function.setNoInline(true);
    function.setOptimizeNone(true);
    symbols.insert(function);
    Block *entry = function.addEntryBlock(builder);
    Value frame = entry->getArgument(0);
    llvm::DenseMap<Value, Value> found;
    ArrayRef<Operation *> moved = ArrayRef(ops).slice(piece * maxOps).take_front(maxOps);
    for (Operation *op : moved) {
      op->moveBefore(entry, entry->end());
      for (OpOperand &operand : op->getOpOperands()) {
        Operation *definition = operand.get().getDefiningOp();
        if (definition && getPiece(definition) == piece)
          continue;
        Value &here = found[operand.get()];
        if (!here) {
          builder.setInsertionPoint(op);
          here = isClonable(definition) ? cloneClonable(builder, definition)
                                        : getFromFrame(builder, frame, operand.get());
        }
        operand.set(here);
      }
      builder.setInsertionPointAfter(op);
      for (Value result : op->getResults())
        if (places.contains(result))
          store(builder, frame, result);
    }
    builder.setInsertionPointToEnd(entry);
    LLVM::ReturnOp::create(builder, from.getLoc(), ValueRange());
    return function;
  }

  Block &block;
  /// Ops of a piece.
  unsigned maxOps;
  const DataLayout &layout;
  /// What goes into the pieces, in order.
  SmallVector<Operation *> ops;
  llvm::DenseMap<Operation *, unsigned> pieceOf;
  unsigned numPieces = 0;
  /// What has its memory in the frame instead of on the stack.
  SmallVector<LLVM::AllocaOp> allocas;
  /// What pieces use of what is around the block.
  SmallVector<Value> incoming;
  /// Where the frame has values, or what they point to on the stack, in bytes.
  llvm::DenseMap<Value, uint64_t> places;
  uint64_t frameBytes = 0;
};

struct SprintHostSplitBlocks
    : mlir::sprint::impl::SprintHostSplitBlocksBase<SprintHostSplitBlocks> {
  using SprintHostSplitBlocksBase::SprintHostSplitBlocksBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    DataLayout layout(getOperation());
    for (auto function : llvm::to_vector(getOperation().getOps<LLVM::LLVMFuncOp>()))
      for (Block &block : function.getBody())
        if (failed(split(block, symbols, layout)))
          return signalPassFailure();
  }

  LogicalResult split(Block &block, SymbolTable &symbols, const DataLayout &layout) {
    // Calls of thousands of pieces are a long block, too.
    for (size_t before = std::numeric_limits<size_t>::max();;) {
      BlockSplitter splitter(block, maxOps, layout);
      if (!splitter.analyze() || splitter.getNumOps() > before / 2)
        return success();
      before = splitter.getNumOps();
      if (failed(splitter.split(getOperation(), symbols)))
        return failure();
      ++numBlocks;
      numPieces += splitter.getNumPieces();
    }
  }
};

} // namespace
