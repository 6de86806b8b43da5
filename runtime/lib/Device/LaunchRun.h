//===- LaunchRun.h - Values, events and times of a launch --------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Puts the rooms of the simulator together. The walk gives events and rows, a piece of the launch
// at a time; the kernels compute the rows of a piece; then what events leave open is filled in from
// the rows' lists, and ledger and timing take them. So memory does not grow with the launch.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_DEVICE_LAUNCHRUN_H
#define SPRINTRUNTIME_LIB_DEVICE_LAUNCHRUN_H

#include "Kernels/Rows.h"
#include "Ledger/Ledger.h"
#include "Operands.h"
#include "Residency/Residency.h"
#include "SprintRuntime/Simulator.h"
#include "Support/Ring.h"
#include "Timing/TimingModel.h"
#include "Walk/Walk.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace sprint {

/// One launch of a program.
class LaunchRun {
public:
  /// `thresholds` has one a head, in logits. All arguments outlive this.
  LaunchRun(const DecodedProgram &program, const Machine &machine, const Operands &operands,
            const std::vector<float> &thresholds, const LaunchOptions &options);

  /// Sets the output, the codes, the masks, the timeline and the statistics of `result`. Throws
  /// LaunchFailure.
  void run(LaunchResult &result);
  /// Pieces of the launch that are kept, because events still look at their rows: a few while it
  /// runs, and none behind it.
  size_t keptPieces() const { return pieces.size(); }

private:
  /// The codes of a key head, which the first row that needs them makes.
  struct LazyKeyHead {
    std::once_flag once;
    std::shared_ptr<const KeyHeadCodes> codes;
    /// Rows, of all heads of the group, that have not been met yet.
    int64_t rowsLeft = 0;
  };
  struct LazyHead {
    std::shared_ptr<LazyKeyHead> keyHead;
    std::once_flag once;
    std::unique_ptr<const HeadCodes> codes;
    int64_t rowsLeft = 0;
  };

  /// A row that has been computed.
  struct ComputedRow {
    SelectedRow selected;
    ListSize size;
    TokenSet kept;
    /// Values that do not stay on chip, once that is known: how many they are, and the set.
    std::optional<uint32_t> unfetched;
    std::span<uint64_t> unfetchedValues = {};
  };

  /// The rows that one step of the walk met.
  struct Piece {
    std::vector<WalkedRow> rows;
    std::vector<ComputedRow> computed;
    std::vector<uint64_t> kept, unfetched;
    /// Events that still look at these rows.
    int64_t uses = 0;
    /// Lists that `rowOfList` still has; -1 while the rows are not computed.
    int64_t places = -1;
  };
  struct RowPlace {
    Piece *piece = nullptr;
    size_t index = 0;
  };

  /// Rows of one head and piece, one after another.
  struct Job {
    Piece *piece = nullptr;
    std::shared_ptr<LazyHead> head;
    size_t begin = 0, end = 0;
  };

  void check() const;
  /// Bytes of the keys of a list.
  int64_t listBytes() const {
    return keyWords(shape.keys) * static_cast<int64_t>(sizeof(uint64_t));
  }
  void runPieces(LaunchResult &result);
  std::shared_ptr<LazyHead> findHead(int64_t head);
  /// The jobs of a piece.
  std::vector<Job> jobsOf(Piece &piece);
  void compute(const Job &job, LaunchResult &result) const;
  /// Makes the rows of a piece known to events.
  void publish(Piece &piece);
  /// Completes events as far as rows are computed, and has them counted and timed. Throws
  /// LaunchFailure for what time shows to be wrong.
  void passEvents();
  void dropPieces();
  [[noreturn]] void fail(const TimingFault &fault) const;

  /// The place of a list's row; null while it is not computed.
  RowPlace *findRow(ListId list);
  /// Fills in what an event of a list leaves open. Returns whether that is known.
  template <typename Listed> bool completeListed(Listed &event);
  bool complete(ThresholdEvent &event, const ComputedRow &row);
  bool complete(FetchEvent &event, ComputedRow &row);
  bool complete(ScoreEvent &event, const ComputedRow &row);
  bool complete(SoftmaxEvent &event, const ComputedRow &row);
  bool complete(AccumulateEvent &event, const ComputedRow &row);
  /// Sets `places` to where the tokens of a set are, and those of a second one behind them, as
  /// EventLog::places has it.
  void place(TokenSet set, TokenSet again, RunLog<uint32_t> &places) const;
  /// Passes in which a list is scored.
  uint8_t passesOf(const ListSize &size) const;
  /// Sets `listShares`, where somebody looks at them.
  void shareOut(const ComputedRow &row);
  /// Whether time follows every token.
  bool isDetailed() const { return options.timing == TimingKind::Detailed; }
  void countRow(const SelectedRow &row);

  const DecodedProgram &program;
  const Machine &machine;
  const Operands &operands;
  const LaunchShape &shape;
  const std::vector<float> &thresholds;
  const LaunchOptions &options;

  EventLogs logs;
  Walk walk;
  TokenShares shares, banks;
  TokenBuffer keyBuffer, valueBuffer;
  Ledger ledger;
  TimingModel timing, residentTiming;
  Statistics statistics;

  std::map<int64_t, std::shared_ptr<LazyHead>> heads;
  std::map<int64_t, std::shared_ptr<LazyKeyHead>> keyHeads;
  std::deque<Piece> pieces;
  /// By list, from `firstList` on.
  Ring<RowPlace> rowOfList;
  ListId firstList = 0;
  /// The keys of a list on each CORELET.
  std::vector<int64_t> listShares;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_DEVICE_LAUNCHRUN_H
