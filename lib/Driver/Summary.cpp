//===- Summary.cpp - A report as a table ----------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Driver/Runs.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace mlir::sprint;

/// A fraction as percent.
static std::string percent(double fraction) { return llvm::formatv("{0:F2} %", fraction * 100); }

/// Cycles as a whole number, its thousands apart.
static std::string wholeCycles(double cycles) {
  return llvm::formatv("{0:N}", static_cast<int64_t>(std::llround(cycles)));
}

/// An energy in microjoules.
static std::string microjoules(double picojoules) {
  return llvm::formatv("{0:F2}", picojoules * 1e-6);
}

using LengthOfShape = int64_t(::sprint::LaunchShape::*);

/// A length, or the range of several.
static std::string lengths(ArrayRef<const ::sprint::LaunchReport *> launches,
                           LengthOfShape length) {
  int64_t least = launches.front()->dimensions.*length, most = least;
  for (const ::sprint::LaunchReport *launch : launches) {
    least = std::min(least, launch->dimensions.*length);
    most = std::max(most, launch->dimensions.*length);
  }
  return least == most ? std::to_string(least) : std::to_string(least) + "-" + std::to_string(most);
}

void mlir::sprint::printSummary(raw_ostream &os, ArrayRef<ProgramInfo> programs,
                                const ::sprint::RunReport &report, ArrayRef<std::string> remarks) {
  static constexpr const char *kRow = "{0} {1,-34} {2,-16} {3,10} {4,14} {5,14} {6,12}\n";
  size_t width = 20;
  for (const ProgramInfo &program : programs)
    width = std::max(width, program.name.size());
  auto first = [&](StringRef text) { return llvm::left_justify(text, width); };
  using Shape = ::sprint::LaunchShape;
  if (!report.attentions.empty())
    os << llvm::formatv(kRow, first("attention"), "heads x queries x keys x channels", "masks",
                        "pruned", "cycles", "resident", "energy, uJ");
  std::vector<std::string> notes;
  for (const ProgramInfo &program : programs) {
    std::vector<::sprint::LaunchReport> ofProgram;
    for (const ::sprint::LaunchReport &launch : report.attentions)
      if (launch.program == program.name)
        ofProgram.push_back(launch);
    if (ofProgram.empty()) {
      notes.push_back(program.name + ": was not reached");
      continue;
    }
    auto pointers = llvm::map_to_vector(
        ofProgram, [](const ::sprint::LaunchReport &launch) { return &launch; });
    const Shape &sizes = ofProgram.front().dimensions;
    std::string heads = std::to_string(sizes.batches * sizes.heads);
    if (sizes.group != 1)
      heads += "/" + std::to_string(sizes.batches * sizes.keyHeads());
    std::string shape =
        llvm::formatv("{0} x {1} x {2} x {3}", heads, lengths(pointers, &Shape::queries),
                      lengths(pointers, &Shape::keys), sizes.headDim);
    ::sprint::Statistics statistics = ::sprint::sumStatistics(ofProgram);
    os << llvm::formatv(kRow, first(program.name), shape, program.masks,
                        percent(statistics.prunedFraction()), wholeCycles(statistics.cycles),
                        wholeCycles(statistics.cyclesResident),
                        microjoules(statistics.totalEnergy()));
    if (statistics.hostQuadraticBytes != 0)
      notes.push_back(llvm::formatv(
          "{0}: {1:N} bytes of masks and biases with a row for each query come from the host",
          program.name, statistics.hostQuadraticBytes));
  }
  ::sprint::Statistics total = ::sprint::sumStatistics(report.attentions);
  if (total.clampedBiases != 0)
    notes.push_back(llvm::formatv("{0} biases of allowed scores at the bound of their codes",
                                  total.clampedBiases));
  if (total.rowsMaskedByBias != 0)
    notes.push_back(llvm::formatv("{0} rows without a key, as every finite bias masks",
                                  total.rowsMaskedByBias));
  llvm::append_range(notes, remarks);
  for (const std::string &note : notes)
    os << note << "\n";
  for (const ::sprint::HostReport &host : report.host)
    os << host.location << ": " << host.reason << "\n";
  auto printBaseline = [&] {
    ::sprint::Statistics pruned = ::sprint::sumStatistics(report.attentions);
    ::sprint::Statistics dense = ::sprint::sumStatistics(*report.baseline);
    os << llvm::formatv(kRow, first("dense baseline"), "", "", "", wholeCycles(dense.cycles),
                        wholeCycles(dense.cyclesResident), microjoules(dense.totalEnergy()));
    auto ratio = [](double a, double b) -> std::string { return llvm::formatv("{0:F2}x", a / b); };
    os << llvm::formatv(kRow, first("better by"), "", "", "", ratio(dense.cycles, pruned.cycles),
                        ratio(dense.cyclesResident, pruned.cyclesResident),
                        ratio(dense.totalEnergy(), pruned.totalEnergy()));
  };
  if (!report.attentions.empty() && report.baseline)
    printBaseline();
}
