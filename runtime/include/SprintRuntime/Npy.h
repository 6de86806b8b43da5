//===- Npy.h - NumPy's array files -------------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The .npy format, versions 1 to 3, as far as the tools need it. Nothing here throws: what fails
// says why in `error`.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_NPY_H
#define SPRINTRUNTIME_NPY_H

#include "SprintRuntime/Buffer.h"
#include "SprintRuntime/Commands.h"
#include "SprintRuntime/OutputFiles.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sprint {

/// The type of an array's elements. NumPy has no bfloat16.
enum class NpyType {
  Bool,
  UInt8,
  Int8,
  Int16,
  Int32,
  Int64,
  Float16,
  Float32,
  Float64,
  Complex64,
  Complex128
};

/// NumPy's name of a type.
std::string_view toString(NpyType type);

/// Bytes of an element.
int64_t sizeOf(NpyType type);

/// What a file says of its array before the numbers.
struct NpyHeader {
  NpyType type = NpyType::Float32;
  std::vector<int64_t> shape;
};

/// A row-major array as it stands in a file.
struct NpyArray : NpyHeader {
  /// Little-endian elements.
  Buffer<std::byte> data;
};

/// Reads of a file what readNpyArray checks before it reads the numbers.
std::optional<NpyHeader> readNpyHeader(const std::string &path, std::string &error) noexcept;

/// The same for an array that must have elements of `type`.
std::optional<NpyHeader> readNpyHeader(const std::string &path, ElementType type,
                                       std::string &error) noexcept;

/// Reads an array of any of the types in C order, with at most 8 dimensions, none of them zero.
/// Booleans other than 0 and 1 are refused. Without a value, `error` has one message that begins
/// with the path.
std::optional<NpyArray> readNpyArray(const std::string &path, std::string &error) noexcept;

/// Reads an array that must have elements of `type`, as readNpyArray does. Those of I1 may be bytes
/// 0 and 1, too.
std::optional<NpyArray> readNpyArray(const std::string &path, ElementType type,
                                     std::string &error) noexcept;

/// A row-major f32 array.
struct FloatArray {
  std::vector<int64_t> shape;
  Buffer<float> data;
};

/// Reads an array that must be of f32, as readNpyArray does.
std::optional<FloatArray> readNpy(const std::string &path, std::string &error) noexcept;

/// A row-major array of booleans, each 0 or 1.
struct BoolArray {
  std::vector<int64_t> shape;
  std::vector<uint8_t> data;
};

/// Reads an array that must be of booleans, or of bytes 0 and 1, as readNpyArray does.
std::optional<BoolArray> readBoolNpy(const std::string &path, std::string &error) noexcept;

/// Adds an array to the files of a run.
bool addNpy(OutputFiles &files, const std::string &path, const NpyArray &array,
            std::string &error) noexcept;

/// Adds a row-major array of that shape to the files of a run.
bool addNpy(OutputFiles &files, const std::string &path, std::span<const int64_t> shape,
            std::span<const float> data, std::string &error) noexcept;
bool addNpy(OutputFiles &files, const std::string &path, std::span<const int64_t> shape,
            std::span<const int32_t> data, std::string &error) noexcept;
/// As booleans; each is 0 or 1.
bool addNpy(OutputFiles &files, const std::string &path, std::span<const int64_t> shape,
            std::span<const uint8_t> data, std::string &error) noexcept;

} // namespace sprint

#endif // SPRINTRUNTIME_NPY_H
