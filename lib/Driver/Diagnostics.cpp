//===- Diagnostics.cpp - Diagnostics as values ----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Driver/Diagnostics.h"

#include "SprintRuntime/Messages.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::sprint;

char CompileError::ID;

std::string mlir::sprint::describeLocation(Location location) {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto place = location->findInstanceOf<FileLineColLoc>();
  if (!place) {
    os << location;
    return text;
  }
  os << ::sprint::oneLine(place.getFilename().str()) << ":" << place.getLine() << ":"
     << place.getColumn();
  if (auto named = location->findInstanceOf<NameLoc>())
    (os << " (").write_escaped(named.getName().getValue()) << ")";
  return text;
}

CompilerDiagnostic::CompilerDiagnostic(const Diagnostic &diagnostic)
    : severity(diagnostic.getSeverity()), location(describeLocation(diagnostic.getLocation())),
      message(diagnostic.str()) {
  for (const Diagnostic &note : diagnostic.getNotes())
    notes.emplace_back(note);
}

static StringRef describe(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Note:
    return "note";
  case DiagnosticSeverity::Warning:
    return "warning";
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Remark:
    return "remark";
  }
  llvm_unreachable("all severities are handled");
}

void CompilerDiagnostic::print(raw_ostream &os) const {
  os << location << ": " << describe(severity) << ": " << message;
  for (const CompilerDiagnostic &note : notes)
    note.print(os << "\n");
}

void CompileError::log(raw_ostream &os) const {
  llvm::interleave(
      diagnostics, os, [&](const CompilerDiagnostic &diagnostic) { diagnostic.print(os); }, "\n");
}

ErrorCollector::ErrorCollector(MLIRContext *context)
    : handler(context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
          diagnostics.emplace_back(diagnostic);
        return failure();
      }) {}

llvm::Error ErrorCollector::takeError() {
  // A pass may fail without a word.
  if (diagnostics.empty())
    return llvm::createStringError("the compiler failed without a diagnostic");
  return llvm::make_error<CompileError>(std::exchange(diagnostics, {}));
}
