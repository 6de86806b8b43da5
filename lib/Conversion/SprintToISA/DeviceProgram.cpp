//===- DeviceProgram.cpp - What a device program does -----------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "DeviceProgram.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::sprint;
using ::sprint::LaunchParameter;

std::optional<LaunchParameter> mlir::sprint::extentOf(ProgramArgument argument, int64_t dim) {
  switch (dim) {
  case 0:
    return LaunchParameter::Batches;
  case 1:
    return argument == QueryCodes ? std::optional(LaunchParameter::Heads) : std::nullopt;
  case 2:
    return argument == QueryCodes ? LaunchParameter::Queries : LaunchParameter::Keys;
  default:
    return argument == ValueCodes ? LaunchParameter::ValueDim : LaunchParameter::HeadDim;
  }
}

/// The single op of a kind in `program`; null, without an error, where there is none.
template <typename OpTy> static FailureOr<OpTy> findOnly(ProgramOp program) {
  OpTy found;
  WalkResult result = program.walk([&](OpTy op) {
    if (found) {
      op.emitOpError("expected only one in a program");
      return WalkResult::interrupt();
    }
    found = op;
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  return found;
}

/// What `value` is a part of, or another type of.
static Value stripViews(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExtractSliceOp, tensor::CastOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// The first channel of a head that `tokens`, slices of a matrix of its tokens, begin with.
static std::optional<int64_t> getFirstChannel(Value tokens) {
  int64_t first = 0;
  for (auto slice = tokens.getDefiningOp<tensor::ExtractSliceOp>();
       slice && slice.getSourceType().getRank() == 2;
       slice = slice.getSource().getDefiningOp<tensor::ExtractSliceOp>()) {
    std::optional<int64_t> offset = getConstantIntValue(slice.getMixedOffsets()[1]);
    if (!offset)
      return std::nullopt;
    first += *offset;
  }
  return first;
}

namespace {

/// Matches one program, from `recompute` outwards.
class Matcher {
public:
  Matcher(ProgramOp program, const ::sprint::Structure &structure) : structure(structure) {
    device.program = program;
  }

  FailureOr<DeviceProgram> run() {
    if (failed(findOps()) || failed(matchLoops()) || failed(matchSchedule()) ||
        failed(matchRecompute()) || failed(matchSelection()) || failed(matchResult()))
      return failure();
    return device;
  }

private:
  LogicalResult findOps();
  LogicalResult matchLoops();
  LogicalResult matchSchedule();
  LogicalResult matchRecompute();
  LogicalResult matchSelection();
  template <typename OpTy> LogicalResult matchMasks(OpTy selection);
  LogicalResult matchScores();
  LogicalResult matchResult();

  Value argument(ProgramArgument which) { return device.program.getBody().getArgument(which); }
  RankedTensorType argumentType(unsigned which) {
    return cast<RankedTensorType>(device.program.getArgumentTypes()[which]);
  }
  int64_t staticSize(unsigned which, int64_t dim) { return argumentType(which).getDimSize(dim); }

  /// Whether `position` is that of the loop over `extent`; 0 where that loop was folded.
  bool isCounter(OpFoldResult position, LaunchParameter extent) {
    for (auto [loop, counted] : nest)
      if (counted == extent)
        return dyn_cast<Value>(position) == loop.getInductionVar();
    return isConstantIntValue(position, 0);
  }
  bool isExtent(OpFoldResult size, LaunchParameter extent);
  /// Whether dimension `dim` of an argument has the size `extent`.
  bool isExtentOfArgument(unsigned which, int64_t dim, LaunchParameter extent);
  /// Whether `position` is the key head of the loops' head; notes the size of the group.
  bool isKeyHead(OpFoldResult position);
  /// Whether `value` is rows of the codes in `which`: the query of the loops, or all of a head's.
  bool isTokens(Value value, ProgramArgument which);
  /// Whether `value` is the row of key_valid, or of a mask or bias, that belongs to the query of
  /// the loops.
  bool isMaskRow(Value value, unsigned which);
  /// Whether `value` is the element of `which` that belongs to the head of the loops.
  bool isOfHead(Value value, ProgramArgument which) {
    auto extract = value.getDefiningOp<tensor::ExtractOp>();
    return extract && extract.getTensor() == argument(which) &&
           isCounter(OpFoldResult(extract.getIndices()[0]), LaunchParameter::Batches) &&
           isCounter(OpFoldResult(extract.getIndices()[1]), LaunchParameter::Heads);
  }

  const ::sprint::Structure &structure;
  DeviceProgram device;
  /// The loops that there are and what they count, from the outside in.
  SmallVector<std::pair<scf::ForOp, LaunchParameter>> nest;
};

} // namespace

LogicalResult Matcher::findOps() {
  FailureOr<RecomputeOp> recompute = findOnly<RecomputeOp>(device.program);
  FailureOr<PruneOp> prune = findOnly<PruneOp>(device.program);
  FailureOr<AllowOp> allow = findOnly<AllowOp>(device.program);
  if (failed(recompute) || failed(prune) || failed(allow))
    return failure();
  if (!*recompute || !*prune == !*allow)
    return device.program.emitOpError("expected one 'sprint.recompute' and one of 'sprint.prune' "
                                      "and 'sprint.allow'");
  device.recompute = *recompute;
  device.prune = *prune;
  device.allow = *allow;
  return success();
}

bool Matcher::isExtentOfArgument(unsigned which, int64_t dim, LaunchParameter extent) {
  if (which <= ValueCodes)
    return extentOf(static_cast<ProgramArgument>(which), dim) == extent;
  // Head parameters, and the keys of key_valid, masks and biases.
  int64_t rank = argumentType(which).getRank();
  if (which <= Shifts)
    return extent == (dim == 0 ? LaunchParameter::Batches : LaunchParameter::Heads);
  return dim == rank - 1 && extent == LaunchParameter::Keys;
}

/// Whether `size` is the whole of what `extent` counts.
bool Matcher::isExtent(OpFoldResult size, LaunchParameter extent) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return llvm::any_of(ArrayRef{QueryCodes, KeyCodes, ValueCodes}, [&](ProgramArgument which) {
      for (int64_t dim = 0; dim < 4; ++dim)
        if (extentOf(which, dim) == extent && staticSize(which, dim) == *constant)
          return true;
      return false;
    });
  auto dim = cast<Value>(size).getDefiningOp<tensor::DimOp>();
  std::optional<int64_t> index = dim ? dim.getConstantIndex() : std::nullopt;
  if (!index)
    return false;
  if (auto source = dyn_cast<BlockArgument>(dim.getSource()))
    return source.getOwner() == &device.program.getBody().front() &&
           isExtentOfArgument(source.getArgNumber(), *index, extent);
  // The rows of a head's tokens: a matrix.
  auto slice = dim.getSource().getDefiningOp<tensor::ExtractSliceOp>();
  return slice && slice.getType().getRank() == 2 && slice.getSourceType().getRank() == 4 &&
         isExtent(slice.getMixedSizes()[2 + *index], extent);
}

bool Matcher::isKeyHead(OpFoldResult position) {
  int64_t heads = staticSize(QueryCodes, 1), keyHeads = staticSize(KeyCodes, 1);
  if (heads == keyHeads)
    return isCounter(position, LaunchParameter::Heads);
  // A group is as large as the static numbers of heads say.
  if (ShapedType::isDynamic(heads) || ShapedType::isDynamic(keyHeads))
    return false;
  device.group = heads / keyHeads;
  if (keyHeads == 1 && isConstantIntValue(position, 0))
    return true;
  auto value = dyn_cast<Value>(position);
  auto apply = value ? value.getDefiningOp<affine::AffineApplyOp>() : affine::AffineApplyOp();
  if (!apply || apply.getMapOperands().size() != 1)
    return false;
  AffineExpr counter = apply.getAffineMap().getNumDims() == 1
                           ? getAffineDimExpr(0, apply.getContext())
                           : getAffineSymbolExpr(0, apply.getContext());
  return apply.getAffineMap().getResult(0) == counter.floorDiv(device.group) &&
         isCounter(apply.getMapOperands()[0], LaunchParameter::Heads);
}

bool Matcher::isTokens(Value value, ProgramArgument which) {
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice || slice.getSource() != argument(which) || !slice.hasUnitStride())
    return false;
  SmallVector<OpFoldResult> offsets = slice.getMixedOffsets(), sizes = slice.getMixedSizes();
  bool tokens = which == QueryCodes ? isCounter(offsets[1], LaunchParameter::Heads) &&
                                          isCounter(offsets[2], LaunchParameter::Queries) &&
                                          isConstantIntValue(sizes[2], 1)
                                    : isKeyHead(offsets[1]) && isConstantIntValue(offsets[2], 0) &&
                                          isExtent(sizes[2], LaunchParameter::Keys);
  return tokens && isCounter(offsets[0], LaunchParameter::Batches) &&
         isConstantIntValue(offsets[3], 0) && isConstantIntValue(sizes[0], 1) &&
         isConstantIntValue(sizes[1], 1) && isExtent(sizes[3], *extentOf(which, 3));
}

bool Matcher::isMaskRow(Value value, unsigned which) {
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice || slice.getSource() != device.program.getBody().getArgument(which) ||
      !slice.hasUnitStride())
    return false;
  SmallVector<OpFoldResult> offsets = slice.getMixedOffsets(), sizes = slice.getMixedSizes();
  int64_t last = argumentType(which).getRank() - 1;
  if (!isConstantIntValue(offsets[last], 0) || !isExtent(sizes[last], LaunchParameter::Keys))
    return false;
  for (int64_t dim = 0; dim < last; ++dim) {
    // What is the same for all has a size of 1.
    bool isShared = last == 3 && staticSize(which, dim) == 1 && staticSize(QueryCodes, dim) != 1;
    if (!isConstantIntValue(sizes[dim], 1) ||
        !(isShared ? isConstantIntValue(offsets[dim], 0)
                   : isCounter(offsets[dim], *extentOf(QueryCodes, dim)) ||
                         (staticSize(which, dim) == 1 && isConstantIntValue(offsets[dim], 0))))
      return false;
  }
  return true;
}

LogicalResult Matcher::matchLoops() {
  RecomputeOp recompute = device.recompute;
  auto query = recompute.getQuery().getDefiningOp<tensor::ExtractSliceOp>();
  if (!query || query.getSource() != argument(QueryCodes))
    return recompute.emitOpError("expected its query from argument 0 of the program");
  SmallVector<OpFoldResult> offsets = query.getMixedOffsets();

  SmallVector<scf::ForOp> loops;
  for (Operation *op = recompute->getParentOp(); op != device.program; op = op->getParentOp()) {
    auto loop = dyn_cast<scf::ForOp>(op);
    if (!loop)
      return op->emitOpError("expected only 'scf.for' around 'sprint.recompute'");
    loops.push_back(loop);
  }
  for (scf::ForOp loop : llvm::reverse(loops)) {
    if (!isConstantIntValue(loop.getLowerBound(), 0) || !isConstantIntValue(loop.getStep(), 1))
      return loop.emitOpError("expected a loop from 0 in steps of 1");
    const auto *offset = llvm::find(offsets, OpFoldResult(loop.getInductionVar()));
    if (offset == offsets.end())
      return loop.emitOpError("expected a loop over a dimension of argument 0 of the program");
    int64_t dim = offset - offsets.begin();
    nest.push_back({loop, *extentOf(QueryCodes, dim)});
    device.loops.push_back(nest.back().second);
    if (!isExtent(loop.getUpperBound(), nest.back().second))
      return loop.emitOpError("expected a loop over the whole dimension ")
             << dim << " of argument 0 of the program";
  }
  // Canonicalization folds loops of one iteration; commands keep them, as their number must not
  // depend on lengths.
  for (auto [dim, extent] : {std::pair(0, LaunchParameter::Batches), {1, LaunchParameter::Heads}})
    if (!llvm::is_contained(device.loops, extent) && staticSize(QueryCodes, dim) == 1)
      device.loops.insert(device.loops.begin() + std::min<size_t>(dim, device.loops.size()),
                          extent);
  if (device.loops.size() != 3 || device.loops[2] != LaunchParameter::Queries ||
      device.loops[0] == device.loops[1])
    return device.program.emitOpError("expected loops over batch, heads and, innermost, queries");
  return success();
}

LogicalResult Matcher::matchSchedule() {
  scf::ForOp loop = nest.back().first;
  device.schedule = loop->getAttrOfType<ScheduleAttr>(SprintDialect::kScheduleAttrName);
  if (!device.schedule)
    return loop.emitOpError("expected a '")
           << SprintDialect::kScheduleAttrName << "' attribute; run sprint-schedule-fetches first";
  if (device.schedule.getQueryBlock() != 1)
    return loop.emitOpError("expected a query block of 1, got ") << device.schedule.getQueryBlock();
  return success();
}

LogicalResult Matcher::matchRecompute() {
  RecomputeOp recompute = device.recompute;
  auto expectArgument = [&](bool matches, StringRef operand, unsigned which) -> LogicalResult {
    if (matches)
      return success();
    return recompute.emitOpError("expected its ")
           << operand << " from argument " << which
           << " of the program, at the batch, head and query of the loops";
  };
  if (failed(expectArgument(isTokens(recompute.getQuery(), QueryCodes), "query", QueryCodes)) ||
      failed(expectArgument(isTokens(recompute.getKey(), KeyCodes), "key", KeyCodes)) ||
      failed(expectArgument(isTokens(recompute.getValue(), ValueCodes), "value", ValueCodes)) ||
      failed(expectArgument(isOfHead(recompute.getMultiplier(), Multipliers), "multiplier",
                            Multipliers)) ||
      failed(expectArgument(isOfHead(recompute.getShift(), Shifts), "shift", Shifts)))
    return failure();
  const ::sprint::Widths &widths = structure.widths;
  auto expected = WidthsAttr::get(recompute.getContext(), widths.exponentFractionBits,
                                  widths.sumBits, widths.probabilityBits, widths.accumulatorBits);
  if (recompute.getWidths() != expected)
    return recompute.emitOpError("expected the machine's widths, ")
           << expected << ", got " << recompute.getWidths();
  return success();
}

LogicalResult Matcher::matchSelection() {
  auto gather = device.recompute.getIndices().getDefiningOp<GatherOp>();
  Operation *selection = device.prune ? device.prune.getOperation() : device.allow.getOperation();
  if (!gather || device.recompute.getIndices() != gather.getIndices() ||
      device.recompute.getOwners() != gather.getOwners() ||
      gather.getKept() != selection->getResult(0))
    return device.recompute.emitOpError("expected indices and owners of what '")
           << selection->getName() << "' keeps";
  Value query = device.prune ? device.prune.getQuery() : device.allow.getQuery();
  Value queries = device.prune ? device.prune.getQueries() : device.allow.getQueries();
  if (!isCounter(query, LaunchParameter::Queries) || !isExtent(queries, LaunchParameter::Queries))
    return selection->emitOpError("expected the query of the loop, of all queries");
  if (failed(device.prune ? matchMasks(device.prune) : matchMasks(device.allow)))
    return failure();
  if (device.prune)
    return matchScores();
  if (!isConstantIntValue(device.allow.getRows(), 1) ||
      !isExtent(device.allow.getKeys(), LaunchParameter::Keys))
    return selection->emitOpError("expected 1 row and all keys");
  return success();
}

template <typename OpTy> LogicalResult Matcher::matchMasks(OpTy selection) {
  ValueRange masks = selection.getMasks();
  SmallVector<unsigned> taken;
  for (std::optional<unsigned> index : {device.program.getArgumentIndex(ProgramInput::KeyValid),
                                        device.program.getArgumentIndex(ProgramInput::Mask)})
    if (index)
      taken.push_back(*index);
  if (masks.size() != taken.size())
    return selection.emitOpError("expected ")
           << taken.size() << " masks, as many as the program takes, got " << masks.size();
  for (unsigned index : taken)
    if (llvm::none_of(masks, [&](Value mask) { return isMaskRow(mask, index); }))
      return selection.emitOpError("expected among its masks the row of argument ")
             << index << " of the program that belongs to the query of the loops";

  std::optional<unsigned> biasIndex = device.program.getArgumentIndex(ProgramInput::Bias);
  auto matches = [&](Value value) {
    return biasIndex ? value && isMaskRow(value, *biasIndex) : !value;
  };
  for (auto [op, operand] : {std::pair(selection.getOperation(), selection.getBias()),
                             {device.recompute.getOperation(), device.recompute.getBias()}})
    if (!matches(operand))
      return op->emitOpError("expected ")
             << (biasIndex ? "the biases of the query of the loops" : "no bias")
             << ", as the program takes " << (biasIndex ? "them" : "none");
  if (biasIndex && !(isOfHead(selection.getMultiplier(), Multipliers) &&
                     isOfHead(selection.getShift(), Shifts) &&
                     isExtent(OpFoldResult(selection.getChannels()), LaunchParameter::HeadDim)))
    return selection.emitOpError("expected the multiplier and shift of the head of the loops, and "
                                 "the channels of its keys");
  return success();
}

LogicalResult Matcher::matchScores() {
  PruneOp prune = device.prune;
  if (!isOfHead(prune.getThreshold(), Thresholds))
    return prune.emitOpError("expected its threshold from argument ")
           << unsigned(Thresholds) << " of the program, at the batch and head of the loops";

  // Upwards from the sums of all channels to the zeros that they begin with.
  RecomputeOp recompute = device.recompute;
  Nibble nibble =
      structure.widths.nibble == ::sprint::Nibble::Centred ? Nibble::Centred : Nibble::Truncated;
  int64_t channelsLeft = staticSize(QueryCodes, 3);
  Value sums = stripViews(prune.getScores());
  while (true) {
    if (auto argument = dyn_cast<BlockArgument>(sums)) {
      auto forall = dyn_cast<scf::ForallOp>(argument.getOwner()->getParentOp());
      if (!forall)
        break;
      sums = stripViews(forall.getTiedOpOperand(argument)->get());
    } else if (auto forall = sums.getDefiningOp<scf::ForallOp>()) {
      auto inserts = forall.getCombiningOps(
          forall.getTiedBlockArgument(forall.getTiedOpOperand(cast<OpResult>(sums))));
      auto insert = inserts.size() == 1 ? dyn_cast<tensor::ParallelInsertSliceOp>(inserts.front())
                                        : tensor::ParallelInsertSliceOp();
      if (!insert)
        break;
      sums = stripViews(insert.getSource());
    } else if (auto insert = sums.getDefiningOp<tensor::InsertSliceOp>()) {
      sums = stripViews(insert.getSource());
    } else if (auto score = sums.getDefiningOp<CrossbarScoreOp>()) {
      int64_t channels = cast<RankedTensorType>(score.getQuery().getType()).getDimSize(1);
      if (ShapedType::isDynamic(channels) || channels > structure.arrayRows)
        return score.emitOpError("expected at most ")
               << structure.arrayRows
               << " channels, the rows of an array; run sprint-tile-to-crossbar";
      if (score.getNibble() != nibble)
        return score.emitOpError("expected the machine's nibble, ")
               << stringifyNibble(nibble) << ", got " << stringifyNibble(score.getNibble());
      channelsLeft -= channels;
      if (stripViews(score.getQuery()) != stripViews(recompute.getQuery()) ||
          stripViews(score.getKey()) != stripViews(recompute.getKey()) ||
          getFirstChannel(score.getQuery()) != channelsLeft ||
          getFirstChannel(score.getKey()) != channelsLeft)
        return score.emitOpError("expected the next channels of the query and keys of "
                                 "'sprint.recompute'");
      sums = stripViews(score.getInit());
    } else {
      break;
    }
  }
  auto fill = sums.getDefiningOp<linalg::FillOp>();
  if (channelsLeft != 0 || !matchPattern(fill ? fill.getInputs()[0] : sums, m_Zero()))
    return prune.emitOpError("expected scores over all channels, 'sprint.crossbar_score' added up "
                             "from zero");
  return success();
}

LogicalResult Matcher::matchResult() {
  Value codes = device.recompute.getResult();
  auto insert = codes.hasOneUse() ? dyn_cast<tensor::InsertSliceOp>(*codes.user_begin())
                                  : tensor::InsertSliceOp();
  if (!insert)
    return device.recompute.emitOpError("expected its result in a row of the output codes");
  SmallVector<OpFoldResult> offsets = insert.getMixedOffsets(), sizes = insert.getMixedSizes();
  bool row = insert.getSource() == codes && insert.hasUnitStride() &&
             insert.getDestType().getRank() == 4 &&
             isCounter(offsets[0], LaunchParameter::Batches) &&
             isCounter(offsets[1], LaunchParameter::Heads) &&
             isCounter(offsets[2], LaunchParameter::Queries) && isConstantIntValue(offsets[3], 0) &&
             llvm::all_of(ArrayRef(sizes).take_front(3),
                          [](OpFoldResult size) { return isConstantIntValue(size, 1); }) &&
             isExtent(sizes[3], LaunchParameter::ValueDim);
  if (!row)
    return insert.emitOpError("expected the output row of the batch, head and query of the loops");

  // Each loop hands the output codes on.
  Value destination = insert.getDest(), updated = insert.getResult();
  for (scf::ForOp loop : llvm::reverse(llvm::make_first_range(nest))) {
    if (loop.getNumResults() != 1 || destination != loop.getRegionIterArg(0) ||
        loop.getYieldedValues()[0] != updated)
      return loop.emitOpError("expected a loop that carries the output codes alone");
    destination = loop.getInitArgs()[0];
    updated = loop.getResult(0);
  }
  Operation *end = device.program.getBody().front().getTerminator();
  if (end->getNumOperands() != 1 || end->getOperand(0) != updated)
    return end->emitOpError("expected the output codes of the loops");
  return success();
}

FailureOr<DeviceProgram> mlir::sprint::matchDeviceProgram(ProgramOp program,
                                                          const ::sprint::Structure &structure) {
  return Matcher(program, structure).run();
}
