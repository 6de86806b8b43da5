//===- TMTensorTest.cpp - Lowered tm_tensor ops against plain C++ -----------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <numeric>
#include <random>

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint::testing;

namespace {

/// `text` with each `$name` replaced.
std::string substitute(std::string text, ArrayRef<std::pair<StringRef, std::string>> values) {
  for (const auto &[name, value] : values) {
    std::string key = ("$" + name).str();
    for (size_t at = 0; (at = text.find(key, at)) != std::string::npos; at += value.size())
      text.replace(at, key.size(), value);
  }
  return text;
}

std::vector<float> randomFloats(size_t size, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(size);
  for (float &value : values)
    value = distribution(generator);
  return values;
}

void expectNear(ArrayRef<float> values, ArrayRef<float> expected, float tolerance) {
  ASSERT_EQ(values.size(), expected.size());
  for (auto [index, value, wanted] : llvm::enumerate(values, expected))
    EXPECT_NEAR(value, wanted, tolerance) << "at " << index;
}

//===----------------------------------------------------------------------===//
// Scan
//===----------------------------------------------------------------------===//

constexpr const char *kScan = R"(
  func.func @main(%x: tensor<$shape>, %init: tensor<$shape>, %acc: tensor<$rest>)
      -> (tensor<$shape>, tensor<$rest>) {
    %0:2 = tm_tensor.scan dimension($dim) inclusive($inclusive) ins(%x : tensor<$shape>)
             outs(%init, %acc : tensor<$shape>, tensor<$rest>) {
    ^bb0(%running: i64, %element: i64):
      %c2 = arith.constant 2 : i64
      %doubled = arith.muli %running, %c2 : i64
      %next = arith.addi %doubled, %element : i64
      tm_tensor.yield %next : i64
    } -> tensor<$shape>, tensor<$rest>
    return %0#0, %0#1 : tensor<$shape>, tensor<$rest>
  })";

// 2 * running + element tells the arguments apart. The output's old contents must not matter.
struct ScanCase {
  const char *shape, *rest, *dim;
  bool inclusive;
  Tensor<int64_t> input, accumulator;
  std::vector<int64_t> scanned, last;
};

TEST(TMTensor, Scan) {
  const ScanCase cases[] = {
      {"2x3xi64",
       "2xi64",
       "1",
       true,
       {{2, 3}, {1, 2, 3, 4, 5, 6}},
       {{2}, {100, 200}},
       {1, 4, 11, 4, 13, 32},
       {11, 32}},
      {"?x?xi64",
       "?xi64",
       "1",
       false,
       {{2, 3}, {1, 2, 3, 4, 5, 6}},
       {{2}, {100, 200}},
       {100, 201, 404, 200, 404, 813},
       {404, 813}},
      {"?x?xi64",
       "?xi64",
       "0",
       true,
       {{2, 3}, {1, 2, 3, 4, 5, 6}},
       {{3}, {0, 0, 0}},
       {1, 2, 3, 6, 9, 12},
       {6, 9, 12}},
      {"?xi64", "i64", "0", true, {{1}, {7}}, {{}, {100}}, {7}, {7}},
      {"?xi64", "i64", "0", true, {{0}, {}}, {{}, {100}}, {}, {100}},
      {"?x2x2xi64",
       "?x2xi64",
       "1",
       true,
       {{1, 2, 2}, {1, 2, 3, 4}},
       {{1, 2}, {0, 0}},
       {1, 2, 5, 8},
       {5, 8}},
  };
  for (const ScanCase &test : cases) {
    SCOPED_TRACE(test.shape);
    Compiled scan(substitute(kScan, {{"shape", test.shape},
                                     {"rest", test.rest},
                                     {"dim", test.dim},
                                     {"inclusive", test.inclusive ? "true" : "false"}}));
    Tensor<int64_t> init{test.input.shape, std::vector<int64_t>(test.input.elements.size(), -999)};
    auto results = scan.run({test.input.ref(), init.ref(), test.accumulator.ref()});
    ASSERT_EQ(results.size(), 2u);
    EXPECT_EQ(elementsOf<int64_t>(results[0]), test.scanned);
    EXPECT_EQ(elementsOf<int64_t>(results[1]), test.last);
  }
}

//===----------------------------------------------------------------------===//
// Scatter
//===----------------------------------------------------------------------===//

constexpr const char *kScatter = R"(
  func.func @main(%updates: tensor<$updates>, %indices: tensor<$indices>, %original: tensor<$original>)
      -> tensor<$original> {
    %0 = tm_tensor.scatter {dimension_map = array<i64: $map>} unique_indices(false)
           ins(%updates, %indices : tensor<$updates>, tensor<$indices>) outs(%original : tensor<$original>) {
    ^bb0(%update: f32, %current: f32):
      %c10 = arith.constant 10.0 : f32
      %moved = arith.mulf %current, %c10 : f32
      %next = arith.addf %moved, %update : f32
      tm_tensor.yield %next : f32
    } -> tensor<$original>
    return %0 : tensor<$original>
  })";

// 10 * current + update tells the arguments apart, and the order of repeated updates.
struct ScatterCase {
  const char *updates, *indices, *original, *map;
  Tensor<float> updatesTensor;
  Tensor<int64_t> indicesTensor;
  Tensor<float> originalTensor;
  std::vector<float> expected;
};

const ScatterCase kScatterCases[] = {
    // Rows, one met twice.
    {"3x1x2xf32",
     "3x1xi64",
     "4x2xf32",
     "0",
     {{3, 1, 2}, {1, 2, 3, 4, 5, 6}},
     {{3, 1}, {2, 0, 2}},
     {{4, 2}, {0, 0, 0, 0, 9, 9, 0, 0}},
     {3, 4, 0, 0, 915, 926, 0, 0}},
    // Elements; dimension_map in another order.
    {"?xf32",
     "?x2xi64",
     "?x?xf32",
     "1, 0",
     {{2}, {1, 2}},
     {{2, 2}, {2, 0, 0, 1}},
     {{2, 3}, {0, 0, 0, 0, 0, 0}},
     {0, 0, 1, 2, 0, 0}},
    // A slice smaller than the original, moved along both dimensions.
    {"1x2x2xf32",
     "?x2xi64",
     "3x3xf32",
     "0, 1",
     {{1, 2, 2}, {1, 2, 3, 4}},
     {{1, 2}, {1, 1}},
     {{3, 3}, {0, 0, 0, 0, 0, 0, 0, 0, 0}},
     {0, 0, 0, 0, 1, 2, 0, 3, 4}},
    // No update.
    {"?x2xf32",
     "?x1xi64",
     "2x2xf32",
     "0",
     {{0, 2}, {}},
     {{0, 1}, {}},
     {{2, 2}, {1, 2, 3, 4}},
     {1, 2, 3, 4}},
};

std::string scatterText(const ScatterCase &test) {
  return substitute(kScatter, {{"updates", test.updates},
                               {"indices", test.indices},
                               {"original", test.original},
                               {"map", test.map}});
}

TEST(TMTensor, Scatter) {
  for (const ScatterCase &test : kScatterCases) {
    SCOPED_TRACE(test.updates);
    Compiled scatter(scatterText(test));
    auto results = scatter.run(
        {test.updatesTensor.ref(), test.indicesTensor.ref(), test.originalTensor.ref()});
    ASSERT_EQ(results.size(), 1u);
    EXPECT_EQ(elementsOf<float>(results[0]), test.expected);
  }
}

TEST(TMTensor, ScatterOutside) {
  Compiled rows(scatterText(kScatterCases[0]));
  Compiled slice(scatterText(kScatterCases[2]));
  const ScatterCase &row = kScatterCases[0], &part = kScatterCases[2];
  for (int64_t outside : {int64_t(-1), int64_t(4), INT64_MAX, INT64_MIN}) {
    Tensor<int64_t> indices{{3, 1}, {2, outside, 2}};
    std::string error =
        rows.runToError({row.updatesTensor.ref(), indices.ref(), row.originalTensor.ref()});
    EXPECT_TRUE(StringRef(error).contains("expected every update of tm_tensor.scatter inside "
                                          "dimension 0 of the original, got an index outside"))
        << error;
  }
  Tensor<int64_t> indices{{1, 2}, {1, 2}};
  std::string error =
      slice.runToError({part.updatesTensor.ref(), indices.ref(), part.originalTensor.ref()});
  EXPECT_TRUE(StringRef(error).contains("inside dimension 1 of the original")) << error;
}

//===----------------------------------------------------------------------===//
// Sort and topk
//===----------------------------------------------------------------------===//

constexpr const char *kSort = R"(
  func.func @main(%x: tensor<$shapexf32>, %i: tensor<$shapexi64>) -> (tensor<$shapexf32>, tensor<$shapexi64>) {
    %0:2 = tm_tensor.sort dimension($dim) outs(%x, %i : tensor<$shapexf32>, tensor<$shapexi64>) {
    ^bb0(%a: f32, %b: f32, %c: i64, %d: i64):
      %keep = arith.cmpf $order, %a, %b : f32
      tm_tensor.yield %keep : i1
    } -> tensor<$shapexf32>, tensor<$shapexi64>
    return %0#0, %0#1 : tensor<$shapexf32>, tensor<$shapexi64>
  })";

TEST(TMTensor, SortsLinesOfEveryLength) {
  for (bool descending : {false, true}) {
    Compiled sort(
        substitute(kSort, {{"shape", "?x?"}, {"dim", "1"}, {"order", descending ? "oge" : "ole"}}));
    for (int64_t length : {0, 1, 2, 3, 4, 5, 8, 31, 64, 1000}) {
      SCOPED_TRACE(length);
      constexpr int64_t lines = 2;
      Tensor<float> values{{lines, length}, randomFloats(lines * length, length)};
      // Few different values, so that many are equal and the order of these shows.
      for (float &value : values.elements)
        value = std::round(2 * value);
      Tensor<int64_t> positions{{lines, length}, std::vector<int64_t>(lines * length)};
      for (int64_t line = 0; line < lines; ++line)
        std::iota(positions.elements.begin() + line * length,
                  positions.elements.begin() + (line + 1) * length, 0);

      std::vector<float> expectedValues;
      std::vector<int64_t> expectedPositions = positions.elements;
      for (int64_t line = 0; line < lines; ++line) {
        const float *of = values.elements.data() + line * length;
        auto begin = expectedPositions.begin() + line * length;
        std::sort(begin, begin + length, [&](int64_t a, int64_t b) {
          if (of[a] == of[b])
            return a < b;
          return descending ? of[a] > of[b] : of[a] < of[b];
        });
        for (int64_t position : ArrayRef(expectedPositions).slice(line * length, length))
          expectedValues.push_back(of[position]);
      }
      auto results = sort.run({values.ref(), positions.ref()});
      ASSERT_EQ(results.size(), 2u);
      EXPECT_EQ(elementsOf<float>(results[0]), expectedValues);
      EXPECT_EQ(elementsOf<int64_t>(results[1]), expectedPositions);
    }
  }
}

TEST(TMTensor, SortsColumns) {
  Compiled sort(substitute(kSort, {{"shape", "3x2"}, {"dim", "0"}, {"order", "ole"}}));
  Tensor<float> values{{3, 2}, {5, 1, 4, 3, 6, 2}};
  Tensor<int64_t> positions{{3, 2}, {0, 0, 1, 1, 2, 2}};
  auto results = sort.run({values.ref(), positions.ref()});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(elementsOf<float>(results[0]), (std::vector<float>{4, 1, 5, 2, 6, 3}));
  EXPECT_EQ(elementsOf<int64_t>(results[1]), (std::vector<int64_t>{1, 0, 0, 2, 2, 1}));
}

TEST(TMTensor, SortPermutesWhatHasNoOrder) {
  Compiled sort(substitute(kSort, {{"shape", "?"}, {"dim", "0"}, {"order", "ole"}}));
  Tensor<float> values{{5}, {3, NAN, 1, NAN, 2}};
  Tensor<int64_t> positions{{5}, {0, 1, 2, 3, 4}};
  auto results = sort.run({values.ref(), positions.ref()});
  ASSERT_EQ(results.size(), 2u);
  std::vector<int64_t> permuted = elementsOf<int64_t>(results[1]);
  EXPECT_TRUE(std::is_permutation(permuted.begin(), permuted.end(), positions.elements.begin()));
}

TEST(TMTensor, Topk) {
  // Values and positions of the two smallest, as torch-mlir writes kthvalue.
  Compiled topk(R"(
    func.func @main(%x: tensor<?x4xf32>, %v: tensor<?x2xf32>, %p: tensor<?x2xi32>)
        -> (tensor<?x2xf32>, tensor<?x2xi32>) {
      %0:2 = tm_tensor.topk dimension(1) ins(%x : tensor<?x4xf32>)
               outs(%v, %p : tensor<?x2xf32>, tensor<?x2xi32>) {
      ^bb0(%offered: f32, %listed: f32):
        %before = arith.cmpf olt, %offered, %listed : f32
        tm_tensor.yield %before : i1
      } -> tensor<?x2xf32>, tensor<?x2xi32>
      return %0#0, %0#1 : tensor<?x2xf32>, tensor<?x2xi32>
    })");
  constexpr float inf = INFINITY;
  constexpr int32_t none = INT32_MAX;
  Tensor<float> input{{3, 4}, {4, 1, 3, 1, /**/ 2, 9, 2, 2, /**/ inf, inf, 5, inf}};
  Tensor<float> values{{3, 2}, std::vector<float>(6, inf)};
  Tensor<int32_t> positions{{3, 2}, std::vector<int32_t>(6, none)};
  auto results = topk.run({input.ref(), values.ref(), positions.ref()});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(elementsOf<float>(results[0]), (std::vector<float>{1, 1, 2, 2, 5, inf}));
  EXPECT_EQ(elementsOf<int32_t>(results[1]), (std::vector<int32_t>{1, 3, 0, 2, 2, 0}));
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

constexpr int64_t kBatches = 2, kQueries = 3, kKeys = 5, kChannels = 4, kValueChannels = 6;

/// The op's formula in double; a score of minus infinity takes its key out.
std::vector<float> attend(ArrayRef<float> query, ArrayRef<float> key, ArrayRef<float> value,
                          ArrayRef<double> mask, double scale) {
  std::vector<float> result;
  for (int64_t row = 0; row < kBatches * kQueries; ++row) {
    int64_t batch = row / kQueries;
    std::vector<double> scores;
    for (int64_t j = 0; j < kKeys; ++j) {
      double product = 0;
      for (int64_t c = 0; c < kChannels; ++c)
        product += double(query[row * kChannels + c]) * key[(batch * kKeys + j) * kChannels + c];
      scores.push_back(scale * product + (mask.empty() ? 0 : mask[row * kKeys + j]));
    }
    double largest = *llvm::max_element(scores), sum = 0;
    for (double &score : scores)
      sum += score = std::isinf(score) ? 0 : std::exp(score - largest);
    for (int64_t c = 0; c < kValueChannels; ++c) {
      double element = 0;
      for (int64_t j = 0; j < kKeys; ++j)
        element += sum == 0 ? 0 : scores[j] / sum * value[(batch * kKeys + j) * kValueChannels + c];
      result.push_back(element);
    }
  }
  return result;
}

constexpr const char *kAttention = R"(
  func.func @main(%q: tensor<$bx3x$dxf32>, %k: tensor<$bx5x$dxf32>, %v: tensor<$bx5x6xf32>,
                  %m: tensor<$bx3x5x$mask>, %init: tensor<$bx3x6xf32>) -> tensor<$bx3x6xf32> {
    %0 = tm_tensor.attention $scale
           ins(%q, %k, %v $withMask : tensor<$bx3x$dxf32>, tensor<$bx5x$dxf32>, tensor<$bx5x6xf32> $withType)
           outs(%init : tensor<$bx3x6xf32>) -> tensor<$bx3x6xf32>
    return %0 : tensor<$bx3x6xf32>
  })";

struct AttentionInputs {
  /// The leading dimensions multiply to kBatches.
  explicit AttentionInputs(std::vector<int64_t> leading) {
    auto shape = [&](int64_t rows, int64_t columns) {
      std::vector<int64_t> sizes = leading;
      sizes.push_back(rows);
      sizes.push_back(columns);
      return sizes;
    };
    query = {shape(kQueries, kChannels), randomFloats(kBatches * kQueries * kChannels, 1)};
    key = {shape(kKeys, kChannels), randomFloats(kBatches * kKeys * kChannels, 2)};
    value = {shape(kKeys, kValueChannels), randomFloats(kBatches * kKeys * kValueChannels, 3)};
    mask = {shape(kQueries, kKeys), randomFloats(kBatches * kQueries * kKeys, 4)};
    init = {shape(kQueries, kValueChannels),
            std::vector<float>(kBatches * kQueries * kValueChannels, NAN)};
  }

  std::vector<float> attend(ArrayRef<double> mask, double scale) const {
    return ::attend(query.elements, key.elements, value.elements, mask, scale);
  }

  Tensor<float> query, key, value, mask, init;
};

std::string attentionText(StringRef leading, StringRef channels, StringRef mask, bool withMask,
                          StringRef scale = "") {
  return substitute(
      kAttention,
      {{"withMask", withMask ? ", %m" : ""},
       {"withType", withMask ? ", tensor<" + leading.str() + "x3x5x" + mask.str() + ">" : ""},
       {"mask", mask.str()},
       {"scale", scale.str()},
       {"b", leading.str()},
       {"d", channels.str()}});
}

TEST(TMTensor, AttentionDividesByTheRootOfTheChannels) {
  AttentionInputs inputs({kBatches});
  for (StringRef channels : {"4", "?"}) {
    Compiled attention(attentionText("2", channels, "f32", /*withMask=*/false));
    auto results = attention.run({inputs.query.ref(), inputs.key.ref(), inputs.value.ref(),
                                  inputs.mask.ref(), inputs.init.ref()});
    ASSERT_EQ(results.size(), 1u);
    expectNear(elementsOf<float>(results[0]), inputs.attend({}, 0.5), 1e-6f);
  }
}

TEST(TMTensor, AttentionWithFloatMask) {
  for (bool isDynamic : {false, true}) {
    AttentionInputs inputs({1, kBatches});
    std::vector<float> &mask = inputs.mask.elements;
    mask[1] = -INFINITY;
    mask[2] = std::numeric_limits<float>::lowest();
    // Row 1 has no allowed key, row 2 only ones masked by the lowest float: their mean.
    std::fill_n(mask.begin() + kKeys, kKeys, -INFINITY);
    std::fill_n(mask.begin() + 2 * kKeys, kKeys, std::numeric_limits<float>::lowest());
    std::vector<double> exact(mask.begin(), mask.end());
    std::fill_n(exact.begin() + 2 * kKeys, kKeys, -1e300);

    Compiled attention(attentionText(isDynamic ? "?x?" : "1x2", "4", "f32", /*withMask=*/true,
                                     "{scale = 1.25 : f64}"));
    auto results = attention.run({inputs.query.ref(), inputs.key.ref(), inputs.value.ref(),
                                  inputs.mask.ref(), inputs.init.ref()});
    ASSERT_EQ(results.size(), 1u);
    std::vector<float> values = elementsOf<float>(results[0]);
    expectNear(values, inputs.attend(exact, 1.25), 2e-6f);
    EXPECT_TRUE(llvm::all_of(ArrayRef(values).slice(kValueChannels, kValueChannels),
                             [](float value) { return value == 0; }));
  }
}

TEST(TMTensor, AttentionWithBooleanMask) {
  AttentionInputs inputs({kBatches});
  // std::vector<bool> has no elements to refer to.
  SmallVector<bool> keep(kBatches * kQueries * kKeys);
  std::vector<double> mask(keep.size());
  for (size_t i = 0; i < keep.size(); ++i) {
    keep[i] = i % 3 != 0 && i / kKeys != 4;
    mask[i] = keep[i] ? 0 : -INFINITY;
  }
  Compiled attention(attentionText("2", "4", "i1", /*withMask=*/true));
  auto results = attention.run({inputs.query.ref(), inputs.key.ref(), inputs.value.ref(),
                                TensorRef{ElementType::I1, inputs.mask.shape, keep.data()},
                                inputs.init.ref()});
  ASSERT_EQ(results.size(), 1u);
  expectNear(elementsOf<float>(results[0]), inputs.attend(mask, 0.5), 1e-6f);
}

// Scores of thousands, of which f16 keeps no fraction: only sums in f32 give the result.
TEST(TMTensor, AttentionOfHalvesSumsInSingle) {
  Compiled attention(R"(
    #map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
    func.func private @toHalf(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf16> {
      %empty = tensor.empty() : tensor<1x2x4xf16>
      %0 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]}
             ins(%x : tensor<1x2x4xf32>) outs(%empty : tensor<1x2x4xf16>) {
      ^bb0(%in: f32, %out: f16):
        %1 = arith.truncf %in : f32 to f16
        linalg.yield %1 : f16
      } -> tensor<1x2x4xf16>
      return %0 : tensor<1x2x4xf16>
    }
    func.func @main(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
      %0 = call @toHalf(%q) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf16>
      %1 = call @toHalf(%k) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf16>
      %2 = call @toHalf(%v) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf16>
      %halves = tensor.empty() : tensor<1x2x4xf16>
      %3 = tm_tensor.attention ins(%0, %1, %2 : tensor<1x2x4xf16>, tensor<1x2x4xf16>, tensor<1x2x4xf16>)
             outs(%halves : tensor<1x2x4xf16>) -> tensor<1x2x4xf16>
      %empty = tensor.empty() : tensor<1x2x4xf32>
      %4 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]}
             ins(%3 : tensor<1x2x4xf16>) outs(%empty : tensor<1x2x4xf32>) {
      ^bb0(%in: f16, %out: f32):
        %5 = arith.extf %in : f16 to f32
        linalg.yield %5 : f32
      } -> tensor<1x2x4xf32>
      return %4 : tensor<1x2x4xf32>
    })");
  // Scores 4096 and 4097 before the division by 2.
  Tensor<float> query{{1, 2, 4}, {64, 1, 0, 0, 64, 1, 0, 0}};
  Tensor<float> key{{1, 2, 4}, {64, 0, 0, 0, 64, 1, 0, 0}};
  Tensor<float> value{{1, 2, 4}, {1, 0, 0, 2, 0, 1, 0, 2}};
  auto results = attention.run({query.ref(), key.ref(), value.ref()});
  ASSERT_EQ(results.size(), 1u);
  float second = 1 / (1 + std::exp(-0.5f));
  expectNear(elementsOf<float>(results[0]), {1 - second, second, 0, 2, 1 - second, second, 0, 2},
             1e-3f);
}

} // namespace
