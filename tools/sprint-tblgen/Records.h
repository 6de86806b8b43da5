//===- Records.h - The records of the commands, checked ----------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the generators read of include/Sprint/Dialect/SprintISA/IR. Whatever would give a wrong
// encoding ends the run with an error at the record.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_TBLGEN_RECORDS_H
#define SPRINT_TBLGEN_RECORDS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/TableGen/Record.h"
#include <string>
#include <vector>

namespace sprint::tblgen {

/// Bits of a command word, and those of them that hold its opcode.
inline constexpr unsigned kWordBits = 128;
inline constexpr unsigned kOpcodeBits = 8;

/// Kinds of fields that index something of the program instead of naming an enumerant.
inline constexpr llvm::StringRef kIndexKinds[] = {"Expr", "OptionalExpr", "Queue", "IndexQueue"};

/// One value of an enumeration.
struct Enumerant {
  llvm::StringRef symbol;
  llvm::StringRef text;
  int64_t value;
  unsigned since;
};

/// An enumeration of the machine.
struct Enumeration {
  llvm::StringRef name;
  llvm::StringRef summary;
  std::vector<Enumerant> enumerants;
};

/// An operand of a command and its place in the word.
struct Field {
  llvm::StringRef name;
  llvm::StringRef kind;
  llvm::StringRef summary;
  /// A FieldRole of SprintRuntime/Commands.h.
  llvm::StringRef role;
  unsigned offset;
  unsigned width;
  unsigned since;
};

/// A command.
struct Command {
  /// Of its opcode and, with "Command" behind it, of its struct.
  std::string name;
  llvm::StringRef mnemonic;
  llvm::StringRef summary;
  llvm::StringRef description;
  unsigned opcode;
  /// Units that may run it; empty where every unit may.
  std::vector<const Enumerant *> units;
  std::vector<Field> fields;
  /// Regions that it reads beside those that its fields name.
  std::vector<const Enumerant *> reads;
  unsigned since;
};

/// A dimension of a tensor.
struct Dimension {
  llvm::StringRef name;
  /// Whether it may be 1 instead.
  bool mayBeOne;
};

/// A tensor that a program takes.
struct Tensor {
  llvm::StringRef symbol;
  llvm::StringRef name;
  llvm::StringRef summary;
  /// Names of the records of element types.
  llvm::StringRef hostElement;
  llvm::StringRef deviceElement;
  std::vector<Dimension> dimensions;
  bool isOptional;
  unsigned since;
  /// What tables of attentions say where there is one, or an empty string.
  llvm::StringRef kind;
  /// Name of the tensor that it comes with, or an empty string.
  llvm::StringRef partner;
};

/// A launch parameter.
struct Parameter {
  std::string name;
  llvm::StringRef text;
  llvm::StringRef summary;
  /// The dimension that it is the size of, and the one whose size divides that, or empty strings.
  llvm::StringRef dimension;
  llvm::StringRef divisor;
  unsigned since;
};

/// Everything the generators need.
struct CommandSet {
  explicit CommandSet(const llvm::RecordKeeper &records);
  /// `units` of commands point into `enumerations`.
  CommandSet(const CommandSet &) = delete;

  /// The enumeration of that name, or null.
  const Enumeration *findEnumeration(llvm::StringRef name) const;
  /// The newest version of the command stream of which a record says that it is the first to have
  /// it.
  unsigned newestVersion() const;
  /// Enumerations that are operands of commands, in the order of their records.
  std::vector<const Enumeration *> fieldEnumerations() const;

  std::vector<Enumeration> enumerations;
  /// What launches bring, by the numbers of their regions: first the required ones.
  std::vector<Tensor> inputs;
  /// What launches derive.
  std::vector<Tensor> headParameters;
  /// Names of the inputs' dimensions, in the order in which they are met first.
  std::vector<llvm::StringRef> dimensions;
  /// In the order of their indices.
  std::vector<Parameter> parameters;
  /// In the order of their opcodes.
  std::vector<Command> commands;
};

} // namespace sprint::tblgen

#endif // SPRINT_TBLGEN_RECORDS_H
