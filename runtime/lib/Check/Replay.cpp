//===- Replay.cpp - One launch, in every timing ---------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where units do not make one nest, their commands are followed one by one, without numbers. Each
// command has a clock: how many commands of each unit surely end before it begins, whatever the
// timing. So the one order that is followed shows what holds in all.
//
//===----------------------------------------------------------------------===//

#include "../Walk/Sequencer.h"
#include "Rules.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>

using namespace sprint;
using namespace sprint::checking;

namespace {

/// Commands that are followed; a program that runs more is left to the simulator.
constexpr int64_t kMaxCommands = int64_t(1) << 19;

/// By unit the number of commands.
using Clock = std::array<int64_t, kNumMachineUnits>;

void join(Clock &clock, const Clock &other) {
  for (size_t unit = 0; unit < clock.size(); ++unit)
    clock[unit] = std::max(clock[unit], other[unit]);
}

/// A command that has run.
struct Event {
  size_t unit = 0;
  /// From 1.
  int64_t number = 0;
  CommandPlace place;

  bool isBefore(const Clock &clock) const { return number <= clock[unit]; }
};

struct QueueState {
  /// What is there since the launch began, and before what has been given since.
  int64_t initial = 0;
  std::deque<Clock> contents;
  std::vector<Event> takes;
  int64_t gives = 0;
};

/// A head, or a key head, in ReRAM.
struct HeadState {
  int64_t rowsLeft = 0;
  /// By unit its last read.
  std::map<size_t, std::pair<Event, MemoryRegion>> reads;
};

class Replayer {
public:
  /// With `waitsForRoom` each fetch waits until the list before has been used, as it may have to;
  /// then nothing but a standstill is looked for.
  Replayer(const Steps &steps, const Structure &structure, const LaunchShape &shape,
           bool waitsForRoom, std::vector<Finding> &findings)
      : steps(steps), structure(structure), shape(shape), program(steps.program, shape),
        waitsForRoom(waitsForRoom), findings(findings), queues(steps.queues.size()),
        clocks(steps.units.size()) {
    for (size_t queue = 0; queue < queues.size(); ++queue)
      queues[queue].initial = steps.queues[queue].initial;
    for (const DecodedUnit &unit : program.units())
      cursors.emplace_back(program, unit);
  }

  /// Returns false where the launch is too long.
  bool run() {
    bool isMoving = true;
    while (isMoving) {
      isMoving = false;
      for (size_t unit = 0; unit < cursors.size(); ++unit) {
        while (!cursors[unit].isDone() && runCommand(unit)) {
          isMoving = true;
          if (++commands > kMaxCommands)
            return false;
        }
      }
    }
    checkEnd();
    return true;
  }

private:
  const Step &stepOf(size_t unit) const { return steps.units[unit].steps[cursors[unit].word()]; }
  CommandPlace placeOf(size_t unit) const { return {steps.units[unit].unit, cursors[unit].word()}; }
  int64_t evaluate(size_t unit, const char *field) const {
    return cursors[unit].evaluate(static_cast<ExprIndex>(*fieldOf(stepOf(unit), field)));
  }
  /// Adds a finding, one a command and message.
  void add(CommandPlace place, const std::string &message, std::vector<Finding::Note> notes = {}) {
    if (!waitsForRoom && said.emplace(place.unit, place.word, message).second)
      findings.push_back({Finding::Severity::Error, place, message + suffix(), std::move(notes)});
  }
  /// Says of which launch a finding is, where there are several.
  std::string suffix() const;
  bool runCommand(size_t unit);
  /// The queue that the command waits for; nothing where it can run.
  std::optional<QueueUse> findWaiting(size_t unit) const;
  void note(size_t unit, const Event &event);
  void read(const Event &event, MemoryRegion region, std::pair<int64_t, int64_t> head);
  void write(const Event &event, MemoryRegion region, std::pair<int64_t, int64_t> head);
  void store(const Event &event, std::pair<int64_t, int64_t> head);
  void leave(std::map<std::pair<int64_t, int64_t>, HeadState> &states,
             std::pair<int64_t, int64_t> head, int64_t rows, const Event &event);
  void checkEnd();

  const Steps &steps;
  const Structure &structure;
  const LaunchShape &shape;
  DecodedProgram program;
  bool waitsForRoom;
  std::vector<Finding> &findings;
  std::vector<Cursor> cursors;
  std::vector<QueueState> queues;
  std::vector<Clock> clocks;
  int64_t commands = 0;
  std::set<std::tuple<MachineUnit, size_t, std::string>> said;

  /// By region, batch element and head or key head the first write.
  std::map<std::tuple<MemoryRegion, int64_t, int64_t>, Event> written;
  std::map<std::pair<int64_t, int64_t>, HeadState> heads, keyHeads;
  int64_t entered = 0;
  /// The last stores of the key heads that have left, in their order.
  std::vector<Event> left;
  /// The row of each load, the loads of each row, and the last score that a load was used by.
  std::vector<std::array<int64_t, 3>> loads;
  std::map<std::array<int64_t, 3>, Event> lastLoad;
  std::map<std::array<int64_t, 3>, size_t> loadNumber;
  std::vector<Event> users;
  std::vector<Event> accumulates;
  int64_t scores = 0;
};

} // namespace

std::string Replayer::suffix() const {
  std::string text;
  for (LaunchParameter parameter :
       {LaunchParameter::Batches, LaunchParameter::Heads, LaunchParameter::Queries,
        LaunchParameter::Keys, LaunchParameter::Group}) {
    auto index = static_cast<size_t>(parameter);
    if (steps.program.parameters[index] == Program::kDynamic)
      text += (text.empty() ? " (in a launch of " : ", ") +
              std::string(launchParameters[index].name) + " = " +
              std::to_string(shape.*launchSizeMembers[index]);
  }
  return text.empty() ? "" : text + ")";
}

std::optional<QueueUse> Replayer::findWaiting(size_t unit) const {
  const Step &step = stepOf(unit);
  for (const QueueUse &use : step.uses) {
    const QueueState &queue = queues[use.queue];
    bool isEmpty = queue.initial == 0 && queue.contents.empty();
    if (use.gives ? waitsForRoom && step.info->opcode == Opcode::Fetch && !isEmpty : isEmpty)
      return use;
  }
  return std::nullopt;
}

bool Replayer::runCommand(size_t unit) {
  Cursor &cursor = cursors[unit];
  if (const auto *loop = std::get_if<LoopCommand>(&cursor.command())) {
    cursor.beginLoop(*loop);
    return true;
  }
  if (std::holds_alternative<EndLoopCommand>(cursor.command())) {
    cursor.endLoop();
    return true;
  }
  if (findWaiting(unit))
    return false;
  const Step &step = stepOf(unit);
  Clock &clock = clocks[unit];
  Event event = {unit, ++clock[unit], placeOf(unit)};
  for (const QueueUse &use : step.uses) {
    if (use.gives)
      continue;
    QueueState &queue = queues[use.queue];
    if (queue.initial > 0) {
      --queue.initial;
    } else {
      join(clock, queue.contents.front());
      queue.contents.pop_front();
    }
    queue.takes.push_back(event);
  }
  note(unit, event);
  for (const QueueUse &use : step.uses) {
    if (!use.gives)
      continue;
    const Queue &declared = steps.queues[use.queue];
    QueueState &queue = queues[use.queue];
    // What must have been taken so that there is room.
    int64_t needed = queue.gives + declared.initial - declared.capacity;
    if (needed >= 0 && (needed >= static_cast<int64_t>(queue.takes.size()) ||
                        !queue.takes[needed].isBefore(clock)))
      add(event.place, overrunMessage(declared) + ", got more");
    ++queue.gives;
    queue.contents.push_back(clock);
  }
  cursor.advance();
  return true;
}

/// Looks at what a command does to ReRAM and to buffers.
void Replayer::note(size_t unit, const Event &event) {
  if (waitsForRoom)
    return;
  const Step &step = stepOf(unit);
  std::pair<int64_t, int64_t> head;
  if (fieldOf(step, "batch"))
    head = {evaluate(unit, "batch"), fieldOf(step, "head") ? evaluate(unit, "head") : 0};
  for (MemoryRegion region : regionsRead(step))
    read(event, region, head);
  if (std::optional<MemoryRegion> region = regionWritten(step))
    write(event, *region, head);
  const Clock &clock = clocks[unit];
  switch (step.info->opcode) {
  case Opcode::LoadQuery: {
    std::array<int64_t, 3> row = {head.first, head.second, evaluate(unit, "query")};
    auto number = static_cast<int64_t>(loads.size()) - structure.queryBufferQueries;
    if (number >= 0 && users[number].number != 0 && !users[number].isBefore(clock))
      add(users[number].place, bufferMessage(queryBuffer(structure)) + ", got more",
          {{event.place, "loads another"}});
    loadNumber[row] = loads.size();
    lastLoad[row] = event;
    loads.push_back(row);
    users.emplace_back();
    break;
  }
  case Opcode::Score: {
    std::array<int64_t, 3> row = {head.first, head.second, evaluate(unit, "query")};
    auto load = lastLoad.find(row);
    if (load == lastLoad.end() || !load->second.isBefore(clock)) {
      add(event.place, unloadedMessage());
    } else {
      size_t number = loadNumber[row];
      users[number] = event;
      if (static_cast<int64_t>(loads.size() - number) > structure.queryBufferQueries)
        add(event.place, bufferMessage(queryBuffer(structure)) + ", got more");
    }
    int64_t needed = scores++ - structure.scoreRows;
    if (needed >= 0 && (needed >= static_cast<int64_t>(accumulates.size()) ||
                        !accumulates[needed].isBefore(clock)))
      add(event.place, bufferMessage(scoreRows(structure)) + ", got more");
    break;
  }
  case Opcode::Accumulate:
    accumulates.push_back(event);
    break;
  case Opcode::StoreOutput:
    store(event, head);
    break;
  default:
    break;
  }
}

void Replayer::read(const Event &event, MemoryRegion region, std::pair<int64_t, int64_t> head) {
  auto [batch, number] = head;
  bool isOfKeyHead = isSharedByGroup(region);
  int64_t stored = isOfKeyHead ? number / shape.group : isSharedByBatch(region) ? 0 : number;
  auto found = written.find({region, batch, stored});
  if (found == written.end() || !found->second.isBefore(clocks[event.unit]))
    return add(event.place, unwrittenMessage(region));
  if (isSharedByBatch(region))
    return;
  HeadState &state = (isOfKeyHead ? keyHeads : heads)[{batch, stored}];
  if (state.rowsLeft < 0)
    return add(event.place, replacedMessage(region));
  state.reads[event.unit] = {event, region};
}

void Replayer::write(const Event &event, MemoryRegion region, std::pair<int64_t, int64_t> head) {
  auto [batch, number] = head;
  bool isOfKeyHead = isSharedByGroup(region);
  written.try_emplace({region, batch, isSharedByBatch(region) ? 0 : number}, event);
  if (isSharedByBatch(region))
    return;
  std::pair<int64_t, int64_t> keyHead = {batch, isOfKeyHead ? number : number / shape.group};
  if (keyHeads.try_emplace(keyHead).second) {
    const Clock &clock = clocks[event.unit];
    // Their numbers ascend, as one unit stores.
    auto isGone = [&](const Event &store) { return store.isBefore(clock); };
    int64_t gone = std::ranges::partition_point(left, isGone) - left.begin();
    if (++entered - gone > structure.residentHeads)
      add(event.place, bufferMessage(residentHeads(structure)) + ", got more");
  }
}

void Replayer::store(const Event &event, std::pair<int64_t, int64_t> head) {
  leave(heads, head, shape.queries, event);
  leave(keyHeads, {head.first, head.second / shape.group}, shape.group * shape.queries, event);
}

/// Counts a row of a head, after the last of which others take its place: `rowsLeft` counts from 0
/// up to `rows`, and is -1 from then on.
void Replayer::leave(std::map<std::pair<int64_t, int64_t>, HeadState> &states,
                     std::pair<int64_t, int64_t> head, int64_t rows, const Event &event) {
  HeadState &state = states[head];
  if (state.rowsLeft < 0 || ++state.rowsLeft < rows)
    return;
  state.rowsLeft = -1;
  for (const auto &[unit, read] : state.reads)
    if (!read.first.isBefore(clocks[event.unit]))
      add(read.first.place, replacedMessage(read.second));
  if (&states == &keyHeads)
    left.push_back(event);
}

void Replayer::checkEnd() {
  std::optional<Finding> finding;
  for (size_t unit = 0; unit < cursors.size(); ++unit) {
    if (cursors[unit].isDone())
      continue;
    QueueUse use = *findWaiting(unit);
    std::string what =
        "waits for '" + steps.queues[use.queue].name + "'" + (use.gives ? " to have room" : "");
    if (!finding)
      finding = errorAt(placeOf(unit), "expected every unit to come to its end, got a standstill" +
                                           suffix() + ": it " + what);
    else
      finding->notes.push_back({placeOf(unit), what});
  }
  if (finding)
    findings.push_back(*finding);
}

/// By LaunchParameter whether trip counts, heads or queries depend on it.
static std::array<bool, kNumLaunchParameters> usedParameters(const Steps &steps) {
  std::array<bool, kNumLaunchParameters> isUsed{};
  for (LaunchParameter parameter : {LaunchParameter::Batches, LaunchParameter::Heads,
                                    LaunchParameter::Queries, LaunchParameter::Group})
    isUsed[static_cast<size_t>(parameter)] = true;
  std::vector<bool> isSeen(steps.program.expressions.size());
  std::vector<uint32_t> open;
  forEachStep(steps, [&](CommandPlace, const Step &step) {
    for (const char *field : {"trip", "batch", "head", "query"})
      if (std::optional<uint64_t> expression = fieldOf(step, field))
        open.push_back(static_cast<uint32_t>(*expression));
  });
  while (!open.empty()) {
    uint32_t index = open.back();
    open.pop_back();
    if (isSeen[index])
      continue;
    isSeen[index] = true;
    const ExprNode &node = steps.program.expressions[index];
    if (node.kind == ExprNode::Kind::Parameter)
      isUsed[static_cast<size_t>(node.value)] = true;
    else if (node.kind > ExprNode::Kind::Parameter)
      open.insert(open.end(), {node.lhs, node.rhs});
  }
  return isUsed;
}

Replay checking::replay(const Steps &steps, const Structure &structure) {
  Replay result;
  result.isOnlyOne = true;
  std::array<bool, kNumLaunchParameters> isUsed = usedParameters(steps);
  // A parameter's value, or a small one where the launch brings it.
  auto sizeOf = [&](LaunchParameter parameter, int64_t sample) {
    int64_t value = steps.program.parameters[static_cast<size_t>(parameter)];
    if (value != Program::kDynamic)
      return value;
    result.isOnlyOne &= !isUsed[static_cast<size_t>(parameter)];
    return sample;
  };
  LaunchShape shape;
  shape.batches = sizeOf(LaunchParameter::Batches, 2);
  shape.queries = sizeOf(LaunchParameter::Queries, 3);
  shape.keys = sizeOf(LaunchParameter::Keys, 4);
  shape.past = sizeOf(LaunchParameter::Past, steps.program.residentCache ? 2 : 0);
  shape.headDim = sizeOf(LaunchParameter::HeadDim, 8);
  shape.valueDim = sizeOf(LaunchParameter::ValueDim, 8);
  int64_t heads = steps.program.parameters[static_cast<size_t>(LaunchParameter::Heads)];
  shape.group = sizeOf(LaunchParameter::Group, heads == Program::kDynamic ? 2 : heads);
  shape.heads = sizeOf(LaunchParameter::Heads, shape.group * 3);
  if (shape.heads % shape.group != 0)
    return {true, true, {}}; // No launch has such heads.
  try {
    result.isDone = Replayer(steps, structure, shape, false, result.findings).run();
    if (result.isDone && result.findings.empty())
      result.isDone = Replayer(steps, structure, shape, true, result.findings).run();
  } catch (const LaunchFailure &) {
    result.isDone = false; // It runs more steps than a launch may; the simulator says so.
  }
  return result;
}
