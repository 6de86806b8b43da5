//===- TestPrograms.h - Programs and references for tests --------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Programs built command by command, so that the runtime is tested without the compiler, and a
// plain scalar computation of what they must give.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_UNITTESTS_TESTPROGRAMS_H
#define SPRINTRUNTIME_UNITTESTS_TESTPROGRAMS_H

#include "SprintRuntime/Buffer.h"
#include "SprintRuntime/CommandStream.h"
#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Simulator.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sprint::test {

/// A built-in machine, which must exist.
Machine builtinMachine(const std::string &name);

/// Builds a program; commands go to the unit that was named last.
class ProgramBuilder {
public:
  explicit ProgramBuilder(const Machine &machine);

  ExprIndex constant(int64_t value) { return node({ExprNode::Kind::Constant, 0, 0, value}); }
  ExprIndex counter(int64_t loop) { return node({ExprNode::Kind::Counter, 0, 0, loop}); }
  ExprIndex parameter(LaunchParameter parameter) {
    return node({ExprNode::Kind::Parameter, 0, 0, static_cast<int64_t>(parameter)});
  }
  ExprIndex apply(ExprNode::Kind kind, ExprIndex lhs, ExprIndex rhs) {
    return node({kind, static_cast<uint32_t>(lhs), static_cast<uint32_t>(rhs), 0});
  }
  QueueIndex credits(const std::string &name, int64_t count);
  IndexQueueIndex lists(const std::string &name, int64_t depth);

  ProgramBuilder &unit(MachineUnit unit);
  ProgramBuilder &add(const Command &command);
  ProgramBuilder &loop(ExprIndex trip) { return add(LoopCommand{trip}); }
  ProgramBuilder &endLoop() { return add(EndLoopCommand{}); }

  Program program;

private:
  ExprIndex node(const ExprNode &node);
};

/// What an attention program is to do.
struct AttentionOptions {
  bool causal = false;
  /// All allowed keys, as the dense baseline lists them.
  bool dense = false;
  Residency residency = Residency::PreviousQuery;
  /// Credits that the program begins with.
  int64_t rowSlots = 2;
  int64_t keyBuffers = 1;
  int64_t valueBuffers = 1;
  /// Depth of every index queue.
  int64_t depth = 2;
  /// A loop over the heads of a group inside that over key heads.
  bool isGrouped = false;
  /// What the launch brings beside query, key and value; key_valid is loaded once a head.
  std::vector<MemoryRegion> inputs = {};
  /// Whether keys and values are added to a cache; the last query then is that of the last key.
  bool isCached = false;
  /// Whether mask and bias are loaded once a head instead of for every query.
  bool loadsOnce = false;
};

/// The paper's schedule of one attention of any shape, one query at a time.
Program attentionProgram(const Machine &machine, const AttentionOptions &options = {});

/// A random tensor `[B, H, S, D]`.
struct Tensor {
  std::array<int64_t, 4> shape;
  std::vector<float> data;

  Tensor(std::array<int64_t, 4> shape, unsigned seed);
  InputView view() const { return {data.data(), shape}; }
  int64_t size() const { return shape[0] * shape[1] * shape[2] * shape[3]; }
};

/// Random booleans `[B, H, Sq, Sk]`, of which each of the first three sizes may be 1.
struct Mask {
  std::array<int64_t, 4> shape;
  std::vector<uint8_t> data;

  /// About `ones` of 16 are 1.
  Mask(std::array<int64_t, 4> shape, unsigned seed, unsigned ones = 8);
  InputView view() const { return {data.data(), shape}; }
};

/// Random segments `[B, S]`, of which there are few.
struct Segments {
  std::array<int64_t, 2> shape;
  std::vector<int32_t> data;

  Segments(std::array<int64_t, 2> shape, unsigned seed);
  InputView view() const { return {data.data(), {shape[0], shape[1]}}; }
};

/// What a launch may bring beside query, key and value.
struct TestInputs {
  /// Of shape `[B, 1, 1, Sk]`.
  std::optional<Mask> keyValid;
  std::optional<Mask> mask;
  std::optional<Tensor> bias;
  std::optional<Segments> querySegments = std::nullopt, keySegments = std::nullopt;

  std::vector<MemoryRegion> regions() const;
};

/// The operands of a launch, which look at these tensors.
LaunchOperands operandsOf(const Tensor &query, const Tensor &key, const Tensor &value,
                          const TestInputs &inputs = {});

/// The energy of a component, as reports name it.
double energyOf(const LaunchResult &result, std::string_view component);

/// What docs/numerics.md says of one launch, computed one number after another in the simplest way.
struct Reference {
  Buffer<int32_t> codes;
  Buffer<float> output;
  std::vector<uint8_t> masks;
  int64_t allowed = 0;
  int64_t kept = 0;
  int64_t retriedRows = 0;
  int64_t retries = 0;

  Reference(const Tensor &query, const Tensor &key, const Tensor &value, double scale,
            const std::vector<float> &thresholds, const Widths &widths, bool causal, bool dense,
            const TestInputs &inputs = {});

  /// Expects the values, masks and counts of a launch that recorded its masks to be these.
  void expectGivenBy(const LaunchResult &result) const;
};

} // namespace sprint::test

#endif // SPRINTRUNTIME_UNITTESTS_TESTPROGRAMS_H
