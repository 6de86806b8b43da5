//===- Progress.h - Progress on a terminal --------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_PROGRESS_H
#define SPRINTRUNTIME_PROGRESS_H

#include <cstdint>
#include <functional>
#include <string>

namespace sprint {

/// Shows on a terminal what a tool is at, in a line that the next call replaces; nothing where
/// stderr is no terminal.
void showProgress(const std::string &text);
/// Wipes the line, where there is one: before anything else is printed.
void wipeProgress();

/// Shows on a terminal how many of `things` are done (LaunchOptions::progress: rows), and wipes the
/// line at the end; nothing where stderr is no terminal.
std::function<void(int64_t, int64_t)> terminalProgress(std::string name, std::string things);

} // namespace sprint

#endif // SPRINTRUNTIME_PROGRESS_H
