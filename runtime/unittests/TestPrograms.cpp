//===- TestPrograms.cpp - Programs and references for tests ---------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPrograms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace sprint;
using namespace sprint::test;

Machine sprint::test::builtinMachine(const std::string &name) {
  std::string error;
  std::optional<Machine> machine = loadMachine(name, error);
  EXPECT_TRUE(machine) << error;
  return machine.value();
}

ProgramBuilder::ProgramBuilder(const Machine &machine) {
  program.name = "attention";
  program.machine = machine.name;
  program.structure = machine.structureHash();
  program.parameters.fill(Program::kDynamic);
}

QueueIndex ProgramBuilder::credits(const std::string &name, int64_t count) {
  program.countingQueues.push_back({name, count});
  return static_cast<QueueIndex>(program.countingQueues.size() - 1);
}

IndexQueueIndex ProgramBuilder::lists(const std::string &name, int64_t depth) {
  program.indexQueues.push_back({name, depth});
  return static_cast<IndexQueueIndex>(program.indexQueues.size() - 1);
}

ProgramBuilder &ProgramBuilder::unit(MachineUnit unit) {
  program.units.push_back({unit, {}});
  return *this;
}

ProgramBuilder &ProgramBuilder::add(const Command &command) {
  program.units.back().words.push_back(encode(command));
  return *this;
}

ExprIndex ProgramBuilder::node(const ExprNode &node) {
  program.expressions.push_back(node);
  return static_cast<ExprIndex>(program.expressions.size() - 1);
}

Program sprint::test::attentionProgram(const Machine &machine, const AttentionOptions &options) {
  ProgramBuilder builder(machine);
  QueueIndex headSlots = builder.credits("head_slots", machine.structure.residentHeads);
  QueueIndex headReady = builder.credits("head_ready", 0);
  QueueIndex queriesWritten = builder.credits("queries_written", 0);
  QueueIndex rowSlots = builder.credits("row_slots", options.rowSlots);
  QueueIndex querySlots = builder.credits("query_slots", machine.structure.queryBufferQueries);
  QueueIndex queryReady = builder.credits("query_ready", 0);
  QueueIndex keyBuffer = builder.credits("key_buffer", options.keyBuffers);
  QueueIndex scoreBuffer = builder.credits("score_buffer", 2);
  QueueIndex valueBuffer = builder.credits("value_buffer", options.valueBuffers);
  IndexQueueIndex keptKeys = builder.lists("kept_keys", options.depth);
  IndexQueueIndex keptValues = builder.lists("kept_values", options.depth);
  IndexQueueIndex readyKeys = builder.lists("ready_keys", options.depth);
  IndexQueueIndex scores = builder.lists("scores", options.depth);
  IndexQueueIndex weights = builder.lists("weights", options.depth);
  IndexQueueIndex readyValues = builder.lists("ready_values", options.depth);

  ExprIndex batches = builder.parameter(LaunchParameter::Batches);
  ExprIndex heads = builder.parameter(LaunchParameter::Heads);
  ExprIndex queries = builder.parameter(LaunchParameter::Queries);
  ExprIndex keys = builder.parameter(LaunchParameter::Keys);
  ExprIndex b = builder.counter(0);
  ExprIndex h = builder.counter(1);
  ExprIndex i = builder.counter(options.isGrouped ? 3 : 2);
  ExprIndex first = builder.constant(0);
  ExprIndex last = keys;
  auto subtract = [&](ExprIndex lhs, ExprIndex rhs) {
    return builder.apply(ExprNode::Kind::Add, lhs,
                         builder.apply(ExprNode::Kind::Mul, rhs, builder.constant(-1)));
  };
  WriteCommand tokens = {};
  if (options.isCached) {
    ExprIndex past = builder.parameter(LaunchParameter::Past);
    tokens.first = toOptional(past);
    tokens.count = toOptional(subtract(keys, past));
    builder.program.residentCache = true;
  }
  if (options.causal) {
    ExprIndex next = builder.apply(ExprNode::Kind::Add, i, builder.constant(1));
    if (options.isCached)
      next = builder.apply(ExprNode::Kind::Add, next, subtract(keys, queries));
    last = builder.apply(ExprNode::Kind::Min, next, keys);
  }
  ExprIndex keyHead = h, keyHeads = heads, group = {};
  if (!options.isGrouped)
    builder.program.parameters[static_cast<size_t>(LaunchParameter::Group)] = 1;
  if (options.isGrouped) {
    group = builder.parameter(LaunchParameter::Group);
    keyHeads = builder.apply(ExprNode::Kind::FloorDiv, heads, group);
    h = builder.apply(ExprNode::Kind::Add, builder.apply(ExprNode::Kind::Mul, keyHead, group),
                      builder.counter(2));
  }
  auto beginKeyHeads = [&](MachineUnit unit) { builder.unit(unit).loop(batches).loop(keyHeads); };
  auto beginGroup = [&] {
    if (options.isGrouped)
      builder.loop(group);
  };
  auto endGroup = [&] {
    if (options.isGrouped)
      builder.endLoop();
  };
  auto beginHeads = [&](MachineUnit unit) {
    beginKeyHeads(unit);
    beginGroup();
  };
  auto endHeads = [&] {
    endGroup();
    builder.endLoop().endLoop();
  };
  // Mask and bias of a query, or of all queries of a head.
  auto loadRows = [&] {
    for (MemoryRegion region : options.inputs)
      if (region == MemoryRegion::Mask)
        builder.add(LoadMaskCommand{region, b, h, options.loadsOnce ? first : i});
      else if (region == MemoryRegion::Bias)
        builder.add(LoadBiasCommand{b, h, options.loadsOnce ? first : i});
      else if (region == MemoryRegion::QuerySegments)
        builder.add(LoadSegmentsCommand{b, i});
  };

  beginKeyHeads(MachineUnit::Write);
  builder.add(AcquireCommand{headSlots});
  for (MemoryRegion region : {MemoryRegion::Key, MemoryRegion::Value})
    builder.add(WriteCommand{region, b, keyHead, tokens.first, tokens.count});
  beginGroup();
  builder.add(WriteCommand{MemoryRegion::Query, b, h});
  for (MemoryRegion region : options.inputs)
    builder.add(WriteCommand{region, b, h});
  builder.add(ReleaseCommand{headReady}).add(ReleaseCommand{queriesWritten});
  endHeads();

  beginHeads(MachineUnit::Select);
  builder.add(AcquireCommand{headReady});
  if (std::ranges::count(options.inputs, MemoryRegion::KeyValid))
    builder.add(LoadMaskCommand{MemoryRegion::KeyValid, b, h, first});
  if (options.loadsOnce)
    loadRows();
  builder.loop(queries).add(AcquireCommand{rowSlots});
  if (!options.loadsOnce)
    loadRows();
  if (options.dense)
    builder.add(ListRangeCommand{first, last, keptKeys, keptValues});
  else
    builder.add(CopyQueryCommand{b, h, i})
        .add(ThresholdCommand{b, h, first, last})
        .add(ReadPruningCommand{keptKeys, keptValues});
  builder.endLoop();
  endHeads();

  beginHeads(MachineUnit::KeyFetch);
  builder.add(AcquireCommand{queriesWritten}).loop(queries);
  builder.add(AcquireCommand{querySlots}).add(LoadQueryCommand{b, h, i});
  builder.add(ReleaseCommand{queryReady}).add(AcquireCommand{keyBuffer});
  builder.add(FetchCommand{MemoryRegion::Key, options.residency, keptKeys, readyKeys, b, h});
  builder.endLoop();
  endHeads();

  beginHeads(MachineUnit::ValueFetch);
  builder.loop(queries).add(AcquireCommand{valueBuffer});
  builder.add(FetchCommand{MemoryRegion::Value, options.residency, keptValues, readyValues, b, h});
  builder.endLoop();
  endHeads();

  beginHeads(MachineUnit::QK);
  builder.loop(queries).add(AcquireCommand{queryReady}).add(AcquireCommand{scoreBuffer});
  builder.add(ScoreCommand{readyKeys, scores, b, h, i});
  builder.add(ReleaseCommand{keyBuffer}).add(ReleaseCommand{querySlots});
  builder.endLoop();
  endHeads();

  beginHeads(MachineUnit::Softmax);
  builder.loop(queries).add(SoftmaxCommand{scores, weights, b, h}).endLoop();
  endHeads();

  beginHeads(MachineUnit::V);
  builder.loop(queries);
  builder.add(AccumulateCommand{weights, readyValues, b, h}).add(StoreOutputCommand{b, h, i});
  builder.add(ReleaseCommand{valueBuffer}).add(ReleaseCommand{scoreBuffer});
  builder.add(ReleaseCommand{rowSlots}).endLoop();
  endGroup();
  builder.add(ReleaseCommand{headSlots}).endLoop().endLoop();
  builder.program.inputs = options.inputs;
  return builder.program;
}

Tensor::Tensor(std::array<int64_t, 4> shape, unsigned seed) : shape(shape) {
  std::mt19937 generator(seed);
  data.resize(size());
  // Numbers of 12 bits from -4 to 4, the same with every standard library.
  for (float &value : data)
    value = static_cast<float>(static_cast<int64_t>(generator() % 4096) - 2048) / 512;
}

Mask::Mask(std::array<int64_t, 4> shape, unsigned seed, unsigned ones) : shape(shape) {
  std::mt19937 generator(seed);
  data.resize(shape[0] * shape[1] * shape[2] * shape[3]);
  for (uint8_t &value : data)
    value = generator() % 16 < ones;
}

Segments::Segments(std::array<int64_t, 2> shape, unsigned seed) : shape(shape) {
  std::mt19937 generator(seed);
  data.resize(shape[0] * shape[1]);
  for (int32_t &value : data)
    value = static_cast<int32_t>(generator() % 4) - 1;
}

std::vector<MemoryRegion> TestInputs::regions() const {
  std::vector<MemoryRegion> regions;
  if (keyValid)
    regions.push_back(MemoryRegion::KeyValid);
  if (mask)
    regions.push_back(MemoryRegion::Mask);
  if (bias)
    regions.push_back(MemoryRegion::Bias);
  if (querySegments)
    regions.push_back(MemoryRegion::QuerySegments);
  if (keySegments)
    regions.push_back(MemoryRegion::KeySegments);
  return regions;
}

double sprint::test::energyOf(const LaunchResult &result, std::string_view component) {
  for (const StatisticInfo &info : statisticInfos)
    if (info.group == "energy_pj" && info.name == component)
      return std::get<double>(info.of(result.statistics));
  ADD_FAILURE() << "no component " << component;
  return 0;
}

LaunchOperands sprint::test::operandsOf(const Tensor &query, const Tensor &key, const Tensor &value,
                                        const TestInputs &inputs) {
  LaunchOperands operands;
  operands[MemoryRegion::Query] = query.view();
  operands[MemoryRegion::Key] = key.view();
  operands[MemoryRegion::Value] = value.view();
  if (inputs.keyValid) {
    const auto &[batches, heads, queries, keys] = inputs.keyValid->shape;
    operands[MemoryRegion::KeyValid] = {inputs.keyValid->data.data(), {batches, keys}};
  }
  if (inputs.mask)
    operands[MemoryRegion::Mask] = inputs.mask->view();
  if (inputs.bias)
    operands[MemoryRegion::Bias] = inputs.bias->view();
  if (inputs.querySegments)
    operands[MemoryRegion::QuerySegments] = inputs.querySegments->view();
  if (inputs.keySegments)
    operands[MemoryRegion::KeySegments] = inputs.keySegments->view();
  return operands;
}

namespace {

/// An entry of a tensor whose sizes of 1 are the same for all.
template <typename Table>
auto entryOf(const Table &table, int64_t b, int64_t h, int64_t i, int64_t j) {
  const int64_t at[] = {b, h, i, j};
  int64_t index = 0;
  for (int dim = 0; dim < 4; ++dim)
    index = index * table.shape[dim] + (table.shape[dim] == 1 ? 0 : at[dim]);
  return table.data[index];
}

/// The code of a bias that masks its key.
constexpr int64_t kMasks = INT64_MIN;

int64_t biasCodeOf(float bias, double lambda) {
  if (bias <= -1048576.0f)
    return kMasks;
  double units = std::rint(double(bias) / lambda);
  return static_cast<int64_t>(std::fmin(std::fmax(units, -536870912.0), 536870912.0));
}

/// The codes of one head and their step.
struct HeadCodes {
  std::vector<int> codes;
  float step;

  HeadCodes(const float *data, int64_t size, const Widths &widths) {
    float amax = 0;
    for (int64_t index = 0; index < size; ++index)
      amax = std::fmax(amax, std::fabs(data[index]));
    int limit = widths.nibble == Nibble::Centred ? 119 : 127;
    step = amax / static_cast<float>(limit);
    if (step < std::ldexp(1.0f, -126))
      step = 1;
    for (int64_t index = 0; index < size; ++index) {
      int code = static_cast<int>(std::lrint(data[index] / step));
      codes.push_back(std::min(std::max(code, -limit), limit));
    }
  }
};

int highOf(int code, const Widths &widths) {
  int shifted = widths.nibble == Nibble::Centred ? code + 8 : code;
  return static_cast<int>(std::floor(shifted / 16.0));
}

/// An exponent, by the tables' definition instead of the tables.
int64_t exponentOf(int64_t entry, const Widths &widths) {
  auto table = [](int64_t index, double divisor) {
    return static_cast<uint64_t>(std::llround(65536 * std::exp(-double(index) / divisor)));
  };
  uint64_t product = table(entry / 128, 8) * table(entry % 128, 1024);
  int64_t drop = 32 - widths.exponentFractionBits;
  return static_cast<int64_t>((product + (uint64_t(1) << (drop - 1))) >> drop);
}

} // namespace

Reference::Reference(const Tensor &query, const Tensor &key, const Tensor &value, double scale,
                     const std::vector<float> &thresholds, const Widths &widths, bool causal,
                     bool dense, const TestInputs &inputs) {
  auto [batches, heads, queries, headDim] = query.shape;
  int64_t keyHeads = key.shape[1];
  int64_t keys = key.shape[2];
  int64_t valueDim = value.shape[3];
  for (int64_t head = 0; head < batches * heads; ++head) {
    int64_t batch = head / heads;
    int64_t keyHead = batch * keyHeads + head % heads / (heads / keyHeads);
    HeadCodes q(query.data.data() + head * queries * headDim, queries * headDim, widths);
    HeadCodes k(key.data.data() + keyHead * keys * headDim, keys * headDim, widths);
    HeadCodes v(value.data.data() + keyHead * keys * valueDim, keys * valueDim, widths);
    double lambda = scale * double(q.step) * double(k.step);
    double theta = thresholds.size() == 1 ? thresholds[0] : thresholds[head % heads];
    double units = std::ceil(theta / (lambda * 256));
    int64_t threshold =
        std::isinf(units) ? (units < 0 ? -(1 << 30) : 1 << 30) : static_cast<int64_t>(units);
    threshold = std::min<int64_t>(std::max<int64_t>(threshold, -(1 << 30)), 1 << 30);
    int exponent;
    double mantissa = std::frexp(lambda, &exponent);
    int64_t multiplier = std::llround(mantissa * std::ldexp(1.0, 31));
    int64_t shift = std::min<int64_t>(std::max<int64_t>(31 - exponent - 10, 0), 62);
    for (int64_t i = 0; i < queries; ++i) {
      std::vector<int64_t> allowedKeys, keptKeys, approximate(keys), exact(keys), biases(keys);
      for (int64_t j = 0; j < keys; ++j) {
        bool isAllowed = !causal || j <= i;
        if (inputs.keyValid)
          isAllowed = isAllowed && entryOf(*inputs.keyValid, batch, 0, 0, j);
        if (inputs.mask)
          isAllowed = isAllowed && entryOf(*inputs.mask, batch, head % heads, i, j);
        if (inputs.querySegments)
          isAllowed = isAllowed && inputs.querySegments->data[batch * queries + i] ==
                                       inputs.keySegments->data[batch * keys + j];
        if (inputs.bias) {
          float logit = entryOf(*inputs.bias, batch, head % heads, i, j);
          int64_t code = biasCodeOf(logit, lambda);
          isAllowed = isAllowed && code != kMasks;
          if (isAllowed) {
            exact[j] = biases[j] = code;
            approximate[j] = static_cast<int64_t>(std::floor((double(code) + 128) / 256));
          }
        }
        if (isAllowed)
          allowedKeys.push_back(j);
        for (int64_t c = 0; c < headDim; ++c) {
          int a = q.codes[i * headDim + c], b = k.codes[j * headDim + c];
          approximate[j] += highOf(a, widths) * highOf(b, widths);
          exact[j] += a * b;
        }
      }
      auto entryOfDelta = [&](int64_t delta) {
        __int128 scaled = __int128(delta) * multiplier + ((int64_t(1) << shift) >> 1);
        return static_cast<int64_t>(std::min<__int128>(scaled >> shift, (1 << 14) - 1));
      };
      // Far below another bias no score lifts a key to a weight.
      int64_t largest = INT64_MIN;
      for (int64_t j : allowedKeys)
        largest = std::max(largest, biases[j]);
      std::erase_if(allowedKeys, [&](int64_t j) {
        return entryOfDelta(largest - biases[j] - 32768 * headDim) >= 95 * 128;
      });
      allowed += static_cast<int64_t>(allowedKeys.size());
      int64_t lowered = threshold;
      if (!dense && !allowedKeys.empty()) {
        int64_t step = 1;
        int64_t rowRetries = 0;
        while (std::ranges::none_of(allowedKeys,
                                    [&](int64_t j) { return approximate[j] >= lowered; })) {
          lowered -= step;
          step *= 2;
          ++rowRetries;
        }
        retriedRows += rowRetries > 0;
        retries += rowRetries;
      }
      for (int64_t j : allowedKeys)
        if (dense || approximate[j] >= lowered)
          keptKeys.push_back(j);
      kept += static_cast<int64_t>(keptKeys.size());
      for (int64_t j = 0; j < keys; ++j)
        masks.push_back(std::ranges::count(keptKeys, j) != 0);

      int64_t maximum = INT64_MIN;
      for (int64_t j : keptKeys)
        maximum = std::max(maximum, exact[j]);
      std::vector<int64_t> exponents;
      int64_t sum = 0;
      for (int64_t j : keptKeys) {
        exponents.push_back(exponentOf(entryOfDelta(maximum - exact[j]), widths));
        sum += exponents.back();
      }
      sum = std::min(sum, (int64_t(1) << widths.sumBits) - 1);
      for (int64_t c = 0; c < valueDim; ++c) {
        __int128 weighted = 0;
        int64_t code = 0;
        for (size_t n = 0; n < keptKeys.size(); ++n) {
          int64_t weight = exponents[n];
          if (widths.probabilityBits)
            weight = std::min<int64_t>(((weight << widths.probabilityBits) * 2 + sum) / (2 * sum),
                                       (int64_t(1) << widths.probabilityBits) - 1);
          weighted += weight * v.codes[keptKeys[n] * valueDim + c];
        }
        if (widths.probabilityBits) {
          int64_t limit = int64_t(1) << (widths.accumulatorBits - 1);
          weighted = std::min<__int128>(std::max<__int128>(weighted, -limit), limit - 1);
          code = static_cast<int64_t>(weighted) << (16 - widths.probabilityBits);
        } else if (!keptKeys.empty()) {
          __int128 numerator = (weighted << 17) + sum;
          __int128 remainder = ((numerator % (2 * sum)) + 2 * sum) % (2 * sum);
          code = static_cast<int64_t>((numerator - remainder) / (2 * sum));
        }
        codes.push_back(static_cast<int32_t>(code));
        output.push_back(static_cast<float>(code) / 65536 * v.step);
      }
    }
  }
}

void Reference::expectGivenBy(const LaunchResult &result) const {
  EXPECT_EQ(result.codes, codes);
  EXPECT_EQ(result.output, output);
  EXPECT_EQ(result.masks, masks);
  EXPECT_EQ(result.statistics.allowedScores, allowed);
  EXPECT_EQ(result.statistics.keptScores, kept);
  EXPECT_EQ(result.statistics.retriedRows, retriedRows);
  EXPECT_EQ(result.statistics.retries, retries);
}
