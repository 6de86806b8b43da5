//===- MachineAttributes.cpp - Machines and their costs as attributes -----===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both are made from the rows of SprintRuntime/MachineFields.h.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/IR/MachineAttributes.h"
#include "SprintRuntime/MachineFields.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::sprint;

using ::sprint::kEnergyFields;
using ::sprint::kStructureFields;
using ::sprint::kTimingFields;
using ::sprint::MachineField;

/// The numbers of `section`, a row each.
template <typename Section, typename Number, size_t count>
static SmallVector<Number> toNumbers(const MachineField<Section, Number> (&fields)[count],
                                     const Section &section) {
  return llvm::map_to_vector(fields, [&](const auto &field) { return field.access.get(section); });
}

template <typename Section, typename Number, size_t count>
static Section toSection(const MachineField<Section, Number> (&fields)[count],
                         ArrayRef<Number> numbers) {
  Section section{};
  for (auto [field, number] : llvm::zip_equal(fields, numbers))
    field.access.set(section, number);
  return section;
}

//===----------------------------------------------------------------------===//
// Printing and parsing
//===----------------------------------------------------------------------===//

template <typename Section, typename Number, size_t count>
static void printNumbers(AsmPrinter &printer, const MachineField<Section, Number> (&fields)[count],
                         ArrayRef<Number> numbers) {
  llvm::interleaveComma(llvm::zip_equal(fields, numbers), printer, [&](auto pair) {
    const auto &[field, number] = pair;
    printer << field.name << " = ";
    if constexpr (std::is_floating_point_v<Number>)
      printer.printFloat(APFloat(number));
    else if (field.words.empty())
      printer << number;
    else
      printer << field.words[number];
  });
}

/// Parses the number of `field`, or the word that stands for it.
template <typename Section, typename Number>
static ParseResult parseNumber(AsmParser &parser, const MachineField<Section, Number> &field,
                               Number &number) {
  SMLoc location = parser.getCurrentLocation();
  if constexpr (std::is_floating_point_v<Number>) {
    if (parser.parseFloat(number))
      return failure();
  } else if (!field.words.empty()) {
    StringRef word;
    if (parser.parseKeyword(&word))
      return failure();
    auto found = llvm::find(field.words, word);
    if (found == field.words.end())
      return parser.emitError(location) << "expected " << field.name << " to be "
                                        << llvm::join(field.words, " or ") << ", got " << word;
    number = std::distance(field.words.begin(), found);
  } else if (parser.parseInteger(number)) {
    return failure();
  }
  if (std::string error = field.check(number); !error.empty())
    return parser.emitError(location) << error;
  return success();
}

/// Parses `name = number`, in any order and separated by commas, for each row once; later ones may
/// be left out.
template <typename Section, typename Number, size_t count>
static ParseResult parseNumbers(AsmParser &parser,
                                const MachineField<Section, Number> (&fields)[count],
                                AsmParser::Delimiter delimiter, SmallVector<Number> &numbers) {
  numbers.resize(count);
  llvm::BitVector isGiven(count);
  auto parseEntry = [&]() -> ParseResult {
    SMLoc location = parser.getCurrentLocation();
    StringRef name;
    if (parser.parseKeyword(&name))
      return failure();
    const auto *field = llvm::find_if(fields, [&](const auto &row) { return name == row.name; });
    if (field == std::end(fields))
      return parser.emitError(location)
             << "expected a parameter of the machine, got '" << name << "'";
    size_t index = std::distance(fields, field);
    if (isGiven.test(index))
      return parser.emitError(location) << "expected '" << name << "' once, got it again";
    isGiven.set(index);
    return failure(parser.parseEqual() || parseNumber(parser, *field, numbers[index]));
  };
  if (parser.parseCommaSeparatedList(delimiter, parseEntry))
    return failure();
  for (auto [index, field] : llvm::enumerate(fields)) {
    if (isGiven.test(index))
      continue;
    if (!field.defaultValue)
      return parser.emitError(parser.getCurrentLocation())
             << "expected parameter '" << field.name << "', got none";
    numbers[index] = *field.defaultValue;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// MachineAttr
//===----------------------------------------------------------------------===//

MachineAttr mlir::sprint::makeMachineAttr(MLIRContext *context, StringRef name,
                                          const ::sprint::Structure &structure) {
  return MachineAttr::get(context, name, toNumbers(kStructureFields, structure));
}

::sprint::Structure mlir::sprint::getStructure(MachineAttr machine) {
  return toSection(kStructureFields, machine.getNumbers());
}

std::string MachineAttr::getStructureHash() const {
  return ::sprint::hashStructure(getStructure(*this));
}

Attribute MachineAttr::parse(AsmParser &parser, Type) {
  SMLoc location = parser.getCurrentLocation();
  std::string name;
  SmallVector<int64_t> numbers;
  if (parser.parseLess() || parser.parseString(&name) || parser.parseComma() ||
      parseNumbers(parser, kStructureFields, AsmParser::Delimiter::None, numbers) ||
      parser.parseGreater())
    return {};
  return parser.getChecked<MachineAttr>(location, parser.getContext(), StringRef(name),
                                        ArrayRef<int64_t>(numbers));
}

void MachineAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printer.printString(getName());
  printer << ", ";
  printNumbers(printer, kStructureFields, getNumbers());
  printer << '>';
}

LogicalResult MachineAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef name,
                                  ArrayRef<int64_t> numbers) {
  if (name.empty())
    return emitError() << "expected the machine's name, got an empty string";
  if (numbers.size() != std::size(kStructureFields))
    return emitError() << "expected " << std::size(kStructureFields) << " parameters, got "
                       << numbers.size();
  if (auto fault = ::sprint::findFault(toSection(kStructureFields, numbers)))
    return emitError() << fault->message;
  return success();
}

//===----------------------------------------------------------------------===//
// CostsAttr
//===----------------------------------------------------------------------===//

CostsAttr mlir::sprint::makeCostsAttr(MLIRContext *context, const ::sprint::Machine &machine) {
  auto energies = [&](const ::sprint::Energy &energy) {
    return DenseF64ArrayAttr::get(context, toNumbers(kEnergyFields, energy));
  };
  return CostsAttr::get(
      context, DenseF64ArrayAttr::get(context, toNumbers(kTimingFields, machine.timing)),
      energies(machine.energy), energies(machine.lowEnergy), energies(machine.highEnergy));
}

::sprint::Machine mlir::sprint::makeMachine(MachineAttr machine, CostsAttr costs) {
  auto toEnergy = [](DenseF64ArrayAttr numbers) {
    return toSection(kEnergyFields, numbers.asArrayRef());
  };
  ::sprint::Machine result{};
  result.name = machine.getName().str();
  result.structure = getStructure(machine);
  result.timing = toSection(kTimingFields, costs.getTimingNumbers().asArrayRef());
  result.energy = toEnergy(costs.getEnergyNumbers());
  result.lowEnergy = toEnergy(costs.getLowEnergyNumbers());
  result.highEnergy = toEnergy(costs.getHighEnergyNumbers());
  return result;
}

/// Parses `, name = {...}`, energies of all rows.
static ParseResult parseEnergies(AsmParser &parser, StringRef name, SmallVector<double> &energies) {
  return failure(parser.parseComma() || parser.parseKeyword(name) || parser.parseEqual() ||
                 parseNumbers(parser, kEnergyFields, AsmParser::Delimiter::Braces, energies));
}

Attribute CostsAttr::parse(AsmParser &parser, Type) {
  SMLoc location = parser.getCurrentLocation();
  SmallVector<double> timing, energy;
  if (parser.parseLess() || parser.parseKeyword("timing") || parser.parseEqual() ||
      parseNumbers(parser, kTimingFields, AsmParser::Delimiter::Braces, timing) ||
      parseEnergies(parser, "energy", energy))
    return {};
  SmallVector<double> low = energy, high = energy;
  if (failed(parser.parseOptionalGreater()) &&
      (parseEnergies(parser, "low", low) || parseEnergies(parser, "high", high) ||
       parser.parseGreater()))
    return {};
  MLIRContext *context = parser.getContext();
  auto toAttr = [&](ArrayRef<double> numbers) { return DenseF64ArrayAttr::get(context, numbers); };
  return parser.getChecked<CostsAttr>(location, context, toAttr(timing), toAttr(energy),
                                      toAttr(low), toAttr(high));
}

void CostsAttr::print(AsmPrinter &printer) const {
  auto printSection = [&](StringRef name, const auto &fields, DenseF64ArrayAttr numbers) {
    printer << name << " = {";
    printNumbers(printer, fields, numbers.asArrayRef());
    printer << '}';
  };
  printer << '<';
  printSection("timing", kTimingFields, getTimingNumbers());
  printSection(", energy", kEnergyFields, getEnergyNumbers());
  if (getLowEnergyNumbers() != getEnergyNumbers() || getHighEnergyNumbers() != getEnergyNumbers()) {
    printSection(", low", kEnergyFields, getLowEnergyNumbers());
    printSection(", high", kEnergyFields, getHighEnergyNumbers());
  }
  printer << '>';
}

template <typename Section, size_t count>
static LogicalResult verifyNumbers(function_ref<InFlightDiagnostic()> emitError,
                                   const MachineField<Section, double> (&fields)[count],
                                   ArrayRef<double> numbers) {
  if (numbers.size() != count)
    return emitError() << "expected " << count << " parameters, got " << numbers.size();
  for (auto [field, number] : llvm::zip_equal(fields, numbers))
    if (std::string error = field.check(number); !error.empty())
      return emitError() << error;
  return success();
}

LogicalResult CostsAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                DenseF64ArrayAttr timing, DenseF64ArrayAttr energy,
                                DenseF64ArrayAttr low, DenseF64ArrayAttr high) {
  if (failed(verifyNumbers(emitError, kTimingFields, timing.asArrayRef())))
    return failure();
  for (DenseF64ArrayAttr energies : {energy, low, high})
    if (failed(verifyNumbers(emitError, kEnergyFields, energies.asArrayRef())))
      return failure();
  for (auto [field, typical, least, most] :
       llvm::zip_equal(kEnergyFields, energy.asArrayRef(), low.asArrayRef(), high.asArrayRef()))
    if (least > typical || typical > most)
      return emitError() << "expected " << field.name << " to lie between its low and its high";
  return success();
}
