//===- OutputFilesTest.cpp - What a run leaves behind ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/OutputFiles.h"
#include "FolderTest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace sprint;
using namespace sprint::test;

namespace {

class OutputFilesTest : public FolderTest {
protected:
  std::string path(const std::string &name) const { return (folder / name).string(); }
  void write(const std::string &name, const std::string &text) {
    std::filesystem::create_directories((folder / name).parent_path());
    std::ofstream(folder / name, std::ios::binary) << text;
  }
  std::string read(const std::string &name) const {
    std::ifstream stream(folder / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }
  /// Names in the folder, hidden ones among them.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto &entry : std::filesystem::directory_iterator(folder))
      result.push_back(entry.path().filename().string());
    std::ranges::sort(result);
    return result;
  }
  void expectRefused(const std::string &name, const std::string &message) {
    EXPECT_FALSE(files.plan(path(name), error));
    EXPECT_EQ(error, path(name) + message);
    EXPECT_FALSE(files.add(path(name), "new", error));
    EXPECT_EQ(error, path(name) + message);
  }

  OutputFiles files;
  std::string error;
};

using Names = std::vector<std::string>;

TEST_F(OutputFilesTest, AllOrNone) {
  write("old", "old");
  {
    OutputFiles dropped;
    ASSERT_TRUE(dropped.add(path("old"), "new", error)) << error;
    ASSERT_TRUE(dropped.add(path("deep/er/file"), "new", error)) << error;
    EXPECT_EQ(read("old"), "old");
  }
  EXPECT_EQ(names(), (Names{"deep", "old"}));
  EXPECT_EQ(read("old"), "old");
  ASSERT_TRUE(files.plan(path("old"), error)) << error;
  ASSERT_TRUE(files.add(path("old"), "head", std::as_bytes(std::span("body").first(4)), error))
      << error;
  ASSERT_TRUE(files.add(path("other"), "", error)) << error;
  ASSERT_TRUE(files.commit(error)) << error;
  EXPECT_EQ(names(), (Names{"deep", "old", "other"}));
  EXPECT_EQ(read("old"), "headbody");
  EXPECT_EQ(read("other"), "");
}

TEST_F(OutputFilesTest, FilesInParts) {
  write("old", "old");
  ASSERT_EQ(chmod(path("old").c_str(), 0640), 0);
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  std::future<std::string> reader = std::async(std::launch::async, [&] { return read("pipe"); });
  for (const char *name : {"old", "new", "pipe"}) {
    ASSERT_TRUE(files.add(path(name), "one", error)) << error;
    ASSERT_TRUE(files.append(path(name), " two", error)) << error;
    ASSERT_TRUE(files.append(path(name), "", error)) << error;
    ASSERT_TRUE(files.append(path(name), " three", error)) << error;
  }
  EXPECT_EQ(read("old"), "old");
  EXPECT_FALSE(files.append(path("old"), "four", error));
  EXPECT_EQ(error, path("old") + ": is not the file that was added last");
  ASSERT_TRUE(files.commit(error)) << error;
  EXPECT_EQ(names(), (Names{"new", "old", "pipe"}));
  for (const char *name : {"old", "new"})
    EXPECT_EQ(read(name), "one two three");
  EXPECT_EQ(reader.get(), "one two three");
  struct stat status;
  ASSERT_EQ(stat(path("old").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
}

TEST_F(OutputFilesTest, NothingReplacesWhatIsRead) {
  write("model", "model");
  std::filesystem::create_symlink("model", folder / "link");
  std::filesystem::create_hard_link(folder / "model", folder / "twin");
  files.addInput(path("link"));
  files.addInput(path("not there"));
  for (const char *name : {"model", "link", "twin", "./model"})
    expectRefused(name, ": is read as well, and would be replaced");
  EXPECT_TRUE(files.plan(path("not there"), error)) << error;
}

TEST_F(OutputFilesTest, NoTwoAreOneFile) {
  write("old", "old");
  std::filesystem::create_symlink("old", folder / "link");
  std::filesystem::create_symlink("new", folder / "dangling");
  std::filesystem::create_symlink(".", folder / "here");
  for (const char *name : {"old", "new", "folder/file"})
    ASSERT_TRUE(files.plan(path(name), error)) << error;
  EXPECT_FALSE(files.plan(path("old"), error));
  EXPECT_EQ(error, path("old") + ": is the file of another output");
  expectRefused("link", ": is the file of another output, " + path("old"));
  expectRefused("dangling", ": is the file of another output, " + path("new"));
  expectRefused("here/new", ": is the file of another output, " + path("new"));
  expectRefused("folder/../folder/file", ": is the file of another output, " + path("folder/file"));
  ASSERT_TRUE(files.add(path("old"), "once", error)) << error;
  EXPECT_FALSE(files.add(path("old"), "twice", error));
  EXPECT_EQ(error, path("old") + ": is the file of another output");
}

TEST_F(OutputFilesTest, FollowsLinks) {
  write("old", "old");
  std::filesystem::create_directory(folder / "folder");
  std::filesystem::create_symlink("old", folder / "link");
  std::filesystem::create_symlink("folder/new", folder / "dangling");
  ASSERT_TRUE(files.add(path("link"), "one", error)) << error;
  ASSERT_TRUE(files.add(path("dangling"), "two", error)) << error;
  ASSERT_TRUE(files.commit(error)) << error;
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "dangling"));
  EXPECT_EQ(read("old"), "one");
  EXPECT_EQ(read("folder/new"), "two");
}

TEST_F(OutputFilesTest, LinksInACircle) {
  std::filesystem::create_symlink("b", folder / "a");
  std::filesystem::create_symlink("a", folder / "b");
  expectRefused("a", ": cannot be written: Too many levels of symbolic links");
}

TEST_F(OutputFilesTest, KeepsTheMode) {
  write("old", "old");
  ASSERT_EQ(chmod(path("old").c_str(), 0640), 0);
  mode_t before = umask(027);
  umask(before);
  ASSERT_TRUE(files.add(path("old"), "new", error)) << error;
  ASSERT_TRUE(files.add(path("made"), "new", error)) << error;
  ASSERT_TRUE(files.commit(error)) << error;
  struct stat status;
  ASSERT_EQ(stat(path("old").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
  ASSERT_EQ(stat(path("made").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0666u & ~before);
}

TEST_F(OutputFilesTest, FoldersAreNoFiles) {
  std::filesystem::create_directory(folder / "folder");
  write("file", "");
  expectRefused("folder", ": is a folder");
  expectRefused("other/", ": is a folder");
  expectRefused("file/x", ": cannot make the folder: " + path("file") + " is no folder");
  expectRefused("file/x/y", ": cannot make the folder: " + path("file") + " is no folder");
}

TEST_F(OutputFilesTest, ReadOnly) {
  if (geteuid() == 0)
    GTEST_SKIP() << "root may write everything";
  write("file", "");
  ASSERT_EQ(chmod(path("file").c_str(), 0444), 0);
  expectRefused("file", ": cannot be written: Permission denied");
}

TEST_F(OutputFilesTest, WritesIntoAPipe) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  std::future<std::string> reader = std::async(std::launch::async, [&] { return read("pipe"); });
  ASSERT_TRUE(files.add(path("pipe"), "through", error)) << error;
  ASSERT_TRUE(files.commit(error)) << error;
  EXPECT_EQ(reader.get(), "through");
  EXPECT_TRUE(std::filesystem::is_fifo(folder / "pipe"));
}

TEST_F(OutputFilesTest, DevicesStay) {
  constexpr int kMemory = 1, kNull = 3, kFull = 7;
  if (mknod(path("null").c_str(), S_IFCHR | 0666, makedev(kMemory, kNull)) != 0 ||
      mknod(path("full").c_str(), S_IFCHR | 0666, makedev(kMemory, kFull)) != 0)
    GTEST_SKIP() << "devices cannot be made";
  if (int null = open(path("null").c_str(), O_WRONLY); null < 0)
    GTEST_SKIP() << "devices cannot be opened in this folder";
  else
    close(null);
  ASSERT_TRUE(files.add(path("null"), "one", error)) << error;
  ASSERT_TRUE(files.add(path("null"), "two", error)) << error;
  ASSERT_TRUE(files.commit(error)) << error;
  EXPECT_TRUE(std::filesystem::is_character_file(folder / "null"));
  // A fault there leaves nothing of the other files.
  ASSERT_TRUE(files.add(path("file"), "one", error)) << error;
  ASSERT_TRUE(files.add(path("full"), "two", error)) << error;
  EXPECT_FALSE(files.commit(error));
  EXPECT_EQ(error, path("full") + ": cannot be written: No space left on device");
  EXPECT_FALSE(std::filesystem::exists(folder / "file"));
}

TEST_F(OutputFilesTest, RemovesWhatKilledRunsHaveLeft) {
  for (const char *name : {".sprint-0123abcd", ".sprint-fedcba98", ".sprint-other", ".other"})
    write(std::string(name) + "/0", "left");
  int inUse = open(path(".sprint-fedcba98").c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(flock(inUse, LOCK_EX), 0);
  ASSERT_TRUE(files.add(path("file"), "new", error)) << error;
  ASSERT_TRUE(files.commit(error)) << error;
  close(inUse);
  EXPECT_EQ(names(), (Names{".other", ".sprint-fedcba98", ".sprint-other", "file"}));
}

TEST_F(OutputFilesTest, FilesOfARunThatLivesStay) {
  OutputFiles other;
  ASSERT_TRUE(files.add(path("a"), "one", error)) << error;
  ASSERT_TRUE(other.add(path("b"), "two", error)) << error;
  ASSERT_TRUE(files.commit(error)) << error;
  ASSERT_TRUE(other.commit(error)) << error;
  EXPECT_EQ(names(), (Names{"a", "b"}));
}

/// A run that writes in another process until a signal ends it.
class SignalTest : public OutputFilesTest, public testing::WithParamInterface<int> {};

TEST_P(SignalTest, LeavesNothing) {
  write("old", "old");
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    OutputFiles::prepareProcess();
    OutputFiles unfinished;
    bool isAdded = unfinished.add(path("old"), "new", error) &&
                   unfinished.add(path("deep/file"), "new", error);
    char byte = isAdded ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) == 1)
      for (;;)
        pause();
    _exit(1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  kill(child, GetParam());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == GetParam()) << status;
  EXPECT_EQ(names(), (Names{"deep", "old"}));
  EXPECT_EQ(read("old"), "old");
  EXPECT_TRUE(std::filesystem::is_empty(folder / "deep"));
  close(ready[0]);
  close(ready[1]);
}

INSTANTIATE_TEST_SUITE_P(EndOfAProcess, SignalTest, testing::Values(SIGHUP, SIGINT, SIGTERM),
                         [](const testing::TestParamInfo<int> &info) {
                           return std::string(strsignal(info.param)).substr(0, 4);
                         });

} // namespace
