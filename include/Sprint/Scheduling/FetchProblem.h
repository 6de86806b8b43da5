//===- FetchProblem.h - What a schedule has to solve -------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_SCHEDULING_FETCHPROBLEM_H
#define SPRINT_SCHEDULING_FETCHPROBLEM_H

#include "Sprint/Dialect/Sprint/IR/Sprint.h"
#include "SprintRuntime/Machine.h"

#include <string>

namespace mlir::sprint {

/// Rows of a block that a list of keys can tell apart, a bit of its entries' owners each.
inline constexpr int64_t kMaxBlockRows = 64;

/// Why no launch on `machine` can have heads of these sizes, each ShapedType::kDynamic where it is
/// not static, in the form "expected ..., got ..."; nothing where one can. Keys that are in a cache
/// take none of the room of a launch's heads.
std::optional<std::string> findCapacityObstacle(MachineAttr machine, int64_t headDim,
                                                int64_t valueDim, int64_t keys,
                                                bool areInCache = false);

/// One attention and one machine: in which blocks its rows are taken, what stays on chip and how
/// far ahead units run is to be decided.
class FetchProblem {
public:
  /// Sizes of an attention, ShapedType::kDynamic where they are not static.
  struct Sizes {
    int64_t heads, keyHeads, queries, keys, headDim, valueDim;
  };

  /// `attend` is in a program.
  FetchProblem(AttendOp attend, MachineAttr machine, CostsAttr costs);

  MachineAttr getMachine() const { return machine; }
  /// What commands cost.
  CostsAttr getCosts() const { return costs; }
  const Sizes &getSizes() const { return sizes; }
  /// Query heads that share a key head.
  int64_t getGroup() const { return sizes.heads / sizes.keyHeads; }
  /// Whether keys are pruned in memory; otherwise every allowed one is fetched.
  bool isPruned() const { return select == Select::Pruned; }
  /// By which keys a query may attend to; null without a band.
  BandAttr getBand() const { return band; }
  /// The tensors that the attention reads: keys and values, then what belongs to single heads.
  ArrayRef<sprint_isa::MemoryRegion> getInputs() const { return inputs; }

  /// Checks, before a schedule is looked for, that the machine can run the attention at all;
  /// `error` says why not.
  bool check(std::string &error) const;
  /// Checks that `schedule` is one of this attention on this machine; `error` says why not.
  bool verify(ScheduleAttr schedule, std::string &error) const;

private:
  MachineAttr machine;
  CostsAttr costs;
  Sizes sizes;
  Select select;
  BandAttr band;
  SmallVector<sprint_isa::MemoryRegion> inputs;
  bool hasResidentCache;
};

} // namespace mlir::sprint

#endif // SPRINT_SCHEDULING_FETCHPROBLEM_H
