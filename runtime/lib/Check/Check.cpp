//===- Check.cpp - What can be said of a program without running it -------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Check.h"
#include "Nest.h"
#include "Rules.h"
#include "SprintRuntime/Messages.h"

#include <algorithm>
#include <exception>

using namespace sprint;
using namespace sprint::checking;

namespace {

/// Commands of a program of which more is asked than what each of them may do, so that none takes
/// long.
constexpr size_t kMaxCommands = size_t(1) << 16;

/// Whether the program could be one of `machine` at all; where not, nothing else is asked.
bool checkForm(const Program &program, const Machine &machine, std::vector<Finding> &findings) {
  for (const UnitProgram &unit : program.units) {
    if (!isEnumerator<MachineUnit>(static_cast<uint64_t>(unit.unit)))
      continue; // `verify` says so.
    for (size_t word = 0; word < unit.words.size(); ++word) {
      const CommandInfo *info = checkedInfo(unit.words[word]);
      if (info && !isAllowedOn(*info, unit.unit) && findings.size() < kMaxFindings)
        findings.push_back(
            errorAt({unit.unit, word}, "expected a command that this unit has, got '" +
                                           std::string(info->mnemonic) + "'"));
    }
  }
  std::string error;
  if (findings.empty() && !verify(CommandStream{{program}}, error)) {
    std::string prefix = "program '" + program.name + "': ";
    if (error.starts_with(prefix))
      error = error.substr(prefix.size());
    findings.push_back({Finding::Severity::Error, {}, error, {}});
  } else if (findings.empty() && program.structure != machine.structureHash()) {
    findings.push_back({Finding::Severity::Error,
                        {},
                        "expected a machine of structure " + program.structure + " ('" +
                            program.machine + "'), got '" + machine.name + "' of structure " +
                            machine.structureHash(),
                        {}});
  }
  return findings.empty();
}

void checkSizes(const Program &program, const Machine &machine, std::vector<Finding> &findings) {
  auto size = [&](LaunchParameter parameter) -> std::optional<int64_t> {
    int64_t value = program.parameters[static_cast<size_t>(parameter)];
    return value == Program::kDynamic ? std::nullopt : std::optional(value);
  };
  std::optional<std::string> obstacle =
      machine.findCapacityObstacle(size(LaunchParameter::HeadDim), size(LaunchParameter::ValueDim),
                                   size(LaunchParameter::Keys), program.residentCache);
  if (obstacle)
    findings.push_back({Finding::Severity::Error, {}, *obstacle, {}});
}

Finding waitFinding(const Steps &steps, const WaitCycle &cycle) {
  auto describeWait = [&](const Waiting &waiting) {
    const Waiting &next = cycle[(&waiting - cycle.data() + 1) % cycle.size()];
    std::string what = "waits for '" + steps.queues[waiting.queue].name + "', which unit '" +
                       std::string(toString(steps.units[next.unit].unit)) + "' ";
    if (waiting.isForRoom)
      return what + "has to take from before there is room";
    return what + (steps.queues[waiting.queue].isIndex ? "puts to" : "releases");
  };
  auto placeOf = [&](const Waiting &waiting) {
    return CommandPlace{steps.units[waiting.unit].unit, waiting.word};
  };
  Finding finding = errorAt(placeOf(cycle.front()), "expected units that do not wait for one "
                                                    "another, got a standstill: it " +
                                                        describeWait(cycle.front()));
  for (size_t index = 1; index < cycle.size(); ++index)
    finding.notes.push_back({placeOf(cycle[index]), describeWait(cycle[index])});
  return finding;
}

bool hasErrors(const std::vector<Finding> &findings) {
  return std::ranges::any_of(findings, [](const Finding &finding) {
    return finding.severity == Finding::Severity::Error;
  });
}

std::vector<Finding> checkProgram(const Program &program, const Machine &machine) {
  std::vector<Finding> findings;
  if (!checkForm(program, machine, findings))
    return findings;
  checkSizes(program, machine, findings);
  Steps steps(program);
  checkOwners(steps, findings);
  checkInputs(steps, findings);
  size_t commands = 0;
  for (const UnitSteps &unit : steps.units)
    commands += unit.steps.size();
  if (commands > kMaxCommands && !hasErrors(findings))
    return {{Finding::Severity::Undecided,
             {},
             "cannot be decided: expected at most " + std::to_string(kMaxCommands) +
                 " commands, got " + std::to_string(commands),
             {}}};
  checkBalance(steps, findings);
  // What follows would only be consequences.
  if (hasErrors(findings))
    return findings;

  Nest nest(steps);
  if (!nest.cycle().empty())
    return {waitFinding(steps, nest.cycle())};
  if (nest.obstacle().empty())
    checkNest(steps, nest, machine.structure, findings);
  else
    findings.push_back({Finding::Severity::Undecided,
                        {},
                        "cannot say whether it comes to its end: " + nest.obstacle(),
                        {}});
  if (findings.empty() || hasErrors(findings)) {
    std::erase_if(findings, [](const Finding &finding) {
      return finding.severity == Finding::Severity::Undecided;
    });
    return findings;
  }
  // A launch may show what cannot be said of all, and where there is but one, shows all.
  Replay launch = replay(steps, machine.structure);
  if (launch.isDone && (launch.isOnlyOne || !launch.findings.empty()))
    return launch.findings;
  return findings;
}

} // namespace

Finding checking::errorAt(CommandPlace place, std::string message) {
  return {Finding::Severity::Error, place, std::move(message), {}};
}

static std::string describePlace(const Program &program, CommandPlace place) {
  std::string text =
      "unit '" + std::string(toString(place.unit)) + "', word " + std::to_string(place.word);
  for (const UnitProgram &unit : program.units)
    if (unit.unit == place.unit && place.word < unit.words.size())
      if (const CommandInfo *info = checkedInfo(unit.words[place.word]))
        text += " (" + std::string(info->mnemonic) + ")";
  return text;
}

std::string checking::describe(const Steps &steps, CommandPlace place) {
  return describePlace(steps.program, place);
}

std::vector<Finding> sprint::check(const Program &program, const Machine &machine) noexcept try {
  return checkProgram(program, machine);
} catch (const std::exception &exception) {
  return {{Finding::Severity::Undecided, {}, reasonOf(exception), {}}};
}

std::string_view sprint::toString(Finding::Severity severity) {
  return severity == Finding::Severity::Error ? "error" : "undecided";
}

std::string sprint::toString(const Program &program, const Finding &finding) {
  std::string text = finding.place ? describePlace(program, *finding.place) + ": " : "";
  text += finding.message;
  for (const Finding::Note &note : finding.notes)
    text += "; " + describePlace(program, note.place) + " " + note.message;
  return text;
}
