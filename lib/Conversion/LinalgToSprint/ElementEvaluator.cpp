//===- ElementEvaluator.cpp - Tensors as expressions ----------------------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "ElementEvaluator.h"

#include "Views.h"

#include "Sprint/Dialect/TMTensor/IR/TMTensor.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

TensorSize ElementEvaluator::resolve(TensorSize size) const {
  // Each pair leads to a size that had no pair when it was added, so this ends.
  for (const auto &[from, to] : equalSizes)
    if (from == size)
      size = to;
  return size;
}

void ElementEvaluator::setEqual(const TensorSize &size, const TensorSize &same) {
  TensorSize from = resolve(size), to = resolve(same);
  // Constants say most, dimensions of tensors more than integers.
  auto rank = [](const TensorSize &size) {
    return size.isConstant() ? 2 : size.dimension >= 0 ? 1 : 0;
  };
  if (rank(from) > rank(to))
    std::swap(from, to);
  if (from != to && !from.isConstant())
    equalSizes.push_back({from, to});
}

Expr ElementEvaluator::evaluateSize(const TensorSize &unresolved) {
  TensorSize size = resolve(unresolved);
  if (size.isConstant())
    return factory.integer(size.constant);
  if (size.dimension < 0) {
    Expr integer = evaluateScalar(size.value, function);
    return integer->isInteger() ? integer : factory.size(size);
  }
  auto concat = size.value.getDefiningOp<tensor::ConcatOp>();
  if (!concat || static_cast<int64_t>(concat.getDim()) != size.dimension ||
      concat.getInputs().size() > kMaxParts || depth >= kMaxDepth)
    return factory.size(size);
  ++depth;
  Expr total = factory.integer(0);
  for (Value input : concat.getInputs())
    total = total ? factory.add(total, evaluateSize(input, size.dimension)) : nullptr;
  --depth;
  return total ? total : factory.size(size);
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Expr ElementEvaluator::constant(Attribute number) {
  if (auto real = dyn_cast<FloatAttr>(number))
    return factory.floating(real);
  auto integer = dyn_cast<IntegerAttr>(number);
  if (!integer || integer.getValue().getBitWidth() > 64)
    return nullptr;
  if (integer.getType().isInteger(1))
    return factory.truth(!integer.getValue().isZero());
  return factory.integer(integer.getValue().getSExtValue());
}

static bool isScalarType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.getWidth() <= 64;
  return isa<IndexType, FloatType>(type);
}

/// Whether the op makes one scalar of scalars, the same each time.
static bool isScalarOp(Operation *op) {
  return isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) &&
         op->getNumResults() == 1 && op->getNumOperands() > 0 && op->getNumRegions() == 0 &&
         isScalarType(op->getResult(0).getType()) &&
         llvm::all_of(op->getOperandTypes(), isScalarType) && isMemoryEffectFree(op);
}

Expr ElementEvaluator::evaluateScalarDefinition(Value scalar, Frame &frame) {
  if (auto argument = dyn_cast<BlockArgument>(scalar))
    return frame.block ? frame.getArgument(argument) : nullptr;
  Operation *op = scalar.getDefiningOp();
  if (auto index = dyn_cast<linalg::IndexOp>(op))
    return frame.block && index.getDim() < frame.loops.size() ? frame.loops[index.getDim()]
                                                              : nullptr;
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    std::optional<int64_t> index = dim.getConstantIndex();
    auto type = dyn_cast<RankedTensorType>(dim.getSource().getType());
    return index && type && *index >= 0 && *index < type.getRank()
               ? evaluateSize(dim.getSource(), *index)
               : nullptr;
  }
  auto extract = dyn_cast<tensor::ExtractOp>(op);
  auto apply = dyn_cast<affine::AffineApplyOp>(op);
  if (!extract && !apply && !isScalarOp(op))
    return nullptr;
  SmallVector<Expr> operands;
  for (Value operand : extract ? extract.getIndices() : op->getOperands()) {
    operands.push_back(evaluateScalar(operand, frame));
    if (!operands.back() || ((extract || apply) && !operands.back()->isInteger()))
      return nullptr;
  }
  if (extract)
    return evaluate(extract.getTensor(), operands);
  if (!apply)
    return factory.apply(op, operands);
  AffineMap map = apply.getAffineMap();
  return evaluateMap(map.getResult(0), ArrayRef(operands).take_front(map.getNumDims()),
                     ArrayRef(operands).drop_front(map.getNumDims()));
}

Expr ElementEvaluator::evaluateScalar(Value scalar, Frame &frame) {
  Attribute number;
  if (matchPattern(scalar, m_Constant(&number)))
    if (Expr known = constant(number))
      return known;
  // A body uses scalars of the function too, those of a region within it are not understood.
  Block *block = scalar.getParentBlock();
  if (frame.block && block != frame.block) {
    if (frame.block->getParentOp()->isAncestor(block->getParentOp()))
      return nullptr;
    return evaluateScalar(scalar, function);
  }
  if (Expr known = frame.values.lookup(scalar))
    return known;
  Expr result = nullptr;
  bool isInFunction = !frame.block;
  if (isInFunction && scalar.getType().isIntOrIndex()) {
    TensorSize size = resolve(sizeFrom(scalar));
    if (size.isConstant() || size.value != scalar)
      result = evaluateSize(size);
  }
  if (!result && depth < kMaxDepth && !factory.isExhausted()) {
    ++depth;
    result = evaluateScalarDefinition(scalar, frame);
    --depth;
  }
  if (!result && isInFunction)
    result = factory.scalar(scalar);
  if (result)
    frame.values[scalar] = result;
  return result;
}

Expr ElementEvaluator::evaluateNumber(OpFoldResult number) {
  if (auto attribute = dyn_cast<Attribute>(number))
    return constant(attribute);
  Expr integer = evaluateScalar(cast<Value>(number), function);
  return integer->isInteger() ? integer : nullptr;
}

Expr ElementEvaluator::evaluateMap(AffineExpr expr, ArrayRef<Expr> dims, ArrayRef<Expr> symbols) {
  if (auto number = dyn_cast<AffineConstantExpr>(expr))
    return factory.integer(number.getValue());
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbols[symbol.getPosition()];
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary || depth >= kMaxDepth)
    return nullptr;
  ++depth;
  Expr left = evaluateMap(binary.getLHS(), dims, symbols);
  Expr right = evaluateMap(binary.getRHS(), dims, symbols);
  --depth;
  if (!left || !right)
    return nullptr;
  std::optional<int64_t> number = right->getConstantInteger();
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    return factory.add(left, right);
  case AffineExprKind::Mul:
    return number ? factory.scale(left, *number) : nullptr;
  case AffineExprKind::FloorDiv:
    return number && *number > 0 ? factory.floorDivide(left, *number) : nullptr;
  case AffineExprKind::Mod:
    return number && *number > 0 ? factory.remainder(left, *number) : nullptr;
  default:
    return nullptr;
  }
}

//===----------------------------------------------------------------------===//
// Constant tensors
//===----------------------------------------------------------------------===//

namespace {
/// The elements of a constant tensor as bits, wherever they are kept.
class ConstantElements {
public:
  explicit ConstantElements(ElementsAttr elements) {
    type = cast<RankedTensorType>(elements.getShapedType());
    Type elementType = type.getElementType();
    if (!elementType.isIntOrFloat() || elementType.getIntOrFloatBitWidth() > 64)
      return;
    width = elementType.getIntOrFloatBitWidth();
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
      AsmResourceBlob *blob = resource.getRawHandle().getBlob();
      int64_t bytes = std::max(1u, width / 8);
      if (!blob || width % 8 != 0 ||
          static_cast<int64_t>(blob->getData().size()) != type.getNumElements() * bytes)
        return;
      raw = blob->getData();
      isReadable = true;
      return;
    }
    dense = dyn_cast<DenseElementsAttr>(elements);
    isReadable = static_cast<bool>(dense);
  }

  bool canRead() const { return isReadable; }

  APInt get(int64_t position) const {
    if (!dense) {
      uint64_t bits = 0;
      for (unsigned byte = 0; byte < width / 8; ++byte)
        bits |= uint64_t(uint8_t(raw[position * (width / 8) + byte])) << (8 * byte);
      return APInt(width, bits);
    }
    if (isa<FloatType>(type.getElementType()))
      return (*std::next(dense.value_begin<APFloat>(), position)).bitcastToAPInt();
    return *std::next(dense.value_begin<APInt>(), position);
  }

  /// The attribute of the scalar with the given bits.
  Attribute getScalar(const APInt &bits) const {
    if (auto real = dyn_cast<FloatType>(type.getElementType()))
      return FloatAttr::get(real, APFloat(real.getFloatSemantics(), bits));
    return IntegerAttr::get(type.getElementType(), bits);
  }

private:
  RankedTensorType type;
  unsigned width = 0;
  DenseElementsAttr dense;
  ArrayRef<char> raw;
  bool isReadable = false;
};
} // namespace

/// Bounds `low <= column - row <= high` that hold for exactly the elements of a matrix that are
/// `wanted`.
static std::optional<IntegerRange> findBand(const ConstantElements &elements,
                                            function_ref<int64_t(int64_t, int64_t)> place,
                                            int64_t rows, int64_t columns, const APInt &wanted) {
  IntegerRange band{INT64_MAX, INT64_MIN};
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      if (elements.get(place(row, column)) == wanted)
        band = {std::min(band.min, column - row), std::max(band.max, column - row)};
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      if ((column - row >= band.min && column - row <= band.max) !=
          (elements.get(place(row, column)) == wanted))
        return std::nullopt;
  return band;
}

Expr ElementEvaluator::evaluateConstant(Value tensor, ArrayRef<Expr> indices) {
  ElementsAttr attribute;
  if (!matchPattern(tensor, m_Constant(&attribute)))
    return nullptr;
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute); dense && dense.isSplat())
    return constant(dense.getSplatValue<Attribute>());
  auto type = cast<RankedTensorType>(tensor.getType());
  ConstantElements elements(attribute);
  if (!elements.canRead())
    return nullptr;

  // Along at most two dimensions the index varies.
  int64_t start = 0, stride = 1, numElements = 1;
  SmallVector<int64_t> varying, strides;
  for (int64_t dimension = type.getRank() - 1; dimension >= 0; --dimension) {
    int64_t size = type.getDimSize(dimension);
    if (std::optional<int64_t> fixed = indices[dimension]->getConstantInteger()) {
      if (*fixed < 0 || *fixed >= size)
        return nullptr;
      start += *fixed * stride;
    } else {
      varying.push_back(dimension);
      strides.push_back(stride);
      numElements *= size;
    }
    stride *= size;
  }
  if (varying.empty())
    return constant(elements.getScalar(elements.get(start)));
  comparedElements += numElements;
  if (varying.size() > 2 || comparedElements > kMaxConstantElements)
    return nullptr;

  // Evenly spaced integers.
  Expr column = indices[varying[0]];
  int64_t columns = type.getDimSize(varying[0]);
  if (varying.size() == 1 && isa<IntegerType>(type.getElementType()) && columns > 1) {
    APInt first = elements.get(start), step = elements.get(start + strides[0]) - first;
    bool isEven = true;
    for (int64_t place = 1; place < columns && isEven; ++place)
      isEven = elements.get(start + place * strides[0]) -
                   elements.get(start + (place - 1) * strides[0]) ==
               step;
    Expr scaled = isEven ? factory.scale(column, step.getSExtValue()) : nullptr;
    // The last element shows that none wrapped.
    if (scaled && first.getSExtValue() + step.getSExtValue() * (columns - 1) ==
                      elements.get(start + (columns - 1) * strides[0]).getSExtValue())
      return factory.add(scaled, factory.integer(first.getSExtValue()));
  }

  // Two values, of which one fills a band.
  int64_t rows = varying.size() == 2 ? type.getDimSize(varying[1]) : 1;
  Expr row = varying.size() == 2 ? indices[varying[1]] : factory.integer(0);
  auto place = [&](int64_t rowIndex, int64_t columnIndex) {
    return start + columnIndex * strides[0] + (rows > 1 ? rowIndex * strides[1] : 0);
  };
  APInt first = elements.get(start), second = first;
  for (int64_t rowIndex = 0; rowIndex < rows; ++rowIndex) {
    for (int64_t columnIndex = 0; columnIndex < columns; ++columnIndex) {
      APInt bits = elements.get(place(rowIndex, columnIndex));
      if (bits == first || bits == second)
        continue;
      if (second != first)
        return nullptr;
      second = bits;
    }
  }
  Expr values[] = {constant(elements.getScalar(first)), constant(elements.getScalar(second))};
  if (!values[0] || first == second)
    return values[0];
  for (unsigned which : {0, 1}) {
    std::optional<IntegerRange> band =
        findBand(elements, place, rows, columns, which == 0 ? first : second);
    if (!band)
      continue;
    // Indices are inside the constant, so a bound at its corner bounds nothing.
    Expr distance = factory.subtract(column, row);
    SmallVector<Expr> bounds;
    if (band->min > 1 - rows)
      bounds.push_back(factory.isNonNegative(factory.add(distance, factory.integer(-band->min))));
    if (band->max < columns - 1)
      bounds.push_back(
          factory.isNonNegative(factory.subtract(factory.integer(band->max), distance)));
    Expr inside = factory.conjunction(bounds);
    return factory.select(inside, values[which], values[1 - which]);
  }
  return nullptr;
}

std::optional<double> ElementEvaluator::getLowerBound(Expr number, unsigned steps) {
  auto notNaN = [](double bound) {
    return std::isnan(bound) ? std::nullopt : std::optional(bound);
  };
  if (std::optional<APFloat> constant = number->getConstantFloat())
    return notNaN(toDouble(*constant));
  if (number->kind == Kind::Select || number->isOperation("arith.addf")) {
    if (steps == 0)
      return std::nullopt;
    std::optional<double> left =
        getLowerBound(number->operands[number->operands.size() - 2], steps - 1);
    std::optional<double> right = getLowerBound(number->operands.back(), steps - 1);
    if (!left || !right)
      return std::nullopt;
    return notNaN(number->kind == Kind::Select ? std::min(*left, *right) : *left + *right);
  }
  // A table of trained numbers, such as the biases of relative positions.
  ElementsAttr attribute;
  if (number->kind != Kind::Load || !matchPattern(number->value, m_Constant(&attribute)))
    return std::nullopt;
  ConstantElements elements(attribute);
  int64_t numElements = attribute.getNumElements();
  comparedElements += numElements;
  if (!elements.canRead() || comparedElements > kMaxConstantElements)
    return std::nullopt;
  double least = std::numeric_limits<double>::infinity();
  for (int64_t place = 0; place < numElements; ++place) {
    double element = toDouble(cast<FloatAttr>(elements.getScalar(elements.get(place))).getValue());
    if (std::isnan(element))
      return std::nullopt;
    least = std::min(least, element);
  }
  return least;
}

//===----------------------------------------------------------------------===//
// Structured ops
//===----------------------------------------------------------------------===//

Expr ElementEvaluator::evaluateStructured(linalg::LinalgOp op, OpResult result,
                                          ArrayRef<Expr> indices) {
  if (!op.hasPureTensorSemantics() || op.getNumParallelLoops() != op.getNumLoops())
    return nullptr;
  AffineMap outMap = op.getMatchingIndexingMap(op.getDpsInitOperand(result.getResultNumber()));
  if (!outMap.isPermutation())
    return nullptr;
  Frame frame;
  frame.block = op.getBlock();
  frame.loops.resize(op.getNumLoops());
  for (auto [expr, index] : llvm::zip_equal(outMap.getResults(), indices))
    frame.loops[cast<AffineDimExpr>(expr).getPosition()] = index;
  auto getArgument = [&](BlockArgument argument) -> Expr {
    OpOperand &operand = op->getOpOperand(argument.getArgNumber());
    if (!isa<RankedTensorType>(operand.get().getType()))
      return evaluateScalar(operand.get(), function);
    SmallVector<Expr> places;
    for (auto [dimension, expr] :
         llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
      places.push_back(evaluateMap(expr, frame.loops));
      if (!places.back())
        return nullptr;
      std::optional<unsigned> outDimension = outMap.getResultPosition(expr);
      if (outDimension && isCovered(result, *outDimension, places.back()))
        covered.insert({operand.get(), dimension, places.back()});
    }
    return evaluate(operand.get(), places);
  };
  frame.getArgument = getArgument;
  return evaluateScalar(frame.block->getTerminator()->getOperand(result.getResultNumber()), frame);
}

Expr ElementEvaluator::evaluateGenerate(tensor::GenerateOp op, ArrayRef<Expr> indices) {
  Frame frame;
  frame.block = &op.getBody().front();
  auto getArgument = [&](BlockArgument argument) { return indices[argument.getArgNumber()]; };
  frame.getArgument = getArgument;
  return evaluateScalar(frame.block->getTerminator()->getOperand(0), frame);
}

Expr ElementEvaluator::evaluateScan(OpResult result, ArrayRef<Expr> indices) {
  auto op = cast<tm_tensor::ScanOp>(result.getOwner());
  int64_t dimension = op.getDimension();
  if (result.getResultNumber() != 0 || !op.getInclusive())
    return nullptr;
  Block &body = op.getBody().front();
  auto sum = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddIOp>();
  auto isArgument = [&](Value value, unsigned number) { return value == body.getArgument(number); };
  if (!sum || !((isArgument(sum.getLhs(), 0) && isArgument(sum.getRhs(), 1)) ||
                (isArgument(sum.getLhs(), 1) && isArgument(sum.getRhs(), 0))))
    return nullptr;
  // A sum of zeros. torch counts the packed sequences of a batch this way where there is one.
  SmallVector<Expr> anywhere(indices);
  anywhere[dimension] = factory.index(evaluateSize(op.getInput(), dimension));
  Expr summand = evaluate(op.getInput(), anywhere);
  return summand->getConstantInteger() == 0 ? summand : nullptr;
}

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

std::optional<SmallVector<Expr>> ElementEvaluator::delinearize(Expr linear, ArrayRef<Expr> sizes) {
  SmallVector<Expr> indices(sizes.size());
  for (size_t dimension = sizes.size(); dimension-- > 1;) {
    std::optional<int64_t> size = sizes[dimension]->getConstantInteger();
    if (!size || *size <= 0)
      return std::nullopt;
    indices[dimension] = factory.remainder(linear, *size);
    linear = factory.floorDivide(linear, *size);
    if (!linear || !indices[dimension])
      return std::nullopt;
  }
  if (!sizes.empty())
    indices[0] = sizes[0]->getConstantInteger() == 1 ? factory.integer(0) : linear;
  return indices;
}

/// Row-major index of an element; null where that is no affine expression.
static Expr linearize(ElementExprFactory &factory, ArrayRef<Expr> indices, ArrayRef<Expr> sizes) {
  Expr linear = factory.integer(0);
  std::optional<int64_t> stride = 1;
  for (size_t dimension = sizes.size(); dimension-- > 0 && linear;) {
    if (indices[dimension]->getConstantInteger() != 0) {
      Expr scaled = stride ? factory.scale(indices[dimension], *stride) : nullptr;
      linear = scaled ? factory.add(linear, scaled) : nullptr;
    }
    std::optional<int64_t> size = sizes[dimension]->getConstantInteger();
    int64_t product = 0;
    if (!stride || !size || llvm::MulOverflow(*stride, *size, product))
      stride = std::nullopt;
    else
      stride = product;
  }
  return linear;
}

Expr ElementEvaluator::evaluateCollapse(tensor::CollapseShapeOp op, ArrayRef<Expr> indices) {
  SmallVector<Expr> source(op.getSrcType().getRank(), factory.integer(0));
  for (auto [index, group] : llvm::zip_equal(indices, op.getReassociationIndices())) {
    SmallVector<int64_t> large = llvm::filter_to_vector(
        group, [&](int64_t dimension) { return op.getSrcType().getDimSize(dimension) != 1; });
    SmallVector<Expr> sizes = llvm::map_to_vector(
        large, [&](int64_t dimension) { return evaluateSize(op.getSrc(), dimension); });
    std::optional<SmallVector<Expr>> places = delinearize(index, sizes);
    if (!places)
      return nullptr;
    for (auto [dimension, place] : llvm::zip_equal(large, *places))
      source[dimension] = place;
  }
  return evaluate(op.getSrc(), source);
}

Expr ElementEvaluator::evaluateExpand(tensor::ExpandShapeOp op, ArrayRef<Expr> indices) {
  SmallVector<Expr> source;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    SmallVector<Expr> places, sizes;
    for (int64_t dimension : group) {
      places.push_back(indices[dimension]);
      sizes.push_back(evaluateSize(op.getResult(), dimension));
    }
    source.push_back(linearize(factory, places, sizes));
    if (!source.back())
      return nullptr;
  }
  return evaluate(op.getSrc(), source);
}

Expr ElementEvaluator::evaluateReshape(tensor::ReshapeOp op, ArrayRef<Expr> indices) {
  auto sourceType = dyn_cast<RankedTensorType>(op.getSource().getType());
  if (!sourceType)
    return nullptr;
  // Dimensions of size 1 do not matter; equal ones at either end are the same.
  auto getLarge = [&](Value tensor, SmallVector<int64_t> &dimensions, SmallVector<Expr> &sizes) {
    auto type = cast<RankedTensorType>(tensor.getType());
    for (int64_t dimension = 0; dimension < type.getRank(); ++dimension) {
      Expr size = evaluateSize(tensor, dimension);
      if (size->getConstantInteger() == 1)
        continue;
      dimensions.push_back(dimension);
      sizes.push_back(size);
    }
  };
  SmallVector<int64_t> from, to;
  SmallVector<Expr> fromSizes, toSizes;
  getLarge(op.getSource(), from, fromSizes);
  getLarge(op.getResult(), to, toSizes);
  SmallVector<Expr> source(sourceType.getRank(), factory.integer(0));
  size_t first = 0, fromEnd = from.size(), toEnd = to.size();
  for (; first < std::min(fromEnd, toEnd) && fromSizes[first] == toSizes[first]; ++first)
    source[from[first]] = indices[to[first]];
  for (; fromEnd > first && toEnd > first && fromSizes[fromEnd - 1] == toSizes[toEnd - 1];
       --fromEnd, --toEnd)
    source[from[fromEnd - 1]] = indices[to[toEnd - 1]];
  SmallVector<Expr> places;
  for (size_t place = first; place < toEnd; ++place)
    places.push_back(indices[to[place]]);
  Expr linear = linearize(factory, places, ArrayRef(toSizes).slice(first, toEnd - first));
  std::optional<SmallVector<Expr>> split =
      linear ? delinearize(linear, ArrayRef(fromSizes).slice(first, fromEnd - first))
             : std::nullopt;
  if (!split)
    return nullptr;
  for (auto [offset, place] : llvm::enumerate(*split))
    source[from[first + offset]] = place;
  return evaluate(op.getSource(), source);
}

//===----------------------------------------------------------------------===//
// Slices and parts
//===----------------------------------------------------------------------===//

Expr ElementEvaluator::evaluateSlice(tensor::ExtractSliceOp op, ArrayRef<Expr> indices) {
  llvm::SmallBitVector dropped = op.getDroppedDims();
  SmallVector<Expr> source;
  size_t next = 0;
  for (auto [dimension, offset, step] :
       llvm::enumerate(op.getMixedOffsets(), op.getMixedStrides())) {
    Expr start = evaluateNumber(offset), stride = evaluateNumber(step);
    std::optional<int64_t> factor = stride ? stride->getConstantInteger() : std::nullopt;
    Expr index = dropped[dimension] ? factory.integer(0) : indices[next++];
    Expr scaled = start && factor ? factory.scale(index, *factor) : nullptr;
    source.push_back(scaled ? factory.add(start, scaled) : nullptr);
    if (!source.back())
      return nullptr;
  }
  return evaluate(op.getSource(), source);
}

Expr ElementEvaluator::selectPart(Expr condition, Expr ifTrue, Expr ifFalse) {
  Expr result = factory.select(condition, ifTrue, ifFalse);
  return condition->isConstant() || !result->hasLoad ? result : nullptr;
}

Expr ElementEvaluator::evaluateInsertion(tensor::InsertSliceOp op, ArrayRef<Expr> indices) {
  if (!op.hasUnitStride())
    return nullptr;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  SmallVector<Expr> source, conditions;
  for (auto [dimension, offset, extent] :
       llvm::enumerate(op.getMixedOffsets(), op.getMixedSizes())) {
    Expr start = evaluateNumber(offset), size = evaluateNumber(extent);
    Expr place = start && size ? factory.subtract(indices[dimension], start) : nullptr;
    Expr left = place ? factory.subtract(size, place) : nullptr;
    Expr last = left ? factory.add(left, factory.integer(-1)) : nullptr;
    if (!last)
      return nullptr;
    conditions.push_back(factory.isNonNegative(place));
    conditions.push_back(factory.isNonNegative(last));
    if (!dropped[dimension])
      source.push_back(place);
  }
  return selectPart(factory.conjunction(conditions), evaluate(op.getSource(), source),
                    evaluate(op.getDest(), indices));
}

Expr ElementEvaluator::evaluatePart(Value part, int64_t dimension, ArrayRef<Expr> indices) {
  // First for an index of the part, because more simplifies where it is known to be inside.
  SmallVector<Expr> inside(indices);
  Expr place = factory.index(evaluateSize(part, dimension));
  inside[dimension] = place;
  Expr element = evaluate(part, inside);
  Expr replaced = factory.integer(element->kind == Kind::Affine ? element->constant : 0);
  SmallVector<AffineTerm> terms{{element, 1}};
  if (element->kind == Kind::Affine)
    terms.assign(element->terms.begin(), element->terms.end());
  for (const AffineTerm &term : terms) {
    bool isLeaf = llvm::is_contained({Kind::Index, Kind::Position, Kind::Size, Kind::Scalar},
                                     term.atom->kind);
    Expr atom = term.atom == place ? indices[dimension] : term.atom;
    Expr scaled = isLeaf && atom->isInteger() ? factory.scale(atom, term.coefficient) : nullptr;
    replaced = scaled ? factory.add(replaced, scaled) : nullptr;
    if (!replaced)
      return evaluate(part, indices);
  }
  return replaced;
}

Expr ElementEvaluator::evaluateConcat(tensor::ConcatOp op, ArrayRef<Expr> indices) {
  int64_t dimension = op.getDim();
  size_t numParts = op.getInputs().size();
  if (numParts == 0 || numParts > kMaxParts)
    return nullptr;
  SmallVector<Expr> starts{factory.integer(0)};
  for (Value input : op.getInputs().drop_back()) {
    Expr end = factory.add(starts.back(), evaluateSize(input, dimension));
    if (!end)
      return nullptr;
    starts.push_back(end);
  }
  Expr result = nullptr;
  for (size_t part = numParts; part-- > 0;) {
    SmallVector<Expr> places(indices);
    places[dimension] = factory.subtract(indices[dimension], starts[part]);
    if (!places[dimension])
      return nullptr;
    Expr element = evaluatePart(op.getInputs()[part], dimension, places);
    if (!result) {
      result = element;
      continue;
    }
    Expr left = factory.subtract(starts[part + 1], indices[dimension]);
    Expr last = left ? factory.add(left, factory.integer(-1)) : nullptr;
    result = last ? selectPart(factory.isNonNegative(last), element, result) : nullptr;
    if (!result)
      return nullptr;
  }
  return result;
}

Expr ElementEvaluator::evaluatePad(tensor::PadOp op, ArrayRef<Expr> indices) {
  Value padding = op.getConstantPaddingValue();
  Attribute number;
  if (!padding || !matchPattern(padding, m_Constant(&number)))
    return nullptr;
  Expr outside = constant(number);
  SmallVector<Expr> source, conditions;
  for (auto [dimension, low] : llvm::enumerate(op.getMixedLowPad())) {
    Expr start = evaluateNumber(low);
    Expr place = start ? factory.subtract(indices[dimension], start) : nullptr;
    Expr left = place ? factory.subtract(evaluateSize(op.getSource(), dimension), place) : nullptr;
    Expr last = left ? factory.add(left, factory.integer(-1)) : nullptr;
    if (!last)
      return nullptr;
    conditions.push_back(factory.isNonNegative(place));
    conditions.push_back(factory.isNonNegative(last));
    source.push_back(place);
  }
  return outside ? selectPart(factory.conjunction(conditions), evaluate(op.getSource(), source),
                              outside)
                 : nullptr;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Expr ElementEvaluator::evaluateDefinition(Value tensor, ArrayRef<Expr> indices) {
  Operation *op = tensor.getDefiningOp();
  if (!op || !isScalarType(cast<RankedTensorType>(tensor.getType()).getElementType()))
    return nullptr;
  if (Expr known = evaluateConstant(tensor, indices))
    return known;
  return llvm::TypeSwitch<Operation *, Expr>(op)
      .Case([&](tensor::CastOp cast) -> Expr {
        return isa<RankedTensorType>(cast.getSource().getType())
                   ? evaluate(cast.getSource(), indices)
                   : nullptr;
      })
      .Case([&](tensor::CollapseShapeOp collapse) { return evaluateCollapse(collapse, indices); })
      .Case([&](tensor::ExpandShapeOp expand) { return evaluateExpand(expand, indices); })
      .Case([&](tensor::ReshapeOp reshape) { return evaluateReshape(reshape, indices); })
      .Case([&](tensor::ExtractSliceOp slice) { return evaluateSlice(slice, indices); })
      .Case([&](tensor::InsertSliceOp insert) { return evaluateInsertion(insert, indices); })
      .Case([&](tensor::ConcatOp concat) { return evaluateConcat(concat, indices); })
      .Case([&](tensor::PadOp pad) { return evaluatePad(pad, indices); })
      .Case([&](tensor::GenerateOp generate) { return evaluateGenerate(generate, indices); })
      .Case([&](tensor::FromElementsOp elements) -> Expr {
        // Only the one element that is surely meant.
        return elements.getElements().size() == 1
                   ? evaluateScalar(elements.getElements().front(), function)
                   : nullptr;
      })
      .Case([&](tm_tensor::ScanOp) { return evaluateScan(cast<OpResult>(tensor), indices); })
      .Case([&](linalg::LinalgOp structured) {
        return evaluateStructured(structured, cast<OpResult>(tensor), indices);
      })
      .Default(nullptr);
}

bool ElementEvaluator::isCovered(Value tensor, unsigned dimension, Expr position) {
  return position->kind == Kind::Position && (evaluateSize(tensor, dimension) == position->extent ||
                                              covered.contains({tensor, dimension, position}));
}

Expr ElementEvaluator::evaluate(Value tensor, ArrayRef<Expr> indices) {
  std::pair<const void *, std::vector<Expr>> key(tensor.getAsOpaquePointer(),
                                                 std::vector<Expr>(indices.begin(), indices.end()));
  auto [place, isNew] = known.try_emplace(std::move(key), nullptr);
  // An entry without an expression is being evaluated: only a cycle of the IR, which a graph region
  // may have, leads back to it.
  if (!isNew && place->second)
    return place->second;
  Expr result = nullptr;
  if (isNew && depth < kMaxDepth && known.size() <= kMaxElements && !factory.isExhausted()) {
    ++depth;
    result = evaluateDefinition(tensor, indices);
    --depth;
  }
  if (!result)
    result = factory.load(tensor, indices);
  place->second = result;

  PositionSet positions = 0;
  bool isPlain = true;
  for (Expr index : indices) {
    if (index->kind == Kind::Position) {
      isPlain &= (positions & index->positions) == 0;
      positions |= index->positions;
    } else {
      isPlain &= index->getConstantInteger() == 0;
    }
  }
  auto type = cast<RankedTensorType>(tensor.getType());
  for (auto [dimension, index] : llvm::enumerate(indices))
    isPlain = isPlain && (index->kind == Kind::Position ? isCovered(tensor, dimension, index)
                                                        : type.getDimSize(dimension) == 1);
  if (isPlain && positions == result->positions)
    holders[result].push_back({tensor, llvm::to_vector(indices)});
  return result;
}

ArrayRef<HoldingTensor> ElementEvaluator::getHolders(Expr expr) const {
  auto found = holders.find(expr);
  return found == holders.end() ? ArrayRef<HoldingTensor>() : found->second;
}
