//===- FolderTest.h - Tests with files of their own --------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_UNITTESTS_FOLDERTEST_H
#define SPRINTRUNTIME_UNITTESTS_FOLDERTEST_H

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

namespace sprint::test {

/// Gives each test an empty folder, which goes with it.
class FolderTest : public testing::Test {
protected:
  void SetUp() override {
    const testing::TestInfo *info = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string(info->test_suite_name()) + "." + info->name();
    std::ranges::replace(name, '/', '_');
    folder = std::filesystem::path(testing::TempDir()) / ("sprint-" + name);
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::filesystem::path folder;
};

} // namespace sprint::test

#endif // SPRINTRUNTIME_UNITTESTS_FOLDERTEST_H
