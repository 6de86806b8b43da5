//===- StatisticsGen.cpp - Statistics of a launch -------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Generates the part of SprintRuntime/Statistics.h that follows from the records,
// sprint-c/Statistics.h and the reference page of the statistics.
//
//===----------------------------------------------------------------------===//

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/TableGen/Error.h"
#include "llvm/TableGen/Record.h"
#include "llvm/TableGen/TableGenBackend.h"

using namespace llvm;

namespace {

/// How a statistic comes about, by the class of its record.
enum class Kind { Counted, Measured, Derived, Energy, EnergyCount, EnergyBound, Utilization };

/// A number of a report.
struct Statistic {
  const Record *record;
  Kind kind;
  StringRef name, group, unit, summary;

  /// The name of its member in C.
  std::string member() const {
    return group.empty() ? convertToCamelFromSnakeCase(name) : ofComponent(group);
  }
  /// The name of the member for what another group says of the same.
  std::string ofComponent(StringRef otherGroup) const {
    return convertToCamelFromSnakeCase((otherGroup + "_" + name).str());
  }
  /// The name of what the runtime adds up for it.
  std::string counter() const {
    return kind == Kind::Utilization ? convertToCamelFromSnakeCase(("busy_" + name).str())
                                     : member();
  }
  bool isCount() const { return kind == Kind::Counted || kind == Kind::EnergyCount; }
  StringRef type() const { return isCount() ? "int64_t" : "double"; }
  StringRef value(StringRef field) const { return record->getValueAsString(field); }
};

Kind kindOf(const Record &record) {
  for (auto [name, kind] :
       {std::pair("CountedStatistic", Kind::Counted),
        std::pair("MeasuredStatistic", Kind::Measured),
        std::pair("DerivedStatistic", Kind::Derived), std::pair("EnergyComponent", Kind::Energy),
        std::pair("ComponentCount", Kind::EnergyCount),
        std::pair("ComponentBound", Kind::EnergyBound),
        std::pair("Utilization", Kind::Utilization)})
    if (record.isSubClassOf(name))
      return kind;
  PrintFatalError(&record, "expected a statistic that is counted, measured or derived, an energy "
                           "or a utilization");
}

/// Names of the units, by their values.
std::vector<StringRef> readUnits(const RecordKeeper &records) {
  std::vector<StringRef> units;
  for (const Record *unit :
       records.getDef("SprintISA_MachineUnit")->getValueAsListOfDefs("enumerants"))
    units.push_back(unit->getValueAsString("str"));
  return units;
}

std::vector<Statistic> readStatistics(const RecordKeeper &records) {
  std::vector<Statistic> statistics;
  StringSet<> members;
  const Record *list = records.getDef("LaunchStatistics");
  for (const Record *record : list->getValueAsListOfDefs("rows")) {
    statistics.push_back({record, kindOf(*record), record->getValueAsString("name"),
                          record->getValueAsString("group"), record->getValueAsString("unit"),
                          record->getValueAsString("summary")});
    std::string member = statistics.back().member();
    if (!members.insert(member).second)
      PrintFatalError(record, "two statistics named '" + member + "'");
  }
  for (StringRef unit : readUnits(records))
    if (none_of(statistics, [&](const Statistic &statistic) {
          return statistic.record->isSubClassOf("UnitUtilization") && statistic.name == unit;
        }))
      PrintFatalError(list, "expected the utilization of unit '" + unit + "' in the list");
  return statistics;
}

/// A summary as a sentence.
std::string sentence(const Twine &text) {
  std::string result = text.str();
  result.front() = toUpper(result.front());
  return result + ".";
}

/// What a member is, in a sentence.
std::string describe(const Statistic &statistic) {
  return sentence((statistic.kind == Kind::Energy ? "energy of " : "") + statistic.summary + " (" +
                  statistic.unit + ")");
}

/// What the runtime adds up, in a sentence.
std::string describeCounter(const Statistic &statistic) {
  return statistic.kind == Kind::Utilization ? sentence(statistic.summary + " (core cycles)")
                                             : describe(statistic);
}

/// Prints a comment of at most 100 columns.
void emitComment(StringRef begin, StringRef next, StringRef text, StringRef end, raw_ostream &os) {
  constexpr size_t kColumns = 100;
  SmallVector<StringRef> words;
  text.split(words, ' ');
  os << begin;
  size_t column = begin.size();
  for (const auto &[index, word] : enumerate(words)) {
    size_t length = 1 + word.size() + (index + 1 == words.size() ? end.size() : 0);
    if (column + length > kColumns) {
      os << "\n" << next;
      column = next.size();
    }
    os << " " << word;
    column += length;
  }
  os << end << "\n";
}

std::string workMember(const Statistic &statistic) {
  return convertToCamelFromSnakeCase(statistic.value("work"));
}

void emitRuntimeStatistics(const RecordKeeper &records, raw_ostream &os) {
  std::vector<Statistic> statistics = readStatistics(records);
  emitSourceFileHeader("Statistics of a launch", os, records);
  os << "namespace sprint {\n\n/// Counts of what costs energy; they do not depend on time.\n"
        "struct WorkCounts {\n";
  for (const Statistic &statistic : statistics)
    if (statistic.kind == Kind::Energy) {
      emitComment("  ///", "  ///", sentence(statistic.summary), "", os);
      os << "  double " << workMember(statistic) << " = 0;\n";
    }
  os << "};\n\n"
        "/// Statistics of a launch, and of several together.\nstruct Statistics {\n";
  for (const Statistic &statistic : statistics)
    if (statistic.kind != Kind::Derived) {
      emitComment("  ///", "  ///", describeCounter(statistic), "", os);
      os << "  " << statistic.type() << " " << statistic.counter() << " = 0;\n";
    }
  os << "\n";
  for (const Statistic &statistic : statistics)
    if (statistic.kind == Kind::Derived) {
      emitComment("  ///", "  ///", describe(statistic), "", os);
      os << "  double " << statistic.value("method") << "() const;\n";
    }
  os << "\n  /// Adds those of a launch that runs behind.\n"
        "  Statistics &operator+=(const Statistics &other);\n};\n\n"
        "/// The statistics, in the order of reports.\n"
        "inline constexpr StatisticInfo statisticInfos[] = {\n";
  for (const Statistic &statistic : statistics) {
    os << "    {\"" << statistic.group << "\", \"" << statistic.name << "\", ";
    switch (statistic.kind) {
    case Kind::Counted:
    case Kind::Measured:
    case Kind::Energy:
    case Kind::EnergyCount:
    case Kind::EnergyBound:
      os << "&Statistics::" << statistic.counter();
      break;
    case Kind::Derived:
      os << "&Statistics::" << statistic.value("method");
      break;
    case Kind::Utilization:
      os << "BusyCycles{&Statistics::" << statistic.counter() << "}";
      break;
    }
    os << "},\n";
  }
  os << "};\n\n/// The components of energy, in the order of reports.\n"
        "inline constexpr EnergyComponentInfo energyComponents[] = {\n";
  for (const Statistic &statistic : statistics)
    if (statistic.kind == Kind::Energy)
      os << "    {&WorkCounts::" << workMember(statistic) << ", \"" << statistic.value("parameter")
         << "\", &Statistics::" << statistic.ofComponent("counts")
         << ", &Statistics::" << statistic.ofComponent("energy_low_pj")
         << ", &Statistics::" << statistic.member()
         << ", &Statistics::" << statistic.ofComponent("energy_high_pj") << "},\n";
  os << "};\n\n/// The cycles in which units worked, by MachineUnit.\n"
        "inline constexpr double Statistics::*busyOfUnits[] = {\n";
  for (StringRef unit : readUnits(records))
    for (const Statistic &statistic : statistics)
      if (statistic.record->isSubClassOf("UnitUtilization") && statistic.name == unit)
        os << "    &Statistics::" << statistic.counter() << ",\n";
  os << "};\n\n} // namespace sprint\n";
}

void emitCStatistics(const RecordKeeper &records, raw_ostream &os) {
  os << "/* Generated by sprint-tblgen -gen-c-statistics; do not edit. */\n\n"
        "#ifndef SPRINT_C_STATISTICS_H\n#define SPRINT_C_STATISTICS_H\n\n#include <stddef.h>\n"
        "#include <stdint.h>\n\n"
        "/** Statistics of a launch: what its report says under the same names. There may be more "
        "in "
        "later\n * versions. */\nstruct SprintStatistics {\n"
        "  /** sizeof(struct SprintStatistics), which says how many members the caller knows; how "
        "many of\n   * these bytes hold statistics is stored here. */\n  size_t size;\n";
  for (const Statistic &statistic : readStatistics(records)) {
    emitComment("  /**", "   *", describe(statistic), " */", os);
    os << "  " << statistic.type() << " " << statistic.member() << ";\n";
  }
  os << "};\n\n#endif /* SPRINT_C_STATISTICS_H */\n";
}

void emitStatisticsReference(const RecordKeeper &records, raw_ostream &os) {
  std::vector<Statistic> statistics = readStatistics(records);
  os << R"(<!-- Generated by sprint-tblgen -gen-statistics-reference; do not edit. -->

# Statistics of a launch

Reports ([tools.md](../tools.md), "Statistics") have the keys, `struct SprintStatistics` of the C API the members. Of
several launches together they are sums, or computed of sums.

| key | member | type | unit | | of several |
| --- | --- | --- | --- | --- | --- |
)";
  for (const Statistic &statistic : statistics) {
    bool isSum = statistic.kind != Kind::Derived && statistic.kind != Kind::Utilization;
    os << "| `" << statistic.group << (statistic.group.empty() ? "" : ".") << statistic.name
       << "` | `" << statistic.member() << "` | " << (statistic.isCount() ? "integer" : "float")
       << " | " << statistic.unit << " | "
       << (statistic.kind == Kind::Energy ? "energy of a component, below" : statistic.summary)
       << " | " << (isSum ? "sum" : "computed") << " |\n";
  }
  os << R"(
# Energy

The energy of a component is that of what it counts, each at what a parameter of the machine says
([machine-parameters.md](machine-parameters.md)). Counts do not depend on time. A parameter may say beside its value
between which it lies, `low` and `high`; without them the three are the same.

| component | counts | energy of each |
| --- | --- | --- |
)";
  for (const Statistic &statistic : statistics)
    if (statistic.kind == Kind::Energy)
      os << "| `" << statistic.name << "` | " << statistic.summary << " | `energy."
         << statistic.value("parameter") << "` |\n";
}

TableGen::Emitter::Opt runtime("gen-runtime-statistics", emitRuntimeStatistics,
                               "Generate the runtime's statistics");
TableGen::Emitter::Opt c("gen-c-statistics", emitCStatistics,
                         "Generate the C API's struct of statistics");
TableGen::Emitter::Opt reference("gen-statistics-reference", emitStatisticsReference,
                                 "Generate the reference page of the statistics");

} // namespace
