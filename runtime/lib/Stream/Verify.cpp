//===- Verify.cpp - What makes a command stream well-formed ---------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/CommandStream.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_set>
#include <utility>

using namespace sprint;

namespace {

/// What users of an expression have to know of it.
struct ExprSummary {
  /// Counters it reads are those of this many outermost loops.
  int depth = 0;
  /// Nodes, each counted as often as it is an operand; held at one more than the limit.
  uint64_t nodes = 1;
};

class ProgramVerifier {
public:
  ProgramVerifier(const Program &program, std::string &error) : program(program), error(error) {}

  bool verify() {
    return verifyHeader() && verifyInputs() && verifyQueues() && verifyExpressions() &&
           verifyUnits();
  }

private:
  bool fail(const std::string &message) {
    error = "program '" + program.name + "': " + message;
    return false;
  }

  /// Checks a number between `low` and `high`, both included.
  bool verifyRange(const std::string &what, int64_t value, int64_t low, int64_t high,
                   const std::string &place = "") {
    if (value >= low && value <= high)
      return true;
    return fail(place + "expected " + what + " between " + std::to_string(low) + " and " +
                std::to_string(high) + ", got " + std::to_string(value));
  }

  bool verifyHeader();
  bool verifyInputs();
  bool verifyQueues();
  bool verifyExpressions();
  bool verifyExpression(size_t index);
  bool verifyUnits();
  bool verifyUnit(const UnitProgram &unit);
  /// Checks one word. `depth` is the number of loops around it, before and after. `message` says
  /// what is wrong.
  bool verifyWord(MachineUnit unit, CommandWord word, int &depth, std::string &message);
  bool verifyField(const CommandField &field, uint64_t value, int depth, std::string &message);
  bool verifyOperand(uint64_t expression, int depth, std::string &message);

  const Program &program;
  std::string &error;
  std::vector<ExprSummary> summaries;
};

} // namespace

/// Whether `name` is one of 1 to kMaxNameLength printable ASCII characters.
static bool isName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameLength &&
         std::ranges::all_of(name, [](char c) { return c >= ' ' && c <= '~'; });
}

static std::string expectedName(const std::string &what) {
  return "expected the name of " + what + " to have 1 to " + std::to_string(kMaxNameLength) +
         " printable ASCII characters";
}

/// findThresholdFault for a program, which may have none.
static std::string findProgramThresholdFault(const Program &program,
                                             std::span<const float> thresholds) {
  if (thresholds.empty())
    return {};
  return findThresholdFault(thresholds,
                            program.parameters[static_cast<size_t>(LaunchParameter::Heads)]);
}

bool ProgramVerifier::verifyHeader() {
  if (!isName(program.machine))
    return fail(expectedName("the machine"));
  if (program.structure.size() != 16 || !std::ranges::all_of(program.structure, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
      }))
    return fail("expected the hash of the structure to have 16 hexadecimal digits");
  for (size_t i = 0; i < kNumLaunchParameters; ++i)
    if (program.parameters[i] != Program::kDynamic &&
        !verifyRange("the launch parameter '" + std::string(launchParameters[i].name) + "'",
                     program.parameters[i], launchParameters[i].least(), kMaxMagnitude))
      return false;
  if (!(program.scale >= kMinScale && program.scale <= kMaxScale))
    return fail("expected a scale between 2^-100 and 2^100, got " + std::to_string(program.scale));
  if (std::string fault = findProgramThresholdFault(program, program.thresholds); !fault.empty())
    return fail(fault);
  return true;
}

bool ProgramVerifier::verifyInputs() {
  // The others come with every launch.
  auto previous = static_cast<MemoryRegion>(kNumRequiredInputs - 1);
  for (MemoryRegion input : program.inputs) {
    uint64_t value = static_cast<uint64_t>(input);
    if (input <= previous || !isEnumerator<MemoryRegion>(value))
      return fail("expected inputs among " + std::string(optionalInputNames) +
                  ", each at most once and in this order, got " +
                  (isEnumerator<MemoryRegion>(value) ? "'" + std::string(toString(input)) + "'"
                                                     : std::to_string(value)));
    previous = input;
  }
  auto isThere = [&](MemoryRegion region) {
    return std::ranges::find(program.inputs, region) != program.inputs.end();
  };
  if (std::optional<MemoryRegion> alone = findWithoutPartner(isThere))
    return fail("expected '" + std::string(inputOf(*alone).partner) +
                "' among the inputs beside '" + std::string(toString(*alone)) + "', got none");
  return true;
}

bool ProgramVerifier::verifyQueues() {
  std::unordered_set<std::string_view> names;
  auto verifyName = [&](const std::string &name) {
    if (!isName(name))
      return fail(expectedName("a queue"));
    if (!names.insert(name).second)
      return fail("expected one queue of a name, got two named '" + name + "'");
    return true;
  };
  if (program.countingQueues.size() > kMaxQueues || program.indexQueues.size() > kMaxQueues)
    return fail(
        "expected at most " + std::to_string(kMaxQueues) + " queues of a kind, got " +
        std::to_string(std::max(program.countingQueues.size(), program.indexQueues.size())));
  for (const CountingQueue &queue : program.countingQueues)
    if (!verifyName(queue.name) ||
        !verifyRange("credits of '" + queue.name + "'", queue.credits, 0, kMaxQueueCapacity))
      return false;
  for (const IndexQueue &queue : program.indexQueues)
    if (!verifyName(queue.name) ||
        !verifyRange("the depth of '" + queue.name + "'", queue.depth, 1, kMaxQueueCapacity))
      return false;
  return true;
}

bool ProgramVerifier::verifyExpressions() {
  if (program.expressions.size() > kMaxExpressions)
    return fail("expected at most " + std::to_string(kMaxExpressions) + " expressions, got " +
                std::to_string(program.expressions.size()));
  summaries.reserve(program.expressions.size());
  for (size_t i = 0; i < program.expressions.size(); ++i)
    if (!verifyExpression(i))
      return false;
  return true;
}

/// Whether a leaf is a number that is at least 1.
static bool isPositive(const ExprNode &node) {
  if (node.kind == ExprNode::Kind::Parameter)
    return launchParameters[node.value].least() > 0;
  return node.kind == ExprNode::Kind::Constant && node.value > 0;
}

bool ProgramVerifier::verifyExpression(size_t index) {
  const ExprNode &node = program.expressions[index];
  std::string place = "expression " + std::to_string(index) + ": ";
  ExprSummary summary;
  switch (node.kind) {
  case ExprNode::Kind::Constant:
  case ExprNode::Kind::Counter:
  case ExprNode::Kind::Parameter:
    if (node.lhs || node.rhs)
      return fail(place + "expected a leaf to have no operands");
    if (node.kind == ExprNode::Kind::Constant) {
      if (!verifyRange("a constant", node.value, -kMaxMagnitude, kMaxMagnitude, place))
        return false;
    } else if (node.kind == ExprNode::Kind::Counter) {
      if (!verifyRange("a loop counter", node.value, 0, kMaxLoopDepth - 1, place))
        return false;
      summary.depth = static_cast<int>(node.value) + 1;
    } else if (!verifyRange("a launch parameter", node.value, 0,
                            static_cast<int64_t>(kNumLaunchParameters) - 1, place)) {
      return false;
    }
    break;
  case ExprNode::Kind::FloorDiv:
  case ExprNode::Kind::CeilDiv:
  case ExprNode::Kind::Mod:
    if (node.rhs < index) {
      const ExprNode &divisor = program.expressions[node.rhs];
      if (!isPositive(divisor))
        return fail(place + "expected to divide by a positive constant or a launch parameter that "
                            "is never zero");
    }
    [[fallthrough]];
  case ExprNode::Kind::Add:
  case ExprNode::Kind::Mul:
  case ExprNode::Kind::Min:
  case ExprNode::Kind::Max:
    if (node.lhs >= index || node.rhs >= index)
      return fail(place + "expected operands to be earlier expressions, got " +
                  std::to_string(std::max(node.lhs, node.rhs)));
    if (node.value)
      return fail(place + "expected a node with operands to have no value");
    summary.depth = std::max(summaries[node.lhs].depth, summaries[node.rhs].depth);
    summary.nodes += summaries[node.lhs].nodes + summaries[node.rhs].nodes;
    if (summary.nodes > kMaxExprNodes)
      return fail(place + "expected at most " + std::to_string(kMaxExprNodes) + " nodes");
    break;
  default:
    return fail(place + "expected a kind of node, got " +
                std::to_string(static_cast<unsigned>(node.kind)));
  }
  summaries.push_back(summary);
  return true;
}

bool ProgramVerifier::verifyUnits() {
  std::array<bool, kNumMachineUnits> seen{};
  for (const UnitProgram &unit : program.units) {
    if (!isEnumerator<MachineUnit>(static_cast<uint64_t>(unit.unit)))
      return fail("expected a unit, got " + std::to_string(static_cast<unsigned>(unit.unit)));
    if (std::exchange(seen[static_cast<size_t>(unit.unit)], true))
      return fail("expected each unit once, got '" + std::string(toString(unit.unit)) + "' twice");
    if (!verifyUnit(unit))
      return false;
  }
  return true;
}

bool ProgramVerifier::verifyUnit(const UnitProgram &unit) {
  int depth = 0;
  for (size_t i = 0; i < unit.words.size(); ++i) {
    std::string message;
    if (!verifyWord(unit.unit, unit.words[i], depth, message))
      return fail("unit '" + std::string(toString(unit.unit)) + "': word " + std::to_string(i) +
                  ": " + message);
  }
  if (depth != 0)
    return fail("unit '" + std::string(toString(unit.unit)) +
                "': expected every loop to end, got " + std::to_string(depth) + " without an end");
  return true;
}

bool ProgramVerifier::verifyWord(MachineUnit unit, CommandWord word, int &depth,
                                 std::string &message) {
  const CommandInfo *info = checkedInfo(word);
  if (!info) {
    uint64_t opcode = readBits(word, 0, kOpcodeBits);
    info = findCommand(opcode);
    message = info ? "expected the operands of '" + std::string(info->mnemonic) +
                         "', got others or spare bits that are not zero"
                   : "expected a command, got opcode " + std::to_string(opcode);
    return false;
  }
  if (!isAllowedOn(*info, unit)) {
    message = "expected a command of this unit, got '" + std::string(info->mnemonic) + "'";
    return false;
  }
  if (info->opcode == Opcode::EndLoop && depth-- == 0) {
    message = "expected a loop to end";
    return false;
  }
  for (const CommandField &field : info->fields) {
    if (!verifyField(field, readField(word, field), depth, message)) {
      message = "operand '" + std::string(field.name) + "' of '" + std::string(info->mnemonic) +
                "': " + message;
      return false;
    }
  }
  if (info->opcode == Opcode::Loop && ++depth > kMaxLoopDepth) {
    message = "expected at most " + std::to_string(kMaxLoopDepth) + " nested loops";
    return false;
  }
  return true;
}

bool ProgramVerifier::verifyOperand(uint64_t expression, int depth, std::string &message) {
  if (expression >= program.expressions.size()) {
    message = "no expression " + std::to_string(expression);
    return false;
  }
  if (summaries[expression].depth > depth) {
    message = "expected counters of the " + std::to_string(depth) + " enclosing loops, got i" +
              std::to_string(summaries[expression].depth - 1);
    return false;
  }
  return true;
}

bool ProgramVerifier::verifyField(const CommandField &field, uint64_t value, int depth,
                                  std::string &message) {
  switch (field.kind) {
  case FieldKind::OptionalExpr:
    return value == 0 || verifyOperand(value - 1, depth, message);
  case FieldKind::Expr:
    return verifyOperand(value, depth, message);
  case FieldKind::Queue:
    if (value < program.countingQueues.size())
      return true;
    message = "no counting queue " + std::to_string(value);
    return false;
  case FieldKind::IndexQueue:
    if (value < program.indexQueues.size())
      return true;
    message = "no index queue " + std::to_string(value);
    return false;
  default:
    return true; // An enumerant, which checkedInfo has found to be one.
  }
}

std::string sprint::findThresholdFault(std::span<const float> thresholds, int64_t heads) {
  bool isDynamic = heads == Program::kDynamic;
  if (thresholds.size() != 1 && (isDynamic || thresholds.size() != static_cast<uint64_t>(heads)))
    return "expected one threshold" +
           (isDynamic ? std::string(", as the number of heads is open")
                      : ", or one for each of " + std::to_string(heads) + " heads") +
           ", got " + std::to_string(thresholds.size());
  if (std::ranges::any_of(thresholds, [](float value) { return std::isnan(value); }))
    return "expected thresholds, got NaN";
  return {};
}

bool sprint::setThresholds(Program &program, std::span<const float> thresholds,
                           std::string &error) {
  if (std::string fault = findProgramThresholdFault(program, thresholds); !fault.empty()) {
    error = "program '" + program.name + "': " + fault;
    return false;
  }
  program.thresholds.assign(thresholds.begin(), thresholds.end());
  return true;
}

bool sprint::verify(const CommandStream &stream, std::string &error) {
  if (stream.programs.empty()) {
    error = "expected at least one program, got none";
    return false;
  }
  std::unordered_set<std::string_view> names;
  for (size_t i = 0; i < stream.programs.size(); ++i) {
    const Program &program = stream.programs[i];
    if (!isName(program.name)) {
      error = "program " + std::to_string(i) + ": " + expectedName("a program");
      return false;
    }
    if (!names.insert(program.name).second) {
      error = "expected one program of a name, got two named '" + program.name + "'";
      return false;
    }
    if (!ProgramVerifier(program, error).verify())
      return false;
  }
  return true;
}
