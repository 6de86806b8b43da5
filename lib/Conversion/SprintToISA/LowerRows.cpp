//===- LowerRows.cpp - From blocks of rows to a nest of commands ----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Resources.h"
#include "RowsLowering.h"
#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/ArgumentSlices.h"
#include "Sprint/Dialect/Sprint/IR/LaunchTensors.h"
#include "Sprint/Dialect/Sprint/IR/MachineAttributes.h"
#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Dialect/Sprint/Transforms/AttachedMachine.h"
#include "Sprint/Dialect/Sprint/Transforms/Programs.h"
#include "SprintRuntime/CommandStream.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_CONVERTSPRINTTOISA
#include "Sprint/Conversion/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint_isa;
using ::sprint::Dimension;
using ::sprint::LaunchParameter;
using DeviceProgramOp = mlir::sprint::ProgramOp;
using Slice = ArgumentSlice;

//===----------------------------------------------------------------------===//
// Where things are
//===----------------------------------------------------------------------===//

FailureOr<Slice> RowsLowering::resolve(Operation *op, StringRef what, Value operand,
                                       ProgramInput input) {
  std::optional<Slice> slice = slices->resolve(operand);
  if (slice && slice->input == input)
    return std::move(*slice);
  return op->emitOpError() << "expected its " << what << " to be a part of the program's "
                           << stringifyProgramInput(input);
}

LogicalResult RowsLowering::checkOfHead(Operation *op, Value operand, ProgramInput input,
                                        const Slice &query) {
  FailureOr<Slice> slice = resolve(op, stringifyProgramInput(input), operand, input);
  if (failed(slice))
    return failure();
  if (slice->position == ArrayRef(query.position).take_front(2))
    return success();
  return op->emitOpError() << "expected the " << stringifyProgramInput(input)
                           << " of the head of its query";
}

LogicalResult RowsLowering::checkBlock(Operation *op, const Slice &query, const Slice &key) {
  if (query.queries != 1)
    return op->emitOpError("expected a block of one row, as the machine has lists of single rows "
                           "alone");
  AffineExpr member = simplifyAffineExpr(query.position[1] - key.position[1] * group,
                                         ::sprint::kMaxLoopDepth, ::sprint::kNumLaunchParameters);
  auto constant = dyn_cast<AffineConstantExpr>(member);
  bool isMember = constant && constant.getValue() >= 0 && constant.getValue() < group;
  AffineExpr all = builder.getAffineConstantExpr(group);
  for (auto [counter, extent] : llvm::zip(counters, rows.getExtents().getAsRange<ExprAttr>()))
    isMember |= member == counter && extent == ExprAttr::get(all);
  if (key.position[0] == query.position[0] && isMember)
    return success();
  return op->emitOpError("expected keys and values of the batch element and key head of its query");
}

Block *RowsLowering::getBlockOfHead(const Slice &slice) {
  llvm::SmallBitVector used(bodies.size());
  for (AffineExpr place : ArrayRef(slice.position).take_front(2))
    place.walk([&](AffineExpr node) {
      if (auto counter = dyn_cast<AffineDimExpr>(node))
        used.set(counter.getPosition());
    });
  int depth = used.count();
  return used.find_last() + 1 == depth ? bodies[depth] : nullptr;
}

//===----------------------------------------------------------------------===//
// A pattern an op
//===----------------------------------------------------------------------===//

LogicalResult RowsLowering::lower(CrossbarScoreOp op) {
  FailureOr<Slice> query = resolve(op, "query", op.getQuery(), ProgramInput::Query);
  if (failed(query))
    return failure();
  FailureOr<Slice> key = resolve(op, "key", op.getKey(), ProgramInput::Key);
  if (failed(key) || failed(checkBlock(op, *query, *key)))
    return failure();
  Nibble nibble =
      structure.widths.nibble == ::sprint::Nibble::Centred ? Nibble::Centred : Nibble::Truncated;
  if (op.getNibble() != nibble)
    return op.emitOpError("expected the machine's nibble, ")
           << stringifyNibble(nibble) << ", got " << stringifyNibble(op.getNibble());
  auto fill = op.getInit().getDefiningOp<linalg::FillOp>();
  if (!matchPattern(fill ? fill.getInputs()[0] : op.getInit(), m_Zero()))
    return op.emitOpError("expected scores that begin with zeros");
  FailureOr<Value> written = write(op, MemoryRegion::Query, *query);
  if (failed(written))
    return failure();
  builder.setInsertionPointToEnd(bodies.back());
  Value token = ValueCopyQueryOp::create(builder, op.getLoc(), MachineUnit::Select, at(*query, 0),
                                         at(*query, 1), at(*query, 2), *written);
  selections[op.getResult()] = {*query, *key, std::nullopt, token, {}, {}, {}};
  return success();
}

LogicalResult RowsLowering::lower(PruneOp op) {
  auto scored = selections.find(op.getScores());
  if (scored == selections.end())
    return op.emitOpError("expected its scores from 'sprint.crossbar_score'");
  Selection selection = scored->second;
  if (failed(checkOfHead(op, op.getThreshold(), ProgramInput::Threshold, selection.query)))
    return failure();
  SmallVector<Value> after = {selection.token};
  FailureOr<Value> written = write(op, MemoryRegion::Key, selection.key);
  if (failed(written) ||
      failed(loadRestrictions(op, selection.token.getDefiningOp(), selection, after)))
    return failure();
  after.push_back(*written);
  FailureOr<std::pair<ExprAttr, ExprAttr>> allowed = getAllowedKeys(op, selection.query);
  if (failed(allowed))
    return failure();
  builder.setInsertionPointToEnd(bodies.back());
  selection.token =
      ValueThresholdOp::create(builder, op.getLoc(), MachineUnit::Select, at(selection.query, 0),
                               at(selection.query, 1), allowed->first, allowed->second, after);
  selections[op.getKept()] = selection;
  return success();
}

LogicalResult RowsLowering::lower(AllowOp op) {
  int64_t keys = program.getArgumentType(ProgramInput::Key).getDimSize(2);
  if (!slices->isWhole(op.getKeys(), keys, Dimension::Sk))
    return op.emitOpError("expected all keys of the program");
  selections[op.getKept()].allow = op;
  return success();
}

LogicalResult RowsLowering::listRange(Selection &selection) {
  AllowOp op = selection.allow;
  // A range is listed when the head that it is for is there.
  FailureOr<Value> key = write(op, MemoryRegion::Key, selection.key);
  if (failed(key))
    return failure();
  FailureOr<Value> query = write(op, MemoryRegion::Query, selection.query);
  if (failed(query))
    return failure();
  FailureOr<std::pair<ExprAttr, ExprAttr>> allowed = getAllowedKeys(op, selection.query);
  if (failed(allowed))
    return failure();
  SmallVector<Value> after = {*key, *query};
  builder.setInsertionPointToEnd(bodies.back());
  auto list = ValueListRangeOp::create(builder, op.getLoc(), MachineUnit::Select, allowed->first,
                                       allowed->second, after);
  if (failed(loadRestrictions(op, list, selection, after)))
    return failure();
  list.getAfterMutable().assign(after);
  selection.keys = list.getKeysTo();
  selection.values = list.getValuesTo();
  return success();
}

LogicalResult RowsLowering::lower(GatherOp op) {
  auto selected = selections.find(op.getKept());
  if (selected == selections.end())
    return op.emitOpError("expected what 'sprint.prune' or 'sprint.allow' keeps");
  Selection selection = selected->second;
  if (!selection.allow) {
    builder.setInsertionPointToEnd(bodies.back());
    auto read =
        ValueReadPruningOp::create(builder, op.getLoc(), MachineUnit::Select, selection.token);
    selection.keys = read.getKeysTo();
    selection.values = read.getValuesTo();
  }
  selections[op.getIndices()] = selection;
  return success();
}

LogicalResult RowsLowering::lower(RecomputeOp op) {
  auto gather = op.getIndices().getDefiningOp<GatherOp>();
  if (!gather || op.getOwners() != gather.getOwners() || !selections.contains(gather.getIndices()))
    return op.emitOpError("expected indices and owners of one 'sprint.gather' of its block");
  FailureOr<Slice> query = resolve(op, "query", op.getQuery(), ProgramInput::Query);
  if (failed(query))
    return failure();
  FailureOr<Slice> key = resolve(op, "key", op.getKey(), ProgramInput::Key);
  if (failed(key) || failed(checkBlock(op, *query, *key)))
    return failure();
  FailureOr<Slice> value = resolve(op, "value", op.getValue(), ProgramInput::Value);
  if (failed(value) || failed(checkBlock(op, *query, *value)) ||
      failed(checkOfHead(op, op.getMultiplier(), ProgramInput::Multiplier, *query)) ||
      failed(checkOfHead(op, op.getShift(), ProgramInput::Shift, *query)))
    return failure();
  const ::sprint::Widths &widths = structure.widths;
  auto expected = WidthsAttr::get(op.getContext(), widths.exponentFractionBits, widths.sumBits,
                                  widths.probabilityBits, widths.accumulatorBits);
  if (op.getWidths() != expected)
    return op.emitOpError("expected the machine's widths, ")
           << expected << ", got " << op.getWidths();

  Selection &selection = selections[gather.getIndices()];
  if (selection.allow) {
    selection.query = *query;
    selection.key = *key;
    if (failed(listRange(selection)))
      return failure();
  }
  if (selection.query != *query || selection.key != *key)
    return op.emitOpError("expected the query and keys that its keys were selected for");
  std::optional<Slice> bias = op.getBias() ? slices->resolve(op.getBias()) : std::nullopt;
  if (bool(op.getBias()) != bias.has_value() || bias != selection.bias)
    return op.emitOpError("expected the biases that its keys were selected with");

  FailureOr<Value> queryWritten = write(op, MemoryRegion::Query, *query);
  FailureOr<Value> keyWritten = write(op, MemoryRegion::Key, *key);
  FailureOr<Value> valueWritten = write(op, MemoryRegion::Value, *value);
  if (failed(queryWritten) || failed(keyWritten) || failed(valueWritten))
    return failure();
  builder.setInsertionPointToEnd(bodies.back());
  Location loc = op.getLoc();
  ExprAttr batch = at(*query, 0), head = at(*query, 1), row = at(*query, 2);
  Residency residency = rows.getSchedule().getResidency();
  Value loaded = ValueLoadQueryOp::create(builder, loc, MachineUnit::KeyFetch, batch, head, row,
                                          *queryWritten);
  Value keys = ValueFetchOp::create(builder, loc, MachineUnit::KeyFetch, MemoryRegion::Key,
                                    residency, batch, head, selection.keys, *keyWritten)
                   .getTo();
  Value scores =
      ValueScoreOp::create(builder, loc, MachineUnit::QK, batch, head, row, keys, loaded).getTo();
  Value weights =
      ValueSoftmaxOp::create(builder, loc, MachineUnit::Softmax, batch, head, scores, ValueRange())
          .getTo();
  Value values = ValueFetchOp::create(builder, loc, MachineUnit::ValueFetch, MemoryRegion::Value,
                                      residency, batch, head, selection.values, *valueWritten)
                     .getTo();
  Value sum = ValueAccumulateOp::create(builder, loc, MachineUnit::V, batch, head, weights, values,
                                        ValueRange());
  sums[op.getResult()] = {*query, sum};
  return success();
}

LogicalResult RowsLowering::lower(tensor::InsertSliceOp op) {
  auto sum = sums.find(op.getSource());
  if (sum == sums.end())
    return op.emitOpError("expected a result of 'sprint.recompute'");
  if (op.getDest() != stored)
    return op.emitOpError("expected the output codes with all rows that were stored before");
  const Slice &query = sum->second.first;
  SmallVector<OpFoldResult> offsets = op.getMixedOffsets(), sizes = op.getMixedSizes();
  int64_t channels = program.getArgumentType(ProgramInput::Value).getDimSize(3);
  bool isRow = op.hasUnitStride() && offsets.size() == 4 && isConstantIntValue(offsets[3], 0) &&
               slices->isWhole(sizes[3], channels, Dimension::Dv);
  for (unsigned dim = 0; isRow && dim < 3; ++dim)
    isRow =
        isConstantIntValue(sizes[dim], 1) && slices->evaluate(offsets[dim]) == query.position[dim];
  if (!isRow)
    return op.emitOpError("expected the output row of the query");
  builder.setInsertionPointToEnd(bodies.back());
  ValueStoreOutputOp::create(builder, op.getLoc(), MachineUnit::V, at(query, 0), at(query, 1),
                             at(query, 2), sum->second.second);
  stored = op.getResult();
  return success();
}

LogicalResult RowsLowering::createLoops() {
  bodies.assign(1, &commands.getBody().front());
  for (auto [attr, step] :
       llvm::zip_equal(rows.getExtents().getAsRange<ExprAttr>(), rows.getSteps())) {
    if (attr.getCombine() != Combine::Only)
      return rows.emitOpError("expected affine extents, got ") << attr;
    AffineExpr trip = attr.getExpressions().front().ceilDiv(step);
    // A loop that never turns twice is none of the machine's.
    if (trip == builder.getAffineConstantExpr(1)) {
      counters.push_back(builder.getAffineConstantExpr(0));
      continue;
    }
    if (bodies.size() > static_cast<size_t>(::sprint::kMaxLoopDepth))
      return rows.emitOpError() << "expected at most " << ::sprint::kMaxLoopDepth << " loops";
    counters.push_back(builder.getAffineDimExpr(bodies.size() - 1) * step);
    builder.setInsertionPointToEnd(bodies.back());
    auto loop = LoopOp::create(builder, rows.getLoc(), ExprAttr::get(trip));
    if (bodies.size() == 1)
      nest = loop;
    bodies.push_back(builder.createBlock(&loop.getBody()));
  }
  if (bodies.size() == 1)
    return rows.emitOpError("expected a loop that turns more often than once");
  slices.emplace(program, rows, counters);
  return success();
}

LogicalResult RowsLowering::lower(RowsOp op) {
  if (rows)
    return op.emitOpError("expected one 'sprint.rows' in a program");
  rows = op;
  if (!llvm::all_of(op.getSteps(), [](int64_t step) { return step == 1; }))
    return op.emitOpError("expected blocks of one row, as the machine has lists of single rows "
                          "alone, got steps ")
           << op.getStepsAttr();
  if (op.getInits().size() != 1)
    return op.emitOpError("expected loops that carry the output codes alone");
  Value init = op.getInits().front();
  while (auto cast = init.getDefiningOp<tensor::CastOp>())
    init = cast.getSource();
  if (!init.getDefiningOp<tensor::EmptyOp>())
    return op.emitOpError("expected to begin with an empty tensor");
  if (failed(createLoops()))
    return failure();
  Block &body = op.getBody().front();
  for (Operation &inner : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&inner))
      inner.erase();
  stored = op.getRegionIterArgs().front();
  for (Operation &inner : body.without_terminator())
    if (failed(lower(&inner)))
      return failure();
  auto yield = cast<YieldOp>(body.getTerminator());
  if (yield.getOperand(0) != stored)
    return yield.emitOpError("expected the output codes with all rows that were stored");
  stored = op.getResult(0);
  return placeResources();
}

LogicalResult RowsLowering::lower(Operation *op) {
  bool isOfBlock = isa<SprintDialect>(op->getDialect()) && !isa<RowsOp>(op);
  if (isOfBlock && (!rows || op->getParentOp() != rows))
    return op->emitOpError("expected it in 'sprint.rows'")
           << (isa<AttendOp>(op) ? "; run sprint-tile-to-crossbar first" : "");
  // The select unit holds one query and one pruning vector, and the capacities are those of a
  // block.
  if ((isOfBlock || isa<tensor::InsertSliceOp>(op)) && !lowered.insert(op->getName()).second)
    return op->emitOpError("expected one in the body of 'sprint.rows', for one block");
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<RowsOp, CrossbarScoreOp, PruneOp, AllowOp, GatherOp, RecomputeOp,
            tensor::InsertSliceOp>([&](auto known) { return lower(known); })
      .Default([&](Operation *other) -> LogicalResult {
        if (!isa<SprintDialect>(other->getDialect()) && isMemoryEffectFree(other))
          return success();
        return other->emitOpError("expected an op that commands can say");
      });
}

LogicalResult RowsLowering::placeResources() {
  for (const Resource &resource : getResources()) {
    // The body that holds the first user, and the last user in it.
    Operation *first = nullptr, *last = nullptr;
    nest->walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!first && resource.isFirst(op))
        first = op;
      if (first && resource.isLast(op) && first->getBlock()->findAncestorOpInBlock(*op))
        last = op;
    });
    if (!first)
      continue;
    if (!last)
      return first->emitOpError() << "expected a command behind it that gives back '"
                                  << resource.name << "'";
    builder.setInsertionPoint(findBeginOfChain(first));
    ReserveOp::create(builder, first->getLoc(), cast<UnitCommandOpInterface>(first).getUnit(),
                      resource.name, resource.credits(structure, rows.getSchedule()));
    builder.setInsertionPointAfter(first->getBlock()->findAncestorOpInBlock(*last));
    while (builder.getInsertionPoint() != first->getBlock()->end() &&
           isa<FreeOp>(*builder.getInsertionPoint()))
      builder.setInsertionPointAfter(&*builder.getInsertionPoint());
    FreeOp::create(builder, last->getLoc(), cast<UnitCommandOpInterface>(last).getUnit(),
                   resource.name);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

void RowsLowering::createProgram() {
  SmallVector<int64_t> parameters;
  SmallVector<Attribute> inputs;
  for (const ::sprint::LaunchParameterInfo &info : ::sprint::launchParameters)
    parameters.push_back(info.divisor     ? group
                         : info.dimension ? getSizeOf(program, *info.dimension)
                                          : ::sprint::Program::kDynamic);
  for (MemoryRegion region : getOptionalRegions())
    if (program.getArgument(getProgramInput(region)))
      inputs.push_back(MemoryRegionAttr::get(builder.getContext(), region));
  builder.setInsertionPoint(program.getBody().front().getTerminator());
  commands = sprint_isa::ProgramOp::create(
      builder, program.getLoc(), program.getSymNameAttr(), builder.getStringAttr(machine.getName()),
      builder.getStringAttr(machine.getStructureHash()), builder.getDenseI64ArrayAttr(parameters),
      program.getScaleAttr(), program.getThresholdsAttr(),
      inputs.empty() ? ArrayAttr() : builder.getArrayAttr(inputs), program.getResidentCacheAttr());
  builder.createBlock(&commands.getBody());
}

LogicalResult RowsLowering::run() {
  int64_t heads = getSizeOf(program, Dimension::H), keyHeads = getSizeOf(program, Dimension::G);
  if (ShapedType::isDynamic(heads) || ShapedType::isDynamic(keyHeads))
    return program.emitOpError("expected static numbers of heads");
  group = heads / keyHeads;
  Block &body = program.getBody().front();
  auto end = cast<ReturnOp>(body.getTerminator());
  createProgram();
  for (Operation &op : body.without_terminator()) {
    if (&op == commands)
      continue;
    if (failed(lower(&op)))
      return failure();
  }
  if (!stored || end.getNumOperands() != 1 || end.getOperand(0) != stored)
    return end.emitOpError("expected the output codes of 'sprint.rows'");
  // Expressions are made of what the program says, which may be none of the machine's.
  WalkResult checked = commands.walk([](Operation *op) {
    for (NamedAttribute operand : op->getAttrs())
      if (auto number = dyn_cast<ExprAttr>(operand.getValue()))
        if (failed(ExprAttr::verify([&] { return op->emitOpError(); }, number.getCombine(),
                                    number.getExpressions())))
          return WalkResult::interrupt();
    return WalkResult::advance();
  });
  if (checked.wasInterrupted())
    return failure();

  end->eraseOperand(0);
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (&op != commands && &op != end)
      op.erase();
  return success();
}

namespace {

struct ConvertSprintToISA : mlir::sprint::impl::ConvertSprintToISABase<ConvertSprintToISA> {
  bool canScheduleOn(RegisteredOperationName name) const override {
    return isModuleOrProgram<DeviceProgramOp>(name);
  }

  void runOnOperation() override {
    if (failed(forEachProgram<DeviceProgramOp>(
            getOperation(), [&](DeviceProgramOp program) { return run(program); })))
      signalPassFailure();
  }

private:
  LogicalResult run(DeviceProgramOp program) {
    FailureOr<MachineAttr> machine = getMachine(program);
    if (failed(machine) || failed(RowsLowering(program, *machine).run()))
      return failure();
    ++numLowered;
    return success();
  }
};

} // namespace
