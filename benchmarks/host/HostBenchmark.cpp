//===- HostBenchmark.cpp - Times a model on the host ------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// sprint-host-benchmark MODEL.mlir REPETITIONS OUTPUT.npy INPUT.npy...
//
// Compiles @main for the host, without raising anything, and runs it again and again. Prints the
// seconds of parsing, of compiling and then of each run, one a line, and writes the first result,
// which is f32. For host.py, which checks what it passes.
//
//===----------------------------------------------------------------------===//

#include "Sprint/Execution/Execution.h"
#include "Sprint/Pipelines/Pipelines.h"
#include "SprintRuntime/Npy.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/WithColor.h"

#include <chrono>

using namespace mlir;
using namespace mlir::sprint;

static int fail(const Twine &message) {
  llvm::WithColor::error(llvm::errs(), "sprint-host-benchmark") << message << "\n";
  return 1;
}

/// Prints the seconds since `begin` and begins again.
static void printLap(std::chrono::steady_clock::time_point &begin) {
  auto now = std::chrono::steady_clock::now();
  llvm::outs() << std::chrono::duration<double>(now - begin).count() << "\n";
  begin = now;
}

int main(int argc, char **argv) {
  unsigned repetitions;
  if (argc < 4 || StringRef(argv[2]).getAsInteger(10, repetitions) || repetitions == 0)
    return fail("expected MODEL.mlir REPETITIONS OUTPUT.npy INPUT.npy...");

  std::string error;
  std::vector<::sprint::NpyArray> arrays;
  std::vector<TensorRef> inputs;
  for (const char *path : ArrayRef(argv + 4, argc - 4)) {
    std::optional<::sprint::NpyArray> array = ::sprint::readNpyArray(path, error);
    if (!array)
      return fail(error);
    if (array->type != ::sprint::NpyType::Int64 && array->type != ::sprint::NpyType::Float32)
      return fail(Twine(path) + ": expected int64 or float32, got " +
                  std::string(toString(array->type)));
    arrays.push_back(std::move(*array));
  }
  for (const ::sprint::NpyArray &array : arrays)
    inputs.push_back({array.type == ::sprint::NpyType::Int64 ? ElementType::I64 : ElementType::F32,
                      array.shape, array.data.data()});

  DialectRegistry registry;
  mlir::sprint::registerAllDialects(registry);
  registerExecution(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  auto lap = std::chrono::steady_clock::now();
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(argv[1], &context);
  if (!module)
    return 1;
  printLap(lap);
  FailureOr<std::unique_ptr<Executable>> executable = Executable::compile(*module, "main");
  if (failed(executable))
    return 1;
  printLap(lap);
  std::vector<HostTensor> results;
  for (unsigned repetition = 0; repetition < repetitions; ++repetition) {
    llvm::Expected<std::vector<HostTensor>> run = (*executable)->run(inputs);
    if (!run)
      return fail(llvm::toString(run.takeError()));
    printLap(lap);
    results = std::move(*run);
  }

  if (results.empty() || results[0].elementType != ElementType::F32)
    return fail("expected a first result of f32");
  ArrayRef<float> elements = results[0].getElements<float>();
  ::sprint::OutputFiles files;
  if (!::sprint::addNpy(files, argv[3], ArrayRef<int64_t>(results[0].shape),
                        std::span<const float>(elements.data(), elements.size()), error) ||
      !files.commit(error))
    return fail(error);
  return 0;
}
