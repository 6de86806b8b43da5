//===- Report.cpp - Statistics as JSON ------------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Report.h"
#include "Json.h"

#include <utility>
#include <variant>

using namespace sprint;

namespace {

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
  for (const auto &[name, path] : {std::pair("masks", &launch.masks), {"codes", &launch.codes}})
    if (!path->empty())
      json[name] = *path;
  // The size of a group follows from the numbers of heads.
  for (size_t index = 0; index < kNumLaunchParameters; ++index)
    if (!launchParameters[index].divisor)
      json[std::string(launchParameters[index].name)] = launch.dimensions.*launchSizeMembers[index];
  json["key_heads"] = launch.dimensions.keyHeads();
  json["inputs"] = launch.inputs;
  json["thresholds"] = thresholdsJson(launch.thresholds);
  json["timing"] = toString(launch.timing);
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

} // namespace

LaunchReport::LaunchReport(const Program &program, const LaunchResult &result)
    : program(program.name), dimensions(result.dimensions), thresholds(result.thresholds),
      timing(result.timing), statistics(result.statistics) {
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
    if (!host.name.empty())
      entry["name"] = host.name;
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
