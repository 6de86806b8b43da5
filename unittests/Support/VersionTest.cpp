//===- VersionTest.cpp - What a crash asks for ----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Support/Version.h"

#include "llvm/Support/InitLLVM.h"
#include "gtest/gtest.h"

#include <cstdlib>

using namespace mlir::sprint;

/// Crashes as a tool does.
[[noreturn]] static void crash() {
  int argc = 1;
  const char *name = "tool", **argv = &name;
  llvm::InitLLVM init(argc, argv);
  registerVersion();
  std::abort();
}

TEST(VersionTest, CrashesAskForReports) {
  EXPECT_DEATH(crash(),
               "submit a bug report to the issue tracker of the Sprint project(.|\n)*Stack dump");
}
