//===- sprint-plugin.cpp - The dialects and passes as a plugin ------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What mlir-opt calls on --load-dialect-plugin and --load-pass-plugin.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Pipelines/Pipelines.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

extern "C" LLVM_ATTRIBUTE_WEAK ::mlir::DialectPluginLibraryInfo mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Sprint", SPRINT_VERSION,
          [](mlir::DialectRegistry *registry) { mlir::sprint::registerSprintDialects(*registry); }};
}

extern "C" LLVM_ATTRIBUTE_WEAK ::mlir::PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Sprint", SPRINT_VERSION, mlir::sprint::registerAllPasses};
}
