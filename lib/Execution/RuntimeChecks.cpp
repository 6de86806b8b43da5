//===- RuntimeChecks.cpp - What can fail while compiled code runs -----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeChecks.h"

#include "Sprint/Execution/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/RuntimeVerifiableOpInterface.h"
#include "llvm/ADT/PointerIntPair.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTHOSTINSERTASSERTS
#define GEN_PASS_DEF_SPRINTHOSTLOWERASSERTS
#include "Sprint/Execution/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

/// `file:line:column: ` of the first place in a source that `loc` knows, or nothing.
static std::string describe(Location loc) {
  std::string text;
  loc->walk([&](Location nested) {
    auto place = dyn_cast<FileLineColLoc>(nested);
    if (!place)
      return WalkResult::advance();
    llvm::raw_string_ostream(text) << place.getFilename().getValue() << ':' << place.getLine()
                                   << ':' << place.getColumn() << ": ";
    return WalkResult::interrupt();
  });
  return text;
}

/// Asserts that an integer division has a result; without one the processor would trap.
static void assertDivides(Operation *op) {
  bool isSigned = isa<arith::DivSIOp, arith::RemSIOp, arith::CeilDivSIOp, arith::FloorDivSIOp>(op);
  if (!isSigned && !isa<arith::DivUIOp, arith::RemUIOp, arith::CeilDivUIOp>(op))
    return;
  Value dividend = op->getOperand(0), divisor = op->getOperand(1);
  APInt known;
  bool isKnown = matchPattern(divisor, m_ConstantInt(&known));
  if (!divisor.getType().isIntOrIndex() ||
      (isKnown && !known.isZero() && !(isSigned && known.isAllOnes())))
    return;

  ImplicitLocOpBuilder builder(op->getLoc(), op);
  Type type = divisor.getType();
  unsigned width =
      type.isIndex() ? IndexType::kInternalStorageBitWidth : type.getIntOrFloatBitWidth();
  auto differs = [&](Value value, const APInt &from) -> Value {
    Value constant = arith::ConstantOp::create(builder, builder.getIntegerAttr(type, from));
    return arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, value, constant);
  };
  cf::AssertOp::create(builder, differs(divisor, APInt::getZero(width)), "division by zero");
  if (isSigned) {
    Value fits = arith::OrIOp::create(builder, differs(divisor, APInt::getAllOnes(width)),
                                      differs(dividend, APInt::getSignedMinValue(width)));
    cf::AssertOp::create(builder, fits, "overflow in division");
  }
}

/// Whether `index`, computed in the body of `op`, is within `size` in every iteration.
static bool isWithin(Value index, int64_t size, linalg::LinalgOp op) {
  if (ShapedType::isDynamic(size))
    return false;
  if (std::optional<int64_t> constant = getConstantIntValue(index))
    return *constant >= 0 && *constant < size;
  if (auto loop = index.getDefiningOp<linalg::IndexOp>()) {
    int64_t trips = op.getStaticLoopRanges()[loop.getDim()];
    return !ShapedType::isDynamic(trips) && trips <= size;
  }
  if (auto select = index.getDefiningOp<arith::SelectOp>())
    return isWithin(select.getTrueValue(), size, op) && isWithin(select.getFalseValue(), size, op);
  return false;
}

/// Asserts that an element which the body of `op` extracts is there.
static void assertExtracts(tensor::ExtractOp extract, linalg::LinalgOp op) {
  for (auto [dim, index] : llvm::enumerate(extract.getIndices())) {
    if (isWithin(index, extract.getTensor().getType().getDimSize(dim), op))
      continue;
    ImplicitLocOpBuilder builder(extract.getLoc(), extract);
    Value size;
    {
      OpBuilder::InsertionGuard guard(builder);
      if (op->isProperAncestor(extract.getTensor().getParentBlock()->getParentOp()) ||
          op.getOperation() == extract.getTensor().getParentBlock()->getParentOp())
        builder.setInsertionPoint(extract);
      else
        builder.setInsertionPoint(op);
      size = builder.createOrFold<tensor::DimOp>(extract.getTensor(), dim);
    }
    // Below zero is far above as well.
    Value isThere = arith::CmpIOp::create(builder, arith::CmpIPredicate::ult, index, size);
    cf::AssertOp::create(builder, isThere, "'tensor.extract': out-of-bounds access");
  }
}

/// Asserts that a tensor of `sizes` has `count` elements.
static void assertHolds(ImplicitLocOpBuilder &builder, Value count, ArrayRef<OpFoldResult> sizes,
                        StringRef message) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, value);
  };
  auto compare = [&](arith::CmpIPredicate predicate, Value left, Value right) -> Value {
    return arith::CmpIOp::create(builder, predicate, left, right);
  };
  Value zero = constant(0), one = constant(1), rest = count;
  Value holds = arith::ConstantOp::create(builder, builder.getBoolAttr(true));
  Value isEmpty = arith::ConstantOp::create(builder, builder.getBoolAttr(false));
  // A product of the sizes might wrap around; dividing by one after the other cannot.
  for (OpFoldResult mixed : sizes) {
    if (isConstantIntValue(mixed, 1))
      continue;
    Value size = getValueOrCreateConstantIndexOp(builder, builder.getLoc(), mixed);
    Value divisor = builder.createOrFold<arith::MaxUIOp>(size, one);
    Value quotient = arith::DivUIOp::create(builder, rest, divisor);
    Value product = arith::MulIOp::create(builder, quotient, size);
    for (Value condition : {compare(arith::CmpIPredicate::eq, product, rest),
                            compare(arith::CmpIPredicate::sge, size, zero)})
      holds = arith::AndIOp::create(builder, holds, condition);
    isEmpty = arith::OrIOp::create(builder, isEmpty, compare(arith::CmpIPredicate::eq, size, zero));
    rest = quotient;
  }
  Value fits = arith::SelectOp::create(builder, compare(arith::CmpIPredicate::eq, count, zero),
                                       isEmpty, compare(arith::CmpIPredicate::eq, rest, one));
  cf::AssertOp::create(builder, arith::AndIOp::create(builder, holds, fits), message);
}

/// Asserts that the sizes of the result are those of the source, in other words.
static void assertExpands(tensor::ExpandShapeOp op) {
  ImplicitLocOpBuilder builder(op.getLoc(), op);
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  for (auto [dim, group] : llvm::enumerate(op.getReassociationIndices())) {
    if (!op.getSrcType().isDynamicDim(dim))
      continue;
    Value count = builder.createOrFold<tensor::DimOp>(op.getSrc(), dim);
    assertHolds(builder, count, ArrayRef(sizes).slice(group.front(), group.size()),
                ("'tensor.expand_shape': expected sizes that multiply to size " + Twine(dim) +
                 " of the source")
                    .str());
  }
}

/// Asserts that the shape operand fits the type of the result and has the elements of the source.
static void assertReshapes(tensor::ReshapeOp op) {
  auto source = dyn_cast<RankedTensorType>(op.getSource().getType());
  auto result = dyn_cast<RankedTensorType>(op.getType());
  if (!source || !result)
    return;
  ImplicitLocOpBuilder builder(op.getLoc(), op);
  Value count = arith::ConstantIndexOp::create(builder, 1);
  for (int64_t dim = 0; dim < source.getRank(); ++dim)
    count = arith::MulIOp::create(builder, count,
                                  builder.createOrFold<tensor::DimOp>(op.getSource(), dim));
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim = 0; dim < result.getRank(); ++dim) {
    Value place = arith::ConstantIndexOp::create(builder, dim);
    Value size = tensor::ExtractOp::create(builder, op.getShape(), place);
    if (!size.getType().isIndex())
      size = arith::IndexCastOp::create(builder, builder.getIndexType(), size);
    if (!result.isDynamicDim(dim)) {
      Value known = arith::ConstantIndexOp::create(builder, result.getDimSize(dim));
      Value agrees = arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, size, known);
      cf::AssertOp::create(
          builder, agrees,
          ("'tensor.reshape': expected " + Twine(result.getDimSize(dim)) + " as size " + Twine(dim))
              .str());
    }
    sizes.push_back(size);
  }
  assertHolds(builder, count, sizes, "'tensor.reshape': expected as many elements as the source");
}

namespace {

/// Looks for the arguments of a function that a value is computed from.
class ArgumentFinder {
public:
  explicit ArgumentFinder(func::FuncOp function) : function(function) {}

  /// Their numbers, ascending; none where they are too far away to be looked for.
  SmallVector<unsigned> find(Value value) {
    addElements(value);
    while (!waiting.empty() && seen.size() < kMaxValues) {
      Followed next = waiting.pop_back_val();
      if (next.getInt())
        visitSizes(next.getPointer());
      else
        visitElements(next.getPointer());
    }
    if (!waiting.empty())
      return {};
    llvm::sort(arguments);
    return arguments;
  }

private:
  /// Every check is followed back by itself.
  static constexpr size_t kMaxValues = 1000;

  /// A value, and whether it is its sizes that matter.
  using Followed = llvm::PointerIntPair<Value, 1, bool>;

  void add(Value value, bool isSizes) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!seen.insert(Followed(value, isSizes)).second)
      return;
    if (!argument || argument.getOwner() != &function.front())
      waiting.push_back(Followed(value, isSizes));
    else if (!llvm::is_contained(arguments, argument.getArgNumber()))
      arguments.push_back(argument.getArgNumber());
  }
  /// Numbers say what is there and where; floats do not.
  void addElements(Value value) {
    if (getElementTypeOrSelf(value).isIntOrIndex())
      add(value, /*isSizes=*/false);
  }
  void addSizes(Value tensor) { add(tensor, /*isSizes=*/true); }

  void visitElements(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (auto op = dyn_cast<linalg::LinalgOp>(argument.getOwner()->getParentOp()))
        addElements(op.getMatchingOpOperand(argument)->get());
      return;
    }
    Operation *op = value.getDefiningOp();
    if (auto dim = dyn_cast<tensor::DimOp>(op))
      return addSizes(dim.getSource());
    for (Value operand : op->getOperands())
      addElements(operand);
  }

  void visitSizes(Value tensor) {
    Operation *op = tensor.getDefiningOp();
    if (!op)
      return;
    // The sizes of a result are those of what it is put into.
    if (auto into = dyn_cast<DestinationStyleOpInterface>(op))
      return addSizes(into.getTiedOpOperand(cast<OpResult>(tensor))->get());
    for (Value operand : op->getOperands())
      if (isa<TensorType>(operand.getType()))
        addSizes(operand);
      else
        addElements(operand);
  }

  func::FuncOp function;
  SmallVector<unsigned> arguments;
  llvm::DenseSet<Followed> seen;
  SmallVector<Followed> waiting;
};

/// Adds to the message of an assertion the arguments that it is about, where it stands in a
/// function that is called from outside.
void nameArguments(cf::AssertOp op) {
  auto function = op->getParentOfType<func::FuncOp>();
  if (!function || !function.isPublic())
    return;
  SmallVector<unsigned> arguments = ArgumentFinder(function).find(op.getArg());
  if (arguments.empty())
    return;
  std::string message;
  llvm::raw_string_ostream os(message);
  os << op.getMsg() << " (which follows from argument" << (arguments.size() == 1 ? " " : "s ");
  llvm::interleaveComma(arguments, os);
  os << ")";
  op.setMsg(message);
}

struct SprintHostInsertAsserts
    : mlir::sprint::impl::SprintHostInsertAssertsBase<SprintHostInsertAsserts> {
  void runOnOperation() override {
    SmallVector<RuntimeVerifiableOpInterface> ops;
    SmallVector<std::pair<tensor::ExtractOp, linalg::LinalgOp>> extracts;
    getOperation()->walk([&](Operation *op) {
      auto extract = dyn_cast<tensor::ExtractOp>(op);
      auto body = op->getParentOfType<linalg::LinalgOp>();
      // The verifier has compared sizes that are static.
      auto structured = dyn_cast<linalg::LinalgOp>(op);
      if (structured && !structured.hasDynamicShape())
        return;
      if (extract && body)
        extracts.emplace_back(extract, body);
      else if (auto verifiable = dyn_cast<RuntimeVerifiableOpInterface>(op))
        ops.push_back(verifiable);
    });
    for (auto [extract, body] : extracts)
      assertExtracts(extract, body);
    OpBuilder builder(&getContext());
    for (RuntimeVerifiableOpInterface op : ops) {
      builder.setInsertionPoint(op);
      op.generateRuntimeVerification(
          builder, op.getLoc(), [](Operation *verified, StringRef message) {
            return ("'" + verified->getName().getStringRef() + "': " + message).str();
          });
    }
    numVerified += ops.size();
    getOperation()->walk(assertDivides);
    getOperation()->walk(assertExpands);
    getOperation()->walk(assertReshapes);
    getOperation()->walk(nameArguments);
  }
};

struct SprintHostLowerAsserts
    : mlir::sprint::impl::SprintHostLowerAssertsBase<SprintHostLowerAsserts> {
  void runOnOperation() override {
    SmallVector<cf::AssertOp> asserts;
    llvm::DenseSet<std::pair<Block *, Value>> asserted;
    getOperation()->walk([&](cf::AssertOp op) {
      if (asserted.insert({op->getBlock(), op.getArg()}).second)
        return asserts.push_back(op);
      op.erase();
      ++numRepeated;
    });
    numLowered += asserts.size();
    if (asserts.empty())
      return;

    MLIRContext *context = &getContext();
    OpBuilder moduleBuilder(getOperation().getBodyRegion());
    auto pointer = LLVM::LLVMPointerType::get(context);
    auto none = LLVM::LLVMVoidType::get(context);
    FailureOr<LLVM::LLVMFuncOp> fail =
        LLVM::lookupOrCreateFn(moduleBuilder, getOperation(), kFailureSymbol, pointer, none);
    FailureOr<LLVM::LLVMFuncOp> check = LLVM::lookupOrCreateFn(
        moduleBuilder, getOperation(), kCheckSymbol, {moduleBuilder.getI64Type(), pointer}, none);
    if (failed(fail) || failed(check))
      return signalPassFailure();
    for (auto [index, op] : llvm::enumerate(asserts)) {
      ImplicitLocOpBuilder builder(op.getLoc(), op);
      std::string message = describe(op.getLoc()) + op.getMsg().str();
      message.push_back('\0');
      auto makeText = [&, index = index]() -> Value {
        return LLVM::createGlobalString(op.getLoc(), builder,
                                        ("sprint_message_" + Twine(index)).str(), message,
                                        LLVM::Linkage::Internal);
      };
      if (isa<func::FuncOp>(op->getParentOp())) {
        // What runs once is called, as thousands of branches take long to compile.
        Value holds = arith::ExtUIOp::create(builder, builder.getI64Type(), op.getArg());
        LLVM::CallOp::create(builder, *check, ValueRange{holds, makeText()});
      } else {
        Value truth = arith::ConstantOp::create(builder, builder.getBoolAttr(true));
        Value fails = arith::XOrIOp::create(builder, op.getArg(), truth);
        auto branch = scf::IfOp::create(builder, fails, /*withElseRegion=*/false);
        builder.setInsertionPointToStart(branch.thenBlock());
        LLVM::CallOp::create(builder, *fail, makeText());
      }
      op.erase();
    }
  }
};

} // namespace
