//===- Memory.h - Channels and banks -----------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_TIMING_MEMORY_H
#define SPRINTRUNTIME_LIB_TIMING_MEMORY_H

#include "Durations.h"
#include "SprintRuntime/Machine.h"
#include "SprintRuntime/Simulator.h"

#include <cstdint>
#include <span>
#include <vector>

namespace sprint {

/// What a command moves between the memory and the chip.
struct MemoryRequest {
  /// Bits that cross the bus.
  int64_t bits = 0;
  /// From the begin to the first data on the bus.
  Time latency = 0;
  /// Rows of banks that are opened for it, or bursts that are written, and what each takes. Nothing
  /// is opened for what latches hold.
  int64_t accesses = 0;
  const AccessDurations *access = nullptr;
  bool isWrite = false;
  /// Where the accesses of a read are: the first in this bank, and each other one in the bank
  /// behind that of the one before, unless the spans below say otherwise. Those of a write are
  /// spread evenly over all banks, without rounding.
  int64_t bank = 0;
  /// How many accesses are on each channel, and in each bank from the first on.
  std::span<const uint32_t> onChannels = {}, inBanks = {};
  /// What a memory looks at that follows each access instead, in their order: access `i` is in bank
  /// `places[i] mod banks`.
  std::span<const uint32_t> places = {};
};

/// When a channel works for a request: moves its data, or, without their latency, is given to it.
struct ChannelTransfer {
  int64_t channel = 0;
  Time start = 0, duration = 0;
};

/// When the memory serves a request.
struct Served {
  Time start = 0;
  /// For how long all channels together would move the data.
  Time moved = 0;
  /// When the first access has moved its data, and when all have.
  Time first = 0, last = 0;
};

/// The memory. Requests come in the order of their times.
class Memory {
public:
  explicit Memory(const Durations &durations) : durations(durations) {}
  virtual ~Memory() = default;

  /// Serves a request that is there at `time`.
  Served serve(Time time, const MemoryRequest &request);
  /// When each access of the last request has moved its data, in their order; empty where that is
  /// not followed.
  std::span<const Time> arrivals() const { return arrivalTimes; }
  /// What each channel moves of the last request and when, where that was asked for.
  std::span<const ChannelTransfer> transfers() const { return channelTransfers; }
  /// For how long all channels together would have moved what they have moved.
  Time busyTime() const { return busy; }

protected:
  const Durations &durations;
  std::vector<Time> arrivalTimes;
  std::vector<ChannelTransfer> channelTransfers;

private:
  /// Decides when the data of a request move, and sets `first` and `last` of `served`, which are
  /// the end of its latency.
  virtual void schedule(Time time, const MemoryRequest &request, Served &served) = 0;

  Time busy = 0;
};

/// Channels and banks, each of which does what one request after another wants of it
/// (docs/machine.md, "Time").
class ClosedFormMemory final : public Memory {
public:
  /// `recordsTransfers` asks for `transfers`.
  ClosedFormMemory(const Machine &machine, const LaunchShape &shape, const Durations &durations,
                   bool recordsTransfers);

  /// When the first and the last access of a request begin.
  struct Begins {
    Time first, last;
  };

private:
  void schedule(Time time, const MemoryRequest &request, Served &served) override;
  /// Sets `onChannels` and `inBanks` to where accesses in one bank after another are.
  void placeInTurn(const MemoryRequest &request);
  /// Notes what channels move for reads that they have not begun, of which each has `onChannels`.
  void recordReads(Time time, const AccessDurations &access, std::span<const uint32_t> onChannels);
  /// Has all banks write. Returns when they have.
  Time write(Time time, const MemoryRequest &request);
  /// Has each channel move data for so long. Returns when all have.
  Time move(Time time, Time duration);

  const int64_t banks;
  const bool recordsTransfers;
  /// From when on each channel can do something else, and each bank that is read from.
  std::vector<Time> channelFree, bankFree;
  // Buffers of `placeInTurn`.
  std::vector<uint32_t> onChannels, inBanks;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_TIMING_MEMORY_H
