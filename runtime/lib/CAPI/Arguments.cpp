//===- Arguments.cpp - What C callers say ---------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"
#include "sprint-c/Runtime.h"

#include <cstdlib>

using namespace sprint;

char *sprint::copyString(std::string_view text) noexcept {
  auto *copy = static_cast<char *>(std::malloc(text.size() + 1));
  if (copy) {
    text.copy(copy, text.size());
    copy[text.size()] = '\0';
  }
  return copy;
}

std::optional<ThresholdPolicy::Kind> sprint::policyKindOf(uint32_t policy) {
  switch (policy) {
  case SPRINT_THRESHOLDS_PROGRAM:
    return ThresholdPolicy::Kind::Program;
  case SPRINT_THRESHOLDS_GIVEN:
    return ThresholdPolicy::Kind::Given;
  case SPRINT_THRESHOLDS_PRUNE_RATE:
    return ThresholdPolicy::Kind::PruneRate;
  case SPRINT_THRESHOLDS_KEEP_MASS:
    return ThresholdPolicy::Kind::KeepMass;
  default:
    return std::nullopt;
  }
}

bool sprint::setFlags(uint32_t flags, LaunchOptions &options) {
  options.masks = flags & SPRINT_RECORD_MASKS;
  options.trace = flags & SPRINT_RECORD_TRACE;
  options.timing = flags & SPRINT_DETAILED_TIMING ? TimingKind::Detailed : TimingKind::ClosedForm;
  constexpr uint32_t kKnown = SPRINT_RECORD_MASKS | SPRINT_RECORD_TRACE | SPRINT_DETAILED_TIMING;
  return (flags & ~kKnown) == 0;
}
