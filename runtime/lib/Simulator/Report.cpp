//===- Report.cpp - Statistics and timelines as JSON ----------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Report.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>
#include <exception>
#include <limits>
#include <unistd.h>
#include <unordered_map>
#include <unordered_set>

using namespace sprint;

namespace {

using Json = nlohmann::ordered_json;

/// Largest file of thresholds.
constexpr uint64_t kMaxThresholdBytes = uint64_t(1) << 26;
constexpr const char *kMinusInfinity = "-inf";
constexpr const char *kPlusInfinity = "inf";
constexpr const char *kKeyHeads = "key_heads";
/// Keys of statistics that are numbers as they stand; there are others between them.
constexpr std::pair<const char *, int64_t Statistics::*> kCounts[] = {
    {"allowed_scores", &Statistics::allowedScores},
    {"kept_scores", &Statistics::keptScores},
    {"fetched_bytes", &Statistics::fetchedBytes},
    {"written_bytes", &Statistics::writtenBytes},
    {"host_quadratic_bytes", &Statistics::hostQuadraticBytes},
    {"retried_rows", &Statistics::retriedRows},
    {"retries", &Statistics::retries},
    {"clamped_biases", &Statistics::clampedBiases},
    {"rows_masked_by_bias", &Statistics::rowsMaskedByBias},
    {"macs", &Statistics::macs},
    {"in_memory_macs", &Statistics::inMemoryMacs},
};
constexpr const char *kTotal = "total";

/// Invalid UTF-8, which a name may hold, becomes the replacement character.
std::string dump(const Json &json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json thresholdsJson(const std::vector<float> &thresholds) {
  Json json = Json::array();
  for (float threshold : thresholds) {
    if (std::isinf(threshold))
      json.push_back(threshold < 0 ? kMinusInfinity : kPlusInfinity);
    else
      json.push_back(threshold);
  }
  return json;
}

Json statisticsJson(const Statistics &statistics) {
  Json json;
  json["cycles"] = statistics.cycles;
  json["cycles_resident"] = statistics.cyclesResident;
  json["energy_pj"][kTotal] = statistics.totalEnergy();
  for (const ComponentEnergy &component : statistics.energy)
    json["energy_pj"][component.component] = component.picojoules;
  json["pruned_fraction"] = statistics.prunedFraction();
  for (const auto &[key, count] : kCounts)
    json[key] = statistics.*count;
  json["utilization"] = Json::object();
  for (const UnitBusy &busy : statistics.busy)
    json["utilization"][busy.unit] = statistics.cycles > 0 ? busy.cycles / statistics.cycles : 0.0;
  json["simulation_seconds"] = statistics.simulationSeconds;
  return json;
}

Json launchJson(const LaunchReport &launch) {
  Json json;
  json["program"] = launch.program;
  json["run"] = launch.run;
  // The size of a group follows from the numbers of heads.
  for (size_t index = 0; index < kNumLaunchParameters; ++index)
    if (!launchParameters[index].divisor)
      json[std::string(launchParameters[index].name)] = launch.dimensions.*launchSizeMembers[index];
  json[kKeyHeads] = launch.dimensions.keyHeads();
  json["inputs"] = launch.inputs;
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
/// one more, and what the launches are called the last.
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

TraceRow rowOfLaunches(const Machine &machine) { return {machine.structure.corelets + 1, 0}; }

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
  events.push_back(nameEvent("process_name", rowOfLaunches(machine), "attentions"));
  events.push_back(nameEvent("thread_name", rowOfLaunches(machine), "launches"));
}

/// Why a document is not what it should be.
struct FormatError {
  std::string message;
};

/// The member `key` of an object.
const Json &memberOf(const Json &json, const std::string &key) {
  if (!json.is_object() || !json.contains(key))
    throw FormatError{"expected an object with '" + std::string(key) + "'"};
  return json[key];
}

double numberOf(const Json &json, const char *key) {
  const Json &member = memberOf(json, key);
  if (!member.is_number())
    throw FormatError{"expected '" + std::string(key) + "' to be a number, got " +
                      member.type_name()};
  return member.get<double>();
}

int64_t countOf(const Json &json, const std::string &key) {
  const Json &member = memberOf(json, key);
  bool fits = member.is_number_unsigned() &&
              member.get<uint64_t>() <= uint64_t(std::numeric_limits<int64_t>::max());
  if (!fits)
    throw FormatError{"expected '" + std::string(key) + "' to be a count, got " + member.dump()};
  return member.get<int64_t>();
}

std::vector<std::string> stringsOf(const Json &json, const char *key) {
  const Json &member = memberOf(json, key);
  std::vector<std::string> strings;
  bool areStrings = member.is_array();
  for (const Json &element : member)
    if ((areStrings &= element.is_string()))
      strings.push_back(element.get<std::string>());
  if (!areStrings)
    throw FormatError{"expected '" + std::string(key) + "' to be a list of strings, got " +
                      member.dump()};
  return strings;
}

float thresholdOf(const Json &json) {
  if (json.is_number())
    return json.get<float>();
  if (json.is_string() && json.get<std::string>() == kMinusInfinity)
    return -std::numeric_limits<float>::infinity();
  throw FormatError{"expected thresholds to be numbers or \"-inf\", got " + json.dump()};
}

/// Calls `function`; where the text that it parses is not what it should be, `error` says why,
/// behind `place`.
template <typename Function>
auto parseOr(const std::string &place, std::string &error, Function function) noexcept
    -> decltype(function()) try {
  try {
    return function();
  } catch (const FormatError &failure) {
    error = place + oneLine(failure.message);
  } catch (const Json::parse_error &failure) {
    error = place + "byte " + std::to_string(failure.byte) + ": not JSON";
  } catch (const Json::out_of_range &) {
    error = place + "a number is too large";
  }
  return std::nullopt;
} catch (const std::exception &exception) {
  error = place + exception.what();
  return std::nullopt;
}

LaunchReport launchReportOf(const Json &json) {
  LaunchReport report;
  const Json &program = memberOf(json, "program");
  if (!program.is_string())
    throw FormatError{"expected 'program' to be a string, got " + program.dump()};
  report.program = program.get<std::string>();
  for (size_t index = 0; index < kNumLaunchParameters; ++index)
    if (!launchParameters[index].divisor)
      report.dimensions.*launchSizeMembers[index] =
          countOf(json, std::string(launchParameters[index].name));
  int64_t keyHeads = countOf(json, kKeyHeads);
  if (keyHeads == 0 || report.dimensions.heads % keyHeads != 0)
    throw FormatError{"expected key_heads to divide " + std::to_string(report.dimensions.heads) +
                      ", got " + std::to_string(keyHeads)};
  report.run = countOf(json, "run");
  report.dimensions.group = report.dimensions.heads / keyHeads;
  report.inputs = stringsOf(json, "inputs");
  const Json &thresholds = memberOf(json, "thresholds");
  if (!thresholds.is_array())
    throw FormatError{"expected 'thresholds' to be a list, got " + thresholds.dump()};
  for (const Json &threshold : thresholds)
    report.thresholds.push_back(threshold == kPlusInfinity ? std::numeric_limits<float>::infinity()
                                                           : thresholdOf(threshold));

  Statistics &statistics = report.statistics;
  statistics.cycles = numberOf(json, "cycles");
  statistics.cyclesResident = numberOf(json, "cycles_resident");
  const Json &energy = memberOf(json, "energy_pj");
  for (const auto &[component, value] : energy.items())
    if (component != kTotal)
      statistics.energy.push_back({component, numberOf(energy, component.c_str())});
  for (const auto &[key, count] : kCounts)
    statistics.*count = countOf(json, key);
  const Json &utilization = memberOf(json, "utilization");
  for (const auto &[unit, value] : utilization.items())
    statistics.busy.push_back({unit, numberOf(utilization, unit.c_str()) * statistics.cycles});
  statistics.simulationSeconds = numberOf(json, "simulation_seconds");
  return report;
}

/// Keys of what thresholds can be calibrated for.
constexpr std::pair<const char *, ThresholdPolicy::Kind> kCalibrations[] = {
    {"prune_rate", ThresholdPolicy::Kind::PruneRate},
    {"keep_mass", ThresholdPolicy::Kind::KeepMass},
};

void readCalibration(const Json &json, ThresholdFile &file) {
  for (const auto &[key, kind] : kCalibrations)
    if (json.is_object() && json.size() == 2 && json.contains(key)) {
      file.kind = kind;
      file.fraction = numberOf(json, key);
      file.inputs = countOf(json, "inputs");
      return;
    }
  throw FormatError{
      R"(expected 'calibration' to be {"prune_rate" or "keep_mass": ..., "inputs": ...}, got )" +
      json.dump()};
}

ThresholdFile thresholdFileOf(const Json &json) {
  constexpr const char *kForm = R"({"thresholds": [[...], ...]})";
  if (!json.is_object() || !json.contains("thresholds") || !json["thresholds"].is_array())
    throw FormatError{"expected " + std::string(kForm)};
  ThresholdFile file;
  for (const auto &[key, value] : json.items()) {
    if (key == "attentions")
      file.attentions = stringsOf(json, "attentions");
    else if (key == "calibration")
      readCalibration(value, file);
    else if (key != "thresholds")
      throw FormatError{"expected " + std::string(kForm) + ", attentions and calibration, got '" +
                        key + "'"};
  }
  for (const Json &row : json["thresholds"]) {
    if (!row.is_array() || row.empty())
      throw FormatError{"expected a list of thresholds for each attention, got " +
                        std::string(row.type_name())};
    std::vector<float> &thresholds = file.thresholds.emplace_back();
    for (const Json &threshold : row)
      thresholds.push_back(thresholdOf(threshold));
  }
  if (json.contains("attentions") && file.attentions.size() != file.thresholds.size())
    throw FormatError{"expected names of " + std::to_string(file.thresholds.size()) +
                      " attentions, got " + std::to_string(file.attentions.size())};
  std::unordered_set<std::string_view> names;
  for (const std::string &name : file.attentions)
    if (!names.insert(name).second)
      throw FormatError{"expected an attention of each name, got two named '" + name + "'"};
  return file;
}

} // namespace

LaunchReport::LaunchReport(const Program &program, const LaunchResult &result)
    : program(program.name), dimensions(result.dimensions), thresholds(result.thresholds),
      statistics(result.statistics) {
  for (MemoryRegion region : program.inputs)
    inputs.emplace_back(toString(region));
}

Statistics sprint::sumStatistics(std::span<const LaunchReport> launches) {
  Statistics sum;
  for (const LaunchReport &launch : launches) {
    const Statistics &other = launch.statistics;
    sum.cycles += other.cycles;
    sum.cyclesResident += other.cyclesResident;
    addEntries(sum.energy, other.energy, &ComponentEnergy::component, &ComponentEnergy::picojoules);
    for (const auto &[key, count] : kCounts)
      sum.*count += other.*count;
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
  json["host_seconds"] = report.hostSeconds;
  if (!report.referenceErrors.empty())
    json["reference_errors"] = report.referenceErrors;
  if (report.baseline) {
    json["baseline"] = launchesJson(*report.baseline);
    Statistics pruned = sumStatistics(report.attentions);
    Statistics dense = sumStatistics(*report.baseline);
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

std::optional<LaunchReport> sprint::launchReportFromJson(std::string_view json,
                                                         std::string &error) noexcept {
  return parseOr("", error, [&]() -> std::optional<LaunchReport> {
    return launchReportOf(Json::parse(json));
  });
}

std::string sprint::traceToJson(std::span<const LaunchTrace> launches, const Machine &machine) {
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
  for (const LaunchTrace &launch : launches) {
    Json whole;
    whole["ph"] = "X";
    whole["name"] = launch.program;
    whole["pid"] = rowOfLaunches(machine).process;
    whole["tid"] = rowOfLaunches(machine).thread;
    whole["ts"] = begin * cycle;
    whole["dur"] = launch.cycles * cycle;
    text += ",\n" + whole.dump(-1, ' ', false, Json::error_handler_t::replace);
    for (const TraceEvent &event : launch.events) {
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
    begin += launch.cycles;
  }
  return text + "\n]}\n";
}

std::function<void(int64_t, int64_t)> sprint::terminalProgress(std::string name,
                                                               std::string things) {
  if (!isatty(STDERR_FILENO))
    return {};
  return [name = std::move(name), things = std::move(things)](int64_t done, int64_t total) {
    if (done < total)
      std::fprintf(stderr, "\r%s: %lld of %lld %s", name.c_str(), static_cast<long long>(done),
                   static_cast<long long>(total), things.c_str());
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

std::optional<ThresholdFile> sprint::readThresholds(const std::string &path,
                                                    std::string &error) noexcept {
  std::optional<std::string> text = readFile(path, kMaxThresholdBytes, error);
  if (!text)
    return std::nullopt;
  return parseOr(path + ": ", error, [&]() -> std::optional<ThresholdFile> {
    return thresholdFileOf(Json::parse(*text));
  });
}

std::optional<std::vector<std::vector<float>>>
sprint::thresholdsOf(const ThresholdFile &file, const std::string &path,
                     std::span<const std::string> attentions, std::string &error) {
  if (file.attentions.empty()) {
    if (file.thresholds.size() == attentions.size())
      return file.thresholds;
    error = path + ": expected thresholds of " + std::to_string(attentions.size()) +
            " attentions, got " + std::to_string(file.thresholds.size());
    return std::nullopt;
  }
  std::unordered_map<std::string_view, size_t> places;
  for (size_t place = 0; place < file.attentions.size(); ++place)
    places.emplace(file.attentions[place], place);
  std::vector<std::vector<float>> thresholds;
  for (const std::string &attention : attentions) {
    auto place = places.find(attention);
    if (place == places.end()) {
      error = path + ": expected thresholds of attention '" + attention + "', got none";
      return std::nullopt;
    }
    thresholds.push_back(file.thresholds[place->second]);
    places.erase(place);
  }
  for (const std::string &name : file.attentions)
    if (places.contains(name)) {
      error = path + ": expected thresholds of attentions that run, got those of '" +
              oneLine(name) + "'";
      return std::nullopt;
    }
  return thresholds;
}

bool sprint::addThresholds(OutputFiles &files, const std::string &path, const ThresholdFile &file,
                           std::string &error) noexcept try {
  Json json;
  json["thresholds"] = Json::array();
  for (const std::vector<float> &thresholds : file.thresholds)
    json["thresholds"].push_back(thresholdsJson(thresholds));
  if (!file.attentions.empty())
    json["attentions"] = file.attentions;
  for (const auto &[key, kind] : kCalibrations)
    if (kind == file.kind)
      json["calibration"] = {{key, file.fraction}, {"inputs", file.inputs}};
  return files.add(path, dump(json, 2), error);
} catch (const std::exception &exception) {
  error = path + ": " + exception.what();
  return false;
}
