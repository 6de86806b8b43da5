//===- LinalgToSprint.cpp - Raise attentions from linalg ------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "AttentionBuilder.h"
#include "Candidates.h"

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
#include "llvm/ADT/SetVector.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_CONVERTLINALGTOSPRINT
#include "Sprint/Conversion/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

/// Erases `root`, which is unused, and what only it used. Adds what was erased to `erased`.
static void eraseDeadOps(Operation *root, llvm::DenseSet<Operation *> &erased) {
  llvm::SetVector<Operation *> worklist;
  worklist.insert(root);
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val();
    if (!isOpTriviallyDead(op))
      continue;
    op->walk([&](Operation *nested) {
      for (Value operand : nested->getOperands())
        if (Operation *definition = operand.getDefiningOp())
          if (!op->isAncestor(definition))
            worklist.insert(definition);
    });
    erased.insert(op);
    op->erase();
  }
}

/// Erases ops whose results are not used, as arg-maxima that come along with maxima, so that they
/// do not count as uses of what they read.
static void eraseUnusedOps(Operation *root) {
  root->walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
}

/// Raises the candidate and gives the op, now unused, whose result the attention took the place of;
/// null with a reason where it is not raised.
static Operation *raise(const Candidate &candidate, std::string &reason) {
  AttentionMatcher matcher;
  auto build = [&](FailureOr<MatchedAttention> matched) -> Operation * {
    std::string why;
    if (failed(matched)) {
      why = matcher.getReason().str();
    } else {
      AttentionBuilder attention(matcher, *matched);
      if (succeeded(attention.analyze())) {
        attention.replace();
        return matched->result.value.getDefiningOp();
      }
      why = attention.getReason().str();
    }
    if (reason.empty())
      reason = std::move(why);
    return nullptr;
  };
  if (auto attention = dyn_cast<tm_tensor::AttentionOp>(candidate.op))
    return build(matcher.match(attention));
  std::optional<Contraction> contraction = getContraction(candidate.op);
  for (unsigned probabilities : candidate.probabilities)
    if (Operation *replaced = build(matcher.match(*contraction, probabilities)))
      return replaced;
  return nullptr;
}

namespace {
struct ConvertLinalgToSprint
    : public sprint::impl::ConvertLinalgToSprintBase<ConvertLinalgToSprint> {
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
    for (const Candidate &candidate : findCandidates(getOperation())) {
      if (erased.contains(candidate.op))
        continue;
      std::string reason;
      Operation *replaced = raise(candidate, reason);
      if (!replaced) {
        candidate.op->emitRemark() << "attention not raised: " << reason;
        ++numRefused;
        continue;
      }
      eraseDeadOps(replaced, erased);
      ++numRaised;
    }
  }
};
} // namespace
