//===- LoopSets.h - Loops of single instruction sets ----------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_KERNELS_LOOPSETS_H
#define SPRINTRUNTIME_LIB_KERNELS_LOOPSETS_H

#include "InnerLoops.h"

namespace sprint {

/// For any processor that the program was compiled for.
extern const InnerLoops kPortableLoops;

#if defined(__x86_64__)
/// For x86-64 processors with AVX2, and with the parts of AVX-512 that have byte-wise dot products.
extern const InnerLoops kAvx2Loops, kAvx512Loops;
#endif

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_KERNELS_LOOPSETS_H
