//===- Passes.h - Conversions ------------------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_CONVERSION_PASSES_H
#define SPRINT_CONVERSION_PASSES_H

#include "Sprint/Support/PassStatistic.h"

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "mlir/Pass/Pass.h"

namespace mlir::sprint {

#define GEN_PASS_DECL
#include "Sprint/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "Sprint/Conversion/Passes.h.inc"

} // namespace mlir::sprint

#endif // SPRINT_CONVERSION_PASSES_H
