//===- Balance.cpp - What goes into queues and regions comes out ----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include <algorithm>
#include <optional>

using namespace sprint;
using namespace sprint::checking;

namespace {

/// One end of a queue.
struct QueueEnd {
  std::optional<CommandPlace> first;
  /// How often it is used in a launch: in the launch parameters, and with the static ones filled
  /// in.
  Form times;
  Form timesHere;
};

/// What the two ends of a kind of queue do.
struct Verbs {
  const char *take, *takes, *taken, *gives, *given;
};
constexpr Verbs kCounting = {"acquire from", "acquires from", "acquired from", "releases",
                             "released"};
constexpr Verbs kIndex = {"take from", "takes from", "taken from", "puts to", "put to"};

} // namespace

void checking::checkOwners(const Steps &steps, std::vector<Finding> &findings) {
  // By queue, for what takes and for what gives.
  std::vector<std::optional<CommandPlace>> owners[2];
  for (auto &ofQueues : owners)
    ofQueues.resize(steps.queues.size());
  forEachStep(steps, [&](CommandPlace place, const Step &step) {
    for (const QueueUse &use : step.uses) {
      auto isSame = [&](const QueueUse &other) {
        return !use.gives && !other.gives && use.queue == other.queue;
      };
      // A command starts when a list is in each of its queues.
      if (std::ranges::count_if(step.uses, isSame) > 1 && findings.size() < kMaxFindings) {
        findings.push_back(errorAt(place, "expected to take from two queues, got '" +
                                              steps.queues[use.queue].name + "' twice"));
        break;
      }
      std::optional<CommandPlace> &owner = owners[use.gives][use.queue];
      if (!owner)
        owner = place;
      if (owner->unit == place.unit)
        continue;
      const Queue &queue = steps.queues[use.queue];
      const char *verb = queue.isIndex ? (use.gives ? "put to" : "take from")
                                       : (use.gives ? "release to" : "acquire from");
      Finding &finding = findings.emplace_back(
          errorAt(place, "expected one unit to " + std::string(verb) + " queue '" + queue.name +
                             "', got " + std::string(toString(owner->unit)) + " and " +
                             std::string(toString(place.unit))));
      finding.notes.push_back({*owner, "uses it, too"});
      // One message a queue and end.
      owner = place;
    }
  });
}

/// A write of some tokens names the first and their number, and they are keys or values.
static void checkTokens(const Steps &steps, std::vector<Finding> &findings) {
  forEachStep(steps, [&](CommandPlace place, const Step &step) {
    if (step.info->opcode != Opcode::Write || findings.size() >= kMaxFindings)
      return;
    auto write = std::get<WriteCommand>(*decode(step.word));
    bool hasFirst = toExpr(write.first).has_value();
    if (hasFirst != toExpr(write.count).has_value())
      findings.push_back(errorAt(place, "expected a first token and a count, or neither"));
    else if (hasFirst && !isSharedByGroup(write.region))
      findings.push_back(
          errorAt(place, "expected a first token of keys or values alone, got one of the " +
                             std::string(toString(write.region))));
  });
}

void checking::checkInputs(const Steps &steps, std::vector<Finding> &findings) {
  const std::vector<MemoryRegion> &inputs = steps.program.inputs;
  std::vector<bool> isWritten(enumerators<MemoryRegion>.size()), isRead = isWritten;
  std::vector<std::optional<CommandPlace>> firstRead(isRead.size());
  auto checkTaken = [&](CommandPlace place, MemoryRegion region, const char *verb) {
    if (inputOf(region).isOptional && std::ranges::find(inputs, region) == inputs.end() &&
        findings.size() < kMaxFindings)
      findings.push_back(errorAt(place, "expected to " + std::string(verb) +
                                            " a tensor that the program takes, got " +
                                            std::string(toString(region))));
  };
  forEachStep(steps, [&](CommandPlace place, const Step &step) {
    for (MemoryRegion region : regionsRead(step)) {
      checkTaken(place, region, "read");
      isRead[static_cast<size_t>(region)] = true;
      if (!firstRead[static_cast<size_t>(region)])
        firstRead[static_cast<size_t>(region)] = place;
    }
    if (std::optional<MemoryRegion> region = regionWritten(step)) {
      checkTaken(place, *region, "write");
      isWritten[static_cast<size_t>(*region)] = true;
    }
  });
  checkTokens(steps, findings);
  for (MemoryRegion region : enumerators<MemoryRegion>) {
    auto index = static_cast<size_t>(region);
    bool isTaken = std::ranges::find(inputs, region) != inputs.end();
    std::string name(toString(region));
    if (isRead[index] && !isWritten[index])
      findings.push_back(errorAt(*firstRead[index], "expected a command that writes the " + name +
                                                        " that it reads, got none"));
    else if (isTaken && !isWritten[index])
      findings.push_back(
          {Finding::Severity::Error,
           {},
           "expected a command that writes the " + name + ", which the program takes, got none",
           {}});
    else if (isTaken && !isRead[index])
      findings.push_back(
          {Finding::Severity::Error,
           {},
           "expected a command that loads the " + name + ", which the program takes, got none",
           {}});
  }
}

// Whether queues are balanced over loop bodies is asked of the numbers of times that their two ends
// are used in a launch, which are polynomials in the launch parameters: if a body gives more than
// it takes, the polynomials differ, as nothing else has the body's trip counts for factors; and
// equal ones never leave a queue short at the end of a launch. Where trip counts depend on counters
// of other loops, the nest has to show it.
void checking::checkBalance(const Steps &steps, std::vector<Finding> &findings) {
  std::vector<QueueEnd> ends[2];
  for (auto &ofQueues : ends)
    ofQueues.resize(steps.queues.size());
  FormBuilder general(steps.program, /*substitutes=*/false);
  FormBuilder here(steps.program, /*substitutes=*/true);
  for (const UnitSteps &unit : steps.units) {
    // Of the enclosing bodies; no counter is known but that of a loop that runs once.
    std::vector<Form> times = {Form::constant(1)}, timesHere = times, counters, countersHere;
    for (size_t word = 0; word < unit.steps.size(); ++word) {
      const Step &step = unit.steps[word];
      if (step.info->opcode == Opcode::Loop) {
        auto enter = [&](const FormBuilder &forms, std::vector<Form> &ofBodies,
                         std::vector<Form> &ofLoops) {
          Form trips = FormBuilder::trips(forms.build(*fieldOf(step, "trip"), ofLoops));
          ofBodies.push_back(ofBodies.back() * trips);
          ofLoops.push_back(trips.asConstant() == 1 ? Form::constant(0) : Form::unknown());
        };
        enter(general, times, counters);
        enter(here, timesHere, countersHere);
      } else if (step.info->opcode == Opcode::EndLoop) {
        times.pop_back();
        timesHere.pop_back();
        counters.pop_back();
        countersHere.pop_back();
      }
      for (const QueueUse &use : step.uses) {
        QueueEnd &end = ends[use.gives][use.queue];
        if (!end.first)
          end.first = CommandPlace{unit.unit, word};
        end.times = end.times + times.back();
        end.timesHere = end.timesHere + timesHere.back();
      }
    }
  }
  for (size_t index = 0; index < steps.queues.size(); ++index) {
    const Queue &queue = steps.queues[index];
    const QueueEnd &takes = ends[0][index], &gives = ends[1][index];
    const Verbs &verbs = queue.isIndex ? kIndex : kCounting;
    if (takes.timesHere == gives.timesHere || takes.times == gives.times ||
        !takes.timesHere.isKnown() || !gives.timesHere.isKnown())
      continue;
    // Credits that are not given back may be there at the begin, and others left at the end, if
    // their number does not grow with loops.
    std::optional<int64_t> missing = (takes.times - gives.times).asConstant();
    if (!queue.isIndex && missing && *missing <= queue.initial &&
        *missing >= queue.initial - queue.capacity)
      continue;
    std::string name = "queue '" + queue.name + "'";
    std::string credits =
        queue.isIndex ? "" : ", which begins with " + std::to_string(queue.initial) + " credits,";
    if (!gives.first) {
      findings.push_back(errorAt(
          *takes.first, "expected a command that " + std::string(verbs.gives) + " " + name +
                            credits + " as often as this one " + verbs.takes + " it, got none"));
      continue;
    }
    if (!takes.first) {
      findings.push_back(
          errorAt(*gives.first, "expected a command that " + std::string(verbs.takes) + " " + name +
                                    " as often as this one " + verbs.gives + " it, got none"));
      continue;
    }
    Finding &finding = findings.emplace_back(
        errorAt(*takes.first, "expected to " + std::string(verbs.take) + " " + name + credits +
                                  " as often as it is " + verbs.given + ", " + gives.times.text() +
                                  " times in a launch, got " + takes.times.text()));
    finding.notes.push_back({*gives.first, std::string(verbs.gives) + " it"});
  }
}
