//===- Report.cpp - Statistics as JSON ------------------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Report.h"
#include "Json.h"

#include <limits>
#include <utility>

using namespace sprint;

namespace {

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
  return toFile(json);
}

std::string sprint::toJson(const LaunchReport &report) { return toFile(launchJson(report)); }

std::optional<LaunchReport> sprint::launchReportFromJson(std::string_view json,
                                                         std::string &error) noexcept {
  return parseOr("", error, [&]() -> std::optional<LaunchReport> {
    return launchReportOf(Json::parse(json));
  });
}
