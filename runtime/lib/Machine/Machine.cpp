//===- Machine.cpp - Machine descriptions ---------------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Machine.h"

#include "SprintRuntime/NumericsConstants.h"
#include "StructureFields.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

using namespace sprint;

namespace {

/// Bits of a code's magnitude.
constexpr int64_t kCodeBits = 7;

std::string expectedRange(std::string_view field, int64_t least, int64_t most, int64_t got) {
  return "expected " + std::string(field) + " of " + std::to_string(least) + " to " +
         std::to_string(most) + ", got " + std::to_string(got);
}

} // namespace

std::optional<Widths> Widths::preset(std::string_view name) noexcept {
  if (name == "default")
    return Widths();
  if (name == "paper")
    return Widths{Nibble::Truncated, 8, 16, 8, 16};
  return std::nullopt;
}

std::string Widths::check() const {
  // 16 bits are those of the tables. Sums are kept in 64-bit integers.
  if (exponentFractionBits < 1 || exponentFractionBits > 16)
    return expectedRange("exponent_fraction_bits", 1, 16, exponentFractionBits);
  if (sumBits <= exponentFractionBits || sumBits > 62)
    return expectedRange("sum_bits", exponentFractionBits + 1, 62, sumBits);
  if (probabilityBits < 0 || probabilityBits > 16)
    return expectedRange("probability_bits", 0, 16, probabilityBits);
  if (probabilityBits == 0) {
    // One key must fit.
    int64_t least = exponentFractionBits + kCodeBits + 1;
    if (accumulatorBits < least || accumulatorBits > 62)
      return expectedRange("accumulator_bits", least, 62, accumulatorBits);
    return {};
  }
  // An output code stays within 2^24, the integers that an f32 holds.
  if (accumulatorBits < 2 || accumulatorBits > probabilityBits + 9)
    return expectedRange("accumulator_bits", 2, probabilityBits + 9, accumulatorBits);
  return {};
}

int64_t Widths::maxKeys() const noexcept {
  if (probabilityBits != 0)
    return INT64_MAX;
  int64_t inSum = ((int64_t(1) << sumBits) - 1) >> exponentFractionBits;
  int64_t inAccumulator = int64_t(1) << (accumulatorBits - 1 - kCodeBits - exponentFractionBits);
  return std::min(inSum, inAccumulator);
}

std::string Machine::structureHash() const {
  std::vector<std::pair<const char *, int64_t>> fields;
  for (const StructureField &field : kStructureFields)
    fields.emplace_back(field.key, structure.*field.member);
  const Widths &widths = structure.widths;
  fields.insert(fields.end(), {{"nibble", widths.nibble == Nibble::Centred ? 0 : 1},
                               {"exponent_fraction_bits", widths.exponentFractionBits},
                               {"sum_bits", widths.sumBits},
                               {"probability_bits", widths.probabilityBits},
                               {"accumulator_bits", widths.accumulatorBits}});
  uint64_t hash = 0xcbf29ce484222325;
  for (const auto &[name, value] : fields) {
    for (char character : std::string(name) + "=" + std::to_string(value) + "\n") {
      hash ^= static_cast<unsigned char>(character);
      hash *= 0x100000001b3;
    }
  }
  std::array<char, 17> digits;
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
  return digits.data();
}

std::optional<std::string> Machine::findCapacityObstacle(std::optional<int64_t> headDim,
                                                         std::optional<int64_t> valueDim,
                                                         std::optional<int64_t> keys) const {
  for (std::optional<int64_t> channels : {headDim, valueDim}) {
    if (channels && *channels < 1)
      return "expected at least one channel, got none";
    if (channels && *channels > kMaxChannels)
      return "expected at most " + std::to_string(kMaxChannels) + " channels, got " +
             std::to_string(*channels);
  }
  auto limit = [&](const char *what, const char *place, int64_t channels) {
    return "expected a " + std::string(what) + " to fit " + place + " of machine '" + name +
           "', got " + std::to_string(channels) + " channels";
  };
  if (headDim && structure.keysPerArray(*headDim) < 1)
    return limit("key", "an array", *headDim);
  if (headDim && structure.bufferedKeys(*headDim) < 1)
    return limit("key", "the key buffer of a CORELET", *headDim);
  if (valueDim && structure.bufferedValues(*valueDim) < 1)
    return limit("value", "the value buffer of a CORELET", *valueDim);
  if (!keys)
    return std::nullopt;
  int64_t capacity = headDim ? structure.keyCapacity(*headDim) : INT64_MAX;
  int64_t summed = structure.widths.maxKeys();
  if (*keys <= std::min(capacity, summed))
    return std::nullopt;
  return "expected at most " + std::to_string(std::min(capacity, summed)) + " keys, " +
         (capacity <= summed ? "the capacity of" : "so that sums fit the widths of") +
         " machine '" + name + "', got " + std::to_string(*keys);
}
