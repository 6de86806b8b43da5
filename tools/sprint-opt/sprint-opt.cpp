//===- sprint-opt.cpp - Runs passes on modules ----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Pipelines/Pipelines.h"
#include "Sprint/Support/Version.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::sprint::registerDebugCLOptions();
  mlir::sprint::registerVersion();
  mlir::registerAllPasses();
  mlir::sprint::registerAllPasses();
  mlir::DialectRegistry registry;
  mlir::sprint::registerAllDialects(registry);
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Sprint optimizer driver\n", registry));
}
