//===- ReportTest.cpp - Statistics and timelines as JSON ------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Report.h"
#include "FolderTest.h"
#include "SprintRuntime/ThresholdFile.h"
#include "SprintRuntime/Trace.h"
#include "TestPrograms.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <variant>

using namespace sprint;
using namespace sprint::test;
using Json = nlohmann::json;

namespace {

LaunchReport launchReport(double cycles, double energy, int64_t allowed, int64_t kept) {
  LaunchReport report;
  report.program = "attention";
  report.dimensions = {1, 2, 3, 4, 5, 6, 2};
  report.inputs = {"key_valid", "bias"};
  report.thresholds = {1.5f, -std::numeric_limits<float>::infinity()};
  report.statistics.cycles = cycles;
  report.statistics.cyclesResident = cycles / 2;
  report.statistics.energyPjReramRead = energy;
  report.statistics.energyPjSoftmax = 1;
  report.statistics.allowedScores = allowed;
  report.statistics.keptScores = kept;
  report.statistics.busyBus = cycles / 4;
  return report;
}

/// Statistics that differ from one another, whatever is added up in them.
Statistics differentStatistics() {
  Statistics statistics;
  int64_t number = 1;
  for (const StatisticInfo &info : statisticInfos) {
    ++number;
    if (const auto *count = std::get_if<int64_t Statistics::*>(&info.source))
      statistics.**count = number;
    else if (const auto *amount = std::get_if<double Statistics::*>(&info.source))
      statistics.**amount = static_cast<double>(number);
    else if (const auto *busy = std::get_if<BusyCycles>(&info.source))
      statistics.*busy->cycles = static_cast<double>(number);
  }
  return statistics;
}

TEST(StatisticsTest, EveryOneIsInTheSumsAndInTheReport) {
  LaunchReport report = launchReport(1, 1, 1, 1);
  report.statistics = differentStatistics();
  const LaunchReport launches[] = {report, report, report};
  Statistics sum = sumStatistics(launches);
  Json json = Json::parse(toJson(report));
  for (const StatisticInfo &info : statisticInfos) {
    auto value = [&](const Statistics &statistics) {
      return std::visit([](auto number) { return static_cast<double>(number); },
                        info.of(statistics));
    };
    // Fractions are those of the sums, and all launches are the same.
    bool isFraction =
        std::holds_alternative<BusyCycles>(info.source) || info.name == "pruned_fraction";
    double times = isFraction ? 1 : info.name == "endured_runs" ? 1. / 3 : 3;
    EXPECT_DOUBLE_EQ(value(sum), times * value(report.statistics)) << info.name;
    const Json &object = info.group.empty() ? json : json[std::string(info.group)];
    EXPECT_DOUBLE_EQ(object[std::string(info.name)].get<double>(), value(report.statistics))
        << info.name;
    EXPECT_NE(value(report.statistics), 0) << info.name;
  }
}

TEST(StatisticsTest, PartsAreLeftOutWhereNothingWasLaunched) {
  Json json = Json::parse(toJson(RunReport()));
  EXPECT_EQ(json["energy_pj"], (Json{{"total", 0.0}}));
  EXPECT_EQ(json["utilization"], Json::object());
  EXPECT_EQ(json["cycles"], 0.0);
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
  for (const char *key : {"cycles",
                          "cycles_resident",
                          "energy_pj",
                          "pruned_fraction",
                          "fetched_bytes",
                          "written_bytes",
                          "host_quadratic_bytes",
                          "in_memory_macs",
                          "retried_rows",
                          "macs",
                          "utilization",
                          "simulation_seconds",
                          "thresholds",
                          "queries",
                          "keys",
                          "heads",
                          "batches",
                          "head_dim",
                          "value_dim",
                          "key_heads",
                          "inputs",
                          "clamped_biases",
                          "rows_masked_by_bias"})
    EXPECT_TRUE(json.contains(key)) << key;
}

TEST(ReportTest, BaselineComesWithRatios) {
  RunReport report;
  report.attentions = {launchReport(100, 9, 10, 5)};
  report.baseline = {{launchReport(400, 29, 10, 10)}};
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
  std::vector<TraceEvent> first = {
      {.unit = "qk", .name = "score", .start = 1000, .duration = 500, .corelet = 1},
      {.unit = "banks", .name = "fetch", .start = 5, .duration = 10}};
  std::vector<TraceEvent> second = {
      {.unit = "channel", .name = "fetch", .start = 250, .duration = 2.5, .corelet = 2}};
  std::vector<TraceCounter> counters = {{"lists in keys", 50, 3}};
  const LaunchTrace launches[] = {{"layers.0", first, 2000}, {"a\xff\"b", second, 300, counters}};
  Json json = Json::parse(traceToJson(launches, machine));
  std::map<std::pair<int, int>, std::string> rows;
  std::map<int, std::string> processes;
  std::vector<Json> complete, counted;
  // When each attention is, by the process of the row that says so.
  std::map<std::string, std::vector<std::pair<double, double>>> attentions;
  for (const Json &event : json["traceEvents"]) {
    if (event["ph"] == "X" && rows[{event["pid"], event["tid"]}] == "attention") {
      EXPECT_EQ(event["name"],
                attentions[processes[event["pid"]]].empty() ? "layers.0" : "a\uFFFD\"b");
      attentions[processes[event["pid"]]].emplace_back(event["ts"], event["dur"]);
      continue;
    }
    if (event["name"] == "thread_name")
      rows[{event["pid"], event["tid"]}] = event["args"]["name"];
    else if (event["name"] == "process_name")
      processes[event["pid"]] = event["args"]["name"];
    else if (event["ph"] == "X")
      complete.push_back(event);
    else if (event["ph"] == "C")
      counted.push_back(event);
  }
  ASSERT_EQ(counted.size(), 1u);
  EXPECT_EQ(counted[0]["name"], "lists in keys");
  EXPECT_EQ(counted[0]["ts"], 2.05);
  EXPECT_EQ(counted[0]["args"]["value"], 3);
  ASSERT_EQ(complete.size(), 4u);
  EXPECT_EQ(complete[0]["name"], "layers.0");
  EXPECT_EQ(complete[0]["ts"], 0.0);
  EXPECT_EQ(complete[0]["dur"], 2.0);
  EXPECT_EQ(processes[complete[0]["pid"]], "attentions");
  EXPECT_EQ((rows[{complete[0]["pid"], complete[0]["tid"]}]), "launches");
  EXPECT_EQ(complete[1]["ts"], 1.0);
  EXPECT_EQ(complete[1]["dur"], 0.5);
  EXPECT_EQ(processes[complete[1]["pid"]], "CORELET 1");
  EXPECT_EQ((rows[{complete[1]["pid"], complete[1]["tid"]}]), "qk");
  // The second launch begins where the first ended.
  EXPECT_EQ(complete[2]["pid"], complete[0]["pid"]);
  EXPECT_EQ(complete[2]["ts"], 2.0);
  EXPECT_EQ(complete[3]["ts"], 2.25);
  EXPECT_EQ((rows[{complete[3]["pid"], complete[3]["tid"]}]), "channel 2");
  // The memory and each CORELET say whose attention's they are when.
  std::vector<std::pair<double, double>> when = {{0.0, 2.0}, {2.0, 0.3}};
  EXPECT_EQ(attentions, (std::map<std::string, std::vector<std::pair<double, double>>>{
                            {"memory", when}, {"CORELET 0", when}, {"CORELET 1", when}}));
  // Banks, four units of the memory, the channels, three of each CORELET, the attentions of each
  // process, and the launches.
  EXPECT_EQ(rows.size(), 1u + 4 + 3 + 3 * 2 + 3 + 1);
}

TEST(TraceTest, IntervalsHaveWhatTheyAreAbout) {
  Machine machine = builtinMachine("s");
  std::vector<TraceEvent> events = {
      {.unit = "write", .name = "write", .bytes = 640, .head = 4},
      {.unit = "banks", .name = "fetch", .bytes = 0, .head = 0, .query = 0, .keys = 0},
      {.unit = "channel", .name = "fetch", .corelet = 1, .head = 3, .query = 2, .keys = 7},
      {.unit = "select", .name = "list_range"}};
  const LaunchTrace launches[] = {{"a\"b", events, 10}};
  Json json = Json::parse(traceToJson(launches, machine));
  std::vector<std::string> arguments;
  for (const Json &event : json["traceEvents"])
    if (event["name"] != "a\"b" && event["ph"] != "M")
      arguments.push_back(event.contains("args") ? event["args"].dump() : "none");
  // Members that dump() sorts; the end of an interval that may overlap others has none.
  EXPECT_EQ(arguments,
            (std::vector<std::string>{
                R"({"attention":"a\"b","bytes":640,"head":4})",
                R"({"attention":"a\"b","bytes":0,"head":0,"keys":0,"query":0})", "none",
                R"({"attention":"a\"b","head":3,"keys":7,"query":2})", R"({"attention":"a\"b"})"}));
}

/// Text of a file of thresholds and the message behind its path, empty for a good one.
struct ThresholdText {
  std::string name;
  std::string text;
  std::string message;
};

void PrintTo(const ThresholdText &file, std::ostream *stream) { *stream << file.name; }

class ThresholdFileTest : public testing::TestWithParam<ThresholdText> {};

TEST_P(ThresholdFileTest, IsReadOrRefused) {
  std::string path = testing::TempDir() + "/sprint-thresholds-" + GetParam().name + ".json";
  std::ofstream(path) << GetParam().text;
  std::string error;
  std::optional<ThresholdFile> thresholds = readThresholds(path, error);
  std::filesystem::remove(path);
  EXPECT_EQ(thresholds.has_value(), GetParam().message.empty());
  if (!thresholds)
    EXPECT_EQ(error, path + ": " + GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Json, ThresholdFileTest,
    testing::Values(
        ThresholdText{"Good", R"({"thresholds": [[1, 2.5, "-inf"], [-1e3]]})", ""},
        ThresholdText{"PlusInfinity", R"({"thresholds": [[1, 2.5, "inf"], [1e-46]]})", ""},
        ThresholdText{"Text", "1, 2", "byte 2: not JSON"},
        ThresholdText{"Truncated", R"({"thresholds": [[1)", "byte 19: not JSON"},
        ThresholdText{"List", "[[1]]", R"(expected {"thresholds": [[...], ...]})"},
        ThresholdText{"OtherKey", R"({"threshold": [[1]]})",
                      R"(expected {"thresholds": [[...], ...]})"},
        ThresholdText{"Named", R"({"thresholds": [[1]], "attentions": ["a"],
                                  "calibration": {"keep_mass": 0.9, "inputs": 8}})",
                      ""},
        ThresholdText{"AnotherKey", R"({"thresholds": [[1]], "attention": ["a"]})",
                      R"(expected {"thresholds": [[...], ...]}, attentions and )"
                      R"(calibration, got 'attention')"},
        ThresholdText{"NamesOfOthers", R"({"thresholds": [[1]], "attentions": []})",
                      "expected names of 1 attentions, got 0"},
        ThresholdText{"NamesThatAreNone", R"({"thresholds": [[1]], "attentions": [2]})",
                      "expected 'attentions' to be a list of strings, got [2]"},
        ThresholdText{"NamesThatAreOne", R"({"thresholds": [[1], [2]], "attentions": ["a", "a"]})",
                      "expected an attention of each name, got two named 'a'"},
        ThresholdText{"NegativeRate", R"({"thresholds": [[1]],
                                      "calibration": {"prune_rate": -0.5, "inputs": 1}})",
                      "expected 'prune_rate' to be between 0 and 1, got -0.5"},
        ThresholdText{"MassAboveOne", R"({"thresholds": [[1]],
                                      "calibration": {"keep_mass": 1.5, "inputs": 1}})",
                      "expected 'keep_mass' to be between 0 and 1, got 1.5"},
        ThresholdText{"Calibration", R"({"thresholds": [[1]], "calibration": {}})",
                      "expected 'calibration' to be {\"prune_rate\" or \"keep_mass\": "
                      "..., \"inputs\": ...}, got {}"},
        ThresholdText{"Inputs",
                      R"({"thresholds": [[1]],
                                      "calibration": {"prune_rate": 0.5, "inputs": 1.5}})",
                      "expected 'inputs' to be a count, got 1.5"},
        ThresholdText{"Flat", R"({"thresholds": [1]})",
                      "expected a list of thresholds for each attention, got number"},
        ThresholdText{"EmptyRow", R"({"thresholds": [[]]})",
                      "expected a list of thresholds for each attention, got array"},
        ThresholdText{"Word", R"({"thresholds": [["low"]]})",
                      R"(expected thresholds to be numbers, "-inf" or "inf", got "low")"},
        ThresholdText{"NaN", R"({"thresholds": [[NaN]]})", "byte 18: not JSON"},
        ThresholdText{"TooLarge", R"({"thresholds": [[1e999]]})", "a number is too large"},
        ThresholdText{"TooLargeForF32", R"({"thresholds": [[1e300]]})",
                      "expected thresholds that an f32 holds, got 1e+300"},
        // A message that shows it would call itself as often.
        ThresholdText{"TooDeep",
                      R"({"thresholds": [[)" + std::string(1000000, '[') +
                          std::string(1000000, ']') + "]]}",
                      "expected arrays and objects at most 64 deep, got more"},
        ThresholdText{"MemberTwice", R"({"thresholds": [[1]], "thresholds": [[2]]})",
                      "expected each member of an object once, got two \"thresholds\""}),
    [](const testing::TestParamInfo<ThresholdText> &info) { return info.param.name; });

class ThresholdsTest : public FolderTest {
protected:
  std::string path() const { return (folder / "thresholds.json").string(); }
};

TEST_F(ThresholdsTest, AreReadAsF32) {
  std::ofstream(path()) << R"({"thresholds": [[1, 2.5, "-inf"], [-1e3]]})";
  std::string error;
  std::optional<ThresholdFile> file = readThresholds(path(), error);
  ASSERT_TRUE(file) << error;
  EXPECT_EQ(file->thresholds, (std::vector<std::vector<float>>{
                                  {1, 2.5f, -std::numeric_limits<float>::infinity()}, {-1000}}));
  EXPECT_TRUE(file->attentions.empty());
  EXPECT_EQ(file->inputs, 0);
}

TEST(ThresholdTest, IsANumberThatAnF32Holds) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(parseThreshold("0.1"), 0.1f);
  EXPECT_EQ(parseThreshold("-3e38"), -3e38f);
  EXPECT_EQ(parseThreshold("1e-46"), 0.0f);
  EXPECT_EQ(parseThreshold("-1e-46"), 0.0f);
  EXPECT_EQ(parseThreshold("1e-40"), 1e-40f);
  EXPECT_EQ(parseThreshold("inf"), kInfinity);
  EXPECT_EQ(parseThreshold("-inf"), -kInfinity);
  for (const char *text :
       {"", "1e39", "-1e39", "1e400", "nan", "-nan", "low", "1,5", "0x10", " 1", "1 "})
    EXPECT_EQ(parseThreshold(text), std::nullopt) << text;
}

TEST_F(ThresholdsTest, AreReadAsTheyWereWritten) {
  ThresholdFile written;
  written.thresholds = {{0.1f, -std::numeric_limits<float>::infinity(), 3e38f},
                        {-7.25f, std::numeric_limits<float>::infinity()}};
  written.attentions = {"attention", "attention_0"};
  written.kind = ThresholdPolicy::Kind::PruneRate;
  written.fraction = 0.75;
  written.inputs = 8;
  OutputFiles files;
  std::string error;
  ASSERT_TRUE(addThresholds(files, path(), written, error)) << error;
  ASSERT_TRUE(files.commit(error)) << error;
  std::optional<ThresholdFile> read = readThresholds(path(), error);
  ASSERT_TRUE(read) << error;
  EXPECT_EQ(read->thresholds, written.thresholds);
  EXPECT_EQ(read->attentions, written.attentions);
  EXPECT_EQ(read->kind, written.kind);
  EXPECT_EQ(read->fraction, written.fraction);
  EXPECT_EQ(read->inputs, written.inputs);
}

TEST_F(ThresholdsTest, AreFoundByName) {
  ThresholdFile file;
  file.thresholds = {{1}, {2, 3}};
  file.attentions = {"layers.0", "layers.1"};
  std::string error;
  auto find = [&](std::vector<std::string> attentions) {
    return thresholdsOf(file, "t.json", attentions, error);
  };
  using Thresholds = std::vector<std::vector<float>>;
  EXPECT_EQ(find({"layers.0", "layers.1"}), file.thresholds);
  EXPECT_EQ(find({"layers.1", "layers.0"}), (Thresholds{{2, 3}, {1}}));
  EXPECT_FALSE(find({"layers.0", "self"}));
  EXPECT_EQ(error, "t.json: expected thresholds of attention 'self', got none");
  EXPECT_FALSE(find({"layers.1"}));
  EXPECT_EQ(error, "t.json: expected thresholds of attentions that run, got those of 'layers.0'");
  EXPECT_FALSE(find({"layers.0", "layers.1", "self"}));
  EXPECT_EQ(error, "t.json: expected thresholds of attention 'self', got none");
}

TEST_F(ThresholdsTest, WithoutNamesAreFoundByPosition) {
  ThresholdFile file;
  file.thresholds = {{1}, {2, 3}};
  std::string error;
  const std::string attentions[] = {"attention", "self"};
  EXPECT_EQ(thresholdsOf(file, "t.json", attentions, error), file.thresholds);
  EXPECT_FALSE(thresholdsOf(file, "t.json", {attentions, 1}, error));
  EXPECT_EQ(error, "t.json: expected thresholds of 1 attentions, got 2");
}

} // namespace
