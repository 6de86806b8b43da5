//===- OutputFiles.h - What a run leaves behind ------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing that leaves either all files of a run or none, and destroys nothing that the run did not
// mean to replace. Nothing here throws: what fails says why in `error`, after the path.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_OUTPUTFILES_H
#define SPRINTRUNTIME_OUTPUTFILES_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sprint {

/// The files of a run. Each is written into a folder `.sprint-<8 hexadecimal digits>` beside its
/// place, and moved there in `commit`; what is not committed goes with the set, and what a run that
/// was killed has left goes with the next one that writes into the same folder.
///
/// A regular file that is there is replaced, and keeps its mode; links are followed. Anything else
/// that is there, as a device or a pipe, is written to. Files are told apart by what they are, not
/// by their names: none replaces one that the run reads, another output, or standard output.
class OutputFiles {
public:
  OutputFiles();
  OutputFiles(const OutputFiles &) = delete;
  OutputFiles &operator=(const OutputFiles &) = delete;
  ~OutputFiles();

  /// Notes a file that the run reads, where there is one. Comes before outputs are planned.
  void addInput(const std::string &path) noexcept;

  /// Whether a file can be written at `path`, as far as can be told before there is anything to
  /// write, and whatever else the run reads and writes.
  static bool canWrite(const std::string &path, std::string &error) noexcept;
  /// The same for this run, which may not plan the file a second time.
  bool plan(const std::string &path, std::string &error) noexcept;

  /// Writes a file of `header` followed by `body`, into a folder that is made where it does not
  /// exist. Plans it where that has not been done.
  bool add(const std::string &path, std::string_view header, std::span<const std::byte> body,
           std::string &error) noexcept;
  /// Writes a text file.
  bool add(const std::string &path, std::string_view text, std::string &error) noexcept {
    return add(path, text, {}, error);
  }

  /// Adds bytes to a file that has been added last.
  bool append(const std::string &path, std::string_view bytes, std::string &error) noexcept;

  /// Gives all files their names.
  bool commit(std::string &error) noexcept;

  /// For tools, before they open files and start threads. Has SIGHUP, SIGINT and SIGTERM end the
  /// process after all that is not committed has been removed; has what is written to a pipe that
  /// nobody reads, or to a standard stream that is closed, fail as any other writing does.
  static void prepareProcess() noexcept;

private:
  /// What tells files apart: a file that is there, or the nearest folder that is, and the rest of
  /// the path from there.
  struct Identity {
    uint64_t device = 0, inode = 0;
    std::string rest;
    auto operator<=>(const Identity &) const = default;
  };
  /// Where the bytes for a path go.
  struct Target {
    /// Links followed.
    std::string path;
    Identity identity;
    /// Whether it is there and no regular file.
    bool isWrittenThrough = false;
    /// Mode of the regular file that is there.
    std::optional<uint32_t> mode;
  };
  struct File {
    std::string given, temporary;
    Target target;
    /// What is written through, which has no temporary file.
    std::string bytes;
  };
  /// A folder of temporary files, which a lock on its descriptor marks as in use.
  struct Folder {
    std::string path;
    int descriptor = -1;
    int64_t files = 0;
  };

  static std::optional<Target> resolve(const std::string &path, std::string &error);
  bool addTo(const Target &target, const std::string &path, std::string_view header,
             std::span<const std::byte> body, std::string &error);
  /// The folder of temporary files in `folder`; null, with errno, where none can be made.
  Folder *findFolder(const std::string &folder);
  /// Removes what is not committed.
  void remove() noexcept;
  static void removeStale(const std::string &folder);
  static void removeAll() noexcept;

  std::set<Identity> inputs;
  /// By the paths that were given.
  std::map<std::string, Target> planned;
  std::vector<File> files;
  /// By the folders in which they are.
  std::map<std::string, Folder> folders;
};

/// Writes out what C's standard output still holds. Where that, or anything before, could not be
/// written, `error` has one message.
bool flushStandardOutput(std::string &error) noexcept;
/// The message for a standard output that cannot be written, as errno says it.
std::string standardOutputFault(int code);

} // namespace sprint

#endif // SPRINTRUNTIME_OUTPUTFILES_H
