//===- PortableLoops.cpp - Loops in plain C++ -----------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopSets.h"
#include "Numerics.h"
#include "SprintRuntime/ExponentTables.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

using namespace sprint;

namespace {
#define SPRINT_LOOP static
#include "PortableLoops.inc"
} // namespace

constinit const InnerLoops sprint::kPortableLoops = loops("portable", [] { return true; });
