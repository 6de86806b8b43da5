//===- sprint-run.cpp - Run a model on the machine ------------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "Options.h"
#include "Session.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/TargetSelect.h"

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  std::optional<mlir::sprint::RunOptions> options = mlir::sprint::parseRunOptions(argc, argv);
  return options && succeeded(mlir::sprint::runModel(*options)) ? EXIT_SUCCESS : EXIT_FAILURE;
}
