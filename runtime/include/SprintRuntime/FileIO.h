//===- FileIO.h - Files in, and their names ----------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bounded reading; what is written is in OutputFiles.h. Nothing here throws: what fails says why in
// `error`.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_FILEIO_H
#define SPRINTRUNTIME_FILEIO_H

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <span>
#include <string>

namespace sprint {

/// A regular file that is read from its begin on.
class InputFile {
public:
  /// Opens a file of at most `limit` bytes. Without a value, `error` has one message that begins
  /// with the path.
  static std::optional<InputFile> open(const std::string &path, uint64_t limit, std::string &error);

  /// Bytes that have not been read yet.
  uint64_t size() const { return rest; }
  /// Reads the next bytes, at most as many as there are. Returns whether they could be read.
  bool read(std::span<std::byte> bytes);

private:
  std::ifstream stream;
  uint64_t rest = 0;
};

/// The bytes of a regular file of at most `limit` bytes. Without a value, `error` has one message
/// that begins with the path.
std::optional<std::string> readFile(const std::string &path, uint64_t limit,
                                    std::string &error) noexcept;

/// The file of launch `index` of `count`: `DIR/NAME.EXT` for one alone, otherwise
/// `DIR/NAME.<index>.EXT`.
std::string numberedPath(const std::string &path, size_t index, size_t count);

} // namespace sprint

#endif // SPRINTRUNTIME_FILEIO_H
