//===- DetailedMemory.h - Channels and banks, access by access ---*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_TIMING_DETAILEDMEMORY_H
#define SPRINTRUNTIME_LIB_TIMING_DETAILEDMEMORY_H

#include "Memory.h"
#include "SprintRuntime/Machine.h"

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace sprint {

/// The bus of a channel, on which data are put in the first gaps that there are.
class ChannelBus {
public:
  /// Data one behind another.
  struct Busy {
    Time start, end;
    bool isWrite;
  };

  explicit ChannelBus(const Durations &durations) : durations(durations) {}

  /// Puts data that take `duration` where they begin no earlier than `earliest`. Data that were put
  /// there before stay where they are, so that these may have to be moved in pieces. Returns the
  /// pieces, which last until the next call.
  std::span<const Busy> put(Time earliest, Time duration, bool isWrite);
  /// Puts data that go before all that is still to be moved, so that what is put behind that is so
  /// much later. Returns from when on that is.
  Time putFirst(Time start, Time duration);
  /// Forgets what no data from `time` on look at.
  void forgetBefore(Time time);

private:
  /// Times between which there is no gap left for reads, or for writes: from each key to before its
  /// value. What is put later makes no gaps, so data need not look there again.
  using FullTimes = std::map<Time, Time>;

  void insert(const Busy &piece);
  /// The end of the times around `time` that are full; `time` itself where it is in none.
  static Time endOfFull(const FullTimes &full, Time time);
  static void addFull(FullTimes &full, Time start, Time end);
  /// From the end of data to the begin of others.
  Time between(bool fromWrite, bool toWrite) const {
    return fromWrite && !toWrite ? durations.tWTR + durations.tCAS : 0;
  }

  const Durations &durations;
  /// In the order of time.
  std::deque<Busy> busy;
  FullTimes fullOfReads, fullOfWrites;
  // Buffer of `put`.
  std::vector<Busy> pieces;
};

/// Every access by itself, in its bank and on the bus of its channel (docs/machine.md, "The
/// detailed timing").
class DetailedMemory final : public Memory {
public:
  DetailedMemory(const Machine &machine, const Durations &durations);

private:
  void schedule(Time time, const MemoryRequest &request, Served &served) override;

  /// The accesses of a request in one bank.
  struct BankQueue {
    int64_t channel = 0, bank = 0;
    /// The next of `order`, and one past the last.
    size_t next = 0, end = 0;
    /// When the next one can have its column read or written, earliest.
    Time ready = 0;
  };

  /// Sets `order` and `queues` to the accesses of a request.
  void sortByBank(const MemoryRequest &request);
  /// Serves those in the banks of one channel.
  void serveChannel(std::span<BankQueue> ofChannel, Time time, const MemoryRequest &request,
                    Served &served);
  /// When the bank's next access can have its column read or written.
  Time readyTime(int64_t bank, Time time, bool isWrite) const;
  /// Moves an access whose column can be read or written from `ready` on. Returns when its data
  /// have been moved, and when its bank can do something else.
  std::pair<Time, Time> move(const BankQueue &queue, int64_t bits, bool isWrite);
  /// Puts the data of a column on the bus of a channel. Returns when they have been moved.
  Time put(int64_t channel, Time earliest, Time duration, bool isWrite);

  std::vector<ChannelBus> channels;
  /// From when on each bank can do something else.
  std::vector<Time> bankFree;

  // Buffers of `schedule`.
  /// Channel, bank and number of each access, sorted.
  std::vector<std::tuple<int64_t, int64_t, int64_t>> order;
  std::vector<BankQueue> queues;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_TIMING_DETAILEDMEMORY_H
