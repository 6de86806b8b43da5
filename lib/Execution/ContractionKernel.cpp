//===- ContractionKernel.cpp - Sums of products on the host -----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loops of a contraction are those of a matrix product in a different guise: a loop that only
// the left operand and the result follow runs over rows, one that only the right operand and the
// result follow over columns, one that the result does not follow over the sum, and one that all
// follow over separate products. Loops of a kind that one loop can stand for are merged. What then
// is no matrix with unit stride, such as the windows of a convolution, is packed into one, a block
// of rows at a time.
//
// Nothing here has a destructor: running out of memory jumps out of all of it.
//
//===----------------------------------------------------------------------===//

#include "ContractionKernel.h"

#include "Run.h"
#include "Sprint/Execution/Execution.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"

#include <cblas.h>

#include <algorithm>
#include <array>
#include <climits>

using namespace mlir::sprint;

namespace {

/// Elements of a block of packed rows, about what a second-level cache holds.
constexpr int64_t kBlockElements = int64_t(1) << 17;

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// An IEEE half as C++ converts it.
using Half = _Float16;

/// The upper half of an f32.
struct BFloat16 {
  uint16_t bits;

  explicit operator float() const { return llvm::bit_cast<float>(uint32_t(bits) << 16); }
  explicit operator double() const { return float(*this); }
  explicit BFloat16(float value) {
    uint32_t word = llvm::bit_cast<uint32_t>(value);
    // To nearest, ties to even; a NaN stays one.
    bool isNaN = value != value;
    bits = isNaN ? (word >> 16) | 0x40 : (word + 0x7fff + ((word >> 16) & 1)) >> 16;
  }
  explicit BFloat16(double value) : BFloat16(float(value)) {}
};

/// Calls `function` with a null pointer to the type of a format.
template <typename Function> void visitFormat(FloatFormat format, Function function) {
  switch (format) {
  case FloatFormat::F16:
    return function(static_cast<Half *>(nullptr));
  case FloatFormat::BF16:
    return function(static_cast<BFloat16 *>(nullptr));
  case FloatFormat::F32:
    return function(static_cast<float *>(nullptr));
  case FloatFormat::F64:
    return function(static_cast<double *>(nullptr));
  }
}

template <typename T> constexpr FloatFormat formatOf() {
  return std::is_same_v<T, float> ? FloatFormat::F32 : FloatFormat::F64;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// Loops of one kind, outermost first.
struct Nest {
  std::array<ContractionLoop, kMaxContractionLoops> loops;
  int64_t count = 0;

  void add(const ContractionLoop &loop) { loops[count++] = loop; }

  /// Iterations of all loops together.
  int64_t size() const {
    int64_t product = 1;
    for (int64_t index = 0; index < count; ++index)
      product *= loops[index].size;
    return product;
  }

  /// Merges loops that one loop can stand for.
  void merge() {
    auto continues = [](const ContractionLoop &outer, const ContractionLoop &inner) {
      return outer.left == inner.left * inner.size && outer.right == inner.right * inner.size &&
             outer.result == inner.result * inner.size;
    };
    auto mergeOne = [&] {
      for (int64_t outer = 0; outer < count; ++outer)
        for (int64_t inner = 0; inner < count; ++inner) {
          if (outer == inner || !continues(loops[outer], loops[inner]))
            continue;
          loops[inner].size *= loops[outer].size;
          std::copy(loops.begin() + outer + 1, loops.begin() + count, loops.begin() + outer);
          --count;
          return true;
        }
      return false;
    };
    while (mergeOne())
      ;
  }

  /// By how much the operand of `stride` has advanced at `iteration`.
  int64_t offsetAt(int64_t iteration, int64_t ContractionLoop::*stride) const {
    int64_t offset = 0;
    for (int64_t index = count; index-- > 0;) {
      offset += iteration % loops[index].size * (loops[index].*stride);
      iteration /= loops[index].size;
    }
    return offset;
  }

  /// Where no more than one loop is left, its stride.
  int64_t strideOf(int64_t ContractionLoop::*stride) const { return count ? loops[0].*stride : 0; }
};

/// Memory of the run while a contraction needs it.
template <typename T> T *allocate(int64_t count) {
  return static_cast<T *>(allocateBuffer(count * sizeof(T)));
}

/// Offsets of iterations `begin` to `begin + count`.
void writeOffsets(const Nest &nest, int64_t ContractionLoop::*stride, int64_t begin, int64_t count,
                  int64_t *offsets) {
  for (int64_t index = 0; index < count; ++index)
    offsets[index] = nest.offsetAt(begin + index, stride);
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

/// A matrix as BLAS takes it.
template <typename T> struct Matrix {
  T *data = nullptr;
  int64_t leading = 0;
  bool isTransposed = false;

  CBLAS_TRANSPOSE order() const { return isTransposed ? CblasTrans : CblasNoTrans; }
};

/// Whether strides and sizes are those of a matrix that BLAS takes as it stands; the order it has
/// is written to `matrix`.
template <typename T>
bool isMatrix(int64_t rows, int64_t rowStride, int64_t columns, int64_t columnStride,
              Matrix<T> &matrix) {
  auto fits = [&](int64_t outer, int64_t outerStride, int64_t inner, int64_t innerStride) {
    if (inner > 1 && innerStride != 1)
      return false;
    matrix.leading = outer > 1 ? outerStride : std::max<int64_t>(inner, 1);
    return matrix.leading >= inner && matrix.leading > 0 && matrix.leading <= INT_MAX;
  };
  matrix.isTransposed = !fits(rows, rowStride, columns, columnStride);
  return !matrix.isTransposed || fits(columns, columnStride, rows, rowStride);
}

void multiply(int64_t rows, int64_t columns, int64_t depth, const Matrix<float> &left,
              const Matrix<float> &right, const Matrix<float> &result, float keep) {
  cblas_sgemm(CblasRowMajor, left.order(), right.order(), rows, columns, depth, 1, left.data,
              left.leading, right.data, right.leading, keep, result.data, result.leading);
}

void multiply(int64_t rows, int64_t columns, int64_t depth, const Matrix<double> &left,
              const Matrix<double> &right, const Matrix<double> &result, double keep) {
  cblas_dgemm(CblasRowMajor, left.order(), right.order(), rows, columns, depth, 1, left.data,
              left.leading, right.data, right.leading, keep, result.data, result.leading);
}

/// Packs the elements at the sums of a row's and a column's offset into `packed`, which is
/// transposed if rows are what lies together in the source.
template <typename T, typename Source>
void pack(const Source *source, const int64_t *rowOffsets, int64_t rows,
          const int64_t *columnOffsets, int64_t columns, Matrix<T> &packed) {
  auto step = [](const int64_t *offsets, int64_t count) {
    return count > 1 ? std::abs(offsets[1] - offsets[0]) : INT64_MAX;
  };
  packed.isTransposed = step(rowOffsets, rows) < step(columnOffsets, columns);
  if (packed.isTransposed) {
    std::swap(rowOffsets, columnOffsets);
    std::swap(rows, columns);
  }
  packed.leading = std::max<int64_t>(columns, 1);
  T *target = packed.data;
  for (int64_t row = 0; row < rows; ++row) {
    const Source *base = source + rowOffsets[row];
    for (int64_t column = 0; column < columns; ++column)
      *target++ = static_cast<T>(base[columnOffsets[column]]);
  }
}

template <typename T>
void pack(const ContractionOperand &operand, int64_t base, const int64_t *rowOffsets, int64_t rows,
          const int64_t *columnOffsets, int64_t columns, Matrix<T> &packed) {
  visitFormat(operand.format, [&](auto *type) {
    using Source = std::remove_pointer_t<decltype(type)>;
    pack(static_cast<const Source *>(operand.data) + base, rowOffsets, rows, columnOffsets, columns,
         packed);
  });
}

/// Adds rows of sums to the result, or overwrites it.
template <typename T>
void unpack(const T *sums, const ContractionOperand &operand, int64_t base,
            const int64_t *rowOffsets, int64_t rows, const int64_t *columnOffsets, int64_t columns,
            bool overwrites) {
  visitFormat(operand.format, [&](auto *type) {
    using Target = std::remove_pointer_t<decltype(type)>;
    for (int64_t row = 0; row < rows; ++row) {
      Target *target = static_cast<Target *>(operand.data) + base + rowOffsets[row];
      for (int64_t column = 0; column < columns; ++column) {
        Target &element = target[columnOffsets[column]];
        T sum = *sums++;
        element = static_cast<Target>(overwrites ? sum : static_cast<T>(element) + sum);
      }
    }
  });
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

/// A contraction whose sums are of type T.
template <typename T> class Product {
public:
  explicit Product(const Contraction &contraction) : contraction(contraction) {
    for (int64_t index = 0; index < contraction.numLoops; ++index) {
      const ContractionLoop &loop = contraction.loops[index];
      if (loop.size != 1)
        nestOf(loop).add(loop);
    }
    for (Nest *nest : {&rows, &columns, &sum, &products})
      nest->merge();
  }

  void run() {
    numRows = rows.size(), numColumns = columns.size(), depth = sum.size();
    int64_t numProducts = products.size();
    if (numRows == 0 || numColumns == 0 || numProducts == 0)
      return;
    if (numColumns > INT_MAX || depth > INT_MAX)
      failExecution("expected a product of matrices with less than 2^31 columns");

    packsLeft = !isPlain(contraction.left, rows, sum, &ContractionLoop::left, left);
    packsRight = !isPlain(contraction.right, sum, columns, &ContractionLoop::right, right);
    packsResult = !isPlain(contraction.result, rows, columns, &ContractionLoop::result, result) ||
                  result.isTransposed;
    blockRows = numRows;
    if (packsLeft || packsResult)
      blockRows = std::clamp<int64_t>(kBlockElements / std::max({depth, numColumns, int64_t(1)}),
                                      std::min<int64_t>(numRows, 16), numRows);
    blockRows = std::min<int64_t>(blockRows, INT_MAX);

    rowOffsets = allocate<int64_t>(blockRows);
    columnOffsets = allocate<int64_t>(numColumns);
    depthOffsets = allocate<int64_t>(depth);
    if (packsLeft)
      left.data = allocate<T>(blockRows * depth);
    if (packsRight)
      right.data = allocate<T>(depth * numColumns);
    if (packsResult)
      result = {allocate<T>(blockRows * numColumns), numColumns, false};
    for (int64_t product = 0; product < numProducts; ++product)
      runProduct(product);
    freeBuffer(rowOffsets);
    freeBuffer(columnOffsets);
    freeBuffer(depthOffsets);
    if (packsLeft)
      freeBuffer(left.data);
    if (packsRight)
      freeBuffer(right.data);
    if (packsResult)
      freeBuffer(result.data);
  }

private:
  Nest &nestOf(const ContractionLoop &loop) {
    if (loop.result == 0)
      return sum;
    if (loop.left != 0)
      return loop.right == 0 ? rows : products;
    return loop.right != 0 ? columns : products;
  }

  static bool isPlain(const ContractionOperand &operand, const Nest &rows, const Nest &columns,
                      int64_t ContractionLoop::*stride, Matrix<T> &matrix) {
    return operand.format == formatOf<T>() && rows.count <= 1 && columns.count <= 1 &&
           isMatrix(rows.size(), rows.strideOf(stride), columns.size(), columns.strideOf(stride),
                    matrix);
  }

  /// One of the separate products.
  void runProduct(int64_t product) {
    int64_t leftBase = products.offsetAt(product, &ContractionLoop::left);
    int64_t rightBase = products.offsetAt(product, &ContractionLoop::right);
    int64_t resultBase = products.offsetAt(product, &ContractionLoop::result);
    if (packsRight) {
      writeOffsets(sum, &ContractionLoop::right, 0, depth, depthOffsets);
      writeOffsets(columns, &ContractionLoop::right, 0, numColumns, columnOffsets);
      pack(contraction.right, rightBase, depthOffsets, depth, columnOffsets, numColumns, right);
    } else {
      right.data = static_cast<T *>(contraction.right.data) + rightBase;
    }
    if (packsLeft)
      writeOffsets(sum, &ContractionLoop::left, 0, depth, depthOffsets);
    if (packsResult)
      writeOffsets(columns, &ContractionLoop::result, 0, numColumns, columnOffsets);

    for (int64_t begin = 0; begin < numRows; begin += blockRows) {
      int64_t count = std::min(blockRows, numRows - begin);
      if (packsLeft) {
        writeOffsets(rows, &ContractionLoop::left, begin, count, rowOffsets);
        pack(contraction.left, leftBase, rowOffsets, count, depthOffsets, depth, left);
      } else {
        left.data = static_cast<T *>(contraction.left.data) + leftBase +
                    rows.offsetAt(begin, &ContractionLoop::left);
      }
      if (packsResult) {
        multiply(count, numColumns, depth, left, right, result, 0);
        writeOffsets(rows, &ContractionLoop::result, begin, count, rowOffsets);
        unpack(result.data, contraction.result, resultBase, rowOffsets, count, columnOffsets,
               numColumns, contraction.overwrites);
      } else {
        result.data = static_cast<T *>(contraction.result.data) + resultBase +
                      rows.offsetAt(begin, &ContractionLoop::result);
        multiply(count, numColumns, depth, left, right, result, contraction.overwrites ? 0 : 1);
      }
    }
  }

  const Contraction &contraction;
  Nest rows, columns, sum, products;
  int64_t numRows, numColumns, depth, blockRows;
  bool packsLeft, packsRight, packsResult;
  Matrix<T> left, right, result;
  int64_t *rowOffsets, *columnOffsets, *depthOffsets;
};

} // namespace

/// Fails where there is not enough memory for what OpenBLAS packs matrices into: it takes one
/// buffer a thread, keeps it, and where it gets none asks again for ever.
static void checkBlasMemory() {
  // 32 << 22 bytes, on pages.
  constexpr size_t kBufferBytes = (size_t(128) << 20) + (size_t(64) << 10);
  static thread_local bool hasBuffer = false;
  if (hasBuffer)
    return;
  freeBuffer(allocateBuffer(kBufferBytes));
  hasBuffer = true;
}

void mlir::sprint::contract(const Contraction *contraction) {
  checkBlasMemory();
  if (contraction->result.format == FloatFormat::F64)
    Product<double>(*contraction).run();
  else
    Product<float>(*contraction).run();
}
