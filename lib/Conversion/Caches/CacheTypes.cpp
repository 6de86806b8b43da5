//===- CacheTypes.cpp - Caches as other values ------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CacheTypes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"

using namespace mlir;
using namespace mlir::sprint;

static bool isCache(Type type) { return isa<CacheType>(type); }

/// Whether an op, or a block of it, has a cache.
static bool hasCache(Operation *op) {
  if (auto function = dyn_cast<FunctionOpInterface>(op);
      function && (llvm::any_of(function.getArgumentTypes(), isCache) ||
                   llvm::any_of(function.getResultTypes(), isCache)))
    return true;
  return llvm::any_of(op->getOperandTypes(), isCache) ||
         llvm::any_of(op->getResultTypes(), isCache);
}

LogicalResult mlir::sprint::convertCaches(
    ModuleOp module, CacheParts parts,
    llvm::function_ref<void(const TypeConverter &, RewritePatternSet &)> populate) {
  bool hasCaches = module
                       .walk([](Operation *op) {
                         return hasCache(op) ? WalkResult::interrupt() : WalkResult::advance();
                       })
                       .wasInterrupted();
  if (!hasCaches)
    return success();
  MLIRContext *context = module.getContext();
  TypeConverter converter;
  converter.addConversion([](Type type) { return type; });
  converter.addConversion([&](CacheType cache, SmallVectorImpl<Type> &types) {
    parts(cache, types);
    return success();
  });
  RewritePatternSet patterns(context);
  populate(converter, patterns);
  populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns, converter);
  populateCallOpTypeConversionPattern(patterns, converter);
  populateReturnOpTypeConversionPattern(patterns, converter);
  populateBranchOpInterfaceTypeConversionPattern(patterns, converter);
  ConversionTarget target(*context);
  scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns, target);
  target.markUnknownOpDynamicallyLegal([](Operation *op) {
    return !hasCache(op) && llvm::all_of(op->getRegions(), [](Region &region) {
      return llvm::all_of(
          region, [](Block &block) { return llvm::none_of(block.getArgumentTypes(), isCache); });
    });
  });
  return applyPartialConversion(module, target, std::move(patterns));
}
