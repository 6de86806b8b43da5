//===- Restrictions.cpp - What restricts the keys of a row ----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Masks, biases, segments and bands, and what of them and of all else is written to ReRAM. A kind
// of mask is lowered here.
//
//===----------------------------------------------------------------------===//

#include "Resources.h"
#include "RowsLowering.h"
#include "Sprint/Dialect/Sprint/IR/LaunchTensors.h"

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint_isa;
using ::sprint::Dimension;
using ::sprint::LaunchParameter;
using Slice = ArgumentSlice;

FailureOr<Value> RowsLowering::write(Operation *op, MemoryRegion region, const Slice &slice) {
  ArrayRef<MemoryRegion> order = rows.getSchedule().getWrites();
  const auto *place = llvm::find(order, region);
  if (place == order.end())
    return op->emitOpError() << "expected '" << stringifyMemoryRegion(region)
                             << "' among the writes of the schedule, as it is read from ReRAM";
  Slice head{slice.input, {slice.position[0], slice.position[1]}};
  if (isWrittenForBatch(region))
    head.position[1] = builder.getAffineConstantExpr(0);
  Block *body = getBlockOfHead(head);
  if (!body)
    return op->emitOpError("expected the loops over batch elements and heads around all others");
  // Writes stand first in a body, in the order of the schedule.
  builder.setInsertionPointToStart(body);
  const auto *last = order.begin();
  for (const Write &other : writes) {
    if (other.body != body)
      continue;
    if (other.region == region && other.slice == head)
      return other.token;
    const auto *before = llvm::find(order, other.region);
    if (before > place || before < last)
      continue;
    last = before;
    builder.setInsertionPointAfterValue(other.token);
  }
  // Of keys and values a cache has those of the launches before.
  ExprAttr first, count;
  if (program.getResidentCache() &&
      (region == MemoryRegion::Key || region == MemoryRegion::Value)) {
    AffineExpr past = getParameter(LaunchParameter::Past);
    first = ExprAttr::get(past);
    count = ExprAttr::get(getParameter(LaunchParameter::Keys) - past);
  }
  Value token = ValueWriteOp::create(builder, op->getLoc(), MachineUnit::Write, region, at(head, 0),
                                     at(head, 1), first, count, ValueRange());
  writes.push_back({region, head, body, token});
  return token;
}

FailureOr<Value> RowsLowering::loadRow(Operation *op, const Slice &row, const Slice &query,
                                       Operation *before) {
  MemoryRegion region = *getRegion(row.input);
  // What has size 1 beside a larger one is the same for all.
  auto type = program.getArgumentType(row.input);
  bool isOfQuery = row.queries == 1;
  for (auto [index, place] : llvm::enumerate(row.position))
    isOfQuery &= place == query.position[index] ||
                 (type.getDimSize(index) == 1 && place == builder.getAffineConstantExpr(0));
  if (!isOfQuery)
    return op->emitOpError() << "expected the row of '" << stringifyMemoryRegion(region)
                             << "' that belongs to its query";
  auto [known, isNew] = held.try_emplace(region);
  if (!isNew && known->second.first == row)
    return known->second.second;
  FailureOr<Value> token = write(op, region, query);
  if (failed(token))
    return failure();
  // Once a head where all its queries share the row.
  Block *body = getBlockOfHead(query);
  bool isShared = row.position.size() < 3 || row.position[2] != query.position[2];
  builder.setInsertionPoint(isShared ? body->findAncestorOpInBlock(*before) : before);
  ExprAttr first = isShared ? getZero() : at(query, 2);
  Value done =
      region == MemoryRegion::Bias
          ? Value(ValueLoadBiasOp::create(builder, op->getLoc(), MachineUnit::Select, at(query, 0),
                                          at(query, 1), first, *token))
          : Value(ValueLoadMaskOp::create(builder, op->getLoc(), MachineUnit::Select, region,
                                          at(query, 0), at(query, 1), first, *token));
  known->second = {row, done};
  return done;
}

template <typename OpTy>
FailureOr<Value> RowsLowering::loadSegments(OpTy op, const Slice &query, Operation *before) {
  FailureOr<Slice> own = resolve(op, "segment", op.getQuerySegments(), ProgramInput::QuerySegments);
  if (failed(own))
    return failure();
  FailureOr<Slice> ofKeys =
      resolve(op, "segments of keys", op.getKeySegments(), ProgramInput::KeySegments);
  if (failed(ofKeys))
    return failure();
  AffineExpr batch = query.position[0], row = query.position[2];
  if (own->position != ArrayRef{batch, row} || own->queries != 1 || ofKeys->position[0] != batch)
    return op.emitOpError("expected the segments of its query and of the keys beside it");
  auto [known, isNew] = held.try_emplace(MemoryRegion::QuerySegments);
  if (!isNew && known->second.first == *own)
    return known->second.second;
  FailureOr<Value> ownWritten = write(op, MemoryRegion::QuerySegments, query);
  if (failed(ownWritten))
    return failure();
  FailureOr<Value> keysWritten = write(op, MemoryRegion::KeySegments, query);
  if (failed(keysWritten))
    return failure();
  builder.setInsertionPoint(before);
  Value done = ValueLoadSegmentsOp::create(builder, op.getLoc(), MachineUnit::Select, at(query, 0),
                                           at(query, 2), ValueRange{*ownWritten, *keysWritten});
  known->second = {*own, done};
  return done;
}

template <typename OpTy>
LogicalResult RowsLowering::loadRestrictions(OpTy op, Operation *before, Selection &selection,
                                             SmallVectorImpl<Value> &after) {
  SmallVector<Value> tensors(op.getMasks());
  if (op.getBias())
    tensors.push_back(op.getBias());
  llvm::SmallDenseSet<MemoryRegion> regions;
  for (Value tensor : tensors) {
    std::optional<Slice> row = slices->resolve(tensor);
    if (!row || !getRegion(row->input) ||
        (tensor == op.getBias()) != (row->input == ProgramInput::Bias))
      return op.emitOpError("expected masks and biases that are rows of the program's");
    FailureOr<Value> done = loadRow(op, *row, selection.query, before);
    if (failed(done))
      return failure();
    after.push_back(*done);
    regions.insert(*getRegion(row->input));
    if (tensor == op.getBias())
      selection.bias = row;
  }
  if (op.getQuerySegments()) {
    FailureOr<Value> done = loadSegments(op, selection.query, before);
    if (failed(done))
      return failure();
    after.push_back(*done);
    regions.insert(MemoryRegion::QuerySegments);
  }
  for (auto &[region, row] : held)
    if (!regions.contains(region))
      return op.emitOpError() << "expected '" << stringifyMemoryRegion(region)
                              << "' to restrict its keys, too, as its row holds until the next";
  if (!op.getBias())
    return success();
  if (failed(checkOfHead(op, op.getMultiplier(), ProgramInput::Multiplier, selection.query)) ||
      failed(checkOfHead(op, op.getShift(), ProgramInput::Shift, selection.query)))
    return failure();
  int64_t channels = program.getArgumentType(ProgramInput::Query).getDimSize(3);
  if (slices->isWhole(op.getChannels(), channels, Dimension::D))
    return success();
  return op.emitOpError("expected the channels of its query");
}

template <typename OpTy>
FailureOr<std::pair<ExprAttr, ExprAttr>> RowsLowering::getAllowedKeys(OpTy op, const Slice &query) {
  auto row = op.getQueries().template getDefiningOp<tensor::FromElementsOp>();
  int64_t queries = program.getArgumentType(ProgramInput::Query).getDimSize(2);
  if (!row || row.getElements().size() != 1 ||
      slices->evaluate(row.getElements()[0]) != query.position[2] ||
      !slices->isWhole(op.getOf(), queries, Dimension::Sq))
    return op.emitOpError("expected its query, of all queries");
  AffineExpr zero = builder.getAffineConstantExpr(0), keys = getParameter(LaunchParameter::Keys);
  ExprAttr first = ExprAttr::get(zero), last = ExprAttr::get(keys);
  BandAttr band = op.getBandAttr();
  if (!band)
    return std::pair(first, last);
  AffineExpr diagonal =
      band.getDiagonal(query.position[2], getParameter(LaunchParameter::Queries), keys);
  if (std::optional<AffineExpr> lowest = band.getFirstKey(diagonal))
    first = ExprAttr::get(builder.getContext(), Combine::Max, {zero, *lowest});
  if (std::optional<AffineExpr> highest = band.getLastKey(diagonal))
    last = ExprAttr::get(builder.getContext(), Combine::Min, {keys, *highest + 1});
  return std::pair(first, last);
}

template LogicalResult RowsLowering::loadRestrictions(PruneOp, Operation *, Selection &,
                                                      SmallVectorImpl<Value> &);
template LogicalResult RowsLowering::loadRestrictions(AllowOp, Operation *, Selection &,
                                                      SmallVectorImpl<Value> &);
template FailureOr<std::pair<ExprAttr, ExprAttr>> RowsLowering::getAllowedKeys(PruneOp,
                                                                               const Slice &);
template FailureOr<std::pair<ExprAttr, ExprAttr>> RowsLowering::getAllowedKeys(AllowOp,
                                                                               const Slice &);
