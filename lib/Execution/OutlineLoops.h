//===- OutlineLoops.h - Functions of a moderate size -------------*- C++ -*-===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_EXECUTION_OUTLINELOOPS_H
#define SPRINT_LIB_EXECUTION_OUTLINELOOPS_H

#include <memory>

namespace mlir {
class Pass;
} // namespace mlir

namespace mlir::sprint {

/// On buffers: puts each outermost loop into a function of its own, and notes which of
/// its buffers are distinct. Passes of LLVM take time that grows faster than a function does.
std::unique_ptr<Pass> createOutlineLoopsPass();

/// In the LLVM dialect: tells LLVM what createOutlineLoopsPass has found out about buffers.
std::unique_ptr<Pass> createMarkDistinctPointersPass();

} // namespace mlir::sprint

#endif // SPRINT_LIB_EXECUTION_OUTLINELOOPS_H
