//===- Distribute.cpp - From one nest to a sequence for each unit ---------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each unit keeps the loops around its commands and these alone. What a command of one unit hands
// to one of another becomes a queue between them.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Dialect/Sprint/Transforms/Programs.h"
#include "SprintRuntime/Commands.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTDISTRIBUTEUNITS
#include "Sprint/Conversion/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint_isa;

static MachineUnit getUnit(Operation *op) { return cast<UnitCommandOpInterface>(op).getUnit(); }

namespace {

/// What happens before what, in every turn of the loops that two ops of a nest share. As in any
/// nest of values, nothing happens before what stands in front of it.
class HappensBefore {
public:
  explicit HappensBefore(ProgramOp program) {
    DenseMap<MachineUnit, Operation *> previous;
    program.walk([&](UnitCommandOpInterface op) {
      numbers.try_emplace(op, successors.size());
      successors.emplace_back();
      // A unit runs its commands in their order.
      Operation *&before = previous[op.getUnit()];
      if (before)
        add(before, op);
      before = op;
    });
  }

  void add(Operation *from, Operation *to) {
    successors[numbers.lookup(from)].push_back(numbers.lookup(to));
  }
  void remove(Operation *from, Operation *to) {
    auto &of = successors[numbers.lookup(from)];
    of.erase(llvm::find(of, numbers.lookup(to)));
  }

  bool test(Operation *from, Operation *to) const {
    unsigned first = numbers.lookup(from), last = numbers.lookup(to);
    llvm::SmallBitVector reached(successors.size());
    reached.set(first);
    for (unsigned number = first; number < last; ++number)
      if (reached.test(number))
        for (unsigned next : successors[number])
          reached.set(next);
    return reached.test(last);
  }

private:
  DenseMap<Operation *, unsigned> numbers;
  SmallVector<SmallVector<unsigned, 3>> successors;
};

/// Credits for the commands of one body of one unit, that another unit waits for.
struct TokenQueue {
  std::string name;
  /// The last of the commands.
  Operation *last;
  /// The unit that waits, and in front of what of that body.
  MachineUnit waiting;
  Operation *first;
};

/// Distributes one program over the units.
class Distribution {
public:
  explicit Distribution(ProgramOp program)
      : builder(program), program(program), order(program), nest(&program.getBody().front()) {}

  LogicalResult run();

private:
  LogicalResult collectEdges();
  void joinTokens();
  LogicalResult createCapacities();
  std::string nameQueue(Operation *from, StringRef relation, MachineUnit to);
  void emitBody(Block &body, MachineUnit unit);
  void emitCommand(Operation *op);
  /// Notes the units of the commands that are or stand in the ops of `body`, and returns them all.
  unsigned collectUnits(Block &body);
  /// Whether `op` is a command of `unit` or holds one.
  bool concerns(Operation *op, MachineUnit unit) {
    return units.lookup(op) >> static_cast<unsigned>(unit) & 1;
  }

  OpBuilder builder;
  ProgramOp program;
  HappensBefore order;
  Block *nest;
  /// A bit for each unit.
  DenseMap<Operation *, unsigned> units;
  llvm::StringSet<> names;
  /// What each list that a command puts is taken by.
  SmallVector<OpOperand *> lists;
  /// The queue that a list becomes.
  DenseMap<Value, std::string> listQueues;
  /// Commands and those of other units that wait for them.
  SmallVector<std::pair<Operation *, Operation *>> tokens;
  SmallVector<TokenQueue> tokenQueues;
};

} // namespace

std::string Distribution::nameQueue(Operation *from, StringRef relation, MachineUnit to) {
  std::string name =
      (stringifyMachineUnit(getUnit(from)) + relation + stringifyMachineUnit(to)).str();
  std::string unique = name;
  for (int count = 1; !names.insert(unique).second; ++count)
    unique = name + "_" + std::to_string(count);
  return unique;
}

LogicalResult Distribution::collectEdges() {
  WalkResult result = program.walk([&](UnitCommandOpInterface op) {
    for (Value list : op->getResults()) {
      if (!isa<ListType>(list.getType()))
        continue;
      if (!list.hasOneUse() || (*list.user_begin())->getBlock() != op->getBlock()) {
        op->emitOpError("expected its lists to be taken once, in the body that they are put in");
        return WalkResult::interrupt();
      }
      lists.push_back(&*list.use_begin());
      order.add(op, *list.user_begin());
    }
    for (Value operand : op->getOperands())
      if (Operation *before = operand.getDefiningOp();
          isa<TokenType>(operand.getType()) && getUnit(before) != op.getUnit()) {
        tokens.push_back({before, op});
        order.add(before, op);
      }
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  // What another edge implies needs no queue: a wait for the same command, or a later one of its
  // unit, in front of what leads to the same place. A list says nothing of the commands before the
  // one that puts it, which may still run.
  for (size_t index = 0; index < tokens.size();) {
    auto [from, to] = tokens[index];
    order.remove(from, to);
    bool isImplied = llvm::any_of(llvm::enumerate(tokens), [&, from = from, to = to](auto other) {
      auto [later, first] = other.value();
      return other.index() != index && getUnit(later) == getUnit(from) && order.test(from, later) &&
             order.test(first, to);
    });
    if (isImplied) {
      tokens.erase(tokens.begin() + index);
    } else {
      order.add(from, to);
      ++index;
    }
  }
  return success();
}

void Distribution::joinTokens() {
  // What one unit does in one body is told at once, when the last of it is done.
  DenseMap<std::pair<Block *, MachineUnit>, Operation *> last;
  for (auto [from, to] : tokens) {
    Operation *&latest = last[{from->getBlock(), getUnit(from)}];
    if (!latest || latest->isBeforeInBlock(from))
      latest = from;
  }
  for (auto [from, to] : tokens) {
    Block *body = from->getBlock();
    Operation *latest = last[{body, getUnit(from)}], *first = body->findAncestorOpInBlock(*to);
    auto *known = llvm::find_if(tokenQueues, [&, waiting = getUnit(to)](const TokenQueue &queue) {
      return queue.last == latest && queue.waiting == waiting;
    });
    if (known == tokenQueues.end())
      tokenQueues.push_back({nameQueue(from, "_before_", getUnit(to)), latest, getUnit(to), first});
    else if (first->isBeforeInBlock(known->first))
      known->first = first;
  }
}

LogicalResult Distribution::createCapacities() {
  llvm::MapVector<StringRef, std::pair<ReserveOp, FreeOp>> capacities;
  program.walk([&](Operation *op) {
    if (auto reserve = dyn_cast<ReserveOp>(op))
      capacities[reserve.getResource()].first = reserve;
    else if (auto free = dyn_cast<FreeOp>(op))
      capacities[free.getResource()].second = free;
  });
  for (auto &[name, ends] : capacities) {
    auto [reserve, free] = ends;
    if (!reserve || !free || reserve->getBlock() != free->getBlock())
      return (reserve ? reserve.getOperation() : free.getOperation())
          ->emitOpError("expected a 'reserve' and a 'free' of it in one body");
    names.insert(name);
    CountingQueueOp::create(builder, reserve.getLoc(), name, reserve.getCredits());
  }
  // A queue of lists does not hold its putter back, so it is as deep as the tightest capacity that
  // is taken before a list is put and given back after it is taken.
  for (OpOperand *use : lists) {
    Operation *from = use->get().getDefiningOp();
    int64_t depth = 0;
    for (auto &[name, ends] : capacities) {
      auto [reserve, free] = ends;
      bool spans = reserve->getBlock() == from->getBlock() && order.test(reserve, from) &&
                   order.test(use->getOwner(), free);
      int64_t credits = reserve.getCreditsAttr().getInt();
      if (spans && (depth == 0 || credits < depth))
        depth = credits;
    }
    if (depth == 0)
      return from->emitOpError("expected a capacity that is reserved before its list is put and "
                               "given back after it is taken");
    std::string &name = listQueues[use->get()];
    name = nameQueue(from, "_to_", getUnit(use->getOwner()));
    IndexQueueOp::create(builder, from->getLoc(), name, depth);
  }
  return success();
}

unsigned Distribution::collectUnits(Block &body) {
  unsigned all = 0;
  for (Operation &op : body) {
    auto loop = dyn_cast<LoopOp>(op);
    unsigned ofOp =
        loop ? collectUnits(loop.getBody().front()) : 1u << static_cast<unsigned>(getUnit(&op));
    units[&op] = ofOp;
    all |= ofOp;
  }
  return all;
}

/// The queue form of a value form, or of a capacity.
void Distribution::emitCommand(Operation *op) {
  if (auto reserve = dyn_cast<ReserveOp>(op)) {
    AcquireOp::create(builder, op->getLoc(), reserve.getResource());
    return;
  }
  if (auto free = dyn_cast<FreeOp>(op)) {
    ReleaseOp::create(builder, op->getLoc(), free.getResource());
    return;
  }
  StringRef mnemonic = SprintISADialect::getValueFormCommand(op);
  OperationState state(op->getLoc(),
                       (SprintISADialect::getDialectNamespace() + "." + mnemonic).str());
  unsigned taken = 0, put = 0;
  for (const ::sprint::CommandField &field :
       ::sprint::findCommand(std::string_view(mnemonic))->fields) {
    Attribute attribute = op->getAttr(StringRef(field.name));
    if (field.role == ::sprint::FieldRole::Takes)
      attribute = FlatSymbolRefAttr::get(op->getContext(), listQueues[op->getOperand(taken++)]);
    else if (field.role == ::sprint::FieldRole::Puts)
      attribute = FlatSymbolRefAttr::get(op->getContext(), listQueues[op->getResult(put++)]);
    // Operands may be absent.
    if (attribute)
      state.addAttribute(StringRef(field.name), attribute);
  }
  builder.create(state);
}

void Distribution::emitBody(Block &body, MachineUnit unit) {
  for (Operation &op : body) {
    for (const TokenQueue &queue : tokenQueues)
      if (queue.first == &op && queue.waiting == unit)
        AcquireOp::create(builder, op.getLoc(), queue.name);
    if (!concerns(&op, unit))
      continue;
    auto loop = dyn_cast<LoopOp>(op);
    if (!loop) {
      emitCommand(&op);
    } else {
      auto copy = LoopOp::create(builder, op.getLoc(), loop.getTripAttr());
      OpBuilder::InsertionGuard guard(builder);
      builder.createBlock(&copy.getBody());
      emitBody(loop.getBody().front(), unit);
    }
    for (const TokenQueue &queue : tokenQueues)
      if (queue.last == &op)
        ReleaseOp::create(builder, op.getLoc(), queue.name);
  }
}

LogicalResult Distribution::run() {
  if (failed(collectEdges()))
    return failure();
  builder.setInsertionPointToEnd(builder.createBlock(&program.getBody()));
  if (failed(createCapacities()))
    return failure();
  joinTokens();
  for (const TokenQueue &queue : tokenQueues)
    CountingQueueOp::create(builder, queue.last->getLoc(), queue.name, /*credits=*/0);
  unsigned all = collectUnits(*nest);
  for (unsigned value = 0; value <= getMaxEnumValForMachineUnit(); ++value) {
    if (!(all >> value & 1))
      continue;
    auto unit = static_cast<MachineUnit>(value);
    auto op = UnitOp::create(builder, program.getLoc(), unit);
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&op.getBody());
    emitBody(*nest, unit);
  }
  nest->erase();
  return success();
}

namespace {

struct DistributeUnits : mlir::sprint::impl::SprintDistributeUnitsBase<DistributeUnits> {
  bool canScheduleOn(RegisteredOperationName name) const override {
    return mlir::sprint::isModuleOrProgram<mlir::sprint::ProgramOp>(name);
  }

  void runOnOperation() override {
    if (failed(mlir::sprint::forEachProgram<mlir::sprint::ProgramOp>(
            getOperation(), [&](mlir::sprint::ProgramOp program) { return run(program); })))
      signalPassFailure();
  }

private:
  LogicalResult run(mlir::sprint::ProgramOp device) {
    auto programs = device.getBody().getOps<ProgramOp>();
    if (programs.empty())
      return device.emitOpError("expected commands in its body; run convert-sprint-to-isa first");
    for (auto program : llvm::make_early_inc_range(programs)) {
      if (!program.isNest())
        continue;
      if (failed(Distribution(program).run()))
        return failure();
      ++numDistributed;
    }
    return success();
  }
};

} // namespace
