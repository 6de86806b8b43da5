//===- Records.cpp - The records of the commands, checked -----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Records.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/TableGen/Error.h"

using namespace llvm;
using namespace sprint::tblgen;

namespace {

/// What a command may do to what a field of that kind names; a queue without a role would be one
/// that no rule sees.
bool isRoleOf(StringRef role, StringRef kind) {
  if (kind == "Queue")
    return role == "Acquires" || role == "Releases";
  if (kind == "IndexQueue")
    return role == "Takes" || role == "Puts";
  if (kind == "MemoryRegion")
    return role == "Reads" || role == "Writes";
  return role.empty();
}

unsigned readVersion(const Record &record) {
  int64_t since = record.getValueAsInt("since");
  if (since < 1)
    PrintFatalError(&record, "expected a version of at least 1, got " + Twine(since));
  return static_cast<unsigned>(since);
}

Enumeration readEnumeration(const Record &record) {
  Enumeration result;
  result.name = record.getValueAsString("className");
  result.summary = record.getValueAsString("summary");
  for (const Record *enumerant : record.getValueAsListOfDefs("enumerants"))
    result.enumerants.push_back({enumerant->getValueAsString("symbol"),
                                 enumerant->getValueAsString("str"),
                                 enumerant->getValueAsInt("value"), readVersion(*enumerant)});
  return result;
}

Tensor readTensor(const Record &record) {
  Tensor tensor = {record.getValueAsString("symbol"),
                   record.getValueAsString("name"),
                   record.getValueAsString("summary"),
                   record.getValueAsDef("hostElement")->getName(),
                   record.getValueAsDef("deviceElement")->getName(),
                   {},
                   record.getValueAsBit("isOptional"),
                   readVersion(record),
                   record.getValueAsString("kind"),
                   record.getValueAsString("partner")};
  for (StringRef name : record.getValueAsListOfStrings("dims")) {
    bool mayBeOne = name.consume_back("?");
    tensor.dimensions.push_back({name, mayBeOne});
  }
  return tensor;
}

/// Reads the tensors of a launch: the regions of inputs are their places in the list, optional
/// inputs follow the required ones, which give every dimension its size.
void readTensors(const RecordKeeper &records, CommandSet &set) {
  const Record *lists = records.getDef("LaunchTensors");
  for (const Record *record : lists->getValueAsListOfDefs("inputs")) {
    int64_t region = record->getValueAsInt("region");
    if (region != static_cast<int64_t>(set.inputs.size()))
      PrintFatalError(record, "expected the region " + Twine(set.inputs.size()) +
                                  " of the input, got " + Twine(region));
    Tensor input = readTensor(*record);
    if (!input.isOptional && !set.inputs.empty() && set.inputs.back().isOptional)
      PrintFatalError(record, "expected an optional input behind optional ones");
    for (const Dimension &dimension : input.dimensions) {
      if (is_contained(set.dimensions, dimension.name))
        continue;
      if (input.isOptional || dimension.mayBeOne)
        PrintFatalError(record,
                        "expected a dimension of required inputs, got '" + dimension.name + "'");
      set.dimensions.push_back(dimension.name);
    }
    set.inputs.push_back(std::move(input));
  }
  for (const Tensor &input : set.inputs)
    if (!input.partner.empty() && none_of(set.inputs, [&](const Tensor &other) {
          return other.name == input.partner && other.partner == input.name && other.isOptional;
        }))
      PrintFatalError(lists, "expected an optional input '" + input.partner +
                                 "' that comes with '" + input.name + "'");
  if (records.getAllDerivedDefinitions("LaunchInput").size() != set.inputs.size())
    PrintFatalError(lists, "expected all records of inputs in the list");
  for (const Record *record : lists->getValueAsListOfDefs("headParameters"))
    set.headParameters.push_back(readTensor(*record));
}

/// The fields of a command, laid out one behind the other.
std::vector<Field> readFields(const Record &record, const CommandSet &set) {
  std::vector<Field> fields;
  unsigned offset = kOpcodeBits;
  for (const Record *field : record.getValueAsListOfDefs("fields")) {
    StringRef kind = field->getValueAsString("kind");
    int64_t width = field->getValueAsInt("width");
    if (width < 1 || width > 64)
      PrintFatalError(&record, "expected a width of 1 to 64 bits of field '" +
                                   field->getValueAsString("name") + "', got " + Twine(width));
    if (const Enumeration *enumeration = set.findEnumeration(kind)) {
      for (const Enumerant &enumerant : enumeration->enumerants)
        if (enumerant.value < 0 || (width < 64 && enumerant.value >> width))
          PrintFatalError(&record, "enumerant '" + enumerant.symbol + "' does not fit " +
                                       Twine(width) + " bits");
    } else if (!is_contained(kIndexKinds, kind)) {
      PrintFatalError(&record, "unknown kind '" + kind + "' of a field");
    }
    StringRef role = field->getValueAsString("role");
    if (!isRoleOf(role, kind))
      PrintFatalError(&record, "field '" + field->getValueAsString("name") + "' of kind '" + kind +
                                   "' cannot have the role '" + role + "'");
    fields.push_back({field->getValueAsString("name"), kind, field->getValueAsString("summary"),
                      role.empty() ? "None" : role, offset, static_cast<unsigned>(width),
                      readVersion(*field)});
    offset += width;
    if (offset > kWordBits)
      PrintFatalError(&record, "fields need more than the " + Twine(kWordBits) + " bits of a word");
  }
  return fields;
}

/// Enumerants of `enumeration` that a list of strings names.
std::vector<const Enumerant *> readEnumerants(const Record &record, StringRef list,
                                              StringRef enumeration, const char *what,
                                              const CommandSet &set) {
  const Enumeration *known = set.findEnumeration(enumeration);
  if (!known)
    PrintFatalError("no enumeration " + enumeration);
  std::vector<const Enumerant *> result;
  for (StringRef name : record.getValueAsListOfStrings(list)) {
    auto it = find_if(known->enumerants,
                      [&](const Enumerant &enumerant) { return enumerant.text == name; });
    if (it == known->enumerants.end())
      PrintFatalError(&record, "unknown " + Twine(what) + " '" + name + "'");
    result.push_back(&*it);
  }
  return result;
}

Command readCommand(const Record &record, const CommandSet &set) {
  Command command;
  StringRef name = record.getName();
  name.consume_front("SprintISA_");
  if (!name.consume_back("Op"))
    name.consume_back("Command");
  command.name = name.str();
  command.mnemonic = record.getValueAsString("opName");
  command.summary = record.getValueAsString("summary");
  command.description = record.getValueAsString("description");
  int64_t opcode = record.getValueAsInt("opcode");
  if (opcode < 1 || opcode >> kOpcodeBits)
    PrintFatalError(&record,
                    "expected an opcode of " + Twine(kOpcodeBits) + " bits, got " + Twine(opcode));
  command.opcode = static_cast<unsigned>(opcode);
  command.units = readEnumerants(record, "units", "MachineUnit", "unit", set);
  command.reads = readEnumerants(record, "reads", "MemoryRegion", "region", set);
  command.fields = readFields(record, set);
  command.since = readVersion(record);
  return command;
}

} // namespace

CommandSet::CommandSet(const RecordKeeper &records) {
  for (const Record *record : records.getAllDerivedDefinitions("SprintISA_Enum"))
    enumerations.push_back(readEnumeration(*record));
  readTensors(records, *this);

  std::vector<const Record *> parameterRecords(
      records.getAllDerivedDefinitions("LaunchParameter").begin(),
      records.getAllDerivedDefinitions("LaunchParameter").end());
  sort(parameterRecords, [](const Record *lhs, const Record *rhs) {
    return lhs->getValueAsInt("index") < rhs->getValueAsInt("index");
  });
  for (const auto &[index, record] : enumerate(parameterRecords)) {
    if (record->getValueAsInt("index") != static_cast<int64_t>(index))
      PrintFatalError(record, "expected the index " + Twine(index) + " of the parameter, got " +
                                  Twine(record->getValueAsInt("index")));
    StringRef name = record->getName();
    name.consume_back("Parameter");
    parameters.push_back({name.str(), record->getValueAsString("name"),
                          record->getValueAsString("summary"), record->getValueAsString("dim"),
                          record->getValueAsString("divisor"), readVersion(*record)});
    const Parameter &parameter = parameters.back();
    // Streams of an older version end before it.
    if (parameters.size() > 1 && parameters[index - 1].since > parameter.since)
      PrintFatalError(record, "expected a version of at least that of the parameter before, " +
                                  Twine(parameters[index - 1].since) + ", got " +
                                  Twine(parameter.since));
    for (StringRef dimension : {parameter.dimension, parameter.divisor})
      if (!is_contained(dimensions, dimension) && !dimension.empty())
        PrintFatalError(record, "expected a dimension of the inputs, got '" + dimension + "'");
  }

  std::vector<std::pair<Command, const Record *>> read;
  for (const Record *record : records.getAllDerivedDefinitions("SprintISA_Encoding"))
    read.emplace_back(readCommand(*record, *this), record);
  sort(read, [](const auto &lhs, const auto &rhs) { return lhs.first.opcode < rhs.first.opcode; });
  for (auto &[command, record] : read) {
    if (!commands.empty() && commands.back().opcode == command.opcode)
      PrintFatalError(record, "opcode " + Twine(command.opcode) + " is that of '" +
                                  commands.back().mnemonic + "'");
    commands.push_back(std::move(command));
  }
}

const Enumeration *CommandSet::findEnumeration(StringRef name) const {
  auto it = find_if(enumerations,
                    [&](const Enumeration &enumeration) { return enumeration.name == name; });
  return it == enumerations.end() ? nullptr : &*it;
}

unsigned CommandSet::newestVersion() const {
  unsigned newest = 1;
  auto add = [&](const auto &parts) {
    for (const auto &part : parts)
      newest = std::max(newest, part.since);
  };
  for (const Enumeration &enumeration : enumerations)
    add(enumeration.enumerants);
  add(inputs);
  add(parameters);
  add(commands);
  for (const Command &command : commands)
    add(command.fields);
  return newest;
}

std::vector<const Enumeration *> CommandSet::fieldEnumerations() const {
  std::vector<const Enumeration *> result;
  for (const Enumeration &enumeration : enumerations)
    if (any_of(commands, [&](const Command &command) {
          return any_of(command.fields,
                        [&](const Field &field) { return field.kind == enumeration.name; });
        }))
      result.push_back(&enumeration);
  return result;
}
