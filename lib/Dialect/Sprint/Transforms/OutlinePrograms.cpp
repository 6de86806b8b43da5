//===- OutlinePrograms.cpp - Cut host and device apart --------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/Transforms/Passes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTOUTLINEPROGRAMS
#include "Sprint/Dialect/Sprint/Transforms/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

namespace {

/// The ops around the device part of one attention.
struct DevicePart {
  DequantizeOp dequantize;
  ParametersOp parameters;
  QuantizeOp query, key, value;

  /// What the program takes, in the order of its arguments.
  SmallVector<Value> operands() {
    return {query.getCodes(),           key.getCodes(),
            value.getCodes(),           parameters.getThreshold(),
            parameters.getMultiplier(), parameters.getShift()};
  }
};

} // namespace

/// Finds the quantised operands behind `dequantize`: the steps lead to query and key, and the
/// output's to the value.
static FailureOr<DevicePart> findDevicePart(DequantizeOp dequantize) {
  DevicePart part;
  part.dequantize = dequantize;
  part.value = dequantize.getStep().getDefiningOp<QuantizeOp>();
  if (!part.value)
    return dequantize.emitOpError("expected its step from a 'sprint.quantize'");
  Operation *nest = dequantize.getCodes().getDefiningOp();
  if (!isa_and_nonnull<scf::ForOp>(nest))
    return dequantize.emitOpError("expected its codes from a loop");
  // Where there is one head alone, the loops may have lost what reads its parameters.
  nest->walk([&](RecomputeOp recompute) {
    if (auto extract = recompute.getMultiplier().getDefiningOp<tensor::ExtractOp>())
      part.parameters = extract.getTensor().getDefiningOp<ParametersOp>();
  });
  if (!part.parameters)
    return nest->emitError("expected a 'sprint.recompute' with parameters of 'sprint.parameters'");
  part.query = part.parameters.getQueryStep().getDefiningOp<QuantizeOp>();
  part.key = part.parameters.getKeyStep().getDefiningOp<QuantizeOp>();
  if (!part.query || !part.key)
    return part.parameters.emitOpError("expected its steps from 'sprint.quantize'");
  // A launch knows one nibble, the machine's.
  auto checkNibble = [&](auto op) -> LogicalResult {
    if (op.getNibble() == part.query.getNibble())
      return success();
    return op.emitOpError("expected the nibble of the query, ")
           << stringifyNibble(part.query.getNibble()) << ", got "
           << stringifyNibble(op.getNibble());
  };
  WalkResult scores =
      nest->walk([&](CrossbarScoreOp score) { return WalkResult(checkNibble(score)); });
  if (failed(checkNibble(part.key)) || failed(checkNibble(part.value)) || scores.wasInterrupted())
    return failure();
  return part;
}

/// Collects, in an order in which they can be cloned, the ops that `root` needs, down to
/// `arguments`. Only what computes sizes, constants and empty tensors may go along.
static LogicalResult collectSlice(Operation *root, const SetVector<Value> &arguments,
                                  SetVector<Operation *> &slice) {
  SmallVector<Value> needed(root->getOperands());
  root->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (!root->isAncestor(operand.getParentBlock()->getParentOp()))
        needed.push_back(operand);
  });
  for (Value value : needed) {
    Operation *definition = value.getDefiningOp();
    if (arguments.contains(value) || (definition && slice.contains(definition)))
      continue;
    if (!definition || !isPure(definition) || definition->getDialect()->getNamespace() == "sprint")
      return root->emitError("expected device code to use quantised operands, head parameters and "
                             "sizes only");
    if (failed(collectSlice(definition, arguments, slice)))
      return failure();
    slice.insert(definition);
  }
  return success();
}

/// Moves `part` into a program of its own and launches it.
static LogicalResult outline(RewriterBase &rewriter, DevicePart &part, SymbolTable &symbols) {
  Operation *nest = part.dequantize.getCodes().getDefiningOp();
  Location loc = part.dequantize.getLoc();
  auto function = nest->getParentOfType<FunctionOpInterface>();
  if (!function || function->getParentOp() != symbols.getOp())
    return part.dequantize.emitOpError("expected to stand in a function of the outermost module");
  SmallVector<Value> operands = part.operands();
  SetVector<Value> arguments(operands.begin(), operands.end());
  SetVector<Operation *> slice;
  if (failed(collectSlice(nest, arguments, slice)))
    return failure();

  auto type = rewriter.getFunctionType(ValueRange(operands).getTypes(),
                                       part.dequantize.getCodes().getType());
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfter(function);
  auto program = ProgramOp::create(rewriter, loc, rewriter.getStringAttr("attention"),
                                   TypeAttr::get(type), /*arg_attrs=*/nullptr,
                                   /*res_attrs=*/nullptr, part.parameters.getScaleAttr(),
                                   part.parameters.getThresholdsAttr());
  // Insertion makes the name unique.
  symbols.insert(program);

  SmallVector<Location> locations(operands.size(), loc);
  Block *body = rewriter.createBlock(&program.getBody(), {}, type.getInputs(), locations);
  IRMapping mapping;
  mapping.map(operands, body->getArguments());
  for (Operation *op : slice)
    rewriter.clone(*op, mapping);
  rewriter.clone(*nest, mapping);
  ReturnOp::create(rewriter, loc, mapping.lookup(part.dequantize.getCodes()));

  rewriter.setInsertionPoint(part.dequantize);
  rewriter.replaceOpWithNewOp<LaunchOp>(
      part.dequantize, part.dequantize.getType(), SymbolRefAttr::get(program),
      part.query.getInput(), part.key.getInput(), part.value.getInput(), part.dequantize.getInit());
  // What only the device part used goes with it.
  rewriter.eraseOp(nest);
  for (Operation *op : llvm::reverse(slice))
    if (op->use_empty())
      rewriter.eraseOp(op);
  for (Operation *op : {part.parameters.getOperation(), part.query.getOperation(),
                        part.key.getOperation(), part.value.getOperation()})
    if (op->use_empty())
      rewriter.eraseOp(op);
  return success();
}

namespace {

struct OutlinePrograms : mlir::sprint::impl::SprintOutlineProgramsBase<OutlinePrograms> {
  using SprintOutlineProgramsBase::SprintOutlineProgramsBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<DequantizeOp> outputs;
    getOperation().walk([&](DequantizeOp op) { outputs.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (DequantizeOp output : outputs) {
      FailureOr<DevicePart> part = findDevicePart(output);
      if (failed(part) || failed(outline(rewriter, *part, symbols)))
        return signalPassFailure();
    }
  }
};

} // namespace
