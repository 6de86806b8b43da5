//===- FormatVersions.h - What each version of the format has ----*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_STREAM_FORMATVERSIONS_H
#define SPRINTRUNTIME_LIB_STREAM_FORMATVERSIONS_H

#include "SprintRuntime/CommandStream.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sprint {

/// Version that has programs with a resident cache first.
inline constexpr uint32_t kResidentCacheSince = 3;

/// What says since which version it exists: the records, unless a test has others.
struct FormatTable {
  uint32_t newest = kFormatVersion;
  std::span<const CommandInfo> commands = commandInfos;
  std::span<const EnumerantInfo> enumerants = enumerantInfos;
  /// By MemoryRegion.
  std::span<const LaunchTensor> inputs = launchInputs;
  /// By LaunchParameter; their versions ascend.
  std::span<const LaunchParameterInfo> parameters = launchParameters;

  /// Number of launch parameters that a stream of `version` has.
  size_t parametersOf(uint32_t version) const;
};

/// A version, and what it is the first to have.
struct NeededVersion {
  uint32_t version = 1;
  /// With its place; empty where every version has it.
  std::string reason;
};

/// The smallest version that holds a stream; what is not well-formed in it counts for nothing.
NeededVersion versionOf(const CommandStream &stream, const FormatTable &table = {});

/// `serialize` and `parse` of CommandStream.h with another table.
std::vector<uint8_t> serialize(const CommandStream &stream, const FormatTable &table);
std::optional<CommandStream> parse(std::span<const uint8_t> bytes, const FormatTable &table,
                                   std::string &error) noexcept;

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_STREAM_FORMATVERSIONS_H
