//===- Mutation.cpp - Streams with faults put into them -------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mutation.h"
#include "Check/Rules.h"
#include "Device/Launch.h"
#include "Fuzzing.h"
#include "SprintRuntime/Check.h"
#include "SprintRuntime/MachineFields.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>

using namespace sprint;
using namespace sprint::fuzz;

//===----------------------------------------------------------------------===//
// Random choices
//===----------------------------------------------------------------------===//

int64_t Random::magnitude(int64_t least, int64_t most) {
  auto bits = static_cast<size_t>(std::bit_width(static_cast<uint64_t>(most / least)));
  int64_t number = least * (int64_t(1) << below(bits));
  return std::min(most, number + static_cast<int64_t>(below(static_cast<size_t>(number))));
}

int64_t Random::number() {
  if (!oneIn(16))
    return static_cast<int64_t>(below(12)) - 2;
  constexpr int64_t kLimits[] = {63,
                                 64,
                                 65,
                                 255,
                                 256,
                                 4096,
                                 kMaxQueueCapacity - 1,
                                 kMaxQueueCapacity,
                                 kMaxQueueCapacity + 1,
                                 kMaxMagnitude - 1,
                                 kMaxMagnitude,
                                 -kMaxMagnitude,
                                 kMaxMagnitude + 1,
                                 INT64_MAX,
                                 INT64_MIN,
                                 INT64_MIN + 1};
  return pick(kLimits);
}

//===----------------------------------------------------------------------===//
// Machines and programs
//===----------------------------------------------------------------------===//

const Machine &fuzz::knownMachine(const std::string &name) {
  static std::map<std::string, Machine> machines;
  auto found = machines.find(name);
  return found != machines.end() ? found->second
                                 : machines.emplace(name, test::builtinMachine(name)).first->second;
}

Machine fuzz::oddMachine(Random &random) {
  constexpr const char *kBuiltin[] = {"s", "m", "l", "s-paper-widths"};
  Machine machine = knownMachine(random.pick(kBuiltin));
  machine.name = "odd";
  for (const StructureField &field : kStructureFields) {
    if (!random.oneIn(4))
      continue;
    Structure changed = machine.structure;
    int64_t value = field.least < 1 ? static_cast<int64_t>(random.below(field.most + 1))
                                    : random.magnitude(field.least, field.most);
    field.access.set(changed, random.oneIn(4) ? field.least : random.oneIn(4) ? field.most : value);
    if (!findFault(changed))
      machine.structure = changed;
  }
  for (const TimingField &field : kTimingFields)
    if (random.oneIn(4))
      field.access.set(machine.timing, random.oneIn(2) ? field.least : field.most);
  return machine;
}

Program fuzz::soundProgram(Random &random, const Machine &machine) {
  test::AttentionOptions options;
  options.causal = random.oneIn(2);
  options.dense = random.oneIn(3);
  options.residency = random.pick(enumerators<Residency>);
  options.rowSlots = 1 + static_cast<int64_t>(random.below(3));
  options.depth = std::max<int64_t>(options.rowSlots, 1 + static_cast<int64_t>(random.below(3)));
  options.isGrouped = random.oneIn(3);
  options.loadsOnce = random.oneIn(4);
  options.isCached = random.oneIn(4);
  for (MemoryRegion region : enumerators<MemoryRegion>)
    // Segments come in pairs, and are loaded for every query.
    if (inputOf(region).isOptional && inputOf(region).partner.empty() && random.oneIn(4))
      options.inputs.push_back(region);
  if (!options.loadsOnce && random.oneIn(4))
    options.inputs.insert(options.inputs.end(),
                          {MemoryRegion::QuerySegments, MemoryRegion::KeySegments});
  Program program = test::attentionProgram(machine, options);
  for (LaunchParameter parameter : {LaunchParameter::Batches, LaunchParameter::Heads,
                                    LaunchParameter::Queries, LaunchParameter::Keys})
    if (random.oneIn(4))
      program.parameters[static_cast<size_t>(parameter)] =
          1 + static_cast<int64_t>(random.below(4));
  if (random.oneIn(2))
    program.thresholds = {static_cast<float>(static_cast<int64_t>(random.below(64)) - 32)};
  return program;
}

//===----------------------------------------------------------------------===//
// Mutations
//===----------------------------------------------------------------------===//

namespace {

using Words = std::vector<CommandWord>;

CommandWord withField(CommandWord word, const CommandField &field, uint64_t value) {
  CommandWord mask, changed;
  writeBits(mask, field.offset, field.width,
            field.width == 64 ? UINT64_MAX : (uint64_t(1) << field.width) - 1);
  writeBits(changed, field.offset, field.width, value);
  return {(word.low & ~mask.low) | changed.low, (word.high & ~mask.high) | changed.high};
}

/// A value that a field of a program may have.
uint64_t fieldValue(Random &random, const Program &program, FieldKind kind) {
  switch (kind) {
  case FieldKind::Expr:
    return random.below(program.expressions.size());
  case FieldKind::OptionalExpr:
    return random.below(program.expressions.size() + 1);
  case FieldKind::Queue:
    return random.below(program.countingQueues.size());
  case FieldKind::IndexQueue:
    return random.below(program.indexQueues.size());
  case FieldKind::MemoryRegion:
    return random.below(enumerators<MemoryRegion>.size());
  case FieldKind::Residency:
    return random.below(enumerators<Residency>.size());
  }
  return 0;
}

/// A command that the unit may run, other than the ends of a loop.
CommandWord anyCommand(Random &random, const Program &program, MachineUnit unit) {
  while (true) {
    const CommandInfo &info = random.pick(commandInfos);
    if (!isAllowedOn(info, unit) || info.opcode == Opcode::Loop || info.opcode == Opcode::EndLoop)
      continue;
    CommandWord word;
    writeBits(word, 0, kOpcodeBits, static_cast<uint64_t>(info.opcode));
    for (const CommandField &field : info.fields)
      writeField(word, field, fieldValue(random, program, field.kind));
    return word;
  }
}

bool isOf(CommandWord word, Opcode opcode) {
  return readBits(word, 0, kOpcodeBits) == static_cast<uint64_t>(opcode);
}

void mutateField(Random &random, const Program &program, CommandWord &word) {
  const CommandInfo *info = checkedInfo(word);
  if (!info || info->fields.empty())
    return;
  const CommandField &field = random.pick(info->fields);
  uint64_t value = random.oneIn(64) ? random.bits() & ((uint64_t(1) << field.width) - 1)
                                    : fieldValue(random, program, field.kind);
  word = withField(word, field, value);
}

ExprIndex addExpression(Random &random, Program &program) {
  size_t count = program.expressions.size();
  ExprNode node{ExprNode::Kind::Constant, 0, 0, random.number()};
  if (count > 0 && random.oneIn(2)) {
    auto kind = static_cast<ExprNode::Kind>(3 + random.below(7));
    auto left = static_cast<uint32_t>(random.below(count));
    auto right = static_cast<uint32_t>(random.below(count));
    node = {kind, left, right, 0};
  }
  program.expressions.push_back(node);
  return static_cast<ExprIndex>(count);
}

/// Puts a loop around some words, where that leaves loops whole.
void wrap(Random &random, Program &program, Words &words) {
  size_t begin = random.below(words.size() + 1), end = begin;
  int depth = 0;
  for (size_t index = begin; index < words.size() && end - begin < 12; ++index) {
    depth += isOf(words[index], Opcode::Loop);
    if (isOf(words[index], Opcode::EndLoop) && depth-- == 0)
      break;
    if (depth == 0 && !random.oneIn(3))
      end = index + 1;
  }
  CommandWord loop = encode(LoopCommand{random.oneIn(2) || program.expressions.empty()
                                            ? addExpression(random, program)
                                            : ExprIndex(random.below(program.expressions.size()))});
  words.insert(words.begin() + static_cast<ptrdiff_t>(end), encode(EndLoopCommand{}));
  words.insert(words.begin() + static_cast<ptrdiff_t>(begin), loop);
}

void unwrap(Random &random, Words &words) {
  std::vector<size_t> loops;
  for (size_t index = 0; index < words.size(); ++index)
    if (isOf(words[index], Opcode::Loop))
      loops.push_back(index);
  if (loops.empty())
    return;
  size_t begin = random.pick(loops), end = begin;
  int depth = 0;
  do {
    depth += isOf(words[end], Opcode::Loop);
    depth -= isOf(words[end], Opcode::EndLoop);
  } while (depth > 0 && ++end < words.size());
  if (end < words.size())
    words.erase(words.begin() + static_cast<ptrdiff_t>(end));
  words.erase(words.begin() + static_cast<ptrdiff_t>(begin));
}

void mutateWords(Random &random, Program &program, UnitProgram &unit) {
  Words &words = unit.words;
  auto at = [&](size_t index) { return words.begin() + static_cast<ptrdiff_t>(index); };
  if (words.empty()) {
    words.push_back(anyCommand(random, program, unit.unit));
    return;
  }
  size_t index = random.below(words.size());
  switch (random.below(10)) {
  case 0:
    words.erase(at(index));
    return;
  case 1:
    words.insert(at(random.below(words.size() + 1)), CommandWord(words[index]));
    return;
  case 2:
    std::swap(words[index], random.pick(words));
    return;
  case 3: {
    CommandWord word = words[index];
    words.erase(at(index));
    words.insert(at(random.below(words.size() + 1)), word);
    return;
  }
  case 4:
    words.insert(at(index), anyCommand(random, program, unit.unit));
    return;
  case 5:
    wrap(random, program, words);
    return;
  case 6:
    unwrap(random, words);
    return;
  case 7:
    if (random.oneIn(8)) {
      (random.oneIn(2) ? words[index].low : words[index].high) ^= uint64_t(1) << random.below(64);
      return;
    }
    [[fallthrough]];
  default:
    mutateField(random, program, words[index]);
  }
}

void mutateExpression(Random &random, Program &program) {
  if (program.expressions.empty()) {
    addExpression(random, program);
    return;
  }
  size_t index = random.below(program.expressions.size());
  ExprNode &node = program.expressions[index];
  switch (random.below(6)) {
  case 0: // Another leaf.
    node = {static_cast<ExprNode::Kind>(random.below(3)), 0, 0,
            static_cast<int64_t>(random.below(kNumLaunchParameters))};
    return;
  case 1: // Another operation.
    if (node.kind > ExprNode::Kind::Parameter)
      node.kind = static_cast<ExprNode::Kind>(3 + random.below(7));
    else
      node.value = random.number();
    return;
  case 2: // An operation on what comes before.
    if (index > 0)
      node = {static_cast<ExprNode::Kind>(3 + random.below(7)),
              static_cast<uint32_t>(random.below(index)),
              static_cast<uint32_t>(random.below(index)), 0};
    return;
  case 3:
    node.lhs = static_cast<uint32_t>(random.below(index + 1));
    return;
  default:
    node = {ExprNode::Kind::Constant, 0, 0, random.number()};
  }
}

void mutateQueue(Random &random, Program &program) {
  auto capacity = [&](int64_t known) {
    return random.oneIn(2) ? known + static_cast<int64_t>(random.below(5)) - 2 : random.number();
  };
  bool isIndex = random.oneIn(2);
  if (random.oneIn(16)) {
    std::string name = random.oneIn(8) ? "scores" : "queue" + std::to_string(random.below(4));
    if (isIndex)
      program.indexQueues.push_back({name, random.number()});
    else
      program.countingQueues.push_back({name, random.number()});
  } else if (isIndex && !program.indexQueues.empty()) {
    int64_t &depth = random.pick(program.indexQueues).depth;
    depth = std::max<int64_t>(capacity(depth), random.oneIn(8) ? INT64_MIN : 1);
  } else if (!isIndex && !program.countingQueues.empty()) {
    int64_t &credits = random.pick(program.countingQueues).credits;
    credits = std::max<int64_t>(capacity(credits), random.oneIn(8) ? INT64_MIN : 0);
  }
}

void mutateHeader(Random &random, Program &program) {
  switch (random.below(8)) {
  case 0:
    program.scale = random.oneIn(4) ? std::ldexp(1.0, static_cast<int>(random.below(400)) - 200)
                                    : std::ldexp(1.0, static_cast<int>(random.below(32)) - 24);
    return;
  case 1: {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const float values[] = {0, 1, -1, 1e38F, -1e38F, kInfinity, -kInfinity};
    program.thresholds.assign(random.oneIn(2) ? 1 : random.below(4), random.pick(values));
    return;
  }
  case 2: {
    // In their order, without a partner now and then.
    std::vector<MemoryRegion> inputs;
    for (MemoryRegion region : enumerators<MemoryRegion>)
      if (inputOf(region).isOptional &&
          (std::ranges::count(program.inputs, region) > 0) != random.oneIn(5))
        inputs.push_back(region);
    program.inputs = inputs;
    return;
  }
  case 3:
    (random.oneIn(2) ? program.name : program.machine) =
        random.oneIn(4) ? std::string(random.below(300), 'n') : "renamed";
    return;
  case 4:
    program.residentCache = !program.residentCache;
    return;
  default:
    random.pick(program.parameters) =
        random.oneIn(2) ? Program::kDynamic
                        : std::max<int64_t>(random.number(), random.oneIn(8) ? INT64_MIN : 1);
  }
}

void mutateUnits(Random &random, Program &program) {
  if (program.units.empty()) {
    program.units.push_back({random.pick(enumerators<MachineUnit>), {}});
    return;
  }
  UnitProgram &unit = random.pick(program.units);
  switch (random.below(3)) {
  case 0:
    program.units.erase(program.units.begin() + (&unit - program.units.data()));
    return;
  case 1:
    std::swap(unit, random.pick(program.units));
    return;
  default:
    unit.unit = static_cast<MachineUnit>(random.below(kNumMachineUnits + random.oneIn(8)));
  }
}

} // namespace

void fuzz::mutate(Random &random, Program &program) {
  switch (random.below(16)) {
  case 0:
    return mutateUnits(random, program);
  case 1:
  case 2:
    return mutateHeader(random, program);
  case 3:
  case 4:
  case 5:
    return mutateQueue(random, program);
  case 6:
  case 7:
  case 8:
    return mutateExpression(random, program);
  default:
    if (program.units.empty())
      return mutateUnits(random, program);
    return mutateWords(random, program, random.pick(program.units));
  }
}

std::vector<uint8_t> fuzz::mutatedBytes(Random &random, CommandStream stream) {
  for (size_t count = 1 + random.below(1 + random.below(4)); count > 0; --count) {
    if (stream.programs.empty())
      break;
    mutate(random, random.pick(stream.programs));
  }
  if (random.oneIn(64) && !stream.programs.empty()) {
    Program copy = random.pick(stream.programs);
    copy.name += random.oneIn(4) ? "" : "2";
    stream.programs.push_back(copy);
  }
  std::vector<uint8_t> bytes = serialize(stream);
  if (random.oneIn(20))
    for (size_t count = 1 + random.below(4); count > 0; --count)
      random.pick(bytes) = static_cast<uint8_t>(random.oneIn(2) ? random.below(4) : random.bits());
  if (random.oneIn(200))
    bytes.resize(random.below(2 * bytes.size()));
  return bytes;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

/// Steps that a part of the numbers is too large for; now and then some that are refused.
static FrozenSteps stepsOf(Random &random, const CacheShape &shape) {
  constexpr float kSteps[] = {0x1p-5F, 0.03F, 1, 0x1p-126F, 0x1p127F, 0x1p-8F};
  auto make = [&](int64_t heads) {
    std::vector<float> steps(shape.batches * heads);
    for (float &step : steps)
      step = random.oneIn(256) ? 0 : random.pick(kSteps);
    return steps;
  };
  return {make(shape.heads), make(shape.keyHeads), make(shape.keyHeads)};
}

SmallLaunch::SmallLaunch(Random &random, const Program &program, const Cache *cache) {
  // What is asked for, as far as it is small.
  constexpr std::array<size_t, kNumLaunchParameters> kMost = {2, 4, 12, 80, 70, 70, 4, 8};
  std::array<int64_t, kNumLaunchParameters> sizes;
  for (size_t index = 0; index < sizes.size(); ++index) {
    int64_t asked = program.parameters[index];
    bool isSmall = asked >= 1 && asked <= static_cast<int64_t>(2 * kMost[index]);
    size_t most = random.oneIn(4) ? kMost[index] : std::min<size_t>(kMost[index], 6);
    sizes[index] =
        isSmall && !random.oneIn(32) ? asked : 1 + static_cast<int64_t>(random.below(most));
  }
  auto [batches, heads, queries, keys, headDim, valueDim, group, past] = sizes;
  if (cache && !random.oneIn(32)) {
    batches = cache->shape().batches;
    heads = cache->shape().heads;
    group = heads / cache->shape().keyHeads;
    headDim = cache->shape().headDim;
    valueDim = cache->shape().valueDim;
  }
  past = cache ? cache->length() : 0;
  if (heads % group != 0 && !random.oneIn(32)) {
    bool isFree =
        program.parameters[static_cast<size_t>(LaunchParameter::Heads)] == Program::kDynamic;
    (isFree ? heads : group) = isFree ? group : heads;
  }
  int64_t keyHeads = std::max<int64_t>(heads / group, 1);
  shape = {batches, heads, keyHeads, headDim, valueDim};
  auto seed = [&] { return static_cast<unsigned>(random.bits()); };
  // Views look into what these hold.
  tensors.reserve(4);
  masks.reserve(2);
  segments.reserve(2);
  auto bring = [&](MemoryRegion region, std::array<int64_t, 4> shape) {
    operands[region] = tensors.emplace_back(shape, seed()).view();
  };
  bring(MemoryRegion::Query, {batches, heads, queries, headDim});
  bring(MemoryRegion::Key, {batches, keyHeads, keys, headDim});
  bring(MemoryRegion::Value, {batches, keyHeads, keys, valueDim});
  keys += past;
  std::array<int64_t, 4> rows = {random.oneIn(2) ? 1 : batches, random.oneIn(2) ? 1 : heads,
                                 random.oneIn(2) ? 1 : queries, keys};
  for (MemoryRegion region : program.inputs) {
    if (random.oneIn(64))
      continue;
    auto ones = static_cast<unsigned>(random.below(17));
    switch (region) {
    case MemoryRegion::KeyValid:
      operands[region] = {
          masks.emplace_back(std::array<int64_t, 4>{batches, 1, 1, keys}, seed(), ones).data.data(),
          {batches, keys}};
      break;
    case MemoryRegion::Mask:
      operands[region] = masks.emplace_back(rows, seed(), ones).view();
      break;
    case MemoryRegion::Bias:
      bring(region, rows);
      break;
    case MemoryRegion::QuerySegments:
      operands[region] = segments.emplace_back(std::array{batches, queries}, seed()).view();
      break;
    case MemoryRegion::KeySegments:
      operands[region] = segments.emplace_back(std::array{batches, keys}, seed()).view();
      break;
    default:
      break;
    }
  }
  if (random.oneIn(8)) {
    // Numbers at the ends of their range.
    constexpr float kExtremes[] = {3.4e38F, -3.4e38F, 1e-40F, 0, -0.0F, 1e30F};
    test::Tensor &tensor = random.pick(tensors);
    for (size_t count = random.below(8); count > 0; --count)
      random.pick(tensor.data) = random.pick(kExtremes);
  }
  if (!cache && random.oneIn(8))
    options.steps = stepsOf(random, shape);
  options.masks = random.oneIn(4);
  options.trace = random.oneIn(4);
  options.timing = random.oneIn(4) ? TimingKind::Detailed : TimingKind::ClosedForm;
  options.threads = 1 + static_cast<int>(random.oneIn(8));
  if (random.oneIn(8))
    options.thresholds = {ThresholdPolicy::Kind::Given,
                          {static_cast<float>(random.number())},
                          /*fraction=*/0};
  else if (random.oneIn(8))
    options.thresholds = {random.oneIn(2) ? ThresholdPolicy::Kind::PruneRate
                                          : ThresholdPolicy::Kind::KeepMass,
                          {},
                          static_cast<double>(random.below(5)) / 4};
}

namespace {

/// What the checker answers for: a program of which it finds nothing shows none of it.
constexpr const char *kAnswered[] = {"stands still", "ends with", "overruns queue", "not in ReRAM",
                                     "before they are written"};

/// Whether the simulator takes the program without the checker: no end of a queue is shared
/// between units, and no command takes twice from one.
bool hasOwners(const Program &program) {
  std::vector<Finding> findings;
  checking::checkOwners(checking::Steps(program), findings);
  return findings.empty();
}

void requireResult(const LaunchResult &result, const LaunchOptions &options) {
  const LaunchShape &shape = result.dimensions;
  int64_t rows = shape.batches * shape.heads * shape.queries;
  auto numbers = static_cast<size_t>(rows * shape.valueDim);
  require(result.output.size() == numbers && result.codes.size() == numbers,
          "an output has the size that its dimensions say");
  require(result.masks.size() == (options.masks ? static_cast<size_t>(rows * shape.keys) : 0),
          "there are masks where they were asked for");
  require(std::isfinite(result.statistics.cycles) && result.statistics.cycles >= 0,
          "cycles are a number");
  require(result.statistics.keptScores >= 0 &&
              result.statistics.keptScores <= result.statistics.allowedScores &&
              result.statistics.allowedScores <= rows * shape.keys,
          "scores are counted once");
}

} // namespace

/// Launches a program a few times, so that a cache grows. Whether the last one ran.
template <typename Take>
static bool runOnCache(Random &random, const Program &program, const Machine &machine,
                       const CacheShape &shape, Take take, std::string &error) {
  Device device(machine);
  std::unique_ptr<Cache> cache = device.createCache(shape, stepsOf(random, shape), error);
  if (!cache) {
    requireMessage(error);
    return false;
  }
  bool ran = false;
  for (uint64_t count = 1 + random.below(3); count > 0; --count) {
    SmallLaunch next(random, program, cache.get());
    next.options.cache = cache.get();
    int64_t length = cache->length();
    ran = take(device.launch(program, next.operands, next.options, error), next.options);
    require(ran ? cache->length() > length : cache->length() == length,
            "a cache grows with the launches that succeed");
  }
  return ran;
}

Outcome fuzz::runSmall(Random &random, const Program &program, const Machine &machine) {
  std::vector<Finding> findings = check(program, machine);
  for (const Finding &finding : findings)
    requireMessage(toString(program, finding));
  bool hasErrors = std::ranges::any_of(findings, [](const Finding &finding) {
    return finding.severity == Finding::Severity::Error;
  });
  SmallLaunch small(random, program);
  std::string error;
  auto take = [&](const std::optional<LaunchResult> &result, const LaunchOptions &options) {
    if (result)
      requireResult(*result, options);
    else
      requireMessage(error);
    return result.has_value();
  };
  auto run = [&](auto function) {
    return take(function(program, machine, small.operands, small.options, error), small.options);
  };
  bool ran = program.residentCache ? runOnCache(random, program, machine, small.shape, take, error)
                                   : run(launch);
  if (!ran && findings.empty())
    for (const char *answered : kAnswered)
      if (error.find(answered) != std::string::npos) {
        std::fprintf(stderr, "%s\n", error.c_str());
        require(false, "what the checker answers for does not happen");
      }
  require(!ran || !hasErrors, "a program with errors does not run");
  if (hasErrors && hasOwners(program))
    run(launchUnchecked);
  return hasErrors ? Outcome::RefusedByCheck : ran ? Outcome::Ran : Outcome::RefusedByLaunch;
}
