//===- TargetClones.h - Functions for several processors ---------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_SUPPORT_TARGETCLONES_H
#define SPRINTRUNTIME_LIB_SUPPORT_TARGETCLONES_H

/// Compiles a function once for any processor and once more for each of the x86 extensions, of
/// which the loader takes what the processor has.
#if defined(__x86_64__) && defined(__ELF__)
#define SPRINT_TARGET_CLONES(...) __attribute__((target_clones(__VA_ARGS__, "default")))
#else
#define SPRINT_TARGET_CLONES(...)
#endif

#endif // SPRINTRUNTIME_LIB_SUPPORT_TARGETCLONES_H
