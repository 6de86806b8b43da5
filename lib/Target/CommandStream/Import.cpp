//===- Import.cpp - From command streams to programs ----------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"
#include "Sprint/Target/CommandStream.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace mlir::sprint_isa;
using ::sprint::ExprNode;

namespace {

#define GET_DECODE_ENUMERANT
#include "FieldAttributes.inc"

/// An expression of the dialect.
struct Expression {
  Combine combine = Combine::Only;
  SmallVector<AffineExpr, 2> parts;
};

/// Reads one program.
class ProgramImporter {
public:
  ProgramImporter(const ::sprint::Program &program, OpBuilder &builder, Location location)
      : program(program), builder(builder), location(location) {}

  LogicalResult run();

private:
  /// The expression of a node; nothing for one that the dialect cannot say.
  std::optional<Expression> importNode(const ExprNode &node);
  void importUnit(const ::sprint::UnitProgram &unit);
  Attribute importOperand(::sprint::FieldKind kind, uint64_t value);

  const ::sprint::Program &program;
  OpBuilder &builder;
  Location location;
  /// By index of the node.
  std::vector<Expression> expressions;
};

} // namespace

std::optional<Expression> ProgramImporter::importNode(const ExprNode &node) {
  MLIRContext *context = builder.getContext();
  switch (node.kind) {
  case ExprNode::Kind::Constant:
    return Expression{Combine::Only, {getAffineConstantExpr(node.value, context)}};
  case ExprNode::Kind::Counter:
    return Expression{Combine::Only, {getAffineDimExpr(node.value, context)}};
  case ExprNode::Kind::Parameter:
    return Expression{Combine::Only, {getAffineSymbolExpr(node.value, context)}};
  default:
    break;
  }
  const Expression &lhs = expressions[node.lhs];
  const Expression &rhs = expressions[node.rhs];
  if (rhs.combine != Combine::Only)
    return std::nullopt;
  if (node.kind == ExprNode::Kind::Min || node.kind == ExprNode::Kind::Max) {
    Combine combine = node.kind == ExprNode::Kind::Min ? Combine::Min : Combine::Max;
    if (lhs.combine != Combine::Only && lhs.combine != combine)
      return std::nullopt;
    Expression joined{combine, lhs.parts};
    joined.parts.push_back(rhs.parts.front());
    return joined;
  }
  if (lhs.combine != Combine::Only)
    return std::nullopt;
  AffineExpr left = lhs.parts.front(), right = rhs.parts.front();
  switch (node.kind) {
  case ExprNode::Kind::Mul:
    if (!left.isSymbolicOrConstant() && !right.isSymbolicOrConstant())
      return std::nullopt;
    return Expression{Combine::Only, {left * right}};
  case ExprNode::Kind::FloorDiv:
    return Expression{Combine::Only, {left.floorDiv(right)}};
  case ExprNode::Kind::CeilDiv:
    return Expression{Combine::Only, {left.ceilDiv(right)}};
  case ExprNode::Kind::Mod:
    return Expression{Combine::Only, {left % right}};
  default:
    return Expression{Combine::Only, {left + right}};
  }
}

Attribute ProgramImporter::importOperand(::sprint::FieldKind kind, uint64_t value) {
  MLIRContext *context = builder.getContext();
  switch (kind) {
  case ::sprint::FieldKind::OptionalExpr:
    return value == 0 ? Attribute() : importOperand(::sprint::FieldKind::Expr, value - 1);
  case ::sprint::FieldKind::Expr:
    return ExprAttr::get(context, expressions[value].combine, expressions[value].parts);
  case ::sprint::FieldKind::Queue:
    return FlatSymbolRefAttr::get(context, program.countingQueues[value].name);
  case ::sprint::FieldKind::IndexQueue:
    return FlatSymbolRefAttr::get(context, program.indexQueues[value].name);
  default:
    return decodeEnumerant(kind, value, context);
  }
}

void ProgramImporter::importUnit(const ::sprint::UnitProgram &unit) {
  auto op = UnitOp::create(builder, location, static_cast<MachineUnit>(unit.unit));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&op.getBody().emplaceBlock());
  for (::sprint::CommandWord word : unit.words) {
    const ::sprint::CommandInfo *info = ::sprint::checkedInfo(word);
    if (info->opcode == ::sprint::Opcode::EndLoop) {
      builder.setInsertionPointAfter(builder.getInsertionBlock()->getParentOp());
      continue;
    }
    OperationState state(
        location,
        (SprintISADialect::getDialectNamespace() + "." + StringRef(info->mnemonic)).str());
    for (const ::sprint::CommandField &field : info->fields)
      if (Attribute operand = importOperand(field.kind, ::sprint::readField(word, field)))
        state.addAttribute(StringRef(field.name), operand);
    bool isLoop = info->opcode == ::sprint::Opcode::Loop;
    if (isLoop)
      state.addRegion()->emplaceBlock();
    Operation *command = builder.create(state);
    if (isLoop)
      builder.setInsertionPointToEnd(&command->getRegion(0).front());
  }
}

LogicalResult ProgramImporter::run() {
  expressions.reserve(program.expressions.size());
  for (auto [index, node] : llvm::enumerate(program.expressions)) {
    std::optional<Expression> expression = importNode(node);
    if (!expression)
      return emitError(location) << "program '" << program.name << "': expected expression "
                                 << index
                                 << " to be affine, or the minimum or maximum of affine ones";
    expressions.push_back(std::move(*expression));
  }

  DenseF32ArrayAttr thresholds;
  if (!program.thresholds.empty())
    thresholds = builder.getDenseF32ArrayAttr(program.thresholds);
  ArrayAttr inputs;
  if (!program.inputs.empty())
    inputs = builder.getArrayAttr(
        llvm::map_to_vector(program.inputs, [&](::sprint::MemoryRegion input) -> Attribute {
          return MemoryRegionAttr::get(builder.getContext(), static_cast<MemoryRegion>(input));
        }));
  auto op = ProgramOp::create(builder, location, program.name, program.machine, program.structure,
                              program.parameters, llvm::APFloat(program.scale), thresholds, inputs,
                              program.residentCache);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&op.getBody().emplaceBlock());
  for (const ::sprint::CountingQueue &queue : program.countingQueues)
    CountingQueueOp::create(builder, location, queue.name, queue.credits);
  for (const ::sprint::IndexQueue &queue : program.indexQueues)
    IndexQueueOp::create(builder, location, queue.name, queue.depth);
  for (const ::sprint::UnitProgram &unit : program.units)
    importUnit(unit);
  return success();
}

OwningOpRef<ModuleOp>
mlir::sprint_isa::translateFromCommandStream(const ::sprint::CommandStream &stream,
                                             Location location) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(location);
  auto builder = OpBuilder::atBlockEnd(module->getBody());
  for (const ::sprint::Program &program : stream.programs)
    if (failed(ProgramImporter(program, builder, location).run()))
      return nullptr;
  if (failed(verify(*module)))
    return nullptr;

  // The dialect folds and orders expressions, so that a stream from elsewhere may say the same in
  // other nodes.
  FailureOr<::sprint::CommandStream> written = translateToCommandStream(*module);
  if (failed(written))
    return nullptr;
  for (auto [program, again] : llvm::zip(stream.programs, written->programs))
    if (program != again) {
      emitError(location)
          << "program '" << program.name
          << "': expected expressions folded, used, and in the order of their first "
             "use; this stream's text would give another stream";
      return nullptr;
    }
  return module;
}
