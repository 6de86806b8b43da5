//===- Order.cpp - What comes before what ---------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Order.h"

#include <algorithm>
#include <queue>

using namespace sprint;
using namespace sprint::checking;

// For each body a graph over the commands in it and in bodies inside of it. An edge from a to b
// with t turns says: a in a turn of the body ends before b begins in the turn that is t later,
// counted over all turns that the body ever has; of inner bodies, where t is 0, in the turns in
// which both have the same counters, and else in every one. Edges are
// - from a command to the next of its unit, and from the last to the first with 1 turn;
// - from what gives a queue something to what takes it: with e credits or lists there at the begin
//   of a turn and g given each turn, the j-th that is given is the (j + e)-th that is taken, which
//   is (j + e) / g turns later. Of queues in inner bodies those of 0 turns.
// Paths add up. They may go through a command of an inner body only if it surely runs, wherefore a
// command of a loop that may never run has an edge only to those of the loop.
//
// So a command surely comes before another iff there is a path of no more turns than lie between
// them: this is the theory of marked graphs, in which the tokens on a shortest path bound those of
// a place.

Order::Order(const Steps &steps, const Nest &nest)
    : steps(steps), nest(nest), queueNodes(steps.queues.size()) {
  std::vector<bool> isUsed(steps.queues.size());
  for (size_t node = 0; node < nest.nodes().size(); ++node) {
    const Node &command = nest.nodes()[node];
    for (const QueueUse &use : steps.units[command.unit].steps[command.word].uses) {
      QueueNodes &queue = queueNodes[use.queue];
      (use.gives ? queue.gives : queue.takes).push_back(node);
      if (!isUsed[use.queue])
        queue.body = command.body;
      else if (queue.body != command.body)
        queue.body = -1;
      isUsed[use.queue] = true;
      complete &= queue.body != -1;
    }
  }
  for (const Body &body : nest.bodies())
    complete &= body.trips.least() >= 1;
}

bool Order::isCertain(int body, int outer) const {
  for (; body != outer; body = nest.bodies()[body].parent)
    if (nest.bodies()[body].trips.least() < 1)
      return false;
  return true;
}

const Order::Graph &Order::graphOf(int body) const {
  auto found = graphs.find(body);
  return found != graphs.end() ? found->second
                               : graphs.emplace(body, makeGraph(body)).first->second;
}

Order::Graph Order::makeGraph(int body) const {
  const std::vector<Node> &nodes = nest.nodes();
  Graph graph(nodes.size());
  size_t none = steps.queues.size();
  std::vector<std::vector<size_t>> ofUnit(steps.units.size());
  for (size_t node = 0; node < nodes.size(); ++node)
    if (nest.isInside(nodes[node].body, body))
      ofUnit[nodes[node].unit].push_back(node);
  for (const std::vector<size_t> &sequence : ofUnit) {
    size_t count = sequence.size();
    for (size_t position = 0; position < count; ++position) {
      size_t node = sequence[position];
      // The nearest command before it that surely ends before it begins.
      for (size_t back = 1; back <= count; ++back) {
        bool wraps = back > position;
        size_t before = sequence[(position + count - back) % count];
        int outer = wraps ? body : nest.commonBody(nodes[before].body, nodes[node].body);
        if (wraps && body == 0)
          break;
        if (!isCertain(nodes[before].body, outer))
          continue;
        graph[before].push_back({node, wraps ? 1 : 0, none});
        break;
      }
    }
  }
  for (size_t queue = 0; queue < queueNodes.size(); ++queue) {
    const QueueNodes &uses = queueNodes[queue];
    if (uses.body == -1 || !nest.isInside(uses.body, body) || uses.gives.empty() ||
        uses.gives.size() != uses.takes.size())
      continue;
    auto size = static_cast<int64_t>(uses.gives.size());
    for (int64_t index = 0; index < size; ++index) {
      int64_t taken = index + nest.bodies()[uses.body].entry[queue];
      if (taken / size == 0 || uses.body == body)
        graph[uses.gives[index]].push_back({uses.takes[taken % size], taken / size, queue});
    }
  }
  return graph;
}

namespace {

constexpr int64_t kInfinite = std::numeric_limits<int64_t>::max();

} // namespace

const std::vector<int64_t> &Order::distancesFrom(int body, size_t source) const {
  auto [entry, isNew] = distances.try_emplace({body, source});
  std::vector<int64_t> &turns = entry->second;
  if (!isNew)
    return turns;
  const Graph &graph = graphOf(body);
  turns.assign(graph.size(), kInfinite);
  using Open = std::pair<int64_t, size_t>;
  std::priority_queue<Open, std::vector<Open>, std::greater<>> open;
  // A cycle alone comes back to the source.
  auto relax = [&](size_t node, int64_t distance) {
    for (const Edge &edge : graph[node]) {
      if (distance + edge.turns >= turns[edge.to])
        continue;
      turns[edge.to] = distance + edge.turns;
      open.push({turns[edge.to], edge.to});
    }
  };
  relax(source, 0);
  while (!open.empty()) {
    auto [distance, node] = open.top();
    open.pop();
    if (distance == turns[node])
      relax(node, distance);
  }
  return turns;
}

void Order::addBounds(int body, size_t source, size_t target, std::vector<size_t> &bounds) const {
  const Graph &graph = graphOf(body);
  const std::vector<int64_t> &turns = distancesFrom(body, source);
  // Back along edges that a shortest path may take; `graph` has no cycles of 0 turns.
  size_t node = target;
  for (size_t length = 0; length <= graph.size(); ++length) {
    for (size_t before = 0; before < graph.size(); ++before) {
      int64_t distance = before == source ? 0 : turns[before];
      auto edge = std::ranges::find_if(graph[before], [&](const Edge &candidate) {
        return candidate.to == node && distance != kInfinite &&
               distance + candidate.turns == turns[node];
      });
      if (edge == graph[before].end())
        continue;
      if (edge->queue < steps.queues.size() && edge->turns > 0)
        bounds.push_back(edge->queue);
      node = before;
      break;
    }
    if (node == source)
      return;
  }
}

bool Order::isBefore(size_t first, size_t second) const {
  int body = nest.commonBody(nest.nodes()[first].body, nest.nodes()[second].body);
  return distancesFrom(body, first)[second] == 0;
}

/// Whether a body around `body`, which runs a number of times that is known in each of its turns,
/// lets so few turns be in work at once that all that they make has room.
bool Order::isBoundedAround(int body, const std::vector<size_t> &producers,
                            const std::vector<size_t> &consumers, int64_t entry,
                            int64_t capacity) const {
  Form made = Form::constant(static_cast<int64_t>(producers.size()));
  while (nest.bodies()[body].parent != -1) {
    made = made * nest.bodies()[body].trips;
    body = nest.bodies()[body].parent;
    std::optional<int64_t> each = made.asConstant();
    if (!each || *each < 1 || entry > capacity)
      return false;
    // Turns of the last consumer that may still be to come when a producer runs.
    int64_t most = (capacity - entry) / *each;
    if (std::ranges::all_of(producers, [&](size_t producer) {
          return distancesFrom(body, consumers.back())[producer] <= most;
        }))
      return true;
  }
  return false;
}

Span Order::span(int body, const std::vector<size_t> &producers,
                 const std::vector<size_t> &consumers, int64_t entry, int64_t capacity) const {
  Span span;
  auto size = static_cast<int64_t>(producers.size());
  const Form &total = nest.bodies()[body].total;
  std::optional<int64_t> turns = total.asConstant();
  auto fits = [&](int64_t count) { return count <= (capacity - entry) / size; };
  if (turns && capacity >= entry && fits(*turns))
    return span;
  span.most = entry;
  bool holds = true;
  for (int64_t index = 0; index < size; ++index) {
    // Before the producer makes its own there must be room, so the consumer that makes it has
    // ended. Which one that is counts from the producer's turn.
    int64_t needed = index + entry - capacity;
    int64_t ago = needed >= 0 ? -(needed / size) : (-needed + size - 1) / size;
    size_t consumer = consumers[needed + ago * size];
    int64_t distance = distancesFrom(body, consumer)[producers[index]];
    holds &= distance <= ago;
    if (distance == kInfinite || size != 1) {
      span.most = kInfinite;
      continue;
    }
    span.most = std::max(span.most, entry + distance);
    addBounds(body, consumer, producers[index], span.bounds);
  }
  if (holds || isBoundedAround(body, producers, consumers, entry, capacity))
    return span;
  // It fails in a launch in which this body runs often enough by itself: what bodies around it do
  // cannot bound it then.
  const Form &trips = nest.bodies()[body].trips;
  std::optional<int64_t> constant = trips.asConstant();
  bool isLong = constant ? !fits(*constant) || capacity < entry : trips.grows();
  bool isReached = isCertain(body, 0);
  span.verdict = complete && isLong && isReached ? Verdict::Fails : Verdict::Unknown;
  return span;
}
