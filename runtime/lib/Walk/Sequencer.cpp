//===- Sequencer.cpp - Command sequences of the units ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sequencer.h"

#include <algorithm>

using namespace sprint;

namespace {

/// Steps, which are commands and nodes of their operands, that a launch may run: some seconds'
/// worth of them, so many an output row, of which commands of usual programs take a fifth, and one
/// for as many multiply-accumulates as are computed in the time of a step.
constexpr int64_t kFreeSteps = int64_t(1) << 27;
constexpr int64_t kStepsPerRow = int64_t(1) << 10;
constexpr int64_t kMacsPerStep = int64_t(1) << 8;

__int128 maxSteps(const LaunchShape &shape) {
  __int128 rows = __int128(shape.batches) * shape.heads * shape.queries;
  __int128 macs = rows * shape.keys * (shape.headDim + shape.valueDim);
  return kFreeSteps + rows * kStepsPerRow + macs / kMacsPerStep;
}

/// Magnitude of every value of an expression, so that sums of two do not overflow.
constexpr int64_t kMaxValue = int64_t(1) << 62;

/// Divisors are positive (CommandStream.h, `verify`).
int64_t floorDiv(int64_t number, int64_t divisor) {
  int64_t quotient = number / divisor;
  return number % divisor < 0 ? quotient - 1 : quotient;
}

int64_t apply(ExprNode::Kind kind, int64_t left, int64_t right) {
  switch (kind) {
  case ExprNode::Kind::Add:
    return left + right;
  case ExprNode::Kind::Mul:
    return left * right;
  case ExprNode::Kind::FloorDiv:
    return floorDiv(left, right);
  case ExprNode::Kind::CeilDiv:
    return -floorDiv(-left, right);
  case ExprNode::Kind::Mod:
    return left - floorDiv(left, right) * right;
  case ExprNode::Kind::Min:
    return std::min(left, right);
  case ExprNode::Kind::Max:
    return std::max(left, right);
  case ExprNode::Kind::Constant:
  case ExprNode::Kind::Counter:
  case ExprNode::Kind::Parameter:
    break;
  }
  return 0;
}

struct Bounds {
  int64_t least;
  int64_t largest;
};

/// `apply`, of which a number that does not fit is the one that is next to it.
int64_t applySaturating(ExprNode::Kind kind, int64_t left, int64_t right) {
  int64_t result;
  if (kind == ExprNode::Kind::Add && __builtin_add_overflow(left, right, &result))
    return left < 0 ? INT64_MIN : INT64_MAX;
  if (kind == ExprNode::Kind::Mul && __builtin_mul_overflow(left, right, &result))
    return (left < 0) != (right < 0) ? INT64_MIN : INT64_MAX;
  return apply(kind, left, right);
}

Bounds applyBounds(ExprNode::Kind kind, const Bounds &left, const Bounds &right) {
  if (kind == ExprNode::Kind::Mod)
    return {0, right.largest - 1};
  // All other kinds are monotone in each operand, so the extremes are at the corners.
  Bounds result = {INT64_MAX, INT64_MIN};
  for (int64_t one : {left.least, left.largest})
    for (int64_t other : {right.least, right.largest}) {
      int64_t corner = applySaturating(kind, one, other);
      result = {std::min(result.least, corner), std::max(result.largest, corner)};
    }
  return result;
}

} // namespace

Expression::Expression(const Program &program, uint32_t root, const LaunchShape &shape) {
  const ExprNode &node = program.expressions[root];
  switch (node.kind) {
  case ExprNode::Kind::Constant:
  case ExprNode::Kind::Counter:
    form = node.kind;
    value = node.value;
    steps = {{form, value}};
    return;
  case ExprNode::Kind::Parameter:
    form = ExprNode::Kind::Constant;
    value = shape.*launchSizeMembers[node.value];
    steps = {{form, value}};
    return;
  default:
    form = node.kind;
    break;
  }
  for (uint32_t operand : {node.lhs, node.rhs}) {
    Expression inner(program, operand, shape);
    steps.insert(steps.end(), inner.steps.begin(), inner.steps.end());
  }
  steps.push_back({node.kind, 0});
}

int64_t Expression::evaluateSteps(const Counters &counters) const {
  std::array<int64_t, kMaxExprNodes> stack;
  size_t top = 0;
  for (const Step &step : steps) {
    if (step.kind == ExprNode::Kind::Constant) {
      stack[top++] = step.value;
    } else if (step.kind == ExprNode::Kind::Counter) {
      stack[top++] = counters[step.value];
    } else {
      --top;
      stack[top - 1] = apply(step.kind, stack[top - 1], stack[top]);
    }
  }
  return stack[0];
}

bool Expression::bounds(const Counters &counters, int64_t &least, int64_t &largest) const {
  std::vector<Bounds> stack;
  for (const Step &step : steps) {
    if (step.kind == ExprNode::Kind::Constant) {
      stack.push_back({step.value, step.value});
    } else if (step.kind == ExprNode::Kind::Counter) {
      stack.push_back({0, counters[step.value]});
    } else {
      Bounds right = stack.back();
      stack.pop_back();
      stack.back() = applyBounds(step.kind, stack.back(), right);
    }
    if (stack.back().least < -kMaxValue || stack.back().largest > kMaxValue)
      return false;
  }
  least = stack.back().least;
  largest = stack.back().largest;
  return true;
}

DecodedProgram::DecodedProgram(const Program &program, const LaunchShape &shape)
    : program(program) {
  expressions.resize(program.expressions.size());
  for (const UnitProgram &unit : program.units) {
    DecodedUnit &result = decoded.emplace_back();
    result.unit = unit.unit;
    result.partners.resize(unit.words.size());
    std::vector<size_t> loops;
    for (size_t index = 0; index < unit.words.size(); ++index) {
      result.commands.push_back(*decode(unit.words[index]));
      if (std::holds_alternative<LoopCommand>(result.commands.back())) {
        loops.push_back(index);
      } else if (std::holds_alternative<EndLoopCommand>(result.commands.back())) {
        result.partners[index] = loops.back();
        result.partners[loops.back()] = index;
        loops.pop_back();
      }
    }
    compileExpressions(result, shape);
  }
  // Units are served in the order of the table in docs/machine.md, whatever their order in the
  // stream.
  std::ranges::sort(decoded, {}, &DecodedUnit::unit);
  checkSteps(maxSteps(shape));
}

void DecodedProgram::compileExpressions(const DecodedUnit &unit, const LaunchShape &shape) {
  for (const Command &command : unit.commands) {
    CommandWord word = encode(command);
    for (const CommandField &field : checkedInfo(word)->fields) {
      std::optional<uint32_t> index = findExpression(word, field);
      if (index && expressions[*index].nodes() == 0)
        expressions[*index] = Expression(program, *index, shape);
    }
  }
}

/// Sums up the steps of all units, each loop with the largest trip count that it could have.
void DecodedProgram::checkSteps(__int128 most) const {
  __int128 total = 0;
  for (const DecodedUnit &unit : decoded) {
    // Turns of the body that encloses the command, which may be 0, and the largest values of the
    // counters.
    std::vector<__int128> turns = {1};
    Counters largest{};
    for (size_t index = 0; index < unit.commands.size(); ++index) {
      const Command &command = unit.commands[index];
      if (std::holds_alternative<EndLoopCommand>(command))
        turns.pop_back();
      __int128 steps = 1;
      CommandWord word = encode(command);
      for (const CommandField &field : checkedInfo(word)->fields) {
        std::optional<uint32_t> operand = findExpression(word, field);
        if (!operand)
          continue;
        const Expression &expression = expressions[*operand];
        steps += expression.nodes();
        int64_t low, high;
        if (!expression.bounds(largest, low, high))
          throw LaunchFailure{"unit '" + std::string(toString(unit.unit)) + "': word " +
                              std::to_string(index) + ": operand '" + std::string(field.name) +
                              "' could leave +-2^62"};
        if (std::holds_alternative<LoopCommand>(command)) {
          int64_t trips = std::max<int64_t>(high, 0);
          largest[turns.size() - 1] = std::max<int64_t>(trips - 1, 0);
          // The end of the loop is a step of every turn; it is counted here because `turns` is that
          // of the outside there.
          total += turns.back() * trips;
          turns.push_back(turns.back() * trips);
          steps += 1;
        }
      }
      total += steps * (std::holds_alternative<LoopCommand>(command) ? turns[turns.size() - 2]
                                                                     : turns.back());
      if (total > most)
        throw LaunchFailure{"expected at most " + std::to_string(static_cast<int64_t>(most)) +
                            " steps, but unit '" + std::string(toString(unit.unit)) +
                            "' could run more"};
      // What never runs is not looked at: a stream may be full of it.
      if (std::holds_alternative<LoopCommand>(command) && turns.back() == 0)
        index = unit.partners[index] - 1;
    }
  }
}

void Cursor::beginLoop(const LoopCommand &loop) {
  int64_t trip = evaluate(loop.trip);
  if (trip <= 0) {
    index = unit->partners[index] + 1;
    return;
  }
  counters[depth] = 0;
  trips[depth] = trip;
  ++depth;
  ++index;
}

void Cursor::endLoop() {
  if (++counters[depth - 1] < trips[depth - 1]) {
    index = unit->partners[index] + 1;
    return;
  }
  counters[depth - 1] = 0;
  --depth;
  ++index;
}

std::string Cursor::place() const {
  std::string text =
      "unit '" + std::string(toString(unit->unit)) + "', word " + std::to_string(index);
  if (!isDone())
    text += " (" + std::string(checkedInfo(encode(command()))->mnemonic) + ")";
  for (int loop = 0; loop < depth; ++loop)
    text += ", i" + std::to_string(loop) + " = " + std::to_string(counters[loop]);
  return text;
}
