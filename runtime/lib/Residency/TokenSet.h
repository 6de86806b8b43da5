//===- TokenSet.h - Sets of keys or values -----------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_RESIDENCY_TOKENSET_H
#define SPRINTRUNTIME_LIB_RESIDENCY_TOKENSET_H

#include <bit>
#include <cstdint>
#include <span>

namespace sprint {

/// A set of tokens of a key head, a bit each: token `j` is bit `j mod 64` of word `j / 64`.
using TokenSet = std::span<const uint64_t>;

/// Calls `visit` with each token, ascending, until it returns false.
template <typename Visit> void forEachToken(TokenSet set, Visit visit) {
  for (size_t word = 0; word < set.size(); ++word)
    for (uint64_t bits = set[word]; bits != 0; bits &= bits - 1)
      if (!visit(static_cast<int64_t>(word * 64) + std::countr_zero(bits)))
        return;
}

/// How tokens are shared among parts, which are CORELETs or banks: token `j` belongs to part
/// `j mod parts`.
class TokenShares {
public:
  explicit TokenShares(int64_t parts);

  int64_t parts() const { return number; }
  int64_t partOf(int64_t token) const { return token % number; }
  /// The tokens of `set`, of which there are `tokens`, of the part that has most of them.
  int64_t fullest(TokenSet set, int64_t tokens) const;
  /// Adds to `counts`, one a part, the tokens of `set` there.
  void count(TokenSet set, std::span<int64_t> counts) const;
  void count(TokenSet set, std::span<uint32_t> counts) const;
  /// Calls `choose` with each part that has tokens of a word of a set, and with those. Returns all
  /// tokens that it returns.
  template <typename Choose>
  [[gnu::always_inline]] uint64_t splitWord(uint64_t bits, size_t word, Choose choose) const {
    uint64_t chosen = 0;
    if (stride != 0) {
      for (int64_t part = 0; part < number; ++part)
        if (uint64_t ofPart = bits & stride << part)
          chosen |= choose(part, ofPart);
      return chosen;
    }
    for (; bits != 0; bits &= bits - 1) {
      int bit = std::countr_zero(bits);
      chosen |= choose(partOf(static_cast<int64_t>(word * 64) + bit), uint64_t(1) << bit);
    }
    return chosen;
  }

private:
  template <typename Count> void add(TokenSet set, std::span<Count> counts) const;

  int64_t number;
  /// The bits of a word that are of part 0, where that is the same for all words; otherwise 0.
  uint64_t stride = 0;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_RESIDENCY_TOKENSET_H
