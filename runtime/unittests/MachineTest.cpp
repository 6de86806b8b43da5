//===- MachineTest.cpp - Machine descriptions -----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Machine.h"
#include "SprintRuntime/MachineFields.h"

#include "FolderTest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

using namespace sprint;

namespace {

/// Machine files of one test.
class MachineFileTest : public test::FolderTest {
protected:
  std::string write(const std::string &name, const std::string &text) {
    std::ofstream(folder / name) << text;
    return (folder / name).string();
  }
};

TEST(BuiltinMachineTest, AllCanBeLoaded) {
  EXPECT_EQ(builtinMachines(), (std::vector<std::string>{"s", "m", "l", "s-paper-widths"}));
  for (const std::string &name : builtinMachines()) {
    std::string error;
    std::optional<Machine> machine = loadMachine(name, error);
    ASSERT_TRUE(machine) << error;
    EXPECT_EQ(machine->name, name);
  }
}

TEST(BuiltinMachineTest, ArePapersConfigurations) {
  std::string error;
  Machine s = *loadMachine("s", error), m = *loadMachine("m", error), l = *loadMachine("l", error);
  EXPECT_EQ(s.structure.corelets, 1);
  EXPECT_EQ(m.structure.corelets, 2);
  EXPECT_EQ(l.structure.corelets, 4);
  // 16, 32 and 64 KB hold 128, 256 and 512 tokens of 64 channels.
  EXPECT_EQ(s.structure.bufferedKeys(64) * 1, 128);
  EXPECT_EQ(m.structure.bufferedKeys(64) * 2, 256);
  EXPECT_EQ(l.structure.bufferedValues(64) * 4, 512);
  EXPECT_GE(s.structure.keyCapacity(64), 100000);
  EXPECT_EQ(s.structure.columnsPerKey(80), 2);
  EXPECT_EQ(s.timing.clockMHz, 1000);
  EXPECT_EQ(s.energy.reramWritePerBit, 24.4);
  EXPECT_EQ(l.timing.tRCD, s.timing.tRCD);
}

TEST(StructureHashTest, IsThatOfTheStructureAlone) {
  std::string error;
  Machine machine = *loadMachine("s", error);
  std::string hash = machine.structureHash();
  EXPECT_EQ(hash.size(), 16u);
  EXPECT_EQ(hash.find_first_not_of("0123456789abcdef"), std::string::npos);
  machine.name = "other";
  machine.energy.qkPerMac = 1;
  machine.timing.clockMHz = 500;
  EXPECT_EQ(machine.structureHash(), hash);
  machine.structure.scoreBufferEntries = 512;
  EXPECT_NE(machine.structureHash(), hash);
  EXPECT_NE(loadMachine("m", error)->structureHash(), hash);
  EXPECT_NE(loadMachine("s-paper-widths", error)->structureHash(), hash);
}

TEST(StructureHashTest, IsFrozen) {
  // Streams hold it.
  const std::pair<const char *, const char *> frozen[] = {{"s", "c6efa207582d51bf"},
                                                          {"m", "72439959daeb9a20"},
                                                          {"l", "37d3c9a813e4d652"},
                                                          {"s-paper-widths", "14ff97bff860cacb"}};
  for (auto [name, hash] : frozen) {
    std::string error;
    EXPECT_EQ(loadMachine(name, error)->structureHash(), hash) << name;
  }
}

TEST(StructureHashTest, LaterParametersCountWhereTheyDifferFromTheirDefault) {
  static int64_t lists;
  std::vector<StructureField> fields(std::begin(kStructureFields), std::end(kStructureFields));
  fields.push_back(
      {"structure",
       "lists",
       "lists",
       1,
       64,
       {[](const Structure &) { return lists; }, [](Structure &, int64_t value) { lists = value; }},
       "made up",
       /*defaultValue=*/1});
  std::string error;
  Structure structure = loadMachine("s", error)->structure;
  std::string before = hashStructure(structure);
  fields.back().access.set(structure, 1);
  EXPECT_EQ(hashStructure(structure, fields), before);
  fields.back().access.set(structure, 2);
  std::string two = hashStructure(structure, fields);
  EXPECT_NE(two, before);
  fields.back().access.set(structure, 3);
  EXPECT_NE(hashStructure(structure, fields), two);
}

TEST(StructureHashTest, FirstParametersAlwaysCount) {
  // What streams of the first version were hashed with.
  std::vector<std::string> names;
  for (const StructureField &field : kStructureFields)
    if (!field.defaultValue)
      names.emplace_back(field.name);
  EXPECT_EQ(names, (std::vector<std::string>{"corelets", "array_rows", "array_columns",
                                             "arrays_per_bank", "channels", "banks_per_channel",
                                             "key_buffer", "value_buffer", "query_buffer",
                                             "score_buffer", "score_rows", "resident_heads",
                                             "multipliers", "nibble", "exponent_fraction_bits",
                                             "sum_bits", "probability_bits", "accumulator_bits"}));
}

/// Parameters of a table that are read and written where another one is, too.
template <typename Field> std::vector<std::string> overlapping(std::span<const Field> fields) {
  std::vector<std::string> names;
  for (const Field &written : fields) {
    typename Field::Section values{};
    for (const Field &field : fields)
      field.access.set(values, 0);
    written.access.set(values, 1);
    for (const Field &read : fields)
      if (read.access.get(values) != (&read == &written ? 1 : 0))
        names.emplace_back(read.name);
  }
  return names;
}

TEST(MachineFieldsTest, EachHasAMemberOfItsOwn) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(overlapping(std::span<const StructureField>(kStructureFields)), Names());
  EXPECT_EQ(overlapping(std::span<const TimingField>(kTimingFields)), Names());
  EXPECT_EQ(overlapping(std::span<const EnergyField>(kEnergyFields)), Names());
  // And each member a row.
  EXPECT_EQ(std::size(kStructureFields) * sizeof(int64_t), sizeof(Structure));
  EXPECT_EQ(std::size(kTimingFields) * sizeof(double), sizeof(Timing));
  EXPECT_EQ(std::size(kEnergyFields) * sizeof(double), sizeof(Energy));
}

TEST(StructureFaultTest, NamesWhatIsWrong) {
  std::string error;
  const Structure s = loadMachine("s", error)->structure;
  EXPECT_FALSE(findFault(s));
  Structure structure = s;
  structure.corelets = 0;
  EXPECT_EQ(findFault(structure)->message, "expected corelets of 1 to 1024, got 0");
  structure = s;
  structure.valueBufferBytes = 1001;
  structure.corelets = 2;
  std::optional<StructureFault> fault = findFault(structure);
  EXPECT_EQ(fault->message, "expected value_buffer to divide among 2 CORELETs, got 1001");
  EXPECT_STREQ(fault->field->name, "value_buffer");
  EXPECT_STREQ(fault->other->name, "corelets");
  structure = s;
  structure.channels = structure.banksPerChannel = structure.arraysPerBank = 1;
  EXPECT_EQ(findFault(structure)->message,
            "expected an array for each resident head, got 1 arrays");
  structure = s;
  structure.widths = {Nibble::Truncated, 8, 16, 8, 18};
  fault = findFault(structure);
  EXPECT_EQ(fault->message, "expected accumulator_bits of 2 to 17, got 18");
  EXPECT_STREQ(fault->other->name, "probability_bits");
}

TEST(WidthsTest, MaxKeysKeepSumsFromOverflowing) {
  EXPECT_EQ(Widths().maxKeys(), 1 << 24);
  EXPECT_EQ(Widths::preset("paper")->maxKeys(), INT64_MAX);
  Widths narrow;
  narrow.sumBits = 18;
  EXPECT_EQ(narrow.maxKeys(), 3);
}

TEST_F(MachineFileTest, OverridesItsBase) {
  std::string path = write("fast.yaml", "base: m\n"
                                        "name: fast\n"
                                        "widths: paper\n"
                                        "timing:\n"
                                        "  clock: {value: 2000, unit: MHz, source: test}\n");
  std::string error;
  std::optional<Machine> machine = loadMachine(path, error);
  ASSERT_TRUE(machine) << error;
  EXPECT_EQ(machine->name, "fast");
  EXPECT_EQ(machine->timing.clockMHz, 2000);
  EXPECT_EQ(machine->structure.corelets, 2);
  EXPECT_EQ(machine->structure.widths, *Widths::preset("paper"));
}

TEST_F(MachineFileTest, EnergiesLieInRanges) {
  std::string path =
      write("ranges.yaml", "base: s\n"
                           "name: ranges\n"
                           "energy:\n"
                           "  qk: {value: 2, low: 0.5, high: 3, unit: pJ/MAC, source: test}\n"
                           "  v: {value: 2, high: 4, unit: pJ/MAC, source: test}\n");
  std::string error;
  std::optional<Machine> machine = loadMachine(path, error);
  ASSERT_TRUE(machine) << error;
  EXPECT_EQ(machine->lowEnergy.qkPerMac, 0.5);
  EXPECT_EQ(machine->energy.qkPerMac, 2);
  EXPECT_EQ(machine->highEnergy.qkPerMac, 3);
  EXPECT_EQ(machine->lowEnergy.vPerMac, 2);
  EXPECT_EQ(machine->highEnergy.vPerMac, 4);
  // A value that replaces another one replaces its range.
  std::string over = write("over.yaml", "base: ranges.yaml\n"
                                        "name: over\n"
                                        "energy:\n"
                                        "  qk: {value: 9, unit: pJ/MAC, source: test}\n");
  machine = loadMachine(over, error);
  ASSERT_TRUE(machine) << error;
  EXPECT_EQ(machine->lowEnergy.qkPerMac, 9);
  EXPECT_EQ(machine->highEnergy.qkPerMac, 9);
  EXPECT_EQ(machine->highEnergy.vPerMac, 4);
}

/// The lines of a section, without what files of the first version do not have.
template <typename Field, size_t count>
std::string firstParameters(const Field (&fields)[count], const typename Field::Section &values,
                            const std::string &section) {
  std::string text = section + ":\n";
  for (const Field &field : fields)
    if (field.section == section && !field.defaultValue)
      text += std::string("  ") + field.name +
              ": {value: " + std::to_string(field.access.get(values)) + ", unit: " + field.unit +
              ", source: test}\n";
  return text;
}

TEST_F(MachineFileTest, TimingsThatOlderFilesLackAreZero) {
  std::string error;
  Machine s = *loadMachine("s", error);
  std::string text = "name: older\nwidths: default\n" +
                     firstParameters(kStructureFields, s.structure, "structure") +
                     firstParameters(kTimingFields, s.timing, "timing") +
                     firstParameters(kEnergyFields, s.energy, "energy");
  std::optional<Machine> older = loadMachine(write("older.yaml", text), error);
  ASSERT_TRUE(older) << error;
  EXPECT_EQ(older->structureHash(), s.structureHash());
  EXPECT_EQ(older->timing.tCWD, s.timing.tCWD);
  for (auto timing : {&Timing::tRP, &Timing::tWTR, &Timing::tCCD}) {
    EXPECT_EQ(older->timing.*timing, 0);
    EXPECT_GT(s.timing.*timing, 0);
  }
}

TEST_F(MachineFileTest, BaseIsRelativeToTheFile) {
  write("first.yaml", "base: s\nname: first\n");
  std::string path = write("second.yml", "base: first.yaml\nname: second\n");
  std::string error;
  std::optional<Machine> machine = loadMachine(path, error);
  ASSERT_TRUE(machine) << error;
  EXPECT_EQ(machine->name, "second");
}

TEST_F(MachineFileTest, WidthsMayBeWrittenOut) {
  std::string path = write("w.yaml", "base: s\n"
                                     "name: w\n"
                                     "widths:\n"
                                     "  nibble: truncated\n"
                                     "  exponent_fraction_bits: 12\n"
                                     "  sum_bits: 40\n"
                                     "  probability_bits: 0\n"
                                     "  accumulator_bits: 40\n");
  std::string error;
  std::optional<Machine> machine = loadMachine(path, error);
  ASSERT_TRUE(machine) << error;
  EXPECT_EQ(machine->structure.widths, (Widths{Nibble::Truncated, 12, 40, 0, 40}));
}

TEST_F(MachineFileTest, FileThatIsTooLarge) {
  std::string path = write("large.yaml", std::string(70000, '#'));
  std::string error;
  EXPECT_FALSE(loadMachine(path, error));
  EXPECT_EQ(error, path + ": 70000 bytes, expected at most 65536");
}

TEST_F(MachineFileTest, FileThatStandsOnItself) {
  std::string path = write("self.yaml", "name: self\nbase: self.yaml\n");
  std::string error;
  EXPECT_FALSE(loadMachine(path, error));
  EXPECT_EQ(error, path + ":2: expected at most 8 descriptions one on another, got more; do they "
                          "stand on themselves?");
}

TEST_F(MachineFileTest, FolderInsteadOfAFile) {
  std::filesystem::create_directories(folder / "folder.yaml");
  std::string error;
  EXPECT_FALSE(loadMachine((folder / "folder.yaml").string(), error));
  EXPECT_EQ(error, (folder / "folder.yaml").string() + ": not a regular file");
}

TEST(MachineErrorTest, FileThatDoesNotExist) {
  std::string error;
  EXPECT_FALSE(loadMachine("/nowhere/x.yaml", error));
  EXPECT_EQ(error, "/nowhere/x.yaml: no such file");
}

TEST(MachineErrorTest, UnknownName) {
  std::string error;
  EXPECT_FALSE(loadMachine("xl", error));
  EXPECT_EQ(error, "xl: expected a built-in machine (s, m, l, s-paper-widths) or a path that ends "
                   "in .yaml or .yml, got 'xl'");
}

TEST(MachineTest, SaysWhatDoesNotFit) {
  std::string error;
  Machine machine = *loadMachine("s", error);
  EXPECT_EQ(machine.findCapacityObstacle(64, 64, 131072), std::nullopt);
  EXPECT_EQ(machine.findCapacityObstacle({}, {}, {}), std::nullopt);
  EXPECT_EQ(machine.findCapacityObstacle(64, 64, 131073),
            "expected at most 131072 keys, the capacity of machine 's', got 131073");
  EXPECT_EQ(machine.findCapacityObstacle(0, 64, {}), "expected at least one channel, got none");
  EXPECT_EQ(machine.findCapacityObstacle({}, 8193, {}),
            "expected a value to fit the value buffer of a CORELET of machine 's', got 8193 "
            "channels");
  machine.structure.widths.accumulatorBits = 26;
  EXPECT_EQ(machine.findCapacityObstacle({}, {}, 5),
            "expected at most 4 keys, so that sums fit the widths of machine 's', got 5");
}

/// Text of a file and the message behind its path.
struct Malformed {
  std::string name;
  std::string text;
  std::string message;
};

void PrintTo(const Malformed &file, std::ostream *stream) { *stream << file.name; }

class MalformedMachineTest : public MachineFileTest,
                             public testing::WithParamInterface<Malformed> {};

TEST_P(MalformedMachineTest, IsRefused) {
  std::string path = write("machine.yaml", GetParam().text);
  std::string error;
  EXPECT_FALSE(loadMachine(path, error));
  EXPECT_EQ(error, path + ":" + GetParam().message);
}

constexpr const char *kBase = "base: s\nname: x\n";

std::string structure(const std::string &leaf) { return kBase + ("structure:\n  " + leaf) + "\n"; }
std::string timing(const std::string &leaf) { return kBase + ("timing:\n  " + leaf) + "\n"; }
std::string energy(const std::string &leaf) { return kBase + ("energy:\n  " + leaf) + "\n"; }

INSTANTIATE_TEST_SUITE_P(
    Yaml, MalformedMachineTest,
    testing::Values(
        Malformed{"Empty", "", "1: expected the description to be a map"},
        Malformed{"List", "- s\n- m\n", "1: expected the description to be a map"},
        Malformed{"Unclosed", "name: [x\n", "2: end of sequence flow not found"},
        Malformed{"Tab", "name: x\nstructure:\n\tcorelets: 1\n", "3: illegal map value"},
        Malformed{"Binary", std::string("\x01\x02\x00", 3), "1: unknown escape character: ?"},
        Malformed{"LineBreakInAValue", "base: s\nname: \"a\\nb\"\n",
                  "2: expected a name of letters, digits, - and _, got 'a?b'"},
        Malformed{"Nested", std::string(30000, '['), "1: bad file"},
        Malformed{"UnknownSection", "base: s\nname: x\ncolour: red\n",
                  "3: expected name, base, widths, structure, timing, energy or reliability, got "
                  "'colour'"},
        Malformed{"UnknownField", structure("cores: {value: 1, unit: cores, source: x}"),
                  "4: structure has no field 'cores'"},
        Malformed{"UnknownBase", "base: xs\nname: x\n",
                  "1: expected a built-in machine (s, m, l, s-paper-widths) or a path that ends in "
                  ".yaml or .yml, got 'xs'"},
        Malformed{"MissingFields", "name: x\nwidths: default\n",
                  " expected structure.corelets, which stands neither here nor in a base"},
        Malformed{"TwiceTheSame", "base: s\nname: x\nname: y\n", "3: 'name' stands twice"},
        Malformed{"BadName", "base: s\nname: a b\n",
                  "2: expected a name of letters, digits, - and _, got 'a b'"},
        Malformed{"NotALeaf", structure("corelets: 4"),
                  "4: expected structure.corelets to be a map"},
        Malformed{"NoSource", structure("corelets: {value: 4, unit: corelets}"),
                  "4: expected structure.corelets to have a source"},
        Malformed{"WrongUnit", timing("clock: {value: 1, unit: GHz, source: x}"),
                  "4: expected timing.clock in MHz, got 'GHz'"},
        Malformed{"Fraction", structure("corelets: {value: 1.5, unit: corelets, source: x}"),
                  "4: expected structure.corelets to be a whole number, got '1.5'"},
        Malformed{"NotANumber", timing("clock: {value: fast, unit: MHz, source: x}"),
                  "4: expected timing.clock to be a number, got 'fast'"},
        Malformed{"Infinite", timing("clock: {value: inf, unit: MHz, source: x}"),
                  "4: expected timing.clock to be a number, got 'inf'"},
        Malformed{"Zero", structure("corelets: {value: 0, unit: corelets, source: x}"),
                  "4: expected corelets of 1 to 1024, got 0"},
        Malformed{"TooMany", structure("channels: {value: 5000, unit: channels, source: x}"),
                  "4: expected channels of 1 to 1024, got 5000"},
        Malformed{"Negative", timing("tRCD: {value: -1, unit: memory cycles, source: x}"),
                  "4: expected tRCD of 0 to 1000000, got -1"},
        Malformed{"NegativeAndDropped", timing("tRP: {value: -1, unit: memory cycles, source: x}"),
                  "4: expected tRP of 0 to 1000000, got -1"},
        Malformed{"RangeOfAClock", timing("clock: {value: 1, low: 1, unit: MHz, source: x}"),
                  "4: expected value, unit and source of timing.clock, got 'low'"},
        Malformed{"RangeOfTheEndurance",
                  kBase +
                      std::string("reliability:\n  endurance: {value: 9, high: 9, unit: writes, "
                                  "source: x}\n"),
                  "4: expected value, unit and source of reliability.endurance, got 'high'"},
        Malformed{"UnknownPartOfAnEnergy",
                  energy("qk: {value: 1, least: 1, unit: pJ/MAC, source: x}"),
                  "4: expected value, low, high, unit and source of energy.qk, got 'least'"},
        Malformed{"LowAboveTheValue", energy("qk: {value: 1, low: 2, unit: pJ/MAC, source: x}"),
                  "4: expected energy.qk to lie between its low and its high"},
        Malformed{"HighBelowTheValue", energy("qk: {value: 1, high: 0, unit: pJ/MAC, source: x}"),
                  "4: expected energy.qk to lie between its low and its high"},
        Malformed{"NegativeLow", energy("qk: {value: 1, low: -1, unit: pJ/MAC, source: x}"),
                  "4: expected qk of 0 to 1000000000, got -1"},
        Malformed{"BuffersThatDoNotDivide",
                  structure("corelets: {value: 3, unit: corelets, source: x}"),
                  "4: expected key_buffer to divide among 3 CORELETs, got 8192"},
        Malformed{"UnknownWidths", "base: s\nname: x\nwidths: narrow\n",
                  "3: expected widths to be default, paper or a map, got 'narrow'"},
        Malformed{"IncompleteWidths", "base: s\nname: x\nwidths: {nibble: centred}\n",
                  "3: expected widths to have exponent_fraction_bits"},
        Malformed{"UnknownNibble", "base: s\nname: x\nwidths:\n  nibble: round\n",
                  "4: expected widths.nibble to be centred or truncated, got 'round'"},
        Malformed{"WidthOutOfItsRange",
                  "base: s\nname: x\nwidths:\n  nibble: centred\n"
                  "  exponent_fraction_bits: 17\n",
                  "5: expected exponent_fraction_bits of 1 to 16, got 17"},
        Malformed{"WidthsThatDoNotFit",
                  "base: s\nname: x\nwidths: {nibble: centred, exponent_fraction_bits: 16, "
                  "sum_bits: 48, probability_bits: 0, accumulator_bits: 20}\n",
                  "3: expected accumulator_bits of 24 to 62, got 20"}),
    [](const testing::TestParamInfo<Malformed> &info) { return info.param.name; });

} // namespace
