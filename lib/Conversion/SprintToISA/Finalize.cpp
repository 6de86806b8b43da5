//===- Finalize.cpp - From device functions to programs of the machine ----===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "Sprint/Dialect/Sprint/Transforms/Programs.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTFINALIZEPROGRAMS
#include "Sprint/Conversion/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

namespace {

struct FinalizePrograms : mlir::sprint::impl::SprintFinalizeProgramsBase<FinalizePrograms> {
  void runOnOperation() override {
    if (failed(checkOutlined(getOperation())))
      return signalPassFailure();
    // What commands cost has served with scheduling.
    getOperation()->removeAttr(SprintDialect::kCostsAttrName);
    for (auto program : llvm::make_early_inc_range(getOperation().getOps<ProgramOp>())) {
      auto commands = program.getBody().getOps<sprint_isa::ProgramOp>();
      if (commands.empty()) {
        program.emitOpError("expected commands in its body; run convert-sprint-to-isa first");
        return signalPassFailure();
      }
      (*commands.begin())->moveBefore(program);
      program.erase();
      ++numFinalized;
    }
  }
};

} // namespace
