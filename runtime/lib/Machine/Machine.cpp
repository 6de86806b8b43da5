//===- Machine.cpp - Machine descriptions ---------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Machine.h"
#include "SprintRuntime/MachineFields.h"
#include "SprintRuntime/NumericsConstants.h"

#include <algorithm>
#include <array>
#include <cstdio>

using namespace sprint;

namespace {

/// Bits of a code's magnitude.
constexpr int64_t kCodeBits = 7;

/// A number as a message shows it.
std::string toText(int64_t number) { return std::to_string(number); }
std::string toText(double number) {
  std::string text = std::to_string(number);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.')
    text.pop_back();
  return text;
}

const StructureField &fieldOf(std::string_view name) {
  return *std::ranges::find(kStructureFields, name, &StructureField::name);
}

/// What is wrong with a width, of whose legal range another leaves `least` to `most`.
std::optional<StructureFault> findWidthFault(std::string_view name, int64_t width,
                                             const StructureField *other = nullptr,
                                             int64_t least = INT64_MIN, int64_t most = INT64_MAX) {
  const StructureField &field = fieldOf(name);
  std::string message =
      checkRange(name, std::max(least, field.least), std::min(most, field.most), width);
  if (message.empty())
    return std::nullopt;
  return StructureFault{&field, other, message};
}

std::optional<StructureFault> findWidthFault(const Widths &widths) {
  int64_t fraction = widths.exponentFractionBits, probability = widths.probabilityBits;
  const StructureField *fractionField = &fieldOf("exponent_fraction_bits");
  const StructureField *probabilityField = &fieldOf("probability_bits");
  if (auto fault = findWidthFault(fractionField->name, fraction))
    return fault;
  if (auto fault = findWidthFault("sum_bits", widths.sumBits, fractionField, fraction + 1))
    return fault;
  if (auto fault = findWidthFault(probabilityField->name, probability))
    return fault;
  // With late division one key must fit.
  if (probability == 0)
    return findWidthFault("accumulator_bits", widths.accumulatorBits, fractionField,
                          fraction + kCodeBits + 1);
  // An output code stays within 2^24, the integers that an f32 holds.
  return findWidthFault("accumulator_bits", widths.accumulatorBits, probabilityField, INT64_MIN,
                        probability + 9);
}

} // namespace

template <typename Number>
std::string sprint::checkRange(std::string_view name, Number least, Number most, Number value) {
  // What is no number is in no range.
  if (value >= least && value <= most)
    return {};
  return "expected " + std::string(name) + " of " + toText(least) + " to " + toText(most) +
         ", got " + toText(value);
}

template std::string sprint::checkRange(std::string_view, int64_t, int64_t, int64_t);
template std::string sprint::checkRange(std::string_view, double, double, double);

std::optional<Widths> Widths::preset(std::string_view name) noexcept {
  if (name == "default")
    return Widths();
  if (name == "paper")
    return Widths{Nibble::Truncated, 8, 16, 8, 16};
  return std::nullopt;
}

std::string Widths::check() const {
  std::optional<StructureFault> fault = findWidthFault(*this);
  return fault ? fault->message : std::string();
}

int64_t Widths::maxKeys() const noexcept {
  if (probabilityBits != 0)
    return INT64_MAX;
  int64_t inSum = ((int64_t(1) << sumBits) - 1) >> exponentFractionBits;
  int64_t inAccumulator = int64_t(1) << (accumulatorBits - 1 - kCodeBits - exponentFractionBits);
  return std::min(inSum, inAccumulator);
}

std::optional<StructureFault> sprint::findFault(const Structure &structure) {
  for (const StructureField &field : kStructureFields)
    if (std::string message = field.check(field.access.get(structure)); !message.empty())
      return StructureFault{&field, nullptr, message};
  if (auto fault = findWidthFault(structure.widths))
    return fault;
  for (const char *name : {"key_buffer", "value_buffer"}) {
    const StructureField &field = fieldOf(name);
    int64_t bytes = field.access.get(structure);
    if (bytes % structure.corelets != 0)
      return StructureFault{&field, &fieldOf("corelets"),
                            "expected " + std::string(name) + " to divide among " +
                                toText(structure.corelets) + " CORELETs, got " + toText(bytes)};
  }
  int64_t arrays = structure.arrays();
  if (arrays < structure.residentHeads)
    return StructureFault{&fieldOf("resident_heads"), nullptr,
                          "expected an array for each resident head, got " + toText(arrays) +
                              " arrays"};
  return std::nullopt;
}

std::string sprint::hashStructure(const Structure &structure,
                                  std::span<const StructureField> fields) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const StructureField &field : fields) {
    int64_t value = field.access.get(structure);
    if (value == field.defaultValue)
      continue;
    for (char character : std::string(field.name) + "=" + std::to_string(value) + "\n") {
      hash ^= static_cast<unsigned char>(character);
      hash *= 0x100000001b3;
    }
  }
  std::array<char, 17> digits;
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
  return digits.data();
}

std::string Machine::structureHash() const { return hashStructure(structure); }

std::optional<std::string> Machine::findCapacityObstacle(std::optional<int64_t> headDim,
                                                         std::optional<int64_t> valueDim,
                                                         std::optional<int64_t> keys,
                                                         bool areInCache) const {
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
  int64_t capacity = headDim && !areInCache ? structure.keyCapacity(*headDim) : INT64_MAX;
  int64_t summed = structure.widths.maxKeys();
  if (*keys <= std::min(capacity, summed))
    return std::nullopt;
  return "expected at most " + std::to_string(std::min(capacity, summed)) + " keys, " +
         (capacity <= summed ? "the capacity of" : "so that sums fit the widths of") +
         " machine '" + name + "', got " + std::to_string(*keys);
}
