//===- Candidates.cpp - What looks like an attention ----------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Candidates.h"

#include "Contractions.h"
#include "Views.h"

#include "Sprint/Dialect/TMTensor/IR/TMTensor.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace mlir::sprint;

namespace {
/// One walk over the module notes for each op what its results are made of, back to the nearest
/// contractions.
class CandidateFinder {
public:
  SmallVector<Candidate> find(Operation *root) {
    root->walk([&](Operation *op) { visit(op); });
    // What nobody sums up and weights are multiplied with is no attention.
    llvm::erase_if(candidates, [&](const Candidate &candidate) {
      return gates.contains(candidate.op) && !summed.contains(candidate.exponential);
    });
    return std::move(candidates);
  }

private:
  /// What a value is made of.
  struct Trace {
    /// Whether it is made of the result of a contraction.
    bool hasProduct = false;
    /// The exponential of that, or the softmax, that it is made of; null for none.
    Operation *exponential = nullptr;
    /// Whether that is part of a logistic function.
    bool isLogistic = false;
  };

  static Trace unite(const Trace &left, const Trace &right) {
    Trace both{left.hasProduct || right.hasProduct, left.exponential, left.isLogistic};
    if (!both.exponential || (both.isLogistic && right.exponential && !right.isLogistic)) {
      both.exponential = right.exponential;
      both.isLogistic = right.isLogistic;
    }
    return both;
  }

  Trace traceOf(Value value) const { return traces.lookup(value.getDefiningOp()); }

  void visit(Operation *op) {
    // The body of a structured op is visited before the op.
    if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      if (auto parent = dyn_cast<linalg::LinalgOp>(op->getParentOp()))
        traces[parent] = unite(traceOf(extract.getTensor()), traces.lookup(parent));
      return;
    }
    if (isa<tm_tensor::AttentionOp>(op)) {
      candidates.push_back({op, {}});
      traces[op] = {/*hasProduct=*/true};
      return;
    }
    Trace trace = traces.lookup(op);
    if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
      if (std::optional<Contraction> contraction = getContraction(op)) {
        visitContraction(*contraction);
        return;
      }
      if (std::optional<WeightedSum> sum = getWeightedSum(op)) {
        visitWeightedSum(*sum);
        return;
      }
      // A product with ones is a sum.
      bool isSum = llvm::any_of(structured.getDpsInputs(),
                                [](Value input) { return getSplatFloat(input).has_value(); });
      if (linalg::isaContractionOpInterface(structured) && !isSum) {
        visitOtherContraction(structured);
        return;
      }
      trace = traceStructured(structured, trace);
    } else if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op)) {
      trace = traceOf(softmax.getInput());
      if (trace.hasProduct) {
        trace = {/*hasProduct=*/true, op};
        summed.insert(op);
      }
    } else if (isa_and_nonnull<tensor::TensorDialect>(op->getDialect()) ||
               (op->getNumResults() == 1 && isa<RankedTensorType>(op->getResult(0).getType()) &&
                OpTrait::hasElementwiseMappableTraits(op))) {
      for (Value operand : op->getOperands())
        trace = unite(trace, traceOf(operand));
      // Of whole tensors.
      if (trace.hasProduct && isa<math::ExpOp, math::Exp2Op, math::PowFOp>(op)) {
        if (trace.exponential)
          summed.insert(op);
        trace = {/*hasProduct=*/true, op};
      }
    }
    if (trace.hasProduct)
      traces[op] = trace;
  }

  /// What an op other than a contraction makes of what it reads, of which `trace` is known.
  Trace traceStructured(linalg::LinalgOp op, Trace trace) {
    for (Value operand : op->getOperands())
      trace = unite(trace, traceOf(operand));
    if (!trace.hasProduct)
      return {};
    if (op.getNumReductionLoops() > 0)
      summed.insert(trace.exponential);
    for (Operation &inner : op.getBlock()->without_terminator()) {
      if (inner.getNumResults() != 1 || !getExponential(op, inner.getResult(0)))
        continue;
      // That of a difference to the logarithm of a sum, or summed at once.
      if (op.getNumReductionLoops() > 0 || trace.exponential)
        summed.insert(op);
      return {/*hasProduct=*/true, op, isOfLogistic(op, inner)};
    }
    Operation *yielded = stripFloatCasts(getYielded(op)).getDefiningOp();
    if (isa_and_nonnull<arith::AddFOp>(yielded) && op.getNumReductionLoops() == 0)
      trace.isLogistic |= trace.exponential && addsConstant(op, yielded);
    return trace;
  }

  static bool addsConstant(linalg::LinalgOp op, Operation *sum) {
    return llvm::any_of(sum->getOperands(),
                        [&](Value operand) { return getConstantFloat(op, operand).has_value(); });
  }

  /// Whether a constant is added to an exponential, as in 1 / (1 + exp(-x)).
  static bool isOfLogistic(linalg::LinalgOp op, Operation &exponential) {
    return llvm::any_of(exponential.getUsers(), [&](Operation *user) {
      return isa<arith::AddFOp>(user) && addsConstant(op, user);
    });
  }

  /// Whether an operand is the same for all of a batch, as weights are.
  static bool isWeight(Value operand) {
    for (unsigned step = 0; step < kMaxViewSteps; ++step) {
      auto type = dyn_cast<RankedTensorType>(operand.getType());
      Operation *op = operand.getDefiningOp();
      if (!type || type.getRank() <= 2 || isa_and_nonnull<arith::ConstantOp>(op))
        return true;
      if (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op)) {
        operand = op->getOperand(0);
        continue;
      }
      linalg::LinalgOp structured = getElementwiseDefinition(operand);
      std::optional<unsigned> input =
          structured ? getInputIndex(structured, stripFloatCasts(getYielded(structured)))
                     : std::nullopt;
      if (!input)
        return false;
      operand = structured.getDpsInputOperand(*input)->get();
    }
    return false;
  }

  void visitContraction(const Contraction &contraction) {
    Candidate candidate{contraction.op, {}};
    for (unsigned operand : {0, 1}) {
      Trace trace = traceOf(contraction.operands[operand]);
      if (!trace.exponential)
        continue;
      if (isWeight(contraction.operands[1 - operand])) {
        if (trace.isLogistic)
          continue;
        gates.insert(contraction.op);
      }
      candidate.probabilities.push_back(operand);
      candidate.exponential = trace.exponential;
    }
    if (!candidate.probabilities.empty())
      candidates.push_back(std::move(candidate));
    traces[contraction.op] = {/*hasProduct=*/true};
  }

  /// Of integers, or with a body that is not understood.
  void visitOtherContraction(linalg::LinalgOp op) {
    for (Value input : op.getDpsInputs())
      if (Trace trace = traceOf(input); trace.exponential && summed.contains(trace.exponential)) {
        candidates.push_back({op, {}, trace.exponential});
        break;
      }
    traces[op] = {/*hasProduct=*/true};
  }

  void visitWeightedSum(const WeightedSum &sum) {
    Trace trace;
    linalg::LinalgOp op = sum.op;
    for (OpOperand *input : op.getDpsInputOperands())
      if (input != op.getDpsInputOperand(sum.values))
        trace = unite(trace, traceOf(input->get()));
    if (trace.hasProduct) {
      trace = traceStructured(op, trace);
      if (trace.exponential && !trace.isLogistic)
        candidates.push_back({op, {0}, trace.exponential});
    }
    traces[op] = {/*hasProduct=*/true};
  }
  llvm::DenseMap<Operation *, Trace> traces;
  /// Exponentials of which there is a sum.
  llvm::DenseSet<Operation *> summed;
  /// Candidates that contract with what may be weights.
  llvm::DenseSet<Operation *> gates;
  SmallVector<Candidate> candidates;
};
} // namespace

SmallVector<Candidate> sprint::findCandidates(Operation *root) {
  return CandidateFinder().find(root);
}
