//===- Export.cpp - From programs to command streams ----------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"
#include "Sprint/Target/CommandStream.h"
#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::sprint_isa;
using ::sprint::ExprNode;

namespace {

#define GET_ENCODE_ENUMERANT
#include "FieldAttributes.inc"

/// Writes one program.
class ProgramExporter {
public:
  explicit ProgramExporter(ProgramOp op) : op(op) {}

  ::sprint::Program run();

private:
  /// Index of a node; equal nodes share one.
  uint32_t addNode(const ExprNode &node);
  uint32_t addAffine(AffineExpr expression);
  uint32_t addExpression(ExprAttr expression);

  void exportBlock(Block &block, std::vector<::sprint::CommandWord> &words);
  uint64_t exportOperand(::sprint::FieldKind kind, Attribute operand);

  ProgramOp op;
  ::sprint::Program program;
  llvm::StringMap<uint64_t> countingQueues;
  llvm::StringMap<uint64_t> indexQueues;
  /// By kind, operands and value.
  DenseMap<std::tuple<unsigned, uint32_t, uint32_t, int64_t>, uint32_t> nodes;
};

} // namespace

uint32_t ProgramExporter::addNode(const ExprNode &node) {
  auto [it, isNew] =
      nodes.try_emplace({static_cast<unsigned>(node.kind), node.lhs, node.rhs, node.value},
                        static_cast<uint32_t>(program.expressions.size()));
  if (isNew)
    program.expressions.push_back(node);
  return it->second;
}

static ExprNode::Kind nodeKind(AffineExprKind kind) {
  switch (kind) {
  case AffineExprKind::Add:
    return ExprNode::Kind::Add;
  case AffineExprKind::Mul:
    return ExprNode::Kind::Mul;
  case AffineExprKind::FloorDiv:
    return ExprNode::Kind::FloorDiv;
  case AffineExprKind::CeilDiv:
    return ExprNode::Kind::CeilDiv;
  case AffineExprKind::Mod:
    return ExprNode::Kind::Mod;
  case AffineExprKind::Constant:
    return ExprNode::Kind::Constant;
  case AffineExprKind::DimId:
    return ExprNode::Kind::Counter;
  case AffineExprKind::SymbolId:
    return ExprNode::Kind::Parameter;
  }
  llvm_unreachable("all kinds are handled");
}

uint32_t ProgramExporter::addAffine(AffineExpr expression) {
  ExprNode node;
  node.kind = nodeKind(expression.getKind());
  if (auto constant = dyn_cast<AffineConstantExpr>(expression)) {
    node.value = constant.getValue();
  } else if (auto counter = dyn_cast<AffineDimExpr>(expression)) {
    node.value = counter.getPosition();
  } else if (auto parameter = dyn_cast<AffineSymbolExpr>(expression)) {
    node.value = parameter.getPosition();
  } else {
    auto binary = cast<AffineBinaryOpExpr>(expression);
    node.lhs = addAffine(binary.getLHS());
    node.rhs = addAffine(binary.getRHS());
  }
  return addNode(node);
}

uint32_t ProgramExporter::addExpression(ExprAttr expression) {
  ArrayRef<AffineExpr> parts = expression.getExpressions();
  uint32_t joined = addAffine(parts.front());
  for (AffineExpr part : parts.drop_front()) {
    ExprNode node;
    node.kind = expression.getCombine() == Combine::Min ? ExprNode::Kind::Min : ExprNode::Kind::Max;
    node.lhs = joined;
    node.rhs = addAffine(part);
    joined = addNode(node);
  }
  return joined;
}

uint64_t ProgramExporter::exportOperand(::sprint::FieldKind kind, Attribute operand) {
  switch (kind) {
  case ::sprint::FieldKind::OptionalExpr:
    return operand ? addExpression(cast<ExprAttr>(operand)) + 1 : 0;
  case ::sprint::FieldKind::Expr:
    return addExpression(cast<ExprAttr>(operand));
  case ::sprint::FieldKind::Queue:
    return countingQueues.lookup(cast<FlatSymbolRefAttr>(operand).getValue());
  case ::sprint::FieldKind::IndexQueue:
    return indexQueues.lookup(cast<FlatSymbolRefAttr>(operand).getValue());
  default:
    return encodeEnumerant(operand);
  }
}

void ProgramExporter::exportBlock(Block &block, std::vector<::sprint::CommandWord> &words) {
  for (Operation &command : block) {
    const ::sprint::CommandInfo *info =
        ::sprint::findCommand(std::string_view(command.getName().stripDialect()));
    ::sprint::CommandWord word;
    ::sprint::writeBits(word, 0, ::sprint::kOpcodeBits, static_cast<uint64_t>(info->opcode));
    for (const ::sprint::CommandField &field : info->fields)
      ::sprint::writeField(word, field,
                           exportOperand(field.kind, command.getAttr(StringRef(field.name))));
    words.push_back(word);
    if (auto loop = dyn_cast<LoopOp>(command)) {
      exportBlock(loop.getBody().front(), words);
      words.push_back(::sprint::encode(::sprint::EndLoopCommand{}));
    }
  }
}

::sprint::Program ProgramExporter::run() {
  program.name = op.getSymName().str();
  program.machine = op.getMachine().str();
  program.structure = op.getStructure().str();
  llvm::copy(op.getParameters(), program.parameters.begin());
  program.scale = op.getScale().convertToDouble();
  if (std::optional<ArrayRef<float>> thresholds = op.getThresholds())
    program.thresholds.assign(thresholds->begin(), thresholds->end());
  if (std::optional<ArrayAttr> inputs = op.getInputs())
    for (auto input : inputs->getAsRange<MemoryRegionAttr>())
      program.inputs.push_back(static_cast<::sprint::MemoryRegion>(input.getValue()));
  program.residentCache = op.getResidentCache();
  // Commands may name queues that come after them.
  for (auto queue : op.getBody().getOps<CountingQueueOp>()) {
    countingQueues[queue.getSymName()] = program.countingQueues.size();
    program.countingQueues.push_back(
        {queue.getSymName().str(), static_cast<int64_t>(queue.getCredits())});
  }
  for (auto queue : op.getBody().getOps<IndexQueueOp>()) {
    indexQueues[queue.getSymName()] = program.indexQueues.size();
    program.indexQueues.push_back(
        {queue.getSymName().str(), static_cast<int64_t>(queue.getDepth())});
  }
  for (auto unit : op.getBody().getOps<UnitOp>()) {
    program.units.push_back({static_cast<::sprint::MachineUnit>(unit.getUnit()), {}});
    exportBlock(unit.getBody().front(), program.units.back().words);
  }
  return std::move(program);
}

::sprint::Program mlir::sprint_isa::translateProgram(ProgramOp program) {
  return ProgramExporter(program).run();
}

FailureOr<::sprint::CommandStream> mlir::sprint_isa::translateToCommandStream(ModuleOp module) {
  ::sprint::CommandStream stream;
  for (auto op : module.getOps<ProgramOp>()) {
    if (op.isNest())
      return op.emitOpError("expected a program of units; run sprint-distribute-units first");
    stream.programs.push_back(translateProgram(op));
  }
  // The dialect leaves limits of the container to it: lengths of names, numbers of expressions.
  if (std::string error; !::sprint::verify(stream, error))
    return module.emitError() << "no command stream can be made: " << error;
  return stream;
}
