//===- Caches.cpp - Caches on the host --------------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A cache is tensors of codes as long as its capacity, of which a length says how much is there,
// and the steps that the codes are made at.
//
//===----------------------------------------------------------------------===//

#include "../Caches/CacheTypes.h"
#include "Lowering.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint::lowering;

namespace {

/// The values that a cache becomes, in their order.
struct HostCache {
  /// Codes `[B, G, capacity, D]` and `[B, G, capacity, Dv]`.
  Value keys, values;
  /// An index.
  Value length;
  /// Steps `[B, H]`, `[B, G]` and `[B, G]`.
  Value queryStep, keyStep, valueStep;

  explicit HostCache(ValueRange parts)
      : keys(parts[0]), values(parts[1]), length(parts[2]), queryStep(parts[3]), keyStep(parts[4]),
        valueStep(parts[5]) {}

  SmallVector<Value> getParts() const {
    return {keys, values, length, queryStep, keyStep, valueStep};
  }

  static void getTypes(CacheType cache, SmallVectorImpl<Type> &types) {
    MLIRContext *context = cache.getContext();
    Type codes = IntegerType::get(context, 8), steps = Float32Type::get(context);
    int64_t batches = cache.getBatches(), keyHeads = cache.getKeyHeads();
    for (int64_t channels : {cache.getHeadDim(), cache.getValueDim()})
      types.push_back(
          RankedTensorType::get({batches, keyHeads, ShapedType::kDynamic, channels}, codes));
    types.push_back(IndexType::get(context));
    for (int64_t heads : {cache.getHeads(), keyHeads, keyHeads})
      types.push_back(RankedTensorType::get({batches, heads}, steps));
  }
};

struct CreateCacheLowering : OpConversionPattern<CreateCacheOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(CreateCacheOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    SmallVector<Type> types;
    HostCache::getTypes(op.getType(), types);
    Value zero = arith::ConstantIndexOp::create(builder, 0);
    cf::AssertOp::create(
        builder,
        arith::CmpIOp::create(builder, arith::CmpIPredicate::sge, adaptor.getCapacity(), zero),
        "expected a capacity of the cache that is not negative");
    SmallVector<Value> parts;
    for (Type codes : ArrayRef(types).take_front(2))
      parts.push_back(tensor::EmptyOp::create(builder, codes, adaptor.getCapacity()));
    parts.push_back(zero);
    const Value given[] = {adaptor.getQueryStep(), adaptor.getKeyStep(), adaptor.getValueStep()};
    for (auto [type, steps] : llvm::zip_equal(ArrayRef(types).drop_front(3), given)) {
      createAssertAll(
          builder, steps,
          [](Scalar step) {
            return (step >= step.constant(double(std::numeric_limits<float>::min()))) &
                   (step < step.constant(std::numeric_limits<double>::infinity()));
          },
          "expected finite steps of at least 2^-126");
      parts.push_back(castTo(builder, steps, type));
    }
    SmallVector<SmallVector<Value>> results = {parts};
    rewriter.replaceOpWithMultiple(op, std::move(results));
    return success();
  }
};

struct CachedLaunchLowering : OpConversionPattern<CachedLaunchOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(CachedLaunchOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto program = SymbolTable::lookupNearestSymbolFrom<ProgramOp>(op, op.getProgramAttr());
    FailureOr<Nibble> nibble = getNibble(op);
    if (!program || failed(nibble))
      return failure();
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    HostCache cache(adaptor.getCache());
    auto quantize = [&](Value tensor, Value steps) -> Value {
      auto type = cast<RankedTensorType>(tensor.getType());
      return QuantizeAtOp::create(builder, type.clone(builder.getI8Type()), tensor, steps, *nibble);
    };
    OpFoldResult added = sizeOf(builder, op.getKey(), 2);
    Value grown = arith::AddIOp::create(
        builder, cache.length, getValueOrCreateConstantIndexOp(builder, op.getLoc(), added));
    Value capacity = builder.createOrFold<tensor::DimOp>(cache.keys, 2);
    cf::AssertOp::create(builder,
                         arith::CmpIOp::create(builder, arith::CmpIPredicate::sle, grown, capacity),
                         "expected a capacity of the cache for all tokens of its launches");
    // All that is there, of `codes` with those of `tensor` behind the others.
    auto append = [&](Value &codes, Value tensor, Value steps) -> Value {
      auto type = cast<RankedTensorType>(codes.getType());
      OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
      SmallVector<OpFoldResult> offsets(4, zero), strides(4, one), sizes;
      for (int64_t dim = 0; dim < 4; ++dim)
        sizes.push_back(dim == 2 ? added : builder.getIndexAttr(type.getDimSize(dim)));
      offsets[2] = cache.length;
      codes = tensor::InsertSliceOp::create(builder, quantize(tensor, steps), codes, offsets, sizes,
                                            strides);
      offsets[2] = zero;
      sizes[2] = grown;
      return tensor::ExtractSliceOp::create(builder, codes, offsets, sizes, strides);
    };
    Value keys = append(cache.keys, op.getKey(), cache.keyStep);
    Value values = append(cache.values, op.getValue(), cache.valueStep);
    cache.length = grown;
    Value codes = createProgramCall(
        builder, program,
        {quantize(op.getQuery(), cache.queryStep), keys, values, cache.queryStep, cache.keyStep},
        op.getOptionalInputs());
    auto type = cast<RankedTensorType>(codes.getType()).clone(builder.getF32Type());
    SmallVector<OpFoldResult> sizes;
    for (int64_t dim = 0; dim < 4; ++dim)
      sizes.push_back(sizeOf(builder, codes, dim));
    Value init = castTo(builder, createEmpty(builder, sizes, type.getElementType()), type);
    Value output = DequantizeOp::create(builder, type, codes, cache.valueStep, init);
    SmallVector<SmallVector<Value>> results = {{castTo(builder, output, op.getResult().getType())},
                                               cache.getParts()};
    rewriter.replaceOpWithMultiple(op, std::move(results));
    return success();
  }
};

} // namespace

LogicalResult lowering::lowerCaches(ModuleOp module) {
  // On the machine they are no tensors.
  SymbolTable symbols(module);
  CachedLaunchOp ofCommands, ofHost;
  module.walk([&](CachedLaunchOp launch) {
    bool isHost = isa_and_nonnull<ProgramOp>(symbols.lookup(launch.getProgram()));
    (isHost ? ofHost : ofCommands) = launch;
  });
  if (ofCommands && ofHost) {
    InFlightDiagnostic error =
        ofHost.emitOpError("expected programs that all run on the host, or all on the machine");
    error.attachNote(ofCommands.getLoc()) << "the program of this launch runs on the machine";
    return error;
  }
  if (ofCommands)
    return success();
  return convertCaches(
      module, HostCache::getTypes, [](const TypeConverter &converter, RewritePatternSet &patterns) {
        patterns.add<CreateCacheLowering, CachedLaunchLowering>(converter, patterns.getContext());
      });
}
