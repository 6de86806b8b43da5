//===- TMTensorToLinalg.cpp - torch-mlir's own ops in upstream dialects -----===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "Sprint/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_CONVERTTMTENSORTOLINALG
#include "Sprint/Conversion/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

//===----------------------------------------------------------------------===//
// What the lowerings share
//===----------------------------------------------------------------------===//

Value tm_tensor::inlineBody(ImplicitLocOpBuilder &builder, Region &body, ValueRange arguments) {
  Block &block = body.front();
  IRMapping mapping;
  mapping.map(block.getArguments(), arguments);
  for (Operation &op : block.without_terminator())
    builder.clone(op, mapping);
  return mapping.lookupOrDefault(cast<YieldOp>(block.getTerminator()).getValue());
}

Value tm_tensor::sizeOf(ImplicitLocOpBuilder &builder, Value tensor, int64_t dim) {
  return builder.createOrFold<tensor::DimOp>(tensor, dim);
}

Value tm_tensor::createIndex(ImplicitLocOpBuilder &builder, int64_t value) {
  return arith::ConstantIndexOp::create(builder, value);
}

SmallVector<Value> tm_tensor::createLoop(ImplicitLocOpBuilder &builder, Value lower, Value upper,
                                         Value step, ValueRange carried, LoopBody body) {
  auto loop = scf::ForOp::create(
      builder, lower, upper, step, carried,
      [&](OpBuilder &nested, Location loc, Value position, ValueRange arguments) {
        ImplicitLocOpBuilder bodyBuilder(loc, nested);
        scf::YieldOp::create(bodyBuilder, body(bodyBuilder, position, arguments));
      });
  return loop.getResults();
}

SmallVector<Value> tm_tensor::createLoop(ImplicitLocOpBuilder &builder, Value size,
                                         ValueRange carried, LoopBody body) {
  return createLoop(builder, createIndex(builder, 0), size, createIndex(builder, 1), carried, body);
}

SmallVector<Value> tm_tensor::Line::at(Value position) const {
  SmallVector<Value> indices = others;
  indices.insert(indices.begin() + dimension, position);
  return indices;
}

SmallVector<Value> tm_tensor::createLoopsOverLines(ImplicitLocOpBuilder &builder, Value tensor,
                                                   int64_t dimension, ValueRange carried,
                                                   LineBody body) {
  SmallVector<Value> sizes;
  for (int64_t dim = 0, rank = cast<RankedTensorType>(tensor.getType()).getRank(); dim < rank;
       ++dim)
    if (dim != dimension)
      sizes.push_back(sizeOf(builder, tensor, dim));
  SmallVector<Value> zeros(sizes.size(), createIndex(builder, 0));
  SmallVector<Value> ones(sizes.size(), createIndex(builder, 1));
  return scf::buildLoopNest(builder, builder.getLoc(), zeros, sizes, ones, carried,
                            [&](OpBuilder &nested, Location loc, ValueRange positions,
                                ValueRange arguments) -> scf::ValueVector {
                              ImplicitLocOpBuilder lineBuilder(loc, nested);
                              Line line{dimension, llvm::to_vector(positions)};
                              SmallVector<Value> next = body(lineBuilder, line, arguments);
                              return {next.begin(), next.end()};
                            })
      .results;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

struct ConvertTMTensorToLinalg
    : mlir::sprint::impl::ConvertTMTensorToLinalgBase<ConvertTMTensorToLinalg> {
  using ConvertTMTensorToLinalgBase::ConvertTMTensorToLinalgBase;

  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      if (isa<tm_tensor::TMTensorDialect>(op->getDialect()) && !isa<tm_tensor::YieldOp>(op))
        ++numLowered;
    });
    RewritePatternSet patterns(&getContext());
    tm_tensor::populateAttentionPatterns(patterns);
    tm_tensor::populateLoopPatterns(patterns);
    tm_tensor::populateSortPatterns(patterns);

    ConversionTarget target(getContext());
    target.addIllegalDialect<tm_tensor::TMTensorDialect>();
    // It goes with the op whose body it ends.
    target.addLegalOp<tm_tensor::YieldOp>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
