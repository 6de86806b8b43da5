//===- Residency.cpp - Who stays in an on-chip buffer ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Residency.h"

#include <algorithm>
#include <numeric>

using namespace sprint;

CoreletShares::CoreletShares(int64_t corelets) : number(corelets) {
  if (corelets <= 64 && 64 % corelets == 0)
    for (int64_t bit = 0; bit < 64; bit += corelets)
      stride |= uint64_t(1) << bit;
}

void CoreletShares::count(TokenSet set, std::span<int64_t> counts) const {
  std::ranges::fill(counts, 0);
  if (stride == 0) {
    forEachToken(set, [&](int64_t token) {
      ++counts[coreletOf(token)];
      return true;
    });
    return;
  }
  for (int64_t corelet = 0; corelet < number; ++corelet) {
    int64_t sum = 0;
    for (uint64_t word : set)
      sum += std::popcount(word & stride << corelet);
    counts[corelet] = sum;
  }
}

TokenBuffer::TokenBuffer(const CoreletShares &shares, int64_t capacity, int64_t tokens)
    : shares(shares), capacity(capacity), tokens((tokens + 63) / 64), counts(shares.corelets()),
      missing(this->tokens.size()), kept(shares.corelets()), missingCounts(shares.corelets()) {}

int64_t TokenBuffer::admit(TokenSet missing) {
  shares.count(missing, missingCounts);
  int64_t total = std::reduce(missingCounts.begin(), missingCounts.end());
  bool allFit = true;
  // CORELETs that have room for some, though not for all of theirs.
  int64_t open = 0;
  for (size_t corelet = 0; corelet < counts.size(); ++corelet) {
    allFit &= counts[corelet] + missingCounts[corelet] <= capacity;
    open += counts[corelet] < capacity && missingCounts[corelet] > 0;
  }
  if (allFit) {
    for (size_t word = 0; word < tokens.size(); ++word)
      tokens[word] |= missing[word];
    for (size_t corelet = 0; corelet < counts.size(); ++corelet)
      counts[corelet] += missingCounts[corelet];
    return total;
  }
  int64_t admitted = 0;
  if (open == 0)
    return admitted;
  forEachToken(missing, [&](int64_t token) {
    int64_t corelet = shares.coreletOf(token);
    if (counts[corelet] == capacity)
      return true;
    tokens[token / 64] |= uint64_t(1) << token % 64;
    ++admitted;
    open -= ++counts[corelet] == capacity || --missingCounts[corelet] == 0;
    return open > 0;
  });
  return admitted;
}

FetchedTokens TokenBuffer::fetch(TokenSet wanted, int64_t ofKeyHead, Residency residency) {
  FetchedTokens result;
  // Those of the list before may still be in use, even where they are another key head's.
  occupied = counts;
  if (keyHead != ofKeyHead) {
    keyHead = ofKeyHead;
    std::ranges::fill(tokens, 0);
    std::ranges::fill(counts, 0);
  }
  for (size_t word = 0; word < tokens.size(); ++word) {
    uint64_t there = wanted[word] & tokens[word];
    missing[word] = wanted[word] & ~tokens[word];
    result.reused += std::popcount(there);
    result.missing += std::popcount(missing[word]);
    if (residency == Residency::PreviousQuery)
      tokens[word] = there;
  }
  if (residency == Residency::PreviousQuery)
    shares.count(tokens, counts);
  kept = counts;
  result.passing = result.missing - admit(missing);
  for (size_t corelet = 0; corelet < counts.size(); ++corelet)
    result.waitsForRoom |= occupied[corelet] + counts[corelet] - kept[corelet] > capacity;
  return result;
}
