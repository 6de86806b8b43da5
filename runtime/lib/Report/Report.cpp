//===- Report.cpp - Statistics as JSON ------------------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Report.h"
#include "Json.h"

#include <limits>
#include <variant>

using namespace sprint;

namespace {

constexpr const char *kKeyHeads = "key_heads";

/// Whether a statistic is one of the machine's parts.
bool isOfPart(const StatisticInfo &info) {
  return !info.group.empty() &&
         !std::holds_alternative<double (Statistics::*)() const>(info.source);
}

/// All statistics; without those of the machine's parts where none has run.
Json statisticsJson(const Statistics &statistics, bool hasRun) {
  Json json;
  for (const StatisticInfo &info : statisticInfos) {
    Json &object = info.group.empty() ? json : json[std::string(info.group)];
    if (object.is_null())
      object = Json::object();
    if (hasRun || !isOfPart(info))
      std::visit([&](auto value) { object[std::string(info.name)] = value; }, info.of(statistics));
  }
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
  json.update(statisticsJson(launch.statistics, /*hasRun=*/true));
  return json;
}

Json launchesJson(const std::vector<LaunchReport> &launches) {
  Json json = statisticsJson(sumStatistics(launches), !launches.empty());
  json["attentions"] = Json::array();
  for (const LaunchReport &launch : launches)
    json["attentions"].push_back(launchJson(launch));
  return json;
}

/// Reads from `json` what of `statistics` is added up for a statistic. The cycles are read before
/// parts of them.
void readStatistic(const Json &json, const StatisticInfo &info, Statistics &statistics) {
  std::string name(info.name);
  if (const auto *count = std::get_if<int64_t Statistics::*>(&info.source))
    statistics.**count = countOf(json, name);
  else if (const auto *amount = std::get_if<double Statistics::*>(&info.source))
    statistics.**amount = numberOf(json, name);
  else if (const auto *busy = std::get_if<BusyCycles>(&info.source))
    statistics.*busy->cycles = numberOf(json, name) * statistics.cycles;
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

  for (const StatisticInfo &info : statisticInfos)
    readStatistic(info.group.empty() ? json : memberOf(json, std::string(info.group)), info,
                  report.statistics);
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
  for (const LaunchReport &launch : launches)
    sum += launch.statistics;
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
