//===- ConstantTensors.cpp - Elements of constants as expressions ---------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementEvaluator.h"

#include "Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;

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
