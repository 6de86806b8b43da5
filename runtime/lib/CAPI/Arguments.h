//===- Arguments.h - What C callers say --------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the C APIs of the runtime and of the compiler make of their arguments. Nothing here throws.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_CAPI_ARGUMENTS_H
#define SPRINTRUNTIME_LIB_CAPI_ARGUMENTS_H

#include "SprintRuntime/Simulator.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace sprint {

/// A copy that sprintDestroyString frees; null without memory.
char *copyString(std::string_view text) noexcept;

/// The policy that a value of enum SprintThresholds is; nothing for another one.
std::optional<ThresholdPolicy::Kind> policyKindOf(uint32_t policy);

/// Sets what flags of enum SprintLaunchFlags ask for. Returns whether there are no others.
bool setFlags(uint32_t flags, LaunchOptions &options);

/// Copies what a caller says in a struct, which begins with its size and may grow at its end: a
/// caller of an earlier version says at least `least` bytes and whole steps of `step` more, the
/// rest of `known` is zero; one of a later version may say more, if that is zero. Otherwise gives a
/// message, with the struct's `name`.
template <typename Struct>
std::string copyKnown(const Struct &given, const char *name, size_t least, size_t step,
                      Struct &known) {
  // A larger size was never set.
  constexpr size_t kMaxBytes = 4096;
  if (given.size < least || (given.size - least) % step != 0 || given.size > kMaxBytes)
    return std::string("expected a ") + name + "; is its size set?";
  known = {};
  std::memcpy(&known, &given, std::min(given.size, sizeof(Struct)));
  const auto *bytes = reinterpret_cast<const unsigned char *>(&given);
  if (given.size > sizeof(Struct) && std::any_of(bytes + sizeof(Struct), bytes + given.size,
                                                 [](unsigned char byte) { return byte != 0; }))
    return std::string("expected nothing in a ") + name +
           " beyond what this version of the library knows";
  return {};
}

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_CAPI_ARGUMENTS_H
