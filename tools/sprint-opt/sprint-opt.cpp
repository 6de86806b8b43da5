//===- sprint-opt.cpp - Runs passes on modules ----------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Pipelines/Pipelines.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Debug.h"

#ifndef NDEBUG
/// Adds LLVM's option for what LDBG says. A release build of LLVM has none, which does not keep a
/// debug build of this project from using it.
static void addDebugOption() {
  if (llvm::cl::getRegisteredOptions().contains("debug-only"))
    return;
  static llvm::SmallVector<std::string> types;
  static llvm::cl::list<std::string> option(
      "debug-only", llvm::cl::desc("Says what these passes find"), llvm::cl::CommaSeparated,
      llvm::cl::callback([](const std::string &type) {
        types.push_back(type);
        auto names = llvm::map_to_vector(
            types, [](std::string &type) -> const char * { return type.c_str(); });
        llvm::DebugFlag = true;
        llvm::setCurrentDebugTypes(names.data(), names.size());
      }));
}
#endif

int main(int argc, char **argv) {
#ifndef NDEBUG
  addDebugOption();
#endif
  mlir::registerAllPasses();
  mlir::sprint::registerAllPasses();
  mlir::DialectRegistry registry;
  mlir::sprint::registerAllDialects(registry);
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Sprint optimizer driver\n", registry));
}
