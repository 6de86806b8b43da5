//===- RuntimeChecks.cpp - What can fail while compiled code runs -----------===//
//
// Part of the Sprint project.
//
//===----------------------------------------------------------------------===//

#include "RuntimeChecks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/RuntimeVerifiableOpInterface.h"
#include "mlir/Pass/Pass.h"

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

namespace {

struct RuntimeAsserts : PassWrapper<RuntimeAsserts, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RuntimeAsserts)

  StringRef getName() const override { return "RuntimeAsserts"; }

  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, cf::ControlFlowDialect, linalg::LinalgDialect>();
  }

  void runOnOperation() override {
    SmallVector<RuntimeVerifiableOpInterface> ops;
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (auto verifiable = dyn_cast<RuntimeVerifiableOpInterface>(op))
        ops.push_back(verifiable);
      return isa<linalg::LinalgOp>(op) ? WalkResult::skip() : WalkResult::advance();
    });
    OpBuilder builder(&getContext());
    for (RuntimeVerifiableOpInterface op : ops) {
      builder.setInsertionPoint(op);
      op.generateRuntimeVerification(
          builder, op.getLoc(), [](Operation *verified, StringRef message) {
            return ("'" + verified->getName().getStringRef() + "': " + message).str();
          });
    }
    getOperation()->walk(assertDivides);
  }
};

struct LowerAsserts : PassWrapper<LowerAsserts, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerAsserts)

  StringRef getName() const override { return "LowerAsserts"; }

  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, LLVM::LLVMDialect, scf::SCFDialect>();
  }

  void runOnOperation() override {
    SmallVector<cf::AssertOp> asserts;
    getOperation()->walk([&](cf::AssertOp op) { asserts.push_back(op); });
    if (asserts.empty())
      return;

    OpBuilder moduleBuilder(getOperation().getBodyRegion());
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    FailureOr<LLVM::LLVMFuncOp> callee =
        LLVM::lookupOrCreateFn(moduleBuilder, getOperation(), kFailureSymbol, pointer,
                               LLVM::LLVMVoidType::get(&getContext()));
    if (failed(callee))
      return signalPassFailure();
    for (auto [index, op] : llvm::enumerate(asserts)) {
      ImplicitLocOpBuilder builder(op.getLoc(), op);
      Value truth = arith::ConstantOp::create(builder, builder.getBoolAttr(true));
      Value fails = arith::XOrIOp::create(builder, op.getArg(), truth);
      auto branch = scf::IfOp::create(builder, fails, /*withElseRegion=*/false);
      builder.setInsertionPointToStart(branch.thenBlock());
      std::string message = describe(op.getLoc()) + op.getMsg().str();
      message.push_back('\0');
      Value text =
          LLVM::createGlobalString(op.getLoc(), builder, ("sprint_message_" + Twine(index)).str(),
                                   message, LLVM::Linkage::Internal);
      LLVM::CallOp::create(builder, *callee, text);
      op.erase();
    }
  }
};

} // namespace

std::unique_ptr<Pass> sprint::createRuntimeAssertsPass() {
  return std::make_unique<RuntimeAsserts>();
}

std::unique_ptr<Pass> sprint::createLowerAssertsPass() { return std::make_unique<LowerAsserts>(); }
