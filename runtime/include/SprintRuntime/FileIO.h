//===- FileIO.h - Files in, files out ----------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bounded reading, and writing that leaves either all files or none. Nothing here throws: what
// fails says why in `error`.
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
#include <string_view>
#include <vector>

namespace sprint {

/// A message that quotes foreign text, made one line of at most 1,000 bytes: control characters
/// become '?'.
std::string oneLine(std::string message);

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

/// Whether a file can be written at `path`, as far as can be told before. Otherwise `error` has one
/// message that begins with the path.
bool canWriteFile(const std::string &path, std::string &error) noexcept;

/// The files that a run leaves behind. Each is written beside its place under a temporary name, and
/// gets its name in `commit`; what is not committed is removed with the set.
class OutputFiles {
public:
  OutputFiles() = default;
  OutputFiles(const OutputFiles &) = delete;
  OutputFiles &operator=(const OutputFiles &) = delete;
  ~OutputFiles();

  /// Writes a file of `header` followed by `body`, into a folder that is made where it does not
  /// exist.
  bool add(const std::string &path, std::string_view header, std::span<const std::byte> body,
           std::string &error) noexcept;
  /// Writes a text file.
  bool add(const std::string &path, std::string_view text, std::string &error) noexcept {
    return add(path, text, {}, error);
  }
  /// Gives all files their names.
  bool commit(std::string &error) noexcept;

private:
  struct File {
    std::string temporary;
    std::string path;
  };
  std::vector<File> files;
};

} // namespace sprint

#endif // SPRINTRUNTIME_FILEIO_H
