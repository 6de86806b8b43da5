//===- ExecutableTest.cpp - Compiling and running on the host ---------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace mlir;
using namespace mlir::sprint;
using namespace mlir::sprint::testing;

namespace {

constexpr StringRef kAdd = R"mlir(
  func.func @main(%a: tensor<?x3xf32>, %b: tensor<?x3xf32>) -> tensor<?x3xf32> {
    %0 = linalg.add ins(%a, %b : tensor<?x3xf32>, tensor<?x3xf32>)
                    outs(%a : tensor<?x3xf32>) -> tensor<?x3xf32>
    return %0 : tensor<?x3xf32>
  }
)mlir";

TEST(Executable, AddsAndLeavesInputsAlone) {
  Compiled compiled(kAdd);
  Tensor<float> a{{2, 3}, {1, 2, 3, 4, 5, 6}}, b{{2, 3}, {10, 20, 30, 40, 50, 60}};
  std::vector<HostTensor> results = compiled.run({a.ref(), b.ref()});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].shape, (SmallVector<int64_t>{2, 3}));
  EXPECT_EQ(elementsOf<float>(results[0]), (std::vector<float>{11, 22, 33, 44, 55, 66}));
  EXPECT_EQ(a.elements, (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

// The name of a function of the C library, which the compiled code calls.
TEST(Executable, LetsTheCallerConfigureItsPassManagers) {
  struct Recorder : PassInstrumentation {
    explicit Recorder(std::vector<std::string> &passes) : passes(passes) {}
    void runAfterPass(Pass *pass, Operation *op) override {
      passes.push_back(pass->getArgument().str());
    }
    std::vector<std::string> &passes;
  };
  std::vector<std::string> passes;
  Compiled compiled(kAdd, /*symbols=*/{}, [&](PassManager &passManager) {
    // One thread may write to `passes`.
    passManager.getContext()->disableMultithreading();
    passManager.addInstrumentation(std::make_unique<Recorder>(passes));
    return success();
  });
  EXPECT_TRUE(llvm::is_contained(passes, "symbol-dce"));
  EXPECT_TRUE(llvm::is_contained(passes, "one-shot-bufferize"));
  Tensor<float> a{{0, 3}, {}};
  EXPECT_EQ(compiled.runToError({a.ref(), a.ref()}), "");
  EXPECT_EQ(Compiled(kAdd, /*symbols=*/{},
                     [](PassManager &passManager) -> LogicalResult {
                       return emitError(UnknownLoc::get(passManager.getContext()), "no");
                     })
                .runToError({a.ref(), a.ref()}),
            "no\n");
}

TEST(Executable, NamesOfFunctionsAreTheModels) {
  Compiled compiled(R"(
  func.func private @powf(%a: tensor<2xf32>, %b: tensor<2xf32>) -> tensor<2xf32> {
    %r = math.powf %a, %b : tensor<2xf32>
    return %r : tensor<2xf32>
  }
  func.func @main(%a: tensor<2xf32>, %b: tensor<2xf32>) -> tensor<2xf32> {
    %r = func.call @powf(%a, %b) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    return %r : tensor<2xf32>
  })");
  Tensor<float> a{{2}, {2, 3}}, b{{2}, {3, 2}};
  std::vector<HostTensor> results = compiled.run({a.ref(), b.ref()});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(elementsOf<float>(results[0]), (std::vector<float>{8, 9}));
}

TEST(Executable, TellsWhichInputIsWrong) {
  Compiled compiled(kAdd);
  Tensor<float> right{{1, 3}, {1, 2, 3}}, wide{{1, 4}, {1, 2, 3, 4}}, flat{{3}, {1, 2, 3}};
  Tensor<int32_t> integers{{1, 3}, {1, 2, 3}};
  EXPECT_EQ(compiled.runToError({right.ref()}), "expected 2 inputs, got 1");
  EXPECT_EQ(compiled.runToError({right.ref(), integers.ref()}), "expected input 1 of f32, got i32");
  EXPECT_EQ(compiled.runToError({flat.ref(), right.ref()}), "expected input 0 of rank 2, got 1");
  EXPECT_EQ(compiled.runToError({right.ref(), wide.ref()}),
            "expected 3 in dimension 1 of input 1, got 4");
}

TEST(Executable, FindsSizesThatDisagreeAndRunsAgain) {
  Compiled compiled(kAdd);
  Tensor<float> one{{1, 3}, {1, 2, 3}}, two{{2, 3}, {1, 2, 3, 4, 5, 6}};
  std::string error = compiled.runToError({one.ref(), two.ref()});
  EXPECT_NE(error.find("test.mlir:3:10: 'linalg.add': dimension #0"), std::string::npos) << error;
  EXPECT_EQ(compiled.run({one.ref(), one.ref()}).size(), 1u);
}

TEST(Executable, FailedAssertEndsTheRun) {
  Compiled compiled(R"mlir(
    func.func @main(%a: tensor<i1>) -> tensor<i1> {
      %0 = tensor.extract %a[] : tensor<i1>
      cf.assert %0, "expected true"
      return %a : tensor<i1>
    }
  )mlir");
  Tensor<int8_t> no{{}, {0}}, yes{{}, {1}};
  TensorRef noRef{ElementType::I1, {}, no.elements.data()};
  TensorRef yesRef{ElementType::I1, {}, yes.elements.data()};
  EXPECT_EQ(compiled.runToError({noRef}),
            "test.mlir:4:7: expected true (which follows from argument 0)");
  EXPECT_EQ(compiled.runToError({yesRef}), "");
}

TEST(Executable, DivisionWithoutAResultEndsTheRun) {
  Compiled compiled(R"mlir(
    func.func @main(%a: tensor<2xi64>) -> tensor<2xi64> {
      %one = arith.constant 1 : index
      %divisor = tensor.extract %a[%one] : tensor<2xi64>
      %empty = tensor.empty() : tensor<2xi64>
      %0 = linalg.map ins(%a : tensor<2xi64>) outs(%empty : tensor<2xi64>)
        (%dividend: i64, %out: i64) {
          %1 = arith.floordivsi %dividend, %divisor : i64
          linalg.yield %1 : i64
        }
      return %0 : tensor<2xi64>
    }
  )mlir");
  Tensor<int64_t> zero{{2}, {7, 0}}, smallest{{2}, {INT64_MIN, -1}}, right{{2}, {-7, 2}};
  EXPECT_EQ(compiled.runToError({zero.ref()}),
            "test.mlir:8:16: division by zero (which follows from argument 0)");
  EXPECT_EQ(compiled.runToError({smallest.ref()}),
            "test.mlir:8:16: overflow in division (which follows from argument 0)");
  std::vector<HostTensor> results = compiled.run({right.ref()});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(elementsOf<int64_t>(results[0]), (std::vector<int64_t>{-4, 1}));
}

TEST(Executable, CarriesANewTensorAroundALoop) {
  Compiled compiled(R"mlir(
    func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %five = arith.constant 5 : index
      %0 = scf.for %i = %zero to %five step %one iter_args(%x = %a) -> (tensor<2xf32>) {
        %empty = tensor.empty() : tensor<2xf32>
        %1 = linalg.add ins(%x, %x : tensor<2xf32>, tensor<2xf32>)
                        outs(%empty : tensor<2xf32>) -> tensor<2xf32>
        scf.yield %1 : tensor<2xf32>
      }
      return %0 : tensor<2xf32>
    }
  )mlir");
  Tensor<float> a{{2}, {1, 3}};
  std::vector<HostTensor> results = compiled.run({a.ref()});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(elementsOf<float>(results[0]), (std::vector<float>{32, 96}));
}

TEST(Executable, RunsLoopsOfBranches) {
  Compiled compiled(R"mlir(
    func.func @main(%a: tensor<2xf32>, %n: i64) -> tensor<2xf32> {
      %zero = arith.constant 0 : i64
      %one = arith.constant 1 : i64
      %empty = tensor.empty() : tensor<2xf32>
      cf.br ^head(%zero, %a : i64, tensor<2xf32>)
    ^head(%i: i64, %x: tensor<2xf32>):
      %goes = arith.cmpi slt, %i, %n : i64
      cf.cond_br %goes, ^body, ^end
    ^body:
      %0 = linalg.add ins(%x, %x : tensor<2xf32>, tensor<2xf32>)
                      outs(%empty : tensor<2xf32>) -> tensor<2xf32>
      %next = arith.addi %i, %one : i64
      cf.br ^head(%next, %0 : i64, tensor<2xf32>)
    ^end:
      return %x : tensor<2xf32>
    }
  )mlir");
  Tensor<float> a{{2}, {1, 3}};
  Tensor<int64_t> count{{}, {5}};
  std::vector<HostTensor> results = compiled.run({a.ref(), count.ref()});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(elementsOf<float>(results[0]), (std::vector<float>{32, 96}));
}

TEST(Executable, ReturnsManyResultsOfAllKinds) {
  // An argument, a constant, the same value twice and one of rank 0: none may be freed wrongly.
  Compiled compiled(R"mlir(
    func.func @main(%a: tensor<2xi8>)
        -> (tensor<2xi8>, tensor<3xi64>, tensor<2xi8>, tensor<i32>, tensor<1xi1>, tensor<1xindex>) {
      %c = arith.constant dense<[7, 8, 9]> : tensor<3xi64>
      %r = arith.constant dense<-5> : tensor<i32>
      %t = arith.constant dense<true> : tensor<1xi1>
      %i = arith.constant dense<4> : tensor<1xindex>
      return %a, %c, %a, %r, %t, %i
          : tensor<2xi8>, tensor<3xi64>, tensor<2xi8>, tensor<i32>, tensor<1xi1>, tensor<1xindex>
    }
  )mlir");
  Tensor<int8_t> a{{2}, {-1, 2}};
  for (int repetition = 0; repetition < 2; ++repetition) {
    std::vector<HostTensor> results = compiled.run({a.ref()});
    ASSERT_EQ(results.size(), 6u);
    EXPECT_EQ(elementsOf<int8_t>(results[0]), a.elements);
    EXPECT_EQ(elementsOf<int64_t>(results[1]), (std::vector<int64_t>{7, 8, 9}));
    EXPECT_EQ(elementsOf<int8_t>(results[2]), a.elements);
    EXPECT_EQ(elementsOf<int32_t>(results[3]), (std::vector<int32_t>{-5}));
    EXPECT_TRUE(results[3].shape.empty());
    EXPECT_EQ(results[4].getElements<uint8_t>()[0], 1);
    EXPECT_EQ(results[5].elementType, ElementType::Index);
    EXPECT_EQ(results[5].getElements<int64_t>()[0], 4);
  }
}

TEST(Executable, DoesNotContract) {
  Compiled compiled(R"mlir(
    func.func @main(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>) -> tensor<f32> {
      %0 = tensor.extract %a[] : tensor<f32>
      %1 = tensor.extract %b[] : tensor<f32>
      %2 = tensor.extract %c[] : tensor<f32>
      %3 = arith.mulf %0, %1 : f32
      %4 = arith.addf %3, %2 : f32
      %5 = tensor.from_elements %4 : tensor<f32>
      return %5 : tensor<f32>
    }
  )mlir");
  // (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24, which the rounded product has lost.
  float a = 1 + std::ldexp(1.0f, -12), c = -(1 + std::ldexp(1.0f, -11));
  Tensor<float> factor{{}, {a}}, addend{{}, {c}};
  std::vector<HostTensor> results = compiled.run({factor.ref(), factor.ref(), addend.ref()});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(elementsOf<float>(results[0]).front(), 0.0f);
}

TEST(Executable, RefusesMoreMemoryThanThereIs) {
  Compiled compiled(R"mlir(
    func.func @main(%n: tensor<index>) -> tensor<?xf32> {
      %0 = tensor.extract %n[] : tensor<index>
      %f = arith.constant 1.0 : f32
      %1 = tensor.empty(%0) : tensor<?xf32>
      %2 = linalg.fill ins(%f : f32) outs(%1 : tensor<?xf32>) -> tensor<?xf32>
      return %2 : tensor<?xf32>
    }
  )mlir");
  int64_t size = int64_t(1) << 50;
  EXPECT_EQ(compiled.runToError({TensorRef{ElementType::Index, {}, &size}}), "out of memory");
  size = 3;
  EXPECT_EQ(compiled.runToError({TensorRef{ElementType::Index, {}, &size}}), "");
}

TEST(Executable, TakesAndGivesNumbers) {
  // Behind a branch, where each return has results of its own.
  Compiled compiled(R"mlir(
    func.func @main(%a: f32, %n: index, %b: i1, %t: tensor<f32>) -> (f32, index, i1, tensor<f32>) {
      cf.cond_br %b, ^yes, ^no
    ^yes:
      %0 = arith.addf %a, %a : f32
      return %0, %n, %b, %t : f32, index, i1, tensor<f32>
    ^no:
      %1 = tensor.from_elements %a : tensor<f32>
      return %a, %n, %b, %1 : f32, index, i1, tensor<f32>
    }
  )mlir");
  float number = 1.5f, inTensor = 7;
  int64_t count = -3;
  for (int8_t truth : {0, 1}) {
    std::vector<HostTensor> results = compiled.run({{ElementType::F32, {}, &number},
                                                    {ElementType::Index, {}, &count},
                                                    {ElementType::I1, {}, &truth},
                                                    {ElementType::F32, {}, &inTensor}});
    ASSERT_EQ(results.size(), 4u);
    for (const HostTensor &result : results)
      EXPECT_TRUE(result.shape.empty());
    EXPECT_EQ(results[0].getElements<float>()[0], truth ? 3 : 1.5f);
    EXPECT_EQ(results[1].getElements<int64_t>()[0], -3);
    EXPECT_EQ(results[2].getElements<int8_t>()[0], truth);
    EXPECT_EQ(results[3].getElements<float>()[0], truth ? 7 : 1.5f);
  }
  EXPECT_EQ(compiled.runToError({{ElementType::F32, {1}, &number},
                                 {ElementType::Index, {}, &count},
                                 {ElementType::I1, {}, &count},
                                 {ElementType::F32, {}, &inTensor}}),
            "expected input 0 of rank 0, got 1");
}

int64_t received = 0;

extern "C" void sprintTestHook(int64_t number) {
  if (number < 0)
    failExecution("the hook wants no negative numbers");
  received = number;
}

TEST(Executable, CallsHostSymbolsAndDropsWhatItDoesNotReach) {
  Compiled compiled(R"mlir(
    func.func private @hook(i64)
    func.func private @elsewhere(tensor<4xf32>) -> tensor<4xf32>
    sprint.program @device(query %q: tensor<1x1x4x8xi8>, key %k: tensor<1x1x4x8xi8>, value %v: tensor<1x1x4x8xi8>,
        threshold %threshold: tensor<1x1xi32>, multiplier %multiplier: tensor<1x1xi64>, shift %shift: tensor<1x1xi64>)
        -> tensor<1x1x4x8xi32> scale(0.125) {
      %r = tensor.empty() : tensor<1x1x4x8xi32>
      sprint.return %r : tensor<1x1x4x8xi32>
    }
    func.func @main(%n: tensor<i64>) {
      %0 = tensor.extract %n[] : tensor<i64>
      func.call @hook(%0) : (i64) -> ()
      return
    }
  )mlir",
                    {{"hook", reinterpret_cast<void *>(&sprintTestHook)}});
  Tensor<int64_t> right{{}, {42}}, wrong{{}, {-1}};
  EXPECT_TRUE(compiled.run({right.ref()}).empty());
  EXPECT_EQ(received, 42);
  EXPECT_EQ(compiled.runToError({wrong.ref()}), "the hook wants no negative numbers");
}

/// Rank, then a pointer to the descriptor: two pointers, the offset, sizes and strides.
struct OpaqueMemRef {
  int64_t rank;
  int64_t *descriptor;
};

extern "C" void sprintTestDouble(OpaqueMemRef *input, OpaqueMemRef *output) {
  auto elements = [](OpaqueMemRef *memref) {
    return reinterpret_cast<float *>(memref->descriptor[1]) + memref->descriptor[2];
  };
  for (int64_t index = 0; index < input->descriptor[3]; ++index)
    elements(output)[index] = 2 * elements(input)[index];
}

TEST(Executable, HandsBuffersToHostSymbols) {
  // The form that convert-sprint-launch-to-call gives a launch.
  Compiled compiled(R"mlir(
    func.func private @double(tensor<*xf32> {bufferization.access = "read"}, memref<*xf32>)
        attributes {llvm.emit_c_interface}
    func.func @main(%a: tensor<?xf32>) -> tensor<?xf32> {
      %c0 = arith.constant 0 : index
      %n = tensor.dim %a, %c0 : tensor<?xf32>
      %sum = linalg.add ins(%a, %a : tensor<?xf32>, tensor<?xf32>) outs(%a : tensor<?xf32>) -> tensor<?xf32>
      %in = tensor.cast %sum : tensor<?xf32> to tensor<*xf32>
      %out = memref.alloc(%n) : memref<?xf32>
      %out_opaque = memref.cast %out : memref<?xf32> to memref<*xf32>
      call @double(%in, %out_opaque) : (tensor<*xf32>, memref<*xf32>) -> ()
      %0 = bufferization.to_tensor %out restrict writable : memref<?xf32> to tensor<?xf32>
      %1 = linalg.add ins(%0, %a : tensor<?xf32>, tensor<?xf32>) outs(%0 : tensor<?xf32>) -> tensor<?xf32>
      return %1 : tensor<?xf32>
    }
  )mlir",
                    {{"_mlir_ciface_double", reinterpret_cast<void *>(&sprintTestDouble)}});
  Tensor<float> input{{3}, {1, 2, 3}};
  std::vector<HostTensor> results = compiled.run({input.ref()});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(elementsOf<float>(results[0]), (std::vector<float>{5, 10, 15}));
}

TEST(Executable, ComputesInNarrowFloats) {
  Compiled compiled(R"mlir(
    #map = affine_map<(d0) -> (d0)>
    func.func @main(%h: tensor<3xf16>, %b: tensor<3xbf16>, %d: tensor<3xf64>)
        -> (tensor<3xf16>, tensor<3xbf16>, tensor<3xf16>) {
      %empty = tensor.empty() : tensor<3xf16>
      %empty_b = tensor.empty() : tensor<3xbf16>
      %0 = linalg.add ins(%h, %h : tensor<3xf16>, tensor<3xf16>) outs(%empty : tensor<3xf16>) -> tensor<3xf16>
      %1 = linalg.add ins(%b, %b : tensor<3xbf16>, tensor<3xbf16>) outs(%empty_b : tensor<3xbf16>) -> tensor<3xbf16>
      %one = arith.constant 1.0 : bf16
      %2 = linalg.map ins(%1 : tensor<3xbf16>) outs(%empty_b : tensor<3xbf16>) (%x: bf16, %out: bf16) {
        %y = arith.addf %x, %one : bf16
        %z = math.sqrt %y : bf16
        linalg.yield %z : bf16
      }
      %3 = linalg.map ins(%d : tensor<3xf64>) outs(%empty : tensor<3xf16>) (%x: f64, %out: f16) {
        %y = arith.truncf %x : f64 to f16
        linalg.yield %y : f16
      }
      return %0, %2, %3 : tensor<3xf16>, tensor<3xbf16>, tensor<3xf16>
    }
  )mlir");
  Tensor<_Float16> halves{{3}, {_Float16(0.5f), _Float16(2048), _Float16(-40000)}};
  // 1.5, 2^-9 and infinity.
  Tensor<uint16_t> brains{{3}, {0x3fc0, 0x3b00, 0x7f80}};
  // 2^-11 is half a step of f16 at 1, and 2^-40 more makes it more than half.
  Tensor<double> doubles{
      {3}, {1 + std::ldexp(1, -11), 1 + std::ldexp(1, -11) + std::ldexp(1, -40), 1e9}};
  std::vector<HostTensor> results = compiled.run(
      {halves.ref(), {ElementType::BF16, brains.shape, brains.elements.data()}, doubles.ref()});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(elementsOf<_Float16>(results[0]),
            (std::vector<_Float16>{_Float16(1), _Float16(4096), -_Float16(INFINITY)}));
  // sqrt(3 + 1) = 2. 2^-8 + 1 lies between two numbers, and 1 is the even one.
  EXPECT_EQ(results[1].elementType, ElementType::BF16);
  EXPECT_EQ(results[1].getElements<uint16_t>(), (ArrayRef<uint16_t>{0x4000, 0x3f80, 0x7f80}));
  EXPECT_EQ(elementsOf<_Float16>(results[2]),
            (std::vector<_Float16>{_Float16(1), _Float16(1 + std::ldexp(1.0f, -10)),
                                   _Float16(INFINITY)}));
}

TEST(Executable, RoundsAfterEachNarrowOperation) {
  // What each operation rounds away, and the next one would bring back.
  Compiled compiled(R"mlir(
    func.func @main(%h: tensor<3xf16>, %b: tensor<3xbf16>) -> (tensor<3xf16>, tensor<3xbf16>, tensor<3xf16>, tensor<3xbf16>) {
      %empty = tensor.empty() : tensor<3xf16>
      %empty_b = tensor.empty() : tensor<3xbf16>
      %large = arith.constant 4096.0 : f16
      %large_b = arith.constant 4096.0 : bf16
      %0 = linalg.map ins(%h : tensor<3xf16>) outs(%empty : tensor<3xf16>) (%x: f16, %out: f16) {
        %y = arith.addf %x, %large : f16
        %z = arith.subf %y, %large : f16
        linalg.yield %z : f16
      }
      %1 = linalg.map ins(%b : tensor<3xbf16>) outs(%empty_b : tensor<3xbf16>) (%x: bf16, %out: bf16) {
        %y = arith.addf %x, %large_b : bf16
        %z = arith.subf %y, %large_b : bf16
        linalg.yield %z : bf16
      }
      %2 = linalg.map ins(%h : tensor<3xf16>) outs(%empty : tensor<3xf16>) (%x: f16, %out: f16) {
        %y = math.tanh %x : f16
        %z = math.floor %y : f16
        linalg.yield %z : f16
      }
      %3 = linalg.map ins(%b : tensor<3xbf16>) outs(%empty_b : tensor<3xbf16>) (%x: bf16, %out: bf16) {
        %y = math.tanh %x : bf16
        %z = math.floor %y : bf16
        linalg.yield %z : bf16
      }
      return %0, %1, %2, %3 : tensor<3xf16>, tensor<3xbf16>, tensor<3xf16>, tensor<3xbf16>
    }
  )mlir");
  // tanh(5) is less than 1, but rounds to it.
  Tensor<_Float16> halves{{3}, {_Float16(1), _Float16(5), _Float16(17)}};
  // 1, 5 and 17.
  Tensor<uint16_t> brains{{3}, {0x3f80, 0x40a0, 0x4188}};
  std::vector<HostTensor> results =
      compiled.run({halves.ref(), {ElementType::BF16, brains.shape, brains.elements.data()}});
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(elementsOf<_Float16>(results[0]),
            (std::vector<_Float16>{_Float16(0), _Float16(4), _Float16(16)}));
  // 0, 0 and 32: 4096 + 17 is nearer to 4128 than to 4096.
  EXPECT_EQ(results[1].getElements<uint16_t>(), (ArrayRef<uint16_t>{0x0000, 0x0000, 0x4200}));
  EXPECT_EQ(elementsOf<_Float16>(results[2]),
            (std::vector<_Float16>{_Float16(0), _Float16(1), _Float16(1)}));
  EXPECT_EQ(results[3].getElements<uint16_t>(), (ArrayRef<uint16_t>{0x0000, 0x3f80, 0x3f80}));
}

TEST(Executable, ApproximatesNoMoreThanItSays) {
  Compiled compiled(R"mlir(
    func.func @main(%a: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
      %0 = linalg.exp ins(%a : tensor<?xf32>) outs(%a : tensor<?xf32>) -> tensor<?xf32>
      %1 = linalg.erf ins(%a : tensor<?xf32>) outs(%a : tensor<?xf32>) -> tensor<?xf32>
      %2 = linalg.tanh ins(%a : tensor<?xf32>) outs(%a : tensor<?xf32>) -> tensor<?xf32>
      return %0, %1, %2 : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
    }
  )mlir");
  Tensor<float> input{{0}, {0.0f, -0.0f, 1e-30f, -INFINITY, -1e30f, INFINITY, NAN}};
  size_t numSpecial = input.elements.size();
  for (int step = -87 * 512; step <= 88 * 512; ++step)
    input.elements.push_back(step / 512.0f);
  input.shape = {static_cast<int64_t>(input.elements.size())};
  std::vector<HostTensor> results = compiled.run({input.ref()});
  ASSERT_EQ(results.size(), 3u);
  std::vector<float> exp = elementsOf<float>(results[0]), erf = elementsOf<float>(results[1]),
                     tanh = elementsOf<float>(results[2]);
  EXPECT_EQ(std::vector<float>(exp.begin(), exp.begin() + 6),
            (std::vector<float>{1, 1, 1, 0, 0, INFINITY}));
  EXPECT_TRUE(std::isnan(exp[6]) && std::isnan(erf[6]) && std::isnan(tanh[6]));
  auto getError = [](float approximate, double exact) {
    return exact == 0 ? std::abs(double(approximate)) : std::abs(approximate / exact - 1);
  };
  double error = 0;
  for (size_t index = numSpecial; index < input.elements.size(); ++index) {
    double x = input.elements[index];
    error = std::max({error, getError(exp[index], std::exp(x)), getError(erf[index], std::erf(x)),
                      getError(tanh[index], std::tanh(x))});
  }
  EXPECT_LE(error, 3e-7);
}

/// A resource of `elements` in MLIR's syntax, with the alignment of its elements.
template <typename T> std::string makeResource(ArrayRef<T> elements) {
  std::string bytes("\0\0\0\0", 4);
  bytes[0] = sizeof(T);
  bytes.append(reinterpret_cast<const char *>(elements.data()), elements.size() * sizeof(T));
  return "\"0x" + llvm::toHex(bytes) + "\"";
}

TEST(Executable, ReadsConstantsWhereTheyAre) {
  std::vector<float> weights(512), expected;
  for (auto [index, weight] : llvm::enumerate(weights)) {
    weight = index;
    expected.push_back(2 * index + 1);
  }
  // What the op writes must not be the constant.
  Compiled compiled(R"mlir(
    func.func @main(%a: tensor<512xf32>) -> (tensor<512xf32>, tensor<512xf32>) {
      %w = arith.constant dense_resource<weights> : tensor<512xf32>
      %0 = linalg.add ins(%w, %w : tensor<512xf32>, tensor<512xf32>) outs(%w : tensor<512xf32>) -> tensor<512xf32>
      %1 = linalg.add ins(%0, %a : tensor<512xf32>, tensor<512xf32>) outs(%w : tensor<512xf32>) -> tensor<512xf32>
      return %1, %w : tensor<512xf32>, tensor<512xf32>
    }
    {-# dialect_resources: { builtin: { weights: )mlir" +
                    makeResource<float>(weights) + "} } #-}");
  Tensor<float> ones{{512}, std::vector<float>(512, 1)};
  for (int repetition = 0; repetition < 2; ++repetition) {
    std::vector<HostTensor> results = compiled.run({ones.ref()});
    ASSERT_EQ(results.size(), 2u);
    EXPECT_EQ(elementsOf<float>(results[0]), expected);
    EXPECT_EQ(elementsOf<float>(results[1]), weights);
  }
}

TEST(Executable, TakesNoSymbolsFromAModel) {
  // What a module says of constants must not take the place of functions that the code calls.
  Compiled compiled(R"mlir(
    module attributes {sprint.host_constants = {malloc = dense_resource<bytes> : tensor<256xf32>}} {
      func.func @main(%a: tensor<256xf32>) -> tensor<256xf32> {
        %w = arith.constant dense_resource<bytes> : tensor<256xf32>
        %e = tensor.empty() : tensor<256xf32>
        %0 = linalg.add ins(%a, %w : tensor<256xf32>, tensor<256xf32>) outs(%e : tensor<256xf32>) -> tensor<256xf32>
        return %0 : tensor<256xf32>
      }
    }
    {-# dialect_resources: { builtin: { bytes: )mlir" +
                    makeResource<float>(std::vector<float>(256, 2)) + "} } #-}");
  Tensor<float> ones{{256}, std::vector<float>(256, 1)};
  std::vector<HostTensor> results = compiled.run({ones.ref()});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(elementsOf<float>(results[0]), std::vector<float>(256, 3));
}

TEST(Executable, RefusesBooleansThatAreNone) {
  Compiled compiled(
      "func.func @main(%a: tensor<2xi1>) -> tensor<2xi1> { return %a : tensor<2xi1> }");
  Tensor<int8_t> wrong{{2}, {1, 2}};
  EXPECT_EQ(compiled.runToError({{ElementType::I1, wrong.shape, wrong.elements.data()}}),
            "expected 0 or 1 for each element of input 0");
}

TEST(Executable, RefusesWhatItCannotCompile) {
  EXPECT_EQ(Compiled("func.func @other() { return }").runToError({}),
            "expected a function @main with a body, got none\n");
  EXPECT_EQ(Compiled("func.func private @main()").runToError({}),
            "expected a function @main with a body, got a declaration\n");
  EXPECT_EQ(Compiled("func.func @main(%a: tensor<*xf32>) { return }").runToError({}),
            "expected argument 0 of @main to be a number or a ranked tensor of i1, i8, i16, i32, "
            "i64, index, f16, bf16, f32, f64, complex<f32>, complex<f64>, got 'tensor<*xf32>'\n");
  EXPECT_EQ(Compiled("func.func private @exit(i32)\n"
                     "func.func @main(%n: tensor<i32>) {\n"
                     "  %0 = tensor.extract %n[] : tensor<i32>\n"
                     "  call @exit(%0) : (i32) -> ()\n"
                     "  return\n"
                     "}")
                .runToError({}),
            "expected a definition of @exit, which @main reaches, got a declaration\n");
}

} // namespace
