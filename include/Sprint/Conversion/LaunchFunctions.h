//===- LaunchFunctions.h - What compiled code calls --------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of the functions that convert-sprint-launch-to-call builds calls of, and that
// Sprint/Execution/Launch.h defines.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_CONVERSION_LAUNCHFUNCTIONS_H
#define SPRINT_CONVERSION_LAUNCHFUNCTIONS_H

#include "llvm/ADT/StringRef.h"

namespace mlir::sprint {

inline constexpr llvm::StringLiteral kLaunchFunction = "sprintLaunchMemRefs";
inline constexpr llvm::StringLiteral kCachedLaunchFunction = "sprintLaunchMemRefsOnCache";
inline constexpr llvm::StringLiteral kCreateCacheFunction = "sprintCreateCache";

} // namespace mlir::sprint

#endif // SPRINT_CONVERSION_LAUNCHFUNCTIONS_H
