//===- CommandStream.h - The container of programs ---------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A command stream in memory, and its binary form (docs/stream.md). Nothing here throws: what fails
// says why in `error`.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_COMMANDSTREAM_H
#define SPRINTRUNTIME_COMMANDSTREAM_H

#include "SprintRuntime/Commands.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sprint {

/// A node of an expression; operands are indices of earlier nodes of the same program.
struct ExprNode {
  enum class Kind : uint8_t {
    Constant = 0,  ///< `value`
    Counter = 1,   ///< counter of loop `value`, 0 the outermost
    Parameter = 2, ///< launch parameter `value`
    Add = 3,
    Mul = 4,
    FloorDiv = 5, ///< by a positive number
    CeilDiv = 6,  ///< by a positive number
    Mod = 7,      ///< by a positive number; never negative
    Min = 8,
    Max = 9,
  };
  Kind kind = Kind::Constant;
  uint32_t lhs = 0;
  uint32_t rhs = 0;
  int64_t value = 0;

  bool operator==(const ExprNode &) const = default;
};

/// Queue of credits between units.
struct CountingQueue {
  std::string name;
  /// Credits when a launch begins.
  int64_t credits = 0;
  bool operator==(const CountingQueue &) const = default;
};

/// Queue of lists of key indices between units.
struct IndexQueue {
  std::string name;
  /// Lists it can hold.
  int64_t depth = 1;
  bool operator==(const IndexQueue &) const = default;
};

/// The commands of one unit.
struct UnitProgram {
  MachineUnit unit;
  std::vector<CommandWord> words;
  bool operator==(const UnitProgram &) const = default;
};

/// What one launch runs.
struct Program {
  /// Value of a launch parameter that the launch brings.
  static constexpr int64_t kDynamic = INT64_MIN;

  std::string name;
  /// Name of the machine it was compiled for, and the hash of its structure.
  std::string machine;
  std::string structure;
  /// Static launch parameters, or kDynamic.
  std::array<int64_t, kNumLaunchParameters> parameters{};
  /// Scale of the logits.
  double scale = 1;
  /// Thresholds in logit units, one for all heads or one a head; empty keeps every allowed key.
  std::vector<float> thresholds;
  /// Optional inputs that the launch brings, ascending.
  std::vector<MemoryRegion> inputs;
  /// Whether the launch adds its keys and values to a cache, and attends to all that is there.
  bool residentCache = false;
  std::vector<CountingQueue> countingQueues;
  std::vector<IndexQueue> indexQueues;
  std::vector<ExprNode> expressions;
  std::vector<UnitProgram> units;

  bool operator==(const Program &) const = default;
};

/// All programs of a module.
struct CommandStream {
  std::vector<Program> programs;
  bool operator==(const CommandStream &) const = default;
};

//===----------------------------------------------------------------------===//
// Limits
//===----------------------------------------------------------------------===//

/// Newest version of the format. Written is the smallest that holds the programs; every one is
/// read.
inline constexpr uint32_t kFormatVersion = kNewestVersion;
/// Bytes of a stream.
inline constexpr size_t kMaxStreamBytes = size_t(1) << 26;
/// Loops that may enclose one another.
inline constexpr int kMaxLoopDepth = 8;
/// Bytes of a name.
inline constexpr size_t kMaxNameLength = 255;
/// Credits and depths of queues.
inline constexpr int64_t kMaxQueueCapacity = int64_t(1) << 16;
/// Magnitude of a static launch parameter and of a constant in an expression.
inline constexpr int64_t kMaxMagnitude = int64_t(1) << 31;
/// Nodes of an expression, each counted as often as it is an operand.
inline constexpr uint64_t kMaxExprNodes = 256;
/// Scale of the logits (docs/numerics.md, section 1).
inline constexpr double kMinScale = 0x1p-100;
inline constexpr double kMaxScale = 0x1p100;
/// Queues of a kind and expressions of a program: what the fields of a command word can tell apart.
inline constexpr size_t kMaxQueues = 256;
inline constexpr size_t kMaxExpressions = 65535;

//===----------------------------------------------------------------------===//
// Thresholds
//===----------------------------------------------------------------------===//

/// Why `thresholds` cannot be those of a program or launch with that many heads, Program::kDynamic
/// where their number is not known; an empty string where they can: one or, where the number is
/// known, one a head, none of them NaN.
std::string findThresholdFault(std::span<const float> thresholds, int64_t heads);

/// Replaces the thresholds of a program, so that other ones need no other compilation; none keep
/// every allowed key. Otherwise `error` says why they cannot be the program's, and the program is
/// as it was.
bool setThresholds(Program &program, std::span<const float> thresholds, std::string &error);

//===----------------------------------------------------------------------===//
// Binary form
//===----------------------------------------------------------------------===//

/// Whether `stream` is well-formed: there is a program, names are unique and printable, inputs are
/// in order, every number is within its limit, every word decodes, every index is in range, loops
/// nest (at most kMaxLoopDepth deep), counters are those of enclosing loops, commands stand on
/// units that may run them. Otherwise `error` has one message that names the place.
bool verify(const CommandStream &stream, std::string &error);

/// The binary form of a well-formed stream; equal streams give equal bytes.
std::vector<uint8_t> serialize(const CommandStream &stream);

/// Reads the binary form. What it gives is well-formed, and `serialize` of it gives the same bytes.
/// Without a value, `error` has one message that names the place.
std::optional<CommandStream> parse(std::span<const uint8_t> bytes, std::string &error) noexcept;

} // namespace sprint

#endif // SPRINTRUNTIME_COMMANDSTREAM_H
