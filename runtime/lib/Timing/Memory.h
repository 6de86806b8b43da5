//===- Memory.h - Bus and banks ----------------------------------*- C++ -*-===//
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
  /// Where the accesses of a read are: how many on each channel, and in each bank from the first
  /// on. Empty where there is one, in `bank`. Those of a write are spread evenly over all, without
  /// rounding.
  std::span<const uint32_t> onChannels = {}, inBanks = {};
  int64_t bank = 0;
  /// What a memory looks at that follows each access instead, in their order: access `i` is in bank
  /// `places[i] mod banks`. Empty where they are those from 0 on.
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
  virtual ~Memory() = default;

  /// Serves a request that is there at `time`.
  virtual Served serve(Time time, const MemoryRequest &request) = 0;
  /// When each access of the last request has moved its data, in their order; empty where that is
  /// not followed.
  std::span<const Time> arrivals() const { return arrivalTimes; }
  /// What each channel moves of the last request and when, where that was asked for.
  std::span<const ChannelTransfer> transfers() const { return channelTransfers; }
  /// For how long all channels together would have moved what they have moved.
  Time busyTime() const { return busy; }

protected:
  std::vector<Time> arrivalTimes;
  std::vector<ChannelTransfer> channelTransfers;
  Time busy = 0;
};

/// Channels and banks, each of which does what one request after another wants of it
/// (docs/machine.md, "Time").
class ClosedFormMemory final : public Memory {
public:
  /// `recordsTransfers` asks for `transfers`.
  ClosedFormMemory(const Machine &machine, const LaunchShape &shape, const Durations &durations,
                   bool recordsTransfers);

  Served serve(Time time, const MemoryRequest &request) override;

  /// When the first and the last access of a request begin.
  struct Begins {
    Time first, last;
  };

private:
  /// Notes what channels move for reads that they have not begun.
  void recordReads(Time time, const MemoryRequest &request);
  /// Has all banks write. Returns when they have.
  Time write(Time time, const MemoryRequest &request);
  /// Has each channel move data for so long. Returns when all have.
  Time move(Time time, Time duration);

  const Durations &durations;
  const bool recordsTransfers;
  /// From when on each channel can do something else, and each bank that is read from.
  std::vector<Time> channelFree, bankFree;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_TIMING_MEMORY_H
