//===- Report.cpp - Statistics and timelines as JSON ----------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Report.h"
#include "SprintRuntime/FileIO.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>
#include <exception>
#include <limits>
#include <unistd.h>

using namespace sprint;

namespace {

using Json = nlohmann::ordered_json;

/// Largest file of thresholds.
constexpr uint64_t kMaxThresholdBytes = uint64_t(1) << 26;
constexpr const char *kMinusInfinity = "-inf";

/// Invalid UTF-8, which a name may hold, becomes the replacement character.
std::string dump(const Json &json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json thresholdsJson(const std::vector<float> &thresholds) {
  Json json = Json::array();
  for (float threshold : thresholds) {
    if (std::isinf(threshold))
      json.push_back(threshold < 0 ? kMinusInfinity : "inf");
    else
      json.push_back(threshold);
  }
  return json;
}

Json statisticsJson(const Statistics &statistics) {
  Json json;
  json["cycles"] = statistics.cycles;
  json["cycles_resident"] = statistics.cyclesResident;
  json["energy_pj"]["total"] = statistics.totalEnergy();
  for (const ComponentEnergy &component : statistics.energy)
    json["energy_pj"][component.component] = component.picojoules;
  json["pruned_fraction"] = statistics.prunedFraction();
  json["allowed_scores"] = statistics.allowedScores;
  json["kept_scores"] = statistics.keptScores;
  json["fetched_bytes"] = statistics.fetchedBytes;
  json["written_bytes"] = statistics.writtenBytes;
  json["retried_rows"] = statistics.retriedRows;
  json["retries"] = statistics.retries;
  json["macs"] = statistics.macs;
  json["in_memory_macs"] = statistics.inMemoryMacs;
  json["saturated_codes"] = statistics.saturatedCodes;
  json["utilization"] = Json::object();
  for (const UnitBusy &busy : statistics.busy)
    json["utilization"][busy.unit] = statistics.cycles > 0 ? busy.cycles / statistics.cycles : 0.0;
  json["simulation_seconds"] = statistics.simulationSeconds;
  return json;
}

Json launchJson(const LaunchReport &launch) {
  const LaunchShape &dimensions = launch.dimensions;
  Json json;
  json["program"] = launch.program;
  json["batches"] = dimensions.batches;
  json["heads"] = dimensions.heads;
  json["queries"] = dimensions.queries;
  json["keys"] = dimensions.keys;
  json["head_dim"] = dimensions.headDim;
  json["value_dim"] = dimensions.valueDim;
  json["thresholds"] = thresholdsJson(launch.thresholds);
  json.update(statisticsJson(launch.statistics));
  return json;
}

Json launchesJson(const std::vector<LaunchReport> &launches) {
  Json json = statisticsJson(sumStatistics(launches));
  json["attentions"] = Json::array();
  for (const LaunchReport &launch : launches)
    json["attentions"].push_back(launchJson(launch));
  return json;
}

/// Adds what `other` has to entries of the same name, in their order.
template <typename Entry>
void addEntries(std::vector<Entry> &entries, const std::vector<Entry> &other,
                std::string Entry::*name, double Entry::*amount) {
  for (size_t index = 0; index < other.size(); ++index) {
    if (index == entries.size())
      entries.push_back({other[index].*name, 0});
    entries[index].*amount += other[index].*amount;
  }
}

/// Processes and threads of a trace: the memory with its units is the first process, each CORELET
/// one more.
struct TraceRow {
  int64_t process;
  int64_t thread;
};

TraceRow rowOf(const TraceEvent &event) {
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

/// The names of a trace's rows, in the order of the units.
void addRowNames(Json &events, const Machine &machine) {
  events.push_back(nameEvent("process_name", {0, 0}, "memory"));
  events.push_back(nameEvent("thread_name", {0, 0}, "memory controller: bus"));
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
}

/// Why a file of thresholds cannot be read.
struct ThresholdError {
  std::string message;
};

float thresholdOf(const Json &json) {
  if (json.is_number())
    return json.get<float>();
  if (json.is_string() && json.get<std::string>() == kMinusInfinity)
    return -std::numeric_limits<float>::infinity();
  throw ThresholdError{"expected thresholds to be numbers or \"-inf\", got " + json.dump()};
}

} // namespace

Statistics sprint::sumStatistics(std::span<const LaunchReport> launches) {
  Statistics sum;
  for (const LaunchReport &launch : launches) {
    const Statistics &other = launch.statistics;
    sum.cycles += other.cycles;
    sum.cyclesResident += other.cyclesResident;
    addEntries(sum.energy, other.energy, &ComponentEnergy::component, &ComponentEnergy::picojoules);
    sum.allowedScores += other.allowedScores;
    sum.keptScores += other.keptScores;
    sum.fetchedBytes += other.fetchedBytes;
    sum.writtenBytes += other.writtenBytes;
    sum.retriedRows += other.retriedRows;
    sum.retries += other.retries;
    sum.inMemoryMacs += other.inMemoryMacs;
    sum.macs += other.macs;
    sum.saturatedCodes += other.saturatedCodes;
    addEntries(sum.busy, other.busy, &UnitBusy::unit, &UnitBusy::cycles);
    sum.simulationSeconds += other.simulationSeconds;
  }
  return sum;
}

std::string sprint::toJson(const RunReport &report) {
  Json json;
  json["machine"] = report.machine;
  json.update(launchesJson(report.attentions));
  json["host"] = Json::array();
  for (const HostReport &host : report.host) {
    Json entry;
    entry["operation"] = host.operation;
    entry["location"] = host.location;
    entry["reason"] = host.reason;
    json["host"].push_back(entry);
  }
  if (!report.baseline.empty()) {
    json["baseline"] = launchesJson(report.baseline);
    Statistics pruned = sumStatistics(report.attentions);
    Statistics dense = sumStatistics(report.baseline);
    if (pruned.cycles > 0)
      json["speedup"] = dense.cycles / pruned.cycles;
    if (pruned.cyclesResident > 0)
      json["speedup_resident"] = dense.cyclesResident / pruned.cyclesResident;
    if (pruned.totalEnergy() > 0)
      json["energy_reduction"] = dense.totalEnergy() / pruned.totalEnergy();
  }
  return dump(json, 2);
}

std::string sprint::toJson(const LaunchReport &report) { return dump(launchJson(report), 2); }

std::string sprint::traceToJson(std::span<const std::vector<TraceEvent>> launches,
                                std::span<const double> cycles, const Machine &machine) {
  // A core cycle in microseconds.
  double cycle = 1 / machine.timing.clockMHz;
  Json names = Json::array();
  addRowNames(names, machine);
  std::string text = "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n";
  for (size_t index = 0; index < names.size(); ++index)
    text += (index == 0 ? "" : ",\n") + names[index].dump();
  // One line an event, written by hand: a document of millions of them would take many times the
  // memory of its text.
  double begin = 0;
  int64_t nextId = 0;
  for (size_t launch = 0; launch < launches.size(); ++launch) {
    for (const TraceEvent &event : launches[launch]) {
      TraceRow row = rowOf(event);
      std::string place = "\"name\":\"" + std::string(event.name) +
                          "\",\"pid\":" + std::to_string(row.process) +
                          ",\"tid\":" + std::to_string(row.thread) + ",\"ts\":";
      std::string start = Json((begin + event.start) * cycle).dump();
      if (event.unit == "banks") {
        // Overlapping intervals must be asynchronous ones.
        std::string end = Json((begin + event.start + event.duration) * cycle).dump();
        std::string id = ",\"cat\":\"banks\",\"id\":" + std::to_string(nextId++) + "}";
        text += ",\n{\"ph\":\"b\"," + place + start + id + ",\n{\"ph\":\"e\"," + place + end + id;
        continue;
      }
      text += ",\n{\"ph\":\"X\"," + place + start +
              ",\"dur\":" + Json(event.duration * cycle).dump() + "}";
    }
    begin += cycles[launch];
  }
  return text + "\n]}\n";
}

std::function<void(int64_t, int64_t)> sprint::terminalProgress(std::string name) {
  if (!isatty(STDERR_FILENO))
    return {};
  return [name = std::move(name)](int64_t done, int64_t total) {
    if (done < total)
      std::fprintf(stderr, "\r%s: %lld of %lld rows", name.c_str(), static_cast<long long>(done),
                   static_cast<long long>(total));
    else
      std::fprintf(stderr, "\r\033[K");
  };
}

std::optional<float> sprint::parseThreshold(std::string_view text) noexcept {
  float value = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool isNumber = code == std::errc() && end == text.data() + text.size();
  if (!isNumber || !(std::isfinite(value) || value < 0))
    return std::nullopt;
  return value;
}

std::optional<std::vector<std::vector<float>>> sprint::readThresholds(const std::string &path,
                                                                      std::string &error) noexcept
    try {
  std::optional<std::string> text = readFile(path, kMaxThresholdBytes, error);
  if (!text)
    return std::nullopt;
  try {
    Json json = Json::parse(*text);
    if (!json.is_object() || json.size() != 1 || !json.contains("thresholds") ||
        !json["thresholds"].is_array())
      throw ThresholdError{"expected {\"thresholds\": [[...], ...]}"};
    std::vector<std::vector<float>> result;
    for (const Json &row : json["thresholds"]) {
      if (!row.is_array() || row.empty())
        throw ThresholdError{"expected a list of thresholds for each launch, got " +
                             std::string(row.type_name())};
      std::vector<float> &thresholds = result.emplace_back();
      for (const Json &threshold : row)
        thresholds.push_back(thresholdOf(threshold));
    }
    return result;
  } catch (const ThresholdError &failure) {
    error = path + ": " + oneLine(failure.message);
  } catch (const Json::parse_error &failure) {
    error = path + ": byte " + std::to_string(failure.byte) + ": not JSON";
  } catch (const Json::out_of_range &) {
    error = path + ": a number is too large";
  }
  return std::nullopt;
} catch (const std::exception &exception) {
  error = path + ": " + exception.what();
  return std::nullopt;
}
