//===- Fuzzing.h - What the fuzzers share ------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_FUZZ_FUZZING_H
#define SPRINTRUNTIME_FUZZ_FUZZING_H

#include "SprintRuntime/CommandStream.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <unistd.h>

namespace sprint::fuzz {

/// Ends the process, which libFuzzer reports with its input, where a promise is not kept.
inline void require(bool isKept, const char *promise) {
  if (isKept)
    return;
  std::fprintf(stderr, "not kept: %s\n", promise);
  std::abort();
}

/// Checks what every reader promises of the message with which it refuses a file: one line, not an
/// empty one.
inline void requireMessage(const std::string &error) {
  require(!error.empty(), "a refusal has a message");
  require(error.find('\n') == std::string::npos, "a message is one line");
}

/// The stream that bytes are; nothing, behind a message, where they are none.
inline std::optional<CommandStream> readStream(const uint8_t *data, size_t size) {
  std::string error;
  std::optional<CommandStream> stream = parse({data, size}, error);
  if (!stream)
    requireMessage(error);
  return stream;
}

/// A file of this process, for readers that want a path; gone with the object.
class InputFile {
public:
  explicit InputFile(const std::string &extension)
      : path(std::filesystem::temp_directory_path() /
             ("sprint-fuzz-" + std::to_string(getpid()) + extension)) {}
  InputFile(const InputFile &) = delete;
  InputFile &operator=(const InputFile &) = delete;
  ~InputFile() { remove(); }

  /// Gives the file these contents, and returns its path.
  std::string write(const uint8_t *data, size_t size) const {
    // A new file: file systems bring one that is truncated and written anew to the disk at once.
    remove();
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char *>(data), static_cast<std::streamsize>(size));
    file.close();
    require(file.good(), "the temporary folder can be written to");
    return path.string();
  }

private:
  void remove() const {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }

  std::filesystem::path path;
};

} // namespace sprint::fuzz

#endif // SPRINTRUNTIME_FUZZ_FUZZING_H
