//===- OutputFiles.cpp - What a run leaves behind -------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/OutputFiles.h"
#include "SprintRuntime/Messages.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <mutex>
#include <random>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace sprint;
namespace fs = std::filesystem;

namespace {

/// What folders of temporary files are called, before their digits.
constexpr std::string_view kFolderPrefix = ".sprint-";
constexpr size_t kFolderDigits = 8;
/// Links behind one another.
constexpr int kMaxLinks = 40;

/// Sets that are there, and what they have written. A signal that ends the process takes it for
/// good.
std::mutex &setsMutex() {
  // These two outlive whoever may wait for signals.
  static auto &mutex = *new std::mutex;
  return mutex;
}
std::set<OutputFiles *> &sets() {
  static auto &all = *new std::set<OutputFiles *>;
  return all;
}

std::string cannotWrite(const std::string &path, int code) {
  return path + ": cannot be written: " + std::strerror(code);
}

/// The file behind a descriptor or a path; nothing where there is none.
struct Status {
  struct stat status;
  bool isThere;

  explicit Status(int descriptor) : isThere(fstat(descriptor, &status) == 0) {}
  explicit Status(const std::string &path) : isThere(stat(path.c_str(), &status) == 0) {}

  bool isSame(const Status &other) const {
    return isThere && other.isThere && status.st_dev == other.status.st_dev &&
           status.st_ino == other.status.st_ino;
  }
};

/// Where a link that leads nowhere points, and links that it points to.
std::string followLinks(std::string path) {
  for (int link = 0; link < kMaxLinks; ++link) {
    std::error_code code;
    fs::path target = fs::read_symlink(path, code);
    if (code)
      break;
    path = (fs::path(path).parent_path() / target).string();
  }
  return path;
}

/// A folder's own path.
std::string folderOf(const std::string &path) {
  fs::path folder = fs::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

/// Writes all bytes. Returns 0, or errno.
int writeAll(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return errno;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

std::string_view asText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

} // namespace

OutputFiles::OutputFiles() {
  std::lock_guard lock(setsMutex());
  sets().insert(this);
}

OutputFiles::~OutputFiles() {
  std::lock_guard lock(setsMutex());
  sets().erase(this);
  remove();
}

//===----------------------------------------------------------------------===//
// Which file a path means
//===----------------------------------------------------------------------===//

std::optional<OutputFiles::Target> OutputFiles::resolve(const std::string &path,
                                                        std::string &error) {
  Status there(path);
  if (there.isThere) {
    Target target;
    target.path = path;
    target.identity = {there.status.st_dev, there.status.st_ino, ""};
    if (S_ISDIR(there.status.st_mode)) {
      error = path + ": is a folder";
      return std::nullopt;
    }
    target.isWrittenThrough = !S_ISREG(there.status.st_mode);
    for (auto [descriptor, name] :
         {std::pair(STDOUT_FILENO, "standard output"), {STDERR_FILENO, "standard error"}})
      if (!target.isWrittenThrough && Status(descriptor).isSame(there)) {
        error = path + ": is the file of " + name;
        return std::nullopt;
      }
    if (access(path.c_str(), W_OK) != 0) {
      error = cannotWrite(path, errno);
      return std::nullopt;
    }
    if (target.isWrittenThrough)
      return target;
    target.path = fs::canonical(path).string();
    target.mode = there.status.st_mode & 07777;
    if (access(folderOf(target.path).c_str(), W_OK) != 0) {
      error = cannotWrite(path, errno);
      return std::nullopt;
    }
    return target;
  }
  if (errno != ENOENT && errno != ENOTDIR) {
    error = cannotWrite(path, errno);
    return std::nullopt;
  }
  Target target;
  fs::path missing = fs::absolute(followLinks(path)).lexically_normal();
  if (missing.filename().empty()) {
    error = path + ": is a folder";
    return std::nullopt;
  }
  // Folders that do not exist are made.
  fs::path nearest = missing.parent_path();
  while (!fs::exists(fs::symlink_status(nearest)) && nearest.has_relative_path())
    nearest = nearest.parent_path();
  Status folder(nearest.string());
  if (!folder.isThere || !S_ISDIR(folder.status.st_mode)) {
    error = path + ": cannot make the folder: " + nearest.string() + " is no folder";
    return std::nullopt;
  }
  if (access(nearest.c_str(), W_OK) != 0) {
    error = cannotWrite(path, errno);
    return std::nullopt;
  }
  target.path = missing.string();
  target.identity = {folder.status.st_dev, folder.status.st_ino,
                     missing.lexically_relative(nearest).string()};
  return target;
}

void OutputFiles::addInput(const std::string &path) noexcept {
  if (Status there(path); there.isThere)
    inputs.insert({there.status.st_dev, there.status.st_ino, ""});
}

bool OutputFiles::canWrite(const std::string &path, std::string &error) noexcept try {
  return resolve(path, error).has_value();
} catch (const std::exception &exception) {
  error = path + ": " + reasonOf(exception);
  return false;
}

bool OutputFiles::plan(const std::string &path, std::string &error) noexcept try {
  std::optional<Target> target = resolve(path, error);
  if (!target)
    return false;
  if (!target->isWrittenThrough) {
    if (inputs.contains(target->identity)) {
      error = path + ": is read as well, and would be replaced";
      return false;
    }
    for (const auto &[given, other] : planned)
      if (other.identity == target->identity) {
        error = path + ": is the file of another output" + (given == path ? "" : ", " + given);
        return false;
      }
  }
  planned[path] = *std::move(target);
  return true;
} catch (const std::exception &exception) {
  error = path + ": " + reasonOf(exception);
  return false;
}

//===----------------------------------------------------------------------===//
// Temporary files
//===----------------------------------------------------------------------===//

OutputFiles::Folder *OutputFiles::findFolder(const std::string &folder) {
  if (auto found = folders.find(folder); found != folders.end())
    return &found->second;
  removeStale(folder);
  constexpr int kTries = 100;
  std::random_device random;
  for (int trial = 0; trial < kTries; ++trial) {
    std::array<char, kFolderDigits + 1> digits;
    std::snprintf(digits.data(), digits.size(), "%08x", random());
    Folder made = {(fs::path(folder) / (std::string(kFolderPrefix) + digits.data())).string()};
    if (mkdir(made.path.c_str(), 0700) != 0) {
      if (errno == EEXIST)
        continue;
      return nullptr;
    }
    made.descriptor = open(made.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // Until it is locked, another run may take it for one that is left over, and remove it. Where
    // folders cannot be locked, nobody does.
    bool isTaken = made.descriptor < 0 ||
                   (flock(made.descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) ||
                   !Status(made.descriptor).isSame(Status(made.path));
    if (!isTaken)
      return &folders.emplace(folder, made).first->second;
    if (made.descriptor >= 0)
      close(made.descriptor);
  }
  errno = EEXIST;
  return nullptr;
}

void OutputFiles::removeStale(const std::string &folder) {
  std::error_code code;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder, code)) {
    std::string name = entry.path().filename().string();
    auto isDigit = [](char character) {
      return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'f');
    };
    if (!name.starts_with(kFolderPrefix) || name.size() != kFolderPrefix.size() + kFolderDigits ||
        !std::ranges::all_of(name.substr(kFolderPrefix.size()), isDigit))
      continue;
    int descriptor = open(entry.path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
      continue;
    // Locked by a run that lives.
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0)
      fs::remove_all(entry.path(), code);
    close(descriptor);
  }
}

void OutputFiles::remove() noexcept {
  for (const auto &[path, folder] : folders) {
    std::error_code code;
    fs::remove_all(folder.path, code);
    close(folder.descriptor);
  }
  folders.clear();
  files.clear();
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

bool OutputFiles::add(const std::string &path, std::string_view header,
                      std::span<const std::byte> body, std::string &error) noexcept try {
  auto found = planned.find(path);
  if (found == planned.end()) {
    if (!plan(path, error))
      return false;
    found = planned.find(path);
  }
  for (const File &file : files)
    if (file.given == path && !file.target.isWrittenThrough) {
      error = path + ": is the file of another output";
      return false;
    }
  return addTo(found->second, path, header, body, error);
} catch (const std::exception &exception) {
  error = path + ": " + reasonOf(exception);
  return false;
}

bool OutputFiles::addTo(const Target &target, const std::string &path, std::string_view header,
                        std::span<const std::byte> body, std::string &error) {
  File file = {path, "", target, ""};
  if (target.isWrittenThrough) {
    file.bytes = std::string(header) + std::string(asText(body));
    files.push_back(std::move(file));
    return true;
  }
  std::string folder = folderOf(target.path);
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) {
    error = path + ": cannot make the folder: " + code.message();
    return false;
  }
  int descriptor = -1;
  {
    // From here on a signal removes it.
    std::lock_guard lock(setsMutex());
    if (Folder *temporaries = findFolder(folder)) {
      file.temporary =
          (fs::path(temporaries->path) / std::to_string(temporaries->files++)).string();
      descriptor = open(file.temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
  }
  if (descriptor < 0) {
    error = cannotWrite(path, errno);
    return false;
  }
  int fault = writeAll(descriptor, header);
  if (fault == 0)
    fault = writeAll(descriptor, asText(body));
  if (fault == 0 && target.mode && fchmod(descriptor, *target.mode) != 0)
    fault = errno;
  if (close(descriptor) != 0 && fault == 0)
    fault = errno;
  if (fault != 0) {
    error = cannotWrite(path, fault);
    return false;
  }
  files.push_back(std::move(file));
  return true;
}

bool OutputFiles::append(const std::string &path, std::string_view bytes,
                         std::string &error) noexcept try {
  if (files.empty() || files.back().given != path) {
    error = path + ": is not the file that was added last";
    return false;
  }
  if (files.back().target.isWrittenThrough) {
    files.back().bytes += bytes;
    return true;
  }
  int descriptor = open(files.back().temporary.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  int fault = descriptor < 0 ? errno : writeAll(descriptor, bytes);
  if (descriptor >= 0 && close(descriptor) != 0 && fault == 0)
    fault = errno;
  if (fault != 0)
    error = cannotWrite(path, fault);
  return fault == 0;
} catch (const std::exception &exception) {
  error = path + ": " + reasonOf(exception);
  return false;
}

bool OutputFiles::commit(std::string &error) noexcept {
  // What cannot be taken back comes first, as it may fail.
  for (const File &file : files) {
    if (!file.target.isWrittenThrough)
      continue;
    int descriptor = open(file.target.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    int fault = descriptor < 0 ? errno : writeAll(descriptor, file.bytes);
    if (descriptor >= 0 && close(descriptor) != 0 && fault == 0)
      fault = errno;
    if (fault != 0) {
      error = cannotWrite(file.given, fault);
      return false;
    }
  }
  std::lock_guard lock(setsMutex());
  for (const File &file : files) {
    if (file.target.isWrittenThrough)
      continue;
    if (std::rename(file.temporary.c_str(), file.target.path.c_str()) != 0) {
      error = cannotWrite(file.given, errno);
      return false;
    }
  }
  remove();
  planned.clear();
  return true;
}

//===----------------------------------------------------------------------===//
// The process
//===----------------------------------------------------------------------===//

void OutputFiles::removeAll() noexcept {
  for (OutputFiles *set : sets())
    set->remove();
}

void OutputFiles::prepareProcess() noexcept try {
  // No file may take the place of a standard stream. What is open for reading alone cannot be
  // written.
  for (int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(descriptor, F_GETFD) < 0)
      (void)open("/dev/null", O_RDONLY);
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGHUP, SIGINT, SIGTERM}) {
    // One that is ignored, as nohup has it, stays so.
    struct sigaction action;
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN)
      sigaddset(&signals, signal);
  }
  // Threads to come take this over, so that the one below is all that hears of them.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals] {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0)
      return;
    // For good: nothing is made or renamed any more.
    setsMutex().lock();
    removeAll();
    std::signal(signal, SIG_DFL);
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, signal);
    pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
    raise(signal);
  }).detach();
} catch (const std::system_error &) {
  // Without a thread for them, signals end the process at once, and the next one clears up.
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

//===----------------------------------------------------------------------===//
// Standard output
//===----------------------------------------------------------------------===//

std::string sprint::standardOutputFault(int code) { return cannotWrite("standard output", code); }

bool sprint::flushStandardOutput(std::string &error) noexcept {
  errno = 0;
  bool failedBefore = std::ferror(stdout) != 0;
  if (std::fflush(stdout) == 0 && !failedBefore)
    return true;
  error = standardOutputFault(errno != 0 ? errno : EIO);
  return false;
}
