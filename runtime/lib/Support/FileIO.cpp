//===- FileIO.cpp - Files in, and their names -----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/FileIO.h"
#include "SprintRuntime/Messages.h"

#include <exception>
#include <filesystem>

using namespace sprint;

std::optional<InputFile> InputFile::open(const std::string &path, uint64_t limit,
                                         std::string &error) {
  std::error_code code;
  std::filesystem::file_status status = std::filesystem::status(path, code);
  if (!std::filesystem::exists(status)) {
    error = path + ": no such file";
    return std::nullopt;
  }
  // A pipe or a device could keep the reader waiting for ever.
  if (!std::filesystem::is_regular_file(status)) {
    error = path + ": not a regular file";
    return std::nullopt;
  }
  InputFile file;
  file.rest = std::filesystem::file_size(path, code);
  if (code) {
    error = path + ": " + code.message();
    return std::nullopt;
  }
  if (file.rest > limit) {
    error = path + ": " + std::to_string(file.rest) + " bytes, expected at most " +
            std::to_string(limit);
    return std::nullopt;
  }
  file.stream.open(path, std::ios::binary);
  if (!file.stream) {
    error = path + ": cannot be read";
    return std::nullopt;
  }
  return file;
}

bool InputFile::read(std::span<std::byte> bytes) {
  rest -= bytes.size();
  return static_cast<bool>(stream.read(reinterpret_cast<char *>(bytes.data()),
                                       static_cast<std::streamsize>(bytes.size())));
}

std::optional<std::string> sprint::readFile(const std::string &path, uint64_t limit,
                                            std::string &error) noexcept try {
  std::optional<InputFile> file = InputFile::open(path, limit, error);
  if (!file)
    return std::nullopt;
  std::string bytes(file->size(), '\0');
  if (!file->read(std::as_writable_bytes(std::span(bytes)))) {
    error = path + ": cannot be read";
    return std::nullopt;
  }
  return bytes;
} catch (const std::exception &exception) {
  error = path + ": " + reasonOf(exception);
  return std::nullopt;
}

std::string sprint::numberedPath(const std::string &path, size_t index, size_t count) {
  if (count == 1)
    return path;
  std::filesystem::path numbered = path;
  numbered.replace_extension(std::to_string(index) + numbered.extension().string());
  return numbered.string();
}
