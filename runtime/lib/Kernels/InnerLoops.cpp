//===- InnerLoops.cpp - Chooses loops over keys and channels --------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InnerLoops.h"
#include "LoopSets.h"

#include <vector>

using namespace sprint;

std::span<const InnerLoops *const> sprint::supportedLoops() {
  static const std::vector<const InnerLoops *> supported = [] {
    std::vector<const InnerLoops *> loops = {&kPortableLoops};
#if defined(__x86_64__)
    for (const InnerLoops *other : {&kAvx2Loops, &kAvx512Loops})
      if (other->isSupported())
        loops.push_back(other);
#endif
    return loops;
  }();
  return supported;
}

const InnerLoops &sprint::fastestLoops() {
  static const InnerLoops &fastest = *supportedLoops().back();
  return fastest;
}
