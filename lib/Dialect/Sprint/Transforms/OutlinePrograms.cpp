//===- OutlinePrograms.cpp - Cut host and device apart --------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/Sprint/IR/LaunchTensors.h"
#include "Sprint/Dialect/Sprint/IR/MachineAttributes.h"
#include "Sprint/Dialect/Sprint/Transforms/AttachedMachine.h"
#include "Sprint/Dialect/Sprint/Transforms/Passes.h"
#include "Sprint/Scheduling/FetchProblem.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::sprint {
#define GEN_PASS_DEF_SPRINTOUTLINEPROGRAMS
#include "Sprint/Dialect/Sprint/Transforms/Passes.h.inc"
} // namespace mlir::sprint

using namespace mlir;
using namespace mlir::sprint;

/// Size of dimension `dim` of a tensor, or ShapedType::kDynamic.
static int64_t sizeOf(Value tensor, int64_t dim) {
  return cast<RankedTensorType>(tensor.getType()).getDimSize(dim);
}

/// Why `attention` cannot run on `machine`; nothing where it can.
static std::optional<std::string> findObstacle(AttentionOp attention, ModuleOp module,
                                               MachineAttr machine) {
  auto function = attention->getParentOfType<FunctionOpInterface>();
  if (!function || function->getParentOp() != module)
    return "expected it in a function of the outermost module";
  for (Value operand : {attention.getQuery(), attention.getKey(), attention.getValue()})
    if (llvm::is_contained(cast<RankedTensorType>(operand.getType()).getShape(), 0))
      return llvm::formatv("expected no size of zero, got {0}", operand.getType());
  if (ShapedType::isDynamic(sizeOf(attention.getQuery(), 1)) ||
      ShapedType::isDynamic(sizeOf(attention.getKey(), 1)))
    return llvm::formatv("expected static numbers of heads, got {0} and {1}",
                         attention.getQuery().getType(), attention.getKey().getType());
  return findCapacityObstacle(machine, sizeOf(attention.getKey(), 3),
                              sizeOf(attention.getValue(), 3), sizeOf(attention.getKey(), 2));
}

/// Whether a query of `attention` may be without any allowed key.
static bool mayHaveEmptyRows(AttentionOp attention) {
  BandAttr band = attention.getBandAttr();
  return llvm::any_of(attention.getOptionalInputs(), [](Value input) { return bool(input); }) ||
         (band && !band.leavesEveryQueryAKey(sizeOf(attention.getQuery(), 2),
                                             sizeOf(attention.getKey(), 2)));
}

/// Creates the program of `attention`: one sprint.attend on the program's
/// arguments.
static ProgramOp createProgram(OpBuilder &builder, AttentionOp attention, StringRef name,
                               const ::sprint::Widths &widths) {
  Location loc = attention.getLoc();
  ArrayRef<int64_t> heads =
      cast<RankedTensorType>(attention.getQuery().getType()).getShape().take_front(2);
  SmallVector<ProgramInput> inputs;
  SmallVector<Type> types;
  for (unsigned value = 0; value <= getMaxEnumValForProgramInput(); ++value) {
    auto input = static_cast<ProgramInput>(value);
    const ::sprint::LaunchTensor &tensor = getLaunchTensor(input);
    SmallVector<int64_t> shape(heads);
    if (std::optional<sprint_isa::MemoryRegion> region = getRegion(input)) {
      Value operand = attention.getInput(*region);
      if (!operand)
        continue;
      shape.assign(cast<RankedTensorType>(operand.getType()).getShape());
      // Codes are made for each batch element and head, as their steps differ.
      if (tensor.isOptional && tensor.hostElement != tensor.deviceElement)
        llvm::copy(heads, shape.begin());
    }
    inputs.push_back(input);
    types.push_back(
        RankedTensorType::get(shape, getElementType(builder.getContext(), tensor.deviceElement)));
  }
  auto codes = cast<RankedTensorType>(attention.getType()).clone(builder.getI32Type());
  auto program = ProgramOp::create(builder, loc, name, builder.getFunctionType(types, codes),
                                   inputs, attention.getScaleAttr(), attention.getThresholdsAttr());

  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Location> locations(types.size(), loc);
  builder.createBlock(&program.getBody(), {}, types, locations);
  SmallVector<Value> arguments;
  for (unsigned value = 0; value <= getMaxEnumValForProgramInput(); ++value)
    arguments.push_back(program.getArgument(static_cast<ProgramInput>(value)));
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, program.getArgument(ProgramInput::Query));
  sizes[3] = tensor::getMixedSize(builder, loc, program.getArgument(ProgramInput::Value), 3);
  Value init = tensor::EmptyOp::create(builder, loc, sizes, builder.getI32Type());
  if (init.getType() != codes)
    init = tensor::CastOp::create(builder, loc, codes, init);
  bool isCentred = widths.nibble == ::sprint::Nibble::Centred;
  auto widthsAttr = WidthsAttr::get(builder.getContext(), widths.exponentFractionBits,
                                    widths.sumBits, widths.probabilityBits, widths.accumulatorBits);
  Value result = AttendOp::create(builder, loc, arguments, init, attention.getSelect(),
                                  attention.getBandAttr(),
                                  isCentred ? Nibble::Centred : Nibble::Truncated, widthsAttr);
  ReturnOp::create(builder, loc, result);
  return program;
}

/// Puts a launch of `program` in the place of `attention`.
static void launch(RewriterBase &rewriter, AttentionOp attention, ProgramOp program) {
  rewriter.setInsertionPoint(attention);
  Location loc = attention.getLoc();
  Type type = attention.getType();
  Value output = LaunchOp::create(rewriter, loc, type, SymbolRefAttr::get(program),
                                  attention.getQuery(), attention.getKey(), attention.getValue(),
                                  attention.getOptionalInputs(), attention.getInit());
  // The machine leaves zeros; which rows these are follows from the masks
  // alone.
  FloatAttr maskedLogit = attention.getMaskedLogitAttr();
  bool isZero = attention.getEmptyRow() == EmptyRow::Zero && !maskedLogit;
  if (!isZero && mayHaveEmptyRows(attention))
    output = FillEmptyRowsOp::create(
        rewriter, loc, type, maskedLogit ? attention.getQuery() : Value(),
        maskedLogit ? attention.getKey() : Value(), attention.getValue(),
        attention.getOptionalInputs(), output, attention.getBandAttr(), attention.getEmptyRowAttr(),
        maskedLogit ? attention.getScaleAttr() : FloatAttr(), maskedLogit);
  rewriter.replaceOp(attention, output);
}

namespace {

struct OutlinePrograms : mlir::sprint::impl::SprintOutlineProgramsBase<OutlinePrograms> {
  void runOnOperation() override {
    SmallVector<AttentionOp> attentions;
    getOperation().walk([&](AttentionOp op) { attentions.push_back(op); });
    if (attentions.empty())
      return;
    FailureOr<MachineAttr> machine = getMachine(getOperation());
    if (failed(machine))
      return signalPassFailure();
    llvm::erase_if(attentions, [&](AttentionOp attention) {
      std::optional<std::string> obstacle = findObstacle(attention, getOperation(), *machine);
      if (obstacle)
        refuse(attention, RefusedBy::Outlining, *obstacle, attention.getName().value_or(""));
      numOnHost += obstacle.has_value();
      return obstacle.has_value();
    });
    SymbolTable symbols(getOperation());
    IRRewriter rewriter(&getContext());
    ProgramOp previous;
    for (auto [index, attention] : llvm::enumerate(attentions)) {
      // What was not raised may have no name.
      std::string name =
          attentions.size() == 1 ? "attention" : "attention_" + std::to_string(index);
      if (std::optional<StringRef> given = attention.getName())
        name = given->str();
      // Programs stand behind the function that launches them, in the order of
      // their launches.
      auto function = attention->getParentOfType<FunctionOpInterface>();
      bool isFirst = !previous || previous->isBeforeInBlock(function);
      rewriter.setInsertionPointAfter(isFirst ? function : previous.getOperation());
      ProgramOp program = createProgram(rewriter, attention, name, getStructure(*machine).widths);
      // Insertion makes the name unique.
      symbols.insert(program);
      launch(rewriter, attention, program);
      previous = program;
      ++numOutlined;
    }
  }
};

} // namespace
