//===- MachineFile.cpp - Machine descriptions in YAML ---------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "BuiltinMachines.h"
#include "SprintRuntime/FileIO.h"
#include "SprintRuntime/Machine.h"
#include "StructureFields.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <exception>
#include <filesystem>
#include <map>
#include <utility>

using namespace sprint;

namespace {

/// Largest file that is read.
constexpr uint64_t kMaxFileBytes = 64 * 1024;
/// Files that may stand one on another by `base`.
constexpr int kMaxBases = 8;

/// One message, the file and the place first.
struct LoadError {
  std::string message;
};

/// A real number of the timing or the energies.
template <typename Section> struct RealField {
  const char *key;
  const char *unit;
  double Section::*member;
  double least;
  double most;
};

constexpr RealField<Timing> kTimingFields[] = {
    {"clock", "MHz", &Timing::clockMHz, 1, 1e6},
    {"memory_clock", "MHz", &Timing::memoryClockMHz, 1, 1e6},
    {"bus", "bits", &Timing::busBits, 1, 1 << 16},
    {"transfers_per_memory_cycle", "transfers", &Timing::transfersPerMemoryCycle, 1, 64},
    {"tRCD", "memory cycles", &Timing::tRCD, 0, 1e6},
    {"tCAS", "memory cycles", &Timing::tCAS, 0, 1e6},
    {"tBURST", "memory cycles", &Timing::tBURST, 0, 1e6},
    {"tWP", "memory cycles", &Timing::tWP, 0, 1e6},
    {"tRP", "memory cycles", &Timing::tRP, 0, 1e6},
    {"tCWD", "memory cycles", &Timing::tCWD, 0, 1e6},
    {"tWTR", "memory cycles", &Timing::tWTR, 0, 1e6},
    {"tCCD", "memory cycles", &Timing::tCCD, 0, 1e6},
    {"threshold", "cycles", &Timing::thresholdCycles, 0, 1e6},
    {"qk_latency", "cycles", &Timing::qkLatency, 0, 1e6},
    {"softmax_latency", "cycles", &Timing::softmaxLatency, 0, 1e6},
    {"v_latency", "cycles", &Timing::vLatency, 0, 1e6},
    {"division", "cycles", &Timing::divisionCycles, 0, 1e6},
};

constexpr RealField<Energy> kEnergyFields[] = {
    {"in_memory", "pJ/MAC", &Energy::inMemoryPerMac, 0, 1e9},
    {"reram_read", "pJ/bit", &Energy::reramReadPerBit, 0, 1e9},
    {"reram_write", "pJ/bit", &Energy::reramWritePerBit, 0, 1e9},
    {"sram_read", "pJ/bit", &Energy::sramReadPerBit, 0, 1e9},
    {"sram_write", "pJ/bit", &Energy::sramWritePerBit, 0, 1e9},
    {"qk", "pJ/MAC", &Energy::qkPerMac, 0, 1e9},
    {"v", "pJ/MAC", &Energy::vPerMac, 0, 1e9},
    {"softmax", "pJ/score", &Energy::softmaxPerScore, 0, 1e9},
};

/// A number of `widths`.
struct WidthField {
  const char *key;
  int64_t Widths::*member;
};

constexpr WidthField kWidthFields[] = {
    {"exponent_fraction_bits", &Widths::exponentFractionBits},
    {"sum_bits", &Widths::sumBits},
    {"probability_bits", &Widths::probabilityBits},
    {"accumulator_bits", &Widths::accumulatorBits},
};

/// A number as a message shows it.
std::string toText(int64_t number) { return std::to_string(number); }
std::string toText(double number) {
  std::string text = std::to_string(number);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.')
    text.pop_back();
  return text;
}

/// Reads one machine and what it stands on.
class Loader {
public:
  Machine load(std::string_view nameOrPath) {
    readNamed(std::string(nameOrPath), "");
    checkComplete();
    checkTogether();
    return std::move(machine);
  }

private:
  [[noreturn]] static void fail(const std::string &place, const std::string &message) {
    throw LoadError{place + ": " + message};
  }

  /// `file:line` of a node of the file that is being read.
  std::string placeOf(const YAML::Node &node) const {
    // A file without any node has no line.
    return file + ":" + std::to_string(std::max(node.Mark().line, 0) + 1);
  }

  static bool isPath(const std::string &name) {
    return name.ends_with(".yaml") || name.ends_with(".yml");
  }

  /// Reads a built-in machine or a file; `place` is where it is named, empty for the user's own
  /// words.
  void readNamed(const std::string &name, const std::string &place) {
    if (++bases > kMaxBases)
      fail(place, "expected at most " + std::to_string(kMaxBases) +
                      " descriptions one on another, got more; do they stand on themselves?");
    if (isPath(name)) {
      std::string error;
      std::optional<std::string> text = readFile(name, kMaxFileBytes, error);
      if (!text)
        throw LoadError{place.empty() ? error : place + ": " + error};
      readText(*text, name);
      return;
    }
    for (const BuiltinMachine &builtin : builtinMachineFiles()) {
      if (builtin.name == name) {
        readText(std::string(builtin.text), name + ".yaml");
        return;
      }
    }
    std::string known;
    for (const BuiltinMachine &builtin : builtinMachineFiles())
      known += (known.empty() ? "" : ", ") + std::string(builtin.name);
    fail(place.empty() ? name : place, "expected a built-in machine (" + known +
                                           ") or a path that ends in .yaml or .yml, got '" + name +
                                           "'");
  }

  void readText(const std::string &text, const std::string &path) {
    file = path;
    YAML::Node root;
    try {
      root = YAML::Load(text);
    } catch (const YAML::Exception &exception) {
      fail(path + ":" + std::to_string(exception.mark.line + 1), exception.msg);
    }
    std::map<std::string, YAML::Node> sections = entries(root, "the description");
    if (auto base = sections.find("base"); base != sections.end()) {
      std::string name = word(base->second, "base");
      std::string place = placeOf(base->second);
      if (isPath(name))
        name = (std::filesystem::path(path).parent_path() / name).string();
      readNamed(name, place);
      file = path;
    }
    for (const auto &[key, node] : sections) {
      if (key == "base")
        continue;
      else if (key == "name")
        readName(node);
      else if (key == "widths")
        readWidths(node);
      else if (key == "structure")
        readStructure(node);
      else if (key == "timing")
        readReals(node, "timing", kTimingFields, machine.timing);
      else if (key == "energy")
        readReals(node, "energy", kEnergyFields, machine.energy);
      else
        fail(placeOf(node),
             "expected name, base, widths, structure, timing or energy, got '" + key + "'");
    }
  }

  /// The entries of a map whose keys are words, each there once.
  std::map<std::string, YAML::Node> entries(const YAML::Node &node, const std::string &what) {
    if (!node.IsMap())
      fail(placeOf(node), "expected " + what + " to be a map");
    std::map<std::string, YAML::Node> result;
    for (const auto &entry : node) {
      if (!entry.first.IsScalar())
        fail(placeOf(entry.first), "expected the keys of " + what + " to be words");
      if (!result.emplace(entry.first.Scalar(), entry.second).second)
        fail(placeOf(entry.first), "'" + entry.first.Scalar() + "' stands twice");
    }
    return result;
  }

  std::string word(const YAML::Node &node, const std::string &what) {
    if (!node.IsScalar() || node.Scalar().empty())
      fail(placeOf(node), "expected " + what + " to be a word");
    return node.Scalar();
  }

  template <typename Number> Number number(const YAML::Node &node, const std::string &what) {
    constexpr bool kIsWhole = std::is_integral_v<Number>;
    std::string text = word(node, what);
    Number value{};
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    bool isNumber = code == std::errc() && end == text.data() + text.size();
    if constexpr (!kIsWhole)
      isNumber = isNumber && std::isfinite(value);
    if (!isNumber)
      fail(placeOf(node), "expected " + what + " to be a " +
                              (kIsWhole ? "whole number" : "number") + ", got '" + text + "'");
    return value;
  }

  /// A leaf `{value, unit, source}`.
  template <typename Number>
  Number leaf(const YAML::Node &node, const std::string &what, const char *unit, Number least,
              Number most) {
    std::map<std::string, YAML::Node> parts = entries(node, what);
    for (const auto &[key, part] : parts)
      if (key != "value" && key != "unit" && key != "source")
        fail(placeOf(part), "expected value, unit and source of " + what + ", got '" + key + "'");
    for (const char *key : {"value", "unit", "source"})
      if (!parts.contains(key))
        fail(placeOf(node), "expected " + what + " to have a " + key);
    std::string given = word(parts["unit"], "the unit of " + what);
    if (given != unit)
      fail(placeOf(parts["unit"]), "expected " + what + " in " + unit + ", got '" + given + "'");
    word(parts["source"], "the source of " + what);
    Number value = number<Number>(parts["value"], what);
    if (value < least || value > most)
      fail(placeOf(parts["value"]), "expected " + what + " of " + toText(least) + " to " +
                                        toText(most) + ", got " + toText(value));
    places[what] = placeOf(node);
    return value;
  }

  void readName(const YAML::Node &node) {
    machine.name = word(node, "name");
    for (char character : machine.name)
      if (!std::isalnum(static_cast<unsigned char>(character)) && character != '-' &&
          character != '_')
        fail(placeOf(node),
             "expected a name of letters, digits, - and _, got '" + machine.name + "'");
    places["name"] = placeOf(node);
  }

  void readStructure(const YAML::Node &section) {
    std::map<std::string, YAML::Node> nodes = entries(section, "structure");
    for (const StructureField &field : kStructureFields) {
      if (auto node = nodes.extract(field.key))
        machine.structure.*field.member = leaf<int64_t>(
            node.mapped(), std::string("structure.") + field.key, field.unit, 1, field.most);
    }
    refuseRest(nodes, "structure");
  }

  template <typename Section, size_t count>
  void readReals(const YAML::Node &section, const std::string &name,
                 const RealField<Section> (&fields)[count], Section &values) {
    std::map<std::string, YAML::Node> nodes = entries(section, name);
    for (const RealField<Section> &field : fields) {
      if (auto node = nodes.extract(field.key))
        values.*field.member = leaf<double>(node.mapped(), name + "." + field.key, field.unit,
                                            field.least, field.most);
    }
    refuseRest(nodes, name);
  }

  void readWidths(const YAML::Node &node) {
    Widths widths;
    if (node.IsScalar()) {
      std::optional<Widths> preset = Widths::preset(node.Scalar());
      if (!preset)
        fail(placeOf(node),
             "expected widths to be default, paper or a map, got '" + node.Scalar() + "'");
      widths = *preset;
    } else {
      std::map<std::string, YAML::Node> nodes = entries(node, "widths");
      auto nibble = nodes.extract("nibble");
      if (!nibble)
        fail(placeOf(node), "expected widths to have nibble");
      std::string kind = word(nibble.mapped(), "widths.nibble");
      if (kind != "centred" && kind != "truncated")
        fail(placeOf(nibble.mapped()),
             "expected widths.nibble to be centred or truncated, got '" + kind + "'");
      widths.nibble = kind == "centred" ? Nibble::Centred : Nibble::Truncated;
      for (const WidthField &field : kWidthFields) {
        auto width = nodes.extract(field.key);
        if (!width)
          fail(placeOf(node), std::string("expected widths to have ") + field.key);
        widths.*field.member = number<int64_t>(width.mapped(), std::string("widths.") + field.key);
      }
      refuseRest(nodes, "widths");
    }
    if (std::string error = widths.check(); !error.empty())
      fail(placeOf(node), error);
    machine.structure.widths = widths;
    places["widths"] = placeOf(node);
  }

  void refuseRest(const std::map<std::string, YAML::Node> &nodes, const std::string &section) {
    if (!nodes.empty())
      fail(placeOf(nodes.begin()->second),
           section + " has no field '" + nodes.begin()->first + "'");
  }

  void requirePlace(const std::string &what) {
    if (!places.contains(what))
      fail(file, "expected " + what + ", which stands neither here nor in a base");
  }

  void checkComplete() {
    requirePlace("name");
    requirePlace("widths");
    for (const StructureField &field : kStructureFields)
      requirePlace(std::string("structure.") + field.key);
    for (const RealField<Timing> &field : kTimingFields)
      requirePlace(std::string("timing.") + field.key);
    for (const RealField<Energy> &field : kEnergyFields)
      requirePlace(std::string("energy.") + field.key);
  }

  /// The place of the one of two fields that the file which was asked for sets itself, rather than
  /// its base.
  std::string placeOfOutermost(const std::string &first, const std::string &second) {
    return places[first].starts_with(file + ":") ? places[first] : places[second];
  }

  /// What several fields must fulfil together.
  void checkTogether() {
    const Structure &structure = machine.structure;
    const std::pair<const char *, int64_t> shared[] = {
        {"structure.key_buffer", structure.keyBufferBytes},
        {"structure.value_buffer", structure.valueBufferBytes},
    };
    for (const auto &[what, bytes] : shared)
      if (bytes % structure.corelets != 0)
        fail(placeOfOutermost(what, "structure.corelets"),
             std::string("expected ") + what + " to divide among " +
                 std::to_string(structure.corelets) + " CORELETs, got " + std::to_string(bytes));
    int64_t arrays = structure.channels * structure.banksPerChannel * structure.arraysPerBank;
    if (arrays < structure.residentHeads)
      fail(places["structure.resident_heads"],
           "expected an array for each resident head, got " + std::to_string(arrays) + " arrays");
  }

  Machine machine{};
  /// Path of the file that is being read, as messages show it.
  std::string file;
  /// Where each field was set last.
  std::map<std::string, std::string> places;
  int bases = 0;
};

} // namespace

std::optional<Machine> sprint::loadMachine(std::string_view nameOrPath, std::string &error) noexcept
    try {
  return Loader().load(nameOrPath);
} catch (const LoadError &failure) {
  error = oneLine(failure.message);
  return std::nullopt;
} catch (const std::exception &exception) {
  error = std::string(nameOrPath) + ": " + exception.what();
  return std::nullopt;
}

std::vector<std::string> sprint::builtinMachines() {
  std::vector<std::string> names;
  for (const BuiltinMachine &builtin : builtinMachineFiles())
    names.emplace_back(builtin.name);
  return names;
}
