//===- Npy.h - NumPy's array files -------------------------------*- C++ -*-===//
//
// Part of the Sprint project.
//
// The .npy format, versions 1 to 3, as far as the tools need it. Nothing here throws: what fails
// says why in `error`.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_NPY_H
#define SPRINTRUNTIME_NPY_H

#include "SprintRuntime/FileIO.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sprint {

/// A row-major f32 array.
struct FloatArray {
  std::vector<int64_t> shape;
  std::vector<float> data;
};

/// Reads an array of little-endian f32 in C order, with at most 8 dimensions, none of them zero.
/// Without a value, `error` has one message that begins with the path.
std::optional<FloatArray> readNpy(const std::string &path, std::string &error) noexcept;

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
