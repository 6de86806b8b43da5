//===- Residency.cpp - Who stays in an on-chip buffer ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Residency.h"
#include "Support/TargetClones.h"

#include <algorithm>
#include <array>
#include <numeric>

using namespace sprint;

// Bits are counted all the time, for which not every processor has an instruction.
#define SPRINT_COUNTS_BITS SPRINT_TARGET_CLONES("popcnt")

TokenShares::TokenShares(int64_t parts) : number(parts) {
  if (parts <= 64 && 64 % parts == 0)
    for (int64_t bit = 0; bit < 64; bit += parts)
      stride |= uint64_t(1) << bit;
}

/// Counts the tokens of many parts with the bytes of eight integers: byte `b` of number `i` counts
/// bit `8 b + i` of all words, at most 255.
SPRINT_TARGET_CLONES("avx2")
static void countInBytes(const uint64_t *words, size_t count, uint64_t (&bytes)[8]) {
  constexpr uint64_t kLowBits = 0x0101010101010101;
  for (size_t word = 0; word < count; ++word)
    for (int bit = 0; bit < 8; ++bit)
      bytes[bit] += words[word] >> bit & kLowBits;
}

template <typename Count>
[[gnu::always_inline]] inline void TokenShares::add(TokenSet set, std::span<Count> counts) const {
  // From about here on, a look at each part of a word takes longer.
  constexpr int64_t kManyParts = 8;
  if (stride != 0 && number >= kManyParts) {
    constexpr size_t kMostOfByte = 255;
    for (size_t begin = 0; begin < set.size(); begin += kMostOfByte) {
      uint64_t bytes[8] = {};
      countInBytes(set.data() + begin, std::min(set.size() - begin, kMostOfByte), bytes);
      if (number == 16) {
        // Every other byte is of the same part: four of them are added by a product.
        constexpr uint64_t kBytes = 0x00ff00ff00ff00ff, kOnes = 0x0001000100010001;
        for (size_t bit = 0; bit < std::size(bytes); ++bit) {
          counts[bit] += static_cast<Count>((bytes[bit] & kBytes) * kOnes >> 48);
          counts[bit + 8] += static_cast<Count>((bytes[bit] >> 8 & kBytes) * kOnes >> 48);
        }
        continue;
      }
      for (size_t bit = 0; bit < std::size(bytes); ++bit)
        for (size_t byte = 0; byte < 8; ++byte)
          counts[(8 * byte + bit) & (number - 1)] +=
              static_cast<Count>(bytes[bit] >> 8 * byte & 0xff);
    }
    return;
  }
  for (size_t word = 0; word < set.size(); ++word)
    splitWord(set[word], word, [&](int64_t part, uint64_t bits) {
      counts[part] += static_cast<Count>(std::popcount(bits));
      return uint64_t(0);
    });
}

SPRINT_COUNTS_BITS void TokenShares::count(TokenSet set, std::span<int64_t> counts) const {
  add(set, counts);
}

SPRINT_COUNTS_BITS void TokenShares::count(TokenSet set, std::span<uint32_t> counts) const {
  add(set, counts);
}

int64_t TokenShares::fullest(TokenSet set, int64_t tokens) const {
  if (number == 1)
    return tokens;
  // One number for each part of usual machines.
  std::array<int64_t, 64> few;
  std::vector<int64_t> many(number <= std::ssize(few) ? 0 : number);
  std::span<int64_t> counts = many.empty() ? std::span(few).first(number) : std::span(many);
  std::ranges::fill(counts, 0);
  count(set, counts);
  return std::ranges::max(counts);
}

TokenBuffer::TokenBuffer(const TokenShares &shares, int64_t capacity, int64_t tokens)
    : shares(shares), capacity(capacity), tokens((tokens + 63) / 64), counts(shares.parts()),
      missing(this->tokens.size()), staying(missing), passing(missing) {}

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
    if (counts.size() == 1) {
      counts[0] = result.reused;
    } else {
      std::ranges::fill(counts, 0);
      shares.count(tokens, counts);
    }
  }
  kept = counts;
  result.passing = result.missing - admit(missing);
  for (size_t word = 0; word < tokens.size(); ++word) {
    staying[word] = missing[word] & tokens[word];
    passing[word] = missing[word] & ~tokens[word];
  }
  for (size_t corelet = 0; corelet < counts.size(); ++corelet)
    result.waitsForRoom |= occupied[corelet] + counts[corelet] - kept[corelet] > capacity;
  return result;
}
