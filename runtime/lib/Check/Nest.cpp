//===- Nest.cpp - The one loop nest that units are cut from ---------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Nest.h"

#include <algorithm>
#include <iterator>
#include <map>

using namespace sprint;
using namespace sprint::checking;

namespace {

/// Commands that a search for the nest may pass, and commands and bodies that it may have, so that
/// no program takes long.
constexpr int64_t kMaxEffort = int64_t(1) << 20;
constexpr size_t kMaxNodes = 1024;

} // namespace

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

Steps::Steps(const Program &program) : program(program) {
  for (const CountingQueue &queue : program.countingQueues)
    queues.push_back({queue.name, false, queue.credits, kMaxQueueCapacity});
  for (const IndexQueue &queue : program.indexQueues)
    queues.push_back({queue.name, true, 0, queue.depth});
  for (const UnitProgram &unit : program.units) {
    UnitSteps &result = units.emplace_back();
    result.unit = unit.unit;
    result.steps.reserve(unit.words.size());
    std::vector<size_t> loops;
    for (CommandWord word : unit.words) {
      size_t index = result.steps.size();
      Step &step = result.steps.emplace_back();
      step.info = checkedInfo(word);
      step.word = word;
      if (step.info->opcode == Opcode::Loop) {
        loops.push_back(index);
      } else if (step.info->opcode == Opcode::EndLoop) {
        step.partner = loops.back();
        result.steps[loops.back()].partner = index;
        loops.pop_back();
      }
      for (const CommandField &field : step.info->fields) {
        if (field.kind != FieldKind::Queue && field.kind != FieldKind::IndexQueue)
          continue;
        size_t first = field.kind == FieldKind::Queue ? 0 : program.countingQueues.size();
        step.uses.push_back({first + readField(word, field),
                             field.role == FieldRole::Releases || field.role == FieldRole::Puts});
      }
    }
  }
  std::ranges::sort(units, {}, &UnitSteps::unit);
}

std::optional<uint64_t> checking::fieldOf(const Step &step, std::string_view name) {
  for (const CommandField &field : step.info->fields)
    if (field.name == name)
      return readField(step.word, field);
  return std::nullopt;
}

std::vector<MemoryRegion> checking::regionsRead(const Step &step) {
  std::vector<MemoryRegion> regions;
  for (MemoryRegion region : enumerators<MemoryRegion>)
    if (step.info->reads >> static_cast<unsigned>(region) & 1)
      regions.push_back(region);
  for (const CommandField &field : step.info->fields)
    if (field.role == FieldRole::Reads)
      regions.push_back(static_cast<MemoryRegion>(readField(step.word, field)));
  return regions;
}

std::optional<MemoryRegion> checking::regionWritten(const Step &step) {
  for (const CommandField &field : step.info->fields)
    if (field.role == FieldRole::Writes)
      return static_cast<MemoryRegion>(readField(step.word, field));
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// The nest
//===----------------------------------------------------------------------===//

// One turn of the nest is run with nothing but the numbers of credits and lists. Loops at which
// units stand when nothing else can go on, and whose trip counts are equal whatever the parameters
// are, are run as one: one turn, after which all queues must be as before. If that succeeds, any
// number of turns does, by induction, and with them any launch: queues have one unit at each end,
// so if there is one order in which all units come to their ends, they do in every order.
//
// If within a turn units wait for one another in a cycle, each at a command, then no order helps:
// what each waits for comes from the next one alone, which stands, too.

Nest::Nest(const Steps &steps) : steps(steps), forms(steps.program, /*substitutes=*/true) {
  std::ranges::transform(steps.queues, std::back_inserter(state), &Queue::initial);
  std::vector<Walker> walkers;
  walkers.reserve(steps.units.size());
  for (size_t unit = 0; unit < steps.units.size(); ++unit)
    walkers.push_back({unit, 0, steps.units[unit].steps.size(), {}});
  Body &root = allBodies.emplace_back();
  root.entry = state;
  if (run(0, walkers))
    reason.clear();
  else
    fail("expected loops of its units that correspond, got others");
}

std::string Nest::place(size_t unit, size_t word) const {
  return "unit '" + std::string(toString(steps.units[unit].unit)) + "', word " +
         std::to_string(word) + " (" + std::string(steps.units[unit].steps[word].info->mnemonic) +
         ")";
}

bool Nest::isInside(int inner, int outer) const {
  while (inner != -1 && inner != outer)
    inner = allBodies[inner].parent;
  return inner == outer;
}

int Nest::commonBody(int one, int other) const {
  while (!isInside(other, one))
    one = allBodies[one].parent;
  return one;
}

std::optional<Waiting> Nest::findWaiting(const Walker &walker) const {
  const Step &step = steps.units[walker.unit].steps[walker.word];
  for (const QueueUse &use : step.uses) {
    if (!use.gives && state[use.queue] == 0)
      return Waiting{walker.unit, walker.word, use.queue, false};
    if (use.gives && step.info->opcode == Opcode::Fetch && state[use.queue] > 0)
      return Waiting{walker.unit, walker.word, use.queue, true};
  }
  return std::nullopt;
}

bool Nest::step(int body, Walker &walker) {
  if (walker.word == walker.end || ++effort > kMaxEffort)
    return false;
  const Step &step = steps.units[walker.unit].steps[walker.word];
  if (step.info->opcode == Opcode::EndLoop) {
    walker.counters.pop_back();
    ++walker.word;
    return true;
  }
  auto field = [&](const char *name) {
    std::optional<uint64_t> expression = fieldOf(step, name);
    return expression ? forms.build(*expression, walker.counters) : Form::unknown();
  };
  if (step.info->opcode == Opcode::Loop) {
    // What runs once, or never, is part of the body around it.
    std::optional<int64_t> trips = FormBuilder::trips(field("trip")).asConstant();
    if (!trips || *trips > 1)
      return false;
    if (*trips == 1)
      walker.counters.push_back(Form::constant(0));
    walker.word = *trips == 1 ? walker.word + 1 : step.partner + 1;
    return true;
  }
  if (findWaiting(walker))
    return false;
  for (const QueueUse &use : step.uses)
    state[use.queue] += use.gives ? 1 : -1;
  allNodes.push_back(
      {walker.unit, walker.word, body, field("batch"), field("head"), field("query")});
  ++walker.word;
  return true;
}

bool Nest::usesQueues(const Walker &walker) const {
  const std::vector<Step> &unit = steps.units[walker.unit].steps;
  return std::any_of(unit.begin() + static_cast<ptrdiff_t>(walker.word),
                     unit.begin() + static_cast<ptrdiff_t>(unit[walker.word].partner),
                     [](const Step &step) { return !step.uses.empty(); });
}

bool Nest::run(int body, std::vector<Walker> &walkers) {
  while (true) {
    bool isMoving = true;
    while (isMoving) {
      isMoving = false;
      for (Walker &walker : walkers)
        while (step(body, walker))
          isMoving = true;
    }
    if (effort > kMaxEffort || allNodes.size() + allBodies.size() > kMaxNodes) {
      reason = "expected a program that is quickly understood, got one with too many commands or "
               "loops";
      return false;
    }
    if (std::ranges::all_of(walkers,
                            [](const Walker &walker) { return walker.word == walker.end; }))
      return true;

    // By trip count, the units that stand at such a loop. A loop without queues concerns its unit
    // alone.
    std::vector<std::pair<Form, std::vector<Walker *>>> loops;
    for (Walker &walker : walkers) {
      if (walker.word == walker.end)
        continue;
      const Step &step = steps.units[walker.unit].steps[walker.word];
      if (step.info->opcode != Opcode::Loop)
        continue;
      Form trip = FormBuilder::trips(forms.build(*fieldOf(step, "trip"), walker.counters));
      if (!usesQueues(walker)) {
        loops.insert(loops.begin(), {trip, {&walker}});
        continue;
      }
      auto found = std::ranges::find_if(loops, [&](const auto &entry) {
        return entry.first == trip && usesQueues(*entry.second.front());
      });
      if (found == loops.end())
        loops.push_back({trip, {&walker}});
      else
        found->second.push_back(&walker);
    }
    if (!std::ranges::any_of(loops,
                             [&](const auto &entry) { return runLoop(body, entry.second); })) {
      findCycle(walkers);
      if (loops.empty())
        for (const Walker &walker : walkers)
          if (walker.word != walker.end)
            fail("expected " + place(walker.unit, walker.word) + " to go on in each turn of its " +
                 "loop, got it waiting for '" + steps.queues[findWaiting(walker)->queue].name +
                 "'");
      return false;
    }
  }
}

bool Nest::runLoop(int body, const std::vector<Walker *> &joined) {
  std::vector<int64_t> before = state;
  size_t numNodes = allNodes.size(), numBodies = allBodies.size();
  auto index = static_cast<int>(numBodies);
  const Walker &first = *joined.front();
  Form trips = FormBuilder::trips(
      forms.build(*fieldOf(steps.units[first.unit].steps[first.word], "trip"), first.counters));
  Form counter = Form::variable("counter " + std::to_string(index), 0);
  allBodies.push_back({body, trips, allBodies[body].total * trips, counter, state});
  std::vector<Walker> inner;
  for (const Walker *walker : joined) {
    inner.push_back(*walker);
    inner.back().end = steps.units[walker->unit].steps[walker->word].partner;
    inner.back().counters.push_back(counter);
    ++inner.back().word;
  }
  if (run(index, inner)) {
    auto changed = std::ranges::mismatch(before, state).in1 - before.begin();
    if (changed == static_cast<ptrdiff_t>(before.size())) {
      for (Walker *walker : joined)
        walker->word = steps.units[walker->unit].steps[walker->word].partner + 1;
      return true;
    }
    fail("expected queue '" + steps.queues[changed].name +
         "' to hold as much after a turn of the " + "loop at " + place(first.unit, first.word) +
         " as before, got a change of " + std::to_string(state[changed] - before[changed]));
  }
  state = std::move(before);
  allNodes.erase(allNodes.begin() + static_cast<ptrdiff_t>(numNodes), allNodes.end());
  allBodies.erase(allBodies.begin() + static_cast<ptrdiff_t>(numBodies), allBodies.end());
  return false;
}

void Nest::findCycle(const std::vector<Walker> &walkers) {
  if (!waitCycle.empty())
    return;
  // For each unit that stands at a command what it waits for, and the unit which that has to come
  // from.
  std::map<size_t, std::pair<Waiting, size_t>> waits;
  for (const Walker &walker : walkers) {
    std::optional<Waiting> waiting = walker.word == walker.end ? std::nullopt : findWaiting(walker);
    if (!waiting)
      continue;
    for (size_t unit = 0; unit < steps.units.size(); ++unit)
      if (std::ranges::any_of(steps.units[unit].steps, [&](const Step &step) {
            return std::ranges::any_of(step.uses, [&](const QueueUse &use) {
              return use.queue == waiting->queue && use.gives != waiting->isForRoom;
            });
          }))
        waits.try_emplace(walker.unit, *waiting, unit);
  }
  for (const auto &[start, unused] : waits) {
    std::vector<size_t> path;
    for (size_t unit = start; waits.contains(unit); unit = waits.at(unit).second) {
      auto seen = std::ranges::find(path, unit);
      if (seen != path.end()) {
        for (; seen != path.end(); ++seen)
          waitCycle.push_back(waits.at(*seen).first);
        return;
      }
      path.push_back(unit);
    }
  }
}
