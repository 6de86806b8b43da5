//===- Order.h - What comes before what --------------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_CHECK_ORDER_H
#define SPRINTRUNTIME_LIB_CHECK_ORDER_H

#include "Nest.h"

#include <cstdint>
#include <limits>
#include <map>
#include <utility>
#include <vector>

namespace sprint::checking {

/// Whether something holds for all launches, for none of those that are long enough, or cannot be
/// said.
enum class Verdict { Holds, Fails, Unknown };

/// What is known of how far producers run ahead of consumers.
struct Span {
  Verdict verdict = Verdict::Holds;
  /// At most so many are in between; the maximum where no number is known.
  int64_t most = std::numeric_limits<int64_t>::max();
  /// Counting queues whose credits bound it.
  std::vector<size_t> bounds;
};

/// The order of a nest's commands, whatever the timing.
class Order {
public:
  Order(const Steps &steps, const Nest &nest);

  /// Whether in turns of their common body all of `first` ends before `second` begins, where both
  /// have the same counters.
  bool isBefore(size_t first, size_t second) const;
  /// Whether of what `producers`, nodes of `body`, make and `consumers`, of as many nodes in it,
  /// use up in the same order, never more than `capacity` is there. `entry` of it are there at the
  /// begin. A consumer of an inner body uses up with its last turn.
  Span span(int body, const std::vector<size_t> &producers, const std::vector<size_t> &consumers,
            int64_t entry, int64_t capacity) const;
  /// The body in which all uses of a queue stand, and the nodes that give and take, in their order.
  struct QueueNodes {
    /// -1 where they stand in several.
    int body = -1;
    std::vector<size_t> gives, takes;
  };
  const std::vector<QueueNodes> &queues() const { return queueNodes; }
  /// Whether the order that is known is all that there is.
  bool isComplete() const { return complete; }

private:
  struct Edge {
    size_t to;
    int64_t turns;
    /// The queue whose credits allow them.
    size_t queue;
  };
  using Graph = std::vector<std::vector<Edge>>;

  const Graph &graphOf(int body) const;
  Graph makeGraph(int body) const;
  const std::vector<int64_t> &distancesFrom(int body, size_t source) const;
  /// Adds to `bounds` the counting queues on a shortest path.
  void addBounds(int body, size_t source, size_t target, std::vector<size_t> &bounds) const;
  bool isBoundedAround(int body, const std::vector<size_t> &producers,
                       const std::vector<size_t> &consumers, int64_t entry, int64_t capacity) const;
  /// Whether a node's turns have ended when the body around them goes on, because its loops run at
  /// least once.
  bool isCertain(int body, int outer) const;

  const Steps &steps;
  const Nest &nest;
  std::vector<QueueNodes> queueNodes;
  /// By body, as far as they were asked for.
  mutable std::map<int, Graph> graphs;
  /// By body and node the turns of the shortest paths from it.
  mutable std::map<std::pair<int, size_t>, std::vector<int64_t>> distances;
  bool complete = true;
};

} // namespace sprint::checking

#endif // SPRINTRUNTIME_LIB_CHECK_ORDER_H
