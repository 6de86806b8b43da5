//===- Candidates.cpp - What looks like an attention ----------------------===//
//
// Part of the Sprint project.
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
    return std::move(candidates);
  }

private:
  enum Trace : uint8_t {
    /// Made of the result of a contraction.
    Product = 1,
    /// A multiple of an exponential of that, or of a softmax.
    Exponential = 2,
    /// A multiple of a logistic function of that.
    Logistic = 4,
  };

  uint8_t traceOf(Value value) const { return traces.lookup(value.getDefiningOp()); }

  void visit(Operation *op) {
    // The body of a structured op is visited before the op.
    if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      if (auto parent = dyn_cast<linalg::LinalgOp>(op->getParentOp()))
        traces[parent] |= traceOf(extract.getTensor());
      return;
    }
    if (isa<tm_tensor::AttentionOp>(op)) {
      candidates.push_back({op, {}});
      traces[op] = Product;
      return;
    }
    uint8_t trace = traces.lookup(op);
    if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
      if (std::optional<Contraction> contraction = getContraction(op)) {
        visitContraction(*contraction);
        return;
      }
      trace = traceStructured(structured, trace);
    } else if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op)) {
      trace |= traceOf(softmax.getInput());
      trace |= trace & Product ? Exponential : 0;
    } else if (isa_and_nonnull<tensor::TensorDialect>(op->getDialect())) {
      for (Value operand : op->getOperands())
        trace |= traceOf(operand);
    }
    if (trace)
      traces[op] = trace;
  }

  /// What an op other than a contraction makes of what it reads, of which `trace` is known.
  uint8_t traceStructured(linalg::LinalgOp op, uint8_t trace) {
    for (Value operand : op->getOperands())
      trace |= traceOf(operand);
    if (!(trace & Product))
      return 0;
    // A sum over probabilities, such as a mean over tokens, is no probability.
    if (op.getNumReductionLoops() > 0)
      return Product;
    uint8_t inBody = 0;
    for (Operation &inner : op.getBlock()->without_terminator())
      if (inner.getNumResults() == 1 && getExponential(op, inner.getResult(0)))
        inBody |= isOfLogistic(op, inner) ? Logistic : Exponential;
    if (inBody)
      return Product | inBody;
    // Nor is what something else is added to, as in a residual.
    Operation *yielded = stripFloatCasts(getYielded(op)).getDefiningOp();
    if (isa_and_nonnull<arith::AddFOp, arith::SubFOp>(yielded))
      return Product | (trace & Exponential && addsConstant(op, yielded) ? Logistic : 0);
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
    traces[contraction.op] = Product;
    // A product with ones is a sum.
    if (llvm::any_of(contraction.operands, [](Value operand) {
          std::optional<APFloat> number = getSplatFloat(operand);
          return number && toDouble(*number) == 1.0;
        }))
      return;
    Candidate candidate{contraction.op, {}};
    for (unsigned operand : {0, 1}) {
      uint8_t trace = traceOf(contraction.operands[operand]);
      bool isGate = (trace & (Exponential | Logistic)) == Logistic;
      if ((trace & Product) && (trace & (Exponential | Logistic)) &&
          !(isGate && isWeight(contraction.operands[1 - operand])))
        candidate.probabilities.push_back(operand);
    }
    if (!candidate.probabilities.empty())
      candidates.push_back(std::move(candidate));
  }

  llvm::DenseMap<Operation *, uint8_t> traces;
  SmallVector<Candidate> candidates;
};
} // namespace

SmallVector<Candidate> sprint::findCandidates(Operation *root) {
  return CandidateFinder().find(root);
}
