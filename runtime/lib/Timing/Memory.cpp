//===- Memory.cpp - Channels and banks ------------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"
#include "Support/TargetClones.h"

#include <algorithm>

using namespace sprint;

Served Memory::serve(Time time, const MemoryRequest &request) {
  Served served;
  served.start = time;
  served.moved = Durations::times(request.bits, durations.bit);
  served.first = served.last = time + request.latency;
  busy += served.moved;
  channelTransfers.clear();
  schedule(time, request, served);
  return served;
}

//===----------------------------------------------------------------------===//
// ClosedFormMemory
//===----------------------------------------------------------------------===//

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
SPRINT_TARGET_CLONES("avx512f", "avx2")
static ClosedFormMemory::Begins occupyShort(Time time, const uint32_t *counts, size_t size,
                                            uint32_t duration, Time *free) {
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
    : Memory(durations), banks(machine.structure.banks()), recordsTransfers(recordsTransfers),
      channelFree(machine.structure.channels) {
  // Banks from which nothing is read are never free later than the others: a machine may have a
  // million of them.
  int64_t tokens = (std::max(shape.keys, shape.queries) + 63) / 64 * 64;
  bankFree.resize(std::min(banks, tokens));
}

void ClosedFormMemory::schedule(Time time, const MemoryRequest &request, Served &served) {
  if (request.accesses == 0) {
    // What latches hold goes before all else, which then comes later.
    move(time, served.moved);
    served.last += served.moved;
    return;
  }
  if (request.isWrite) {
    Time moved = move(time, served.moved);
    served.last += std::max(moved + durations.tWP, write(time, request)) - time;
    return;
  }
  const AccessDurations &access = *request.access;
  Begins ofBanks, ofChannels;
  if (request.accesses == 1 && request.inBanks.empty()) {
    constexpr uint32_t kOne = 1;
    int64_t channel = request.bank % static_cast<int64_t>(channelFree.size());
    ofBanks = occupy(time, {&kOne, 1}, 1, access.occupied, &bankFree[request.bank]);
    ofChannels = occupy(time, {&kOne, 1}, 1, access.onChannel, &channelFree[channel]);
    if (recordsTransfers)
      channelTransfers.push_back({channel, ofChannels.last, access.transfer});
  } else {
    std::span<const uint32_t> counts = request.inBanks, channelCounts = request.onChannels;
    if (counts.empty()) {
      placeInTurn(request);
      counts = inBanks;
      channelCounts = onChannels;
    }
    if (recordsTransfers)
      recordReads(time, access, channelCounts);
    ofBanks = occupy(time, counts, request.accesses, access.occupied, bankFree.data());
    ofChannels =
        occupy(time, channelCounts, request.accesses, access.onChannel, channelFree.data());
  }
  served.first += ofBanks.first + access.transfer - time;
  served.last += std::max(ofBanks.last, ofChannels.last) + access.transfer - time;
}

void ClosedFormMemory::placeInTurn(const MemoryRequest &request) {
  inBanks.assign(std::min(banks, request.bank + request.accesses), 0);
  onChannels.assign(channelFree.size(), 0);
  for (int64_t index = 0; index < std::min(banks, request.accesses); ++index) {
    int64_t bank = (request.bank + index) % banks;
    auto count = static_cast<uint32_t>((request.accesses - index + banks - 1) / banks);
    inBanks[bank] = count;
    onChannels[bank % std::ssize(onChannels)] += count;
  }
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

void ClosedFormMemory::recordReads(Time time, const AccessDurations &access,
                                   std::span<const uint32_t> onChannels) {
  for (size_t channel = 0; channel < onChannels.size(); ++channel)
    if (uint32_t accesses = onChannels[channel])
      channelTransfers.push_back({static_cast<int64_t>(channel),
                                  std::max(time, channelFree[channel]),
                                  Durations::times(accesses, access.transfer)});
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
