//===- TileToCrossbar.cpp - Cut attentions into blocks of rows ------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/Transforms/Passes.h"
#include "Sprint/Dialect/Sprint/Transforms/Programs.h"
#include "SprintRuntime/Commands.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTTILETOCROSSBAR
#include "Sprint/Dialect/Sprint/Transforms/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;
using ::sprint::LaunchParameter;

/// What the loops over batch elements, key heads, members of a group and queries count, as
/// expressions of launch parameters.
static SmallVector<Attribute> getExtents(AttendOp attend, int64_t group) {
  MLIRContext *context = attend.getContext();
  auto parameter = [&](LaunchParameter which) {
    return getAffineSymbolExpr(static_cast<unsigned>(which), context);
  };
  return llvm::map_to_vector(
      ArrayRef<AffineExpr>{
          parameter(LaunchParameter::Batches), parameter(LaunchParameter::Heads).floorDiv(group),
          getAffineConstantExpr(group, context), parameter(LaunchParameter::Queries)},
      [](AffineExpr extent) -> Attribute { return sprint_isa::ExprAttr::get(extent); });
}

/// Replaces `attend` by loops over the blocks of its schedule.
static LogicalResult tile(IRRewriter &rewriter, AttendOp attend) {
  ScheduleAttr schedule = attend.getScheduleAttr();
  if (!schedule)
    return attend.emitOpError("expected a schedule; run sprint-schedule-fetches first");
  rewriter.setInsertionPoint(attend);
  std::optional<int64_t> group = getConstantIntValue(attend.getGroup(rewriter));
  if (!group)
    return attend.emitOpError("expected static numbers of heads");
  SmallVector<int64_t> steps = {1, 1, schedule.getHeads(), schedule.getQueries()};
  SmallVector<Attribute> extents = getExtents(attend, *group);

  RowsOp rows;
  auto createLoops =
      [&](RewriterBase &builder, Location loc, ArrayRef<Range> ranges, ArrayRef<OpFoldResult> sizes,
          ValueRange destinations) -> FailureOr<scf::SCFTilingOptions::CustomLoopHeaderInfo> {
    rows = RowsOp::create(builder, loc, destinations.getTypes(), destinations,
                          builder.getArrayAttr(extents), builder.getDenseI64ArrayAttr(steps),
                          schedule);
    SmallVector<Type> types(steps.size(), builder.getIndexType());
    llvm::append_range(types, destinations.getTypes());
    SmallVector<Location> locations(types.size(), loc);
    builder.createBlock(&rows.getBody(), {}, types, locations);
    scf::SCFTilingOptions::CustomLoopHeaderInfo info;
    info.loops = {rows};
    info.tileOffset = getAsOpFoldResult(ValueRange(rows.getCounters()));
    info.destinationTensors = llvm::to_vector_of<Value>(rows.getRegionIterArgs());
    AffineExpr counter, extent;
    bindSymbols(builder.getContext(), counter, extent);
    for (auto [range, size, step, offset] :
         llvm::zip_equal(ranges, sizes, steps, info.tileOffset)) {
      std::optional<int64_t> total = getConstantIntValue(range.size);
      bool isWhole = step == 1 || (total && *total % step == 0);
      AffineExpr whole = builder.getAffineConstantExpr(step);
      // The last block holds what is left.
      info.tileSizes.push_back(
          isWhole ? size
                  : affine::makeComposedFoldedAffineMin(
                        builder, loc,
                        AffineMap::get(0, 2, {whole, extent - counter}, whole.getContext()),
                        {offset, range.size}));
    }
    return info;
  };
  auto endLoops = [&](RewriterBase &builder, Location loc, ArrayRef<LoopLikeOpInterface>,
                      ValueRange results, ArrayRef<SmallVector<OpFoldResult>> offsets,
                      ArrayRef<SmallVector<OpFoldResult>> sizes,
                      ValueRange destinations) -> LogicalResult {
    SmallVector<Value> updated;
    for (auto [tile, destination, offset, size] :
         llvm::zip_equal(results, destinations, offsets, sizes)) {
      SmallVector<OpFoldResult> strides(offset.size(), builder.getIndexAttr(1));
      updated.push_back(
          tensor::InsertSliceOp::create(builder, loc, tile, destination, offset, size, strides));
    }
    YieldOp::create(builder, loc, updated);
    return success();
  };

  scf::SCFTilingOptions options;
  options.setTileSizes(getAsIndexOpFoldResult(rewriter.getContext(), steps));
  options.setLoopType(scf::SCFTilingOptions::LoopType::CustomOp);
  options.setCustomLoopGenerationFns(createLoops, endLoops);
  FailureOr<scf::SCFTilingResult> tiled =
      scf::tileUsingSCF(rewriter, cast<TilingInterface>(attend.getOperation()), options);
  if (failed(tiled))
    return failure();
  rewriter.replaceOp(attend, rows.getResults());
  return success();
}

namespace {

struct TileToCrossbar : mlir::sprint::impl::SprintTileToCrossbarBase<TileToCrossbar> {
  using SprintTileToCrossbarBase::SprintTileToCrossbarBase;

  bool canScheduleOn(RegisteredOperationName name) const override {
    return isModuleOrProgram<ProgramOp>(name);
  }

  void runOnOperation() override {
    if (failed(forEachProgram<ProgramOp>(getOperation(),
                                         [&](ProgramOp program) { return run(program); })))
      signalPassFailure();
  }

private:
  LogicalResult run(ProgramOp program) {
    SmallVector<AttendOp> attentions(program.getBody().getOps<AttendOp>());
    if (attentions.empty())
      return success();
    IRRewriter rewriter(&getContext());
    for (AttendOp attend : attentions) {
      if (failed(tile(rewriter, attend)))
        return failure();
      ++numTiled;
    }
    // Slices and sizes are made where they are needed.
    DominanceInfo dominance(program);
    eliminateCommonSubExpressions(rewriter, dominance, program);
    return success();
  }
};

} // namespace
