//===- Version.cpp - What tools say of themselves -------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Support/Version.h"
#include "Sprint/Config/sprint-config.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

/// Where bugs are reported, and with what.
#define SPRINT_BUG_REPORT                                                                          \
  "to the issue tracker of the Sprint project, with the command line, the input and the stack"

void mlir::sprint::printVersion(raw_ostream &os) {
  os << "Sprint version " SPRINT_VERSION_STRING "\n"
     << "LLVM version " LLVM_VERSION_STRING "\n"
     << "Please submit bug reports " SPRINT_BUG_REPORT " of a crash.\n";
}

void mlir::sprint::registerVersion() {
  llvm::cl::SetVersionPrinter(printVersion);
  llvm::setBugReportMsg("PLEASE submit a bug report " SPRINT_BUG_REPORT " below.\n");
}
