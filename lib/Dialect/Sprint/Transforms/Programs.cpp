//===- Programs.cpp - The programs that a pass is for ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/Transforms/Programs.h"

using namespace mlir;
using namespace mlir::sprint;

LogicalResult sprint::checkOutlined(ModuleOp module) {
  WalkResult checked = module.walk([](AttentionOp attention) {
    if (getRefusal(attention))
      return WalkResult::advance();
    attention.emitOpError("expected it in a program; run sprint-outline-programs first");
    return WalkResult::interrupt();
  });
  return failure(checked.wasInterrupted());
}
