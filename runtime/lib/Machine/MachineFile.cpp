//===- MachineFile.cpp - Machine descriptions in YAML ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BuiltinMachines.h"
#include "SprintRuntime/FileIO.h"
#include "SprintRuntime/Machine.h"
#include "SprintRuntime/MachineFields.h"
#include "SprintRuntime/Messages.h"

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

/// A line of a file.
struct Place {
  std::string file;
  int64_t line = 0;
};

/// Reads one machine and what it stands on.
class Loader {
public:
  Machine load(std::string_view nameOrPath) {
    forEachTable([](auto fields, auto &values) {
      for (const auto &field : fields)
        if (field.defaultValue)
          field.access.set(values, *field.defaultValue);
    });
    readNamed(std::string(nameOrPath), /*place=*/std::nullopt);
    checkComplete();
    checkTogether();
    return std::move(machine);
  }

private:
  [[noreturn]] static void fail(const Place &place, const std::string &message) {
    throw MachineError{place.file, place.line, oneLine(message)};
  }

  /// The place of a node of the file that is being read.
  Place placeOf(const YAML::Node &node) const {
    // A file without any node has no line.
    return {file, std::max(node.Mark().line, 0) + 1};
  }

  static bool isPath(const std::string &name) {
    return name.ends_with(".yaml") || name.ends_with(".yml");
  }

  /// Reads a built-in machine or a file; `place` is where it is named, nothing for the user's own
  /// words.
  void readNamed(const std::string &name, const std::optional<Place> &place) {
    if (++bases > kMaxBases)
      fail(*place, "expected at most " + std::to_string(kMaxBases) +
                       " descriptions one on another, got more; do they stand on themselves?");
    if (isPath(name)) {
      std::string error;
      std::optional<std::string> text = readFile(name, kMaxFileBytes, error);
      if (!text)
        fail(place.value_or(Place()), error);
      machine.files.push_back(name);
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
    fail(place.value_or(Place{name}), "expected a built-in machine (" + known +
                                          ") or a path that ends in .yaml or .yml, got '" + name +
                                          "'");
  }

  void readText(const std::string &text, const std::string &path) {
    file = path;
    YAML::Node root;
    try {
      root = YAML::Load(text);
    } catch (const YAML::Exception &exception) {
      fail({path, exception.mark.line + 1}, exception.msg);
    }
    std::map<std::string, YAML::Node> sections = entries(root, "the description");
    if (auto base = sections.find("base"); base != sections.end()) {
      std::string name = word(base->second, "base");
      Place place = placeOf(base->second);
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
        readSection(node, key, kStructureFields, machine.structure);
      else if (key == "timing")
        readSection(node, key, kTimingFields, machine.timing);
      else if (key == "energy" || key == "reliability")
        readSection(node, key, kEnergyFields, machine.energy);
      else
        fail(placeOf(node),
             "expected name, base, widths, structure, timing, energy or reliability, "
             "got '" +
                 key + "'");
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

  /// The number of `node`, or that of its word, which must be legal.
  template <typename Field> Field::Number value(const YAML::Node &node, const Field &field) {
    std::string what = placeKey(field);
    if (!field.words.empty()) {
      std::string given = word(node, what), known;
      for (size_t index = 0; index < field.words.size(); ++index) {
        if (given == field.words[index])
          return static_cast<Field::Number>(index);
        known += (known.empty() ? "" : " or ") + std::string(field.words[index]);
      }
      fail(placeOf(node), "expected " + what + " to be " + known + ", got '" + given + "'");
    }
    auto given = number<typename Field::Number>(node, what);
    if (std::string error = field.check(given); !error.empty())
      fail(placeOf(node), error);
    return given;
  }

  /// The parts of a leaf `{value, unit, source}`, which may have a range `low` to `high` as well
  /// where `hasRange`.
  template <typename Field>
  std::map<std::string, YAML::Node> leafParts(const YAML::Node &node, const Field &field,
                                              bool hasRange) {
    std::string what = placeKey(field);
    std::map<std::string, YAML::Node> parts = entries(node, what);
    for (const auto &[key, part] : parts) {
      bool isOfRange = key == "low" || key == "high";
      if (key != "value" && key != "unit" && key != "source" && !(hasRange && isOfRange))
        fail(placeOf(part), std::string("expected value, ") + (hasRange ? "low, high, " : "") +
                                "unit and source of " + what + ", got '" + key + "'");
    }
    for (const char *key : {"value", "unit", "source"})
      if (!parts.contains(key))
        fail(placeOf(node), "expected " + what + " to have a " + key);
    std::string given = word(parts["unit"], "the unit of " + what);
    if (given != field.unit)
      fail(placeOf(parts["unit"]),
           "expected " + what + " in " + field.unit + ", got '" + given + "'");
    word(parts["source"], "the source of " + what);
    return parts;
  }

  template <typename Field>
  void readLeaf(const YAML::Node &node, const Field &field, typename Field::Section &values) {
    field.access.set(values, value(leafParts(node, field, /*hasRange=*/false)["value"], field));
  }

  /// An energy, which lies in a range: that of its value alone where the file has no other.
  void readLeaf(const YAML::Node &node, const EnergyField &field, Energy &energy) {
    std::map<std::string, YAML::Node> parts =
        leafParts(node, field, /*hasRange=*/field.section == std::string_view("energy"));
    double typical = value(parts["value"], field);
    auto boundOf = [&](const char *key) {
      auto part = parts.find(key);
      return part == parts.end() ? typical : value(part->second, field);
    };
    double low = boundOf("low"), high = boundOf("high");
    if (low > typical || typical > high)
      fail(placeOf(node), "expected " + placeKey(field) + " to lie between its low and its high");
    field.access.set(energy, typical);
    field.access.set(machine.lowEnergy, low);
    field.access.set(machine.highEnergy, high);
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

  template <typename Field, size_t count>
  void readSection(const YAML::Node &section, const std::string &name, const Field (&fields)[count],
                   typename Field::Section &values) {
    std::map<std::string, YAML::Node> nodes = entries(section, name);
    for (const Field &field : fields) {
      if (name != field.section)
        continue;
      if (auto node = nodes.extract(field.name)) {
        readLeaf(node.mapped(), field, values);
        places[placeKey(field)] = placeOf(node.mapped());
      }
    }
    refuseRest(nodes, name);
  }

  /// Widths go together: the name of a preset, or a map of all of them.
  void readWidths(const YAML::Node &section) {
    Structure &structure = machine.structure;
    std::map<std::string, YAML::Node> nodes;
    if (section.IsScalar()) {
      std::optional<Widths> preset = Widths::preset(section.Scalar());
      if (!preset)
        fail(placeOf(section),
             "expected widths to be default, paper or a map, got '" + section.Scalar() + "'");
      structure.widths = *preset;
    } else {
      nodes = entries(section, "widths");
    }
    for (const StructureField &field : kStructureFields) {
      if (field.section != std::string_view("widths"))
        continue;
      places[placeKey(field)] = placeOf(section);
      if (section.IsScalar())
        continue;
      auto node = nodes.extract(field.name);
      if (node)
        field.access.set(structure, value(node.mapped(), field));
      else if (field.defaultValue)
        field.access.set(structure, *field.defaultValue);
      else
        fail(placeOf(section), std::string("expected widths to have ") + field.name);
    }
    refuseRest(nodes, "widths");
  }

  void refuseRest(const std::map<std::string, YAML::Node> &nodes, const std::string &section) {
    if (!nodes.empty())
      fail(placeOf(nodes.begin()->second),
           section + " has no field '" + nodes.begin()->first + "'");
  }

  void requirePlace(const std::string &what) {
    if (!places.contains(what))
      fail({file}, "expected " + what + ", which stands neither here nor in a base");
  }

  void checkComplete() {
    requirePlace("name");
    forEachTable([&](auto fields, auto &values) {
      for (const auto &field : fields)
        if (!field.defaultValue)
          requirePlace(placeKey(field));
    });
  }

  /// What several parameters must fulfil together. The one that the file which was asked for sets
  /// itself is to blame, rather than one of its base.
  void checkTogether() {
    std::optional<StructureFault> fault = findFault(machine.structure);
    if (!fault)
      return;
    Place place = places[placeKey(*fault->field)];
    if (fault->other && place.file != file)
      place = places[placeKey(*fault->other)];
    fail(place, fault->message);
  }

  /// Calls `visit` with each table and the section that it describes.
  template <typename Visit> void forEachTable(Visit visit) {
    visit(std::span(kStructureFields), machine.structure);
    visit(std::span(kTimingFields), machine.timing);
    for (Energy *energy : {&machine.lowEnergy, &machine.energy, &machine.highEnergy})
      visit(std::span(kEnergyFields), *energy);
  }

  template <typename Field> static std::string placeKey(const Field &field) {
    return std::string(field.section) + "." + field.name;
  }

  Machine machine{};
  /// Path of the file that is being read, as messages show it.
  std::string file;
  /// Where each field was set last.
  std::map<std::string, Place> places;
  int bases = 0;
};

} // namespace

std::string sprint::toString(const MachineError &error) {
  std::string place = error.file.empty() ? "" : error.file + ":";
  if (error.line != 0)
    place += std::to_string(error.line) + ":";
  return oneLine(place + (place.empty() ? "" : " ") + error.message);
}

std::optional<Machine> sprint::loadMachine(std::string_view nameOrPath,
                                           MachineError &error) noexcept try {
  return Loader().load(nameOrPath);
} catch (const MachineError &failure) {
  error = failure;
  return std::nullopt;
} catch (const std::exception &exception) {
  error = {std::string(nameOrPath), 0, reasonOf(exception)};
  return std::nullopt;
}

std::optional<Machine> sprint::loadMachine(std::string_view nameOrPath,
                                           std::string &error) noexcept {
  MachineError failure;
  std::optional<Machine> machine = loadMachine(nameOrPath, failure);
  if (!machine)
    error = toString(failure);
  return machine;
}

std::vector<std::string> sprint::builtinMachines() {
  std::vector<std::string> names;
  for (const BuiltinMachine &builtin : builtinMachineFiles())
    names.emplace_back(builtin.name);
  return names;
}
