//===- MaskAnalysisTest.cpp - Operands that masks become ------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Conversion/LinalgToSprint/MaskAnalysis.h"

#include "Sprint/Conversion/Passes.h"
#include "Sprint/Dialect/TMTensor/IR/TMTensor.h"
#include "Sprint/Execution/Execution.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/Support/FormatVariadic.h"

#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace mlir::sprint;

namespace {

/// The sizes of the logits in a test that leaves them dynamic; those of a matrix are the first and
/// the last.
constexpr int64_t kSizes[] = {2, 3, 5, 7};

constexpr const char *kMaps = R"(
  #ij = affine_map<(i, j) -> (i, j)>
  #i = affine_map<(i, j) -> (i)>
  #j = affine_map<(i, j) -> (j)>
  #bij = affine_map<(b, h, i, j) -> (b, h, i, j)>
  #bj = affine_map<(b, h, i, j) -> (b, j)>
)";

/// What the softmax makes of a row of minus infinities: NaN or zeros.
enum class SoftmaxKind { Plain, Safe };

/// A function whose first argument has the shape of the logits, batch, heads, queries and keys, and
/// whose result is a tensor that is added to them, or of truth values, that selects them. The
/// result's dimensions are the last of the logits'; of size 1 they are the same for all.
class MaskAnalysisTest : public ::testing::Test {
protected:
  MaskAnalysisTest() {
    DialectRegistry registry;
    registry
        .insert<arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect, math::MathDialect,
                tensor::TensorDialect, SprintDialect, tm_tensor::TMTensorDialect>();
    registerExecution(registry);
    context.appendDialectRegistry(registry);
    context.loadDialect<SprintDialect>();
  }

  /// Analyses the function and compares the operands with its result, for every logit. Gives what
  /// the analysis found, such as `band<upper = 0> key_valid:2x7 zero`. Floats are scaled by
  /// `factor`.
  std::string analyze(const std::string &text, SoftmaxKind kind = SoftmaxKind::Plain,
                      std::optional<double> otherwise = std::nullopt, double factor = 1.0) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(kMaps + text, &context, "test.mlir");
    if (!module)
      return "not parsed";
    func::FuncOp function = *module->getOps<func::FuncOp>().begin();
    auto end = cast<func::ReturnOp>(function.front().getTerminator());
    Value logits = function.getArgument(0);

    MaskAnalysis analysis(
        {sizeOf(logits, 0), sizeOf(logits, 1), sizeOf(logits, 2), sizeOf(logits, 3)}, &context);
    Value tensor = end.getOperand(0);
    auto type = cast<RankedTensorType>(tensor.getType());
    // What broadcasts has the sizes of the logits, or 1.
    int64_t missing = 4 - type.getRank();
    for (int64_t dimension = 0; dimension < type.getRank(); ++dimension)
      if (type.getDimSize(dimension) != 1)
        analysis.setEqual(sizeOf(tensor, dimension), sizeOf(logits, dimension + missing));
    SmallVector<Expr> indices;
    for (int64_t dimension = 0; dimension < type.getRank(); ++dimension)
      indices.push_back(type.getDimSize(dimension) == 1
                            ? analysis.getFactory().integer(0)
                            : analysis.getPosition(static_cast<Position>(dimension + missing)));
    ScoreTerm term;
    term.element = analysis.getEvaluator().evaluate(tensor, indices);
    term.factor = factor;
    term.type = Float32Type::get(&context);
    if (type.getElementType().isInteger(1)) {
      term.kind = ScoreTerm::Kind::AllowedWhereTrue;
      term.otherwise = otherwise.value_or(-std::numeric_limits<double>::infinity());
    } else {
      term.type = type.getElementType();
    }
    Softmax softmax;
    softmax.allowed = softmax.remaining = analysis.getFactory().truth(true);
    softmax.isSafe = kind == SoftmaxKind::Safe;
    softmax.subtractsMaximum = true;
    if (failed(analysis.add(term)) || failed(analysis.finish(softmax)))
      return analysis.getReason().str();

    OpBuilder builder(end);
    SmallVector<Value> operands = analysis.materialize(builder, end.getLoc());
    std::string found = describe(analysis.getAttributes(), operands);
    SmallVector<Value> results{tensor};
    for (Value operand : operands)
      if (operand)
        results.push_back(operand);
    end.getOperandsMutable().assign(results);
    function.setFunctionType(
        FunctionType::get(&context, function.getArgumentTypes(), TypeRange(ValueRange(results))));
    EXPECT_TRUE(succeeded(verify(*module)));
    compare(*module, function, analysis.getAttributes().band, operands, factor);
    return found;
  }

private:
  static std::string describe(const MaskAnalysis::Attributes &attributes,
                              ArrayRef<Value> operands) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    if (attributes.band) {
      std::string band;
      llvm::raw_string_ostream(band) << Attribute(attributes.band);
      stream << StringRef(band).drop_front(StringRef("#sprint.").size()) << " ";
    }
    for (auto [region, operand] : llvm::zip_equal(getOptionalRegions(), operands)) {
      if (!operand)
        continue;
      auto type = cast<RankedTensorType>(operand.getType());
      stream << sprint_isa::stringifyMemoryRegion(region) << ":";
      llvm::interleave(
          type.getShape(),
          [&](int64_t size) {
            stream << (ShapedType::isDynamic(size) ? "?" : std::to_string(size));
          },
          [&] { stream << "x"; });
      stream << (operand.getDefiningOp<linalg::GenericOp>() ? " " : "= ");
    }
    stream << stringifyEmptyRow(attributes.emptyRow);
    if (attributes.maskedLogit)
      stream << llvm::formatv(" masked_logit {0:F0}", attributes.maskedLogit.getValueAsDouble());
    return text;
  }

  /// Element `position` of a tensor whose dimensions are the last of the logits', perhaps of size
  /// 1.
  template <typename T> static T at(const HostTensor &tensor, ArrayRef<int64_t> position) {
    int64_t place = 0;
    size_t missing = position.size() - tensor.shape.size();
    for (auto [size, index] : llvm::zip_equal(tensor.shape, position.drop_front(missing)))
      place = place * size + (size == 1 ? 0 : index);
    return tensor.getElements<T>()[place];
  }

  void compare(ModuleOp module, func::FuncOp function, BandAttr band, ArrayRef<Value> operands,
               double factor) {
    PassManager passManager(&context);
    passManager.addPass(createConvertTMTensorToLinalg());
    ASSERT_TRUE(succeeded(passManager.run(module)));
    FailureOr<std::unique_ptr<Executable>> executable =
        Executable::compile(module, function.getName());
    ASSERT_TRUE(succeeded(executable));
    std::mt19937 random(7);
    std::vector<std::vector<uint64_t>> storage;
    std::vector<SmallVector<int64_t>> shapes;
    SmallVector<ElementType> types;
    for (Type argument : function.getArgumentTypes()) {
      auto type = cast<RankedTensorType>(argument);
      SmallVector<int64_t> shape(type.getShape());
      for (auto [index, size] : llvm::enumerate(shape))
        if (ShapedType::isDynamic(size))
          size = kSizes[shape.size() == 2 && index == 0 ? 0 : index + 4 - shape.size()];
      shapes.push_back(shape);
      storage.emplace_back(ShapedType::getNumElements(shape));
      if (type.getElementType().isF32()) {
        types.push_back(ElementType::F32);
        auto *numbers = reinterpret_cast<float *>(storage.back().data());
        for (size_t index = 0; index < storage.back().size(); ++index)
          numbers[index] = static_cast<float>(random() % 16) / 8.0f;
        continue;
      }
      bool isTruth = type.getElementType().isInteger(1);
      types.push_back(isTruth ? ElementType::I1 : ElementType::I64);
      auto *truths = reinterpret_cast<uint8_t *>(storage.back().data());
      for (size_t index = 0; index < storage.back().size(); ++index)
        (isTruth ? truths[index] : truths[8 * index]) = random() % 2;
    }
    SmallVector<TensorRef> inputs;
    for (auto [type, shape, elements] : llvm::zip_equal(types, shapes, storage))
      inputs.push_back({type, shape, elements.data()});
    llvm::Expected<std::vector<HostTensor>> results = (*executable)->run(inputs);
    ASSERT_TRUE(static_cast<bool>(results)) << llvm::toString(results.takeError());

    size_t next = 1;
    auto take = [&](Value operand) { return operand ? &(*results)[next++] : nullptr; };
    const HostTensor &term = results->front();
    const HostTensor *keyValid = take(operands[0]), *mask = take(operands[1]),
                     *bias = take(operands[2]), *querySegments = take(operands[3]),
                     *keySegments = take(operands[4]);
    ArrayRef<int64_t> sizes = shapes.front();
    for (int64_t b = 0; b < sizes[0]; ++b)
      for (int64_t h = 0; h < sizes[1]; ++h)
        for (int64_t i = 0; i < sizes[2]; ++i)
          for (int64_t j = 0; j < sizes[3]; ++j) {
            int64_t position[] = {b, h, i, j};
            int64_t distance = j - i;
            if (band && band.getAlign() == Align::End)
              distance -= sizes[3] - sizes[2];
            bool isAllowed = !band || (distance >= band.getLower().value_or(INT64_MIN) &&
                                       distance <= band.getUpper().value_or(INT64_MAX));
            if (keyValid)
              isAllowed &= at<uint8_t>(*keyValid, {b, j}) != 0;
            if (mask)
              isAllowed &= at<uint8_t>(*mask, position) != 0;
            if (querySegments)
              isAllowed &= at<int32_t>(*querySegments, {b, i}) == at<int32_t>(*keySegments, {b, j});
            float added = bias ? at<float>(*bias, position) : 0.0f;
            isAllowed &= added > -10000.0f;
            float source = term.elementType == ElementType::I1
                               ? (at<uint8_t>(term, position) ? 0.0f : -INFINITY)
                               : static_cast<float>(factor) * at<float>(term, position);
            ASSERT_EQ(isAllowed, source > -10000.0f) << b << " " << h << " " << i << " " << j;
            if (isAllowed)
              ASSERT_FLOAT_EQ(added, source) << b << " " << h << " " << i << " " << j;
          }
  }

  MLIRContext context;
};

/// A [queries, keys] tensor of f32 made by `body` from %i and %j, i64, and %bool of type i1, that
/// is 0 where the body's `%keep` is true and `masked` elsewhere.
std::string positions(const std::string &body, const std::string &masked = "0xFF800000",
                      const std::string &sizes = "2x3x5x7") {
  return R"(
  func.func @main(%logits: tensor<)" +
         sizes + R"(xf32>) -> tensor<)" + sizes.substr(4) + R"(xf32> {
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant )" +
         masked + R"( : f32
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %sq = tensor.dim %logits, %c2 : tensor<)" +
         sizes + R"(xf32>
    %sk = tensor.dim %logits, %c3 : tensor<)" +
         sizes + R"(xf32>
    %queries = arith.index_cast %sq : index to i64
    %keys = arith.index_cast %sk : index to i64
    %any = tensor.empty(%sq, %sk) : tensor<?x?xf32>
    %init = tensor.cast %any : tensor<?x?xf32> to tensor<)" +
         sizes.substr(4) + R"(xf32>
    %0 = linalg.generic {indexing_maps = [#ij], iterator_types = ["parallel", "parallel"]}
        outs(%init : tensor<)" +
         sizes.substr(4) + R"(xf32>) {
    ^bb0(%out: f32):
      %row = linalg.index 0 : index
      %column = linalg.index 1 : index
      %i = arith.index_cast %row : index to i64
      %j = arith.index_cast %column : index to i64
      )" +
         body + R"(
      %r = arith.select %keep, %zero, %masked : f32
      linalg.yield %r : f32
    } -> tensor<)" +
         sizes.substr(4) + R"(xf32>
    return %0 : tensor<)" +
         sizes.substr(4) + R"(xf32>
  })";
}

constexpr const char *kDynamic = "?x?x?x?";
const std::string kCausal = "%keep = arith.cmpi sle, %j, %i : i64";

TEST_F(MaskAnalysisTest, Causal) {
  EXPECT_EQ(analyze(positions(kCausal)), "band<upper = 0> zero");
  EXPECT_EQ(analyze(positions(kCausal, "-3.40282347E+38", kDynamic)), "band<upper = 0> zero");
  // The same from the difference, as triu writes it.
  EXPECT_EQ(analyze(positions(R"(%d = arith.subi %j, %i : i64
      %one = arith.constant 1 : i64
      %above = arith.cmpi sge, %d, %one : i64
      %true = arith.constant true
      %keep = arith.xori %above, %true : i1)")),
            "band<upper = 0> zero");
}

TEST_F(MaskAnalysisTest, AlignedToTheEnd) {
  // 7 keys, 5 queries: two keys are of the past.
  const std::string body = R"(%past = arith.subi %keys, %queries : i64
      %place = arith.addi %i, %past : i64
      %keep = arith.cmpi sle, %j, %place : i64)";
  EXPECT_EQ(analyze(positions(body)), "band<upper = 2> zero");
  // More queries than keys would leave the first without any.
  EXPECT_EQ(analyze(positions(body, "0xFF800000", kDynamic)), "band<upper = 0, align = end> nan");
  EXPECT_EQ(analyze(positions(body, "0xFF800000", kDynamic), SoftmaxKind::Safe),
            "band<upper = 0, align = end> zero");
}

TEST_F(MaskAnalysisTest, Windows) {
  const std::string sliding = R"(%causal = arith.cmpi sle, %j, %i : i64
      %three = arith.constant 3 : i64
      %first = arith.subi %i, %three : i64
      %near = arith.cmpi sgt, %j, %first : i64
      %keep = arith.andi %causal, %near : i1)";
  EXPECT_EQ(analyze(positions(sliding)), "band<lower = -2, upper = 0> zero");
  // A query behind all keys by more than the window has none.
  EXPECT_EQ(analyze(positions(sliding, "0xFF800000", kDynamic)), "band<lower = -2, upper = 0> nan");
  EXPECT_EQ(analyze(positions(R"(%d = arith.subi %i, %j : i64
      %distance = math.absi %d : i64
      %two = arith.constant 2 : i64
      %keep = arith.cmpi sle, %distance, %two : i64)")),
            "band<lower = -2, upper = 2> zero");
  // As wide as everything.
  EXPECT_EQ(analyze(positions(R"(%d = arith.subi %i, %j : i64
      %many = arith.constant 4096 : i64
      %keep = arith.cmpi slt, %d, %many : i64)")),
            "zero");
}

TEST_F(MaskAnalysisTest, Segments) {
  // Blocks of three tokens, and every fourth key from the query's on.
  const std::string blocks = R"(%three = arith.constant 3 : i64
      %own = arith.divsi %i, %three : i64
      %other = arith.divsi %j, %three : i64
      %keep = arith.cmpi eq, %own, %other : i64)";
  EXPECT_EQ(analyze(positions(blocks), SoftmaxKind::Safe),
            "query_segments:2x5 key_segments:2x7 zero");
  EXPECT_EQ(analyze(positions(R"(%four = arith.constant 4 : i64
      %own = arith.remsi %i, %four : i64
      %other = arith.remsi %j, %four : i64
      %differ = arith.cmpi ne, %own, %other : i64
      %before = arith.cmpi slt, %j, %i : i64
      %masked_0 = arith.ori %differ, %before : i1
      %true = arith.constant true
      %keep = arith.xori %masked_0, %true : i1)"),
                    SoftmaxKind::Safe),
            "band<lower = 0> query_segments:2x5 key_segments:2x7 zero");
  // The key at a query's own position is allowed, if there is one.
  EXPECT_EQ(analyze(positions(blocks, "0xFF800000", "2x3x5x5")),
            "query_segments:2x5 key_segments:2x5 zero");
  EXPECT_EQ(analyze(positions(blocks, "0xFF800000", "2x3x7x5")),
            "query_segments:2x7 key_segments:2x5 nan");
}

TEST_F(MaskAnalysisTest, FloatComparisons) {
  const std::string body = R"(%fi = arith.sitofp %i : i64 to f32
      %fj = arith.sitofp %j : i64 to f32
      %d = arith.subf %fj, %fi : f32
      %half = arith.constant 0.0 : f32
      %keep = arith.cmpf ole, %d, %half : f32)";
  EXPECT_EQ(analyze(positions(body)), "band<upper = 0> zero");
  // Beyond 2^24 an f32 does not tell all positions apart.
  EXPECT_EQ(analyze(positions(body, "0xFF800000", kDynamic)), "mask:1x1x?x? nan");
}

TEST_F(MaskAnalysisTest, NotABand) {
  // Blocks of two.
  EXPECT_EQ(analyze(positions(R"(%two = arith.constant 2 : i64
      %bi = arith.divsi %i, %two : i64
      %bj = arith.divsi %j, %two : i64
      %keep = arith.cmpi eq, %bi, %bj : i64)")),
            "query_segments:2x5 key_segments:2x7 nan");
  // Keys up to the fifth, for all queries.
  EXPECT_EQ(analyze(positions(R"(%four = arith.constant 4 : i64
      %keep = arith.cmpi sle, %j, %four : i64)",
                              "-1.0e+09")),
            "key_valid:2x7 nan masked_logit -1000000000");
  // A prefix that all queries see, then causal.
  EXPECT_EQ(analyze(positions(R"(%two = arith.constant 2 : i64
      %prefix = arith.cmpi slt, %j, %two : i64
      %causal = arith.cmpi sle, %j, %i : i64
      %keep = arith.ori %prefix, %causal : i1)")),
            "mask:1x1x5x7 nan");
  // Half of the bounds is aligned to the start, half to the end.
  EXPECT_EQ(analyze(positions(R"(%past = arith.subi %keys, %queries : i64
      %place = arith.addi %i, %past : i64
      %upper = arith.cmpi sle, %j, %place : i64
      %lower = arith.cmpi sge, %j, %i : i64
      %keep = arith.andi %upper, %lower : i1)",
                              "0xFF800000", kDynamic)),
            "band<upper = 0, align = end> mask:1x1x?x? nan");
}

TEST_F(MaskAnalysisTest, WeightlessConstants) {
  // -10000 masks; where a query may have no other key, what the source makes of the scores counts.
  EXPECT_EQ(analyze(positions(kCausal, "-1.0e+04")), "band<upper = 0> zero");
  EXPECT_EQ(analyze(positions("%three = arith.constant 3 : i64\n"
                              "%keep = arith.cmpi slt, %j, %three : i64",
                              "-1.0e+04")),
            "key_valid:2x7 nan masked_logit -10000");
  // -100 is a bias, as the masks of shifted windows.
  EXPECT_EQ(analyze(positions(kCausal, "-1.0e+02")), "bias:1x1x5x7= zero");
}

/// Adds `body`'s %r, of %valid of `type` for the key and causal %keep, over all logits.
std::string padding(const std::string &type, const std::string &body,
                    const std::string &sizes = "2x3x5x7") {
  return R"(
  func.func @main(%logits: tensor<)" +
         sizes + R"(xf32>, %mask: tensor<)" + sizes.substr(0, 2) + sizes.substr(6) + "x" + type +
         R"(>) -> tensor<)" + sizes + R"(xf32> {
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %lowest = arith.constant -3.40282347E+38 : f32
    %c0 = arith.constant 0 : i64
    %0 = linalg.generic {indexing_maps = [#bj, #bij],
                         iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%mask : tensor<)" +
         sizes.substr(0, 2) + sizes.substr(6) + "x" + type + R"(>)
        outs(%logits : tensor<)" +
         sizes + R"(xf32>) {
    ^bb0(%valid: )" +
         type + R"(, %out: f32):
      %i = linalg.index 2 : index
      %j = linalg.index 3 : index
      %causal = arith.cmpi ule, %j, %i : index
      )" +
         body + R"(
      linalg.yield %r : f32
    } -> tensor<)" +
         sizes + R"(xf32>
    return %0 : tensor<)" +
         sizes + R"(xf32>
  })";
}

TEST_F(MaskAnalysisTest, Padding) {
  const std::string selected = "%r = arith.select %valid, %zero, %lowest : f32";
  EXPECT_EQ(analyze(padding("i1", selected)), "key_valid:2x7= uniform");
  EXPECT_EQ(analyze(padding("i1", selected, kDynamic)), "key_valid:?x?= uniform");
  EXPECT_EQ(analyze(padding("i64", R"(%is = arith.cmpi ne, %valid, %c0 : i64
      %both = arith.andi %is, %causal : i1
      %r = arith.select %both, %zero, %lowest : f32)",
                            kDynamic)),
            "band<upper = 0> key_valid:?x? uniform");
  // (1 - mask) * lowest: of truth values, and of integers that are 0 or 1, it is a mask.
  EXPECT_EQ(analyze(padding("i1", R"(%number = arith.uitofp %valid : i1 to f32
      %not = arith.subf %one, %number : f32
      %r = arith.mulf %not, %lowest : f32)")),
            "key_valid:2x7= uniform");
  EXPECT_EQ(analyze(padding("i64", R"(%number = arith.sitofp %valid : i64 to f32
      %not = arith.subf %one, %number : f32
      %r = arith.mulf %not, %lowest : f32)")),
            "key_valid:2x7 uniform");
  // Filled where it is not zero, as the encoder of a BERT did.
  EXPECT_EQ(analyze(padding("i64", R"(%number = arith.sitofp %valid : i64 to f32
      %not = arith.subf %one, %number : f32
      %padded = arith.cmpf une, %not, %zero : f32
      %r = arith.select %padded, %lowest, %not : f32)")),
            "key_valid:2x7 uniform");
  // Of two masks in one number: selected, and added where no row has both.
  EXPECT_EQ(analyze(padding("i1", R"(%left = arith.select %valid, %zero, %lowest : f32
      %r = arith.select %causal, %left, %lowest : f32)")),
            "band<upper = 0> key_valid:2x7= uniform");
  EXPECT_EQ(analyze(padding("i1", R"(%left = arith.select %causal, %zero, %lowest : f32
      %r = arith.addf %left, %left : f32)")),
            "band<upper = 0> zero");
  // Where a row may have neither, a sum of two lowest numbers is less than one: each keeps its own.
  EXPECT_EQ(analyze(padding("i1", R"(%left = arith.select %valid, %zero, %lowest : f32
      %right = arith.select %causal, %zero, %lowest : f32
      %r = arith.addf %left, %right : f32)")),
            "mask:2x1x5x7 bias:2x1x5x7 nan masked_logit -INF");
  EXPECT_EQ(analyze(padding("i1", R"(%other = arith.constant -1.0e+30 : f32
      %left = arith.select %valid, %zero, %lowest : f32
      %r = arith.select %causal, %left, %other : f32)")),
            "bias:2x1x5x7 nan masked_logit -INF");
  // Two infinite ones are as low as one.
  EXPECT_EQ(analyze(padding("i1", R"(%infinite = arith.constant 0xFF800000 : f32
      %left = arith.select %valid, %zero, %infinite : f32
      %right = arith.select %causal, %zero, %infinite : f32
      %r = arith.addf %left, %right : f32)")),
            "band<upper = 0> key_valid:2x7= nan");
}

TEST_F(MaskAnalysisTest, Biases) {
  // ALiBi: falls with the distance, by a slope of the head.
  EXPECT_EQ(analyze(padding("i1", R"(%h = linalg.index 1 : index
      %h64 = arith.index_cast %h : index to i64
      %head = arith.sitofp %h64 : i64 to f32
      %eighth = arith.constant 1.250000e-01 : f32
      %slope = arith.mulf %head, %eighth : f32
      %j64 = arith.index_cast %j : index to i64
      %place = arith.sitofp %j64 : i64 to f32
      %bias = arith.mulf %slope, %place : f32
      %r = arith.select %causal, %bias, %lowest : f32)")),
            "band<upper = 0> bias:1x3x1x7 zero");
  // A constant changes no softmax.
  EXPECT_EQ(analyze(R"(
  func.func @main(%logits: tensor<2x3x5x7xf32>, %bias: tensor<3x5x7xf32>) -> tensor<3x5x7xf32> {
    return %bias : tensor<3x5x7xf32>
  })"),
            "bias:1x3x5x7= nan masked_logit -INF");
}

TEST_F(MaskAnalysisTest, NegativeFactors) {
  const std::string padded = R"(%number = arith.uitofp %valid : i1 to f32
      %r = arith.subf %one, %number : f32)";
  EXPECT_EQ(analyze(padding("i1", padded), SoftmaxKind::Plain, std::nullopt, -0x1p100),
            "key_valid:2x7= uniform");
  // As that of an XLNet: it leaves the scores their part in a row without a key.
  EXPECT_EQ(analyze(padding("i1", padded), SoftmaxKind::Plain, std::nullopt, -65500.0),
            "key_valid:2x7= nan masked_logit -65500");
  EXPECT_EQ(analyze(padding("i1", R"(%number = arith.uitofp %valid : i1 to f32
      %less = arith.subf %number, %one : f32
      %highest = arith.constant 3.40282347E+38 : f32
      %r = arith.mulf %less, %highest : f32)")),
            "key_valid:2x7= uniform");
}

// A tensor that the logits do not cover is read element by element, or its slice is.
TEST_F(MaskAnalysisTest, LargerTensors) {
  const std::string sliced = R"(
  func.func @main(%logits: tensor<2x3x5x7xf32>, %table: tensor<3x5x9xf32>) -> tensor<3x5x7xf32> {
    %slice = tensor.extract_slice %table[0, 0, 0] [3, 5, 7] [1, 1, 1] : tensor<3x5x9xf32> to tensor<3x5x7xf32>
    return %slice : tensor<3x5x7xf32>
  })";
  EXPECT_EQ(analyze(sliced), "bias:1x3x5x7= nan masked_logit -INF");
  EXPECT_EQ(analyze(sliced, SoftmaxKind::Plain, std::nullopt, 0.5),
            "bias:1x3x5x7 nan masked_logit -INF");
  EXPECT_EQ(analyze(R"(
  func.func @main(%logits: tensor<2x3x5x7xf32>, %table: tensor<9x9xf32>) -> tensor<5x7xf32> {
    %half = arith.constant 0.5 : f32
    %init = tensor.empty() : tensor<5x7xf32>
    %0 = linalg.generic {indexing_maps = [#ij], iterator_types = ["parallel", "parallel"]}
        outs(%init : tensor<5x7xf32>) {
    ^bb0(%out: f32):
      %i = linalg.index 0 : index
      %j = linalg.index 1 : index
      %element = tensor.extract %table[%i, %j] : tensor<9x9xf32>
      linalg.yield %element : f32
    } -> tensor<5x7xf32>
    return %0 : tensor<5x7xf32>
  })",
                    SoftmaxKind::Plain, std::nullopt, 0.5),
            "bias:1x1x5x7 nan masked_logit -INF");
}

TEST_F(MaskAnalysisTest, Arguments) {
  EXPECT_EQ(analyze(R"(
  func.func @main(%logits: tensor<2x3x5x7xf32>, %mask: tensor<2x1x5x7xi1>) -> tensor<2x1x5x7xi1> {
    return %mask : tensor<2x1x5x7xi1>
  })"),
            "mask:2x1x5x7= nan");
  EXPECT_EQ(analyze(R"(
  func.func @main(%logits: tensor<2x3x5x7xf32>, %mask: tensor<2x1x1x7xi1>) -> tensor<2x1x1x7xi1> {
    return %mask : tensor<2x1x1x7xi1>
  })",
                    SoftmaxKind::Safe),
            "key_valid:2x7= zero");
  EXPECT_EQ(analyze(R"(
  func.func @main(%logits: tensor<2x3x5x7xf32>, %mask: tensor<5x1xi1>) -> tensor<5x1xi1> {
    return %mask : tensor<5x1xi1>
  })",
                    SoftmaxKind::Plain, -1.0e4),
            "mask:1x1x5x7 uniform");
}

TEST_F(MaskAnalysisTest, ConstantTriangle) {
  EXPECT_EQ(analyze(R"(
  func.func @main(%logits: tensor<2x3x2x3xf32>) -> tensor<2x3xi1> {
    %triangle = arith.constant dense<[[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]> : tensor<4x4xi8>
    %zero = arith.constant 0 : i8
    %empty = tensor.empty() : tensor<4x4xi1>
    %keep = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]}
        ins(%triangle : tensor<4x4xi8>) outs(%empty : tensor<4x4xi1>) {
    ^bb0(%in: i8, %out: i1):
      %r = arith.cmpi ne, %in, %zero : i8
      linalg.yield %r : i1
    } -> tensor<4x4xi1>
    %slice = tensor.extract_slice %keep[1, 0] [2, 3] [1, 1] : tensor<4x4xi1> to tensor<2x3xi1>
    return %slice : tensor<2x3xi1>
  })"),
            "band<upper = 1> zero");
}

// Differences of positions that follow one another, summed: one sequence, whose number is 0. So
// torch finds the sequences that are packed into one row.
TEST_F(MaskAnalysisTest, OnePackedSequence) {
  EXPECT_EQ(analyze(R"(
  func.func @main(%logits: tensor<2x3x5x5xf32>) -> tensor<5x5xi1> {
    %c0 = arith.constant 0 : i64
    %c1 = arith.constant 1 : i64
    %line = tensor.empty() : tensor<5xi64>
    %matrix = tensor.empty() : tensor<5x5xi1>
    %places = linalg.generic {indexing_maps = [affine_map<(d) -> (d)>], iterator_types = ["parallel"]}
        outs(%line : tensor<5xi64>) {
    ^bb0(%out: i64):
      %index = linalg.index 0 : index
      %r = arith.index_cast %index : index to i64
      linalg.yield %r : i64
    } -> tensor<5xi64>
    %before = arith.constant dense<-1> : tensor<1xi64>
    %all = tensor.concat dim(0) %before, %places : (tensor<1xi64>, tensor<5xi64>) -> tensor<6xi64>
    %left = tensor.extract_slice %all[0] [5] [1] : tensor<6xi64> to tensor<5xi64>
    %right = tensor.extract_slice %all[1] [5] [1] : tensor<6xi64> to tensor<5xi64>
    %starts = linalg.generic {indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> (d)>, affine_map<(d) -> (d)>],
                              iterator_types = ["parallel"]}
        ins(%left, %right : tensor<5xi64>, tensor<5xi64>) outs(%line : tensor<5xi64>) {
    ^bb0(%l: i64, %r: i64, %out: i64):
      %step = arith.subi %r, %l : i64
      %jumps = arith.cmpi ne, %step, %c1 : i64
      %number = arith.extui %jumps : i1 to i64
      linalg.yield %number : i64
    } -> tensor<5xi64>
    %acc = arith.constant dense<0> : tensor<i64>
    %sequence:2 = tm_tensor.scan dimension(0) inclusive(true) ins(%starts : tensor<5xi64>)
        outs(%line, %acc : tensor<5xi64>, tensor<i64>) {
    ^bb0(%sum: i64, %element: i64):
      %next = arith.addi %sum, %element : i64
      tm_tensor.yield %next : i64
    } -> tensor<5xi64>, tensor<i64>
    %same = linalg.generic {indexing_maps = [#i, #j, #ij], iterator_types = ["parallel", "parallel"]}
        ins(%sequence#0, %sequence#0 : tensor<5xi64>, tensor<5xi64>) outs(%matrix : tensor<5x5xi1>) {
    ^bb0(%a: i64, %b: i64, %out: i1):
      %r = arith.cmpi eq, %a, %b : i64
      linalg.yield %r : i1
    } -> tensor<5x5xi1>
    return %same : tensor<5x5xi1>
  })"),
            "zero");
}

TEST_F(MaskAnalysisTest, Refused) {
  const char *mask = R"(
  func.func @main(%logits: tensor<2x3x5x7xf32>, %mask: tensor<5x7xi1>) -> tensor<5x7xi1> {
    return %mask : tensor<5x7xi1>
  })";
  EXPECT_NE(analyze(mask, SoftmaxKind::Plain, -100.0).find("expected a logit of masked keys of"),
            std::string::npos);
}

/// A long chain of ops that use the last result twice.
std::string chain(const std::string &op) {
  std::string text = R"(
  func.func @main(%logits: tensor<2x3x5x7xf32>, %mask: tensor<5x7xf32>) -> tensor<5x7xf32> {
    %init = tensor.empty() : tensor<5x7xf32>
    %v0 = tensor.cast %mask : tensor<5x7xf32> to tensor<5x7xf32>
)";
  constexpr int kLength = 1000;
  for (int step = 0; step < kLength; ++step) {
    std::string before = "%v" + std::to_string(step), after = "%v" + std::to_string(step + 1);
    text += after + R"( = linalg.generic {indexing_maps = [#ij, #ij, #ij],
                                          iterator_types = ["parallel", "parallel"]}
        ins()" +
            before + ", " + before + R"( : tensor<5x7xf32>, tensor<5x7xf32>)
        outs(%init : tensor<5x7xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %r = )" +
            op + R"( %a, %b : f32
      linalg.yield %r : f32
    } -> tensor<5x7xf32>
)";
  }
  return text + "return %v" + std::to_string(kLength) + " : tensor<5x7xf32>\n}";
}

// What doubles with each op ends in time.
TEST_F(MaskAnalysisTest, HostileChains) {
  EXPECT_EQ(analyze(chain("arith.maximumf")), "bias:1x1x5x7= nan masked_logit -INF");
  EXPECT_EQ(analyze(chain("arith.addf")), "bias:1x1x5x7= nan masked_logit -INF");
}

} // namespace
