//===- Events.h - What the units of a launch do ------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a command that has run did, without when: a type for each command, with what its time and
// its energy follow from. The walk over a program makes them; timing and ledger read them. Loops
// leave no event.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_WALK_EVENTS_H
#define SPRINTRUNTIME_LIB_WALK_EVENTS_H

#include "SprintRuntime/Commands.h"
#include "Support/Ring.h"

#include <array>
#include <cstdint>
#include <variant>

namespace sprint {

/// A list of keys, numbered in the order in which a launch makes them.
using ListId = int64_t;

/// The queries that a list is of: `rows` of a head from `query` on. (The machine's lists are of one
/// row each.) A head's index is `batch * heads + head`; the query is -1 where the command does not
/// name it.
struct ListOwners {
  int64_t head = -1;
  int32_t query = -1;
  int32_t rows = 1;
};

/// How the keys of a list are spread.
struct ListSize {
  uint32_t keys = 0;
  /// On the CORELET that has most of them.
  uint32_t fullest = 0;
};

struct AcquireEvent {
  static constexpr Opcode kOpcode = Opcode::Acquire;
  QueueIndex queue;
};

struct ReleaseEvent {
  static constexpr Opcode kOpcode = Opcode::Release;
  QueueIndex queue;
};

struct WriteEvent {
  static constexpr Opcode kOpcode = Opcode::Write;
  MemoryRegion region;
  /// The head, or one of those that share what is written.
  int64_t head;
  /// That are written.
  int64_t bits;
};

struct LoadQueryEvent {
  static constexpr Opcode kOpcode = Opcode::LoadQuery;
  ListOwners owners = {};
};

struct FetchEvent {
  static constexpr Opcode kOpcode = Opcode::Fetch;
  MemoryRegion region;
  Residency residency;
  IndexQueueIndex from, to;
  bool waitsForRoom = false;
  ListOwners owners = {};
  ListId list = 0;
  /// Of the list.
  uint32_t keys = 0;
  /// Tokens that were on chip.
  uint32_t reused = 0;
  /// Tokens that the fetch reads, those that stream a second time included.
  uint32_t read = 0;
  /// How many of those stream a second time.
  uint32_t again = 0;
  /// Tokens that are on chip after it.
  uint32_t held = 0;
};

struct CopyQueryEvent {
  static constexpr Opcode kOpcode = Opcode::CopyQuery;
  ListOwners owners = {};
};

struct ThresholdEvent {
  static constexpr Opcode kOpcode = Opcode::Threshold;
  ListOwners owners = {};
  ListId list = 0;
  int32_t retries = 0;
  /// That are kept.
  uint32_t keys = 0;
};

struct ReadPruningEvent {
  static constexpr Opcode kOpcode = Opcode::ReadPruning;
  IndexQueueIndex keysTo, valuesTo;
  ListOwners owners = {};
};

struct ListRangeEvent {
  static constexpr Opcode kOpcode = Opcode::ListRange;
  IndexQueueIndex keysTo, valuesTo;
};

struct LoadMaskEvent {
  static constexpr Opcode kOpcode = Opcode::LoadMask;
  MemoryRegion region;
  ListOwners owners = {};
};

struct LoadBiasEvent {
  static constexpr Opcode kOpcode = Opcode::LoadBias;
  ListOwners owners = {};
};

struct LoadSegmentsEvent {
  static constexpr Opcode kOpcode = Opcode::LoadSegments;
  ListOwners owners = {};
};

struct ScoreEvent {
  static constexpr Opcode kOpcode = Opcode::Score;
  IndexQueueIndex from, to;
  bool hasBiases;
  /// Two where the score buffer does not hold the row.
  uint8_t passes = 1;
  ListOwners owners = {};
  ListId list = 0;
  ListSize size = {};
};

struct SoftmaxEvent {
  static constexpr Opcode kOpcode = Opcode::Softmax;
  IndexQueueIndex from, to;
  ListOwners owners = {};
  ListId list = 0;
  ListSize size = {};
};

struct AccumulateEvent {
  static constexpr Opcode kOpcode = Opcode::Accumulate;
  IndexQueueIndex weights, values;
  /// Values that the V-PU reads from ReRAM itself.
  uint32_t unfetched = 0;
  ListOwners owners = {};
  ListId list = 0;
  ListSize size = {};
};

struct StoreOutputEvent {
  static constexpr Opcode kOpcode = Opcode::StoreOutput;
  ListOwners owners = {};
};

/// What a command that has run did; `kOpcode` is the command's.
using Event =
    std::variant<AcquireEvent, ReleaseEvent, WriteEvent, LoadQueryEvent, FetchEvent, CopyQueryEvent,
                 ThresholdEvent, ReadPruningEvent, ListRangeEvent, LoadMaskEvent, LoadBiasEvent,
                 LoadSegmentsEvent, ScoreEvent, SoftmaxEvent, AccumulateEvent, StoreOutputEvent>;

/// Calls `visit` with what `event` is. std::visit calls functions of so many alternatives through a
/// table, which nothing is inlined through.
template <typename AnyEvent, typename Visit>
decltype(auto) visitEvent(AnyEvent &event, Visit visit) {
  static_assert(std::variant_size_v<Event> == 16);
  switch (event.index()) {
  case 0:
    return visit(*std::get_if<0>(&event));
  case 1:
    return visit(*std::get_if<1>(&event));
  case 2:
    return visit(*std::get_if<2>(&event));
  case 3:
    return visit(*std::get_if<3>(&event));
  case 4:
    return visit(*std::get_if<4>(&event));
  case 5:
    return visit(*std::get_if<5>(&event));
  case 6:
    return visit(*std::get_if<6>(&event));
  case 7:
    return visit(*std::get_if<7>(&event));
  case 8:
    return visit(*std::get_if<8>(&event));
  case 9:
    return visit(*std::get_if<9>(&event));
  case 10:
    return visit(*std::get_if<10>(&event));
  case 11:
    return visit(*std::get_if<11>(&event));
  case 12:
    return visit(*std::get_if<12>(&event));
  case 13:
    return visit(*std::get_if<13>(&event));
  case 14:
    return visit(*std::get_if<14>(&event));
  default:
    return visit(*std::get_if<15>(&event));
  }
}

/// The events of one unit, numbered from 0, from the first that somebody still needs.
class EventLog {
public:
  void append(const Event &event) { events.push(event); }
  Event &operator[](int64_t number) { return events[static_cast<size_t>(number - first)]; }
  const Event &operator[](int64_t number) const {
    return events[static_cast<size_t>(number - first)];
  }
  /// The first that is there.
  int64_t begin() const { return first; }
  /// One past the last.
  int64_t end() const { return first + static_cast<int64_t>(events.size()); }
  /// Drops the events before that of this number, and the places before those of `placesNumber`.
  void dropBefore(int64_t number, int64_t placesNumber) {
    for (; first < number; ++first)
      events.pop();
    places.dropBefore(placesNumber);
  }

  /// Whether more events can come.
  enum class State {
    Open,    ///< They can come at once.
    Waiting, ///< Not before those of another unit, which are not there yet.
    Ended,   ///< None.
  };

  /// Events from here on still have something open.
  int64_t complete = 0;
  State state = State::Open;
  /// Where the tokens are that events read, a run for each that reads any: how many on each channel
  /// and behind that in each bank, from the first on; for the detailed timing the tokens, in the
  /// order in which they are read.
  RunLog<uint32_t> places;

private:
  Ring<Event> events;
  int64_t first = 0;
};

/// By MachineUnit.
using EventLogs = std::array<EventLog, kNumMachineUnits>;

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_WALK_EVENTS_H
