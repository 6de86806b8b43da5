//===- ContractionTest.cpp - Sums of products on the host -------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All values are small integers, so that sums are exact in any order.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint::testing;

namespace {

/// A tensor of that shape with elements from -3 to 3.
template <typename T = float> Tensor<T> makeTensor(std::vector<int64_t> shape, int seed) {
  Tensor<T> tensor{shape, {}};
  int64_t count = ShapedType::getNumElements(shape);
  for (int64_t index = 0; index < count; ++index)
    tensor.elements.push_back(T(float((index * index * 5 + index * 3 + seed) % 7 - 3)));
  return tensor;
}

/// The only result of a run.
template <typename T> std::vector<T> runOne(Compiled &compiled, ArrayRef<TensorRef> inputs) {
  std::vector<HostTensor> results = compiled.run(inputs);
  return results.size() == 1 ? elementsOf<T>(results[0]) : std::vector<T>();
}

TEST(Contraction, AddsAMatrixProductToItsInit) {
  Compiled compiled(R"mlir(
    func.func @main(%a: tensor<?x5xf32>, %b: tensor<5x3xf32>, %c: tensor<?x3xf32>) -> tensor<?x3xf32> {
      %0 = linalg.matmul ins(%a, %b : tensor<?x5xf32>, tensor<5x3xf32>) outs(%c : tensor<?x3xf32>) -> tensor<?x3xf32>
      return %0 : tensor<?x3xf32>
    }
  )mlir");
  for (int64_t rows : {0, 1, 4, 300}) {
    Tensor<float> a = makeTensor({rows, 5}, 1), b = makeTensor({5, 3}, 2),
                  c = makeTensor({rows, 3}, 3);
    std::vector<float> expected = c.elements;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < 3; ++j)
        for (int64_t k = 0; k < 5; ++k)
          expected[i * 3 + j] += a.elements[i * 5 + k] * b.elements[k * 3 + j];
    EXPECT_EQ(runOne<float>(compiled, {a.ref(), b.ref(), c.ref()}), expected);
  }
}

TEST(Contraction, TakesLoopsInAnyOrder) {
  // r[h, j, b, i] += q[b, i, h, c] * k[b, c, j, h]: two separate products, neither operand a
  // matrix.
  Compiled compiled(R"mlir(
    #q = affine_map<(b, h, i, j, c) -> (b, i, h, c)>
    #k = affine_map<(b, h, i, j, c) -> (b, c, j, h)>
    #r = affine_map<(b, h, i, j, c) -> (h, j, b, i)>
    func.func @main(%q: tensor<2x3x4x5xf32>, %k: tensor<2x5x6x4xf32>, %r: tensor<4x6x2x3xf32>) -> tensor<4x6x2x3xf32> {
      %0 = linalg.generic {indexing_maps = [#q, #k, #r],
                           iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
          ins(%q, %k : tensor<2x3x4x5xf32>, tensor<2x5x6x4xf32>) outs(%r : tensor<4x6x2x3xf32>) {
      ^bb0(%x: f32, %y: f32, %sum: f32):
        %1 = arith.mulf %x, %y : f32
        %2 = arith.addf %sum, %1 : f32
        linalg.yield %2 : f32
      } -> tensor<4x6x2x3xf32>
      return %0 : tensor<4x6x2x3xf32>
    }
  )mlir");
  Tensor<float> q = makeTensor({2, 3, 4, 5}, 6), k = makeTensor({2, 5, 6, 4}, 0),
                r = makeTensor({4, 6, 2, 3}, 1);
  std::vector<float> expected = r.elements;
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t h = 0; h < 4; ++h)
      for (int64_t i = 0; i < 3; ++i)
        for (int64_t j = 0; j < 6; ++j)
          for (int64_t c = 0; c < 5; ++c)
            expected[((h * 6 + j) * 2 + b) * 3 + i] += q.elements[((b * 3 + i) * 4 + h) * 5 + c] *
                                                       k.elements[((b * 5 + c) * 6 + j) * 4 + h];
  EXPECT_EQ(runOne<float>(compiled, {q.ref(), k.ref(), r.ref()}), expected);
}

TEST(Contraction, Convolves) {
  Compiled compiled(R"mlir(
    func.func @main(%x: tensor<2x3x9x8xf32>, %w: tensor<4x3x3x2xf32>, %r: tensor<2x4x3x7xf32>) -> tensor<2x4x3x7xf32> {
      %0 = linalg.conv_2d_nchw_fchw {dilations = dense<[2, 1]> : vector<2xi64>, strides = dense<[2, 1]> : vector<2xi64>}
          ins(%x, %w : tensor<2x3x9x8xf32>, tensor<4x3x3x2xf32>) outs(%r : tensor<2x4x3x7xf32>) -> tensor<2x4x3x7xf32>
      return %0 : tensor<2x4x3x7xf32>
    }
  )mlir");
  Tensor<float> x = makeTensor({2, 3, 9, 8}, 2), w = makeTensor({4, 3, 3, 2}, 3),
                r = makeTensor({2, 4, 3, 7}, 4);
  std::vector<float> expected = r.elements;
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t f = 0; f < 4; ++f)
      for (int64_t i = 0; i < 3; ++i)
        for (int64_t j = 0; j < 7; ++j)
          for (int64_t c = 0; c < 3; ++c)
            for (int64_t u = 0; u < 3; ++u)
              for (int64_t v = 0; v < 2; ++v)
                expected[((n * 4 + f) * 3 + i) * 7 + j] +=
                    x.elements[((n * 3 + c) * 9 + 2 * i + 2 * u) * 8 + j + v] *
                    w.elements[((f * 3 + c) * 3 + u) * 2 + v];
  EXPECT_EQ(runOne<float>(compiled, {x.ref(), w.ref(), r.ref()}), expected);
}

TEST(Contraction, SumsNarrowFloatsInF32) {
  Compiled compiled(R"mlir(
    func.func @main(%h: tensor<1x3000xf16>, %b: tensor<1x300xbf16>) -> (tensor<1x1xf16>, tensor<1x1xbf16>, tensor<1x1xf32>) {
      %zero_h = arith.constant dense<0.0> : tensor<1x1xf16>
      %zero_b = arith.constant dense<0.0> : tensor<1x1xbf16>
      %zero = arith.constant dense<0.0> : tensor<1x1xf32>
      %one_h = arith.constant dense<1.0> : tensor<3000x1xf16>
      %one_b = arith.constant dense<1.0> : tensor<300x1xbf16>
      %0 = linalg.matmul ins(%h, %one_h : tensor<1x3000xf16>, tensor<3000x1xf16>) outs(%zero_h : tensor<1x1xf16>) -> tensor<1x1xf16>
      %1 = linalg.matmul ins(%b, %one_b : tensor<1x300xbf16>, tensor<300x1xbf16>) outs(%zero_b : tensor<1x1xbf16>) -> tensor<1x1xbf16>
      %2 = linalg.matmul ins(%h, %one_h : tensor<1x3000xf16>, tensor<3000x1xf16>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
      return %0, %1, %2 : tensor<1x1xf16>, tensor<1x1xbf16>, tensor<1x1xf32>
    }
  )mlir");
  // Sums kept in f16 would end at 2048, in bf16 at 256.
  Tensor<_Float16> halves{{1, 3000}, std::vector<_Float16>(3000, 1)};
  Tensor<uint16_t> brains{{1, 300}, std::vector<uint16_t>(300, 0x3f80)};
  std::vector<HostTensor> results =
      compiled.run({halves.ref(), {ElementType::BF16, brains.shape, brains.elements.data()}});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(elementsOf<_Float16>(results[0]), (std::vector<_Float16>{3000}));
  EXPECT_EQ(results[1].getElements<uint16_t>()[0], 0x4396); // 300
  EXPECT_EQ(elementsOf<float>(results[2]), (std::vector<float>{3000}));
}

TEST(Contraction, OfNothingIsZero) {
  Compiled compiled(R"mlir(
    func.func @main(%a: tensor<2x?xf64>, %b: tensor<?x3xf64>) -> tensor<2x3xf64> {
      %zero = arith.constant 0.0 : f64
      %empty = tensor.empty() : tensor<2x3xf64>
      %init = linalg.fill ins(%zero : f64) outs(%empty : tensor<2x3xf64>) -> tensor<2x3xf64>
      %0 = linalg.matmul ins(%a, %b : tensor<2x?xf64>, tensor<?x3xf64>) outs(%init : tensor<2x3xf64>) -> tensor<2x3xf64>
      return %0 : tensor<2x3xf64>
    }
  )mlir");
  Tensor<double> a{{2, 0}, {}}, b{{0, 3}, {}}, ones{{2, 1}, {1, 2}}, row{{1, 3}, {1e-300, 3, 4}};
  EXPECT_EQ(runOne<double>(compiled, {a.ref(), b.ref()}), std::vector<double>(6));
  EXPECT_EQ(runOne<double>(compiled, {ones.ref(), row.ref()}),
            (std::vector<double>{1e-300, 3, 4, 2e-300, 6, 8}));
}

} // namespace
