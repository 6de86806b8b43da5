//===- ReportTest.cpp - Statistics and timelines as JSON ------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Report.h"
#include "TestPrograms.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <set>

using namespace sprint;
using namespace sprint::test;
using Json = nlohmann::json;

namespace {

LaunchReport launchReport(double cycles, double energy, int64_t allowed, int64_t kept) {
  LaunchReport report;
  report.program = "attention";
  report.dimensions = {1, 2, 3, 4, 5, 6};
  report.thresholds = {1.5f, -std::numeric_limits<float>::infinity()};
  report.statistics.cycles = cycles;
  report.statistics.cyclesResident = cycles / 2;
  report.statistics.energy = {{"reram_read", energy}, {"softmax", 1}};
  report.statistics.allowedScores = allowed;
  report.statistics.keptScores = kept;
  report.statistics.busy = {{"bus", cycles / 4}};
  return report;
}

TEST(ReportTest, TotalsAreThoseOfAllLaunches) {
  RunReport report;
  report.machine = "s";
  report.attentions = {launchReport(100, 9, 10, 5), launchReport(300, 29, 30, 5)};
  Json json = Json::parse(toJson(report));
  EXPECT_EQ(json["machine"], "s");
  EXPECT_EQ(json["cycles"], 400);
  EXPECT_EQ(json["cycles_resident"], 200);
  EXPECT_EQ(json["energy_pj"]["total"], 40);
  EXPECT_EQ(json["energy_pj"]["reram_read"], 38);
  EXPECT_EQ(json["pruned_fraction"], 0.75);
  EXPECT_EQ(json["utilization"]["bus"], 0.25);
  EXPECT_EQ(json["attentions"].size(), 2u);
  EXPECT_EQ(json["attentions"][1]["cycles"], 300);
  EXPECT_EQ(json["attentions"][0]["thresholds"], (Json{1.5, "-inf"}));
  EXPECT_EQ(json["host"], Json::array());
  EXPECT_FALSE(json.contains("baseline"));
}

TEST(ReportTest, HasAllKeysOfTheContract) {
  Json json = Json::parse(toJson(launchReport(100, 9, 10, 5)));
  for (const char *key :
       {"cycles", "cycles_resident", "energy_pj", "pruned_fraction", "fetched_bytes",
        "written_bytes", "retried_rows", "macs", "utilization", "simulation_seconds", "thresholds",
        "saturated_codes", "queries", "keys", "heads", "batches", "head_dim", "value_dim"})
    EXPECT_TRUE(json.contains(key)) << key;
}

TEST(ReportTest, BaselineComesWithRatios) {
  RunReport report;
  report.attentions = {launchReport(100, 9, 10, 5)};
  report.baseline = {launchReport(400, 29, 10, 10)};
  report.host = {{"softmax", "model.mlir:3:4", "the mask depends on data"}};
  Json json = Json::parse(toJson(report));
  EXPECT_EQ(json["speedup"], 4);
  EXPECT_EQ(json["energy_reduction"], 3);
  EXPECT_EQ(json["baseline"]["cycles"], 400);
  EXPECT_EQ(json["baseline"]["pruned_fraction"], 0);
  EXPECT_EQ(json["host"][0]["location"], "model.mlir:3:4");
}

TEST(ReportTest, NamesThatAreNotUTF8AreStillJSON) {
  LaunchReport report = launchReport(1, 1, 1, 1);
  report.program = "a\xff\"b";
  EXPECT_TRUE(Json::accept(toJson(report)));
}

TEST(TraceTest, RowsAreNamedAndTimesAreMicroseconds) {
  Machine machine = builtinMachine("m");
  std::vector<TraceEvent> first = {{"qk", 1, "score", 1000, 500}, {"banks", -1, "fetch", 5, 10}};
  std::vector<TraceEvent> second = {{"bus", -1, "fetch", 250, 2.5}};
  std::vector<std::vector<TraceEvent>> launches = {first, second};
  const double cycles[] = {2000, 300};
  Json json = Json::parse(traceToJson(launches, cycles, machine));
  std::map<std::pair<int, int>, std::string> rows;
  std::map<int, std::string> processes;
  std::vector<Json> complete;
  for (const Json &event : json["traceEvents"]) {
    if (event["name"] == "thread_name")
      rows[{event["pid"], event["tid"]}] = event["args"]["name"];
    else if (event["name"] == "process_name")
      processes[event["pid"]] = event["args"]["name"];
    else if (event["ph"] == "X")
      complete.push_back(event);
  }
  ASSERT_EQ(complete.size(), 2u);
  EXPECT_EQ(complete[0]["ts"], 1.0);
  EXPECT_EQ(complete[0]["dur"], 0.5);
  EXPECT_EQ(processes[complete[0]["pid"]], "CORELET 1");
  EXPECT_EQ((rows[{complete[0]["pid"], complete[0]["tid"]}]), "qk");
  // The second launch begins where the first ended.
  EXPECT_EQ(complete[1]["ts"], 2.25);
  EXPECT_EQ((rows[{complete[1]["pid"], complete[1]["tid"]}]), "memory controller: bus");
  // The bus, four units of the memory, and three of each CORELET.
  EXPECT_EQ(rows.size(), 1u + 4 + 3 * 2);
}

/// Text of a file of thresholds and the message behind its path, empty for a good one.
struct ThresholdFile {
  std::string name;
  std::string text;
  std::string message;
};

void PrintTo(const ThresholdFile &file, std::ostream *stream) { *stream << file.name; }

class ThresholdFileTest : public testing::TestWithParam<ThresholdFile> {};

TEST_P(ThresholdFileTest, IsReadOrRefused) {
  std::string path = testing::TempDir() + "/sprint-thresholds-" + GetParam().name + ".json";
  std::ofstream(path) << GetParam().text;
  std::string error;
  std::optional<std::vector<std::vector<float>>> thresholds = readThresholds(path, error);
  std::filesystem::remove(path);
  EXPECT_EQ(thresholds.has_value(), GetParam().message.empty());
  if (!thresholds)
    EXPECT_EQ(error, path + ": " + GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Json, ThresholdFileTest,
    testing::Values(ThresholdFile{"Good", R"({"thresholds": [[1, 2.5, "-inf"], [-1e3]]})", ""},
                    ThresholdFile{"Text", "1, 2", "byte 2: not JSON"},
                    ThresholdFile{"Truncated", R"({"thresholds": [[1)", "byte 19: not JSON"},
                    ThresholdFile{"List", "[[1]]", R"(expected {"thresholds": [[...], ...]})"},
                    ThresholdFile{"OtherKey", R"({"threshold": [[1]]})",
                                  R"(expected {"thresholds": [[...], ...]})"},
                    ThresholdFile{"Flat", R"({"thresholds": [1]})",
                                  "expected a list of thresholds for each launch, got number"},
                    ThresholdFile{"EmptyRow", R"({"thresholds": [[]]})",
                                  "expected a list of thresholds for each launch, got array"},
                    ThresholdFile{"Word", R"({"thresholds": [["low"]]})",
                                  R"(expected thresholds to be numbers or "-inf", got "low")"},
                    ThresholdFile{"NaN", R"({"thresholds": [[NaN]]})", "byte 18: not JSON"},
                    ThresholdFile{"TooLarge", R"({"thresholds": [[1e999]]})",
                                  "a number is too large"}),
    [](const testing::TestParamInfo<ThresholdFile> &info) { return info.param.name; });

TEST(ThresholdsTest, AreReadAsF32) {
  std::string path = testing::TempDir() + "/sprint-thresholds.json";
  std::ofstream(path) << R"({"thresholds": [[1, 2.5, "-inf"], [-1e3]]})";
  std::string error;
  auto thresholds = readThresholds(path, error);
  std::filesystem::remove(path);
  ASSERT_TRUE(thresholds) << error;
  EXPECT_EQ(*thresholds, (std::vector<std::vector<float>>{
                             {1, 2.5f, -std::numeric_limits<float>::infinity()}, {-1000}}));
}

} // namespace
