//===- Machine.h - Machine descriptions --------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One YAML file describes a machine; the compiler's cost model and the simulator read it through
// this header. Nothing here throws: what fails says why in `error`.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_MACHINE_H
#define SPRINTRUNTIME_MACHINE_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sprint {

/// How the four high bits of a code are made (docs/numerics.md, section 2).
enum class Nibble { Centred, Truncated };

/// Widths of the recompute path in bits (docs/numerics.md, section 6).
struct Widths {
  Nibble nibble = Nibble::Centred;
  int64_t exponentFractionBits = 16;
  int64_t sumBits = 48;
  int64_t probabilityBits = 0;
  int64_t accumulatorBits = 48;

  /// The preset of that name ("default", "paper"), or nothing.
  static std::optional<Widths> preset(std::string_view name) noexcept;
  /// Why no machine can have these widths, or an empty string: beyond them the arithmetic of
  /// docs/numerics.md would not fit the integers that it is specified in.
  std::string check() const;

  /// Largest magnitude of an 8-bit code under this nibble.
  int64_t codeLimit() const noexcept { return nibble == Nibble::Centred ? 119 : 127; }
  /// Keys a row may keep before a sum or an accumulator could overflow; unlimited with early
  /// division, which saturates.
  int64_t maxKeys() const noexcept;

  bool operator==(const Widths &) const = default;
};

/// What programs depend on: units, arrays, capacities, widths. Its hash stands in streams. What
/// each parameter is, its unit and its range stand in MachineFields.h.
struct Structure {
  int64_t corelets;
  int64_t arrayRows, arrayColumns, arraysPerBank;
  int64_t channels, banksPerChannel;
  int64_t keyBufferBytes, valueBufferBytes;
  int64_t queryBufferQueries;
  int64_t scoreBufferEntries, scoreRows;
  int64_t residentHeads;
  int64_t multipliers;
  Widths widths;

  /// Columns one key of `headDim` channels takes.
  int64_t columnsPerKey(int64_t headDim) const noexcept {
    return (headDim + arrayRows - 1) / arrayRows;
  }
  /// Keys of `headDim` channels one array holds.
  int64_t keysPerArray(int64_t headDim) const noexcept {
    return arrayColumns / columnsPerKey(headDim);
  }
  /// Banks of all channels.
  int64_t banks() const noexcept { return channels * banksPerChannel; }
  /// Arrays of the memory.
  int64_t arrays() const noexcept { return banks() * arraysPerBank; }
  /// Keys of `headDim` channels that fit for each of the resident heads in so many arrays.
  int64_t keyCapacity(int64_t headDim, int64_t inArrays) const noexcept {
    return inArrays * keysPerArray(headDim) / residentHeads;
  }
  /// The same in all of them.
  int64_t keyCapacity(int64_t headDim) const noexcept { return keyCapacity(headDim, arrays()); }
  /// Keys the key buffer of one CORELET holds.
  int64_t bufferedKeys(int64_t headDim) const noexcept {
    return keyBufferBytes / corelets / headDim;
  }
  /// Values the value buffer of one CORELET holds.
  int64_t bufferedValues(int64_t valueDim) const noexcept {
    return valueBufferBytes / corelets / valueDim;
  }
};

/// Clocks and latencies (MachineFields.h). Memory timings count memory cycles, the others core
/// cycles.
struct Timing {
  double clockMHz, memoryClockMHz;
  double busBits, transfersPerMemoryCycle;
  double tRCD, tCAS, tBURST, tWP, tCWD;
  double tRP, tWTR, tCCD;
  double thresholdCycles;
  double qkLatency, softmaxLatency, vLatency;
  double divisionCycles;
};

/// What actions cost (MachineFields.h): energies in pJ, and of a write a part of what a cell
/// endures.
struct Energy {
  double inMemoryPerMac;
  double reramReadPerBit, reramWritePerBit;
  double sramReadPerBit, sramWritePerBit;
  double qkPerMac, vPerMac, softmaxPerScore;
  /// Writes.
  double endurance;
};

/// A machine description.
struct Machine {
  std::string name;
  Structure structure;
  Timing timing;
  Energy energy;
  /// Between what `energy` may be, by the sources of its numbers.
  Energy lowEnergy, highEnergy;
  /// The files that it was read from; none where it is built in.
  std::vector<std::string> files;

  /// Bytes that all channels together move in a core cycle.
  double busBytesPerCycle() const noexcept {
    return timing.busBits / 8 * timing.transfersPerMemoryCycle *
           static_cast<double>(structure.channels) * timing.memoryClockMHz / timing.clockMHz;
  }

  /// The hash of the structure (MachineFields.h); energies and timings do not count.
  std::string structureHash() const;

  /// Why no launch can have heads of these sizes, each nothing where it is not known, in the form
  /// "expected ..., got ..."; nothing where one can. Keys that are in a cache take none of the room
  /// of a launch's heads.
  std::optional<std::string> findCapacityObstacle(std::optional<int64_t> headDim,
                                                  std::optional<int64_t> valueDim,
                                                  std::optional<int64_t> keys,
                                                  bool areInCache = false) const;
};

/// Why a machine cannot be read.
struct MachineError {
  /// The file that is wrong, or the name that no machine has; empty where the message names it.
  std::string file;
  /// From 1 on; 0 where it is about no line.
  int64_t line = 0;
  std::string message;
};

/// The message behind its place.
std::string toString(const MachineError &error);

/// Reads a machine: a built-in one by its name (those of runtime/arch), or a YAML file, where the
/// name ends in .yaml or .yml.
std::optional<Machine> loadMachine(std::string_view nameOrPath, MachineError &error) noexcept;

/// The same. Without a value, `error` has one message that names the file and the place.
std::optional<Machine> loadMachine(std::string_view nameOrPath, std::string &error) noexcept;

/// Names of the built-in machines.
std::vector<std::string> builtinMachines();

} // namespace sprint

#endif // SPRINTRUNTIME_MACHINE_H
