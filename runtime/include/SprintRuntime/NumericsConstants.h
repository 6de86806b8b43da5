//===- NumericsConstants.h - Fixed numbers of the arithmetic -----*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numbers of docs/numerics.md that no machine changes, for the simulator and for the compiler.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_NUMERICSCONSTANTS_H
#define SPRINTRUNTIME_NUMERICSCONSTANTS_H

#include <cstdint>

namespace sprint {

/// Bits below the high nibble of a code, and what centring adds before they are dropped.
inline constexpr int kLowNibbleBits = 4;
inline constexpr int64_t kCentring = 8;
/// Logits in a unit of approximate score, in units of exact score: a high nibble of each operand.
inline constexpr int64_t kApproximateUnit = int64_t(1) << (2 * kLowNibbleBits);
/// Bound of integer thresholds.
inline constexpr int64_t kMaxThreshold = int64_t(1) << 30;

/// Fraction bits of an f64, and those that the multiplier of a head drops.
inline constexpr int kMantissaBits = 52;
inline constexpr int kDroppedMantissaBits = 22;
/// Fraction bits of the index into the exponent tables.
inline constexpr int kIndexFractionBits = 10;
/// The shift of a head is this less the biased exponent of its lambda, within 0 .. kMaxShift: 1023
/// is the bias of an f64.
inline constexpr int64_t kShiftBase =
    1023 + kMantissaBits - kDroppedMantissaBits - kIndexFractionBits;
inline constexpr int64_t kMaxShift = 62;
/// Bits of the index into each of the two exponent tables.
inline constexpr int kTableIndexBits = 7;
inline constexpr int64_t kMaxTableIndex = (int64_t(1) << (2 * kTableIndexBits)) - 1;
/// The index from which on every exponent is 0, whatever its fraction bits are.
inline constexpr int64_t kZeroTableIndex = int64_t(95) << kTableIndexBits;
/// Fraction bits of the product of an entry of each table.
inline constexpr int kExponentProductBits = 32;

/// Bound of the codes of biases, and the code of a bias that masks its key.
inline constexpr int32_t kMaxBias = int32_t(1) << 29;
inline constexpr int32_t kMaskedBias = INT32_MIN;
/// Largest bias, in logits, that masks its key.
inline constexpr float kMaskingBias = -0x1p20f;
/// Two scores without bias differ by at most two to this for each channel: exact ones, and
/// approximate ones in units of exact score.
inline constexpr int kScoreSpreadBits = 15;

/// Fraction bits of an output code.
inline constexpr int kOutputFractionBits = 16;

/// Largest head or value dimension. With it scores of 8-bit codes fit in 32 bits, a bias included,
/// and every product, as their differences times a multiplier, in 64.
inline constexpr int64_t kMaxChannels = int64_t(1) << 16;
/// Longest of the other dimensions of an operand or a cache: tokens are counted in 32 bits, and
/// products with channels fit 64.
inline constexpr int64_t kMaxLength = int64_t(1) << 30;

} // namespace sprint

#endif // SPRINTRUNTIME_NUMERICSCONSTANTS_H
