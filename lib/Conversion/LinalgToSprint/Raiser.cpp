//===- Raiser.cpp - Raise one attention -----------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled with assertions, so that what LDBG prints can be asked for in a release build, too. So
// it must not know passes: their statistics are others with assertions.
//
//===----------------------------------------------------------------------===//

#include "Raiser.h"
#include "AttentionBuilder.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/DebugLog.h"

#define DEBUG_TYPE "convert-linalg-to-sprint"

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

LogicalResult Raiser::build(FailureOr<MatchedAttention> matched) {
  std::string why;
  if (failed(matched)) {
    why = matcher.getReason().str();
  } else {
    SmallVector<Location> all = parts;
    if (matched->scores)
      all.push_back(*matched->scores);
    name = findName(all);
    AttentionBuilder attention(matcher, *matched, name);
    if (succeeded(attention.analyze())) {
      attention.replace();
      eraseDeadOps(matched->result.value.getDefiningOp(), erased);
      LDBG() << "raised";
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
  parts = {op->getLoc()};
  if (candidate.exponential)
    parts.push_back(candidate.exponential->getLoc());
  name = findName(parts);
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
