//===- SprintToISA.cpp - From device programs to commands -----------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Dialect/Sprint/Transforms/AttachedMachine.h"
#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"
#include "SprintRuntime/Commands.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_CONVERTSPRINTTOISA
#include "Sprint/Conversion/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;
using ::sprint::LaunchParameter;
using sprint_isa::ExprAttr;
using sprint_isa::MachineUnit;
using sprint_isa::MemoryRegion;

namespace {

/// A loop of a device program and the launch parameter that it counts.
struct DeviceLoop {
  scf::ForOp loop;
  LaunchParameter extent;
};

/// What a device program does, as far as commands need to know.
struct DeviceProgram {
  ProgramOp program;
  /// From the outside in.
  SmallVector<DeviceLoop> loops;
  /// In-memory pruning; null in a dense program.
  PruneOp prune;
  /// What a dense program does instead.
  AllowOp allow;
  ScheduleAttr schedule;

  std::optional<BandAttr> mask() {
    BandAttr band = prune ? prune.getMaskAttr() : allow.getMaskAttr();
    return band ? std::optional(band) : std::nullopt;
  }
  /// Depth of the loop that counts `extent`.
  unsigned depth(LaunchParameter extent) const {
    const auto *it = llvm::find_if(loops, [&](const DeviceLoop &l) { return l.extent == extent; });
    return it - loops.begin();
  }
};

/// Position of an operand among a program's arguments (see ProgramOp).
enum ProgramArgument { QueryCodes = 0, KeyCodes = 1, ValueCodes = 2 };

} // namespace

/// The launch parameter that is the size of dimension `dim` of `argument`.
static LaunchParameter extentOf(unsigned argument, int64_t dim) {
  switch (dim) {
  case 0:
    return LaunchParameter::Batches;
  case 1:
    return LaunchParameter::Heads;
  case 2:
    return argument == QueryCodes ? LaunchParameter::Queries : LaunchParameter::Keys;
  default:
    return argument == ValueCodes ? LaunchParameter::ValueDim : LaunchParameter::HeadDim;
  }
}

/// Finds what `loop` counts: the dimension of a program argument that its counter indexes.
static FailureOr<LaunchParameter> findExtent(ProgramOp program, scf::ForOp loop) {
  if (getConstantIntValue(loop.getLowerBound()) != 0 || getConstantIntValue(loop.getStep()) != 1)
    return loop.emitOpError("expected a loop from 0 in steps of 1");
  for (Operation *user : loop.getInductionVar().getUsers()) {
    auto slice = dyn_cast<tensor::ExtractSliceOp>(user);
    auto source = slice ? dyn_cast<BlockArgument>(slice.getSource()) : BlockArgument();
    if (!source || source.getOwner() != &program.getBody().front())
      continue;
    for (auto [dim, offset] : llvm::enumerate(slice.getMixedOffsets())) {
      if (dyn_cast<Value>(offset) != loop.getInductionVar())
        continue;
      int64_t size = slice.getSourceType().getDimSize(dim);
      auto bound = loop.getUpperBound().getDefiningOp<tensor::DimOp>();
      bool whole = ShapedType::isDynamic(size)
                       ? bound && bound.getSource() == source &&
                             bound.getConstantIndex() == static_cast<int64_t>(dim)
                       : getConstantIntValue(loop.getUpperBound()) == size;
      if (!whole)
        return loop.emitOpError("expected a loop over the whole dimension ")
               << dim << " of program argument " << source.getArgNumber();
      return extentOf(source.getArgNumber(), dim);
    }
  }
  return loop.emitOpError("expected a loop over a dimension of a program argument");
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

/// Checks that `program` is what the passes before this one make.
static FailureOr<DeviceProgram> analyse(ProgramOp program, const ::sprint::Structure &structure) {
  DeviceProgram device;
  device.program = program;
  FailureOr<RecomputeOp> recompute = findOnly<RecomputeOp>(program);
  FailureOr<PruneOp> prune = findOnly<PruneOp>(program);
  FailureOr<AllowOp> allow = findOnly<AllowOp>(program);
  if (failed(recompute) || failed(prune) || failed(allow))
    return failure();
  if (!*recompute || !*prune == !*allow)
    return program.emitOpError("expected one 'sprint.recompute' and one of 'sprint.prune' and "
                               "'sprint.allow'");
  device.prune = *prune;
  device.allow = *allow;

  WalkResult tiled = program.walk([&](CrossbarScoreOp op) {
    int64_t channels = cast<RankedTensorType>(op.getQuery().getType()).getDimSize(1);
    if (!ShapedType::isDynamic(channels) && channels <= structure.arrayRows)
      return WalkResult::advance();
    op.emitOpError("expected at most ")
        << structure.arrayRows << " channels, the rows of an array; run sprint-tile-to-crossbar";
    return WalkResult::interrupt();
  });
  if (tiled.wasInterrupted())
    return failure();

  SmallVector<scf::ForOp> nest;
  for (Operation *op = (*recompute)->getParentOp(); op != program; op = op->getParentOp()) {
    auto loop = dyn_cast<scf::ForOp>(op);
    if (!loop)
      return op->emitOpError("expected only 'scf.for' around 'sprint.recompute'");
    nest.push_back(loop);
  }
  for (scf::ForOp loop : llvm::reverse(nest)) {
    FailureOr<LaunchParameter> extent = findExtent(program, loop);
    if (failed(extent))
      return failure();
    device.loops.push_back({loop, *extent});
  }
  auto counts = [&](LaunchParameter extent) { return device.depth(extent) < device.loops.size(); };
  if (device.loops.size() != 3 || !counts(LaunchParameter::Batches) ||
      !counts(LaunchParameter::Heads) || device.loops[2].extent != LaunchParameter::Queries)
    return program.emitOpError("expected loops over batch, heads and, innermost, queries");

  scf::ForOp queryLoop = device.loops[2].loop;
  device.schedule = queryLoop->getAttrOfType<ScheduleAttr>(SprintDialect::kScheduleAttrName);
  if (!device.schedule)
    return queryLoop.emitOpError("expected a '")
           << SprintDialect::kScheduleAttrName << "' attribute; run sprint-schedule-fetches first";
  if (device.schedule.getQueryBlock() != 1)
    return queryLoop.emitOpError("expected a query block of 1, got ")
           << device.schedule.getQueryBlock();
  Value query = *prune ? prune->getQuery() : allow->getQuery();
  if (query != queryLoop.getInductionVar())
    return program.emitOpError("expected the mask at the query of the loop");
  return device;
}

namespace {

/// Emits the commands of one program.
class CommandBuilder {
public:
  CommandBuilder(OpBuilder &builder, DeviceProgram &device, const ::sprint::Machine &machine)
      : builder(builder), device(device), machine(machine), loc(device.program.getLoc()),
        batch(counter(device.depth(LaunchParameter::Batches))),
        head(counter(device.depth(LaunchParameter::Heads))),
        query(counter(device.depth(LaunchParameter::Queries))) {}

  void run() {
    auto attached = device.program->getParentOfType<ModuleOp>()->getAttrOfType<MachineAttr>(
        SprintDialect::kMachineAttrName);
    builder.setInsertionPoint(device.program);
    auto program = sprint_isa::ProgramOp::create(
        builder, loc, device.program.getSymNameAttr(), builder.getStringAttr(attached.getName()),
        builder.getStringAttr(attached.getStructure()), builder.getDenseI64ArrayAttr(parameters()),
        device.program.getScaleAttr(), device.program.getThresholdsAttr());
    builder.createBlock(&program.getBody());
    queues();
    write();
    select();
    fetchKeys();
    fetchValues();
    score();
    softmax();
    accumulate();
  }

private:
  ExprAttr counter(unsigned depth) {
    return ExprAttr::get(getAffineDimExpr(depth, builder.getContext()));
  }
  AffineExpr parameter(LaunchParameter which) {
    return getAffineSymbolExpr(static_cast<unsigned>(which), builder.getContext());
  }

  /// Sizes of the program's arguments, in the order of the launch parameters.
  SmallVector<int64_t> parameters() {
    SmallVector<int64_t> sizes(::sprint::kNumLaunchParameters, ShapedType::kDynamic);
    for (unsigned argument : {QueryCodes, KeyCodes, ValueCodes}) {
      auto type = cast<RankedTensorType>(device.program.getArgumentTypes()[argument]);
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (!type.isDynamicDim(dim))
          sizes[static_cast<unsigned>(extentOf(argument, dim))] = type.getDimSize(dim);
    }
    return sizes;
  }

  void queues() {
    const ::sprint::Structure &structure = machine.structure;
    auto counting = [&](StringRef name, int64_t credits) {
      sprint_isa::CountingQueueOp::create(builder, loc, name, credits);
    };
    // Heads that ReRAM has room for; given back when a head's last query is done.
    counting("head_slots", structure.residentHeads);
    counting("head_ready", 0);
    // Queries are loaded without waiting for the row's list, so they have a queue of their own.
    counting("queries_ready", 0);
    // Lists of kept keys: of the row being fetched and of those thresholded ahead; those of the
    // values wait until the rows before have left the score buffer, too.
    int64_t rows = device.schedule.getLookahead() + 1;
    int64_t valueLists = rows + structure.scoreRows;
    counting("key_lists", rows);
    counting("value_lists", valueLists);
    counting("query_slots", structure.queryBufferQueries);
    counting("query_ready", 0);
    // Rows whose keys wait to be scored, whose values wait to be summed: those thresholded ahead
    // may be fetched ahead.
    counting("key_rows", rows);
    counting("value_rows", rows);
    counting("score_buffer", structure.scoreRows);
    auto index = [&](StringRef name, int64_t depth) {
      sprint_isa::IndexQueueOp::create(builder, loc, name, depth);
    };
    index("kept_keys", rows);
    index("kept_values", valueLists);
    index("ready_keys", rows);
    index("ready_values", rows);
    index("scores", structure.scoreRows);
    index("weights", structure.scoreRows);
  }

  /// A unit's commands: `head` runs around each head's queries, `row` for each query; either may
  /// add nothing.
  void unit(MachineUnit which, function_ref<void()> beginHead, function_ref<void()> row,
            function_ref<void()> endHead) {
    auto op = sprint_isa::UnitOp::create(builder, loc, which);
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&op.getBody());
    for (const DeviceLoop &loop : device.loops) {
      bool innermost = loop.extent == LaunchParameter::Queries;
      if (innermost && !row)
        break;
      if (innermost)
        beginHead();
      auto isaLoop =
          sprint_isa::LoopOp::create(builder, loc, ExprAttr::get(parameter(loop.extent)));
      builder.createBlock(&isaLoop.getBody());
      if (innermost) {
        row();
        builder.setInsertionPointAfter(isaLoop);
        endHead();
      }
    }
    if (!row)
      beginHead();
  }

  void acquire(StringRef queue) { sprint_isa::AcquireOp::create(builder, loc, queue); }
  void release(StringRef queue) { sprint_isa::ReleaseOp::create(builder, loc, queue); }

  void write() {
    auto head = [&] {
      acquire("head_slots");
      for (MemoryRegion region : {MemoryRegion::Key, MemoryRegion::Value, MemoryRegion::Query})
        sprint_isa::WriteOp::create(builder, loc, region, batch, this->head);
      release("queries_ready");
      release("head_ready");
    };
    unit(MachineUnit::Write, head, nullptr, nullptr);
  }

  void select() {
    auto begin = [&] { acquire("head_ready"); };
    auto row = [&] {
      acquire("key_lists");
      acquire("value_lists");
      auto [first, last] = allowedKeys();
      if (!device.prune) {
        sprint_isa::ListRangeOp::create(builder, loc, first, last, "kept_keys", "kept_values");
        return;
      }
      sprint_isa::CopyQueryOp::create(builder, loc, batch, head, query);
      sprint_isa::ThresholdOp::create(builder, loc, batch, head, first, last);
      sprint_isa::ReadPruningOp::create(builder, loc, "kept_keys", "kept_values");
    };
    unit(MachineUnit::Select, begin, row, [] {});
  }

  /// The band's range of keys for the query of the loop.
  std::pair<ExprAttr, ExprAttr> allowedKeys() {
    MLIRContext *context = builder.getContext();
    AffineExpr zero = getAffineConstantExpr(0, context);
    AffineExpr keys = parameter(LaunchParameter::Keys);
    ExprAttr first = ExprAttr::get(zero), last = ExprAttr::get(keys);
    std::optional<BandAttr> band = device.mask();
    if (!band)
      return {first, last};
    AffineExpr diagonal = query.getExpressions().front();
    if (band->getAlign() == Align::End)
      diagonal = diagonal + keys - parameter(LaunchParameter::Queries);
    if (std::optional<int64_t> lower = band->getLower())
      first = ExprAttr::get(context, sprint_isa::Combine::Max, {zero, diagonal + *lower});
    if (std::optional<int64_t> upper = band->getUpper())
      last = ExprAttr::get(context, sprint_isa::Combine::Min, {keys, diagonal + *upper + 1});
    return {first, last};
  }

  void fetchKeys() {
    auto row = [&] {
      acquire("query_slots");
      sprint_isa::LoadQueryOp::create(builder, loc, batch, head, query);
      release("query_ready");
      acquire("key_rows");
      sprint_isa::FetchOp::create(builder, loc, MemoryRegion::Key, device.schedule.getResidency(),
                                  "kept_keys", "ready_keys", batch, head);
      release("key_lists");
    };
    unit(MachineUnit::KeyFetch, [&] { acquire("queries_ready"); }, row, [] {});
  }

  void fetchValues() {
    auto row = [&] {
      acquire("value_rows");
      sprint_isa::FetchOp::create(builder, loc, MemoryRegion::Value, device.schedule.getResidency(),
                                  "kept_values", "ready_values", batch, head);
      release("value_lists");
    };
    unit(MachineUnit::ValueFetch, [] {}, row, [] {});
  }

  void score() {
    auto row = [&] {
      acquire("query_ready");
      acquire("score_buffer");
      sprint_isa::ScoreOp::create(builder, loc, "ready_keys", "scores", batch, head, query);
      release("key_rows");
      release("query_slots");
    };
    unit(MachineUnit::QK, [] {}, row, [] {});
  }

  void softmax() {
    auto row = [&] {
      sprint_isa::SoftmaxOp::create(builder, loc, "scores", "weights", batch, head);
    };
    unit(MachineUnit::Softmax, [] {}, row, [] {});
  }

  void accumulate() {
    auto row = [&] {
      sprint_isa::AccumulateOp::create(builder, loc, "weights", "ready_values", batch, head);
      sprint_isa::StoreOutputOp::create(builder, loc, batch, head, query);
      release("value_rows");
      release("score_buffer");
    };
    unit(MachineUnit::V, [] {}, row, [&] { release("head_slots"); });
  }

  OpBuilder &builder;
  DeviceProgram &device;
  const ::sprint::Machine &machine;
  Location loc;
  ExprAttr batch, head, query;
};

} // namespace

/// Refuses static sizes that no launch on the machine could have.
static LogicalResult checkCapacity(ProgramOp program, const ::sprint::Machine &machine) {
  const ::sprint::Structure &structure = machine.structure;
  auto key = cast<RankedTensorType>(program.getArgumentTypes()[KeyCodes]);
  auto value = cast<RankedTensorType>(program.getArgumentTypes()[ValueCodes]);
  int64_t headDim = key.getDimSize(3), valueDim = value.getDimSize(3);
  if (ShapedType::isDynamic(headDim) || ShapedType::isDynamic(valueDim))
    return program.emitOpError("expected static head and value dimensions");
  if (structure.bufferedKeys(headDim) < 1)
    return program.emitOpError("expected a key to fit the key buffer of a CORELET of machine '")
           << machine.name << "', got " << headDim << " channels";
  if (structure.bufferedValues(valueDim) < 1)
    return program.emitOpError("expected a value to fit the value buffer of a CORELET of machine '")
           << machine.name << "', got " << valueDim << " channels";
  int64_t keys = key.getDimSize(2);
  if (!ShapedType::isDynamic(keys) && keys > structure.keyCapacity(headDim))
    return program.emitOpError("expected at most ")
           << structure.keyCapacity(headDim) << " keys, the capacity of machine '" << machine.name
           << "', got " << keys;
  return success();
}

namespace {

struct ConvertSprintToISA : mlir::sprint::impl::ConvertSprintToISABase<ConvertSprintToISA> {
  void runOnOperation() override {
    SmallVector<ProgramOp> programs(getOperation().getOps<ProgramOp>());
    if (programs.empty())
      return;
    FailureOr<::sprint::Machine> machine = getAttachedMachine(getOperation());
    if (failed(machine))
      return signalPassFailure();
    OpBuilder builder(&getContext());
    for (ProgramOp program : programs) {
      if (failed(checkCapacity(program, *machine)))
        return signalPassFailure();
      FailureOr<DeviceProgram> device = analyse(program, machine->structure);
      if (failed(device))
        return signalPassFailure();
      CommandBuilder(builder, *device, *machine).run();
      program.erase();
    }
  }
};

} // namespace
