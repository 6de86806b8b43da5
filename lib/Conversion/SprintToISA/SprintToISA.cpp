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
      : builder(builder), device(device), machine(machine), loc(device.program.getLoc()) {
    arrangeLoops();
  }

  void run() {
    auto attached = device.program->getParentOfType<ModuleOp>()->getAttrOfType<MachineAttr>(
        SprintDialect::kMachineAttrName);
    builder.setInsertionPoint(device.program);
    auto program = sprint_isa::ProgramOp::create(
        builder, loc, device.program.getSymNameAttr(), builder.getStringAttr(attached.getName()),
        builder.getStringAttr(attached.getStructure()), builder.getDenseI64ArrayAttr(parameters()),
        device.program.getScaleAttr(), device.program.getThresholdsAttr(), inputs());
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
  /// What a loop of the commands counts.
  struct CommandLoop {
    enum Kind { Outer, Member, Query } kind;
    AffineExpr trip;
  };

  /// The program's loops, with that over heads divided into key heads and, inside of all but the
  /// queries, the members of a group: so a group's keys and values stay where they are until its
  /// last member is done.
  void arrangeLoops() {
    MLIRContext *context = builder.getContext();
    unsigned depth = 0;
    AffineExpr member = getAffineConstantExpr(0, context), batchCounter, keyHeadCounter;
    for (LaunchParameter extent : ArrayRef(device.loops).drop_back()) {
      AffineExpr counter = getAffineDimExpr(depth++, context), trip = parameter(extent);
      bool isHeads = extent == LaunchParameter::Heads;
      (isHeads ? keyHeadCounter : batchCounter) = counter;
      loops.push_back({CommandLoop::Outer, isHeads ? trip.floorDiv(device.group) : trip});
    }
    if (device.group != 1) {
      member = getAffineDimExpr(depth++, context);
      loops.push_back({CommandLoop::Member, getAffineConstantExpr(device.group, context)});
    }
    loops.push_back({CommandLoop::Query, parameter(LaunchParameter::Queries)});
    batch = ExprAttr::get(batchCounter);
    keyHead = ExprAttr::get(keyHeadCounter);
    head = ExprAttr::get(keyHeadCounter * device.group + member);
    query = ExprAttr::get(getAffineDimExpr(depth, context));
  }

  AffineExpr parameter(LaunchParameter which) {
    return getAffineSymbolExpr(static_cast<unsigned>(which), builder.getContext());
  }
  ExprAttr zero() { return ExprAttr::get(getAffineConstantExpr(0, builder.getContext())); }

  /// Sizes of the program's arguments, in the order of the launch parameters.
  SmallVector<int64_t> parameters() {
    SmallVector<int64_t> sizes(::sprint::kNumLaunchParameters, ShapedType::kDynamic);
    for (ProgramArgument argument : {QueryCodes, KeyCodes, ValueCodes}) {
      auto type = cast<RankedTensorType>(device.program.getArgumentTypes()[argument]);
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (std::optional<LaunchParameter> extent = extentOf(argument, dim);
            extent && !type.isDynamicDim(dim))
          sizes[static_cast<unsigned>(*extent)] = type.getDimSize(dim);
    }
    sizes[static_cast<unsigned>(LaunchParameter::Group)] = device.group;
    return sizes;
  }

  /// The tensors beside query, key and value; null where there are none.
  ArrayAttr inputs() {
    SmallVector<Attribute> regions;
    for (MemoryRegion region : getOptionalRegions())
      if (device.program.getArgumentIndex(getProgramInput(region)))
        regions.push_back(sprint_isa::MemoryRegionAttr::get(builder.getContext(), region));
    return regions.empty() ? ArrayAttr() : builder.getArrayAttr(regions);
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

  /// What a unit does around its loops; what is null does nothing.
  struct UnitBody {
    /// Before and behind the heads that share a key head.
    function_ref<void()> beginKeyHead = nullptr;
    function_ref<void()> endKeyHead = nullptr;
    /// Before the queries of a head.
    function_ref<void()> beginHead = nullptr;
    /// Once a query; without it the unit has no loop over queries.
    function_ref<void()> row = nullptr;
  };

  /// A unit's loops and commands.
  void unit(MachineUnit which, const UnitBody &body) {
    auto op = sprint_isa::UnitOp::create(builder, loc, which);
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&op.getBody());
    emitLoops(loops, body);
  }

  void emitLoops(ArrayRef<CommandLoop> left, const UnitBody &body) {
    auto call = [](function_ref<void()> commands) {
      if (commands)
        commands();
    };
    const CommandLoop &next = left.front();
    bool isQuery = next.kind == CommandLoop::Query;
    bool isInsideKeyHead = next.kind != CommandLoop::Outer;
    bool isFirstInsideKeyHead = isInsideKeyHead && left.size() == (device.group == 1 ? 1 : 2);
    if (isFirstInsideKeyHead)
      call(body.beginKeyHead);
    if (isQuery)
      call(body.beginHead);
    // What happens only once a key head needs no loop over the group.
    bool isNeeded = isQuery ? bool(body.row) : !isInsideKeyHead || body.beginHead || body.row;
    if (isNeeded) {
      auto loop = sprint_isa::LoopOp::create(builder, loc, ExprAttr::get(next.trip));
      OpBuilder::InsertionGuard guard(builder);
      builder.createBlock(&loop.getBody());
      if (isQuery)
        body.row();
      else
        emitLoops(left.drop_front(), body);
    }
    if (isFirstInsideKeyHead)
      call(body.endKeyHead);
  }

  void acquire(StringRef queue) { sprint_isa::AcquireOp::create(builder, loc, queue); }
  void release(StringRef queue) { sprint_isa::ReleaseOp::create(builder, loc, queue); }

  void write() {
    auto writeRegion = [&](MemoryRegion region, ExprAttr ofHead) {
      sprint_isa::WriteOp::create(builder, loc, region, batch, ofHead);
    };
    auto beginKeyHead = [&] {
      acquire("head_slots");
      writeRegion(MemoryRegion::Key, keyHead);
      writeRegion(MemoryRegion::Value, keyHead);
    };
    auto beginHead = [&] {
      writeRegion(MemoryRegion::Query, head);
      if (ArrayAttr regions = inputs())
        for (auto region : regions.getAsRange<sprint_isa::MemoryRegionAttr>())
          writeRegion(region.getValue(), head);
      release("queries_ready");
      release("head_ready");
    };
    unit(MachineUnit::Write, {.beginKeyHead = beginKeyHead, .beginHead = beginHead});
  }

  void select() {
    ProgramOp program = device.program;
    std::optional<unsigned> mask = program.getArgumentIndex(ProgramInput::Mask),
                            bias = program.getArgumentIndex(ProgramInput::Bias);
    auto loadMask = [&](MemoryRegion region, ExprAttr row) {
      sprint_isa::LoadMaskOp::create(builder, loc, region, batch, head, row);
    };
    auto beginHead = [&] {
      acquire("head_ready");
      if (program.getArgumentIndex(ProgramInput::KeyValid))
        loadMask(MemoryRegion::KeyValid, zero());
      if (mask && !device.hasRowForEachQuery(*mask))
        loadMask(MemoryRegion::Mask, zero());
      if (bias && !device.hasRowForEachQuery(*bias))
        sprint_isa::LoadBiasOp::create(builder, loc, batch, head, zero());
    };
    auto row = [&] {
      acquire("key_lists");
      acquire("value_lists");
      if (mask && device.hasRowForEachQuery(*mask))
        loadMask(MemoryRegion::Mask, query);
      if (bias && device.hasRowForEachQuery(*bias))
        sprint_isa::LoadBiasOp::create(builder, loc, batch, head, query);
      auto [first, last] = allowedKeys();
      if (!device.prune) {
        sprint_isa::ListRangeOp::create(builder, loc, first, last, "kept_keys", "kept_values");
        return;
      }
      sprint_isa::CopyQueryOp::create(builder, loc, batch, head, query);
      sprint_isa::ThresholdOp::create(builder, loc, batch, head, first, last);
      sprint_isa::ReadPruningOp::create(builder, loc, "kept_keys", "kept_values");
    };
    unit(MachineUnit::Select, {.beginHead = beginHead, .row = row});
  }

  /// The band's range of keys for the query of the loop.
  std::pair<ExprAttr, ExprAttr> allowedKeys() {
    MLIRContext *context = builder.getContext();
    AffineExpr zero = getAffineConstantExpr(0, context);
    AffineExpr keys = parameter(LaunchParameter::Keys);
    ExprAttr first = ExprAttr::get(zero), last = ExprAttr::get(keys);
    BandAttr band = device.band();
    if (!band)
      return {first, last};
    AffineExpr diagonal = query.getExpressions().front();
    if (band.getAlign() == Align::End)
      diagonal = diagonal + keys - parameter(LaunchParameter::Queries);
    if (std::optional<int64_t> lower = band.getLower())
      first = ExprAttr::get(context, sprint_isa::Combine::Max, {zero, diagonal + *lower});
    if (std::optional<int64_t> upper = band.getUpper())
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
    auto beginHead = [&] { acquire("queries_ready"); };
    unit(MachineUnit::KeyFetch, {.beginHead = beginHead, .row = row});
  }

  void fetchValues() {
    auto row = [&] {
      acquire("value_rows");
      sprint_isa::FetchOp::create(builder, loc, MemoryRegion::Value, device.schedule.getResidency(),
                                  "kept_values", "ready_values", batch, head);
      release("value_lists");
    };
    unit(MachineUnit::ValueFetch, {.row = row});
  }

  void score() {
    auto row = [&] {
      acquire("query_ready");
      acquire("score_buffer");
      sprint_isa::ScoreOp::create(builder, loc, "ready_keys", "scores", batch, head, query);
      release("key_rows");
      release("query_slots");
    };
    unit(MachineUnit::QK, {.row = row});
  }

  void softmax() {
    auto row = [&] {
      sprint_isa::SoftmaxOp::create(builder, loc, "scores", "weights", batch, head);
    };
    unit(MachineUnit::Softmax, {.row = row});
  }

  void accumulate() {
    auto row = [&] {
      sprint_isa::AccumulateOp::create(builder, loc, "weights", "ready_values", batch, head);
      sprint_isa::StoreOutputOp::create(builder, loc, batch, head, query);
      release("value_rows");
      release("score_buffer");
    };
    auto endKeyHead = [&] { release("head_slots"); };
    unit(MachineUnit::V, {.endKeyHead = endKeyHead, .row = row});
  }

  OpBuilder &builder;
  DeviceProgram &device;
  const ::sprint::Machine &machine;
  Location loc;
  /// From the outside in.
  SmallVector<CommandLoop> loops;
  ExprAttr batch, keyHead, head, query;
};

} // namespace

/// Refuses static sizes that no launch on the machine could have.
static LogicalResult checkCapacity(ProgramOp program, const ::sprint::Machine &machine) {
  auto key = cast<RankedTensorType>(program.getArgumentTypes()[KeyCodes]);
  auto value = cast<RankedTensorType>(program.getArgumentTypes()[ValueCodes]);
  if (std::optional<std::string> obstacle = findCapacityObstacle(
          machine, {key.getDimSize(3), value.getDimSize(3), key.getDimSize(2)}))
    return program.emitOpError() << *obstacle;
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
