//===- sprint-tblgen.cpp - Generates code from command records ------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/TableGen/Main.h"

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::cl::ParseCommandLineOptions(argc, argv, "Generator of the Sprint project's command code\n");
  // Without a function of its own it runs the generator that the options select.
  return llvm::TableGenMain(argv[0], llvm::MultiFileTableGenMainFn());
}
