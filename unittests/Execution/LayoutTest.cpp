//===- LayoutTest.cpp - Views, reshapes and shared buffers ------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include <numeric>

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint::testing;

namespace {

using Shape = SmallVector<int64_t>;

/// 0, 1, 2, ... in a tensor of `shape`.
template <typename T> Tensor<T> iota(std::vector<int64_t> shape) {
  Tensor<T> tensor{shape, std::vector<T>(ShapedType::getNumElements(shape))};
  std::iota(tensor.elements.begin(), tensor.elements.end(), T(0));
  return tensor;
}

/// A tensor of `shape` for its shape only.
Tensor<int8_t> sizes(std::vector<int64_t> shape) {
  return {shape, std::vector<int8_t>(ShapedType::getNumElements(shape))};
}

/// Expects a result of `shape` with `elements`.
void expectResult(const HostTensor &result, const Shape &shape,
                  const std::vector<int64_t> &elements) {
  EXPECT_EQ(result.shape, shape);
  EXPECT_EQ(elementsOf<int64_t>(result), elements);
}

TEST(Layout, SlicesOfDynamicSizeKeepTheirElements) {
  // Slices of a computed tensor and of an argument: n rows and columns, with an offset, and with
  // strides that are static and dynamic.
  Compiled compiled(R"mlir(
    func.func @main(%x: tensor<?xi8>, %y: tensor<4x4xi64>)
        -> (tensor<?x?xi64>, tensor<?x?xi64>, tensor<?x2xi64>, tensor<2x?xi64>, tensor<?x?xi64>,
            tensor<2x2xi64>, tensor<?xi64>, tensor<?x?xi64>) {
      %c0 = arith.constant 0 : index
      %n = tensor.dim %x, %c0 : tensor<?xi8>
      %e = tensor.empty() : tensor<4x4xi64>
      %t = linalg.add ins(%y, %y : tensor<4x4xi64>, tensor<4x4xi64>)
                      outs(%e : tensor<4x4xi64>) -> tensor<4x4xi64>
      %0 = tensor.extract_slice %t[0, 0][%n, %n][1, 1] : tensor<4x4xi64> to tensor<?x?xi64>
      %1 = tensor.extract_slice %y[1, 1][%n, %n][1, 1] : tensor<4x4xi64> to tensor<?x?xi64>
      %2 = tensor.extract_slice %t[%n, 0][%n, 2][1, 2] : tensor<4x4xi64> to tensor<?x2xi64>
      %3 = tensor.extract_slice %t[0, %n][2, %n][%n, 1] : tensor<4x4xi64> to tensor<2x?xi64>
      %4 = tensor.extract_slice %t[0, 0][%n, %n][%n, %n] : tensor<4x4xi64> to tensor<?x?xi64>
      %5 = tensor.extract_slice %y[2, 1][2, 2][1, 1] : tensor<4x4xi64> to tensor<2x2xi64>
      %6 = tensor.extract_slice %t[0, 1][%n, 1][1, 1] : tensor<4x4xi64> to tensor<?xi64>
      return %0, %1, %2, %3, %4, %5, %6, %0
          : tensor<?x?xi64>, tensor<?x?xi64>, tensor<?x2xi64>, tensor<2x?xi64>, tensor<?x?xi64>,
            tensor<2x2xi64>, tensor<?xi64>, tensor<?x?xi64>
    }
  )mlir");
  Tensor<int8_t> n = sizes({2});
  Tensor<int64_t> y = iota<int64_t>({4, 4});
  std::vector<HostTensor> results = compiled.run({n.ref(), y.ref()});
  ASSERT_EQ(results.size(), 8u);
  expectResult(results[0], {2, 2}, {0, 2, 8, 10});
  expectResult(results[1], {2, 2}, {5, 6, 9, 10});
  expectResult(results[2], {2, 2}, {16, 20, 24, 28});
  expectResult(results[3], {2, 2}, {4, 6, 20, 22});
  expectResult(results[4], {2, 2}, {0, 4, 16, 20});
  expectResult(results[5], {2, 2}, {9, 10, 13, 14});
  expectResult(results[6], {2}, {2, 10});
  expectResult(results[7], {2, 2}, {0, 2, 8, 10});
}

TEST(Layout, SlicesCrossFunctionsLoopsAndBranches) {
  Compiled compiled(R"mlir(
    func.func private @twice(%a: tensor<?x?xi64>) -> tensor<?x?xi64> {
      %0 = linalg.add ins(%a, %a : tensor<?x?xi64>, tensor<?x?xi64>)
                      outs(%a : tensor<?x?xi64>) -> tensor<?x?xi64>
      return %0 : tensor<?x?xi64>
    }
    func.func private @corner(%a: tensor<?x?xi64>, %n: index) -> tensor<?x?xi64> {
      %0 = tensor.extract_slice %a[1, 1][%n, %n][1, 1] : tensor<?x?xi64> to tensor<?x?xi64>
      return %0 : tensor<?x?xi64>
    }
    func.func @main(%x: tensor<?xi8>, %y: tensor<4x4xi64>)
        -> (tensor<?x?xi64>, tensor<?x?xi64>, tensor<?x?xi64>, tensor<?xi64>) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = tensor.dim %x, %c0 : tensor<?xi8>
      %slice = tensor.extract_slice %y[0, 0][%n, %n][1, 1] : tensor<4x4xi64> to tensor<?x?xi64>
      %called = func.call @twice(%slice) : (tensor<?x?xi64>) -> tensor<?x?xi64>
      %whole = tensor.cast %y : tensor<4x4xi64> to tensor<?x?xi64>
      %corner = func.call @corner(%whole, %n) : (tensor<?x?xi64>, index) -> tensor<?x?xi64>
      %looped = scf.for %i = %c0 to %n step %c1 iter_args(%a = %corner) -> (tensor<?x?xi64>) {
        %odd = arith.cmpi eq, %i, %c1 : index
        %next = scf.if %odd -> (tensor<?x?xi64>) {
          scf.yield %slice : tensor<?x?xi64>
        } else {
          scf.yield %a : tensor<?x?xi64>
        }
        scf.yield %next : tensor<?x?xi64>
      }
      %count = arith.muli %n, %n : index
      %shape = tensor.from_elements %count : tensor<1xindex>
      %flat = tensor.reshape %slice(%shape) : (tensor<?x?xi64>, tensor<1xindex>) -> tensor<?xi64>
      return %called, %corner, %looped, %flat
          : tensor<?x?xi64>, tensor<?x?xi64>, tensor<?x?xi64>, tensor<?xi64>
    }
  )mlir");
  Tensor<int8_t> n = sizes({2});
  Tensor<int64_t> y = iota<int64_t>({4, 4});
  std::vector<HostTensor> results = compiled.run({n.ref(), y.ref()});
  ASSERT_EQ(results.size(), 4u);
  expectResult(results[0], {2, 2}, {0, 2, 8, 10});
  expectResult(results[1], {2, 2}, {5, 6, 9, 10});
  expectResult(results[2], {2, 2}, {0, 1, 4, 5});
  expectResult(results[3], {4}, {0, 1, 4, 5});
  EXPECT_EQ(y.elements, iota<int64_t>({4, 4}).elements);
}

TEST(Layout, TransposesAndTheirSlices) {
  Compiled compiled(R"mlir(
    func.func @main(%y: tensor<?x3xi64>) -> (tensor<3x?xi64>, tensor<2x?xi64>, tensor<?x3xi64>) {
      %c0 = arith.constant 0 : index
      %n = tensor.dim %y, %c0 : tensor<?x3xi64>
      %e = tensor.empty(%n) : tensor<3x?xi64>
      %t = linalg.transpose ins(%y : tensor<?x3xi64>) outs(%e : tensor<3x?xi64>)
                            permutation = [1, 0]
      %slice = tensor.extract_slice %t[1, 0][2, %n][1, 1] : tensor<3x?xi64> to tensor<2x?xi64>
      return %t, %slice, %y : tensor<3x?xi64>, tensor<2x?xi64>, tensor<?x3xi64>
    }
  )mlir");
  Tensor<int64_t> y = iota<int64_t>({2, 3});
  std::vector<HostTensor> results = compiled.run({y.ref()});
  ASSERT_EQ(results.size(), 3u);
  expectResult(results[0], {3, 2}, {0, 3, 1, 4, 2, 5});
  expectResult(results[1], {2, 2}, {1, 4, 2, 5});
  expectResult(results[2], {2, 3}, {0, 1, 2, 3, 4, 5});
}

TEST(Layout, ResultsMayBeArgumentsEachOtherScalarsAndEmpty) {
  Compiled compiled(R"mlir(
    func.func @main(%a: tensor<?xi64>, %s: tensor<i64>, %none: tensor<?x0x2xi64>)
        -> (tensor<?xi64>, tensor<i64>, tensor<?x0x2xi64>, tensor<i64>, tensor<i64>, tensor<?xi64>,
            tensor<?x0xi64>) {
      %e = tensor.empty() : tensor<i64>
      %sum = linalg.add ins(%s, %s : tensor<i64>, tensor<i64>)
                        outs(%e : tensor<i64>) -> tensor<i64>
      %last = tensor.extract_slice %a[1][1][1] : tensor<?xi64> to tensor<i64>
      %flat = tensor.collapse_shape %none [[0], [1, 2]] : tensor<?x0x2xi64> into tensor<?x0xi64>
      return %a, %sum, %none, %sum, %last, %a, %flat
          : tensor<?xi64>, tensor<i64>, tensor<?x0x2xi64>, tensor<i64>, tensor<i64>, tensor<?xi64>,
            tensor<?x0xi64>
    }
  )mlir");
  Tensor<int64_t> a{{2}, {5, 7}}, s{{}, {3}}, none{{3, 0, 2}, {}};
  std::vector<HostTensor> results = compiled.run({a.ref(), s.ref(), none.ref()});
  ASSERT_EQ(results.size(), 7u);
  expectResult(results[0], {2}, {5, 7});
  expectResult(results[1], {}, {6});
  expectResult(results[2], {3, 0, 2}, {});
  expectResult(results[3], {}, {6});
  expectResult(results[4], {}, {7});
  expectResult(results[5], {2}, {5, 7});
  expectResult(results[6], {3, 0}, {});
}

constexpr StringRef kExpand = R"mlir(
  func.func @main(%x: tensor<?x2xi64>, %m: tensor<2xi64>) -> (tensor<?x?x2xi64>, tensor<?x2xi64>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %a0 = tensor.extract %m[%c0] : tensor<2xi64>
    %b0 = tensor.extract %m[%c1] : tensor<2xi64>
    %a = arith.index_cast %a0 : i64 to index
    %b = arith.index_cast %b0 : i64 to index
    %n = tensor.dim %x, %c0 : tensor<?x2xi64>
    %e = tensor.empty(%n) : tensor<?x2xi64>
    %t = linalg.add ins(%x, %x : tensor<?x2xi64>, tensor<?x2xi64>)
                    outs(%e : tensor<?x2xi64>) -> tensor<?x2xi64>
    %r = tensor.expand_shape %t [[0, 1], [2]] output_shape [%a, %b, 2]
        : tensor<?x2xi64> into tensor<?x?x2xi64>
    %f = tensor.empty(%b, %a) : tensor<?x?x2xi64>
    %s = linalg.transpose ins(%r : tensor<?x?x2xi64>) outs(%f : tensor<?x?x2xi64>)
                          permutation = [1, 0, 2]
    %c = tensor.collapse_shape %s [[0, 1], [2]] : tensor<?x?x2xi64> into tensor<?x2xi64>
    return %r, %c : tensor<?x?x2xi64>, tensor<?x2xi64>
  }
)mlir";

TEST(Layout, ExpandsOneSizeToTwoDynamicOnes) {
  Compiled compiled(kExpand);
  Tensor<int64_t> x = iota<int64_t>({6, 2}), factors{{2}, {2, 3}};
  std::vector<HostTensor> results = compiled.run({x.ref(), factors.ref()});
  ASSERT_EQ(results.size(), 2u);
  expectResult(results[0], {2, 3, 2}, {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22});
  expectResult(results[1], {6, 2}, {0, 2, 12, 14, 4, 6, 16, 18, 8, 10, 20, 22});

  Tensor<int64_t> none = iota<int64_t>({0, 2}), noFactors{{2}, {5, 0}};
  results = compiled.run({none.ref(), noFactors.ref()});
  ASSERT_EQ(results.size(), 2u);
  expectResult(results[0], {5, 0, 2}, {});
}

TEST(Layout, SizesThatDoNotMultiplyEndTheRun) {
  Compiled compiled(kExpand);
  Tensor<int64_t> x = iota<int64_t>({6, 2}), none = iota<int64_t>({0, 2});
  auto fails = [&](const Tensor<int64_t> &input, int64_t first, int64_t second) {
    Tensor<int64_t> factors{{2}, {first, second}};
    std::string error = compiled.runToError({input.ref(), factors.ref()});
    EXPECT_NE(error.find("'tensor.expand_shape': expected sizes that multiply to size 0"),
              std::string::npos)
        << first << " x " << second << ": " << error;
  };
  fails(x, 2, 4);
  fails(x, 4, 1);
  fails(x, 0, 6);
  fails(x, -2, -3);
  // 2^63 * 2 wraps to 0, and (2^63 + 3) * 2 to 6.
  fails(none, INT64_MIN, 2);
  fails(x, INT64_MIN + 3, 2);
  fails(none, 1, 1);
  fails(none, -1, 0);
}

TEST(Layout, LoopsCarryTensorsThatStartAsOneEmptyTensor) {
  // Both are written, read in the next iteration, and trade places.
  Compiled compiled(R"mlir(
    func.func @main(%a: tensor<4xi64>) -> (tensor<4xi64>, tensor<4xi64>, tensor<4xi64>,
                                           tensor<4xi64>) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %e = tensor.empty() : tensor<4xi64>
      %f:2 = scf.for %i = %c0 to %c4 step %c1 iter_args(%x = %e, %y = %e)
          -> (tensor<4xi64>, tensor<4xi64>) {
        %v = tensor.extract %a[%i] : tensor<4xi64>
        %n = arith.addi %v, %v : i64
        %x1 = tensor.insert %v into %x[%i] : tensor<4xi64>
        %y1 = tensor.insert %n into %y[%i] : tensor<4xi64>
        scf.yield %x1, %y1 : tensor<4xi64>, tensor<4xi64>
      }
      %g:2 = scf.for %i = %c0 to %c3 step %c1 iter_args(%x = %f#0, %y = %e)
          -> (tensor<4xi64>, tensor<4xi64>) {
        %t = scf.for %j = %c0 to %c4 step %c1 iter_args(%z = %y) -> (tensor<4xi64>) {
          %v = tensor.extract %x[%j] : tensor<4xi64>
          %w = tensor.extract %f#1[%j] : tensor<4xi64>
          %n = arith.addi %v, %w : i64
          %z1 = tensor.insert %n into %z[%j] : tensor<4xi64>
          scf.yield %z1 : tensor<4xi64>
        }
        scf.yield %t, %x : tensor<4xi64>, tensor<4xi64>
      }
      return %f#0, %f#1, %g#0, %g#1
          : tensor<4xi64>, tensor<4xi64>, tensor<4xi64>, tensor<4xi64>
    }
  )mlir");
  Tensor<int64_t> a{{4}, {1, 2, 3, 4}};
  std::vector<HostTensor> results = compiled.run({a.ref()});
  ASSERT_EQ(results.size(), 4u);
  expectResult(results[0], {4}, {1, 2, 3, 4});
  expectResult(results[1], {4}, {2, 4, 6, 8});
  expectResult(results[2], {4}, {7, 14, 21, 28});
  expectResult(results[3], {4}, {5, 10, 15, 20});
}

TEST(Layout, BooleansAreElements) {
  Compiled compiled("func.func @main(%a: tensor<2xi1>) -> tensor<2xi1> {\n"
                    "  return %a : tensor<2xi1>\n"
                    "}\n");
  const bool elements[] = {false, true};
  const int64_t shape[] = {2};
  std::vector<HostTensor> results = compiled.run({TensorRef{ElementType::I1, shape, elements}});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].getElements<bool>(), ArrayRef(elements));
}

} // namespace
