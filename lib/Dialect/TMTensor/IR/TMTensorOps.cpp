//===- TMTensorOps.cpp - Verifiers of torch-mlir's own ops ----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/TMTensor/IR/TMTensor.h"

#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/SmallBitVector.h"

#include <cmath>

using namespace mlir;
using namespace mlir::sprint::tm_tensor;

#include "Sprint/Dialect/TMTensor/IR/TMTensorDialect.cpp.inc"

#define GET_OP_CLASSES
#include "Sprint/Dialect/TMTensor/IR/TMTensorOps.cpp.inc"

namespace {
/// Functions with these ops may be inlined: they have no meaning that depends on where they stand.
struct TMTensorInlinerInterface : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  bool isLegalToInline(Operation * /*op*/, Region * /*dest*/, bool /*wouldBeCloned*/,
                       IRMapping & /*mapping*/) const final {
    return true;
  }
  bool isLegalToInline(Region * /*dest*/, Region * /*src*/, bool /*wouldBeCloned*/,
                       IRMapping & /*mapping*/) const final {
    return true;
  }
};
} // namespace

void TMTensorDialect::initialize() {
  addInterfaces<TMTensorInlinerInterface>();
  addOperations<
#define GET_OP_LIST
#include "Sprint/Dialect/TMTensor/IR/TMTensorOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Checks that several ops share
//===----------------------------------------------------------------------===//

namespace {
/// A tensor and what messages call it.
struct Named {
  StringRef name;
  RankedTensorType type;

  Named(StringRef name, Value value) : name(name), type(cast<RankedTensorType>(value.getType())) {}
};
} // namespace

static LogicalResult verifyRank(Operation *op, const Named &tensor, int64_t rank) {
  if (tensor.type.getRank() == rank)
    return success();
  return op->emitOpError() << "expected " << tensor.name << " of rank " << rank << ", got "
                           << tensor.type;
}

static LogicalResult verifySameElementType(Operation *op, const Named &tensor, const Named &model) {
  if (tensor.type.getElementType() == model.type.getElementType())
    return success();
  return op->emitOpError() << "expected elements of type " << model.type.getElementType() << " in "
                           << tensor.name << " as in " << model.name << ", got " << tensor.type;
}

/// Checks that a dimension of `tensor` may have the size of one of `model`.
static LogicalResult verifySameSize(Operation *op, const Named &tensor, int64_t dim,
                                    const Named &model, int64_t modelDim) {
  int64_t size = tensor.type.getDimSize(dim), expected = model.type.getDimSize(modelDim);
  if (size == expected || ShapedType::isDynamic(size) || ShapedType::isDynamic(expected))
    return success();
  return op->emitOpError() << "expected dimension " << dim << " of " << tensor.name << " to be "
                           << expected << " as dimension " << modelDim << " of " << model.name
                           << ", got " << size;
}

/// Checks that `tensor` may have the shape of `model`, but for dimension `except`.
static LogicalResult verifySameShape(Operation *op, const Named &tensor, const Named &model,
                                     std::optional<int64_t> except = std::nullopt) {
  if (failed(verifyRank(op, tensor, model.type.getRank())))
    return failure();
  for (int64_t dim = 0, rank = model.type.getRank(); dim < rank; ++dim)
    if (dim != except && failed(verifySameSize(op, tensor, dim, model, dim)))
      return failure();
  return success();
}

/// Checks an attribute that names a dimension of `tensor`.
static LogicalResult verifyDimension(Operation *op, int64_t dimension, const Named &tensor) {
  int64_t rank = tensor.type.getRank();
  if (dimension >= 0 && dimension < rank)
    return success();
  return op->emitOpError() << "expected a dimension of " << tensor.name << ", which has " << rank
                           << ", got " << dimension;
}

static LogicalResult verifyBody(Operation *op, Region &region, TypeRange arguments, Type yielded) {
  Block &body = region.front();
  if (TypeRange(body.getArgumentTypes()) != arguments)
    return op->emitOpError() << "expected a body with arguments (" << arguments << "), got ("
                             << body.getArgumentTypes() << ")";
  auto yield = dyn_cast<YieldOp>(body.back());
  if (!yield)
    return op->emitOpError() << "expected a body that ends in " << YieldOp::getOperationName()
                             << ", got " << body.back().getName();
  if (yield.getValue().getType() != yielded)
    return yield.emitOpError() << "expected a value of type " << yielded << ", got "
                               << yield.getValue().getType();
  return success();
}

static Type elementType(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getElementType();
}

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::verify() {
  Named query("the query", getQuery()), key("the key", getKey()), value("the value", getValue()),
      init("the init", getInit());
  int64_t rank = query.type.getRank();
  if (rank < 3)
    return emitOpError() << "expected a query of rank 3 or more, got " << query.type;

  SmallVector<Named> others = {key, value, init};
  for (const Named &other : others)
    if (failed(verifySameElementType(*this, other, query)))
      return failure();
  if (getAttnMask())
    others.emplace_back("the mask", getAttnMask());
  for (const Named &other : others) {
    if (failed(verifyRank(*this, other, rank)))
      return failure();
    for (int64_t dim = 0; dim < rank - 2; ++dim)
      if (failed(verifySameSize(*this, other, dim, query, dim)))
        return failure();
  }

  int64_t row = rank - 2, column = rank - 1;
  if (failed(verifySameSize(*this, key, column, query, column)) ||
      failed(verifySameSize(*this, value, row, key, row)) ||
      failed(verifySameSize(*this, init, row, query, row)) ||
      failed(verifySameSize(*this, init, column, value, column)))
    return failure();
  if (getAttnMask()) {
    const Named &mask = others.back();
    if (failed(verifySameSize(*this, mask, row, query, row)) ||
        failed(verifySameSize(*this, mask, column, key, row)))
      return failure();
  }
  if (std::optional<APFloat> scale = getScale(); scale && !scale->isFinite())
    return emitOpError() << "expected a finite scale, got " << getScaleAttr();
  return success();
}

std::optional<double> AttentionOp::getStaticScale() {
  if (std::optional<APFloat> scale = getScale())
    return scale->convertToDouble();
  int64_t channels = cast<RankedTensorType>(getQuery().getType()).getShape().back();
  if (ShapedType::isDynamic(channels))
    return std::nullopt;
  return 1 / std::sqrt(static_cast<double>(channels));
}

//===----------------------------------------------------------------------===//
// ScanOp
//===----------------------------------------------------------------------===//

LogicalResult ScanOp::verify() {
  Named input("the input", getInput()), output("the output", getOutput()),
      accumulator("the accumulator", getAccumulator());
  int64_t dimension = getDimension();
  if (failed(verifyDimension(*this, dimension, input)) ||
      failed(verifySameElementType(*this, output, input)) ||
      failed(verifySameElementType(*this, accumulator, input)) ||
      failed(verifySameShape(*this, output, input)) ||
      failed(verifyRank(*this, accumulator, input.type.getRank() - 1)))
    return failure();
  for (int64_t dim = 0, rank = accumulator.type.getRank(); dim < rank; ++dim)
    if (failed(verifySameSize(*this, accumulator, dim, input, dim < dimension ? dim : dim + 1)))
      return failure();
  return success();
}

LogicalResult ScanOp::verifyRegions() {
  Type element = elementType(getInput());
  return verifyBody(*this, getBody(), {element, element}, element);
}

//===----------------------------------------------------------------------===//
// ScatterOp
//===----------------------------------------------------------------------===//

LogicalResult ScatterOp::verify() {
  Named updates("updates", getUpdates()), indices("indices", getIndices()),
      original("the original", getOriginal());
  if (failed(verifySameElementType(*this, updates, original)))
    return failure();
  int64_t rank = original.type.getRank(), sliceRank = updates.type.getRank() - 1;
  if (sliceRank < 0 || sliceRank > rank)
    return emitOpError() << "expected updates of a rank from 1 to " << rank + 1 << ", got "
                         << updates.type;
  if (failed(verifySameSize(*this, updates, 0, indices, 0)))
    return failure();

  ArrayRef<int64_t> map = getDimensionMap();
  int64_t depth = indices.type.getDimSize(1);
  if (depth != static_cast<int64_t>(map.size()))
    return emitOpError() << "expected as many indices an update as dimension_map has dimensions, "
                         << map.size() << ", got " << indices.type;
  llvm::SmallBitVector indexed(rank);
  for (int64_t dim : map) {
    if (failed(verifyDimension(*this, dim, original)))
      return failure();
    if (indexed.test(dim))
      return emitOpError() << "expected every dimension once in dimension_map, got " << dim
                           << " twice";
    indexed.set(dim);
  }

  int64_t firstOfSlice = rank - sliceRank;
  for (int64_t dim = 0; dim < firstOfSlice; ++dim)
    if (!indexed.test(dim))
      return emitOpError() << "expected dimension " << dim
                           << " of the original, which the updates' slices do not run along, in "
                              "dimension_map, got "
                           << getDimensionMapAttr();
  for (int64_t dim = firstOfSlice; dim < rank; ++dim) {
    int64_t size = updates.type.getDimSize(dim - firstOfSlice + 1);
    int64_t limit = original.type.getDimSize(dim);
    if (!ShapedType::isDynamic(size) && !ShapedType::isDynamic(limit) && size > limit)
      return emitOpError() << "expected dimension " << dim - firstOfSlice + 1
                           << " of updates to be at most " << limit << " as dimension " << dim
                           << " of the original, got " << size;
  }
  return success();
}

LogicalResult ScatterOp::verifyRegions() {
  Type element = elementType(getOriginal());
  return verifyBody(*this, getBody(), {element, element}, element);
}

//===----------------------------------------------------------------------===//
// SortOp
//===----------------------------------------------------------------------===//

LogicalResult SortOp::verify() {
  if (getInits().empty())
    return emitOpError() << "expected at least one tensor, got none";
  Named first("the first tensor", getInits().front());
  for (Value init : getInits().drop_front())
    if (failed(verifySameShape(*this, Named("each tensor", init), first)))
      return failure();
  return verifyDimension(*this, getDimension(), first);
}

LogicalResult SortOp::verifyRegions() {
  SmallVector<Type> arguments;
  for (Value init : getInits())
    arguments.append(2, elementType(init));
  return verifyBody(*this, getBody(), arguments, IntegerType::get(getContext(), 1));
}

//===----------------------------------------------------------------------===//
// TopkOp
//===----------------------------------------------------------------------===//

LogicalResult TopkOp::verify() {
  Named input("the input", getInput()), values("values", getValues()),
      positions("positions", getPositions());
  if (failed(verifyDimension(*this, getDimension(), input)) ||
      failed(verifySameElementType(*this, values, input)) ||
      failed(verifySameShape(*this, values, input, /*except=*/getDimension())) ||
      failed(verifySameShape(*this, positions, values)))
    return failure();
  return success();
}

LogicalResult TopkOp::verifyRegions() {
  Type element = elementType(getInput());
  return verifyBody(*this, getBody(), {element, element}, IntegerType::get(getContext(), 1));
}
