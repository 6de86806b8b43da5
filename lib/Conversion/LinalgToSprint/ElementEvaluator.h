//===- ElementEvaluator.h - Tensors as expressions ---------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Follows one element of a tensor up through the ops that define it: elementwise and reshaping
// structured ops, reductions over the keys, slices, concatenations, tensors indexed by computed
// tensors, constants that are triangles. What has no exact expression is an element of a tensor
// that is not looked into; contractions never are.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ELEMENTEVALUATOR_H
#define SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ELEMENTEVALUATOR_H

#include "ElementExpr.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <map>
#include <vector>

namespace mlir::sprint {

/// A tensor in the IR that holds an expression, element `indices` for each position.
struct HoldingTensor {
  Value tensor;
  SmallVector<Expr> indices;
};

class ElementEvaluator {
public:
  explicit ElementEvaluator(ElementExprFactory &factory) : factory(factory) {}

  /// From now on reductions along dimensions that together have the keys' size, of a row that does
  /// not depend on the key, are reductions over the keys.
  void setKey(Expr position) { key = position; }

  /// Lets inner dimensions that a reshape keeps be of equal size where the IR does not tell
  /// otherwise; each equality is noted in `getAssumptions`.
  void assumeSizes() { assumesSizes = true; }
  ArrayRef<SizeEquality> getAssumptions() const { return assumptions; }

  /// Element `indices` of a tensor.
  Expr evaluate(Value tensor, ArrayRef<Expr> indices);

  /// The element of a tensor in the IR that a reduction is.
  Expr getLoad(Expr reduction) const { return reductions.lookup(reduction); }

  /// A size, as far as the IR tells.
  Expr evaluateSize(const TensorSize &size);
  Expr evaluateSize(Value tensor, int64_t dimension) {
    return evaluateSize(sizeOf(tensor, dimension));
  }

  /// From now on the first size is the second: the IR's semantics say that they are equal.
  void setEqual(const TensorSize &size, const TensorSize &same);

  /// The tensors that hold `expr` for every position and run over no other positions than it
  /// depends on, in the order of the IR: each index is a position along a dimension of the same
  /// size or, where that is 1, zero.
  ArrayRef<HoldingTensor> getHolders(Expr expr) const;

  /// A number that no value of a float expression is below; nothing where that is not known, or a
  /// value may be NaN. Looks no further than some sums and selects.
  std::optional<double> getLowerBound(Expr number, unsigned steps = 4);

  /// Row-major index of an element; null where that has no expression.
  Expr linearize(ArrayRef<Expr> indices, ArrayRef<Expr> sizes);
  /// The indices of row-major element `linear` of a shape. Nothing where they have no expressions.
  std::optional<SmallVector<Expr>> delinearize(Expr linear, ArrayRef<Expr> sizes);

private:
  /// A body, with the indices at which it is evaluated. Without a block: the function around.
  struct Frame {
    Block *block = nullptr;
    SmallVector<Expr> loops;
    /// The tensor of which each block argument is an element; of a structured op.
    llvm::function_ref<Expr(BlockArgument)> getArgument;
    llvm::DenseMap<Value, Expr> values;
  };

  /// Ops that follow one another; a longer chain is not looked into.
  static constexpr unsigned kMaxDepth = 256;
  /// Elements of constants that are compared.
  static constexpr int64_t kMaxConstantElements = int64_t(1) << 22;
  /// Elements of tensors that are evaluated.
  static constexpr size_t kMaxElements = 50000;
  /// Operands of a concatenation, each of which is one more comparison.
  static constexpr unsigned kMaxParts = 16;
  /// Reshapes that follow one another and are seen as one.
  static constexpr size_t kMaxReshapes = 16;

  /// Each gives null where it has no exact expression.
  Expr evaluateDefinition(Value tensor, ArrayRef<Expr> indices);
  Expr evaluateConstant(Value tensor, ArrayRef<Expr> indices);
  Expr evaluateStructured(linalg::LinalgOp op, OpResult result, ArrayRef<Expr> indices);
  /// A value in the op's body, where its loops have the given indices; null for loops that it does
  /// not need.
  Expr evaluateBody(linalg::LinalgOp op, OpResult result, ArrayRef<Expr> loops, Value yielded);
  Expr evaluateReduction(linalg::LinalgOp op, OpResult result, ArrayRef<Expr> indices);
  /// Of an elementwise op of tensors.
  Expr evaluateElementwise(Operation *op, ArrayRef<Expr> indices);
  Expr evaluateSoftmax(linalg::SoftmaxOp op, ArrayRef<Expr> indices);
  Expr evaluateGenerate(tensor::GenerateOp op, ArrayRef<Expr> indices);
  Expr evaluateReshape(Value tensor, ArrayRef<Expr> indices);
  /// The indices in `source`, which has the elements of `result` in the same order.
  std::optional<SmallVector<Expr>> reshapeIndices(Value source, Value result,
                                                  ArrayRef<Expr> indices);
  Expr evaluateSlice(tensor::ExtractSliceOp op, ArrayRef<Expr> indices);
  Expr evaluateInsertion(tensor::InsertSliceOp op, ArrayRef<Expr> indices);
  Expr evaluateConcat(tensor::ConcatOp op, ArrayRef<Expr> indices);
  /// Element of a part of a concatenation along `dimension`. Outside the part it is any number.
  Expr evaluatePart(Value part, int64_t dimension, ArrayRef<Expr> indices);
  Expr evaluatePad(tensor::PadOp op, ArrayRef<Expr> indices);
  Expr evaluateScan(OpResult result, ArrayRef<Expr> indices);

  /// A scalar in a body, or of the function around where `frame` does not know it.
  Expr evaluateScalar(Value scalar, Frame &frame);
  Expr evaluateScalarDefinition(Value scalar, Frame &frame);
  Expr evaluateNumber(OpFoldResult number);
  Expr evaluateMap(AffineExpr expr, ArrayRef<Expr> dims, ArrayRef<Expr> symbols = {});
  Expr constant(Attribute number);
  /// `condition ? ifTrue : ifFalse` of parts of a tensor, of which each has the index in it only
  /// where it is chosen: they must not read elsewhere.
  Expr selectPart(Expr condition, Expr ifTrue, Expr ifFalse);
  /// The size to which the given one is equal by `setEqual`.
  TensorSize resolve(TensorSize size) const;
  /// Whether `position` runs over all of a dimension. It runs over less where a slice or a gather
  /// reads the tensor, over more where the tensor is a part of another.
  bool isCovered(Value tensor, unsigned dimension, Expr position);

  ElementExprFactory &factory;
  /// Null where reductions are not looked into.
  Expr key = nullptr;
  llvm::DenseMap<Expr, Expr> reductions;
  bool assumesSizes = false;
  SmallVector<SizeEquality> assumptions;
  /// Results of `evaluate`, by tensor and indices.
  std::map<std::pair<const void *, std::vector<Expr>>, Expr> known;
  llvm::DenseMap<Expr, SmallVector<HoldingTensor, 1>> holders;
  SmallVector<std::pair<TensorSize, TensorSize>> equalSizes;
  /// Dimensions that a position covers because a structured op iterates over both alike.
  llvm::DenseSet<std::tuple<Value, unsigned, Expr>> covered;
  Frame function;
  unsigned depth = 0;
  int64_t comparedElements = 0;
};

} // namespace mlir::sprint

#endif // SPRINT_LIB_CONVERSION_LINALGTOSPRINT_ELEMENTEVALUATOR_H
