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
  /// What restricts the keys; null where there is none.
  Value keyValid, mask;
  QuantizeBiasOp bias;

  /// What the program takes, in the order of its arguments. Codes of one tensor may stand for
  /// several of query, key and value.
  SmallVector<Value> operands() {
    SmallVector<Value> values = {query.getCodes(),           key.getCodes(),
                                 value.getCodes(),           parameters.getThreshold(),
                                 parameters.getMultiplier(), parameters.getShift()};
    for (Value tensor : {keyValid, mask, bias ? Value(bias.getCodes()) : Value()})
      if (tensor)
        values.push_back(tensor);
    return values;
  }
  SmallVector<ProgramInput> inputs() {
    SmallVector<ProgramInput> names = {ProgramInput::Query,      ProgramInput::Key,
                                       ProgramInput::Value,      ProgramInput::Threshold,
                                       ProgramInput::Multiplier, ProgramInput::Shift};
    for (auto [tensor, name] : {std::pair(keyValid, ProgramInput::KeyValid),
                                {mask, ProgramInput::Mask},
                                {bias ? Value(bias.getCodes()) : Value(), ProgramInput::Bias}})
      if (tensor)
        names.push_back(name);
    return names;
  }
};

} // namespace

/// The tensor of which `row` is the row of a block's queries. Views in the loops lead to it, and
/// one outside of them where it depends on none.
static Value findTensorOfRow(Value row, Operation *nest) {
  Value tensor = row;
  while (Operation *view = tensor.getDefiningOp()) {
    bool isHoisted = tensor == row && isa<tensor::ExtractSliceOp>(view) &&
                     cast<ShapedType>(view->getOperand(0).getType()).getRank() == 4;
    if (!isa<tensor::ExtractSliceOp, tensor::CastOp>(view) ||
        (!nest->isProperAncestor(view) && !isHoisted))
      break;
    tensor = view->getOperand(0);
  }
  return tensor;
}

/// Finds the tensors behind the masks and the bias of `selection`, a sprint.prune or sprint.allow.
template <typename OpTy>
static LogicalResult findRestrictions(OpTy selection, Operation *nest, DevicePart &part) {
  for (Value row : selection.getMasks()) {
    Value tensor = findTensorOfRow(row, nest);
    Value &found = cast<ShapedType>(tensor.getType()).getRank() == 2 ? part.keyValid : part.mask;
    if (found && found != tensor)
      return selection.emitOpError("expected rows of one key_valid and one mask at most");
    found = tensor;
  }
  if (!selection.getBias())
    return success();
  part.bias =
      dyn_cast_or_null<QuantizeBiasOp>(findTensorOfRow(selection.getBias(), nest).getDefiningOp());
  if (!part.bias)
    return selection.emitOpError("expected its bias from a 'sprint.quantize_bias'");
  if (part.bias.getQueryStep() != part.parameters.getQueryStep() ||
      part.bias.getKeyStep() != part.parameters.getKeyStep() ||
      part.bias.getScaleAttr() != part.parameters.getScaleAttr())
    return part.bias.emitOpError("expected the steps and scale of 'sprint.parameters'");
  return success();
}

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
  WalkResult selections = nest->walk([&](Operation *op) {
    if (auto prune = dyn_cast<PruneOp>(op))
      return WalkResult(findRestrictions(prune, nest, part));
    if (auto allow = dyn_cast<AllowOp>(op))
      return WalkResult(findRestrictions(allow, nest, part));
    return WalkResult::advance();
  });
  if (selections.wasInterrupted())
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

namespace {

/// Gives a role that `shared`, codes of a program, has beside its own to `own`, the argument of
/// that role, which holds the same codes.
class RoleSplitter {
public:
  RoleSplitter(RewriterBase &rewriter, Value shared, Value own)
      : rewriter(rewriter), shared(shared), own(own) {}

  /// Makes `operand` a view of `own` where it is one of `shared`.
  void split(OpOperand &operand) { operand.set(rebuild(operand.get())); }

private:
  Value rebuild(Value value) {
    if (value == shared)
      return own;
    Operation *view = value.getDefiningOp();
    if (!view || !isa<tensor::ExtractSliceOp, tensor::CastOp>(view))
      return value;
    if (Value known = rebuilt.lookup(value))
      return known;
    Value source = rebuild(view->getOperand(0));
    if (source == view->getOperand(0))
      return value;
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(view);
    Operation *copy = rewriter.clone(*view);
    copy->setOperand(0, source);
    return rebuilt[value] = copy->getResult(0);
  }

  RewriterBase &rewriter;
  Value shared, own;
  DenseMap<Value, Value> rebuilt;
};

} // namespace

/// Whether `use`, of a number of tokens that is both that of queries and that of keys, means the
/// queries.
static bool countsQueries(OpOperand &use) {
  Operation *op = use.getOwner();
  if (auto prune = dyn_cast<PruneOp>(op))
    return &use == &prune.getQueriesMutable();
  if (auto allow = dyn_cast<AllowOp>(op))
    return &use == &allow.getQueriesMutable();
  // The output codes and the loops over queries.
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return empty.getType().getRank() == 4;
  return isa<scf::ForOp>(op);
}

/// Lets a program whose body this is read each of query, key and value from the argument of that
/// name. Those that share codes all read the argument of the first of them, whose number stands in
/// `firstOf` for each.
static void splitRoles(RewriterBase &rewriter, Block &body, ArrayRef<unsigned> firstOf) {
  constexpr unsigned query = 0, key = 1, value = 2;
  auto splitter = [&](unsigned role) {
    return RoleSplitter(rewriter, body.getArgument(firstOf[role]), body.getArgument(role));
  };
  if (firstOf[key] == key && firstOf[value] == value)
    return;
  RoleSplitter keys = splitter(key), values = splitter(value);
  body.walk([&](Operation *op) {
    if (auto score = dyn_cast<CrossbarScoreOp>(op)) {
      keys.split(score.getKeyMutable());
    } else if (auto recompute = dyn_cast<RecomputeOp>(op)) {
      keys.split(recompute.getKeyMutable());
      values.split(recompute.getValueMutable());
    }
  });
  if (firstOf[key] != query && firstOf[value] != query)
    return;
  // Sizes of the shared codes are those of the queries and of the keys.
  constexpr int64_t tokens = 2;
  unsigned ofKeys = firstOf[key] == query ? key : value;
  SmallVector<tensor::DimOp> sizes;
  for (Operation *user : body.getArgument(query).getUsers())
    if (auto size = dyn_cast<tensor::DimOp>(user); size && size.getConstantIndex() == tokens)
      sizes.push_back(size);
  for (tensor::DimOp size : sizes) {
    rewriter.setInsertionPoint(size);
    auto numKeys =
        tensor::DimOp::create(rewriter, size.getLoc(), body.getArgument(ofKeys), size.getIndex());
    rewriter.replaceUsesWithIf(size, numKeys, [](OpOperand &use) { return !countsQueries(use); });
  }
}

/// Moves `part` into a program called `name` and launches it. Programs stand behind the function
/// that launches them, in the order of their launches; `previous` is the last one, or null.
static FailureOr<ProgramOp> outline(RewriterBase &rewriter, DevicePart &part, SymbolTable &symbols,
                                    StringRef name, ProgramOp previous) {
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
  bool isFirst = !previous || previous->isBeforeInBlock(function);
  rewriter.setInsertionPointAfter(isFirst ? function : previous.getOperation());
  auto program =
      ProgramOp::create(rewriter, loc, name, type, part.inputs(), part.parameters.getScaleAttr(),
                        part.parameters.getThresholdsAttr());
  // Insertion makes the name unique.
  symbols.insert(program);

  SmallVector<Location> locations(operands.size(), loc);
  Block *body = rewriter.createBlock(&program.getBody(), {}, type.getInputs(), locations);
  // Codes that serve as several operands are read as the first, until they are told apart.
  IRMapping mapping;
  SmallVector<unsigned> firstOf;
  for (auto [operand, argument] : llvm::zip_equal(operands, body->getArguments())) {
    if (!mapping.contains(operand))
      mapping.map(operand, argument);
    firstOf.push_back(cast<BlockArgument>(mapping.lookup(operand)).getArgNumber());
  }
  for (Operation *op : slice)
    rewriter.clone(*op, mapping);
  rewriter.clone(*nest, mapping);
  ReturnOp::create(rewriter, loc, mapping.lookup(part.dequantize.getCodes()));
  splitRoles(rewriter, *body, firstOf);

  rewriter.setInsertionPoint(part.dequantize);
  rewriter.replaceOpWithNewOp<LaunchOp>(
      part.dequantize, part.dequantize.getType(), FlatSymbolRefAttr::get(program),
      part.query.getInput(), part.key.getInput(), part.value.getInput(),
      ArrayRef<Value>{part.keyValid, part.mask, part.bias ? part.bias.getBias() : Value()},
      part.dequantize.getInit());
  // What only the device part used goes with it.
  rewriter.eraseOp(nest);
  for (Operation *op : llvm::reverse(slice))
    if (op->use_empty())
      rewriter.eraseOp(op);
  llvm::SmallSetVector<Operation *, 4> around;
  if (part.bias)
    around.insert(part.bias);
  around.insert(part.parameters);
  around.insert_range(ArrayRef<Operation *>{part.query, part.key, part.value});
  for (Operation *op : around)
    if (op->use_empty())
      rewriter.eraseOp(op);
  return program;
}

namespace {

struct OutlinePrograms : mlir::sprint::impl::SprintOutlineProgramsBase<OutlinePrograms> {
  using SprintOutlineProgramsBase::SprintOutlineProgramsBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<DequantizeOp> outputs;
    getOperation().walk([&](DequantizeOp op) { outputs.push_back(op); });
    IRRewriter rewriter(&getContext());
    ProgramOp previous;
    for (auto [index, output] : llvm::enumerate(outputs)) {
      FailureOr<DevicePart> part = findDevicePart(output);
      if (failed(part))
        return signalPassFailure();
      std::string name = outputs.size() == 1 ? "attention" : "attention_" + std::to_string(index);
      FailureOr<ProgramOp> program = outline(rewriter, *part, symbols, name, previous);
      if (failed(program))
        return signalPassFailure();
      previous = *program;
    }
  }
};

} // namespace
