//===- NestRules.cpp - What follows of the nest ---------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Order.h"
#include "Rules.h"

#include <algorithm>

using namespace sprint;
using namespace sprint::checking;

std::string checking::overrunMessage(const Queue &queue) {
  return "expected at most " + std::to_string(queue.capacity) +
         (queue.isIndex ? " lists" : " credits") + " in queue '" + queue.name +
         "', as many as it holds";
}

std::string checking::bufferMessage(const Buffer &buffer) {
  return "expected at most " + std::to_string(buffer.capacity) + " " + buffer.what +
         ", as many as the machine holds";
}

std::string checking::unwrittenMessage(MemoryRegion region) {
  return "expected the " + std::string(toString(region)) +
         " of its head to have been written before, got a write that it does not wait for";
}

std::string checking::replacedMessage(MemoryRegion region) {
  return "expected to read the " + std::string(toString(region)) +
         " of its head before the last row of the head is stored, got a read that this does not "
         "wait for";
}

std::string checking::unloadedMessage() {
  return "expected its query in the query buffers, got a load that it does not wait for";
}

namespace {

class NestChecker {
public:
  NestChecker(const Steps &steps, const Nest &nest, const Structure &structure,
              std::vector<Finding> &findings)
      : steps(steps), nest(nest), structure(structure), findings(findings), order(steps, nest),
        forms(steps.program, /*substitutes=*/true) {}

  void run() {
    for (size_t queue = 0; queue < steps.queues.size(); ++queue)
      checkQueue(queue);
    for (size_t node = 0; node < nest.nodes().size(); ++node) {
      const Step &step = stepOf(node);
      if (step.info->opcode == Opcode::StoreOutput)
        stores.push_back(node);
      if (regionWritten(step))
        writes.push_back(node);
    }
    checkBuffer(scoreRows(structure), Opcode::Score, Opcode::Accumulate, Opcode::Score);
    checkQueryBuffer();
    checkHeads();
    for (size_t node = 0; node < nest.nodes().size(); ++node)
      for (MemoryRegion region : regionsRead(stepOf(node)))
        checkRead(node, region);
  }

private:
  const Step &stepOf(size_t node) const {
    const Node &command = nest.nodes()[node];
    return steps.units[command.unit].steps[command.word];
  }
  CommandPlace placeOf(size_t node) const {
    return {steps.units[nest.nodes()[node].unit].unit, nest.nodes()[node].word};
  }
  void add(Verdict verdict, size_t node, std::string message, std::vector<Finding::Note> notes) {
    if (verdict == Verdict::Holds)
      return;
    Finding::Severity severity =
        verdict == Verdict::Fails ? Finding::Severity::Error : Finding::Severity::Undecided;
    if (verdict == Verdict::Unknown)
      message = "cannot be decided: " + message;
    findings.push_back({severity, placeOf(node), std::move(message), std::move(notes)});
  }
  /// What a span that does not hold got.
  std::string got(const Span &span) const;
  std::vector<size_t> nodesOf(Opcode opcode) const;
  /// The one command of an opcode that a rule goes by; nothing where there are none or several.
  std::optional<size_t> onlyNode(Opcode opcode) const;

  void checkQueue(size_t index);
  void checkBuffer(const Buffer &buffer, Opcode producer, Opcode consumer, Opcode blamed);
  void checkQueryBuffer();
  void checkHeads();
  void checkRead(size_t reader, MemoryRegion region);
  /// Whether `head` is surely one of the heads that share `keyHead`.
  bool isOfKeyHead(const Form &head, const Form &keyHead) const;
  /// Whether two commands are surely about what they share of `region`.
  bool isSameHead(const Node &reader, const Node &other, MemoryRegion region, bool isWrite) const;

  const Steps &steps;
  const Nest &nest;
  const Structure &structure;
  std::vector<Finding> &findings;
  Order order;
  FormBuilder forms;
  std::vector<size_t> stores, writes;
};

std::string NestChecker::got(const Span &span) const {
  if (span.most == std::numeric_limits<int64_t>::max())
    return ", got no queue whose credits bound them";
  std::string text = ", got up to " + std::to_string(span.most);
  for (size_t index = 0; index < span.bounds.size(); ++index)
    text += (index == 0 ? ", bounded by the credits of '" : "', '") +
            steps.queues[span.bounds[index]].name;
  return text + (span.bounds.empty() ? "" : "'");
}

std::vector<size_t> NestChecker::nodesOf(Opcode opcode) const {
  std::vector<size_t> nodes;
  for (size_t node = 0; node < nest.nodes().size(); ++node)
    if (stepOf(node).info->opcode == opcode)
      nodes.push_back(node);
  return nodes;
}

std::optional<size_t> NestChecker::onlyNode(Opcode opcode) const {
  std::vector<size_t> nodes = nodesOf(opcode);
  return nodes.size() == 1 ? std::optional(nodes.front()) : std::nullopt;
}

void NestChecker::checkQueue(size_t index) {
  const Queue &queue = steps.queues[index];
  const Order::QueueNodes &uses = order.queues()[index];
  if (uses.gives.empty())
    return;
  if (uses.body == -1 || uses.takes.size() != uses.gives.size()) {
    // What is given in all may fit.
    Form total = Form::constant(queue.initial);
    for (size_t node : uses.gives)
      total = total + nest.bodies()[nest.nodes()[node].body].total;
    std::optional<int64_t> most = total.asConstant();
    if (!most || *most > queue.capacity)
      add(Verdict::Unknown, uses.gives.front(), overrunMessage(queue), {});
    return;
  }
  Span span = order.span(uses.body, uses.gives, uses.takes, nest.bodies()[uses.body].entry[index],
                         queue.capacity);
  // Credits are so many that only launches of a size that the machine may never see have more.
  if (span.verdict == Verdict::Fails && !queue.isIndex)
    span.verdict = Verdict::Unknown;
  add(span.verdict, uses.gives.front(), overrunMessage(queue) + got(span),
      {{placeOf(uses.takes.front()), queue.isIndex ? "takes them" : "acquires them"}});
}

void NestChecker::checkBuffer(const Buffer &buffer, Opcode producer, Opcode consumer,
                              Opcode blamed) {
  std::vector<size_t> producers = nodesOf(producer);
  if (producers.empty())
    return;
  std::optional<size_t> from = onlyNode(producer), to = onlyNode(consumer);
  if (!from || !to || nest.nodes()[*from].body != nest.nodes()[*to].body)
    return add(Verdict::Unknown, nodesOf(blamed).empty() ? producers.front() : nodesOf(blamed)[0],
               bufferMessage(buffer), {});
  Span span = order.span(nest.nodes()[*from].body, {*from}, {*to}, 0, buffer.capacity);
  add(span.verdict, *from, bufferMessage(buffer) + got(span),
      {{placeOf(*to), "is the last to use one"}});
}

void NestChecker::checkQueryBuffer() {
  std::vector<size_t> scores = nodesOf(Opcode::Score), loads = nodesOf(Opcode::LoadQuery);
  if (scores.empty())
    return;
  if (loads.empty()) {
    findings.push_back(
        errorAt(placeOf(scores.front()), "expected a command that loads its query, got none"));
    return;
  }
  const Node &score = nest.nodes()[scores.front()], &load = nest.nodes()[loads.front()];
  if (scores.size() != 1 || loads.size() != 1 || score.body != load.body ||
      score.batch != load.batch || score.head != load.head || score.query != load.query)
    return add(Verdict::Unknown, scores.front(), unloadedMessage(), {});
  if (!order.isBefore(loads.front(), scores.front()))
    return add(order.isComplete() ? Verdict::Fails : Verdict::Unknown, scores.front(),
               unloadedMessage(), {{placeOf(loads.front()), "loads it"}});
  checkBuffer(queryBuffer(structure), Opcode::LoadQuery, Opcode::Score, Opcode::Score);
}

bool NestChecker::isOfKeyHead(const Form &head, const Form &keyHead) const {
  Form group = forms.parameter(LaunchParameter::Group);
  Form member = head - keyHead * group;
  if (std::optional<int64_t> constant = member.asConstant()) {
    std::optional<int64_t> size = group.asConstant();
    return *constant == 0 || (*constant > 0 && size && *constant < *size);
  }
  return std::ranges::any_of(nest.bodies(), [&](const Body &body) {
    return member == body.counter && body.trips == group;
  });
}

bool NestChecker::isSameHead(const Node &reader, const Node &other, MemoryRegion region,
                             bool isWrite) const {
  if (reader.batch != other.batch)
    return false;
  if (isSharedByBatch(region))
    return true;
  if (!isSharedByGroup(region))
    return reader.head == other.head;
  if (isWrite)
    return isOfKeyHead(reader.head, other.head);
  // Two heads of a group: any two that are of what is written as one key head.
  return reader.head == other.head || std::ranges::any_of(writes, [&](size_t write) {
           const Node &written = nest.nodes()[write];
           return isSharedByGroup(*regionWritten(stepOf(write))) &&
                  isOfKeyHead(reader.head, written.head) && isOfKeyHead(other.head, written.head);
         });
}

/// ReRAM has room for a key head from the first write for it until the last row of its group is
/// stored. So in the turns of the body that writes a key head, the last store of one turn comes
/// before all writes of the one that takes its place.
void NestChecker::checkHeads() {
  auto entering = std::ranges::find_if(
      writes, [&](size_t write) { return isSharedByGroup(*regionWritten(stepOf(write))); });
  if (entering == writes.end())
    return;
  if (stores.empty()) {
    findings.push_back(errorAt(placeOf(*entering), "expected a command that stores the rows of the "
                                                   "heads that are written, got none"));
    return;
  }
  const Node &first = nest.nodes()[*entering], &store = nest.nodes()[stores.back()];
  Buffer buffer = residentHeads(structure);
  int body = first.body;
  Form rows = Form::constant(1);
  for (int inner = store.body; inner != body && inner != -1; inner = nest.bodies()[inner].parent)
    rows = rows * nest.bodies()[inner].trips;
  bool isWhole =
      stores.size() == 1 && nest.isInside(store.body, body) &&
      rows == forms.parameter(LaunchParameter::Group) * forms.parameter(LaunchParameter::Queries) &&
      store.batch == first.batch && isOfKeyHead(store.head, first.head);
  for (size_t write : writes) {
    const Node &node = nest.nodes()[write];
    MemoryRegion region = *regionWritten(stepOf(write));
    // What a batch element has stands elsewhere.
    if (isSharedByBatch(region))
      continue;
    bool isOfKeys = isSharedByGroup(region);
    bool isOfIt = nest.isInside(node.body, body) && node.batch == first.batch &&
                  (isOfKeys ? node.head == first.head : isOfKeyHead(node.head, first.head));
    if (!isWhole || !isOfIt) {
      add(Verdict::Unknown, write, bufferMessage(buffer), {});
      return;
    }
    Span span = order.span(body, {write}, {stores.back()}, 0, buffer.capacity);
    add(span.verdict, write, bufferMessage(buffer) + got(span),
        {{placeOf(stores.back()), "is the last to use one"}});
    if (span.verdict != Verdict::Holds)
      return;
  }
}

void NestChecker::checkRead(size_t reader, MemoryRegion region) {
  const Node &node = nest.nodes()[reader];
  // Whether one of `others` is about the same head and has the order that it must have.
  auto findOrdered = [&](const std::vector<size_t> &others, bool isWrite,
                         std::optional<size_t> &unordered) {
    for (size_t other : others) {
      if (isWrite && *regionWritten(stepOf(other)) != region)
        continue;
      if (!isSameHead(node, nest.nodes()[other], region, isWrite))
        continue;
      if (isWrite ? order.isBefore(other, reader) : order.isBefore(reader, other))
        return true;
      unordered = other;
    }
    return false;
  };
  auto verdictOf = [&](std::optional<size_t> unordered) {
    return unordered && order.isComplete() ? Verdict::Fails : Verdict::Unknown;
  };
  std::optional<size_t> unordered;
  if (!findOrdered(writes, /*isWrite=*/true, unordered)) {
    std::vector<Finding::Note> notes;
    if (unordered)
      notes.push_back({placeOf(*unordered), "writes it"});
    return add(verdictOf(unordered), reader, unwrittenMessage(region), std::move(notes));
  }
  if (isSharedByBatch(region) || stores.empty())
    return;
  unordered.reset();
  if (!findOrdered(stores, /*isWrite=*/false, unordered)) {
    std::vector<Finding::Note> notes;
    if (unordered)
      notes.push_back({placeOf(*unordered), "stores the rows"});
    add(verdictOf(unordered), reader, replacedMessage(region), std::move(notes));
  }
}

} // namespace

void checking::checkNest(const Steps &steps, const Nest &nest, const Structure &structure,
                         std::vector<Finding> &findings) {
  NestChecker(steps, nest, structure, findings).run();
}
