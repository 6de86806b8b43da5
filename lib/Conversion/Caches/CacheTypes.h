//===- CacheTypes.h - Caches as other values ---------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a `!sprint.cache` becomes depends on where programs run: tensors of codes on the host, a
// handle on the machine. How functions, calls, branches and loops carry it does not.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_CACHES_CACHETYPES_H
#define SPRINT_LIB_CONVERSION_CACHES_CACHETYPES_H

#include "Sprint/Dialect/Sprint/IR/Sprint.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::sprint {

/// Sets the types of the values that a cache becomes.
using CacheParts = llvm::function_ref<void(CacheType cache, SmallVectorImpl<Type> &parts)>;

/// Replaces caches in `module` by the values of `parts`: `populate` adds the patterns for the ops
/// of this dialect that have caches; functions and what hands values on follow. Does nothing in a
/// module without caches.
LogicalResult
convertCaches(ModuleOp module, CacheParts parts,
              llvm::function_ref<void(const TypeConverter &, RewritePatternSet &)> populate);

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_CACHES_CACHETYPES_H
