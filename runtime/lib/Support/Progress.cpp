//===- Progress.cpp - Progress on a terminal ------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Progress.h"
#include "SprintRuntime/Messages.h"

#include <cstdio>
#include <unistd.h>

using namespace sprint;

/// Whether the terminal shows a line.
static bool isShown = false;

void sprint::showProgress(const std::string &text) {
  if (!isatty(STDERR_FILENO))
    return;
  wipeProgress();
  std::fputs(oneLine(text).c_str(), stderr);
  isShown = true;
}

void sprint::wipeProgress() {
  if (isShown)
    std::fputs("\r\033[K", stderr);
  isShown = false;
}

std::function<void(int64_t, int64_t)> sprint::terminalProgress(std::string name,
                                                               std::string things) {
  if (!isatty(STDERR_FILENO))
    return {};
  return [name = std::move(name), things = std::move(things)](int64_t done, int64_t total) {
    if (done < total)
      showProgress(name + ": " + std::to_string(done) + " of " + std::to_string(total) + " " +
                   things);
    else
      wipeProgress();
  };
}
