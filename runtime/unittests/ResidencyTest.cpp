//===- ResidencyTest.cpp - Who stays in an on-chip buffer -----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The buffers of Residency.h against docs/machine.md, "What a buffer holds", token by token.
//
//===----------------------------------------------------------------------===//

#include "Residency/Residency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace sprint;

namespace {

/// The page, with sets of numbers.
struct PlainBuffer {
  int64_t corelets, capacity;
  int64_t keyHead = -1;
  std::set<int64_t> held = {};

  int64_t countOn(const std::set<int64_t> &tokens, int64_t corelet) const {
    return std::ranges::count_if(tokens,
                                 [&](int64_t token) { return token % corelets == corelet; });
  }

  FetchedTokens fetch(const std::set<int64_t> &wanted, int64_t ofKeyHead, Residency residency) {
    std::set<int64_t> before = held;
    if (keyHead != ofKeyHead)
      held.clear();
    keyHead = ofKeyHead;
    FetchedTokens result;
    std::set<int64_t> after;
    if (residency == Residency::Pinned)
      after = held;
    for (int64_t token : wanted)
      if (held.contains(token)) {
        ++result.reused;
        after.insert(token);
      }
    std::set<int64_t> entering;
    for (int64_t token : wanted) {
      if (held.contains(token))
        continue;
      ++result.missing;
      if (countOn(after, token % corelets) == capacity) {
        ++result.passing;
        continue;
      }
      after.insert(token);
      entering.insert(token);
    }
    for (int64_t corelet = 0; corelet < corelets; ++corelet)
      result.waitsForRoom |= countOn(before, corelet) + countOn(entering, corelet) > capacity;
    held = after;
    return result;
  }
};

int64_t countOf(TokenSet set) {
  int64_t count = 0;
  forEachToken(set, [&](int64_t) { return ++count > 0; });
  return count;
}

TEST(TokenBufferTest, FollowsThePage) {
  std::mt19937 random(1);
  for (int64_t corelets : {1, 2, 3, 4, 64, 100})
    for (int64_t capacity : {0, 1, 2, 5, 200})
      for (int64_t tokens : {1, 63, 64, 65, 200}) {
        TokenShares shares(corelets);
        TokenBuffer buffer(shares, capacity, tokens);
        PlainBuffer plain{corelets, capacity};
        for (int list = 0; list < 40; ++list) {
          // Neighbouring lists have much in common, now and then of another key head or rule.
          std::vector<uint64_t> words((tokens + 63) / 64);
          std::set<int64_t> wanted;
          unsigned part = random() % 4;
          for (int64_t token = 0; token < tokens; ++token)
            if (token % 4 == part || random() % 8 == 0) {
              wanted.insert(token);
              words[token / 64] |= uint64_t(1) << token % 64;
            }
          int64_t keyHead = random() % 8 == 0;
          Residency residency = random() % 2 ? Residency::Pinned : Residency::PreviousQuery;
          FetchedTokens got = buffer.fetch(words, keyHead, residency);
          FetchedTokens expected = plain.fetch(wanted, keyHead, residency);
          SCOPED_TRACE(std::to_string(corelets) + " CORELETs, capacity " +
                       std::to_string(capacity) + ", " + std::to_string(tokens) + " tokens, list " +
                       std::to_string(list));
          ASSERT_EQ(got.reused, expected.reused);
          ASSERT_EQ(got.missing, expected.missing);
          ASSERT_EQ(got.passing, expected.passing);
          ASSERT_EQ(got.waitsForRoom, expected.waitsForRoom);
          std::set<int64_t> held;
          forEachToken(buffer.held(), [&](int64_t token) {
            held.insert(token);
            return true;
          });
          ASSERT_EQ(held, plain.held);
          ASSERT_EQ(buffer.size(), static_cast<int64_t>(held.size()));
          ASSERT_EQ(countOf(buffer.missed()), got.missing);
          ASSERT_EQ(countOf(buffer.passed()), got.passing);
          forEachToken(buffer.admitted(), [&](int64_t token) {
            EXPECT_TRUE(held.contains(token));
            return true;
          });
          ASSERT_EQ(countOf(buffer.admitted()), got.missing - got.passing);
        }
      }
}

TEST(TokenSharesTest, FullestIsTheLargestShare) {
  std::vector<uint64_t> tokens = {0b1011010, 0b1};
  // 1, 3, 4, 6 and 64.
  EXPECT_EQ(TokenShares(1).fullest(tokens, 5), 5);
  EXPECT_EQ(TokenShares(2).fullest(tokens, 5), 3);
  EXPECT_EQ(TokenShares(3).fullest(tokens, 5), 3);
  EXPECT_EQ(TokenShares(100).fullest(tokens, 5), 1);
}

TEST(TokenSharesTest, CountsEachPart) {
  std::mt19937 random(2);
  // Words beyond those that a byte can count, and numbers of parts that do and do not divide 64.
  for (size_t words : {1, 3, 300})
    for (int64_t parts : {1, 2, 3, 4, 8, 16, 32, 64, 100}) {
      std::vector<uint64_t> tokens(words, ~uint64_t(0));
      for (size_t word = 0; word < words; word += 2)
        tokens[word] = (uint64_t(random()) << 32) | random();
      std::vector<int64_t> expected(parts, 1), counts(parts, 1);
      forEachToken(tokens, [&](int64_t token) { return ++expected[token % parts] > 0; });
      TokenShares(parts).count(tokens, counts);
      EXPECT_EQ(counts, expected) << words << " words, " << parts << " parts";
    }
}

} // namespace
