//===- ElementEvaluator.cpp - Tensors as expressions ----------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
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
// Structured ops
//===----------------------------------------------------------------------===//

Expr ElementEvaluator::evaluateBody(linalg::LinalgOp op, OpResult result, ArrayRef<Expr> loops,
                                    Value yielded) {
  Frame frame;
  frame.block = op.getBlock();
  frame.loops.assign(loops.begin(), loops.end());
  AffineMap outMap = op.getMatchingIndexingMap(op.getDpsInitOperand(result.getResultNumber()));
  auto getArgument = [&](BlockArgument argument) -> Expr {
    OpOperand &operand = op->getOpOperand(argument.getArgNumber());
    // What has been accumulated so far is no element of the destination.
    if (op.isDpsInit(&operand) && op.getNumReductionLoops() > 0)
      return nullptr;
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
  return evaluateScalar(yielded, frame);
}

Expr ElementEvaluator::evaluateStructured(linalg::LinalgOp op, OpResult result,
                                          ArrayRef<Expr> indices) {
  if (!op.hasPureTensorSemantics())
    return nullptr;
  // One result of several may be elementwise beside another that is a sum.
  AffineMap outMap = op.getMatchingIndexingMap(op.getDpsInitOperand(result.getResultNumber()));
  if (!outMap.isPermutation())
    return evaluateReduction(op, result, indices);
  SmallVector<Expr> loops(op.getNumLoops());
  for (auto [expr, index] : llvm::zip_equal(outMap.getResults(), indices))
    loops[cast<AffineDimExpr>(expr).getPosition()] = index;
  return evaluateBody(op, result, loops, getYielded(op, result.getResultNumber()));
}

Expr ElementEvaluator::evaluateElementwise(Operation *op, ArrayRef<Expr> indices) {
  if (op->getNumResults() != 1 || !OpTrait::hasElementwiseMappableTraits(op) ||
      !isMemoryEffectFree(op))
    return nullptr;
  SmallVector<Expr> operands;
  for (Value operand : op->getOperands()) {
    bool isTensor = isa<RankedTensorType>(operand.getType());
    if (!isScalarType(getElementTypeOrSelf(operand.getType())))
      return nullptr;
    operands.push_back(isTensor ? evaluate(operand, indices) : evaluateScalar(operand, function));
    if (!operands.back())
      return nullptr;
  }
  return factory.applyToElements(op, operands);
}

Expr ElementEvaluator::evaluateSoftmax(linalg::SoftmaxOp op, ArrayRef<Expr> indices) {
  auto dimension = static_cast<int64_t>(op.getDimension());
  if (!key || indices[dimension] != key || !isCovered(op.getInput(), dimension, key))
    return nullptr;
  Expr element = evaluate(op.getInput(), indices);
  auto apply = [&](StringRef name, ArrayRef<Expr> operands) {
    return factory.operation(name, element->type, operands);
  };
  Expr exponential = apply(
      "math.exp", {apply("arith.subf", {element, factory.reduce(Combiner::Maximum, element)})});
  return apply("arith.divf", {exponential, factory.reduce(Combiner::Sum, exponential)});
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
    auto division = factory.divide(linear, sizes[dimension]);
    if (!division)
      return std::nullopt;
    std::tie(linear, indices[dimension]) = *division;
  }
  if (!sizes.empty())
    indices[0] = sizes[0]->getConstantInteger() == 1 ? factory.integer(0) : linear;
  return indices;
}

Expr ElementEvaluator::linearize(ArrayRef<Expr> indices, ArrayRef<Expr> sizes) {
  // Horner's rule, from the outermost dimension.
  Expr linear = factory.integer(0);
  for (auto [index, size] : llvm::zip_equal(indices, sizes)) {
    Expr scaled = linear ? factory.multiply(linear, size) : nullptr;
    linear = scaled ? factory.add(scaled, index) : nullptr;
  }
  return linear;
}

namespace {
/// The dimensions of a tensor that are not of size 1, and their sizes.
struct LargeDimensions {
  SmallVector<int64_t> dimensions;
  SmallVector<Expr> sizes;
};
} // namespace

std::optional<SmallVector<Expr>> ElementEvaluator::reshapeIndices(Value source, Value result,
                                                                  ArrayRef<Expr> indices) {
  // Dimensions of size 1 do not matter; equal ones at either end are the same.
  auto getLarge = [&](Value tensor) {
    LargeDimensions large;
    for (int64_t dimension = 0, rank = cast<RankedTensorType>(tensor.getType()).getRank();
         dimension < rank; ++dimension) {
      Expr size = evaluateSize(tensor, dimension);
      if (size->getConstantInteger() == 1)
        continue;
      large.dimensions.push_back(dimension);
      large.sizes.push_back(size);
    }
    return large;
  };
  LargeDimensions from = getLarge(source), to = getLarge(result);
  SmallVector<Expr> places(cast<RankedTensorType>(source.getType()).getRank(), factory.integer(0));
  size_t first = 0, fromEnd = from.sizes.size(), toEnd = to.sizes.size();
  for (; first < std::min(fromEnd, toEnd) && from.sizes[first] == to.sizes[first]; ++first)
    places[from.dimensions[first]] = indices[to.dimensions[first]];
  SmallVector<SizeEquality> needed;
  auto isSame = [&](size_t inner, size_t outer) {
    if (from.sizes[inner] == to.sizes[outer])
      return true;
    // One dimension of either is left, which has what the others leave.
    if (!assumesSizes || inner == first || outer == first ||
        (from.sizes[inner]->isConstant() && to.sizes[outer]->isConstant()))
      return false;
    needed.push_back(
        {sizeOf(source, from.dimensions[inner]), sizeOf(result, to.dimensions[outer])});
    return true;
  };
  for (; fromEnd > first && toEnd > first && isSame(fromEnd - 1, toEnd - 1); --fromEnd, --toEnd)
    places[from.dimensions[fromEnd - 1]] = indices[to.dimensions[toEnd - 1]];
  SmallVector<Expr> middle;
  for (size_t place = first; place < toEnd; ++place)
    middle.push_back(indices[to.dimensions[place]]);
  Expr linear = linearize(middle, ArrayRef(to.sizes).slice(first, toEnd - first));
  std::optional<SmallVector<Expr>> split =
      linear ? delinearize(linear, ArrayRef(from.sizes).slice(first, fromEnd - first))
             : std::nullopt;
  if (!split)
    return std::nullopt;
  for (auto [offset, place] : llvm::enumerate(*split))
    places[from.dimensions[first + offset]] = place;
  for (const SizeEquality &equality : needed) {
    assumptions.push_back(equality);
    // The other way round positions would run over sizes of which nobody speaks any more.
    TensorSize size = resolve(equality.left);
    if (!size.isConstant() && size != resolve(equality.right))
      equalSizes.push_back({size, resolve(equality.right)});
  }
  return places;
}

/// What an op that keeps the elements and their order reads; null of another op.
static Value getReshaped(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  if (!isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ReshapeOp,
                       tensor::CastOp>(op) ||
      !isa<RankedTensorType>(op->getOperand(0).getType()))
    return {};
  return op->getOperand(0);
}

Expr ElementEvaluator::evaluateReshape(Value tensor, ArrayRef<Expr> indices) {
  // Through the whole chain of reshapes where that is known, as through one dimension and back;
  // else through as much of it as is.
  SmallVector<Value> sources;
  for (Value source = getReshaped(tensor); source && sources.size() < kMaxReshapes;
       source = getReshaped(source))
    sources.push_back(source);
  for (Value source : llvm::reverse(sources))
    if (std::optional<SmallVector<Expr>> places = reshapeIndices(source, tensor, indices))
      return evaluate(source, *places);
  return nullptr;
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
      .Case<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ReshapeOp>(
          [&](auto) { return evaluateReshape(tensor, indices); })
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
      .Case([&](tensor::SplatOp splat) { return evaluateScalar(splat.getInput(), function); })
      .Case([&](linalg::SoftmaxOp softmax) { return evaluateSoftmax(softmax, indices); })
      .Case([&](tm_tensor::ScanOp) { return evaluateScan(cast<OpResult>(tensor), indices); })
      .Case([&](linalg::LinalgOp structured) {
        return evaluateStructured(structured, cast<OpResult>(tensor), indices);
      })
      .Default([&](Operation *other) { return evaluateElementwise(other, indices); });
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
