//===- Residency.h - Who stays in an on-chip buffer --------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the key and value buffers hold from list to list (docs/machine.md, "What a buffer holds").
// It works on sets of tokens alone, so the compiler can ask it what a schedule would fetch.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_RESIDENCY_RESIDENCY_H
#define SPRINTRUNTIME_LIB_RESIDENCY_RESIDENCY_H

#include "SprintRuntime/Commands.h"
#include "TokenSet.h"

#include <cstdint>
#include <vector>

namespace sprint {

/// What it takes to bring the tokens of a list on chip.
struct FetchedTokens {
  /// Those that were there.
  int64_t reused = 0;
  /// Those that were not, and of them those that do not stay.
  int64_t missing = 0;
  int64_t passing = 0;
  /// Whether those that stay find too few free slots on some CORELET, beside what was there for the
  /// list before.
  bool waitsForRoom = false;
};

/// The key or the value buffers of all CORELETs, empty at first.
class TokenBuffer {
public:
  /// For `tokens` tokens, of which each CORELET has room for `capacity`.
  TokenBuffer(const TokenShares &shares, int64_t capacity, int64_t tokens);

  /// Brings the tokens that the owners of a list want, which are of `keyHead`; tokens of another
  /// one are dropped before. `residency` says who stays.
  FetchedTokens fetch(TokenSet wanted, int64_t keyHead, Residency residency);
  /// Those of the list fetched last that were not there; of them those that stay, and those that do
  /// not.
  TokenSet missed() const { return missing; }
  TokenSet admitted() const { return staying; }
  TokenSet passed() const { return passing; }
  /// What is there.
  TokenSet held() const { return tokens; }
  /// How many those are.
  int64_t size() const;

private:
  /// Adds the first of `missing` while there is room. Returns how many those are.
  int64_t admit(TokenSet missing);

  const TokenShares &shares;
  int64_t capacity;
  int64_t keyHead = -1;
  std::vector<uint64_t> tokens;
  /// Tokens held on each CORELET.
  std::vector<int64_t> counts;
  std::vector<uint64_t> missing, staying, passing;
  // Buffers of `fetch`.
  std::vector<int64_t> occupied, kept;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_RESIDENCY_RESIDENCY_H
