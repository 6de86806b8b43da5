//===- FileIO.cpp - Files in, files out -----------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/FileIO.h"

#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <random>
#include <unistd.h>

using namespace sprint;

std::string sprint::oneLine(std::string message) {
  constexpr size_t kMaxBytes = 1000;
  if (message.size() > kMaxBytes)
    message.replace(kMaxBytes - 3, std::string::npos, "...");
  for (char &character : message)
    if (std::iscntrl(static_cast<unsigned char>(character)))
      character = '?';
  return message;
}

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
  error = path + ": " + exception.what();
  return std::nullopt;
}

std::string sprint::numberedPath(const std::string &path, size_t index, size_t count) {
  if (count == 1)
    return path;
  std::filesystem::path numbered = path;
  numbered.replace_extension(std::to_string(index) + numbered.extension().string());
  return numbered.string();
}

bool sprint::canWriteFile(const std::string &path, std::string &error) noexcept try {
  if (std::filesystem::is_directory(path)) {
    error = path + ": is a folder";
    return false;
  }
  // Folders that do not exist are made.
  std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
  while (!std::filesystem::exists(folder) && folder.has_relative_path())
    folder = folder.parent_path();
  if (!std::filesystem::is_directory(folder)) {
    error = path + ": cannot make the folder: " + folder.string() + " is a file";
    return false;
  }
  if (access(folder.c_str(), W_OK) != 0) {
    error = path + ": cannot be written: " + std::strerror(errno);
    return false;
  }
  return true;
} catch (const std::exception &exception) {
  error = path + ": " + exception.what();
  return false;
}

/// Opens a new file beside `path`, and stores its name in `temporary`; -1, with errno, where that
/// cannot be. Not mkstemp, whose files are their owner's alone: an output is like any file that the
/// user makes.
static int openTemporary(const std::string &path, std::string &temporary) {
  constexpr int kTries = 100;
  std::random_device random;
  for (int trial = 0; trial < kTries; ++trial) {
    std::array<char, 9> suffix;
    std::snprintf(suffix.data(), suffix.size(), "%08x", random());
    temporary = path + "." + suffix.data();
    int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 || errno != EEXIST)
      return descriptor;
  }
  return -1;
}

OutputFiles::~OutputFiles() {
  for (const File &file : files)
    std::remove(file.temporary.c_str());
}

bool OutputFiles::add(const std::string &path, std::string_view header,
                      std::span<const std::byte> body, std::string &error) noexcept try {
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code code;
  if (!folder.empty() && !std::filesystem::is_directory(folder, code)) {
    std::filesystem::create_directories(folder, code);
    if (code) {
      error = path + ": cannot make the folder: " + code.message();
      return false;
    }
  }
  if (std::filesystem::is_directory(path, code)) {
    error = path + ": is a folder";
    return false;
  }
  std::string temporary;
  int descriptor = openTemporary(path, temporary);
  if (descriptor < 0) {
    error = path + ": cannot be written: " + std::strerror(errno);
    return false;
  }
  files.push_back({temporary, path});
  std::FILE *stream = fdopen(descriptor, "wb");
  if (!stream) {
    close(descriptor);
    error = path + ": cannot be written: " + std::strerror(errno);
    return false;
  }
  bool written = std::fwrite(header.data(), 1, header.size(), stream) == header.size() &&
                 std::fwrite(body.data(), 1, body.size(), stream) == body.size();
  if (std::fclose(stream) != 0 || !written) {
    error = path + ": cannot be written: " + std::strerror(errno);
    return false;
  }
  return true;
} catch (const std::exception &exception) {
  error = path + ": " + exception.what();
  return false;
}

bool OutputFiles::commit(std::string &error) noexcept {
  while (!files.empty()) {
    const File &file = files.back();
    if (std::rename(file.temporary.c_str(), file.path.c_str()) != 0) {
      error = file.path + ": cannot be written: " + std::strerror(errno);
      return false;
    }
    files.pop_back();
  }
  return true;
}
