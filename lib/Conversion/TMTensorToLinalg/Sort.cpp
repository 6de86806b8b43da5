//===- Sort.cpp - tm_tensor.sort and tm_tensor.topk as loops ----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::sprint::tm_tensor;

/// How many times a run of one element doubles until it holds `size`: ceil(log2(size)).
static Value createDoublings(ImplicitLocOpBuilder &builder, Value size) {
  Value one = createIndex(builder, 1);
  // The positions' bits; those of an empty line count as those of one element.
  Value last =
      builder.createOrFold<arith::SubIOp>(builder.createOrFold<arith::MaxSIOp>(size, one), one);
  Type i64 = builder.getI64Type();
  Value zeros = builder.createOrFold<math::CountLeadingZerosOp>(
      builder.createOrFold<arith::IndexCastOp>(i64, last));
  Value width = arith::ConstantIntOp::create(builder, i64, 64);
  return builder.createOrFold<arith::IndexCastOp>(
      builder.getIndexType(), builder.createOrFold<arith::SubIOp>(width, zeros));
}

namespace {

/// A merge sort from short runs to long ones. It moves positions in the line, not elements, so any
/// number of tensors costs the same; the elements move once, at the end. The positions stand in the
/// two rows of one tensor, which take turns as source and target of a merge and serve all lines.
struct SortLowering : OpRewritePattern<SortOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SortOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Value first = op.getInits().front();
    Value size = sizeOf(builder, first, op.getDimension());
    Value doublings = createDoublings(builder, size);
    SmallVector<OpFoldResult> orderSizes = {
        builder.getIndexAttr(2),
        tensor::getMixedSize(builder, builder.getLoc(), first, op.getDimension())};
    SmallVector<Value> carried = llvm::to_vector(op.getInits());
    carried.push_back(tensor::EmptyOp::create(builder, orderSizes, builder.getIndexType()));

    auto sortLine = [&](ImplicitLocOpBuilder &builder, const Line &line,
                        ValueRange carried) -> SmallVector<Value> {
      Value orders = createLoop(builder, doublings, createPositions(builder, carried.back()),
                                [&](ImplicitLocOpBuilder &builder, Value doubling,
                                    ValueRange carried) -> SmallVector<Value> {
                                  Value one = createIndex(builder, 1);
                                  Value run = arith::ShLIOp::create(builder, one, doubling);
                                  Value source = createParity(builder, doubling);
                                  Value target = arith::SubIOp::create(builder, one, source);
                                  Merge merge = {op, line, size, run, source, target};
                                  return {mergeRuns(builder, merge, carried.front())};
                                })
                         .front();
      SmallVector<Value> next = permute(builder, op, line, size, createParity(builder, doublings),
                                        orders, carried.drop_back());
      next.push_back(orders);
      return next;
    };
    SmallVector<Value> results =
        createLoopsOverLines(builder, first, op.getDimension(), carried, sortLine);
    rewriter.replaceOp(op, ArrayRef(results).drop_back());
    return success();
  }

private:
  /// One pass over a line.
  struct Merge {
    SortOp op;
    const Line &line;
    /// Size of the line, and of the sorted runs.
    Value size, run;
    /// Rows of the positions.
    Value source, target;
  };

  static Value createParity(ImplicitLocOpBuilder &builder, Value number) {
    return builder.createOrFold<arith::AndIOp>(number, createIndex(builder, 1));
  }

  /// 0, 1, 2, ... in both rows of `orders`.
  static Value createPositions(ImplicitLocOpBuilder &builder, Value orders) {
    SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
    return linalg::GenericOp::create(builder, orders.getType(), ValueRange(), orders,
                                     ArrayRef(builder.getMultiDimIdentityMap(2)), iterators,
                                     [](OpBuilder &nested, Location loc, ValueRange) {
                                       Value position = linalg::IndexOp::create(nested, loc, 1);
                                       linalg::YieldOp::create(nested, loc, position);
                                     })
        .getResult(0);
  }

  /// Merges the runs of the source row by pairs into the target row.
  static Value mergeRuns(ImplicitLocOpBuilder &builder, const Merge &merge, Value orders) {
    Value pair = arith::ShLIOp::create(builder, merge.run, createIndex(builder, 1));
    return createLoop(builder, createIndex(builder, 0), merge.size, pair, orders,
                      [&](ImplicitLocOpBuilder &builder, Value begin, ValueRange carried) {
                        auto after = [&](Value length) -> Value {
                          Value end = arith::AddIOp::create(builder, begin, length);
                          return arith::MinSIOp::create(builder, end, merge.size);
                        };
                        Value middle = after(merge.run), end = after(pair);
                        SmallVector<Value> merged = createLoop(
                            builder, begin, end, createIndex(builder, 1),
                            {carried.front(), begin, middle},
                            [&](ImplicitLocOpBuilder &builder, Value place, ValueRange carried) {
                              return mergeNext(builder, merge, middle, end, place, carried);
                            });
                        return SmallVector<Value>{merged.front()};
                      })
        .front();
  }

  /// Moves one position to `place`. Carried are the positions and where the next one stands in the
  /// left run, which ends at `middle`, and in the right one, which ends at `end`.
  static SmallVector<Value> mergeNext(ImplicitLocOpBuilder &builder, const Merge &merge,
                                      Value middle, Value end, Value place, ValueRange carried) {
    SortOp op = merge.op;
    Value orders = carried[0], left = carried[1], right = carried[2];
    auto isBefore = [](ImplicitLocOpBuilder &builder, Value position, Value end) -> Value {
      return arith::CmpIOp::create(builder, arith::CmpIPredicate::slt, position, end);
    };
    auto mayStayBefore = [&](ImplicitLocOpBuilder &builder) {
      auto elementsAt = [&](Value position) {
        Value inLine =
            tensor::ExtractOp::create(builder, orders, ValueRange{merge.source, position});
        return merge.line.at(inLine);
      };
      SmallVector<Value> a = elementsAt(left), b = elementsAt(right), elements;
      for (Value tensor : op.getInits()) {
        elements.push_back(tensor::ExtractOp::create(builder, tensor, a));
        elements.push_back(tensor::ExtractOp::create(builder, tensor, b));
      }
      return inlineBody(builder, op.getBody(), elements);
    };
    // The left run has one left, and the right one has none or it may stay behind. At equality it
    // does, so the order is stable.
    Value takesLeft = createIf(
        builder, isBefore(builder, left, middle),
        [&](ImplicitLocOpBuilder &builder) {
          return createIf(builder, isBefore(builder, right, end), mayStayBefore,
                          /*otherwise=*/true);
        },
        /*otherwise=*/false);

    Value from = arith::SelectOp::create(builder, takesLeft, left, right);
    Value position = tensor::ExtractOp::create(builder, orders, ValueRange{merge.source, from});
    orders = tensor::InsertOp::create(builder, position, orders, ValueRange{merge.target, place});
    Value one = createIndex(builder, 1), zero = createIndex(builder, 0);
    Value leftStep = arith::SelectOp::create(builder, takesLeft, one, zero);
    Value rightStep = arith::SelectOp::create(builder, takesLeft, zero, one);
    return {orders, arith::AddIOp::create(builder, left, leftStep),
            arith::AddIOp::create(builder, right, rightStep)};
  }

  /// A truth value that is computed only under a condition.
  static Value createIf(ImplicitLocOpBuilder &builder, Value condition,
                        function_ref<Value(ImplicitLocOpBuilder &)> compute, bool otherwise) {
    return scf::IfOp::create(
               builder, condition,
               [&](OpBuilder &nested, Location loc) {
                 ImplicitLocOpBuilder branch(loc, nested);
                 scf::YieldOp::create(branch, compute(branch));
               },
               [&](OpBuilder &nested, Location loc) {
                 ImplicitLocOpBuilder branch(loc, nested);
                 Value constant = arith::ConstantOp::create(branch, branch.getBoolAttr(otherwise));
                 scf::YieldOp::create(branch, constant);
               })
        .getResult(0);
  }

  /// Writes the op's elements of `line` into `outputs`, in the order of row `row`.
  static SmallVector<Value> permute(ImplicitLocOpBuilder &builder, SortOp op, const Line &line,
                                    Value size, Value row, Value orders, ValueRange outputs) {
    return createLoop(
        builder, size, outputs,
        [&](ImplicitLocOpBuilder &builder, Value place, ValueRange carried) {
          Value position = tensor::ExtractOp::create(builder, orders, ValueRange{row, place});
          SmallVector<Value> next;
          for (auto [tensor, output] : llvm::zip_equal(op.getInits(), carried)) {
            Value element = tensor::ExtractOp::create(builder, tensor, line.at(position));
            next.push_back(tensor::InsertOp::create(builder, element, output, line.at(place)));
          }
          return next;
        });
  }
};

/// Insertion into a sorted list of k: what a place of the list gives up is offered to the next.
struct TopkLowering : OpRewritePattern<TopkOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TopkOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    int64_t dimension = op.getDimension();
    Value size = sizeOf(builder, op.getInput(), dimension);
    Value places = sizeOf(builder, op.getValues(), dimension);
    Type positionType = getElementTypeOrSelf(op.getPositions());

    auto selectFromLine = [&](ImplicitLocOpBuilder &builder, const Line &line, ValueRange carried) {
      return createLoop(
          builder, size, carried,
          [&](ImplicitLocOpBuilder &builder, Value at, ValueRange carried) -> SmallVector<Value> {
            Value value = tensor::ExtractOp::create(builder, op.getInput(), line.at(at));
            Value position = arith::IndexCastOp::create(builder, positionType, at);
            SmallVector<Value> inserted =
                createLoop(builder, places, {carried[0], carried[1], value, position},
                           [&](ImplicitLocOpBuilder &builder, Value place, ValueRange carried) {
                             return offer(builder, op, line.at(place), carried);
                           });
            return {inserted[0], inserted[1]};
          });
    };
    rewriter.replaceOp(op,
                       createLoopsOverLines(builder, op.getInput(), dimension,
                                            {op.getValues(), op.getPositions()}, selectFromLine));
    return success();
  }

private:
  /// Offers a value and its position, the last two carried, to a place of the lists, the first two.
  static SmallVector<Value> offer(ImplicitLocOpBuilder &builder, TopkOp op, ValueRange place,
                                  ValueRange carried) {
    Value value = carried[2], position = carried[3];
    Value listedValue = tensor::ExtractOp::create(builder, carried[0], place);
    Value listedPosition = tensor::ExtractOp::create(builder, carried[1], place);
    Value isBefore = inlineBody(builder, op.getBody(), {value, listedValue});
    Value isAfter = inlineBody(builder, op.getBody(), {listedValue, value});
    Value isEarlier =
        arith::CmpIOp::create(builder, arith::CmpIPredicate::slt, position, listedPosition);
    Value never = arith::ConstantOp::create(builder, builder.getBoolAttr(false));
    Value winsTie = arith::SelectOp::create(builder, isAfter, never, isEarlier);
    Value wins = arith::OrIOp::create(builder, isBefore, winsTie);
    auto choose = [&](Value ifWins, Value otherwise) -> Value {
      return arith::SelectOp::create(builder, wins, ifWins, otherwise);
    };
    return {
        tensor::InsertOp::create(builder, choose(value, listedValue), carried[0], place),
        tensor::InsertOp::create(builder, choose(position, listedPosition), carried[1], place),
        choose(listedValue, value),
        choose(listedPosition, position),
    };
  }
};

} // namespace

void sprint::tm_tensor::populateSortPatterns(RewritePatternSet &patterns) {
  patterns.add<SortLowering, TopkLowering>(patterns.getContext());
}
