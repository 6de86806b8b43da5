//===- Execution.h - Runs upstream tensor IR -------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a function of upstream dialects on tensors for the host and runs it on tensors in
// memory.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_EXECUTION_EXECUTION_H
#define SPRINT_EXECUTION_EXECUTION_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mlir {
class DialectRegistry;
class ExecutionEngine;
class PassManager;
} // namespace mlir

namespace mlir::sprint {

/// Element types that cross the boundary of a function. `I1` takes a byte, 0 or 1; `Index` is 64
/// bits; a complex number is its real part, then its imaginary part.
enum class ElementType : uint8_t {
  I1,
  I8,
  I16,
  I32,
  I64,
  Index,
  F16,
  BF16,
  F32,
  F64,
  ComplexF32,
  ComplexF64
};

/// Name in MLIR's syntax.
StringRef stringifyElementType(ElementType type);

/// The type that MLIR's type is; nothing for another one.
std::optional<ElementType> getElementType(Type type);

/// Bytes of an element.
size_t getElementSize(ElementType type);

/// Type of an argument or result of a function. A number that is in no tensor has rank 0.
struct Signature {
  ElementType elementType;
  /// Sizes, or ShapedType::kDynamic.
  SmallVector<int64_t> shape;

  /// Whether a tensor of these sizes is one.
  bool holds(ArrayRef<int64_t> sizes) const;
};

/// What a ranked tensor of an ElementType, or such a number, is at the boundary of a function;
/// nothing for another type.
std::optional<Signature> getSignature(Type type);

/// The signatures of `types`, which are those of the arguments or results of `function`; `what`
/// says which. Fails with a diagnostic on a type that has none.
FailureOr<SmallVector<Signature>> getSignatures(Operation *function, StringRef what,
                                                TypeRange types);

/// A row-major tensor in host memory that somebody else owns.
struct TensorRef {
  ElementType elementType;
  ArrayRef<int64_t> shape;
  const void *data;
};

/// A row-major tensor in host memory.
struct HostTensor {
  ElementType elementType;
  SmallVector<int64_t> shape;
  std::vector<std::byte> data;

  /// The elements; T has the size of the element type.
  template <typename T> ArrayRef<T> getElements() const {
    return ArrayRef<T>(reinterpret_cast<const T *>(data.data()), data.size() / sizeof(T));
  }
};

/// A C function that compiled code calls.
struct HostSymbol {
  /// With the prefix `_mlir_ciface_` where the function is declared with `llvm.emit_c_interface`.
  std::string name;
  void *address;
};

/// Registers what `Executable` needs beside the dialects of the IR.
void registerExecution(DialectRegistry &registry);

/// Ends the `Executable::run` that called the caller with this error; other tensors of the run are
/// freed. Only for functions that compiled code calls. Destructors in the frames between do not
/// run.
[[noreturn]] void failExecution(const char *message);

/// A function compiled for the host. Its arithmetic is that of the IR, without contraction or
/// reassociation of floats, but for two exceptions:
/// - sums of products of floats (matrix products, convolutions, generics that are one) are computed
///   by BLAS, in its order, in f64 where the result is and in f32 otherwise, and rounded once;
/// - exp, erf and tanh of f32 are polynomials with a relative error of at most 3e-7 (5 units in the
///   last place); below the least normal number exp gives 0.
/// bf16, and f16 in math functions, are computed in f32 and rounded after each operation.
///
/// A failed `cf.assert`, sizes that disagree at run time, slices and indices out of bounds,
/// divisions by zero and a lack of memory end the run with an error.
class Executable {
public:
  /// Compiles function `entry` of a copy of `module`, and what it reaches; other symbols of the
  /// module are dropped, whatever their dialect. Arguments and results have to be ranked tensors of
  /// an ElementType, or such numbers, which are passed as tensors of rank 0. Recursion, and ops
  /// that are not bound to tensors (LLVM's, memory on the stack), are refused. Failures are
  /// diagnostics at the place in the module. Large constants are read where the context has them,
  /// so the context has to outlive the executable. `configure`, if given, is called on each pass
  /// manager before passes are added to it: to print IR or measure time, say.
  static FailureOr<std::unique_ptr<Executable>>
  compile(ModuleOp module, StringRef entry, ArrayRef<HostSymbol> symbols = {},
          function_ref<LogicalResult(PassManager &)> configure = {});
  ~Executable();

  /// Runs the function. Inputs, in the order of the arguments, are not written to. An error names
  /// the first input of wrong element type, rank or size, or tells what failed in the function.
  llvm::Expected<std::vector<HostTensor>> run(ArrayRef<TensorRef> inputs);

private:
  using EntryPoint = void (*)(const int64_t *inputs, int64_t *outputs);

  Executable() = default;

  llvm::Error checkInputs(ArrayRef<TensorRef> inputs) const;

  SmallVector<Signature> arguments, results;
  std::unique_ptr<ExecutionEngine> engine;
  EntryPoint entryPoint = nullptr;
};

} // namespace mlir::sprint

#endif // SPRINT_EXECUTION_EXECUTION_H
