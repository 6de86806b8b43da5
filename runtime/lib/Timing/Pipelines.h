//===- Pipelines.h - How PUs take the tokens of a list -----------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_TIMING_PIPELINES_H
#define SPRINTRUNTIME_LIB_TIMING_PIPELINES_H

#include "Durations.h"
#include "Queues.h"
#include "Walk/Events.h"

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace sprint {

/// Tokens that come from the memory, and when they do.
struct ArrivingTokens {
  std::span<const uint32_t> tokens = {};
  std::span<const Time> times = {};
  /// Of the tokens, those at the end that stream a second time.
  int64_t again = 0;
  /// When the last one comes.
  Time last = 0;
};

/// What the PUs of all CORELETs take for a row.
struct TakenTokens {
  Time start = 0;
  /// What a token takes.
  Time perToken = 0;
  ListSize size = {};
  int64_t passes = 1;
  /// The tokens of each CORELET, where they are followed.
  std::span<const uint32_t> shares = {};
  TimedList list = {};
  /// The weights that each token needs beside; null where it needs none.
  const TimedList *weights = nullptr;
  /// Tokens that the PUs read themselves.
  ArrivingTokens own = {};
};

/// The PUs of one kind of unit.
class Pipelines {
public:
  virtual ~Pipelines() = default;

  /// When the last token has gone into a PU.
  virtual Time take(const TakenTokens &taken) = 0;
  /// Keeps when tokens of a list come, until the list has been taken, where that is followed.
  virtual const TokenArrivals *keep(const ArrivingTokens &arriving) = 0;
  /// Forgets what was kept for a list.
  virtual void drop(const TokenArrivals *arrivals) = 0;
};

/// All CORELETs take as long as the one that has most tokens, and wait for the last token of all.
class ClosedFormPipelines final : public Pipelines {
public:
  Time take(const TakenTokens &taken) override;
  const TokenArrivals *keep(const ArrivingTokens &) override { return nullptr; }
  void drop(const TokenArrivals *) override {}
};

/// Each CORELET takes its own tokens as they come.
class DetailedPipelines final : public Pipelines {
public:
  DetailedPipelines(int64_t corelets, const Durations &durations)
      : corelets(corelets), durations(durations), own(corelets) {}

  Time take(const TakenTokens &taken) override;
  const TokenArrivals *keep(const ArrivingTokens &arriving) override;
  void drop(const TokenArrivals *arrivals) override;

private:
  void add(const ArrivingTokens &arriving, TokenArrivals &arrivals) const;
  /// When a CORELET has taken `count` tokens from `start` on, of which those that `arriving` has
  /// come then.
  Time take(const TakenTokens &taken, Time start, int64_t count,
            std::span<const Time> arriving) const;

  int64_t corelets;
  const Durations &durations;
  std::deque<TokenArrivals> arrivals;
  std::vector<TokenArrivals *> unused;
  // Buffer of `take`.
  TokenArrivals own;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_TIMING_PIPELINES_H
