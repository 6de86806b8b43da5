//===- Compiled.h - IR text that tests run -----------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_UNITTESTS_EXECUTION_COMPILED_H
#define SPRINT_UNITTESTS_EXECUTION_COMPILED_H

#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Dialect/TMTensor/IR/TMTensor.h"
#include "Sprint/Execution/Execution.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include "gtest/gtest.h"

#include <vector>

namespace mlir::sprint::testing {

template <typename T> constexpr ElementType elementTypeOf() {
  if constexpr (std::is_same_v<T, float>)
    return ElementType::F32;
  else if constexpr (std::is_same_v<T, double>)
    return ElementType::F64;
  else if constexpr (std::is_same_v<T, _Float16>)
    return ElementType::F16;
  else if constexpr (std::is_same_v<T, bool>)
    return ElementType::I1;
  else if constexpr (sizeof(T) == 1)
    return ElementType::I8;
  else if constexpr (sizeof(T) == 2)
    return ElementType::I16;
  else if constexpr (sizeof(T) == 4)
    return ElementType::I32;
  else
    return ElementType::I64;
}

/// A tensor and its elements.
template <typename T> struct Tensor {
  std::vector<int64_t> shape;
  std::vector<T> elements;

  TensorRef ref() const { return {elementTypeOf<T>(), shape, elements.data()}; }
};

/// Function @main of a module, lowered by convert-sprint-to-linalg and convert-tm-tensor-to-linalg
/// and compiled.
class Compiled {
public:
  explicit Compiled(StringRef text, ArrayRef<HostSymbol> symbols = {},
                    function_ref<LogicalResult(PassManager &)> configure = {})
      : context(makeRegistry()),
        handler(&context, [this](Diagnostic &diagnostic) { errors += diagnostic.str() + "\n"; }) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context, "test.mlir");
    if (!module)
      return;
    PassManager passManager(&context);
    passManager.addPass(createConvertSprintToLinalg());
    passManager.addPass(createConvertTMTensorToLinalg());
    if (failed(passManager.run(*module)))
      return;
    FailureOr<std::unique_ptr<Executable>> compiled =
        Executable::compile(*module, "main", symbols, configure);
    if (succeeded(compiled))
      executable = std::move(*compiled);
  }

  /// Results, or none and a failed test.
  std::vector<HostTensor> run(ArrayRef<TensorRef> inputs) {
    if (!executable) {
      ADD_FAILURE() << errors;
      return {};
    }
    llvm::Expected<std::vector<HostTensor>> results = executable->run(inputs);
    if (!results) {
      ADD_FAILURE() << llvm::toString(results.takeError());
      return {};
    }
    return std::move(*results);
  }

  /// What went wrong in compiling or running.
  std::string runToError(ArrayRef<TensorRef> inputs) {
    if (!executable)
      return errors;
    llvm::Expected<std::vector<HostTensor>> results = executable->run(inputs);
    return results ? "" : llvm::toString(results.takeError());
  }

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registry.insert<SprintDialect, arith::ArithDialect, bufferization::BufferizationDialect,
                    cf::ControlFlowDialect, func::FuncDialect, linalg::LinalgDialect,
                    math::MathDialect, memref::MemRefDialect, scf::SCFDialect,
                    tensor::TensorDialect, tm_tensor::TMTensorDialect>();
    registerExecution(registry);
    return registry;
  }

  MLIRContext context;
  std::string errors;
  ScopedDiagnosticHandler handler;
  std::unique_ptr<Executable> executable;
};

/// The elements of a result.
template <typename T> std::vector<T> elementsOf(const HostTensor &tensor) {
  EXPECT_EQ(tensor.elementType, elementTypeOf<T>());
  ArrayRef<T> elements = tensor.getElements<T>();
  return {elements.begin(), elements.end()};
}

} // namespace mlir::sprint::testing

#endif // SPRINT_UNITTESTS_EXECUTION_COMPILED_H
