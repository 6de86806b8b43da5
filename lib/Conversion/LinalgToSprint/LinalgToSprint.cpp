//===- LinalgToSprint.cpp - Raise attentions from linalg ------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "AttentionBuilder.h"
#include "AttentionNames.h"
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
#include "llvm/Support/DebugLog.h"

#define DEBUG_TYPE "convert-linalg-to-sprint"

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

namespace {
/// Raises one candidate.
class Raiser {
public:
  explicit Raiser(llvm::DenseSet<Operation *> &erased) : erased(erased) {}

  /// Puts an attention in the place of the candidate. Fails with a reason where it is none; then
  /// nothing has changed.
  LogicalResult raise(const Candidate &candidate);

  StringRef getReason() const { return reason; }

private:
  LogicalResult build(FailureOr<MatchedAttention> matched);

  AttentionMatcher matcher;
  std::string reason;
  llvm::DenseSet<Operation *> &erased;
};
} // namespace

LogicalResult Raiser::build(FailureOr<MatchedAttention> matched) {
  std::string why;
  if (failed(matched)) {
    why = matcher.getReason().str();
  } else {
    AttentionBuilder attention(matcher, *matched);
    if (succeeded(attention.analyze())) {
      attention.replace();
      eraseDeadOps(matched->result.value.getDefiningOp(), erased);
      return success();
    }
    why = attention.getReason().str();
  }
  LDBG() << "no match: " << why;
  if (reason.empty())
    reason = std::move(why);
  return failure();
}

LogicalResult Raiser::raise(const Candidate &candidate) {
  Operation *op = candidate.op;
  LDBG() << "candidate: " << *op << " at " << op->getLoc();
  if (auto attention = dyn_cast<tm_tensor::AttentionOp>(op))
    return build(matcher.match(attention));
  std::optional<Contraction> contraction = getContraction(op);
  if (candidate.probabilities.empty()) {
    reason = "the contraction with the values is not of floats, as in a quantised model";
    return failure();
  }
  // What computes the weights in its body, or sums over several dimensions, is seen as several ops,
  // which take its place for as long as it is matched.
  linalg::GenericOp standIn;
  if (std::optional<WeightedSum> sum = getWeightedSum(op))
    standIn = splitWeightedSum(*sum);
  else if (contraction->reduced.size() > 1)
    standIn = flattenSummedDimensions(*contraction);
  if (standIn) {
    op->getResult(0).replaceAllUsesWith(standIn->getResult(0));
    contraction = getContraction(standIn);
  }
  for (unsigned probabilities : candidate.probabilities)
    if (succeeded(build(matcher.match(*contraction, probabilities)))) {
      if (standIn)
        eraseDeadOps(op, erased);
      return success();
    }
  if (standIn) {
    standIn->getResult(0).replaceAllUsesWith(op->getResult(0));
    eraseDeadOps(standIn, erased);
  }
  return failure();
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
        LDBG() << "raised";
        ++numRaised;
        continue;
      }
      if (candidate.exponential && !refused.insert(candidate.exponential).second)
        continue;
      refuse(candidate.op, RefusedBy::Raising, raiser.getReason(),
             findName(candidate.op->getLoc()));
      ++numRefused;
    }
    // What was made on the way and is not used goes, too.
    eraseUnusedOps(getOperation());
    nameAttentions(getOperation());
  }
};
} // namespace
