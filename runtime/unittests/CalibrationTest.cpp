//===- CalibrationTest.cpp - Thresholds from what they keep ---------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Calibration.h"
#include "TestPrograms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace sprint;
using namespace sprint::test;

namespace {

using Kind = ThresholdPolicy::Kind;

constexpr float kKeepAll = -std::numeric_limits<float>::infinity();

/// Parsed once.
const Machine &machineS() {
  static const Machine machine = builtinMachine("s");
  return machine;
}

/// One set of operands, with the program for them.
struct Inputs {
  Tensor query, key, value;
  TestInputs others;
  bool causal = false;

  LaunchResult run(const LaunchOptions &options) const {
    const Machine &machine = machineS();
    std::string error;
    AttentionOptions attention;
    attention.causal = causal;
    attention.isGrouped = true;
    attention.inputs = others.regions();
    Program program = attentionProgram(machine, attention);
    program.scale = 0.125;
    std::optional<LaunchResult> result =
        launch(program, machine, operandsOf(query, key, value, others), options, error);
    EXPECT_TRUE(result) << error;
    return std::move(result).value();
  }

  LaunchResult runWith(const std::vector<float> &thresholds) const {
    LaunchOptions options;
    options.masks = true;
    options.thresholds = {Kind::Given, thresholds, 0};
    return run(options);
  }

  void gather(Calibration &calibration) const {
    LaunchOptions options;
    options.calibration = &calibration;
    run(options);
  }

  /// Logits of a unit of threshold of a head, the batch's first.
  double unit(int64_t head) const {
    Operands operands(operandsOf(query, key, value, others), machineS().structure.widths,
                      LaunchOptions());
    HeadSteps steps = operands.steps(head);
    return approximateUnit(0.125, steps.query, steps.key);
  }

  /// For each head the part of the softmax that lies on kept keys, in the mean of the rows with any
  /// allowed key: from the 8-bit codes, one key after another.
  std::vector<double> keptMass(const std::vector<uint8_t> &kept,
                               const std::vector<uint8_t> &allowed) const {
    Widths widths;
    Operands operands(operandsOf(query, key, value, others), widths, LaunchOptions());
    const LaunchShape &shape = operands.shape();
    std::vector<double> mass(shape.heads), rows(shape.heads);
    for (int64_t index = 0; index < operands.heads(); ++index) {
      std::vector<int8_t> q = operands.queryCodes(index);
      std::vector<int8_t> k = operands.keyCodes(operands.keyHeadOf(index));
      HeadSteps steps = operands.steps(index);
      for (int64_t i = 0; i < shape.queries; ++i) {
        double sum = 0, keptSum = 0;
        for (int64_t j = 0; j < shape.keys; ++j) {
          size_t pair = (index * shape.queries + i) * shape.keys + j;
          if (!allowed[pair])
            continue;
          double logit = others.bias ? operands.row<float>(MemoryRegion::Bias, index, i)[j] : 0;
          for (int64_t c = 0; c < shape.headDim; ++c)
            logit += 0.125 * steps.query * steps.key * q[i * shape.headDim + c] *
                     k[j * shape.headDim + c];
          sum += std::exp(logit);
          keptSum += kept[pair] ? std::exp(logit) : 0;
        }
        rows[index % shape.heads] += sum > 0;
        mass[index % shape.heads] += sum > 0 ? keptSum / sum : 0;
      }
    }
    for (int64_t head = 0; head < shape.heads; ++head)
      mass[head] /= rows[head];
    return mass;
  }
};

/// Operands of one batch element with everything that a launch may bring.
Inputs everything(unsigned seed, int64_t keys = 40) {
  Inputs inputs{{{1, 4, 24, 16}, seed},
                {{1, 2, keys, 16}, seed + 1},
                {{1, 2, keys, 4}, seed + 2},
                {},
                /*causal=*/true};
  inputs.others.keyValid = Mask({1, 1, 1, keys}, seed, 13);
  inputs.others.mask = Mask({1, 1, 24, keys}, seed, 12);
  inputs.others.bias = Tensor({1, 4, 24, keys}, seed + 3);
  for (size_t index = 0; index < inputs.others.bias->data.size(); index += 7)
    inputs.others.bias->data[index] = kKeepAll;
  return inputs;
}

Inputs plain(unsigned seed, float factor = 1) {
  Inputs inputs{
      {{2, 2, 50, 32}, seed}, {{2, 2, 200, 32}, seed + 1}, {{2, 2, 200, 8}, seed + 2}, {}};
  for (float &value : inputs.query.data)
    value *= factor;
  return inputs;
}

/// Kept and allowed scores of each head.
struct Counts {
  std::vector<int64_t> kept, allowed;
};

Counts countsOf(const LaunchResult &result, const std::vector<uint8_t> &allowed) {
  const LaunchShape &shape = result.dimensions;
  Counts counts{std::vector<int64_t>(shape.heads), std::vector<int64_t>(shape.heads)};
  int64_t scores = shape.queries * shape.keys;
  for (size_t pair = 0; pair < allowed.size(); ++pair) {
    counts.kept[pair / scores % shape.heads] += result.masks[pair];
    counts.allowed[pair / scores % shape.heads] += allowed[pair];
  }
  return counts;
}

/// What one integer threshold of all heads keeps.
struct Kept {
  Counts counts;
  std::vector<double> mass;
};

/// What all integer thresholds near the scores keep, in ascending order.
std::vector<Kept> sweep(const Inputs &inputs, const std::vector<uint8_t> &allowed) {
  std::vector<Kept> all;
  for (int threshold = -250; threshold < 250; ++threshold) {
    std::vector<float> thetas;
    thetas.reserve(inputs.query.shape[1]);
    for (int64_t head = 0; head < inputs.query.shape[1]; ++head)
      thetas.push_back(static_cast<float>((threshold - 0.5) * inputs.unit(head)));
    LaunchResult result = inputs.runWith(thetas);
    all.push_back({countsOf(result, allowed), inputs.keptMass(result.masks, allowed)});
  }
  return all;
}

TEST(CalibrationTest, RateIsTheNearestOfAllThresholds) {
  Inputs inputs = everything(1);
  std::vector<uint8_t> allowed = inputs.runWith({kKeepAll}).masks;
  std::vector<Kept> all = sweep(inputs, allowed);
  for (double rate : {0.1, 0.5, 0.75}) {
    LaunchOptions options;
    options.masks = true;
    options.thresholds = {Kind::PruneRate, {}, rate};
    Counts counts = countsOf(inputs.run(options), allowed);
    for (int64_t head = 0; head < 4; ++head) {
      auto droppedOf = [&](const Counts &counts) {
        return 1 - double(counts.kept[head]) / double(counts.allowed[head]);
      };
      double nearest = 2;
      for (const Kept &kept : all) {
        nearest = std::min(nearest, std::abs(droppedOf(kept.counts) - rate));
        if (droppedOf(kept.counts) > rate)
          break;
      }
      EXPECT_NEAR(std::abs(droppedOf(counts) - rate), nearest, 1e-12) << rate << ", head " << head;
    }
  }
}

TEST(CalibrationTest, RateIsTheNearestWhereAUnitIsMoreThanF32Has) {
  Inputs inputs = plain(3, 1e30f);
  for (float &value : inputs.key.data)
    value *= 1e30f;
  constexpr float kLargest = std::numeric_limits<float>::max();
  ASSERT_GT(inputs.unit(0), 2 * static_cast<double>(kLargest));
  std::vector<uint8_t> allowed = inputs.runWith({kKeepAll}).masks;
  // What is below zero goes, or zero as well: no other thresholds are numbers.
  std::vector<Counts> all;
  for (float threshold : {kKeepAll, -kLargest, kLargest})
    all.push_back(countsOf(inputs.runWith({threshold}), allowed));
  for (double rate : {0.1, 0.4, 0.6}) {
    LaunchOptions options;
    options.masks = true;
    options.thresholds = {Kind::PruneRate, {}, rate};
    Counts counts = countsOf(inputs.run(options), allowed);
    for (int64_t head = 0; head < 2; ++head) {
      auto distance = [&](const Counts &counts) {
        return std::abs(1 - double(counts.kept[head]) / double(counts.allowed[head]) - rate);
      };
      double nearest = std::min({distance(all[0]), distance(all[1]), distance(all[2])});
      EXPECT_NEAR(distance(counts), nearest, 1e-12) << rate << ", head " << head;
    }
    EXPECT_EQ(countsOf(inputs.run(options), allowed).kept == all[0].kept, rate == 0.1);
  }
}

TEST(CalibrationTest, MassIsTheLeastThatIsEnough) {
  Inputs inputs = everything(2);
  std::vector<uint8_t> allowed = inputs.runWith({kKeepAll}).masks;
  std::vector<Kept> all = sweep(inputs, allowed);
  for (double mass : {0.5, 0.9, 0.99}) {
    LaunchOptions options;
    options.masks = true;
    options.thresholds = {Kind::KeepMass, {}, mass};
    LaunchResult result = inputs.run(options);
    std::vector<double> keptMass = inputs.keptMass(result.masks, allowed);
    Counts counts = countsOf(result, allowed);
    for (int64_t head = 0; head < 4; ++head) {
      EXPECT_GE(keptMass[head], mass);
      int64_t fewest = std::numeric_limits<int64_t>::max();
      for (const Kept &kept : all) {
        if (kept.mass[head] < mass)
          break;
        fewest = std::min(fewest, kept.counts.kept[head]);
      }
      EXPECT_EQ(counts.kept[head], fewest) << mass << ", head " << head;
    }
  }
}

TEST(CalibrationTest, WholeMassDropsNothing) {
  Inputs inputs = everything(3);
  LaunchOptions options;
  options.thresholds = {Kind::KeepMass, {}, 1};
  EXPECT_EQ(inputs.run(options).statistics.prunedFraction(), 0);
}

TEST(CalibrationTest, OneGatheredLaunchGivesItsOwnThresholds) {
  Inputs inputs = everything(4);
  Calibration calibration;
  inputs.gather(calibration);
  for (Kind kind : {Kind::PruneRate, Kind::KeepMass}) {
    LaunchOptions options;
    options.thresholds = {kind, {}, 0.8};
    LaunchResult own = inputs.run(options);
    std::string error;
    auto thresholds = calibration.thresholds(kind, 0.8, error);
    ASSERT_TRUE(thresholds) << error;
    LaunchResult gathered = inputs.runWith(*thresholds);
    EXPECT_EQ(gathered.output, own.output);
  }
}

TEST(CalibrationTest, SeveralLaunchesMeetTheGoalTogether) {
  // With other steps, lengths and masks each.
  const Inputs all[] = {plain(1), plain(2, 0.3f), plain(3, 2)};
  Calibration calibration;
  for (const Inputs &inputs : all)
    inputs.gather(calibration);
  std::string error;
  auto forRate = calibration.thresholds(Kind::PruneRate, 0.75, error);
  auto forMass = calibration.thresholds(Kind::KeepMass, 0.9, error);
  ASSERT_TRUE(forRate && forMass) << error;
  std::vector<double> kept(2), scores(2), mass(2);
  for (const Inputs &inputs : all) {
    std::vector<uint8_t> allowed = inputs.runWith({kKeepAll}).masks;
    Counts counts = countsOf(inputs.runWith(*forRate), allowed);
    std::vector<double> masses = inputs.keptMass(inputs.runWith(*forMass).masks, allowed);
    for (int64_t head : {0, 1}) {
      kept[head] += double(counts.kept[head]);
      scores[head] += double(counts.allowed[head]);
      mass[head] += masses[head] / std::size(all);
    }
  }
  for (int64_t head : {0, 1}) {
    EXPECT_NEAR(1 - kept[head] / scores[head], 0.75, 0.003) << head;
    EXPECT_NEAR(mass[head], 0.9, 0.003) << head;
  }
}

TEST(CalibrationTest, OrderOfLaunchesDoesNotMatter) {
  const Inputs first = plain(1), second = plain(2, 0.3f), third = plain(3, 2);
  Calibration forwards, backwards;
  for (const Inputs *inputs : {&first, &second, &third})
    inputs->gather(forwards);
  for (const Inputs *inputs : {&third, &second, &first})
    inputs->gather(backwards);
  std::string error;
  for (Kind kind : {Kind::PruneRate, Kind::KeepMass})
    EXPECT_EQ(forwards.thresholds(kind, 0.7, error), backwards.thresholds(kind, 0.7, error));
}

TEST(CalibrationTest, ManyLaunchesTakeNoMoreMemory) {
  Calibration calibration;
  size_t half = 0;
  for (unsigned seed = 0; seed < 64; ++seed) {
    plain(seed, 0.5f + static_cast<float>(seed) / 64).gather(calibration);
    if (seed == 31)
      half = calibration.curves->heads[0].steps.size();
  }
  size_t all = calibration.curves->heads[0].steps.size();
  EXPECT_LT(all, half + half / 5);
  EXPECT_LT(all, 20000u);
}

TEST(CalibrationTest, RowsWithoutAllowedKeysDoNotCount) {
  Inputs inputs = plain(5);
  // The second batch element is nothing but padding.
  inputs.others.keyValid = Mask({2, 1, 1, 200}, 1, 16);
  std::fill_n(inputs.others.keyValid->data.begin() + 200, 200, 0);
  Calibration calibration;
  inputs.gather(calibration);
  EXPECT_EQ(calibration.curves->heads[0].rows, 50);
  EXPECT_EQ(calibration.curves->heads[0].allowed, 50 * 200);
  std::fill_n(inputs.others.keyValid->data.begin(), 200, 0);
  LaunchOptions options;
  options.thresholds = {Kind::KeepMass, {}, 0.5};
  EXPECT_EQ(inputs.run(options).thresholds, std::vector<float>(2, kKeepAll));
}

TEST(CalibrationTest, BiasesFarBelowTheScoresAreDroppedFirst) {
  Inputs inputs = plain(6);
  // Every second key has no weight worth keeping, but is allowed.
  inputs.others.bias = Tensor({1, 1, 1, 200}, 1);
  for (size_t key = 0; key < 200; ++key)
    inputs.others.bias->data[key] = key % 2 ? -100.0f : 0.0f;
  LaunchOptions options;
  options.masks = true;
  options.thresholds = {Kind::PruneRate, {}, 0.5};
  LaunchResult result = inputs.run(options);
  for (size_t pair = 0; pair < result.masks.size(); ++pair)
    ASSERT_EQ(result.masks[pair], pair % 2 == 0) << pair;
}

TEST(CalibrationTest, SaysWhyThereAreNoThresholds) {
  Calibration calibration;
  std::string error;
  EXPECT_FALSE(calibration.thresholds(Kind::PruneRate, 0.5, error));
  EXPECT_EQ(error, "expected a launch to calibrate on, got none");
  EXPECT_FALSE(calibration.thresholds(Kind::Given, 0.5, error));
  EXPECT_EQ(error, "expected a prune rate or a mass to keep to calibrate for, got neither");
  EXPECT_FALSE(calibration.thresholds(Kind::KeepMass, std::nan(""), error));
  EXPECT_EQ(error, "expected a mass to keep between 0 and 1, got nan");
}

TEST(CalibrationTest, LaunchOfOtherHeadsAddsNothing) {
  Calibration calibration;
  plain(1).gather(calibration);
  Tensor one({1, 1, 4, 8}, 1);
  LaunchOptions options;
  options.calibration = &calibration;
  std::string error;
  EXPECT_FALSE(
      launch(attentionProgram(machineS()), machineS(), operandsOf(one, one, one), options, error));
  EXPECT_EQ(error, "program 'attention': expected 2 heads, as in the launches calibrated on "
                   "before, got 1");
  EXPECT_EQ(calibration.curves->launches, 1);
}

} // namespace
