//===- Pipelines.cpp - How PUs take the tokens of a list ------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Pipelines.h"

#include <algorithm>

using namespace sprint;

//===----------------------------------------------------------------------===//
// ClosedFormPipelines
//===----------------------------------------------------------------------===//

Time ClosedFormPipelines::take(const TakenTokens &taken) {
  // A row without tokens waits for none.
  if (taken.size.fullest == 0)
    return taken.start;
  Time alone =
      taken.start + Durations::times(int64_t(taken.size.fullest) * taken.passes, taken.perToken);
  Time last = std::max(taken.list.complete, taken.own.last);
  if (taken.weights)
    last = std::max(last, taken.weights->complete);
  return std::max(alone, last + taken.perToken);
}

//===----------------------------------------------------------------------===//
// DetailedPipelines
//===----------------------------------------------------------------------===//

void DetailedPipelines::add(const ArrivingTokens &arriving, TokenArrivals &arrivals) const {
  size_t once = arriving.tokens.size() - arriving.again;
  for (size_t index = 0; index < arriving.tokens.size(); ++index) {
    auto &ofPass = index < once ? arrivals.first : arrivals.again;
    ofPass[arriving.tokens[index] % corelets].push_back(arriving.times[index]);
  }
}

const TokenArrivals *DetailedPipelines::keep(const ArrivingTokens &arriving) {
  if (unused.empty())
    unused.push_back(&arrivals.emplace_back(corelets));
  TokenArrivals *kept = unused.back();
  unused.pop_back();
  kept->clear();
  add(arriving, *kept);
  kept->sort();
  return kept;
}

void DetailedPipelines::drop(const TokenArrivals *dropped) {
  // All are this object's own.
  if (dropped)
    unused.push_back(const_cast<TokenArrivals *>(dropped));
}

Time DetailedPipelines::take(const TakenTokens &taken, Time start, int64_t count,
                             std::span<const Time> arriving) const {
  // Those that are on chip come first.
  int64_t onChip = count - static_cast<int64_t>(arriving.size());
  Time time = start;
  for (int64_t index = 0; index < count; ++index) {
    Time there = index < onChip ? start : arriving[index - onChip];
    if (taken.weights)
      there =
          std::max(there, std::min(taken.weights->available + (index + 1) * durations.unitsPerCycle,
                                   taken.weights->complete));
    time = std::min(std::max(time, there) + taken.perToken, kMaxTime);
  }
  return time;
}

Time DetailedPipelines::take(const TakenTokens &taken) {
  own.clear();
  if (taken.list.arrivals)
    own = *taken.list.arrivals;
  if (!taken.own.tokens.empty()) {
    add(taken.own, own);
    own.sort();
  }
  Time end = taken.start;
  for (int64_t pass = 0; pass < taken.passes; ++pass) {
    // The second needs the maximum of all.
    Time start = end;
    for (int64_t corelet = 0; corelet < corelets; ++corelet)
      end = std::max(end, take(taken, start, taken.shares[corelet],
                               (pass == 0 ? own.first : own.again)[corelet]));
  }
  return end;
}
