//===- SprintToISA.cpp - From device programs to commands -----------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "DeviceProgram.h"

#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/Transforms/AttachedMachine.h"
#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"

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

  /// A unit's loops and commands: `beginHead` and `endHead` stand before and behind the loop over a
  /// head's queries, `row` in it. A null `row` leaves that loop out, with `endHead`.
  void unit(MachineUnit which, function_ref<void()> beginHead, function_ref<void()> row,
            function_ref<void()> endHead) {
    auto op = sprint_isa::UnitOp::create(builder, loc, which);
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&op.getBody());
    for (LaunchParameter extent : device.loops) {
      bool innermost = extent == LaunchParameter::Queries;
      if (innermost && !row)
        break;
      if (innermost)
        beginHead();
      auto isaLoop = sprint_isa::LoopOp::create(builder, loc, ExprAttr::get(parameter(extent)));
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
      FailureOr<DeviceProgram> device = matchDeviceProgram(program, machine->structure);
      if (failed(device))
        return signalPassFailure();
      CommandBuilder(builder, *device, *machine).run();
      program.erase();
    }
  }
};

} // namespace
