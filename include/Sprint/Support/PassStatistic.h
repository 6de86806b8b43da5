//===- PassStatistic.h - Numbers of passes -----------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An LLVM that was built without assertions, as Debian's, has no statistics: MLIR's count nothing
// and print nothing. These take their place in what is generated from Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_SUPPORT_PASSSTATISTIC_H
#define SPRINT_SUPPORT_PASSSTATISTIC_H

#include "mlir/Pass/Pass.h"
#include "llvm/Support/raw_ostream.h"

#include <atomic>
#include <cstdint>
#include <memory>

namespace mlir::sprint {

/// What a pass counts, all its instances together.
class PassStatistic {
public:
  /// Of `owner`, by its name. All strings outlive the process.
  PassStatistic(Pass *owner, const char *name, const char *description);
  PassStatistic(const PassStatistic &) = delete;
  PassStatistic &operator=(const PassStatistic &) = delete;

  PassStatistic &operator++() { return *this += 1; }
  PassStatistic &operator+=(uint64_t count) {
    value->fetch_add(count, std::memory_order_relaxed);
    return *this;
  }

private:
  std::shared_ptr<std::atomic<uint64_t>> value;
};

/// Forgets all statistics: passes that are made from here on are those of `printPassStatistics`.
void forgetPassStatistics();

/// Whether MLIR's option --mlir-pass-statistics was given.
bool isAskedForPassStatistics();

/// Prints the statistics of all passes that were made, by their names, as MLIR prints its own.
void printPassStatistics(raw_ostream &os);

} // namespace mlir::sprint

#endif // SPRINT_SUPPORT_PASSSTATISTIC_H
