//===- DetailedMemory.cpp - Channels and banks, access by access ----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DetailedMemory.h"

#include <algorithm>
#include <iterator>
#include <tuple>

using namespace sprint;

//===----------------------------------------------------------------------===//
// ChannelBus
//===----------------------------------------------------------------------===//

std::span<const ChannelBus::Busy> ChannelBus::put(Time earliest, Time duration, bool isWrite) {
  pieces.clear();
  FullTimes &full = isWrite ? fullOfWrites : fullOfReads;
  Time start = earliest, rest = duration;
  auto next = busy.begin();
  while (next != busy.end()) {
    start = endOfFull(full, start);
    // Those that end before change nothing, not even by turning the bus round.
    next = std::ranges::partition_point(
        std::ranges::subrange(next, busy.end()),
        [&](const Busy &there) { return there.end + between(true, false) <= start; });
    if (next == busy.end())
      break;
    Time gap = next->start - between(isWrite, next->isWrite) - start;
    if (gap > 0) {
      pieces.push_back({start, start + std::min(gap, rest), isWrite});
      rest -= std::min(gap, rest);
      if (rest == 0)
        break;
    }
    start = std::max(start, next->end + between(next->isWrite, isWrite));
    ++next;
  }
  if (rest > 0)
    pieces.push_back({start, start + rest, isWrite});
  for (const Busy &piece : pieces)
    insert(piece);
  if (!pieces.empty())
    addFull(full, earliest, pieces.back().end);
  return pieces;
}

Time ChannelBus::endOfFull(const FullTimes &full, Time time) {
  auto behind = full.upper_bound(time);
  return behind == full.begin() ? time : std::max(time, std::prev(behind)->second);
}

void ChannelBus::addFull(FullTimes &full, Time start, Time end) {
  auto next = full.upper_bound(start);
  if (next != full.begin() && std::prev(next)->second >= start) {
    --next;
    start = next->first;
  }
  for (; next != full.end() && next->first <= end; next = full.erase(next))
    end = std::max(end, next->second);
  full[start] = end;
}

void ChannelBus::insert(const Busy &piece) {
  auto next = std::ranges::lower_bound(busy, piece.start, {}, &Busy::start);
  bool joinsLast = next != busy.begin() && std::prev(next)->end == piece.start &&
                   std::prev(next)->isWrite == piece.isWrite;
  bool joinsNext = next != busy.end() && next->start == piece.end && next->isWrite == piece.isWrite;
  if (joinsLast && joinsNext) {
    std::prev(next)->end = next->end;
    busy.erase(next);
  } else if (joinsLast) {
    std::prev(next)->end = piece.end;
  } else if (joinsNext) {
    next->start = piece.start;
  } else {
    busy.insert(next, piece);
  }
}

Time ChannelBus::putFirst(Time start, Time duration) {
  if (!busy.empty())
    start = std::max(start, busy.back().end);
  insert({start, start + duration, false});
  return start;
}

void ChannelBus::forgetBefore(Time time) {
  while (!busy.empty() && busy.front().end + between(true, false) <= time)
    busy.pop_front();
  for (FullTimes *full : {&fullOfReads, &fullOfWrites})
    while (!full->empty() && full->begin()->second <= time)
      full->erase(full->begin());
}

//===----------------------------------------------------------------------===//
// DetailedMemory
//===----------------------------------------------------------------------===//

DetailedMemory::DetailedMemory(const Machine &machine, const Durations &durations)
    : Memory(durations), channels(machine.structure.channels, ChannelBus(durations)),
      bankFree(machine.structure.banks()) {}

Time DetailedMemory::put(int64_t channel, Time earliest, Time duration, bool isWrite) {
  // The next column's address is tCCD later, even where the data are shorter.
  Time idle = std::max(durations.tCCD - duration, Time(0));
  for (const ChannelBus::Busy &piece : channels[channel].put(earliest, duration + idle, isWrite)) {
    if (!channelTransfers.empty() && channelTransfers.back().channel == channel &&
        channelTransfers.back().start + channelTransfers.back().duration == piece.start)
      channelTransfers.back().duration += piece.end - piece.start;
    else
      channelTransfers.push_back({channel, piece.start, piece.end - piece.start});
  }
  channelTransfers.back().duration = std::max(channelTransfers.back().duration - idle, Time(0));
  return channelTransfers.back().start + channelTransfers.back().duration;
}

Time DetailedMemory::readyTime(int64_t bank, Time time, bool isWrite) const {
  // A write's pulse must not begin before the bank is free, its column's address may; a read
  // activates its row first.
  return isWrite ? std::max(time, bankFree[bank] - durations.tCWD)
                 : std::max(time, bankFree[bank]) + durations.tRCD;
}

std::pair<Time, Time> DetailedMemory::move(const BankQueue &queue, int64_t bits, bool isWrite) {
  Time data = queue.ready + (isWrite ? durations.tCWD : durations.tCAS);
  Time end = data;
  for (int64_t rest = bits; rest > 0; rest -= kBurstBits)
    end = put(queue.channel, end,
              Durations::times(std::min(rest, kBurstBits), durations.bitOnChannel), isWrite);
  // A row is open until its last data have left it, tCAS before they are on chip.
  Time free = isWrite ? end + durations.tWP : end - durations.tCAS + durations.tRP;
  return {isWrite ? free : end, free};
}

void DetailedMemory::schedule(Time time, const MemoryRequest &request, Served &served) {
  arrivalTimes.assign(request.accesses, 0);
  for (ChannelBus &channel : channels)
    channel.forgetBefore(time);
  if (request.accesses == 0) {
    // Latches of all banks, so that each channel moves its part.
    served.last += served.moved;
    for (size_t channel = 0; channel < channels.size(); ++channel) {
      Time start = channels[channel].putFirst(served.first, served.moved);
      channelTransfers.push_back({static_cast<int64_t>(channel), start, served.moved});
    }
    return;
  }

  sortByBank(request);
  served.first = kMaxTime;
  for (size_t begin = 0, end = 0; begin < queues.size(); begin = end) {
    while (end < queues.size() && queues[end].channel == queues[begin].channel)
      ++end;
    serveChannel(std::span(queues).subspan(begin, end - begin), time, request, served);
    if (served.last > kMaxTime)
      break;
  }
}

void DetailedMemory::sortByBank(const MemoryRequest &request) {
  auto banks = static_cast<int64_t>(bankFree.size());
  auto channelCount = static_cast<int64_t>(channels.size());
  order.clear();
  for (int64_t access = 0; access < request.accesses; ++access) {
    int64_t place = request.places.empty() ? request.bank + access : request.places[access];
    int64_t bank = place % banks;
    order.push_back({bank % channelCount, bank, access});
  }
  std::ranges::sort(order);
  queues.clear();
  for (size_t index = 0; index < order.size(); ++index) {
    auto [channel, bank, access] = order[index];
    if (queues.empty() || queues.back().bank != bank)
      queues.push_back({channel, bank, index, index});
    ++queues.back().end;
  }
}

void DetailedMemory::serveChannel(std::span<BankQueue> ofChannel, Time time,
                                  const MemoryRequest &request, Served &served) {
  for (BankQueue &queue : ofChannel)
    queue.ready = readyTime(queue.bank, time, request.isWrite);
  // When the bus takes the next column's address.
  Time busReady = time;
  for (size_t left = ofChannel.size(); left > 0;) {
    std::span<BankQueue> open = ofChannel.first(left);
    Time ready = std::max(std::ranges::min_element(open, {}, &BankQueue::ready)->ready, busReady);
    // Of the banks that are ready then, the one that has most before it; or else the first.
    BankQueue &queue = *std::ranges::max_element(open, {}, [&](const BankQueue &each) {
      return std::tuple(each.ready <= ready, each.end - each.next, -each.ready, -each.bank);
    });
    int64_t access = std::get<2>(order[queue.next]);
    int64_t bits = std::min(request.access->bits, request.bits - access * request.access->bits);
    auto [end, free] = move(queue, bits, request.isWrite);
    busReady = free - (request.isWrite ? durations.tWP + durations.tCWD : durations.tRP);
    bankFree[queue.bank] = free;
    arrivalTimes[access] = end;
    served.first = std::min(served.first, end);
    served.last = std::max(served.last, end);
    // Then the command ends later than times can be counted.
    if (end > kMaxTime)
      return;
    if (++queue.next < queue.end)
      queue.ready = readyTime(queue.bank, time, request.isWrite);
    else
      std::swap(queue, ofChannel[--left]);
  }
}
