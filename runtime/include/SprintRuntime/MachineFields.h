//===- MachineFields.h - The table of a machine's parameters -----*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One row a parameter. The reader of machine files, the hash of a structure, the attributes of the
// compiler and the reference page are made from these rows: a new parameter is a member, a row, and
// its use.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_MACHINEFIELDS_H
#define SPRINTRUNTIME_MACHINEFIELDS_H

#include "SprintRuntime/Machine.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sprint {

/// How a parameter of type `Number` is read from and written to a `Section` of a machine.
template <typename Section, typename Number> struct FieldAccess {
  Number (*get)(const Section &section);
  void (*set)(Section &section, Number value);
};

/// Why `value` is outside of a parameter's legal range, in the form "expected ..., got ..."; empty
/// where it is not.
template <typename Number>
std::string checkRange(std::string_view name, Number least, Number most, Number value);

/// A parameter.
template <typename SectionT, typename NumberT> struct MachineField {
  using Section = SectionT;
  using Number = NumberT;

  /// Section of machine files where it stands, and its name there, in IR and in the hash.
  const char *section;
  const char *name;
  const char *unit;
  /// Legal values, ends included, whatever others are.
  Number least, most;
  FieldAccess<Section, Number> access;
  /// What it is, for the reference page.
  const char *meaning;
  /// What machines had before there was this parameter: files, IR and hashes that lack it mean this
  /// value, so it never changes. None for the parameters of the first version, which all must have.
  std::optional<Number> defaultValue = std::nullopt;
  /// The words that stand for the values from 0 on, where it is no number.
  std::span<const char *const> words = {};

  /// Why `value` is not legal, or an empty string.
  std::string check(Number value) const { return checkRange(name, least, most, value); }
};

using StructureField = MachineField<Structure, int64_t>;
using TimingField = MachineField<Timing, double>;
using EnergyField = MachineField<Energy, double>;

namespace detail {

// What the rows reach members with: those of a section, and those of its widths.
template <typename Section, typename Member> Section sectionOf(Member Section::*);

template <auto Member> constexpr auto access() {
  using Section = decltype(sectionOf(Member));
  using Number = std::remove_cvref_t<decltype(std::declval<Section &>().*Member)>;
  return FieldAccess<Section, Number>{
      [](const Section &section) { return section.*Member; },
      [](Section &section, Number value) { section.*Member = value; }};
}

template <auto Member> constexpr FieldAccess<Structure, int64_t> accessWidth() {
  using Number = std::remove_cvref_t<decltype(std::declval<Widths &>().*Member)>;
  return {[](const Structure &structure) { return static_cast<int64_t>(structure.widths.*Member); },
          [](Structure &structure, int64_t value) {
            structure.widths.*Member = static_cast<Number>(value);
          }};
}

inline constexpr const char *kNibbleWords[] = {"centred", "truncated"};

} // namespace detail

/// The structure, in the order of its hash: new rows come last. The limits keep every product of
/// parameters within 64 bits. What several must fulfil together: findFault.
inline constexpr StructureField kStructureFields[] = {
    {"structure", "corelets", "corelets", 1, 1 << 10, detail::access<&Structure::corelets>(),
     "on-chip units, each with a QK-PU, softmax unit, V-PU and share of the buffers"},
    {"structure", "array_rows", "rows", 1, 1 << 16, detail::access<&Structure::arrayRows>(),
     "wordlines of an array: channels of one key that a column holds"},
    {"structure", "array_columns", "columns", 1, 1 << 16,
     detail::access<&Structure::arrayColumns>(), "bitlines of an array"},
    {"structure", "arrays_per_bank", "arrays", 1, 1 << 20,
     detail::access<&Structure::arraysPerBank>(), "transposable arrays of a bank"},
    {"structure", "channels", "channels", 1, 1 << 10, detail::access<&Structure::channels>(),
     "channels of the memory"},
    {"structure", "banks_per_channel", "banks", 1, 1 << 10,
     detail::access<&Structure::banksPerChannel>(), "banks of a channel"},
    {"structure", "key_buffer", "bytes", 1, 1 << 30, detail::access<&Structure::keyBufferBytes>(),
     "key buffer of all CORELETs together"},
    {"structure", "value_buffer", "bytes", 1, 1 << 30,
     detail::access<&Structure::valueBufferBytes>(), "value buffer of all CORELETs together"},
    {"structure", "query_buffer", "queries", 1, 1 << 16,
     detail::access<&Structure::queryBufferQueries>(),
     "queries that the query buffer of a CORELET holds"},
    {"structure", "score_buffer", "scores", 1, 1 << 30,
     detail::access<&Structure::scoreBufferEntries>(),
     "scores of one row that the score buffer of a CORELET holds"},
    {"structure", "score_rows", "rows", 1, 1 << 16, detail::access<&Structure::scoreRows>(),
     "rows that a score buffer holds at once"},
    {"structure", "resident_heads", "heads", 1, 1 << 16,
     detail::access<&Structure::residentHeads>(),
     "key heads whose codes ReRAM holds at once: one in work, the next being written"},
    {"structure", "multipliers", "multipliers", 1, 1 << 16,
     detail::access<&Structure::multipliers>(), "8-bit multipliers of a QK-PU and of a V-PU"},
    {"widths", "nibble", "choice", 0, 1, detail::accessWidth<&Widths::nibble>(),
     "how the four high bits of a code are made (numerics.md, section 2)", std::nullopt,
     detail::kNibbleWords},
    {"widths", "exponent_fraction_bits", "bits", 1, 16,
     detail::accessWidth<&Widths::exponentFractionBits>(),
     "bits behind the point of an exponential; the look-up tables have 16"},
    {"widths", "sum_bits", "bits", 2, 62, detail::accessWidth<&Widths::sumBits>(),
     "bits of the sum of exponentials"},
    {"widths", "probability_bits", "bits", 0, 16, detail::accessWidth<&Widths::probabilityBits>(),
     "bits of a probability; 0 divides after the weighted sum of values, another number before it"},
    {"widths", "accumulator_bits", "bits", 2, 62, detail::accessWidth<&Widths::accumulatorBits>(),
     "bits of an output channel's accumulator"},
};

inline constexpr TimingField kTimingFields[] = {
    {"timing", "clock", "MHz", 1, 1e6, detail::access<&Timing::clockMHz>(), "core clock"},
    {"timing", "memory_clock", "MHz", 1, 1e6, detail::access<&Timing::memoryClockMHz>(),
     "clock of the memory"},
    {"timing", "bus", "bits", 1, 1 << 16, detail::access<&Timing::busBits>(),
     "bits that a channel moves in a transfer"},
    {"timing", "transfers_per_memory_cycle", "transfers", 1, 64,
     detail::access<&Timing::transfersPerMemoryCycle>(), "2 at double data rate"},
    {"timing", "tRCD", "memory cycles", 0, 1e6, detail::access<&Timing::tRCD>(),
     "from activating a row to reading it"},
    {"timing", "tCAS", "memory cycles", 0, 1e6, detail::access<&Timing::tCAS>(),
     "from a column's address to its data"},
    {"timing", "tBURST", "memory cycles", 0, 1e6, detail::access<&Timing::tBURST>(),
     "data of one burst"},
    {"timing", "tWP", "memory cycles", 0, 1e6, detail::access<&Timing::tWP>(),
     "pulse that writes a burst's cells"},
    {"timing", "tCWD", "memory cycles", 0, 1e6, detail::access<&Timing::tCWD>(),
     "from a column's address to the data that is written"},
    {"timing", "tRP", "memory cycles", 0, 1e6, detail::access<&Timing::tRP>(),
     "from precharging a bank to activating its next row", /*defaultValue=*/0},
    {"timing", "tWTR", "memory cycles", 0, 1e6, detail::access<&Timing::tWTR>(),
     "from a channel's last written data to its next read's column address; `--timing=detailed` "
     "alone counts it",
     /*defaultValue=*/0},
    {"timing", "tCCD", "memory cycles", 0, 1e6, detail::access<&Timing::tCCD>(),
     "from a column's address to the next one's on its channel", /*defaultValue=*/0},
    {"timing", "threshold", "cycles", 0, 1e6, detail::access<&Timing::thresholdCycles>(),
     "in-memory thresholding of one query (tAxTh)"},
    {"timing", "qk_latency", "cycles", 0, 1e6, detail::access<&Timing::qkLatency>(),
     "depth of a QK-PU's pipeline"},
    {"timing", "softmax_latency", "cycles", 0, 1e6, detail::access<&Timing::softmaxLatency>(),
     "depth of a softmax unit's pipeline"},
    {"timing", "v_latency", "cycles", 0, 1e6, detail::access<&Timing::vLatency>(),
     "depth of a V-PU's pipeline"},
    {"timing", "division", "cycles", 0, 1e6, detail::access<&Timing::divisionCycles>(),
     "one division in the softmax unit's divider"},
};

inline constexpr EnergyField kEnergyFields[] = {
    {"energy", "in_memory", "pJ/MAC", 0, 1e9, detail::access<&Energy::inMemoryPerMac>(),
     "a multiply-accumulate of 4 bits in an array"},
    {"energy", "reram_read", "pJ/bit", 0, 1e9, detail::access<&Energy::reramReadPerBit>(),
     "a bit read from ReRAM"},
    {"energy", "reram_write", "pJ/bit", 0, 1e9, detail::access<&Energy::reramWritePerBit>(),
     "a bit written to ReRAM"},
    {"energy", "sram_read", "pJ/bit", 0, 1e9, detail::access<&Energy::sramReadPerBit>(),
     "a bit read from a buffer on chip"},
    {"energy", "sram_write", "pJ/bit", 0, 1e9, detail::access<&Energy::sramWritePerBit>(),
     "a bit written to a buffer on chip"},
    {"energy", "qk", "pJ/MAC", 0, 1e9, detail::access<&Energy::qkPerMac>(),
     "an 8-bit multiply-accumulate of a QK-PU"},
    {"energy", "v", "pJ/MAC", 0, 1e9, detail::access<&Energy::vPerMac>(),
     "an 8-bit multiply-accumulate of a V-PU"},
    {"energy", "softmax", "pJ/score", 0, 1e9, detail::access<&Energy::softmaxPerScore>(),
     "a score in a softmax unit"},
    {"reliability", "endurance", "writes", 1, 1e18, detail::access<&Energy::endurance>(),
     "writes that a cell of ReRAM endures", 1e6},
};

/// What is wrong with a structure.
struct StructureFault {
  /// The parameter that is out of its range, or of the part of it that `other` leaves; null where
  /// it is wrong whatever others are.
  const StructureField *field, *other;
  /// "expected ..., got ...".
  std::string message;
};

/// Why no machine can have `structure`; nothing where one can.
std::optional<StructureFault> findFault(const Structure &structure);

/// 16 hexadecimal digits over a structure: FNV-1a, 64 bits, of "name=number" and a line break for
/// each of `fields` in turn, those left out that have the value of their default.
std::string hashStructure(const Structure &structure,
                          std::span<const StructureField> fields = kStructureFields);

} // namespace sprint

#endif // SPRINTRUNTIME_MACHINEFIELDS_H
