//===- NpyFuzzer.cpp - Fuzzes the reader of NumPy's array files -----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"
#include "SprintRuntime/Npy.h"

using namespace sprint;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::InputFile file(".npy");
  std::string error;
  std::optional<NpyArray> array = readNpyArray(file.write(data, size), error);
  if (!array) {
    fuzz::requireMessage(error);
    return 0;
  }
  size_t bytes = static_cast<size_t>(sizeOf(array->type));
  for (int64_t extent : array->shape)
    bytes *= static_cast<size_t>(extent);
  fuzz::require(array->data.size() == bytes, "there are as many numbers as the shape says");
  return 0;
}
