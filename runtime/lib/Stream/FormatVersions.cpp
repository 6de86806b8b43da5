//===- FormatVersions.cpp - What each version of the format has -----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FormatVersions.h"

#include <algorithm>

using namespace sprint;

namespace {

/// Finds the version that a stream needs.
class VersionFinder {
public:
  VersionFinder(const FormatTable &table) : table(table) {}

  void visit(const Program &program);
  NeededVersion result;

private:
  /// What a program uses exists since `since`; `describe` gives its name and place.
  template <typename Describe> void use(uint32_t since, Describe describe) {
    if (since <= result.version)
      return;
    result.version = since;
    result.reason = describe();
  }
  void useEnumerant(std::string_view enumeration, uint64_t value, const std::string &place);
  void useParameter(int64_t index, const std::string &place);
  void visitWord(CommandWord word, const std::string &place);

  const FormatTable &table;
};

} // namespace

void VersionFinder::useEnumerant(std::string_view enumeration, uint64_t value,
                                 const std::string &place) {
  for (const EnumerantInfo &enumerant : table.enumerants)
    if (enumerant.enumeration == enumeration && enumerant.value == value)
      use(enumerant.since, [&] { return "'" + std::string(enumerant.name) + "' of " + place; });
}

void VersionFinder::useParameter(int64_t index, const std::string &place) {
  if (index < 0 || index >= static_cast<int64_t>(table.parameters.size()))
    return; // Not well-formed, and in no version.
  const LaunchParameterInfo &parameter = table.parameters[index];
  use(parameter.since,
      [&] { return "the launch parameter '" + std::string(parameter.name) + "' of " + place; });
}

void VersionFinder::visitWord(CommandWord word, const std::string &place) {
  uint64_t opcode = readBits(word, 0, kOpcodeBits);
  auto info = std::ranges::find_if(table.commands, [&](const CommandInfo &command) {
    return static_cast<uint64_t>(command.opcode) == opcode;
  });
  if (info == table.commands.end())
    return;
  std::string name = "'" + std::string(info->mnemonic) + "' of " + place;
  use(info->since, [&] { return name; });
  for (const CommandField &field : info->fields) {
    uint64_t value = readField(word, field);
    // A field that an older version does not have is zero there.
    if (value != 0)
      use(field.since, [&] { return "the operand '" + std::string(field.name) + "' of " + name; });
    useEnumerant(toString(field.kind), value, name);
  }
}

void VersionFinder::visit(const Program &program) {
  std::string place = "program '" + program.name + "'";
  for (MemoryRegion input : program.inputs) {
    if (static_cast<size_t>(input) >= table.inputs.size())
      continue; // As above.
    const LaunchTensor &tensor = table.inputs[static_cast<size_t>(input)];
    use(tensor.since, [&] { return "the input '" + std::string(tensor.name) + "' of " + place; });
  }
  if (program.residentCache)
    use(kResidentCacheSince, [&] { return "the resident cache of " + place; });
  for (size_t index = 0; index < kNumLaunchParameters; ++index)
    if (program.parameters[index] != Program::kDynamic)
      useParameter(static_cast<int64_t>(index), place);
  for (const ExprNode &node : program.expressions)
    if (node.kind == ExprNode::Kind::Parameter)
      useParameter(node.value, place);
  for (const UnitProgram &unit : program.units) {
    useEnumerant("MachineUnit", static_cast<uint64_t>(unit.unit), place);
    std::string ofUnit = "unit '" + std::string(toString(unit.unit)) + "' of " + place;
    for (CommandWord word : unit.words)
      visitWord(word, ofUnit);
  }
}

size_t FormatTable::parametersOf(uint32_t version) const {
  return std::ranges::count_if(
      parameters, [&](const LaunchParameterInfo &parameter) { return parameter.since <= version; });
}

NeededVersion sprint::versionOf(const CommandStream &stream, const FormatTable &table) {
  VersionFinder finder(table);
  for (const Program &program : stream.programs)
    finder.visit(program);
  return finder.result;
}
