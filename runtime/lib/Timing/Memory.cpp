//===- Memory.cpp - Bus and banks -----------------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"

#include <algorithm>

using namespace sprint;

// Banks are looked at all the time, for which not every processor has vectors of times.
#if defined(__x86_64__) && defined(__ELF__)
#define SPRINT_HAS_VECTORS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SPRINT_HAS_VECTORS
#endif

/// As `occupy` below, where no product is too large.
template <typename Duration>
[[gnu::always_inline]] static inline ClosedFormMemory::Begins
occupyEach(Time time, const uint32_t *counts, size_t size, Duration duration, Time *free) {
  Time first = kMaxTime, last = 0;
  for (size_t index = 0; index < size; ++index) {
    uint64_t accesses = counts[index];
    Time begin = free[index] < time ? time : free[index];
    Time end = begin + static_cast<Time>(accesses * duration);
    // That it is not free before `time` changes nothing for what comes later.
    free[index] = end;
    Time used = accesses == 0 ? kMaxTime : begin;
    first = used < first ? used : first;
    Time ended = accesses == 0 ? 0 : end;
    last = ended > last ? ended : last;
  }
  return {first, last - static_cast<Time>(duration)};
}

/// For durations of all but odd clock ratios, of which vectors have products.
SPRINT_HAS_VECTORS static ClosedFormMemory::Begins
occupyShort(Time time, const uint32_t *counts, size_t size, uint32_t duration, Time *free) {
  return occupyEach(time, counts, size, duration, free);
}

/// Has banks or channels, which are free from `free` on, do as many accesses each as `counts` has,
/// of `all` together, from `time` on. Returns when the first access begins, and the last.
static ClosedFormMemory::Begins occupy(Time time, std::span<const uint32_t> counts, int64_t all,
                                       Time duration, Time *free) {
  // None takes longer than one that had all.
  if (Durations::times(all, duration) == kMaxTime)
    return {time, kMaxTime};
  if (duration > UINT32_MAX)
    return occupyEach(time, counts.data(), counts.size(), static_cast<uint64_t>(duration), free);
  return occupyShort(time, counts.data(), counts.size(), static_cast<uint32_t>(duration), free);
}

ClosedFormMemory::ClosedFormMemory(const Machine &machine, const LaunchShape &shape,
                                   const Durations &durations, bool recordsTransfers)
    : durations(durations), recordsTransfers(recordsTransfers),
      channelFree(machine.structure.channels) {
  // Banks from which nothing is read are never free later than the others: a machine may have a
  // million of them.
  int64_t tokens = (std::max(shape.keys, shape.queries) + 63) / 64 * 64;
  bankFree.resize(std::min(machine.structure.channels * machine.structure.banksPerChannel, tokens));
}

Served ClosedFormMemory::serve(Time time, const MemoryRequest &request) {
  Served served;
  served.start = time;
  served.moved = Durations::times(request.bits, durations.bit);
  served.first = served.last = time + request.latency;
  busy += served.moved;
  channelTransfers.clear();
  if (request.accesses == 0) {
    // What latches hold goes before all else, which then comes later.
    move(time, served.moved);
    served.last += served.moved;
    return served;
  }
  if (request.isWrite) {
    Time moved = move(time, served.moved);
    served.last += std::max(moved + durations.tWP, write(time, request)) - time;
    return served;
  }
  const AccessDurations &access = *request.access;
  Begins inBanks, onChannels;
  if (request.inBanks.empty()) {
    constexpr uint32_t kOne = 1;
    int64_t channel = request.bank % static_cast<int64_t>(channelFree.size());
    inBanks = occupy(time, {&kOne, 1}, 1, access.occupied, &bankFree[request.bank]);
    onChannels = occupy(time, {&kOne, 1}, 1, access.onChannel, &channelFree[channel]);
    if (recordsTransfers)
      channelTransfers.push_back({channel, onChannels.last, access.transfer});
  } else {
    if (recordsTransfers)
      recordReads(time, request);
    inBanks = occupy(time, request.inBanks, request.accesses, access.occupied, bankFree.data());
    onChannels =
        occupy(time, request.onChannels, request.accesses, access.onChannel, channelFree.data());
  }
  served.first += inBanks.first + access.transfer - time;
  served.last += std::max(inBanks.last, onChannels.last) + access.transfer - time;
  return served;
}

Time ClosedFormMemory::move(Time time, Time duration) {
  Time last = time;
  for (size_t channel = 0; channel < channelFree.size(); ++channel) {
    Time &free = channelFree[channel];
    Time begin = std::max(time, free);
    free = begin + duration;
    last = std::max(last, free);
    if (recordsTransfers)
      channelTransfers.push_back({static_cast<int64_t>(channel), begin, duration});
  }
  return last;
}

void ClosedFormMemory::recordReads(Time time, const MemoryRequest &request) {
  for (size_t channel = 0; channel < channelFree.size(); ++channel)
    if (uint32_t accesses = request.onChannels[channel])
      channelTransfers.push_back({static_cast<int64_t>(channel),
                                  std::max(time, channelFree[channel]),
                                  Durations::times(accesses, request.access->transfer)});
}

Time ClosedFormMemory::write(Time time, const MemoryRequest &request) {
  Time last = time;
  Time occupied = Durations::times(request.accesses, durations.writtenShare);
  for (Time &free : bankFree) {
    free = std::max(time, free) + occupied;
    last = std::max(last, free);
  }
  return last;
}
