//===- NumericsTest.cpp - Lowered ops against docs/numerics.md --------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The page's formulas once more in plain C++, by other means than the lowering's where there are
// any: the threshold is lowered retry by retry, divisions are of 128 bits, the exponent tables come
// from std::exp.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include "Sprint/Dialect/Sprint/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstdio>
#include <random>

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint::testing;

namespace {

//===----------------------------------------------------------------------===//
// The page in C++
//===----------------------------------------------------------------------===//

struct Band {
  std::optional<int64_t> lower, upper;
  bool end = false;

  bool allows(int64_t query, int64_t key, int64_t queries, int64_t keys) const {
    int64_t distance = key - query - (end ? keys - queries : 0);
    return (!lower || distance >= *lower) && (!upper || distance <= *upper);
  }
};

struct WidthsCase {
  bool centred;
  int exponent, sum, probability, accumulator;
};
constexpr WidthsCase kDefault = {true, 16, 48, 0, 48};
constexpr WidthsCase kPaper = {false, 8, 16, 8, 16};

int64_t highNibble(int8_t code, bool centred) {
  return static_cast<int64_t>(std::floor((code + (centred ? 8 : 0)) / 16.0));
}

struct Quantized {
  std::vector<int8_t> codes;
  float step;
};

Quantized quantize(ArrayRef<float> head, bool centred) {
  float limit = centred ? 119 : 127, largest = 0;
  for (float x : head)
    largest = std::max(largest, std::fabs(x));
  float step = largest / limit;
  if (step < std::ldexp(1.0f, -126))
    step = 1;
  Quantized result{{}, step};
  for (float x : head)
    result.codes.push_back(std::clamp(std::nearbyintf(x / step), -limit, limit));
  return result;
}

struct Parameters {
  int32_t threshold;
  int64_t multiplier, shift;
};

Parameters parametersOf(double scale, float queryStep, float keyStep, float theta) {
  double lambda = scale * queryStep * keyStep;
  double x = std::ceil(theta / (lambda * 256));
  int exponent;
  double mantissa = std::frexp(lambda, &exponent); // in 1/2 .. 1
  return {static_cast<int32_t>(std::clamp(x, -std::ldexp(1.0, 30), std::ldexp(1.0, 30))),
          static_cast<int64_t>(std::floor(std::ldexp(mantissa, 31) + 0.5)),
          std::clamp<int64_t>(21 - exponent, 0, 62)};
}

constexpr int32_t kMasked = INT32_MIN;

/// Code of a bias of a head.
int32_t biasCodeOf(float bias, double scale, float queryStep, float keyStep) {
  if (bias <= -1048576.0f)
    return kMasked;
  double units = std::nearbyint(bias / (scale * queryStep * keyStep));
  return static_cast<int32_t>(std::clamp(units, -536870912.0, 536870912.0));
}

__extension__ typedef __int128 Wide;

/// floor(numerator / denominator + 1/2).
int64_t divideRounded(Wide numerator, Wide denominator) {
  Wide doubled = 2 * numerator + denominator, quotient = doubled / (2 * denominator);
  return static_cast<int64_t>(quotient - (doubled % (2 * denominator) < 0 ? 1 : 0));
}

/// Index into the exponent tables of a difference of scores.
int64_t tableIndexOf(int64_t delta, const Parameters &parameters) {
  Wide half = parameters.shift == 0 ? 0 : Wide(1) << (parameters.shift - 1);
  Wide index = (Wide(delta) * parameters.multiplier + half) >> parameters.shift;
  return static_cast<int64_t>(std::min<Wide>(index, (1 << 14) - 1));
}

/// What one query keeps of one head, and its output.
struct Row {
  std::vector<bool> kept;
  std::vector<int32_t> codes;
};

Row computeRow(ArrayRef<int8_t> query, ArrayRef<int8_t> keys, ArrayRef<int8_t> values,
               int64_t valueDim, const Parameters &parameters, std::vector<bool> allowed,
               const WidthsCase &widths, ArrayRef<int32_t> biases = {}) {
  int64_t numKeys = allowed.size(), headDim = query.size();
  int64_t largestBias = INT32_MIN;
  for (int64_t j = 0; j < static_cast<int64_t>(biases.size()); ++j) {
    allowed[j] = allowed[j] && biases[j] != kMasked;
    if (allowed[j])
      largestBias = std::max<int64_t>(largestBias, biases[j]);
  }
  for (int64_t j = 0; j < static_cast<int64_t>(biases.size()); ++j)
    allowed[j] = allowed[j] &&
                 tableIndexOf(largestBias - biases[j] - 32768 * headDim, parameters) < 95 * 128;
  Row row{std::vector<bool>(numKeys), std::vector<int32_t>(valueDim)};
  if (std::find(allowed.begin(), allowed.end(), true) == allowed.end())
    return row;

  int64_t threshold = parameters.threshold, decrement = 1;
  for (bool any = false; !any;) {
    for (int64_t j = 0; j < numKeys; ++j) {
      int64_t score = 0;
      for (int64_t c = 0; c < headDim; ++c)
        score += highNibble(query[c], widths.centred) *
                 highNibble(keys[j * headDim + c], widths.centred);
      if (!biases.empty())
        score += static_cast<int64_t>(std::floor((int64_t(biases[j]) + 128) / 256.0));
      row.kept[j] = allowed[j] && score >= threshold;
      any |= row.kept[j];
    }
    threshold -= decrement;
    decrement *= 2;
  }

  std::vector<int64_t> scores(numKeys), exponents(numKeys);
  int64_t maximum = INT64_MIN;
  for (int64_t j = 0; j < numKeys; ++j) {
    for (int64_t c = 0; c < headDim; ++c)
      scores[j] += query[c] * keys[j * headDim + c];
    if (!biases.empty())
      scores[j] += biases[j];
    if (row.kept[j])
      maximum = std::max(maximum, scores[j]);
  }
  int64_t sum = 0;
  for (int64_t j = 0; j < numKeys; ++j) {
    if (!row.kept[j])
      continue;
    int64_t index = tableIndexOf(maximum - scores[j], parameters);
    auto table = [](double exponent) { return std::llround(65536 * std::exp(-exponent)); };
    double product =
        static_cast<double>(table((index / 128) / 8.0) * table((index % 128) / 1024.0));
    exponents[j] = std::floor(std::ldexp(product, widths.exponent - 32) + 0.5);
    sum += exponents[j];
  }
  sum = std::min(sum, (int64_t(1) << widths.sum) - 1);
  for (int64_t c = 0; c < valueDim; ++c) {
    int64_t numerator = 0;
    for (int64_t j = 0; j < numKeys; ++j) {
      if (!row.kept[j])
        continue;
      int64_t weight = exponents[j];
      if (widths.probability)
        weight = std::min(divideRounded(Wide(weight) << widths.probability, sum),
                          (int64_t(1) << widths.probability) - 1);
      numerator += weight * values[j * valueDim + c];
    }
    if (widths.probability) {
      int64_t bound = int64_t(1) << (widths.accumulator - 1);
      row.codes[c] = std::clamp(numerator, -bound, bound - 1) * (1 << (16 - widths.probability));
    } else {
      row.codes[c] = divideRounded(Wide(numerator) * 65536, sum);
    }
  }
  return row;
}

//===----------------------------------------------------------------------===//
// IR
//===----------------------------------------------------------------------===//

std::string bandText(const Band &band) {
  std::string text = "#sprint.band<";
  if (band.lower)
    text += "lower = " + std::to_string(*band.lower) + ", ";
  if (band.upper)
    text += "upper = " + std::to_string(*band.upper) + ", ";
  return text + (band.end ? "align = end>" : "align = start>");
}

std::string widthsText(const WidthsCase &widths) {
  return ("<exponent_fraction = " + Twine(widths.exponent) + ", sum = " + Twine(widths.sum) +
          ", probability = " + Twine(widths.probability) +
          ", accumulator = " + Twine(widths.accumulator) + ">")
      .str();
}

std::string nibbleText(bool centred) { return centred ? "centred" : "truncated"; }

/// A finite number, exactly.
std::string floatText(double number) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.17e", number);
  return text;
}

/// `text` with each `$name` of `values` replaced.
std::string substitute(std::string text,
                       std::initializer_list<std::pair<std::string, std::string>> values) {
  for (const auto &[name, value] : values)
    for (size_t at = 0; (at = text.find("$" + name, at)) != std::string::npos; at += value.size())
      text.replace(at, name.size() + 1, value);
  return text;
}

template <typename T> Tensor<T> makeTensor(std::vector<int64_t> shape, std::vector<T> elements) {
  return {std::move(shape), std::move(elements)};
}

Tensor<float> makeNormal(std::vector<int64_t> shape, unsigned seed) {
  Tensor<float> tensor{std::move(shape), {}};
  int64_t count = 1;
  for (int64_t size : tensor.shape)
    count *= size;
  std::mt19937 generator(seed);
  // Sums of uniform numbers, which unlike std::normal_distribution are the same everywhere.
  for (int64_t index = 0; index < count; ++index)
    tensor.elements.push_back((int64_t(generator()) + int64_t(generator()) - int64_t(0x100000000)) *
                              0x1p-31f);
  return tensor;
}

Tensor<int8_t> makeCodes(std::vector<int64_t> shape, unsigned seed, int limit) {
  Tensor<float> numbers = makeNormal(std::move(shape), seed);
  Tensor<int8_t> codes{numbers.shape, {}};
  for (float number : numbers.elements)
    codes.elements.push_back(std::clamp<int>(number * 80, -limit, limit));
  return codes;
}

//===----------------------------------------------------------------------===//
// Quantisation
//===----------------------------------------------------------------------===//

class Quantize : public ::testing::TestWithParam<bool> {
protected:
  void check(const Tensor<float> &input) {
    Compiled compiled(substitute(R"mlir(
      func.func @main(%x: tensor<?x?x?x?xf32>) -> (tensor<?x?x?x?xi8>, tensor<?x?xf32>) {
        %codes, %step = sprint.quantize %x nibble($nibble)
            : tensor<?x?x?x?xf32> -> tensor<?x?x?x?xi8>, tensor<?x?xf32>
        return %codes, %step : tensor<?x?x?x?xi8>, tensor<?x?xf32>
      }
    )mlir",
                                 {{"nibble", nibbleText(GetParam())}}));
    std::vector<HostTensor> results = compiled.run({input.ref()});
    ASSERT_EQ(results.size(), 2u);
    int64_t heads = input.shape[0] * input.shape[1], headSize = input.shape[2] * input.shape[3];
    std::vector<int8_t> codes;
    std::vector<float> steps;
    for (int64_t head = 0; head < heads; ++head) {
      Quantized expected =
          quantize(ArrayRef(input.elements).slice(head * headSize, headSize), GetParam());
      codes.insert(codes.end(), expected.codes.begin(), expected.codes.end());
      steps.push_back(expected.step);
    }
    EXPECT_EQ(elementsOf<int8_t>(results[0]), codes);
    EXPECT_EQ(elementsOf<float>(results[1]), steps);
  }
};

TEST_P(Quantize, RoundsTiesToEven) {
  float step = 0.25f, largest = step * (GetParam() ? 119 : 127);
  std::vector<float> elements = {largest};
  for (float halves : {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 100.5f, 1.4999999f})
    elements.push_back(halves * step);
  check(makeTensor<float>({1, 1, 1, 8}, elements));
}

TEST_P(Quantize, TakesAStepOfOneWhereTheHeadIsNearlyZero) {
  // Heads of zeros, of subnormals, and just at and below the smallest step.
  float limit = GetParam() ? 119 : 127, smallest = std::ldexp(limit, -126);
  check(makeTensor<float>(
      {2, 2, 1, 2}, {0, -0.0f, 1e-40f, -1e-41f, smallest, 0, std::nextafter(smallest, 0.0f), 0}));
}

TEST_P(Quantize, TakesAStepForEachHead) {
  Tensor<float> input = makeNormal({2, 3, 17, 5}, 7);
  for (int64_t index = 0; index < 85; ++index)
    input.elements[index] *= 1000;
  check(input);
}

INSTANTIATE_TEST_SUITE_P(Numerics, Quantize, ::testing::Bool());

TEST(Parameters, FollowThePage) {
  std::vector<float> querySteps, keySteps;
  for (float queryStep : {1.0f, 0.0123f, std::ldexp(1.0f, -126), 3e36f})
    for (float keyStep : {1.0f, 0.731f, std::ldexp(1.0f, -126)}) {
      querySteps.push_back(queryStep);
      keySteps.push_back(keyStep);
    }
  for (float step : makeNormal({64}, 5).elements) {
    querySteps.push_back(std::fabs(step));
    keySteps.push_back(step * step);
  }
  int64_t heads = querySteps.size();
  float infinity = std::numeric_limits<float>::infinity();
  for (double scale : {0.125, 0.17677669529663689, 0x1p-100, 0x1p100})
    for (float theta : {-infinity, infinity, 0.0f, 32.0f, -31.99f, 1.5f}) {
      std::string number = theta == infinity    ? "0x7F800000"
                           : theta == -infinity ? "0xFF800000"
                                                : floatText(theta);
      Compiled compiled(substitute(R"mlir(
        func.func @main(%q: tensor<1x?xf32>, %k: tensor<1x?xf32>)
            -> (tensor<1x?xi32>, tensor<1x?xi64>, tensor<1x?xi64>) {
          %t, %m, %s = sprint.parameters %q, %k scale($scale) thresholds([$theta])
              : tensor<1x?xf32>, tensor<1x?xf32> -> tensor<1x?xi32>, tensor<1x?xi64>, tensor<1x?xi64>
          return %t, %m, %s : tensor<1x?xi32>, tensor<1x?xi64>, tensor<1x?xi64>
        }
      )mlir",
                                   {{"scale", floatText(scale)}, {"theta", number}}));
      std::vector<HostTensor> results =
          compiled.run({makeTensor<float>({1, heads}, querySteps).ref(),
                        makeTensor<float>({1, heads}, keySteps).ref()});
      ASSERT_EQ(results.size(), 3u);
      for (int64_t head = 0; head < heads; ++head) {
        Parameters expected = parametersOf(scale, querySteps[head], keySteps[head], theta);
        EXPECT_EQ(results[0].getElements<int32_t>()[head], expected.threshold);
        EXPECT_EQ(results[1].getElements<int64_t>()[head], expected.multiplier);
        EXPECT_EQ(results[2].getElements<int64_t>()[head], expected.shift);
      }
    }
}

TEST(Parameters, OneThresholdAHeadAndNone) {
  constexpr StringRef text = R"mlir(
    func.func @main(%s: tensor<1x2xf32>) -> tensor<1x2xi32> {
      %t, %m, %h = sprint.parameters %s, %s scale(1.0) $thresholds
          : tensor<1x2xf32>, tensor<1x2xf32> -> tensor<1x2xi32>, tensor<1x2xi64>, tensor<1x2xi64>
      return %t : tensor<1x2xi32>
    }
  )mlir";
  Tensor<float> steps{{1, 2}, {1, 0.5f}};
  auto thresholds = [&](const char *clause) {
    Compiled compiled(substitute(text.str(), {{"thresholds", clause}}));
    std::vector<HostTensor> results = compiled.run({steps.ref()});
    return results.empty() ? std::vector<int32_t>() : elementsOf<int32_t>(results[0]);
  };
  EXPECT_EQ(thresholds("thresholds([256.5, -64.5])"), (std::vector<int32_t>{2, -1}));
  EXPECT_EQ(thresholds(""), (std::vector<int32_t>{-(1 << 30), -(1 << 30)}));
}

TEST(Parameters, MultiplyInTheOrderOfThePage) {
  Compiled compiled(R"mlir(
    func.func @main(%q: tensor<1x1xf32>, %k: tensor<1x1xf32>) -> tensor<1x1xi32> {
      %t, %m, %s = sprint.parameters %q, %k scale(0.01730512472495122) thresholds([1.375])
          : tensor<1x1xf32>, tensor<1x1xf32> -> tensor<1x1xi32>, tensor<1x1xi64>, tensor<1x1xi64>
      return %t : tensor<1x1xi32>
    }
  )mlir");
  // Any other order of the two products gives 136.
  Tensor<float> query{{1, 1}, {0x1.6c3182p-5f}}, key{{1, 1}, {0x1.a487aap-5f}};
  std::vector<HostTensor> results = compiled.run({query.ref(), key.ref()});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(elementsOf<int32_t>(results[0]), (std::vector<int32_t>{137}));
}

//===----------------------------------------------------------------------===//
// A block of queries
//===----------------------------------------------------------------------===//

struct BlockCase {
  std::string name;
  int64_t rows, keys, headDim, valueDim;
  /// Position of the block's first row and number of queries.
  int64_t query, queries;
  std::optional<Band> mask;
  int32_t threshold;
  int64_t multiplier, shift;
  WidthsCase widths;
  /// Keep every allowed key (sprint.allow) instead of pruning.
  bool dense = false;
};

void PrintTo(const BlockCase &testCase, std::ostream *stream) { *stream << testCase.name; }

class Block : public ::testing::TestWithParam<BlockCase> {};

TEST_P(Block, FollowsThePage) {
  const BlockCase &test = GetParam();
  const WidthsCase &widths = test.widths;
  int limit = widths.centred ? 119 : 127;
  std::string selection = test.dense ? R"mlir(
        %keys = tensor.dim %k, %c0 : tensor<?x?xi8>
        %kept = sprint.allow keys(%keys) queries(%positions of %queries : tensor<?xindex>) $mask : tensor<?x?xi1>)mlir"
                                     : R"mlir(
        %keys = tensor.dim %k, %c0 : tensor<?x?xi8>
        %empty = tensor.empty(%rows, %keys) : tensor<?x?xi32>
        %zeros = linalg.fill ins(%zero : i32) outs(%empty : tensor<?x?xi32>) -> tensor<?x?xi32>
        %scores = sprint.crossbar_score ins(%q, %k : tensor<?x?xi8>, tensor<?x?xi8>)
            outs(%zeros : tensor<?x?xi32>) nibble($nibble) -> tensor<?x?xi32>
        %kept = sprint.prune %scores threshold(%thresholds : tensor<?xi32>)
            queries(%positions of %queries : tensor<?xindex>) $mask : tensor<?x?xi32> -> tensor<?x?xi1>)mlir";
  std::string text = R"mlir(
      func.func @main(%q: tensor<?x?xi8>, %k: tensor<?x?xi8>, %v: tensor<?x?xi8>)
          -> (tensor<?x?xi1>, tensor<?xindex>, tensor<?x?xi1>, tensor<?x?xi32>) {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %zero = arith.constant 0 : i32
        %query = arith.constant $query : index
        %queries = arith.constant $count : index
        %threshold = arith.constant $threshold : i32
        %multiplier = arith.constant $multiplier : i64
        %shift = arith.constant $shift : i64
        %rows = tensor.dim %q, %c0 : tensor<?x?xi8>
        %thresholds = tensor.splat %threshold[%rows] : tensor<?xi32>
        %multipliers = tensor.splat %multiplier[%rows] : tensor<?xi64>
        %shifts = tensor.splat %shift[%rows] : tensor<?xi64>
        %positions = tensor.generate %rows {
        ^bb0(%row: index):
          %position = arith.addi %query, %row : index
          tensor.yield %position : index
        } : tensor<?xindex>
        $selection
        %indices, %owners = sprint.gather %kept : tensor<?x?xi1> -> tensor<?xindex>, tensor<?x?xi1>
        %dv = tensor.dim %v, %c1 : tensor<?x?xi8>
        %init = tensor.empty(%rows, %dv) : tensor<?x?xi32>
        %result = sprint.recompute ins(%q, %k, %v, %indices, %owners, %multipliers, %shifts
              : tensor<?x?xi8>, tensor<?x?xi8>, tensor<?x?xi8>, tensor<?xindex>, tensor<?x?xi1>, tensor<?xi64>, tensor<?xi64>)
            outs(%init : tensor<?x?xi32>) widths($widths) -> tensor<?x?xi32>
        return %kept, %indices, %owners, %result
            : tensor<?x?xi1>, tensor<?xindex>, tensor<?x?xi1>, tensor<?x?xi32>
      }
    )mlir";
  Compiled compiled(
      substitute(text, {{"selection", selection},
                        {"queries", std::to_string(test.queries)},
                        {"query", std::to_string(test.query)},
                        {"count", std::to_string(test.queries)},
                        {"threshold", std::to_string(test.threshold)},
                        {"multiplier", std::to_string(test.multiplier)},
                        {"shift", std::to_string(test.shift)},
                        {"mask", test.mask ? "band(" + bandText(*test.mask) + ")" : ""},
                        {"nibble", nibbleText(widths.centred)},
                        {"widths", widthsText(widths)}}));
  Tensor<int8_t> query = makeCodes({test.rows, test.headDim}, 1, limit),
                 keys = makeCodes({test.keys, test.headDim}, 2, limit),
                 values = makeCodes({test.keys, test.valueDim}, 3, limit);
  std::vector<HostTensor> results = compiled.run({query.ref(), keys.ref(), values.ref()});
  ASSERT_EQ(results.size(), 4u);

  std::vector<uint8_t> kept;
  std::vector<bool> keptByAny(test.keys);
  std::vector<int32_t> codes;
  int32_t threshold = test.dense ? -(1 << 30) : test.threshold;
  for (int64_t i = 0; i < test.rows; ++i) {
    std::vector<bool> allowed(test.keys, true);
    for (int64_t j = 0; j < test.keys; ++j)
      allowed[j] = !test.mask || test.mask->allows(test.query + i, j, test.queries, test.keys);
    Row row = computeRow(ArrayRef(query.elements).slice(i * test.headDim, test.headDim),
                         keys.elements, values.elements, test.valueDim,
                         {threshold, test.multiplier, test.shift}, allowed, widths);
    kept.insert(kept.end(), row.kept.begin(), row.kept.end());
    codes.insert(codes.end(), row.codes.begin(), row.codes.end());
    for (int64_t j = 0; j < test.keys; ++j)
      keptByAny[j] = keptByAny[j] || row.kept[j];
  }
  std::vector<int64_t> indices;
  for (int64_t j = 0; j < test.keys; ++j)
    if (keptByAny[j])
      indices.push_back(j);
  std::vector<uint8_t> owners;
  for (int64_t i = 0; i < test.rows; ++i)
    for (int64_t index : indices)
      owners.push_back(kept[i * test.keys + index]);
  EXPECT_EQ(results[0].getElements<uint8_t>(), ArrayRef(kept));
  EXPECT_EQ(results[1].getElements<int64_t>(), ArrayRef(indices));
  EXPECT_EQ(results[2].getElements<uint8_t>(), ArrayRef(owners));
  EXPECT_EQ(results[3].getElements<int32_t>(), ArrayRef(codes));
}

/// A multiplier and shift of scale 1/8 and steps of 1/80: logits of a few units.
constexpr int64_t kMultiplier = 1374389535, kShift = 36;
constexpr Band kCausal{std::nullopt, 0, false}, kCausalEnd{std::nullopt, 0, true};

INSTANTIATE_TEST_SUITE_P(
    Numerics, Block,
    ::testing::Values(
        BlockCase{"OneRow", 1, 127, 64, 64, 0, 1, std::nullopt, 30, kMultiplier, kShift, kDefault},
        BlockCase{"RowsThatShareKeys", 4, 129, 32, 48, 8, 20, std::nullopt, 60, kMultiplier, kShift,
                  kDefault},
        BlockCase{"KeepsAll", 3, 40, 16, 8, 0, 3, std::nullopt, -(1 << 30), kMultiplier, kShift,
                  kDefault},
        BlockCase{"WouldKeepNothing", 3, 40, 16, 8, 0, 3, std::nullopt, 1 << 30, kMultiplier,
                  kShift, kDefault},
        BlockCase{"OneKey", 2, 1, 8, 1, 0, 2, std::nullopt, 1000, kMultiplier, kShift, kDefault},
        BlockCase{"Causal", 4, 12, 16, 8, 3, 12, kCausal, 10, kMultiplier, kShift, kDefault},
        BlockCase{"RowsWithoutAllowedKeys", 4, 3, 16, 8, 0, 6, kCausalEnd, 10, kMultiplier, kShift,
                  kDefault},
        BlockCase{"Window", 5, 30, 16, 8, 10, 20, Band{-6, 2, true}, 0, kMultiplier, kShift,
                  kDefault},
        BlockCase{"Truncated", 4, 100, 80, 80, 0, 4, std::nullopt, 50, kMultiplier, kShift,
                  WidthsCase{false, 16, 48, 0, 48}},
        BlockCase{"EarlyDivision", 4, 100, 32, 16, 0, 4, std::nullopt, 40, kMultiplier, kShift,
                  kPaper},
        BlockCase{"EarlyDivisionOfOneKey", 2, 1, 8, 4, 0, 2, std::nullopt, 0, kMultiplier, kShift,
                  kPaper},
        BlockCase{"SaturatedSum", 2, 400, 8, 16, 0, 2, std::nullopt, -(1 << 30), kMultiplier,
                  kShift + 4, kPaper},
        BlockCase{"SumOfNineBits", 2, 100, 8, 16, 0, 2, std::nullopt, 0, kMultiplier, kShift,
                  WidthsCase{true, 8, 9, 8, 17}},
        BlockCase{"SaturatedAccumulator", 2, 100, 32, 16, 0, 2, std::nullopt, 0, kMultiplier,
                  kShift, WidthsCase{true, 16, 48, 12, 14}},
        BlockCase{"ShiftOfZero", 2, 20, 8, 4, 0, 2, std::nullopt, 0, kMultiplier, 0, kDefault},
        BlockCase{"LargestShift", 2, 20, 8, 4, 0, 2, std::nullopt, 0, kMultiplier, 62, kDefault},
        BlockCase{"Dense", 3, 50, 32, 32, 10, 40, kCausalEnd, 0, kMultiplier, kShift, kDefault,
                  true},
        BlockCase{"DenseWithoutMask", 3, 50, 32, 32, 0, 3, std::nullopt, 0, kMultiplier, kShift,
                  kDefault, true}),
    [](const auto &info) { return info.param.name; });

/// What is kept of a block of 3 rows by 8 keys with scores of zero, whose biases are `codes`, where
/// `selection` is a sprint.prune or sprint.allow.
std::vector<uint8_t> selectBiased(StringRef selection, const Tensor<int32_t> &codes, int64_t d,
                                  const Parameters &parameters) {
  std::string text = R"mlir(
    func.func @main(%bias: tensor<3x8xi32>) -> tensor<3x8xi1> {
      %queries = arith.constant dense<[1, 2, 3]> : tensor<3xindex>
      %keys = arith.constant 8 : index
      %d = arith.constant $d : index
      %multiplier = arith.constant dense<$m> : tensor<3xi64>
      %shift = arith.constant dense<$s> : tensor<3xi64>
      %threshold = arith.constant dense<$t> : tensor<3xi32>
      %scores = arith.constant dense<0> : tensor<3x8xi32>
      %valid = arith.constant dense<[[true, true, true, true, true, true, true, false],
          [true, true, true, true, true, true, true, false], [true, true, true, true, true, true, true, false]]> : tensor<3x8xi1>
      %kept = $selection queries(%queries of %keys : tensor<3xindex>) band(<upper = 4>) masks(%valid : tensor<3x8xi1>)
          bias(%bias, %multiplier, %shift, %d : tensor<3x8xi32>, tensor<3xi64>, tensor<3xi64>) : $type
      return %kept : tensor<3x8xi1>
    }
  )mlir";
  bool isAllow = selection.starts_with("sprint.allow");
  Compiled compiled(
      substitute(text, {{"selection", selection.str()},
                        {"type", isAllow ? "tensor<3x8xi1>" : "tensor<3x8xi32> -> tensor<3x8xi1>"},
                        {"d", std::to_string(d)},
                        {"m", std::to_string(parameters.multiplier)},
                        {"s", std::to_string(parameters.shift)},
                        {"t", std::to_string(parameters.threshold)}}));
  std::vector<HostTensor> results = compiled.run({codes.ref()});
  if (results.empty())
    return {};
  ArrayRef<uint8_t> kept = results[0].getElements<uint8_t>();
  return {kept.begin(), kept.end()};
}

TEST(Selection, BiasesFarDownMask) {
  for (int64_t d : {1, 64})
    for (Parameters parameters : {Parameters{-(1 << 30), 1 << 30, 30},
                                  {-(1 << 30), kMultiplier, kShift},
                                  {-(1 << 30), kMultiplier, 0},
                                  {-(1 << 30), kMultiplier, 62}}) {
      // The last difference with a weight.
      int64_t reach = 0;
      for (int64_t step = int64_t(1) << 28; step; step /= 2)
        if (tableIndexOf(reach + step, parameters) < 95 * 128)
          reach += step;
      auto below = [&](int64_t top, int64_t more) {
        return static_cast<int32_t>(std::max<int64_t>(top - reach - 32768 * d - more, -(1 << 29)));
      };
      // The band leaves rows 6, 7 and 8 keys, key_valid 7.
      Tensor<int32_t> codes{
          {3, 8}, {0,           below(0, -1), below(0, 0), below(0, 1), kMasked,     -1,
                   1 << 29,     99,           below(7, 0), 7,           below(7, 1), below(7, 1),
                   3,           kMasked,      below(7, 0), 0,           kMasked,     below(0, 0),
                   below(0, 0), below(0, 1),  below(0, 0), below(0, 0), below(0, 0), 0}};
      std::vector<uint8_t> expected;
      for (int64_t i = 0; i < 3; ++i) {
        std::vector<bool> allowed(8);
        for (int64_t j = 0; j < 8; ++j)
          allowed[j] = j < 7 && j <= i + 1 + 4;
        std::vector<int8_t> zeros(8 * d);
        Row row =
            computeRow(ArrayRef(zeros).take_front(d), zeros, ArrayRef(zeros).take_front(8), 1,
                       parameters, allowed, kDefault, ArrayRef(codes.elements).slice(i * 8, 8));
        expected.insert(expected.end(), row.kept.begin(), row.kept.end());
      }
      EXPECT_EQ(selectBiased("sprint.prune %scores threshold(%threshold : tensor<3xi32>)", codes, d,
                             parameters),
                expected);
      EXPECT_EQ(selectBiased("sprint.allow keys(%keys)", codes, d, parameters), expected);
      if (parameters.shift == 30)
        EXPECT_EQ(expected, (std::vector<uint8_t>{1, 1, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0,
                                                  1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 1, 0}));
    }
}

/// Three keys scored 119 a + b for the keys (a, b), with table indices equal to the differences of
/// their scores.
std::vector<int32_t> recomputeThree(std::vector<int8_t> keys, std::vector<int8_t> values,
                                    const WidthsCase &widths) {
  Compiled compiled(substitute(R"mlir(
    func.func @main(%k: tensor<3x2xi8>, %v: tensor<3x2xi8>) -> tensor<1x2xi32> {
      %q = arith.constant dense<[[119, 1]]> : tensor<1x2xi8>
      %indices = arith.constant dense<[0, 1, 2]> : tensor<3xindex>
      %owners = arith.constant dense<true> : tensor<1x3xi1>
      %one = arith.constant dense<1073741824> : tensor<1xi64>
      %shift = arith.constant dense<30> : tensor<1xi64>
      %init = tensor.empty() : tensor<1x2xi32>
      %0 = sprint.recompute ins(%q, %k, %v, %indices, %owners, %one, %shift
            : tensor<1x2xi8>, tensor<3x2xi8>, tensor<3x2xi8>, tensor<3xindex>, tensor<1x3xi1>, tensor<1xi64>, tensor<1xi64>)
          outs(%init : tensor<1x2xi32>) widths($widths) -> tensor<1x2xi32>
      return %0 : tensor<1x2xi32>
    }
  )mlir",
                               {{"widths", widthsText(widths)}}));
  Tensor<int8_t> key{{3, 2}, std::move(keys)}, value{{3, 2}, std::move(values)};
  std::vector<HostTensor> results = compiled.run({key.ref(), value.ref()});
  return results.empty() ? std::vector<int32_t>() : elementsOf<int32_t>(results[0]);
}

TEST(Recompute, LateDivisionRoundsTiesUp) {
  // Indices 0, 761 and 661: exponents 65536, 31169 and 34367, whose sum is 2^17. Half of an odd
  // number is a tie.
  EXPECT_EQ(recomputeThree({100, 0, 93, 72, 94, 53}, {0, 0, 1, -1, 0, 0}, kDefault),
            (std::vector<int32_t>{15585, -15584}));
}

TEST(Recompute, EarlyDivisionRoundsTiesUp) {
  // Indices 0, 714 and 698: exponents 256, 127 and 129, so probabilities 128, 63.5 and 64.5 of 256.
  EXPECT_EQ(recomputeThree({100, 0, 94, 0, 94, 16}, {0, 0, 1, 0, 0, 1}, kPaper),
            (std::vector<int32_t>{64 << 8, 65 << 8}));
}

TEST(Crossbar, AddsToItsInit) {
  Compiled compiled(R"mlir(
    func.func @main(%q: tensor<1x4xi8>, %k: tensor<2x4xi8>, %init: tensor<1x2xi32>) -> tensor<1x2xi32> {
      %0 = sprint.crossbar_score ins(%q, %k : tensor<1x4xi8>, tensor<2x4xi8>)
          outs(%init : tensor<1x2xi32>) nibble(centred) -> tensor<1x2xi32>
      return %0 : tensor<1x2xi32>
    }
  )mlir");
  // High nibbles 1, 0, -7, 7 and 1, 1, 1, 1; -1, 0, 0, 7.
  Tensor<int8_t> query{{1, 4}, {8, 7, -119, 119}}, keys{{2, 4}, {16, 16, 16, 16, -9, -8, 0, 119}};
  Tensor<int32_t> init{{1, 2}, {100, -100}};
  std::vector<HostTensor> results = compiled.run({query.ref(), keys.ref(), init.ref()});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(elementsOf<int32_t>(results[0]), (std::vector<int32_t>{101, -52}));
  EXPECT_EQ(init.elements, (std::vector<int32_t>{100, -100}));
}

//===----------------------------------------------------------------------===//
// Whole attentions
//===----------------------------------------------------------------------===//

/// The integer steps of an attention over `$q`, `$k` and `$v`, in loops.
constexpr StringRef kDecomposed = R"mlir(
  func.func @main(%q: tensor<$q>, %k: tensor<$k>, %v: tensor<$k>) -> (tensor<?x?x?x?xi32>, tensor<?x?x?x?xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %zero = arith.constant 0 : i32
    %batches = tensor.dim %q, %c0 : tensor<$q>
    %heads = tensor.dim %q, %c1 : tensor<$q>
    %queries = tensor.dim %q, %c2 : tensor<$q>
    %d = tensor.dim %q, %c3 : tensor<$q>
    %keys = tensor.dim %k, %c2 : tensor<$k>
    %qc, %qs = sprint.quantize %q nibble(centred) : tensor<$q> -> tensor<?x?x?x?xi8>, tensor<?x?xf32>
    %kc, %ks = sprint.quantize %k nibble(centred) : tensor<$k> -> tensor<?x?x?x?xi8>, tensor<?x?xf32>
    %vc, %vs = sprint.quantize %v nibble(centred) : tensor<$k> -> tensor<?x?x?x?xi8>, tensor<?x?xf32>
    %t, %m, %s = sprint.parameters %qs, %ks scale(0.125) thresholds([0.25])
        : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?xi32>, tensor<?x?xi64>, tensor<?x?xi64>
    %empty = tensor.empty(%batches, %heads, %queries, %d) : tensor<?x?x?x?xi32>
    %codes = scf.for %b = %c0 to %batches step %c1 iter_args(%x0 = %empty) -> (tensor<?x?x?x?xi32>) {
      %r1 = scf.for %h = %c0 to %heads step %c1 iter_args(%x1 = %x0) -> (tensor<?x?x?x?xi32>) {
        %hk = tensor.extract_slice %kc[%b, %h, 0, 0] [1, 1, %keys, %d] [1, 1, 1, 1] : tensor<?x?x?x?xi8> to tensor<?x?xi8>
        %hv = tensor.extract_slice %vc[%b, %h, 0, 0] [1, 1, %keys, %d] [1, 1, 1, 1] : tensor<?x?x?x?xi8> to tensor<?x?xi8>
        %ht = tensor.extract_slice %t[%b, %h] [1, 1] [1, 1] : tensor<?x?xi32> to tensor<1xi32>
        %hm = tensor.extract_slice %m[%b, %h] [1, 1] [1, 1] : tensor<?x?xi64> to tensor<1xi64>
        %hs = tensor.extract_slice %s[%b, %h] [1, 1] [1, 1] : tensor<?x?xi64> to tensor<1xi64>
        %r2 = scf.for %i = %c0 to %queries step %c1 iter_args(%x2 = %x1) -> (tensor<?x?x?x?xi32>) {
          %row = tensor.extract_slice %qc[%b, %h, %i, 0] [1, 1, 1, %d] [1, 1, 1, 1] : tensor<?x?x?x?xi8> to tensor<1x?xi8>
          %e = tensor.empty(%keys) : tensor<1x?xi32>
          %z = linalg.fill ins(%zero : i32) outs(%e : tensor<1x?xi32>) -> tensor<1x?xi32>
          %a = sprint.crossbar_score ins(%row, %hk : tensor<1x?xi8>, tensor<?x?xi8>) outs(%z : tensor<1x?xi32>)
              nibble(centred) -> tensor<1x?xi32>
          %position = tensor.from_elements %i : tensor<1xindex>
          %kept = sprint.prune %a threshold(%ht : tensor<1xi32>) queries(%position of %queries : tensor<1xindex>)
              : tensor<1x?xi32> -> tensor<1x?xi1>
          %indices, %owners = sprint.gather %kept : tensor<1x?xi1> -> tensor<?xindex>, tensor<1x?xi1>
          %init = tensor.extract_slice %x2[%b, %h, %i, 0] [1, 1, 1, %d] [1, 1, 1, 1] : tensor<?x?x?x?xi32> to tensor<1x?xi32>
          %o = sprint.recompute ins(%row, %hk, %hv, %indices, %owners, %hm, %hs
                : tensor<1x?xi8>, tensor<?x?xi8>, tensor<?x?xi8>, tensor<?xindex>, tensor<1x?xi1>, tensor<1xi64>, tensor<1xi64>)
              outs(%init : tensor<1x?xi32>)
              widths(<exponent_fraction = 16, sum = 48, probability = 0, accumulator = 48>) -> tensor<1x?xi32>
          %y = tensor.insert_slice %o into %x2[%b, %h, %i, 0] [1, 1, 1, %d] [1, 1, 1, 1] : tensor<1x?xi32> into tensor<?x?x?x?xi32>
          scf.yield %y : tensor<?x?x?x?xi32>
        }
        scf.yield %r2 : tensor<?x?x?x?xi32>
      }
      scf.yield %r1 : tensor<?x?x?x?xi32>
    }
    %out = tensor.empty(%batches, %heads, %queries, %d) : tensor<?x?x?x?xf32>
    %floats = sprint.dequantize ins(%codes, %vs : tensor<?x?x?x?xi32>, tensor<?x?xf32>)
        outs(%out : tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
    return %codes, %floats : tensor<?x?x?x?xi32>, tensor<?x?x?x?xf32>
  }
)mlir";

class Decomposed : public ::testing::TestWithParam<bool> {};

TEST_P(Decomposed, LoopsOverHeadsAndQueries) {
  int64_t batches = 2, heads = 3, queries = 5, keys = 33, d = 16;
  bool isStatic = GetParam();
  Compiled compiled(
      substitute(kDecomposed.str(), {{"q", isStatic ? "2x3x5x16xf32" : "?x?x?x?xf32"},
                                     {"k", isStatic ? "2x3x33x16xf32" : "?x?x?x?xf32"}}));
  Tensor<float> query = makeNormal({batches, heads, queries, d}, 1),
                key = makeNormal({batches, heads, keys, d}, 2),
                value = makeNormal({batches, heads, keys, d}, 3);
  // One head of queries, one of keys and one of values is zero.
  std::fill_n(query.elements.begin(), queries * d, 0.0f);
  std::fill_n(key.elements.begin() + keys * d, keys * d, 0.0f);
  std::fill_n(value.elements.begin() + 2 * keys * d, keys * d, 0.0f);
  std::vector<HostTensor> results = compiled.run({query.ref(), key.ref(), value.ref()});
  ASSERT_EQ(results.size(), 2u);

  std::vector<int32_t> codes;
  std::vector<float> floats;
  for (int64_t head = 0; head < batches * heads; ++head) {
    auto headOf = [&](const Tensor<float> &tensor, int64_t tokens) {
      return quantize(ArrayRef(tensor.elements).slice(head * tokens * d, tokens * d), true);
    };
    Quantized q = headOf(query, queries), k = headOf(key, keys), v = headOf(value, keys);
    Parameters parameters = parametersOf(0.125, q.step, k.step, 0.25f);
    for (int64_t i = 0; i < queries; ++i) {
      Row row = computeRow(ArrayRef(q.codes).slice(i * d, d), k.codes, v.codes, d, parameters,
                           std::vector<bool>(keys, true), kDefault);
      for (int32_t code : row.codes) {
        codes.push_back(code);
        floats.push_back(std::ldexp(static_cast<float>(code), -16) * v.step);
      }
    }
  }
  EXPECT_EQ(elementsOf<int32_t>(results[0]), codes);
  EXPECT_EQ(elementsOf<float>(results[1]), floats);
}

INSTANTIATE_TEST_SUITE_P(Numerics, Decomposed, ::testing::Bool(),
                         [](const auto &info) { return info.param ? "Static" : "Dynamic"; });

struct AttentionCase {
  std::string name;
  bool isStatic;
  std::optional<Band> mask;
};

void PrintTo(const AttentionCase &testCase, std::ostream *stream) { *stream << testCase.name; }

class Attention : public ::testing::TestWithParam<AttentionCase> {};

TEST_P(Attention, IsASoftmax) {
  const AttentionCase &test = GetParam();
  int64_t batches = 2, heads = 2, queries = 7, keys = 4, d = 8, dv = 3;
  Compiled compiled(substitute(
      R"mlir(
    func.func @main(%q: tensor<$q>, %k: tensor<$k>, %v: tensor<$v>, %init: tensor<$o>) -> tensor<$o> {
      %0 = sprint.attention ins(%q, %k, %v : tensor<$q>, tensor<$k>, tensor<$v>)
          outs(%init : tensor<$o>) scale(0.5) $mask -> tensor<$o>
      return %0 : tensor<$o>
    }
  )mlir",
      {{"q", test.isStatic ? "2x2x7x8xf32" : "?x?x?x?xf32"},
       {"k", test.isStatic ? "2x2x4x8xf32" : "?x?x?x?xf32"},
       {"v", test.isStatic ? "2x2x4x3xf32" : "?x?x?x?xf32"},
       {"o", test.isStatic ? "2x2x7x3xf32" : "?x?x?x?xf32"},
       {"mask", test.mask ? "band(" + bandText(*test.mask) + ")" : ""}}));
  Tensor<float> query = makeNormal({batches, heads, queries, d}, 1),
                key = makeNormal({batches, heads, keys, d}, 2),
                value = makeNormal({batches, heads, keys, dv}, 3),
                init = makeNormal({batches, heads, queries, dv}, 4);
  std::vector<HostTensor> results = compiled.run({query.ref(), key.ref(), value.ref(), init.ref()});
  ASSERT_EQ(results.size(), 1u);
  ASSERT_EQ(results[0].shape, (SmallVector<int64_t>{batches, heads, queries, dv}));

  for (int64_t row = 0; row < batches * heads * queries; ++row) {
    int64_t head = row / queries, i = row % queries;
    std::vector<double> sums(dv);
    double total = 0;
    for (int64_t j = 0; j < keys; ++j) {
      if (test.mask && !test.mask->allows(i, j, queries, keys))
        continue;
      double logit = 0;
      for (int64_t c = 0; c < d; ++c)
        logit += 0.5 * query.elements[row * d + c] * key.elements[(head * keys + j) * d + c];
      total += std::exp(logit);
      for (int64_t c = 0; c < dv; ++c)
        sums[c] += std::exp(logit) * value.elements[(head * keys + j) * dv + c];
    }
    for (int64_t c = 0; c < dv; ++c)
      EXPECT_NEAR(results[0].getElements<float>()[row * dv + c], total ? sums[c] / total : 0, 1e-6)
          << "row " << row << " channel " << c;
  }
}

INSTANTIATE_TEST_SUITE_P(Numerics, Attention,
                         ::testing::Values(AttentionCase{"Static", true, std::nullopt},
                                           AttentionCase{"Dynamic", false, std::nullopt},
                                           AttentionCase{"Causal", true, kCausal},
                                           // The first three queries have no key.
                                           AttentionCase{"CausalEnd", false, kCausalEnd},
                                           AttentionCase{"Window", false, Band{-1, 1, false}}),
                         [](const auto &info) { return info.param.name; });

//===----------------------------------------------------------------------===//
// Attentions with masks, biases and shared key heads
//===----------------------------------------------------------------------===//

/// Which sizes of an attention's types are static.
enum class Sizes { Static, DynamicLengths, Dynamic };

struct MaskedCase {
  std::string name;
  Sizes sizes = Sizes::Static;
  int64_t heads = 2, keyHeads = 2;
  std::optional<Band> band = std::nullopt;
  bool hasKeyValid = false;
  /// Where there is a mask or a bias: which of batch, head and query it depends on.
  std::optional<std::array<bool, 3>> mask = std::nullopt, bias = std::nullopt;
  std::string emptyRow = "zero";
  /// The number and its type; empty where there is none.
  std::string maskedLogit = "";
};

void PrintTo(const MaskedCase &testCase, std::ostream *stream) { *stream << testCase.name; }

/// An attention of a case, its operands, and what they allow.
class MaskedAttention {
public:
  static constexpr int64_t batches = 2, queries = 6, keys = 5, d = 8, dv = 3;
  static constexpr double scale = 0.5;

  explicit MaskedAttention(const MaskedCase &test)
      : test(test), query(makeNormal({batches, test.heads, queries, d}, 1)),
        key(makeNormal({batches, test.keyHeads, keys, d}, 2)),
        value(makeNormal({batches, test.keyHeads, keys, dv}, 3)),
        init(makeNormal({batches, test.heads, queries, dv}, 4)) {
    // The second batch element has no key, the first all but one.
    keyValid = {{batches, keys}, {1, 1, 0, 1, 1, 0, 0, 0, 0, 0}};
    if (test.mask) {
      mask.shape = shapeOf(*test.mask);
      mask.elements.resize(count(mask.shape));
      // Some rows are masked as a whole.
      for (size_t index = 0; index < mask.elements.size(); ++index)
        mask.elements[index] = index / keys % 3 != 1 && index % 4 != 2;
    }
    if (test.bias) {
      bias = makeNormal(shapeOf(*test.bias), 5);
      float infinity = std::numeric_limits<float>::infinity();
      // Codes saturate; keys and rows are masked, one of them only just.
      for (auto [index, element] : llvm::enumerate(bias.elements)) {
        element *= 4;
        if (index % 7 == 3)
          element = index % 2 ? -infinity : std::numeric_limits<float>::lowest();
        if (index / keys % 4 == 2)
          element = index % keys == 0 ? std::nextafter(-1048576.0f, 0.0f) : -1048576.0f;
        if (test.maskedLogit.empty())
          continue;
        // Rows of numbers that absorb the scores, and of none that is finite.
        if (index / keys % 4 == 2)
          element = index % keys == 3 ? -infinity
                                      : std::numeric_limits<float>::lowest() /
                                            static_cast<float>(1 + index % keys % 2);
        else if (index / keys % 4 == 1)
          element = -infinity;
      }
    }
  }

  std::string text() const {
    auto type = [&](ArrayRef<int64_t> shape, StringRef element, ArrayRef<bool> isLength) {
      std::string text = "tensor<";
      for (auto [size, length] : llvm::zip_equal(shape, isLength)) {
        bool isStatic = size == 1 || test.sizes == Sizes::Static ||
                        (test.sizes == Sizes::DynamicLengths && !length);
        text += (isStatic ? std::to_string(size) : "?") + "x";
      }
      return text + element.str() + ">";
    };
    auto tokens = [&](const Tensor<float> &tensor) {
      return type(tensor.shape, "f32", {true, false, true, false});
    };
    std::string parameters, operands;
    auto add = [&](std::string name, const std::string &type) {
      parameters += ", %" + name + ": " + type;
      operands += name + "(%" + name + " : " + type + ") ";
    };
    if (test.hasKeyValid)
      add("key_valid", type(keyValid.shape, "i1", {true, true}));
    if (test.mask)
      add("mask", type(mask.shape, "i1", {true, false, true, true}));
    if (test.bias)
      add("bias", type(bias.shape, "f32", {true, false, true, true}));
    return substitute(
        R"mlir(
      func.func @main(%query: $q, %key: $k, %value: $v, %init: $o $parameters) -> $o {
        %0 = sprint.attention ins(%query, %key, %value : $q, $k, $v) $more
            outs(%init : $o) scale(0.5) $band empty_row($empty) $logit thresholds([-0.25]) -> $o
        return %0 : $o
      }
    )mlir",
        {{"parameters", parameters},
         {"more", operands},
         {"q", tokens(query)},
         {"k", tokens(key)},
         {"v", tokens(value)},
         {"o", tokens(init)},
         {"band", test.band ? "band(" + bandText(*test.band) + ")" : ""},
         {"empty", test.emptyRow},
         {"logit", test.maskedLogit.empty() ? "" : "masked_logit(" + test.maskedLogit + ")"}});
  }

  std::vector<TensorRef> inputs() const {
    std::vector<TensorRef> refs = {query.ref(), key.ref(), value.ref(), init.ref()};
    auto booleans = [](const Tensor<uint8_t> &tensor) {
      return TensorRef{ElementType::I1, tensor.shape, tensor.elements.data()};
    };
    if (test.hasKeyValid)
      refs.push_back(booleans(keyValid));
    if (test.mask)
      refs.push_back(booleans(mask));
    if (test.bias)
      refs.push_back(bias.ref());
    return refs;
  }

  int64_t keyHeadOf(int64_t head) const { return head / (test.heads / test.keyHeads); }
  float biasOf(int64_t b, int64_t h, int64_t i, int64_t j) const {
    return test.bias ? bias.elements[at(bias.shape, b, h, i, j)] : 0;
  }
  /// Whether all but the bias allow a key.
  bool masksAllow(int64_t b, int64_t h, int64_t i, int64_t j) const {
    return (!test.band || test.band->allows(i, j, queries, keys)) &&
           (!test.hasKeyValid || keyValid.elements[b * keys + j]) &&
           (!test.mask || mask.elements[at(mask.shape, b, h, i, j)]);
  }
  bool allows(int64_t b, int64_t h, int64_t i, int64_t j) const {
    return masksAllow(b, h, i, j) && biasOf(b, h, i, j) > -1048576.0f;
  }
  /// What a query without an allowed key yields in channel `c`.
  double emptyElement(int64_t b, int64_t h, int64_t i, int64_t c) const {
    if (!test.maskedLogit.empty())
      if (std::optional<double> element = sourceElement(b, h, i, c))
        return *element;
    if (test.emptyRow == "zero")
      return 0;
    if (test.emptyRow == "nan")
      return std::numeric_limits<float>::quiet_NaN();
    float sum = 0;
    for (int64_t j = 0; j < keys; ++j)
      sum += value.elements[((b * test.keyHeads + keyHeadOf(h)) * keys + j) * dv + c];
    return sum / keys;
  }

  const MaskedCase &test;
  Tensor<float> query, key, value, init, bias;
  Tensor<uint8_t> keyValid, mask;

private:
  /// What the logits of the source give; nothing where all are minus infinity.
  std::optional<double> sourceElement(int64_t b, int64_t h, int64_t i, int64_t c) const {
    auto [number, type] = StringRef(test.maskedLogit).split(" : ");
    auto round = [&, type = type](float x) {
      if (type == "f16")
        return static_cast<float>(static_cast<_Float16>(x));
      if (type == "f32" || std::isinf(x))
        return x;
      // bf16: 8 bits of mantissa, ties to even.
      int exponent;
      float mantissa = std::frexp(x, &exponent);
      return std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8);
    };
    float masked = number.starts_with("0x") ? -std::numeric_limits<float>::infinity()
                                            : round(std::stof(number.str()));
    int64_t tokens = (b * test.keyHeads + keyHeadOf(h)) * keys;
    std::vector<float> logits(keys);
    float largest = -std::numeric_limits<float>::infinity();
    for (int64_t j = 0; j < keys; ++j) {
      float product = 0;
      for (int64_t channel = 0; channel < d; ++channel)
        product += query.elements[((b * test.heads + h) * queries + i) * d + channel] *
                   key.elements[(tokens + j) * d + channel];
      logits[j] = round(product * static_cast<float>(scale));
      if (test.bias)
        logits[j] = round(logits[j] + biasOf(b, h, i, j));
      if (!masksAllow(b, h, i, j))
        logits[j] = round(logits[j] + masked);
      largest = std::max(largest, logits[j]);
    }
    if (std::isinf(largest))
      return std::nullopt;
    double sum = 0, total = 0;
    for (int64_t j = 0; j < keys; ++j) {
      double weight = std::exp(static_cast<double>(logits[j]) - largest);
      total += weight;
      sum += weight * value.elements[(tokens + j) * dv + c];
    }
    return sum / total;
  }

  std::vector<int64_t> shapeOf(const std::array<bool, 3> &depends) const {
    return {depends[0] ? batches : 1, depends[1] ? test.heads : 1, depends[2] ? queries : 1, keys};
  }
  static int64_t count(ArrayRef<int64_t> shape) {
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    return count;
  }
  /// Position of an element of a mask or bias of this shape.
  static int64_t at(ArrayRef<int64_t> shape, int64_t b, int64_t h, int64_t i, int64_t j) {
    auto clamped = [&](int64_t dim, int64_t index) { return shape[dim] == 1 ? 0 : index; };
    return ((clamped(0, b) * shape[1] + clamped(1, h)) * shape[2] + clamped(2, i)) * shape[3] + j;
  }
};

/// Expects the elements of `output`, row by row, to be what `compute` puts into a row; bit by bit
/// where there is no tolerance.
void expectRows(const MaskedAttention &attention, const HostTensor &output, double tolerance,
                function_ref<void(int64_t, int64_t, int64_t, MutableArrayRef<double>)> compute) {
  ArrayRef<float> elements = output.getElements<float>();
  for (int64_t b = 0; b < MaskedAttention::batches; ++b)
    for (int64_t h = 0; h < attention.test.heads; ++h)
      for (int64_t i = 0; i < MaskedAttention::queries; ++i) {
        double row[MaskedAttention::dv] = {};
        bool isEmpty = true;
        for (int64_t j = 0; j < MaskedAttention::keys; ++j)
          isEmpty &= !attention.allows(b, h, i, j);
        if (!isEmpty)
          compute(b, h, i, row);
        for (int64_t c = 0; c < MaskedAttention::dv; ++c) {
          float actual = elements.consume_front();
          double expected = isEmpty ? attention.emptyElement(b, h, i, c) : row[c];
          bool isFloat = isEmpty && !attention.test.maskedLogit.empty();
          bool agrees = std::isnan(expected)
                            ? std::isnan(actual)
                            : std::abs(actual - expected) <= (isFloat ? 1e-6 : tolerance);
          EXPECT_TRUE(agrees) << "batch " << b << " head " << h << " query " << i << " channel "
                              << c << ": expected " << expected << ", got " << actual;
        }
      }
}

class MaskedFloats : public ::testing::TestWithParam<MaskedCase> {};

TEST_P(MaskedFloats, AreASoftmax) {
  MaskedAttention attention(GetParam());
  Compiled compiled(attention.text());
  std::vector<HostTensor> results = compiled.run(attention.inputs());
  ASSERT_EQ(results.size(), 1u);
  expectRows(attention, results[0], 1e-6,
             [&](int64_t b, int64_t h, int64_t i, MutableArrayRef<double> row) {
               constexpr int64_t keys = attention.keys, d = attention.d, dv = attention.dv;
               const float *q = &attention.query.elements[0] +
                                ((b * GetParam().heads + h) * attention.queries + i) * d;
               int64_t tokens = (b * GetParam().keyHeads + attention.keyHeadOf(h)) * keys;
               std::vector<double> logits(keys);
               double largest = -std::numeric_limits<double>::infinity();
               for (int64_t j = 0; j < keys; ++j) {
                 for (int64_t c = 0; c < d; ++c)
                   logits[j] += 0.5 * q[c] * attention.key.elements[(tokens + j) * d + c];
                 logits[j] += attention.biasOf(b, h, i, j);
                 if (attention.allows(b, h, i, j))
                   largest = std::max(largest, logits[j]);
               }
               double total = 0;
               for (int64_t j = 0; j < keys; ++j) {
                 if (!attention.allows(b, h, i, j))
                   continue;
                 double weight = std::exp(logits[j] - largest);
                 total += weight;
                 for (int64_t c = 0; c < dv; ++c)
                   row[c] += weight * attention.value.elements[(tokens + j) * dv + c];
               }
               for (double &element : row)
                 element /= total;
             });
}

/// The IR of an attention cut up for machine s.
std::string cutUp(StringRef text) {
  DialectRegistry registry;
  registry.insert<SprintDialect, func::FuncDialect>();
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  PassManager passManager(&context);
  passManager.addPass(createSprintAttachMachine());
  passManager.addPass(createSprintOutlinePrograms());
  passManager.addNestedPass<ProgramOp>(createSprintScheduleFetches());
  passManager.addNestedPass<ProgramOp>(createSprintTileToCrossbar());
  passManager.addPass(createCanonicalizerPass());
  std::string cut;
  if (!module || failed(passManager.run(*module))) {
    ADD_FAILURE() << "expected to cut up" << text.str();
    return cut;
  }
  llvm::raw_string_ostream(cut) << *module;
  EXPECT_EQ(cut.find("sprint.attention"), std::string::npos);
  return cut;
}

class MaskedSteps : public ::testing::TestWithParam<MaskedCase> {};

TEST_P(MaskedSteps, FollowThePage) {
  MaskedAttention attention(GetParam());
  Compiled compiled(cutUp(attention.text()));
  std::vector<HostTensor> results = compiled.run(attention.inputs());
  ASSERT_EQ(results.size(), 1u);
  expectRows(
      attention, results[0], 0, [&](int64_t b, int64_t h, int64_t i, MutableArrayRef<double> row) {
        constexpr int64_t keys = attention.keys, d = attention.d, dv = attention.dv;
        auto head = [&](const Tensor<float> &tensor, int64_t head) {
          int64_t size = tensor.shape[2] * tensor.shape[3];
          return quantize(
              ArrayRef(tensor.elements).slice((b * tensor.shape[1] + head) * size, size), true);
        };
        int64_t keyHead = attention.keyHeadOf(h);
        Quantized q = head(attention.query, h), k = head(attention.key, keyHead),
                  v = head(attention.value, keyHead);
        std::vector<bool> allowed;
        std::vector<int32_t> biases;
        for (int64_t j = 0; j < keys; ++j) {
          allowed.push_back(attention.allows(b, h, i, j));
          if (GetParam().bias)
            biases.push_back(
                biasCodeOf(attention.biasOf(b, h, i, j), attention.scale, q.step, k.step));
        }
        Row expected = computeRow(ArrayRef(q.codes).slice(i * d, d), k.codes, v.codes, dv,
                                  parametersOf(attention.scale, q.step, k.step, -0.25f), allowed,
                                  kDefault, biases);
        for (int64_t c = 0; c < dv; ++c)
          row[c] = std::ldexp(static_cast<float>(expected.codes[c]), -16) * v.step;
      });
}

constexpr std::array<bool, 3> kEverything = {true, true, true}, kShared = {false, false, false},
                              kPerHead = {false, true, false}, kPerQuery = {false, false, true},
                              kPerBatchAndQuery = {true, false, true};

static const auto kMaskedCases = ::testing::Values(
    MaskedCase{.name = "Grouped", .heads = 6, .keyHeads = 2},
    MaskedCase{.name = "OneKeyHead", .sizes = Sizes::DynamicLengths, .heads = 3, .keyHeads = 1},
    MaskedCase{.name = "KeyValid", .hasKeyValid = true},
    MaskedCase{.name = "KeyValidUniform",
               .sizes = Sizes::DynamicLengths,
               .heads = 4,
               .hasKeyValid = true,
               .emptyRow = "uniform"},
    MaskedCase{.name = "KeyValidNaN", .band = kCausalEnd, .hasKeyValid = true, .emptyRow = "nan"},
    MaskedCase{.name = "BandUniform", .band = Band{1, 2, false}, .emptyRow = "uniform"},
    MaskedCase{.name = "BandEndNaN",
               .sizes = Sizes::DynamicLengths,
               .band = kCausalEnd,
               .emptyRow = "nan"},
    MaskedCase{.name = "Mask", .mask = kEverything},
    MaskedCase{.name = "MaskShared", .mask = kShared, .emptyRow = "uniform"},
    MaskedCase{.name = "MaskPerQuery",
               .sizes = Sizes::DynamicLengths,
               .band = kCausal,
               .mask = kPerQuery,
               .emptyRow = "uniform"},
    MaskedCase{.name = "Bias", .bias = kEverything},
    MaskedCase{.name = "BiasPerHead",
               .sizes = Sizes::DynamicLengths,
               .heads = 6,
               .keyHeads = 3,
               .bias = kPerHead,
               .emptyRow = "nan"},
    MaskedCase{.name = "BiasPerBatchAndQuery", .bias = kPerBatchAndQuery, .emptyRow = "uniform"},
    MaskedCase{.name = "Everything",
               .sizes = Sizes::DynamicLengths,
               .heads = 6,
               .keyHeads = 2,
               .band = Band{-3, 1, false},
               .hasKeyValid = true,
               .mask = kPerQuery,
               .bias = kEverything,
               .emptyRow = "uniform"},
    MaskedCase{.name = "KeyValidLogits", .hasKeyValid = true, .maskedLogit = "-1.0e4 : f16"},
    MaskedCase{.name = "BandLogits",
               .sizes = Sizes::DynamicLengths,
               .heads = 6,
               .keyHeads = 3,
               .band = Band{1, 2, false},
               .maskedLogit = "-1.0e4 : bf16"},
    MaskedCase{.name = "MaskLogits",
               .mask = kEverything,
               .emptyRow = "nan",
               .maskedLogit = "-1.0e4 : f32"},
    MaskedCase{.name = "MaskLogitsOfAll", .mask = kShared, .maskedLogit = "-10.0 : f32"},
    MaskedCase{.name = "BiasLogits",
               .bias = kEverything,
               .emptyRow = "nan",
               .maskedLogit = "0xFF800000 : f32"},
    MaskedCase{.name = "EverythingLogits",
               .sizes = Sizes::DynamicLengths,
               .heads = 6,
               .keyHeads = 2,
               .band = Band{-3, 1, false},
               .hasKeyValid = true,
               .mask = kPerQuery,
               .bias = kEverything,
               .maskedLogit = "-65504.0 : f16"});

static const auto kNameOfCase = [](const auto &info) { return info.param.name; };

INSTANTIATE_TEST_SUITE_P(Numerics, MaskedFloats, kMaskedCases, kNameOfCase);
// Heads of dynamic number stay on the host.
INSTANTIATE_TEST_SUITE_P(DynamicHeads, MaskedFloats,
                         ::testing::Values(MaskedCase{.name = "Grouped",
                                                      .sizes = Sizes::Dynamic,
                                                      .heads = 6,
                                                      .keyHeads = 2,
                                                      .band = kCausal,
                                                      .bias = kPerHead,
                                                      .emptyRow = "uniform"},
                                           MaskedCase{.name = "GroupedLogits",
                                                      .sizes = Sizes::Dynamic,
                                                      .heads = 6,
                                                      .keyHeads = 2,
                                                      .hasKeyValid = true,
                                                      .bias = kPerHead,
                                                      .maskedLogit = "-1.0e4 : f32"}),
                         kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Numerics, MaskedSteps, kMaskedCases, kNameOfCase);

//===----------------------------------------------------------------------===//
// Refusals
//===----------------------------------------------------------------------===//

constexpr float kInfinity = std::numeric_limits<float>::infinity(),
                kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(Refusals, NumbersWithoutCodes) {
  Compiled compiled(R"mlir(
    func.func @main(%x: tensor<1x2x1x2xf32>) -> tensor<1x2x1x2xi8> {
      %codes, %step = sprint.quantize %x nibble(centred) : tensor<1x2x1x2xf32> -> tensor<1x2x1x2xi8>, tensor<1x2xf32>
      return %codes : tensor<1x2x1x2xi8>
    }
  )mlir");
  for (float number : {kInfinity, -kInfinity, kNaN}) {
    Tensor<float> input{{1, 2, 1, 2}, {1, 2, number, 3}};
    EXPECT_NE(
        compiled.runToError({input.ref()}).find("expected finite numbers, got NaN or infinity"),
        std::string::npos);
  }
}

TEST(Refusals, BiasesWithoutCodes) {
  Compiled compiled(R"mlir(
    func.func @main(%x: tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xi32> {
      %one = arith.constant dense<1.0> : tensor<1x1xf32>
      %codes = sprint.quantize_bias %x steps(%one, %one) scale(1.0)
          : tensor<1x1x1x2xf32>, tensor<1x1xf32>, tensor<1x1xf32> -> tensor<1x1x1x2xi32>
      return %codes : tensor<1x1x1x2xi32>
    }
  )mlir");
  for (float number : {kInfinity, kNaN}) {
    Tensor<float> input{{1, 1, 1, 2}, {-kInfinity, number}};
    EXPECT_NE(compiled.runToError({input.ref()}).find("got NaN or plus infinity"),
              std::string::npos);
  }
  // Half a unit rounds to even; codes saturate.
  Tensor<float> input{{1, 1, 1, 2}, {2.5f, 1e30f}};
  std::vector<HostTensor> results = compiled.run({input.ref()});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(elementsOf<int32_t>(results[0]), (std::vector<int32_t>{2, 1 << 29}));
}

TEST(Refusals, KeyHeadsThatDoNotDivide) {
  Compiled compiled(R"mlir(
    func.func @main(%q: tensor<1x?xf32>, %k: tensor<1x?xf32>) -> tensor<1x?xi32> {
      %t, %m, %s = sprint.parameters %q, %k scale(1.0)
          : tensor<1x?xf32>, tensor<1x?xf32> -> tensor<1x?xi32>, tensor<1x?xi64>, tensor<1x?xi64>
      return %t : tensor<1x?xi32>
    }
  )mlir");
  Tensor<float> query{{1, 3}, {1, 1, 1}}, key{{1, 2}, {1, 1}};
  EXPECT_NE(compiled.runToError({query.ref(), key.ref()})
                .find("expected the key heads to divide the heads"),
            std::string::npos);
}

} // namespace
