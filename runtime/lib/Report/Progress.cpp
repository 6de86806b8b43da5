//===- Progress.cpp - Progress on a terminal ------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Progress.h"

#include <cstdio>
#include <unistd.h>

using namespace sprint;

std::function<void(int64_t, int64_t)> sprint::terminalProgress(std::string name,
                                                               std::string things) {
  if (!isatty(STDERR_FILENO))
    return {};
  return [name = std::move(name), things = std::move(things)](int64_t done, int64_t total) {
    if (done < total)
      std::fprintf(stderr, "\r%s: %lld of %lld %s", name.c_str(), static_cast<long long>(done),
                   static_cast<long long>(total), things.c_str());
    else
      std::fprintf(stderr, "\r\033[K");
  };
}
