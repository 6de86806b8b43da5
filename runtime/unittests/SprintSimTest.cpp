//===- SprintSimTest.cpp - sprint-sim -------------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the tool as its users do.
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Npy.h"
#include "TestPrograms.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sys/wait.h>

using namespace sprint;
using namespace sprint::test;

namespace {

/// A folder with a stream of two programs, and operands.
class SprintSimTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder = std::filesystem::path(testing::TempDir()) / ("sprint-sim-" + name);
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder / "in");
    Program pruned = attentionProgram(builtinMachine("s"));
    Program dense = attentionProgram(builtinMachine("s"), {.dense = true});
    dense.name = "dense";
    std::vector<uint8_t> bytes = serialize(CommandStream{{pruned, dense}});
    write("in/x.sprint", std::string(bytes.begin(), bytes.end()));
    OutputFiles files;
    std::string error;
    addNpy(files, path("in/q.npy"), query.shape, query.data, error);
    addNpy(files, path("in/k.npy"), key.shape, key.data, error);
    addNpy(files, path("in/v.npy"), value.shape, value.data, error);
    ASSERT_TRUE(files.commit(error)) << error;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string path(const std::string &name) const { return (folder / name).string(); }
  void write(const std::string &name, const std::string &text) {
    std::ofstream(folder / name, std::ios::binary) << text;
  }
  std::string read(const std::string &name) const {
    std::ifstream stream(folder / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }

  /// Runs the tool in the folder; what it prints ends in out.txt and err.txt. Returns its exit
  /// code.
  int run(const std::string &arguments) {
    std::string command = "cd '" + folder.string() + "' && '" SPRINT_SIM "' " + arguments +
                          " >out.txt 2>err.txt </dev/null";
    int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  /// Runs the tool on one program with all outputs asked for.
  int runAll(const std::string &arguments) {
    return run("in/x.sprint --entry=attention --input=in/q.npy --input=in/k.npy --input=in/v.npy "
               "--output-dir=o --stats=o/stats.json --trace=o/trace.json --dump-masks=o/masks.npy "
               "--dump-codes=o/codes.npy " +
               arguments);
  }

  /// The tool has refused with one line, and left nothing.
  void expectRefused(int code, const std::string &message) {
    EXPECT_EQ(code, 1);
    EXPECT_EQ(read("err.txt"), "sprint-sim: error: " + message + "\n");
    EXPECT_EQ(read("out.txt"), "");
    EXPECT_FALSE(std::filesystem::exists(folder / "o"));
  }

  std::filesystem::path folder;
  Tensor query{{1, 2, 5, 8}, 1};
  Tensor key{{1, 2, 7, 8}, 2};
  Tensor value{{1, 2, 7, 4}, 3};
};

TEST_F(SprintSimTest, WritesAllOutputs) {
  ASSERT_EQ(runAll("--threshold=2.5"), 0) << read("err.txt");
  EXPECT_EQ(read("err.txt"), "");
  Reference expected(query, key, value, 1, {2.5f}, Widths(), false, false);
  std::string error;
  std::optional<FloatArray> output = readNpy(path("o/0.npy"), error);
  ASSERT_TRUE(output) << error;
  EXPECT_EQ(output->shape, (std::vector<int64_t>{1, 2, 5, 4}));
  EXPECT_EQ(output->data, expected.output);
  std::string masks = read("o/masks.npy");
  EXPECT_NE(masks.find("'shape': (2, 5, 7)"), std::string::npos);
  EXPECT_TRUE(std::ranges::equal(masks.substr(128), expected.masks));
  EXPECT_NE(read("o/codes.npy").find("'<i4'"), std::string::npos);
  auto stats = nlohmann::json::parse(read("o/stats.json"));
  EXPECT_EQ(stats["kept_scores"], expected.kept);
  EXPECT_EQ(stats["machine"], "s");
  EXPECT_EQ(stats["attentions"][0]["masks"], "o/masks.npy");
  EXPECT_EQ(stats["attentions"][0]["codes"], "o/codes.npy");
  EXPECT_TRUE(nlohmann::json::accept(read("o/trace.json")));
}

TEST_F(SprintSimTest, ReportsWhichTimingCyclesAreOf) {
  ASSERT_EQ(runAll("--threshold=2.5"), 0) << read("err.txt");
  auto closed = nlohmann::json::parse(read("o/stats.json"));
  ASSERT_EQ(runAll("--threshold=2.5 --timing=detailed"), 0) << read("err.txt");
  auto detailed = nlohmann::json::parse(read("o/stats.json"));
  EXPECT_EQ(closed["attentions"][0]["timing"], "closed-form");
  EXPECT_EQ(detailed["attentions"][0]["timing"], "detailed");
  EXPECT_NE(closed["cycles"], detailed["cycles"]);
  EXPECT_EQ(closed["energy_pj"], detailed["energy_pj"]);
}

TEST_F(SprintSimTest, UnknownTiming) {
  expectRefused(runAll("--timing=quick"),
                "--timing: expected closed-form or detailed, got 'quick'");
}

TEST_F(SprintSimTest, ReplacesNothingThatItReads) {
  std::filesystem::create_directories(folder / "numbered");
  for (auto [from, to] : {std::pair("in/q.npy", "numbered/0.npy"),
                          {"in/k.npy", "numbered/1.npy"},
                          {"in/v.npy", "numbered/2.npy"}})
    std::filesystem::copy_file(folder / from, folder / to);
  const std::string command = "in/x.sprint --entry=attention --input=numbered/0.npy "
                              "--input=numbered/1.npy --input=numbered/2.npy ";
  std::string query = read("numbered/0.npy"), stream = read("in/x.sprint");
  expectRefused(run(command + "--output-dir=numbered"),
                "numbered/0.npy: is read as well, and would be replaced");
  expectRefused(run(command + "--stats=in/../in/x.sprint"),
                "in/../in/x.sprint: is read as well, and would be replaced");
  write("machine.yaml", "base: base.yaml\nname: machine\n");
  write("base.yaml", "base: s\nname: base\n");
  expectRefused(run(command + "--arch=machine.yaml --trace=base.yaml"),
                "base.yaml: is read as well, and would be replaced");
  EXPECT_EQ(read("numbered/0.npy"), query);
  EXPECT_EQ(read("in/x.sprint"), stream);
}

TEST_F(SprintSimTest, OutputsDoNotReplaceOneAnother) {
  const std::string command = "in/x.sprint --entry=attention --input=in/q.npy --input=in/k.npy "
                              "--input=in/v.npy --stats=o/0.npy ";
  expectRefused(run(command + "--output-dir=o"), "o/0.npy: is the file of another output");
  expectRefused(run(command + "--trace=./o/0.npy"),
                "./o/0.npy: is the file of another output, o/0.npy");
  // Standard output, too, is one.
  std::string redirected = "cd '" + folder.string() + "' && '" SPRINT_SIM "' " + command +
                           "--trace=out.txt >out.txt 2>err.txt";
  EXPECT_NE(std::system(redirected.c_str()), 0);
  EXPECT_EQ(read("err.txt"), "sprint-sim: error: out.txt: is the file of standard output\n");
}

TEST_F(SprintSimTest, StandardOutputThatCannotBeWritten) {
  for (auto [redirection, reason] :
       {std::pair(">/dev/full", "No space left on device"), {">&-", "Bad file descriptor"}}) {
    std::string line = "cd '" + folder.string() +
                       "' && '" SPRINT_SIM
                       "' in/x.sprint --entry=attention --input=in/q.npy --input=in/k.npy "
                       "--input=in/v.npy --stats=o/stats.json 2>err.txt " +
                       redirection;
    int status = std::system(line.c_str());
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    EXPECT_EQ(read("err.txt"),
              std::string("sprint-sim: error: standard output: cannot be written: ") + reason +
                  "\n");
    // Files are whole.
    EXPECT_TRUE(nlohmann::json::accept(read("o/stats.json")));
  }
}

TEST_F(SprintSimTest, SumsUpALaunch) {
  ASSERT_EQ(runAll("--threshold=-inf"), 0) << read("err.txt");
  auto stats = nlohmann::json::parse(read("o/stats.json"));
  // Ten queries, each with its seven keys.
  char expected[200];
  std::snprintf(expected, sizeof expected,
                "\n  %.6g cycles and %.6g pJ a query, %.6g pJ a kept key\n",
                stats["cycles"].get<double>() / 10, stats["energy_pj"]["total"].get<double>() / 10,
                stats["energy_pj"]["total"].get<double>() / 70);
  EXPECT_NE(read("out.txt").find(expected), std::string::npos) << read("out.txt");
  EXPECT_NE(read("out.txt").find(" of 25.6 bytes a cycle"), std::string::npos);
}

TEST_F(SprintSimTest, FollowsTheRangesOfEnergies) {
  write("ranges.yaml", "base: s\nname: ranges\nenergy:\n"
                       "  qk: {value: 3, low: 1, high: 5, unit: pJ/MAC, source: test}\n");
  ASSERT_EQ(runAll("--threshold=-inf"), 0) << read("err.txt");
  auto exact = nlohmann::json::parse(read("o/stats.json"));
  EXPECT_EQ(exact["energy_low_pj"], exact["energy_pj"]);
  EXPECT_EQ(exact["energy_high_pj"], exact["energy_pj"]);
  ASSERT_EQ(runAll("--threshold=-inf --arch=ranges.yaml"), 0) << read("err.txt");
  auto ranges = nlohmann::json::parse(read("o/stats.json"));
  // Ten queries, seven keys, eight channels.
  EXPECT_EQ(ranges["counts"]["qk_pu"], 560);
  EXPECT_EQ(ranges["counts"]["softmax"], 70);
  EXPECT_EQ(ranges["energy_low_pj"]["qk_pu"], 560);
  EXPECT_EQ(ranges["energy_pj"]["qk_pu"], 1680);
  EXPECT_EQ(ranges["energy_high_pj"]["qk_pu"], 2800);
  EXPECT_EQ(ranges["energy_low_pj"]["v_pu"], exact["energy_pj"]["v_pu"]);
  auto total = ranges["energy_pj"]["total"].get<double>();
  EXPECT_NEAR(ranges["energy_low_pj"]["total"].get<double>(), total - 1120, 1e-6);
  EXPECT_NEAR(ranges["energy_high_pj"]["total"].get<double>(), total + 1120, 1e-6);
  char expected[200];
  std::snprintf(expected, sizeof expected, " %.6g uJ (%.6g to %.6g), pruned", total * 1e-6,
                (total - 1120) * 1e-6, (total + 1120) * 1e-6);
  EXPECT_NE(read("out.txt").find(expected), std::string::npos) << read("out.txt");
}

TEST_F(SprintSimTest, ExplainsARow) {
  ASSERT_EQ(runAll("--threshold=2.5 --explain=1,0"), 0) << read("err.txt");
  std::string text = read("out.txt");
  // The writes of the second head's keys and queries come before, and its first list.
  EXPECT_NE(text.find("attention, head 1, query 0: cycles, and what each command waited for\n"),
            std::string::npos)
      << text;
  for (const char *command :
       {"select       copy_query", "select       threshold", "select       read_pruning",
        "key_fetch    load_query", "key_fetch    fetch", "value_fetch  fetch", "qk           score",
        "softmax      softmax", "v            accumulate", "v            store_output"})
    EXPECT_NE(text.find(command), std::string::npos) << command << "\n" << text;
  EXPECT_NE(text.find(" for a list in 'ready_keys'"), std::string::npos) << text;
}

TEST_F(SprintSimTest, RefusesToExplainARowThatIsNotThere) {
  std::string place = "in/x.sprint: program 'attention': expected a row to explain of a head below "
                      "2 and a query below 5, got head ";
  std::string inputs = " (inputs: in/q.npy, in/k.npy, in/v.npy)";
  expectRefused(runAll("--explain=2,0"), place + "2, query 0" + inputs);
  expectRefused(runAll("--explain=0,-1"), place + "0, query -1" + inputs);
}

TEST_F(SprintSimTest, RunsAllProgramsWithoutAnEntry) {
  std::string inputs = "--input=in/q.npy --input=in/k.npy --input=in/v.npy ";
  write("t.json", R"({"thresholds": [["-inf"], [0]]})");
  ASSERT_EQ(run("in/x.sprint --output-dir=o --stats=o/stats.json --thresholds=t.json "
                "--dump-masks=o/masks.npy " +
                inputs + inputs),
            0)
      << read("err.txt");
  // Everything is kept either way.
  EXPECT_EQ(read("o/0.npy"), read("o/1.npy"));
  EXPECT_EQ(read("o/masks.0.npy"), read("o/masks.1.npy"));
  auto launches = nlohmann::json::parse(read("o/stats.json"))["attentions"];
  ASSERT_EQ(launches.size(), 2u);
  for (size_t index = 0; index < 2; ++index) {
    EXPECT_EQ(launches[index]["program"], index == 0 ? "attention" : "dense");
    EXPECT_EQ(launches[index]["masks"], "o/masks." + std::to_string(index) + ".npy");
    EXPECT_FALSE(launches[index].contains("codes"));
  }
}

TEST_F(SprintSimTest, LeadingDimensionsMayBeMissing) {
  Tensor one({1, 1, 3, 8}, 1);
  OutputFiles files;
  std::string error;
  const int64_t shape[] = {3, 8};
  addNpy(files, path("in/one.npy"), shape, one.data, error);
  ASSERT_TRUE(files.commit(error));
  ASSERT_EQ(run("in/x.sprint --entry=dense --input=in/one.npy in/one.npy in/one.npy "
                "--output-dir=o"),
            0)
      << read("err.txt");
  EXPECT_EQ(readNpy(path("o/0.npy"), error)->shape, (std::vector<int64_t>{3, 8}));
}

TEST_F(SprintSimTest, PrunesAtARate) {
  ASSERT_EQ(runAll("--prune-rate=0.5"), 0) << read("err.txt");
  EXPECT_NEAR(nlohmann::json::parse(read("o/stats.json"))["pruned_fraction"], 0.5, 0.1);
}

TEST_F(SprintSimTest, KeepsAMass) {
  ASSERT_EQ(runAll("--keep-mass=0.9"), 0) << read("err.txt");
  double pruned = nlohmann::json::parse(read("o/stats.json"))["pruned_fraction"];
  EXPECT_GT(pruned, 0.2);
  EXPECT_LT(pruned, 0.9);
}

/// Masks and a bias beside query, key and value, and two heads that share their keys.
class SprintSimInputsTest : public SprintSimTest {
protected:
  void SetUp() override {
    SprintSimTest::SetUp();
    key = Tensor({1, 1, 7, 8}, 2);
    value = Tensor({1, 1, 7, 4}, 3);
    std::vector<uint8_t> bytes = serialize(CommandStream{
        {attentionProgram(builtinMachine("s"), {.isGrouped = true, .inputs = inputs.regions()})}});
    write("in/x.sprint", std::string(bytes.begin(), bytes.end()));
    OutputFiles files;
    std::string error;
    addNpy(files, path("in/k.npy"), key.shape, key.data, error);
    addNpy(files, path("in/v.npy"), value.shape, value.data, error);
    // Leading dimensions of 1 are left out.
    addNpy(files, path("in/valid.npy"), std::vector<int64_t>{7}, inputs.keyValid->data, error);
    addNpy(files, path("in/mask.npy"), std::vector<int64_t>{5, 7}, inputs.mask->data, error);
    addNpy(files, path("in/bias.npy"), std::vector<int64_t>{2, 1, 7}, inputs.bias->data, error);
    ASSERT_TRUE(files.commit(error)) << error;
  }

  TestInputs inputs = {Mask({1, 1, 1, 7}, 1, 12), Mask({1, 1, 5, 7}, 2, 12),
                       Tensor({1, 2, 1, 7}, 4)};
};

TEST_F(SprintSimInputsTest, FollowTheOperands) {
  ASSERT_EQ(runAll("--input=in/valid.npy --input=in/mask.npy --input=in/bias.npy --threshold=2.5"),
            0)
      << read("err.txt");
  Reference expected(query, key, value, 1, {2.5f}, Widths(), false, false, inputs);
  std::string error;
  std::optional<FloatArray> output = readNpy(path("o/0.npy"), error);
  ASSERT_TRUE(output) << error;
  EXPECT_EQ(output->data, expected.output);
  auto stats = nlohmann::json::parse(read("o/stats.json"));
  EXPECT_EQ(stats["allowed_scores"], expected.allowed);
  EXPECT_EQ(stats["kept_scores"], expected.kept);
  EXPECT_EQ(stats["attentions"][0]["inputs"], (nlohmann::json{"key_valid", "mask", "bias"}));
}

TEST_F(SprintSimInputsTest, AreAllNeeded) {
  expectRefused(runAll("--input=in/valid.npy"),
                "in/x.sprint: expected 6 inputs (query, key, value, key_valid, mask, bias of "
                "'attention'), got 4");
}

TEST_F(SprintSimInputsTest, MaskOfFloats) {
  expectRefused(runAll("--input=in/valid.npy --input=in/bias.npy --input=in/bias.npy"),
                "in/bias.npy: expected elements of bool or uint8, got float32");
}

TEST_F(SprintSimInputsTest, KeyValidOfAnotherRank) {
  OutputFiles files;
  std::string error;
  addNpy(files, path("in/valid.npy"), std::vector<int64_t>{1, 1, 7}, inputs.keyValid->data, error);
  ASSERT_TRUE(files.commit(error)) << error;
  expectRefused(runAll("--input=in/valid.npy --input=in/mask.npy --input=in/bias.npy"),
                "in/valid.npy: expected 1 to 2 dimensions, the last of [B, Sk], got 3");
}

TEST_F(SprintSimInputsTest, MaskOfAnotherShape) {
  expectRefused(
      runAll("--input=in/valid.npy --input=in/valid.npy --input=in/q.npy"),
      "in/x.sprint: program 'attention': expected dimension 3 (Sk) of the bias to be 7, got "
      "8 (inputs: in/q.npy, in/k.npy, in/v.npy, "
      "in/valid.npy, in/valid.npy, in/q.npy)");
}

TEST_F(SprintSimTest, ChecksWithoutInputs) {
  EXPECT_EQ(run("in/x.sprint --check"), 0);
  EXPECT_EQ(read("out.txt") + read("err.txt"), "");
}

/// A program that stands still, and one of which that cannot be said without a launch.
class SprintSimCheckTest : public SprintSimTest {
protected:
  void SetUp() override {
    SprintSimTest::SetUp();
    Program broken = attentionProgram(builtinMachine("s"));
    std::ranges::find(broken.countingQueues, "query_slots", &CountingQueue::name)->credits = 0;
    Program grouped = attentionProgram(builtinMachine("s"), {.isGrouped = true});
    grouped.name = "grouped";
    std::vector<uint8_t> bytes = serialize(CommandStream{{broken, grouped}});
    write("in/x.sprint", std::string(bytes.begin(), bytes.end()));
  }

  const std::string standstill =
      "in/x.sprint: program 'attention': unit 'key_fetch', word 4 (acquire): expected units that "
      "do not wait for one another, got a standstill: it waits for 'query_slots', which unit 'qk' "
      "releases; unit 'qk', word 3 (acquire) waits for 'query_ready', which unit 'key_fetch' "
      "releases";
};

TEST_F(SprintSimCheckTest, PrintsAllFindings) {
  EXPECT_EQ(run("in/x.sprint --check"), 1);
  EXPECT_EQ(read("out.txt"), "");
  std::string found = read("err.txt");
  EXPECT_TRUE(found.starts_with("sprint-sim: error: " + standstill +
                                "\nsprint-sim: undecided: in/x.sprint: program 'grouped': unit "
                                "'write', word 7 (release): cannot be decided: "))
      << found;
}

TEST_F(SprintSimCheckTest, RefusesWhatHasErrors) {
  expectRefused(runAll(""), standstill + " (inputs: in/q.npy, in/k.npy, in/v.npy)");
}

TEST_F(SprintSimCheckTest, RunsWhatIsUndecided) {
  EXPECT_EQ(run("in/x.sprint --entry=grouped --check"), 0);
  EXPECT_EQ(run("in/x.sprint --entry=grouped --input=in/q.npy in/k.npy in/v.npy"), 0);
}

TEST_F(SprintSimTest, TakesAMachineFile) {
  write("mine.yaml", "base: s\nname: mine\n"
                     "energy:\n  qk: {value: 0, unit: pJ/MAC, source: test}\n");
  ASSERT_EQ(runAll("--arch=mine.yaml"), 0) << read("err.txt");
  auto stats = nlohmann::json::parse(read("o/stats.json"));
  EXPECT_EQ(stats["machine"], "mine");
  EXPECT_EQ(stats["energy_pj"]["qk_pu"], 0);
}

TEST_F(SprintSimTest, ShowsItsHelp) {
  EXPECT_EQ(run("--help"), 0);
  EXPECT_NE(read("out.txt").find("--prune-rate"), std::string::npos);
}

TEST_F(SprintSimTest, NoStream) { expectRefused(run(""), "STREAM is required"); }

TEST_F(SprintSimTest, UnknownOption) {
  expectRefused(runAll("--treshold=1"), "The following argument was not expected: --treshold=1");
}

TEST_F(SprintSimTest, TwoThresholdOptions) {
  expectRefused(runAll("--threshold=1 --prune-rate=0.5"), "--threshold excludes --prune-rate");
}

TEST_F(SprintSimTest, ThresholdThatIsNoNumber) {
  expectRefused(runAll("--threshold=low"),
                "--threshold: expected a number, -inf or inf, got 'low'");
}

TEST_F(SprintSimTest, ThresholdThatIsNaN) {
  expectRefused(runAll("--threshold=nan"),
                "--threshold: expected a number, -inf or inf, got 'nan'");
}

TEST_F(SprintSimTest, RateThatIsNoNumber) {
  expectRefused(runAll("--prune-rate=half"), "Could not convert: --prune-rate = half");
}

TEST_F(SprintSimTest, RateOutOfRange) {
  expectRefused(runAll("--prune-rate=75"),
                "--prune-rate: expected a number between 0 and 1, got 75.000000");
}

TEST_F(SprintSimTest, MassOutOfRange) {
  expectRefused(runAll("--keep-mass=-1"),
                "--keep-mass: expected a number between 0 and 1, got -1.000000");
}

TEST_F(SprintSimTest, RateAndMass) {
  expectRefused(runAll("--keep-mass=0.9 --prune-rate=0.5"), "--prune-rate excludes --keep-mass");
}

TEST_F(SprintSimTest, ThresholdsOfAnotherAttention) {
  write("t.json", R"({"thresholds": [[1]], "attentions": ["self"]})");
  expectRefused(runAll("--thresholds=t.json"), "t.json: expected thresholds of attention "
                                               "'attention', got none");
}

TEST_F(SprintSimTest, UnknownEntry) {
  expectRefused(run("in/x.sprint --entry=main --output-dir=o"),
                "in/x.sprint: has no program 'main'; it has attention, dense");
}

TEST_F(SprintSimTest, TooFewInputs) {
  expectRefused(run("in/x.sprint --entry=dense --input=in/q.npy --output-dir=o"),
                "in/x.sprint: expected 3 inputs (query, key, value of 'dense'), got 1");
}

TEST_F(SprintSimTest, UnknownMachine) {
  expectRefused(runAll("--arch=xl"),
                "xl: expected a built-in machine (s, m, l, s-paper-widths) or a path that ends in "
                ".yaml or .yml, got 'xl'");
}

TEST_F(SprintSimTest, MachineOfAnotherStructure) {
  EXPECT_EQ(runAll("--arch=m"), 1);
  EXPECT_TRUE(read("err.txt").starts_with(
      "sprint-sim: error: in/x.sprint: program 'attention': expected a machine of structure"));
}

TEST_F(SprintSimTest, StreamThatNamesAFileAsItsMachine) {
  Program program = attentionProgram(builtinMachine("s"));
  program.machine = "/etc/machine.yaml";
  std::vector<uint8_t> bytes = serialize(CommandStream{{program}});
  write("in/x.sprint", std::string(bytes.begin(), bytes.end()));
  expectRefused(runAll(""), "in/x.sprint: made for machine '/etc/machine.yaml', which is not built "
                            "in; give its description with --arch");
}

TEST_F(SprintSimTest, StreamThatIsNone) {
  write("in/x.sprint", "hello");
  EXPECT_EQ(runAll(""), 1);
  EXPECT_TRUE(read("err.txt").starts_with("sprint-sim: error: in/x.sprint: "));
  EXPECT_EQ(std::ranges::count(read("err.txt"), '\n'), 1);
}

TEST_F(SprintSimTest, InputThatDoesNotExist) {
  std::filesystem::remove(folder / "in/k.npy");
  expectRefused(runAll(""), "in/k.npy: no such file");
}

TEST_F(SprintSimTest, InputThatIsTruncated) {
  write("in/v.npy", read("in/v.npy").substr(0, 200));
  expectRefused(runAll(""), "in/v.npy: expected the numbers of shape (1, 2, 7, 4), got 72 bytes");
}

TEST_F(SprintSimTest, InputOfAnotherShape) {
  write("in/v.npy", read("in/q.npy"));
  expectRefused(runAll(""), "in/x.sprint: program 'attention': expected dimension 2 (Sk) of the "
                            "value to be 7, got 5 (inputs: in/q.npy, in/k.npy, in/v.npy)");
}

TEST_F(SprintSimTest, ShapesAreCheckedBeforeAnythingIsRead) {
  // What the first launch would find is not found any more.
  Tensor infinite = query;
  infinite.data[3] = std::numeric_limits<float>::infinity();
  OutputFiles files;
  std::string error;
  addNpy(files, path("in/inf.npy"), infinite.shape, infinite.data, error);
  ASSERT_TRUE(files.commit(error)) << error;
  const std::string first = "in/x.sprint --output-dir=o --input=in/inf.npy --input=in/k.npy "
                            "--input=in/v.npy --input=in/q.npy --input=in/k.npy --input=";
  expectRefused(run(first + "in/q.npy"),
                "in/x.sprint: program 'dense': expected dimension 2 (Sk) of the value to be 7, got "
                "5 (inputs: in/q.npy, in/k.npy, in/q.npy)");
  ASSERT_EQ(run(first + "in/v.npy"), 1);
  EXPECT_NE(read("err.txt").find("in/x.sprint: program 'attention': expected finite numbers"),
            std::string::npos)
      << read("err.txt");
}

TEST_F(SprintSimTest, ThresholdsOfAnotherNumberOfPrograms) {
  write("t.json", R"({"thresholds": [[1], [2]]})");
  expectRefused(runAll("--thresholds=t.json"),
                "t.json: expected thresholds of 1 attentions, got 2");
}

TEST_F(SprintSimTest, OutputThatCannotBeWritten) {
  write("file", "");
  EXPECT_EQ(runAll("--output-dir=file"), 1);
}

} // namespace
