//===- LinalgToSprint.cpp - Raise attentions from linalg ------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionNames.h"
#include "Candidates.h"
#include "Raiser.h"

#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/Sprint.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_CONVERTLINALGTOSPRINT
#include "Sprint/Conversion/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

/// Erases ops whose results are not used, as arg-maxima that come along with maxima, so that they
/// do not count as uses of what they read.
static void eraseUnusedOps(Operation *root) {
  root->walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
}

namespace {
struct ConvertLinalgToSprint
    : public mlir::sprint::impl::ConvertLinalgToSprintBase<ConvertLinalgToSprint> {
  void getDependentDialects(DialectRegistry &registry) const override {
    ConvertLinalgToSprintBase::getDependentDialects(registry);
    func::registerInlinerExtension(registry);
  }

  void runOnOperation() override {
    // A softmax or a mask may be a function of its own, as JAX writes them. Bodies stay as they
    // are.
    OpPassManager inlining(ModuleOp::getOperationName());
    inlining.addPass(createInlinerPass({}, [](OpPassManager &) {}));
    if (failed(runPipeline(inlining, getOperation())))
      return signalPassFailure();
    eraseUnusedOps(getOperation());
    llvm::DenseSet<Operation *> erased;
    // Several contractions may read one exponential: one of them is told.
    llvm::DenseSet<Operation *> refused;
    for (const Candidate &candidate : findCandidates(getOperation())) {
      if (erased.contains(candidate.op))
        continue;
      Raiser raiser(erased);
      if (succeeded(raiser.raise(candidate))) {
        ++numRaised;
        continue;
      }
      if (candidate.exponential && !refused.insert(candidate.exponential).second)
        continue;
      refuse(candidate.op, RefusedBy::Raising, raiser.getReason(), raiser.getName());
      ++numRefused;
    }
    // What was made on the way and is not used goes, too.
    eraseUnusedOps(getOperation());
    nameAttentions(getOperation());
  }
};
} // namespace
