//===- Trace.cpp - Timelines as JSON --------------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Trace.h"
#include "Json.h"

#include <algorithm>

using namespace sprint;

namespace {

/// Processes and threads of a trace: the memory with its units is the first process, each CORELET
/// one more, and what the launches are called the last. Rows of units and channels have one more
/// beside them in each process, which says whose attention's they are when.
struct TraceRow {
  int64_t process;
  int64_t thread;
};

/// Of a channel, behind those of the units.
TraceRow rowOfChannel(int64_t channel) {
  return {0, static_cast<int64_t>(kNumMachineUnits) + 1 + channel};
}
/// Of the attentions in a process, behind those of all channels.
TraceRow rowOfAttentions(int64_t process, int64_t channels) {
  return {process, rowOfChannel(channels).thread};
}

TraceRow rowOf(const TraceEvent &event) {
  if (event.unit == "channel")
    return rowOfChannel(event.corelet);
  int64_t thread = 0;
  for (MachineUnit unit : enumerators<MachineUnit>)
    if (event.unit == toString(unit))
      thread = static_cast<int64_t>(unit) + 1;
  return {event.corelet + 1, thread};
}

Json nameEvent(const char *kind, TraceRow row, const std::string &name) {
  Json json;
  json["ph"] = "M";
  json["name"] = kind;
  json["pid"] = row.process;
  json["tid"] = row.thread;
  json["args"]["name"] = name;
  return json;
}

TraceRow rowOfLaunches(const Machine &machine) { return {machine.structure.corelets + 1, 0}; }

/// The names of a trace's rows, in the order of the units, and of the first `channels` channels.
void addRowNames(Json &events, const Machine &machine, int64_t channels) {
  events.push_back(nameEvent("process_name", {0, 0}, "memory"));
  events.push_back(nameEvent("thread_name", {0, 0}, "banks"));
  for (int64_t corelet = 0; corelet < machine.structure.corelets; ++corelet)
    events.push_back(
        nameEvent("process_name", {corelet + 1, 0}, "CORELET " + std::to_string(corelet)));
  for (MachineUnit unit : enumerators<MachineUnit>) {
    int64_t thread = static_cast<int64_t>(unit) + 1;
    bool isOnChip =
        unit == MachineUnit::QK || unit == MachineUnit::Softmax || unit == MachineUnit::V;
    int64_t rows = isOnChip ? machine.structure.corelets : 1;
    for (int64_t row = 0; row < rows; ++row)
      events.push_back(
          nameEvent("thread_name", {isOnChip ? row + 1 : 0, thread}, std::string(toString(unit))));
  }
  for (int64_t channel = 0; channel < channels; ++channel)
    events.push_back(
        nameEvent("thread_name", rowOfChannel(channel), "channel " + std::to_string(channel)));
  for (int64_t process = 0; process <= machine.structure.corelets; ++process)
    events.push_back(nameEvent("thread_name", rowOfAttentions(process, channels), "attention"));
  events.push_back(nameEvent("process_name", rowOfLaunches(machine), "attentions"));
  events.push_back(nameEvent("thread_name", rowOfLaunches(machine), "launches"));
}

/// What an interval is about, as the end of an event: `attention` is a name in JSON.
std::string argumentsOf(const TraceEvent &event, const std::string &attention) {
  std::string text = ",\"args\":{\"attention\":" + attention;
  auto add = [&](const char *name, int64_t value) {
    if (value >= 0)
      text.append(",\"").append(name).append("\":").append(std::to_string(value));
  };
  add("head", event.head);
  add("query", event.query);
  add("keys", event.keys);
  add("bytes", event.bytes);
  return text + "}";
}

} // namespace

std::string sprint::traceToJson(std::span<const LaunchTrace> launches, const Machine &machine) {
  // A core cycle in microseconds.
  double cycle = 1 / machine.timing.clockMHz;
  Json names = Json::array();
  int64_t channels = 0;
  for (const LaunchTrace &launch : launches)
    for (const TraceEvent &event : launch.events)
      if (event.unit == "channel")
        channels = std::max<int64_t>(channels, event.corelet + 1);
  addRowNames(names, machine, channels);
  // Room for what there usually is of each, so that a text of gigabytes is not there twice while it
  // grows; room that is not used takes no memory.
  constexpr size_t kIntervalBytes = 160, kAsynchronousBytes = 280, kCounterBytes = 110;
  size_t room = 0;
  for (const LaunchTrace &launch : launches) {
    for (const TraceEvent &event : launch.events)
      room += launch.program.size() + (event.unit == "banks" ? kAsynchronousBytes : kIntervalBytes);
    room += launch.counters.size() * kCounterBytes;
  }
  std::string text;
  text.reserve(room);
  text += "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n";
  for (size_t index = 0; index < names.size(); ++index)
    text += (index == 0 ? "" : ",\n") + names[index].dump();
  // One line an event, written by hand: a document of millions of them would take many times the
  // memory of its text.
  double begin = 0;
  int64_t nextId = 0;
  for (const LaunchTrace &launch : launches) {
    auto addLaunch = [&](TraceRow row) {
      Json whole;
      whole["ph"] = "X";
      whole["name"] = launch.program;
      whole["pid"] = row.process;
      whole["tid"] = row.thread;
      whole["ts"] = begin * cycle;
      whole["dur"] = launch.cycles * cycle;
      text += ",\n" + toLine(whole);
    };
    addLaunch(rowOfLaunches(machine));
    for (int64_t process = 0; process <= machine.structure.corelets; ++process)
      addLaunch(rowOfAttentions(process, channels));
    std::string attention = toLine(Json(launch.program));
    for (const TraceEvent &event : launch.events) {
      TraceRow row = rowOf(event);
      std::string place = "\"name\":\"" + std::string(event.name) +
                          "\",\"pid\":" + std::to_string(row.process) +
                          ",\"tid\":" + std::to_string(row.thread) + ",\"ts\":";
      std::string start = Json((begin + event.start) * cycle).dump();
      if (event.unit == "banks") {
        // Overlapping intervals must be asynchronous ones.
        std::string end = Json((begin + event.start + event.duration) * cycle).dump();
        std::string id = ",\"cat\":\"banks\",\"id\":" + std::to_string(nextId++);
        text += ",\n{\"ph\":\"b\"," + place + start + id + argumentsOf(event, attention) +
                "},\n{\"ph\":\"e\"," + place + end + id + "}";
        continue;
      }
      text += ",\n{\"ph\":\"X\"," + place + start +
              ",\"dur\":" + Json(event.duration * cycle).dump() + argumentsOf(event, attention) +
              "}";
    }
    for (const TraceCounter &counter : launch.counters) {
      Json value;
      value["ph"] = "C";
      value["name"] = counter.name;
      value["pid"] = 0;
      value["ts"] = (begin + counter.time) * cycle;
      value["args"]["value"] = counter.value;
      text += ",\n" + toLine(value);
    }
    begin += launch.cycles;
  }
  return text + "\n]}\n";
}
