//===- Residency.cpp - Who stays in an on-chip buffer ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Residency.h"

#include <algorithm>
#include <array>
#include <numeric>

using namespace sprint;

// Bits are counted all the time, for which not every processor has an instruction.
#if defined(__x86_64__) && defined(__ELF__)
#define SPRINT_COUNTS_BITS __attribute__((target_clones("popcnt", "default")))
#else
#define SPRINT_COUNTS_BITS
#endif

CoreletShares::CoreletShares(int64_t corelets) : number(corelets) {
  if (corelets <= 64 && 64 % corelets == 0)
    for (int64_t bit = 0; bit < 64; bit += corelets)
      stride |= uint64_t(1) << bit;
}

SPRINT_COUNTS_BITS void CoreletShares::count(TokenSet set, std::span<int64_t> counts) const {
  std::ranges::fill(counts, 0);
  for (size_t word = 0; word < set.size(); ++word)
    splitWord(set[word], word, [&](int64_t corelet, uint64_t bits) {
      counts[corelet] += std::popcount(bits);
      return uint64_t(0);
    });
}

int64_t CoreletShares::fullest(TokenSet set, int64_t tokens) const {
  if (number == 1)
    return tokens;
  // One number for each CORELET of usual machines.
  std::array<int64_t, 64> few;
  std::vector<int64_t> many(number <= std::ssize(few) ? 0 : number);
  std::span<int64_t> counts = many.empty() ? std::span(few).first(number) : std::span(many);
  count(set, counts);
  return std::ranges::max(counts);
}

TokenBuffer::TokenBuffer(const CoreletShares &shares, int64_t capacity, int64_t tokens)
    : shares(shares), capacity(capacity), tokens((tokens + 63) / 64), counts(shares.corelets()),
      missing(this->tokens.size()) {}

int64_t TokenBuffer::size() const { return std::reduce(counts.begin(), counts.end()); }

SPRINT_COUNTS_BITS int64_t TokenBuffer::admit(TokenSet missing) {
  int64_t admitted = 0;
  // CORELETs that have room.
  int64_t open = std::ranges::count_if(counts, [&](int64_t count) { return count < capacity; });
  for (size_t word = 0; word < missing.size() && open > 0; ++word) {
    uint64_t taken = shares.splitWord(missing[word], word, [&](int64_t corelet, uint64_t bits) {
      int64_t room = capacity - counts[corelet];
      if (room == 0)
        return uint64_t(0);
      int64_t number = std::popcount(bits);
      uint64_t rest = 0;
      if (number > room) {
        rest = bits;
        for (int64_t token = 0; token < room; ++token)
          rest &= rest - 1;
        number = room;
      }
      counts[corelet] += number;
      open -= number == room;
      return bits & ~rest;
    });
    tokens[word] |= taken;
    admitted += std::popcount(taken);
  }
  return admitted;
}

SPRINT_COUNTS_BITS FetchedTokens TokenBuffer::fetch(TokenSet wanted, int64_t ofKeyHead,
                                                    Residency residency) {
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
  if (residency == Residency::PreviousQuery) {
    if (counts.size() == 1)
      counts[0] = result.reused;
    else
      shares.count(tokens, counts);
  }
  kept = counts;
  result.passing = result.missing - admit(missing);
  for (size_t corelet = 0; corelet < counts.size(); ++corelet)
    result.waitsForRoom |= occupied[corelet] + counts[corelet] - kept[corelet] > capacity;
  return result;
}
