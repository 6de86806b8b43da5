//===- HostChecks.cpp - What the host takes and what it is left ----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constants.h"
#include "Sprint/Execution/Execution.h"
#include "Sprint/Execution/Passes.h"

#include "mlir/Analysis/CallGraph.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/SCCIterator.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTHOSTCHECKLOWERED
#define GEN_PASS_DEF_SPRINTHOSTCHECKTENSORS
#include "Sprint/Execution/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

/// Refuses a resource without the data that its type stands for.
static LogicalResult checkResource(Operation *op, DenseResourceElementsAttr resource) {
  auto fail = [&] {
    return op->emitError() << "expected data for the resource '" << resource.getRawHandle().getKey()
                           << "', got ";
  };
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  if (!blob)
    return fail() << "none";
  std::optional<ElementType> type = getElementType(resource.getElementType());
  if (!type)
    return fail() << "elements of type " << resource.getElementType();
  size_t expected = resource.getNumElements() * getElementSize(*type);
  if (blob->getData().size() != expected)
    return fail() << blob->getData().size() << " bytes where " << resource.getType() << " has "
                  << expected;
  if (type == ElementType::I1 && !areBooleans(blob->getData()))
    return fail() << "booleans that are neither 0 nor 1";
  return success();
}

/// Refuses ops that are not bound to tensors, and those that upstream passes get wrong.
static LogicalResult checkOp(Operation *op) {
  if (isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect()) || isa<memref::AllocaOp>(op))
    return op->emitError() << "expected code on tensors, got '" << op->getName() << "'";
  // CSE takes an index of the inner op for one of the outer op.
  auto hasIndices = [](Operation *op) {
    return isa<linalg::LinalgOp, tensor::GenerateOp, tensor::PadOp>(op);
  };
  if (hasIndices(op))
    for (Operation *outer = op->getParentOp(); outer; outer = outer->getParentOp())
      if (hasIndices(outer))
        return op->emitError() << "expected no '" << op->getName() << "' in the body of '"
                               << outer->getName() << "'";
  // A resource is looked up by its name when it is used, not when it is parsed.
  auto constant = dyn_cast<arith::ConstantOp>(op);
  auto resource = constant ? dyn_cast<DenseResourceElementsAttr>(constant.getValue()) : nullptr;
  return resource ? checkResource(op, resource) : success();
}

namespace {

struct SprintHostCheckTensors
    : mlir::sprint::impl::SprintHostCheckTensorsBase<SprintHostCheckTensors> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    WalkResult result = getOperation().walk([&](Operation *op) {
      ++numChecked;
      return WalkResult(checkOp(op));
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    const CallGraph calls(getOperation());
    for (auto cycle = llvm::scc_begin(&calls); !cycle.isAtEnd(); ++cycle)
      if (cycle.hasCycle()) {
        cycle->front()->getCallableRegion()->getParentOp()->emitError(
            "expected a function that does not call itself");
        return signalPassFailure();
      }
  }
};

struct SprintHostCheckLowered
    : mlir::sprint::impl::SprintHostCheckLoweredBase<SprintHostCheckLowered> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    WalkResult result = getOperation().getBody()->walk([&](Operation *op) -> WalkResult {
      ++numChecked;
      if (isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect()))
        return WalkResult::advance();
      return op->emitError() << "expected ops that the host can run, got '" << op->getName() << "'";
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
