//===- TensorFiles.h - Tensors of a model in files ---------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NumPy's files and MLIR's element types: what stands in a file becomes the type that the model
// asks for, where that loses nothing but precision of floats.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DRIVER_TENSORFILES_H
#define SPRINT_DRIVER_TENSORFILES_H

#include "Sprint/Execution/Execution.h"
#include "SprintRuntime/OutputFiles.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace mlir::sprint {

/// A .npy file for a tensor.
struct TensorFile {
  std::string path;
  /// Whose sizes it has to have.
  Signature type;
  /// What the tensor is for, with which errors end.
  std::string place;
};

/// Reads a tensor: floats of any width as a float type, rounded to nearest, complex numbers
/// likewise, booleans and integers as an integer type that holds all of them. Errors begin with the
/// path.
llvm::Expected<HostTensor> readTensor(const TensorFile &file);
llvm::Expected<std::vector<HostTensor>> readTensors(ArrayRef<TensorFile> files);

/// Adds a tensor as a .npy file to the files of a run; bf16, which NumPy does not have, as f32.
llvm::Error addTensor(::sprint::OutputFiles &files, const std::string &path,
                      const HostTensor &tensor);

/// The elements as f64; of a complex number the real part, then the imaginary part.
std::vector<double> toDoubles(const HostTensor &tensor);

/// The .npy files that a command line option names: a folder stands for 0.npy, 1.npy, ... in it, as
/// many as there are.
llvm::Expected<std::vector<std::string>> expandFolders(ArrayRef<std::string> paths);

/// The arguments of runs of `function` at `paths`, the arguments of the first run, then those of
/// the next; there is at least one run. Only headers are read, so that what is wrong is known
/// before any work. An error about their number begins with `source`, an other one with the path.
llvm::Expected<std::vector<TensorFile>> findArguments(func::FuncOp function, StringRef source,
                                                      ArrayRef<std::string> paths);

/// What the results of `runs` runs of `function` are to be, in the same order, as far as `paths`
/// go. Errors are those of findArguments.
llvm::Expected<std::vector<TensorFile>> findResults(func::FuncOp function, size_t runs,
                                                    StringRef source, ArrayRef<std::string> paths);

} // namespace mlir::sprint

#endif // SPRINT_DRIVER_TENSORFILES_H
