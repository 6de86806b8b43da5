//===- compile.cpp - Compiles a model to a command stream -----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// usage: compile MODEL STREAM.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Pipelines/Pipelines.h"
#include "Sprint/Target/CommandStream.h"
#include "SprintRuntime/OutputFiles.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;

static LogicalResult compile(StringRef model, StringRef path) {
  DialectRegistry registry;
  mlir::sprint::registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(model, &context);
  if (!module)
    return failure();
  PassManager passes(&context);
  mlir::sprint::buildCompilePipeline(passes, mlir::sprint::CompileOptions());
  if (failed(passes.run(*module)))
    return failure();
  FailureOr<::sprint::CommandStream> stream = sprint_isa::translateToCommandStream(*module);
  if (failed(stream))
    return failure();
  std::vector<uint8_t> bytes = ::sprint::serialize(*stream);
  ::sprint::OutputFiles files;
  std::string error;
  return success(files.add(path.str(), "", std::as_bytes(std::span(bytes)), error) &&
                 files.commit(error));
}

int main(int argc, char **argv) { return argc != 3 || failed(compile(argv[1], argv[2])); }
