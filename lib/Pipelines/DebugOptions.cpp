//===- DebugOptions.cpp - --debug and --debug-only ------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled with assertions, as LLVM's headers declare nothing of this without.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Pipelines/Pipelines.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Debug.h"

#include <optional>

void mlir::sprint::registerDebugCLOptions() {
  // An LLVM with assertions has them already.
  if (llvm::cl::getRegisteredOptions().contains("debug-only"))
    return;
  static llvm::cl::opt<bool, true> debug("debug", llvm::cl::desc("Show what matchers print"),
                                         llvm::cl::Hidden, llvm::cl::location(llvm::DebugFlag));
  static llvm::cl::list<std::string> debugOnly(
      "debug-only", llvm::cl::desc("Show what these matchers print"), llvm::cl::Hidden,
      llvm::cl::CommaSeparated, llvm::cl::value_desc("debug type"),
      llvm::cl::callback([](const std::string &) {
        llvm::DebugFlag = true;
        llvm::SmallVector<const char *> types;
        for (const std::string &type : debugOnly)
          types.push_back(type.c_str());
        llvm::setCurrentDebugTypes(types.data(), types.size());
      }));
}
