//===- Help.cpp - What tools say of themselves ----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Support/Help.h"
#include "Sprint/Support/IRFiles.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

bool mlir::sprint::asksForHelp(int argc, char **argv) {
  for (StringRef argument : llvm::ArrayRef(argv, argc).drop_front()) {
    if (argument == "--")
      return false;
    if (argument == "--help" || argument == "-help" || argument == "-h")
      return true;
  }
  return false;
}

llvm::Error mlir::sprint::printHelp(StringRef help) {
  llvm::outs() << help.trim()
               << "\n\n"
                  "  --version      the versions of Sprint and of LLVM\n"
                  "  --help-hidden  all options, those of MLIR and of LLVM among them\n";
  return flushOuts();
}
