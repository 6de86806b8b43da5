//===- ElementExpr.cpp - What one element of a tensor is ------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementExpr.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;
using namespace mlir::sprint;

using Kind = ElementExpr::Kind;

IntegerRange sprint::rangeOf(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer || integer.getWidth() >= 64)
    return {INT64_MIN, INT64_MAX};
  return {llvm::minIntN(integer.getWidth()), llvm::maxIntN(integer.getWidth())};
}

ElementExpr ElementExpr::make(Kind kind, Type type) {
  ElementExpr expr;
  expr.kind = kind;
  expr.type = type;
  expr.range = rangeOf(type);
  return expr;
}

void ElementExpr::Profile(llvm::FoldingSetNodeID &id) const {
  id.AddInteger(static_cast<unsigned>(kind));
  id.AddPointer(type.getAsOpaquePointer());
  id.AddPointer(integerType.getAsOpaquePointer());
  id.AddInteger(constant);
  for (const AffineTerm &term : terms) {
    id.AddPointer(term.atom);
    id.AddInteger(term.coefficient);
  }
  for (Expr operand : operands)
    id.AddPointer(operand);
  id.AddPointer(value.getAsOpaquePointer());
  id.AddInteger(dimension);
  id.AddPointer(attribute.getAsOpaquePointer());
  id.AddPointer(name ? name->getAsOpaquePointer() : nullptr);
  id.AddInteger(static_cast<unsigned>(position));
  id.AddInteger(static_cast<unsigned>(combiner));
}

bool sprint::anyPart(Expr expr, llvm::function_ref<bool(Expr)> is) {
  SmallVector<Expr> worklist{expr};
  llvm::SmallDenseSet<Expr> seen{expr};
  auto push = [&](Expr part) {
    if (seen.insert(part).second)
      worklist.push_back(part);
  };
  while (!worklist.empty()) {
    Expr part = worklist.pop_back_val();
    if (is(part))
      return true;
    llvm::for_each(part->operands, push);
    for (const AffineTerm &term : part->terms)
      push(term.atom);
  }
  return false;
}

bool ElementExpr::contains(Expr part) const {
  // A part is made before the whole.
  return number >= part->number && anyPart(this, [&](Expr other) { return other == part; });
}

std::pair<int64_t, SmallVector<AffineTerm>> ElementExpr::getSum() const {
  if (kind == Kind::Affine)
    return {constant, llvm::to_vector(terms)};
  return {0, {AffineTerm{this, 1}}};
}

SmallVector<Expr> ElementExpr::getConjuncts() const {
  if (kind == Kind::And)
    return llvm::to_vector<6>(operands);
  return {this};
}

unsigned ElementExpr::countLeaves(unsigned limit) const {
  if (isConstant())
    return 1;
  if (kind != Kind::Select || limit < 2)
    return limit + 1;
  unsigned left = operands[1]->countLeaves(limit - 1);
  return left >= limit ? limit + 1 : left + operands[2]->countLeaves(limit - left);
}

Expr ElementExprFactory::intern(ElementExpr candidate) {
  llvm::FoldingSetNodeID id;
  candidate.Profile(id);
  void *place = nullptr;
  if (ElementExpr *existing = unique.FindNodeOrInsertPos(id, place))
    return existing;
  candidate.number = nodes.size();
  candidate.hasLoad = candidate.kind == Kind::Load;
  if (candidate.kind == Kind::Position)
    candidate.positions = setOf(candidate.position);
  auto include = [&](Expr part) {
    candidate.positions |= part->positions;
    candidate.hasLoad |= part->hasLoad;
    candidate.depth = std::max(candidate.depth, part->depth + 1);
  };
  llvm::for_each(candidate.operands, include);
  for (const AffineTerm &term : candidate.terms)
    include(term.atom);
  if (candidate.kind == Kind::Reduction)
    candidate.positions &= ~setOf(Position::Key);
  maxDepth = std::max(maxDepth, candidate.depth);
  nodes.push_back(std::move(candidate));
  unique.InsertNode(&nodes.back(), place);
  return &nodes.back();
}

//===----------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------===//

Expr ElementExprFactory::integer(int64_t number) { return affine(number, {}); }

Expr ElementExprFactory::floating(FloatAttr number) {
  ElementExpr expr = ElementExpr::make(Kind::Float, number.getType());
  expr.attribute = number;
  return intern(std::move(expr));
}

Expr ElementExprFactory::truth(bool value) {
  return intern(ElementExpr::make(value ? Kind::And : Kind::Or, IntegerType::get(context, 1)));
}

Expr ElementExprFactory::position(Position position, Expr extent) {
  if (extent->getConstantInteger() == 1)
    return integer(0);
  ElementExpr expr = ElementExpr::make(Kind::Position, IndexType::get(context));
  expr.position = position;
  expr.extent = extent;
  expr.range = {0, std::min(extent->range.max, kMaxDimSize) - 1};
  return intern(std::move(expr));
}

Expr ElementExprFactory::index(Expr extent) {
  ElementExpr expr = ElementExpr::make(Kind::Index, IndexType::get(context));
  expr.constant = static_cast<int64_t>(nodes.size());
  expr.extent = extent;
  expr.range = {0, std::clamp<int64_t>(extent->range.max, 1, kMaxDimSize) - 1};
  return intern(std::move(expr));
}

static ElementExpr blankSize(MLIRContext *context, const TensorSize &size, int64_t min) {
  ElementExpr expr = ElementExpr::make(Kind::Size, IndexType::get(context));
  expr.value = size.value;
  expr.dimension = size.dimension;
  expr.range = {min, kMaxDimSize};
  return expr;
}

Expr ElementExprFactory::size(const TensorSize &size) {
  return size.isConstant() ? integer(size.constant) : intern(blankSize(context, size, 0));
}

Expr ElementExprFactory::positiveSize(const TensorSize &size) {
  return size.isConstant() ? integer(size.constant) : intern(blankSize(context, size, 1));
}

Expr ElementExprFactory::scalar(Value value) {
  ElementExpr expr = ElementExpr::make(Kind::Scalar, value.getType());
  expr.value = value;
  return intern(std::move(expr));
}

Expr ElementExprFactory::load(Value tensor, ArrayRef<Expr> indices) {
  ElementExpr expr =
      ElementExpr::make(Kind::Load, cast<RankedTensorType>(tensor.getType()).getElementType());
  expr.value = tensor;
  expr.operands.assign(indices.begin(), indices.end());
  return intern(std::move(expr));
}
