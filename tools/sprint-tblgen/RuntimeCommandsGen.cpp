//===- RuntimeCommandsGen.cpp - Encoder, decoder and name tables ----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Generates the part of SprintRuntime/Commands.h that follows from the records: C++20 without
// LLVM. What does not depend on single commands is written in that header by hand.
//
//===----------------------------------------------------------------------===//

#include "Records.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/TableGen/TableGenBackend.h"

using namespace llvm;
using namespace sprint::tblgen;

namespace {

/// A record's summary as a comment.
std::string comment(StringRef summary) {
  return ("/// " + summary.take_front().upper() + summary.drop_front() + ".\n").str();
}

/// Name of a field in its command's struct.
std::string fieldName(const Field &field) { return convertToCamelFromSnakeCase(field.name); }

/// C++ type of a field in its command's struct.
std::string fieldType(const Field &field) {
  if (is_contained(kIndexKinds, field.kind))
    return (field.kind + "Index").str();
  return field.kind.str();
}

void emitEnumeration(const Enumeration &enumeration, raw_ostream &os) {
  os << comment(enumeration.summary) << "enum class " << enumeration.name << " : uint8_t {\n";
  for (const Enumerant &enumerant : enumeration.enumerants)
    os << "  " << enumerant.symbol << " = " << enumerant.value << ",\n";
  os << "};\n\ntemplate <>\ninline constexpr std::array<" << enumeration.name << ", "
     << enumeration.enumerants.size() << "> enumerators<" << enumeration.name << ">{\n";
  for (const Enumerant &enumerant : enumeration.enumerants)
    os << "    " << enumeration.name << "::" << enumerant.symbol << ",\n";
  os << "};\n\n/// Name of an enumerant; empty for other values.\nconstexpr std::string_view "
        "toString("
     << enumeration.name << " value) {\n  switch (value) {\n";
  for (const Enumerant &enumerant : enumeration.enumerants)
    os << "  case " << enumeration.name << "::" << enumerant.symbol << ":\n    return \""
       << enumerant.text << "\";\n";
  os << "  }\n  return {};\n}\n\n";
}

void emitFieldKinds(const CommandSet &set, raw_ostream &os) {
  os << "enum class FieldKind : uint8_t {\n";
  for (StringRef kind : kIndexKinds)
    os << "  " << kind << ",\n";
  for (const Enumeration *enumeration : set.fieldEnumerations())
    os << "  " << enumeration->name << ",\n";
  os << "};\n\n/// Whether a field of that kind may hold `value`. Indices are checked where the "
        "program is known.\nconstexpr bool isEncodable(FieldKind kind, uint64_t value) {\n"
        "  switch (kind) {\n";
  for (StringRef kind : kIndexKinds)
    os << "  case FieldKind::" << kind << ":\n";
  os << "    return true;\n";
  for (const Enumeration *enumeration : set.fieldEnumerations())
    os << "  case FieldKind::" << enumeration->name << ":\n    return isEnumerator<"
       << enumeration->name << ">(value);\n";
  os << "  }\n  return false;\n}\n\n";
}

void emitDimensions(const CommandSet &set, raw_ostream &os) {
  os << "/// What a dimension of a launch's tensor counts.\nenum class Dimension : uint8_t {\n";
  for (StringRef dimension : set.dimensions)
    os << "  " << dimension << ",\n";
  os << "};\n\ninline constexpr size_t kNumDimensions = " << set.dimensions.size()
     << ";\n\n/// Name of a dimension.\nconstexpr std::string_view toString(Dimension dimension) "
        "{\n  constexpr std::string_view names[] = {\n";
  for (StringRef dimension : set.dimensions)
    os << "      \"" << dimension << "\",\n";
  os << "  };\n  return names[static_cast<size_t>(dimension)];\n}\n\n";
}

void emitTensors(ArrayRef<Tensor> tensors, StringRef name, raw_ostream &os) {
  os << "namespace detail {\n";
  for (const Tensor &tensor : tensors) {
    os << "inline constexpr TensorDimension dimensionsOf" << tensor.symbol << "[] = {\n";
    for (const Dimension &dimension : tensor.dimensions)
      os << "    {Dimension::" << dimension.name << ", " << (dimension.mayBeOne ? "true" : "false")
         << "},\n";
    os << "};\n";
  }
  os << "} // namespace detail\n\ninline constexpr std::array<LaunchTensor, " << tensors.size()
     << "> " << name << "{{\n";
  for (const Tensor &tensor : tensors)
    os << "    {\"" << tensor.name << "\", ElementType::" << tensor.hostElement
       << ", ElementType::" << tensor.deviceElement << ", detail::dimensionsOf" << tensor.symbol
       << ", " << (tensor.isOptional ? "true" : "false") << ", " << tensor.since << ", \""
       << tensor.kind << "\", \"" << tensor.partner << "\"},\n";
  os << "}};\n\n";
}

void emitInputs(const CommandSet &set, raw_ostream &os) {
  emitDimensions(set, os);
  os << "/// The tensors that a launch brings, by MemoryRegion: first the required ones.\n";
  emitTensors(set.inputs, "launchInputs", os);
  os << "/// The tensors that a launch derives: a number a head.\n";
  emitTensors(set.headParameters, "headTensors", os);
  std::vector<StringRef> optional;
  for (const Tensor &input : set.inputs)
    if (input.isOptional)
      optional.push_back(input.name);
  os << "/// Of `launchInputs`, how many each launch brings.\n"
        "inline constexpr size_t kNumRequiredInputs = "
     << set.inputs.size() - optional.size()
     << ";\n\n/// Dimensions of the input that has most.\ninline constexpr size_t kMaxInputRank = "
     << max_element(set.inputs,
                    [](const Tensor &lhs, const Tensor &rhs) {
                      return lhs.dimensions.size() < rhs.dimensions.size();
                    })
            ->dimensions.size()
     << ";\n\n/// Names of the others, for messages.\n"
        "inline constexpr std::string_view optionalInputNames = \""
     << join(ArrayRef(optional).drop_back(), ", ") << " and " << optional.back() << "\";\n\n";
}

void emitVersions(const CommandSet &set, raw_ostream &os) {
  os << "/// Newest version of the command stream of which a record says that it is the first to "
        "have "
        "it.\ninline constexpr uint32_t kNewestVersion = "
     << set.newestVersion()
     << ";\n\n/// Versions of the values of enumerations.\n"
        "inline constexpr EnumerantInfo enumerantInfos[] = {\n";
  for (const Enumeration &enumeration : set.enumerations)
    for (const Enumerant &enumerant : enumeration.enumerants)
      os << "    {\"" << enumeration.name << "\", \"" << enumerant.text << "\", " << enumerant.value
         << ", " << enumerant.since << "},\n";
  os << "};\n\n/// Name of the enumeration that a field of that kind holds; that of an index for "
        "other kinds.\nconstexpr std::string_view toString(FieldKind kind) {\n  switch (kind) {\n";
  for (StringRef kind : kIndexKinds)
    os << "  case FieldKind::" << kind << ":\n    return \"" << kind << "\";\n";
  for (const Enumeration *enumeration : set.fieldEnumerations())
    os << "  case FieldKind::" << enumeration->name << ":\n    return \"" << enumeration->name
       << "\";\n";
  os << "  }\n  return {};\n}\n\n";
}

void emitParameters(const CommandSet &set, raw_ostream &os) {
  os << "/// A number that a launch brings along or that the compiler fixed.\n"
        "enum class LaunchParameter : uint8_t {\n";
  for (const Parameter &parameter : set.parameters)
    os << "  " << comment(parameter.summary) << "  " << parameter.name << ",\n";
  os << "};\n\ninline constexpr size_t kNumLaunchParameters = " << set.parameters.size()
     << ";\n\n/// Launch parameters, by LaunchParameter.\n"
        "inline constexpr std::array<LaunchParameterInfo, kNumLaunchParameters> "
        "launchParameters{{\n";
  for (const Parameter &parameter : set.parameters) {
    os << "    {\"" << parameter.text << "\", ";
    for (StringRef dimension : {parameter.dimension, parameter.divisor})
      os << (dimension.empty() ? "std::nullopt" : ("Dimension::" + dimension).str()) << ", ";
    os << parameter.since << "},\n";
  }
  os << "}};\n\n/// The launch parameters of one launch.\nstruct LaunchSizes {\n";
  for (const Parameter &parameter : set.parameters)
    os << "  " << comment(parameter.summary) << "  int64_t "
       << convertToCamelFromSnakeCase(parameter.text) << " = "
       << (parameter.divisor.empty() ? 0 : 1) << ";\n";
  os << "};\n\n/// Its members, by LaunchParameter.\ninline constexpr std::array<int64_t "
        "LaunchSizes::*, kNumLaunchParameters> launchSizeMembers{\n";
  for (const Parameter &parameter : set.parameters)
    os << "    &LaunchSizes::" << convertToCamelFromSnakeCase(parameter.text) << ",\n";
  os << "};\n\n";
}

void emitStruct(const Command &command, raw_ostream &os) {
  os << comment(command.summary) << "struct " << command.name
     << "Command {\n  static constexpr Opcode opcode = Opcode::" << command.name << ";\n";
  for (const Field &field : command.fields)
    os << "  " << comment(field.summary) << "  " << fieldType(field) << " " << fieldName(field)
       << "{};\n";
  os << "  bool operator==(const " << command.name << "Command &) const = default;\n};\n\n";
}

void emitInfos(const CommandSet &set, raw_ostream &os) {
  os << "namespace detail {\n";
  for (const Command &command : set.commands) {
    if (command.fields.empty())
      continue;
    os << "inline constexpr CommandField fieldsOf" << command.name << "[] = {\n";
    for (const Field &field : command.fields)
      os << "    {\"" << field.name << "\", FieldKind::" << field.kind
         << ", FieldRole::" << field.role << ", " << field.offset << ", " << field.width << ", "
         << field.since << "},\n";
    os << "};\n";
  }
  os << "} // namespace detail\n\n/// All commands, in the order of their opcodes.\n"
        "inline constexpr CommandInfo commandInfos[] = {\n";
  for (const Command &command : set.commands) {
    auto bits = [](const std::vector<const Enumerant *> &enumerants) {
      uint64_t result = 0;
      for (const Enumerant *enumerant : enumerants)
        result |= uint64_t(1) << enumerant->value;
      return format_hex(result, 4);
    };
    os << "    {Opcode::" << command.name << ", \"" << command.mnemonic << "\", "
       << bits(command.units) << ", " << bits(command.reads) << ", ";
    if (command.fields.empty())
      os << "{}";
    else
      os << "detail::fieldsOf" << command.name;
    os << ", " << command.since << "},\n";
  }
  os << "};\n\n";
}

void emitEncoder(const Command &command, raw_ostream &os) {
  os << "constexpr CommandWord encode(const " << command.name << "Command &"
     << (command.fields.empty() ? "" : "command") << ") {\n  CommandWord word{"
     << format_hex(command.opcode, 4) << ", 0};\n";
  for (const Field &field : command.fields)
    os << "  writeBits(word, " << field.offset << ", " << field.width
       << ", static_cast<uint64_t>(command." << fieldName(field) << "));\n";
  os << "  return word;\n}\n\n";
}

void emitDecoder(const CommandSet &set, raw_ostream &os) {
  os << "inline std::optional<Command> decode(CommandWord word) {\n"
        "  const CommandInfo *info = checkedInfo(word);\n"
        "  if (!info)\n    return std::nullopt;\n  switch (info->opcode) {\n";
  for (const Command &command : set.commands) {
    os << "  case Opcode::" << command.name << ":\n    return " << command.name << "Command{";
    StringRef separator = "\n        ";
    for (const Field &field : command.fields) {
      os << separator << fieldType(field) << "(readBits(word, " << field.offset << ", "
         << field.width << "))";
      separator = ",\n        ";
    }
    os << "};\n";
  }
  os << "  }\n  return std::nullopt;\n}\n\n";
}

void emitRuntimeCommands(const RecordKeeper &records, raw_ostream &os) {
  CommandSet set(records);
  emitSourceFileHeader("Commands of the machine", os, records);
  os << "namespace sprint {\n\n";
  if (const Enumeration *units = set.findEnumeration("MachineUnit"))
    emitEnumeration(*units, os);
  for (const Enumeration *enumeration : set.fieldEnumerations())
    emitEnumeration(*enumeration, os);
  emitFieldKinds(set, os);
  emitVersions(set, os);
  emitInputs(set, os);
  emitParameters(set, os);

  os << "enum class Opcode : uint8_t {\n";
  for (const Command &command : set.commands)
    os << "  " << command.name << " = " << format_hex(command.opcode, 4) << ",\n";
  os << "};\n\n";
  emitInfos(set, os);
  for (const Command &command : set.commands)
    emitStruct(command, os);

  os << "/// A command, decoded.\nusing Command = std::variant<\n    ";
  StringRef separator = "";
  for (const Command &command : set.commands) {
    os << separator << command.name << "Command";
    separator = ",\n    ";
  }
  os << ">;\n\n";
  for (const Command &command : set.commands)
    emitEncoder(command, os);
  emitDecoder(set, os);
  os << "} // namespace sprint\n";
}

TableGen::Emitter::Opt registration("gen-runtime-commands", emitRuntimeCommands,
                                    "Generate the runtime's commands: types, encoder, decoder");

} // namespace
